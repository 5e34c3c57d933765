/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The archive: copies of generations in the state directory. The last good one serves when the
 * trust directory can't be loaded at a start.
 *
 *   generations/DIGEST/files/PATH   the files it was loaded from, each under its full path
 *   generations/DIGEST/about        `name value` lines: digest, number, accepted (a time),
 *                                   trust-dir, reason, author, before (the digest that it replaced)
 *                                   and a `difference` line for each thing that changed
 *   generations/current             a link to the DIGEST that was accepted last
 *
 * A copy counts only if it still has the digest in its name, which a load of it tells. `current`
 * counts because it is taken away before another generation is put in use, and set when the copy of
 * that one is complete. In between there is none: to serve nothing is better than to serve what was
 * replaced, for it may have been replaced because of what it trusts.
 *
 * Copies hold private keys: all of it is 0700 and 0600. But those that only the key broker may read
 * are left out (`about` names them): a load takes them from where they are, and the digest tells if
 * they have changed meanwhile. All functions are safe for concurrent use,
 * by several processes too.
 */
#ifndef SAMLC_HISTORY_ARCHIVE_H
#define SAMLC_HISTORY_ARCHIVE_H

#include "core/reload/snapshot.h"

typedef struct samlc_archive_t samlc_archive_t;

/* A generation that is kept. */
typedef struct samlc_archived_t {
    const char *digest_hex;
    apr_uint64_t number;
    apr_time_t accepted_at;        /* in seconds */
    const char *trust_dir;         /* where it came from */
    /*
     * "start" (nothing was kept before), "edit" (files were changed), or what samlcertctl noted in
     * the record of changes: "rollback 41". NULL: an old copy does not say.
     */
    const char *reason;
    const char *author;            /* as samlcertctl noted; NULL: not known */
    const char *before_hex;        /* what was kept before it; NULL: nothing that could be loaded */
    apr_array_header_t *differences;   /* from that one, const char *: sentences */
} samlc_archived_t;

/*
 * The archive in `dir`, STATE/generations, which the first save makes. It keeps `max` generations.
 */
samlc_archive_t *samlc_archive_make(const char *dir, int max, apr_pool_t *p);

const char *samlc_archive_dir(const samlc_archive_t *archive);

/*
 * Keeps a generation that was loaded from `source`: copies its files aside, loads the copy,
 * compares the digest, and renames. A copy that is there and good is not made again. The oldest
 * beyond the limit are removed. It takes a little longer than a load. APR_STATUS_IS_EAGAIN: the
 * files are no longer those of `snapshot`, another process is saving, or source->is_stopped.
 */
apr_status_t samlc_archive_save(const samlc_archive_t *archive, const samlc_source_t *source,
                                const samlc_snapshot_t *snapshot, samlc_result_t *res,
                                apr_pool_t *p);

/* The generation with this digest is kept, and was accepted last: `current` names it. */
apr_status_t samlc_archive_set_current(const samlc_archive_t *archive, const char *digest_hex,
                                       samlc_result_t *res, apr_pool_t *p);

/*
 * The generation with this digest is about to be put in use: if `current` names another one it is
 * taken away, for good before this returns. NULL: whatever it names. TRUE if it named another one.
 */
int samlc_archive_withdraw(const samlc_archive_t *archive, const char *digest_hex, apr_pool_t *p);

/* What `current` names; NULL if there is none, or if we could not have taken it away. */
const char *samlc_archive_current(const samlc_archive_t *archive, apr_pool_t *p);

/*
 * Loads the copy with this digest. It must come from the trust directory of `source`, and is judged
 * with the sections of `source` and by `now`, as a load of the files would be: what moves by then
 * has moved, and the digest is that of its acceptance all the same. is_archived and number are set.
 */
apr_status_t samlc_archive_load(samlc_snapshot_t **snapshot, const samlc_archive_t *archive,
                                const samlc_source_t *source, const char *digest_hex,
                                apr_time_t now, samlc_result_t *res, apr_pool_t *p);

/* What is known of the copy with this digest. APR_STATUS_IS_ENOENT if there is none. */
apr_status_t samlc_archive_describe(samlc_archived_t *about, const samlc_archive_t *archive,
                                    const char *digest_hex, samlc_result_t *res, apr_pool_t *p);

/* Reads what an `about` file says: malformed unless it has a digest and a trust directory. */
apr_status_t samlc_archive_parse_about(samlc_archived_t *about, const samlc_data_t *file,
                                       samlc_result_t *res, apr_pool_t *p);

/*
 * Reads one file of the copy with this digest: `path` is where the original was. No link, and
 * owned by whoever owns the archive: what they could not read is not read for them. They can
 * exchange it at any moment, so what is made of such files must be proved by its digest.
 */
apr_status_t samlc_archive_read(samlc_data_t *out, const samlc_archive_t *archive,
                                const samlc_source_t *source, const char *digest_hex,
                                const char *path, samlc_result_t *res, apr_pool_t *p);

/*
 * All that are kept (samlc_archived_t), those accepted last first; what can't be read is left out.
 */
apr_array_header_t *samlc_archive_list(const samlc_archive_t *archive, apr_pool_t *p);

#endif
