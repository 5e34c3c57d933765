/* SPDX-License-Identifier: Apache-2.0 */
#include "store_steps.h"

#include <apr_strings.h>
#include <stdio.h>

#include "core/store/lmdb.h"
#include "test.h"

samlc_store_key_t store_key(const char *kind, int n)
{
    samlc_store_key_t key;
    char number[16];

    snprintf(number, sizeof(number), "%d", n);
    ck_assert_int_eq(samlc_store_key(&key, kind, number, NULL), 1);
    return key;
}

apr_pool_t *store_sub_pool(apr_pool_t *p)
{
    apr_pool_t *sub = NULL;

    ck_assert_int_eq(apr_pool_create(&sub, p), APR_SUCCESS);
    return sub;
}

samlc_store_t *store_open_sized(const char *dir, apr_size_t map_size, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_store_t *store = NULL;

    ck_assert_msg(samlc_lmdb_open(&store, dir, map_size, res, p) == APR_SUCCESS, "%s",
                  res->message);
    return store;
}

samlc_store_t *store_open(const char *dir, apr_pool_t *p)
{
    return store_open_sized(dir, STORE_MAP_SIZE, p);
}

samlc_store_item_t store_item(int n, const char *user, const void *value, apr_size_t len,
                              apr_time_t expires)
{
    samlc_store_item_t item = { store_key("item", n), store_key(user, 0), expires, value, len };

    return item;
}

apr_status_t store_claim(samlc_store_t *store, int n, apr_time_t expires, apr_time_t now,
                         apr_pool_t *p)
{
    samlc_store_claim_t claim = { store_key("claim", n), expires };

    return store->vtable->claim_and_put(store, &claim, 1, NULL, now, samlc_result_make(p), p);
}

apr_status_t store_put(samlc_store_t *store, int n, const char *user, const char *value,
                       apr_time_t expires, apr_pool_t *p)
{
    samlc_store_item_t item = store_item(n, user, value, strlen(value), expires);

    return store->vtable->claim_and_put(store, NULL, 0, &item, STORE_NOW, samlc_result_make(p), p);
}

const char *store_value(samlc_store_t *store, int n, apr_time_t now, apr_pool_t *p)
{
    samlc_store_key_t key = store_key("item", n);
    samlc_result_t *res = samlc_result_make(p);
    samlc_store_item_t item;
    apr_status_t rv = store->vtable->get(store, &item, &key, now, res, p);

    ck_assert_int_eq(res->reason, SAMLC_REASON_OK);
    ck_assert(rv == APR_SUCCESS || rv == APR_NOTFOUND);
    return rv == APR_SUCCESS ? apr_pstrmemdup(p, (const char *)item.value, item.len) : NULL;
}

int store_expire(samlc_store_t *store, int max, apr_time_t now, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    int removed = -1;

    ck_assert_msg(store->vtable->expire(store, &removed, max, now, res, p) == APR_SUCCESS, "%s",
                  res->message);
    return removed;
}

void store_expect_counts(samlc_store_t *store, apr_uint64_t items, apr_uint64_t claims,
                         apr_pool_t *p)
{
    apr_uint64_t found_items = 99;
    apr_uint64_t found_claims = 99;

    ck_assert_int_eq(store->vtable->count(store, &found_items, &found_claims, samlc_result_make(p),
                                          p), APR_SUCCESS);
    ck_assert_uint_eq(found_items, items);
    ck_assert_uint_eq(found_claims, claims);
}
