/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/source.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "test.h"

#define NAME_64 "a123456789b123456789c123456789d123456789e123456789f123456789-._X"

/* A trust directory with two IdPs and a key set. */
static samlc_source_t *make_source(apr_pool_t *p)
{
    static const char *const directories[] = {"idp", "idp/one", "idp/one/roots", "idp/two", "sp",
                                              "sp/default", "roots", "csr"};
    static const char *const files[] = {"idp/one/primary.pem", "idp/one/idp.conf",
                                        "idp/two/metadata.xml", "sp/default/active.key"};
    samlc_source_t *source = apr_pcalloc(p, sizeof(*source));
    apr_size_t i = 0;

    source->dir = test_dir(p);
    for (i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
        ck_assert_int_eq(mkdir(test_path(p, source->dir, directories[i]), 0755), 0);
    }
    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        test_write(test_path(p, source->dir, files[i]), "x");
    }
    return source;
}

static samlc_scan_t *scan_ok(const samlc_source_t *source, const apr_array_header_t *outside,
                             apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_scan_t *scan = NULL;

    ck_assert_msg(samlc_source_scan(&scan, source, outside, res, p) == APR_SUCCESS, "%s",
                  res->message);
    ck_assert_ptr_nonnull(scan);
    return scan;
}

static const samlc_seen_t *find(const samlc_scan_t *scan, const char *name)
{
    const samlc_seen_t *seen = NULL;
    int i = 0;

    for (i = 0; i < scan->seen->nelts; i++) {
        seen = &APR_ARRAY_IDX(scan->seen, i, samlc_seen_t);
        if (strcmp(seen->name, name) == 0) {
            return seen;
        }
    }
    return NULL;
}

/* Refused with this reason, and the sentence names both. */
static void check_refused(const samlc_source_t *source, samlc_reason_t reason, const char *name,
                          const char *words, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_scan_t *scan = NULL;

    ck_assert_int_ne(samlc_source_scan(&scan, source, NULL, res, p), APR_SUCCESS);
    ck_assert_ptr_null(scan);
    ck_assert_str_eq(samlc_reason_word(res->reason), samlc_reason_word(reason));
    ck_assert_msg(strstr(res->message, name) && strstr(res->message, words), "%s", res->message);
}

/* Which names count. A slash at the end makes a directory. */
static const struct {
    const char *name;
    int counts;
    int is_stranger;
} names[] = {
    {"idp/one/alternate.pem", 1, 0},
    {"idp/one/alternate-2026.pem", 1, 0},
    {"idp/one/staged.pem", 1, 0},
    {"idp/one/retired.pem", 1, 0},
    {"idp/one/retired-old.pem", 1, 0},
    {"idp/one/metadata.xml", 1, 0},
    {"idp/one/primary.pem.bak", 0, 1},
    {"idp/one/secondary.pem", 0, 1},
    {"idp/one/Primary.pem", 0, 1},
    {"idp/one/.primary.pem.swp", 0, 0},
    {"idp/one/roots/ca.pem", 1, 0},
    {"idp/one/roots/any name", 1, 0},
    {"idp/one/roots/ca.pem~", 0, 1},
    {"idp/one/roots/.hidden", 0, 0},
    {"idp/one/roots/deeper/", 0, 1},
    {"idp/one/intermediates/", 1, 0},
    {"idp/one/crls/", 1, 0},
    {"idp/README", 0, 1},
    {"idp/" NAME_64 "/", 1, 0},
    {"idp/" NAME_64 "Y/", 0, 1},
    {"idp/a b/", 0, 1},
    {"idp/caf\xc3\xa9/", 0, 1},
    {"idp/.git/", 0, 0},
    {"roots/ca.der", 1, 0},
    {"intermediates/", 1, 0},
    {"crls/", 1, 0},
    {"sp/default/active.crt", 1, 0},
    {"sp/default/next.key", 1, 0},
    {"sp/default/next.crt", 1, 0},
    {"sp/default/retiring.key", 1, 0},
    {"sp/default/retiring.crt", 1, 0},
    {"sp/default/gone.key", 0, 1},
    {"sp/other/", 1, 0},
    {"csr/pending", 0, 0},
    {"notes.txt", 0, 1},
    {".lock", 0, 0},
};

START_TEST(layout_decides_which_names_count)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    char *path = apr_pstrcat(p, source->dir, "/", names[_i].name, NULL);
    char *name = apr_pstrdup(p, names[_i].name);
    apr_size_t len = strlen(name);
    apr_array_header_t *strangers = NULL;
    const samlc_seen_t *seen = NULL;
    int is_dir = name[len - 1] == '/';

    ck_assert_int_eq(samlc_source_strangers(source, p)->nelts, 0);
    if (is_dir) {
        name[len - 1] = '\0';
        path[strlen(path) - 1] = '\0';
        ck_assert_int_eq(mkdir(path, 0755), 0);
    }
    else {
        test_write(path, "x");
    }
    seen = find(scan_ok(source, NULL, p), name);
    ck_assert_int_eq(seen != NULL, names[_i].counts);
    if (seen) {
        ck_assert_int_eq(seen->is_dir, is_dir);
        ck_assert_str_eq(seen->path, path);
    }
    strangers = samlc_source_strangers(source, p);
    ck_assert_int_eq(strangers->nelts, names[_i].is_stranger);
}
END_TEST

START_TEST(stranger_is_named)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    apr_array_header_t *strangers = NULL;

    test_write(test_path(p, source->dir, "idp/one/primry.pem"), "x");
    strangers = samlc_source_strangers(source, p);
    ck_assert_int_eq(strangers->nelts, 1);
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(strangers, 0, const char *), "idp/one/primry.pem"));
}
END_TEST

START_TEST(scan_is_sorted_and_has_the_directories)
{
    static const char *const expected[] = {
        ".", "idp", "idp/one", "idp/one/idp.conf", "idp/one/primary.pem", "idp/one/roots",
        "idp/two", "idp/two/metadata.xml", "roots", "sp", "sp/default", "sp/default/active.key"};
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    samlc_scan_t *scan = scan_ok(source, NULL, p);
    int i = 0;

    ck_assert_int_eq(scan->seen->nelts, sizeof(expected) / sizeof(expected[0]));
    for (i = 0; i < scan->seen->nelts; i++) {
        ck_assert_str_eq(APR_ARRAY_IDX(scan->seen, i, samlc_seen_t).name, expected[i]);
    }
    ck_assert_str_eq(find(scan, ".")->path, source->dir);
}
END_TEST

START_TEST(scan_says_how_things_look)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    const char *path = test_path(p, source->dir, "idp/one/primary.pem");
    struct timespec times[2] = {{4102444800, 5}, {4102444800, 123456789}};    /* 2100 */
    samlc_scan_t *scan = NULL;
    const samlc_seen_t *seen = NULL;
    struct stat st;

    test_write(path, "four");
    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    scan = scan_ok(source, NULL, p);
    seen = find(scan, "idp/one/primary.pem");
    ck_assert_int_eq(seen->size, 4);
    ck_assert_uint_eq(seen->inode, st.st_ino);
    ck_assert_uint_eq(seen->device, st.st_dev);
    ck_assert_int_eq(seen->ctime_ns % 1000000000, st.st_ctim.tv_nsec);
    ck_assert_int_eq(seen->mtime_ns, APR_INT64_C(4102444800123456789));
    ck_assert_int_eq(scan->newest_ns, seen->mtime_ns);
}
END_TEST

START_TEST(change_is_noticed)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    samlc_scan_t *before = scan_ok(source, NULL, p);
    samlc_scan_t *after = scan_ok(source, NULL, p);
    const char *path = test_path(p, source->dir, "idp/one/primary.pem");

    ck_assert(samlc_scan_equal(before, after));
    ck_assert(samlc_seen_is_unchanged(find(before, "idp/one/primary.pem")));
    test_write(path, "xy");
    after = scan_ok(source, NULL, p);
    ck_assert(!samlc_scan_equal(before, after));
    ck_assert(!samlc_seen_is_unchanged(find(before, "idp/one/primary.pem")));
    ck_assert(samlc_seen_is_unchanged(find(after, "idp/one/primary.pem")));
    ck_assert(samlc_seen_is_unchanged(find(before, "idp/one/idp.conf")));

    ck_assert_int_eq(unlink(path), 0);
    ck_assert(!samlc_seen_is_unchanged(find(after, "idp/one/primary.pem")));
    ck_assert(!samlc_seen_is_unchanged(find(after, "idp/one")));
    ck_assert(!samlc_scan_equal(after, scan_ok(source, NULL, p)));
    ck_assert(!samlc_scan_equal(NULL, after));
    ck_assert(!samlc_scan_equal(NULL, NULL));    /* missing values never compare equal */
}
END_TEST

/* What makes a file another one, each on its own: a file that is swapped may have all the rest. */
START_TEST(every_field_makes_a_difference)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    samlc_scan_t *a = scan_ok(source, NULL, p);
    samlc_scan_t *b = scan_ok(source, NULL, p);
    samlc_seen_t *seen = &APR_ARRAY_IDX(b->seen, 4, samlc_seen_t);
    samlc_seen_t original = *seen;

    ck_assert(samlc_scan_equal(a, b));
    seen->device++;
    ck_assert(!samlc_scan_equal(a, b) && !samlc_seen_is_unchanged(seen));
    *seen = original;
    seen->inode++;
    ck_assert(!samlc_scan_equal(a, b) && !samlc_seen_is_unchanged(seen));
    *seen = original;
    seen->size++;
    ck_assert(!samlc_scan_equal(a, b) && !samlc_seen_is_unchanged(seen));
    *seen = original;
    seen->mtime_ns++;
    ck_assert(!samlc_scan_equal(a, b) && !samlc_seen_is_unchanged(seen));
    *seen = original;
    seen->ctime_ns++;
    ck_assert(!samlc_scan_equal(a, b) && !samlc_seen_is_unchanged(seen));
    *seen = original;
    ck_assert(samlc_scan_equal(a, b) && samlc_seen_is_unchanged(seen));
    seen->path = "/another";
    ck_assert(!samlc_scan_equal(a, b));
}
END_TEST

START_TEST(links_are_followed)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    const char *data = test_path(p, source->dir, "idp/two/..data");
    const char *next = test_path(p, source->dir, "idp/two/..next");
    samlc_scan_t *before = NULL;
    samlc_scan_t *after = NULL;
    struct stat st;

    ck_assert_int_eq(mkdir(test_path(p, source->dir, "idp/two/..1"), 0755), 0);
    ck_assert_int_eq(mkdir(test_path(p, source->dir, "idp/two/..2"), 0755), 0);
    test_write(test_path(p, source->dir, "idp/two/..1/primary.pem"), "1");
    test_write(test_path(p, source->dir, "idp/two/..2/primary.pem"), "2");
    ck_assert_int_eq(symlink("..1", data), 0);
    ck_assert_int_eq(symlink("..data/primary.pem",
                             test_path(p, source->dir, "idp/two/primary.pem")), 0);
    before = scan_ok(source, NULL, p);
    ck_assert_int_eq(stat(test_path(p, source->dir, "idp/two/..1/primary.pem"), &st), 0);
    ck_assert_uint_eq(find(before, "idp/two/primary.pem")->inode, st.st_ino);

    ck_assert_int_eq(symlink("..2", next), 0);
    ck_assert_int_eq(rename(next, data), 0);
    after = scan_ok(source, NULL, p);
    ck_assert(!samlc_scan_equal(before, after));
    ck_assert(!samlc_seen_is_unchanged(find(before, "idp/two/primary.pem")));
    ck_assert_int_eq(stat(test_path(p, source->dir, "idp/two/..2/primary.pem"), &st), 0);
    ck_assert_uint_eq(find(after, "idp/two/primary.pem")->inode, st.st_ino);
}
END_TEST

/* Names whose link leads nowhere: a file of trust that is lost must not go unnoticed. */
static const char *const dangling[] = {"idp/one/staged.pem", "idp/three", "idp/one/roots/ca.pem",
                                       "crls"};

START_TEST(link_to_nothing_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    const char *path = test_path(p, source->dir, dangling[_i]);

    ck_assert_int_eq(symlink("/nonexistent/target", path), 0);
    check_refused(source, SAMLC_REASON_FILE_UNREADABLE, path, "symbolic link to nothing", p);
    ck_assert_int_eq(unlink(path), 0);
    scan_ok(source, NULL, p);
}
END_TEST

START_TEST(directory_in_place_of_a_file_counts_as_the_file)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);

    ck_assert_int_eq(mkdir(test_path(p, source->dir, "idp/one/staged.pem"), 0755), 0);
    ck_assert_int_eq(find(scan_ok(source, NULL, p), "idp/one/staged.pem")->is_dir, 0);
}
END_TEST

START_TEST(missing_directory_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    const char *dir = source->dir;

    source->dir = test_path(p, dir, "none");
    check_refused(source, SAMLC_REASON_FILE_UNREADABLE, source->dir, "No such file", p);
    source->dir = test_path(p, dir, "idp/one/primary.pem");
    check_refused(source, SAMLC_REASON_FILE_UNREADABLE, source->dir, "Not a directory", p);
    source->dir = dir;
    scan_ok(source, NULL, p);
}
END_TEST

START_TEST(file_in_place_of_a_directory_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    const char *path = test_path(p, source->dir, "idp/two/roots");

    test_write(path, "x");
    check_refused(source, SAMLC_REASON_FILE_UNREADABLE, path, "Not a directory", p);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_eq(mkdir(path, 0755), 0);
    scan_ok(source, NULL, p);
}
END_TEST

/* Who is the server, relative to whom the files belong to? */
typedef enum { STRANGE, OWNER, GROUP } server_t;

static const struct {
    const char *name;
    mode_t mode;
    server_t server;
    const char *remedy;    /* NULL: fine */
} permissions[] = {
    {".", 0755, STRANGE, NULL},
    {".", 0755, OWNER, "chown root"},
    {"idp/one/primary.pem", 0444, OWNER, "chown root"},
    {".", 0755, GROUP, NULL},
    {".", 0775, GROUP, "chmod g-w"},
    {".", 0775, STRANGE, NULL},
    {".", 0757, STRANGE, "chmod o-w"},
    {"idp", 0757, STRANGE, "chmod o-w"},
    {"idp/one", 0757, STRANGE, "chmod o-w"},
    {"idp/one/roots", 0757, STRANGE, "chmod o-w"},
    {"idp/one/primary.pem", 0646, STRANGE, "chmod o-w"},
    {"idp/one/primary.pem", 0664, GROUP, "chmod g-w"},
    {"idp/one/primary.pem", 0664, STRANGE, NULL},
    {"sp/default/active.key", 0640, GROUP, NULL},
    {"sp/default/active.key", 0660, GROUP, "chmod g-w"},
    {"csr", 0757, STRANGE, NULL},
};

START_TEST(what_the_server_can_write_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    const char *path = strcmp(permissions[_i].name, ".") == 0
        ? source->dir : test_path(p, source->dir, permissions[_i].name);

    ck_assert_int_eq(chmod(source->dir, 0755), 0);
    ck_assert_int_eq(chmod(path, permissions[_i].mode), 0);
    source->server_uid = geteuid() + (permissions[_i].server == OWNER ? 0 : 1);
    source->server_gid = getegid() + (permissions[_i].server == GROUP ? 0 : 1);
    scan_ok(source, NULL, p);
    source->check_owner = 1;
    if (permissions[_i].remedy) {
        check_refused(source, SAMLC_REASON_CONFIG_INVALID,
                      permissions[_i].server == OWNER ? source->dir : path,
                      permissions[_i].remedy, p);
    }
    else {
        scan_ok(source, NULL, p);
    }
}
END_TEST

/*
 * Links, what they lead to, and a directory in which whoever can write to it can put something else.
 * "/..." and "" lie in another directory than the trust directory.
 */
static const struct {
    const char *link;
    const char *target;
    const char *writable;
} links[] = {
    {"idp/one/staged.pem", "/staged.pem", ""},
    {"idp/one/staged.pem", "..1/staged.pem", "idp/one/..1"},
    {"idp/three", "/idp", ""},
    {"idp/one/roots/ca.pem", "/staged.pem", ""},
};

START_TEST(directory_that_a_link_leads_to_is_looked_at)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    const char *other = test_dir(p);
    const char *path = test_path(p, source->dir, links[_i].link);
    const char *target = links[_i].target[0] == '/'
        ? apr_pstrcat(p, other, links[_i].target, NULL) : links[_i].target;
    const char *writable = links[_i].writable[0] == '\0'
        ? other : test_path(p, source->dir, links[_i].writable);

    ck_assert_int_eq(mkdir(test_path(p, source->dir, "idp/one/..1"), 0755), 0);
    test_write(test_path(p, source->dir, "idp/one/..1/staged.pem"), "x");
    test_write(test_path(p, other, "staged.pem"), "x");
    ck_assert_int_eq(mkdir(test_path(p, other, "idp"), 0755), 0);
    ck_assert_int_eq(chmod(other, 0755), 0);
    ck_assert_int_eq(chmod(source->dir, 0755), 0);
    ck_assert_int_eq(symlink(target, path), 0);
    source->server_uid = geteuid() + 1;
    source->server_gid = getegid() + 1;
    source->check_owner = 1;
    scan_ok(source, NULL, p);
    ck_assert_int_eq(chmod(writable, 0757), 0);
    check_refused(source, SAMLC_REASON_CONFIG_INVALID, writable, "chmod o-w", p);
    source->check_owner = 0;
    scan_ok(source, NULL, p);
}
END_TEST

START_TEST(files_outside_count)
{
    apr_pool_t *p = test_pool();
    samlc_source_t *source = make_source(p);
    const char *dir = test_dir(p);
    const char *target = test_dir(p);
    const char *path = test_path(p, dir, "pins");
    apr_array_header_t *outside = apr_array_make(p, 1, sizeof(const char *));
    samlc_scan_t *missing = NULL;
    samlc_scan_t *there = NULL;
    samlc_result_t *res = samlc_result_make(p);

    APR_ARRAY_PUSH(outside, const char *) = path;
    missing = scan_ok(source, outside, p);
    ck_assert(samlc_seen_is_unchanged(find(missing, path)));
    test_write(path, "x");
    ck_assert(!samlc_seen_is_unchanged(find(missing, path)));
    there = scan_ok(source, outside, p);
    ck_assert(!samlc_scan_equal(missing, there));
    ck_assert(samlc_seen_is_unchanged(find(there, path)));
    ck_assert_str_eq(find(there, path)->path, path);

    /* Who can write its directory can put another file in its place. */
    source->check_owner = 1;
    source->server_uid = geteuid() + 1;
    source->server_gid = getegid() + 1;
    scan_ok(source, outside, p);
    ck_assert_int_eq(chmod(dir, 0707), 0);
    ck_assert_int_ne(samlc_source_scan(&there, source, outside, res, p), APR_SUCCESS);
    ck_assert_str_eq(samlc_reason_word(res->reason), "config-invalid");
    ck_assert_ptr_nonnull(strstr(res->message, "chmod o-w"));

    /* So can who can write the one that a link leads to. */
    ck_assert_int_eq(chmod(dir, 0755), 0);
    ck_assert_int_eq(rename(path, test_path(p, target, "pins")), 0);
    ck_assert_int_eq(symlink(test_path(p, target, "pins"), path), 0);
    scan_ok(source, outside, p);
    ck_assert_int_eq(chmod(target, 0757), 0);
    ck_assert_int_ne(samlc_source_scan(&there, source, outside, res, p), APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(res->message, target));
}
END_TEST

Suite *suite_source(void)
{
    Suite *suite = suite_create("source");
    TCase *tc = tcase_create("source");

    tcase_add_loop_test(tc, layout_decides_which_names_count, 0, sizeof(names) / sizeof(names[0]));
    tcase_add_test(tc, stranger_is_named);
    tcase_add_test(tc, scan_is_sorted_and_has_the_directories);
    tcase_add_test(tc, scan_says_how_things_look);
    tcase_add_test(tc, change_is_noticed);
    tcase_add_test(tc, every_field_makes_a_difference);
    tcase_add_test(tc, links_are_followed);
    tcase_add_loop_test(tc, link_to_nothing_is_refused, 0, sizeof(dangling) / sizeof(dangling[0]));
    tcase_add_test(tc, directory_in_place_of_a_file_counts_as_the_file);
    tcase_add_test(tc, missing_directory_is_refused);
    tcase_add_test(tc, file_in_place_of_a_directory_is_refused);
    tcase_add_loop_test(tc, what_the_server_can_write_is_refused, 0,
                        sizeof(permissions) / sizeof(permissions[0]));
    tcase_add_loop_test(tc, directory_that_a_link_leads_to_is_looked_at, 0,
                        sizeof(links) / sizeof(links[0]));
    tcase_add_test(tc, files_outside_count);
    suite_add_tcase(suite, tc);
    return suite;
}
