/* SPDX-License-Identifier: Apache-2.0 */
/* Plain POSIX and Linux: APR passes no descriptors and resolves no path beneath a directory. */
#include "core/keys/broker.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#ifdef SYS_openat2
#include <linux/openat2.h>
#endif

#include "core/base/writers.h"

#define MAGIC 0x53414d4b     /* "SAMK": a stray message is not a request */
#define MAX_SET 64
#define SET_CHARACTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define PATIENCE apr_time_from_sec(2)    /* of a client */
#define HANG 5                           /* seconds that the broker gives one request */

typedef struct request_t {
    apr_uint32_t magic;
    apr_uint32_t realm;
    apr_uint32_t role;
    char set[MAX_SET + 1];               /* with its NUL */
} request_t;

typedef struct reply_t {
    apr_int32_t error;                   /* an errno; 0: a descriptor comes with it */
} reply_t;

/* ---- Messages with a descriptor ---- */

typedef union control_t {
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int))];
} control_t;

/* Sends `len` bytes, and `fd` if it is not -1. Never blocks. FALSE with errno. */
static int send_with(int socket, const void *bytes, size_t len, int fd)
{
    struct iovec part = {(void *)bytes, len};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct cmsghdr *header = NULL;
    control_t control;

    memset(&control, 0, sizeof(control));
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof(control.bytes);
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof(int));
    }
    return sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len;
}

/*
 * Receives one message; *fd is what came with it, or -1. How many bytes (0 if it was longer), or -1
 * with errno; never blocks. There is room for one descriptor, by CMSG_LEN, as CMSG_SPACE would have
 * room for two: what is too many the kernel closes.
 */
static ssize_t receive_with(int *fd, int socket, void *bytes, size_t len)
{
    struct iovec part = {bytes, len};
    control_t control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = CMSG_LEN(sizeof(int))};
    struct cmsghdr *header = NULL;
    ssize_t got = -1;

    *fd = -1;
    memset(&control, 0, sizeof(control));
    got = recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (got < 0) {
        return -1;
    }
    header = CMSG_FIRSTHDR(&message);
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
        && header->cmsg_len == CMSG_LEN(sizeof(int))) {
        memcpy(fd, CMSG_DATA(header), sizeof(int));
    }
    return (message.msg_flags & MSG_TRUNC) ? 0 : got;
}

/* ---- Opening a key ---- */

static int is_set(const char *set)
{
    size_t len = strlen(set);

    return len > 0 && len <= MAX_SET && set[0] != '.' && strspn(set, SET_CHARACTERS) == len;
}

/* Opens `name`, which may be a link to something that is beneath `dir`, too. */
static int open_beneath(int dir, const char *name, int flags)
{
#ifdef SYS_openat2
    struct open_how how = {.flags = (unsigned long long)flags,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    long fd = syscall(SYS_openat2, dir, name, &how, sizeof(how));

    if (fd >= 0 || (errno != ENOSYS && errno != EPERM)) {    /* EPERM: by an old seccomp filter */
        return (int)fd;
    }
#endif
    return openat(dir, name, flags | O_NOFOLLOW);
}

static int is_safe_dir(int fd, const samlc_shelf_t *shelf)
{
    uid_t server_uid = shelf->server_uid == shelf->owner ? (uid_t)-1 : shelf->server_uid;
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return 0;
    }
    if (samlc_writer_of(&st, server_uid, shelf->server_gid) && !samlc_is_mounted_read_only(fd)) {
        errno = EACCES;
        return 0;
    }
    return 1;
}

/* From one directory to the next; closes the first. -1 with errno. */
static int step_down(int dir, const char *name, const samlc_shelf_t *shelf)
{
    int next = -1;
    int err = 0;

    if (dir >= 0) {
        next = open_beneath(dir, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
        err = errno;
        close(dir);
        errno = err;
    }
    if (next >= 0 && !is_safe_dir(next, shelf)) {
        err = errno;
        close(next);
        errno = err;
        next = -1;
    }
    return next;
}

/* What is open must be a key file: regular, and root's. */
static int is_key_file(int fd, const samlc_shelf_t *shelf)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return 0;
    }
    errno = !S_ISREG(st.st_mode) ? EINVAL : EPERM;
    return S_ISREG(st.st_mode) && st.st_uid == shelf->owner;
}

int samlc_shelf_open(const samlc_shelf_t *shelf, apr_uint32_t realm, const char *set,
                     samlc_own_role_t role)
{
    char name[16];
    int dir = -1;
    int fd = -1;
    int err = 0;

    if (realm >= (apr_uint32_t)shelf->dirs->nelts || (unsigned int)role >= SAMLC_OWN_COUNT
        || !is_set(set)) {
        errno = EINVAL;
        return -1;
    }
    dir = open(APR_ARRAY_IDX(shelf->dirs, (int)realm, const char *),
               O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir >= 0 && !is_safe_dir(dir, shelf)) {
        close(dir);
        errno = EACCES;
        return -1;
    }
    dir = step_down(dir, "sp", shelf);
    dir = step_down(dir, set, shelf);
    if (dir < 0) {
        return -1;
    }
    apr_snprintf(name, sizeof(name), "%s.key", samlc_own_role_word(role));
    fd = open_beneath(dir, name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    err = errno;
    close(dir);
    if (fd >= 0 && !is_key_file(fd, shelf)) {
        err = errno;
        close(fd);
        fd = -1;
    }
    errno = err;
    return fd;
}

const char *samlc_shelf_why(int error, apr_pool_t *p)
{
    char reason[128];

    switch (error) {
    case EPERM:
        return "it does not belong to root";
    case EACCES:
        return "the server's user, its group or everybody can write a directory on the way to it";
    case EXDEV:
    case ELOOP:
        return "a symbolic link leads out of its directory";
    case EINVAL:
        return "not a regular file below sp/SET";
    default:
        return apr_pstrdup(p, apr_strerror(APR_FROM_OS_ERROR(error), reason, sizeof(reason)));
    }
}

/* ---- The broker ---- */

static int is_request(const request_t *request, ssize_t len)
{
    return len == (ssize_t)sizeof(*request) && request->magic == MAGIC
        && memchr(request->set, '\0', sizeof(request->set)) != NULL;
}

/* What is no request is thrown away without an answer. */
static void serve_one(int socket, const samlc_shelf_t *shelf)
{
    request_t request;
    reply_t reply = {0};
    int back = -1;
    int fd = -1;
    ssize_t len = receive_with(&back, socket, &request, sizeof(request));

    if (back >= 0 && is_request(&request, len)) {
        fd = samlc_shelf_open(shelf, request.realm, request.set, (samlc_own_role_t)request.role);
        reply.error = fd < 0 ? errno : 0;
        send_with(back, &reply, sizeof(reply), fd);
    }
    if (fd >= 0) {
        close(fd);
    }
    if (back >= 0) {
        close(back);
    }
}

/* No more than so many requests in a second: what is too much waits in the socket. */
static void wait_for_turn(apr_time_t *second, int *served)
{
    apr_time_t now = apr_time_now();

    if (now < *second || now >= *second + APR_USEC_PER_SEC) {
        *second = now;
        *served = 0;
    }
    if (*served >= SAMLC_BROKER_RATE) {
        apr_sleep(*second + APR_USEC_PER_SEC - now);
        *second = apr_time_now();
        *served = 0;
    }
    (*served)++;
}

void samlc_broker_serve(int socket, const samlc_shelf_t *shelf)
{
    struct pollfd look = {.fd = socket, .events = POLLIN};
    apr_time_t second = 0;
    int served = 0;

    do {
        look.revents = 0;
        if (poll(&look, 1, -1) > 0 && (look.revents & POLLIN)) {
            wait_for_turn(&second, &served);
            alarm(HANG);
            serve_one(socket, shelf);
            alarm(0);
        }
    } while (!(look.revents & (POLLHUP | POLLERR | POLLNVAL)));
}

/* ---- A client ---- */

/* FALSE with errno if nothing came in time. */
static int wait_for(int socket, short events, apr_time_t until)
{
    struct pollfd look = {.fd = socket, .events = events};
    apr_time_t now = apr_time_now();
    int ready = 0;

    do {
        ready = now < until ? poll(&look, 1, (int)apr_time_as_msec(until - now) + 1) : 0;
        now = apr_time_now();
    } while (ready < 0 && errno == EINTR);
    if (ready == 0) {
        errno = ETIMEDOUT;
    }
    return ready > 0;
}

/* Sends the request with the end for the reply. FALSE with errno. */
static int send_request(const samlc_broker_t *broker, const request_t *request, int back,
                        apr_time_t until)
{
    while (!send_with(broker->socket, request, sizeof(*request), back)) {
        if ((errno != EAGAIN && errno != EINTR) || !wait_for(broker->socket, POLLOUT, until)) {
            return 0;
        }
    }
    return 1;
}

/* A descriptor, or -1; *error is the broker's errno, or 0 if it gave no answer: errno then. */
static int converse(int *error, const samlc_broker_t *broker, const request_t *request)
{
    apr_time_t until = apr_time_now() + PATIENCE;
    reply_t reply = {0};
    int ends[2] = {-1, -1};
    int is_sent = 0;
    int fd = -1;
    int err = 0;
    ssize_t got = -1;

    *error = 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        return -1;
    }
    is_sent = send_request(broker, request, ends[1], until);
    err = errno;
    close(ends[1]);    /* so that a broker that dies is noticed */
    if (is_sent && wait_for(ends[0], POLLIN, until)) {
        got = receive_with(&fd, ends[0], &reply, sizeof(reply));
        errno = EPIPE;
    }
    err = is_sent ? errno : err;
    close(ends[0]);
    errno = err;
    if (got == (ssize_t)sizeof(reply)) {
        *error = reply.error;
    }
    return fd;
}

apr_status_t samlc_broker_ask(int *fd, const samlc_broker_t *broker, const char *set,
                              samlc_own_role_t role, const char *path, samlc_result_t *res)
{
    request_t request;
    int error = 0;
    int err = 0;

    *fd = -1;
    memset(&request, 0, sizeof(request));
    request.magic = MAGIC;
    request.realm = broker->realm;
    request.role = (apr_uint32_t)role;
    apr_cpystrn(request.set, set, sizeof(request.set));
    *fd = converse(&error, broker, &request);
    err = errno;
    if (*fd >= 0) {
        return APR_SUCCESS;
    }
    if (error != 0) {
        return samlc_result_fail(res, APR_EACCES, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: the key broker does not hand it out: %s", path,
                                 samlc_shelf_why(error, res->pool));
    }
    return samlc_result_fail(res, APR_FROM_OS_ERROR(err), SAMLC_REASON_FILE_UNREADABLE,
                             "%s: we may not read it, and the key broker gives no answer: %s",
                             path, samlc_shelf_why(err, res->pool));
}
