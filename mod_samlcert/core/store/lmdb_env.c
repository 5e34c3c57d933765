/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/lmdb_env.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/store/store.h"

#define FILE_NAME "store.mdb"     /* LMDB adds store.mdb-lock */
#define LOCK_SUFFIX "-lock"
#define FILE_MODE 0600
#define MAX_READERS 4096          /* transactions under way at once, in all processes */
#define READER_LEN 64             /* of each in the lock file, and as much for its head */
#define DATABASES 5
#define FORMAT "1"

/* All that this process has open. LMDB's file locks belong to the process: closing one of two
 * environments on the same file would drop those of the other. */
static samlc_lmdb_env_t *open_stores = NULL;
static pthread_mutex_t open_stores_lock = PTHREAD_MUTEX_INITIALIZER;

apr_status_t samlc_lmdb_fail(const samlc_lmdb_env_t *e, int rc, samlc_result_t *res)
{
    apr_status_t status = rc > 0 ? APR_FROM_OS_ERROR(rc) : APR_EGENERAL;

    switch (rc) {
    case MDB_MAP_FULL:
        return samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_REPLAY_STORE_UNAVAILABLE,
                                 "%s is full: raise SamlCertStoreSize", e->path);
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND:
    case MDB_PANIC:
        return samlc_result_fail(res, status, SAMLC_REASON_REPLAY_STORE_UNAVAILABLE,
                                 "%s is damaged: stop the server, move the file away and start "
                                 "again; sessions and the memory of used assertions are lost",
                                 e->path);
    default:
        return samlc_result_fail(res, status, SAMLC_REASON_REPLAY_STORE_UNAVAILABLE, "%s: %s",
                                 e->path, mdb_strerror(rc));
    }
}

static void leave_read_only(samlc_lmdb_env_t *e);

/* Another process, with a larger SamlCertStoreSize, let the file grow beyond our map. */
static int adopt_map_size(samlc_lmdb_env_t *e)
{
    int rc = 0;

    pthread_rwlock_wrlock(&e->map_lock);
    rc = mdb_env_set_mapsize(e->env, 0);
    pthread_rwlock_unlock(&e->map_lock);
    return rc;
}

/* Nobody has this file open by way of LMDB's lock file, whose locks a close would drop. */
static int is_writable(const char *path)
{
    int fd = open(path, O_RDWR | O_CLOEXEC);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static int try_begin(MDB_txn **txn, samlc_lmdb_env_t *e, unsigned int flags)
{
    int rc = 0;

    pthread_rwlock_rdlock(&e->map_lock);
    if (!e->env || (atomic_load(&e->is_read_only) && !(flags & MDB_RDONLY))) {
        rc = EROFS;
    }
    else {
        rc = mdb_txn_begin(e->env, NULL, flags, txn);
    }
    if (rc != MDB_SUCCESS) {
        *txn = NULL;
        pthread_rwlock_unlock(&e->map_lock);
    }
    return rc;
}

int samlc_lmdb_begin(MDB_txn **txn, samlc_lmdb_env_t *e, unsigned int flags)
{
    int rc = MDB_SUCCESS;

    if (atomic_load(&e->is_read_only) && is_writable(e->path)) {
        leave_read_only(e);
    }
    rc = try_begin(txn, e, flags);
    if (rc == MDB_MAP_RESIZED) {
        rc = adopt_map_size(e);
        return rc == MDB_SUCCESS ? try_begin(txn, e, flags) : rc;
    }
    if (rc == MDB_READERS_FULL) {
        rc = mdb_reader_check(e->env, NULL);      /* dead processes may hold places */
        return rc == MDB_SUCCESS ? try_begin(txn, e, flags) : rc;
    }
    return rc;
}

int samlc_lmdb_finish(samlc_lmdb_env_t *e, MDB_txn *txn, int rc)
{
    if (rc == MDB_SUCCESS) {
        rc = mdb_txn_commit(txn);
    }
    else {
        mdb_txn_abort(txn);
    }
    pthread_rwlock_unlock(&e->map_lock);
    return rc;
}

/* FALSE if this process has the directory open already. Entries of the parent, seen after a
 * fork, do not count. */
static int register_store(samlc_lmdb_env_t *e)
{
    const samlc_lmdb_env_t *other = NULL;

    pthread_mutex_lock(&open_stores_lock);
    for (other = open_stores; other; other = other->next) {
        if (other->pid == e->pid && other->device == e->device && other->inode == e->inode) {
            break;
        }
    }
    if (!other) {
        e->next = open_stores;
        open_stores = e;
    }
    pthread_mutex_unlock(&open_stores_lock);
    return other == NULL;
}

static void unregister_store(samlc_lmdb_env_t *e)
{
    samlc_lmdb_env_t **at = NULL;

    pthread_mutex_lock(&open_stores_lock);
    for (at = &open_stores; *at; at = &(*at)->next) {
        if (*at == e) {
            *at = e->next;
            break;
        }
    }
    pthread_mutex_unlock(&open_stores_lock);
}

static void close_environment(samlc_lmdb_env_t *e)
{
    if (e->env) {
        mdb_env_close(e->env);
    }
    e->env = NULL;
}

/* In a process forked from the one that opened the store nothing may be closed: that would drop the
 * file locks of the store that this process may have opened for itself. */
static apr_status_t close_store(void *data)
{
    samlc_lmdb_env_t *e = data;

    unregister_store(e);
    if (e->pid == getpid()) {
        close_environment(e);
        pthread_rwlock_destroy(&e->map_lock);
    }
    return APR_SUCCESS;
}

/* Values that begin with a time never begin with zeros, as those of a lost page do. */
static int is_lost(const MDB_val *v)
{
    return v->mv_size < SAMLC_STORE_U64_LEN || samlc_store_get_u64(v->mv_data) == 0;
}

/* Reads a whole database, so that a page that is not what it should be is found. */
static int walk(MDB_txn *txn, MDB_dbi dbi, int has_times)
{
    MDB_cursor *cursor = NULL;
    MDB_val k;
    MDB_val v;
    int rc = mdb_cursor_open(txn, dbi, &cursor);

    if (rc != MDB_SUCCESS) {
        return rc;
    }
    while ((rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == MDB_SUCCESS) {
        if (has_times && is_lost(&v)) {
            rc = MDB_CORRUPTED;
            break;
        }
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

static int walk_all(samlc_lmdb_env_t *e, MDB_txn *txn)
{
    MDB_txn *reading = NULL;
    int rc = mdb_txn_begin(e->env, NULL, MDB_RDONLY, &reading);

    if (rc != MDB_SUCCESS) {
        return rc;
    }
    rc = walk(reading, SAMLC_LMDB_FREE_DBI, 0);   /* LMDB shows it to readers only */
    mdb_txn_abort(reading);
    if (rc == MDB_SUCCESS) {
        rc = walk(txn, e->items, 1);
    }
    if (rc == MDB_SUCCESS) {
        rc = walk(txn, e->claims, 1);
    }
    if (rc == MDB_SUCCESS) {
        rc = walk(txn, e->expiry, 0);
    }
    return rc == MDB_SUCCESS ? walk(txn, e->users, 0) : rc;
}

/* Opens the databases, or creates them in a file that is empty; *format is what the file says, NULL
 * if it is none of ours. */
static int open_databases(const char **format, samlc_lmdb_env_t *e, MDB_txn *txn, apr_pool_t *p)
{
    const struct {
        const char *name;
        unsigned int flags;
        MDB_dbi *dbi;
    } databases[DATABASES] = {
        { "meta", 0, &e->meta },
        { "items", 0, &e->items },
        { "claims", 0, &e->claims },
        { "expiry", 0, &e->expiry },
        { "users", MDB_DUPSORT | MDB_DUPFIXED, &e->users },
    };
    MDB_val k = samlc_lmdb_val("format", strlen("format"));
    MDB_val v = samlc_lmdb_val(FORMAT, strlen(FORMAT));
    MDB_stat stat;
    MDB_dbi top = 0;
    unsigned int create = 0;
    int rc = mdb_dbi_open(txn, NULL, 0, &top);
    int i;

    *format = NULL;
    if (rc == MDB_SUCCESS) {
        rc = mdb_stat(txn, top, &stat);
    }
    if (rc == MDB_SUCCESS && stat.ms_entries == 0 && !atomic_load(&e->is_read_only)) {
        create = MDB_CREATE;
    }
    for (i = 0; i < DATABASES && rc == MDB_SUCCESS; i++) {
        rc = mdb_dbi_open(txn, databases[i].name, databases[i].flags | create, databases[i].dbi);
    }
    if (rc == MDB_SUCCESS && create) {
        rc = mdb_put(txn, e->meta, &k, &v, 0);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_get(txn, e->meta, &k, &v);
    }
    if (rc == MDB_SUCCESS) {
        *format = apr_pstrmemdup(p, v.mv_data, v.mv_size);
    }
    return rc == MDB_NOTFOUND || rc == MDB_INCOMPATIBLE ? MDB_SUCCESS : rc;
}

/*
 * A page of the map that the file lacks is SIGBUS to who reads it. The file is made as long as
 * it says it is, so that such a page reads as zeros, which LMDB calls damage; *was holds the
 * length before. Being short is not damage by itself: LMDB does not write a page that it took
 * and freed at once. On a disk that is read-only it is what cannot be told from damage.
 */
static int lengthen(off_t *was, samlc_lmdb_env_t *e, int fd)
{
    MDB_envinfo info;
    MDB_stat stat;
    struct stat st;
    off_t length = 0;

    mdb_env_info(e->env, &info);
    mdb_env_stat(e->env, &stat);
    *was = -1;
    if (fstat(fd, &st) != 0) {
        return errno;
    }
    length = (off_t)(info.me_last_pgno + 1) * stat.ms_psize;
    if (st.st_size < length && atomic_load(&e->is_read_only)) {
        return EROFS;
    }
    if (st.st_size < length) {
        *was = st.st_size;
        return ftruncate(fd, length) == 0 ? MDB_SUCCESS : errno;
    }
    return MDB_SUCCESS;
}

/* While nobody else in this process uses the environment: no map_lock. */
static int begin_alone(MDB_txn **txn, samlc_lmdb_env_t *e)
{
    unsigned int flags = atomic_load(&e->is_read_only) ? MDB_RDONLY : 0;
    int rc = mdb_txn_begin(e->env, NULL, flags, txn);

    if (rc == MDB_MAP_RESIZED) {
        rc = mdb_env_set_mapsize(e->env, 0);
        return rc == MDB_SUCCESS ? mdb_txn_begin(e->env, NULL, flags, txn) : rc;
    }
    return rc;
}

static int finish_alone(MDB_txn *txn, int rc)
{
    if (rc == MDB_SUCCESS) {
        return mdb_txn_commit(txn);
    }
    mdb_txn_abort(txn);
    return rc;
}

/* With the write lock held: nobody else opens the store, or lets it grow, while it is looked at. */
static apr_status_t open_contents(samlc_lmdb_env_t *e, int fd, samlc_result_t *res, apr_pool_t *p)
{
    const char *format = NULL;
    MDB_txn *txn = NULL;
    off_t was = -1;
    int rc = begin_alone(&txn, e);

    if (rc != MDB_SUCCESS) {
        return samlc_lmdb_fail(e, rc, res);
    }
    rc = lengthen(&was, e, fd);
    if (rc == MDB_SUCCESS) {
        rc = open_databases(&format, e, txn, p);
    }
    if (rc == MDB_SUCCESS && (!format || strcmp(format, FORMAT) != 0)) {
        rc = MDB_VERSION_MISMATCH;
    }
    if (rc == MDB_SUCCESS && was >= 0) {
        rc = walk_all(e, txn);
    }
    if (rc != MDB_SUCCESS && was >= 0 && ftruncate(fd, was) != 0) {
        rc = errno;               /* short again, so that the next one to open it looks, too */
    }
    rc = finish_alone(txn, rc);
    if (rc == MDB_VERSION_MISMATCH) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_REPLAY_STORE_UNAVAILABLE,
                                 "%s has the format %s and not " FORMAT
                                 ", which this version reads",
                                 e->path, samlc_text_show(format, p));
    }
    return rc == MDB_SUCCESS ? APR_SUCCESS : samlc_lmdb_fail(e, rc, res);
}

/*
 * Readers enter themselves in the lock file by way of the map, and LMDB makes that a sparse file:
 * on a disk that has become full meanwhile the first to need a new page would die of SIGBUS. So the
 * disk gives all of it at once, and before LMDB has the file open: closing it again drops the locks
 * of this process. What goes wrong for other reasons is for LMDB to say.
 */
static int allocate_lock_file(const samlc_lmdb_env_t *e, apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, e->path, LOCK_SUFFIX, NULL);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    int rc = MDB_SUCCESS;

    if (fd < 0) {
        return MDB_SUCCESS;
    }
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)(MAX_READERS + 1) * READER_LEN) != 0
        && (errno == ENOSPC || errno == EDQUOT)) {
        rc = errno;
    }
    close(fd);
    return rc;
}

/* Opens as e->is_read_only says; a failure leaves an environment to close. */
static apr_status_t open_environment(samlc_lmdb_env_t *e, samlc_result_t *res, apr_pool_t *p)
{
    int is_read_only = atomic_load(&e->is_read_only);
    unsigned int flags = MDB_NOSUBDIR | MDB_NOTLS | MDB_NOSYNC | (is_read_only ? MDB_RDONLY : 0);
    int fd = -1;
    int rc = mdb_env_create(&e->env);

    if (rc == MDB_SUCCESS) {
        rc = mdb_env_set_maxdbs(e->env, DATABASES);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_set_maxreaders(e->env, MAX_READERS);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_set_mapsize(e->env, e->map_size);
    }
    if (rc == MDB_SUCCESS && !is_read_only) {
        rc = allocate_lock_file(e, p);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_open(e->env, e->path, flags, FILE_MODE);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_get_fd(e->env, &fd);
    }
    if (rc == MDB_SUCCESS && fcntl(fd, F_SETFD, FD_CLOEXEC) != 0) {
        rc = errno;               /* LMDB forgets this one: CGI programs would inherit sessions */
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_reader_check(e->env, NULL);
    }
    return rc == MDB_SUCCESS ? open_contents(e, fd, res, p) : samlc_lmdb_fail(e, rc, res);
}

/*
 * For reading and writing, or on a disk that has become read-only for reading alone: sessions go
 * on, and all that has to be written fails. Readers need no lock file where nobody can write.
 */
static apr_status_t open_as_it_goes(samlc_lmdb_env_t *e, samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_EGENERAL;

    atomic_store(&e->is_read_only, 0);
    rv = open_environment(e, res, p);
    if (APR_TO_OS_ERROR(rv) == EROFS) {
        close_environment(e);
        atomic_store(&e->is_read_only, 1);
        rv = open_environment(e, res, p);
    }
    if (rv != APR_SUCCESS) {
        close_environment(e);
    }
    return rv;
}

/* The disk can be written again, perhaps by others already, from whom nothing keeps us apart. */
static void leave_read_only(samlc_lmdb_env_t *e)
{
    apr_pool_t *p = NULL;

    apr_pool_create(&p, NULL);
    pthread_rwlock_wrlock(&e->map_lock);
    if (atomic_load(&e->is_read_only)) {
        close_environment(e);
        if (open_as_it_goes(e, samlc_result_make(p), p) != APR_SUCCESS) {
            atomic_store(&e->is_read_only, 1);    /* the next transaction tries again */
        }
    }
    pthread_rwlock_unlock(&e->map_lock);
    apr_pool_destroy(p);
}

apr_status_t samlc_lmdb_env_open(samlc_lmdb_env_t **env, const char *dir, apr_size_t map_size,
                                 samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_EGENERAL;
    samlc_lmdb_env_t *e = apr_pcalloc(p, sizeof(*e));
    apr_size_t page = (apr_size_t)sysconf(_SC_PAGESIZE);
    struct stat st;

    *env = NULL;
    e->path = apr_pstrcat(p, dir, "/" FILE_NAME, NULL);
    e->pid = getpid();
    if (stat(dir, &st) != 0) {
        return samlc_lmdb_fail(e, errno, res);
    }
    e->device = st.st_dev;
    e->inode = st.st_ino;
    if (!register_store(e)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_REPLAY_STORE_UNAVAILABLE,
                                 "%s is open in this process already", e->path);
    }
    pthread_rwlock_init(&e->map_lock, NULL);
    e->map_size = (map_size + page - 1) / page * page;
    rv = open_as_it_goes(e, res, p);
    if (rv != APR_SUCCESS) {
        close_store(e);
        return rv;
    }
    apr_pool_cleanup_register(p, e, close_store, apr_pool_cleanup_null);
    *env = e;
    return APR_SUCCESS;
}
