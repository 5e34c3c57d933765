/* SPDX-License-Identifier: Apache-2.0 */
/* Guard rails: a change that would leave an IdP or us without a key is not taken silently. */
#ifndef MOD_SAMLC_GUARD_H
#define MOD_SAMLC_GUARD_H

#include "httpd/realm.h"

/*
 * Looks at what is lost if `candidate` replaces `present`; NULL: what the archive has as the last
 * good one, for a child that starts. With SamlCertGuard such a change is refused (config-invalid,
 * saying what is lost and how to force it); without it candidate->lost says what it is. A change
 * that samlcertctl recorded last was judged there.
 */
apr_status_t mod_samlc_guard_judge(const mod_samlc_realm_t *realm, const samlc_snapshot_t *present,
                                   samlc_snapshot_t *candidate, apr_time_t now,
                                   samlc_result_t *res, apr_pool_t *p);

/* Tells the log what the generation has lost, if it has. */
void mod_samlc_guard_report(const mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot);

#endif
