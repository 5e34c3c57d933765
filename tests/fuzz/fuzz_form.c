/* SPDX-License-Identifier: Apache-2.0 */
/* Forms and queries: field names are plain and come once. */
#include <http_protocol.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "core/base/form.h"

const char *const FUZZ_TARGET = "form";

/* The linker wants them for the part that reads from a connection, which is not used here. */
int ap_setup_client_block(request_rec *r, int policy)
{
    (void)r;
    (void)policy;
    abort();
}

int ap_should_client_block(request_rec *r)
{
    (void)r;
    abort();
}

long ap_get_client_block(request_rec *r, char *buffer, apr_size_t size)
{
    (void)r;
    (void)buffer;
    (void)size;
    abort();
}

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    apr_table_t *fields = NULL;
    samlc_result_t *res = samlc_result_make(p);
    const apr_table_entry_t *entries = NULL;
    int i = 0;
    int k = 0;

    if (samlc_form_parse(&fields, (const char *)input->data, input->len, res, p)
        != APR_SUCCESS) {
        FUZZ_CHECK(res->reason == SAMLC_REASON_MALFORMED);
        return 0;
    }
    entries = (const apr_table_entry_t *)apr_table_elts(fields)->elts;
    for (i = 0; i < apr_table_elts(fields)->nelts; i++) {
        FUZZ_CHECK(entries[i].key[0] != '\0' && !strpbrk(entries[i].key, "%+&="));
        FUZZ_CHECK(entries[i].val);
        for (k = 0; k < i; k++) {
            FUZZ_CHECK(strcasecmp(entries[i].key, entries[k].key) != 0);
        }
    }
    return i > 0;
}
