/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/chain.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>
#include <stdarg.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/trust/conflict.h"
#include "core/trust/crl.h"

#define AUTH_LEVEL 2   /* 112 bits: RSA of 2048 bits, no SHA-1 in signatures of CAs */

struct samlc_chain_t {
    X509_STORE *store;               /* anchors; read-only once built */
    STACK_OF(X509) *untrusted;       /* material for paths */
    apr_array_header_t *crls;        /* samlc_crl_t */
    samlc_crl_check_t crl_check;
    apr_interval_time_t crl_grace;
    int has_system_roots;            /* anchors whose dates nobody knows here */
    apr_array_header_t *certs;       /* samlc_cert_t *: anchors and material */
    apr_array_header_t *anchors;     /* samlc_cert_t *: those of `certs` that are */
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
    const char *warning;             /* NULL, or what to worry about although it is right */
    const samlc_crl_t *crl;          /* with which something was wrong last; NULL: none of ours */
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

static samlc_chain_t *make_empty(const samlc_chain_source_t *source, apr_pool_t *p)
{
    samlc_chain_t *chain = apr_pcalloc(p, sizeof(*chain));

    chain->crls = apr_array_make(p, 2, sizeof(samlc_crl_t));
    chain->crl_check = source->crl_check;
    chain->crl_grace = apr_time_from_sec(source->crl_grace);
    chain->has_system_roots = source->use_system_roots;
    chain->certs = apr_array_make(p, 8, sizeof(const samlc_cert_t *));
    chain->anchors = apr_array_make(p, 2, sizeof(const samlc_cert_t *));
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
    samlc_chain_t *chain = make_empty(source, p);
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
        rv = samlc_crl_read(chain->crls, &APR_ARRAY_IDX(source->crls, i, samlc_data_t), res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!samlc_conflict_find(chain->conflicted, chain->conflicts, chain->certs, source->conflict,
                             p)) {
        return fail_openssl(res);
    }
    ERR_clear_error();
    *pchain = chain;
    return APR_SUCCESS;
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

static const samlc_crl_t *find_crl(const samlc_chain_t *chain, const X509_CRL *x)
{
    int i;

    for (i = 0; x && i < chain->crls->nelts; i++) {
        const samlc_crl_t *crl = &APR_ARRAY_IDX(chain->crls, i, samlc_crl_t);

        if (crl->x == x) {
            return crl;
        }
    }
    return NULL;
}

/* The list that does not count, or, where there is none, whose is missing. */
static samlc_reason_t refuse_crl(judgement_t *judgement, int error, X509_STORE_CTX *ctx)
{
    X509 *x = X509_STORE_CTX_get_current_cert(ctx);
    const samlc_crl_t *crl = judgement->crl;
    const samlc_cert_t *cert = x ? find_on_path(judgement, x) : NULL;
    const char *why = X509_verify_cert_error_string(error);
    apr_pool_t *p = judgement->pool;

    if (error == X509_V_ERR_UNABLE_TO_GET_CRL && cert) {
        return refuse(judgement, SAMLC_REASON_CRL_STALE,
                      "%s: there is no revocation list of %s that counts", name_of(judgement, x),
                      samlc_text_show(samlc_cert_issuer(cert), p));
    }
    if (error == X509_V_ERR_CRL_HAS_EXPIRED && crl) {
        return refuse(judgement, SAMLC_REASON_CRL_STALE, "%s: %s: %s was due at %s",
                      name_of(judgement, x), why, crl->origin, samlc_clock_format(crl->due, p));
    }
    return refuse(judgement, SAMLC_REASON_CRL_STALE, "%s: %s%s%s", name_of(judgement, x), why,
                  crl ? ": " : "", crl ? crl->origin : "");
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
    if (reason == SAMLC_REASON_CRL_STALE) {
        return refuse_crl(judgement, error, ctx);
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

/* CRLGrace: a list that is due counts for so long after. */
static int is_in_grace(const judgement_t *judgement, const samlc_crl_t *crl)
{
    return judgement->now < crl->due + judgement->chain->crl_grace;
}

static const char *grace_of(const judgement_t *judgement, const samlc_crl_t *crl)
{
    apr_pool_t *p = judgement->pool;

    return apr_psprintf(p, "%s: the revocation list of %s %s %s; by CRLGrace it counts until %s",
                        crl->origin, samlc_text_show(crl->issuer, p),
                        crl->is_undated ? "has no nextUpdate and was made at" : "was due at",
                        samlc_clock_format(crl->due, p),
                        samlc_clock_format(crl->due + judgement->chain->crl_grace, p));
}

/*
 * What OpenSSL finds wrong, and the policy does not. The dates of the leaf are checked afterwards,
 * as the caller has it; NO_CHECK_TIME would let expired CAs and revocation lists pass as well.
 */
static int forgive(int ok, X509_STORE_CTX *ctx)
{
    judgement_t *judgement = X509_STORE_CTX_get_app_data(ctx);
    int error = X509_STORE_CTX_get_error(ctx);

    if (ok || !judgement) {
        return ok;
    }
    /* OpenSSL forgets it before it says that verification failed */
    judgement->crl = find_crl(judgement->chain, X509_STORE_CTX_get0_current_crl(ctx));
    if (X509_STORE_CTX_get_error_depth(ctx) == 0
        && (error == X509_V_ERR_CERT_HAS_EXPIRED || error == X509_V_ERR_CERT_NOT_YET_VALID)) {
        return 1;
    }
    if (error == X509_V_ERR_CRL_HAS_EXPIRED && judgement->crl
        && is_in_grace(judgement, judgement->crl)) {
        judgement->warning = grace_of(judgement, judgement->crl);
        return 1;
    }
    return 0;
}

/*
 * The lists that count: for OpenSSL one without nextUpdate is current for ever, so it is only there
 * while CRLGrace lasts. NULL if there is no memory. The caller frees the stack, and not the lists.
 */
static STACK_OF(X509_CRL) *select_crls(judgement_t *judgement)
{
    STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    int i;

    for (i = 0; crls && i < judgement->chain->crls->nelts; i++) {
        const samlc_crl_t *crl = &APR_ARRAY_IDX(judgement->chain->crls, i, samlc_crl_t);

        if (crl->is_undated && !is_in_grace(judgement, crl)) {
            continue;
        }
        if (crl->is_undated && judgement->chain->crl_check != SAMLC_CRL_OFF) {
            judgement->warning = grace_of(judgement, crl);
        }
        if (sk_X509_CRL_push(crls, crl->x) < 1) {
            sk_X509_CRL_free(crls);
            crls = NULL;
        }
    }
    return crls;
}

/* Builds and verifies the path; all that is in it besides the leaf's dates. */
static samlc_reason_t check_path(judgement_t *judgement, X509_STORE_CTX *ctx,
                                 STACK_OF(X509_CRL) *crls)
{
    samlc_reason_t reason = SAMLC_REASON_INTERNAL;
    STACK_OF(X509) *path = NULL;
    const X509 *anchor = NULL;
    int verified = 0;

    if (X509_STORE_CTX_init(ctx, judgement->chain->store, samlc_cert_x509(judgement->leaf),
                            judgement->chain->untrusted) != 1
        || X509_STORE_CTX_set_app_data(ctx, judgement) != 1) {
        return refuse(judgement, reason, "OpenSSL cannot verify a certificate");
    }
    X509_STORE_CTX_set0_crls(ctx, crls);
    X509_STORE_CTX_set_time(ctx, 0, (time_t)apr_time_sec(judgement->now));
    X509_STORE_CTX_set_verify_cb(ctx, forgive);
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

static samlc_reason_t judge(judgement_t *judgement, int ignore_leaf_dates)
{
    samlc_reason_t reason = SAMLC_REASON_INTERNAL;
    STACK_OF(X509_CRL) *crls = NULL;
    X509_STORE_CTX *ctx = NULL;

    if (!judgement->chain->has_anchor) {
        return refuse(judgement, SAMLC_REASON_NO_TRUST_CONFIGURED,
                      "a chain is asked for, but no self-signed certificate is among the roots");
    }
    ERR_clear_error();
    ctx = X509_STORE_CTX_new();
    crls = select_crls(judgement);
    if (!ctx || !crls) {
        refuse(judgement, reason, "out of memory");
        goto out;
    }
    reason = check_leaf_usage(judgement);
    if (reason == SAMLC_REASON_OK) {
        reason = check_path(judgement, ctx, crls);
    }
    if (reason == SAMLC_REASON_OK && !ignore_leaf_dates) {
        reason = check_leaf_dates(judgement);
    }
out:
    X509_STORE_CTX_free(ctx);
    sk_X509_CRL_free(crls);
    ERR_clear_error();
    return reason;
}

samlc_reason_t samlc_chain_judge(const char **message, const samlc_chain_t *chain,
                                 const samlc_cert_t *leaf, int ignore_leaf_dates, apr_time_t now,
                                 apr_pool_t *p)
{
    judgement_t judgement = {chain, leaf, now, p, NULL, NULL, NULL};
    samlc_reason_t reason = judge(&judgement, ignore_leaf_dates);

    *message = judgement.message;
    return reason;
}

samlc_reason_t samlc_chain_judge_path(const char **text, const samlc_chain_t *chain,
                                      const samlc_cert_t *leaf, apr_time_t now, apr_pool_t *p)
{
    judgement_t judgement = {chain, leaf, now, p, NULL, NULL, NULL};
    samlc_reason_t reason = judge(&judgement, 1);

    *text = reason == SAMLC_REASON_OK ? judgement.warning : judgement.message;
    return reason;
}

/* Narrows an interval around `now` by a date at which something changes. */
static void narrow(apr_time_t *from, apr_time_t *until, apr_time_t date, apr_time_t now)
{
    if (date <= now && date > *from) {
        *from = date;
    }
    if (date > now && date < *until) {
        *until = date;
    }
}

int samlc_chain_interval(apr_time_t *from, apr_time_t *until, const samlc_chain_t *chain,
                         apr_time_t now)
{
    int i;

    *from = APR_INT64_MIN;
    *until = APR_INT64_MAX;
    for (i = 0; i < chain->certs->nelts; i++) {
        const samlc_cert_t *cert = APR_ARRAY_IDX(chain->certs, i, const samlc_cert_t *);

        narrow(from, until, samlc_cert_not_before(cert), now);
        narrow(from, until, samlc_cert_not_after(cert), now);
    }
    for (i = 0; i < chain->crls->nelts; i++) {
        const samlc_crl_t *crl = &APR_ARRAY_IDX(chain->crls, i, samlc_crl_t);

        narrow(from, until, crl->this_update, now);
        narrow(from, until, crl->due, now);
        narrow(from, until, crl->due + chain->crl_grace, now);
    }
    return !chain->has_system_roots;
}

const apr_array_header_t *samlc_chain_certs(const samlc_chain_t *chain)
{
    return chain->certs;
}

/* --- what can be foreseen --- */

static void add_sentence(apr_array_header_t *sentences, const char *sentence)
{
    APR_ARRAY_PUSH(sentences, const char *) = sentence;
}

/* What a list that is due, or soon will be, means for logins. */
static const char *foresee_crl(const judgement_t *judgement, const samlc_crl_t *crl)
{
    apr_pool_t *p = judgement->pool;
    const char *refused = "what asks for it is refused (crl-stale)";

    if (judgement->now >= crl->due && is_in_grace(judgement, crl)) {
        return grace_of(judgement, crl);
    }
    if (crl->is_undated) {
        return apr_psprintf(p, "%s: the revocation list of %s has no nextUpdate, so nobody can tell"
                            " whether it is current: %s; CRLGrace would let it count", crl->origin,
                            samlc_text_show(crl->issuer, p), refused);
    }
    if (judgement->now >= crl->due) {
        return apr_psprintf(p, "%s: the revocation list of %s was due at %s: %s", crl->origin,
                            samlc_text_show(crl->issuer, p), samlc_clock_format(crl->due, p),
                            refused);
    }
    if (judgement->now >= crl->due - SAMLC_CRL_SOON) {
        return apr_psprintf(p, "%s: the revocation list of %s will be due at %s; fetch the next"
                            " one", crl->origin, samlc_text_show(crl->issuer, p),
                            samlc_clock_format(crl->due, p));
    }
    return NULL;
}

static int has_crl_of(const samlc_chain_t *chain, const samlc_cert_t *ca)
{
    int i;

    for (i = 0; i < chain->crls->nelts; i++) {
        if (X509_NAME_cmp(X509_CRL_get_issuer(APR_ARRAY_IDX(chain->crls, i, samlc_crl_t).x),
                          X509_get_subject_name(samlc_cert_x509(ca))) == 0) {
            return 1;
        }
    }
    return 0;
}

apr_array_header_t *samlc_chain_foresee(const samlc_chain_t *chain, apr_time_t now, apr_pool_t *p)
{
    apr_array_header_t *sentences = apr_array_make(p, 2, sizeof(const char *));
    const judgement_t judgement = {chain, NULL, now, p, NULL, NULL, NULL};
    int i;

    if (chain->crl_check == SAMLC_CRL_OFF || !chain->has_anchor) {
        return sentences;
    }
    for (i = 0; i < chain->crls->nelts; i++) {
        const char *sentence = foresee_crl(&judgement, &APR_ARRAY_IDX(chain->crls, i, samlc_crl_t));

        if (sentence) {
            add_sentence(sentences, sentence);
        }
    }
    if (chain->crls->nelts == 0 && !chain->has_system_roots) {
        add_sentence(sentences, "CRLCheck asks for revocation lists, and there are none: each chain"
                     " will be refused (crl-stale)");
    }
    for (i = 0; chain->crl_check == SAMLC_CRL_CHAIN && chain->crls->nelts > 0
         && i < chain->certs->nelts; i++) {
        const samlc_cert_t *ca = APR_ARRAY_IDX(chain->certs, i, const samlc_cert_t *);

        if (X509_check_ca(samlc_cert_x509(ca)) == 1 && !has_crl_of(chain, ca)) {
            add_sentence(sentences, apr_psprintf(
                p, "CRLCheck chain asks for a revocation list of %s (%s), and there is none: what"
                " it issued will be refused (crl-stale)",
                samlc_text_show(samlc_cert_subject(ca), p), samlc_cert_origin(ca)));
        }
    }
    ERR_clear_error();
    return sentences;
}
