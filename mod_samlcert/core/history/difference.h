/* SPDX-License-Identifier: Apache-2.0 */
/* What a change changes: two generations compared. Nothing here tells of private keys. */
#ifndef SAMLC_HISTORY_DIFFERENCE_H
#define SAMLC_HISTORY_DIFFERENCE_H

#include "core/reload/snapshot.h"

typedef enum {
    SAMLC_DIFFERENCE_CAME,
    SAMLC_DIFFERENCE_WENT,
    SAMLC_DIFFERENCE_MOVED,      /* to another slot or role */
    SAMLC_DIFFERENCE_CHANGED     /* another value */
} samlc_difference_kind_t;

/* One thing that is different. What does not apply is NULL. */
typedef struct samlc_difference_t {
    samlc_difference_kind_t kind;
    const char *idp;             /* its name; with `keyset` NULL too: for all IdPs */
    const char *keyset;
    /* "idp", "setting", "metadata", "certificate", "metadata-key", "pin", "anchor",
     * "intermediate", "crl", "keyset", "own-key" */
    const char *what;
    const char *name;            /* of a setting, or of what metadata says */
    const char *fingerprint;     /* hex: SHA-256 of certificate, bare key, CRL; of a pin its own */
    const char *subject;         /* of a certificate */
    apr_time_t not_after;        /* of a certificate; 0 for the rest */
    const char *from;            /* slot, role or value; NULL: none */
    const char *to;
} samlc_difference_t;

/* "came", "went", "moved", "changed". */
const char *samlc_difference_word(samlc_difference_kind_t kind);

/*
 * What is different in `after`: an array of samlc_difference_t, first what all IdPs share, then the
 * IdPs by name, then our key sets by name. It lives as long as both generations. What makes no
 * difference to trust (a comment, another name of a file) is not in it, so it may be empty although
 * the digests differ.
 */
apr_array_header_t *samlc_difference_make(const samlc_snapshot_t *before,
                                          const samlc_snapshot_t *after, apr_pool_t *p);

/* "IdP corp: certificate 3f2a... (CN=idp, until 2027-01-01) moved staged -> primary" */
const char *samlc_difference_sentence(const samlc_difference_t *difference, apr_pool_t *p);

/*
 * What is lost if `after` replaces `before` (NULL: nothing) at `now`, for guard rails: an IdP its
 * last usable key, or all of them at once, also when others come instead; our own key set its
 * active key. One sentence for each (const char *), naming IdP or key set and certificates; an
 * empty array if nothing is. IdPs are compared by entity ID; one that was inactive has nothing to
 * lose. A key is usable if the trust decision accepts it and it is strong enough for a signature.
 */
apr_array_header_t *samlc_difference_losses(const samlc_snapshot_t *before,
                                            const samlc_snapshot_t *after, apr_time_t now,
                                            apr_pool_t *p);

#endif
