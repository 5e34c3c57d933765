/* SPDX-License-Identifier: Apache-2.0 */
/* AuthType SAML: who asks, by the session; and what the application is told. */
#ifndef MOD_SAMLC_AUTHN_H
#define MOD_SAMLC_AUTHN_H

#include <httpd.h>

/*
 * The check_authn hook. With a session: user and environment (DESIGN.md, contract 3). Without: a
 * browser that asks for a page is sent to log in (302), anything else gets 401. 503 where the store
 * can't say.
 */
int mod_samlc_authn_check(request_rec *r);

#endif
