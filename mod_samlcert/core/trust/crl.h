/* SPDX-License-Identifier: Apache-2.0 */
/* Revocation lists from files, and what they say about themselves. Immutable once read. */
#ifndef SAMLC_TRUST_CRL_H
#define SAMLC_TRUST_CRL_H

#include <apr_tables.h>
#include <apr_time.h>
#include <openssl/x509.h>

#include "core/base/result.h"
#include "core/base/text.h"

typedef struct samlc_crl_t {
    X509_CRL *x;                 /* lent */
    const char *origin;          /* the file */
    const char *issuer;          /* RFC 2253 */
    const char *sha256_hex;      /* of the DER */
    apr_time_t this_update;
    apr_time_t due;              /* nextUpdate; thisUpdate where it is not said */
    int is_undated;              /* it has no nextUpdate, against RFC 5280 5.1.2.5 */
} samlc_crl_t;

/*
 * Adds the lists of a file, one in DER or any number in PEM, to an array of samlc_crl_t. Fails with
 * config-invalid, naming the file: nothing that is cut short or of another kind may stand in it,
 * and no delta CRL, which would be ignored without a word.
 */
apr_status_t samlc_crl_read(apr_array_header_t *crls, const samlc_data_t *file, samlc_result_t *res,
                            apr_pool_t *p);

#endif
