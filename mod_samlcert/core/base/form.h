/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forms as text (application/x-www-form-urlencoded). Strict where others guess: a field that comes
 * twice, a broken escape or an encoded field name is malformed (SECURITY-RULES 1, 23).
 */
#ifndef SAMLC_BASE_FORM_H
#define SAMLC_BASE_FORM_H

#include <apr_tables.h>

#include "core/base/result.h"

/* Parses `len` bytes into field name -> value. Names that differ in case only are a double. */
apr_status_t samlc_form_parse(apr_table_t **fields, const char *text, apr_size_t len,
                              samlc_result_t *res, apr_pool_t *p);

/* The field of exactly this name (a table itself ignores case); NULL if there is none. */
const char *samlc_form_get(const apr_table_t *fields, const char *name);

#endif
