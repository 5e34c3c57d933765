/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/state.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unixd.h>

#include "core/base/pool.h"
#include "core/store/lmdb.h"
#include "httpd/log.h"

#define RETRY_EVERY apr_time_from_sec(1)
#define LEDGER_RETRY_EVERY apr_time_from_sec(60)
#define SAY_EVERY apr_time_from_sec(60)
#define EXPIRE_BATCH 500      /* one transaction: writers of other processes wait for it */
#define EXPIRE_BATCHES 20

struct mod_samlc_state_t {
    const char *dir;
    apr_size_t size;

    /* In a child. */
    apr_pool_t *pool;
    apr_time_t tried_at;
    _Atomic(const char *) error;
    _Atomic(const mod_samlc_backend_t *) backend;    /* set once, when all of it is open */
    apr_time_t ledger_tried_at;
    _Atomic(const char *) ledger_error;
    _Atomic(samlc_ledger_t *) ledger;                /* set once, when it is open */
};

mod_samlc_state_t *mod_samlc_state_make(const char *dir, apr_pool_t *p)
{
    mod_samlc_state_t *state = apr_pcalloc(p, sizeof(*state));

    state->dir = dir;
    atomic_init(&state->error, "the store is not open");
    atomic_init(&state->backend, NULL);
    atomic_init(&state->ledger_error, "the ledger is not open");
    atomic_init(&state->ledger, NULL);
    return state;
}

const char *mod_samlc_state_dir(const mod_samlc_state_t *state)
{
    return state->dir;
}

void mod_samlc_state_want_size(mod_samlc_state_t *state, apr_size_t size)
{
    if (size > state->size) {
        state->size = size;
    }
}

/* ---- in the parent --------------------------------------------------------------------------- */

/* Whom the children run as: as root httpd changes to User, otherwise it stays who it is. */
static uid_t server_uid(void)
{
    return geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
}

static apr_status_t create(const mod_samlc_state_t *state, samlc_result_t *res)
{
    if (mkdir(state->dir, 0700) != 0) {
        return samlc_result_fail(
            res, APR_FROM_OS_ERROR(errno), SAMLC_REASON_FILE_UNREADABLE,
            "the state directory %s can't be made (%s): make it, or name another "
            "one with SamlCertStateDir",
            state->dir, strerror(errno));
    }
    if (geteuid() == 0
        && chown(state->dir, ap_unixd_config.user_id, ap_unixd_config.group_id) != 0) {
        return samlc_result_fail(res, APR_FROM_OS_ERROR(errno), SAMLC_REASON_FILE_UNREADABLE,
                                 "the state directory %s can't be given to the server's user (%s)",
                                 state->dir, strerror(errno));
    }
    return APR_SUCCESS;
}

apr_status_t mod_samlc_state_prepare(const mod_samlc_state_t *state, samlc_result_t *res,
                                     apr_pool_t *p)
{
    struct stat st;

    (void)p;
    if (stat(state->dir, &st) != 0) {
        return create(state, res);
    }
    if (!S_ISDIR(st.st_mode)) {
        return samlc_result_fail(res, APR_ENOTDIR, SAMLC_REASON_FILE_UNREADABLE,
                                 "SamlCertStateDir %s is not a directory", state->dir);
    }
    if (st.st_uid != server_uid()) {
        return samlc_result_fail(
            res, APR_EACCES, SAMLC_REASON_FILE_UNREADABLE,
            "the state directory %s does not belong to the user that the server "
            "runs as: chown -R %ld %s",
            state->dir, (long)server_uid(), state->dir);
    }
    if (st.st_mode & (S_IWGRP | S_IWOTH)) {
        return samlc_result_fail(res, APR_EACCES, SAMLC_REASON_FILE_UNREADABLE,
                                 "others can write to the state directory %s: chmod 0700 %s",
                                 state->dir, state->dir);
    }
    return APR_SUCCESS;
}

/* ---- in a child ------------------------------------------------------------------------------ */

static apr_status_t open_all(mod_samlc_state_t *state, samlc_result_t *res, apr_pool_t *p)
{
    mod_samlc_backend_t *backend = apr_pcalloc(p, sizeof(*backend));
    apr_status_t rv = APR_SUCCESS;

    rv = samlc_lmdb_open(&backend->store, state->dir, state->size, res, p);
    if (rv == APR_SUCCESS) {
        rv = samlc_seal_load(&backend->seal, apr_pstrcat(p, state->dir, "/seal.key", NULL), res, p);
    }
    if (rv == APR_SUCCESS) {
        atomic_store_explicit(&state->backend, backend, memory_order_release);
    }
    return rv;
}

/* LMDB must not be open twice: a try that failed half-way takes its pool along. */
static void try_open(mod_samlc_state_t *state, server_rec *s, apr_time_t now)
{
    apr_pool_t *p = NULL;
    samlc_result_t *res = NULL;

    state->tried_at = now;
    apr_pool_create(&p, state->pool);
    res = samlc_result_make(p);
    if (open_all(state, res, p) == APR_SUCCESS) {
        return;
    }
    if (mod_samlc_log_is_due(res->message, now, SAY_EVERY)) {
        atomic_store(&state->error, apr_pstrdup(state->pool, res->message));
        ap_log_error(APLOG_MARK, APLOG_ERR, res->status, s,
                     MOD_SAMLC_TAG_STORE_CLOSED "%s: %s (no login is possible until this works)",
                     samlc_reason_word(res->reason), res->message);
    }
    apr_pool_destroy(p);
}

/* Nothing depends on the ledger but what is shown of it: without it logins go on. */
static void try_ledger(mod_samlc_state_t *state, server_rec *s, apr_time_t now)
{
    apr_pool_t *p = NULL;
    samlc_result_t *res = NULL;
    samlc_ledger_t *ledger = NULL;
    const char *aside = NULL;

    state->ledger_tried_at = now;
    apr_pool_create(&p, state->pool);
    res = samlc_result_make(p);
    samlc_ledger_open(&ledger, &aside, state->dir, res, p);
    if (aside) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, MOD_SAMLC_TAG_LEDGER_ASIDE
                     "%s/ledger was damaged, or of another version: it is %s now, and the uses of "
                     "certificates are counted anew", state->dir, aside);
    }
    if (ledger) {
        atomic_store_explicit(&state->ledger, ledger, memory_order_release);
        return;
    }
    if (mod_samlc_log_is_due(res->message, now, apr_time_from_sec(3600))) {
        atomic_store(&state->ledger_error, apr_pstrdup(state->pool, res->message));
        ap_log_error(APLOG_MARK, APLOG_ERR, res->status, s, MOD_SAMLC_TAG_LEDGER_CLOSED
                     "%s: %s (logins go on, but the uses of certificates are not counted)",
                     samlc_reason_word(res->reason), res->message);
    }
    apr_pool_destroy(p);
}

void mod_samlc_state_open_child(mod_samlc_state_t *state, server_rec *s, apr_pool_t *pchild)
{
    state->pool = samlc_pool_make(pchild);
    if (!state->pool) {
        ap_log_error(APLOG_MARK, APLOG_ERR, APR_ENOMEM, s, MOD_SAMLC_TAG_STORE_CLOSED
                     "internal: no memory for the store");
        return;
    }
    try_open(state, s, apr_time_now());
    try_ledger(state, s, apr_time_now());
}

int mod_samlc_state_look(mod_samlc_state_t *state, server_rec *s, apr_time_t now)
{
    if (!state->pool) {
        return 0;
    }
    if (!mod_samlc_state_ledger(state) && now >= state->ledger_tried_at + LEDGER_RETRY_EVERY) {
        try_ledger(state, s, now);
    }
    if (mod_samlc_state_backend(state) || now < state->tried_at + RETRY_EVERY) {
        return 0;
    }
    try_open(state, s, now);
    if (!mod_samlc_state_backend(state)) {
        return 0;
    }
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, s, MOD_SAMLC_TAG_STORE_OPENED
                 "the store in %s is open now", state->dir);
    return 1;
}

static void sync_ledger(const mod_samlc_state_t *state, server_rec *s, apr_time_t now,
                        apr_pool_t *p)
{
    samlc_ledger_t *ledger = mod_samlc_state_ledger(state);
    samlc_result_t *res = samlc_result_make(p);

    if (ledger && samlc_ledger_sync(ledger, res) != APR_SUCCESS
        && mod_samlc_log_is_due(res->message, now, SAY_EVERY)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, res->status, s, MOD_SAMLC_TAG_LEDGER_CLOSED "%s: %s",
                     samlc_reason_word(res->reason), res->message);
    }
}

void mod_samlc_state_expire(const mod_samlc_state_t *state, server_rec *s, apr_time_t now,
                            apr_pool_t *p)
{
    const mod_samlc_backend_t *backend = mod_samlc_state_backend(state);
    samlc_result_t *res = samlc_result_make(p);
    apr_status_t rv = APR_SUCCESS;
    int removed = EXPIRE_BATCH;
    int i = 0;

    for (i = 0; backend && rv == APR_SUCCESS && removed == EXPIRE_BATCH && i < EXPIRE_BATCHES;
         i++) {
        rv = backend->store->vtable->expire(backend->store, &removed, EXPIRE_BATCH, now, res, p);
    }
    if (rv != APR_SUCCESS && mod_samlc_log_is_due(res->message, now, SAY_EVERY)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s, MOD_SAMLC_TAG_STORE_FAILED "%s: %s",
                     samlc_reason_word(res->reason), res->message);
    }
    sync_ledger(state, s, now, p);
}

const mod_samlc_backend_t *mod_samlc_state_backend(const mod_samlc_state_t *state)
{
    return atomic_load_explicit(&state->backend, memory_order_acquire);
}

const char *mod_samlc_state_error(const mod_samlc_state_t *state)
{
    return atomic_load(&state->error);
}

samlc_ledger_t *mod_samlc_state_ledger(const mod_samlc_state_t *state)
{
    return atomic_load_explicit(&state->ledger, memory_order_acquire);
}

const char *mod_samlc_state_ledger_error(const mod_samlc_state_t *state)
{
    return atomic_load(&state->ledger_error);
}
