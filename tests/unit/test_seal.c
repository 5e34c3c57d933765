/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/seal.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "make_cert.h"
#include "test.h"

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_seal_t *seal;
static const char *dir;

static void setup(void)
{
    unsigned char key[SAMLC_SEAL_KEY_LEN];

    memset(key, 7, sizeof(key));
    p = test_pool();
    res = samlc_result_make(p);
    seal = samlc_seal_make(key, p);
    memset(key, 0, sizeof(key));   /* it was copied */
    dir = test_dir(p);
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static const char *close_it(const char *purpose, const char *text)
{
    const char *sealed = NULL;

    ck_assert_int_eq(samlc_seal_close(&sealed, seal, purpose, text, TEST_NOW, p), APR_SUCCESS);
    ck_assert_ptr_nonnull(sealed);
    return sealed;
}

static void opens(const char *purpose, const char *sealed, apr_time_t now, const char *expected)
{
    const char *text = NULL;

    ck_assert_int_eq(samlc_seal_open(&text, seal, purpose, sealed, now, p), APR_SUCCESS);
    ck_assert_str_eq(text, expected);
}

static void refuses(const char *purpose, const char *sealed, apr_time_t now)
{
    const char *text = "left over";

    ck_assert_int_eq(samlc_seal_open(&text, seal, purpose, sealed, now, p), APR_EINVAL);
    ck_assert_ptr_null(text);
}

static const char *const texts[] = {"", "a", "some text \xc3\xa4 {\"json\": true}\n"};

START_TEST(test_round_trip)
{
    const char *sealed = close_it("state", texts[_i]);

    opens("state", sealed, TEST_NOW - 1, texts[_i]);
    ck_assert_uint_eq(strspn(sealed, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                     "0123456789-_"), strlen(sealed));
    ck_assert_str_ne(sealed, close_it("state", texts[_i]));   /* a nonce is used once */
}
END_TEST

/* Neither the text nor its expiry can be read: the bytes are those of a cipher. */
START_TEST(test_unreadable)
{
    static const unsigned char expiry[] = {0, 6, 0x55}; /* how times of this century begin */
    char *text = apr_pstrdup(p, close_it("state", "some text"));
    samlc_data_t in = {(const unsigned char *)text, strlen(text), NULL};
    samlc_data_t bytes = {NULL, 0, NULL};

    for (; *text != '\0'; text++) {
        *text = *text == '-' ? '+' : *text == '_' ? '/' : *text;
    }
    in.len = in.len / 4 * 4;   /* the last, incomplete group is part of the tag */
    ck_assert_int_eq(samlc_text_base64_decode(&bytes, &in, p), APR_SUCCESS);
    ck_assert_ptr_null(memmem(bytes.data, bytes.len, "some text", 9));
    ck_assert_ptr_null(memmem(bytes.data + 12, 8, expiry, sizeof(expiry)));
}
END_TEST

START_TEST(test_expiry)
{
    const char *sealed = close_it("state", "text");

    opens("state", sealed, 0, "text");
    opens("state", sealed, TEST_NOW - 1, "text");
    refuses("state", sealed, TEST_NOW);
    refuses("state", sealed, TEST_NOW + 1);
}
END_TEST

START_TEST(test_purpose)
{
    const char *sealed = close_it("state", "text");

    opens("state", sealed, 0, "text");
    refuses("session", sealed, 0);
    refuses("states", sealed, 0);
    refuses("stat", sealed, 0);
    refuses("", sealed, 0);
}
END_TEST

START_TEST(test_other_key)
{
    unsigned char key[SAMLC_SEAL_KEY_LEN];
    const char *sealed = close_it("state", "text");
    const char *text = NULL;

    memset(key, 7, sizeof(key));
    ck_assert_int_eq(samlc_seal_open(&text, samlc_seal_make(key, p), "state", sealed, 0, p),
                     APR_SUCCESS);
    key[31] ^= 1;
    ck_assert_int_eq(samlc_seal_open(&text, samlc_seal_make(key, p), "state", sealed, 0, p),
                     APR_EINVAL);
    ck_assert_ptr_null(text);
}
END_TEST

/* Every single character matters: nonce, expiry, text and tag. */
START_TEST(test_tampered)
{
    const char *sealed = close_it("state", "text");
    apr_size_t len = strlen(sealed);
    apr_size_t i = 0;
    char *copy = NULL;

    for (i = 0; i < len; i++) {
        copy = apr_pstrdup(p, sealed);
        copy[i] = copy[i] == 'A' ? 'Q' : 'A';
        if (strcmp(copy, sealed) != 0) {
            refuses("state", copy, 0);
        }
        refuses("state", apr_pstrndup(p, sealed, i), 0);
        refuses("state", sealed + i + 1, 0);
    }
    opens("state", sealed, 0, "text");
}
END_TEST

START_TEST(test_not_sealed)
{
    const char *sealed = close_it("state", "text");

    opens("state", sealed, 0, "text");
    refuses("state", NULL, 0);
    refuses("state", "", 0);
    refuses("state", "AAAA", 0);
    refuses("state", "not base64!", 0);
    refuses("state", apr_pstrcat(p, sealed, "A", NULL), 0);
    refuses("state", apr_pstrcat(p, sealed, "AAAA", NULL), 0);
    refuses("state", apr_pstrcat(p, sealed, "=", NULL), 0);
    refuses("state", apr_pstrcat(p, sealed, "==", NULL), 0);
    refuses("state", apr_pstrcat(p, sealed, " ", NULL), 0);
    refuses("state", apr_pstrcat(p, "\n", sealed, NULL), 0);
    refuses("state", samlc_text_base64("0123456789abcdef0123456789abcdef0123", 36, p), 0);
}
END_TEST

/* The URL-safe alphabet alone: "+" and "/" don't stand in for "-" and "_". */
START_TEST(test_one_spelling)
{
    const char *sealed = NULL;
    char *copy = NULL;
    char *c = NULL;

    do {
        sealed = close_it("state", "text");
        copy = apr_pstrdup(p, sealed);
        c = strpbrk(copy, "-_");
    } while (!c);
    *c = *c == '-' ? '+' : '/';
    refuses("state", copy, 0);
    opens("state", sealed, 0, "text");
}
END_TEST

START_TEST(test_limit)
{
    char *text = apr_palloc(p, SAMLC_MAX_SEALED_TEXT + 2);
    const char *sealed = NULL;

    memset(text, 'x', SAMLC_MAX_SEALED_TEXT + 1);
    text[SAMLC_MAX_SEALED_TEXT] = '\0';
    opens("state", close_it("state", text), 0, text);
    text[SAMLC_MAX_SEALED_TEXT] = 'x';
    text[SAMLC_MAX_SEALED_TEXT + 1] = '\0';
    sealed = "left over";
    ck_assert_int_eq(samlc_seal_close(&sealed, seal, "state", text, TEST_NOW, p), APR_EINVAL);
    ck_assert_ptr_null(sealed);
    memset(text, 'A', SAMLC_MAX_SEALED_TEXT);
    refuses("state", apr_pstrcat(p, text, text, NULL), 0);
}
END_TEST

START_TEST(test_load)
{
    const char *path = test_path(p, dir, "seal.key");
    samlc_data_t key = {NULL, 0, NULL};
    samlc_data_t again = {NULL, 0, NULL};
    struct stat st;

    ck_assert_int_eq(samlc_seal_load(&seal, path, res, p), APR_SUCCESS);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_uint_eq(st.st_mode & 07777, 0600);
    ck_assert_int_eq(samlc_file_read(&key, path, 100, res, p), APR_SUCCESS);
    ck_assert_uint_eq(key.len, SAMLC_SEAL_KEY_LEN);
    opens("state", close_it("state", "text"), 0, "text");

    /* A second load opens what the first one sealed, and leaves the file alone. */
    {
        const char *sealed = close_it("state", "text");

        ck_assert_int_eq(samlc_seal_load(&seal, path, res, p), APR_SUCCESS);
        opens("state", sealed, 0, "text");
    }
    ck_assert_int_eq(samlc_file_read(&again, path, 100, res, p), APR_SUCCESS);
    ck_assert_mem_eq(key.data, again.data, key.len);

    /* The key in the file is the key that seals. */
    {
        const char *sealed = close_it("state", "text");

        seal = samlc_seal_make(key.data, p);
        opens("state", sealed, 0, "text");
    }

    /* Without its file there is a new one. */
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(samlc_seal_load(&seal, path, res, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_file_read(&again, path, 100, res, p), APR_SUCCESS);
    ck_assert_mem_ne(key.data, again.data, key.len);
}
END_TEST

static const struct {
    const char *content;
    int accepted;
} key_files[] = {
    {"0123456789abcdef0123456789abcdef", 1},
    {"0123456789abcdef0123456789abcde", 0},
    {"0123456789abcdef0123456789abcdef\n", 0},
    {"", 0},
};

START_TEST(test_load_length)
{
    const char *path = test_path(p, dir, "seal.key");
    samlc_data_t file = {NULL, 0, NULL};
    apr_status_t rv = APR_EGENERAL;

    test_write(path, key_files[_i].content);
    rv = samlc_seal_load(&seal, path, res, p);
    if (key_files[_i].accepted) {
        ck_assert_int_eq(rv, APR_SUCCESS);
        opens("state", close_it("state", "text"), 0, "text");
    }
    else {
        ck_assert_int_ne(rv, APR_SUCCESS);
        ck_assert_ptr_null(seal);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_ptr_nonnull(strstr(res->message, path));
    }
    ck_assert_int_eq(samlc_file_read(&file, path, 100, samlc_result_make(p), p), APR_SUCCESS);
    ck_assert_str_eq((const char *)file.data, key_files[_i].content);
}
END_TEST

START_TEST(test_load_without_directory)
{
    ck_assert_int_ne(samlc_seal_load(&seal, test_path(p, dir, "none/seal.key"), res, p),
                     APR_SUCCESS);
    ck_assert_ptr_null(seal);
    ck_assert_int_eq(res->reason, SAMLC_REASON_FILE_UNREADABLE);
}
END_TEST

/* What a child process seals with the key it found or made. */
static void seal_in_child(const char *path, int out)
{
    const char *sealed = NULL;

    if (samlc_seal_load(&seal, path, res, p) == APR_SUCCESS
        && samlc_seal_close(&sealed, seal, "state", "text", TEST_NOW, p) == APR_SUCCESS
        && write(out, sealed, strlen(sealed)) == (ssize_t)strlen(sealed)) {
        _exit(0);
    }
    _exit(1);
}

/* Eight processes start at once without a key file: all of them end with the key in the file. */
START_TEST(test_load_race)
{
    const char *path = test_path(p, dir, "seal.key");
    pid_t pids[8];
    int pipes[8][2];
    char sealed[200];
    ssize_t len = 0;
    int status = 0;
    int i = 0;

    for (i = 0; i < 8; i++) {
        ck_assert_int_eq(pipe(pipes[i]), 0);
        pids[i] = fork();
        ck_assert_int_ge(pids[i], 0);
        if (pids[i] == 0) {
            seal_in_child(path, pipes[i][1]);
        }
    }
    for (i = 0; i < 8; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
    ck_assert_int_eq(samlc_seal_load(&seal, path, res, p), APR_SUCCESS);
    for (i = 0; i < 8; i++) {
        len = read(pipes[i][0], sealed, sizeof(sealed) - 1);
        ck_assert_int_gt(len, 0);
        sealed[len] = '\0';
        opens("state", sealed, 0, "text");
    }
}
END_TEST

Suite *suite_seal(void);

Suite *suite_seal(void)
{
    Suite *suite = suite_create("seal");
    TCase *tc = tcase_create("seal");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_round_trip, 0, (int)(sizeof(texts) / sizeof(texts[0])));
    tcase_add_test(tc, test_unreadable);
    tcase_add_test(tc, test_expiry);
    tcase_add_test(tc, test_purpose);
    tcase_add_test(tc, test_other_key);
    tcase_add_test(tc, test_tampered);
    tcase_add_test(tc, test_not_sealed);
    tcase_add_test(tc, test_one_spelling);
    tcase_add_test(tc, test_limit);
    tcase_add_test(tc, test_load);
    tcase_add_loop_test(tc, test_load_length, 0, (int)(sizeof(key_files) / sizeof(key_files[0])));
    tcase_add_test(tc, test_load_without_directory);
    tcase_add_test(tc, test_load_race);
    suite_add_tcase(suite, tc);
    return suite;
}
