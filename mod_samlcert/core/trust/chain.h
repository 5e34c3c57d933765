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
} samlc_chain_source_t;

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
 * TRUE if `cert` matches an AnchorConstraint (see settings): its subject as samlc_cert_subject
 * writes it, one of its subjectAltNames, or the key of the configured certificate that signed it.
 */
int samlc_chain_meets(const samlc_chain_t *chain, const samlc_cert_t *cert, const char *constraint,
                      apr_pool_t *p);

/* NULL, or what is wrong with the syntax of a constraint. */
const char *samlc_chain_constraint_error(const char *constraint, apr_pool_t *p);

/* What it is made of (const samlc_cert_t *): anchors and material, without the system's. */
const apr_array_header_t *samlc_chain_certs(const samlc_chain_t *chain);

/* TRUE if `cert`, one of them, is an anchor. */
int samlc_chain_is_anchor(const samlc_chain_t *chain, const samlc_cert_t *cert);

/* A revocation list: hex of its SHA-256, and the file. */
typedef struct samlc_chain_crl_t {
    const char *sha256_hex;
    const char *origin;
} samlc_chain_crl_t;

/* Its revocation lists (samlc_chain_crl_t). */
const apr_array_header_t *samlc_chain_crls(const samlc_chain_t *chain);

/* One sentence for each conflict in the store (const char *). */
const apr_array_header_t *samlc_chain_conflicts(const samlc_chain_t *chain);

#endif
