/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sealing: text that a browser keeps for us, unreadable and unchangeable. AES-256-GCM, random
 * nonce, purpose and expiry bound in.
 */
#ifndef SAMLC_KEYS_SEAL_H
#define SAMLC_KEYS_SEAL_H

#include <apr_time.h>

#include "core/base/result.h"
#include "core/base/text.h"

#define SAMLC_SEAL_KEY_LEN 32
#define SAMLC_MAX_SEALED_TEXT 65536 /* bytes; browsers keep about 4000 of them */

typedef struct samlc_seal_t samlc_seal_t;

/* A sealer with this key (copied, cleansed when the pool goes). Safe for concurrent use. */
samlc_seal_t *samlc_seal_make(const unsigned char key[SAMLC_SEAL_KEY_LEN], apr_pool_t *p);

/*
 * Reads the key from `path`, or makes a random one and writes it there (0600) if there is no file.
 * Two processes that do so at once end with the same key. A file of another length is refused
 * (config-invalid).
 */
apr_status_t samlc_seal_load(samlc_seal_t **seal, const char *path, samlc_result_t *res,
                             apr_pool_t *p);

/*
 * Seals `text` for `purpose` until `expires`; *sealed is base64url. APR_EINVAL for a text that is
 * too long, APR_EGENERAL if OpenSSL fails; *sealed is NULL then.
 */
apr_status_t samlc_seal_close(const char **sealed, const samlc_seal_t *seal, const char *purpose,
                              const char *text, apr_time_t expires, apr_pool_t *p);

/* Opens it again. APR_EINVAL for anything but a text sealed with this key for this purpose and not
 * expired at `now` (the instant `expires` is too late); *text is NULL then. */
apr_status_t samlc_seal_open(const char **text, const samlc_seal_t *seal, const char *purpose,
                             const char *sealed, apr_time_t now, apr_pool_t *p);

#endif
