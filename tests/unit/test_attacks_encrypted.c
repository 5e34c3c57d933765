/* SPDX-License-Identifier: Apache-2.0 */
/* Attacks by what is encrypted (SECURITY-RULES 20): anybody can encrypt for us. */
#include <apr_strings.h>

#include "message_test.h"
#include "test.h"


static const char *sign(const char *xml)
{
    return forge_sign(xml, FORGE_ASSERTION_ID, &(forge_signature_t){ .by = keys->idp }, p);
}

/* Around and instead of the assertion: all of these look alike from outside. */
static const struct {
    const char *before, *behind;
} plaintexts[] = {
    { "<!DOCTYPE x>", "" },
    { "<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", "" },
    { "<?xml version=\"1.0\"?>", "" },
    { "text", "" },
    { "", "text" },
    { "<x/>", "" },
    { "", "<saml:Assertion/>" },
    { "<saml:Assertion/>", "" },
    { "<x>", "</x>" },
    { "<saml:Advice>", "</saml:Advice>" },
    { "</saml:EncryptedAssertion>", "<saml:EncryptedAssertion>" },
    { "<saml:EncryptedAssertion>", "</saml:EncryptedAssertion>" },
    { "\xFF\xFE", "" },
    { "\x01", "" },
};

START_TEST(test_plaintexts)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    const char *assertion = forge_element(xml, "saml:Assertion", p);

    message_sound(message_hide(xml, assertion));
    world_refuses(w,
                  message_hide(xml, apr_pstrcat(p, plaintexts[_i].before, assertion,
                                                plaintexts[_i].behind, NULL)),
                  SAMLC_REASON_DECRYPT_FAILED);
}
END_TEST

static const struct {
    const char *from, *to;
    samlc_reason_t reason;
} inside[] = {
    { "<saml:Subject>", "<saml:Subject xml:id=\"x\">", SAMLC_REASON_DECRYPT_FAILED },
    { "<saml:Subject>", "<saml:Subject xmlns:x=\"relative\">", SAMLC_REASON_DECRYPT_FAILED },
    { "<saml:Subject>", "<saml:Subject x:y=\"\">", SAMLC_REASON_DECRYPT_FAILED },
    { FORGE_USER, "&e;", SAMLC_REASON_DECRYPT_FAILED },
    { FORGE_USER, MALLORY, SAMLC_REASON_SIGNATURE_INVALID },
    { "<saml:Subject>", "<saml:Subject ID=\"_assertion\">", SAMLC_REASON_SIGNATURE_SCOPE },
    { " ID=\"_assertion\"", " ID=\"_response\"", SAMLC_REASON_SIGNATURE_SCOPE },
    { FORGE_USER, "alice@<!-- -->example.org", SAMLC_REASON_OK },
};

START_TEST(test_inside)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    const char *changed = forge_replace(forge_element(xml, "saml:Assertion", p), inside[_i].from,
                                        inside[_i].to, p);

    if (inside[_i].reason == SAMLC_REASON_OK) {
        message_sound(message_hide(xml, changed));
    }
    else {
        world_refuses(w, message_hide(xml, changed), inside[_i].reason);
    }
}
END_TEST

/* One assertion is one, signed as it may be: none in its Advice, and nothing else in its place. */
START_TEST(test_assertion_in_advice)
{
    const char *advice = "<saml:Advice><saml:Assertion/></saml:Advice><saml:AuthnStatement";
    const char *xml = sign(forge_replace(message_written(), "<saml:AuthnStatement", advice, p));
    const char *start = strstr(xml, "<saml:Assertion ");
    const char *assertion = apr_pstrmemdup(p, start, strlen(start) - strlen("</samlp:Response>"));

    world_refuses(w, xml, SAMLC_REASON_MALFORMED);
    world_refuses(w, message_hide(message_written(), assertion), SAMLC_REASON_DECRYPT_FAILED);
    world_refuses(w, message_hide(message_written(), "<saml:Advice/>"),
                  SAMLC_REASON_DECRYPT_FAILED);
    message_sound(sign(forge_replace(message_written(), "<saml:AuthnStatement",
                             "<saml:Advice><x/></saml:Advice><saml:AuthnStatement", p)));
}
END_TEST

/* Anybody can encrypt for us: what comes out is worth nothing without a signature. */
START_TEST(test_unsigned_plaintext)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    const char *signature = forge_element(xml, "ds:Signature", p);
    const char *evil = forge_element(forge_write(&(forge_t){ .name_id = MALLORY }, p),
                                     "saml:Assertion", p);

    world_refuses(w, message_hide(xml, evil), SAMLC_REASON_NO_SIGNATURE);
    world_refuses(w, message_hide(xml, forge_before(evil, "<saml:Subject>", signature, p)),
                  SAMLC_REASON_SIGNATURE_INVALID);
    world_refuses(w, forge_before(message_hide(xml, evil), "<samlp:Status>", signature, p),
                  SAMLC_REASON_SIGNATURE_SCOPE);
    world_refuses(w, message_hide(xml, forge_element(world_signed(&(forge_t){ .name_id = MALLORY },
                                                          FORGE_ASSERTION_ID, keys->stranger, p),
                                             "saml:Assertion", p)), SAMLC_REASON_CERT_NOT_LISTED);
}
END_TEST

START_TEST(test_cipher_reference)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    const char *hidden = message_sound(message_hide(xml, forge_element(xml, "saml:Assertion", p)));
    const char *value = forge_element(strstr(hidden, "</ds:KeyInfo>"), "xenc:CipherValue", p);

    world_refuses(
        w, forge_replace(hidden, value, "<xenc:CipherReference URI=\"file:///etc/passwd\"/>", p),
        SAMLC_REASON_MALFORMED);
    world_refuses(w, forge_before(hidden, value, "<xenc:CipherReference URI=\"#_response\"/>", p),
                  SAMLC_REASON_MALFORMED);
}
END_TEST

START_TEST(test_many_encrypted_keys)
{
    const char *xml = message_genuine(FORGE_ASSERTION_ID);
    const char *hidden = message_sound(message_hide(xml, forge_element(xml, "saml:Assertion", p)));
    const char *key = forge_element(hidden, "xenc:EncryptedKey", p);

    world_refuses(w, forge_before(hidden, "<xenc:EncryptedKey", forge_repeat(key, 200, p), p),
                  SAMLC_REASON_MALFORMED);
}
END_TEST

Suite *suite_attacks_encrypted(void)
{
    Suite *suite = suite_create("attacks_encrypted");
    TCase *tc = message_tcase("attacks_encrypted");

    tcase_add_loop_test(tc, test_plaintexts, 0, COUNT(plaintexts));
    tcase_add_loop_test(tc, test_inside, 0, COUNT(inside));
    tcase_add_test(tc, test_assertion_in_advice);
    tcase_add_test(tc, test_unsigned_plaintext);
    tcase_add_test(tc, test_cipher_reference);
    tcase_add_test(tc, test_many_encrypted_keys);
    suite_add_tcase(suite, tc);
    return suite;
}
