/* SPDX-License-Identifier: Apache-2.0 */
#include "core/store/store.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdarg.h>
#include <string.h>

void samlc_store_put_u64(unsigned char out[SAMLC_STORE_U64_LEN], apr_uint64_t n)
{
    int i;

    for (i = SAMLC_STORE_U64_LEN - 1; i >= 0; i--) {
        out[i] = (unsigned char)(n & 0xff);
        n >>= 8;
    }
}

apr_uint64_t samlc_store_get_u64(const unsigned char in[SAMLC_STORE_U64_LEN])
{
    apr_uint64_t n = 0;
    int i;

    for (i = 0; i < SAMLC_STORE_U64_LEN; i++) {
        n = n << 8 | in[i];
    }
    return n;
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
    good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
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
