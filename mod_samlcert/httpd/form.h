/* SPDX-License-Identifier: Apache-2.0 */
/* Forms, posted or in a query; core/base/form says what is one. */
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

#endif
