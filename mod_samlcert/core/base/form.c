/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/form.h"

#include <apr_strings.h>
#include <string.h>

#include "core/base/text.h"

#define MAX_FIELDS 32      /* looking for doubles costs the square of their number */

static apr_status_t malformed(samlc_result_t *res, const char *what)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s", what);
}

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

apr_status_t samlc_form_parse(apr_table_t **fields, const char *text, apr_size_t len,
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

const char *samlc_form_get(const apr_table_t *fields, const char *name)
{
    const apr_array_header_t *all = apr_table_elts(fields);
    int i = 0;

    for (i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(all, i, apr_table_entry_t);

        if (strcmp(field->key, name) == 0) {
            return field->val;
        }
    }
    return NULL;
}
