/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the children tell each other: which generation each of them has, what the last reload said,
 * and how many logins ended how. Shared memory of the whole server; it outlives graceful restarts.
 */
#ifndef MOD_SAMLC_SCOREBOARD_H
#define MOD_SAMLC_SCOREBOARD_H

#include <apr_tables.h>

#include "core/report.h"

typedef struct mod_samlc_board_t mod_samlc_board_t;

/* The place of one child, for one realm. All functions accept NULL where there was none left. */
typedef struct mod_samlc_seat_t mod_samlc_seat_t;

/*
 * The board of this server: made on the first call, found on later ones. `process` is
 * s->process->pool.
 */
apr_status_t mod_samlc_board_get(mod_samlc_board_t **board, apr_pool_t *process);

/*
 * Takes a place for this child and the realm with this number; the pool gives it back. Places of
 * children that died are taken over. `*seat` is NULL if there is none left.
 */
void mod_samlc_board_sit_child(mod_samlc_seat_t **seat, mod_samlc_board_t *board,
                               apr_uint64_t realm, apr_pool_t *pchild);

/* What became of a load. One caller at a time for a seat (the loader's mutex). */
void mod_samlc_seat_accepted(mod_samlc_seat_t *seat, const samlc_snapshot_t *snapshot);
void mod_samlc_seat_refused(mod_samlc_seat_t *seat, const samlc_result_t *res, apr_time_t now);
void mod_samlc_seat_recovered(mod_samlc_seat_t *seat);

/* The last good generation serves, from the archive; more may be told by mod_samlc_seat_refused. */
void mod_samlc_seat_restored(mod_samlc_seat_t *seat, const samlc_snapshot_t *snapshot);

/*
 * Which generation was accepted last, by whatever child: announced before it is put in use, and
 * before the archive's `current` is withdrawn. is_last is also TRUE if none was announced since the
 * server was started, and FALSE for a child without a place.
 */
void mod_samlc_seat_announce(mod_samlc_seat_t *seat, const char *digest_hex);
int mod_samlc_seat_is_last(const mod_samlc_seat_t *seat, const char *digest_hex);

/*
 * Which generation the archive's `current` names, as far as children of this server know. `kept` is
 * TRUE if a failure to keep one was elected before.
 */
int mod_samlc_seat_kept(mod_samlc_seat_t *seat, const char *digest_hex);
void mod_samlc_seat_unkept(mod_samlc_seat_t *seat);
int mod_samlc_seat_is_kept(const mod_samlc_seat_t *seat, const char *digest_hex);

/*
 * Elect the one child that tells the log what all of them see: TRUE for the first that comes with
 * this generation, or with this sentence. *before is the number of the generation that was spoken
 * of before, 0 for none. A generation is also news after a refusal.
 */
int mod_samlc_seat_elect_accepted(mod_samlc_seat_t *seat, const samlc_snapshot_t *snapshot,
                                  apr_uint64_t *before);
int mod_samlc_seat_elect_refused(mod_samlc_seat_t *seat, const char *sentence);
int mod_samlc_seat_elect_recovered(mod_samlc_seat_t *seat);

/* The same for what can't be kept: TRUE for the first that comes with this sentence. */
int mod_samlc_seat_elect_unkept(mod_samlc_seat_t *seat, const char *sentence);

/* The same for what is withdrawn, until a generation is accepted or the files are mended. */
int mod_samlc_seat_elect_withdrawn(mod_samlc_seat_t *seat, const char *sentence);

/*
 * The same for a move of a certificate: TRUE for the first that comes with this sentence since the
 * server was started. Two sentences may share a place, then one of them is told more often.
 */
int mod_samlc_seat_elect_moved(mod_samlc_seat_t *seat, const char *sentence);

/*
 * Fills logins, and children and last_error_* of the report, of this realm, from the children that
 * are alive.
 */
void mod_samlc_board_report(const mod_samlc_board_t *board, apr_uint64_t realm,
                            samlc_status_report_t *report, apr_pool_t *p);

/* How many responses ended with this reason since the server was started. */
void mod_samlc_board_count(mod_samlc_board_t *board, samlc_reason_t reason);

#endif
