/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/login.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <string.h>

#include "core/keys/seal.h"
#include "core/saml/request.h"
#include "httpd/cookie.h"
#include "httpd/log.h"
#include "httpd/reply.h"
#include "httpd/request.h"

#define PURPOSE "login-state"
#define TOKEN_BYTES 16
#define TOKEN_CHARS (2 * TOKEN_BYTES)
#define NAME_CHARS 16            /* of the token in the name of the cookie */
#define KEYSET "default"
#define SAY_EVERY apr_time_from_sec(60)

/*
 * httpd refuses header lines of more than 8190 bytes: the cookies of logins that were never
 * finished must not lock anybody out.
 */
#define MAX_TARGET 1500
#define MAX_COOKIES 8
#define MAX_COOKIE_BYTES 4096
#define MAX_CLEARED 16           /* at a time: each is a header line */

/* The states of a login as text: one field a line, because no field can contain a line end. */
#define FIELDS 5

/* ---- what a browser asks for ----------------------------------------------------------------- */

static int is_absent_or(request_rec *r, const char *header, const char *value)
{
    const char *found = apr_table_get(r->headers_in, header);

    return !found || strcmp(found, value) == 0;
}

int mod_samlc_login_is_navigation(request_rec *r)
{
    const char *requested_with = apr_table_get(r->headers_in, "X-Requested-With");

    return !r->main && r->method_number == M_GET    /* HEAD has this number too */
        && is_absent_or(r, "Sec-Fetch-Mode", "navigate")
        && is_absent_or(r, "Sec-Fetch-Dest", "document")
        && !(requested_with && strcasecmp(requested_with, "XMLHttpRequest") == 0);
}

const char *mod_samlc_login_own_target(request_rec *r)
{
    const request_rec *outermost = mod_samlc_request_outermost(r);
    const char *target = apr_uri_unparse(r->pool, &outermost->parsed_uri, APR_URI_UNP_OMITSITEPART);

    return mod_samlc_target_check(r, target) ? target : "/";
}

/* ---- which IdP ------------------------------------------------------------------------------- */

static int can_start(const samlc_idp_t *idp)
{
    return idp->settings->status == SAMLC_STATUS_ACTIVE && idp->sso_url;
}

static apr_array_header_t *list_startable(const samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    apr_array_header_t *idps = apr_array_make(p, 4, sizeof(const samlc_idp_t *));
    const samlc_idp_t *idp = NULL;
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        idp = APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *);
        if (can_start(idp)) {
            APR_ARRAY_PUSH(idps, const samlc_idp_t *) = idp;
        }
    }
    return idps;
}

/* No login can be started: for the log something to do, for the browser nothing but that. */
static int fail(request_rec *r, int status, const char *message)
{
    if (mod_samlc_log_is_due(message, r->request_time, SAY_EVERY)) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r, MOD_SAMLC_TAG_NO_LOGIN "config-invalid: %s",
                      message);
    }
    return status;
}

/* ---- the state cookie ------------------------------------------------------------------------ */

static const char *cookie_name(request_rec *r, const char *token)
{
    return apr_pstrcat(r->pool, mod_samlc_server_get(r->server)->state_cookie,
                       apr_pstrmemdup(r->pool, token, NAME_CHARS), NULL);
}

/* Browsers send the older cookie first. Those that make it too many or too long are given up. */
static void clear_surplus(request_rec *r, apr_size_t new_bytes)
{
    apr_array_header_t *cookies =
        mod_samlc_cookie_list(r, mod_samlc_server_get(r->server)->state_cookie);
    const mod_samlc_cookie_t *cookie = NULL;
    apr_size_t bytes = new_bytes;
    int count = 1;
    int cleared = 0;
    int i = 0;

    for (i = cookies->nelts - 1; i >= 0 && cleared < MAX_CLEARED; i--) {
        cookie = &APR_ARRAY_IDX(cookies, i, mod_samlc_cookie_t);
        bytes += strlen(cookie->name) + strlen(cookie->value);
        count++;
        if (count > MAX_COOKIES || bytes > MAX_COOKIE_BYTES) {
            mod_samlc_cookie_clear(r, cookie->name, MOD_SAMLC_COOKIE_CROSS_SITE);
            cleared++;
        }
    }
}

static apr_status_t send_state(request_rec *r, const mod_samlc_login_t *login,
                               const samlc_seal_t *seal)
{
    const char *name = cookie_name(r, login->token);
    const char *sealed = NULL;
    const char *text = apr_pstrcat(r->pool, login->token, "\n", login->request_id, "\n",
                                   login->idp_name, "\n", login->entity_id, "\n", login->target,
                                   NULL);
    apr_status_t rv = samlc_seal_close(&sealed, seal, PURPOSE, text,
                                       apr_time_now() + MOD_SAMLC_LOGIN_TIME, r->pool);

    if (rv == APR_SUCCESS) {
        clear_surplus(r, strlen(name) + strlen(sealed));
        mod_samlc_cookie_set(r, name, sealed, MOD_SAMLC_COOKIE_CROSS_SITE,
                             (int)apr_time_sec(MOD_SAMLC_LOGIN_TIME));
    }
    return rv;
}

static const mod_samlc_login_t *parse_state(const char *text, apr_pool_t *p)
{
    mod_samlc_login_t *login = apr_pcalloc(p, sizeof(*login));
    const char **fields[FIELDS] = {&login->token, &login->request_id, &login->idp_name,
                                   &login->entity_id, &login->target};
    apr_size_t len = 0;
    int i = 0;

    for (i = 0; i < FIELDS; i++) {
        len = strcspn(text, "\n");
        *fields[i] = apr_pstrmemdup(p, text, len);
        text += len;
        if ((*text == '\n') != (i < FIELDS - 1)) {
            return NULL;
        }
        text += *text == '\n';
    }
    return login;
}

/* Takes the same time whatever the difference. */
static int is_same_token(const char *a, const char *b)
{
    unsigned char difference = 0;
    int i = 0;

    for (i = 0; i < TOKEN_CHARS; i++) {
        difference |= (unsigned char)(a[i] ^ b[i]);
    }
    return difference == 0;
}

const mod_samlc_login_t *mod_samlc_login_find(request_rec *r, const char *relay_state,
                                              apr_time_t now)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    const mod_samlc_backend_t *backend = mod_samlc_realm_backend(conf->realm);
    const mod_samlc_login_t *login = NULL;
    const char *cookie = NULL;
    const char *text = NULL;

    if (!relay_state || !backend || strlen(relay_state) != TOKEN_CHARS
        || strspn(relay_state, "0123456789abcdef") != TOKEN_CHARS) {
        return NULL;
    }
    cookie = mod_samlc_cookie_get(r, cookie_name(r, relay_state));
    if (!cookie
        || samlc_seal_open(&text, backend->seal, PURPOSE, cookie, now, r->pool) != APR_SUCCESS) {
        return NULL;
    }
    login = parse_state(text, r->pool);
    if (!login || strlen(login->token) != TOKEN_CHARS || !is_same_token(login->token, relay_state)
        || !samlc_text_equal(login->entity_id, conf->entity_id)) {
        return NULL;
    }
    return login;
}

void mod_samlc_login_clear(request_rec *r, const mod_samlc_login_t *login)
{
    mod_samlc_cookie_clear(r, cookie_name(r, login->token), MOD_SAMLC_COOKIE_CROSS_SITE);
}

/* ---- the start ------------------------------------------------------------------------------- */

/*
 * The key that signs requests; NULL where they are not to be signed. FALSE if there should be one.
 */
static int find_key(const samlc_key_t **key, const samlc_snapshot_t *snapshot,
                    const samlc_idp_t *idp)
{
    const samlc_keyset_t *keys = samlc_snapshot_keyset(snapshot, KEYSET);

    *key = NULL;
    if (!idp->settings->sign_requests
        && !(idp->metadata && idp->metadata->want_authn_requests_signed)) {
        return 1;
    }
    *key = keys ? keys->keys[SAMLC_OWN_ACTIVE].key : NULL;
    return *key != NULL;
}

/* A login that is about to start: its state, or NULL if there is no randomness. */
static const mod_samlc_login_t *make_login(request_rec *r, const samlc_idp_t *idp,
                                           const char *target)
{
    mod_samlc_login_t *login = apr_pcalloc(r->pool, sizeof(*login));
    unsigned char random[TOKEN_BYTES];

    if (apr_generate_random_bytes(random, sizeof(random)) != APR_SUCCESS) {
        return NULL;
    }
    login->token = samlc_text_hex(random, sizeof(random), r->pool);
    login->request_id = samlc_request_id(r->pool);
    login->idp_name = idp->name;
    login->entity_id = mod_samlc_server_get(r->server)->entity_id;
    login->target = strlen(target) <= MAX_TARGET ? target : "/";
    return login->request_id ? login : NULL;
}

static const char *make_url(request_rec *r, const samlc_idp_t *idp, const mod_samlc_login_t *login,
                            const samlc_key_t *key, samlc_result_t *res)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    samlc_authn_request_t request;
    const char *url = NULL;

    memset(&request, 0, sizeof(request));
    request.id = login->request_id;
    request.entity_id = conf->entity_id;
    request.acs_url = conf->acs_url;
    request.sso_url = idp->sso_url;
    request.name_id_format = idp->settings->name_id_format;
    request.authn_context = idp->settings->authn_context;
    request.force_authn = idp->settings->force_authn;
    request.issue_instant = apr_time_now();
    samlc_request_redirect_url(&url, &request, login->token, key, res, r->pool);
    return url;
}

static int start_at(request_rec *r, const samlc_snapshot_t *snapshot, const samlc_idp_t *idp,
                    const char *target)
{
    const mod_samlc_backend_t *backend =
        mod_samlc_realm_backend(mod_samlc_server_get(r->server)->realm);
    samlc_result_t *res = samlc_result_make(r->pool);
    const mod_samlc_login_t *login = NULL;
    const samlc_key_t *key = NULL;
    const char *url = NULL;

    if (!backend) {
        return HTTP_SERVICE_UNAVAILABLE;    /* said when it could not be opened */
    }
    if (!find_key(&key, snapshot, idp)) {
        return fail(r, HTTP_SERVICE_UNAVAILABLE,
                    apr_psprintf(r->pool, "requests to %s are to be signed, but there is no key "
                                 "sp/" KEYSET "/active.key", idp->name));
    }
    login = make_login(r, idp, target);
    url = login ? make_url(r, idp, login, key, res) : NULL;
    if (!url || send_state(r, login, backend->seal) != APR_SUCCESS) {
        return fail(
            r, HTTP_INTERNAL_SERVER_ERROR,
            apr_psprintf(r->pool, "a request to %s can't be made: %s", idp->name, res->message));
    }
    return mod_samlc_redirect_idp(r, idp, url);
}

const apr_array_header_t *mod_samlc_login_choices(request_rec *r)
{
    const samlc_snapshot_t *snapshot =
        mod_samlc_request_snapshot(r, mod_samlc_server_get(r->server)->realm);
    const apr_array_header_t *idps = NULL;

    if (!snapshot || mod_samlc_dir_get(r)->login_idp) {
        return NULL;
    }
    idps = list_startable(snapshot, r->pool);
    return idps->nelts > 1 ? idps : NULL;
}

/*
 * By entity ID, by directive, or the only one. NULL, and *why says what to do, if it can't start a
 * login.
 */
static const samlc_idp_t *find_idp(const char **why, request_rec *r, const char *entity_id)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    const samlc_snapshot_t *snapshot = mod_samlc_request_snapshot(r, conf->realm);
    const char *name = mod_samlc_dir_get(r)->login_idp;
    const apr_array_header_t *idps = list_startable(snapshot, r->pool);
    const samlc_idp_t *idp = NULL;

    if (entity_id) {
        *why = NULL;    /* a stranger's mistake */
        idp = samlc_snapshot_idp_by_entity(snapshot, entity_id);
    }
    else if (name) {
        *why = apr_psprintf(r->pool,
                            "SamlCertLoginIdP %s: there is no active IdP of this name with an "
                            "SSOUrl",
                            name);
        idp = samlc_snapshot_idp_by_name(snapshot, name);
    }
    else {
        *why = apr_psprintf(r->pool, "no login can be started: %s has no active IdP with an SSOUrl",
                            conf->trust_dir);
        idp = idps->nelts > 0 ? APR_ARRAY_IDX(idps, 0, const samlc_idp_t *) : NULL;
    }
    return idp && can_start(idp) ? idp : NULL;
}

int mod_samlc_login_start(request_rec *r, const char *entity_id, const char *target)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    const samlc_idp_t *idp = NULL;
    const char *why = NULL;

    if (!mod_samlc_request_snapshot(r, conf->realm)) {
        return HTTP_SERVICE_UNAVAILABLE;    /* said when it could not be loaded */
    }
    if (!entity_id && mod_samlc_login_choices(r)) {
        target = apr_pstrcat(r->pool, conf->endpoint, "/login?target=",
                             samlc_text_url_encode(target, r->pool), NULL);
        return mod_samlc_redirect_target(r, target, HTTP_MOVED_TEMPORARILY);
    }
    idp = find_idp(&why, r, entity_id);
    if (mod_samlc_request_look(r, conf->realm, idp)) {
        idp = find_idp(&why, r, entity_id);
    }
    if (idp) {
        return start_at(r, mod_samlc_request_snapshot(r, conf->realm), idp, target);
    }
    return why ? fail(r, HTTP_SERVICE_UNAVAILABLE, why) : HTTP_BAD_REQUEST;
}
