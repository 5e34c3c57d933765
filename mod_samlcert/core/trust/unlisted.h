/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signers that nobody configured. A response that is right in all but this, signed by a certificate
 * that is not listed, is the first sign of an unannounced cutover: the certificate is kept, so that
 * an administrator can look at it and stage it. Nothing is ever learnt from here: no decision reads
 * these files.
 *
 * STATE/unlisted/IDP/SHA256.pem, readable by people: "Name: value" lines, then the certificate.
 */
#ifndef SAMLC_TRUST_UNLISTED_H
#define SAMLC_TRUST_UNLISTED_H

#include "core/trust/idp.h"

#define SAMLC_MAX_UNLISTED 32                         /* for each IdP: strangers can make up more */
#define SAMLC_UNLISTED_EVERY                                                                       \
    apr_time_from_sec(3600) /* one certificate is reported once in this time */

typedef struct samlc_unlisted_t {
    const char *idp;
    const samlc_cert_t *cert;
    const char *path;
    const char *first_seen;    /* RFC 3339 */
    const char *last_seen;
    const char *chain;         /* reason word of the chain to the IdP's anchors: "ok" or why not */
} samlc_unlisted_t;

/*
 * Notes that `cert` signed a response of `idp` at `now`. *is_due: it was not noted within
 * SAMLC_UNLISTED_EVERY, so it should be reported. A certificate beyond SAMLC_MAX_UNLISTED is not
 * kept and not due. Fails with file-unreadable.
 */
apr_status_t samlc_unlisted_note(int *is_due, const char *state_dir, const samlc_idp_t *idp,
                                 const samlc_cert_t *cert, apr_time_t now, samlc_result_t *res,
                                 apr_pool_t *p);

/*
 * All that were noted, by IdP and newest first (samlc_unlisted_t). Files that can't be read are
 * left out.
 */
apr_status_t samlc_unlisted_list(apr_array_header_t **list, const char *state_dir,
                                 samlc_result_t *res, apr_pool_t *p);

/*
 * Reads what such a file says: malformed unless it is one that samlc_unlisted_note could have
 * written. `idp` and `path` are left NULL.
 */
apr_status_t samlc_unlisted_parse(samlc_unlisted_t *entry, const samlc_data_t *file,
                                  samlc_result_t *res, apr_pool_t *p);

/* The command that would stage it, for the log and the CLI. */
const char *samlc_unlisted_stage_command(const char *state_dir, const char *trust_dir,
                                         const char *idp, const samlc_cert_t *cert, apr_pool_t *p);

#endif
