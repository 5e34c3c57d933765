/* SPDX-License-Identifier: Apache-2.0 */
/* A public or private key, with what a policy asks about it. */
#ifndef SAMLC_KEYS_KEY_H
#define SAMLC_KEYS_KEY_H

#include <openssl/evp.h>

#include "core/base/result.h"
#include "core/base/text.h"

#define SAMLC_SHA256_LEN 32

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

/*
 * An EC public key on the curve that `curve_oid` names ("1.2.840.10045.3.1.7": P-256, P-384 or
 * P-521), from its uncompressed point (SEC 1, 2.3.3; XML-Signature 1.1, 4.5.2.3). Fails with
 * malformed for another curve and for what is no point of it.
 */
apr_status_t samlc_key_from_ec(samlc_key_t **key, const char *curve_oid, const samlc_data_t *point,
                               samlc_result_t *res, apr_pool_t *p);

/*
 * An unencrypted private key in PEM; the first one, if there are several. Never asks for a
 * passphrase. Fails with config-invalid, naming `pem->origin`.
 */
apr_status_t samlc_key_parse_private(samlc_key_t **key, const samlc_data_t *pem,
                                     samlc_result_t *res, apr_pool_t *p);

#endif
