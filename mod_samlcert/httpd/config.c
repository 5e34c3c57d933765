/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/config.h"

#include <apr_hash.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <apr_uri.h>
#include <stddef.h>

#include "core/trust/settings.h"
#include "httpd/section.h"

typedef enum {
    TYPE_TEXT,
    TYPE_PATH,
    TYPE_ORIGIN,
    TYPE_ENDPOINT,
    TYPE_CHOICE,
    TYPE_FLAG,
    TYPE_NUMBER,
    TYPE_SIZE,
    TYPE_HOSTS,
    TYPE_PASSPHRASE
} type_t;

/* A row of the table, as the parser needs it. */
typedef struct directive_t {
    const char *name;
    type_t type;
    apr_size_t offset;
    apr_int64_t min, max;
    const char *words;
    const char *fallback;
} directive_t;

#define ROW(Name, type, conf_t, member, min, max, words, fallback)                                \
    {MOD_SAMLC_PREFIX Name, type, offsetof(conf_t, member), min, max, words, fallback},
#define SERVER_ROW(Name, member, type, min, max, words, fallback, syntax, help)                    \
    ROW(#Name, TYPE_##type, mod_samlc_server_t, member, min, max, words, fallback)
#define DIRECTORY_ROW(Name, member, type, min, max, words, fallback, syntax, help)                 \
    ROW(#Name, TYPE_##type, mod_samlc_dir_t, member, min, max, words, fallback)

static const directive_t server_rows[] = {MOD_SAMLC_SERVER_DIRECTIVES(SERVER_ROW)};
static const directive_t directory_rows[] = {MOD_SAMLC_DIRECTORY_DIRECTIVES(DIRECTORY_ROW)};

#define SERVER_INDEX(Name, member, type, min, max, words, fallback, syntax, help) SERVER_##Name,
#define DIRECTORY_INDEX(Name, member, type, min, max, words, fallback, syntax, help)               \
    DIRECTORY_##Name,
enum { MOD_SAMLC_SERVER_DIRECTIVES(SERVER_INDEX) SERVER_COUNT };
enum { MOD_SAMLC_DIRECTORY_DIRECTIVES(DIRECTORY_INDEX) };

/* ---- values ---------------------------------------------------------------------------------- */

static apr_int64_t unit_of(char letter)
{
    switch (apr_toupper(letter)) {
    case 'K':
        return 1024;
    case 'M':
        return 1024 * 1024;
    case 'G':
        return 1024 * 1024 * 1024;
    default:
        return 0;
    }
}

static const char *parse_number(apr_int64_t *number, const directive_t *d, const char *value,
                                apr_pool_t *p)
{
    char *end = NULL;
    apr_int64_t unit = 1;

    *number = 0;
    if (!apr_isdigit(*value)) {
        return apr_psprintf(p, "a number is wanted, not '%s'", value);
    }
    *number = apr_strtoi64(value, &end, 10);
    if (d->type == TYPE_SIZE && unit_of(*end) != 0) {
        unit = unit_of(*end);
        end++;
    }
    if (*end != '\0' || *number > d->max / unit || *number * unit < d->min) {
        return apr_psprintf(p,
                            "'%s' is not a number from %" APR_INT64_T_FMT " to %" APR_INT64_T_FMT,
                            value, d->min, d->max);
    }
    *number *= unit;
    return NULL;
}

/* scheme://host[:port] and nothing else: it is compared, and put before paths, byte by byte. */
static const char *parse_origin(const char *value, apr_pool_t *p)
{
    apr_uri_t uri;

    if (apr_uri_parse(p, value, &uri) != APR_SUCCESS || !uri.scheme || !uri.hostname || uri.user
        || uri.password || (uri.path && *uri.path != '\0') || uri.query || uri.fragment
        || (strcmp(uri.scheme, "https") != 0 && strcmp(uri.scheme, "http") != 0)) {
        return apr_psprintf(
            p,
            "'%s' is not of the form https://host[:port], without a path or a slash at its end",
            value);
    }
    return NULL;
}

static const char *parse_endpoint(const char *value, apr_pool_t *p)
{
    apr_size_t len = strlen(value);

    if (value[0] != '/' || len < 2 || value[len - 1] == '/' || strstr(value, "//")
        || strspn(value, "/abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~")
               != len
        || strstr(value, "/.")) {
        return apr_psprintf(
            p,
            "'%s' is not a path like /saml: one slash at its beginning, none at its end, "
            "letters, digits and -_.~ only",
            value);
    }
    return NULL;
}

/* Only its form: what it leads to is looked at by check_config. */
static const char *parse_passphrase(const char *value, apr_pool_t *p)
{
    int is_file = strncmp(value, "file:/", 6) == 0;

    if ((is_file || strncmp(value, "exec:/", 6) == 0) && !(is_file && strpbrk(value, " \t\""))) {
        return NULL;
    }
    return apr_psprintf(p, "'%s' is neither file:PATH nor exec:PROGRAM [ARG...], with an absolute "
                        "path", value);
}

/* The words are separated by "|", as in the table of settings. */
static const char *parse_choice(const directive_t *d, const char *value, apr_pool_t *p)
{
    const char *word = d->words;
    apr_size_t len = 0;

    for (word = d->words; *word != '\0'; word += len + (word[len] == '|')) {
        len = strcspn(word, "|");
        if (strlen(value) == len && strncmp(value, word, len) == 0) {
            return NULL;
        }
    }
    return apr_psprintf(p, "'%s' is not built in; there is: %s", value, d->words);
}

/* Parses one value into its member of `conf`; NULL, or what is wrong with it. */
static const char *assign(void *conf, const directive_t *d, const char *value, apr_pool_t *p)
{
    void *member = (char *)conf + d->offset;
    const char *error = NULL;

    switch (d->type) {
    case TYPE_FLAG:
        if (strcasecmp(value, "on") != 0 && strcasecmp(value, "off") != 0) {
            return apr_psprintf(p, "it is either on or off, not '%s'", value);
        }
        *(apr_int64_t *)member = strcasecmp(value, "on") == 0;
        return NULL;
    case TYPE_NUMBER:
    case TYPE_SIZE:
        return parse_number(member, d, value, p);
    case TYPE_HOSTS:
        if (!*(apr_array_header_t **)member) {
            *(apr_array_header_t **)member = apr_array_make(p, 4, sizeof(const char *));
        }
        APR_ARRAY_PUSH(*(apr_array_header_t **)member, const char *) = value;
        return NULL;
    case TYPE_PATH:
        error = value[0] == '/' ? NULL : apr_psprintf(p, "'%s' is not an absolute path", value);
        break;
    case TYPE_ORIGIN:
        error = parse_origin(value, p);
        break;
    case TYPE_ENDPOINT:
        error = parse_endpoint(value, p);
        break;
    case TYPE_CHOICE:
        error = parse_choice(d, value, p);
        break;
    case TYPE_PASSPHRASE:
        error = parse_passphrase(value, p);
        break;
    case TYPE_TEXT:
        error = *value != '\0' ? NULL : "the value is empty";
        break;
    }
    if (!error) {
        *(const char **)member = value;
    }
    return error;
}

static void assign_default(void *conf, const directive_t *d, apr_pool_t *p)
{
    if (d->fallback) {
        assign(conf, d, d->fallback, p);
    }
}

/* ---- directives ------------------------------------------------------------------------------ */

static const char *cite_error(const cmd_parms *cmd, const char *error)
{
    return error ? apr_pstrcat(cmd->pool, cmd->cmd->name, ": ", error, NULL) : NULL;
}

static const char *set_server(cmd_parms *cmd, void *dummy, const char *value)
{
    mod_samlc_server_t *conf = mod_samlc_server_get(cmd->server);
    const directive_t *d = cmd->info;

    (void)dummy;
    apr_hash_set(
        conf->origins, d->name, APR_HASH_KEY_STRING,
        apr_psprintf(cmd->pool, "%s:%d", cmd->directive->filename, cmd->directive->line_num));
    return cite_error(cmd, assign(conf, d, value, cmd->pool));
}

static const char *set_directory(cmd_parms *cmd, void *conf, const char *value)
{
    return cite_error(cmd, assign(conf, cmd->info, value, cmd->pool));
}

/*
 * A setting of an IdP is read by its section; httpd comes here only where there is none around it.
 * Two tables have a SamlCertEntityID, which is the server's then.
 */
static const char *set_outside(cmd_parms *cmd, void *dummy, const char *args)
{
    int i = 0;

    (void)dummy;
    (void)args;
    for (i = 0; i < SERVER_COUNT; i++) {
        if (strcmp(server_rows[i].name, cmd->cmd->name) == 0) {
            return DECLINE_CMD;
        }
    }
    return apr_psprintf(cmd->pool, "%s is a setting of one identity provider: write it inside "
                        MOD_SAMLC_SECTION " NAME>, or as '%s' in idp/NAME/idp.conf of the trust "
                        "directory", cmd->cmd->name, cmd->cmd->name + strlen(MOD_SAMLC_PREFIX));
}

#define TAKES_TEXT AP_INIT_TAKE1
#define TAKES_PATH AP_INIT_TAKE1
#define TAKES_ORIGIN AP_INIT_TAKE1
#define TAKES_ENDPOINT AP_INIT_TAKE1
#define TAKES_CHOICE AP_INIT_TAKE1
#define TAKES_FLAG AP_INIT_TAKE1
#define TAKES_NUMBER AP_INIT_TAKE1
#define TAKES_SIZE AP_INIT_TAKE1
#define TAKES_HOSTS AP_INIT_ITERATE
#define TAKES_PASSPHRASE AP_INIT_RAW_ARGS

#define SERVER_COMMAND(Name, member, type, min, max, words, fallback, syntax, help) \
    TAKES_##type(MOD_SAMLC_PREFIX #Name, set_server, (void *)&server_rows[SERVER_##Name], \
                 RSRC_CONF, syntax ": " help),
#define DIRECTORY_COMMAND(Name, member, type, min, max, words, fallback, syntax, help) \
    TAKES_##type(MOD_SAMLC_PREFIX #Name, set_directory, (void *)&directory_rows[DIRECTORY_##Name], \
                 OR_AUTHCFG, syntax ": " help),
#define SETTING_COMMAND(Name, member, type, a, b, words, fallback, syntax, help) \
    AP_INIT_RAW_ARGS(MOD_SAMLC_PREFIX #Name, set_outside, NULL, RSRC_CONF | ACCESS_CONF, \
                     syntax ": " help " (inside " MOD_SAMLC_SECTION_CONTEXT ")"),

const command_rec mod_samlc_commands[] = {
    MOD_SAMLC_SERVER_DIRECTIVES(SERVER_COMMAND)
    MOD_SAMLC_DIRECTORY_DIRECTIVES(DIRECTORY_COMMAND)
    AP_INIT_RAW_ARGS(MOD_SAMLC_SECTION, mod_samlc_section_parse, NULL, RSRC_CONF,
                     "NAME>: settings of one identity provider"),
    SAMLC_SETTINGS(SETTING_COMMAND)
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};

/* ---- structs --------------------------------------------------------------------------------- */

#define CLEAR(Name, member, type, min, max, words, fallback, syntax, help) \
    conf->member = MOD_SAMLC_UNSET_##type;
#define MERGE(Name, member, type, min, max, words, fallback, syntax, help) \
    conf->member = own->member != MOD_SAMLC_UNSET_##type ? own->member : base->member;
#define COMPLETE(Name, member, type, min, max, words, fallback, syntax, help) \
    if (conf->member == MOD_SAMLC_UNSET_##type) { \
        assign_default(conf, &server_rows[SERVER_##Name], p); \
    }

void *mod_samlc_server_make(apr_pool_t *p, server_rec *s)
{
    mod_samlc_server_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)s;
    MOD_SAMLC_SERVER_DIRECTIVES(CLEAR)
    conf->origins = apr_hash_make(p);
    return conf;
}

void *mod_samlc_server_merge(apr_pool_t *p, void *base_conf, void *own_conf)
{
    const mod_samlc_server_t *base = base_conf;
    const mod_samlc_server_t *own = own_conf;
    mod_samlc_server_t *conf = apr_pcalloc(p, sizeof(*conf));

    MOD_SAMLC_SERVER_DIRECTIVES(MERGE)
    conf->sections = mod_samlc_sections_merge(base->sections, own->sections, p);
    conf->origins = apr_hash_overlay(p, own->origins, base->origins);
    return conf;
}

void mod_samlc_server_complete(mod_samlc_server_t *conf, apr_pool_t *p)
{
    MOD_SAMLC_SERVER_DIRECTIVES(COMPLETE)
}

void *mod_samlc_dir_make(apr_pool_t *p, char *path)
{
    mod_samlc_dir_t *conf = apr_pcalloc(p, sizeof(*conf));

    (void)path;
    MOD_SAMLC_DIRECTORY_DIRECTIVES(CLEAR)
    return conf;
}

void *mod_samlc_dir_merge(apr_pool_t *p, void *base_conf, void *own_conf)
{
    const mod_samlc_dir_t *base = base_conf;
    const mod_samlc_dir_t *own = own_conf;
    mod_samlc_dir_t *conf = apr_pcalloc(p, sizeof(*conf));

    MOD_SAMLC_DIRECTORY_DIRECTIVES(MERGE)
    return conf;
}

mod_samlc_server_t *mod_samlc_server_get(const server_rec *s)
{
    return ap_get_module_config(s->module_config, &samlcert_module);
}

const mod_samlc_dir_t *mod_samlc_dir_get(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &samlcert_module);
}

const char *mod_samlc_server_cite(const mod_samlc_server_t *conf, const char *directive,
                                  apr_pool_t *p)
{
    const char *origin = apr_hash_get(conf->origins, directive, APR_HASH_KEY_STRING);

    return origin ? apr_pstrcat(p, directive, " (", origin, ")", NULL) : directive;
}
