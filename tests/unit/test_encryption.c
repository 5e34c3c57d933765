/* SPDX-License-Identifier: Apache-2.0 */
#include "core/xml/encryption.h"

#include <apr_strings.h>
#include <openssl/err.h>

#include "core/xml/xml.h"
#include "test.h"
#include "world.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define PLAIN "<saml:Assertion xmlns:saml=\"urn:x\">content of some length</saml:Assertion>"

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_keyset_t keys;
static samlc_encryption_policy_t policy;
static forge_encryption_t how;

static void own(samlc_own_role_t role, const test_cert_t *cert)
{
    samlc_data_t key_pem = test_data(cert->key_pem, "key");
    samlc_data_t cert_pem = test_data(cert->pem, "crt");

    ck_assert_int_eq(samlc_keyset_add(&keys, role, &key_pem, &cert_pem, res, p), APR_SUCCESS);
}

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    memset(&keys, 0, sizeof(keys));
    own(SAMLC_OWN_ACTIVE, world_keys()->sp);
    policy.key_transport = samlc_algorithms_default(SAMLC_ALGORITHM_KEY_TRANSPORT);
    policy.content = samlc_algorithms_default(SAMLC_ALGORITHM_ENCRYPTION);
    policy.under_signature = 0;
    how = (forge_encryption_t){ .to = world_keys()->sp->pkey };
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static void allow(samlc_algorithms_t *set, samlc_algorithm_kind_t kind, const char *names)
{
    ck_assert_int_eq(samlc_algorithms_parse(set, kind, names, res, p), APR_SUCCESS);
}

static const char *encrypted(void)
{
    return forge_encrypted("EncryptedAssertion", PLAIN, &how, p);
}

/* What comes out of saml:EncryptedAssertion; NULL if it is refused. */
static const char *open_with(const char *xml, const samlc_keyset_t *with)
{
    const char *document = forge_replace(
        xml, "<saml:EncryptedAssertion>",
        "<saml:EncryptedAssertion xmlns:saml=\"" SAMLC_NS_SAML "\">", p);
    samlc_data_t data = test_data(document, "test"), plaintext = data;
    xmlDocPtr doc = NULL;
    apr_status_t rv = samlc_xml_parse(&doc, &data, &SAMLC_XML_MESSAGE, res, p);

    ck_assert_msg(rv == APR_SUCCESS, "%s: %s", res->message, document);
    rv = samlc_encryption_open(&plaintext, xmlDocGetRootElement(doc), with, &policy, res, p);
    ck_assert_int_eq(rv == APR_SUCCESS, plaintext.len > 0);
    return rv == APR_SUCCESS ? apr_pstrmemdup(p, (const char *)plaintext.data, plaintext.len)
                             : NULL;
}

static void opens(const char *xml)
{
    ck_assert_pstr_eq(open_with(xml, &keys), PLAIN);
}

static void fails(const char *xml, samlc_reason_t reason)
{
    const char *plaintext = open_with(xml, &keys);

    ck_assert_msg(plaintext == NULL, "%s", xml);
    ck_assert_msg(res->reason == reason, "%s: %s", samlc_reason_word(res->reason), res->message);
}

/* --- algorithms ----------------------------------------------------------------------------- */

static const forge_encryption_t allowed[] = {
    { .cipher = "aes128-gcm" },
    { .cipher = "aes192-gcm" },
    { .cipher = "aes256-gcm" },
    { .digest = "sha1" },
    { .digest = "sha256" },
    { .digest = "sha512" },
    { .label = "a label" },
    { .keys_beside = 1 },
    { .transport = FORGE_OAEP },
    { .transport = FORGE_OAEP, .digest = "sha256" },
    { .transport = FORGE_OAEP, .digest = "sha256", .mgf = "sha256" },
    { .transport = FORGE_OAEP, .digest = "sha1", .mgf = "sha512", .label = "x", .keys_beside = 1 },
};

START_TEST(test_allowed)
{
    how = allowed[_i];
    how.to = world_keys()->sp->pkey;
    opens(encrypted());
}
END_TEST

static const char *const cbc[] = { "aes128-cbc", "aes192-cbc", "aes256-cbc", "tripledes-cbc" };

/* CBC: not by default, and never where nothing vouches for the ciphertext. */
START_TEST(test_cbc)
{
    const char *xml = NULL;

    how.cipher = cbc[_i];
    xml = encrypted();
    policy.under_signature = 1;
    fails(xml, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    allow(&policy.content, SAMLC_ALGORITHM_ENCRYPTION, apr_pstrcat(p, "+", cbc[_i], NULL));
    policy.under_signature = 0;
    fails(xml, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    policy.under_signature = 1;
    opens(xml);
    how.broken_padding = 1;
    fails(encrypted(), SAMLC_REASON_DECRYPT_FAILED);
}
END_TEST

START_TEST(test_pkcs1)
{
    const char *xml = NULL;

    how.transport = SAMLC_NS_XENC "rsa-1_5";
    xml = encrypted();
    fails(xml, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    allow(&policy.key_transport, SAMLC_ALGORITHM_KEY_TRANSPORT, "+rsa-1_5");
    opens(xml);
    how.to = world_keys()->idp->pkey;
    fails(encrypted(), SAMLC_REASON_DECRYPT_FAILED);
}
END_TEST

START_TEST(test_taken_away)
{
    opens(encrypted());
    allow(&policy.content, SAMLC_ALGORITHM_ENCRYPTION, "-aes256-gcm");
    fails(encrypted(), SAMLC_REASON_ALGORITHM_FORBIDDEN);
    ck_assert_ptr_nonnull(strstr(res->message, "EncryptionAlgorithms +aes256-gcm"));
    how.cipher = "aes128-gcm";
    opens(encrypted());
    allow(&policy.key_transport, SAMLC_ALGORITHM_KEY_TRANSPORT, "-rsa-oaep-mgf1p");
    fails(encrypted(), SAMLC_REASON_ALGORITHM_FORBIDDEN);
    ck_assert_ptr_nonnull(strstr(res->message, "KeyTransportAlgorithms +rsa-oaep-mgf1p"));
}
END_TEST

/* --- structure ------------------------------------------------------------------------------ */

#define METHOD(uri) "<xenc:EncryptionMethod Algorithm=\"" uri "\"/>"
#define CIPHER "<xenc:CipherData><xenc:CipherValue>AAAA</xenc:CipherValue></xenc:CipherData>"
#define KEY(content) \
    "<xenc:EncryptedKey xmlns:xenc=\"" SAMLC_NS_XENC "\">" content "</xenc:EncryptedKey>"
#define SHA1 "<ds:DigestMethod xmlns:ds=\"" SAMLC_NS_DS "\" Algorithm=\"" SAMLC_NS_DS "sha1\"/>"
#define MGF "<e:MGF xmlns:e=\"" SAMLC_NS_XENC11 "\" Algorithm=\"" SAMLC_NS_XENC11 "mgf1sha1\"/>"

static const struct {
    const char *from, *to;
    samlc_reason_t reason;
} faults[] = {
    { "Type=\"" SAMLC_NS_XENC "Element\"", "Type=\"" SAMLC_NS_XENC "Content\"",
      SAMLC_REASON_MALFORMED },
    { "Type=\"" SAMLC_NS_XENC "Element\"", "", SAMLC_REASON_OK },
    { "<saml:EncryptedAssertion>",
      "<saml:EncryptedAssertion><xenc:EncryptedData xmlns:xenc=\"" SAMLC_NS_XENC "\"/>",
      SAMLC_REASON_MALFORMED },
    { "aes256-gcm", "aes256-foo", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "Algorithm=\"" SAMLC_NS_XENC11 "aes256-gcm\"", "", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "Algorithm=\"" SAMLC_NS_XENC11 "aes256-gcm\"", "Algorithm=\"" SAMLC_NS_XENC "aes256-gcm\"",
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "Algorithm=\"" FORGE_OAEP_MGF1P "\"", "Algorithm=\"" SAMLC_NS_XENC "kw-aes256\"",
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "Algorithm=\"" FORGE_OAEP_MGF1P "\">",
      "Algorithm=\"" FORGE_OAEP_MGF1P
      "\"><ds:DigestMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#md5\"/>",
      SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "Algorithm=\"" FORGE_OAEP_MGF1P "\">",
      "Algorithm=\"" FORGE_OAEP_MGF1P "\"><xenc:OAEPparams>!</xenc:OAEPparams>",
      SAMLC_REASON_MALFORMED },
    { "Algorithm=\"" FORGE_OAEP_MGF1P "\">", "Algorithm=\"" FORGE_OAEP_MGF1P "\"><xenc:Odd/>",
      SAMLC_REASON_MALFORMED },
    { "<xenc:CipherValue>", "<xenc:CipherReference URI=\"file:///etc/passwd\"/><xenc:CipherValue>",
      SAMLC_REASON_MALFORMED },
    { "<xenc:CipherValue>", "<xenc:CipherValue>AAAA</xenc:CipherValue><xenc:CipherValue>",
      SAMLC_REASON_MALFORMED },
    { "<xenc:CipherValue>", "<xenc:CipherValue>!", SAMLC_REASON_MALFORMED },
    { "<xenc:CipherValue>", "<xenc:CipherValue><x/>", SAMLC_REASON_MALFORMED },
    { "<ds:KeyInfo", "<ds:Other xmlns:ds=\"" SAMLC_NS_DS "\"/><ds:KeyInfo",
      SAMLC_REASON_MALFORMED },
    { "<ds:KeyInfo", " <!-- x --> <ds:KeyInfo", SAMLC_REASON_OK },
    { "<ds:KeyInfo", "x<ds:KeyInfo", SAMLC_REASON_MALFORMED },
    { "</ds:KeyInfo>", "</ds:KeyInfo><ds:KeyInfo xmlns:ds=\"" SAMLC_NS_DS "\"/>",
      SAMLC_REASON_MALFORMED },
    { "<ds:KeyInfo", METHOD("x") "<ds:KeyInfo", SAMLC_REASON_MALFORMED },
    { "</xenc:EncryptedData>", CIPHER "</xenc:EncryptedData>", SAMLC_REASON_MALFORMED },
    { "</xenc:EncryptedData>", "<x/></xenc:EncryptedData>", SAMLC_REASON_MALFORMED },
    { "</xenc:EncryptedData>", "<xenc:EncryptionProperties/></xenc:EncryptedData>",
      SAMLC_REASON_OK },
    { "</xenc:EncryptedData>", "</xenc:EncryptedData><x/>", SAMLC_REASON_MALFORMED },
    { "</xenc:EncryptedKey>", CIPHER "</xenc:EncryptedKey>", SAMLC_REASON_MALFORMED },
    { "</xenc:EncryptedKey>", "<x/></xenc:EncryptedKey>", SAMLC_REASON_MALFORMED },
    { "</xenc:EncryptedKey>",
      "<xenc:ReferenceList/><xenc:CarriedKeyName>x</xenc:CarriedKeyName></xenc:EncryptedKey>",
      SAMLC_REASON_OK },
    { "</xenc:EncryptedKey>",
      "<xenc:CarriedKeyName>x</xenc:CarriedKeyName><xenc:ReferenceList/></xenc:EncryptedKey>",
      SAMLC_REASON_MALFORMED },
    { "Algorithm=\"" FORGE_OAEP_MGF1P "\">",
      "Algorithm=\"" FORGE_OAEP_MGF1P "\"> <xenc:KeySize>256</xenc:KeySize>" MGF,
      SAMLC_REASON_OK },
    { "Algorithm=\"" FORGE_OAEP_MGF1P "\">", "Algorithm=\"" FORGE_OAEP_MGF1P "\">" MGF MGF,
      SAMLC_REASON_MALFORMED },
    { "Algorithm=\"" FORGE_OAEP_MGF1P "\">", "Algorithm=\"" FORGE_OAEP_MGF1P "\">" SHA1 SHA1,
      SAMLC_REASON_MALFORMED },
    { "<xenc:EncryptedKey ", "<ds:RetrievalMethod URI=\"http://127.0.0.1:9/\"/><xenc:EncryptedKey ",
      SAMLC_REASON_OK },
    { "<xenc:EncryptedKey ", KEY("") "<xenc:EncryptedKey ", SAMLC_REASON_MALFORMED },
    { "<xenc:EncryptedKey ", KEY(CIPHER) "<xenc:EncryptedKey ", SAMLC_REASON_ALGORITHM_FORBIDDEN },
    { "<xenc:EncryptedKey ", KEY(METHOD("x") CIPHER) "<xenc:EncryptedKey ", SAMLC_REASON_OK },
};

START_TEST(test_faults)
{
    const char *xml = encrypted();

    opens(xml);
    xml = forge_replace(xml, faults[_i].from, faults[_i].to, p);
    if (faults[_i].reason == SAMLC_REASON_OK) {
        opens(xml);
    }
    else {
        fails(xml, faults[_i].reason);
    }
}
END_TEST

/* The content itself by reference, and not only the key. */
START_TEST(test_cipher_reference)
{
    const char *xml = encrypted();
    const char *data = strstr(xml, "</ds:KeyInfo>");
    const char *value = forge_element(data, "xenc:CipherValue", p);

    fails(forge_replace(xml, value, "<xenc:CipherReference URI=\"file:///etc/passwd\"/>", p),
          SAMLC_REASON_MALFORMED);
    fails(forge_replace(xml, value, "<xenc:CipherReference URI=\"\"/>", p), SAMLC_REASON_MALFORMED);
    opens(xml);
}
END_TEST

START_TEST(test_no_key)
{
    const char *xml = encrypted();

    fails(forge_replace(xml, forge_element(xml, "ds:KeyInfo", p), "", p), SAMLC_REASON_MALFORMED);
    fails(forge_replace(xml, forge_element(xml, "xenc:EncryptedKey", p),
                        "<ds:RetrievalMethod URI=\"#key\"/>", p), SAMLC_REASON_MALFORMED);
    fails("<saml:EncryptedAssertion></saml:EncryptedAssertion>", SAMLC_REASON_MALFORMED);
}
END_TEST

/* Ours may be the last of eight; nine are not looked at. */
START_TEST(test_many_keys)
{
    const char *xml = encrypted();
    const char *foreign = NULL;

    how.to = world_keys()->idp->pkey;
    foreign = forge_element(encrypted(), "xenc:EncryptedKey", p);
    opens(forge_before(xml, "<xenc:EncryptedKey", forge_repeat(foreign, 7, p), p));
    opens(forge_behind(xml, "</xenc:EncryptedKey>", forge_repeat(foreign, 7, p), p));
    fails(forge_before(xml, "<xenc:EncryptedKey", forge_repeat(foreign, 8, p), p),
          SAMLC_REASON_MALFORMED);
    fails(forge_before(xml, "<xenc:EncryptedKey", forge_repeat(foreign, 300, p), p),
          SAMLC_REASON_MALFORMED);
}
END_TEST

/* --- keys ----------------------------------------------------------------------------------- */

/* Every role decrypts. */
START_TEST(test_roles)
{
    samlc_own_role_t role = (samlc_own_role_t)_i;

    memset(&keys, 0, sizeof(keys));
    own(SAMLC_OWN_ACTIVE, world_keys()->stranger);
    own(SAMLC_OWN_NEXT, world_keys()->idp);
    own(SAMLC_OWN_RETIRING, world_keys()->idp);
    fails(encrypted(), SAMLC_REASON_DECRYPT_FAILED);
    own(role, world_keys()->sp);
    opens(encrypted());
}
END_TEST

/* A key has the length of its cipher: the right first bytes are not enough. */
START_TEST(test_longer_key)
{
    how.cipher = "aes128-gcm";
    opens(encrypted());
    how.longer_key = 1;
    fails(encrypted(), SAMLC_REASON_DECRYPT_FAILED);
}
END_TEST

/* The message with one bit of a base64 value changed, counted from its end. */
static const char *with_bit(const char *value, apr_size_t from_end)
{
    samlc_data_t in = test_data(value, "test"), bytes;
    unsigned char *changed = NULL;

    ck_assert_int_eq(samlc_text_base64_decode(&bytes, &in, p), APR_SUCCESS);
    changed = apr_pmemdup(p, bytes.data, bytes.len);
    changed[bytes.len - 1 - from_end] ^= 1;
    return samlc_text_base64(changed, bytes.len, p);
}

static const char *value_of(const char *xml)
{
    const char *element = forge_element(xml, "xenc:CipherValue", p);
    apr_size_t start = strlen("<xenc:CipherValue>");

    return apr_pstrmemdup(p, element + start, strlen(element) - start - start - 1);
}

/* Whatever depends on a secret has one answer, in code and words. */
START_TEST(test_uniform_failure)
{
    const char *xml = encrypted();
    const char *key = value_of(xml);
    const char *content = value_of(strstr(xml, "</xenc:EncryptedKey>"));
    const char *broken[8];
    const char *message = NULL;
    int i = 0;

    broken[0] = forge_replace(xml, key, with_bit(key, 0), p);
    broken[1] = forge_replace(xml, key, "AAAA", p);
    broken[2] = forge_replace(xml, content, with_bit(content, 0), p);      /* the tag */
    broken[3] = forge_replace(xml, content, with_bit(content, 20), p);     /* the ciphertext */
    broken[4] = forge_replace(xml, content, with_bit(content, strlen(PLAIN) + 16), p); /* the IV */
    broken[5] = forge_replace(xml, content, "AAAA", p);
    broken[6] = forge_replace(xml, "aes256-gcm", "aes128-gcm", p);         /* a key too long */
    how.to = world_keys()->idp->pkey;
    broken[7] = encrypted();
    opens(xml);
    for (i = 0; i < COUNT(broken); i++) {
        fails(broken[i], SAMLC_REASON_DECRYPT_FAILED);
        ck_assert_str_eq(message == NULL ? res->message : message, res->message);
        message = res->message;
    }
    ck_assert_ptr_null(open_with(xml, NULL));
    ck_assert_int_eq(res->reason, SAMLC_REASON_DECRYPT_FAILED);
    ck_assert_str_eq(message, res->message);
}
END_TEST

Suite *suite_encryption(void)
{
    Suite *suite = suite_create("encryption");
    TCase *tc = tcase_create("encryption");

    tcase_add_unchecked_fixture(tc, world_make_keys_once, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_allowed, 0, COUNT(allowed));
    tcase_add_loop_test(tc, test_cbc, 0, COUNT(cbc));
    tcase_add_test(tc, test_pkcs1);
    tcase_add_test(tc, test_taken_away);
    tcase_add_loop_test(tc, test_faults, 0, COUNT(faults));
    tcase_add_test(tc, test_cipher_reference);
    tcase_add_test(tc, test_no_key);
    tcase_add_test(tc, test_many_keys);
    tcase_add_loop_test(tc, test_roles, 0, SAMLC_OWN_COUNT);
    tcase_add_test(tc, test_longer_key);
    tcase_add_test(tc, test_uniform_failure);
    suite_add_tcase(suite, tc);
    return suite;
}
