/* SPDX-License-Identifier: Apache-2.0 */
/* The commands of samlcertctl, and what they share. */
#ifndef SAMLC_CLI_COMMANDS_H
#define SAMLC_CLI_COMMANDS_H

#include "cli/options.h"
#include "core/base/result.h"
#include "core/base/text.h"
#include "core/history/archive.h"
#include "core/history/difference.h"
#include "core/history/ledger.h"
#include "core/reload/snapshot.h"

/* Exit codes. verify: accepted, refused, unusable. Monitors (lint): the four of them. */
#define CTL_OK 0
#define CTL_REFUSED 1
#define CTL_WARNING 1
#define CTL_UNUSABLE 2
#define CTL_CRITICAL 2
#define CTL_UNKNOWN 3

#define CTL_WARN_DAYS 30   /* a certificate that ends within so many days is worth a warning */

/* A command. `argv` holds its operands alone; the options are in `ctl`. Returns the exit code. */
typedef struct ctl_command_t {
    const char *name;
    int (*run)(ctl_t *ctl, int argc, const char **argv);
    const char *options;    /* those that it takes, beside the ones every command takes */
    const char *operands;   /* as usage shows them */
    int usage_exit;         /* exit code for a usage error */
    const char *help;       /* one sentence */
} ctl_command_t;

int samlc_cmd_verify(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_inspect(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_lint(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_list(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_ledger(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_unlisted(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_history(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_diff(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_rollback(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_recover(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_schedule(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_settle(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_settings(ctl_t *ctl, int argc, const char **argv);
int samlc_cmd_help(ctl_t *ctl, int argc, const char **argv);

/* Says on stderr what is wrong with the command line and how it is meant; returns the exit code. */
int ctl_usage(const ctl_t *ctl, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Says on stderr what failed: "samlcertctl: CODE: SENTENCE". */
void ctl_complain(const samlc_result_t *res);

/*
 * The trust directory as a source, with the overlay of the state directory if that is known;
 * nobody's permissions are checked.
 */
apr_status_t ctl_source(samlc_source_t *source, const ctl_t *ctl, samlc_result_t *res);

/* The passphrase of encrypted keys: from --passphrase-file, or from a terminal when needed. */
apr_status_t ctl_passphrase(const samlc_passphrase_t **passphrase, const ctl_t *ctl,
                            samlc_result_t *res);

/* Loads the trust directory as of ctl->now, until the pool goes. */
apr_status_t ctl_load(samlc_snapshot_t **snapshot, const samlc_source_t *source, const ctl_t *ctl,
                      samlc_result_t *res);

#define CTL_WANTS_STATE "it wants --state DIR, the SamlCertStateDir of httpd"

/* The archive of the state directory, to read; ctl->state is given. */
samlc_archive_t *ctl_archive(const ctl_t *ctl);

/* What is kept of this trust directory (samlc_archived_t), newest first. */
apr_array_header_t *ctl_archived(const ctl_t *ctl, const samlc_archive_t *archive,
                                 const samlc_source_t *source);

/* The one that is meant by "current", a number, or six or more digits of its digest. */
apr_status_t ctl_find(const samlc_archived_t **found, const ctl_t *ctl,
                      const samlc_archive_t *archive, const samlc_source_t *source,
                      const char *name, samlc_result_t *res);

/* Loads it as of ctl->now, until the pool goes. */
apr_status_t ctl_load_archived(samlc_snapshot_t **snapshot, const ctl_t *ctl,
                               const samlc_archive_t *archive, const samlc_source_t *source,
                               const samlc_archived_t *about, samlc_result_t *res);

/* Differences (samlc_difference_t) as lines. */
const char *ctl_sentences(const apr_array_header_t *differences, const char *indent, apr_pool_t *p);

/* Who runs this, for the record: a name, behind sudo the one who called it. */
const char *ctl_author(apr_pool_t *p);

/* Reads a file, or standard input for "-". Fails with too-large or file-unreadable. */
apr_status_t ctl_read(samlc_data_t *out, const char *path, apr_size_t max, samlc_result_t *res,
                      apr_pool_t *p);

#endif
