/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/memo.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/*
 * A chain was found right, which holds from one date of its store to the next. Records are added in
 * front, and never changed or taken away while the memo lives: readers need no lock. Two threads
 * that add the same do no harm, and there are no more records than dates otherwise.
 */
typedef struct record_t {
    struct record_t *next;
    const samlc_chain_t *chain;
    apr_time_t from;       /* included */
    apr_time_t until;      /* excluded */
    char warning[];        /* empty: none */
} record_t;

struct samlc_memo_t {
    _Atomic(record_t *) first;
};

static apr_status_t free_records(void *data)
{
    samlc_memo_t *memo = data;
    record_t *record = atomic_exchange(&memo->first, NULL);

    while (record) {
        record_t *next = record->next;

        free(record);
        record = next;
    }
    return APR_SUCCESS;
}

samlc_memo_t *samlc_memo_make(apr_pool_t *p)
{
    samlc_memo_t *memo = apr_palloc(p, sizeof(*memo));

    atomic_init(&memo->first, NULL);
    apr_pool_cleanup_register(p, memo, free_records, apr_pool_cleanup_null);
    return memo;
}

static const record_t *find(samlc_memo_t *memo, const samlc_chain_t *chain, apr_time_t now)
{
    const record_t *record = atomic_load_explicit(&memo->first, memory_order_acquire);

    while (record && (record->chain != chain || now < record->from || now >= record->until)) {
        record = record->next;
    }
    return record;
}

/* The pool of a generation is for one thread, so a record comes from the heap. */
static void keep(samlc_memo_t *memo, const samlc_chain_t *chain, const char *warning,
                 apr_time_t now)
{
    record_t *record = malloc(sizeof(*record) + strlen(warning) + 1);

    if (!record) {
        return;
    }
    record->chain = chain;
    memcpy(record->warning, warning, strlen(warning) + 1);
    if (!samlc_chain_interval(&record->from, &record->until, chain, now)) {
        free(record);
        return;
    }
    record->next = atomic_load_explicit(&memo->first, memory_order_relaxed);
    while (!atomic_compare_exchange_weak_explicit(&memo->first, &record->next, record,
                                                  memory_order_release, memory_order_relaxed)) {
    }
}

samlc_reason_t samlc_memo_judge(const char **text, samlc_memo_t *memo, const samlc_chain_t *chain,
                                const samlc_cert_t *leaf, apr_time_t now, apr_pool_t *p)
{
    const record_t *record = memo ? find(memo, chain, now) : NULL;
    samlc_reason_t reason = SAMLC_REASON_INTERNAL;

    if (record) {
        *text = record->warning[0] ? apr_pstrdup(p, record->warning) : NULL;
        return SAMLC_REASON_OK;
    }
    reason = samlc_chain_judge_path(text, chain, leaf, now, p);
    if (reason == SAMLC_REASON_OK && memo) {
        keep(memo, chain, *text ? *text : "", now);
    }
    return reason;
}
