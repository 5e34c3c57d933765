/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/plan.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/file.h"
#include "core/report.h"

#define BLANKS " \t\r"

apr_status_t ctl_plan_begin(ctl_plan_t *plan, ctl_t *ctl, samlc_result_t *res)
{
    apr_status_t rv = APR_EGENERAL;

    memset(plan, 0, sizeof(*plan));
    plan->ctl = ctl;
    plan->res = res;
    plan->steps = apr_array_make(ctl->pool, 8, sizeof(const char *));
    rv = ctl_source(&plan->source, ctl, res);
    if (rv == APR_SUCCESS) {
        rv = samlc_change_begin(&plan->change, &plan->source, res, ctl->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = ctl_load(&plan->before, &plan->source, ctl, res);
    }
    return rv;
}

void ctl_plan_say(ctl_plan_t *plan, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    APR_ARRAY_PUSH(plan->steps, const char *) = apr_pvsprintf(plan->ctl->pool, fmt, args);
    va_end(args);
}

int ctl_plan_has(const ctl_plan_t *plan, const char *name)
{
    const apr_array_header_t *seen = samlc_change_scan(plan->change)->seen;
    int i = 0;

    for (i = 0; i < seen->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(seen, i, samlc_seen_t).name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

apr_status_t ctl_plan_read(samlc_data_t *file, const ctl_plan_t *plan, const char *name)
{
    apr_pool_t *p = plan->ctl->pool;
    const char *path = apr_pstrcat(p, plan->source.dir, "/", name, NULL);
    apr_status_t rv = samlc_file_read(file, path, SAMLC_MAX_CERT_FILE, plan->res, p);

    if (APR_STATUS_IS_ENOENT(rv)) {
        memset(file, 0, sizeof(*file));
        file->data = (const unsigned char *)"";
        file->origin = path;
        plan->res->status = APR_SUCCESS;
        return APR_SUCCESS;
    }
    return rv;
}

/* The move that a line is; FALSE for any other line. The file was loaded, so it is a good one. */
static int parse_line(samlc_move_t *move, const char *line, apr_pool_t *p)
{
    char *name = apr_pstrdup(p, line + strspn(line, BLANKS));
    char *value = name + strcspn(name, BLANKS);
    char *end = NULL;

    if (*value == '\0') {
        return 0;
    }
    *value++ = '\0';
    value += strspn(value, BLANKS);
    if (*value == '"' && (end = strrchr(++value, '"')) != NULL) {
        *end = '\0';
    }
    move->kind = apr_cstr_casecmp(name, samlc_move_word(SAMLC_MOVE_RETIRE)) == 0
                     ? SAMLC_MOVE_RETIRE
                     : SAMLC_MOVE_ACTIVATE;
    return apr_cstr_casecmp(name, samlc_move_word(move->kind)) == 0
           && samlc_move_parse(move, value, p) == NULL;
}

const char *ctl_plan_edit(const samlc_data_t *file, ctl_decide_t *decide, void *baton,
                          apr_pool_t *p)
{
    const char *rest = apr_pstrmemdup(p, (const char *)file->data, file->len);
    const char *text = "";
    int is_changed = 0;

    while (*rest != '\0') {
        apr_size_t len = strcspn(rest, "\n");
        const char *line = apr_pstrmemdup(p, rest, len);
        const char *instead = NULL;
        samlc_move_t move = {SAMLC_MOVE_ACTIVATE, NULL, 0, NULL};
        ctl_line_t fate = parse_line(&move, line, p) ? decide(&instead, baton, &move, p)
                                                     : CTL_LINE_KEEP;

        is_changed |= fate != CTL_LINE_KEEP;
        if (fate != CTL_LINE_DROP) {
            text = apr_pstrcat(p, text, fate == CTL_LINE_REPLACE ? instead : line,
                               rest[len] == '\n' ? "\n" : "", NULL);
        }
        rest += len + (rest[len] == '\n');
    }
    return is_changed ? text : NULL;
}

apr_status_t ctl_plan_put(ctl_plan_t *plan, const char *name, const char *text)
{
    samlc_data_t *content = apr_pcalloc(plan->ctl->pool, sizeof(*content));

    content->data = (const unsigned char *)text;
    content->len = strlen(text);
    return samlc_change_put(plan->change, name, content, plan->res);
}

static void print(const ctl_plan_t *plan, int is_done)
{
    const ctl_t *ctl = plan->ctl;
    int i = 0;

    if (ctl->json) {
        fputs(samlc_report_steps(plan->steps, is_done, ctl->pool), stdout);
        return;
    }
    for (i = 0; i < plan->steps->nelts; i++) {
        puts(APR_ARRAY_IDX(plan->steps, i, const char *));
    }
    puts(plan->steps->nelts == 0 ? "Nothing to do."
         : is_done               ? "Done."
                                 : "Nothing was done: this is what would be.");
}

static void add_record(apr_array_header_t *records, const samlc_snapshot_t *snapshot,
                       const char *author, const char *reason)
{
    samlc_record_t *record = apr_array_push(records);

    record->digest_hex = snapshot->digest_hex;
    record->at = apr_time_now();
    record->author = author;
    record->reason = reason;
}

/* Only what was loaded is put in place. */
static apr_status_t commit(ctl_plan_t *plan, const char *reason)
{
    apr_pool_t *p = plan->ctl->pool;
    apr_array_header_t *records = apr_array_make(p, 2, sizeof(samlc_record_t));
    samlc_snapshot_t *after = NULL;
    apr_status_t rv = samlc_change_check(&after, plan->change, plan->ctl->now, plan->res);

    if (rv == APR_SUCCESS) {
        add_record(records, plan->before, "-", SAMLC_RECORD_FOUND);
        add_record(records, after, ctl_author(p), reason);
        rv = samlc_change_commit(plan->change, records, plan->res);
        samlc_snapshot_destroy(after);
    }
    return rv;
}

int ctl_plan_end(ctl_plan_t *plan, apr_status_t rv, const char *reason)
{
    int is_done = 0;

    if (rv == APR_SUCCESS && plan->steps->nelts > 0 && !plan->ctl->dry_run) {
        rv = commit(plan, reason);
        is_done = rv == APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        ctl_complain(plan->res);
        return CTL_UNUSABLE;
    }
    print(plan, is_done);
    return CTL_OK;
}
