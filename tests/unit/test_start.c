/* SPDX-License-Identifier: Apache-2.0 */
/* The load of a start that finds files it can't take, and nothing else to serve. */
#include "loader_fixture.h"
#include "make_cert.h"
#include "test.h"

static void write_whole(const fixture_t *f)
{
    fixture_write_cert(f, "idp/one/primary.pem");
}

static void write_half(const fixture_t *f)
{
    test_write(fixture_path(f, "idp/one/primary.pem"), "-----BEGIN CERTIFICATE-----\nMIIC\n");
}

START_TEST(broken_set_fails_and_is_named)
{
    fixture_t *f = fixture_make();
    samlc_result_t *res = samlc_result_make(f->p);

    write_half(f);
    ck_assert_int_ne(samlc_loader_load(f->loader, f->now, res, f->p), APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(res->message, "primary.pem"));
    ck_assert_ptr_null(samlc_slot_acquire(samlc_loader_slot(f->loader)));
    ck_assert_int_eq(f->refused, 1);
    write_whole(f);
    fixture_load(f);
    ck_assert(fixture_knows(f, ENTITY_A));
    ck_assert_int_eq(f->recovered, 1);
}
END_TEST

/* A child that starts while somebody writes a file, with no copy of the last good generation yet. */
START_TEST(edit_under_way_is_waited_for)
{
    fixture_t *f = fixture_make();

    write_half(f);
    fixture_load_during(f, write_whole);
    ck_assert(fixture_knows(f, ENTITY_A));
    ck_assert_int_eq(f->accepted, 1);
}
END_TEST

/* What serves already goes on serving: nobody waits. */
START_TEST(nobody_waits_where_something_is_served)
{
    fixture_t *f = fixture_make_loaded();
    samlc_result_t *res = samlc_result_make(f->p);
    apr_time_t began = apr_time_now();

    write_half(f);
    ck_assert_int_ne(samlc_loader_load(f->loader, f->now, res, f->p), APR_SUCCESS);
    ck_assert_int_lt(apr_time_now() - began, 500 * MS);
    ck_assert(fixture_knows(f, ENTITY_A));
}
END_TEST

Suite *suite_start(void)
{
    Suite *suite = suite_create("start");
    TCase *tc = tcase_create("start");

    tcase_set_timeout(tc, 30);
    tcase_add_test(tc, broken_set_fails_and_is_named);
    tcase_add_test(tc, edit_under_way_is_waited_for);
    tcase_add_test(tc, nobody_waits_where_something_is_served);
    suite_add_tcase(suite, tc);
    return suite;
}
