/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/selftest.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <sys/stat.h>

#include "core/reload/snapshot.h"
#include "make_cert.h"
#include "test.h"

static apr_pool_t *p;
static samlc_result_t *res;

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

/* The same public key with a private one that is wrong: as a file that a disk has damaged. */
static EVP_PKEY *damage(EVP_PKEY *good)
{
    static const struct {
        const char *name;
        BN_ULONG off;
    } numbers[] = {
        {OSSL_PKEY_PARAM_RSA_N, 0},         {OSSL_PKEY_PARAM_RSA_E, 0},
        {OSSL_PKEY_PARAM_RSA_D, 2},         {OSSL_PKEY_PARAM_RSA_FACTOR1, 0},
        {OSSL_PKEY_PARAM_RSA_FACTOR2, 0},   {OSSL_PKEY_PARAM_RSA_EXPONENT1, 2},
        {OSSL_PKEY_PARAM_RSA_EXPONENT2, 2}, {OSSL_PKEY_PARAM_RSA_COEFFICIENT1, 0},
    };
    enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };
    OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
    OSSL_PARAM *params = NULL;
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    EVP_PKEY *bad = NULL;
    BIGNUM *bn[NUMBERS] = {NULL};
    int i = 0;

    for (i = 0; i < NUMBERS; i++) {
        ck_assert_int_eq(EVP_PKEY_get_bn_param(good, numbers[i].name, &bn[i]), 1);
        ck_assert_int_eq(BN_sub_word(bn[i], numbers[i].off), 1);
        ck_assert_int_eq(OSSL_PARAM_BLD_push_BN(build, numbers[i].name, bn[i]), 1);
    }
    params = OSSL_PARAM_BLD_to_param(build);
    ck_assert_int_eq(EVP_PKEY_fromdata_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_fromdata(ctx, &bad, EVP_PKEY_KEYPAIR, params), 1);
    OSSL_PARAM_free(params);
    OSSL_PARAM_BLD_free(build);
    EVP_PKEY_CTX_free(ctx);
    for (i = 0; i < NUMBERS; i++) {
        BN_free(bn[i]);
    }
    return bad;
}

static const char *damaged_pem(const test_cert_t *made)
{
    EVP_PKEY *bad = damage(made->pkey);
    const char *pem = test_key_pem(bad, NULL, p);

    EVP_PKEY_free(bad);
    return pem;
}

static apr_status_t try_pair(const char *key_pem, const char *cert_pem)
{
    samlc_data_t key = test_data(key_pem, "sp.key");
    samlc_data_t cert = test_data(cert_pem, "sp.crt");
    samlc_keyset_t set;

    memset(&set, 0, sizeof(set));
    ck_assert_msg(samlc_keyset_add(&set, SAMLC_OWN_ACTIVE, &key, &cert, res, p) == APR_SUCCESS,
                  "%s", res->message);
    return samlc_selftest_key(&set.keys[SAMLC_OWN_ACTIVE], &key, &cert, res, p);
}

static const test_cert_spec_t kinds[] = {
    {.cn = "sp", .key_type = "RSA"},
    {.cn = "sp", .key_type = "RSA", .key_bits = 4096},
    {.cn = "sp", .key_type = "EC"},
    {.cn = "sp", .key_type = "EC", .key_bits = 521},
    {.cn = "sp", .key_type = "ED25519"},
};

#define KINDS ((int)(sizeof(kinds) / sizeof(kinds[0])))

START_TEST(key_that_works_passes_and_is_remembered)
{
    test_cert_t *made = test_cert_make(&kinds[_i], p);
    unsigned long before = samlc_selftest_count();

    ck_assert_msg(try_pair(made->key_pem, made->pem) == APR_SUCCESS, "%s", res->message);
    ck_assert_uint_eq(samlc_selftest_count(), before + 1);
    ck_assert_int_eq(try_pair(made->key_pem, made->pem), APR_SUCCESS);
    ck_assert_uint_eq(samlc_selftest_count(), before + 1);
}
END_TEST

START_TEST(damaged_key_is_refused_each_time)
{
    test_cert_t *made = test_cert_make(&kinds[0], p);
    const char *pem = damaged_pem(made);
    int i = 0;

    ck_assert_int_eq(try_pair(made->key_pem, made->pem), APR_SUCCESS);
    for (i = 0; i < 2; i++) {
        ck_assert_int_ne(try_pair(pem, made->pem), APR_SUCCESS);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_msg(strstr(res->message, "sp.key") && strstr(res->message, "sp.crt"), "%s",
                      res->message);
    }
}
END_TEST

/* More pairs than are remembered: the newest stay. */
START_TEST(memory_is_bounded)
{
    EVP_PKEY *pkey = test_key_make("EC", 0, p);
    test_cert_t *made = NULL;
    unsigned long before = 0;
    long i = 0;

    for (i = 0; i < 40; i++) {
        made = test_cert_make(&(test_cert_spec_t){.cn = "sp", .pkey = pkey, .serial = 100 + i}, p);
        ck_assert_int_eq(try_pair(made->key_pem, made->pem), APR_SUCCESS);
    }
    before = samlc_selftest_count();
    ck_assert_int_eq(try_pair(made->key_pem, made->pem), APR_SUCCESS);
    ck_assert_uint_eq(samlc_selftest_count(), before);
}
END_TEST

START_TEST(load_names_the_damaged_key)
{
    samlc_source_t source;
    samlc_snapshot_t *snapshot = NULL;
    test_cert_t *made = test_cert_make(&kinds[0], p);
    const char *dir = test_dir(p);
    const char *key = test_path(p, dir, "sp/default/active.key");

    memset(&source, 0, sizeof(source));
    source.dir = dir;
    ck_assert_int_eq(mkdir(test_path(p, dir, "sp"), 0755), 0);
    ck_assert_int_eq(mkdir(test_path(p, dir, "sp/default"), 0755), 0);
    test_write(test_path(p, dir, "sp/default/active.crt"), made->pem);
    test_write(key, made->key_pem);
    ck_assert_msg(samlc_snapshot_load(&snapshot, &source, NULL, NULL, TEST_NOW, res, p)
                      == APR_SUCCESS, "%s", res->message);
    samlc_snapshot_destroy(snapshot);
    test_write(key, damaged_pem(made));
    ck_assert_int_ne(samlc_snapshot_load(&snapshot, &source, NULL, NULL, TEST_NOW, res, p),
                     APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(res->message, key));
}
END_TEST

Suite *suite_selftest(void)
{
    Suite *suite = suite_create("selftest");
    TCase *tc = tcase_create("selftest");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, key_that_works_passes_and_is_remembered, 0, KINDS);
    tcase_add_test(tc, damaged_key_is_refused_each_time);
    tcase_add_test(tc, memory_is_bounded);
    tcase_add_test(tc, load_names_the_damaged_key);
    suite_add_tcase(suite, tc);
    return suite;
}
