/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/difference.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/trust/crl.h"

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

static const char *const KIND_WORDS[] = {"came", "went", "moved", "changed"};

const char *samlc_difference_word(samlc_difference_kind_t kind)
{
    return (unsigned)kind < sizeof(KIND_WORDS) / sizeof(KIND_WORDS[0]) ? KIND_WORDS[kind] : "none";
}

/* "IdP corp: certificate 3f2a... (CN=idp, until 2027-01-01)", "IdP corp: setting ClockSkew". */
static const char *show_thing(const samlc_difference_t *d, apr_pool_t *p)
{
    const char *whose = d->idp      ? apr_pstrcat(p, "IdP ", d->idp, NULL)
                        : d->keyset ? apr_pstrcat(p, "our key set ", d->keyset, NULL)
                                    : "all IdPs";

    if (strcmp(d->what, "idp") == 0 || strcmp(d->what, "keyset") == 0) {
        return whose;
    }
    return apr_pstrcat(p, whose, ": ", d->what, d->name ? " " : "", d->name ? d->name : "",
                       d->fingerprint ? " " : "",
                       d->fingerprint ? head_of(d->fingerprint, p) : "",
                       d->subject ? apr_psprintf(p, " (%s, until %.10s)",
                                                 samlc_text_show(d->subject, p),
                                                 samlc_clock_format(d->not_after, p))
                                  : "",
                       NULL);
}

const char *samlc_difference_sentence(const samlc_difference_t *d, apr_pool_t *p)
{
    const char *thing = show_thing(d, p);

    switch (d->kind) {
    case SAMLC_DIFFERENCE_CAME:
        return apr_pstrcat(p, thing, " came", d->to ? " as " : "",
                           d->to ? samlc_text_show(d->to, p) : "", NULL);
    case SAMLC_DIFFERENCE_WENT:
        return apr_pstrcat(p, thing, " went", d->from ? ", was " : "",
                           d->from ? samlc_text_show(d->from, p) : "", NULL);
    case SAMLC_DIFFERENCE_MOVED:
    case SAMLC_DIFFERENCE_CHANGED:
        break;
    }
    return apr_pstrcat(p, thing, " ", samlc_difference_word(d->kind), " ",
                       samlc_text_show(d->from, p), " -> ", samlc_text_show(d->to, p), NULL);
}

/* --- what there is, as things to compare: its slot, role or value is in `to` --- */

typedef struct things_t {
    apr_array_header_t *all;     /* samlc_difference_t */
    const char *idp;
    const char *keyset;
    apr_pool_t *p;
} things_t;

static samlc_difference_t *add_thing(things_t *things, const char *what, const char *value)
{
    samlc_difference_t *d = apr_array_push(things->all);

    memset(d, 0, sizeof(*d));
    d->idp = things->idp;
    d->keyset = things->keyset;
    d->what = what;
    d->to = value;
    return d;
}

static void add_cert(things_t *things, const char *what, const samlc_cert_t *cert,
                     const char *value)
{
    samlc_difference_t *d = add_thing(things, what, value);

    d->fingerprint = samlc_cert_sha256_hex(cert);
    d->subject = samlc_cert_subject(cert);
    d->not_after = samlc_cert_not_after(cert);
}

static void add_value(things_t *things, const char *what, const char *name, const char *value)
{
    add_thing(things, what, value)->name = name;
}

static void add_entries(things_t *things, const samlc_trust_t *trust)
{
    const samlc_trust_entry_t *e = NULL;
    samlc_difference_t *d = NULL;
    int i = 0;

    for (i = 0; i < trust->entries->nelts; i++) {
        e = &APR_ARRAY_IDX(trust->entries, i, samlc_trust_entry_t);
        if (e->mode == SAMLC_MODE_ON_FILE) {
            add_cert(things, "certificate", e->cert, samlc_trust_slot_word(e->slot));
        }
        else if (e->cert) {
            add_cert(things, "metadata-key", e->cert, NULL);
        }
        else {
            d = add_thing(things, "metadata-key", NULL);
            d->fingerprint = samlc_text_hex(samlc_key_spki_sha256(e->key), SAMLC_SHA256_LEN,
                                            things->p);
        }
    }
}

/* The list asks for the same of all its pins. */
static void add_list(things_t *things, const samlc_signcerts_t *list)
{
    const samlc_pin_t *pin = NULL;
    samlc_difference_t *d = NULL;
    int i = 0;

    for (i = 0; list && i < list->pins->nelts; i++) {
        pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);
        d = add_thing(things, "pin",
                      samlc_trust_mode_word(list->ignore_trust ? SAMLC_MODE_PINNED
                                                               : SAMLC_MODE_ANCHORED));
        d->name = pin->is_spki ? "spki-sha256" : NULL;
        d->fingerprint = samlc_text_hex(pin->digest, pin->len, things->p);
    }
    if (list && list->any_trusted) {
        add_thing(things, "pin", NULL)->name = "ANY-TRUSTED";
    }
}

/* Where the generation comes from. */
static const char *dir_of(const samlc_snapshot_t *snapshot)
{
    const samlc_seen_t *seen = NULL;
    int i = 0;

    for (i = 0; i < snapshot->scan->seen->nelts; i++) {
        seen = &APR_ARRAY_IDX(snapshot->scan->seen, i, samlc_seen_t);
        if (strcmp(seen->name, ".") == 0) {
            return seen->path;
        }
    }
    return "";
}

/* Anchors, revocation lists and what else chains need: what is the IdP's own, or what is shared. */
static void add_chain(things_t *things, const samlc_snapshot_t *snapshot, const samlc_idp_t *idp)
{
    const samlc_chain_t *chain = idp->trust->chain;
    const apr_array_header_t *certs = samlc_chain_certs(chain);
    const apr_array_header_t *crls = samlc_chain_crls(chain);
    const char *own = apr_pstrcat(things->p, dir_of(snapshot), "/idp/", idp->name, "/", NULL);
    const samlc_cert_t *cert = NULL;
    const samlc_crl_t *crl = NULL;
    int wants_own = things->idp != NULL;
    int i = 0;

    for (i = 0; i < certs->nelts; i++) {
        cert = APR_ARRAY_IDX(certs, i, const samlc_cert_t *);
        if (wants_own == (strncmp(samlc_cert_origin(cert), own, strlen(own)) == 0)) {
            add_cert(things, samlc_chain_is_anchor(chain, cert) ? "anchor" : "intermediate", cert,
                     NULL);
        }
    }
    for (i = 0; i < crls->nelts; i++) {
        crl = &APR_ARRAY_IDX(crls, i, samlc_crl_t);
        if (wants_own == (strncmp(crl->origin, own, strlen(own)) == 0)) {
            add_thing(things, "crl", NULL)->fingerprint = crl->sha256_hex;
        }
    }
}

static const char *show_scopes(const samlc_metadata_t *metadata, apr_pool_t *p)
{
    const char *text = NULL;
    int i = 0;

    for (i = 0; i < metadata->scopes->nelts; i++) {
        text = apr_pstrcat(p, text ? text : "", text ? " " : "",
                           APR_ARRAY_IDX(metadata->scopes, i, samlc_scope_t).value, NULL);
    }
    return text;
}

static void add_metadata(things_t *things, const samlc_metadata_t *metadata)
{
    static const char what[] = "metadata";

    add_value(things, what, "validUntil",
              metadata && metadata->valid_until != 0
                  ? samlc_clock_format(metadata->valid_until, things->p)
                  : NULL);
    add_value(things, what, "scopes", metadata ? show_scopes(metadata, things->p) : NULL);
    add_value(things, what, "SingleLogoutService", metadata ? metadata->slo_redirect_url : NULL);
    add_value(things, what, "WantAuthnRequestsSigned",
              metadata && metadata->want_authn_requests_signed ? "true" : NULL);
}

/* The settings that are in force; SignCerts is shown pin by pin. */
static void add_settings(things_t *things, const samlc_idp_t *idp)
{
    const char *name = NULL;
    const char *value = NULL;
    int i = 0;

    for (i = 0; (name = samlc_settings_name(i)) != NULL; i++) {
        if (strcmp(name, "SignCerts") == 0) {
            continue;
        }
        value = strcmp(name, "EntityID") == 0 ? idp->entity_id
                : strcmp(name, "SSOUrl") == 0 ? idp->sso_url
                                              : samlc_settings_show(idp->settings, i, things->p);
        add_value(things, "setting", name, value);
    }
}

/* All of an IdP. Its settings are told only where there is something to compare them with. */
static void add_idp(things_t *things, const samlc_snapshot_t *snapshot, const samlc_idp_t *idp,
                    int is_compared)
{
    things->idp = idp->name;
    if (is_compared) {
        add_settings(things, idp);
        add_metadata(things, idp->metadata);
    }
    else {
        add_thing(things, "idp", idp->entity_id);
    }
    add_entries(things, idp->trust);
    add_list(things, idp->trust->list);
    add_chain(things, snapshot, idp);
}

static void add_keyset(things_t *things, const samlc_keyset_t *set)
{
    int role = 0;

    things->keyset = set->name;
    add_thing(things, "keyset", NULL);
    for (role = 0; role < SAMLC_OWN_COUNT; role++) {
        if (set->keys[role].cert) {
            add_cert(things, "own-key", set->keys[role].cert,
                     samlc_own_role_word((samlc_own_role_t)role));
        }
    }
}

/* --- comparing them --- */

static int is_same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static int is_same_thing(const samlc_difference_t *a, const samlc_difference_t *b)
{
    return is_same_text(a->what, b->what) && is_same_text(a->name, b->name)
           && is_same_text(a->fingerprint, b->fingerprint);
}

/* The first of `things` that is not used yet, is this thing and, if that counts, has its value. */
static int find_thing(const things_t *things, const char *used, const samlc_difference_t *d,
                      int with_value)
{
    const samlc_difference_t *other = NULL;
    int i = 0;

    for (i = 0; i < things->all->nelts; i++) {
        other = &APR_ARRAY_IDX(things->all, i, samlc_difference_t);
        if (!used[i] && is_same_thing(d, other)
            && (!with_value || is_same_text(d->to, other->to))) {
            return i;
        }
    }
    return -1;
}

/*
 * What is the same with the same value is no difference, what is left of the same has another value
 * or place, and the rest came or went.
 */
static void compare(apr_array_header_t *differences, const things_t *before, const things_t *after)
{
    char *was_used = apr_pcalloc(before->p, (apr_size_t)before->all->nelts + 1);
    char *is_used = apr_pcalloc(before->p, (apr_size_t)after->all->nelts + 1);
    const samlc_difference_t *old = NULL;
    samlc_difference_t *d = NULL;
    int with_value = 0, i = 0, k = 0;

    for (with_value = 1; with_value >= 0; with_value--) {
        for (i = 0; i < before->all->nelts; i++) {
            old = &APR_ARRAY_IDX(before->all, i, samlc_difference_t);
            k = was_used[i] ? -1 : find_thing(after, is_used, old, with_value);
            if (k < 0) {
                continue;
            }
            was_used[i] = is_used[k] = 1;
            if (!with_value) {
                d = apr_array_push(differences);
                *d = APR_ARRAY_IDX(after->all, k, samlc_difference_t);
                d->kind = d->fingerprint ? SAMLC_DIFFERENCE_MOVED : SAMLC_DIFFERENCE_CHANGED;
                d->from = old->to;
            }
        }
    }
    for (i = 0; i < before->all->nelts; i++) {
        if (!was_used[i]) {
            d = apr_array_push(differences);
            *d = APR_ARRAY_IDX(before->all, i, samlc_difference_t);
            d->kind = SAMLC_DIFFERENCE_WENT;
            d->from = d->to;
            d->to = NULL;
        }
    }
    for (k = 0; k < after->all->nelts; k++) {
        if (!is_used[k]) {
            APR_ARRAY_PUSH(differences, samlc_difference_t) =
                APR_ARRAY_IDX(after->all, k, samlc_difference_t);    /* CAME is zero */
        }
    }
}

static void start_things(things_t *things, apr_pool_t *p)
{
    memset(things, 0, sizeof(*things));
    things->p = p;
    things->all = apr_array_make(p, 16, sizeof(samlc_difference_t));
}

static const samlc_idp_t *idp_at(const samlc_snapshot_t *snapshot, int i)
{
    return i < snapshot->idps->nelts ? APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *) : NULL;
}

/* Every IdP has all that is shared. */
static void compare_shared(apr_array_header_t *differences, const samlc_snapshot_t *before,
                           const samlc_snapshot_t *after, apr_pool_t *p)
{
    things_t was, is;

    start_things(&was, p);
    start_things(&is, p);
    if (before->idps->nelts > 0 && after->idps->nelts > 0) {
        add_chain(&was, before, idp_at(before, 0));
        add_chain(&is, after, idp_at(after, 0));
        compare(differences, &was, &is);
    }
}

/* Both are sorted by name. */
static void compare_idps(apr_array_header_t *differences, const samlc_snapshot_t *before,
                         const samlc_snapshot_t *after, apr_pool_t *p)
{
    const samlc_idp_t *b = idp_at(before, 0);
    const samlc_idp_t *a = idp_at(after, 0);
    things_t was, is;
    int ib = 0, ia = 0, order = 0;

    while (b || a) {
        order = !b ? 1 : !a ? -1 : strcmp(b->name, a->name);
        start_things(&was, p);
        start_things(&is, p);
        if (order <= 0) {
            add_idp(&was, before, b, order == 0);
            b = idp_at(before, ++ib);
        }
        if (order >= 0) {
            add_idp(&is, after, a, order == 0);
            a = idp_at(after, ++ia);
        }
        compare(differences, &was, &is);
    }
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The names of the sets of both, each once. */
static apr_array_header_t *keyset_names(const samlc_snapshot_t *before,
                                        const samlc_snapshot_t *after, apr_pool_t *p)
{
    apr_hash_t *all = apr_hash_overlay(p, before->keysets, after->keysets);
    apr_array_header_t *names = apr_array_make(p, 4, sizeof(const char *));
    apr_hash_index_t *i = NULL;

    for (i = apr_hash_first(p, all); i; i = apr_hash_next(i)) {
        APR_ARRAY_PUSH(names, const char *) = apr_hash_this_key(i);
    }
    qsort(names->elts, (size_t)names->nelts, sizeof(const char *), compare_names);
    return names;
}

static void compare_keysets(apr_array_header_t *differences, const samlc_snapshot_t *before,
                            const samlc_snapshot_t *after, apr_pool_t *p)
{
    const apr_array_header_t *names = keyset_names(before, after, p);
    const samlc_keyset_t *b = NULL, *a = NULL;
    things_t was, is;
    int i = 0;

    for (i = 0; i < names->nelts; i++) {
        b = samlc_snapshot_keyset(before, APR_ARRAY_IDX(names, i, const char *));
        a = samlc_snapshot_keyset(after, APR_ARRAY_IDX(names, i, const char *));
        start_things(&was, p);
        start_things(&is, p);
        if (b) {
            add_keyset(&was, b);
        }
        if (a) {
            add_keyset(&is, a);
        }
        compare(differences, &was, &is);
    }
}

apr_array_header_t *samlc_difference_make(const samlc_snapshot_t *before,
                                          const samlc_snapshot_t *after, apr_pool_t *p)
{
    apr_array_header_t *differences = apr_array_make(p, 8, sizeof(samlc_difference_t));

    compare_shared(differences, before, after, p);
    compare_idps(differences, before, after, p);
    compare_keysets(differences, before, after, p);
    return differences;
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
    samlc_candidate_t candidate = {key->cert, key->key, key->verifier, 1, NULL};
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
