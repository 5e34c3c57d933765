/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moves: a slot file counts as another slot than its name says. ActivateAt and RetireAt say from
 * when on, PromoteOnFirstUse leaves it to the first login. A pure function of (files, overlay,
 * now): nodes with equal files and clocks agree, and nothing is remembered but in files.
 *
 * Identity providers and our own keys move alike. Of our own keys `staged` is next, `primary`
 * active, `alternate` retiring, and `retired` gone; there is one of each, so what was retiring goes
 * when another key becomes that.
 */
#ifndef SAMLC_TRUST_MOVES_H
#define SAMLC_TRUST_MOVES_H

#include "core/keys/keyset.h"
#include "core/trust/trust.h"

typedef enum {
    SAMLC_MOVE_ACTIVATE,     /* it becomes primary, and what was primary alternate */
    SAMLC_MOVE_PROMOTE,      /* the same if it is staged, by the overlay: it has happened */
    SAMLC_MOVE_RETIRE        /* it becomes retired, for good */
} samlc_move_kind_t;

/* One line of configuration, or of the overlay. */
typedef struct samlc_move_t {
    samlc_move_kind_t kind;
    const char *stem;        /* of the slot file: "staged", "alternate-2024"; "next" */
    apr_time_t at;           /* whole seconds */
    const char *origin;      /* "FILE:LINE" */
} samlc_move_t;

/* A slot file, and where it is now. */
typedef struct samlc_place_t {
    const char *stem;
    samlc_trust_slot_t filed;        /* by its name */
    samlc_trust_slot_t slot;         /* where it is */
    samlc_trust_slot_t from;         /* where it was before its last move */
    const char *why;                 /* "ActivateAt TIME", "RetireAt TIME", "first use"; NULL: it
                                        was not moved */
    apr_time_t since;                /* when it was moved */
    apr_time_t activate_at;          /* ahead; 0: not */
    apr_time_t retire_at;            /* ahead when this was loaded; 0: not */
} samlc_place_t;

/* A certificate that was moved, for reports. */
typedef struct samlc_moved_t {
    const char *owner;               /* "idp NAME", "own keys NAME" */
    const char *file;                /* below the trust directory, without its ending */
    const samlc_place_t *place;
    const samlc_cert_t *cert;
    const char *from, *to;           /* words of the slots, or of the roles of our own keys */
} samlc_moved_t;

/*
 * Reads "SLOT TIME", the value of ActivateAt or RetireAt. NULL, or what is wrong with it; times
 * have whole seconds.
 */
const char *samlc_move_parse(samlc_move_t *move, const char *value, apr_pool_t *p);

/*
 * Reads keys.conf of a key set: `ActivateAt next TIME`, `RetireAt active|retiring TIME`, each once
 * at most, # comments. Adds to `moves` (samlc_move_t). Fails with config-invalid, naming
 * "FILE:LINE".
 */
apr_status_t samlc_moves_parse_keys(apr_array_header_t *moves, const samlc_data_t *file,
                                    samlc_result_t *res, apr_pool_t *p);

/*
 * Moves `places` (samlc_place_t *, where their names put them) as `moves` (samlc_move_t) ask for by
 * `now`, in the order of their times. `is_own`: they are those of a key set. Returns when the next
 * of them falls due, 0 if none does.
 */
apr_time_t samlc_moves_apply(const apr_array_header_t *places, const apr_array_header_t *moves,
                             int is_own, apr_time_t now, apr_pool_t *p);

/*
 * The first RetireAt that leaves a key set without an active key, now or some day; NULL if none
 * does. `places` as before samlc_moves_apply; they are not moved.
 */
const samlc_move_t *samlc_moves_find_outage(const apr_array_header_t *places,
                                            const apr_array_header_t *moves, apr_pool_t *p);

/* The place with this stem; NULL if there is no such file. */
samlc_place_t *samlc_moves_find_place(const apr_array_header_t *places, const char *stem);

/* The place of what is in this slot of a key set, or of an IdP; NULL if there is none. */
const samlc_place_t *samlc_moves_find_slot(const apr_array_header_t *places,
                                           samlc_trust_slot_t slot);

/* The name of the setting: "ActivateAt", "RetireAt"; "promote" as the overlay has it. */
const char *samlc_move_word(samlc_move_kind_t kind);

/* A slot among our own keys: "next", "active", "retiring", "gone"; and the reverse. */
const char *samlc_moves_own_word(samlc_trust_slot_t slot);
samlc_trust_slot_t samlc_moves_own_slot(samlc_own_role_t role);

#endif
