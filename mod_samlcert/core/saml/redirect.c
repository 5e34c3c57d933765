/* SPDX-License-Identifier: Apache-2.0 */
#include "core/saml/redirect.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <zlib.h>

#include "core/trust/remembered.h"
#include "core/xml/xml.h"

#define RAW_DEFLATE (-15)   /* zlib: RFC 1951 without header, the largest window */
#define ENCODING_DEFLATE "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"

/* The parameters that mean something here. */
typedef enum {
    SAML_REQUEST,
    SAML_RESPONSE,
    RELAY_STATE,
    SIG_ALG,
    SIGNATURE,
    SAML_ENCODING,
    PARAMETERS
} parameter_t;

static const char *const NAMES[PARAMETERS] = { "SAMLRequest", "SAMLResponse", "RelayState",
                                               "SigAlg",      "Signature",    "SAMLEncoding" };

static apr_status_t malformed(samlc_result_t *res, const char *what, const char *why)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s %s", what, why);
}

/* --- reading --- */

/* One parameter, `len` bytes. What is not ours is passed over. */
static apr_status_t take_parameter(const char **raw, const char *at, apr_size_t len,
                                   samlc_result_t *res, apr_pool_t *p)
{
    const char *equals = memchr(at, '=', len);
    apr_size_t name_len = equals == NULL ? len : (apr_size_t)(equals - at);
    int i = 0;

    /* Whoever decodes names would find another parameter than we do. */
    if (memchr(at, '%', name_len) != NULL) {
        return malformed(res, samlc_text_show(apr_pstrmemdup(p, at, name_len), p),
                         "is a name that is percent-encoded");
    }
    for (i = 0; i < PARAMETERS; i++) {
        if (strlen(NAMES[i]) == name_len && memcmp(NAMES[i], at, name_len) == 0) {
            break;
        }
    }
    if (i == PARAMETERS) {
        return APR_SUCCESS;
    }
    if (equals == NULL) {
        return malformed(res, NAMES[i], "has no value");
    }
    if (raw[i] != NULL) {
        return malformed(res, NAMES[i], "is there twice");
    }
    raw[i] = apr_pstrmemdup(p, equals + 1, len - name_len - 1);
    return APR_SUCCESS;
}

/* The values as they were received; NULL for what is not there. */
static apr_status_t split(const char **raw, const char *query, samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_SUCCESS;

    while (*query != '\0' && rv == APR_SUCCESS) {
        apr_size_t len = strcspn(query, "&");

        rv = take_parameter(raw, query, len, res, p);
        query += query[len] == '&' ? len + 1 : len;
    }
    return rv;
}

/* Which parameters go together. */
static apr_status_t check_set(const char *const *raw, samlc_result_t *res)
{
    if ((raw[SAML_REQUEST] != NULL) == (raw[SAML_RESPONSE] != NULL)) {
        return malformed(res, "the query", raw[SAML_REQUEST] != NULL
                         ? "has both a SAMLRequest and a SAMLResponse"
                         : "has neither a SAMLRequest nor a SAMLResponse");
    }
    if ((raw[SIG_ALG] != NULL) != (raw[SIGNATURE] != NULL)) {
        return malformed(res, "the query", raw[SIGNATURE] != NULL
                         ? "has a Signature without SigAlg"
                         : "has SigAlg without a Signature");
    }
    return APR_SUCCESS;
}

static apr_status_t decode_text(const char **text, const char *const *raw, parameter_t which,
                                samlc_result_t *res, apr_pool_t *p)
{
    *text = raw[which] == NULL ? NULL : samlc_text_url_decode(raw[which], strlen(raw[which]), p);
    return *text != NULL || raw[which] == NULL
               ? APR_SUCCESS
               : malformed(res, NAMES[which], "has a broken escape, or a NUL byte");
}

/* spec: SAML-Bindings 3.4.4.1 - base64 without white space; a "+" that is not encoded is a blank */
static apr_status_t decode_base64(samlc_data_t *bytes, const char *const *raw, parameter_t which,
                                  samlc_result_t *res, apr_pool_t *p)
{
    const char *text = NULL;
    samlc_data_t in = { NULL, 0, NAMES[which] };
    apr_status_t rv = decode_text(&text, raw, which, res, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    in.data = (const unsigned char *)text;
    in.len = strlen(text);
    if (strpbrk(text, " \t\r\n") != NULL || samlc_text_base64_decode(bytes, &in, p) != APR_SUCCESS
        || bytes->len == 0) {
        return malformed(res, NAMES[which], "is not base64");
    }
    return APR_SUCCESS;
}

/*
 * Inflates into a buffer of the size that is allowed: a bomb ends where it is full. Accepted only
 * if the stream ends with the input, or what follows would be signed and never seen.
 */
static apr_status_t inflate_message(samlc_data_t *xml, const samlc_data_t *deflated,
                                    samlc_result_t *res, apr_pool_t *p)
{
    apr_size_t limit = SAMLC_XML_MESSAGE.bytes;
    unsigned char *out = apr_palloc(p, limit);
    z_stream z;
    int rc = Z_OK;

    memset(&z, 0, sizeof(z));
    if (inflateInit2(&z, RAW_DEFLATE) != Z_OK) {
        return samlc_result_fail(res, APR_ENOMEM, SAMLC_REASON_INTERNAL, "zlib can't start");
    }
    z.next_in = (Bytef *)deflated->data;   /* zlib reads it only */
    z.avail_in = (uInt)deflated->len;      /* fits: the query was capped */
    z.next_out = out;
    z.avail_out = (uInt)limit;
    rc = inflate(&z, Z_FINISH);
    xml->data = out;
    xml->len = z.total_out;
    xml->origin = deflated->origin;
    inflateEnd(&z);
    if (rc == Z_STREAM_END && z.avail_in == 0) {
        return APR_SUCCESS;
    }
    xml->len = 0;
    if (rc == Z_BUF_ERROR && z.avail_out == 0) {
        return samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_TOO_LARGE,
                                 "%s inflates to more than %lu bytes", deflated->origin,
                                 (unsigned long)limit);
    }
    return malformed(res, deflated->origin, "is not one DEFLATE stream");
}

static apr_status_t read_message(samlc_redirect_t *m, const char *const *raw, samlc_result_t *res,
                                 apr_pool_t *p)
{
    samlc_data_t deflated;
    const char *encoding = NULL;
    apr_status_t rv = decode_text(&encoding, raw, SAML_ENCODING, res, p);

    if (rv == APR_SUCCESS && encoding != NULL && strcmp(encoding, ENCODING_DEFLATE) != 0) {
        rv = malformed(res, samlc_text_show(encoding, p), "is no encoding that is known here");
    }
    if (rv == APR_SUCCESS) {
        rv = decode_text(&m->relay_state, raw, RELAY_STATE, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = decode_base64(&deflated, raw, m->is_response ? SAML_RESPONSE : SAML_REQUEST, res, p);
    }
    return rv == APR_SUCCESS ? inflate_message(&m->xml, &deflated, res, p) : rv;
}

/* spec: SAML-Bindings 3.4.4.1 - signed are the message, RelayState where it came, and SigAlg, in
 * this order and as they were received */
static apr_status_t read_signature(samlc_redirect_t *m, const char *const *raw, samlc_result_t *res,
                                   apr_pool_t *p)
{
    parameter_t message = m->is_response ? SAML_RESPONSE : SAML_REQUEST;
    apr_status_t rv = APR_SUCCESS;

    if (raw[SIGNATURE] == NULL) {
        return APR_SUCCESS;
    }
    rv = decode_text(&m->algorithm, raw, SIG_ALG, res, p);
    if (rv == APR_SUCCESS) {
        rv = decode_base64(&m->signature, raw, SIGNATURE, res, p);
    }
    m->signed_octets = apr_pstrcat(p, NAMES[message], "=", raw[message],
                                   raw[RELAY_STATE] == NULL ? "" : "&RelayState=",
                                   raw[RELAY_STATE] == NULL ? "" : raw[RELAY_STATE],
                                   "&SigAlg=", raw[SIG_ALG], NULL);
    return rv;
}

apr_status_t samlc_redirect_parse(samlc_redirect_t **message, const char *query,
                                  samlc_result_t *res, apr_pool_t *p)
{
    const char *raw[PARAMETERS] = { NULL };
    samlc_redirect_t *m = apr_pcalloc(p, sizeof(*m));
    apr_status_t rv = APR_EGENERAL;

    *message = NULL;
    if (strlen(query) > SAMLC_MAX_QUERY) {
        return samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_TOO_LARGE,
                                 "a query of %lu bytes", (unsigned long)strlen(query));
    }
    rv = split(raw, query, res, p);
    if (rv == APR_SUCCESS) {
        rv = check_set(raw, res);
    }
    m->is_response = raw[SAML_RESPONSE] != NULL;
    if (rv == APR_SUCCESS) {
        rv = read_message(m, raw, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = read_signature(m, raw, res, p);
    }
    if (rv == APR_SUCCESS) {
        *message = m;
    }
    return rv;
}

/* --- the signature --- */

static apr_status_t find_method(const samlc_algorithm_t **method, const samlc_redirect_t *message,
                                const samlc_signature_policy_t *policy, samlc_result_t *res,
                                apr_pool_t *p)
{
    const samlc_algorithm_t *found =
        samlc_algorithm_find(SAMLC_ALGORITHM_SIGNATURE, message->algorithm);
    const char *never = samlc_algorithm_why_never(message->algorithm, p);

    *method = NULL;
    if (found == NULL) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                                 "SigAlg %s is not known%s%s",
                                 samlc_text_show(message->algorithm, p), never == NULL ? "" : ": ",
                                 never == NULL ? "" : never);
    }
    if (!samlc_algorithms_has(policy->allowed[SAMLC_ALGORITHM_SIGNATURE], found)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                                 "SigAlg %s is not allowed for this IdP; SignatureAlgorithms +%s "
                                 "would allow it", found->name, found->name);
    }
    *method = found;
    return APR_SUCCESS;
}

static int digest_verify(const samlc_redirect_t *message, const samlc_algorithm_t *method,
                         const samlc_data_t *signature, EVP_PKEY *pkey)
{
    const char *digest = strrchr(method->name, '-') + 1;   /* the names end with it: "rsa-sha256" */
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_PKEY_CTX *pctx = NULL;
    int ok = ctx != NULL
             && EVP_DigestVerifyInit_ex(ctx, &pctx, digest, NULL, NULL, pkey, NULL) == 1;

    if (ok && strncmp(method->name, "rsa-pss-", 8) == 0) {
        ok = EVP_PKEY_CTX_set_rsa_padding(pctx, RSA_PKCS1_PSS_PADDING) == 1
             && EVP_PKEY_CTX_set_rsa_pss_saltlen(pctx, RSA_PSS_SALTLEN_DIGEST) == 1;
    }
    ok = ok && EVP_DigestVerify(ctx, signature->data, signature->len,
                                (const unsigned char *)message->signed_octets,
                                strlen(message->signed_octets)) == 1;
    EVP_MD_CTX_free(ctx);
    ERR_clear_error();
    return ok;
}

/* r and s, each as long as the order of the curve (XMLDSig 1.1 6.4.3), as the DER OpenSSL reads. */
static int ecdsa_der(samlc_data_t *der, const samlc_data_t *raw, EVP_PKEY *pkey, apr_pool_t *p)
{
    int half = (EVP_PKEY_get_bits(pkey) + 7) / 8;
    ECDSA_SIG *sig = NULL;
    BIGNUM *r = NULL, *s = NULL;
    unsigned char *bytes = NULL;
    int len = -1;

    if (raw->len != 2 * (apr_size_t)half) {
        return 0;
    }
    sig = ECDSA_SIG_new();
    r = BN_bin2bn(raw->data, half, NULL);
    s = BN_bin2bn(raw->data + half, half, NULL);
    if (sig != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(sig, r, s) == 1) {
        r = s = NULL;
        len = i2d_ECDSA_SIG(sig, &bytes);
    }
    if (len > 0) {
        der->data = apr_pmemdup(p, bytes, (apr_size_t)len);
        der->len = (apr_size_t)len;
        der->origin = raw->origin;
    }
    OPENSSL_free(bytes);
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(sig);
    return len > 0;
}

static int is_made_by(const samlc_redirect_t *message, const samlc_algorithm_t *method,
                      const samlc_key_t *key, apr_pool_t *p)
{
    EVP_PKEY *pkey = samlc_key_get(key);
    samlc_data_t der;

    if (strncmp(method->name, "ecdsa-", 6) == 0 && ecdsa_der(&der, &message->signature, pkey, p)
        && digest_verify(message, method, &der, pkey)) {
        return 1;
    }
    return digest_verify(message, method, &message->signature, pkey);
}

/*
 * Several certificates may have the key that signed, and nothing in the message says which one was
 * meant: it is enough that one of them is trusted.
 */
static apr_status_t try_keys(samlc_trust_verdict_t *verdict, const samlc_redirect_t *message,
                             const samlc_algorithm_t *method, const samlc_idp_t *idp,
                             apr_time_t now, samlc_result_t *res, apr_pool_t *p)
{
    const apr_array_header_t *no_hints = apr_array_make(p, 1, sizeof(samlc_data_t));
    const apr_array_header_t *candidates = samlc_trust_candidates(idp->trust, no_hints, res, p);
    samlc_result_t *misfit = samlc_result_make(p);
    int i = 0, suiting = 0, signers = 0;

    if (candidates->nelts == 0) {
        return res->status;
    }
    for (i = 0; i < candidates->nelts; i++) {
        const samlc_candidate_t *c = &APR_ARRAY_IDX(candidates, i, samlc_candidate_t);
        samlc_trust_verdict_t v;

        if (!samlc_verifier_suits(c->verifier, method, &idp->signature_policy, misfit)) {
            continue;
        }
        suiting++;
        if (!is_made_by(message, method, c->key, p)) {
            continue;
        }
        v = samlc_trust_judge(idp->trust, c, now, p);
        if (v.is_trusted || signers++ == 0) {
            *verdict = v;
        }
        if (v.is_trusted) {
            return APR_SUCCESS;
        }
    }
    if (signers > 0) {
        return samlc_result_fail(res, APR_EACCES, verdict->reason, "%s", verdict->message);
    }
    if (suiting == 0) {
        return samlc_result_fail(res, misfit->status, misfit->reason, "%s", misfit->message);
    }
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_SIGNATURE_INVALID,
                             "no key of IdP %s signed these parameters", idp->name);
}

apr_status_t samlc_redirect_verify(samlc_trust_verdict_t *verdict, const samlc_redirect_t *message,
                                   const samlc_idp_t *idp, const char *state_dir, apr_time_t now,
                                   samlc_result_t *res, apr_pool_t *p)
{
    const samlc_algorithm_t *method = NULL;
    apr_status_t rv = APR_EGENERAL;

    memset(verdict, 0, sizeof(*verdict));
    if (message->algorithm == NULL) {
        return samlc_result_fail(res, APR_NOTFOUND, SAMLC_REASON_NO_SIGNATURE,
                                 "the message is not signed");
    }
    rv = find_method(&method, message, &idp->signature_policy, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    samlc_remembered_recall(state_dir, idp, now, p);
    return try_keys(verdict, message, method, idp, now, res, p);
}
