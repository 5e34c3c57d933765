/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: what was seen of each certificate. First use, last use and count of accepted logins,
 * for each IdP and certificate (or bare key of metadata), whatever slot it was in. It answers "is
 * the old certificate still in use?"; no decision reads it.
 *
 * STATE/ledger, 0600, is one table of fixed size that every child maps: the kernel's page cache is
 * the shared memory, so counts survive processes however they end. A power cut may cost what was
 * counted since samlc_ledger_sync. The file's blocks are allocated when it is opened: a full disk
 * fails the opening, not the counting. Nobody may shorten the file while a process has it mapped
 * (SIGBUS); to begin anew remove it and restart the server.
 */
#ifndef SAMLC_HISTORY_LEDGER_H
#define SAMLC_HISTORY_LEDGER_H

#include "core/reload/snapshot.h"

#define SAMLC_LEDGER_CAPACITY 65536     /* pairs of IdP and certificate */

typedef struct samlc_ledger_t samlc_ledger_t;

/* Zeroed: never. */
typedef struct samlc_use_t {
    apr_uint64_t count;
    apr_time_t first;
    apr_time_t last;
} samlc_use_t;

/* The use of something that is no entry of the IdP's trust, or not any more. */
typedef struct samlc_other_use_t {
    const samlc_idp_t *idp;                   /* NULL: of an IdP that is not configured */
    int is_key;                               /* a bare key: the digest is that of its SPKI */
    unsigned char sha256[SAMLC_SHA256_LEN];
    samlc_use_t use;
} samlc_other_use_t;

/*
 * Opens the ledger of a state directory for counting, until `p` goes; makes it if it is not there.
 * A file that is no ledger of this version is renamed, *aside (else NULL) is its new path then, and
 * a new one is begun. Fails with file-unreadable; the server does without a ledger then. It may be
 * called by several processes at once, for a ledger that others are counting in.
 */
apr_status_t samlc_ledger_open(samlc_ledger_t **ledger, const char **aside, const char *state_dir,
                               samlc_result_t *res, apr_pool_t *p);

/*
 * A copy of the ledger as it is now, for reading only. The file may be anybody's: it is not
 * mapped, and a symbolic link is not followed. Fails with file-unreadable.
 */
apr_status_t samlc_ledger_read(const samlc_ledger_t **ledger, const char *state_dir,
                               samlc_result_t *res, apr_pool_t *p);

/*
 * Counts a login that `cert`, or the bare `key` where `cert` is NULL, made possible. FALSE: there
 * is no room for one more, or OpenSSL refuses. Lock-free, for any thread of any process.
 */
int samlc_ledger_count(samlc_ledger_t *ledger, const char *entity_id, const samlc_cert_t *cert,
                       const samlc_key_t *key, apr_time_t now);

/* What was counted. `ledger` may be NULL: nothing is known, FALSE. */
int samlc_ledger_find(samlc_use_t *use, const samlc_ledger_t *ledger, const char *entity_id,
                      const samlc_cert_t *cert, const samlc_key_t *key);

/*
 * The same for a pin. FALSE for pins of other digests than SHA-256 of the certificate: the ledger
 * does not know them.
 */
int samlc_ledger_find_pin(samlc_use_t *use, const samlc_ledger_t *ledger, const char *entity_id,
                          const samlc_pin_t *pin);

/*
 * All that was counted for certificates and keys which are neither on file, nor in metadata, nor
 * pinned by SHA-256 (samlc_other_use_t): matched by other pins or by anchors, or configured no
 * longer. Used last first.
 */
apr_array_header_t *samlc_ledger_others(const samlc_ledger_t *ledger,
                                        const samlc_snapshot_t *snapshot, apr_pool_t *p);

/* How many logins samlc_ledger_count could not count. */
apr_uint64_t samlc_ledger_uncounted(const samlc_ledger_t *ledger);

/* Writes to disk what was counted since the last time; nothing if nothing was. */
apr_status_t samlc_ledger_sync(samlc_ledger_t *ledger, samlc_result_t *res);

#endif
