/* SPDX-License-Identifier: Apache-2.0 */
/* unlisted: signers of responses that nobody configured, as the module noted them. */
#include <apr_strings.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/report.h"
#include "core/trust/unlisted.h"

static void print_entry(const ctl_t *ctl, const samlc_unlisted_t *entry)
{
    apr_pool_t *p = ctl->pool;
    ctl_table_t *table = ctl_table_make(2, p);
    const samlc_key_t *key = samlc_cert_key(entry->cert);

    ctl_print(ctl, CTL_BOLD, apr_psprintf(p, "IdP %s\n", entry->idp));
    ctl_table_pair(table, "subject", samlc_cert_subject(entry->cert));
    ctl_table_pair(table, "SHA-256", samlc_cert_sha256_hex(entry->cert));
    ctl_table_pair(table, "SPKI SHA-256",
                   samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p));
    ctl_table_cell(table, CTL_PLAIN, "not after");
    ctl_table_cell(table, ctl_expiry_colour(entry->cert, ctl->now),
                   ctl_expiry(entry->cert, ctl->now, p));
    ctl_table_pair(table, "first seen", entry->first_seen);
    ctl_table_pair(table, "last seen", entry->last_seen);
    ctl_table_pair(table, "chain", entry->chain);
    ctl_table_pair(
        table, "stage it",
        samlc_unlisted_stage_command(ctl->state, ctl->trust, entry->idp, entry->cert, p));
    ctl_table_print(ctl, table);
}

int samlc_cmd_unlisted(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    apr_array_header_t *list = NULL;
    int i = 0;

    (void)argv;
    if (argc > 0) {
        return ctl_usage(ctl, "it takes no operands");
    }
    if (ctl->state == NULL) {
        return ctl_usage(ctl, "it wants --state DIR, the SamlCertStateDir of httpd");
    }
    if (samlc_unlisted_list(&list, ctl->state, res, ctl->pool) != APR_SUCCESS) {
        ctl_complain(res);
        return CTL_UNUSABLE;
    }
    if (ctl->json) {
        fputs(samlc_report_unlisted(list, ctl->now, ctl->pool), stdout);
        return CTL_OK;
    }
    for (i = 0; i < list->nelts; i++) {
        print_entry(ctl, &APR_ARRAY_IDX(list, i, samlc_unlisted_t));
    }
    if (list->nelts == 0) {
        puts("No response was signed by a certificate that is not configured.");
    }
    return CTL_OK;
}
