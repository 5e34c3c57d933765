/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "A removal counts at once": what is still trusted while the files as a whole can't be taken.
 *
 * A set with a broken file is refused, and the generation before it keeps serving. What the
 * administrator has taken away meanwhile must not be trusted until somebody repairs a file that has
 * nothing to do with it. So the present generation is compared with the files, one by one:
 *   - a file that is gone, or can be read and no longer has a key, withdraws that key;
 *   - a file that is there but can't be read or parsed keeps what it held, since an
 *     edit may be under way;
 *   - a certificate that is retired now is retired;
 *   - an IdP whose directory is gone, that has another entity ID now, or is inactive, is that;
 *   - while a change by a tool is half done (.journal) nothing is gone: it may have been moved;
 *   - while the trust directory itself is missing (a mount that went away) nothing is gone;
 *   - while a mounted directory is on its way to another version (reload/mount) nothing is gone.
 * Nothing is ever added. Settings other than these and revocation lists wait for the repair.
 */
#ifndef SAMLC_RELOAD_WITHDRAW_H
#define SAMLC_RELOAD_WITHDRAW_H

#include "core/reload/snapshot.h"

/*
 * A generation like `base`, which was loaded from `source`, but without what its files no longer
 * hold: `withdrawn` says what that is, and is empty where it is nothing. It has number, digest and
 * scan of `base` and borrows from it: `base` must live longer. Reads the files of those IdPs whose
 * files look different. NULL: no memory, or the files change at this moment: what was read may be
 * half of a move, where a certificate is in no file.
 */
samlc_snapshot_t *samlc_snapshot_withdraw(const samlc_snapshot_t *base,
                                          const samlc_source_t *source);

/* TRUE if both lack the same. */
int samlc_snapshot_lacks_same(const samlc_snapshot_t *a, const samlc_snapshot_t *b);

#endif
