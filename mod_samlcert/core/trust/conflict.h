/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of one trust store that distrust each other: the same name, and not the same key. */
#ifndef SAMLC_TRUST_CONFLICT_H
#define SAMLC_TRUST_CONFLICT_H

#include "core/keys/cert.h"
#include "core/trust/settings.h"

/*
 * Finds the conflicts among `certs` (samlc_cert_t *): adds both certificates of each pair to
 * `conflicted` (samlc_cert_t *) and a sentence to `sentences` (const char *). FALSE if OpenSSL
 * cannot tell: a conflict that is missed would make a key trusted.
 */
int samlc_conflict_find(apr_array_header_t *conflicted, apr_array_header_t *sentences,
                        const apr_array_header_t *certs, samlc_conflict_t form, apr_pool_t *p);

#endif
