/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/key.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "make_cert.h"
#include "test.h"

static const struct {
    const char *type;
    int bits;
    int expected_bits;
} kinds[] = {
    {"RSA", 2048, 2048},
    {"EC", 256, 256},
    {"EC", 384, 384},
    {"EC", 521, 521},
    {"ED25519", 0, 256},
};

/* A samlc_key_t of its own: samlc_key_make takes one reference over. */
static samlc_key_t *wrap(EVP_PKEY *pkey, apr_pool_t *p)
{
    ck_assert_int_eq(EVP_PKEY_up_ref(pkey), 1);
    return samlc_key_make(pkey, p);
}

START_TEST(test_make)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make(kinds[_i].type, kinds[_i].bits, p);
    samlc_key_t *key = wrap(pkey, p);
    unsigned char sha256[SAMLC_SHA256_LEN];
    unsigned char *spki = NULL;
    int len = i2d_PUBKEY(pkey, &spki);

    ck_assert_ptr_nonnull(key);
    ck_assert_ptr_eq(samlc_key_get(key), pkey);
    ck_assert_str_eq(samlc_key_type(key), kinds[_i].type);
    ck_assert_int_eq(samlc_key_bits(key), kinds[_i].expected_bits);
    ck_assert_int_eq(EVP_Digest(spki, (size_t)len, sha256, NULL, EVP_sha256(), NULL), 1);
    ck_assert_mem_eq(samlc_key_spki_sha256(key), sha256, sizeof(sha256));
    ck_assert_uint_eq(ERR_peek_error(), 0);
    OPENSSL_free(spki);
    apr_pool_destroy(p);
}
END_TEST

/* A key without a public part has no SubjectPublicKeyInfo. */
START_TEST(test_make_refuses_hmac_key)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL,
                                                  (const unsigned char *)"secret", 6);

    ck_assert_ptr_nonnull(pkey);
    ck_assert_ptr_null(samlc_key_make(pkey, p));
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}
END_TEST

START_TEST(test_equal)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    samlc_key_t *a = wrap(pkey, p);
    samlc_key_t *again = wrap(pkey, p);
    samlc_key_t *b = wrap(test_key_make("EC", 256, p), p);
    samlc_key_t *larger = wrap(test_key_make("EC", 384, p), p);
    samlc_key_t *rsa = wrap(test_key_make("RSA", 2048, p), p);

    ck_assert_int_eq(samlc_key_equal(a, a), 1);
    ck_assert_int_eq(samlc_key_equal(a, again), 1);
    ck_assert_int_eq(samlc_key_equal(a, b), 0);
    ck_assert_int_eq(samlc_key_equal(a, larger), 0);
    ck_assert_int_eq(samlc_key_equal(a, rsa), 0);
    ck_assert_int_eq(samlc_key_equal(a, NULL), 0);
    ck_assert_int_eq(samlc_key_equal(NULL, a), 0);
    ck_assert_int_eq(samlc_key_equal(NULL, NULL), 0);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}
END_TEST

static samlc_data_t number_of(EVP_PKEY *pkey, const char *name, apr_pool_t *p)
{
    samlc_data_t data = {NULL, 0, "test"};
    unsigned char *bytes = NULL;
    BIGNUM *number = NULL;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(pkey, name, &number), 1);
    bytes = apr_palloc(p, (apr_size_t)BN_num_bytes(number));
    data.len = (apr_size_t)BN_bn2bin(number, bytes);
    data.data = bytes;
    BN_free(number);
    return data;
}

START_TEST(test_from_rsa)
{
    apr_pool_t *p = test_pool();
    samlc_result_t *res = samlc_result_make(p);
    EVP_PKEY *pkey = test_key_make("RSA", 2048, p);
    samlc_data_t n = number_of(pkey, OSSL_PKEY_PARAM_RSA_N, p);
    samlc_data_t e = number_of(pkey, OSSL_PKEY_PARAM_RSA_E, p);
    unsigned char *padded = apr_pcalloc(p, n.len + 4);
    samlc_key_t *key = NULL;

    ck_assert_int_eq(samlc_key_from_rsa(&key, &n, &e, res, p), APR_SUCCESS);
    ck_assert_str_eq(samlc_key_type(key), "RSA");
    ck_assert_int_eq(samlc_key_bits(key), 2048);
    ck_assert_int_eq(samlc_key_equal(key, wrap(pkey, p)), 1);
    ck_assert_mem_eq(samlc_key_spki_sha256(key), samlc_key_spki_sha256(wrap(pkey, p)),
                     SAMLC_SHA256_LEN);

    /* Zeros in front, which some writers add to keep the number positive, change nothing. */
    memcpy(padded + 4, n.data, n.len);
    n.data = padded;
    n.len += 4;
    ck_assert_int_eq(samlc_key_from_rsa(&key, &n, &e, res, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_key_equal(key, wrap(pkey, p)), 1);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}
END_TEST

/* Numbers as (length, first byte, last byte), zero between. */
static const struct {
    int n_len;
    unsigned char n_first;
    unsigned char n_last;
    int e_len;
    unsigned char e_first;
    unsigned char e_last;
    int accepted;
} numbers[] = {
    {256, 0x80, 1, 3, 1, 1, 1},
    {256, 0x80, 0, 3, 1, 1, 0},    /* even modulus */
    {256, 0x80, 1, 3, 1, 0, 0},    /* even exponent */
    {256, 0, 0, 3, 1, 1, 0},       /* zero */
    {0, 0, 0, 3, 1, 1, 0},         /* nothing at all */
    {256, 0x80, 1, 0, 0, 0, 0},
    {256, 0x80, 1, 3, 0, 0, 0},
    {64, 0x80, 1, 3, 1, 1, 1},     /* 512 bits */
    {64, 0x7f, 1, 3, 1, 1, 0},     /* 511 */
    {1, 1, 1, 3, 1, 1, 0},
    {2048, 0xff, 1, 3, 1, 1, 1},   /* 16384 bits */
    {2049, 0x01, 1, 3, 1, 1, 0},   /* 16385 */
    {65536, 0xff, 1, 3, 1, 1, 0},
    {256, 0x80, 1, 8, 0xff, 1, 1}, /* exponent of 64 bits */
    {256, 0x80, 1, 9, 0x01, 1, 0}, /* 65 */
    {256, 0x80, 1, 1, 3, 3, 1},    /* for the policy to refuse */
    {256, 0x80, 1, 1, 2, 2, 0},
    {256, 0x80, 1, 1, 1, 1, 0},
};

static samlc_data_t make_number(int len, unsigned char first, unsigned char last, apr_pool_t *p)
{
    unsigned char *bytes = apr_pcalloc(p, (apr_size_t)len + 1);
    samlc_data_t data = {bytes, (apr_size_t)len, "test"};

    if (len > 0) {
        bytes[0] = first;
        bytes[len - 1] = last;
    }
    return data;
}

START_TEST(test_from_rsa_numbers)
{
    apr_pool_t *p = test_pool();
    samlc_result_t *res = samlc_result_make(p);
    samlc_data_t n = make_number(numbers[_i].n_len, numbers[_i].n_first, numbers[_i].n_last, p);
    samlc_data_t e = make_number(numbers[_i].e_len, numbers[_i].e_first, numbers[_i].e_last, p);
    samlc_key_t *key = (samlc_key_t *)p;
    apr_status_t rv = samlc_key_from_rsa(&key, &n, &e, res, p);

    if (numbers[_i].accepted) {
        ck_assert_int_eq(rv, APR_SUCCESS);
        ck_assert_ptr_nonnull(key);
        ck_assert_int_eq(samlc_key_bits(key), numbers[_i].n_len * 8);
    }
    else {
        ck_assert_int_ne(rv, APR_SUCCESS);
        ck_assert_ptr_null(key);
        ck_assert_int_eq(res->reason, SAMLC_REASON_MALFORMED);
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}
END_TEST

static const char *traditional_pem(EVP_PKEY *pkey, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    const char *text = NULL;
    long len = 0;

    ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(bio, pkey, NULL, NULL, 0, NULL, NULL), 1);
    len = BIO_get_mem_data(bio, &data);
    text = apr_pstrmemdup(p, data, (apr_size_t)len);
    BIO_free(bio);
    return text;
}

static samlc_key_t *parse_good(const char *pem, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_data_t data = test_data(pem, "key.pem");
    samlc_key_t *key = NULL;

    ck_assert_msg(samlc_key_parse_private(&key, &data, res, p) == APR_SUCCESS, "%s", res->message);
    ck_assert_int_eq(res->reason, SAMLC_REASON_OK);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return key;
}

static void parse_bad(const char *pem, const char *words, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_data_t data = test_data(pem, "key.pem");
    samlc_key_t *key = (samlc_key_t *)p;

    ck_assert_int_ne(samlc_key_parse_private(&key, &data, res, p), APR_SUCCESS);
    ck_assert_ptr_null(key);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_msg(strncmp(res->message, "key.pem: ", 9) == 0 && strstr(res->message, words), "%s",
                  res->message);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

/* --- EC keys by curve and point --- */

static const struct {
    int bits;
    const char *oid;
} ec_curves[] = {
    {256, "1.2.840.10045.3.1.7"}, {384, "1.3.132.0.34"}, {521, "1.3.132.0.35"},
};

static void from_ec_fails(const char *oid, const unsigned char *bytes, size_t len, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_data_t point = {bytes, len, "test"};
    samlc_key_t *key = (samlc_key_t *)p;

    ck_assert_int_ne(samlc_key_from_ec(&key, oid, &point, res, p), APR_SUCCESS);
    ck_assert_ptr_null(key);
    ck_assert_int_eq(res->reason, SAMLC_REASON_MALFORMED);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

START_TEST(test_from_ec)
{
    apr_pool_t *p = test_pool();
    samlc_result_t *res = samlc_result_make(p);
    EVP_PKEY *pkey = test_key_make("EC", ec_curves[_i].bits, p);
    const char *oid = ec_curves[_i].oid;
    unsigned char bytes[256] = {0};
    samlc_data_t point = {bytes, 0, "test"};
    samlc_key_t *key = NULL;
    size_t len = 0;

    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, bytes,
                                                     sizeof(bytes), &len), 1);
    point.len = len;
    ck_assert_msg(samlc_key_from_ec(&key, oid, &point, res, p) == APR_SUCCESS, "%s", res->message);
    ck_assert_int_eq(samlc_key_equal(key, wrap(pkey, p)), 1);
    ck_assert_mem_eq(samlc_key_spki_sha256(key), samlc_key_spki_sha256(wrap(pkey, p)),
                     SAMLC_SHA256_LEN);
    ck_assert_int_eq(samlc_key_bits(key), ec_curves[_i].bits);
    from_ec_fails(ec_curves[(_i + 1) % 3].oid, bytes, len, p);
    from_ec_fails("1.3.132.0.10", bytes, len, p);   /* secp256k1 */
    from_ec_fails("P-256", bytes, len, p);
    from_ec_fails("", bytes, len, p);
    from_ec_fails(oid, bytes, 0, p);
    from_ec_fails(oid, bytes, len - 1, p);
    from_ec_fails(oid, bytes, len + 1, p);
    bytes[len - 1] ^= 1;                            /* beside the curve */
    from_ec_fails(oid, bytes, len, p);
    bytes[len - 1] ^= 1;
    bytes[0] = 2 + (bytes[len - 1] & 1);            /* compressed */
    from_ec_fails(oid, bytes, (len + 1) / 2, p);
    bytes[0] = 6;                                   /* hybrid */
    from_ec_fails(oid, bytes, len, p);
    from_ec_fails(oid, (const unsigned char *)"", 1, p);   /* infinity */
    memset(bytes + 1, 0xff, len - 1);
    bytes[0] = 4;
    from_ec_fails(oid, bytes, len, p);
    apr_pool_destroy(p);
}
END_TEST

START_TEST(test_parse_private)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make(kinds[_i].type, kinds[_i].bits, p);
    samlc_key_t *key = parse_good(test_key_pem(pkey, NULL, p), p);

    ck_assert_int_eq(samlc_key_equal(key, wrap(pkey, p)), 1);
    apr_pool_destroy(p);
}
END_TEST

START_TEST(test_parse_private_forms)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *rsa = test_key_make("RSA", 2048, p);
    EVP_PKEY *ec = test_key_make("EC", 256, p);
    test_cert_t *cert = test_cert_make(&(test_cert_spec_t){.pkey = ec}, p);
    const char *pem = test_key_pem(ec, NULL, p);

    ck_assert_int_eq(samlc_key_equal(parse_good(traditional_pem(rsa, p), p), wrap(rsa, p)), 1);
    ck_assert_int_eq(samlc_key_equal(parse_good(traditional_pem(ec, p), p), wrap(ec, p)), 1);
    parse_good(apr_pstrcat(p, "a word before\n", cert->pem, pem, "and after\n", NULL), p);
    apr_pool_destroy(p);
}
END_TEST

START_TEST(test_parse_private_refusals)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    test_cert_t *cert = test_cert_make(&(test_cert_spec_t){.pkey = pkey}, p);
    const char *pem = test_key_pem(pkey, NULL, p);
    char *damaged = apr_pstrdup(p, pem);

    parse_good(pem, p);
    parse_bad("", "no private key", p);
    parse_bad("nothing of use\n", "no private key", p);
    parse_bad(cert->pem, "no private key", p);
    parse_bad(test_public_key_pem(pkey, p), "no private key", p);
    parse_bad(test_key_pem(pkey, "secret", p), "encrypted", p);
    parse_bad(apr_pstrndup(p, pem, strlen(pem) / 2), "no private key", p);
    parse_bad(apr_pstrndup(p, pem, strlen(pem) - 10), "no private key", p);
    parse_bad(test_key_pem(test_key_make("explicit-EC", 0, p), NULL, p), "only named curves", p);
    damaged[40] = '!';
    parse_bad(damaged, "no private key", p);
    apr_pool_destroy(p);
}
END_TEST

/* ---- Encrypted keys ---- */

typedef struct giver_t {
    const char *text;    /* NULL: there is none */
    int asked;
} giver_t;

static int give(void *baton, char *buffer, int size, const char *origin)
{
    giver_t *giver = baton;
    int len = giver->text ? (int)strlen(giver->text) : -1;

    giver->asked++;
    ck_assert_str_eq(origin, "key.pem");
    ck_assert_int_ge(size, SAMLC_MAX_PASSPHRASE);
    if (len > 0) {
        memcpy(buffer, giver->text, (size_t)len);
    }
    return len;
}

static apr_status_t unlock(samlc_key_t **key, const char *pem, giver_t *giver, samlc_result_t *res,
                           apr_pool_t *p)
{
    const samlc_passphrase_t passphrase = {give, giver};
    samlc_data_t data = test_data(pem, "key.pem");
    apr_status_t rv = samlc_key_unlock(key, &data, giver ? &passphrase : NULL, res, p);

    ck_assert_int_eq(*key != NULL, rv == APR_SUCCESS);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return rv;
}

static void unlock_badly(const char *pem, const char *text, const char *words, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    giver_t giver = {text, 0};
    samlc_key_t *key = NULL;

    ck_assert_int_ne(unlock(&key, pem, &giver, res, p), APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_msg(strncmp(res->message, "key.pem: ", 9) == 0 && strstr(res->message, words), "%s",
                  res->message);
    ck_assert_msg(!text || *text == '\0' || !strstr(res->message, text), "%s", res->message);
}

static const char *traditional_encrypted(EVP_PKEY *pkey, const char *passphrase, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    const char *text = NULL;

    ck_assert_int_eq(PEM_write_bio_PrivateKey_traditional(bio, pkey, EVP_aes_128_cbc(), NULL, 0,
                                                          NULL, (void *)passphrase), 1);
    text = apr_pstrmemdup(p, data, (apr_size_t)BIO_get_mem_data(bio, &data));
    BIO_free(bio);
    return text;
}

START_TEST(test_unlock)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make(kinds[_i].type, kinds[_i].bits, p);
    const char *pem = test_key_pem(pkey, "open sesame", p);
    samlc_result_t *res = samlc_result_make(p);
    giver_t giver = {"open sesame", 0};
    samlc_key_t *key = NULL;

    unlock_badly(pem, "wrong", "the passphrase does not open", p);
    ck_assert_msg(unlock(&key, pem, &giver, res, p) == APR_SUCCESS, "%s", res->message);
    ck_assert_int_eq(samlc_key_equal(key, wrap(pkey, p)), 1);
    ck_assert_int_eq(giver.asked, 1);
    apr_pool_destroy(p);
}
END_TEST

START_TEST(test_unlock_traditional)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    const char *pem = traditional_encrypted(pkey, "open sesame", p);
    samlc_result_t *res = samlc_result_make(p);
    giver_t giver = {"open sesame", 0};
    samlc_key_t *key = NULL;

    unlock_badly(pem, "wrong", "the passphrase does not open", p);
    ck_assert_msg(unlock(&key, pem, &giver, res, p) == APR_SUCCESS, "%s", res->message);
    ck_assert_int_eq(samlc_key_equal(key, wrap(pkey, p)), 1);
    apr_pool_destroy(p);
}
END_TEST

/* Nobody is asked about a key that is not encrypted. */
START_TEST(test_unlock_what_is_not_locked)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    samlc_result_t *res = samlc_result_make(p);
    giver_t giver = {"open sesame", 0};
    samlc_key_t *key = NULL;

    ck_assert_int_eq(unlock(&key, test_key_pem(pkey, NULL, p), &giver, res, p), APR_SUCCESS);
    ck_assert_int_eq(unlock(&key, traditional_pem(pkey, p), NULL, res, p), APR_SUCCESS);
    ck_assert_int_eq(giver.asked, 0);
    apr_pool_destroy(p);
}
END_TEST

START_TEST(test_unlock_refusals)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    const char *pem = test_key_pem(pkey, "open sesame", p);
    samlc_result_t *res = samlc_result_make(p);
    samlc_key_t *key = NULL;
    char *damaged = apr_pstrdup(p, pem);

    unlock_badly(pem, NULL, "SamlCertKeyPassphrase", p);
    unlock_badly(pem, "", "does not open", p);
    ck_assert_int_ne(unlock(&key, pem, NULL, res, p), APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(res->message, "SamlCertKeyPassphrase"));
    unlock_badly(apr_pstrndup(p, pem, strlen(pem) / 2), "open sesame", "damaged", p);
    damaged[strlen(pem) / 2] ^= 1;
    unlock_badly(damaged, "open sesame", "damaged", p);
    apr_pool_destroy(p);
}
END_TEST

/* One decryption is remembered, by file and passphrase; other keys push it out in the end. */
START_TEST(test_unlock_again)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    const char *pem = test_key_pem(pkey, "open sesame", p);
    samlc_result_t *res = samlc_result_make(p);
    giver_t giver = {"open sesame", 0};
    samlc_key_t *first = NULL;
    samlc_key_t *again = NULL;
    samlc_key_t *other = NULL;
    int i = 0;

    ck_assert_int_eq(unlock(&first, pem, &giver, res, p), APR_SUCCESS);
    ck_assert_int_eq(unlock(&again, pem, &giver, res, p), APR_SUCCESS);
    ck_assert_ptr_eq(samlc_key_get(first), samlc_key_get(again));
    unlock_badly(pem, "wrong", "the passphrase does not open", p);
    for (i = 0; i < 20; i++) {
        ck_assert_int_eq(unlock(&other, test_key_pem(pkey, "open sesame", p), &giver, res, p),
                         APR_SUCCESS);
        ck_assert_ptr_ne(samlc_key_get(other), samlc_key_get(first));
    }
    ck_assert_int_eq(unlock(&again, pem, &giver, res, p), APR_SUCCESS);
    ck_assert_ptr_ne(samlc_key_get(again), samlc_key_get(first));
    ck_assert_int_eq(samlc_key_equal(again, first), 1);
    apr_pool_destroy(p);
}
END_TEST

START_TEST(test_two_keys_in_one_file)
{
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    test_cert_t *cert = test_cert_make(&(test_cert_spec_t){.pkey = pkey}, p);
    const char *pem = test_key_pem(pkey, NULL, p);
    const char *locked = test_key_pem(pkey, "open sesame", p);

    parse_good(apr_pstrcat(p, pem, cert->pem, "-----BEGIN nothing\n", NULL), p);
    parse_bad(apr_pstrcat(p, pem, pem, NULL), "more than one", p);
    parse_bad(apr_pstrcat(p, pem, cert->pem, locked, NULL), "more than one", p);
    parse_bad(apr_pstrcat(p, traditional_pem(pkey, p), pem, NULL), "more than one", p);
    unlock_badly(apr_pstrcat(p, locked, locked, NULL), "open sesame", "more than one", p);
    apr_pool_destroy(p);
}
END_TEST

static const struct {
    const char *text;
    int len;
} lines[] = {
    {"", 0}, {"\n", 0}, {"\r\n", 0}, {"a", 1}, {"a\n", 1}, {"a\r\nb", 1}, {" a b \nc\n", 5},
};

START_TEST(test_passphrase_len)
{
    ck_assert_int_eq((int)samlc_passphrase_len(lines[_i].text, strlen(lines[_i].text)),
                     lines[_i].len);
}
END_TEST

Suite *suite_key(void);

Suite *suite_key(void)
{
    Suite *suite = suite_create("key");
    TCase *tc = tcase_create("key");
    int n_kinds = (int)(sizeof(kinds) / sizeof(kinds[0]));

    tcase_set_timeout(tc, 60);   /* RSA keys under a sanitizer on a busy machine */
    tcase_add_loop_test(tc, test_make, 0, n_kinds);
    tcase_add_test(tc, test_make_refuses_hmac_key);
    tcase_add_test(tc, test_equal);
    tcase_add_test(tc, test_from_rsa);
    tcase_add_loop_test(tc, test_from_rsa_numbers, 0, (int)(sizeof(numbers) / sizeof(numbers[0])));
    tcase_add_loop_test(tc, test_from_ec, 0, 3);
    tcase_add_loop_test(tc, test_parse_private, 0, n_kinds);
    tcase_add_test(tc, test_parse_private_forms);
    tcase_add_test(tc, test_parse_private_refusals);
    tcase_add_loop_test(tc, test_unlock, 0, n_kinds);
    tcase_add_test(tc, test_unlock_traditional);
    tcase_add_test(tc, test_unlock_what_is_not_locked);
    tcase_add_test(tc, test_unlock_refusals);
    tcase_add_test(tc, test_unlock_again);
    tcase_add_test(tc, test_two_keys_in_one_file);
    tcase_add_loop_test(tc, test_passphrase_len, 0, (int)(sizeof(lines) / sizeof(lines[0])));
    suite_add_tcase(suite, tc);
    return suite;
}
