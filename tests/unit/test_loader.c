/* SPDX-License-Identifier: Apache-2.0 */
/* The races are for ThreadSanitizer to find: see "unit, threads" in ./check. */
#include "core/reload/loader.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader_fixture.h"
#include "test.h"

/* ---- Edits: each changes what is trusted, in a way that some other detection would miss ---- */

static void set_mtime(const char *path, const struct timespec *mtime)
{
    struct timespec times[2] = {{0, UTIME_OMIT}, *mtime};

    ck_assert_int_eq(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void replace(const fixture_t *f, const char *from, const char *to)
{
    ck_assert_int_eq(rename(fixture_path(f, from), fixture_path(f, to)), 0);
}

static void edit_in_place(fixture_t *f)
{
    test_write(fixture_path(f, "idp/one/idp.conf"), CONF_B "# longer\n");
}

static void rename_over(fixture_t *f)
{
    test_write(fixture_path(f, "idp/one/.new"), CONF_B);
    replace(f, "idp/one/.new", "idp/one/idp.conf");
}

static void edit_same_size_and_mtime(fixture_t *f)
{
    const char *path = fixture_path(f, "idp/one/idp.conf");
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    test_write(path, CONF_B);
    set_mtime(path, &st.st_mtim);
}

static void edit_older(fixture_t *f)
{
    static const struct timespec long_ago = {1000000000, 0};

    edit_in_place(f);
    set_mtime(fixture_path(f, "idp/one/idp.conf"), &long_ago);
}

static void swap_directory(fixture_t *f)
{
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/.new"), 0755), 0);
    test_write(fixture_path(f, "idp/.new/idp.conf"), CONF_B);
    fixture_write_cert(f, "idp/.new/primary.pem");
    replace(f, "idp/one", "idp/.old");
    replace(f, "idp/.new", "idp/one");
}

static void remove_file(fixture_t *f)
{
    ck_assert_int_eq(unlink(fixture_path(f, "idp/one/alternate.pem")), 0);
}

static void add_file(fixture_t *f)
{
    fixture_write_cert(f, "idp/one/alternate-2.pem");
}

static void add_root(fixture_t *f)
{
    ck_assert_int_eq(mkdir(fixture_path(f, "roots"), 0755), 0);
    fixture_write_cert(f, "roots/ca.pem");
}

static void edit_several(fixture_t *f)
{
    rename_over(f);
    remove_file(f);
    fixture_write_cert(f, "idp/one/primary.pem");
}

static void (*const edits[])(fixture_t *f) = {
    edit_in_place, rename_over, edit_same_size_and_mtime, edit_older, swap_directory,
    remove_file, add_file, add_root, edit_several,
};

#define EDITS ((int)(sizeof(edits) / sizeof(edits[0])))

START_TEST(poll_takes_an_edit_when_two_looks_agree)
{
    fixture_t *f = fixture_make_loaded();
    const char *before = fixture_digest(f);

    fixture_poll(f);
    edits[_i](f);
    ck_assert_str_eq(fixture_digest(f), before);
    fixture_poll(f);
    ck_assert_str_eq(fixture_digest(f), before);
    ck_assert_int_eq(f->accepted, 1);
    fixture_poll(f);
    ck_assert_str_ne(fixture_digest(f), before);
    ck_assert_int_eq(f->accepted, 2);
    ck_assert_uint_eq(fixture_number(f), 2);
    ck_assert_int_eq(f->refused + f->recovered, 0);
}
END_TEST

START_TEST(look_takes_an_edit_at_once)
{
    fixture_t *f = fixture_make_loaded();
    const char *before = fixture_digest(f);

    ck_assert_int_eq(fixture_look(f, "one"), 0);
    edits[_i](f);
    ck_assert_int_eq(fixture_look(f, "one"), 1);
    ck_assert_str_ne(fixture_digest(f), before);
    ck_assert_int_eq(f->accepted, 2);
    f->now += SETTLED;
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->accepted, 2);
    ck_assert_int_eq(f->refused + f->recovered, 0);
}
END_TEST

START_TEST(unknown_idp_looks_at_everything)
{
    fixture_t *f = fixture_make_loaded();

    ck_assert_int_eq(fixture_look(f, NULL), 0);
    edit_in_place(f);
    ck_assert(!fixture_knows(f, ENTITY_B));
    ck_assert_int_eq(fixture_look(f, NULL), 1);
    ck_assert(fixture_knows(f, ENTITY_B));
    ck_assert(!fixture_knows(f, ENTITY_A));
}
END_TEST

START_TEST(changing_files_are_left_alone)
{
    fixture_t *f = fixture_make_loaded();
    int i = 0;

    for (i = 0; i < 5; i++) {
        fixture_tick(f);
        test_write(fixture_path(f, "idp/one/idp.conf"), i % 2 == 0 ? CONF_B : CONF_A);
        fixture_poll(f);
        ck_assert_int_eq(f->accepted, 1);
    }
    fixture_poll(f);
    ck_assert_int_eq(f->accepted, 2);
    ck_assert(fixture_knows(f, ENTITY_B));
}
END_TEST

/* As orchestrators mount secrets: links through ..data, which is switched by a rename. */
START_TEST(link_that_is_switched_is_noticed)
{
    fixture_t *f = fixture_make();
    int by_look = _i;

    ck_assert_int_eq(mkdir(fixture_path(f, "idp/one/..1"), 0755), 0);
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/one/..2"), 0755), 0);
    test_write(fixture_path(f, "idp/one/..1/idp.conf"), CONF_A);
    test_write(fixture_path(f, "idp/one/..2/idp.conf"), CONF_B);
    ck_assert_int_eq(unlink(fixture_path(f, "idp/one/idp.conf")), 0);
    ck_assert_int_eq(symlink("..data/idp.conf", fixture_path(f, "idp/one/idp.conf")), 0);
    ck_assert_int_eq(symlink("..1", fixture_path(f, "idp/one/..data")), 0);
    fixture_load(f);
    ck_assert(fixture_knows(f, ENTITY_A));

    ck_assert_int_eq(symlink("..2", fixture_path(f, "idp/one/..next")), 0);
    replace(f, "idp/one/..next", "idp/one/..data");
    if (by_look) {
        ck_assert_int_eq(fixture_look(f, "one"), 1);
    }
    else {
        fixture_poll(f);
        fixture_poll(f);
    }
    ck_assert(fixture_knows(f, ENTITY_B));
}
END_TEST

START_TEST(touch_is_no_new_generation)
{
    fixture_t *f = fixture_make_loaded();
    const char *before = fixture_digest(f);
    samlc_ref_t *ref = NULL;
    const apr_array_header_t *watch = NULL;
    int i = 0;

    test_write(fixture_path(f, "idp/one/idp.conf"), CONF_A);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_str_eq(fixture_digest(f), before);
    ck_assert_uint_eq(fixture_number(f), 1);
    ck_assert_int_eq(f->accepted, 1);
    ck_assert_int_eq(f->recovered, 0);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    ck_assert_int_eq(fixture_look(f, NULL), 0);
    /* Were the old times kept, each look would have to go to the files from now on. */
    ref = fixture_acquire(f);
    watch = samlc_snapshot_idp_by_name(samlc_ref_snapshot(ref), "one")->watch;
    for (i = 0; i < watch->nelts; i++) {
        ck_assert(samlc_seen_is_unchanged(&APR_ARRAY_IDX(watch, i, samlc_seen_t)));
    }
    samlc_ref_release(ref);
}
END_TEST

START_TEST(load_of_the_same_files_changes_nothing)
{
    fixture_t *f = fixture_make_loaded();
    samlc_ref_t *before = fixture_acquire(f);
    samlc_ref_t *after = NULL;

    fixture_load(f);
    after = fixture_acquire(f);
    ck_assert_ptr_eq(samlc_ref_snapshot(before), samlc_ref_snapshot(after));
    ck_assert_int_eq(f->accepted, 1);
    samlc_ref_release(after);
    samlc_ref_release(before);
}
END_TEST

/* The store that numbers may be out of order for a while. */
START_TEST(generation_without_number_gets_one_later)
{
    fixture_t *f = fixture_make();

    f->number_status = APR_EGENERAL;
    fixture_load(f);
    ck_assert_uint_eq(fixture_number(f), 0);
    f->now += apr_time_from_sec(61);
    fixture_poll(f);
    ck_assert_uint_eq(fixture_number(f), 0);
    ck_assert_int_eq(f->accepted, 1);
    f->number_status = APR_SUCCESS;
    fixture_poll(f);
    ck_assert_uint_eq(fixture_number(f), 0);
    f->now += apr_time_from_sec(60);
    fixture_poll(f);
    ck_assert_uint_eq(fixture_number(f), 1);
    ck_assert_int_eq(f->accepted, 2);
    f->now += apr_time_from_sec(61);
    fixture_poll(f);
    ck_assert_uint_eq(f->numbers, 1);
    ck_assert_int_eq(f->accepted, 2);
}
END_TEST

/* ---- What is broken ---- */

static void half_a_certificate(fixture_t *f)
{
    const char *path = fixture_path(f, "idp/one/primary.pem");
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    ck_assert_int_eq(truncate(path, st.st_size / 2), 0);
}

static void directory_instead(fixture_t *f)
{
    ck_assert_int_eq(unlink(fixture_path(f, "idp/one/primary.pem")), 0);
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/one/primary.pem"), 0755), 0);
}

static void repair(fixture_t *f)
{
    rmdir(fixture_path(f, "idp/one/primary.pem"));
    fixture_write_cert(f, "idp/one/primary.pem");
}

static void link_to_nothing(fixture_t *f)
{
    ck_assert_int_eq(unlink(fixture_path(f, "idp/one/primary.pem")), 0);
    ck_assert_int_eq(symlink("nothing", fixture_path(f, "idp/one/primary.pem")), 0);
}

static void mend_link(fixture_t *f)
{
    ck_assert_int_eq(unlink(fixture_path(f, "idp/one/primary.pem")), 0);
    repair(f);
}

/* As if a mount went away: what comes back looks as it did before. */
static void hide_all(fixture_t *f)
{
    ck_assert_int_eq(rename(test_path(f->p, f->base, "mount"), test_path(f->p, f->base, "hidden")),
                     0);
}

static void bring_back(fixture_t *f)
{
    const char *hidden = test_path(f->p, f->base, "hidden");

    ck_assert_int_eq(rename(hidden, test_path(f->p, f->base, "mount")), 0);
}

static const struct {
    void (*breaks)(fixture_t *f);
    void (*mends)(fixture_t *f);
    const char *named;
    int is_new;    /* mended it is another generation */
} breakages[] = {
    {half_a_certificate, repair, "idp/one/primary.pem", 1},
    {directory_instead, repair, "idp/one/primary.pem", 1},
    {link_to_nothing, mend_link, "idp/one/primary.pem", 1},
    {hide_all, bring_back, "No such file", 0},
};

#define BREAKAGES ((int)(sizeof(breakages) / sizeof(breakages[0])))

START_TEST(broken_set_keeps_the_old_one_and_recovers)
{
    fixture_t *f = fixture_make_loaded();
    const char *before = fixture_digest(f);
    int i = 0;

    breakages[_i].breaks(f);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->refused, 1);
    ck_assert_msg(strstr(f->message, breakages[_i].named) != NULL, "%s", f->message);
    for (i = 0; i < 20; i++) {    /* past a retry or two */
        fixture_poll(f);
    }
    ck_assert_int_eq(f->refused, 1);
    ck_assert_str_eq(fixture_digest(f), before);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    fixture_poll(f);
    ck_assert_int_eq(f->refused, 1);
    ck_assert_int_eq(f->recovered, 0);

    fixture_tick(f);
    breakages[_i].mends(f);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->recovered, 1);
    ck_assert_int_eq(f->accepted, 1 + breakages[_i].is_new);
    ck_assert_int_eq(strcmp(fixture_digest(f), before) != 0, breakages[_i].is_new);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
}
END_TEST

/* An edit by hand may be half done when a login comes: the watchdog speaks of it, or nobody. */
START_TEST(look_at_a_broken_set_tells_nobody_yet)
{
    fixture_t *f = fixture_make_loaded();

    half_a_certificate(f);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    ck_assert_int_eq(f->refused, 0);
    if (_i == 0) {
        repair(f);
        ck_assert_int_eq(fixture_look(f, "one"), 1);
        fixture_poll(f);
        fixture_poll(f);
        ck_assert_int_eq(f->refused + f->recovered, 0);
    }
    else {
        fixture_poll(f);
        ck_assert_int_eq(f->refused, 1);
        repair(f);
        ck_assert_int_eq(fixture_look(f, "one"), 1);
        ck_assert_int_eq(f->recovered, 1);
    }
}
END_TEST

START_TEST(another_message_is_told)
{
    fixture_t *f = fixture_make_loaded();

    half_a_certificate(f);
    fixture_poll(f);
    fixture_poll(f);
    fixture_tick(f);
    repair(f);
    test_write(fixture_path(f, "idp/one/alternate.pem"), "none\n");
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->refused, 2);
    ck_assert_ptr_nonnull(strstr(f->message, "alternate.pem"));
    ck_assert_int_eq(f->recovered, 0);
}
END_TEST

/* Refuses good files: the cause is not in them, as with too few descriptors. */
static void refuse_by_hidden_cause(fixture_t *f)
{
    f->line->value = "broken";
    edit_in_place(f);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->refused, 1);
    f->line->value = "61";
}

static const int backoffs[] = {1, 2, 4, 8, 16, 32, 60, 60};    /* seconds */

START_TEST(refused_set_is_tried_again)
{
    fixture_t *f = fixture_make_loaded();
    int i = 0;

    refuse_by_hidden_cause(f);
    for (i = 0; i < _i; i++) {
        f->line->value = "broken";
        f->now += backoffs[i] * APR_USEC_PER_SEC;
        samlc_loader_poll(f->loader, f->now, f->p);
        f->line->value = "61";
    }
    samlc_loader_poll(f->loader, f->now + backoffs[_i] * APR_USEC_PER_SEC - 1, f->p);
    ck_assert_int_eq(f->recovered, 0);
    samlc_loader_poll(f->loader, f->now + backoffs[_i] * APR_USEC_PER_SEC, f->p);
    ck_assert_int_eq(f->recovered, 1);
    ck_assert_int_eq(f->refused, 1);
    ck_assert(fixture_knows(f, ENTITY_B));
}
END_TEST

START_TEST(clock_set_back_does_not_stop_the_retry)
{
    fixture_t *f = fixture_make_loaded();

    refuse_by_hidden_cause(f);
    samlc_loader_poll(f->loader, f->now - apr_time_from_sec(3600), f->p);
    ck_assert_int_eq(f->recovered, 1);
}
END_TEST

/* Requests that never end hold old generations: the present one keeps serving until some end. */
START_TEST(too_many_old_generations_delay_a_new_one)
{
    fixture_t *f = fixture_make_loaded();
    samlc_ref_t *refs[64];
    int i = 0;

    refs[0] = fixture_acquire(f);
    for (i = 1; i < 64; i++) {
        test_write(fixture_path(f, "idp/one/idp.conf"), i % 2 == 0 ? CONF_A : CONF_B);
        fixture_load(f);
        refs[i] = fixture_acquire(f);
    }
    ck_assert_int_eq(samlc_slot_alive(samlc_loader_slot(f->loader)), 64);
    fixture_tick(f);
    test_write(fixture_path(f, "idp/one/idp.conf"), CONF_A);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->refused, 1);
    ck_assert_ptr_nonnull(strstr(f->message, "still in use"));
    ck_assert(fixture_knows(f, ENTITY_B));

    for (i = 0; i < 64; i++) {
        samlc_ref_release(refs[i]);
    }
    f->now += APR_USEC_PER_SEC;
    fixture_poll(f);
    ck_assert_int_eq(f->recovered, 1);
    ck_assert(fixture_knows(f, ENTITY_A));
}
END_TEST

/* ---- Files outside ---- */

START_TEST(file_outside_is_noticed_when_it_comes)
{
    fixture_t *f = fixture_make_loaded();
    const char *list = test_path(f->p, test_dir(f->p), "pins");
    const char *before = fixture_digest(f);
    char pin[66];

    memset(pin, 'a', 64);
    strcpy(pin + 64, "\n");
    test_write(fixture_path(f, "idp/one/idp.conf"),
               apr_pstrcat(f->p, CONF_A "SignCerts @", list, "\n", NULL));
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->refused, 1);
    ck_assert_msg(strstr(f->message, list) != NULL, "%s", f->message);
    ck_assert_str_eq(fixture_digest(f), before);

    test_write(list, pin);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->recovered, 1);
    ck_assert_str_ne(fixture_digest(f), before);

    before = fixture_digest(f);
    fixture_tick(f);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    pin[0] = 'b';
    test_write(list, pin);
    ck_assert_int_eq(fixture_look(f, "one"), 1);
    ck_assert_str_ne(fixture_digest(f), before);
}
END_TEST

/* ---- The lock ---- */

/* Takes the lock as a writer. */
static int lock_as_writer(const fixture_t *f)
{
    int fd = open(fixture_path(f, ".lock"), O_RDWR | O_CREAT, 0644);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    return fd;
}

START_TEST(change_under_the_lock_is_taken_as_one)
{
    fixture_t *f = fixture_make_loaded();
    int lock = lock_as_writer(f);

    remove_file(f);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    edit_in_place(f);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    ck_assert_int_eq(f->accepted, 1);
    close(lock);
    if (_i == 0) {
        fixture_poll(f);    /* one poll: the writer has said that this is all */
    }
    else {
        ck_assert_int_eq(fixture_look(f, "one"), 1);
    }
    ck_assert_int_eq(f->accepted, 2);
    ck_assert(fixture_knows(f, ENTITY_B));
}
END_TEST

START_TEST(writer_waits_while_files_are_loaded)
{
    fixture_t *f = fixture_make();

    close(lock_as_writer(f));
    f->lock_path = fixture_path(f, ".lock");
    f->lock_was_free = 1;
    fixture_load(f);
    ck_assert_int_eq(f->accepted, 1);
    ck_assert_int_eq(f->lock_was_free, 0);
    close(lock_as_writer(f));
}
END_TEST

START_TEST(hanging_writer_does_not_stop_a_revocation)
{
    fixture_t *f = fixture_make_loaded();
    int lock = lock_as_writer(f);

    remove_file(f);
    fixture_poll(f);
    f->now += apr_time_from_sec(59);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->accepted, 1);
    f->now += apr_time_from_sec(1);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert_int_eq(f->accepted, 2);
    close(lock);
}
END_TEST

/* ---- Edits within one tick of the file system's clock, which no stat tells of ---- */

/* Loads right after an edit; when the newest file time was. */
static apr_time_t load_unsettled(fixture_t *f)
{
    samlc_ref_t *ref = NULL;
    apr_time_t newest = 0;

    f->now = fixture_ctime_ns(fixture_path(f, "idp/two/primary.pem")) / 1000;
    fixture_load(f);
    ref = fixture_acquire(f);
    newest = samlc_ref_snapshot(ref)->scan->newest_ns / 1000;
    samlc_ref_release(ref);
    return newest;
}

START_TEST(edit_within_a_tick_is_seen_by_a_look)
{
    fixture_t *f = fixture_make();

    load_unsettled(f);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    f->line->value = "61";
    ck_assert_int_eq(fixture_look(f, "one"), 1);
    ck_assert_int_eq(f->accepted, 2);

    /* Twin: once that is over, what no stat tells of is not looked for. */
    f->now += SETTLED;
    fixture_poll(f);
    f->line->value = "62";
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    ck_assert_int_eq(f->accepted, 2);
}
END_TEST

START_TEST(edit_within_a_tick_is_seen_by_one_more_poll)
{
    fixture_t *f = fixture_make();
    apr_time_t newest = load_unsettled(f);

    f->line->value = "61";
    samlc_loader_poll(f->loader, newest + 1, f->p);
    samlc_loader_poll(f->loader, newest + 2, f->p);
    ck_assert_int_eq(f->accepted, 1);
    samlc_loader_poll(f->loader, newest + 2 * APR_USEC_PER_SEC, f->p);
    ck_assert_int_eq(f->accepted, 2);
    f->line->value = "62";
    samlc_loader_poll(f->loader, newest + 4 * APR_USEC_PER_SEC, f->p);
    samlc_loader_poll(f->loader, newest + 6 * APR_USEC_PER_SEC, f->p);
    ck_assert_int_eq(f->accepted, 2);
}
END_TEST

START_TEST(time_from_the_future_is_not_looked_at_for_ever)
{
    fixture_t *f = fixture_make();
    struct timespec future = {(time_t)apr_time_sec(f->now) + 30, 0};

    set_mtime(fixture_path(f, "idp/one/idp.conf"), &future);
    fixture_load(f);
    f->line->value = "61";
    ck_assert_int_eq(fixture_look(f, "one"), 1);
    f->now += 2 * APR_USEC_PER_SEC;
    fixture_poll(f);
    f->line->value = "62";
    fixture_poll(f);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    ck_assert_int_eq(f->accepted, 2);
}
END_TEST

/* ---- Threads ---- */

#define LOOKERS 4
#define ROTATIONS 60
#define CHANGING (-1)

typedef struct race_t {
    fixture_t *f;
    atomic_int is_over;
    atomic_int failures;
    atomic_int logins;
    atomic_int epoch;    /* even: the files say A; odd: B; CHANGING: one or the other */
} race_t;

/* A login that begins after an edit never works with what was there before. */
static void *APR_THREAD_FUNC log_in(apr_thread_t *thread, void *data)
{
    race_t *race = data;
    fixture_t *f = race->f;
    samlc_slot_t *slot = samlc_loader_slot(f->loader);
    samlc_ref_t *ref = NULL;
    apr_pool_t *p = NULL;
    const samlc_snapshot_t *snapshot = NULL;
    int epoch = 0;

    (void)thread;
    ck_assert_int_eq(apr_pool_create(&p, NULL), APR_SUCCESS);
    while (!atomic_load(&race->is_over)) {
        epoch = atomic_load(&race->epoch);
        ref = samlc_slot_acquire(slot);
        snapshot = samlc_ref_snapshot(ref);
        if (samlc_loader_look(f->loader, snapshot, samlc_snapshot_idp_by_name(snapshot, "one"),
                              apr_time_now(), p)) {
            samlc_ref_release(ref);
            ref = samlc_slot_acquire(slot);
            snapshot = samlc_ref_snapshot(ref);
        }
        if (epoch != CHANGING && atomic_load(&race->epoch) == epoch
            && !samlc_snapshot_idp_by_entity(snapshot, epoch % 2 == 0 ? ENTITY_A : ENTITY_B)) {
            atomic_fetch_add(&race->failures, 1);
        }
        samlc_ref_release(ref);
        atomic_fetch_add(&race->logins, 1);
        apr_pool_clear(p);
    }
    apr_pool_destroy(p);
    return NULL;
}

static void rotate(race_t *race, int epoch, apr_pool_t *p)
{
    const char *name = test_path(p, race->f->source.dir, "idp/one/.new");
    int logins = 0;

    test_write(name, epoch % 2 == 0 ? CONF_A : CONF_B);
    atomic_store(&race->epoch, CHANGING);
    ck_assert_int_eq(rename(name, test_path(p, race->f->source.dir, "idp/one/idp.conf")), 0);
    atomic_store(&race->epoch, epoch);
    logins = atomic_load(&race->logins);
    while (atomic_load(&race->logins) < logins + 4 * LOOKERS) {
        samlc_loader_poll(race->f->loader, apr_time_now(), p);
        apr_thread_yield();
    }
}

START_TEST(no_login_works_with_what_was_replaced)
{
    fixture_t *f = fixture_make();
    race_t race = {f, 0, 0, 0, 0};
    apr_thread_t *threads[LOOKERS];
    apr_status_t status = APR_SUCCESS;
    apr_pool_t *p = test_pool();
    int i = 0;

    fixture_load(f);
    for (i = 0; i < LOOKERS; i++) {
        ck_assert_int_eq(apr_thread_create(&threads[i], NULL, log_in, &race, f->p), APR_SUCCESS);
    }
    for (i = 1; i <= ROTATIONS; i++) {
        rotate(&race, i, p);
        apr_pool_clear(p);
    }
    atomic_store(&race.is_over, 1);
    for (i = 0; i < LOOKERS; i++) {
        apr_thread_join(&status, threads[i]);
    }
    ck_assert_int_eq(atomic_load(&race.failures), 0);
    ck_assert_int_eq(f->refused, 0);
    ck_assert_int_eq(f->accepted, 1 + ROTATIONS);
    ck_assert_int_eq(samlc_slot_alive(samlc_loader_slot(f->loader)), 1);
}
END_TEST

Suite *suite_loader(void)
{
    Suite *suite = suite_create("loader");
    TCase *tc = tcase_create("loader");

    tcase_set_timeout(tc, 120);    /* sanitizers take their time */
    tcase_add_loop_test(tc, poll_takes_an_edit_when_two_looks_agree, 0, EDITS);
    tcase_add_loop_test(tc, look_takes_an_edit_at_once, 0, EDITS);
    tcase_add_test(tc, unknown_idp_looks_at_everything);
    tcase_add_test(tc, changing_files_are_left_alone);
    tcase_add_loop_test(tc, link_that_is_switched_is_noticed, 0, 2);
    tcase_add_test(tc, touch_is_no_new_generation);
    tcase_add_test(tc, load_of_the_same_files_changes_nothing);
    tcase_add_test(tc, generation_without_number_gets_one_later);
    tcase_add_loop_test(tc, broken_set_keeps_the_old_one_and_recovers, 0, BREAKAGES);
    tcase_add_loop_test(tc, look_at_a_broken_set_tells_nobody_yet, 0, 2);
    tcase_add_test(tc, another_message_is_told);
    tcase_add_loop_test(tc, refused_set_is_tried_again, 0, (int)(sizeof(backoffs) / sizeof(int)));
    tcase_add_test(tc, clock_set_back_does_not_stop_the_retry);
    tcase_add_test(tc, too_many_old_generations_delay_a_new_one);
    tcase_add_test(tc, file_outside_is_noticed_when_it_comes);
    tcase_add_loop_test(tc, change_under_the_lock_is_taken_as_one, 0, 2);
    tcase_add_test(tc, writer_waits_while_files_are_loaded);
    tcase_add_test(tc, hanging_writer_does_not_stop_a_revocation);
    tcase_add_test(tc, edit_within_a_tick_is_seen_by_a_look);
    tcase_add_test(tc, edit_within_a_tick_is_seen_by_one_more_poll);
    tcase_add_test(tc, time_from_the_future_is_not_looked_at_for_ever);
    suite_add_tcase(suite, tc);
    tc = tcase_create("threads");
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, no_login_works_with_what_was_replaced);
    suite_add_tcase(suite, tc);
    return suite;
}
