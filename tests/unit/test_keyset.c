/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/keyset.h"

#include <apr_strings.h>
#include <openssl/err.h>

#include "make_cert.h"
#include "test.h"

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_keyset_t set;

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    memset(&set, 0, sizeof(set));
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static apr_status_t add(samlc_own_role_t role, const char *key_pem, const char *cert_pem)
{
    samlc_data_t key = test_data(key_pem, "sp.key");
    samlc_data_t cert = test_data(cert_pem, "sp.pem");

    return samlc_keyset_add(&set, role, &key, &cert, res, p);
}

static test_cert_t *make(const char *cn, const char *type)
{
    return test_cert_make(&(test_cert_spec_t){.cn = cn, .key_type = type}, p);
}

START_TEST(test_role_word)
{
    ck_assert_str_eq(samlc_own_role_word(SAMLC_OWN_ACTIVE), "active");
    ck_assert_str_eq(samlc_own_role_word(SAMLC_OWN_NEXT), "next");
    ck_assert_str_eq(samlc_own_role_word(SAMLC_OWN_RETIRING), "retiring");
    ck_assert_str_eq(samlc_own_role_word(SAMLC_OWN_COUNT), "unknown");
}
END_TEST

START_TEST(test_add)
{
    test_cert_t *made = make("sp", _i == 0 ? "RSA" : "EC");
    const samlc_own_key_t *own = &set.keys[SAMLC_OWN_NEXT];

    ck_assert_int_eq(add(SAMLC_OWN_NEXT, made->key_pem, made->pem), APR_SUCCESS);
    ck_assert_ptr_null(set.keys[SAMLC_OWN_ACTIVE].key);
    ck_assert_ptr_null(set.keys[SAMLC_OWN_RETIRING].cert);
    ck_assert_str_eq(samlc_cert_subject(own->cert), "CN=sp");
    ck_assert_int_eq(samlc_key_equal(own->key, samlc_cert_key(own->cert)), 1);
}
END_TEST

START_TEST(test_add_with_chain)
{
    test_cert_t *ca = test_cert_make(&(test_cert_spec_t){.cn = "ca", .key_type = "EC", .is_ca = 1},
                                     p);
    test_cert_t *made = test_cert_make(&(test_cert_spec_t){.cn = "sp", .key_type = "EC",
                                                           .issuer = ca}, p);

    ck_assert_int_eq(add(SAMLC_OWN_ACTIVE, made->key_pem, apr_pstrcat(p, made->pem, ca->pem, NULL)),
                     APR_SUCCESS);
    ck_assert_str_eq(samlc_cert_subject(set.keys[SAMLC_OWN_ACTIVE].cert), "CN=sp");
    ck_assert_int_ne(add(SAMLC_OWN_ACTIVE, made->key_pem, apr_pstrcat(p, ca->pem, made->pem, NULL)),
                     APR_SUCCESS);
}
END_TEST

static void assert_unchanged(const samlc_keyset_t *before)
{
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_mem_eq(&set, before, sizeof(set));
}

START_TEST(test_add_mismatch)
{
    test_cert_t *made = make("sp", "EC");
    test_cert_t *other = make("other", "EC");
    test_cert_t *rsa = make("rsa", "RSA");
    samlc_keyset_t before;

    ck_assert_int_eq(add(SAMLC_OWN_ACTIVE, made->key_pem, made->pem), APR_SUCCESS);
    before = set;
    ck_assert_int_ne(add(SAMLC_OWN_ACTIVE, other->key_pem, made->pem), APR_SUCCESS);
    assert_unchanged(&before);
    ck_assert_ptr_nonnull(strstr(res->message, "sp.pem"));
    ck_assert_ptr_nonnull(strstr(res->message, "sp.key"));
    ck_assert_ptr_nonnull(strstr(res->message, "CN=sp"));
    ck_assert_int_ne(add(SAMLC_OWN_ACTIVE, rsa->key_pem, made->pem), APR_SUCCESS);
    assert_unchanged(&before);
}
END_TEST

START_TEST(test_add_unreadable)
{
    test_cert_t *made = make("sp", "EC");
    samlc_keyset_t before = set;

    ck_assert_int_ne(add(SAMLC_OWN_ACTIVE, "", made->pem), APR_SUCCESS);
    assert_unchanged(&before);
    ck_assert_ptr_nonnull(strstr(res->message, "sp.key"));
    ck_assert_int_ne(add(SAMLC_OWN_ACTIVE, made->key_pem, ""), APR_SUCCESS);
    assert_unchanged(&before);
    ck_assert_ptr_nonnull(strstr(res->message, "sp.pem"));
    ck_assert_int_ne(add(SAMLC_OWN_ACTIVE, made->pem, made->key_pem), APR_SUCCESS);   /* swapped */
    assert_unchanged(&before);
    ck_assert_int_eq(add(SAMLC_OWN_ACTIVE, made->key_pem, made->pem), APR_SUCCESS);
}
END_TEST

static int give(void *baton, char *buffer, int size, const char *origin)
{
    (void)size;
    ck_assert_str_eq(origin, "sp.key");
    memcpy(buffer, baton, strlen(baton));
    return (int)strlen(baton);
}

/* The certificate in front of the key makes no difference; the passphrase does. */
START_TEST(test_add_encrypted)
{
    test_cert_t *made = make("sp", "EC");
    const char *locked = test_key_pem(made->pkey, "open sesame", p);
    const samlc_passphrase_t right = {give, (void *)"open sesame"};
    const samlc_passphrase_t wrong = {give, (void *)"open barley"};
    samlc_keyset_t before = set;

    ck_assert_int_ne(add(SAMLC_OWN_ACTIVE, locked, made->pem), APR_SUCCESS);
    assert_unchanged(&before);
    set.passphrase = before.passphrase = &wrong;
    ck_assert_int_ne(add(SAMLC_OWN_ACTIVE, locked, made->pem), APR_SUCCESS);
    assert_unchanged(&before);
    ck_assert_ptr_nonnull(strstr(res->message, "sp.key"));
    set.passphrase = &right;
    ck_assert_int_eq(add(SAMLC_OWN_ACTIVE, apr_pstrcat(p, made->pem, locked, NULL), made->pem),
                     APR_SUCCESS);
    ck_assert_int_eq(samlc_key_equal(set.keys[SAMLC_OWN_ACTIVE].key,
                                     samlc_cert_key(set.keys[SAMLC_OWN_ACTIVE].cert)), 1);
}
END_TEST

Suite *suite_keyset(void);

Suite *suite_keyset(void)
{
    Suite *suite = suite_create("keyset");
    TCase *tc = tcase_create("keyset");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_role_word);
    tcase_add_loop_test(tc, test_add, 0, 2);
    tcase_add_test(tc, test_add_with_chain);
    tcase_add_test(tc, test_add_mismatch);
    tcase_add_test(tc, test_add_unreadable);
    tcase_add_test(tc, test_add_encrypted);
    suite_add_tcase(suite, tc);
    return suite;
}
