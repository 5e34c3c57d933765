/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/form.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#include "core/base/text.h"

#define CONTENT_TYPE "application/x-www-form-urlencoded"
#define FIRST_SIZE 16384
#define MAX_FIELDS 32      /* looking for doubles costs the square of their number */

static apr_status_t malformed(samlc_result_t *res, const char *what)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s", what);
}

/* ---- parsing --------------------------------------------------------------------------------- */

/* A plain name: what is encoded could mean one thing here and another on the way. */
static int is_plain_name(const char *name, apr_size_t len)
{
    return len > 0 && !memchr(name, '%', len) && !memchr(name, '+', len)
           && !memchr(name, '\0', len);
}

static apr_status_t add_field(apr_table_t *fields, const char *field, apr_size_t len,
                              samlc_result_t *res, apr_pool_t *p)
{
    const char *equals = memchr(field, '=', len);
    apr_size_t name_len = equals ? (apr_size_t)(equals - field) : len;
    const char *name = NULL;
    const char *value = "";

    if (!is_plain_name(field, name_len)) {
        return malformed(res, "the form has a field whose name is empty or encoded");
    }
    name = apr_pstrmemdup(p, field, name_len);
    if (equals) {
        value = samlc_text_url_decode(equals + 1, len - name_len - 1, p);
    }
    if (!value) {
        return malformed(res, apr_psprintf(p, "the field %s of the form has a broken escape",
                                           samlc_text_show(name, p)));
    }
    if (apr_table_elts(fields)->nelts >= MAX_FIELDS) {
        return malformed(res, "the form has too many fields");
    }
    /* The table ignores case, so that "samlresponse" beside "SAMLResponse" is a double as well. */
    if (apr_table_get(fields, name)) {
        return malformed(res, apr_psprintf(p, "the field %s comes twice in the form",
                                           samlc_text_show(name, p)));
    }
    apr_table_setn(fields, name, value);
    return APR_SUCCESS;
}

apr_status_t mod_samlc_form_parse(apr_table_t **fields, const char *text, apr_size_t len,
                                  samlc_result_t *res, apr_pool_t *p)
{
    const char *field = text;
    const char *end = text + len;
    const char *stop = NULL;
    apr_status_t rv = APR_SUCCESS;

    *fields = apr_table_make(p, 4);
    while (field < end && rv == APR_SUCCESS) {
        stop = memchr(field, '&', (apr_size_t)(end - field));
        stop = stop ? stop : end;
        rv = add_field(*fields, field, (apr_size_t)(stop - field), res, p);
        field = stop + 1;
    }
    return rv;
}

apr_status_t mod_samlc_form_query(apr_table_t **fields, request_rec *r, samlc_result_t *res)
{
    const char *query = r->args ? r->args : "";

    return mod_samlc_form_parse(fields, query, strlen(query), res, r->pool);
}

/* ---- reading --------------------------------------------------------------------------------- */

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
    return mod_samlc_form_parse(fields, body, len, res, r->pool);
}
