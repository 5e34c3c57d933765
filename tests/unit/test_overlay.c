/* SPDX-License-Identifier: Apache-2.0 */
/* What the first use moves; and what moves in copies of generations and in a running server. */
#include "core/reload/overlay.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/history/archive.h"
#include "core/trust/moves.h"
#include "loader_fixture.h"
#include "moves_tree.h"
#include "test.h"

#define NOBODY 65534

/* ---- the overlay ----------------------------------------------------------------------------- */

static const char *sha256_of(const test_cert_t *made)
{
    samlc_cert_t *cert = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&cert, &made->der, tree.res, tree.p), APR_SUCCESS);
    return samlc_cert_sha256_hex(cert);
}

static const char *line_for(const char *idp, const test_cert_t *cert, const char *when)
{
    return apr_psprintf(tree.p, "promote %s %s %s\n", idp, sha256_of(cert), when);
}

static void promoting(const char *lines)
{
    tree.source.overlay = test_path(tree.p, test_dir(tree.p), "overlay");
    tree_configure(apr_pstrcat(tree.p, "PromoteOnFirstUse on\n", lines, NULL));
}

static const char *overlay_text(void)
{
    samlc_data_t file;

    ck_assert_msg(samlc_file_read(&file, tree.source.overlay, SAMLC_MAX_OVERLAY, tree.res, tree.p)
                      == APR_SUCCESS,
                  "%s", tree.res->message);
    return (const char *)file.data;
}

/* The login with what is staged. */
static int promote(apr_time_t now)
{
    int is_news = 0;

    ck_assert_msg(samlc_overlay_promote(&is_news, tree.source.overlay, tree.loaded, tree_idp(),
                                        tree_entry(1)->cert, now, tree.res, tree.p)
                      == APR_SUCCESS,
                  "%s", tree.res->message);
    return is_news;
}

START_TEST(test_promotion)
{
    struct stat st;
    const char *before = NULL;

    promoting("");
    before = tree_digest_at(AT(0));
    ck_assert_str_eq(tree_slots(), "old=primary new=staged third=alternate");
    ck_assert_int_eq(promote(AT(1) + 5), 1);
    ck_assert_int_eq(stat(tree.source.overlay, &st), 0);
    ck_assert_int_eq(st.st_mode & 0777, 0600);
    ck_assert_int_eq(promote(AT(2)), 0);    /* the second login before anybody looked */
    ck_assert_ptr_nonnull(strstr(overlay_text(), line_for("one", tree.new_cert,
                                                          "2026-07-01T00:00:01Z")));
    ck_assert_str_ne(tree_digest_at(AT(2)), before);
    ck_assert_str_eq(tree_slots(), "new=primary third=alternate old=alternate");
    ck_assert_str_eq(APR_ARRAY_IDX(tree.loaded->moves, 0, samlc_moved_t).place->why, "first use");
    ck_assert_int_eq(tree.loaded->next_move_at, 0);
    ck_assert_int_eq(tree.loaded->warnings->nelts, 0);
    ck_assert_int_eq(tree_judge(tree.old_cert, AT(2)), SAMLC_REASON_OK);
    ck_assert_int_eq(APR_ARRAY_IDX(tree.loaded->outside, 0, const char *) == tree.source.overlay,
                     1);
    tree.source.overlay = NULL;
    ck_assert_str_eq(tree_digest_at(AT(2)), before);
}
END_TEST

/* Only a certificate that is staged by its file, of this IdP, where the setting says so. */
static const struct {
    const char *conf;
    const char *idp;
    int which;                       /* 0 old, 1 new, 2 third */
    const char *slots;
} effects[] = {
    { "PromoteOnFirstUse on\n", "one", 1, "new=primary third=alternate old=alternate" },
    { "PromoteOnFirstUse off\n", "one", 1, "old=primary new=staged third=alternate" },
    { "", "one", 1, "old=primary new=staged third=alternate" },
    { "PromoteOnFirstUse on\n", "two", 1, "old=primary new=staged third=alternate" },
    { "PromoteOnFirstUse on\n", "one", 0, "old=primary new=staged third=alternate" },
    { "PromoteOnFirstUse on\n", "one", 2, "old=primary new=staged third=alternate" },
    { "PromoteOnFirstUse on\nRetireAt staged " T1 "\n", "one", 1,
      "third=alternate old=alternate new=retired" },
    { "PromoteOnFirstUse on\nRetireAt staged 2026-07-01T00:00:01Z\n", "one", 1,
      "old=primary third=alternate new=retired" },
    { "PromoteOnFirstUse on\nRetireAt primary " T1 "\n", "one", 1,
      "new=primary third=alternate old=retired" },
    { "PromoteOnFirstUse on\nActivateAt alternate-x " T1 "\n", "one", 1,
      "third=primary old=alternate new=alternate" },
    { "PromoteOnFirstUse on\nActivateAt staged 2026-07-01T00:00:01Z\nActivateAt primary "
      "2026-07-01T00:00:02Z\n", "one", 1, "old=primary third=alternate new=alternate" },
};

START_TEST(test_effects)
{
    const test_cert_t *certs[] = { tree.old_cert, tree.new_cert, tree.third_cert };

    promoting("");
    tree_configure(effects[_i].conf);
    test_write(tree.source.overlay, line_for(effects[_i].idp, certs[effects[_i].which],
                                        "2026-07-01T00:00:05Z"));
    tree_loads(AT(10));
    ck_assert_str_eq(tree_slots(), effects[_i].slots);
    ck_assert_int_eq(tree.loaded->warnings->nelts, 0);
}
END_TEST

/* What was settled, or replaced, is promoted no more. */
START_TEST(test_replaced_stage)
{
    promoting("");
    tree_loads(AT(0));
    promote(AT(0));
    test_write(tree.source.overlay,
               apr_pstrcat(tree.p, overlay_text(), line_for("elsewhere", tree.new_cert, T1), NULL));
    tree_put("idp/one/staged.pem", tree.third_cert->pem);
    tree_loads(AT(1));
    ck_assert_str_eq(tree_slots(), "old=primary third=staged third=alternate");
    ck_assert_int_eq(tree_judge(tree.new_cert, AT(1)), SAMLC_REASON_CERT_NOT_LISTED);
    ck_assert_int_eq(promote(AT(1)), 1);
    ck_assert_ptr_null(strstr(overlay_text(), line_for("one", tree.new_cert, T0)));
    ck_assert_ptr_nonnull(strstr(overlay_text(), line_for("elsewhere", tree.new_cert, T1)));
    ck_assert_ptr_nonnull(strstr(overlay_text(), sha256_of(tree.third_cert)));
}
END_TEST

#define GOOD_TIME "2026-07-01T00:00:05Z"

/* The digest of a certificate stands between the two, if there is an `after`. */
static const struct {
    const char *before, *after;
} broken[] = {
    { "promote one", NULL },
    { "promote one 00 " GOOD_TIME, NULL },
    { "promote one ", " tomorrow" },
    { "promote one ", " 2026-07-01T00:00:05.5Z" },
    { "promote one ", " " GOOD_TIME " more" },
    { "trust one ", " " GOOD_TIME },
    { "-----BEGIN CERTIFICATE-----", NULL },
};

/* It is ignored as a whole, loudly, and takes nothing down; the next promotion replaces it. */
START_TEST(test_broken_overlay)
{
    const char *bad = broken[_i].after == NULL
                          ? broken[_i].before
                          : apr_pstrcat(tree.p, broken[_i].before, sha256_of(tree.new_cert),
                                        broken[_i].after, NULL);

    promoting("");
    test_write(
        tree.source.overlay,
        apr_pstrcat(tree.p, line_for("one", tree.new_cert, "2026-07-01T00:00:05Z"), bad, NULL));
    tree_loads(AT(10));
    ck_assert_str_eq(tree_slots(), "old=primary new=staged third=alternate");
    ck_assert_int_eq(tree.loaded->warnings->nelts, 1);
    ck_assert_int_eq(tree_count_warnings("overlay:2: not `promote IDP SHA256 TIME`"), 1);
    ck_assert_int_eq(promote(AT(10)), 1);
    tree_loads(AT(10));
    ck_assert_str_eq(tree_slots(), "new=primary third=alternate old=alternate");
    ck_assert_int_eq(tree.loaded->warnings->nelts, 0);
}
END_TEST

START_TEST(test_unreadable_overlay)
{
    promoting("");
    ck_assert_int_eq(mkdir(tree.source.overlay, 0700), 0);
    tree_loads(AT(0));
    ck_assert_str_eq(tree_slots(), "old=primary new=staged third=alternate");
    ck_assert_int_eq(tree_count_warnings("is ignored until this file can be read"), 1);
    ck_assert_int_eq(rmdir(tree.source.overlay), 0);
    tree_loads(AT(0));
    ck_assert_int_eq(tree.loaded->warnings->nelts, 0);
}
END_TEST

/* The server's own file: what it must not own elsewhere it may here. */
START_TEST(test_owner_of_the_overlay)
{
    promoting("");
    test_write(tree.source.overlay, line_for("one", tree.new_cert, "2026-07-01T00:00:05Z"));
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(tree.source.overlay, NOBODY, NOBODY), 0);
    }
    tree.source.check_owner = 1;
    tree.source.server_uid = geteuid() == 0 ? NOBODY : (apr_uid_t)-2;
    tree.source.server_gid = (apr_gid_t)-2;
    tree_loads(AT(10));
    ck_assert_str_eq(tree_slots(), "new=primary third=alternate old=alternate");
    tree_configure(apr_pstrcat(tree.p, "SignCerts @", tree.source.overlay, ".list\n", NULL));
    test_write(apr_pstrcat(tree.p, tree.source.overlay, ".list", NULL), "x");
    ck_assert_int_eq(chmod(apr_pstrcat(tree.p, tree.source.overlay, ".list", NULL), 0666), 0);
    ck_assert_int_ne(tree_load(AT(10)), APR_SUCCESS);    /* all other files outside */
}
END_TEST

START_TEST(test_somebody_else_writes)
{
    const char *lock = NULL;
    int is_news = 1;
    int fd = -1;

    promoting("");
    tree_loads(AT(0));
    lock = apr_pstrcat(tree.p, tree.source.overlay, ".lock", NULL);
    fd = open(lock, O_RDWR | O_CREAT, 0600);
    ck_assert_int_eq(flock(fd, LOCK_EX), 0);
    ck_assert(APR_STATUS_IS_EAGAIN(samlc_overlay_promote(&is_news, tree.source.overlay, tree.loaded,
                                                         tree_idp(), tree_entry(1)->cert, AT(0),
                                                         tree.res, tree.p)));
    ck_assert_int_eq(is_news, 0);
    ck_assert_int_ne(access(tree.source.overlay, F_OK), 0);
    close(fd);
    ck_assert_int_eq(promote(AT(0)), 1);
}
END_TEST

/* Twenty processes come with the first login: the line is written once. */
START_TEST(test_race)
{
    int children = 0, news = 0, status = 0;

    promoting("");
    tree_loads(AT(0));
    for (children = 0; children < 20; children++) {
        if (fork() == 0) {
            int is_news = 0;

            samlc_overlay_promote(&is_news, tree.source.overlay, tree.loaded, tree_idp(),
                                  tree_entry(1)->cert, AT(0), tree.res, tree.p);
            _exit(is_news);
        }
    }
    while (wait(&status) > 0) {
        ck_assert(WIFEXITED(status));
        news += WEXITSTATUS(status);
    }
    ck_assert_int_eq(errno, ECHILD);
    ck_assert_int_eq(news, 1);
    tree_loads(AT(1));
    ck_assert_str_eq(tree_slots(), "new=primary third=alternate old=alternate");
}
END_TEST

/* ---- copies of generations ------------------------------------------------------------------- */

static void keep(const samlc_archive_t *archive)
{
    ck_assert_msg(samlc_archive_save(archive, &tree.source, tree.loaded, tree.res, tree.p)
                      == APR_SUCCESS,
                  "%s", tree.res->message);
}

static void load_copy(const samlc_archive_t *archive, const char *digest, apr_time_t now)
{
    tree_drop();
    ck_assert_msg(
        samlc_archive_load(&tree.loaded, archive, &tree.source, digest, now, tree.res, tree.p)
            == APR_SUCCESS,
        "%s", tree.res->message);
    ck_assert_str_eq(tree.loaded->digest_hex, digest);
}

START_TEST(test_copy_with_overlay)
{
    const samlc_archive_t *archive = samlc_archive_make(test_dir(tree.p), 3, tree.p);
    const char *before = NULL, *after = NULL;

    promoting("");
    before = tree_digest_at(AT(0));
    keep(archive);
    promote(AT(0));
    after = tree_digest_at(AT(1));
    keep(archive);
    ck_assert_int_eq(unlink(tree.source.overlay), 0);
    load_copy(archive, after, AT(2));
    ck_assert_str_eq(tree_slots(), "new=primary third=alternate old=alternate");
    load_copy(archive, before, AT(2));
    ck_assert_str_eq(tree_slots(), "old=primary new=staged third=alternate");
}
END_TEST

/* One that nobody can read moves nothing, in the copy as well. */
START_TEST(test_copy_with_broken_overlay)
{
    const samlc_archive_t *archive = samlc_archive_make(test_dir(tree.p), 3, tree.p);
    const char *digest = NULL;

    promoting("");
    digest = tree_digest_at(AT(0));
    if (_i == 0) {
        test_write(tree.source.overlay, "hello\n");
    }
    else {
        ck_assert_int_eq(symlink("/nonexistent/overlay", tree.source.overlay), 0);
    }
    ck_assert_str_eq(tree_digest_at(AT(0)), digest);
    keep(archive);
    load_copy(archive, digest, AT(0));
}
END_TEST

/* A start after the time: it is the generation that was kept, and what moved since has moved. */
START_TEST(test_copy_after_a_move)
{
    const samlc_archive_t *archive = samlc_archive_make(test_dir(tree.p), 3, tree.p);
    const char *digest = NULL;

    tree_configure("ActivateAt staged " T1 "\nRetireAt primary " T2 "\n");
    digest = tree_digest_at(AT(10) + 123456);
    keep(archive);
    load_copy(archive, digest, AT(19));
    ck_assert_str_eq(tree_slots(), "new=primary third=alternate old=alternate");
    load_copy(archive, digest, AT(20));
    ck_assert_str_eq(tree_slots(), "new=primary third=alternate old=retired");
    ck_assert_int_eq(tree_judge(tree.old_cert, AT(20)), SAMLC_REASON_CERT_RETIRED);
    load_copy(archive, digest, AT(0));
    test_write(test_path(tree.p, samlc_archive_dir(archive),
                         apr_pstrcat(tree.p, digest, "/files", tree_at("idp/one/idp.conf"), NULL)),
               CONF "ActivateAt staged " T1 "\n");
    tree_drop();
    ck_assert_int_ne(
        samlc_archive_load(&tree.loaded, archive, &tree.source, digest, AT(20), tree.res, tree.p),
        APR_SUCCESS);
}
END_TEST

/* ---- a running server ------------------------------------------------------------------------ */

static const char *staged_of(const fixture_t *f)
{
    samlc_ref_t *ref = fixture_acquire(f);
    const samlc_snapshot_t *snapshot = samlc_ref_snapshot(ref);
    const samlc_idp_t *idp = samlc_snapshot_idp_by_name(snapshot, "one");
    const char *word = "none";
    int i = 0;

    for (i = 0; i < idp->trust->entries->nelts; i++) {
        const samlc_trust_entry_t *e = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);

        if (strcmp(e->place->stem, "staged") == 0) {
            word = samlc_trust_slot_word(e->slot);
        }
    }
    samlc_ref_release(ref);
    return word;
}

static fixture_t *make_scheduled(apr_time_t *when)
{
    fixture_t *f = fixture_make();

    fixture_write_cert(f, "idp/one/staged.pem");
    *when = f->now - apr_time_usec(f->now) + apr_time_from_sec(3600);
    test_write(
        fixture_path(f, "idp/one/idp.conf"),
        apr_psprintf(f->p, CONF_A "ActivateAt staged %s\n", samlc_clock_format(*when, f->p)));
    fixture_load(f);
    fixture_poll(f);
    return f;
}

START_TEST(test_poll_moves)
{
    apr_time_t when = 0;
    fixture_t *f = make_scheduled(&when);

    ck_assert_int_eq(f->accepted, 1);
    f->now = when - 250 * MS - 1;
    fixture_poll(f);
    ck_assert_str_eq(staged_of(f), "staged");
    ck_assert_int_eq(f->accepted, 1);
    f->now = when - 250 * MS;
    fixture_poll(f);
    ck_assert_str_eq(staged_of(f), "primary");
    ck_assert_int_eq(f->accepted, 2);
    ck_assert_uint_eq(fixture_number(f), 2);
    fixture_poll(f);
    ck_assert_int_eq(f->accepted, 2);
}
END_TEST

/* A login that comes before the poll has what counts by then. */
START_TEST(test_look_moves)
{
    apr_time_t when = 0;
    fixture_t *f = make_scheduled(&when);

    f->now = when - MS - 1;
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    ck_assert_str_eq(staged_of(f), "staged");
    f->now = when - MS;
    ck_assert_int_eq(fixture_look(f, "one"), 1);
    ck_assert_str_eq(staged_of(f), "primary");
    ck_assert_int_eq(fixture_look(f, "one"), 0);
}
END_TEST

/* A move without effect is looked at once, and not four times a second for ever. */
START_TEST(test_move_without_effect)
{
    fixture_t *f = fixture_make();
    apr_time_t when = f->now - apr_time_usec(f->now) + apr_time_from_sec(3600);
    samlc_ref_t *ref = NULL;

    test_write(fixture_path(f, "idp/one/idp.conf"),
               apr_psprintf(f->p, CONF_A "ActivateAt primary %s\n",
                            samlc_clock_format(when, f->p)));
    fixture_load(f);
    f->now = when;
    fixture_poll(f);
    ck_assert_int_eq(f->accepted, 1);
    ref = fixture_acquire(f);
    ck_assert_int_eq(samlc_ref_snapshot(ref)->next_move_at, 0);
    samlc_ref_release(ref);
}
END_TEST

Suite *suite_overlay(void)
{
    Suite *suite = suite_create("overlay");
    TCase *tc = tcase_create("overlay");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, tree_setup, tree_teardown);
    tcase_add_test(tc, test_promotion);
    tcase_add_loop_test(tc, test_effects, 0, COUNT(effects));
    tcase_add_test(tc, test_replaced_stage);
    tcase_add_loop_test(tc, test_broken_overlay, 0, COUNT(broken));
    tcase_add_test(tc, test_unreadable_overlay);
    tcase_add_test(tc, test_owner_of_the_overlay);
    tcase_add_test(tc, test_somebody_else_writes);
    tcase_add_test(tc, test_race);
    tcase_add_test(tc, test_copy_with_overlay);
    tcase_add_loop_test(tc, test_copy_with_broken_overlay, 0, 2);
    tcase_add_test(tc, test_copy_after_a_move);
    tcase_add_test(tc, test_poll_moves);
    tcase_add_test(tc, test_look_moves);
    tcase_add_test(tc, test_move_without_effect);
    suite_add_tcase(suite, tc);
    return suite;
}
