/* SPDX-License-Identifier: Apache-2.0 */
/* What commands read: the trust directory and the files they are given. */
#include <apr_file_info.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "core/base/file.h"
#include "core/reload/overlay.h"

apr_status_t ctl_source(samlc_source_t *source, const ctl_t *ctl, samlc_result_t *res)
{
    const char *dir = ctl->trust ? ctl->trust : CTL_DEFAULT_TRUST;
    char *absolute = NULL;
    char *state = NULL;
    apr_status_t rv = apr_filepath_merge(&absolute, NULL, dir, 0, ctl->pool);

    memset(source, 0, sizeof(*source));
    if (rv != APR_SUCCESS) {
        return samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s: not a usable path",
                                 samlc_text_show(dir, ctl->pool));
    }
    source->dir = absolute;
    if (ctl->state && apr_filepath_merge(&state, NULL, ctl->state, 0, ctl->pool) == APR_SUCCESS) {
        source->overlay = apr_pstrcat(ctl->pool, state, "/" SAMLC_OVERLAY_NAME, NULL);
    }
    return ctl_passphrase(&source->passphrase, ctl, res);
}

static apr_status_t destroy(void *snapshot)
{
    samlc_snapshot_destroy(snapshot);
    return APR_SUCCESS;
}

apr_status_t ctl_load(samlc_snapshot_t **snapshot, const samlc_source_t *source, const ctl_t *ctl,
                      samlc_result_t *res)
{
    apr_status_t rv = samlc_snapshot_load(snapshot, source, NULL, NULL, ctl->now, res, ctl->pool);

    if (rv == APR_SUCCESS) {
        apr_pool_cleanup_register(ctl->pool, *snapshot, destroy, apr_pool_cleanup_null);
    }
    return rv;
}

/* Pipes and terminals have no size to ask for. */
static apr_status_t read_stdin(samlc_data_t *out, apr_size_t max, samlc_result_t *res,
                               apr_pool_t *p)
{
    unsigned char *bytes = apr_palloc(p, max + 2);   /* one byte over the limit, and a NUL */
    apr_size_t len = fread(bytes, 1, max + 1, stdin);

    if (ferror(stdin)) {
        return samlc_result_fail(res, APR_FROM_OS_ERROR(errno), SAMLC_REASON_FILE_UNREADABLE,
                                 "%s: %s", out->origin, strerror(errno));
    }
    if (len > max) {
        return samlc_result_fail(res, APR_EGENERAL, SAMLC_REASON_TOO_LARGE,
                                 "%s: more than %" APR_SIZE_T_FMT " bytes", out->origin, max);
    }
    bytes[len] = '\0';
    out->data = bytes;
    out->len = len;
    return APR_SUCCESS;
}

apr_status_t ctl_read(samlc_data_t *out, const char *path, apr_size_t max, samlc_result_t *res,
                      apr_pool_t *p)
{
    if (strcmp(path, "-") != 0) {
        return samlc_file_read(out, path, max, res, p);
    }
    memset(out, 0, sizeof(*out));
    out->origin = "standard input";
    return read_stdin(out, max, res, p);
}
