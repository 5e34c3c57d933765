/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/mount.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* TRUE if `dir` has no such name: no file, and no link to nothing either. */
static int is_missing(int dir, const char *name)
{
    struct stat st;

    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT;
}

/* TRUE for a link through ..data that leads to nothing. */
static int is_left_over(int dir, const char *name)
{
    struct stat st;
    char target[sizeof(SAMLC_MOUNT_DATA)];
    ssize_t len = readlinkat(dir, name, target, sizeof(target));

    return len == (ssize_t)sizeof(target)
        && memcmp(target, SAMLC_MOUNT_DATA "/", sizeof(target)) == 0
        && fstatat(dir, name, &st, 0) != 0 && errno == ENOENT;
}

/* TRUE if `is_odd` says so of any name in `from`, as seen in `dir`. Hidden ones don't count. */
static int is_any(int dir, const char *from, int (*is_odd)(int dir, const char *name))
{
    const struct dirent *entry = NULL;
    int found = 0;
    int fd = openat(dir, from, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *names = fd >= 0 ? fdopendir(fd) : NULL;

    if (!names) {
        if (fd >= 0) {
            close(fd);
        }
        return 0;
    }
    while (!found && (entry = readdir(names)) != NULL) {
        found = entry->d_name[0] != '.' && is_odd(dir, entry->d_name);
    }
    closedir(names);
    return found;
}

int samlc_mount_is_half_flipped(int dir, apr_time_t now)
{
    struct stat st;
    apr_time_t flipped = 0;

    if (fstatat(dir, SAMLC_MOUNT_DATA, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISLNK(st.st_mode)) {
        return 0;
    }
    flipped = apr_time_from_sec(st.st_ctim.tv_sec) + st.st_ctim.tv_nsec / 1000;
    if (flipped + SAMLC_MOUNT_FLIP_TIME <= now || flipped >= now + SAMLC_MOUNT_FLIP_TIME) {
        return 0;    /* long ago, or by another clock than ours */
    }
    return is_any(dir, SAMLC_MOUNT_DATA, is_missing) || is_any(dir, ".", is_left_over);
}
