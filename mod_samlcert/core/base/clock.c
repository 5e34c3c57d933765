/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/clock.h"

#include <apr_strings.h>
#include <string.h>
#include <time.h>

#define DAY 86400

/* Reads exactly `digits` digits and moves on. */
static int read_number(int *value, const char **s, int digits)
{
    *value = 0;
    for (; digits > 0; digits--, (*s)++) {
        if (**s < '0' || **s > '9') {
            return 0;
        }
        *value = *value * 10 + (**s - '0');
    }
    return 1;
}

static int read_char(const char **s, char c)
{
    if (**s != c) {
        return 0;
    }
    (*s)++;
    return 1;
}

static int days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return month == 2 && leap ? 29 : days[month - 1];
}

static int read_date(struct tm *tm, const char **s)
{
    int year = 0;
    int month = 0;
    int day = 0;

    if (!read_number(&year, s, 4) || !read_char(s, '-') || !read_number(&month, s, 2)
        || !read_char(s, '-') || !read_number(&day, s, 2)) {
        return 0;
    }
    /* spec: XML Schema Part 2, 3.2.7 - the year 0000 does not exist; four digits are the least
     * that a processor supports, and all that is supported here */
    if (year < 1 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month)) {
        return 0;
    }
    tm->tm_year = year - 1900;
    tm->tm_mon = month - 1;
    tm->tm_mday = day;
    return 1;
}

/* An optional "." with at least one digit; what is finer than a microsecond is cut off. */
static int read_fraction(apr_time_t *usec, const char **s)
{
    apr_time_t unit = APR_USEC_PER_SEC / 10;

    *usec = 0;
    if (**s != '.') {
        return 1;
    }
    (*s)++;
    if (**s < '0' || **s > '9') {
        return 0;
    }
    for (; **s >= '0' && **s <= '9'; (*s)++) {
        *usec += unit * (**s - '0');
        unit /= 10;
    }
    return 1;
}

static int read_clock(struct tm *tm, apr_time_t *usec, const char **s)
{
    if (!read_number(&tm->tm_hour, s, 2) || !read_char(s, ':') || !read_number(&tm->tm_min, s, 2)
        || !read_char(s, ':') || !read_number(&tm->tm_sec, s, 2) || !read_fraction(usec, s)) {
        return 0;
    }
    if (tm->tm_hour == 24) {
        return tm->tm_min == 0 && tm->tm_sec == 0 && *usec == 0;
    }
    return tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* "Z" or an offset of at most 14 hours: the seconds that local time is ahead. */
static int read_zone(int *offset, const char **s)
{
    int sign = **s == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;

    *offset = 0;
    if (read_char(s, 'Z')) {
        return 1;
    }
    if (!read_char(s, '+') && !read_char(s, '-')) {
        return 0;
    }
    if (!read_number(&hours, s, 2) || !read_char(s, ':') || !read_number(&minutes, s, 2)) {
        return 0;
    }
    *offset = sign * (hours * 3600 + minutes * 60);
    return minutes < 60 && hours * 60 + minutes <= 14 * 60;
}

static const char *skip_space(const char *s)
{
    return s + strspn(s, " \t\r\n");
}

apr_status_t samlc_clock_parse(apr_time_t *t, const char *s)
{
    struct tm tm = {0};
    apr_time_t usec = 0;
    apr_time_t seconds = 0;
    int offset = 0;
    int is_leap_second = 0;

    *t = 0;
    if (!s) {
        return APR_EINVAL;
    }
    s = skip_space(s);   /* around it only: the type collapses white space */
    if (!read_date(&tm, &s) || !read_char(&s, 'T') || !read_clock(&tm, &usec, &s)
        || !read_zone(&offset, &s) || *skip_space(s) != '\0') {
        return APR_EINVAL;
    }
    is_leap_second = tm.tm_sec == 60;
    seconds = (apr_time_t)timegm(&tm) - offset;   /* timegm carries hour 24 and second 60 over */
    if (is_leap_second && seconds % DAY != 0) {
        return APR_EINVAL;                        /* leap seconds end a day of UTC */
    }
    *t = seconds * APR_USEC_PER_SEC + usec;
    return APR_SUCCESS;
}

const char *samlc_clock_format(apr_time_t t, apr_pool_t *p)
{
    apr_time_exp_t e;

    apr_time_exp_gmt(&e, t);
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02dZ", e.tm_year + 1900, e.tm_mon + 1,
                        e.tm_mday, e.tm_hour, e.tm_min, e.tm_sec);
}
