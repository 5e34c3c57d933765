/* SPDX-License-Identifier: Apache-2.0 */
/* The options of all commands: one table, one parser. They stand before or after the command. */
#ifndef SAMLC_CLI_OPTIONS_H
#define SAMLC_CLI_OPTIONS_H

#include <apr_tables.h>
#include <apr_time.h>

#define CTL_DEFAULT_TRUST "/etc/apache2/samlcert"
#define CTL_DEFAULT_KEYS "default"

struct ctl_command_t;

/* What was asked for. Texts are NULL, flags 0 and lists empty where nothing was given. */
typedef struct ctl_t {
    apr_pool_t *pool;
    const struct ctl_command_t *command;
    int has_colour;
    apr_time_t now;

    const char *trust;
    const char *state;
    const char *passphrase_file;
    const char *user;
    int json;
    int help;
    int version;
    const char *entity_id;
    const char *acs;
    const char *idp;
    const char *keys;
    apr_array_header_t *in_response_to;   /* const char * */
    int unsolicited;
    int markdown;
    int force;
    int dry_run;
    int yes;
    int prune;
    int remove;
} ctl_t;

/*
 * Reads the command line: options into `ctl`, all else into *operands (const char *; the command is
 * the first). NULL, or what is wrong with it; what was right is filled in then, too.
 */
const char *ctl_options_parse(ctl_t *ctl, apr_array_header_t **operands, int argc, char **argv);

/* NULL, or what is wrong: an option was given that the command (its `options`) does not take. */
const char *ctl_options_check(const ctl_t *ctl, const char *allowed);

/* Prints a line of help for each option of `allowed` (names) and of every command. */
void ctl_options_help(const ctl_t *ctl, const char *allowed);

/* The one of `words` (`count` of them) that looks most like `word`; NULL if none does. */
const char *ctl_nearest(const char *word, const char *const *words, int count);

#endif
