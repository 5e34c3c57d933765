/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is to be done in a trust directory, written down before it is done (TRUST/.journal, see
 * core/history/change). Each step may be done again. Callers hold the lock of the trust directory.
 */
#ifndef SAMLC_HISTORY_JOURNAL_H
#define SAMLC_HISTORY_JOURNAL_H

#include <apr_tables.h>

#include "core/base/result.h"

typedef struct samlc_journal_t samlc_journal_t;

/* A journal for what is staged in TRUST/`staging`. */
samlc_journal_t *samlc_journal_make(const char *trust_dir, const char *staging, apr_pool_t *p);

/* Steps, done in this order. Names are relative to the trust directory. */
void samlc_journal_add_mkdir(samlc_journal_t *journal, const char *name);
void samlc_journal_add_put(samlc_journal_t *journal, const char *staged, const char *name);
void samlc_journal_add_remove(samlc_journal_t *journal, const char *name);
void samlc_journal_add_rmdir(samlc_journal_t *journal, const char *name);

/* Puts it in place, synced: from here on it will be carried out. If this fails it will not. */
apr_status_t samlc_journal_publish(const samlc_journal_t *journal, samlc_result_t *res);

/*
 * Carries out what is in place, and takes it away with what was staged. *was_there: there was one.
 * If this fails it stays in place.
 */
apr_status_t samlc_journal_carry_out(int *was_there, const char *trust_dir, samlc_result_t *res,
                                     apr_pool_t *p);

/*
 * TRUE for a name that a change may have: relative, no component that begins with a dot except the
 * name of a record (samlc_record) at the top.
 */
int samlc_journal_is_name(const char *name);

/* How the name of a staging directory begins; six characters follow. */
#define SAMLC_JOURNAL_STAGING ".change-"

#endif
