/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists that are due: what CRLGrace lets pass, what is foreseen, what is kept in memos. */
#include "core/trust/crl.h"

#include <apr_strings.h>
#include <openssl/err.h>

#include "core/trust/memo.h"
#include "make_cert.h"
#include "test.h"

#define SECOND apr_time_from_sec(1)
#define DAY apr_time_from_sec(86400)
#define MADE (TEST_NOW - 10 * DAY)   /* thisUpdate */
#define DUE TEST_NOW                 /* nextUpdate */
#define GRACE 7200

static apr_pool_t *p;
static samlc_result_t *res;
static test_cert_t *root, *leaf;
static samlc_chain_source_t source;
static int is_delta;                 /* of lists that are added */

static const samlc_cert_t *parsed(const test_cert_t *made)
{
    samlc_cert_t *cert = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&cert, &made->der, res, p), APR_SUCCESS);
    return cert;
}

static void setup(void)
{
    apr_array_header_t *roots = NULL;

    p = test_pool();
    res = samlc_result_make(p);
    roots = apr_array_make(p, 1, sizeof(samlc_cert_t *));
    root = test_cert_make(&(test_cert_spec_t){ .cn = "root", .key_type = "EC", .is_ca = 1 }, p);
    leaf = test_cert_make(&(test_cert_spec_t){ .cn = "leaf", .key_type = "EC", .issuer = root,
                                               .serial = 7 }, p);
    APR_ARRAY_PUSH(roots, const samlc_cert_t *) = parsed(root);
    memset(&source, 0, sizeof(source));
    source.roots = roots;
    source.crls = apr_array_make(p, 1, sizeof(samlc_data_t));
    source.crl_check = SAMLC_CRL_LEAF;
    is_delta = 0;
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

/* A list of `root`; 0 for `next_update`: it has none. */
static void add_list(apr_time_t next_update, const test_cert_t *revoked)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, apr_time_sec(MADE));
    samlc_data_t data = { NULL, 0, "crls/root.crl" };
    unsigned char *der = NULL;
    int len = 0;

    ck_assert_int_eq(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    ck_assert_int_eq(X509_CRL_set_issuer_name(crl, X509_get_subject_name(root->x509)), 1);
    ck_assert_int_eq(X509_CRL_set1_lastUpdate(crl, at), 1);
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();

        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509));
        X509_REVOKED_set_revocationDate(entry, at);
        ck_assert_int_eq(X509_CRL_add0_revoked(crl, entry), 1);
    }
    if (next_update != 0) {
        ASN1_TIME_set(at, apr_time_sec(next_update));
        ck_assert_int_eq(X509_CRL_set1_nextUpdate(crl, at), 1);
    }
    if (is_delta) {
        ck_assert_int_eq(X509_CRL_add1_ext_i2d(crl, NID_delta_crl, X509_get_serialNumber(
                             root->x509), 1, 0), 1);
    }
    ck_assert_int_gt(X509_CRL_sign(crl, root->pkey, EVP_sha256()), 0);
    len = i2d_X509_CRL(crl, &der);
    ck_assert_int_gt(len, 0);
    data.data = apr_pmemdup(p, der, (apr_size_t)len);
    data.len = (apr_size_t)len;
    APR_ARRAY_PUSH((apr_array_header_t *)source.crls, samlc_data_t) = data;
    OPENSSL_free(der);
    ASN1_TIME_free(at);
    X509_CRL_free(crl);
}

static samlc_chain_t *build(void)
{
    samlc_chain_t *chain = NULL;

    ck_assert_msg(samlc_chain_make(&chain, &source, res, p) == APR_SUCCESS, "%s", res->message);
    return chain;
}

/* `text` has to be in what is said; NULL: nothing is said. */
static void expect(apr_time_t now, samlc_reason_t reason, const char *text)
{
    const char *said = NULL;
    samlc_reason_t found = samlc_chain_judge_path(&said, build(), parsed(leaf), now, p);

    ck_assert_msg(found == reason, "%s instead of %s: %s", samlc_reason_word(found),
                  samlc_reason_word(reason), said);
    ck_assert_msg(text == NULL ? said == NULL : said != NULL && strstr(said, text) != NULL, "%s",
                  said);
}

static void foresees(apr_time_t now, const char *text)
{
    const apr_array_header_t *said = samlc_chain_foresee(build(), now, p);

    ck_assert_int_eq(said->nelts, text != NULL);
    if (text != NULL) {
        ck_assert_msg(strstr(APR_ARRAY_IDX(said, 0, const char *), text) != NULL, "%s",
                      APR_ARRAY_IDX(said, 0, const char *));
    }
}

START_TEST(test_due)
{
    add_list(DUE, NULL);
    expect(DUE - SECOND, SAMLC_REASON_OK, NULL);
    expect(DUE, SAMLC_REASON_CRL_STALE, "crls/root.crl was due at 2026-07-01T00:00:00Z");
}
END_TEST

START_TEST(test_grace)
{
    apr_time_t end = DUE + apr_time_from_sec(GRACE);

    source.crl_grace = GRACE;
    add_list(DUE, NULL);
    expect(DUE - SECOND, SAMLC_REASON_OK, NULL);
    expect(DUE, SAMLC_REASON_OK, "by CRLGrace it counts until 2026-07-01T02:00:00Z");
    expect(end - SECOND, SAMLC_REASON_OK, "CRLGrace");
    expect(end, SAMLC_REASON_CRL_STALE, "was due at");
}
END_TEST

/* Grace is about dates alone: what a list that is due revokes is revoked. */
START_TEST(test_grace_forgives_nothing_else)
{
    source.crl_grace = GRACE;
    add_list(DUE, leaf);
    expect(DUE, SAMLC_REASON_CERT_REVOKED, "CN=leaf");
    expect(DUE + apr_time_from_sec(GRACE), SAMLC_REASON_CRL_STALE, "was due at");
}
END_TEST

/* spec: RFC 5280 5.1.2.5 - a list says when the next one comes; OpenSSL takes it for eternal */
START_TEST(test_undated)
{
    add_list(0, NULL);
    expect(MADE, SAMLC_REASON_CRL_STALE, "no revocation list of CN=root that counts");
    source.crl_grace = GRACE;
    expect(MADE, SAMLC_REASON_OK, "has no nextUpdate");
    expect(MADE + apr_time_from_sec(GRACE) - SECOND, SAMLC_REASON_OK, "has no nextUpdate");
    expect(MADE + apr_time_from_sec(GRACE), SAMLC_REASON_CRL_STALE, "no revocation list");
}
END_TEST

START_TEST(test_undated_revokes)
{
    source.crl_grace = GRACE;
    add_list(0, leaf);
    expect(MADE, SAMLC_REASON_CERT_REVOKED, "CN=leaf");
    source.crl_check = SAMLC_CRL_OFF;
    expect(MADE, SAMLC_REASON_OK, NULL);
}
END_TEST

/* One that revokes something would be ignored. */
START_TEST(test_delta)
{
    samlc_chain_t *chain = NULL;

    add_list(DUE, NULL);
    is_delta = 1;
    expect(TEST_NOW - DAY, SAMLC_REASON_OK, NULL);    /* of what came before */
    add_list(DUE, leaf);
    ck_assert_int_ne(samlc_chain_make(&chain, &source, res, p), APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_str_eq(res->message, "crls/root.crl: is a delta CRL, which is not supported; put the "
                                   "full one here");
}
END_TEST

START_TEST(test_foreseen)
{
    foresees(DUE, "there are none");
    add_list(DUE, NULL);
    foresees(DUE - SAMLC_CRL_SOON - SECOND, NULL);
    foresees(DUE - SAMLC_CRL_SOON, "will be due at 2026-07-01T00:00:00Z");
    foresees(DUE, "was due at 2026-07-01T00:00:00Z: what asks for it is refused (crl-stale)");
    source.crl_grace = GRACE;
    foresees(DUE, "by CRLGrace it counts until");
    source.crl_check = SAMLC_CRL_OFF;
    foresees(DUE, NULL);
}
END_TEST

START_TEST(test_foreseen_undated)
{
    add_list(0, NULL);
    foresees(MADE, "has no nextUpdate, so nobody can tell");
}
END_TEST

START_TEST(test_foreseen_missing)
{
    const test_cert_t *other = test_cert_make(
        &(test_cert_spec_t){ .cn = "other", .key_type = "EC", .is_ca = 1 }, p);

    add_list(DUE + 2 * DAY, NULL);
    APR_ARRAY_PUSH((apr_array_header_t *)source.roots, const samlc_cert_t *) = parsed(other);
    foresees(DUE, NULL);
    source.crl_check = SAMLC_CRL_CHAIN;
    foresees(DUE, "a revocation list of CN=other");
}
END_TEST

/* --- memos -------------------------------------------------------------------------------------- */

START_TEST(test_interval)
{
    apr_time_t from = 0, until = 0;

    source.crl_grace = GRACE;
    add_list(DUE, NULL);
    ck_assert_int_eq(samlc_chain_interval(&from, &until, build(), DUE - SECOND), 1);
    ck_assert(from == MADE && until == DUE);
    ck_assert_int_eq(samlc_chain_interval(&from, &until, build(), DUE), 1);
    ck_assert(from == DUE && until == DUE + apr_time_from_sec(GRACE));
    ck_assert_int_eq(samlc_chain_interval(&from, &until, build(), DUE + DAY), 1);
    ck_assert(from == DUE + apr_time_from_sec(GRACE) && until == TEST_NOT_AFTER);
    source.use_system_roots = 1;
    ck_assert_int_eq(samlc_chain_interval(&from, &until, build(), DUE), 0);
}
END_TEST

/* What is kept is what is judged anew, on both sides of each date and in any order. */
START_TEST(test_memo)
{
    samlc_memo_t *memo = samlc_memo_make(p);
    const samlc_chain_t *chain = NULL;
    const samlc_cert_t *cert = parsed(leaf);
    const apr_time_t dates[] = { TEST_NOT_BEFORE, MADE, DUE, DUE + apr_time_from_sec(GRACE),
                                 TEST_NOT_AFTER };
    int round = 0, i = 0, k = 0;

    source.crl_grace = GRACE;
    add_list(DUE, NULL);
    chain = build();
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 5; i++) {
            for (k = -1; k <= 1; k++) {
                apr_time_t now = dates[round == 1 ? 4 - i : i] + k;
                const char *anew = NULL, *kept = NULL;
                samlc_reason_t reason = samlc_chain_judge_path(&anew, chain, cert, now, p);

                ck_assert_int_eq(samlc_memo_judge(&kept, memo, chain, cert, now, p), reason);
                ck_assert((anew == NULL) == (kept == NULL));
                ck_assert(anew == NULL || strcmp(anew, kept) == 0);
            }
        }
    }
}
END_TEST

/* A memo answers for the chain that it was asked about, and no other one. */
START_TEST(test_memo_of_two_chains)
{
    samlc_memo_t *memo = samlc_memo_make(p);
    const samlc_chain_t *good = NULL, *bad = NULL;
    const char *text = NULL;
    int i = 0;

    source.crl_check = SAMLC_CRL_OFF;
    good = build();
    source.crl_check = SAMLC_CRL_LEAF;
    bad = build();
    for (i = 0; i < 2; i++) {
        ck_assert_int_eq(samlc_memo_judge(&text, memo, good, parsed(leaf), TEST_NOW, p),
                         SAMLC_REASON_OK);
        ck_assert_int_eq(samlc_memo_judge(&text, memo, bad, parsed(leaf), TEST_NOW, p),
                         SAMLC_REASON_CRL_STALE);
    }
}
END_TEST

Suite *suite_crl(void)
{
    Suite *suite = suite_create("crl");
    TCase *tc = tcase_create("crl");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_due);
    tcase_add_test(tc, test_grace);
    tcase_add_test(tc, test_grace_forgives_nothing_else);
    tcase_add_test(tc, test_undated);
    tcase_add_test(tc, test_undated_revokes);
    tcase_add_test(tc, test_delta);
    tcase_add_test(tc, test_foreseen);
    tcase_add_test(tc, test_foreseen_undated);
    tcase_add_test(tc, test_foreseen_missing);
    tcase_add_test(tc, test_interval);
    tcase_add_test(tc, test_memo);
    tcase_add_test(tc, test_memo_of_two_chains);
    suite_add_tcase(suite, tc);
    return suite;
}
