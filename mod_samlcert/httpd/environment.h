/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What applications see: SAML_NAME_ID, SAML_ATTR_<name>, SAMLCERT_SLOT and so on. Names and values
 * are made once, at login, and kept in the session; a request only hands them over.
 */
#ifndef MOD_SAMLC_ENVIRONMENT_H
#define MOD_SAMLC_ENVIRONMENT_H

#include <httpd.h>

#include "core/store/session.h"

/* The variables of a session (samlc_variable_t). */
apr_array_header_t *mod_samlc_environment_make(const samlc_session_t *session, apr_pool_t *p);

/* Gives them to a request; they live as long as the session. */
void mod_samlc_environment_set(request_rec *r, const samlc_session_t *session);

#endif
