/* SPDX-License-Identifier: Apache-2.0 */
#include "make_cert.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include "test.h"

static apr_status_t free_pkey(void *pkey)
{
    EVP_PKEY_free(pkey);
    return APR_SUCCESS;
}

static apr_status_t free_x509(void *x)
{
    X509_free(x);
    return APR_SUCCESS;
}

samlc_data_t test_data(const char *s, const char *origin)
{
    samlc_data_t data = {(const unsigned char *)s, strlen(s), origin};

    return data;
}

EVP_PKEY *test_key_make(const char *type, int bits, apr_pool_t *p)
{
    EVP_PKEY *pkey = NULL;

    if (strcmp(type, "RSA") == 0) {
        pkey = EVP_RSA_gen((unsigned int)(bits ? bits : 2048));
    }
    else if (strcmp(type, "EC") == 0) {
        pkey = EVP_EC_gen(bits == 192   ? "P-192"
                          : bits == 384 ? "P-384"
                          : bits == 521 ? "P-521"
                                        : "P-256");
    }
    else if (strcmp(type, "explicit-EC") == 0) {
        pkey = EVP_EC_gen("P-256");
        ck_assert_int_eq(EVP_PKEY_set_utf8_string_param(pkey, OSSL_PKEY_PARAM_EC_ENCODING,
                                                        OSSL_PKEY_EC_ENCODING_EXPLICIT), 1);
    }
    else {
        pkey = EVP_PKEY_Q_keygen(NULL, NULL, type);
    }
    ck_assert_ptr_nonnull(pkey);
    apr_pool_cleanup_register(p, pkey, free_pkey, apr_pool_cleanup_null);
    return pkey;
}

/* What was written to `bio`, as a string; frees `bio`. */
static const char *bio_text(BIO *bio, apr_pool_t *p)
{
    char *data = NULL;
    long len = BIO_get_mem_data(bio, &data);
    const char *text = apr_pstrmemdup(p, data, (apr_size_t)len);

    BIO_free(bio);
    return text;
}

const char *test_key_pem(EVP_PKEY *pkey, const char *passphrase, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_mem());

    ck_assert_int_eq(PEM_write_bio_PKCS8PrivateKey(bio, pkey, passphrase ? EVP_aes_256_cbc() : NULL,
                                                   passphrase, passphrase ? (int)strlen(passphrase)
                                                                          : 0, NULL, NULL), 1);
    return bio_text(bio, p);
}

const char *test_public_key_pem(EVP_PKEY *pkey, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_mem());

    ck_assert_int_eq(PEM_write_bio_PUBKEY(bio, pkey), 1);
    return bio_text(bio, p);
}

static const char *cert_pem(X509 *x, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_mem());

    ck_assert_int_eq(PEM_write_bio_X509(bio, x), 1);
    return bio_text(bio, p);
}

static void set_names(X509 *x, const test_cert_spec_t *spec)
{
    const char *cn = spec->cn ? spec->cn : "test";
    X509_NAME *subject = X509_get_subject_name(x);

    ck_assert_int_eq(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                                (const unsigned char *)cn, -1, -1, 0), 1);
    ck_assert_int_eq(X509_set_issuer_name(x, spec->issuer
                                                 ? X509_get_subject_name(spec->issuer->x509)
                                                 : subject), 1);
}

static void set_dates(X509 *x, const test_cert_spec_t *spec)
{
    apr_time_t not_before = spec->not_before ? spec->not_before : TEST_NOT_BEFORE;
    apr_time_t not_after = spec->not_after ? spec->not_after : TEST_NOT_AFTER;

    ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notBefore(x), apr_time_sec(not_before)));
    ck_assert_ptr_nonnull(ASN1_TIME_set(X509_getm_notAfter(x), apr_time_sec(not_after)));
}

static void add_extension(X509 *x, int nid, const char *value)
{
    X509_EXTENSION *extension = NULL;

    if (!value) {
        return;
    }
    extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(x, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static void add_extensions(X509 *x, const test_cert_spec_t *spec)
{
    const char *key_usage = spec->key_usage;

    if (spec->is_ca) {
        add_extension(x, NID_basic_constraints, "critical,CA:TRUE");
        key_usage = key_usage ? key_usage : "critical,keyCertSign,cRLSign";
    }
    add_extension(x, NID_key_usage, key_usage);
    add_extension(x, NID_ext_key_usage, spec->ext_key_usage);
}

static samlc_data_t cert_der(X509 *x, apr_pool_t *p)
{
    samlc_data_t der = {NULL, 0, "test certificate"};
    unsigned char *bytes = NULL;
    int len = i2d_X509(x, &bytes);

    ck_assert_int_gt(len, 0);
    der.data = apr_pmemdup(p, bytes, (apr_size_t)len);
    der.len = (apr_size_t)len;
    OPENSSL_free(bytes);
    return der;
}

/* Ed25519 hashes by itself and wants no digest. */
static const EVP_MD *digest_for(EVP_PKEY *signer, const test_cert_spec_t *spec)
{
    if (EVP_PKEY_is_a(signer, "ED25519")) {
        return NULL;
    }
    return spec->digest ? spec->digest : EVP_sha256();
}

test_cert_t *test_cert_make(const test_cert_spec_t *spec, apr_pool_t *p)
{
    test_cert_t *cert = apr_pcalloc(p, sizeof(*cert));
    EVP_PKEY *signer = NULL;

    cert->x509 = X509_new();
    ck_assert_ptr_nonnull(cert->x509);
    apr_pool_cleanup_register(p, cert->x509, free_x509, apr_pool_cleanup_null);
    cert->pkey = spec->pkey;
    if (!cert->pkey) {
        cert->pkey = test_key_make(spec->key_type ? spec->key_type : "RSA", spec->key_bits, p);
    }
    signer = spec->issuer ? spec->issuer->pkey : cert->pkey;

    ck_assert_int_eq(X509_set_version(cert->x509, X509_VERSION_3), 1);
    ck_assert_int_eq(ASN1_INTEGER_set(X509_get_serialNumber(cert->x509),
                                      spec->serial ? spec->serial : 1), 1);
    set_names(cert->x509, spec);
    set_dates(cert->x509, spec);
    ck_assert_int_eq(X509_set_pubkey(cert->x509, cert->pkey), 1);
    add_extensions(cert->x509, spec);
    ck_assert_int_gt(X509_sign(cert->x509, signer, digest_for(signer, spec)), 0);

    cert->pem = cert_pem(cert->x509, p);
    cert->key_pem = test_key_pem(cert->pkey, NULL, p);
    cert->der = cert_der(cert->x509, p);
    ERR_clear_error();
    return cert;
}
