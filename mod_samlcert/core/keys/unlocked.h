/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Private keys that were decrypted in this process, or in the one that forked it. To try a
 * passphrase is slow on purpose (PBKDF2: a fifth of a second for 600,000 rounds), but a key is
 * loaded anew whenever any file of the trust directory changes, and logins wait for that. All
 * functions are safe for concurrent use.
 */
#ifndef SAMLC_KEYS_UNLOCKED_H
#define SAMLC_KEYS_UNLOCKED_H

#include <openssl/evp.h>

#include "core/base/text.h"

#define SAMLC_UNLOCKED_ID_LEN 32

/*
 * What a key is remembered by: its file and the passphrase together, so that another passphrase
 * finds nothing. FALSE if OpenSSL refuses.
 */
int samlc_unlocked_id(unsigned char id[SAMLC_UNLOCKED_ID_LEN], const samlc_data_t *pem,
                      const void *passphrase, apr_size_t len);

/* The key with this id, a reference that the caller frees; NULL if none is remembered. */
EVP_PKEY *samlc_unlocked_find(const unsigned char id[SAMLC_UNLOCKED_ID_LEN]);

/* Remembers a key; it takes a reference of its own. The one that was unused longest makes room. */
void samlc_unlocked_add(const unsigned char id[SAMLC_UNLOCKED_ID_LEN], EVP_PKEY *pkey);

#endif
