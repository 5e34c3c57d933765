/* SPDX-License-Identifier: Apache-2.0 */
/*
 * CBC where only the assertion inside is signed: it takes two settings, and then every changed
 * ciphertext still looks the same from outside.
 */
#include "core/xml/encryption.h"

#include <apr_strings.h>

#include "test.h"
#include "world.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define ALLOWED "EncryptionAlgorithms +aes128-cbc +aes192-cbc +aes256-cbc +tripledes-cbc\n"
#define LOUD "UnsignedCBC on\n"

static apr_pool_t *p;

static void setup(void)
{
    p = test_pool();
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

/* A response with an encrypted assertion; either is signed where it says so, without KeyInfo. */
static const char *encrypted(const char *cipher, int signs_assertion, int signs_response)
{
    forge_encryption_t how = { .to = world_keys()->sp->pkey, .cipher = cipher };
    forge_signature_t signature = { .by = world_keys()->idp, .key_info = "" };
    const char *xml = forge_write(&(forge_t){ 0 }, p);

    if (signs_assertion) {
        xml = forge_sign(xml, FORGE_ASSERTION_ID, &signature, p);
    }
    xml = forge_encrypt(xml, &how, p);
    return signs_response ? forge_sign(xml, FORGE_RESPONSE_ID, &signature, p) : xml;
}

static const char *const ciphers[] = { "aes128-cbc", "aes192-cbc", "aes256-cbc", "tripledes-cbc",
                                       "aes256-gcm" };

static const struct {
    const char *conf;
    int signs_assertion, signs_response;
    samlc_reason_t cbc, gcm;
    const char *setting;   /* that the refusal names */
} cases[] = {
    { "", 1, 0, SAMLC_REASON_ALGORITHM_FORBIDDEN, SAMLC_REASON_OK, "EncryptionAlgorithms +" },
    { LOUD, 1, 0, SAMLC_REASON_ALGORITHM_FORBIDDEN, SAMLC_REASON_OK, "EncryptionAlgorithms +" },
    { ALLOWED, 1, 0, SAMLC_REASON_ALGORITHM_FORBIDDEN, SAMLC_REASON_OK, "UnsignedCBC on" },
    { ALLOWED "UnsignedCBC off\n", 1, 0, SAMLC_REASON_ALGORITHM_FORBIDDEN, SAMLC_REASON_OK,
      "UnsignedCBC on" },
    { ALLOWED LOUD, 1, 0, SAMLC_REASON_OK, SAMLC_REASON_OK, NULL },
    { ALLOWED, 0, 1, SAMLC_REASON_OK, SAMLC_REASON_OK, NULL },
    { ALLOWED, 1, 1, SAMLC_REASON_OK, SAMLC_REASON_OK, NULL },
    { ALLOWED LOUD, 1, 1, SAMLC_REASON_OK, SAMLC_REASON_OK, NULL },
    { ALLOWED LOUD, 0, 0, SAMLC_REASON_NO_SIGNATURE, SAMLC_REASON_NO_SIGNATURE, NULL },
};

START_TEST(test_cases)
{
    world_t *w = world_make(cases[_i].conf, world_keys()->idp, p);
    int i = 0;

    for (i = 0; i < COUNT(ciphers); i++) {
        samlc_reason_t expected = strstr(ciphers[i], "gcm") ? cases[_i].gcm : cases[_i].cbc;
        const char *xml = encrypted(ciphers[i], cases[_i].signs_assertion,
                                    cases[_i].signs_response);
        samlc_data_t data = test_data(xml, "test");
        samlc_response_t *response = NULL;
        samlc_verdict_t *v = NULL;

        ck_assert_int_eq(samlc_response_read(&response, &data, samlc_result_make(p), p),
                         APR_SUCCESS);
        v = samlc_response_judge(response, &w->expected, p);
        ck_assert_msg(v->reason == expected, "%s (%s) where %s was expected",
                      samlc_reason_word(v->reason), v->message, samlc_reason_word(expected));
        ck_assert_int_eq(v->outcome == SAMLC_ACCEPTED, expected == SAMLC_REASON_OK);
        if (expected == SAMLC_REASON_ALGORITHM_FORBIDDEN) {
            ck_assert_msg(strstr(v->message, cases[_i].setting) != NULL, "%s", v->message);
        }
    }
}
END_TEST

/* The message with this byte of the encrypted content changed; NULL behind its end. */
static const char *changed(const char *xml, apr_size_t byte, unsigned char mask)
{
    const char *element = forge_element(strstr(xml, "</xenc:EncryptedKey>"), "xenc:CipherValue", p);
    apr_size_t start = strlen("<xenc:CipherValue>");
    const char *base64 = apr_pstrmemdup(p, element + start, strlen(element) - start - start - 1);
    samlc_data_t in = test_data(base64, "test"), bytes;
    unsigned char *content = NULL;

    ck_assert_int_eq(samlc_text_base64_decode(&bytes, &in, p), APR_SUCCESS);
    if (byte >= bytes.len) {
        return NULL;
    }
    content = apr_pmemdup(p, bytes.data, bytes.len);
    content[byte] ^= mask;
    return forge_replace(xml, base64, samlc_text_base64(content, bytes.len, p), p);
}

/*
 * A stranger changes the ciphertext and looks at the answer. No change is accepted, and none has a
 * reason that the module answers with another status than 403. (A KeyInfo would be what nothing
 * signs: garbage there is still XML once in some hundred thousand changes, and changes nothing.)
 */
START_TEST(test_no_oracle)
{
    world_t *w = world_make(ALLOWED LOUD, world_keys()->idp, p);
    const char *xml = encrypted("aes128-cbc", 1, 0);
    const char *message = NULL;
    apr_size_t byte = (apr_size_t)_i;

    world_accepts(w, xml);
    for (; (message = changed(xml, byte, (unsigned char)(1 << _i))) != NULL; byte += 8) {
        samlc_reason_t reason = SAMLC_REASON_UNDECIDED;

        ck_assert_ptr_null(world_judges(w, message, &reason));
        ck_assert_msg(reason != SAMLC_REASON_MALFORMED && reason != SAMLC_REASON_TOO_LARGE
                      && reason != SAMLC_REASON_INTERNAL, "byte %lu: %s", (unsigned long)byte,
                      samlc_reason_word(reason));
    }
    ck_assert_uint_gt(byte, 1000);
}
END_TEST

START_TEST(test_warning)
{
    samlc_settings_t *settings = samlc_settings_make(p);
    apr_array_header_t *warnings = NULL;

    ck_assert_int_eq(
        samlc_settings_set(settings, "UnsignedCBC", "on", "f:1", samlc_result_make(p), p),
        APR_SUCCESS);
    warnings = samlc_settings_warnings(settings, p);
    ck_assert_int_eq(warnings->nelts, 1);
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(warnings, 0, const char *),
                                 "although nothing signed covers the ciphertext"));
    ck_assert_int_eq(samlc_settings_warnings(samlc_settings_make(p), p)->nelts, 0);
}
END_TEST

Suite *suite_unsigned_cbc(void)
{
    Suite *suite = suite_create("unsigned_cbc");
    TCase *tc = tcase_create("unsigned_cbc");

    tcase_set_timeout(tc, 120);
    tcase_add_unchecked_fixture(tc, world_make_keys_once, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_cases, 0, COUNT(cases));
    tcase_add_loop_test(tc, test_no_oracle, 0, 8);
    tcase_add_test(tc, test_warning);
    suite_add_tcase(suite, tc);
    return suite;
}
