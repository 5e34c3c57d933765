/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/ledger.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "make_cert.h"
#include "test.h"

#define IDP "https://idp.example/"
#define FILE_SIZE (128 + 128 * SAMLC_LEDGER_CAPACITY)
#define SECOND APR_USEC_PER_SEC

static apr_pool_t *p;
static const char *dir;
static samlc_cert_t *cert;     /* made once: what is told apart here are the IdPs */
static samlc_cert_t *other;

static samlc_cert_t *make_cert(const char *cn, apr_pool_t *pool)
{
    test_cert_spec_t spec = {.cn = cn, .key_type = "EC"};
    samlc_cert_t *made = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&made, &test_cert_make(&spec, pool)->der,
                                          samlc_result_make(pool), pool), APR_SUCCESS);
    return made;
}

static void setup(void)
{
    p = test_pool();
    dir = test_dir(p);
    cert = make_cert("one", p);
    other = make_cert("other", p);
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

/* Opened, and nothing had to be set aside. */
static samlc_ledger_t *open_in(apr_pool_t *pool)
{
    samlc_result_t *res = samlc_result_make(pool);
    samlc_ledger_t *ledger = NULL;
    const char *aside = NULL;

    ck_assert_msg(samlc_ledger_open(&ledger, &aside, dir, res, pool) == APR_SUCCESS, "%s",
                  res->message);
    ck_assert_ptr_null(aside);
    return ledger;
}

static const samlc_ledger_t *read_in(apr_pool_t *pool)
{
    samlc_result_t *res = samlc_result_make(pool);
    const samlc_ledger_t *ledger = NULL;

    ck_assert_msg(samlc_ledger_read(&ledger, dir, res, pool) == APR_SUCCESS, "%s", res->message);
    return ledger;
}

static void use(samlc_ledger_t *ledger, const char *idp, apr_time_t now)
{
    ck_assert(samlc_ledger_count(ledger, idp, cert, samlc_cert_key(cert), now));
}

static samlc_use_t use_of(const samlc_ledger_t *ledger, const char *idp)
{
    samlc_use_t found;

    ck_assert(samlc_ledger_find(&found, ledger, idp, cert, samlc_cert_key(cert)));
    return found;
}

static const char *path(void)
{
    return test_path(p, dir, "ledger");
}

static const char *name_of(int i)
{
    return apr_psprintf(p, "https://idp-%d.example/", i);
}

/* ---- counting ---- */

START_TEST(first_and_last_use_and_count)
{
    samlc_ledger_t *ledger = open_in(p);
    samlc_use_t u = use_of(ledger, IDP);

    ck_assert(u.count == 0 && u.first == 0 && u.last == 0);
    use(ledger, IDP, TEST_NOW);
    u = use_of(ledger, IDP);
    ck_assert(u.count == 1 && u.first == TEST_NOW && u.last == TEST_NOW);
    use(ledger, IDP, TEST_NOW + 5);
    use(ledger, IDP, TEST_NOW - 3);     /* that login began earlier and came later */
    u = use_of(ledger, IDP);
    ck_assert(u.count == 3 && u.first == TEST_NOW - 3 && u.last == TEST_NOW + 5);
}
END_TEST

START_TEST(a_clock_that_was_wrong_does_not_stay)
{
    samlc_ledger_t *ledger = open_in(p);
    samlc_use_t u;

    use(ledger, IDP, TEST_NOW + 86400 * SECOND);
    use(ledger, IDP, TEST_NOW);
    ck_assert(use_of(ledger, IDP).last == TEST_NOW + 86400 * SECOND);
    use(ledger, IDP, TEST_NOW + 9 * 86400 * SECOND);
    use(ledger, IDP, TEST_NOW);
    u = use_of(ledger, IDP);
    ck_assert(u.count == 4 && u.first == TEST_NOW && u.last == TEST_NOW);
}
END_TEST

START_TEST(each_idp_certificate_and_key_for_itself)
{
    samlc_ledger_t *ledger = open_in(p);
    const samlc_key_t *key = samlc_cert_key(cert);
    samlc_use_t u;

    use(ledger, IDP, TEST_NOW);
    ck_assert(use_of(ledger, "https://other.example/").count == 0);
    ck_assert(samlc_ledger_find(&u, ledger, IDP, other, samlc_cert_key(other)) && u.count == 0);
    ck_assert(samlc_ledger_find(&u, ledger, IDP, NULL, key) && u.count == 0);
    ck_assert(samlc_ledger_count(ledger, IDP, NULL, key, TEST_NOW + 1));
    ck_assert(samlc_ledger_find(&u, ledger, IDP, NULL, key) && u.count == 1
              && u.last == TEST_NOW + 1);
    ck_assert(use_of(ledger, IDP).last == TEST_NOW);
}
END_TEST

START_TEST(without_a_ledger_nothing_is_known)
{
    samlc_use_t u = {1, 1, 1};

    ck_assert(!samlc_ledger_find(&u, NULL, IDP, cert, samlc_cert_key(cert)));
    ck_assert(u.count == 0 && u.first == 0 && u.last == 0);
}
END_TEST

START_TEST(pins_by_sha256_are_found_others_are_not_known)
{
    samlc_ledger_t *ledger = open_in(p);
    samlc_pin_t pin;
    samlc_use_t u;

    memset(&pin, 0, sizeof(pin));
    pin.len = SAMLC_SHA256_LEN;
    memcpy(pin.digest, samlc_cert_sha256(cert), pin.len);
    ck_assert(samlc_ledger_find_pin(&u, ledger, IDP, &pin) && u.count == 0);
    use(ledger, IDP, TEST_NOW);
    ck_assert(samlc_ledger_find_pin(&u, ledger, IDP, &pin) && u.count == 1);
    ck_assert(!samlc_ledger_find_pin(&u, NULL, IDP, &pin) && u.count == 0);
    pin.is_spki = 1;
    ck_assert(!samlc_ledger_find_pin(&u, ledger, IDP, &pin));
    pin.is_spki = 0;
    pin.len = 20;
    ck_assert(!samlc_ledger_find_pin(&u, ledger, IDP, &pin));
}
END_TEST

START_TEST(what_has_no_room_is_said_and_takes_nothing_from_the_rest)
{
    samlc_ledger_t *ledger = open_in(p);
    int counted = 0;
    int refused = 0;
    int i = 0;

    for (i = 0; i < SAMLC_LEDGER_CAPACITY + 1000; i++) {
        if (samlc_ledger_count(ledger, name_of(i), cert, NULL, TEST_NOW)) {
            counted++;
        }
        else {
            refused++;
        }
    }
    ck_assert_int_ge(counted, SAMLC_LEDGER_CAPACITY / 10 * 9);
    ck_assert_int_le(counted, SAMLC_LEDGER_CAPACITY);
    ck_assert_int_gt(refused, 0);
    ck_assert_uint_eq(samlc_ledger_uncounted(ledger), refused);
    use(ledger, name_of(0), TEST_NOW + 1);
    counted = 0;
    for (i = 0; i < SAMLC_LEDGER_CAPACITY + 1000; i++) {
        counted += (int)use_of(ledger, name_of(i)).count;
    }
    ck_assert_int_eq(counted, SAMLC_LEDGER_CAPACITY + 1000 - refused + 1);
}
END_TEST

/* ---- many at once ---- */

#define THREADS 8
#define ROUNDS 20000
#define NAMES 5

static void *count_all(void *ledger)
{
    int i = 0;

    for (i = 0; i < ROUNDS; i++) {
        static const char *const idps[NAMES] = {"a", "b", "c", "d", "e"};

        if (!samlc_ledger_count(ledger, idps[i % NAMES], cert, NULL, TEST_NOW + i)) {
            return "not counted";
        }
    }
    return NULL;
}

static void assert_all(const samlc_ledger_t *ledger, int workers)
{
    const char *idps = "abcde";
    int i = 0;

    for (i = 0; i < NAMES; i++) {
        samlc_use_t u = use_of(ledger, apr_pstrndup(p, idps + i, 1));

        ck_assert_uint_eq(u.count, workers * ROUNDS / NAMES);
        ck_assert_int_eq(u.first, TEST_NOW + i);
        ck_assert_int_eq(u.last, TEST_NOW + ROUNDS - NAMES + i);
    }
}

START_TEST(many_threads_count_exactly)
{
    samlc_ledger_t *ledger = open_in(p);
    pthread_t threads[THREADS];
    void *wrong = NULL;
    int i = 0;

    for (i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_all, ledger), 0);
    }
    for (i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], &wrong), 0);
        ck_assert_ptr_null(wrong);
    }
    assert_all(ledger, THREADS);
}
END_TEST

/* In a process that may not use Check's assertions. */
static samlc_ledger_t *open_or_exit(void)
{
    samlc_ledger_t *ledger = NULL;
    const char *aside = NULL;

    if (samlc_ledger_open(&ledger, &aside, dir, samlc_result_make(p), p) != APR_SUCCESS || aside) {
        _exit(2);
    }
    return ledger;
}

/* Nobody may count before all have it open: whoever made it is still there then. */
static void *count_when_all_are_there(atomic_long *there)
{
    samlc_ledger_t *ledger = open_or_exit();

    atomic_fetch_add(there, 1);
    while (atomic_load(there) < THREADS) {
        usleep(100);
    }
    return count_all(ledger);
}

static atomic_long *shared_numbers(void)
{
    void *map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(map, MAP_FAILED);
    return map;
}

START_TEST(many_processes_make_it_and_count_exactly)
{
    atomic_long *there = shared_numbers();
    int status = 0;
    int i = 0;

    for (i = 0; i < THREADS; i++) {
        if (fork() == 0) {
            _exit(count_when_all_are_there(there) ? 1 : 0);
        }
    }
    for (i = 0; i < THREADS; i++) {
        ck_assert_int_gt(wait(&status), 0);
        ck_assert_int_eq(status, 0);
    }
    assert_all(read_in(p), THREADS);
    assert_all(open_in(p), THREADS);
    munmap(there, 4096);
}
END_TEST

/* Counts new names for ever; begun and done are in shared memory. */
static void count_until_killed(atomic_long *begun, atomic_long *done)
{
    samlc_ledger_t *ledger = open_or_exit();
    char idp[32];
    long i = 0;

    for (i = 0;; i++) {
        snprintf(idp, sizeof(idp), "%ld", i % 20000);
        atomic_fetch_add(begun, 1);
        if (!samlc_ledger_count(ledger, idp, cert, NULL, TEST_NOW)) {
            _exit(1);
        }
        atomic_fetch_add(done, 1);
    }
}

static long total(const samlc_ledger_t *ledger)
{
    long sum = 0;
    int i = 0;

    for (i = 0; i < 20000; i++) {
        sum += (long)use_of(ledger, apr_psprintf(p, "%d", i)).count;
    }
    return sum;
}

START_TEST(killed_processes_lose_nothing_and_block_nobody)
{
    atomic_long *numbers = shared_numbers();
    pid_t pids[4];
    int status = 0;
    int round = 0;
    int i = 0;
    long sum = 0;

    for (round = 0; round < 10; round++) {
        for (i = 0; i < 4; i++) {
            pids[i] = fork();
            if (pids[i] == 0) {
                count_until_killed(&numbers[0], &numbers[1]);
            }
        }
        usleep(5000 + 3000 * (useconds_t)round);
        for (i = 0; i < 4; i++) {
            kill(pids[i], SIGKILL);
            ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
            ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        }
    }
    sum = total(open_in(p));
    ck_assert_int_gt(sum, 0);
    ck_assert_int_ge(sum, atomic_load(&numbers[1]));
    ck_assert_int_le(sum, atomic_load(&numbers[0]));
    munmap(numbers, 4096);
}
END_TEST

/* ---- the file ---- */

static void write_at(off_t offset, const void *bytes, size_t len)
{
    int fd = open(path(), O_WRONLY | O_CREAT, 0600);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pwrite(fd, bytes, len, offset), (ssize_t)len);
    close(fd);
}

static void close_ledger(apr_pool_t *sub)
{
    apr_pool_destroy(sub);
}

/* A ledger with one use, closed. */
static void make_file(void)
{
    apr_pool_t *sub = test_pool();

    use(open_in(sub), IDP, TEST_NOW);
    close_ledger(sub);
}

START_TEST(it_survives_closing_and_is_private)
{
    struct stat st;

    make_file();
    make_file();
    ck_assert_uint_eq(use_of(open_in(p), IDP).count, 2);
    ck_assert_int_eq(stat(path(), &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(st.st_size, FILE_SIZE);
}
END_TEST

START_TEST(a_copy_does_not_change)
{
    samlc_ledger_t *ledger = open_in(p);
    const samlc_ledger_t *copy = NULL;

    use(ledger, IDP, TEST_NOW);
    copy = read_in(p);
    use(ledger, IDP, TEST_NOW + 1);
    ck_assert_uint_eq(use_of(copy, IDP).count, 1);
    ck_assert_uint_eq(use_of(read_in(p), IDP).count, 2);
}
END_TEST

/* The position of the record that is in use. */
static off_t used_record(void)
{
    apr_uint64_t tag = 0;
    off_t at = 0;
    int fd = open(path(), O_RDONLY);

    ck_assert_int_ge(fd, 0);
    for (at = 128; at < FILE_SIZE && tag == 0; at += 128) {
        ck_assert_int_eq(pread(fd, &tag, sizeof(tag), at), sizeof(tag));
    }
    close(fd);
    ck_assert(tag != 0);
    return at - 128;
}

START_TEST(a_record_whose_claimer_died_is_completed)
{
    static const unsigned char zeros[120];
    off_t at = 0;

    make_file();
    at = used_record();
    write_at(at + 8, zeros, sizeof(zeros));      /* there is the tag, and nothing else */
    ck_assert_uint_eq(use_of(read_in(p), IDP).count, 0);
    use(open_in(p), IDP, TEST_NOW);
    ck_assert_uint_eq(use_of(open_in(p), IDP).count, 1);
    ck_assert_int_eq(used_record(), at);
    ck_assert_int_eq(samlc_ledger_sync(open_in(p), samlc_result_make(p)), APR_SUCCESS);
}
END_TEST

/* What a process leaves behind that was killed while it made the file. */
static const off_t unfinished[] = {0, 8, 4096, FILE_SIZE / 2, FILE_SIZE};

START_TEST(an_unfinished_file_is_finished)
{
    write_at(0, "", 0);
    ck_assert_int_eq(truncate(path(), unfinished[_i]), 0);
    use(open_in(p), IDP, TEST_NOW);
    ck_assert_uint_eq(use_of(read_in(p), IDP).count, 1);
}
END_TEST

static void spoil_text(void)
{
    ck_assert_int_eq(truncate(path(), 0), 0);
    write_at(0, "hello, world, this is no ledger\n", 32);
}

static void spoil_tiny(void)
{
    ck_assert_int_eq(truncate(path(), 0), 0);
    write_at(0, "x", 1);
}

static void spoil_version(void)
{
    write_at(0, "\x7f", 1);
}

static void spoil_capacity(void)
{
    write_at(8, "\x7f", 1);
}

static void spoil_short(void)
{
    ck_assert_int_eq(truncate(path(), FILE_SIZE - 1), 0);
}

static void spoil_long(void)
{
    ck_assert_int_eq(truncate(path(), FILE_SIZE + 1), 0);
}

static void (*const spoils[])(void) = {spoil_text, spoil_tiny, spoil_version, spoil_capacity,
                                       spoil_short, spoil_long};

START_TEST(what_is_no_ledger_is_set_aside_and_another_begun)
{
    samlc_result_t *res = samlc_result_make(p);
    const samlc_ledger_t *copy = NULL;
    samlc_ledger_t *ledger = NULL;
    const char *aside = NULL;
    struct stat before, after;

    make_file();
    spoils[_i]();
    ck_assert_int_eq(stat(path(), &before), 0);
    ck_assert_int_ne(samlc_ledger_read(&copy, dir, res, p), APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(res->message, path()));
    ck_assert_int_eq(res->reason, SAMLC_REASON_FILE_UNREADABLE);
    ck_assert_ptr_null(copy);
    ck_assert_int_eq(samlc_ledger_open(&ledger, &aside, dir, samlc_result_make(p), p), APR_SUCCESS);
    ck_assert_str_eq(aside, test_path(p, dir, "ledger.damaged"));
    ck_assert_int_eq(stat(aside, &after), 0);
    ck_assert(before.st_ino == after.st_ino && before.st_size == after.st_size);
    ck_assert_uint_eq(use_of(ledger, IDP).count, 0);
    use(ledger, IDP, TEST_NOW);
    ck_assert_uint_eq(use_of(open_in(p), IDP).count, 1);
}
END_TEST

START_TEST(records_of_noise_harm_nobody)
{
    samlc_snapshot_t snapshot = {.idps = apr_array_make(p, 1, sizeof(samlc_idp_t *))};
    apr_uint64_t *noise = apr_palloc(p, FILE_SIZE);
    const apr_array_header_t *others = NULL;
    samlc_ledger_t *ledger = NULL;
    apr_uint64_t seed = 1;
    int i = 0;

    make_file();
    for (i = 16; i < FILE_SIZE / 8; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        noise[i] = i % 16 == 1 && i & 16 ? seed >> 62      /* kind, which is 1 or 2 */
                   : i % 16 > 9 && i & 32 ? seed >> 14     /* times and count that may be */
                                          : seed;
    }
    write_at(128, noise + 16, FILE_SIZE - 128);
    ledger = open_in(p);
    for (i = 0; i < 1000; i++) {
        samlc_ledger_count(ledger, name_of(i), cert, NULL, TEST_NOW);
        use_of(ledger, name_of(i));
    }
    others = samlc_ledger_others(read_in(p), &snapshot, p);
    ck_assert_int_gt(others->nelts, 1000);
    for (i = 0; i < others->nelts; i++) {
        const samlc_use_t *u = &APR_ARRAY_IDX(others, i, samlc_other_use_t).use;

        ck_assert(u->count > 0 && u->first > 0 && u->last > 0);
    }
    ck_assert_int_eq(samlc_ledger_sync(ledger, samlc_result_make(p)), APR_SUCCESS);
}
END_TEST

static void put_directory(void)
{
    ck_assert_int_eq(mkdir(path(), 0700), 0);
}

static void put_link(void)
{
    make_file();
    ck_assert_int_eq(rename(path(), test_path(p, dir, "elsewhere")), 0);
    ck_assert_int_eq(symlink("elsewhere", path()), 0);
}

static void put_pipe(void)
{
    ck_assert_int_eq(mkfifo(path(), 0600), 0);
}

static void (*const misfits[])(void) = {put_directory, put_link, put_pipe};

START_TEST(what_is_no_file_is_refused)
{
    samlc_result_t *res = samlc_result_make(p);
    const samlc_ledger_t *copy = NULL;
    samlc_ledger_t *ledger = NULL;
    const char *aside = NULL;
    int i = 0;

    misfits[_i]();
    for (i = 0; i < 2; i++) {
        ck_assert_int_ne(i == 0 ? samlc_ledger_open(&ledger, &aside, dir, res, p)
                                : samlc_ledger_read(&copy, dir, res, p), APR_SUCCESS);
        ck_assert_int_eq(res->reason, SAMLC_REASON_FILE_UNREADABLE);
        ck_assert_ptr_nonnull(strstr(res->message, path()));
        ck_assert(!ledger && !copy && !aside);
    }
    ck_assert_int_eq(remove(path()), 0);
    use(open_in(p), IDP, TEST_NOW);
}
END_TEST

START_TEST(nothing_to_read_is_named)
{
    samlc_result_t *res = samlc_result_make(p);
    const samlc_ledger_t *copy = NULL;

    ck_assert(APR_STATUS_IS_ENOENT(samlc_ledger_read(&copy, dir, res, p)));
    ck_assert_ptr_nonnull(strstr(res->message, path()));
    make_file();
    ck_assert_uint_eq(use_of(read_in(p), IDP).count, 1);
}
END_TEST

/* As on a full disk: to count in a file without blocks would be SIGBUS. */
START_TEST(where_the_disk_has_no_place_there_is_no_ledger)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_ledger_t *ledger = NULL;
    const char *aside = NULL;
    struct rlimit limit, small;

    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = FILE_SIZE / 2;
    signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    ck_assert_int_ne(samlc_ledger_open(&ledger, &aside, dir, res, p), APR_SUCCESS);
    ck_assert_ptr_null(ledger);
    ck_assert_ptr_nonnull(strstr(res->message, path()));
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
    use(open_in(p), IDP, TEST_NOW);
}
END_TEST

/* As a backup tool may bring it back that knows holes. */
START_TEST(holes_are_filled_when_it_is_opened)
{
    const char *copy = test_path(p, dir, "copy");
    struct stat st;

    make_file();
    ck_assert_int_eq(system(apr_psprintf(p, "cp --sparse=always %s %s && mv %s %s", path(), copy,
                                         copy, path())), 0);
    ck_assert_int_eq(stat(path(), &st), 0);
    ck_assert_int_lt(st.st_blocks * 512, FILE_SIZE);
    use(open_in(p), IDP, TEST_NOW);
    ck_assert_int_eq(stat(path(), &st), 0);
    ck_assert_int_ge(st.st_blocks * 512, FILE_SIZE);
    ck_assert_uint_eq(use_of(read_in(p), IDP).count, 2);
}
END_TEST

/* ---- who is configured ---- */

static const samlc_other_use_t *other_at(const apr_array_header_t *others, int i)
{
    return &APR_ARRAY_IDX(others, i, samlc_other_use_t);
}

START_TEST(others_are_those_that_are_not_configured)
{
    samlc_trust_entry_t entry = {.cert = cert, .key = samlc_cert_key(cert)};
    samlc_trust_t trust = {0};
    samlc_idp_t idp = {.name = "one", .entity_id = IDP, .trust = &trust};
    samlc_snapshot_t snapshot = {.idps = apr_array_make(p, 1, sizeof(samlc_idp_t *))};
    apr_array_header_t *entries = apr_array_make(p, 1, sizeof(entry));
    samlc_signcerts_t list = {.pins = apr_array_make(p, 1, sizeof(samlc_pin_t))};
    samlc_ledger_t *ledger = open_in(p);
    const apr_array_header_t *others = NULL;
    samlc_pin_t *pin = NULL;

    APR_ARRAY_PUSH((apr_array_header_t *)snapshot.idps, samlc_idp_t *) = &idp;
    APR_ARRAY_PUSH(entries, samlc_trust_entry_t) = entry;
    trust.entries = entries;
    use(ledger, IDP, TEST_NOW);
    ck_assert_int_eq(samlc_ledger_others(ledger, &snapshot, p)->nelts, 0);
    samlc_ledger_count(ledger, IDP, NULL, samlc_cert_key(cert), TEST_NOW + 1);
    samlc_ledger_count(ledger, IDP, other, NULL, TEST_NOW + 2);
    use(ledger, "https://gone.example/", TEST_NOW + 3);

    others = samlc_ledger_others(ledger, &snapshot, p);
    ck_assert_int_eq(others->nelts, 3);
    ck_assert(other_at(others, 0)->idp == NULL && !other_at(others, 0)->is_key);
    ck_assert_mem_eq(other_at(others, 0)->sha256, samlc_cert_sha256(cert), SAMLC_SHA256_LEN);
    ck_assert(other_at(others, 1)->idp == &idp && other_at(others, 1)->use.last == TEST_NOW + 2);
    ck_assert_mem_eq(other_at(others, 1)->sha256, samlc_cert_sha256(other), SAMLC_SHA256_LEN);
    ck_assert(other_at(others, 2)->idp == &idp && other_at(others, 2)->is_key);
    ck_assert_mem_eq(other_at(others, 2)->sha256, samlc_key_spki_sha256(samlc_cert_key(cert)),
                     SAMLC_SHA256_LEN);

    pin = apr_array_push((apr_array_header_t *)list.pins);
    memset(pin, 0, sizeof(*pin));
    pin->len = SAMLC_SHA256_LEN;
    memcpy(pin->digest, samlc_cert_sha256(other), pin->len);
    trust.list = &list;
    entries->nelts = 0;
    others = samlc_ledger_others(ledger, &snapshot, p);
    ck_assert_int_eq(others->nelts, 3);     /* the pinned one went, the one on file came */
    ck_assert_mem_eq(other_at(others, 2)->sha256, samlc_cert_sha256(cert), SAMLC_SHA256_LEN);
    ck_assert(other_at(others, 2)->idp == &idp);
}
END_TEST

Suite *suite_ledger(void)
{
    Suite *s = suite_create("ledger");
    TCase *tc = tcase_create("counting");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, first_and_last_use_and_count);
    tcase_add_test(tc, a_clock_that_was_wrong_does_not_stay);
    tcase_add_test(tc, each_idp_certificate_and_key_for_itself);
    tcase_add_test(tc, without_a_ledger_nothing_is_known);
    tcase_add_test(tc, pins_by_sha256_are_found_others_are_not_known);
    tcase_add_test(tc, what_has_no_room_is_said_and_takes_nothing_from_the_rest);
    tcase_add_test(tc, many_processes_make_it_and_count_exactly);
    tcase_add_test(tc, killed_processes_lose_nothing_and_block_nobody);
    tcase_add_test(tc, others_are_those_that_are_not_configured);
    tcase_set_timeout(tc, 60);
    suite_add_tcase(s, tc);

    tc = tcase_create("file");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, it_survives_closing_and_is_private);
    tcase_add_test(tc, a_copy_does_not_change);
    tcase_add_test(tc, a_record_whose_claimer_died_is_completed);
    tcase_add_loop_test(tc, an_unfinished_file_is_finished, 0,
                        (int)(sizeof(unfinished) / sizeof(unfinished[0])));
    tcase_add_loop_test(tc, what_is_no_ledger_is_set_aside_and_another_begun, 0,
                        (int)(sizeof(spoils) / sizeof(spoils[0])));
    tcase_add_test(tc, records_of_noise_harm_nobody);
    tcase_add_loop_test(tc, what_is_no_file_is_refused, 0,
                        (int)(sizeof(misfits) / sizeof(misfits[0])));
    tcase_add_test(tc, nothing_to_read_is_named);
    tcase_add_test(tc, where_the_disk_has_no_place_there_is_no_ledger);
    tcase_add_test(tc, holes_are_filled_when_it_is_opened);
    suite_add_tcase(s, tc);

    tc = tcase_create("threads");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, many_threads_count_exactly);
    suite_add_tcase(s, tc);
    return s;
}
