/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/authz.h"

#include <apr_strings.h>
#include <httpd.h>
#include <http_config.h>
#include <http_request.h>
#include <mod_auth.h>
#include <string.h>

#include "core/base/text.h"
#include "core/trust/trust.h"
#include "httpd/request.h"

/* A parsed Require line. */
typedef struct requirement_t {
    const char *name;               /* of an attribute; NULL where none is asked for */
    apr_array_header_t *values;     /* const char * */
    ap_regex_t *regex;
} requirement_t;

/* ---- parsing --------------------------------------------------------------------------------- */

static requirement_t *parse_words(const char **line, int has_name, apr_pool_t *p)
{
    requirement_t *parsed = apr_pcalloc(p, sizeof(*parsed));

    parsed->values = apr_array_make(p, 2, sizeof(const char *));
    if (has_name && **line != '\0') {
        parsed->name = ap_getword_conf(p, line);
    }
    while (**line != '\0') {
        APR_ARRAY_PUSH(parsed->values, const char *) = ap_getword_conf(p, line);
    }
    return parsed;
}

static const char *parse_nothing(cmd_parms *cmd, const char *line, const void **parsed)
{
    (void)cmd;
    *parsed = NULL;
    return *line == '\0' ? NULL : "Require saml-session takes no arguments";
}

static const char *parse_values(cmd_parms *cmd, const char *line, const void **parsed)
{
    requirement_t *requirement = parse_words(&line, 0, cmd->pool);

    *parsed = requirement;
    return requirement->values->nelts > 0 ? NULL : "this Require line wants at least one value";
}

static const char *parse_attribute(cmd_parms *cmd, const char *line, const void **parsed)
{
    requirement_t *requirement = parse_words(&line, 1, cmd->pool);

    *parsed = requirement;
    return requirement->values->nelts > 0 ? NULL : "Require saml-attr wants NAME VALUE...";
}

static const char *parse_regex(cmd_parms *cmd, const char *line, const void **parsed)
{
    requirement_t *requirement = parse_words(&line, 1, cmd->pool);
    const char *pattern = NULL;

    *parsed = requirement;
    if (requirement->values->nelts != 1) {
        return "Require saml-attr-regex wants NAME and one regular expression";
    }
    pattern = APR_ARRAY_IDX(requirement->values, 0, const char *);
    requirement->regex = ap_pregcomp(cmd->pool, pattern, 0);
    return requirement->regex ? NULL
                              : apr_psprintf(cmd->pool,
                                             "Require saml-attr-regex: '%s' is not a regular "
                                             "expression",
                                             pattern);
}

static int is_slot(const char *word)
{
    static const samlc_trust_slot_t accepting[] = {SAMLC_SLOT_NONE, SAMLC_SLOT_STAGED,
                                                   SAMLC_SLOT_PRIMARY, SAMLC_SLOT_ALTERNATE};
    apr_size_t i = 0;

    for (i = 0; i < sizeof(accepting) / sizeof(accepting[0]); i++) {
        if (strcmp(word, samlc_trust_slot_word(accepting[i])) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *parse_slots(cmd_parms *cmd, const char *line, const void **parsed)
{
    requirement_t *requirement = parse_words(&line, 0, cmd->pool);
    int i = 0;

    *parsed = requirement;
    for (i = 0; i < requirement->values->nelts; i++) {
        if (!is_slot(APR_ARRAY_IDX(requirement->values, i, const char *))) {
            return apr_psprintf(cmd->pool,
                                "Require saml-cert-slot: '%s' is none of staged, primary, "
                                "alternate and none",
                                APR_ARRAY_IDX(requirement->values, i, const char *));
        }
    }
    return requirement->values->nelts > 0 ? NULL : "Require saml-cert-slot wants at least one slot";
}

/* ---- checking -------------------------------------------------------------------------------- */

/* The session that authentication found; *status is what to answer where there is none. */
static const samlc_session_t *find_session(authz_status *status, request_rec *r)
{
    const samlc_session_t *session = mod_samlc_request_get(r)->session;

    *status = r->user ? AUTHZ_DENIED : AUTHZ_DENIED_NO_USER;
    return r->user ? session : NULL;
}

static authz_status grant_if(int condition)
{
    return condition ? AUTHZ_GRANTED : AUTHZ_DENIED;
}

static int is_among(const char *value, const apr_array_header_t *values)
{
    int i = 0;

    for (i = 0; i < values->nelts; i++) {
        if (samlc_text_equal(value, APR_ARRAY_IDX(values, i, const char *))) {
            return 1;
        }
    }
    return 0;
}

static int fits(const requirement_t *requirement, const char *value)
{
    return requirement->regex ? ap_regexec(requirement->regex, value, 0, NULL, 0) == 0
                              : is_among(value, requirement->values);
}

static int has_attribute(const samlc_session_t *session, const requirement_t *requirement)
{
    const samlc_attribute_t *attribute = NULL;
    int i = 0;
    int j = 0;

    for (i = 0; session->attributes && i < session->attributes->nelts; i++) {
        attribute = &APR_ARRAY_IDX(session->attributes, i, samlc_attribute_t);
        if (strcmp(attribute->name, requirement->name) != 0) {
            continue;
        }
        for (j = 0; attribute->values && j < attribute->values->nelts; j++) {
            if (fits(requirement, APR_ARRAY_IDX(attribute->values, j, const char *))) {
                return 1;
            }
        }
    }
    return 0;
}

static authz_status check_session(request_rec *r, const char *line, const void *parsed)
{
    authz_status status = AUTHZ_DENIED;

    (void)line;
    (void)parsed;
    return find_session(&status, r) ? AUTHZ_GRANTED : status;
}

static authz_status check_attribute(request_rec *r, const char *line, const void *parsed)
{
    authz_status status = AUTHZ_DENIED;
    const samlc_session_t *session = find_session(&status, r);
    mod_samlc_request_t *request = mod_samlc_request_get(r);

    (void)line;
    if (session
        && samlc_session_read_attributes(request->session, request->pool) != APR_SUCCESS) {
        return AUTHZ_DENIED;
    }
    return session ? grant_if(has_attribute(session, parsed)) : status;
}

static authz_status check_idp(request_rec *r, const char *line, const void *parsed)
{
    authz_status status = AUTHZ_DENIED;
    const samlc_session_t *session = find_session(&status, r);
    const requirement_t *requirement = parsed;

    (void)line;
    return session ? grant_if(is_among(session->idp_entity_id, requirement->values)) : status;
}

static authz_status check_authn_context(request_rec *r, const char *line, const void *parsed)
{
    authz_status status = AUTHZ_DENIED;
    const samlc_session_t *session = find_session(&status, r);
    const requirement_t *requirement = parsed;

    (void)line;
    return session ? grant_if(is_among(session->authn_context, requirement->values)) : status;
}

static authz_status check_slot(request_rec *r, const char *line, const void *parsed)
{
    authz_status status = AUTHZ_DENIED;
    const samlc_session_t *session = find_session(&status, r);
    const requirement_t *requirement = parsed;

    (void)line;
    return session ? grant_if(is_among(session->cert_slot, requirement->values)) : status;
}

static const struct {
    const char *name;
    authz_provider provider;
} providers[] = {
    {"saml-session", {check_session, parse_nothing}},
    {"saml-attr", {check_attribute, parse_attribute}},
    {"saml-attr-regex", {check_attribute, parse_regex}},
    {"saml-idp", {check_idp, parse_values}},
    {"saml-authn-context", {check_authn_context, parse_values}},
    {"saml-cert-slot", {check_slot, parse_slots}},
};

void mod_samlc_authz_register(apr_pool_t *p)
{
    apr_size_t i = 0;

    for (i = 0; i < sizeof(providers) / sizeof(providers[0]); i++) {
        ap_register_auth_provider(p, AUTHZ_PROVIDER_GROUP, providers[i].name,
                                  AUTHZ_PROVIDER_VERSION, &providers[i].provider,
                                  AP_AUTH_INTERNAL_PER_CONF);
    }
}
