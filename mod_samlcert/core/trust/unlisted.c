/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/unlisted.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file.h"

#define FOLDER "unlisted"
#define SUFFIX ".pem"
#define DIR_PERMS (APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE)
#define FILE_PERMS (APR_FPROT_UREAD | APR_FPROT_UWRITE)
#define FIRST_SEEN "First-Seen: "
#define LAST_SEEN "Last-Seen: "
#define CHAIN "Chain: "

static const char *folder_of(const char *state_dir, const char *idp, apr_pool_t *p)
{
    return apr_pstrcat(p, state_dir, "/" FOLDER "/", idp, NULL);
}

static const char *path_of(const char *state_dir, const char *idp, const samlc_cert_t *cert,
                           apr_pool_t *p)
{
    return apr_pstrcat(p, folder_of(state_dir, idp, p), "/", samlc_cert_sha256_hex(cert), SUFFIX,
                       NULL);
}

/*
 * The rest of the first line that begins with `name`; NULL if there is none. What stands within a
 * line may be from a stranger: the subject of a certificate.
 */
static const char *value_of(const samlc_data_t *file, const char *name, apr_pool_t *p)
{
    const char *line = apr_pstrmemdup(p, (const char *)file->data, file->len);
    apr_size_t len = strlen(name);

    while (line != NULL && strncmp(line, name, len) != 0) {
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    return line == NULL ? NULL : apr_pstrmemdup(p, line + len, strcspn(line + len, "\r\n"));
}

static const char *content_of(const samlc_idp_t *idp, const samlc_cert_t *cert,
                              const char *first_seen, apr_time_t now, apr_pool_t *p)
{
    const char *when = samlc_clock_format(now, p);
    const char *message = NULL;
    samlc_reason_t chain = samlc_chain_judge(&message, idp->trust->chain, cert, 0, now, p);

    return apr_pstrcat(
        p, "IdP: ", idp->name, "\nSubject: ", samlc_text_show(samlc_cert_subject(cert), p),
        "\nSHA-256: ", samlc_cert_sha256_hex(cert), "\nSPKI-SHA-256: ",
        samlc_text_hex(samlc_key_spki_sha256(samlc_cert_key(cert)), SAMLC_SHA256_LEN, p),
        "\nNot-Before: ", samlc_clock_format(samlc_cert_not_before(cert), p),
        "\nNot-After: ", samlc_clock_format(samlc_cert_not_after(cert), p), "\n" CHAIN,
        samlc_reason_word(chain), "\n" FIRST_SEEN, first_seen != NULL ? first_seen : when,
        "\n" LAST_SEEN, when, "\n", samlc_cert_pem(cert, p), NULL);
}

/*
 * The names of files in a directory that end in `suffix`, sorted; empty where there is no
 * directory.
 */
static apr_array_header_t *names_in(const char *dir, const char *suffix, apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 8, sizeof(const char *));
    apr_dir_t *handle = NULL;
    apr_finfo_t info;

    if (apr_dir_open(&handle, dir, p) != APR_SUCCESS) {
        return names;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, handle) == APR_SUCCESS) {
        apr_size_t len = strlen(info.name), tail = strlen(suffix);

        if (info.name[0] != '.' && len > tail && strcmp(info.name + len - tail, suffix) == 0) {
            APR_ARRAY_PUSH(names, const char *) = apr_pstrdup(p, info.name);
        }
    }
    apr_dir_close(handle);
    return names;
}

apr_status_t samlc_unlisted_note(int *is_due, const char *state_dir, const samlc_idp_t *idp,
                                 const samlc_cert_t *cert, apr_time_t now, samlc_result_t *res,
                                 apr_pool_t *p)
{
    const char *dir = folder_of(state_dir, idp->name, p);
    const char *path = path_of(state_dir, idp->name, cert, p);
    const char *content = NULL, *first_seen = NULL, *last_seen = NULL;
    samlc_data_t old;
    apr_time_t last = 0;
    apr_status_t rv = samlc_file_read(&old, path, SAMLC_MAX_CERT_FILE, samlc_result_make(p), p);

    *is_due = 0;
    if (rv == APR_SUCCESS) {
        first_seen = value_of(&old, FIRST_SEEN, p);
        last_seen = value_of(&old, LAST_SEEN, p);
        if (last_seen != NULL && samlc_clock_parse(&last, last_seen) == APR_SUCCESS
            && now < last + SAMLC_UNLISTED_EVERY) {
            return APR_SUCCESS;
        }
    }
    else if (names_in(dir, SUFFIX, p)->nelts >= SAMLC_MAX_UNLISTED) {
        return APR_SUCCESS;
    }
    rv = apr_dir_make_recursive(dir, DIR_PERMS, p);
    if (rv != APR_SUCCESS) {
        return samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s can't be made", dir);
    }
    content = content_of(idp, cert, first_seen, now, p);
    rv = samlc_file_replace(path, content, strlen(content), FILE_PERMS, res, p);
    *is_due = rv == APR_SUCCESS;
    return rv;
}

apr_status_t samlc_unlisted_parse(samlc_unlisted_t *entry, const samlc_data_t *file,
                                  samlc_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *certs = NULL;
    apr_status_t rv = samlc_cert_parse_file(&certs, file, res, p);

    memset(entry, 0, sizeof(*entry));
    if (rv != APR_SUCCESS) {
        return rv;
    }
    entry->cert = APR_ARRAY_IDX(certs, 0, samlc_cert_t *);
    entry->first_seen = value_of(file, FIRST_SEEN, p);
    entry->last_seen = value_of(file, LAST_SEEN, p);
    entry->chain = value_of(file, CHAIN, p);
    return entry->first_seen != NULL && entry->last_seen != NULL && entry->chain != NULL
               ? APR_SUCCESS
               : samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                   "%s: does not say when it was seen", file->origin);
}

/* What a file says; FALSE for one that we did not write. */
static int read_entry(samlc_unlisted_t *entry, const char *state_dir, const char *idp,
                      const char *name, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    const char *path = apr_pstrcat(p, folder_of(state_dir, idp, p), "/", name, NULL);
    samlc_data_t file;

    if (samlc_file_read(&file, path, SAMLC_MAX_CERT_FILE, res, p) != APR_SUCCESS
        || samlc_unlisted_parse(entry, &file, res, p) != APR_SUCCESS) {
        return 0;
    }
    entry->idp = idp;
    entry->path = path;
    return 1;
}

static int compare_entries(const void *a, const void *b)
{
    const samlc_unlisted_t *x = a, *y = b;
    int order = strcmp(x->idp, y->idp);

    return order != 0 ? order : strcmp(y->last_seen, x->last_seen);
}

apr_status_t samlc_unlisted_list(apr_array_header_t **list, const char *state_dir,
                                 samlc_result_t *res, apr_pool_t *p)
{
    const char *top = apr_pstrcat(p, state_dir, "/" FOLDER, NULL);
    apr_array_header_t *idps = names_in(top, "", p);
    apr_finfo_t info;
    int i = 0, k = 0;

    *list = apr_array_make(p, 4, sizeof(samlc_unlisted_t));
    if (apr_stat(&info, state_dir, APR_FINFO_TYPE, p) != APR_SUCCESS || info.filetype != APR_DIR) {
        return samlc_result_fail(res, APR_ENOENT, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s is not a directory: --state names the SamlCertStateDir",
                                 samlc_text_show(state_dir, p));
    }
    for (i = 0; i < idps->nelts; i++) {
        const char *idp = APR_ARRAY_IDX(idps, i, const char *);
        apr_array_header_t *names = names_in(folder_of(state_dir, idp, p), SUFFIX, p);

        for (k = 0; k < names->nelts; k++) {
            samlc_unlisted_t entry;

            if (read_entry(&entry, state_dir, idp, APR_ARRAY_IDX(names, k, const char *), p)) {
                APR_ARRAY_PUSH(*list, samlc_unlisted_t) = entry;
            }
        }
    }
    qsort((*list)->elts, (size_t)(*list)->nelts, sizeof(samlc_unlisted_t), compare_entries);
    return APR_SUCCESS;
}

const char *samlc_unlisted_stage_command(const char *state_dir, const char *trust_dir,
                                         const char *idp, const samlc_cert_t *cert, apr_pool_t *p)
{
    return apr_psprintf(p, "install -m 0644 %s %s/idp/%s/staged.pem",
                        path_of(state_dir, idp, cert, p), trust_dir, idp);
}
