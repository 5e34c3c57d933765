/* SPDX-License-Identifier: Apache-2.0 */
/* Where a browser may be sent after a login or logout: the one checker (SECURITY-RULES 22). */
#ifndef SAMLC_SAML_TARGET_H
#define SAMLC_SAML_TARGET_H

#include <apr_tables.h>

/*
 * Returns `target` if the browser may be sent there, else NULL. Allowed: a local path with
 * exactly one leading slash (an encoded slash, backslash or control character behind it counts
 * as a second one); a URL with exactly the origin of `base_url` (scheme and host in any case,
 * the default port written or not); an https URL with one of `allowed_hosts` (const char *,
 * "host" or "host:port", may be NULL). Refused in any case: backslash, control and non-ASCII
 * characters, blanks, user info, more than 4096 characters.
 */
const char *samlc_target_check(const char *target, const char *base_url,
                               const apr_array_header_t *allowed_hosts, apr_pool_t *p);

#endif
