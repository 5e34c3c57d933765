/* SPDX-License-Identifier: Apache-2.0 */
/* The scopes that an IdP may speak for: shibmd:Scope of its metadata (Shibboleth Metadata 1.0). */
#ifndef SAMLC_TRUST_SCOPE_H
#define SAMLC_TRUST_SCOPE_H

#include <apr_tables.h>
#include <regex.h>

#include "core/base/result.h"

#define SAMLC_NS_SHIBMD "urn:mace:shibboleth:metadata:1.0"

typedef struct samlc_scope_t {
    const char *value;
    const regex_t *regex;   /* NULL: `value` is meant literally */
} samlc_scope_t;

/*
 * Adds one to an array of samlc_scope_t. A regular expression is a POSIX extended one of at most
 * 256 characters, without repetition counts and back references, which can cost any time and
 * memory. Fails with config-invalid.
 */
apr_status_t samlc_scope_add(apr_array_header_t *scopes, const char *value, int is_regexp,
                             samlc_result_t *res, apr_pool_t *p);

/* The scope of a value, which is what follows its last "@"; NULL if there is none. */
const char *samlc_scope_of(const char *value);

/*
 * TRUE if one of the array is the scope of this value: exactly, case included, or as a regular
 * expression that matches the whole of it. FALSE for a value without scope, or with a blank in it.
 */
int samlc_scope_covers(const apr_array_header_t *scopes, const char *value);

#endif
