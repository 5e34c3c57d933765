/* SPDX-License-Identifier: Apache-2.0 */
#include "core/saml/request.h"

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>
#include <zlib.h>

#include "core/base/clock.h"
#include "core/base/text.h"

#define ID_LEN 20                 /* SAML Core 1.3.4 asks for 128 to 160 random bits */
#define RAW_DEFLATE (-15)         /* zlib: RFC 1951 without header, the largest window */
#define DEFLATE_MEM_LEVEL 8       /* zlib's default */
#define RSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define ECDSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"

const char *samlc_request_id(apr_pool_t *p)
{
    unsigned char bytes[ID_LEN];

    if (RAND_bytes(bytes, sizeof(bytes)) != 1) {
        ERR_clear_error();
        return NULL;
    }
    return apr_pstrcat(p, "_", samlc_text_hex(bytes, sizeof(bytes), p), NULL);
}

/* spec: SAML-Core 3.4.1.1 - NameIDPolicy */
static const char *name_id_policy(const char *format, apr_pool_t *p)
{
    if (!format) {
        return "";
    }
    return apr_pstrcat(p, "<samlp:NameIDPolicy Format=\"", samlc_text_xml_escape(format, p),
                       "\" AllowCreate=\"true\"/>", NULL);
}

/* spec: SAML-Core 3.3.2.2.1 - RequestedAuthnContext */
static const char *requested_authn_context(const apr_array_header_t *classes, apr_pool_t *p)
{
    const char *refs = "";
    int i;

    if (!classes || classes->nelts == 0) {
        return "";
    }
    for (i = 0; i < classes->nelts; i++) {
        refs = apr_pstrcat(p, refs, "<saml:AuthnContextClassRef>",
                           samlc_text_xml_escape(APR_ARRAY_IDX(classes, i, const char *), p),
                           "</saml:AuthnContextClassRef>", NULL);
    }
    return apr_pstrcat(p, "<samlp:RequestedAuthnContext Comparison=\"exact\">", refs,
                       "</samlp:RequestedAuthnContext>", NULL);
}

/* spec: SAML-Core 3.4.1 - AuthnRequest */
const char *samlc_request_xml(const samlc_authn_request_t *request, apr_pool_t *p)
{
    return apr_pstrcat(
        p,
        "<samlp:AuthnRequest xmlns:samlp=\"urn:oasis:names:tc:SAML:2.0:protocol\""
        " xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"",
        samlc_text_xml_escape(request->id, p), "\" Version=\"2.0\" IssueInstant=\"",
        samlc_clock_format(request->issue_instant, p), "\" Destination=\"",
        samlc_text_xml_escape(request->sso_url, p), "\"",
        request->force_authn ? " ForceAuthn=\"true\"" : "",
        request->is_passive ? " IsPassive=\"true\"" : "",
        " ProtocolBinding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\""
        " AssertionConsumerServiceURL=\"", samlc_text_xml_escape(request->acs_url, p), "\">",
        "<saml:Issuer>", samlc_text_xml_escape(request->entity_id, p), "</saml:Issuer>",
        name_id_policy(request->name_id_format, p),
        requested_authn_context(request->authn_context, p),
        "</samlp:AuthnRequest>", NULL);
}

/* spec: SAML-Bindings 3.4.4.1 - DEFLATE encoding. NULL if zlib fails, which is for want of
 * memory only. */
static const char *deflate_base64(const char *xml, apr_pool_t *p)
{
    const char *encoded = NULL;
    unsigned char *out = NULL;
    uLong size = 0;
    z_stream z;

    memset(&z, 0, sizeof(z));
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, RAW_DEFLATE, DEFLATE_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
        return NULL;
    }
    size = deflateBound(&z, strlen(xml));
    out = apr_palloc(p, size);
    z.next_in = (Bytef *)xml;     /* zlib reads it only */
    z.avail_in = (uInt)strlen(xml);
    z.next_out = out;
    z.avail_out = (uInt)size;
    if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
        encoded = samlc_text_base64(out, z.total_out, p);
    }
    deflateEnd(&z);
    return encoded;
}

/* XML Signature writes an ECDSA signature as r and s, each as long as the order of the curve,
 * and not as the DER that OpenSSL makes. spec: XMLDSig 1.1 6.4.3. NULL if OpenSSL refuses. */
static const char *ecdsa_base64(const unsigned char *der, size_t len, const samlc_key_t *key,
                                apr_pool_t *p)
{
    const char *encoded = NULL;
    const unsigned char *at = der;
    ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &at, (long)len);
    int half = (samlc_key_bits(key) + 7) / 8;
    unsigned char *raw = apr_palloc(p, 2 * (apr_size_t)half);

    if (sig && BN_bn2binpad(ECDSA_SIG_get0_r(sig), raw, half) == half
        && BN_bn2binpad(ECDSA_SIG_get0_s(sig), raw + half, half) == half) {
        encoded = samlc_text_base64(raw, 2 * (apr_size_t)half, p);
    }
    ECDSA_SIG_free(sig);
    return encoded;
}

static int is_of_type(const samlc_key_t *key, const char *type)
{
    return strcmp(samlc_key_type(key), type) == 0;
}

/* The signature over `text`, in base64; NULL if OpenSSL refuses. */
static const char *sign(const char *text, const samlc_key_t *key, apr_pool_t *p)
{
    EVP_PKEY *pkey = samlc_key_get(key);
    const char *encoded = NULL;
    size_t len = (size_t)EVP_PKEY_get_size(pkey);
    unsigned char *sig = apr_palloc(p, len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    if (ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, pkey) == 1
        && EVP_DigestSign(ctx, sig, &len, (const unsigned char *)text, strlen(text)) == 1) {
        encoded = is_of_type(key, "EC") ? ecdsa_base64(sig, len, key, p)
                                        : samlc_text_base64(sig, len, p);
    }
    EVP_MD_CTX_free(ctx);
    return encoded;
}

/* Adds SigAlg and Signature to the query. What is signed is the very text that is sent. */
static apr_status_t sign_query(const char **query, const samlc_key_t *key, samlc_result_t *res,
                               apr_pool_t *p)
{
    const char *algorithm = NULL;
    const char *signature = NULL;

    if (is_of_type(key, "RSA")) {
        algorithm = RSA_SHA256;
    }
    else if (is_of_type(key, "EC")) {
        algorithm = ECDSA_SHA256;
    }
    else {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "requests are signed with RSA or EC keys, not with %s",
                                 samlc_key_type(key));
    }
    *query = apr_pstrcat(p, *query, "&SigAlg=", samlc_text_url_encode(algorithm, p), NULL);
    signature = sign(*query, key, p);
    if (!signature) {
        return samlc_result_fail_openssl(res, APR_EGENERAL, SAMLC_REASON_INTERNAL,
                                         "the request cannot be signed");
    }
    *query = apr_pstrcat(p, *query, "&Signature=", samlc_text_url_encode(signature, p), NULL);
    return APR_SUCCESS;
}

/* What stands between the SSO URL and our part of the query. */
static const char *joint(const char *url)
{
    const char *query = strchr(url, '?');

    if (!query) {
        return "?";
    }
    return query[1] == '\0' || url[strlen(url) - 1] == '&' ? "" : "&";
}

apr_status_t samlc_request_redirect_url(const char **url, const samlc_authn_request_t *request,
                                        const char *relay_state, const samlc_key_t *key,
                                        samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_EGENERAL;
    const char *message = NULL;
    const char *query = NULL;

    *url = NULL;
    ERR_clear_error();
    message = deflate_base64(samlc_request_xml(request, p), p);
    if (!message) {
        return samlc_result_fail(res, APR_EGENERAL, SAMLC_REASON_INTERNAL,
                                 "the request cannot be compressed");
    }
    query = apr_pstrcat(p, "SAMLRequest=", samlc_text_url_encode(message, p), NULL);
    if (relay_state) {
        query = apr_pstrcat(p, query, "&RelayState=", samlc_text_url_encode(relay_state, p), NULL);
    }
    if (key) {
        rv = sign_query(&query, key, res, p);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    *url = apr_pstrcat(p, request->sso_url, joint(request->sso_url), query, NULL);
    return APR_SUCCESS;
}
