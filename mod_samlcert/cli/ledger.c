/* SPDX-License-Identifier: Apache-2.0 */
/* ledger: when the certificates of each IdP were used, and for how many logins. */
#include <apr_strings.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/base/clock.h"
#include "core/report.h"

#define COLUMNS 7

/* The last cells of a row: first and last use and count, and what it is about. */
static void add_use(ctl_table_t *table, const samlc_use_t *use, const char *about, apr_pool_t *p)
{
    if (use->count > 0) {
        ctl_table_cell(table, CTL_PLAIN,
                       apr_pstrcat(p, "first ", samlc_clock_format(use->first, p), NULL));
        ctl_table_cell(table, CTL_PLAIN,
                       apr_pstrcat(p, "last ", samlc_clock_format(use->last, p), NULL));
        ctl_table_cell(table, CTL_PLAIN, ctl_logins(use->count, p));
    }
    else {
        ctl_table_cell(table, CTL_PLAIN, "never used");
        ctl_table_pair(table, NULL, NULL);
    }
    ctl_table_cell(table, CTL_PLAIN, about);
}

static void add_names(ctl_table_t *table, const char *role, const char *mode, const char *hex,
                      apr_pool_t *p)
{
    ctl_table_pair(table, role, mode);
    ctl_table_cell(table, CTL_PLAIN, ctl_short_print(hex, p));
}

static void add_entries(ctl_table_t *table, const samlc_idp_t *idp, const samlc_ledger_t *ledger,
                        apr_pool_t *p)
{
    const samlc_trust_entry_t *e = NULL;
    samlc_use_t use;
    int i = 0;

    for (i = 0; idp->trust->entries && i < idp->trust->entries->nelts; i++) {
        e = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);
        add_names(table, samlc_trust_slot_word(e->slot), samlc_trust_mode_word(e->mode),
                  e->cert ? samlc_cert_sha256_hex(e->cert)
                          : samlc_text_hex(samlc_key_spki_sha256(e->key), SAMLC_SHA256_LEN, p), p);
        samlc_ledger_find(&use, ledger, idp->entity_id, e->cert, e->key);
        add_use(table, &use, e->cert ? samlc_cert_subject(e->cert) : "bare key", p);
    }
}

static void add_pins(ctl_table_t *table, const samlc_idp_t *idp, const samlc_ledger_t *ledger,
                     apr_pool_t *p)
{
    const samlc_signcerts_t *list = idp->trust->list;
    const samlc_pin_t *pin = NULL;
    samlc_use_t use;
    int i = 0;

    for (i = 0; list && i < list->pins->nelts; i++) {
        pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);
        if (samlc_ledger_find_pin(&use, ledger, idp->entity_id, pin)) {
            add_names(table, "pin", samlc_trust_mode_word(list->ignore_trust ? SAMLC_MODE_PINNED
                                                                             : SAMLC_MODE_ANCHORED),
                      samlc_text_hex(pin->digest, pin->len, p), p);
            add_use(table, &use, pin->origin, p);
        }
    }
}

/* Those of an IdP; those of IdPs that are not configured for NULL. */
static void add_others(ctl_table_t *table, const apr_array_header_t *others, const samlc_idp_t *idp,
                       apr_pool_t *p)
{
    const samlc_other_use_t *other = NULL;
    int i = 0;

    for (i = 0; i < others->nelts; i++) {
        other = &APR_ARRAY_IDX(others, i, samlc_other_use_t);
        if (other->idp == idp) {
            add_names(table, "other", NULL, samlc_text_hex(other->sha256, SAMLC_SHA256_LEN, p), p);
            add_use(table, &other->use, other->is_key ? "bare key" : NULL, p);
        }
    }
}

static void print_idp(const ctl_t *ctl, const samlc_idp_t *idp, const samlc_ledger_t *ledger,
                      const apr_array_header_t *others)
{
    ctl_table_t *table = ctl_table_make(COLUMNS, ctl->pool);

    ctl_print_idp(ctl, idp);
    add_entries(table, idp, ledger, ctl->pool);
    add_pins(table, idp, ledger, ctl->pool);
    add_others(table, others, idp, ctl->pool);
    ctl_table_print(ctl, table);
}

static void print_all(const ctl_t *ctl, const samlc_snapshot_t *snapshot,
                      const samlc_ledger_t *ledger)
{
    const apr_array_header_t *others = samlc_ledger_others(ledger, snapshot, ctl->pool);
    ctl_table_t *table = ctl_table_make(COLUMNS, ctl->pool);
    apr_uint64_t uncounted = samlc_ledger_uncounted(ledger);
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        print_idp(ctl, APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *), ledger, others);
    }
    add_others(table, others, NULL, ctl->pool);
    if (!ctl_table_is_empty(table)) {
        puts("IdPs that are not configured");
        ctl_table_print(ctl, table);
    }
    if (uncounted > 0) {
        printf("Not counted, because the ledger is full: %s\n", ctl_logins(uncounted, ctl->pool));
    }
}

int samlc_cmd_ledger(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    samlc_snapshot_t *snapshot = NULL;
    const samlc_ledger_t *ledger = NULL;
    samlc_source_t source;

    (void)argv;
    if (argc != 0) {
        return ctl_usage(ctl, "it wants nothing but options");
    }
    if (!ctl->state) {
        return ctl_usage(ctl, "it wants --state DIR, the SamlCertStateDir of httpd");
    }
    if (samlc_ledger_read(&ledger, ctl->state, res, ctl->pool) != APR_SUCCESS
        || ctl_source(&source, ctl, res) != APR_SUCCESS
        || ctl_load(&snapshot, &source, ctl, res) != APR_SUCCESS) {
        ctl_complain(res);
        return CTL_UNUSABLE;
    }
    if (ctl->json) {
        fputs(samlc_report_ledger(snapshot, ledger, ctl->now, ctl->pool), stdout);
    }
    else {
        print_all(ctl, snapshot, ledger);
    }
    return CTL_OK;
}
