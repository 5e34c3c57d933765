/* SPDX-License-Identifier: Apache-2.0 */
/* Whether our own keys work, before a generation with them is put in use. */
#ifndef SAMLC_RELOAD_SELFTEST_H
#define SAMLC_RELOAD_SELFTEST_H

#include "core/keys/keyset.h"

/*
 * Signs with the private key and verifies with the certificate; with RSA keys also encrypts for the
 * certificate (RSA-OAEP, AES-GCM) and decrypts as an assertion would be. A pair that passed is
 * remembered by its files, so that a load of unchanged keys costs nothing. Fails with
 * config-invalid, naming both files. Safe for concurrent use.
 */
apr_status_t samlc_selftest_key(const samlc_own_key_t *own, const samlc_data_t *key_pem,
                                const samlc_data_t *cert_pem, samlc_result_t *res, apr_pool_t *p);

/* How many pairs were tested, and not remembered, in this process: for tests. */
unsigned long samlc_selftest_count(void);

#endif
