/* SPDX-License-Identifier: Apache-2.0 */
/* The embedded store: LMDB in the state directory. */
#ifndef SAMLC_STORE_LMDB_H
#define SAMLC_STORE_LMDB_H

#include "core/store/store.h"

/*
 * Opens (and creates, 0600) store.mdb in directory `dir`, which must exist. `map_size` bounds it,
 * in bytes; the last 128 pages are kept back for expire, which could not make room without them.
 * Call in each child after the fork, once per directory and process (LMDB's rule): a second time
 * fails. The pool closes it. Stale readers are cleared here and by expire. A file of another
 * format, and one that is damaged as far as that can be seen, is refused by name.
 */
apr_status_t samlc_lmdb_open(samlc_store_t **store, const char *dir, apr_size_t map_size,
                             samlc_result_t *res, apr_pool_t *p);

#endif
