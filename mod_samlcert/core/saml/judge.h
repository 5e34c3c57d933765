/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a judgement, shared by response.c (signatures) and rules.c (claims); nobody else's
 * business.
 */
#ifndef SAMLC_SAML_JUDGE_H
#define SAMLC_SAML_JUDGE_H

#include "core/saml/assertion.h"
#include "core/saml/response.h"

/* What the outer element says. */
typedef struct samlc_envelope_t {
    const char *id;
    const char *issuer;              /* NULL where it is absent */
    const char *issuer_format;
    const char *destination;
    const char *in_response_to;
    apr_time_t issue_instant;
    const char *status;              /* the top-level code */
    const char *status_detail;       /* the second-level code and the message, for the operator */
} samlc_envelope_t;

/* The state of one judgement. Each step finds what earlier ones left. */
typedef struct samlc_judge_t {
    samlc_response_t *response;
    const samlc_expectations_t *expected;
    const samlc_idp_t *idp;
    /* of the signed bytes where the response is signed */
    samlc_envelope_t envelope;
    int response_is_verified;
    int assertion_is_verified;           /* by a signature of its own */
    xmlNodePtr plain;                    /* the assertion in the message, decrypted if need be */
    /* the assertion to be read: verified bytes, parsed again */
    xmlNodePtr content;
    const samlc_assertion_t *assertion;  /* read from `content` */
    const samlc_confirmation_t *confirmation;
    samlc_trust_verdict_t trust;
    /* trust.cert is not configured, and did sign the message */
    int is_unlisted_signer;
    samlc_claims_t claims;
    const char *detail;                  /* what the step found, for the explanation */
    int is_skipped;
    samlc_result_t *res;
    apr_pool_t *p;
} samlc_judge_t;

#define SAMLC_REFUSE(j, reason, ...) \
    samlc_result_fail((j)->res, APR_EINVAL, SAMLC_REASON_##reason, __VA_ARGS__)

/* Text from outside, fit for a message. */
#define SAMLC_SHOW(j, text) samlc_text_show((text), (j)->p)

/* Passes a step that had nothing to do. */
apr_status_t samlc_judge_skip(samlc_judge_t *j, const char *detail);

#endif
