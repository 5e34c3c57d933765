/* SPDX-License-Identifier: Apache-2.0 */
/* The assertion consumer service: from a posted response to a session. */
#ifndef MOD_SAMLC_ACS_H
#define MOD_SAMLC_ACS_H

#include <httpd.h>

/* Answers a request to the acs endpoint: 303 to the target, or a page with 400, 403, 413 or 503. */
int mod_samlc_acs_handle(request_rec *r);

#endif
