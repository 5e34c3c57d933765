/* SPDX-License-Identifier: Apache-2.0 */
/* Our own keys: one set has `active` (signs, decrypts), and may have `next` and `retiring`. */
#ifndef SAMLC_KEYS_KEYSET_H
#define SAMLC_KEYS_KEYSET_H

#include "core/keys/cert.h"

typedef enum {
    SAMLC_OWN_ACTIVE,   /* signs requests, decrypts, published for signing and encryption */
    SAMLC_OWN_NEXT,     /* decrypts, published for signing and encryption */
    SAMLC_OWN_RETIRING, /* decrypts, no longer published */
    SAMLC_OWN_COUNT
} samlc_own_role_t;

/* A private key with its certificate; both NULL where the role is empty. */
typedef struct samlc_own_key_t {
    const samlc_key_t *key;
    const samlc_cert_t *cert;
} samlc_own_key_t;

typedef struct samlc_keyset_t {
    const char *name;
    const samlc_passphrase_t *passphrase;    /* of encrypted keys that are added; NULL: none */
    samlc_own_key_t keys[SAMLC_OWN_COUNT];   /* by the role that they have now */
    const apr_array_header_t *places;        /* samlc_place_t * of core/trust/moves: by their files;
                                                NULL: not moved */
} samlc_keyset_t;

/* "active", "next", "retiring". */
const char *samlc_own_role_word(samlc_own_role_t role);

/*
 * Puts one pair into the set. Of several certificates the first one counts; a chain may follow it.
 * The key may be encrypted under the passphrase of the set. Fails with config-invalid and changes
 * nothing when the certificate is not the key's; both files are named.
 */
apr_status_t samlc_keyset_add(samlc_keyset_t *set, samlc_own_role_t role,
                              const samlc_data_t *key_pem, const samlc_data_t *cert_pem,
                              samlc_result_t *res, apr_pool_t *p);

#endif
