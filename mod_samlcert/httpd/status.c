/* SPDX-License-Identifier: Apache-2.0 */
#include "samlcert_config.h"

/* httpd's headers bring their own names for these. */
static const char version[] = PACKAGE_VERSION;
#undef PACKAGE_BUGREPORT
#undef PACKAGE_NAME
#undef PACKAGE_STRING
#undef PACKAGE_TARNAME
#undef PACKAGE_URL
#undef PACKAGE_VERSION

#include "httpd/status.h"

#include <http_protocol.h>
#include <string.h>

#include "core/report.h"
#include "httpd/form.h"
#include "httpd/page.h"
#include "httpd/realm.h"
#include "httpd/reply.h"
#include "httpd/request.h"

#define HANDLER "samlcert-status"

static void report_store(samlc_status_report_t *report, const mod_samlc_realm_t *realm,
                         apr_pool_t *p)
{
    const mod_samlc_backend_t *backend = mod_samlc_realm_backend(realm);
    samlc_result_t *res = samlc_result_make(p);

    if (!backend) {
        report->store_error = mod_samlc_state_error(realm->state);
        return;
    }
    report->store = backend->store->vtable->name;
    if (backend->store->vtable->count(backend->store, &report->sessions, &report->claims, res, p)
        != APR_SUCCESS) {
        report->store_error = res->message;
    }
}

/* What a child shows that has no generation: none, with nothing in it. */
static const samlc_snapshot_t *make_empty(apr_pool_t *p)
{
    samlc_snapshot_t *empty = apr_pcalloc(p, sizeof(*empty));

    empty->digest_hex = "";
    empty->idps = apr_array_make(p, 0, sizeof(const samlc_idp_t *));
    empty->by_entity = apr_hash_make(p);
    empty->keysets = apr_hash_make(p);
    empty->warnings = apr_array_make(p, 0, sizeof(const char *));
    return empty;
}

static int send_json(request_rec *r, const mod_samlc_realm_t *realm)
{
    samlc_status_report_t report;

    memset(&report, 0, sizeof(report));
    report.snapshot = mod_samlc_request_latest(r, realm);
    if (!report.snapshot) {
        report.snapshot = make_empty(r->pool);
    }
    report.version = version;
    report.now = apr_time_now();
    report.store = mod_samlc_server_get(r->server)->store;
    report_store(&report, realm, r->pool);
    report.ledger = mod_samlc_state_ledger(realm->state);
    report.ledger_error = report.ledger ? NULL : mod_samlc_state_ledger_error(realm->state);
    mod_samlc_board_report(realm->board, realm->id, &report, r->pool);
    mod_samlc_reply_uncached(r);
    ap_set_content_type(r, "application/json");
    ap_rputs(samlc_report_status(&report, r->pool), r);
    return OK;
}

int mod_samlc_status_handle(request_rec *r)
{
    const mod_samlc_realm_t *realm = NULL;
    samlc_result_t *res = samlc_result_make(r->pool);
    apr_table_t *fields = NULL;
    const char *format = NULL;

    if (!r->handler || strcmp(r->handler, HANDLER) != 0) {
        return DECLINED;
    }
    if (r->method_number != M_GET) {
        r->allowed_methods->method_mask = AP_METHOD_BIT << M_GET;
        return HTTP_METHOD_NOT_ALLOWED;
    }
    realm = mod_samlc_server_get(r->server)->realm;
    if (!realm) {
        return mod_samlc_page_text(r, HTTP_NOT_FOUND, "This server has no SamlCertTrustDir.");
    }
    if (mod_samlc_form_query(&fields, r, res) != APR_SUCCESS) {
        return mod_samlc_page_text(r, HTTP_BAD_REQUEST, res->message);
    }
    format = apr_table_get(fields, "format");
    if (format && strcmp(format, "json") != 0) {
        return mod_samlc_page_text(r, HTTP_NOT_ACCEPTABLE,
                                   "The status is there as format=json only.");
    }
    return send_json(r, realm);
}
