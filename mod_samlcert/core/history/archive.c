/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One saves at a time (.lock). A copy is not synced to disk: one that a power cut tore does not
 * have its digest any more and is not used. What is synced is that `current` was taken away.
 */
#include "core/history/archive.h"

#include <apr_file_io.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/history/difference.h"
#include "core/history/record.h"

#define DIGEST_HEX_LEN (2 * SAMLC_SHA256_LEN)
#define MAX_ABOUT (64 * 1024)
#define MAX_DIFFERENCES 100 /* lines of about */
#define BLOCK (32 * 1024)
#define PRIVATE_DIR (APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE)
#define PRIVATE_FILE (APR_FPROT_UREAD | APR_FPROT_UWRITE)

struct samlc_archive_t {
    const char *dir;
    int max;
};

samlc_archive_t *samlc_archive_make(const char *dir, int max, apr_pool_t *p)
{
    samlc_archive_t *archive = apr_palloc(p, sizeof(*archive));

    archive->dir = apr_pstrdup(p, dir);
    archive->max = max;
    return archive;
}

const char *samlc_archive_dir(const samlc_archive_t *archive)
{
    return archive->dir;
}

static const char *path_of(const samlc_archive_t *archive, const char *name, apr_pool_t *p)
{
    return apr_pstrcat(p, archive->dir, "/", name, NULL);
}

static int is_digest(const char *name)
{
    return strlen(name) == DIGEST_HEX_LEN
           && strspn(name, "0123456789abcdef") == DIGEST_HEX_LEN;
}

static apr_status_t fail_errno(samlc_result_t *res, const char *path, const char *what)
{
    apr_status_t rv = APR_FROM_OS_ERROR(errno);
    char reason[128];

    return samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s: cannot %s: %s", path, what,
                             apr_strerror(rv, reason, sizeof(reason)));
}

/* ---- About a copy ---- */

/* Takes one line of it in; what is not known is for somebody else. */
static apr_status_t parse_line(samlc_archived_t *about, const char *name, const char *value)
{
    if (strcmp(name, "digest") == 0) {
        about->digest_hex = value;
    }
    else if (strcmp(name, "number") == 0) {
        about->number = (apr_uint64_t)apr_strtoi64(value, NULL, 10);
    }
    else if (strcmp(name, "accepted") == 0) {
        return samlc_clock_parse(&about->accepted_at, value);
    }
    else if (strcmp(name, "trust-dir") == 0) {
        about->trust_dir = value;
    }
    else if (strcmp(name, "reason") == 0) {
        about->reason = value;
    }
    else if (strcmp(name, "author") == 0) {
        about->author = value;
    }
    else if (strcmp(name, "before") == 0) {
        about->before_hex = value;
    }
    else if (strcmp(name, "difference") == 0) {
        APR_ARRAY_PUSH(about->differences, const char *) = value;
    }
    return APR_SUCCESS;
}

apr_status_t samlc_archive_parse_about(samlc_archived_t *about, const samlc_data_t *file,
                                       samlc_result_t *res, apr_pool_t *p)
{
    char *text = apr_pstrmemdup(p, (const char *)file->data, file->len);
    char *line = NULL, *value = NULL, *rest = NULL;
    apr_status_t rv = APR_SUCCESS;

    memset(about, 0, sizeof(*about));
    about->differences = apr_array_make(p, 4, sizeof(const char *));
    for (line = apr_strtok(text, "\n", &rest); line && rv == APR_SUCCESS;
         line = apr_strtok(NULL, "\n", &rest)) {
        value = strchr(line, ' ');
        if (value) {
            *value++ = '\0';
            rv = parse_line(about, line, value);
        }
    }
    if (rv != APR_SUCCESS || !about->digest_hex || !about->trust_dir) {
        memset(about, 0, sizeof(*about));
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                 "%s: describes no copy", file->origin);
    }
    return APR_SUCCESS;
}

apr_status_t samlc_archive_describe(samlc_archived_t *about, const samlc_archive_t *archive,
                                    const char *digest_hex, samlc_result_t *res, apr_pool_t *p)
{
    const char *path = path_of(archive, apr_pstrcat(p, digest_hex, "/about", NULL), p);
    samlc_data_t file;
    apr_status_t rv = APR_EGENERAL;

    memset(about, 0, sizeof(*about));
    rv = samlc_file_read(&file, path, MAX_ABOUT, res, p);
    if (rv == APR_SUCCESS) {
        rv = samlc_archive_parse_about(about, &file, res, p);
    }
    if (rv == APR_SUCCESS && strcmp(about->digest_hex, digest_hex) != 0) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                               "%s: does not describe this copy", path);
    }
    return rv;
}

/* ---- Loading a copy ---- */

static apr_status_t load_as_it_is(samlc_snapshot_t **snapshot, const samlc_archive_t *archive,
                                  const char *name, const samlc_source_t *source, apr_time_t now,
                                  samlc_result_t *res, apr_pool_t *p)
{
    samlc_source_t copy = *source;

    copy.root = path_of(archive, apr_pstrcat(p, name, "/files", NULL), p);
    copy.check_owner = 0;    /* a copy is the server's own; what it is made of was checked */
    return samlc_snapshot_load(snapshot, &copy, NULL, NULL, now, res, p);
}

/* Loads the copy in archive/name and compares: what has another digest is not it. */
static apr_status_t load_copy(samlc_snapshot_t **snapshot, const samlc_archive_t *archive,
                              const char *name, const samlc_source_t *source,
                              const char *digest_hex, apr_time_t now, samlc_result_t *res,
                              apr_pool_t *p)
{
    apr_status_t rv = load_as_it_is(snapshot, archive, name, source, now, res, p);

    if (rv == APR_SUCCESS && strcmp((*snapshot)->digest_hex, digest_hex) != 0) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                               "%s/%s: is not what generation %.12s was made of%s", archive->dir,
                               name, digest_hex, (*snapshot)->lent->nelts > 0
                               ? " (a private key that is left out of copies may have changed)"
                               : "");
        samlc_snapshot_destroy(*snapshot);
        *snapshot = NULL;
    }
    return rv;
}

/*
 * A move may have fallen due since the copy was made: it has its digest by the time when it was
 * accepted, and serves by the present one.
 */
static apr_status_t load_moved(samlc_snapshot_t **snapshot, const samlc_archive_t *archive,
                               const samlc_source_t *source, const samlc_archived_t *about,
                               apr_time_t now, samlc_result_t *res, apr_pool_t *p)
{
    samlc_snapshot_t *accepted = NULL;
    apr_status_t rv = load_copy(&accepted, archive, about->digest_hex, source, about->digest_hex,
                                about->accepted_at, res, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = load_as_it_is(snapshot, archive, about->digest_hex, source, now, res, p);
    if (rv == APR_SUCCESS) {
        memcpy((*snapshot)->digest, accepted->digest, sizeof(accepted->digest));
        (*snapshot)->digest_hex = apr_pstrdup((*snapshot)->pool, accepted->digest_hex);
    }
    samlc_snapshot_destroy(accepted);
    return rv;
}

apr_status_t samlc_archive_load(samlc_snapshot_t **snapshot, const samlc_archive_t *archive,
                                const samlc_source_t *source, const char *digest_hex,
                                apr_time_t now, samlc_result_t *res, apr_pool_t *p)
{
    samlc_archived_t about;
    apr_status_t rv = APR_EGENERAL;

    *snapshot = NULL;
    if (!is_digest(digest_hex)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_INTERNAL, "not a digest");
    }
    rv = samlc_archive_describe(&about, archive, digest_hex, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (strcmp(about.trust_dir, source->dir) != 0) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s/%.12s...: comes from another trust directory (%s)",
                                 archive->dir, digest_hex, samlc_text_show(about.trust_dir, p));
    }
    rv = load_copy(snapshot, archive, digest_hex, source, digest_hex, now, res, p);
    if (rv != APR_SUCCESS) {
        rv = load_moved(snapshot, archive, source, &about, now, res, p);
    }
    if (rv == APR_SUCCESS) {
        (*snapshot)->is_archived = 1;
        (*snapshot)->number = about.number;
    }
    return rv;
}

apr_status_t samlc_archive_read(samlc_data_t *out, const samlc_archive_t *archive,
                                const samlc_source_t *source, const char *digest_hex,
                                const char *path, samlc_result_t *res, apr_pool_t *p)
{
    samlc_source_t copy = *source;
    const char *place = NULL;
    struct stat dir, file;

    memset(out, 0, sizeof(*out));
    copy.root = path_of(archive, apr_pstrcat(p, digest_hex, "/files", NULL), p);
    place = samlc_source_place(&copy, path, p);
    if (!is_digest(digest_hex) || stat(archive->dir, &dir) != 0 || lstat(place, &file) != 0) {
        return fail_errno(res, place, "look at it");
    }
    if (!S_ISREG(file.st_mode) || file.st_uid != dir.st_uid) {
        return samlc_result_fail(res, APR_EACCES, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: is no file of the archive's owner, so the server did not "
                                 "write it", samlc_text_show(place, p));
    }
    return samlc_file_read(out, place, SAMLC_MAX_METADATA_FILE, res, p);
}

/* ---- The generation that was accepted last ---- */

/* The name that `current` links to; NULL if there is none. */
static const char *read_current(const samlc_archive_t *archive, apr_pool_t *p)
{
    char name[DIGEST_HEX_LEN + 2];
    ssize_t len = readlink(path_of(archive, "current", p), name, sizeof(name) - 1);

    if (len < 0) {
        return NULL;
    }
    name[len] = '\0';
    return apr_pstrdup(p, name);
}

const char *samlc_archive_current(const samlc_archive_t *archive, apr_pool_t *p)
{
    const char *name = read_current(archive, p);

    return name && is_digest(name) && access(archive->dir, W_OK | X_OK) == 0 ? name : NULL;
}

int samlc_archive_withdraw(const samlc_archive_t *archive, const char *digest_hex, apr_pool_t *p)
{
    const char *name = read_current(archive, p);
    int fd = -1;

    if (!name || samlc_text_equal(name, digest_hex)) {
        return 0;
    }
    unlink(path_of(archive, "current", p));
    fd = open(archive->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0) {
        fsync(fd);    /* it must not come back with the power */
        close(fd);
    }
    return 1;
}

apr_status_t samlc_archive_set_current(const samlc_archive_t *archive, const char *digest_hex,
                                       samlc_result_t *res, apr_pool_t *p)
{
    const char *path = path_of(archive, "current", p);
    const char *aside = path_of(archive, apr_psprintf(p, ".current-%ld", (long)getpid()), p);

    if ((unlink(aside) != 0 && errno != ENOENT) || symlink(digest_hex, aside) != 0
        || rename(aside, path) != 0) {
        return fail_errno(res, path, "replace");
    }
    return APR_SUCCESS;
}

/* ---- Saving ---- */

static apr_status_t make_dirs(const char *path, samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = apr_dir_make_recursive(path, PRIVATE_DIR, p);
    char reason[128];

    if (rv != APR_SUCCESS) {
        samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s: cannot make it: %s", path,
                          apr_strerror(rv, reason, sizeof(reason)));
    }
    return rv;
}

static apr_status_t fail_changed(const samlc_source_t *source, samlc_result_t *res)
{
    return samlc_result_fail(res, APR_EAGAIN, SAMLC_REASON_CONFIG_INVALID,
                             "%s: no longer what was loaded", source->dir);
}

static int write_all(int fd, const char *bytes, ssize_t len)
{
    ssize_t n = 0;

    while (len > 0 && n >= 0) {
        n = write(fd, bytes, (size_t)len);
        bytes += n;
        len -= n;
    }
    return n >= 0;
}

/* Copies what is open. FALSE with errno set. */
static int copy_bytes(int to, int from)
{
    char block[BLOCK];
    ssize_t got = read(from, block, sizeof(block));

    while (got > 0 && write_all(to, block, got)) {
        got = read(from, block, sizeof(block));
    }
    explicit_bzero(block, sizeof(block));    /* it may have been a private key */
    return got == 0;
}

static apr_status_t copy_file(const samlc_source_t *source, const char *from, const char *to,
                              samlc_result_t *res)
{
    int in = open(from, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    int out = -1;
    apr_status_t rv = APR_SUCCESS;

    if (in < 0) {
        return fail_changed(source, res);
    }
    out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (out < 0 || !copy_bytes(out, in)) {
        rv = fail_errno(res, to, "write");
    }
    if (out >= 0 && close(out) != 0 && rv == APR_SUCCESS) {
        rv = fail_errno(res, to, "write");
    }
    close(in);
    return rv;
}

static int is_overlay(const samlc_source_t *source, const samlc_seen_t *seen)
{
    return samlc_text_equal(seen->path, source->overlay);
}

/* A private key that we may not read has no place in what we own: an empty file stands for it. */
static apr_status_t leave_out(const char *to, samlc_result_t *res)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

    return fd >= 0 && close(fd) == 0 ? APR_SUCCESS : fail_errno(res, to, "write");
}

static int is_lent(const samlc_snapshot_t *snapshot, const char *path)
{
    int i = 0;

    while (i < snapshot->lent->nelts
           && strcmp(APR_ARRAY_IDX(snapshot->lent, i, const char *), path) != 0) {
        i++;
    }
    return i < snapshot->lent->nelts;
}

/* The files of a generation, below `root`. */
static apr_status_t copy_files(const char *root, const samlc_source_t *source,
                               const samlc_snapshot_t *snapshot, samlc_result_t *res,
                               apr_pool_t *parent)
{
    samlc_source_t copy = *source;
    const samlc_seen_t *seen = NULL;
    const char *place = NULL;
    apr_pool_t *p = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    copy.root = root;
    apr_pool_create(&p, parent);
    for (i = 0; i < snapshot->scan->seen->nelts && rv == APR_SUCCESS; i++) {
        apr_pool_clear(p);
        seen = &APR_ARRAY_IDX(snapshot->scan->seen, i, samlc_seen_t);
        place = samlc_source_place(&copy, seen->path, p);
        rv = make_dirs(seen->is_dir ? place
                                    : apr_pstrmemdup(p, place,
                                                     (apr_size_t)(strrchr(place, '/') - place)),
                       res, p);
        if (source->is_stopped && source->is_stopped()) {
            rv = samlc_result_fail(res, APR_EAGAIN, SAMLC_REASON_INTERNAL,
                                   "%s: not kept, the process is ending", source->dir);
        }
        if (rv == APR_SUCCESS && is_overlay(source, seen)) {
            /* One that can't be read is as good as none for who loads it, so for the copy, too. */
            copy_file(source, samlc_source_place(source, seen->path, p), place,
                      samlc_result_make(p));
        }
        else if (rv == APR_SUCCESS && is_lent(snapshot, seen->path)) {
            rv = leave_out(place, res);
        }
        else if (rv == APR_SUCCESS && !seen->is_dir) {
            rv = copy_file(source, samlc_source_place(source, seen->path, p), place, res);
        }
    }
    apr_pool_destroy(p);
    return rv;
}

static int are_unchanged(const samlc_snapshot_t *snapshot)
{
    const apr_array_header_t *seen = snapshot->scan->seen;
    int i = 0;

    while (i < seen->nelts && samlc_seen_is_unchanged(&APR_ARRAY_IDX(seen, i, samlc_seen_t))) {
        i++;
    }
    return i == seen->nelts;
}

/* TRUE if archive/name is a good copy of it. */
static int is_copy(const samlc_archive_t *archive, const char *name, const samlc_source_t *source,
                   const samlc_snapshot_t *snapshot, samlc_result_t *res, apr_pool_t *p)
{
    samlc_snapshot_t *loaded = NULL;

    if (load_copy(&loaded, archive, name, source, snapshot->digest_hex, snapshot->loaded_at, res, p)
        != APR_SUCCESS) {
        return 0;
    }
    samlc_snapshot_destroy(loaded);
    return 1;
}

/* Makes the copy aside, in .new, and puts it in its place when it has proved good. */
static apr_status_t make_copy(const samlc_archive_t *archive, const samlc_source_t *source,
                              const samlc_snapshot_t *snapshot, samlc_result_t *res, apr_pool_t *p)
{
    const char *aside = path_of(archive, ".new", p);
    const char *path = path_of(archive, snapshot->digest_hex, p);
    apr_status_t rv = APR_EGENERAL;

    if (!are_unchanged(snapshot)) {
        return fail_changed(source, res);
    }
    rv = samlc_file_remove_tree(aside, res);
    if (rv == APR_SUCCESS) {
        rv = copy_files(apr_pstrcat(p, aside, "/files", NULL), source, snapshot, res, p);
    }
    if (rv == APR_SUCCESS && !is_copy(archive, ".new", source, snapshot, res, p)) {
        rv = are_unchanged(snapshot) ? res->status : fail_changed(source, res);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_file_remove_tree(path, res);    /* one that was torn */
    }
    if (rv == APR_SUCCESS && rename(aside, path) != 0) {
        rv = fail_errno(res, path, "rename it from .new");
    }
    if (rv != APR_SUCCESS) {
        samlc_file_remove_tree(aside, samlc_result_make(p));
    }
    return rv;
}

static apr_status_t take_lock(int *fd, const samlc_archive_t *archive, samlc_result_t *res,
                              apr_pool_t *p)
{
    const char *path = path_of(archive, ".lock", p);
    apr_status_t rv = make_dirs(archive->dir, res, p);

    *fd = -1;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    *fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (*fd < 0 || flock(*fd, LOCK_EX | LOCK_NB) != 0) {
        return fail_errno(res, path, "lock it");    /* EAGAIN: somebody else has it */
    }
    return APR_SUCCESS;
}

/* Those accepted last first; numbers may start again when the store is lost. */
static int compare_archived(const void *a, const void *b)
{
    const samlc_archived_t *x = a;
    const samlc_archived_t *y = b;

    if (x->accepted_at != y->accepted_at) {
        return x->accepted_at > y->accepted_at ? -1 : 1;
    }
    return x->number == y->number ? 0 : x->number > y->number ? -1 : 1;
}

/* The copies, those without a readable description last. */
static apr_array_header_t *list_all(const samlc_archive_t *archive, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 32, sizeof(samlc_archived_t));
    samlc_result_t *res = samlc_result_make(p);
    DIR *dir = opendir(archive->dir);
    const struct dirent *entry = NULL;
    samlc_archived_t *about = NULL;

    while (dir && (entry = readdir(dir)) != NULL) {
        if (is_digest(entry->d_name)) {
            about = apr_array_push(list);
            if (samlc_archive_describe(about, archive, entry->d_name, res, p) != APR_SUCCESS) {
                memset(about, 0, sizeof(*about));
                about->digest_hex = apr_pstrdup(p, entry->d_name);
            }
        }
    }
    if (dir) {
        closedir(dir);
    }
    qsort(list->elts, (size_t)list->nelts, sizeof(samlc_archived_t), compare_archived);
    return list;
}

apr_array_header_t *samlc_archive_list(const samlc_archive_t *archive, apr_pool_t *p)
{
    apr_array_header_t *list = list_all(archive, p);

    while (list->nelts > 0
           && !APR_ARRAY_IDX(list, list->nelts - 1, samlc_archived_t).trust_dir) {
        list->nelts--;
    }
    return list;
}

/* `keep` stays whatever the clock said when it was accepted. */
static apr_status_t remove_oldest(const samlc_archive_t *archive, const char *keep,
                                  samlc_result_t *res, apr_pool_t *p)
{
    const apr_array_header_t *list = list_all(archive, p);
    const char *digest_hex = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    for (i = archive->max; i < list->nelts && rv == APR_SUCCESS; i++) {
        digest_hex = APR_ARRAY_IDX(list, i, samlc_archived_t).digest_hex;
        if (strcmp(digest_hex, keep) != 0) {
            rv = samlc_file_remove_tree(path_of(archive, digest_hex, p), res);
        }
    }
    return rv;
}

/* ---- Writing about a copy ---- */

/* What was kept before this one, from the same place; NULL if nothing was. */
static const samlc_archived_t *find_previous(const apr_array_header_t *list,
                                             const samlc_source_t *source,
                                             const samlc_snapshot_t *snapshot)
{
    const samlc_archived_t *about = NULL;
    int i = 0;

    for (i = 0; i < list->nelts; i++) {
        about = &APR_ARRAY_IDX(list, i, samlc_archived_t);
        if (strcmp(about->digest_hex, snapshot->digest_hex) != 0
            && samlc_text_equal(about->trust_dir, source->dir)) {
            return about;
        }
    }
    return NULL;
}

/* The last change by samlcertctl explains a generation if it ended in the same content. */
static void add_reason(apr_array_header_t *lines, const samlc_source_t *source,
                       const samlc_snapshot_t *snapshot, const samlc_archived_t *previous,
                       apr_pool_t *p)
{
    apr_array_header_t *records = NULL;
    const samlc_record_t *last = NULL;

    if (samlc_record_read(&records, source->dir, samlc_result_make(p), p) == APR_SUCCESS
        && records->nelts > 0) {
        last = &APR_ARRAY_IDX(records, records->nelts - 1, samlc_record_t);
    }
    if (!last || strcmp(last->digest_hex, snapshot->digest_hex) != 0) {
        APR_ARRAY_PUSH(lines, const char *) = previous ? "reason edit\n" : "reason start\n";
        return;
    }
    APR_ARRAY_PUSH(lines, const char *) =
        apr_psprintf(p, "reason %s\nauthor %s\n", samlc_text_show(last->reason, p),
                     samlc_text_show(last->author, p));
}

/* What it changed. A generation that can't be loaded any more is not compared with. */
static void add_differences(apr_array_header_t *lines, const samlc_archive_t *archive,
                            const samlc_source_t *source, const samlc_snapshot_t *snapshot,
                            const samlc_archived_t *previous, apr_pool_t *p)
{
    const apr_array_header_t *all = NULL;
    samlc_snapshot_t *before = NULL;
    int i = 0;

    if (!previous
        || samlc_archive_load(&before, archive, source, previous->digest_hex, snapshot->loaded_at,
                              samlc_result_make(p), p)
               != APR_SUCCESS) {
        return;
    }
    all = samlc_difference_make(before, snapshot, p);
    APR_ARRAY_PUSH(lines, const char *) =
        apr_psprintf(p, "before %s\n", previous->digest_hex);
    for (i = 0; i < all->nelts && i < MAX_DIFFERENCES; i++) {
        APR_ARRAY_PUSH(lines, const char *) = apr_psprintf(
            p, "difference %s\n",
            samlc_difference_sentence(&APR_ARRAY_IDX(all, i, samlc_difference_t), p));
    }
    if (i < all->nelts) {
        APR_ARRAY_PUSH(lines, const char *) =
            apr_psprintf(p, "difference and %d more\n", all->nelts - i);
    }
    samlc_snapshot_destroy(before);
}

/* Whoever serves it again, after a restart, leaves alone what is said about its acceptance. */
static apr_status_t write_about(const samlc_archive_t *archive, const samlc_source_t *source,
                                const samlc_snapshot_t *snapshot, samlc_result_t *res,
                                apr_pool_t *p)
{
    const apr_array_header_t *list = list_all(archive, p);
    const samlc_archived_t *last =
        list->nelts > 0 ? &APR_ARRAY_IDX(list, 0, samlc_archived_t) : NULL;
    const samlc_archived_t *previous = find_previous(list, source, snapshot);
    const char *name = apr_pstrcat(p, snapshot->digest_hex, "/about", NULL);
    apr_array_header_t *lines = apr_array_make(p, 8, sizeof(const char *));
    const char *text = NULL;
    int i = 0;

    if (last && strcmp(last->digest_hex, snapshot->digest_hex) == 0
        && last->number == snapshot->number && samlc_text_equal(last->trust_dir, source->dir)) {
        return APR_SUCCESS;
    }
    APR_ARRAY_PUSH(lines, const char *) =
        apr_psprintf(p, "digest %s\nnumber %" APR_UINT64_T_FMT "\naccepted %s\ntrust-dir %s\n",
                     snapshot->digest_hex, snapshot->number,
                     samlc_clock_format(snapshot->loaded_at, p), source->dir);
    add_reason(lines, source, snapshot, previous, p);
    add_differences(lines, archive, source, snapshot, previous, p);
    for (i = 0; i < snapshot->lent->nelts; i++) {
        APR_ARRAY_PUSH(lines, const char *) = apr_psprintf(
            p, "left-out %s\n", APR_ARRAY_IDX(snapshot->lent, i, const char *));
    }
    text = apr_array_pstrcat(p, lines, 0);
    return samlc_file_replace(path_of(archive, name, p), text, strlen(text), PRIVATE_FILE, res, p);
}

apr_status_t samlc_archive_save(const samlc_archive_t *archive, const samlc_source_t *source,
                                const samlc_snapshot_t *snapshot, samlc_result_t *res,
                                apr_pool_t *p)
{
    int lock = -1;
    apr_status_t rv = take_lock(&lock, archive, res, p);

    if (rv == APR_SUCCESS
        && !is_copy(archive, snapshot->digest_hex, source, snapshot, samlc_result_make(p), p)) {
        rv = make_copy(archive, source, snapshot, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = write_about(archive, source, snapshot, res, p);
    }
    if (rv == APR_SUCCESS) {
        rv = remove_oldest(archive, snapshot->digest_hex, res, p);
    }
    if (lock >= 0) {
        close(lock);
    }
    return rv;
}
