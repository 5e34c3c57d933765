/* SPDX-License-Identifier: Apache-2.0 */
/* The Cookie header of a request (RFC 6265 4.2.1): pairs as they stand in it, nothing decoded. */
#ifndef SAMLC_BASE_COOKIE_H
#define SAMLC_BASE_COOKIE_H

#include <apr.h>

/* One pair; both point into the header. */
typedef struct samlc_cookie_t {
    const char *name;
    apr_size_t name_len;
    const char *value;
    apr_size_t value_len;
} samlc_cookie_t;

/*
 * The next pair of the header, which *at moves through: pairs are separated by ";", the first "="
 * ends the name, blanks before the name are none of it, and what has no "=" is passed over. FALSE
 * at the end. Two pairs of one name are two pairs: what that means is for the caller to say.
 */
int samlc_cookie_next(samlc_cookie_t *cookie, const char **at);

/* TRUE if this is its whole name; case counts. */
int samlc_cookie_is(const samlc_cookie_t *cookie, const char *name);

#endif
