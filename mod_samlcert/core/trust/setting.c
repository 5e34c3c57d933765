/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/setting.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

#include "core/trust/constraint.h"
#include "core/trust/moves.h"
#include "core/trust/regex.h"

#define BLANKS " \t"
#define MAX_ENTITY_ID 1024 /* spec: SAML-Core 8.3.6 */

const char *samlc_setting_parse_text(void *field, const char *value, const samlc_setting_t *setting,
                                     apr_pool_t *p)
{
    (void)setting;
    *(const char **)field = apr_pstrdup(p, value);
    return NULL;
}

const char *samlc_setting_parse_uri(void *field, const char *value, const samlc_setting_t *setting,
                                    apr_pool_t *p)
{
    if (strpbrk(value, BLANKS)) {
        return "there must be no blank in it";
    }
    if (strlen(value) > MAX_ENTITY_ID) {
        return "longer than 1024 characters";
    }
    return samlc_setting_parse_text(field, value, setting, p);
}

int samlc_settings_is_url(const char *value)
{
    const char *host = NULL;
    const char *c = NULL;

    if (apr_cstr_casecmpn(value, "https://", 8) == 0) {
        host = value + 8;
    }
    else if (apr_cstr_casecmpn(value, "http://", 7) == 0) {
        host = value + 7;
    }
    if (!host || strchr("/?#:@", *host)) { /* the NUL at the end as well */
        return 0;
    }
    for (c = host; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f || strchr("\\\"<>", *c)) {
            return 0;
        }
    }
    return 1;
}

const char *samlc_setting_parse_url(void *field, const char *value, const samlc_setting_t *setting,
                                    apr_pool_t *p)
{
    if (!samlc_settings_is_url(value)) {
        return "not an absolute http or https URL";
    }
    return samlc_setting_parse_text(field, value, setting, p);
}

const char *samlc_setting_parse_user(void *field, const char *value, const samlc_setting_t *setting,
                                     apr_pool_t *p)
{
    int is_name_id = apr_cstr_casecmp(value, setting->preset) == 0;

    return samlc_setting_parse_text(field, is_name_id ? setting->preset : value, setting, p);
}

const char *samlc_setting_parse_constraint(void *field, const char *value,
                                           const samlc_setting_t *setting, apr_pool_t *p)
{
    const char *error = samlc_constraint_error(value, p);

    return error ? error : samlc_setting_parse_text(field, value, setting, p);
}

const char *samlc_setting_parse_regex(void *field, const char *value,
                                      const samlc_setting_t *setting, apr_pool_t *p)
{
    char reason[128];
    regex_t regex;
    int error = 0;

    if (samlc_regex_is_too_long(value)) {
        return "too long, once its repetitions are written out";
    }
    error = regcomp(&regex, value, REG_EXTENDED | REG_NOSUB);
    if (error != 0) {
        regerror(error, &regex, reason, sizeof(reason));
        return apr_pstrdup(p, reason);
    }
    regfree(&regex);
    return samlc_setting_parse_text(field, value, setting, p);
}

const char *samlc_setting_parse_words(void *field, const char *value,
                                      const samlc_setting_t *setting, apr_pool_t *p)
{
    (void)setting;
    *(apr_array_header_t **)field = samlc_text_words(value, p);
    return NULL;
}

const char *samlc_setting_parse_flag(void *field, const char *value, const samlc_setting_t *setting,
                                     apr_pool_t *p)
{
    int is_on = apr_cstr_casecmp(value, "on") == 0;

    (void)setting;
    (void)p;
    if (!is_on && apr_cstr_casecmp(value, "off") != 0) {
        return "neither on nor off";
    }
    *(int *)field = is_on;
    return NULL;
}

const char *samlc_setting_parse_number(void *field, const char *value,
                                       const samlc_setting_t *setting, apr_pool_t *p)
{
    apr_size_t digits = strspn(value, "0123456789");
    int number = -1;

    if (value[digits] == '\0' && digits <= 9) { /* fits an int */
        number = (int)apr_atoi64(value);
    }
    if (number < setting->low || number > setting->high) {
        return apr_psprintf(p, "not a number from %d to %d", setting->low, setting->high);
    }
    *(int *)field = number;
    return NULL;
}

const char *samlc_setting_parse_choice(void *field, const char *value,
                                       const samlc_setting_t *setting, apr_pool_t *p)
{
    char *rest = NULL;
    char *word = apr_strtok(apr_pstrdup(p, setting->syntax), "|", &rest);
    int index;

    for (index = 0; word; index++) {
        if (apr_cstr_casecmp(word, value) == 0) {
            *(int *)field = index;
            return NULL;
        }
        word = apr_strtok(NULL, "|", &rest);
    }
    return "not one of the words that it may be";
}

const char *samlc_setting_parse_binding(void *field, const char *value,
                                        const samlc_setting_t *setting, apr_pool_t *p)
{
    if (apr_cstr_casecmp(value, "post") == 0) {
        return "sending requests by HTTP-POST is not supported yet";
    }
    return samlc_setting_parse_choice(field, value, setting, p);
}

const char *samlc_setting_parse_algorithms(void *field, const char *value,
                                           const samlc_setting_t *setting, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_algorithms_t set = 0;

    if (samlc_algorithms_parse(&set, (samlc_algorithm_kind_t)setting->low, value, res, p)
        != APR_SUCCESS) {
        return res->message;
    }
    *(samlc_algorithms_t *)field = set;
    return NULL;
}

/* Adds one line; `field` is the list of all of this kind. */
static const char *add_move(void *field, samlc_move_kind_t kind, const char *value, apr_pool_t *p)
{
    apr_array_header_t **moves = field;
    samlc_move_t move = { kind, NULL, 0, NULL };
    const char *error = samlc_move_parse(&move, value, p);
    int i = 0;

    if (error) {
        return error;
    }
    if (strcmp(move.stem, "primary") != 0 && strcmp(move.stem, "staged") != 0
        && strcmp(move.stem, "alternate") != 0 && strncmp(move.stem, "alternate-", 10) != 0) {
        return "the slot is none of primary, alternate, alternate-..., staged";
    }
    for (i = 0; *moves && i < (*moves)->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(*moves, i, samlc_move_t).stem, move.stem) == 0) {
            return "this slot has a time already";
        }
    }
    if (!*moves) {
        *moves = apr_array_make(p, 2, sizeof(samlc_move_t));
    }
    APR_ARRAY_PUSH(*moves, samlc_move_t) = move;
    return NULL;
}

const char *samlc_setting_parse_activations(void *field, const char *value,
                                            const samlc_setting_t *setting, apr_pool_t *p)
{
    (void)setting;
    return add_move(field, SAMLC_MOVE_ACTIVATE, value, p);
}

const char *samlc_setting_parse_retirements(void *field, const char *value,
                                            const samlc_setting_t *setting, apr_pool_t *p)
{
    (void)setting;
    return add_move(field, SAMLC_MOVE_RETIRE, value, p);
}
