/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/known.h"

#include <stdatomic.h>
#include <string.h>

#include "core/base/pool.h"

/*
 * A list that only grows, at its front: a reader that has its first node has all behind it for as
 * long as the generation lives. Nodes are made by requests, so each has a pool of its own.
 */
typedef struct node_t {
    samlc_known_cert_t shown;              /* first: what callers hold is the node */
    atomic_int is_accepted;
    atomic_int_least64_t ask_at;
    apr_pool_t *pool;
} node_t;

struct samlc_known_t {
    const samlc_signcerts_t *list;
    _Atomic(const samlc_known_cert_t *) first;
    atomic_int_least64_t read_at;
};

static apr_status_t destroy_nodes(void *data)
{
    samlc_known_t *known = data;
    const samlc_known_cert_t *at = atomic_exchange(&known->first, NULL);

    while (at) {
        apr_pool_t *pool = ((const node_t *)at)->pool;

        at = at->next;
        apr_pool_destroy(pool);
    }
    return APR_SUCCESS;
}

samlc_known_t *samlc_known_make(const samlc_signcerts_t *list, apr_pool_t *p)
{
    samlc_known_t *known = apr_palloc(p, sizeof(*known));

    known->list = list;
    atomic_init(&known->first, NULL);
    atomic_init(&known->read_at, 0);
    apr_pool_cleanup_register(p, known, destroy_nodes, apr_pool_cleanup_null);
    return known;
}

const samlc_known_cert_t *samlc_known_first(const samlc_known_t *known)
{
    return known ? atomic_load_explicit(&known->first, memory_order_acquire) : NULL;
}

static const samlc_known_cert_t *find_from(const samlc_known_cert_t *at,
                                           const unsigned char *sha256)
{
    while (at && memcmp(samlc_cert_sha256(at->cert), sha256, SAMLC_SHA256_LEN) != 0) {
        at = at->next;
    }
    return at;
}

const samlc_known_cert_t *samlc_known_find(const samlc_known_t *known, const unsigned char *sha256)
{
    return find_from(samlc_known_first(known), sha256);
}

static int has_room(const samlc_known_cert_t *at, const samlc_pin_t *pin)
{
    int room = pin->is_spki ? SAMLC_KNOWN_PER_KEY : 1;

    for (; at; at = at->next) {
        room -= at->pin == pin;
    }
    return room > 0;
}

/* NULL, with all of it freed, for what no pin matches. */
static node_t *make_node(const samlc_signcerts_t *list, const samlc_data_t *der)
{
    apr_pool_t *pool = samlc_pool_make(NULL);    /* requests of several threads fill it */
    samlc_cert_t *cert = NULL;
    node_t *node = NULL;

    if (!pool) {
        return NULL;
    }
    node = apr_pcalloc(pool, sizeof(*node));
    if (samlc_cert_parse_der(&cert, der, samlc_result_make(pool), pool) == APR_SUCCESS) {
        node->shown.pin = samlc_signcerts_match(list, cert);
    }
    if (!node->shown.pin) {
        apr_pool_destroy(pool);
        return NULL;
    }
    node->shown.cert = cert;
    node->shown.verifier = samlc_verifier_make(samlc_cert_key(cert), pool);
    node->shown.memo = samlc_memo_make(pool);
    node->pool = pool;
    atomic_init(&node->is_accepted, 0);
    atomic_init(&node->ask_at, 0);
    return node;
}

const samlc_known_cert_t *samlc_known_add(samlc_known_t *known, const samlc_data_t *der)
{
    node_t *node = known ? make_node(known->list, der) : NULL;
    const samlc_known_cert_t *first = samlc_known_first(known);
    const samlc_known_cert_t *same = NULL;

    if (!node) {
        return NULL;
    }
    for (;;) {
        same = find_from(first, samlc_cert_sha256(node->shown.cert));
        if (same || !has_room(first, node->shown.pin)) {
            apr_pool_destroy(node->pool);
            return same;
        }
        node->shown.next = first;
        if (atomic_compare_exchange_strong(&known->first, &first, &node->shown)) {
            return &node->shown;
        }
    }
}

int samlc_known_cert_is_accepted(const samlc_known_cert_t *known)
{
    return atomic_load_explicit(&((node_t *)known)->is_accepted, memory_order_relaxed);
}

void samlc_known_cert_accept(const samlc_known_cert_t *known)
{
    atomic_store_explicit(&((node_t *)known)->is_accepted, 1, memory_order_relaxed);
}

apr_time_t samlc_known_cert_ask_at(const samlc_known_cert_t *known)
{
    return atomic_load_explicit(&((node_t *)known)->ask_at, memory_order_relaxed);
}

void samlc_known_cert_set_ask_at(const samlc_known_cert_t *known, apr_time_t ask_at)
{
    atomic_store_explicit(&((node_t *)known)->ask_at, ask_at, memory_order_relaxed);
}

apr_time_t samlc_known_read_at(const samlc_known_t *known)
{
    return atomic_load_explicit(&known->read_at, memory_order_relaxed);
}

void samlc_known_set_read_at(samlc_known_t *known, apr_time_t mtime)
{
    atomic_store_explicit(&known->read_at, mtime, memory_order_relaxed);
}
