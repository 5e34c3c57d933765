/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file under the embedded store: opening, its format, transactions. For store/lmdb.c alone.
 *
 * Five databases in one file. Times are 8 bytes, big endian, so that they sort.
 *
 *   items    key                    -> expires, user, value
 *   claims   key                    -> expires
 *   expiry   expires, kind, key     -> nothing         what to collect next is what comes first
 *   users    user                   -> keys of items   (sorted duplicates)
 *   meta     "format", "generation"
 *
 * Durability: commits are not synced (MDB_NOSYNC), expire syncs about once a second. Killing any
 * process at any moment loses nothing, for a commit is in the kernel's hands. A power loss or a
 * crash of the kernel may lose what was written since the last sync, claims included; and where
 * the file system does not keep the order of writes it may damage the file, which is then
 * refused as far as it can be seen.
 */
#ifndef SAMLC_STORE_LMDB_ENV_H
#define SAMLC_STORE_LMDB_ENV_H

#include <lmdb.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "core/base/result.h"

#define SAMLC_LMDB_FREE_DBI 0     /* LMDB's own list of free pages, for read transactions only */

typedef struct samlc_lmdb_env_t {
    MDB_env *env;
    const char *path;
    MDB_dbi items, claims, expiry, users, meta;

    /* Private to lmdb_env.c. */
    apr_size_t map_size;
    atomic_int is_read_only;      /* opened on a disk that nobody can write: no lock file */
    pthread_rwlock_t map_lock;    /* shared by transactions, exclusive while the map is replaced */
    pid_t pid;                    /* who opened it */
    dev_t device;                 /* of the directory, as is the next */
    ino_t inode;
    struct samlc_lmdb_env_t *next;
} samlc_lmdb_env_t;

/* As samlc_lmdb_open, which see. */
apr_status_t samlc_lmdb_env_open(samlc_lmdb_env_t **env, const char *dir, apr_size_t map_size,
                                 samlc_result_t *res, apr_pool_t *p);

/*
 * Begins a transaction (flags: 0 or MDB_RDONLY), which finish ends. Returns what LMDB says; a
 * map that another process has made larger, places held by dead readers and a disk that was
 * read-only when the store was opened are dealt with.
 */
int samlc_lmdb_begin(MDB_txn **txn, samlc_lmdb_env_t *e, unsigned int flags);

/* Commits if `rc` is MDB_SUCCESS, aborts otherwise; returns what came of it all. */
int samlc_lmdb_finish(samlc_lmdb_env_t *e, MDB_txn *txn, int rc);

/* Puts an error of LMDB into words, as replay-store-unavailable. `rc` is not MDB_SUCCESS. */
apr_status_t samlc_lmdb_fail(const samlc_lmdb_env_t *e, int rc, samlc_result_t *res);

static inline MDB_val samlc_lmdb_val(const void *data, size_t len)
{
    MDB_val v;

    v.mv_data = (void *)data;     /* LMDB does not write through it */
    v.mv_size = len;
    return v;
}

#endif
