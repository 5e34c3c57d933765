/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/scoreboard.h"

#include <apr_shm.h>
#include <apr_strings.h>
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "httpd/log.h"

#define MAX_SEATS 1024
#define MAX_REALMS 64
#define MAX_MESSAGE 512
#define MAX_MOVES 1024

/* The memory may have been made by another version of this module, before a graceful restart. */
#define BOARD_KEY "mod_samlcert board 3"

/* What a child tells. Plain data: written and read under the seat's version. */
typedef struct telling_t {
    apr_uint64_t generation;
    char digest_hex[2 * SAMLC_SHA256_LEN + 1];
    int is_archived;
    apr_time_t loaded_at;
    apr_uint64_t refused_loads;
    apr_time_t error_at;              /* 0: the last load went well */
    samlc_reason_t error_reason;
    char error_message[MAX_MESSAGE];
} telling_t;

/* What all children know of a realm, and what was last said in the log about it. */
typedef struct topic_t {
    atomic_uint_least64_t realm;      /* 0: free */
    atomic_uint_least64_t generation; /* digest and number, hashed */
    atomic_uint_least64_t number;
    atomic_uint_least64_t refusal;    /* 0: none */
    atomic_uint_least64_t last;       /* digest that was accepted last, beginning; 0: none yet */
    atomic_uint_least64_t kept;       /* digest that the archive's `current` names; 0: not known */
    atomic_uint_least64_t trouble;    /* why it could not be kept; 0: none */
    atomic_uint_least64_t withdrawal; /* what is withdrawn from the generation; 0: nothing */
} topic_t;

struct mod_samlc_seat_t {
    atomic_long pid;                  /* 0: free */
    atomic_uint version;              /* odd while the owner writes */
    atomic_uint_least64_t realm;
    atomic_int topic;                 /* -1: none left */
    mod_samlc_board_t *board;         /* the same address in all children */
    telling_t telling;
};

struct mod_samlc_board_t {
    topic_t topics[MAX_REALMS];
    atomic_uint_least64_t counts[SAMLC_REASON_COUNT];
    atomic_uint_least64_t moves[MAX_MOVES];    /* that the log knows, hashed */
    mod_samlc_seat_t seats[MAX_SEATS];
};

apr_status_t mod_samlc_board_get(mod_samlc_board_t **board, apr_pool_t *process)
{
    apr_shm_t *shm = NULL;
    void *found = NULL;
    apr_status_t rv = APR_SUCCESS;

    *board = NULL;
    apr_pool_userdata_get(&found, BOARD_KEY, process);
    if (!found) {
        rv = apr_shm_create(&shm, sizeof(mod_samlc_board_t), NULL, process);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        found = apr_shm_baseaddr_get(shm);    /* anonymous memory comes zeroed */
        apr_pool_userdata_set(found, BOARD_KEY, apr_pool_cleanup_null, process);
    }
    *board = found;
    return APR_SUCCESS;
}

/* ---- seats ----------------------------------------------------------------------------------- */

static int is_alive(long pid)
{
    return pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

static void write_telling(mod_samlc_seat_t *seat, const telling_t *telling)
{
    atomic_fetch_add_explicit(&seat->version, 1, memory_order_acq_rel);
    atomic_thread_fence(memory_order_release);
    seat->telling = *telling;
    atomic_fetch_add_explicit(&seat->version, 1, memory_order_release);
}

/* FALSE if the owner was writing all the time, or died while it wrote. */
static int read_telling(telling_t *telling, const mod_samlc_seat_t *seat)
{
    unsigned int before = 0;
    int tries = 0;

    for (tries = 0; tries < 1000; tries++) {
        before = atomic_load_explicit(&seat->version, memory_order_acquire);
        *telling = seat->telling;
        atomic_thread_fence(memory_order_acquire);
        if (before % 2 == 0
            && before == atomic_load_explicit(&seat->version, memory_order_relaxed)) {
            return 1;
        }
    }
    return 0;
}

static int find_topic(mod_samlc_board_t *board, apr_uint64_t realm)
{
    uint_least64_t seen = 0;
    int i = 0;

    for (i = 0; i < MAX_REALMS; i++) {
        seen = 0;
        if (atomic_compare_exchange_strong(&board->topics[i].realm, &seen, realm)
            || seen == realm) {
            return i;
        }
    }
    return -1;
}

static apr_status_t leave(void *data)
{
    mod_samlc_seat_t *seat = data;

    atomic_store(&seat->pid, 0);
    return APR_SUCCESS;
}

/*
 * A seat is there for the taking if nobody sits there, or a child that is dead, whose pid may be
 * ours now.
 */
static int take(mod_samlc_seat_t *seat, apr_uint64_t realm, long self)
{
    long owner = atomic_load(&seat->pid);

    if (owner == self ? atomic_load(&seat->realm) != realm : is_alive(owner)) {
        return 0;
    }
    return atomic_compare_exchange_strong(&seat->pid, &owner, self);
}

void mod_samlc_board_sit_child(mod_samlc_seat_t **seat, mod_samlc_board_t *board,
                               apr_uint64_t realm, apr_pool_t *pchild)
{
    telling_t nothing;
    int i = 0;

    *seat = NULL;
    memset(&nothing, 0, sizeof(nothing));
    for (i = 0; i < MAX_SEATS && !*seat; i++) {
        if (take(&board->seats[i], realm, (long)getpid())) {
            *seat = &board->seats[i];
        }
    }
    if (*seat) {
        atomic_store(&(*seat)->version, 0);   /* its owner may have died while it wrote */
        write_telling(*seat, &nothing);
        (*seat)->board = board;
        atomic_store(&(*seat)->topic, find_topic(board, realm));
        atomic_store(&(*seat)->realm, realm);
        apr_pool_cleanup_register(pchild, *seat, leave, apr_pool_cleanup_null);
    }
}

void mod_samlc_seat_accepted(mod_samlc_seat_t *seat, const samlc_snapshot_t *snapshot)
{
    telling_t telling;

    if (seat) {
        telling = seat->telling;
        telling.generation = snapshot->number;
        apr_cpystrn(telling.digest_hex, snapshot->digest_hex, sizeof(telling.digest_hex));
        telling.is_archived = snapshot->is_archived;
        telling.loaded_at = snapshot->loaded_at;
        telling.error_at = 0;
        write_telling(seat, &telling);
    }
}

void mod_samlc_seat_refused(mod_samlc_seat_t *seat, const samlc_result_t *res, apr_time_t now)
{
    telling_t telling;

    if (seat) {
        telling = seat->telling;
        telling.refused_loads++;
        telling.error_at = now;
        telling.error_reason = res->reason;
        apr_cpystrn(telling.error_message, res->message, sizeof(telling.error_message));
        write_telling(seat, &telling);
    }
}

void mod_samlc_seat_recovered(mod_samlc_seat_t *seat)
{
    telling_t telling;

    if (seat) {
        telling = seat->telling;
        telling.is_archived = 0;
        telling.error_at = 0;
        write_telling(seat, &telling);
    }
}

/* ---- elections ------------------------------------------------------------------------------- */

static topic_t *topic_of(const mod_samlc_seat_t *seat)
{
    int i = seat ? atomic_load(&seat->topic) : -1;

    return i >= 0 ? &seat->board->topics[i] : NULL;
}

static apr_uint64_t generation_of(const samlc_snapshot_t *snapshot)
{
    return mod_samlc_log_hash(snapshot->digest_hex) ^ snapshot->number;
}

int mod_samlc_seat_elect_accepted(mod_samlc_seat_t *seat, const samlc_snapshot_t *snapshot,
                                  apr_uint64_t *before)
{
    topic_t *topic = topic_of(seat);
    apr_uint64_t generation = generation_of(snapshot);
    int is_news = 1;

    *before = 0;
    if (topic) {
        is_news = atomic_exchange(&topic->refusal, 0) != 0;
        atomic_store(&topic->withdrawal, 0);
        is_news = atomic_exchange(&topic->generation, generation) != generation || is_news;
        *before = atomic_exchange(&topic->number, snapshot->number);
    }
    return is_news;
}

int mod_samlc_seat_elect_refused(mod_samlc_seat_t *seat, const char *sentence)
{
    topic_t *topic = topic_of(seat);
    apr_uint64_t refusal = mod_samlc_log_hash(sentence);

    return !topic || atomic_exchange(&topic->refusal, refusal) != refusal;
}

int mod_samlc_seat_elect_recovered(mod_samlc_seat_t *seat)
{
    topic_t *topic = topic_of(seat);

    if (topic) {
        atomic_store(&topic->withdrawal, 0);
    }
    return !topic || atomic_exchange(&topic->refusal, 0) != 0;
}

int mod_samlc_seat_elect_unkept(mod_samlc_seat_t *seat, const char *sentence)
{
    topic_t *topic = topic_of(seat);
    apr_uint64_t trouble = mod_samlc_log_hash(sentence);

    return !topic || atomic_exchange(&topic->trouble, trouble) != trouble;
}

int mod_samlc_seat_elect_moved(mod_samlc_seat_t *seat, const char *sentence)
{
    apr_uint64_t move = mod_samlc_log_hash(sentence) ^ (seat ? atomic_load(&seat->realm) : 0);

    return !seat || atomic_exchange(&seat->board->moves[move % MAX_MOVES], move) != move;
}

int mod_samlc_seat_elect_withdrawn(mod_samlc_seat_t *seat, const char *sentence)
{
    topic_t *topic = topic_of(seat);
    apr_uint64_t withdrawal = mod_samlc_log_hash(sentence);

    return !topic || atomic_exchange(&topic->withdrawal, withdrawal) != withdrawal;
}

/* ---- the last good generation ---------------------------------------------------------------- */

/* The first 64 bits of a digest, so that an atomic holds it; 0 would be none. */
static apr_uint64_t beginning_of(const char *digest_hex)
{
    char head[17];

    apr_cpystrn(head, digest_hex, sizeof(head));
    return strtoull(head, NULL, 16);
}

void mod_samlc_seat_announce(mod_samlc_seat_t *seat, const char *digest_hex)
{
    topic_t *topic = topic_of(seat);

    if (topic) {
        atomic_store(&topic->last, beginning_of(digest_hex));
    }
}

int mod_samlc_seat_is_last(const mod_samlc_seat_t *seat, const char *digest_hex)
{
    const topic_t *topic = topic_of(seat);
    apr_uint64_t last = topic ? atomic_load(&topic->last) : 0;

    return topic && (last == 0 || last == beginning_of(digest_hex));
}

int mod_samlc_seat_kept(mod_samlc_seat_t *seat, const char *digest_hex)
{
    topic_t *topic = topic_of(seat);

    if (!topic) {
        return 0;
    }
    atomic_store(&topic->kept, beginning_of(digest_hex));
    return atomic_exchange(&topic->trouble, 0) != 0;
}

void mod_samlc_seat_unkept(mod_samlc_seat_t *seat)
{
    topic_t *topic = topic_of(seat);

    if (topic) {
        atomic_store(&topic->kept, 0);
    }
}

int mod_samlc_seat_is_kept(const mod_samlc_seat_t *seat, const char *digest_hex)
{
    const topic_t *topic = topic_of(seat);

    return topic && atomic_load(&topic->kept) == beginning_of(digest_hex);
}

void mod_samlc_seat_restored(mod_samlc_seat_t *seat, const samlc_snapshot_t *snapshot)
{
    topic_t *topic = topic_of(seat);
    uint_least64_t none = 0;

    mod_samlc_seat_accepted(seat, snapshot);
    /* After a full start it is what other children go on with, and what a later one comes after. */
    if (topic
        && atomic_compare_exchange_strong(&topic->last, &none,
                                          beginning_of(snapshot->digest_hex))) {
        atomic_store(&topic->generation, generation_of(snapshot));
        atomic_store(&topic->number, snapshot->number);
        atomic_store(&topic->kept, beginning_of(snapshot->digest_hex));
    }
}

/* ---- reports --------------------------------------------------------------------------------- */

static void add_child(apr_array_header_t *children, long pid, const telling_t *telling,
                      apr_pool_t *p)
{
    samlc_child_report_t *child = apr_array_push(children);

    child->pid = pid;
    child->generation = telling->generation;
    child->digest_hex = apr_pstrdup(p, telling->digest_hex);
    child->is_archived = telling->is_archived;
    child->loaded_at = telling->loaded_at;
    child->refused_loads = telling->refused_loads;
}

static const apr_uint64_t *copy_counts(const mod_samlc_board_t *board, apr_pool_t *p)
{
    apr_uint64_t *counts = apr_palloc(p, SAMLC_REASON_COUNT * sizeof(*counts));
    int i = 0;

    for (i = 0; i < SAMLC_REASON_COUNT; i++) {
        counts[i] = atomic_load_explicit(&board->counts[i], memory_order_relaxed);
    }
    return counts;
}

void mod_samlc_board_report(const mod_samlc_board_t *board, apr_uint64_t realm,
                            samlc_status_report_t *report, apr_pool_t *p)
{
    apr_array_header_t *children = apr_array_make(p, 8, sizeof(samlc_child_report_t));
    telling_t telling;
    long pid = 0;
    int i = 0;

    report->children = children;
    report->logins = copy_counts(board, p);
    for (i = 0; i < MAX_SEATS; i++) {
        pid = atomic_load(&board->seats[i].pid);
        if (!is_alive(pid) || atomic_load(&board->seats[i].realm) != realm
            || !read_telling(&telling, &board->seats[i])) {
            continue;
        }
        add_child(children, pid, &telling, p);
        if (telling.error_at > report->last_error_at) {
            report->last_error_at = telling.error_at;
            report->last_error_code = samlc_reason_word(telling.error_reason);
            report->last_error_message = apr_pstrdup(p, telling.error_message);
        }
    }
}

void mod_samlc_board_count(mod_samlc_board_t *board, samlc_reason_t reason)
{
    if ((unsigned int)reason < SAMLC_REASON_COUNT) {
        atomic_fetch_add_explicit(&board->counts[reason], 1, memory_order_relaxed);
    }
}
