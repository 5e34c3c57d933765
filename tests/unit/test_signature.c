/* SPDX-License-Identifier: Apache-2.0 */
#include "core/xml/signature.h"

#include <apr_strings.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "core/keys/cert.h"
#include "core/xml/xml.h"
#include "samlcert_config.h"
#include "test.h"
#include "world.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_signature_policy_t policy;
static const test_cert_t *idp;

static void setup(void)
{
    int kind = 0;

    p = test_pool();
    res = samlc_result_make(p);
    idp = world_keys()->idp;
    for (kind = 0; kind < SAMLC_ALGORITHM_KINDS; kind++) {
        policy.allowed[kind] = samlc_algorithms_default((samlc_algorithm_kind_t)kind);
    }
    policy.min_rsa_bits = 2048;
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static void allow(samlc_algorithm_kind_t kind, const char *names)
{
    ck_assert_int_eq(samlc_algorithms_parse(&policy.allowed[kind], kind, names, res, p),
                     APR_SUCCESS);
}

static const char *signed_with(const forge_signature_t *how)
{
    return forge_sign(forge_write(&(forge_t){ 0 }, p), FORGE_ASSERTION_ID, how, p);
}

static const char *signed_by(const test_cert_t *by)
{
    return signed_with(&(forge_signature_t){ .by = by });
}

static xmlNodePtr root_of(const char *xml)
{
    samlc_data_t data = test_data(xml, "test");
    xmlDocPtr doc = NULL;

    ck_assert_msg(samlc_xml_parse(&doc, &data, &SAMLC_XML_MESSAGE, res, p) == APR_SUCCESS, "%s: %s",
                  res->message, xml);
    return xmlDocGetRootElement(doc);
}

/* Inspects the signature of the assertion; NULL if it is refused. */
static samlc_signature_t *inspect(const char *xml)
{
    samlc_signature_t *signature = NULL;
    xmlNodePtr assertion = samlc_xml_child(root_of(xml), SAMLC_NS_SAML, "Assertion", NULL);
    apr_status_t rv = samlc_signature_inspect(&signature, assertion, &policy, res, p);

    ck_assert_int_eq(rv == APR_SUCCESS, signature != NULL);
    return signature;
}

static samlc_signature_t *sound(const char *xml)
{
    samlc_signature_t *signature = inspect(xml);

    ck_assert_msg(signature != NULL, "%s: %s", res->message, xml);
    return signature;
}

static const samlc_verifier_t *verifier_of(const test_cert_t *cert)
{
    samlc_cert_t *parsed = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&parsed, &cert->der, res, p), APR_SUCCESS);
    return samlc_verifier_make(samlc_cert_key(parsed), p);
}

static samlc_signature_outcome_t verify(const char *xml, const test_cert_t *by)
{
    samlc_data_t content = { (const unsigned char *)"x", 1, "x" };
    samlc_signature_outcome_t outcome =
        samlc_signature_verify(&content, sound(xml), verifier_of(by), &policy, res, p);

    ck_assert_int_eq(outcome == SAMLC_SIGNATURE_VERIFIED, content.len > 0);
    ck_assert_int_eq(outcome == SAMLC_SIGNATURE_VERIFIED, content.data != NULL);
    return outcome;
}

/* --- what is accepted ----------------------------------------------------------------------- */

START_TEST(test_content)
{
    const char *xml = world_signed(&(forge_t){ 0 }, FORGE_RESPONSE_ID, idp, p);
    xmlNodePtr root = root_of(xml);
    samlc_signature_t *signature = NULL;
    samlc_data_t content;
    const char *text = NULL;

    ck_assert_int_eq(samlc_signature_inspect(&signature, root, &policy, res, p), APR_SUCCESS);
    ck_assert_ptr_eq(signature->parent, root);
    ck_assert_str_eq(signature->method->name, "rsa-sha256");
    ck_assert_str_eq(signature->digest->name, "sha256");
    ck_assert_int_eq(samlc_signature_verify(&content, signature, verifier_of(idp), &policy, res, p),
                     SAMLC_SIGNATURE_VERIFIED);
    text = apr_pstrmemdup(p, (const char *)content.data, content.len);
    ck_assert_ptr_nonnull(strstr(text, FORGE_USER));
    ck_assert_ptr_null(strstr(text, "Signature"));
    ck_assert(strncmp(text, "<samlp:Response", 15) == 0);
    ck_assert_ptr_nonnull(root_of(text));
}
END_TEST

/* One verifier serves many messages: xmlsec1 does not take the key with it. */
START_TEST(test_verifier_is_shared)
{
    const samlc_verifier_t *verifier = verifier_of(idp);
    samlc_signature_t *signature = sound(signed_by(idp));
    samlc_data_t content;
    int i = 0;

    for (i = 0; i < 3; i++) {
        ck_assert_int_eq(samlc_signature_verify(&content, signature, verifier, &policy, res, p),
                         SAMLC_SIGNATURE_VERIFIED);
    }
}
END_TEST

static const struct {
    const char *type;
    int bits;
    const char *method, *digest, *c14n;
    const char *allowed[3];     /* what the settings must say; NULL: the default allows it */
} algorithms[] = {
    { "RSA", 2048, MORE "rsa-sha256", XENC "sha256", FORGE_EXC_C14N, { NULL, NULL, NULL } },
    { "RSA", 2048, MORE "rsa-sha384", MORE "sha384", FORGE_EXC_C14N, { NULL, NULL, NULL } },
    { "RSA", 2048, MORE "rsa-sha512", XENC "sha512", FORGE_C14N, { NULL, NULL, NULL } },
    { "EC", 256, MORE "ecdsa-sha256", XENC "sha256", FORGE_EXC_C14N, { NULL, NULL, NULL } },
    { "EC", 384, MORE "ecdsa-sha384", XENC "sha256", FORGE_EXC_C14N, { NULL, NULL, NULL } },
    { "EC", 521, MORE "ecdsa-sha512", XENC "sha512", FORGE_EXC_C14N, { NULL, NULL, NULL } },
    { "RSA", 2048, DSIG "rsa-sha1", XENC "sha256", FORGE_EXC_C14N, { "+rsa-sha1", NULL, NULL } },
    { "RSA", 2048, MORE "rsa-sha256", DSIG "sha1", FORGE_EXC_C14N, { NULL, "+sha1", NULL } },
    { "RSA",
      2048,
      MORE "rsa-sha224",
      MORE "sha224",
      FORGE_EXC_C14N,
      { "+rsa-sha224", "+sha224", NULL } },
    { "EC", 256, MORE "ecdsa-sha1", XENC "sha256", FORGE_EXC_C14N, { "+ecdsa-sha1", NULL, NULL } },
    { "RSA",
      2048,
      MORE "rsa-sha256",
      XENC "sha256",
      "http://www.w3.org/2006/12/xml-c14n11",
      { NULL, NULL, "+c14n11" } },
};

/* Allowed by default, or refused by default and allowed by the setting. */
START_TEST(test_algorithms)
{
    static const samlc_algorithm_kind_t kinds[] = { SAMLC_ALGORITHM_SIGNATURE,
                                                    SAMLC_ALGORITHM_DIGEST, SAMLC_ALGORITHM_C14N };
    int is_rsa = strcmp(algorithms[_i].type, "RSA") == 0;
    const test_cert_t *by =
        is_rsa ? idp
               : test_cert_make(
                   &(test_cert_spec_t){ .key_type = "EC", .key_bits = algorithms[_i].bits }, p);
    const char *xml = signed_with(&(forge_signature_t){ .by = by, .method = algorithms[_i].method,
                                                        .digest = algorithms[_i].digest,
                                                        .c14n = algorithms[_i].c14n });
    int i = 0, is_default = 1;

    for (i = 0; i < COUNT(kinds); i++) {
        is_default &= algorithms[_i].allowed[i] == NULL;
    }
    if (!is_default) {
        ck_assert_ptr_null(inspect(xml));
        ck_assert_int_eq(res->reason, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    }
    for (i = 0; i < COUNT(kinds); i++) {
        if (algorithms[_i].allowed[i] != NULL) {
            allow(kinds[i], algorithms[_i].allowed[i]);
        }
    }
    ck_assert_int_eq(verify(xml, by), SAMLC_SIGNATURE_VERIFIED);
}
END_TEST

/* What the default allows, taken away by the setting. */
START_TEST(test_taken_away)
{
    static const char *const less[] = { "-rsa-sha256", "-sha256", "-exc-c14n" };
    const char *xml = signed_by(idp);

    ck_assert_int_eq(verify(xml, idp), SAMLC_SIGNATURE_VERIFIED);
    allow((samlc_algorithm_kind_t)_i, less[_i]);
    ck_assert_ptr_null(inspect(xml));
    ck_assert_int_eq(res->reason, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    ck_assert_ptr_nonnull(strstr(res->message, "would allow it"));
}
END_TEST

START_TEST(test_without_c14n)
{
    const char *xml = signed_with(&(forge_signature_t){
        .by = idp, .transforms = FORGE_TRANSFORM(FORGE_ENVELOPED), .c14n = FORGE_C14N });

    ck_assert_int_eq(verify(xml, idp), SAMLC_SIGNATURE_VERIFIED);
}
END_TEST

START_TEST(test_inclusive_namespaces)
{
    const char *xml = signed_with(&(forge_signature_t){
        .by = idp,
        .transforms = FORGE_TRANSFORM(FORGE_ENVELOPED)
            "<ds:Transform Algorithm=\"" FORGE_EXC_C14N "\"><ec:InclusiveNamespaces xmlns:ec=\""
            FORGE_EXC_C14N "\" PrefixList=\"xs saml\"/></ds:Transform>" });

    ck_assert_int_eq(verify(xml, idp), SAMLC_SIGNATURE_VERIFIED);
    ck_assert_ptr_null(inspect(forge_replace(xml, "xs saml", forge_repeat("xs ", 100, p), p)));
    ck_assert_int_eq(res->reason, SAMLC_REASON_SIGNATURE_SCOPE);
    ck_assert_ptr_null(inspect(forge_replace(xml, " PrefixList=\"xs saml\"", "", p)));
}
END_TEST

/* --- keys ----------------------------------------------------------------------------------- */

START_TEST(test_wrong_key)
{
    const char *xml = signed_by(idp);

    ck_assert_int_eq(verify(xml, world_keys()->stranger), SAMLC_SIGNATURE_WRONG_KEY);
    ck_assert_int_eq(res->reason, SAMLC_REASON_SIGNATURE_INVALID);
    ck_assert_int_eq(verify(xml, world_keys()->other), SAMLC_SIGNATURE_WRONG_KEY);
    ck_assert_int_eq(verify(signed_by(world_keys()->other), idp), SAMLC_SIGNATURE_WRONG_KEY);
    ck_assert_int_eq(verify(signed_by(world_keys()->other), world_keys()->other),
                     SAMLC_SIGNATURE_VERIFIED);
    ck_assert_int_eq(verify(xml, test_cert_make(&(test_cert_spec_t){ .key_type = "ED25519" }, p)),
                     SAMLC_SIGNATURE_WRONG_KEY);
    ck_assert_int_eq(verify(xml, idp), SAMLC_SIGNATURE_VERIFIED);
}
END_TEST

START_TEST(test_small_rsa)
{
    const test_cert_t *small = test_cert_make(&(test_cert_spec_t){ .key_bits = 1024 }, p);
    const char *xml = signed_by(small);

    ck_assert_int_ne(verify(xml, small), SAMLC_SIGNATURE_VERIFIED);
    ck_assert_int_eq(res->reason, SAMLC_REASON_KEY_TOO_SMALL);
    policy.min_rsa_bits = 1025;
    ck_assert_int_ne(verify(xml, small), SAMLC_SIGNATURE_VERIFIED);
    policy.min_rsa_bits = 1024;
    ck_assert_int_eq(verify(xml, small), SAMLC_SIGNATURE_VERIFIED);
}
END_TEST

static apr_status_t free_pkey(void *pkey)
{
    EVP_PKEY_free(pkey);
    return APR_SUCCESS;
}

/* An RSA key with this exponent. */
static EVP_PKEY *key_with_exponent(unsigned long e)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
    BIGNUM *exponent = BN_new();
    EVP_PKEY *pkey = NULL;

    ck_assert_int_eq(BN_set_word(exponent, e), 1);
    ck_assert_int_eq(EVP_PKEY_keygen_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, exponent), 1);
    ck_assert_int_eq(EVP_PKEY_keygen(ctx, &pkey), 1);
    apr_pool_cleanup_register(p, pkey, free_pkey, apr_pool_cleanup_null);
    BN_free(exponent);
    EVP_PKEY_CTX_free(ctx);
    return pkey;
}

START_TEST(test_small_exponent)
{
    static const unsigned long exponents[] = { 3, 65535, 65537 };
    const test_cert_t *cert = test_cert_make(
        &(test_cert_spec_t){ .pkey = key_with_exponent(exponents[_i]) }, p);
    int verified = verify(signed_by(cert), cert) == SAMLC_SIGNATURE_VERIFIED;

    ck_assert_int_eq(verified, exponents[_i] == 65537);
    ck_assert(verified || res->reason == SAMLC_REASON_KEY_TOO_SMALL);
}
END_TEST

START_TEST(test_small_curve)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-192");
    const test_cert_t *cert = NULL;

    apr_pool_cleanup_register(p, pkey, free_pkey, apr_pool_cleanup_null);
    cert = test_cert_make(&(test_cert_spec_t){ .pkey = pkey }, p);
    ck_assert_int_ne(verify(signed_by(cert), cert), SAMLC_SIGNATURE_VERIFIED);
    ck_assert_int_eq(res->reason, SAMLC_REASON_KEY_TOO_SMALL);
}
END_TEST

/* --- changes behind the signature ----------------------------------------------------------- */

static const struct {
    const char *from, *to;
    samlc_signature_outcome_t outcome;
} changes[] = {
    { FORGE_USER, "mallory@example.org", SAMLC_SIGNATURE_BROKEN },
    { "<saml:NameID", "<saml:NameID x=\"\"", SAMLC_SIGNATURE_BROKEN },
    { "<saml:Subject>", "<saml:Subject> ", SAMLC_SIGNATURE_BROKEN },
    { "<ds:DigestValue>", "<ds:DigestValue>AAAA", SAMLC_SIGNATURE_BROKEN },
    { "Algorithm=\"" XENC "sha256\"", "Algorithm=\"" XENC "sha512\"", SAMLC_SIGNATURE_BROKEN },
    { FORGE_TRANSFORM(FORGE_EXC_C14N), FORGE_TRANSFORM(FORGE_C14N), SAMLC_SIGNATURE_BROKEN },
    { "rsa-sha256", "rsa-sha512", SAMLC_SIGNATURE_WRONG_KEY },
    { "<ds:Reference URI", "<ds:Reference Type=\"x\" URI", SAMLC_SIGNATURE_WRONG_KEY },
    { "<ds:SignatureValue>", "<ds:SignatureValue>AAAA", SAMLC_SIGNATURE_WRONG_KEY },
    { "</ds:SignatureValue>", "AAAA</ds:SignatureValue>", SAMLC_SIGNATURE_WRONG_KEY },
    { "<ds:SignatureValue>", "<ds:SignatureValue>!", SAMLC_SIGNATURE_WRONG_KEY },
    { "<ds:SignedInfo>", "<ds:SignedInfo> ", SAMLC_SIGNATURE_WRONG_KEY },
    /* what canonicalisation takes away was never signed, and does not come out either */
    { FORGE_USER, "alice@<!---->example.org", SAMLC_SIGNATURE_VERIFIED },
    { FORGE_USER, "alice@<![CDATA[example]]>.org", SAMLC_SIGNATURE_VERIFIED },
    { "<saml:Subject>", "<saml:Subject xmlns:unused=\"urn:x\">", SAMLC_SIGNATURE_VERIFIED },
};

START_TEST(test_changes)
{
    const char *xml = forge_replace(signed_by(idp), changes[_i].from, changes[_i].to, p);

    ck_assert_msg(verify(xml, idp) == changes[_i].outcome, "%s", xml);
    if (changes[_i].outcome != SAMLC_SIGNATURE_VERIFIED) {
        ck_assert_int_eq(res->reason, SAMLC_REASON_SIGNATURE_INVALID);
    }
}
END_TEST

/* The message with another SignatureValue. */
static const char *with_value(const char *xml, const char *value)
{
    return forge_replace(xml, forge_element(xml, "ds:SignatureValue", p),
                         apr_pstrcat(p, "<ds:SignatureValue>", value, "</ds:SignatureValue>", NULL),
                         p);
}

START_TEST(test_signature_values)
{
    static const unsigned char zeros[256];
    static unsigned char one[64];
    const test_cert_t *ec = world_keys()->other;
    const char *rsa_xml = signed_by(idp);
    const char *ec_xml = signed_by(ec);
    int i = 0;

    one[31] = one[63] = 1;
    ck_assert_int_eq(verify(with_value(rsa_xml, ""), idp), SAMLC_SIGNATURE_WRONG_KEY);
    ck_assert_int_eq(verify(with_value(rsa_xml, "AA=="), idp), SAMLC_SIGNATURE_WRONG_KEY);
    for (i = 0; i <= 256; i += 64) {
        const char *value = samlc_text_base64(zeros, (apr_size_t)i, p);

        ck_assert_int_ne(verify(with_value(rsa_xml, value), idp), SAMLC_SIGNATURE_VERIFIED);
        ck_assert_int_ne(verify(with_value(ec_xml, value), ec), SAMLC_SIGNATURE_VERIFIED);
    }
    ck_assert_int_ne(verify(with_value(ec_xml, samlc_text_base64(one, 64, p)), ec),
                     SAMLC_SIGNATURE_VERIFIED);
    ck_assert_int_eq(verify(ec_xml, ec), SAMLC_SIGNATURE_VERIFIED);
}
END_TEST

/* Cut at any byte the value is no signature. */
START_TEST(test_truncated_values)
{
    const char *xml = signed_by(world_keys()->other);
    samlc_signature_t *signature = sound(xml);
    const char *text = samlc_xml_text(
        samlc_xml_child(signature->signature, SAMLC_NS_DS, "SignatureValue", NULL), p);
    samlc_data_t in = test_data(text, "test"), value;
    apr_size_t len = 0;

    ck_assert_int_eq(samlc_text_base64_decode(&value, &in, p), APR_SUCCESS);
    for (len = 0; len <= value.len; len++) {
        const char *cut = with_value(xml, samlc_text_base64(value.data, len, p));

        ck_assert_int_eq(verify(cut, world_keys()->other) == SAMLC_SIGNATURE_VERIFIED,
                         len == value.len);
    }
}
END_TEST

/* --- structure ------------------------------------------------------------------------------ */

static const struct {
    const char *from, *to;
    samlc_reason_t reason;
} faults[] = {
    /* the reference */
    { "URI=\"#_assertion\"", "URI=\"\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { " URI=\"#_assertion\"", "", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"#\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"_assertion\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"#_response\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"#_Assertion\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"#_assertion \"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"#%5Fassertion\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"#xpointer(/)\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"#xpointer(id('_assertion'))\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"file:///etc/passwd\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "URI=\"http://127.0.0.1:9/#_assertion\"",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { "URI=\"#_assertion\"", "xmlns:x=\"urn:x\" x:URI=\"#_assertion\"",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { "</ds:DigestValue>", "<x/></ds:DigestValue>", SAMLC_REASON_SIGNATURE_SCOPE },
    { "</ds:DigestValue>", "<?pi?></ds:DigestValue>", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<ds:Transforms>", "<ds:Transforms>text", SAMLC_REASON_SIGNATURE_SCOPE },
    { FORGE_TRANSFORM(FORGE_ENVELOPED), "", SAMLC_REASON_SIGNATURE_SCOPE },
    { FORGE_TRANSFORM(FORGE_ENVELOPED),
      "<ds:Transform Algorithm=\"" FORGE_ENVELOPED "\"><x/></ds:Transform>",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { FORGE_TRANSFORM(FORGE_EXC_C14N),
      FORGE_TRANSFORM(FORGE_EXC_C14N) FORGE_TRANSFORM(FORGE_EXC_C14N),
      SAMLC_REASON_SIGNATURE_SCOPE },
    { FORGE_TRANSFORM(FORGE_EXC_C14N), FORGE_TRANSFORM(DSIG "base64"),
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { FORGE_TRANSFORM(FORGE_EXC_C14N), FORGE_TRANSFORM(FORGE_C14N "#WithComments"),
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { FORGE_TRANSFORM(FORGE_EXC_C14N), "<ds:Transform/>", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { FORGE_TRANSFORM(FORGE_EXC_C14N),
      "<ds:Transform xmlns:x=\"urn:x\" x:Algorithm=\"" FORGE_EXC_C14N "\"/>",
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    /* SignedInfo */
    { "<ds:SignedInfo>", "<ds:SignedInfo/><ds:SignedInfo>", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<ds:SignedInfo>", "<ds:SignedInfo>text", SAMLC_REASON_SIGNATURE_SCOPE },
    { "</ds:SignedInfo>", "<ds:Reference URI=\"#_assertion\"/></ds:SignedInfo>",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { "<ds:CanonicalizationMethod Algorithm=\"" FORGE_EXC_C14N "\"",
      "<ds:CanonicalizationMethod Algorithm=\"" FORGE_C14N "#WithComments\"",
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "<ds:CanonicalizationMethod Algorithm=\"" FORGE_EXC_C14N "\"",
      "<ds:CanonicalizationMethod Algorithm=\"urn:unknown\"", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { MORE "rsa-sha256", MORE "rsa-md5", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { MORE "rsa-sha256", DSIG "hmac-sha1", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { MORE "rsa-sha256", MORE "hmac-sha256", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { MORE "rsa-sha256", DSIG "dsa-sha1", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { MORE "rsa-sha256", MORE "RSA-SHA256", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "Algorithm=\"" XENC "sha256\"", "Algorithm=\"" MORE "md5\"",
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "Algorithm=\"" XENC "sha256\"", "", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    /* Signature */
    { "</ds:Signature>", "<ds:Object/></ds:Signature>", SAMLC_REASON_SIGNATURE_SCOPE },
    { "</ds:Signature>", "<ds:Object><ds:Manifest/></ds:Object></ds:Signature>",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { "</ds:Signature>", "<ds:KeyInfo/></ds:Signature>", SAMLC_REASON_SIGNATURE_SCOPE },
    { "</ds:Signature>", "</ds:Signature><ds:Signature xmlns:ds=\"" DSIG "\"/>",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { "</saml:Issuer><ds:Signature",
      "</saml:Issuer><ds:Signature xmlns:ds=\"" DSIG "\"/><ds:Signature",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { "<ds:SignatureValue>", "<ds:SignatureValue/><ds:SignatureValue>",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { "<ds:SignatureValue>", "<ds:SignatureValue><x/>", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<ds:KeyInfo>", "text<ds:KeyInfo>", SAMLC_REASON_SIGNATURE_SCOPE },
    /* the ID */
    { "<saml:Subject>", "<saml:Subject ID=\"_assertion\">", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<saml:Subject>", "<saml:Subject Id=\"_assertion\">", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<saml:Subject>", "<saml:Subject id=\"&#95;assertion\">", SAMLC_REASON_SIGNATURE_SCOPE },
    { "<saml:Subject>", "<saml:Subject xmlns:x=\"urn:x\" x:iD=\"_assertion\">",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_response\"", " ID=\"_assertion\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_assertion\"", " Id=\"_assertion\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_assertion\"", " xmlns:x=\"urn:x\" x:ID=\"_assertion\"",
      SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_assertion\"", " id=\"_assertion\" ID=\"_assertion\"", SAMLC_REASON_SIGNATURE_SCOPE },
};

START_TEST(test_faults)
{
    const char *xml = signed_by(idp);

    ck_assert_ptr_nonnull(inspect(xml));
    xml = forge_replace(xml, faults[_i].from, faults[_i].to, p);
    ck_assert_msg(inspect(xml) == NULL, "%s", xml);
    ck_assert_msg(res->reason == faults[_i].reason, "%s: %s", samlc_reason_word(res->reason), xml);
}
END_TEST

/* What no setting can allow is refused with the reason. */
static const struct {
    const char *method, *sentence;
} never_allowed[] = {
    { MORE "hmac-sha256", "HMAC is never allowed" },
    { DSIG "dsa-sha1", "DSA is never allowed" },
    { MORE "rsa-md5", "MD5 is never allowed" },
#ifndef SAMLC_HAVE_RSA_PSS
    { "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", "RSA-PSS needs xmlsec1 1.3" },
    { "http://www.w3.org/2007/05/xmldsig-more#rsa-pss", "RSA-PSS needs xmlsec1 1.3" },
#endif
    { "urn:x", "is not known" },
};

START_TEST(test_never_allowed)
{
    const char *xml = signed_by(idp);

    ck_assert_ptr_nonnull(inspect(xml));
    xml = forge_replace(xml, MORE "rsa-sha256", never_allowed[_i].method, p);
    ck_assert_ptr_null(inspect(xml));
    ck_assert_int_eq(res->reason, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    ck_assert_msg(strstr(res->message, never_allowed[_i].sentence) != NULL, "%s", res->message);
}
END_TEST

/* A key that never was in a certificate, as metadata may have it. */
START_TEST(test_bare_ec_key)
{
    const test_cert_t *by = world_keys()->other;   /* P-256 */
    samlc_signature_t *signature = sound(signed_by(by));
    unsigned char bytes[128];
    samlc_data_t point = { bytes, 0, "test" }, content;
    samlc_key_t *key = NULL;
    size_t len = 0;

    ck_assert_int_eq(EVP_PKEY_get_octet_string_param(by->pkey, OSSL_PKEY_PARAM_PUB_KEY, bytes,
                                                     sizeof(bytes), &len), 1);
    point.len = len;
    ck_assert_int_eq(samlc_key_from_ec(&key, "1.2.840.10045.3.1.7", &point, res, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_signature_verify(&content, signature, samlc_verifier_make(key, p),
                                            &policy, res, p), SAMLC_SIGNATURE_VERIFIED);
}
END_TEST

/* An ID has to be a name that cannot be anything else. */
START_TEST(test_odd_ids)
{
    static const char *const ids[] = { "1", "a:b", "a b", "a')", "a&quot;", "_\xC3\xA4" };
    const char *xml = signed_by(idp);

    xml = forge_replace(xml, " ID=\"_assertion\"", apr_psprintf(p, " ID=\"%s\"", ids[_i]), p);
    xml = forge_replace(xml, "\"#_assertion\"", apr_psprintf(p, "\"#%s\"", ids[_i]), p);
    ck_assert_int_eq(inspect(xml) != NULL, _i == 5);
}
END_TEST

START_TEST(test_not_signed)
{
    samlc_signature_t *signature = NULL;
    const char *xml = signed_by(idp);
    apr_status_t rv = APR_SUCCESS;

    /* the signature of the assertion is not one of the response */
    rv = samlc_signature_inspect(&signature, root_of(xml), &policy, res, p);
    ck_assert(APR_STATUS_IS_NOTFOUND(rv) && signature == NULL);
    ck_assert_int_eq(res->reason, SAMLC_REASON_NO_SIGNATURE);
    ck_assert_ptr_null(inspect(forge_replace(xml, forge_element(xml, "ds:Signature", p), "", p)));
    ck_assert_int_eq(res->reason, SAMLC_REASON_NO_SIGNATURE);
    /* a grandchild is not looked for */
    ck_assert_ptr_null(inspect(forge_replace(
        forge_replace(xml, "<ds:Signature ", "<saml:Advice><ds:Signature ", p), "</ds:Signature>",
        "</ds:Signature></saml:Advice>", p)));
    ck_assert_int_eq(res->reason, SAMLC_REASON_NO_SIGNATURE);
}
END_TEST

/* --- KeyInfo: a hint ------------------------------------------------------------------------ */

static const struct {
    const char *before, *behind;    /* around X509Data of the IdP; NULL: without it */
    int certs;
} hints[] = {
    { "", "", 1 },
    { "<ds:KeyName>idp</ds:KeyName>", "", 1 },
    { "<ds:X509Data><ds:X509SubjectName>CN=x</ds:X509SubjectName></ds:X509Data>", "", 1 },
    { "<ds:X509Data><ds:X509Certificate>!</ds:X509Certificate></ds:X509Data>", "", 1 },
    { "<ds:X509Data><ds:X509Certificate><x/></ds:X509Certificate></ds:X509Data>", "", 1 },
    { "<ds:X509Data><ds:X509Certificate>AAAA</ds:X509Certificate></ds:X509Data>", "", 2 },
    { "<ds:X509Certificate>AAAA</ds:X509Certificate>", "", 1 },
    { "<ds:RetrievalMethod URI=\"http://127.0.0.1:9/\"/>", "", 1 },
    { "<ds:KeyName>idp</ds:KeyName>", NULL, 0 },
    { "", NULL, 0 },
};

START_TEST(test_hints)
{
    const char *before = hints[_i].before;
    const char *key_info = hints[_i].behind == NULL
        ? before : apr_pstrcat(p, before, forge_x509_data(idp, p), hints[_i].behind, NULL);
    const char *xml = signed_with(&(forge_signature_t){ .by = idp, .key_info = key_info });
    samlc_signature_t *signature = sound(xml);
    const samlc_data_t *last = NULL;

    ck_assert_int_eq(signature->certs->nelts, hints[_i].certs);
    if (hints[_i].behind != NULL) {
        last = &APR_ARRAY_IDX(signature->certs, hints[_i].certs - 1, samlc_data_t);
        ck_assert_uint_eq(last->len, idp->der.len);
        ck_assert_mem_eq(last->data, idp->der.data, last->len);
    }
    ck_assert_int_eq(verify(xml, idp), SAMLC_SIGNATURE_VERIFIED);
}
END_TEST

/* Zeroed memory does not verify. */
START_TEST(test_zero_is_broken)
{
    samlc_signature_outcome_t outcome;

    memset(&outcome, 0, sizeof(outcome));
    ck_assert_int_eq(outcome, SAMLC_SIGNATURE_BROKEN);
}
END_TEST

Suite *suite_signature(void)
{
    Suite *suite = suite_create("signature");
    TCase *tc = tcase_create("signature");

    tcase_add_unchecked_fixture(tc, world_make_keys_once, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_content);
    tcase_add_test(tc, test_verifier_is_shared);
    tcase_add_loop_test(tc, test_algorithms, 0, COUNT(algorithms));
    tcase_add_loop_test(tc, test_taken_away, 0, 3);
    tcase_add_test(tc, test_without_c14n);
    tcase_add_test(tc, test_inclusive_namespaces);
    tcase_add_test(tc, test_wrong_key);
    tcase_add_test(tc, test_small_rsa);
    tcase_add_loop_test(tc, test_small_exponent, 0, 3);
    tcase_add_test(tc, test_small_curve);
    tcase_add_loop_test(tc, test_changes, 0, COUNT(changes));
    tcase_add_test(tc, test_signature_values);
    tcase_add_test(tc, test_truncated_values);
    tcase_add_loop_test(tc, test_faults, 0, COUNT(faults));
    tcase_add_loop_test(tc, test_never_allowed, 0, COUNT(never_allowed));
    tcase_add_test(tc, test_bare_ec_key);
    tcase_add_loop_test(tc, test_odd_ids, 0, 6);
    tcase_add_test(tc, test_not_signed);
    tcase_add_loop_test(tc, test_hints, 0, COUNT(hints));
    tcase_add_test(tc, test_zero_is_broken);
    suite_add_tcase(suite, tc);
    return suite;
}
