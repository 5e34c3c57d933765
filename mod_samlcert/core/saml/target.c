/* SPDX-License-Identifier: Apache-2.0 */
#include "core/saml/target.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <string.h>

#include "core/base/text.h"

#define MAX_TARGET 4096
#define HTTP_PORT 80
#define HTTPS_PORT 443

/* RFC 6454 section 4. */
typedef struct origin_t {
    int is_https;
    const char *host;
    int port;
} origin_t;

/* Visible ASCII without the backslash, which browsers read as a slash. They also drop tabs and
 * line ends before they look, so that none may be there at all. */
static int has_safe_characters(const char *s)
{
    apr_size_t len = strlen(s);
    apr_size_t i;

    if (len == 0 || len > MAX_TARGET) {
        return 0;
    }
    for (i = 0; i < len; i++) {
        if (s[i] <= ' ' || s[i] >= 0x7f || s[i] == '\\') {
            return 0;
        }
    }
    return 1;
}

/* A slash, a backslash or a control character in disguise, for which something on the way that
 * decodes once too often would make "//host" of the path. */
static int is_encoded_slash(const char *s)
{
    int c = -1;

    if (s[0] == '%' && samlc_text_hex_digit(s[1]) >= 0 && samlc_text_hex_digit(s[2]) >= 0) {
        c = samlc_text_hex_digit(s[1]) * 16 + samlc_text_hex_digit(s[2]);
    }
    return c == '/' || c == '\\' || (c >= 0 && c <= ' ');
}

static int is_local_path(const char *s)
{
    return s[0] == '/' && s[1] != '/' && !is_encoded_slash(s + 1);
}

/* A port in decimal; -1 for anything else. */
static int parse_port(const char *s)
{
    int port = 0;

    if (strlen(s) > 5 || s[strspn(s, "0123456789")] != '\0') {
        return -1;
    }
    port = (int)apr_atoi64(s);
    return port >= 1 && port <= 65535 ? port : -1;
}

/* "host", "host:port", "[v6]" or "[v6]:port". FALSE for anything else, user info included. */
static int parse_authority(origin_t *origin, const char *authority, apr_pool_t *p)
{
    char *host = apr_pstrdup(p, authority);
    char *port = strrchr(host, ':');

    if (port && strchr(port, ']')) {
        port = NULL;              /* the colon was one within the brackets */
    }
    origin->port = origin->is_https ? HTTPS_PORT : HTTP_PORT;
    if (port) {
        origin->port = parse_port(port + 1);
        *port = '\0';
    }
    origin->host = host;
    return host[0] != '\0' && !strchr(host, '@') && origin->port > 0;
}

static int parse_origin(origin_t *origin, const char *url, apr_pool_t *p)
{
    const char *authority = NULL;

    memset(origin, 0, sizeof(*origin));
    if (apr_cstr_casecmpn(url, "https://", 8) == 0) {
        origin->is_https = 1;
        authority = url + 8;
    }
    else if (apr_cstr_casecmpn(url, "http://", 7) == 0) {
        authority = url + 7;
    }
    else {
        return 0;
    }
    return parse_authority(origin, apr_pstrmemdup(p, authority, strcspn(authority, "/?#")), p);
}

static int origin_equal(const origin_t *a, const origin_t *b)
{
    return a->is_https == b->is_https && a->port == b->port
           && apr_cstr_casecmp(a->host, b->host) == 0;
}

static int is_allowed_host(const origin_t *target, const apr_array_header_t *hosts, apr_pool_t *p)
{
    origin_t allowed;
    int i;

    for (i = 0; hosts && i < hosts->nelts; i++) {
        memset(&allowed, 0, sizeof(allowed));
        allowed.is_https = 1;
        if (parse_authority(&allowed, APR_ARRAY_IDX(hosts, i, const char *), p)
            && origin_equal(target, &allowed)) {
            return 1;
        }
    }
    return 0;
}

const char *samlc_target_check(const char *target, const char *base_url,
                               const apr_array_header_t *allowed_hosts, apr_pool_t *p)
{
    origin_t ours;
    origin_t theirs;

    if (!target || !has_safe_characters(target)) {
        return NULL;
    }
    if (is_local_path(target)) {
        return target;
    }
    if (!parse_origin(&theirs, target, p)) {
        return NULL;
    }
    if (base_url && parse_origin(&ours, base_url, p) && origin_equal(&theirs, &ours)) {
        return target;
    }
    return is_allowed_host(&theirs, allowed_hosts, p) ? target : NULL;
}
