/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirects: the one exit. No other file sets a Location, and nothing that came from outside gets
 * here without the check that is made here.
 */
#ifndef MOD_SAMLC_REPLY_H
#define MOD_SAMLC_REPLY_H

#include <httpd.h>

#include "core/reload/snapshot.h"

/* `target` if the browser may be sent there (SECURITY-RULES 22), else NULL. NULL stays NULL. */
const char *mod_samlc_target_check(request_rec *r, const char *target);

/*
 * Sends the browser to a target of this site or of an allowed host; to "/" if it is neither.
 * `status` is 302 or 303. Returns what the hook or handler has to return.
 */
int mod_samlc_redirect_target(request_rec *r, const char *target, int status);

/*
 * Sends the browser to the IdP: `url` begins with its configured SSO URL, or this is an error
 * (500).
 */
int mod_samlc_redirect_idp(request_rec *r, const samlc_idp_t *idp, const char *url);

/* Nobody keeps a copy of this answer. */
void mod_samlc_reply_uncached(request_rec *r);

#endif
