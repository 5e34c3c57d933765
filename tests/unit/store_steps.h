/* SPDX-License-Identifier: Apache-2.0 */
/* Steps that the tests of the embedded store are made of. Keys are those of small numbers. */
#ifndef SAMLC_TESTS_UNIT_STORE_STEPS_H
#define SAMLC_TESTS_UNIT_STORE_STEPS_H

#include <apr_pools.h>

#include "core/store/store.h"

#define STORE_NOW apr_time_from_sec(1782864000)
#define SECOND APR_USEC_PER_SEC
#define STORE_MAP_SIZE (64 * 1024 * 1024)

samlc_store_key_t store_key(const char *kind, int n);

/* A pool to close a store by. */
apr_pool_t *store_sub_pool(apr_pool_t *p);

samlc_store_t *store_open_sized(const char *dir, apr_size_t map_size, apr_pool_t *p);
samlc_store_t *store_open(const char *dir, apr_pool_t *p);

samlc_store_item_t store_item(int n, const char *user, const void *value, apr_size_t len,
                              apr_time_t expires);
apr_status_t store_claim(samlc_store_t *store, int n, apr_time_t expires, apr_time_t now,
                         apr_pool_t *p);
apr_status_t store_put(samlc_store_t *store, int n, const char *user, const char *value,
                       apr_time_t expires, apr_pool_t *p);

/* The value, NUL-terminated; NULL if there is none. */
const char *store_value(samlc_store_t *store, int n, apr_time_t now, apr_pool_t *p);

/* How many were removed. */
int store_expire(samlc_store_t *store, int max, apr_time_t now, apr_pool_t *p);

void store_expect_counts(samlc_store_t *store, apr_uint64_t items, apr_uint64_t claims,
                         apr_pool_t *p);

#endif
