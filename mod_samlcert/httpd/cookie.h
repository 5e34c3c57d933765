/* SPDX-License-Identifier: Apache-2.0 */
/* Cookies: exact names in, safe attributes out (RFC 6265). */
#ifndef MOD_SAMLC_COOKIE_H
#define MOD_SAMLC_COOKIE_H

#include <httpd.h>

#include "httpd/config.h"

/* One cookie of a request. */
typedef struct mod_samlc_cookie_t {
    const char *name;
    const char *value;
} mod_samlc_cookie_t;

/*
 * The value of the cookie with exactly this name; NULL if there is none, or more than one: two of a
 * name mean that somebody else could set one of them.
 */
const char *mod_samlc_cookie_get(request_rec *r, const char *name);

/*
 * The cookies whose names begin with `prefix` (mod_samlc_cookie_t), in the order in which they
 * came.
 */
apr_array_header_t *mod_samlc_cookie_list(request_rec *r, const char *prefix);

typedef enum {
    MOD_SAMLC_COOKIE_LAX,          /* comes with navigation to us, and with our own requests */
    MOD_SAMLC_COOKIE_CROSS_SITE    /* comes with the IdP's form, too */
} mod_samlc_cookie_site_t;

/*
 * Sets a cookie for this host and all paths, out of reach of scripts, over https only unless
 * SamlCertInsecureCookies says otherwise. `max_age` in seconds; 0: until the browser is closed.
 * `value` needs no quoting.
 */
void mod_samlc_cookie_set(request_rec *r, const char *name, const char *value,
                          mod_samlc_cookie_site_t site, int max_age);

/* Has the browser forget it. */
void mod_samlc_cookie_clear(request_rec *r, const char *name, mod_samlc_cookie_site_t site);

#endif
