/* SPDX-License-Identifier: Apache-2.0 */
/* A look at all files of a source that is kept, to be compared with the next one. */
#ifndef SAMLC_RELOAD_SIGHT_H
#define SAMLC_RELOAD_SIGHT_H

#include <apr_time.h>

#include "core/reload/source.h"

/* In a pool of its own: kept as long as it is needed and no longer. Zeroed: nothing was seen. */
typedef struct samlc_sight_t {
    apr_pool_t *pool;
    samlc_scan_t *scan;
} samlc_sight_t;

/* Looks by samlc_source_scan, and drops what was seen before. The pool's parent is `parent`. */
apr_status_t samlc_sight_take(samlc_sight_t *sight, const samlc_source_t *source,
                              const apr_array_header_t *outside, samlc_result_t *res,
                              apr_pool_t *parent);

void samlc_sight_drop(samlc_sight_t *sight);

/* *to is what *from was, and *from is dropped. */
void samlc_sight_move(samlc_sight_t *to, samlc_sight_t *from);

/*
 * TRUE if all of it (samlc_seen_t) is as it was seen: stats, and no lock. Each new name changes its
 * directory.
 */
int samlc_sight_are_unchanged(const apr_array_header_t *seen);

/*
 * Until when an edit of these files could leave their times as they are, since a file system's
 * clock ticks slowly; 0: no longer.
 */
apr_time_t samlc_sight_unsettled_until(const samlc_scan_t *scan, apr_time_t now);

#endif
