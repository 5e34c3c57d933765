/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What belongs to one request of a browser, however many subrequests and internal redirects it
 * becomes: one generation, and one look at the session.
 */
#ifndef MOD_SAMLC_REQUEST_H
#define MOD_SAMLC_REQUEST_H

#include <httpd.h>

#include "core/reload/snapshot.h"
#include "core/store/session.h"
#include "httpd/realm.h"

typedef struct mod_samlc_request_t {
    apr_pool_t *pool;                  /* of the outermost request */
    samlc_ref_t *ref;                  /* NULL: no generation was asked for yet */
    apr_status_t session_status;       /* of the look at the store; APR_INCOMPLETE before */
    samlc_session_t *session;          /* NULL: none */
} mod_samlc_request_t;

/* The one of the outermost request; never NULL. */
mod_samlc_request_t *mod_samlc_request_get(request_rec *r);

/* The request that the browser sent. */
request_rec *mod_samlc_request_outermost(request_rec *r);

/*
 * The generation of this request: the present one at the first call, then the same again. NULL if
 * this child has none. It stays valid as long as the outermost request.
 */
const samlc_snapshot_t *mod_samlc_request_snapshot(request_rec *r, const mod_samlc_realm_t *realm);

/* The same, of the files as they are now: for what people look at to see a change. */
const samlc_snapshot_t *mod_samlc_request_latest(request_rec *r, const mod_samlc_realm_t *realm);

/*
 * Before a login trusts `idp` (NULL: not known) the files are looked at; where that brought another
 * generation the request goes on with that one. TRUE then: whatever came from the old one is void.
 * (There is always one afterwards, where there was one before.)
 */
int mod_samlc_request_look(request_rec *r, const mod_samlc_realm_t *realm, const samlc_idp_t *idp);

#endif
