/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/process.h"

#include <apr_optional.h>
#include <http_core.h>
#include <libgen.h>
#include <mod_watchdog.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/base/writers.h"
#include "httpd/broker.h"
#include "httpd/log.h"
#include "httpd/realm.h"

#define WATCHDOG "_samlcert_"                 /* one in each child, as is the next */
#define KEEPER "_samlcert_keeper_"
#define SINGLETON "_samlcert_singleton_"      /* one in all children */
#define EXPIRE_INTERVAL apr_time_from_sec(1)

/* ---- watchdogs ------------------------------------------------------------------------------- */

/*
 * A child that ends destroys its pools, and httpd does not always wait for watchdogs that run. So
 * each callback holds this shared, and the end of the child takes it exclusively, for good. It is
 * in no pool: callbacks may still look at it when the last pool is gone.
 */
static pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;
static atomic_int is_closing;    /* what takes long behind the gate is to end early */

static apr_status_t close_gate(void *data)
{
    (void)data;
    atomic_store(&is_closing, 1);
    pthread_rwlock_wrlock(&gate);
    return APR_SUCCESS;
}

/* With httpd -X the next child is this process again, which closed the gate before. */
static void open_gate(void)
{
    if (atomic_exchange(&is_closing, 0)) {
        pthread_rwlock_unlock(&gate);
    }
}

static int is_stopped(void)
{
    return atomic_load(&is_closing);
}

static int enter(int watchdog_state)
{
    return watchdog_state == AP_WATCHDOG_STATE_RUNNING && pthread_rwlock_tryrdlock(&gate) == 0;
}

static void leave(void)
{
    pthread_rwlock_unlock(&gate);
}

/* Watchdog callbacks always return success: one that fails is never called again. */

static apr_status_t look(int watchdog_state, void *data, apr_pool_t *p)
{
    if (enter(watchdog_state)) {
        mod_samlc_realm_look(data, apr_time_now(), p);
        leave();
    }
    return APR_SUCCESS;
}

static apr_status_t keep(int watchdog_state, void *data, apr_pool_t *p)
{
    if (enter(watchdog_state)) {
        mod_samlc_realm_keep(data, is_stopped, apr_time_now(), p);
        leave();
    }
    return APR_SUCCESS;
}

static apr_status_t expire(int watchdog_state, void *data, apr_pool_t *p)
{
    const mod_samlc_realm_t *realm = data;

    if (enter(watchdog_state)) {
        mod_samlc_state_expire(realm->state, realm->server, apr_time_now(), p);
        leave();
    }
    return APR_SUCCESS;
}

static apr_status_t watch(const char *name, int is_singleton, apr_interval_time_t interval,
                          mod_samlc_realm_t *realm, ap_watchdog_callback_fn_t *callback,
                          apr_pool_t *p)
{
    APR_OPTIONAL_FN_TYPE(ap_watchdog_get_instance) *get_instance =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance);
    APR_OPTIONAL_FN_TYPE(ap_watchdog_register_callback) *register_callback =
        APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_register_callback);
    ap_watchdog_t *watchdog = NULL;
    apr_status_t rv = get_instance(&watchdog, name, 0, is_singleton, p);

    return rv == APR_SUCCESS ? register_callback(watchdog, interval, realm, callback) : rv;
}

/* Who can write to a directory above the trust directory can put another one in its place. */
static void warn_of_replacers(const mod_samlc_realm_t *realm, apr_pool_t *p)
{
    const samlc_source_t *source = &realm->source;
    const samlc_writer_t *replacer = NULL;
    char *real = realpath(source->dir, NULL);
    const char *dir = real;
    struct stat st;

    while (dir && strcmp(dir, "/") != 0) {
        dir = dirname(real);
        replacer = stat(dir, &st) != 0
            ? NULL : samlc_replacer_of(&st, source->server_uid, source->server_gid);
        if (replacer) {
            ap_log_error(APLOG_MARK, APLOG_WARNING, 0, realm->server, MOD_SAMLC_TAG_REPLACEABLE
                         "%s, which the trust directory %s lies in, %s: who is trusted can be "
                         "replaced there as a whole; run `%s %s`", samlc_text_show(dir, p),
                         source->dir, replacer->what, replacer->remedy, samlc_text_show(dir, p));
        }
    }
    free(real);
}

/* Started unprivileged (development, a container) the server's user owns everything anyway. */
static void warn_of_writers(const mod_samlc_realm_t *realm, apr_pool_t *p)
{
    if (geteuid() == 0) {
        warn_of_replacers(realm, p);
    }
    else if (access(realm->source.dir, W_OK) == 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, realm->server, MOD_SAMLC_TAG_UNPRIVILEGED
                     "%s can be written by the server's own user: whoever takes over the server "
                     "decides who is trusted", realm->source.dir);
    }
}

/* In the parent, as root where it is started so. */
static int start_realm(mod_samlc_realm_t *realm, mod_samlc_board_t *board, apr_pool_t *pconf,
                       apr_pool_t *ptemp)
{
    samlc_result_t *res = samlc_result_make(ptemp);
    apr_status_t rv = APR_SUCCESS;

    realm->board = board;
    warn_of_writers(realm, ptemp);
    if (mod_samlc_state_prepare(realm->state, res, ptemp) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, realm->server, MOD_SAMLC_TAG_STATE_DIR "%s: %s",
                     samlc_reason_word(res->reason), res->message);
        return 0;
    }
    rv = watch(WATCHDOG, 0, realm->interval, realm, look, pconf);
    if (rv == APR_SUCCESS) {
        rv = watch(KEEPER, 0, realm->interval, realm, keep, pconf);
    }
    if (rv == APR_SUCCESS) {
        rv = watch(SINGLETON, 1, EXPIRE_INTERVAL, realm, expire, pconf);
    }
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, realm->server, MOD_SAMLC_TAG_START
                     "internal: the watchdog can't be set up");
    }
    return rv == APR_SUCCESS;
}

int mod_samlc_process_start(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp, server_rec *s)
{
    const mod_samlc_process_t *process = mod_samlc_server_get(s)->process;
    mod_samlc_board_t *board = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    (void)plog;
    if (ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG
        || process->realms->nelts == 0) {
        return OK;
    }
    rv = mod_samlc_board_get(&board, s->process->pool);
    if (rv != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, s, MOD_SAMLC_TAG_START
                     "internal: no shared memory for the scoreboard");
        return !OK;
    }
    for (i = 0; i < process->realms->nelts; i++) {
        if (!start_realm(APR_ARRAY_IDX(process->realms, i, mod_samlc_realm_t *), board, pconf,
                         ptemp)) {
            return !OK;
        }
    }
    return mod_samlc_broker_start(process, s, pconf) ? OK : !OK;
}

/*
 * A child that is told to end while it starts destroys its pools in the signal handler, in the
 * middle of whatever it does: allocating memory, say. What takes long here is done with that signal
 * held back.
 */
void mod_samlc_process_start_child(apr_pool_t *pchild, server_rec *s)
{
    const mod_samlc_process_t *process = mod_samlc_server_get(s)->process;
    sigset_t end, before;
    int i = 0;

    sigemptyset(&end);
    sigaddset(&end, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &end, &before);
    open_gate();
    apr_pool_pre_cleanup_register(pchild, NULL, close_gate);
    mod_samlc_broker_start_child(process);
    for (i = 0; i < process->states->nelts; i++) {
        mod_samlc_state_open_child(APR_ARRAY_IDX(process->states, i, mod_samlc_state_t *), s,
                                   pchild);
    }
    for (i = 0; i < process->realms->nelts; i++) {
        mod_samlc_realm_start_child(APR_ARRAY_IDX(process->realms, i, mod_samlc_realm_t *), pchild);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}
