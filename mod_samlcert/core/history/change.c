/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/change.h"

#include <apr_file_io.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/history/journal.h"

#define LOCK_PATIENCE apr_time_from_sec(5)
#define LOCK_RETRY apr_time_from_msec(20)
#define MAX_OUTSIDE_ROUNDS 3
#define PUBLIC_MODE 0644
#define KEY_MODE 0640
#define STAGED_MODE 0600             /* until owner and permissions are set */
#define PRIVATE_DIR 0700

/* What is to become of one name. */
typedef struct item_t {
    const char *name;
    const samlc_data_t *content;     /* NULL: it goes */
    int is_dir;                      /* which goes */
    uid_t uid;                       /* the rest of what comes */
    gid_t gid;
    mode_t mode;
    const char *staged;              /* its name in the staging directory, a number */
} item_t;

struct samlc_change_t {
    apr_pool_t *pool;
    samlc_source_t source;
    int lock;
    int has_recovered;
    const char *staging;             /* path; NULL until there is one */
    samlc_scan_t *scan;
    apr_array_header_t *items;       /* item_t *, as they were mentioned */
    apr_hash_t *by_name;
    int is_checked;
};

static apr_status_t fail_errno(samlc_result_t *res, const char *path, const char *what)
{
    apr_status_t rv = APR_FROM_OS_ERROR(errno);
    char reason[128];

    return samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s: cannot %s: %s", path, what,
                             apr_strerror(rv, reason, sizeof(reason)));
}

static const char *path_of(const samlc_change_t *change, const char *name)
{
    return apr_pstrcat(change->pool, change->source.dir, "/", name, NULL);
}

static const char *parent_of(const char *name, apr_pool_t *p)
{
    const char *slash = strrchr(name, '/');

    return slash ? apr_pstrmemdup(p, name, (apr_size_t)(slash - name)) : NULL;
}

static int is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

/* ---- Begin and end ---- */

static apr_status_t take_lock(int *lock, const char *trust_dir, samlc_result_t *res, apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, trust_dir, "/.lock", NULL);
    apr_time_t until = apr_time_now() + LOCK_PATIENCE;
    struct stat st;
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, PUBLIC_MODE);

    *lock = -1;
    if (fd < 0) {
        return fail_errno(res, path, "open");
    }
    if (fstat(fd, &st) == 0 && (st.st_mode & PUBLIC_MODE) != PUBLIC_MODE) {
        (void)fchmod(fd, PUBLIC_MODE);    /* the server must be able to open it */
    }
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if ((errno != EWOULDBLOCK && errno != EINTR) || apr_time_now() > until) {
            fail_errno(res, path, "lock it, another change is under way");
            close(fd);
            return res->status;
        }
        apr_sleep(LOCK_RETRY);
    }
    *lock = fd;
    return APR_SUCCESS;
}

/* What a change or a samlc_file_replace left behind that ended before it counted. */
static void remove_leftovers(const char *trust_dir, apr_pool_t *p)
{
    static const char *const prefixes[] = {SAMLC_JOURNAL_STAGING, ".samlcert-"};
    DIR *dir = opendir(trust_dir);
    const struct dirent *entry = NULL;
    int i = 0;

    while (dir && (entry = readdir(dir)) != NULL) {
        for (i = 0; i < 2; i++) {
            if (strncmp(entry->d_name, prefixes[i], strlen(prefixes[i])) == 0) {
                samlc_file_remove_tree(apr_pstrcat(p, trust_dir, "/", entry->d_name, NULL),
                                       samlc_result_make(p));
            }
        }
    }
    if (dir) {
        closedir(dir);
    }
}

static apr_status_t make_staging(samlc_change_t *change, samlc_result_t *res)
{
    char *path = apr_pstrcat(change->pool, change->source.dir, "/" SAMLC_JOURNAL_STAGING "XXXXXX",
                             NULL);

    if (!mkdtemp(path)) {
        return fail_errno(res, change->source.dir, "stage anything in it");
    }
    change->staging = path;
    return APR_SUCCESS;
}

void samlc_change_end(samlc_change_t *change)
{
    if (change->lock < 0) {
        return;
    }
    if (change->staging && !is_there(path_of(change, SAMLC_SOURCE_JOURNAL))) {
        samlc_file_remove_tree(change->staging, samlc_result_make(change->pool));
    }
    close(change->lock);
    change->lock = -1;
}

static apr_status_t end_with_pool(void *change)
{
    samlc_change_end(change);
    return APR_SUCCESS;
}

apr_status_t samlc_change_begin(samlc_change_t **pchange, const samlc_source_t *source,
                                samlc_result_t *res, apr_pool_t *p)
{
    samlc_change_t *change = apr_pcalloc(p, sizeof(*change));
    apr_status_t rv = APR_EGENERAL;

    *pchange = NULL;
    change->pool = p;
    change->source = *source;
    change->items = apr_array_make(p, 8, sizeof(item_t *));
    change->by_name = apr_hash_make(p);
    rv = take_lock(&change->lock, source->dir, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_pre_cleanup_register(p, change, end_with_pool);
    rv = samlc_journal_carry_out(&change->has_recovered, source->dir, res, p);
    if (rv == APR_SUCCESS) {
        remove_leftovers(source->dir, p);
        rv = make_staging(change, res);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_source_scan(&change->scan, source, NULL, res, p);
    }
    if (rv != APR_SUCCESS) {
        samlc_change_end(change);
        return rv;
    }
    *pchange = change;
    return APR_SUCCESS;
}

int samlc_change_has_recovered(const samlc_change_t *change)
{
    return change->has_recovered;
}

const samlc_scan_t *samlc_change_scan(const samlc_change_t *change)
{
    return change->scan;
}

apr_status_t samlc_change_recover(int *was_needed, const samlc_source_t *source,
                                  samlc_result_t *res, apr_pool_t *p)
{
    int lock = -1;
    apr_status_t rv = take_lock(&lock, source->dir, res, p);

    *was_needed = 0;
    if (rv == APR_SUCCESS) {
        rv = samlc_journal_carry_out(was_needed, source->dir, res, p);
    }
    if (rv == APR_SUCCESS) {
        remove_leftovers(source->dir, p);
    }
    if (lock >= 0) {
        close(lock);
    }
    return rv;
}

/* ---- What is to be ---- */

/*
 * Looks at a name: *st is zeroed where there is nothing. What a rename could not replace, or would
 * replace elsewhere than it seems, is refused.
 */
static apr_status_t look(struct stat *st, const samlc_change_t *change, const char *name,
                         samlc_result_t *res)
{
    const char *slash = name;
    const char *path = NULL;
    struct stat top;

    memset(st, 0, sizeof(*st));
    if (!samlc_journal_is_name(name)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s/%s: not a name that samlcertctl writes", change->source.dir,
                                 samlc_text_show(name, change->pool));
    }
    if (stat(change->source.dir, &top) != 0) {
        return fail_errno(res, change->source.dir, "look at it");
    }
    while (slash) {
        slash = strchr(slash + 1, '/');
        path = path_of(change, slash ? apr_pstrndup(change->pool, name, (apr_size_t)(slash - name))
                                     : name);
        if (lstat(path, st) != 0) {
            memset(st, 0, sizeof(*st));
            return errno == ENOENT ? APR_SUCCESS : fail_errno(res, path, "look at it");
        }
        if (S_ISLNK(st->st_mode) || st->st_dev != top.st_dev || (slash && !S_ISDIR(st->st_mode))) {
            return samlc_result_fail(
                res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                "%s: is %s, which samlcertctl does not write through: change it by hand", path,
                S_ISLNK(st->st_mode)             ? "a symbolic link"
                : st->st_dev != top.st_dev       ? "on another file system"
                                                 : "no directory");
        }
    }
    return APR_SUCCESS;
}

static item_t *item_of(const samlc_change_t *change, const char *name)
{
    return apr_hash_get(change->by_name, name, APR_HASH_KEY_STRING);
}

static item_t *make_item(samlc_change_t *change, const char *name)
{
    item_t *item = item_of(change, name);

    if (!item) {
        item = apr_pcalloc(change->pool, sizeof(*item));
        item->name = apr_pstrdup(change->pool, name);
        item->staged = apr_itoa(change->pool, change->items->nelts);
        APR_ARRAY_PUSH(change->items, item_t *) = item;
        apr_hash_set(change->by_name, item->name, APR_HASH_KEY_STRING, item);
    }
    change->is_checked = 0;
    return item;
}

static void set_attributes(item_t *item, const struct stat *st, mode_t mode)
{
    item->uid = st->st_uid;
    item->gid = st->st_gid;
    item->mode = mode;
}

/* Whose a new key is to be: as another one of its set, or for root and its directory's group. */
static void set_key_attributes(item_t *item, const samlc_change_t *change)
{
    static const char *const others[] = {"/active.key", "/next.key", "/retiring.key"};
    const char *dir = path_of(change, parent_of(item->name, change->pool));
    struct stat st;
    int i = 0;

    for (i = 0; i < 3; i++) {
        if (lstat(apr_pstrcat(change->pool, dir, others[i], NULL), &st) == 0) {
            set_attributes(item, &st, st.st_mode & 07777);
            return;
        }
    }
    item->mode = KEY_MODE;
    if (stat(dir, &st) == 0 || stat(path_of(change, "sp"), &st) == 0) {
        item->gid = st.st_gid;
    }
}

static int is_key(const char *name)
{
    apr_size_t len = strlen(name);

    return strncmp(name, "sp/", 3) == 0 && len > 4 && strcmp(name + len - 4, ".key") == 0;
}

apr_status_t samlc_change_put(samlc_change_t *change, const char *name,
                              const samlc_data_t *content, samlc_result_t *res)
{
    struct stat st;
    item_t *item = NULL;
    apr_status_t rv = look(&st, change, name, res);

    if (rv == APR_SUCCESS && st.st_nlink > 0 && !S_ISREG(st.st_mode)) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "%s: is no file",
                               path_of(change, name));
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    item = make_item(change, name);
    item->content = content;
    if (st.st_nlink > 0) {
        set_attributes(item, &st, st.st_mode & 07777);
        return APR_SUCCESS;
    }
    item->uid = geteuid();
    item->gid = getegid();
    item->mode = PUBLIC_MODE;
    if (is_key(name)) {
        set_key_attributes(item, change);
    }
    return APR_SUCCESS;
}

apr_status_t samlc_change_move(samlc_change_t *change, const char *from, const char *to,
                               samlc_result_t *res)
{
    const item_t *known = item_of(change, from);
    samlc_data_t *content = NULL;
    item_t source;
    item_t *item = NULL;
    struct stat st;
    apr_status_t rv = look(&st, change, from, res);

    if (rv == APR_SUCCESS && known && known->content) {
        source = *known;
    }
    else if (rv == APR_SUCCESS) {
        content = apr_palloc(change->pool, sizeof(*content));
        rv = samlc_file_read(content, path_of(change, from), SAMLC_MAX_METADATA_FILE, res,
                             change->pool);
        source.content = content;
        set_attributes(&source, &st, st.st_mode & 07777);
    }
    if (rv == APR_SUCCESS && known && !known->content) {
        rv = samlc_result_fail(res, APR_ENOENT, SAMLC_REASON_FILE_UNREADABLE, "%s: is not there",
                               path_of(change, from));
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_change_put(change, to, source.content, res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    item = item_of(change, to);
    item->uid = source.uid;
    item->gid = source.gid;
    item->mode = source.mode;
    make_item(change, from)->content = NULL;
    return APR_SUCCESS;
}

apr_status_t samlc_change_remove(samlc_change_t *change, const char *name, samlc_result_t *res)
{
    struct stat st;
    item_t *item = NULL;
    apr_status_t rv = look(&st, change, name, res);

    if (rv == APR_SUCCESS) {
        item = make_item(change, name);
        item->content = NULL;
        item->is_dir = st.st_nlink > 0 && S_ISDIR(st.st_mode);
    }
    return rv;
}

/* ---- Staging ---- */

static int write_all(int fd, const samlc_data_t *content)
{
    const unsigned char *at = content->data;
    apr_size_t left = content->len;
    ssize_t n = 0;

    while (left > 0) {
        n = write(fd, at, left);
        if (n < 0 && errno != EINTR) {
            return 0;
        }
        at += n > 0 ? n : 0;
        left -= n > 0 ? (apr_size_t)n : 0;
    }
    return 1;
}

/* Writes what comes, as it will be. Owner before permissions: a change of it takes some away. */
static apr_status_t stage(const samlc_change_t *change, const item_t *item, samlc_result_t *res)
{
    const char *path = apr_pstrcat(change->pool, change->staging, "/", item->staged, NULL);
    struct stat st;
    int fd = -1;
    int is_done = 0;

    unlink(path);    /* of an earlier check */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, STAGED_MODE);
    is_done = fd >= 0 && fstat(fd, &st) == 0
              && ((st.st_uid == item->uid && st.st_gid == item->gid)
                  || fchown(fd, item->uid, item->gid) == 0)
              && fchmod(fd, item->mode) == 0 && write_all(fd, item->content) && fsync(fd) == 0;
    if (!is_done) {
        fail_errno(res, path_of(change, item->name), "stage its new content");
    }
    if (fd >= 0 && close(fd) != 0 && is_done) {
        is_done = 0;
        fail_errno(res, path_of(change, item->name), "stage its new content");
    }
    return is_done ? APR_SUCCESS : res->status;
}

/* A directory can go if all that is in it goes. */
static apr_status_t check_emptied(const samlc_change_t *change, const item_t *item,
                                  samlc_result_t *res)
{
    const char *path = path_of(change, item->name);
    DIR *dir = opendir(path);
    const struct dirent *entry = NULL;
    const item_t *other = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (!dir) {
        return fail_errno(res, path, "open");
    }
    while (rv == APR_SUCCESS && (entry = readdir(dir)) != NULL) {
        other = item_of(change, apr_pstrcat(change->pool, item->name, "/", entry->d_name, NULL));
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0
            && (!other || other->content)) {
            rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                   "%s: would have to go, and holds %s, which is nothing that "
                                   "samlcertctl knows: move that elsewhere", path,
                                   samlc_text_show(entry->d_name, change->pool));
        }
    }
    closedir(dir);
    return rv;
}

static apr_status_t stage_all(const samlc_change_t *change, samlc_result_t *res)
{
    const item_t *item = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    for (i = 0; i < change->items->nelts && rv == APR_SUCCESS; i++) {
        item = APR_ARRAY_IDX(change->items, i, item_t *);
        if (item->content) {
            rv = stage(change, item, res);
        }
        else if (item->is_dir) {
            rv = check_emptied(change, item, res);
        }
    }
    return rv;
}

/* ---- What would come, as a tree of links ---- */

static apr_status_t make_dirs(const char *path, samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = apr_dir_make_recursive(
        path, APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE, p);

    if (rv != APR_SUCCESS) {
        errno = APR_TO_OS_ERROR(rv);
        return fail_errno(res, path, "make it");
    }
    return APR_SUCCESS;
}

/* The name below the trust directory; NULL for a path elsewhere. */
static const char *name_of(const samlc_change_t *change, const char *path)
{
    apr_size_t len = strlen(change->source.dir);

    return strncmp(path, change->source.dir, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

/* Links a file into the shadow, as it will be; what goes, or is not there, does not get in. */
static apr_status_t link_file(const samlc_source_t *shadow, const samlc_change_t *change,
                              const char *path, samlc_result_t *res)
{
    const char *name = name_of(change, path);
    const item_t *item = name ? item_of(change, name) : NULL;
    const char *place = samlc_source_place(shadow, path, change->pool);
    const char *target = item ? apr_pstrcat(change->pool, change->staging, "/", item->staged, NULL)
                              : path;
    apr_status_t rv = APR_SUCCESS;

    if ((item && !item->content) || !is_there(target)) {
        return APR_SUCCESS;
    }
    rv = make_dirs(parent_of(place, change->pool), res, change->pool);
    if (rv == APR_SUCCESS && symlink(target, place) != 0 && errno != EEXIST) {
        rv = fail_errno(res, place, "link it");
    }
    return rv;
}

static apr_status_t build_shadow(const samlc_source_t *shadow, const samlc_change_t *change,
                                 samlc_result_t *res)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    for (i = 0; i < change->scan->seen->nelts && rv == APR_SUCCESS; i++) {
        seen = &APR_ARRAY_IDX(change->scan->seen, i, samlc_seen_t);
        if (!seen->is_dir) {
            rv = link_file(shadow, change, seen->path, res);
        }
        else if (!item_of(change, seen->name)) {
            rv = make_dirs(samlc_source_place(shadow, seen->path, change->pool), res,
                           change->pool);
        }
    }
    for (i = 0; i < change->items->nelts && rv == APR_SUCCESS; i++) {
        rv = link_file(shadow, change,
                       path_of(change, APR_ARRAY_IDX(change->items, i, item_t *)->name), res);
    }
    return rv;
}

/* Links files that settings name. *added: some were not there yet. */
static apr_status_t link_named(int *added, const samlc_source_t *shadow,
                               const samlc_change_t *change, const apr_array_header_t *named,
                               samlc_result_t *res)
{
    const char *path = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    *added = 0;
    for (i = 0; named && i < named->nelts && rv == APR_SUCCESS; i++) {
        path = APR_ARRAY_IDX(named, i, const char *);
        if (!is_there(samlc_source_place(shadow, path, change->pool))) {
            rv = link_file(shadow, change, path, res);
            *added |= is_there(samlc_source_place(shadow, path, change->pool));
        }
    }
    return rv;
}

/* Loads the shadow; again, if it names files that are not in it yet. */
static apr_status_t load_shadow(samlc_snapshot_t **candidate, const samlc_source_t *shadow,
                                const samlc_change_t *change, apr_time_t now, samlc_result_t *res)
{
    apr_array_header_t *named = NULL;
    samlc_result_t *loading = NULL;
    apr_status_t rv = APR_EGENERAL;
    apr_status_t linked = APR_SUCCESS;
    int added = 1;
    int rounds = 0;

    for (rounds = 0; added && rounds < MAX_OUTSIDE_ROUNDS; rounds++) {
        if (*candidate) {
            samlc_snapshot_destroy(*candidate);
            *candidate = NULL;
        }
        loading = samlc_result_make(change->pool);
        rv = samlc_snapshot_load(candidate, shadow, named, &named, now, loading, change->pool);
        linked = link_named(&added, shadow, change, named, loading);
        rv = rv == APR_SUCCESS ? linked : rv;
    }
    if (rv != APR_SUCCESS) {
        samlc_result_fail(res, rv, loading->reason, "%s", loading->message);
    }
    return rv;
}

apr_status_t samlc_change_check(samlc_snapshot_t **candidate, samlc_change_t *change,
                                apr_time_t now, samlc_result_t *res)
{
    samlc_source_t shadow = change->source;
    apr_status_t rv = APR_EGENERAL;

    *candidate = NULL;
    shadow.root = apr_pstrcat(change->pool, change->staging, "/shadow", NULL);
    shadow.check_owner = 0;    /* links; who may write what they point to was seen at the scan */
    rv = samlc_file_remove_tree(shadow.root, res);
    if (rv == APR_SUCCESS) {
        rv = stage_all(change, res);
    }
    if (rv == APR_SUCCESS) {
        rv = build_shadow(&shadow, change, res);
    }
    if (rv == APR_SUCCESS) {
        rv = load_shadow(candidate, &shadow, change, now, res);
    }
    change->is_checked = rv == APR_SUCCESS;
    return rv;
}

/* ---- Commit ---- */

static apr_status_t check_unchanged(const samlc_change_t *change, samlc_result_t *res)
{
    samlc_scan_t *scan = NULL;
    apr_status_t rv = samlc_source_scan(&scan, &change->source, NULL, res, change->pool);

    if (rv == APR_SUCCESS && !samlc_scan_equal(scan, change->scan)) {
        rv = samlc_result_fail(res, APR_EAGAIN, SAMLC_REASON_CONFIG_INVALID,
                               "%s: somebody else changed it meanwhile; nothing was done, look at "
                               "it and try again", change->source.dir);
    }
    return rv;
}

/* The directories that a new file needs and that are not there, each once, parents first. */
static void add_mkdirs(samlc_journal_t *journal, const samlc_change_t *change, const char *name,
                       apr_hash_t *made)
{
    const char *dir = parent_of(name, change->pool);

    if (dir && !apr_hash_get(made, dir, APR_HASH_KEY_STRING) && !is_there(path_of(change, dir))) {
        add_mkdirs(journal, change, dir, made);
        samlc_journal_add_mkdir(journal, dir);
        apr_hash_set(made, dir, APR_HASH_KEY_STRING, dir);
    }
}

/* Deepest first: a directory sorts before what is in it. */
static int compare_backwards(const void *a, const void *b)
{
    return strcmp((*(item_t *const *)b)->name, (*(item_t *const *)a)->name);
}

static samlc_journal_t *write_down(const samlc_change_t *change)
{
    samlc_journal_t *journal =
        samlc_journal_make(change->source.dir, strrchr(change->staging, '/') + 1, change->pool);
    apr_array_header_t *items = apr_array_copy(change->pool, change->items);
    apr_hash_t *made = apr_hash_make(change->pool);
    const item_t *item = NULL;
    int i = 0;

    for (i = 0; i < items->nelts; i++) {
        item = APR_ARRAY_IDX(items, i, item_t *);
        if (item->content) {
            add_mkdirs(journal, change, item->name, made);
            samlc_journal_add_put(journal, item->staged, item->name);
        }
    }
    qsort(items->elts, (size_t)items->nelts, sizeof(item_t *), compare_backwards);
    for (i = 0; i < items->nelts; i++) {
        item = APR_ARRAY_IDX(items, i, item_t *);
        if (!item->content && item->is_dir) {
            samlc_journal_add_rmdir(journal, item->name);
        }
        else if (!item->content) {
            samlc_journal_add_remove(journal, item->name);
        }
    }
    return journal;
}

/* The record is one more file of the change. */
static apr_status_t stage_record(samlc_change_t *change, const apr_array_header_t *records,
                                 samlc_result_t *res)
{
    apr_array_header_t *all = NULL;
    samlc_data_t *content = apr_pcalloc(change->pool, sizeof(*content));
    apr_status_t rv = samlc_record_read(&all, change->source.dir, res, change->pool);

    if (rv != APR_SUCCESS || records->nelts == 0) {
        return rv;
    }
    apr_array_cat(all, records);
    content->data = (const unsigned char *)samlc_record_text(all, change->pool);
    content->len = strlen((const char *)content->data);
    rv = samlc_change_put(change, SAMLC_RECORD_NAME, content, res);
    return rv == APR_SUCCESS ? stage(change, item_of(change, SAMLC_RECORD_NAME), res) : rv;
}

apr_status_t samlc_change_commit(samlc_change_t *change, const apr_array_header_t *records,
                                 samlc_result_t *res)
{
    int was_there = 0;
    apr_status_t rv = APR_SUCCESS;

    if (!change->is_checked) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_INTERNAL,
                                 "%s: the change was not checked", change->source.dir);
    }
    rv = check_unchanged(change, res);
    if (rv == APR_SUCCESS) {
        rv = stage_record(change, records, res);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_file_sync_dir(change->staging, res);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_journal_publish(write_down(change), res);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_journal_carry_out(&was_there, change->source.dir, res, change->pool);
    }
    change->is_checked = 0;
    return rv;
}
