/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rule: a header with a count above zero holds a live snapshot, and headers are never freed.
 *
 * A header of the array is free while its count is 0. Only the one writer takes a free header,
 * stores the snapshot in it and then the count 1, which is the slot's own reference; it gives that
 * one back when another header becomes the current one. A reader counts up only from above zero.
 *
 * Why that is right: between a reader's look at `current` and its count, the header may have been
 * given up and taken again for a newer generation (ABA). The count does not say for which one it
 * was. It need not: whatever the header holds while the count is above zero is alive, was stored
 * before the count became 1, and stays as long as the reader's own count does. The second look at
 * `current` only rejects a generation that is not the present one. Whoever counts down to zero has
 * read the snapshot's address before: from then on the header may be the next one's.
 */
#include "core/reload/slot.h"

#include <stdatomic.h>

#define HEADERS 64    /* the present generation, and old ones that requests still use */
#define NONE (-1)

struct samlc_ref_t {
    atomic_uint count;
    samlc_snapshot_t *snapshot;
};

struct samlc_slot_t {
    samlc_ref_t headers[HEADERS];
    atomic_int current;    /* index of a header, or NONE */
};

static apr_status_t destroy_slot(void *data)
{
    samlc_slot_t *slot = data;
    int last = atomic_exchange(&slot->current, NONE);

    if (last != NONE) {
        samlc_ref_release(&slot->headers[last]);
    }
    return APR_SUCCESS;
}

samlc_slot_t *samlc_slot_make(apr_pool_t *p)
{
    samlc_slot_t *slot = apr_palloc(p, sizeof(*slot));
    int i = 0;

    for (i = 0; i < HEADERS; i++) {
        atomic_init(&slot->headers[i].count, 0);
        slot->headers[i].snapshot = NULL;
    }
    atomic_init(&slot->current, NONE);
    apr_pool_cleanup_register(p, slot, destroy_slot, apr_pool_cleanup_null);
    return slot;
}

/* Counts up, unless the header is free. */
static int try_reference(samlc_ref_t *ref)
{
    unsigned int count = atomic_load(&ref->count);

    while (count > 0) {
        if (atomic_compare_exchange_weak(&ref->count, &count, count + 1)) {
            return 1;
        }
    }
    return 0;
}

samlc_ref_t *samlc_slot_acquire(samlc_slot_t *slot)
{
    samlc_ref_t *ref = NULL;
    int current = NONE;

    for (;;) {
        current = atomic_load(&slot->current);
        if (current == NONE) {
            return NULL;
        }
        ref = &slot->headers[current];
        if (try_reference(ref)) {
            if (atomic_load(&slot->current) == current) {
                return ref;
            }
            samlc_ref_release(ref);
        }
    }
}

const samlc_snapshot_t *samlc_ref_snapshot(const samlc_ref_t *ref)
{
    return ref->snapshot;
}

samlc_ref_t *samlc_ref_again(samlc_ref_t *ref)
{
    atomic_fetch_add(&ref->count, 1);
    return ref;
}

void samlc_ref_release(samlc_ref_t *ref)
{
    samlc_snapshot_t *snapshot = ref->snapshot;    /* not afterwards: see above */

    if (atomic_fetch_sub(&ref->count, 1) == 1) {
        samlc_snapshot_destroy(snapshot);
    }
}

int samlc_slot_swap(samlc_slot_t *slot, samlc_snapshot_t *snapshot)
{
    int next = 0;
    int last = NONE;

    while (next < HEADERS && atomic_load(&slot->headers[next].count) > 0) {
        next++;
    }
    if (next == HEADERS) {
        return 0;
    }
    slot->headers[next].snapshot = snapshot;
    atomic_store(&slot->headers[next].count, 1);
    last = atomic_exchange(&slot->current, next);
    if (last != NONE) {
        samlc_ref_release(&slot->headers[last]);
    }
    return 1;
}

int samlc_slot_alive(const samlc_slot_t *slot)
{
    int alive = 0;
    int i = 0;

    for (i = 0; i < HEADERS; i++) {
        if (atomic_load(&slot->headers[i].count) > 0) {
            alive++;
        }
    }
    return alive;
}
