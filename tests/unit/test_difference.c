/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/difference.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <sys/stat.h>
#include <unistd.h>

#include "make_cert.h"
#include "test.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define ENTITY "https://idp.example.org/one"
#define IGNORE "CERT_VALIDATION:IGNORE_TRUST,"

/* ---- A trust directory before and after ---- */

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_source_t source;
static samlc_snapshot_t *before, *after;
static test_cert_t *one, *two, *three, *old, *root, *issued, *own, *own2;

static const char *at(const char *name)
{
    return test_path(p, source.dir, name);
}

static void put(const char *name, const char *text)
{
    test_write(at(name), text);
}

static void gone(const char *name)
{
    ck_assert_int_eq(unlink(at(name)), 0);
}

static void moved(const char *from, const char *to)
{
    ck_assert_int_eq(rename(at(from), at(to)), 0);
}

static const char *hex(const test_cert_t *cert)
{
    unsigned char sha256[SAMLC_SHA256_LEN];

    ck_assert_int_eq(X509_digest(cert->x509, EVP_sha256(), sha256, NULL), 1);
    return samlc_text_hex(sha256, sizeof(sha256), p);
}

static const char *head(const test_cert_t *cert)
{
    return apr_pstrndup(p, hex(cert), 16);
}

static void conf(const char *lines)
{
    put("idp/one/idp.conf", apr_pstrcat(p, "EntityID " ENTITY "\n", lines, NULL));
}

static void pins(const char *prefix, const test_cert_t *a, const test_cert_t *b)
{
    conf(apr_pstrcat(p, "SignCerts ", prefix, hex(a), b ? "," : "", b ? hex(b) : "", "\n", NULL));
}

static void load(samlc_snapshot_t **snapshot)
{
    if (*snapshot) {
        samlc_snapshot_destroy(*snapshot);
    }
    ck_assert_msg(samlc_snapshot_load(snapshot, &source, NULL, NULL, TEST_NOW, res, p)
                      == APR_SUCCESS,
                  "%s", res->message);
}

static test_cert_t *make(const char *cn)
{
    return test_cert_make(&(test_cert_spec_t){.cn = cn, .key_type = "EC"}, p);
}

static void make_certs(void)
{
    one = make("one");
    two = make("two");
    three = make("three");
    own = make("own");
    own2 = make("own2");
    old = test_cert_make(
        &(test_cert_spec_t){.cn = "old", .key_type = "EC", .not_after = TEST_NOW - 1}, p);
    root = test_cert_make(&(test_cert_spec_t){.cn = "root", .key_type = "EC", .is_ca = 1}, p);
    issued = test_cert_make(
        &(test_cert_spec_t){.cn = "issued", .key_type = "EC", .issuer = root}, p);
}

static void setup(void)
{
    static const char *const dirs[] = {"idp", "idp/one", "idp/one/roots", "roots", "crls", "sp",
                                       "sp/default"};
    int i = 0;

    p = test_pool();
    res = samlc_result_make(p);
    memset(&source, 0, sizeof(source));
    source.dir = test_dir(p);
    before = NULL;
    after = NULL;
    make_certs();
    for (i = 0; i < COUNT(dirs); i++) {
        ck_assert_int_eq(mkdir(at(dirs[i]), 0755), 0);
    }
    conf("");
    put("idp/one/primary.pem", one->pem);
    put("sp/default/active.key", own->key_pem);
    put("sp/default/active.crt", own->pem);
}

static void teardown(void)
{
    if (before) {
        samlc_snapshot_destroy(before);
    }
    if (after) {
        samlc_snapshot_destroy(after);
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

/* ---- Losses ---- */

static apr_array_header_t *losses(void)
{
    load(&after);
    return samlc_difference_losses(before, after, TEST_NOW, p);
}

static void harmless(void)
{
    const apr_array_header_t *all = losses();

    ck_assert_msg(all->nelts == 0, "%s", all->nelts > 0 ? APR_ARRAY_IDX(all, 0, const char *) : "");
}

/* The one sentence, with both words in it. */
static void loses(const char *what, const char *word)
{
    const apr_array_header_t *all = losses();
    const char *sentence = NULL;

    ck_assert_int_eq(all->nelts, 1);
    sentence = APR_ARRAY_IDX(all, 0, const char *);
    ck_assert_msg(strstr(sentence, what) != NULL, "no %s in: %s", what, sentence);
    ck_assert_msg(strstr(sentence, word) != NULL, "no %s in: %s", word, sentence);
}

START_TEST(nothing_is_lost_at_first)
{
    load(&after);
    ck_assert_int_eq(samlc_difference_losses(NULL, after, TEST_NOW, p)->nelts, 0);
}
END_TEST

START_TEST(last_key_of_an_idp)
{
    put("idp/one/staged.pem", two->pem);
    load(&before);
    gone("idp/one/staged.pem");
    harmless();
    load(&before);
    gone("idp/one/primary.pem");
    loses("IdP one loses its last usable key: certificate", head(one));
    loses("(primary, CN=one, until 2027-01-01)", "");
}
END_TEST

/* Retired is refused, so it is as good as gone; a move to another slot costs nothing. */
START_TEST(retiring_counts_as_removing)
{
    load(&before);
    moved("idp/one/primary.pem", "idp/one/alternate.pem");
    harmless();
    moved("idp/one/alternate.pem", "idp/one/retired.pem");
    loses("loses its last usable key", head(one));
}
END_TEST

START_TEST(all_keys_at_once)
{
    put("idp/one/alternate.pem", two->pem);
    load(&before);
    put("idp/one/primary.pem", three->pem);
    harmless();
    gone("idp/one/alternate.pem");
    loses("IdP one loses all its keys at once", head(three));
    put("idp/one/alternate.pem", two->pem);
    harmless();
}
END_TEST

/* What could not be used before is not lost, and what can't be used after does not help. */
START_TEST(only_usable_keys_count)
{
    conf("CertExpiry reject\n");
    put("idp/one/alternate.pem", old->pem);
    load(&before);
    gone("idp/one/alternate.pem");
    harmless();
    put("idp/one/alternate.pem", old->pem);
    gone("idp/one/primary.pem");
    loses("loses its last usable key", head(one));
    load(&before);
    gone("idp/one/alternate.pem");
    harmless();
}
END_TEST

START_TEST(settings_can_cost_keys)
{
    load(&before);
    conf("ValidateChain on\n");
    loses("loses its last usable key", head(one));
    conf("SignatureAlgorithms rsa-sha256\n");    /* the key is for ECDSA */
    loses("loses its last usable key", head(one));
    conf("ClockSkew 10\n");
    harmless();
}
END_TEST

START_TEST(an_idp_that_goes)
{
    load(&before);
    moved("idp/one", "idp/other");
    harmless();    /* the same entity ID by another name */
    put("idp/other/idp.conf", "EntityID https://idp.example.org/other\n");
    loses("IdP one goes (" ENTITY ")", head(one));
    put("idp/other/idp.conf", "EntityID " ENTITY "\nStatus inactive\n");
    load(&before);
    gone("idp/other/primary.pem");
    harmless();
}
END_TEST

START_TEST(pins_and_certificates_are_one)
{
    gone("idp/one/primary.pem");
    pins(IGNORE, one, two);
    load(&before);
    pins(IGNORE, two, NULL);
    harmless();
    pins(IGNORE, three, NULL);
    loses("loses all its keys at once: pin", head(one));
    conf("");
    loses("loses its last usable key: pin", head(two));
    put("idp/one/primary.pem", two->pem);
    harmless();
    load(&before);
    gone("idp/one/primary.pem");
    pins(IGNORE, two, NULL);
    harmless();
    pins("", two, NULL);    /* it asks for a chain now, and there are no roots */
    loses("loses its last usable key", head(two));
}
END_TEST

START_TEST(anchors_of_any_trusted)
{
    gone("idp/one/primary.pem");
    conf("SignCerts ANY-TRUSTED\n");
    put("roots/root.pem", root->pem);
    put("idp/one/roots/more.pem", two->pem);
    load(&before);
    gone("idp/one/roots/more.pem");
    harmless();
    put("roots/root.pem", three->pem);
    loses("all its keys at once: anchor", head(root));
    gone("roots/root.pem");
    loses("its last usable key: anchor", head(root));
    conf("");
    put("idp/one/primary.pem", issued->pem);
    loses("all its keys at once: anchor", head(issued));
    conf("UseSystemRoots on\nSignCerts ANY-TRUSTED\n");
    gone("idp/one/primary.pem");
    load(&before);
    harmless();
    conf("");
    loses("its last usable key: the CAs of the system", "");
}
END_TEST

START_TEST(own_keys)
{
    put("sp/default/next.key", own2->key_pem);
    put("sp/default/next.crt", own2->pem);
    load(&before);
    moved("sp/default/next.key", "sp/default/active.key");
    moved("sp/default/next.crt", "sp/default/active.crt");
    harmless();
    load(&before);
    gone("sp/default/active.key");
    gone("sp/default/active.crt");
    loses("our key set default loses its active key", head(own2));
}
END_TEST

static TCase *losses_case(void)
{
    TCase *tc = tcase_create("losses");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_is_lost_at_first);
    tcase_add_test(tc, last_key_of_an_idp);
    tcase_add_test(tc, retiring_counts_as_removing);
    tcase_add_test(tc, all_keys_at_once);
    tcase_add_test(tc, only_usable_keys_count);
    tcase_add_test(tc, settings_can_cost_keys);
    tcase_add_test(tc, an_idp_that_goes);
    tcase_add_test(tc, pins_and_certificates_are_one);
    tcase_add_test(tc, anchors_of_any_trusted);
    tcase_add_test(tc, own_keys);
    return tc;
}

/* ---- Differences ---- */

/* All of them, as sentences in order, each with a line end. */
static const char *differences(void)
{
    const apr_array_header_t *all = NULL;
    const char *text = "";
    int i = 0;

    load(&after);
    all = samlc_difference_make(before, after, p);
    for (i = 0; i < all->nelts; i++) {
        text = apr_pstrcat(
            p, text,
            samlc_difference_sentence(&APR_ARRAY_IDX(all, i, samlc_difference_t), p), "\n", NULL);
    }
    return text;
}

static const char *shown(const char *what, const test_cert_t *cert, const char *cn)
{
    return apr_psprintf(p, "%s %s (CN=%s, until 2027-01-01)", what, head(cert), cn);
}

START_TEST(nothing_is_different)
{
    load(&before);
    conf("# a comment\n");
    ck_assert_str_eq(differences(), "");
    ck_assert_str_ne(before->digest_hex, after->digest_hex);
}
END_TEST

START_TEST(certificates_on_file)
{
    put("idp/one/staged.pem", two->pem);
    put("idp/one/alternate.pem", three->pem);
    load(&before);
    moved("idp/one/primary.pem", "idp/one/retired.pem");
    moved("idp/one/staged.pem", "idp/one/primary.pem");
    moved("idp/one/alternate.pem", "idp/one/alternate-old.pem");
    put("idp/one/staged.pem", issued->pem);
    ck_assert_str_eq(
        differences(),
        apr_pstrcat(p, "IdP one: ", shown("certificate", one, "one"), " moved primary -> retired\n",
                    "IdP one: ", shown("certificate", two, "two"), " moved staged -> primary\n",
                    "IdP one: ", shown("certificate", issued, "issued"), " came as staged\n", NULL));
    load(&before);
    gone("idp/one/retired.pem");
    ck_assert_str_eq(differences(),
                     apr_pstrcat(p, "IdP one: ", shown("certificate", one, "one"),
                                 " went, was retired\n", NULL));
}
END_TEST

/* The same certificate twice in one slot, and once elsewhere: each counts. */
START_TEST(certificates_on_file_twice)
{
    put("idp/one/alternate-1.pem", one->pem);
    put("idp/one/alternate-2.pem", one->pem);
    load(&before);
    gone("idp/one/alternate-2.pem");
    ck_assert_str_eq(differences(),
                     apr_pstrcat(p, "IdP one: ", shown("certificate", one, "one"),
                                 " went, was alternate\n", NULL));
}
END_TEST

START_TEST(pins_and_lists)
{
    pins(IGNORE, one, two);
    load(&before);
    pins(IGNORE, three, one);
    ck_assert_str_eq(differences(),
                     apr_pstrcat(p, "IdP one: pin ", head(two), " went, was pinned\n",
                                 "IdP one: pin ", head(three), " came as pinned\n", NULL));
    pins("", one, two);
    ck_assert_str_eq(differences(),
                     apr_pstrcat(p, "IdP one: pin ", head(one), " moved pinned -> anchored\n",
                                 "IdP one: pin ", head(two), " moved pinned -> anchored\n", NULL));
    conf("SignCerts ANY-TRUSTED\n");
    load(&before);
    conf("");
    ck_assert_str_eq(differences(), "IdP one: pin ANY-TRUSTED went\n");
}
END_TEST

START_TEST(settings_by_name)
{
    conf("ClockSkew 60\nNameIDFormat urn:a\nAuthnContext urn:b urn:c\n");
    load(&before);
    conf("CertExpiry reject\nForceAuthn on\nSignatureAlgorithms rsa-sha256\nClockSkew 61\n"
         "SSOUrl https://idp.example.org/sso\n");
    ck_assert_ptr_nonnull(strstr(differences(), "IdP one: setting ClockSkew changed 60 -> 61\n"));
    ck_assert_ptr_nonnull(
        strstr(differences(), "IdP one: setting CertExpiry changed (none) -> reject\n"));
    ck_assert_ptr_nonnull(
        strstr(differences(), "IdP one: setting ForceAuthn changed off -> on\n"));
    ck_assert_ptr_nonnull(strstr(differences(), " -> rsa-sha256\n"));
    ck_assert_ptr_nonnull(
        strstr(differences(), "IdP one: setting NameIDFormat changed urn:a -> (none)\n"));
    ck_assert_ptr_nonnull(
        strstr(differences(), "IdP one: setting AuthnContext changed urn:b urn:c -> (none)\n"));
    ck_assert_ptr_nonnull(strstr(
        differences(), "IdP one: setting SSOUrl changed (none) -> https://idp.example.org/sso\n"));
}
END_TEST

START_TEST(idps_that_come_and_go)
{
    load(&before);
    moved("idp/one", "idp/other");
    ck_assert_str_eq(
        differences(),
        apr_pstrcat(p, "IdP one went, was " ENTITY "\n", "IdP one: ",
                    shown("certificate", one, "one"), " went, was primary\n",
                    "IdP other came as " ENTITY "\n", "IdP other: ",
                    shown("certificate", one, "one"), " came as primary\n", NULL));
}
END_TEST

/* What is shared is told once, what is an IdP's own is told of it. */
START_TEST(anchors_shared_and_own)
{
    ck_assert_int_eq(mkdir(at("idp/two"), 0755), 0);
    put("idp/two/idp.conf", "EntityID https://idp.example.org/two\n");
    load(&before);
    put("roots/root.pem", root->pem);
    put("idp/one/roots/issued.pem", issued->pem);
    ck_assert_str_eq(
        differences(),
        apr_pstrcat(p, "all IdPs: ", shown("anchor", root, "root"), " came\n", "IdP one: ",
                    shown("intermediate", issued, "issued"), " came\n", NULL));
}
END_TEST

START_TEST(own_keys_by_role)
{
    put("sp/default/next.key", own2->key_pem);
    put("sp/default/next.crt", own2->pem);
    load(&before);
    moved("sp/default/active.key", "sp/default/retiring.key");
    moved("sp/default/active.crt", "sp/default/retiring.crt");
    moved("sp/default/next.key", "sp/default/active.key");
    moved("sp/default/next.crt", "sp/default/active.crt");
    ck_assert_str_eq(differences(),
                     apr_pstrcat(p, "our key set default: ", shown("own-key", own, "own"),
                                 " moved active -> retiring\n", "our key set default: ",
                                 shown("own-key", own2, "own2"), " moved next -> active\n", NULL));
    load(&before);
    moved("sp/default", "sp/more");
    ck_assert_ptr_nonnull(strstr(differences(), "our key set default went\n"));
    ck_assert_ptr_nonnull(strstr(differences(), "our key set more came\n"));
    ck_assert_ptr_null(strstr(differences(), "PRIVATE"));
}
END_TEST

static TCase *differences_case(void)
{
    TCase *tc = tcase_create("differences");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, nothing_is_different);
    tcase_add_test(tc, certificates_on_file);
    tcase_add_test(tc, certificates_on_file_twice);
    tcase_add_test(tc, pins_and_lists);
    tcase_add_test(tc, settings_by_name);
    tcase_add_test(tc, idps_that_come_and_go);
    tcase_add_test(tc, anchors_shared_and_own);
    tcase_add_test(tc, own_keys_by_role);
    return tc;
}

Suite *suite_difference(void)
{
    Suite *suite = suite_create("difference");

    suite_add_tcase(suite, differences_case());

    suite_add_tcase(suite, losses_case());
    return suite;
}
