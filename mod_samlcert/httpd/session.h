/* SPDX-License-Identifier: Apache-2.0 */
/* The session of a browser: a random value in a cookie, the record in the store. */
#ifndef MOD_SAMLC_SESSION_H
#define MOD_SAMLC_SESSION_H

#include <httpd.h>

#include "core/store/session.h"
#include "core/store/store.h"

/*
 * The session that this request comes with; looked up once for all of its subrequests and
 * redirects. APR_NOTFOUND: none, or one of another service provider, or it has ended. Anything
 * else: the store can't say. It stays valid as long as the outermost request.
 */
apr_status_t mod_samlc_session_get(const samlc_session_t **session, request_rec *r);

/*
 * A fresh cookie value for `session`, and the item that has to be stored for it, with its end after
 * idle time. Fills created, not_after and generation of the session before.
 */
apr_status_t mod_samlc_session_prepare(const char **cookie, samlc_store_item_t *item,
                                       samlc_session_t *session, apr_time_t idp_not_after,
                                       apr_uint64_t generation, apr_time_t now, request_rec *r);

/* Gives the browser the cookie. */
void mod_samlc_session_send(request_rec *r, const char *cookie);

/* Removes the session that this request comes with, if any, from the store. */
void mod_samlc_session_remove(request_rec *r);

/* Has the browser forget the cookie. */
void mod_samlc_session_clear(request_rec *r);

#endif
