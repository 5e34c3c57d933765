/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/cookie.h"

#include <apr_strings.h>

#include "test.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))

/* spec: RFC 6265 4.2.1 */
static const struct {
    const char *header;
    const char *pairs;      /* [name|value] each */
} headers[] = {
    {"", ""},
    {"a=1", "[a|1]"},
    {"a=1; b=2", "[a|1][b|2]"},
    {"a=1;b=2;", "[a|1][b|2]"},
    {" \ta=1 ;\tb=2 ", "[a|1 ][b|2 ]"},
    {"a=1; a=2", "[a|1][a|2]"},
    {"a=b=c==", "[a|b=c==]"},
    {"a=", "[a|]"},
    {"=1", "[|1]"},
    {"a", ""},
    {"a; b=2; c", "[b|2]"},
    {";;; ;a=1;; ; ;b=2;;", "[a|1][b|2]"},
    {"a =1", "[a |1]"},
    {"A=1; a=2", "[A|1][a|2]"},
    {"a=\"1; b=2\"", "[a|\"1][b|2\"]"},   /* quotes mean nothing here */
    {"a=1, b=2", "[a|1, b=2]"},
    {"$Version=1; a=%3B", "[$Version|1][a|%3B]"},
};

START_TEST(test_pairs)
{
    apr_pool_t *p = test_pool();
    const char *at = headers[_i].header;
    const char *pairs = "";
    samlc_cookie_t cookie;

    while (samlc_cookie_next(&cookie, &at)) {
        pairs = apr_pstrcat(p, pairs, "[", apr_pstrmemdup(p, cookie.name, cookie.name_len), "|",
                            apr_pstrmemdup(p, cookie.value, cookie.value_len), "]", NULL);
    }
    ck_assert_str_eq(pairs, headers[_i].pairs);
    ck_assert_ptr_null(cookie.name);
    ck_assert_int_eq(samlc_cookie_next(&cookie, &at), 0);
}
END_TEST

START_TEST(test_is)
{
    const char *at = "name=1";
    samlc_cookie_t cookie;

    ck_assert_int_eq(samlc_cookie_next(&cookie, &at), 1);
    ck_assert_int_eq(samlc_cookie_is(&cookie, "name"), 1);
    ck_assert_int_eq(samlc_cookie_is(&cookie, "nam"), 0);
    ck_assert_int_eq(samlc_cookie_is(&cookie, "name="), 0);
    ck_assert_int_eq(samlc_cookie_is(&cookie, "Name"), 0);
    ck_assert_int_eq(samlc_cookie_is(&cookie, ""), 0);
}
END_TEST

Suite *suite_cookie(void);

Suite *suite_cookie(void)
{
    Suite *suite = suite_create("cookie");
    TCase *tc = tcase_create("cookie");

    tcase_add_loop_test(tc, test_pairs, 0, COUNT(headers));
    tcase_add_test(tc, test_is);
    suite_add_tcase(suite, tc);
    return suite;
}
