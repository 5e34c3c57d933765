/* SPDX-License-Identifier: Apache-2.0 */
/* Runs the unit tests. They link the core library alone: what they can reach needs no httpd. */
#include "test.h"

#include <apr_file_info.h>
#include <apr_file_io.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>

#include "core/xml/xml.h"

apr_pool_t *test_pool(void)
{
    apr_pool_t *p = NULL;

    ck_assert_int_eq(apr_pool_create(&p, NULL), APR_SUCCESS);
    return p;
}

static apr_status_t remove_tree(void *data)
{
    char command[512];

    snprintf(command, sizeof(command), "rm -rf '%s'", (const char *)data);
    return system(command) == 0 ? APR_SUCCESS : APR_EGENERAL;
}

const char *test_dir(apr_pool_t *p)
{
    char *path = apr_pstrdup(p, "/tmp/samlcert-unit-XXXXXX");

    ck_assert_ptr_nonnull(mkdtemp(path));
    apr_pool_cleanup_register(p, path, remove_tree, apr_pool_cleanup_null);
    return path;
}

void test_write(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    ck_assert_int_eq(fputs(text, f) >= 0, 1);
    ck_assert_int_eq(fclose(f), 0);
}

const char *test_path(apr_pool_t *p, const char *dir, const char *name)
{
    return apr_pstrcat(p, dir, "/", name, NULL);
}

int main(void)
{
    int failed = 0;
    SRunner *runner = NULL;

    apr_initialize();
    atexit(apr_terminate);
    samlc_xml_init_once();
    runner = srunner_create(NULL);
#define SUITE(noun) srunner_add_suite(runner, suite_##noun());
#include "suites.h"
#undef SUITE
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
