/* SPDX-License-Identifier: Apache-2.0 */
/* Certificate files, and all that is asked of the certificates in them. */
#include <apr_strings.h>
#include <string.h>

#include "core/keys/cert.h"
#include "core/trust/chain.h"
#include "core/trust/constraint.h"
#include "core/trust/signcerts.h"
#include "fuzz.h"

#define MAX_JUDGED 6   /* conflicts are looked for in pairs */

const char *const FUZZ_TARGET = "cert";

static samlc_signcerts_t *list;

void fuzz_setup(apr_pool_t *p)
{
    FUZZ_CHECK(
        samlc_signcerts_parse(&list,
                              "CERT_VALIDATION:IGNORE_TRUST,spki-sha256:"
                              "0000000000000000000000000000000000000000000000000000000000000000",
                              "x", samlc_result_make(p), p)
        == APR_SUCCESS);
}

/* A certificate written out is read as the same one. */
static void check_cert(const samlc_cert_t *cert, apr_pool_t *p)
{
    samlc_data_t der = samlc_cert_der(cert, p);
    samlc_cert_t *again = NULL;

    FUZZ_CHECK(samlc_cert_parse_der(&again, &der, samlc_result_make(p), p) == APR_SUCCESS);
    FUZZ_CHECK(samlc_cert_equal(cert, again));
    FUZZ_CHECK(memcmp(samlc_key_spki_sha256(samlc_cert_key(cert)),
                      samlc_key_spki_sha256(samlc_cert_key(again)), SAMLC_SHA256_LEN) == 0);
    FUZZ_CHECK(strlen(samlc_cert_sha256_hex(cert)) == 2 * SAMLC_SHA256_LEN);
    FUZZ_CHECK(samlc_cert_subject(cert) && samlc_cert_issuer(cert));
    FUZZ_CHECK(samlc_cert_serial(cert, p) && samlc_cert_fingerprint(cert, EVP_sha512(), p));
    FUZZ_CHECK(!samlc_signcerts_match(list, cert) && !samlc_signcerts_match_der(list, &der));
    samlc_cert_days_left(cert, FUZZ_NOW);
}

/* As anchors and material for chains of each other. */
static void check_chains(const apr_array_header_t *certs, apr_pool_t *p)
{
    samlc_chain_source_t source;
    samlc_chain_t *chain = NULL;
    const char *message = NULL;
    int i = 0;

    memset(&source, 0, sizeof(source));
    source.roots = certs;
    source.intermediates = certs;
    FUZZ_CHECK(samlc_chain_make(&chain, &source, samlc_result_make(p), p) == APR_SUCCESS);
    for (i = 0; i < certs->nelts; i++) {
        const samlc_cert_t *cert = APR_ARRAY_IDX(certs, i, const samlc_cert_t *);

        samlc_chain_judge(&message, chain, cert, i % 2, FUZZ_NOW, p);
        FUZZ_CHECK(message);
        samlc_constraint_is_met("san-dns:idp.example.org", cert, certs, p);
        samlc_constraint_is_met("san-uri:https://idp.example.org", cert, certs, p);
        FUZZ_CHECK(samlc_constraint_is_met(
            apr_pstrcat(p, "subject:", samlc_cert_subject(cert), NULL), cert, certs, p));
    }
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    apr_array_header_t *certs = NULL;
    samlc_result_t *res = samlc_result_make(p);
    int i = 0;

    if (samlc_cert_parse_file(&certs, input, res, p) != APR_SUCCESS) {
        FUZZ_CHECK(!certs && res->reason == SAMLC_REASON_CONFIG_INVALID);
        return 0;
    }
    FUZZ_CHECK(certs->nelts > 0);
    for (i = 0; i < certs->nelts && i < MAX_JUDGED; i++) {
        check_cert(APR_ARRAY_IDX(certs, i, const samlc_cert_t *), p);
    }
    if (certs->nelts <= MAX_JUDGED) {
        check_chains(certs, p);
    }
    return 1;
}
