/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/authn.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <http_core.h>
#include <http_request.h>
#include <string.h>

#include "httpd/log.h"
#include "httpd/login.h"
#include "httpd/reply.h"
#include "httpd/session.h"

#define AUTH_TYPE "SAML"
#define PREFIX "SAML_ATTR_"
#define SAY_EVERY apr_time_from_sec(60)

/* ---- environment ----------------------------------------------------------------------------- */

/*
 * Several values joined with ";". One that has a ";" itself gets a backslash before it, and so does
 * a backslash: what comes out can be taken apart again in one way only.
 */
static const char *join_values(const apr_array_header_t *values, apr_pool_t *p)
{
    const char *from = NULL;
    apr_size_t len = 1;
    char *joined = NULL;
    char *to = NULL;
    int i = 0;

    if (values->nelts == 1 && !strpbrk(APR_ARRAY_IDX(values, 0, const char *), ";\\")) {
        return APR_ARRAY_IDX(values, 0, const char *);
    }
    for (i = 0; i < values->nelts; i++) {
        len += 2 * strlen(APR_ARRAY_IDX(values, i, const char *)) + 1;
    }
    joined = to = apr_palloc(p, len);
    for (i = 0; i < values->nelts; i++) {
        if (i > 0) {
            *to++ = ';';
        }
        for (from = APR_ARRAY_IDX(values, i, const char *); *from != '\0'; from++) {
            if (*from == ';' || *from == '\\') {
                *to++ = '\\';
            }
            *to++ = *from;
        }
    }
    *to = '\0';
    return joined;
}

/* What no variable name may contain becomes "_". */
static const char *variable_name(const char *attribute, apr_pool_t *p)
{
    char *name = apr_pstrcat(p, PREFIX, attribute, NULL);
    char *c = NULL;

    for (c = name + strlen(PREFIX); *c != '\0'; c++) {
        if (!apr_isalnum(*c)) {
            *c = '_';
        }
    }
    return name;
}

/*
 * Names that fall together after that (case does not count in httpd's tables): the first one has
 * it.
 */
static int is_taken(const char *const *names, int count, const char *name)
{
    int i = 0;

    for (i = 0; i < count; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void set_attributes(apr_table_t *env, const apr_array_header_t *attributes, apr_pool_t *p)
{
    const samlc_attribute_t *attribute = NULL;
    const char **names = NULL;
    const char *name = NULL;
    int count = 0;
    int i = 0;

    if (!attributes || attributes->nelts == 0) {
        return;
    }
    names = apr_palloc(p, (apr_size_t)attributes->nelts * sizeof(*names));
    for (i = 0; i < attributes->nelts; i++) {
        attribute = &APR_ARRAY_IDX(attributes, i, samlc_attribute_t);
        name = variable_name(attribute->name, p);
        if (!is_taken(names, count, name)) {
            names[count++] = name;
            apr_table_addn(env, name, attribute->values ? join_values(attribute->values, p) : "");
        }
    }
}

/*
 * Nothing else may speak in our name: variables of this prefix that came from elsewhere (a SetEnvIf
 * on a header, say) go. After that the names are free, and adding does not have to look.
 */
static void claim_names(apr_table_t *env)
{
    int i = 0;

    while (i < apr_table_elts(env)->nelts) {
        const char *name = APR_ARRAY_IDX(apr_table_elts(env), i, apr_table_entry_t).key;

        if (strncasecmp(name, "SAML", 4) == 0) {
            apr_table_unset(env, name);
            i = 0;
        }
        else {
            i++;
        }
    }
}

static void add(apr_table_t *env, const char *name, const char *value)
{
    if (value) {
        apr_table_addn(env, name, value);
    }
}

/* Everything points into the session, which lives as long as the outermost request. */
static void set_environment(request_rec *r, const samlc_session_t *session)
{
    apr_table_t *env = r->subprocess_env;

    claim_names(env);
    add(env, "SAML_NAME_ID", session->name_id);
    add(env, "SAML_NAME_ID_FORMAT", session->name_id_format);
    add(env, "SAML_IDP", session->idp_entity_id);
    add(env, "SAML_SESSION_INDEX", session->session_index);
    add(env, "SAML_AUTHN_CONTEXT", session->authn_context);
    add(env, "SAML_AUTHN_INSTANT", session->authn_instant);
    add(env, "SAMLCERT_FINGERPRINT", session->cert_sha256);
    add(env, "SAMLCERT_SLOT", session->cert_slot);
    add(env, "SAMLCERT_GENERATION", session->generation);
    set_attributes(env, session->attributes, r->pool);
}

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
        set_environment(r, session);
        return OK;
    }
    return rv == APR_NOTFOUND ? without_session(r) : HTTP_SERVICE_UNAVAILABLE;
}
