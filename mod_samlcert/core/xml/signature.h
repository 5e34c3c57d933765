/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML signatures: structure first, then cryptography by xmlsec1 with a key that we chose, and what
 * was digested is what comes out. Nothing in here decides trust.
 */
#ifndef SAMLC_XML_SIGNATURE_H
#define SAMLC_XML_SIGNATURE_H

#include <apr_tables.h>
#include <libxml/tree.h>

#include "core/keys/key.h"
#include "core/xml/algorithm.h"

/* What a signature may use. */
typedef struct samlc_signature_policy_t {
    samlc_algorithms_t allowed[SAMLC_ALGORITHM_KINDS];
    int min_rsa_bits;
} samlc_signature_policy_t;

/* A public key as xmlsec1 wants it; made once per key and generation, shared by all threads. */
typedef struct samlc_verifier_t samlc_verifier_t;

samlc_verifier_t *samlc_verifier_make(const samlc_key_t *key, apr_pool_t *p);

/*
 * TRUE if this key may verify signatures of this method at all: its kind, its size and, of RSA, its
 * exponent. Otherwise `res` says why not: signature-invalid or key-too-small.
 */
int samlc_verifier_suits(const samlc_verifier_t *v, const samlc_algorithm_t *method,
                         const samlc_signature_policy_t *policy, samlc_result_t *res);

/* One ds:Signature that passed the profile check. */
typedef struct samlc_signature_t {
    xmlNodePtr signature;
    xmlNodePtr parent;                      /* the element that it signs */
    const samlc_algorithm_t *method;
    const samlc_algorithm_t *digest;
    /* samlc_data_t: X509Certificates of KeyInfo in DER; a hint */
    apr_array_header_t *certs;
} samlc_signature_t;

/*
 * Checks the Signature of `element` against the profile (SAML Core 5.4; SECURITY-RULES 7 to 9)
 * before any cryptography: at most one, a direct child, one Reference to the ID of `element`, which
 * is a unique NCName; enveloped and canonicalisation transforms only; no Object, no Manifest;
 * allowed algorithms. APR_NOTFOUND with no-signature if there is none; signature-scope,
 * algorithm-forbidden, malformed.
 */
apr_status_t samlc_signature_inspect(samlc_signature_t **signature, xmlNodePtr element,
                                     const samlc_signature_policy_t *policy, samlc_result_t *res,
                                     apr_pool_t *p);

/* Whether trying another key can help. */
typedef enum {
    SAMLC_SIGNATURE_BROKEN,      /* no key can help: the digest does not match, or xmlsec1 failed */
    SAMLC_SIGNATURE_WRONG_KEY,   /* the digest matches; this key did not sign it */
    SAMLC_SIGNATURE_VERIFIED
} samlc_signature_outcome_t;

/*
 * Verifies with this key. On SAMLC_SIGNATURE_VERIFIED, `content` is a copy of the very bytes that
 * were digested (the canonical element without its signature); otherwise it is empty and `res` is
 * filled. Refuses keys that do not suit the method or are too small (key-too-small).
 */
samlc_signature_outcome_t samlc_signature_verify(samlc_data_t *content,
                                                 const samlc_signature_t *signature,
                                                 const samlc_verifier_t *verifier,
                                                 const samlc_signature_policy_t *policy,
                                                 samlc_result_t *res, apr_pool_t *p);

#endif
