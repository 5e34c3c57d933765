/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/cookie.h"

#include <apr_strings.h>
#include <string.h>

/* Called for each cookie with its name and value where they lie; FALSE ends the walk. */
typedef int (*visit_t)(void *baton, const char *name, apr_size_t name_len, const char *value,
                       apr_size_t value_len);

typedef struct walk_t {
    visit_t visit;
    void *baton;
} walk_t;

/* spec: RFC 6265 4.2.1 - cookie-string: pairs separated by "; "; the first "=" ends the name. */
static int walk_header(void *data, const char *key, const char *header)
{
    const walk_t *walk = data;
    const char *pair = header;
    const char *end = NULL;
    const char *equals = NULL;

    (void)key;
    while (*pair != '\0') {
        pair += strspn(pair, " \t;");
        end = pair + strcspn(pair, ";");
        equals = memchr(pair, '=', (apr_size_t)(end - pair));
        if (equals && !walk->visit(walk->baton, pair, (apr_size_t)(equals - pair), equals + 1,
                                   (apr_size_t)(end - equals - 1))) {
            return 0;
        }
        pair = end;
    }
    return 1;
}

static void walk_cookies(request_rec *r, visit_t visit, void *baton)
{
    walk_t walk = {visit, baton};

    apr_table_do(walk_header, &walk, r->headers_in, "Cookie", NULL);
}

typedef struct search_t {
    const char *name;
    apr_size_t name_len;
    const char *value;
    apr_size_t value_len;
    int count;
} search_t;

static int visit_named(void *baton, const char *name, apr_size_t name_len, const char *value,
                       apr_size_t value_len)
{
    search_t *search = baton;

    if (name_len == search->name_len && memcmp(name, search->name, name_len) == 0) {
        search->value = value;
        search->value_len = value_len;
        search->count++;
    }
    return search->count < 2;
}

const char *mod_samlc_cookie_get(request_rec *r, const char *name)
{
    search_t search = {name, strlen(name), NULL, 0, 0};

    walk_cookies(r, visit_named, &search);
    return search.count == 1 ? apr_pstrmemdup(r->pool, search.value, search.value_len) : NULL;
}

typedef struct collection_t {
    const char *prefix;
    apr_size_t prefix_len;
    apr_array_header_t *cookies;
} collection_t;

static int visit_prefixed(void *baton, const char *name, apr_size_t name_len, const char *value,
                          apr_size_t value_len)
{
    collection_t *collection = baton;
    mod_samlc_cookie_t *cookie = NULL;

    if (name_len > collection->prefix_len
        && memcmp(name, collection->prefix, collection->prefix_len) == 0) {
        cookie = apr_array_push(collection->cookies);
        cookie->name = apr_pstrmemdup(collection->cookies->pool, name, name_len);
        cookie->value = apr_pstrmemdup(collection->cookies->pool, value, value_len);
    }
    return 1;
}

apr_array_header_t *mod_samlc_cookie_list(request_rec *r, const char *prefix)
{
    collection_t collection = {prefix, strlen(prefix), NULL};

    collection.cookies = apr_array_make(r->pool, 4, sizeof(mod_samlc_cookie_t));
    walk_cookies(r, visit_prefixed, &collection);
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
