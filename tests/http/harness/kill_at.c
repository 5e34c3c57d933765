/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a command: kills it, as kill -9 does, right before its KILL_AT-th call of those
 * that change anything on disk.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void step(void)
{
    static int steps;
    const char *at = getenv("KILL_AT");

    if (at && ++steps == atoi(at)) {
        kill(getpid(), SIGKILL);
    }
}

#define STEP(type, name, parameters, arguments) \
    type name parameters \
    { \
        type(*real) parameters = (type(*) parameters)dlsym(RTLD_NEXT, #name); \
        step(); \
        return real arguments; \
    }

STEP(int, rename, (const char *from, const char *to), (from, to))
STEP(int, unlink, (const char *path), (path))
STEP(int, remove, (const char *path), (path))
STEP(int, rmdir, (const char *path), (path))
STEP(int, mkdir, (const char *path, mode_t mode), (path, mode))
STEP(int, symlink, (const char *target, const char *path), (target, path))
STEP(int, chmod, (const char *path, mode_t mode), (path, mode))
STEP(int, fchmod, (int fd, mode_t mode), (fd, mode))
STEP(int, fchown, (int fd, uid_t uid, gid_t gid), (fd, uid, gid))
STEP(int, fsync, (int fd), (fd))
STEP(int, flock, (int fd, int operation), (fd, operation))
STEP(char *, mkdtemp, (char *name), (name))
STEP(int, mkostemp, (char *name, int flags), (name, flags))
STEP(ssize_t, write, (int fd, const void *bytes, size_t len), (fd, bytes, len))

static int open_with(const char *name, const char *path, int flags, mode_t mode)
{
    int (*real)(const char *, int, ...) = (int (*)(const char *, int, ...))dlsym(RTLD_NEXT, name);

    if (flags & (O_CREAT | O_TRUNC)) {
        step();
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
