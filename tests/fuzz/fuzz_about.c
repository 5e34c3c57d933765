/* SPDX-License-Identifier: Apache-2.0 */
/* The `about` files of the archive: what is read is what a file that says just that would say. */
#include <apr_strings.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/history/archive.h"
#include "fuzz.h"

const char *const FUZZ_TARGET = "about";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_archived_t about;
    samlc_archived_t same;
    samlc_data_t again = {NULL, 0, "again"};

    if (!fuzz_string(input, p)) {
        return 0;
    }
    if (samlc_archive_parse_about(&about, input, res, p) != APR_SUCCESS) {
        FUZZ_CHECK(!about.digest_hex && !about.trust_dir && res->reason == SAMLC_REASON_MALFORMED);
        return 0;
    }
    FUZZ_CHECK(about.digest_hex && !strchr(about.digest_hex, '\n'));
    FUZZ_CHECK(about.trust_dir && !strchr(about.trust_dir, '\n'));
    again.data = (const unsigned char *)apr_psprintf(
        p, "digest %s\nnumber %" APR_UINT64_T_FMT "\naccepted %s\ntrust-dir %s\n", about.digest_hex,
        about.number, samlc_clock_format(about.accepted_at, p), about.trust_dir);
    again.len = strlen((const char *)again.data);
    FUZZ_CHECK(samlc_archive_parse_about(&same, &again, res, p) == APR_SUCCESS);
    FUZZ_CHECK(strcmp(same.digest_hex, about.digest_hex) == 0);
    FUZZ_CHECK(strcmp(same.trust_dir, about.trust_dir) == 0);
    FUZZ_CHECK(same.number == about.number);
    FUZZ_CHECK(apr_time_sec(same.accepted_at) == apr_time_sec(about.accepted_at));
    return 1;
}
