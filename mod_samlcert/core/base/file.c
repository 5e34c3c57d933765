/* SPDX-License-Identifier: Apache-2.0 */
/* Plain POSIX: apr_file_open can neither open without blocking nor sync a directory. */
#include "core/base/file.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_OPEN_DIRS 16

/* Records what errno says about `path`. */
static apr_status_t fail_errno(samlc_result_t *res, const char *path, const char *what)
{
    apr_status_t rv = APR_FROM_OS_ERROR(errno);
    char reason[128];

    return samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s: cannot %s: %s", path, what,
                             apr_strerror(rv, reason, sizeof(reason)));
}

/* Reads until `len` bytes are there or the file ends; how many, or -1. */
static ssize_t read_all(int fd, unsigned char *buffer, apr_size_t len)
{
    apr_size_t got = 0;
    ssize_t n = 0;

    while (got < len) {
        n = read(fd, buffer + got, len - got);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        if (n == 0) {
            break;
        }
        got += (apr_size_t)n;
    }
    return (ssize_t)got;
}

apr_status_t samlc_file_read_open(samlc_data_t *out, int fd, const char *path, apr_size_t max,
                                  samlc_result_t *res, apr_pool_t *p)
{
    struct stat st;
    unsigned char *buffer = NULL;
    apr_size_t len = 0;
    ssize_t got = 0;

    out->data = NULL;
    out->len = 0;
    out->origin = path;
    if (fstat(fd, &st) != 0) {
        return fail_errno(res, path, "look at it");
    }
    if (!S_ISREG(st.st_mode)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: not a regular file", path);
    }
    if ((apr_uint64_t)st.st_size > max) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_TOO_LARGE,
                                 "%s: %" APR_INT64_T_FMT " bytes, but at most %" APR_SIZE_T_FMT
                                 " are read", path, (apr_int64_t)st.st_size, max);
    }
    len = (apr_size_t)st.st_size;
    buffer = apr_palloc(p, len + 1);
    got = read_all(fd, buffer, len + 1);   /* one more, to see that this was the end */
    if (got < 0) {
        return fail_errno(res, path, "read");
    }
    if ((apr_size_t)got != len) {
        return samlc_result_fail(res, APR_EAGAIN, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: changed while it was read", path);
    }
    buffer[len] = '\0';
    out->data = buffer;
    out->len = len;
    return APR_SUCCESS;
}

apr_status_t samlc_file_read(samlc_data_t *out, const char *path, apr_size_t max,
                             samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_EGENERAL;
    int fd = -1;

    out->data = NULL;
    out->len = 0;
    out->origin = path;
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(res, path, "open");
    }
    rv = samlc_file_read_open(out, fd, path, max, res, p);
    close(fd);
    return rv;
}

static int write_all(int fd, const char *data, apr_size_t len)
{
    ssize_t n = 0;

    while (len > 0) {
        n = write(fd, data, len);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return -1;
        }
        data += n;
        len -= (apr_size_t)n;
    }
    return 0;
}

/* APR spreads permissions over hex digits (0x640), POSIX over octal ones (0640). */
static mode_t mode_of(apr_fileperms_t perms)
{
    return (mode_t)(((perms >> 8 & 7) << 6) | ((perms >> 4 & 7) << 3) | (perms & 7));
}

/* Makes sure that the name, too, survives a power cut. */
static int sync_directory(const char *dir)
{
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int rc = -1;

    if (fd >= 0) {
        rc = fsync(fd);
        close(fd);
    }
    return rc;
}

/* A complete, synced temporary beside `path`; none is left behind on failure. */
static apr_status_t write_temporary(char **ptemp, const char *dir, const char *path,
                                    const void *data, apr_size_t len, apr_fileperms_t perms,
                                    samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_EGENERAL;
    char *temp = apr_pstrcat(p, dir, "/.samlcert-XXXXXX", NULL);
    int fd = -1;
    int rc = -1;

    *ptemp = NULL;
    fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        return fail_errno(res, path, "make a temporary file beside it");
    }
    if (fchmod(fd, mode_of(perms)) != 0) {
        rv = fail_errno(res, path, "set its permissions");
        goto out;
    }
    if (write_all(fd, data, len) != 0 || fsync(fd) != 0) {
        rv = fail_errno(res, path, "write");
        goto out;
    }
    rc = close(fd);
    fd = -1;
    if (rc != 0) {
        rv = fail_errno(res, path, "write");
        goto out;
    }
    *ptemp = temp;
    rv = APR_SUCCESS;
out:
    if (fd >= 0) {
        close(fd);
    }
    if (rv != APR_SUCCESS) {
        unlink(temp);
    }
    return rv;
}

static const char *directory_of(const char *path, apr_pool_t *p)
{
    const char *slash = strrchr(path, '/');

    if (!slash) {
        return ".";
    }
    return slash == path ? "/" : apr_pstrmemdup(p, path, (apr_size_t)(slash - path));
}

apr_status_t samlc_file_replace(const char *path, const void *data, apr_size_t len,
                                apr_fileperms_t perms, samlc_result_t *res, apr_pool_t *p)
{
    const char *dir = directory_of(path, p);
    char *temp = NULL;
    apr_status_t rv = write_temporary(&temp, dir, path, data, len, perms, res, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (rename(temp, path) != 0) {
        rv = fail_errno(res, path, "replace");
        unlink(temp);
        return rv;
    }
    if (sync_directory(dir) != 0) {
        return fail_errno(res, path, "sync its directory");
    }
    return APR_SUCCESS;
}

apr_status_t samlc_file_create(const char *path, const void *data, apr_size_t len,
                               apr_fileperms_t perms, samlc_result_t *res, apr_pool_t *p)
{
    const char *dir = directory_of(path, p);
    char *temp = NULL;
    apr_status_t rv = write_temporary(&temp, dir, path, data, len, perms, res, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (link(temp, path) != 0) {   /* unlike rename, refuses where there is a file */
        rv = fail_errno(res, path, "create");
    }
    unlink(temp);
    if (rv == APR_SUCCESS && sync_directory(dir) != 0) {
        rv = fail_errno(res, path, "sync its directory");
    }
    return rv;
}

apr_status_t samlc_file_sync_dir(const char *path, samlc_result_t *res)
{
    return sync_directory(path) == 0 ? APR_SUCCESS : fail_errno(res, path, "sync");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

apr_status_t samlc_file_remove_tree(const char *path, samlc_result_t *res)
{
    if (nftw(path, remove_one, MAX_OPEN_DIRS, FTW_DEPTH | FTW_PHYS) != 0 && errno != ENOENT) {
        return fail_errno(res, path, "remove");
    }
    return APR_SUCCESS;
}
