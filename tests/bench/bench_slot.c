/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the reload costs where nothing changes: acquire and release (ns, per thread and pair, and as
 * throughput lost by 16 threads that also work), the look at use and the watchdog's poll
 * (microseconds) with few and with many files, and whether polling for years lets a process grow.
 * Prints a table; not part of `make check`. Links the core library alone.
 */
#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "core/reload/loader.h"
#include "core/xml/xml.h"

#define PAIRS 5000000
#define MAX_THREADS 16

static double now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void check(apr_status_t rv, const char *what)
{
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "%s failed\n", what);
        exit(1);
    }
}

/* ---- acquire and release ---- */

typedef struct work_t {
    samlc_slot_t *slot;
    long pairs;
    apr_uint64_t sum;
} work_t;

static void *APR_THREAD_FUNC use_slot(apr_thread_t *thread, void *data)
{
    work_t *work = data;
    samlc_ref_t *ref = NULL;
    long i = 0;

    (void)thread;
    for (i = 0; i < work->pairs; i++) {
        ref = samlc_slot_acquire(work->slot);
        work->sum += samlc_ref_snapshot(ref)->number;
        samlc_ref_release(ref);
    }
    return NULL;
}

static void bench_slot(samlc_slot_t *slot, int count, apr_pool_t *p)
{
    apr_thread_t *threads[MAX_THREADS];
    work_t work[MAX_THREADS];
    apr_status_t status = APR_SUCCESS;
    double start = now_ns();
    double ns = 0;
    int i = 0;

    for (i = 0; i < count; i++) {
        work[i].slot = slot;
        work[i].pairs = PAIRS / count;
        work[i].sum = 0;
        check(apr_thread_create(&threads[i], NULL, use_slot, &work[i], p), "thread");
    }
    for (i = 0; i < count; i++) {
        apr_thread_join(&status, threads[i]);
    }
    ns = now_ns() - start;
    printf("acquire + release, %2d thread(s)      %8.1f ns a pair\n", count, ns / PAIRS);
}

/* ---- what that costs 16 threads which also work ---- */

#define ROUNDS 21
#define ROUND_NS 2.5e8
#define PIECE 4096         /* bytes to add up: as long as the module works for a request */
#define REQUEST 24         /* pieces: as long as httpd and the module do for the smallest one */

typedef struct busy_t {
    samlc_slot_t *slot;    /* NULL: work alone */
    double end;
    int pieces;
    long requests;
    apr_uint32_t sum;
} busy_t;

static apr_uint32_t do_request(apr_uint32_t sum, int pieces)
{
    static const unsigned char piece[PIECE];
    int i = 0;

    for (i = 0; i < PIECE * pieces; i++) {
        sum = (sum ^ piece[i % PIECE]) * 16777619U;
    }
    return sum;
}

static void *APR_THREAD_FUNC be_busy(apr_thread_t *thread, void *data)
{
    busy_t *busy = data;
    samlc_ref_t *ref = NULL;

    (void)thread;
    while (now_ns() < busy->end) {
        if (busy->slot) {
            ref = samlc_slot_acquire(busy->slot);
            busy->sum += (apr_uint32_t)samlc_ref_snapshot(ref)->number;
        }
        busy->sum = do_request(busy->sum, busy->pieces);
        if (busy->slot) {
            samlc_ref_release(ref);
        }
        busy->requests++;
    }
    return NULL;
}

/* Requests in a round by 16 threads. */
static double be_busy_together(samlc_slot_t *slot, int pieces, apr_pool_t *p)
{
    apr_thread_t *threads[MAX_THREADS];
    busy_t busy[MAX_THREADS];
    apr_status_t status = APR_SUCCESS;
    double end = now_ns() + ROUND_NS;
    double requests = 0;
    int i = 0;

    for (i = 0; i < MAX_THREADS; i++) {
        busy[i] = (busy_t){.slot = slot, .end = end, .pieces = pieces, .sum = (apr_uint32_t)i};
        check(apr_thread_create(&threads[i], NULL, be_busy, &busy[i], p), "thread");
    }
    for (i = 0; i < MAX_THREADS; i++) {
        apr_thread_join(&status, threads[i]);
        requests += (double)busy[i].requests;
    }
    return requests;
}

static int compare_doubles(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b ? -1 : *(const double *)a > *(const double *)b;
}

/* Round by round without and with, in turn, so that what else the machine does hits both. */
static void bench_throughput(samlc_slot_t *slot, int pieces, apr_pool_t *p)
{
    double change[ROUNDS];
    double plain = 0, used = 0, all = 0;
    int i = 0;

    for (i = 0; i < ROUNDS; i++) {
        if (i % 2 == 0) {
            plain = be_busy_together(NULL, pieces, p);
            used = be_busy_together(slot, pieces, p);
        }
        else {
            used = be_busy_together(slot, pieces, p);
            plain = be_busy_together(NULL, pieces, p);
        }
        change[i] = (used / plain - 1) * 100;
        all += plain;
    }
    qsort(change, ROUNDS, sizeof(double), compare_doubles);
    printf("16 threads, requests of %4.1f us       %+7.2f %% with acquire + release (median of %d "
           "pairs; quartiles %+.2f, %+.2f)\n", ROUND_NS * ROUNDS * sysconf(_SC_NPROCESSORS_ONLN)
           / 1000 / all, change[ROUNDS / 2], ROUNDS, change[ROUNDS / 4], change[ROUNDS * 3 / 4]);
}

/* ---- looks and polls ---- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    check(f && fputs(text, f) >= 0 && fclose(f) == 0 ? APR_SUCCESS : APR_EGENERAL, path);
}

/* A trust directory with so many IdPs, each with idp.conf. */
static const char *make_dir(int idps, apr_pool_t *p)
{
    char *dir = apr_pstrdup(p, "/tmp/samlcert-bench-XXXXXX");
    const char *idp = NULL;
    int i = 0;

    check(mkdtemp(dir) ? APR_SUCCESS : APR_EGENERAL, "mkdtemp");
    for (i = 0; i < idps; i++) {
        idp = apr_psprintf(p, "%s/idp/idp-%d", dir, i);
        check(apr_dir_make_recursive(idp, APR_FPROT_OS_DEFAULT, p), "mkdir");
        write_file(apr_pstrcat(p, idp, "/idp.conf", NULL),
                   apr_psprintf(p, "EntityID https://idp.example/%d\n", i));
    }
    return dir;
}

static long resident_kib(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f) {
        if (fscanf(f, "%*d %ld", &pages) != 1) {
            pages = 0;
        }
        fclose(f);
    }
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

static void bench_look(samlc_loader_t *loader, const samlc_snapshot_t *snapshot,
                       const samlc_idp_t *idp, int times, const char *what, apr_pool_t *p)
{
    apr_time_t later = apr_time_now() + apr_time_from_sec(3600);
    double start = now_ns();
    int i = 0;

    for (i = 0; i < times; i++) {
        samlc_loader_look(loader, snapshot, idp, later, p);
    }
    printf("  look, %-29s %8.2f us\n", what, (now_ns() - start) / 1000 / times);
}

static void bench_poll(samlc_loader_t *loader, int times, apr_pool_t *p)
{
    apr_time_t later = apr_time_now() + apr_time_from_sec(3600);
    apr_pool_t *scratch = NULL;
    long before = 0;
    double start = 0;
    int i = 0;

    check(apr_pool_create(&scratch, p), "pool");
    for (i = 0; i < 10; i++) {
        samlc_loader_poll(loader, later, scratch);
        apr_pool_clear(scratch);
    }
    before = resident_kib();
    start = now_ns();
    for (i = 0; i < times; i++) {
        samlc_loader_poll(loader, later, scratch);
        apr_pool_clear(scratch);
    }
    printf("  poll                                %8.2f us; %d polls, resident size %+ld KiB\n",
           (now_ns() - start) / 1000 / times, times, resident_kib() - before);
}

static void bench_reload(samlc_loader_t *loader, const char *dir, int times, apr_pool_t *p)
{
    apr_time_t later = apr_time_now() + apr_time_from_sec(7200);
    const char *path = apr_pstrcat(p, dir, "/idp/idp-0/idp.conf", NULL);
    samlc_result_t *res = samlc_result_make(p);
    apr_pool_t *scratch = NULL;
    long before = 0;
    double start = 0;
    int i = 0;

    check(apr_pool_create(&scratch, p), "pool");
    for (i = 0; i < times; i++) {
        if (i == times / 10) {
            before = resident_kib();
            start = now_ns();
        }
        write_file(path, i % 2 == 0 ? "EntityID https://idp.example/x\n"
                                    : "EntityID https://idp.example/0\n");
        check(samlc_loader_load(loader, later, res, scratch), "load");
        apr_pool_clear(scratch);
    }
    printf("  load                                %8.2f us; %d loads, resident size %+ld KiB\n",
           (now_ns() - start) / 1000 / (times - times / 10), times, resident_kib() - before);
}

static void bench_loader(int idps, int times, apr_pool_t *parent)
{
    apr_pool_t *p = NULL;
    samlc_source_t source;
    samlc_loader_t *loader = NULL;
    samlc_result_t *res = NULL;
    samlc_ref_t *ref = NULL;
    const samlc_snapshot_t *snapshot = NULL;
    const char *command = NULL;

    check(apr_pool_create(&p, parent), "pool");
    memset(&source, 0, sizeof(source));
    source.dir = make_dir(idps, p);
    res = samlc_result_make(p);
    check(samlc_loader_make(&loader, &source, NULL, res, p), "make");
    check(samlc_loader_load(loader, apr_time_now() + apr_time_from_sec(3600), res, p), "load");
    ref = samlc_slot_acquire(samlc_loader_slot(loader));
    snapshot = samlc_ref_snapshot(ref);
    printf("%d IdP(s), %d files and directories\n", idps, snapshot->scan->seen->nelts);
    bench_look(loader, snapshot, APR_ARRAY_IDX(snapshot->idps, 0, samlc_idp_t *), times,
               "known IdP", p);
    bench_look(loader, snapshot, NULL, times > 1000 ? times / 10 : times, "unknown IdP", p);
    samlc_ref_release(ref);
    bench_poll(loader, times > 1000 ? times / 10 : times, p);
    bench_reload(loader, source.dir, times > 1000 ? 1000 : 20, p);
    if (idps == 1) {
        bench_slot(samlc_loader_slot(loader), 1, p);
        bench_slot(samlc_loader_slot(loader), 16, p);
        bench_throughput(samlc_loader_slot(loader), 1, p);
        bench_throughput(samlc_loader_slot(loader), REQUEST, p);
    }
    command = apr_psprintf(p, "rm -rf '%s'", source.dir);
    check(system(command) == 0 ? APR_SUCCESS : APR_EGENERAL, command);
    apr_pool_destroy(p);
}

int main(void)
{
    apr_pool_t *p = NULL;

    apr_initialize();
    atexit(apr_terminate);
    samlc_xml_init_once();
    check(apr_pool_create(&p, NULL), "pool");
    bench_loader(1, 200000, p);
    bench_loader(50, 20000, p);
    bench_loader(5000, 100, p);
    return EXIT_SUCCESS;
}
