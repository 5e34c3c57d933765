/* SPDX-License-Identifier: Apache-2.0 */
/* Pools that may be used in another thread than the one that made their parent. */
#ifndef SAMLC_BASE_POOL_H
#define SAMLC_BASE_POOL_H

#include <apr_pools.h>

/*
 * A pool with an allocator of its own, which gives its memory back as a whole when it is destroyed:
 * with `parent`, or for NULL only by itself. NULL: no memory.
 */
apr_pool_t *samlc_pool_make(apr_pool_t *parent);

#endif
