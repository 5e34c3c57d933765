/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <lmdb.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/store/lmdb.h"
#include "store_steps.h"

#define VALUE_LEN 2048

/* The sentence of a refusal. */
static const char *open_refused(const char *dir, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_store_t *store = NULL;

    ck_assert_int_ne(samlc_lmdb_open(&store, dir, STORE_MAP_SIZE, res, p), APR_SUCCESS);
    ck_assert_ptr_null(store);
    ck_assert_int_eq(res->reason, SAMLC_REASON_REPLAY_STORE_UNAVAILABLE);
    return res->message;
}

/* ---- opening ---- */

START_TEST(contents_survive_closing)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    apr_pool_t *sub = store_sub_pool(p);
    samlc_store_t *store = store_open(dir, sub);
    struct stat st;

    ck_assert_int_eq(store_claim(store, 1, STORE_NOW + SECOND, STORE_NOW, p), APR_SUCCESS);
    ck_assert_int_eq(store_put(store, 1, "alice", "value", STORE_NOW + SECOND, p), APR_SUCCESS);
    apr_pool_destroy(sub);
    store = store_open(dir, p);
    ck_assert_int_eq(store_claim(store, 1, STORE_NOW + SECOND, STORE_NOW, p), APR_EEXIST);
    ck_assert_str_eq(store_value(store, 1, STORE_NOW, p), "value");
    ck_assert_int_eq(stat(test_path(p, dir, "store.mdb"), &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(stat(test_path(p, dir, "store.mdb-lock"), &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
}
END_TEST

/* Readers write to the map of the lock file: a hole in it is SIGBUS on a disk that is full. */
START_TEST(the_lock_file_has_no_holes)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    struct stat st;

    store_open(dir, p);
    ck_assert_int_eq(stat(test_path(p, dir, "store.mdb-lock"), &st), 0);
    ck_assert_int_gt(st.st_size, 4000 * 64);
    ck_assert_int_ge(st.st_blocks * 512, st.st_size);
}
END_TEST

/* A CGI program must not find the sessions among its descriptors. */
START_TEST(descriptors_are_closed_on_exec)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    struct stat data;
    struct stat lock;
    struct stat st;
    int found = 0;
    int fd;

    store_open(dir, p);
    ck_assert_int_eq(stat(test_path(p, dir, "store.mdb"), &data), 0);
    ck_assert_int_eq(stat(test_path(p, dir, "store.mdb-lock"), &lock), 0);
    for (fd = 0; fd < 256; fd++) {
        if (fstat(fd, &st) == 0 && (st.st_ino == data.st_ino || st.st_ino == lock.st_ino)) {
            ck_assert_int_eq(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
            found++;
        }
    }
    ck_assert_int_ge(found, 2);
}
END_TEST

START_TEST(second_opening_in_a_process_is_refused)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    apr_pool_t *sub = store_sub_pool(p);
    samlc_store_t *store = store_open(dir, sub);

    ck_assert_ptr_nonnull(strstr(open_refused(dir, p), dir));
    ck_assert_ptr_nonnull(strstr(open_refused(apr_pstrcat(p, dir, "/.", NULL), p), "already"));
    ck_assert_int_eq(store_claim(store, 1, STORE_NOW, STORE_NOW, p), APR_SUCCESS);
    store_open(test_dir(p), p);                   /* another directory may be opened */
    apr_pool_destroy(sub);
    store = store_open(dir, p);                   /* and this one again, once it is closed */
    ck_assert_int_eq(store_claim(store, 1, STORE_NOW, STORE_NOW, p), APR_EEXIST);
}
END_TEST

START_TEST(missing_directory_is_named)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);

    ck_assert_ptr_nonnull(strstr(open_refused(test_path(p, dir, "none"), p), "none/store.mdb"));
    ck_assert_int_eq(mkdir(test_path(p, dir, "none"), 0700), 0);
    store_open(test_path(p, dir, "none"), p);
}
END_TEST

START_TEST(file_that_is_no_database_is_named)
{
    static const char *const contents[] = { "x", "SQLite format 3", "a long text" };
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    const char *path = test_path(p, dir, "store.mdb");
    char *text = apr_pstrdup(p, contents[_i]);

    if (_i == 2) {
        text = apr_pcalloc(p, 20001);
        memset(text, 'x', 20000);
    }
    test_write(path, text);
    ck_assert_ptr_nonnull(strstr(open_refused(dir, p), path));
    ck_assert_int_eq(unlink(path), 0);
    store_open(dir, p);
}
END_TEST

/* Puts a pair into a database of the file, by LMDB alone. */
static void put_raw(const char *path, const char *database, const char *key, const char *value)
{
    MDB_val k = { strlen(key), (void *)key };
    MDB_val v = { strlen(value), (void *)value };
    MDB_env *env = NULL;
    MDB_txn *txn = NULL;
    MDB_dbi dbi = 0;

    ck_assert_int_eq(mdb_env_create(&env), 0);
    ck_assert_int_eq(mdb_env_set_maxdbs(env, 5), 0);
    ck_assert_int_eq(mdb_env_open(env, path, MDB_NOSUBDIR, 0600), 0);
    ck_assert_int_eq(mdb_txn_begin(env, NULL, 0, &txn), 0);
    ck_assert_int_eq(mdb_dbi_open(txn, database, database ? MDB_CREATE : 0, &dbi), 0);
    ck_assert_int_eq(mdb_put(txn, dbi, &k, &v, 0), 0);
    ck_assert_int_eq(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

START_TEST(another_format_is_refused)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    const char *path = test_path(p, dir, "store.mdb");
    const char *message = NULL;
    apr_pool_t *sub = store_sub_pool(p);

    store_open(dir, sub);
    apr_pool_destroy(sub);
    put_raw(path, "meta", "format", "2\n");
    message = open_refused(dir, p);
    ck_assert_ptr_nonnull(strstr(message, path));
    ck_assert_ptr_nonnull(strstr(message, "format 2\\x0a"));
    put_raw(path, "meta", "format", "1");
    store_open(dir, p);
}
END_TEST

START_TEST(databases_of_others_are_refused)
{
    static const char *const databases[] = { NULL, "theirs", "meta" };
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    const char *path = test_path(p, dir, "store.mdb");

    put_raw(path, databases[_i], "meta", "x");
    ck_assert_ptr_nonnull(strstr(open_refused(dir, p), path));
}
END_TEST

static void fill(samlc_store_t *store, int count, apr_pool_t *p)
{
    char value[VALUE_LEN];
    samlc_store_claim_t claim;
    samlc_store_item_t item;
    int n;

    memset(value, 'v', sizeof(value));
    for (n = 0; n < count; n++) {
        claim = (samlc_store_claim_t){ store_key("claim", n), STORE_NOW + SECOND };
        item = store_item(n, "alice", value, sizeof(value), STORE_NOW + SECOND);
        ck_assert_int_eq(store->vtable->claim_and_put(store, &claim, 1, &item, STORE_NOW,
                                                      samlc_result_make(p), p), APR_SUCCESS);
    }
}

/* A file cut short must not kill who maps it, wherever the cut is. */
START_TEST(truncated_file_is_refused)
{
    static const int eighths[] = { 1, 2, 4, 6, 7 };
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    const char *path = test_path(p, dir, "store.mdb");
    apr_pool_t *sub = store_sub_pool(p);
    struct stat st;
    struct stat after;

    fill(store_open(dir, sub), 400, p);
    apr_pool_destroy(sub);
    sub = store_sub_pool(p);
    ck_assert_str_eq(store_value(store_open(dir, sub), 399, STORE_NOW, p) + VALUE_LEN - 1, "v");
    apr_pool_destroy(sub);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size / 8 * eighths[_i]), 0);
    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_ptr_nonnull(strstr(open_refused(dir, p), path));
    ck_assert_ptr_nonnull(strstr(open_refused(dir, p), path));    /* and again */
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_int_eq(st.st_size, after.st_size);
}
END_TEST

/* ---- several threads and processes ---- */

#define CONTESTED 300
#define CONTESTANTS 6

typedef struct contestant_t {
    samlc_store_t *store;
    unsigned char won[CONTESTED];
} contestant_t;

/* In a process or thread of its own, where a failed assertion would not be heard: 2 is an error. */
static void contest(samlc_store_t *store, unsigned char won[CONTESTED])
{
    samlc_store_claim_t claim;
    samlc_store_item_t item;
    apr_pool_t *p = NULL;
    apr_status_t rv;
    int n;

    apr_pool_create(&p, NULL);
    for (n = 0; n < CONTESTED; n++) {
        claim = (samlc_store_claim_t){ store_key("claim", n), STORE_NOW + SECOND };
        item = store_item(n, "alice", "x", 1, STORE_NOW + SECOND);
        rv = store->vtable->claim_and_put(store, &claim, 1, &item, STORE_NOW, samlc_result_make(p),
                                          p);
        won[n] = rv == APR_SUCCESS ? 1 : rv == APR_EEXIST ? 0 : 2;
    }
    apr_pool_destroy(p);
}

static void *contest_in_thread(void *data)
{
    contestant_t *contestant = data;

    contest(contestant->store, contestant->won);
    return NULL;
}

static void expect_one_winner_each(contestant_t contestants[CONTESTANTS])
{
    int winners;
    int c;
    int n;

    for (n = 0; n < CONTESTED; n++) {
        winners = 0;
        for (c = 0; c < CONTESTANTS; c++) {
            winners += contestants[c].won[n];
        }
        ck_assert_int_eq(winners, 1);
    }
}

START_TEST(one_thread_wins_each_claim)
{
    apr_pool_t *p = test_pool();
    samlc_store_t *store = store_open(test_dir(p), p);
    contestant_t contestants[CONTESTANTS];
    pthread_t threads[CONTESTANTS];
    int c;

    for (c = 0; c < CONTESTANTS; c++) {
        contestants[c].store = store;
        ck_assert_int_eq(pthread_create(&threads[c], NULL, contest_in_thread, &contestants[c]), 0);
    }
    for (c = 0; c < CONTESTANTS; c++) {
        ck_assert_int_eq(pthread_join(threads[c], NULL), 0);
    }
    expect_one_winner_each(contestants);
    store_expect_counts(store, CONTESTED, CONTESTED, p);
}
END_TEST

/* In the child: opens the store by itself, waits for the start, reports through the pipe. */
static void contest_in_process(const char *dir, int start, int report)
{
    samlc_store_t *store = NULL;
    unsigned char won[CONTESTED];
    apr_pool_t *p = NULL;
    char c;

    apr_pool_create(&p, NULL);
    if (samlc_lmdb_open(&store, dir, STORE_MAP_SIZE, samlc_result_make(p), p) != APR_SUCCESS
        || read(start, &c, 1) != 0) {
        _exit(1);
    }
    contest(store, won);
    _exit(write(report, won, sizeof(won)) == sizeof(won) ? 0 : 1);
}

START_TEST(one_process_wins_each_claim)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    contestant_t contestants[CONTESTANTS];
    int reports[CONTESTANTS][2];
    pid_t pids[CONTESTANTS];
    int start[2];
    int status = -1;
    int c;

    ck_assert_int_eq(pipe(start), 0);
    for (c = 0; c < CONTESTANTS; c++) {
        ck_assert_int_eq(pipe(reports[c]), 0);
        pids[c] = fork();
        ck_assert_int_ge(pids[c], 0);
        if (pids[c] == 0) {
            close(start[1]);
            contest_in_process(dir, start[0], reports[c][1]);
        }
        close(reports[c][1]);
    }
    close(start[1]);                              /* all children see the end of file at once */
    for (c = 0; c < CONTESTANTS; c++) {
        ck_assert_int_eq(read(reports[c][0], contestants[c].won, CONTESTED), CONTESTED);
        ck_assert_int_eq(waitpid(pids[c], &status, 0), pids[c]);
        ck_assert_int_eq(status, 0);
    }
    expect_one_winner_each(contestants);
    store_expect_counts(store_open(dir, p), CONTESTED, CONTESTED, p);
}
END_TEST

/* In the child: claims from `first` on until it is killed, and says so after each. */
static void claim_until_killed(const char *dir, int first, int report)
{
    samlc_store_t *store = NULL;
    apr_pool_t *p = NULL;
    int n;

    apr_pool_create(&p, NULL);
    if (samlc_lmdb_open(&store, dir, STORE_MAP_SIZE, samlc_result_make(p), p) != APR_SUCCESS) {
        _exit(1);
    }
    for (n = first;; n++) {
        if (store_claim(store, n, STORE_NOW + SECOND, STORE_NOW, p) != APR_SUCCESS
            || store_put(store, n, "alice", "value", STORE_NOW + SECOND, p) != APR_SUCCESS
            || write(report, &n, sizeof(n)) != sizeof(n)) {
            _exit(1);
        }
    }
}

START_TEST(killed_process_loses_nothing_and_holds_nobody_up)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    samlc_store_t *store = store_open(dir, p);
    int report[2];
    int status = 0;
    int first = 0;
    int last = 0;
    int round;
    int n;
    pid_t pid;

    for (round = 0; round < 8; round++) {
        ck_assert_int_eq(pipe(report), 0);
        pid = fork();
        ck_assert_int_ge(pid, 0);
        if (pid == 0) {
            claim_until_killed(dir, first, report[1]);
        }
        close(report[1]);
        for (n = 0; n < 20 + round; n++) {
            ck_assert_int_eq(read(report[0], &last, sizeof(last)), sizeof(last));
        }
        ck_assert_int_eq(kill(pid, SIGKILL), 0);
        ck_assert_int_eq(waitpid(pid, &status, 0), pid);
        ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        while (read(report[0], &n, sizeof(n)) == sizeof(n)) {
            last = n;
        }
        close(report[0]);
        for (n = first; n <= last; n++) {
            ck_assert_int_eq(store_claim(store, n, STORE_NOW + SECOND, STORE_NOW, p), APR_EEXIST);
            ck_assert_str_eq(store_value(store, n, STORE_NOW, p), "value");
        }
        first = last + 10;        /* the child may have been between commit and report */
        ck_assert_int_eq(store_claim(store, first++, STORE_NOW + SECOND, STORE_NOW, p),
                         APR_SUCCESS);
        ck_assert_int_eq(store_expire(store, 10, STORE_NOW, p), 0);
    }
}
END_TEST

/* LMDB tells by a lock on the byte of its pid whether a reader lives. Asked from a process of
 * its own, because who closes the file drops his own locks. */
static int has_reader_lock(const char *lock_path, pid_t pid)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = pid, .l_len = 1 };
    int status = -1;
    pid_t asker = fork();

    if (asker == 0) {
        _exit(fcntl(open(lock_path, O_RDWR), F_GETLK, &lock) == 0 && lock.l_type == F_WRLCK ? 0
                                                                                            : 1);
    }
    return waitpid(asker, &status, 0) == asker && status == 0;
}

/* In the child, with the pool of the parent's store: 0 if all is well, else the step that is
 * not. */
static int use_own_store(const char *dir, apr_pool_t *inherited, apr_pool_t *p)
{
    const char *lock_path = test_path(p, dir, "store.mdb-lock");
    samlc_result_t *res = samlc_result_make(p);
    samlc_store_t *own = NULL;
    samlc_store_t *twice = NULL;

    if (has_reader_lock(lock_path, getpid())) {
        return 1;
    }
    if (samlc_lmdb_open(&own, dir, STORE_MAP_SIZE, res, p) != APR_SUCCESS
        || store_claim(own, 1, STORE_NOW + SECOND, STORE_NOW, p) != APR_EEXIST) {
        return 2;
    }
    apr_pool_destroy(inherited);
    if (samlc_lmdb_open(&twice, dir, STORE_MAP_SIZE, res, p) == APR_SUCCESS) {
        return 3;
    }
    if (store_claim(own, 2, STORE_NOW + SECOND, STORE_NOW, p) != APR_SUCCESS) {
        return 4;
    }
    return has_reader_lock(lock_path, getpid()) ? 0 : 5;
}

/* httpd's children run the cleanups of pools that they inherited: the parent's store is none of
 * theirs, and closing it would drop the locks of their own. */
START_TEST(fork_inherits_nothing)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    apr_pool_t *sub = store_sub_pool(p);
    samlc_store_t *store = store_open(dir, sub);
    int status = -1;
    pid_t pid;

    ck_assert_int_eq(store_claim(store, 1, STORE_NOW + SECOND, STORE_NOW, p), APR_SUCCESS);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        _exit(use_own_store(dir, sub, p));
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_int_eq(store_claim(store, 2, STORE_NOW + SECOND, STORE_NOW, p), APR_EEXIST);
    ck_assert_int_eq(store_claim(store, 3, STORE_NOW + SECOND, STORE_NOW, p), APR_SUCCESS);
}
END_TEST

/* A graceful restart with a larger SamlCertStoreSize: old children go on beside the new ones. */
START_TEST(map_grown_by_another_process_is_followed)
{
    apr_pool_t *p = test_pool();
    const char *dir = test_dir(p);
    samlc_store_t *store = store_open_sized(dir, 2 * 1024 * 1024, p);
    apr_pool_t *sub = store_sub_pool(p);
    int status = -1;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        fill(store_open_sized(dir, STORE_MAP_SIZE, sub), 2000, sub);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    ck_assert_str_eq(store_value(store, 1999, STORE_NOW, p) + VALUE_LEN - 1, "v");
    ck_assert_int_eq(store_claim(store, 0, STORE_NOW + SECOND, STORE_NOW, p), APR_EEXIST);
    ck_assert_int_eq(store_claim(store, 2000, STORE_NOW + SECOND, STORE_NOW, p), APR_SUCCESS);
}
END_TEST

Suite *suite_lmdb_env(void)
{
    Suite *suite = suite_create("lmdb_env");
    TCase *tc = tcase_create("lmdb_env");

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, contents_survive_closing);
    tcase_add_test(tc, the_lock_file_has_no_holes);
    tcase_add_test(tc, descriptors_are_closed_on_exec);
    tcase_add_test(tc, second_opening_in_a_process_is_refused);
    tcase_add_test(tc, missing_directory_is_named);
    tcase_add_loop_test(tc, file_that_is_no_database_is_named, 0, 3);
    tcase_add_test(tc, another_format_is_refused);
    tcase_add_loop_test(tc, databases_of_others_are_refused, 0, 3);
    tcase_add_loop_test(tc, truncated_file_is_refused, 0, 5);
    tcase_add_test(tc, one_process_wins_each_claim);
    tcase_add_test(tc, killed_process_loses_nothing_and_holds_nobody_up);
    tcase_add_test(tc, fork_inherits_nothing);
    tcase_add_test(tc, map_grown_by_another_process_is_followed);
    suite_add_tcase(suite, tc);
    tc = tcase_create("threads");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, one_thread_wins_each_claim);
    suite_add_tcase(suite, tc);
    return suite;
}
