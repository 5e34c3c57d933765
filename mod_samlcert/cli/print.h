/* SPDX-License-Identifier: Apache-2.0 */
/* What people read: colours, tables and dates. */
#ifndef SAMLC_CLI_PRINT_H
#define SAMLC_CLI_PRINT_H

#include "cli/options.h"
#include "core/keys/cert.h"
#include "core/trust/idp.h"

typedef enum { CTL_PLAIN, CTL_BOLD, CTL_GREEN, CTL_YELLOW, CTL_RED } ctl_colour_t;

/* Prints coloured text, if colours are wanted. */
void ctl_print(const ctl_t *ctl, ctl_colour_t colour, const char *text);

/* A table without lines: columns as wide as they must be, two blanks between and before them. */
typedef struct ctl_table_t ctl_table_t;

ctl_table_t *ctl_table_make(int columns, apr_pool_t *p);

/* Adds the next cell, row by row; NULL is an empty one. The text is kept, not copied. */
void ctl_table_cell(ctl_table_t *table, ctl_colour_t colour, const char *text);

/* Adds a row of two plain cells, to a table of two columns. */
void ctl_table_pair(ctl_table_t *table, const char *name, const char *value);

int ctl_table_is_empty(const ctl_table_t *table);

void ctl_table_print(const ctl_t *ctl, const ctl_table_t *table);

/* "2027-01-01T00:00:00Z (41 days left)", "... (expired 3 days ago)", and how bad that is. */
const char *ctl_expiry(const samlc_cert_t *cert, apr_time_t now, apr_pool_t *p);
ctl_colour_t ctl_expiry_colour(const samlc_cert_t *cert, apr_time_t now);

/* The line above what is said of an IdP: name, entity ID, status, modes. */
void ctl_print_idp(const ctl_t *ctl, const samlc_idp_t *idp);

/* Enough of a fingerprint in hex to tell certificates apart; --json has all. */
const char *ctl_short_print(const char *hex, apr_pool_t *p);

/* "41 logins", "1 login". */
const char *ctl_logins(apr_uint64_t count, apr_pool_t *p);

#endif
