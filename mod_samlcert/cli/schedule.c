/* SPDX-License-Identifier: Apache-2.0 */
/* schedule: writes ActivateAt and RetireAt into idp.conf, or keys.conf, or takes them away. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "cli/plan.h"
#include "core/base/clock.h"
#include "core/history/difference.h"

/* The line that is wanted. */
typedef struct wish_t {
    ctl_plan_t *plan;
    samlc_move_t move;
    const char *line;
    const char *name;                /* of the file */
    int is_found;                    /* there is a line for that already */
} wish_t;

static ctl_line_t decide(const char **instead, void *baton, const samlc_move_t *move, apr_pool_t *p)
{
    wish_t *wish = baton;
    const char *old = apr_pstrcat(p, samlc_move_word(move->kind), " ", move->stem, " ",
                                  samlc_clock_format(move->at, p), NULL);

    if (move->kind != wish->move.kind || strcmp(move->stem, wish->move.stem) != 0) {
        return CTL_LINE_KEEP;
    }
    wish->is_found = 1;
    if (wish->plan->ctl->remove) {
        ctl_plan_say(wish->plan, "%s: - %s", wish->name, old);
        return CTL_LINE_DROP;
    }
    if (move->at == wish->move.at) {
        return CTL_LINE_KEEP;
    }
    *instead = wish->line;
    ctl_plan_say(wish->plan, "%s: %s -> %s", wish->name, old, wish->line);
    return CTL_LINE_REPLACE;
}

static apr_status_t edit(wish_t *wish)
{
    ctl_plan_t *plan = wish->plan;
    apr_pool_t *p = plan->ctl->pool;
    const char *text = NULL;
    samlc_data_t file;
    apr_status_t rv = ctl_plan_read(&file, plan, wish->name);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    text = ctl_plan_edit(&file, decide, wish, p);
    if (!wish->is_found && !plan->ctl->remove) {
        ctl_plan_say(plan, "%s: + %s", wish->name, wish->line);
        text = apr_pstrcat(p, (const char *)file.data,
                           file.len > 0 && file.data[file.len - 1] != '\n' ? "\n" : "", wish->line,
                           "\n", NULL);
    }
    return text ? ctl_plan_put(plan, wish->name, text) : APR_SUCCESS;
}

static apr_status_t fail(const wish_t *wish, const char *sentence)
{
    return samlc_result_fail(wish->plan->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "%s",
                             sentence);
}

/* A line that could not be written where it belongs, or that would do nothing. */
static apr_status_t check_wish(const wish_t *wish, const char *owner)
{
    const ctl_t *ctl = wish->plan->ctl;
    apr_pool_t *p = ctl->pool;
    const char *dir = apr_pstrcat(p, ctl->keys ? "sp/" : "idp/", owner, NULL);
    const char *file = apr_pstrcat(p, dir, "/", wish->move.stem, ctl->keys ? ".key" : ".pem", NULL);

    if (!ctl_plan_has(wish->plan, dir)) {
        return fail(wish, apr_psprintf(p, "%s/%s: there is no such directory",
                                       wish->plan->source.dir, samlc_text_show(dir, p)));
    }
    if (!ctl->keys && !ctl_plan_has(wish->plan, wish->name)) {
        return fail(wish, apr_psprintf(p, "IdP %s has no idp.conf; if its settings stand in "
                                       "<SamlCertIdP %s>, put there: SamlCert%s", owner, owner,
                                       wish->line));
    }
    if (!ctl->remove && !ctl_plan_has(wish->plan, file)) {
        return fail(wish, apr_psprintf(p, "%s/%s: there is no such file", wish->plan->source.dir,
                                       file));
    }
    if (!ctl->remove && wish->move.at <= ctl->now) {
        return fail(wish, apr_psprintf(p, "%s: that is over", wish->line));
    }
    return APR_SUCCESS;
}

/* What is trusted at that time is to hold what an IdP and we need, as with any other change. */
static apr_status_t check_losses(const wish_t *wish)
{
    ctl_plan_t *plan = wish->plan;
    apr_pool_t *p = plan->ctl->pool;
    apr_time_t at = plan->ctl->remove ? plan->ctl->now : wish->move.at;
    const apr_array_header_t *losses = NULL;
    samlc_snapshot_t *after = NULL;
    apr_status_t rv = samlc_change_check(&after, plan->change, at, plan->res);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    losses = samlc_difference_losses(plan->before, after, at, p);
    if (losses->nelts > 0 && !plan->ctl->force) {
        rv = fail(wish, apr_psprintf(p, "%s: %s; --force does it nevertheless", wish->line,
                                     APR_ARRAY_IDX(losses, 0, const char *)));
    }
    samlc_snapshot_destroy(after);
    return rv;
}

/* NULL, or what is wrong with the operands. */
static const char *parse(wish_t *wish, const ctl_t *ctl, int argc, const char **argv)
{
    apr_pool_t *p = ctl->pool;
    const char *time = ctl->remove ? "2000-01-01T00:00:00Z" : argc == 3 ? argv[2] : "";
    const char *error = NULL;

    if (argc != (ctl->remove ? 2 : 3)) {
        return ctl->remove ? "with --remove it wants an IdP (or --keys SET), activate or retire, "
                             "and a slot"
                           : "it wants an IdP (or --keys SET), activate or retire, a slot and a "
                             "time";
    }
    if (strcmp(argv[0], "activate") == 0) {
        wish->move.kind = SAMLC_MOVE_ACTIVATE;
    }
    else if (strcmp(argv[0], "retire") == 0) {
        wish->move.kind = SAMLC_MOVE_RETIRE;
    }
    else {
        return "neither activate nor retire";
    }
    error = samlc_move_parse(&wish->move, apr_pstrcat(p, argv[1], " ", time, NULL), p);
    wish->line = error ? NULL : apr_pstrcat(p, samlc_move_word(wish->move.kind), " ",
                                            wish->move.stem, NULL);
    if (!error && !ctl->remove) {
        wish->line = apr_pstrcat(p, wish->line, " ", samlc_clock_format(wish->move.at, p), NULL);
    }
    return error;
}

int samlc_cmd_schedule(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    const char *owner = ctl->keys ? ctl->keys : argc > 0 ? argv[0] : "";
    ctl_plan_t plan;
    wish_t wish;
    const char *error = NULL;
    apr_status_t rv = APR_EGENERAL;
    int skip = ctl->keys || argc == 0 ? 0 : 1;

    memset(&wish, 0, sizeof(wish));
    error = parse(&wish, ctl, argc - skip, argv + skip);
    if (error) {
        return ctl_usage(ctl, "%s", error);
    }
    rv = ctl_plan_begin(&plan, ctl, res);
    if (rv == APR_SUCCESS) {
        wish.plan = &plan;
        wish.name = apr_pstrcat(ctl->pool, ctl->keys ? "sp/" : "idp/", owner,
                                ctl->keys ? "/keys.conf" : "/idp.conf", NULL);
        rv = check_wish(&wish, owner);
    }
    if (rv == APR_SUCCESS) {
        rv = edit(&wish);
    }
    if (rv == APR_SUCCESS && plan.steps->nelts > 0) {
        rv = check_losses(&wish);
    }
    return ctl_plan_end(&plan, rv,
                        apr_pstrcat(ctl->pool, ctl->remove ? "unschedule " : "schedule ",
                                    samlc_text_show(owner, ctl->pool), " ", wish.line, NULL));
}
