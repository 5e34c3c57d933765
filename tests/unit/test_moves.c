/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates and keys that change their slot by the time; `now` is an argument. */
#include "core/trust/moves.h"

#include <apr_strings.h>
#include <unistd.h>

#include "moves_tree.h"
#include "test.h"

/* ---- times ----------------------------------------------------------------------------------- */

static const struct {
    const char *conf;
    int seconds;                     /* after TEST_NOW */
    const char *slots;
    int next;                        /* seconds; 0: none */
} timeline[] = {
    { "", 0, "old=primary new=staged third=alternate", 0 },
    { "ActivateAt staged " T1 "\n", 9, "old=primary new=staged third=alternate", 10 },
    { "ActivateAt staged " T1 "\n", 10, "new=primary third=alternate old=alternate", 0 },
    { "ActivateAt staged " T1 "\n", 11, "new=primary third=alternate old=alternate", 0 },
    { "ActivateAt staged 2026-07-01T02:00:10+02:00\n", 10,
      "new=primary third=alternate old=alternate", 0 },
    { "activateat alternate-x " T1 "\n", 9, "old=primary new=staged third=alternate", 10 },
    { "ActivateAt alternate-x " T1 "\n", 10, "third=primary new=staged old=alternate", 0 },
    { "ActivateAt primary " T1 "\n", 10, "old=primary new=staged third=alternate", 0 },
    { "RetireAt alternate-x " T1 "\n", 9, "old=primary new=staged third=alternate", 10 },
    { "RetireAt alternate-x " T1 "\n", 10, "old=primary new=staged third=retired", 0 },
    { "RetireAt primary " T1 "\n", 10, "new=staged third=alternate old=retired", 0 },
    /* a rotation that needs nobody: the slot is that of the file, wherever it is by then */
    { "ActivateAt staged " T1 "\nRetireAt primary " T2 "\n", 9,
      "old=primary new=staged third=alternate", 10 },
    { "ActivateAt staged " T1 "\nRetireAt primary " T2 "\n", 10,
      "new=primary third=alternate old=alternate", 20 },
    { "RetireAt primary " T2 "\nActivateAt staged " T1 "\n", 20,
      "new=primary third=alternate old=retired", 0 },
    { "RetireAt primary " T1 "\nActivateAt staged " T1 "\n", 10,
      "new=primary third=alternate old=retired", 0 },
    /* two activations, and the first one comes back */
    { "ActivateAt staged " T1 "\nActivateAt alternate-x " T2 "\nActivateAt primary " T3 "\n", 20,
      "third=primary old=alternate new=alternate", 30 },
    { "ActivateAt staged " T1 "\nActivateAt alternate-x " T2 "\nActivateAt primary " T3 "\n", 30,
      "old=primary third=alternate new=alternate", 0 },
    /* what has retired stays it */
    { "RetireAt staged " T1 "\nActivateAt staged " T2 "\n", 20,
      "old=primary third=alternate new=retired", 0 },
    { "ActivateAt staged 9999-12-31T23:59:59Z\n", 0, "old=primary new=staged third=alternate",
      -1 },
};

START_TEST(test_timeline)
{
    apr_time_t next = timeline[_i].next > 0 ? AT(timeline[_i].next) : 0;

    tree_configure(timeline[_i].conf);
    tree_loads(AT(timeline[_i].seconds));
    ck_assert_str_eq(tree_slots(), timeline[_i].slots);
    if (timeline[_i].next >= 0) {
        ck_assert_int_eq(tree.loaded->next_move_at, next);
    }
    else {
        ck_assert_int_gt(tree.loaded->next_move_at, AT(100));
    }
}
END_TEST

/* The microsecond before, and the very one. */
START_TEST(test_instant)
{
    tree_configure("RetireAt primary " T1 "\n");
    tree_loads(AT(10) - 1);
    ck_assert_int_eq(tree_judge(tree.old_cert, AT(10) - 1), SAMLC_REASON_OK);
    /* This generation may be in use for a while yet, if the files are broken. */
    ck_assert_int_eq(tree_judge(tree.old_cert, AT(10)), SAMLC_REASON_CERT_RETIRED);
    ck_assert_int_eq(tree_judge(tree.new_cert, AT(10)), SAMLC_REASON_OK);
    tree_loads(AT(10));
    ck_assert_int_eq(tree_judge(tree.old_cert, AT(10)), SAMLC_REASON_CERT_RETIRED);
    ck_assert_int_eq(tree_judge(tree.new_cert, AT(10)), SAMLC_REASON_OK);
}
END_TEST

/* Whatever else lists it. */
START_TEST(test_retired_everywhere)
{
    tree_put("idp/one/alternate.pem", tree.third_cert->pem);
    tree_configure(apr_pstrcat(tree.p, "RetireAt alternate-x " T1 "\n", NULL));
    tree_loads(AT(9));
    ck_assert_int_eq(tree_judge(tree.third_cert, AT(9)), SAMLC_REASON_OK);
    ck_assert_int_eq(tree_count_warnings("although it also is in"), 1);
    tree_loads(AT(10));
    ck_assert_int_eq(tree_judge(tree.third_cert, AT(10)), SAMLC_REASON_CERT_RETIRED);
    ck_assert_int_eq(tree_count_warnings("alternate.pem"), 1);
}
END_TEST

/* A file is a slot: all that is in it moves. */
START_TEST(test_several_in_a_file)
{
    ck_assert_int_eq(unlink(tree_at("idp/one/alternate-x.pem")), 0);
    tree_put("idp/one/staged.pem",
             apr_pstrcat(tree.p, tree.new_cert->pem, tree.third_cert->pem, NULL));
    tree_configure("ActivateAt staged " T1 "\n");
    tree_loads(AT(10));
    ck_assert_str_eq(tree_slots(), "new=primary third=primary old=alternate");
    ck_assert_int_eq(tree.loaded->moves->nelts, 3);
}
END_TEST

/* A file with a whole chain: its CAs sign no responses. */
START_TEST(test_chain_in_a_file)
{
    static const char *const files[] = { "primary", "staged", "alternate-x" };
    const test_cert_t *root = test_cert_make(&(test_cert_spec_t){ .cn = "root", .key_type = "EC",
                                                                  .is_ca = 1 }, tree.p);
    const test_cert_t *ca = test_cert_make(&(test_cert_spec_t){ .cn = "ca", .key_type = "EC",
                                                                .is_ca = 1, .issuer = root },
                                           tree.p);
    const test_cert_t *leaf = test_cert_make(&(test_cert_spec_t){ .cn = "leaf", .key_type = "EC",
                                                                  .issuer = ca }, tree.p);
    const char *name = apr_pstrcat(tree.p, "idp/one/", files[_i], ".pem", NULL);

    tree_put(name, apr_pstrcat(tree.p, root->pem, leaf->pem, ca->pem, NULL));
    tree_configure("");
    tree_loads(TEST_NOW);
    ck_assert_int_eq(tree_judge(leaf, TEST_NOW), SAMLC_REASON_OK);
    ck_assert_int_eq(tree_judge(ca, TEST_NOW), SAMLC_REASON_CERT_NOT_LISTED);
    ck_assert_int_eq(tree_judge(root, TEST_NOW), SAMLC_REASON_CERT_NOT_LISTED);
    ck_assert_int_eq(tree_count_warnings(" is the issuer of "), 2);
    ck_assert_int_eq(tree_count_warnings(apr_pstrcat(
        tree.p, tree_at(name), ": CN=ca is the issuer of CN=leaf in the same file", NULL)), 1);
    /* the twin: a CA alone in its file is what somebody wants */
    tree_put(name, ca->pem);
    tree_loads(TEST_NOW);
    ck_assert_int_eq(tree_judge(ca, TEST_NOW), SAMLC_REASON_OK);
    ck_assert_int_eq(tree_count_warnings(" is the issuer of "), 0);
    /* what is filed as retired is refused, all of it */
    tree_put("idp/one/retired.pem", apr_pstrcat(tree.p, leaf->pem, ca->pem, NULL));
    tree_loads(TEST_NOW);
    ck_assert_int_eq(tree_judge(ca, TEST_NOW), SAMLC_REASON_CERT_RETIRED);
    ck_assert_int_eq(unlink(tree_at("idp/one/retired.pem")), 0);
}
END_TEST

/* Two CAs that certify each other: nobody is left to sign. */
START_TEST(test_only_issuers_in_a_file)
{
    EVP_PKEY *keys[2] = { test_key_make("EC", 0, tree.p), test_key_make("EC", 0, tree.p) };
    const test_cert_t *a = test_cert_make(&(test_cert_spec_t){ .cn = "a", .pkey = keys[0] },
                                          tree.p);
    const test_cert_t *b = test_cert_make(&(test_cert_spec_t){ .cn = "b", .pkey = keys[1],
                                                               .issuer = a }, tree.p);
    const test_cert_t *a_by_b = test_cert_make(&(test_cert_spec_t){ .cn = "a", .pkey = keys[0],
                                                                    .issuer = b }, tree.p);

    tree_put("idp/one/alternate-x.pem", apr_pstrcat(tree.p, a_by_b->pem, b->pem, NULL));
    tree_configure("");
    ck_assert_int_ne(tree_load(TEST_NOW), APR_SUCCESS);
    ck_assert_int_eq(tree.res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_ptr_nonnull(strstr(tree.res->message, "alternate-x.pem: each certificate in it"));
    tree_put("idp/one/alternate-x.pem", b->pem);
    tree_loads(TEST_NOW);
}
END_TEST

START_TEST(test_what_is_told)
{
    const samlc_moved_t *moved = NULL;

    tree_configure("ActivateAt staged " T1 "\nRetireAt primary " T2 "\n");
    tree_loads(AT(9));
    ck_assert_int_eq(tree.loaded->moves->nelts, 0);
    ck_assert_int_eq(tree_entry(0)->place->retire_at, AT(20));
    ck_assert_int_eq(tree_entry(1)->place->activate_at, AT(10));
    tree_loads(AT(20));
    ck_assert_int_eq(tree.loaded->moves->nelts, 2);
    moved = &APR_ARRAY_IDX(tree.loaded->moves, 0, samlc_moved_t);
    ck_assert_str_eq(moved->owner, "idp one");
    ck_assert_str_eq(moved->file, "idp/one/primary");
    ck_assert_str_eq(tree_name_of(moved->cert), "old");
    ck_assert_str_eq(moved->from, "alternate");
    ck_assert_str_eq(moved->to, "retired");
    ck_assert_str_eq(moved->place->why, "RetireAt " T2);
    ck_assert_int_eq(moved->place->since, AT(20));
    moved = &APR_ARRAY_IDX(tree.loaded->moves, 1, samlc_moved_t);
    ck_assert_str_eq(moved->from, "staged");
    ck_assert_str_eq(moved->to, "primary");
    ck_assert_str_eq(moved->place->why, "ActivateAt " T1);
}
END_TEST

static const struct {
    const char *line;
    const char *mention;
} bad_lines[] = {
    { "ActivateAt staged", "not a slot and a time" },
    { "ActivateAt " T1, "not a slot and a time" },
    { "ActivateAt staged " T1 " " T2, "not a slot and a time" },
    { "ActivateAt staged tomorrow", "the time is none such as" },
    { "ActivateAt staged 2026-07-01", "the time is none such as" },
    { "ActivateAt staged 2026-02-30T00:00:00Z", "the time is none such as" },
    { "ActivateAt staged 2026-07-01T00:00:00", "the time is none such as" },
    { "ActivateAt staged 2026-07-01T00:00:10.5Z", "fraction of a second" },
    { "RetireAt staged.pem " T1, "the slot is none of" },
    { "ActivateAt retired " T1, "the slot is none of" },
    { "ActivateAt retired-2 " T1, "the slot is none of" },
    { "RetireAt ../two/primary " T1, "the slot is no name" },
    { "RetireAt next " T1, "the slot is none of" },
    { "RetireAt primary " T1 "\nRetireAt primary " T2, "this slot has a time already" },
    { "PromoteOnFirstUse yes", "neither on nor off" },
};

START_TEST(test_bad_lines)
{
    tree_configure(apr_pstrcat(tree.p, bad_lines[_i].line, "\n", NULL));
    ck_assert_int_ne(tree_load(TEST_NOW), APR_SUCCESS);
    ck_assert_int_eq(tree.res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_msg(strstr(tree.res->message, bad_lines[_i].mention) != NULL, "%s",
                  tree.res->message);
    ck_assert_msg(strstr(tree.res->message, "idp.conf:") != NULL, "%s", tree.res->message);
}
END_TEST

static const struct {
    const char *conf;
    int seconds;
    const char *mention;
} doubts[] = {
    { "ActivateAt alternate-y " T1 "\n", 0, "there is no file alternate-y.pem" },
    { "RetireAt alternate-y " T1 "\n", 11, "there is no file alternate-y.pem" },
    { "RetireAt staged " T1 "\nActivateAt staged " T2 "\n", 0, "comes after it has retired" },
};

START_TEST(test_doubts)
{
    tree_configure(doubts[_i].conf);
    tree_loads(AT(doubts[_i].seconds));
    ck_assert_int_eq(tree.loaded->warnings->nelts, 1);
    ck_assert_int_eq(tree_count_warnings(doubts[_i].mention), 1);
    ck_assert_int_eq(tree_count_warnings("idp.conf:2"), _i < 2);
    tree_configure("ActivateAt staged " T1 "\nRetireAt alternate-x " T2 "\n");
    tree_loads(AT(doubts[_i].seconds));
    ck_assert_int_eq(tree.loaded->warnings->nelts, 0);
}
END_TEST

/* A line of the past takes a file that came later: almost certainly it was meant for another. */
START_TEST(test_new_file_under_an_old_line)
{
    test_cert_t *late = test_cert_make(&(test_cert_spec_t){ .cn = "late", .key_type = "EC",
                                                            .not_before = AT(15) }, tree.p);

    tree_configure("RetireAt alternate-x " T1 "\nActivateAt staged " T2 "\n");
    tree_loads(AT(30));
    ck_assert_int_eq(tree.loaded->warnings->nelts, 0);
    test_write(tree_at("idp/one/alternate-x.pem"), tree.third_cert->pem);    /* of today */
    tree_loads(AT(30));
    ck_assert_int_eq(tree_count_warnings("is newer than that"), 1);
    tree_loads(AT(9));    /* not yet */
    ck_assert_int_eq(tree.loaded->warnings->nelts, 0);
    tree_put("idp/one/alternate-x.pem", late->pem);    /* a time that says nothing */
    tree_loads(AT(30));
    ck_assert_int_eq(tree_count_warnings("is newer than that"), 1);
    tree_put(
        "idp/one/staged.pem",
        test_cert_make(&(test_cert_spec_t){ .cn = "later", .key_type = "EC", .not_before = AT(25) },
                       tree.p)
            ->pem);
    tree_loads(AT(30));
    ck_assert_int_eq(tree_count_warnings("is newer than that"), 2);
}
END_TEST

/* ---- digests --------------------------------------------------------------------------------- */

START_TEST(test_digest)
{
    unsigned char files[SAMLC_SHA256_LEN];
    const char *before = NULL, *after = NULL;

    tree_configure("ActivateAt staged " T1 "\nRetireAt primary " T2 "\n");
    before = tree_digest_at(AT(0));
    ck_assert_mem_eq(tree.loaded->files_digest, tree.loaded->digest, SAMLC_SHA256_LEN);
    memcpy(files, tree.loaded->files_digest, sizeof(files));
    ck_assert_str_eq(tree_digest_at(AT(9)), before);
    after = tree_digest_at(AT(10));
    ck_assert_str_ne(after, before);
    ck_assert_mem_eq(tree.loaded->files_digest, files, SAMLC_SHA256_LEN);
    ck_assert_str_eq(tree_digest_at(AT(19)), after);
    ck_assert_str_ne(tree_digest_at(AT(20)), after);
    ck_assert_str_eq(tree_digest_at(AT(9)), before);
    /* A move that changes nothing is no new generation. */
    tree_configure("ActivateAt primary " T1 "\n");
    before = tree_digest_at(AT(0));
    ck_assert_str_eq(tree_digest_at(AT(10)), before);
}
END_TEST

/* Another node, with the same files in another place and tree.loaded at another time. */
START_TEST(test_nodes_agree)
{
    samlc_source_t first = tree.source;
    const char *digest = NULL;
    int seconds = 0;

    tree_configure("ActivateAt staged " T1 "\nRetireAt primary " T2 "\n");
    tree_make();
    tree_configure("ActivateAt staged " T1 "\nRetireAt primary " T2 "\n");
    for (seconds = 5; seconds < 30; seconds += 10) {
        samlc_source_t second = tree.source;

        digest = tree_digest_at(AT(seconds));
        tree.source = first;
        ck_assert_str_eq(tree_digest_at(AT(seconds) + 3), digest);
        tree.source = second;
    }
}
END_TEST

/* ---- our own keys ---------------------------------------------------------------------------- */

static void put_key(const char *role, const test_cert_t *cert)
{
    tree_put(apr_pstrcat(tree.p, "sp/default/", role, ".key", NULL), cert->key_pem);
    tree_put(apr_pstrcat(tree.p, "sp/default/", role, ".crt", NULL), cert->pem);
}

static const struct {
    const char *conf;
    int seconds;
    const char *roles;
    int next;
} own_timeline[] = {
    { "# nothing\n\n", 0, "old=active new=next third=retiring", 0 },
    { "ActivateAt next " T1 "\n", 9, "old=active new=next third=retiring", 10 },
    { "ActivateAt next " T1 "\n", 10, "new=active old=retiring", 0 },
    { "RetireAt retiring " T1, 9, "old=active new=next third=retiring", 10 },
    { "retireat retiring " T1 "\r\n", 10, "old=active new=next", 0 },
    { "ActivateAt next " T1 "\nRetireAt active " T2 "\n", 10, "new=active old=retiring", 20 },
    { "RetireAt active " T2 "\n  ActivateAt\tnext " T1 "\n", 20, "new=active", 0 },
    { "RetireAt active " T1 "\nActivateAt next " T1 "\n", 10, "new=active", 0 },
    { "RetireAt active " T1 "\nActivateAt next " T1 "\n", 9, "old=active new=next third=retiring",
      10 },
};

START_TEST(test_own_timeline)
{
    put_key("next", tree.new_cert);
    put_key("retiring", tree.third_cert);
    tree_put("sp/default/keys.conf", own_timeline[_i].conf);
    tree_loads(AT(own_timeline[_i].seconds));
    ck_assert_str_eq(tree_roles(), own_timeline[_i].roles);
    ck_assert_int_eq(tree.loaded->next_move_at,
                     own_timeline[_i].next > 0 ? AT(own_timeline[_i].next) : 0);
    ck_assert_int_eq(tree.loaded->warnings->nelts, 0);
}
END_TEST

static const struct {
    const char *conf;
    const char *mention;
} bad_own[] = {
    { "RetireAt active " T1 "\n", "keys.conf:1: RetireAt active " T1 ": it would leave" },
    { "ActivateAt next " T2 "\nRetireAt active " T1 "\n", "keys.conf:2: RetireAt active" },
    { "RetireAt next " T1 "\n", "that can be retired are active and retiring" },
    { "ActivateAt retiring " T1 "\n", "the key that can be activated is next" },
    { "ActivateAt next " T1 "\nActivateAt next " T2 "\n", "keys.conf:2: is given twice" },
    { "ActivateAt next\n", "not a slot and a time" },
    { "Activate next " T1 "\n", "neither ActivateAt nor RetireAt" },
};

/* Refused from the beginning, and not first when it happens. */
START_TEST(test_bad_own)
{
    put_key("next", tree.new_cert);
    tree_put("sp/default/keys.conf", "ActivateAt next " T1 "\nRetireAt active " T1 "\n");
    tree_loads(AT(0));
    tree_put("sp/default/keys.conf", bad_own[_i].conf);
    ck_assert_int_ne(tree_load(AT(0)), APR_SUCCESS);
    ck_assert_int_eq(tree.res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_msg(strstr(tree.res->message, bad_own[_i].mention) != NULL, "%s", tree.res->message);
}
END_TEST

START_TEST(test_own_without_next)
{
    tree_put("sp/default/keys.conf", "ActivateAt next " T1 "\n");
    tree_loads(AT(20));
    ck_assert_str_eq(tree_roles(), "old=active");
    ck_assert_int_eq(tree_count_warnings("there is no file next.key"), 1);
    tree_put("sp/default/keys.conf", "ActivateAt next " T1 "\nRetireAt active " T2 "\n");
    ck_assert_int_ne(tree_load(AT(0)), APR_SUCCESS);
}
END_TEST

START_TEST(test_own_digest)
{
    const char *before = NULL;

    put_key("next", tree.new_cert);
    tree_put("sp/default/keys.conf", "ActivateAt next " T1 "\n");
    before = tree_digest_at(AT(9));
    ck_assert_str_ne(tree_digest_at(AT(10)), before);
    ck_assert_int_eq(tree.loaded->moves->nelts, 2);
    ck_assert_str_eq(APR_ARRAY_IDX(tree.loaded->moves, 0, samlc_moved_t).owner, "own keys default");
    ck_assert_str_eq(APR_ARRAY_IDX(tree.loaded->moves, 0, samlc_moved_t).to, "retiring");
    ck_assert_str_eq(APR_ARRAY_IDX(tree.loaded->moves, 1, samlc_moved_t).from, "next");
}
END_TEST

Suite *suite_moves(void)
{
    Suite *suite = suite_create("moves");
    TCase *tc = tcase_create("moves");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, tree_setup, tree_teardown);
    tcase_add_loop_test(tc, test_timeline, 0, COUNT(timeline));
    tcase_add_test(tc, test_instant);
    tcase_add_test(tc, test_retired_everywhere);
    tcase_add_test(tc, test_several_in_a_file);
    tcase_add_loop_test(tc, test_chain_in_a_file, 0, 3);
    tcase_add_test(tc, test_only_issuers_in_a_file);
    tcase_add_test(tc, test_what_is_told);
    tcase_add_loop_test(tc, test_bad_lines, 0, COUNT(bad_lines));
    tcase_add_loop_test(tc, test_doubts, 0, COUNT(doubts));
    tcase_add_test(tc, test_new_file_under_an_old_line);
    tcase_add_test(tc, test_digest);
    tcase_add_test(tc, test_nodes_agree);
    tcase_add_loop_test(tc, test_own_timeline, 0, COUNT(own_timeline));
    tcase_add_loop_test(tc, test_bad_own, 0, COUNT(bad_own));
    tcase_add_test(tc, test_own_without_next);
    tcase_add_test(tc, test_own_digest);
    suite_add_tcase(suite, tc);
    return suite;
}
