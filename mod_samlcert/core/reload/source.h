/* SPDX-License-Identifier: Apache-2.0 */
/* Where generations come from: the trust directory, and the <SamlCertIdP> sections of httpd. */
#ifndef SAMLC_RELOAD_SOURCE_H
#define SAMLC_RELOAD_SOURCE_H

#include <apr_tables.h>
#include <apr_user.h>

#include "core/base/result.h"
#include "core/keys/broker.h"
#include "core/keys/key.h"

/* In the trust directory: what is left to do of a change (core/history/change). */
#define SAMLC_SOURCE_JOURNAL ".journal"

/* One line of a section: the setting without its prefix. */
typedef struct samlc_section_line_t {
    const char *name;
    const char *value;
    const char *origin;              /* "FILE:LINE" of httpd's configuration */
} samlc_section_line_t;

/* An IdP whose settings stand in httpd's configuration. */
typedef struct samlc_section_t {
    const char *name;
    const char *origin;
    apr_array_header_t *lines;       /* samlc_section_line_t */
} samlc_section_t;

typedef struct samlc_source_t {
    const char *dir;                 /* the trust directory, absolute */
    const char *root;                /* of a copy, where each file lies below it under its full
                                        path; NULL: the files themselves */
    const apr_array_header_t *sections;   /* samlc_section_t; may be NULL */
    const char *overlay;             /* STATE/overlay, which the server writes (reload/overlay);
                                        NULL: none */
    int check_owner;                 /* refuse what server_uid/server_gid or everybody can write */
    apr_uid_t server_uid;            /* whom the server runs as */
    apr_gid_t server_gid;
    const samlc_passphrase_t *passphrase;   /* of encrypted private keys; NULL: none */
    const samlc_broker_t *broker;    /* opens private keys that we may not; NULL: nobody does */
    int (*is_stopped)(void);         /* asked between files: TRUE ends a load or a copy (EAGAIN);
                                        NULL: never */
} samlc_source_t;

/* One file or directory as it was seen. */
typedef struct samlc_seen_t {
    const char *path;                /* absolute; of a copy's files, where the original was */
    /* relative to the trust directory; the path for files outside */
    const char *name;
    int is_dir;
    /* it may change without a trace in its directory: a link, a file with several names or outside,
       and the trust directory itself */
    int is_elsewhere;
    apr_uint64_t device, inode;
    apr_int64_t size, mtime_ns, ctime_ns;
} samlc_seen_t;

/* A look at all files of a source that count. */
typedef struct samlc_scan_t {
    apr_array_header_t *seen;        /* samlc_seen_t, sorted by name */
    apr_int64_t newest_ns;           /* the newest mtime or ctime among them */
} samlc_scan_t;

/*
 * Looks at the trust directory: names of DESIGN.md section 4 only, anything else is skipped (lint
 * names it); and at the files `outside` it (const char *, may be NULL). Reads no content. Fails
 * with file-unreadable if a directory can't be read, config-invalid if its permissions are wrong
 * (those of the overlay are the server's business) or a change by a tool was interrupted; with
 * APR_EAGAIN while a mounted directory is on its way to another version (reload/mount): that is
 * over within a second, and says nothing about what is gone.
 */
apr_status_t samlc_source_scan(samlc_scan_t **scan, const samlc_source_t *source,
                               const apr_array_header_t *outside, samlc_result_t *res,
                               apr_pool_t *p);

/* The same names as they look now. Of names that came since it shows their directory alone. */
samlc_scan_t *samlc_scan_again(const samlc_scan_t *scan, apr_pool_t *p);

/* TRUE for a file that was not there. */
int samlc_seen_is_missing(const samlc_seen_t *seen);

/*
 * Where the file with this path is to be opened: the path itself, or its place in the copy. No path
 * leads out of a copy.
 */
const char *samlc_source_place(const samlc_source_t *source, const char *path, apr_pool_t *p);

/* TRUE if both looks saw the same. */
int samlc_scan_equal(const samlc_scan_t *a, const samlc_scan_t *b);

/*
 * TRUE if this one still looks as it did: one stat, of the path. What was seen of a copy never
 * does, so whoever uses a copy goes on looking at the files.
 */
int samlc_seen_is_unchanged(const samlc_seen_t *seen);

/* Names in the trust directory that mean nothing, as sentences (const char *), for lint. */
apr_array_header_t *samlc_source_strangers(const samlc_source_t *source, apr_pool_t *p);

#endif
