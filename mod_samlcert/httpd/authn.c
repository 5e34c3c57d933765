/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/authn.h"

#include <http_core.h>
#include <http_request.h>
#include <string.h>

#include "httpd/environment.h"
#include "httpd/log.h"
#include "httpd/login.h"
#include "httpd/reply.h"
#include "httpd/session.h"

#define AUTH_TYPE "SAML"
#define SAY_EVERY apr_time_from_sec(60)

/* ---- the hook -------------------------------------------------------------------------------- */

static int refuse_inactive(request_rec *r)
{
    if (mod_samlc_log_is_due(r->server->server_hostname ? r->server->server_hostname : "",
                             r->request_time, SAY_EVERY)) {
        ap_log_rerror(
            APLOG_MARK, APLOG_ERR, 0, r,
            MOD_SAMLC_TAG_NOT_ACTIVE
            "config-invalid: AuthType SAML needs SamlCertTrustDir and SamlCertEntityID for this "
            "server");
    }
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int without_session(request_rec *r)
{
    int status = HTTP_UNAUTHORIZED;

    mod_samlc_reply_uncached(r);
    if (mod_samlc_login_is_navigation(r)) {
        status = mod_samlc_login_start(r, NULL, mod_samlc_login_own_target(r));
    }
    return ap_is_HTTP_REDIRECT(status) || status >= HTTP_BAD_REQUEST ? status
                                                                      : HTTP_INTERNAL_SERVER_ERROR;
}

int mod_samlc_authn_check(request_rec *r)
{
    const char *type = ap_auth_type(r);
    const samlc_session_t *session = NULL;
    apr_status_t rv = APR_EGENERAL;

    if (!type || strcasecmp(type, AUTH_TYPE) != 0) {
        return DECLINED;
    }
    if (!mod_samlc_server_get(r->server)->realm) {
        return refuse_inactive(r);
    }
    rv = mod_samlc_session_get(&session, r);
    if (rv == APR_SUCCESS) {
        r->user = (char *)session->user;    /* httpd only reads it */
        r->ap_auth_type = (char *)AUTH_TYPE;
        mod_samlc_environment_set(r, session);
        return OK;
    }
    return rv == APR_NOTFOUND ? without_session(r) : HTTP_SERVICE_UNAVAILABLE;
}
