/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/environment.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define PREFIX "SAML_ATTR_"

/* ---- at login -------------------------------------------------------------------------------- */

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
static int is_taken(const apr_array_header_t *variables, const char *name)
{
    int i = 0;

    for (i = 0; i < variables->nelts; i++) {
        if (strcasecmp(APR_ARRAY_IDX(variables, i, samlc_variable_t).name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

static void add(apr_array_header_t *variables, const char *name, const char *value)
{
    samlc_variable_t *variable = NULL;

    if (value && !is_taken(variables, name)) {
        variable = apr_array_push(variables);
        variable->name = name;
        variable->value = value;
    }
}

apr_array_header_t *mod_samlc_environment_make(const samlc_session_t *session, apr_pool_t *p)
{
    apr_array_header_t *variables = apr_array_make(p, 16, sizeof(samlc_variable_t));
    const samlc_attribute_t *attribute = NULL;
    int i = 0;

    add(variables, "SAML_NAME_ID", session->name_id);
    add(variables, "SAML_NAME_ID_FORMAT", session->name_id_format);
    add(variables, "SAML_IDP", session->idp_entity_id);
    add(variables, "SAML_SESSION_INDEX", session->session_index);
    add(variables, "SAML_AUTHN_CONTEXT", session->authn_context);
    add(variables, "SAML_AUTHN_INSTANT", session->authn_instant);
    add(variables, "SAMLCERT_FINGERPRINT", session->cert_sha256);
    add(variables, "SAMLCERT_SLOT", session->cert_slot);
    add(variables, "SAMLCERT_GENERATION", session->generation);
    for (i = 0; session->attributes && i < session->attributes->nelts; i++) {
        attribute = &APR_ARRAY_IDX(session->attributes, i, samlc_attribute_t);
        add(variables, variable_name(attribute->name, p),
            attribute->values ? join_values(attribute->values, p) : "");
    }
    return variables;
}

/* ---- in each request ------------------------------------------------------------------------ */

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

void mod_samlc_environment_set(request_rec *r, const samlc_session_t *session)
{
    const samlc_variable_t *variable = NULL;
    int i = 0;

    claim_names(r->subprocess_env);
    for (i = 0; session->variables && i < session->variables->nelts; i++) {
        variable = &APR_ARRAY_IDX(session->variables, i, samlc_variable_t);
        apr_table_addn(r->subprocess_env, variable->name, variable->value);
    }
}
