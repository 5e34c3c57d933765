/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/passphrase.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <errno.h>
#include <fcntl.h>
#include <http_config.h>
#include <http_core.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unixd.h>

#include "core/base/writers.h"
#include "httpd/log.h"

#define RETAINED "mod_samlcert-passphrases"
#define PATIENCE apr_time_from_sec(30)   /* with a program */
#define FIRST_DESCRIPTOR 3               /* of those that a program has no use for */
#define LAST_DESCRIPTOR 1024             /* where they can't be closed all at once */

/* A passphrase, for as long as httpd runs: reading the configuration again finds it again. */
typedef struct kept_t {
    struct kept_t *next;
    const char *spec;
    samlc_passphrase_t face;
    int generation;                      /* of the configuration that it was read for; -1: never */
    int len;
    char text[SAMLC_MAX_PASSPHRASE];
} kept_t;

typedef struct retained_t {
    kept_t *first;
} retained_t;

/* ---- where they are kept --------------------------------------------------------------------- */

static int get(void *baton, char *buffer, int size, const char *origin)
{
    const kept_t *kept = baton;

    (void)origin;
    if (kept->len > size) {
        return -1;
    }
    memcpy(buffer, kept->text, (size_t)kept->len);
    return kept->len;
}

static apr_status_t cleanse(void *data)
{
    kept_t *kept = data;

    explicit_bzero(kept->text, sizeof(kept->text));
    kept->len = 0;
    return APR_SUCCESS;
}

static kept_t *find(const char *spec, apr_pool_t *process_pool)
{
    retained_t *retained = ap_retained_data_get(RETAINED);
    kept_t *kept = NULL;

    if (!retained) {
        retained = ap_retained_data_create(RETAINED, sizeof(*retained));
    }
    for (kept = retained->first; kept; kept = kept->next) {
        if (strcmp(kept->spec, spec) == 0) {
            return kept;
        }
    }
    kept = apr_pcalloc(process_pool, sizeof(*kept));
    kept->spec = apr_pstrdup(process_pool, spec);
    kept->face.get = get;
    kept->face.baton = kept;
    kept->generation = -1;
    kept->next = retained->first;
    retained->first = kept;
    apr_pool_cleanup_register(process_pool, kept, cleanse, apr_pool_cleanup_null);
    return kept;
}

/* ---- reading --------------------------------------------------------------------------------- */

/* Reads until end of file, an overflow or the time; how many bytes, or -1. */
static ssize_t read_until(int fd, char *buffer, size_t size, apr_time_t until)
{
    struct pollfd look = {.fd = fd, .events = POLLIN};
    size_t len = 0;
    ssize_t n = 1;
    apr_time_t now = apr_time_now();

    while (n > 0 && len < size) {
        if (now >= until || poll(&look, 1, (int)apr_time_as_msec(until - now) + 1) == 0) {
            errno = ETIMEDOUT;
            return -1;
        }
        n = read(fd, buffer + len, size - len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        len += n > 0 ? (size_t)n : 0;
        n = n < 0 ? 1 : n;
        now = apr_time_now();
    }
    return (ssize_t)len;
}

/* The first line becomes the passphrase. What is wrong with it, or NULL. */
static const char *take_line(kept_t *kept, const char *bytes, size_t len)
{
    apr_size_t line = samlc_passphrase_len(bytes, len);

    if (line == 0) {
        return "its first line is empty";
    }
    if (line > sizeof(kept->text)) {
        return "its first line is longer than 1024 bytes";
    }
    cleanse(kept);
    memcpy(kept->text, bytes, line);
    kept->len = (int)line;
    return NULL;
}

/* Started as root: nobody else may read it. Otherwise the server's user may, and nobody else. */
static const char *check_file(const struct stat *st, apr_pool_t *p)
{
    const char *who = NULL;

    if (!S_ISREG(st->st_mode)) {
        return "not a regular file";
    }
    if (st->st_mode & S_IROTH) {
        who = "everybody";
    }
    else if (geteuid() == 0 && st->st_uid == ap_unixd_config.user_id) {
        who = "the user that the server runs as";
    }
    else if (geteuid() == 0 && st->st_gid == ap_unixd_config.group_id
             && (st->st_mode & S_IRGRP)) {
        who = "the group that the server runs as";
    }
    return who ? apr_psprintf(p, "%s can read it, so that it protects nothing: it should be %s, "
                              "0600", who, geteuid() == 0 ? "root's" : "yours") : NULL;
}

static const char *read_file(kept_t *kept, const char *path, apr_pool_t *p)
{
    char bytes[SAMLC_MAX_PASSPHRASE + 2];
    struct stat st;
    const char *wrong = NULL;
    ssize_t len = -1;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0 || fstat(fd, &st) != 0) {
        wrong = apr_pstrdup(p, strerror(errno));
    }
    else {
        wrong = check_file(&st, p);
    }
    if (!wrong) {
        len = read_until(fd, bytes, sizeof(bytes), apr_time_now() + PATIENCE);
        wrong = len < 0 ? apr_pstrdup(p, strerror(errno)) : take_line(kept, bytes, (size_t)len);
    }
    explicit_bzero(bytes, sizeof(bytes));
    if (fd >= 0) {
        close(fd);
    }
    return wrong;
}

/* Root runs it: who can write it is root. */
static const char *check_program(const char *path, apr_pool_t *p)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return apr_pstrdup(p, strerror(errno));
    }
    if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0) {
        return "not a program";
    }
    if (geteuid() == 0
        && samlc_writer_of(&st, ap_unixd_config.user_id, ap_unixd_config.group_id)) {
        return "the user that the server runs as, its group or everybody can write it, and root "
               "would run it: chown root, chmod go-w";
    }
    return NULL;
}

/* In the new process. Its stderr is ours: the terminal at a start, the error log at a restart. */
static void become_program(char **argv, int out)
{
    int null = open("/dev/null", O_RDONLY);
    int fd = 0;

    setpgid(0, 0);
    if (null < 0 || dup2(null, STDIN_FILENO) < 0 || dup2(out, STDOUT_FILENO) < 0) {
        _exit(127);
    }
    if (close_range(FIRST_DESCRIPTOR, ~0U, 0) != 0) {
        for (fd = FIRST_DESCRIPTOR; fd < LAST_DESCRIPTOR; fd++) {
            close(fd);
        }
    }
    signal(SIGPIPE, SIG_DFL);
    execv(argv[0], argv);
    _exit(127);
}

/* Waits for it; what it left behind in its group goes with it if it hangs. */
static const char *reap(pid_t pid, int is_late, apr_time_t until, apr_pool_t *p)
{
    int status = 0;
    pid_t done = 0;

    while (!is_late && (done = waitpid(pid, &status, WNOHANG)) == 0) {
        is_late = apr_time_now() >= until;
        apr_sleep(apr_time_from_msec(10));
    }
    if (is_late) {
        kill(-pid, SIGKILL);
        kill(pid, SIGKILL);
        waitpid(pid, &status, 0);
        return apr_psprintf(p, "it did not end within %d seconds", (int)apr_time_sec(PATIENCE));
    }
    if (done == pid && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return NULL;
    }
    return done == pid && WIFEXITED(status)
               ? apr_psprintf(p, "it ended with exit status %d", WEXITSTATUS(status))
               : "it was ended by a signal";
}

static const char *run_program(kept_t *kept, const char *command, apr_pool_t *p)
{
    char bytes[SAMLC_MAX_PASSPHRASE + 2];
    apr_time_t until = apr_time_now() + PATIENCE;
    char **argv = NULL;
    const char *wrong = NULL;
    int fds[2] = {-1, -1};
    ssize_t len = -1;
    pid_t pid = -1;

    if (apr_tokenize_to_argv(command, &argv, p) != APR_SUCCESS || !argv[0]) {
        return "its quotes do not match";
    }
    wrong = check_program(argv[0], p);
    if (wrong) {
        return wrong;
    }
    if (pipe2(fds, O_CLOEXEC) != 0 || (pid = fork()) < 0) {
        wrong = apr_pstrdup(p, strerror(errno));
        if (fds[0] >= 0) {
            close(fds[0]);
            close(fds[1]);
        }
        return wrong;
    }
    if (pid == 0) {
        become_program(argv, fds[1]);
    }
    close(fds[1]);
    len = read_until(fds[0], bytes, sizeof(bytes), until);
    close(fds[0]);
    wrong = reap(pid, len < 0, until, p);
    if (!wrong) {
        wrong = take_line(kept, bytes, (size_t)len);
    }
    explicit_bzero(bytes, sizeof(bytes));
    return wrong;
}

/* ---- the public face ------------------------------------------------------------------------- */

/* A start reads the configuration twice, as numbers 0 and 1; one reading of these is enough. */
static int is_current(const kept_t *kept, int generation)
{
    return kept->generation >= 0
           && (kept->generation == generation || (kept->generation == 0 && generation == 1));
}

int mod_samlc_passphrase_read(const samlc_passphrase_t **passphrase, server_rec *s, apr_pool_t *p)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(s);
    const char *spec = conf->key_passphrase;
    int generation = ap_state_query(AP_SQ_CONFIG_GEN);
    const char *wrong = NULL;
    kept_t *kept = NULL;

    *passphrase = NULL;
    if (!spec) {
        return 1;
    }
    kept = find(spec, s->process->pool);
    if (!is_current(kept, generation)) {
        wrong = strncmp(spec, "file:", 5) == 0 ? read_file(kept, spec + 5, p)
                                               : run_program(kept, spec + 5, p);
        if (!wrong) {
            kept->generation = generation;
        }
    }
    if (wrong && kept->len > 0) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, MOD_SAMLC_TAG_PASSPHRASE_KEPT
                     "config-invalid: %s: the passphrase of our keys can't be read again from %s "
                     "(%s); the one that was read before goes on serving",
                     mod_samlc_server_cite(conf, "SamlCertKeyPassphrase", p), spec, wrong);
    }
    else if (wrong) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, MOD_SAMLC_TAG_PASSPHRASE
                     "config-invalid: %s: no passphrase for our keys from %s: %s",
                     mod_samlc_server_cite(conf, "SamlCertKeyPassphrase", p), spec, wrong);
        return 0;
    }
    *passphrase = &kept->face;
    return 1;
}
