/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/text.h"

#include <apr_strings.h>

#include "test.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

/* spec: RFC 4648 10 - the test vectors; NULL as a result: refused */
static const struct {
    const char *text;
    const char *bytes;
} base64[] = {
    {"", ""},
    {"Zg==", "f"},
    {"Zm8=", "fo"},
    {"Zm9v", "foo"},
    {"Zm9vYg==", "foob"},
    {"Zm9vYmE=", "fooba"},
    {"Zm9vYmFy", "foobar"},
    {"+/+/", "\xfb\xff\xbf"},
    /* white space anywhere */
    {" \t\r\n", ""},
    {" Zm\r\n9v\tYg = =\n", "foob"},
    {"Z g = =", "f"},
    {"\v" "Zm9v", NULL},
    {"Zm9v\f", NULL},
    {"Zm\xc2\xa0" "9v", NULL},
    /* padding is required and exact */
    {"Zg", NULL},
    {"Zg=", NULL},
    {"Zg===", NULL},
    {"Zm8", NULL},
    {"Zm8==", NULL},
    {"Zm9v=", NULL},
    {"Zm9v==", NULL},
    {"Zm9v====", NULL},
    {"=", NULL},
    {"==", NULL},
    {"====", NULL},
    {"Z===", NULL},
    /* a single character is half a byte */
    {"Z", NULL},
    {"Zm9vY", NULL},
    {"Zm9vY===", NULL},
    {"Zm9vA===", NULL},
    {"A===", NULL},
    {"A", NULL},
    /* nothing after the padding */
    {"Zg==Zg==", NULL},
    {"Zg==A", NULL},
    {"Zg= =A", NULL},
    {"Zm8=\nZm8=", NULL},
    {"Zg==.", NULL},
    {"Z=g=", NULL},
    {"=Zg=", NULL},
    /* unused bits are zero */
    {"Zh==", NULL},
    {"Zn==", NULL},
    {"Zv==", NULL},
    {"Zm9=", NULL},
    {"Zm-=", NULL},
    /* other alphabets and characters */
    {"-_-_", NULL},
    {"Zm9v!", NULL},
    {"Zm.v", NULL},
    {"Zm%39v", NULL},
    {"Zm9\x80", NULL},
    {"\xff" "m9v", NULL},
    {"Zm9v-----", NULL},
};

START_TEST(test_base64_decode)
{
    apr_pool_t *p = test_pool();
    samlc_data_t in = {(const unsigned char *)base64[_i].text, strlen(base64[_i].text), "origin"};
    samlc_data_t out = {NULL, 77, NULL};
    apr_status_t rv = samlc_text_base64_decode(&out, &in, p);

    ck_assert_str_eq(out.origin, "origin");
    if (!base64[_i].bytes) {
        ck_assert_int_eq(rv, APR_EINVAL);
        ck_assert_ptr_null(out.data);
        ck_assert_uint_eq(out.len, 0);
        return;
    }
    ck_assert_int_eq(rv, APR_SUCCESS);
    ck_assert_uint_eq(out.len, strlen(base64[_i].bytes));
    ck_assert_mem_eq(out.data, base64[_i].bytes, out.len);
}
END_TEST

START_TEST(test_base64_refuses_nul)
{
    samlc_data_t in = {(const unsigned char *)"Zm9v\0Zm9v", 9, NULL};
    samlc_data_t out;

    ck_assert_int_eq(samlc_text_base64_decode(&out, &in, test_pool()), APR_EINVAL);
    in.len = 4;
    ck_assert_int_eq(samlc_text_base64_decode(&out, &in, test_pool()), APR_SUCCESS);
}
END_TEST

/* Every length and every byte value survives the round trip. */
START_TEST(test_base64_round_trip)
{
    apr_pool_t *p = test_pool();
    unsigned char bytes[256];
    samlc_data_t in = {NULL, 0, NULL};
    samlc_data_t out = {NULL, 0, NULL};
    const char *text = NULL;
    int i = 0;

    for (i = 0; i < 256; i++) {
        bytes[i] = (unsigned char)(i * 7 + _i);
    }
    text = samlc_text_base64(bytes, (apr_size_t)_i, p);
    ck_assert_uint_eq(strlen(text), (size_t)(_i + 2) / 3 * 4);
    in.data = (const unsigned char *)text;
    in.len = strlen(text);
    ck_assert_int_eq(samlc_text_base64_decode(&out, &in, p), APR_SUCCESS);
    ck_assert_uint_eq(out.len, (apr_size_t)_i);
    ck_assert_mem_eq(out.data, bytes, out.len);
}
END_TEST

static const struct {
    const char *bytes;
    const char *plain;
    const char *url;
} base64_out[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbf", "+/+/", "-_-_"},
    {"\xff", "/w==", "_w"},
};

START_TEST(test_base64_encode)
{
    apr_pool_t *p = test_pool();
    apr_size_t len = strlen(base64_out[_i].bytes);

    ck_assert_str_eq(samlc_text_base64(base64_out[_i].bytes, len, p), base64_out[_i].plain);
    ck_assert_str_eq(samlc_text_base64url(base64_out[_i].bytes, len, p), base64_out[_i].url);
}
END_TEST

START_TEST(test_hex)
{
    apr_pool_t *p = test_pool();

    ck_assert_str_eq(samlc_text_hex("\x00\x01\x7f\x80\xab\xff", 6, p), "00017f80abff");
    ck_assert_str_eq(samlc_text_hex("", 0, p), "");
}
END_TEST

START_TEST(test_hex_digit)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    char c = (char)_i;
    const char *found = c != '\0' ? strchr(digits, c) : NULL;
    int expected = !found ? -1 : found - digits < 16 ? (int)(found - digits)
                                                     : (int)(found - digits) - 6;

    ck_assert_int_eq(samlc_text_hex_digit(c), expected);
}
END_TEST

static const struct {
    const char *plain;
    const char *encoded;
} urls[] = {
    {"", ""},
    {"abcXYZ019-._~", "abcXYZ019-._~"},
    {"a b+c", "a%20b%2Bc"},
    {"https://sp/x?y=1&z=#", "https%3A%2F%2Fsp%2Fx%3Fy%3D1%26z%3D%23"},
    {"!*'()%", "%21%2A%27%28%29%25"},
    {"\x01\x7f\x80\xff", "%01%7F%80%FF"},
};

START_TEST(test_url_encode)
{
    apr_pool_t *p = test_pool();

    ck_assert_str_eq(samlc_text_url_encode(urls[_i].plain, p), urls[_i].encoded);
    ck_assert_str_eq(samlc_text_url_decode(urls[_i].encoded, strlen(urls[_i].encoded), p),
                     urls[_i].plain);
}
END_TEST

static const struct {
    const char *encoded;
    const char *plain;    /* NULL: refused */
} forms[] = {
    {"a+b", "a b"},
    {"a%2Bb%2bc", "a+b+c"},
    {"%41%7a", "Az"},
    {"%e4%F6", "\xe4\xf6"},
    {"a=b&c", "a=b&c"},
    {"%0d%0A", "\r\n"},
    {"%2541", "%41"},
    {"%", NULL},
    {"%4", NULL},
    {"abc%4", NULL},
    {"%4g", NULL},
    {"%g4", NULL},
    {"%%41", NULL},
    {"% 4", NULL},
    {"%+4", NULL},
    {"%-1", NULL},
    {"%0x", NULL},
    {"%u0041", NULL},
    {"%00", NULL},
    {"abc%00", NULL},
    {"%01", "\x01"},
};

START_TEST(test_url_decode)
{
    const char *plain = samlc_text_url_decode(forms[_i].encoded, strlen(forms[_i].encoded),
                                              test_pool());

    if (forms[_i].plain) {
        ck_assert_str_eq(plain, forms[_i].plain);
    }
    else {
        ck_assert_ptr_null(plain);
    }
}
END_TEST

/* The length rules, not a terminator: an escape that goes on behind it is broken. */
START_TEST(test_url_decode_stops_at_length)
{
    apr_pool_t *p = test_pool();

    ck_assert_str_eq(samlc_text_url_decode("ab%41", 2, p), "ab");
    ck_assert_ptr_null(samlc_text_url_decode("ab%41", 3, p));
    ck_assert_ptr_null(samlc_text_url_decode("ab%41", 4, p));
    ck_assert_str_eq(samlc_text_url_decode("ab%41", 5, p), "abA");
    ck_assert_ptr_null(samlc_text_url_decode("a\0b", 3, p));
    ck_assert_str_eq(samlc_text_url_decode("a\0b", 1, p), "a");
}
END_TEST

START_TEST(test_xml_escape)
{
    apr_pool_t *p = test_pool();

    ck_assert_str_eq(samlc_text_xml_escape("", p), "");
    ck_assert_str_eq(samlc_text_xml_escape("plain \xc3\xa4;", p), "plain \xc3\xa4;");
    ck_assert_str_eq(samlc_text_xml_escape("<a b=\"c\" d='&amp;'>", p),
                     "&lt;a b=&quot;c&quot; d=&#39;&amp;amp;&#39;&gt;");
    ck_assert_str_eq(samlc_text_xml_escape("\"\"\"\"", p), "&quot;&quot;&quot;&quot;");
}
END_TEST

static const struct {
    const char *text;
    const char *shown;
} shows[] = {
    {NULL, "(none)"},
    {"", ""},
    {"plain ~ text", "plain ~ text"},
    {"a\r\nb\tc", "a\\x0d\\x0ab\\x09c"},
    {"\x1b[31m\x7f", "\\x1b[31m\\x7f"},
    {"\xc3\xa4\xff", "\\xc3\\xa4\\xff"},
};

START_TEST(test_show)
{
    ck_assert_str_eq(samlc_text_show(shows[_i].text, test_pool()), shows[_i].shown);
}
END_TEST

START_TEST(test_show_is_bounded)
{
    apr_pool_t *p = test_pool();
    char text[202];

    memset(text, 'a', sizeof(text));
    text[200] = '\0';
    ck_assert_str_eq(samlc_text_show(text, p), text);
    text[200] = 'a';
    text[201] = '\0';
    ck_assert_str_eq(samlc_text_show(text, p), apr_pstrcat(p, apr_pstrndup(p, text, 200), "...",
                                                           NULL));
    memset(text, 1, 201);
    ck_assert_uint_eq(strlen(samlc_text_show(text, p)), 4 * 200 + 3);
}
END_TEST

START_TEST(test_equal)
{
    ck_assert_int_eq(samlc_text_equal("a", "a"), 1);
    ck_assert_int_eq(samlc_text_equal("", ""), 1);
    ck_assert_int_eq(samlc_text_equal("a", "A"), 0);
    ck_assert_int_eq(samlc_text_equal("a", "a "), 0);
    ck_assert_int_eq(samlc_text_equal("a", NULL), 0);
    ck_assert_int_eq(samlc_text_equal(NULL, "a"), 0);
    ck_assert_int_eq(samlc_text_equal(NULL, NULL), 0);
    ck_assert_int_eq(samlc_text_equal("", NULL), 0);
}
END_TEST

static const struct {
    const char *text;
    const char *joined;
} splits[] = {
    {NULL, ""},
    {"", ""},
    {" \t\r\n\f\v", ""},
    {"one", "one"},
    {"  one\ttwo\r\n three ", "one,two,three"},
    {"a,b c", "a,b,c"},
};

START_TEST(test_words)
{
    apr_pool_t *p = test_pool();
    apr_array_header_t *words = samlc_text_words(splits[_i].text, p);

    ck_assert_str_eq(apr_array_pstrcat(p, words, ','), splits[_i].joined);
}
END_TEST

Suite *suite_text(void);

Suite *suite_text(void)
{
    Suite *suite = suite_create("text");
    TCase *tc = tcase_create("text");

    tcase_add_loop_test(tc, test_base64_decode, 0, COUNT(base64));
    tcase_add_test(tc, test_base64_refuses_nul);
    tcase_add_loop_test(tc, test_base64_round_trip, 0, 256);
    tcase_add_loop_test(tc, test_base64_encode, 0, COUNT(base64_out));
    tcase_add_test(tc, test_hex);
    tcase_add_loop_test(tc, test_hex_digit, -128, 128);
    tcase_add_loop_test(tc, test_url_encode, 0, COUNT(urls));
    tcase_add_loop_test(tc, test_url_decode, 0, COUNT(forms));
    tcase_add_test(tc, test_url_decode_stops_at_length);
    tcase_add_test(tc, test_xml_escape);
    tcase_add_loop_test(tc, test_show, 0, COUNT(shows));
    tcase_add_test(tc, test_show_is_bounded);
    tcase_add_test(tc, test_equal);
    tcase_add_loop_test(tc, test_words, 0, COUNT(splits));
    suite_add_tcase(suite, tc);
    return suite;
}
