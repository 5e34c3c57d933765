/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/check.h"

#include <apr_file_info.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <errno.h>
#include <grp.h>
#include <http_core.h>
#include <mod_watchdog.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <unixd.h>

#include "core/base/clock.h"
#include "core/history/archive.h"
#include "core/reload/snapshot.h"
#include "core/xml/xml.h"
#include "httpd/broker.h"
#include "httpd/log.h"
#include "httpd/passphrase.h"
#include "httpd/realm.h"

#define SESSION_COOKIE "__Host-samlcert"
#define SESSION_COOKIE_INSECURE "samlcert"

/* ---- directives ------------------------------------------------------------------------------ */

static int is_config_test(void)
{
    return ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST;
}

/*
 * The configuration is being read for the third time or later: a server is running with an older
 * one.
 */
static int is_restart(void)
{
    return ap_state_query(AP_SQ_CONFIG_GEN) > 1;
}

static const char *describe(const server_rec *s, apr_pool_t *p)
{
    if (!s->is_virtual) {
        return "the main server";
    }
    return apr_psprintf(p, "virtual host %s (%s:%u)", s->server_hostname ? s->server_hostname : "?",
                        s->defn_name, s->defn_line_number);
}

/* https://ServerName, with the port where it is neither the one of plain http nor that of https. */
static const char *default_base_url(const server_rec *s, apr_pool_t *p)
{
    const char *scheme = s->server_scheme ? s->server_scheme : "https";
    apr_port_t port = s->port;

    if (port == 0 && s->is_virtual && s->addrs) {
        port = s->addrs->host_port;
    }
    if (port == 0 || port == 80 || port == 443) {
        return apr_psprintf(p, "%s://%s", scheme, s->server_hostname);
    }
    return apr_psprintf(p, "%s://%s:%u", scheme, s->server_hostname, port);
}

static void complain(const server_rec *s, const char *message)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, s, MOD_SAMLC_TAG_CONFIG "config-invalid: %s", message);
}

static int check_trust_dir(server_rec *s, apr_pool_t *p)
{
    const mod_samlc_server_t *conf = mod_samlc_server_get(s);
    apr_finfo_t finfo;
    apr_status_t rv = apr_stat(&finfo, conf->trust_dir, APR_FINFO_TYPE, p);

    if (rv == APR_SUCCESS && finfo.filetype == APR_DIR) {
        return 1;
    }
    complain(s,
             apr_psprintf(p,
                          "%s %s is not a directory: make it (mkdir -p %s/idp), owned by root, and "
                          "put an identity provider into %s/idp/NAME",
                          mod_samlc_server_cite(conf, "SamlCertTrustDir", p), conf->trust_dir,
                          conf->trust_dir, conf->trust_dir));
    return 0;
}

static void warn_of_cookies(const mod_samlc_server_t *conf, server_rec *s, apr_pool_t *p)
{
    if (conf->insecure_cookies) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, MOD_SAMLC_TAG_INSECURE
                     "%s is on for %s: anybody on the way can steal sessions. For development only",
                     mod_samlc_server_cite(conf, "SamlCertInsecureCookies", p), describe(s, p));
    }
    else if (strncmp(conf->base_url, "http:", 5) == 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s, MOD_SAMLC_TAG_HTTP_BASE
                     "%s is %s, but browsers keep our cookies for https only: use https (or, for "
                     "development, SamlCertInsecureCookies on)",
                     mod_samlc_server_cite(conf, "SamlCertBaseURL", p), conf->base_url);
    }
}

static void derive(mod_samlc_server_t *conf, const server_rec *s, apr_pool_t *p)
{
    if (!conf->base_url) {
        conf->base_url = default_base_url(s, p);
    }
    conf->endpoint_len = strlen(conf->endpoint);
    conf->acs_url = apr_pstrcat(p, conf->base_url, conf->endpoint, "/acs", NULL);
    conf->session_cookie = conf->insecure_cookies ? SESSION_COOKIE_INSECURE : SESSION_COOKIE;
    conf->state_cookie = apr_pstrcat(p, conf->session_cookie, "-state-", NULL);
}

/* Completes one server and finds its realm. FALSE if it is wrong. */
static int check_server(mod_samlc_process_t *process, server_rec *s, apr_pool_t *p)
{
    mod_samlc_server_t *conf = mod_samlc_server_get(s);

    mod_samlc_server_complete(conf, p);
    derive(conf, s, p);
    if (!conf->trust_dir) {
        return 1;
    }
    if (!conf->entity_id) {
        if (!s->is_virtual && s->next) {
            return 1;    /* what is for all stands here, and the entity IDs in the virtual hosts */
        }
        complain(
            s, apr_psprintf(p,
                            "SamlCertEntityID is missing for %s, which has %s: add, for instance, "
                            "SamlCertEntityID %s%s",
                            describe(s, p), mod_samlc_server_cite(conf, "SamlCertTrustDir", p),
                            conf->base_url, conf->endpoint));
        return 0;
    }
    conf->realm = mod_samlc_realm_find(process, conf, s, p);
    return 1;
}

/* Generations are numbered, and sessions kept, in the state directory of one realm. */
static int check_states(const mod_samlc_process_t *process, apr_pool_t *p)
{
    const mod_samlc_realm_t *a = NULL;
    const mod_samlc_realm_t *b = NULL;
    int i = 0;
    int j = 0;

    for (i = 0; i < process->realms->nelts; i++) {
        a = APR_ARRAY_IDX(process->realms, i, mod_samlc_realm_t *);
        for (j = i + 1; j < process->realms->nelts; j++) {
            b = APR_ARRAY_IDX(process->realms, j, mod_samlc_realm_t *);
            if (a->state == b->state) {
                complain(b->server,
                         apr_psprintf(p,
                                      "%s and %s share the state directory %s, but differ "
                                      "in their trust directory, " MOD_SAMLC_SECTION "> "
                                      "sections, SamlCertKeyPassphrase or SamlCertKeyBroker: give "
                                      "one of them a SamlCertStateDir of its own",
                                      describe(a->server, p), describe(b->server, p),
                                      mod_samlc_state_dir(a->state)));
                return 0;
            }
        }
    }
    return 1;
}

/* ---- files ----------------------------------------------------------------------------------- */

/* What the children read themselves: what a key broker will open for them is not in the list. */
static apr_array_header_t *list_paths(const mod_samlc_realm_t *realm,
                                      const samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    apr_array_header_t *paths = apr_array_make(p, 32, sizeof(const char *));
    const apr_array_header_t *seen = snapshot->scan->seen;
    const char *why = NULL;
    int i = 0;

    for (i = 0; i < seen->nelts; i++) {
        if (!mod_samlc_broker_opens(&why, realm, &APR_ARRAY_IDX(seen, i, samlc_seen_t), p)) {
            APR_ARRAY_PUSH(paths, const char *) = APR_ARRAY_IDX(seen, i, samlc_seen_t).path;
        }
    }
    for (i = 0; snapshot->outside && i < snapshot->outside->nelts; i++) {
        APR_ARRAY_PUSH(paths, const char *) = APR_ARRAY_IDX(snapshot->outside, i, const char *);
    }
    return paths;
}

/* Becomes the user of the children, for good. */
static int become_server_user(void)
{
    return geteuid() != 0
           || (initgroups(ap_unixd_config.user_name, ap_unixd_config.group_id) == 0
               && setgid(ap_unixd_config.group_id) == 0 && setuid(ap_unixd_config.user_id) == 0);
}

/*
 * Lets a process of the children's user find an answer of at most PIPE_BUF bytes; FALSE if there
 * was none, and the answer is as it was.
 */
static int ask_server_user(void *answer, size_t len, void (*find)(void *answer, const void *baton),
                           const void *baton)
{
    int fds[2];
    int is_answered = 0;
    pid_t pid = -1;

    if (pipe(fds) != 0) {
        return 0;
    }
    pid = fork();
    if (pid == 0) {
        if (become_server_user()) {
            find(answer, baton);
        }
        _exit(write(fds[1], answer, len) == (ssize_t)len ? 0 : 1);
    }
    close(fds[1]);
    is_answered = pid > 0 && read(fds[0], answer, len) == (ssize_t)len;
    close(fds[0]);
    if (pid > 0) {
        waitpid(pid, NULL, 0);
    }
    return is_answered;
}

static int is_readable(const char *path)
{
    return access(path, R_OK) == 0 || errno == ENOENT;
}

/* The first path that can't be read; -1: there is none. A file may have gone since it was seen. */
static void try_paths(void *answer, const void *baton)
{
    const apr_array_header_t *paths = baton;
    int *first = answer;

    *first = 0;
    while (*first < paths->nelts && is_readable(APR_ARRAY_IDX(paths, *first, const char *))) {
        (*first)++;
    }
    if (*first == paths->nelts) {
        *first = -1;
    }
}

/*
 * The first path that the children's user can't read; NULL if there is none. A process of that user
 * tries it, because permissions of parents, groups and access lists are the kernel's to judge.
 */
static const char *find_unreadable(const apr_array_header_t *paths)
{
    int first = 0;

    return paths->nelts > 0 && ask_server_user(&first, sizeof(first), try_paths, paths)
                   && first >= 0
               ? APR_ARRAY_IDX(paths, first, const char *)
               : NULL;
}

/* Why the broker will not open it, to be put behind a sentence; "" if nobody expects that. */
static const char *why_not_opened(const mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot,
                                  const char *path, apr_pool_t *p)
{
    const apr_array_header_t *seen = snapshot->scan->seen;
    const char *why = NULL;
    int i = 0;

    for (i = 0; i < seen->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(seen, i, samlc_seen_t).path, path) == 0) {
            mod_samlc_broker_opens(&why, realm, &APR_ARRAY_IDX(seen, i, samlc_seen_t), p);
        }
    }
    return why ? apr_pstrcat(p, "; the key broker does not hand it out: ", why, NULL) : "";
}

static int check_readable(const mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot,
                          apr_pool_t *p)
{
    const char *path = NULL;

    if (geteuid() != 0 || ap_unixd_config.chroot_dir) {
        return 1;
    }
    path = find_unreadable(list_paths(realm, snapshot, p));
    if (!path) {
        return 1;
    }
    ap_log_error(
        APLOG_MARK, APLOG_ERR, 0, realm->server,
        MOD_SAMLC_TAG_UNREADABLE
        "file-unreadable: %s can't be read by the user '%s' that the server runs as, and it must "
        "be, whenever something changes: chgrp its group to that user's and chmod g+r (for a "
        "directory g+rx, its parents too)%s",
        path, ap_unixd_config.user_name, why_not_opened(realm, snapshot, path, p));
    return 0;
}

static void print_warnings(const mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot)
{
    int i = 0;

    for (i = 0; i < snapshot->warnings->nelts; i++) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, realm->server, MOD_SAMLC_TAG_TRUST_WARNING "%s",
                     APR_ARRAY_IDX(snapshot->warnings, i, const char *));
    }
}

/* Loads a trust directory as a child will; the generation is thrown away again. */
static int check_trust(const mod_samlc_realm_t *realm, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_source_t source = realm->source;
    samlc_snapshot_t *snapshot = NULL;
    int good = 0;

    source.overlay = NULL;    /* the server's user writes it, and root does not read that */
    if (!check_trust_dir(realm->server, p)) {
        return 0;
    }
    if (samlc_snapshot_load(&snapshot, &source, NULL, NULL, apr_time_now(), res, p)
        != APR_SUCCESS) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, realm->server, MOD_SAMLC_TAG_TRUST "%s: %s",
                     samlc_reason_word(res->reason), res->message);
        return 0;
    }
    good = check_readable(realm, snapshot, p);
    if (is_config_test()) {
        print_warnings(realm, snapshot);    /* at a start the children do */
    }
    samlc_snapshot_destroy(snapshot);
    return good;
}

/* ---- the last good generation ---------------------------------------------------------------- */

/* What the archive has to start with. */
typedef struct last_good_t {
    int is_there;
    apr_uint64_t number;
    char accepted_at[32];
    char why_not[512];               /* "": nothing is kept */
} last_good_t;

typedef struct last_good_question_t {
    const mod_samlc_realm_t *realm;
    samlc_source_t source;           /* of the realm, with a key broker for this question */
    apr_pool_t *p;
} last_good_question_t;

/* The server's user owns the state directory: root parses nothing of what may be written there. */
static void find_last_good(void *answer, const void *baton)
{
    const last_good_question_t *question = baton;
    const mod_samlc_realm_t *realm = question->realm;
    apr_pool_t *p = question->p;
    const char *digest_hex = samlc_archive_current(realm->archive, p);
    samlc_result_t *res = samlc_result_make(p);
    samlc_snapshot_t *snapshot = NULL;
    samlc_archived_t about;
    last_good_t *found = answer;

    if (!digest_hex) {
        return;
    }
    if (samlc_archive_describe(&about, realm->archive, digest_hex, res, p) != APR_SUCCESS
        || samlc_archive_load(&snapshot, realm->archive, &question->source, digest_hex,
                              apr_time_now(), res, p)
               != APR_SUCCESS) {
        apr_cpystrn(found->why_not, res->message, sizeof(found->why_not));
        return;
    }
    found->is_there = 1;
    found->number = about.number;
    apr_cpystrn(found->accepted_at, samlc_clock_format(about.accepted_at, p),
                sizeof(found->accepted_at));
}

/* TRUE if the server may start all the same. A restart needs no leave: see is_restart. */
static int has_last_good(const mod_samlc_realm_t *realm, apr_pool_t *p)
{
    last_good_question_t question = {realm, realm->source, p};
    samlc_broker_t broker;
    last_good_t found;
    pid_t pid = -1;

    if (is_config_test() || is_restart()) {
        return 0;
    }
    if (mod_samlc_broker_is_wanted(realm)) {
        pid = mod_samlc_broker_lend(&broker, realm, p);
        question.source.broker = pid > 0 ? &broker : NULL;
    }
    memset(&found, 0, sizeof(found));
    ask_server_user(&found, sizeof(found), find_last_good, &question);
    mod_samlc_broker_end(&broker, pid);
    if (found.is_there) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, realm->server, MOD_SAMLC_TAG_LAST_GOOD
                     "config-invalid: %s can't be loaded; until it is repaired generation "
                     "%" APR_UINT64_T_FMT " of %s serves from the state directory (%s)",
                     realm->source.dir, found.number, found.accepted_at,
                     samlc_archive_dir(realm->archive));
    }
    else if (found.why_not[0] != '\0') {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, realm->server, MOD_SAMLC_TAG_LAST_GOOD
                     "config-invalid: the last good generation can't be used instead: %s",
                     found.why_not);
    }
    return found.is_there;
}

/* ---- the hook -------------------------------------------------------------------------------- */

/* libxml2 and xmlsec1. The module is never unloaded (-z nodelete), so this holds over restarts. */
static int init_libraries(void)
{
    static int is_done = 0;

    is_done = is_done || samlc_xml_init_once();
    return is_done;
}

static int check_surroundings(server_rec *s)
{
    if (!APR_RETRIEVE_OPTIONAL_FN(ap_watchdog_get_instance)) {
        complain(s,
                 "mod_watchdog is needed: add LoadModule watchdog_module modules/mod_watchdog.so");
        return 0;
    }
    if (!init_libraries()) {
        complain(s, "xmlsec1 can't be initialised: is its OpenSSL part installed?");
        return 0;
    }
    return 1;
}

int mod_samlc_check_config(apr_pool_t *pconf, apr_pool_t *plog, apr_pool_t *ptemp,
                           server_rec *main_server)
{
    mod_samlc_process_t *process = mod_samlc_process_make(pconf);
    mod_samlc_realm_t *realm = NULL;
    server_rec *s = NULL;
    int good = 1;
    int trusted = 1;
    int i = 0;

    (void)plog;
    mod_samlc_server_get(main_server)->process = process;
    for (s = main_server; s; s = s->next) {
        good = check_server(process, s, pconf) && good;
    }
    if (!good || process->realms->nelts == 0) {
        return good ? OK : !OK;
    }
    if (!check_states(process, ptemp) || !check_surroundings(main_server)) {
        return !OK;
    }
    for (s = main_server; s; s = s->next) {
        if (mod_samlc_server_get(s)->realm) {
            warn_of_cookies(mod_samlc_server_get(s), s, ptemp);
        }
    }
    for (i = 0; i < process->realms->nelts; i++) {
        realm = APR_ARRAY_IDX(process->realms, i, mod_samlc_realm_t *);
        trusted = mod_samlc_passphrase_read(&realm->source.passphrase, realm->server, pconf)
                  && (check_trust(realm, ptemp) || has_last_good(realm, ptemp)) && trusted;
    }
    return trusted || is_restart() ? OK : !OK;
}
