/* SPDX-License-Identifier: Apache-2.0 */
/* SetHandler samlcert-status: the state of the realm of this server. */
#ifndef MOD_SAMLC_STATUS_H
#define MOD_SAMLC_STATUS_H

#include <httpd.h>

/* The handler hook; DECLINED where another handler is set. */
int mod_samlc_status_handle(request_rec *r);

#endif
