/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/remembered.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_strings.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file.h"

#define FOLDER "remembered"
#define DIR_PERMS (APR_FPROT_UREAD | APR_FPROT_UWRITE | APR_FPROT_UEXECUTE)
#define FILE_PERMS (APR_FPROT_UREAD | APR_FPROT_UWRITE)
#define RETRY_AFTER apr_time_from_sec(60)
#define NEVER APR_INT64_MAX
/* Until then a directory may change once more without its time showing it. */
#define SETTLED apr_time_from_sec(2)

static const char *folder_of(const char *state_dir, const samlc_idp_t *idp, apr_pool_t *p)
{
    return apr_pstrcat(p, state_dir, "/" FOLDER "/", idp->name, NULL);
}

static const char *name_of(const samlc_pin_t *pin, apr_pool_t *p)
{
    return apr_psprintf(p, "%s%d-%s.pem", pin->is_spki ? "spki-" : "cert-", (int)pin->len * 8,
                        samlc_text_hex(pin->digest, pin->len, p));
}

/* The certificate in a file; NULL if there is no file, or nothing that this pin matches. */
static const samlc_cert_t *read_cert(const char *path, const samlc_pin_t *pin,
                                     const samlc_signcerts_t *list, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    apr_array_header_t *certs = NULL;
    const samlc_cert_t *cert = NULL;
    samlc_data_t file;

    if (samlc_file_read(&file, path, SAMLC_MAX_CERT_FILE, res, p) != APR_SUCCESS
        || samlc_cert_parse_file(&certs, &file, res, p) != APR_SUCCESS || certs->nelts != 1) {
        return NULL;
    }
    cert = APR_ARRAY_IDX(certs, 0, const samlc_cert_t *);
    return samlc_signcerts_match(list, cert) == pin ? cert : NULL;
}

/* --- writing --- */

/* One file for each pin there is: those of pins that were taken away go. */
static void prune(const char *dir, const samlc_signcerts_t *list, apr_pool_t *p)
{
    apr_array_header_t *gone = apr_array_make(p, 2, sizeof(const char *));
    apr_dir_t *handle = NULL;
    apr_finfo_t info;
    int i = 0;

    if (apr_dir_open(&handle, dir, p) != APR_SUCCESS) {
        return;
    }
    while (apr_dir_read(&info, APR_FINFO_NAME, handle) == APR_SUCCESS) {
        for (i = 0; i < list->pins->nelts; i++) {
            if (strcmp(info.name, name_of(&APR_ARRAY_IDX(list->pins, i, samlc_pin_t), p)) == 0) {
                break;
            }
        }
        if (i == list->pins->nelts && info.name[0] != '.') {
            APR_ARRAY_PUSH(gone, const char *) = apr_pstrcat(p, dir, "/", info.name, NULL);
        }
    }
    apr_dir_close(handle);
    for (i = 0; i < gone->nelts; i++) {
        apr_file_remove(APR_ARRAY_IDX(gone, i, const char *), p);
    }
}

static apr_status_t write_cert(const char *dir, const samlc_idp_t *idp,
                               const samlc_known_cert_t *known, apr_time_t now, samlc_result_t *res,
                               apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, dir, "/", name_of(known->pin, p), NULL);
    const char *content = apr_pstrcat(
        p, "IdP: ", idp->name, "\nSubject: ",
        samlc_text_show(samlc_cert_subject(known->cert), p), "\nSHA-256: ",
        samlc_cert_sha256_hex(known->cert), "\nRemembered: ", samlc_clock_format(now, p), "\n",
        samlc_cert_pem(known->cert, p), NULL);
    apr_status_t rv = apr_dir_make_recursive(dir, DIR_PERMS, p);

    if (rv != APR_SUCCESS) {
        return samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s can't be made", dir);
    }
    rv = samlc_file_replace(path, content, strlen(content), FILE_PERMS, res, p);
    if (rv == APR_SUCCESS) {
        prune(dir, idp->trust->list, p);
    }
    return rv;
}

/* The certificate is there, or another one of its key that ends no earlier. */
static int is_there(const char *dir, const samlc_signcerts_t *list, const samlc_known_cert_t *known,
                    apr_pool_t *p)
{
    const samlc_cert_t *cert = read_cert(
        apr_pstrcat(p, dir, "/", name_of(known->pin, p), NULL), known->pin, list, p);

    return cert != NULL && samlc_cert_not_after(cert) >= samlc_cert_not_after(known->cert);
}

static const samlc_known_cert_t *known_of(const samlc_trust_t *trust, const samlc_cert_t *cert,
                                          apr_pool_t *p)
{
    const samlc_known_cert_t *known = samlc_known_find(trust->known, samlc_cert_sha256(cert));
    samlc_data_t der;

    if (known != NULL) {
        return known;
    }
    der = samlc_cert_der(cert, p);
    return samlc_known_add(trust->known, &der);
}

apr_status_t samlc_remembered_note(int *is_new, const char *state_dir, const samlc_idp_t *idp,
                                   const samlc_trust_verdict_t *verdict, apr_time_t now,
                                   samlc_result_t *res, apr_pool_t *p)
{
    const samlc_known_cert_t *known = NULL;
    const char *dir = NULL;
    apr_status_t rv = APR_SUCCESS;

    *is_new = 0;
    if (!verdict->is_trusted || verdict->cert == NULL
        || (verdict->mode != SAMLC_MODE_PINNED && verdict->mode != SAMLC_MODE_ANCHORED)) {
        return APR_SUCCESS;
    }
    known = known_of(idp->trust, verdict->cert, p);
    if (known == NULL || now < samlc_known_cert_ask_at(known)) {
        return APR_SUCCESS;
    }
    samlc_known_cert_accept(known);
    dir = folder_of(state_dir, idp, p);
    if (!is_there(dir, idp->trust->list, known, p)) {
        rv = write_cert(dir, idp, known, now, res, p);
        *is_new = rv == APR_SUCCESS;
    }
    samlc_known_cert_set_ask_at(known, rv == APR_SUCCESS ? NEVER : now + RETRY_AFTER);
    return rv;
}

/* --- reading --- */

static int is_known(const samlc_known_t *known, const samlc_pin_t *pin)
{
    const samlc_known_cert_t *at = samlc_known_first(known);

    while (at != NULL && (at->pin != pin || !samlc_known_cert_is_accepted(at))) {
        at = at->next;
    }
    return at != NULL;
}

int samlc_remembered_recall(const char *state_dir, const samlc_idp_t *idp, apr_time_t now,
                            apr_pool_t *p)
{
    const samlc_signcerts_t *list = idp->trust->list;
    samlc_known_t *known = idp->trust->known;
    const samlc_known_cert_t *recalled = NULL;
    const samlc_cert_t *cert = NULL;
    const char *dir = NULL;
    apr_finfo_t info;
    int found = 0, i = 0;

    if (state_dir == NULL || list == NULL || known == NULL || list->pins->nelts == 0) {
        return 0;
    }
    dir = folder_of(state_dir, idp, p);
    if (apr_stat(&info, dir, APR_FINFO_MTIME, p) != APR_SUCCESS
        || info.mtime == samlc_known_read_at(known)) {
        return 0;
    }
    for (i = 0; i < list->pins->nelts; i++) {
        const samlc_pin_t *pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);
        samlc_data_t der;

        if (is_known(known, pin)) {
            continue;
        }
        cert = read_cert(apr_pstrcat(p, dir, "/", name_of(pin, p), NULL), pin, list, p);
        if (cert != NULL) {
            der = samlc_cert_der(cert, p);
            recalled = samlc_known_add(known, &der);
        }
        if (cert != NULL && recalled != NULL) {
            samlc_known_cert_accept(recalled);
            found = 1;
        }
    }
    if (now > info.mtime + SETTLED) {
        samlc_known_set_read_at(known, info.mtime);
    }
    return found;
}
