/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/cookie.h"

#include <string.h>

int samlc_cookie_next(samlc_cookie_t *cookie, const char **at)
{
    const char *pair = NULL;
    const char *end = NULL;
    const char *equals = NULL;

    memset(cookie, 0, sizeof(*cookie));
    while (**at != '\0') {
        pair = *at + strspn(*at, " \t;");
        end = pair + strcspn(pair, ";");
        equals = memchr(pair, '=', (apr_size_t)(end - pair));
        *at = end;
        if (equals) {
            cookie->name = pair;
            cookie->name_len = (apr_size_t)(equals - pair);
            cookie->value = equals + 1;
            cookie->value_len = (apr_size_t)(end - equals - 1);
            return 1;
        }
    }
    return 0;
}

int samlc_cookie_is(const samlc_cookie_t *cookie, const char *name)
{
    return strlen(name) == cookie->name_len && memcmp(cookie->name, name, cookie->name_len) == 0;
}
