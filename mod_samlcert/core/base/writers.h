/* SPDX-License-Identifier: Apache-2.0 */
/* Who could change a file or a directory, besides root and its owner. */
#ifndef SAMLC_BASE_WRITERS_H
#define SAMLC_BASE_WRITERS_H

#include <sys/stat.h>

/* Why somebody who must not write could, in words. */
typedef struct samlc_writer_t {
    const char *what;      /* continues a path: "belongs to ..." */
    const char *remedy;    /* the command that ends it, without the path */
} samlc_writer_t;

/*
 * What lets a server with this user and group write to what `st` describes; NULL: nothing does. A
 * user or group of -1 is nobody's.
 */
const samlc_writer_t *samlc_writer_of(const struct stat *st, uid_t server_uid, gid_t server_gid);

/*
 * The same for a directory further up, in which others' names can be replaced: all but what has the
 * sticky bit, and belongs to somebody else.
 */
const samlc_writer_t *samlc_replacer_of(const struct stat *st, uid_t server_uid, gid_t server_gid);

/*
 * TRUE if nobody can write to this open file or directory (O_PATH will do), whatever its
 * permissions say: it is on a file system that is mounted read-only, as orchestrators mount secrets
 * with directories of mode 1777.
 */
int samlc_is_mounted_read_only(int fd);

#endif
