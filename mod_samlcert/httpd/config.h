/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is configured: one struct for a server, one for a directory, both generated from
 * directives.h.
 */
#ifndef MOD_SAMLC_CONFIG_H
#define MOD_SAMLC_CONFIG_H

#include <apr_hash.h>
#include <httpd.h>
#include <http_config.h>

#include "core/reload/source.h"
#include "httpd/directives.h"

extern module AP_MODULE_DECLARE_DATA samlcert_module;

/* The C type of each type of directive, and its "not set". */
#define MOD_SAMLC_CTYPE_TEXT const char *
#define MOD_SAMLC_CTYPE_PATH const char *
#define MOD_SAMLC_CTYPE_ORIGIN const char *
#define MOD_SAMLC_CTYPE_ENDPOINT const char *
#define MOD_SAMLC_CTYPE_CHOICE const char *
#define MOD_SAMLC_CTYPE_HOSTS apr_array_header_t * /* const char * */
#define MOD_SAMLC_CTYPE_PASSPHRASE const char *
#define MOD_SAMLC_CTYPE_FLAG apr_int64_t
#define MOD_SAMLC_CTYPE_NUMBER apr_int64_t
#define MOD_SAMLC_CTYPE_SIZE apr_int64_t

#define MOD_SAMLC_UNSET_TEXT NULL
#define MOD_SAMLC_UNSET_PATH NULL
#define MOD_SAMLC_UNSET_ORIGIN NULL
#define MOD_SAMLC_UNSET_ENDPOINT NULL
#define MOD_SAMLC_UNSET_CHOICE NULL
#define MOD_SAMLC_UNSET_HOSTS NULL
#define MOD_SAMLC_UNSET_PASSPHRASE NULL
#define MOD_SAMLC_UNSET_FLAG (-1)
#define MOD_SAMLC_UNSET_NUMBER (-1)
#define MOD_SAMLC_UNSET_SIZE (-1)

#define MOD_SAMLC_MEMBER(Name, member, type, min, max, words, fallback, syntax, help) \
    MOD_SAMLC_CTYPE_##type member;

struct mod_samlc_realm_t;
struct mod_samlc_process_t;

/* Directives are read-only after post_config; unset ones have their default then. */
typedef struct mod_samlc_server_t {
    MOD_SAMLC_SERVER_DIRECTIVES(MOD_SAMLC_MEMBER)
    apr_array_header_t *sections;       /* samlc_section_t; NULL: none */
    apr_hash_t *origins;                /* directive -> "FILE:LINE", for messages */

    /* What follows from them; set by check_config. */
    struct mod_samlc_realm_t *realm;    /* NULL: this server takes no part */
    struct mod_samlc_process_t *process;    /* of the main server only */
    const char *acs_url;
    apr_size_t endpoint_len;
    const char *session_cookie;         /* names */
    const char *state_cookie;           /* the part before the token */
} mod_samlc_server_t;

typedef struct mod_samlc_dir_t {
    MOD_SAMLC_DIRECTORY_DIRECTIVES(MOD_SAMLC_MEMBER)
} mod_samlc_dir_t;

/* For the module structure. */
void *mod_samlc_server_make(apr_pool_t *p, server_rec *s);
void *mod_samlc_server_merge(apr_pool_t *p, void *base, void *own);
void *mod_samlc_dir_make(apr_pool_t *p, char *path);
void *mod_samlc_dir_merge(apr_pool_t *p, void *base, void *own);
extern const command_rec mod_samlc_commands[];

/* The configuration of a server; never NULL. */
mod_samlc_server_t *mod_samlc_server_get(const server_rec *s);

/* The configuration of the place that a request asks for; never NULL. */
const mod_samlc_dir_t *mod_samlc_dir_get(const request_rec *r);

/* Gives unset directives their defaults; after all merging. */
void mod_samlc_server_complete(mod_samlc_server_t *conf, apr_pool_t *p);

/* "DIRECTIVE (FILE:LINE)" for messages; without the place where the value is a default. */
const char *mod_samlc_server_cite(const mod_samlc_server_t *conf, const char *directive,
                                  apr_pool_t *p);

#endif
