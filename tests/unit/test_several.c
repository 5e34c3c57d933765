/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several assertions in one response (spec: SAML-Profiles 4.1.4.2, 4.1.4.3): every one of them is
 * vouched for and passes the rules, all speak of one subject, one logs in. Else nobody does.
 */
#include <apr_strings.h>

#include "core/xml/xml.h"
#include "message_test.h"
#include "test.h"

#define OK_ SAMLC_REASON_OK
#define SECOND "_second"
#define OTHER_FORMAT "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
#define NAME_ID(attributes, name) "<saml:NameID" attributes ">" name "</saml:NameID>"
#define ATTRIBUTE(name, value) \
    "<saml:Attribute Name=\"" name "\"><saml:AttributeValue>" value \
    "</saml:AttributeValue></saml:Attribute>"
#define DATA(recipient, request) \
    " InResponseTo=\"" request "\" Recipient=\"" recipient "\"" \
    " NotOnOrAfter=\"2026-07-01T00:05:00Z\""
#define CONFIRMATION(method, data) \
    "<saml:SubjectConfirmation Method=\"" method "\"><saml:SubjectConfirmationData" data "/>" \
    "</saml:SubjectConfirmation>"
#define VOUCHES "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"

/* How one assertion comes: who signs it, and whether it is encrypted for us then. */
/* A table says of an assertion what is special about it. */
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"

typedef enum { BY_IDP, BY_NOBODY, BY_STRANGER, BY_OTHER } signer_t;
typedef enum { OPEN, HIDDEN } cover_t;

typedef struct part_t {
    forge_t f;            /* assertion_id: _assertion for the first, _second for the second ... */
    signer_t signer;
    cover_t cover;
    const char *from, *to;   /* surgery after it was signed */
} part_t;

typedef struct several_t {
    samlc_reason_t reason;
    int is_signed;           /* the response is */
    int count;               /* of parts; 2 where it says 0 */
    part_t parts[3];
    const char *conf;        /* lines of idp.conf */
    const char *login_id;    /* of the assertion that logs in; NULL: _assertion */
} several_t;

static const part_t good = { .signer = BY_IDP };
static const part_t bare = { .signer = BY_NOBODY };

static const char *const part_ids[] = { FORGE_ASSERTION_ID, SECOND, "_third", "_fourth", "_fifth" };

/* One assertion by itself. */
static const char *assertion(const part_t *part, int i)
{
    const test_cert_t *by = part->signer == BY_IDP        ? keys->idp
                            : part->signer == BY_STRANGER ? keys->stranger
                                                          : keys->other;
    forge_t f = part->f;
    const char *xml = NULL;

    f.assertion_id = f.assertion_id == NULL ? part_ids[i] : f.assertion_id;
    xml = forge_element(forge_write(&f, p), "saml:Assertion", p);
    if (part->signer != BY_NOBODY) {
        xml = forge_sign(xml, f.assertion_id, &(forge_signature_t){ .by = by }, p);
    }
    if (part->from != NULL) {
        xml = forge_replace(xml, part->from, part->to, p);
    }
    return part->cover == OPEN
               ? xml
               : forge_encrypted("EncryptedAssertion", xml,
                                 &(forge_encryption_t){ .to = keys->sp->pkey }, p);
}

/* A response with these assertions in it. */
static const char *response_of(const char *const assertions[], int count, int is_signed)
{
    const char *xml = message_written();
    const char *all = "";
    int i = 0;

    for (i = 0; i < count; i++) {
        all = apr_pstrcat(p, all, assertions[i], NULL);
    }
    xml = forge_replace(xml, forge_element(xml, "saml:Assertion", p), all, p);
    return is_signed ? forge_sign(xml, FORGE_RESPONSE_ID, &(forge_signature_t){ .by = keys->idp },
                                  p)
                     : xml;
}

static const char *several(const several_t *s)
{
    const char *assertions[COUNT(s->parts)];
    int count = s->count == 0 ? 2 : s->count;
    int i = 0;

    for (i = 0; i < count; i++) {
        assertions[i] = assertion(&s->parts[i], i);
    }
    return response_of(assertions, count, s->is_signed);
}

static void judge(const several_t *s)
{
    const char *xml = NULL;

    w = world_make(s->conf, keys->idp, p);
    xml = several(s);
    if (s->reason == OK_) {
        w->login_id = s->login_id == NULL ? FORGE_ASSERTION_ID : s->login_id;
        message_sound(xml);
    }
    else {
        world_refuses(w, xml, s->reason);
    }
}

/* --- who vouches ------------------------------------------------------------------------------ */

static const several_t vouched[] = {
    { OK_, .parts = { { { 0 } }, { { 0 } } } },
    { OK_, .is_signed = 1, .parts = { { .signer = BY_NOBODY }, { .signer = BY_NOBODY } } },
    { OK_, .is_signed = 1, .parts = { { .signer = BY_IDP }, { .signer = BY_NOBODY } } },
    { OK_, .is_signed = 1, .parts = { { .signer = BY_NOBODY }, { .signer = BY_IDP } } },
    { OK_, .is_signed = 1, .parts = { { { 0 } }, { { 0 } } }, .conf = "ResponseSignature both\n" },
    { OK_, .count = 3, .parts = { { { 0 } }, { { 0 } }, { { 0 } } } },
    { OK_, .parts = { { .cover = HIDDEN }, { { 0 } } } },
    { OK_, .parts = { { { 0 } }, { .cover = HIDDEN } } },
    { OK_, .parts = { { .cover = HIDDEN }, { .cover = HIDDEN } },
      .conf = "RequireEncrypted on\n" },
    { OK_, .is_signed = 1,
      .parts = { { .signer = BY_NOBODY, .cover = HIDDEN },
                 { .signer = BY_NOBODY, .cover = HIDDEN } } },
    { OK_, .is_signed = 1,
      .parts = { { .signer = BY_NOBODY }, { .signer = BY_NOBODY, .cover = HIDDEN } } },
    /* nobody, or somebody else */
    { SAMLC_REASON_NO_SIGNATURE, .parts = { { .signer = BY_NOBODY }, { .signer = BY_NOBODY } } },
    { SAMLC_REASON_NO_SIGNATURE, .parts = { { { 0 } }, { .signer = BY_NOBODY } } },
    { SAMLC_REASON_NO_SIGNATURE, .parts = { { .signer = BY_NOBODY }, { { 0 } } } },
    { SAMLC_REASON_NO_SIGNATURE, .count = 3,
      .parts = { { { 0 } }, { { 0 } }, { .signer = BY_NOBODY } } },
    { SAMLC_REASON_NO_SIGNATURE,
      .parts = { { { 0 } }, { .signer = BY_NOBODY, .cover = HIDDEN } } },
    { SAMLC_REASON_NO_SIGNATURE,
      .parts = { { .signer = BY_NOBODY, .cover = HIDDEN }, { { 0 } } } },
    { SAMLC_REASON_CERT_NOT_LISTED, .parts = { { { 0 } }, { .signer = BY_STRANGER } } },
    { SAMLC_REASON_CERT_NOT_LISTED, .parts = { { .signer = BY_STRANGER }, { { 0 } } } },
    { SAMLC_REASON_CERT_NOT_LISTED, .is_signed = 1,
      .parts = { { { 0 } }, { .signer = BY_STRANGER } } },
    { SAMLC_REASON_CERT_NOT_LISTED, .is_signed = 1,
      .parts = { { { 0 } }, { .signer = BY_STRANGER, .cover = HIDDEN } } },
    { SAMLC_REASON_SIGNATURE_INVALID,
      .parts = { { { 0 } }, { .from = ">" FORGE_USER, .to = ">" MALLORY } } },
    { SAMLC_REASON_SIGNATURE_INVALID,
      .parts = { { { 0 } }, { .cover = HIDDEN, .from = ">" FORGE_USER, .to = ">" MALLORY } } },
    /* what the settings ask for is asked of each */
    { SAMLC_REASON_NO_SIGNATURE, .is_signed = 1,
      .parts = { { { 0 } }, { .signer = BY_NOBODY } }, .conf = "ResponseSignature assertion\n" },
    { SAMLC_REASON_NO_SIGNATURE, .parts = { { { 0 } }, { { 0 } } },
      .conf = "ResponseSignature response\n" },
    { SAMLC_REASON_DECRYPT_FAILED, .parts = { { .cover = HIDDEN }, { { 0 } } },
      .conf = "RequireEncrypted on\n" },
};

START_TEST(test_vouched)
{
    judge(&vouched[_i]);
}
END_TEST

/* --- the rules, for each ---------------------------------------------------------------------- */

/* A second assertion that would be refused alone; beside a good one it refuses both. */
static const several_t rules[] = {
    { SAMLC_REASON_EXPIRED, .parts = { [1] = { { .not_before = "",
                                                 .not_on_or_after = "2026-06-30T23:00:00Z" } } } },
    { SAMLC_REASON_EXPIRED, .parts = { [1] = { { .confirmed_until = "2026-06-30T23:00:00Z" } } } },
    { SAMLC_REASON_EXPIRED, .parts = { [1] = { { .instant = "2026-06-29T00:00:00Z" } } } },
    { SAMLC_REASON_EXPIRED, .parts = { [1] = { { .session_until = "2026-06-30T23:00:00Z" } } } },
    { SAMLC_REASON_NOT_YET_VALID, .parts = { [1] = { { .not_before = "2026-07-01T01:00:00Z",
                                                       .not_on_or_after = "" } } } },
    { SAMLC_REASON_NOT_YET_VALID,
      .parts = { [1] = { { .authn_instant = "2026-07-01T01:00:00Z" } } } },
    { SAMLC_REASON_MALFORMED, .parts = { [1] = { { .not_before = "2026-07-01T01:00:00Z" } } } },
    { SAMLC_REASON_WRONG_AUDIENCE, .parts = { [1] = { { .audience = "https://sp2.example/" } } } },
    { SAMLC_REASON_WRONG_AUDIENCE, .parts = { [1] = { { .restrictions_xml = "" } } } },
    { SAMLC_REASON_WRONG_AUDIENCE, .parts = { [1] = { { .conditions_xml = "" } } } },
    { SAMLC_REASON_MALFORMED,
      .parts = { [1] = { { .restrictions_xml = "<x:Odd xmlns:x=\"urn:x\"/>" } } } },
    { SAMLC_REASON_MALFORMED, .parts = { [1] = { { .version = "1.1" } } } },
    { SAMLC_REASON_WRONG_ISSUER, .parts = { [1] = { { .issuer = WORLD_OTHER_IDP } } } },
    { SAMLC_REASON_WRONG_ISSUER,
      .parts = { [1] = { { .issuer = WORLD_OTHER_IDP }, .signer = BY_OTHER } } },
    { SAMLC_REASON_WRONG_RECIPIENT, .parts = { [1] = { { .recipient = FORGE_ACS "2" } } } },
    { SAMLC_REASON_IN_RESPONSE_TO,
      .parts = { [1] = { { .confirmations_xml = CONFIRMATION(FORGE_BEARER,
                                                             DATA(FORGE_ACS, "_older")) } } } },
    { SAMLC_REASON_NO_SUBJECT,
      .parts = { [1] = { { .confirmations_xml = CONFIRMATION(VOUCHES, "") } } } },
};

START_TEST(test_rules)
{
    several_t s = rules[_i];
    several_t sound = { OK_, .parts = { { { 0 } }, { { 0 } } } };

    judge(&sound);
    judge(&s);
    s.parts[0] = s.parts[1];   /* the other way round */
    s.parts[1] = good;
    judge(&s);
    s.parts[0].cover = HIDDEN;
    judge(&s);
    s.parts[0] = bare;   /* and signed as a whole */
    s.parts[1] = rules[_i].parts[1];
    s.is_signed = 1;
    if (s.parts[1].signer == BY_IDP) {
        s.parts[1].signer = BY_NOBODY;
    }
    judge(&s);
}
END_TEST

/* --- one subject ------------------------------------------------------------------------------ */

static const several_t subjects[] = {
    { SAMLC_REASON_NO_SUBJECT, .parts = { { { 0 } }, { { .name_id = MALLORY } } } },
    { SAMLC_REASON_NO_SUBJECT, .parts = { { { .name_id = MALLORY } }, { { 0 } } } },
    { SAMLC_REASON_NO_SUBJECT, .is_signed = 1,
      .parts = { { .signer = BY_NOBODY }, { { .name_id = MALLORY }, .signer = BY_NOBODY } } },
    { SAMLC_REASON_NO_SUBJECT,
      .parts = { { { 0 } }, { { .name_id = MALLORY }, .cover = HIDDEN } } },
    { SAMLC_REASON_NO_SUBJECT, .parts = { { { 0 } }, { { .name_id = " " FORGE_USER } } } },
    /* the same name of another kind */
    { SAMLC_REASON_NO_SUBJECT,
      .parts = { { { 0 } }, { { .name_id_xml = NAME_ID("", FORGE_USER) } } } },
    { SAMLC_REASON_NO_SUBJECT,
      .parts = { { { 0 } },
                 { { .name_id_xml = NAME_ID(" Format=\"" OTHER_FORMAT "\"", FORGE_USER) } } } },
    { OK_,
      .parts = { { { .name_id_xml = NAME_ID(" NameQualifier=\"a\"", FORGE_USER) } },
                 { { .name_id_xml = NAME_ID(" NameQualifier=\"a\"", FORGE_USER) } } } },
    { SAMLC_REASON_NO_SUBJECT,
      .parts = { { { .name_id_xml = NAME_ID(" NameQualifier=\"a\"", FORGE_USER) } },
                 { { .name_id_xml = NAME_ID(" NameQualifier=\"b\"", FORGE_USER) } } } },
    { SAMLC_REASON_NO_SUBJECT,
      .parts = { { { .name_id_xml = NAME_ID(" SPNameQualifier=\"a\"", FORGE_USER) } },
                 { { .name_id_xml = NAME_ID("", FORGE_USER) } } } },
    /* nobody is not the same as nobody */
    { SAMLC_REASON_NO_SUBJECT, .parts = { { { .name_id_xml = "" } }, { { .name_id_xml = "" } } },
      .conf = "RemoteUser mail\n" },
    { OK_, .count = 1, .parts = { { { .name_id_xml = "" } } }, .conf = "RemoteUser mail\n" },
};

START_TEST(test_subjects)
{
    judge(&subjects[_i]);
}
END_TEST

/* --- which one logs in ------------------------------------------------------------------------ */

static const several_t logins[] = {
    { OK_, .parts = { { { 0 } }, { { .authn_xml = "" } } } },
    { OK_, .parts = { { { .authn_xml = "" } }, { { 0 } } }, .login_id = SECOND },
    { OK_, .parts = { { { 0 } }, { { .authn_xml = "", .confirmations_xml = "" } } } },
    { OK_, .parts = { { { .authn_xml = "", .confirmations_xml = "" } }, { { 0 } } },
      .login_id = SECOND },
    /* a login that nobody confirms is none */
    { OK_, .parts = { { { .confirmations_xml = "" } }, { { 0 } } }, .login_id = SECOND },
    { SAMLC_REASON_AUTHN_CONTEXT,
      .parts = { { { .confirmations_xml = "" } }, { { .authn_xml = "" } } } },
    { SAMLC_REASON_NO_SUBJECT,
      .parts = { { { .confirmations_xml = "" } }, { { .confirmations_xml = "" } } } },
    { SAMLC_REASON_NO_SUBJECT, .count = 1, .parts = { { { .confirmations_xml = "" } } } },
    { SAMLC_REASON_AUTHN_CONTEXT, .parts = { { { .authn_xml = "" } }, { { .authn_xml = "" } } } },
    /* the class that is asked for is that of the login */
    { OK_, .parts = { { { 0 } }, { { .authn_context = "urn:x" } } },
      .conf = "AuthnContext " FORGE_PASSWORD "\n" },
    { SAMLC_REASON_AUTHN_CONTEXT, .parts = { { { .authn_context = "urn:x" } }, { { 0 } } },
      .conf = "AuthnContext " FORGE_PASSWORD "\n" },
};

START_TEST(test_logins)
{
    judge(&logins[_i]);
}
END_TEST

/* --- IDs -------------------------------------------------------------------------------------- */

/* One ID names one thing, also where the response's signature covers two of them. */
static const several_t ids[] = {
    { SAMLC_REASON_SIGNATURE_SCOPE, .parts = { { { 0 } }, { { .assertion_id = "_assertion" } } } },
    { SAMLC_REASON_SIGNATURE_SCOPE,
      .parts = { { { 0 } }, { { .assertion_id = "_assertion" }, .cover = HIDDEN } } },
    { SAMLC_REASON_MALFORMED, .is_signed = 1,
      .parts = { { .signer = BY_NOBODY },
                 { { .assertion_id = "_assertion" }, .signer = BY_NOBODY } } },
    { SAMLC_REASON_MALFORMED, .is_signed = 1,
      .parts = { { .signer = BY_NOBODY },
                 { { .assertion_id = "_assertion" }, .signer = BY_NOBODY, .cover = HIDDEN } } },
    { SAMLC_REASON_SIGNATURE_SCOPE, .is_signed = 1,
      .parts = { { .signer = BY_NOBODY },
                 { { .assertion_id = "_response" }, .signer = BY_NOBODY } } },
    { SAMLC_REASON_MALFORMED, .is_signed = 1,
      .parts = { { .signer = BY_NOBODY },
                 { { .assertion_id = "_response" }, .signer = BY_NOBODY, .cover = HIDDEN } } },
};

START_TEST(test_ids)
{
    judge(&ids[_i]);
}
END_TEST

/* --- what the session gets -------------------------------------------------------------------- */

static const char *shown(const apr_array_header_t *attributes)
{
    const char *text = "";
    int i = 0;

    for (i = 0; i < attributes->nelts; i++) {
        const samlc_attribute_t *a = &APR_ARRAY_IDX(attributes, i, samlc_attribute_t);

        text = apr_pstrcat(p, text, a->name, "=", apr_array_pstrcat(p, a->values, ','), ";", NULL);
    }
    return text;
}

START_TEST(test_merged)
{
    const several_t s = { OK_, .count = 3, .login_id = SECOND, .parts = {
        { { .authn_xml = "", .attributes_xml = ATTRIBUTE("a", "1") ATTRIBUTE("b", "2") } },
        { { .attributes_xml = ATTRIBUTE("b", "1") ATTRIBUTE("mail", "x"),
            .session_until = "2026-07-01T08:00:00Z" } },
        { { .attributes_xml = ATTRIBUTE("mail", "x") ATTRIBUTE("mail", "y"),
            .session_until = "2026-07-01T07:00:00Z", .session_index = "_third",
            .confirmed_until = "2026-07-01T00:04:00Z", .not_on_or_after = "" } } } };
    const samlc_claims_t *claims = NULL;

    w->login_id = SECOND;
    claims = world_accepts(w, several(&s))->claims;
    ck_assert_str_eq(shown(claims->session.attributes), "b=1,2;mail=x,y;a=1;");
    ck_assert_str_eq(claims->session.session_index, "_session");
    ck_assert_int_eq(claims->session_not_on_or_after, TEST_NOW + apr_time_from_sec(7 * 3600));
    ck_assert_str_eq(w->claimed, FORGE_ASSERTION_ID " " SECOND " _third");
}
END_TEST

/* Replay claims last as long as the one that lives longest. */
START_TEST(test_claimed_until)
{
    several_t s = { OK_, .parts = { { { 0 } },
                                    { { .confirmations_xml = "", .authn_xml = "",
                                        .not_on_or_after = "2026-07-01T06:00:00Z" } } } };
    apr_interval_time_t skew = apr_time_from_sec(w->settings->clock_skew);

    ck_assert_int_eq(world_accepts(w, several(&s))->claims->not_on_or_after,
                     TEST_NOW + apr_time_from_sec(6 * 3600) + skew);
    s.parts[1].f.not_on_or_after = "";
    ck_assert_int_eq(world_accepts(w, several(&s))->claims->not_on_or_after,
                     TEST_NOW + apr_time_from_sec(24 * 3600 - 10) + skew);
}
END_TEST

/* A name that the login gives once and another assertion otherwise is no single name. */
START_TEST(test_remote_user)
{
    several_t s = { OK_, .conf = "RemoteUser mail\n", .parts = { { { 0 } }, { { 0 } } } };

    judge(&s);
    s.parts[1].f.attributes_xml = ATTRIBUTE("mail", MALLORY);
    s.reason = SAMLC_REASON_NO_SUBJECT;
    judge(&s);
}
END_TEST

START_TEST(test_replay)
{
    const several_t s = { OK_, .parts = { { { 0 } }, { { 0 } } } };
    const char *xml = several(&s);

    message_sound(xml);
    w->claim_refuses_with = SAMLC_REASON_REPLAY;
    world_refuses(w, xml, SAMLC_REASON_REPLAY);
}
END_TEST

/* --- number and place ------------------------------------------------------------------------- */

START_TEST(test_number)
{
    const char *assertions[COUNT(part_ids)];
    int covers = 0, i = 0;

    for (covers = OPEN; covers <= HIDDEN; covers++) {
        for (i = 0; i < COUNT(assertions); i++) {
            part_t part = good;

            part.cover = (cover_t)(i > 0 ? covers : OPEN);
            assertions[i] = assertion(&part, i);
        }
        message_sound(response_of(assertions, SAMLC_MAX_ASSERTIONS, 0));
        message_sound(response_of(assertions, SAMLC_MAX_ASSERTIONS, 1));
        world_refuses(w, response_of(assertions, SAMLC_MAX_ASSERTIONS + 1, 0),
                      SAMLC_REASON_TOO_LARGE);
        world_refuses(w, response_of(assertions, SAMLC_MAX_ASSERTIONS + 1, 1),
                      SAMLC_REASON_TOO_LARGE);
    }
}
END_TEST

/* Beside each other, not within: not in the Advice, not in the Extensions, not encrypted in one. */
START_TEST(test_place)
{
    const several_t s = { OK_, .parts = { { { 0 } }, { { 0 } } } };
    const char *second = assertion(&good, 1);
    const char *xml = message_sound(several(&s));
    const char *alone = forge_replace(xml, second, "", p);
    const char *first = assertion(&good, 0);
    const char *nested = NULL;

    message_sound(alone);
    world_refuses(w, forge_before(alone, "<samlp:Status>",
                                  apr_pstrcat(p, "<samlp:Extensions>", second,
                                              "</samlp:Extensions>", NULL), p),
                  SAMLC_REASON_MALFORMED);
    world_refuses(w, forge_before(alone, "<samlp:Status>", second, p), SAMLC_REASON_MALFORMED);
    world_refuses(w, apr_pstrcat(p, xml, second, NULL), SAMLC_REASON_MALFORMED);
    nested = forge_sign(forge_before(forge_element(message_written(), "saml:Assertion", p),
                                     "<saml:AuthnStatement",
                                     apr_pstrcat(p, "<saml:Advice>", second, "</saml:Advice>",
                                                 NULL), p),
                        FORGE_ASSERTION_ID, &(forge_signature_t){ .by = keys->idp }, p);
    world_refuses(w, response_of(&nested, 1, 0), SAMLC_REASON_MALFORMED);
    world_refuses(w, forge_replace(xml, first,
                                   forge_encrypted("EncryptedAssertion",
                                                   apr_pstrcat(p, first, second, NULL),
                                                   &(forge_encryption_t){ .to = keys->sp->pkey },
                                                   p), p), SAMLC_REASON_DECRYPT_FAILED);
}
END_TEST

/* The order is part of what a signature of the response covers, and of nothing else. */
START_TEST(test_order)
{
    const char *assertions[2], *swapped[2];
    const char *xml = NULL, *both = NULL, *other = NULL;

    swapped[1] = assertions[0] = assertion(&good, 0);
    swapped[0] = assertions[1] = assertion(&good, 1);
    message_sound(response_of(assertions, 2, 0));
    w->login_id = SECOND;
    message_sound(response_of(swapped, 2, 0));
    w->login_id = FORGE_ASSERTION_ID;
    assertions[0] = assertion(&bare, 0);
    assertions[1] = assertion(&bare, 1);
    xml = message_sound(response_of(assertions, 2, 1));
    both = apr_pstrcat(p, assertions[0], assertions[1], NULL);
    other = apr_pstrcat(p, assertions[1], assertions[0], NULL);
    world_refuses(w, forge_replace(xml, both, other, p), SAMLC_REASON_SIGNATURE_INVALID);
    world_refuses(w, forge_replace(xml, assertions[1], "", p), SAMLC_REASON_SIGNATURE_INVALID);
    world_refuses(w, forge_replace(xml, assertions[1], swapped[0], p),
                  SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

/* --- what is said of it ----------------------------------------------------------------------- */

static const samlc_verdict_t *verdict_on(const char *xml)
{
    samlc_data_t data = test_data(xml, "test");
    samlc_response_t *response = NULL;

    ck_assert_int_eq(samlc_response_read(&response, &data, samlc_result_make(p), p), APR_SUCCESS);
    return samlc_response_judge(response, &w->expected, p);
}

static const samlc_step_t *step_of(const samlc_verdict_t *v, const char *name)
{
    int i = 0;

    for (i = 0; i < v->steps->nelts; i++) {
        const samlc_step_t *step = &APR_ARRAY_IDX(v->steps, i, samlc_step_t);

        if (strcmp(step->step, name) == 0) {
            return step;
        }
    }
    ck_abort_msg("no step %s", name);
    return NULL;
}

START_TEST(test_explained)
{
    const several_t sound = { OK_, .parts = { { { 0 } }, { .cover = HIDDEN } } };
    const several_t bad = { OK_, .parts = { { { 0 } }, { .signer = BY_NOBODY } } };
    const samlc_verdict_t *v = verdict_on(several(&sound));

    ck_assert_int_eq(v->outcome, SAMLC_ACCEPTED);
    ck_assert_str_eq(step_of(v, "decryption")->outcome, "passed");
    ck_assert_str_eq(step_of(v, "assertion")->detail,
                     "1: assertion _assertion; 2: assertion _second");
    ck_assert_str_eq(step_of(v, "subject")->detail, "the same in 2 assertions; _assertion logs in");
    v = verdict_on(several(&bad));
    ck_assert_int_eq(v->outcome, SAMLC_REFUSED);
    ck_assert_str_eq(v->message,
                     "assertion 2 of 2: neither the response nor the assertion is signed");
    ck_assert_str_eq(step_of(v, "assertion-signature")->detail, v->message);
}
END_TEST

/* The certificate of the login is that of the assertion that logs in. */
START_TEST(test_certificate)
{
    const test_cert_t *next = test_cert_make(&(test_cert_spec_t){ .cn = "next" }, p);
    unsigned char sha256[32];
    const char *assertions[2];
    const char *pin = NULL;

    ck_assert_int_eq(EVP_Digest(next->der.data, next->der.len, sha256, NULL, EVP_sha256(), NULL),
                     1);
    pin = samlc_text_hex(sha256, sizeof(sha256), p);
    w = world_make(apr_pstrcat(p, "SignCerts CERT_VALIDATION:IGNORE_TRUST,", pin, "\n", NULL),
                   keys->idp, p);
    assertions[1] = assertion(&good, 1);
    assertions[0] = forge_sign(forge_element(message_written(), "saml:Assertion", p),
                               FORGE_ASSERTION_ID, &(forge_signature_t){ .by = next }, p);
    ck_assert_str_eq(world_accepts(w, response_of(assertions, 2, 0))->claims->session.cert_sha256,
                     pin);
    ck_assert_str_eq(world_accepts(w, response_of(assertions, 2, 1))->claims->session.cert_sha256,
                     pin);
}
END_TEST

Suite *suite_several(void)
{
    Suite *suite = suite_create("several");
    TCase *tc = message_tcase("several");

    tcase_add_loop_test(tc, test_vouched, 0, COUNT(vouched));
    tcase_add_loop_test(tc, test_rules, 0, COUNT(rules));
    tcase_add_loop_test(tc, test_subjects, 0, COUNT(subjects));
    tcase_add_loop_test(tc, test_logins, 0, COUNT(logins));
    tcase_add_loop_test(tc, test_ids, 0, COUNT(ids));
    tcase_add_test(tc, test_merged);
    tcase_add_test(tc, test_claimed_until);
    tcase_add_test(tc, test_remote_user);
    tcase_add_test(tc, test_replay);
    tcase_add_test(tc, test_number);
    tcase_add_test(tc, test_place);
    tcase_add_test(tc, test_order);
    tcase_add_test(tc, test_explained);
    tcase_add_test(tc, test_certificate);
    suite_add_tcase(suite, tc);
    return suite;
}
