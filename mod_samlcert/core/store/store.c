/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/store.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

void samlc_store_put_u64(unsigned char out[SAMLC_STORE_U64_LEN], apr_uint64_t n)
{
    int i;

    for (i = SAMLC_STORE_U64_LEN - 1; i >= 0; i--) {
        out[i] = (unsigned char)(n & 0xff);
        n >>= 8;
    }
}

/* Written out: compilers make one load of it, and it is called for every string of a session. */
apr_uint64_t samlc_store_get_u64(const unsigned char in[SAMLC_STORE_U64_LEN])
{
    return (apr_uint64_t)in[0] << 56 | (apr_uint64_t)in[1] << 48 | (apr_uint64_t)in[2] << 40
           | (apr_uint64_t)in[3] << 32 | (apr_uint64_t)in[4] << 24 | (apr_uint64_t)in[5] << 16
           | (apr_uint64_t)in[6] << 8 | (apr_uint64_t)in[7];
}

/*
 * SHA-256, fetched from OpenSSL's providers once: EVP_sha256() would be looked up at each use,
 * which costs more than the digest of a cookie. Kept until the process ends. Two threads that come
 * first may both fetch it; one of them gives its own back.
 */
static const EVP_MD *sha256(void)
{
    static _Atomic(EVP_MD *) fetched = NULL;
    EVP_MD *md = atomic_load(&fetched);
    EVP_MD *none = NULL;

    if (!md) {
        md = EVP_MD_fetch(NULL, "SHA2-256", NULL);
        if (md && !atomic_compare_exchange_strong(&fetched, &none, md)) {
            EVP_MD_free(md);
            md = none;
        }
    }
    return md;
}

static int hash_string(EVP_MD_CTX *ctx, const char *s)
{
    unsigned char len[SAMLC_STORE_U64_LEN];

    samlc_store_put_u64(len, strlen(s));
    return EVP_DigestUpdate(ctx, len, sizeof(len)) == 1
           && EVP_DigestUpdate(ctx, s, strlen(s)) == 1;
}

int samlc_store_key(samlc_store_key_t *key, ...)
{
    EVP_MD_CTX *ctx = NULL;
    const char *s = NULL;
    va_list strings;
    int good = 0;

    memset(key, 0, sizeof(*key));
    ctx = EVP_MD_CTX_new();
    good = ctx && sha256() && EVP_DigestInit_ex(ctx, sha256(), NULL) == 1;
    va_start(strings, key);
    while (good && (s = va_arg(strings, const char *)) != NULL) {
        good = hash_string(ctx, s);
    }
    va_end(strings);
    good = good && EVP_DigestFinal_ex(ctx, key->bytes, NULL) == 1;
    if (!good) {
        memset(key, 0, sizeof(*key));
        ERR_clear_error();
    }
    EVP_MD_CTX_free(ctx);
    return good;
}
