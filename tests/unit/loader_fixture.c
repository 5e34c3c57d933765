/* SPDX-License-Identifier: Apache-2.0 */
#include "loader_fixture.h"

#include <apr_strings.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "make_cert.h"
#include "test.h"

static apr_status_t give_number(void *baton, samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    fixture_t *f = baton;
    int fd = -1;

    (void)p;
    if (f->lock_path) {
        fd = open(f->lock_path, O_RDONLY);
        f->lock_was_free = flock(fd, LOCK_EX | LOCK_NB) == 0;
        close(fd);
    }
    if (f->number_status == APR_SUCCESS) {
        snapshot->number = ++f->numbers;
        if (f->next_move_at != 0) {
            snapshot->next_move_at = f->next_move_at;
        }
    }
    return f->number_status;
}

static apr_status_t judge_candidate(void *baton, const samlc_snapshot_t *present,
                                    samlc_snapshot_t *candidate, apr_time_t now,
                                    samlc_result_t *res, apr_pool_t *p)
{
    const fixture_t *f = baton;

    return f->judge ? f->judge(present, candidate, now, res, p) : APR_SUCCESS;
}

static void note_event(void *baton, samlc_loader_event_t event, const samlc_snapshot_t *snapshot,
                       const samlc_result_t *res, apr_pool_t *p)
{
    fixture_t *f = baton;

    (void)p;
    f->accepted += event == SAMLC_LOADER_ACCEPTED;
    f->refused += event == SAMLC_LOADER_REFUSED;
    f->recovered += event == SAMLC_LOADER_RECOVERED;
    f->withdrawn += event == SAMLC_LOADER_WITHDRAWN;
    if (event == SAMLC_LOADER_REFUSED) {
        ck_assert_int_ne(res->status, APR_SUCCESS);
        apr_cpystrn(f->message, res->message, sizeof(f->message));
    }
    else {
        ck_assert_ptr_nonnull(snapshot);
        ck_assert_int_eq(res->status, APR_SUCCESS);
    }
}

static samlc_snapshot_t *give_last_good(void *baton, apr_time_t now, apr_pool_t *p)
{
    fixture_t *f = baton;
    const char *digest_hex = f->archive ? samlc_archive_current(f->archive, p) : NULL;
    samlc_snapshot_t *snapshot = NULL;

    if (digest_hex) {
        samlc_archive_load(&snapshot, f->archive, &f->source, digest_hex, now,
                           samlc_result_make(p), p);
    }
    return snapshot;
}

const char *fixture_path(const fixture_t *f, const char *name)
{
    return test_path(f->p, f->source.dir, name);
}

void fixture_write_cert(const fixture_t *f, const char *name)
{
    test_cert_spec_t spec = {.cn = "idp.example", .key_type = "EC"};

    test_write(fixture_path(f, name), test_cert_make(&spec, f->p)->pem);
}

/* An IdP of httpd's configuration, which a test may change behind the loader's back. */
static const apr_array_header_t *make_sections(fixture_t *f)
{
    apr_array_header_t *sections = apr_array_make(f->p, 1, sizeof(samlc_section_t));
    samlc_section_t *section = &APR_ARRAY_PUSH(sections, samlc_section_t);
    samlc_section_line_t *lines = NULL;

    section->name = "two";
    section->origin = "httpd.conf:1";
    section->lines = apr_array_make(f->p, 2, sizeof(samlc_section_line_t));
    apr_array_push(section->lines);
    apr_array_push(section->lines);
    lines = (samlc_section_line_t *)section->lines->elts;
    lines[0].name = "EntityID";
    lines[0].value = "https://idp.example/two";
    lines[0].origin = "httpd.conf:2";
    lines[1].name = "ClockSkew";
    lines[1].value = "60";
    lines[1].origin = "httpd.conf:3";
    f->line = &lines[1];
    return sections;
}

fixture_t *fixture_make(void)
{
    apr_pool_t *p = test_pool();
    fixture_t *f = apr_pcalloc(p, sizeof(*f));

    f->p = p;
    f->now = apr_time_now() + SETTLED;
    f->base = test_dir(p);
    f->source.dir = test_path(p, f->base, "mount/trust");
    ck_assert_int_eq(mkdir(test_path(p, f->base, "mount"), 0755), 0);
    ck_assert_int_eq(mkdir(f->source.dir, 0755), 0);
    f->clock = test_path(p, f->base, "clock");
    ck_assert_int_eq(mkdir(fixture_path(f, "idp"), 0755), 0);
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/one"), 0755), 0);
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/two"), 0755), 0);
    test_write(fixture_path(f, "idp/one/idp.conf"), CONF_A);
    fixture_write_cert(f, "idp/one/primary.pem");
    fixture_write_cert(f, "idp/one/alternate.pem");
    fixture_write_cert(f, "idp/two/primary.pem");
    f->source.sections = make_sections(f);
    fixture_make_loader(f);
    return f;
}

void fixture_make_loader(fixture_t *f)
{
    samlc_loader_hooks_t hooks = {f, give_number, judge_candidate, note_event, give_last_good};
    samlc_result_t *res = samlc_result_make(f->p);

    ck_assert_int_eq(samlc_loader_make(&f->loader, &f->source, &hooks, res, f->p), APR_SUCCESS);
}

void fixture_load(fixture_t *f)
{
    samlc_result_t *res = samlc_result_make(f->p);

    ck_assert_msg(samlc_loader_load(f->loader, f->now, res, f->p) == APR_SUCCESS, "%s",
                  res->message);
}

void fixture_load_during(fixture_t *f, void (*change)(const fixture_t *f))
{
    int status = 0;
    pid_t other = fork();

    ck_assert_int_ge(other, 0);
    if (other == 0) {
        apr_sleep(100 * MS);
        change(f);
        _exit(0);
    }
    fixture_load(f);
    ck_assert_int_eq(waitpid(other, &status, 0), other);
    ck_assert_int_eq(status, 0);
}

apr_int64_t fixture_ctime_ns(const char *path)
{
    struct stat st;

    ck_assert_int_eq(stat(path, &st), 0);
    return (apr_int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
}

void fixture_tick(fixture_t *f)
{
    apr_int64_t start = 0;

    test_write(f->clock, "");
    start = fixture_ctime_ns(f->clock);
    while (fixture_ctime_ns(f->clock) == start) {
        ck_assert_int_eq(chmod(f->clock, 0600), 0);
    }
}

fixture_t *fixture_make_loaded(void)
{
    fixture_t *f = fixture_make();

    fixture_load(f);
    ck_assert_int_eq(f->accepted, 1);
    fixture_tick(f);
    return f;
}

samlc_ref_t *fixture_acquire(const fixture_t *f)
{
    samlc_ref_t *ref = samlc_slot_acquire(samlc_loader_slot(f->loader));

    ck_assert_ptr_nonnull(ref);
    return ref;
}

const char *fixture_digest(const fixture_t *f)
{
    samlc_ref_t *ref = fixture_acquire(f);
    const char *hex = apr_pstrdup(f->p, samlc_ref_snapshot(ref)->digest_hex);

    samlc_ref_release(ref);
    return hex;
}

apr_uint64_t fixture_number(const fixture_t *f)
{
    samlc_ref_t *ref = fixture_acquire(f);
    apr_uint64_t n = samlc_ref_snapshot(ref)->number;

    samlc_ref_release(ref);
    return n;
}

int fixture_knows(const fixture_t *f, const char *entity_id)
{
    samlc_ref_t *ref = fixture_acquire(f);
    int is_known = samlc_snapshot_idp_by_entity(samlc_ref_snapshot(ref), entity_id) != NULL;

    samlc_ref_release(ref);
    return is_known;
}

void fixture_poll(fixture_t *f)
{
    f->now += 250 * MS;
    samlc_loader_poll(f->loader, f->now, f->p);
}

int fixture_look(fixture_t *f, const char *name)
{
    samlc_ref_t *ref = fixture_acquire(f);
    const samlc_snapshot_t *snapshot = samlc_ref_snapshot(ref);
    const samlc_idp_t *idp = name ? samlc_snapshot_idp_by_name(snapshot, name) : NULL;
    int is_other = 0;

    f->now += 1 * MS;
    is_other = samlc_loader_look(f->loader, snapshot, idp, f->now, f->p);
    samlc_ref_release(ref);
    return is_other;
}
