/* SPDX-License-Identifier: Apache-2.0 */
/* history: the generations that are kept, and what each changed. */
#include <apr_strings.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/base/clock.h"
#include "core/report.h"

#define SHOWN_DIFFERENCES 3   /* of each generation; --json and diff tell all */

static void print_one(const ctl_t *ctl, const samlc_archived_t *about, int is_current)
{
    apr_pool_t *p = ctl->pool;
    int i = 0;

    ctl_print(ctl, CTL_BOLD, apr_psprintf(p, "%" APR_UINT64_T_FMT, about->number));
    printf("  %.12s  %s  %s", about->digest_hex, samlc_clock_format(about->accepted_at, p),
           about->reason ? samlc_text_show(about->reason, p) : "unknown");
    if (about->author) {
        printf(" by %s", samlc_text_show(about->author, p));
    }
    if (is_current) {
        ctl_print(ctl, CTL_GREEN, "  current");
    }
    putchar('\n');
    for (i = 0; i < about->differences->nelts && i < SHOWN_DIFFERENCES; i++) {
        printf("    %s\n", samlc_text_show(APR_ARRAY_IDX(about->differences, i, const char *), p));
    }
    if (i < about->differences->nelts) {
        printf("    and %d more\n", about->differences->nelts - i);
    }
}

int samlc_cmd_history(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    const samlc_archive_t *archive = NULL;
    const apr_array_header_t *list = NULL;
    const samlc_archived_t *about = NULL;
    const char *current = NULL;
    samlc_source_t source;
    int i = 0;

    (void)argv;
    if (argc > 0) {
        return ctl_usage(ctl, "it wants nothing but options");
    }
    if (!ctl->state) {
        return ctl_usage(ctl, CTL_WANTS_STATE);
    }
    if (ctl_source(&source, ctl, res) != APR_SUCCESS) {
        ctl_complain(res);
        return CTL_UNUSABLE;
    }
    archive = ctl_archive(ctl);
    list = ctl_archived(ctl, archive, &source);
    current = samlc_archive_current(archive, ctl->pool);
    if (ctl->json) {
        fputs(samlc_report_history(list, current, ctl->pool), stdout);
        return CTL_OK;
    }
    for (i = 0; i < list->nelts; i++) {
        about = &APR_ARRAY_IDX(list, i, samlc_archived_t);
        print_one(ctl, about, samlc_text_equal(about->digest_hex, current));
    }
    if (list->nelts == 0) {
        printf("No generation of %s is kept in %s.\n", source.dir, samlc_archive_dir(archive));
    }
    return CTL_OK;
}
