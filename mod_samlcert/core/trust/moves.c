/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/moves.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"

#define BLANKS " \t\r"
#define STEM_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define MAX_STEM 64

const char *samlc_move_word(samlc_move_kind_t kind)
{
    switch (kind) {
    case SAMLC_MOVE_ACTIVATE:
        return "ActivateAt";
    case SAMLC_MOVE_PROMOTE:
        return "promote";
    case SAMLC_MOVE_RETIRE:
        return "RetireAt";
    }
    return "unknown";
}

const char *samlc_moves_own_word(samlc_trust_slot_t slot)
{
    switch (slot) {
    case SAMLC_SLOT_STAGED:
        return "next";
    case SAMLC_SLOT_PRIMARY:
        return "active";
    case SAMLC_SLOT_ALTERNATE:
        return "retiring";
    case SAMLC_SLOT_RETIRED:
    case SAMLC_SLOT_NONE:
        break;
    }
    return "gone";
}

samlc_trust_slot_t samlc_moves_own_slot(samlc_own_role_t role)
{
    switch (role) {
    case SAMLC_OWN_ACTIVE:
        return SAMLC_SLOT_PRIMARY;
    case SAMLC_OWN_NEXT:
        return SAMLC_SLOT_STAGED;
    case SAMLC_OWN_RETIRING:
        return SAMLC_SLOT_ALTERNATE;
    case SAMLC_OWN_COUNT:
        break;
    }
    return SAMLC_SLOT_NONE;
}

/* ---- reading --------------------------------------------------------------------------------- */

const char *samlc_move_parse(samlc_move_t *move, const char *value, apr_pool_t *p)
{
    const apr_array_header_t *words = samlc_text_words(value, p);
    apr_size_t len = 0;

    if (words->nelts != 2) {
        return "not a slot and a time";
    }
    move->stem = APR_ARRAY_IDX(words, 0, const char *);
    len = strlen(move->stem);
    if (len > MAX_STEM || strspn(move->stem, STEM_CHARACTERS) != len) {
        return "the slot is no name of a file, without its ending";
    }
    if (samlc_clock_parse(&move->at, APR_ARRAY_IDX(words, 1, const char *)) != APR_SUCCESS
        || move->at <= 0) {
        return "the time is none such as 2026-12-01T10:00:00Z";
    }
    if (apr_time_usec(move->at) != 0) {
        return "a time with a fraction of a second";
    }
    return NULL;
}

/* What is wrong with a line of keys.conf; NULL: nothing. *is_move: it is more than a comment. */
static const char *parse_keys_line(samlc_move_t *move, int *is_move, char *line, apr_pool_t *p)
{
    char *name = line + strspn(line, BLANKS);
    char *value = name + strcspn(name, BLANKS);
    const char *error = NULL;

    *is_move = *name != '\0' && *name != '#';
    if (!*is_move) {
        return NULL;
    }
    if (*value != '\0') {
        *value++ = '\0';
    }
    if (apr_cstr_casecmp(name, "ActivateAt") == 0) {
        move->kind = SAMLC_MOVE_ACTIVATE;
    }
    else if (apr_cstr_casecmp(name, "RetireAt") == 0) {
        move->kind = SAMLC_MOVE_RETIRE;
    }
    else {
        return "neither ActivateAt nor RetireAt";
    }
    error = samlc_move_parse(move, value, p);
    if (error) {
        return error;
    }
    if (move->kind == SAMLC_MOVE_ACTIVATE) {
        return strcmp(move->stem, "next") == 0 ? NULL : "the key that can be activated is next";
    }
    return strcmp(move->stem, "active") == 0 || strcmp(move->stem, "retiring") == 0
               ? NULL
               : "the keys that can be retired are active and retiring";
}

static int is_given(const apr_array_header_t *moves, const samlc_move_t *move)
{
    int i = 0;

    for (i = 0; i < moves->nelts; i++) {
        const samlc_move_t *other = &APR_ARRAY_IDX(moves, i, samlc_move_t);

        if (other->kind == move->kind && strcmp(other->stem, move->stem) == 0) {
            return 1;
        }
    }
    return 0;
}

apr_status_t samlc_moves_parse_keys(apr_array_header_t *moves, const samlc_data_t *file,
                                    samlc_result_t *res, apr_pool_t *p)
{
    char *line = apr_pstrmemdup(p, file->len > 0 ? (const char *)file->data : "", file->len);
    const char *error = strlen(line) != file->len ? "there is a NUL byte in the file" : NULL;
    char *next = NULL;
    int number = 0;

    for (number = 1; line && !error; number++, line = next) {
        samlc_move_t move = {SAMLC_MOVE_RETIRE, NULL, 0, NULL};
        int is_move = 0;

        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        move.origin = apr_psprintf(p, "%s:%d", file->origin, number);
        error = parse_keys_line(&move, &is_move, line, p);
        if (!error && is_move && is_given(moves, &move)) {
            error = "is given twice";
        }
        if (error) {
            return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                     "%s: %s; the syntax is: ActivateAt next TIME, or "
                                     "RetireAt active|retiring TIME", move.origin, error);
        }
        if (is_move) {
            APR_ARRAY_PUSH(moves, samlc_move_t) = move;
        }
    }
    return error ? samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "%s: %s",
                                     file->origin, error)
                 : APR_SUCCESS;
}

/* ---- moving ---------------------------------------------------------------------------------- */

samlc_place_t *samlc_moves_find_place(const apr_array_header_t *places, const char *stem)
{
    int i = 0;

    for (i = 0; places && i < places->nelts; i++) {
        samlc_place_t *place = APR_ARRAY_IDX(places, i, samlc_place_t *);

        if (strcmp(place->stem, stem) == 0) {
            return place;
        }
    }
    return NULL;
}

const samlc_place_t *samlc_moves_find_slot(const apr_array_header_t *places,
                                           samlc_trust_slot_t slot)
{
    int i = 0;

    for (i = 0; places && i < places->nelts; i++) {
        if (APR_ARRAY_IDX(places, i, samlc_place_t *)->slot == slot) {
            return APR_ARRAY_IDX(places, i, samlc_place_t *);
        }
    }
    return NULL;
}

static void put(samlc_place_t *place, samlc_trust_slot_t slot, const samlc_move_t *move,
                const char *why)
{
    place->from = place->slot;
    place->slot = slot;
    place->why = why;
    place->since = move->at;
}

/* Whatever is in slot `from` goes to slot `to`. */
static void put_all(const apr_array_header_t *places, samlc_trust_slot_t from,
                    samlc_trust_slot_t to, const samlc_move_t *move, const char *why)
{
    int i = 0;

    for (i = 0; i < places->nelts; i++) {
        samlc_place_t *place = APR_ARRAY_IDX(places, i, samlc_place_t *);

        if (place->slot == from) {
            put(place, to, move, why);
        }
    }
}

/* What is retired stays it, and what is primary is it already. */
static int is_activable(const samlc_place_t *place, const samlc_move_t *move)
{
    return move->kind == SAMLC_MOVE_PROMOTE ? place->slot == SAMLC_SLOT_STAGED
                                            : place->slot != SAMLC_SLOT_RETIRED
                                                  && place->slot != SAMLC_SLOT_PRIMARY;
}

static void carry_out(const apr_array_header_t *places, samlc_place_t *place,
                      const samlc_move_t *move, int is_own, apr_pool_t *p)
{
    const char *why = move->kind == SAMLC_MOVE_PROMOTE
                          ? "first use"
                          : apr_pstrcat(p, samlc_move_word(move->kind), " ",
                                        samlc_clock_format(move->at, p), NULL);

    if (move->kind == SAMLC_MOVE_RETIRE) {
        if (place->slot != SAMLC_SLOT_RETIRED) {
            put(place, SAMLC_SLOT_RETIRED, move, why);
        }
    }
    else if (is_activable(place, move)) {
        if (is_own) {
            put_all(places, SAMLC_SLOT_ALTERNATE, SAMLC_SLOT_RETIRED, move, why);
        }
        put_all(places, SAMLC_SLOT_PRIMARY, SAMLC_SLOT_ALTERNATE, move, why);
        put(place, SAMLC_SLOT_PRIMARY, move, why);
    }
}

/* By time; at the same time what is new comes before what is old goes. */
static int compare_moves(const void *a, const void *b)
{
    const samlc_move_t *x = a;
    const samlc_move_t *y = b;

    if (x->at != y->at) {
        return x->at < y->at ? -1 : 1;
    }
    return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->stem, y->stem);
}

apr_time_t samlc_moves_apply(const apr_array_header_t *places, const apr_array_header_t *moves,
                             int is_own, apr_time_t now, apr_pool_t *p)
{
    apr_array_header_t *sorted = apr_array_copy(p, moves);
    apr_time_t next = 0;
    int i = 0;

    qsort(sorted->elts, (size_t)sorted->nelts, sizeof(samlc_move_t), compare_moves);
    for (i = 0; i < sorted->nelts; i++) {
        const samlc_move_t *move = &APR_ARRAY_IDX(sorted, i, samlc_move_t);
        samlc_place_t *place = samlc_moves_find_place(places, move->stem);

        if (!place) {
            continue;
        }
        if (move->at <= now || move->kind == SAMLC_MOVE_PROMOTE) {
            carry_out(places, place, move, is_own, p);
            continue;
        }
        *(move->kind == SAMLC_MOVE_RETIRE ? &place->retire_at : &place->activate_at) = move->at;
        next = next == 0 ? move->at : next;
    }
    return next;
}

static apr_array_header_t *copy_places(const apr_array_header_t *places, apr_pool_t *p)
{
    apr_array_header_t *copies = apr_array_make(p, places->nelts, sizeof(samlc_place_t *));
    int i = 0;

    for (i = 0; i < places->nelts; i++) {
        APR_ARRAY_PUSH(copies, samlc_place_t *) =
            apr_pmemdup(p, APR_ARRAY_IDX(places, i, samlc_place_t *), sizeof(samlc_place_t));
    }
    return copies;
}

const samlc_move_t *samlc_moves_find_outage(const apr_array_header_t *places,
                                            const apr_array_header_t *moves, apr_pool_t *p)
{
    int i = 0;

    for (i = 0; i < moves->nelts; i++) {
        const samlc_move_t *move = &APR_ARRAY_IDX(moves, i, samlc_move_t);
        apr_array_header_t *copies = copy_places(places, p);

        if (move->kind == SAMLC_MOVE_RETIRE) {
            samlc_moves_apply(copies, moves, 1, move->at, p);
            if (!samlc_moves_find_slot(copies, SAMLC_SLOT_PRIMARY)) {
                return move;
            }
        }
    }
    return NULL;
}
