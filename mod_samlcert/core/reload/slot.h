/* SPDX-License-Identifier: Apache-2.0 */
/* The present generation of a process: one pointer, swapped; readers by reference. No locks. */
#ifndef SAMLC_RELOAD_SLOT_H
#define SAMLC_RELOAD_SLOT_H

#include "core/reload/snapshot.h"

typedef struct samlc_slot_t samlc_slot_t;
typedef struct samlc_ref_t samlc_ref_t;    /* a reference to one generation */

samlc_slot_t *samlc_slot_make(apr_pool_t *p);

/* References the present generation; NULL if there is none yet. Any thread, lock-free. */
samlc_ref_t *samlc_slot_acquire(samlc_slot_t *slot);

/* What the reference holds. */
const samlc_snapshot_t *samlc_ref_snapshot(const samlc_ref_t *ref);

/* Another reference to the same generation. */
samlc_ref_t *samlc_ref_again(samlc_ref_t *ref);

/* Gives the reference back; the last one frees a generation that is no longer present. */
void samlc_ref_release(samlc_ref_t *ref);

/*
 * Makes `snapshot` the present one; the slot owns it. One caller at a time (the loader's mutex).
 * FALSE, and nothing changed, if too many old generations are still referenced.
 */
int samlc_slot_swap(samlc_slot_t *slot, samlc_snapshot_t *snapshot);

/* How many generations are alive, for status and tests. */
int samlc_slot_alive(const samlc_slot_t *slot);

#endif
