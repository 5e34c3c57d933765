/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <apr_strings.h>
#include <apr_tables.h>

#include "store_steps.h"

#define VALUE_LEN 2048

static apr_status_t touch(samlc_store_t *store, int n, apr_time_t expires, apr_time_t now,
                          apr_pool_t *p)
{
    samlc_store_key_t key = store_key("item", n);

    return store->vtable->touch(store, &key, expires, now, samlc_result_make(p), p);
}

static apr_status_t remove_item(samlc_store_t *store, int n, apr_pool_t *p)
{
    samlc_store_key_t key = store_key("item", n);

    return store->vtable->remove(store, &key, samlc_result_make(p), p);
}

static int count_of_user(samlc_store_t *store, const char *user, apr_time_t now, apr_pool_t *p)
{
    samlc_store_key_t key = store_key(user, 0);
    apr_array_header_t *keys = NULL;

    ck_assert_int_eq(
        store->vtable->list_by_user(store, &keys, &key, now, samlc_result_make(p), p), APR_SUCCESS);
    return keys->nelts;
}

static apr_uint64_t number_of(samlc_store_t *store, int digest, apr_pool_t *p)
{
    samlc_store_key_t key = store_key("digest", digest);
    apr_uint64_t number = 0;

    ck_assert_int_eq(store->vtable->number_generation(store, &number, &key, samlc_result_make(p),
                                                      p), APR_SUCCESS);
    return number;
}

/* ---- claims ---- */

START_TEST(claim_is_taken_once_until_it_expires)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    apr_time_t expires = STORE_NOW + 60 * SECOND;

    ck_assert_int_eq(store_claim(store, 1, expires, STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(store_claim(store, 1, expires, STORE_NOW, p), APR_EEXIST);
    ck_assert_int_eq(store_claim(store, 2, expires, STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(store_claim(store, 1, expires + SECOND, expires, p), APR_EEXIST);
    ck_assert_int_eq(store_claim(store, 1, expires + SECOND, expires + 1, p), APR_SUCCESS);
    ck_assert_int_eq(store_claim(store, 1, expires + SECOND, expires + 2, p), APR_EEXIST);
    store_expect_counts(store, 0, 2, p);
    ck_assert_int_eq(store_expire(store, 10, expires + 1, p),
                     1); /* 2; the old row of 1 is gone, too */
    ck_assert_int_eq(store_claim(store, 1, expires + SECOND, expires + 2, p), APR_EEXIST);
    ck_assert_int_eq(store_expire(store, 10, expires + SECOND + 1, p), 1);
    store_expect_counts(store, 0, 0, p);
}
END_TEST

START_TEST(refused_claim_says_replay)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    samlc_store_claim_t claim = { store_key("claim", 1), STORE_NOW + SECOND };
    samlc_result_t *res = samlc_result_make(p);

    ck_assert_int_eq(store->vtable->claim_and_put(store, &claim, 1, NULL, STORE_NOW, res, p),
                     APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_OK);
    ck_assert_int_eq(store->vtable->claim_and_put(store, &claim, 1, NULL, STORE_NOW, res, p),
                     APR_EEXIST);
    ck_assert_int_eq(res->reason, SAMLC_REASON_REPLAY);
}
END_TEST

START_TEST(all_or_nothing)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    samlc_store_claim_t claims[3] = {
        { store_key("claim", 1), STORE_NOW + SECOND },
        { store_key("claim", 2), STORE_NOW + SECOND },
        { store_key("claim", 3), STORE_NOW + SECOND },
    };
    samlc_store_item_t item = store_item(1, "alice", "value", 5, STORE_NOW + SECOND);
    samlc_result_t *res = samlc_result_make(p);

    ck_assert_int_eq(store_claim(store, 3, STORE_NOW + SECOND, STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(store->vtable->claim_and_put(store, claims, 3, &item, STORE_NOW, res, p),
                     APR_EEXIST);
    store_expect_counts(store, 0, 1, p);
    ck_assert_ptr_null(store_value(store, 1, STORE_NOW, p));
    ck_assert_int_eq(store->vtable->claim_and_put(store, claims, 2, &item, STORE_NOW, res, p),
                     APR_SUCCESS);
    store_expect_counts(store, 1, 3, p);
    ck_assert_str_eq(store_value(store, 1, STORE_NOW, p), "value");
    claims[1] = claims[0] = (samlc_store_claim_t){ store_key("claim", 4), STORE_NOW + SECOND };
    ck_assert_int_eq(store->vtable->claim_and_put(store, claims, 2, NULL, STORE_NOW, res, p),
                     APR_EEXIST);
    store_expect_counts(store, 1, 3, p);
}
END_TEST

START_TEST(what_has_expired_is_not_stored)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);

    ck_assert_int_eq(store_claim(store, 1, STORE_NOW - 1, STORE_NOW, p), APR_EINVAL);
    ck_assert_int_eq(store_claim(store, 2, -1, -2, p), APR_EINVAL);
    ck_assert_int_eq(store_put(store, 1, "alice", "value", STORE_NOW - 1, p), APR_EINVAL);
    store_expect_counts(store, 0, 0, p);
    ck_assert_int_eq(store_claim(store, 1, STORE_NOW, STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(store_put(store, 1, "alice", "value", STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(touch(store, 1, STORE_NOW - 1, STORE_NOW, p), APR_EINVAL);
    store_expect_counts(store, 1, 1, p);
}
END_TEST

/* ---- items ---- */

START_TEST(item_is_there_until_it_expires)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    samlc_store_key_t key = store_key("item", 1);
    samlc_store_key_t user = store_key("alice", 0);
    samlc_store_item_t item;

    ck_assert_int_eq(store_put(store, 1, "alice", "value", STORE_NOW + SECOND, p), APR_SUCCESS);
    ck_assert_int_eq(store->vtable->get(store, &item, &key, STORE_NOW, samlc_result_make(p), p),
                     APR_SUCCESS);
    ck_assert_mem_eq(&item.key, &key, sizeof(key));
    ck_assert_mem_eq(&item.user, &user, sizeof(user));
    ck_assert_int_eq(item.expires, STORE_NOW + SECOND);
    ck_assert_uint_eq(item.len, 5);
    ck_assert_str_eq(store_value(store, 1, STORE_NOW + SECOND, p), "value");
    ck_assert_ptr_null(store_value(store, 1, STORE_NOW + SECOND + 1, p));
    ck_assert_ptr_null(store_value(store, 2, STORE_NOW, p));
}
END_TEST

START_TEST(values_of_all_sizes_come_back)
{
    static const apr_size_t sizes[] = { 0, 1, 1900, 2000, 2048, 4000, 4096, 5000, 100000 };
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    unsigned char *value = apr_palloc(p, 100000);
    samlc_result_t *res = samlc_result_make(p);
    samlc_store_item_t item;
    samlc_store_item_t found;
    int n;
    int i;

    for (i = 0; i < 100000; i++) {
        value[i] = (unsigned char)(i * 7 + i / 251);
    }
    for (n = 0; n < (int)(sizeof(sizes) / sizeof(sizes[0])); n++) {
        item = store_item(n, "alice", value, sizes[n], STORE_NOW + SECOND);
        ck_assert_int_eq(store->vtable->claim_and_put(store, NULL, 0, &item, STORE_NOW, res, p),
                         APR_SUCCESS);
    }
    for (n = 0; n < (int)(sizeof(sizes) / sizeof(sizes[0])); n++) {
        item = store_item(n, "alice", NULL, 0, 0);
        ck_assert_int_eq(store->vtable->get(store, &found, &item.key, STORE_NOW, res, p),
                         APR_SUCCESS);
        ck_assert_uint_eq(found.len, sizes[n]);
        ck_assert(sizes[n] == 0 || memcmp(found.value, value, sizes[n]) == 0);
    }
}
END_TEST

/* What a caller got stays what it was, whatever happens to the store afterwards. */
START_TEST(value_outlives_the_item)
{
    apr_pool_t *p = test_pool();
    apr_pool_t *sub = store_sub_pool(p);
    samlc_store_t *store = store_open(test_dir(p), sub);
    samlc_store_key_t key = store_key("item", 1);
    samlc_store_item_t item;

    ck_assert_int_eq(store_put(store, 1, "alice", "value", STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(store->vtable->get(store, &item, &key, STORE_NOW, samlc_result_make(p), p),
                     APR_SUCCESS);
    ck_assert_int_eq(remove_item(store, 1, p), APR_SUCCESS);
    apr_pool_destroy(sub);
    ck_assert_mem_eq(item.value, "value", 5);
}
END_TEST

START_TEST(put_replaces)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);

    ck_assert_int_eq(store_put(store, 1, "alice", "first", STORE_NOW + SECOND, p), APR_SUCCESS);
    ck_assert_int_eq(store_put(store, 1, "bob", "second", STORE_NOW + 3 * SECOND, p), APR_SUCCESS);
    ck_assert_str_eq(store_value(store, 1, STORE_NOW, p), "second");
    ck_assert_int_eq(count_of_user(store, "alice", STORE_NOW, p), 0);
    ck_assert_int_eq(count_of_user(store, "bob", STORE_NOW, p), 1);
    ck_assert_int_eq(store_expire(store, 10, STORE_NOW + 2 * SECOND, p), 0);
    store_expect_counts(store, 1, 0, p);
    ck_assert_int_eq(store_expire(store, 10, STORE_NOW + 4 * SECOND, p), 1);
    store_expect_counts(store, 0, 0, p);
}
END_TEST

START_TEST(touch_moves_the_expiry_both_ways)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);

    ck_assert_int_eq(store_put(store, 1, "alice", "value", STORE_NOW + 10 * SECOND, p),
                     APR_SUCCESS);
    ck_assert_int_eq(touch(store, 1, STORE_NOW + 20 * SECOND, STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(store_expire(store, 10, STORE_NOW + 15 * SECOND, p), 0);
    ck_assert_str_eq(store_value(store, 1, STORE_NOW + 15 * SECOND, p), "value");
    ck_assert_int_eq(count_of_user(store, "alice", STORE_NOW + 15 * SECOND, p), 1);
    ck_assert_int_eq(touch(store, 1, STORE_NOW + 5 * SECOND, STORE_NOW, p), APR_SUCCESS);
    ck_assert_ptr_null(store_value(store, 1, STORE_NOW + 6 * SECOND, p));
    ck_assert_int_eq(touch(store, 1, STORE_NOW + 30 * SECOND, STORE_NOW + 6 * SECOND, p),
                     APR_NOTFOUND);
    ck_assert_int_eq(touch(store, 2, STORE_NOW + 30 * SECOND, STORE_NOW, p), APR_NOTFOUND);
    ck_assert_int_eq(store_expire(store, 10, STORE_NOW + 6 * SECOND, p), 1);
    ck_assert_int_eq(store_expire(store, 10, STORE_NOW + 60 * SECOND, p), 0);
}
END_TEST

START_TEST(remove_takes_the_item_and_nothing_else)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);

    ck_assert_int_eq(store_put(store, 1, "alice", "one", STORE_NOW + SECOND, p), APR_SUCCESS);
    ck_assert_int_eq(store_put(store, 2, "alice", "two", STORE_NOW + SECOND, p), APR_SUCCESS);
    ck_assert_int_eq(remove_item(store, 1, p), APR_SUCCESS);
    ck_assert_int_eq(remove_item(store, 1, p), APR_NOTFOUND);
    ck_assert_ptr_null(store_value(store, 1, STORE_NOW, p));
    ck_assert_str_eq(store_value(store, 2, STORE_NOW, p), "two");
    ck_assert_int_eq(count_of_user(store, "alice", STORE_NOW, p), 1);
    ck_assert_int_eq(store_expire(store, 10, STORE_NOW + 2 * SECOND, p), 1);
    store_expect_counts(store, 0, 0, p);
}
END_TEST

START_TEST(claims_cannot_be_removed)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    samlc_store_key_t key = store_key("claim", 1);

    ck_assert_int_eq(store_claim(store, 1, STORE_NOW + SECOND, STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(store->vtable->remove(store, &key, samlc_result_make(p), p), APR_NOTFOUND);
    ck_assert_int_eq(store_claim(store, 1, STORE_NOW + SECOND, STORE_NOW, p), APR_EEXIST);
}
END_TEST

START_TEST(list_has_the_unexpired_items_of_a_user)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    samlc_store_key_t alice = store_key("alice", 0);
    samlc_store_key_t key;
    apr_array_header_t *keys = NULL;
    int found[4] = { 0, 0, 0, 0 };
    int i;
    int n;

    ck_assert_int_eq(store_put(store, 1, "alice", "x", STORE_NOW + SECOND, p), APR_SUCCESS);
    ck_assert_int_eq(store_put(store, 2, "bob", "x", STORE_NOW + SECOND, p), APR_SUCCESS);
    ck_assert_int_eq(store_put(store, 3, "alice", "x", STORE_NOW + 3 * SECOND, p), APR_SUCCESS);
    ck_assert_int_eq(
        store->vtable->list_by_user(store, &keys, &alice, STORE_NOW, samlc_result_make(p), p),
        APR_SUCCESS);
    for (i = 0; i < keys->nelts; i++) {
        for (n = 0; n < 4; n++) {
            key = store_key("item", n);
            found[n] += memcmp(&APR_ARRAY_IDX(keys, i, samlc_store_key_t), &key, sizeof(key)) == 0;
        }
    }
    ck_assert_int_eq(keys->nelts, 2);
    ck_assert_int_eq(found[1], 1);
    ck_assert_int_eq(found[3], 1);
    ck_assert_int_eq(count_of_user(store, "alice", STORE_NOW + 2 * SECOND, p), 1);
    ck_assert_int_eq(count_of_user(store, "carol", STORE_NOW, p), 0);
}
END_TEST

START_TEST(expire_goes_in_order_and_stops_at_max)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    int n;

    for (n = 0; n < 1000; n++) {
        ck_assert_int_eq(store_put(store, n, "alice", "x", STORE_NOW + (n * 7 % 1000) * SECOND, p),
                         APR_SUCCESS);
        ck_assert_int_eq(store_claim(store, n, STORE_NOW + (n * 3 % 1000) * SECOND, STORE_NOW, p),
                         APR_SUCCESS);
    }
    ck_assert_int_eq(store_expire(store, 0, STORE_NOW + 500 * SECOND, p), 0);
    ck_assert_int_eq(store_expire(store, 10, STORE_NOW, p), 0);
    ck_assert_int_eq(store_expire(store, 10, STORE_NOW + 1, p), 2);
    ck_assert_int_eq(store_expire(store, 700, STORE_NOW + 500 * SECOND, p), 700);
    store_expect_counts(store, 1000 - 351, 1000 - 351, p);
    ck_assert_int_eq(store_expire(store, 10000, STORE_NOW + 500 * SECOND, p), 298);
    ck_assert_int_eq(count_of_user(store, "alice", STORE_NOW + 500 * SECOND, p), 500);
    ck_assert_int_eq(store_expire(store, 10000, STORE_NOW + 1000 * SECOND, p), 1000);
    store_expect_counts(store, 0, 0, p);
    ck_assert_int_eq(count_of_user(store, "alice", STORE_NOW, p), 0);
}
END_TEST

START_TEST(generations_are_numbered_by_digest)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    apr_pool_t *sub = store_sub_pool(p);
    samlc_store_t *store = store_open(dir, sub);

    ck_assert_uint_eq(number_of(store, 1, p), 1);
    ck_assert_uint_eq(number_of(store, 1, p), 1);
    ck_assert_uint_eq(number_of(store, 2, p), 2);
    apr_pool_destroy(sub);
    store = store_open(dir, p);
    ck_assert_uint_eq(number_of(store, 2, p), 2);
    ck_assert_uint_eq(number_of(store, 1, p), 3);
}
END_TEST

/* ---- a full map ---- */

static apr_status_t fill_up(int *stored, samlc_store_t *store, samlc_result_t *res, apr_pool_t *p)
{
    char value[VALUE_LEN];
    apr_status_t rv = APR_SUCCESS;
    samlc_store_claim_t claim;
    samlc_store_item_t item;

    memset(value, 'v', sizeof(value));
    for (*stored = 0; *stored < 10000; (*stored)++) {
        claim = (samlc_store_claim_t){ store_key("claim", *stored), STORE_NOW + SECOND };
        item = store_item(*stored, "alice", value, sizeof(value), STORE_NOW + SECOND);
        rv = store->vtable->claim_and_put(store, &claim, 1, &item, STORE_NOW, res, p);
        if (rv != APR_SUCCESS) {
            break;
        }
    }
    return rv;
}

START_TEST(full_map_refuses_and_forgets_nothing)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    samlc_store_t *store = store_open_sized(dir, 2 * 1024 * 1024, p);
    samlc_result_t *res = samlc_result_make(p);
    int again = 0;
    int stored = 0;
    int n;

    ck_assert_int_ne(fill_up(&stored, store, res, p), APR_SUCCESS);
    ck_assert_int_gt(stored, 100);
    ck_assert_int_eq(res->reason, SAMLC_REASON_REPLAY_STORE_UNAVAILABLE);
    ck_assert_ptr_nonnull(strstr(res->message, dir));
    ck_assert_ptr_nonnull(strstr(res->message, "SamlCertStoreSize"));
    store_expect_counts(store, (apr_uint64_t)stored, (apr_uint64_t)stored, p);
    for (n = 0; n < stored; n++) {
        ck_assert_int_ne(store_claim(store, n, STORE_NOW + SECOND, STORE_NOW, p), APR_SUCCESS);
        ck_assert_ptr_nonnull(store_value(store, n, STORE_NOW, p));
    }
    ck_assert_int_eq(touch(store, 0, STORE_NOW + 2 * SECOND, STORE_NOW, p),
                     APR_SUCCESS); /* users stay in */
    for (n = 1; n < stored; n++) {
        ck_assert_int_eq(remove_item(store, n, p), APR_SUCCESS);               /* and can leave */
    }
    for (n = 0; n < stored; n++) {                /* there is room, and each claim is remembered */
        ck_assert_int_eq(store_claim(store, n, STORE_NOW + SECOND, STORE_NOW, p), APR_EEXIST);
    }
    ck_assert_int_eq(store_expire(store, 100000, STORE_NOW + SECOND + 1, p), stored);
    ck_assert_str_eq(store_value(store, 0, STORE_NOW + SECOND + 1, p) + VALUE_LEN - 1, "v");
    ck_assert_int_ne(fill_up(&again, store, res, p), APR_SUCCESS);
    ck_assert_int_gt(again, stored / 2);
}
END_TEST

/* Values of `size` bytes until they are refused, and then claims alone until those are. */
static int cram(samlc_store_t *store, apr_size_t size, int first, apr_time_t now, apr_pool_t *p)
{
    unsigned char *value = apr_pcalloc(p, size + 1);
    samlc_result_t *res = samlc_result_make(p);
    samlc_store_claim_t claim;
    samlc_store_item_t item;
    int refused = 0;
    int entries = 0;
    int n;

    for (n = first; refused < 50; n++) {
        claim = (samlc_store_claim_t){ store_key("claim", n), now + n % 1000 };
        item = store_item(n, "alice", value, size, now + n % 1000);
        if (store->vtable->claim_and_put(store, &claim, 1, refused < 25 ? &item : NULL, now, res, p)
            == APR_SUCCESS) {
            entries += refused < 25 ? 2 : 1;
        }
        else {
            refused++;
        }
    }
    return entries;
}

/* To delete takes room, too: a store filled to the brim could never be emptied again. */
START_TEST(full_map_can_be_emptied)
{
    static const apr_size_t sizes[] = { 100, VALUE_LEN, 30000 };
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open_sized(test_dir(p), 1024 * 1024, p);
    apr_pool_t *sub = store_sub_pool(p);
    apr_time_t now = STORE_NOW;
    int entries = 0;
    int round;

    for (round = 0; round < 6; round++) {
        entries = cram(store, sizes[(round + _i) % 3], round * 100000, now, sub);
        ck_assert_int_gt(entries, 100);
        now += SECOND;
        ck_assert_int_eq(store_expire(store, 1000000, now, sub), entries);
        store_expect_counts(store, 0, 0, sub);
        apr_pool_clear(sub);
    }
}
END_TEST

Suite *suite_lmdb(void)
{
    Suite *suite = suite_create("lmdb");
    TCase *tc = tcase_create("lmdb");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, claim_is_taken_once_until_it_expires);
    tcase_add_test(tc, refused_claim_says_replay);
    tcase_add_test(tc, all_or_nothing);
    tcase_add_test(tc, what_has_expired_is_not_stored);
    tcase_add_test(tc, item_is_there_until_it_expires);
    tcase_add_test(tc, values_of_all_sizes_come_back);
    tcase_add_test(tc, value_outlives_the_item);
    tcase_add_test(tc, put_replaces);
    tcase_add_test(tc, touch_moves_the_expiry_both_ways);
    tcase_add_test(tc, remove_takes_the_item_and_nothing_else);
    tcase_add_test(tc, claims_cannot_be_removed);
    tcase_add_test(tc, list_has_the_unexpired_items_of_a_user);
    tcase_add_test(tc, expire_goes_in_order_and_stops_at_max);
    tcase_add_test(tc, generations_are_numbered_by_digest);
    tcase_add_test(tc, full_map_refuses_and_forgets_nothing);
    tcase_add_loop_test(tc, full_map_can_be_emptied, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
