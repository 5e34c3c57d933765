/* SPDX-License-Identifier: Apache-2.0 */
/* Files: read whole with a limit, replaced as a whole. */
#ifndef SAMLC_BASE_FILE_H
#define SAMLC_BASE_FILE_H

#include <apr_file_info.h>

#include "core/base/result.h"
#include "core/base/text.h"

#define SAMLC_MAX_CERT_FILE (1024 * 1024)         /* a certificate file, a bundle, a list, a key */
#define SAMLC_MAX_METADATA_FILE (64 * 1024 * 1024)

/*
 * Reads a regular file of at most `max` bytes (symbolic links are followed; devices, pipes and
 * sockets are refused without blocking). `out->data` is followed by a NUL that `len` does not
 * count; `origin` is `path`. Fails with file-unreadable or too-large, naming the file; the status
 * tells a file that is not there (APR_STATUS_IS_ENOENT). A file that changes its length meanwhile
 * is refused.
 */
apr_status_t samlc_file_read(samlc_data_t *out, const char *path, apr_size_t max,
                             samlc_result_t *res, apr_pool_t *p);

/* The same of a file that is open, from where `fd` stands; `path` is its name. It stays open. */
apr_status_t samlc_file_read_open(samlc_data_t *out, int fd, const char *path, apr_size_t max,
                                  samlc_result_t *res, apr_pool_t *p);

/*
 * Replaces `path` with `len` bytes: unique temporary beside it with the final permissions, full
 * write, sync, checked close, rename. Either the old or the new content is there, never half. The
 * temporary's name begins with a dot. Fails with file-unreadable, naming the file.
 */
apr_status_t samlc_file_replace(const char *path, const void *data, apr_size_t len,
                                apr_fileperms_t perms, samlc_result_t *res, apr_pool_t *p);

/* Like samlc_file_replace, but never over a file: APR_STATUS_IS_EEXIST then, it is left alone. */
apr_status_t samlc_file_create(const char *path, const void *data, apr_size_t len,
                               apr_fileperms_t perms, samlc_result_t *res, apr_pool_t *p);

/* Syncs a directory, so that the names in it survive a power cut. Fails with file-unreadable. */
apr_status_t samlc_file_sync_dir(const char *path, samlc_result_t *res);

/*
 * Removes a directory with all that is in it, following no links; what is not there is removed.
 * Fails with file-unreadable.
 */
apr_status_t samlc_file_remove_tree(const char *path, samlc_result_t *res);

#endif
