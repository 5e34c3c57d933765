/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include "test.h"

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))
#define USEC(seconds, usec) ((apr_time_t)(seconds) * APR_USEC_PER_SEC + (usec))

/* spec: SAML-Core 1.3.3, XML Schema Part 2 3.2.7 */
static const struct {
    const char *text;
    apr_time_t t;
} accepted[] = {
    {"1970-01-01T00:00:00Z", 0},
    {"1970-01-01T00:00:01Z", USEC(1, 0)},
    {"2026-07-01T12:34:56Z", USEC(1782909296, 0)},
    {"2000-02-29T00:00:00Z", USEC(951782400, 0)},
    {"2024-02-29T23:59:59Z", USEC(1709251199, 0)},
    {"2024-03-01T00:00:00Z", USEC(1709251200, 0)},
    {"2038-01-19T03:14:08Z", USEC(2147483648, 0)},
    {"9999-12-31T23:59:59Z", USEC(253402300799, 0)},
    {"1969-12-31T23:59:59Z", USEC(-1, 0)},
    {"1969-12-31T23:59:59.5Z", USEC(-1, 500000)},
    {"0001-01-01T00:00:00Z", USEC(-62135596800, 0)},
    /* fractions: any number of digits, microseconds kept */
    {"1970-01-01T00:00:00.1Z", 100000},
    {"1970-01-01T00:00:00.123Z", 123000},
    {"1970-01-01T00:00:00.123456Z", 123456},
    {"1970-01-01T00:00:00.1234567Z", 123456},
    {"1970-01-01T00:00:00.999999999999999999999999Z", 999999},
    {"1970-01-01T00:00:00.000Z", 0},
    {"1970-01-01T00:00:01.5+00:00", USEC(1, 500000)},
    /* offsets */
    {"1970-01-01T01:00:00+01:00", 0},
    {"1969-12-31T19:00:00-05:00", 0},
    {"1970-01-01T05:45:00+05:45", 0},
    {"1970-01-01T14:00:00+14:00", 0},
    {"1969-12-31T10:00:00-14:00", 0},
    {"1970-01-01T00:00:00+00:00", 0},
    {"1970-01-01T00:00:00-00:00", 0},
    {"1970-01-01T00:00:00-00:30", USEC(1800, 0)},
    /* the end of a day and leap seconds */
    {"1970-01-01T24:00:00Z", USEC(86400, 0)},
    {"1970-01-01T24:00:00.000Z", USEC(86400, 0)},
    {"2025-12-31T24:00:00Z", USEC(1767225600, 0)},
    {"2016-12-31T23:59:60Z", USEC(1483228800, 0)},
    {"2016-12-31T23:59:60.25Z", USEC(1483228800, 250000)},
    {"2016-12-31T18:59:60-05:00", USEC(1483228800, 0)},
    {"9999-12-31T24:00:00Z", USEC(253402300800, 0)},
    /* spec: XML Schema Part 2 3.2.7 - whiteSpace is collapse: around it there may be any */
    {" 2026-07-01T12:34:56Z", USEC(1782909296, 0)},
    {"2026-07-01T12:34:56Z ", USEC(1782909296, 0)},
    {"\t\r\n  2026-07-01T14:34:56.25+02:00 \n", USEC(1782909296, 250000)},
};

START_TEST(test_accepted)
{
    apr_time_t t = 77;

    ck_assert_int_eq(samlc_clock_parse(&t, accepted[_i].text), APR_SUCCESS);
    ck_assert_int_eq(t, accepted[_i].t);
}
END_TEST

static const char *const refused[] = {
    NULL,
    "",
    "now",
    /* no zone, half a date */
    "2026-07-01T12:34:56",
    "2026-07-01T12:34Z",
    "2026-07-01T12:34:Z",
    "2026-07-01T12Z",
    "2026-07-01Z",
    "2026-07-01",
    "12:34:56Z",
    "2026-07-01T",
    "2026-07-01T12:34:56z",
    "2026-07-01t12:34:56Z",
    "2026-07-01 12:34:56Z",
    "20260701T123456Z",
    "2026-7-1T12:34:56Z",
    "2026-07-01T1:34:56Z",
    "2026-07-01T12:34:5Z",
    "2026/07/01T12:34:56Z",
    "2026-07-01T12.34.56Z",
    "2026-182T12:34:56Z",
    "1782909296",
    /* years */
    "0000-01-01T00:00:00Z",
    "-0001-01-01T00:00:00Z",
    "-2026-07-01T12:34:56Z",
    "+2026-07-01T12:34:56Z",
    "12026-07-01T12:34:56Z",
    "026-07-01T12:34:56Z",
    "26-07-01T12:34:56Z",
    /* no such day or time */
    "2026-00-01T00:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-01-00T00:00:00Z",
    "2026-01-32T00:00:00Z",
    "2026-04-31T00:00:00Z",
    "2026-06-31T00:00:00Z",
    "2026-09-31T00:00:00Z",
    "2026-11-31T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2024-02-30T00:00:00Z",
    "1900-02-29T00:00:00Z",
    "2100-02-29T00:00:00Z",
    "2026-07-01T25:00:00Z",
    "2026-07-01T24:00:01Z",
    "2026-07-01T24:01:00Z",
    "2026-07-01T24:00:00.001Z",
    "2026-07-01T12:60:00Z",
    "2026-07-01T12:34:61Z",
    "2026-07-01T12:34:99Z",
    "2026-07-01T12:34:60Z",
    "2016-12-31T23:59:60+01:00",
    "2026-07-01T-1:34:56Z",
    "2026-07-01T12:-4:56Z",
    /* fractions */
    "2026-07-01T12:34:56.Z",
    "2026-07-01T12:34:56,5Z",
    "2026-07-01T12:34:56.5.5Z",
    "2026-07-01T12:34:56.-5Z",
    "2026-07-01T12:34:56. 5Z",
    "2026-07-01T12:34:56.5",
    "2026-07-01T12:34:56.5e3Z",
    /* zones */
    "2026-07-01T12:34:56+0100",
    "2026-07-01T12:34:56+01",
    "2026-07-01T12:34:56+1:00",
    "2026-07-01T12:34:56+01:60",
    "2026-07-01T12:34:56+14:01",
    "2026-07-01T12:34:56-14:01",
    "2026-07-01T12:34:56+15:00",
    "2026-07-01T12:34:56+99:99",
    "2026-07-01T12:34:56+01:0",
    "2026-07-01T12:34:56+",
    "2026-07-01T12:34:56-",
    "2026-07-01T12:34:56+-1:00",
    "2026-07-01T12:34:56 +01:00",
    "2026-07-01T12:34:56UTC",
    "2026-07-01T12:34:56ZZ",
    "2026-07-01T12:34:56Z+01:00",
    "2026-07-01T12:34:56+01:00Z",
    /* white space and other digits */
    " ",
    "\xc2\xa0" "2026-07-01T12:34:56Z",
    "\v2026-07-01T12:34:56Z",
    "2026-07-01T12:34:56Z x",
    "2026-07-01T12:34:56Z 2026-07-01T12:34:56Z",
    "2026-07-01T12:34:56 Z",
    "2026-07- 1T12:34:56Z",
    "2026-07-01T12:34: 6Z",
    "\xd9\xa2\xd9\xa0" "26-07-01T12:34:56Z",
    "2026-07-01T12:34:5\xef\xbc\x96Z",
};

START_TEST(test_refused)
{
    apr_time_t t = 77;

    ck_assert_int_eq(samlc_clock_parse(&t, refused[_i]), APR_EINVAL);
    ck_assert_int_eq(t, 0);
}
END_TEST

/* Cutting a good time short anywhere makes it a bad one. */
START_TEST(test_prefixes_are_refused)
{
    static const char good[] = "2026-07-01T12:34:56.789+01:00";
    char text[sizeof(good)];
    apr_time_t t = 77;

    memcpy(text, good, sizeof(good));
    ck_assert_int_eq(samlc_clock_parse(&t, text), APR_SUCCESS);
    text[_i] = '\0';
    ck_assert_int_eq(samlc_clock_parse(&t, text), APR_EINVAL);
}
END_TEST

static const struct {
    apr_time_t t;
    const char *text;
} formats[] = {
    {0, "1970-01-01T00:00:00Z"},
    {USEC(1782909296, 0), "2026-07-01T12:34:56Z"},
    {USEC(1782909296, 999999), "2026-07-01T12:34:56Z"},
    {USEC(951782400, 0), "2000-02-29T00:00:00Z"},
    {USEC(253402300799, 0), "9999-12-31T23:59:59Z"},
};

START_TEST(test_format)
{
    ck_assert_str_eq(samlc_clock_format(formats[_i].t, test_pool()), formats[_i].text);
}
END_TEST

Suite *suite_clock(void);

Suite *suite_clock(void)
{
    Suite *suite = suite_create("clock");
    TCase *tc = tcase_create("clock");

    tcase_add_loop_test(tc, test_accepted, 0, COUNT(accepted));
    tcase_add_loop_test(tc, test_refused, 0, COUNT(refused));
    tcase_add_loop_test(tc, test_prefixes_are_refused, 0, 29);
    tcase_add_loop_test(tc, test_format, 0, COUNT(formats));
    suite_add_tcase(suite, tc);
    return suite;
}
