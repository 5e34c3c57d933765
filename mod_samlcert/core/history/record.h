/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The record of changes by samlcertctl, TRUST/.history: digests of what was in the trust directory,
 * with time, author and reason. Who writes it may write the trust directory, so it can vouch for a
 * copy of a generation that somebody else kept.
 */
#ifndef SAMLC_HISTORY_RECORD_H
#define SAMLC_HISTORY_RECORD_H

#include <apr_tables.h>
#include <apr_time.h>

#include "core/base/result.h"

#define SAMLC_RECORD_NAME ".history"
#define SAMLC_RECORD_FOUND "found"   /* the reason for what was there before a change */

/* One line: `DIGEST TIME AUTHOR REASON`, the author percent-encoded. */
typedef struct samlc_record_t {
    const char *digest_hex;
    apr_time_t at;
    const char *author;
    const char *reason;              /* "rollback 41"; one line */
} samlc_record_t;

/*
 * Reads the record of a trust directory, oldest first (samlc_record_t); empty if there is none.
 * Lines that are none are skipped. Fails with file-unreadable or too-large.
 */
apr_status_t samlc_record_read(apr_array_header_t **records, const char *trust_dir,
                               samlc_result_t *res, apr_pool_t *p);

/* The last line with this digest; NULL if there is none. */
const samlc_record_t *samlc_record_find(const apr_array_header_t *records, const char *digest_hex);

/* The content of the file: the last of `records`, as many as are kept. */
const char *samlc_record_text(const apr_array_header_t *records, apr_pool_t *p);

#endif
