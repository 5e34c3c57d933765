/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sealed text is base64url of: nonce (12 bytes), ciphertext of expiry (8 bytes, big endian,
 * microseconds) and text, tag (16 bytes). The purpose is additional authenticated data. Random
 * nonces are safe for some 2^32 texts under one key (NIST SP 800-38D, 8.3).
 */
#include "core/keys/seal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "core/base/file.h"

#define NONCE_LEN 12
#define EXPIRY_LEN 8
#define TAG_LEN 16
#define OVERHEAD (NONCE_LEN + EXPIRY_LEN + TAG_LEN)

struct samlc_seal_t {
    unsigned char key[SAMLC_SEAL_KEY_LEN];
};

static apr_status_t cleanse_seal(void *data)
{
    OPENSSL_cleanse(data, sizeof(samlc_seal_t));
    return APR_SUCCESS;
}

samlc_seal_t *samlc_seal_make(const unsigned char key[SAMLC_SEAL_KEY_LEN], apr_pool_t *p)
{
    samlc_seal_t *seal = apr_palloc(p, sizeof(*seal));

    memcpy(seal->key, key, sizeof(seal->key));
    apr_pool_cleanup_register(p, seal, cleanse_seal, apr_pool_cleanup_null);
    return seal;
}

/* Writes a random key to `path`, unless somebody was faster: then theirs counts. */
static apr_status_t create_key(const char *path, samlc_result_t *res, apr_pool_t *p)
{
    unsigned char key[SAMLC_SEAL_KEY_LEN];
    apr_status_t rv = APR_EGENERAL;

    ERR_clear_error();
    if (RAND_bytes(key, sizeof(key)) != 1) {
        return samlc_result_fail_openssl(res, APR_EGENERAL, SAMLC_REASON_INTERNAL,
                                         "%s: no random numbers for a new key", path);
    }
    rv = samlc_file_create(path, key, sizeof(key), APR_FPROT_UREAD | APR_FPROT_UWRITE, res, p);
    OPENSSL_cleanse(key, sizeof(key));
    return APR_STATUS_IS_EEXIST(rv) ? APR_SUCCESS : rv;
}

apr_status_t samlc_seal_load(samlc_seal_t **seal, const char *path, samlc_result_t *res,
                             apr_pool_t *p)
{
    samlc_data_t file = {NULL, 0, path};
    apr_status_t rv = APR_EGENERAL;

    *seal = NULL;
    rv = samlc_file_read(&file, path, SAMLC_MAX_CERT_FILE, res, p);
    if (APR_STATUS_IS_ENOENT(rv)) {
        rv = create_key(path, res, p);
        if (rv == APR_SUCCESS) {
            rv = samlc_file_read(&file, path, SAMLC_MAX_CERT_FILE, res, p);
        }
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (file.len != SAMLC_SEAL_KEY_LEN) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: a key of %d bytes was expected, these are %" APR_SIZE_T_FMT
                                 "; remove the file to get a new key",
                                 path, SAMLC_SEAL_KEY_LEN, file.len);
    }
    *seal = samlc_seal_make(file.data, p);
    OPENSSL_cleanse((void *)file.data, file.len);
    return APR_SUCCESS;
}

static void put_expiry(unsigned char out[EXPIRY_LEN], apr_time_t expires)
{
    apr_uint64_t value = (apr_uint64_t)expires;
    int i = 0;

    for (i = EXPIRY_LEN - 1; i >= 0; i--) {
        out[i] = (unsigned char)value;
        value >>= 8;
    }
}

static apr_time_t get_expiry(const unsigned char in[EXPIRY_LEN])
{
    apr_uint64_t value = 0;
    int i = 0;

    for (i = 0; i < EXPIRY_LEN; i++) {
        value = value << 8 | in[i];
    }
    return (apr_time_t)value;
}

/* Fills nonce, ciphertext and tag into `out`, which has OVERHEAD + len bytes. */
static int encrypt(unsigned char *out, const samlc_seal_t *seal, const char *purpose,
                   const unsigned char *text, int len, apr_time_t expires)
{
    unsigned char *nonce = out;
    unsigned char *body = nonce + NONCE_LEN;
    unsigned char *tag = body + EXPIRY_LEN + len;
    unsigned char expiry[EXPIRY_LEN];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    int done = 0;

    put_expiry(expiry, expires);
    done = ctx && RAND_bytes(nonce, NONCE_LEN) == 1
        && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, nonce) == 1
        && EVP_EncryptUpdate(ctx, NULL, &n, (const unsigned char *)purpose,
                             (int)strlen(purpose)) == 1
        && EVP_EncryptUpdate(ctx, body, &n, expiry, EXPIRY_LEN) == 1
        && EVP_EncryptUpdate(ctx, body + EXPIRY_LEN, &n, text, len) == 1
        && EVP_EncryptFinal_ex(ctx, tag, &n) == 1
        && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) == 1;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return done;
}

/* Fills expiry and text into `out`, which has `len` - NONCE_LEN - TAG_LEN bytes; proves the tag. */
static int decrypt(unsigned char *out, const samlc_seal_t *seal, const char *purpose,
                   const unsigned char *sealed, int len)
{
    const unsigned char *body = sealed + NONCE_LEN;
    int body_len = len - NONCE_LEN - TAG_LEN;
    unsigned char tag[TAG_LEN];
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int n = 0;
    int done = 0;

    memcpy(tag, body + body_len, TAG_LEN);
    done = ctx && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, seal->key, sealed) == 1
        && EVP_DecryptUpdate(ctx, NULL, &n, (const unsigned char *)purpose,
                             (int)strlen(purpose)) == 1
        && EVP_DecryptUpdate(ctx, out, &n, body, body_len) == 1
        && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1
        && EVP_DecryptFinal_ex(ctx, out + body_len, &n) == 1;
    EVP_CIPHER_CTX_free(ctx);
    ERR_clear_error();
    return done;
}

apr_status_t samlc_seal_close(const char **sealed, const samlc_seal_t *seal, const char *purpose,
                              const char *text, apr_time_t expires, apr_pool_t *p)
{
    apr_size_t len = strlen(text);
    unsigned char *bytes = NULL;

    *sealed = NULL;
    if (len > SAMLC_MAX_SEALED_TEXT) {
        return APR_EINVAL;
    }
    bytes = apr_palloc(p, OVERHEAD + len);
    if (!encrypt(bytes, seal, purpose, (const unsigned char *)text, (int)len, expires)) {
        return APR_EGENERAL;
    }
    *sealed = samlc_text_base64url(bytes, OVERHEAD + len, p);
    return APR_SUCCESS;
}

/* Base64url without padding, and nothing else. */
static apr_status_t decode(samlc_data_t *out, const char *s, apr_pool_t *p)
{
    apr_size_t len = strlen(s);
    char *text = apr_palloc(p, len + 3);
    samlc_data_t in = {(const unsigned char *)text, 0, NULL};
    apr_size_t i = 0;

    if (strpbrk(s, "+/= \t\r\n")) {
        return APR_EINVAL;
    }
    for (i = 0; i < len; i++) {
        text[i] = s[i] == '-' ? '+' : s[i] == '_' ? '/' : s[i];
    }
    for (; i % 4 != 0; i++) {
        text[i] = '=';
    }
    in.len = i;
    return samlc_text_base64_decode(out, &in, p);
}

apr_status_t samlc_seal_open(const char **text, const samlc_seal_t *seal, const char *purpose,
                             const char *sealed, apr_time_t now, apr_pool_t *p)
{
    samlc_data_t bytes = {NULL, 0, NULL};
    unsigned char *plain = NULL;

    *text = NULL;
    if (!sealed || strlen(sealed) > (OVERHEAD + SAMLC_MAX_SEALED_TEXT) * 4 / 3 + 3
        || decode(&bytes, sealed, p) != APR_SUCCESS || bytes.len < OVERHEAD) {
        return APR_EINVAL;
    }
    plain = apr_palloc(p, bytes.len - NONCE_LEN - TAG_LEN + 1);
    if (!decrypt(plain, seal, purpose, bytes.data, (int)bytes.len)) {
        return APR_EINVAL;
    }
    if (now >= get_expiry(plain)) {
        return APR_EINVAL;
    }
    plain[bytes.len - NONCE_LEN - TAG_LEN] = '\0';
    *text = (const char *)plain + EXPIRY_LEN;
    return APR_SUCCESS;
}
