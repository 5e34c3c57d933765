/* SPDX-License-Identifier: Apache-2.0 */
#include "core/saml/assertion.h"

#include <apr_strings.h>

#include "core/store/session.h"
#include "core/xml/xml.h"
#include "forge.h"
#include "test.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define AT(text) "2026-07-01T" text "Z"
#define BEARER_START "<saml:SubjectConfirmation Method=\"" FORGE_BEARER "\">"

static apr_pool_t *p;
static samlc_result_t *res;

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

static samlc_assertion_t *read_text(const char *xml)
{
    samlc_data_t data = test_data(xml, "test");
    samlc_assertion_t *a = NULL;
    xmlDocPtr doc = NULL;
    apr_status_t rv = samlc_xml_parse(&doc, &data, &SAMLC_XML_MESSAGE, res, p);

    ck_assert_msg(rv == APR_SUCCESS, "%s: %s", res->message, xml);
    rv = samlc_assertion_read(&a, xmlDocGetRootElement(doc), res, p);
    ck_assert_int_eq(rv == APR_SUCCESS, a != NULL);
    return a;
}

static const char *plain(const forge_t *f)
{
    return forge_element(forge_write(f, p), "saml:Assertion", p);
}

/* The assertion of a message that must be readable. */
static samlc_assertion_t *sound(const forge_t *f)
{
    const char *xml = plain(f);
    samlc_assertion_t *a = read_text(xml);

    ck_assert_msg(a != NULL, "%s: %s", res->message, xml);
    return a;
}

static void malformed(const char *xml)
{
    ck_assert_msg(read_text(xml) == NULL, "%s", xml);
    ck_assert_int_eq(res->reason, SAMLC_REASON_MALFORMED);
}

/* --- all of it ------------------------------------------------------------------------------ */

START_TEST(test_all)
{
    samlc_assertion_t *a = sound(&(forge_t){
        .instant = AT("00:00:01"), .confirmed_until = AT("00:00:02"), .not_before = AT("00:00:03"),
        .not_on_or_after = AT("00:00:04"), .authn_instant = AT("00:00:05.5"),
        .session_until = AT("00:00:06") });
    const samlc_confirmation_t *c = &APR_ARRAY_IDX(a->bearer, 0, samlc_confirmation_t);
    const apr_array_header_t *audiences = APR_ARRAY_IDX(a->audiences, 0, apr_array_header_t *);
    const samlc_attribute_t *attribute = &APR_ARRAY_IDX(a->attributes, 0, samlc_attribute_t);

    ck_assert_str_eq(a->id, FORGE_ASSERTION_ID);
    ck_assert_str_eq(a->issuer, FORGE_IDP);
    ck_assert_ptr_null(a->issuer_format);
    ck_assert_int_eq(a->issue_instant, TEST_NOW + apr_time_from_sec(1));
    ck_assert(a->has_subject && a->has_conditions);
    ck_assert_str_eq(a->name_id, FORGE_USER);
    ck_assert_str_eq(a->name_id_format, "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress");
    ck_assert_ptr_null(a->name_qualifier);
    ck_assert_int_eq(a->bearer->nelts, 1);
    ck_assert_str_eq(c->recipient, FORGE_ACS);
    ck_assert_str_eq(c->in_response_to, FORGE_REQUEST);
    ck_assert_int_eq(c->not_on_or_after, TEST_NOW + apr_time_from_sec(2));
    ck_assert_int_eq(c->not_before, 0);
    ck_assert_int_eq(a->not_before, TEST_NOW + apr_time_from_sec(3));
    ck_assert_int_eq(a->not_on_or_after, TEST_NOW + apr_time_from_sec(4));
    ck_assert_int_eq(a->audiences->nelts, 1);
    ck_assert_int_eq(audiences->nelts, 1);
    ck_assert_str_eq(APR_ARRAY_IDX(audiences, 0, const char *), FORGE_SP);
    ck_assert_ptr_null(a->unknown_condition);
    ck_assert_int_eq(a->authn_statements, 1);
    ck_assert_int_eq(a->authn_instant, TEST_NOW + apr_time_from_msec(5500));
    ck_assert_int_eq(a->last_authn_instant, a->authn_instant);
    ck_assert_str_eq(a->authn_instant_text, AT("00:00:05.5"));
    ck_assert_str_eq(a->session_index, "_session");
    ck_assert_str_eq(a->authn_context, FORGE_PASSWORD);
    ck_assert_int_eq(a->session_not_on_or_after, TEST_NOW + apr_time_from_sec(6));
    ck_assert_int_eq(a->attributes->nelts, 1);
    ck_assert_str_eq(attribute->name, "mail");
    ck_assert_int_eq(attribute->values->nelts, 1);
    ck_assert_str_eq(APR_ARRAY_IDX(attribute->values, 0, const char *), FORGE_USER);
}
END_TEST

/* Nothing but what the schema asks for. */
START_TEST(test_least)
{
    samlc_assertion_t *a = read_text(
        "<Assertion xmlns=\"" SAMLC_NS_SAML "\" ID=\"_1\" Version=\"2.0\""
        " IssueInstant=\"" AT("00:00:00") "\"><Issuer>i</Issuer></Assertion>");

    ck_assert_msg(a != NULL, "%s", res->message);
    ck_assert(!a->has_subject && !a->has_conditions);
    ck_assert_ptr_null(a->name_id);
    ck_assert_int_eq(a->bearer->nelts + a->audiences->nelts + a->attributes->nelts, 0);
    ck_assert_int_eq(a->authn_statements, 0);
    ck_assert_int_eq(a->session_not_on_or_after, 0);
}
END_TEST

START_TEST(test_name_id)
{
    samlc_assertion_t *a = sound(&(forge_t){
        .name_id_xml =
            "<saml:NameID NameQualifier=\"nq\" SPNameQualifier=\"spnq\">x</saml:NameID>" });

    ck_assert_ptr_null(a->name_id_format);
    ck_assert_str_eq(a->name_qualifier, "nq");
    ck_assert_str_eq(a->sp_name_qualifier, "spnq");
    a = sound(&(forge_t){ .name_id_xml = "" });
    ck_assert(a->has_subject);
    ck_assert_ptr_null(a->name_id);
}
END_TEST

/* --- values, whole ---------------------------------------------------------------------------- */

static const struct {
    const char *content;
    const char *name_id;    /* NULL: refused */
} name_ids[] = {
    { "alice", "alice" },
    { " alice ", " alice " },
    { "alice&amp;bob", "alice&bob" },
    { "alice<!-- -->.evil", "alice.evil" },
    { "<!-- -->alice", "alice" },
    { "alice<![CDATA[.evil]]>", "alice.evil" },
    { "<![CDATA[<a>]]>", "<a>" },
    { "\xC3\xA4", "\xC3\xA4" },
    { "", "" },
    { "alice<?pi?>.evil", NULL },
    { "alice<x/>.evil", NULL },
    { "<saml:NameID>alice</saml:NameID>", NULL },
    { "alice\n", NULL },
    { "alice&#13;&#10;X-Evil: 1", NULL },
    { "alice\tx", NULL },
    { "alice\x7f", NULL },
};

START_TEST(test_name_id_values)
{
    const char *xml = plain(&(forge_t){
        .name_id_xml = apr_psprintf(p, "<saml:NameID>%s</saml:NameID>", name_ids[_i].content) });

    if (name_ids[_i].name_id == NULL) {
        malformed(xml);
    }
    else {
        samlc_assertion_t *a = read_text(xml);

        ck_assert_msg(a != NULL, "%s", res->message);
        ck_assert_str_eq(a->name_id, name_ids[_i].name_id);
    }
}
END_TEST

#define VALUE(text) "<saml:AttributeValue>" text "</saml:AttributeValue>"
#define ATTRIBUTE(name, values) "<saml:Attribute Name=\"" name "\">" values "</saml:Attribute>"

#define TYPED(attributes, text) \
    "<saml:AttributeValue xmlns:xs=\"http://www.w3.org/2001/XMLSchema\"" \
    " xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" " attributes ">" text \
    "</saml:AttributeValue>"

static const struct {
    const char *xml;
    const char *shown;      /* name=value,value;name=... */
} attributes[] = {
    { ATTRIBUTE("a", VALUE("1")), "a=1,;" },
    { ATTRIBUTE("a", VALUE("1") VALUE("2")), "a=1,2,;" },
    { ATTRIBUTE("a", VALUE("1")) ATTRIBUTE("b", VALUE("2")), "a=1,;b=2,;" },
    { ATTRIBUTE("a", VALUE("1")) ATTRIBUTE("a", VALUE("2")), "a=1,2,;" },
    { ATTRIBUTE("a", ""), "a=;" },
    { ATTRIBUTE("a", VALUE("")), "a=,;" },
    { ATTRIBUTE("a", VALUE("x<!-- -->y")), "a=xy,;" },
    { ATTRIBUTE("a", VALUE("<x>1</x>") VALUE("2")), "a=2,;" },
    { ATTRIBUTE("a", VALUE("  1 \n ")), "a=  1 \n ,;" },
    { ATTRIBUTE("a", VALUE("<![CDATA[1]]>") VALUE("x<![CDATA[<&]]>y")), "a=1,x<&y,;" },
    { ATTRIBUTE("a", VALUE("1<x/>2")), "a=;" },
    { ATTRIBUTE("a", VALUE("1<x/><?pi?>2") VALUE("3")), "a=3,;" },
    { ATTRIBUTE("a", "<saml:AttributeValue/>"), "a=,;" },
    { ATTRIBUTE("a", TYPED("xsi:nil=\"true\"", "") VALUE("1")), "a=1,;" },
    { ATTRIBUTE("a", TYPED("xsi:nil=\"1\"", "")), "a=;" },
    { ATTRIBUTE("a", TYPED("xsi:nil=\"false\"", "1") TYPED("xsi:nil=\"0\"", "2")), "a=1,2,;" },
    { ATTRIBUTE("a", TYPED("xsi:nil=\"0\"", "")), "a=,;" },
    { ATTRIBUTE("a", TYPED("nil=\"true\"", "1")), "a=1,;" },
    { ATTRIBUTE("a", TYPED("xsi:type=\"xs:string\"", "1") TYPED("xsi:type=\"xs:int\"", "2")
                     TYPED("xsi:type=\"odd\"", "3") TYPED("xsi:type=\"xs:base64Binary\"", "AA==")),
      "a=1,2,3,AA==,;" },
    /* a NameID in a value */
    { ATTRIBUTE("a", VALUE("<saml:NameID NameQualifier=\"i\" SPNameQualifier=\"s\">n"
                           "</saml:NameID>")), "a=i!s!n,;" },
    { ATTRIBUTE("a", VALUE("\n <saml:NameID>n<!-- -->m</saml:NameID> ")), "a=!!nm,;" },
    { ATTRIBUTE("a", VALUE("<saml:NameID>n</saml:NameID><saml:NameID>m</saml:NameID>")), "a=;" },
    { ATTRIBUTE("a", VALUE("x<saml:NameID>n</saml:NameID>")), "a=;" },
    { ATTRIBUTE("a", VALUE("<saml:NameID>n<x/></saml:NameID>")), "a=;" },
    { ATTRIBUTE("a", VALUE("<x:NameID xmlns:x=\"urn:x\">n</x:NameID>")), "a=;" },
    { "<saml:Attribute Name=\"a\" NameFormat=\"f\" FriendlyName=\"b\">" VALUE(
          "1") "</saml:Attribute>",
      "a=1,;" },
};

START_TEST(test_attributes)
{
    samlc_assertion_t *a = sound(&(forge_t){ .attributes_xml = attributes[_i].xml });
    const char *shown = "";
    int i = 0, k = 0;

    for (i = 0; i < a->attributes->nelts; i++) {
        const samlc_attribute_t *attribute = &APR_ARRAY_IDX(a->attributes, i, samlc_attribute_t);

        shown = apr_pstrcat(p, shown, attribute->name, "=", NULL);
        for (k = 0; k < attribute->values->nelts; k++) {
            shown = apr_pstrcat(p, shown, APR_ARRAY_IDX(attribute->values, k, const char *), ",",
                                NULL);
        }
        shown = apr_pstrcat(p, shown, ";", NULL);
    }
    ck_assert_str_eq(shown, attributes[_i].shown);
}
END_TEST

/* Cut by a processing instruction, with a value beside that is not. */
static const char *const cut_values[] = {
    ATTRIBUTE("a", VALUE("1<?pi?>2")),
    ATTRIBUTE("a", VALUE("<?pi?>")),
    ATTRIBUTE("a", VALUE("1") VALUE("2<?pi?>")),
    ATTRIBUTE("a", VALUE("<?pi?>1") VALUE("2")),
    ATTRIBUTE("a", VALUE("<![CDATA[1]]><?pi?>")),
    ATTRIBUTE("a", VALUE("<saml:NameID>n<?pi?>m</saml:NameID>")),
};

START_TEST(test_cut_values)
{
    malformed(plain(&(forge_t){ .attributes_xml = cut_values[_i] }));
}
END_TEST

/* A value that is null and is not, and what is neither. */
static const char *const odd_nils[] = {
    ATTRIBUTE("a", TYPED("xsi:nil=\"true\"", "1")),
    ATTRIBUTE("a", TYPED("xsi:nil=\"1\"", " ")),
    ATTRIBUTE("a", TYPED("xsi:nil=\"true\"", "<x/>")),
    ATTRIBUTE("a", TYPED("xsi:nil=\"\"", "")),
    ATTRIBUTE("a", TYPED("xsi:nil=\"yes\"", "")),
    ATTRIBUTE("a", TYPED("xsi:nil=\"TRUE\"", "")),
};

START_TEST(test_odd_nils)
{
    malformed(plain(&(forge_t){ .attributes_xml = odd_nils[_i] }));
}
END_TEST

/* --- several of a kind ------------------------------------------------------------------------ */

START_TEST(test_confirmations)
{
    samlc_assertion_t *a = sound(&(forge_t){
        .confirmations_xml = apr_pstrcat(
            p,
            "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:sender-vouches\"/>",
            forge_confirmation(" Recipient=\"a\"", p),
            BEARER_START "<saml:NameID>x</saml:NameID></saml:SubjectConfirmation>",
            forge_confirmation(" NotBefore=\"" AT("00:00:00") "\"", p), NULL) });

    ck_assert_int_eq(a->bearer->nelts, 3);
    ck_assert_str_eq(APR_ARRAY_IDX(a->bearer, 0, samlc_confirmation_t).recipient, "a");
    ck_assert_ptr_null(APR_ARRAY_IDX(a->bearer, 1, samlc_confirmation_t).recipient);
    ck_assert_int_eq(APR_ARRAY_IDX(a->bearer, 2, samlc_confirmation_t).not_before, TEST_NOW);
}
END_TEST

START_TEST(test_restrictions)
{
    samlc_assertion_t *a = sound(&(forge_t){
        .restrictions_xml = "<saml:AudienceRestriction><saml:Audience>a</saml:Audience>"
                            "<saml:Audience>b</saml:Audience></saml:AudienceRestriction>"
                            "<saml:OneTimeUse/><saml:ProxyRestriction Count=\"0\"/>"
                            "<saml:AudienceRestriction><saml:Audience>c</saml:Audience>"
                            "</saml:AudienceRestriction>" });

    ck_assert_int_eq(a->audiences->nelts, 2);
    ck_assert_int_eq(APR_ARRAY_IDX(a->audiences, 0, apr_array_header_t *)->nelts, 2);
    ck_assert_ptr_null(a->unknown_condition);
    a = sound(&(forge_t){ .restrictions_xml = "<saml:Condition/>" });
    ck_assert_str_eq(a->unknown_condition, "Condition");
}
END_TEST

#define STATEMENT(attributes, context) \
    "<saml:AuthnStatement AuthnInstant=\"" AT("00:00:00") "\" " attributes ">" context \
    "</saml:AuthnStatement>"
#define CONTEXT(ref) \
    "<saml:AuthnContext><saml:AuthnContextClassRef>" ref \
    "</saml:AuthnContextClassRef></saml:AuthnContext>"

/* The first speaks; the earliest end of a session counts, wherever it stands. */
START_TEST(test_statements)
{
    samlc_assertion_t *a = sound(&(forge_t){
        .authn_xml = STATEMENT("SessionIndex=\"1\"", CONTEXT("a"))
                     STATEMENT("SessionNotOnOrAfter=\"" AT("00:00:09") "\"", CONTEXT("b"))
                     STATEMENT("SessionNotOnOrAfter=\"" AT("00:00:08") "\"", CONTEXT("c")) });

    ck_assert_int_eq(a->authn_statements, 3);
    ck_assert_str_eq(a->session_index, "1");
    ck_assert_str_eq(a->authn_context, "a");
    ck_assert_int_eq(a->session_not_on_or_after, TEST_NOW + apr_time_from_sec(8));
    a = sound(&(forge_t){
        .authn_xml = STATEMENT("", "<saml:AuthnContext><saml:AuthnContextDeclRef>d"
                                   "</saml:AuthnContextDeclRef></saml:AuthnContext>") });
    ck_assert_int_eq(a->authn_statements, 1);
    ck_assert_ptr_null(a->authn_context);
}
END_TEST

/* --- what could be read in two ways --------------------------------------------------------- */

#define SENDER_VOUCHES \
    "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:sender-vouches\">"
#define PERIOD(from, to) "NotBefore=\"" AT(from) "\" NotOnOrAfter=\"" AT(to) "\""
#define CONDITIONS \
    "<saml:Conditions NotBefore=\"2026-06-30T23:59:50Z\" NotOnOrAfter=\"" AT("00:05:00") "\">"
#define CONDITIONS_END "</saml:Conditions>"
#define CLASS_REF \
    "<saml:AuthnContextClassRef>" FORGE_PASSWORD "</saml:AuthnContextClassRef>"
#define DECLARATION "<saml:AuthnContextDeclRef>urn:x</saml:AuthnContextDeclRef>"
#define AUTHORITY "<saml:AuthenticatingAuthority>urn:x</saml:AuthenticatingAuthority>"

static const struct {
    const char *from, *to;
} faults[] = {
    { "Version=\"2.0\"", "Version=\"2.1\"" },
    { "Version=\"2.0\"", "Version=\"1.1\"" },
    { "Version=\"2.0\"", "" },
    { "Version=\"2.0\"", "xmlns:x=\"urn:x\" x:Version=\"2.0\"" },
    { " ID=\"_assertion\"", "" },
    { " ID=\"_assertion\"", " ID=\"\"" },
    { " ID=\"_assertion\"", " ID=\"1\"" },
    { " ID=\"_assertion\"", " id=\"_assertion\"" },
    { " IssueInstant=\"2026-06-30T23:59:50Z\"", "" },
    { "IssueInstant=\"2026-06-30T23:59:50Z\"", "IssueInstant=\"2026-06-30 23:59:50\"" },
    { "<saml:Issuer>" FORGE_IDP "</saml:Issuer>", "" },
    { "<saml:Issuer>", "<saml:Issuer/><saml:Issuer>" },
    { "</saml:Issuer>", "<x/></saml:Issuer>" },
    { "<saml:Issuer>", "text<saml:Issuer>" },
    { "<saml:Subject>", "<saml:Subject/><saml:Subject>" },
    { "<saml:Subject>", "<saml:Conditions/><saml:Subject>" },
    { "<saml:Subject>", "<saml:Unknown/><saml:Subject>" },
    { "<saml:Subject>", "<x:Subject xmlns:x=\"urn:x\"/><saml:Subject>" },
    { "<saml:NameID ", "<saml:NameID>x</saml:NameID><saml:NameID " },
    { "<saml:NameID ", "text<saml:NameID " },
    { "</saml:Subject>", "<saml:NameID>x</saml:NameID></saml:Subject>" },
    { "</saml:Subject>", "<x/></saml:Subject>" },
    { "<saml:SubjectConfirmationData ",
      "<saml:SubjectConfirmationData/><saml:SubjectConfirmationData " },
    { "NotOnOrAfter=\"2026-07-01T00:05:00Z\"", "NotOnOrAfter=\"never\"" },
    { "<saml:SubjectConfirmationData ", "<saml:SubjectConfirmationData NotBefore=\"\" " },
    { "<saml:Conditions NotBefore=\"2026-06-30T23:59:50Z\"",
      "<saml:Conditions NotBefore=\"soon\"" },
    { "<saml:Conditions ", "<saml:Conditions/><saml:Conditions " },
    { "<saml:Audience>" FORGE_SP "</saml:Audience>", "" },
    { "</saml:Audience>", "<x/></saml:Audience>" },
    { "</saml:Audience>", "</saml:Audience><saml:Other/>" },
    { "AuthnInstant=\"2026-06-30T23:59:50Z\"", "" },
    { "AuthnInstant=\"2026-06-30T23:59:50Z\"", "AuthnInstant=\"now\"" },
    { "SessionNotOnOrAfter=\"2026-07-01T08:00:00Z\"", "SessionNotOnOrAfter=\"\"" },
    { "</saml:AuthnContextClassRef>", "<x/></saml:AuthnContextClassRef>" },
    { "<saml:AuthnContext>", "<saml:AuthnContext/><saml:AuthnContext>" },
    { "Name=\"mail\"", "" },
    { "Name=\"mail\"", "Name=\"\"" },
    { "Name=\"mail\"", "xmlns:x=\"urn:x\" x:Name=\"mail\"" },
    { "<saml:Attribute ", "<x/><saml:Attribute " },
    /* spec: SAML-Core 2.4.1.2, 2.5.1.2 - over before it begins */
    { CONDITIONS, "<saml:Conditions " PERIOD("00:05:00", "00:05:00") ">" },
    { CONDITIONS, "<saml:Conditions " PERIOD("00:05:01", "00:05:00") ">" },
    { "<saml:SubjectConfirmationData ",
      "<saml:SubjectConfirmationData NotBefore=\"" AT("00:05:00") "\" " },
    { "<saml:SubjectConfirmationData ",
      "<saml:SubjectConfirmationData NotBefore=\"2026-07-02T00:00:00Z\" " },
    /* spec: SAML-Core 2.4.1.1 - content of a SubjectConfirmation */
    { BEARER_START, BEARER_START "text" },
    { BEARER_START, BEARER_START "<x/>" },
    { BEARER_START, BEARER_START "<saml:NameID>x</saml:NameID><saml:NameID>y</saml:NameID>" },
    { "</saml:SubjectConfirmation>", "<saml:NameID>x</saml:NameID></saml:SubjectConfirmation>" },
    { "</saml:SubjectConfirmation>", "<x/></saml:SubjectConfirmation>" },
    { BEARER_START, SENDER_VOUCHES "<saml:SubjectConfirmationData/><saml:SubjectConfirmationData/>"
                    "</saml:SubjectConfirmation>" BEARER_START },
    /* spec: SAML-Core 2.5.1 - of Conditions */
    { "<saml:AudienceRestriction>", "text<saml:AudienceRestriction>" },
    { "<saml:AudienceRestriction>", "<x:Odd xmlns:x=\"urn:x\"/><saml:AudienceRestriction>" },
    { "<saml:Audience>", "text<saml:Audience>" },
    { CONDITIONS_END, "<saml:OneTimeUse>text</saml:OneTimeUse>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:OneTimeUse><saml:Audience/></saml:OneTimeUse>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:ProxyRestriction>text</saml:ProxyRestriction>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:ProxyRestriction><x/></saml:ProxyRestriction>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:ProxyRestriction Count=\"-1\"/>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:ProxyRestriction Count=\"\"/>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:ProxyRestriction Count=\"1x\"/>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:ProxyRestriction Count=\"1 2\"/>" CONDITIONS_END },
    /* spec: SAML-Core 2.7.2.2 - of an AuthnContext */
    { CLASS_REF, "" },
    { CLASS_REF, AUTHORITY },
    { CLASS_REF, AUTHORITY CLASS_REF },
    { CLASS_REF, "text" CLASS_REF },
    { CLASS_REF, CLASS_REF CLASS_REF },
    { CLASS_REF, DECLARATION CLASS_REF },
    { CLASS_REF, DECLARATION "<saml:AuthnContextDecl/>" },
    { CLASS_REF, CLASS_REF DECLARATION "<saml:AuthnContextDecl/>" },
    { CLASS_REF, CLASS_REF "<x/>" },
    /* spec: SAML-Core 2.7.3 - of an AttributeStatement and an Attribute */
    { "<saml:AttributeStatement>", "<saml:AttributeStatement>text" },
    { "<saml:AttributeValue>", "text<saml:AttributeValue>" },
    { "<saml:AttributeValue>", "<x/><saml:AttributeValue>" },
    { "<saml:AttributeValue>", "<x:AttributeValue xmlns:x=\"urn:x\"/><saml:AttributeValue>" },
    { "<saml:AttributeStatement>",
      "<saml:AttributeStatement><saml:EncryptedAttribute>text" ATTRIBUTE("a", "")
      "</saml:EncryptedAttribute>" },
    { "<saml:AttributeStatement>",
      "<saml:AttributeStatement><saml:EncryptedAttribute>" ATTRIBUTE("a", "x")
      "</saml:EncryptedAttribute>" },
};

/* Their twins. */
static const struct {
    const char *from, *to;
} harmless[] = {
    { CONDITIONS, "<saml:Conditions " PERIOD("00:04:59.999999", "00:05:00") ">" },
    { CONDITIONS, "<saml:Conditions NotBefore=\"" AT("00:05:00") "\">" },
    { CONDITIONS, "<saml:Conditions NotOnOrAfter=\"" AT("00:05:00") "\">" },
    { CONDITIONS, "<saml:Conditions NotOnOrAfter=\"1969-12-31T23:59:59Z\">" },
    { "<saml:SubjectConfirmationData ",
      "<saml:SubjectConfirmationData NotBefore=\"" AT("00:04:59") "\" " },
    { BEARER_START, BEARER_START " <!-- -->\n" },
    { BEARER_START, BEARER_START "<saml:NameID>x</saml:NameID>" },
    { BEARER_START, BEARER_START "<saml:EncryptedID/>" },
    { BEARER_START, BEARER_START "<saml:BaseID/>" },
    { BEARER_START, SENDER_VOUCHES "<saml:SubjectConfirmationData>text<x/>"
                    "</saml:SubjectConfirmationData></saml:SubjectConfirmation>" BEARER_START },
    { "<saml:AudienceRestriction>", " <!-- -->\n<saml:AudienceRestriction>" },
    { "<saml:Audience>", "\t<!-- --> <saml:Audience>" },
    { CONDITIONS_END, "<saml:OneTimeUse> <!-- --></saml:OneTimeUse>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:ProxyRestriction><saml:Audience>x</saml:Audience>"
                      "</saml:ProxyRestriction>" CONDITIONS_END },
    { CONDITIONS_END, "<saml:ProxyRestriction Count=\" +010 \"/>" CONDITIONS_END },
    { CLASS_REF, DECLARATION },
    { CLASS_REF, DECLARATION AUTHORITY AUTHORITY },
    { CLASS_REF, " <saml:AuthnContextDecl>text<x/></saml:AuthnContextDecl><!-- -->" },
    { CLASS_REF, CLASS_REF DECLARATION AUTHORITY },
    { CLASS_REF, CLASS_REF AUTHORITY },
    { "<saml:AttributeStatement>", "<saml:AttributeStatement/><saml:AttributeStatement>\n" },
    { "<saml:AttributeValue>", " <!-- -->\n<saml:AttributeValue>" },
    { "<saml:AttributeStatement>",
      "<saml:AttributeStatement><saml:EncryptedAttribute>" ATTRIBUTE("a", "")
      "</saml:EncryptedAttribute>" },
};

START_TEST(test_faults)
{
    const char *xml = plain(&(forge_t){ 0 });

    ck_assert_ptr_nonnull(read_text(xml));
    malformed(forge_replace(xml, faults[_i].from, faults[_i].to, p));
}
END_TEST

START_TEST(test_harmless)
{
    const char *xml = forge_replace(plain(&(forge_t){ 0 }), harmless[_i].from, harmless[_i].to, p);

    ck_assert_msg(read_text(xml) != NULL, "%s: %s", res->message, xml);
}
END_TEST

/* Names by other means than a NameID are not understood. */
START_TEST(test_other_subjects)
{
    malformed(plain(&(forge_t){ .name_id_xml = "<saml:BaseID/>" }));
    malformed(plain(&(forge_t){ .name_id_xml = "<saml:EncryptedID/>" }));
    ck_assert_str_eq(
        sound(&(forge_t){ .name_id_xml = "<saml:EncryptedID><saml:NameID>x</saml:NameID>"
                                         "</saml:EncryptedID>" })
            ->name_id,
        "x");
}
END_TEST

Suite *suite_assertion(void)
{
    Suite *suite = suite_create("assertion");
    TCase *tc = tcase_create("assertion");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_all);
    tcase_add_test(tc, test_least);
    tcase_add_test(tc, test_name_id);
    tcase_add_loop_test(tc, test_name_id_values, 0, COUNT(name_ids));
    tcase_add_loop_test(tc, test_attributes, 0, COUNT(attributes));
    tcase_add_loop_test(tc, test_cut_values, 0, COUNT(cut_values));
    tcase_add_loop_test(tc, test_odd_nils, 0, COUNT(odd_nils));
    tcase_add_test(tc, test_confirmations);
    tcase_add_test(tc, test_restrictions);
    tcase_add_test(tc, test_statements);
    tcase_add_loop_test(tc, test_faults, 0, COUNT(faults));
    tcase_add_loop_test(tc, test_harmless, 0, COUNT(harmless));
    tcase_add_test(tc, test_other_subjects);
    suite_add_tcase(suite, tc);
    return suite;
}
