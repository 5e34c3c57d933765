/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include "core/base/text.h"
#include "core/store/store.h"

static const char *hex(const samlc_store_key_t *key, apr_pool_t *p)
{
    return samlc_text_hex(key->bytes, sizeof(key->bytes), p);
}

/* Worked out with sha256sum over the lengths (8 bytes, big endian) and the strings. */
START_TEST(key_is_sha256_of_lengths_and_strings)
{
    apr_pool_t *p = test_pool();
    samlc_store_key_t key;

    ck_assert_int_eq(samlc_store_key(&key, "a", "bc", NULL), 1);
    ck_assert_str_eq(hex(&key, p),
                     "3fafa1cf2f19a7c1129beb20cf0983f73a489a221fc0dd2f16d1be292d089205");
    ck_assert_int_eq(samlc_store_key(&key, NULL), 1);
    ck_assert_str_eq(hex(&key, p),
                     "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}
END_TEST

START_TEST(boundaries_between_strings_count)
{
    static const char *const lists[][3] = {
        { "a", "bc", NULL }, { "ab", "c", NULL }, { "abc", NULL, NULL }, { "abc", "", NULL },
        { "", "abc", NULL }, { "bc", "a", NULL }, { "", NULL, NULL },    { "", "", NULL },
    };
    enum { COUNT = sizeof(lists) / sizeof(lists[0]) };
    samlc_store_key_t keys[COUNT];
    samlc_store_key_t again;
    int i;
    int j;

    for (i = 0; i < COUNT; i++) {
        ck_assert_int_eq(samlc_store_key(&keys[i], lists[i][0], lists[i][1], lists[i][2], NULL), 1);
        ck_assert_int_eq(samlc_store_key(&again, lists[i][0], lists[i][1], lists[i][2], NULL), 1);
        ck_assert_mem_eq(&keys[i], &again, sizeof(again));
        for (j = 0; j < i; j++) {
            ck_assert_mem_ne(&keys[i], &keys[j], sizeof(keys[i]));
        }
    }
}
END_TEST

START_TEST(numbers_keep_their_order_as_bytes)
{
    static const apr_uint64_t numbers[] = {
        0, 1, 255, 256, 65535, 65536, APR_UINT64_C(0x0123456789abcdef), APR_UINT64_MAX,
    };
    unsigned char before[SAMLC_STORE_U64_LEN];
    unsigned char bytes[SAMLC_STORE_U64_LEN];
    apr_size_t i;

    for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        samlc_store_put_u64(bytes, numbers[i]);
        ck_assert_uint_eq(samlc_store_get_u64(bytes), numbers[i]);
        if (i > 0) {
            ck_assert_int_lt(memcmp(before, bytes, sizeof(bytes)), 0);
        }
        memcpy(before, bytes, sizeof(bytes));
    }
    samlc_store_put_u64(bytes, APR_UINT64_C(0x0123456789abcdef));
    ck_assert_mem_eq(bytes, "\x01\x23\x45\x67\x89\xab\xcd\xef", sizeof(bytes));
}
END_TEST

Suite *suite_store(void)
{
    Suite *suite = suite_create("store");
    TCase *tc = tcase_create("store");

    tcase_add_test(tc, key_is_sha256_of_lengths_and_strings);
    tcase_add_test(tc, boundaries_between_strings_count);
    tcase_add_test(tc, numbers_keep_their_order_as_bytes);
    suite_add_tcase(suite, tc);
    return suite;
}
