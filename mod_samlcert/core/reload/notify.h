/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Events of the kernel (inotify) that spare a look at files which did not change. They are never
 * the ground truth: whatever they can't tell is looked at, and everything is, every few seconds.
 */
#ifndef SAMLC_RELOAD_NOTIFY_H
#define SAMLC_RELOAD_NOTIFY_H

#include "core/reload/source.h"

typedef struct samlc_notify_t samlc_notify_t;

/* NULL where the system has no events, or none left. One user at a time, except for is_quiet. */
samlc_notify_t *samlc_notify_make(apr_pool_t *p);

/*
 * Watches the directories of a scan, and no others any more. FALSE, and nothing is watched, if
 * events can't be relied on: a file system that others may write to, several file systems, too many
 * directories, one that is gone. What happens from here on is reported.
 */
int samlc_notify_watch(samlc_notify_t *notify, const samlc_scan_t *scan, apr_pool_t *ptemp);

/*
 * What of a scan no event tells of (samlc_seen_t, in `p`): the trust directory itself, which may be
 * replaced by what is above it, symbolic links, files with several names and files outside.
 */
apr_array_header_t *samlc_notify_exceptions(const samlc_scan_t *scan, apr_pool_t *p);

/* TRUE if nothing was reported since the last drain. One system call; any thread. */
int samlc_notify_is_quiet(const samlc_notify_t *notify);

/* Forgets what was reported. */
void samlc_notify_drain(samlc_notify_t *notify);

#endif
