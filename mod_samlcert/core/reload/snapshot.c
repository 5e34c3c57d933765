/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/snapshot.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/base/file.h"
#include "core/base/pool.h"
#include "core/reload/load.h"
#include "core/reload/overlay.h"
#include "core/trust/moves.h"

/* FALSE if OpenSSL refuses. */
static int digest_text(EVP_MD_CTX *md, const char *name, const void *data, apr_size_t len)
{
    apr_uint64_t lengths[2];

    lengths[0] = strlen(name);
    lengths[1] = len;
    return EVP_DigestUpdate(md, lengths, sizeof(lengths)) == 1
           && EVP_DigestUpdate(md, name, strlen(name)) == 1 && EVP_DigestUpdate(md, data, len) == 1;
}

/* What is elsewhere than its file says. Nothing where nothing is: as if there were no moves. */
static int digest_moves(EVP_MD_CTX *md, const apr_array_header_t *moves)
{
    int ok = 1;
    int i = 0;

    for (i = 0; ok && i < moves->nelts; i++) {
        const samlc_moved_t *moved = &APR_ARRAY_IDX(moves, i, samlc_moved_t);

        if (moved->place->slot != moved->place->filed) {
            ok = digest_text(md, moved->file, moved->to, strlen(moved->to));
        }
    }
    return ok;
}

/* TRUE for what counts by its content: the overlay counts by what it moves. */
static int is_content(const samlc_load_t *l, const samlc_seen_t *seen)
{
    return !seen->is_dir
           && (l->source->overlay == NULL || strcmp(seen->path, l->source->overlay) != 0);
}

static int digest_sections(EVP_MD_CTX *md, const samlc_source_t *source)
{
    int ok = 1;
    int i = 0, k = 0;

    for (i = 0; source->sections != NULL && i < source->sections->nelts; i++) {
        const samlc_section_t *s = &APR_ARRAY_IDX(source->sections, i, samlc_section_t);

        for (k = 0; ok && k < s->lines->nelts; k++) {
            const samlc_section_line_t *line = &APR_ARRAY_IDX(s->lines, k, samlc_section_line_t);

            ok = digest_text(md, s->name, line->name, strlen(line->name))
                 && digest_text(md, line->name, line->value, strlen(line->value));
        }
    }
    return ok;
}

static int digest_so_far(unsigned char *digest, const EVP_MD_CTX *md)
{
    EVP_MD_CTX *copy = EVP_MD_CTX_new();
    int ok = copy != NULL && EVP_MD_CTX_copy_ex(copy, md) == 1
             && EVP_DigestFinal_ex(copy, digest, NULL) == 1;

    EVP_MD_CTX_free(copy);
    return ok;
}

/*
 * Names and contents of all files that count, the sections, and what has moved; no times, so that
 * equal nodes agree.
 */
static apr_status_t digest_all(samlc_load_t *l)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    apr_size_t dir = strlen(l->source->dir);
    apr_status_t rv = APR_SUCCESS;
    int ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    int i = 0;

    for (i = 0; ok && i < l->snapshot->scan->seen->nelts && rv == APR_SUCCESS; i++) {
        const samlc_seen_t *seen = &APR_ARRAY_IDX(l->snapshot->scan->seen, i, samlc_seen_t);
        const samlc_data_t *file = NULL;
        int is_below = strncmp(seen->path, l->source->dir, dir) == 0 && seen->path[dir] == '/';

        if (is_content(l, seen)) {
            rv = samlc_load_file(&file, l, seen->path, SAMLC_MAX_METADATA_FILE);
            if (rv == APR_SUCCESS) {
                ok = digest_text(md, is_below ? seen->path + dir + 1 : seen->path, file->data,
                                 file->len);
            }
        }
    }
    if (ok && rv == APR_SUCCESS) {
        ok = digest_sections(md, l->source) && digest_so_far(l->snapshot->files_digest, md)
             && digest_moves(md, l->snapshot->moves)
             && EVP_DigestFinal_ex(md, l->snapshot->digest, NULL) == 1;
    }
    EVP_MD_CTX_free(md);
    if (rv == APR_SUCCESS && !ok) {
        rv = samlc_result_fail_openssl(l->res, APR_EGENERAL, SAMLC_REASON_INTERNAL, "no digest");
    }
    l->snapshot->digest_hex = samlc_text_hex(l->snapshot->digest, SAMLC_SHA256_LEN, l->p);
    return rv;
}

static apr_status_t look(samlc_load_t *l, const apr_array_header_t *outside)
{
    samlc_scan_t *scan = NULL;
    apr_status_t rv = samlc_source_scan(&scan, l->source, outside, l->res, l->p);

    l->snapshot->scan = scan;
    return rv;
}

static int same_names(const apr_array_header_t *a, const apr_array_header_t *b)
{
    int i = 0;

    if ((a == NULL ? 0 : a->nelts) != b->nelts) {
        return 0;
    }
    for (i = 0; i < b->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(a, i, const char *), APR_ARRAY_IDX(b, i, const char *)) != 0) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t load_all(samlc_load_t *l, const apr_array_header_t *outside)
{
    apr_status_t rv = look(l, outside);

    if (rv == APR_SUCCESS) {
        rv = samlc_load_settings(l);
    }
    if (rv == APR_SUCCESS && !same_names(outside, l->outside)) {
        rv = look(l, l->outside); /* now with the files that the settings name */
    }
    if (rv == APR_SUCCESS) {
        samlc_load_overlay(l);
        rv = samlc_load_keysets(l);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_load_idps(l);
    }
    if (rv == APR_SUCCESS) {
        rv = digest_all(l);
    }
    return rv;
}

/* Private keys were among the contents. */
static void cleanse_contents(const samlc_load_t *l)
{
    apr_hash_index_t *i = NULL;

    for (i = apr_hash_first(l->ptemp, l->contents); i != NULL; i = apr_hash_next(i)) {
        samlc_data_t *data = apr_hash_this_val(i);

        OPENSSL_cleanse((void *)data->data, data->len);
    }
}

static void tell_outside(apr_array_header_t **outside_seen, const samlc_load_t *l, apr_pool_t *p)
{
    int i = 0;

    *outside_seen = apr_array_make(p, l->outside->nelts, sizeof(const char *));
    for (i = 0; i < l->outside->nelts; i++) {
        APR_ARRAY_PUSH(*outside_seen,
                       const char *) = apr_pstrdup(p, APR_ARRAY_IDX(l->outside, i, const char *));
    }
}

apr_status_t samlc_snapshot_load(samlc_snapshot_t **snapshot, const samlc_source_t *source,
                                 const apr_array_header_t *outside,
                                 apr_array_header_t **outside_seen, apr_time_t now,
                                 samlc_result_t *res, apr_pool_t *p)
{
    apr_pool_t *pool = samlc_pool_make(NULL);
    samlc_snapshot_t *s = NULL;
    samlc_load_t l;
    apr_status_t rv = APR_EGENERAL;

    *snapshot = NULL;
    if (outside_seen != NULL) {
        *outside_seen = NULL;
    }
    if (pool == NULL) {
        return samlc_result_fail(res, APR_ENOMEM, SAMLC_REASON_INTERNAL,
                                 "no memory for a generation");
    }
    s = apr_pcalloc(pool, sizeof(*s));
    s->pool = pool;
    s->loaded_at = now;
    s->by_entity = apr_hash_make(pool);
    s->keysets = apr_hash_make(pool);
    memset(&l, 0, sizeof(l));
    l.source = source;
    l.snapshot = s;
    l.p = pool;
    l.res = res;
    apr_pool_create(&l.ptemp, pool);
    l.idps = apr_array_make(pool, 4, sizeof(samlc_idp_t *));
    l.outside = apr_array_make(pool, 2, sizeof(const char *));
    l.warnings = apr_array_make(pool, 4, sizeof(const char *));
    l.moves = apr_array_make(pool, 4, sizeof(samlc_moved_t));
    l.promotions = apr_array_make(pool, 1, sizeof(samlc_promotion_t));
    l.contents = apr_hash_make(l.ptemp);
    l.lent = apr_array_make(pool, 2, sizeof(const char *));
    s->lent = l.lent;
    s->idps = l.idps;
    s->outside = l.outside;
    s->warnings = l.warnings;
    s->moves = l.moves;
    rv = load_all(&l, outside);
    if (outside_seen != NULL) {
        tell_outside(outside_seen, &l, p);
    }
    cleanse_contents(&l);
    apr_pool_destroy(l.ptemp);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    *snapshot = s;
    return APR_SUCCESS;
}

void samlc_snapshot_destroy(samlc_snapshot_t *snapshot)
{
    apr_pool_destroy(snapshot->pool);
}

const samlc_idp_t *samlc_snapshot_idp_by_entity(const samlc_snapshot_t *snapshot,
                                                const char *entity_id)
{
    return apr_hash_get(snapshot->by_entity, entity_id, APR_HASH_KEY_STRING);
}

const samlc_idp_t *samlc_snapshot_idp_by_name(const samlc_snapshot_t *snapshot, const char *name)
{
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        const samlc_idp_t *idp = APR_ARRAY_IDX(snapshot->idps, i, samlc_idp_t *);

        if (strcmp(idp->name, name) == 0) {
            return idp;
        }
    }
    return NULL;
}

const samlc_keyset_t *samlc_snapshot_keyset(const samlc_snapshot_t *snapshot, const char *name)
{
    return apr_hash_get(snapshot->keysets, name, APR_HASH_KEY_STRING);
}
