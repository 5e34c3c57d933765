/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/result.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <stdarg.h>

#define MAX_OPENSSL_ERRORS 4 /* shown; the first ones are nearest to the cause */

static const char *const words[SAMLC_REASON_COUNT] = {
#define SAMLC_REASON_WORD(name, word) word,
    SAMLC_REASONS(SAMLC_REASON_WORD)
#undef SAMLC_REASON_WORD
};

const char *samlc_reason_word(samlc_reason_t reason)
{
    if ((unsigned int)reason >= SAMLC_REASON_COUNT) {
        return words[SAMLC_REASON_UNDECIDED];
    }
    return words[reason];
}

samlc_result_t *samlc_result_make(apr_pool_t *p)
{
    samlc_result_t *res = apr_pcalloc(p, sizeof(*res));

    res->pool = p;
    res->status = APR_SUCCESS;
    res->reason = SAMLC_REASON_OK;
    res->message = words[SAMLC_REASON_OK];
    return res;
}

static apr_status_t record(samlc_result_t *res, apr_status_t status, samlc_reason_t reason,
                           const char *message)
{
    res->status = status == APR_SUCCESS ? APR_EGENERAL : status;
    res->reason = reason == SAMLC_REASON_OK ? SAMLC_REASON_INTERNAL : reason;
    res->message = message;
    return res->status;
}

apr_status_t samlc_result_fail(samlc_result_t *res, apr_status_t status, samlc_reason_t reason,
                               const char *fmt, ...)
{
    const char *message = NULL;
    va_list args;

    va_start(args, fmt);
    message = apr_pvsprintf(res->pool, fmt, args);
    va_end(args);
    return record(res, status, reason, message);
}

/* What OpenSSL's queue says, first error first; "" if it says nothing. The queue is empty then. */
static const char *drain_openssl(apr_pool_t *p)
{
    const char *all = "";
    char one[256];
    unsigned long code = 0;
    int shown = 0;

    for (shown = 0; shown < MAX_OPENSSL_ERRORS; shown++) {
        code = ERR_get_error();
        if (code == 0) {
            break;
        }
        ERR_error_string_n(code, one, sizeof(one));
        all = apr_pstrcat(p, all, shown > 0 ? "; " : "", one, NULL);
    }
    ERR_clear_error();
    return all;
}

apr_status_t samlc_result_fail_openssl(samlc_result_t *res, apr_status_t status,
                                       samlc_reason_t reason, const char *fmt, ...)
{
    const char *message = NULL;
    const char *errors = NULL;
    va_list args;

    va_start(args, fmt);
    message = apr_pvsprintf(res->pool, fmt, args);
    va_end(args);
    errors = drain_openssl(res->pool);
    if (*errors != '\0') {
        message = apr_pstrcat(res->pool, message, " (OpenSSL: ", errors, ")", NULL);
    }
    return record(res, status, reason, message);
}

void samlc_result_prefix(samlc_result_t *res, const char *prefix)
{
    res->message = apr_pstrcat(res->pool, prefix, ": ", res->message, NULL);
}
