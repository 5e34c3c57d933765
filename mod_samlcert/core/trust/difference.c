/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/difference.h"

#include <apr_strings.h>
#include <string.h>

#include "core/base/clock.h"

#define SHOWN_DIGITS 16   /* of a fingerprint, enough to tell certificates apart */
#define SHOWN_KEYS 3      /* in one sentence */

/* --- words --- */

static const char *head_of(const char *hex, apr_pool_t *p)
{
    return apr_pstrndup(p, hex, SHOWN_DIGITS);
}

/* "certificate 3f2a... (CN=idp, until 2027-01-01)", with `note` first in the parentheses. */
static const char *show_cert(const char *what, const samlc_cert_t *cert, const char *note,
                             apr_pool_t *p)
{
    return apr_psprintf(p, "%s %s (%s%s%s, until %.10s)", what,
                        head_of(samlc_cert_sha256_hex(cert), p), note ? note : "",
                        note ? ", " : "", samlc_text_show(samlc_cert_subject(cert), p),
                        samlc_clock_format(samlc_cert_not_after(cert), p));
}

/* --- what makes logins of an IdP succeed --- */

/* One of them: the others are NULL. All are NULL for ANY-TRUSTED by the CAs of the system. */
typedef struct means_t {
    const samlc_trust_entry_t *entry;
    const samlc_pin_t *pin;
    const samlc_cert_t *anchor;    /* of ANY-TRUSTED */
} means_t;

static const samlc_trust_entry_t *entry_at(const samlc_idp_t *idp, int i)
{
    return &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);
}

/* TRUE if signatures of this key would be accepted. */
static int is_accepted(const samlc_idp_t *idp, const samlc_trust_entry_t *key, apr_time_t now,
                       apr_pool_t *p)
{
    samlc_candidate_t candidate = {key->cert, key->key, key->verifier, 1};
    samlc_algorithms_t allowed = idp->signature_policy.allowed[SAMLC_ALGORITHM_SIGNATURE];
    const samlc_algorithm_t *method = NULL;
    samlc_result_t *res = samlc_result_make(p);
    int i = 0;

    if (!samlc_trust_judge(idp->trust, &candidate, now, p).is_trusted) {
        return 0;
    }
    while ((method = samlc_algorithm_at(SAMLC_ALGORITHM_SIGNATURE, i++)) != NULL) {
        if (samlc_algorithms_has(allowed, method)
            && samlc_verifier_suits(key->verifier, method, &idp->signature_policy, res)) {
            return 1;
        }
    }
    return 0;
}

static int has_anchor(const samlc_idp_t *idp)
{
    const apr_array_header_t *certs = samlc_chain_certs(idp->trust->chain);
    int i = 0;

    for (i = 0; i < certs->nelts; i++) {
        if (samlc_chain_is_anchor(idp->trust->chain,
                                  APR_ARRAY_IDX(certs, i, const samlc_cert_t *))) {
            return 1;
        }
    }
    return idp->settings->use_system_roots;
}

static void add_pins(apr_array_header_t *all, const samlc_idp_t *idp)
{
    const samlc_signcerts_t *list = idp->trust->list;
    int i = 0;

    for (i = 0; list && i < list->pins->nelts && (list->ignore_trust || has_anchor(idp)); i++) {
        ((means_t *)apr_array_push(all))->pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);
    }
}

static void add_anchors(apr_array_header_t *all, const samlc_idp_t *idp)
{
    const apr_array_header_t *certs = samlc_chain_certs(idp->trust->chain);
    const samlc_cert_t *cert = NULL;
    int i = 0;

    if (!idp->trust->list || !idp->trust->list->any_trusted) {
        return;
    }
    if (idp->settings->use_system_roots) {
        memset(apr_array_push(all), 0, sizeof(means_t));
    }
    for (i = 0; i < certs->nelts; i++) {
        cert = APR_ARRAY_IDX(certs, i, const samlc_cert_t *);
        if (samlc_chain_is_anchor(idp->trust->chain, cert)) {
            ((means_t *)apr_array_push(all))->anchor = cert;
        }
    }
}

/* All of them (means_t). A certificate that only a pin knows can't be judged: the pin counts. */
static apr_array_header_t *means_of(const samlc_idp_t *idp, apr_time_t now, apr_pool_t *p)
{
    apr_array_header_t *all = apr_array_make(p, 4, sizeof(means_t));
    int i = 0;

    for (i = 0; i < idp->trust->entries->nelts; i++) {
        if (is_accepted(idp, entry_at(idp, i), now, p)) {
            ((means_t *)apr_array_push(all))->entry = entry_at(idp, i);
        }
    }
    add_pins(all, idp);
    add_anchors(all, idp);
    return all;
}

static int is_same_pin(const samlc_pin_t *a, const samlc_pin_t *b)
{
    return a->is_spki == b->is_spki && a->len == b->len
           && memcmp(a->digest, b->digest, a->len) == 0;
}

/* TRUE if the certificate of the pin, whichever that is, is among `has` of the same IdP later. */
static int is_pin_kept(const samlc_idp_t *before, const samlc_pin_t *pin,
                       const apr_array_header_t *has)
{
    const means_t *m = NULL;
    int i = 0;

    for (i = 0; i < has->nelts; i++) {
        m = &APR_ARRAY_IDX(has, i, means_t);
        if ((m->pin && is_same_pin(m->pin, pin))
            || (m->entry && m->entry->cert
                && samlc_signcerts_match(before->trust->list, m->entry->cert) == pin)) {
            return 1;
        }
    }
    return 0;
}

/* NULL: those of the system. */
static int is_anchor_kept(const samlc_cert_t *anchor, const apr_array_header_t *has)
{
    const means_t *m = NULL;
    int i = 0;

    for (i = 0; i < has->nelts; i++) {
        m = &APR_ARRAY_IDX(has, i, means_t);
        if (!m->entry && !m->pin
            && (anchor ? m->anchor && samlc_cert_equal(m->anchor, anchor) : !m->anchor)) {
            return 1;
        }
    }
    return 0;
}

/* TRUE if one of `had` still makes logins of `after` succeed, by whatever means. */
static int is_any_kept(const samlc_idp_t *before, const apr_array_header_t *had,
                       const samlc_idp_t *after, const apr_array_header_t *has, apr_time_t now,
                       apr_pool_t *p)
{
    const means_t *m = NULL;
    int i = 0;

    for (i = 0; i < had->nelts; i++) {
        m = &APR_ARRAY_IDX(had, i, means_t);
        if (m->entry    ? is_accepted(after, m->entry, now, p)
            : m->pin    ? is_pin_kept(before, m->pin, has)
                        : is_anchor_kept(m->anchor, has)) {
            return 1;
        }
    }
    return 0;
}

/* --- what would be lost --- */

static const char *show_means(const means_t *m, apr_pool_t *p)
{
    const unsigned char *spki = NULL;

    if (m->anchor) {
        return show_cert("anchor", m->anchor, NULL, p);
    }
    if (m->pin) {
        return apr_psprintf(p, "pin %s%s (%s)", m->pin->is_spki ? "spki-sha256:" : "",
                            head_of(samlc_text_hex(m->pin->digest, m->pin->len, p), p),
                            samlc_text_show(m->pin->origin, p));
    }
    if (m->entry && m->entry->cert) {
        return show_cert("certificate", m->entry->cert,
                         m->entry->mode == SAMLC_MODE_METADATA
                             ? samlc_trust_mode_word(m->entry->mode)
                             : samlc_trust_slot_word(m->entry->slot),
                         p);
    }
    if (!m->entry) {
        return "the CAs of the system";
    }
    spki = samlc_key_spki_sha256(m->entry->key);
    return apr_psprintf(p, "bare key %s (metadata)",
                        head_of(samlc_text_hex(spki, SAMLC_SHA256_LEN, p), p));
}

/* "A", "A, B", "A, B, C and 4 more". */
static const char *show_all(const apr_array_header_t *all, apr_pool_t *p)
{
    const char *text = "";
    int i = 0;

    for (i = 0; i < all->nelts && i < SHOWN_KEYS; i++) {
        text = apr_pstrcat(p, text, i > 0 ? ", " : "",
                           show_means(&APR_ARRAY_IDX(all, i, means_t), p), NULL);
    }
    return all->nelts <= SHOWN_KEYS
               ? text
               : apr_psprintf(p, "%s and %d more", text, all->nelts - SHOWN_KEYS);
}

/* What is lost of one IdP; NULL if nothing is. */
static const char *loss_of_idp(const samlc_idp_t *before, const samlc_snapshot_t *snapshot,
                               apr_time_t now, apr_pool_t *p)
{
    const samlc_idp_t *after = samlc_snapshot_idp_by_entity(snapshot, before->entity_id);
    const apr_array_header_t *had = means_of(before, now, p);
    const apr_array_header_t *has = NULL;

    if (had->nelts == 0 || before->settings->status != SAMLC_STATUS_ACTIVE) {
        return NULL;
    }
    if (!after) {
        return apr_psprintf(p, "IdP %s goes (%s), and with it its last usable key: %s",
                            before->name, samlc_text_show(before->entity_id, p), show_all(had, p));
    }
    has = means_of(after, now, p);
    if (has->nelts == 0) {
        return apr_psprintf(p, "IdP %s loses its last usable key: %s", before->name,
                            show_all(had, p));
    }
    if (!is_any_kept(before, had, after, has, now, p)) {
        return apr_psprintf(p, "IdP %s loses all its keys at once: %s; what comes instead is %s",
                            before->name, show_all(had, p), show_all(has, p));
    }
    return NULL;
}

/* Sets are told by name and loaded with an active key or not at all. */
static void add_lost_keysets(apr_array_header_t *losses, const samlc_snapshot_t *before,
                             const samlc_snapshot_t *after, apr_pool_t *p)
{
    apr_hash_index_t *i = NULL;
    const samlc_keyset_t *set = NULL;

    for (i = apr_hash_first(p, before->keysets); i; i = apr_hash_next(i)) {
        set = apr_hash_this_val(i);
        if (!samlc_snapshot_keyset(after, set->name)) {
            APR_ARRAY_PUSH(losses, const char *) =
                apr_psprintf(p, "our key set %s loses its active key: %s", set->name,
                             show_cert("certificate", set->keys[SAMLC_OWN_ACTIVE].cert, NULL, p));
        }
    }
}

apr_array_header_t *samlc_difference_losses(const samlc_snapshot_t *before,
                                            const samlc_snapshot_t *after, apr_time_t now,
                                            apr_pool_t *p)
{
    apr_array_header_t *losses = apr_array_make(p, 1, sizeof(const char *));
    apr_pool_t *scratch = NULL;
    const char *loss = NULL;
    int i = 0;

    if (!before) {
        return losses;
    }
    apr_pool_create(&scratch, p);
    for (i = 0; i < before->idps->nelts; i++) {
        apr_pool_clear(scratch);
        loss = loss_of_idp(APR_ARRAY_IDX(before->idps, i, const samlc_idp_t *), after, now,
                           scratch);
        if (loss) {
            APR_ARRAY_PUSH(losses, const char *) = apr_pstrdup(p, loss);
        }
    }
    apr_pool_destroy(scratch);
    add_lost_keysets(losses, before, after, p);
    return losses;
}
