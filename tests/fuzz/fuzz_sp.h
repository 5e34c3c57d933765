/* SPDX-License-Identifier: Apache-2.0 */
/* The service provider that judges the messages of the fuzz tests. */
#ifndef TESTS_FUZZ_FUZZ_SP_H
#define TESTS_FUZZ_FUZZ_SP_H

#include "core/saml/redirect.h"
#include "core/saml/response.h"

/* Where its IdPs and keys are: data/trust. */
samlc_source_t fuzz_sp_source(void);

/* What it expects, at FUZZ_NOW; `snapshot` must live as long. */
samlc_expectations_t fuzz_sp_expectations(const samlc_snapshot_t *snapshot, apr_pool_t *p);

/*
 * Judges a message and checks what holds for every verdict, and that an accepted one says nothing
 * but what the seeds say. NULL if it could not be read.
 */
samlc_verdict_t *fuzz_sp_judge(const samlc_expectations_t *expected, const samlc_data_t *message,
                               apr_pool_t *p);

/*
 * TRUE if SEEDS_MAIN or SEEDS_OTHER signed this query; *message (NULL otherwise) is what it says.
 */
int fuzz_sp_reads_query(samlc_redirect_t **message, const samlc_snapshot_t *snapshot,
                        const char *query, apr_pool_t *p);

#endif
