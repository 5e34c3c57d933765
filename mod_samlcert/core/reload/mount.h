/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directories as orchestrators mount secrets and settings: each name is a link through `..data`,
 * and `..data` a link to a directory with one version of all files. A new version takes several
 * steps: `..data` is flipped by a rename, then links for new names are made, then those of names
 * that are gone are removed. In between a certificate that moves from one name to another is in no
 * file, although both versions hold it.
 */
#ifndef SAMLC_RELOAD_MOUNT_H
#define SAMLC_RELOAD_MOUNT_H

#include <apr_time.h>

#define SAMLC_MOUNT_DATA "..data"

/* How long the steps after a flip may take; then what is there is what is meant. */
#define SAMLC_MOUNT_FLIP_TIME APR_USEC_PER_SEC

/*
 * TRUE if `..data` in the open directory `dir` was flipped less than SAMLC_MOUNT_FLIP_TIME before
 * `now`, and names and version don't fit together yet: a name of the version has no link, or a link
 * through `..data` leads to nothing. FALSE for all other directories, and for what can't be told.
 */
int samlc_mount_is_half_flipped(int dir, apr_time_t now);

#endif
