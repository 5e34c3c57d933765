/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/signcerts.h"

#include <apr_strings.h>
#include <openssl/err.h>

#include "make_cert.h"
#include "test.h"

#define ORIGIN "idp.conf:3"
#define PREFIX "CERT_VALIDATION:IGNORE_TRUST"
#define A20 "00112233445566778899aabbccddeeff00112233"
#define A32 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define B32 "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define A48 A32 "00112233445566778899aabbccddeeff"
#define A64 A32 A32
#define A32_BASE64 "ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8="

static apr_pool_t *p;
static samlc_result_t *res;

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

/* What was read, as text: "ignore any spki:32 20 ...". */
static const char *summary(const samlc_signcerts_t *list)
{
    const char *text = apr_pstrcat(p, list->ignore_trust ? "ignore " : "",
                                   list->any_trusted ? "any " : "", NULL);
    int i;

    for (i = 0; i < list->pins->nelts; i++) {
        const samlc_pin_t *pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);

        text = apr_psprintf(p, "%s%s%d ", text, pin->is_spki ? "spki:" : "", (int)pin->len);
    }
    return text;
}

static const struct {
    const char *value;
    const char *summary;   /* NULL: refused */
    const char *message;   /* what the sentence begins with, or a part of it, then */
} values[] = {
    {A20, "20 ", NULL},
    {A32, "32 ", NULL},
    {A48, "48 ", NULL},
    {A64, "64 ", NULL},
    {"  " A32 "\t", "32 ", NULL},
    {"sha1:" A20 ",sha256:" A32 " , sha384: " A48 ",SHA512:" A64, "20 32 48 64 ", NULL},
    {"00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33", "20 ", NULL},
    {"00 11 22 33 44 55 66 77 88 99 Aa bB CC dd ee ff 00 11 22 33", "20 ", NULL},
    {"sha256:00 11:22 33 44 55 66 77 88 99 AA BB CC DD EE FF 00112233445566778899aabbccddeeff",
     "32 ", NULL},
    {"spki-sha256:" A32, "spki:32 ", NULL},
    {"spki-sha256:" A32_BASE64, "spki:32 ", NULL},
    {"SPKI-SHA256: " A32_BASE64 ", " A32, "spki:32 32 ", NULL},
    {PREFIX "," A32, "ignore 32 ", NULL},
    {" " PREFIX " , " A32 "," A20, "ignore 32 20 ", NULL},
    {"ANY-TRUSTED", "any ", NULL},
    {"ANY-TRUSTED," A32, "any 32 ", NULL},
    {A32 ",ANY-TRUSTED", "any 32 ", NULL},
    {A32 "," A32 ",sha256:" A32 ",00:" A32 "x", NULL, "position 203: \"00:"},
    {A32 "," A32 ",sha256:" A32 "," B32, "32 32 ", NULL},            /* duplicates are dropped */
    {"spki-sha256:" A32 ",spki-sha256:" A32_BASE64, "spki:32 ", NULL},

    {"", NULL, "the list of fingerprints is empty"},
    {"   ", NULL, "the list of fingerprints is empty"},
    {PREFIX, NULL, "the list of fingerprints is empty"},
    {PREFIX ",", NULL, "position 29: nothing follows this comma"},
    {A20 ",", NULL, "position 41: nothing follows this comma"},
    {A20 ",  ", NULL, "position 41: nothing follows this comma"},
    {",", NULL, "position 1: there is nothing before this comma"},
    {"," A20, NULL, "position 1: there is nothing before this comma"},
    {A20 ",," A20, NULL, "position 42: there is nothing before this comma"},
    {A20 ", ," A20, NULL, "position 43: there is nothing before this comma"},
    {A32 "," PREFIX, NULL, "position 66: \"" PREFIX "\" may only be the very first token"},
    {PREFIX "," PREFIX "," A32, NULL, "position 30: \"" PREFIX "\" may only be"},
    {PREFIX ",ANY-TRUSTED", NULL, "position 30: \"ANY-TRUSTED\" cannot follow"},
    {PREFIX "," A32 ",ANY-TRUSTED", NULL, "position 95: \"ANY-TRUSTED\" cannot follow"},
    {PREFIX " " A32, NULL, "lacks the comma behind"},
    {"cert_validation:ignore_trust," A32, NULL, "position 1: \"cert_validation:ignore_trust\" is"},
    {"any-trusted", NULL, "position 1: \"any-trusted\" is neither"},
    {"TRUST-ALL", NULL, "position 1: \"TRUST-ALL\" is neither"},
    {A32 ", sha3:" A32, NULL, "position 67: \"sha3:"},
    {"md5:00112233445566778899aabbccddeeff", NULL, "position 1: \"md5:"},
    {"0011", NULL, "position 1: \"0011\" has 4 hex digits"},
    {":", NULL, "position 1: \":\" has 0 hex digits"},
    {A32 "0", NULL, "has 65 hex digits"},
    {A64 "00", NULL, "has 130 hex digits"},
    {"sha256:" A20, NULL, "has 40 hex digits"},
    {"sha1:" A32, NULL, "has 64 hex digits"},
    {"sha256:", NULL, "has 0 hex digits"},
    {"spki-sha256:" A20, NULL, "has 40 hex digits"},
    {"spki-sha256:" A64, NULL, "has 128 hex digits"},
    {"spki-sha256:ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v9=", NULL, "is not the base64 of"},
    {"spki-sha256:ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7g==", NULL, "is not the base64 of"},
    {"spki-sha256:", NULL, "has 0 hex digits"},
    {"spki-sha1:" A20, NULL, "is neither a fingerprint"},
    {A32 " " B32, NULL, "lacks a comma between two fingerprints"},
    {A20 " " A20 " " A20, NULL, "lacks a comma between two fingerprints"},
    {"\xe2\x80\x8e" A20, NULL, "position 1: the invisible or non-ASCII character U+200E"},
    {"\xef\xbb\xbf" A20, NULL, "position 1: the invisible or non-ASCII character U+FEFF"},
    {A20 ",\xe2\x80\x8b" A20, NULL, "position 42: the invisible or non-ASCII character U+200B"},
    {A20 "\xc2\xa0", NULL, "position 41: the invisible or non-ASCII character U+00A0"},
    {A20 "\xf0\x9f\x94\x91", NULL, "position 41: the invisible or non-ASCII character U+1F511"},
    {A20 "\xe2\x80", NULL, "position 41: the byte 0xE2"},
    {A20 "\x80", NULL, "position 41: the byte 0x80"},
    {A20 "\x01", NULL, "position 41: the invisible or non-ASCII character U+0001"},
    {A20 "\n" A20, NULL, "position 41: the invisible or non-ASCII character U+000A"},
    {A20 " # a comment", NULL, "is neither a fingerprint"},
};

START_TEST(test_values)
{
    samlc_signcerts_t *list = (samlc_signcerts_t *)&values;
    apr_status_t rv = samlc_signcerts_parse(&list, values[_i].value, ORIGIN, res, p);

    if (values[_i].summary) {
        ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
        ck_assert_str_eq(summary(list), values[_i].summary);
    }
    else {
        ck_assert_msg(rv != APR_SUCCESS, "%s", values[_i].value);
        ck_assert_ptr_null(list);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_msg(strncmp(res->message, ORIGIN ": ", strlen(ORIGIN ": ")) == 0, "%s",
                      res->message);
        ck_assert_msg(strstr(res->message, values[_i].message) != NULL, "%s", res->message);
    }
}
END_TEST

static const struct {
    const char *content;
    const char *summary;
    const char *message;
} files[] = {
    {A20, "20 ", NULL},
    {A20 "\n" A32 "\n", "20 32 ", NULL},
    {"# signing keys of caf\xc3\xa9\r\n\r\n  " A20 " # this year\r\n" A32 "\r\n", "20 32 ", NULL},
    {PREFIX "\n" A20 ", " A32 "\n\n" A48 "\n", "ignore 20 32 48 ", NULL},
    {"# note\n" PREFIX ",\n" A20 ",\n\n# next\n" A32, "ignore 20 32 ", NULL},
    {A20 "\n" A20 "," A32 "\n", "20 32 ", NULL},
    {"ANY-TRUSTED\n", "any ", NULL},

    {"", NULL, "list.txt: the list of fingerprints is empty"},
    {"# nothing\n\n", NULL, "list.txt: the list of fingerprints is empty"},
    {PREFIX "\n", NULL, "list.txt: the list of fingerprints is empty"},
    {A20 ",\n", NULL, "list.txt:1: position 41: nothing follows"},
    {A20 "\n" A32 ",\n# end\n\n", NULL, "list.txt:2: position 65: nothing follows"},
    {A20 "\n," A32 "\n", NULL, "list.txt:2: position 1: there is nothing before"},
    {A20 ",\n,\n" A32, NULL, "list.txt:2: position 1: there is nothing before"},
    {A20 "\n" PREFIX "\n", NULL, "list.txt:2: position 1: \"" PREFIX "\" may only be"},
    {PREFIX "\nANY-TRUSTED\n", NULL, "list.txt:2: position 1: \"ANY-TRUSTED\" cannot follow"},
    {"\n\n" A20 "\n  0011\n", NULL, "list.txt:4: position 3: \"0011\" has 4"},
    {"\xef\xbb\xbf" A20 "\n", NULL, "list.txt:1: position 1: the invisible or non-ASCII"},
    {A20 "\n" A20 "\xc2\xad\n", NULL, "list.txt:2: position 41: the invisible or non-ASCII"},
    {A20 "\n00112233\n445566778899aabbccddeeff00112233\n", NULL, "list.txt:2: position 1:"},
};

START_TEST(test_files)
{
    samlc_signcerts_t *list = (samlc_signcerts_t *)&files;
    samlc_data_t file = test_data(files[_i].content, "list.txt");
    apr_status_t rv = samlc_signcerts_parse_file(&list, &file, res, p);

    if (files[_i].summary) {
        ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
        ck_assert_str_eq(summary(list), files[_i].summary);
    }
    else {
        ck_assert_int_ne(rv, APR_SUCCESS);
        ck_assert_ptr_null(list);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_msg(strstr(res->message, files[_i].message) == res->message, "%s", res->message);
    }
}
END_TEST

START_TEST(test_nul_in_file)
{
    samlc_data_t file = {(const unsigned char *)A20 "\n\0" A32, 40 + 2 + 64, "list.txt"};
    samlc_signcerts_t *list = NULL;

    ck_assert_int_ne(samlc_signcerts_parse_file(&list, &file, res, p), APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(res->message, "list.txt:2: position 1:"));
    file.len = 41;
    ck_assert_int_eq(samlc_signcerts_parse_file(&list, &file, res, p), APR_SUCCESS);
}
END_TEST

START_TEST(test_origins)
{
    samlc_data_t file = test_data(PREFIX "\n" A20 ", " A32, "list.txt");
    samlc_signcerts_t *list = NULL;

    ck_assert_int_eq(samlc_signcerts_parse(&list, A20 ", " A32, ORIGIN, res, p), APR_SUCCESS);
    ck_assert_str_eq(APR_ARRAY_IDX(list->pins, 1, samlc_pin_t).origin, ORIGIN ", position 43");
    ck_assert_int_eq(samlc_signcerts_parse_file(&list, &file, res, p), APR_SUCCESS);
    ck_assert_str_eq(APR_ARRAY_IDX(list->pins, 1, samlc_pin_t).origin, "list.txt:2");
}
END_TEST

/* %s is the fingerprint; a character of it is changed for the twin that must not match. */
static const struct {
    const EVP_MD *(*digest)(void);   /* NULL: of the public key */
    const char *format;
    int by_der;                      /* the bytes alone are enough */
} matches[] = {
    {EVP_sha1, "%s", 1},
    {EVP_sha256, "%s", 1},
    {EVP_sha384, "sha384:%s", 1},
    {EVP_sha512, "%s", 1},
    {EVP_sha256, PREFIX "," A20 ",%s", 1},
    {NULL, "spki-sha256:%s", 0},
};

START_TEST(test_matches)
{
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    test_cert_t *made = test_cert_make(&(test_cert_spec_t){.pkey = pkey}, p);
    samlc_cert_t *cert = NULL;
    samlc_signcerts_t *list = NULL;
    char *hex = NULL;
    int bad;

    ck_assert_int_eq(samlc_cert_parse_der(&cert, &made->der, res, p), APR_SUCCESS);
    hex = apr_pstrdup(p, matches[_i].digest
                             ? samlc_cert_fingerprint(cert, matches[_i].digest(), p)
                             : samlc_text_hex(samlc_key_spki_sha256(samlc_cert_key(cert)), 32, p));
    for (bad = 0; bad < 2; bad++) {
        const char *value = NULL;

        if (bad) {
            hex[strlen(hex) - 1] = hex[strlen(hex) - 1] == '0' ? '1' : '0';
        }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        value = apr_psprintf(p, matches[_i].format, hex);
#pragma GCC diagnostic pop
        ck_assert_int_eq(samlc_signcerts_parse(&list, value, ORIGIN, res, p), APR_SUCCESS);
        ck_assert_int_eq(samlc_signcerts_match(list, cert) != NULL, !bad);
        ck_assert_int_eq(samlc_signcerts_match_der(list, &made->der) != NULL,
                         !bad && matches[_i].by_der);
    }
}
END_TEST

/* A pin of the key survives a renewal with the same key, a pin of the certificate does not. */
START_TEST(test_renewed_certificate)
{
    EVP_PKEY *pkey = test_key_make("EC", 256, p);
    test_cert_t *old = test_cert_make(&(test_cert_spec_t){.pkey = pkey, .serial = 1}, p);
    test_cert_t *new = test_cert_make(&(test_cert_spec_t){.pkey = pkey, .serial = 2}, p);
    samlc_cert_t *certs[2] = {NULL, NULL};
    samlc_signcerts_t *list = NULL;
    const char *spki = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&certs[0], &old->der, res, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_cert_parse_der(&certs[1], &new->der, res, p), APR_SUCCESS);
    spki = samlc_text_base64(samlc_key_spki_sha256(samlc_cert_key(certs[0])), 32, p);
    ck_assert_int_eq(samlc_signcerts_parse(&list, apr_pstrcat(p, "spki-sha256:", spki, NULL),
                                           ORIGIN, res, p), APR_SUCCESS);
    ck_assert_ptr_nonnull(samlc_signcerts_match(list, certs[0]));
    ck_assert_ptr_nonnull(samlc_signcerts_match(list, certs[1]));
    ck_assert_int_eq(samlc_signcerts_parse(&list, samlc_cert_sha256_hex(certs[0]), ORIGIN, res, p),
                     APR_SUCCESS);
    ck_assert_ptr_nonnull(samlc_signcerts_match(list, certs[0]));
    ck_assert_ptr_null(samlc_signcerts_match(list, certs[1]));
}
END_TEST

Suite *suite_signcerts(void);

Suite *suite_signcerts(void)
{
    Suite *s = suite_create("signcerts");
    TCase *tc = tcase_create("signcerts");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_values, 0, sizeof(values) / sizeof(values[0]));
    tcase_add_loop_test(tc, test_files, 0, sizeof(files) / sizeof(files[0]));
    tcase_add_test(tc, test_nul_in_file);
    tcase_add_test(tc, test_origins);
    tcase_add_loop_test(tc, test_matches, 0, sizeof(matches) / sizeof(matches[0]));
    tcase_add_test(tc, test_renewed_certificate);
    suite_add_tcase(s, tc);
    return s;
}
