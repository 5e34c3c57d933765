/* SPDX-License-Identifier: Apache-2.0 */
/* What programs read: certificates, verdicts and status as JSON (the only door to jansson). */
#ifndef SAMLC_REPORT_H
#define SAMLC_REPORT_H

#include "core/history/archive.h"
#include "core/history/ledger.h"
#include "core/keys/cert.h"
#include "core/reload/snapshot.h"
#include "core/saml/response.h"
#include "core/trust/unlisted.h"

/* A child process as status shows it. */
typedef struct samlc_child_report_t {
    long pid;
    apr_uint64_t generation;
    const char *digest_hex;
    int is_archived;                     /* it comes from the state directory */
    apr_time_t loaded_at;
    apr_uint64_t refused_loads;
} samlc_child_report_t;

typedef struct samlc_status_report_t {
    const char *version;
    const samlc_snapshot_t *snapshot;
    const char *last_error_code;         /* NULL: the last reload went well */
    const char *last_error_message;
    apr_time_t last_error_at;
    const apr_array_header_t *children;  /* samlc_child_report_t */
    const apr_uint64_t *logins;          /* SAMLC_REASON_COUNT numbers: how often each code was the
                                            answer to a response; NULL: not counted */
    const char *store;                   /* "lmdb" ... */
    apr_uint64_t sessions;
    apr_uint64_t claims;
    const char *store_error;             /* NULL: the store works */
    const samlc_ledger_t *ledger;        /* NULL: nothing is known of uses */
    const char *ledger_error;            /* NULL: the ledger works */
    apr_time_t now;
} samlc_status_report_t;

/* "active" or "inactive". */
const char *samlc_report_idp_status(const samlc_idp_t *idp);

/* The modes by which keys of this IdP are trusted, as words ("pinned" ...): const char *. */
apr_array_header_t *samlc_report_idp_modes(const samlc_idp_t *idp, apr_pool_t *p);

/* "sha1", "sha256", "sha384", "sha512" or "spki-sha256". */
const char *samlc_report_pin_kind(const samlc_pin_t *pin);

/* Our key sets (const samlc_keyset_t *), sorted by name. */
apr_array_header_t *samlc_report_keysets(const samlc_snapshot_t *snapshot, apr_pool_t *p);

/* What became of a rollback. */
typedef struct samlc_rollback_report_t {
    const samlc_archived_t *about;       /* the generation to go back to */
    int is_recorded;                     /* the record of changes knows its digest */
    int is_done;
    const apr_array_header_t *written;   /* const char *: names in the trust directory */
    const apr_array_header_t *removed;
    const apr_array_header_t *differences;   /* samlc_difference_t; NULL: nothing to compare with */
    const apr_array_header_t *losses;    /* const char *; NULL likewise */
    const samlc_result_t *error;         /* NULL: nothing is in the way */
} samlc_rollback_report_t;

/* Each returns one JSON document with a newline at its end. */
const char *samlc_report_status(const samlc_status_report_t *status, apr_pool_t *p);

/* contract 5: verdict, code, message, idp, name_id, attributes, certificate, steps */
const char *samlc_report_verdict(const samlc_verdict_t *verdict, apr_pool_t *p);

/*
 * What could not be read, in the form of a verdict: "refused" for a message, "error" where
 * something else is at fault (the trust directory, a file).
 */
const char *samlc_report_unread(const char *word, const samlc_result_t *res, apr_pool_t *p);

/* The signers that nobody configured (samlc_unlisted_t): particulars, times, chain and PEM. */
const char *samlc_report_unlisted(const apr_array_header_t *list, apr_time_t now, apr_pool_t *p);

/* An array with the particulars of each certificate (samlc_cert_t *). */
const char *samlc_report_certs(const apr_array_header_t *certs, apr_time_t now, apr_pool_t *p);

/*
 * The IdPs with their certificates and, if there is a ledger (NULL: none), their uses, and our
 * keys: {"generation_hash", "idps", "keysets"}.
 */
const char *samlc_report_list(const samlc_snapshot_t *snapshot, const samlc_ledger_t *ledger,
                              apr_time_t now, apr_pool_t *p);

/*
 * The IdPs with all that the ledger has of them: {"generation_hash", "idps", "others",
 * "uncounted"}. In `others`, those of an IdP and those of IdPs that are not configured, stands what
 * is known by its digest only.
 */
const char *samlc_report_ledger(const samlc_snapshot_t *snapshot, const samlc_ledger_t *ledger,
                                apr_time_t now, apr_pool_t *p);

/* An array of what is kept (samlc_archived_t); `current` is the digest of the current one. */
const char *samlc_report_history(const apr_array_header_t *list, const char *current,
                                 apr_pool_t *p);

/* {"from": DIGEST, "to": DIGEST, "differences": [...], "losses": [...]} */
const char *samlc_report_diff(const samlc_snapshot_t *before, const samlc_snapshot_t *after,
                              const apr_array_header_t *differences,
                              const apr_array_header_t *losses, apr_pool_t *p);

/* {"generation", "recorded", "done", "written", "removed", "differences", "losses", "error"} */
const char *samlc_report_rollback(const samlc_rollback_report_t *rollback, apr_pool_t *p);

/* What a command does or did to the trust directory: {"done": true, "steps": [...]} */
const char *samlc_report_steps(const apr_array_header_t *steps, int is_done, apr_pool_t *p);

/* {"state": "ok|warning|critical", "errors": [...], "warnings": [...]} */
const char *samlc_report_lint(const samlc_result_t *error, const apr_array_header_t *warnings,
                              apr_pool_t *p);

#endif
