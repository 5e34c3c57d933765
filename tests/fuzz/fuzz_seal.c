/* SPDX-License-Identifier: Apache-2.0 */
/* Sealed texts: nothing opens but what was sealed with this key, for this purpose, and in time. */
#include "core/keys/seal.h"
#include "fuzz.h"
#include "seeds.h"

const char *const FUZZ_TARGET = "seal";

static samlc_seal_t *seal;

void fuzz_setup(apr_pool_t *p)
{
    seal = samlc_seal_make(SEEDS_SEAL_KEY, p);
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    static const char *const known[] = SEEDS_SEALED_TEXTS;
    const char *sealed = fuzz_string(input, p);
    const char *text = NULL;
    const char *other = NULL;

    FUZZ_CHECK(samlc_seal_open(&other, seal, "another purpose", sealed, FUZZ_NOW, p)
               != APR_SUCCESS);
    FUZZ_CHECK(!other);
    if (samlc_seal_open(&text, seal, SEEDS_PURPOSE, sealed, FUZZ_NOW, p) != APR_SUCCESS) {
        FUZZ_CHECK(!text);
        return 0;
    }
    FUZZ_CHECK(fuzz_is_known(text, known));
    FUZZ_CHECK(samlc_seal_open(&text, seal, SEEDS_PURPOSE, sealed, SEEDS_SEALED_UNTIL, p)
               != APR_SUCCESS);
    FUZZ_CHECK(!text);
    return 1;
}
