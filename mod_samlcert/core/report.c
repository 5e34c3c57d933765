/* SPDX-License-Identifier: Apache-2.0 */
#include "core/report.h"

#include <apr_strings.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/history/difference.h"
#include "core/trust/moves.h"

/*
 * A string; null for NULL. What is not UTF-8 (a path, a name in an odd certificate) is escaped:
 * jansson would drop the member.
 */
static json_t *text(const char *s, apr_pool_t *p)
{
    json_t *json = NULL;

    if (!s) {
        return json_null();
    }
    json = json_string(s);
    return json ? json : json_string(samlc_text_show(s, p));
}

/* A time in RFC 3339; null for 0, which means none everywhere here. */
static json_t *instant(apr_time_t t, apr_pool_t *p)
{
    return t == 0 ? json_null() : text(samlc_clock_format(t, p), p);
}

static json_t *number(apr_uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *strings(const apr_array_header_t *array, apr_pool_t *p)
{
    json_t *json = json_array();
    int i = 0;

    for (i = 0; array && i < array->nelts; i++) {
        json_array_append_new(json, text(APR_ARRAY_IDX(array, i, const char *), p));
    }
    return json;
}

/*
 * The document as text; takes `json` over. ASCII alone, because much in it comes from outside and
 * people look at it in terminals. "null" if memory ran out: no reader takes that for good news.
 */
static const char *document(json_t *json, apr_pool_t *p)
{
    char *dump = json_dumps(json, JSON_INDENT(2) | JSON_ENSURE_ASCII);
    const char *out = apr_pstrcat(p, dump ? dump : "null", "\n", NULL);

    free(dump);
    json_decref(json);
    return out;
}

/* Certificates */

static void put_key(json_t *json, const samlc_key_t *key, apr_pool_t *p)
{
    const unsigned char *spki = samlc_key_spki_sha256(key);

    json_object_set_new(json, "spki_sha256", text(samlc_text_hex(spki, SAMLC_SHA256_LEN, p), p));
    json_object_set_new(json, "key_type", text(samlc_key_type(key), p));
    json_object_set_new(json, "key_bits", json_integer(samlc_key_bits(key)));
}

/* What is said of a certificate in every list; of a bare key (`cert` NULL) mostly nulls. */
static json_t *particulars(const samlc_cert_t *cert, const samlc_key_t *key, apr_time_t now,
                           apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "sha256", text(cert ? samlc_cert_sha256_hex(cert) : NULL, p));
    json_object_set_new(json, "subject", text(cert ? samlc_cert_subject(cert) : NULL, p));
    json_object_set_new(json, "issuer", text(cert ? samlc_cert_issuer(cert) : NULL, p));
    json_object_set_new(json, "serial", text(cert ? samlc_cert_serial(cert, p) : NULL, p));
    json_object_set_new(json, "not_before", instant(cert ? samlc_cert_not_before(cert) : 0, p));
    json_object_set_new(json, "not_after", instant(cert ? samlc_cert_not_after(cert) : 0, p));
    json_object_set_new(json, "days_left",
                        cert ? json_integer(samlc_cert_days_left(cert, now)) : json_null());
    put_key(json, key, p);
    return json;
}

static json_t *inspected(const samlc_cert_t *cert, apr_time_t now, apr_pool_t *p)
{
    const samlc_key_t *key = samlc_cert_key(cert);
    const unsigned char *spki = samlc_key_spki_sha256(key);
    json_t *json = particulars(cert, key, now, p);

    json_object_set_new(json, "sha1", text(samlc_cert_fingerprint(cert, EVP_sha1(), p), p));
    json_object_set_new(json, "sha384", text(samlc_cert_fingerprint(cert, EVP_sha384(), p), p));
    json_object_set_new(json, "sha512", text(samlc_cert_fingerprint(cert, EVP_sha512(), p), p));
    json_object_set_new(json, "spki_sha256_base64",
                        text(samlc_text_base64(spki, SAMLC_SHA256_LEN, p), p));
    json_object_set_new(json, "self_signed", json_boolean(samlc_cert_is_self_signed(cert)));
    json_object_set_new(json, "source", text(samlc_cert_origin(cert), p));
    return json;
}

const char *samlc_report_certs(const apr_array_header_t *certs, apr_time_t now, apr_pool_t *p)
{
    json_t *json = json_array();
    const samlc_cert_t *cert = NULL;
    int i = 0;

    for (i = 0; i < certs->nelts; i++) {
        cert = APR_ARRAY_IDX(certs, i, const samlc_cert_t *);
        json_array_append_new(json, inspected(cert, now, p));
    }
    return document(json, p);
}

const char *samlc_report_unlisted(const apr_array_header_t *list, apr_time_t now, apr_pool_t *p)
{
    json_t *json = json_array();
    json_t *entry = NULL;
    int i = 0;

    for (i = 0; i < list->nelts; i++) {
        const samlc_unlisted_t *u = &APR_ARRAY_IDX(list, i, samlc_unlisted_t);

        entry = inspected(u->cert, now, p);
        json_object_set_new(entry, "idp", text(u->idp, p));
        json_object_set_new(entry, "first_seen", text(u->first_seen, p));
        json_object_set_new(entry, "last_seen", text(u->last_seen, p));
        json_object_set_new(entry, "chain", text(u->chain, p));
        json_object_set_new(entry, "pem", text(samlc_cert_pem(u->cert, p), p));
        json_array_append_new(json, entry);
    }
    return document(json, p);
}

/* Verdicts */

static json_t *attributes(const samlc_session_t *session, apr_pool_t *p)
{
    json_t *json = json_object();
    const samlc_attribute_t *attribute = NULL;
    json_t *values = NULL;
    json_t *earlier = NULL;
    int i = 0;

    for (i = 0; session->attributes && i < session->attributes->nelts; i++) {
        attribute = &APR_ARRAY_IDX(session->attributes, i, samlc_attribute_t);
        values = strings(attribute->values, p);
        earlier = json_object_get(json, attribute->name);
        if (earlier) {   /* an IdP may spread an attribute over several elements */
            json_array_extend(earlier, values);
            json_decref(values);
        }
        else {
            json_object_set_new(json, attribute->name, values);
        }
    }
    return json;
}

static json_t *name_id(const samlc_session_t *session, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "value", text(session->name_id, p));
    json_object_set_new(json, "format", text(session->name_id_format, p));
    return json;
}

/* The certificate that vouched or was refused; null while none was looked at. */
static json_t *vouching(const samlc_trust_verdict_t *trust, apr_pool_t *p)
{
    const samlc_cert_t *cert = trust->cert;
    json_t *json = NULL;

    if (!cert && trust->reason == SAMLC_REASON_UNDECIDED) {
        return json_null();
    }
    json = json_object();
    json_object_set_new(json, "sha256", text(cert ? samlc_cert_sha256_hex(cert) : NULL, p));
    json_object_set_new(json, "subject", text(cert ? samlc_cert_subject(cert) : NULL, p));
    json_object_set_new(json, "not_after", instant(cert ? samlc_cert_not_after(cert) : 0, p));
    json_object_set_new(json, "slot", text(samlc_trust_slot_word(trust->slot), p));
    json_object_set_new(json, "mode", text(samlc_trust_mode_word(trust->mode), p));
    return json;
}

static json_t *step(const char *name, const char *outcome, const char *detail, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "step", text(name, p));
    json_object_set_new(json, "outcome", text(outcome, p));
    json_object_set_new(json, "detail", text(detail, p));
    return json;
}

static json_t *steps(const apr_array_header_t *array, apr_pool_t *p)
{
    json_t *json = json_array();
    const samlc_step_t *s = NULL;
    int i = 0;

    for (i = 0; array && i < array->nelts; i++) {
        s = &APR_ARRAY_IDX(array, i, samlc_step_t);
        json_array_append_new(json, step(s->step, s->outcome, s->detail, p));
    }
    return json;
}

static const char *verdict_document(const char *word, const samlc_verdict_t *verdict, apr_pool_t *p)
{
    const samlc_session_t *session = verdict->claims ? &verdict->claims->session : NULL;
    json_t *json = json_object();

    json_object_set_new(json, "verdict", text(word, p));
    json_object_set_new(json, "code", text(samlc_reason_word(verdict->reason), p));
    json_object_set_new(json, "message", text(verdict->message, p));
    json_object_set_new(json, "idp", text(verdict->idp ? verdict->idp->name : NULL, p));
    json_object_set_new(json, "name_id", session ? name_id(session, p) : json_null());
    json_object_set_new(json, "attributes", session ? attributes(session, p) : json_object());
    json_object_set_new(json, "certificate", vouching(&verdict->trust, p));
    json_object_set_new(json, "steps", steps(verdict->steps, p));
    return document(json, p);
}

const char *samlc_report_verdict(const samlc_verdict_t *verdict, apr_pool_t *p)
{
    samlc_verdict_t shown = *verdict;
    int accepted = verdict->outcome == SAMLC_ACCEPTED && verdict->claims;

    shown.claims = accepted ? verdict->claims : NULL;
    return verdict_document(accepted ? "accepted" : "refused", &shown, p);
}

const char *samlc_report_unread(const char *word, const samlc_result_t *res, apr_pool_t *p)
{
    samlc_verdict_t verdict = {0};
    samlc_step_t *only = NULL;

    verdict.reason = res->reason;
    verdict.message = res->message;
    verdict.steps = apr_array_make(p, 1, sizeof(samlc_step_t));
    only = apr_array_push(verdict.steps);
    only->step = "read";
    only->outcome = "failed";
    only->detail = res->message;
    return verdict_document(word, &verdict, p);
}

/* The trust that is configured */

const char *samlc_report_pin_kind(const samlc_pin_t *pin)
{
    if (pin->is_spki) {
        return "spki-sha256";
    }
    switch (pin->len) {
    case 20:
        return "sha1";
    case 32:
        return "sha256";
    case 48:
        return "sha384";
    case 64:
        return "sha512";
    default:
        return "unknown";
    }
}

const char *samlc_report_idp_status(const samlc_idp_t *idp)
{
    return idp->settings->status == SAMLC_STATUS_ACTIVE ? "active" : "inactive";
}

static int has_entry(const samlc_trust_t *trust, samlc_trust_mode_t mode)
{
    int i = 0;

    for (i = 0; trust->entries && i < trust->entries->nelts; i++) {
        if (APR_ARRAY_IDX(trust->entries, i, samlc_trust_entry_t).mode == mode) {
            return 1;
        }
    }
    return 0;
}

static int has_mode(const samlc_trust_t *trust, samlc_trust_mode_t mode)
{
    const samlc_signcerts_t *list = trust->list;

    switch (mode) {
    case SAMLC_MODE_PINNED:
        return list && list->ignore_trust && list->pins->nelts > 0;
    case SAMLC_MODE_ANCHORED:
        return list && !list->ignore_trust && list->pins->nelts > 0;
    case SAMLC_MODE_ANY_TRUSTED:
        return list && list->any_trusted;
    case SAMLC_MODE_ON_FILE:
    case SAMLC_MODE_METADATA:
        return has_entry(trust, mode);
    default:
        return 0;
    }
}

apr_array_header_t *samlc_report_idp_modes(const samlc_idp_t *idp, apr_pool_t *p)
{
    apr_array_header_t *words = apr_array_make(p, 2, sizeof(const char *));
    int mode = 0;

    for (mode = SAMLC_MODE_NONE; mode <= SAMLC_MODE_METADATA; mode++) {
        if (has_mode(idp->trust, (samlc_trust_mode_t)mode)) {
            APR_ARRAY_PUSH(words, const char *) = samlc_trust_mode_word((samlc_trust_mode_t)mode);
        }
    }
    return words;
}

static int by_name(const void *a, const void *b)
{
    const samlc_keyset_t *const *left = a;
    const samlc_keyset_t *const *right = b;

    return strcmp((*left)->name, (*right)->name);
}

apr_array_header_t *samlc_report_keysets(const samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    apr_array_header_t *sets = apr_array_make(p, 1, sizeof(const samlc_keyset_t *));
    apr_hash_index_t *at = NULL;

    for (at = apr_hash_first(p, snapshot->keysets); at; at = apr_hash_next(at)) {
        APR_ARRAY_PUSH(sets, const samlc_keyset_t *) = apr_hash_this_val(at);
    }
    qsort(sets->elts, (size_t)sets->nelts, sizeof(const samlc_keyset_t *), by_name);
    return sets;
}

/* Nulls where nothing was used; the count, too, where nothing is known. */
static void put_use(json_t *json, int is_known, const samlc_use_t *use, apr_pool_t *p)
{
    json_object_set_new(json, "first_use", instant(use->first, p));
    json_object_set_new(json, "last_use", instant(use->last, p));
    json_object_set_new(json, "count", is_known ? number(use->count) : json_null());
}

static void put_scheduled(json_t *array, const char *move, apr_time_t at, apr_pool_t *p)
{
    json_t *json = NULL;

    if (at != 0) {
        json = json_object();
        json_object_set_new(json, "move", text(move, p));
        json_object_set_new(json, "at", instant(at, p));
        json_array_append_new(array, json);
    }
}

/* Where its file says that it is, what took it elsewhere, and what will. */
static void put_place(json_t *json, const samlc_place_t *place, const char *filed, apr_pool_t *p)
{
    json_t *moved = json_null();
    json_t *scheduled = json_array();

    if (place && place->slot != place->filed) {
        moved = json_object();
        json_object_set_new(moved, "why", text(place->why, p));
        json_object_set_new(moved, "at", instant(place->since, p));
    }
    if (place) {
        put_scheduled(scheduled, samlc_move_word(SAMLC_MOVE_ACTIVATE), place->activate_at, p);
        put_scheduled(scheduled, samlc_move_word(SAMLC_MOVE_RETIRE), place->retire_at, p);
    }
    json_object_set_new(json, "filed", text(place ? filed : NULL, p));
    json_object_set_new(json, "moved", moved);
    json_object_set_new(json, "scheduled", scheduled);
}

static json_t *entry(const samlc_trust_entry_t *e, const samlc_idp_t *idp,
                     const samlc_ledger_t *ledger, apr_time_t now, apr_pool_t *p)
{
    json_t *json = particulars(e->cert, e->key, now, p);
    samlc_use_t use;
    int is_known = samlc_ledger_find(&use, ledger, idp->entity_id, e->cert, e->key);

    json_object_set_new(json, "slot", text(samlc_trust_slot_word(e->slot), p));
    json_object_set_new(json, "mode", text(samlc_trust_mode_word(e->mode), p));
    json_object_set_new(json, "source", text(e->origin, p));
    put_use(json, is_known, &use, p);
    put_place(json, e->place, e->place ? samlc_trust_slot_word(e->place->filed) : NULL, p);
    return json;
}

static json_t *entries(const samlc_idp_t *idp, const samlc_ledger_t *ledger, apr_time_t now,
                       apr_pool_t *p)
{
    const apr_array_header_t *array = idp->trust->entries;
    json_t *json = json_array();
    int i = 0;

    for (i = 0; array && i < array->nelts; i++) {
        json_array_append_new(json, entry(&APR_ARRAY_IDX(array, i, samlc_trust_entry_t), idp,
                                          ledger, now, p));
    }
    return json;
}

static json_t *pins(const samlc_idp_t *idp, const samlc_ledger_t *ledger, apr_pool_t *p)
{
    const samlc_signcerts_t *list = idp->trust->list;
    json_t *json = json_array();
    const samlc_pin_t *pin = NULL;
    json_t *one = NULL;
    samlc_use_t use;
    int is_known = 0;
    int i = 0;

    for (i = 0; list && i < list->pins->nelts; i++) {
        pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);
        one = json_object();
        json_object_set_new(one, "kind", text(samlc_report_pin_kind(pin), p));
        json_object_set_new(one, "digest", text(samlc_text_hex(pin->digest, pin->len, p), p));
        json_object_set_new(one, "source", text(pin->origin, p));
        is_known = samlc_ledger_find_pin(&use, ledger, idp->entity_id, pin);
        put_use(one, is_known, &use, p);
        json_array_append_new(json, one);
    }
    return json;
}

static json_t *one_idp(const samlc_idp_t *idp, const samlc_ledger_t *ledger, apr_time_t now,
                       apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "name", text(idp->name, p));
    json_object_set_new(json, "entity_id", text(idp->entity_id, p));
    json_object_set_new(json, "status", text(samlc_report_idp_status(idp), p));
    json_object_set_new(json, "modes", strings(samlc_report_idp_modes(idp, p), p));
    json_object_set_new(json, "certificates", entries(idp, ledger, now, p));
    json_object_set_new(json, "pins", pins(idp, ledger, p));
    return json;
}

static json_t *idps(const samlc_snapshot_t *snapshot, const samlc_ledger_t *ledger, apr_time_t now,
                    apr_pool_t *p)
{
    json_t *json = json_array();
    const samlc_idp_t *idp = NULL;
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        idp = APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *);
        json_array_append_new(json, one_idp(idp, ledger, now, p));
    }
    return json;
}

static json_t *own_keys(const samlc_keyset_t *set, apr_time_t now, apr_pool_t *p)
{
    json_t *json = json_array();
    const samlc_own_key_t *own = NULL;
    const samlc_place_t *place = NULL;
    json_t *one = NULL;
    int role = 0;

    for (role = 0; role < SAMLC_OWN_COUNT; role++) {
        own = &set->keys[role];
        if (!own->cert) {
            continue;
        }
        one = particulars(own->cert, samlc_cert_key(own->cert), now, p);
        json_object_set_new(one, "role", text(samlc_own_role_word((samlc_own_role_t)role), p));
        json_object_set_new(one, "source", text(samlc_cert_origin(own->cert), p));
        place = samlc_moves_find_slot(set->places, samlc_moves_own_slot((samlc_own_role_t)role));
        put_place(one, place, place ? samlc_moves_own_word(place->filed) : NULL, p);
        json_array_append_new(json, one);
    }
    return json;
}

static json_t *keysets(const samlc_snapshot_t *snapshot, apr_time_t now, apr_pool_t *p)
{
    const apr_array_header_t *sets = samlc_report_keysets(snapshot, p);
    json_t *json = json_array();
    const samlc_keyset_t *set = NULL;
    json_t *one = NULL;
    int i = 0;

    for (i = 0; i < sets->nelts; i++) {
        set = APR_ARRAY_IDX(sets, i, const samlc_keyset_t *);
        one = json_object();
        json_object_set_new(one, "name", text(set->name, p));
        json_object_set_new(one, "keys", own_keys(set, now, p));
        json_array_append_new(json, one);
    }
    return json;
}

const char *samlc_report_list(const samlc_snapshot_t *snapshot, const samlc_ledger_t *ledger,
                              apr_time_t now, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "generation_hash", text(snapshot->digest_hex, p));
    json_object_set_new(json, "idps", idps(snapshot, ledger, now, p));
    json_object_set_new(json, "keysets", keysets(snapshot, now, p));
    return document(json, p);
}

/* Those of an IdP; those of IdPs that are not configured for NULL. */
static json_t *other_uses(const apr_array_header_t *others, const samlc_idp_t *idp, apr_pool_t *p)
{
    json_t *json = json_array();
    const samlc_other_use_t *other = NULL;
    const char *sha256 = NULL;
    json_t *one = NULL;
    int i = 0;

    for (i = 0; i < others->nelts; i++) {
        other = &APR_ARRAY_IDX(others, i, samlc_other_use_t);
        if (other->idp == idp) {
            sha256 = samlc_text_hex(other->sha256, sizeof(other->sha256), p);
            one = json_object();
            json_object_set_new(one, "sha256", text(other->is_key ? NULL : sha256, p));
            json_object_set_new(one, "spki_sha256", text(other->is_key ? sha256 : NULL, p));
            put_use(one, 1, &other->use, p);
            json_array_append_new(json, one);
        }
    }
    return json;
}

const char *samlc_report_ledger(const samlc_snapshot_t *snapshot, const samlc_ledger_t *ledger,
                                apr_time_t now, apr_pool_t *p)
{
    const apr_array_header_t *others = samlc_ledger_others(ledger, snapshot, p);
    json_t *json = json_object();
    json_t *all = json_array();
    json_t *one = NULL;
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        const samlc_idp_t *idp = APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *);

        one = one_idp(idp, ledger, now, p);
        json_object_set_new(one, "others", other_uses(others, idp, p));
        json_array_append_new(all, one);
    }
    json_object_set_new(json, "generation_hash", text(snapshot->digest_hex, p));
    json_object_set_new(json, "idps", all);
    json_object_set_new(json, "others", other_uses(others, NULL, p));
    json_object_set_new(json, "uncounted", number(samlc_ledger_uncounted(ledger)));
    return document(json, p);
}

/* Status of a server */

static json_t *last_error(const samlc_status_report_t *status, apr_pool_t *p)
{
    json_t *json = NULL;

    if (!status->last_error_code) {
        return json_null();
    }
    json = json_object();
    json_object_set_new(json, "code", text(status->last_error_code, p));
    json_object_set_new(json, "message", text(status->last_error_message, p));
    json_object_set_new(json, "at", instant(status->last_error_at, p));
    return json;
}

static json_t *store(const samlc_status_report_t *status, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "name", text(status->store, p));
    json_object_set_new(json, "sessions", number(status->sessions));
    json_object_set_new(json, "claims", number(status->claims));
    json_object_set_new(json, "error", text(status->store_error, p));
    return json;
}

static json_t *ledger(const samlc_status_report_t *status, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "uncounted",
                        status->ledger ? number(samlc_ledger_uncounted(status->ledger))
                                       : json_null());
    json_object_set_new(json, "error", text(status->ledger_error, p));
    return json;
}

/* Where a generation was loaded from. */
static json_t *serving(int is_archived)
{
    return json_string(is_archived ? "archive" : "files");
}

static json_t *children(const samlc_status_report_t *status, apr_pool_t *p)
{
    json_t *json = json_array();
    const samlc_child_report_t *child = NULL;
    json_t *one = NULL;
    int i = 0;

    for (i = 0; status->children && i < status->children->nelts; i++) {
        child = &APR_ARRAY_IDX(status->children, i, samlc_child_report_t);
        one = json_object();
        json_object_set_new(one, "pid", json_integer(child->pid));
        json_object_set_new(one, "generation", number(child->generation));
        json_object_set_new(one, "generation_hash", text(child->digest_hex, p));
        json_object_set_new(one, "serving", serving(child->is_archived));
        json_object_set_new(one, "loaded_at", instant(child->loaded_at, p));
        json_object_set_new(one, "refused_loads", number(child->refused_loads));
        json_array_append_new(json, one);
    }
    return json;
}

/* The codes that were the answer to a response at least once: "ok": 41, "replay": 1. */
static json_t *logins(const samlc_status_report_t *status)
{
    json_t *json = json_object();
    int reason = 0;

    for (reason = 0; status->logins && reason < SAMLC_REASON_COUNT; reason++) {
        if (status->logins[reason] > 0) {
            json_object_set_new(json, samlc_reason_word((samlc_reason_t)reason),
                                number(status->logins[reason]));
        }
    }
    return json;
}

const char *samlc_report_status(const samlc_status_report_t *status, apr_pool_t *p)
{
    const samlc_snapshot_t *snapshot = status->snapshot;
    json_t *json = json_object();

    json_object_set_new(json, "version", text(status->version, p));
    json_object_set_new(json, "generation", number(snapshot->number));
    json_object_set_new(json, "generation_hash", text(snapshot->digest_hex, p));
    json_object_set_new(json, "serving", serving(snapshot->is_archived));
    json_object_set_new(json, "loaded_at", instant(snapshot->loaded_at, p));
    json_object_set_new(json, "last_reload_error", last_error(status, p));
    json_object_set_new(json, "store", store(status, p));
    json_object_set_new(json, "ledger", ledger(status, p));
    json_object_set_new(json, "logins", logins(status));
    json_object_set_new(json, "children", children(status, p));
    json_object_set_new(json, "idps", idps(snapshot, status->ledger, status->now, p));
    json_object_set_new(json, "keysets", keysets(snapshot, status->now, p));
    json_object_set_new(json, "warnings", strings(snapshot->warnings, p));
    return document(json, p);
}

/* Changes */

const char *samlc_report_steps(const apr_array_header_t *steps, int is_done, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "done", json_boolean(is_done));
    json_object_set_new(json, "steps", strings(steps, p));
    return document(json, p);
}

/* Lint */

static json_t *error_object(const samlc_result_t *error, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "code", text(samlc_reason_word(error->reason), p));
    json_object_set_new(json, "message", text(error->message, p));
    return json;
}

const char *samlc_report_lint(const samlc_result_t *error, const apr_array_header_t *warnings,
                              apr_pool_t *p)
{
    const char *state = error ? "critical" : warnings->nelts > 0 ? "warning" : "ok";
    json_t *json = json_object();
    json_t *errors = json_array();

    if (error) {
        json_array_append_new(errors, error_object(error, p));
    }
    json_object_set_new(json, "state", text(state, p));
    json_object_set_new(json, "errors", errors);
    json_object_set_new(json, "warnings", strings(warnings, p));
    return document(json, p);
}

/* History */

static json_t *archived(const samlc_archived_t *about, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "number", number(about->number));
    json_object_set_new(json, "digest", text(about->digest_hex, p));
    json_object_set_new(json, "accepted_at", instant(about->accepted_at, p));
    json_object_set_new(json, "reason", text(about->reason, p));
    json_object_set_new(json, "author", text(about->author, p));
    json_object_set_new(json, "before", text(about->before_hex, p));
    json_object_set_new(json, "differences", strings(about->differences, p));
    return json;
}

const char *samlc_report_history(const apr_array_header_t *list, const char *current,
                                 apr_pool_t *p)
{
    json_t *json = json_array();
    json_t *one = NULL;
    int i = 0;

    for (i = 0; i < list->nelts; i++) {
        const samlc_archived_t *about = &APR_ARRAY_IDX(list, i, samlc_archived_t);

        one = archived(about, p);
        json_object_set_new(one, "current",
                            json_boolean(samlc_text_equal(about->digest_hex, current)));
        json_array_append_new(json, one);
    }
    return document(json, p);
}

static json_t *difference(const samlc_difference_t *d, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "kind", text(samlc_difference_word(d->kind), p));
    json_object_set_new(json, "what", text(d->what, p));
    json_object_set_new(json, "idp", text(d->idp, p));
    json_object_set_new(json, "keyset", text(d->keyset, p));
    json_object_set_new(json, "name", text(d->name, p));
    json_object_set_new(json, "fingerprint", text(d->fingerprint, p));
    json_object_set_new(json, "subject", text(d->subject, p));
    json_object_set_new(json, "not_after", instant(d->not_after, p));
    json_object_set_new(json, "from", text(d->from, p));
    json_object_set_new(json, "to", text(d->to, p));
    json_object_set_new(json, "sentence", text(samlc_difference_sentence(d, p), p));
    return json;
}

static json_t *all_differences(const apr_array_header_t *differences, apr_pool_t *p)
{
    json_t *json = json_array();
    int i = 0;

    for (i = 0; differences && i < differences->nelts; i++) {
        json_array_append_new(
            json, difference(&APR_ARRAY_IDX(differences, i, samlc_difference_t), p));
    }
    return json;
}

const char *samlc_report_diff(const samlc_snapshot_t *before, const samlc_snapshot_t *after,
                              const apr_array_header_t *differences,
                              const apr_array_header_t *losses, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "from", text(before->digest_hex, p));
    json_object_set_new(json, "to", text(after->digest_hex, p));
    json_object_set_new(json, "differences", all_differences(differences, p));
    json_object_set_new(json, "losses", strings(losses, p));
    return document(json, p);
}

const char *samlc_report_rollback(const samlc_rollback_report_t *rollback, apr_pool_t *p)
{
    json_t *json = json_object();

    json_object_set_new(json, "generation",
                        rollback->about ? archived(rollback->about, p) : json_null());
    json_object_set_new(json, "recorded", json_boolean(rollback->is_recorded));
    json_object_set_new(json, "done", json_boolean(rollback->is_done));
    json_object_set_new(json, "written", strings(rollback->written, p));
    json_object_set_new(json, "removed", strings(rollback->removed, p));
    json_object_set_new(json, "differences", all_differences(rollback->differences, p));
    json_object_set_new(json, "losses", strings(rollback->losses, p));
    json_object_set_new(json, "error",
                        rollback->error ? error_object(rollback->error, p) : json_null());
    return document(json, p);
}
