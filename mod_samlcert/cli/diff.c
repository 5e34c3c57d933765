/* SPDX-License-Identifier: Apache-2.0 */
/* diff: what is different between two generations. Exit codes are those of diff(1). */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/report.h"

#define CTL_DIFFERENT 1

/* Loads what a name stands for: "files", or what is kept. */
static apr_status_t load(samlc_snapshot_t **snapshot, const ctl_t *ctl,
                         const samlc_source_t *source, const char *name, samlc_result_t *res)
{
    const samlc_archive_t *archive = NULL;
    const samlc_archived_t *about = NULL;
    apr_status_t rv = APR_EGENERAL;

    *snapshot = NULL;
    if (strcmp(name, "files") == 0) {
        return ctl_load(snapshot, source, ctl, res);
    }
    archive = ctl_archive(ctl);
    rv = ctl_find(&about, ctl, archive, source, name, res);
    return rv == APR_SUCCESS ? ctl_load_archived(snapshot, ctl, archive, source, about, res) : rv;
}

static void print_differences(const ctl_t *ctl, const apr_array_header_t *differences,
                              const apr_array_header_t *losses, int is_same)
{
    int i = 0;

    fputs(ctl_sentences(differences, "", ctl->pool), stdout);
    if (differences->nelts == 0) {
        puts(is_same ? "No difference."
                     : "No difference to trust: the files differ in what does not count, such as "
                       "comments or names.");
    }
    for (i = 0; i < losses->nelts; i++) {
        ctl_print(ctl, CTL_RED, "lost");
        printf(": %s\n", APR_ARRAY_IDX(losses, i, const char *));
    }
}

int samlc_cmd_diff(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    const char *from = argc > 0 ? argv[0] : "current";
    const char *to = argc > 1 ? argv[1] : "files";
    samlc_snapshot_t *before = NULL, *after = NULL;
    const apr_array_header_t *differences = NULL, *losses = NULL;
    samlc_source_t source;

    if (argc > 2) {
        return ctl_usage(ctl, "it wants two generations at most");
    }
    if (!ctl->state) {
        return ctl_usage(ctl, CTL_WANTS_STATE);
    }
    if (ctl_source(&source, ctl, res) != APR_SUCCESS
        || load(&before, ctl, &source, from, res) != APR_SUCCESS
        || load(&after, ctl, &source, to, res) != APR_SUCCESS) {
        ctl_complain(res);
        return CTL_UNUSABLE;
    }
    differences = samlc_difference_make(before, after, ctl->pool);
    losses = samlc_difference_losses(before, after, ctl->now, ctl->pool);
    if (ctl->json) {
        fputs(samlc_report_diff(before, after, differences, losses, ctl->pool), stdout);
    }
    else {
        print_differences(ctl, differences, losses,
                          strcmp(before->digest_hex, after->digest_hex) == 0);
    }
    return differences->nelts > 0 ? CTL_DIFFERENT : CTL_OK;
}
