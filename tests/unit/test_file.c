/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/file.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

typedef struct fixture_t {
    apr_pool_t *p;
    const char *dir;
    const char *path;
    samlc_result_t *res;
} fixture_t;

static fixture_t f;

static void setup(void)
{
    f.p = test_pool();
    f.dir = test_dir(f.p);
    f.path = test_path(f.p, f.dir, "file");
    f.res = samlc_result_make(f.p);
}

static void teardown(void)
{
    apr_pool_destroy(f.p);
}

/* How many entries the directory has, hidden ones included. */
static int count_entries(void)
{
    apr_dir_t *dir = NULL;
    apr_finfo_t info;
    int n = 0;

    ck_assert_int_eq(apr_dir_open(&dir, f.dir, f.p), APR_SUCCESS);
    while (apr_dir_read(&info, APR_FINFO_NAME, dir) == APR_SUCCESS) {
        n += strcmp(info.name, ".") != 0 && strcmp(info.name, "..") != 0;
    }
    apr_dir_close(dir);
    return n;
}

static void assert_content(const char *expected)
{
    samlc_data_t data = {NULL, 0, NULL};

    ck_assert_int_eq(samlc_file_read(&data, f.path, 1000, f.res, f.p), APR_SUCCESS);
    ck_assert_str_eq((const char *)data.data, expected);
}

static void assert_read_fails(const char *path, samlc_reason_t reason, const char *words)
{
    samlc_data_t data = {(const unsigned char *)"x", 1, NULL};

    ck_assert_int_ne(samlc_file_read(&data, path, 10, f.res, f.p), APR_SUCCESS);
    ck_assert_ptr_null(data.data);
    ck_assert_uint_eq(data.len, 0);
    ck_assert_int_eq(f.res->reason, reason);
    ck_assert_msg(strstr(f.res->message, path) && strstr(f.res->message, words), "%s",
                  f.res->message);
}

START_TEST(test_read)
{
    samlc_data_t data = {NULL, 0, NULL};

    test_write(f.path, "hello");
    ck_assert_int_eq(samlc_file_read(&data, f.path, 10, f.res, f.p), APR_SUCCESS);
    ck_assert_uint_eq(data.len, 5);
    ck_assert_mem_eq(data.data, "hello", 6);   /* with the NUL */
    ck_assert_str_eq(data.origin, f.path);
    ck_assert_int_eq(f.res->reason, SAMLC_REASON_OK);
}
END_TEST

START_TEST(test_read_empty)
{
    samlc_data_t data = {NULL, 0, NULL};

    test_write(f.path, "");
    ck_assert_int_eq(samlc_file_read(&data, f.path, 0, f.res, f.p), APR_SUCCESS);
    ck_assert_uint_eq(data.len, 0);
    ck_assert_str_eq((const char *)data.data, "");
}
END_TEST

START_TEST(test_read_limit)
{
    samlc_data_t data = {NULL, 0, NULL};

    test_write(f.path, "0123456789");
    ck_assert_int_eq(samlc_file_read(&data, f.path, 10, f.res, f.p), APR_SUCCESS);
    ck_assert_uint_eq(data.len, 10);
    test_write(f.path, "0123456789a");
    assert_read_fails(f.path, SAMLC_REASON_TOO_LARGE, "11 bytes");
}
END_TEST

START_TEST(test_read_follows_link)
{
    const char *link = test_path(f.p, f.dir, "link");
    samlc_data_t data = {NULL, 0, NULL};

    test_write(f.path, "x");
    ck_assert_int_eq(symlink(f.path, link), 0);
    ck_assert_int_eq(samlc_file_read(&data, link, 10, f.res, f.p), APR_SUCCESS);
    ck_assert_str_eq(data.origin, link);
}
END_TEST

START_TEST(test_read_missing)
{
    samlc_data_t data = {NULL, 0, NULL};

    assert_read_fails(f.path, SAMLC_REASON_FILE_UNREADABLE, "cannot open");
    ck_assert(APR_STATUS_IS_ENOENT(samlc_file_read(&data, f.path, 10, f.res, f.p)));
}
END_TEST

START_TEST(test_read_directory)
{
    assert_read_fails(f.dir, SAMLC_REASON_FILE_UNREADABLE, "not a regular file");
}
END_TEST

/* Nobody writes into this pipe: opening it must not wait. */
START_TEST(test_read_pipe)
{
    ck_assert_int_eq(mkfifo(f.path, 0600), 0);
    assert_read_fails(f.path, SAMLC_REASON_FILE_UNREADABLE, "not a regular file");
}
END_TEST

START_TEST(test_read_device)
{
    assert_read_fails("/dev/zero", SAMLC_REASON_FILE_UNREADABLE, "not a regular file");
}
END_TEST

/* A file of /proc claims to be empty and is not: as if it had grown after the look at its size. */
START_TEST(test_read_grown)
{
    assert_read_fails("/proc/self/status", SAMLC_REASON_FILE_UNREADABLE, "changed while");
}
END_TEST

static mode_t mode_of(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return st.st_mode & 07777;
}

static const struct {
    apr_fileperms_t perms;
    mode_t mode;
} modes[] = {
    {APR_FPROT_UREAD | APR_FPROT_UWRITE, 0600},
    {APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_GREAD, 0640},
    {APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_GREAD | APR_FPROT_WREAD, 0644},
    {APR_FPROT_UREAD, 0400},
};

START_TEST(test_replace)
{
    umask(0077);   /* the permissions asked for count, not the umask */
    ck_assert_int_eq(samlc_file_replace(f.path, "old", 3, modes[_i].perms, f.res, f.p),
                     APR_SUCCESS);
    assert_content("old");
    ck_assert_uint_eq(mode_of(f.path), modes[_i].mode);
    ck_assert_int_eq(samlc_file_replace(f.path, "newer", 5, modes[_i].perms, f.res, f.p),
                     APR_SUCCESS);
    assert_content("newer");
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

/* Who has the old file open goes on reading the old content. */
START_TEST(test_replace_is_a_rename)
{
    struct stat before;
    struct stat after;

    test_write(f.path, "old");
    ck_assert_int_eq(stat(f.path, &before), 0);
    ck_assert_int_eq(samlc_file_replace(f.path, "new", 3, APR_FPROT_UREAD, f.res, f.p),
                     APR_SUCCESS);
    ck_assert_int_eq(stat(f.path, &after), 0);
    ck_assert_uint_ne(before.st_ino, after.st_ino);
}
END_TEST

START_TEST(test_replace_relative)
{
    ck_assert_int_eq(chdir(f.dir), 0);
    ck_assert_int_eq(samlc_file_replace("file", "here", 4, APR_FPROT_UREAD, f.res, f.p),
                     APR_SUCCESS);
    assert_content("here");
}
END_TEST

START_TEST(test_replace_without_directory)
{
    const char *path = test_path(f.p, f.dir, "none/file");

    ck_assert_int_ne(samlc_file_replace(path, "x", 1, APR_FPROT_UREAD, f.res, f.p), APR_SUCCESS);
    ck_assert_int_eq(f.res->reason, SAMLC_REASON_FILE_UNREADABLE);
    ck_assert_ptr_nonnull(strstr(f.res->message, path));
}
END_TEST

/* The rename fails on a directory: nothing is left behind. */
START_TEST(test_replace_directory)
{
    ck_assert_int_eq(mkdir(f.path, 0700), 0);
    ck_assert_int_ne(samlc_file_replace(f.path, "x", 1, APR_FPROT_UREAD, f.res, f.p), APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(f.res->message, "cannot replace"));
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

/* The write fails half way (a limit stands in for a full disk): the old content stays. */
START_TEST(test_replace_torn)
{
    struct rlimit limit = {4, RLIM_INFINITY};

    test_write(f.path, "old");
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_int_ne(samlc_file_replace(f.path, "0123456789", 10, APR_FPROT_UREAD, f.res, f.p),
                     APR_SUCCESS);
    limit.rlim_cur = RLIM_INFINITY;   /* Check writes its own messages to a file */
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    ck_assert_ptr_nonnull(strstr(f.res->message, "cannot write"));
    assert_content("old");
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

START_TEST(test_create)
{
    apr_status_t rv = APR_EGENERAL;

    ck_assert_int_eq(samlc_file_create(f.path, "first", 5, APR_FPROT_UREAD | APR_FPROT_UWRITE,
                                       f.res, f.p), APR_SUCCESS);
    rv = samlc_file_create(f.path, "second", 6, APR_FPROT_UREAD, f.res, f.p);
    ck_assert(APR_STATUS_IS_EEXIST(rv));
    assert_content("first");
    ck_assert_uint_eq(mode_of(f.path), 0600);
    ck_assert_int_eq(count_entries(), 1);
}
END_TEST

Suite *suite_file(void);

Suite *suite_file(void)
{
    Suite *suite = suite_create("file");
    TCase *tc = tcase_create("file");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_read);
    tcase_add_test(tc, test_read_empty);
    tcase_add_test(tc, test_read_limit);
    tcase_add_test(tc, test_read_follows_link);
    tcase_add_test(tc, test_read_missing);
    tcase_add_test(tc, test_read_directory);
    tcase_add_test(tc, test_read_pipe);
    tcase_add_test(tc, test_read_device);
    tcase_add_test(tc, test_read_grown);
    tcase_add_loop_test(tc, test_replace, 0, (int)(sizeof(modes) / sizeof(modes[0])));
    tcase_add_test(tc, test_replace_is_a_rename);
    tcase_add_test(tc, test_replace_relative);
    tcase_add_test(tc, test_replace_without_directory);
    tcase_add_test(tc, test_replace_directory);
    tcase_add_test(tc, test_replace_torn);
    tcase_add_test(tc, test_create);
    suite_add_tcase(suite, tc);
    return suite;
}
