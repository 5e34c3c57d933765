/* SPDX-License-Identifier: Apache-2.0 */
/* Targets of redirects. What the checker lets pass is compared with a description of its own. */
#include <regex.h>
#include <string.h>

#include "core/saml/target.h"
#include "fuzz.h"

#define BASE_URL "https://sp.example.org"

const char *const FUZZ_TARGET = "target";

static regex_t local_path;
static regex_t own_url;
static apr_array_header_t *hosts;

void fuzz_setup(apr_pool_t *p)
{
    hosts = apr_array_make(p, 2, sizeof(const char *));
    APR_ARRAY_PUSH(hosts, const char *) = "allowed.example.org";
    APR_ARRAY_PUSH(hosts, const char *) = "port.example.org:8443";
    /*
     * One slash, then the end, or something that no browser and no second decoding takes for a
     * slash.
     */
    FUZZ_CHECK(regcomp(&local_path, "^/([^/\\%].*|%([^0-9A-Fa-f].*|[0-9A-Fa-f]?$|.[^0-9A-Fa-f].*"
                                    "|[3-9A-Fa-f]..*|2[0-9A-Ea-e].*))?$",
                       REG_EXTENDED | REG_NOSUB) == 0);
    FUZZ_CHECK(regcomp(&own_url, "^https://(sp\\.example\\.org(:0*443)?"
                                 "|allowed\\.example\\.org(:0*443)?"
                                 "|port\\.example\\.org:0*8443)([/?#].*)?$",
                       REG_EXTENDED | REG_NOSUB | REG_ICASE) == 0);
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    const char *target = fuzz_string(input, p);
    const char *checked = samlc_target_check(target, BASE_URL, hosts, p);
    apr_size_t i = 0;

    if (!checked) {
        return 0;
    }
    FUZZ_CHECK(strcmp(checked, target) == 0);
    for (i = 0; checked[i] != '\0'; i++) {
        FUZZ_CHECK(checked[i] > ' ' && checked[i] < 0x7f && checked[i] != '\\');
    }
    FUZZ_CHECK(regexec(&local_path, checked, 0, NULL, 0) == 0
               || regexec(&own_url, checked, 0, NULL, 0) == 0);
    return 1;
}
