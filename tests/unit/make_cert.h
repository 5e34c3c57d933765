/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates for tests: self-signed or issued by another one made here. */
#ifndef TESTS_UNIT_MAKE_CERT_H
#define TESTS_UNIT_MAKE_CERT_H

#include <apr_pools.h>
#include <apr_time.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include "core/base/text.h"

/* A certificate with its private key; the pool frees all of it. */
typedef struct test_cert_t {
    X509 *x509;
    EVP_PKEY *pkey;
    const char *pem;        /* the certificate */
    const char *key_pem;    /* PKCS#8, unencrypted */
    samlc_data_t der;       /* the certificate */
} test_cert_t;

/*
 * What to make. Zero values mean: subject "CN=test", a new RSA-2048 key, SHA-256, serial 1, valid
 * from 2026-01-01 to 2027-01-01 (TEST_NOT_BEFORE, TEST_NOT_AFTER), version 3, no extensions,
 * self-signed. A call reads: test_cert_make(&(test_cert_spec_t){.cn = "idp.example", .serial = 7},
 * p).
 */
typedef struct test_cert_spec_t {
    const char *cn;             /* the subject is CN=`cn` */
    const test_cert_t *issuer;  /* signs; NULL for self-signed */
    EVP_PKEY *pkey;             /* lent: use this key instead of a new one */
    /* "RSA", "EC" (P-256 or by `key_bits` 192, 384, 521), "explicit-EC" (P-256 spelt out), "ED25519" */
    const char *key_type;
    int key_bits;               /* of RSA or EC */
    const EVP_MD *digest;       /* lent: EVP_sha1() ... */
    long serial;
    apr_time_t not_before;
    apr_time_t not_after;
    int is_ca;                  /* basicConstraints CA:TRUE, keyUsage keyCertSign and cRLSign */
    const char *key_usage;      /* as openssl.cnf has it: "digitalSignature"; NULL for none */
    const char *ext_key_usage;  /* "codeSigning"; NULL for none */
} test_cert_spec_t;

#define TEST_NOT_BEFORE (apr_time_from_sec(1767225600)) /* 2026-01-01T00:00:00Z */
#define TEST_NOT_AFTER (apr_time_from_sec(1798761600))  /* 2027-01-01T00:00:00Z */
#define TEST_NOW (apr_time_from_sec(1782864000))        /* 2026-07-01T00:00:00Z */

/*
 * Fails the running test when OpenSSL does not play along. EC keys are made in no time, RSA keys
 * take a moment: where the kind of key does not matter, ask for "EC" or lend one `pkey` to all.
 */
test_cert_t *test_cert_make(const test_cert_spec_t *spec, apr_pool_t *p);

/* A fresh private key, freed by the pool; type and bits as above. */
EVP_PKEY *test_key_make(const char *type, int bits, apr_pool_t *p);

/* A key as PKCS#8 PEM, under `passphrase` if there is one; a public key as PEM. */
const char *test_key_pem(EVP_PKEY *pkey, const char *passphrase, apr_pool_t *p);
const char *test_public_key_pem(EVP_PKEY *pkey, apr_pool_t *p);

/* A string as bytes, with `origin`. */
samlc_data_t test_data(const char *s, const char *origin);

#endif
