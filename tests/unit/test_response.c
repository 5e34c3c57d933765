/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to a verdict: reading, signatures, trust, decryption, claims; rules: test_rules.c. */
#include "core/saml/response.h"

#include <apr_strings.h>

#include "core/xml/xml.h"
#include "message_test.h"
#include "test.h"

#define OK_ SAMLC_REASON_OK
#define LIST "SignCerts "
#define PINS "SignCerts CERT_VALIDATION:IGNORE_TRUST,"

static const forge_t plain = { 0 };

static const char *sign(const char *xml, const char *id)
{
    return forge_sign(xml, id, &(forge_signature_t){ .by = keys->idp }, p);
}

static const char *encrypt(const char *xml)
{
    return forge_encrypt(xml, &(forge_encryption_t){ .to = keys->sp->pkey }, p);
}

static const char *signed_assertion(void)
{
    return world_signed(&plain, FORGE_ASSERTION_ID, keys->idp, p);
}

/* --- reading -------------------------------------------------------------------------------- */

static samlc_response_t *read_text(const char *text, samlc_reason_t *reason)
{
    samlc_data_t data = test_data(text, "SAMLResponse");
    samlc_result_t *res = samlc_result_make(p);
    samlc_response_t *response = NULL;
    apr_status_t rv = samlc_response_read(&response, &data, res, p);

    ck_assert_int_eq(rv == APR_SUCCESS, response != NULL);
    *reason = res->reason;
    return response;
}

START_TEST(test_forms)
{
    const char *xml = signed_assertion();
    const char *base64 = samlc_text_base64(xml, strlen(xml), p);

    world_accepts(w, xml);
    world_accepts(w, base64);
    world_accepts(w, apr_pstrcat(p, "\n ", xml, " \n", NULL));
    world_accepts(w, apr_pstrcat(p, "\xEF\xBB\xBF<?xml version=\"1.0\"?>", xml, NULL));
    world_accepts(w, apr_pstrcat(p, apr_pstrmemdup(p, base64, 76), "\r\n", base64 + 76, NULL));
    world_refuses(w, "", SAMLC_REASON_MALFORMED);
    world_refuses(w, "!", SAMLC_REASON_MALFORMED);
    world_refuses(w, "AAAA", SAMLC_REASON_MALFORMED);
    world_refuses(w, apr_pstrcat(p, base64, "=", NULL), SAMLC_REASON_MALFORMED);
    world_refuses(w, base64 + 1, SAMLC_REASON_MALFORMED);
    world_refuses(w, samlc_text_base64(base64, strlen(base64), p), SAMLC_REASON_MALFORMED);
    world_refuses(w, apr_pstrcat(p, "%", xml, NULL), SAMLC_REASON_MALFORMED);
}
END_TEST

START_TEST(test_sizes)
{
    const char *xml = forge_replace(signed_assertion(), "</samlp:Response>", "", p);
    int room = 192 * 1024 - (int)strlen(xml) - (int)strlen("</samlp:Response>");
    int i = 0;

    for (i = 0; i < 2; i++) {
        const char *whole = apr_pstrcat(p, xml, forge_repeat(" ", room + i, p), "</samlp:Response>",
                                        NULL);

        if (i == 0) {
            world_accepts(w, whole);
            world_accepts(w, samlc_text_base64(whole, strlen(whole), p));
        }
        else {
            world_refuses(w, whole, SAMLC_REASON_TOO_LARGE);
            world_refuses(w, samlc_text_base64(whole, strlen(whole), p), SAMLC_REASON_TOO_LARGE);
        }
    }
}
END_TEST

static const struct {
    forge_t f;
    const char *issuer;
} issuers[] = {
    { { 0 }, FORGE_IDP },
    { { .response_issuer = "" }, FORGE_IDP },
    { { .response_issuer = "a" }, "a" },
    { { .response_issuer = "", .issuer = "" }, NULL },
};

START_TEST(test_issuer)
{
    samlc_reason_t reason = SAMLC_REASON_UNDECIDED;
    samlc_response_t *response = read_text(forge_write(&issuers[_i].f, p), &reason);

    ck_assert_ptr_nonnull(response);
    ck_assert_pstr_eq(samlc_response_issuer(response), issuers[_i].issuer);
    if (issuers[_i].issuer == NULL) {
        world_refuses(w, forge_write(&issuers[_i].f, p), SAMLC_REASON_UNKNOWN_IDP);
    }
}
END_TEST

/* An encrypted assertion names nobody. */
START_TEST(test_issuer_of_encrypted)
{
    samlc_reason_t reason = SAMLC_REASON_UNDECIDED;
    const char *xml = encrypt(forge_write(&(forge_t){ .response_issuer = "" }, p));

    ck_assert_ptr_null(samlc_response_issuer(read_text(xml, &reason)));
    world_refuses(w, xml, SAMLC_REASON_UNKNOWN_IDP);
}
END_TEST

START_TEST(test_without_assertion)
{
    const char *xml = forge_write(&plain, p);
    const char *empty = forge_replace(xml, forge_element(xml, "saml:Assertion", p), "", p);
    const char *error = forge_replace(empty, FORGE_SUCCESS,
                                      "urn:oasis:names:tc:SAML:2.0:status:Responder", p);

    world_refuses(w, empty, SAMLC_REASON_MALFORMED);
    world_refuses(w, sign(empty, FORGE_RESPONSE_ID), SAMLC_REASON_MALFORMED);
    world_refuses(w, error, SAMLC_REASON_STATUS_NOT_SUCCESS);
    world_refuses(w, sign(error, FORGE_RESPONSE_ID), SAMLC_REASON_STATUS_NOT_SUCCESS);
}
END_TEST

/* --- what is signed ------------------------------------------------------------------------- */

typedef enum { NEITHER, RESPONSE, ASSERTION, BOTH, KINDS } signed_t;

static const char *signed_as(signed_t what)
{
    const char *xml = forge_write(&plain, p);

    if (what == ASSERTION || what == BOTH) {
        xml = sign(xml, FORGE_ASSERTION_ID);
    }
    return what == RESPONSE || what == BOTH ? sign(xml, FORGE_RESPONSE_ID) : xml;
}

#define NOS SAMLC_REASON_NO_SIGNATURE

static const struct {
    const char *conf;
    samlc_reason_t reasons[KINDS];
} signature_rules[] = {
    { "", { NOS, OK_, OK_, OK_ } },
    { "ResponseSignature any\n", { NOS, OK_, OK_, OK_ } },
    { "ResponseSignature response\n", { NOS, OK_, NOS, OK_ } },
    { "ResponseSignature assertion\n", { NOS, NOS, OK_, OK_ } },
    { "ResponseSignature both\n", { NOS, NOS, NOS, OK_ } },
};

START_TEST(test_what_is_signed)
{
    signed_t what = NEITHER;

    w = world_make(signature_rules[_i].conf, keys->idp, p);
    for (what = NEITHER; what < KINDS; what++) {
        samlc_reason_t reason = SAMLC_REASON_UNDECIDED;

        world_judges(w, signed_as(what), &reason);
        ck_assert_int_eq(reason, signature_rules[_i].reasons[what]);
        world_judges(w,
                     what == RESPONSE || what == BOTH
                         ? sign(encrypt(what == BOTH ? signed_as(ASSERTION) : signed_as(NEITHER)),
                                FORGE_RESPONSE_ID)
                         : encrypt(signed_as(what)),
                     &reason);
        ck_assert_int_eq(reason, signature_rules[_i].reasons[what]);
    }
}
END_TEST

/* Where both are signed, both must verify. */
START_TEST(test_both_must_verify)
{
    const char *inner = signed_assertion();
    const forge_signature_t by_stranger = { .by = keys->stranger };
    const char *xml = forge_write(&plain, p);

    world_accepts(w, signed_as(BOTH));
    world_refuses(w, sign(forge_sign(xml, FORGE_ASSERTION_ID, &by_stranger, p), FORGE_RESPONSE_ID),
                  SAMLC_REASON_CERT_NOT_LISTED);
    world_refuses(w, forge_sign(inner, FORGE_RESPONSE_ID, &by_stranger, p),
                  SAMLC_REASON_CERT_NOT_LISTED);
    world_refuses(w, sign(forge_replace(inner, FORGE_USER, "mallory", p), FORGE_RESPONSE_ID),
                  SAMLC_REASON_SIGNATURE_INVALID);
    world_refuses(w, forge_replace(signed_as(BOTH), FORGE_ACS, FORGE_ACS "/", p),
                  SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

/* --- trust ---------------------------------------------------------------------------------- */

static const char *fingerprint(const test_cert_t *cert)
{
    unsigned char sha256[32];

    ck_assert_int_eq(EVP_Digest(cert->der.data, cert->der.len, sha256, NULL, EVP_sha256(), NULL),
                     1);
    return samlc_text_hex(sha256, sizeof(sha256), p);
}

START_TEST(test_unlisted)
{
    const char *xml = world_signed(&plain, FORGE_ASSERTION_ID, keys->stranger, p);
    samlc_data_t data = test_data(xml, "test");
    samlc_response_t *response = NULL;
    samlc_verdict_t *v = NULL;

    world_refuses(w, xml, SAMLC_REASON_CERT_NOT_LISTED);
    /* and it is said which one, so that it can be staged */
    ck_assert_int_eq(samlc_response_read(&response, &data, samlc_result_make(p), p), APR_SUCCESS);
    v = samlc_response_judge(response, &w->expected, p);
    ck_assert_str_eq(samlc_cert_sha256_hex(v->trust.cert), fingerprint(keys->stranger));
    ck_assert_int_eq(v->trust.is_trusted, 0);
    ck_assert_ptr_nonnull(strstr(v->message, fingerprint(keys->stranger)));
    w = world_make(apr_pstrcat(p, PINS, fingerprint(keys->stranger), "\n", NULL), keys->idp, p);
    world_accepts(w, xml);
}
END_TEST

/* The refusal after a verified response does not speak of the certificate that signed that one. */
START_TEST(test_unlisted_inside)
{
    const char *xml = sign(world_signed(&plain, FORGE_ASSERTION_ID, keys->stranger, p),
                           FORGE_RESPONSE_ID);
    samlc_data_t data = test_data(xml, "test");
    samlc_response_t *response = NULL;
    samlc_verdict_t *v = NULL;

    ck_assert_int_eq(samlc_response_read(&response, &data, samlc_result_make(p), p), APR_SUCCESS);
    v = samlc_response_judge(response, &w->expected, p);
    ck_assert_int_eq(v->reason, SAMLC_REASON_CERT_NOT_LISTED);
    ck_assert_int_eq(v->trust.is_trusted, 0);
    ck_assert_str_eq(samlc_cert_sha256_hex(v->trust.cert), fingerprint(keys->stranger));
}
END_TEST

START_TEST(test_pinned)
{
    const char *xml = signed_assertion();
    const char *bare = forge_sign(forge_write(&plain, p), FORGE_ASSERTION_ID,
                                  &(forge_signature_t){ .by = keys->idp, .key_info = "" }, p);
    samlc_verdict_t *v = NULL;

    w = world_make(apr_pstrcat(p, PINS, fingerprint(keys->idp), "\n", NULL), NULL, p);
    v = world_accepts(w, xml);
    ck_assert_int_eq(v->trust.mode, SAMLC_MODE_PINNED);
    ck_assert_str_eq(v->claims->session.cert_slot, "none");
    world_refuses(w, bare, SAMLC_REASON_CERT_NOT_LISTED);   /* no certificate to compare with */
    w = world_make(apr_pstrcat(p, PINS, fingerprint(keys->stranger), "\n", NULL), NULL, p);
    world_refuses(w, xml, SAMLC_REASON_CERT_NOT_LISTED);
    w = world_make(apr_pstrcat(p, LIST, fingerprint(keys->idp), "\n", NULL), NULL, p);
    world_refuses(w, xml,
                  SAMLC_REASON_NO_TRUST_CONFIGURED); /* a chain is asked for, without roots */
}
END_TEST

START_TEST(test_no_trust)
{
    w = world_make(NULL, NULL, p);
    world_refuses(w, signed_assertion(), SAMLC_REASON_NO_TRUST_CONFIGURED);
    world_refuses(w, forge_write(&plain, p), NOS);
}
END_TEST

/* Without KeyInfo every key on file is tried; what none of them made is invalid. */
START_TEST(test_without_key_info)
{
    const char *xml = forge_write(&plain, p);

    world_accepts(w, forge_sign(xml, FORGE_ASSERTION_ID,
                                &(forge_signature_t){ .by = keys->idp, .key_info = "" }, p));
    world_refuses(w, forge_sign(xml, FORGE_ASSERTION_ID,
                                &(forge_signature_t){ .by = keys->stranger, .key_info = "" }, p),
                  SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

/* A foreign certificate beside a good signature is a bad hint; the key on file is found anyway. */
START_TEST(test_wrong_hint)
{
    const char *xml = forge_write(&plain, p);
    const char *foreign = forge_x509_data(keys->stranger, p);
    samlc_verdict_t *v = world_accepts(
        w, forge_sign(xml, FORGE_ASSERTION_ID,
                      &(forge_signature_t){ .by = keys->idp, .key_info = foreign }, p));

    ck_assert_str_eq(v->claims->session.cert_sha256, fingerprint(keys->idp));
    world_refuses(w,
                  forge_sign(xml, FORGE_ASSERTION_ID,
                             &(forge_signature_t){ .by = keys->stranger,
                                                   .key_info = forge_x509_data(keys->idp, p) },
                             p),
                  SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

START_TEST(test_expired_certificate)
{
    const char *xml = signed_assertion();
    apr_time_t late = TEST_NOT_AFTER + apr_time_from_sec(1);
    forge_t f = { .instant = "2027-01-01T00:00:00Z", .response_instant = "2027-01-01T00:00:00Z",
                  .not_before = "", .not_on_or_after = "2027-01-01T00:05:00Z",
                  .confirmed_until = "2027-01-01T00:05:00Z", .session_until = "" };

    world_accepts(w, xml);
    xml = world_signed(&f, FORGE_ASSERTION_ID, keys->idp, p);
    w->expected.now = late;
    ck_assert_ptr_nonnull(world_accepts(w, xml)->trust.warning);
    w = world_make("CertExpiry reject\n", keys->idp, p);
    w->expected.now = TEST_NOT_AFTER;
    ck_assert_ptr_null(world_accepts(w, xml)->trust.warning);
    w->expected.now = late;
    world_refuses(w, xml, SAMLC_REASON_CERT_EXPIRED);
}
END_TEST

/* --- decryption ----------------------------------------------------------------------------- */

START_TEST(test_encrypted)
{
    const char *xml = encrypt(signed_assertion());

    ck_assert_str_eq(world_accepts(w, xml)->claims->session.user, FORGE_USER);
    world_accepts(w, sign(encrypt(forge_write(&plain, p)), FORGE_RESPONSE_ID));
    world_accepts(w, sign(xml, FORGE_RESPONSE_ID));
    w->expected.keys = NULL;
    world_refuses(w, xml, SAMLC_REASON_DECRYPT_FAILED);
}
END_TEST

START_TEST(test_require_encrypted)
{
    w = world_make("RequireEncrypted on\n", keys->idp, p);
    world_refuses(w, signed_assertion(), SAMLC_REASON_DECRYPT_FAILED);
    world_refuses(w, signed_as(RESPONSE), SAMLC_REASON_DECRYPT_FAILED);
    world_accepts(w, encrypt(signed_assertion()));
}
END_TEST

/* CBC under a verified signature of the response only, and where it is allowed. */
START_TEST(test_cbc)
{
    const forge_encryption_t how = { .to = keys->sp->pkey, .cipher = "aes256-cbc" };
    const char *inside = forge_encrypt(signed_assertion(), &how, p);
    const char *around = sign(forge_encrypt(forge_write(&plain, p), &how, p), FORGE_RESPONSE_ID);

    world_refuses(w, around, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    w = world_make("EncryptionAlgorithms +aes256-cbc\n", keys->idp, p);
    world_accepts(w, around);
    world_accepts(w, sign(inside, FORGE_RESPONSE_ID));
    world_refuses(w, inside, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    world_refuses(w, forge_replace(around, FORGE_ACS, FORGE_ACS "x", p),
                  SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

/* xmlsec-based IdPs declare the prefix outside the ciphertext only. */
START_TEST(test_prefix_from_outside)
{
    const char *xml = signed_assertion();
    const char *inside = forge_replace(forge_element(xml, "saml:Assertion", p),
                                       " xmlns:saml=\"" SAMLC_NS_SAML "\"", "", p);

    world_accepts(w, forge_replace(
        xml, forge_element(xml, "saml:Assertion", p),
        forge_encrypted("EncryptedAssertion", inside,
                        &(forge_encryption_t){ .to = keys->sp->pkey }, p), p));
}
END_TEST

START_TEST(test_encrypted_parts)
{
    const forge_encryption_t how = { .to = keys->sp->pkey };
    const forge_encryption_t foreign = { .to = keys->stranger->pkey };
    const char *ns = " xmlns:saml=\"" SAMLC_NS_SAML "\"";
    const char *id = apr_psprintf(p, "<saml:NameID%s>secret</saml:NameID>", ns);
    const char *attribute = apr_psprintf(p, "<saml:Attribute%s Name=\"a\"><saml:AttributeValue>v"
                                            "</saml:AttributeValue></saml:Attribute>", ns);
    forge_t f = { .name_id_xml = forge_encrypted("EncryptedID", id, &how, p),
                  .attributes_xml = forge_encrypted("EncryptedAttribute", attribute, &how, p) };
    samlc_verdict_t *v = world_accepts(w, world_signed(&f, FORGE_ASSERTION_ID, keys->idp, p));
    const samlc_attribute_t *a = &APR_ARRAY_IDX(v->claims->session.attributes, 0,
                                                samlc_attribute_t);

    ck_assert_str_eq(v->claims->session.user, "secret");
    ck_assert_str_eq(a->name, "a");
    ck_assert_str_eq(APR_ARRAY_IDX(a->values, 0, const char *), "v");
    f.name_id_xml = forge_encrypted("EncryptedID", attribute, &how, p);
    world_refuses(w, world_signed(&f, FORGE_ASSERTION_ID, keys->idp, p),
                  SAMLC_REASON_DECRYPT_FAILED);
    f.name_id_xml = forge_encrypted("EncryptedID", id, &foreign, p);
    world_refuses(w, world_signed(&f, FORGE_ASSERTION_ID, keys->idp, p),
                  SAMLC_REASON_DECRYPT_FAILED);
    f.name_id_xml = NULL;
    f.attributes_xml = forge_encrypted("EncryptedAttribute", id, &how, p);
    world_refuses(w, world_signed(&f, FORGE_ASSERTION_ID, keys->idp, p),
                  SAMLC_REASON_DECRYPT_FAILED);
}
END_TEST

/* --- the verdict ---------------------------------------------------------------------------- */

START_TEST(test_claims)
{
    const samlc_claims_t *c = world_accepts(w, signed_assertion())->claims;
    const samlc_session_t *s = &c->session;

    ck_assert_str_eq(c->idp->name, "main");
    ck_assert_str_eq(c->response_id, FORGE_RESPONSE_ID);
    ck_assert_str_eq(c->assertion_id, FORGE_ASSERTION_ID);
    ck_assert_str_eq(c->in_response_to, FORGE_REQUEST);
    ck_assert_int_eq(c->session_not_on_or_after, TEST_NOW + apr_time_from_sec(8 * 3600));
    ck_assert_str_eq(s->user, FORGE_USER);
    ck_assert_str_eq(s->sp_entity_id, FORGE_SP);
    ck_assert_str_eq(s->idp_name, "main");
    ck_assert_str_eq(s->idp_entity_id, FORGE_IDP);
    ck_assert_str_eq(s->name_id, FORGE_USER);
    ck_assert_str_eq(s->session_index, "_session");
    ck_assert_str_eq(s->authn_context, FORGE_PASSWORD);
    ck_assert_str_eq(s->authn_instant, "2026-06-30T23:59:50Z");
    ck_assert_str_eq(s->cert_sha256, fingerprint(keys->idp));
    ck_assert_str_eq(s->cert_slot, "primary");
    ck_assert_int_eq(s->attributes->nelts, 1);
    w = world_make("Unsolicited on\n", keys->idp, p);
    c = world_accepts(w, world_signed(&(forge_t){ .in_response_to = "", .session_until = "" },
                                      FORGE_ASSERTION_ID, keys->idp, p))->claims;
    ck_assert_ptr_null(c->in_response_to);
    ck_assert_int_eq(c->session_not_on_or_after, 0);
}
END_TEST

/* "idp=passed status=passed ..." */
static const char *steps_of(const char *xml)
{
    samlc_data_t data = test_data(xml, "test");
    samlc_response_t *response = NULL;
    samlc_verdict_t *v = NULL;
    const char *shown = "";
    int i = 0;

    ck_assert_int_eq(samlc_response_read(&response, &data, samlc_result_make(p), p), APR_SUCCESS);
    v = samlc_response_judge(response, &w->expected, p);
    for (i = 0; i < v->steps->nelts; i++) {
        const samlc_step_t *step = &APR_ARRAY_IDX(v->steps, i, samlc_step_t);

        ck_assert_ptr_nonnull(step->detail);
        shown = apr_pstrcat(p, shown, i == 0 ? "" : " ", step->step, "=", step->outcome, NULL);
        if (strcmp(step->outcome, "failed") == 0) {
            ck_assert_str_eq(step->detail, v->message);
            ck_assert_int_eq(i, v->steps->nelts - 1);
        }
    }
    return shown;
}

#define TO_THE_END \
    " assertion=passed issuer=passed destination=passed times=passed conditions=passed" \
    " audience=passed confirmation=passed subject=skipped request=passed" \
    " authentication=passed" \
    " scope=skipped user=passed"

START_TEST(test_steps)
{
    const char *xml = signed_assertion();

    ck_assert_str_eq(steps_of(xml),
                     "idp=passed status=passed response-signature=skipped decryption=skipped"
                     " assertion-signature=passed" TO_THE_END " replay=passed");
    ck_assert_str_eq(steps_of(encrypt(xml)),
                     "idp=passed status=passed response-signature=skipped decryption=passed"
                     " assertion-signature=passed" TO_THE_END " replay=passed");
    w->expected.claim = NULL;
    ck_assert_str_eq(steps_of(signed_as(RESPONSE)),
                     "idp=passed status=passed response-signature=passed decryption=skipped"
                     " assertion-signature=skipped" TO_THE_END " replay=skipped");
    ck_assert_str_eq(steps_of(forge_replace(xml, FORGE_USER, "mallory", p)),
                     "idp=passed status=passed response-signature=skipped decryption=skipped"
                     " assertion-signature=failed");
    ck_assert_str_eq(steps_of(forge_write(&(forge_t){ .issuer = "a" }, p)), "idp=failed");
}
END_TEST

/* Zeroed memory refuses, everywhere. */
START_TEST(test_zero_refuses)
{
    samlc_verdict_t v;
    samlc_trust_verdict_t t;

    memset(&v, 0, sizeof(v));
    memset(&t, 0, sizeof(t));
    ck_assert_int_eq(v.outcome, SAMLC_REFUSED);
    ck_assert_int_ne(v.reason, SAMLC_REASON_OK);
    ck_assert_int_eq(t.is_trusted, 0);
    ck_assert_int_ne(t.reason, SAMLC_REASON_OK);
}
END_TEST

/* What stands outside the signature is not what the session gets. */
START_TEST(test_reads_what_is_signed)
{
    const char *xml = signed_as(RESPONSE);
    samlc_verdict_t *v = world_accepts(w, forge_replace(xml, FORGE_USER,
                                                        "alice@<!-- -->example.org", p));

    ck_assert_str_eq(v->claims->session.user, FORGE_USER);
}
END_TEST

Suite *suite_response(void)
{
    Suite *suite = suite_create("response");
    TCase *tc = message_tcase("response");

    tcase_add_test(tc, test_forms);
    tcase_add_test(tc, test_sizes);
    tcase_add_loop_test(tc, test_issuer, 0, COUNT(issuers));
    tcase_add_test(tc, test_issuer_of_encrypted);
    tcase_add_test(tc, test_without_assertion);
    tcase_add_loop_test(tc, test_what_is_signed, 0, COUNT(signature_rules));
    tcase_add_test(tc, test_both_must_verify);
    tcase_add_test(tc, test_unlisted);
    tcase_add_test(tc, test_unlisted_inside);
    tcase_add_test(tc, test_pinned);
    tcase_add_test(tc, test_no_trust);
    tcase_add_test(tc, test_without_key_info);
    tcase_add_test(tc, test_wrong_hint);
    tcase_add_test(tc, test_expired_certificate);
    tcase_add_test(tc, test_encrypted);
    tcase_add_test(tc, test_require_encrypted);
    tcase_add_test(tc, test_cbc);
    tcase_add_test(tc, test_prefix_from_outside);
    tcase_add_test(tc, test_encrypted_parts);
    tcase_add_test(tc, test_claims);
    tcase_add_test(tc, test_steps);
    tcase_add_test(tc, test_zero_refuses);
    tcase_add_test(tc, test_reads_what_is_signed);
    suite_add_tcase(suite, tc);
    return suite;
}
