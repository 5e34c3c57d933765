/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/writers.h"

#include <stddef.h>
#include <sys/statvfs.h>

static const samlc_writer_t owner = {"belongs to the user that the server runs as", "chown root"};
static const samlc_writer_t everybody = {"can be written by everybody", "chmod o-w"};
static const samlc_writer_t group = {"can be written by the group that the server runs as",
                                     "chmod g-w"};

const samlc_writer_t *samlc_writer_of(const struct stat *st, uid_t server_uid, gid_t server_gid)
{
    if (st->st_uid == server_uid) {
        return &owner;
    }
    if (st->st_mode & S_IWOTH) {
        return &everybody;
    }
    return st->st_gid == server_gid && (st->st_mode & S_IWGRP) ? &group : NULL;
}

const samlc_writer_t *samlc_replacer_of(const struct stat *st, uid_t server_uid, gid_t server_gid)
{
    const samlc_writer_t *writer = samlc_writer_of(st, server_uid, server_gid);

    return writer != &owner && (st->st_mode & S_ISVTX) ? NULL : writer;
}

int samlc_is_mounted_read_only(int fd)
{
    struct statvfs fs;

    return fstatvfs(fd, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0;
}
