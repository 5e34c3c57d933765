/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A state directory: the store with sessions and replay claims, the key that seals what browsers
 * keep for us, and the ledger. The parent makes the directory; each child opens what is in it,
 * because LMDB must not be opened across a fork.
 */
#ifndef MOD_SAMLC_STATE_H
#define MOD_SAMLC_STATE_H

#include <httpd.h>

#include "core/history/ledger.h"
#include "core/keys/seal.h"
#include "core/store/store.h"

typedef struct mod_samlc_state_t mod_samlc_state_t;

/* What a child has opened. */
typedef struct mod_samlc_backend_t {
    samlc_store_t *store;
    samlc_seal_t *seal;
} mod_samlc_backend_t;

mod_samlc_state_t *mod_samlc_state_make(const char *dir, apr_pool_t *p);

const char *mod_samlc_state_dir(const mod_samlc_state_t *state);

/* The store may grow to `size` bytes; of several wishes the largest counts. */
void mod_samlc_state_want_size(mod_samlc_state_t *state, apr_size_t size);

/*
 * In the parent: makes the directory (0700, owned by the server's user) if it is not there, else
 * checks that it is owned by that user and writable by nobody else.
 */
apr_status_t mod_samlc_state_prepare(const mod_samlc_state_t *state, samlc_result_t *res,
                                     apr_pool_t *p);

/* Opens it in a child. What fails is logged, and tried again by mod_samlc_state_look. */
void mod_samlc_state_open_child(mod_samlc_state_t *state, server_rec *s, apr_pool_t *pchild);

/*
 * The watchdog's look: opens what could not be opened before; TRUE if that worked. One caller at a
 * time.
 */
int mod_samlc_state_look(mod_samlc_state_t *state, server_rec *s, apr_time_t now);

/* Deletes what has expired, and syncs the ledger. For the singleton watchdog. */
void mod_samlc_state_expire(const mod_samlc_state_t *state, server_rec *s, apr_time_t now,
                            apr_pool_t *p);

/* What is open in this child; NULL if opening failed. Any thread, lock-free. */
const mod_samlc_backend_t *mod_samlc_state_backend(const mod_samlc_state_t *state);

/* Why nothing is open; never NULL. */
const char *mod_samlc_state_error(const mod_samlc_state_t *state);

/* The ledger; NULL if it could not be opened: then logins go on uncounted. Any thread. */
samlc_ledger_t *mod_samlc_state_ledger(const mod_samlc_state_t *state);

/* Why there is no ledger; never NULL. */
const char *mod_samlc_state_ledger_error(const mod_samlc_state_t *state);

#endif
