/* SPDX-License-Identifier: Apache-2.0 */
/* A public or private key, with what a policy asks about it. */
#ifndef SAMLC_KEYS_KEY_H
#define SAMLC_KEYS_KEY_H

#include <openssl/evp.h>

#include "core/base/result.h"
#include "core/base/text.h"

#define SAMLC_SHA256_LEN 32

#define SAMLC_MIN_EC_BITS 256    /* of the curve */

typedef struct samlc_key_t samlc_key_t;

/*
 * Takes `pkey`, which is not NULL, over: the pool frees it. NULL (and `pkey` is freed) if OpenSSL
 * can't write its public part as a SubjectPublicKeyInfo.
 */
samlc_key_t *samlc_key_make(EVP_PKEY *pkey, apr_pool_t *p);

/* Lends the OpenSSL key; safe for concurrent use as long as nobody changes it. */
EVP_PKEY *samlc_key_get(const samlc_key_t *key);

/* SHA-256 of the SubjectPublicKeyInfo in DER, SAMLC_SHA256_LEN bytes. */
const unsigned char *samlc_key_spki_sha256(const samlc_key_t *key);

/* "RSA", "EC", "ED25519" ... ("unknown" if OpenSSL has no name for it), and its size in bits. */
const char *samlc_key_type(const samlc_key_t *key);
int samlc_key_bits(const samlc_key_t *key);

/*
 * TRUE for an EC key whose curve is spelt out and not named: two curves with one public key are
 * easily made (CVE-2020-0601), so nothing trusts it.
 */
int samlc_key_spells_curve(const samlc_key_t *key);

/* TRUE if both are the same public key. */
int samlc_key_equal(const samlc_key_t *a, const samlc_key_t *b);

/*
 * An RSA public key from modulus and exponent (XML-Signature 4.5.2.2), big endian. Fails with
 * malformed for numbers that no RSA key has: a modulus that is even or not of 512 to 16384 bits, an
 * exponent that is even, below 3 or longer than 64 bits. Whether a key is strong enough is for the
 * policy to say.
 */
apr_status_t samlc_key_from_rsa(samlc_key_t **key, const samlc_data_t *modulus,
                                const samlc_data_t *exponent, samlc_result_t *res, apr_pool_t *p);

#define SAMLC_MAX_PASSPHRASE 1024

/* Who knows the passphrase of encrypted private keys. */
typedef struct samlc_passphrase_t {
    /*
     * Copies it to `buffer`, without a NUL; `origin` is the file that asks. Its length, at most
     * `size`; -1: there is none. Any thread.
     */
    int (*get)(void *baton, char *buffer, int size, const char *origin);
    void *baton;
} samlc_passphrase_t;

/* The length of the first line of `bytes`, which is how a passphrase is kept in a file. */
apr_size_t samlc_passphrase_len(const char *bytes, apr_size_t len);

/*
 * An EC public key on the curve that `curve_oid` names ("1.2.840.10045.3.1.7": P-256, P-384 or
 * P-521), from its uncompressed point (SEC 1, 2.3.3; XML-Signature 1.1, 4.5.2.3). Fails with
 * malformed for another curve and for what is no point of it.
 */
apr_status_t samlc_key_from_ec(samlc_key_t **key, const char *curve_oid, const samlc_data_t *point,
                               samlc_result_t *res, apr_pool_t *p);

/*
 * An unencrypted private key in PEM; several are refused. Never asks for a passphrase. Fails with
 * config-invalid, naming `pem->origin`.
 */
apr_status_t samlc_key_parse_private(samlc_key_t **key, const samlc_data_t *pem,
                                     samlc_result_t *res, apr_pool_t *p);

/* TRUE if the private key in this PEM says that it is encrypted (RFC 5958, RFC 1421). */
int samlc_key_is_encrypted(const samlc_data_t *pem);

/*
 * The same, but the key may be encrypted: PKCS#8 (RFC 5958) or the traditional form. `passphrase`
 * may be NULL. What was decrypted once in this process is not decrypted again (unlocked.h).
 */
apr_status_t samlc_key_unlock(samlc_key_t **key, const samlc_data_t *pem,
                              const samlc_passphrase_t *passphrase, samlc_result_t *res,
                              apr_pool_t *p);

#endif
