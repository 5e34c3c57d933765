/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/session.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <string.h>

#include "httpd/cookie.h"
#include "httpd/environment.h"
#include "httpd/log.h"
#include "httpd/realm.h"
#include "httpd/request.h"

#define COOKIE_BYTES 32
#define COOKIE_CHARS 43          /* of 32 bytes in base64url */
#define TOUCH_FRACTION 10        /* a session in use is written ten times in its idle time */

/* The key of the session cookie that came; FALSE if none came that could be ours. */
static int find_key(samlc_store_key_t *key, request_rec *r, const mod_samlc_server_t *conf)
{
    const char *cookie = mod_samlc_cookie_get(r, conf->session_cookie);

    return cookie && strlen(cookie) == COOKIE_CHARS
           && samlc_store_key(key, "session", cookie, NULL);
}

static apr_time_t idle_end(const mod_samlc_server_t *conf, const samlc_session_t *session,
                           apr_time_t now)
{
    apr_time_t end = now + apr_time_from_sec(conf->session_idle);

    return end < session->not_after ? end : session->not_after;
}

/*
 * Moves the end of a session in use. A failure costs nothing now, and is seen by the next look-up.
 */
static void touch(const mod_samlc_backend_t *backend, const mod_samlc_server_t *conf,
                  const samlc_session_t *session, const samlc_store_item_t *item,
                  const samlc_store_key_t *key, apr_time_t now, request_rec *r)
{
    apr_time_t end = idle_end(conf, session, now);
    samlc_result_t *res = NULL;

    if (end - item->expires > apr_time_from_sec(conf->session_idle) / TOUCH_FRACTION) {
        res = samlc_result_make(r->pool);
        if (backend->store->vtable->touch(backend->store, key, end, now, res, r->pool)
            != APR_SUCCESS) {
            mod_samlc_log_store_failure(r, res);
        }
    }
}

/* `outermost` because the session has to outlive the subrequest that asks first. */
static apr_status_t look_up(samlc_session_t **session, request_rec *outermost)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(outermost->server);
    const mod_samlc_backend_t *backend = mod_samlc_realm_backend(conf->realm);
    samlc_result_t *res = NULL;
    samlc_session_t *decoded = NULL;
    samlc_store_key_t key;
    samlc_store_item_t item;
    samlc_data_t bytes;
    apr_time_t now = outermost->request_time;
    apr_status_t rv = APR_EGENERAL;

    if (!find_key(&key, outermost, conf)) {
        return APR_NOTFOUND;
    }
    if (!backend) {
        return APR_EGENERAL;
    }
    res = samlc_result_make(outermost->pool);
    rv = backend->store->vtable->get(backend->store, &item, &key, now, res, outermost->pool);
    if (rv != APR_SUCCESS) {
        if (rv != APR_NOTFOUND) {
            mod_samlc_log_store_failure(outermost, res);
        }
        return rv;
    }
    bytes.data = item.value;
    bytes.len = item.len;
    bytes.origin = "session";
    if (samlc_session_open(&decoded, &bytes, outermost->pool) != APR_SUCCESS || !decoded->user
        || !samlc_text_equal(decoded->sp_entity_id, conf->entity_id) || now >= decoded->not_after) {
        return APR_NOTFOUND;
    }
    touch(backend, conf, decoded, &item, &key, now, outermost);
    *session = decoded;
    return APR_SUCCESS;
}

apr_status_t mod_samlc_session_get(const samlc_session_t **session, request_rec *r)
{
    mod_samlc_request_t *request = mod_samlc_request_get(r);

    if (request->session_status == APR_INCOMPLETE) {
        request->session_status = look_up(&request->session, mod_samlc_request_outermost(r));
    }
    *session = request->session;
    return request->session_status;
}

apr_status_t mod_samlc_session_prepare(const char **cookie, samlc_store_item_t *item,
                                       samlc_session_t *session, apr_time_t idp_not_after,
                                       apr_uint64_t generation, apr_time_t now, request_rec *r)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    unsigned char random[COOKIE_BYTES];
    samlc_data_t bytes;
    apr_status_t rv = apr_generate_random_bytes(random, sizeof(random));

    *cookie = NULL;
    memset(item, 0, sizeof(*item));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *cookie = samlc_text_base64url(random, sizeof(random), r->pool);
    session->created = now;
    session->not_after = now + apr_time_from_sec(conf->session_lifetime);
    /* spec: SAML-Core 2.7.2 - SessionNotOnOrAfter bounds the session */
    if (idp_not_after != 0 && idp_not_after < session->not_after) {
        session->not_after = idp_not_after;
    }
    session->generation = apr_psprintf(r->pool, "%" APR_UINT64_T_FMT, generation);
    session->variables = mod_samlc_environment_make(session, r->pool);
    bytes = samlc_session_encode(session, r->pool);
    item->value = bytes.data;
    item->len = bytes.len;
    item->expires = idle_end(conf, session, now);
    if (!samlc_store_key(&item->key, "session", *cookie, NULL)
        || !samlc_store_key(&item->user, "user", session->user, NULL)) {
        return APR_EGENERAL;
    }
    return APR_SUCCESS;
}

void mod_samlc_session_send(request_rec *r, const char *cookie)
{
    mod_samlc_cookie_set(r, mod_samlc_server_get(r->server)->session_cookie, cookie,
                         MOD_SAMLC_COOKIE_LAX, 0);
}

void mod_samlc_session_remove(request_rec *r)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    const mod_samlc_backend_t *backend = mod_samlc_realm_backend(conf->realm);
    samlc_result_t *res = samlc_result_make(r->pool);
    samlc_store_key_t key;
    apr_status_t rv = APR_SUCCESS;

    if (!backend || !find_key(&key, r, conf)) {
        return;
    }
    rv = backend->store->vtable->remove(backend->store, &key, res, r->pool);
    if (rv != APR_SUCCESS && rv != APR_NOTFOUND) {
        mod_samlc_log_store_failure(r, res);
    }
}

void mod_samlc_session_clear(request_rec *r)
{
    mod_samlc_cookie_clear(r, mod_samlc_server_get(r->server)->session_cookie,
                           MOD_SAMLC_COOKIE_LAX);
}
