/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz_sp.h"

#include <apr_strings.h>
#include <string.h>

#include "core/xml/xml.h"
#include "fuzz.h"
#include "seeds.h"

static int claimed = 0;

static apr_status_t claim(void *baton, const samlc_claims_t *claims, samlc_result_t *res,
                          apr_pool_t *p)
{
    int i = 0;

    (void)baton;
    (void)res;
    (void)p;
    FUZZ_CHECK(claims->assertion_id && claims->not_on_or_after > FUZZ_NOW);
    FUZZ_CHECK(claims->assertion_ids->nelts <= SAMLC_MAX_ASSERTIONS);
    while (i < claims->assertion_ids->nelts
           && strcmp(APR_ARRAY_IDX(claims->assertion_ids, i, const char *), claims->assertion_id)
                  != 0) {
        i++;
    }
    FUZZ_CHECK(i < claims->assertion_ids->nelts);
    claimed++;
    return APR_SUCCESS;
}

samlc_source_t fuzz_sp_source(void)
{
    samlc_source_t source;

    memset(&source, 0, sizeof(source));
    source.dir = SAMLC_FUZZ_DATA "/trust";
    return source;
}

samlc_expectations_t fuzz_sp_expectations(const samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    apr_array_header_t *requests = apr_array_make(p, 1, sizeof(const char *));
    samlc_expectations_t expected;

    APR_ARRAY_PUSH(requests, const char *) = SEEDS_REQUEST;
    memset(&expected, 0, sizeof(expected));
    expected.snapshot = snapshot;
    expected.keys = samlc_snapshot_keyset(snapshot, "default");
    expected.entity_id = SEEDS_SP;
    expected.acs_url = SEEDS_ACS;
    expected.in_response_to = requests;
    expected.now = FUZZ_NOW;
    expected.claim = claim;
    return expected;
}

static void check_claims(const samlc_claims_t *claims)
{
    static const char *const idps[] = { SEEDS_MAIN, SEEDS_OTHER, SEEDS_CHAIN, SEEDS_LOOSE,
                                        SEEDS_METADATA_ENTITY, NULL };
    const samlc_session_t *session = &claims->session;

    FUZZ_CHECK(fuzz_is_known(claims->idp->entity_id, idps));
    FUZZ_CHECK(samlc_text_equal(session->idp_entity_id, claims->idp->entity_id));
    FUZZ_CHECK(samlc_text_equal(session->sp_entity_id, SEEDS_SP));
    FUZZ_CHECK(samlc_text_equal(claims->in_response_to, SEEDS_REQUEST)
               || (!claims->in_response_to && claims->idp->settings->unsolicited));
    FUZZ_CHECK(session->user && session->name_id);
}

samlc_verdict_t *fuzz_sp_judge(const samlc_expectations_t *expected, const samlc_data_t *message,
                               apr_pool_t *p)
{
    samlc_response_t *response = NULL;
    samlc_verdict_t *verdict = NULL;
    samlc_result_t *res = samlc_result_make(p);

    claimed = 0;
    if (samlc_response_read(&response, message, res, p) != APR_SUCCESS) {
        FUZZ_CHECK(!response && res->reason != SAMLC_REASON_OK);
        return NULL;
    }
    verdict = samlc_response_judge(response, expected, p);
    FUZZ_CHECK(verdict->message && verdict->reason != SAMLC_REASON_UNDECIDED);
    if (verdict->outcome == SAMLC_ACCEPTED) {
        FUZZ_CHECK(verdict->reason == SAMLC_REASON_OK && verdict->trust.is_trusted);
        FUZZ_CHECK(claimed == 1);
        check_claims(verdict->claims);
    }
    else {
        FUZZ_CHECK(verdict->reason != SAMLC_REASON_OK && !verdict->claims && claimed == 0);
    }
    return verdict;
}

static int is_signed_by(const samlc_redirect_t *message, const samlc_idp_t *idp, apr_pool_t *p)
{
    samlc_trust_verdict_t verdict;
    samlc_result_t *res = samlc_result_make(p);

    if (samlc_redirect_verify(&verdict, message, idp, NULL, FUZZ_NOW, res, p) == APR_SUCCESS) {
        FUZZ_CHECK(verdict.is_trusted && verdict.reason == SAMLC_REASON_OK);
        return 1;
    }
    FUZZ_CHECK(!verdict.is_trusted && res->reason != SAMLC_REASON_OK);
    return 0;
}

int fuzz_sp_reads_query(samlc_redirect_t **message, const samlc_snapshot_t *snapshot,
                        const char *query, apr_pool_t *p)
{
    samlc_redirect_t *read = NULL;
    samlc_result_t *res = samlc_result_make(p);

    *message = NULL;
    if (samlc_redirect_parse(&read, query, res, p) != APR_SUCCESS) {
        FUZZ_CHECK(!read && res->reason != SAMLC_REASON_OK);
        return 0;
    }
    FUZZ_CHECK(read->xml.len <= SAMLC_XML_MESSAGE.bytes);
    FUZZ_CHECK((read->algorithm != NULL) == (read->signature.data != NULL));
    if (is_signed_by(read, samlc_snapshot_idp_by_entity(snapshot, SEEDS_MAIN), p)
        || is_signed_by(read, samlc_snapshot_idp_by_entity(snapshot, SEEDS_OTHER), p)) {
        *message = read;
    }
    return *message != NULL;
}
