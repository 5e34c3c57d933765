/* SPDX-License-Identifier: Apache-2.0 */
/* list: what is trusted, IdP by IdP, and our own keys. */
#include <apr_strings.h>
#include <stdio.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/base/clock.h"
#include "core/report.h"
#include "core/trust/moves.h"

/* Two cells: last use and count. */
static void add_use(ctl_table_t *table, const samlc_use_t *use, apr_pool_t *p)
{
    const char *last = use->count > 0 ? samlc_clock_format(use->last, p) : "never";

    ctl_table_cell(table, CTL_PLAIN, apr_pstrcat(p, "used ", last, NULL));
    ctl_table_cell(table, CTL_PLAIN, use->count > 0 ? ctl_logins(use->count, p) : NULL);
}

/* The row of a certificate, or of a bare key, whose fingerprint is that of the key itself. */
static void add_row(ctl_table_t *table, const ctl_t *ctl, const char *role, const char *mode,
                    const samlc_cert_t *cert, const samlc_key_t *key)
{
    apr_pool_t *p = ctl->pool;

    ctl_table_cell(table, CTL_PLAIN, role);
    ctl_table_cell(table, CTL_PLAIN, mode);
    if (cert) {
        ctl_table_cell(table, CTL_PLAIN, ctl_short_print(samlc_cert_sha256_hex(cert), p));
        ctl_table_cell(table, ctl_expiry_colour(cert, ctl->now), ctl_expiry(cert, ctl->now, p));
        ctl_table_cell(table, CTL_PLAIN, samlc_cert_subject(cert));
    }
    else {
        const unsigned char *spki = samlc_key_spki_sha256(key);

        ctl_table_cell(table, CTL_PLAIN,
                       ctl_short_print(samlc_text_hex(spki, SAMLC_SHA256_LEN, p), p));
        ctl_table_cell(table, CTL_PLAIN, "no dates");
        ctl_table_cell(table, CTL_PLAIN, "bare key");
    }
}

/* "primary", or "primary (staged.pem, since TIME)" where its file says something else. */
static const char *role_of(const char *word, const samlc_place_t *place, const char *ending,
                           apr_pool_t *p)
{
    return !place || place->slot == place->filed
               ? word
               : apr_pstrcat(p, word, " (", place->stem, ending, ", since ",
                             samlc_clock_format(place->since, p), ")", NULL);
}

/* What will become of a file. */
static void print_scheduled(const samlc_place_t *place, const char *ending, apr_pool_t *p)
{
    if (place->activate_at != 0) {
        printf("  %s%s: ActivateAt %s\n", place->stem, ending,
               samlc_clock_format(place->activate_at, p));
    }
    if (place->retire_at != 0) {
        printf("  %s%s: RetireAt %s\n", place->stem, ending,
               samlc_clock_format(place->retire_at, p));
    }
}

static void add_entries(ctl_table_t *table, const ctl_t *ctl, const samlc_idp_t *idp,
                        const samlc_ledger_t *ledger)
{
    const samlc_trust_entry_t *e = NULL;
    samlc_use_t use;
    int i = 0;

    for (i = 0; idp->trust->entries && i < idp->trust->entries->nelts; i++) {
        e = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);
        add_row(table, ctl, role_of(samlc_trust_slot_word(e->slot), e->place, ".pem", ctl->pool),
                samlc_trust_mode_word(e->mode), e->cert, e->key);
        if (ledger) {
            samlc_ledger_find(&use, ledger, idp->entity_id, e->cert, e->key);
            add_use(table, &use, ctl->pool);
        }
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
        ctl_table_cell(table, CTL_PLAIN, "pin");
        ctl_table_cell(table, CTL_PLAIN, samlc_trust_mode_word(
            list->ignore_trust ? SAMLC_MODE_PINNED : SAMLC_MODE_ANCHORED));
        ctl_table_cell(table, CTL_PLAIN,
                       ctl_short_print(samlc_text_hex(pin->digest, pin->len, p), p));
        ctl_table_cell(table, CTL_PLAIN, samlc_report_pin_kind(pin));
        ctl_table_cell(table, CTL_PLAIN, pin->origin);
        if (samlc_ledger_find_pin(&use, ledger, idp->entity_id, pin)) {
            add_use(table, &use, p);
        }
        else if (ledger) {
            ctl_table_pair(table, "uses not known", NULL);
        }
    }
}

static void print_idp(const ctl_t *ctl, const samlc_idp_t *idp, const samlc_ledger_t *ledger)
{
    ctl_table_t *table = ctl_table_make(ledger ? 7 : 5, ctl->pool);
    const samlc_trust_entry_t *e = NULL;
    const samlc_place_t *last = NULL;
    int i = 0;

    ctl_print_idp(ctl, idp);
    add_entries(table, ctl, idp, ledger);
    add_pins(table, idp, ledger, ctl->pool);
    ctl_table_print(ctl, table);
    for (i = 0; i < idp->trust->entries->nelts; i++) {
        e = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);
        if (e->place && e->place != last) {    /* those of one file stand together */
            print_scheduled(e->place, ".pem", ctl->pool);
        }
        last = e->place;
    }
}

static void print_keyset(const ctl_t *ctl, const samlc_keyset_t *set)
{
    ctl_table_t *table = ctl_table_make(5, ctl->pool);
    const samlc_place_t *place = NULL;
    int role = 0;
    int i = 0;

    printf("Own keys ");
    ctl_print(ctl, CTL_BOLD, set->name);
    putchar('\n');
    for (role = 0; role < SAMLC_OWN_COUNT; role++) {
        if (set->keys[role].cert) {
            place = samlc_moves_find_slot(set->places,
                                          samlc_moves_own_slot((samlc_own_role_t)role));
            add_row(table, ctl,
                    role_of(samlc_own_role_word((samlc_own_role_t)role), place, ".key", ctl->pool),
                    NULL, set->keys[role].cert, set->keys[role].key);
        }
    }
    ctl_table_print(ctl, table);
    for (i = 0; set->places && i < set->places->nelts; i++) {
        print_scheduled(APR_ARRAY_IDX(set->places, i, samlc_place_t *), ".key", ctl->pool);
    }
}

static void print_all(const ctl_t *ctl, const samlc_snapshot_t *snapshot,
                      const samlc_ledger_t *ledger)
{
    apr_array_header_t *sets = samlc_report_keysets(snapshot, ctl->pool);
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        print_idp(ctl, APR_ARRAY_IDX(snapshot->idps, i, const samlc_idp_t *), ledger);
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
    const samlc_ledger_t *ledger = NULL;
    samlc_source_t source;
    apr_status_t rv = APR_SUCCESS;

    (void)argv;
    if (argc != 0) {
        return ctl_usage(ctl, "it wants nothing but options");
    }
    if (ctl_source(&source, ctl, res) != APR_SUCCESS
        || ctl_load(&snapshot, &source, ctl, res) != APR_SUCCESS) {
        ctl_complain(res);
        return CTL_UNUSABLE;
    }
    if (ctl->state) {
        rv = samlc_ledger_read(&ledger, ctl->state, res, ctl->pool);
    }
    if (rv != APR_SUCCESS && !APR_STATUS_IS_ENOENT(rv)) {    /* no server was here yet */
        ctl_complain(res);    /* what is configured can be told all the same */
    }
    if (ctl->json) {
        fputs(samlc_report_list(snapshot, ledger, ctl->now, ctl->pool), stdout);
    }
    else {
        print_all(ctl, snapshot, ledger);
    }
    return CTL_OK;
}
