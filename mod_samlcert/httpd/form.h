/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms, posted or in a query (application/x-www-form-urlencoded). Strict where others guess: a
 * field that comes twice, a broken escape or an encoded field name is malformed (SECURITY-RULES 1,
 * 23).
 */
#ifndef MOD_SAMLC_FORM_H
#define MOD_SAMLC_FORM_H

#include <httpd.h>

#include "core/base/result.h"

/*
 * Reads the body of a POST, at most `max` bytes, into field name -> value. Fails with malformed
 * (also for another content type) or too-large; reading stops there, and the connection is closed
 * afterwards.
 */
apr_status_t mod_samlc_form_read(apr_table_t **fields, request_rec *r, apr_size_t max,
                                 samlc_result_t *res);

/* The same with the query of the URL. No query: no fields. */
apr_status_t mod_samlc_form_query(apr_table_t **fields, request_rec *r, samlc_result_t *res);

/* Parses `len` bytes. Field names are compared exactly. */
apr_status_t mod_samlc_form_parse(apr_table_t **fields, const char *text, apr_size_t len,
                                  samlc_result_t *res, apr_pool_t *p);

#endif
