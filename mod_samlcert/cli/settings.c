/* SPDX-License-Identifier: Apache-2.0 */
/* settings: the table of IdP settings and of algorithms, for people and the reference manual. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/trust/settings.h"
#include "core/xml/algorithm.h"

typedef struct setting_t {
    const char *name;
    const char *parser;
    int low;                 /* of algorithms: their kind */
    const char *fallback;    /* the default as it would be written; NULL: none */
    const char *syntax;
    const char *help;
} setting_t;

static const setting_t settings[] = {
#define ROW(name, type, member, parser, low, high, fallback, syntax, help) \
    {#name, #parser, low, fallback, syntax, help},
    SAMLC_SETTINGS(ROW)
#undef ROW
};
#define COUNT ((int)(sizeof(settings) / sizeof(settings[0])))

static int is_algorithms(const setting_t *s)
{
    return strcmp(s->parser, "algorithms") == 0;
}

static const char *default_of(const setting_t *s, apr_pool_t *p)
{
    samlc_algorithm_kind_t kind = (samlc_algorithm_kind_t)s->low;

    if (is_algorithms(s)) {
        return samlc_algorithms_show(samlc_algorithms_default(kind), kind, p);
    }
    return s->fallback ? s->fallback : "none";
}

static void print_text(const ctl_t *ctl)
{
    int i = 0;

    for (i = 0; i < COUNT; i++) {
        ctl_print(ctl, CTL_BOLD, settings[i].name);
        printf(" %s\n  %s\n  default: %s\n", settings[i].syntax, settings[i].help,
               default_of(&settings[i], ctl->pool));
    }
}

/* A "|" would end the cell of a table. */
static const char *cell(const char *s, apr_pool_t *p)
{
    char *out = apr_palloc(p, 2 * strlen(s) + 1);
    char *to = out;

    for (; *s != '\0'; s++) {
        if (*s == '|') {
            *to++ = '\\';
        }
        *to++ = *s;
    }
    *to = '\0';
    return out;
}

static void print_algorithms(const ctl_t *ctl, const setting_t *s)
{
    const samlc_algorithm_t *algorithm = NULL;
    int i = 0;

    for (i = 0; (algorithm = samlc_algorithm_at((samlc_algorithm_kind_t)s->low, i)) != NULL; i++) {
        printf("| `%s` | `%s` | %s%s%s | `%s` |\n", s->name, algorithm->name,
               algorithm->is_default ? "allowed" : "refused", algorithm->warning ? "; " : "",
               algorithm->warning ? cell(algorithm->warning, ctl->pool) : "", algorithm->uri);
    }
}

static void print_markdown(const ctl_t *ctl)
{
    apr_pool_t *p = ctl->pool;
    int i = 0;

    puts("| Setting | Value | Default | Meaning |\n|---|---|---|---|");
    for (i = 0; i < COUNT; i++) {
        printf("| `%s` | `%s` | `%s` | %s |\n", settings[i].name, cell(settings[i].syntax, p),
               cell(default_of(&settings[i], p), p), cell(settings[i].help, p));
    }
    puts("\n### Algorithms\n\n| Setting | Name | By default | URI |\n|---|---|---|---|");
    for (i = 0; i < COUNT; i++) {
        if (is_algorithms(&settings[i])) {
            print_algorithms(ctl, &settings[i]);
        }
    }
}

int samlc_cmd_settings(ctl_t *ctl, int argc, const char **argv)
{
    (void)argv;
    if (argc != 0) {
        return ctl_usage(ctl, "it wants nothing but options");
    }
    if (ctl->markdown) {
        print_markdown(ctl);
    }
    else {
        print_text(ctl);
    }
    return CTL_OK;
}
