/* SPDX-License-Identifier: Apache-2.0 */
/* list: what is trusted, IdP by IdP, and our own keys. */
#include <apr_strings.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/base/clock.h"
#include "core/report.h"

#define SHOWN_DIGITS 16   /* of a fingerprint, enough to tell certificates apart; --json has all */

static const char *head_of(const char *hex, apr_pool_t *p)
{
    return apr_pstrndup(p, hex, SHOWN_DIGITS);
}

/* The row of a certificate, or of a bare key, whose fingerprint is that of the key itself. */
static void add_row(ctl_table_t *table, const ctl_t *ctl, const char *role, const char *mode,
                    const samlc_cert_t *cert, const samlc_key_t *key)
{
    apr_pool_t *p = ctl->pool;

    ctl_table_cell(table, CTL_PLAIN, role);
    ctl_table_cell(table, CTL_PLAIN, mode);
    if (cert) {
        ctl_table_cell(table, CTL_PLAIN, head_of(samlc_cert_sha256_hex(cert), p));
        ctl_table_cell(table, ctl_expiry_colour(cert, ctl->now), ctl_expiry(cert, ctl->now, p));
        ctl_table_cell(table, CTL_PLAIN, samlc_cert_subject(cert));
    }
    else {
        ctl_table_cell(table, CTL_PLAIN,
                       head_of(samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p), p));
        ctl_table_cell(table, CTL_PLAIN, "no dates");
        ctl_table_cell(table, CTL_PLAIN, "bare key");
    }
}

static void add_pins(ctl_table_t *table, const samlc_signcerts_t *list, apr_pool_t *p)
{
    const samlc_pin_t *pin = NULL;
    int i = 0;

    for (i = 0; i < list->pins->nelts; i++) {
        pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);
        ctl_table_cell(table, CTL_PLAIN, "pin");
        ctl_table_cell(table, CTL_PLAIN, samlc_trust_mode_word(
            list->ignore_trust ? SAMLC_MODE_PINNED : SAMLC_MODE_ANCHORED));
        ctl_table_cell(table, CTL_PLAIN, head_of(samlc_text_hex(pin->digest, pin->len, p), p));
        ctl_table_cell(table, CTL_PLAIN, samlc_report_pin_kind(pin));
        ctl_table_cell(table, CTL_PLAIN, pin->origin);
    }
}

static void print_idp(const ctl_t *ctl, const samlc_idp_t *idp)
{
    apr_array_header_t *modes = samlc_report_idp_modes(idp, ctl->pool);
    ctl_table_t *table = ctl_table_make(5, ctl->pool);
    const samlc_trust_entry_t *e = NULL;
    int i = 0;

    printf("IdP ");
    ctl_print(ctl, CTL_BOLD, idp->name);
    printf("  %s  %s  %s\n", idp->entity_id, samlc_report_idp_status(idp),
           modes->nelts > 0 ? apr_array_pstrcat(ctl->pool, modes, ' ') : "no trust configured");
    for (i = 0; idp->trust->entries && i < idp->trust->entries->nelts; i++) {
        e = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);
        add_row(table, ctl, samlc_trust_slot_word(e->slot), samlc_trust_mode_word(e->mode), e->cert,
                e->key);
    }
    if (idp->trust->list) {
        add_pins(table, idp->trust->list, ctl->pool);
    }
    ctl_table_print(ctl, table);
}

static void print_keyset(const ctl_t *ctl, const samlc_keyset_t *set)
{
    ctl_table_t *table = ctl_table_make(5, ctl->pool);
    int role = 0;

    printf("Own keys ");
    ctl_print(ctl, CTL_BOLD, set->name);
    putchar('\n');
    for (role = 0; role < SAMLC_OWN_COUNT; role++) {
        if (set->keys[role].cert) {
            add_row(table, ctl, samlc_own_role_word((samlc_own_role_t)role), NULL,
                    set->keys[role].cert, set->keys[role].key);
        }
    }
    ctl_table_print(ctl, table);
}

static void print_all(const ctl_t *ctl, const samlc_snapshot_t *snapshot)
{
    apr_array_header_t *sets = samlc_report_keysets(snapshot, ctl->pool);
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        print_idp(ctl, APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *));
    }
    for (i = 0; i < sets->nelts; i++) {
        print_keyset(ctl, APR_ARRAY_IDX(sets, i, const samlc_keyset_t *));
    }
    printf("Generation %s\n", snapshot->digest_hex);
}

int samlc_cmd_list(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    samlc_snapshot_t *snapshot = NULL;
    samlc_source_t source;

    (void)argv;
    if (argc != 0) {
        return ctl_usage(ctl, "it wants nothing but options");
    }
    if (ctl_source(&source, ctl, res) != APR_SUCCESS
        || ctl_load(&snapshot, &source, ctl, res) != APR_SUCCESS) {
        ctl_complain(res);
        return CTL_UNUSABLE;
    }
    if (ctl->json) {
        fputs(samlc_report_list(snapshot, ctl->now, ctl->pool), stdout);
    }
    else {
        print_all(ctl, snapshot);
    }
    return CTL_OK;
}
