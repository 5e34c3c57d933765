/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was found out about the chain of one certificate, kept for as long as no date changes it.
 */
#ifndef SAMLC_TRUST_MEMO_H
#define SAMLC_TRUST_MEMO_H

#include "core/trust/chain.h"

typedef struct samlc_memo_t samlc_memo_t;

/* An empty one, in the pool of the generation that its certificate and its chains belong to. */
samlc_memo_t *samlc_memo_make(apr_pool_t *p);

/*
 * samlc_chain_judge_path for the certificate `leaf` that `memo` belongs to. A chain that is found
 * right is kept until a date of its store passes. What is refused is judged anew each time, so that
 * a failure of a moment does not last. NULL for `memo`: nothing is kept. Safe for concurrent use,
 * without a lock.
 */
samlc_reason_t samlc_memo_judge(const char **text, samlc_memo_t *memo, const samlc_chain_t *chain,
                                const samlc_cert_t *leaf, apr_time_t now, apr_pool_t *p);

#endif
