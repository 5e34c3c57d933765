/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The start of a login. What has to be known when the answer comes (request ID, target, IdP) is
 * sealed into a cookie of this browser; the IdP carries nothing but a random token that finds the
 * cookie again. So a response that belongs to another browser's login fits nowhere (SECURITY-RULES
 * 19).
 */
#ifndef MOD_SAMLC_LOGIN_H
#define MOD_SAMLC_LOGIN_H

#include <httpd.h>

#include "core/reload/snapshot.h"

/* A login under way. */
typedef struct mod_samlc_login_t {
    const char *token;         /* RelayState: random, 32 hex digits */
    const char *request_id;
    const char *idp_name;
    const char *entity_id;     /* ours, when it was started */
    const char *target;        /* passed the checker */
} mod_samlc_login_t;

#define MOD_SAMLC_LOGIN_TIME apr_time_from_sec(600)

/*
 * TRUE if the browser itself asks for a page: only then is it of use to send it away for a login.
 */
int mod_samlc_login_is_navigation(request_rec *r);

/*
 * Sends the browser to the IdP with this entity ID (NULL: SamlCertLoginIdP, or the only one that is
 * active, or our login endpoint, where a person can choose), to come back to `target`, which has
 * passed the checker. Returns the status that the hook or handler has to return, never OK.
 */
int mod_samlc_login_start(request_rec *r, const char *entity_id, const char *target);

/*
 * The IdPs (samlc_idp_t *) that a person has to choose from; NULL where there is nothing to choose.
 */
const apr_array_header_t *mod_samlc_login_choices(request_rec *r);

/* What this request asks for, as a target to come back to. */
const char *mod_samlc_login_own_target(request_rec *r);

/*
 * The login that a response with this RelayState answers; NULL if this browser has started none, or
 * it took too long.
 */
const mod_samlc_login_t *mod_samlc_login_find(request_rec *r, const char *relay_state,
                                              apr_time_t now);

/* Has the browser forget it. */
void mod_samlc_login_clear(request_rec *r, const mod_samlc_login_t *login);

#endif
