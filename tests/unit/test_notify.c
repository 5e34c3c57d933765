/* SPDX-License-Identifier: Apache-2.0 */
/* Events of the kernel, and what the loader spares by them. */
#include "core/reload/notify.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader_fixture.h"
#include "samlcert_config.h"
#include "test.h"

#ifdef SAMLC_HAVE_INOTIFY

static samlc_scan_t *scan_of(const fixture_t *f)
{
    samlc_scan_t *scan = NULL;

    ck_assert_int_eq(samlc_source_scan(&scan, &f->source, NULL, samlc_result_make(f->p), f->p),
                     APR_SUCCESS);
    return scan;
}

static samlc_notify_t *watch(const fixture_t *f)
{
    samlc_notify_t *notify = samlc_notify_make(f->p);

    ck_assert_ptr_nonnull(notify);
    ck_assert_int_eq(samlc_notify_watch(notify, scan_of(f), f->p), 1);
    ck_assert_int_eq(samlc_notify_is_quiet(notify), 1);
    return notify;
}

/* ---- Edits: each is told of ---- */

static void edit(fixture_t *f)
{
    test_write(fixture_path(f, "idp/one/idp.conf"), CONF_B);
}

static void rename_over(fixture_t *f)
{
    test_write(test_path(f->p, f->base, "new"), CONF_B);
    ck_assert_int_eq(rename(test_path(f->p, f->base, "new"), fixture_path(f, "idp/one/idp.conf")),
                     0);
}

static void drop(fixture_t *f)
{
    ck_assert_int_eq(unlink(fixture_path(f, "idp/one/alternate.pem")), 0);
}

static void add(fixture_t *f)
{
    fixture_write_cert(f, "idp/one/staged.pem");
}

static void add_directory(fixture_t *f)
{
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/three"), 0755), 0);
    test_write(fixture_path(f, "idp/three/idp.conf"), CONF_B);
}

static void swap_directory(fixture_t *f)
{
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/.new"), 0755), 0);
    test_write(fixture_path(f, "idp/.new/idp.conf"), CONF_B);
    ck_assert_int_eq(rename(fixture_path(f, "idp/one"), fixture_path(f, "idp/.old")), 0);
    ck_assert_int_eq(rename(fixture_path(f, "idp/.new"), fixture_path(f, "idp/one")), 0);
}

static void (*const edits[])(fixture_t *f) = {edit, rename_over, drop, add, add_directory,
                                              swap_directory};

#define EDITS ((int)(sizeof(edits) / sizeof(edits[0])))

static void change_mode(fixture_t *f)
{
    ck_assert_int_eq(chmod(fixture_path(f, "idp/one/idp.conf"), 0600), 0);
}

START_TEST(change_is_told_until_it_is_drained)
{
    fixture_t *f = fixture_make();
    samlc_notify_t *notify = watch(f);

    (_i < EDITS ? edits[_i] : change_mode)(f);
    ck_assert_int_eq(samlc_notify_is_quiet(notify), 0);
    ck_assert_int_eq(samlc_notify_is_quiet(notify), 0);
    samlc_notify_drain(notify);
    ck_assert_int_eq(samlc_notify_is_quiet(notify), 1);
}
END_TEST

START_TEST(reading_is_no_change)
{
    fixture_t *f = fixture_make();
    samlc_notify_t *notify = watch(f);

    fixture_load(f);
    scan_of(f);
    ck_assert_int_eq(samlc_notify_is_quiet(notify), 1);
}
END_TEST

START_TEST(another_scan_is_watched_instead)
{
    fixture_t *f = fixture_make();
    samlc_notify_t *notify = watch(f);
    samlc_scan_t *before = scan_of(f);

    ck_assert_int_eq(rename(fixture_path(f, "idp/two"), test_path(f->p, f->base, "two")), 0);
    ck_assert_int_eq(samlc_notify_watch(notify, scan_of(f), f->p), 1);
    samlc_notify_drain(notify);
    test_write(test_path(f->p, f->base, "two/primary.pem"), "");
    ck_assert_int_eq(samlc_notify_is_quiet(notify), 1);
    edit(f);
    ck_assert_int_eq(samlc_notify_is_quiet(notify), 0);

    /* Twin: a directory that can't be watched leaves none watched. */
    ck_assert_int_eq(samlc_notify_watch(notify, before, f->p), 0);
    samlc_notify_drain(notify);
    edit(f);
    ck_assert_int_eq(samlc_notify_is_quiet(notify), 1);
}
END_TEST

START_TEST(other_file_systems_are_not_relied_on)
{
    apr_pool_t *p = test_pool();
    samlc_notify_t *notify = samlc_notify_make(p);
    samlc_scan_t scan = {apr_array_make(p, 1, sizeof(samlc_seen_t)), 0};
    samlc_seen_t *seen = &APR_ARRAY_PUSH(scan.seen, samlc_seen_t);

    memset(seen, 0, sizeof(*seen));
    seen->path = "/proc/self";
    seen->name = ".";
    seen->is_dir = 1;
    ck_assert_int_eq(samlc_notify_watch(notify, &scan, p), 0);
}
END_TEST

START_TEST(exceptions_are_what_events_do_not_tell_of)
{
    fixture_t *f = fixture_make();
    apr_array_header_t *outside = apr_array_make(f->p, 1, sizeof(const char *));
    apr_array_header_t *exceptions = NULL;
    samlc_scan_t *scan = NULL;
    int i = 0;
    static const char *const names[] = {".", "idp/four", "idp/one/staged.pem",
                                        "idp/two/alternate.pem", "idp/two/primary.pem"};

    APR_ARRAY_PUSH(outside, const char *) = f->clock;
    ck_assert_int_eq(symlink("primary.pem", fixture_path(f, "idp/one/staged.pem")), 0);
    ck_assert_int_eq(symlink("one", fixture_path(f, "idp/four")), 0);
    ck_assert_int_eq(link(fixture_path(f, "idp/two/primary.pem"),
                          fixture_path(f, "idp/two/alternate.pem")), 0);
    ck_assert_int_eq(samlc_source_scan(&scan, &f->source, outside, samlc_result_make(f->p), f->p),
                     APR_SUCCESS);
    exceptions = samlc_notify_exceptions(scan, f->p);
    /* Below the linked directory another link is seen, and the file outside comes second. */
    ck_assert_int_eq(exceptions->nelts, 7);
    ck_assert_str_eq(APR_ARRAY_IDX(exceptions, 1, samlc_seen_t).name, f->clock);
    ck_assert_str_eq(APR_ARRAY_IDX(exceptions, 3, samlc_seen_t).name, "idp/four/staged.pem");
    for (i = 0; i < 5; i++) {
        ck_assert_str_eq(APR_ARRAY_IDX(exceptions, i + (i > 0) + (i > 1), samlc_seen_t).name,
                         names[i]);
    }
}
END_TEST

/* ---- The loader ---- */

/* So soon after the last one that a look at all files is not due. */
static void poll_at_once(fixture_t *f)
{
    f->now += 1;
    samlc_loader_poll(f->loader, f->now, f->p);
}

/* Changes a file by another name of it, which no event tells of. */
static void edit_behind(fixture_t *f)
{
    const char *other = test_path(f->p, f->base, "other");

    ck_assert_int_eq(link(fixture_path(f, "idp/one/idp.conf"), other), 0);
    test_write(other, CONF_B "# longer\n");
}

START_TEST(poll_that_is_told_looks)
{
    fixture_t *f = fixture_make_loaded();

    fixture_poll(f);
    edits[_i](f);
    poll_at_once(f);
    ck_assert_int_eq(f->accepted, 1);
    poll_at_once(f);
    ck_assert_int_eq(f->accepted, 2);
    fixture_tick(f);
    poll_at_once(f);
    fixture_write_cert(f, "idp/two/primary.pem");    /* and the new directories are watched */
    poll_at_once(f);
    poll_at_once(f);
    ck_assert_int_eq(f->accepted, 3);
}
END_TEST

START_TEST(poll_that_is_not_told_spares_the_look_for_a_while)
{
    fixture_t *f = fixture_make_loaded();
    int i = 0;

    fixture_poll(f);
    edit_behind(f);
    for (i = 0; i < 10; i++) {
        poll_at_once(f);
    }
    ck_assert_int_eq(f->accepted, 1);
    /* A login looks for itself, and so does a poll in a while. */
    if (_i == 0) {
        ck_assert_int_eq(fixture_look(f, "one"), 1);
    }
    else {
        fixture_poll(f);
        poll_at_once(f);
    }
    ck_assert_int_eq(f->accepted, 2);
    ck_assert(fixture_knows(f, ENTITY_B));
}
END_TEST

/* What events don't tell of is looked at each time. */
START_TEST(poll_looks_at_links)
{
    fixture_t *f = fixture_make();
    const char *path = fixture_path(f, "idp/one/idp.conf");
    const char *target = test_path(f->p, f->base, "target");

    ck_assert_int_eq(rename(path, target), 0);
    ck_assert_int_eq(symlink(target, path), 0);
    fixture_load(f);
    fixture_tick(f);
    fixture_poll(f);
    test_write(target, CONF_B);
    poll_at_once(f);
    poll_at_once(f);
    ck_assert_int_eq(f->accepted, 2);
}
END_TEST

START_TEST(poll_notices_that_the_whole_directory_is_replaced)
{
    fixture_t *f = fixture_make_loaded();
    const char *mount = test_path(f->p, f->base, "mount");

    fixture_poll(f);
    ck_assert_int_eq(rename(mount, test_path(f->p, f->base, "hidden")), 0);
    poll_at_once(f);
    poll_at_once(f);
    ck_assert_int_eq(f->refused, 1);
    ck_assert_int_eq(rename(test_path(f->p, f->base, "hidden"), mount), 0);
    poll_at_once(f);
    poll_at_once(f);
    ck_assert_int_eq(f->recovered, 1);
}
END_TEST

/* ---- Looks for an IdP that is not known, which a stranger can ask for ---- */

static void ask_for_strangers(fixture_t *f)
{
    int i = 0;

    for (i = 0; i < 20; i++) {
        ck_assert_int_eq(fixture_look(f, NULL), 0);
    }
}

START_TEST(strangers_have_their_share)
{
    fixture_t *f = fixture_make_loaded();

    ask_for_strangers(f);    /* nobody has begun to listen to events */
    edit(f);
    ck_assert_int_eq(fixture_look(f, NULL), 0);
    ck_assert_int_eq(fixture_look(f, "two"), 0);
    f->now += 100 * MS;
    ck_assert_int_eq(fixture_look(f, NULL), 1);
    ck_assert(fixture_knows(f, ENTITY_B));
}
END_TEST

START_TEST(known_idp_has_no_limit)
{
    fixture_t *f = fixture_make_loaded();

    ask_for_strangers(f);
    edit(f);
    ck_assert_int_eq(fixture_look(f, "one"), 1);
}
END_TEST

START_TEST(strangers_cost_nothing_where_events_tell)
{
    fixture_t *f = fixture_make_loaded();

    fixture_poll(f);
    ask_for_strangers(f);
    edit(f);
    ck_assert_int_eq(fixture_look(f, NULL), 1);
    ck_assert(fixture_knows(f, ENTITY_B));
}
END_TEST

#endif

Suite *suite_notify(void)
{
    Suite *suite = suite_create("notify");
    TCase *tc = tcase_create("notify");

    tcase_set_timeout(tc, 60);
#ifdef SAMLC_HAVE_INOTIFY
    tcase_add_loop_test(tc, change_is_told_until_it_is_drained, 0, EDITS + 1);
    tcase_add_test(tc, reading_is_no_change);
    tcase_add_test(tc, another_scan_is_watched_instead);
    tcase_add_test(tc, other_file_systems_are_not_relied_on);
    tcase_add_test(tc, exceptions_are_what_events_do_not_tell_of);
    tcase_add_loop_test(tc, poll_that_is_told_looks, 0, EDITS);
    tcase_add_loop_test(tc, poll_that_is_not_told_spares_the_look_for_a_while, 0, 2);
    tcase_add_test(tc, poll_looks_at_links);
    tcase_add_test(tc, poll_notices_that_the_whole_directory_is_replaced);
    tcase_add_test(tc, strangers_have_their_share);
    tcase_add_test(tc, known_idp_has_no_limit);
    tcase_add_test(tc, strangers_cost_nothing_where_events_tell);
#endif
    suite_add_tcase(suite, tc);
    return suite;
}
