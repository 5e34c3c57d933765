/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages that come by HTTP-Redirect (SAML Bindings 3.4). Their signature is a parameter of the
 * query, and covers octets of the query instead of XML.
 */
#ifndef SAMLC_SAML_REDIRECT_H
#define SAMLC_SAML_REDIRECT_H

#include "core/trust/idp.h"

#define SAMLC_MAX_QUERY (64 * 1024)

/* A message that could be read; nothing in it is believed before samlc_redirect_verify says so. */
typedef struct samlc_redirect_t {
    int is_response;             /* it came as SAMLResponse, else as SAMLRequest */
    samlc_data_t xml;            /* inflated, within SAMLC_XML_MESSAGE.bytes: for samlc_xml_parse */
    const char *relay_state;     /* decoded; NULL: none came */
    const char *algorithm;       /* SigAlg, a URI; NULL: it is not signed */
    samlc_data_t signature;
    const char *signed_octets;   /* the parameters that are signed, exactly as they were received */
} samlc_redirect_t;

/*
 * Reads a query string as it stands in the request line, undecoded. It is split once: what is read
 * and what is verified are the same bytes. Parameters may come in any order (Bindings 3.4.4.1;
 * Entra ID and AD FS put Signature before SigAlg); unknown ones are passed over and never signed.
 * Fails with malformed: a parameter of ours twice, SAMLRequest beside SAMLResponse, a percent sign
 * in any name, SigAlg or Signature alone, another encoding than DEFLATE, base64 or a stream that is
 * not clean to its last byte; with too-large, before more than the limit is inflated.
 */
apr_status_t samlc_redirect_parse(samlc_redirect_t **message, const char *query,
                                  samlc_result_t *res, apr_pool_t *p);

/*
 * Whether a key of this IdP, trusted at `now`, signed the message; the caller has found the IdP by
 * the Issuer in it. APR_SUCCESS only then; `verdict` has the decision, its warning, too, and zeroes
 * where there is none. Such a message carries no certificate, so the keys on file and of metadata
 * are tried, and the certificates remembered for pins (in `state_dir`; NULL: none are). RSA
 * (PKCS#1 v1.5; PSS where it is allowed) and ECDSA: r and s as XML Signature writes them, or DER,
 * as many send it. Fails with no-signature, algorithm-forbidden, key-too-small, signature-invalid,
 * or with the reason why the key is not trusted.
 */
apr_status_t samlc_redirect_verify(samlc_trust_verdict_t *verdict, const samlc_redirect_t *message,
                                   const samlc_idp_t *idp, const char *state_dir, apr_time_t now,
                                   samlc_result_t *res, apr_pool_t *p);

#endif
