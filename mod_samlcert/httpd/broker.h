/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SamlCertKeyBroker: the process of core/keys/broker.h. It is forked by the parent while that is
 * root, each time the configuration was read; an old one serves the children that know it and ends
 * with them, or with the parent. One that dies is started again, on the same socket.
 */
#ifndef MOD_SAMLC_BROKER_H
#define MOD_SAMLC_BROKER_H

#include <httpd.h>

#include "core/keys/broker.h"
#include "httpd/realm.h"

typedef struct mod_samlc_broker_t mod_samlc_broker_t;

/*
 * TRUE if this realm is to have a broker and can have one: the server was started by root, and
 * paths mean the same to the children.
 */
int mod_samlc_broker_is_wanted(const mod_samlc_realm_t *realm);

/*
 * Starts a broker in post_config for the realms that want one, and tells them of it. FALSE if it
 * can't be started, which was logged.
 */
int mod_samlc_broker_start(const mod_samlc_process_t *process, server_rec *s, apr_pool_t *pconf);

/* In a child: nobody but the broker receives requests. */
void mod_samlc_broker_start_child(const mod_samlc_process_t *process);

/*
 * A broker for one realm, as number 0, and for the time being: *broker is set to it. Its process;
 * -1 if there is none. mod_samlc_broker_end ends it.
 */
pid_t mod_samlc_broker_lend(samlc_broker_t *broker, const mod_samlc_realm_t *realm, apr_pool_t *p);
void mod_samlc_broker_end(const samlc_broker_t *broker, pid_t pid);

/*
 * Whether a broker will hand out the file that was seen. TRUE if so; otherwise *why says why not,
 * NULL if it is no private key.
 */
int mod_samlc_broker_opens(const char **why, const mod_samlc_realm_t *realm,
                           const samlc_seen_t *seen, apr_pool_t *p);

#endif
