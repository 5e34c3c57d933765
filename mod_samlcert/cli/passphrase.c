/* SPDX-License-Identifier: Apache-2.0 */
/* The passphrase of encrypted private keys: from a file, or from whoever sits at the terminal. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "cli/commands.h"
#include "core/base/file.h"

#define MAX_FILE (64 * 1024)

typedef struct known_t {
    int is_asked;
    int len;                           /* -1: there is none */
    char text[SAMLC_MAX_PASSPHRASE];
} known_t;

static apr_status_t forget(void *data)
{
    explicit_bzero(data, sizeof(known_t));
    return APR_SUCCESS;
}

/* Asks on the terminal itself: standard output may go to a file. */
static void ask(known_t *known, const char *origin)
{
    FILE *tty = fopen("/dev/tty", "r+");
    struct termios loud, quiet;

    if (!tty) {
        return;
    }
    setvbuf(tty, NULL, _IONBF, 0);
    if (tcgetattr(fileno(tty), &loud) == 0) {
        quiet = loud;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
        fprintf(tty, "Passphrase of %s: ", origin);
        if (fgets(known->text, sizeof(known->text), tty)) {
            known->len = (int)samlc_passphrase_len(known->text, strlen(known->text));
        }
        tcsetattr(fileno(tty), TCSAFLUSH, &loud);
        fputs("\n", tty);
    }
    fclose(tty);
}

/* Once: a wrong one is wrong for the next key, too. */
static int get(void *baton, char *buffer, int size, const char *origin)
{
    known_t *known = baton;

    if (!known->is_asked && isatty(STDIN_FILENO)) {
        ask(known, origin);
    }
    known->is_asked = 1;
    if (known->len <= 0 || known->len > size) {
        return -1;
    }
    memcpy(buffer, known->text, (size_t)known->len);
    return known->len;
}

static apr_status_t read_known(known_t *known, const char *path, samlc_result_t *res, apr_pool_t *p)
{
    samlc_data_t file;
    apr_status_t rv = samlc_file_read(&file, path, MAX_FILE, res, p);
    apr_size_t len = 0;

    if (rv != APR_SUCCESS) {
        return rv;
    }
    len = samlc_passphrase_len((const char *)file.data, file.len);
    if (len == 0 || len > sizeof(known->text)) {
        rv = samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                               "%s: its first line is empty, or longer than %d bytes", path,
                               SAMLC_MAX_PASSPHRASE);
    }
    else {
        memcpy(known->text, file.data, len);
        known->len = (int)len;
        known->is_asked = 1;
    }
    explicit_bzero((void *)file.data, file.len);
    return rv;
}

apr_status_t ctl_passphrase(const samlc_passphrase_t **passphrase, const ctl_t *ctl,
                            samlc_result_t *res)
{
    samlc_passphrase_t *made = apr_pcalloc(ctl->pool, sizeof(*made));
    known_t *known = apr_pcalloc(ctl->pool, sizeof(*known));

    known->len = -1;
    made->get = get;
    made->baton = known;
    apr_pool_cleanup_register(ctl->pool, known, forget, apr_pool_cleanup_null);
    *passphrase = made;
    return ctl->passphrase_file ? read_known(known, ctl->passphrase_file, res, ctl->pool)
                                : APR_SUCCESS;
}
