/* SPDX-License-Identifier: Apache-2.0 */
/* Fingerprint lists, as the value of the setting and as a file. */
#include <string.h>

#include "core/trust/signcerts.h"
#include "fuzz.h"

const char *const FUZZ_TARGET = "signcerts";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

static void check_pin(const samlc_pin_t *pin)
{
    FUZZ_CHECK(pin->len == 20 || pin->len == 32 || pin->len == 48 || pin->len == 64);
    FUZZ_CHECK(!pin->is_spki || pin->len == 32);
    FUZZ_CHECK(pin->origin);
}

/* A list that is accepted says something, and nothing that contradicts itself. */
static int check_list(const samlc_signcerts_t *list, apr_status_t rv)
{
    int i = 0;

    FUZZ_CHECK((rv == APR_SUCCESS) == (list != NULL));
    if (!list) {
        return 0;
    }
    FUZZ_CHECK(list->pins->nelts > 0 || list->any_trusted);
    FUZZ_CHECK(!(list->ignore_trust && list->any_trusted));
    for (i = 0; i < list->pins->nelts; i++) {
        check_pin(&APR_ARRAY_IDX(list->pins, i, samlc_pin_t));
    }
    return 1;
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    const char *value = fuzz_string(input, p);
    samlc_signcerts_t *list = NULL;
    apr_status_t rv = samlc_signcerts_parse_file(&list, input, samlc_result_make(p), p);
    int accepted = check_list(list, rv);

    if (value) {
        rv = samlc_signcerts_parse(&list, value, "idp.conf:1", samlc_result_make(p), p);
        accepted |= check_list(list, rv);
    }
    return accepted;
}
