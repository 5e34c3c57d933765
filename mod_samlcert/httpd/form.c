/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/form.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#include "core/base/form.h"

#define CONTENT_TYPE "application/x-www-form-urlencoded"
#define FIRST_SIZE 16384

static apr_status_t malformed(samlc_result_t *res, const char *what)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s", what);
}

apr_status_t mod_samlc_form_query(apr_table_t **fields, request_rec *r, samlc_result_t *res)
{
    const char *query = r->args ? r->args : "";

    return samlc_form_parse(fields, query, strlen(query), res, r->pool);
}

static int is_form(request_rec *r)
{
    const char *type = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t len = type ? strcspn(type, "; \t") : 0;

    return len == strlen(CONTENT_TYPE) && strncasecmp(type, CONTENT_TYPE, len) == 0;
}

/* The rest of the body is of no interest, and must not be taken for the next request. */
static void give_up(request_rec *r)
{
    r->connection->keepalive = AP_CONN_CLOSE;
}

static char *grow(char *buffer, apr_size_t *size, apr_size_t len, apr_size_t max, apr_pool_t *p)
{
    char *bigger = NULL;

    *size = 2 * *size < max ? 2 * *size : max;
    bigger = apr_palloc(p, *size + 1);
    memcpy(bigger, buffer, len);
    return bigger;
}

/* Reads up to `max` bytes and one more, which tells that there are too many. */
static apr_status_t read_body(const char **body, apr_size_t *len, request_rec *r, apr_size_t max,
                              samlc_result_t *res)
{
    apr_size_t size = max < FIRST_SIZE ? max : FIRST_SIZE;
    char *buffer = apr_palloc(r->pool, size + 1);
    long got = 0;

    *body = buffer;
    *len = 0;
    while ((got = ap_get_client_block(r, buffer + *len, size + 1 - *len)) > 0) {
        *len += (apr_size_t)got;
        if (*len > max) {
            return samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_TOO_LARGE,
                                     "the form is longer than %" APR_SIZE_T_FMT " bytes "
                                     "(SamlCertMaxPost)", max);
        }
        if (*len > size) {
            buffer = grow(buffer, &size, *len, max, r->pool);
            *body = buffer;
        }
    }
    return got == 0 ? APR_SUCCESS : malformed(res, "the form could not be read to its end");
}

apr_status_t mod_samlc_form_read(apr_table_t **fields, request_rec *r, apr_size_t max,
                                 samlc_result_t *res)
{
    const char *body = "";
    apr_size_t len = 0;
    apr_status_t rv = APR_EGENERAL;

    *fields = NULL;
    if (!is_form(r)) {
        rv = malformed(res, "the content type is not " CONTENT_TYPE);
    }
    else if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) != OK) {
        rv = malformed(res, "the body has no usable length");
    }
    else if (r->remaining > 0 && (apr_uint64_t)r->remaining > max) {
        rv = samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_TOO_LARGE,
                               "the form has %" APR_OFF_T_FMT " bytes, more than %" APR_SIZE_T_FMT
                               " (SamlCertMaxPost)", r->remaining, max);
    }
    else {
        rv = ap_should_client_block(r) ? read_body(&body, &len, r, max, res) : APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        give_up(r);
        return rv;
    }
    return samlc_form_parse(fields, body, len, res, r->pool);
}
