/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/selftest.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <pthread.h>
#include <string.h>

#include "core/xml/encryption.h"
#include "core/xml/xml.h"

#define PLACES 16              /* three roles, and as many again while they are rotated */
#define CONTENT_KEY 16         /* bytes, of AES-128 */
#define GCM_IV 12
#define GCM_TAG 16
#define MAX_SIGNATURE 2048
#define PLAINTEXT "mod_samlcert"
#define OAEP SAMLC_NS_XENC "rsa-oaep-mgf1p"
#define AES_GCM SAMLC_NS_XENC11 "aes128-gcm"

/* ---- Pairs that passed ---- */

static unsigned char passed[PLACES][SAMLC_SHA256_LEN];
static unsigned long tested;    /* the next place is this one, modulo their number */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

/* A pair by the bytes of its files. FALSE if OpenSSL refuses. */
static int identify(unsigned char id[SAMLC_SHA256_LEN], const samlc_data_t *key_pem,
                    const samlc_data_t *cert_pem)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
            && EVP_DigestUpdate(md, &key_pem->len, sizeof(key_pem->len)) == 1
            && EVP_DigestUpdate(md, key_pem->data, key_pem->len) == 1
            && EVP_DigestUpdate(md, cert_pem->data, cert_pem->len) == 1
            && EVP_DigestFinal_ex(md, id, NULL) == 1;

    EVP_MD_CTX_free(md);
    return done;
}

static int has_passed(const unsigned char id[SAMLC_SHA256_LEN])
{
    unsigned long i = 0;
    int found = 0;

    pthread_mutex_lock(&mutex);
    for (i = 0; i < PLACES && i < tested && !found; i++) {
        found = memcmp(passed[i], id, SAMLC_SHA256_LEN) == 0;
    }
    pthread_mutex_unlock(&mutex);
    return found;
}

static void remember(const unsigned char id[SAMLC_SHA256_LEN])
{
    pthread_mutex_lock(&mutex);
    memcpy(passed[tested % PLACES], id, SAMLC_SHA256_LEN);
    tested++;
    pthread_mutex_unlock(&mutex);
}

unsigned long samlc_selftest_count(void)
{
    unsigned long count = 0;

    pthread_mutex_lock(&mutex);
    count = tested;
    pthread_mutex_unlock(&mutex);
    return count;
}

/* ---- The test ---- */

static int is_rsa(const samlc_key_t *key)
{
    return strcmp(samlc_key_type(key), "RSA") == 0;
}

/* Ed25519 and its like bring their own digest. */
static const EVP_MD *digest_of(const samlc_key_t *key)
{
    return is_rsa(key) || strcmp(samlc_key_type(key), "EC") == 0 ? EVP_sha256() : NULL;
}

static int signs(const samlc_own_key_t *own)
{
    static const unsigned char text[] = PLAINTEXT;
    const EVP_MD *digest = digest_of(own->key);
    unsigned char signature[MAX_SIGNATURE];
    size_t len = sizeof(signature);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    EVP_MD_CTX *other = EVP_MD_CTX_new();
    int ok = ctx && other
          && EVP_DigestSignInit(ctx, NULL, digest, NULL, samlc_key_get(own->key)) == 1
          && EVP_DigestSign(ctx, signature, &len, text, sizeof(text)) == 1
          && EVP_DigestVerifyInit(other, NULL, digest, NULL,
                                  samlc_key_get(samlc_cert_key(own->cert))) == 1
          && EVP_DigestVerify(other, signature, len, text, sizeof(text)) == 1;

    EVP_MD_CTX_free(ctx);
    EVP_MD_CTX_free(other);
    return ok;
}

/* The content key, wrapped for the certificate, in base64; NULL if OpenSSL refuses. */
static const char *wrap(const unsigned char *content_key, const samlc_cert_t *cert, apr_pool_t *p)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(samlc_key_get(samlc_cert_key(cert)), NULL);
    unsigned char out[MAX_SIGNATURE];
    size_t len = sizeof(out);
    const char *wrapped = NULL;

    if (ctx && EVP_PKEY_encrypt_init(ctx) == 1
        && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1
        && EVP_PKEY_encrypt(ctx, out, &len, content_key, CONTENT_KEY) == 1) {
        wrapped = samlc_text_base64(out, len, p);
    }
    EVP_PKEY_CTX_free(ctx);
    return wrapped;
}

/* Initialisation vector, ciphertext and tag in base64; NULL if OpenSSL refuses. */
static const char *encrypt(const unsigned char *content_key, apr_pool_t *p)
{
    static const unsigned char text[] = PLAINTEXT;
    unsigned char out[GCM_IV + sizeof(text) + GCM_TAG];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    const char *encrypted = NULL;
    int n = 0, rest = 0;

    if (ctx && RAND_bytes(out, GCM_IV) == 1
        && EVP_EncryptInit_ex(ctx, EVP_aes_128_gcm(), NULL, content_key, out) == 1
        && EVP_EncryptUpdate(ctx, out + GCM_IV, &n, text, sizeof(text)) == 1
        && EVP_EncryptFinal_ex(ctx, out + GCM_IV + n, &rest) == 1
        && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, GCM_TAG, out + GCM_IV + n + rest) == 1) {
        encrypted = samlc_text_base64(out, sizeof(out), p);
    }
    EVP_CIPHER_CTX_free(ctx);
    return encrypted;
}

/* What an IdP would send for this certificate; NULL if OpenSSL refuses. */
static const char *make_message(const samlc_cert_t *cert, apr_pool_t *p)
{
    unsigned char content_key[CONTENT_KEY];
    const char *wrapped = NULL;
    const char *encrypted = NULL;

    if (RAND_bytes(content_key, CONTENT_KEY) == 1) {
        wrapped = wrap(content_key, cert, p);
        encrypted = encrypt(content_key, p);
    }
    if (!wrapped || !encrypted) {
        return NULL;
    }
    return apr_pstrcat(
        p, "<e xmlns:x=\"" SAMLC_NS_XENC "\"><x:EncryptedData>"
        "<x:EncryptionMethod Algorithm=\"" AES_GCM "\"/><x:CipherData><x:CipherValue>", encrypted,
        "</x:CipherValue></x:CipherData></x:EncryptedData>"
        "<x:EncryptedKey><x:EncryptionMethod Algorithm=\"" OAEP "\"/><x:CipherData><x:CipherValue>",
        wrapped, "</x:CipherValue></x:CipherData></x:EncryptedKey></e>", NULL);
}

static int decrypts(const samlc_own_key_t *own, apr_pool_t *p)
{
    const char *xml = make_message(own->cert, p);
    samlc_data_t message = {(const unsigned char *)xml, xml ? strlen(xml) : 0, "self-test"};
    samlc_result_t *res = samlc_result_make(p);
    samlc_encryption_policy_t policy;
    samlc_keyset_t keys;
    samlc_data_t plaintext;
    xmlDocPtr doc = NULL;

    memset(&policy, 0, sizeof(policy));
    policy.key_transport = samlc_algorithms_default(SAMLC_ALGORITHM_KEY_TRANSPORT);
    policy.content = samlc_algorithms_default(SAMLC_ALGORITHM_ENCRYPTION);
    memset(&keys, 0, sizeof(keys));
    keys.keys[SAMLC_OWN_ACTIVE] = *own;
    return xml && samlc_xml_parse(&doc, &message, &SAMLC_XML_MESSAGE, res, p) == APR_SUCCESS
        && samlc_encryption_open(&plaintext, xmlDocGetRootElement(doc), &keys, &policy, res, p)
               == APR_SUCCESS
        && plaintext.len == sizeof(PLAINTEXT)
        && memcmp(plaintext.data, PLAINTEXT, sizeof(PLAINTEXT)) == 0;
}

apr_status_t samlc_selftest_key(const samlc_own_key_t *own, const samlc_data_t *key_pem,
                                const samlc_data_t *cert_pem, samlc_result_t *res, apr_pool_t *p)
{
    unsigned char id[SAMLC_SHA256_LEN];
    const char *failure = NULL;
    apr_pool_t *scratch = NULL;
    int is_identified = identify(id, key_pem, cert_pem);

    if (is_identified && has_passed(id)) {
        return APR_SUCCESS;
    }
    apr_pool_create(&scratch, p);
    if (!signs(own)) {
        failure = "does not sign what the certificate verifies";
    }
    else if (is_rsa(own->key) && !decrypts(own, scratch)) {
        failure = "does not decrypt what is encrypted for the certificate";
    }
    apr_pool_destroy(scratch);
    ERR_clear_error();
    if (failure) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: the self-test failed: this key %s (%s)", key_pem->origin,
                                 failure, cert_pem->origin);
    }
    if (is_identified) {
        remember(id);
    }
    return APR_SUCCESS;
}
