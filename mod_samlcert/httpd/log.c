/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/log.h"

#include <stdatomic.h>

#define ROWS 64
#define PLACES 4    /* in each row, so that a few subjects do not expel each other */
#define STORE_EVERY apr_time_from_sec(60)

/* When a subject was last spoken of. Two atomics, not one: a race costs a line more or less. */
typedef struct place_t {
    atomic_uint_least64_t subject;
    atomic_int_least64_t at;
} place_t;

static place_t said[ROWS][PLACES];

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
    place_t *row = said[hash % ROWS];
    place_t *place = &row[0];
    int i = 0;

    for (i = 0; i < PLACES; i++) {
        if (atomic_load(&row[i].subject) == hash) {
            place = &row[i];
            break;
        }
        if (atomic_load(&row[i].at) < atomic_load(&place->at)) {
            place = &row[i];      /* what was said longest ago makes room */
        }
    }
    if (atomic_load(&place->subject) == hash && now < atomic_load(&place->at) + every) {
        return 0;
    }
    atomic_store(&place->subject, hash);
    atomic_store(&place->at, now);
    return 1;
}

void mod_samlc_log_store_failure(request_rec *r, const samlc_result_t *res)
{
    if (mod_samlc_log_is_due(res->message, r->request_time, STORE_EVERY)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, MOD_SAMLC_TAG_STORE_FAILED "%s: %s",
                      samlc_reason_word(res->reason), res->message);
    }
}
