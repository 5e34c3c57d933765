/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/request.h"

#include <http_config.h>

request_rec *mod_samlc_request_outermost(request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

mod_samlc_request_t *mod_samlc_request_get(request_rec *r)
{
    request_rec *outermost = mod_samlc_request_outermost(r);
    mod_samlc_request_t *request = ap_get_module_config(outermost->request_config,
                                                        &samlcert_module);

    if (!request) {
        request = apr_pcalloc(outermost->pool, sizeof(*request));
        request->pool = outermost->pool;
        request->session_status = APR_INCOMPLETE;
        ap_set_module_config(outermost->request_config, &samlcert_module, request);
    }
    return request;
}

static apr_status_t release(void *data)
{
    mod_samlc_request_t *request = data;

    samlc_ref_release(request->ref);
    request->ref = NULL;
    return APR_SUCCESS;
}

const samlc_snapshot_t *mod_samlc_request_snapshot(request_rec *r, const mod_samlc_realm_t *realm)
{
    mod_samlc_request_t *request = mod_samlc_request_get(r);
    samlc_loader_t *loader = mod_samlc_realm_loader(realm);

    if (!request->ref && loader) {
        request->ref = samlc_slot_acquire(samlc_loader_slot(loader));
        if (request->ref) {
            apr_pool_cleanup_register(request->pool, request, release, apr_pool_cleanup_null);
        }
    }
    return request->ref ? samlc_ref_snapshot(request->ref) : NULL;
}

int mod_samlc_request_look(request_rec *r, const mod_samlc_realm_t *realm, const samlc_idp_t *idp)
{
    mod_samlc_request_t *request = mod_samlc_request_get(r);
    samlc_loader_t *loader = mod_samlc_realm_loader(realm);
    const samlc_snapshot_t *snapshot = request->ref ? samlc_ref_snapshot(request->ref) : NULL;

    if (!loader || !samlc_loader_look(loader, snapshot, idp, apr_time_now(), r->pool)) {
        return 0;
    }
    if (request->ref) {
        apr_pool_cleanup_run(request->pool, request, release);
    }
    return 1;
}

const samlc_snapshot_t *mod_samlc_request_latest(request_rec *r, const mod_samlc_realm_t *realm)
{
    mod_samlc_request_snapshot(r, realm);
    mod_samlc_request_look(r, realm, NULL);
    return mod_samlc_request_snapshot(r, realm);
}
