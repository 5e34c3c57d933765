/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a fuzz target is made of. Each target is a programme of its own: driven by libFuzzer where
 * the tree is configured for it, else a replay of its corpus.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <apr_pools.h>
#include <apr_time.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/text.h"

#define FUZZ_NOW                                                                                   \
    (apr_time_from_sec(1782864000)) /* 2026-07-01T00:00:00Z, when the seeds are valid */

/* --- what a target defines ------------------------------------------------------------------ */

/* Its name, which is also that of its corpus. */
extern const char *const FUZZ_TARGET;

/* Called once; `p` lives as long as the programme. */
void fuzz_setup(apr_pool_t *p);

/*
 * Gives the input to the code under test and checks its promises. TRUE if the input was accepted:
 * at least one seed must be, or the fuzzer would only ever see refusals.
 */
int fuzz_one(const samlc_data_t *input, apr_pool_t *p);

/* --- what it may use ------------------------------------------------------------------------ */

/* The entry points that libFuzzer and the replay call. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* How many inputs were accepted so far. */
extern int fuzz_accepted;

/* Ends the programme with a crash, which the fuzzer takes for a finding, if a promise is broken. */
#define FUZZ_CHECK(promise) ((promise) ? (void)0 : fuzz_fail(#promise, __FILE__, __LINE__))
void fuzz_fail(const char *promise, const char *file, int line) __attribute__((noreturn));

/* Called before that; NULL: nothing is. */
extern void (*fuzz_before_crash)(void);

/* The input as a string: NULL if it has a NUL byte, which no caller could hand over. */
const char *fuzz_string(const samlc_data_t *input, apr_pool_t *p);

/* TRUE if `s` is one of `known`, which ends with NULL. */
int fuzz_is_known(const char *s, const char *const *known);

/* Reads a file of data/; a failure ends the programme. */
samlc_data_t fuzz_read_data(const char *name, apr_pool_t *p);

#endif
