/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rollback: the files of an earlier generation, back in the trust directory.
 *
 * They come from the state directory, which the server's user can write, and go where only root
 * can: what is there is a proposal. So only content with the digest of the generation is written,
 * its difference is shown and somebody says yes; where the record of changes, which only root
 * writes, does not know that digest, a `yes` given beforehand does not count.
 */
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/history/change.h"
#include "core/report.h"

/* What is to be done; made anew after a question, during which the lock is not held. */
typedef struct plan_t {
    ctl_t *ctl;
    samlc_source_t source;
    samlc_archive_t *archive;
    samlc_change_t *change;
    const samlc_snapshot_t *target;      /* as it is kept */
    samlc_snapshot_t *before;            /* what the files are, or `current` if they don't load */
    int files_load;
    samlc_snapshot_t *candidate;         /* what they would be */
    samlc_rollback_report_t report;
    int is_refused;                      /* it could be done, and is not to be */
    samlc_result_t *res;
} plan_t;

/* ---- Which generation ---- */

/* The one that is named, or the last one that is not what the files are. */
static apr_status_t choose(plan_t *plan, const char *name)
{
    const apr_array_header_t *list = NULL;
    int i = 0;

    if (name) {
        return ctl_find(&plan->report.about, plan->ctl, plan->archive, &plan->source, name,
                        plan->res);
    }
    list = ctl_archived(plan->ctl, plan->archive, &plan->source);
    for (i = 0; i < list->nelts; i++) {
        plan->report.about = &APR_ARRAY_IDX(list, i, samlc_archived_t);
        if (!plan->files_load
            || strcmp(plan->report.about->digest_hex, plan->before->digest_hex) != 0) {
            return APR_SUCCESS;
        }
    }
    plan->report.about = NULL;
    return samlc_result_fail(plan->res, APR_ENOENT, SAMLC_REASON_FILE_UNREADABLE,
                             "%s: no other generation of %s is kept there",
                             samlc_archive_dir(plan->archive), plan->source.dir);
}

/* What is there now. Files that can't be loaded are no obstacle: they may be the reason. */
static void load_before(plan_t *plan)
{
    samlc_result_t *res = samlc_result_make(plan->ctl->pool);
    const samlc_archived_t *current = NULL;

    plan->before = NULL;
    plan->files_load = ctl_load(&plan->before, &plan->source, plan->ctl, res) == APR_SUCCESS;
    if (!plan->files_load) {
        fprintf(stderr, "samlcertctl: the files as they are can't be loaded: %s\n", res->message);
        if (ctl_find(&current, plan->ctl, plan->archive, &plan->source, "current", res)
            == APR_SUCCESS) {
            ctl_load_archived(&plan->before, plan->ctl, plan->archive, &plan->source, current, res);
        }
    }
}

/* ---- Which files ---- */

static const char *name_of(const plan_t *plan, const char *path)
{
    apr_size_t len = strlen(plan->source.dir);

    return strncmp(path, plan->source.dir, len) == 0 && path[len] == '/'
                   && !strstr(path, "/../")
               ? path + len + 1
               : NULL;
}

/* TRUE if this is what the file has now. */
static int is_present(const plan_t *plan, const char *path, const samlc_data_t *content)
{
    samlc_data_t present;
    samlc_result_t *res = samlc_result_make(plan->ctl->pool);

    return samlc_file_read(&present, path, SAMLC_MAX_METADATA_FILE, res, plan->ctl->pool)
               == APR_SUCCESS
           && present.len == content->len
           && memcmp(present.data, content->data, content->len) == 0;
}

static apr_status_t put_one(plan_t *plan, const char *path)
{
    samlc_data_t *content = apr_palloc(plan->ctl->pool, sizeof(*content));
    const char *name = name_of(plan, path);
    apr_status_t rv = samlc_archive_read(content, plan->archive, &plan->source,
                                         plan->report.about->digest_hex, path, plan->res,
                                         plan->ctl->pool);

    if (rv != APR_SUCCESS || is_present(plan, path, content)) {
        return rv;
    }
    if (!name) {
        return samlc_result_fail(plan->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: is named by a setting of that generation, had another content"
                                 " then and lies outside the trust directory, where samlcertctl "
                                 "does not write: put it back first (a copy is in %s)", path,
                                 samlc_archive_dir(plan->archive));
    }
    APR_ARRAY_PUSH((apr_array_header_t *)plan->report.written, const char *) = name;
    return samlc_change_put(plan->change, name, content, plan->res);
}

static int compare_name(const void *name, const void *seen)
{
    return strcmp(name, ((const samlc_seen_t *)seen)->name);
}

static int is_in(const samlc_scan_t *scan, const char *name)
{
    return bsearch(name, scan->seen->elts, (size_t)scan->seen->nelts, sizeof(samlc_seen_t),
                   compare_name) != NULL;
}

/* Whatever counts and was not there then goes; what means nothing to the scan stays. */
static apr_status_t fill(plan_t *plan)
{
    const samlc_scan_t *then = plan->target->scan;
    const samlc_scan_t *now = samlc_change_scan(plan->change);
    apr_array_header_t *removed = apr_array_make(plan->ctl->pool, 8, sizeof(const char *));
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    plan->report.written = apr_array_make(plan->ctl->pool, 8, sizeof(const char *));
    plan->report.removed = removed;
    for (i = 0; i < then->seen->nelts && rv == APR_SUCCESS; i++) {
        seen = &APR_ARRAY_IDX(then->seen, i, samlc_seen_t);
        if (!seen->is_dir && !samlc_text_equal(seen->path, plan->source.overlay)) {
            rv = put_one(plan, seen->path);
        }
    }
    for (i = 0; i < now->seen->nelts && rv == APR_SUCCESS; i++) {
        seen = &APR_ARRAY_IDX(now->seen, i, samlc_seen_t);
        if (!is_in(then, seen->name)) {
            APR_ARRAY_PUSH(removed, const char *) = seen->name;
            rv = samlc_change_remove(plan->change, seen->name, plan->res);
        }
    }
    return rv;
}

static apr_status_t destroy(void *snapshot)
{
    samlc_snapshot_destroy(snapshot);
    return APR_SUCCESS;
}

/* Takes the lock and makes the plan, up to what would come. */
static apr_status_t prepare(plan_t *plan, const char *name)
{
    ctl_t *ctl = plan->ctl;
    samlc_snapshot_t *target = NULL;
    apr_status_t rv = samlc_change_begin(&plan->change, &plan->source, plan->res, ctl->pool);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (samlc_change_has_recovered(plan->change)) {
        fputs("samlcertctl: a change that was interrupted is carried out first\n", stderr);
    }
    load_before(plan);
    rv = choose(plan, name);
    if (rv == APR_SUCCESS) {
        rv = ctl_load_archived(&target, ctl, plan->archive, &plan->source, plan->report.about,
                               plan->res);
    }
    if (rv == APR_SUCCESS) {
        plan->target = target;
        rv = fill(plan);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_change_check(&plan->candidate, plan->change, ctl->now, plan->res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    apr_pool_cleanup_register(ctl->pool, plan->candidate, destroy, apr_pool_cleanup_null);
    /* By the files: what time or first use has moved since then moves them as well. */
    if (memcmp(plan->candidate->files_digest, plan->target->files_digest, SAMLC_SHA256_LEN) != 0) {
        return samlc_result_fail(plan->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "generation %.12s would become %.12s: its copy changed while it "
                                 "was read", plan->report.about->digest_hex,
                                 plan->candidate->digest_hex);
    }
    return APR_SUCCESS;
}

/* ---- Whether ---- */

static apr_status_t refuse(plan_t *plan, const char *why)
{
    plan->is_refused = 1;
    return samlc_result_fail(plan->res, APR_EACCES, SAMLC_REASON_CONFIG_INVALID, "%s", why);
}

static void compare(plan_t *plan)
{
    apr_pool_t *p = plan->ctl->pool;
    apr_array_header_t *records = NULL;

    plan->report.is_recorded =
        samlc_record_read(&records, plan->source.dir, samlc_result_make(p), p) == APR_SUCCESS
        && samlc_record_find(records, plan->report.about->digest_hex) != NULL;
    if (plan->before) {
        plan->report.differences = samlc_difference_make(plan->before, plan->candidate, p);
        plan->report.losses =
            samlc_difference_losses(plan->before, plan->candidate, plan->ctl->now, p);
    }
}

/* The guard rails, which --force opens, and whether there is somebody who says yes. */
static apr_status_t judge(plan_t *plan)
{
    const ctl_t *ctl = plan->ctl;
    int lost = plan->report.losses ? plan->report.losses->nelts : 0;

    if (lost > 0 && !ctl->force) {
        return refuse(plan, apr_psprintf(ctl->pool, "%s%s; --force does it nevertheless",
                                         APR_ARRAY_IDX(plan->report.losses, 0, const char *),
                                         lost > 1 ? " (and there is more)" : ""));
    }
    if (!ctl->yes && (ctl->json || !isatty(STDIN_FILENO))) {
        return refuse(plan, "nobody is there to ask: give --yes, or --dry-run to see what it does");
    }
    if (ctl->yes && !plan->report.is_recorded && !ctl->force) {
        return refuse(plan, "the record of changes (" SAMLC_RECORD_NAME " in the trust directory) "
                            "does not know this generation: nobody but the server's user says that "
                            "it was ever there. Look at the difference and answer in person, or "
                            "give --force as well");
    }
    return APR_SUCCESS;
}

static void print_list(const char *word, const apr_array_header_t *names)
{
    int i = 0;

    for (i = 0; i < names->nelts; i++) {
        printf("  %s %s\n", word, APR_ARRAY_IDX(names, i, const char *));
    }
}

static void print_plan(const plan_t *plan)
{
    const samlc_rollback_report_t *r = &plan->report;
    apr_pool_t *p = plan->ctl->pool;
    int i = 0;

    printf("Back to generation %" APR_UINT64_T_FMT " (%.12s), accepted at %s\n", r->about->number,
           r->about->digest_hex, samlc_clock_format(r->about->accepted_at, p));
    if (r->differences) {
        fputs(ctl_sentences(r->differences, "  ", p), stdout);
    }
    print_list("writes", r->written);
    print_list("removes", r->removed);
    for (i = 0; r->losses && i < r->losses->nelts; i++) {
        ctl_print(plan->ctl, CTL_RED, "  lost");
        printf(": %s\n", APR_ARRAY_IDX(r->losses, i, const char *));
    }
    if (!r->is_recorded) {
        ctl_print(plan->ctl, CTL_YELLOW, "  not recorded");
        puts(": only the state directory says that this was ever in the trust directory");
    }
}

/* Asks, without the lock: a hand edit must count while somebody thinks. Then all once more. */
static apr_status_t confirm(plan_t *plan)
{
    const char *digest_hex = plan->report.about->digest_hex;
    const char *before = plan->before ? plan->before->digest_hex : "";
    char answer[8] = "";
    apr_status_t rv = APR_EGENERAL;

    samlc_change_end(plan->change);
    fputs("Do it? [y/N] ", stdout);
    fflush(stdout);
    if (!fgets(answer, sizeof(answer), stdin) || (answer[0] != 'y' && answer[0] != 'Y')) {
        return refuse(plan, "nothing was done");
    }
    rv = prepare(plan, digest_hex);
    if (rv == APR_SUCCESS && strcmp(plan->before ? plan->before->digest_hex : "", before) != 0) {
        rv = refuse(plan, "the trust directory was changed meanwhile; nothing was done");
    }
    return rv;
}

static apr_status_t commit(plan_t *plan)
{
    apr_pool_t *p = plan->ctl->pool;
    apr_array_header_t *records = apr_array_make(p, 2, sizeof(samlc_record_t));
    samlc_record_t *record = NULL;

    if (plan->files_load) {
        record = apr_array_push(records);
        record->digest_hex = plan->before->digest_hex;
        record->at = apr_time_now();
        record->author = "-";
        record->reason = SAMLC_RECORD_FOUND;
    }
    record = apr_array_push(records);
    record->digest_hex = plan->candidate->digest_hex;
    record->at = apr_time_now();
    record->author = ctl_author(p);
    record->reason = apr_psprintf(p, "rollback %" APR_UINT64_T_FMT, plan->report.about->number);
    return samlc_change_commit(plan->change, records, plan->res);
}

static apr_status_t roll_back(plan_t *plan, const char *name)
{
    const ctl_t *ctl = plan->ctl;
    apr_status_t rv = prepare(plan, name);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    compare(plan);
    if (!ctl->json) {
        print_plan(plan);
    }
    if (plan->report.written->nelts + plan->report.removed->nelts == 0 || ctl->dry_run) {
        return APR_SUCCESS;
    }
    rv = judge(plan);
    if (rv == APR_SUCCESS && !ctl->yes) {
        rv = confirm(plan);
    }
    if (rv == APR_SUCCESS) {
        rv = commit(plan);
    }
    plan->report.is_done = rv == APR_SUCCESS;
    return rv;
}

int samlc_cmd_rollback(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    plan_t plan;

    memset(&plan, 0, sizeof(plan));
    plan.ctl = ctl;
    plan.res = res;
    if (argc > 1) {
        return ctl_usage(ctl, "it wants one generation at most");
    }
    if (!ctl->state) {
        return ctl_usage(ctl, CTL_WANTS_STATE);
    }
    plan.archive = ctl_archive(ctl);
    if (ctl_source(&plan.source, ctl, res) == APR_SUCCESS) {
        roll_back(&plan, argc > 0 ? argv[0] : NULL);
    }
    plan.report.error = res->status == APR_SUCCESS ? NULL : res;
    if (ctl->json) {
        fputs(samlc_report_rollback(&plan.report, ctl->pool), stdout);
    }
    else if (res->status != APR_SUCCESS) {
        ctl_complain(res);
    }
    else if (plan.report.is_done) {
        puts("Done; the server takes it within a second.");
    }
    else if (!ctl->dry_run) {
        puts("Nothing to do.");
    }
    return res->status == APR_SUCCESS ? CTL_OK : plan.is_refused ? CTL_REFUSED : CTL_UNUSABLE;
}
