/* SPDX-License-Identifier: Apache-2.0 */
/* A loader with a trust directory to edit, for the tests of the loader. */
#ifndef TESTS_UNIT_LOADER_FIXTURE_H
#define TESTS_UNIT_LOADER_FIXTURE_H

#include "core/history/archive.h"
#include "core/reload/loader.h"

#define ENTITY_A "https://idp.example/a"
#define ENTITY_B "https://idp.example/b"
#define CONF_A "EntityID " ENTITY_A "\n"
#define CONF_B "EntityID " ENTITY_B "\n"    /* as long as CONF_A */
#define MS (APR_USEC_PER_SEC / 1000)
#define SETTLED (10 * APR_USEC_PER_SEC)     /* files of now are settled then */

/* A loader, its trust directory with the IdP `one`, and what it told. */
typedef struct fixture_t {
    apr_pool_t *p;
    const char *base;              /* the trust directory is mount/trust below it */
    samlc_source_t source;
    const char *clock;             /* a file outside, to tell the time of the file system */
    samlc_section_line_t *line;    /* of the section `two`: content that no stat tells of */
    samlc_loader_t *loader;
    /* where the loader finds a last good generation; NULL: none */
    const samlc_archive_t *archive;
    apr_time_t now;
    apr_uint64_t numbers;          /* given out so far */
    apr_status_t number_status;
    /* the guard rails; NULL: none */
    apr_status_t (*judge)(const samlc_snapshot_t *present, samlc_snapshot_t *candidate,
                          apr_time_t now, samlc_result_t *res, apr_pool_t *p);
    apr_time_t next_move_at;       /* of each generation that gets a number */
    int accepted;
    int refused;
    int recovered;
    int withdrawn;
    char message[512];
    const char *lock_path;         /* whether a writer may have it is tried while loading */
    int lock_was_free;
} fixture_t;

/*
 * IdPs `one` (by idp.conf with CONF_A, with primary.pem and alternate.pem) and `two` (by a section
 * of httpd's configuration). `now` is late enough for all files to be settled.
 */
fixture_t *fixture_make(void);

/* The same, loaded; an edit that follows can be seen by a stat. */
fixture_t *fixture_make_loaded(void);

/* Another loader with the same files, as in a child that starts. */
void fixture_make_loader(fixture_t *f);

/* A path in the trust directory; a fresh certificate there. */
const char *fixture_path(const fixture_t *f, const char *name);
void fixture_write_cert(const fixture_t *f, const char *name);

/* Lets the file system's clock tick, so that the next edit has another time than all before. */
void fixture_tick(fixture_t *f);
apr_int64_t fixture_ctime_ns(const char *path);

/* The load of a start, which must succeed. */
void fixture_load(fixture_t *f);

/* The same, while another process makes this change a tenth of a second later. */
void fixture_load_during(fixture_t *f, void (*change)(const fixture_t *f));

/* A poll, a quarter of a second after the last one. */
void fixture_poll(fixture_t *f);

/* The look at use for this IdP; with NULL for one that is not known. */
int fixture_look(fixture_t *f, const char *name);

/* The present generation. */
samlc_ref_t *fixture_acquire(const fixture_t *f);
const char *fixture_digest(const fixture_t *f);
apr_uint64_t fixture_number(const fixture_t *f);
int fixture_knows(const fixture_t *f, const char *entity_id);

#endif
