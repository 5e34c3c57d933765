/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/section.h"

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/reload/source.h"
#include "core/trust/settings.h"
#include "httpd/config.h"

/* The name is that of a directory under idp/ as well, where the section's files are. */
static int is_name(const char *name)
{
    const char *c = NULL;

    if (*name == '\0' || *name == '.') {
        return 0;
    }
    for (c = name; *c != '\0'; c++) {
        if (!apr_isalnum(*c) && !strchr("-_.", *c)) {
            return 0;
        }
    }
    return 1;
}

static samlc_section_t *find(apr_array_header_t *sections, const char *name)
{
    int i = 0;

    for (i = 0; sections && i < sections->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(sections, i, samlc_section_t).name, name) == 0) {
            return &APR_ARRAY_IDX(sections, i, samlc_section_t);
        }
    }
    return NULL;
}

/* A value in double quotes is what is between them, as in idp.conf; any other is taken as it is. */
static const char *unquote(const char *args, apr_pool_t *p)
{
    const char *rest = args;
    const char *word = NULL;

    if (*args != '"') {
        return args;
    }
    word = ap_getword_conf(p, &rest);
    return *rest == '\0' ? word : args;
}

/* One line: checked now, kept for the generations. NULL, or what is wrong with it. */
static const char *parse_line(samlc_section_t *section, samlc_settings_t *checked,
                              const ap_directive_t *line, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_section_line_t *kept = NULL;
    const char *name = line->directive;
    const char *value = unquote(line->args, p);
    const char *origin = apr_psprintf(p, "%s:%d", line->filename, line->line_num);

    if (strncasecmp(name, MOD_SAMLC_PREFIX, strlen(MOD_SAMLC_PREFIX)) != 0) {
        return apr_psprintf(p,
                            "%s has no place inside " MOD_SAMLC_SECTION " %s>: only the SamlCert "
                            "settings of an identity provider have",
                            name, section->name);
    }
    name += strlen(MOD_SAMLC_PREFIX);
    if (samlc_settings_set(checked, name, value, origin, res, p) != APR_SUCCESS) {
        return apr_pstrcat(p, line->directive, ": ", res->message, NULL);
    }
    kept = apr_array_push(section->lines);
    kept->name = name;
    kept->value = value;
    kept->origin = origin;
    return NULL;
}

static const char *parse_name(const char **name, const cmd_parms *cmd, const char *args)
{
    const char *end = ap_strrchr_c(args, '>');
    const char *rest = NULL;

    *name = "";
    if (!end) {
        return MOD_SAMLC_SECTION "> lacks its closing '>'";
    }
    rest = apr_pstrmemdup(cmd->temp_pool, args, (apr_size_t)(end - args));
    *name = ap_getword_conf(cmd->pool, &rest);
    if (!is_name(*name) || *rest != '\0') {
        return MOD_SAMLC_SECTION " NAME> wants one name of letters, digits and -_. (that of its "
               "directory under idp/)";
    }
    return NULL;
}

const char *mod_samlc_section_parse(cmd_parms *cmd, void *dummy, const char *args)
{
    mod_samlc_server_t *conf = mod_samlc_server_get(cmd->server);
    samlc_settings_t *checked = samlc_settings_make(cmd->temp_pool);
    samlc_section_t *section = NULL;
    const ap_directive_t *line = NULL;
    const char *name = NULL;
    const char *error = NULL;

    (void)dummy;
    error = parse_name(&name, cmd, args);
    if (error) {
        return error;
    }
    section = find(conf->sections, name);
    if (section) {
        return apr_psprintf(cmd->pool,
                            "there is a section " MOD_SAMLC_SECTION " %s> already, at %s", name,
                            section->origin);
    }
    if (!conf->sections) {
        conf->sections = apr_array_make(cmd->pool, 4, sizeof(samlc_section_t));
    }
    section = apr_array_push(conf->sections);
    section->name = name;
    section->origin = apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename,
                                   cmd->directive->line_num);
    section->lines = apr_array_make(cmd->pool, 8, sizeof(samlc_section_line_t));
    for (line = cmd->directive->first_child; line; line = line->next) {
        error = parse_line(section, checked, line, cmd->pool);
        if (error) {
            cmd->err_directive = line;
            return error;
        }
    }
    return NULL;
}

apr_array_header_t *mod_samlc_sections_merge(apr_array_header_t *base, apr_array_header_t *own,
                                             apr_pool_t *p)
{
    apr_array_header_t *merged = NULL;
    const samlc_section_t *section = NULL;
    int i = 0;

    if (!own || !base) {
        return own ? own : base;
    }
    merged = apr_array_copy(p, own);
    for (i = 0; i < base->nelts; i++) {
        section = &APR_ARRAY_IDX(base, i, samlc_section_t);
        if (!find(own, section->name)) {
            APR_ARRAY_PUSH(merged, samlc_section_t) = *section;
        }
    }
    return merged;
}
