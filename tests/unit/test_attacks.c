/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks on messages (SECURITY-RULES 1); those by wrapping are in test_wrapping.c, those by what
 * is encrypted in test_attacks_encrypted.c. Each starts from a message that is accepted.
 */
#include <apr_strings.h>

#include "core/xml/xml.h"
#include "message_test.h"
#include "test.h"

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"

/* Signs the assertion (whatever the message says), by default with the key of the IdP. */
static const char *sign(const char *xml, forge_signature_t how)
{
    how.by = how.by == NULL ? keys->idp : how.by;
    return forge_sign(xml, FORGE_ASSERTION_ID, &how, p);
}

/* --- signatures that are missing or odd ------------------------------------------------------- */

START_TEST(test_stripped)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    const char *signature = forge_element(xml, "ds:Signature", p);
    const char *stripped = forge_replace(xml, signature, "", p);

    world_refuses(w, stripped, SAMLC_REASON_NO_SIGNATURE);
    world_refuses(w, forge_replace(stripped, FORGE_USER, MALLORY, p), SAMLC_REASON_NO_SIGNATURE);
    world_refuses(w, forge_replace(xml, signature, "<ds:Signature xmlns:ds=\"" DSIG "\"/>", p),
                  SAMLC_REASON_SIGNATURE_SCOPE);
    world_refuses(
        w,
        forge_replace(forge_replace(xml, "<ds:Signature ", "<x:Signature xmlns:x=\"urn:x\" ", p),
                      "</ds:Signature>", "</x:Signature>", p),
        SAMLC_REASON_MALFORMED);
    /* moved up, to the response and behind the assertion */
    world_refuses(w, forge_before(stripped, "<samlp:Status>", signature, p),
                  SAMLC_REASON_SIGNATURE_SCOPE);
    world_refuses(w, forge_before(stripped, "</samlp:Response>", signature, p),
                  SAMLC_REASON_MALFORMED);
    /* moved down, to the last place of the assertion */
    world_refuses(w, forge_before(stripped, "</saml:Assertion>", signature, p),
                  SAMLC_REASON_MALFORMED);
}
END_TEST

#define REFERENCE(uri, transforms) \
    "<ds:Reference URI=\"" uri "\"><ds:Transforms>" transforms "</ds:Transforms>" \
    "<ds:DigestMethod Algorithm=\"" FORGE_SHA256 "\"/><ds:DigestValue/></ds:Reference>"
#define ENVELOPED FORGE_TRANSFORM(FORGE_ENVELOPED)
#define EXCLUSIVE FORGE_TRANSFORM(FORGE_EXC_C14N)

/* All of these are true signatures by the IdP's key: they just don't say what they should. */
static const forge_signature_t odd_references[] = {
    { .references = REFERENCE("", ENVELOPED EXCLUSIVE) },
    { .references = REFERENCE("#xpointer(/)", ENVELOPED EXCLUSIVE) },
    { .references = REFERENCE("#xpointer(id('_assertion'))", ENVELOPED EXCLUSIVE) },
    { .references = REFERENCE("#_assertion", ENVELOPED EXCLUSIVE)
          REFERENCE("#_assertion", ENVELOPED EXCLUSIVE) },
    { .references = REFERENCE("#_assertion", ENVELOPED EXCLUSIVE)
          REFERENCE("", ENVELOPED EXCLUSIVE) },
    { .references = REFERENCE("#xpointer(/*/*/*[local-name()='Issuer'])", EXCLUSIVE) },
    { .references = REFERENCE("#xpointer(//*[local-name()='KeyInfo'])", EXCLUSIVE) },
    { .references = REFERENCE("#xpointer(//*[local-name()='Object'])", EXCLUSIVE),
      .objects = "<ds:Object/>" },
    { .references = REFERENCE("#xpointer(//*[local-name()='Manifest'])", EXCLUSIVE),
      .objects = "<ds:Object><ds:Manifest>" REFERENCE("#xpointer(//*[local-name()='Status'])",
                                                      EXCLUSIVE) "</ds:Manifest></ds:Object>" },
    { .objects = "<ds:Object>anything</ds:Object>" },
    { .references = "<ds:Reference URI=\"#_assertion\"><ds:DigestMethod Algorithm=\"" FORGE_SHA256
                    "\"/><ds:DigestValue/></ds:Reference>" },
};

START_TEST(test_odd_references)
{
    message_genuine(FORGE_ASSERTION_ID);
    world_refuses(w, sign(message_written(), odd_references[_i]), SAMLC_REASON_SIGNATURE_SCOPE);
}
END_TEST

/* Only a part is signed, by a signature in that part. */
START_TEST(test_signed_part)
{
    const char *xml = forge_replace(message_written(), "<saml:Subject>",
                                    "<saml:Subject ID=\"_subject\">", p);
    const char *status = forge_replace(message_written(), "<samlp:Status>",
                                       "<samlp:Status ID=\"_status\">", p);

    world_refuses(w, forge_sign(xml, "_subject", &(forge_signature_t){ .by = keys->idp }, p),
                  SAMLC_REASON_NO_SIGNATURE);
    world_refuses(w, forge_sign(status, "_status", &(forge_signature_t){ .by = keys->idp }, p),
                  SAMLC_REASON_MALFORMED);
}
END_TEST

/* --- transforms ----------------------------------------------------------------------------- */

#define XPATH(expression) \
    "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xpath-19991116\"><ds:XPath " \
    "xmlns:saml=\"" SAMLC_NS_SAML "\">" expression "</ds:XPath></ds:Transform>"
#define XSLT \
    "<ds:Transform Algorithm=\"http://www.w3.org/TR/1999/REC-xslt-19991116\">" \
    "<xsl:stylesheet version=\"1.0\" xmlns:xsl=\"http://www.w3.org/1999/XSL/Transform\">" \
    "<xsl:template match=\"/\"><constant/></xsl:template></xsl:stylesheet></ds:Transform>"

static const struct {
    const char *transforms;
    samlc_reason_t reason;
} odd_transforms[] = {
    { ENVELOPED XPATH("not(ancestor-or-self::saml:NameID)"), SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { ENVELOPED XPATH("not(ancestor-or-self::saml:NameID)") EXCLUSIVE,
      SAMLC_REASON_SIGNATURE_SCOPE },
    { XPATH("not(ancestor-or-self::ds:Signature)") EXCLUSIVE, SAMLC_REASON_SIGNATURE_SCOPE },
    { ENVELOPED XSLT, SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { ENVELOPED FORGE_TRANSFORM(FORGE_EXC_C14N "#WithComments"), SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { ENVELOPED FORGE_TRANSFORM(FORGE_C14N "#WithComments"), SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { ENVELOPED FORGE_TRANSFORM(DSIG "base64"), SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { ENVELOPED FORGE_TRANSFORM("http://www.w3.org/2002/07/decrypt#XML"),
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { EXCLUSIVE ENVELOPED, SAMLC_REASON_SIGNATURE_SCOPE },
    { EXCLUSIVE, SAMLC_REASON_SIGNATURE_SCOPE },
    { ENVELOPED ENVELOPED, SAMLC_REASON_SIGNATURE_SCOPE },
    { "", SAMLC_REASON_SIGNATURE_SCOPE },
};

/* What xmlsec1 would do with them does not matter: it is not asked. */
START_TEST(test_odd_transforms)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    const char *transforms = forge_element(xml, "ds:Transforms", p);

    world_refuses(w, forge_replace(xml, transforms,
                                   apr_pstrcat(p, "<ds:Transforms>", odd_transforms[_i].transforms,
                                               "</ds:Transforms>", NULL), p),
                  odd_transforms[_i].reason);
}
END_TEST

/* A true signature that leaves the name out, which is changed then. */
START_TEST(test_xpath_hides_name)
{
    const char *xml = sign(message_written(), (forge_signature_t){
        .transforms = ENVELOPED XPATH("not(ancestor-or-self::saml:NameID)") EXCLUSIVE });

    world_refuses(w, xml, SAMLC_REASON_SIGNATURE_SCOPE);
    world_refuses(w, forge_replace(xml, FORGE_USER, MALLORY, p), SAMLC_REASON_SIGNATURE_SCOPE);
}
END_TEST

START_TEST(test_many_transforms)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);

    world_refuses(w, forge_behind(xml, "<ds:Transforms>", forge_repeat(EXCLUSIVE, 500, p), p),
                  SAMLC_REASON_SIGNATURE_SCOPE);
}
END_TEST

/* --- algorithms and keys ---------------------------------------------------------------------- */

static const struct {
    forge_signature_t how;
    const char *conf;      /* what would allow it; NULL: nothing does */
} algorithms[] = {
    { { .method = DSIG "rsa-sha1" }, "SignatureAlgorithms +rsa-sha1\n" },
    { { .digest = DSIG "sha1" }, "DigestAlgorithms +sha1\n" },
    { { .method = MORE "rsa-md5" }, NULL },
    { { .digest = MORE "md5" }, NULL },
    { { .c14n = FORGE_C14N "#WithComments" }, "CanonicalizationAlgorithms +c14n-with-comments\n" },
};

START_TEST(test_algorithms)
{
    const char *xml = sign(message_written(), algorithms[_i].how);

    world_refuses(w, xml, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    if (algorithms[_i].conf != NULL) {
        w = world_make(algorithms[_i].conf, keys->idp, p);
        message_sound(xml);
    }
}
END_TEST

/* HMAC keyed with what everybody knows. */
START_TEST(test_hmac)
{
    const char *secrets[5];
    int i = 0;

    secrets[0] = keys->idp->pem;
    secrets[1] = test_public_key_pem(keys->idp->pkey, p);
    secrets[2] = samlc_text_base64(keys->idp->der.data, keys->idp->der.len, p);
    secrets[3] = "secret";
    secrets[4] = FORGE_IDP;
    for (i = 0; i < COUNT(secrets); i++) {
        world_refuses(w, sign(message_written(), (forge_signature_t){ .method = MORE "hmac-sha256",
                                                              .hmac_key = secrets[i] }),
                      SAMLC_REASON_ALGORITHM_FORBIDDEN);
        world_refuses(w, sign(message_written(), (forge_signature_t){
                                  .method = DSIG "hmac-sha1", .hmac_key = secrets[i],
                                  .method_xml = "<ds:HMACOutputLength>160</ds:HMACOutputLength>" }),
                      SAMLC_REASON_SIGNATURE_SCOPE);
    }
    message_sound(sign(message_written(), (forge_signature_t){ 0 }));
}
END_TEST

/* A method for another kind of key than the one on file. */
START_TEST(test_method_and_key)
{
    const char *idp_hint = forge_x509_data(keys->idp, p);
    const char *other_hint = forge_x509_data(keys->other, p);

    world_refuses(
        w, sign(message_written(), (forge_signature_t){ .by = keys->other, .key_info = idp_hint }),
        SAMLC_REASON_SIGNATURE_INVALID);
    world_refuses(
        w,
        sign(message_written(), (forge_signature_t){ .by = keys->other, .key_info = other_hint }),
        SAMLC_REASON_CERT_NOT_LISTED);
    w = world_make(NULL, keys->other, p);
    message_sound(sign(message_written(), (forge_signature_t){ .by = keys->other }));
    world_refuses(
        w, sign(message_written(), (forge_signature_t){ .by = keys->idp, .key_info = other_hint }),
        SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

START_TEST(test_small_key)
{
    const test_cert_t *small = test_cert_make(&(test_cert_spec_t){ .key_bits = 1024 }, p);
    const char *xml = sign(message_written(), (forge_signature_t){ .by = small });

    w = world_make(NULL, small, p);
    world_refuses(w, xml, SAMLC_REASON_KEY_TOO_SMALL);
    w = world_make("MinRSABits 1024\n", small, p);
    message_sound(xml);
}
END_TEST

/* --- KeyInfo -------------------------------------------------------------------------------- */

/* A key in the message trusts nobody, however it comes. */
START_TEST(test_foreign_keys)
{
    const char *both = apr_pstrcat(p, forge_x509_data(keys->idp, p),
                                   forge_x509_data(keys->stranger, p), NULL);
    const char *others[8];
    int i = 0;

    others[0] = forge_x509_data(keys->stranger, p); /* with the name and the serial of the IdP's */
    others[1] = forge_x509_data(keys->other, p);        /* another IdP's */
    others[2] = "<ds:KeyValue/>";
    others[3] = "<ds:KeyName>primary.pem</ds:KeyName>";
    others[4] = "<ds:RetrievalMethod URI=\"file:///etc/passwd\"/>";
    others[5] = "<ds:RetrievalMethod URI=\"#_assertion\"/>";
    others[6] = "<ds:KeyValue><d:ECKeyValue xmlns:d=\"" SAMLC_NS_DSIG11 "\"><d:NamedCurve URI=\"x"
                "\"/><d:PublicKey>AAAA</d:PublicKey></d:ECKeyValue></ds:KeyValue>";
    others[7] = "<ds:KeyValue><ds:DSAKeyValue><ds:P>AA==</ds:P></ds:DSAKeyValue></ds:KeyValue>";
    for (i = 0; i < COUNT(others); i++) {
        world_refuses(w, sign(message_written(), (forge_signature_t){ .by = keys->stranger,
                                                              .key_info = others[i] }),
                      i < 2 ? SAMLC_REASON_CERT_NOT_LISTED : SAMLC_REASON_SIGNATURE_INVALID);
        message_sound(
            sign(message_written(), (forge_signature_t){ .by = keys->idp, .key_info = others[i] }));
    }
    world_refuses(
        w, sign(message_written(), (forge_signature_t){ .by = keys->stranger, .key_info = both }),
        SAMLC_REASON_SIGNATURE_INVALID);
    message_sound(sign(message_written(), (forge_signature_t){ .key_info = both }));
}
END_TEST

START_TEST(test_many_certificates)
{
    const char *junk = "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>";
    const char *many = forge_repeat(junk, 1000, p);

    message_sound(sign(message_written(), (forge_signature_t){ .key_info = many }));
    world_refuses(
        w, sign(message_written(), (forge_signature_t){ .by = keys->stranger, .key_info = many }),
        SAMLC_REASON_CERT_NOT_LISTED);
}
END_TEST

/* --- IDs and attributes ----------------------------------------------------------------------- */

static const struct {
    const char *from, *to;
    samlc_reason_t reason;      /* OK: accepted, and nothing else is read */
} ids[] = {
    { "<saml:Subject>", "<saml:Subject xml:id=\"_assertion\">", SAMLC_REASON_MALFORMED },
    { "<samlp:Status>", "<samlp:Status xml:id=\"_assertion\">", SAMLC_REASON_MALFORMED },
    { "<samlp:Status>", "<samlp:Status ID=\"_assertion\">", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<samlp:Status>", "<samlp:Status Id=\"_assertion\">", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<samlp:Status>", "<samlp:Status id=\"_assertion\">", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<samlp:Status>", "<samlp:Status xmlns:x=\"urn:x\" x:ID=\"_assertion\">",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_response\"", " ID=\"_assertion\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_response\"", " ID=\"_response\" Id=\"_assertion\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_assertion\"", "", SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_assertion\"", " xmlns:x=\"urn:x\" x:ID=\"_assertion\"",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_assertion\"", " xmlns:x=\"urn:x\" x:ID=\"_evil\" ID=\"_assertion\"",
      SAMLC_REASON_SIGNATURE_INVALID },
    { " URI=\"#_assertion\"", " xmlns:x=\"urn:x\" x:URI=\"#_evil\" URI=\"#_assertion\"",
      SAMLC_REASON_SIGNATURE_INVALID },
    /* a namespaced attribute where there is no signature: not the one that is read */
    { " ID=\"_response\"", " xmlns:x=\"urn:x\" x:ID=\"_evil\" ID=\"_response\"", SAMLC_REASON_OK },
    { " Destination=\"", " xmlns:x=\"urn:x\" x:Destination=\"evil\" Destination=\"",
      SAMLC_REASON_OK },
    { "Destination=\"" FORGE_ACS,
      "xmlns:x=\"urn:x\" x:Destination=\"" FORGE_ACS "\" Destination=\"https://evil.example.org/",
      SAMLC_REASON_WRONG_DESTINATION },
    { " Version=\"2.0\"", " xmlns:x=\"urn:x\" x:Version=\"2.0\"", SAMLC_REASON_MALFORMED },
};

START_TEST(test_ids)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);

    xml = forge_replace(xml, ids[_i].from, ids[_i].to, p);
    if (ids[_i].reason == SAMLC_REASON_OK) {
        message_sound(xml);
    }
    else {
        world_refuses(w, xml, ids[_i].reason);
    }
}
END_TEST

/* --- canonicalisation ------------------------------------------------------------------------- */

static const struct {
    const char *from, *to;
    samlc_reason_t reason;
} namespaces[] = {
    { "<saml:Subject>", "<saml:Subject xmlns:x=\"relative\">", SAMLC_REASON_MALFORMED },
    { "<samlp:Response ", "<samlp:Response xmlns:x=\"../x\" ", SAMLC_REASON_MALFORMED },
    { "<saml:Subject>", "<saml:Subject xmlns:saml=\"urn:evil\">", SAMLC_REASON_MALFORMED },
    { "<saml:NameID ", "<saml:NameID xmlns:saml=\"" SAMLC_NS_SAMLP "\" ",
      SAMLC_REASON_SIGNATURE_INVALID },
    { "<saml:Assertion ", "<saml:Assertion xml:base=\"http://evil/\" ",
      SAMLC_REASON_SIGNATURE_INVALID },
    { "<saml:Assertion ", "<saml:Assertion xml:lang=\"en\" ", SAMLC_REASON_SIGNATURE_INVALID },
    { "<saml:Subject>", "<saml:Subject xmlns=\"urn:x\">", SAMLC_REASON_OK },
    { "<samlp:Response ", "<samlp:Response xml:base=\"http://evil/\" ", SAMLC_REASON_OK },
    { "<samlp:Response ", "<samlp:Response xmlns:x=\"urn:x\" ", SAMLC_REASON_OK },
};

START_TEST(test_namespaces)
{
    const char *xml = forge_replace(message_genuine(FORGE_ASSERTION_ID), namespaces[_i].from,
                                    namespaces[_i].to, p);

    if (namespaces[_i].reason == SAMLC_REASON_OK) {
        message_sound(xml);
    }
    else {
        world_refuses(w, xml, namespaces[_i].reason);
    }
}
END_TEST

/* The same user and attributes as in the message that was signed, or nothing. */
static void unchanged_or_refused(const char *xml)
{
    samlc_reason_t reason = SAMLC_REASON_UNDECIDED;
    samlc_verdict_t *v = world_judges(w, xml, &reason);
    const samlc_attribute_t *mail = NULL;

    if (v != NULL) {
        const apr_array_header_t *attributes = v->claims->session.attributes;

        mail = &APR_ARRAY_IDX(attributes, 0, samlc_attribute_t);
        ck_assert_msg(strcmp(v->claims->session.user, FORGE_USER) == 0, "%s", xml);
        ck_assert_msg(attributes->nelts == 1 && mail->values->nelts == 1
                          && strcmp(APR_ARRAY_IDX(mail->values, 0, const char *), FORGE_USER) == 0,
                      "%s", xml);
    }
}

/* Comments, CDATA sections and instructions at each border and in each text of the message. */
START_TEST(test_insertions)
{
    static const char *const what[] = { "<!-- -->", "<![CDATA[]]>", "<?pi?>", "&#32;", "<x/>" };
    const char *xml = message_genuine(_i % 2 ? FORGE_ASSERTION_ID : FORGE_RESPONSE_ID);
    const char *at = xml;
    int inserted = 0;

    while ((at = strchr(at, '>')) != NULL && at[1] != '\0') {
        int i = 0, offset = 0;

        at++;
        for (offset = 0; offset < 6 && (offset == 0 || at[offset - 1] != '<'); offset += 5) {
            for (i = 0; i < COUNT(what); i++) {
                const char *start = apr_pstrmemdup(p, xml, (apr_size_t)(at + offset - xml));

                unchanged_or_refused(apr_pstrcat(p, start, what[i], at + offset, NULL));
                inserted++;
            }
        }
    }
    ck_assert_int_gt(inserted, 300);
}
END_TEST

/* One byte changed, anywhere. */
START_TEST(test_flips)
{
    const char *xml = message_genuine(_i % 2 ? FORGE_ASSERTION_ID : FORGE_RESPONSE_ID);
    char *changed = apr_pstrdup(p, xml);
    apr_size_t i = 0, len = strlen(xml);

    for (i = (apr_size_t)_i / 2; i < len; i += 4) {
        changed[i] = (char)(xml[i] ^ 1);
        unchanged_or_refused(changed);
        changed[i] = xml[i];
    }
}
END_TEST

/* Cut off anywhere. */
START_TEST(test_cuts)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    apr_size_t len = 0;

    for (len = 0; len < strlen(xml); len++) {
        world_refuses(w, apr_pstrmemdup(p, xml, len), SAMLC_REASON_MALFORMED);
    }
}
END_TEST

/* --- text ----------------------------------------------------------------------------------- */

static const struct {
    const char *name_id;       /* as the IdP writes it, on an attacker's wish */
    const char *user;          /* as it must be read; NULL: refused */
} names[] = {
    { FORGE_USER "<!-- -->.evil.example.com", FORGE_USER ".evil.example.com" },
    { "<!-- -->" FORGE_USER ".evil", FORGE_USER ".evil" },
    { FORGE_USER "<![CDATA[.evil]]>", FORGE_USER ".evil" },
    { "<![CDATA[" FORGE_USER "]]>.evil", FORGE_USER ".evil" },
    { FORGE_USER "&#46;evil", FORGE_USER ".evil" },
    { FORGE_USER "<!-- --><!-- -->.evil", FORGE_USER ".evil" },
    { FORGE_USER ";admin", FORGE_USER ";admin" },
    { " " FORGE_USER, " " FORGE_USER },
    { "<?pi?>" FORGE_USER, NULL },
    { FORGE_USER "<?pi?>.evil", NULL },
    { FORGE_USER "<x/>.evil", NULL },
    { FORGE_USER "<saml:NameID>.evil</saml:NameID>", NULL },
    { FORGE_USER "&#13;&#10;X: y", NULL },
    { FORGE_USER "\n", NULL },
};

START_TEST(test_names)
{
    static const char *const signs[] = { FORGE_ASSERTION_ID, FORGE_RESPONSE_ID };
    int i = 0;

    for (i = 0; i < COUNT(signs); i++) {
        const char *xml = world_signed(&(forge_t){ .name_id = names[_i].name_id }, signs[i],
                                       keys->idp, p);

        if (names[_i].user != NULL) {
            ck_assert_str_eq(world_accepts(w, xml)->claims->session.user, names[_i].user);
        }
        else {
            world_refuses(w, xml, SAMLC_REASON_MALFORMED);
        }
    }
}
END_TEST

/* --- DTD and encodings ------------------------------------------------------------------------ */

static const char *const doctypes[] = {
    "<!DOCTYPE samlp:Response>",
    "<!DOCTYPE samlp:Response []>",
    "<!DOCTYPE samlp:Response SYSTEM \"file:///etc/passwd\">",
    "<!DOCTYPE samlp:Response PUBLIC \"-//X\" \"http://127.0.0.1:9/x.dtd\">",
    "<!DOCTYPE samlp:Response [<!ENTITY e \"" MALLORY "\">]>",
    "<!DOCTYPE samlp:Response [<!ENTITY % e SYSTEM \"http://127.0.0.1:9/\"> %e;]>",
    "<!DOCTYPE samlp:Response [<!ATTLIST samlp:Response Destination CDATA \"" FORGE_ACS "\">]>",
    "<!DOCTYPE samlp:Response [<!ATTLIST saml:Assertion ID ID #IMPLIED>]>",
    "<!-- c --><!DOCTYPE samlp:Response>",
    "<?xml version=\"1.0\"?><!DOCTYPE samlp:Response>",
    "<?xml version=\"1.1\"?>",
    "<?xml\nversion=\"1.1\"?>",
    "<?xml version=\"1.0\" encoding=\"UTF-16\"?>",
    "<?xml\tversion=\"1.0\" encoding=\"UTF-7\"?>",
};

START_TEST(test_doctypes)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);

    message_sound(
        apr_pstrcat(p, "<?xml version=\"1.0\" encoding=\"UTF-8\"?><!-- c -->", xml, NULL));
    world_refuses(w, apr_pstrcat(p, doctypes[_i], xml, NULL), SAMLC_REASON_MALFORMED);
}
END_TEST

START_TEST(test_entities)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);

    world_refuses(w, forge_replace(xml, FORGE_USER, "&user;", p), SAMLC_REASON_MALFORMED);
    world_refuses(w, apr_pstrcat(p, "<!DOCTYPE samlp:Response [<!ENTITY user \"" FORGE_USER "\">]>",
                                 forge_replace(xml, FORGE_USER, "&user;", p), NULL),
                  SAMLC_REASON_MALFORMED);
}
END_TEST

/* The whole message in UTF-16, with a byte order mark and without. */
START_TEST(test_utf16)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    apr_size_t len = strlen(xml), i = 0;
    unsigned char *wide = apr_pcalloc(p, 2 + 2 * len);

    wide[0] = 0xFF;
    wide[1] = 0xFE;
    for (i = 0; i < len; i++) {
        wide[2 + 2 * i] = (unsigned char)xml[i];
    }
    message_sound(samlc_text_base64(xml, len, p));
    world_refuses(w, samlc_text_base64(wide, 2 + 2 * len, p), SAMLC_REASON_MALFORMED);
    world_refuses(w, samlc_text_base64(wide + 2, 2 * len, p), SAMLC_REASON_MALFORMED);
}
END_TEST

/* --- resources ------------------------------------------------------------------------------ */

START_TEST(test_floods)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    const char *attributes = "";
    int i = 0;

    for (i = 0; i < 2000; i++) {
        attributes = apr_psprintf(p, "%s xmlns:n%d=\"urn:n\"", attributes, i);
    }
    world_refuses(w, forge_behind(xml, "<saml:Subject", attributes, p), SAMLC_REASON_TOO_LARGE);
    world_refuses(w,
                  forge_before(xml, "<samlp:Status>",
                               apr_pstrcat(p, "<samlp:Extensions>", forge_repeat("<b/>", 6000, p),
                                           "</samlp:Extensions>", NULL),
                               p),
                  SAMLC_REASON_TOO_LARGE);
    world_refuses(
        w,
        forge_before(xml, "<samlp:Status>",
                     apr_pstrcat(p, "<samlp:Extensions>", forge_repeat("<b>", 40, p),
                                 forge_repeat("</b>", 40, p), "</samlp:Extensions>", NULL),
                     p),
        SAMLC_REASON_TOO_LARGE);
    world_refuses(w, forge_replace(xml, FORGE_USER, forge_repeat("a", 11000000, p), p),
                  SAMLC_REASON_TOO_LARGE);
    world_refuses(
        w, forge_before(xml, "<saml:Assertion", forge_repeat("<saml:Assertion/>", 2000, p), p),
        SAMLC_REASON_TOO_LARGE);
}
END_TEST

/* --- one IdP for another, and other messages -------------------------------------------------- */

START_TEST(test_other_idp)
{
    const forge_t says_main = { 0 };
    const forge_t says_other = { .issuer = WORLD_OTHER_IDP };
    const forge_t main_in_other = { .response_issuer = WORLD_OTHER_IDP };
    const forge_signature_t by_other = { .by = keys->other };

    ck_assert_str_eq(world_accepts(w, world_signed(&says_other, FORGE_ASSERTION_ID, keys->other, p))
                         ->claims->idp->name, "other");
    world_refuses(w, world_signed(&says_main, FORGE_ASSERTION_ID, keys->other, p),
                  SAMLC_REASON_CERT_NOT_LISTED);
    world_refuses(w, world_signed(&says_other, FORGE_ASSERTION_ID, keys->idp, p),
                  SAMLC_REASON_CERT_NOT_LISTED);
    /* the other IdP puts what this one never said into a response of its own */
    world_refuses(w, world_signed(&main_in_other, FORGE_RESPONSE_ID, keys->other, p),
                  SAMLC_REASON_WRONG_ISSUER);
    world_refuses(w, world_signed(&main_in_other, FORGE_ASSERTION_ID, keys->other, p),
                  SAMLC_REASON_WRONG_ISSUER);
    /* ... or a genuine assertion of this one */
    world_refuses(w, forge_sign(world_signed(&main_in_other, FORGE_ASSERTION_ID, keys->idp, p),
                                FORGE_RESPONSE_ID, &by_other, p), SAMLC_REASON_WRONG_ISSUER);
}
END_TEST

START_TEST(test_other_messages)
{
    static const char *const roots[] = { "LogoutResponse", "ArtifactResponse", "AuthnRequest",
                                         "response" };
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    int i = 0;

    for (i = 0; i < COUNT(roots); i++) {
        const char *other = forge_replace(xml, "<samlp:Response ",
                                          apr_psprintf(p, "<samlp:%s ", roots[i]), p);

        world_refuses(w, forge_replace(other, "</samlp:Response>",
                                       apr_psprintf(p, "</samlp:%s>", roots[i]), p),
                      SAMLC_REASON_MALFORMED);
    }
    world_refuses(w, forge_element(xml, "saml:Assertion", p), SAMLC_REASON_MALFORMED);
    world_refuses(w, apr_pstrcat(p, xml, xml, NULL), SAMLC_REASON_MALFORMED);
    world_refuses(w, forge_replace(xml, SAMLC_NS_SAMLP, "urn:oasis:names:tc:SAML:1.0:protocol", p),
                  SAMLC_REASON_MALFORMED);
}
END_TEST

Suite *suite_attacks(void)
{
    Suite *suite = suite_create("attacks");
    TCase *tc = message_tcase("attacks");

    tcase_add_test(tc, test_stripped);
    tcase_add_loop_test(tc, test_odd_references, 0, COUNT(odd_references));
    tcase_add_test(tc, test_signed_part);
    tcase_add_loop_test(tc, test_odd_transforms, 0, COUNT(odd_transforms));
    tcase_add_test(tc, test_xpath_hides_name);
    tcase_add_test(tc, test_many_transforms);
    tcase_add_loop_test(tc, test_algorithms, 0, COUNT(algorithms));
    tcase_add_test(tc, test_hmac);
    tcase_add_test(tc, test_method_and_key);
    tcase_add_test(tc, test_small_key);
    tcase_add_test(tc, test_foreign_keys);
    tcase_add_test(tc, test_many_certificates);
    tcase_add_loop_test(tc, test_ids, 0, COUNT(ids));
    tcase_add_loop_test(tc, test_namespaces, 0, COUNT(namespaces));
    tcase_add_loop_test(tc, test_insertions, 0, 2);
    tcase_add_loop_test(tc, test_flips, 0, 8);
    tcase_add_test(tc, test_cuts);
    tcase_add_loop_test(tc, test_names, 0, COUNT(names));
    tcase_add_loop_test(tc, test_doctypes, 0, COUNT(doctypes));
    tcase_add_test(tc, test_entities);
    tcase_add_test(tc, test_utf16);
    tcase_add_test(tc, test_floods);
    tcase_add_test(tc, test_other_idp);
    tcase_add_test(tc, test_other_messages);
    suite_add_tcase(suite, tc);
    return suite;
}
