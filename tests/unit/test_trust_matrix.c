/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The trust decision as one table: what makes a key trustworthy x what is the matter with it x what
 * the message says about it. Each cell signs a Response and has it judged, from bytes to verdict.
 */
#include <apr_strings.h>
#include <openssl/err.h>
#include <string.h>

#include "core/trust/remembered.h"
#include "core/xml/xml.h"
#include "test.h"
#include "world.h"

#define DAY apr_time_from_sec(86400)
#define EC(...) test_cert_make(&(test_cert_spec_t){ .key_type = "EC", __VA_ARGS__ }, pool)

/* What makes keys trustworthy; "leaf" is the certificate that it is about. */
typedef enum {
    PINNED,                /* by the digest of the certificate */
    PINNED_KEY,            /* by the digest of its key */
    PINNED_REMEMBERED,     /* an earlier login has left the certificate in the state directory */
    ANCHORED,
    ANCHORED_REMEMBERED,
    ANY_TRUSTED,
    ON_FILE,
    ON_FILE_CHAIN,         /* and ValidateChain on */
    METADATA,
    METADATA_CHAIN,
    RULES
} rule_t;

typedef enum {
    LISTED,                /* all is well */
    ALTERNATE,             /* it is (also) on file, in this slot */
    STAGED,
    RETIRED,
    UNLISTED,              /* a stranger signs, with a certificate of his own */
    EXPIRED,
    NOT_YET_VALID,
    CONFLICT,              /* a second CA of the same name with another key is in the store */
    REVOKED,
    NO_INTERMEDIATE,       /* its CA is not in the store */
    REISSUED,              /* the signer shows another certificate of the same key and CA */
    SAME_NAME,             /* the signer has another key, and a certificate with the same names */
    SITUATIONS
} situation_t;

/* What stands in KeyInfo. */
typedef enum {
    CERTIFICATE,           /* the signer's */
    CHAIN,                 /* that of its CA, then the signer's */
    NONE,                  /* there is no KeyInfo */
    FOREIGN,               /* one that has nothing to do with it */
    HINTS
} hint_t;

static const struct {
    char letter;
    samlc_reason_t reason;
} LETTERS[] = {
    { 'o', SAMLC_REASON_OK },
    { 'l', SAMLC_REASON_CERT_NOT_LISTED },
    { 'r', SAMLC_REASON_CERT_RETIRED },
    { 'e', SAMLC_REASON_CERT_EXPIRED },
    { 'y', SAMLC_REASON_CERT_NOT_YET_VALID },
    { 'c', SAMLC_REASON_CERT_CONFLICT },
    { 'v', SAMLC_REASON_CERT_REVOKED },
    { 'i', SAMLC_REASON_CHAIN_INCOMPLETE },
    { 's', SAMLC_REASON_SIGNATURE_INVALID },
};

/*
 * spec: DESIGN 5. The letters of a cell are for CERTIFICATE, CHAIN, NONE and FOREIGN.
 *
 * A pin has no key: without the certificate (NONE, FOREIGN) nothing can be verified, unless it is
 * on file besides (ALTERNATE, STAGED, RETIRED), or remembered and the message shows none (NONE).
 * ANY-TRUSTED has only the message: what it shows is tried, so a foreign certificate is one that did
 * not sign. Certificates on file and in metadata are tried whatever the message shows: REISSUED is
 * their key.
 * Without KeyInfo nobody can tell who signed what none of these keys did: signature-invalid.
 * Certificates that come in KeyInfo never complete a chain: NO_INTERMEDIATE. Expired is a warning
 * for pins and certificates on file and nothing for metadata; too early is refused by all of them
 * but metadata.
 */
static const struct {
    const char *conf;
    samlc_trust_mode_t mode;
    const char *codes[SITUATIONS];
} TABLE[RULES] = {
    /*                      LISTED  ALTERN. STAGED  RETIRED UNLIST. EXPIRED
                            EARLY   CONFL.  REVOKED NO_INT. REISSUE SAME_NAME */
    [PINNED] = { "SignCerts CERT_VALIDATION:IGNORE_TRUST,", SAMLC_MODE_PINNED,
                          { "ooll", "oooo", "oooo", "rrrr", "llll", "ooll",
                            "yyll", "ooll", "ooll", "ooll", "llll", "llll" } },
    [PINNED_KEY] = { "SignCerts CERT_VALIDATION:IGNORE_TRUST,spki-sha256:", SAMLC_MODE_PINNED,
                          { "ooll", "oooo", "oooo", "rrrr", "llll", "ooll",
                            "yyll", "ooll", "ooll", "ooll", "ooll", "llll" } },
    [PINNED_REMEMBERED] = { "SignCerts CERT_VALIDATION:IGNORE_TRUST,", SAMLC_MODE_PINNED,
                          { "oool", "oooo", "oooo", "rrrr", "llsl", "oool",
                            "yyyl", "oool", "oool", "oool", "llol", "llsl" } },
    [ANCHORED] = { "SignCerts ", SAMLC_MODE_ANCHORED,
                          { "ooll", "oooo", "oooo", "rrrr", "llll", "eell",
                            "yyll", "ccll", "vvll", "iill", "llll", "llll" } },
    [ANCHORED_REMEMBERED] = { "SignCerts ", SAMLC_MODE_ANCHORED,
                          { "oool", "oooo", "oooo", "rrrr", "llsl", "eeel",
                            "yyyl", "cccl", "vvvl", "iiil", "llol", "llsl" } },
    [ANY_TRUSTED] = { "SignCerts ANY-TRUSTED\n", SAMLC_MODE_ANY_TRUSTED,
                          { "ools", "oooo", "oooo", "rrrr", "iils", "eels",
                            "yyls", "ccls", "vvls", "iils", "ools", "ools" } },
    [ON_FILE] = { "", SAMLC_MODE_ON_FILE,
                          { "oooo", "oooo", "oooo", "rrrr", "llsl", "oooo",
                            "yyyy", "oooo", "oooo", "oooo", "oooo", "llsl" } },
    [ON_FILE_CHAIN] = { "ValidateChain on\n", SAMLC_MODE_ON_FILE,
                          { "oooo", "oooo", "oooo", "rrrr", "llsl", "oooo",
                            "yyyy", "cccc", "vvvv", "iiii", "oooo", "llsl" } },
    [METADATA] = { "", SAMLC_MODE_METADATA,
                          { "oooo", "oooo", "oooo", "rrrr", "llsl", "oooo",
                            "oooo", "oooo", "oooo", "oooo", "oooo", "llsl" } },
    [METADATA_CHAIN] = { "ValidateChain on\n", SAMLC_MODE_METADATA,
                          { "oooo", "oooo", "oooo", "rrrr", "llsl", "oooo",
                            "oooo", "cccc", "vvvv", "iiii", "oooo", "llsl" } },
};

/* --- certificates, made once -------------------------------------------------------------------- */

static struct {
    test_cert_t *root, *ca, *other_ca;             /* two CAs of the same name */
    test_cert_t *leaf, *expired, *early, *again;   /* one key */
    test_cert_t *twin, *stranger, *foreign;
    samlc_data_t good_list, bad_list;              /* of ca, which revokes nothing, or leaf */
} made;

static samlc_data_t revocation_list(const test_cert_t *revoked, apr_pool_t *pool)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *at = ASN1_TIME_set(NULL, apr_time_sec(TEST_NOW - DAY));
    samlc_data_t data = { NULL, 0, "crls/ca.crl" };
    unsigned char *der = NULL;
    int len = 0;

    X509_CRL_set_version(crl, X509_CRL_VERSION_2);
    X509_CRL_set_issuer_name(crl, X509_get_subject_name(made.ca->x509));
    X509_CRL_set1_lastUpdate(crl, at);
    if (revoked != NULL) {
        X509_REVOKED *entry = X509_REVOKED_new();

        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(revoked->x509));
        X509_REVOKED_set_revocationDate(entry, at);
        ck_assert_int_eq(X509_CRL_add0_revoked(crl, entry), 1);
    }
    ASN1_TIME_set(at, apr_time_sec(TEST_NOW + 2 * DAY));
    X509_CRL_set1_nextUpdate(crl, at);
    ck_assert_int_gt(X509_CRL_sign(crl, made.ca->pkey, EVP_sha256()), 0);
    len = i2d_X509_CRL(crl, &der);
    ck_assert_int_gt(len, 0);
    data.data = apr_pmemdup(pool, der, (apr_size_t)len);
    data.len = (apr_size_t)len;
    OPENSSL_free(der);
    ASN1_TIME_free(at);
    X509_CRL_free(crl);
    return data;
}

static void make_once(void)
{
    apr_pool_t *pool = NULL;

    world_make_keys_once();
    if (made.root != NULL) {
        return;
    }
    ck_assert_int_eq(apr_pool_create(&pool, NULL), APR_SUCCESS);
    made.root = EC(.cn = "root", .is_ca = 1);
    made.ca = EC(.cn = "ca", .is_ca = 1, .issuer = made.root, .serial = 2);
    made.other_ca = EC(.cn = "ca", .is_ca = 1, .issuer = made.root, .serial = 3);
    made.leaf = EC(.cn = "idp", .issuer = made.ca, .serial = 10);
    made.expired = EC(.cn = "idp", .issuer = made.ca, .serial = 11, .pkey = made.leaf->pkey,
                      .not_after = TEST_NOW - DAY);
    made.early = EC(.cn = "idp", .issuer = made.ca, .serial = 12, .pkey = made.leaf->pkey,
                    .not_before = TEST_NOW + DAY);
    made.again = EC(.cn = "idp", .issuer = made.ca, .serial = 13, .pkey = made.leaf->pkey);
    made.twin = EC(.cn = "idp", .issuer = made.ca, .serial = 14);
    made.stranger = EC(.cn = "stranger");
    made.foreign = EC(.cn = "foreign");
    made.good_list = revocation_list(NULL, pool);
    made.bad_list = revocation_list(made.leaf, pool);
}

/* --- the IdP of a cell -------------------------------------------------------------------------- */

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

static samlc_cert_t *parsed(const test_cert_t *cert)
{
    samlc_cert_t *c = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&c, &cert->der, res, p), APR_SUCCESS);
    return c;
}

/* The certificate that the rule is about. */
static const test_cert_t *subject_of(situation_t situation)
{
    return situation == EXPIRED         ? made.expired
           : situation == NOT_YET_VALID ? made.early
                                        : made.leaf;
}

static const test_cert_t *signer_in(situation_t situation)
{
    switch (situation) {
    case UNLISTED:
        return made.stranger;
    case REISSUED:
        return made.again;
    case SAME_NAME:
        return made.twin;
    default:
        return subject_of(situation);
    }
}

static samlc_trust_slot_t slot_in(rule_t rule, situation_t situation)
{
    switch (situation) {
    case ALTERNATE:
        return SAMLC_SLOT_ALTERNATE;
    case STAGED:
        return SAMLC_SLOT_STAGED;
    case RETIRED:
        return SAMLC_SLOT_RETIRED;
    default:
        return rule == ON_FILE || rule == ON_FILE_CHAIN ? SAMLC_SLOT_PRIMARY : SAMLC_SLOT_NONE;
    }
}

static const char *conf_of(rule_t rule, const samlc_cert_t *cert)
{
    const char *hex = rule == PINNED_KEY
                          ? samlc_text_hex(samlc_key_spki_sha256(samlc_cert_key(cert)),
                                           SAMLC_SHA256_LEN, p)
                          : samlc_cert_sha256_hex(cert);

    return apr_pstrcat(p, "EntityID " FORGE_IDP "\nCRLCheck leaf\n", TABLE[rule].conf,
                       rule <= ANCHORED_REMEMBERED ? hex : "", "\n", NULL);
}

static const samlc_data_t *metadata_of(const test_cert_t *cert)
{
    samlc_data_t *file = apr_palloc(p, sizeof(*file));

    *file = test_data(
        apr_psprintf(
            p,
            "<md:EntityDescriptor xmlns:md=\"" SAMLC_NS_MD "\" xmlns:ds=\"" SAMLC_NS_DS
            "\" entityID=\"" FORGE_IDP "\"><md:IDPSSODescriptor protocolSupportEnumeration=\""
            SAMLC_NS_SAMLP "\"><md:KeyDescriptor><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s"
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
            "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\""
            " Location=\"https://idp.example.org/sso\"/></md:IDPSSODescriptor>"
            "</md:EntityDescriptor>",
            samlc_text_base64(cert->der.data, cert->der.len, p)),
        "metadata.xml");
    return file;
}

static void put(apr_array_header_t *certs, const test_cert_t *cert)
{
    APR_ARRAY_PUSH(certs, samlc_cert_t *) = parsed(cert);
}

static samlc_idp_t *build(rule_t rule, situation_t situation)
{
    const test_cert_t *subject = subject_of(situation);
    samlc_trust_slot_t slot = slot_in(rule, situation);
    samlc_settings_t *settings = samlc_settings_make(p);
    samlc_data_t conf = test_data(conf_of(rule, parsed(subject)), "idp.conf");
    apr_array_header_t *slots = apr_array_make(p, 1, sizeof(samlc_idp_slot_t));
    apr_array_header_t *roots = apr_array_make(p, 1, sizeof(samlc_cert_t *));
    apr_array_header_t *intermediates = apr_array_make(p, 2, sizeof(samlc_cert_t *));
    apr_array_header_t *crls = apr_array_make(p, 1, sizeof(samlc_data_t));
    samlc_idp_material_t m = { .name = "main", .settings = settings, .origin = "idp.conf",
                               .slots = slots, .roots = roots, .intermediates = intermediates,
                               .crls = crls };
    samlc_idp_t *idp = NULL;

    ck_assert_msg(samlc_settings_parse(settings, &conf, res, p) == APR_SUCCESS, "%s", res->message);
    if (slot != SAMLC_SLOT_NONE) {
        APR_ARRAY_PUSH(slots, samlc_idp_slot_t) =
            (samlc_idp_slot_t){ slot, parsed(subject), "slot.pem", NULL };
    }
    if (rule == METADATA || rule == METADATA_CHAIN) {
        m.metadata = metadata_of(subject);
    }
    put(roots, made.root);
    if (situation != NO_INTERMEDIATE) {
        put(intermediates, made.ca);
    }
    if (situation == CONFLICT) {
        put(intermediates, made.other_ca);
    }
    APR_ARRAY_PUSH(crls, samlc_data_t) = situation == REVOKED ? made.bad_list : made.good_list;
    m.watch = apr_array_make(p, 1, sizeof(samlc_seen_t));
    ck_assert_msg(samlc_idp_build(&idp, &m, TEST_NOW, apr_array_make(p, 1, sizeof(const char *)),
                                  res, p) == APR_SUCCESS, "%s", res->message);
    return idp;
}

/* An earlier login has left the certificate in `dir`; which another generation reads. */
static void remember(const char *dir, rule_t rule, situation_t situation)
{
    samlc_trust_verdict_t v;
    int is_new = 0;

    memset(&v, 0, sizeof(v));
    v.is_trusted = 1;
    v.mode = TABLE[rule].mode;
    v.cert = parsed(subject_of(situation));
    ck_assert_msg(samlc_remembered_note(&is_new, dir, build(rule, situation), &v, TEST_NOW, res, p)
                      == APR_SUCCESS, "%s", res->message);
    ck_assert_int_eq(is_new, 1);
}

/* --- the table ---------------------------------------------------------------------------------- */

static const char *key_info(hint_t hint, const test_cert_t *signer)
{
    switch (hint) {
    case CERTIFICATE:
        return forge_x509_data(signer, p);
    case CHAIN:
        return apr_pstrcat(p, forge_x509_data(made.ca, p), forge_x509_data(signer, p), NULL);
    case FOREIGN:
        return forge_x509_data(made.foreign, p);
    default:
        return "";
    }
}

static samlc_reason_t expected_of(char letter)
{
    apr_size_t i = 0;

    for (i = 0; i < sizeof(LETTERS) / sizeof(LETTERS[0]); i++) {
        if (LETTERS[i].letter == letter) {
            return LETTERS[i].reason;
        }
    }
    ck_abort_msg("no letter: %c", letter);
    return SAMLC_REASON_UNDECIDED;
}

static void check_accepted(const samlc_verdict_t *v, rule_t rule, situation_t situation)
{
    int is_on_file = situation == ALTERNATE || situation == STAGED;

    ck_assert_int_eq(v->trust.mode, is_on_file ? SAMLC_MODE_ON_FILE : TABLE[rule].mode);
    ck_assert_int_eq(v->trust.slot, slot_in(rule, situation));
    ck_assert_ptr_nonnull(v->trust.origin);
    ck_assert_int_eq(v->trust.warning != NULL,
                     situation == EXPIRED && rule != METADATA && rule != METADATA_CHAIN);
}

START_TEST(test_cell)
{
    rule_t rule = (rule_t)(_i / SITUATIONS);
    situation_t situation = (situation_t)(_i % SITUATIONS);
    const test_cert_t *signer = signer_in(situation);
    int hint = 0;

    for (hint = 0; hint < HINTS; hint++) {
        world_t *w = world_make(NULL, NULL, p);
        samlc_reason_t expected = expected_of(TABLE[rule].codes[situation][hint]);
        samlc_reason_t found = SAMLC_REASON_UNDECIDED;
        const samlc_verdict_t *v = NULL;
        const char *message = forge_sign(
            forge_write(&(forge_t){ 0 }, p), FORGE_ASSERTION_ID,
            &(forge_signature_t){ .by = signer, .key_info = key_info((hint_t)hint, signer) }, p);

        if (rule == PINNED_REMEMBERED || rule == ANCHORED_REMEMBERED) {
            w->expected.state_dir = test_dir(p);
            remember(w->expected.state_dir, rule, situation);
        }
        apr_hash_set(w->snapshot->by_entity, FORGE_IDP, APR_HASH_KEY_STRING,
                     build(rule, situation));
        v = world_judges(w, message, &found);
        ck_assert_msg(found == expected, "rule %d, situation %d, hint %d: %s instead of %s", rule,
                      situation, hint, samlc_reason_word(found), samlc_reason_word(expected));
        if (v != NULL) {
            check_accepted(v, rule, situation);
        }
    }
}
END_TEST

/* A retired certificate takes its key along where only the key is listed. */
START_TEST(test_retired_key)
{
    samlc_idp_t *idp = build(PINNED_KEY, RETIRED);
    world_t *w = world_make(NULL, NULL, p);
    samlc_reason_t found = SAMLC_REASON_UNDECIDED;

    apr_hash_set(w->snapshot->by_entity, FORGE_IDP, APR_HASH_KEY_STRING, idp);
    world_judges(w, forge_sign(forge_write(&(forge_t){ 0 }, p), FORGE_ASSERTION_ID,
                               &(forge_signature_t){ .by = made.again }, p), &found);
    ck_assert_int_eq(found, SAMLC_REASON_CERT_RETIRED);
}
END_TEST

/* Whoever signs without being configured is reported, wherever its certificate stands. */
START_TEST(test_unlisted_in_a_chain)
{
    world_t *w = world_make(NULL, NULL, p);
    samlc_data_t data;
    samlc_response_t *response = NULL;
    samlc_verdict_t *v = NULL;

    apr_hash_set(w->snapshot->by_entity, FORGE_IDP, APR_HASH_KEY_STRING, build(ON_FILE, LISTED));
    data = test_data(
        forge_sign(forge_write(&(forge_t){ 0 }, p), FORGE_ASSERTION_ID,
                   &(forge_signature_t){ .by = made.twin, .key_info = key_info(CHAIN, made.twin) },
                   p),
        "SAMLResponse");
    ck_assert_int_eq(samlc_response_read(&response, &data, res, p), APR_SUCCESS);
    v = samlc_response_judge(response, &w->expected, p);
    ck_assert_int_eq(v->reason, SAMLC_REASON_CERT_NOT_LISTED);
    ck_assert_int_eq(v->is_unlisted_signer, 1);
    ck_assert(samlc_cert_equal(v->trust.cert, parsed(made.twin)));
}
END_TEST

Suite *suite_trust_matrix(void)
{
    Suite *suite = suite_create("trust_matrix");
    TCase *tc = tcase_create("trust_matrix");

    tcase_add_unchecked_fixture(tc, make_once, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_cell, 0, RULES * SITUATIONS);
    tcase_add_test(tc, test_retired_key);
    tcase_add_test(tc, test_unlisted_in_a_chain);
    suite_add_tcase(suite, tc);
    return suite;
}
