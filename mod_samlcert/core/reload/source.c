/* SPDX-License-Identifier: Apache-2.0 */
/* Plain POSIX: APR knows neither nanoseconds nor a look relative to an open directory. */
#include "core/reload/source.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/base/writers.h"
#include "core/reload/mount.h"

#define MAX_NAME 64       /* of an IdP or a key set */
#define MAX_ATTEMPTS 10   /* to look at a directory that is changing */
#define MISSING (-1)      /* `size` of what is not there */
#define NAME_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

/* What a name in the trust directory stands for. */
typedef enum {
    STRANGER,    /* nothing: named by lint */
    HIDDEN,      /* nothing, and rightly so */
    ROOT,        /* the trust directory */
    IDPS,
    IDP,
    SETS,
    SET,
    MATERIAL,    /* roots, intermediates, crls */
    NAMED,       /* a file that counts whatever it is: what is no file is refused when it is read */
    REGULAR      /* a file with a name of the administrator's choice */
} kind_t;

/* DESIGN.md section 4: what may stand in which directory. The first pattern that matches counts. */
static const struct {
    kind_t in;
    const char *pattern;
    kind_t kind;
} layout[] = {
    {ROOT, "idp", IDPS},
    {ROOT, "sp", SETS},
    {ROOT, "roots", MATERIAL},
    {ROOT, "intermediates", MATERIAL},
    {ROOT, "crls", MATERIAL},
    {ROOT, "csr", HIDDEN},
    {IDPS, "*", IDP},
    {IDP, "idp.conf", NAMED},
    {IDP, "metadata.xml", NAMED},
    {IDP, "primary.pem", NAMED},
    {IDP, "alternate.pem", NAMED},
    {IDP, "alternate-*.pem", NAMED},
    {IDP, "staged.pem", NAMED},
    {IDP, "retired.pem", NAMED},
    {IDP, "retired-*.pem", NAMED},
    {IDP, "roots", MATERIAL},
    {IDP, "intermediates", MATERIAL},
    {IDP, "crls", MATERIAL},
    {SETS, "*", SET},
    {SET, "keys.conf", NAMED},
    {SET, "active.key", NAMED},
    {SET, "active.crt", NAMED},
    {SET, "next.key", NAMED},
    {SET, "next.crt", NAMED},
    {SET, "retiring.key", NAMED},
    {SET, "retiring.crt", NAMED},
    {SET, "retired-*.key", HIDDEN},    /* gone, and kept by `samlcertctl settle` */
    {SET, "retired-*.crt", HIDDEN},
    {MATERIAL, "*~", STRANGER},    /* an editor's backup */
    {MATERIAL, "*", REGULAR},
};

/* One walk through the trust directory. */
typedef struct walk_t {
    const samlc_source_t *source;
    samlc_scan_t *scan;
    apr_array_header_t *strangers;
    samlc_result_t *res;
    apr_pool_t *p;
} walk_t;

static int is_directory_kind(kind_t kind)
{
    return kind >= ROOT && kind <= MATERIAL;
}

static int is_name(const char *name)
{
    apr_size_t len = strlen(name);

    return len <= MAX_NAME && strspn(name, NAME_CHARACTERS) == len;
}

static kind_t kind_of(kind_t in, const char *name)
{
    apr_size_t i = 0;

    if (name[0] == '.') {
        return HIDDEN;
    }
    if ((in == IDPS || in == SETS) && !is_name(name)) {
        return STRANGER;
    }
    for (i = 0; i < sizeof(layout) / sizeof(layout[0]); i++) {
        if (layout[i].in == in && apr_fnmatch(layout[i].pattern, name, 0) == APR_SUCCESS) {
            return layout[i].kind;
        }
    }
    return STRANGER;
}

static apr_status_t fail_errno(walk_t *walk, const char *path, int err)
{
    apr_status_t rv = APR_FROM_OS_ERROR(err);
    char reason[128];

    path = samlc_source_place(walk->source, path, walk->p);
    return samlc_result_fail(walk->res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s: %s",
                             samlc_text_show(path, walk->p),
                             apr_strerror(rv, reason, sizeof(reason)));
}

static int is_mounted_read_only(const char *path)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    int is_read_only = fd >= 0 && samlc_is_mounted_read_only(fd);

    if (fd >= 0) {
        close(fd);
    }
    return is_read_only;
}

typedef const samlc_writer_t *(*find_writer_t)(const struct stat *st, uid_t uid, gid_t gid);

/* Refuses `path` if `find` finds a writer. */
static apr_status_t check_by(find_writer_t find, walk_t *walk, const char *path,
                             const struct stat *st)
{
    const samlc_source_t *source = walk->source;
    const samlc_writer_t *writer = NULL;
    const char *shown = NULL;

    if (!source->check_owner) {
        return APR_SUCCESS;
    }
    writer = find(st, source->server_uid, source->server_gid);
    if (!writer || is_mounted_read_only(samlc_source_place(source, path, walk->p))) {
        return APR_SUCCESS;
    }
    shown = samlc_text_show(path, walk->p);
    return samlc_result_fail(walk->res, APR_EACCES, SAMLC_REASON_CONFIG_INVALID,
                             "%s: %s, and whoever writes here decides who is trusted; run `%s %s`",
                             shown, writer->what, writer->remedy, shown);
}

/* Who can write here can add trust: the server's user, if it is compromised, must not. */
static apr_status_t check_writers(walk_t *walk, const char *path, const struct stat *st)
{
    return check_by(samlc_writer_of, walk, path, st);
}

/* The directory that `path` lies in. */
static const char *directory_of(const char *path, apr_pool_t *p)
{
    const char *slash = strrchr(path, '/');

    return slash > path ? apr_pstrmemdup(p, path, (apr_size_t)(slash - path)) : "/";
}

/* What a link leads to: who could put something else in its place? */
static apr_status_t check_target(walk_t *walk, const char *path)
{
    const char *dir = NULL;
    char *target = NULL;
    struct stat st;

    if (!walk->source->check_owner) {
        return APR_SUCCESS;
    }
    target = realpath(samlc_source_place(walk->source, path, walk->p), NULL);
    if (!target) {
        return fail_errno(walk, path, errno);
    }
    dir = directory_of(target, walk->p);
    free(target);
    if (stat(dir, &st) != 0) {
        return fail_errno(walk, dir, errno);
    }
    return check_by(samlc_replacer_of, walk, dir, &st);
}

static apr_int64_t nanoseconds(const struct timespec *t)
{
    return (apr_int64_t)t->tv_sec * 1000000000 + t->tv_nsec;
}

/* NULL for a file that is not there. */
static void describe(samlc_seen_t *seen, const struct stat *st)
{
    seen->device = st ? (apr_uint64_t)st->st_dev : 0;
    seen->inode = st ? (apr_uint64_t)st->st_ino : 0;
    seen->size = st ? (apr_int64_t)st->st_size : MISSING;
    seen->mtime_ns = st ? nanoseconds(&st->st_mtim) : 0;
    seen->ctime_ns = st ? nanoseconds(&st->st_ctim) : 0;
}

static int looks_same(const samlc_seen_t *a, const samlc_seen_t *b)
{
    return a->device == b->device && a->inode == b->inode && a->size == b->size
        && a->mtime_ns == b->mtime_ns && a->ctime_ns == b->ctime_ns;
}

static void add_seen(walk_t *walk, const char *path, const char *name, int is_dir,
                     int is_elsewhere, const struct stat *st)
{
    samlc_scan_t *scan = walk->scan;
    samlc_seen_t *seen = &APR_ARRAY_PUSH(scan->seen, samlc_seen_t);

    seen->path = path;
    seen->name = name;
    seen->is_dir = is_dir;
    seen->is_elsewhere = is_elsewhere || (!is_dir && st->st_nlink > 1);
    describe(seen, st);
    if (seen->mtime_ns > scan->newest_ns) {
        scan->newest_ns = seen->mtime_ns;
    }
    if (seen->ctime_ns > scan->newest_ns) {
        scan->newest_ns = seen->ctime_ns;
    }
}

/* "." for the trust directory, "idp/NAME/primary.pem" below it. */
static const char *relative_name(const walk_t *walk, const char *path)
{
    apr_size_t len = strlen(walk->source->dir);

    return path[len] == '\0' ? "." : path + len + 1;
}

static void add_stranger(walk_t *walk, const char *path)
{
    if (walk->strangers) {
        APR_ARRAY_PUSH(walk->strangers, const char *) =
            apr_psprintf(walk->p, "%s: not a name that means anything here; it is skipped unless "
                         "a setting names it", samlc_text_show(path, walk->p));
    }
}

/* Looks at one name. *is_gone: it was there when the directory was read, and is no more. */
static apr_status_t stat_entry(struct stat *st, int *is_gone, walk_t *walk, int dir,
                               const char *path, const char *name)
{
    int err = 0;

    *is_gone = 0;
    if (fstatat(dir, name, st, 0) == 0) {
        return check_writers(walk, path, st);
    }
    err = errno;
    if (err == ENOENT && fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) == 0) {
        return samlc_result_fail(walk->res, APR_ENOENT, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: a symbolic link to nothing", samlc_text_show(path, walk->p));
    }
    *is_gone = err == ENOENT;
    return fail_errno(walk, path, err);
}

static apr_status_t walk_directory(int *is_gone, walk_t *walk, int at, const char *path,
                                   const char *name, kind_t kind, int is_elsewhere);

static apr_status_t walk_entry(int *is_gone, walk_t *walk, int dir, const char *path,
                               const char *name, kind_t kind, int is_link)
{
    struct stat st;
    apr_status_t rv = APR_EGENERAL;

    if (kind == STRANGER) {
        add_stranger(walk, path);
        return APR_SUCCESS;
    }
    rv = stat_entry(&st, is_gone, walk, dir, path, name);
    if (rv == APR_SUCCESS && is_link) {
        rv = check_target(walk, path);
        *is_gone = APR_STATUS_IS_ENOENT(rv);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (((kind == IDP || kind == SET) && !S_ISDIR(st.st_mode))
        || (kind == REGULAR && !S_ISREG(st.st_mode))) {
        add_stranger(walk, path);
        return APR_SUCCESS;
    }
    if (is_directory_kind(kind)) {
        return walk_directory(is_gone, walk, dir, path, name, kind, is_link);
    }
    add_seen(walk, path, relative_name(walk, path), 0, is_link, &st);
    return APR_SUCCESS;
}

/* The names in an open directory. *is_mount: one of them is ..data. */
static apr_status_t walk_entries(int *is_gone, int *is_mount, walk_t *walk, DIR *dir,
                                 const char *path, kind_t kind)
{
    const struct dirent *entry = NULL;
    const char *entry_path = NULL;
    apr_status_t rv = APR_SUCCESS;
    kind_t entry_kind = STRANGER;

    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (!entry) {
            return errno == 0 ? APR_SUCCESS : fail_errno(walk, path, errno);
        }
        entry_kind = kind_of(kind, entry->d_name);
        if (entry_kind == HIDDEN) {
            *is_mount |= strcmp(entry->d_name, SAMLC_MOUNT_DATA) == 0;
            continue;
        }
        entry_path = apr_pstrcat(walk->p, path, "/", entry->d_name, NULL);
        rv = walk_entry(is_gone, walk, dirfd(dir), entry_path,
                        entry_path + strlen(path) + 1, entry_kind,
                        entry->d_type != DT_REG && entry->d_type != DT_DIR);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
}

static apr_status_t walk_directory(int *is_gone, walk_t *walk, int at, const char *path,
                                   const char *name, kind_t kind, int is_elsewhere)
{
    struct stat st;
    DIR *dir = NULL;
    apr_status_t rv = APR_EGENERAL;
    int is_mount = 0;
    int err = 0;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *is_gone = 0;
    if (fd < 0 || fstat(fd, &st) != 0 || !(dir = fdopendir(fd))) {
        err = errno;
        if (fd >= 0) {
            close(fd);
        }
        *is_gone = err == ENOENT && kind != ROOT;
        return fail_errno(walk, path, err);
    }
    rv = check_writers(walk, path, &st);
    if (rv == APR_SUCCESS) {
        add_seen(walk, path, relative_name(walk, path), 1, is_elsewhere, &st);
        rv = walk_entries(is_gone, &is_mount, walk, dir, path, kind);
        if ((is_mount || rv != APR_SUCCESS)
            && samlc_mount_is_half_flipped(dirfd(dir), apr_time_now())) {
            *is_gone = 0;
            rv = samlc_result_fail(walk->res, APR_EAGAIN, SAMLC_REASON_CONFIG_INVALID,
                                   "%s: ..data was just flipped, and the links don't fit to it yet",
                                   samlc_text_show(path, walk->p));
        }
    }
    closedir(dir);
    return rv;
}

/* What is not there is seen as missing: the load names it, and its coming is a change. */
static apr_status_t look_outside(walk_t *walk, const char *path)
{
    const char *dir = directory_of(path, walk->p);
    struct stat st;
    apr_status_t rv = APR_SUCCESS;

    if (stat(samlc_source_place(walk->source, path, walk->p), &st) != 0) {
        add_seen(walk, path, path, 0, 1, NULL);
        return APR_SUCCESS;
    }
    add_seen(walk, path, path, 0, 1, &st);
    if (walk->source->overlay && strcmp(path, walk->source->overlay) == 0) {
        return APR_SUCCESS;    /* the server writes it */
    }
    rv = check_writers(walk, path, &st);
    if (rv == APR_SUCCESS && stat(samlc_source_place(walk->source, dir, walk->p), &st) == 0) {
        rv = check_writers(walk, dir, &st);
    }
    return rv == APR_SUCCESS ? check_target(walk, path) : rv;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const samlc_seen_t *)a)->name, ((const samlc_seen_t *)b)->name);
}

/* Walks until nothing vanishes underway. */
static apr_status_t walk_source(walk_t *walk)
{
    const char *dir = walk->source->dir;
    const char *place = samlc_source_place(walk->source, dir, walk->p);
    apr_status_t rv = APR_EGENERAL;
    int is_gone = 0;
    int attempt = 0;

    for (attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
        walk->scan = apr_pcalloc(walk->p, sizeof(*walk->scan));
        walk->scan->seen = apr_array_make(walk->p, 32, sizeof(samlc_seen_t));
        if (walk->strangers) {
            apr_array_clear(walk->strangers);
        }
        rv = walk_directory(&is_gone, walk, AT_FDCWD, dir, place, ROOT, 1);
        if (!is_gone) {
            break;
        }
    }
    return rv;
}

/* A change that a tool began and did not end: what is there is neither the old nor the new. */
static apr_status_t check_journal(walk_t *walk)
{
    const char *dir = walk->source->dir;
    const char *journal = apr_pstrcat(walk->p, dir, "/" SAMLC_SOURCE_JOURNAL, NULL);
    struct stat st;

    if (lstat(samlc_source_place(walk->source, journal, walk->p), &st) != 0) {
        return APR_SUCCESS;
    }
    return samlc_result_fail(walk->res, APR_EBUSY, SAMLC_REASON_CONFIG_INVALID,
                             "%s: a change by samlcertctl was interrupted: run `samlcertctl "
                             "--trust %s recover`", journal, dir);
}

apr_status_t samlc_source_scan(samlc_scan_t **scan, const samlc_source_t *source,
                               const apr_array_header_t *outside, samlc_result_t *res,
                               apr_pool_t *p)
{
    walk_t walk = {source, NULL, NULL, res, p};
    apr_status_t rv = APR_EGENERAL;
    int i = 0;

    *scan = NULL;
    rv = check_journal(&walk);
    if (rv == APR_SUCCESS) {
        rv = walk_source(&walk);
    }
    for (i = 0; rv == APR_SUCCESS && outside && i < outside->nelts; i++) {
        rv = look_outside(&walk, APR_ARRAY_IDX(outside, i, const char *));
    }
    if (rv == APR_SUCCESS) {
        qsort(walk.scan->seen->elts, (size_t)walk.scan->seen->nelts, sizeof(samlc_seen_t),
              compare_names);
        *scan = walk.scan;
    }
    return rv;
}

/* In a copy `..` becomes `.up`: a name that no walk looks at. */
const char *samlc_source_place(const samlc_source_t *source, const char *path, apr_pool_t *p)
{
    char *place = NULL;
    char *at = NULL;

    if (!source->root) {
        return path;
    }
    place = apr_palloc(p, strlen(source->root) + 2 * strlen(path) + 1);
    at = place + strlen(strcpy(place, source->root));
    while (*path != '\0') {
        if (strncmp(path, "/..", 3) == 0 && (path[3] == '/' || path[3] == '\0')) {
            at += strlen(strcpy(at, "/.up"));
            path += 3;
        }
        else {
            *at++ = *path++;
        }
    }
    *at = '\0';
    return place;
}

int samlc_scan_equal(const samlc_scan_t *a, const samlc_scan_t *b)
{
    const samlc_seen_t *seen_a = NULL;
    const samlc_seen_t *seen_b = NULL;
    int i = 0;

    if (!a || !b || a->seen->nelts != b->seen->nelts) {
        return 0;
    }
    if (a == b) {
        return 1;
    }
    for (i = 0; i < a->seen->nelts; i++) {
        seen_a = &APR_ARRAY_IDX(a->seen, i, samlc_seen_t);
        seen_b = &APR_ARRAY_IDX(b->seen, i, samlc_seen_t);
        if (strcmp(seen_a->path, seen_b->path) != 0 || !looks_same(seen_a, seen_b)) {
            return 0;
        }
    }
    return 1;
}

samlc_scan_t *samlc_scan_again(const samlc_scan_t *scan, apr_pool_t *p)
{
    samlc_scan_t *again = apr_pmemdup(p, scan, sizeof(*scan));
    samlc_seen_t *seen = NULL;
    struct stat st;
    int i = 0;

    again->seen = apr_array_copy(p, scan->seen);
    for (i = 0; i < again->seen->nelts; i++) {
        seen = &APR_ARRAY_IDX(again->seen, i, samlc_seen_t);
        describe(seen, stat(seen->path, &st) == 0 ? &st : NULL);
    }
    return again;
}

int samlc_seen_is_missing(const samlc_seen_t *seen)
{
    return seen->size == MISSING;
}

int samlc_seen_is_unchanged(const samlc_seen_t *seen)
{
    struct stat st;
    samlc_seen_t now;

    describe(&now, stat(seen->path, &st) == 0 ? &st : NULL);
    return looks_same(&now, seen);
}

apr_array_header_t *samlc_source_strangers(const samlc_source_t *source, apr_pool_t *p)
{
    samlc_source_t lenient = *source;
    apr_array_header_t *strangers = apr_array_make(p, 4, sizeof(const char *));
    walk_t walk = {&lenient, NULL, strangers, samlc_result_make(p), p};

    lenient.check_owner = 0;
    walk_source(&walk);    /* what cannot be read is the scan's to report */
    return strangers;
}
