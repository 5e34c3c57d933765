/* SPDX-License-Identifier: Apache-2.0 */
/* Signatures of HTTP-Redirect messages: what is read of a query, what is signed, and by whom. */
#include "core/saml/redirect.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <zlib.h>

#include "core/saml/request.h"
#include "core/xml/xml.h"
#include "samlcert_config.h"
#include "test.h"
#include "world.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define OK_ SAMLC_REASON_OK
#define INVALID SAMLC_REASON_SIGNATURE_INVALID
#define FORBIDDEN SAMLC_REASON_ALGORITHM_FORBIDDEN
#define TOO_SMALL SAMLC_REASON_KEY_TOO_SMALL
#define LOGOUT "<samlp:LogoutRequest xmlns:samlp=\"" SAMLC_NS_SAMLP "\" ID=\"_1\" Version=\"2.0\"/>"
#define MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define PSS_SHA256 "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1"
#ifdef SAMLC_HAVE_RSA_PSS
#define PSS OK_
#else
#define PSS FORBIDDEN
#endif
#define ONLY_OTHERS "SignatureAlgorithms -rsa-sha256\n"
#define PINNED "CERT_VALIDATION:IGNORE_TRUST,"
#define METADATA_START \
    "<md:EntityDescriptor xmlns:md=\"" SAMLC_NS_MD "\" xmlns:ds=\"" SAMLC_NS_DS "\" entityID=\"" \
    FORGE_IDP "\"><md:IDPSSODescriptor protocolSupportEnumeration=\"" SAMLC_NS_SAMLP "\">" \
    "<md:KeyDescriptor><ds:KeyInfo>"
#define METADATA_END \
    "</ds:KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor></md:EntityDescriptor>"
#define DEFLATE "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_idp_material_t m;
static apr_array_header_t *slots;
static const char *message;   /* LOGOUT as the value of a parameter */

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    memset(&m, 0, sizeof(m));
    m.name = "main";
    m.slots = slots = apr_array_make(p, 2, sizeof(samlc_idp_slot_t));
    m.roots = m.intermediates = apr_array_make(p, 1, sizeof(samlc_cert_t *));
    m.crls = apr_array_make(p, 1, sizeof(samlc_data_t));
    m.watch = apr_array_make(p, 1, sizeof(samlc_seen_t));
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

/* --- what an IdP does ----------------------------------------------------------------------- */

static samlc_data_t deflated(const void *bytes, apr_size_t len, int window_bits)
{
    samlc_data_t out = { NULL, 0, "test" };
    unsigned char *to = NULL;
    z_stream z;

    memset(&z, 0, sizeof(z));
    ck_assert_int_eq(deflateInit2(&z, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
    to = apr_palloc(p, deflateBound(&z, len));
    z.next_in = (Bytef *)bytes;
    z.avail_in = (uInt)len;
    z.next_out = to;
    z.avail_out = (uInt)deflateBound(&z, len);
    ck_assert_int_eq(deflate(&z, Z_FINISH), Z_STREAM_END);
    out.data = to;
    out.len = z.total_out;
    deflateEnd(&z);
    return out;
}

/* Bytes as the value of a parameter. */
static const char *value_of(const samlc_data_t *bytes)
{
    return samlc_text_url_encode(samlc_text_base64(bytes->data, bytes->len, p), p);
}

static const char *packed(const char *xml)
{
    samlc_data_t bytes = deflated(xml, strlen(xml), -15);

    return value_of(&bytes);
}

/* r and s, each in `half` bytes. */
static samlc_data_t raw_ecdsa(const samlc_data_t *der, int half)
{
    const unsigned char *at = der->data;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)der->len);
    unsigned char *raw = apr_palloc(p, 2 * (apr_size_t)half);

    ck_assert_ptr_nonnull(sig);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, half), half);
    ck_assert_int_eq(BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, half), half);
    ECDSA_SIG_free(sig);
    return (samlc_data_t){ raw, 2 * (apr_size_t)half, "test" };
}

typedef enum { AS_OPENSSL, AS_XML, AS_PSS } form_t;

static samlc_data_t made(const char *text, EVP_PKEY *pkey, const char *digest, form_t form)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    size_t len = (size_t)EVP_PKEY_get_size(pkey);
    unsigned char *sig = apr_palloc(p, len);
    samlc_data_t out;

    ck_assert_int_eq(EVP_DigestSignInit_ex(ctx, &pctx, digest, NULL, NULL, pkey, NULL), 1);
    if (form == AS_PSS) {
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST), 1);
    }
    ck_assert_int_eq(EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text, strlen(text)), 1);
    EVP_MD_CTX_free(ctx);
    out = (samlc_data_t){ sig, len, "test" };
    return form == AS_XML ? raw_ecdsa(&out, (EVP_PKEY_get_bits(pkey) + 7) / 8) : out;
}

/* `octets` end with SigAlg; what comes is the Signature over them. */
static const char *signature(const char *octets, const test_cert_t *by)
{
    samlc_data_t sig = made(octets, by->pkey, "sha256", AS_OPENSSL);

    return value_of(&sig);
}

static const char *sig_alg(const test_cert_t *by)
{
    return samlc_text_url_encode(EVP_PKEY_is_a(by->pkey, "EC") ? MORE "ecdsa-sha256"
                                                               : MORE "rsa-sha256", p);
}

/* A query as a good IdP writes it; `relay_state` as it stands in the query, or NULL. */
static const char *query_of(const char *relay_state, const test_cert_t *by)
{
    const char *octets = apr_pstrcat(p, "SAMLRequest=", message,
                                     relay_state == NULL ? "" : "&RelayState=",
                                     relay_state == NULL ? "" : relay_state, "&SigAlg=",
                                     sig_alg(by), NULL);

    return apr_pstrcat(p, octets, "&Signature=", signature(octets, by), NULL);
}

/* --- what we do ----------------------------------------------------------------------------- */

static const samlc_cert_t *on_file(samlc_trust_slot_t slot, const test_cert_t *cert)
{
    samlc_idp_slot_t *s = apr_array_push(slots);
    samlc_cert_t *c = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&c, &cert->der, res, p), APR_SUCCESS);
    *s = (samlc_idp_slot_t){ slot, c, "slot.pem", NULL };
    return c;
}

static const samlc_idp_t *idp_with(const char *conf)
{
    samlc_data_t lines = test_data(apr_pstrcat(p, "EntityID " FORGE_IDP "\n", conf, NULL),
                                   "idp.conf");
    samlc_settings_t *settings = samlc_settings_make(p);
    samlc_idp_t *idp = NULL;

    ck_assert_int_eq(samlc_settings_parse(settings, &lines, res, p), APR_SUCCESS);
    m.settings = settings;
    ck_assert_msg(samlc_idp_build(&idp, &m, TEST_NOW, apr_array_make(p, 1, sizeof(const char *)),
                                  res, p) == APR_SUCCESS, "%s", res->message);
    return idp;
}

static samlc_redirect_t *parsed(const char *query)
{
    samlc_redirect_t *r = NULL;

    ck_assert_msg(samlc_redirect_parse(&r, query, res, p) == APR_SUCCESS, "%s", res->message);
    ck_assert_ptr_nonnull(r);
    return r;
}

static samlc_reason_t judged(samlc_trust_verdict_t *v, const char *query, const samlc_idp_t *idp)
{
    samlc_redirect_t *r = NULL;

    res = samlc_result_make(p);
    memset(v, 0, sizeof(*v));
    if (samlc_redirect_parse(&r, query, res, p) == APR_SUCCESS
        && samlc_redirect_verify(v, r, idp, NULL, TEST_NOW, res, p) == APR_SUCCESS) {
        ck_assert_int_eq(v->is_trusted, 1);
        ck_assert_int_eq(v->reason, OK_);
        ck_assert_int_eq(res->reason, OK_);
        return OK_;
    }
    ck_assert_int_eq(v->is_trusted, 0);
    ck_assert_int_ne(res->status, APR_SUCCESS);
    ck_assert(res->reason != OK_ && res->reason != SAMLC_REASON_UNDECIDED);
    return res->reason;
}

static void expect(const char *query, const samlc_idp_t *idp, samlc_reason_t reason)
{
    samlc_trust_verdict_t v;
    samlc_reason_t found = judged(&v, query, idp);

    ck_assert_msg(found == reason, "%s (%s) where %s was expected: %s", samlc_reason_word(found),
                  res->message, samlc_reason_word(reason), query);
}

/* --- algorithms ----------------------------------------------------------------------------- */

static const struct {
    const char *type;
    int bits;
    const char *uri;       /* SigAlg */
    const char *digest;    /* what is really done */
    form_t form;
    const char *conf;
    samlc_reason_t reason;
} algorithms[] = {
    { "RSA", 2048, MORE "rsa-sha256", "sha256", AS_OPENSSL, "", OK_ },
    { "RSA", 2048, MORE "rsa-sha384", "sha384", AS_OPENSSL, "", OK_ },
    { "RSA", 2048, MORE "rsa-sha512", "sha512", AS_OPENSSL, "", OK_ },
    { "EC", 256, MORE "ecdsa-sha256", "sha256", AS_XML, "", OK_ },
    { "EC", 384, MORE "ecdsa-sha384", "sha384", AS_XML, "", OK_ },
    { "EC", 521, MORE "ecdsa-sha512", "sha512", AS_XML, "", OK_ },
    { "EC", 521, MORE "ecdsa-sha256", "sha256", AS_XML, "", OK_ },
    { "EC", 256, MORE "ecdsa-sha256", "sha256", AS_OPENSSL, "", OK_ },
    { "EC", 384, MORE "ecdsa-sha384", "sha384", AS_OPENSSL, "", OK_ },
    { "EC", 521, MORE "ecdsa-sha512", "sha512", AS_OPENSSL, "", OK_ },
    { "RSA", 2048, DSIG "rsa-sha1", "sha1", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, DSIG "rsa-sha1", "sha1", AS_OPENSSL, "SignatureAlgorithms +rsa-sha1\n", OK_ },
    { "RSA", 2048, MORE "rsa-sha224", "sha224", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, MORE "rsa-sha256", "sha256", AS_OPENSSL, ONLY_OTHERS, FORBIDDEN },
    { "RSA", 2048, MORE "hmac-sha256", "sha256", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, MORE "rsa-md5", "md5", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, DSIG "dsa-sha1", "sha1", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, "rsa-sha256", "sha256", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, MORE "RSA-SHA256", "sha256", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, MORE "rsa-sha256 ", "sha256", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, "http://www.w3.org/2001/04/xmlenc#sha256", "sha256", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, "", "sha256", AS_OPENSSL, "", FORBIDDEN },
    { "RSA", 2048, MORE "rsa-sha256", "sha512", AS_OPENSSL, "", INVALID },
    { "RSA", 2048, MORE "rsa-sha256", "sha256", AS_PSS, "", INVALID },
    { "RSA", 2048, PSS_SHA256, "sha256", AS_PSS, "", PSS },
    { "RSA", 2048, MORE "ecdsa-sha256", "sha256", AS_OPENSSL, "", INVALID },
    { "EC", 256, MORE "rsa-sha256", "sha256", AS_OPENSSL, "", INVALID },
    { "EC", 256, MORE "ecdsa-sha512", "sha256", AS_XML, "", INVALID },
    { "RSA", 1024, MORE "rsa-sha256", "sha256", AS_OPENSSL, "", TOO_SMALL },
    { "RSA", 1024, MORE "rsa-sha256", "sha256", AS_OPENSSL, "MinRSABits 1024\n", OK_ },
    { "RSA", 2048, MORE "rsa-sha256", "sha256", AS_OPENSSL, "MinRSABits 2049\n", TOO_SMALL },
};

START_TEST(test_algorithms)
{
    const test_cert_t *cert = test_cert_make(
        &(test_cert_spec_t){ .key_type = algorithms[_i].type, .key_bits = algorithms[_i].bits }, p);
    const char *octets = NULL;
    samlc_data_t sig;

    message = packed(LOGOUT);
    octets = apr_pstrcat(p, "SAMLRequest=", message, "&SigAlg=",
                         samlc_text_url_encode(algorithms[_i].uri, p), NULL);
    sig = made(octets, cert->pkey, algorithms[_i].digest, algorithms[_i].form);
    on_file(SAMLC_SLOT_PRIMARY, cert);
    expect(apr_pstrcat(p, octets, "&Signature=", value_of(&sig), NULL),
           idp_with(algorithms[_i].conf), algorithms[_i].reason);
    if (strcmp(algorithms[_i].uri, DSIG "rsa-sha1") == 0 && res->status != APR_SUCCESS) {
        ck_assert_ptr_nonnull(strstr(res->message, "SignatureAlgorithms +rsa-sha1"));
    }
}
END_TEST

/* The bytes of ECDSA signatures. */
START_TEST(test_ecdsa_values)
{
    const test_cert_t *cert = world_keys()->other;   /* P-256 */
    const char *octets = apr_pstrcat(p, "SAMLRequest=", packed(LOGOUT), "&SigAlg=", sig_alg(cert),
                                     NULL);
    samlc_data_t der = made(octets, cert->pkey, "sha256", AS_OPENSSL), raw = raw_ecdsa(&der, 32);
    unsigned char *zero = apr_pcalloc(p, 64), *high = memset(apr_palloc(p, 64), 0xff, 64);
    unsigned char *swapped = apr_palloc(p, 64), *longer = apr_pcalloc(p, 128);
    unsigned char *longer_der = apr_pcalloc(p, 128);
    const struct {
        const void *bytes;
        apr_size_t len;
        samlc_reason_t reason;
    } values[] = {
        { raw.data, 64, OK_ },
        { der.data, der.len, OK_ },
        { zero, 64, SAMLC_REASON_SIGNATURE_INVALID },
        { "\x30\x06\x02\x01\x00\x02\x01\x00", 8, SAMLC_REASON_SIGNATURE_INVALID },   /* 0 in DER */
        { high, 64, SAMLC_REASON_SIGNATURE_INVALID },        /* beyond the order of the curve */
        { swapped, 64, SAMLC_REASON_SIGNATURE_INVALID },     /* s, r */
        { raw.data, 63, SAMLC_REASON_SIGNATURE_INVALID },
        { longer, 66, SAMLC_REASON_SIGNATURE_INVALID },
        { der.data, der.len - 1, SAMLC_REASON_SIGNATURE_INVALID },
        { longer_der, der.len + 1, SAMLC_REASON_SIGNATURE_INVALID },
    };
    const samlc_idp_t *idp = NULL;
    int i = 0;

    memcpy(swapped, raw.data + 32, 32);
    memcpy(swapped + 32, raw.data, 32);
    memcpy(longer, raw.data, 64);
    memcpy(longer_der, der.data, der.len);
    on_file(SAMLC_SLOT_PRIMARY, cert);
    idp = idp_with("");
    for (i = 0; i < COUNT(values); i++) {
        samlc_data_t sig = { values[i].bytes, values[i].len, "test" };

        expect(apr_pstrcat(p, octets, "&Signature=", value_of(&sig), NULL), idp, values[i].reason);
    }
}
END_TEST

/* --- the query ------------------------------------------------------------------------------ */

/*
 * {Q} is a signed query with RelayState "token", {q} one without; {M}, {A}, {S} are the values of
 * SAMLRequest, SigAlg and Signature of {q}, and {R} is the Signature of {Q}. All by an RSA key.
 */
static const char *expand(const char *template)
{
    const test_cert_t *by = world_keys()->idp;
    const char *plain = query_of(NULL, by), *relayed = query_of("token", by), *out = "";
    const char *const words[] = { "Q", relayed, "q", plain, "M", message, "A", sig_alg(by),
                                  "S", strstr(plain, "&Signature=") + strlen("&Signature="),
                                  "R", strstr(relayed, "&Signature=") + strlen("&Signature=") };
    const char *brace = NULL;
    int i = 0;

    while ((brace = strchr(template, '{')) != NULL) {
        for (i = 0; words[i][0] != brace[1]; i += 2) {
            ck_assert_int_lt(i + 2, COUNT(words));
        }
        out = apr_pstrcat(p, out, apr_pstrndup(p, template, (apr_size_t)(brace - template)),
                          words[i + 1], NULL);
        template = brace + 3;
    }
    return apr_pstrcat(p, out, template, NULL);
}

static const struct {
    const char *query;
    samlc_reason_t reason;
} queries[] = {
    { "{q}", OK_ }, { "{Q}", OK_ },
    /* any order; what is signed has one of its own */
    { "SAMLRequest={M}&Signature={S}&SigAlg={A}", OK_ },
    { "Signature={S}&SigAlg={A}&SAMLRequest={M}", OK_ },
    { "SAMLRequest={M}&SigAlg={A}&RelayState=token&Signature={R}", OK_ },
    { "RelayState=token&Signature={R}&SigAlg={A}&SAMLRequest={M}", OK_ },
    /* others, which mean nothing and are not signed */
    { "a=b&{Q}", OK_ }, { "{Q}&a=b", OK_ },
    { "SAMLRequest={M}&a=b&SigAlg={A}&c&=d&&Signature={S}", OK_ },
    { "&{q}&", OK_ }, { "{Q}&a=1&a=2", OK_ },
    { "{Q}&a=%zz", OK_ },
    { "{Q}&samlrequest=x&sigalg=y&signature=z&relaystate=u", OK_ },
    { "{Q}&SAMLRequest[]=x", OK_ }, { "{Q}&xSigAlg=y&SigAlgx=z", OK_ },
    { "{Q}&SAMLEncoding=urn%3Aoasis:names:tc:SAML:2.0:bindings:URL-Encoding%3ADEFLATE", OK_ },
    /* duplicates */
    { "{Q}&SAMLRequest={M}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&{Q}", SAMLC_REASON_MALFORMED },
    { "{Q}&SAMLResponse={M}", SAMLC_REASON_MALFORMED },
    { "SAMLResponse=&{Q}", SAMLC_REASON_MALFORMED },
    { "{Q}&RelayState=token", SAMLC_REASON_MALFORMED },
    { "{Q}&RelayState=", SAMLC_REASON_MALFORMED },
    { "{Q}&SigAlg={A}", SAMLC_REASON_MALFORMED },
    { "{Q}&Signature={R}", SAMLC_REASON_MALFORMED },
    { "{Q}&SAMLEncoding=" DEFLATE "&SAMLEncoding=" DEFLATE, SAMLC_REASON_MALFORMED },
    /* encoded names */
    { "SAMLReques%74={M}&SigAlg={A}&Signature={S}", SAMLC_REASON_MALFORMED },
    { "{Q}&%53AMLRequest=x", SAMLC_REASON_MALFORMED },
    { "{Q}&RelayStat%65=x", SAMLC_REASON_MALFORMED },
    { "{Q}&a%20b=c", SAMLC_REASON_MALFORMED },
    { "{Q}&%zz=c", SAMLC_REASON_MALFORMED },
    /* what is missing */
    { "", SAMLC_REASON_MALFORMED },
    { "SigAlg={A}&Signature={S}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest=&SigAlg={A}&Signature={S}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest&SigAlg={A}&Signature={S}", SAMLC_REASON_MALFORMED },
    { "{q}&RelayState", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&SigAlg={A}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&Signature={S}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&SigAlg={A}&Signature=", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}", SAMLC_REASON_NO_SIGNATURE },
    { "SAMLRequest={M}&RelayState=token", SAMLC_REASON_NO_SIGNATURE },
    /* escapes and base64 */
    { "{q}&RelayState=%", SAMLC_REASON_MALFORMED },
    { "{q}&RelayState=a%00b", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}%zz&SigAlg={A}&Signature={S}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&SigAlg={A}%00&Signature={S}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&SigAlg={A}&Signature={S}%0A", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&SigAlg={A}&Signature=%20{S}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&SigAlg={A}&Signature=+{S}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&SigAlg={A}&Signature={S}%3D", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}&SigAlg={A}&Signature={S}AAAA", SAMLC_REASON_MALFORMED },
    { "SAMLRequest={M}%0A&SigAlg={A}&Signature={S}", SAMLC_REASON_MALFORMED },
    { "SAMLRequest=AAA&SigAlg={A}&Signature={S}", SAMLC_REASON_MALFORMED },
    { "{q}&SAMLEncoding=none", SAMLC_REASON_MALFORMED },
    /* what is signed */
    { "SAMLResponse={M}&SigAlg={A}&Signature={S}", SAMLC_REASON_SIGNATURE_INVALID },
    { "{q}&RelayState=token", SAMLC_REASON_SIGNATURE_INVALID },
    { "{q}&RelayState=", SAMLC_REASON_SIGNATURE_INVALID },
    { "SAMLRequest={M}&SigAlg={A}&Signature={R}", SAMLC_REASON_SIGNATURE_INVALID },
    { "SAMLRequest={M}&RelayState=Token&SigAlg={A}&Signature={R}", SAMLC_REASON_SIGNATURE_INVALID },
    { "SAMLRequest={M}&RelayState=%74oken&SigAlg={A}&Signature={R}", INVALID },
    { "SAMLRequest={M}&RelayState=token;a=b&SigAlg={A}&Signature={R}", INVALID },
    { "SAMLRequest={M}&SigAlg=http://www.w3.org/2001/04/xmldsig-more%23rsa-sha256&Signature={S}",
      SAMLC_REASON_SIGNATURE_INVALID },
    { "SAMLRequest={M}&SigAlg={A}&Signature=AAAA", SAMLC_REASON_SIGNATURE_INVALID },
};

START_TEST(test_queries)
{
    message = packed(LOGOUT);
    on_file(SAMLC_SLOT_PRIMARY, world_keys()->idp);
    expect(expand(queries[_i].query), idp_with(""), queries[_i].reason);
}
END_TEST

/* A signature over anything but the octets of the rule, made by the right key. */
static const char *const signed_otherwise[] = {
    "RelayState=token&SAMLRequest={M}&SigAlg={A}",
    "SAMLRequest={M}&SigAlg={A}&RelayState=token",
    "SigAlg={A}&SAMLRequest={M}&RelayState=token",
    "SAMLRequest={M}&RelayState=token&SigAlg={A}&a=b",
    "a=b&SAMLRequest={M}&RelayState=token&SigAlg={A}",
    "SAMLRequest={M}&a=b&RelayState=token&SigAlg={A}",
    "SAMLRequest={M}&RelayState=token&SigAlg={A}&",
};

START_TEST(test_signed_otherwise)
{
    const char *octets = NULL;
    const samlc_idp_t *idp = NULL;

    message = packed(LOGOUT);
    on_file(SAMLC_SLOT_PRIMARY, world_keys()->idp);
    idp = idp_with("");
    octets = expand(signed_otherwise[_i]);
    expect(apr_pstrcat(p, octets, "&Signature=", signature(octets, world_keys()->idp), NULL), idp,
           SAMLC_REASON_SIGNATURE_INVALID);
    expect(query_of("token", world_keys()->idp), idp, OK_);
}
END_TEST

/* Senders encode differently; what they sent is what counts. */
static const struct {
    const char *as_sent;
    const char *decoded;
} relay_states[] = {
    { "token", "token" },
    { "https%3A%2F%2Fapp.example.org%2F", "https://app.example.org/" },
    { "https%3a%2f%2fapp.example.org%2f", "https://app.example.org/" },
    { "https://app.example.org/", "https://app.example.org/" },
    { "a+b%20c", "a b c" },
    { "%C3%A9", "\xc3\xa9" },
    { "a=b;c", "a=b;c" },
    { "", "" },
};

START_TEST(test_relay_states)
{
    const char *query = NULL;
    const samlc_redirect_t *r = NULL;

    message = packed(LOGOUT);
    query = query_of(relay_states[_i].as_sent, world_keys()->idp);
    on_file(SAMLC_SLOT_PRIMARY, world_keys()->idp);
    expect(query, idp_with(""), OK_);
    r = parsed(query);
    ck_assert_str_eq(r->relay_state, relay_states[_i].decoded);
    ck_assert_ptr_null(parsed(query_of(NULL, world_keys()->idp))->relay_state);
}
END_TEST

/* No byte of a signed query can be changed. */
START_TEST(test_every_byte)
{
    const test_cert_t *by = _i == 0 ? world_keys()->idp : world_keys()->other;
    const samlc_idp_t *idp = NULL;
    char *query = NULL;
    apr_size_t i = 0, len = 0;

    message = packed(LOGOUT);
    query = apr_pstrdup(p, query_of("token", by));
    len = strlen(query);
    on_file(SAMLC_SLOT_PRIMARY, by);
    idp = idp_with("");
    for (i = 0; i < len; i++) {
        samlc_trust_verdict_t v;

        query[i] ^= 1;
        ck_assert_msg(judged(&v, query, idp) != OK_, "%lu: %s", (unsigned long)i, query);
        query[i] ^= 1;
    }
    expect(query, idp, OK_);
}
END_TEST

START_TEST(test_result)
{
    const char *query = NULL, *octets = NULL;
    const samlc_redirect_t *r = NULL;

    message = packed(LOGOUT);
    query = query_of("a%20b", world_keys()->idp);
    r = parsed(query);
    ck_assert_int_eq(r->is_response, 0);
    ck_assert_uint_eq(r->xml.len, strlen(LOGOUT));
    ck_assert_mem_eq(r->xml.data, LOGOUT, r->xml.len);
    ck_assert_str_eq(r->xml.origin, "SAMLRequest");
    ck_assert_str_eq(r->relay_state, "a b");
    ck_assert_str_eq(r->algorithm, MORE "rsa-sha256");
    ck_assert_uint_eq(r->signature.len, 256);
    octets = apr_pstrmemdup(p, query, (apr_size_t)(strstr(query, "&Signature=") - query));
    ck_assert_str_eq(r->signed_octets, octets);
    r = parsed(apr_pstrcat(p, "SAMLResponse=", message, NULL));
    ck_assert_int_eq(r->is_response, 1);
    ck_assert_str_eq(r->xml.origin, "SAMLResponse");
    ck_assert_ptr_null(r->algorithm);
    ck_assert_ptr_null(r->signed_octets);
}
END_TEST

/* A response is signed under its own name. */
START_TEST(test_response)
{
    const test_cert_t *by = world_keys()->idp;
    const char *octets = apr_pstrcat(p, "SAMLResponse=", packed(LOGOUT), "&SigAlg=", sig_alg(by),
                                     NULL);
    const char *tail = apr_pstrcat(p, "&Signature=", signature(octets, by), NULL);
    const samlc_idp_t *idp = NULL;

    on_file(SAMLC_SLOT_PRIMARY, by);
    idp = idp_with("");
    expect(apr_pstrcat(p, octets, tail, NULL), idp, OK_);
    expect(apr_pstrcat(p, forge_replace(octets, "SAMLResponse", "SAMLRequest", p), tail, NULL), idp,
           SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

/* What this module itself sends is a signed query, too. */
START_TEST(test_our_own_requests)
{
    static const struct {
        const char *type;
        int bits;
        const char *relay_state;
    } kinds[] = {
        { "RSA", 2048, "token-1/+=" }, { "RSA", 3072, NULL }, { "EC", 256, "x" },
        { "EC", 384, NULL },           { "EC", 521, "y" },
    };
    const test_cert_t *cert = test_cert_make(
        &(test_cert_spec_t){ .key_type = kinds[_i].type, .key_bits = kinds[_i].bits }, p);
    samlc_authn_request_t request = { .id = "_1", .entity_id = FORGE_SP, .acs_url = FORGE_ACS,
                                      .sso_url = "https://idp.example.org/sso?a=b",
                                      .issue_instant = TEST_NOW };
    const samlc_redirect_t *r = NULL;
    const char *url = NULL;
    apr_status_t rv = APR_EGENERAL;

    EVP_PKEY_up_ref(cert->pkey);
    rv = samlc_request_redirect_url(&url, &request, kinds[_i].relay_state,
                                    samlc_key_make(cert->pkey, p), res, p);
    ck_assert_int_eq(rv, APR_SUCCESS);
    on_file(SAMLC_SLOT_PRIMARY, cert);
    expect(strchr(url, '?') + 1, idp_with(""), OK_);
    r = parsed(strchr(url, '?') + 1);
    ck_assert_pstr_eq(r->relay_state, kinds[_i].relay_state);
    ck_assert_str_eq(apr_pstrmemdup(p, (const char *)r->xml.data, r->xml.len),
                     samlc_request_xml(&request, p));
}
END_TEST

/* --- inflating ------------------------------------------------------------------------------ */

/* What becomes of these bytes as SAMLRequest. */
static samlc_reason_t inflated(const samlc_data_t *bytes, apr_size_t *len)
{
    samlc_redirect_t *r = NULL;

    res = samlc_result_make(p);
    if (samlc_redirect_parse(&r, apr_pstrcat(p, "SAMLRequest=", value_of(bytes), NULL), res, p)
        == APR_SUCCESS) {
        *len = r->xml.len;
        return OK_;
    }
    ck_assert_ptr_null(r);
    return res->reason;
}

static const struct {
    long beyond;   /* the limit */
    samlc_reason_t reason;
} sizes[] = {
    { -1, OK_ }, { 0, OK_ },
    { 1, SAMLC_REASON_TOO_LARGE }, { 20 * 1000 * 1000, SAMLC_REASON_TOO_LARGE },
};

START_TEST(test_bombs)
{
    apr_size_t size = SAMLC_XML_MESSAGE.bytes + (apr_size_t)sizes[_i].beyond, len = 0;
    samlc_data_t bytes = deflated(apr_pcalloc(p, size), size, -15);

    ck_assert_int_eq(inflated(&bytes, &len), sizes[_i].reason);
    ck_assert_uint_eq(len, sizes[_i].reason == OK_ ? size : 0);
}
END_TEST

START_TEST(test_streams)
{
    samlc_data_t good = deflated(LOGOUT, strlen(LOGOUT), -15), bytes = good;
    samlc_data_t stored = { (const unsigned char *)"\x01\x02\x00\xfd\xff" "ab", 7, "test" };
    unsigned char *twice = apr_palloc(p, 2 * good.len + 1);
    apr_size_t len = 0;

    memcpy(twice, good.data, good.len);
    memcpy(twice + good.len, good.data, good.len);
    ck_assert_int_eq(inflated(&good, &len), OK_);
    ck_assert_uint_eq(len, strlen(LOGOUT));
    ck_assert_int_eq(inflated(&stored, &len), OK_);
    ck_assert_uint_eq(len, 2);
    for (bytes.len = 1; bytes.len < good.len; bytes.len++) {   /* cut short */
        ck_assert_int_eq(inflated(&bytes, &len), SAMLC_REASON_MALFORMED);
    }
    bytes = (samlc_data_t){ twice, 2 * good.len, "test" };
    ck_assert_int_eq(inflated(&bytes, &len), SAMLC_REASON_MALFORMED);
    bytes.len = good.len + 1;                                  /* a byte behind it */
    ck_assert_int_eq(inflated(&bytes, &len), SAMLC_REASON_MALFORMED);
    bytes = deflated(LOGOUT, strlen(LOGOUT), 15);              /* with the header of zlib */
    ck_assert_int_eq(inflated(&bytes, &len), SAMLC_REASON_MALFORMED);
    bytes = deflated(LOGOUT, strlen(LOGOUT), 15 + 16);         /* of gzip */
    ck_assert_int_eq(inflated(&bytes, &len), SAMLC_REASON_MALFORMED);
    bytes = test_data(LOGOUT, "test");                         /* not deflated at all */
    ck_assert_int_eq(inflated(&bytes, &len), SAMLC_REASON_MALFORMED);
}
END_TEST

START_TEST(test_long_query)
{
    samlc_redirect_t *r = NULL;
    const char *start = apr_pstrcat(p, "SAMLRequest=", packed(LOGOUT), "&a=", NULL);
    const char *longest = apr_pstrcat(
        p, start, forge_repeat("x", (int)(SAMLC_MAX_QUERY - strlen(start)), p), NULL);

    ck_assert_int_eq(samlc_redirect_parse(&r, longest, res, p), APR_SUCCESS);
    longest = apr_pstrcat(p, longest, "x", NULL);
    ck_assert_int_ne(samlc_redirect_parse(&r, longest, res, p), APR_SUCCESS);
    ck_assert_ptr_null(r);
    ck_assert_int_eq(res->reason, SAMLC_REASON_TOO_LARGE);
}
END_TEST

/* --- trust ---------------------------------------------------------------------------------- */

static const char *pin_of(const char *prefix, const test_cert_t *cert)
{
    samlc_cert_t *c = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&c, &cert->der, res, p), APR_SUCCESS);
    return apr_pstrcat(p, "SignCerts ", prefix, samlc_cert_sha256_hex(c), "\n", NULL);
}

/* No certificate comes with the message: a pin counts only where its certificate is on file. */
START_TEST(test_pins)
{
    const test_cert_t *by = world_keys()->idp;
    const char *query = NULL, *conf = NULL;
    samlc_trust_verdict_t v;

    message = packed(LOGOUT);
    query = query_of("token", by);
    expect(query, idp_with(""), SAMLC_REASON_NO_TRUST_CONFIGURED);
    expect(query, idp_with(pin_of(PINNED, by)), SAMLC_REASON_CERT_NOT_LISTED);
    on_file(SAMLC_SLOT_STAGED, by);
    ck_assert_int_eq(judged(&v, query, idp_with(pin_of(PINNED, by))), OK_);
    ck_assert_int_eq(v.slot, SAMLC_SLOT_STAGED);
    expect(query, idp_with("ValidateChain on\n"), SAMLC_REASON_NO_TRUST_CONFIGURED);
    conf = apr_pstrcat(p, "ValidateChain on\n", pin_of(PINNED, by), NULL);
    ck_assert_int_eq(judged(&v, query, idp_with(conf)), OK_);
    ck_assert_int_eq(v.mode, SAMLC_MODE_PINNED);
}
END_TEST

START_TEST(test_keys_on_file)
{
    const samlc_idp_t *idp = NULL;
    samlc_trust_verdict_t v;

    message = packed(LOGOUT);
    on_file(SAMLC_SLOT_PRIMARY, world_keys()->other);
    on_file(SAMLC_SLOT_ALTERNATE, world_keys()->idp);
    on_file(SAMLC_SLOT_RETIRED, world_keys()->sp);
    idp = idp_with("");
    ck_assert_int_eq(judged(&v, query_of("x", world_keys()->other), idp), OK_);
    ck_assert_int_eq(v.slot, SAMLC_SLOT_PRIMARY);
    ck_assert_int_eq(judged(&v, query_of("x", world_keys()->idp), idp), OK_);
    ck_assert_int_eq(v.slot, SAMLC_SLOT_ALTERNATE);
    expect(query_of("x", world_keys()->stranger), idp, SAMLC_REASON_SIGNATURE_INVALID);
    ck_assert_int_eq(judged(&v, query_of("x", world_keys()->sp), idp), SAMLC_REASON_CERT_RETIRED);
    ck_assert_int_eq(v.slot, SAMLC_SLOT_RETIRED);
}
END_TEST

/* The key counts, and one of its certificates is in use: nobody can tell which one was meant. */
START_TEST(test_renewed_certificate)
{
    const test_cert_t *old = world_keys()->idp;
    const test_cert_t *renewed = test_cert_make(
        &(test_cert_spec_t){ .cn = "idp.example.org", .pkey = old->pkey, .serial = 8 }, p);
    samlc_trust_verdict_t v;

    message = packed(LOGOUT);
    on_file(SAMLC_SLOT_RETIRED, old);
    expect(query_of(NULL, old), idp_with(""), SAMLC_REASON_CERT_RETIRED);
    on_file(SAMLC_SLOT_PRIMARY, renewed);
    ck_assert_int_eq(judged(&v, query_of(NULL, old), idp_with("")), OK_);
    ck_assert_int_eq(v.slot, SAMLC_SLOT_PRIMARY);
}
END_TEST

/* Trust is judged as always: what is wrong and what is doubtful comes out. */
START_TEST(test_expired)
{
    const test_cert_t *by = test_cert_make(
        &(test_cert_spec_t){ .key_type = "EC", .not_after = TEST_NOW - apr_time_from_sec(1) }, p);
    samlc_trust_verdict_t v;

    message = packed(LOGOUT);
    on_file(SAMLC_SLOT_PRIMARY, by);
    ck_assert_int_eq(judged(&v, query_of(NULL, by), idp_with("")), OK_);
    ck_assert_ptr_nonnull(v.warning);
    expect(query_of(NULL, by), idp_with("CertExpiry reject\n"), SAMLC_REASON_CERT_EXPIRED);
}
END_TEST

START_TEST(test_metadata_keys)
{
    const test_cert_t *by = world_keys()->other;
    samlc_data_t xml = test_data(
        apr_pstrcat(p, METADATA_START, forge_x509_data(by, p), METADATA_END, NULL), "metadata.xml");
    const samlc_idp_t *idp = NULL;
    samlc_trust_verdict_t v;

    message = packed(LOGOUT);
    m.metadata = &xml;
    idp = idp_with("");
    ck_assert_int_eq(judged(&v, query_of("x", by), idp), OK_);
    ck_assert_int_eq(v.mode, SAMLC_MODE_METADATA);
    expect(query_of("x", world_keys()->idp), idp, SAMLC_REASON_SIGNATURE_INVALID);
}
END_TEST

Suite *suite_redirect(void)
{
    Suite *suite = suite_create("redirect");
    TCase *tc = tcase_create("redirect");

    tcase_set_timeout(tc, 60);
    tcase_add_unchecked_fixture(tc, world_make_keys_once, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_algorithms, 0, COUNT(algorithms));
    tcase_add_test(tc, test_ecdsa_values);
    tcase_add_loop_test(tc, test_queries, 0, COUNT(queries));
    tcase_add_loop_test(tc, test_signed_otherwise, 0, COUNT(signed_otherwise));
    tcase_add_loop_test(tc, test_relay_states, 0, COUNT(relay_states));
    tcase_add_loop_test(tc, test_every_byte, 0, 2);
    tcase_add_test(tc, test_result);
    tcase_add_test(tc, test_response);
    tcase_add_loop_test(tc, test_our_own_requests, 0, 5);
    tcase_add_loop_test(tc, test_bombs, 0, COUNT(sizes));
    tcase_add_test(tc, test_streams);
    tcase_add_test(tc, test_long_query);
    tcase_add_test(tc, test_pins);
    tcase_add_test(tc, test_keys_on_file);
    tcase_add_test(tc, test_renewed_certificate);
    tcase_add_test(tc, test_expired);
    tcase_add_test(tc, test_metadata_keys);
    suite_add_tcase(suite, tc);
    return suite;
}
