/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/crl.h"

#include <apr_strings.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>

#include "core/keys/cert.h"

#define PEM_BEGIN "-----BEGIN "
#define PEM_BEGIN_CRL "-----BEGIN X509 CRL-----"

static apr_status_t free_crl(void *x)
{
    X509_CRL_free(x);
    return APR_SUCCESS;
}

static int no_passphrase(char *buffer, int size, int for_writing, void *baton)
{
    (void)buffer;
    (void)size;
    (void)for_writing;
    (void)baton;
    return -1;
}

static int count(const samlc_data_t *file, const char *text)
{
    const char *at = (const char *)file->data;
    const char *end = at + file->len;
    int n = 0;

    while ((at = memmem(at, (apr_size_t)(end - at), text, strlen(text))) != NULL) {
        n++;
        at += strlen(text);
    }
    return n;
}

/* TRUE for a list that only says what has changed since another one (RFC 5280 5.2.4). */
static int has_delta(const apr_array_header_t *crls)
{
    int i = 0;

    for (i = 0; i < crls->nelts; i++) {
        if (X509_CRL_get_ext_by_NID(APR_ARRAY_IDX(crls, i, samlc_crl_t).x, NID_delta_crl, -1)
            >= 0) {
            return 1;
        }
    }
    return 0;
}

/* Takes `x` (may be NULL) over. FALSE if there is nothing, or nothing that can be read. */
static int add(apr_array_header_t *crls, X509_CRL *x, const char *origin, apr_pool_t *p)
{
    samlc_crl_t crl = {x, origin, NULL, NULL, 0, 0, 0};
    unsigned char sha256[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    if (!x) {
        return 0;
    }
    apr_pool_cleanup_register(p, x, free_crl, apr_pool_cleanup_null);
    crl.issuer = samlc_x509_name_text(X509_CRL_get_issuer(x), p);
    crl.is_undated = X509_CRL_get0_nextUpdate(x) == NULL;
    if (X509_CRL_digest(x, EVP_sha256(), sha256, &len) != 1) {
        return 0;
    }
    crl.sha256_hex = samlc_text_hex(sha256, len, p);
    if (!crl.issuer || !samlc_x509_time(&crl.this_update, X509_CRL_get0_lastUpdate(x))
        || !samlc_x509_time(&crl.due, crl.is_undated ? X509_CRL_get0_lastUpdate(x)
                                               : X509_CRL_get0_nextUpdate(x))) {
        return 0;
    }
    APR_ARRAY_PUSH(crls, samlc_crl_t) = crl;
    return 1;
}

/* How many blocks could be added: one that is cut short or of another kind ends it. */
static int add_pem(apr_array_header_t *crls, const samlc_data_t *file, int blocks, apr_pool_t *p)
{
    BIO *bio = BIO_new_mem_buf(file->data, (int)file->len);
    int n = 0;

    while (bio && n < blocks
           && add(crls, PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL), file->origin, p)) {
        n++;
    }
    BIO_free(bio);
    return n;
}

static int add_der(apr_array_header_t *crls, const samlc_data_t *file, apr_pool_t *p)
{
    const unsigned char *end = file->data;
    X509_CRL *x = d2i_X509_CRL(NULL, &end, (long)file->len);

    if (x && end != file->data + file->len) {
        X509_CRL_free(x);
        x = NULL;
    }
    return add(crls, x, file->origin, p);
}

apr_status_t samlc_crl_read(apr_array_header_t *crls, const samlc_data_t *file, samlc_result_t *res,
                            apr_pool_t *p)
{
    int blocks = file->len <= INT_MAX ? count(file, PEM_BEGIN_CRL) : 0;
    int done = 0, is_delta = 0;

    ERR_clear_error();
    if (count(file, PEM_BEGIN) > 0) {
        done = count(file, PEM_BEGIN) == blocks && add_pem(crls, file, blocks, p) == blocks;
    }
    else {
        done = add_der(crls, file, p);
    }
    if (!done) {
        return samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                         "%s: is not a file of revocation lists, all of them whole",
                                         file->origin);
    }
    is_delta = has_delta(crls);
    ERR_clear_error();
    if (is_delta) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: is a delta CRL, which is not supported; put the full one "
                                 "here", file->origin);
    }
    return APR_SUCCESS;
}
