/* SPDX-License-Identifier: Apache-2.0 */
/* Each item and claim has exactly one row in `expiry`, and each item one in `users`: they change in
 * one transaction. lmdb_env.h describes the layout. */
#include "core/store/lmdb.h"

#include <apr_strings.h>
#include <errno.h>
#include <string.h>

#include "core/store/lmdb_env.h"

#define TIME_LEN SAMLC_STORE_U64_LEN
#define KEY_LEN SAMLC_STORE_KEY_LEN
#define KIND_CLAIM 'c'
#define KIND_ITEM 'i'
#define ROW_LEN (TIME_LEN + 1 + KEY_LEN)          /* a key of `expiry` */
#define ITEM_HEAD_LEN (TIME_LEN + KEY_LEN)        /* before the value in `items` */

/* Every change needs new pages first, deleting too, so that a map filled to the brim could not even
 * be emptied. Logins stop when so many are left, and expire takes small steps then. */
#define SPARE_PAGES 128
#define EXPIRE_BATCH 256          /* bounds how long a login waits for expire */

typedef struct lmdb_t {
    samlc_store_t store;          /* first: this is what callers hold */
    samlc_lmdb_env_t *e;
} lmdb_t;

/* ---- results ---- */

static MDB_val key_val(const samlc_store_key_t *key)
{
    return samlc_lmdb_val(key->bytes, KEY_LEN);
}

static int is_expired(apr_time_t expires, apr_time_t now)
{
    return now > expires;
}

/* APR_NOTFOUND is an answer; all else that LMDB says is a failure. */
static apr_status_t answer(const samlc_lmdb_env_t *e, int rc, samlc_result_t *res)
{
    switch (rc) {
    case MDB_SUCCESS:
        return APR_SUCCESS;
    case MDB_NOTFOUND:
        return APR_NOTFOUND;
    default:
        return samlc_lmdb_fail(e, rc, res);
    }
}

/* In tables that change together a missing row is damage, not an answer. */
static int present(int rc)
{
    return rc == MDB_NOTFOUND ? MDB_CORRUPTED : rc;
}

/* ---- rows ---- */

static MDB_val expiry_row(unsigned char row[ROW_LEN], apr_time_t expires, char kind,
                          const samlc_store_key_t *key)
{
    samlc_store_put_u64(row, (apr_uint64_t)expires);
    row[TIME_LEN] = (unsigned char)kind;
    memcpy(row + TIME_LEN + 1, key->bytes, KEY_LEN);
    return samlc_lmdb_val(row, ROW_LEN);
}

static int expiry_add(samlc_lmdb_env_t *e, MDB_txn *txn, apr_time_t expires, char kind,
                      const samlc_store_key_t *key)
{
    unsigned char bytes[ROW_LEN];
    MDB_val row = expiry_row(bytes, expires, kind, key);
    MDB_val nothing = samlc_lmdb_val("", 0);

    return mdb_put(txn, e->expiry, &row, &nothing, 0);
}

static int expiry_delete(samlc_lmdb_env_t *e, MDB_txn *txn, apr_time_t expires, char kind,
                         const samlc_store_key_t *key)
{
    unsigned char bytes[ROW_LEN];
    MDB_val row = expiry_row(bytes, expires, kind, key);

    return present(mdb_del(txn, e->expiry, &row, NULL));
}

/* Reads an item; item->value points into the map, until the next change in `txn` or its end. */
static int item_read(samlc_store_item_t *item, samlc_lmdb_env_t *e, MDB_txn *txn,
                     const samlc_store_key_t *key)
{
    MDB_val k = key_val(key);
    MDB_val v;
    const unsigned char *bytes = NULL;
    int rc = mdb_get(txn, e->items, &k, &v);

    if (rc != MDB_SUCCESS) {
        return rc;
    }
    if (v.mv_size < ITEM_HEAD_LEN) {
        return MDB_CORRUPTED;
    }
    bytes = v.mv_data;
    item->key = *key;
    item->expires = (apr_time_t)samlc_store_get_u64(bytes);
    memcpy(item->user.bytes, bytes + TIME_LEN, KEY_LEN);
    item->value = bytes + ITEM_HEAD_LEN;
    item->len = v.mv_size - ITEM_HEAD_LEN;
    return MDB_SUCCESS;
}

static int item_read_unexpired(samlc_store_item_t *item, samlc_lmdb_env_t *e, MDB_txn *txn,
                               const samlc_store_key_t *key, apr_time_t now)
{
    int rc = item_read(item, e, txn, key);

    return rc == MDB_SUCCESS && is_expired(item->expires, now) ? MDB_NOTFOUND : rc;
}

/* Writes an item, under a new key or over one of the same user, and its expiry row. */
static int item_write(samlc_lmdb_env_t *e, MDB_txn *txn, const samlc_store_item_t *item)
{
    MDB_val k = key_val(&item->key);
    MDB_val v = samlc_lmdb_val(NULL, ITEM_HEAD_LEN + item->len);
    unsigned char *bytes = NULL;
    int rc = mdb_put(txn, e->items, &k, &v, MDB_RESERVE);

    if (rc != MDB_SUCCESS) {
        return rc;
    }
    bytes = v.mv_data;
    samlc_store_put_u64(bytes, (apr_uint64_t)item->expires);
    memcpy(bytes + TIME_LEN, item->user.bytes, KEY_LEN);
    if (item->len > 0) {
        memcpy(bytes + ITEM_HEAD_LEN, item->value, item->len);
    }
    return expiry_add(e, txn, item->expires, KIND_ITEM, &item->key);
}

/* Deletes an item with its other rows; MDB_NOTFOUND if there is none. */
static int item_delete(samlc_lmdb_env_t *e, MDB_txn *txn, const samlc_store_key_t *key)
{
    samlc_store_item_t item;
    MDB_val k = key_val(key);
    MDB_val user = samlc_lmdb_val(item.user.bytes, KEY_LEN);
    int rc = item_read(&item, e, txn, key);

    if (rc != MDB_SUCCESS) {
        return rc;
    }
    rc = expiry_delete(e, txn, item.expires, KIND_ITEM, key);
    if (rc == MDB_SUCCESS) {
        rc = present(mdb_del(txn, e->users, &user, &k));
    }
    return rc == MDB_SUCCESS ? mdb_del(txn, e->items, &k, NULL) : rc;
}

static int item_put(samlc_lmdb_env_t *e, MDB_txn *txn, const samlc_store_item_t *item)
{
    MDB_val user = key_val(&item->user);
    MDB_val k = key_val(&item->key);
    int rc = item_delete(e, txn, &item->key);

    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) {
        return rc;
    }
    rc = mdb_put(txn, e->users, &user, &k, 0);
    return rc == MDB_SUCCESS ? item_write(e, txn, item) : rc;
}

/* MDB_KEYEXIST if the claim is taken. */
static int claim(samlc_lmdb_env_t *e, MDB_txn *txn, const samlc_store_claim_t *wanted,
                 apr_time_t now)
{
    unsigned char expires[TIME_LEN];
    apr_time_t earlier = 0;
    MDB_val k = key_val(&wanted->key);
    MDB_val v;
    int rc = mdb_get(txn, e->claims, &k, &v);

    if (rc == MDB_SUCCESS) {
        if (v.mv_size != TIME_LEN) {
            return MDB_CORRUPTED;
        }
        earlier = (apr_time_t)samlc_store_get_u64(v.mv_data);
        rc = is_expired(earlier, now) ? expiry_delete(e, txn, earlier, KIND_CLAIM, &wanted->key)
                                      : MDB_KEYEXIST;
    }
    else if (rc == MDB_NOTFOUND) {
        rc = MDB_SUCCESS;
    }
    if (rc == MDB_SUCCESS) {
        samlc_store_put_u64(expires, (apr_uint64_t)wanted->expires);
        v = samlc_lmdb_val(expires, sizeof(expires));
        rc = mdb_put(txn, e->claims, &k, &v, 0);
    }
    return rc == MDB_SUCCESS ? expiry_add(e, txn, wanted->expires, KIND_CLAIM, &wanted->key) : rc;
}

/* ---- the operations ---- */

/* Counts pages on the free list until there are `enough`. */
static int count_free_pages(apr_size_t *pages, MDB_txn *txn, apr_size_t enough)
{
    MDB_cursor *cursor = NULL;
    MDB_val k;
    MDB_val v;
    size_t n = 0;
    int rc = mdb_cursor_open(txn, SAMLC_LMDB_FREE_DBI, &cursor);

    *pages = 0;
    if (rc != MDB_SUCCESS) {
        return rc;
    }
    while (*pages < enough && (rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT)) == MDB_SUCCESS) {
        if (v.mv_size < sizeof(n)) {
            rc = MDB_CORRUPTED;
            break;
        }
        memcpy(&n, v.mv_data, sizeof(n));     /* a list of page numbers begins with its length */
        *pages += n;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

/* MDB_MAP_FULL if a value of `len` bytes would take from the spare pages. They are a rule of
 * thumb: that other writers may come between is allowed for. */
static int check_room(samlc_lmdb_env_t *e, apr_size_t len)
{
    MDB_txn *txn = NULL;
    MDB_envinfo info;
    MDB_stat stat;
    apr_size_t wanted = 0;
    apr_size_t unused = 0;
    apr_size_t pages = 0;
    int rc = samlc_lmdb_begin(&txn, e, MDB_RDONLY);

    if (rc != MDB_SUCCESS) {
        return rc;
    }
    mdb_env_info(e->env, &info);
    mdb_env_stat(e->env, &stat);
    wanted = SPARE_PAGES + len / stat.ms_psize + 1;
    if (info.me_mapsize / stat.ms_psize > info.me_last_pgno) {
        unused = info.me_mapsize / stat.ms_psize - info.me_last_pgno - 1;
    }
    if (unused < wanted) {
        rc = count_free_pages(&pages, txn, wanted - unused);
    }
    if (rc == MDB_SUCCESS && unused + pages < wanted) {
        rc = MDB_MAP_FULL;
    }
    return samlc_lmdb_finish(e, txn, rc);
}

/* An entry that has expired already is a mistake of the caller. Keeps negative times out, too,
 * which would not sort. */
static apr_status_t check_expiry(apr_time_t expires, apr_time_t now, samlc_result_t *res)
{
    if (expires < 0 || is_expired(expires, now)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_INTERNAL,
                                 "what has expired already cannot be stored");
    }
    return APR_SUCCESS;
}

static apr_status_t check_expiries(const samlc_store_claim_t *claims, int count,
                                   const samlc_store_item_t *item, apr_time_t now,
                                   samlc_result_t *res)
{
    apr_status_t rv = item ? check_expiry(item->expires, now, res) : APR_SUCCESS;
    int i;

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        rv = check_expiry(claims[i].expires, now, res);
    }
    return rv;
}

static apr_status_t claim_and_put(samlc_store_t *store, const samlc_store_claim_t *claims,
                                  int count, const samlc_store_item_t *item, apr_time_t now,
                                  samlc_result_t *res, apr_pool_t *p)
{
    samlc_lmdb_env_t *e = ((lmdb_t *)store)->e;
    MDB_txn *txn = NULL;
    apr_status_t rv = check_expiries(claims, count, item, now, res);
    int rc = 0;
    int i;

    (void)p;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    rc = check_room(e, item ? item->len : 0);
    if (rc == MDB_SUCCESS) {
        rc = samlc_lmdb_begin(&txn, e, 0);
    }
    if (rc != MDB_SUCCESS) {
        return samlc_lmdb_fail(e, rc, res);
    }
    for (i = 0; i < count && rc == MDB_SUCCESS; i++) {
        rc = claim(e, txn, &claims[i], now);
    }
    if (rc == MDB_SUCCESS && item) {
        rc = item_put(e, txn, item);
    }
    rc = samlc_lmdb_finish(e, txn, rc);
    if (rc == MDB_KEYEXIST) {
        return samlc_result_fail(res, APR_EEXIST, SAMLC_REASON_REPLAY, "it has been used before");
    }
    return rc == MDB_SUCCESS ? APR_SUCCESS : samlc_lmdb_fail(e, rc, res);
}

static apr_status_t get(samlc_store_t *store, samlc_store_item_t *item,
                        const samlc_store_key_t *key, apr_time_t now, samlc_result_t *res,
                        apr_pool_t *p)
{
    samlc_lmdb_env_t *e = ((lmdb_t *)store)->e;
    samlc_store_item_t found;
    MDB_txn *txn = NULL;
    int rc = samlc_lmdb_begin(&txn, e, MDB_RDONLY);

    memset(item, 0, sizeof(*item));
    if (rc != MDB_SUCCESS) {
        return samlc_lmdb_fail(e, rc, res);
    }
    rc = item_read_unexpired(&found, e, txn, key, now);
    if (rc == MDB_SUCCESS) {
        *item = found;
        item->value = apr_pmemdup(p, found.value, found.len);
    }
    return answer(e, samlc_lmdb_finish(e, txn, rc), res);
}

static apr_status_t touch(samlc_store_t *store, const samlc_store_key_t *key, apr_time_t expires,
                          apr_time_t now, samlc_result_t *res, apr_pool_t *p)
{
    samlc_lmdb_env_t *e = ((lmdb_t *)store)->e;
    samlc_store_item_t item;
    MDB_txn *txn = NULL;
    apr_status_t rv = check_expiry(expires, now, res);
    int rc = 0;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rc = samlc_lmdb_begin(&txn, e, 0);
    if (rc != MDB_SUCCESS) {
        return samlc_lmdb_fail(e, rc, res);
    }
    rc = item_read_unexpired(&item, e, txn, key, now);
    if (rc == MDB_SUCCESS) {
        item.value = apr_pmemdup(p, item.value, item.len);    /* the next line changes the map */
        rc = expiry_delete(e, txn, item.expires, KIND_ITEM, key);
    }
    if (rc == MDB_SUCCESS) {
        item.expires = expires;
        rc = item_write(e, txn, &item);
    }
    return answer(e, samlc_lmdb_finish(e, txn, rc), res);
}

static apr_status_t remove_item(samlc_store_t *store, const samlc_store_key_t *key,
                                samlc_result_t *res, apr_pool_t *p)
{
    samlc_lmdb_env_t *e = ((lmdb_t *)store)->e;
    MDB_txn *txn = NULL;
    int rc = samlc_lmdb_begin(&txn, e, 0);

    (void)p;
    if (rc != MDB_SUCCESS) {
        return samlc_lmdb_fail(e, rc, res);
    }
    return answer(e, samlc_lmdb_finish(e, txn, item_delete(e, txn, key)), res);
}

static int list_keys(apr_array_header_t *keys, samlc_lmdb_env_t *e, MDB_txn *txn,
                     const samlc_store_key_t *user, apr_time_t now)
{
    samlc_store_item_t item;
    samlc_store_key_t key;
    MDB_cursor *cursor = NULL;
    MDB_val k = key_val(user);
    MDB_val v;
    int rc = mdb_cursor_open(txn, e->users, &cursor);

    if (rc != MDB_SUCCESS) {
        return rc;
    }
    rc = mdb_cursor_get(cursor, &k, &v, MDB_SET);
    while (rc == MDB_SUCCESS) {
        if (v.mv_size != KEY_LEN) {
            rc = MDB_CORRUPTED;
            break;
        }
        memcpy(key.bytes, v.mv_data, KEY_LEN);
        rc = present(item_read(&item, e, txn, &key));
        if (rc != MDB_SUCCESS) {
            break;
        }
        if (!is_expired(item.expires, now)) {
            APR_ARRAY_PUSH(keys, samlc_store_key_t) = key;
        }
        rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT_DUP);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? MDB_SUCCESS : rc;
}

static apr_status_t list_by_user(samlc_store_t *store, apr_array_header_t **keys,
                                 const samlc_store_key_t *user, apr_time_t now, samlc_result_t *res,
                                 apr_pool_t *p)
{
    samlc_lmdb_env_t *e = ((lmdb_t *)store)->e;
    MDB_txn *txn = NULL;
    int rc = samlc_lmdb_begin(&txn, e, MDB_RDONLY);

    *keys = apr_array_make(p, 4, sizeof(samlc_store_key_t));
    if (rc != MDB_SUCCESS) {
        return samlc_lmdb_fail(e, rc, res);
    }
    rc = samlc_lmdb_finish(e, txn, list_keys(*keys, e, txn, user, now));
    return rc == MDB_SUCCESS ? APR_SUCCESS : samlc_lmdb_fail(e, rc, res);
}

/* Deletes what comes first in `expiry`; MDB_NOTFOUND if that is nothing, or unexpired. */
static int expire_first(samlc_lmdb_env_t *e, MDB_txn *txn, MDB_cursor *cursor, apr_time_t now)
{
    samlc_store_key_t key;
    const unsigned char *bytes = NULL;
    apr_time_t expires = 0;
    MDB_val row;
    MDB_val k;
    MDB_val nothing;
    int rc = mdb_cursor_get(cursor, &row, &nothing, MDB_FIRST);

    if (rc != MDB_SUCCESS) {
        return rc;
    }
    if (row.mv_size != ROW_LEN) {
        return MDB_CORRUPTED;
    }
    bytes = row.mv_data;
    expires = (apr_time_t)samlc_store_get_u64(bytes);
    if (!is_expired(expires, now)) {
        return MDB_NOTFOUND;
    }
    memcpy(key.bytes, bytes + TIME_LEN + 1, KEY_LEN);
    if (bytes[TIME_LEN] == KIND_ITEM) {
        return present(item_delete(e, txn, &key));
    }
    k = key_val(&key);
    rc = present(mdb_del(txn, e->claims, &k, NULL));
    return rc == MDB_SUCCESS ? expiry_delete(e, txn, expires, KIND_CLAIM, &key) : rc;
}

/* Deletes at most `max` expired entries in one transaction. */
static int expire_batch(int *removed, samlc_lmdb_env_t *e, int max, apr_time_t now)
{
    MDB_cursor *cursor = NULL;
    MDB_txn *txn = NULL;
    int done = 0;
    int rc = samlc_lmdb_begin(&txn, e, 0);

    *removed = 0;
    if (rc != MDB_SUCCESS) {
        return rc;
    }
    rc = mdb_cursor_open(txn, e->expiry, &cursor);
    while (rc == MDB_SUCCESS && done < max) {
        rc = expire_first(e, txn, cursor, now);
        done += rc == MDB_SUCCESS;
    }
    if (cursor) {
        mdb_cursor_close(cursor);
    }
    rc = samlc_lmdb_finish(e, txn, rc == MDB_NOTFOUND ? MDB_SUCCESS : rc);
    if (rc == MDB_SUCCESS) {
        *removed = done;
    }
    return rc;
}

static int expire_all(int *removed, samlc_lmdb_env_t *e, int max, apr_time_t now)
{
    int batch = EXPIRE_BATCH;
    int wanted = 0;
    int done = 0;
    int rc = MDB_SUCCESS;

    while (rc == MDB_SUCCESS && *removed < max && done == wanted) {
        wanted = max - *removed < batch ? max - *removed : batch;
        rc = expire_batch(&done, e, wanted, now);
        if (rc == MDB_MAP_FULL && batch > 1) {
            batch = 1;
            wanted = 0;
            rc = MDB_SUCCESS;
        }
        *removed += done;
    }
    return rc;
}

static apr_status_t expire(samlc_store_t *store, int *removed, int max, apr_time_t now,
                           samlc_result_t *res, apr_pool_t *p)
{
    samlc_lmdb_env_t *e = ((lmdb_t *)store)->e;
    int rc = MDB_SUCCESS;

    (void)p;
    *removed = 0;
    rc = mdb_reader_check(e->env, NULL);  /* first: dead readers keep pages from being reused */
    if (rc == MDB_SUCCESS) {
        rc = expire_all(removed, e, max, now);
    }
    if (rc == MDB_SUCCESS) {
        rc = mdb_env_sync(e->env, 1);
    }
    return rc == MDB_SUCCESS ? APR_SUCCESS : samlc_lmdb_fail(e, rc, res);
}

static apr_status_t count(samlc_store_t *store, apr_uint64_t *items, apr_uint64_t *claims,
                          samlc_result_t *res, apr_pool_t *p)
{
    samlc_lmdb_env_t *e = ((lmdb_t *)store)->e;
    MDB_txn *txn = NULL;
    MDB_stat of_items;
    MDB_stat of_claims;
    int rc = samlc_lmdb_begin(&txn, e, MDB_RDONLY);

    (void)p;
    *items = 0;
    *claims = 0;
    if (rc != MDB_SUCCESS) {
        return samlc_lmdb_fail(e, rc, res);
    }
    rc = mdb_stat(txn, e->items, &of_items);
    if (rc == MDB_SUCCESS) {
        rc = mdb_stat(txn, e->claims, &of_claims);
    }
    if (rc == MDB_SUCCESS) {
        *items = of_items.ms_entries;
        *claims = of_claims.ms_entries;
    }
    rc = samlc_lmdb_finish(e, txn, rc);
    return rc == MDB_SUCCESS ? APR_SUCCESS : samlc_lmdb_fail(e, rc, res);
}

static int number_digest(apr_uint64_t *number, samlc_lmdb_env_t *e, MDB_txn *txn,
                         const samlc_store_key_t *digest)
{
    unsigned char bytes[SAMLC_STORE_U64_LEN + KEY_LEN];
    MDB_val k = samlc_lmdb_val("generation", strlen("generation"));
    MDB_val v;
    apr_uint64_t last = 0;
    int rc = mdb_get(txn, e->meta, &k, &v);

    if (rc != MDB_SUCCESS && rc != MDB_NOTFOUND) {
        return rc;
    }
    if (rc == MDB_SUCCESS) {
        if (v.mv_size != sizeof(bytes)) {
            return MDB_CORRUPTED;
        }
        memcpy(bytes, v.mv_data, sizeof(bytes));
        last = samlc_store_get_u64(bytes);
        if (memcmp(bytes + SAMLC_STORE_U64_LEN, digest->bytes, KEY_LEN) == 0) {
            *number = last;
            return MDB_SUCCESS;
        }
    }
    *number = last + 1;
    samlc_store_put_u64(bytes, *number);
    memcpy(bytes + SAMLC_STORE_U64_LEN, digest->bytes, KEY_LEN);
    v = samlc_lmdb_val(bytes, sizeof(bytes));
    return mdb_put(txn, e->meta, &k, &v, 0);
}

/* EACCES if it has to be written and must not be. */
static int try_number(apr_uint64_t *number, samlc_lmdb_env_t *e, const samlc_store_key_t *digest,
                      unsigned int flags)
{
    MDB_txn *txn = NULL;
    int rc = samlc_lmdb_begin(&txn, e, flags);

    return rc == MDB_SUCCESS
               ? samlc_lmdb_finish(e, txn, number_digest(number, e, txn, digest))
               : rc;
}

static apr_status_t number_generation(samlc_store_t *store, apr_uint64_t *number,
                                      const samlc_store_key_t *digest, samlc_result_t *res,
                                      apr_pool_t *p)
{
    samlc_lmdb_env_t *e = ((lmdb_t *)store)->e;
    /* Most often it is the one that has a number already: that can be read. */
    int rc = try_number(number, e, digest, MDB_RDONLY);

    (void)p;
    if (rc == EACCES) {
        rc = try_number(number, e, digest, 0);
    }
    if (rc != MDB_SUCCESS) {
        *number = 0;
        return samlc_lmdb_fail(e, rc, res);
    }
    return APR_SUCCESS;
}

static const samlc_store_vtable_t vtable = {
    "lmdb", claim_and_put, get, touch, remove_item, list_by_user, expire, count, number_generation,
};

apr_status_t samlc_lmdb_open(samlc_store_t **store, const char *dir, apr_size_t map_size,
                             samlc_result_t *res, apr_pool_t *p)
{
    lmdb_t *s = apr_pcalloc(p, sizeof(*s));
    apr_status_t rv = samlc_lmdb_env_open(&s->e, dir, map_size, res, p);

    *store = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    s->store.vtable = &vtable;
    *store = &s->store;
    return APR_SUCCESS;
}
