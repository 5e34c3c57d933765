/* SPDX-License-Identifier: Apache-2.0 */
/* An identity provider of a generation: its settings and all that follows from them. */
#ifndef SAMLC_TRUST_IDP_H
#define SAMLC_TRUST_IDP_H

#include <regex.h>

#include "core/trust/metadata.h"
#include "core/trust/settings.h"
#include "core/trust/trust.h"
#include "core/xml/signature.h"

/* An identity provider: settings and what follows from them. */
typedef struct samlc_idp_t {
    const char *name;
    const char *entity_id;
    const samlc_settings_t *settings;
    const samlc_metadata_t *metadata;        /* NULL: none */
    const samlc_trust_t *trust;
    const char *sso_url;                     /* NULL: no login can be started */
    samlc_signature_policy_t signature_policy;
    const regex_t *user_filter;              /* NULL: none */
    const apr_array_header_t *watch;         /* samlc_seen_t: its own files and the shared ones */
} samlc_idp_t;

/* Where an IdP is built from. The certificates of `shared_*` are for all IdPs. */
typedef struct samlc_idp_material_t {
    const char *name;
    const samlc_settings_t *settings;
    const char *origin;                      /* where the settings stand, or should stand */
    const samlc_data_t *metadata;            /* NULL: none */
    const samlc_data_t *sign_certs_file;     /* content of SignCerts @FILE; NULL: none */
    const apr_array_header_t *slots;         /* samlc_idp_slot_t: certificates on file */
    const apr_array_header_t *roots;         /* samlc_cert_t * */
    const apr_array_header_t *intermediates;
    const apr_array_header_t *crls;          /* samlc_data_t */
    const apr_array_header_t *watch;         /* samlc_seen_t */
} samlc_idp_material_t;

/* A certificate file of a slot. */
typedef struct samlc_idp_slot_t {
    samlc_trust_slot_t slot;         /* where it is now, moves included */
    const samlc_cert_t *cert;
    const char *origin;
    const struct samlc_place_t *place;   /* of its file; NULL: not moved */
} samlc_idp_slot_t;

/*
 * Builds the IdP. Judges at `now` what can be judged without a message and adds a sentence to
 * `warnings` (const char *) for each thing that will make logins fail or that weakens the default
 * policy. Fails with config-invalid, naming the IdP or the file.
 */
apr_status_t samlc_idp_build(samlc_idp_t **idp, const samlc_idp_material_t *material,
                             apr_time_t now, apr_array_header_t *warnings, samlc_result_t *res,
                             apr_pool_t *p);

#endif
