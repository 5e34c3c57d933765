/* SPDX-License-Identifier: Apache-2.0 */
/* Times: xs:dateTime in, RFC 3339 out. Nothing here asks what time it is; callers pass `now`. */
#ifndef SAMLC_BASE_CLOCK_H
#define SAMLC_BASE_CLOCK_H

#include <apr_pools.h>
#include <apr_time.h>

/*
 * Parses an xs:dateTime with time zone ("Z" or an offset), as SAML Core 1.3.3 asks: four-digit
 * year, real calendar days, any number of fractional digits (microseconds kept), 24:00:00 as the
 * end of a day, a leap second 23:59:60 UTC as the following second, offsets up to 14:00. No white
 * space. APR_EINVAL otherwise, also for NULL, with *t = 0.
 */
apr_status_t samlc_clock_parse(apr_time_t *t, const char *s);

/* "2026-11-21T19:41:40Z", seconds resolution, UTC. */
const char *samlc_clock_format(apr_time_t t, apr_pool_t *p);

#endif
