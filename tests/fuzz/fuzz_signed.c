/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an IdP may say. Fuzzers can't sign, so this target signs for them: the input is a Response
 * without signatures, behind an "A" (its Assertion gets signed) or an "R" (the Response does). What
 * is accepted is compared with what XPath finds in the message.
 */
#include <apr_strings.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/openssl/evp.h>
#include <xmlsec/templates.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/xmldsig.h>

#include "core/xml/xml.h"
#include "fuzz.h"
#include "fuzz_sp.h"
#include "seeds.h"

const char *const FUZZ_TARGET = "signed";

static samlc_expectations_t expected;
static samlc_key_t *key;     /* of the IdP SEEDS_OTHER */

void fuzz_setup(apr_pool_t *p)
{
    samlc_source_t source = fuzz_sp_source();
    samlc_snapshot_t *snapshot = NULL;
    samlc_result_t *res = samlc_result_make(p);
    samlc_data_t pem = fuzz_read_data("other.key", p);

    if (samlc_snapshot_load(&snapshot, &source, NULL, NULL, FUZZ_NOW, res, p) != APR_SUCCESS
        || samlc_key_parse_private(&key, &pem, res, p) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", res->message);
        exit(2);
    }
    expected = fuzz_sp_expectations(snapshot, p);
}

/* --- signing -------------------------------------------------------------------------------- */

/* An empty Signature behind the Issuer of the element; NULL if it has none. */
static xmlNodePtr add_template(xmlNodePtr element, const char *id, apr_pool_t *p)
{
    xmlNodePtr issuer = samlc_xml_child(element, SAMLC_NS_SAML, "Issuer", NULL);
    xmlNodePtr signature = NULL;
    xmlNodePtr reference = NULL;

    if (!issuer) {
        return NULL;
    }
    signature = xmlSecTmplSignatureCreate(element->doc, xmlSecTransformExclC14NId,
                                          xmlSecOpenSSLTransformEcdsaSha256Id, NULL);
    reference = xmlSecTmplSignatureAddReference(signature, xmlSecOpenSSLTransformSha256Id, NULL,
                                                (const xmlChar *)apr_pstrcat(p, "#", id, NULL),
                                                NULL);
    FUZZ_CHECK(xmlSecTmplReferenceAddTransform(reference, xmlSecTransformEnvelopedId));
    FUZZ_CHECK(xmlSecTmplReferenceAddTransform(reference, xmlSecTransformExclC14NId));
    return xmlAddNextSibling(issuer, signature);
}

/* FALSE if the element can't be signed as it is. */
static int sign(xmlNodePtr element, apr_pool_t *p)
{
    const char *id = element ? samlc_xml_attr(element, "ID", p) : NULL;
    xmlNodePtr signature = id && samlc_xml_is_ncname(id) ? add_template(element, id, p) : NULL;
    xmlSecDSigCtxPtr ctx = xmlSecDSigCtxCreate(NULL);
    int done = 0;

    FUZZ_CHECK(ctx);
    if (signature
        && xmlAddID(NULL, element->doc, (const xmlChar *)id,
                    xmlHasNsProp(element, (const xmlChar *)"ID", NULL))) {
        ctx->signKey = xmlSecKeyCreate();
        FUZZ_CHECK(EVP_PKEY_up_ref(samlc_key_get(key)) == 1);
        FUZZ_CHECK(xmlSecKeySetValue(ctx->signKey, xmlSecOpenSSLEvpKeyAdopt(samlc_key_get(key)))
                   == 0);
        done = xmlSecDSigCtxSign(ctx, signature) == 0 && ctx->status == xmlSecDSigStatusSucceeded;
    }
    xmlSecDSigCtxDestroy(ctx);
    ERR_clear_error();
    return done;
}

/* The signed message; no bytes if the input is none that can be signed. */
static samlc_data_t make_message(const samlc_data_t *input, apr_pool_t *p)
{
    samlc_data_t xml = {input->data + 1, input->len - 1, "input"};
    samlc_data_t message = {NULL, 0, "signed"};
    xmlDocPtr doc = NULL;
    xmlNodePtr element = NULL;
    xmlChar *text = NULL;
    int len = 0;

    if (input->len < 1 || (input->data[0] != 'A' && input->data[0] != 'R')
        || samlc_xml_parse(&doc, &xml, &SAMLC_XML_MESSAGE, samlc_result_make(p), p)
               != APR_SUCCESS) {
        return message;
    }
    element = xmlDocGetRootElement(doc);
    if (input->data[0] == 'A') {
        element = samlc_xml_child(element, SAMLC_NS_SAML, "Assertion", NULL);
    }
    if (sign(element, p)) {
        xmlDocDumpMemory(doc, &text, &len);
        FUZZ_CHECK(text);
        message.data = apr_pmemdup(p, text, (apr_size_t)len);
        message.len = (apr_size_t)len;
        xmlFree(text);
    }
    return message;
}

/* --- comparing ------------------------------------------------------------------------------ */

static xmlXPathContextPtr make_xpath(const samlc_data_t *message)
{
    xmlDocPtr doc = xmlReadMemory((const char *)message->data, (int)message->len, NULL, NULL,
                                  XML_PARSE_NONET);
    xmlXPathContextPtr xpath = xmlXPathNewContext(doc);

    FUZZ_CHECK(doc && xpath);
    xmlXPathRegisterNs(xpath, (const xmlChar *)"p", (const xmlChar *)SAMLC_NS_SAMLP);
    xmlXPathRegisterNs(xpath, (const xmlChar *)"a", (const xmlChar *)SAMLC_NS_SAML);
    return xpath;
}

static int holds(xmlXPathContextPtr xpath, const char *expression)
{
    xmlXPathObjectPtr result = xmlXPathEvalExpression((const xmlChar *)expression, xpath);
    int is_true = result && xmlXPathCastToBoolean(result) == 1;

    xmlXPathFreeObject(result);
    return is_true;
}

static int text_is(xmlXPathContextPtr xpath, const char *expression, const char *value)
{
    xmlXPathObjectPtr result = xmlXPathEvalExpression((const xmlChar *)expression, xpath);
    xmlChar *text = xmlXPathCastToString(result);
    int equal = text && value && strcmp((const char *)text, value) == 0;

    xmlFree(text);
    xmlXPathFreeObject(result);
    return equal;
}

#define ASSERTION "/p:Response/a:Assertion"
#define NAME_ID ASSERTION "/a:Subject/a:NameID"
#define LAST_CENTURY(time) "starts-with(" time ", '19')"

/* The metadata of the IdP has SEEDS_SCOPE and all of example.net but itself. */
static int is_in_scope(const char *value)
{
    const char *at = strrchr(value, '@');
    const char *dot = at ? strchr(at, '.') : NULL;

    return at && (strcasecmp(at + 1, SEEDS_SCOPE) == 0
                  || (dot && strcmp(dot, ".example.net") == 0));
}

static void check_scopes(const apr_array_header_t *attributes)
{
    static const char *const scoped[] = { "eduPersonPrincipalName", "eduPersonScopedAffiliation",
                                          NULL };
    int i = 0;
    int k = 0;

    for (i = 0; i < attributes->nelts; i++) {
        const samlc_attribute_t *a = &APR_ARRAY_IDX(attributes, i, samlc_attribute_t);

        for (k = 0; fuzz_is_known(a->name, scoped) && k < a->values->nelts; k++) {
            FUZZ_CHECK(is_in_scope(APR_ARRAY_IDX(a->values, k, const char *)));
        }
    }
}

/* No assertion lacks what this predicate asks for. */
#define EACH(predicate) "not(" ASSERTION "[not(" predicate ")])"
#define CONFIRMATION \
    "a:Subject/a:SubjectConfirmation[@Method = 'urn:oasis:names:tc:SAML:2.0:cm:bearer']" \
    "/a:SubjectConfirmationData[@Recipient = '" SEEDS_ACS "' and @InResponseTo = '" SEEDS_REQUEST \
    "' and @NotOnOrAfter and not(" LAST_CENTURY("@NotOnOrAfter") ") and not(@NotBefore)]"
#define CONTEXT \
    "a:AuthnStatement/a:AuthnContext[a:AuthnContextClassRef = 'urn:x' or a:AuthnContextClassRef" \
    " = 'urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport']"

static void compare(const samlc_data_t *message, const samlc_claims_t *claims, apr_pool_t *p)
{
    static const char *const rules[] = {
        "count(//a:Assertion | //a:EncryptedAssertion) = count(" ASSERTION ")",
        "count(" ASSERTION ") >= 1 and count(" ASSERTION ") <= 4",
        "not(" ASSERTION "[@ID = following-sibling::a:Assertion/@ID])",
        "/p:Response/p:Status/p:StatusCode/@Value = 'urn:oasis:names:tc:SAML:2.0:status:Success'",
        "/p:Response/@Version = '2.0'",
        "not(/p:Response/@Destination) or /p:Response/@Destination = '" SEEDS_ACS "'",
        "/p:Response/@InResponseTo = '" SEEDS_REQUEST "'",
        EACH("@Version = '2.0'"),
        EACH("a:Issuer = '" SEEDS_OTHER "'"),
        EACH("a:Conditions/a:AudienceRestriction"),
        "not(" ASSERTION "/a:Conditions/a:AudienceRestriction[not(a:Audience = '" SEEDS_SP "')])",
        "not(" ASSERTION "/a:Conditions[" LAST_CENTURY("@NotOnOrAfter") "])",
        "not(" ASSERTION "/a:AuthnStatement[" LAST_CENTURY("@SessionNotOnOrAfter") "])",
        EACH("not(a:Subject/a:SubjectConfirmation) or " CONFIRMATION),
        "not(" NAME_ID "[. != (" NAME_ID ")[1]])",
    };
    static const char *const of_login[] = { CONFIRMATION, "a:AuthnStatement", CONTEXT };
    xmlXPathContextPtr xpath = make_xpath(message);
    apr_size_t i = 0;

    for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
        if (!holds(xpath, rules[i])) {
            fuzz_fail(rules[i], __FILE__, __LINE__);
        }
    }
    if (holds(xpath, NAME_ID)) {
        FUZZ_CHECK(text_is(xpath, NAME_ID, claims->session.name_id));
        FUZZ_CHECK(text_is(xpath, NAME_ID, claims->session.user));
    }
    else {
        FUZZ_CHECK(holds(xpath, ASSERTION "/a:Subject/a:EncryptedID"));
    }
    FUZZ_CHECK(claims->session.user[0] != '!');   /* UserFilter */
    for (i = 0; i < sizeof(of_login) / sizeof(of_login[0]); i++) {
        FUZZ_CHECK(holds(xpath, apr_pstrcat(p, ASSERTION "[@ID = '", claims->assertion_id, "']/",
                                            of_login[i], NULL)));
    }
    check_scopes(claims->session.attributes);
    xmlFreeDoc(xpath->doc);
    xmlXPathFreeContext(xpath);
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    samlc_data_t message = make_message(input, p);
    samlc_verdict_t *verdict = NULL;

    if (message.len == 0) {
        return 0;
    }
    verdict = fuzz_sp_judge(&expected, &message, p);
    if (!verdict || verdict->outcome != SAMLC_ACCEPTED) {
        return 0;
    }
    compare(&message, verdict->claims, p);
    return 1;
}
