/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/guard.h"

#include <apr_strings.h>
#include <string.h>

#include "core/base/file.h"
#include "core/history/difference.h"
#include "httpd/log.h"

#define RECORD "/.history"    /* of the trust directory: `DIGEST TIME AUTHOR REASON` lines */
#define MAX_LOST_LINES 20

/* TRUE if the last change by samlcertctl made this generation: what it loses was forced there. */
static int is_recorded(const mod_samlc_realm_t *realm, const samlc_snapshot_t *candidate,
                       apr_pool_t *p)
{
    samlc_data_t file;
    const char *last = NULL;
    const char *end = NULL;
    apr_size_t len = strlen(candidate->digest_hex);

    if (candidate->withdrawn
        || samlc_file_read(&file, apr_pstrcat(p, realm->source.dir, RECORD, NULL),
                           SAMLC_MAX_CERT_FILE, samlc_result_make(p), p) != APR_SUCCESS) {
        return 0;
    }
    last = (const char *)file.data;
    for (end = strchr(last, '\n'); end && end[1] != '\0'; end = strchr(last, '\n')) {
        last = end + 1;
    }
    return strncmp(last, candidate->digest_hex, len) == 0 && last[len] == ' ';
}

static apr_array_header_t *losses(const mod_samlc_realm_t *realm, const samlc_snapshot_t *present,
                                  const samlc_snapshot_t *candidate, apr_time_t now, apr_pool_t *p)
{
    samlc_snapshot_t *last = NULL;
    apr_array_header_t *lost = NULL;

    /* A child that starts must not take what the others refuse. */
    if (!present && realm->is_guarded) {
        last = mod_samlc_realm_last_good(realm, now, p);
        present = last;
    }
    lost = samlc_difference_losses(present, candidate, now, p);
    if (last) {
        samlc_snapshot_destroy(last);
    }
    return lost;
}

apr_status_t mod_samlc_guard_judge(const mod_samlc_realm_t *realm, const samlc_snapshot_t *present,
                                   samlc_snapshot_t *candidate, apr_time_t now,
                                   samlc_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *lost = losses(realm, present, candidate, now, candidate->pool);

    if (lost->nelts == 0 || is_recorded(realm, candidate, p)) {
        return APR_SUCCESS;
    }
    candidate->lost = lost;
    if (!realm->is_guarded) {
        return APR_SUCCESS;
    }
    return samlc_result_fail(res, APR_EACCES, SAMLC_REASON_CONFIG_INVALID,
                             "%s: SamlCertGuard refuses a change that loses: %s%s; if it is meant, "
                             "make it by samlcertctl with --force, or set SamlCertGuard off",
                             realm->source.dir, APR_ARRAY_IDX(lost, 0, const char *),
                             lost->nelts == 1
                                 ? ""
                                 : apr_psprintf(p, " (and %d more)", lost->nelts - 1));
}

void mod_samlc_guard_report(const mod_samlc_realm_t *realm, const samlc_snapshot_t *snapshot)
{
    const apr_array_header_t *lost = snapshot->lost;
    int i = 0;

    for (i = 0; lost && i < lost->nelts && i < MAX_LOST_LINES; i++) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, realm->server, MOD_SAMLC_TAG_LOST
                     "generation %" APR_UINT64_T_FMT " has lost: %s", snapshot->number,
                     APR_ARRAY_IDX(lost, i, const char *));
    }
    if (lost && i < lost->nelts) {
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, realm->server, MOD_SAMLC_TAG_LOST
                     "... and %d more", lost->nelts - i);
    }
}
