/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a judgement, shared by message.c (reading), response.c (signatures) and rules.c
 * (claims); nobody else's business.
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
    const char *second_status;        /* the one below it; NULL: none */
    const char *status_detail;       /* the second-level code and the message, for the operator */
} samlc_envelope_t;

/* What a Response is, once it could be read. */
struct samlc_response_t {
    xmlNodePtr root;
    apr_array_header_t *parts;       /* samlc_part_t; its assertions */
    samlc_envelope_t envelope;       /* as it came, unsigned so far */
    const char *issuer;              /* of the response, or of a plain assertion */
};

/* One assertion of the Response, on its way from a node to what it says. */
typedef struct samlc_part_t {
    xmlNodePtr node;                     /* as it came: Assertion or EncryptedAssertion */
    xmlNodePtr plain;                    /* in the message, decrypted if need be */
    xmlNodePtr content;                  /* to be read: verified bytes, parsed again */
    int is_verified;                     /* by a signature of its own */
    samlc_trust_verdict_t trust;         /* of the key that vouched for it, in whichever way */
    const samlc_assertion_t *assertion;  /* read from `content` */
    const samlc_confirmation_t *confirmation;   /* that holds; NULL: it asks for none */
} samlc_part_t;

/* The state of one judgement. Each step finds what earlier ones left. */
typedef struct samlc_judge_t {
    samlc_response_t *response;
    const samlc_expectations_t *expected;
    const samlc_idp_t *idp;
    /* of the signed bytes where the response is signed */
    samlc_envelope_t envelope;
    int response_is_verified;
    samlc_trust_verdict_t response_trust;   /* of the key that signed the response */
    apr_array_header_t *parts;           /* samlc_part_t: every assertion, in document order */
    samlc_part_t *part;                  /* the one that a step for each is about */
    samlc_part_t *login;                 /* the one that logs in, once it is chosen */
    apr_array_header_t *attributes;      /* samlc_attribute_t, of all assertions */
    samlc_trust_verdict_t trust;         /* of the last signature; in the end of `login` */
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

/* What a Response element says, as it came or as it was verified. spec: SAML-Core 3.2.2 */
apr_status_t samlc_envelope_read(samlc_envelope_t *envelope, const xmlNode *root,
                                 samlc_result_t *res, apr_pool_t *p);

/* The first of these siblings that is an assertion, encrypted or not. */
xmlNodePtr samlc_assertion_node_from(xmlNodePtr node);

int samlc_assertion_node_is_encrypted(const xmlNode *node);

/* Assertions among these siblings and anywhere below: wrapping attacks hide one. */
int samlc_assertion_node_count(const xmlNode *node);

/* Passes a step that had nothing to do. */
apr_status_t samlc_judge_skip(samlc_judge_t *j, const char *detail);

#endif
