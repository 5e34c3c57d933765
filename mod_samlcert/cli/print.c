/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/print.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "core/base/clock.h"
#include "core/report.h"

static const char *const codes[] = {"", "\033[1m", "\033[32m", "\033[33m", "\033[31m"};

void ctl_print(const ctl_t *ctl, ctl_colour_t colour, const char *text)
{
    if (ctl->has_colour && colour != CTL_PLAIN) {
        printf("%s%s\033[0m", codes[colour], text);
    }
    else {
        fputs(text, stdout);
    }
}

typedef struct cell_t {
    ctl_colour_t colour;
    const char *text;
} cell_t;

struct ctl_table_t {
    int columns;
    int *widths;
    apr_array_header_t *cells;   /* cell_t */
};

ctl_table_t *ctl_table_make(int columns, apr_pool_t *p)
{
    ctl_table_t *table = apr_pcalloc(p, sizeof(*table));

    table->columns = columns;
    table->widths = apr_pcalloc(p, (apr_size_t)columns * sizeof(*table->widths));
    table->cells = apr_array_make(p, 8 * columns, sizeof(cell_t));
    return table;
}

void ctl_table_cell(ctl_table_t *table, ctl_colour_t colour, const char *text)
{
    int column = table->cells->nelts % table->columns;
    cell_t *cell = apr_array_push(table->cells);
    int width = 0;

    cell->colour = colour;
    cell->text = text ? text : "";
    width = (int)strlen(cell->text);
    if (width > table->widths[column]) {
        table->widths[column] = width;
    }
}

void ctl_table_pair(ctl_table_t *table, const char *name, const char *value)
{
    ctl_table_cell(table, CTL_PLAIN, name);
    ctl_table_cell(table, CTL_PLAIN, value);
}

int ctl_table_is_empty(const ctl_table_t *table)
{
    return table->cells->nelts == 0;
}

void ctl_table_print(const ctl_t *ctl, const ctl_table_t *table)
{
    const cell_t *cell = NULL;
    int blanks = 0;   /* owed to the next cell that is not empty */
    int column = 0;
    int i = 0;

    for (i = 0; i < table->cells->nelts; i++) {
        cell = &APR_ARRAY_IDX(table->cells, i, cell_t);
        column = i % table->columns;
        blanks += 2;
        if (*cell->text != '\0') {
            printf("%*s", blanks, "");
            ctl_print(ctl, cell->colour, cell->text);
            blanks = 0;
        }
        blanks += table->widths[column] - (int)strlen(cell->text);
        if (column + 1 == table->columns) {
            putchar('\n');
            blanks = 0;
        }
    }
}

void ctl_print_idp(const ctl_t *ctl, const samlc_idp_t *idp)
{
    apr_array_header_t *modes = samlc_report_idp_modes(idp, ctl->pool);

    printf("IdP ");
    ctl_print(ctl, CTL_BOLD, idp->name);
    printf("  %s  %s  %s\n", idp->entity_id, samlc_report_idp_status(idp),
           modes->nelts > 0 ? apr_array_pstrcat(ctl->pool, modes, ' ') : "no trust configured");
}

#define SHOWN_DIGITS 16

const char *ctl_short_print(const char *hex, apr_pool_t *p)
{
    return apr_pstrndup(p, hex, SHOWN_DIGITS);
}

const char *ctl_logins(apr_uint64_t count, apr_pool_t *p)
{
    return apr_psprintf(p, "%" APR_UINT64_T_FMT " login%s", count, count == 1 ? "" : "s");
}

const char *ctl_expiry(const samlc_cert_t *cert, apr_time_t now, apr_pool_t *p)
{
    const char *when = samlc_clock_format(samlc_cert_not_after(cert), p);
    int days = samlc_cert_days_left(cert, now);

    if (samlc_cert_is_expired(cert, now)) {
        return apr_psprintf(p, "%s (expired %d days ago)", when, -days - 1);
    }
    if (samlc_cert_is_not_yet_valid(cert, now)) {
        return apr_psprintf(p, "%s (not valid before %s)", when,
                            samlc_clock_format(samlc_cert_not_before(cert), p));
    }
    return apr_psprintf(p, "%s (%d days left)", when, days);
}

ctl_colour_t ctl_expiry_colour(const samlc_cert_t *cert, apr_time_t now)
{
    if (samlc_cert_is_expired(cert, now)) {
        return CTL_RED;
    }
    if (samlc_cert_is_not_yet_valid(cert, now) || samlc_cert_days_left(cert, now) < CTL_WARN_DAYS) {
        return CTL_YELLOW;
    }
    return CTL_GREEN;
}
