/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata that we publish (SAML Metadata 2.4.4). */
#ifndef SAMLC_SAML_SP_METADATA_H
#define SAMLC_SAML_SP_METADATA_H

#include "core/keys/keyset.h"

typedef struct samlc_sp_t {
    const char *entity_id;
    const char *acs_url;
    int authn_requests_signed;
    const samlc_keyset_t *keys;   /* NULL: no KeyDescriptor */
} samlc_sp_t;

/*
 * The EntityDescriptor: KeyDescriptors use=signing and, for an RSA key, use=encryption for
 * active, then next (`retiring` is not published); EncryptionMethods of what we decrypt by
 * default (AES-GCM, RSA-OAEP); one AssertionConsumerService, HTTP-POST, index 0, isDefault;
 * NameIDFormats none. WantAssertionsSigned is left out: some IdPs obey it over their own
 * settings.
 */
const char *samlc_sp_metadata(const samlc_sp_t *sp, apr_pool_t *p);

#endif
