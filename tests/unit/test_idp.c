/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/idp.h"

#include <apr_strings.h>
#include <openssl/err.h>

#include "core/reload/source.h"
#include "core/xml/xml.h"
#include "make_cert.h"
#include "test.h"

#define ENTITY "https://idp.example.org/idp"
#define SSO "https://idp.example.org/sso"

static apr_pool_t *p;
static samlc_result_t *res;
static apr_array_header_t *warnings;
static apr_array_header_t *slots, *roots;
static samlc_idp_material_t m;
static test_cert_t *cert;      /* of the IdP, self-signed, until TEST_NOT_AFTER */

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    warnings = apr_array_make(p, 4, sizeof(const char *));
    slots = apr_array_make(p, 2, sizeof(samlc_idp_slot_t));
    roots = apr_array_make(p, 2, sizeof(samlc_cert_t *));
    memset(&m, 0, sizeof(m));
    m.name = "main";
    m.origin = "idp/main/idp.conf";
    m.slots = slots;
    m.roots = roots;
    m.intermediates = apr_array_make(p, 1, sizeof(samlc_cert_t *));
    m.crls = apr_array_make(p, 1, sizeof(samlc_data_t));
    m.watch = apr_array_make(p, 1, sizeof(samlc_seen_t));
    cert = test_cert_make(&(test_cert_spec_t){ .cn = "idp", .key_type = "EC" }, p);
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static samlc_cert_t *parsed(const test_cert_t *made)
{
    samlc_cert_t *c = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&c, &made->der, res, p), APR_SUCCESS);
    return c;
}

static void put_slot(samlc_trust_slot_t slot, const test_cert_t *made)
{
    samlc_idp_slot_t *s = apr_array_push(slots);

    *s = (samlc_idp_slot_t){ slot, parsed(made), "slot.pem", NULL };
}

static void set_conf(const char *conf)
{
    samlc_settings_t *settings = samlc_settings_make(p);
    samlc_data_t file = test_data(conf, "idp.conf");

    ck_assert_msg(samlc_settings_parse(settings, &file, res, p) == APR_SUCCESS, "%s", res->message);
    m.settings = settings;
}

static void set_metadata(const char *attributes)
{
    samlc_data_t *file = apr_palloc(p, sizeof(*file));

    *file = test_data(
        apr_psprintf(
            p,
            "<md:EntityDescriptor xmlns:md=\"" SAMLC_NS_MD "\" xmlns:ds=\"" SAMLC_NS_DS
            "\" entityID=\"" ENTITY
            "\"%s><md:IDPSSODescriptor protocolSupportEnumeration=\"" SAMLC_NS_SAMLP "\">"
            "<md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s"
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\""
            " Location=\"" SSO "\"/></md:IDPSSODescriptor></md:EntityDescriptor>",
            attributes, samlc_text_base64(cert->der.data, cert->der.len, p)),
        "metadata.xml");
    m.metadata = file;
}

static samlc_idp_t *build_at(apr_time_t now)
{
    samlc_idp_t *idp = NULL;
    apr_status_t rv = APR_SUCCESS;

    apr_array_clear(warnings);
    rv = samlc_idp_build(&idp, &m, now, warnings, res, p);
    ck_assert_int_eq(rv == APR_SUCCESS, idp != NULL);
    return idp;
}

static samlc_idp_t *build(void)
{
    return build_at(TEST_NOW);
}

static samlc_idp_t *sound(void)
{
    samlc_idp_t *idp = build();

    ck_assert_msg(idp != NULL, "%s", res->message);
    return idp;
}

static void fails(const char *mention)
{
    ck_assert_ptr_null(build());
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_msg(strstr(res->message, mention) != NULL, "%s", res->message);
}

/* Exactly one warning, which names the IdP and has these words. */
static void warns(const char *words)
{
    const char *warning = NULL;

    ck_assert_int_eq(warnings->nelts, 1);
    warning = APR_ARRAY_IDX(warnings, 0, const char *);
    ck_assert_msg(strstr(warning, words) != NULL && strncmp(warning, "IdP main: ", 10) == 0, "%s",
                  warning);
}

static samlc_trust_verdict_t judge(const samlc_idp_t *idp, const test_cert_t *made)
{
    samlc_cert_t *c = parsed(made);
    samlc_candidate_t candidate = { c, samlc_cert_key(c), NULL, 1, NULL };

    return samlc_trust_judge(idp->trust, &candidate, TEST_NOW, p);
}

/* --- what is built -------------------------------------------------------------------------- */

START_TEST(test_on_file)
{
    samlc_idp_t *idp = NULL;

    set_conf("EntityID " ENTITY "\nSSOUrl " SSO "\n");
    put_slot(SAMLC_SLOT_PRIMARY, cert);
    idp = sound();
    ck_assert_str_eq(idp->name, "main");
    ck_assert_str_eq(idp->entity_id, ENTITY);
    ck_assert_str_eq(idp->sso_url, SSO);
    ck_assert_ptr_null(idp->metadata);
    ck_assert_ptr_null(idp->user_filter);
    ck_assert_ptr_eq(idp->watch, m.watch);
    ck_assert_int_eq(warnings->nelts, 0);
    ck_assert_int_eq(judge(idp, cert).slot, SAMLC_SLOT_PRIMARY);
}
END_TEST

START_TEST(test_metadata)
{
    samlc_idp_t *idp = NULL;

    set_conf("");
    set_metadata("");
    idp = sound();
    ck_assert_str_eq(idp->entity_id, ENTITY);
    ck_assert_str_eq(idp->sso_url, SSO);
    ck_assert_int_eq(warnings->nelts, 0);
    ck_assert_int_eq(judge(idp, cert).mode, SAMLC_MODE_METADATA);
    /* what is set goes before what metadata says */
    set_conf("SSOUrl https://other.example.org/\n");
    ck_assert_str_eq(sound()->sso_url, "https://other.example.org/");
    set_conf("EntityID " ENTITY "\n");
    sound();
    set_conf("EntityID https://other.example.org/\n");
    fails("metadata.xml");
}
END_TEST

START_TEST(test_policy)
{
    samlc_idp_t *idp = NULL;
    const samlc_algorithm_t *sha1 =
        samlc_algorithm_find(SAMLC_ALGORITHM_DIGEST, "http://www.w3.org/2000/09/xmldsig#sha1");

    put_slot(SAMLC_SLOT_PRIMARY, cert);
    set_conf("EntityID " ENTITY "\nMinRSABits 3072\n");
    idp = sound();
    ck_assert_int_eq(idp->signature_policy.min_rsa_bits, 3072);
    ck_assert(!samlc_algorithms_has(idp->signature_policy.allowed[SAMLC_ALGORITHM_DIGEST], sha1));
    set_conf("EntityID " ENTITY "\nDigestAlgorithms +sha1\n");
    idp = sound();
    ck_assert(samlc_algorithms_has(idp->signature_policy.allowed[SAMLC_ALGORITHM_DIGEST], sha1));
    ck_assert_uint_eq(idp->signature_policy.allowed[SAMLC_ALGORITHM_SIGNATURE],
                      samlc_algorithms_default(SAMLC_ALGORITHM_SIGNATURE));
    ck_assert_uint_eq(idp->signature_policy.allowed[SAMLC_ALGORITHM_C14N],
                      samlc_algorithms_default(SAMLC_ALGORITHM_C14N));
}
END_TEST

START_TEST(test_user_filter)
{
    samlc_idp_t *idp = NULL;

    put_slot(SAMLC_SLOT_PRIMARY, cert);
    set_conf("EntityID " ENTITY "\nUserFilter ^[a-z]+@example[.]org$\n");
    idp = sound();
    ck_assert_int_eq(regexec(idp->user_filter, "alice@example.org", 0, NULL, 0), 0);
    ck_assert_int_ne(regexec(idp->user_filter, "alice@example.org.evil", 0, NULL, 0), 0);
}
END_TEST

/* The list of the setting, or that of the file that it names. */
START_TEST(test_lists)
{
    const char *hex = samlc_cert_sha256_hex(parsed(cert));
    samlc_data_t file = test_data(apr_pstrcat(p, "CERT_VALIDATION:IGNORE_TRUST\n", hex, "\n", NULL),
                                  "list.txt");

    set_conf(apr_pstrcat(p, "EntityID " ENTITY "\nSignCerts CERT_VALIDATION:IGNORE_TRUST,", hex,
                         "\n", NULL));
    ck_assert_int_eq(judge(sound(), cert).mode, SAMLC_MODE_PINNED);
    set_conf("EntityID " ENTITY "\nSignCerts @list.txt\n");
    m.sign_certs_file = &file;
    ck_assert_int_eq(judge(sound(), cert).mode, SAMLC_MODE_PINNED);
    ck_assert_int_eq(warnings->nelts, 0);
    file = test_data("nonsense\n", "list.txt");
    fails("list.txt");
    m.sign_certs_file = NULL;
    set_conf("EntityID " ENTITY "\nSignCerts nonsense\n");
    fails("idp.conf:2");
}
END_TEST

START_TEST(test_failures)
{
    samlc_data_t junk = test_data("junk", "metadata.xml");
    samlc_data_t crl = test_data("junk", "crls/a.pem");
    apr_array_header_t *crls = apr_array_make(p, 1, sizeof(samlc_data_t));

    put_slot(SAMLC_SLOT_PRIMARY, cert);
    set_conf("");
    fails("no EntityID");
    m.metadata = &junk;
    fails("metadata.xml");
    m.metadata = NULL;
    set_conf("EntityID " ENTITY "\n");
    sound();
    APR_ARRAY_PUSH(crls, samlc_data_t) = crl;
    m.crls = crls;
    fails("crls/a.pem");
}
END_TEST

/* --- what is foretold ------------------------------------------------------------------------- */

START_TEST(test_warnings_of_settings)
{
    static const struct {
        const char *conf;
        const char *words;
    } cases[] = {
        { "SignatureAlgorithms +rsa-sha1\n", "rsa-sha1" },
        { "Unsolicited on\n", "Unsolicited" },
        { "MinRSABits 1024\n", "MinRSABits" },
        { "SignCerts ANY-TRUSTED\nUseSystemRoots off\n", "ANY-TRUSTED" },
        { "SignCerts CERT_VALIDATION:IGNORE_TRUST,00112233445566778899aabbccddeeff00112233\n",
          "SHA-1" },
    };
    const test_cert_t *ca = test_cert_make(&(test_cert_spec_t){ .cn = "ca", .key_type = "EC",
                                                                .is_ca = 1 }, p);

    put_slot(SAMLC_SLOT_PRIMARY, cert);
    APR_ARRAY_PUSH(roots, samlc_cert_t *) = parsed(ca);
    set_conf(apr_pstrcat(p, "EntityID " ENTITY "\n", cases[_i].conf, NULL));
    sound();
    warns(cases[_i].words);
    set_conf("EntityID " ENTITY "\n");
    sound();
    ck_assert_int_eq(warnings->nelts, 0);
}
END_TEST

START_TEST(test_warns_of_nothing_trusted)
{
    set_conf("EntityID " ENTITY "\n");
    sound();
    warns("no-trust-configured");
}
END_TEST

START_TEST(test_warns_of_list_without_roots)
{
    set_conf(apr_pstrcat(p, "EntityID " ENTITY "\nSignCerts ", samlc_cert_sha256_hex(parsed(cert)),
                         "\n", NULL));
    sound();
    warns("there are no roots");
    APR_ARRAY_PUSH(roots, samlc_cert_t *) = parsed(cert);
    sound();
    ck_assert_int_eq(warnings->nelts, 0);
}
END_TEST

START_TEST(test_warns_of_dates)
{
    apr_time_t late = TEST_NOT_AFTER + apr_time_from_sec(1);

    put_slot(SAMLC_SLOT_PRIMARY, cert);
    set_conf("EntityID " ENTITY "\n");
    build_at(TEST_NOT_AFTER);
    ck_assert_int_eq(warnings->nelts, 0);
    build_at(late);
    warns("expired");
    set_conf("EntityID " ENTITY "\nCertExpiry reject\n");
    build_at(late);
    warns("logins will be refused");
}
END_TEST

START_TEST(test_warns_of_metadata)
{
    set_conf("");
    set_metadata(" validUntil=\"2026-07-01T00:00:01Z\"");
    sound();
    ck_assert_int_eq(warnings->nelts, 0);
    build_at(TEST_NOW + apr_time_from_sec(1));
    ck_assert_int_eq(warnings->nelts, 2);   /* the file, and the key in it */
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(warnings, 0, const char *), "valid until"));
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(warnings, 1, const char *), "metadata-expired"));
}
END_TEST

START_TEST(test_warns_of_chains)
{
    put_slot(SAMLC_SLOT_PRIMARY, cert);
    set_conf("EntityID " ENTITY "\nValidateChain on\n");
    sound();
    warns("no-trust-configured");
    APR_ARRAY_PUSH(roots, samlc_cert_t *) =
        parsed(test_cert_make(&(test_cert_spec_t){ .cn = "ca", .key_type = "EC", .is_ca = 1 }, p));
    sound();
    warns("chain-incomplete");
    APR_ARRAY_PUSH(roots, samlc_cert_t *) = parsed(cert);
    sound();
    ck_assert_int_eq(warnings->nelts, 0);
}
END_TEST

START_TEST(test_warns_of_conflicts)
{
    int i = 0;

    put_slot(SAMLC_SLOT_PRIMARY, cert);
    set_conf("EntityID " ENTITY "\n");
    for (i = 0; i < 2; i++) {
        sound();
        ck_assert_int_eq(warnings->nelts, 0);
        APR_ARRAY_PUSH(roots, samlc_cert_t *) = parsed(
            test_cert_make(&(test_cert_spec_t){ .cn = "ca", .key_type = "EC", .is_ca = 1 }, p));
    }
    sound();
    warns("nothing here asks for a chain, so no login depends on it");
    set_conf(apr_pstrcat(p, "EntityID " ENTITY "\nSignCerts ", samlc_cert_sha256_hex(parsed(cert)),
                         "\n", NULL));
    sound();
    warns("logins whose chain has one of them will be refused (cert-conflict)");
}
END_TEST

/* What the rule that is tried out would refuse is told for each certificate; it decides nothing. */
START_TEST(test_warns_of_trials)
{
    samlc_idp_t *idp = NULL;

    put_slot(SAMLC_SLOT_PRIMARY, cert);
    APR_ARRAY_PUSH(roots, samlc_cert_t *) =
        parsed(test_cert_make(&(test_cert_spec_t){ .cn = "ca", .key_type = "EC", .is_ca = 1 }, p));
    set_conf("EntityID " ENTITY "\nTrustReportOnly ValidateChain=on\n");
    idp = sound();
    warns("would be refused under TrustReportOnly ValidateChain=on: chain-incomplete: CN=idp");
    ck_assert_int_eq(judge(idp, cert).is_trusted, 1);
    APR_ARRAY_PUSH(roots, samlc_cert_t *) = parsed(cert);
    idp = sound();
    ck_assert_int_eq(warnings->nelts, 0);
    set_conf("EntityID " ENTITY "\nTrustReportOnly CRLCheck=leaf\nValidateChain on\n");
    idp = sound();
    warns("CRLCheck=leaf: crl-stale");
    ck_assert_int_eq(judge(idp, cert).is_trusted, 1);
    set_conf("EntityID " ENTITY "\nTrustReportOnly ValidateChain=off\n");
    fails("idp.conf:2: TrustReportOnly ValidateChain=off: it is in force already");
}
END_TEST

START_TEST(test_warns_of_weak_keys)
{
    put_slot(SAMLC_SLOT_PRIMARY,
             test_cert_make(&(test_cert_spec_t){ .cn = "weak", .key_bits = 1024 }, p));
    set_conf("EntityID " ENTITY "\n");
    sound();
    warns("CN=weak (slot.pem) has 1024 bits, and MinRSABits is 2048 (key-too-small)");
}
END_TEST

START_TEST(test_warns_of_small_curves)
{
    put_slot(SAMLC_SLOT_PRIMARY, test_cert_make(&(test_cert_spec_t){ .cn = "weak", .key_type = "EC",
                                                                     .key_bits = 192 }, p));
    set_conf("EntityID " ENTITY "\n");
    sound();
    warns("the curve of the key of CN=weak (slot.pem) has 192 bits; P-256 or a larger one");
}
END_TEST

START_TEST(test_warns_of_retired_pin)
{
    const samlc_key_t *key = samlc_cert_key(parsed(cert));

    put_slot(SAMLC_SLOT_RETIRED, cert);
    set_conf(apr_pstrcat(p, "EntityID " ENTITY
                         "\nSignCerts CERT_VALIDATION:IGNORE_TRUST,spki-sha256:",
                         samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p), "\n",
                         NULL));
    sound();
    warns("a pin of the key of slot.pem, which is retired: it trusts nothing");
}
END_TEST

/* Revocation lists count where a login may ask for a chain, and only there. */
START_TEST(test_warns_of_missing_lists)
{
    put_slot(SAMLC_SLOT_PRIMARY, cert);
    APR_ARRAY_PUSH(roots, samlc_cert_t *) =
        parsed(test_cert_make(&(test_cert_spec_t){ .cn = "ca", .key_type = "EC", .is_ca = 1 }, p));
    set_conf("EntityID " ENTITY "\nCRLCheck leaf\n");
    sound();
    ck_assert_int_eq(warnings->nelts, 0);
    set_conf(apr_pstrcat(p, "EntityID " ENTITY "\nCRLCheck leaf\nSignCerts ",
                         samlc_cert_sha256_hex(parsed(cert)), "\n", NULL));
    sound();
    warns("there are none: each chain will be refused (crl-stale)");
}
END_TEST

/* What is retired is there to explain a refusal: nothing to warn of. */
START_TEST(test_retired_is_quiet)
{
    put_slot(SAMLC_SLOT_PRIMARY, cert);
    put_slot(SAMLC_SLOT_RETIRED,
             test_cert_make(&(test_cert_spec_t){ .cn = "old", .key_type = "EC",
                                                 .not_after = TEST_NOT_BEFORE + 1 }, p));
    set_conf("EntityID " ENTITY "\n");
    sound();
    ck_assert_int_eq(warnings->nelts, 0);
}
END_TEST

Suite *suite_idp(void)
{
    Suite *suite = suite_create("idp");
    TCase *tc = tcase_create("idp");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_on_file);
    tcase_add_test(tc, test_metadata);
    tcase_add_test(tc, test_policy);
    tcase_add_test(tc, test_user_filter);
    tcase_add_test(tc, test_lists);
    tcase_add_test(tc, test_failures);
    tcase_add_loop_test(tc, test_warnings_of_settings, 0, 5);
    tcase_add_test(tc, test_warns_of_nothing_trusted);
    tcase_add_test(tc, test_warns_of_list_without_roots);
    tcase_add_test(tc, test_warns_of_dates);
    tcase_add_test(tc, test_warns_of_metadata);
    tcase_add_test(tc, test_warns_of_chains);
    tcase_add_test(tc, test_warns_of_conflicts);
    tcase_add_test(tc, test_warns_of_trials);
    tcase_add_test(tc, test_warns_of_weak_keys);
    tcase_add_test(tc, test_warns_of_small_curves);
    tcase_add_test(tc, test_warns_of_retired_pin);
    tcase_add_test(tc, test_warns_of_missing_lists);
    tcase_add_test(tc, test_retired_is_quiet);
    suite_add_tcase(suite, tc);
    return suite;
}
