/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages, from bytes to the verdict. Nobody but an IdP can make one that is accepted, so whatever
 * is accepted says what a seed says.
 */
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/base/file.h"
#include "fuzz.h"
#include "fuzz_sp.h"
#include "seeds.h"

const char *const FUZZ_TARGET = "response";

static samlc_expectations_t expected;

/*
 * The generation keeps certificates that its pins let in, in memory that the leak checker does not
 * look through. The seeds have all of them, and what is kept during the set-up is not counted.
 */
static void meet_signers(apr_pool_t *p)
{
    samlc_data_t message;
    glob_t found;
    size_t i = 0;

    if (glob(SAMLC_FUZZ_DATA "/../corpus/response/*.xml", 0, NULL, &found) != 0) {
        fputs("no seeds\n", stderr);
        exit(2);
    }
    for (i = 0; i < found.gl_pathc; i++) {
        if (samlc_file_read(&message, found.gl_pathv[i], SAMLC_MAX_CERT_FILE, samlc_result_make(p),
                            p) == APR_SUCCESS) {
            fuzz_sp_judge(&expected, &message, p);
        }
    }
    globfree(&found);
}

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
    meet_signers(p);
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    static const char *const known[] = { SEEDS_USER, SEEDS_GUEST, NULL };
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
