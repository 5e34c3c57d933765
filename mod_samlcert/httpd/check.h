/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is checked before the server starts, and by `httpd -t`: relations between directives, and
 * files.
 */
#ifndef MOD_SAMLC_CHECK_H
#define MOD_SAMLC_CHECK_H

#include <httpd.h>

/*
 * The check_config hook. Completes the configuration of every server, finds the realms, loads each
 * trust directory as the children will, and looks whether their user can read its files. Writes
 * nothing. A bad trust directory is an error of `httpd -t`. It does not stop a start if the
 * generation that was accepted last is in the archive, nor a restart: sessions go on, and the
 * children load it when it is good again.
 */
int mod_samlc_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                           server_rec *main_server);

#endif
