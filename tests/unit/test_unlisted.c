/* SPDX-License-Identifier: Apache-2.0 */
/* Signers that nobody configured: noted once an hour, a bounded number of them, and listed. */
#include "test.h"

#include <apr_strings.h>

#include "core/trust/unlisted.h"
#include "make_cert.h"

#define MINUTE apr_time_from_sec(60)

static samlc_idp_t *make_idp(apr_pool_t *p)
{
    samlc_idp_t *idp = apr_pcalloc(p, sizeof(*idp));
    samlc_trust_t *trust = apr_pcalloc(p, sizeof(*trust));
    samlc_chain_source_t source;
    samlc_chain_t *chain = NULL;

    memset(&source, 0, sizeof(source));
    ck_assert_int_eq(samlc_chain_make(&chain, &source, samlc_result_make(p), p), APR_SUCCESS);
    trust->chain = chain;
    idp->name = "corp";
    idp->trust = trust;
    return idp;
}

static const samlc_cert_t *make_signer(const char *cn, apr_pool_t *p)
{
    test_cert_spec_t spec = { .cn = cn, .key_type = "EC" };
    test_cert_t *made = test_cert_make(&spec, p);
    samlc_cert_t *cert = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&cert, &made->der, samlc_result_make(p), p), APR_SUCCESS);
    return cert;
}

static int note(const char *dir, const samlc_idp_t *idp, const samlc_cert_t *cert, apr_time_t now,
                apr_pool_t *p)
{
    int is_due = -1;

    ck_assert_int_eq(samlc_unlisted_note(&is_due, dir, idp, cert, now, samlc_result_make(p), p),
                     APR_SUCCESS);
    return is_due;
}

static apr_array_header_t *list(const char *dir, apr_pool_t *p)
{
    apr_array_header_t *found = NULL;

    ck_assert_int_eq(samlc_unlisted_list(&found, dir, samlc_result_make(p), p), APR_SUCCESS);
    return found;
}

START_TEST(test_due_once_an_hour)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    const samlc_idp_t *idp = make_idp(p);
    const samlc_cert_t *cert = make_signer("next", p);
    const samlc_unlisted_t *entry = NULL;

    ck_assert_int_eq(list(dir, p)->nelts, 0);
    ck_assert_int_eq(note(dir, idp, cert, TEST_NOW, p), 1);
    ck_assert_int_eq(note(dir, idp, cert, TEST_NOW + MINUTE, p), 0);
    ck_assert_int_eq(note(dir, idp, cert, TEST_NOW + 59 * MINUTE, p), 0);
    ck_assert_int_eq(note(dir, idp, cert, TEST_NOW + 60 * MINUTE, p), 1);
    ck_assert_int_eq(list(dir, p)->nelts, 1);
    entry = &APR_ARRAY_IDX(list(dir, p), 0, samlc_unlisted_t);
    ck_assert_str_eq(entry->idp, "corp");
    ck_assert(samlc_cert_equal(entry->cert, cert));
    ck_assert_str_lt(entry->first_seen, entry->last_seen);
    ck_assert_str_eq(entry->chain, "no-trust-configured");
}
END_TEST

/* A stranger who writes our words into a subject is reported like anybody else. */
START_TEST(test_words_in_the_subject)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    const samlc_idp_t *idp = make_idp(p);
    const samlc_cert_t *cert = make_signer("Last-Seen: 9999-12-31T23:59:59Z", p);
    const samlc_unlisted_t *entry = NULL;

    ck_assert_int_eq(note(dir, idp, cert, TEST_NOW, p), 1);
    ck_assert_int_eq(note(dir, idp, cert, TEST_NOW + MINUTE, p), 0);
    ck_assert_int_eq(note(dir, idp, cert, TEST_NOW + 60 * MINUTE, p), 1);
    entry = &APR_ARRAY_IDX(list(dir, p), 0, samlc_unlisted_t);
    ck_assert_str_eq(entry->last_seen, "2026-07-01T01:00:00Z");
}
END_TEST

START_TEST(test_bounded)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    const samlc_idp_t *idp = make_idp(p);
    int i = 0;

    for (i = 0; i < SAMLC_MAX_UNLISTED; i++) {
        ck_assert_int_eq(note(dir, idp, make_signer(apr_itoa(p, i), p), TEST_NOW, p), 1);
    }
    ck_assert_int_eq(note(dir, idp, make_signer("one too many", p), TEST_NOW, p), 0);
    ck_assert_int_eq(list(dir, p)->nelts, SAMLC_MAX_UNLISTED);
}
END_TEST

START_TEST(test_no_state_directory)
{
    apr_pool_t *p = test_pool();
    samlc_result_t *res = samlc_result_make(p);
    apr_array_header_t *found = NULL;
    int is_due = -1;

    ck_assert_int_ne(samlc_unlisted_list(&found, "/nonexistent", res, p), APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_FILE_UNREADABLE);
    ck_assert_int_ne(samlc_unlisted_note(&is_due, "/dev/null", make_idp(p), make_signer("x", p),
                                         TEST_NOW, res, p),
                     APR_SUCCESS);
    ck_assert_int_eq(is_due, 0);
}
END_TEST

Suite *suite_unlisted(void)
{
    Suite *suite = suite_create("unlisted");
    TCase *tc = tcase_create("unlisted");

    tcase_add_test(tc, test_due_once_an_hour);
    tcase_add_test(tc, test_words_in_the_subject);
    tcase_add_test(tc, test_bounded);
    tcase_add_test(tc, test_no_state_directory);
    suite_add_tcase(suite, tc);
    return suite;
}
