/* SPDX-License-Identifier: Apache-2.0 */
/* Generations by the names that people give them: current, files, a number, a digest. */
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "cli/commands.h"

#define MIN_DIGITS 6   /* of a digest */

samlc_archive_t *ctl_archive(const ctl_t *ctl)
{
    return samlc_archive_make(apr_pstrcat(ctl->pool, ctl->state, "/generations", NULL), 1,
                              ctl->pool);
}

apr_array_header_t *ctl_archived(const ctl_t *ctl, const samlc_archive_t *archive,
                                 const samlc_source_t *source)
{
    apr_array_header_t *all = samlc_archive_list(archive, ctl->pool);
    apr_array_header_t *list = apr_array_make(ctl->pool, all->nelts + 1, sizeof(samlc_archived_t));
    int i = 0;

    for (i = 0; i < all->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(all, i, samlc_archived_t).trust_dir, source->dir) == 0) {
            APR_ARRAY_PUSH(list, samlc_archived_t) = APR_ARRAY_IDX(all, i, samlc_archived_t);
        }
    }
    return list;
}

/* TRUE if `name` means this one: its number, or the beginning of its digest. */
static int is_meant(const samlc_archived_t *about, const char *name, apr_pool_t *p)
{
    return strcmp(apr_psprintf(p, "%" APR_UINT64_T_FMT, about->number), name) == 0
           || (strlen(name) >= MIN_DIGITS
               && strncmp(about->digest_hex, name, strlen(name)) == 0);
}

apr_status_t ctl_find(const samlc_archived_t **found, const ctl_t *ctl,
                      const samlc_archive_t *archive, const samlc_source_t *source,
                      const char *name, samlc_result_t *res)
{
    const apr_array_header_t *list = ctl_archived(ctl, archive, source);
    const samlc_archived_t *about = NULL;
    int i = 0;

    *found = NULL;
    if (strcmp(name, "current") == 0) {
        name = samlc_archive_current(archive, ctl->pool);
        if (!name) {
            return samlc_result_fail(res, APR_ENOENT, SAMLC_REASON_FILE_UNREADABLE,
                                     "%s: no generation is kept as the current one (is this the "
                                     "SamlCertStateDir of httpd, and may you read it?)",
                                     samlc_archive_dir(archive));
        }
    }
    for (i = 0; i < list->nelts; i++) {
        about = &APR_ARRAY_IDX(list, i, samlc_archived_t);
        if (is_meant(about, name, ctl->pool) && *found) {
            return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                     "%s: means generation %.12s as well as %.12s; give more "
                                     "digits", samlc_text_show(name, ctl->pool),
                                     (*found)->digest_hex, about->digest_hex);
        }
        if (is_meant(about, name, ctl->pool)) {
            *found = about;
        }
    }
    if (!*found) {
        return samlc_result_fail(res, APR_ENOENT, SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: no generation of %s with this number or digest is kept; "
                                 "`samlcertctl history` lists them",
                                 samlc_text_show(name, ctl->pool), source->dir);
    }
    return APR_SUCCESS;
}

static apr_status_t destroy(void *snapshot)
{
    samlc_snapshot_destroy(snapshot);
    return APR_SUCCESS;
}

apr_status_t ctl_load_archived(samlc_snapshot_t **snapshot, const ctl_t *ctl,
                               const samlc_archive_t *archive, const samlc_source_t *source,
                               const samlc_archived_t *about, samlc_result_t *res)
{
    apr_status_t rv = samlc_archive_load(snapshot, archive, source, about->digest_hex, ctl->now,
                                         res, ctl->pool);

    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(ctl->pool, *snapshot, destroy, apr_pool_cleanup_null);
    }
    return rv;
}

const char *ctl_sentences(const apr_array_header_t *differences, const char *indent, apr_pool_t *p)
{
    apr_array_header_t *lines = apr_array_make(p, 8, sizeof(const char *));
    int i = 0;

    for (i = 0; i < differences->nelts; i++) {
        APR_ARRAY_PUSH(lines, const char *) = apr_pstrcat(
            p, indent,
            samlc_difference_sentence(&APR_ARRAY_IDX(differences, i, samlc_difference_t), p), "\n",
            NULL);
    }
    return apr_array_pstrcat(p, lines, 0);
}
