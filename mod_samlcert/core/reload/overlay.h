/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The overlay: what PromoteOnFirstUse moved, in the state directory, since the server cannot write
 * the trust directory. One small file, STATE/overlay, with a line for each:
 *
 *   promote IDP SHA256 TIME
 *
 * A line counts only while that IdP has PromoteOnFirstUse on and that certificate in its file
 * `staged`. So whoever can write the file can name a certificate primary that is trusted anyway;
 * nothing in it adds trust, takes it away, or brings a retired certificate back.
 */
#ifndef SAMLC_RELOAD_OVERLAY_H
#define SAMLC_RELOAD_OVERLAY_H

#include "core/reload/snapshot.h"

#define SAMLC_OVERLAY_NAME "overlay"         /* in the state directory */
#define SAMLC_MAX_OVERLAY (256 * 1024)

/* One line. */
typedef struct samlc_promotion_t {
    const char *idp;
    const char *sha256;      /* hex */
    apr_time_t at;
} samlc_promotion_t;

/*
 * Reads it all into an array of samlc_promotion_t; empty when it fails (malformed, naming
 * "FILE:LINE").
 */
apr_status_t samlc_overlay_parse(apr_array_header_t **promotions, const samlc_data_t *file,
                                 samlc_result_t *res, apr_pool_t *p);

/*
 * The first login with `cert`, which is staged for `idp` of `snapshot`: adds its line to the file
 * at `path`, drops lines without effect, and replaces the file as a whole (0600). *is_news: the
 * line was not there. Safe for concurrent use by threads and processes. APR_STATUS_IS_EAGAIN:
 * somebody else is writing; the next login will do. Fails with file-unreadable.
 */
apr_status_t samlc_overlay_promote(int *is_news, const char *path,
                                   const samlc_snapshot_t *snapshot, const samlc_idp_t *idp,
                                   const samlc_cert_t *cert, apr_time_t now, samlc_result_t *res,
                                   apr_pool_t *p);

#endif
