/* SPDX-License-Identifier: Apache-2.0 */
/* The AuthnRequest that starts a login, by HTTP-Redirect (SAML Core 3.4.1, Bindings 3.4). */
#ifndef SAMLC_SAML_REQUEST_H
#define SAMLC_SAML_REQUEST_H

#include <apr_tables.h>
#include <apr_time.h>

#include "core/base/result.h"
#include "core/keys/key.h"

typedef struct samlc_authn_request_t {
    const char *id;               /* from samlc_request_id */
    const char *entity_id;        /* Issuer: our own */
    const char *acs_url;
    const char *sso_url;          /* the IdP's, also the Destination */
    const char *name_id_format;   /* NULL: no NameIDPolicy */
    const apr_array_header_t *authn_context;   /* const char *, class URIs; NULL or empty: none */
    int force_authn;
    int is_passive;
    apr_time_t issue_instant;
} samlc_authn_request_t;

/* A fresh request ID: an NCName with 160 random bits. NULL if the random generator fails. */
const char *samlc_request_id(apr_pool_t *p);

/* The XML of the request. */
const char *samlc_request_xml(const samlc_authn_request_t *request, apr_pool_t *p);

/*
 * The URL to send the browser to: SAMLRequest (DEFLATE, base64), RelayState, and, where `key` is
 * not NULL, SigAlg and Signature over exactly the octets sent (Bindings 3.4.4.1; RSA or ECDSA
 * with SHA-256 by the type of the key; ECDSA as XML Signature writes it, r and s). An SSO URL
 * that has a query already is extended. Fails with config-invalid for another type of key, with
 * internal where a library refuses.
 */
apr_status_t samlc_request_redirect_url(const char **url, const samlc_authn_request_t *request,
                                        const char *relay_state, const samlc_key_t *key,
                                        samlc_result_t *res, apr_pool_t *p);

#endif
