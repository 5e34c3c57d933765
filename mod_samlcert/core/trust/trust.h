/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust decision: which keys speak for an IdP, and why.
 *
 * Everything that makes a key trustworthy is an entry of configuration; nothing in a message adds
 * trust. A message only selects: its certificates are what pins and anchors are matched with.
 */
#ifndef SAMLC_TRUST_TRUST_H
#define SAMLC_TRUST_TRUST_H

#include "core/keys/cert.h"
#include "core/trust/chain.h"
#include "core/trust/known.h"
#include "core/trust/memo.h"
#include "core/trust/settings.h"
#include "core/trust/signcerts.h"
#include "core/xml/signature.h"

#define SAMLC_MAX_CANDIDATES 16       /* keys tried for one signature */
#define SAMLC_MAX_HINTS 8             /* certificates of a KeyInfo that are looked at */

typedef enum {
    SAMLC_MODE_NONE,
    SAMLC_MODE_PINNED,
    SAMLC_MODE_ANCHORED,
    SAMLC_MODE_ANY_TRUSTED,
    SAMLC_MODE_ON_FILE,
    SAMLC_MODE_METADATA
} samlc_trust_mode_t;

typedef enum {
    SAMLC_SLOT_NONE,
    SAMLC_SLOT_STAGED,
    SAMLC_SLOT_PRIMARY,
    SAMLC_SLOT_ALTERNATE,
    SAMLC_SLOT_RETIRED
} samlc_trust_slot_t;

/* "pinned", "anchored", "any-trusted", "on-file", "metadata"; "none". */
const char *samlc_trust_mode_word(samlc_trust_mode_t mode);
/* "staged", "primary", "alternate", "retired"; "none" for what is in no slot. */
const char *samlc_trust_slot_word(samlc_trust_slot_t slot);

struct samlc_place_t;    /* core/trust/moves */

/* A key on file or in metadata. */
typedef struct samlc_trust_entry_t {
    samlc_trust_mode_t mode;         /* ON_FILE or METADATA */
    samlc_trust_slot_t slot;
    const samlc_cert_t *cert;        /* NULL for a bare key of metadata */
    const samlc_key_t *key;
    const samlc_verifier_t *verifier;
    samlc_memo_t *memo;              /* of its chain */
    const char *origin;              /* file, for messages */
    const struct samlc_place_t *place;    /* of its file among the slots; NULL: in none */
} samlc_trust_entry_t;

/*
 * All that makes keys trustworthy for one IdP. Read-only once built; `known` and the memos keep
 * what was found out meanwhile, and decide nothing.
 */
typedef struct samlc_trust_t {
    const samlc_settings_t *settings;
    const samlc_signcerts_t *list;           /* NULL: none */
    const samlc_chain_t *chain;
    const apr_array_header_t *entries;       /* samlc_trust_entry_t */
    samlc_known_t *known;                    /* certificates for the pins of `list`; may be NULL */
    apr_time_t metadata_valid_until;         /* 0: for ever */
    /* TrustReportOnly: a stricter rule, asked about what is trusted, for a warning. NULL: none */
    const struct samlc_trust_t *report_only;
} samlc_trust_t;

/* Adds an entry to an array of samlc_trust_entry_t, with its verifier. Returns it. */
samlc_trust_entry_t *samlc_trust_add(apr_array_header_t *entries, samlc_trust_mode_t mode,
                                     samlc_trust_slot_t slot, const samlc_cert_t *cert,
                                     const samlc_key_t *key, const char *origin, apr_pool_t *p);

/* A key to try a signature with. */
typedef struct samlc_candidate_t {
    const samlc_cert_t *cert;        /* NULL: a bare key */
    const samlc_key_t *key;
    const samlc_verifier_t *verifier;
    int is_named;                    /* the message names this very certificate */
    const samlc_known_cert_t *known; /* what is known of it as the certificate of a pin, or NULL */
} samlc_candidate_t;

/*
 * The keys to try, best guess first: those that `hints` (samlc_data_t, certificates of KeyInfo in
 * DER) name, then all others on file, those known for pins where there are no hints, and the
 * retired ones, so that their use can be called by its name. A certificate of the message is
 * parsed only where its digest is listed, where SPKI pins or ANY-TRUSTED ask for it, and once,
 * however often it stands there. An array of samlc_candidate_t; empty with the reason in `res`:
 * no-trust-configured, cert-not-listed.
 */
apr_array_header_t *samlc_trust_candidates(const samlc_trust_t *trust,
                                           const apr_array_header_t *hints, samlc_result_t *res,
                                           apr_pool_t *p);

/* What the decision was. Zeroed it refuses. */
typedef struct samlc_trust_verdict_t {
    int is_trusted;
    samlc_reason_t reason;           /* OK only with is_trusted */
    samlc_trust_mode_t mode;
    samlc_trust_slot_t slot;
    /* the certificate that vouches or fails; NULL for a bare key */
    const samlc_cert_t *cert;
    const samlc_key_t *key;          /* the key that verified */
    const char *origin;              /* where it is configured */
    const char *message;             /* one sentence: why */
    const char *warning;             /* NULL, or what to worry about although it is trusted */
} samlc_trust_verdict_t;

/*
 * Judges a key that verified a signature, at `now`. A union: it is trusted if any entry accepts it
 * by its own rule. A certificate in the slot `retired` is refused whatever else lists it; so is its
 * key where only the key is listed, by an SPKI pin or as a bare key of metadata; and so is one
 * whose RetireAt has come, whenever the generation was loaded. The rule of TrustReportOnly is asked
 * about what is trusted, and all that it can do is warn. This function alone decides trust; it
 * touches no message, no file and no clock.
 */
samlc_trust_verdict_t samlc_trust_judge(const samlc_trust_t *trust,
                                        const samlc_candidate_t *candidate, apr_time_t now,
                                        apr_pool_t *p);

#endif
