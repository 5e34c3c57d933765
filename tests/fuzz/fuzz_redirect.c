/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Queries with signed messages. Nobody but an IdP can make one that is accepted, so whatever is
 * accepted says what a seed says, and what was verified are octets of the query.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "fuzz_sp.h"
#include "seeds.h"

const char *const FUZZ_TARGET = "redirect";

static samlc_snapshot_t *snapshot;
static samlc_data_t known;

void fuzz_setup(apr_pool_t *p)
{
    samlc_source_t source = fuzz_sp_source();
    samlc_result_t *res = samlc_result_make(p);

    known = fuzz_read_data("request.xml", p);
    if (samlc_snapshot_load(&snapshot, &source, NULL, NULL, FUZZ_NOW, res, p) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", res->message);
        exit(2);
    }
}

/* Each parameter that was verified stands in the query. */
static void check_octets(const char *octets, const char *query, apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, octets);
    char *state = NULL;
    const char *parameter = NULL;

    while ((parameter = apr_strtok(rest, "&", &state)) != NULL) {
        FUZZ_CHECK(strstr(query, parameter));
        rest = NULL;
    }
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    static const char *const states[] = { SEEDS_RELAY_STATE, NULL };
    const char *query = fuzz_string(input, p);
    samlc_redirect_t *message = NULL;

    if (!query || !fuzz_sp_reads_query(&message, snapshot, query, p)) {
        return 0;
    }
    FUZZ_CHECK(message->xml.len == known.len
               && memcmp(message->xml.data, known.data, known.len) == 0);
    FUZZ_CHECK(!message->relay_state || fuzz_is_known(message->relay_state, states));
    check_octets(message->signed_octets, query, p);
    return 1;
}
