/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results and reason codes.
 *
 * A function that can fail returns an apr_status_t and fills a samlc_result_t: what went wrong, as
 * a stable reason code for programs and as one sentence for the operator. One result feeds the log,
 * the status page, the CLI and the tests.
 */
#ifndef SAMLC_BASE_RESULT_H
#define SAMLC_BASE_RESULT_H

#include <apr_errno.h>
#include <apr_pools.h>

/*
 * Every reason code, once: enumerator and the word that users see. The words are a contract: new
 * ones may be added, none is renamed. Zero is a refusal, so that zeroed memory refuses.
 */
#define SAMLC_REASONS(X) \
    X(UNDECIDED, "undecided") \
    X(OK, "ok") \
    X(MALFORMED, "malformed") \
    X(TOO_LARGE, "too-large") \
    X(UNKNOWN_IDP, "unknown-idp") \
    X(IDP_INACTIVE, "idp-inactive") \
    X(NO_SIGNATURE, "no-signature") \
    X(SIGNATURE_INVALID, "signature-invalid") \
    X(SIGNATURE_SCOPE, "signature-scope") \
    X(ALGORITHM_FORBIDDEN, "algorithm-forbidden") \
    X(KEY_TOO_SMALL, "key-too-small") \
    X(NO_TRUST_CONFIGURED, "no-trust-configured") \
    X(CERT_NOT_LISTED, "cert-not-listed") \
    X(CERT_CONFLICT, "cert-conflict") \
    X(CERT_EXPIRED, "cert-expired") \
    X(CERT_NOT_YET_VALID, "cert-not-yet-valid") \
    X(CERT_RETIRED, "cert-retired") \
    X(CERT_REVOKED, "cert-revoked") \
    X(CHAIN_INCOMPLETE, "chain-incomplete") \
    X(CHAIN_EXPIRED, "chain-expired") \
    X(CHAIN_INVALID, "chain-invalid") \
    X(CRL_STALE, "crl-stale") \
    X(METADATA_EXPIRED, "metadata-expired") \
    X(DECRYPT_FAILED, "decrypt-failed") \
    X(STATUS_NOT_SUCCESS, "status-not-success") \
    X(WRONG_DESTINATION, "wrong-destination") \
    X(WRONG_RECIPIENT, "wrong-recipient") \
    X(WRONG_AUDIENCE, "wrong-audience") \
    X(WRONG_ISSUER, "wrong-issuer") \
    X(EXPIRED, "expired") \
    X(NOT_YET_VALID, "not-yet-valid") \
    X(IN_RESPONSE_TO, "in-response-to") \
    X(UNSOLICITED, "unsolicited") \
    X(REPLAY, "replay") \
    X(REPLAY_STORE_UNAVAILABLE, "replay-store-unavailable") \
    X(NO_SUBJECT, "no-subject") \
    X(AUTHN_CONTEXT, "authn-context") \
    X(USER_FILTER, "user-filter") \
    X(CONFIG_INVALID, "config-invalid") \
    X(FILE_UNREADABLE, "file-unreadable") \
    X(INTERNAL, "internal")

typedef enum {
#define SAMLC_REASON_ENUM(name, word) SAMLC_REASON_##name,
    SAMLC_REASONS(SAMLC_REASON_ENUM)
#undef SAMLC_REASON_ENUM
    SAMLC_REASON_COUNT
} samlc_reason_t;

/* The stable word of a reason code; "undecided" for a value out of range. */
const char *samlc_reason_word(samlc_reason_t reason);

/* What became of an operation. Callers read the fields, only the functions below write them. */
typedef struct samlc_result_t {
    apr_pool_t *pool;       /* owns the strings */
    apr_status_t status;    /* APR_SUCCESS until something failed */
    samlc_reason_t reason;
    const char *message;    /* one sentence for the operator, never NULL; no trailing newline */
} samlc_result_t;

/* A result that says "ok" until it is told otherwise; lives in `p`. */
samlc_result_t *samlc_result_make(apr_pool_t *p);

/*
 * Records a failure and returns `status` (APR_EGENERAL for APR_SUCCESS, so that a recorded failure
 * is never taken for success). Values in the sentence that come from outside are escaped and
 * bounded by the caller (samlc_text_show). A later call replaces the earlier one.
 */
apr_status_t samlc_result_fail(samlc_result_t *res, apr_status_t status, samlc_reason_t reason,
                               const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Like samlc_result_fail, with OpenSSL's error queue appended; leaves that queue empty. */
apr_status_t samlc_result_fail_openssl(samlc_result_t *res, apr_status_t status,
                                       samlc_reason_t reason, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Puts "`prefix`: " before the sentence: who reads it learns where the failure belongs. */
void samlc_result_prefix(samlc_result_t *res, const char *prefix);

#endif
