/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Require saml-session, saml-attr, saml-attr-regex, saml-idp, saml-authn-context, saml-cert-slot.
 */
#ifndef MOD_SAMLC_AUTHZ_H
#define MOD_SAMLC_AUTHZ_H

#include <apr_pools.h>

/* Registers the providers; called with the hooks. */
void mod_samlc_authz_register(apr_pool_t *p);

#endif
