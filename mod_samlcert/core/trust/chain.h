/* SPDX-License-Identifier: Apache-2.0 */
/* Chains to the configured anchors (RFC 5280 section 6, by OpenSSL), conflicts and revocation. */
#ifndef SAMLC_TRUST_CHAIN_H
#define SAMLC_TRUST_CHAIN_H

#include "core/keys/cert.h"
#include "core/trust/settings.h"

/*
 * The material of one trust store; any array may be NULL. Arrays of samlc_cert_t *, which must live
 * as long as the chain; crls of samlc_data_t (files, PEM or DER).
 */
typedef struct samlc_chain_source_t {
    const apr_array_header_t *roots;
    const apr_array_header_t *intermediates;
    const apr_array_header_t *crls;
    int use_system_roots;
    samlc_crl_check_t crl_check;
    samlc_conflict_t conflict;
    int crl_grace;                   /* seconds for which a revocation list counts when it is due */
} samlc_chain_source_t;

#define SAMLC_CRL_SOON apr_time_from_sec(86400) /* so long before it is due a list is warned of */

typedef struct samlc_chain_t samlc_chain_t;

/*
 * Builds the store. Self-signed certificates of `roots` are anchors; others there are chain
 * material, as in `intermediates`. An anchor that does not say CA:TRUE vouches for itself alone.
 * Fails with config-invalid for a CRL file that does not parse.
 */
apr_status_t samlc_chain_make(samlc_chain_t **chain, const samlc_chain_source_t *source,
                              samlc_result_t *res, apr_pool_t *p);

/*
 * Judges a certificate at `now`: OK, or cert-conflict, chain-incomplete (the missing issuer is
 * named), chain-expired, chain-invalid, cert-expired, cert-not-yet-valid, cert-revoked, crl-stale,
 * key-too-small, no-trust-configured (no anchor at all). `ignore_leaf_dates` judges all but the
 * leaf's own dates, where CertExpiry is more lenient. *message says why, in `p`. Safe for
 * concurrent use.
 */
samlc_reason_t samlc_chain_judge(const char **message, const samlc_chain_t *chain,
                                 const samlc_cert_t *leaf, int ignore_leaf_dates, apr_time_t now,
                                 apr_pool_t *p);

/*
 * The same without the dates of the leaf, where these are judged elsewhere. *text is NULL or a
 * warning where it is right (a revocation list within CRLGrace), else it says why not.
 */
samlc_reason_t samlc_chain_judge_path(const char **text, const samlc_chain_t *chain,
                                      const samlc_cert_t *leaf, apr_time_t now, apr_pool_t *p);

/*
 * The time around `now`, *from included and *until not, in which samlc_chain_judge_path says the
 * same about a leaf: no date of a certificate or a revocation list lies in it. FALSE if nobody
 * knows, because of the system's CA certificates.
 */
int samlc_chain_interval(apr_time_t *from, apr_time_t *until, const samlc_chain_t *chain,
                         apr_time_t now);

/*
 * Sentences (const char *) about revocation lists that are missing, due, or due within
 * SAMLC_CRL_SOON of `now`, where CRLCheck asks for them.
 */
apr_array_header_t *samlc_chain_foresee(const samlc_chain_t *chain, apr_time_t now, apr_pool_t *p);

/* What it is made of (const samlc_cert_t *): anchors and material, without the system's. */
const apr_array_header_t *samlc_chain_certs(const samlc_chain_t *chain);

/* TRUE if `cert`, one of them, is an anchor. */
int samlc_chain_is_anchor(const samlc_chain_t *chain, const samlc_cert_t *cert);

/* Its revocation lists (samlc_crl_t). */
const apr_array_header_t *samlc_chain_crls(const samlc_chain_t *chain);

/* One sentence for each conflict in the store (const char *). */
const apr_array_header_t *samlc_chain_conflicts(const samlc_chain_t *chain);

#endif
