/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to a user: the validation of a Response (SAML Core, Profiles 4.1.4). */
#ifndef SAMLC_SAML_RESPONSE_H
#define SAMLC_SAML_RESPONSE_H

#include <apr_tables.h>

#include "core/reload/snapshot.h"
#include "core/store/session.h"

/* A Response with more of them is too large. */
#define SAMLC_MAX_ASSERTIONS 4

/* A Response that could be read; nothing in it is believed yet. */
typedef struct samlc_response_t samlc_response_t;

/*
 * Reads a message: XML, or base64 of it (as SAMLResponse carries it). Fails with malformed or
 * too-large.
 */
apr_status_t samlc_response_read(samlc_response_t **response, const samlc_data_t *message,
                                 samlc_result_t *res, apr_pool_t *p);

/* The same of a posted form (samlc_form_parse): base64 in the one field SAMLResponse, not XML. */
apr_status_t samlc_response_read_form(samlc_response_t **response, const apr_table_t *fields,
                                      samlc_result_t *res, apr_pool_t *p);

/* Who claims to have sent it; NULL if nobody does. For choosing the IdP and for log lines. */
const char *samlc_response_issuer(const samlc_response_t *response);

/* What the assertion of an accepted Response says. */
typedef struct samlc_claims_t {
    const samlc_idp_t *idp;
    const char *response_id;
    const char *assertion_id;            /* of the one that logs in */
    /* const char *: of all, at most SAMLC_MAX_ASSERTIONS; each may be used once */
    apr_array_header_t *assertion_ids;
    const char *in_response_to;          /* NULL: unsolicited */
    apr_time_t not_on_or_after; /* the end of the assertions' lives, skew included: replay claims
                                            must last until then */
    apr_time_t session_not_on_or_after;  /* 0: the IdP sets no end */
    /* "NAME of SCOPE,..." of attributes that lost values for their scope, escaped; NULL: none */
    const char *dropped;
    /* all that a session needs, but created, not_after, generation */
    samlc_session_t session;
} samlc_claims_t;

/* What we expect. */
typedef struct samlc_expectations_t {
    const samlc_snapshot_t *snapshot;
    const samlc_keyset_t *keys;              /* our own, for decryption; may be NULL */
    const char *state_dir;                   /* of remembered certificates; NULL: none */
    const char *entity_id;                   /* ours: the audience */
    const char *acs_url;                     /* Destination and Recipient */
    const char *idp_name;                    /* NULL, or the only IdP that may answer */
    /* const char *: IDs of requests that may be answered */
    const apr_array_header_t *in_response_to;
    /* accept unsolicited responses whatever the IdP's setting */
    int unsolicited;
    apr_time_t now;
    /*
     * Claims the assertions, once, and does with the claims what must happen in the same
     * transaction. The last step: whatever it returns but APR_SUCCESS refuses (with replay,
     * replay-store-unavailable, or what it put into `res`). NULL: nothing is claimed, which only an
     * offline check may do.
     */
    apr_status_t (*claim)(void *baton, const samlc_claims_t *claims, samlc_result_t *res,
                          apr_pool_t *p);
    void *claim_baton;
} samlc_expectations_t;

/* One step of the explanation. */
typedef struct samlc_step_t {
    const char *step;        /* "signature", "audience" ... */
    const char *outcome;     /* "passed", "failed", "skipped" */
    const char *detail;
} samlc_step_t;

typedef enum { SAMLC_REFUSED, SAMLC_ACCEPTED } samlc_outcome_t;

/* Zeroed it refuses. */
typedef struct samlc_verdict_t {
    samlc_outcome_t outcome;
    samlc_reason_t reason;           /* OK only when accepted */
    const char *message;             /* one sentence */
    const samlc_idp_t *idp;          /* NULL while unknown */
    samlc_trust_verdict_t trust;     /* of the certificate that vouched or was refused */
    const samlc_claims_t *claims;    /* NULL unless accepted */
    int is_unlisted_signer;          /* refused as cert-not-listed, and trust.cert did sign it */
    apr_array_header_t *steps;       /* samlc_step_t */
} samlc_verdict_t;

/* Judges it. Never NULL; everything in `p`. May be called once per response. */
samlc_verdict_t *samlc_response_judge(samlc_response_t *response,
                                      const samlc_expectations_t *expected, apr_pool_t *p);

#endif
