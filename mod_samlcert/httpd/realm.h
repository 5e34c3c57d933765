/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A realm: one trust directory (with the <SamlCertIdP> sections that belong to it) and one state
 * directory, shared by all virtual hosts that name the same. In each child it has a loader and, by
 * that, a present generation.
 */
#ifndef MOD_SAMLC_REALM_H
#define MOD_SAMLC_REALM_H

#include <httpd.h>

#include "core/history/archive.h"
#include "core/reload/loader.h"
#include "httpd/config.h"
#include "httpd/scoreboard.h"
#include "httpd/state.h"

typedef struct mod_samlc_realm_t {
    samlc_source_t source;
    mod_samlc_state_t *state;
    const samlc_archive_t *archive;  /* in the state directory: the last good generations */
    server_rec *server;              /* the first server that has it: for log lines */
    apr_interval_time_t interval;    /* of the watchdog */
    int is_guarded;                  /* SamlCertGuard of one of its servers */
    apr_uint64_t id;                 /* the same after a restart */
    const char *key_passphrase;      /* SamlCertKeyPassphrase as it is written; NULL: none */
    int wants_broker;                /* SamlCertKeyBroker on */
    samlc_broker_t broker;           /* ours, if source.broker points to it; set by post_config */
    int broker_end;                  /* of the broker itself, which children close */
    mod_samlc_board_t *board;        /* set by post_config */
    struct mod_samlc_realm_child_t *child;    /* set in child_init; NULL in the parent */
} mod_samlc_realm_t;

/* All realms and state directories of the process. */
typedef struct mod_samlc_process_t {
    apr_array_header_t *realms;      /* mod_samlc_realm_t * */
    apr_array_header_t *states;      /* mod_samlc_state_t * */
} mod_samlc_process_t;

mod_samlc_process_t *mod_samlc_process_make(apr_pool_t *p);

/* The realm of a server with a trust directory: one that is there already, or a new one. */
mod_samlc_realm_t *mod_samlc_realm_find(mod_samlc_process_t *process,
                                        const mod_samlc_server_t *conf, server_rec *s,
                                        apr_pool_t *p);

/*
 * Loads the present files in a child, before its first request: a child that starts late must not
 * serve what was there when the server started. If that fails it serves the generation that was
 * accepted last, from the archive; if there is none the realm refuses logins until the watchdog
 * succeeds.
 */
void mod_samlc_realm_start_child(mod_samlc_realm_t *realm, apr_pool_t *pchild);

/* The watchdog's look. */
void mod_samlc_realm_look(mod_samlc_realm_t *realm, apr_time_t now, apr_pool_t *p);

/*
 * Keeps what this child has in the archive, if that was accepted last and is not kept yet. It may
 * take as long as a load, so it is for a watchdog of its own, and ends early when `is_stopped` says
 * so. Failures are logged once and hurt nobody.
 */
void mod_samlc_realm_keep(mod_samlc_realm_t *realm, int (*is_stopped)(void), apr_time_t now,
                          apr_pool_t *p);

/*
 * The generation that was accepted last, from the archive; NULL if there is none that may be used.
 * The caller owns it.
 */
samlc_snapshot_t *mod_samlc_realm_last_good(const mod_samlc_realm_t *realm, apr_time_t now,
                                            apr_pool_t *p);

/* The loader of this child; NULL if it could not be made. */
samlc_loader_t *mod_samlc_realm_loader(const mod_samlc_realm_t *realm);

/* What this child has open of the state directory; NULL if nothing. */
const mod_samlc_backend_t *mod_samlc_realm_backend(const mod_samlc_realm_t *realm);

#endif
