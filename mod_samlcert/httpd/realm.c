/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/realm.h"

#include <apr_strings.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <unixd.h>

#include "core/base/pool.h"
#include "core/reload/overlay.h"
#include "core/trust/moves.h"
#include "httpd/guard.h"
#include "httpd/log.h"

#define KEEP_GENERATIONS 20
#define KEEP_RETRY apr_time_from_sec(60)
#define SAY_EVERY apr_time_from_sec(60)
#define MAX_WITHDRAWN_LINES 20

/* What a realm has in a child. */
typedef struct mod_samlc_realm_child_t {
    apr_pool_t *pool;                     /* own allocator: loads happen in several threads */
    mod_samlc_seat_t *seat;
    _Atomic(samlc_loader_t *) loader;     /* NULL until it could be made */
    apr_time_t unkept_at;                 /* when a generation could not be kept */
} mod_samlc_realm_child_t;

/* ---- configuration --------------------------------------------------------------------------- */

mod_samlc_process_t *mod_samlc_process_make(apr_pool_t *p)
{
    mod_samlc_process_t *process = apr_pcalloc(p, sizeof(*process));

    process->realms = apr_array_make(p, 2, sizeof(mod_samlc_realm_t *));
    process->states = apr_array_make(p, 2, sizeof(mod_samlc_state_t *));
    return process;
}

static mod_samlc_state_t *find_state(mod_samlc_process_t *process, const char *dir, apr_pool_t *p)
{
    mod_samlc_state_t *state = NULL;
    int i = 0;

    for (i = 0; i < process->states->nelts; i++) {
        state = APR_ARRAY_IDX(process->states, i, mod_samlc_state_t *);
        if (strcmp(mod_samlc_state_dir(state), dir) == 0) {
            return state;
        }
    }
    state = mod_samlc_state_make(dir, p);
    APR_ARRAY_PUSH(process->states, mod_samlc_state_t *) = state;
    return state;
}

/* A number for trust directory, state directory and sections, which a restart does not change. */
static apr_uint64_t identify(const mod_samlc_server_t *conf, apr_pool_t *p)
{
    const char *all = apr_pstrcat(p, conf->trust_dir, "\n", conf->state_dir, NULL);
    int i = 0;

    for (i = 0; conf->sections && i < conf->sections->nelts; i++) {
        all = apr_pstrcat(p, all, "\n", APR_ARRAY_IDX(conf->sections, i, samlc_section_t).origin,
                          NULL);
    }
    return mod_samlc_log_hash(all);
}

static mod_samlc_realm_t *make(mod_samlc_process_t *process, const mod_samlc_server_t *conf,
                               mod_samlc_state_t *state, server_rec *s, apr_pool_t *p)
{
    mod_samlc_realm_t *realm = apr_pcalloc(p, sizeof(*realm));

    realm->source.dir = conf->trust_dir;
    realm->source.sections = conf->sections;
    realm->source.overlay = apr_pstrcat(p, mod_samlc_state_dir(state), "/" SAMLC_OVERLAY_NAME,
                                        NULL);
    /* Where httpd is started unprivileged its user owns everything anyway: that is a warning. */
    realm->source.check_owner = geteuid() == 0;
    realm->source.server_uid = geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
    realm->source.server_gid = geteuid() == 0 ? ap_unixd_config.group_id : getegid();
    realm->state = state;
    realm->archive = samlc_archive_make(
        apr_pstrcat(p, mod_samlc_state_dir(state), "/generations", NULL), KEEP_GENERATIONS, p);
    realm->server = s;
    realm->id = identify(conf, p);
    realm->interval = apr_time_from_msec(conf->reload_interval);
    realm->key_passphrase = conf->key_passphrase;
    realm->wants_broker = conf->key_broker != 0;
    realm->is_guarded = conf->guard != 0;
    APR_ARRAY_PUSH(process->realms, mod_samlc_realm_t *) = realm;
    return realm;
}

mod_samlc_realm_t *mod_samlc_realm_find(mod_samlc_process_t *process,
                                        const mod_samlc_server_t *conf, server_rec *s,
                                        apr_pool_t *p)
{
    mod_samlc_state_t *state = find_state(process, conf->state_dir, p);
    mod_samlc_realm_t *realm = NULL;
    int i = 0;

    mod_samlc_state_want_size(state, (apr_size_t)conf->store_size);
    for (i = 0; i < process->realms->nelts; i++) {
        realm = APR_ARRAY_IDX(process->realms, i, mod_samlc_realm_t *);
        /* A server that has no sections of its own shares the array of the one it inherits from. */
        if (realm->state == state && strcmp(realm->source.dir, conf->trust_dir) == 0
            && realm->source.sections == conf->sections
            && strcmp(realm->key_passphrase ? realm->key_passphrase : "",
                      conf->key_passphrase ? conf->key_passphrase : "") == 0
            && realm->wants_broker == (conf->key_broker != 0)) {
            realm->is_guarded = realm->is_guarded || conf->guard;
            return realm;
        }
    }
    return make(process, conf, state, s, p);
}

/* ---- what the loader tells ------------------------------------------------------------------- */

/* About to be put in use: it gets its number, and no other one is the last good one. */
static apr_status_t number(void *baton, samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    mod_samlc_realm_t *realm = baton;
    const mod_samlc_backend_t *backend = mod_samlc_realm_backend(realm);
    samlc_result_t *res = samlc_result_make(p);
    samlc_store_key_t digest;
    apr_status_t rv = APR_EGENERAL;

    mod_samlc_seat_announce(realm->child->seat, snapshot->digest_hex);
    if (samlc_archive_withdraw(realm->archive, snapshot->digest_hex, p)) {
        mod_samlc_seat_unkept(realm->child->seat);
    }
    if (!backend) {
        return rv;    /* said already */
    }
    memcpy(digest.bytes, snapshot->digest, sizeof(digest.bytes));
    rv = backend->store->vtable->number_generation(backend->store, &snapshot->number, &digest, res,
                                                   p);
    /* Each login may try again, while the files are new. */
    if (rv != APR_SUCCESS
        && mod_samlc_log_is_due(apr_pstrcat(p, "number ", res->message, NULL), apr_time_now(),
                                SAY_EVERY)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, rv, realm->server, MOD_SAMLC_TAG_STORE_FAILED
                     "%s: the generation gets no number: %s", samlc_reason_word(res->reason),
                     res->message);
    }
    return rv;
}

/* What has another slot now than its file says; each change once. */
static void report_moves(mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    int i = 0;

    for (i = 0; i < snapshot->moves->nelts; i++) {
        const samlc_moved_t *moved = &APR_ARRAY_IDX(snapshot->moves, i, samlc_moved_t);
        const char *sentence = apr_psprintf(p, "%s: certificate %s moves %s -> %s (%s)",
                                            moved->owner, samlc_cert_sha256_hex(moved->cert),
                                            moved->from, moved->to, moved->place->why);

        if (mod_samlc_seat_elect_moved(realm->child->seat, sentence)) {
            ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, realm->server, MOD_SAMLC_TAG_MOVED "%s",
                         sentence);
        }
    }
}

static void report_accepted(mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot,
                            apr_pool_t *p)
{
    apr_uint64_t before = 0;
    int i = 0;

    mod_samlc_seat_accepted(realm->child->seat, snapshot);
    ap_log_error(APLOG_MARK, APLOG_DEBUG, 0, realm->server, MOD_SAMLC_TAG_CHILD_LOADED
                 "this child has generation %" APR_UINT64_T_FMT " (%.12s)", snapshot->number,
                 snapshot->digest_hex);
    if (!mod_samlc_seat_elect_accepted(realm->child->seat, snapshot, &before)) {
        return;
    }
    ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, realm->server, MOD_SAMLC_TAG_GENERATION
                 "generation %" APR_UINT64_T_FMT " -> %" APR_UINT64_T_FMT " (%.12s): %s is in use",
                 before, snapshot->number, snapshot->digest_hex, realm->source.dir);
    report_moves(realm, snapshot, p);
    mod_samlc_guard_report(realm, snapshot);
    for (i = 0; i < snapshot->warnings->nelts; i++) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, realm->server, MOD_SAMLC_TAG_SET_WARNING
                     "generation %" APR_UINT64_T_FMT ": %s", snapshot->number,
                     APR_ARRAY_IDX(snapshot->warnings, i, const char *));
    }
}

static void report_refused(mod_samlc_realm_t *realm, const samlc_snapshot_t *serving,
                           const samlc_result_t *res, apr_pool_t *p)
{
    const char *sentence = apr_psprintf(p, "%s: %s", samlc_reason_word(res->reason), res->message);

    if (serving) {
        sentence = apr_psprintf(p, "%s (generation %" APR_UINT64_T_FMT " %s)", sentence,
                                serving->number,
                                serving->is_archived ? "serves from the state directory"
                                                     : "keeps serving");
    }
    else {
        sentence = apr_pstrcat(p, sentence, " (no login is possible until this is repaired)", NULL);
    }
    mod_samlc_seat_refused(realm->child->seat, res, apr_time_now());
    if (mod_samlc_seat_elect_refused(realm->child->seat, sentence)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, realm->server, MOD_SAMLC_TAG_REFUSED_SET "%s",
                     sentence);
    }
}

static void report_recovered(mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot)
{
    mod_samlc_seat_recovered(realm->child->seat);
    if (mod_samlc_seat_elect_recovered(realm->child->seat)) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, realm->server, MOD_SAMLC_TAG_RECOVERED
                     "%s is again what generation %" APR_UINT64_T_FMT " was made of",
                     realm->source.dir, snapshot ? snapshot->number : 0);
    }
}

/* Which child comes first is chance, and so is what it sees of an edit under way. */
static void report_withdrawn(mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot,
                             apr_pool_t *p)
{
    const apr_array_header_t *lost = snapshot->withdrawn;
    int i = 0;

    if (!mod_samlc_seat_elect_withdrawn(realm->child->seat, apr_array_pstrcat(p, lost, ';'))) {
        return;
    }
    for (i = 0; i < lost->nelts && i < MAX_WITHDRAWN_LINES; i++) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, realm->server, MOD_SAMLC_TAG_WITHDRAWN
                     "generation %" APR_UINT64_T_FMT " serves without what was taken away: %s",
                     snapshot->number, APR_ARRAY_IDX(lost, i, const char *));
    }
    if (lost->nelts == 0) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, realm->server, MOD_SAMLC_TAG_WITHDRAWN
                     "generation %" APR_UINT64_T_FMT " serves whole again: what was taken away is "
                     "back", snapshot->number);
    }
    else if (i < lost->nelts) {
        ap_log_error(APLOG_MARK, APLOG_NOTICE, 0, realm->server, MOD_SAMLC_TAG_WITHDRAWN
                     "... and %d more", lost->nelts - i);
    }
    mod_samlc_guard_report(realm, snapshot);
}

static void report(void *baton, samlc_loader_event_t event, const samlc_snapshot_t *snapshot,
                   const samlc_result_t *res, apr_pool_t *p)
{
    switch (event) {
    case SAMLC_LOADER_ACCEPTED:
        report_accepted(baton, snapshot, p);
        break;
    case SAMLC_LOADER_REFUSED:
        report_refused(baton, snapshot, res, p);
        break;
    case SAMLC_LOADER_RECOVERED:
        report_recovered(baton, snapshot);
        break;
    case SAMLC_LOADER_WITHDRAWN:
        report_withdrawn(baton, snapshot, p);
        break;
    }
}

samlc_snapshot_t *mod_samlc_realm_last_good(const mod_samlc_realm_t *realm, apr_time_t now,
                                            apr_pool_t *p)
{
    const char *digest_hex = samlc_archive_current(realm->archive, p);
    samlc_result_t *res = samlc_result_make(p);
    samlc_snapshot_t *snapshot = NULL;

    if (!digest_hex || !mod_samlc_seat_is_last(realm->child->seat, digest_hex)) {
        return NULL;
    }
    if (samlc_archive_load(&snapshot, realm->archive, &realm->source, digest_hex, now, res, p)
            != APR_SUCCESS
        && mod_samlc_log_is_due(res->message, now, SAY_EVERY)) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, realm->server, MOD_SAMLC_TAG_NO_LAST_GOOD
                     "%s: the last good generation can't be used: %s",
                     samlc_reason_word(res->reason), res->message);
    }
    return snapshot;
}

/*
 * What a child serves that finds no files it can load: the generation that was accepted last, or
 * none. One that was replaced is not trusted again.
 */
static samlc_snapshot_t *last_good(void *baton, apr_time_t now, apr_pool_t *p)
{
    const mod_samlc_realm_t *realm = baton;
    samlc_snapshot_t *snapshot = mod_samlc_realm_last_good(realm, now, p);

    if (snapshot) {
        mod_samlc_seat_restored(realm->child->seat, snapshot);
    }
    return snapshot;
}

static apr_status_t judge(void *baton, const samlc_snapshot_t *present, samlc_snapshot_t *candidate,
                          apr_time_t now, samlc_result_t *res, apr_pool_t *p)
{
    return mod_samlc_guard_judge(baton, present, candidate, now, res, p);
}

/* ---- in a child ------------------------------------------------------------------------------ */

/* Makes the loader and loads. A load that fails leaves a loader, which tries again on its own. */
static void start(mod_samlc_realm_t *realm, apr_time_t now, apr_pool_t *p)
{
    mod_samlc_realm_child_t *child = realm->child;
    const samlc_loader_hooks_t hooks = {realm, number, judge, report, last_good};
    samlc_result_t *res = samlc_result_make(p);
    samlc_loader_t *loader = NULL;

    if (samlc_loader_make(&loader, &realm->source, &hooks, res, child->pool) != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, res->status, realm->server, MOD_SAMLC_TAG_CHILD_FAILED
                     "%s: %s", samlc_reason_word(res->reason), res->message);
        return;
    }
    samlc_loader_load(loader, now, res, p);    /* the outcome goes to `report` */
    atomic_store_explicit(&child->loader, loader, memory_order_release);
}

void mod_samlc_realm_start_child(mod_samlc_realm_t *realm, apr_pool_t *pchild)
{
    mod_samlc_realm_child_t *child = apr_pcalloc(pchild, sizeof(*child));
    apr_pool_t *scratch = NULL;

    atomic_init(&child->loader, NULL);
    child->pool = samlc_pool_make(pchild);
    if (!child->pool) {
        ap_log_error(APLOG_MARK, APLOG_ERR, APR_ENOMEM, realm->server, MOD_SAMLC_TAG_CHILD_FAILED
                     "internal: no memory for the trust directory");
        return;
    }
    mod_samlc_board_sit_child(&child->seat, realm->board, realm->id, child->pool);
    realm->child = child;
    apr_pool_create(&scratch, pchild);
    start(realm, apr_time_now(), scratch);
    apr_pool_destroy(scratch);
}

/*
 * While a copy is made another generation may be accepted: it is announced, then `current` is
 * withdrawn. Here `current` is set, then the announcement looked at. So one of the two sees the
 * other, and nothing that was replaced stays `current`.
 */
static apr_status_t save(mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot,
                         int (*is_stopped)(void), samlc_result_t *res, apr_pool_t *p)
{
    mod_samlc_seat_t *seat = realm->child->seat;
    samlc_source_t source = realm->source;
    apr_status_t rv = APR_EGENERAL;
    int was_trouble = 0;

    source.is_stopped = is_stopped;
    rv = samlc_archive_save(realm->archive, &source, snapshot, res, p);
    if (rv == APR_SUCCESS) {
        rv = samlc_archive_set_current(realm->archive, snapshot->digest_hex, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    was_trouble = mod_samlc_seat_kept(seat, snapshot->digest_hex);
    if (!mod_samlc_seat_is_last(seat, snapshot->digest_hex)) {
        samlc_archive_withdraw(realm->archive, NULL, p);
        mod_samlc_seat_unkept(seat);
        return APR_EAGAIN;
    }
    ap_log_error(APLOG_MARK, was_trouble ? APLOG_NOTICE : APLOG_DEBUG, 0, realm->server,
                 MOD_SAMLC_TAG_KEPT "generation %" APR_UINT64_T_FMT " is kept in %s",
                 snapshot->number, samlc_archive_dir(realm->archive));
    return APR_SUCCESS;
}

static void report_unkept(mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot,
                          const samlc_result_t *res)
{
    if (mod_samlc_seat_elect_unkept(realm->child->seat, res->message)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, realm->server, MOD_SAMLC_TAG_UNKEPT
                     "%s: generation %" APR_UINT64_T_FMT " serves, but is not kept for a start "
                     "with a broken trust directory: %s", samlc_reason_word(res->reason),
                     snapshot->number, res->message);
    }
}

void mod_samlc_realm_keep(mod_samlc_realm_t *realm, int (*is_stopped)(void), apr_time_t now,
                          apr_pool_t *p)
{
    mod_samlc_realm_child_t *child = realm->child;
    samlc_loader_t *loader = mod_samlc_realm_loader(realm);
    samlc_ref_t *ref = loader ? samlc_slot_acquire(samlc_loader_slot(loader)) : NULL;
    const samlc_snapshot_t *snapshot = NULL;
    samlc_result_t *res = samlc_result_make(p);
    apr_status_t rv = APR_SUCCESS;

    if (!ref) {
        return;
    }
    snapshot = samlc_ref_snapshot(ref);
    if (snapshot->number != 0 && mod_samlc_seat_is_last(child->seat, snapshot->digest_hex)
        && !mod_samlc_seat_is_kept(child->seat, snapshot->digest_hex)
        && (now < child->unkept_at || now >= child->unkept_at + KEEP_RETRY)) {
        rv = save(realm, snapshot, is_stopped, res, p);
    }
    /* EAGAIN: another child is at it, or the files have changed; soon this one knows, too. */
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)) {
        child->unkept_at = now;
        report_unkept(realm, snapshot, res);
    }
    samlc_ref_release(ref);
}

void mod_samlc_realm_look(mod_samlc_realm_t *realm, apr_time_t now, apr_pool_t *p)
{
    samlc_loader_t *loader = mod_samlc_realm_loader(realm);
    int is_opened = mod_samlc_state_look(realm->state, realm->server, now);

    if (loader && is_opened) {
        samlc_loader_load(loader, now, samlc_result_make(p), p);    /* it has no number yet */
    }
    else if (loader) {
        samlc_loader_poll(loader, now, p);
    }
    else if (realm->child) {
        start(realm, now, p);
    }
}

samlc_loader_t *mod_samlc_realm_loader(const mod_samlc_realm_t *realm)
{
    return realm->child ? atomic_load_explicit(&realm->child->loader, memory_order_acquire) : NULL;
}

const mod_samlc_backend_t *mod_samlc_realm_backend(const mod_samlc_realm_t *realm)
{
    return mod_samlc_state_backend(realm->state);
}
