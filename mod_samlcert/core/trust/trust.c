/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/trust.h"

#include <string.h>

#include <apr_strings.h>

#include "core/base/clock.h"
#include "core/trust/constraint.h"
#include "core/trust/moves.h"

static const char *const MODE_WORDS[] = { "none", "pinned", "anchored", "any-trusted", "on-file",
                                          "metadata" };
static const char *const SLOT_WORDS[] = { "none", "staged", "primary", "alternate", "retired" };

const char *samlc_trust_mode_word(samlc_trust_mode_t mode)
{
    return (unsigned)mode < sizeof(MODE_WORDS) / sizeof(MODE_WORDS[0]) ? MODE_WORDS[mode] : "none";
}

const char *samlc_trust_slot_word(samlc_trust_slot_t slot)
{
    return (unsigned)slot < sizeof(SLOT_WORDS) / sizeof(SLOT_WORDS[0]) ? SLOT_WORDS[slot] : "none";
}

samlc_trust_entry_t *samlc_trust_add(apr_array_header_t *entries, samlc_trust_mode_t mode,
                                     samlc_trust_slot_t slot, const samlc_cert_t *cert,
                                     const samlc_key_t *key, const char *origin, apr_pool_t *p)
{
    samlc_trust_entry_t *entry = apr_array_push(entries);

    entry->mode = mode;
    entry->slot = slot;
    entry->cert = cert;
    entry->key = key;
    entry->verifier = samlc_verifier_make(key, p);
    entry->memo = samlc_memo_make(p);
    entry->origin = origin;
    entry->place = NULL;
    return entry;
}

static const samlc_trust_entry_t *entry_at(const samlc_trust_t *trust, int i)
{
    return &APR_ARRAY_IDX(trust->entries, i, samlc_trust_entry_t);
}

static int has_list(const samlc_trust_t *trust)
{
    return trust->list != NULL && (trust->list->any_trusted || trust->list->pins->nelts > 0);
}

/* --- candidates --- */

static void add_candidate(apr_array_header_t *candidates, const samlc_candidate_t *candidate)
{
    int i = 0;

    for (i = 0; i < candidates->nelts; i++) {
        const samlc_candidate_t *c = &APR_ARRAY_IDX(candidates, i, samlc_candidate_t);

        if (c->cert == candidate->cert && c->key == candidate->key) {
            return;
        }
    }
    if (candidates->nelts < SAMLC_MAX_CANDIDATES) {
        APR_ARRAY_PUSH(candidates, samlc_candidate_t) = *candidate;
    }
}

static void add_entry(apr_array_header_t *candidates, const samlc_trust_entry_t *entry,
                      int is_named)
{
    const samlc_candidate_t candidate = { entry->cert, entry->key, entry->verifier, is_named,
                                          NULL };

    add_candidate(candidates, &candidate);
}

static void add_known(apr_array_header_t *candidates, const samlc_known_cert_t *known, int is_named)
{
    const samlc_candidate_t candidate = { known->cert, samlc_cert_key(known->cert),
                                          known->verifier, is_named, known };

    add_candidate(candidates, &candidate);
}

/* All entries of the slot `retired`, or all others. */
static void add_entries(apr_array_header_t *candidates, const samlc_trust_t *trust, int retired)
{
    int i = 0;

    for (i = 0; i < trust->entries->nelts; i++) {
        const samlc_trust_entry_t *entry = entry_at(trust, i);

        if ((entry->slot == SAMLC_SLOT_RETIRED) == retired) {
            add_entry(candidates, entry, 0);
        }
    }
}

/* The entry whose certificate has this digest: then nothing of the message needs to be parsed. */
static const samlc_trust_entry_t *find_on_file(const samlc_trust_t *trust,
                                               const unsigned char *sha256)
{
    int i = 0;

    for (i = 0; i < trust->entries->nelts; i++) {
        const samlc_trust_entry_t *entry = entry_at(trust, i);

        if (entry->cert != NULL
            && memcmp(samlc_cert_sha256(entry->cert), sha256, SAMLC_SHA256_LEN) == 0) {
            return entry;
        }
    }
    return NULL;
}

static int has_key_pins(const samlc_signcerts_t *list)
{
    int i = 0;

    for (i = 0; i < list->pins->nelts; i++) {
        if (APR_ARRAY_IDX(list->pins, i, samlc_pin_t).is_spki) {
            return 1;
        }
    }
    return 0;
}

/*
 * A certificate of the message that is not on file, but that a pin or an anchor may make
 * trustworthy.
 */
static void consider_listed(apr_array_header_t *candidates, const samlc_trust_t *trust,
                            const samlc_data_t *der, apr_pool_t *p)
{
    const samlc_signcerts_t *list = trust->list;
    const samlc_known_cert_t *known = NULL;
    samlc_candidate_t candidate;
    samlc_cert_t *cert = NULL;

    /* By its digest it is as good as configured, and there is one such certificate for each pin. */
    if (samlc_signcerts_match_der(list, der) != NULL) {
        known = samlc_known_add(trust->known, der);
    }
    else if (!list->any_trusted && !has_key_pins(list)) {
        return;
    }
    if (known != NULL) {
        add_known(candidates, known, 1);
        return;
    }
    if (samlc_cert_parse_der(&cert, der, samlc_result_make(p), p) == APR_SUCCESS
        && (list->any_trusted || samlc_signcerts_match(list, cert) != NULL)) {
        memset(&candidate, 0, sizeof(candidate));
        candidate.cert = cert;
        candidate.key = samlc_cert_key(cert);
        candidate.verifier = samlc_verifier_make(candidate.key, p);
        candidate.is_named = 1;
        add_candidate(candidates, &candidate);
    }
}

/* `sha256` is of `der`. */
static void consider_hint(apr_array_header_t *candidates, const samlc_trust_t *trust,
                          const samlc_data_t *der, const unsigned char *sha256, apr_pool_t *p)
{
    const samlc_trust_entry_t *entry = find_on_file(trust, sha256);
    const samlc_known_cert_t *known = NULL;

    if (entry != NULL) {
        add_entry(candidates, entry, 1);
    }
    else if (has_list(trust)) {
        known = samlc_known_find(trust->known, sha256);
        if (known != NULL) {
            add_known(candidates, known, 1);
        }
        else {
            consider_listed(candidates, trust, der, p);
        }
    }
}

/* Each certificate once, however often the message has it. */
static void consider_hints(apr_array_header_t *candidates, const samlc_trust_t *trust,
                           const apr_array_header_t *hints, apr_pool_t *p)
{
    unsigned char seen[SAMLC_MAX_HINTS][SAMLC_SHA256_LEN];
    int i = 0, k = 0, n = 0;

    for (i = 0; i < hints->nelts && i < SAMLC_MAX_HINTS; i++) {
        const samlc_data_t *der = &APR_ARRAY_IDX(hints, i, samlc_data_t);

        if (EVP_Digest(der->data, der->len, seen[n], NULL, EVP_sha256(), NULL) != 1) {
            continue;
        }
        for (k = 0; k < n && memcmp(seen[k], seen[n], SAMLC_SHA256_LEN) != 0; k++) {
        }
        if (k == n) {
            consider_hint(candidates, trust, der, seen[n++], p);
        }
    }
}

apr_array_header_t *samlc_trust_candidates(const samlc_trust_t *trust,
                                           const apr_array_header_t *hints, samlc_result_t *res,
                                           apr_pool_t *p)
{
    apr_array_header_t *candidates = apr_array_make(p, 4, sizeof(samlc_candidate_t));
    const samlc_known_cert_t *known = NULL;

    consider_hints(candidates, trust, hints, p);
    add_entries(candidates, trust, 0);
    /* Where a message names certificates, pins are matched with those. */
    for (known = hints->nelts == 0 ? samlc_known_first(trust->known) : NULL; known != NULL;
         known = known->next) {
        if (samlc_known_cert_is_accepted(known)) {
            add_known(candidates, known, 0);
        }
    }
    add_entries(candidates, trust, 1);
    if (candidates->nelts == 0) {
        if (has_list(trust)) {
            samlc_result_fail(res, APR_NOTFOUND, SAMLC_REASON_CERT_NOT_LISTED,
                              hints->nelts == 0
                                  ? "the message carries no certificate to compare with "
                                    "the list"
                                  : "the certificate of the message is not listed");
        }
        else {
            samlc_result_fail(res, APR_NOTFOUND, SAMLC_REASON_NO_TRUST_CONFIGURED,
                              "no certificate, fingerprint or metadata key is configured");
        }
    }
    return candidates;
}

/* --- the decision --- */

/* One claim to trust: a key, what makes it trustworthy, and what that asks for. */
typedef struct claim_t {
    samlc_trust_mode_t mode;
    samlc_trust_slot_t slot;
    const samlc_cert_t *cert;          /* NULL: a bare key */
    const samlc_key_t *key;
    samlc_memo_t *memo;                /* of its chain; may be NULL */
    const char *origin;
    int needs_chain;
    const char *constraint;            /* AnchorConstraint, where the chain alone decides */
    samlc_expiry_t expiry_default;
} claim_t;

static samlc_trust_verdict_t verdict_of(const claim_t *claim, samlc_reason_t reason,
                                        const char *message)
{
    samlc_trust_verdict_t v;

    memset(&v, 0, sizeof(v));
    v.reason = reason;
    v.mode = claim->mode;
    v.slot = claim->slot;
    v.cert = claim->cert;
    v.key = claim->key;
    v.origin = claim->origin;
    v.message = message;
    return v;
}

static const char *describe(const claim_t *claim, apr_pool_t *p)
{
    return claim->cert == NULL
               ? apr_psprintf(p, "a bare key of %s", claim->origin)
               : apr_psprintf(p, "certificate %s (%s)", samlc_cert_sha256_hex(claim->cert),
                              samlc_text_show(samlc_cert_subject(claim->cert), p));
}

static samlc_expiry_t expiry_rule(const samlc_trust_t *trust, const claim_t *claim)
{
    return trust->settings->cert_expiry != SAMLC_EXPIRY_BY_MODE
               ? (samlc_expiry_t)trust->settings->cert_expiry
               : claim->expiry_default;
}

/*
 * The dates of the certificate itself. A notBefore in the future is never a matter of age: it is
 * refused unless dates are ignored.
 */
static samlc_trust_verdict_t judge_dates(const samlc_trust_t *trust, const claim_t *claim,
                                         apr_time_t now, apr_pool_t *p)
{
    samlc_expiry_t rule = expiry_rule(trust, claim);
    samlc_trust_verdict_t v = verdict_of(claim, SAMLC_REASON_OK, NULL);

    if (claim->cert == NULL || rule == SAMLC_EXPIRY_IGNORE) {
        return v;
    }
    if (samlc_cert_is_not_yet_valid(claim->cert, now)) {
        return verdict_of(claim, SAMLC_REASON_CERT_NOT_YET_VALID,
                          apr_psprintf(p, "%s is valid from %s on", describe(claim, p),
                                       samlc_clock_format(samlc_cert_not_before(claim->cert), p)));
    }
    if (samlc_cert_is_expired(claim->cert, now)) {
        const char *text = apr_psprintf(p, "%s expired at %s", describe(claim, p),
                                        samlc_clock_format(samlc_cert_not_after(claim->cert), p));

        if (rule == SAMLC_EXPIRY_REJECT) {
            return verdict_of(claim, SAMLC_REASON_CERT_EXPIRED, text);
        }
        v.warning = text;
    }
    return v;
}

/*
 * The slot at `now`: a generation that can't be replaced, since the files are broken, must not
 * outlive the time when a certificate retires.
 */
static samlc_trust_slot_t slot_at(const samlc_trust_entry_t *entry, apr_time_t now)
{
    return entry->place != NULL && entry->place->retire_at != 0 && now >= entry->place->retire_at
               ? SAMLC_SLOT_RETIRED
               : entry->slot;
}

/* Adds what to worry about to a verdict, which stays what it is. */
static void add_warning(const char **warning, const char *text, apr_pool_t *p)
{
    if (text != NULL) {
        *warning = *warning == NULL ? text : apr_pstrcat(p, *warning, "; ", text, NULL);
    }
}

/* The chain that a claim asks for. Dates of the certificate itself are judged before. */
static samlc_reason_t judge_chain(const char **text, const samlc_trust_t *trust,
                                  const claim_t *claim, apr_time_t now, apr_pool_t *p)
{
    samlc_reason_t reason = SAMLC_REASON_CHAIN_INVALID;

    if (claim->cert == NULL) {
        *text = "a bare key has no chain, and ValidateChain is on";
        return reason;
    }
    reason = samlc_memo_judge(text, claim->memo, trust->chain, claim->cert, now, p);
    if (reason == SAMLC_REASON_OK && claim->constraint != NULL
        && !samlc_constraint_is_met(claim->constraint, claim->cert,
                                    samlc_chain_certs(trust->chain), p)) {
        *text = apr_psprintf(p, "%s does not meet AnchorConstraint %s", describe(claim, p),
                             claim->constraint);
        return SAMLC_REASON_CERT_NOT_LISTED;
    }
    return reason;
}

/* All that one claim asks for. */
static samlc_trust_verdict_t judge_claim(const samlc_trust_t *trust, const claim_t *claim,
                                         apr_time_t now, apr_pool_t *p)
{
    samlc_trust_verdict_t v;

    if (claim->slot == SAMLC_SLOT_RETIRED) {
        return verdict_of(claim, SAMLC_REASON_CERT_RETIRED,
                          apr_psprintf(p, "%s is retired (%s)", describe(claim, p), claim->origin));
    }
    if (claim->mode == SAMLC_MODE_METADATA && trust->metadata_valid_until != 0
        && now >= trust->metadata_valid_until) {
        return verdict_of(claim, SAMLC_REASON_METADATA_EXPIRED,
                          apr_psprintf(p, "%s was valid until %s", claim->origin,
                                       samlc_clock_format(trust->metadata_valid_until, p)));
    }
    if (samlc_key_spells_curve(claim->key)) {
        return verdict_of(claim, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                          apr_psprintf(p, "%s: the curve of its key is spelt out (explicit EC "
                                       "parameters); only named curves are trusted",
                                       describe(claim, p)));
    }
    v = judge_dates(trust, claim, now, p);
    if (v.reason != SAMLC_REASON_OK) {
        return v;
    }
    if (claim->needs_chain) {
        const char *text = NULL;
        samlc_reason_t reason = judge_chain(&text, trust, claim, now, p);

        if (reason != SAMLC_REASON_OK) {
            return verdict_of(claim, reason, text);
        }
        add_warning(&v.warning, text, p);
    }
    v.message = apr_psprintf(
        p, "%s is trusted: %s%s%s, %s", describe(claim, p), samlc_trust_mode_word(claim->mode),
        claim->slot == SAMLC_SLOT_NONE ? "" : ", ",
        claim->slot == SAMLC_SLOT_NONE ? "" : samlc_trust_slot_word(claim->slot), claim->origin);
    v.is_trusted = 1;
    return v;
}

static claim_t claim_of_entry(const samlc_trust_t *trust, const samlc_trust_entry_t *entry,
                              apr_time_t now)
{
    claim_t claim;

    memset(&claim, 0, sizeof(claim));
    claim.mode = entry->mode;
    claim.slot = slot_at(entry, now);
    claim.cert = entry->cert;
    claim.key = entry->key;
    claim.memo = entry->memo;
    claim.origin = entry->origin;
    claim.needs_chain = trust->settings->validate_chain;
    claim.expiry_default = entry->mode == SAMLC_MODE_METADATA ? SAMLC_EXPIRY_IGNORE
                                                              : SAMLC_EXPIRY_WARN;
    return claim;
}

/* What an entry claims for a candidate; FALSE if it is about another key. */
static int claim_of_key(claim_t *claim, const samlc_trust_t *trust,
                        const samlc_trust_entry_t *entry, const samlc_candidate_t *candidate,
                        apr_time_t now)
{
    *claim = claim_of_entry(trust, entry, now);
    return samlc_key_equal(entry->key, candidate->key);
}

/* The entry of the slot `retired` with this key; NULL if there is none. */
static const samlc_trust_entry_t *find_retired_key(const samlc_trust_t *trust,
                                                   const samlc_key_t *key, apr_time_t now)
{
    int i = 0;

    for (i = 0; i < trust->entries->nelts; i++) {
        if (slot_at(entry_at(trust, i), now) == SAMLC_SLOT_RETIRED
            && samlc_key_equal(entry_at(trust, i)->key, key)) {
            return entry_at(trust, i);
        }
    }
    return NULL;
}

/* A retired certificate is refused whatever else speaks for it. */
static const samlc_trust_entry_t *find_retired(const samlc_trust_t *trust, const samlc_cert_t *cert,
                                               apr_time_t now)
{
    int i = 0;

    for (i = 0; i < trust->entries->nelts; i++) {
        const samlc_trust_entry_t *entry = entry_at(trust, i);

        if (slot_at(entry, now) == SAMLC_SLOT_RETIRED && samlc_cert_equal(entry->cert, cert)) {
            return entry;
        }
    }
    return NULL;
}

/*
 * What the list claims for the certificate of a candidate; FALSE if it says nothing about it. A pin
 * of the key is the key's alone, and anybody who has the key makes certificates about it: where one
 * was retired, such a pin helps none of them.
 */
static int claim_of_pin(claim_t *claim, const samlc_trust_t *trust,
                        const samlc_candidate_t *candidate, apr_time_t now)
{
    const samlc_pin_t *pin = NULL;
    const samlc_trust_entry_t *retired = NULL;

    if (trust->list == NULL || candidate->cert == NULL) {
        return 0;
    }
    pin = candidate->known != NULL ? candidate->known->pin
                                   : samlc_signcerts_match(trust->list, candidate->cert);
    if (pin == NULL) {
        return 0;
    }
    retired = pin->is_spki ? find_retired_key(trust, candidate->key, now) : NULL;
    if (retired != NULL) {
        *claim = claim_of_entry(trust, retired, now);
        return 1;
    }
    memset(claim, 0, sizeof(*claim));
    claim->mode = trust->list->ignore_trust ? SAMLC_MODE_PINNED : SAMLC_MODE_ANCHORED;
    claim->cert = candidate->cert;
    claim->key = candidate->key;
    claim->memo = candidate->known != NULL ? candidate->known->memo : NULL;
    claim->origin = pin->origin;
    claim->needs_chain = !trust->list->ignore_trust;
    claim->expiry_default = trust->list->ignore_trust ? SAMLC_EXPIRY_WARN : SAMLC_EXPIRY_REJECT;
    return 1;
}

static int claim_of_anchors(claim_t *claim, const samlc_trust_t *trust,
                            const samlc_candidate_t *candidate)
{
    if (trust->list == NULL || !trust->list->any_trusted || candidate->cert == NULL) {
        return 0;
    }
    memset(claim, 0, sizeof(*claim));
    claim->mode = SAMLC_MODE_ANY_TRUSTED;
    claim->cert = candidate->cert;
    claim->key = candidate->key;
    claim->memo = candidate->known != NULL ? candidate->known->memo : NULL;
    claim->origin = "ANY-TRUSTED";
    claim->needs_chain = 1;
    claim->constraint = trust->settings->anchor_constraint;
    claim->expiry_default = SAMLC_EXPIRY_REJECT;
    return 1;
}

/* By one rule: that in force, or the stricter one of TrustReportOnly. */
static samlc_trust_verdict_t judge_by(const samlc_trust_t *trust,
                                      const samlc_candidate_t *candidate, apr_time_t now,
                                      apr_pool_t *p)
{
    const samlc_trust_entry_t *retired = candidate->cert != NULL
                                             ? find_retired(trust, candidate->cert, now)
                                             : find_retired_key(trust, candidate->key, now);
    samlc_trust_verdict_t first, v;
    claim_t claim;
    int i = 0;

    memset(&first, 0, sizeof(first));
    first.reason = SAMLC_REASON_CERT_NOT_LISTED;
    first.cert = candidate->cert;
    first.key = candidate->key;
    first.message = "nothing configured speaks for this key";
    if (retired != NULL) {
        claim = claim_of_entry(trust, retired, now);
        return judge_claim(trust, &claim, now, p);
    }
    /* What is on file first: it knows its slot. Then what the list says. */
    for (i = 0; i < trust->entries->nelts + 2; i++) {
        int applies = i < trust->entries->nelts
                          ? claim_of_key(&claim, trust, entry_at(trust, i), candidate, now)
                      : i == trust->entries->nelts ? claim_of_pin(&claim, trust, candidate, now)
                                                   : claim_of_anchors(&claim, trust, candidate);

        if (!applies) {
            continue;
        }
        v = judge_claim(trust, &claim, now, p);
        if (v.is_trusted) {
            return v;
        }
        if (first.reason == SAMLC_REASON_CERT_NOT_LISTED) {
            first = v;
        }
    }
    return first;
}

/* TrustReportOnly: it is asked only about what is trusted, and only its words are used. */
static const char *doubts_of_stricter(const samlc_trust_t *trust,
                                      const samlc_candidate_t *candidate, apr_time_t now,
                                      apr_pool_t *p)
{
    samlc_trust_verdict_t stricter;

    if (trust->report_only == NULL) {
        return NULL;
    }
    stricter = judge_by(trust->report_only, candidate, now, p);
    return stricter.is_trusted
               ? NULL
               : apr_psprintf(p, "would be refused under TrustReportOnly %s: %s: %s",
                              apr_array_pstrcat(p, trust->settings->trust_report_only, ' '),
                              samlc_reason_word(stricter.reason), stricter.message);
}

samlc_trust_verdict_t samlc_trust_judge(const samlc_trust_t *trust,
                                        const samlc_candidate_t *candidate, apr_time_t now,
                                        apr_pool_t *p)
{
    samlc_trust_verdict_t verdict = judge_by(trust, candidate, now, p);

    if (verdict.is_trusted) {
        add_warning(&verdict.warning, doubts_of_stricter(trust, candidate, now, p), p);
    }
    return verdict;
}
