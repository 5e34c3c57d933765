/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/chain.h"
#include "core/trust/constraint.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <pthread.h>

#include "make_cert.h"
#include "test.h"

#define DAY (apr_time_from_sec(86400))
#define SPEC(...) (&(test_cert_spec_t){.key_type = "EC", __VA_ARGS__})

static apr_pool_t *p;
static samlc_result_t *res;

/* root -> intermediate -> leaf; and another root */
static test_cert_t *root;
static test_cert_t *intermediate;
static test_cert_t *leaf;
static test_cert_t *stranger;

/* What the next chain is made of. */
static samlc_chain_source_t source;
static apr_array_header_t *roots;
static apr_array_header_t *intermediates;
static apr_array_header_t *crls;

static test_cert_t *make(const test_cert_spec_t *spec)
{
    return test_cert_make(spec, p);
}

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    root = make(SPEC(.cn = "root", .is_ca = 1));
    intermediate = make(SPEC(.cn = "intermediate", .issuer = root, .is_ca = 1));
    leaf = make(SPEC(.cn = "leaf", .issuer = intermediate, .serial = 7));
    stranger = make(SPEC(.cn = "stranger", .is_ca = 1));
    roots = apr_array_make(p, 4, sizeof(samlc_cert_t *));
    intermediates = apr_array_make(p, 4, sizeof(samlc_cert_t *));
    crls = apr_array_make(p, 4, sizeof(samlc_data_t));
    memset(&source, 0, sizeof(source));
    source.roots = roots;
    source.intermediates = intermediates;
    source.crls = crls;
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

/* Takes up what was changed in made->x509, signed by `issuer`. */
static void sign_again(test_cert_t *made, const test_cert_t *issuer)
{
    unsigned char *bytes = NULL;
    int len = 0;

    ck_assert_int_gt(X509_sign(made->x509, issuer->pkey, EVP_sha256()), 0);
    len = i2d_X509(made->x509, &bytes);
    ck_assert_int_gt(len, 0);
    made->der.data = apr_pmemdup(p, bytes, (apr_size_t)len);
    made->der.len = (apr_size_t)len;
    OPENSSL_free(bytes);
}

/* Adds an extension as openssl.cnf writes it. */
static void extend(test_cert_t *made, const test_cert_t *issuer, int nid, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

    ck_assert_ptr_nonnull(extension);
    ck_assert_int_eq(X509_add_ext(made->x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
    sign_again(made, issuer);
}

/* Adds an extension of any content. */
static void extend_raw(test_cert_t *made, const test_cert_t *issuer, const char *oid,
                       const char *content)
{
    ASN1_OBJECT *object = OBJ_txt2obj(oid, 0);
    ASN1_OCTET_STRING *octets = ASN1_OCTET_STRING_new();
    X509_EXTENSION *extension = NULL;

    ck_assert_int_eq(ASN1_OCTET_STRING_set(octets, (const unsigned char *)content,
                                           (int)strlen(content)), 1);
    extension = X509_EXTENSION_create_by_OBJ(NULL, object, 1, octets);
    ck_assert_int_eq(X509_add_ext(made->x509, extension, -1), 1);
    X509_EXTENSION_free(extension);
    ASN1_OCTET_STRING_free(octets);
    ASN1_OBJECT_free(object);
    sign_again(made, issuer);
}

static samlc_cert_t *parse(const test_cert_t *made, const char *origin)
{
    samlc_data_t der = made->der;
    samlc_cert_t *cert = NULL;

    der.origin = origin;
    ck_assert_msg(samlc_cert_parse_der(&cert, &der, res, p) == APR_SUCCESS, "%s", res->message);
    return cert;
}

static void add_root(const test_cert_t *made)
{
    const char *origin = apr_psprintf(p, "roots/%d.pem", roots->nelts);

    APR_ARRAY_PUSH(roots, samlc_cert_t *) = parse(made, origin);
}

static void add_intermediate(const test_cert_t *made)
{
    const char *origin = apr_psprintf(p, "intermediates/%d.pem", intermediates->nelts);

    APR_ARRAY_PUSH(intermediates, samlc_cert_t *) = parse(made, origin);
}

static samlc_chain_t *build(void)
{
    samlc_chain_t *chain = NULL;

    ck_assert_msg(samlc_chain_make(&chain, &source, res, p) == APR_SUCCESS, "%s", res->message);
    return chain;
}

/* Judges at TEST_NOW and compares the reason; the message has to contain `part`. */
static void expect_with(const test_cert_t *made, int ignore_leaf_dates, samlc_reason_t reason,
                        const char *part)
{
    const char *message = NULL;
    samlc_reason_t got = samlc_chain_judge(&message, build(), parse(made, "primary.pem"),
                                           ignore_leaf_dates, TEST_NOW, p);

    ck_assert_msg(got == reason, "%s instead of %s: %s", samlc_reason_word(got),
                  samlc_reason_word(reason), message);
    ck_assert_ptr_nonnull(message);
    ck_assert_msg(strstr(message, part) != NULL, "%s", message);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

static void expect(const test_cert_t *made, samlc_reason_t reason, const char *part)
{
    expect_with(made, 0, reason, part);
}

static void expect_ok(const test_cert_t *made)
{
    expect(made, SAMLC_REASON_OK, "chains to CN=");
}

START_TEST(test_complete)
{
    add_root(root);
    add_intermediate(intermediate);
    expect(leaf, SAMLC_REASON_OK, "chains to CN=root (roots/0.pem)");
    expect_ok(intermediate = make(SPEC(.cn = "direct", .issuer = root)));
}
END_TEST

START_TEST(test_intermediate_among_roots)
{
    add_root(stranger);
    add_root(intermediate);
    expect(leaf, SAMLC_REASON_CHAIN_INCOMPLETE, "CN=intermediate (roots/1.pem) is missing");
    add_root(root);
    expect_ok(leaf);
}
END_TEST

START_TEST(test_missing_intermediate)
{
    AUTHORITY_KEYID *id = AUTHORITY_KEYID_new();

    id->keyid = ASN1_OCTET_STRING_new();
    ck_assert_int_eq(ASN1_OCTET_STRING_set(id->keyid, (const unsigned char *)"\xab\x12", 2), 1);
    ck_assert_int_eq(X509_add1_ext_i2d(leaf->x509, NID_authority_key_identifier, id, 0, 0), 1);
    AUTHORITY_KEYID_free(id);
    sign_again(leaf, intermediate);

    add_root(root);
    expect(leaf, SAMLC_REASON_CHAIN_INCOMPLETE,
           "the issuer of CN=leaf (primary.pem) is missing among roots and intermediates:"
           " CN=intermediate, key identifier ab12");
    add_intermediate(intermediate);
    expect_ok(leaf);
}
END_TEST

START_TEST(test_missing_root)
{
    add_root(stranger);
    add_intermediate(intermediate);
    expect(leaf, SAMLC_REASON_CHAIN_INCOMPLETE,
           "the issuer of CN=intermediate (intermediates/0.pem) is missing among roots and"
           " intermediates: CN=root");
    add_intermediate(root);   /* there it is no anchor */
    expect(leaf, SAMLC_REASON_CHAIN_INCOMPLETE, "CN=root (intermediates/1.pem) is self-signed");
    add_root(root);
    expect_ok(leaf);
}
END_TEST

START_TEST(test_no_anchor)
{
    expect(leaf, SAMLC_REASON_NO_TRUST_CONFIGURED, "no self-signed certificate");
    add_root(intermediate);
    expect(leaf, SAMLC_REASON_NO_TRUST_CONFIGURED, "no self-signed certificate");
    source.use_system_roots = 1;
    expect(leaf, SAMLC_REASON_CHAIN_INCOMPLETE, "CN=root");
    source.roots = NULL;
    source.intermediates = NULL;
    source.crls = NULL;
    source.use_system_roots = 0;
    expect(leaf, SAMLC_REASON_NO_TRUST_CONFIGURED, "no self-signed certificate");
}
END_TEST

START_TEST(test_self_signed_leaf)
{
    test_cert_t *own = make(SPEC(.cn = "idp"));
    test_cert_t *other = make(SPEC(.cn = "other"));

    add_root(own);
    expect(own, SAMLC_REASON_OK, "chains to CN=idp");
    expect(other, SAMLC_REASON_CHAIN_INCOMPLETE,
           "CN=other (primary.pem) is self-signed and not among the roots");
}
END_TEST

/* A self-signed certificate that does not say CA:TRUE vouches for itself alone. */
START_TEST(test_anchor_that_is_no_ca)
{
    test_cert_t *anchor = make(SPEC(.cn = "anchor"));

    if (_i == 1) {
        extend(anchor, anchor, NID_basic_constraints, "CA:FALSE");
    }
    else if (_i == 2) {   /* version 1: OpenSSL calls it a CA */
        ck_assert_int_eq(X509_set_version(anchor->x509, X509_VERSION_1), 1);
        sign_again(anchor, anchor);
    }
    else if (_i == 3) {   /* keyCertSign alone does not make a CA */
        extend(anchor, anchor, NID_key_usage, "keyCertSign,digitalSignature");
    }
    add_root(anchor);
    expect_ok(anchor);
    expect(make(SPEC(.cn = "child", .issuer = anchor)), SAMLC_REASON_CHAIN_INVALID,
           _i < 2 ? "CN=anchor (roots/0.pem): invalid CA certificate"
                  : "CN=anchor (roots/0.pem) is no CA certificate, but signed another one");
}
END_TEST

START_TEST(test_intermediate_that_is_no_ca)
{
    add_root(root);
    intermediate = make(SPEC(.cn = "intermediate", .issuer = root));
    leaf = make(SPEC(.cn = "leaf", .issuer = intermediate));
    add_intermediate(intermediate);
    expect(leaf, SAMLC_REASON_CHAIN_INVALID, "CN=intermediate (intermediates/0.pem)");
    expect_ok(intermediate);
}
END_TEST

START_TEST(test_path_length)
{
    test_cert_t *sub = NULL;

    root = make(SPEC(.cn = "short"));
    extend(root, root, NID_basic_constraints, "critical,CA:TRUE,pathlen:0");
    sub = make(SPEC(.cn = "sub", .issuer = root, .is_ca = 1));
    add_root(root);
    add_intermediate(sub);
    expect(make(SPEC(.cn = "a", .issuer = sub)), SAMLC_REASON_CHAIN_INVALID, "path length");
    expect_ok(make(SPEC(.cn = "b", .issuer = root)));
}
END_TEST

/* The dates of the chain are always checked; those of the leaf are, unless told otherwise. */
START_TEST(test_chain_dates)
{
    add_root(root);
    intermediate = make(SPEC(.cn = "sub", .issuer = root, .is_ca = 1,
                             .not_after = _i == 0 ? TEST_NOW - DAY : 0,
                             .not_before = _i == 1 ? TEST_NOW + DAY : 0));
    leaf = make(SPEC(.cn = "leaf", .issuer = intermediate));
    add_intermediate(intermediate);
    expect(leaf, SAMLC_REASON_CHAIN_EXPIRED,
           _i == 0 ? "CN=sub (intermediates/0.pem) in the chain expired on 2026-06-30"
                   : "CN=sub (intermediates/0.pem) in the chain is not valid before 2026-07-02");
    expect_with(leaf, 1, SAMLC_REASON_CHAIN_EXPIRED, "CN=sub");
}
END_TEST

START_TEST(test_root_dates)
{
    root = make(SPEC(.cn = "old", .is_ca = 1, .not_after = TEST_NOW - DAY));
    leaf = make(SPEC(.cn = "leaf", .issuer = root));
    add_root(root);
    expect_with(leaf, 1, SAMLC_REASON_CHAIN_EXPIRED, "CN=old");
}
END_TEST

START_TEST(test_leaf_dates)
{
    test_cert_t *late = make(SPEC(.cn = "late", .issuer = root, .not_after = TEST_NOW - DAY));
    test_cert_t *early = make(SPEC(.cn = "early", .issuer = root, .not_before = TEST_NOW + DAY));
    test_cert_t *own = make(SPEC(.cn = "own", .not_after = TEST_NOW - DAY));

    add_root(root);
    add_root(own);
    expect(late, SAMLC_REASON_CERT_EXPIRED, "CN=late (primary.pem) expired on 2026-06-30");
    expect_with(late, 1, SAMLC_REASON_OK, "chains to CN=root");
    expect(early, SAMLC_REASON_CERT_NOT_YET_VALID, "is not valid before 2026-07-02");
    expect_with(early, 1, SAMLC_REASON_OK, "chains to CN=root");
    expect(own, SAMLC_REASON_CERT_EXPIRED, "CN=own");
    expect_with(own, 1, SAMLC_REASON_OK, "chains to CN=own");
}
END_TEST

/* An expired leaf is not excused from anything else. */
START_TEST(test_expired_leaf_without_chain)
{
    add_root(stranger);
    leaf = make(SPEC(.cn = "late", .issuer = root, .not_after = TEST_NOW - DAY));
    expect_with(leaf, 1, SAMLC_REASON_CHAIN_INCOMPLETE, "CN=root");
}
END_TEST

static const struct {
    const char *key_usage;
    const char *ext_key_usage;
    int accepted;
} usages[] = {
    {NULL, NULL, 1},
    {"digitalSignature", NULL, 1},
    {"nonRepudiation,keyEncipherment", NULL, 1},
    {NULL, "serverAuth", 1},
    {"digitalSignature", "codeSigning", 1},
    {"keyEncipherment", NULL, 0},
    {"critical,keyCertSign,cRLSign", NULL, 0},
    {"keyAgreement", "serverAuth", 0},
};

START_TEST(test_leaf_usage)
{
    add_root(root);
    leaf = make(SPEC(.cn = "leaf", .issuer = root, .key_usage = usages[_i].key_usage,
                     .ext_key_usage = usages[_i].ext_key_usage));
    if (usages[_i].accepted) {
        expect_ok(leaf);
    }
    else {
        expect(leaf, SAMLC_REASON_CHAIN_INVALID, "CN=leaf (primary.pem) may not sign messages");
    }
}
END_TEST

START_TEST(test_extensions)
{
    add_root(root);
    leaf = make(SPEC(.cn = "unknown", .issuer = root));
    extend_raw(leaf, root, "1.2.3.4.5", "x");
    expect(leaf, SAMLC_REASON_CHAIN_INVALID, "CN=unknown (primary.pem): unhandled critical");
    leaf = make(SPEC(.cn = "broken", .issuer = root));
    extend_raw(leaf, root, "keyUsage", "x");
    expect(leaf, SAMLC_REASON_CHAIN_INVALID, "has extensions that cannot be read");
    leaf = make(SPEC(.cn = "known", .issuer = root));
    extend(leaf, root, NID_subject_alt_name, "critical,DNS:idp.example.org");
    expect_ok(leaf);
}
END_TEST

START_TEST(test_strength)
{
    test_cert_t *weak = NULL;

    add_root(root);
    expect(make(&(test_cert_spec_t){.cn = "a", .issuer = root, .key_bits = 1024}),
           SAMLC_REASON_KEY_TOO_SMALL, "CN=a (primary.pem)");
    expect_ok(make(&(test_cert_spec_t){.cn = "b", .issuer = root, .key_bits = 2048}));
    weak = make(&(test_cert_spec_t){.cn = "weak", .is_ca = 1, .key_bits = 1024});
    add_root(weak);
    expect(make(SPEC(.cn = "c", .issuer = weak)), SAMLC_REASON_KEY_TOO_SMALL, "CN=weak");
    expect(make(SPEC(.cn = "d", .issuer = root, .digest = EVP_sha1())), SAMLC_REASON_CHAIN_INVALID,
           "CN=d (primary.pem)");
}
END_TEST

/* The name of a CA is not its signature. */
START_TEST(test_false_issuer)
{
    test_cert_t *impostor = make(SPEC(.cn = "root", .is_ca = 1));

    add_root(root);
    expect(make(SPEC(.cn = "leaf", .issuer = impostor)), SAMLC_REASON_CHAIN_INVALID, "signature");
    expect_ok(make(SPEC(.cn = "leaf", .issuer = root)));
}
END_TEST

/* Two certificates, and which forms of the rule call them a conflict. */
static const struct {
    const char *subject;
    const char *issuer;   /* NULL: self-signed */
    int same_key;
    int conflicts[4];     /* by samlc_conflict_t */
} conflicts[] = {
    /* the one that is always there: subject "a", issuer "root" */
    {"a", "root", 0, {1, 1, 1, 0}},
    {"a", "root", 1, {0, 0, 0, 0}},   /* renewed with its key */
    {"a", "stranger", 0, {0, 0, 1, 0}},
    {"a", NULL, 0, {0, 0, 1, 0}},
    {"b", "stranger", 0, {0, 0, 0, 0}},
    {"b", "root", 1, {0, 0, 0, 0}},
    {"b", "root", 0, {0, 1, 0, 0}},
};

START_TEST(test_conflict_forms)
{
    int row = _i / 4;
    int form = _i % 4;
    const char *issuer = conflicts[row].issuer;
    test_cert_t *a = make(SPEC(.cn = "a", .issuer = root));
    test_cert_t *b = make(SPEC(.cn = conflicts[row].subject, .serial = 2,
                               .pkey = conflicts[row].same_key ? a->pkey : NULL,
                               .issuer = !issuer ? NULL : strcmp(issuer, "root") == 0 ? root
                                                                                      : stranger));
    const apr_array_header_t *sentences = NULL;

    /* in both places, and neither of the issuers is there to be in conflict itself */
    add_intermediate(a);
    add_root(b);
    source.conflict = (samlc_conflict_t)form;
    sentences = samlc_chain_conflicts(build());
    ck_assert_int_eq(sentences->nelts, conflicts[row].conflicts[form]);
    if (sentences->nelts > 0) {
        const char *sentence = APR_ARRAY_IDX(sentences, 0, const char *);

        ck_assert_msg(strstr(sentence, "(intermediates/0.pem)") != NULL
                      && strstr(sentence, "(roots/0.pem)") != NULL, "%s", sentence);
    }
}
END_TEST

START_TEST(test_conflict_distrusts_both)
{
    test_cert_t *twin = make(SPEC(.cn = "root", .is_ca = 1, .not_after = TEST_NOW - DAY));
    test_cert_t *by_root = make(SPEC(.cn = "a", .issuer = root));
    test_cert_t *by_twin = make(SPEC(.cn = "b", .issuer = twin));

    add_root(root);
    add_root(stranger);
    expect_ok(by_root);
    add_root(twin);   /* expired, but that does not help */
    expect(by_root, SAMLC_REASON_CERT_CONFLICT, "CN=root");
    expect_with(by_root, 1, SAMLC_REASON_CERT_CONFLICT, "CN=root");
    expect(by_twin, SAMLC_REASON_CERT_CONFLICT, "CN=root");
    expect_ok(make(SPEC(.cn = "c", .issuer = stranger)));   /* not touched by it */
    source.conflict = SAMLC_CONFLICT_OFF;
    expect_ok(by_root);
}
END_TEST

/* The cutover that takes a login down: the new self-signed certificate beside the old one. */
START_TEST(test_conflict_of_self_signed)
{
    test_cert_t *old = make(SPEC(.cn = "idp"));
    test_cert_t *new = make(SPEC(.cn = "idp"));

    add_root(old);
    expect_ok(old);
    add_root(new);
    expect(old, SAMLC_REASON_CERT_CONFLICT, "CN=idp (primary.pem) is distrusted");
    expect(new, SAMLC_REASON_CERT_CONFLICT, "CN=idp (primary.pem) is distrusted");
}
END_TEST

START_TEST(test_same_certificate_twice)
{
    add_root(root);
    add_root(root);
    add_intermediate(root);
    ck_assert_int_eq(samlc_chain_conflicts(build())->nelts, 0);
    add_intermediate(intermediate);
    expect_ok(leaf);
}
END_TEST

/* --- revocation --- */

/* A list of `issuer`, signed with the key of `signer`, that revokes `revoked` (NULL: nothing). */
static X509_CRL *make_crl(const test_cert_t *issuer, const test_cert_t *signer,
                          const test_cert_t *revoked, apr_time_t next_update)
{
    X509_CRL *crl = X509_CRL_new();
    ASN1_TIME *t = ASN1_TIME_set(NULL, apr_time_sec(TEST_NOW - 2 * DAY));
    X509_REVOKED *entry = NULL;

    ck_assert_int_eq(X509_CRL_set_version(crl, X509_CRL_VERSION_2), 1);
    ck_assert_int_eq(X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509)), 1);
    ck_assert_int_eq(X509_CRL_set1_lastUpdate(crl, t), 1);
    if (revoked) {
        entry = X509_REVOKED_new();
        ck_assert_int_eq(X509_REVOKED_set_serialNumber(entry,
                                                       X509_get_serialNumber(revoked->x509)), 1);
        ck_assert_int_eq(X509_REVOKED_set_revocationDate(entry, t), 1);
        ck_assert_int_eq(X509_CRL_add0_revoked(crl, entry), 1);
    }
    ck_assert_ptr_nonnull(ASN1_TIME_set(t, apr_time_sec(next_update)));
    ck_assert_int_eq(X509_CRL_set1_nextUpdate(crl, t), 1);
    ASN1_TIME_free(t);
    ck_assert_int_gt(X509_CRL_sign(crl, signer->pkey, EVP_sha256()), 0);
    return crl;
}

static const char *crl_pem(X509_CRL *crl)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    const char *pem = NULL;
    long len = 0;

    ck_assert_int_eq(PEM_write_bio_X509_CRL(bio, crl), 1);
    len = BIO_get_mem_data(bio, &data);
    pem = apr_pstrmemdup(p, data, (apr_size_t)len);
    BIO_free(bio);
    X509_CRL_free(crl);
    return pem;
}

static void add_crl(X509_CRL *crl)
{
    APR_ARRAY_PUSH(crls, samlc_data_t) = test_data(crl_pem(crl), "crls/0.pem");
}

static const struct {
    samlc_crl_check_t check;
    const char *of_intermediate;   /* the list of the leaf's issuer: good, stale, forged, revokes */
    const char *of_root;
    samlc_reason_t reason;
    const char *part;
} revocations[] = {
    {SAMLC_CRL_OFF, NULL, NULL, SAMLC_REASON_OK, ""},
    {SAMLC_CRL_OFF, "revokes", "revokes", SAMLC_REASON_OK, ""},
    {SAMLC_CRL_LEAF, "good", NULL, SAMLC_REASON_OK, ""},
    {SAMLC_CRL_LEAF, "good", "revokes", SAMLC_REASON_OK, ""},
    {SAMLC_CRL_LEAF, NULL, NULL, SAMLC_REASON_CRL_STALE, "there is no revocation list of CN=intermediate"},
    {SAMLC_CRL_LEAF, NULL, "good", SAMLC_REASON_CRL_STALE, "there is no revocation list of CN=intermediate"},
    {SAMLC_CRL_LEAF, "stale", NULL, SAMLC_REASON_CRL_STALE, "CRL has expired"},
    {SAMLC_CRL_LEAF, "forged", NULL, SAMLC_REASON_CRL_STALE, "CRL signature failure"},
    {SAMLC_CRL_LEAF, "revokes", NULL, SAMLC_REASON_CERT_REVOKED, "CN=leaf (primary.pem)"},
    {SAMLC_CRL_CHAIN, "good", "good", SAMLC_REASON_OK, ""},
    {SAMLC_CRL_CHAIN, "good", NULL, SAMLC_REASON_CRL_STALE, "CN=intermediate"},
    {SAMLC_CRL_CHAIN, "good", "stale", SAMLC_REASON_CRL_STALE, "CRL has expired"},
    {SAMLC_CRL_CHAIN, "good", "forged", SAMLC_REASON_CRL_STALE, "CRL signature failure"},
    {SAMLC_CRL_CHAIN, "good", "revokes", SAMLC_REASON_CERT_REVOKED, "CN=intermediate"},
    {SAMLC_CRL_CHAIN, "revokes", "good", SAMLC_REASON_CERT_REVOKED, "CN=leaf"},
};

static void add_crl_of(const char *kind, const test_cert_t *issuer, const test_cert_t *subject)
{
    if (kind) {
        add_crl(make_crl(issuer, strcmp(kind, "forged") == 0 ? stranger : issuer,
                         strcmp(kind, "revokes") == 0 ? subject : NULL,
                         strcmp(kind, "stale") == 0 ? TEST_NOW - DAY : TEST_NOW + DAY));
    }
}

START_TEST(test_revocation)
{
    intermediate = make(SPEC(.cn = "intermediate", .issuer = root, .is_ca = 1, .serial = 5));
    leaf = make(SPEC(.cn = "leaf", .issuer = intermediate, .serial = 7));
    add_root(root);
    add_intermediate(intermediate);
    source.crl_check = revocations[_i].check;
    add_crl_of(revocations[_i].of_intermediate, intermediate, leaf);
    add_crl_of(revocations[_i].of_root, root, intermediate);
    expect_with(leaf, 0, revocations[_i].reason, revocations[_i].part);
    expect_with(leaf, 1, revocations[_i].reason, revocations[_i].part);
}
END_TEST

START_TEST(test_crl_files)
{
    const char *pem = crl_pem(make_crl(root, root, NULL, TEST_NOW + DAY));
    X509_CRL *crl = make_crl(root, root, NULL, TEST_NOW + DAY);
    unsigned char *der = NULL;
    int len = i2d_X509_CRL(crl, &der);
    const struct {
        const char *data;
        apr_size_t len;
        int accepted;
    } files[] = {
        {pem, strlen(pem), 1},
        {apr_pstrcat(p, "valid until July\n", pem, "\n", pem, NULL), 18 + 2 * strlen(pem), 1},
        {(const char *)der, (apr_size_t)len, 1},
        {pem, strlen(pem) / 2, 0},
        {apr_pstrcat(p, pem, apr_pstrndup(p, pem, 200), NULL), strlen(pem) + 200, 0},
        {apr_pstrcat(p, pem, root->pem, NULL), strlen(pem) + strlen(root->pem), 0},
        {apr_pstrcat(p, root->pem, pem, NULL), strlen(pem) + strlen(root->pem), 0},
        {apr_pstrcat(p, pem, root->key_pem, NULL), strlen(pem) + strlen(root->key_pem), 0},
        {(const char *)der, (apr_size_t)len - 1, 0},
        {apr_pstrmemdup(p, (const char *)der, (apr_size_t)len), (apr_size_t)len + 1, 0},
        {"", 0, 0},
        {"no list\n", 8, 0},
    };
    samlc_chain_t *chain = NULL;
    apr_size_t i;

    for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        samlc_data_t file = {(const unsigned char *)files[i].data, files[i].len, "crls/x.pem"};
        apr_status_t rv = APR_EGENERAL;

        apr_array_clear(crls);
        APR_ARRAY_PUSH(crls, samlc_data_t) = file;
        rv = samlc_chain_make(&chain, &source, res, p);
        ck_assert_msg((rv == APR_SUCCESS) == files[i].accepted, "file %d: %s", (int)i,
                      res->message);
        ck_assert_int_eq(chain != NULL, files[i].accepted);
        if (!files[i].accepted) {
            ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
            ck_assert_ptr_eq(strstr(res->message, "crls/x.pem: "), res->message);
        }
        ck_assert_uint_eq(ERR_peek_error(), 0);
    }
    OPENSSL_free(der);
    X509_CRL_free(crl);
}
END_TEST

/* --- constraints --- */

static const struct {
    const char *constraint;
    int met;
} constraints[] = {
    {"subject:CN=idp.example.org", 1},
    {"subject:CN=idp.example.or", 0},
    {"subject:CN=idp.example.org2", 0},
    {"subject:cn=idp.example.org", 0},
    {"subject:", 0},
    {"san-dns:one.example.org", 1},
    {"san-dns:TWO.Example.org", 1},
    {"san-dns:three.example.org", 0},
    {"san-dns:example.org", 0},
    {"san-dns:x.wild.example.org", 0},
    {"san-dns:*.wild.example.org", 1},
    {"san-dns:idp.example.org", 0},         /* that is its CN */
    {"san-dns:https://idp.example.org/", 0},
    {"san-uri:https://idp.example.org/", 1},
    {"san-uri:https://IDP.example.org/", 0},
    {"san-uri:https://idp.example.org", 0},
    {"san-uri:one.example.org", 0},
    {"issuer:CN=root", 0},
    {"", 0},
};

static samlc_cert_t *constrained(void)
{
    test_cert_t *made = make(SPEC(.cn = "idp.example.org", .issuer = root));

    extend(made, root, NID_subject_alt_name, "DNS:one.example.org,DNS:two.example.org,"
           "DNS:*.wild.example.org,URI:https://idp.example.org/");
    return parse(made, "idp.pem");
}

START_TEST(test_constraints)
{
    add_root(root);
    ck_assert_int_eq(samlc_constraint_is_met(constraints[_i].constraint, constrained(), roots, p),
                     constraints[_i].met);
    ck_assert_int_eq(samlc_constraint_is_met(constraints[_i].constraint,
                                             parse(root, "root.pem"), roots, p), 0);
}
END_TEST

static const char *issuer_constraint(const test_cert_t *issuer)
{
    const samlc_key_t *key = samlc_cert_key(parse(issuer, "issuer.pem"));

    return apr_pstrcat(p, "issuer-spki-sha256:",
                       samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p), NULL);
}

START_TEST(test_issuer_constraint)
{
    test_cert_t *renewed = make(SPEC(.cn = "root", .is_ca = 1, .pkey = root->pkey, .serial = 9));
    samlc_cert_t *cert = constrained();

    add_root(renewed);
    add_root(stranger);
    ck_assert_int_eq(samlc_constraint_is_met(issuer_constraint(root), cert, roots, p), 1);
    ck_assert_int_eq(samlc_constraint_is_met(issuer_constraint(stranger), cert, roots, p), 0);
    ck_assert_int_eq(samlc_constraint_is_met(issuer_constraint(intermediate), cert, roots, p), 0);
    ck_assert_ptr_null(samlc_constraint_error(issuer_constraint(root), p));
}
END_TEST

/* --- threads --- */

typedef struct job_t {
    const samlc_chain_t *chain;
    const samlc_cert_t *good;
    const samlc_cert_t *bad;
    int wrong;
} job_t;

static void *judge_many(void *data)
{
    job_t *job = data;
    apr_pool_t *pool = NULL;
    const char *message = NULL;
    int i;

    apr_pool_create(&pool, NULL);
    for (i = 0; i < 50; i++) {
        apr_pool_clear(pool);
        job->wrong += samlc_chain_judge(&message, job->chain, job->good, 0, TEST_NOW, pool)
            != SAMLC_REASON_OK;
        job->wrong += samlc_chain_judge(&message, job->chain, job->bad, 0, TEST_NOW, pool)
            != SAMLC_REASON_CHAIN_INCOMPLETE;
    }
    apr_pool_destroy(pool);
    return NULL;
}

START_TEST(test_threads)
{
    pthread_t threads[4];
    job_t jobs[4];
    job_t job = {NULL, NULL, NULL, 0};
    int i;

    add_root(root);
    add_intermediate(intermediate);
    job.chain = build();
    job.good = parse(leaf, "good.pem");
    job.bad = parse(make(SPEC(.cn = "bad", .issuer = stranger)), "bad.pem");
    for (i = 0; i < 4; i++) {
        jobs[i] = job;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, judge_many, &jobs[i]), 0);
    }
    for (i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(jobs[i].wrong, 0);
    }
}
END_TEST

#define LOOP(tc, test, table) tcase_add_loop_test(tc, test, 0, sizeof(table) / sizeof(table[0]))

Suite *suite_chain(void);

Suite *suite_chain(void)
{
    Suite *suite = suite_create("chain");
    TCase *tc = tcase_create("chain");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_complete);
    tcase_add_test(tc, test_intermediate_among_roots);
    tcase_add_test(tc, test_missing_intermediate);
    tcase_add_test(tc, test_missing_root);
    tcase_add_test(tc, test_no_anchor);
    tcase_add_test(tc, test_self_signed_leaf);
    tcase_add_loop_test(tc, test_anchor_that_is_no_ca, 0, 4);
    tcase_add_test(tc, test_intermediate_that_is_no_ca);
    tcase_add_test(tc, test_path_length);
    tcase_add_loop_test(tc, test_chain_dates, 0, 2);
    tcase_add_test(tc, test_root_dates);
    tcase_add_test(tc, test_leaf_dates);
    tcase_add_test(tc, test_expired_leaf_without_chain);
    LOOP(tc, test_leaf_usage, usages);
    tcase_add_test(tc, test_extensions);
    tcase_add_test(tc, test_strength);
    tcase_add_test(tc, test_false_issuer);
    tcase_add_loop_test(tc, test_conflict_forms, 0, 4 * sizeof(conflicts) / sizeof(conflicts[0]));
    tcase_add_test(tc, test_conflict_distrusts_both);
    tcase_add_test(tc, test_conflict_of_self_signed);
    tcase_add_test(tc, test_same_certificate_twice);
    LOOP(tc, test_revocation, revocations);
    tcase_add_test(tc, test_crl_files);
    LOOP(tc, test_constraints, constraints);
    tcase_add_test(tc, test_issuer_constraint);
    suite_add_tcase(suite, tc);
    tc = tcase_create("threads");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_threads);
    suite_add_tcase(suite, tc);
    return suite;
}
