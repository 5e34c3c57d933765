/* SPDX-License-Identifier: Apache-2.0 */
/* The few pages that people see. */
#ifndef MOD_SAMLC_PAGE_H
#define MOD_SAMLC_PAGE_H

#include <httpd.h>

#include "core/base/result.h"
#include "core/reload/snapshot.h"

/*
 * The one answer to a login that failed: the same page whatever the reason, with an incident ID
 * that the log line has too (SECURITY-RULES 21). Sets status 400, 403, 413 or 503, logs and counts.
 * Returns OK.
 */
int mod_samlc_page_refuse(request_rec *r, samlc_reason_t reason, const char *message);

/* Where several IdPs could be meant: a link for each of `idps` (samlc_idp_t *). Returns OK. */
int mod_samlc_page_choose(request_rec *r, const apr_array_header_t *idps, const char *target);

/* After a logout. Returns OK. */
int mod_samlc_page_logged_out(request_rec *r);

/* A sentence as plain text. Returns OK. */
int mod_samlc_page_text(request_rec *r, int status, const char *text);

#endif
