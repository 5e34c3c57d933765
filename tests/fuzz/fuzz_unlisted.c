/* SPDX-License-Identifier: Apache-2.0 */
/* Files of unlisted signers: what is read stands at the beginning of a line. */
#include <apr_strings.h>
#include <string.h>

#include "core/trust/unlisted.h"
#include "fuzz.h"

const char *const FUZZ_TARGET = "unlisted";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

static void check_line(const char *file, const char *name, const char *value, apr_pool_t *p)
{
    const char *line = apr_pstrcat(p, "\n", name, value, NULL);

    FUZZ_CHECK(value && !strpbrk(value, "\r\n"));
    FUZZ_CHECK(strncmp(file, line + 1, strlen(line + 1)) == 0 || strstr(file, line));
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    const char *file = fuzz_string(input, p);
    samlc_unlisted_t entry;

    if (!file) {
        return 0;
    }
    if (samlc_unlisted_parse(&entry, input, res, p) != APR_SUCCESS) {
        FUZZ_CHECK(res->reason != SAMLC_REASON_OK);
        return 0;
    }
    FUZZ_CHECK(entry.cert && !entry.idp && !entry.path);
    check_line(file, "First-Seen: ", entry.first_seen, p);
    check_line(file, "Last-Seen: ", entry.last_seen, p);
    check_line(file, "Chain: ", entry.chain, p);
    return 1;
}
