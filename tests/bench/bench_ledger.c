/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What it costs to count a login in the ledger (ns each): one certificate that all threads count,
 * and a certificate for each thread; to look one up; and to sync after a login (microseconds).
 * Prints a table; not part of `make check`. Links the core library alone.
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "core/history/ledger.h"

#define LOGINS 2000000
#define SYNCS 50
#define MAX_THREADS 16

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(int good, const char *what)
{
    if (!good) {
        fprintf(stderr, "%s failed\n", what);
        exit(1);
    }
}

/* A bare key will do: the ledger takes its digest and no more. */
static samlc_key_t *make_key(apr_pool_t *p)
{
    EVP_PKEY *pkey = EVP_EC_gen("P-256");
    samlc_key_t *key = pkey ? samlc_key_make(pkey, p) : NULL;

    check(key != NULL, "key");
    return key;
}

typedef struct work_t {
    samlc_ledger_t *ledger;
    const samlc_key_t *key;
    const char *idp;
    long logins;
} work_t;

static void *APR_THREAD_FUNC count(apr_thread_t *thread, void *data)
{
    const work_t *work = data;
    long i = 0;

    (void)thread;
    for (i = 0; i < work->logins; i++) {
        check(samlc_ledger_count(work->ledger, work->idp, NULL, work->key, 1 + i), "count");
    }
    return NULL;
}

static void bench_count(samlc_ledger_t *ledger, const samlc_key_t *key, int threads, int idps,
                        apr_pool_t *p)
{
    apr_thread_t *running[MAX_THREADS];
    work_t work[MAX_THREADS];
    apr_status_t status = APR_SUCCESS;
    double start = now_ns();
    int i = 0;

    for (i = 0; i < threads; i++) {
        work[i].ledger = ledger;
        work[i].key = key;
        work[i].idp = apr_psprintf(p, "https://idp-%d.example.org/saml/idp", i % idps);
        work[i].logins = LOGINS / threads;
        check(apr_thread_create(&running[i], NULL, count, &work[i], p) == APR_SUCCESS, "thread");
    }
    for (i = 0; i < threads; i++) {
        apr_thread_join(&status, running[i]);
    }
    printf("count, %2d thread(s), %2d IdP(s)       %8.1f ns\n", threads, idps,
           (now_ns() - start) / LOGINS);
}

static void bench_find(const samlc_ledger_t *ledger, const samlc_key_t *key)
{
    double start = now_ns();
    samlc_use_t use;
    int i = 0;

    for (i = 0; i < LOGINS; i++) {
        check(samlc_ledger_find(&use, ledger, "https://idp-0.example.org/saml/idp", NULL, key)
              && use.count > 0, "find");
    }
    printf("find                                %8.1f ns\n", (now_ns() - start) / LOGINS);
}

static void bench_sync(samlc_ledger_t *ledger, const samlc_key_t *key, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    double ns = 0;
    double start = 0;
    int i = 0;

    for (i = 0; i < SYNCS; i++) {
        check(samlc_ledger_count(ledger, "https://idp-0.example.org/", NULL, key, 1 + i), "count");
        start = now_ns();
        check(samlc_ledger_sync(ledger, res) == APR_SUCCESS, "sync");
        ns += now_ns() - start;
    }
    printf("sync after a login                  %8.1f us\n", ns / 1000 / SYNCS);
    start = now_ns();
    for (i = 0; i < LOGINS; i++) {
        check(samlc_ledger_sync(ledger, res) == APR_SUCCESS, "sync");
    }
    printf("sync after none                     %8.1f ns\n", (now_ns() - start) / LOGINS);
}

int main(void)
{
    char dir[] = "/tmp/samlcert-bench-XXXXXX";
    samlc_ledger_t *ledger = NULL;
    const samlc_key_t *key = NULL;
    const char *aside = NULL;
    const char *command = NULL;
    apr_pool_t *p = NULL;

    apr_initialize();
    atexit(apr_terminate);
    check(apr_pool_create(&p, NULL) == APR_SUCCESS, "pool");
    check(mkdtemp(dir) != NULL, "mkdtemp");
    check(samlc_ledger_open(&ledger, &aside, dir, samlc_result_make(p), p) == APR_SUCCESS, "open");
    key = make_key(p);
    bench_count(ledger, key, 1, 1, p);
    bench_count(ledger, key, 16, 1, p);
    bench_count(ledger, key, 16, 16, p);
    bench_find(ledger, key);
    bench_sync(ledger, key, p);
    command = apr_psprintf(p, "rm -rf '%s'", dir);
    check(system(command) == 0, command);
    return EXIT_SUCCESS;
}
