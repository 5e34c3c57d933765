/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <apr_strings.h>
#include <apr_tables.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <zlib.h>

#include "core/base/text.h"
#include "core/keys/key.h"
#include "core/saml/request.h"
#include "make_cert.h"

#define PROTOCOL "urn:oasis:names:tc:SAML:2.0:protocol"
#define ASSERTION "urn:oasis:names:tc:SAML:2.0:assertion"
#define SSO "https://idp.example.org/sso"
#define RSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

static samlc_authn_request_t *plain_request(apr_pool_t *p)
{
    samlc_authn_request_t *request = apr_pcalloc(p, sizeof(*request));

    request->id = "_0123456789abcdef0123456789abcdef01234567";
    request->entity_id = "https://app.example.org/saml";
    request->acs_url = "https://app.example.org/saml/acs";
    request->sso_url = SSO;
    request->issue_instant = TEST_NOW;
    return request;
}

static xmlNodePtr parse(const char *xml, apr_pool_t *p)
{
    xmlDocPtr doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);

    ck_assert_ptr_nonnull(doc);
    apr_pool_cleanup_register(p, doc, (apr_status_t(*)(void *))(void *)xmlFreeDoc,
                              apr_pool_cleanup_null);
    return xmlDocGetRootElement(doc);
}

static const char *attribute(xmlNodePtr node, const char *name, apr_pool_t *p)
{
    xmlChar *value = xmlGetNoNsProp(node, BAD_CAST name);
    const char *copy = apr_pstrdup(p, (const char *)value);

    xmlFree(value);
    return copy;
}

static const char *text(xmlNodePtr node, apr_pool_t *p)
{
    xmlChar *value = xmlNodeGetContent(node);
    const char *copy = apr_pstrdup(p, (const char *)value);

    xmlFree(value);
    return copy;
}

/* The only child of this name; NULL if there is none. */
static xmlNodePtr child(xmlNodePtr parent, const char *ns, const char *name)
{
    xmlNodePtr found = NULL;
    xmlNodePtr node = NULL;

    for (node = xmlFirstElementChild(parent); node; node = xmlNextElementSibling(node)) {
        if (strcmp((const char *)node->name, name) == 0) {
            ck_assert_ptr_null(found);
            ck_assert_str_eq((const char *)node->ns->href, ns);
            found = node;
        }
    }
    return found;
}

/* The raw value of a parameter of the query; NULL if it is not there. */
static const char *raw_parameter(const char *url, const char *name, apr_pool_t *p)
{
    char *query = apr_pstrdup(p, strchr(url, '?') + 1);
    const char *found = NULL;
    char *state = NULL;
    char *pair = NULL;
    size_t len = strlen(name);

    for (pair = apr_strtok(query, "&", &state); pair; pair = apr_strtok(NULL, "&", &state)) {
        if (strncmp(pair, name, len) == 0 && pair[len] == '=') {
            ck_assert_ptr_null(found);
            found = pair + len + 1;
        }
    }
    return found;
}

static const char *parameter(const char *url, const char *name, apr_pool_t *p)
{
    const char *raw = raw_parameter(url, name, p);

    return raw ? samlc_text_url_decode(raw, strlen(raw), p) : NULL;
}

static samlc_data_t decode(const char *base64, apr_pool_t *p)
{
    samlc_data_t in = { (const unsigned char *)base64, strlen(base64), "test" };
    samlc_data_t out = { NULL, 0, NULL };

    ck_assert_int_eq(samlc_text_base64_decode(&out, &in, p), APR_SUCCESS);
    return out;
}

/* What the IdP reads: the parameter, inflated. */
static const char *sent_xml(const char *url, apr_pool_t *p)
{
    samlc_data_t packed = decode(parameter(url, "SAMLRequest", p), p);
    apr_size_t size = 65536;
    char *xml = apr_pcalloc(p, size);
    z_stream z;

    memset(&z, 0, sizeof(z));
    ck_assert_int_eq(inflateInit2(&z, -15), Z_OK);
    z.next_in = (Bytef *)packed.data;
    z.avail_in = (uInt)packed.len;
    z.next_out = (Bytef *)xml;
    z.avail_out = (uInt)size - 1;
    ck_assert_int_eq(inflate(&z, Z_FINISH), Z_STREAM_END);
    ck_assert_uint_eq(z.avail_in, 0);
    inflateEnd(&z);
    return xml;
}

static const char *redirect(const samlc_authn_request_t *request, const char *relay_state,
                            const samlc_key_t *key, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    const char *url = NULL;

    ck_assert_int_eq(samlc_request_redirect_url(&url, request, relay_state, key, res, p),
                     APR_SUCCESS);
    ck_assert_int_eq(res->reason, SAMLC_REASON_OK);
    return url;
}

START_TEST(id_is_a_fresh_ncname)
{
    apr_pool_t *p = test_pool();
    const char *id = samlc_request_id(p);

    ck_assert_uint_eq(strlen(id), 41);
    ck_assert_int_eq(id[0], '_');
    ck_assert_uint_eq(strspn(id + 1, "0123456789abcdef"), 40);
    ck_assert_str_ne(id, samlc_request_id(p));
}
END_TEST

START_TEST(plain_request_says_what_it_must)
{
    apr_pool_t *p = test_pool();
    const samlc_authn_request_t *request = plain_request(p);
    xmlNodePtr root = parse(samlc_request_xml(request, p), p);

    ck_assert_str_eq((const char *)root->name, "AuthnRequest");
    ck_assert_str_eq((const char *)root->ns->href, PROTOCOL);
    ck_assert_str_eq(attribute(root, "ID", p), request->id);
    ck_assert_str_eq(attribute(root, "Version", p), "2.0");
    ck_assert_str_eq(attribute(root, "IssueInstant", p), "2026-07-01T00:00:00Z");
    ck_assert_str_eq(attribute(root, "Destination", p), SSO);
    ck_assert_str_eq(attribute(root, "ProtocolBinding", p),
                     "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST");
    ck_assert_str_eq(attribute(root, "AssertionConsumerServiceURL", p), request->acs_url);
    ck_assert_ptr_null(attribute(root, "ForceAuthn", p));
    ck_assert_ptr_null(attribute(root, "IsPassive", p));
    ck_assert_str_eq(text(child(root, ASSERTION, "Issuer"), p), request->entity_id);
    ck_assert_uint_eq(xmlChildElementCount(root), 1);
}
END_TEST

START_TEST(full_request_says_the_rest)
{
    apr_pool_t *p = test_pool();
    samlc_authn_request_t *request = plain_request(p);
    xmlNodePtr root = NULL;
    xmlNodePtr node = NULL;

    request->name_id_format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    request->authn_context = apr_array_make(p, 2, sizeof(const char *));
    APR_ARRAY_PUSH((apr_array_header_t *)request->authn_context, const char *) = "urn:x:mfa";
    APR_ARRAY_PUSH((apr_array_header_t *)request->authn_context, const char *) = "urn:x:card";
    request->force_authn = 1;
    request->is_passive = 1;
    root = parse(samlc_request_xml(request, p), p);
    ck_assert_str_eq(attribute(root, "ForceAuthn", p), "true");
    ck_assert_str_eq(attribute(root, "IsPassive", p), "true");
    node = xmlFirstElementChild(root);            /* the order of the schema */
    ck_assert_str_eq((const char *)node->name, "Issuer");
    node = xmlNextElementSibling(node);
    ck_assert_ptr_eq(node, child(root, PROTOCOL, "NameIDPolicy"));
    ck_assert_str_eq(attribute(node, "Format", p), request->name_id_format);
    ck_assert_str_eq(attribute(node, "AllowCreate", p), "true");
    node = xmlNextElementSibling(node);
    ck_assert_ptr_eq(node, child(root, PROTOCOL, "RequestedAuthnContext"));
    ck_assert_str_eq(attribute(node, "Comparison", p), "exact");
    ck_assert_uint_eq(xmlChildElementCount(node), 2);
    node = xmlFirstElementChild(node);
    ck_assert_str_eq((const char *)node->name, "AuthnContextClassRef");
    ck_assert_str_eq((const char *)node->ns->href, ASSERTION);
    ck_assert_str_eq(text(node, p), "urn:x:mfa");
    ck_assert_str_eq(text(xmlNextElementSibling(node), p), "urn:x:card");
}
END_TEST

START_TEST(values_are_escaped)
{
    apr_pool_t *p = test_pool();
    samlc_authn_request_t *request = plain_request(p);
    xmlNodePtr root = NULL;

    request->entity_id = "https://app.example.org/<&>\"'";
    request->acs_url = "https://app.example.org/acs?a=1&b=\"<>'";
    request->sso_url = "https://idp.example.org/sso?a=1&b=2";
    request->name_id_format = "\"/><evil/>";
    root = parse(samlc_request_xml(request, p), p);
    ck_assert_str_eq(text(child(root, ASSERTION, "Issuer"), p), request->entity_id);
    ck_assert_str_eq(attribute(root, "AssertionConsumerServiceURL", p), request->acs_url);
    ck_assert_str_eq(attribute(root, "Destination", p), request->sso_url);
    ck_assert_str_eq(attribute(child(root, PROTOCOL, "NameIDPolicy"), "Format", p),
                     request->name_id_format);
    ck_assert_uint_eq(xmlChildElementCount(root), 2);
}
END_TEST

START_TEST(unsigned_url_carries_the_request)
{
    apr_pool_t *p = test_pool();
    const samlc_authn_request_t *request = plain_request(p);
    const char *url = redirect(request, "a b&c=d+e/%", NULL, p);

    ck_assert_int_eq(strncmp(url, SSO "?SAMLRequest=", strlen(SSO "?SAMLRequest=")), 0);
    ck_assert_str_eq(sent_xml(url, p), samlc_request_xml(request, p));
    ck_assert_str_eq(parameter(url, "RelayState", p), "a b&c=d+e/%");
    ck_assert_str_eq(raw_parameter(url, "RelayState", p), "a%20b%26c%3Dd%2Be%2F%25");
    ck_assert_ptr_null(parameter(url, "SigAlg", p));
    ck_assert_ptr_null(parameter(url, "Signature", p));
}
END_TEST

START_TEST(relay_state_is_left_out_where_there_is_none)
{
    apr_pool_t *p = test_pool();
    const char *url = redirect(plain_request(p), NULL, NULL, p);

    ck_assert_ptr_null(parameter(url, "RelayState", p));
    ck_assert_ptr_nonnull(parameter(url, "SAMLRequest", p));
}
END_TEST

static const struct {
    const char *sso_url;
    const char *start;
} joints[] = {
    { "https://idp.example.org/sso", "https://idp.example.org/sso?SAMLRequest=" },
    { "https://idp.example.org/sso?", "https://idp.example.org/sso?SAMLRequest=" },
    { "https://idp.example.org/sso?a=b", "https://idp.example.org/sso?a=b&SAMLRequest=" },
    { "https://idp.example.org/sso?a=b&", "https://idp.example.org/sso?a=b&SAMLRequest=" },
};

START_TEST(query_of_the_sso_url_is_kept)
{
    apr_pool_t *p = test_pool();
    samlc_authn_request_t *request = plain_request(p);
    const char *url = NULL;

    request->sso_url = joints[_i].sso_url;
    url = redirect(request, "x", NULL, p);
    ck_assert_msg(strncmp(url, joints[_i].start, strlen(joints[_i].start)) == 0, "%s", url);
    ck_assert_str_eq(sent_xml(url, p), samlc_request_xml(request, p));
}
END_TEST

static const struct {
    const char *type;
    int bits;
    const char *algorithm;
    apr_size_t half;              /* bytes of r and of s; 0: not ECDSA */
} kinds[] = {
    { "RSA", 2048, RSA_SHA256, 0 },
    { "EC", 256, ECDSA_SHA256, 32 },
    { "EC", 384, ECDSA_SHA256, 48 },
    { "EC", 521, ECDSA_SHA256, 66 },
};

/* r and s as OpenSSL wants them. */
static samlc_data_t ecdsa_der(const samlc_data_t *raw, apr_size_t half, apr_pool_t *p)
{
    samlc_data_t der = { NULL, 0, "test" };
    ECDSA_SIG *sig = ECDSA_SIG_new();
    unsigned char *bytes = NULL;
    int len = 0;

    ck_assert_uint_eq(raw->len, 2 * half);
    ck_assert_int_eq(ECDSA_SIG_set0(sig, BN_bin2bn(raw->data, (int)half, NULL),
                                    BN_bin2bn(raw->data + half, (int)half, NULL)), 1);
    len = i2d_ECDSA_SIG(sig, &bytes);
    ck_assert_int_gt(len, 0);
    der.data = apr_pmemdup(p, bytes, (apr_size_t)len);
    der.len = (apr_size_t)len;
    OPENSSL_free(bytes);
    ECDSA_SIG_free(sig);
    return der;
}

static int verifies(EVP_PKEY *pkey, const samlc_data_t *sig, const char *signed_text)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int rc = 0;

    ck_assert_int_eq(EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, pkey), 1);
    rc = EVP_DigestVerify(ctx, sig->data, sig->len, (const unsigned char *)signed_text,
                          strlen(signed_text));
    EVP_MD_CTX_free(ctx);
    return rc == 1;
}

/* spec: SAML-Bindings 3.4.4.1 - what is signed is the query up to Signature, as it stands in the
 * URL */
START_TEST(signature_covers_the_octets_sent)
{
    static const char *const relay_states[] = { "token-1/+=", NULL };
    apr_pool_t *p = test_pool();
    EVP_PKEY *pkey = test_key_make(kinds[_i].type, kinds[_i].bits, p);
    const samlc_key_t *key = NULL;
    samlc_data_t sig;
    char *query = NULL;
    const char *url = NULL;
    int n;

    EVP_PKEY_up_ref(pkey);
    key = samlc_key_make(pkey, p);
    for (n = 0; n < 2; n++) {
        url = redirect(plain_request(p), relay_states[n], key, p);
        ck_assert_str_eq(parameter(url, "SigAlg", p), kinds[_i].algorithm);
        sig = decode(parameter(url, "Signature", p), p);
        if (kinds[_i].half > 0) {
            sig = ecdsa_der(&sig, kinds[_i].half, p);
        }
        query = apr_pstrdup(p, strchr(url, '?') + 1);
        *strstr(query, "&Signature=") = '\0';
        ck_assert_int_eq(strstr(query, "&RelayState=") != NULL, relay_states[n] != NULL);
        ck_assert(verifies(pkey, &sig, query));
        query[strlen("SAMLRequest=")] ^= 1;
        ck_assert(!verifies(pkey, &sig, query));
    }
}
END_TEST

START_TEST(other_keys_do_not_sign)
{
    apr_pool_t *p = test_pool();
    samlc_result_t *res = samlc_result_make(p);
    const samlc_key_t *key = NULL;
    const char *url = "untouched";
    EVP_PKEY *pkey = test_key_make("ED25519", 0, p);

    EVP_PKEY_up_ref(pkey);
    key = samlc_key_make(pkey, p);
    ck_assert_int_ne(samlc_request_redirect_url(&url, plain_request(p), NULL, key, res, p),
                     APR_SUCCESS);
    ck_assert_ptr_null(url);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
}
END_TEST

Suite *suite_request(void)
{
    Suite *suite = suite_create("request");
    TCase *tc = tcase_create("request");

    tcase_add_test(tc, id_is_a_fresh_ncname);
    tcase_add_test(tc, plain_request_says_what_it_must);
    tcase_add_test(tc, full_request_says_the_rest);
    tcase_add_test(tc, values_are_escaped);
    tcase_add_test(tc, unsigned_url_carries_the_request);
    tcase_add_test(tc, relay_state_is_left_out_where_there_is_none);
    tcase_add_loop_test(tc, query_of_the_sso_url_is_kept, 0, sizeof(joints) / sizeof(joints[0]));
    tcase_add_loop_test(tc, signature_covers_the_octets_sent, 0, sizeof(kinds) / sizeof(kinds[0]));
    tcase_add_test(tc, other_keys_do_not_sign);
    suite_add_tcase(suite, tc);
    return suite;
}
