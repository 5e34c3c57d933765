/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/file.h"
#include "core/xml/xml.h"

int fuzz_accepted = 0;
void (*fuzz_before_crash)(void) = NULL;

static apr_pool_t *pool;

/*
 * LeakSanitizer, where it is linked. APR may get its memory by mmap(), where it does not look for
 * pointers: all that a pool owns for good would seem to be lost.
 */
void __lsan_disable(void) __attribute__((weak));
void __lsan_enable(void) __attribute__((weak));

void fuzz_fail(const char *promise, const char *file, int line)
{
    fprintf(stderr, "%s:%d: broken promise: %s\n", file, line, promise);
    if (fuzz_before_crash) {
        fuzz_before_crash();
    }
    abort();
}

const char *fuzz_string(const samlc_data_t *input, apr_pool_t *p)
{
    return input->len > 0 && memchr(input->data, '\0', input->len)
               ? NULL
               : apr_pstrmemdup(p, (const char *)input->data, input->len);
}

int fuzz_is_known(const char *s, const char *const *known)
{
    while (*known && !samlc_text_equal(s, *known)) {
        known++;
    }
    return *known != NULL;
}

samlc_data_t fuzz_read_data(const char *name, apr_pool_t *p)
{
    samlc_data_t data = {NULL, 0, NULL};
    samlc_result_t *res = samlc_result_make(p);
    const char *path = apr_pstrcat(p, SAMLC_FUZZ_DATA "/", name, NULL);

    if (samlc_file_read(&data, path, SAMLC_MAX_CERT_FILE, res, p) != APR_SUCCESS) {
        fprintf(stderr, "%s\n", res->message);
        exit(2);
    }
    return data;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS
        || !samlc_xml_init_once()) {
        fprintf(stderr, "the libraries can't start\n");
        exit(2);
    }
    if (__lsan_disable) {
        __lsan_disable();
    }
    fuzz_setup(pool);
    if (__lsan_enable) {
        __lsan_enable();
    }
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    samlc_data_t input = {data, size, "input"};
    apr_pool_t *p = NULL;

    FUZZ_CHECK(apr_pool_create(&p, pool) == APR_SUCCESS);
    fuzz_accepted += fuzz_one(&input, p) ? 1 : 0;
    apr_pool_destroy(p);
    /* What a module leaves there, another one takes for its own failure. */
    FUZZ_CHECK(ERR_peek_error() == 0);
    return 0;
}
