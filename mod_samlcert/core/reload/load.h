/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A load under way, shared by the files that make a generation of a trust directory; nobody else's
 * business. snapshot.c leads: load_files.c reads each file once, load_idps.c makes identity
 * providers of them, load_keysets.c our own keys.
 */
#ifndef SAMLC_RELOAD_LOAD_H
#define SAMLC_RELOAD_LOAD_H

#include "core/reload/snapshot.h"

/* What a load works with. `p` is the generation's own pool, `ptemp` holds file contents. */
typedef struct samlc_load_t {
    const samlc_source_t *source;
    samlc_snapshot_t *snapshot;
    apr_array_header_t *idps;          /* samlc_idp_t * */
    apr_array_header_t *settings;      /* of load_idps.c */
    apr_array_header_t *outside;       /* const char * */
    apr_array_header_t *warnings;      /* const char * */
    apr_array_header_t *moves;         /* samlc_moved_t */
    apr_array_header_t *promotions;    /* samlc_promotion_t: what the overlay says */
    apr_array_header_t *lent;          /* const char *: private keys that the broker opened */
    apr_hash_t *contents;              /* path -> samlc_data_t *: each file is read once */
    samlc_result_t *res;
    apr_pool_t *p;
    apr_pool_t *ptemp;
} samlc_load_t;

/*
 * The content of the file with this path (in a copy: of its place there), read once; its origin
 * lives as long as the generation. Fails as samlc_file_read does.
 */
apr_status_t samlc_load_file(const samlc_data_t **data, samlc_load_t *l, const char *path,
                             apr_size_t max);

/*
 * The same of a private key of ours. Where we may not read it the broker opens it. A copy without
 * it has an empty file in its place: then it is the file as it is now, which the digest judges.
 */
apr_status_t samlc_load_private(const samlc_data_t **data, samlc_load_t *l, const char *path,
                                const char *set, samlc_own_role_t role);

/* What was seen of a name below the trust directory, or of the path of a file outside; or NULL. */
const samlc_seen_t *samlc_load_find(const samlc_load_t *l, const char *name);

/*
 * Steps through what is below directory `dir` ("roots", "idp/NAME"): the first after *i, which
 * starts at -1; NULL at the end. next_file: files directly in it only.
 */
const samlc_seen_t *samlc_load_next_below(const samlc_load_t *l, const char *dir, int *i);
const samlc_seen_t *samlc_load_next_file(const samlc_load_t *l, const char *dir, int *i);

/* Adds all certificates (samlc_cert_t *), or revocation lists (samlc_data_t), of a directory. */
apr_status_t samlc_load_certs(apr_array_header_t *certs, samlc_load_t *l, const char *dir);
apr_status_t samlc_load_crls(apr_array_header_t *crls, samlc_load_t *l, const char *dir);

/*
 * Reads the settings of all IdPs: directories below idp/ (empty ones are skipped, with a warning)
 * and sections without a directory. Notes the files outside the trust directory that they name.
 */
apr_status_t samlc_load_settings(samlc_load_t *l);

/*
 * The certificates on file of an IdP (samlc_idp_slot_t), moved, primary first: it is the best guess
 * for messages without KeyInfo. `dir` is "idp/NAME".
 */
apr_status_t samlc_load_slots(apr_array_header_t *slots, samlc_load_t *l, const char *dir,
                              const samlc_settings_t *settings);

/* Moves the keys of a set that was read, as its keys.conf asks for. */
apr_status_t samlc_load_key_moves(samlc_keyset_t *set, samlc_load_t *l);

/* Reads the overlay. What can't be read is a warning: it could only have named slots anew. */
void samlc_load_overlay(samlc_load_t *l);

/* Builds the IdPs whose settings were read. */
apr_status_t samlc_load_idps(samlc_load_t *l);

/* Reads our own keys. */
apr_status_t samlc_load_keysets(samlc_load_t *l);

#endif
