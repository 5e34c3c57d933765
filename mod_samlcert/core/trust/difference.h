/* SPDX-License-Identifier: Apache-2.0 */
/* What a change changes: two generations compared. Nothing here tells of private keys. */
#ifndef SAMLC_TRUST_DIFFERENCE_H
#define SAMLC_TRUST_DIFFERENCE_H

#include "core/trust/snapshot.h"

/*
 * What is lost if `after` replaces `before` (NULL: nothing) at `now`, for guard rails: an IdP its
 * last usable key, or all of them at once, also when others come instead; our own key set its
 * active key. One sentence for each (const char *), naming IdP or key set and certificates; an
 * empty array if nothing is. IdPs are compared by entity ID; one that was inactive has nothing to
 * lose. A key is usable if the trust decision accepts it and it is strong enough for a signature.
 */
apr_array_header_t *samlc_difference_losses(const samlc_snapshot_t *before,
                                            const samlc_snapshot_t *after, apr_time_t now,
                                            apr_pool_t *p);

#endif
