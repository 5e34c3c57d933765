/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A change of the trust directory by a tool: all of it or nothing, whenever the process ends.
 *
 *   begin      takes the lock of the trust directory, which the server respects
 *   put, move, remove   say what is to be; nothing is written yet
 *   check      stages the new files in TRUST/.change-XXXXXX and loads what would come
 *   commit     puts the list of what is to be done in place, TRUST/.journal, and does it
 *   end        lets go of the lock
 *
 * The rename that makes .journal is the point from which the change counts: all that it needs is
 * on disk then. If the process ends before, nothing has happened. If it ends after, the scan
 * refuses the trust directory while .journal is there, so the server keeps what it has; and
 * samlc_change_recover, or the next begin, does the rest.
 *
 * A name is relative to the trust directory ("idp/one/primary.pem"). Neither it nor a directory of
 * it may be a symbolic link or lie on another file system.
 */
#ifndef SAMLC_HISTORY_CHANGE_H
#define SAMLC_HISTORY_CHANGE_H

#include "core/base/text.h"
#include "core/history/record.h"
#include "core/reload/snapshot.h"

typedef struct samlc_change_t samlc_change_t;

/*
 * Begins a change of the files of `source`; first it carries out one that was interrupted
 * (samlc_change_has_recovered tells). Waits some seconds for the lock: APR_STATUS_IS_EAGAIN if
 * somebody else keeps it. The pool ends it, too.
 */
apr_status_t samlc_change_begin(samlc_change_t **change, const samlc_source_t *source,
                                samlc_result_t *res, apr_pool_t *p);

int samlc_change_has_recovered(const samlc_change_t *change);

/* What was there at the beginning; without files outside the trust directory. */
const samlc_scan_t *samlc_change_scan(const samlc_change_t *change);

/*
 * Replaces a file, or makes it, and the directories that it needs. The content must live as long as
 * the change. Owner and permissions stay; a new file is readable by everybody, a new key has those
 * of another key of its set, else it is for root and the group of its directory.
 */
apr_status_t samlc_change_put(samlc_change_t *change, const char *name,
                              const samlc_data_t *content, samlc_result_t *res);

/* Renames a file, as it is after what was said before, over what is there. */
apr_status_t samlc_change_move(samlc_change_t *change, const char *from, const char *to,
                               samlc_result_t *res);

/* Removes a file, or a directory that is empty then. */
apr_status_t samlc_change_remove(samlc_change_t *change, const char *name, samlc_result_t *res);

/*
 * Loads what would come, as of `now`; the caller destroys it. Messages name the files where they
 * will be. May be called again after more was said.
 */
apr_status_t samlc_change_check(samlc_snapshot_t **candidate, samlc_change_t *change,
                                apr_time_t now, samlc_result_t *res);

/*
 * Does it, and adds `records` (samlc_record_t, in order; may be empty) to the record of changes.
 * Only what the last check loaded is committed. APR_STATUS_IS_EAGAIN if somebody changed the files
 * meanwhile: nothing has happened then. Any other failure says whether it counts.
 */
apr_status_t samlc_change_commit(samlc_change_t *change, const apr_array_header_t *records,
                                 samlc_result_t *res);

/* Removes what was staged and releases the lock. */
void samlc_change_end(samlc_change_t *change);

/* Carries out a change that was interrupted; *was_needed tells whether there was one. */
apr_status_t samlc_change_recover(int *was_needed, const samlc_source_t *source,
                                  samlc_result_t *res, apr_pool_t *p);

#endif
