/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <apr_strings.h>
#include <apr_tables.h>

#include "core/saml/target.h"

#define BASE "https://app.example.org"
#define MAX_TARGET 4096

static apr_array_header_t *hosts(apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 3, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = "www.example.net";
    APR_ARRAY_PUSH(list, const char *) = "other.example.net:8443";
    APR_ARRAY_PUSH(list, const char *) = "[2001:db8::1]:8443";
    return list;
}

static const char *const refused[] = {
    /* not a path */
    "",
    "app",
    "app/x",
    "?x=1",
    "#x",
    ".",
    "..",
    "./app",
    "../app",
    /* two slashes, written or meant */
    "//evil.org",
    "///evil.org",
    "////evil.org",
    "//app.example.org",
    "//evil.org@app.example.org/",
    "/\\evil.org",
    "\\evil.org",
    "\\\\evil.org",
    "\\/evil.org",
    "/app\\evil",
    "/app?x=\\",
    "/%2fevil.org",
    "/%2Fevil.org",
    "/%5cevil.org",
    "/%5Cevil.org",
    "%5cevil.org",
    "%2f%2fevil.org",
    "%5c%5cevil.org",
    "/%09/evil.org",
    "/%0a/evil.org",
    "/%0d/evil.org",
    "/%00/evil.org",
    "/%20/evil",
    /* control characters, blanks, beyond ASCII */
    "/\t/evil.org",
    "/\n/evil.org",
    "/\r/evil.org",
    "\t//evil.org",
    " //evil.org",
    " /app",
    "/app ",
    "\n/app",
    "/app\r\nSet-Cookie: x=y",
    "/app\nx",
    "/app\rx",
    "/a b",
    "/\x01",
    "/\x1f",
    "/\x7f",
    "/caf\xc3\xa9",
    "/\xff",
    "/\xe3\x80\x82/evil.org",
    "https://app.example.org\t/x",
    "ht\ntps://app.example.org/",
    /* broken URLs that a browser mends */
    "https:evil.org",
    "https:/evil.org",
    "https:///evil.org",
    "https:////evil.org",
    "https:\\\\evil.org",
    "https:app.example.org",
    "https:/app.example.org",
    "https:///app.example.org",
    "https://",
    "https:",
    "https",
    "https://?x",
    "https://#x",
    "https://:443/",
    "https:/\\app.example.org",
    /* another scheme */
    "http://app.example.org/",
    "http:evil.org",
    "ftp://app.example.org/",
    "ws://app.example.org/",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "javascript://app.example.org/%0aalert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "mailto:x@example.org",
    "view-source:https://app.example.org/",
    "httpss://app.example.org/",
    "xhttps://app.example.org/",
    /* somebody in front of the host */
    "https://user@app.example.org/",
    "https://user:pw@app.example.org/",
    "https://@app.example.org/",
    "https://app.example.org@evil.org/",
    "https://app.example.org:443@evil.org/",
    "https://evil.org@app.example.org:443/",
    "https://app.example.org%40evil.org/",
    "https://app.example.org:pw@evil.org",
    "https://www.example.net@evil.org/",
    /* almost our host */
    "https://evil.org/",
    "https://evil.org",
    "https://app.example.org.evil.org/",
    "https://app.example.org.evil.org",
    "https://app.example.orgevil.org/",
    "https://app.example.or/",
    "https://app.example.org./",
    "https://.app.example.org/",
    "https://xapp.example.org/",
    "https://example.org/",
    "https://x.app.example.org/",
    "https://app-example.org/",
    "https://app.example.org%2f.evil.org/",
    "https://app.example.org%00.evil.org/",
    "https://app.example.org\\@evil.org/",
    "https://app.example.org\\.evil.org/",
    "https://app.example.org;evil.org/",
    "https://app.example.org&evil.org/",
    "https://app.example.org,x/",
    "https://evil.org/https://app.example.org/",
    "https://evil.org?https://app.example.org/",
    "https://evil.org#https://app.example.org/",
    "https://evil.org?@app.example.org/",
    "https://evil.org#@app.example.org/",
    "https://app%2eexample.org/",
    "https://[app.example.org]/",
    /* another port, and what is none */
    "https://app.example.org:444/",
    "https://app.example.org:80/",
    "https://app.example.org:4430/",
    "https://app.example.org:/",
    "https://app.example.org:x/",
    "https://app.example.org:443x/",
    "https://app.example.org:-443/",
    "https://app.example.org:+443/",
    "https://app.example.org:0443443/",
    "https://app.example.org:65979/",
    "https://app.example.org:0/",
    "https://app.example.org:443:443/",
    "https://app.example.org:443.evil.org/",
    "https://app.example.org:4294967739/",
    /* hosts that are allowed, with something else */
    "http://www.example.net/",
    "https://www.example.net:8443/",
    "https://other.example.net/",
    "https://other.example.net:443/",
    "https://www.example.net.evil.org/",
    "https://x.www.example.net/",
    "//www.example.net/",
    "https://[2001:db8::1]/",
    "https://[2001:db8::2]:8443/",
    "https://2001:db8::1:8443/",
    "https://[2001:db8::1]evil.org:8443/",
    "https://[2001:db8::1:8443/",
};

static const char *const allowed[] = {
    "/",
    "/app",
    "/app/",
    "/app/x?y=z",
    "/?x",
    "/#x",
    "/app//x",
    "/a:b@c",
    "/x?u=https://evil.org/",
    "/x?u=//evil.org",
    "/%61pp",
    "/app%2fx",
    "/app%5cx",
    "/%",
    "/%2",
    "/%zz",
    "/.",
    "/a;b=c,d!$&'()*+~",
    "https://app.example.org",
    "https://app.example.org/",
    "https://app.example.org/x?y#z",
    "https://app.example.org?x",
    "https://app.example.org#x",
    "https://app.example.org:443/x",
    "https://app.example.org:443",
    "https://app.example.org:0443/",
    "HTTPS://app.example.org/",
    "https://APP.Example.ORG/x",
    "hTTpS://aPP.example.org:443?x",
    "https://app.example.org//x",
    "https://app.example.org/@evil.org",
    "https://app.example.org/x:y@z",
    "https://app.example.org?a@b",
    "https://www.example.net",
    "https://www.example.net/x",
    "https://WWW.example.net:443/",
    "https://other.example.net:8443/x",
    "https://[2001:db8::1]:8443/",
    "https://[2001:DB8::1]:8443",
};

START_TEST(hostile_targets_are_refused)
{
    apr_pool_t *p = test_pool();

    ck_assert_msg(samlc_target_check(refused[_i], BASE, hosts(p), p) == NULL, "%s", refused[_i]);
}
END_TEST

START_TEST(good_targets_are_allowed)
{
    apr_pool_t *p = test_pool();

    ck_assert_msg(samlc_target_check(allowed[_i], BASE, hosts(p), p) == allowed[_i], "%s",
                  allowed[_i]);
}
END_TEST

/* The same target at sites of different origins. */
static const struct {
    const char *base_url;
    const char *target;
    int is_allowed;
} origins[] = {
    { "https://app.example.org:8443", "https://app.example.org:8443/x", 1 },
    { "https://app.example.org:8443", "https://app.example.org/x", 0 },
    { "https://app.example.org:8443", "https://app.example.org:443/x", 0 },
    { "https://app.example.org:443", "https://app.example.org/x", 1 },
    { "https://APP.example.org/", "https://app.example.org/x", 1 },
    { "http://127.0.0.1:8080", "http://127.0.0.1:8080/x", 1 },
    { "http://127.0.0.1:8080", "https://127.0.0.1:8080/x", 0 },
    { "http://127.0.0.1:8080", "http://127.0.0.1/x", 0 },
    { "http://localhost", "http://localhost:80/x", 1 },
    { "http://localhost", "http://localhost:443/x", 0 },
    { "http://localhost", "https://localhost/x", 0 },
    { "http://[::1]:8080", "http://[::1]:8080/x", 1 },
    { "http://[::1]", "http://[::1]/x", 1 },
    { "http://[::1]", "http://[::1]:80/x", 1 },
    { "http://[::1]", "http://[::2]/x", 0 },
    { NULL, "/x", 1 },
    { NULL, "https://app.example.org/x", 0 },
    { "", "https:///x", 0 },
    { "nonsense", "nonsense/x", 0 },
};

START_TEST(origin_is_the_whole_origin)
{
    apr_pool_t *p = test_pool();
    const char *target = origins[_i].target;

    ck_assert_msg(samlc_target_check(target, origins[_i].base_url, NULL, p)
                      == (origins[_i].is_allowed ? target : NULL),
                  "%s at %s", target, origins[_i].base_url);
}
END_TEST

START_TEST(without_a_list_no_host_is_allowed)
{
    apr_pool_t *p = test_pool();
    apr_array_header_t *none = apr_array_make(p, 1, sizeof(const char *));
    const char *target = "https://www.example.net/";

    ck_assert_ptr_null(samlc_target_check(target, BASE, NULL, p));
    ck_assert_ptr_null(samlc_target_check(target, BASE, none, p));
    ck_assert_ptr_eq(samlc_target_check(target, BASE, hosts(p), p), target);
}
END_TEST

/* A list that names a user is a mistake, and no reason to send anybody there. */
START_TEST(user_info_is_never_allowed)
{
    apr_pool_t *p = test_pool();
    apr_array_header_t *list = apr_array_make(p, 1, sizeof(const char *));

    APR_ARRAY_PUSH(list, const char *) = "user@www.example.net";
    ck_assert_ptr_null(samlc_target_check("https://user@www.example.net/", BASE, list, p));
    ck_assert_ptr_null(samlc_target_check("https://www.example.net/", BASE, list, p));
}
END_TEST

START_TEST(length_is_limited)
{
    apr_pool_t *p = test_pool();
    char *target = apr_pcalloc(p, MAX_TARGET + 2);

    memset(target, 'a', MAX_TARGET);
    target[0] = '/';
    ck_assert_ptr_eq(samlc_target_check(target, BASE, NULL, p), target);
    target[MAX_TARGET] = 'a';
    ck_assert_ptr_null(samlc_target_check(target, BASE, NULL, p));
}
END_TEST

START_TEST(each_character_is_judged)
{
    apr_pool_t *p = test_pool();
    char target[] = "/a?b";
    int c;

    for (c = 1; c < 256; c++) {
        target[2] = (char)c;
        ck_assert_msg((samlc_target_check(target, BASE, NULL, p) != NULL)
                          == (c > ' ' && c < 0x7f && c != '\\'),
                      "character %d", c);
    }
    ck_assert_ptr_null(samlc_target_check(NULL, BASE, NULL, p));
}
END_TEST

Suite *suite_target(void)
{
    Suite *suite = suite_create("target");
    TCase *tc = tcase_create("target");

    tcase_add_loop_test(tc, hostile_targets_are_refused, 0, sizeof(refused) / sizeof(refused[0]));
    tcase_add_loop_test(tc, good_targets_are_allowed, 0, sizeof(allowed) / sizeof(allowed[0]));
    tcase_add_loop_test(tc, origin_is_the_whole_origin, 0, sizeof(origins) / sizeof(origins[0]));
    tcase_add_test(tc, without_a_list_no_host_is_allowed);
    tcase_add_test(tc, user_info_is_never_allowed);
    tcase_add_test(tc, length_is_limited);
    tcase_add_test(tc, each_character_is_judged);
    suite_add_tcase(suite, tc);
    return suite;
}
