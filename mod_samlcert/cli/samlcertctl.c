/* SPDX-License-Identifier: Apache-2.0 */
/* samlcertctl: what the module does, from a shell and without httpd. */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/xml/xml.h"
#include "samlcert_config.h"

static const ctl_command_t commands[] = {
    { "verify", samlc_cmd_verify, "json now entity-id acs idp keys in-response-to unsolicited",
      "--entity-id URI --acs URL [OPTION]... FILE|-", CTL_UNUSABLE,
      "judge a response (XML, base64 or a form body); exit 0 accepted, 1 refused, 2 unusable" },
    { "inspect", samlc_cmd_inspect, "json now", "[--json] FILE|-...", CTL_UNUSABLE,
      "show certificates, PEM or DER: names, dates, fingerprints" },
    { "lint", samlc_cmd_lint, "json now user", "[--user NAME] [--json]", CTL_UNKNOWN,
      "check the trust directory; exit 0 ok, 1 warning, 2 critical, 3 unknown" },
    { "list", samlc_cmd_list, "json now", "[--json]", CTL_UNUSABLE,
      "list the IdPs with their certificates and pins, and our own keys; with --state also when "
      "each certificate was last used" },
    { "ledger", samlc_cmd_ledger, "json now", "--state DIR [--json]", CTL_UNUSABLE,
      "tell when each certificate was first and last used, and for how many logins: is the old one "
      "still in use?" },
    { "unlisted", samlc_cmd_unlisted, "json now", "--state DIR [--json]", CTL_UNUSABLE,
      "list certificates that signed responses and are not configured: a cutover that nobody "
      "announced" },
    { "history", samlc_cmd_history, "json", "--state DIR [--json]", CTL_UNUSABLE,
      "list the generations that are kept: when, why, by whom, and what each changed" },
    { "diff", samlc_cmd_diff, "json now", "--state DIR [--json] [A [B]]", CTL_UNUSABLE,
      "compare two generations: a number, a digest, \"current\" (the default for A) or \"files\", "
      "the trust directory as it is (the default for B); exit 0 no difference, 1 some, 2 "
      "unusable" },
    { "rollback", samlc_cmd_rollback, "json now force dry-run yes",
      "--state DIR [OPTION]... [GENERATION]", CTL_UNUSABLE,
      "put the files of a generation that is kept back into the trust directory (default: the "
      "last one that differs from it); exit 0 done, 1 refused, 2 unusable" },
    { "recover", samlc_cmd_recover, "", "", CTL_UNUSABLE,
      "carry out the rest of a change that was interrupted" },
    { "schedule", samlc_cmd_schedule, "json now keys dry-run force remove",
      "[--force] IDP|--keys SET activate|retire SLOT TIME, or --remove IDP|--keys SET "
      "activate|retire SLOT", CTL_UNUSABLE,
      "say from when on a certificate, or a key of ours, is to have another slot" },
    { "settle", samlc_cmd_settle, "json now dry-run prune",
      "[--state DIR] [--dry-run] [--prune] [--json]", CTL_UNUSABLE,
      "give files the names of the slots where time or first use has moved them; nothing changes "
      "its slot by that" },
    { "settings", samlc_cmd_settings, "markdown", "[--markdown]", CTL_UNUSABLE,
      "explain the settings of an IdP (idp.conf, <SamlCertIdP>)" },
    { "help", samlc_cmd_help, "", "[COMMAND]", CTL_UNUSABLE, "explain a command" },
};
#define COUNT ((int)(sizeof(commands) / sizeof(commands[0])))

static const ctl_command_t *find(const char *name)
{
    int i = 0;

    for (i = 0; i < COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

void ctl_complain(const samlc_result_t *res)
{
    fprintf(stderr, "samlcertctl: %s: %s\n", samlc_reason_word(res->reason), res->message);
}

int ctl_usage(const ctl_t *ctl, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    fprintf(stderr, "samlcertctl%s%s: %s\n", ctl->command ? " " : "",
            ctl->command ? ctl->command->name : "", apr_pvsprintf(ctl->pool, fmt, args));
    va_end(args);
    if (ctl->command) {
        fprintf(stderr, "usage: samlcertctl %s %s\n", ctl->command->name, ctl->command->operands);
    }
    fprintf(stderr, "try: samlcertctl help%s%s\n", ctl->command ? " " : "",
            ctl->command ? ctl->command->name : "");
    return ctl->command ? ctl->command->usage_exit : CTL_UNUSABLE;
}

static int unknown_command(const ctl_t *ctl, const char *name)
{
    const char *names[COUNT];
    const char *near = NULL;
    int i = 0;

    for (i = 0; i < COUNT; i++) {
        names[i] = commands[i].name;
    }
    near = ctl_nearest(name, names, COUNT);
    return ctl_usage(ctl, "there is no command %s%s%s", samlc_text_show(name, ctl->pool),
                     near ? "; did you mean " : "", near ? near : "");
}

static void print_overview(const ctl_t *ctl)
{
    ctl_table_t *table = ctl_table_make(2, ctl->pool);
    int i = 0;

    puts("usage: samlcertctl [--trust DIR] [--state DIR] [--json] COMMAND\n\nCommands");
    for (i = 0; i < COUNT; i++) {
        ctl_table_cell(table, CTL_BOLD, commands[i].name);
        ctl_table_cell(table, CTL_PLAIN, commands[i].help);
    }
    ctl_table_print(ctl, table);
    puts("\nOptions");
    ctl_options_help(ctl, "");
}

static void print_help(const ctl_t *ctl, const ctl_command_t *command)
{
    printf("usage: samlcertctl [--trust DIR] [--state DIR] %s %s\n\n%s\n\nOptions\n", command->name,
           command->operands, command->help);
    ctl_options_help(ctl, command->options);
}

int samlc_cmd_help(ctl_t *ctl, int argc, const char **argv)
{
    const ctl_command_t *command = NULL;

    if (argc > 1) {
        return ctl_usage(ctl, "it wants one command at most");
    }
    if (argc == 0) {
        print_overview(ctl);
        return CTL_OK;
    }
    command = find(argv[0]);
    if (!command) {
        return unknown_command(ctl, argv[0]);
    }
    print_help(ctl, command);
    return CTL_OK;
}

static int run(ctl_t *ctl, int argc, char **argv)
{
    apr_array_header_t *operands = NULL;
    const char *wrong = ctl_options_parse(ctl, &operands, argc, argv);
    const char **words = (const char **)operands->elts;

    ctl->command = operands->nelts > 0 ? find(words[0]) : NULL;
    if (!wrong && ctl->command) {
        wrong = ctl_options_check(ctl, ctl->command->options);
    }
    if (wrong) {
        return ctl_usage(ctl, "%s", wrong);
    }
    if (ctl->version) {
        puts("samlcertctl " PACKAGE_VERSION);
        return CTL_OK;
    }
    if (operands->nelts == 0) {
        return ctl->help ? samlc_cmd_help(ctl, 0, NULL) : ctl_usage(ctl, "a command is missing");
    }
    if (!ctl->command) {
        return unknown_command(ctl, words[0]);
    }
    if (ctl->help) {
        print_help(ctl, ctl->command);
        return CTL_OK;
    }
    if (ctl->now == 0) {
        ctl->now = apr_time_now();
    }
    if (!samlc_xml_init_once()) {
        fputs("samlcertctl: internal: xmlsec1 does not start\n", stderr);
        return ctl->command->usage_exit;
    }
    return ctl->command->run(ctl, operands->nelts - 1, words + 1);
}

int main(int argc, char **argv)
{
    ctl_t ctl = {0};
    const char *no_colour = getenv("NO_COLOR");
    int code = 0;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&ctl.pool, NULL);
    ctl.in_response_to = apr_array_make(ctl.pool, 2, sizeof(const char *));
    ctl.has_colour = isatty(STDOUT_FILENO) && !(no_colour && *no_colour != '\0');
    code = run(&ctl, argc, argv);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("samlcertctl: standard output");
        code = ctl.command ? ctl.command->usage_exit : CTL_UNUSABLE;
    }
    apr_pool_destroy(ctl.pool);
    return code;
}
