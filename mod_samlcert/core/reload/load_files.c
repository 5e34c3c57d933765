/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/load.h"

#include <string.h>
#include <unistd.h>

#include <apr_strings.h>

#include "core/base/file.h"

apr_status_t samlc_load_file(const samlc_data_t **data, samlc_load_t *l, const char *path,
                             apr_size_t max)
{
    samlc_data_t *read = apr_hash_get(l->contents, path, APR_HASH_KEY_STRING);
    apr_status_t rv = APR_SUCCESS;

    *data = NULL;
    if (l->source->is_stopped != NULL && l->source->is_stopped()) {
        return samlc_result_fail(l->res, APR_EAGAIN, SAMLC_REASON_INTERNAL,
                                 "%s: not read, the process is ending", path);
    }
    if (read == NULL) {
        read = apr_pcalloc(l->ptemp, sizeof(*read));
        rv = samlc_file_read(read, samlc_source_place(l->source, path, l->ptemp), max, l->res,
                             l->ptemp);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        read->origin = apr_pstrdup(l->p, path); /* outlives the contents */
        apr_hash_set(l->contents, path, APR_HASH_KEY_STRING, read);
    }
    *data = read;
    return APR_SUCCESS;
}

/* The file itself, whatever we load: by our own right, or else by the broker. */
static apr_status_t read_private(samlc_data_t *read, samlc_load_t *l, const char *path,
                                 const char *set, samlc_own_role_t role)
{
    samlc_result_t *own = samlc_result_make(l->ptemp);
    apr_status_t rv = samlc_file_read(read, path, SAMLC_MAX_CERT_FILE, own, l->ptemp);
    int fd = -1;

    if (rv == APR_SUCCESS) {
        return rv;
    }
    if (!APR_STATUS_IS_EACCES(rv) || l->source->broker == NULL) {
        return samlc_result_fail(l->res, rv, own->reason, "%s", own->message);
    }
    rv = samlc_broker_ask(&fd, l->source->broker, set, role, path, l->res);
    if (rv == APR_SUCCESS) {
        rv = samlc_file_read_open(read, fd, path, SAMLC_MAX_CERT_FILE, l->res, l->ptemp);
        close(fd);
        APR_ARRAY_PUSH(l->lent, const char *) = apr_pstrdup(l->p, path);
    }
    return rv;
}

apr_status_t samlc_load_private(const samlc_data_t **data, samlc_load_t *l, const char *path,
                                const char *set, samlc_own_role_t role)
{
    samlc_data_t *read = apr_pcalloc(l->ptemp, sizeof(*read));
    apr_status_t rv = APR_SUCCESS;
    const char *when = "";

    *data = NULL;
    if (l->source->root != NULL) {
        rv = samlc_file_read(read, samlc_source_place(l->source, path, l->ptemp),
                             SAMLC_MAX_CERT_FILE, l->res, l->ptemp);
        when = read->len == 0 ? " (left out of the copy, as it is now)" : "";
    }
    if (rv == APR_SUCCESS && read->len == 0) {
        rv = read_private(read, l, path, set, role);
    }
    if (rv == APR_SUCCESS) {
        read->origin = apr_pstrcat(l->p, path, when, NULL);
        apr_hash_set(l->contents, apr_pstrdup(l->ptemp, path), APR_HASH_KEY_STRING, read);
        *data = read;
    }
    return rv;
}

static const samlc_seen_t *seen_at(const samlc_load_t *l, int i)
{
    return &APR_ARRAY_IDX(l->snapshot->scan->seen, i, samlc_seen_t);
}

/* Where a name is, or would be: what was seen is sorted. */
static int position_of(const samlc_load_t *l, const char *name)
{
    int low = 0, high = l->snapshot->scan->seen->nelts;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (strcmp(seen_at(l, middle)->name, name) < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

const samlc_seen_t *samlc_load_find(const samlc_load_t *l, const char *name)
{
    int i = position_of(l, name);

    return i < l->snapshot->scan->seen->nelts && strcmp(seen_at(l, i)->name, name) == 0
               ? seen_at(l, i)
               : NULL;
}

const samlc_seen_t *samlc_load_next_below(const samlc_load_t *l, const char *dir, int *i)
{
    apr_size_t len = strlen(dir);

    *i = *i < 0 ? position_of(l, apr_pstrcat(l->ptemp, dir, "/", NULL)) : *i + 1;
    if (*i < l->snapshot->scan->seen->nelts && strncmp(seen_at(l, *i)->name, dir, len) == 0
        && seen_at(l, *i)->name[len] == '/') {
        return seen_at(l, *i);
    }
    return NULL;
}

const samlc_seen_t *samlc_load_next_file(const samlc_load_t *l, const char *dir, int *i)
{
    const samlc_seen_t *seen = NULL;

    do {
        seen = samlc_load_next_below(l, dir, i);
    } while (seen != NULL && (seen->is_dir || strchr(seen->name + strlen(dir) + 1, '/') != NULL));
    return seen;
}

apr_status_t samlc_load_certs(apr_array_header_t *certs, samlc_load_t *l, const char *dir)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1;

    while (rv == APR_SUCCESS && (seen = samlc_load_next_file(l, dir, &i)) != NULL) {
        const samlc_data_t *file = NULL;
        apr_array_header_t *found = NULL;

        rv = samlc_load_file(&file, l, seen->path, SAMLC_MAX_CERT_FILE);
        if (rv == APR_SUCCESS) {
            rv = samlc_cert_parse_file(&found, file, l->res, l->p);
        }
        if (rv == APR_SUCCESS) {
            apr_array_cat(certs, found);
        }
    }
    return rv;
}

apr_status_t samlc_load_crls(apr_array_header_t *crls, samlc_load_t *l, const char *dir)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1;

    while (rv == APR_SUCCESS && (seen = samlc_load_next_file(l, dir, &i)) != NULL) {
        const samlc_data_t *file = NULL;

        rv = samlc_load_file(&file, l, seen->path, SAMLC_MAX_METADATA_FILE);
        if (rv == APR_SUCCESS) {
            APR_ARRAY_PUSH(crls, samlc_data_t) = *file;
        }
    }
    return rv;
}
