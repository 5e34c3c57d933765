/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/archive.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/history/record.h"
#include "loader_fixture.h"
#include "make_cert.h"
#include "test.h"

#define MAX_KEPT 3
#define NOBODY 65534

/* ---- A trust directory whose generation is kept ---- */

static const char *at(const fixture_t *f, const char *name)
{
    return test_path(f->p, samlc_archive_dir(f->archive), name);
}

static fixture_t *make(void)
{
    fixture_t *f = fixture_make();

    f->archive = samlc_archive_make(test_path(f->p, f->base, "generations"), MAX_KEPT, f->p);
    fixture_load(f);
    return f;
}

/* Saves what is in use. */
static apr_status_t save(fixture_t *f, samlc_result_t *res)
{
    samlc_ref_t *ref = fixture_acquire(f);
    apr_status_t rv =
        samlc_archive_save(f->archive, &f->source, samlc_ref_snapshot(ref), res, f->p);

    samlc_ref_release(ref);
    return rv;
}

static void save_well(fixture_t *f)
{
    samlc_result_t *res = samlc_result_make(f->p);

    ck_assert_msg(save(f, res) == APR_SUCCESS, "%s", res->message);
    ck_assert_msg(samlc_archive_set_current(f->archive, fixture_digest(f), res, f->p)
                      == APR_SUCCESS,
                  "%s", res->message);
    ck_assert_str_eq(samlc_archive_current(f->archive, f->p), fixture_digest(f));
}

static fixture_t *make_kept(void)
{
    fixture_t *f = make();

    save_well(f);
    return f;
}

static apr_status_t load(const fixture_t *f, const char *digest_hex, samlc_result_t *res)
{
    samlc_snapshot_t *snapshot = NULL;
    apr_status_t rv =
        samlc_archive_load(&snapshot, f->archive, &f->source, digest_hex, f->now, res, f->p);

    ck_assert_int_eq(snapshot != NULL, rv == APR_SUCCESS);
    if (snapshot) {
        samlc_snapshot_destroy(snapshot);
    }
    return rv;
}

static void load_well(const fixture_t *f, const char *digest_hex)
{
    samlc_result_t *res = samlc_result_make(f->p);

    ck_assert_msg(load(f, digest_hex, res) == APR_SUCCESS, "%s", res->message);
}

static void load_badly(const fixture_t *f, const char *digest_hex, const char *why)
{
    samlc_result_t *res = samlc_result_make(f->p);

    ck_assert_int_ne(load(f, digest_hex, res), APR_SUCCESS);
    ck_assert_msg(strstr(res->message, why) != NULL, "%s", res->message);
}

/* A new generation in use. */
static void rotate(fixture_t *f)
{
    fixture_write_cert(f, "idp/one/alternate.pem");
    f->now += APR_USEC_PER_SEC;
    fixture_load(f);
}

static void hide_trust(const fixture_t *f)
{
    ck_assert_int_eq(rename(test_path(f->p, f->base, "mount"), test_path(f->p, f->base, "hidden")),
                     0);
}

static void show_trust(const fixture_t *f)
{
    ck_assert_int_eq(rename(test_path(f->p, f->base, "hidden"), test_path(f->p, f->base, "mount")),
                     0);
}

/* ---- Saving and loading ---- */

START_TEST(kept_generation_is_what_was_in_use)
{
    fixture_t *f = make_kept();
    const char *digest_hex = fixture_digest(f);
    samlc_result_t *res = samlc_result_make(f->p);
    samlc_snapshot_t *snapshot = NULL;
    samlc_archived_t about;

    hide_trust(f);
    ck_assert_msg(samlc_archive_load(&snapshot, f->archive, &f->source, digest_hex, f->now, res,
                                     f->p)
                      == APR_SUCCESS,
                  "%s", res->message);
    ck_assert_str_eq(snapshot->digest_hex, digest_hex);
    ck_assert_uint_eq(snapshot->number, 1);
    ck_assert_int_eq(snapshot->is_archived, 1);
    ck_assert_ptr_nonnull(samlc_snapshot_idp_by_entity(snapshot, ENTITY_A));
    ck_assert_ptr_nonnull(samlc_snapshot_idp_by_name(snapshot, "two"));
    samlc_snapshot_destroy(snapshot);

    ck_assert_int_eq(samlc_archive_describe(&about, f->archive, digest_hex, res, f->p),
                     APR_SUCCESS);
    ck_assert_uint_eq(about.number, 1);
    ck_assert_str_eq(about.trust_dir, f->source.dir);
    ck_assert_int_eq(apr_time_sec(about.accepted_at), apr_time_sec(f->now));
}
END_TEST

/* Settings may name files anywhere, and by any path. */
START_TEST(files_that_settings_name_are_kept)
{
    fixture_t *f = make();
    const char *pin = "CERT_VALIDATION:IGNORE_TRUST,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n";
    const char *beside = test_path(f->p, f->base, "pins");
    const char *above = apr_pstrcat(f->p, f->base, "/../..", f->base, "/pins-above", NULL);
    const char *names[] = {"pins", "../../pins", fixture_path(f, "pins"), beside, above};
    const char *digest_hex = NULL;

    test_write(fixture_path(f, "idp/one/pins"), pin);
    test_write(fixture_path(f, "pins"), pin);
    test_write(beside, pin);
    test_write(above, pin);
    test_write(fixture_path(f, "idp/one/idp.conf"),
               apr_pstrcat(f->p, CONF_A "SignCerts @", names[_i], "\n", NULL));
    fixture_load(f);
    save_well(f);
    digest_hex = fixture_digest(f);
    hide_trust(f);
    unlink(beside);
    unlink(above);
    load_well(f, digest_hex);
}
END_TEST

START_TEST(own_keys_and_empty_directories_are_kept)
{
    fixture_t *f = make();
    test_cert_spec_t spec = {.cn = "sp.example", .key_type = "EC"};
    test_cert_t *own = test_cert_make(&spec, f->p);
    samlc_result_t *res = samlc_result_make(f->p);
    samlc_snapshot_t *snapshot = NULL;

    ck_assert_int_eq(mkdir(fixture_path(f, "sp"), 0755), 0);
    ck_assert_int_eq(mkdir(fixture_path(f, "sp/default"), 0755), 0);
    ck_assert_int_eq(mkdir(fixture_path(f, "roots"), 0755), 0);
    test_write(fixture_path(f, "sp/default/active.key"), own->key_pem);
    test_write(fixture_path(f, "sp/default/active.crt"), own->pem);
    fixture_load(f);
    save_well(f);
    hide_trust(f);
    ck_assert_int_eq(samlc_archive_load(&snapshot, f->archive, &f->source, fixture_digest(f),
                                        f->now, res, f->p),
                     APR_SUCCESS);
    ck_assert_ptr_nonnull(samlc_snapshot_keyset(snapshot, "default"));
    samlc_snapshot_destroy(snapshot);
}
END_TEST

static int check_private(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    ck_assert_int_eq(st->st_uid, geteuid());
    if (type != FTW_SL) {
        ck_assert_msg((st->st_mode & 0777) == (type == FTW_F ? 0600 : 0700), "%s: %o", path,
                      st->st_mode & 0777);
    }
    return 0;
}

START_TEST(copies_are_private)
{
    fixture_t *f = NULL;

    umask(0);
    f = make_kept();
    ck_assert_int_eq(nftw(samlc_archive_dir(f->archive), check_private, 8, FTW_PHYS), 0);
}
END_TEST

START_TEST(same_generation_is_not_copied_again)
{
    fixture_t *f = make_kept();
    const char *path = at(f, apr_pstrcat(f->p, fixture_digest(f), "/files", NULL));
    struct stat before, after;

    ck_assert_int_eq(stat(path, &before), 0);
    hide_trust(f);
    save_well(f);
    ck_assert_int_eq(stat(path, &after), 0);
    ck_assert_uint_eq(after.st_ino, before.st_ino);
}
END_TEST

/* ---- What is not used ---- */

/* The file below the copy that is in use. */
static const char *copied(const fixture_t *f, const char *name)
{
    return apr_pstrcat(f->p, at(f, fixture_digest(f)), "/files", fixture_path(f, name), NULL);
}

static void tear_file(fixture_t *f)
{
    ck_assert_int_eq(truncate(copied(f, "idp/one/primary.pem"), 100), 0);
}

static void change_file(fixture_t *f)
{
    test_write(copied(f, "idp/one/idp.conf"), CONF_B);
}

static void lose_file(fixture_t *f)
{
    ck_assert_int_eq(unlink(copied(f, "idp/one/alternate.pem")), 0);
}

static void add_cert(fixture_t *f)
{
    test_cert_spec_t spec = {.cn = "rogue.example", .key_type = "EC"};

    test_write(copied(f, "idp/one/alternate-2.pem"), test_cert_make(&spec, f->p)->pem);
}

static void lose_about(fixture_t *f)
{
    ck_assert_int_eq(unlink(at(f, apr_pstrcat(f->p, fixture_digest(f), "/about", NULL))), 0);
}

static void other_about(fixture_t *f)
{
    test_write(at(f, apr_pstrcat(f->p, fixture_digest(f), "/about", NULL)),
               apr_psprintf(f->p, "digest %064d\ntrust-dir %s\n", 0, f->source.dir));
}

static void other_section(fixture_t *f)
{
    f->line->value = "61";
}

static const struct {
    void (*spoil)(fixture_t *f);
    const char *why;
} spoilt[] = {
    {tear_file, "primary.pem"},    {change_file, "is not what generation"},
    {lose_file, "is not what generation"}, {add_cert, "is not what generation"},
    {lose_about, "about"},         {other_about, "about: does not describe"},
    {other_section, "is not what generation"},
};

#define SPOILT ((int)(sizeof(spoilt) / sizeof(spoilt[0])))

START_TEST(copy_that_is_not_what_it_was_is_refused)
{
    fixture_t *f = make_kept();

    load_well(f, fixture_digest(f));
    spoilt[_i].spoil(f);
    load_badly(f, fixture_digest(f), spoilt[_i].why);
}
END_TEST

START_TEST(copy_that_is_not_what_it_was_is_made_again)
{
    fixture_t *f = make_kept();

    spoilt[_i].spoil(f);
    fixture_load(f);
    save_well(f);
    load_well(f, fixture_digest(f));
}
END_TEST

START_TEST(copy_under_another_digest_is_refused)
{
    fixture_t *f = make_kept();
    const char *first = fixture_digest(f);
    const char *second = NULL;

    rotate(f);
    save_well(f);
    second = fixture_digest(f);
    load_well(f, first);
    ck_assert_int_eq(rename(at(f, second), at(f, "aside")), 0);
    ck_assert_int_eq(rename(at(f, first), at(f, second)), 0);
    load_badly(f, second, "does not describe");
    load_badly(f, first, "about");
    load_badly(f, "../../etc", "digest");
}
END_TEST

START_TEST(copy_from_another_trust_directory_is_refused)
{
    fixture_t *f = make_kept();

    load_well(f, fixture_digest(f));
    f->source.dir = test_path(f->p, f->base, "elsewhere");
    load_badly(f, fixture_digest(f), "another trust directory");
}
END_TEST

/* ---- Files that change meanwhile ---- */

START_TEST(generation_whose_files_changed_is_not_kept)
{
    fixture_t *f = make();
    samlc_result_t *res = samlc_result_make(f->p);

    fixture_tick(f);
    if (_i == 0) {
        fixture_write_cert(f, "idp/one/primary.pem");
    }
    else {
        hide_trust(f);
    }
    ck_assert(APR_STATUS_IS_EAGAIN(save(f, res)));
    ck_assert_ptr_null(samlc_archive_current(f->archive, f->p));
    ck_assert_int_eq(samlc_archive_list(f->archive, f->p)->nelts, 0);
    ck_assert_int_ne(access(at(f, ".new"), F_OK), 0);
}
END_TEST

START_TEST(one_saves_at_a_time)
{
    fixture_t *f = make_kept();
    samlc_result_t *res = samlc_result_make(f->p);
    int fd = open(at(f, ".lock"), O_RDWR);

    ck_assert_int_eq(flock(fd, LOCK_EX | LOCK_NB), 0);
    ck_assert(APR_STATUS_IS_EAGAIN(save(f, res)));
    close(fd);
    save_well(f);
}
END_TEST

START_TEST(what_a_save_left_behind_is_in_nobodys_way)
{
    fixture_t *f = make();

    ck_assert_int_eq(mkdir(samlc_archive_dir(f->archive), 0700), 0);
    ck_assert_int_eq(mkdir(at(f, ".new"), 0700), 0);
    ck_assert_int_eq(mkdir(at(f, ".new/files"), 0700), 0);
    test_write(at(f, ".new/files/half"), "");
    ck_assert_int_eq(symlink("nothing", at(f, apr_psprintf(f->p, ".current-%ld", (long)getpid()))),
                     0);
    save_well(f);
    load_well(f, fixture_digest(f));
    ck_assert_int_ne(access(at(f, ".new"), F_OK), 0);
}
END_TEST

START_TEST(failure_is_told)
{
    fixture_t *f = make();
    samlc_result_t *res = samlc_result_make(f->p);

    test_write(samlc_archive_dir(f->archive), "a file where the directory should be\n");
    ck_assert_int_ne(save(f, res), APR_SUCCESS);
    ck_assert(!APR_STATUS_IS_EAGAIN(res->status));
    ck_assert_ptr_nonnull(strstr(res->message, "generations"));
    ck_assert_ptr_null(samlc_archive_current(f->archive, f->p));
}
END_TEST

/* ---- Why ---- */

static samlc_archived_t describe(const fixture_t *f)
{
    samlc_result_t *res = samlc_result_make(f->p);
    samlc_archived_t about;

    ck_assert_msg(samlc_archive_describe(&about, f->archive, fixture_digest(f), res, f->p)
                      == APR_SUCCESS,
                  "%s", res->message);
    return about;
}

START_TEST(why_it_came_is_kept)
{
    fixture_t *f = make_kept();
    const char *first = fixture_digest(f);
    samlc_archived_t about = describe(f);

    ck_assert_str_eq(about.reason, "start");
    ck_assert_ptr_null(about.author);
    ck_assert_ptr_null(about.before_hex);
    ck_assert_int_eq(about.differences->nelts, 0);

    rotate(f);
    save_well(f);
    about = describe(f);
    ck_assert_str_eq(about.reason, "edit");
    ck_assert_str_eq(about.before_hex, first);
    ck_assert_int_eq(about.differences->nelts, 2);
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(about.differences, 0, const char *),
                                 "went, was alternate"));
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(about.differences, 1, const char *),
                                 "came as alternate"));
}
END_TEST

/* Serving it again after a restart does not make it new. */
START_TEST(a_restart_does_not_change_what_is_said)
{
    fixture_t *f = make_kept();
    samlc_archived_t before;

    rotate(f);
    save_well(f);
    before = describe(f);
    f->numbers--;    /* as the store does for the content that it numbered last */
    f->now += apr_time_from_sec(60);
    fixture_make_loader(f);
    fixture_load(f);
    save_well(f);
    ck_assert_int_eq(describe(f).accepted_at, before.accepted_at);
    ck_assert_str_eq(describe(f).reason, "edit");
    ck_assert_int_eq(describe(f).differences->nelts, 2);
}
END_TEST

/* What the record of samlcertctl says counts for the very content that it ended in. */
START_TEST(the_record_tells_author_and_reason)
{
    fixture_t *f = make_kept();
    apr_array_header_t *records = apr_array_make(f->p, 2, sizeof(samlc_record_t));
    samlc_record_t record = {NULL, f->now, "al\nice", "rollback 41"};

    rotate(f);
    record.digest_hex = fixture_digest(f);
    APR_ARRAY_PUSH(records, samlc_record_t) = record;
    test_write(fixture_path(f, SAMLC_RECORD_NAME), samlc_record_text(records, f->p));
    fixture_load(f);    /* the same content, by a directory that looks different */
    save_well(f);
    ck_assert_str_eq(describe(f).reason, "rollback 41");
    ck_assert_str_eq(describe(f).author, "al\\x0aice");

    rotate(f);
    save_well(f);
    ck_assert_str_eq(describe(f).reason, "edit");
    ck_assert_ptr_null(describe(f).author);
}
END_TEST

/* ---- Files of a copy, one by one ---- */

START_TEST(a_file_of_a_copy)
{
    fixture_t *f = make_kept();
    const char *digest_hex = fixture_digest(f);
    const char *path = fixture_path(f, "idp/one/idp.conf");
    const char *place = at(f, apr_pstrcat(f->p, digest_hex, "/files", path, NULL));
    samlc_result_t *res = samlc_result_make(f->p);
    samlc_data_t data;

    ck_assert_int_eq(samlc_archive_read(&data, f->archive, &f->source, digest_hex, path, res, f->p),
                     APR_SUCCESS);
    ck_assert_str_eq((const char *)data.data, CONF_A);
    ck_assert_int_eq(rename(place, at(f, "aside")), 0);
    ck_assert_int_eq(symlink(at(f, "aside"), place), 0);
    ck_assert_int_ne(samlc_archive_read(&data, f->archive, &f->source, digest_hex, path, res, f->p),
                     APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(res->message, "owner"));
    ck_assert_int_eq(unlink(place), 0);
    ck_assert_int_eq(rename(at(f, "aside"), place), 0);
    if (geteuid() == 0) {
        ck_assert_int_eq(chown(place, NOBODY, NOBODY), 0);
        ck_assert_int_ne(
            samlc_archive_read(&data, f->archive, &f->source, digest_hex, path, res, f->p),
            APR_SUCCESS);
    }
}
END_TEST

/* ---- How many are kept ---- */

START_TEST(oldest_are_removed)
{
    fixture_t *f = make_kept();
    const char *digests[MAX_KEPT + 2] = {fixture_digest(f)};
    const apr_array_header_t *list = NULL;
    int i = 0;

    for (i = 1; i < MAX_KEPT + 2; i++) {
        ck_assert_int_eq(samlc_archive_list(f->archive, f->p)->nelts, i < MAX_KEPT ? i : MAX_KEPT);
        rotate(f);
        save_well(f);
        digests[i] = fixture_digest(f);
    }
    list = samlc_archive_list(f->archive, f->p);
    ck_assert_int_eq(list->nelts, MAX_KEPT);
    for (i = 0; i < MAX_KEPT; i++) {
        const samlc_archived_t *one = &APR_ARRAY_IDX(list, i, samlc_archived_t);

        ck_assert_str_eq(one->digest_hex, digests[MAX_KEPT + 1 - i]);
        ck_assert_uint_eq(one->number, (apr_uint64_t)(MAX_KEPT + 2 - i));
        load_well(f, one->digest_hex);
    }
    load_badly(f, digests[0], "about");
}
END_TEST

/* The one in use is not removed, even if the clock was set back. */
START_TEST(one_in_use_is_never_removed)
{
    fixture_t *f = make_kept();
    int i = 0;

    for (i = 1; i < MAX_KEPT; i++) {
        rotate(f);
        save_well(f);
    }
    f->now -= apr_time_from_sec(3600);
    rotate(f);
    save_well(f);
    load_well(f, fixture_digest(f));
}
END_TEST

/* ---- The one that was accepted last ---- */

START_TEST(replaced_generation_is_withdrawn)
{
    fixture_t *f = make_kept();
    const char *first = fixture_digest(f);

    ck_assert_int_eq(samlc_archive_withdraw(f->archive, first, f->p), 0);
    ck_assert_str_eq(samlc_archive_current(f->archive, f->p), first);
    rotate(f);
    ck_assert_int_eq(samlc_archive_withdraw(f->archive, fixture_digest(f), f->p), 1);
    ck_assert_ptr_null(samlc_archive_current(f->archive, f->p));
    ck_assert_int_eq(samlc_archive_withdraw(f->archive, fixture_digest(f), f->p), 0);
    load_well(f, first);    /* the copy itself is there: for a rollback */
    save_well(f);
    ck_assert_int_eq(samlc_archive_withdraw(f->archive, NULL, f->p), 1);
    ck_assert_ptr_null(samlc_archive_current(f->archive, f->p));
    ck_assert_int_eq(samlc_archive_withdraw(f->archive, NULL, f->p), 0);
}
END_TEST

START_TEST(odd_current_is_none)
{
    static const char *const odd[] = {
        "", "..", "../../../etc", "0123456789abcdef",
        "0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef/x",
    };
    fixture_t *f = make_kept();

    ck_assert_int_eq(unlink(at(f, "current")), 0);
    if (_i > 0) {
        ck_assert_int_eq(symlink(odd[_i], at(f, "current")), 0);
    }
    ck_assert_ptr_null(samlc_archive_current(f->archive, f->p));
    save_well(f);
}
END_TEST

/* What could not be taken away proves nothing. */
START_TEST(current_that_could_not_be_withdrawn_is_none)
{
    fixture_t *f = NULL;
    samlc_result_t *res = NULL;

    if (geteuid() == 0) {
        ck_assert_int_eq(setuid(NOBODY), 0);    /* root could write everywhere */
    }
    f = make_kept();
    res = samlc_result_make(f->p);
    ck_assert_int_eq(chmod(samlc_archive_dir(f->archive), 0500), 0);
    ck_assert_ptr_null(samlc_archive_current(f->archive, f->p));
    rotate(f);
    ck_assert_int_eq(samlc_archive_withdraw(f->archive, fixture_digest(f), f->p), 1);
    ck_assert_int_ne(save(f, res), APR_SUCCESS);
    ck_assert_msg(strstr(res->message, "Permission denied") != NULL, "%s", res->message);
    ck_assert_int_eq(chmod(samlc_archive_dir(f->archive), 0700), 0);
    save_well(f);
}
END_TEST

/* ---- A start ---- */

static void start_badly(fixture_t *f)
{
    samlc_result_t *res = samlc_result_make(f->p);

    fixture_make_loader(f);
    f->accepted = f->refused = f->recovered = 0;
    ck_assert_int_ne(samlc_loader_load(f->loader, f->now, res, f->p), APR_SUCCESS);
    ck_assert_int_eq(f->refused, 1);
    ck_assert_int_eq(f->accepted, 0);
}

static int is_archived(const fixture_t *f)
{
    samlc_ref_t *ref = fixture_acquire(f);
    int answer = samlc_ref_snapshot(ref)->is_archived;

    samlc_ref_release(ref);
    return answer;
}

START_TEST(start_without_files_serves_what_was_kept)
{
    fixture_t *f = make_kept();
    const char *digest_hex = fixture_digest(f);
    int i = 0;

    hide_trust(f);
    start_badly(f);
    ck_assert_str_eq(fixture_digest(f), digest_hex);
    ck_assert_uint_eq(fixture_number(f), 1);
    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(fixture_look(f, "one"), 0);    /* not back and forth */
        fixture_poll(f);
    }
    ck_assert(is_archived(f));

    show_trust(f);
    if (_i == 0) {
        fixture_poll(f);
        fixture_poll(f);
    }
    else {
        ck_assert_int_eq(fixture_look(f, "one"), 1);
        ck_assert_int_eq(fixture_look(f, "one"), 0);
    }
    ck_assert(!is_archived(f));
    ck_assert_int_eq(f->accepted, 0);
    ck_assert_int_eq(f->recovered, 1);
    ck_assert_uint_eq(fixture_number(f), 1);
}
END_TEST

START_TEST(first_login_after_the_repair_sees_what_was_removed)
{
    fixture_t *f = make_kept();

    hide_trust(f);
    start_badly(f);
    ck_assert(fixture_knows(f, ENTITY_A));
    show_trust(f);
    test_write(fixture_path(f, "idp/one/idp.conf"), CONF_B);
    ck_assert_int_eq(fixture_look(f, "one"), 1);
    ck_assert(!fixture_knows(f, ENTITY_A));
    ck_assert(!is_archived(f));
    ck_assert_int_eq(f->accepted, 1);
}
END_TEST

START_TEST(start_without_files_serves_nothing_that_was_replaced)
{
    fixture_t *f = make_kept();

    rotate(f);
    samlc_archive_withdraw(f->archive, fixture_digest(f), f->p);
    hide_trust(f);
    start_badly(f);
    ck_assert_ptr_null(samlc_slot_acquire(samlc_loader_slot(f->loader)));
}
END_TEST

START_TEST(good_files_are_preferred)
{
    fixture_t *f = make_kept();

    fixture_make_loader(f);
    fixture_load(f);
    ck_assert(!is_archived(f));
    hide_trust(f);
    fixture_poll(f);
    fixture_poll(f);
    ck_assert(!is_archived(f));
}
END_TEST

/* ---- Places in a copy ---- */

START_TEST(no_path_leads_out_of_a_copy)
{
    static const struct {
        const char *path, *place;
    } places[] = {
        {"/etc/samlcert", "/copy/etc/samlcert"},
        {"/etc/samlcert/idp/one/../../pins", "/copy/etc/samlcert/idp/one/.up/.up/pins"},
        {"/../../etc/passwd", "/copy/.up/.up/etc/passwd"},
        {"/a/..", "/copy/a/.up"},
        {"/a/..b/...", "/copy/a/..b/..."},
    };
    apr_pool_t *p = test_pool();
    samlc_source_t source = {.root = "/copy"};

    ck_assert_str_eq(samlc_source_place(&source, places[_i].path, p), places[_i].place);
    source.root = NULL;
    ck_assert_str_eq(samlc_source_place(&source, places[_i].path, p), places[_i].path);
}
END_TEST

static int files_left;

static int is_stopped(void)
{
    return files_left-- <= 0;
}

/* A child that ends does not wait for a copy of ten thousand files: neither written nor loaded. */
START_TEST(save_ends_when_it_is_told_to)
{
    fixture_t *f = make();
    samlc_result_t *res = samlc_result_make(f->p);

    f->source.is_stopped = is_stopped;
    for (files_left = _i; files_left > 0; files_left = 0) {
        ck_assert(APR_STATUS_IS_EAGAIN(save(f, res)));
        ck_assert_int_lt(files_left, 0);
        ck_assert_int_eq(samlc_archive_list(f->archive, f->p)->nelts, 0);
    }
    f->source.is_stopped = NULL;
    save_well(f);
    ck_assert_int_eq(samlc_archive_list(f->archive, f->p)->nelts, 1);
}
END_TEST

Suite *suite_archive(void)
{
    Suite *suite = suite_create("archive");
    TCase *tc = tcase_create("archive");

    tcase_set_timeout(tc, 60);    /* sanitizers take their time */
    tcase_add_test(tc, kept_generation_is_what_was_in_use);
    tcase_add_loop_test(tc, files_that_settings_name_are_kept, 0, 5);
    tcase_add_test(tc, own_keys_and_empty_directories_are_kept);
    tcase_add_test(tc, copies_are_private);
    tcase_add_test(tc, same_generation_is_not_copied_again);
    tcase_add_loop_test(tc, copy_that_is_not_what_it_was_is_refused, 0, SPOILT);
    tcase_add_loop_test(tc, copy_that_is_not_what_it_was_is_made_again, 0, SPOILT);
    tcase_add_test(tc, copy_under_another_digest_is_refused);
    tcase_add_test(tc, copy_from_another_trust_directory_is_refused);
    tcase_add_loop_test(tc, generation_whose_files_changed_is_not_kept, 0, 2);
    tcase_add_test(tc, one_saves_at_a_time);
    tcase_add_test(tc, what_a_save_left_behind_is_in_nobodys_way);
    tcase_add_test(tc, failure_is_told);
    tcase_add_test(tc, why_it_came_is_kept);
    tcase_add_test(tc, a_restart_does_not_change_what_is_said);
    tcase_add_test(tc, the_record_tells_author_and_reason);
    tcase_add_test(tc, a_file_of_a_copy);
    tcase_add_test(tc, oldest_are_removed);
    tcase_add_test(tc, one_in_use_is_never_removed);
    tcase_add_test(tc, replaced_generation_is_withdrawn);
    tcase_add_loop_test(tc, odd_current_is_none, 0, 6);
    tcase_add_test(tc, current_that_could_not_be_withdrawn_is_none);
    tcase_add_loop_test(tc, start_without_files_serves_what_was_kept, 0, 2);
    tcase_add_test(tc, first_login_after_the_repair_sees_what_was_removed);
    tcase_add_test(tc, start_without_files_serves_nothing_that_was_replaced);
    tcase_add_test(tc, good_files_are_preferred);
    tcase_add_loop_test(tc, no_path_leads_out_of_a_copy, 0, 5);
    tcase_add_loop_test(tc, save_ends_when_it_is_told_to, 1, 11);
    suite_add_tcase(suite, tc);
    return suite;
}
