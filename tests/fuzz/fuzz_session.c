/* SPDX-License-Identifier: Apache-2.0 */
/* Session records: what decodes is exactly what encoding it again gives. */
#include <string.h>

#include "core/store/session.h"
#include "fuzz.h"

const char *const FUZZ_TARGET = "session";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    samlc_session_t *session = NULL;
    samlc_data_t again;

    if (samlc_session_decode(&session, input, p) != APR_SUCCESS) {
        FUZZ_CHECK(!session);
        return 0;
    }
    again = samlc_session_encode(session, p);
    FUZZ_CHECK(again.len == input->len && memcmp(again.data, input->data, input->len) == 0);
    return 1;
}
