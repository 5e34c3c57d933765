/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/result.h"

#include <openssl/err.h>

#include "test.h"

/* Words that others rely on, spelled out: renaming one must fail here. */
static const struct {
    samlc_reason_t reason;
    const char *word;
} words[] = {
    {SAMLC_REASON_UNDECIDED, "undecided"},
    {SAMLC_REASON_OK, "ok"},
    {SAMLC_REASON_MALFORMED, "malformed"},
    {SAMLC_REASON_TOO_LARGE, "too-large"},
    {SAMLC_REASON_UNKNOWN_IDP, "unknown-idp"},
    {SAMLC_REASON_IDP_INACTIVE, "idp-inactive"},
    {SAMLC_REASON_NO_SIGNATURE, "no-signature"},
    {SAMLC_REASON_SIGNATURE_INVALID, "signature-invalid"},
    {SAMLC_REASON_SIGNATURE_SCOPE, "signature-scope"},
    {SAMLC_REASON_ALGORITHM_FORBIDDEN, "algorithm-forbidden"},
    {SAMLC_REASON_KEY_TOO_SMALL, "key-too-small"},
    {SAMLC_REASON_NO_TRUST_CONFIGURED, "no-trust-configured"},
    {SAMLC_REASON_CERT_NOT_LISTED, "cert-not-listed"},
    {SAMLC_REASON_CERT_CONFLICT, "cert-conflict"},
    {SAMLC_REASON_CERT_EXPIRED, "cert-expired"},
    {SAMLC_REASON_CERT_NOT_YET_VALID, "cert-not-yet-valid"},
    {SAMLC_REASON_CERT_RETIRED, "cert-retired"},
    {SAMLC_REASON_CERT_REVOKED, "cert-revoked"},
    {SAMLC_REASON_CHAIN_INCOMPLETE, "chain-incomplete"},
    {SAMLC_REASON_CHAIN_EXPIRED, "chain-expired"},
    {SAMLC_REASON_CHAIN_INVALID, "chain-invalid"},
    {SAMLC_REASON_CRL_STALE, "crl-stale"},
    {SAMLC_REASON_METADATA_EXPIRED, "metadata-expired"},
    {SAMLC_REASON_DECRYPT_FAILED, "decrypt-failed"},
    {SAMLC_REASON_STATUS_NOT_SUCCESS, "status-not-success"},
    {SAMLC_REASON_WRONG_DESTINATION, "wrong-destination"},
    {SAMLC_REASON_WRONG_RECIPIENT, "wrong-recipient"},
    {SAMLC_REASON_WRONG_AUDIENCE, "wrong-audience"},
    {SAMLC_REASON_WRONG_ISSUER, "wrong-issuer"},
    {SAMLC_REASON_EXPIRED, "expired"},
    {SAMLC_REASON_NOT_YET_VALID, "not-yet-valid"},
    {SAMLC_REASON_IN_RESPONSE_TO, "in-response-to"},
    {SAMLC_REASON_UNSOLICITED, "unsolicited"},
    {SAMLC_REASON_REPLAY, "replay"},
    {SAMLC_REASON_REPLAY_STORE_UNAVAILABLE, "replay-store-unavailable"},
    {SAMLC_REASON_NO_SUBJECT, "no-subject"},
    {SAMLC_REASON_AUTHN_CONTEXT, "authn-context"},
    {SAMLC_REASON_USER_FILTER, "user-filter"},
    {SAMLC_REASON_CONFIG_INVALID, "config-invalid"},
    {SAMLC_REASON_FILE_UNREADABLE, "file-unreadable"},
    {SAMLC_REASON_INTERNAL, "internal"},
    {SAMLC_REASON_COUNT, "undecided"},
    {(samlc_reason_t)9999, "undecided"},
    {(samlc_reason_t)-1, "undecided"},
};
#define WORDS (int)(sizeof(words) / sizeof(words[0]))

START_TEST(test_word)
{
    ck_assert_str_eq(samlc_reason_word(words[_i].reason), words[_i].word);
}
END_TEST

START_TEST(test_zero_refuses)
{
    samlc_reason_t zeroed = (samlc_reason_t)0;

    ck_assert_int_eq(zeroed, SAMLC_REASON_UNDECIDED);
    ck_assert_int_ne(zeroed, SAMLC_REASON_OK);
}
END_TEST

START_TEST(test_make_says_ok)
{
    samlc_result_t *res = samlc_result_make(test_pool());

    ck_assert_int_eq(res->status, APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_OK);
    ck_assert_str_eq(res->message, "ok");
}
END_TEST

START_TEST(test_fail_records)
{
    samlc_result_t *res = samlc_result_make(test_pool());

    ck_assert_int_eq(samlc_result_fail(res, APR_ENOENT, SAMLC_REASON_REPLAY, "%s %d", "seen", 2),
                     APR_ENOENT);
    ck_assert_int_eq(res->status, APR_ENOENT);
    ck_assert_int_eq(res->reason, SAMLC_REASON_REPLAY);
    ck_assert_str_eq(res->message, "seen 2");
    ck_assert_int_eq(samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_EXPIRED, "late; was: %s",
                                       res->message), APR_EINVAL);
    ck_assert_int_eq(res->reason, SAMLC_REASON_EXPIRED);
    ck_assert_str_eq(res->message, "late; was: seen 2");
}
END_TEST

START_TEST(test_fail_never_succeeds)
{
    samlc_result_t *res = samlc_result_make(test_pool());

    ck_assert_int_eq(samlc_result_fail(res, APR_SUCCESS, SAMLC_REASON_OK, "x"), APR_EGENERAL);
    ck_assert_int_eq(res->status, APR_EGENERAL);
    ck_assert_int_eq(res->reason, SAMLC_REASON_INTERNAL);
    ck_assert_int_eq(samlc_result_fail_openssl(res, APR_SUCCESS, SAMLC_REASON_OK, "x"),
                     APR_EGENERAL);
    ck_assert_int_eq(res->reason, SAMLC_REASON_INTERNAL);
}
END_TEST

START_TEST(test_fail_openssl_drains)
{
    samlc_result_t *res = samlc_result_make(test_pool());
    int i = 0;

    ERR_clear_error();
    for (i = 0; i < 7; i++) {
        ERR_raise(ERR_LIB_PEM, ERR_R_MALLOC_FAILURE);
    }
    ck_assert_int_eq(samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                               "bad %s", "pem"), APR_EINVAL);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    ck_assert_ptr_nonnull(strstr(res->message, "bad pem (OpenSSL: error:"));
    ck_assert_ptr_nonnull(strstr(res->message, "malloc failure"));
    ck_assert_uint_lt(strlen(res->message), 600);
    ck_assert_ptr_null(strchr(res->message, '\n'));
}
END_TEST

START_TEST(test_fail_openssl_without_errors)
{
    samlc_result_t *res = samlc_result_make(test_pool());

    ERR_clear_error();
    samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "plain");
    ck_assert_str_eq(res->message, "plain");
}
END_TEST

START_TEST(test_prefix)
{
    samlc_result_t *res = samlc_result_make(test_pool());

    samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "broken");
    samlc_result_prefix(res, "idp/a");
    ck_assert_str_eq(res->message, "idp/a: broken");
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_int_eq(res->status, APR_EINVAL);
}
END_TEST

Suite *suite_result(void);

Suite *suite_result(void)
{
    Suite *suite = suite_create("result");
    TCase *tc = tcase_create("result");

    tcase_add_loop_test(tc, test_word, 0, WORDS);
    tcase_add_test(tc, test_zero_refuses);
    tcase_add_test(tc, test_make_says_ok);
    tcase_add_test(tc, test_fail_records);
    tcase_add_test(tc, test_fail_never_succeeds);
    tcase_add_test(tc, test_fail_openssl_drains);
    tcase_add_test(tc, test_fail_openssl_without_errors);
    tcase_add_test(tc, test_prefix);
    suite_add_tcase(suite, tc);
    return suite;
}
