/* SPDX-License-Identifier: Apache-2.0 */
/*
 * settle: what has moved by time or first use is written back: files get the names of the slots
 * where they are, and lines that are done go. No certificate and no key changes its slot by that,
 * now or at any time that is scheduled: the candidate is loaded as of all of them and compared.
 */
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plan.h"
#include "core/base/clock.h"
#include "core/history/difference.h"
#include "core/report.h"

#define MAX_TIMES 10     /* that are compared one by one */

/* A file that gets another name; stems. */
typedef struct rename_t {
    const char *from, *to;           /* `to` NULL: it goes */
} rename_t;

/* The files of an IdP or a key set. */
typedef struct folder_t {
    ctl_plan_t *plan;
    const char *dir;                 /* "idp/NAME", "sp/NAME" */
    const char *conf;                /* "idp.conf", "keys.conf" */
    const apr_array_header_t *places;    /* const samlc_place_t * */
    apr_array_header_t *renames;     /* rename_t */
} folder_t;

/* ---- files ----------------------------------------------------------------------------------- */

/* "alternate-3f2a9c01": with as many digits as nobody else has. */
static const char *free_stem(const folder_t *f, const char *word, const samlc_cert_t *cert)
{
    apr_pool_t *p = f->plan->ctl->pool;
    const char *sha256 = samlc_cert_sha256_hex(cert);
    const char *stem = NULL;
    apr_size_t digits = 0;

    for (digits = 8; digits <= strlen(sha256); digits *= 2) {
        stem = apr_psprintf(p, "%s-%.*s", word, (int)digits, sha256);
        if (!ctl_plan_has(f->plan, apr_pstrcat(p, f->dir, "/", stem, ".pem", NULL))) {
            break;
        }
    }
    return stem;
}

static void add_rename(folder_t *f, const char *from, const char *to)
{
    rename_t *r = apr_array_push(f->renames);

    r->from = from;
    r->to = to;
}

static apr_status_t move_file(const folder_t *f, const rename_t *r, const char *ending)
{
    ctl_plan_t *plan = f->plan;
    apr_pool_t *p = plan->ctl->pool;
    const char *from = apr_pstrcat(p, f->dir, "/", r->from, ending, NULL);
    const char *to = r->to ? apr_pstrcat(p, f->dir, "/", r->to, ending, NULL) : NULL;

    ctl_plan_say(plan, "%s -> %s", from, to ? to : "(removed)");
    return to ? samlc_change_move(plan->change, from, to, plan->res)
              : samlc_change_remove(plan->change, from, plan->res);
}

/* What leaves a name comes before what takes it: those that go to `last` come at the end. */
static apr_status_t move_all(const folder_t *f, const char *const *endings, const char *last)
{
    apr_status_t rv = APR_SUCCESS;
    int turn = 0, i = 0, k = 0;

    for (turn = 0; turn < 2; turn++) {
        for (i = 0; i < f->renames->nelts; i++) {
            const rename_t *r = &APR_ARRAY_IDX(f->renames, i, rename_t);

            for (k = 0; rv == APR_SUCCESS && endings[k]
                        && (r->to && strcmp(r->to, last) == 0) == turn; k++) {
                rv = move_file(f, r, endings[k]);
            }
        }
    }
    return rv;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* What is done goes; what is ahead follows its file, and goes where there is none or it retired. */
static ctl_line_t decide(const char **instead, void *baton, const samlc_move_t *move, apr_pool_t *p)
{
    const folder_t *f = baton;
    const samlc_place_t *place = samlc_moves_find_place(f->places, move->stem);
    const char *line = apr_pstrcat(p, samlc_move_word(move->kind), " ", move->stem, " ",
                                   samlc_clock_format(move->at, p), NULL);
    int i = 0;

    if (move->at <= f->plan->ctl->now || !place || place->slot == SAMLC_SLOT_RETIRED) {
        ctl_plan_say(f->plan, "%s/%s: - %s", f->dir, f->conf, line);
        return CTL_LINE_DROP;
    }
    for (i = 0; i < f->renames->nelts; i++) {
        const rename_t *r = &APR_ARRAY_IDX(f->renames, i, rename_t);

        if (strcmp(r->from, move->stem) == 0) {
            *instead = apr_pstrcat(p, samlc_move_word(move->kind), " ", r->to, " ",
                                   samlc_clock_format(move->at, p), NULL);
            ctl_plan_say(f->plan, "%s/%s: %s -> %s", f->dir, f->conf, line, *instead);
            return CTL_LINE_REPLACE;
        }
    }
    return CTL_LINE_KEEP;
}

static apr_status_t edit_conf(folder_t *f)
{
    const char *name = apr_pstrcat(f->plan->ctl->pool, f->dir, "/", f->conf, NULL);
    const char *text = NULL;
    samlc_data_t file;
    apr_status_t rv = ctl_plan_read(&file, f->plan, name);

    if (rv == APR_SUCCESS) {
        text = ctl_plan_edit(&file, decide, f, f->plan->ctl->pool);
    }
    return text ? ctl_plan_put(f->plan, name, text) : rv;
}

/* ---- what there is to do --------------------------------------------------------------------- */

static folder_t open_folder(ctl_plan_t *plan, const char *top, const char *name, const char *conf)
{
    apr_pool_t *p = plan->ctl->pool;
    folder_t f = {plan, apr_pstrcat(p, top, "/", name, NULL), conf, NULL,
                  apr_array_make(p, 4, sizeof(rename_t))};

    return f;
}

static apr_status_t settle_idp(ctl_plan_t *plan, const samlc_idp_t *idp)
{
    static const char *const endings[] = {".pem", NULL};
    folder_t f = open_folder(plan, "idp", idp->name, "idp.conf");
    apr_array_header_t *places = apr_array_make(plan->ctl->pool, 4, sizeof(samlc_place_t *));
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    for (i = 0; i < idp->trust->entries->nelts; i++) {
        const samlc_trust_entry_t *e = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);

        if (!e->place || samlc_moves_find_place(places, e->place->stem)) {
            continue;
        }
        APR_ARRAY_PUSH(places, const samlc_place_t *) = e->place;
        if (e->place->slot != e->place->filed) {
            add_rename(&f, e->place->stem,
                       e->place->slot == SAMLC_SLOT_PRIMARY
                           ? "primary"
                           : free_stem(&f, samlc_trust_slot_word(e->place->slot), e->cert));
        }
    }
    f.places = places;
    rv = move_all(&f, endings, "primary");
    return rv == APR_SUCCESS ? edit_conf(&f) : rv;
}

/* The certificate of a file of ours: what is gone is in no role. */
static const samlc_cert_t *cert_of(const ctl_plan_t *plan, const char *file)
{
    int i = 0;

    for (i = 0; i < plan->before->moves->nelts; i++) {
        const samlc_moved_t *moved = &APR_ARRAY_IDX(plan->before->moves, i, samlc_moved_t);

        if (strcmp(moved->file, file) == 0) {
            return moved->cert;
        }
    }
    return NULL;
}

static const char *stem_of_gone(const folder_t *f, const samlc_place_t *place)
{
    apr_pool_t *p = f->plan->ctl->pool;
    const samlc_cert_t *cert = cert_of(f->plan, apr_pstrcat(p, f->dir, "/", place->stem, NULL));

    return f->plan->ctl->prune || !cert
               ? NULL
               : apr_psprintf(p, "retired-%.8s", samlc_cert_sha256_hex(cert));
}

static apr_status_t settle_keys(ctl_plan_t *plan, const samlc_keyset_t *set)
{
    static const char *const endings[] = {".key", ".crt", NULL};
    folder_t f = open_folder(plan, "sp", set->name, "keys.conf");
    const samlc_place_t *place = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = 0, turn = 0;

    f.places = set->places;
    /* What goes leaves its name to what was active, and that to what was next. */
    for (turn = SAMLC_SLOT_RETIRED; turn >= SAMLC_SLOT_PRIMARY; turn--) {
        for (i = 0; turn == SAMLC_SLOT_RETIRED && i < set->places->nelts; i++) {
            place = APR_ARRAY_IDX(set->places, i, const samlc_place_t *);
            if (place->slot == SAMLC_SLOT_RETIRED) {
                add_rename(&f, place->stem, stem_of_gone(&f, place));
            }
        }
        place = samlc_moves_find_slot(set->places, (samlc_trust_slot_t)turn);
        if (turn != SAMLC_SLOT_RETIRED && place && place->slot != place->filed) {
            add_rename(&f, place->stem, samlc_moves_own_word(place->slot));
        }
    }
    rv = move_all(&f, endings, "active");
    return rv == APR_SUCCESS ? edit_conf(&f) : rv;
}

static apr_status_t fill(ctl_plan_t *plan)
{
    apr_array_header_t *sets = samlc_report_keysets(plan->before, plan->ctl->pool);
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    for (i = 0; i < plan->before->idps->nelts && rv == APR_SUCCESS; i++) {
        rv = settle_idp(plan, APR_ARRAY_IDX(plan->before->idps, i, const samlc_idp_t *));
    }
    for (i = 0; i < sets->nelts && rv == APR_SUCCESS; i++) {
        rv = settle_keys(plan, APR_ARRAY_IDX(sets, i, const samlc_keyset_t *));
    }
    return rv;
}

/* ---- the proof ------------------------------------------------------------------------------- */

/* Lines of moves are what settling is about. */
static const char *first_difference(const samlc_snapshot_t *before, const samlc_snapshot_t *after,
                                    apr_pool_t *p)
{
    const apr_array_header_t *all = samlc_difference_make(before, after, p);
    int i = 0;

    for (i = 0; i < all->nelts; i++) {
        const samlc_difference_t *d = &APR_ARRAY_IDX(all, i, samlc_difference_t);

        if (!d->name || (strcmp(d->name, samlc_move_word(SAMLC_MOVE_ACTIVATE)) != 0
                         && strcmp(d->name, samlc_move_word(SAMLC_MOVE_RETIRE)) != 0)) {
            return samlc_difference_sentence(d, p);
        }
    }
    return NULL;
}

/* Before and after at this time. *next: when the next move falls due. */
static apr_status_t compare_at(apr_time_t *next, ctl_plan_t *plan, apr_time_t at)
{
    apr_pool_t *p = plan->ctl->pool;
    samlc_snapshot_t *before = NULL, *after = NULL;
    const char *difference = NULL;
    apr_status_t rv = samlc_snapshot_load(&before, &plan->source, NULL, NULL, at, plan->res, p);

    if (rv == APR_SUCCESS) {
        rv = samlc_change_check(&after, plan->change, at, plan->res);
    }
    if (rv == APR_SUCCESS) {
        *next = before->next_move_at;
        difference = first_difference(before, after, p);
    }
    if (difference) {
        rv = samlc_result_fail(plan->res, APR_EGENERAL, SAMLC_REASON_INTERNAL,
                               "settling would change what is trusted at %s: %s; nothing was done",
                               samlc_clock_format(at, p), difference);
    }
    if (before) {
        samlc_snapshot_destroy(before);
    }
    if (after) {
        samlc_snapshot_destroy(after);
    }
    return rv;
}

/* Now, at the times that come next, and when all has happened. */
static apr_status_t compare(ctl_plan_t *plan)
{
    apr_time_t next = 0;
    apr_status_t rv = compare_at(&next, plan, plan->ctl->now);
    int count = 0;

    for (count = 1; rv == APR_SUCCESS && next != 0 && count < MAX_TIMES; count++) {
        rv = compare_at(&next, plan, next);
    }
    if (rv == APR_SUCCESS && next != 0) {
        samlc_clock_parse(&next, "9999-12-31T23:59:59Z");
        rv = compare_at(&next, plan, next);
    }
    return rv;
}

int samlc_cmd_settle(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    ctl_plan_t plan;
    apr_status_t rv = APR_EGENERAL;

    (void)argv;
    if (argc != 0) {
        return ctl_usage(ctl, "it wants nothing but options");
    }
    rv = ctl_plan_begin(&plan, ctl, res);
    if (rv == APR_SUCCESS) {
        rv = fill(&plan);
    }
    if (rv == APR_SUCCESS && plan.steps->nelts > 0) {
        rv = compare(&plan);
    }
    return ctl_plan_end(&plan, rv, "settle");
}
