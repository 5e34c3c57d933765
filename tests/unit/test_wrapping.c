/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature wrapping (SECURITY-RULES 6, 9, 11): a genuine signature over a genuine element that was
 * moved elsewhere, beside an attacker's element that is to be read. Each message is made of one
 * that is accepted.
 */
#include <apr_strings.h>

#include "core/xml/xml.h"
#include "message_test.h"
#include "test.h"


/* --- parts ---------------------------------------------------------------------------------- */

/* A genuine message, accepted, and its parts. */
typedef struct genuine_t {
    const char *xml;
    const char *element;       /* the signed element, with its signature */
    const char *bare;          /* ... and without it */
    const char *signature;
} genuine_t;

static genuine_t genuine(const char *id)
{
    genuine_t g;

    g.xml = world_signed(&(forge_t){ 0 }, id, keys->idp, p);
    ck_assert_str_eq(world_accepts(w, g.xml)->claims->session.user, FORGE_USER);
    g.element = strcmp(id, FORGE_RESPONSE_ID) == 0 ? g.xml
                                                   : forge_element(g.xml, "saml:Assertion", p);
    g.signature = forge_element(g.xml, "ds:Signature", p);
    g.bare = forge_replace(g.element, g.signature, "", p);
    return g;
}

/* The ID of what the attacker made. */
typedef enum { ANOTHER_ID, SAME_ID, NO_ID, ID_POLICIES } id_policy_t;

/* A Response of the attacker, not signed; `id` is of what stands in for the genuine element. */
static const char *evil(const char *id, id_policy_t policy)
{
    const char *xml = forge_replace(forge_write(&(forge_t){ .name_id = MALLORY }, p),
                                    ">" FORGE_USER, ">" MALLORY, p);
    const char *attribute = apr_psprintf(p, " ID=\"%s\"", id);

    return policy == SAME_ID
               ? xml
               : forge_replace(xml, attribute, policy == NO_ID ? "" : " ID=\"_evil\"", p);
}

/* From the first start tag of an Assertion to the last end tag: assertions may be inside. */
static const char *outermost(const char *xml)
{
    const char *start = strstr(xml, "<saml:Assertion");
    const char *end = NULL, *next = start;

    while ((next = strstr(next, "</saml:Assertion>")) != NULL) {
        next += strlen("</saml:Assertion>");
        end = next;
    }
    ck_assert(start != NULL && end != NULL);
    return apr_pstrmemdup(p, start, (apr_size_t)(end - start));
}

/* --- the eight of Somorovsky et al. 2012 ------------------------------------------------------ */

static const char *within_signature(const genuine_t *g, const char *before, const char *behind)
{
    return forge_before(g->signature, "</ds:Signature>",
                        apr_pstrcat(p, before, g->bare, behind, NULL), p);
}

static const char *xsw1(const genuine_t *g, const char *evil_xml)
{
    return forge_before(evil_xml, "<samlp:Status>", within_signature(g, "", ""), p);
}

static const char *xsw2(const genuine_t *g, const char *evil_xml)
{
    return forge_before(evil_xml, "<samlp:Status>", apr_pstrcat(p, g->bare, g->signature, NULL), p);
}

static const char *xsw3(const genuine_t *g, const char *evil_xml)
{
    return forge_before(g->xml, "<saml:Assertion", forge_element(evil_xml, "saml:Assertion", p), p);
}

static const char *xsw4(const genuine_t *g, const char *evil_xml)
{
    return forge_before(evil_xml, "</saml:Assertion>", g->element, p);
}

static const char *xsw5(const genuine_t *g, const char *evil_xml)
{
    return forge_before(forge_before(evil_xml, "<saml:Subject>", g->signature, p),
                        "</samlp:Response>", g->bare, p);
}

static const char *xsw6(const genuine_t *g, const char *evil_xml)
{
    return forge_before(evil_xml, "<saml:Subject>", within_signature(g, "", ""), p);
}

static const char *xsw7(const genuine_t *g, const char *evil_xml)
{
    return forge_before(
        evil_xml, "<samlp:Status>",
        apr_pstrcat(p, "<samlp:Extensions>", g->element, "</samlp:Extensions>", NULL), p);
}

static const char *xsw8(const genuine_t *g, const char *evil_xml)
{
    return forge_before(evil_xml, "<saml:Subject>",
                        within_signature(g, "<ds:Object>", "</ds:Object>"), p);
}

static const struct {
    const char *id;      /* of what was signed */
    const char *(*wrap)(const genuine_t *g, const char *evil_xml);
    samlc_reason_t reason;
} classics[] = {
    { FORGE_RESPONSE_ID, xsw1, SAMLC_REASON_MALFORMED },
    { FORGE_RESPONSE_ID, xsw2, SAMLC_REASON_MALFORMED },
    { FORGE_ASSERTION_ID, xsw3, SAMLC_REASON_NO_SIGNATURE },
    { FORGE_ASSERTION_ID, xsw4, SAMLC_REASON_MALFORMED },
    { FORGE_ASSERTION_ID, xsw5, SAMLC_REASON_SIGNATURE_SCOPE },
    { FORGE_ASSERTION_ID, xsw6, SAMLC_REASON_MALFORMED },
    { FORGE_ASSERTION_ID, xsw7, SAMLC_REASON_MALFORMED },
    { FORGE_ASSERTION_ID, xsw8, SAMLC_REASON_MALFORMED },
};

/*
 * All of them bring a second assertion. Where it is hidden, that alone refuses, before any
 * cryptography; where it stands beside the genuine one, that nobody vouches for it.
 */
START_TEST(test_classics)
{
    genuine_t g = genuine(classics[_i].id);
    int policy = 0;

    for (policy = 0; policy < ID_POLICIES; policy++) {
        const char *xml = classics[_i].wrap(&g, evil(classics[_i].id, (id_policy_t)policy));

        ck_assert_ptr_nonnull(strstr(xml, MALLORY));
        ck_assert_ptr_nonnull(strstr(xml, FORGE_USER));
        world_refuses(w, xml, classics[_i].reason);
    }
}
END_TEST

/* --- everywhere else ------------------------------------------------------------------------ */

/* A place in the attacker's message: before `mark`, in an element of its own where one fits. */
typedef struct place_t {
    const char *mark, *open, *close;
} place_t;

static const place_t places[] = {
    { "<saml:Issuer>", "", "" },
    { "<samlp:Status>", "", "" },
    { "<samlp:Status>", "<samlp:Extensions>", "</samlp:Extensions>" },
    { "</samlp:Status>", "", "" },
    { "</samlp:Status>", "<samlp:StatusMessage>", "</samlp:StatusMessage>" },
    { "</samlp:Status>", "<samlp:StatusDetail>", "</samlp:StatusDetail>" },
    { "<saml:Assertion", "", "" },
    { "<saml:Assertion", "<saml:EncryptedAssertion>", "</saml:EncryptedAssertion>" },
    { "</samlp:Response>", "", "" },
    { "<saml:Subject>", "", "" },
    { "<saml:NameID", "", "" },
    { "</saml:NameID>", "", "" },
    { "</saml:Subject>", "", "" },
    { "</saml:SubjectConfirmation>", "", "" },
    { "</saml:SubjectConfirmation>", "<saml:SubjectConfirmationData>",
      "</saml:SubjectConfirmationData>" },
    { "</saml:Conditions>", "", "" },
    { "</saml:Audience>", "", "" },
    { "<saml:AuthnStatement", "<saml:Advice>", "</saml:Advice>" },
    { "</saml:AuthnContext>", "<saml:AuthnContextDecl>", "</saml:AuthnContextDecl>" },
    { "</saml:AttributeValue>", "", "" },
    { "</saml:AttributeStatement>", "", "" },
    { "</saml:Assertion>", "", "" },
    /* in the signature, where the attacker's message carries it */
    { "</ds:SignedInfo>", "", "" },
    { "</ds:Reference>", "", "" },
    { "</ds:SignatureValue>", "", "" },
    { "</ds:X509Data>", "", "" },
    { "</ds:X509Certificate>", "", "" },
    { "</ds:KeyInfo>", "", "" },
    { "</ds:Signature>", "", "" },
    { "</ds:Signature>", "<ds:Object>", "</ds:Object>" },
};

/* Where the genuine signature goes. */
typedef enum {
    IN_THE_MOVED,
    BESIDE_THE_MOVED,
    IN_EVIL_ASSERTION,
    IN_EVIL_RESPONSE,
    CARRIERS
} carrier_t;

/* The message of this form; NULL if there is none. */
static const char *wrap(const genuine_t *g, const char *evil_xml, const place_t *place,
                        carrier_t carrier)
{
    const char *moved = carrier == IN_THE_MOVED ? g->element
                        : carrier == BESIDE_THE_MOVED ? apr_pstrcat(p, g->bare, g->signature, NULL)
                                                      : g->bare;
    const char *xml = evil_xml;

    if (carrier == IN_EVIL_ASSERTION) {
        xml = forge_before(xml, "<saml:Subject>", g->signature, p);
    }
    else if (carrier == IN_EVIL_RESPONSE) {
        xml = forge_before(xml, "<samlp:Status>", g->signature, p);
    }
    if (strstr(xml, place->mark) == NULL) {
        return NULL;
    }
    return forge_before(xml, place->mark, apr_pstrcat(p, place->open, moved, place->close, NULL),
                        p);
}

static const char *const ids[] = { FORGE_ASSERTION_ID, FORGE_RESPONSE_ID };

/* Every place x every carrier x every ID policy, for the assertion and for the response. */
START_TEST(test_places)
{
    genuine_t g = genuine(ids[_i % 2]);
    carrier_t carrier = (carrier_t)(_i / 2);
    int tried = 0, i = 0, policy = 0;

    for (i = 0; i < COUNT(places); i++) {
        for (policy = 0; policy < ID_POLICIES; policy++) {
            const char *xml = wrap(&g, evil(ids[_i % 2], (id_policy_t)policy), &places[i], carrier);

            if (xml != NULL) {
                world_refuses(w, xml, WORLD_ANY);
                tried++;
            }
        }
    }
    ck_assert_int_ge(tried, 22 * ID_POLICIES);
}
END_TEST

/* The same inside an EncryptedAssertion, which anybody can make. */
START_TEST(test_places_encrypted)
{
    genuine_t g = genuine(FORGE_ASSERTION_ID);
    const forge_encryption_t to_us = { .to = keys->sp->pkey };
    carrier_t carrier = (carrier_t)_i;
    int i = 0, policy = 0;

    world_accepts(w, forge_encrypt(g.xml, &to_us, p));
    for (i = 0; i < COUNT(places); i++) {
        for (policy = 0; policy < ID_POLICIES; policy++) {
            const char *xml = wrap(&g, evil(FORGE_ASSERTION_ID, (id_policy_t)policy), &places[i],
                                   carrier);
            const char *inner = xml == NULL ? NULL : outermost(xml);

            if (xml != NULL) {
                world_refuses(w,
                              forge_replace(xml, inner,
                                            forge_encrypted("EncryptedAssertion", inner, &to_us, p),
                                            p),
                              WORLD_ANY);
            }
        }
    }
}
END_TEST

/* The genuine one encrypted, the attacker's one beside it, and the other way round. */
START_TEST(test_around_encryption)
{
    genuine_t g = genuine(FORGE_ASSERTION_ID);
    const forge_encryption_t to_us = { .to = keys->sp->pkey };
    const char *genuine_hidden = forge_element(forge_encrypt(g.xml, &to_us, p),
                                               "saml:EncryptedAssertion", p);
    int policy = 0;

    for (policy = 0; policy < ID_POLICIES; policy++) {
        const char *xml = evil(FORGE_ASSERTION_ID, (id_policy_t)policy);
        const char *evil_hidden = forge_element(forge_encrypt(xml, &to_us, p),
                                                "saml:EncryptedAssertion", p);

        /* the genuine one first: its ID is to be its own, and then the other one is looked at */
        samlc_reason_t second = policy == SAME_ID ? SAMLC_REASON_SIGNATURE_SCOPE
                                                  : SAMLC_REASON_NO_SIGNATURE;

        world_refuses(w, forge_before(xml, "<saml:Assertion", genuine_hidden, p), second);
        world_refuses(w, forge_before(xml, "</samlp:Response>", genuine_hidden, p),
                      SAMLC_REASON_NO_SIGNATURE);
        world_refuses(w, forge_before(g.xml, "<saml:Assertion", evil_hidden, p),
                      SAMLC_REASON_NO_SIGNATURE);
        world_refuses(w, forge_before(g.xml, "</samlp:Response>", evil_hidden, p), second);
        world_refuses(w, forge_replace(g.xml, g.element, evil_hidden, p),
                      SAMLC_REASON_NO_SIGNATURE);
    }
}
END_TEST

/* A signed response, and another assertion in the place of the one that it covers. */
START_TEST(test_swapped)
{
    genuine_t g = genuine(FORGE_RESPONSE_ID);
    const char *other = forge_element(evil(FORGE_ASSERTION_ID, SAME_ID), "saml:Assertion", p);
    const char *assertion = forge_element(g.xml, "saml:Assertion", p);
    const forge_encryption_t to_us = { .to = keys->sp->pkey };
    const char *hidden = forge_sign(forge_encrypt(g.bare, &to_us, p), FORGE_RESPONSE_ID,
                                    &(forge_signature_t){ .by = keys->idp }, p);

    world_accepts(w, hidden);
    world_refuses(w, forge_replace(g.xml, assertion, other, p), SAMLC_REASON_SIGNATURE_INVALID);
    world_refuses(w, forge_replace(hidden, forge_element(hidden, "saml:EncryptedAssertion", p),
                                   forge_encrypted("EncryptedAssertion", other, &to_us, p), p),
                  SAMLC_REASON_SIGNATURE_INVALID);
    world_refuses(
        w, forge_replace(hidden, forge_element(hidden, "saml:EncryptedAssertion", p), other, p),
        SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

/* --- signatures of other messages ------------------------------------------------------------- */

#define METADATA \
    "<md:EntityDescriptor xmlns:md=\"" SAMLC_NS_MD "\" ID=\"_response\" entityID=\"" FORGE_IDP \
    "\"/>"
#define LOGOUT \
    "<samlp:LogoutResponse xmlns:samlp=\"" SAMLC_NS_SAMLP "\" ID=\"_response\" Version=\"2.0\"" \
    " IssueInstant=\"2026-07-01T00:00:00Z\" Destination=\"" FORGE_ACS "\"><samlp:Status>" \
    "<samlp:StatusCode Value=\"" FORGE_SUCCESS "\"/></samlp:Status></samlp:LogoutResponse>"

/* Something else that the IdP has signed. */
static const char *borrowed_from(int i)
{
    const forge_signature_t by_idp = { .by = keys->idp };
    const forge_t error = { .status = "urn:oasis:names:tc:SAML:2.0:status:Responder" };
    const char *xml = NULL;

    switch (i) {
    case 0:
        return forge_sign(forge_replace(METADATA, "/>", "><x/></md:EntityDescriptor>", p),
                          "_response", &by_idp, p);
    case 1:
        return forge_sign(LOGOUT, "_response", &by_idp, p);
    default:
        xml = forge_write(&error, p);
        return forge_sign(forge_replace(xml, forge_element(xml, "saml:Assertion", p), "", p),
                          "_response", &by_idp, p);
    }
}

START_TEST(test_borrowed)
{
    const char *other = borrowed_from(_i);
    const char *signature = forge_element(other, "ds:Signature", p);
    const char *xml = evil(FORGE_RESPONSE_ID, SAME_ID);
    genuine_t g = genuine(FORGE_RESPONSE_ID);

    world_refuses(w, other, WORLD_ANY);
    world_refuses(w, forge_before(xml, "<samlp:Status>", signature, p),
                  SAMLC_REASON_SIGNATURE_INVALID);
    world_refuses(w, forge_before(xml, "<samlp:Status>",
                                  apr_pstrcat(p, "<samlp:Extensions>", other, "</samlp:Extensions>",
                                              NULL), p), SAMLC_REASON_NO_SIGNATURE);
    world_refuses(
        w,
        forge_before(xml, "<samlp:Status>",
                     forge_before(signature, "</ds:Signature>",
                                  apr_pstrcat(p, "<ds:Object>", other, "</ds:Object>", NULL), p),
                     p),
        SAMLC_REASON_SIGNATURE_SCOPE);
    world_refuses(w, forge_replace(g.xml, g.signature, signature, p),
                  SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

Suite *suite_wrapping(void)
{
    Suite *suite = suite_create("wrapping");
    TCase *tc = message_tcase("wrapping");

    tcase_add_loop_test(tc, test_classics, 0, COUNT(classics));
    tcase_add_loop_test(tc, test_places, 0, 2 * CARRIERS);
    tcase_add_loop_test(tc, test_places_encrypted, 0, CARRIERS);
    tcase_add_test(tc, test_around_encryption);
    tcase_add_test(tc, test_swapped);
    tcase_add_loop_test(tc, test_borrowed, 0, 3);
    suite_add_tcase(suite, tc);
    return suite;
}
