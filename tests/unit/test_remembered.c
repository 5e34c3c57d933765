/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates remembered for pins: written once, read by other generations, never believed. */
#include "core/trust/remembered.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/saml/redirect.h"
#include "test.h"
#include "world.h"

#define MINUTE apr_time_from_sec(60)
#define LATER (TEST_NOW + apr_time_from_sec(86400))
#define PINS "SignCerts CERT_VALIDATION:IGNORE_TRUST,"
#define ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

static apr_pool_t *p;
static samlc_result_t *res;
static const char *dir;      /* the state directory */
static const char *folder;   /* of the IdP in it */
static test_cert_t *signer, *other;

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    dir = test_dir(p);
    folder = test_path(p, dir, "remembered/main");
    signer = test_cert_make(&(test_cert_spec_t){ .cn = "signer", .key_type = "EC" }, p);
    other = test_cert_make(&(test_cert_spec_t){ .cn = "other", .key_type = "EC" }, p);
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static const samlc_cert_t *parsed(const test_cert_t *made)
{
    samlc_cert_t *cert = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&cert, &made->der, res, p), APR_SUCCESS);
    return cert;
}

static const char *digest_of(const test_cert_t *made)
{
    return samlc_cert_sha256_hex(parsed(made));
}

static const char *key_of(const test_cert_t *made)
{
    return apr_pstrcat(p, "spki-sha256:",
                       samlc_text_hex(samlc_key_spki_sha256(samlc_cert_key(parsed(made))),
                                      SAMLC_SHA256_LEN, p), NULL);
}

/* A generation with this IdP, which knows nothing yet. */
static samlc_idp_t *idp_with(const char *conf)
{
    samlc_settings_t *settings = samlc_settings_make(p);
    samlc_data_t lines = test_data(apr_pstrcat(p, "EntityID " FORGE_IDP "\n", conf, "\n", NULL),
                                   "idp.conf");
    apr_array_header_t *none = apr_array_make(p, 1, sizeof(samlc_idp_slot_t));
    samlc_idp_material_t m = { .name = "main", .settings = settings, .origin = "idp.conf",
                               .slots = none, .roots = none, .intermediates = none, .crls = none };
    samlc_idp_t *idp = NULL;

    ck_assert_msg(samlc_settings_parse(settings, &lines, res, p) == APR_SUCCESS, "%s", res->message);
    ck_assert_msg(samlc_idp_build(&idp, &m, TEST_NOW, apr_array_make(p, 1, sizeof(const char *)),
                                  res, p) == APR_SUCCESS, "%s", res->message);
    return idp;
}

static samlc_idp_t *pinned(const test_cert_t *cert)
{
    return idp_with(apr_pstrcat(p, PINS, digest_of(cert), NULL));
}

static samlc_trust_verdict_t verdict_on(const test_cert_t *cert, samlc_trust_mode_t mode)
{
    samlc_trust_verdict_t v;

    memset(&v, 0, sizeof(v));
    v.is_trusted = 1;
    v.reason = SAMLC_REASON_OK;
    v.mode = mode;
    v.cert = parsed(cert);
    return v;
}

/* A login by `cert` was accepted; TRUE if that was written down. */
static int note_at(const samlc_idp_t *idp, const test_cert_t *cert, apr_time_t now)
{
    samlc_trust_verdict_t v = verdict_on(cert, SAMLC_MODE_PINNED);
    int is_new = -1;

    ck_assert_msg(samlc_remembered_note(&is_new, dir, idp, &v, now, res, p) == APR_SUCCESS, "%s",
                  res->message);
    return is_new;
}

static int note(const samlc_idp_t *idp, const test_cert_t *cert)
{
    return note_at(idp, cert, TEST_NOW);
}

static int recall(const samlc_idp_t *idp)
{
    return samlc_remembered_recall(dir, idp, LATER, p);
}

/* How many keys there are for a message that shows none. */
static int keys_of(const samlc_idp_t *idp)
{
    return samlc_trust_candidates(idp->trust, apr_array_make(p, 1, sizeof(samlc_data_t)), res, p)
        ->nelts;
}

static int files(void)
{
    apr_dir_t *handle = NULL;
    apr_finfo_t info;
    int n = 0;

    if (apr_dir_open(&handle, folder, p) != APR_SUCCESS) {
        return 0;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, handle) == APR_SUCCESS) {
        n += info.name[0] != '.';
    }
    apr_dir_close(handle);
    return n;
}

static const char *file_of(const test_cert_t *cert)
{
    return test_path(p, folder, apr_pstrcat(p, "cert-256-", digest_of(cert), ".pem", NULL));
}

/* --- writing and reading ------------------------------------------------------------------------ */

START_TEST(test_written_once)
{
    samlc_idp_t *idp = pinned(signer);
    struct stat before, after;

    ck_assert_int_eq(files(), 0);
    ck_assert_int_eq(keys_of(idp), 0);
    ck_assert_int_eq(note(idp, signer), 1);
    ck_assert_int_eq(files(), 1);
    ck_assert_int_eq(keys_of(idp), 1);
    ck_assert_int_eq(stat(file_of(signer), &before), 0);
    ck_assert_int_eq(before.st_mode & 0777, 0600);
    ck_assert_int_eq(note_at(idp, signer, LATER), 0);
    ck_assert_int_eq(note(pinned(signer), signer), 0);   /* nor by the next generation */
    ck_assert_int_eq(stat(file_of(signer), &after), 0);
    ck_assert(before.st_ino == after.st_ino && before.st_mtime == after.st_mtime);
}
END_TEST

START_TEST(test_recalled)
{
    samlc_idp_t *idp = pinned(signer);

    ck_assert_int_eq(recall(idp), 0);
    note(pinned(signer), signer);
    ck_assert_int_eq(keys_of(idp), 0);
    ck_assert_int_eq(recall(idp), 1);
    ck_assert_int_eq(keys_of(idp), 1);
    ck_assert_int_eq(recall(idp), 0);
    ck_assert_int_eq(keys_of(idp), 1);
    ck_assert_int_eq(samlc_remembered_recall(NULL, pinned(signer), LATER, p), 0);
}
END_TEST

/* What did not change since it was read is not read again; what did is. */
START_TEST(test_directory_is_read_when_it_changed)
{
    const char *list = apr_pstrcat(p, PINS, digest_of(signer), ",", digest_of(other), NULL);
    samlc_idp_t *idp = idp_with(list);
    apr_time_t settled = apr_time_now() + apr_time_from_sec(10);

    note(idp_with(list), signer);
    ck_assert_int_eq(samlc_remembered_recall(dir, idp, settled, p), 1);
    ck_assert_int_eq(keys_of(idp), 1);
    apr_sleep(apr_time_from_msec(20));    /* the time of a directory comes from a coarse clock */
    note(idp_with(list), other);
    ck_assert_int_eq(samlc_remembered_recall(dir, idp, settled, p), 1);
    ck_assert_int_eq(keys_of(idp), 2);
    ck_assert_int_eq(samlc_remembered_recall(dir, idp, settled, p), 0);
}
END_TEST

/* A pin that was taken away takes its certificate along, in memory and on disk. */
START_TEST(test_pin_that_is_gone)
{
    samlc_idp_t *idp = pinned(other);

    note(pinned(signer), signer);
    ck_assert_int_eq(recall(idp), 0);
    ck_assert_int_eq(keys_of(idp), 0);
    ck_assert_int_eq(note(idp, other), 1);
    ck_assert_int_eq(files(), 1);
    ck_assert_int_eq(recall(pinned(signer)), 0);
}
END_TEST

/* --- what is not believed ----------------------------------------------------------------------- */

START_TEST(test_garbage)
{
    const char *contents[] = { "", "garbage", other->pem, apr_pstrcat(p, signer->pem, other->pem, NULL),
                               apr_pstrcat(p, other->pem, signer->pem, NULL), signer->key_pem };

    ck_assert_int_eq(note(pinned(signer), signer), 1);
    test_write(file_of(signer), contents[_i]);
    ck_assert_int_eq(recall(pinned(signer)), 0);
    /* the next login mends it */
    ck_assert_int_eq(note(pinned(signer), signer), 1);
    ck_assert_int_eq(recall(pinned(signer)), 1);
}
END_TEST

/* Files that are named for another pin, or for none, are not looked at. */
START_TEST(test_foreign_files)
{
    ck_assert_int_eq(note(pinned(other), other), 1);
    test_write(test_path(p, folder, "signer.pem"), signer->pem);
    ck_assert_int_eq(recall(pinned(signer)), 0);
}
END_TEST

/* ANY-TRUSTED is no pin; keys on file and in metadata are there anyway; refused is refused. */
START_TEST(test_nothing_to_remember)
{
    static const samlc_trust_mode_t modes[] = { SAMLC_MODE_NONE, SAMLC_MODE_ANY_TRUSTED,
                                                SAMLC_MODE_ON_FILE, SAMLC_MODE_METADATA };
    samlc_idp_t *idp = idp_with(apr_pstrcat(p, "SignCerts ANY-TRUSTED,", digest_of(signer), NULL));
    samlc_trust_verdict_t v;
    int i = 0, is_new = 0;

    for (i = 0; i < 4; i++) {
        v = verdict_on(signer, modes[i]);
        ck_assert_int_eq(samlc_remembered_note(&is_new, dir, idp, &v, TEST_NOW, res, p),
                         APR_SUCCESS);
        ck_assert_int_eq(is_new, 0);
    }
    v = verdict_on(signer, SAMLC_MODE_PINNED);
    v.is_trusted = 0;
    ck_assert_int_eq(samlc_remembered_note(&is_new, dir, idp, &v, TEST_NOW, res, p), APR_SUCCESS);
    v.is_trusted = 1;
    v.cert = NULL;
    ck_assert_int_eq(samlc_remembered_note(&is_new, dir, idp, &v, TEST_NOW, res, p), APR_SUCCESS);
    ck_assert_int_eq(note(idp, other), 0);   /* no pin matches it */
    ck_assert_int_eq(files(), 0);
    ck_assert_int_eq(keys_of(idp), 0);
}
END_TEST

/* --- pins of a key ------------------------------------------------------------------------------ */

static test_cert_t *reissued(apr_time_t not_after, long serial)
{
    return test_cert_make(&(test_cert_spec_t){ .cn = "again", .pkey = signer->pkey,
                                               .serial = serial, .not_after = not_after }, p);
}

/* Of several certificates of a key the one that ends last is kept. */
START_TEST(test_reissued)
{
    const char *list = apr_pstrcat(p, PINS, key_of(signer), NULL);
    samlc_idp_t *idp = idp_with(list);

    ck_assert_int_eq(note(idp, reissued(TEST_NOT_AFTER, 2)), 1);
    ck_assert_int_eq(note(idp, reissued(TEST_NOT_AFTER - MINUTE, 3)), 0);
    ck_assert_int_eq(note(idp, reissued(TEST_NOT_AFTER + MINUTE, 4)), 1);
    ck_assert_int_eq(files(), 1);
    ck_assert_int_eq(note(idp, reissued(TEST_NOT_AFTER, 2)), 0);
    idp = idp_with(list);
    ck_assert_int_eq(recall(idp), 1);
    ck_assert_int_eq(keys_of(idp), 1);
    ck_assert(samlc_cert_not_after(samlc_known_first(idp->trust->known)->cert)
              == TEST_NOT_AFTER + MINUTE);
}
END_TEST

/* There is an end to them, in memory, too; and what only names a key is not kept. */
START_TEST(test_bounded)
{
    samlc_idp_t *idp = idp_with(apr_pstrcat(p, PINS, key_of(signer), NULL));
    apr_array_header_t *hints = apr_array_make(p, 1, sizeof(samlc_data_t));
    int i = 0;

    APR_ARRAY_PUSH(hints, samlc_data_t) = reissued(TEST_NOT_AFTER, 99)->der;
    ck_assert_int_eq(samlc_trust_candidates(idp->trust, hints, res, p)->nelts, 1);
    ck_assert_ptr_null(samlc_known_first(idp->trust->known));
    for (i = 0; i < SAMLC_KNOWN_PER_KEY + 3; i++) {
        note(idp, reissued(TEST_NOT_AFTER + i * MINUTE, 10 + i));
    }
    ck_assert_int_eq(keys_of(idp), SAMLC_KNOWN_PER_KEY);
    ck_assert_int_eq(files(), 1);
}
END_TEST

/* --- a state directory that can't be written ------------------------------------------------------ */

START_TEST(test_unwritable)
{
    samlc_idp_t *idp = pinned(signer);
    samlc_trust_verdict_t v = verdict_on(signer, SAMLC_MODE_PINNED);
    int is_new = -1;

    test_write(test_path(p, dir, "remembered"), "in the way\n");
    ck_assert_int_ne(samlc_remembered_note(&is_new, dir, idp, &v, TEST_NOW, res, p), APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_FILE_UNREADABLE);
    ck_assert_int_eq(is_new, 0);
    ck_assert_int_eq(keys_of(idp), 1);                      /* this process knows it all the same */
    ck_assert_int_eq(note_at(idp, signer, TEST_NOW + MINUTE - 1), 0);   /* not at each login */
    ck_assert_int_eq(unlink(test_path(p, dir, "remembered")), 0);
    ck_assert_int_eq(note_at(idp, signer, TEST_NOW + MINUTE), 1);
    ck_assert_int_eq(recall(pinned(signer)), 1);
}
END_TEST

/* --- messages ----------------------------------------------------------------------------------- */

/* A signature of the Redirect binding carries no certificate at all. */
START_TEST(test_redirect)
{
    samlc_idp_t *idp = pinned(signer);
    samlc_redirect_t message = { .algorithm = ECDSA_SHA256, .signed_octets = "SAMLRequest=x" };
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    unsigned char raw[256];
    size_t len = sizeof(raw);
    samlc_trust_verdict_t v;

    ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, NULL, "SHA256", NULL, NULL, signer->pkey, NULL), 1);
    ck_assert_int_eq(EVP_DigestSign(ctx, raw, &len, (const unsigned char *)message.signed_octets,
                                    strlen(message.signed_octets)), 1);
    EVP_MD_CTX_free(ctx);
    message.signature.data = raw;
    message.signature.len = len;
    ck_assert_int_ne(samlc_redirect_verify(&v, &message, idp, dir, LATER, res, p), APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CERT_NOT_LISTED);
    note(pinned(signer), signer);
    ck_assert_int_ne(samlc_redirect_verify(&v, &message, idp, NULL, LATER, res, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_redirect_verify(&v, &message, idp, dir, LATER, res, p), APR_SUCCESS);
    ck_assert_int_eq(v.mode, SAMLC_MODE_PINNED);
    /* the pin is what counts */
    idp = pinned(other);
    ck_assert_int_ne(samlc_redirect_verify(&v, &message, idp, dir, LATER, res, p), APR_SUCCESS);
    ck_assert_int_eq(v.is_trusted, 0);
}
END_TEST

/* --- threads ------------------------------------------------------------------------------------ */

static samlc_known_t *shared;
static samlc_data_t ders[8];

static void *add_all(void *seed)
{
    int i = 0, wrong = 0;

    for (i = 0; i < 24; i++) {
        const samlc_data_t *der = &ders[(i + *(int *)seed) % 8];
        const samlc_known_cert_t *known = samlc_known_add(shared, der);

        wrong += known == NULL || samlc_known_find(shared, samlc_cert_sha256(known->cert)) != known;
    }
    *(int *)seed = wrong;
    return NULL;
}

/* Requests add what they find at the same time: each certificate is there once. */
START_TEST(test_threads)
{
    const char *list = "";
    pthread_t threads[4];
    int wrong[4] = { 0, 3, 5, 6 };
    const samlc_known_cert_t *at = NULL;
    int i = 0, n = 0;

    for (i = 0; i < 8; i++) {
        const test_cert_t *cert =
            test_cert_make(&(test_cert_spec_t){ .key_type = "EC", .serial = i + 1 }, p);

        ders[i] = cert->der;
        list = apr_pstrcat(p, list, i == 0 ? "" : ",", digest_of(cert), NULL);
    }
    shared = idp_with(apr_pstrcat(p, PINS, list, NULL))->trust->known;
    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, add_all, &wrong[i]), 0);
    }
    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(wrong[i], 0);
    }
    for (at = samlc_known_first(shared); at != NULL; at = at->next) {
        n++;
    }
    ck_assert_int_eq(n, 8);
}
END_TEST

Suite *suite_remembered(void)
{
    Suite *suite = suite_create("remembered");
    TCase *tc = tcase_create("remembered");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_written_once);
    tcase_add_test(tc, test_recalled);
    tcase_add_test(tc, test_directory_is_read_when_it_changed);
    tcase_add_test(tc, test_pin_that_is_gone);
    tcase_add_loop_test(tc, test_garbage, 0, 6);
    tcase_add_test(tc, test_foreign_files);
    tcase_add_test(tc, test_nothing_to_remember);
    tcase_add_test(tc, test_reissued);
    tcase_add_test(tc, test_bounded);
    tcase_add_test(tc, test_unwritable);
    tcase_add_test(tc, test_redirect);
    suite_add_tcase(suite, tc);
    tc = tcase_create("threads");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_threads);
    suite_add_tcase(suite, tc);
    return suite;
}
