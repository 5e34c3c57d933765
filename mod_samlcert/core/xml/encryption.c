/* SPDX-License-Identifier: Apache-2.0 */
#include "core/xml/encryption.h"

#include <string.h>

#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>

#include "core/xml/xml.h"

#define TYPE_ELEMENT SAMLC_NS_XENC "Element"
#define MAX_CONTENT_KEY 32
#define MAX_WRAPPED_KEY 2048
#define GCM_IV 12
#define GCM_TAG 16
#define CBC_BLOCK 16

/* --- structure --- */

/* How a content key was wrapped. */
typedef struct wrapped_t {
    int padding;
    const EVP_MD *digest;      /* OAEP */
    const EVP_MD *mgf_digest;
    samlc_data_t label;
    samlc_data_t bytes;
} wrapped_t;

/* How the content was encrypted. */
typedef struct content_t {
    const samlc_algorithm_t *algorithm;
    const EVP_CIPHER *cipher;
    int is_gcm;
    samlc_data_t bytes;
} content_t;

static apr_status_t malformed(samlc_result_t *res, const char *what)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s", what);
}

static apr_status_t forbidden(samlc_result_t *res, const char *uri,
                              const samlc_algorithm_t *algorithm, const char *setting)
{
    if (algorithm == NULL) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                                 "encrypted with %s, which is not known",
                                 samlc_text_show(uri, res->pool));
    }
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                             "encrypted with %s, which is not allowed for this IdP; have it use a "
                             "default algorithm, or set %s +%s", algorithm->name, setting,
                             algorithm->name);
}

/* The children of an EncryptedData or EncryptedKey by their schema: XML Encryption 3.1, 3.5. */
static apr_status_t check_encrypted(const xmlNode *node, int is_key, samlc_result_t *res)
{
    static const samlc_xml_model_t DATA[] = {
        { SAMLC_NS_XENC, "EncryptionMethod", 0, 1 }, { SAMLC_NS_DS, "KeyInfo", 0, 1 },
        { SAMLC_NS_XENC, "CipherData", 1, 1 }, { SAMLC_NS_XENC, "EncryptionProperties", 0, 1 },
        { NULL, NULL, 0, 0 }
    };
    static const samlc_xml_model_t KEY[] = {
        { SAMLC_NS_XENC, "EncryptionMethod", 0, 1 }, { SAMLC_NS_DS, "KeyInfo", 0, 1 },
        { SAMLC_NS_XENC, "CipherData", 1, 1 }, { SAMLC_NS_XENC, "EncryptionProperties", 0, 1 },
        { SAMLC_NS_XENC, "ReferenceList", 0, 1 }, { SAMLC_NS_XENC, "CarriedKeyName", 0, 1 },
        { NULL, NULL, 0, 0 }
    };
    /* a CipherReference would make us fetch something */
    static const samlc_xml_model_t CIPHER[] = { { SAMLC_NS_XENC, "CipherValue", 1, 1 },
                                                { NULL, NULL, 0, 0 } };
    /* MGF and OAEPparams have two places, since they come in other orders than 5.2 has them */
    static const samlc_xml_model_t METHOD[] = {
        { SAMLC_NS_XENC, "KeySize", 0, 1 }, { SAMLC_NS_XENC, "OAEPparams", 0, 1 },
        { SAMLC_NS_XENC11, "MGF", 0, 1 }, { SAMLC_NS_DS, "DigestMethod", 0, 1 },
        { SAMLC_NS_XENC11, "MGF", 0, 1 }, { SAMLC_NS_XENC, "OAEPparams", 0, 1 },
        { NULL, NULL, 0, 0 }
    };
    apr_status_t rv = samlc_xml_check_children(node, is_key ? KEY : DATA, res);
    const xmlNode *method = samlc_xml_child(node, SAMLC_NS_XENC, "EncryptionMethod", NULL);
    int mgfs = 0, labels = 0;

    if (rv == APR_SUCCESS) {
        rv = samlc_xml_check_children(samlc_xml_child(node, SAMLC_NS_XENC, "CipherData", NULL),
                                      CIPHER, res);
    }
    if (rv == APR_SUCCESS && method != NULL) {
        rv = samlc_xml_check_children(method, METHOD, res);
        samlc_xml_child(method, SAMLC_NS_XENC11, "MGF", &mgfs);
        samlc_xml_child(method, SAMLC_NS_XENC, "OAEPparams", &labels);
    }
    return rv == APR_SUCCESS && (mgfs > 1 || labels > 1)
               ? malformed(res, "two MGF or OAEPparams in an EncryptionMethod") : rv;
}

/* Of what check_encrypted let pass. */
static apr_status_t read_cipher_value(samlc_data_t *out, const xmlNode *parent, samlc_result_t *res,
                                      apr_pool_t *p)
{
    const xmlNode *data = samlc_xml_child(parent, SAMLC_NS_XENC, "CipherData", NULL);
    const char *text = samlc_xml_text(samlc_xml_first(data), p);
    samlc_data_t in = { (const unsigned char *)text, 0, "CipherValue" };

    memset(out, 0, sizeof(*out));
    if (text == NULL) {
        return malformed(res, "a CipherValue with more in it than text");
    }
    in.len = strlen(text);
    return samlc_text_base64_decode(out, &in, p) == APR_SUCCESS
               ? APR_SUCCESS
               : malformed(res, "a CipherValue that is not base64");
}

static const EVP_MD *digest_by_uri(const char *uri)
{
    static const struct {
        const char *uri;
        const EVP_MD *(*get)(void);
    } DIGESTS[] = {
        { SAMLC_NS_DS "sha1", EVP_sha1 },
        { SAMLC_NS_XENC "sha256", EVP_sha256 },
        { "http://www.w3.org/2001/04/xmldsig-more#sha384", EVP_sha384 },
        { SAMLC_NS_XENC "sha512", EVP_sha512 },
        { SAMLC_NS_XENC11 "mgf1sha1", EVP_sha1 },
        { SAMLC_NS_XENC11 "mgf1sha256", EVP_sha256 },
        { SAMLC_NS_XENC11 "mgf1sha384", EVP_sha384 },
        { SAMLC_NS_XENC11 "mgf1sha512", EVP_sha512 },
    };
    apr_size_t i = 0;

    for (i = 0; i < sizeof(DIGESTS) / sizeof(DIGESTS[0]); i++) {
        if (samlc_text_equal(uri, DIGESTS[i].uri)) {
            return DIGESTS[i].get();
        }
    }
    return NULL;
}

/* The children of an OAEP EncryptionMethod, each there once at most (XML Encryption 1.1, 5.5.2). */
static apr_status_t read_oaep(wrapped_t *w, const xmlNode *method, samlc_result_t *res,
                              apr_pool_t *p)
{
    const xmlNode *digest = samlc_xml_child(method, SAMLC_NS_DS, "DigestMethod", NULL);
    const xmlNode *mgf = samlc_xml_child(method, SAMLC_NS_XENC11, "MGF", NULL);
    const xmlNode *label = samlc_xml_child(method, SAMLC_NS_XENC, "OAEPparams", NULL);

    w->padding = RSA_PKCS1_OAEP_PADDING;
    w->digest = digest == NULL ? EVP_sha1() : digest_by_uri(samlc_xml_attr(digest, "Algorithm", p));
    w->mgf_digest = mgf == NULL ? EVP_sha1() : digest_by_uri(samlc_xml_attr(mgf, "Algorithm", p));
    if (label != NULL) {
        const char *text = samlc_xml_text(label, p);
        samlc_data_t in = { (const unsigned char *)text, text == NULL ? 0 : strlen(text), "" };

        if (text == NULL || samlc_text_base64_decode(&w->label, &in, p) != APR_SUCCESS) {
            return malformed(res, "OAEPparams that are not base64");
        }
    }
    return w->digest != NULL && w->mgf_digest != NULL
               ? APR_SUCCESS
               : samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
                                   "RSA-OAEP with a digest that is not known");
}

static apr_status_t read_wrapped(apr_array_header_t *keys, const xmlNode *node,
                                 const samlc_encryption_policy_t *policy, samlc_result_t *res,
                                 apr_pool_t *p)
{
    const xmlNode *method = samlc_xml_child(node, SAMLC_NS_XENC, "EncryptionMethod", NULL);
    const char *uri = method == NULL ? NULL : samlc_xml_attr(method, "Algorithm", p);
    const samlc_algorithm_t *algorithm = uri == NULL
        ? NULL : samlc_algorithm_find(SAMLC_ALGORITHM_KEY_TRANSPORT, uri);
    wrapped_t w;
    apr_status_t rv = APR_SUCCESS;

    memset(&w, 0, sizeof(w));
    if (algorithm == NULL || !samlc_algorithms_has(policy->key_transport, algorithm)) {
        return forbidden(res, uri, algorithm, "KeyTransportAlgorithms");
    }
    if (strncmp(algorithm->name, "rsa-oaep", 8) == 0) {
        rv = read_oaep(&w, method, res, p);
    }
    else {
        w.padding = RSA_PKCS1_PADDING;
    }
    if (rv == APR_SUCCESS) {
        rv = read_cipher_value(&w.bytes, node, res, p);
    }
    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(keys, wrapped_t) = w;
    }
    return rv;
}

/*
 * EncryptedKeys in EncryptedData/KeyInfo and beside EncryptedData; nothing is retrieved. One that
 * is wrapped by what we don't allow may be for another recipient: it counts only where there is no
 * other.
 */
static apr_status_t read_keys(apr_array_header_t *keys, const xmlNode *encrypted,
                              const xmlNode *data, const samlc_encryption_policy_t *policy,
                              samlc_result_t *res, apr_pool_t *p)
{
    const xmlNode *parents[2];
    samlc_result_t *skipped = samlc_result_make(p);
    apr_status_t rv = APR_SUCCESS;
    int i = 0, count = 0;

    parents[0] = samlc_xml_child(data, SAMLC_NS_DS, "KeyInfo", NULL);
    parents[1] = encrypted;
    for (i = 0; i < 2; i++) {
        const xmlNode *node = NULL;

        for (node = samlc_xml_first(parents[i]); node != NULL && rv == APR_SUCCESS;
             node = samlc_xml_next(node)) {
            if (!samlc_xml_is(node, SAMLC_NS_XENC, "EncryptedKey")) {
                continue;
            }
            if (++count > SAMLC_MAX_ENCRYPTED_KEYS) {
                return malformed(res, "too many encrypted keys");
            }
            rv = check_encrypted(node, 1, res);
            if (rv == APR_SUCCESS) {
                rv = read_wrapped(keys, node, policy, res, p);
            }
            if (rv != APR_SUCCESS && res->reason == SAMLC_REASON_ALGORITHM_FORBIDDEN
                && samlc_xml_child(node, SAMLC_NS_XENC, "EncryptionMethod", NULL) != NULL) {
                *skipped = *res;
                rv = APR_SUCCESS;
            }
        }
    }
    if (rv == APR_SUCCESS && keys->nelts == 0 && skipped->status != APR_SUCCESS) {
        *res = *skipped;
        rv = res->status;
    }
    else if (rv == APR_SUCCESS && keys->nelts == 0) {
        rv = malformed(res, "encrypted content without an encrypted key");
    }
    return rv;
}

static const EVP_CIPHER *cipher_of(const samlc_algorithm_t *algorithm)
{
    static const struct {
        const char *name;
        const EVP_CIPHER *(*get)(void);
    } CIPHERS[] = {
        { "aes128-gcm", EVP_aes_128_gcm }, { "aes192-gcm", EVP_aes_192_gcm },
        { "aes256-gcm", EVP_aes_256_gcm }, { "aes128-cbc", EVP_aes_128_cbc },
        { "aes192-cbc", EVP_aes_192_cbc }, { "aes256-cbc", EVP_aes_256_cbc },
        { "tripledes-cbc", EVP_des_ede3_cbc },
    };
    apr_size_t i = 0;

    for (i = 0; i < sizeof(CIPHERS) / sizeof(CIPHERS[0]); i++) {
        if (strcmp(algorithm->name, CIPHERS[i].name) == 0) {
            return CIPHERS[i].get();
        }
    }
    return NULL;
}

static apr_status_t read_content(content_t *c, const xmlNode *data,
                                 const samlc_encryption_policy_t *policy, samlc_result_t *res,
                                 apr_pool_t *p)
{
    const xmlNode *method = samlc_xml_child(data, SAMLC_NS_XENC, "EncryptionMethod", NULL);
    const char *uri = method == NULL ? NULL : samlc_xml_attr(method, "Algorithm", p);
    const char *type = samlc_xml_attr(data, "Type", p);

    c->algorithm = uri == NULL ? NULL : samlc_algorithm_find(SAMLC_ALGORITHM_ENCRYPTION, uri);
    if (type != NULL && strcmp(type, TYPE_ELEMENT) != 0) {
        return malformed(res, "encrypted content that is not an element");
    }
    if (c->algorithm == NULL || !samlc_algorithms_has(policy->content, c->algorithm)
        || (c->cipher = cipher_of(c->algorithm)) == NULL) {
        return forbidden(res, uri, c->algorithm, "EncryptionAlgorithms");
    }
    c->is_gcm = EVP_CIPHER_get_mode(c->cipher) == EVP_CIPH_GCM_MODE;
    if (!c->is_gcm && !policy->under_signature && !policy->unsigned_cbc) {
        /* Nothing vouches for the ciphertext: whoever changes it learns from our answers. */
        return samlc_result_fail(
            res, APR_EINVAL, SAMLC_REASON_ALGORITHM_FORBIDDEN,
            "encrypted with %s although nothing signed covers the ciphertext; "
            "have the IdP sign its responses or use AES-GCM, or set UnsignedCBC "
            "on",
            c->algorithm->name);
    }
    return read_cipher_value(&c->bytes, data, res, p);
}

/* --- cryptography: from here on nothing tells what went wrong --- */

/* TRUE if this key unwraps it to a content key of `len` bytes. */
static int unwrap(unsigned char *content_key, apr_size_t len, const wrapped_t *w,
                  const samlc_key_t *key)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(samlc_key_get(key), NULL);
    unsigned char out[MAX_WRAPPED_KEY];
    size_t out_len = sizeof(out);
    int ok = ctx != NULL && EVP_PKEY_decrypt_init(ctx) == 1
             && EVP_PKEY_CTX_set_rsa_padding(ctx, w->padding) == 1;

    if (ok && w->padding == RSA_PKCS1_OAEP_PADDING) {
        ok = EVP_PKEY_CTX_set_rsa_oaep_md(ctx, w->digest) == 1
             && EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, w->mgf_digest) == 1;
        if (ok && w->label.len > 0) {
            void *label = OPENSSL_memdup(w->label.data, w->label.len);

            ok = label != NULL
                 && EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, label, (int)w->label.len) == 1;
            if (!ok) {
                OPENSSL_free(label);
            }
        }
    }
    ok = ok && EVP_PKEY_decrypt(ctx, out, &out_len, w->bytes.data, w->bytes.len) == 1
         && out_len == len;
    if (ok) {
        memcpy(content_key, out, len);
    }
    OPENSSL_cleanse(out, sizeof(out));
    EVP_PKEY_CTX_free(ctx);
    return ok;
}

/*
 * Tries every own key on every wrapped one; a random key where none fits, so that both ways go on
 * alike.
 */
static int find_content_key(unsigned char *content_key, apr_size_t len,
                            const apr_array_header_t *wrapped, const samlc_keyset_t *keys)
{
    int role = 0, i = 0;

    if (RAND_bytes(content_key, (int)len) != 1) {
        return 0;
    }
    for (role = 0; keys != NULL && role < SAMLC_OWN_COUNT; role++) {
        for (i = 0; keys->keys[role].key != NULL && i < wrapped->nelts; i++) {
            if (unwrap(content_key, len, &APR_ARRAY_IDX(wrapped, i, wrapped_t),
                       keys->keys[role].key)) {
                return 1;
            }
        }
    }
    return 1;
}

static int decrypt_gcm(unsigned char *out, apr_size_t *out_len, const content_t *c,
                       EVP_CIPHER_CTX *ctx, const unsigned char *key)
{
    const unsigned char *in = c->bytes.data;
    int n = 0, rest = 0, len = 0;

    if (c->bytes.len < GCM_IV + GCM_TAG) {
        return 0;
    }
    len = (int)(c->bytes.len - GCM_IV - GCM_TAG);
    if (EVP_DecryptInit_ex(ctx, c->cipher, NULL, key, in) != 1
        || EVP_DecryptUpdate(ctx, out, &n, in + GCM_IV, len) != 1
        || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, GCM_TAG, (void *)(in + GCM_IV + len)) != 1
        || EVP_DecryptFinal_ex(ctx, out + n, &rest) != 1) {
        return 0;
    }
    *out_len = (apr_size_t)(n + rest);
    return 1;
}

/* XML Encryption's padding: the last byte says how many; the others are arbitrary. */
static int decrypt_cbc(unsigned char *out, apr_size_t *out_len, const content_t *c,
                       EVP_CIPHER_CTX *ctx, const unsigned char *key)
{
    int block = EVP_CIPHER_get_block_size(c->cipher);
    int n = 0, rest = 0, len = (int)c->bytes.len - block;

    if (len < block || len % block != 0
        || EVP_DecryptInit_ex(ctx, c->cipher, NULL, key, c->bytes.data) != 1
        || EVP_CIPHER_CTX_set_padding(ctx, 0) != 1
        || EVP_DecryptUpdate(ctx, out, &n, c->bytes.data + block, len) != 1
        || EVP_DecryptFinal_ex(ctx, out + n, &rest) != 1 || n + rest != len
        || out[len - 1] < 1 || out[len - 1] > block) {
        return 0;
    }
    *out_len = (apr_size_t)(len - out[len - 1]);
    return 1;
}

static apr_status_t decrypt(samlc_data_t *plaintext, const content_t *c,
                            const apr_array_header_t *wrapped, const samlc_keyset_t *keys,
                            samlc_result_t *res, apr_pool_t *p)
{
    unsigned char content_key[MAX_CONTENT_KEY];
    unsigned char *out = apr_pcalloc(p, c->bytes.len + CBC_BLOCK);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int ok = ctx != NULL
             && find_content_key(content_key, (apr_size_t)EVP_CIPHER_get_key_length(c->cipher),
                                 wrapped, keys)
             && (c->is_gcm ? decrypt_gcm : decrypt_cbc)(out, &plaintext->len, c, ctx, content_key);

    OPENSSL_cleanse(content_key, sizeof(content_key));
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    if (!ok) {
        plaintext->len = 0;
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_DECRYPT_FAILED,
                                 "none of our keys opens it, or it was changed");
    }
    plaintext->data = out;
    return APR_SUCCESS;
}

apr_status_t samlc_encryption_open(samlc_data_t *plaintext, xmlNodePtr encrypted,
                                   const samlc_keyset_t *keys,
                                   const samlc_encryption_policy_t *policy, samlc_result_t *res,
                                   apr_pool_t *p)
{
    /* spec: SAML-Core 2.2.4 */
    static const samlc_xml_model_t MODEL[] = { { SAMLC_NS_XENC, "EncryptedData", 1, 1 },
                                               { SAMLC_NS_XENC, "EncryptedKey", 0, SAMLC_XML_MANY },
                                               { NULL, NULL, 0, 0 } };
    apr_array_header_t *wrapped = apr_array_make(p, 2, sizeof(wrapped_t));
    content_t content;
    const xmlNode *data = NULL;
    apr_status_t rv = APR_EGENERAL;

    memset(plaintext, 0, sizeof(*plaintext));
    memset(&content, 0, sizeof(content));
    plaintext->origin = "decrypted content";
    rv = samlc_xml_check_children(encrypted, MODEL, res);
    if (rv == APR_SUCCESS) {
        data = samlc_xml_child(encrypted, SAMLC_NS_XENC, "EncryptedData", NULL);
        rv = check_encrypted(data, 0, res);
    }
    if (rv == APR_SUCCESS) {
        rv = read_content(&content, data, policy, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = read_keys(wrapped, encrypted, data, policy, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = decrypt(plaintext, &content, wrapped, keys, res, p);
    }
    return rv;
}
