/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/reply.h"

#include <string.h>

#include "core/base/text.h"
#include "core/saml/target.h"
#include "httpd/log.h"

const char *mod_samlc_target_check(request_rec *r, const char *target)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);

    return target ? samlc_target_check(target, conf->base_url, conf->allowed_hosts, r->pool) : NULL;
}

void mod_samlc_reply_uncached(request_rec *r)
{
    apr_table_setn(r->err_headers_out, "Cache-Control", "no-store");
}

static int redirect(request_rec *r, const char *location, int status)
{
    mod_samlc_reply_uncached(r);
    apr_table_setn(r->headers_out, "Location", location);
    return status;
}

int mod_samlc_redirect_target(request_rec *r, const char *target, int status)
{
    const char *checked = mod_samlc_target_check(r, target);

    if (!checked) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, MOD_SAMLC_TAG_TARGET
                      "the browser is sent to /, and not to the target %s",
                      samlc_text_show(target, r->pool));
        checked = "/";
    }
    return redirect(r, checked, status);
}

int mod_samlc_redirect_idp(request_rec *r, const samlc_idp_t *idp, const char *url)
{
    apr_size_t len = strlen(idp->sso_url);

    if (strncmp(url, idp->sso_url, len) != 0 || !strchr("?&", url[len])) {
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return redirect(r, url, HTTP_MOVED_TEMPORARILY);
}
