/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages, from bytes to the verdict. Nobody but an IdP can make one that is accepted, so whatever
 * is accepted says what a seed says.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz.h"
#include "fuzz_sp.h"
#include "seeds.h"

const char *const FUZZ_TARGET = "response";

static samlc_expectations_t expected;

void fuzz_setup(apr_pool_t *p)
{
    samlc_source_t source = fuzz_sp_source();
    samlc_snapshot_t *snapshot = NULL;
    samlc_result_t *res = samlc_result_make(p);

    if (samlc_snapshot_load(&snapshot, &source, NULL, NULL, FUZZ_NOW, res, p) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", res->message);
        exit(2);
    }
    expected = fuzz_sp_expectations(snapshot, p);
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    static const char *const known[] = { SEEDS_USER, NULL };
    samlc_verdict_t *verdict = fuzz_sp_judge(&expected, input, p);
    const apr_array_header_t *attributes = NULL;
    int i = 0;
    int k = 0;

    if (!verdict || verdict->outcome != SAMLC_ACCEPTED) {
        return 0;
    }
    FUZZ_CHECK(fuzz_is_known(verdict->claims->session.user, known));
    FUZZ_CHECK(fuzz_is_known(verdict->claims->session.name_id, known));
    attributes = verdict->claims->session.attributes;
    for (i = 0; i < attributes->nelts; i++) {
        const samlc_attribute_t *a = &APR_ARRAY_IDX(attributes, i, samlc_attribute_t);

        for (k = 0; k < a->values->nelts; k++) {
            FUZZ_CHECK(fuzz_is_known(APR_ARRAY_IDX(a->values, k, const char *), known));
        }
    }
    return 1;
}
