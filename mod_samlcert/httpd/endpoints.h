/* SPDX-License-Identifier: Apache-2.0 */
/* The places under SamlCertEndpoint: acs, login, logout, metadata. */
#ifndef MOD_SAMLC_ENDPOINTS_H
#define MOD_SAMLC_ENDPOINTS_H

#include <httpd.h>

/*
 * The check_access_ex hook: nobody has to be logged in to log in. OK for our paths, else DECLINED.
 */
int mod_samlc_endpoints_allow(request_rec *r);

/* The handler hook; DECLINED for all paths but ours. */
int mod_samlc_endpoints_handle(request_rec *r);

#endif
