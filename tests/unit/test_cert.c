/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/cert.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include "make_cert.h"
#include "test.h"

#define DAY (apr_time_from_sec(86400))

static apr_pool_t *p;
static samlc_result_t *res;
static EVP_PKEY *pkey;      /* of every certificate that does not ask for another one */

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    pkey = test_key_make("EC", 256, p);
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);   /* whatever was done: the queue is left empty */
    apr_pool_destroy(p);
}

static test_cert_t *make(const char *cn)
{
    return test_cert_make(&(test_cert_spec_t){.cn = cn, .pkey = pkey}, p);
}

static samlc_cert_t *parse(const test_cert_t *made)
{
    samlc_cert_t *cert = NULL;

    ck_assert_msg(samlc_cert_parse_der(&cert, &made->der, res, p) == APR_SUCCESS, "%s",
                  res->message);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return cert;
}

static const char *digest_hex(const samlc_data_t *data, const EVP_MD *md)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    ck_assert_int_eq(EVP_Digest(data->data, data->len, bytes, &len, md, NULL), 1);
    return samlc_text_hex(bytes, len, p);
}

START_TEST(test_getters)
{
    test_cert_t *made = test_cert_make(&(test_cert_spec_t){.cn = "idp.example", .serial = 0x1a2b,
                                                           .pkey = pkey}, p);
    samlc_cert_t *cert = parse(made);
    samlc_data_t der = samlc_cert_der(cert, p);

    ck_assert_str_eq(samlc_cert_origin(cert), "test certificate");
    ck_assert_str_eq(samlc_cert_subject(cert), "CN=idp.example");
    ck_assert_str_eq(samlc_cert_issuer(cert), "CN=idp.example");
    ck_assert_str_eq(samlc_cert_serial(cert, p), "1a2b");
    ck_assert_int_eq(samlc_cert_not_before(cert), TEST_NOT_BEFORE);
    ck_assert_int_eq(samlc_cert_not_after(cert), TEST_NOT_AFTER);
    ck_assert_str_eq(samlc_key_type(samlc_cert_key(cert)), "EC");
    ck_assert_int_eq(EVP_PKEY_eq(samlc_key_get(samlc_cert_key(cert)), pkey), 1);
    ck_assert_int_eq(X509_cmp(samlc_cert_x509(cert), made->x509), 0);
    ck_assert_uint_eq(der.len, made->der.len);
    ck_assert_mem_eq(der.data, made->der.data, der.len);
    ck_assert_str_eq(der.origin, "test certificate");
}
END_TEST

START_TEST(test_fingerprints)
{
    test_cert_t *made = make("a");
    samlc_cert_t *cert = parse(made);

    ck_assert_str_eq(samlc_cert_sha256_hex(cert), digest_hex(&made->der, EVP_sha256()));
    ck_assert_str_eq(samlc_text_hex(samlc_cert_sha256(cert), SAMLC_SHA256_LEN, p),
                     samlc_cert_sha256_hex(cert));
    ck_assert_str_eq(samlc_cert_fingerprint(cert, EVP_sha1(), p),
                     digest_hex(&made->der, EVP_sha1()));
    ck_assert_str_eq(samlc_cert_fingerprint(cert, EVP_sha256(), p), samlc_cert_sha256_hex(cert));
    ck_assert_str_eq(samlc_cert_fingerprint(cert, EVP_sha512(), p),
                     digest_hex(&made->der, EVP_sha512()));
}
END_TEST

static const struct {
    long serial;
    const char *hex;
} serials[] = {{1, "01"}, {-1, "-01"}, {127, "7f"},
               {128, "80"}, {-4096, "-1000"}, {65536, "010000"}};

START_TEST(test_serial)
{
    test_cert_t *made = test_cert_make(&(test_cert_spec_t){.serial = serials[_i].serial,
                                                           .pkey = pkey}, p);

    ck_assert_str_eq(samlc_cert_serial(parse(made), p), serials[_i].hex);
}
END_TEST

/* Names are shown escaped: nothing in a certificate gets raw into a log line. */
START_TEST(test_names_are_escaped)
{
    ck_assert_str_eq(samlc_cert_subject(parse(make("a,b+\"c\"\n\xc3\xa4"))),
                     "CN=a\\,b\\+\\\"c\\\"\\0A\\C3\\A4");
}
END_TEST

static const struct {
    apr_time_t now;
    int not_yet_valid;
    int expired;
    int days_left;
} moments[] = {
    {TEST_NOT_BEFORE - 1, 1, 0, 365},
    {TEST_NOT_BEFORE, 0, 0, 365},
    {TEST_NOT_BEFORE + 1, 0, 0, 364},
    {TEST_NOT_AFTER - DAY, 0, 0, 1},
    {TEST_NOT_AFTER - DAY + 1, 0, 0, 0},
    {TEST_NOT_AFTER - 1, 0, 0, 0},
    {TEST_NOT_AFTER, 0, 0, 0},
    {TEST_NOT_AFTER + 1, 0, 1, -1},
    {TEST_NOT_AFTER + DAY, 0, 1, -1},
    {TEST_NOT_AFTER + DAY + 1, 0, 1, -2},
};

START_TEST(test_moments)
{
    samlc_cert_t *cert = parse(make("a"));

    ck_assert_int_eq(samlc_cert_is_not_yet_valid(cert, moments[_i].now), moments[_i].not_yet_valid);
    ck_assert_int_eq(samlc_cert_is_expired(cert, moments[_i].now), moments[_i].expired);
    ck_assert_int_eq(samlc_cert_days_left(cert, moments[_i].now), moments[_i].days_left);
}
END_TEST

/* From 2050 on dates are GeneralizedTime; 9999-12-31 means "no end" (RFC 5280 4.1.2.5). */
START_TEST(test_far_dates)
{
    apr_time_t end = apr_time_from_sec(APR_INT64_C(253402300799));
    test_cert_t *made = test_cert_make(&(test_cert_spec_t){.not_before = apr_time_from_sec(1),
                                                           .not_after = end, .pkey = pkey}, p);
    samlc_cert_t *cert = parse(made);

    ck_assert_int_eq(samlc_cert_not_before(cert), apr_time_from_sec(1));
    ck_assert_int_eq(samlc_cert_not_after(cert), end);
    ck_assert_int_eq(samlc_cert_is_expired(cert, TEST_NOW), 0);
}
END_TEST

/* A date that is none, in a certificate that is otherwise in order; the twin is what was made. */
START_TEST(test_bad_date)
{
    test_cert_t *made = make("a");
    unsigned char *bytes = apr_pmemdup(p, made->der.data, made->der.len);
    unsigned char *date = memmem(bytes, made->der.len, "270101000000Z", 13);
    samlc_data_t der = {bytes, made->der.len, "bad date"};
    samlc_cert_t *cert = NULL;

    parse(made);
    ck_assert_ptr_nonnull(date);
    memcpy(date, "271301000000Z", 13);
    ck_assert_int_ne(samlc_cert_parse_der(&cert, &der, res, p), APR_SUCCESS);
    ck_assert_ptr_null(cert);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_ptr_nonnull(strstr(res->message, "bad date: the certificate's dates"));
}
END_TEST

/* A key of an unknown kind: the last number of the OID of id-ecPublicKey is made a 9. */
START_TEST(test_bad_key)
{
    static const unsigned char oid[] = {0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01};
    test_cert_t *made = make("a");
    unsigned char *bytes = apr_pmemdup(p, made->der.data, made->der.len);
    unsigned char *found = memmem(bytes, made->der.len, oid, sizeof(oid));
    samlc_data_t der = {bytes, made->der.len, "bad key"};
    samlc_cert_t *cert = NULL;

    ck_assert_ptr_nonnull(found);
    found[sizeof(oid) - 1] = 9;
    ck_assert_int_ne(samlc_cert_parse_der(&cert, &der, res, p), APR_SUCCESS);
    ck_assert_ptr_null(cert);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_ptr_nonnull(strstr(res->message, "bad key: the certificate's public key"));
}
END_TEST

START_TEST(test_self_signed)
{
    EVP_PKEY *other = test_key_make("EC", 256, p);
    test_cert_t *root = test_cert_make(&(test_cert_spec_t){.cn = "root", .pkey = pkey, .is_ca = 1},
                                       p);
    test_cert_t *leaf = test_cert_make(&(test_cert_spec_t){.cn = "leaf", .issuer = root,
                                                           .pkey = other}, p);
    /* The issuer's name as subject, but another key: not its own signature. */
    test_cert_t *namesake = test_cert_make(&(test_cert_spec_t){.cn = "root", .issuer = root,
                                                               .pkey = other}, p);
    /* The issuer's key, but another name. */
    test_cert_t *alias = test_cert_make(&(test_cert_spec_t){.cn = "alias", .issuer = root,
                                                            .pkey = pkey}, p);

    ck_assert_int_eq(samlc_cert_is_self_signed(parse(root)), 1);
    ck_assert_int_eq(samlc_cert_is_self_signed(parse(make("without extensions"))), 1);
    ck_assert_int_eq(samlc_cert_is_self_signed(parse(leaf)), 0);
    ck_assert_str_eq(samlc_cert_issuer(parse(leaf)), "CN=root");
    ck_assert_int_eq(samlc_cert_is_self_signed(parse(namesake)), 0);
    ck_assert_int_eq(samlc_cert_is_self_signed(parse(alias)), 0);
}
END_TEST

/* One bit of the signature turned: parses, but nobody signed it. */
START_TEST(test_self_signed_tampered)
{
    test_cert_t *made = make("a");
    unsigned char *bytes = apr_pmemdup(p, made->der.data, made->der.len);
    samlc_data_t der = {bytes, made->der.len, "tampered"};
    samlc_cert_t *cert = NULL;

    bytes[der.len - 1] ^= 1;
    ck_assert_int_eq(samlc_cert_parse_der(&cert, &der, res, p), APR_SUCCESS);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    ck_assert_int_eq(samlc_cert_is_self_signed(cert), 0);
    ck_assert_int_eq(samlc_cert_is_self_signed(parse(made)), 1);
}
END_TEST

/* Which of the certificates in a file are CAs of others there. */
START_TEST(test_find_issued)
{
    const test_cert_t *root = test_cert_make(&(test_cert_spec_t){.cn = "root", .key_type = "EC",
                                                                 .is_ca = 1}, p);
    const test_cert_t *made[6] = {
        test_cert_make(&(test_cert_spec_t){.cn = "leaf", .key_type = "EC", .issuer = root}, p),
        root,
        test_cert_make(&(test_cert_spec_t){.cn = "other", .key_type = "EC"}, p),
        /* root made anew, with its key */
        test_cert_make(&(test_cert_spec_t){.cn = "root", .pkey = root->pkey, .serial = 2}, p),
        /* the name alone does not make an issuer */
        test_cert_make(&(test_cert_spec_t){.cn = "root", .key_type = "EC", .serial = 3}, p),
        test_cert_make(&(test_cert_spec_t){.cn = "other", .key_type = "EC", .serial = 4}, p),
    };
    static const int issued[6] = {-1, 0, -1, 0, -1, -1};
    apr_array_header_t *certs = apr_array_make(p, 6, sizeof(samlc_cert_t *));
    apr_array_header_t *without_leaf = NULL;
    int i = 0;

    for (i = 0; i < 6; i++) {
        samlc_cert_t *cert = NULL;

        ck_assert_int_eq(samlc_cert_parse_der(&cert, &made[i]->der, res, p), APR_SUCCESS);
        APR_ARRAY_PUSH(certs, samlc_cert_t *) = cert;
    }
    for (i = 0; i < 6; i++) {
        const samlc_cert_t *found =
            samlc_cert_find_issued(APR_ARRAY_IDX(certs, i, samlc_cert_t *), certs);

        ck_assert_msg(found == (issued[i] < 0 ? NULL
                                              : APR_ARRAY_IDX(certs, issued[i], samlc_cert_t *)),
                      "%d", i);
    }
    /* two certificates of one key, self-signed: neither is a CA of the other */
    without_leaf = apr_array_copy(p, certs);
    APR_ARRAY_IDX(without_leaf, 0, samlc_cert_t *) = APR_ARRAY_IDX(certs, 1, samlc_cert_t *);
    for (i = 0; i < 6; i++) {
        ck_assert_ptr_null(samlc_cert_find_issued(APR_ARRAY_IDX(certs, i, samlc_cert_t *),
                                                  without_leaf));
    }
}
END_TEST

START_TEST(test_equal)
{
    test_cert_t *made = make("a");
    samlc_cert_t *a = parse(made);

    ck_assert_int_eq(samlc_cert_equal(a, parse(made)), 1);
    ck_assert_int_eq(samlc_cert_equal(a, parse(make("b"))), 0);
    ck_assert_int_eq(samlc_cert_equal(a, NULL), 0);
    ck_assert_int_eq(samlc_cert_equal(NULL, a), 0);
    ck_assert_int_eq(samlc_cert_equal(NULL, NULL), 0);
}
END_TEST

static void der_fails(const unsigned char *bytes, apr_size_t len, const char *words)
{
    samlc_data_t der = {bytes, len, "x.der"};
    samlc_cert_t *cert = (samlc_cert_t *)p;

    ck_assert_int_ne(samlc_cert_parse_der(&cert, &der, res, p), APR_SUCCESS);
    ck_assert_ptr_null(cert);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_msg(strncmp(res->message, "x.der: ", 7) == 0 && strstr(res->message, words), "%s",
                  res->message);
}

START_TEST(test_parse_der_refusals)
{
    test_cert_t *made = make("a");
    unsigned char *longer = apr_pcalloc(p, made->der.len + 1);
    unsigned char *ber = apr_palloc(p, made->der.len + 1);
    apr_size_t len = 0;

    memcpy(longer, made->der.data, made->der.len);
    der_fails(longer, made->der.len + 1, "bytes behind");
    der_fails(longer, 0, "not a certificate");
    der_fails((const unsigned char *)"0123456789", 10, "not a certificate");
    for (len = 1; len < made->der.len; len++) {
        der_fails(longer, len, "not a certificate");
    }

    /* The outer length in one byte more than it needs: BER, but not DER. */
    ck_assert_uint_eq(longer[1], 0x82);
    ber[0] = 0x30;
    ber[1] = 0x83;
    ber[2] = 0;
    memcpy(ber + 3, longer + 2, made->der.len - 2);
    der_fails(ber, made->der.len + 1, "not in DER");
    parse(made);
}
END_TEST

static apr_array_header_t *file_of(const char *text, int count)
{
    samlc_data_t in = test_data(text, "idp.pem");
    apr_array_header_t *certs = NULL;

    ck_assert_msg(samlc_cert_parse_file(&certs, &in, res, p) == APR_SUCCESS, "%s", res->message);
    ck_assert_int_eq(certs->nelts, count);
    ck_assert_uint_eq(ERR_peek_error(), 0);
    return certs;
}

static void file_fails(const char *text, const char *words)
{
    samlc_data_t in = test_data(text, "idp.pem");
    apr_array_header_t *certs = (apr_array_header_t *)p;

    ck_assert_int_ne(samlc_cert_parse_file(&certs, &in, res, p), APR_SUCCESS);
    ck_assert_ptr_null(certs);
    ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    ck_assert_msg(strncmp(res->message, "idp.pem: ", 9) == 0 && strstr(res->message, words),
                  "\"%s\" is not in: %s", words, res->message);
    ck_assert_uint_eq(ERR_peek_error(), 0);
}

static const char *join(const char *a, const char *b, const char *c)
{
    return apr_pstrcat(p, a, b, c, NULL);
}

START_TEST(test_parse_file)
{
    test_cert_t *a = make("a");
    test_cert_t *b = make("b");
    apr_array_header_t *certs = NULL;
    char *crlf = NULL;
    const char *s = NULL;

    file_of(a->pem, 1);
    certs = file_of(join("Bag Attributes\n  friendlyName: a\n", a->pem, b->pem), 2);
    ck_assert_str_eq(samlc_cert_subject(APR_ARRAY_IDX(certs, 0, samlc_cert_t *)), "CN=a");
    ck_assert_str_eq(samlc_cert_subject(APR_ARRAY_IDX(certs, 1, samlc_cert_t *)), "CN=b");
    ck_assert_str_eq(samlc_cert_origin(APR_ARRAY_IDX(certs, 1, samlc_cert_t *)), "idp.pem");
    file_of(join(a->pem, "----- a line of text -----\n", b->pem), 2);
    file_of(join("\xef\xbb\xbf", a->pem, "# trailing text, \xc3\xa4"), 1);
    file_of(apr_pstrndup(p, a->pem, strlen(a->pem) - 1), 1);   /* no newline at the end */
    for (s = a->pem; *s != '\0'; s++) {
        crlf = apr_psprintf(p, "%s%s%c", crlf ? crlf : "", *s == '\n' ? "\r" : "", *s);
    }
    file_of(crlf, 1);
}
END_TEST

START_TEST(test_parse_file_der)
{
    test_cert_t *made = make("a");
    unsigned char *bytes = apr_pcalloc(p, made->der.len + 1);
    samlc_data_t in = {bytes, made->der.len, "idp.der"};
    apr_array_header_t *certs = NULL;

    memcpy(bytes, made->der.data, made->der.len);
    ck_assert_int_eq(samlc_cert_parse_file(&certs, &in, res, p), APR_SUCCESS);
    ck_assert_int_eq(certs->nelts, 1);
    ck_assert_str_eq(samlc_cert_origin(APR_ARRAY_IDX(certs, 0, samlc_cert_t *)), "idp.der");
    in.len++;
    ck_assert_int_ne(samlc_cert_parse_file(&certs, &in, res, p), APR_SUCCESS);
    ck_assert_ptr_null(certs);
    ck_assert_ptr_nonnull(strstr(res->message, "bytes behind"));
    in.len -= 2;
    ck_assert_int_ne(samlc_cert_parse_file(&certs, &in, res, p), APR_SUCCESS);
    ck_assert_ptr_nonnull(strstr(res->message, "not a certificate"));
}
END_TEST

/* A PEM text that looks like dashes inside DER is still DER. */
START_TEST(test_parse_file_der_with_dashes)
{
    test_cert_t *made = make("-----BEGIN CERTIFICATE-----");
    apr_array_header_t *certs = NULL;

    ck_assert_int_eq(samlc_cert_parse_file(&certs, &made->der, res, p), APR_SUCCESS);
    ck_assert_int_eq(certs->nelts, 1);
}
END_TEST

/* SECURITY-RULES 12: named curves. A message's certificate is for samlc_trust_judge to refuse. */
START_TEST(test_explicit_curve)
{
    const test_cert_t *spelt = test_cert_make(&(test_cert_spec_t){.key_type = "explicit-EC"}, p);
    const test_cert_t *named = test_cert_make(&(test_cert_spec_t){.key_type = "EC"}, p);
    const samlc_data_t files[2] = {test_data(spelt->pem, "spelt.pem"), spelt->der};
    samlc_data_t twin = test_data(named->pem, "named.pem");
    apr_array_header_t *certs = NULL;
    samlc_cert_t *cert = NULL;
    int i = 0;

    for (i = 0; i < 2; i++) {
        ck_assert_int_ne(samlc_cert_parse_file(&certs, &files[i], res, p), APR_SUCCESS);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_msg(strstr(res->message, "explicit EC parameters") != NULL, "%s", res->message);
        ck_assert_int_eq(strncmp(res->message, files[i].origin, strlen(files[i].origin)), 0);
    }
    ck_assert_int_eq(samlc_cert_parse_file(&certs, &twin, res, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_cert_parse_der(&cert, &spelt->der, res, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_key_spells_curve(samlc_cert_key(cert)), 1);
}
END_TEST

START_TEST(test_parse_file_without_certificate)
{
    file_fails("", "no certificate");
    file_fails("\n", "no certificate");
    file_fails("0", "no certificate");
    file_fails("see the other file\n", "no certificate");
}
END_TEST

/* A second certificate that is cut anywhere but between lines of text fails the whole file. */
START_TEST(test_parse_file_torn)
{
    test_cert_t *a = make("a");
    test_cert_t *b = make("b");
    apr_size_t len = strlen(b->pem);
    apr_size_t cut = 0;

    file_of(join(a->pem, b->pem, ""), 2);
    for (cut = strlen("-----BEGIN "); cut < len - 1; cut++) {
        file_fails(join(a->pem, apr_pstrndup(p, b->pem, cut), ""), "block 2");
    }
    for (cut = 1; cut < len - strlen("-----END CERTIFICATE-----\n"); cut++) {
        file_fails(join(a->pem, b->pem + cut, ""), "block 2 has an END line");
    }
}
END_TEST

/* The first of two is cut: its BEGIN must not find the second one's END. */
START_TEST(test_parse_file_torn_before)
{
    test_cert_t *a = make("a");
    test_cert_t *b = make("b");
    apr_size_t cut = 0;

    for (cut = strlen("-----BEGIN "); cut < strlen(a->pem) - 1; cut++) {
        file_fails(join(apr_pstrndup(p, a->pem, cut), "\n", b->pem),
                   cut < strlen("-----BEGIN CERTIFICATE-----") ? "block 1 has a BEGIN line that"
                                                               : "block 1");
    }
}
END_TEST

static const char *relabel(const char *pem, const char *label)
{
    const char *body = strchr(pem, '\n');
    const char *end = strstr(pem, "-----END");

    return apr_psprintf(p, "-----BEGIN %s-----%.*s-----END %s-----\n", label, (int)(end - body),
                        body, label);
}

static const struct {
    const char *label;
    const char *words;    /* NULL: accepted */
} labels[] = {
    {"CERTIFICATE", NULL},
    {"TRUSTED CERTIFICATE", "block 2 is a TRUSTED CERTIFICATE"},
    {"X509 CERTIFICATE", "block 2 is a \"X509 CERTIFICATE\", not a certificate"},
    {"PRIVATE KEY", "block 2 is a private key, which does not belong"},
    {"RSA PRIVATE KEY", "block 2 is a private key, which does not belong"},
    {"EC PRIVATE KEY", "block 2 is a private key, which does not belong"},
    {"ENCRYPTED PRIVATE KEY", "block 2 is a private key, which does not belong"},
    {"PUBLIC KEY", "block 2 is a \"PUBLIC KEY\""},
    {"CERTIFICATE REQUEST", "block 2 is a \"CERTIFICATE REQUEST\""},
    {"X509 CRL", "block 2 is a \"X509 CRL\""},
    {"PKCS7", "block 2 is a \"PKCS7\""},
    {"certificate", "block 2 is a \"certificate\""},
    {" CERTIFICATE", "block 2 is a \" CERTIFICATE\""},
    {"", "block 2 is a \"\""},
    {"\x1b[31m", "block 2 is a \"\\x1b[31m\""},
};

START_TEST(test_parse_file_labels)
{
    test_cert_t *a = make("a");
    const char *text = join(a->pem, relabel(make("b")->pem, labels[_i].label), "");

    if (labels[_i].words) {
        file_fails(text, labels[_i].words);
    }
    else {
        file_of(text, 2);
    }
}
END_TEST

/* Real blocks of other kinds, not only their names. */
START_TEST(test_parse_file_foreign_blocks)
{
    test_cert_t *a = make("a");
    BIO *bio = BIO_new(BIO_s_mem());
    char *data = NULL;
    long len = 0;

    file_fails(join(a->key_pem, a->pem, ""), "block 1 is a private key");
    file_fails(join(a->pem, a->key_pem, ""), "block 2 is a private key");
    file_fails(test_public_key_pem(pkey, p), "block 1 is a \"PUBLIC KEY\"");
    ck_assert_int_eq(PEM_write_bio_X509_AUX(bio, a->x509), 1);
    len = BIO_get_mem_data(bio, &data);
    file_fails(apr_pstrmemdup(p, data, (apr_size_t)len), "\"openssl x509 -in FILE -out FILE\"");
    BIO_free(bio);
}
END_TEST

/* Damage inside the second block, by character and by what it replaces it with. */
static const struct {
    int offset;
    char c;
    const char *words;
} damages[] = {
    {60, '!', "block 2 is damaged: not base64"},
    {60, '-', "block 2 is damaged: not base64"},
    {60, '=', "block 2 is damaged: not base64"},
    {60, ':', "block 2 is damaged: not base64"},
    {60, ' ', "block 2 is damaged: not base64"},   /* one character short: half a byte */
    {28, 'A', "block 2: not a certificate"},       /* the outer tag */
    {29, 'x', "block 2: not a certificate"},       /* the outer length */
};

START_TEST(test_parse_file_damaged)
{
    test_cert_t *a = make("a");
    char *damaged = apr_pstrdup(p, make("b")->pem);

    file_of(join(a->pem, damaged, ""), 2);
    ck_assert_int_ne(damaged[damages[_i].offset], damages[_i].c);
    damaged[damages[_i].offset] = damages[_i].c;
    file_fails(join(a->pem, damaged, ""), damages[_i].words);
}
END_TEST

START_TEST(test_parse_file_mismatched_end)
{
    const char *pem = make("a")->pem;
    const char *end = strstr(pem, "-----END");
    const char *body = apr_pstrmemdup(p, pem, (apr_size_t)(end - pem));

    file_of(join(body, "-----END CERTIFICATE-----\n", ""), 1);
    file_fails(join(body, "-----END PRIVATE KEY-----\n", ""), "block 1 was cut short");
    file_fails(join(body, "-----END CERTIFICATE----\n", ""), "block 1 was cut short");
    file_fails(join(body, "-----END CERTIFICATE", ""), "block 1 was cut short");
    file_fails("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n",
               "block 1: not a certificate");
}
END_TEST

/* A NUL byte does not hide what follows it. */
START_TEST(test_parse_file_nul)
{
    test_cert_t *a = make("a");
    apr_size_t len = strlen(a->pem);
    char *text = apr_pcalloc(p, 2 * len + 2);
    samlc_data_t in = {(const unsigned char *)text, 2 * len + 1, "idp.pem"};
    apr_array_header_t *certs = NULL;

    memcpy(text, a->pem, len);
    memcpy(text + len + 1, a->pem, len);
    ck_assert_int_eq(samlc_cert_parse_file(&certs, &in, res, p), APR_SUCCESS);
    ck_assert_int_eq(certs->nelts, 2);
    in.len = len + 1 + len / 2;
    ck_assert_int_ne(samlc_cert_parse_file(&certs, &in, res, p), APR_SUCCESS);
    text[100] = '\0';
    in.len = len;
    ck_assert_int_ne(samlc_cert_parse_file(&certs, &in, res, p), APR_SUCCESS);
}
END_TEST

Suite *suite_cert(void);

Suite *suite_cert(void)
{
    Suite *suite = suite_create("cert");
    TCase *tc = tcase_create("cert");

    tcase_set_timeout(tc, 60);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_getters);
    tcase_add_test(tc, test_fingerprints);
    tcase_add_loop_test(tc, test_serial, 0, (int)(sizeof(serials) / sizeof(serials[0])));
    tcase_add_test(tc, test_names_are_escaped);
    tcase_add_loop_test(tc, test_moments, 0, (int)(sizeof(moments) / sizeof(moments[0])));
    tcase_add_test(tc, test_far_dates);
    tcase_add_test(tc, test_bad_date);
    tcase_add_test(tc, test_bad_key);
    tcase_add_test(tc, test_self_signed);
    tcase_add_test(tc, test_self_signed_tampered);
    tcase_add_test(tc, test_find_issued);
    tcase_add_test(tc, test_equal);
    tcase_add_test(tc, test_explicit_curve);
    tcase_add_test(tc, test_parse_der_refusals);
    tcase_add_test(tc, test_parse_file);
    tcase_add_test(tc, test_parse_file_der);
    tcase_add_test(tc, test_parse_file_der_with_dashes);
    tcase_add_test(tc, test_parse_file_without_certificate);
    tcase_add_test(tc, test_parse_file_torn);
    tcase_add_test(tc, test_parse_file_torn_before);
    tcase_add_loop_test(tc, test_parse_file_labels, 0, (int)(sizeof(labels) / sizeof(labels[0])));
    tcase_add_test(tc, test_parse_file_foreign_blocks);
    tcase_add_loop_test(tc, test_parse_file_damaged, 0,
                        (int)(sizeof(damages) / sizeof(damages[0])));
    tcase_add_test(tc, test_parse_file_mismatched_end);
    tcase_add_test(tc, test_parse_file_nul);
    suite_add_tcase(suite, tc);
    return suite;
}
