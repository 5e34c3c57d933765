/* SPDX-License-Identifier: Apache-2.0 */
/* A removal counts at once, also while something else in the trust directory is broken. */
#include "core/reload/withdraw.h"

#include <apr_strings.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "loader_fixture.h"
#include "make_cert.h"
#include "test.h"

#define ENTITY_C "https://idp.example/c"
#define ENTITY_D "https://idp.example/d"
#define CONF_C "EntityID " ENTITY_C "\nSignCerts @pins\n"
#define CONF_D "EntityID " ENTITY_D "\nSignCerts ANY-TRUSTED\nCertExpiry ignore\n"
#define PREFIX "CERT_VALIDATION:IGNORE_TRUST\n"
#define NAMESPACES                                                                                 \
    "xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\""

/* Signers, each trusted by another entry of the IdP `three`, the last by an anchor of `four`. */
enum { PRIMARY, ALTERNATE, BY_METADATA, PINNED, CHAINED, SIGNERS };

typedef struct world_t {
    fixture_t *f;
    test_cert_t *made[SIGNERS];
    samlc_cert_t *certs[SIGNERS];
    test_cert_t *ca;
    test_cert_t *other;    /* of nobody */
} world_t;

static void write_file(const world_t *w, const char *name, const char *text)
{
    test_write(fixture_path(w->f, name), text);
}

static void remove_name(const world_t *w, const char *name)
{
    ck_assert_int_eq(remove(fixture_path(w->f, name)), 0);
}

static void write_metadata(const world_t *w, int signer)
{
    const test_cert_t *cert = signer < 0 ? w->other : w->made[signer];

    write_file(w, "idp/three/metadata.xml",
               apr_pstrcat(w->f->p, "<EntityDescriptor entityID=\"" ENTITY_C "\" " NAMESPACES
                           "><IDPSSODescriptor protocolSupportEnumeration="
                           "\"urn:oasis:names:tc:SAML:2.0:protocol\"><KeyDescriptor><ds:KeyInfo>"
                           "<ds:X509Data><ds:X509Certificate>",
                           samlc_text_base64(cert->der.data, cert->der.len, w->f->p),
                           "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></KeyDescriptor>"
                           "</IDPSSODescriptor></EntityDescriptor>", NULL));
}

/* There is always another one, so that a list remains when this one goes. */
static void write_pin(const world_t *w, int signer)
{
    write_file(w, "idp/three/pins",
               apr_pstrcat(w->f->p, PREFIX, samlc_cert_sha256_hex(w->certs[signer]), "\n",
                           "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n",
                           NULL));
}

static void break_another(const world_t *w)
{
    write_file(w, "idp/two/primary.pem", "-----BEGIN CERTIFICATE-----\nMIIC\n");
}

static void mend_another(const world_t *w)
{
    fixture_write_cert(w->f, "idp/two/primary.pem");
}

static world_t *make(void)
{
    fixture_t *f = fixture_make();
    world_t *w = apr_pcalloc(f->p, sizeof(*w));
    test_cert_spec_t ca = {.cn = "ca", .key_type = "EC", .is_ca = 1};
    int i = 0;

    w->f = f;
    w->ca = test_cert_make(&ca, f->p);
    w->other = test_cert_make(&(test_cert_spec_t){.cn = "other", .key_type = "EC"}, f->p);
    for (i = 0; i < SIGNERS; i++) {
        test_cert_spec_t spec = {.cn = apr_psprintf(f->p, "signer %d", i), .key_type = "EC",
                                 .issuer = i == CHAINED ? w->ca : NULL};

        w->made[i] = test_cert_make(&spec, f->p);
        ck_assert_int_eq(samlc_cert_parse_der(&w->certs[i], &w->made[i]->der,
                                              samlc_result_make(f->p), f->p), APR_SUCCESS);
    }
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/three"), 0755), 0);
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/four"), 0755), 0);
    ck_assert_int_eq(mkdir(fixture_path(f, "idp/four/roots"), 0755), 0);
    write_file(w, "idp/three/idp.conf", CONF_C);
    write_file(w, "idp/three/primary.pem", w->made[PRIMARY]->pem);
    write_file(w, "idp/three/alternate.pem", w->made[ALTERNATE]->pem);
    write_metadata(w, BY_METADATA);
    write_pin(w, PINNED);
    write_file(w, "idp/four/idp.conf", CONF_D);
    write_file(w, "idp/four/roots/ca.pem", w->ca->pem);
    fixture_load(f);
    fixture_tick(f);
    return w;
}

/* The way of a message that names its certificate: what is known for pins has its say, too. */
static samlc_reason_t judge_by(const samlc_trust_t *trust, const samlc_cert_t *cert, apr_pool_t *p)
{
    apr_array_header_t *hints = apr_array_make(p, 1, sizeof(samlc_data_t));
    samlc_result_t *res = samlc_result_make(p);
    const apr_array_header_t *candidates = NULL;
    const samlc_candidate_t *candidate = NULL;
    int i = 0;

    APR_ARRAY_PUSH(hints, samlc_data_t) = samlc_cert_der(cert, p);
    candidates = samlc_trust_candidates(trust, hints, res, p);
    for (i = 0; i < candidates->nelts; i++) {
        candidate = &APR_ARRAY_IDX(candidates, i, samlc_candidate_t);
        if (candidate->cert && samlc_cert_equal(candidate->cert, cert)) {
            return samlc_trust_judge(trust, candidate, TEST_NOW, p).reason;
        }
    }
    return SAMLC_REASON_CERT_NOT_LISTED;
}

/* What a login by this signer would be told; internal where its IdP is not known. */
static samlc_reason_t judge_cert(const world_t *w, const char *entity, const samlc_cert_t *cert)
{
    samlc_ref_t *ref = fixture_acquire(w->f);
    const samlc_idp_t *idp = samlc_snapshot_idp_by_entity(samlc_ref_snapshot(ref), entity);
    samlc_reason_t reason = SAMLC_REASON_INTERNAL;

    if (idp) {
        reason = idp->settings->status == SAMLC_STATUS_INACTIVE
                     ? SAMLC_REASON_IDP_INACTIVE
                     : judge_by(idp->trust, cert, w->f->p);
    }
    samlc_ref_release(ref);
    return reason;
}

static samlc_reason_t judge(const world_t *w, int signer)
{
    return judge_cert(w, signer == CHAINED ? ENTITY_D : ENTITY_C, w->certs[signer]);
}

static void trusts_all(const world_t *w)
{
    int i = 0;

    for (i = 0; i < SIGNERS; i++) {
        ck_assert_msg(judge(w, i) == SAMLC_REASON_OK, "signer %d: %s", i,
                      samlc_reason_word(judge(w, i)));
    }
}

/* ---- What an administrator may do while something else is broken ---- */

static void remove_primary(const world_t *w)
{
    remove_name(w, "idp/three/primary.pem");
}

static void replace_primary(const world_t *w)
{
    write_file(w, "idp/three/primary.pem", w->other->pem);
}

static void cut_primary(const world_t *w)
{
    ck_assert_int_eq(truncate(fixture_path(w->f, "idp/three/primary.pem"), 100), 0);
}

/* One file of the IdP is gone, another one is half written: that one holds what it held. */
static void remove_one_and_cut_another(const world_t *w)
{
    remove_name(w, "idp/three/alternate.pem");
    cut_primary(w);
}

static void hide_primary_behind_a_link(const world_t *w)
{
    remove_primary(w);
    ck_assert_int_eq(symlink("nothing", fixture_path(w->f, "idp/three/primary.pem")), 0);
}

static void move_primary(const world_t *w)
{
    ck_assert_int_eq(rename(fixture_path(w->f, "idp/three/primary.pem"),
                            fixture_path(w->f, "idp/three/alternate-2.pem")), 0);
}

static void retire_primary(const world_t *w)
{
    ck_assert_int_eq(rename(fixture_path(w->f, "idp/three/primary.pem"),
                            fixture_path(w->f, "idp/three/retired.pem")), 0);
}

static void retire_metadata_key(const world_t *w)
{
    write_file(w, "idp/three/retired-1.pem", w->made[BY_METADATA]->pem);
}

static void remove_metadata(const world_t *w)
{
    remove_name(w, "idp/three/metadata.xml");
}

static void replace_metadata(const world_t *w)
{
    write_metadata(w, -1);
}

static void cut_metadata(const world_t *w)
{
    write_file(w, "idp/three/metadata.xml", "<EntityDescriptor");
}

static void replace_pin(const world_t *w)
{
    write_pin(w, CHAINED);
}

static void remove_pins(const world_t *w)
{
    remove_name(w, "idp/three/pins");
}

static void break_pins(const world_t *w)
{
    write_file(w, "idp/three/pins", PREFIX "zz\n");
}

static void drop_the_list(const world_t *w)
{
    write_file(w, "idp/three/idp.conf", "EntityID " ENTITY_C "\n");
}

static void break_settings(const world_t *w)
{
    write_file(w, "idp/three/idp.conf", "NoSuchSetting on\n");
}

static void break_the_list_in_settings(const world_t *w)
{
    write_file(w, "idp/three/idp.conf", "EntityID https://x.example\nSignCerts zz,\n");
}

static void deactivate(const world_t *w)
{
    write_file(w, "idp/three/idp.conf", CONF_C "Status inactive\n");
}

static void rename_entity(const world_t *w)
{
    write_file(w, "idp/three/idp.conf", CONF_B "SignCerts @pins\n");
}

static void remove_idp(const world_t *w)
{
    ck_assert_int_eq(rename(fixture_path(w->f, "idp/three"), fixture_path(w->f, "idp/.three")), 0);
}

static void remove_anchor(const world_t *w)
{
    remove_name(w, "idp/four/roots/ca.pem");
}

static void replace_anchor(const world_t *w)
{
    write_file(w, "idp/four/roots/ca.pem", w->other->pem);
}

static void cut_anchor(const world_t *w)
{
    write_file(w, "idp/four/roots/ca.pem", "-----BEGIN CERTIFICATE-----\nMIIC\n");
}

#define OK SAMLC_REASON_OK
#define LOST SAMLC_REASON_CERT_NOT_LISTED
#define AWAY SAMLC_REASON_INTERNAL
#define OFF SAMLC_REASON_IDP_INACTIVE

static const struct {
    void (*edit)(const world_t *w);
    samlc_reason_t expected[SIGNERS];
} edits[] = {
    {remove_primary, {LOST, OK, OK, OK, OK}},
    {replace_primary, {LOST, OK, OK, OK, OK}},
    {cut_primary, {OK, OK, OK, OK, OK}},
    {remove_one_and_cut_another, {OK, LOST, OK, OK, OK}},
    {hide_primary_behind_a_link, {OK, OK, OK, OK, OK}},
    {move_primary, {OK, OK, OK, OK, OK}},
    {retire_primary, {SAMLC_REASON_CERT_RETIRED, OK, OK, OK, OK}},
    {retire_metadata_key, {OK, OK, SAMLC_REASON_CERT_RETIRED, OK, OK}},
    {remove_metadata, {OK, OK, LOST, OK, OK}},
    {replace_metadata, {OK, OK, LOST, OK, OK}},
    {cut_metadata, {OK, OK, OK, OK, OK}},
    {replace_pin, {OK, OK, OK, LOST, OK}},
    {remove_pins, {OK, OK, OK, LOST, OK}},
    {break_pins, {OK, OK, OK, OK, OK}},
    {drop_the_list, {OK, OK, OK, LOST, OK}},
    {break_settings, {OK, OK, OK, OK, OK}},
    {break_the_list_in_settings, {OK, OK, OK, OK, OK}},
    {deactivate, {OFF, OFF, OFF, OFF, OK}},
    {rename_entity, {AWAY, AWAY, AWAY, AWAY, OK}},
    {remove_idp, {AWAY, AWAY, AWAY, AWAY, OK}},
    {remove_anchor, {OK, OK, OK, OK, SAMLC_REASON_NO_TRUST_CONFIGURED}},
    {replace_anchor, {OK, OK, OK, OK, SAMLC_REASON_NO_TRUST_CONFIGURED}},
    {cut_anchor, {OK, OK, OK, OK, OK}},
};

#define EDITS ((int)(sizeof(edits) / sizeof(edits[0])))

static void judges_as_expected(const world_t *w, int edit)
{
    int i = 0;

    for (i = 0; i < SIGNERS; i++) {
        ck_assert_msg(judge(w, i) == edits[edit].expected[i], "signer %d: %s", i,
                      samlc_reason_word(judge(w, i)));
    }
    /* An addition waits for the whole. */
    ck_assert_int_eq(judge_cert(w, ENTITY_C, w->certs[CHAINED]), edits[edit].expected[0] == AWAY
                                                                     ? AWAY
                                                                 : edits[edit].expected[0] == OFF
                                                                     ? OFF
                                                                     : LOST);
}

static int loses(int edit)
{
    static const samlc_reason_t all[SIGNERS] = {OK, OK, OK, OK, OK};

    return memcmp(edits[edit].expected, all, sizeof(all)) != 0;
}

START_TEST(removal_counts_at_the_next_look)
{
    world_t *w = make();
    const char *before = fixture_digest(w->f);
    const char *idp = edits[_i].expected[CHAINED] == OK && edits[_i].edit != cut_anchor ? "three"
                                                                                        : "four";

    trusts_all(w);
    break_another(w);
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(w->f->refused, 1);
    trusts_all(w);
    ck_assert_int_eq(w->f->withdrawn, 0);
    fixture_tick(w->f);
    edits[_i].edit(w);
    ck_assert_int_eq(fixture_look(w->f, idp), loses(_i));
    judges_as_expected(w, _i);
    ck_assert_int_eq(w->f->withdrawn, loses(_i));
    ck_assert_int_eq(w->f->accepted, 1);
    ck_assert_str_eq(fixture_digest(w->f), before);
    fixture_poll(w->f);
    fixture_poll(w->f);
    judges_as_expected(w, _i);
    ck_assert_int_eq(w->f->withdrawn, loses(_i));
}
END_TEST

/* Nobody logs in: each child's watchdog sees to it. */
START_TEST(removal_counts_after_two_polls)
{
    world_t *w = make();

    break_another(w);
    edits[_i].edit(w);
    fixture_poll(w->f);
    fixture_poll(w->f);
    judges_as_expected(w, _i);
    ck_assert_int_eq(w->f->refused, 1);
    ck_assert_int_eq(w->f->withdrawn, loses(_i));
}
END_TEST

/* A child that starts with the last good generation does not trust what was taken away, either. */
START_TEST(removal_counts_for_a_child_that_starts)
{
    world_t *w = make();
    samlc_result_t *res = samlc_result_make(w->f->p);
    samlc_ref_t *ref = fixture_acquire(w->f);
    samlc_archive_t *archive =
        samlc_archive_make(test_path(w->f->p, w->f->base, "generations"), 3, w->f->p);

    ck_assert_int_eq(samlc_archive_save(archive, &w->f->source, samlc_ref_snapshot(ref), res,
                                        w->f->p), APR_SUCCESS);
    samlc_archive_set_current(archive, samlc_ref_snapshot(ref)->digest_hex, res, w->f->p);
    samlc_ref_release(ref);
    w->f->archive = archive;
    break_another(w);
    edits[_i].edit(w);
    fixture_make_loader(w->f);
    ck_assert_int_ne(samlc_loader_load(w->f->loader, w->f->now, res, w->f->p), APR_SUCCESS);
    judges_as_expected(w, _i);
}
END_TEST

START_TEST(what_comes_back_is_trusted_again)
{
    world_t *w = make();
    const char *before = fixture_digest(w->f);

    break_another(w);
    remove_primary(w);
    ck_assert_int_eq(fixture_look(w->f, "three"), 1);
    ck_assert_int_eq(judge(w, PRIMARY), LOST);
    fixture_tick(w->f);
    write_file(w, "idp/three/primary.pem", w->made[PRIMARY]->pem);
    ck_assert_int_eq(fixture_look(w->f, "three"), 1);
    trusts_all(w);
    ck_assert_int_eq(w->f->withdrawn, 2);
    ck_assert_str_eq(fixture_digest(w->f), before);
}
END_TEST

START_TEST(repair_makes_a_generation_of_what_is_there)
{
    world_t *w = make();

    break_another(w);
    replace_primary(w);
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(w->f->refused, 1);
    fixture_tick(w->f);
    mend_another(w);
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(w->f->accepted, 2);
    ck_assert_int_eq(w->f->recovered, 1);
    ck_assert_int_eq(judge(w, PRIMARY), LOST);
    ck_assert_int_eq(judge(w, ALTERNATE), OK);
    ck_assert_int_eq(samlc_slot_alive(samlc_loader_slot(w->f->loader)), 1);
}
END_TEST

/* The very files that are in use are back: the whole of them serves again, under its number. */
START_TEST(old_files_bring_the_old_generation_back_whole)
{
    world_t *w = make();
    samlc_ref_t *ref = NULL;
    apr_uint64_t number = fixture_number(w->f);
    const char *aside = test_path(w->f->p, w->f->base, "aside");
    const char *broken = fixture_path(w->f, "idp/three/alternate-9.pem");

    write_file(w, "idp/three/alternate-9.pem", "none\n");
    ck_assert_int_eq(rename(fixture_path(w->f, "idp/three/primary.pem"), aside), 0);
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(judge(w, PRIMARY), LOST);
    ck_assert_int_eq(unlink(broken), 0);
    ck_assert_int_eq(rename(aside, fixture_path(w->f, "idp/three/primary.pem")), 0);
    fixture_poll(w->f);
    fixture_poll(w->f);
    trusts_all(w);
    ck_assert_int_eq(w->f->accepted, 1);
    ck_assert_int_eq(w->f->recovered, 1);
    ck_assert_uint_eq(fixture_number(w->f), number);
    ref = fixture_acquire(w->f);
    ck_assert_ptr_null(samlc_ref_snapshot(ref)->withdrawn);
    samlc_ref_release(ref);
    ck_assert_int_eq(samlc_slot_alive(samlc_loader_slot(w->f->loader)), 1);
}
END_TEST

/* A mount that went away is no decision about certificates. */
START_TEST(missing_trust_directory_withdraws_nothing)
{
    world_t *w = make();

    ck_assert_int_eq(rename(w->f->source.dir, test_path(w->f->p, w->f->base, "away")), 0);
    fixture_look(w->f, "three");
    fixture_poll(w->f);
    fixture_poll(w->f);
    trusts_all(w);
    ck_assert_int_eq(w->f->withdrawn, 0);
}
END_TEST

/* What a login holds stays valid while it is reduced below it, and goes when the login ends. */
START_TEST(generation_outlives_what_borrows_from_it)
{
    world_t *w = make();
    samlc_ref_t *whole = fixture_acquire(w->f);
    samlc_ref_t *reduced = NULL;

    break_another(w);
    remove_primary(w);
    fixture_look(w->f, "three");
    reduced = fixture_acquire(w->f);
    ck_assert_ptr_ne(samlc_ref_snapshot(whole), samlc_ref_snapshot(reduced));
    samlc_ref_release(whole);
    fixture_tick(w->f);
    mend_another(w);
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(w->f->accepted, 2);
    ck_assert_int_eq(samlc_slot_alive(samlc_loader_slot(w->f->loader)), 3);
    ck_assert_str_eq(samlc_snapshot_idp_by_name(samlc_ref_snapshot(reduced), "one")->entity_id,
                     ENTITY_A);
    samlc_ref_release(reduced);
    ck_assert_int_eq(samlc_slot_alive(samlc_loader_slot(w->f->loader)), 1);
}
END_TEST

/* ---- Guard rails ---- */

static int is_guarded;    /* refuses whatever does not know ENTITY_C by its primary key */

static apr_status_t guard(const samlc_snapshot_t *present, samlc_snapshot_t *candidate,
                          apr_time_t now, samlc_result_t *res, apr_pool_t *p)
{
    const samlc_idp_t *idp = samlc_snapshot_idp_by_name(candidate, "three");

    (void)now;
    (void)p;
    ck_assert(!present || !present->withdrawn);
    if (!is_guarded
        || (idp && strstr(APR_ARRAY_IDX(idp->trust->entries, 0, samlc_trust_entry_t).origin,
                          "primary.pem"))) {
        return APR_SUCCESS;
    }
    return samlc_result_fail(res, APR_EACCES, SAMLC_REASON_CONFIG_INVALID, "guarded");
}

START_TEST(guard_refuses_a_change_and_what_would_be_withdrawn)
{
    world_t *w = make();
    const char *before = fixture_digest(w->f);

    w->f->judge = guard;
    is_guarded = 1;
    remove_primary(w);
    remove_name(w, "idp/three/alternate.pem");
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(w->f->refused, 1);
    ck_assert_str_eq(w->f->message, "guarded");
    ck_assert_str_eq(fixture_digest(w->f), before);
    ck_assert_uint_eq(w->f->numbers, 1);
    trusts_all(w);

    /* Twins: what loses nothing that is guarded counts, and without the guard all of it does. */
    fixture_tick(w->f);
    write_file(w, "idp/three/primary.pem", w->made[PRIMARY]->pem);
    break_another(w);
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(judge(w, ALTERNATE), LOST);
    ck_assert_int_eq(judge(w, PRIMARY), OK);
    fixture_tick(w->f);
    mend_another(w);
    remove_primary(w);
    is_guarded = 0;
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(w->f->accepted, 2);
    ck_assert_int_eq(judge(w, PRIMARY), LOST);
}
END_TEST

/* A tool that ended in the middle may just have moved what is missing. */
START_TEST(change_that_is_half_done_withdraws_nothing)
{
    world_t *w = make();

    write_file(w, SAMLC_SOURCE_JOURNAL, "");
    break_another(w);
    remove_primary(w);
    fixture_poll(w->f);
    fixture_poll(w->f);
    ck_assert_int_eq(w->f->refused, 1);
    trusts_all(w);
    remove_name(w, SAMLC_SOURCE_JOURNAL);
    fixture_look(w->f, "three");
    ck_assert_int_eq(judge(w, PRIMARY), LOST);
}
END_TEST

/* ---- A time at which a generation is to be another one ---- */

START_TEST(generation_is_loaded_anew_when_its_time_comes)
{
    fixture_t *f = fixture_make();
    samlc_ref_t *before = NULL;
    samlc_ref_t *after = NULL;

    f->next_move_at = f->now + 1000 * MS;
    fixture_load(f);
    before = fixture_acquire(f);
    fixture_poll(f);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
    f->now += 1000 * MS;
    if (_i == 0) {
        ck_assert_int_eq(fixture_look(f, "one"), 1);
    }
    else if (_i == 1) {
        ck_assert_int_eq(fixture_look(f, NULL), 1);
    }
    else {
        fixture_poll(f);
    }
    after = fixture_acquire(f);
    ck_assert_ptr_ne(samlc_ref_snapshot(after), samlc_ref_snapshot(before));
    samlc_ref_release(before);
    samlc_ref_release(after);
    ck_assert_int_eq(fixture_look(f, "one"), 0);
}
END_TEST

Suite *suite_withdraw(void)
{
    Suite *suite = suite_create("withdraw");
    TCase *tc = tcase_create("withdraw");

    tcase_set_timeout(tc, 60);
    tcase_add_loop_test(tc, removal_counts_at_the_next_look, 0, EDITS);
    tcase_add_loop_test(tc, removal_counts_after_two_polls, 0, EDITS);
    tcase_add_loop_test(tc, removal_counts_for_a_child_that_starts, 0, EDITS);
    tcase_add_test(tc, what_comes_back_is_trusted_again);
    tcase_add_test(tc, repair_makes_a_generation_of_what_is_there);
    tcase_add_test(tc, old_files_bring_the_old_generation_back_whole);
    tcase_add_test(tc, missing_trust_directory_withdraws_nothing);
    tcase_add_test(tc, generation_outlives_what_borrows_from_it);
    tcase_add_loop_test(tc, generation_is_loaded_anew_when_its_time_comes, 0, 3);
    tcase_add_test(tc, guard_refuses_a_change_and_what_would_be_withdrawn);
    tcase_add_test(tc, change_that_is_half_done_withdraws_nothing);
    suite_add_tcase(suite, tc);
    return suite;
}
