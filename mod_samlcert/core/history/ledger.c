/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/ledger.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/store/store.h"

#define FILE_NAME "/ledger"
#define ASIDE_SUFFIX ".damaged"
#define FORMAT UINT64_C(0x73616d6c6c646701)    /* "samlldg" and the version of the layout */
#define MAX_PROBES 256
#define MAX_OPENINGS 8    /* each but the first because somebody set the file aside meanwhile */
#define WORDS (SAMLC_SHA256_LEN / sizeof(apr_uint64_t))
#define LAST_TIME (APR_INT64_C(253402300799) * APR_USEC_PER_SEC)    /* the year 9999 ends */

_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "atomics with a lock do not work between processes");

typedef _Atomic(apr_uint64_t) word_t;

/*
 * A record is claimed by one exchange of its tag from 0. Who finds its own tag and no kind yet
 * writes the name itself: the same words that the one who claimed it writes, or would have written
 * had it not been killed. So nobody waits for anybody, and no record is lost.
 */
typedef struct record_t {
    word_t tag;              /* of the name; 0: free */
    word_t kind;             /* CERT or KEY; 0: the name is not complete */
    word_t idp[WORDS];       /* samlc_store_key of the entity ID */
    word_t digest[WORDS];    /* SHA-256 of the certificate or of the SPKI */
    word_t first;
    word_t last;
    word_t count;
    word_t reserved[3];
} record_t;

typedef struct table_t {
    word_t format;           /* written last: the file is complete */
    word_t capacity;
    word_t uncounted;
    word_t is_unsynced;
    word_t reserved[12];
    record_t records[SAMLC_LEDGER_CAPACITY];
} table_t;

/* The layout is that of a file: 128 bytes each. */
_Static_assert(sizeof(record_t) == 128, "no padding in a record");
_Static_assert(offsetof(table_t, records) == 128, "no padding in the head");

struct samlc_ledger_t {
    const char *path;
    table_t *table;
};

enum { CERT = 1, KEY = 2 };

/* What a record is found by. */
typedef struct name_t {
    apr_uint64_t tag;
    apr_uint64_t kind;
    apr_uint64_t idp[WORDS];
    apr_uint64_t digest[WORDS];
} name_t;

/* ---- counting -------------------------------------------------------------------------------- */

/* FALSE if OpenSSL refuses. */
static int make_name(name_t *name, const char *entity_id, apr_uint64_t kind,
                     const unsigned char *sha256)
{
    samlc_store_key_t key;

    if (!samlc_store_key(&key, entity_id, NULL)) {
        return 0;
    }
    memcpy(name->idp, key.bytes, sizeof(name->idp));
    memcpy(name->digest, sha256, sizeof(name->digest));
    name->kind = kind;
    name->tag = name->idp[0] ^ name->digest[0] ^ kind;
    if (name->tag == 0) {
        name->tag = 1;
    }
    return 1;
}

static int name_signer(name_t *name, const char *entity_id, const samlc_cert_t *cert,
                       const samlc_key_t *key)
{
    return make_name(name, entity_id, cert ? CERT : KEY,
                     cert ? samlc_cert_sha256(cert) : samlc_key_spki_sha256(key));
}

static void store_words(word_t *to, const apr_uint64_t *from)
{
    apr_size_t i = 0;

    for (i = 0; i < WORDS; i++) {
        atomic_store_explicit(&to[i], from[i], memory_order_relaxed);
    }
}

static void load_words(apr_uint64_t *to, const word_t *from)
{
    apr_size_t i = 0;

    for (i = 0; i < WORDS; i++) {
        to[i] = atomic_load_explicit(&from[i], memory_order_relaxed);
    }
}

/* TRUE if the record has this name, which is complete. */
static int is_named(const record_t *record, const name_t *name)
{
    apr_uint64_t idp[WORDS], digest[WORDS];

    if (atomic_load_explicit(&record->kind, memory_order_acquire) != name->kind) {
        return 0;
    }
    load_words(idp, record->idp);
    load_words(digest, record->digest);
    return memcmp(idp, name->idp, sizeof(idp)) == 0
           && memcmp(digest, name->digest, sizeof(digest)) == 0;
}

/* TRUE if the record, which has the tag of this name, is its own. */
static int take(record_t *record, const name_t *name)
{
    if (atomic_load_explicit(&record->kind, memory_order_acquire) == 0) {
        store_words(record->idp, name->idp);
        store_words(record->digest, name->digest);
        atomic_store_explicit(&record->kind, name->kind, memory_order_release);
        return 1;
    }
    return is_named(record, name);
}

/* The record of this name, a new one if need be; NULL if there is no room. */
static record_t *claim(table_t *table, const name_t *name)
{
    record_t *record = NULL;
    apr_uint64_t tag = 0;
    int i = 0;

    for (i = 0; i < MAX_PROBES; i++) {
        record = &table->records[(name->tag + (apr_uint64_t)i) % SAMLC_LEDGER_CAPACITY];
        tag = atomic_load(&record->tag);
        if (tag == 0 && atomic_compare_exchange_strong(&record->tag, &tag, name->tag)) {
            tag = name->tag;
        }
        if (tag == name->tag && take(record, name)) {
            return record;
        }
    }
    return NULL;
}

static const record_t *look_up(const table_t *table, const name_t *name)
{
    const record_t *record = NULL;
    apr_uint64_t tag = 0;
    int i = 0;

    for (i = 0; i < MAX_PROBES; i++) {
        record = &table->records[(name->tag + (apr_uint64_t)i) % SAMLC_LEDGER_CAPACITY];
        tag = atomic_load_explicit(&record->tag, memory_order_relaxed);
        if (tag == 0) {
            return NULL;
        }
        if (tag == name->tag && is_named(record, name)) {
            return record;
        }
    }
    return NULL;
}

/* The earliest of all. */
static void note_first(word_t *first, apr_uint64_t now)
{
    apr_uint64_t old = atomic_load_explicit(first, memory_order_relaxed);

    while ((old == 0 || now < old) && !atomic_compare_exchange_weak(first, &old, now)) {
    }
}

/* The latest of all; but what is far in the future a wrong clock wrote, and it does not stay. */
static void note_last(word_t *last, apr_uint64_t now)
{
    apr_uint64_t old = atomic_load_explicit(last, memory_order_relaxed);

    while ((now > old || old - now > (apr_uint64_t)apr_time_from_sec(86400))
           && !atomic_compare_exchange_weak(last, &old, now)) {
    }
}

int samlc_ledger_count(samlc_ledger_t *ledger, const char *entity_id, const samlc_cert_t *cert,
                       const samlc_key_t *key, apr_time_t now)
{
    table_t *table = ledger->table;
    record_t *record = NULL;
    name_t name;

    if (name_signer(&name, entity_id, cert, key)) {
        record = claim(table, &name);
    }
    if (!record) {
        atomic_fetch_add(&table->uncounted, 1);
        return 0;
    }
    note_first(&record->first, (apr_uint64_t)now);
    note_last(&record->last, (apr_uint64_t)now);
    atomic_fetch_add_explicit(&record->count, 1, memory_order_release);
    if (!atomic_load(&table->is_unsynced)) {    /* mostly it is set: then the line is only read */
        atomic_store(&table->is_unsynced, 1);
    }
    return 1;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* FALSE for what nobody counted, or what no counting leaves behind. */
static int read_use(samlc_use_t *use, const record_t *record)
{
    apr_uint64_t count = atomic_load_explicit(&record->count, memory_order_acquire);
    apr_uint64_t first = atomic_load_explicit(&record->first, memory_order_relaxed);
    apr_uint64_t last = atomic_load_explicit(&record->last, memory_order_relaxed);

    if (count == 0 || count > APR_INT64_MAX || first == 0 || first > LAST_TIME || last == 0
        || last > LAST_TIME) {
        return 0;
    }
    use->count = count;
    use->first = (apr_time_t)first;
    use->last = (apr_time_t)last;
    return 1;
}

/* FALSE if nothing can be said. */
static int find(samlc_use_t *use, const samlc_ledger_t *ledger, const name_t *name)
{
    const record_t *record = look_up(ledger->table, name);

    if (record) {
        read_use(use, record);
    }
    return 1;
}

int samlc_ledger_find(samlc_use_t *use, const samlc_ledger_t *ledger, const char *entity_id,
                      const samlc_cert_t *cert, const samlc_key_t *key)
{
    name_t name;

    memset(use, 0, sizeof(*use));
    return ledger && name_signer(&name, entity_id, cert, key) && find(use, ledger, &name);
}

static int is_known_pin(const samlc_pin_t *pin)
{
    return !pin->is_spki && pin->len == SAMLC_SHA256_LEN;
}

int samlc_ledger_find_pin(samlc_use_t *use, const samlc_ledger_t *ledger, const char *entity_id,
                          const samlc_pin_t *pin)
{
    name_t name;

    memset(use, 0, sizeof(*use));
    return ledger && is_known_pin(pin) && make_name(&name, entity_id, CERT, pin->digest)
           && find(use, ledger, &name);
}

/* TRUE if an entry or a pin of its IdP has this certificate or key. */
static int is_configured(const samlc_other_use_t *other)
{
    const samlc_trust_t *trust = other->idp->trust;
    const samlc_trust_entry_t *entry = NULL;
    const samlc_pin_t *pin = NULL;
    const unsigned char *sha256 = NULL;
    int i = 0;

    for (i = 0; trust->entries && i < trust->entries->nelts; i++) {
        entry = &APR_ARRAY_IDX(trust->entries, i, samlc_trust_entry_t);
        sha256 = entry->cert ? samlc_cert_sha256(entry->cert) : samlc_key_spki_sha256(entry->key);
        if (other->is_key == !entry->cert
            && memcmp(sha256, other->sha256, SAMLC_SHA256_LEN) == 0) {
            return 1;
        }
    }
    for (i = 0; trust->list && !other->is_key && i < trust->list->pins->nelts; i++) {
        pin = &APR_ARRAY_IDX(trust->list->pins, i, samlc_pin_t);
        if (is_known_pin(pin) && memcmp(pin->digest, other->sha256, SAMLC_SHA256_LEN) == 0) {
            return 1;
        }
    }
    return 0;
}

/* samlc_store_key of the entity ID -> samlc_idp_t * */
static apr_hash_t *idps_by_key(const samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    apr_hash_t *idps = apr_hash_make(p);
    samlc_store_key_t key;
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        const samlc_idp_t *idp = APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *);

        if (samlc_store_key(&key, idp->entity_id, NULL)) {
            apr_hash_set(idps, apr_pmemdup(p, key.bytes, sizeof(key.bytes)), sizeof(key.bytes),
                         idp);
        }
    }
    return idps;
}

static int compare_last(const void *a, const void *b)
{
    apr_time_t x = ((const samlc_other_use_t *)a)->use.last;
    apr_time_t y = ((const samlc_other_use_t *)b)->use.last;

    return x < y ? 1 : x > y ? -1 : 0;
}

apr_array_header_t *samlc_ledger_others(const samlc_ledger_t *ledger,
                                        const samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    apr_array_header_t *others = apr_array_make(p, 4, sizeof(samlc_other_use_t));
    apr_hash_t *idps = idps_by_key(snapshot, p);
    apr_uint64_t words[WORDS];
    samlc_other_use_t other;
    int i = 0;

    for (i = 0; i < SAMLC_LEDGER_CAPACITY; i++) {
        const record_t *record = &ledger->table->records[i];
        apr_uint64_t kind = atomic_load_explicit(&record->kind, memory_order_acquire);

        memset(&other, 0, sizeof(other));
        if ((kind != CERT && kind != KEY) || !read_use(&other.use, record)) {
            continue;
        }
        other.is_key = kind == KEY;
        load_words(words, record->digest);
        memcpy(other.sha256, words, sizeof(other.sha256));
        load_words(words, record->idp);
        other.idp = apr_hash_get(idps, words, sizeof(words));
        if (!other.idp || !is_configured(&other)) {
            APR_ARRAY_PUSH(others, samlc_other_use_t) = other;
        }
    }
    qsort(others->elts, (size_t)others->nelts, sizeof(samlc_other_use_t), compare_last);
    return others;
}

apr_uint64_t samlc_ledger_uncounted(const samlc_ledger_t *ledger)
{
    return atomic_load(&ledger->table->uncounted);
}

/* ---- the file -------------------------------------------------------------------------------- */

static apr_status_t fail_errno(samlc_result_t *res, int error, const char *path, const char *what)
{
    apr_status_t rv = APR_FROM_OS_ERROR(error);
    char reason[128];

    return samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s: cannot %s: %s", path, what,
                             apr_strerror(rv, reason, sizeof(reason)));
}

/* Opens a regular file, whatever it holds. */
static apr_status_t open_file(int *fd, const char *path, int flags, samlc_result_t *res)
{
    apr_status_t rv = APR_EGENERAL;
    struct stat st;

    *fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    if (*fd < 0) {
        return fail_errno(res, errno, path, "open");
    }
    if (fstat(*fd, &st) != 0) {
        rv = fail_errno(res, errno, path, "look at it");
    }
    else if (!S_ISREG(st.st_mode)) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_FILE_UNREADABLE,
                               "%s: not a regular file", path);
    }
    else {
        return APR_SUCCESS;
    }
    close(*fd);
    *fd = -1;
    return rv;
}

typedef enum { FOREIGN, UNFINISHED, READY } content_t;

/* What a file lacks at its end counts as zeros. */
static content_t look_at(int fd)
{
    apr_uint64_t head[2] = {0, 0};
    struct stat st;

    if (pread(fd, head, sizeof(head), 0) < 0 || fstat(fd, &st) != 0) {
        return FOREIGN;
    }
    if (head[0] == 0 && head[1] == 0) {
        return UNFINISHED;
    }
    return head[0] == FORMAT && head[1] == SAMLC_LEDGER_CAPACITY && st.st_size == sizeof(table_t)
               ? READY
               : FOREIGN;
}

/*
 * Gives each block of the file its place on the disk: one that it has not would be SIGBUS to who
 * counts while the disk is full. 0, or why it can't be.
 */
static int allocate(int fd)
{
    struct stat st;
    int rc = 0;

    if (fstat(fd, &st) != 0) {
        return errno;
    }
    if (st.st_size == sizeof(table_t) && (apr_uint64_t)st.st_blocks * 512 >= sizeof(table_t)) {
        return 0;
    }
    do {
        rc = posix_fallocate(fd, 0, sizeof(table_t));
    } while (rc == EINTR);
    return rc;
}

static apr_status_t map_file(samlc_ledger_t *ledger, int fd, samlc_result_t *res)
{
    int rc = allocate(fd);
    void *map = MAP_FAILED;

    if (rc != 0) {
        return fail_errno(res, rc, ledger->path, "give it its place on the disk");
    }
    map = mmap(NULL, sizeof(table_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        return fail_errno(res, errno, ledger->path, "map");
    }
    ledger->table = map;
    return APR_SUCCESS;
}

/* Maps what is empty or was not finished, and finishes it. */
static apr_status_t begin(samlc_ledger_t *ledger, int fd, samlc_result_t *res)
{
    apr_status_t rv = APR_SUCCESS;

    if (ftruncate(fd, 0) != 0) {
        return fail_errno(res, errno, ledger->path, "begin");
    }
    rv = map_file(ledger, fd, res);
    if (rv == APR_SUCCESS) {
        atomic_store(&ledger->table->capacity, SAMLC_LEDGER_CAPACITY);
        atomic_store(&ledger->table->is_unsynced, 1);
        atomic_store(&ledger->table->format, FORMAT);
    }
    return rv;
}

/* TRUE if this is still the file that has the name. */
static int is_still_there(int fd, const char *path)
{
    struct stat opened, named;

    return fstat(fd, &opened) == 0 && lstat(path, &named) == 0 && opened.st_dev == named.st_dev
           && opened.st_ino == named.st_ino;
}

/*
 * Finishes a file or sets it aside. *is_gone: there may be another file under the name now. *aside:
 * the name that it got.
 */
static apr_status_t repair_locked(int *is_gone, const char **aside, samlc_ledger_t *ledger, int fd,
                                  samlc_result_t *res, apr_pool_t *p)
{
    *is_gone = !is_still_there(fd, ledger->path);
    if (*is_gone) {
        return samlc_result_fail(res, APR_EGENERAL, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: changes all the time", ledger->path);
    }
    switch (look_at(fd)) {
    case READY:
        return map_file(ledger, fd, res);
    case UNFINISHED:
        return begin(ledger, fd, res);
    case FOREIGN:
        break;
    }
    *aside = apr_pstrcat(p, ledger->path, ASIDE_SUFFIX, NULL);
    *is_gone = rename(ledger->path, *aside) == 0;
    return *is_gone ? APR_EGENERAL
                    : fail_errno(res, errno, ledger->path, "rename it (it is no ledger)");
}

/* One process at a time. The lock would last as long as the map does, so it is given back. */
static apr_status_t repair(int *is_gone, const char **aside, samlc_ledger_t *ledger, int fd,
                           samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_SUCCESS;
    int rc = 0;

    do {
        rc = flock(fd, LOCK_EX);
    } while (rc != 0 && errno == EINTR);
    if (rc != 0) {
        return fail_errno(res, errno, ledger->path, "lock");
    }
    rv = repair_locked(is_gone, aside, ledger, fd, res, p);
    flock(fd, LOCK_UN);
    return rv;
}

static apr_status_t unmap(void *data)
{
    samlc_ledger_t *ledger = data;

    munmap(ledger->table, sizeof(table_t));
    return APR_SUCCESS;
}

apr_status_t samlc_ledger_open(samlc_ledger_t **ledger, const char **aside, const char *state_dir,
                               samlc_result_t *res, apr_pool_t *p)
{
    samlc_ledger_t *l = apr_pcalloc(p, sizeof(*l));
    apr_status_t rv = APR_EGENERAL;
    int is_gone = 1;
    int fd = -1;
    int i = 0;

    *ledger = NULL;
    *aside = NULL;
    l->path = apr_pstrcat(p, state_dir, FILE_NAME, NULL);
    for (i = 0; i < MAX_OPENINGS && is_gone; i++) {
        is_gone = 0;
        rv = open_file(&fd, l->path, O_RDWR | O_CREAT, res);
        if (rv == APR_SUCCESS) {
            rv = look_at(fd) == READY ? map_file(l, fd, res)
                                      : repair(&is_gone, aside, l, fd, res, p);
            close(fd);
        }
    }
    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(p, l, unmap, apr_pool_cleanup_null);
        *ledger = l;
    }
    return rv;
}

static apr_status_t read_table(table_t *table, int fd, const char *path, samlc_result_t *res)
{
    unsigned char *bytes = (unsigned char *)table;
    apr_size_t len = 0;
    ssize_t n = 0;

    while (len < sizeof(*table)) {
        n = read(fd, bytes + len, sizeof(*table) - len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return fail_errno(res, errno, path, "read");
        }
        if (n == 0) {
            return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_FILE_UNREADABLE,
                                     "%s: became shorter while it was read", path);
        }
        len += (apr_size_t)n;
    }
    return APR_SUCCESS;
}

apr_status_t samlc_ledger_read(const samlc_ledger_t **ledger, const char *state_dir,
                               samlc_result_t *res, apr_pool_t *p)
{
    samlc_ledger_t *l = apr_pcalloc(p, sizeof(*l));
    apr_status_t rv = APR_SUCCESS;
    int fd = -1;

    *ledger = NULL;
    l->path = apr_pstrcat(p, state_dir, FILE_NAME, NULL);
    rv = open_file(&fd, l->path, O_RDONLY, res);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (look_at(fd) != READY) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_FILE_UNREADABLE,
                               "%s: not a ledger of this version", l->path);
    }
    else {
        l->table = apr_palloc(p, sizeof(table_t));
        rv = read_table(l->table, fd, l->path, res);
    }
    close(fd);
    if (rv == APR_SUCCESS) {
        *ledger = l;
    }
    return rv;
}

apr_status_t samlc_ledger_sync(samlc_ledger_t *ledger, samlc_result_t *res)
{
    table_t *table = ledger->table;

    if (!atomic_exchange(&table->is_unsynced, 0)) {
        return APR_SUCCESS;
    }
    if (msync(table, sizeof(*table), MS_SYNC) != 0) {
        atomic_store(&table->is_unsynced, 1);
        return fail_errno(res, errno, ledger->path, "write it to the disk");
    }
    return APR_SUCCESS;
}
