/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/key.h"

#include <limits.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>

#include "core/keys/unlocked.h"

#define MIN_MODULUS_BITS 512
#define MAX_MODULUS_BITS 16384
#define MAX_EXPONENT_BITS 64

struct samlc_key_t {
    EVP_PKEY *pkey;
    unsigned char spki_sha256[SAMLC_SHA256_LEN];
    const char *type;
    int bits;
};

static apr_status_t free_pkey(void *pkey)
{
    EVP_PKEY_free(pkey);
    return APR_SUCCESS;
}

static int hash_spki(unsigned char sha256[SAMLC_SHA256_LEN], EVP_PKEY *pkey)
{
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(pkey, &spki);
    int done = len > 0
        && EVP_Digest(spki, (size_t)len, sha256, NULL, EVP_sha256(), NULL) == 1;

    OPENSSL_free(spki);
    return done;
}

samlc_key_t *samlc_key_make(EVP_PKEY *pkey, apr_pool_t *p)
{
    samlc_key_t *key = apr_pcalloc(p, sizeof(*key));

    apr_pool_cleanup_register(p, pkey, free_pkey, apr_pool_cleanup_null);
    key->pkey = pkey;
    key->type = EVP_PKEY_get0_type_name(pkey);
    key->bits = EVP_PKEY_get_bits(pkey);
    if (!key->type) {
        key->type = "unknown";
    }
    if (!hash_spki(key->spki_sha256, pkey)) {
        apr_pool_cleanup_run(p, pkey, free_pkey);
        key = NULL;
    }
    ERR_clear_error();
    return key;
}

EVP_PKEY *samlc_key_get(const samlc_key_t *key)
{
    return key->pkey;
}

const unsigned char *samlc_key_spki_sha256(const samlc_key_t *key)
{
    return key->spki_sha256;
}

const char *samlc_key_type(const samlc_key_t *key)
{
    return key->type;
}

int samlc_key_bits(const samlc_key_t *key)
{
    return key->bits;
}

int samlc_key_spells_curve(const samlc_key_t *key)
{
    int spelt = 0;

    if (EVP_PKEY_get_int_param(key->pkey, OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &spelt)
        != 1) {
        spelt = 0;   /* not of an EC key */
    }
    ERR_clear_error();
    return spelt == 1;
}

int samlc_key_equal(const samlc_key_t *a, const samlc_key_t *b)
{
    int equal = 0;

    if (!a || !b) {
        return 0;
    }
    equal = EVP_PKEY_eq(a->pkey, b->pkey) == 1;
    ERR_clear_error();   /* comparing keys of two types leaves an entry */
    return equal;
}

/* An odd number of at most `max_bits` bits, or NULL; looks at the length before it works. */
static BIGNUM *read_odd(const samlc_data_t *in, int max_bits)
{
    const unsigned char *bytes = in->data;
    apr_size_t len = in->len;
    BIGNUM *number = NULL;

    while (len > 0 && *bytes == 0) {
        bytes++;
        len--;
    }
    if (len == 0 || len > (apr_size_t)max_bits / 8) {
        return NULL;
    }
    number = BN_bin2bn(bytes, (int)len, NULL);
    if (number && !BN_is_odd(number)) {
        BN_free(number);
        number = NULL;
    }
    return number;
}

static EVP_PKEY *rsa_from_numbers(const BIGNUM *n, const BIGNUM *e)
{
    EVP_PKEY *pkey = NULL;
    OSSL_PARAM *params = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);

    if (!builder || !ctx || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) != 1
        || OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e) != 1) {
        goto out;
    }
    params = OSSL_PARAM_BLD_to_param(builder);
    if (!params || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
out:
    OSSL_PARAM_free(params);
    EVP_PKEY_CTX_free(ctx);
    OSSL_PARAM_BLD_free(builder);
    return pkey;
}

apr_status_t samlc_key_from_rsa(samlc_key_t **key, const samlc_data_t *modulus,
                                const samlc_data_t *exponent, samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_EGENERAL;
    BIGNUM *n = NULL;
    BIGNUM *e = NULL;
    EVP_PKEY *pkey = NULL;

    *key = NULL;
    ERR_clear_error();
    n = read_odd(modulus, MAX_MODULUS_BITS);
    if (!n || BN_num_bits(n) < MIN_MODULUS_BITS) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                               "an RSA modulus is an odd number of %d to %d bits",
                               MIN_MODULUS_BITS, MAX_MODULUS_BITS);
        goto out;
    }
    e = read_odd(exponent, MAX_EXPONENT_BITS);
    if (!e || BN_is_one(e)) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                               "an RSA exponent is an odd number, 3 or more, of at most %d bits",
                               MAX_EXPONENT_BITS);
        goto out;
    }
    pkey = rsa_from_numbers(n, e);
    *key = pkey ? samlc_key_make(pkey, p) : NULL;
    if (!*key) {
        rv = samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                       "modulus and exponent make no RSA key");
        goto out;
    }
    rv = APR_SUCCESS;
out:
    BN_free(n);
    BN_free(e);
    ERR_clear_error();
    return rv;
}

static EVP_PKEY *ec_from_point(const char *group, const samlc_data_t *point)
{
    OSSL_PARAM params[3];
    EVP_PKEY *pkey = NULL;
    EVP_PKEY_CTX *check = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);

    params[0] = OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, (char *)group, 0);
    params[1] = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)point->data,
                                                  point->len);
    params[2] = OSSL_PARAM_construct_end();
    if (!ctx || EVP_PKEY_fromdata_init(ctx) != 1
        || EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) != 1) {
        pkey = NULL;
    }
    check = pkey ? EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL) : NULL;
    if (pkey && (!check || EVP_PKEY_public_check(check) != 1)) {
        EVP_PKEY_free(pkey);
        pkey = NULL;
    }
    EVP_PKEY_CTX_free(check);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

apr_status_t samlc_key_from_ec(samlc_key_t **key, const char *curve_oid, const samlc_data_t *point,
                               samlc_result_t *res, apr_pool_t *p)
{
    static const struct {
        const char *oid;
        const char *group;
        apr_size_t len;   /* of a coordinate */
    } curves[] = {
        {"1.2.840.10045.3.1.7", "P-256", 32}, {"1.3.132.0.34", "P-384", 48},
        {"1.3.132.0.35", "P-521", 66},
    };
    EVP_PKEY *pkey = NULL;
    apr_size_t i = 0;

    *key = NULL;
    ERR_clear_error();
    while (i < sizeof(curves) / sizeof(curves[0]) && strcmp(curves[i].oid, curve_oid) != 0) {
        i++;
    }
    if (i == sizeof(curves) / sizeof(curves[0])) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                 "the curve %s is none of P-256, P-384 and P-521",
                                 samlc_text_show(curve_oid, p));
    }
    if (point->len == 1 + 2 * curves[i].len && point->data[0] == POINT_CONVERSION_UNCOMPRESSED) {
        pkey = ec_from_point(curves[i].group, point);
    }
    *key = pkey ? samlc_key_make(pkey, p) : NULL;
    ERR_clear_error();
    return *key ? APR_SUCCESS
                : samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                    "no uncompressed point of the curve %s", curves[i].group);
}

apr_size_t samlc_passphrase_len(const char *bytes, apr_size_t len)
{
    const char *end = memchr(bytes, '\n', len);

    if (end) {
        len = (apr_size_t)(end - bytes);
    }
    return len > 0 && bytes[len - 1] == '\r' ? len - 1 : len;
}

/* Refuses on behalf of a person who isn't there, and tells that a passphrase was asked for. */
static int no_passphrase(char *buffer, int size, int for_writing, void *asked)
{
    (void)buffer;
    (void)size;
    (void)for_writing;
    *(int *)asked = 1;
    return -1;
}

/* How many private keys there are between PEM lines. */
static int count_private(const samlc_data_t *pem)
{
    static const char begin[] = "-----BEGIN ";
    static const char kind[] = "PRIVATE KEY-----";
    const char *at = (const char *)pem->data;
    const char *end = at + pem->len;
    const char *eol = NULL;
    int count = 0;

    while (at < end && (at = memmem(at, (size_t)(end - at), begin, sizeof(begin) - 1)) != NULL) {
        eol = memchr(at, '\n', (size_t)(end - at));
        eol = eol ? eol : end;
        count += memmem(at, (size_t)(eol - at), kind, sizeof(kind) - 1) != NULL;
        at = eol;
    }
    return count;
}

/* Which one would count is for nobody to guess. */
static apr_status_t check_private(const samlc_data_t *pem, samlc_result_t *res)
{
    if (pem->len > INT_MAX) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: too large for a private key", pem->origin);
    }
    if (count_private(pem) > 1) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: holds more than one private key; leave the one that counts",
                                 pem->origin);
    }
    return APR_SUCCESS;
}

/* Reads the private key; `callback` and `baton` are PEM_read_bio_PrivateKey's. */
static apr_status_t parse_one(EVP_PKEY **pkey, const samlc_data_t *pem, pem_password_cb *callback,
                              void *baton, samlc_result_t *res)
{
    BIO *bio = NULL;

    *pkey = NULL;
    ERR_clear_error();
    bio = BIO_new_mem_buf(pem->data, (int)pem->len);
    *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, callback, baton) : NULL;
    BIO_free(bio);
    return *pkey ? APR_SUCCESS
                 : samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                             "%s: no private key in PEM", pem->origin);
}

/* Hands `pkey` over to `p`. */
static apr_status_t keep(samlc_key_t **key, EVP_PKEY *pkey, const samlc_data_t *pem,
                         samlc_result_t *res, apr_pool_t *p)
{
    *key = samlc_key_make(pkey, p);
    if (*key && samlc_key_spells_curve(*key)) {
        *key = NULL;
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: the curve of the private key is spelt out (explicit EC "
                                 "parameters); only named curves are used", pem->origin);
    }
    return *key ? APR_SUCCESS
                : samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                    "%s: a private key without a public one", pem->origin);
}

apr_status_t samlc_key_parse_private(samlc_key_t **key, const samlc_data_t *pem,
                                     samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_EGENERAL;
    EVP_PKEY *pkey = NULL;
    int asked = 0;

    *key = NULL;
    rv = check_private(pem, res);
    if (rv == APR_SUCCESS) {
        rv = parse_one(&pkey, pem, no_passphrase, &asked, res);
    }
    if (rv == APR_SUCCESS) {
        rv = keep(key, pkey, pem, res, p);
    }
    else if (asked) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                               "%s: the private key is encrypted, and there is no passphrase for "
                               "it (SamlCertKeyPassphrase; samlcertctl --passphrase-file)",
                               pem->origin);
    }
    return rv;
}

/* A passphrase that is known. */
typedef struct known_t {
    char text[SAMLC_MAX_PASSPHRASE];
    int len;
} known_t;

static int known_passphrase(char *buffer, int size, int for_writing, void *baton)
{
    const known_t *known = baton;

    (void)for_writing;
    if (known->len > size) {
        return -1;
    }
    memcpy(buffer, known->text, (size_t)known->len);
    return known->len;
}

static apr_status_t decrypt(EVP_PKEY **pkey, const samlc_data_t *pem, known_t *known,
                            samlc_result_t *res)
{
    unsigned char id[SAMLC_UNLOCKED_ID_LEN];
    int has_id = samlc_unlocked_id(id, pem, known->text, (apr_size_t)known->len);
    apr_status_t rv = APR_SUCCESS;

    *pkey = has_id ? samlc_unlocked_find(id) : NULL;
    if (*pkey) {
        return APR_SUCCESS;
    }
    rv = parse_one(pkey, pem, known_passphrase, known, res);
    if (rv != APR_SUCCESS) {    /* OpenSSL's reasons are as many as there are wrong paddings */
        return samlc_result_fail(res, rv, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: the passphrase does not open the private key: it is another "
                                 "one, or the file is damaged", pem->origin);
    }
    if (has_id) {
        samlc_unlocked_add(id, *pkey);
    }
    return APR_SUCCESS;
}

int samlc_key_is_encrypted(const samlc_data_t *pem)
{
    static const char pkcs8[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    static const char traditional[] = "Proc-Type: 4,ENCRYPTED";   /* RFC 1421, section 4.6.1.1 */

    return memmem(pem->data, pem->len, pkcs8, sizeof(pkcs8) - 1) != NULL
        || memmem(pem->data, pem->len, traditional, sizeof(traditional) - 1) != NULL;
}

apr_status_t samlc_key_unlock(samlc_key_t **key, const samlc_data_t *pem,
                              const samlc_passphrase_t *passphrase, samlc_result_t *res,
                              apr_pool_t *p)
{
    apr_status_t rv = APR_EGENERAL;
    EVP_PKEY *pkey = NULL;
    known_t known;

    *key = NULL;
    if (!passphrase || !samlc_key_is_encrypted(pem)) {
        return samlc_key_parse_private(key, pem, res, p);
    }
    memset(&known, 0, sizeof(known));
    known.len = passphrase->get(passphrase->baton, known.text, (int)sizeof(known.text),
                                pem->origin);
    if (known.len < 0) {
        return samlc_key_parse_private(key, pem, res, p);   /* says that there is none */
    }
    rv = check_private(pem, res);
    if (rv == APR_SUCCESS) {
        rv = decrypt(&pkey, pem, &known, res);
    }
    OPENSSL_cleanse(&known, sizeof(known));
    if (rv == APR_SUCCESS) {
        rv = keep(key, pkey, pem, res, p);
    }
    ERR_clear_error();
    return rv;
}
