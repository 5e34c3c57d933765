/* SPDX-License-Identifier: Apache-2.0 */
#include "core/xml/signature.h"

#include <stdarg.h>
#include <string.h>

#include <apr_strings.h>
#include <libxml/xmlerror.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/keys.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/transforms.h>
#include <xmlsec/xmldsig.h>

#include "core/base/text.h"
#include "core/xml/xml.h"

#define NS_EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define URI_C14N "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define URI_ENVELOPED SAMLC_NS_DS "enveloped-signature"
#define MAX_PREFIX_LIST 256
#define MAX_CERT_TEXT (64 * 1024)

/* --- structure --- */

static apr_status_t scope(samlc_result_t *res, const char *what)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_SIGNATURE_SCOPE, "%s", what);
}

/* The algorithm that `node` names, if it is known and allowed. */
static apr_status_t read_algorithm(const samlc_algorithm_t **algorithm, const xmlNode *node,
                                   samlc_algorithm_kind_t kind, const char *setting,
                                   const samlc_signature_policy_t *policy, samlc_result_t *res,
                                   apr_pool_t *p)
{
    const char *uri = samlc_xml_attr(node, "Algorithm", p);
    const samlc_algorithm_t *found = uri == NULL ? NULL : samlc_algorithm_find(kind, uri);
    const char *never = uri == NULL ? NULL : samlc_algorithm_why_never(uri, p);

    *algorithm = NULL;
    if (found == NULL) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                                 "%s %s is not known%s%s", (const char *)node->name,
                                 samlc_text_show(uri, p), never == NULL ? "" : ": ",
                                 never == NULL ? "" : never);
    }
    if (!samlc_algorithms_has(policy->allowed[kind], found)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                                 "%s %s is not allowed for this IdP; %s +%s would allow it",
                                 (const char *)node->name, found->name, setting, found->name);
    }
    *algorithm = found;
    return APR_SUCCESS;
}

/* TRUE for an element that has attributes alone. */
static int is_empty(const xmlNode *node, samlc_result_t *res)
{
    static const samlc_xml_model_t NOTHING[] = { { NULL, NULL, 0, 0 } };

    return samlc_xml_check_children(node, NOTHING, res) == APR_SUCCESS;
}

/* A canonicalisation may have one InclusiveNamespaces child with a short list, and nothing else. */
static apr_status_t check_c14n(const xmlNode *node, const samlc_signature_policy_t *policy,
                               samlc_result_t *res, apr_pool_t *p)
{
    static const samlc_xml_model_t MODEL[] = {
        { NS_EXC_C14N, "InclusiveNamespaces", 0, 1 }, { NULL, NULL, 0, 0 }
    };
    const samlc_algorithm_t *algorithm = NULL;
    const xmlNode *list = samlc_xml_first(node);
    apr_status_t rv = read_algorithm(&algorithm, node, SAMLC_ALGORITHM_C14N,
                                     "CanonicalizationAlgorithms", policy, res, p);

    if (rv == APR_SUCCESS && samlc_xml_check_children(node, MODEL, res) != APR_SUCCESS) {
        rv = scope(res, "a canonicalisation with odd parameters");
    }
    if (rv == APR_SUCCESS && list != NULL) {
        const char *prefixes = samlc_xml_attr(list, "PrefixList", p);

        if (prefixes == NULL || strlen(prefixes) > MAX_PREFIX_LIST || !is_empty(list, res)) {
            rv = scope(res, "an odd list of inclusive namespaces");
        }
    }
    return rv;
}

/* One or two: enveloped-signature, then a canonicalisation. */
static apr_status_t check_transforms(const xmlNode *transforms,
                                     const samlc_signature_policy_t *policy, samlc_result_t *res,
                                     apr_pool_t *p)
{
    static const samlc_xml_model_t MODEL[] = {
        { SAMLC_NS_DS, "Transform", 1, 2 }, { NULL, NULL, 0, 0 }
    };
    const xmlNode *enveloped = samlc_xml_first(transforms);
    const xmlNode *c14n = samlc_xml_next(enveloped);
    apr_status_t rv = samlc_xml_check_children(transforms, MODEL, res);

    if (rv != APR_SUCCESS) {
        return scope(res, "a signature has one or two transforms");
    }
    if (!samlc_text_equal(samlc_xml_attr(enveloped, "Algorithm", p), URI_ENVELOPED)
        || samlc_xml_first(enveloped) != NULL) {
        return scope(res, "the first transform is not enveloped-signature");
    }
    if (c14n != NULL && samlc_text_equal(samlc_xml_attr(c14n, "Algorithm", p), URI_ENVELOPED)) {
        return scope(res, "the second transform is enveloped-signature again");
    }
    if (c14n == NULL
        && !samlc_algorithms_has(policy->allowed[SAMLC_ALGORITHM_C14N],
                                 samlc_algorithm_find(SAMLC_ALGORITHM_C14N, URI_C14N))) {
        /* spec: XML-Signature 4.4.3.2 - what is not said is inclusive canonicalisation */
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                                 "no canonicalisation is named, which means c14n, and that is not "
                                 "allowed for this IdP; CanonicalizationAlgorithms +c14n would "
                                 "allow it");
    }
    return c14n == NULL ? APR_SUCCESS : check_c14n(c14n, policy, res, p);
}

/* How many elements of the document bear this value as any kind of ID. */
static int count_id(const xmlNode *node, const char *id)
{
    int count = 0;

    for (; node != NULL; node = node->next) {
        const xmlAttr *attr = NULL;

        if (node->type != XML_ELEMENT_NODE) {
            continue;
        }
        for (attr = node->properties; attr != NULL; attr = attr->next) {
            if (apr_strnatcasecmp((const char *)attr->name, "id") == 0 && attr->children != NULL
                && attr->children->content != NULL
                && strcmp((const char *)attr->children->content, id) == 0) {
                count++;
            }
        }
        count += count_id(node->children, id);
    }
    return count;
}

/* Makes `id` lead to `element`, and to nothing else, for the same-document reference. */
static apr_status_t register_id(xmlNodePtr element, const char *id, samlc_result_t *res)
{
    xmlAttrPtr attr = xmlHasNsProp(element, (const xmlChar *)"ID", NULL);

    if (attr == NULL || !samlc_xml_is_ncname(id)) {
        return scope(res, "the signed element has no proper ID");
    }
    if (count_id(xmlDocGetRootElement(element->doc), id) != 1) {
        return scope(res, "the ID of the signed element is not unique");
    }
    if (xmlGetID(element->doc, (const xmlChar *)id) != attr
        && (xmlAddID(NULL, element->doc, (const xmlChar *)id, attr) == NULL
            || xmlGetID(element->doc, (const xmlChar *)id) != attr)) {
        return scope(res, "the ID of the signed element can't be registered");
    }
    return APR_SUCCESS;
}

/* The one Reference: "#" and the ID of the element, literally (SAML Core 5.4.2). */
static apr_status_t check_reference(samlc_signature_t *s, xmlNodePtr reference,
                                    const samlc_signature_policy_t *policy, samlc_result_t *res,
                                    apr_pool_t *p)
{
    static const samlc_xml_model_t MODEL[] = {
        { SAMLC_NS_DS, "Transforms", 1, 1 }, { SAMLC_NS_DS, "DigestMethod", 1, 1 },
        { SAMLC_NS_DS, "DigestValue", 1, 1 }, { NULL, NULL, 0, 0 }
    };
    const char *uri = samlc_xml_attr(reference, "URI", p);
    const char *id = samlc_xml_attr(s->parent, "ID", p);
    const xmlNode *method = samlc_xml_child(reference, SAMLC_NS_DS, "DigestMethod", NULL);
    apr_status_t rv = samlc_xml_check_children(reference, MODEL, res);

    if (rv != APR_SUCCESS) {
        return scope(res, "an odd Reference");
    }
    if (id == NULL || uri == NULL || uri[0] != '#' || strcmp(uri + 1, id) != 0) {
        return scope(res, "the signature does not refer to the element that it stands in");
    }
    if (!is_empty(method, res)) {
        return scope(res, "a DigestMethod with parameters");
    }
    if (samlc_xml_text(samlc_xml_next(method), p) == NULL) {
        return scope(res, "a DigestValue that is not plain text");
    }
    rv = register_id(s->parent, id, res);
    if (rv == APR_SUCCESS) {
        rv = check_transforms(samlc_xml_first(reference), policy, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = read_algorithm(&s->digest, method, SAMLC_ALGORITHM_DIGEST, "DigestAlgorithms", policy,
                            res, p);
    }
    return rv;
}

static apr_status_t check_signed_info(samlc_signature_t *s, xmlNodePtr info,
                                      const samlc_signature_policy_t *policy, samlc_result_t *res,
                                      apr_pool_t *p)
{
    static const samlc_xml_model_t MODEL[] = {
        { SAMLC_NS_DS, "CanonicalizationMethod", 1, 1 }, { SAMLC_NS_DS, "SignatureMethod", 1, 1 },
        { SAMLC_NS_DS, "Reference", 1, 1 }, { NULL, NULL, 0, 0 }
    };
    const xmlNode *c14n = samlc_xml_first(info);
    const xmlNode *method = samlc_xml_next(c14n);
    apr_status_t rv = samlc_xml_check_children(info, MODEL, res);

    if (rv != APR_SUCCESS) {
        return scope(res, "a SignedInfo is a canonicalisation, a method and exactly one reference");
    }
    if (!is_empty(method, res)) {
        return scope(res, "a SignatureMethod with parameters");
    }
    rv = check_c14n(c14n, policy, res, p);
    if (rv == APR_SUCCESS) {
        rv = read_algorithm(&s->method, method, SAMLC_ALGORITHM_SIGNATURE, "SignatureAlgorithms",
                            policy, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = check_reference(s, samlc_xml_next(method), policy, res, p);
    }
    return rv;
}

/* KeyInfo is a hint: what can't be read in it is passed over. */
static void read_certs(samlc_signature_t *s, const xmlNode *key_info, apr_pool_t *p)
{
    const xmlNode *data = NULL, *node = NULL;

    for (data = samlc_xml_first(key_info); data != NULL; data = samlc_xml_next(data)) {
        if (!samlc_xml_is(data, SAMLC_NS_DS, "X509Data")) {
            continue;
        }
        for (node = samlc_xml_first(data); node != NULL; node = samlc_xml_next(node)) {
            const char *text = NULL;
            samlc_data_t in = { NULL, 0, "KeyInfo" }, der;

            if (!samlc_xml_is(node, SAMLC_NS_DS, "X509Certificate")
                || (text = samlc_xml_text(node, p)) == NULL || strlen(text) > MAX_CERT_TEXT) {
                continue;
            }
            in.data = (const unsigned char *)text;
            in.len = strlen(text);
            if (samlc_text_base64_decode(&der, &in, p) == APR_SUCCESS) {
                APR_ARRAY_PUSH(s->certs, samlc_data_t) = der;
            }
        }
    }
}

apr_status_t samlc_signature_inspect(samlc_signature_t **signature, xmlNodePtr element,
                                     const samlc_signature_policy_t *policy, samlc_result_t *res,
                                     apr_pool_t *p)
{
    /* No Object: it could carry a Manifest, whose references would be followed. */
    static const samlc_xml_model_t MODEL[] = {
        { SAMLC_NS_DS, "SignedInfo", 1, 1 }, { SAMLC_NS_DS, "SignatureValue", 1, 1 },
        { SAMLC_NS_DS, "KeyInfo", 0, 1 }, { NULL, NULL, 0, 0 }
    };
    samlc_signature_t *s = apr_pcalloc(p, sizeof(*s));
    xmlNodePtr info = NULL, value = NULL;
    apr_status_t rv = APR_EGENERAL;
    int count = 0;

    *signature = NULL;
    s->parent = element;
    s->certs = apr_array_make(p, 2, sizeof(samlc_data_t));
    s->signature = samlc_xml_child(element, SAMLC_NS_DS, "Signature", &count);
    if (count == 0) {
        return samlc_result_fail(res, APR_NOTFOUND, SAMLC_REASON_NO_SIGNATURE, "%s is not signed",
                                 (const char *)element->name);
    }
    if (count > 1 || samlc_xml_check_children(s->signature, MODEL, res) != APR_SUCCESS) {
        return scope(res, "an odd Signature: SignedInfo, SignatureValue and KeyInfo are expected");
    }
    info = samlc_xml_first(s->signature);
    value = samlc_xml_next(info);
    if (samlc_xml_text(value, p) == NULL) {
        return scope(res, "an odd SignatureValue");
    }
    rv = check_signed_info(s, info, policy, res, p);
    if (rv == APR_SUCCESS) {
        read_certs(s, samlc_xml_next(value), p);
        *signature = s;
    }
    return rv;
}

/* --- cryptography --- */

struct samlc_verifier_t {
    xmlSecKeyPtr key;
    const samlc_key_t *own;
    int has_sound_exponent;   /* RSA: e >= 65537, odd */
};

static apr_status_t free_key(void *key)
{
    xmlSecKeyDestroy(key);
    return APR_SUCCESS;
}

static int has_sound_exponent(const samlc_key_t *key)
{
    BIGNUM *e = NULL;
    int sound = 0;

    if (strcmp(samlc_key_type(key), "RSA") != 0) {
        return 1;
    }
    if (EVP_PKEY_get_bn_param(samlc_key_get(key), OSSL_PKEY_PARAM_RSA_E, &e) == 1) {
        sound = BN_is_odd(e) && BN_num_bits(e) >= 17 && BN_num_bits(e) <= 64;
    }
    BN_free(e);
    return sound;
}

samlc_verifier_t *samlc_verifier_make(const samlc_key_t *key, apr_pool_t *p)
{
    samlc_verifier_t *v = apr_pcalloc(p, sizeof(*v));
    xmlSecKeyDataPtr data = NULL;

    v->own = key;
    v->has_sound_exponent = has_sound_exponent(key);
    v->key = xmlSecKeyCreate();
    if (v->key != NULL && EVP_PKEY_up_ref(samlc_key_get(key)) == 1) {
        data = xmlSecOpenSSLEvpKeyAdopt(samlc_key_get(key));
        if (data == NULL) {
            EVP_PKEY_free(samlc_key_get(key));
        }
    }
    if (data == NULL || xmlSecKeySetValue(v->key, data) < 0) {
        /* A key of a kind that xmlsec1 does not know: it verifies nothing. */
        if (data != NULL) {
            xmlSecKeyDataDestroy(data);
        }
        if (v->key != NULL) {
            xmlSecKeyDestroy(v->key);
        }
        v->key = NULL;
    }
    else {
        apr_pool_cleanup_register(p, v->key, free_key, apr_pool_cleanup_null);
    }
    ERR_clear_error();
    return v;
}

int samlc_verifier_suits(const samlc_verifier_t *v, const samlc_algorithm_t *method,
                         const samlc_signature_policy_t *policy, samlc_result_t *res)
{
    const char *type = samlc_key_type(v->own);
    int is_rsa = strcmp(type, "RSA") == 0;
    int is_ec = strcmp(type, "EC") == 0;
    int wants_ec = strncmp(method->name, "ecdsa-", 6) == 0;

    if (v->key == NULL || !(is_rsa || is_ec) || is_ec != wants_ec) {
        samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_SIGNATURE_INVALID,
                          "%s can't be made by an %s key", method->name, type);
        return 0;
    }
    if (is_ec && samlc_key_bits(v->own) < SAMLC_MIN_EC_BITS) {
        samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_KEY_TOO_SMALL,
                          "the key is on a curve of %d bits; %d are the least",
                          samlc_key_bits(v->own), SAMLC_MIN_EC_BITS);
        return 0;
    }
    if (is_rsa && (samlc_key_bits(v->own) < policy->min_rsa_bits || !v->has_sound_exponent)) {
        samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_KEY_TOO_SMALL,
                          "the key has %d bits%s; MinRSABits asks for %d", samlc_key_bits(v->own),
                          v->has_sound_exponent ? "" : " and a weak exponent",
                          policy->min_rsa_bits);
        return 0;
    }
    return 1;
}

/* xmlsec1 keeps one list for SignedInfo (canonicalisation, method) and one for references. */
static int enable_uri(xmlSecDSigCtxPtr ctx, const char *uri, int for_signed_info)
{
    xmlSecTransformId id = xmlSecTransformIdListFindByHref(
        xmlSecTransformIdsGet(), (const xmlChar *)uri, xmlSecTransformUsageAny);

    if (id == xmlSecTransformIdUnknown) {
        return 0;
    }
    return for_signed_info ? xmlSecDSigCtxEnableSignatureTransform(ctx, id) >= 0
                           : xmlSecDSigCtxEnableReferenceTransform(ctx, id) >= 0;
}

/*
 * xmlsec1's own allow-lists hold just what the profile check has found and allowed. They must not
 * be empty: an empty list allows everything.
 */
static int restrict_context(xmlSecDSigCtxPtr ctx, const samlc_signature_t *s,
                            const samlc_signature_policy_t *policy)
{
    const samlc_algorithm_t *c14n = NULL;
    int i = 0;

    /*
     * No key manager and a key set: KeyInfo is never looked at. VISA3D_HACK, an odd name:
     * references are resolved by ID instead of by XPointer.
     */
    ctx->flags = XMLSEC_DSIG_FLAGS_USE_VISA3D_HACK | XMLSEC_DSIG_FLAGS_IGNORE_MANIFESTS
                 | XMLSEC_DSIG_FLAGS_STORE_SIGNEDINFO_REFERENCES;
    ctx->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
    for (i = 0; (c14n = samlc_algorithm_at(SAMLC_ALGORITHM_C14N, i)) != NULL; i++) {
        if (samlc_algorithms_has(policy->allowed[SAMLC_ALGORITHM_C14N], c14n)
            && !(enable_uri(ctx, c14n->uri, 0) && enable_uri(ctx, c14n->uri, 1))) {
            return 0;
        }
    }
    return enable_uri(ctx, URI_ENVELOPED, 0) && enable_uri(ctx, s->digest->uri, 0)
           && enable_uri(ctx, s->method->uri, 1);
}

/* libxml2 would write to stderr about odd namespaces while it canonicalises. */
static void swallow(void *unused, const char *fmt, ...)
{
    (void)unused;
    (void)fmt;
}

static int run_xmlsec(xmlSecDSigCtxPtr ctx, const samlc_signature_t *s, const samlc_verifier_t *v)
{
    xmlGenericErrorFunc saved = xmlGenericError;
    void *saved_context = xmlGenericErrorContext;
    int rc = -1;

    xmlSetGenericErrorFunc(NULL, swallow);
    ctx->signKey = v->key;
    rc = xmlSecDSigCtxVerify(ctx, s->signature);
    ctx->signKey = NULL;   /* or finalising would free the key that all threads share */
    xmlSetGenericErrorFunc(saved_context, saved);
    ERR_clear_error();
    return rc;
}

static xmlSecDSigReferenceCtxPtr only_reference(xmlSecDSigCtxPtr ctx)
{
    return xmlSecPtrListGetSize(&ctx->signedInfoReferences) == 1
               ? (xmlSecDSigReferenceCtxPtr)xmlSecPtrListGetItem(&ctx->signedInfoReferences, 0)
               : NULL;
}

samlc_signature_outcome_t samlc_signature_verify(samlc_data_t *content,
                                                 const samlc_signature_t *signature,
                                                 const samlc_verifier_t *verifier,
                                                 const samlc_signature_policy_t *policy,
                                                 samlc_result_t *res, apr_pool_t *p)
{
    samlc_signature_outcome_t outcome = SAMLC_SIGNATURE_BROKEN;
    xmlSecDSigCtx ctx;
    xmlSecDSigReferenceCtxPtr reference = NULL;
    xmlSecBufferPtr digested = NULL;
    const unsigned char *bytes = NULL;
    apr_size_t len = 0;
    int rc = -1;

    memset(content, 0, sizeof(*content));
    if (!samlc_verifier_suits(verifier, signature->method, policy, res)) {
        return SAMLC_SIGNATURE_WRONG_KEY;
    }
    if (xmlSecDSigCtxInitialize(&ctx, NULL) < 0) {
        samlc_result_fail(res, APR_ENOMEM, SAMLC_REASON_INTERNAL, "xmlsec1 can't start");
        return SAMLC_SIGNATURE_BROKEN;
    }
    if (restrict_context(&ctx, signature, policy)) {
        rc = run_xmlsec(&ctx, signature, verifier);
        reference = only_reference(&ctx);
    }
    if (reference == NULL || reference->status != xmlSecDSigStatusSucceeded) {
        samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_SIGNATURE_INVALID,
                          "%s was changed after it was signed",
                          (const char *)signature->parent->name);
    }
    else if (rc != 0 || ctx.status != xmlSecDSigStatusSucceeded) {
        outcome = SAMLC_SIGNATURE_WRONG_KEY;
        samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_SIGNATURE_INVALID,
                          "the signature of %s was not made by this key",
                          (const char *)signature->parent->name);
    }
    else if ((digested = xmlSecDSigReferenceCtxGetPreDigestBuffer(reference)) == NULL
             || (bytes = xmlSecBufferGetData(digested)) == NULL
             || (len = xmlSecBufferGetSize(digested)) == 0) {
        samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_SIGNATURE_INVALID,
                          "nothing was digested");
    }
    else {
        /* Only now: the buffer is filled on failure, too. */
        content->len = len;
        content->data = apr_pmemdup(p, bytes, len);
        content->origin = "signed content";
        outcome = SAMLC_SIGNATURE_VERIFIED;
    }
    xmlSecDSigCtxFinalize(&ctx);
    return outcome;
}
