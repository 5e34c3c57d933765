/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a command: right before its KILL_AT-th call of those that change anything on disk
 * it is killed, as by kill -9; its FULL_AT-th fails, as on a disk that is full.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* TRUE if this call is to fail. */
static int step(void)
{
    static int steps;
    const char *killed = getenv("KILL_AT");
    const char *full = getenv("FULL_AT");

    steps++;
    if (killed && steps == atoi(killed)) {
        kill(getpid(), SIGKILL);
    }
    errno = ENOSPC;
    return full && steps == atoi(full);
}

#define STEP(type, failed, name, parameters, arguments) \
    type name parameters \
    { \
        type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
        return step() ? failed : real arguments; \
    }

STEP(int, -1, rename, (const char *from, const char *to), (from, to))
STEP(int, -1, unlink, (const char *path), (path))
STEP(int, -1, remove, (const char *path), (path))
STEP(int, -1, rmdir, (const char *path), (path))
STEP(int, -1, mkdir, (const char *path, mode_t mode), (path, mode))
STEP(int, -1, symlink, (const char *target, const char *path), (target, path))
STEP(int, -1, chmod, (const char *path, mode_t mode), (path, mode))
STEP(int, -1, fchmod, (int fd, mode_t mode), (fd, mode))
STEP(int, -1, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
STEP(int, -1, fsync, (int fd), (fd))
STEP(int, -1, flock, (int fd, int operation), (fd, operation))
STEP(char *, NULL, mkdtemp, (char *name), (name))
STEP(int, -1, mkostemp, (char *name, int flags), (name, flags))
STEP(ssize_t, -1, write, (int fd, const void *bytes, size_t len), (fd, bytes, len))

static int open_with(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);

    if ((flags & (O_CREAT | O_TRUNC)) && step()) {
        return -1;
    }
    return real(path, flags, mode);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) \
    { \
        va_list args; \
        mode_t mode = 0; \
        va_start(args, flags); \
        mode = flags & O_CREAT ? va_arg(args, mode_t) : 0; \
        va_end(args); \
        return open_with(#name, path, flags, mode); \
    }

OPEN(open)
OPEN(open64)
