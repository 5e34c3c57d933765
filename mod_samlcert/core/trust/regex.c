/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/regex.h"

#include <stdlib.h>
#include <string.h>

#define MAX_LENGTH 1000

static void skip_to(const char **at, char c)
{
    while (**at != '\0' && *(*at)++ != c) {
        continue;
    }
}

/* How many copies a count makes, behind its brace: {2,} is two and one that may be repeated. */
static long read_count(const char **at)
{
    char *end = NULL;
    long count = strtol(*at, &end, 10);

    if (*end == ',') {
        const char *second = end + 1;
        long to = strtol(second, &end, 10);

        count = end == second ? count + (count < MAX_LENGTH) : to > count ? to : count;
    }
    skip_to(at, '}');
    return count < 1 ? 1 : count > MAX_LENGTH ? MAX_LENGTH : count;
}

/* Never less than there are. Reads up to the end of a group. */
static long written_out(const char **at)
{
    long all = 0, last = 0;    /* `last`: what a repetition would repeat */

    while (**at != '\0' && **at != ')' && all <= MAX_LENGTH) {
        char c = *(*at)++;

        if (c == '{') {
            last *= read_count(at);
        }
        else if (c == '+') {
            last *= 2;
        }
        else if (c != '*' && c != '?') {
            last = 1;
        }
        if (c == '(') {
            last += written_out(at);
            *at += **at == ')';
        }
        else if (c == '[') {
            *at += **at == '^';
            *at += **at == ']';
            skip_to(at, ']');
        }
        else if (c == '\\' && **at != '\0') {
            (*at)++;
        }
        all += last;
    }
    return all;
}

int samlc_regex_is_too_long(const char *regex)
{
    long all = 0;

    while (*regex != '\0' && all <= MAX_LENGTH) {
        all += written_out(&regex);
        regex += *regex == ')';    /* one that closes nothing is a character */
    }
    return all > MAX_LENGTH;
}
