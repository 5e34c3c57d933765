/* SPDX-License-Identifier: Apache-2.0 */
/* The module: it registers its hooks and does nothing else. */
#include <httpd.h>
#include <http_config.h>
#include <http_request.h>

#include "httpd/authn.h"
#include "httpd/authz.h"
#include "httpd/check.h"
#include "httpd/config.h"
#include "httpd/endpoints.h"
#include "httpd/process.h"
#include "httpd/status.h"

static void register_hooks(apr_pool_t *p)
{
    ap_hook_check_config(mod_samlc_check_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_post_config(mod_samlc_process_start, NULL, NULL, APR_HOOK_MIDDLE);
    /* Before mod_watchdog starts its threads. */
    ap_hook_child_init(mod_samlc_process_start_child, NULL, NULL, APR_HOOK_FIRST);

    ap_hook_check_access_ex(mod_samlc_endpoints_allow, NULL, NULL, APR_HOOK_FIRST,
                            AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_check_authn(mod_samlc_authn_check, NULL, NULL, APR_HOOK_MIDDLE,
                        AP_AUTH_INTERNAL_PER_CONF);
    mod_samlc_authz_register(p);
    /* First: our paths are ours even where everything is passed on to a proxy. */
    ap_hook_handler(mod_samlc_endpoints_handle, NULL, NULL, APR_HOOK_FIRST);
    ap_hook_handler(mod_samlc_status_handle, NULL, NULL, APR_HOOK_MIDDLE);
}

AP_DECLARE_MODULE(samlcert) = {
    STANDARD20_MODULE_STUFF,
    mod_samlc_dir_make,
    mod_samlc_dir_merge,
    mod_samlc_server_make,
    mod_samlc_server_merge,
    mod_samlc_commands,
    register_hooks,
    AP_MODULE_FLAG_NONE
};
