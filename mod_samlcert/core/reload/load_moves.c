/* SPDX-License-Identifier: Apache-2.0 */
/* Slot files and where they have moved: certificates of identity providers, and our own keys. */
#include "core/reload/load.h"

#include <string.h>

#include <apr_strings.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/reload/overlay.h"
#include "core/trust/moves.h"

#define SHOWN_DIGITS 16

/* A slot file with what is in it. */
typedef struct slot_file_t {
    samlc_place_t *place;
    const samlc_seen_t *seen;
    apr_array_header_t *certs;    /* samlc_cert_t * */
    const char *origin;
} slot_file_t;

/* The slot that a file name in the directory of an IdP stands for. */
static samlc_trust_slot_t slot_of(const char *file)
{
    static const samlc_trust_slot_t SLOTS[] = { SAMLC_SLOT_PRIMARY, SAMLC_SLOT_ALTERNATE,
                                                SAMLC_SLOT_STAGED, SAMLC_SLOT_RETIRED };
    apr_size_t i = 0;

    for (i = 0; i < sizeof(SLOTS) / sizeof(SLOTS[0]); i++) {
        const char *word = samlc_trust_slot_word(SLOTS[i]);
        apr_size_t len = strlen(word);

        if (strncmp(file, word, len) == 0
            && (strcmp(file + len, ".pem") == 0 || file[len] == '-')) {
            return SLOTS[i];
        }
    }
    return SAMLC_SLOT_NONE;
}

static void warn(samlc_load_t *l, const char *sentence)
{
    APR_ARRAY_PUSH(l->warnings, const char *) = sentence;
}

static const char *describe(const samlc_move_t *move, apr_pool_t *p)
{
    return apr_psprintf(p, "%s: %s %s %s", move->origin, samlc_move_word(move->kind), move->stem,
                        samlc_clock_format(move->at, p));
}

static samlc_place_t *make_place(const char *stem, samlc_trust_slot_t filed, apr_pool_t *p)
{
    samlc_place_t *place = apr_pcalloc(p, sizeof(*place));

    place->stem = stem;
    place->filed = filed;
    place->slot = filed;
    place->from = filed;
    return place;
}

/* TRUE if a file came after a move of the past that takes it: probably it was meant for another. */
static int came_after(const samlc_load_t *l, const samlc_move_t *move, const samlc_seen_t *seen,
                      const samlc_cert_t *cert)
{
    return move->at <= l->snapshot->loaded_at
           && (samlc_cert_not_before(cert) > move->at
               || (l->source->root == NULL && seen->mtime_ns / 1000 > move->at));
}

static void warn_if_new(samlc_load_t *l, const char *owner, const samlc_move_t *move,
                        const samlc_seen_t *seen, const samlc_cert_t *cert)
{
    if (came_after(l, move, seen, cert)) {
        warn(l, apr_psprintf(l->p, "%s: %s moves certificate %.*s, but %s is newer than that: "
                             "take the line away unless it was meant for this one",
                             owner, describe(move, l->p), SHOWN_DIGITS,
                             samlc_cert_sha256_hex(cert), seen->path));
    }
}

static void warn_of_missing(samlc_load_t *l, const char *owner, const samlc_move_t *move,
                            const char *ending)
{
    warn(l, apr_psprintf(l->p, "%s: %s: there is no file %s%s, so nothing is moved", owner,
                         describe(move, l->p), move->stem, ending));
}

static void note_moved(samlc_load_t *l, const char *owner, const char *file,
                       const samlc_place_t *place, const samlc_cert_t *cert, int is_own)
{
    samlc_moved_t *moved = apr_array_push(l->moves);

    moved->owner = owner;
    moved->file = apr_pstrdup(l->p, file);
    moved->place = place;
    moved->cert = cert;
    moved->from = is_own ? samlc_moves_own_word(place->from) : samlc_trust_slot_word(place->from);
    moved->to = is_own ? samlc_moves_own_word(place->slot) : samlc_trust_slot_word(place->slot);
}

/* The earliest is when all of it is to be loaded anew. */
static void note_next(samlc_load_t *l, apr_time_t at)
{
    apr_time_t *next = &l->snapshot->next_move_at;

    if (at != 0 && (*next == 0 || at < *next)) {
        *next = at;
    }
}

/* ---- identity providers ---------------------------------------------------------------------- */

/*
 * Takes CAs out of a file that was delivered with a whole chain: their keys sign certificates, not
 * responses. What is filed as retired stays, since there it only makes that more is refused.
 */
static apr_status_t drop_issuers(slot_file_t *file, samlc_load_t *l, const char *idp)
{
    apr_array_header_t *signers = apr_array_make(l->p, file->certs->nelts, sizeof(samlc_cert_t *));
    int i = 0;

    if (file->place->filed == SAMLC_SLOT_RETIRED) {
        return APR_SUCCESS;
    }
    for (i = 0; i < file->certs->nelts; i++) {
        samlc_cert_t *cert = APR_ARRAY_IDX(file->certs, i, samlc_cert_t *);
        const samlc_cert_t *issued = samlc_cert_find_issued(cert, file->certs);

        if (issued == NULL) {
            APR_ARRAY_PUSH(signers, samlc_cert_t *) = cert;
            continue;
        }
        warn(l, apr_psprintf(l->p, "IdP %s: %s: %s is the issuer of %s in the same file: a CA does "
                             "not sign responses, so it is left out; put it into intermediates/ "
                             "or roots/", idp, file->origin,
                             samlc_text_show(samlc_cert_subject(cert), l->p),
                             samlc_text_show(samlc_cert_subject(issued), l->p)));
    }
    if (signers->nelts == 0) {
        return samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: each certificate in it is the issuer of another one: leave "
                                 "only those that sign responses", file->origin);
    }
    file->certs = signers;
    return APR_SUCCESS;
}

static apr_status_t read_files(apr_array_header_t *files, apr_array_header_t *places,
                               samlc_load_t *l, const char *dir)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1;

    while (rv == APR_SUCCESS && (seen = samlc_load_next_file(l, dir, &i)) != NULL) {
        const char *name = strrchr(seen->name, '/') + 1;
        const samlc_data_t *data = NULL;
        slot_file_t file = { NULL, seen, NULL, NULL };

        if (slot_of(name) == SAMLC_SLOT_NONE) {
            continue;
        }
        rv = samlc_load_file(&data, l, seen->path, SAMLC_MAX_CERT_FILE);
        if (rv == APR_SUCCESS) {
            rv = samlc_cert_parse_file(&file.certs, data, l->res, l->p);
        }
        if (rv == APR_SUCCESS) {
            file.place = make_place(apr_pstrmemdup(l->p, name, strlen(name) - strlen(".pem")),
                                    slot_of(name), l->p);
            file.origin = data->origin;
            rv = drop_issuers(&file, l, dir + strlen("idp/"));
        }
        if (rv == APR_SUCCESS) {
            APR_ARRAY_PUSH(files, slot_file_t) = file;
            APR_ARRAY_PUSH(places, samlc_place_t *) = file.place;
        }
    }
    return rv;
}

static const slot_file_t *find_file(const apr_array_header_t *files, const char *stem)
{
    int i = 0;

    for (i = 0; i < files->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(files, i, slot_file_t).place->stem, stem) == 0) {
            return &APR_ARRAY_IDX(files, i, slot_file_t);
        }
    }
    return NULL;
}

static int has_cert(const slot_file_t *file, const char *sha256)
{
    int i = 0;

    for (i = 0; i < file->certs->nelts; i++) {
        if (strcmp(samlc_cert_sha256_hex(APR_ARRAY_IDX(file->certs, i, samlc_cert_t *)), sha256)
            == 0) {
            return 1;
        }
    }
    return 0;
}

/* The promotion of what is in the file `staged`, if the overlay has it and the setting is on. */
static void add_promotion(apr_array_header_t *moves, const samlc_load_t *l, const char *idp,
                          const samlc_settings_t *settings, const apr_array_header_t *files)
{
    const slot_file_t *staged = find_file(files, "staged");
    int i = 0;

    for (i = 0; staged != NULL && settings->promote_on_first_use && i < l->promotions->nelts; i++) {
        const samlc_promotion_t *one = &APR_ARRAY_IDX(l->promotions, i, samlc_promotion_t);

        if (strcmp(one->idp, idp) == 0 && has_cert(staged, one->sha256)) {
            samlc_move_t *move = apr_array_push(moves);

            move->kind = SAMLC_MOVE_PROMOTE;
            move->stem = "staged";
            move->at = one->at;
            move->origin = l->source->overlay;
            return;
        }
    }
}

/* A retired certificate is refused whatever else lists it: that may be more than was meant. */
static void warn_of_copies(samlc_load_t *l, const char *owner, const samlc_move_t *move,
                           const apr_array_header_t *files, const slot_file_t *file)
{
    int i = 0, c = 0;

    for (i = 0; i < files->nelts; i++) {
        const slot_file_t *other = &APR_ARRAY_IDX(files, i, slot_file_t);

        for (c = 0; other != file && other->place->filed != SAMLC_SLOT_RETIRED
                    && c < file->certs->nelts; c++) {
            const char *sha256 = samlc_cert_sha256_hex(APR_ARRAY_IDX(file->certs, c,
                                                                     samlc_cert_t *));

            if (has_cert(other, sha256)) {
                warn(l, apr_psprintf(l->p, "%s: %s retires certificate %.*s, which is refused then "
                                     "although it also is in %s", owner, describe(move, l->p),
                                     SHOWN_DIGITS, sha256, other->origin));
            }
        }
    }
}

static void warn_of_move(samlc_load_t *l, const char *owner, const samlc_move_t *move,
                         const apr_array_header_t *moves, const apr_array_header_t *files)
{
    const slot_file_t *file = find_file(files, move->stem);
    int i = 0;

    if (file == NULL) {
        warn_of_missing(l, owner, move, ".pem");
        return;
    }
    warn_if_new(l, owner, move, file->seen, APR_ARRAY_IDX(file->certs, 0, samlc_cert_t *));
    if (move->kind != SAMLC_MOVE_RETIRE) {
        return;
    }
    warn_of_copies(l, owner, move, files, file);
    for (i = 0; i < moves->nelts; i++) {
        const samlc_move_t *other = &APR_ARRAY_IDX(moves, i, samlc_move_t);

        if (other->kind == SAMLC_MOVE_ACTIVATE && strcmp(other->stem, move->stem) == 0
            && other->at > move->at) {
            warn(l, apr_psprintf(l->p, "%s: %s comes after it has retired, and does nothing", owner,
                                 describe(other, l->p)));
        }
    }
}

/* Where the files are by now. */
static void move_files(samlc_load_t *l, const char *dir, const samlc_settings_t *settings,
                       const apr_array_header_t *files, const apr_array_header_t *places)
{
    apr_array_header_t *moves = apr_array_make(l->ptemp, 4, sizeof(samlc_move_t));
    const char *idp = dir + strlen("idp/");
    const char *owner = apr_pstrcat(l->p, "idp ", idp, NULL);
    int i = 0, c = 0;

    if (settings->activate_at != NULL) {
        apr_array_cat(moves, settings->activate_at);
    }
    if (settings->retire_at != NULL) {
        apr_array_cat(moves, settings->retire_at);
    }
    for (i = 0; i < moves->nelts; i++) {
        warn_of_move(l, owner, &APR_ARRAY_IDX(moves, i, samlc_move_t), moves, files);
    }
    add_promotion(moves, l, idp, settings, files);
    note_next(l, samlc_moves_apply(places, moves, 0, l->snapshot->loaded_at, l->p));
    for (i = 0; i < files->nelts; i++) {
        const slot_file_t *file = &APR_ARRAY_IDX(files, i, slot_file_t);

        for (c = 0; file->place->why != NULL && c < file->certs->nelts; c++) {
            note_moved(l, owner, apr_pstrcat(l->ptemp, dir, "/", file->place->stem, NULL),
                       file->place, APR_ARRAY_IDX(file->certs, c, samlc_cert_t *), 0);
        }
    }
}

apr_status_t samlc_load_slots(apr_array_header_t *slots, samlc_load_t *l, const char *dir,
                              const samlc_settings_t *settings)
{
    static const samlc_trust_slot_t ORDER[] = { SAMLC_SLOT_PRIMARY, SAMLC_SLOT_STAGED,
                                                SAMLC_SLOT_ALTERNATE, SAMLC_SLOT_RETIRED };
    apr_array_header_t *files = apr_array_make(l->ptemp, 4, sizeof(slot_file_t));
    apr_array_header_t *places = apr_array_make(l->ptemp, 4, sizeof(samlc_place_t *));
    apr_status_t rv = read_files(files, places, l, dir);
    apr_size_t k = 0;
    int i = 0, c = 0;

    if (rv == APR_SUCCESS) {
        move_files(l, dir, settings, files, places);
    }
    for (k = 0; rv == APR_SUCCESS && k < sizeof(ORDER) / sizeof(ORDER[0]); k++) {
        for (i = 0; i < files->nelts; i++) {
            const slot_file_t *file = &APR_ARRAY_IDX(files, i, slot_file_t);

            for (c = 0; file->place->slot == ORDER[k] && c < file->certs->nelts; c++) {
                samlc_idp_slot_t *slot = apr_array_push(slots);

                slot->slot = ORDER[k];
                slot->cert = APR_ARRAY_IDX(file->certs, c, samlc_cert_t *);
                slot->origin = file->origin;
                slot->place = file->place;
            }
        }
    }
    return rv;
}

/* ---- our own keys ---------------------------------------------------------------------------- */

static apr_status_t read_key_moves(apr_array_header_t *moves, samlc_load_t *l, const char *dir)
{
    const samlc_seen_t *conf = samlc_load_find(l, apr_pstrcat(l->ptemp, dir, "/keys.conf", NULL));
    const samlc_data_t *data = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (conf == NULL) {
        return APR_SUCCESS;
    }
    rv = samlc_load_file(&data, l, conf->path, SAMLC_MAX_CERT_FILE);
    return rv == APR_SUCCESS ? samlc_moves_parse_keys(moves, data, l->res, l->p) : rv;
}

/* The places of the keys that there are, and what speaks against the moves. */
static void warn_of_key_moves(samlc_load_t *l, const char *owner, const char *dir,
                              const samlc_keyset_t *set, const apr_array_header_t *moves)
{
    int i = 0, role = 0;

    for (i = 0; i < moves->nelts; i++) {
        const samlc_move_t *move = &APR_ARRAY_IDX(moves, i, samlc_move_t);

        if (samlc_moves_find_place(set->places, move->stem) == NULL) {
            warn_of_missing(l, owner, move, ".key");
        }
        for (role = 0; role < SAMLC_OWN_COUNT; role++) {
            if (set->keys[role].cert != NULL
                && strcmp(move->stem, samlc_own_role_word((samlc_own_role_t)role)) == 0) {
                const char *name = apr_pstrcat(l->ptemp, dir, "/", move->stem, ".crt", NULL);

                warn_if_new(l, owner, move, samlc_load_find(l, name), set->keys[role].cert);
            }
        }
    }
}

/* Puts the keys, which are where their files say, where their places are. */
static void move_keys(samlc_keyset_t *set, samlc_load_t *l, const char *owner, const char *dir)
{
    samlc_own_key_t filed[SAMLC_OWN_COUNT];
    int role = 0, to = 0;

    memcpy(filed, set->keys, sizeof(filed));
    memset(set->keys, 0, sizeof(set->keys));
    for (role = 0; role < SAMLC_OWN_COUNT; role++) {
        const samlc_place_t *place = samlc_moves_find_place(
            set->places, samlc_own_role_word((samlc_own_role_t)role));

        for (to = 0; place != NULL && to < SAMLC_OWN_COUNT; to++) {
            if (place->slot == samlc_moves_own_slot((samlc_own_role_t)to)) {
                set->keys[to] = filed[role];
            }
        }
        if (place != NULL && place->why != NULL) {
            note_moved(l, owner, apr_pstrcat(l->ptemp, dir, "/", place->stem, NULL), place,
                       filed[role].cert, 1);
        }
    }
}

apr_status_t samlc_load_key_moves(samlc_keyset_t *set, samlc_load_t *l)
{
    const char *dir = apr_pstrcat(l->ptemp, "sp/", set->name, NULL);
    const char *owner = apr_pstrcat(l->p, "own keys ", set->name, NULL);
    apr_array_header_t *places = apr_array_make(l->p, SAMLC_OWN_COUNT, sizeof(samlc_place_t *));
    apr_array_header_t *moves = apr_array_make(l->ptemp, 2, sizeof(samlc_move_t));
    const samlc_move_t *outage = NULL;
    apr_status_t rv = read_key_moves(moves, l, dir);
    int role = 0;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    for (role = 0; role < SAMLC_OWN_COUNT; role++) {
        if (set->keys[role].key != NULL) {
            APR_ARRAY_PUSH(places, samlc_place_t *) = make_place(
                samlc_own_role_word((samlc_own_role_t)role),
                samlc_moves_own_slot((samlc_own_role_t)role), l->p);
        }
    }
    set->places = places;
    warn_of_key_moves(l, owner, dir, set, moves);
    outage = samlc_moves_find_outage(places, moves, l->ptemp);
    if (outage != NULL && places->nelts > 0) {
        return samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: it would leave %s without an active key: give `ActivateAt "
                                 "next TIME` with a time that is not later, or take it away",
                                 describe(outage, l->p), owner);
    }
    note_next(l, samlc_moves_apply(places, moves, 1, l->snapshot->loaded_at, l->p));
    move_keys(set, l, owner, dir);
    return APR_SUCCESS;
}

/* ---- the overlay ----------------------------------------------------------------------------- */

void samlc_load_overlay(samlc_load_t *l)
{
    const samlc_seen_t *seen = l->source->overlay == NULL ? NULL
                                                          : samlc_load_find(l, l->source->overlay);
    samlc_result_t *res = samlc_result_make(l->ptemp);
    const samlc_data_t *file = NULL;
    samlc_result_t *of_load = l->res;
    apr_status_t rv = APR_SUCCESS;

    if (seen == NULL || samlc_seen_is_missing(seen)) {
        return;
    }
    l->res = res;    /* it fails nothing */
    rv = samlc_load_file(&file, l, seen->path, SAMLC_MAX_OVERLAY);
    l->res = of_load;
    if (rv == APR_SUCCESS) {
        rv = samlc_overlay_parse(&l->promotions, file, res, l->p);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) {
        warn(l, apr_psprintf(l->p, "%s: what PromoteOnFirstUse moved is ignored until this file "
                             "can be read; remove it to begin anew", res->message));
    }
}
