/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/log.h"

#include <stdatomic.h>

#define PLACES 64
#define STORE_EVERY apr_time_from_sec(60)

/* When a subject was last spoken of. Two atomics, not one: a race costs a line more or less. */
static struct {
    atomic_uint_least64_t subject;
    atomic_int_least64_t at;
} said[PLACES];

apr_uint64_t mod_samlc_log_hash(const char *text)
{
    apr_uint64_t hash = 0xcbf29ce484222325u;
    const unsigned char *c = NULL;

    for (c = (const unsigned char *)text; *c != '\0'; c++) {
        hash = (hash ^ *c) * 0x100000001b3u;
    }
    return hash ? hash : 1;
}

int mod_samlc_log_is_due(const char *subject, apr_time_t now, apr_interval_time_t every)
{
    apr_uint64_t hash = mod_samlc_log_hash(subject);
    apr_size_t i = hash % PLACES;

    if (atomic_load(&said[i].subject) == hash && now < atomic_load(&said[i].at) + every) {
        return 0;
    }
    atomic_store(&said[i].subject, hash);
    atomic_store(&said[i].at, now);
    return 1;
}

void mod_samlc_log_store_failure(request_rec *r, const samlc_result_t *res)
{
    if (mod_samlc_log_is_due(res->message, r->request_time, STORE_EVERY)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, MOD_SAMLC_TAG_STORE_FAILED "%s: %s",
                      samlc_reason_word(res->reason), res->message);
    }
}
