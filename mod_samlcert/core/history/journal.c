/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/journal.h"

#include <apr_strings.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/history/record.h"
#include "core/reload/source.h"

#define MAX_JOURNAL (16 * 1024 * 1024)
#define HEAD "samlcert-journal 1"
#define END "end"
#define STAGING_LEN (sizeof(SAMLC_JOURNAL_STAGING) - 1 + 6)
#define JOURNAL_PERMS (APR_FPROT_UREAD | APR_FPROT_UWRITE)
#define DIR_MODE 0755

struct samlc_journal_t {
    const char *trust_dir;
    apr_array_header_t *lines;   /* const char * */
    apr_pool_t *pool;
};

/* ---- Writing it ---- */

static void add_line(samlc_journal_t *journal, const char *word, const char *staged,
                     const char *name)
{
    APR_ARRAY_PUSH(journal->lines, const char *) =
        apr_pstrcat(journal->pool, word, staged ? " " : "", staged ? staged : "", " ",
                    samlc_text_url_encode(name, journal->pool), "\n", NULL);
}

samlc_journal_t *samlc_journal_make(const char *trust_dir, const char *staging, apr_pool_t *p)
{
    samlc_journal_t *journal = apr_palloc(p, sizeof(*journal));

    journal->trust_dir = trust_dir;
    journal->lines = apr_array_make(p, 8, sizeof(const char *));
    journal->pool = p;
    APR_ARRAY_PUSH(journal->lines, const char *) = HEAD "\n";
    APR_ARRAY_PUSH(journal->lines, const char *) = apr_pstrcat(p, "staging ", staging, "\n", NULL);
    return journal;
}

void samlc_journal_add_mkdir(samlc_journal_t *journal, const char *name)
{
    add_line(journal, "mkdir", NULL, name);
}

void samlc_journal_add_put(samlc_journal_t *journal, const char *staged, const char *name)
{
    add_line(journal, "put", staged, name);
}

void samlc_journal_add_remove(samlc_journal_t *journal, const char *name)
{
    add_line(journal, "remove", NULL, name);
}

void samlc_journal_add_rmdir(samlc_journal_t *journal, const char *name)
{
    add_line(journal, "rmdir", NULL, name);
}

static const char *place_of(const char *trust_dir, apr_pool_t *p)
{
    return apr_pstrcat(p, trust_dir, "/" SAMLC_SOURCE_JOURNAL, NULL);
}

apr_status_t samlc_journal_publish(const samlc_journal_t *journal, samlc_result_t *res)
{
    const char *place = place_of(journal->trust_dir, journal->pool);
    const char *lines = apr_array_pstrcat(journal->pool, journal->lines, 0);
    const char *text = apr_pstrcat(journal->pool, lines, END "\n", NULL);
    apr_status_t rv = samlc_file_replace(place, text, strlen(text), JOURNAL_PERMS, res,
                                         journal->pool);

    if (rv != APR_SUCCESS) {
        unlink(place);    /* it may be there, and not on disk */
    }
    return rv;
}

/* ---- Carrying it out ---- */

/* One that is in place. */
typedef struct work_t {
    const char *trust_dir;
    const char *staging;         /* its path */
    apr_array_header_t *touched; /* const char *: directories to sync */
    samlc_result_t *res;
    apr_pool_t *p;
} work_t;

static apr_status_t fail_errno(const work_t *work, const char *path, const char *what)
{
    apr_status_t rv = APR_FROM_OS_ERROR(errno);
    char reason[128];

    return samlc_result_fail(work->res, rv, SAMLC_REASON_FILE_UNREADABLE,
                             "%s: cannot %s: %s; the change stays interrupted until `samlcertctl "
                             "--trust %s recover` succeeds", path, what,
                             apr_strerror(rv, reason, sizeof(reason)), work->trust_dir);
}

static int is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static apr_status_t do_mkdir(const work_t *work, const char *path)
{
    if ((mkdir(path, DIR_MODE) != 0 && errno != EEXIST) || chmod(path, DIR_MODE) != 0) {
        return fail_errno(work, path, "make it");
    }
    return APR_SUCCESS;
}

/* What was staged is gone if the file was put before. */
static apr_status_t do_put(const work_t *work, const char *staged, const char *path)
{
    const char *from = apr_pstrcat(work->p, work->staging, "/", staged, NULL);

    if (rename(from, path) != 0 && (errno != ENOENT || is_there(from) || !is_there(path))) {
        return fail_errno(work, path, "replace it");
    }
    return APR_SUCCESS;
}

static apr_status_t do_remove(const work_t *work, const char *path)
{
    return unlink(path) == 0 || errno == ENOENT ? APR_SUCCESS
                                                : fail_errno(work, path, "remove it");
}

static apr_status_t do_rmdir(const work_t *work, const char *path)
{
    return rmdir(path) == 0 || errno == ENOENT ? APR_SUCCESS : fail_errno(work, path, "remove it");
}

static apr_status_t fail_malformed(const char *trust_dir, samlc_result_t *res)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                             "%s/" SAMLC_SOURCE_JOURNAL ": is not what samlcertctl writes; if you "
                             "know what it is, move it away", trust_dir);
}

int samlc_journal_is_name(const char *name)
{
    const char *component = name;

    if (strcmp(name, SAMLC_RECORD_NAME) == 0) {
        return 1;
    }
    while (component) {
        if (*component == '.' || *component == '/' || *component == '\0') {
            return 0;
        }
        component = strchr(component, '/');
        component = component ? component + 1 : NULL;
    }
    return 1;
}

/* "put 3 NAME", "remove NAME". */
static apr_status_t do_line(work_t *work, char *line)
{
    char *rest = NULL;
    const char *word = apr_strtok(line, " ", &rest);
    const char *staged = word && strcmp(word, "put") == 0 ? apr_strtok(NULL, " ", &rest) : NULL;
    const char *name = word ? apr_strtok(NULL, " ", &rest) : NULL;
    const char *path = NULL;

    name = name ? samlc_text_url_decode(name, strlen(name), work->p) : NULL;
    if (!name || !samlc_journal_is_name(name)) {
        return fail_malformed(work->trust_dir, work->res);
    }
    path = apr_pstrcat(work->p, work->trust_dir, "/", name, NULL);
    APR_ARRAY_PUSH(work->touched, const char *) =
        apr_pstrmemdup(work->p, path, (apr_size_t)(strrchr(path, '/') - path));
    if (strcmp(word, "mkdir") == 0) {
        return do_mkdir(work, path);
    }
    if (strcmp(word, "put") == 0 && staged[strspn(staged, "0123456789")] == '\0') {
        return do_put(work, staged, path);
    }
    if (strcmp(word, "remove") == 0) {
        return do_remove(work, path);
    }
    if (strcmp(word, "rmdir") == 0) {
        return do_rmdir(work, path);
    }
    return fail_malformed(work->trust_dir, work->res);
}

/* What was done must be on disk before the journal goes. */
static apr_status_t sync_touched(const work_t *work)
{
    const char *dir = NULL;
    const char *before = "";
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    for (i = 0; i < work->touched->nelts && rv == APR_SUCCESS; i++) {
        dir = APR_ARRAY_IDX(work->touched, i, const char *);
        if (strcmp(dir, before) != 0 && is_there(dir)) {
            rv = samlc_file_sync_dir(dir, work->res);
        }
        before = dir;
    }
    return rv;
}

/* The second line says where things are staged. */
static int is_staging(const char *line)
{
    static const char word[] = "staging " SAMLC_JOURNAL_STAGING;

    return line && strncmp(line, word, sizeof(word) - 1) == 0 && !strchr(line, '/')
           && strlen(line) == sizeof("staging ") - 1 + STAGING_LEN;
}

static apr_status_t do_all(work_t *work, char *text)
{
    char *rest = NULL;
    const char *head = apr_strtok(text, "\n", &rest);
    const char *staging = apr_strtok(NULL, "\n", &rest);
    char *line = apr_strtok(NULL, "\n", &rest);
    apr_status_t rv = APR_SUCCESS;

    if (!head || strcmp(head, HEAD) != 0 || !is_staging(staging)) {
        return fail_malformed(work->trust_dir, work->res);
    }
    work->staging = apr_pstrcat(work->p, work->trust_dir, "/", strchr(staging, '.'), NULL);
    for (; line && strcmp(line, END) != 0 && rv == APR_SUCCESS;
         line = apr_strtok(NULL, "\n", &rest)) {
        rv = do_line(work, line);
    }
    return rv == APR_SUCCESS ? sync_touched(work) : rv;
}

apr_status_t samlc_journal_carry_out(int *was_there, const char *trust_dir, samlc_result_t *res,
                                     apr_pool_t *p)
{
    const char *place = place_of(trust_dir, p);
    work_t work = {trust_dir, NULL, apr_array_make(p, 8, sizeof(const char *)), res, p};
    samlc_data_t file;
    apr_status_t rv = APR_EGENERAL;

    *was_there = is_there(place);
    if (!*was_there) {
        return APR_SUCCESS;
    }
    rv = samlc_file_read(&file, place, MAX_JOURNAL, res, p);
    if (rv == APR_SUCCESS && !strstr((const char *)file.data, "\n" END "\n")) {
        rv = fail_malformed(trust_dir, res);
    }
    if (rv == APR_SUCCESS) {
        rv = do_all(&work, (char *)file.data);
    }
    if (rv == APR_SUCCESS && unlink(place) != 0) {
        rv = fail_errno(&work, place, "remove it");
    }
    /* All is done. If the journal comes back with the power, all of it is done once more. */
    if (rv == APR_SUCCESS) {
        samlc_file_sync_dir(trust_dir, samlc_result_make(p));
        samlc_file_remove_tree(work.staging, samlc_result_make(p));    /* or the next begin does */
    }
    return rv;
}
