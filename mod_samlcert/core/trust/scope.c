/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/scope.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/base/text.h"
#include "core/trust/regex.h"

#define MAX_REGEXP 256

static apr_status_t fail(samlc_result_t *res, const char *value, const char *why)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "the scope \"%s\" %s",
                             samlc_text_show(value, res->pool), why);
}

static apr_status_t free_regex(void *regex)
{
    regfree(regex);
    return APR_SUCCESS;
}

static int has_back_reference(const char *s)
{
    for (; *s != '\0'; s++) {
        if (*s != '\\') {
            continue;
        }
        s++;
        if (*s == '\0' || apr_isdigit(*s)) {
            return *s != '\0';
        }
    }
    return 0;
}

static apr_status_t compile(const regex_t **regex, const char *value, samlc_result_t *res,
                            apr_pool_t *p)
{
    regex_t *compiled = apr_pcalloc(p, sizeof(*compiled));

    *regex = NULL;
    if (strlen(value) > MAX_REGEXP || samlc_regex_is_too_long(value) || strchr(value, '{') != NULL
        || has_back_reference(value)) {
        return fail(res, value, "is a regular expression that is long, counts or refers back");
    }
    if (regcomp(compiled, value, REG_EXTENDED) != 0) {
        return fail(res, value, "is no POSIX extended regular expression");
    }
    apr_pool_cleanup_register(p, compiled, free_regex, apr_pool_cleanup_null);
    *regex = compiled;
    return APR_SUCCESS;
}

apr_status_t samlc_scope_add(apr_array_header_t *scopes, const char *value, int is_regexp,
                             samlc_result_t *res, apr_pool_t *p)
{
    samlc_scope_t scope = { apr_pstrdup(p, value), NULL };
    apr_status_t rv = is_regexp ? compile(&scope.regex, value, res, p) : APR_SUCCESS;

    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(scopes, samlc_scope_t) = scope;
    }
    return rv;
}

const char *samlc_scope_of(const char *value)
{
    const char *at = strrchr(value, '@');

    return at == NULL || at[1] == '\0' ? NULL : at + 1;
}

/* The longest match from the start, as POSIX has it, must be all of it. */
static int matches_all(const regex_t *regex, const char *scope)
{
    regmatch_t match;

    return regexec(regex, scope, 1, &match, 0) == 0 && match.rm_so == 0
           && scope[match.rm_eo] == '\0';
}

int samlc_scope_covers(const apr_array_header_t *scopes, const char *value)
{
    const char *scope = samlc_scope_of(value);
    int i = 0;

    if (scope == NULL || strpbrk(scope, " \t\r\n") != NULL) {
        return 0;
    }
    for (i = 0; i < scopes->nelts; i++) {
        const samlc_scope_t *declared = &APR_ARRAY_IDX(scopes, i, samlc_scope_t);

        if (declared->regex == NULL ? strcmp(declared->value, scope) == 0
                                    : matches_all(declared->regex, scope)) {
            return 1;
        }
    }
    return 0;
}
