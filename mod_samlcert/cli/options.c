/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/options.h"

#include <apr_strings.h>
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cli/print.h"
#include "core/base/clock.h"
#include "core/base/text.h"

typedef enum { FLAG, TEXT, LIST, INSTANT } kind_t;

typedef struct option_t {
    const char *name;
    const char *argument;   /* as help shows it; NULL for a flag */
    kind_t kind;
    apr_size_t member;      /* of ctl_t */
    int everywhere;         /* every command takes it */
    const char *help;
} option_t;

static const option_t table[] = {
    {"trust", "DIR", TEXT, offsetof(ctl_t, trust), 1,
     "the trust directory (default " CTL_DEFAULT_TRUST ")"},
    {"state", "DIR", TEXT, offsetof(ctl_t, state), 1,
     "the state directory, the SamlCertStateDir of httpd"},
    {"passphrase-file", "FILE", TEXT, offsetof(ctl_t, passphrase_file), 1,
     "its first line is the passphrase of encrypted private keys; without it a terminal is asked"},
    {"help", NULL, FLAG, offsetof(ctl_t, help), 1, "help, for the command if there is one"},
    {"version", NULL, FLAG, offsetof(ctl_t, version), 1, "the version"},
    {"json", NULL, FLAG, offsetof(ctl_t, json), 0, "answer with JSON"},
    {"now", "RFC3339", INSTANT, offsetof(ctl_t, now), 0,
     "judge as of this time (default: the present)"},
    {"user", "NAME", TEXT, offsetof(ctl_t, user), 0,
     "whom the server runs as: say which private keys that user can't read"},
    {"entity-id", "URI", TEXT, offsetof(ctl_t, entity_id), 0, "our entity ID, the audience"},
    {"acs", "URL", TEXT, offsetof(ctl_t, acs), 0, "our ACS URL, destination and recipient"},
    {"idp", "NAME", TEXT, offsetof(ctl_t, idp), 0, "the only IdP that may have answered"},
    {"keys", "SET", TEXT, offsetof(ctl_t, keys), 0,
     "our key set for decryption (default: the set \"" CTL_DEFAULT_KEYS "\")"},
    {"in-response-to", "ID", LIST, offsetof(ctl_t, in_response_to), 0,
     "a request that may be answered; may be repeated"},
    {"unsolicited", NULL, FLAG, offsetof(ctl_t, unsolicited), 0,
     "accept an answer to no request, whatever the IdP's setting"},
    {"markdown", NULL, FLAG, offsetof(ctl_t, markdown), 0, "answer with Markdown"},
    {"force", NULL, FLAG, offsetof(ctl_t, force), 0,
     "do it although the last key of an IdP, or all of them at once, or our active key is lost"},
    {"dry-run", NULL, FLAG, offsetof(ctl_t, dry_run), 0, "say what would be done, and do nothing"},
    {"yes", NULL, FLAG, offsetof(ctl_t, yes), 0, "do not ask"},
    {"prune", NULL, FLAG, offsetof(ctl_t, prune), 0, "remove keys of ours that are gone"},
    {"remove", NULL, FLAG, offsetof(ctl_t, remove), 0, "take the line away"},
};
#define COUNT ((int)(sizeof(table) / sizeof(table[0])))

static void *member_of(ctl_t *ctl, const option_t *option)
{
    return (char *)ctl + option->member;
}

/* Takes one option; returns what is wrong with it, or NULL. */
static const char *take(ctl_t *ctl, const option_t *option, const char *value)
{
    void *member = member_of(ctl, option);

    switch (option->kind) {
    case FLAG:
        *(int *)member = 1;
        return NULL;
    case TEXT:
        if (*(const char **)member) {
            return apr_psprintf(ctl->pool, "--%s is given twice", option->name);
        }
        *(const char **)member = value;
        return NULL;
    case LIST:
        APR_ARRAY_PUSH(*(apr_array_header_t **)member, const char *) = value;
        return NULL;
    case INSTANT:
        if (samlc_clock_parse(member, value) != APR_SUCCESS || *(apr_time_t *)member <= 0) {
            return apr_psprintf(ctl->pool, "--%s %s is no time such as 2026-11-21T19:41:40Z",
                                option->name, samlc_text_show(value, ctl->pool));
        }
        return NULL;
    }
    return "internal error";
}

static const char *unknown_option(const char *given, apr_pool_t *p)
{
    const char *names[COUNT];
    const char *bare = given + strspn(given, "-");
    const char *near = NULL;
    int i = 0;

    for (i = 0; i < COUNT; i++) {
        names[i] = table[i].name;
    }
    near = ctl_nearest(apr_pstrmemdup(p, bare, strcspn(bare, "=")), names, COUNT);
    return apr_pstrcat(p, "there is no option ", samlc_text_show(given, p),
                       near ? "; did you mean --" : "", near, NULL);
}

const char *ctl_options_parse(ctl_t *ctl, apr_array_header_t **operands, int argc, char **argv)
{
    struct option longs[COUNT + 1] = {{0}};
    const char *error = NULL;
    const char *wrong = NULL;
    int c = 0;
    int i = 0;

    *operands = apr_array_make(ctl->pool, 4, sizeof(const char *));
    for (i = 0; i < COUNT; i++) {
        longs[i].name = table[i].name;
        longs[i].has_arg = table[i].argument ? required_argument : no_argument;
        longs[i].val = 256 + i;
    }
    /* "-": operands come as 1; ":": a missing argument is told from an unknown option */
    while ((c = getopt_long(argc, argv, "-:hV", longs, NULL)) != -1) {
        wrong = NULL;
        if (c == 1) {
            APR_ARRAY_PUSH(*operands, const char *) = optarg;
        }
        else if (c == 'h') {
            ctl->help = 1;
        }
        else if (c == 'V') {
            ctl->version = 1;
        }
        else if (c >= 256) {
            wrong = take(ctl, &table[c - 256], optarg);
        }
        else if (c == ':') {
            wrong = apr_psprintf(ctl->pool, "%s needs an argument", argv[optind - 1]);
        }
        else if (optopt >= 256) {
            wrong = apr_psprintf(ctl->pool, "--%s takes no argument", table[optopt - 256].name);
        }
        else if (optopt != 0) {   /* a letter, perhaps one of several in a word */
            wrong = apr_psprintf(ctl->pool, "there is no option -%c", optopt);
        }
        else {
            wrong = unknown_option(argv[optind - 1], ctl->pool);
        }
        error = error ? error : wrong;
    }
    for (i = optind; i < argc; i++) {
        APR_ARRAY_PUSH(*operands, const char *) = argv[i];
    }
    return error;
}

static int is_given(const ctl_t *ctl, const option_t *option)
{
    const void *member = (const char *)ctl + option->member;

    switch (option->kind) {
    case FLAG:
        return *(const int *)member;
    case TEXT:
        return *(const char *const *)member != NULL;
    case LIST:
        return (*(apr_array_header_t *const *)member)->nelts > 0;
    case INSTANT:
        return *(const apr_time_t *)member != 0;
    }
    return 1;
}

/* TRUE if `name` is one of the blank separated words of `allowed`. */
static int is_allowed(const char *name, const char *allowed, apr_pool_t *p)
{
    apr_array_header_t *words = samlc_text_words(allowed, p);
    int i = 0;

    for (i = 0; i < words->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(words, i, const char *), name) == 0) {
            return 1;
        }
    }
    return 0;
}

const char *ctl_options_check(const ctl_t *ctl, const char *allowed)
{
    int i = 0;

    for (i = 0; i < COUNT; i++) {
        if (!table[i].everywhere && is_given(ctl, &table[i])
            && !is_allowed(table[i].name, allowed, ctl->pool)) {
            return apr_psprintf(ctl->pool, "it takes no --%s", table[i].name);
        }
    }
    return NULL;
}

void ctl_options_help(const ctl_t *ctl, const char *allowed)
{
    ctl_table_t *lines = ctl_table_make(2, ctl->pool);
    int i = 0;

    for (i = 0; i < COUNT; i++) {
        if (table[i].everywhere || is_allowed(table[i].name, allowed, ctl->pool)) {
            ctl_table_cell(lines, CTL_PLAIN, apr_pstrcat(ctl->pool, "--", table[i].name,
                                                         table[i].argument ? " " : NULL,
                                                         table[i].argument, NULL));
            ctl_table_cell(lines, CTL_PLAIN, table[i].help);
        }
    }
    ctl_table_print(ctl, lines);
}

#define MAX_WORD 32

/* Levenshtein's distance; words longer than MAX_WORD are far from everything. */
static int distance(const char *a, const char *b)
{
    int row[MAX_WORD + 1];
    int la = (int)strlen(a);
    int lb = (int)strlen(b);
    int i = 0;
    int j = 0;

    if (la > MAX_WORD || lb > MAX_WORD) {
        return MAX_WORD;
    }
    for (j = 0; j <= lb; j++) {
        row[j] = j;
    }
    for (i = 1; i <= la; i++) {
        int diagonal = row[0];

        row[0] = i;
        for (j = 1; j <= lb; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);

            diagonal = row[j];
            best = best <= row[j] ? best : row[j] + 1;
            row[j] = best <= row[j - 1] ? best : row[j - 1] + 1;
        }
    }
    return row[lb];
}

const char *ctl_nearest(const char *word, const char *const *words, int count)
{
    const char *near = NULL;
    int least = 1 + (int)strlen(word) / 3;   /* a third of the letters may be wrong */
    int i = 0;

    for (i = 0; i < count; i++) {
        int d = distance(word, words[i]);

        if (d <= least) {
            near = words[i];
            least = d - 1;
        }
    }
    return near;
}
