/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <apr_strings.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <libxml/xpathInternals.h>

#include "core/saml/sp_metadata.h"
#include "make_cert.h"

typedef struct doc_t {
    xmlDocPtr doc;
    xmlXPathContextPtr xpath;
} doc_t;

static apr_status_t free_doc(void *data)
{
    doc_t *d = data;

    xmlXPathFreeContext(d->xpath);
    xmlFreeDoc(d->doc);
    return APR_SUCCESS;
}

static doc_t *published(const samlc_sp_t *sp, apr_pool_t *p)
{
    const char *xml = samlc_sp_metadata(sp, p);
    doc_t *d = apr_pcalloc(p, sizeof(*d));

    d->doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);
    ck_assert_ptr_nonnull(d->doc);
    d->xpath = xmlXPathNewContext(d->doc);
    xmlXPathRegisterNs(d->xpath, BAD_CAST "md", BAD_CAST "urn:oasis:names:tc:SAML:2.0:metadata");
    xmlXPathRegisterNs(d->xpath, BAD_CAST "ds", BAD_CAST "http://www.w3.org/2000/09/xmldsig#");
    apr_pool_cleanup_register(p, d, free_doc, apr_pool_cleanup_null);
    return d;
}

/* The value of an XPath expression as a string. */
static const char *ask(doc_t *d, const char *expression, apr_pool_t *p)
{
    xmlXPathObjectPtr object = xmlXPathEvalExpression(BAD_CAST expression, d->xpath);
    xmlChar *value = NULL;
    const char *copy = NULL;

    ck_assert_ptr_nonnull(object);
    value = xmlXPathCastToString(object);
    copy = apr_pstrdup(p, (const char *)value);
    xmlFree(value);
    xmlXPathFreeObject(object);
    return copy;
}

static const test_cert_t *put_key(samlc_keyset_t *set, samlc_own_role_t role, const char *type,
                                  apr_pool_t *p)
{
    test_cert_t *made = test_cert_make(&(test_cert_spec_t){ .key_type = type }, p);
    samlc_result_t *res = samlc_result_make(p);
    samlc_data_t key = test_data(made->key_pem, "sp.key");
    samlc_data_t cert = test_data(made->pem, "sp.crt");

    ck_assert_int_eq(samlc_keyset_add(set, role, &key, &cert, res, p), APR_SUCCESS);
    return made;
}

static const char *der_base64(const test_cert_t *cert, apr_pool_t *p)
{
    return samlc_text_base64(cert->der.data, cert->der.len, p);
}

static samlc_sp_t plain_sp(const samlc_keyset_t *keys)
{
    samlc_sp_t sp = { "https://app.example.org/saml?a=1&b=<\"'>",
                      "https://app.example.org/saml/acs?x=1&y=2", 0, keys };

    return sp;
}

#define SP "/md:EntityDescriptor/md:SPSSODescriptor"

/* spec: SAML-Metadata 2.4.4 - SPSSODescriptor */
START_TEST(describes_the_service)
{
    apr_pool_t *p = test_pool();
    samlc_sp_t sp = plain_sp(NULL);
    doc_t *d = published(&sp, p);

    ck_assert_str_eq(ask(d, "/md:EntityDescriptor/@entityID", p), sp.entity_id);
    ck_assert_str_eq(ask(d, SP "/@protocolSupportEnumeration", p),
                     "urn:oasis:names:tc:SAML:2.0:protocol");
    ck_assert_str_eq(ask(d, SP "/@AuthnRequestsSigned", p), "false");
    ck_assert_str_eq(ask(d, "count(" SP "/@WantAssertionsSigned)", p), "0");
    ck_assert_str_eq(ask(d, "count(" SP "/*)", p), "1");
    ck_assert_str_eq(ask(d, SP "/md:AssertionConsumerService/@Binding", p),
                     "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
    ck_assert_str_eq(ask(d, SP "/md:AssertionConsumerService/@Location", p), sp.acs_url);
    ck_assert_str_eq(ask(d, SP "/md:AssertionConsumerService/@index", p), "0");
    ck_assert_str_eq(ask(d, SP "/md:AssertionConsumerService/@isDefault", p), "true");
    sp.authn_requests_signed = 1;
    ck_assert_str_eq(ask(published(&sp, p), SP "/@AuthnRequestsSigned", p), "true");
}
END_TEST

#define CERT "/ds:KeyInfo/ds:X509Data/ds:X509Certificate"

START_TEST(publishes_active_then_next_and_not_retiring)
{
    apr_pool_t *p = test_pool();
    samlc_keyset_t *set = apr_pcalloc(p, sizeof(*set));
    const test_cert_t *active = put_key(set, SAMLC_OWN_ACTIVE, "RSA", p);
    const test_cert_t *next = put_key(set, SAMLC_OWN_NEXT, "RSA", p);
    samlc_sp_t sp = plain_sp(set);
    doc_t *d = NULL;

    put_key(set, SAMLC_OWN_RETIRING, "RSA", p);
    d = published(&sp, p);
    ck_assert_str_eq(ask(d, "count(" SP "/md:KeyDescriptor)", p), "4");
    ck_assert_str_eq(ask(d, SP "/md:KeyDescriptor[1]/@use", p), "signing");
    ck_assert_str_eq(ask(d, SP "/md:KeyDescriptor[1]" CERT, p), der_base64(active, p));
    ck_assert_str_eq(ask(d, SP "/md:KeyDescriptor[2]/@use", p), "encryption");
    ck_assert_str_eq(ask(d, SP "/md:KeyDescriptor[2]" CERT, p), der_base64(active, p));
    ck_assert_str_eq(ask(d, SP "/md:KeyDescriptor[3]/@use", p), "signing");
    ck_assert_str_eq(ask(d, SP "/md:KeyDescriptor[3]" CERT, p), der_base64(next, p));
    ck_assert_str_eq(ask(d, SP "/md:KeyDescriptor[4]/@use", p), "encryption");
    ck_assert_str_eq(ask(d, SP "/md:KeyDescriptor[4]" CERT, p), der_base64(next, p));
    ck_assert_str_eq(ask(d, "name(" SP "/*[last()])", p), "md:AssertionConsumerService");
}
END_TEST

/* An EC key signs; that it should be encrypted for must not be read out of our metadata. */
START_TEST(only_rsa_is_published_for_encryption)
{
    apr_pool_t *p = test_pool();
    samlc_keyset_t *set = apr_pcalloc(p, sizeof(*set));
    samlc_sp_t sp = plain_sp(set);
    doc_t *d = NULL;

    put_key(set, SAMLC_OWN_ACTIVE, "EC", p);
    d = published(&sp, p);
    ck_assert_str_eq(ask(d, "count(" SP "/md:KeyDescriptor[@use='signing'])", p), "1");
    ck_assert_str_eq(ask(d, "count(" SP "/md:KeyDescriptor[@use='encryption'])", p), "0");
    put_key(set, SAMLC_OWN_ACTIVE, "RSA", p);
    d = published(&sp, p);
    ck_assert_str_eq(ask(d, "count(" SP "/md:KeyDescriptor[@use='encryption'])", p), "1");
}
END_TEST

#define METHODS SP "/md:KeyDescriptor[@use='encryption']/md:EncryptionMethod"

START_TEST(names_what_we_decrypt_by_default)
{
    apr_pool_t *p = test_pool();
    samlc_keyset_t *set = apr_pcalloc(p, sizeof(*set));
    samlc_sp_t sp = plain_sp(set);
    doc_t *d = NULL;

    put_key(set, SAMLC_OWN_ACTIVE, "RSA", p);
    d = published(&sp, p);
    ck_assert_str_eq(
        ask(d, "count(" METHODS "[@Algorithm='http://www.w3.org/2009/xmlenc11#aes256-gcm'])", p),
        "1");
    ck_assert_str_eq(
        ask(d, "count(" METHODS "[@Algorithm='http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p'])",
            p),
        "1");
    ck_assert_str_eq(ask(d, "count(" METHODS "[contains(@Algorithm, 'cbc')])", p), "0");
    ck_assert_str_eq(ask(d, "count(" METHODS "[contains(@Algorithm, 'rsa-1_5')])", p), "0");
    ck_assert_str_eq(
        ask(d, "count(" SP "/md:KeyDescriptor[@use='signing']/md:EncryptionMethod)", p), "0");
}
END_TEST

Suite *suite_sp_metadata(void)
{
    Suite *suite = suite_create("sp_metadata");
    TCase *tc = tcase_create("sp_metadata");

    tcase_add_test(tc, describes_the_service);
    tcase_add_test(tc, publishes_active_then_next_and_not_retiring);
    tcase_add_test(tc, only_rsa_is_published_for_encryption);
    tcase_add_test(tc, names_what_we_decrypt_by_default);
    suite_add_tcase(suite, tc);
    return suite;
}
