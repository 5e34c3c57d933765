/* SPDX-License-Identifier: Apache-2.0 */
/* lint: what is wrong with the trust directory, and what will be. For people and for monitors. */
#include <apr_strings.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/report.h"

/* Adds a sentence, once: the snapshot may have found the same. */
static void warn(apr_array_header_t *warnings, const char *sentence)
{
    int i = 0;

    for (i = 0; i < warnings->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(warnings, i, const char *), sentence) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(warnings, const char *) = sentence;
}

static void warn_all(apr_array_header_t *warnings, const apr_array_header_t *sentences)
{
    int i = 0;

    for (i = 0; sentences && i < sentences->nelts; i++) {
        warn(warnings, APR_ARRAY_IDX(sentences, i, const char *));
    }
}

static void warn_of_end(apr_array_header_t *warnings, const ctl_t *ctl, const char *whose,
                        const samlc_cert_t *cert)
{
    apr_pool_t *p = ctl->pool;

    warn(warnings, apr_psprintf(p, "%s: certificate %s (%s) ends %s; have the next one ready (%s)",
                                whose, samlc_cert_sha256_hex(cert), samlc_cert_subject(cert),
                                ctl_expiry(cert, ctl->now, p), samlc_cert_origin(cert)));
}

/* What ends soon. What has ended is a warning of the snapshot, which knows whether it matters. */
static void look_at_idp(apr_array_header_t *warnings, const ctl_t *ctl, const samlc_idp_t *idp)
{
    const char *whose = apr_pstrcat(ctl->pool, "IdP ", idp->name, NULL);
    const samlc_trust_entry_t *e = NULL;
    int i = 0;

    for (i = 0; idp->trust->entries && i < idp->trust->entries->nelts; i++) {
        e = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);
        if (e->cert && e->slot != SAMLC_SLOT_RETIRED && !samlc_cert_is_expired(e->cert, ctl->now)
            && samlc_cert_days_left(e->cert, ctl->now) < CTL_WARN_DAYS) {
            warn_of_end(warnings, ctl, whose, e->cert);
        }
    }
}

static void look_at_keyset(apr_array_header_t *warnings, const ctl_t *ctl,
                           const samlc_keyset_t *set)
{
    static const samlc_own_role_t published[] = {SAMLC_OWN_ACTIVE, SAMLC_OWN_NEXT};
    const char *whose = apr_pstrcat(ctl->pool, "our keys ", set->name, NULL);
    const samlc_cert_t *cert = NULL;
    int i = 0;

    for (i = 0; i < 2; i++) {
        cert = set->keys[published[i]].cert;
        if (cert && samlc_cert_days_left(cert, ctl->now) < CTL_WARN_DAYS) {
            warn_of_end(warnings, ctl, whose, cert);
        }
    }
}

static void look_at_snapshot(apr_array_header_t *warnings, const ctl_t *ctl,
                             const samlc_snapshot_t *snapshot)
{
    apr_array_header_t *sets = samlc_report_keysets(snapshot, ctl->pool);
    int i = 0;

    warn_all(warnings, snapshot->warnings);
    for (i = 0; i < snapshot->idps->nelts; i++) {
        look_at_idp(warnings, ctl, APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *));
    }
    for (i = 0; i < sets->nelts; i++) {
        look_at_keyset(warnings, ctl, APR_ARRAY_IDX(sets, i, const samlc_keyset_t *));
    }
}

/* ---- who can read our private keys ---- */

#define MAX_GROUPS 256

static int is_in_group(const struct passwd *user, gid_t group)
{
    gid_t groups[MAX_GROUPS];
    int count = MAX_GROUPS;
    int i = 0;

    if (getgrouplist(user->pw_name, user->pw_gid, groups, &count) < 0) {
        count = 0;
    }
    while (i < count && groups[i] != group) {
        i++;
    }
    return i < count;
}

/* By owner, group and mode alone: directories and access lists are `httpd -t`'s to try. */
static int can_read(const struct passwd *user, const struct stat *st)
{
    if (user->pw_uid == 0) {
        return 1;
    }
    if (user->pw_uid == st->st_uid) {
        return (st->st_mode & S_IRUSR) != 0;
    }
    return (st->st_mode & (is_in_group(user, st->st_gid) ? S_IRGRP : S_IROTH)) != 0;
}

static int is_private_key(const samlc_seen_t *seen)
{
    size_t len = strlen(seen->name);

    return !seen->is_dir && strncmp(seen->name, "sp/", 3) == 0 && len > 4
           && strcmp(seen->name + len - 4, ".key") == 0;
}

/* `user` is NULL if nobody said whom the server runs as. */
static void look_at_key(apr_array_header_t *warnings, const struct passwd *user, const char *path,
                        apr_pool_t *p)
{
    struct stat st;

    if (stat(path, &st) != 0) {
        return;    /* the load tells */
    }
    if (st.st_mode & S_IROTH) {
        warn(warnings, apr_psprintf(p, "%s: everybody can read this private key; run `chmod o-r "
                                    "%s`", path, path));
    }
    if (user && !can_read(user, &st)) {
        warn(warnings, apr_psprintf(p, "%s: %s can't read this private key (mode %04o): chgrp it "
                                    "to that user's group and chmod 0640, or SamlCertKeyBroker on",
                                    path, user->pw_name, (unsigned int)st.st_mode & 07777));
    }
}

static apr_status_t look_at_keys(apr_array_header_t *warnings, const ctl_t *ctl,
                                 const samlc_snapshot_t *snapshot, samlc_result_t *res)
{
    const struct passwd *user = ctl->user ? getpwnam(ctl->user) : NULL;
    const samlc_seen_t *seen = NULL;
    int i = 0;

    if (ctl->user && !user) {
        return samlc_result_fail(res, APR_ENOENT, SAMLC_REASON_CONFIG_INVALID,
                                 "--user %s: there is no such user",
                                 samlc_text_show(ctl->user, ctl->pool));
    }
    for (i = 0; i < snapshot->scan->seen->nelts; i++) {
        seen = &APR_ARRAY_IDX(snapshot->scan->seen, i, samlc_seen_t);
        if (is_private_key(seen)) {
            look_at_key(warnings, user, seen->path, ctl->pool);
        }
    }
    return APR_SUCCESS;
}

/* TRUE if `path` is `dir` or lies in it, whatever links lead there. */
static int is_within(const char *path, const char *dir)
{
    char real_path[PATH_MAX];
    char real_dir[PATH_MAX];
    size_t len = 0;

    if (!realpath(path, real_path) || !realpath(dir, real_dir)) {
        return 0;
    }
    len = strlen(real_dir);
    return strncmp(real_path, real_dir, len) == 0
           && (real_path[len] == '/' || real_path[len] == '\0');
}

/* The state directory holds sessions and the key that seals logins: others must not write it. */
static apr_status_t check_state(const ctl_t *ctl, const samlc_source_t *source, samlc_result_t *res)
{
    struct stat st;

    if (!ctl->state) {
        return APR_SUCCESS;
    }
    if (stat(ctl->state, &st) != 0 || !S_ISDIR(st.st_mode)) {
        return samlc_result_fail(res, APR_ENOENT, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: there is no such state directory; make it, owned by the user "
                                 "that the server runs as", ctl->state);
    }
    if (st.st_mode & S_IWOTH) {
        return samlc_result_fail(res, APR_EACCES, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: can be written by everybody; run `chmod o-w %s`", ctl->state,
                                 ctl->state);
    }
    if (is_within(ctl->state, source->dir)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: lies in the trust directory %s, which the server must not "
                                 "write; move it elsewhere", ctl->state, source->dir);
    }
    return APR_SUCCESS;
}

static void print_findings(const ctl_t *ctl, const samlc_result_t *error,
                           const apr_array_header_t *warnings, const samlc_snapshot_t *snapshot)
{
    int i = 0;

    if (error) {
        ctl_print(ctl, CTL_RED, "critical");
        printf(": %s: %s\n", samlc_reason_word(error->reason), error->message);
    }
    for (i = 0; i < warnings->nelts; i++) {
        ctl_print(ctl, CTL_YELLOW, "warning");
        printf(": %s\n", APR_ARRAY_IDX(warnings, i, const char *));
    }
    if (!error && warnings->nelts == 0) {
        ctl_print(ctl, CTL_GREEN, "ok");
        printf(": %d IdPs, %u own key sets, generation %s\n", snapshot->idps->nelts,
               apr_hash_count(snapshot->keysets), snapshot->digest_hex);
    }
}

int samlc_cmd_lint(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    apr_array_header_t *warnings = apr_array_make(ctl->pool, 8, sizeof(const char *));
    const samlc_result_t *error = NULL;
    samlc_snapshot_t *snapshot = NULL;
    samlc_source_t source;

    (void)argv;
    if (argc != 0) {
        return ctl_usage(ctl, "it wants nothing but options");
    }
    if (ctl_source(&source, ctl, res) == APR_SUCCESS) {
        /* Where nobody else can be the owner, only what everybody can write is of interest; nobody
         * knows here whom the server runs as. */
        source.check_owner = geteuid() == 0;
        source.server_uid = (apr_uid_t)-1;
        source.server_gid = (apr_gid_t)-1;
        if (ctl_load(&snapshot, &source, ctl, res) == APR_SUCCESS) {
            look_at_snapshot(warnings, ctl, snapshot);
            if (look_at_keys(warnings, ctl, snapshot, res) == APR_SUCCESS) {
                check_state(ctl, &source, res);
            }
        }
        warn_all(warnings, samlc_source_strangers(&source, ctl->pool));
    }
    error = res->status == APR_SUCCESS ? NULL : res;
    if (ctl->json) {
        fputs(samlc_report_lint(error, warnings, ctl->pool), stdout);
    }
    else {
        print_findings(ctl, error, warnings, snapshot);
    }
    if (error) {
        return CTL_CRITICAL;
    }
    return warnings->nelts > 0 ? CTL_WARNING : CTL_OK;
}
