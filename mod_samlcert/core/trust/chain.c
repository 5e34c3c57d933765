/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/chain.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/clock.h"

#define AUTH_LEVEL 2   /* 112 bits: RSA of 2048 bits, no SHA-1 in signatures of CAs */
#define PEM_BEGIN "-----BEGIN "
#define PEM_BEGIN_CRL "-----BEGIN X509 CRL-----"

struct samlc_chain_t {
    X509_STORE *store;               /* anchors and CRLs; read-only once built */
    STACK_OF(X509) *untrusted;       /* material for paths */
    apr_array_header_t *certs;       /* samlc_cert_t *: anchors and material */
    apr_array_header_t *anchors;     /* samlc_cert_t *: those of `certs` that are */
    apr_array_header_t *crls;        /* samlc_chain_crl_t */
    apr_array_header_t *conflicted;  /* samlc_cert_t *: those of `certs` that are distrusted */
    apr_array_header_t *conflicts;   /* const char * */
    int has_anchor;
};

/* A judgement under way. */
typedef struct judgement_t {
    const samlc_chain_t *chain;
    const samlc_cert_t *leaf;
    apr_time_t now;
    apr_pool_t *pool;
    const char *message;
} judgement_t;

/* --- building --- */

static apr_status_t free_store(void *store)
{
    X509_STORE_free(store);
    return APR_SUCCESS;
}

static apr_status_t free_stack(void *stack)
{
    sk_X509_pop_free(stack, X509_free);
    return APR_SUCCESS;
}

static apr_status_t fail_openssl(samlc_result_t *res)
{
    return samlc_result_fail_openssl(res, APR_EGENERAL, SAMLC_REASON_INTERNAL,
                                     "the store of CA certificates cannot be built");
}

/* FALSE if OpenSSL refuses. */
static int set_policy(X509_STORE *store, samlc_crl_check_t crl_check)
{
    X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
    unsigned long flags = 0;

    if (crl_check != SAMLC_CRL_OFF) {
        flags |= X509_V_FLAG_CRL_CHECK;
    }
    if (crl_check == SAMLC_CRL_CHAIN) {
        flags |= X509_V_FLAG_CRL_CHECK_ALL;
    }
    X509_VERIFY_PARAM_set_auth_level(param, AUTH_LEVEL);
    /* IdP certificates carry any extended key usage; what they need is checked below */
    return X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_ANY) == 1
        && X509_VERIFY_PARAM_set_flags(param, flags) == 1;
}

static int add_cert(samlc_chain_t *chain, const samlc_cert_t *cert, int may_be_anchor)
{
    X509 *x = samlc_cert_x509(cert);

    APR_ARRAY_PUSH(chain->certs, const samlc_cert_t *) = cert;
    if (may_be_anchor && samlc_cert_is_self_signed(cert)) {
        chain->has_anchor = 1;
        APR_ARRAY_PUSH(chain->anchors, const samlc_cert_t *) = cert;
        return X509_STORE_add_cert(chain->store, x) == 1;
    }
    return X509_add_cert(chain->untrusted, x, X509_ADD_FLAG_UP_REF) == 1;
}

static apr_status_t add_certs(samlc_chain_t *chain, const apr_array_header_t *certs,
                              int may_be_anchor, samlc_result_t *res)
{
    int i;

    for (i = 0; certs && i < certs->nelts; i++) {
        if (!add_cert(chain, APR_ARRAY_IDX(certs, i, const samlc_cert_t *), may_be_anchor)) {
            return fail_openssl(res);
        }
    }
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

static int add_crl(samlc_chain_t *chain, X509_CRL *crl, const char *origin)
{
    samlc_chain_crl_t *added = NULL;
    unsigned char sha256[SAMLC_SHA256_LEN];
    int done = crl && X509_STORE_add_crl(chain->store, crl) == 1
               && X509_CRL_digest(crl, EVP_sha256(), sha256, NULL) == 1;

    if (done) {
        added = apr_array_push(chain->crls);
        added->sha256_hex = samlc_text_hex(sha256, sizeof(sha256), chain->crls->pool);
        added->origin = origin;
    }
    X509_CRL_free(crl);
    return done;
}

/* How many blocks could be added: one that is cut short or of another kind ends it. */
static int add_pem_crls(samlc_chain_t *chain, const samlc_data_t *file, int blocks)
{
    BIO *bio = BIO_new_mem_buf(file->data, (int)file->len);
    int n = 0;

    while (bio && n < blocks
           && add_crl(chain, PEM_read_bio_X509_CRL(bio, NULL, no_passphrase, NULL),
                      file->origin)) {
        n++;
    }
    BIO_free(bio);
    return n;
}

static int add_der_crl(samlc_chain_t *chain, const samlc_data_t *file)
{
    const unsigned char *end = file->data;
    X509_CRL *crl = d2i_X509_CRL(NULL, &end, (long)file->len);

    if (crl && end != file->data + file->len) {
        X509_CRL_free(crl);
        crl = NULL;
    }
    return add_crl(chain, crl, file->origin);
}

static apr_status_t add_crl_file(samlc_chain_t *chain, const samlc_data_t *file,
                                 samlc_result_t *res)
{
    int blocks = file->len <= INT_MAX ? count(file, PEM_BEGIN_CRL) : 0;
    int done = 0;

    ERR_clear_error();
    if (count(file, PEM_BEGIN) > 0) {
        done = count(file, PEM_BEGIN) == blocks && add_pem_crls(chain, file, blocks) == blocks;
    }
    else {
        done = add_der_crl(chain, file);
    }
    if (!done) {
        return samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                         "%s: is not a file of revocation lists, all of them whole",
                                         file->origin);
    }
    ERR_clear_error();
    return APR_SUCCESS;
}

/* TRUE, FALSE, or -1 if OpenSSL cannot tell. */
static int same_name(const X509_NAME *a, const X509_NAME *b)
{
    int difference = X509_NAME_cmp(a, b);

    return difference == -2 ? -1 : difference == 0;
}

/*
 * The names that two certificates have in common, in words; NULL if they do not count. FALSE if
 * OpenSSL cannot tell.
 */
static int find_common_names(const char **names, const samlc_cert_t *a, const samlc_cert_t *b,
                             samlc_conflict_t form)
{
    int issuer = same_name(X509_get_issuer_name(samlc_cert_x509(a)),
                           X509_get_issuer_name(samlc_cert_x509(b)));
    int subject = same_name(X509_get_subject_name(samlc_cert_x509(a)),
                            X509_get_subject_name(samlc_cert_x509(b)));

    *names = NULL;
    if (issuer < 0 || subject < 0) {
        return 0;
    }
    switch (form) {
    case SAMLC_CONFLICT_BOTH:
        *names = issuer && subject ? "issuer and subject" : NULL;
        break;
    case SAMLC_CONFLICT_ISSUER:
        *names = issuer ? "issuer" : NULL;
        break;
    case SAMLC_CONFLICT_SUBJECT:
        *names = subject ? "subject" : NULL;
        break;
    case SAMLC_CONFLICT_OFF:
        break;
    }
    return 1;
}

static void add_conflict(samlc_chain_t *chain, const samlc_cert_t *a, const samlc_cert_t *b,
                         const char *names, apr_pool_t *p)
{
    APR_ARRAY_PUSH(chain->conflicted, const samlc_cert_t *) = a;
    APR_ARRAY_PUSH(chain->conflicted, const samlc_cert_t *) = b;
    APR_ARRAY_PUSH(chain->conflicts, const char *) =
        apr_psprintf(p, "%s (%s) and %s (%s) have the same %s, but different keys: both are"
                     " distrusted; remove the wrong one (see CertConflict)",
                     samlc_text_show(samlc_cert_subject(a), p), samlc_cert_origin(a),
                     samlc_text_show(samlc_cert_subject(b), p), samlc_cert_origin(b), names);
}

/* FALSE if OpenSSL cannot tell: a conflict that is missed would make a key trusted. */
static int find_conflicts(samlc_chain_t *chain, samlc_conflict_t form, apr_pool_t *p)
{
    const char *names = NULL;
    int i;
    int j;

    for (i = 0; i < chain->certs->nelts; i++) {
        const samlc_cert_t *a = APR_ARRAY_IDX(chain->certs, i, const samlc_cert_t *);

        for (j = 0; j < i; j++) {
            const samlc_cert_t *b = APR_ARRAY_IDX(chain->certs, j, const samlc_cert_t *);

            if (!find_common_names(&names, b, a, form)) {
                return 0;
            }
            if (names && !samlc_key_equal(samlc_cert_key(a), samlc_cert_key(b))) {
                add_conflict(chain, b, a, names, p);
            }
        }
    }
    return 1;
}

static samlc_chain_t *make_empty(apr_pool_t *p)
{
    samlc_chain_t *chain = apr_pcalloc(p, sizeof(*chain));

    chain->certs = apr_array_make(p, 8, sizeof(const samlc_cert_t *));
    chain->anchors = apr_array_make(p, 2, sizeof(const samlc_cert_t *));
    chain->crls = apr_array_make(p, 1, sizeof(samlc_chain_crl_t));
    chain->conflicted = apr_array_make(p, 2, sizeof(const samlc_cert_t *));
    chain->conflicts = apr_array_make(p, 1, sizeof(const char *));
    chain->store = X509_STORE_new();
    chain->untrusted = sk_X509_new_null();
    apr_pool_cleanup_register(p, chain->store, free_store, apr_pool_cleanup_null);
    apr_pool_cleanup_register(p, chain->untrusted, free_stack, apr_pool_cleanup_null);
    return chain;
}

apr_status_t samlc_chain_make(samlc_chain_t **pchain, const samlc_chain_source_t *source,
                              samlc_result_t *res, apr_pool_t *p)
{
    samlc_chain_t *chain = make_empty(p);
    apr_status_t rv = APR_EGENERAL;
    int i;

    *pchain = NULL;
    ERR_clear_error();
    if (!chain->store || !chain->untrusted || !set_policy(chain->store, source->crl_check)) {
        return fail_openssl(res);
    }
    if (source->use_system_roots) {
        chain->has_anchor = 1;
        if (X509_STORE_set_default_paths(chain->store) != 1) {
            return fail_openssl(res);
        }
    }
    rv = add_certs(chain, source->roots, 1, res);
    if (rv == APR_SUCCESS) {
        rv = add_certs(chain, source->intermediates, 0, res);
    }
    for (i = 0; rv == APR_SUCCESS && source->crls && i < source->crls->nelts; i++) {
        rv = add_crl_file(chain, &APR_ARRAY_IDX(source->crls, i, samlc_data_t), res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!find_conflicts(chain, source->conflict, p)) {
        return fail_openssl(res);
    }
    ERR_clear_error();
    *pchain = chain;
    return APR_SUCCESS;
}

const apr_array_header_t *samlc_chain_certs(const samlc_chain_t *chain)
{
    return chain->certs;
}

int samlc_chain_is_anchor(const samlc_chain_t *chain, const samlc_cert_t *cert)
{
    int i;

    for (i = 0; i < chain->anchors->nelts; i++) {
        if (APR_ARRAY_IDX(chain->anchors, i, const samlc_cert_t *) == cert) {
            return 1;
        }
    }
    return 0;
}

const apr_array_header_t *samlc_chain_crls(const samlc_chain_t *chain)
{
    return chain->crls;
}

const apr_array_header_t *samlc_chain_conflicts(const samlc_chain_t *chain)
{
    return chain->conflicts;
}

/* --- judging --- */

/* The certificate of `certs` that this is; NULL if there is none. */
static const samlc_cert_t *find_cert(const apr_array_header_t *certs, const X509 *x)
{
    int i;

    for (i = 0; i < certs->nelts; i++) {
        const samlc_cert_t *cert = APR_ARRAY_IDX(certs, i, const samlc_cert_t *);

        if (X509_cmp(samlc_cert_x509(cert), x) == 0) {
            return cert;
        }
    }
    return NULL;
}

/* The certificate of the path that this is; NULL for one of the system's. */
static const samlc_cert_t *find_on_path(const judgement_t *judgement, const X509 *x)
{
    if (X509_cmp(samlc_cert_x509(judgement->leaf), x) == 0) {
        return judgement->leaf;
    }
    return find_cert(judgement->chain->certs, x);
}

/* "SUBJECT (FILE)". */
static const char *name_of(const judgement_t *judgement, const X509 *x)
{
    const samlc_cert_t *cert = x ? find_on_path(judgement, x) : NULL;
    char line[256];

    if (cert) {
        return apr_psprintf(judgement->pool, "%s (%s)",
                            samlc_text_show(samlc_cert_subject(cert), judgement->pool),
                            samlc_cert_origin(cert));
    }
    if (x && X509_NAME_oneline(X509_get_subject_name(x), line, sizeof(line))) {
        return apr_psprintf(judgement->pool, "%s (CA certificates of the system)",
                            samlc_text_show(line, judgement->pool));
    }
    return "a certificate";
}

static samlc_reason_t refuse(judgement_t *judgement, samlc_reason_t reason, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static samlc_reason_t refuse(judgement_t *judgement, samlc_reason_t reason, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    judgement->message = apr_pvsprintf(judgement->pool, fmt, args);
    va_end(args);
    return reason;
}

/* Names the certificate that is missing. */
static samlc_reason_t refuse_incomplete(judgement_t *judgement, int error, X509 *x)
{
    const samlc_cert_t *cert = x ? find_on_path(judgement, x) : NULL;
    const ASN1_OCTET_STRING *id = x ? X509_get0_authority_key_id(x) : NULL;
    apr_pool_t *p = judgement->pool;
    const char *key = "";

    if (error == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT
        || error == X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN) {
        return refuse(judgement, SAMLC_REASON_CHAIN_INCOMPLETE,
                      "%s is self-signed and not among the roots", name_of(judgement, x));
    }
    if (id) {
        key = apr_psprintf(p, ", key identifier %s",
                           samlc_text_hex(ASN1_STRING_get0_data(id),
                                          (apr_size_t)ASN1_STRING_length(id), p));
    }
    return refuse(judgement, SAMLC_REASON_CHAIN_INCOMPLETE,
                  "the issuer of %s is missing among roots and intermediates: %s%s",
                  name_of(judgement, x),
                  cert ? samlc_text_show(samlc_cert_issuer(cert), p) : "a CA", key);
}

static samlc_reason_t refuse_dates(judgement_t *judgement, int error, const X509 *x)
{
    const samlc_cert_t *cert = x ? find_on_path(judgement, x) : NULL;
    int is_early = error == X509_V_ERR_CERT_NOT_YET_VALID;
    const char *when = "";

    if (cert) {
        when = samlc_clock_format(is_early ? samlc_cert_not_before(cert)
                                           : samlc_cert_not_after(cert), judgement->pool);
    }
    return refuse(judgement, SAMLC_REASON_CHAIN_EXPIRED, "%s in the chain %s %s",
                  name_of(judgement, x), is_early ? "is not valid before" : "expired on", when);
}

/* What OpenSSL's errors are called here; all others are chain-invalid. */
static samlc_reason_t reason_of(int error)
{
    switch (error) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return SAMLC_REASON_CHAIN_INCOMPLETE;
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return SAMLC_REASON_CHAIN_EXPIRED;
    case X509_V_ERR_CERT_REVOKED:
        return SAMLC_REASON_CERT_REVOKED;
    case X509_V_ERR_UNABLE_TO_GET_CRL:
    case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_CRL_NOT_YET_VALID:
    case X509_V_ERR_CRL_SIGNATURE_FAILURE:
    case X509_V_ERR_CRL_PATH_VALIDATION_ERROR:
    case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
    case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
    case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
    case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
    case X509_V_ERR_DIFFERENT_CRL_SCOPE:
    case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
        return SAMLC_REASON_CRL_STALE;
    case X509_V_ERR_EE_KEY_TOO_SMALL:
    case X509_V_ERR_CA_KEY_TOO_SMALL:
        return SAMLC_REASON_KEY_TOO_SMALL;
    case X509_V_ERR_OUT_OF_MEM:
    case X509_V_ERR_UNSPECIFIED:
        return SAMLC_REASON_INTERNAL;
    default:
        return SAMLC_REASON_CHAIN_INVALID;
    }
}

static samlc_reason_t refuse_path(judgement_t *judgement, X509_STORE_CTX *ctx)
{
    int error = X509_STORE_CTX_get_error(ctx);
    X509 *x = X509_STORE_CTX_get_current_cert(ctx);
    samlc_reason_t reason = reason_of(error);

    if (reason == SAMLC_REASON_CHAIN_INCOMPLETE) {
        return refuse_incomplete(judgement, error, x);
    }
    if (reason == SAMLC_REASON_CHAIN_EXPIRED) {
        return refuse_dates(judgement, error, x);
    }
    return refuse(judgement, reason, "%s: %s", name_of(judgement, x),
                  X509_verify_cert_error_string(error));
}

static samlc_reason_t check_conflicts(judgement_t *judgement, STACK_OF(X509) *path)
{
    const apr_array_header_t *conflicted = judgement->chain->conflicted;
    int i;
    int k;

    for (i = 0; i < sk_X509_num(path); i++) {
        const X509 *x = sk_X509_value(path, i);

        for (k = 0; k < conflicted->nelts; k++) {
            const samlc_cert_t *cert = APR_ARRAY_IDX(conflicted, k, const samlc_cert_t *);
            int difference = X509_cmp(samlc_cert_x509(cert), x);

            if (difference == 0) {
                return refuse(judgement, SAMLC_REASON_CERT_CONFLICT,
                              "%s is distrusted: another certificate of the trust store has its"
                              " name, but not its key", name_of(judgement, x));
            }
            if (difference == -2) {
                return refuse(judgement, SAMLC_REASON_INTERNAL,
                              "OpenSSL cannot compare certificates");
            }
        }
    }
    return SAMLC_REASON_OK;
}

/*
 * OpenSSL lets an anchor of version 1, or with keyCertSign alone, issue certificates. Here a
 * self-signed certificate that does not say CA:TRUE vouches for itself alone.
 * spec: RFC 5280 6.1.4 (k), (n)
 */
static samlc_reason_t check_issuers(judgement_t *judgement, STACK_OF(X509) *path)
{
    int i;

    for (i = 1; i < sk_X509_num(path); i++) {
        if (X509_check_ca(sk_X509_value(path, i)) != 1) {
            return refuse(judgement, SAMLC_REASON_CHAIN_INVALID,
                          "%s is no CA certificate, but signed another one",
                          name_of(judgement, sk_X509_value(path, i)));
        }
    }
    return SAMLC_REASON_OK;
}

/* spec: RFC 5280 4.2.1.3 - without the extension a key may be used for everything */
static samlc_reason_t check_leaf_usage(judgement_t *judgement)
{
    X509 *x = samlc_cert_x509(judgement->leaf);

    if (X509_get_extension_flags(x) & EXFLAG_INVALID) {
        return refuse(judgement, SAMLC_REASON_CHAIN_INVALID,
                      "%s has extensions that cannot be read", name_of(judgement, x));
    }
    if ((X509_get_key_usage(x) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION)) == 0) {
        return refuse(judgement, SAMLC_REASON_CHAIN_INVALID,
                      "%s may not sign messages: its keyUsage has neither digitalSignature nor"
                      " nonRepudiation", name_of(judgement, x));
    }
    return SAMLC_REASON_OK;
}

static samlc_reason_t check_leaf_dates(judgement_t *judgement)
{
    const samlc_cert_t *leaf = judgement->leaf;
    const char *name = name_of(judgement, samlc_cert_x509(leaf));
    apr_pool_t *p = judgement->pool;

    if (samlc_cert_is_expired(leaf, judgement->now)) {
        return refuse(judgement, SAMLC_REASON_CERT_EXPIRED, "%s expired on %s", name,
                      samlc_clock_format(samlc_cert_not_after(leaf), p));
    }
    if (samlc_cert_is_not_yet_valid(leaf, judgement->now)) {
        return refuse(judgement, SAMLC_REASON_CERT_NOT_YET_VALID, "%s is not valid before %s", name,
                      samlc_clock_format(samlc_cert_not_before(leaf), p));
    }
    return SAMLC_REASON_OK;
}

/* The dates of the leaf are checked afterwards, as the policy has it; NO_CHECK_TIME would let
 * expired CAs and revocation lists pass as well. */
static int skip_leaf_dates(int ok, X509_STORE_CTX *ctx)
{
    int error = X509_STORE_CTX_get_error(ctx);

    if (X509_STORE_CTX_get_error_depth(ctx) == 0
        && (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID)) {
        return 1;
    }
    return ok;
}

/* Builds and verifies the path; all that is in it besides the leaf's dates. */
static samlc_reason_t check_path(judgement_t *judgement, X509_STORE_CTX *ctx)
{
    samlc_reason_t reason = SAMLC_REASON_INTERNAL;
    STACK_OF(X509) *path = NULL;
    const X509 *anchor = NULL;
    int verified = 0;

    if (X509_STORE_CTX_init(ctx, judgement->chain->store, samlc_cert_x509(judgement->leaf),
                            judgement->chain->untrusted) != 1) {
        return refuse(judgement, reason, "OpenSSL cannot verify a certificate");
    }
    X509_STORE_CTX_set_time(ctx, 0, (time_t)apr_time_sec(judgement->now));
    X509_STORE_CTX_set_verify_cb(ctx, skip_leaf_dates);
    verified = X509_verify_cert(ctx) == 1;
    path = X509_STORE_CTX_get0_chain(ctx);
    /* first, because a wrong certificate of the same name is also why a path fails */
    reason = check_conflicts(judgement, path);
    if (reason != SAMLC_REASON_OK) {
        return reason;
    }
    if (!verified) {
        return refuse_path(judgement, ctx);
    }
    if (sk_X509_num(path) < 1) {
        return refuse(judgement, SAMLC_REASON_INTERNAL, "OpenSSL does not tell the path");
    }
    reason = check_issuers(judgement, path);
    if (reason != SAMLC_REASON_OK) {
        return reason;
    }
    anchor = sk_X509_value(path, sk_X509_num(path) - 1);
    judgement->message = apr_psprintf(judgement->pool, "chains to %s", name_of(judgement, anchor));
    return SAMLC_REASON_OK;
}

samlc_reason_t samlc_chain_judge(const char **message, const samlc_chain_t *chain,
                                 const samlc_cert_t *leaf, int ignore_leaf_dates, apr_time_t now,
                                 apr_pool_t *p)
{
    judgement_t judgement = {chain, leaf, now, p, NULL};
    samlc_reason_t reason = SAMLC_REASON_INTERNAL;
    X509_STORE_CTX *ctx = NULL;

    *message = NULL;
    if (!chain->has_anchor) {
        *message = "a chain is asked for, but no self-signed certificate is among the roots";
        return SAMLC_REASON_NO_TRUST_CONFIGURED;
    }
    ERR_clear_error();
    ctx = X509_STORE_CTX_new();
    if (!ctx) {
        ERR_clear_error();
        *message = "out of memory";
        return SAMLC_REASON_INTERNAL;
    }
    reason = check_leaf_usage(&judgement);
    if (reason == SAMLC_REASON_OK) {
        reason = check_path(&judgement, ctx);
    }
    if (reason == SAMLC_REASON_OK && !ignore_leaf_dates) {
        reason = check_leaf_dates(&judgement);
    }
    X509_STORE_CTX_free(ctx);
    ERR_clear_error();
    *message = judgement.message;
    return reason;
}

/* --- constraints --- */

typedef enum {
    CONSTRAINT_SUBJECT,
    CONSTRAINT_SAN_DNS,
    CONSTRAINT_SAN_URI,
    CONSTRAINT_ISSUER,
    CONSTRAINT_FORMS
} constraint_form_t;

static const char *const prefixes[CONSTRAINT_FORMS] = {
    "subject:", "san-dns:", "san-uri:", "issuer-spki-sha256:",
};

/* The form of a constraint and what follows its prefix; CONSTRAINT_FORMS for an unknown one. */
static constraint_form_t split_constraint(const char **value, const char *constraint)
{
    int form;

    *value = NULL;
    for (form = 0; form < CONSTRAINT_FORMS; form++) {
        apr_size_t len = strlen(prefixes[form]);

        if (strncmp(constraint, prefixes[form], len) == 0) {
            *value = constraint + len;
            break;
        }
    }
    return (constraint_form_t)form;
}

/* TRUE if the certificate has this subjectAltName: a DNS name in any case, or a URI. */
static int has_alt_name(const samlc_cert_t *cert, int type, const char *value)
{
    X509 *x = samlc_cert_x509(cert);
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int len = (int)strlen(value);
    int found = 0;
    int i;

    for (i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const char *text = NULL;

        if (name->type != type || ASN1_STRING_length(name->d.ia5) != len) {
            continue;
        }
        text = (const char *)ASN1_STRING_get0_data(name->d.ia5);
        found = type == GEN_DNS ? apr_cstr_casecmpn(text, value, (apr_size_t)len) == 0
                                : memcmp(text, value, (apr_size_t)len) == 0;
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* TRUE if a configured certificate with this key signed it. */
static int has_issuer(const samlc_chain_t *chain, const samlc_cert_t *cert, const char *spki_sha256,
                      apr_pool_t *p)
{
    int i;

    for (i = 0; i < chain->certs->nelts; i++) {
        const samlc_key_t *key =
            samlc_cert_key(APR_ARRAY_IDX(chain->certs, i, const samlc_cert_t *));
        const char *hex = samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p);

        if (apr_cstr_casecmp(hex, spki_sha256) == 0
            && X509_verify(samlc_cert_x509(cert), samlc_key_get(key)) == 1) {
            return 1;
        }
    }
    return 0;
}

int samlc_chain_meets(const samlc_chain_t *chain, const samlc_cert_t *cert, const char *constraint,
                      apr_pool_t *p)
{
    const char *value = NULL;
    int is_met = 0;

    switch (split_constraint(&value, constraint)) {
    case CONSTRAINT_SUBJECT:
        is_met = samlc_text_equal(samlc_cert_subject(cert), value);
        break;
    case CONSTRAINT_SAN_DNS:
        is_met = has_alt_name(cert, GEN_DNS, value);
        break;
    case CONSTRAINT_SAN_URI:
        is_met = has_alt_name(cert, GEN_URI, value);
        break;
    case CONSTRAINT_ISSUER:
        is_met = has_issuer(chain, cert, value, p);
        break;
    case CONSTRAINT_FORMS:
        break;
    }
    ERR_clear_error();
    return is_met;
}

const char *samlc_chain_constraint_error(const char *constraint, apr_pool_t *p)
{
    const char *value = NULL;
    constraint_form_t form = split_constraint(&value, constraint);

    if (form == CONSTRAINT_FORMS) {
        return "it begins with subject:, san-dns:, san-uri: or issuer-spki-sha256:";
    }
    if (*value == '\0') {
        return apr_psprintf(p, "nothing follows %s", prefixes[form]);
    }
    if (form == CONSTRAINT_ISSUER
        && (strlen(value) != 2 * SAMLC_SHA256_LEN
            || value[strspn(value, "0123456789abcdefABCDEF")] != '\0')) {
        return "a SHA-256 digest has 64 hex digits";
    }
    return NULL;
}
