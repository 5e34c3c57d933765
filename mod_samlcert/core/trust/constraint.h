/* SPDX-License-Identifier: Apache-2.0 */
/* AnchorConstraint: what a certificate that is trusted by its chain alone must also match. */
#ifndef SAMLC_TRUST_CONSTRAINT_H
#define SAMLC_TRUST_CONSTRAINT_H

#include "core/keys/cert.h"

/* NULL, or what is wrong with the syntax (see settings). */
const char *samlc_constraint_error(const char *constraint, apr_pool_t *p);

/*
 * TRUE if `cert` matches: its subject as samlc_cert_subject writes it, one of its subjectAltNames,
 * or the key of the one of `cas` (samlc_cert_t *) that signed it.
 */
int samlc_constraint_is_met(const char *constraint, const samlc_cert_t *cert,
                            const apr_array_header_t *cas, apr_pool_t *p);

#endif
