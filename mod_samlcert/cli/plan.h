/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the trust directory that concern moves: which files and which lines, all or nothing.
 */
#ifndef SAMLC_CLI_PLAN_H
#define SAMLC_CLI_PLAN_H

#include "cli/commands.h"
#include "core/history/change.h"
#include "core/trust/moves.h"

/* A change under way, with the trust directory as it is. */
typedef struct ctl_plan_t {
    ctl_t *ctl;
    samlc_source_t source;
    samlc_change_t *change;
    samlc_snapshot_t *before;        /* as of ctl->now */
    apr_array_header_t *steps;       /* const char *: what is to be done, for people */
    samlc_result_t *res;
} ctl_plan_t;

/* Takes the lock and loads what there is. */
apr_status_t ctl_plan_begin(ctl_plan_t *plan, ctl_t *ctl, samlc_result_t *res);

/* Notes a step. */
void ctl_plan_say(ctl_plan_t *plan, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* TRUE if there is a file or directory of this name that counts. */
int ctl_plan_has(const ctl_plan_t *plan, const char *name);

/* Reads a file of the trust directory; one that is not there is empty. */
apr_status_t ctl_plan_read(samlc_data_t *file, const ctl_plan_t *plan, const char *name);

/* What is to become of a line with a move. */
typedef enum { CTL_LINE_KEEP, CTL_LINE_DROP, CTL_LINE_REPLACE } ctl_line_t;

/* Decides it; *instead is the line for REPLACE, without its end. */
typedef ctl_line_t ctl_decide_t(const char **instead, void *baton, const samlc_move_t *move,
                                apr_pool_t *p);

/*
 * idp.conf or keys.conf with other moves: each line with ActivateAt or RetireAt is decided, all
 * else stays as it is, byte by byte. NULL if nothing changes.
 */
const char *ctl_plan_edit(const samlc_data_t *file, ctl_decide_t *decide, void *baton,
                          apr_pool_t *p);

/* Puts a text in place of a file. */
apr_status_t ctl_plan_put(ctl_plan_t *plan, const char *name, const char *text);

/*
 * Does it, if `rv` is APR_SUCCESS and it is not only to be shown, with `reason` in the record of
 * changes; then prints the steps. Returns the exit code.
 */
int ctl_plan_end(ctl_plan_t *plan, apr_status_t rv, const char *reason);

#endif
