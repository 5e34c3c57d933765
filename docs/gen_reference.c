/* SPDX-License-Identifier: Apache-2.0 */
/* Prints the directives of the module in Markdown: the first half of the reference manual. */
#include <stdio.h>

#include "httpd/directives.h"

/* A "|" would end the cell, a "<" in running text would begin HTML. */
static void print_cell(const char *s, int is_code)
{
    for (; *s != '\0'; s++) {
        if (*s == '|') {
            fputs("\\|", stdout);
        }
        else if (*s == '<' && !is_code) {
            fputs("&lt;", stdout);
        }
        else {
            putchar(*s);
        }
    }
}

static void print_row(const char *name, const char *syntax, const char *fallback, const char *help)
{
    printf("| `" MOD_SAMLC_PREFIX "%s` | `", name);
    print_cell(syntax, 1);
    printf("` | `%s` | ", fallback ? fallback : "none");
    print_cell(help, 0);
    puts(" |");
}

static void print_head(const char *title, const char *context)
{
    printf("\n## %s\n\nContext: %s\n\n", title, context);
    puts("| Directive | Value | Default | Meaning |\n|---|---|---|---|");
}

int main(void)
{
    puts("<!-- SPDX-License-Identifier: Apache-2.0 -->");
    puts("# Directives and settings\n");
    puts("Generated from the tables of the code by `make reference`; changes belong there.");
#define ROW(name, member, type, min, max, words, fallback, syntax, help) \
    print_row(#name, syntax, fallback, help);
    print_head("Directives of the server", MOD_SAMLC_SERVER_CONTEXT);
    MOD_SAMLC_SERVER_DIRECTIVES(ROW)
    print_head("Directives of a directory", MOD_SAMLC_DIRECTORY_CONTEXT);
    MOD_SAMLC_DIRECTORY_DIRECTIVES(ROW)
#undef ROW
    puts("\n## Settings of an identity provider\n");
    puts("In `idp/NAME/idp.conf` of the trust directory, one `Setting value` a line; or inside\n"
         "`" MOD_SAMLC_SECTION " NAME>` with the prefix `" MOD_SAMLC_PREFIX "`. Where the "
         "module is built with xmlsec1 1.3 or newer,\nRSA-PSS signatures (`rsa-pss-sha256`, "
         "`-sha384`, `-sha512`) are allowed, too.\n");
    return fflush(stdout) == 0 ? 0 : 1;
}
