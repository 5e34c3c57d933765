/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/idp.h"

#include <string.h>

#include <apr_strings.h>

#include "core/base/clock.h"
#include "core/trust/signcerts.h"

/* What a build works with. */
typedef struct build_t {
    const samlc_idp_material_t *material;
    samlc_idp_t *idp;
    samlc_trust_t *trust;
    apr_array_header_t *entries;
    apr_time_t now;
    apr_array_header_t *warnings;
    samlc_result_t *res;
    apr_pool_t *p;
} build_t;

static apr_status_t invalid(build_t *b, const char *what)
{
    return samlc_result_fail(b->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "IdP %s: %s",
                             b->material->name, what);
}

static void warn(build_t *b, const char *what)
{
    APR_ARRAY_PUSH(b->warnings, const char *) =
        apr_psprintf(b->p, "IdP %s: %s", b->material->name, what);
}

static apr_status_t read_metadata(build_t *b)
{
    const samlc_settings_t *settings = b->material->settings;
    samlc_metadata_t *metadata = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    b->idp->entity_id = settings->entity_id;
    if (b->material->metadata == NULL) {
        return settings->entity_id != NULL
                   ? APR_SUCCESS
                   : samlc_result_fail(
                       b->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                       "%s: IdP %s has no EntityID: add `EntityID URI`, or metadata "
                       "that says it",
                       b->material->origin, b->material->name);
    }
    rv = samlc_metadata_parse(&metadata, b->material->metadata, settings->entity_id, b->res, b->p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (metadata->keys->nelts == 0) {
        return invalid(b, apr_psprintf(b->p, "%s has no signing key",
                                       b->material->metadata->origin));
    }
    for (i = 0; i < metadata->warnings->nelts; i++) {
        warn(b, APR_ARRAY_IDX(metadata->warnings, i, const char *));
    }
    for (i = 0; i < metadata->keys->nelts; i++) {
        const samlc_metadata_key_t *key = &APR_ARRAY_IDX(metadata->keys, i, samlc_metadata_key_t);

        samlc_trust_add(b->entries, SAMLC_MODE_METADATA, SAMLC_SLOT_NONE, key->cert, key->key,
                        b->material->metadata->origin, b->p);
    }
    b->trust->metadata_valid_until = metadata->valid_until;
    if (metadata->valid_until != 0 && b->now >= metadata->valid_until) {
        warn(b, apr_psprintf(b->p, "%s was valid until %s: its keys are not trusted any more",
                             b->material->metadata->origin,
                             samlc_clock_format(metadata->valid_until, b->p)));
    }
    b->idp->metadata = metadata;
    b->idp->entity_id = metadata->entity_id;
    return APR_SUCCESS;
}

static void add_slots(build_t *b)
{
    int i = 0;

    for (i = 0; i < b->material->slots->nelts; i++) {
        const samlc_idp_slot_t *s = &APR_ARRAY_IDX(b->material->slots, i, samlc_idp_slot_t);

        samlc_trust_add(b->entries, SAMLC_MODE_ON_FILE, s->slot, s->cert, samlc_cert_key(s->cert),
                        s->origin, b->p)
            ->place = s->place;
    }
}

static apr_status_t read_list(build_t *b)
{
    const samlc_settings_t *settings = b->material->settings;
    samlc_signcerts_t *list = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (settings->sign_certs == NULL) {
        return APR_SUCCESS;
    }
    rv = b->material->sign_certs_file != NULL
             ? samlc_signcerts_parse_file(&list, b->material->sign_certs_file, b->res, b->p)
             : samlc_signcerts_parse(&list, settings->sign_certs, settings->sign_certs_origin,
                                     b->res, b->p);
    if (rv == APR_SUCCESS) {
        b->trust->list = list;
        b->trust->known = samlc_known_make(list, b->p);
    }
    return rv;
}

/* The trust store, as these settings have it. */
static apr_status_t make_chain(samlc_chain_t **chain, build_t *b, const samlc_settings_t *settings)
{
    samlc_chain_source_t source;
    apr_status_t rv = APR_EGENERAL;

    source.roots = b->material->roots;
    source.intermediates = b->material->intermediates;
    source.crls = b->material->crls;
    source.use_system_roots = settings->use_system_roots;
    source.crl_check = (samlc_crl_check_t)settings->crl_check;
    source.conflict = (samlc_conflict_t)settings->cert_conflict;
    source.crl_grace = settings->crl_grace;
    rv = samlc_chain_make(chain, &source, b->res, b->p);
    if (rv != APR_SUCCESS) {
        samlc_result_prefix(b->res, apr_psprintf(b->p, "IdP %s", b->material->name));
    }
    return rv;
}

static apr_status_t build_chain(build_t *b)
{
    samlc_chain_t *chain = NULL;
    apr_status_t rv = make_chain(&chain, b, b->material->settings);

    b->trust->chain = chain;
    return rv;
}

/* The rule that is tried out: all as it is, but for these settings and what follows from them. */
static apr_status_t build_report_only(build_t *b)
{
    samlc_settings_t *settings = NULL;
    samlc_chain_t *chain = NULL;
    samlc_trust_t *stricter = NULL;
    apr_status_t rv = samlc_settings_stricter(&settings, b->material->settings, b->res, b->p);

    if (rv == APR_SUCCESS && settings != NULL) {
        rv = make_chain(&chain, b, settings);
    }
    if (rv != APR_SUCCESS || settings == NULL) {
        return rv;
    }
    stricter = apr_pmemdup(b->p, b->trust, sizeof(*stricter));
    stricter->settings = settings;
    stricter->chain = chain;
    b->trust->report_only = stricter;
    return APR_SUCCESS;
}

static apr_status_t compile_filter(build_t *b)
{
    const char *filter = b->material->settings->user_filter;
    regex_t *compiled = NULL;

    if (filter == NULL) {
        return APR_SUCCESS;
    }
    compiled = apr_pcalloc(b->p, sizeof(*compiled));
    if (regcomp(compiled, filter, REG_EXTENDED | REG_NOSUB) != 0) {
        return invalid(b, "UserFilter is no POSIX extended regular expression");
    }
    apr_pool_cleanup_register(b->p, compiled, (apr_status_t(*)(void *))(void (*)(void))regfree,
                              apr_pool_cleanup_null);
    b->idp->user_filter = compiled;
    return APR_SUCCESS;
}

/* TRUE if a login may depend on a chain. */
static int asks_for_chains(const build_t *b)
{
    const samlc_signcerts_t *list = b->trust->list;

    return (list != NULL && !list->ignore_trust)
           || (b->material->settings->validate_chain && b->entries->nelts > 0);
}

/* What is wrong with the trust store, and whether logins depend on it. */
static void foresee_chains(build_t *b)
{
    const apr_array_header_t *conflicts = samlc_chain_conflicts(b->trust->chain);
    const apr_array_header_t *lists = NULL;
    int i = 0;

    for (i = 0; i < conflicts->nelts; i++) {
        warn(b, apr_pstrcat(b->p, APR_ARRAY_IDX(conflicts, i, const char *),
                            asks_for_chains(b)
                                ? "; logins whose chain has one of them will be refused"
                                  " (cert-conflict)"
                                : "; nothing here asks for a chain, so no login depends on it",
                            NULL));
    }
    if (asks_for_chains(b)) {
        lists = samlc_chain_foresee(b->trust->chain, b->now, b->p);
        for (i = 0; i < lists->nelts; i++) {
            warn(b, APR_ARRAY_IDX(lists, i, const char *));
        }
    }
}

/* A key that signatures are not verified with, whatever makes it trusted. */
static int foresee_weak_key(build_t *b, const samlc_trust_entry_t *entry)
{
    const char *type = samlc_key_type(entry->key);
    const char *whose = entry->cert == NULL
                            ? "a bare key"
                            : samlc_text_show(samlc_cert_subject(entry->cert), b->p);
    int bits = samlc_key_bits(entry->key), least = b->material->settings->min_rsa_bits;

    if (strncmp(type, "RSA", 3) == 0 && bits < least) {
        warn(b, apr_psprintf(b->p, "logins will be refused: the key of %s (%s) has %d bits, and"
                             " MinRSABits is %d (key-too-small)", whose, entry->origin, bits,
                             least));
        return 1;
    }
    if (strcmp(type, "EC") == 0 && bits < SAMLC_MIN_EC_BITS) {
        warn(b, apr_psprintf(b->p, "logins will be refused: the curve of the key of %s (%s) has %d"
                             " bits; P-256 or a larger one is needed (key-too-small)", whose,
                             entry->origin, bits));
        return 1;
    }
    return 0;
}

static void foresee_entry(build_t *b, const samlc_trust_entry_t *entry)
{
    const samlc_candidate_t candidate = { entry->cert, entry->key, entry->verifier, 1, NULL };
    samlc_trust_verdict_t v;

    if (entry->slot == SAMLC_SLOT_RETIRED || foresee_weak_key(b, entry)) {
        return;
    }
    v = samlc_trust_judge(b->trust, &candidate, b->now, b->p);
    if (!v.is_trusted || v.warning != NULL) {
        warn(b, apr_psprintf(b->p, "%s%s (%s)", v.is_trusted ? "" : "logins will be refused: ",
                             v.is_trusted ? v.warning : v.message,
                             v.is_trusted ? entry->origin : samlc_reason_word(v.reason)));
    }
}

/* A pin of a key whose certificate was retired: which of the two is meant? */
static void foresee_retired_pin(build_t *b, const samlc_pin_t *pin)
{
    int i = 0;

    for (i = 0; pin->is_spki && i < b->entries->nelts; i++) {
        const samlc_trust_entry_t *entry = &APR_ARRAY_IDX(b->entries, i, samlc_trust_entry_t);

        if (entry->slot == SAMLC_SLOT_RETIRED
            && memcmp(samlc_key_spki_sha256(entry->key), pin->digest, SAMLC_SHA256_LEN) == 0) {
            warn(b, apr_psprintf(b->p, "%s: a pin of the key of %s, which is retired: it trusts"
                                 " nothing; pin the new certificate instead (cert-retired)",
                                 pin->origin, entry->origin));
        }
    }
}

/* What the files say about logins to come, told now and not first at a login. */
static void foresee(build_t *b)
{
    const samlc_signcerts_t *list = b->trust->list;
    const apr_array_header_t *weak = samlc_settings_warnings(b->material->settings, b->p);
    int i = 0;

    foresee_chains(b);
    for (i = 0; i < weak->nelts; i++) {
        warn(b, APR_ARRAY_IDX(weak, i, const char *));
    }
    if (b->entries->nelts == 0 && list == NULL) {
        warn(b, "nothing is trusted, every login will be refused (no-trust-configured)");
    }
    if (list != NULL && list->any_trusted) {
        warn(b, "ANY-TRUSTED accepts every certificate that chains to the roots");
    }
    if (list != NULL && !list->ignore_trust && b->material->roots->nelts == 0
        && !b->material->settings->use_system_roots) {
        warn(b, "SignCerts without CERT_VALIDATION:IGNORE_TRUST asks for a chain, and there are no "
                "roots: what it lists will be refused");
    }
    for (i = 0; list != NULL && i < list->pins->nelts; i++) {
        const samlc_pin_t *pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);

        if (pin->len == 20) {
            warn(b, apr_psprintf(b->p, "%s: a SHA-1 fingerprint; SHA-256 is better", pin->origin));
        }
        foresee_retired_pin(b, pin);
    }
    for (i = 0; i < b->entries->nelts; i++) {
        foresee_entry(b, &APR_ARRAY_IDX(b->entries, i, samlc_trust_entry_t));
    }
}

apr_status_t samlc_idp_build(samlc_idp_t **idp, const samlc_idp_material_t *material,
                             apr_time_t now, apr_array_header_t *warnings, samlc_result_t *res,
                             apr_pool_t *p)
{
    const samlc_settings_t *settings = material->settings;
    build_t b = { material, apr_pcalloc(p, sizeof(samlc_idp_t)),
                  apr_pcalloc(p, sizeof(samlc_trust_t)),
                  apr_array_make(p, 4, sizeof(samlc_trust_entry_t)), now, warnings, res, p };
    samlc_algorithms_t *allowed = b.idp->signature_policy.allowed;
    apr_status_t rv = APR_EGENERAL;

    *idp = NULL;
    b.idp->name = material->name;
    b.idp->settings = settings;
    b.idp->watch = material->watch;
    b.idp->trust = b.trust;
    b.trust->settings = settings;
    b.trust->entries = b.entries;
    allowed[SAMLC_ALGORITHM_SIGNATURE] = settings->signature_algorithms;
    allowed[SAMLC_ALGORITHM_DIGEST] = settings->digest_algorithms;
    allowed[SAMLC_ALGORITHM_C14N] = settings->c14n_algorithms;
    b.idp->signature_policy.min_rsa_bits = settings->min_rsa_bits;
    add_slots(&b);
    rv = read_metadata(&b);
    if (rv == APR_SUCCESS) {
        rv = read_list(&b);
    }
    if (rv == APR_SUCCESS) {
        rv = build_chain(&b);
    }
    if (rv == APR_SUCCESS) {
        rv = build_report_only(&b);
    }
    if (rv == APR_SUCCESS) {
        rv = compile_filter(&b);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    b.idp->sso_url = settings->sso_url != NULL ? settings->sso_url
                     : b.idp->metadata != NULL ? b.idp->metadata->sso_redirect_url
                                               : NULL;
    foresee(&b);
    *idp = b.idp;
    return APR_SUCCESS;
}
