/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XML encryption, the receiving side (XML Encryption 1.1; SAML Core 2.3.4). By OpenSSL alone:
 * xmlsec1 1.2 lacks the xmlenc11 form of RSA-OAEP, opens files for CipherReference, and one path is
 * easier to audit than two.
 */
#ifndef SAMLC_XML_ENCRYPTION_H
#define SAMLC_XML_ENCRYPTION_H

#include <libxml/tree.h>

#include "core/keys/keyset.h"
#include "core/xml/algorithm.h"

#define SAMLC_MAX_ENCRYPTED_KEYS 8

typedef struct samlc_encryption_policy_t {
    samlc_algorithms_t key_transport;
    samlc_algorithms_t content;
    int under_signature;   /* a verified signature covers the ciphertext: CBC may be used at all */
    int unsigned_cbc;      /* CBC may be used even if none does (the setting UnsignedCBC) */
} samlc_encryption_policy_t;

/*
 * Decrypts the EncryptedData in `encrypted` (an EncryptedAssertion and its like); EncryptedKeys are
 * looked for inside EncryptedData/KeyInfo and beside it. Every key of `keys` is tried. Fails with
 * algorithm-forbidden (the sentence names the setting), malformed (structure), or one uniform
 * decrypt-failed for all that depends on a secret; when unwrapping fails it goes on with a random
 * key.
 */
apr_status_t samlc_encryption_open(samlc_data_t *plaintext, xmlNodePtr encrypted,
                                   const samlc_keyset_t *keys,
                                   const samlc_encryption_policy_t *policy, samlc_result_t *res,
                                   apr_pool_t *p);

#endif
