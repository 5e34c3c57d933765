/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/broker.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <http_core.h>
#include <linux/capability.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unixd.h>

#include "httpd/log.h"

#define NAME "samlcert-broker"           /* as ps shows it */
#define SOCKET 3                         /* the one descriptor that a broker keeps */
#define MAX_DESCRIPTORS 16
#define MIN_LIFE apr_time_from_sec(1)    /* what dies sooner is not started again */

struct mod_samlc_broker_t {
    apr_pool_t *pool;                    /* of the process: what is told of old brokers needs it */
    apr_pool_t *pconf;                   /* of the configuration that wants it; NULL: none */
    server_rec *server;                  /* of that configuration */
    samlc_shelf_t shelf;
    int broker_end, client_end;          /* -1: closed */
    apr_proc_t proc;
    apr_time_t started;
};

/* ---- in the broker's process ----------------------------------------------------------------- */

static void reset_signals(void)
{
    static const int ignored[] = {SIGHUP, SIGINT, SIGUSR1, SIGUSR2, SIGPIPE, SIGWINCH};
    sigset_t none;
    size_t i = 0;
    int n = 0;

    for (n = 1; n < NSIG; n++) {
        signal(n, SIG_DFL);
    }
    for (i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++) {
        signal(ignored[i], SIG_IGN);
    }
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Listeners, logs, everything: only the socket stays, and a stdio that leads nowhere. */
static int keep_only(int socket)
{
    int null = open("/dev/null", O_RDWR);
    int fd = 0;

    if (null < 0 || dup2(socket, SOCKET) < 0) {
        return 0;
    }
    for (fd = 0; fd < SOCKET; fd++) {
        if (dup2(null, fd) < 0) {
            return 0;
        }
    }
    return close_range(SOCKET + 1, ~0U, 0) == 0;
}

static int limit(int what, rlim_t to)
{
    const struct rlimit both = {to, to};

    return setrlimit(what, &both) == 0;
}

static int set_capabilities(__u32 low)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct data[2] = {{low, low, 0}, {0, 0, 0}};

    return syscall(SYS_capset, &header, data) == 0;
}

/*
 * To read what is root's is all that remains. Where root has CAP_DAC_READ_SEARCH to keep, that one,
 * under the server's user: then nothing of root's can be written. In containers it often has not:
 * then root without any capability, which can still read what it owns.
 */
static int drop_privileges(const samlc_shelf_t *shelf)
{
    const __u32 reading = 1U << CAP_DAC_READ_SEARCH;
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    struct __user_cap_data_struct has[2];

    memset(has, 0, sizeof(has));
    if (setgroups(0, NULL) != 0 || syscall(SYS_capget, &header, has) != 0) {
        return 0;
    }
    if (!(has[0].permitted & reading)) {
        return set_capabilities(0);
    }
    return prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) == 0
           && setresgid(shelf->server_gid, shelf->server_gid, shelf->server_gid) == 0
           && setresuid(shelf->server_uid, shelf->server_uid, shelf->server_uid) == 0
           && set_capabilities(reading);
}

static void be_broker(const mod_samlc_broker_t *broker, pid_t parent)
{
    reset_signals();
    setsid();
    umask(077);
    prctl(PR_SET_NAME, NAME, 0, 0, 0);
    if (!keep_only(broker->broker_end) || chdir("/") != 0 || !drop_privileges(&broker->shelf)
        || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0
        || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || !limit(RLIMIT_CORE, 0)
        || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NPROC, 0)
        || !limit(RLIMIT_NOFILE, MAX_DESCRIPTORS)) {
        _exit(2);
    }
    if (getppid() == parent) {    /* it may have gone before we asked to be told */
        samlc_broker_serve(SOCKET, &broker->shelf);
    }
    _exit(0);
}

/* ---- in the parent --------------------------------------------------------------------------- */

static void close_end(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
    *fd = -1;
}

static pid_t fork_broker(mod_samlc_broker_t *broker)
{
    pid_t parent = getpid();
    pid_t pid = fork();

    if (pid == 0) {
        be_broker(broker, parent);
    }
    broker->started = apr_time_now();
    return pid;
}

static int make_pair(mod_samlc_broker_t *broker)
{
    int ends[2] = {-1, -1};
    int done = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0;

    broker->broker_end = ends[0];
    broker->client_end = ends[1];
    return done;
}

static mod_samlc_broker_t *make(apr_pool_t *pool)
{
    mod_samlc_broker_t *broker = apr_pcalloc(pool, sizeof(*broker));

    broker->pool = pool;
    broker->broker_end = -1;
    broker->client_end = -1;
    broker->shelf.dirs = apr_array_make(pool, 2, sizeof(const char *));
    broker->shelf.owner = 0;
    broker->shelf.server_uid = ap_unixd_config.user_id;
    broker->shelf.server_gid = ap_unixd_config.group_id;
    return broker;
}

/* Adds the directory of a realm; its number. */
static apr_uint32_t add(mod_samlc_broker_t *broker, const mod_samlc_realm_t *realm)
{
    apr_array_header_t *dirs = (apr_array_header_t *)broker->shelf.dirs;

    APR_ARRAY_PUSH(dirs, const char *) = apr_pstrdup(broker->pool, realm->source.dir);
    return (apr_uint32_t)dirs->nelts - 1;
}

static void watch(mod_samlc_broker_t *broker);

/* It is gone: another one takes its place at the socket, where requests wait for it. */
static void replace(mod_samlc_broker_t *broker, int status)
{
    int is_stopping = ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_EXITING;
    int is_early = apr_time_now() - broker->started < MIN_LIFE;
    pid_t pid = is_stopping || is_early ? -1 : fork_broker(broker);

    if (pid > 0) {
        broker->proc.pid = pid;
        watch(broker);
    }
    else {
        close_end(&broker->broker_end);    /* so that nobody waits for an answer */
    }
    if (!is_stopping) {
        ap_log_error(APLOG_MARK, pid > 0 ? APLOG_WARNING : APLOG_ERR, 0, broker->server,
                     MOD_SAMLC_TAG_BROKER_ENDED "the key broker ended (wait status %d); %s", status,
                     pid > 0 ? "another one was started"
                             : "keys that only it can read can't be read again until a restart");
    }
}

/* By apr_proc_other_child_register. What is told of a restart is for children, not for brokers. */
static void told_by_httpd(int reason, void *data, apr_wait_t status)
{
    mod_samlc_broker_t *broker = data;

    if (reason != APR_OC_REASON_DEATH && reason != APR_OC_REASON_LOST) {
        return;
    }
    apr_proc_other_child_unregister(broker);
    if (broker->pconf) {
        replace(broker, (int)status);
    }
    else {
        apr_pool_destroy(broker->pool);
    }
}

static void watch(mod_samlc_broker_t *broker)
{
    apr_proc_other_child_register(&broker->proc, told_by_httpd, broker, NULL, broker->pool);
}

/* The configuration is about to be read anew, or all ends: the broker will see its clients go. */
static apr_status_t let_go(void *data)
{
    mod_samlc_broker_t *broker = data;

    broker->pconf = NULL;
    broker->server = NULL;
    close_end(&broker->broker_end);
    close_end(&broker->client_end);
    return APR_SUCCESS;
}

/* When all ends this pool may go before that of the configuration. */
static apr_status_t forget(void *data)
{
    mod_samlc_broker_t *broker = data;

    if (broker->pconf) {
        apr_pool_cleanup_run(broker->pconf, broker, let_go);
    }
    return APR_SUCCESS;
}

int mod_samlc_broker_is_wanted(const mod_samlc_realm_t *realm)
{
    return realm->wants_broker && geteuid() == 0 && !ap_unixd_config.chroot_dir;
}

static void warn_of_no_use(const mod_samlc_realm_t *realm)
{
    if (realm->wants_broker && !mod_samlc_broker_is_wanted(realm)) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, realm->server, MOD_SAMLC_TAG_BROKER_UNUSED
                     "SamlCertKeyBroker is on, but there is no key broker for %s: %s",
                     realm->source.dir,
                     ap_unixd_config.chroot_dir
                         ? "under ChrootDir its paths would be others than the children's"
                         : "the server was not started by root, so that it could read no more than "
                           "the children can");
    }
}

int mod_samlc_broker_start(const mod_samlc_process_t *process, server_rec *s, apr_pool_t *pconf)
{
    mod_samlc_broker_t *broker = NULL;
    mod_samlc_realm_t *realm = NULL;
    apr_pool_t *pool = NULL;
    int i = 0;

    apr_pool_create(&pool, s->process->pool);
    broker = make(pool);
    for (i = 0; i < process->realms->nelts; i++) {
        realm = APR_ARRAY_IDX(process->realms, i, mod_samlc_realm_t *);
        warn_of_no_use(realm);
        if (mod_samlc_broker_is_wanted(realm)) {
            realm->broker.realm = add(broker, realm);
            realm->source.broker = &realm->broker;
        }
    }
    if (broker->shelf.dirs->nelts == 0) {
        apr_pool_destroy(pool);
        return 1;
    }
    broker->server = s;
    if (!make_pair(broker) || (broker->proc.pid = fork_broker(broker)) < 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, APR_FROM_OS_ERROR(errno), s,
                     MOD_SAMLC_TAG_BROKER "internal: the key broker can't be started");
        let_go(broker);
        apr_pool_destroy(pool);
        return 0;
    }
    broker->pconf = pconf;
    apr_pool_cleanup_register(pconf, broker, let_go, apr_pool_cleanup_null);
    apr_pool_cleanup_register(pool, broker, forget, apr_pool_cleanup_null);
    watch(broker);
    for (i = 0; i < process->realms->nelts; i++) {
        realm = APR_ARRAY_IDX(process->realms, i, mod_samlc_realm_t *);
        realm->broker.socket = broker->client_end;
        realm->broker_end = broker->broker_end;
    }
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, s, MOD_SAMLC_TAG_BROKER_STARTED
                 "the key broker has pid %" APR_PID_T_FMT, broker->proc.pid);
    return 1;
}

void mod_samlc_broker_start_child(const mod_samlc_process_t *process)
{
    const mod_samlc_realm_t *realm = NULL;
    int i = 0;

    for (i = 0; i < process->realms->nelts; i++) {
        realm = APR_ARRAY_IDX(process->realms, i, mod_samlc_realm_t *);
        if (realm->source.broker) {
            close(realm->broker_end);
            return;    /* all have the same */
        }
    }
}

/* ---- before the children --------------------------------------------------------------------- */

pid_t mod_samlc_broker_lend(samlc_broker_t *broker, const mod_samlc_realm_t *realm, apr_pool_t *p)
{
    mod_samlc_broker_t *made = make(p);
    pid_t pid = -1;

    broker->socket = -1;
    broker->realm = add(made, realm);
    if (make_pair(made)) {
        pid = fork_broker(made);
        close_end(&made->broker_end);
    }
    if (pid > 0) {
        broker->socket = made->client_end;
    }
    else {
        close_end(&made->client_end);
    }
    return pid;
}

void mod_samlc_broker_end(const samlc_broker_t *broker, pid_t pid)
{
    if (pid > 0) {
        close(broker->socket);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
    }
}

/* "sp/SET/ROLE.key" in its parts. FALSE for any other name. */
static int parse_name(const char **set, samlc_own_role_t *role, const char *name, apr_pool_t *p)
{
    const char *slash = strncmp(name, "sp/", 3) == 0 ? strchr(name + 3, '/') : NULL;
    int i = 0;

    if (!slash) {
        return 0;
    }
    *set = apr_pstrmemdup(p, name + 3, (apr_size_t)(slash - name - 3));
    for (i = 0; i < SAMLC_OWN_COUNT; i++) {
        *role = (samlc_own_role_t)i;
        if (strcmp(slash + 1, apr_pstrcat(p, samlc_own_role_word(*role), ".key", NULL)) == 0) {
            return 1;
        }
    }
    return 0;
}

int mod_samlc_broker_opens(const char **why, const mod_samlc_realm_t *realm,
                           const samlc_seen_t *seen, apr_pool_t *p)
{
    mod_samlc_broker_t *like_it = NULL;
    const char *set = NULL;
    samlc_own_role_t role = SAMLC_OWN_COUNT;
    int fd = -1;

    *why = NULL;
    if (!mod_samlc_broker_is_wanted(realm) || !parse_name(&set, &role, seen->name, p)) {
        return 0;
    }
    like_it = make(p);
    fd = samlc_shelf_open(&like_it->shelf, add(like_it, realm), set, role);
    if (fd < 0) {
        *why = samlc_shelf_why(errno, p);
        return 0;
    }
    close(fd);
    return 1;
}
