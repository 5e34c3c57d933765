/* SPDX-License-Identifier: Apache-2.0 */
/* What every unit test needs. */
#ifndef SAMLC_TESTS_UNIT_TEST_H
#define SAMLC_TESTS_UNIT_TEST_H

#include <apr_pools.h>
#include <check.h>
#include <stdlib.h>
#include <string.h>

#define SUITE(noun) Suite *suite_##noun(void);
#include "suites.h"
#undef SUITE

/* A fresh pool, destroyed when the test process ends (Check forks one per test). */
apr_pool_t *test_pool(void);

/* A fresh empty directory, removed when the pool goes. */
const char *test_dir(apr_pool_t *p);

/* Writes a text file and fails the test if that doesn't work. */
void test_write(const char *path, const char *text);

/* A path below a directory. */
const char *test_path(apr_pool_t *p, const char *dir, const char *name);

#endif
