/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The key broker: a small process that may read our private keys hands open descriptors of them to
 * processes that may not, so that key files can be root's alone (0600).
 *
 * No path comes from a client: it asks for a realm (a number), a set (a name) and a role, and the
 * broker opens DIRECTORY-OF-THE-REALM/sp/SET/ROLE.key. It reads no file and parses nothing.
 *
 * All clients share one end of a SOCK_SEQPACKET pair, where a message is whole or not there. With
 * its request a client sends one end of a pair of its own, for the reply: nobody else can get that,
 * and a client that is silent, slow or gone makes nobody wait.
 */
#ifndef SAMLC_KEYS_BROKER_H
#define SAMLC_KEYS_BROKER_H

#include <apr_tables.h>
#include <sys/types.h>

#include "core/base/result.h"
#include "core/keys/keyset.h"

/* Requests in a second; more wait. While a change settles each login loads, in each child. */
#define SAMLC_BROKER_RATE 1000

/* A client's view. */
typedef struct samlc_broker_t {
    int socket;                      /* the end that all clients share; -1: there is no broker */
    apr_uint32_t realm;
} samlc_broker_t;

/* What a broker hands out. */
typedef struct samlc_shelf_t {
    const apr_array_header_t *dirs;  /* trust directories (const char *), by realm */
    uid_t owner;                     /* whom a key file must belong to: root */
    uid_t server_uid;                /* who must not be able to write on the way to it ... */
    gid_t server_gid;                /* ... nor this group, nor everybody */
} samlc_shelf_t;

/*
 * Opens the private key of a realm, set and role for reading. A descriptor, or -1 with errno:
 * EINVAL no such realm or role, no name, or not a regular file; EPERM the file belongs to somebody
 * else; EACCES others can write a directory on the way; EXDEV or ELOOP a link leads out of its
 * directory (a link within it, as orchestrators make them, is followed); and open's.
 */
int samlc_shelf_open(const samlc_shelf_t *shelf, apr_uint32_t realm, const char *set,
                     samlc_own_role_t role);

/* What such an errno means, for the operator. */
const char *samlc_shelf_why(int error, apr_pool_t *p);

/*
 * Serves requests on `socket`, until all clients have closed their end. A request that hangs (the
 * client may send any descriptor, also one whose close blocks) ends the process by SIGALRM, which
 * must have its default action.
 */
void samlc_broker_serve(int socket, const samlc_shelf_t *shelf);

/*
 * Asks for a private key: *fd is open for reading then. Waits two seconds at most. Fails with
 * file-unreadable, naming `path`, which is where the key should be.
 */
apr_status_t samlc_broker_ask(int *fd, const samlc_broker_t *broker, const char *set,
                              samlc_own_role_t role, const char *path, samlc_result_t *res);

#endif
