/* SPDX-License-Identifier: Apache-2.0 */
/* A generation in memory: immutable once loaded. */
#ifndef SAMLC_RELOAD_SNAPSHOT_H
#define SAMLC_RELOAD_SNAPSHOT_H

#include <apr_hash.h>

#include "core/keys/keyset.h"
#include "core/reload/source.h"
#include "core/trust/idp.h"

/* A generation. */
typedef struct samlc_snapshot_t {
    apr_pool_t *pool;                        /* owns all of this */
    apr_uint64_t number;                     /* 0: not numbered yet */
    unsigned char digest[SAMLC_SHA256_LEN];  /* of names and contents: equal on equal nodes */
    const char *digest_hex;
    unsigned char files_digest[SAMLC_SHA256_LEN];    /* the same, whatever has moved */
    apr_time_t loaded_at;
    int is_archived;                         /* from the archive: the files could not be loaded */
    const samlc_scan_t *scan;
    const apr_array_header_t *outside;       /* files outside the trust directory, const char * */
    const apr_array_header_t *lent;          /* private keys that only the broker may read: paths,
                                                const char *; no copy holds them */
    const apr_array_header_t *idps;          /* samlc_idp_t *, sorted by name */
    apr_hash_t *by_entity;                   /* entity ID -> samlc_idp_t * */
    apr_hash_t *keysets;                     /* name -> samlc_keyset_t * */
    const apr_array_header_t *warnings;      /* const char *: what the administrator should know */
    const apr_array_header_t *moves;         /* samlc_moved_t: certificates that were moved */
    apr_time_t next_move_at;                 /* when the next move falls due: it is to be loaded
                                                anew; 0: none is ahead */
    const apr_array_header_t *withdrawn;     /* const char *: what this one lacks of the generation,
                                                see withdraw.h; NULL or empty: nothing */
    const apr_array_header_t *lost;          /* const char *: what guard rails say; NULL: nothing */
} samlc_snapshot_t;

/*
 * Loads a generation into a pool of its own, with its own allocator. Anything broken refuses it as
 * a whole, with the file named. `now` is the time for judgements made at load and becomes
 * loaded_at. `outside` are the files outside the trust directory that an earlier load named;
 * *outside_seen (may be NULL) receives, in `p`, those that the settings name now, also when the
 * load fails.
 */
apr_status_t samlc_snapshot_load(samlc_snapshot_t **snapshot, const samlc_source_t *source,
                                 const apr_array_header_t *outside,
                                 apr_array_header_t **outside_seen, apr_time_t now,
                                 samlc_result_t *res, apr_pool_t *p);

/* Frees it. */
void samlc_snapshot_destroy(samlc_snapshot_t *snapshot);

/* The IdP with this entity ID or this name; NULL if there is none. */
const samlc_idp_t *samlc_snapshot_idp_by_entity(const samlc_snapshot_t *snapshot,
                                                const char *entity_id);
const samlc_idp_t *samlc_snapshot_idp_by_name(const samlc_snapshot_t *snapshot, const char *name);

/* Our own keys of this set; NULL if there is none. */
const samlc_keyset_t *samlc_snapshot_keyset(const samlc_snapshot_t *snapshot, const char *name);

#endif
