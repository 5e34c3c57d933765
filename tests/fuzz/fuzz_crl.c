/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Revocation lists. Whatever the file says, a certificate that the list of its CA revokes is never
 * taken for good: without that list there is none, and a list that nobody signed counts for
 * nothing.
 */
#include <string.h>

#include "core/trust/chain.h"
#include "fuzz.h"

const char *const FUZZ_TARGET = "crl";

static samlc_chain_source_t source;
static const samlc_cert_t *revoked;
static const samlc_cert_t *good;

static apr_array_header_t *certs_of(const char *name, apr_pool_t *p)
{
    samlc_data_t file = fuzz_read_data(name, p);
    apr_array_header_t *certs = NULL;

    FUZZ_CHECK(samlc_cert_parse_file(&certs, &file, samlc_result_make(p), p) == APR_SUCCESS);
    return certs;
}

void fuzz_setup(apr_pool_t *p)
{
    memset(&source, 0, sizeof(source));
    source.roots = certs_of("trust/idp/chain/roots/ca.pem", p);
    source.crl_check = SAMLC_CRL_LEAF;
    revoked = APR_ARRAY_IDX(certs_of("revoked.pem", p), 0, const samlc_cert_t *);
    good = APR_ARRAY_IDX(certs_of("good.pem", p), 0, const samlc_cert_t *);
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    apr_array_header_t *crls = apr_array_make(p, 1, sizeof(samlc_data_t));
    samlc_chain_source_t with = source;
    samlc_chain_t *chain = NULL;
    const char *message = NULL;

    APR_ARRAY_PUSH(crls, samlc_data_t) = *input;
    with.crls = crls;
    if (samlc_chain_make(&chain, &with, samlc_result_make(p), p) != APR_SUCCESS) {
        return 0;
    }
    FUZZ_CHECK(samlc_chain_judge(&message, chain, revoked, 1, FUZZ_NOW, p) != SAMLC_REASON_OK);
    return samlc_chain_judge(&message, chain, good, 1, FUZZ_NOW, p) == SAMLC_REASON_OK;
}
