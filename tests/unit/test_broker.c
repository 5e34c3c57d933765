/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/broker.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define STRANGER 64999    /* a user and group that own nothing */

static apr_pool_t *p;
static const char *dir;
static samlc_shelf_t shelf;
static samlc_broker_t broker;
static int broker_end;
static pid_t pid;

static const char *at(const char *name)
{
    return test_path(p, dir, name);
}

/* The shelf belongs to whoever runs the tests, in the place of root. */
static void setup(void)
{
    apr_array_header_t *dirs = NULL;

    p = test_pool();
    dir = test_dir(p);
    dirs = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(dirs, const char *) = dir;
    shelf.dirs = dirs;
    shelf.owner = geteuid();
    shelf.server_uid = STRANGER;
    shelf.server_gid = STRANGER;
    ck_assert_int_eq(mkdir(at("sp"), 0755), 0);
    ck_assert_int_eq(mkdir(at("sp/default"), 0755), 0);
    test_write(at("sp/default/active.key"), "the active key");
    test_write(at("sp/default/next.key"), "the next key");
    test_write(at("secret"), "not for you");
    ck_assert_int_eq(chmod(at("sp/default/active.key"), 0600), 0);
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

/* ---- The shelf ---- */

static void assert_opens(const char *set, samlc_own_role_t role, const char *text)
{
    char bytes[64];
    int fd = samlc_shelf_open(&shelf, 0, set, role);
    ssize_t len = 0;

    ck_assert_msg(fd >= 0, "%s: %s", text, strerror(errno));
    len = read(fd, bytes, sizeof(bytes));
    ck_assert_int_eq(len, (ssize_t)strlen(text));
    ck_assert_mem_eq(bytes, text, strlen(text));
    ck_assert_int_eq(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void assert_fails(apr_uint32_t realm, const char *set, samlc_own_role_t role, int error)
{
    errno = 0;
    ck_assert_int_eq(samlc_shelf_open(&shelf, realm, set, role), -1);
    ck_assert_msg(errno == error, "%s instead of %s", strerror(errno), strerror(error));
    ck_assert_str_ne(samlc_shelf_why(error, p), "");
}

START_TEST(shelf_opens_keys_of_a_set)
{
    assert_opens("default", SAMLC_OWN_ACTIVE, "the active key");
    assert_opens("default", SAMLC_OWN_NEXT, "the next key");
    assert_fails(0, "default", SAMLC_OWN_RETIRING, ENOENT);
    assert_fails(0, "other", SAMLC_OWN_ACTIVE, ENOENT);
}
END_TEST

/* A name is a name: nothing that leads elsewhere. */
static const char *const no_sets[] = {
    "", ".", "..", "../default", "default/", "default/../default", "/etc", ".hidden", "a b",
    "default\n", ("d\xc3\xa9" "faut"),
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",    /* 65 */
};

START_TEST(shelf_refuses_what_is_no_name)
{
    assert_fails(0, no_sets[_i], SAMLC_OWN_ACTIVE, EINVAL);
}
END_TEST

START_TEST(shelf_refuses_unknown_realms_and_roles)
{
    assert_opens("default", SAMLC_OWN_ACTIVE, "the active key");
    assert_fails(1, "default", SAMLC_OWN_ACTIVE, EINVAL);
    assert_fails(0xffffffffu, "default", SAMLC_OWN_ACTIVE, EINVAL);
    assert_fails(0, "default", SAMLC_OWN_COUNT, EINVAL);
    assert_fails(0, "default", (samlc_own_role_t)-1, EINVAL);
}
END_TEST

/* As orchestrators mount secrets: active.key -> ..data/active.key, ..data -> ..2026/. */
START_TEST(shelf_follows_links_within_the_set_only)
{
    ck_assert_int_eq(mkdir(at("sp/default/..2026"), 0755), 0);
    ck_assert_int_eq(symlink("..2026", at("sp/default/..data")), 0);
    test_write(at("sp/default/..2026/retiring.key"), "mounted");
    ck_assert_int_eq(symlink("..data/retiring.key", at("sp/default/retiring.key")), 0);
    assert_opens("default", SAMLC_OWN_RETIRING, "mounted");

    ck_assert_int_eq(unlink(at("sp/default/next.key")), 0);
    ck_assert_int_eq(symlink("../../secret", at("sp/default/next.key")), 0);
    assert_fails(0, "default", SAMLC_OWN_NEXT, EXDEV);
    ck_assert_int_eq(unlink(at("sp/default/next.key")), 0);
    ck_assert_int_eq(symlink(at("secret"), at("sp/default/next.key")), 0);
    assert_fails(0, "default", SAMLC_OWN_NEXT, EXDEV);
    ck_assert_int_eq(symlink(at("sp/default"), at("sp/away")), 0);
    assert_fails(0, "away", SAMLC_OWN_ACTIVE, EXDEV);
}
END_TEST

START_TEST(shelf_refuses_what_is_no_file)
{
    ck_assert_int_eq(mkdir(at("sp/default/retiring.key"), 0755), 0);
    assert_fails(0, "default", SAMLC_OWN_RETIRING, EINVAL);
    ck_assert_int_eq(rmdir(at("sp/default/retiring.key")), 0);
    ck_assert_int_eq(mkfifo(at("sp/default/retiring.key"), 0600), 0);
    assert_fails(0, "default", SAMLC_OWN_RETIRING, EINVAL);
    test_write(at("sp/file"), "no directory");
    assert_fails(0, "file", SAMLC_OWN_ACTIVE, ENOTDIR);
}
END_TEST

START_TEST(shelf_refuses_files_of_others)
{
    assert_opens("default", SAMLC_OWN_ACTIVE, "the active key");
    shelf.owner = STRANGER;
    assert_fails(0, "default", SAMLC_OWN_ACTIVE, EPERM);
}
END_TEST

static const char *const on_the_way[] = {"", "sp", "sp/default"};

START_TEST(shelf_refuses_directories_that_others_write)
{
    const char *path = at(on_the_way[_i]);

    assert_opens("default", SAMLC_OWN_ACTIVE, "the active key");
    ck_assert_int_eq(chmod(path, 0757), 0);
    assert_fails(0, "default", SAMLC_OWN_ACTIVE, EACCES);
    ck_assert_int_eq(chmod(path, 0775), 0);
    assert_opens("default", SAMLC_OWN_ACTIVE, "the active key");
    shelf.server_gid = getegid();
    assert_fails(0, "default", SAMLC_OWN_ACTIVE, EACCES);
    ck_assert_int_eq(chmod(path, 0755), 0);
    assert_opens("default", SAMLC_OWN_ACTIVE, "the active key");
    shelf.server_uid = geteuid();
    shelf.owner = STRANGER;
    assert_fails(0, "default", SAMLC_OWN_ACTIVE, EACCES);
}
END_TEST

/* ---- The broker ---- */

static void start(void)
{
    int ends[2];

    setup();
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    broker_end = ends[0];
    broker.socket = ends[1];
    broker.realm = 0;
    pid = fork();
    if (pid == 0) {
        close(ends[1]);
        signal(SIGALRM, SIG_DFL);    /* Check has a use of its own for it */
        samlc_broker_serve(ends[0], &shelf);
        _exit(0);
    }
}

/* It ends when its last client has gone. */
static void stop(void)
{
    int status = -1;

    close(broker_end);
    close(broker.socket);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_int_eq(status, 0);
    teardown();
}

static void assert_served(void)
{
    samlc_result_t *res = samlc_result_make(p);
    char bytes[64];
    int fd = -1;
    apr_status_t rv = samlc_broker_ask(&fd, &broker, "default", SAMLC_OWN_ACTIVE, "PATH", res);

    ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
    ck_assert_int_eq(read(fd, bytes, sizeof(bytes)), 14);
    ck_assert_mem_eq(bytes, "the active key", 14);
    ck_assert_int_eq(fcntl(fd, F_GETFD), FD_CLOEXEC);
    close(fd);
}

static void assert_not_served(const char *set, samlc_own_role_t role, const char *words)
{
    samlc_result_t *res = samlc_result_make(p);
    int fd = 0;

    ck_assert_int_ne(samlc_broker_ask(&fd, &broker, set, role, "PATH", res), APR_SUCCESS);
    ck_assert_int_eq(fd, -1);
    ck_assert_int_eq(res->reason, SAMLC_REASON_FILE_UNREADABLE);
    ck_assert_msg(strncmp(res->message, "PATH: ", 6) == 0 && strstr(res->message, words), "%s",
                  res->message);
}

START_TEST(broker_serves)
{
    assert_served();
    assert_not_served("default", SAMLC_OWN_RETIRING, "No such file");
    assert_not_served("../default", SAMLC_OWN_ACTIVE, "not a regular file below sp/SET");
    assert_served();
}
END_TEST

START_TEST(broker_serves_many_at_once)
{
    pid_t pids[8];
    int status = -1;
    int i = 0;
    int k = 0;

    for (i = 0; i < 8; i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            for (k = 0; k < 10; k++) {
                assert_served();
            }
            _exit(0);
        }
    }
    for (i = 0; i < 8; i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert_int_eq(status, 0);
    }
}
END_TEST

/* Sends `len` bytes with `count` descriptors. */
static void throw_at_it(const void *bytes, size_t len, const int *fds, int count)
{
    struct iovec part = {(void *)bytes, len};
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    struct cmsghdr *header = NULL;

    memset(&control, 0, sizeof(control));
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
        header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, (size_t)count * sizeof(int));
    }
    ck_assert_int_eq(sendmsg(broker.socket, &message, MSG_NOSIGNAL), (ssize_t)len);
}

/* How many the broker has open, once it has had the time to close what it handed out. */
static int open_descriptors(void)
{
    char path[64];
    int fd = 0;
    int count = 0;

    apr_sleep(apr_time_from_msec(100));
    for (fd = 0; fd < 256; fd++) {
        struct stat st;

        apr_snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
        count += lstat(path, &st) == 0;
    }
    return count;
}

START_TEST(broker_ignores_garbage)
{
    unsigned char bytes[4096];
    int pair[2], fds[3], before = 0, i = 0;

    assert_served();
    before = open_descriptors();
    memset(bytes, 'x', sizeof(bytes));
    ck_assert_int_eq(pipe(pair), 0);
    fds[0] = fds[1] = fds[2] = pair[1];
    throw_at_it(bytes, 0, NULL, 0);
    throw_at_it(bytes, 1, NULL, 0);
    for (i = 1; i <= 3; i++) {
        throw_at_it(bytes, 80, fds, i);
        throw_at_it(bytes, sizeof(bytes), fds, i);
        throw_at_it(bytes, 0, fds, i);
    }
    assert_served();
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

/* The descriptor for the reply is whatever a client likes: not connected, full, no socket at all. */
START_TEST(broker_is_held_up_by_no_client)
{
    struct {
        apr_uint32_t magic, realm, role;
        char set[68];    /* with what pads it */
    } request = {0x53414d4b, 0, SAMLC_OWN_ACTIVE, "default"};
    apr_time_t began = apr_time_now();
    int pair[2], fd = -1, before = 0;

    assert_served();
    before = open_descriptors();
    ck_assert_int_eq(pipe(pair), 0);
    throw_at_it(&request, 80, &pair[1], 1);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
    while (send(pair[1], &request, 80, MSG_DONTWAIT) > 0) {
        continue;
    }
    throw_at_it(&request, 80, &pair[1], 1);
    close(pair[0]);
    throw_at_it(&request, 80, &pair[1], 1);
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    throw_at_it(&request, 80, &fd, 1);
    throw_at_it(&request, 80, &broker.socket, 1);
    assert_served();
    ck_assert_int_eq(open_descriptors(), before);
    ck_assert_int_lt(apr_time_now() - began, apr_time_from_sec(2));
}
END_TEST

START_TEST(broker_has_a_rate)
{
    apr_time_t began = apr_time_now();
    int i = 0;

    for (i = 0; i < 2 * SAMLC_BROKER_RATE + 1; i++) {
        assert_served();
    }
    ck_assert_int_ge(apr_time_now() - began, apr_time_from_sec(1));
}
END_TEST

/* A TCP socket that lingers over what nobody reads: the last one to close it is held up. */
static int sticky_socket(void)
{
    const struct linger forever = {1, 60};
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t len = sizeof(here);
    char block[4096] = "";
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(bind(listener, (struct sockaddr *)&here, sizeof(here)), 0);
    ck_assert_int_eq(listen(listener, 1), 0);
    ck_assert_int_eq(getsockname(listener, (struct sockaddr *)&here, &len), 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&here, sizeof(here)), 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_LINGER, &forever, sizeof(forever)), 0);
    while (send(fd, block, sizeof(block), MSG_DONTWAIT) > 0) {
        continue;
    }
    return fd;
}

START_TEST(broker_that_hangs_ends)
{
    apr_time_t began = apr_time_now();
    int status = 0;
    int fd = -1;

    start();
    fd = sticky_socket();
    assert_served();
    kill(pid, SIGSTOP);    /* so that it is the last one to close */
    throw_at_it("x", 1, &fd, 1);
    close(fd);
    kill(pid, SIGCONT);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM);
    ck_assert_int_lt(apr_time_now() - began, apr_time_from_sec(20));
    teardown();
}
END_TEST

START_TEST(client_does_not_wait_for_ever)
{
    const samlc_broker_t real = broker;
    apr_time_t began = apr_time_now();
    int ends[2];

    assert_not_served("default", SAMLC_OWN_RETIRING, "does not hand it out");
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    broker.socket = ends[1];
    assert_not_served("default", SAMLC_OWN_ACTIVE, "no answer");
    ck_assert_int_ge(apr_time_now() - began, apr_time_from_sec(2));
    ck_assert_int_lt(apr_time_now() - began, apr_time_from_sec(4));
    close(ends[0]);
    began = apr_time_now();
    assert_not_served("default", SAMLC_OWN_ACTIVE, "no answer");    /* gone: known at once */
    ck_assert_int_lt(apr_time_now() - began, apr_time_from_sec(1));
    broker.socket = -1;
    assert_not_served("default", SAMLC_OWN_ACTIVE, "no answer");
    broker = real;
    assert_served();
}
END_TEST

Suite *suite_broker(void);

Suite *suite_broker(void)
{
    Suite *suite = suite_create("broker");
    TCase *tc = tcase_create("shelf");
    TCase *tc_served = tcase_create("broker");
    TCase *tc_hanging = tcase_create("hanging");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, shelf_opens_keys_of_a_set);
    tcase_add_loop_test(tc, shelf_refuses_what_is_no_name, 0,
                        (int)(sizeof(no_sets) / sizeof(no_sets[0])));
    tcase_add_test(tc, shelf_refuses_unknown_realms_and_roles);
    tcase_add_test(tc, shelf_follows_links_within_the_set_only);
    tcase_add_test(tc, shelf_refuses_what_is_no_file);
    tcase_add_test(tc, shelf_refuses_files_of_others);
    tcase_add_loop_test(tc, shelf_refuses_directories_that_others_write, 0, 3);
    suite_add_tcase(suite, tc);
    tcase_set_timeout(tc_served, 30);
    tcase_add_checked_fixture(tc_served, start, stop);
    tcase_add_test(tc_served, broker_serves);
    tcase_add_test(tc_served, broker_serves_many_at_once);
    tcase_add_test(tc_served, broker_ignores_garbage);
    tcase_add_test(tc_served, broker_is_held_up_by_no_client);
    tcase_add_test(tc_served, broker_has_a_rate);
    tcase_add_test(tc_served, client_does_not_wait_for_ever);
    suite_add_tcase(suite, tc_served);
    tcase_set_timeout(tc_hanging, 30);
    tcase_add_test(tc_hanging, broker_that_hangs_ends);
    suite_add_tcase(suite, tc_hanging);
    return suite;
}
