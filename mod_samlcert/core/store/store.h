/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store: sessions and replay claims. One table of functions, exchangeable providers.
 *
 * Contract for every provider:
 * - All functions may be called by many threads at once, in many processes.
 * - Keys are SHA-256 of what they stand for (samlc_store_key); nothing readable is stored as a key.
 * - An unexpired claim is never evicted. A provider that is full or down fails; it never forgets.
 * - What a function returns in `p` stays valid after the call; nothing points into the store.
 * - An entry counts until `expires` and at that very instant; it is gone when now > expires.
 * - APR_NOTFOUND is an answer, not a failure: it leaves `res` as it was. Every other error fills
 *   it, with `replay` for a claim that is taken, `replay-store-unavailable` where the store failed.
 */
#ifndef SAMLC_STORE_STORE_H
#define SAMLC_STORE_STORE_H

#include <apr_tables.h>
#include <apr_time.h>

#include "core/base/result.h"
#include "core/base/text.h"

#define SAMLC_STORE_KEY_LEN 32

typedef struct samlc_store_key_t {
    unsigned char bytes[SAMLC_STORE_KEY_LEN];
} samlc_store_key_t;

/* SHA-256 over the given strings, each with its length, so that ("a","bc") differs from ("ab","c");
 * the list ends with NULL. FALSE if OpenSSL refuses: the key must not be used then. */
int samlc_store_key(samlc_store_key_t *key, ...) __attribute__((sentinel));

/* Numbers as the providers and the session record keep them: big endian, so that they sort. */
#define SAMLC_STORE_U64_LEN 8
void samlc_store_put_u64(unsigned char out[SAMLC_STORE_U64_LEN], apr_uint64_t n);
apr_uint64_t samlc_store_get_u64(const unsigned char in[SAMLC_STORE_U64_LEN]);

/* Something that may happen once until `expires` (microseconds since 1970). */
typedef struct samlc_store_claim_t {
    samlc_store_key_t key;
    apr_time_t expires;
} samlc_store_claim_t;

/* A value under a key, with the user it belongs to (for list_by_user). */
typedef struct samlc_store_item_t {
    samlc_store_key_t key;
    samlc_store_key_t user;
    apr_time_t expires;       /* after this instant it is not there any more */
    const unsigned char *value;
    apr_size_t len;
} samlc_store_item_t;

typedef struct samlc_store_t samlc_store_t;

typedef struct samlc_store_vtable_t {
    const char *name;

    /*
     * Claims all of `claims` and stores `item` (may be NULL), in one transaction: all or nothing.
     * APR_EEXIST if any claim is taken and unexpired at `now`; any other error: nothing was stored.
     * An item under a key that is there replaces it. What has expired at `now` already protects
     * nothing and is a mistake of the caller: APR_EINVAL.
     */
    apr_status_t (*claim_and_put)(samlc_store_t *store, const samlc_store_claim_t *claims,
                                  int count, const samlc_store_item_t *item, apr_time_t now,
                                  samlc_result_t *res, apr_pool_t *p);

    /* The value under `key`, copied into `p`; item->expires is filled. APR_NOTFOUND if there is
     * none or it has expired at `now`. */
    apr_status_t (*get)(samlc_store_t *store, samlc_store_item_t *item,
                        const samlc_store_key_t *key, apr_time_t now, samlc_result_t *res,
                        apr_pool_t *p);

    /* Moves the expiry of an unexpired item that is there; APR_NOTFOUND otherwise. APR_EINVAL
     * for an `expires` that has passed at `now`. */
    apr_status_t (*touch)(samlc_store_t *store, const samlc_store_key_t *key, apr_time_t expires,
                          apr_time_t now, samlc_result_t *res, apr_pool_t *p);

    /* Deletes an item; APR_NOTFOUND if it was not there. Claims cannot be deleted. */
    apr_status_t (*remove)(samlc_store_t *store, const samlc_store_key_t *key, samlc_result_t *res,
                           apr_pool_t *p);

    /* The keys (samlc_store_key_t) of the unexpired items of `user`. */
    apr_status_t (*list_by_user)(samlc_store_t *store, apr_array_header_t **keys,
                                 const samlc_store_key_t *user, apr_time_t now, samlc_result_t *res,
                                 apr_pool_t *p);

    /* Deletes at most `max` expired items and claims; *removed says how many. Also housekeeping
     * (stale readers, sync to disk). Called by one process about once a second. */
    apr_status_t (*expire)(samlc_store_t *store, int *removed, int max, apr_time_t now,
                           samlc_result_t *res, apr_pool_t *p);

    /* How many items and claims there are, for the status page. */
    apr_status_t (*count)(samlc_store_t *store, apr_uint64_t *items, apr_uint64_t *claims,
                          samlc_result_t *res, apr_pool_t *p);

    /*
     * The number of the generation with this content digest: the present number if `digest` is
     * the one last numbered, else the next one, remembered. One transaction, so that all
     * children agree.
     */
    apr_status_t (*number_generation)(samlc_store_t *store, apr_uint64_t *number,
                                      const samlc_store_key_t *digest, samlc_result_t *res,
                                      apr_pool_t *p);
} samlc_store_vtable_t;

/* Providers put this first in their own struct. */
struct samlc_store_t {
    const samlc_store_vtable_t *vtable;
};

#endif
