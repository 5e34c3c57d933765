/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata of an IdP (SAML Metadata 2.3, 2.4.3; Metadata Interoperability Profile). */
#ifndef SAMLC_TRUST_METADATA_H
#define SAMLC_TRUST_METADATA_H

#include <apr_tables.h>
#include <apr_time.h>

#include "core/keys/cert.h"
#include "core/trust/scope.h"

/* One key for signing: with its certificate or bare. */
typedef struct samlc_metadata_key_t {
    const samlc_cert_t *cert;   /* NULL for a bare KeyValue */
    const samlc_key_t *key;
} samlc_metadata_key_t;

typedef struct samlc_metadata_t {
    const char *entity_id;
    const char *sso_redirect_url;    /* NULL where there is none */
    const char *sso_post_url;
    const char *slo_redirect_url;
    int want_authn_requests_signed;
    apr_time_t valid_until;          /* 0: none; the earliest of the elements around the role */
    /* samlc_metadata_key_t: use=signing or absent, of the IDPSSODescriptor */
    apr_array_header_t *keys;
    apr_array_header_t *warnings;    /* const char *: what was left out, and where */
    /* samlc_scope_t: of the IDPSSODescriptor and of the EntityDescriptor */
    apr_array_header_t *scopes;
} samlc_metadata_t;

/*
 * Reads an EntityDescriptor, or the one of an EntitiesDescriptor with this entity ID (NULL: the
 * only one that has an IDPSSODescriptor for SAML 2.0). Keys of other roles are left alone. A key or
 * a scope that can't be read fails the file (config-invalid), naming it: a set does not shrink
 * silently. A KeyDescriptor that only refers to its key is skipped, and of one with a chain the CAs
 * are left out, with a warning; some key has to remain.
 */
apr_status_t samlc_metadata_parse(samlc_metadata_t **metadata, const samlc_data_t *xml,
                                  const char *entity_id, samlc_result_t *res, apr_pool_t *p);

#endif
