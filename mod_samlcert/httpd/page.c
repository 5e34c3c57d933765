/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/page.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <http_protocol.h>

#include "core/base/text.h"
#include "httpd/log.h"
#include "httpd/realm.h"
#include "httpd/reply.h"

#define INCIDENT_BYTES 6

/* `body` is HTML already. */
static int send_page(request_rec *r, int status, const char *title, const char *body)
{
    r->status = status;
    mod_samlc_reply_uncached(r);
    apr_table_setn(r->err_headers_out, "Content-Security-Policy",
                   "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    ap_set_content_type(r, "text/html; charset=utf-8");
    ap_rvputs(r, "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
              "<meta name=\"viewport\" content=\"width=device-width\">\n"
              "<title>", title, "</title>\n"
              "<style>body { font: 1.1em/1.5 sans-serif; max-width: 32em; margin: 4em auto; "
              "padding: 0 1em; color-scheme: light dark }</style>\n</head>\n<body>\n"
              "<h1>", title, "</h1>\n", body, "</body>\n</html>\n", NULL);
    return OK;
}

static int http_status(samlc_reason_t reason)
{
    switch (reason) {
    case SAMLC_REASON_MALFORMED:
        return HTTP_BAD_REQUEST;
    case SAMLC_REASON_TOO_LARGE:
        return HTTP_REQUEST_ENTITY_TOO_LARGE;
    case SAMLC_REASON_REPLAY_STORE_UNAVAILABLE:
    case SAMLC_REASON_INTERNAL:
        return HTTP_SERVICE_UNAVAILABLE;
    default:
        return HTTP_FORBIDDEN;
    }
}

int mod_samlc_page_refuse(request_rec *r, samlc_reason_t reason, const char *message)
{
    unsigned char random[INCIDENT_BYTES] = {0};
    const char *word = samlc_reason_word(reason);
    const char *incident = NULL;

    apr_generate_random_bytes(random, sizeof(random));
    incident = samlc_text_hex(random, sizeof(random), r->pool);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, r, MOD_SAMLC_TAG_REFUSED "%s: %s [incident %s]", word,
                  message, incident);
    mod_samlc_board_count(mod_samlc_server_get(r->server)->realm->board, reason);
    apr_table_setn(r->subprocess_env, "SAMLCERT_INCIDENT", incident);
    apr_table_setn(r->notes, "samlcert-incident", incident);
    apr_table_setn(r->notes, "samlcert-reason", word);
    return send_page(
        r, http_status(reason), "The login did not succeed",
        apr_pstrcat(r->pool,
                    "<p>Please go back and try again. If that does not help, give "
                    "the people who run this site this number:</p>\n<p><code>incident: ",
                    incident, "</code></p>\n", NULL));
}

int mod_samlc_page_choose(request_rec *r, const apr_array_header_t *idps, const char *target)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(r->server);
    const samlc_idp_t *idp = NULL;
    const char *list = "";
    const char *url = NULL;
    int i = 0;

    for (i = 0; i < idps->nelts; i++) {
        idp = APR_ARRAY_IDX(idps, i, const samlc_idp_t *);
        url = apr_pstrcat(r->pool, conf->endpoint, "/login?idp=",
                          samlc_text_url_encode(idp->entity_id, r->pool), "&target=",
                          samlc_text_url_encode(target, r->pool), NULL);
        list = apr_pstrcat(r->pool, list, "<li><a href=\"", samlc_text_xml_escape(url, r->pool),
                           "\">", samlc_text_xml_escape(idp->name, r->pool), "</a></li>\n", NULL);
    }
    return send_page(r, HTTP_OK, "Where do you want to log in?",
                     apr_pstrcat(r->pool, "<ul>\n", list, "</ul>\n", NULL));
}

int mod_samlc_page_logged_out(request_rec *r)
{
    return send_page(
        r, HTTP_OK, "You are logged out",
        "<p>You are logged out of this site. Where you logged in you may still be.</p>\n");
}

int mod_samlc_page_text(request_rec *r, int status, const char *text)
{
    r->status = status;
    mod_samlc_reply_uncached(r);
    ap_set_content_type(r, "text/plain; charset=utf-8");
    ap_rvputs(r, text, "\n", NULL);
    return OK;
}
