/* SPDX-License-Identifier: Apache-2.0 */
/* The start of the server and of its children. */
#ifndef MOD_SAMLC_PROCESS_H
#define MOD_SAMLC_PROCESS_H

#include <httpd.h>

/* The post_config hook: shared memory, state directories, watchdogs. Nothing on the first pass. */
int mod_samlc_process_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s);

/* The child_init hook: opens the stores, loads the trust directories. */
void mod_samlc_process_start_child(apr_pool_t *pchild, server_rec *s);

#endif
