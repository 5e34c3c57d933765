/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/pool.h"

apr_pool_t *samlc_pool_make(apr_pool_t *parent)
{
    apr_allocator_t *allocator = NULL;
    apr_pool_t *pool = NULL;
    apr_status_t rv = apr_allocator_create(&allocator);

    if (rv != APR_SUCCESS) {
        return NULL;
    }
    rv = parent ? apr_pool_create_ex(&pool, parent, NULL, allocator)
                : apr_pool_create_unmanaged_ex(&pool, NULL, allocator);
    if (rv != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    return pool;
}
