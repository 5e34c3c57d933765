/* SPDX-License-Identifier: Apache-2.0 */
/* idp.conf: what is accepted is within the ranges that the table promises. */
#include <string.h>

#include "core/trust/settings.h"
#include "fuzz.h"

const char *const FUZZ_TARGET = "settings";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

static void check_choices(const samlc_settings_t *s)
{
    FUZZ_CHECK(s->cert_expiry >= SAMLC_EXPIRY_BY_MODE && s->cert_expiry <= SAMLC_EXPIRY_IGNORE);
    FUZZ_CHECK(s->cert_conflict >= SAMLC_CONFLICT_BOTH && s->cert_conflict <= SAMLC_CONFLICT_OFF);
    FUZZ_CHECK(s->crl_check >= SAMLC_CRL_OFF && s->crl_check <= SAMLC_CRL_CHAIN);
    FUZZ_CHECK(s->response_signature >= SAMLC_SIGNED_ANY
               && s->response_signature <= SAMLC_SIGNED_BOTH);
    FUZZ_CHECK(s->status == SAMLC_STATUS_ACTIVE || s->status == SAMLC_STATUS_INACTIVE);
}

static void check_url(const char *url)
{
    FUZZ_CHECK(!url || samlc_settings_is_url(url));
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    samlc_settings_t *s = samlc_settings_make(p);
    samlc_result_t *res = samlc_result_make(p);

    if (samlc_settings_parse(s, input, res, p) != APR_SUCCESS) {
        FUZZ_CHECK(res->reason == SAMLC_REASON_CONFIG_INVALID);
        return 0;
    }
    check_choices(s);
    FUZZ_CHECK(s->min_rsa_bits >= 1024 && s->min_rsa_bits <= 16384);
    FUZZ_CHECK(s->clock_skew >= 0 && s->clock_skew <= 600);
    check_url(s->sso_url);
    check_url(s->slo_url);
    samlc_settings_warnings(s, p);
    return 1;
}
