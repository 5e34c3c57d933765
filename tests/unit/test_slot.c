/* SPDX-License-Identifier: Apache-2.0 */
/* The races are for ThreadSanitizer to find: see "unit, threads" in ./check. */
#include <apr_thread_proc.h>
#include <stdatomic.h>

#include "core/reload/slot.h"
#include "test.h"

#define READERS 8
#define SWAPS 20000
#define HEADERS 64    /* how many generations may be alive */

/* One per generation ever made; counts how often it was destroyed. */
static atomic_int destroyed[SWAPS + 1];

static apr_status_t count_destroyed(void *data)
{
    samlc_snapshot_t *snapshot = data;

    atomic_fetch_add(&destroyed[snapshot->number], 1);
    snapshot->number = 0;
    return APR_SUCCESS;
}

/* A snapshot with nothing but its number. */
static samlc_snapshot_t *make_snapshot(unsigned int number)
{
    apr_allocator_t *allocator = NULL;
    apr_pool_t *p = NULL;
    samlc_snapshot_t *snapshot = NULL;

    ck_assert_int_eq(apr_allocator_create(&allocator), APR_SUCCESS);
    ck_assert_int_eq(apr_pool_create_unmanaged_ex(&p, NULL, allocator), APR_SUCCESS);
    apr_allocator_owner_set(allocator, p);
    snapshot = apr_pcalloc(p, sizeof(*snapshot));
    snapshot->pool = p;
    snapshot->number = number;
    atomic_store(&destroyed[number], 0);
    apr_pool_cleanup_register(p, snapshot, count_destroyed, apr_pool_cleanup_null);
    return snapshot;
}

static apr_uint64_t present_number(samlc_slot_t *slot)
{
    samlc_ref_t *ref = samlc_slot_acquire(slot);
    apr_uint64_t number = 0;

    ck_assert_ptr_nonnull(ref);
    number = samlc_ref_snapshot(ref)->number;
    samlc_ref_release(ref);
    return number;
}

START_TEST(empty_slot_gives_nothing)
{
    samlc_slot_t *slot = samlc_slot_make(test_pool());

    ck_assert_ptr_null(samlc_slot_acquire(slot));
    ck_assert_int_eq(samlc_slot_alive(slot), 0);
    ck_assert(samlc_slot_swap(slot, make_snapshot(1)));
    ck_assert_int_eq(present_number(slot), 1);
    ck_assert_int_eq(samlc_slot_alive(slot), 1);
}
END_TEST

START_TEST(unused_generation_goes_at_the_swap)
{
    samlc_slot_t *slot = samlc_slot_make(test_pool());

    ck_assert(samlc_slot_swap(slot, make_snapshot(1)));
    ck_assert_int_eq(present_number(slot), 1);
    ck_assert_int_eq(atomic_load(&destroyed[1]), 0);
    ck_assert(samlc_slot_swap(slot, make_snapshot(2)));
    ck_assert_int_eq(atomic_load(&destroyed[1]), 1);
    ck_assert_int_eq(present_number(slot), 2);
    ck_assert_int_eq(samlc_slot_alive(slot), 1);
}
END_TEST

START_TEST(used_generation_goes_with_its_last_reference)
{
    samlc_slot_t *slot = samlc_slot_make(test_pool());
    samlc_ref_t *first = NULL;
    samlc_ref_t *second = NULL;

    ck_assert(samlc_slot_swap(slot, make_snapshot(1)));
    first = samlc_slot_acquire(slot);
    second = samlc_slot_acquire(slot);
    ck_assert(samlc_slot_swap(slot, make_snapshot(2)));
    ck_assert_int_eq(samlc_slot_alive(slot), 2);
    ck_assert_int_eq(samlc_ref_snapshot(first)->number, 1);
    samlc_ref_release(first);
    ck_assert_int_eq(atomic_load(&destroyed[1]), 0);
    ck_assert_int_eq(samlc_ref_snapshot(second)->number, 1);
    samlc_ref_release(second);
    ck_assert_int_eq(atomic_load(&destroyed[1]), 1);
    ck_assert_int_eq(samlc_slot_alive(slot), 1);
    ck_assert_int_eq(present_number(slot), 2);
}
END_TEST

START_TEST(full_slot_keeps_what_it_has)
{
    samlc_slot_t *slot = samlc_slot_make(test_pool());
    samlc_ref_t *refs[HEADERS];
    samlc_snapshot_t *extra = make_snapshot(HEADERS + 1);
    unsigned int i = 0;

    for (i = 0; i < HEADERS; i++) {
        ck_assert(samlc_slot_swap(slot, make_snapshot(i + 1)));
        refs[i] = samlc_slot_acquire(slot);
    }
    ck_assert_int_eq(samlc_slot_alive(slot), HEADERS);
    ck_assert(!samlc_slot_swap(slot, extra));
    ck_assert_int_eq(present_number(slot), HEADERS);
    ck_assert_int_eq(atomic_load(&destroyed[HEADERS + 1]), 0);

    samlc_ref_release(refs[0]);
    ck_assert(samlc_slot_swap(slot, extra));
    ck_assert_int_eq(present_number(slot), HEADERS + 1);
    for (i = 1; i < HEADERS; i++) {
        ck_assert_int_eq(samlc_ref_snapshot(refs[i])->number, i + 1);
        samlc_ref_release(refs[i]);
        ck_assert_int_eq(atomic_load(&destroyed[i + 1]), 1);
    }
    ck_assert_int_eq(samlc_slot_alive(slot), 1);
}
END_TEST

START_TEST(pool_takes_the_present_generation_along)
{
    apr_pool_t *p = test_pool();
    samlc_slot_t *slot = samlc_slot_make(p);

    ck_assert(samlc_slot_swap(slot, make_snapshot(1)));
    ck_assert_int_eq(atomic_load(&destroyed[1]), 0);
    apr_pool_destroy(p);
    ck_assert_int_eq(atomic_load(&destroyed[1]), 1);
}
END_TEST

/* What the readers of the race share. */
typedef struct race_t {
    samlc_slot_t *slot;
    atomic_int is_over;
    atomic_int failures;
    atomic_ulong reads;
} race_t;

/* What was acquired is alive until it is released, and generations never go backwards. */
static void *APR_THREAD_FUNC read_generations(apr_thread_t *thread, void *data)
{
    race_t *race = data;
    samlc_ref_t *ref = NULL;
    apr_uint64_t seen = 0;
    apr_uint64_t number = 0;

    (void)thread;
    while (!atomic_load(&race->is_over)) {
        ref = samlc_slot_acquire(race->slot);
        number = samlc_ref_snapshot(ref)->number;
        if (number < seen || number == 0) {
            atomic_fetch_add(&race->failures, 1);
        }
        seen = number;
        if (number % 16 == 0) {
            apr_thread_yield();    /* so that it is given up while this reader holds it */
        }
        if (atomic_load(&destroyed[number]) || samlc_ref_snapshot(ref)->number != number) {
            atomic_fetch_add(&race->failures, 1);
        }
        samlc_ref_release(ref);
        atomic_fetch_add(&race->reads, 1);
    }
    return NULL;
}

START_TEST(readers_never_see_a_destroyed_generation)
{
    apr_pool_t *p = test_pool();
    race_t race = {samlc_slot_make(p), 0, 0, 0};
    apr_thread_t *threads[READERS];
    apr_status_t status = APR_SUCCESS;
    unsigned int number = 0;
    int i = 0;

    ck_assert(samlc_slot_swap(race.slot, make_snapshot(1)));
    for (i = 0; i < READERS; i++) {
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, read_generations, &race, p),
                         APR_SUCCESS);
    }
    for (number = 2; number <= SWAPS; number++) {
        ck_assert(samlc_slot_swap(race.slot, make_snapshot(number)));
        if (number % 64 == 0) {
            apr_thread_yield();
        }
    }
    atomic_store(&race.is_over, 1);
    for (i = 0; i < READERS; i++) {
        apr_thread_join(&status, threads[i]);
    }
    ck_assert_int_eq(atomic_load(&race.failures), 0);
    ck_assert_uint_gt(atomic_load(&race.reads), READERS);
    ck_assert_int_eq(samlc_slot_alive(race.slot), 1);
    for (number = 1; number < SWAPS; number++) {
        ck_assert_int_eq(atomic_load(&destroyed[number]), 1);
    }
    ck_assert_int_eq(atomic_load(&destroyed[SWAPS]), 0);
    apr_pool_destroy(p);
    ck_assert_int_eq(atomic_load(&destroyed[SWAPS]), 1);
}
END_TEST

Suite *suite_slot(void)
{
    Suite *suite = suite_create("slot");
    TCase *tc = tcase_create("slot");

    tcase_set_timeout(tc, 120);    /* sanitizers take their time */
    tcase_add_test(tc, empty_slot_gives_nothing);
    tcase_add_test(tc, unused_generation_goes_at_the_swap);
    tcase_add_test(tc, used_generation_goes_with_its_last_reference);
    tcase_add_test(tc, full_slot_keeps_what_it_has);
    tcase_add_test(tc, pool_takes_the_present_generation_along);
    suite_add_tcase(suite, tc);
    tc = tcase_create("threads");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, readers_never_see_a_destroyed_generation);
    suite_add_tcase(suite, tc);
    return suite;
}
