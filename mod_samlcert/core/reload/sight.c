/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/sight.h"

#define TICK (APR_USEC_PER_SEC / 10)         /* of file times with a fraction: a few ms are usual */
#define COARSE_TICK (2 * APR_USEC_PER_SEC)   /* of file times in whole seconds */

void samlc_sight_drop(samlc_sight_t *sight)
{
    if (sight->pool) {
        apr_pool_destroy(sight->pool);
    }
    sight->pool = NULL;
    sight->scan = NULL;
}

void samlc_sight_move(samlc_sight_t *to, samlc_sight_t *from)
{
    samlc_sight_drop(to);
    *to = *from;
    from->pool = NULL;
    from->scan = NULL;
}

apr_status_t samlc_sight_take(samlc_sight_t *sight, const samlc_source_t *source,
                              const apr_array_header_t *outside, samlc_result_t *res,
                              apr_pool_t *parent)
{
    apr_status_t rv = APR_EGENERAL;

    samlc_sight_drop(sight);
    apr_pool_create(&sight->pool, parent);
    rv = samlc_source_scan(&sight->scan, source, outside, res, sight->pool);
    if (rv != APR_SUCCESS) {
        samlc_sight_drop(sight);
    }
    return rv;
}

int samlc_sight_are_unchanged(const apr_array_header_t *seen)
{
    int i = 0;

    for (i = 0; i < seen->nelts; i++) {
        if (!samlc_seen_is_unchanged(&APR_ARRAY_IDX(seen, i, samlc_seen_t))) {
            return 0;
        }
    }
    return 1;
}

apr_time_t samlc_sight_unsettled_until(const samlc_scan_t *scan, apr_time_t now)
{
    const samlc_seen_t *seen = NULL;
    apr_int64_t newest = 0;
    apr_time_t until = 0;
    apr_time_t one = 0;
    int i = 0;

    if (scan->newest_ns / 1000 + COARSE_TICK <= now) {
        return 0;
    }
    for (i = 0; i < scan->seen->nelts; i++) {
        seen = &APR_ARRAY_IDX(scan->seen, i, samlc_seen_t);
        newest = seen->mtime_ns > seen->ctime_ns ? seen->mtime_ns : seen->ctime_ns;
        one = newest / 1000 + (newest % 1000000000 == 0 ? COARSE_TICK : TICK);
        until = one > until ? one : until;
    }
    if (until <= now) {
        return 0;
    }
    /* A time from the future says nothing about ticks. */
    return until < now + COARSE_TICK ? until : now + COARSE_TICK;
}
