/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/metadata.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>

#include "core/base/clock.h"
#include "core/xml/xml.h"
#include "make_cert.h"
#include "test.h"

#define NAMESPACES "xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\"" \
    " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\""
#define SAML2 "urn:oasis:names:tc:SAML:2.0:protocol"
#define REDIRECT "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
#define POST "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
#define IDP "https://idp.example.org/metadata"

static apr_pool_t *p;
static samlc_result_t *res;
static test_cert_t *certs[6];   /* a, b, c; d issued e, and the curve of f is spelt out */

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    certs[0] = test_cert_make(&(test_cert_spec_t){.cn = "a", .key_type = "EC"}, p);
    certs[1] = test_cert_make(&(test_cert_spec_t){.cn = "b", .key_type = "EC"}, p);
    certs[2] = test_cert_make(&(test_cert_spec_t){.cn = "c"}, p);   /* RSA */
    certs[3] = test_cert_make(&(test_cert_spec_t){.cn = "d", .key_type = "EC", .is_ca = 1}, p);
    certs[4] = test_cert_make(&(test_cert_spec_t){.cn = "e", .key_type = "EC", .issuer = certs[3]},
                              p);
    certs[5] = test_cert_make(&(test_cert_spec_t){.cn = "f", .key_type = "explicit-EC"}, p);
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static const char *number(const test_cert_t *cert, const char *name)
{
    unsigned char bytes[512];
    BIGNUM *n = NULL;
    int len = 0;

    ck_assert_int_eq(EVP_PKEY_get_bn_param(cert->pkey, name, &n), 1);
    len = BN_bn2bin(n, bytes);
    BN_free(n);
    return samlc_text_base64(bytes, (apr_size_t)len, p);
}

static const char *point(const test_cert_t *cert)
{
    unsigned char bytes[256];
    size_t len = 0;

    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(cert->pkey, OSSL_PKEY_PARAM_PUB_KEY, bytes,
                                                     sizeof(bytes), &len), 1);
    return samlc_text_base64(bytes, len, p);
}

/* What stands for a word between braces; NULL if it means nothing. */
static const char *expand_word(const char *word, apr_size_t len)
{
    const char *base64 = NULL;
    const char *wrapped = "\n\t\t";

    if (len == 1 && *word >= 'a' && *word <= 'f') {
        return samlc_text_base64(certs[*word - 'a']->der.data, certs[*word - 'a']->der.len, p);
    }
    if (len == 9 && strncmp(word, "wrapped-", 8) == 0) {   /* as lasso writes it */
        for (base64 = expand_word(word + 8, 1); *base64 != '\0';
             base64 += strlen(base64) > 64 ? 64 : strlen(base64)) {
            wrapped = apr_pstrcat(p, wrapped, apr_pstrndup(p, base64, 64), "\n\t\t", NULL);
        }
        return wrapped;
    }
    if (len == 5 && strncmp(word, "point", len) == 0) {
        return point(certs[0]);
    }
    if (len == 7 && strncmp(word, "modulus", len) == 0) {
        return number(certs[2], OSSL_PKEY_PARAM_RSA_N);
    }
    if (len == 8 && strncmp(word, "exponent", len) == 0) {
        return number(certs[2], OSSL_PKEY_PARAM_RSA_E);
    }
    return NULL;
}

/* Puts in certificates for {a} to {f} and {wrapped-a}, a's {point}, and c's {modulus} and
 * {exponent}. */
static samlc_data_t expand(const char *template)
{
    const char *out = "";
    const char *brace = NULL;

    while ((brace = strchr(template, '{')) != NULL) {
        apr_size_t len = strcspn(brace + 1, "}");
        const char *word = expand_word(brace + 1, len);

        ck_assert_msg(word != NULL, "%s", brace);
        out = apr_pstrcat(p, out, apr_pstrndup(p, template, (apr_size_t)(brace - template)), word,
                          NULL);
        template = brace + 1 + len + 1;
    }
    return test_data(apr_pstrcat(p, out, template, NULL), "metadata.xml");
}

/* The names of the keys, in order: "a", "b", "c", "(c)" for the bare key. */
static const char *keys_of(const samlc_metadata_t *metadata)
{
    const char *names = "";
    int i;
    int j;

    for (i = 0; i < metadata->keys->nelts; i++) {
        const samlc_metadata_key_t *key = &APR_ARRAY_IDX(metadata->keys, i, samlc_metadata_key_t);
        const char *name = "?";

        for (j = 0; j < 6; j++) {
            if (EVP_PKEY_eq(samlc_key_get(key->key), certs[j]->pkey) == 1) {
                name = apr_psprintf(p, key->cert ? "%c" : "(%c)", 'a' + j);
            }
        }
        names = apr_pstrcat(p, names, *names ? " " : "", name, NULL);
    }
    ERR_clear_error();   /* of comparing RSA with EC keys */
    return names;
}

/* --- what real identity providers send --- */

/* The key that does not sign comes first; the one that does has a second KeyDescriptor. */
static const char simplesamlphp[] =
    "<?xml version=\"1.0\"?>\n"
    "<md:EntityDescriptor " NAMESPACES " entityID=\"" IDP "\">\n"
    "  <md:IDPSSODescriptor protocolSupportEnumeration=\"" SAML2 "\">\n"
    "    <md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data>\n"
    "      <ds:X509Certificate>{b}</ds:X509Certificate>\n"
    "    </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n"
    "    <md:KeyDescriptor use=\"signing\"><ds:KeyInfo><ds:X509Data>\n"
    "      <ds:X509Certificate>{a}</ds:X509Certificate>\n"
    "    </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n"
    "    <md:KeyDescriptor use=\"encryption\"><ds:KeyInfo><ds:X509Data>\n"
    "      <ds:X509Certificate>{a}</ds:X509Certificate>\n"
    "    </ds:X509Data></ds:KeyInfo></md:KeyDescriptor>\n"
    "    <md:SingleLogoutService Binding=\"" REDIRECT "\""
    " Location=\"https://idp.example.org/slo\"/>\n"
    "    <md:NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</md:NameIDFormat>\n"
    "    <md:SingleSignOnService Binding=\"" REDIRECT "\""
    " Location=\"https://idp.example.org/sso\"/>\n"
    "  </md:IDPSSODescriptor>\n"
    "  <md:ContactPerson contactType=\"technical\"><md:GivenName>A</md:GivenName>"
    "</md:ContactPerson>\n"
    "</md:EntityDescriptor>\n";

/* Prefixes ns0 and so on, algorithms (MD5 among them) in Extensions, both bindings. */
static const char pysaml2[] =
    "<?xml version='1.0' encoding='UTF-8'?>\n"
    "<ns0:EntityDescriptor xmlns:ns0=\"urn:oasis:names:tc:SAML:2.0:metadata\""
    " xmlns:ns1=\"urn:oasis:names:tc:SAML:metadata:algsupport\""
    " xmlns:ns2=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"" IDP "\">"
    "<ns0:Extensions><ns1:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#md5\" />"
    "</ns0:Extensions><ns0:IDPSSODescriptor WantAuthnRequestsSigned=\"true\""
    " protocolSupportEnumeration=\"" SAML2 "\">"
    "<ns0:KeyDescriptor use=\"signing\"><ns2:KeyInfo><ns2:X509Data><ns2:X509Certificate>{a}"
    "</ns2:X509Certificate></ns2:X509Data></ns2:KeyInfo></ns0:KeyDescriptor>"
    "<ns0:KeyDescriptor use=\"signing\"><ns2:KeyInfo><ns2:X509Data><ns2:X509Certificate>{b}"
    "</ns2:X509Certificate></ns2:X509Data></ns2:KeyInfo></ns0:KeyDescriptor>"
    "<ns0:SingleSignOnService Binding=\"" POST "\" Location=\"https://idp.example.org/sso/post\" />"
    "<ns0:SingleSignOnService Binding=\"" REDIRECT "\" Location=\"https://idp.example.org/sso\" />"
    "</ns0:IDPSSODescriptor></ns0:EntityDescriptor>";

/* Default namespaces, attributes in the role, one key. */
static const char samlp[] =
    "<EntityDescriptor entityID=\"" IDP "\" xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">"
    "<IDPSSODescriptor protocolSupportEnumeration=\"" SAML2 "\""
    " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"><KeyDescriptor use=\"signing\">"
    "<KeyInfo xmlns=\"http://www.w3.org/2000/09/xmldsig#\"><X509Data><X509Certificate>{a}"
    "</X509Certificate></X509Data></KeyInfo></KeyDescriptor>"
    "<SingleSignOnService Binding=\"" REDIRECT "\" Location=\"https://idp.example.org/sso\" />"
    "<SingleSignOnService Binding=\"" POST "\" Location=\"https://idp.example.org/sso\" />"
    "<Attribute Name=\"mail\" xmlns=\"urn:oasis:names:tc:SAML:2.0:assertion\" />"
    "</IDPSSODescriptor></EntityDescriptor>";

/* Line breaks and tabs in the certificate, no `use`, and another role with keys of its own. */
static const char lemonldap[] =
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    "<!-- made by hand -->\n"
    "<EntityDescriptor entityID=\"" IDP "\" " NAMESPACES
    " xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\">\n"
    "\t<IDPSSODescriptor WantAuthnRequestsSigned=\"1\" protocolSupportEnumeration=\""
    "urn:oasis:names:tc:SAML:1.1:protocol " SAML2 "\">\n"
    "\t\t<KeyDescriptor>\n\t\t<ds:KeyInfo><ds:X509Data>\n"
    "\t\t<ds:X509Certificate>{wrapped-a}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>\n"
    "\t\t</KeyDescriptor>\n"
    "\t\t<SingleSignOnService Location=\"https://idp.example.org/artifact\""
    " Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact\"/>\n"
    "\t\t<SingleSignOnService Location=\"https://idp.example.org/sso\" Binding=\"" REDIRECT "\"/>\n"
    "\t</IDPSSODescriptor>\n"
    "\t<AttributeAuthorityDescriptor protocolSupportEnumeration=\"" SAML2 "\">\n"
    "\t\t<KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{b}</ds:X509Certificate>"
    "</ds:X509Data></ds:KeyInfo></KeyDescriptor>\n"
    "\t</AttributeAuthorityDescriptor>\n"
    "</EntityDescriptor>\n";

static const struct {
    const char *xml;
    const char *keys;
    const char *sso_post_url;
    const char *slo_redirect_url;
    int want_signed;
} providers[] = {
    {simplesamlphp, "b a", NULL, "https://idp.example.org/slo", 0},
    {pysaml2, "a b", "https://idp.example.org/sso/post", NULL, 1},
    {samlp, "a", "https://idp.example.org/sso", NULL, 0},
    {lemonldap, "a", NULL, NULL, 1},
};

START_TEST(test_providers)
{
    samlc_data_t xml = expand(providers[_i].xml);
    samlc_metadata_t *metadata = NULL;

    ck_assert_msg(samlc_metadata_parse(&metadata, &xml, NULL, res, p) == APR_SUCCESS, "%s",
                  res->message);
    ck_assert_str_eq(metadata->entity_id, IDP);
    ck_assert_str_eq(keys_of(metadata), providers[_i].keys);
    ck_assert_str_eq(metadata->sso_redirect_url, "https://idp.example.org/sso");
    ck_assert_pstr_eq(metadata->sso_post_url, providers[_i].sso_post_url);
    ck_assert_pstr_eq(metadata->slo_redirect_url, providers[_i].slo_redirect_url);
    ck_assert_int_eq(metadata->want_authn_requests_signed, providers[_i].want_signed);
    ck_assert_int_eq(metadata->valid_until, 0);
}
END_TEST

/* --- one thing at a time --- */

#define KEY(use, info) \
    "<md:KeyDescriptor" use "><ds:KeyInfo>" info "</ds:KeyInfo></md:KeyDescriptor>"
#define CERT(c) "<ds:X509Data><ds:X509Certificate>" c "</ds:X509Certificate></ds:X509Data>"
#define RSA_VALUE(n, e) \
    "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>" n "</ds:Modulus><ds:Exponent>" e "</ds:Exponent>" \
    "</ds:RSAKeyValue></ds:KeyValue>"
#define EC_VALUE(curve, point) \
    "<ds:KeyValue><dsig11:ECKeyValue xmlns:dsig11=\"http://www.w3.org/2009/xmldsig11#\">" \
    "<dsig11:NamedCurve " curve "/><dsig11:PublicKey>" point "</dsig11:PublicKey>" \
    "</dsig11:ECKeyValue></ds:KeyValue>"
#define P256 "URI=\"urn:oid:1.2.840.10045.3.1.7\""
#define SSO(location) "<md:SingleSignOnService Binding=\"" REDIRECT "\" Location=\"" location "\"/>"
#define ROLE_WITH(attributes, content) \
    "<md:IDPSSODescriptor protocolSupportEnumeration=\"" SAML2 "\"" attributes ">" content \
    "</md:IDPSSODescriptor>"
#define ROLE(content) ROLE_WITH("", content)
#define ENTITY(attributes, content) \
    "<md:EntityDescriptor " NAMESPACES " " attributes ">" content "</md:EntityDescriptor>"
#define ID "entityID=\"" IDP "\""
#define OTHER_ID "entityID=\"https://other.example.org/\""
#define SIMPLE(content) ENTITY(ID, ROLE(content))
#define GROUP(attributes, content) \
    "<md:EntitiesDescriptor " NAMESPACES attributes ">" content "</md:EntitiesDescriptor>"
#define A KEY("", CERT("{a}"))
#define B KEY("", CERT("{b}"))

static const struct {
    const char *xml;
    const char *entity_id;
    const char *keys;      /* NULL: refused */
    /* how the sentence goes on behind "metadata.xml"; with keys: that of the only warning */
    const char *said;
} cases[] = {
    /* keys */
    {SIMPLE(A), NULL, "a", NULL},
    {SIMPLE(A B A KEY(" use=\"signing\"", CERT("{a}"))), NULL, "a b", NULL},
    {SIMPLE(A KEY(" use=\"encryption\"", CERT("{b}"))), NULL, "a", NULL},
    {SIMPLE(KEY(" use=\"signing\"", CERT("{c}"))), NULL, "c", NULL},
    {SIMPLE(KEY("", CERT("  {wrapped-c}"))), NULL, "c", NULL},
    {SIMPLE(KEY("", "<ds:KeyName>x</ds:KeyName>" CERT("{a}"))), NULL, "a", NULL},
    {SIMPLE(KEY("", RSA_VALUE("{modulus}", "{exponent}"))), NULL, "(c)", NULL},
    {SIMPLE(KEY("", RSA_VALUE("{modulus}", " AQAB\n"))), NULL, "(c)", NULL},
    {SIMPLE(KEY("", RSA_VALUE("{modulus}", "{exponent}") CERT("{c}"))), NULL, "c", NULL},
    {SIMPLE(KEY("", CERT("{c}")) KEY("", RSA_VALUE("{modulus}", "{exponent}"))), NULL, "c", NULL},
    {SIMPLE(KEY("", CERT("{a}") CERT("{a}"))), NULL, "a", NULL},
    {SIMPLE(KEY("", CERT("{a}") CERT("{b}"))), NULL, NULL,
     ", KeyDescriptor 1: holds certificates of different keys"},
    {SIMPLE(KEY("", CERT("{e}") CERT("{d}"))), NULL, "e",
     ", KeyDescriptor 1: holds a chain of certificates: only the key of CN=e is taken"},
    {SIMPLE(A KEY("", CERT("{d}") CERT("{e}") CERT("{e}"))), NULL, "a e",
     ", KeyDescriptor 2: holds a chain of certificates: only the key of CN=e is taken"},
    {SIMPLE(KEY("", CERT("{e}") CERT("{d}") CERT("{a}"))), NULL, NULL,
     ", KeyDescriptor 1: holds certificates of different keys"},
    {SIMPLE(KEY("", CERT("{f}"))), NULL, NULL,
     ", KeyDescriptor 1: the curve of the certificate's key is spelt out"},
    {SIMPLE(""), NULL, NULL, ": the IdP has no key for signing"},
    {SIMPLE(KEY(" use=\"encryption\"", CERT("{a}"))), NULL, NULL, ": the IdP has no key"},
    {SIMPLE(A KEY(" use=\"Signing\"", CERT("{b}"))), NULL, NULL, ", KeyDescriptor 2: its use is"},
    {SIMPLE(A KEY(" use=\"\"", CERT("{b}"))), NULL, NULL, ", KeyDescriptor 2: its use is"},
    {SIMPLE(A KEY("", "<ds:KeyName>x</ds:KeyName>")), NULL, "a",
     ", KeyDescriptor 2: holds neither an X509Certificate nor a KeyValue: skipped"},
    {SIMPLE(KEY(" use=\"signing\"", "<ds:X509Data><ds:X509IssuerSerial/></ds:X509Data>") A), NULL,
     "a", ", KeyDescriptor 1: holds neither an X509Certificate nor a KeyValue: skipped"},
    {SIMPLE(KEY("", "<ds:KeyName>x</ds:KeyName>") KEY("", "<ds:KeyName>y</ds:KeyName>")), NULL,
     NULL, ", KeyDescriptor 1: holds neither an X509Certificate nor a KeyValue"},
    {SIMPLE(A KEY("", "<dsig11:DEREncodedKeyValue xmlns:dsig11=\"" SAMLC_NS_DSIG11 "\">AAAA"
                      "</dsig11:DEREncodedKeyValue>")), NULL, NULL,
     ", KeyDescriptor 2: holds neither an X509Certificate nor a KeyValue"},
    {SIMPLE(A KEY("", "")), NULL, NULL, ", KeyDescriptor 2: holds neither"},
    {SIMPLE(A "<md:KeyDescriptor/>"), NULL, NULL, ", KeyDescriptor 2: holds neither"},
    {SIMPLE(A KEY("", CERT(""))), NULL, NULL, ", KeyDescriptor 2: X509Certificate is not base64"},
    {SIMPLE(A KEY("", CERT("{b}x"))), NULL, NULL, ", KeyDescriptor 2: X509Certificate is not"},
    {SIMPLE(A KEY("", CERT("-----BEGIN CERTIFICATE-----{b}-----END CERTIFICATE-----"))), NULL, NULL,
     ", KeyDescriptor 2: X509Certificate is not base64"},
    {SIMPLE(A KEY("", CERT("<x>{b}</x>"))), NULL, NULL, ", KeyDescriptor 2: X509Certificate is"},
    {SIMPLE(A KEY("", CERT("AAAA"))), NULL, NULL, ", KeyDescriptor 2"},
    {SIMPLE(A KEY("", RSA_VALUE("{modulus}", ""))), NULL, NULL, ", KeyDescriptor 2: Exponent is"},
    {SIMPLE(A KEY("", RSA_VALUE("AQAB", "AQAB"))), NULL, NULL, ", KeyDescriptor 2: an RSA modulus"},
    {SIMPLE(A KEY("", RSA_VALUE("{modulus}", "AQ=="))), NULL, NULL,
     ", KeyDescriptor 2: an RSA exponent"},

    {SIMPLE(KEY("", EC_VALUE(P256, "{point}"))), NULL, "(a)", NULL},
    {SIMPLE(KEY("", EC_VALUE(P256, "\n{point} "))), NULL, "(a)", NULL},
    {SIMPLE(A KEY("", EC_VALUE(P256, "{point}"))), NULL, "a", NULL},
    {SIMPLE(A KEY("", EC_VALUE("URI=\"urn:oid:1.3.132.0.34\"", "{point}"))), NULL, NULL,
     ", KeyDescriptor 2: no uncompressed point of the curve P-384"},
    {SIMPLE(A KEY("", EC_VALUE("URI=\"urn:oid:1.3.132.0.10\"", "{point}"))), NULL, NULL,
     ", KeyDescriptor 2: the curve 1.3.132.0.10 is none of P-256, P-384 and P-521"},
    {SIMPLE(A KEY("", EC_VALUE("URI=\"P-256\"", "{point}"))), NULL, NULL,
     ", KeyDescriptor 2: its ECKeyValue has no NamedCurve with a URI like urn:oid:"},
    {SIMPLE(A KEY("", EC_VALUE("", "{point}"))), NULL, NULL, ", KeyDescriptor 2: its ECKeyValue"},
    {SIMPLE(A KEY("", EC_VALUE(P256, "BAAA"))), NULL, NULL, ", KeyDescriptor 2: no uncompressed"},
    {SIMPLE(A KEY("", EC_VALUE(P256, ""))), NULL, NULL, ", KeyDescriptor 2: PublicKey is not base"},
    {SIMPLE(A KEY("", "<ds:KeyValue><ds:DSAKeyValue/></ds:KeyValue>")), NULL, NULL,
     ", KeyDescriptor 2: holds no X509Certificate, and a KeyValue that is not used here:"
     " \"DSAKeyValue\""},
    {SIMPLE(A KEY("", "<ds:KeyValue><ds:ECKeyValue/></ds:KeyValue>")), NULL, NULL,
     ", KeyDescriptor 2: holds no X509Certificate, and a KeyValue that is not used here"},
    {SIMPLE(KEY("", "<ds:KeyValue><ds:DSAKeyValue/></ds:KeyValue>" CERT("{a}"))), NULL, "a", NULL},

    /* which entity */
    {SIMPLE(A), IDP, "a", NULL},
    {SIMPLE(A), "https://other.example.org/", NULL,
     ": does not describe the IdP of this EntityID: \"https://other.example.org/\""},
    {SIMPLE(A), IDP "/", NULL, ": does not describe"},
    {ENTITY("x:" ID " xmlns:x=\"urn:x\"", ROLE(A)), IDP, NULL, ": does not describe"},
    {ENTITY("x:" ID " xmlns:x=\"urn:x\"", ROLE(A)), NULL, NULL, ": an entityID has"},
    {ENTITY("entityID=\"\"", ROLE(A)), NULL, NULL, ": an entityID has"},
    {ENTITY(ID, ""), NULL, NULL, ": describes no IdP for SAML 2.0"},
    {ENTITY(ID, ""), IDP, NULL, ": the entity has no IDPSSODescriptor for SAML 2.0"},
    {ENTITY(ID, "<md:SPSSODescriptor protocolSupportEnumeration=\"" SAML2 "\">" A
            "</md:SPSSODescriptor>"), NULL, NULL, ": describes no IdP"},
    {ENTITY(ID, "<md:IDPSSODescriptor protocolSupportEnumeration=\"" SAML2 "x\">" A
            "</md:IDPSSODescriptor>"), NULL, NULL, ": describes no IdP"},
    {ENTITY(ID, "<md:IDPSSODescriptor>" A "</md:IDPSSODescriptor>"), NULL, NULL, ": describes no"},
    {ENTITY(ID, "<md:Extensions>" ROLE(A) "</md:Extensions>"), NULL, NULL, ": describes no IdP"},
    {ENTITY(ID, ROLE(A) ROLE(B)), NULL, NULL, ": the entity has several"},
    {ENTITY(ID, "<md:IDPSSODescriptor protocolSupportEnumeration=\""
            "urn:oasis:names:tc:SAML:1.1:protocol\">" B "</md:IDPSSODescriptor>" ROLE(A)),
     NULL, "a", NULL},
    {GROUP("", ENTITY(OTHER_ID, ROLE(B)) GROUP("", GROUP("", SIMPLE(A)))), IDP, "a", NULL},
    {GROUP("", ENTITY(OTHER_ID, "") GROUP("", SIMPLE(A))), NULL, "a", NULL},
    {GROUP("", ENTITY(OTHER_ID, ROLE(B)) SIMPLE(A)), NULL, NULL, ": describes 2 IdPs; name one"},
    {GROUP("", SIMPLE(B) SIMPLE(A)), IDP, NULL, ": describes this IdP more than once"},
    {GROUP("", "<md:Extensions>" SIMPLE(A) "</md:Extensions>"), NULL, NULL, ": describes no IdP"},
    {GROUP("", ""), NULL, NULL, ": describes no IdP"},
    {"<html/>", NULL, NULL, ": is not SAML metadata; its first element is: \"html\""},
    {"<EntityDescriptor entityID=\"" IDP "\"/>", NULL, NULL, ": is not SAML metadata"},

    /* everything else */
    {SIMPLE(A SSO("https://idp.example.org/sso")), NULL, "a", NULL},
    {SIMPLE(A SSO("javascript:alert(1)")), NULL, NULL, ": the Location of SingleSignOnService is"},
    {SIMPLE(A SSO("/sso")), NULL, NULL, ": the Location of SingleSignOnService is"},
    {SIMPLE(A "<md:SingleSignOnService Binding=\"" REDIRECT "\"/>"), NULL, NULL, ": the Location"},
    {ENTITY(ID, ROLE_WITH(" WantAuthnRequestsSigned=\"false\"", A)), NULL, "a", NULL},
    {ENTITY(ID, ROLE_WITH(" WantAuthnRequestsSigned=\"yes\"", A)), NULL, NULL, ": WantAuthnReq"},
    {ENTITY(ID " validUntil=\"2026-08-01T00:00:00Z\"", ROLE(A)), NULL, "a", NULL},
    {ENTITY(ID " validUntil=\"tomorrow\"", ROLE(A)), NULL, NULL, ": a validUntil is not a time"},
    {ENTITY(ID " validUntil=\"\"", ROLE(A)), NULL, NULL, ": a validUntil is not a time"},

    /* XML */
    {"<!DOCTYPE x>" SIMPLE(A), NULL, NULL, ": "},
    {"<md:EntityDescriptor " NAMESPACES " " ID ">" ROLE(A), NULL, NULL, ": "},
    {"", NULL, NULL, ": "},
};

static void says(const char *sentence, const char *said)
{
    ck_assert_msg(strncmp(sentence, "metadata.xml", 12) == 0
                  && strncmp(sentence + 12, said, strlen(said)) == 0, "%s", sentence);
}

START_TEST(test_cases)
{
    samlc_data_t xml = expand(cases[_i].xml);
    samlc_metadata_t *metadata = (samlc_metadata_t *)&cases;
    apr_status_t rv = samlc_metadata_parse(&metadata, &xml, cases[_i].entity_id, res, p);

    if (cases[_i].keys) {
        ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
        ck_assert_str_eq(metadata->entity_id, IDP);
        ck_assert_str_eq(keys_of(metadata), cases[_i].keys);
        ck_assert_int_eq(metadata->warnings->nelts, cases[_i].said != NULL);
        if (cases[_i].said) {
            says(APR_ARRAY_IDX(metadata->warnings, 0, const char *), cases[_i].said);
        }
    }
    else {
        ck_assert_int_ne(rv, APR_SUCCESS);
        ck_assert_ptr_null(metadata);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        says(res->message, cases[_i].said);
    }
}
END_TEST

/* The earliest of all around the role counts; those of others do not. */
#define UNTIL(year) " validUntil=\"" year "-01-01T00:00:00Z\""
static const struct {
    const char *xml;
    const char *until;
} lives[] = {
    {SIMPLE(A), NULL},
    {ENTITY(ID UNTIL("2027"), ROLE(A)), "2027-01-01T00:00:00Z"},
    {ENTITY(ID UNTIL("2028"), ROLE_WITH(UNTIL("2027"), A)), "2027-01-01T00:00:00Z"},
    {ENTITY(ID UNTIL("2026"), ROLE_WITH(UNTIL("2027"), A)), "2026-01-01T00:00:00Z"},
    {GROUP(UNTIL("2025"), GROUP(UNTIL("2024"), ENTITY(ID UNTIL("2026"), ROLE(A)))),
     "2024-01-01T00:00:00Z"},
    {GROUP("", GROUP(UNTIL("2023"), ENTITY(OTHER_ID UNTIL("2022"), "")) ENTITY(ID UNTIL("2026"),
                                                                               ROLE(A))),
     "2026-01-01T00:00:00Z"},
    {ENTITY(ID, "<md:SPSSODescriptor" UNTIL("2020") "/>" ROLE(A)), NULL},
};

START_TEST(test_valid_until)
{
    samlc_data_t xml = expand(lives[_i].xml);
    samlc_metadata_t *metadata = NULL;

    ck_assert_msg(samlc_metadata_parse(&metadata, &xml, IDP, res, p) == APR_SUCCESS, "%s",
                  res->message);
    if (lives[_i].until) {
        ck_assert_str_eq(samlc_clock_format(metadata->valid_until, p), lives[_i].until);
    }
    else {
        ck_assert_int_eq(metadata->valid_until, 0);
    }
}
END_TEST

START_TEST(test_origin_of_certificate)
{
    samlc_data_t xml = expand(SIMPLE(A B));
    samlc_metadata_t *metadata = NULL;

    ck_assert_int_eq(samlc_metadata_parse(&metadata, &xml, NULL, res, p), APR_SUCCESS);
    ck_assert_str_eq(samlc_cert_origin(APR_ARRAY_IDX(metadata->keys, 1, samlc_metadata_key_t).cert),
                     "metadata.xml, KeyDescriptor 2");
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof(table[0]))

Suite *suite_metadata(void);

Suite *suite_metadata(void)
{
    Suite *suite = suite_create("metadata");
    TCase *tc = tcase_create("metadata");

    tcase_add_checked_fixture(tc, setup, teardown);
    LOOP(tc, test_providers, providers);
    LOOP(tc, test_cases, cases);
    LOOP(tc, test_valid_until, lives);
    tcase_add_test(tc, test_origin_of_certificate);
    suite_add_tcase(suite, tc);
    return suite;
}
