/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/cookie.h"

#include <apr_strings.h>
#include <string.h>

#include "core/base/cookie.h"

typedef struct search_t {
    const char *name;
    samlc_cookie_t found;
    int count;
} search_t;

static int look_for_named(void *baton, const char *key, const char *header)
{
    search_t *search = baton;
    samlc_cookie_t cookie;

    (void)key;
    while (search->count < 2 && samlc_cookie_next(&cookie, &header)) {
        if (samlc_cookie_is(&cookie, search->name)) {
            search->found = cookie;
            search->count++;
        }
    }
    return search->count < 2;
}

const char *mod_samlc_cookie_get(request_rec *r, const char *name)
{
    search_t search = {name, {NULL, 0, NULL, 0}, 0};

    apr_table_do(look_for_named, &search, r->headers_in, "Cookie", NULL);
    return search.count == 1
               ? apr_pstrmemdup(r->pool, search.found.value, search.found.value_len)
               : NULL;
}

typedef struct collection_t {
    const char *prefix;
    apr_array_header_t *cookies;
} collection_t;

static int collect_prefixed(void *baton, const char *key, const char *header)
{
    collection_t *collection = baton;
    apr_pool_t *p = collection->cookies->pool;
    apr_size_t len = strlen(collection->prefix);
    samlc_cookie_t cookie;

    (void)key;
    while (samlc_cookie_next(&cookie, &header)) {
        if (cookie.name_len > len && memcmp(cookie.name, collection->prefix, len) == 0) {
            mod_samlc_cookie_t *copy = apr_array_push(collection->cookies);

            copy->name = apr_pstrmemdup(p, cookie.name, cookie.name_len);
            copy->value = apr_pstrmemdup(p, cookie.value, cookie.value_len);
        }
    }
    return 1;
}

apr_array_header_t *mod_samlc_cookie_list(request_rec *r, const char *prefix)
{
    collection_t collection = {prefix, NULL};

    collection.cookies = apr_array_make(r->pool, 4, sizeof(mod_samlc_cookie_t));
    apr_table_do(collect_prefixed, &collection, r->headers_in, "Cookie", NULL);
    return collection.cookies;
}

/* Browsers keep SameSite=None only together with Secure. */
static const char *site_attributes(request_rec *r, mod_samlc_cookie_site_t site)
{
    if (mod_samlc_server_get(r->server)->insecure_cookies) {
        return "; SameSite=Lax";
    }
    return site == MOD_SAMLC_COOKIE_CROSS_SITE ? "; Secure; SameSite=None"
                                               : "; Secure; SameSite=Lax";
}

/* err_headers_out: they go out with errors and redirects as well. */
static void add(request_rec *r, const char *cookie)
{
    apr_table_addn(r->err_headers_out, "Set-Cookie", cookie);
}

void mod_samlc_cookie_set(request_rec *r, const char *name, const char *value,
                          mod_samlc_cookie_site_t site, int max_age)
{
    const char *age = max_age > 0 ? apr_psprintf(r->pool, "; Max-Age=%d", max_age) : "";

    add(r, apr_pstrcat(r->pool, name, "=", value, "; Path=/; HttpOnly", site_attributes(r, site),
                       age, NULL));
}

void mod_samlc_cookie_clear(request_rec *r, const char *name, mod_samlc_cookie_site_t site)
{
    add(r, apr_pstrcat(r->pool, name, "=; Path=/; HttpOnly", site_attributes(r, site),
                       "; Max-Age=0", NULL));
}
