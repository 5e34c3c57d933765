/* SPDX-License-Identifier: Apache-2.0 */
/* A directory that an orchestrator mounts: what counts between the flip of ..data and its links. */
#include "core/reload/mount.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader_fixture.h"
#include "make_cert.h"
#include "test.h"

/* The IdP `one` by links; the old certificate is primary, the new one staged. */
typedef struct mounted_t {
    fixture_t *f;
    const char *old_pem, *new_pem;
    samlc_cert_t *old_cert, *new_cert;
} mounted_t;

static const char *at(const fixture_t *f, const char *name)
{
    return fixture_path(f, apr_pstrcat(f->p, "idp/one/", name, NULL));
}

static void link_name(const fixture_t *f, const char *name)
{
    ck_assert_int_eq(symlink(apr_pstrcat(f->p, "..data/", name, NULL), at(f, name)), 0);
}

static void unlink_name(const fixture_t *f, const char *name)
{
    ck_assert_int_eq(unlink(at(f, name)), 0);
}

static void write_version(const fixture_t *f, const char *version, const char *name,
                          const char *text)
{
    test_write(at(f, apr_pstrcat(f->p, version, "/", name, NULL)), text);
}

static void flip(const fixture_t *f, const char *version)
{
    ck_assert_int_eq(symlink(version, at(f, "..data_new")), 0);
    ck_assert_int_eq(rename(at(f, "..data_new"), at(f, "..data")), 0);
}

static const char *make_cert(samlc_cert_t **cert, const char *cn, apr_pool_t *p)
{
    test_cert_t *made = test_cert_make(&(test_cert_spec_t){.cn = cn, .key_type = "EC"}, p);

    ck_assert_int_eq(samlc_cert_parse_der(cert, &made->der, samlc_result_make(p), p), APR_SUCCESS);
    return made->pem;
}

static mounted_t *make_mounted(void)
{
    fixture_t *f = fixture_make();
    mounted_t *m = apr_pcalloc(f->p, sizeof(*m));

    m->f = f;
    m->old_pem = make_cert(&m->old_cert, "old", f->p);
    m->new_pem = make_cert(&m->new_cert, "new", f->p);
    unlink_name(f, "idp.conf");
    unlink_name(f, "primary.pem");
    unlink_name(f, "alternate.pem");
    ck_assert_int_eq(mkdir(at(f, "..v1"), 0755), 0);
    write_version(f, "..v1", "idp.conf", CONF_A);
    write_version(f, "..v1", "primary.pem", m->old_pem);
    write_version(f, "..v1", "staged.pem", m->new_pem);
    flip(f, "..v1");
    link_name(f, "idp.conf");
    link_name(f, "primary.pem");
    link_name(f, "staged.pem");
    fixture_load(f);
    fixture_tick(f);
    return m;
}

/* Until the links follow, the old certificate is in no file. */
static void flip_to_promoted(const mounted_t *m)
{
    ck_assert_int_eq(mkdir(at(m->f, "..v2"), 0755), 0);
    write_version(m->f, "..v2", "idp.conf", CONF_A);
    write_version(m->f, "..v2", "primary.pem", m->new_pem);
    write_version(m->f, "..v2", "alternate.pem", m->old_pem);
    flip(m->f, "..v2");
}

static void see(const mounted_t *m, int by_look)
{
    if (by_look) {
        fixture_look(m->f, "one");
    }
    else {
        fixture_poll(m->f);
        fixture_poll(m->f);
        fixture_poll(m->f);
    }
}

static int trusts(const mounted_t *m, const samlc_cert_t *cert)
{
    samlc_ref_t *ref = fixture_acquire(m->f);
    const samlc_idp_t *idp = samlc_snapshot_idp_by_name(samlc_ref_snapshot(ref), "one");
    const samlc_trust_entry_t *entry = NULL;
    int found = 0;
    int i = 0;

    for (i = 0; idp && i < idp->trust->entries->nelts; i++) {
        entry = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);
        found |= entry->slot != SAMLC_SLOT_RETIRED && samlc_cert_equal(entry->cert, cert);
    }
    samlc_ref_release(ref);
    return found;
}

static void both_are_trusted(const mounted_t *m)
{
    ck_assert(trusts(m, m->old_cert));
    ck_assert(trusts(m, m->new_cert));
}

/* By a look or by polls; with or without something else that is broken. */
enum { BY_LOOK = 1, BROKEN = 2, WAYS = 4 };

START_TEST(certificate_that_moves_is_trusted_all_the_time)
{
    mounted_t *m = make_mounted();

    if (_i & BROKEN) {
        test_write(fixture_path(m->f, "idp/two/primary.pem"), "-----BEGIN CERTIFICATE-----\nMI\n");
    }
    flip_to_promoted(m);
    see(m, _i & BY_LOOK);
    both_are_trusted(m);
    ck_assert_int_eq(m->f->withdrawn, 0);
    ck_assert_int_eq(m->f->accepted, 1);
    link_name(m->f, "alternate.pem");
    see(m, _i & BY_LOOK);
    both_are_trusted(m);
    unlink_name(m->f, "staged.pem");
    see(m, _i & BY_LOOK);
    both_are_trusted(m);
    ck_assert_int_eq(m->f->withdrawn, 0);
    ck_assert_int_eq(m->f->accepted, _i & BROKEN ? 1 : 2);
}
END_TEST

START_TEST(removal_counts_when_the_links_fit)
{
    mounted_t *m = make_mounted();

    if (_i & BROKEN) {
        test_write(fixture_path(m->f, "idp/two/primary.pem"), "-----BEGIN CERTIFICATE-----\nMI\n");
    }
    ck_assert_int_eq(mkdir(at(m->f, "..v2"), 0755), 0);
    write_version(m->f, "..v2", "idp.conf", CONF_A);
    write_version(m->f, "..v2", "primary.pem", m->new_pem);
    flip(m->f, "..v2");
    unlink_name(m->f, "staged.pem");
    see(m, _i & BY_LOOK);
    ck_assert(!trusts(m, m->old_cert));
    ck_assert_int_eq(m->f->withdrawn, _i & BROKEN ? 1 : 0);
}
END_TEST

/* Whoever leaves it so means it. */
START_TEST(half_a_flip_counts_after_a_second)
{
    mounted_t *m = make_mounted();

    flip_to_promoted(m);
    see(m, _i & BY_LOOK);
    both_are_trusted(m);
    apr_sleep(SAMLC_MOUNT_FLIP_TIME + 10 * MS);
    see(m, _i & BY_LOOK);
    ck_assert(!trusts(m, m->old_cert));
}
END_TEST

static void link_promoted(const fixture_t *f)
{
    link_name(f, "alternate.pem");
    unlink_name(f, "staged.pem");
}

START_TEST(start_waits_for_the_links)
{
    mounted_t *m = make_mounted();

    flip_to_promoted(m);
    fixture_make_loader(m->f);
    fixture_load_during(m->f, link_promoted);
    both_are_trusted(m);
}
END_TEST

/* ---- What half a flip is ---- */

static void leave(const fixture_t *f)
{
    (void)f;
}

static void miss_a_link(const fixture_t *f)
{
    unlink_name(f, "primary.pem");
}

static void keep_a_link(const fixture_t *f)
{
    link_name(f, "staged.pem");
}

static void hide_a_file(const fixture_t *f)
{
    write_version(f, "..data", ".hidden", "");
}

static void link_elsewhere(const fixture_t *f)
{
    ck_assert_int_eq(symlink("nothing", at(f, "staged.pem")), 0);
}

static void add_a_file(const fixture_t *f)
{
    test_write(at(f, "staged.pem"), "");
}

static void lose_the_version(const fixture_t *f)
{
    ck_assert_int_eq(unlink(at(f, "..data")), 0);
}

static void miss_a_link_of_a_directory(const fixture_t *f)
{
    lose_the_version(f);
    ck_assert_int_eq(rename(at(f, "..v1"), at(f, "..data")), 0);
    miss_a_link(f);
}

static const struct {
    const char *what;
    void (*change)(const fixture_t *f);
    apr_interval_time_t since;    /* the flip */
    int is_half;
} states[] = {
    {"whole", leave, 0, 0},
    {"a name without a link", miss_a_link, 0, 1},
    {"... a little later", miss_a_link, SAMLC_MOUNT_FLIP_TIME / 2, 1},
    {"... a second later", miss_a_link, SAMLC_MOUNT_FLIP_TIME, 0},
    {"... by a clock that is behind", miss_a_link, -2 * SAMLC_MOUNT_FLIP_TIME, 0},
    {"a link without a name", keep_a_link, 0, 1},
    {"... a second later", keep_a_link, SAMLC_MOUNT_FLIP_TIME, 0},
    {"a hidden file without a link", hide_a_file, 0, 0},
    {"another link that leads to nothing", link_elsewhere, 0, 0},
    {"a file beside the links", add_a_file, 0, 0},
    {"no version, all links lead to nothing", lose_the_version, 0, 0},
    {"..data is a directory", miss_a_link_of_a_directory, 0, 0},
};

#define STATES ((int)(sizeof(states) / sizeof(states[0])))

START_TEST(half_a_flip_is_told_from_what_is_whole)
{
    mounted_t *m = make_mounted();
    apr_time_t flipped = 0;
    struct stat st;
    int dir = open(at(m->f, ""), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    ck_assert_int_ge(dir, 0);
    ck_assert_int_eq(unlink(at(m->f, "..v1/staged.pem")), 0);
    unlink_name(m->f, "staged.pem");
    ck_assert_int_eq(lstat(at(m->f, "..data"), &st), 0);
    flipped = apr_time_from_sec(st.st_ctim.tv_sec) + st.st_ctim.tv_nsec / 1000;
    states[_i].change(m->f);
    ck_assert_msg(samlc_mount_is_half_flipped(dir, flipped + states[_i].since)
                      == states[_i].is_half, "%s", states[_i].what);
    close(dir);
}
END_TEST

Suite *suite_mount(void)
{
    Suite *suite = suite_create("mount");
    TCase *tc = tcase_create("mount");

    tcase_set_timeout(tc, 30);
    tcase_add_loop_test(tc, certificate_that_moves_is_trusted_all_the_time, 0, WAYS);
    tcase_add_loop_test(tc, removal_counts_when_the_links_fit, 0, WAYS);
    tcase_add_loop_test(tc, half_a_flip_counts_after_a_second, 0, 2);
    tcase_add_test(tc, start_waits_for_the_links);
    tcase_add_loop_test(tc, half_a_flip_is_told_from_what_is_whole, 0, STATES);
    suite_add_tcase(suite, tc);
    return suite;
}
