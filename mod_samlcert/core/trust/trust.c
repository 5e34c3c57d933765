/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/trust.h"

#include <string.h>

#include <apr_strings.h>

#include "core/base/clock.h"

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

void samlc_trust_add(apr_array_header_t *entries, samlc_trust_mode_t mode, samlc_trust_slot_t slot,
                     const samlc_cert_t *cert, const samlc_key_t *key, const char *origin,
                     apr_pool_t *p)
{
    samlc_trust_entry_t *entry = apr_array_push(entries);

    entry->mode = mode;
    entry->slot = slot;
    entry->cert = cert;
    entry->key = key;
    entry->verifier = samlc_verifier_make(key, p);
    entry->origin = origin;
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

static void add_candidate(apr_array_header_t *candidates, const samlc_cert_t *cert,
                          const samlc_key_t *key, const samlc_verifier_t *verifier, int is_named)
{
    samlc_candidate_t *c = NULL;
    int i = 0;

    for (i = 0; i < candidates->nelts; i++) {
        c = &APR_ARRAY_IDX(candidates, i, samlc_candidate_t);
        if (c->cert == cert && c->key == key) {
            return;
        }
    }
    if (candidates->nelts < SAMLC_MAX_CANDIDATES) {
        c = apr_array_push(candidates);
        c->cert = cert;
        c->key = key;
        c->verifier = verifier;
        c->is_named = is_named;
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

/* A certificate of the message that a pin or an anchor may make trustworthy. */
static void consider_hint(apr_array_header_t *candidates, const samlc_trust_t *trust,
                          const samlc_data_t *der, apr_pool_t *p)
{
    const samlc_trust_entry_t *entry = NULL;
    unsigned char sha256[SAMLC_SHA256_LEN];
    unsigned int len = 0;
    samlc_cert_t *cert = NULL;

    if (EVP_Digest(der->data, der->len, sha256, &len, EVP_sha256(), NULL) != 1) {
        return;
    }
    entry = find_on_file(trust, sha256);
    if (entry != NULL) {
        add_candidate(candidates, entry->cert, entry->key, entry->verifier, 1);
        return;
    }
    if (!has_list(trust)) {
        return;
    }
    if (samlc_signcerts_match_der(trust->list, der) == NULL) {
        /* Worth parsing only where more than the digest of the certificate counts. */
        int i = 0, has_spki = 0;

        for (i = 0; i < trust->list->pins->nelts; i++) {
            has_spki |= APR_ARRAY_IDX(trust->list->pins, i, samlc_pin_t).is_spki;
        }
        if (!has_spki && !trust->list->any_trusted) {
            return;
        }
    }
    if (samlc_cert_parse_der(&cert, der, samlc_result_make(p), p) == APR_SUCCESS
        && (trust->list->any_trusted || samlc_signcerts_match(trust->list, cert) != NULL)) {
        add_candidate(candidates, cert, samlc_cert_key(cert),
                      samlc_verifier_make(samlc_cert_key(cert), p), 1);
    }
}

apr_array_header_t *samlc_trust_candidates(const samlc_trust_t *trust,
                                           const apr_array_header_t *hints, samlc_result_t *res,
                                           apr_pool_t *p)
{
    apr_array_header_t *candidates = apr_array_make(p, 4, sizeof(samlc_candidate_t));
    int i = 0;

    for (i = 0; i < hints->nelts && i < SAMLC_MAX_HINTS; i++) {
        consider_hint(candidates, trust, &APR_ARRAY_IDX(hints, i, samlc_data_t), p);
    }
    for (i = 0; i < trust->entries->nelts; i++) {
        const samlc_trust_entry_t *entry = entry_at(trust, i);

        add_candidate(candidates, entry->cert, entry->key, entry->verifier, 0);
    }
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
    v = judge_dates(trust, claim, now, p);
    if (v.reason != SAMLC_REASON_OK) {
        return v;
    }
    if (claim->needs_chain) {
        const char *message = NULL;
        samlc_reason_t reason = SAMLC_REASON_CHAIN_INVALID;

        if (claim->cert == NULL) {
            return verdict_of(claim, SAMLC_REASON_CHAIN_INVALID,
                              "a bare key has no chain, and ValidateChain is on");
        }
        reason = samlc_chain_judge(&message, trust->chain, claim->cert,
                                   expiry_rule(trust, claim) != SAMLC_EXPIRY_REJECT, now, p);
        if (reason != SAMLC_REASON_OK) {
            return verdict_of(claim, reason, message);
        }
        if (claim->constraint != NULL
            && !samlc_chain_meets(trust->chain, claim->cert, claim->constraint, p)) {
            return verdict_of(claim, SAMLC_REASON_CERT_NOT_LISTED,
                              apr_psprintf(p, "%s does not meet AnchorConstraint %s",
                                           describe(claim, p), claim->constraint));
        }
    }
    v.message = apr_psprintf(
        p, "%s is trusted: %s%s%s, %s", describe(claim, p), samlc_trust_mode_word(claim->mode),
        claim->slot == SAMLC_SLOT_NONE ? "" : ", ",
        claim->slot == SAMLC_SLOT_NONE ? "" : samlc_trust_slot_word(claim->slot), claim->origin);
    v.is_trusted = 1;
    return v;
}

static claim_t claim_of_entry(const samlc_trust_t *trust, const samlc_trust_entry_t *entry)
{
    claim_t claim;

    memset(&claim, 0, sizeof(claim));
    claim.mode = entry->mode;
    claim.slot = entry->slot;
    claim.cert = entry->cert;
    claim.key = entry->key;
    claim.origin = entry->origin;
    claim.needs_chain = trust->settings->validate_chain;
    claim.expiry_default = entry->mode == SAMLC_MODE_METADATA ? SAMLC_EXPIRY_IGNORE
                                                              : SAMLC_EXPIRY_WARN;
    return claim;
}

/* What an entry claims for a candidate; FALSE if it is about another key. */
static int claim_of_key(claim_t *claim, const samlc_trust_t *trust,
                        const samlc_trust_entry_t *entry, const samlc_candidate_t *candidate)
{
    *claim = claim_of_entry(trust, entry);
    return samlc_key_equal(entry->key, candidate->key);
}

/* What the list claims for the certificate of a candidate; FALSE if it says nothing about it. */
static int claim_of_pin(claim_t *claim, const samlc_trust_t *trust,
                        const samlc_candidate_t *candidate)
{
    const samlc_pin_t *pin = NULL;

    if (trust->list == NULL || candidate->cert == NULL
        || (pin = samlc_signcerts_match(trust->list, candidate->cert)) == NULL) {
        return 0;
    }
    memset(claim, 0, sizeof(*claim));
    claim->mode = trust->list->ignore_trust ? SAMLC_MODE_PINNED : SAMLC_MODE_ANCHORED;
    claim->cert = candidate->cert;
    claim->key = candidate->key;
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
    claim->origin = "ANY-TRUSTED";
    claim->needs_chain = 1;
    claim->constraint = trust->settings->anchor_constraint;
    claim->expiry_default = SAMLC_EXPIRY_REJECT;
    return 1;
}

/* A retired certificate is refused whatever else speaks for it. */
static const samlc_trust_entry_t *find_retired(const samlc_trust_t *trust, const samlc_cert_t *cert)
{
    int i = 0;

    for (i = 0; cert != NULL && i < trust->entries->nelts; i++) {
        const samlc_trust_entry_t *entry = entry_at(trust, i);

        if (entry->slot == SAMLC_SLOT_RETIRED && samlc_cert_equal(entry->cert, cert)) {
            return entry;
        }
    }
    return NULL;
}

samlc_trust_verdict_t samlc_trust_judge(const samlc_trust_t *trust,
                                        const samlc_candidate_t *candidate, apr_time_t now,
                                        apr_pool_t *p)
{
    const samlc_trust_entry_t *retired = find_retired(trust, candidate->cert);
    samlc_trust_verdict_t first, v;
    claim_t claim;
    int i = 0;

    memset(&first, 0, sizeof(first));
    first.reason = SAMLC_REASON_CERT_NOT_LISTED;
    first.cert = candidate->cert;
    first.key = candidate->key;
    first.message = "nothing configured speaks for this key";
    if (retired != NULL) {
        claim = claim_of_entry(trust, retired);
        return judge_claim(trust, &claim, now, p);
    }
    /* What is on file first: it knows its slot. Then what the list says. */
    for (i = 0; i < trust->entries->nelts + 2; i++) {
        int applies = i < trust->entries->nelts
                          ? claim_of_key(&claim, trust, entry_at(trust, i), candidate)
                      : i == trust->entries->nelts ? claim_of_pin(&claim, trust, candidate)
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
