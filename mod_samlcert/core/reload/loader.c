/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three ways lead to a load: samlc_loader_load (always), the watchdog's poll and the look at use.
 * All take the mutex, then the shared lock of the trust directory, look at all files, and load if
 * that is due.
 *
 * What a stat cannot tell: two edits within one tick of a file system's clock. So a load whose
 * files are younger than that tick is not final: they are read once more when the tick is over,
 * and until then each look at use reads them too.
 *
 * Where the kernel tells of changes, a poll that was told of none looks only at what events don't
 * tell of. It still looks at everything so often that this costs a hundredth of a processor: with a
 * thousand files that is at each poll. The look at use asks no events: it is the promise. The order
 * matters: `is_watched` is taken away before events are forgotten, and given back when a look at
 * all files, begun after that, found them as they were judged.
 */
#include "core/reload/loader.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/pool.h"
#include "core/reload/notify.h"
#include "core/reload/sight.h"
#include "core/reload/withdraw.h"

#define MIN_BACKOFF (1 * APR_USEC_PER_SEC)
#define MAX_BACKOFF (60 * APR_USEC_PER_SEC)
#define LOCK_PATIENCE (60 * APR_USEC_PER_SEC)   /* a writer that hangs must not stop a revocation */
#define START_WAIT (APR_USEC_PER_SEC / 100)     /* for a writer or a flip, at a start ... */
#define MAX_START_WAITS 100                     /* ... so many times */
#define EMPTY_WAIT (APR_USEC_PER_SEC / 20)      /* for who edits, if nothing can be served ... */
#define MAX_EMPTY_WAITS 20                      /* ... so many times */
#define MAX_START_ATTEMPTS 5                    /* at files that change meanwhile ... */
#define MAX_LOOK_ATTEMPTS 3                     /* ... and for a login, which can't wait for ever */
#define MAX_OUTSIDE_ROUNDS 3                    /* until the files outside are known */
#define MAX_MESSAGE 512
#define FULL_LOOK_SHARE 200                     /* microseconds a file; a look takes 2 of them */
#define MAX_FULL_LOOK (5 * APR_USEC_PER_SEC)
#define STRANGER_INTERVAL (APR_USEC_PER_SEC / 10)   /* of looks for unknown IdPs ... */
#define STRANGER_BURST (1 * APR_USEC_PER_SEC)       /* ... after ten at once */

/* Who asks. */
typedef enum { BY_START, BY_POLL, BY_LOOK } asker_t;

/* What became of an attempt. */
typedef enum { TORN, REFUSED, TAKEN } outcome_t;

struct samlc_loader_t {
    const samlc_source_t *source;
    samlc_loader_hooks_t hooks;
    samlc_slot_t *slot;
    const char *lock_path;
    apr_thread_mutex_t *mutex;
    atomic_ulong looks;                /* looks at use that went to the files */
    _Atomic apr_time_t recheck_at;     /* when to read the files once more; 0: not at all */
    _Atomic apr_time_t strangers_at;   /* when looks for unknown IdPs will have had their share */
    samlc_notify_t *notify;            /* NULL: no events */
    atomic_int is_watched;             /* all was as `judged`, and events tell if it changes */

    /* Only under the mutex, the pool too. */
    apr_pool_t *pool;
    samlc_sight_t judged;              /* the files as the last attempt saw them, good or bad */
    samlc_sight_t polled;              /* the files as the last poll saw them */
    int is_covered;                    /* events tell of changes of `judged` */
    int is_cover_known;             /* ... or it was found that they don't */
    apr_array_header_t *exceptions;    /* what of `judged` they don't tell of; in its pool */
    apr_time_t full_look_at;           /* when to look at everything although nothing was told */
    apr_pool_t *outside_pool;
    apr_array_header_t *outside;       /* files outside the trust directory, by the last attempt */
    apr_time_t writer_since;           /* a writer was seen holding the lock; 0: none */
    samlc_ref_t *base;                 /* the accepted one, if what is in use lacks part of it */
    int is_unnumbered;                 /* what is in use still needs a number */
    int is_refused;                    /* by the last attempt */
    int is_told;                       /* the owner knows. A look leaves that to the next poll,
                                          because an edit by hand may just be under way */
    char told[MAX_MESSAGE];            /* the refusal that the owner was told of; "": none */
    apr_time_t retry_at;
    apr_interval_time_t backoff;
};

/* ---- Looks ---- */

/* EAGAIN: the files are on their way to another version, and no look says what is gone. */
static apr_status_t look_at_files(samlc_sight_t *sight, samlc_loader_t *loader, samlc_result_t *res)
{
    return samlc_sight_take(sight, loader->source, loader->outside, res, loader->pool);
}

/* Takes over the list of the files outside. TRUE if it is another one than before. */
static int adopt_outside(samlc_loader_t *loader, const apr_array_header_t *list)
{
    int count = list ? list->nelts : 0;
    int i = 0;

    if (count == loader->outside->nelts) {
        while (i < count && strcmp(APR_ARRAY_IDX(list, i, const char *),
                                   APR_ARRAY_IDX(loader->outside, i, const char *)) == 0) {
            i++;
        }
        if (i == count) {
            return 0;
        }
    }
    apr_pool_clear(loader->outside_pool);
    loader->outside = apr_array_make(loader->outside_pool, count, sizeof(const char *));
    for (i = 0; i < count; i++) {
        APR_ARRAY_PUSH(loader->outside, const char *) =
            apr_pstrdup(loader->outside_pool, APR_ARRAY_IDX(list, i, const char *));
    }
    return 1;
}

/* TRUE if that time has come, or lies so far ahead that the clock must have been set back. */
static int is_time(apr_time_t at, apr_time_t now)
{
    return now >= at || at - now > MAX_BACKOFF;
}

/* TRUE if a time has passed since this one was loaded at which it is to be another one. */
static int is_move_due(const samlc_snapshot_t *snapshot, apr_time_t now)
{
    return snapshot->next_move_at != 0 && snapshot->loaded_at < snapshot->next_move_at
        && now >= snapshot->next_move_at;
}

/* ---- The lock of the trust directory ---- */

/*
 * Takes the lock shared; it is held while *fd is not -1. FALSE if a writer holds it: a change is
 * under way. *writer_left: one was seen holding it, and has released it since.
 */
static int take_lock(int *fd, int *writer_left, samlc_loader_t *loader, apr_time_t now)
{
    *writer_left = 0;
    *fd = open(loader->lock_path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (*fd >= 0 && flock(*fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
        close(*fd);
        *fd = -1;
        if (loader->writer_since == 0) {
            loader->writer_since = now;
        }
        return now - loader->writer_since > LOCK_PATIENCE;
    }
    *writer_left = loader->writer_since != 0;
    loader->writer_since = 0;
    return 1;
}

static void release_lock(int fd)
{
    if (fd >= 0) {
        close(fd);
    }
}

/* ---- Verdicts ---- */

static void tell(samlc_loader_t *loader, samlc_loader_event_t event, const samlc_result_t *res,
                 apr_pool_t *p)
{
    samlc_ref_t *ref = NULL;

    if (loader->hooks.report) {
        ref = samlc_slot_acquire(loader->slot);
        loader->hooks.report(loader->hooks.baton, event, ref ? samlc_ref_snapshot(ref) : NULL, res,
                             p);
        if (ref) {
            samlc_ref_release(ref);
        }
    }
}

/* Where nothing is in use, the last good generation is better. */
static void fall_back(samlc_loader_t *loader, apr_time_t now, apr_pool_t *p)
{
    samlc_ref_t *ref = samlc_slot_acquire(loader->slot);
    samlc_snapshot_t *snapshot = NULL;

    if (ref) {
        samlc_ref_release(ref);
        return;
    }
    if (loader->hooks.last_good) {
        snapshot = loader->hooks.last_good(loader->hooks.baton, now, p);
    }
    if (snapshot && !samlc_slot_swap(loader->slot, snapshot)) {
        samlc_snapshot_destroy(snapshot);
    }
}

static void drop_base(samlc_loader_t *loader)
{
    if (loader->base) {
        samlc_ref_release(loader->base);
        loader->base = NULL;
    }
}

static apr_status_t release(void *ref)
{
    samlc_ref_release(ref);
    return APR_SUCCESS;
}

/* May this one replace what was accepted last? */
static apr_status_t judge(const samlc_loader_t *loader, samlc_ref_t *accepted,
                          samlc_snapshot_t *candidate, apr_time_t now, samlc_result_t *res,
                          apr_pool_t *p)
{
    return loader->hooks.judge
               ? loader->hooks.judge(loader->hooks.baton,
                                     accepted ? samlc_ref_snapshot(accepted) : NULL, candidate, now,
                                     res, p)
               : APR_SUCCESS;
}

/*
 * The files can't be taken as they are, but what they no longer hold is not trusted. It is always
 * the accepted generation that is compared with them: what comes back to its file is trusted again.
 */
static void withdraw(samlc_loader_t *loader, apr_time_t now, apr_pool_t *p)
{
    samlc_ref_t *present = samlc_slot_acquire(loader->slot);
    samlc_ref_t *base = loader->base ? loader->base : present;
    samlc_snapshot_t *reduced = NULL;

    if (!present) {
        return;
    }
    reduced = samlc_snapshot_withdraw(samlc_ref_snapshot(base), loader->source);
    if (reduced
        && (samlc_snapshot_lacks_same(reduced, samlc_ref_snapshot(present))
            || judge(loader, base, reduced, now, samlc_result_make(p), p) != APR_SUCCESS)) {
        samlc_snapshot_destroy(reduced);
    }
    else if (reduced) {
        apr_pool_cleanup_register(reduced->pool, samlc_ref_again(base), release,
                                  apr_pool_cleanup_null);
        if (!samlc_slot_swap(loader->slot, reduced)) {
            samlc_snapshot_destroy(reduced);
        }
        else {
            if (!loader->base) {
                loader->base = samlc_ref_again(present);
            }
            tell(loader, SAMLC_LOADER_WITHDRAWN, samlc_result_make(p), p);
        }
    }
    samlc_ref_release(present);
}

/* Remembers a refusal, and tells the owner if it is news. `is_changed`: since the last attempt. */
static void refuse(samlc_loader_t *loader, asker_t asker, int is_changed, const samlc_result_t *res,
                   apr_time_t now, apr_pool_t *p)
{
    if (is_changed || !loader->is_refused) {
        loader->backoff = MIN_BACKOFF;
        loader->retry_at = now + loader->backoff;
    }
    else if (is_time(loader->retry_at, now)) {
        loader->backoff = 2 * loader->backoff < MAX_BACKOFF ? 2 * loader->backoff : MAX_BACKOFF;
        loader->retry_at = now + loader->backoff;
    }
    if (asker == BY_START) {
        fall_back(loader, now, p);
    }
    loader->is_refused = 1;
    loader->is_told = asker != BY_LOOK;
    if (loader->is_told && strncmp(loader->told, res->message, MAX_MESSAGE - 1) != 0) {
        apr_cpystrn(loader->told, res->message, MAX_MESSAGE);
        tell(loader, SAMLC_LOADER_REFUSED, res, p);
    }
}

static void recover(samlc_loader_t *loader, apr_time_t now, apr_pool_t *p)
{
    loader->is_refused = 0;
    loader->retry_at = now + MAX_BACKOFF;    /* for a number, if it has none */
    if (loader->told[0] != '\0') {
        loader->told[0] = '\0';
        tell(loader, SAMLC_LOADER_RECOVERED, samlc_result_make(p), p);
    }
}

/*
 * Makes a candidate the present generation. One with the same content is no new generation, but it
 * takes the place of the old one if the files look different now: a look at use compares with what
 * the present one saw.
 */
static apr_status_t install(samlc_loader_t *loader, samlc_snapshot_t *candidate, apr_time_t now,
                            samlc_result_t *res, apr_pool_t *p)
{
    samlc_ref_t *ref = samlc_slot_acquire(loader->slot);
    const samlc_snapshot_t *present = ref ? samlc_ref_snapshot(ref) : NULL;
    int is_same = present && memcmp(present->digest, candidate->digest, SAMLC_SHA256_LEN) == 0;
    int is_whole = present && !loader->base && !is_move_due(present, now);
    apr_status_t rv = APR_SUCCESS;

    if (is_same) {
        candidate->number = present->number;
    }
    else {
        rv = judge(loader, loader->base ? loader->base : ref, candidate, now, res, p);
        if (rv != APR_SUCCESS) {
            samlc_snapshot_destroy(candidate);
            goto out;
        }
    }
    if (candidate->number == 0 && loader->hooks.number
        && loader->hooks.number(loader->hooks.baton, candidate, p) != APR_SUCCESS) {
        candidate->number = 0;
    }
    loader->is_unnumbered = candidate->number == 0 && loader->hooks.number;
    is_same = is_same && candidate->number == present->number;
    if (is_same && is_whole && present->next_move_at == candidate->next_move_at
        && samlc_scan_equal(present->scan, candidate->scan)) {
        samlc_snapshot_destroy(candidate);
    }
    else if (!samlc_slot_swap(loader->slot, candidate)) {
        samlc_snapshot_destroy(candidate);
        rv = samlc_result_fail(res, APR_EAGAIN, SAMLC_REASON_INTERNAL,
                               "too many old generations are still in use by requests");
    }
    else {
        drop_base(loader);
        if (!is_same) {
            tell(loader, SAMLC_LOADER_ACCEPTED, samlc_result_make(p), p);
        }
    }
out:
    if (ref) {
        samlc_ref_release(ref);
    }
    return rv;
}

/* ---- An attempt ---- */

/*
 * Loads, and looks at the files again: `before` and *after differ if they changed meanwhile.
 * Settings name files outside, which are known only afterwards: with these the same once more.
 */
static apr_status_t load_between(samlc_snapshot_t **candidate, samlc_sight_t *before,
                                 samlc_sight_t *after, samlc_loader_t *loader, apr_time_t now,
                                 samlc_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *outside = NULL;
    samlc_result_t *after_res = samlc_result_make(p);
    apr_status_t rv = APR_EGENERAL;
    int rounds = 1;

    rv = samlc_snapshot_load(candidate, loader->source, loader->outside, &outside, now, res, p);
    while (adopt_outside(loader, outside) && rounds < MAX_OUTSIDE_ROUNDS) {
        if (*candidate) {
            samlc_snapshot_destroy(*candidate);
            *candidate = NULL;
        }
        outside = NULL;
        look_at_files(before, loader, after_res);
        rv = samlc_snapshot_load(candidate, loader->source, loader->outside, &outside, now, res, p);
        rounds++;
    }
    look_at_files(after, loader, after_res);
    return rv;
}

/* An attempt with the files as `before` has just seen them. */
static outcome_t attempt(samlc_loader_t *loader, asker_t asker, samlc_sight_t *before,
                         apr_time_t now, samlc_result_t *res, apr_pool_t *p)
{
    samlc_sight_t after = {NULL, NULL};
    samlc_snapshot_t *candidate = NULL;
    apr_status_t rv = load_between(&candidate, before, &after, loader, now, res, p);
    int is_changed = 0;

    atomic_store(&loader->is_watched, 0);
    if (!samlc_scan_equal(before->scan, after.scan)) {
        if (candidate) {
            samlc_snapshot_destroy(candidate);
        }
        samlc_sight_drop(&after);
        return TORN;
    }
    is_changed = !samlc_scan_equal(loader->judged.scan, after.scan);
    if (is_changed) {
        atomic_store(&loader->recheck_at, samlc_sight_unsettled_until(after.scan, now));
    }
    samlc_sight_move(&loader->judged, &after);
    loader->is_cover_known = 0;
    if (rv == APR_SUCCESS) {
        rv = install(loader, candidate, now, res, p);
    }
    /* Not before the candidate is in place: with no recheck to come, looks trust what is there. */
    if (!is_changed && is_time(atomic_load(&loader->recheck_at), now)) {
        atomic_store(&loader->recheck_at, 0);
    }
    if (rv != APR_SUCCESS) {
        refuse(loader, asker, is_changed, res, now, p);
        return REFUSED;
    }
    recover(loader, now, p);
    return TAKEN;
}

static int is_present_due(const samlc_loader_t *loader, apr_time_t now)
{
    samlc_ref_t *ref = samlc_slot_acquire(loader->slot);
    int is_due = ref && is_move_due(samlc_ref_snapshot(ref), now);

    if (ref) {
        samlc_ref_release(ref);
    }
    return is_due;
}

/* TRUE if files that look like this are to be loaded now. */
static int is_due(const samlc_loader_t *loader, asker_t asker, const samlc_scan_t *scan,
                  int writer_left, apr_time_t now)
{
    apr_time_t recheck_at = atomic_load(&loader->recheck_at);

    if (!samlc_scan_equal(scan, loader->judged.scan)) {
        return asker == BY_LOOK || writer_left || samlc_scan_equal(scan, loader->polled.scan);
    }
    if (recheck_at != 0 && (asker == BY_LOOK || is_time(recheck_at, now))) {
        return 1;
    }
    if (loader->is_refused && asker == BY_POLL && !loader->is_told) {
        return 1;
    }
    if (!loader->is_refused && is_present_due(loader, now)) {
        return 1;
    }
    return (loader->is_refused || loader->is_unnumbered) && is_time(loader->retry_at, now);
}

/* TRUE if nothing has changed and nothing is due: what is usual costs a quarter of a scan. */
static int is_idle(const samlc_loader_t *loader, asker_t asker, apr_time_t now)
{
    const samlc_scan_t *scan = loader->judged.scan;

    return scan && samlc_sight_are_unchanged(scan->seen) && !is_due(loader, asker, scan, 0, now);
}

/* ---- Events ---- */

/* From here on events tell of what happens after the look that follows. */
static void begin_watch(samlc_loader_t *loader, apr_pool_t *p)
{
    const samlc_sight_t *judged = &loader->judged;

    atomic_store(&loader->is_watched, 0);
    if (!loader->notify || !judged->scan) {
        return;
    }
    if (!loader->is_cover_known) {
        loader->is_cover_known = 1;
        loader->is_covered = samlc_notify_watch(loader->notify, judged->scan, p);
        loader->exceptions = samlc_notify_exceptions(judged->scan, judged->pool);
    }
    samlc_notify_drain(loader->notify);
}

/* All files were as they were judged. */
static void complete_watch(samlc_loader_t *loader, apr_time_t now)
{
    apr_interval_time_t pause = (apr_interval_time_t)loader->judged.scan->seen->nelts
                              * FULL_LOOK_SHARE;

    if (loader->notify && loader->is_covered && loader->is_cover_known) {
        loader->full_look_at = now + (pause < MAX_FULL_LOOK ? pause : MAX_FULL_LOOK);
        atomic_store(&loader->is_watched, 1);
    }
}

/* TRUE if events say that nothing has changed, and nothing else is to be looked at now. */
static int is_quiet(samlc_loader_t *loader, apr_time_t now)
{
    return atomic_load(&loader->is_watched) && samlc_notify_is_quiet(loader->notify)
        && now < loader->full_look_at && loader->full_look_at - now <= MAX_FULL_LOOK
        && samlc_sight_are_unchanged(loader->exceptions)
        && !is_due(loader, BY_POLL, loader->judged.scan, 0, now);
}

/*
 * For an IdP that is not known: TRUE if no file can have changed since they were judged, as far as
 * events tell. In this order: see above.
 */
static int is_nothing_new(const samlc_loader_t *loader)
{
    return loader->notify && samlc_notify_is_quiet(loader->notify)
        && atomic_load(&loader->is_watched);
}

/* Anybody can ask for an IdP that is not known, and each time may cost a look at all files. */
static int may_look_for_strangers(samlc_loader_t *loader, apr_time_t now)
{
    apr_time_t at = atomic_load(&loader->strangers_at);
    apr_time_t next = 0;

    do {
        next = (at > now && at <= now + 2 * STRANGER_BURST ? at : now) + STRANGER_INTERVAL;
        if (next > now + STRANGER_BURST) {
            return 0;
        }
    } while (!atomic_compare_exchange_weak(&loader->strangers_at, &at, next));
    return 1;
}

/* ---- The look ---- */

/* Files that change meanwhile are the watchdog's next time, but a login is waiting now. */
static outcome_t attempt_in_time(samlc_loader_t *loader, asker_t asker, samlc_sight_t *sight,
                                 apr_time_t now, samlc_result_t *res, apr_pool_t *p)
{
    outcome_t outcome = attempt(loader, asker, sight, now, res, p);
    int attempts = 1;

    while (outcome == TORN && asker == BY_LOOK && attempts < MAX_LOOK_ATTEMPTS
           && look_at_files(sight, loader, res) == APR_SUCCESS) {
        outcome = attempt(loader, asker, sight, now, res, p);
        attempts++;
    }
    return outcome;
}

/* TAKEN where nothing is due. */
static outcome_t look_and_attempt(samlc_loader_t *loader, asker_t asker, samlc_sight_t *sight,
                                  int writer_left, apr_time_t now, samlc_result_t *res,
                                  apr_pool_t *p)
{
    apr_status_t rv = look_at_files(sight, loader, res);

    if (rv == APR_SUCCESS) {
        return is_due(loader, asker, sight->scan, writer_left, now)
                   ? attempt_in_time(loader, asker, sight, now, res, p)
                   : TAKEN;
    }
    if (APR_STATUS_IS_EAGAIN(rv)) {
        return TORN;
    }
    samlc_sight_drop(&loader->judged);    /* whatever is seen next is a change */
    refuse(loader, asker, 1, res, now, p);
    return REFUSED;
}

/* Looks at all files and loads them if that is due. */
static void examine(samlc_loader_t *loader, asker_t asker, apr_time_t now, apr_pool_t *parent)
{
    samlc_sight_t sight = {NULL, NULL};
    apr_pool_t *p = NULL;
    samlc_result_t *res = NULL;
    outcome_t outcome = TAKEN;
    int writer_left = 0;
    int lock = -1;

    if ((asker == BY_POLL && is_quiet(loader, now))
        || !take_lock(&lock, &writer_left, loader, now)) {
        return;
    }
    apr_pool_create(&p, parent);
    begin_watch(loader, p);
    res = samlc_result_make(p);
    if (is_idle(loader, asker, now)) {
        samlc_sight_drop(&loader->polled);
        complete_watch(loader, now);
    }
    else {
        outcome = look_and_attempt(loader, asker, &sight, writer_left, now, res, p);
    }
    if (outcome != TAKEN) {
        withdraw(loader, now, p);
    }
    if (asker == BY_POLL) {
        samlc_sight_move(&loader->polled, &sight);
    }
    samlc_sight_drop(&sight);
    release_lock(lock);
    apr_pool_destroy(p);
}

/* ---- The public face ---- */

static apr_status_t forget_base(void *loader)
{
    drop_base(loader);
    return APR_SUCCESS;
}

apr_status_t samlc_loader_make(samlc_loader_t **loader, const samlc_source_t *source,
                               const samlc_loader_hooks_t *hooks, samlc_result_t *res,
                               apr_pool_t *p)
{
    samlc_loader_t *made = apr_pcalloc(p, sizeof(*made));

    *loader = NULL;
    made->pool = samlc_pool_make(p);    /* `p` is of another thread than those that poll and look */
    if (!made->pool || apr_thread_mutex_create(&made->mutex, APR_THREAD_MUTEX_DEFAULT, made->pool)
                           != APR_SUCCESS) {
        return samlc_result_fail(res, APR_ENOMEM, SAMLC_REASON_INTERNAL,
                                 "no memory for the loader");
    }
    made->source = source;
    if (hooks) {
        made->hooks = *hooks;
    }
    made->slot = samlc_slot_make(made->pool);
    apr_pool_cleanup_register(made->pool, made, forget_base, apr_pool_cleanup_null);
    made->lock_path = apr_pstrcat(made->pool, source->dir, "/.lock", NULL);
    atomic_init(&made->looks, 0);
    atomic_init(&made->recheck_at, 0);
    atomic_init(&made->strangers_at, 0);
    atomic_init(&made->is_watched, 0);
    made->notify = samlc_notify_make(made->pool);
    apr_pool_create(&made->outside_pool, made->pool);
    made->outside = apr_array_make(made->outside_pool, 0, sizeof(const char *));
    *loader = made;
    return APR_SUCCESS;
}

samlc_slot_t *samlc_loader_slot(samlc_loader_t *loader)
{
    return loader->slot;
}

/* A start waits until a mounted directory is whole. */
static apr_status_t look_when_flipped(samlc_sight_t *sight, samlc_loader_t *loader,
                                      samlc_result_t *res)
{
    apr_status_t rv = look_at_files(sight, loader, res);
    int waits = 0;

    for (waits = 0; APR_STATUS_IS_EAGAIN(rv) && waits < MAX_START_WAITS; waits++) {
        apr_sleep(START_WAIT);
        rv = look_at_files(sight, loader, res);
    }
    return rv;
}

/* The attempts of a start: files that change meanwhile are given a few chances. */
static outcome_t attempt_at_start(samlc_loader_t *loader, apr_time_t now, samlc_result_t *res,
                                  apr_pool_t *p)
{
    samlc_sight_t sight = {NULL, NULL};
    outcome_t outcome = TORN;
    int attempts = 0;

    for (attempts = 0; outcome == TORN && attempts < MAX_START_ATTEMPTS; attempts++) {
        if (look_when_flipped(&sight, loader, res) == APR_SUCCESS) {
            outcome = attempt(loader, BY_START, &sight, now, res, p);
        }
        else {
            samlc_sight_drop(&loader->judged);
            refuse(loader, BY_START, 1, res, now, p);
            outcome = REFUSED;
        }
    }
    if (outcome == TORN) {
        samlc_result_fail(res, APR_EAGAIN, SAMLC_REASON_CONFIG_INVALID,
                          "%s: the files change while they are read", loader->source->dir);
        refuse(loader, BY_START, 1, res, now, p);
    }
    if (outcome != TAKEN) {
        withdraw(loader, now, p);
    }
    samlc_sight_drop(&sight);
    return outcome;
}

static int is_empty(const samlc_loader_t *loader)
{
    samlc_ref_t *ref = samlc_slot_acquire(loader->slot);

    if (ref) {
        samlc_ref_release(ref);
    }
    return ref == NULL;
}

/* Loads under the lock, for which it waits. */
static outcome_t load_locked(samlc_loader_t *loader, apr_time_t now, samlc_result_t *res,
                             apr_pool_t *p)
{
    outcome_t outcome = TORN;
    int writer_left = 0;
    int waits = 0;
    int lock = -1;

    while (!take_lock(&lock, &writer_left, loader, now) && waits < MAX_START_WAITS) {
        apr_sleep(START_WAIT);
        waits++;
    }
    outcome = attempt_at_start(loader, now, res, p);
    release_lock(lock);
    return outcome;
}

apr_status_t samlc_loader_load(samlc_loader_t *loader, apr_time_t now, samlc_result_t *res,
                               apr_pool_t *p)
{
    apr_pool_t *scratch = NULL;
    samlc_result_t *own = NULL;
    outcome_t outcome = TORN;
    int waits = 0;

    apr_pool_create(&scratch, p);
    apr_thread_mutex_lock(loader->mutex);
    own = samlc_result_make(scratch);
    outcome = load_locked(loader, now, own, scratch);
    while (outcome != TAKEN && is_empty(loader) && waits < MAX_EMPTY_WAITS) {
        apr_sleep(EMPTY_WAIT);
        waits++;
        apr_pool_clear(scratch);
        own = samlc_result_make(scratch);
        outcome = load_locked(loader, now, own, scratch);
    }
    apr_thread_mutex_unlock(loader->mutex);
    if (outcome != TAKEN) {
        samlc_result_fail(res, own->status, own->reason, "%s", own->message);
    }
    apr_pool_destroy(scratch);
    return outcome == TAKEN ? APR_SUCCESS : res->status;
}

void samlc_loader_poll(samlc_loader_t *loader, apr_time_t now, apr_pool_t *p)
{
    /* Whoever holds the mutex is looking already. */
    if (apr_thread_mutex_trylock(loader->mutex) == APR_SUCCESS) {
        examine(loader, BY_POLL, now, p);
        apr_thread_mutex_unlock(loader->mutex);
    }
}

/* TRUE if what the login is about to trust is as it was when it was loaded. */
static int is_fresh(samlc_loader_t *loader, const samlc_snapshot_t *snapshot,
                    const samlc_idp_t *idp, apr_time_t now)
{
    if (!snapshot || atomic_load(&loader->recheck_at) != 0 || is_move_due(snapshot, now)) {
        return !idp && !may_look_for_strangers(loader, now);
    }
    if (idp) {
        return samlc_sight_are_unchanged(idp->watch);
    }
    /* It may have come with any file. */
    return is_nothing_new(loader) || !may_look_for_strangers(loader, now)
        || samlc_sight_are_unchanged(snapshot->scan->seen);
}

int samlc_loader_look(samlc_loader_t *loader, const samlc_snapshot_t *snapshot,
                      const samlc_idp_t *idp, apr_time_t now, apr_pool_t *p)
{
    samlc_ref_t *ref = NULL;
    unsigned long looks = 0;
    int is_other = 0;

    if (is_fresh(loader, snapshot, idp, now)) {
        return 0;
    }
    /* A look that begins after this line sees what this one saw: those that wait for it need not
     * look themselves. A hundred logins that meet a change cost one or two loads, not a hundred. */
    looks = atomic_load(&loader->looks);
    apr_thread_mutex_lock(loader->mutex);
    if (atomic_load(&loader->looks) == looks) {
        atomic_fetch_add(&loader->looks, 1);
        examine(loader, BY_LOOK, now, p);
    }
    ref = samlc_slot_acquire(loader->slot);
    is_other = (ref ? samlc_ref_snapshot(ref) : NULL) != snapshot;
    if (ref) {
        samlc_ref_release(ref);
    }
    apr_thread_mutex_unlock(loader->mutex);
    return is_other;
}
