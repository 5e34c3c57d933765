/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/endpoints.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#include "core/saml/sp_metadata.h"
#include "core/store/store.h"
#include "httpd/acs.h"
#include "httpd/form.h"
#include "httpd/login.h"
#include "httpd/page.h"
#include "httpd/reply.h"
#include "httpd/request.h"
#include "httpd/session.h"

#define KEYSET "default"
#define METADATA_TYPE "application/samlmetadata+xml"
#define ETAG_BYTES 16

/*
 * The fields `target` and `idp` of the query. FALSE, and *status is set, if there is something
 * wrong.
 */
static int read_query(const char **target, const char **idp, int *status, request_rec *r)
{
    samlc_result_t *res = samlc_result_make(r->pool);
    apr_table_t *fields = NULL;

    *status = HTTP_BAD_REQUEST;
    if (mod_samlc_form_query(&fields, r, res) != APR_SUCCESS) {
        *status = mod_samlc_page_text(r, HTTP_BAD_REQUEST, res->message);
        return 0;
    }
    *idp = apr_table_get(fields, "idp");
    *target = apr_table_get(fields, "target");
    if (*target && !mod_samlc_target_check(r, *target)) {
        *status = mod_samlc_page_text(r, HTTP_BAD_REQUEST,
                                      "The target is neither on this site nor on an allowed host.");
        return 0;
    }
    return 1;
}

static int handle_login(request_rec *r)
{
    const apr_array_header_t *choices = NULL;
    const char *target = NULL;
    const char *idp = NULL;
    int status = OK;

    if (!read_query(&target, &idp, &status, r)) {
        return status;
    }
    target = target ? target : "/";
    choices = idp ? NULL : mod_samlc_login_choices(r);
    return choices ? mod_samlc_page_choose(r, choices, target)
                   : mod_samlc_login_start(r, idp, target);
}

/*
 * Ends the session here; the IdP keeps its own. A page of another site can cause this (GET, or a
 * form that is sent without our cookie): a nuisance, and no way in.
 */
static int handle_logout(request_rec *r)
{
    const char *target = NULL;
    const char *idp = NULL;
    int status = ap_discard_request_body(r);

    if (status != OK || !read_query(&target, &idp, &status, r)) {
        return status;
    }
    mod_samlc_session_remove(r);
    mod_samlc_session_clear(r);
    return target ? mod_samlc_redirect_target(r, target, HTTP_SEE_OTHER)
                  : mod_samlc_page_logged_out(r);
}

static int signs_requests(const samlc_snapshot_t *snapshot)
{
    const samlc_idp_t *idp = NULL;
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        idp = APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *);
        if (idp->settings->status == SAMLC_STATUS_ACTIVE && idp->settings->sign_requests) {
            return 1;
        }
    }
    return 0;
}

/* An entity tag that is the same in all processes and nodes that have the same keys. */
static const char *entity_tag(const char *content, apr_pool_t *p)
{
    samlc_store_key_t digest;

    if (!samlc_store_key(&digest, content, NULL)) {
        return NULL;
    }
    return apr_pstrcat(p, "\"", samlc_text_hex(digest.bytes, ETAG_BYTES, p), "\"", NULL);
}

static int handle_metadata(request_rec *r)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    const samlc_snapshot_t *snapshot = mod_samlc_request_latest(r, conf->realm);
    const char *xml = NULL;
    const char *tag = NULL;
    samlc_sp_t sp;
    int status = OK;

    if (!snapshot) {
        return HTTP_SERVICE_UNAVAILABLE;
    }
    sp.entity_id = conf->entity_id;
    sp.acs_url = conf->acs_url;
    sp.keys = samlc_snapshot_keyset(snapshot, KEYSET);
    sp.authn_requests_signed = sp.keys && signs_requests(snapshot);
    xml = samlc_sp_metadata(&sp, r->pool);
    tag = entity_tag(xml, r->pool);
    if (tag) {
        apr_table_setn(r->headers_out, "ETag", tag);
    }
    apr_table_setn(r->headers_out, "Cache-Control", "no-cache");
    ap_set_content_type(r, METADATA_TYPE);
    ap_set_content_length(r, (apr_off_t)strlen(xml));
    status = ap_meets_conditions(r);
    if (status == OK) {
        ap_rputs(xml, r);
    }
    return status;
}

/* ---- the table ------------------------------------------------------------------------------- */

#define GET (AP_METHOD_BIT << M_GET)
#define POST (AP_METHOD_BIT << M_POST)

typedef struct endpoint_t {
    const char *name;
    apr_int64_t methods;
    int (*handle)(request_rec *r);
} endpoint_t;

static const endpoint_t endpoints[] = {
    {"acs", POST, mod_samlc_acs_handle},
    {"login", GET, handle_login},
    {"logout", GET | POST, handle_logout},
    {"metadata", GET, handle_metadata},
};

static const endpoint_t *find_endpoint(const request_rec *r)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    const char *name = NULL;
    apr_size_t i = 0;

    if (!conf->realm || r->main || strncmp(r->uri, conf->endpoint, conf->endpoint_len) != 0
        || r->uri[conf->endpoint_len] != '/') {
        return NULL;
    }
    name = r->uri + conf->endpoint_len + 1;
    for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (strcmp(name, endpoints[i].name) == 0) {
            return &endpoints[i];
        }
    }
    return NULL;
}

int mod_samlc_endpoints_allow(request_rec *r)
{
    return find_endpoint(r) ? OK : DECLINED;
}

int mod_samlc_endpoints_handle(request_rec *r)
{
    const endpoint_t *endpoint = find_endpoint(r);

    if (!endpoint) {
        return DECLINED;
    }
    if (!(endpoint->methods & (AP_METHOD_BIT << r->method_number))) {
        r->allowed_methods->method_mask = endpoint->methods;
        return HTTP_METHOD_NOT_ALLOWED;
    }
    return endpoint->handle(r);
}
