/* SPDX-License-Identifier: Apache-2.0 */
/* A trust directory whose certificates and keys move, for the tests of moves and of the overlay. */
#ifndef TESTS_UNIT_MOVES_TREE_H
#define TESTS_UNIT_MOVES_TREE_H

#include "core/base/result.h"
#include "core/reload/snapshot.h"
#include "make_cert.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define CONF "EntityID https://idp.example/one\n"
#define T0 "2026-07-01T00:00:00Z"           /* TEST_NOW and so many seconds */
#define T1 "2026-07-01T00:00:10Z"
#define T2 "2026-07-01T00:00:20Z"
#define T3 "2026-07-01T00:00:30Z"
#define AT(seconds) (TEST_NOW + apr_time_from_sec(seconds))

/*
 * IdP `one` has `old` as primary, `new` as staged and `third` as alternate-x; our active key is
 * `old`. All files are older than all times of the tests.
 */
typedef struct moves_tree_t {
    apr_pool_t *p;
    samlc_result_t *res;
    samlc_source_t source;
    samlc_snapshot_t *loaded;        /* by the last load; NULL: it failed */
    test_cert_t *old_cert, *new_cert, *third_cert;
} moves_tree_t;

extern moves_tree_t tree;

void tree_setup(void);
void tree_teardown(void);

/* Another directory like it, in the place of this one. */
void tree_make(void);

/* A path below it; a file there, older than all times; lines of idp.conf after CONF. */
const char *tree_at(const char *name);
void tree_put(const char *name, const char *text);
void tree_configure(const char *lines);

/* Loads as of `now`; loads, which must succeed, and its digest. */
apr_status_t tree_load(apr_time_t now);
void tree_loads(apr_time_t now);
const char *tree_digest_at(apr_time_t now);
void tree_drop(void);

/* What is loaded. */
const samlc_idp_t *tree_idp(void);
const samlc_trust_entry_t *tree_entry(int i);

/* The name in the subject of a certificate: "old". */
const char *tree_name_of(const samlc_cert_t *cert);

/* "old=alternate new=primary", the entries in their order; "old=active", our own keys. */
const char *tree_slots(void);
const char *tree_roles(void);

/* How many warnings have this part. */
int tree_count_warnings(const char *part);

/* How a key with this certificate is judged. */
samlc_reason_t tree_judge(const test_cert_t *made, apr_time_t now);

#endif
