/* SPDX-License-Identifier: Apache-2.0 */
/* Cookie headers: what is read stands in the header, and is read again from a copy of it. */
#include "core/base/cookie.h"

#include <apr_strings.h>
#include <string.h>

#include "fuzz.h"

const char *const FUZZ_TARGET = "cookie";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

/* How many pairs there are, found in another way: cut at ";", and look for "=". */
static int count_pairs(const char *header, apr_pool_t *p)
{
    char *rest = NULL;
    char *piece = apr_strtok(apr_pstrdup(p, header), ";", &rest);
    int count = 0;

    for (; piece; piece = apr_strtok(NULL, ";", &rest)) {
        count += strchr(piece, '=') != NULL;
    }
    return count;
}

static void check_pair(const samlc_cookie_t *cookie, const char *header)
{
    const char *end = header + strlen(header);

    FUZZ_CHECK(cookie->name >= header && cookie->name + cookie->name_len < end);
    FUZZ_CHECK(cookie->value == cookie->name + cookie->name_len + 1);
    FUZZ_CHECK(cookie->value + cookie->value_len <= end);
    FUZZ_CHECK(!memchr(cookie->name, '=', cookie->name_len));
    FUZZ_CHECK(!memchr(cookie->name, ';', cookie->name_len + 1 + cookie->value_len));
    FUZZ_CHECK(cookie->name[0] != ' ' && cookie->name[0] != '\t');
    FUZZ_CHECK(cookie->value[cookie->value_len] == ';' || cookie->value[cookie->value_len] == '\0');
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    const char *header = fuzz_string(input, p);
    const char *at = header;
    const char *again = "";
    const char *at_again = NULL;
    samlc_cookie_t cookie;
    samlc_cookie_t same;
    int count = 0;

    if (!header || input->len > 8192) {   /* as httpd limits it */
        return 0;
    }
    while (samlc_cookie_next(&cookie, &at)) {
        check_pair(&cookie, header);
        again = apr_psprintf(p, "%.*s=%.*s", (int)cookie.name_len, cookie.name,
                             (int)cookie.value_len, cookie.value);
        at_again = again;
        FUZZ_CHECK(samlc_cookie_next(&same, &at_again) && *at_again == '\0');
        FUZZ_CHECK(same.name_len == cookie.name_len && same.value_len == cookie.value_len);
        FUZZ_CHECK(samlc_cookie_is(&same, apr_pstrmemdup(p, cookie.name, cookie.name_len)));
        count++;
    }
    FUZZ_CHECK(*at == '\0' && count == count_pairs(header, p));
    return count > 0;
}
