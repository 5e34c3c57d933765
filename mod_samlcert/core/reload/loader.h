/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The reload: detect, load, validate, build, swap, retire, report. One loader per source and
 * process; it owns the slot. All functions are safe for concurrent use; one load runs at a time.
 */
#ifndef SAMLC_RELOAD_LOADER_H
#define SAMLC_RELOAD_LOADER_H

#include <apr_thread_mutex.h>

#include "core/reload/slot.h"
#include "core/reload/source.h"

typedef struct samlc_loader_t samlc_loader_t;

/* What the loader tells its owner, once per event. */
typedef enum {
    SAMLC_LOADER_ACCEPTED,     /* a new generation is in use: `snapshot` */
    /* a candidate was refused: `res` says why; the old one keeps serving */
    SAMLC_LOADER_REFUSED,
    SAMLC_LOADER_RECOVERED,    /* after a refusal the files are what is in use again */
    /* after a refusal: `snapshot` lacks what its files no longer hold (see withdraw.h) */
    SAMLC_LOADER_WITHDRAWN
} samlc_loader_event_t;

typedef struct samlc_loader_hooks_t {
    void *baton;
    /*
     * Gives an accepted generation its number, before it is swapped in; may be NULL. A failure
     * leaves 0.
     */
    apr_status_t (*number)(void *baton, samlc_snapshot_t *snapshot, apr_pool_t *p);
    /*
     * Whether `candidate` may replace `present` (NULL: none), before it is numbered; may be NULL. A
     * failure refuses it as a broken file would.
     */
    apr_status_t (*judge)(void *baton, const samlc_snapshot_t *present, samlc_snapshot_t *candidate,
                          apr_time_t now, samlc_result_t *res, apr_pool_t *p);
    /* Told of events, under the loader's mutex: log and copy, do not call back. May be NULL. */
    void (*report)(void *baton, samlc_loader_event_t event, const samlc_snapshot_t *snapshot,
                   const samlc_result_t *res, apr_pool_t *p);
    /*
     * A generation to serve when a start finds no files that can be loaded, until there are; NULL:
     * none. Called under the mutex, while nothing is in use, before the refusal is told. May be
     * NULL.
     */
    samlc_snapshot_t *(*last_good)(void *baton, apr_time_t now, apr_pool_t *p);
} samlc_loader_hooks_t;

/* `source` and `hooks` (copied) must live as long as the loader. */
apr_status_t samlc_loader_make(samlc_loader_t **loader, const samlc_source_t *source,
                               const samlc_loader_hooks_t *hooks, samlc_result_t *res,
                               apr_pool_t *p);

/*
 * Loads now and unconditionally; for the start of the server and of a child. It fails where the
 * files can't be loaded, even if the last good generation serves instead. Where there is none it
 * tries again for a second: an edit may be under way.
 */
apr_status_t samlc_loader_load(samlc_loader_t *loader, apr_time_t now, samlc_result_t *res,
                               apr_pool_t *p);

/*
 * The watchdog's look. A change is loaded when two looks in a row saw the same, or at once when a
 * writer has just released .lock; a refused set is tried again when it changes, and with backoff
 * even if not. When a move falls due (next_move_at) all is loaded anew. `p` is scratch.
 */
void samlc_loader_poll(samlc_loader_t *loader, apr_time_t now, apr_pool_t *p);

/*
 * The look at use: before a login trusts `idp` (of `snapshot`; NULL: an IdP that is not known, look
 * at everything, but not more than ten times a second). If its files look different, or a move is
 * due, the change is loaded at once. TRUE if the present generation is another one afterwards: the
 * caller acquires it anew.
 */
int samlc_loader_look(samlc_loader_t *loader, const samlc_snapshot_t *snapshot,
                      const samlc_idp_t *idp, apr_time_t now, apr_pool_t *p);

samlc_slot_t *samlc_loader_slot(samlc_loader_t *loader);

#endif
