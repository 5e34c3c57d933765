/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/settings.h"

#include <apr_strings.h>

#include "make_cert.h"
#include "test.h"

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_settings_t *settings;

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    settings = samlc_settings_make(p);
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

START_TEST(test_defaults)
{
    ck_assert_ptr_null(settings->entity_id);
    ck_assert_int_eq(settings->status, SAMLC_STATUS_ACTIVE);
    ck_assert_ptr_null(settings->sign_certs);
    ck_assert_int_eq(settings->validate_chain, 0);
    ck_assert_int_eq(settings->cert_expiry, SAMLC_EXPIRY_BY_MODE);
    ck_assert_int_eq(settings->cert_conflict, SAMLC_CONFLICT_BOTH);
    ck_assert_int_eq(settings->use_system_roots, 0);
    ck_assert_int_eq(settings->crl_check, SAMLC_CRL_OFF);
    ck_assert_int_eq(settings->min_rsa_bits, 2048);
    ck_assert_int_eq(settings->response_signature, SAMLC_SIGNED_ANY);
    ck_assert_int_eq(settings->require_encrypted, 0);
    ck_assert_int_eq(settings->clock_skew, 180);
    ck_assert_int_eq(settings->unsolicited, 0);
    ck_assert_int_eq(settings->sso_binding, SAMLC_BINDING_REDIRECT);
    ck_assert_ptr_null(settings->authn_context);
    ck_assert_str_eq(settings->remote_user, "NameID");
    ck_assert_int_eq(settings->unsigned_cbc, 0);
    ck_assert_str_eq(apr_array_pstrcat(p, settings->scoped_attributes, ' '),
                     SAMLC_SCOPED_ATTRIBUTES);
    ck_assert_uint_eq(settings->signature_algorithms,
                      samlc_algorithms_default(SAMLC_ALGORITHM_SIGNATURE));
    ck_assert_uint_eq(settings->c14n_algorithms, samlc_algorithms_default(SAMLC_ALGORITHM_C14N));
    ck_assert_uint_eq(settings->given, 0);
    ck_assert_int_eq(samlc_settings_warnings(settings, p)->nelts, 0);
}
END_TEST

/* Every value is accepted, or refused with a sentence that holds the part. */
static const struct {
    const char *name;
    const char *value;
    const char *refusal;   /* NULL: accepted */
} values[] = {
    {"EntityID", "https://idp.example.org/metadata?x#y", NULL},
    {"entityid", "urn:x", NULL},
    {"EntityID", "", "EntityID \"\": a value is missing; the syntax is: EntityID URI"},
    {"EntityID", "  ", "a value is missing"},
    {"EntityID", "urn:a b", "there must be no blank"},
    {"EntityID", "urn:a\x01", "\"urn:a\\x01\": there is a control character"},
    {"Status", "Inactive", NULL},
    {"Status", "off", "not one of the words that it may be; the syntax is: Status active|inactive"},
    {"Status", "active|inactive", "not one of the words"},
    {"Metadata", "idp metadata.xml", NULL},
    {"SignCerts", "@pins.txt", NULL},
    {"ValidateChain", "on", NULL},
    {"ValidateChain", "OFF", NULL},
    {"ValidateChain", "yes", "neither on nor off; the syntax is: ValidateChain on|off"},
    {"CertExpiry", "reject", NULL},
    {"CertExpiry", "ignore", NULL},
    {"CertExpiry", "by-mode", "the syntax is: CertExpiry reject|warn|ignore"},
    {"CertConflict", "subject", NULL},
    {"CertConflict", "both", "the syntax is: CertConflict issuer+subject|issuer|subject|off"},
    {"AnchorConstraint", "subject:CN=idp,O=Example", NULL},
    {"AnchorConstraint", "san-dns:idp.example.org", NULL},
    {"AnchorConstraint", "san-uri:https://idp.example.org/", NULL},
    {"AnchorConstraint", "issuer-spki-sha256:"
     "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF", NULL},
    {"AnchorConstraint", "issuer-spki-sha256:0011", "64 hex digits"},
    {"AnchorConstraint", "subject:", "nothing follows subject:"},
    {"AnchorConstraint", "CN=idp", "it begins with subject:"},
    {"CRLGrace", "86400", NULL},
    {"CRLGrace", "2592001", "not a number from 0 to 2592000"},
    {"TrustReportOnly", "ValidateChain=on certexpiry=Reject CRLCheck=leaf", NULL},
    {"TrustReportOnly", "AnchorConstraint=san-dns:idp.example.org CRLGrace=0", NULL},
    {"TrustReportOnly", "ValidateChain", "\"ValidateChain\" is not NAME=VALUE"},
    {"TrustReportOnly", "ValidateChain=", "is not NAME=VALUE"},
    {"TrustReportOnly", "ValidateChain=yes", "ValidateChain=yes: neither on nor off (on|off)"},
    {"TrustReportOnly", "CRLCheck=leaf CRLCheck=chain", "CRLCheck stands in it twice"},
    {"TrustReportOnly", "Unsolicited=off", "\"Unsolicited=off\" cannot be tried out"},
    {"TrustReportOnly", "Nonsense=off", "\"Nonsense=off\" cannot be tried out"},
    {"TrustReportOnly", "TrustReportOnly=x", "cannot be tried out"},
    {"CRLCheck", "chain", NULL},
    {"CRLCheck", "all", "the syntax is: CRLCheck off|leaf|chain"},
    {"MinRSABits", "1024", NULL},
    {"MinRSABits", "16384", NULL},
    {"MinRSABits", "1023", "not a number from 1024 to 16384"},
    {"MinRSABits", "16385", "not a number from 1024 to 16384"},
    {"MinRSABits", "2048 ", "not a number"},
    {"MinRSABits", "0x800", "not a number"},
    {"MinRSABits", "-2048", "not a number"},
    {"MinRSABits", "4294969344", "not a number"},           /* 2048 + 2^32 */
    {"MinRSABits", "18446744073709553664", "not a number"}, /* 2048 + 2^64 */
    {"SignatureAlgorithms", "+rsa-sha1", NULL},
    {"SignatureAlgorithms", "rsa-md5", "MD5 is never allowed"},
    {"DigestAlgorithms", "sha256 sha512", NULL},
    {"DigestAlgorithms", "rsa-sha256", "is no digest algorithm"},
    {"CanonicalizationAlgorithms", "exc-c14n", NULL},
    {"KeyTransportAlgorithms", "-rsa-oaep", NULL},
    {"EncryptionAlgorithms", "+aes128-cbc", NULL},
    {"UnsignedCBC", "on", NULL},
    {"UnsignedCBC", "maybe", "neither on nor off"},
    {"ResponseSignature", "both", NULL},
    {"ResponseSignature", "none", "the syntax is: ResponseSignature any|response|assertion|both"},
    {"RequireEncrypted", "on", NULL},
    {"ClockSkew", "0", NULL},
    {"ClockSkew", "600", NULL},
    {"ClockSkew", "601", "not a number from 0 to 600"},
    {"ClockSkew", "3m", "not a number"},
    {"Unsolicited", "on", NULL},
    {"SSOUrl", "https://idp.example.org/sso?x=y", NULL},
    {"SSOUrl", "http://127.0.0.1:8080/sso", NULL},
    {"SSOUrl", "HTTPS://[::1]/sso", NULL},
    {"SSOUrl", "/sso", "not an absolute http or https URL"},
    {"SSOUrl", "//idp.example.org/sso", "not an absolute"},
    {"SSOUrl", "https:idp.example.org", "not an absolute"},
    {"SSOUrl", "https:///sso", "not an absolute"},
    {"SSOUrl", "https://", "not an absolute"},
    {"SSOUrl", "https://:443/", "not an absolute"},
    {"SSOUrl", "ftp://idp.example.org/", "not an absolute"},
    {"SSOUrl", "javascript:alert(1)", "not an absolute"},
    {"SSOUrl", "https://idp.example.org/a b", "not an absolute"},
    {"SSOUrl", "https://idp.example.org/\"x", "not an absolute"},
    {"SSOUrl", "https://idp.example.org/\xc3\xa9", "not an absolute"},
    {"SSOBinding", "redirect", NULL},
    {"SSOBinding", "post", "not supported yet; the syntax is: SSOBinding redirect"},
    {"SSOBinding", "artifact", "the syntax is: SSOBinding redirect"},
    {"SLOUrl", "https://idp.example.org/slo", NULL},
    {"SLOUrl", "slo", "not an absolute"},
    {"SignRequests", "on", NULL},
    {"NameIDFormat", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", NULL},
    {"NameIDFormat", "a b", "there must be no blank"},
    {"AuthnContext", "urn:a urn:b", NULL},
    {"ForceAuthn", "on", NULL},
    {"ForceAuthn", "1", "neither on nor off"},
    {"RemoteUser", "mail", NULL},
    {"ScopedAttributes", "mail urn:oid:1.2", NULL},
    {"ScopedAttributes", "", "a value is missing"},
    {"UserFilter", "^[a-z]+@example\\.org$", NULL},
    {"UserFilter", "([a-z]", "UserFilter \"([a-z]\": "},
    {"UserFilter", "^[a-z0-9._-]{1,64}@([a-z0-9-]{1,63}\\.){1,5}[a-z]{2,24}$", NULL},
    {"UserFilter", "a{1000}{1000}", "UserFilter \"a{1000}{1000}\": too long, once its rep"},
    {"UserFilter", "(a{1,1000}b){0,1000}", "too long, once its repetitions are written out"},
    {"UserFilter", ")(a*){90}+{90}", "too long, once"},
    {"UserFilter", "[]a]{90}[^]b]{90}(([[:alpha:]]){,90}){90,}", "too long, once"},
    {"UserFilter", "\\{100}[{1000}{1000}]b{899}", NULL},
    {"UserFilter", "b{999}", NULL},
    {"UserFilter", "b{998,}", NULL},
    {"UserFilter", "b{999,}", "too long, once"},
    {"UserFilter", "^([a-z]+[.])+[a-z]+@([a-z]+[.])+[a-z]+$", NULL},
    {"UserFilter", "a+++++", NULL},
    {"UserFilter", "a+++++++++++++++++++++++++++++++++++++++++", "too long, once"},
    {"UserFilter", "((((((((((a+)+)+)+)+)+)+)+)+)+)+", "too long, once"},
    {"UserFilter", "b{1001}", "too long, once"},
    {"NoSuchThing", "x", "there is no setting \"NoSuchThing\""},
    {"", "x", "there is no setting \"\""},
    {"EntityI", "x", "there is no setting \"EntityI\"; did you mean EntityID?"},
    {"entity-id", "x", "did you mean EntityID?"},
    {"SignCert", "x", "did you mean SignCerts?"},
    {"SamlCertSignCerts", "x", "did you mean SignCerts?"},
    {"SSOUri", "x", "did you mean SSOUrl?"},
    {"CanonicalisationAlgorithms", "x", "did you mean CanonicalizationAlgorithms?"},
};

START_TEST(test_values)
{
    samlc_settings_t before = *settings;
    apr_status_t rv = samlc_settings_set(settings, values[_i].name, values[_i].value, "f:7", res,
                                         p);

    if (!values[_i].refusal) {
        ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
        ck_assert_uint_ne(settings->given, 0);
    }
    else {
        ck_assert_int_ne(rv, APR_SUCCESS);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_msg(strncmp(res->message, "f:7: ", 5) == 0, "%s", res->message);
        ck_assert_msg(strstr(res->message, values[_i].refusal) != NULL, "%s", res->message);
        ck_assert_mem_eq(settings, &before, sizeof(before));
    }
}
END_TEST

/* The default of each setting is a value that it takes. */
static const struct {
    const char *name;
    const char *preset;
} table[] = {
#define ROW(Name, type, member, parser, low, high, preset, syntax, help) {#Name, preset},
    SAMLC_SETTINGS(ROW)
#undef ROW
};

START_TEST(test_presets)
{
    samlc_settings_t before = *settings;

    if (!table[_i].preset) {
        return;
    }
    ck_assert_msg(samlc_settings_set(settings, table[_i].name, table[_i].preset, "f:1", res, p)
                  == APR_SUCCESS, "%s", res->message);
    ck_assert_uint_eq(settings->given, (apr_uint64_t)1 << _i);
    settings->given = 0;
    if (strcmp(table[_i].name, "RemoteUser") != 0
        && strcmp(table[_i].name, "ScopedAttributes") != 0) {
        /* these two are equal copies */
        ck_assert_mem_eq(settings, &before, sizeof(before));
    }
}
END_TEST

static const char complete[] =
    "# the IdP of the example\n"
    "\n"
    "EntityID          https://idp.example.org/\r\n"
    "  \tStatus\tinactive  \n"
    "SignCerts         \"@pins with blanks.txt\"\n"
    "CertExpiry warn\n"
    "CertConflict      off\n"
    "CRLCheck leaf\n"
    "ResponseSignature assertion\n"
    "MinRSABits 3072\n"
    "DigestAlgorithms \"sha256\"\n"
    "ClockSkew 60\n"
    "Unsolicited on\n"
    "AuthnContext urn:a \t urn:b\n"
    "RemoteUser nameid\n"
    "   # UserFilter x\n"
    "UserFilter ^[a-z# ]+$";

START_TEST(test_file)
{
    samlc_data_t file = test_data(complete, "idp.conf");

    ck_assert_msg(samlc_settings_parse(settings, &file, res, p) == APR_SUCCESS, "%s", res->message);
    ck_assert_str_eq(settings->entity_id, "https://idp.example.org/");
    ck_assert_int_eq(settings->status, SAMLC_STATUS_INACTIVE);
    ck_assert_str_eq(settings->sign_certs, "@pins with blanks.txt");
    ck_assert_str_eq(settings->sign_certs_origin, "idp.conf:5");
    ck_assert_int_eq(settings->cert_expiry, SAMLC_EXPIRY_WARN);
    ck_assert_int_eq(settings->cert_conflict, SAMLC_CONFLICT_OFF);
    ck_assert_int_eq(settings->crl_check, SAMLC_CRL_LEAF);
    ck_assert_int_eq(settings->response_signature, SAMLC_SIGNED_ASSERTION);
    ck_assert_int_eq(settings->min_rsa_bits, 3072);
    ck_assert_str_eq(samlc_algorithms_show(settings->digest_algorithms, SAMLC_ALGORITHM_DIGEST, p),
                     "sha256");
    ck_assert_int_eq(settings->clock_skew, 60);
    ck_assert_int_eq(settings->unsolicited, 1);
    ck_assert_int_eq(settings->authn_context->nelts, 2);
    ck_assert_str_eq(APR_ARRAY_IDX(settings->authn_context, 1, const char *), "urn:b");
    ck_assert_str_eq(settings->remote_user, "NameID");
    ck_assert_str_eq(settings->user_filter, "^[a-z# ]+$");
}
END_TEST

static const struct {
    const char *content;
    const char *refusal;   /* NULL: accepted */
} files[] = {
    {"", NULL},
    {"\n\n# nothing\n", NULL},
    {"ClockSkew 1\nMinRSABits 2048\n", NULL},
    {"ClockSkew 1\nClockSkew 1\n", "f:2: ClockSkew is given twice"},
    {"ClockSkew 1\nclockskew 2\n", "f:2: ClockSkew is given twice"},
    {"\nClockSkew\n", "f:2: ClockSkew \"\": a value is missing"},
    {"ClockSkew \"\"\n", "f:1: ClockSkew \"\": a value is missing"},
    {"UserFilter \"a b\"\n", NULL},
    {"UserFilter \"a b\n", "f:1: UserFilter: a value in double quotes"},
    {"UserFilter \"a\" b\n", "f:1: UserFilter: a value in double quotes"},
    {"UserFilter \"\n", "f:1: UserFilter: a value in double quotes"},
    {"ClockSkew 1 # one\n", "f:1: ClockSkew \"1 # one\": not a number"},
    {"ClockSkew=1\n", "f:1: there is no setting \"ClockSkew=1\""},
    {"\xef\xbb\xbf" "ClockSkew 1\n",
     "f:1: there is no setting \"\\xef\\xbb\\xbf" "ClockSkew\"; did you mean ClockSkew?"},
    {"<html>\n", "f:1: there is no setting \"<html>\""},
};

START_TEST(test_files)
{
    samlc_data_t file = test_data(files[_i].content, "f");
    apr_status_t rv = samlc_settings_parse(settings, &file, res, p);

    if (!files[_i].refusal) {
        ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
    }
    else {
        ck_assert_int_ne(rv, APR_SUCCESS);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_msg(strstr(res->message, files[_i].refusal) == res->message, "%s", res->message);
    }
}
END_TEST

START_TEST(test_nul_in_file)
{
    samlc_data_t file = {(const unsigned char *)"ClockSkew 1\n\0", 13, "f"};

    ck_assert_int_ne(samlc_settings_parse(settings, &file, res, p), APR_SUCCESS);
    file.len = 12;
    ck_assert_int_eq(samlc_settings_parse(settings, &file, res, p), APR_SUCCESS);
}
END_TEST

/* What weakens the policy is warned of; the value beside it, which does not, is not. */
static const struct {
    const char *name;
    const char *weak;
    const char *strong;
    const char *warning;
} weaknesses[] = {
    {"SignatureAlgorithms", "+rsa-sha1", "rsa-sha256", "SignatureAlgorithms allows rsa-sha1: "},
    {"DigestAlgorithms", "sha1", "-sha256", "DigestAlgorithms allows sha1: "},
    {"KeyTransportAlgorithms", "+rsa-1_5", "+rsa-oaep", "KeyTransportAlgorithms allows rsa-1_5: "},
    {"EncryptionAlgorithms", "aes128-cbc", "aes128-gcm", "EncryptionAlgorithms allows aes128-cbc"},
    {"UnsignedCBC", "on", "off", "UnsignedCBC on: "},
    {"MinRSABits", "2047", "2048", "MinRSABits 2047: "},
    {"CertExpiry", "warn", "reject", "CertExpiry: "},
    {"CertConflict", "off", "issuer", "CertConflict off: "},
    {"UseSystemRoots", "on", "off", "UseSystemRoots on: "},
    {"Unsolicited", "on", "off", "Unsolicited on: "},
    {"ClockSkew", "301", "300", "ClockSkew 301: "},
};

/* What may be tried out beside what is in force; the rest says why not. */
static const struct {
    const char *in_force;
    const char *tried;
    const char *error;    /* NULL: it may be tried out */
} trials[] = {
    {"", "ValidateChain=on", NULL},
    {"ValidateChain on\n", "ValidateChain=on", "is in force already"},
    {"ValidateChain on\n", "ValidateChain=off", "is laxer"},
    {"UseSystemRoots on\n", "UseSystemRoots=off", NULL},
    {"", "UseSystemRoots=off", "is in force already"},
    {"", "UseSystemRoots=on", "is laxer"},
    {"", "CertExpiry=reject", NULL},
    {"", "CertExpiry=warn", "not stricter in each case"},    /* anchored rejects by itself */
    {"", "CertExpiry=ignore", "not stricter in each case"},
    {"CertExpiry ignore\n", "CertExpiry=warn", NULL},
    {"CertExpiry warn\n", "CertExpiry=ignore", "is laxer"},
    {"CertExpiry reject\n", "CertExpiry=reject", "is in force already"},
    {"CertConflict off\n", "CertConflict=issuer+subject", NULL},
    {"", "CertConflict=issuer", NULL},
    {"", "CertConflict=subject", NULL},
    {"", "CertConflict=off", "is laxer"},
    {"CertConflict issuer\n", "CertConflict=subject", "not stricter in each case"},
    {"CertConflict issuer\n", "CertConflict=issuer+subject", "is laxer"},
    {"", "AnchorConstraint=san-dns:a", NULL},
    {"AnchorConstraint san-dns:a\n", "AnchorConstraint=san-dns:a", "is in force already"},
    {"AnchorConstraint san-dns:a\n", "AnchorConstraint=san-dns:b", "not stricter in each case"},
    {"", "CRLCheck=leaf", NULL},
    {"CRLCheck chain\n", "CRLCheck=leaf", "is laxer"},
    {"CRLGrace 60\n", "CRLGrace=0", NULL},
    {"CRLGrace 60\n", "CRLGrace=61", "is laxer"},
    {"", "ValidateChain=on CRLCheck=off", "CRLCheck=off: it is in force already"},
};

START_TEST(test_trials)
{
    samlc_settings_t *stricter = NULL;
    const char *text = apr_pstrcat(p, "TrustReportOnly ", trials[_i].tried, "\n",
                                   trials[_i].in_force, NULL);
    samlc_data_t file = test_data(text, "idp.conf");
    apr_status_t rv = APR_EGENERAL;

    ck_assert_msg(samlc_settings_parse(settings, &file, res, p) == APR_SUCCESS, "%s", res->message);
    rv = samlc_settings_stricter(&stricter, settings, res, p);
    ck_assert_msg((rv == APR_SUCCESS) == (trials[_i].error == NULL), "%s", res->message);
    ck_assert_int_eq(stricter != NULL, rv == APR_SUCCESS);
    if (rv != APR_SUCCESS) {
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_ptr_nonnull(strstr(res->message, "idp.conf:1: "));
        ck_assert_msg(strstr(res->message, trials[_i].error) != NULL, "%s", res->message);
    }
}
END_TEST

START_TEST(test_nothing_to_try)
{
    samlc_settings_t *stricter = NULL;

    ck_assert_int_eq(samlc_settings_stricter(&stricter, settings, res, p), APR_SUCCESS);
    ck_assert_ptr_null(stricter);
}
END_TEST

START_TEST(test_warnings)
{
    apr_array_header_t *warnings = NULL;
    const char *name = weaknesses[_i].name;

    ck_assert_int_eq(samlc_settings_set(settings, name, weaknesses[_i].weak, "f:1", res, p),
                     APR_SUCCESS);
    warnings = samlc_settings_warnings(settings, p);
    ck_assert_int_eq(warnings->nelts, 1);
    ck_assert_ptr_eq(strstr(APR_ARRAY_IDX(warnings, 0, const char *), weaknesses[_i].warning),
                     APR_ARRAY_IDX(warnings, 0, const char *));
    settings = samlc_settings_make(p);
    ck_assert_int_eq(samlc_settings_set(settings, name, weaknesses[_i].strong, "f:1", res, p),
                     APR_SUCCESS);
    ck_assert_int_eq(samlc_settings_warnings(settings, p)->nelts, 0);
}
END_TEST

Suite *suite_settings(void);

Suite *suite_settings(void)
{
    Suite *s = suite_create("settings");
    TCase *tc = tcase_create("settings");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_defaults);
    tcase_add_loop_test(tc, test_values, 0, sizeof(values) / sizeof(values[0]));
    tcase_add_loop_test(tc, test_presets, 0, sizeof(table) / sizeof(table[0]));
    tcase_add_test(tc, test_file);
    tcase_add_loop_test(tc, test_files, 0, sizeof(files) / sizeof(files[0]));
    tcase_add_test(tc, test_nul_in_file);
    tcase_add_loop_test(tc, test_trials, 0, sizeof(trials) / sizeof(trials[0]));
    tcase_add_test(tc, test_nothing_to_try);
    tcase_add_loop_test(tc, test_warnings, 0, sizeof(weaknesses) / sizeof(weaknesses[0]));
    suite_add_tcase(s, tc);
    return s;
}
