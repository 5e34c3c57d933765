/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault injection. Every use of every library function that the core calls is made to fail, one
 * after the other, while messages are judged, a generation is loaded and a request is signed.
 * Whatever fails: a hostile message is refused, nothing crashes, OpenSSL's error queue is empty
 * afterwards, no memory is lost, and the next try works.
 *
 * Then every allocation within the libraries fails while messages are judged: hostile ones are
 * refused, and valid ones say the same as ever or are refused. The libraries themselves may crash
 * then (libxml2 2.9 does), so this happens in processes of its own.
 *
 *   faults [WORD]      all cases, or those whose name contains the word
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <dirent.h>
#include <libxml/parser.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/saml/request.h"
#include "core/xml/xml.h"
#include "fault_points.h"
#include "fuzz.h"
#include "fuzz_sp.h"
#include "seeds.h"

#define ALLOCATION (-1)   /* in the place of a function's number */
#define MAX_FUNCTIONS 512
#define MAX_MESSAGES 128

/* fuzz.c wants them; there is no target here. */
const char *const FUZZ_TARGET = "faults";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    (void)input;
    (void)p;
    return 0;
}

/* --- faults --------------------------------------------------------------------------------- */

/* What is to fail: the n-th use of a function or allocation, and with `lasting` all later ones. */
static struct {
    int armed;
    int number;
    int n;
    int lasting;
    int uses;        /* of this function so far */
    const char *in;  /* the case under way */
} fault;

static int counts[MAX_FUNCTIONS];   /* uses of each function, while nothing is to fail */
static long alive;                  /* blocks that the libraries hold */
static int runs;
static int deaths;
static int broken;

static int is_due(int number)
{
    if (!fault.armed || number != fault.number) {
        return 0;
    }
    fault.uses++;
    return fault.lasting ? fault.uses >= fault.n : fault.uses == fault.n;
}

int fault_due(int number)
{
    counts[number]++;
    return is_due(number);
}

int fault_due_openssl(int number)
{
    if (!fault_due(number)) {
        return 0;
    }
    ERR_raise_data(ERR_LIB_USER, ERR_R_INTERNAL_ERROR, "injected");
    return 1;
}

static const char *fault_name(void)
{
    return fault.number == ALLOCATION ? "allocation" : fault_names[fault.number];
}

static void complain(const char *what)
{
    printf("%s: %s of use %d%s of %s\n", fault.in, what, fault.n,
           fault.lasting ? " and all later" : "", fault_name());
    broken++;
}

/* A crash says where it happened. */
static void tell_fault(void)
{
    if (fault.armed) {
        complain("CRASH after failure");
        fflush(stdout);
    }
}

static void on_signal(int number)
{
    tell_fault();
    signal(number, SIG_DFL);
    raise(number);
}

void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void catch_crashes(void)
{
    if (__sanitizer_set_death_callback) {
        __sanitizer_set_death_callback(tell_fault);
        return;
    }
    signal(SIGSEGV, on_signal);
    signal(SIGABRT, on_signal);
}

/* --- memory of the libraries ---------------------------------------------------------------- */

static void *take(size_t size)
{
    void *block = NULL;

    if (is_due(ALLOCATION)) {
        return NULL;
    }
    block = malloc(size);
    alive += block != NULL;
    return block;
}

static void *change(void *old, size_t size)
{
    void *block = NULL;

    if (!old) {
        return take(size);
    }
    block = is_due(ALLOCATION) ? NULL : realloc(old, size);
    return block;
}

static void give(void *block)
{
    alive -= block != NULL;
    free(block);
}

static void *openssl_take(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return size == 0 ? NULL : take(size);
}

static void *openssl_change(void *old, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    if (size == 0) {
        give(old);
        return NULL;
    }
    return change(old, size);
}

static void openssl_give(void *block, const char *file, int line)
{
    (void)file;
    (void)line;
    give(block);
}

static char *copy_string(const char *s)
{
    char *copy = take(strlen(s) + 1);

    return copy ? strcpy(copy, s) : NULL;
}

static void watch_memory(void)
{
    if (CRYPTO_set_mem_functions(openssl_take, openssl_change, openssl_give) != 1
        || xmlMemSetup(give, take, change, copy_string) != 0) {
        fprintf(stderr, "the libraries took memory already\n");
        exit(2);
    }
}

/* --- the cases ------------------------------------------------------------------------------ */

/* What is done under faults. TRUE if it succeeded. */
typedef struct case_t {
    const char *name;
    int (*run)(const struct case_t *c, apr_pool_t *p);
    samlc_data_t message;
    int is_hostile;
    samlc_data_t session;   /* what a valid message says, encoded */
} case_t;

static case_t messages[MAX_MESSAGES];
static int message_count;
static samlc_snapshot_t *snapshot;
static samlc_expectations_t expected;

/*
 * What an accepted message says; not which of several entries trusted it, for one of them may have
 * failed.
 */
static samlc_data_t session_of(const samlc_verdict_t *verdict, apr_pool_t *p)
{
    samlc_session_t session = verdict->claims->session;

    session.cert_sha256 = NULL;
    session.cert_slot = NULL;
    return samlc_session_encode(&session, p);
}

/* A message that is accepted although something failed says what it says, and not a part of it. */
static int judge_message(const case_t *c, const samlc_expectations_t *e, apr_pool_t *p)
{
    samlc_verdict_t *verdict = fuzz_sp_judge(e, &c->message, p);
    samlc_data_t session;

    if (!verdict || verdict->outcome != SAMLC_ACCEPTED) {
        return 0;
    }
    if (c->session.data) {
        session = session_of(verdict, p);
        FUZZ_CHECK(session.len == c->session.len
                   && memcmp(session.data, c->session.data, session.len) == 0);
    }
    return 1;
}

/* What the message says while nothing fails. */
static samlc_data_t read_session(const case_t *c, apr_pool_t *p)
{
    samlc_verdict_t *verdict = fuzz_sp_judge(&expected, &c->message, p);

    FUZZ_CHECK(verdict && verdict->outcome == SAMLC_ACCEPTED);
    return session_of(verdict, p);
}

static int run_judgement(const case_t *c, apr_pool_t *p)
{
    return judge_message(c, &expected, p);
}

static int run_query(const case_t *c, apr_pool_t *p)
{
    samlc_redirect_t *message = NULL;

    return fuzz_sp_reads_query(&message, snapshot, (const char *)c->message.data, p);
}

/* A generation that loads although something failed trusts nobody whom it should not. */
static int run_load(const case_t *c, apr_pool_t *p)
{
    samlc_source_t source = fuzz_sp_source();
    samlc_result_t *res = samlc_result_make(p);
    samlc_snapshot_t *loaded = NULL;
    samlc_expectations_t e;
    int was_armed = fault.armed;
    int i = 0;

    if (samlc_snapshot_load(&loaded, &source, NULL, NULL, FUZZ_NOW, res, p) != APR_SUCCESS) {
        FUZZ_CHECK(!loaded && res->reason != SAMLC_REASON_OK);
        return 0;
    }
    fault.armed = 0;
    e = fuzz_sp_expectations(loaded, p);
    FUZZ_CHECK(memcmp(loaded->digest, snapshot->digest, SAMLC_SHA256_LEN) == 0);
    for (i = 0; was_armed && i < message_count; i++) {
        if (messages[i].is_hostile && messages[i].run == run_judgement
            && judge_message(&messages[i], &e, p)) {
            complain(messages[i].name);
        }
    }
    fault.armed = was_armed;
    samlc_snapshot_destroy(loaded);
    (void)c;
    return 1;
}

/* What we send: it fails as a whole. */
static int run_request(const case_t *c, apr_pool_t *p)
{
    samlc_authn_request_t request;
    const char *url = NULL;
    samlc_result_t *res = samlc_result_make(p);

    memset(&request, 0, sizeof(request));
    request.id = samlc_request_id(p);
    request.entity_id = SEEDS_SP;
    request.acs_url = SEEDS_ACS;
    request.sso_url = "https://idp.example.org/sso";
    request.issue_instant = FUZZ_NOW;
    (void)c;
    if (!request.id
        || samlc_request_redirect_url(&url, &request, "x", expected.keys->keys[0].key, res, p)
               != APR_SUCCESS) {
        FUZZ_CHECK(!url);
        return 0;
    }
    FUZZ_CHECK(strstr(url, "&Signature="));
    return 1;
}

/* --- one run -------------------------------------------------------------------------------- */

static int run_case(const case_t *c, int armed)
{
    apr_pool_t *p = NULL;
    int done = 0;

    apr_pool_create(&p, NULL);
    fault.in = c->name;
    fault.uses = 0;
    fault.armed = armed;
    done = c->run(c, p);
    fault.armed = 0;
    apr_pool_destroy(p);
    runs += armed;
    if (ERR_peek_error() != 0) {
        complain("an error left in the queue after failure");
        ERR_clear_error();
    }
    if (done && c->is_hostile) {
        complain("ACCEPTED after failure");
    }
    return done;
}

/* TRUE if the fault costs memory each time, and not only the first time it takes this path. */
static int loses_memory(const case_t *c)
{
    long before = 0;
    int i = 0;

    for (i = 0; i < 2; i++) {
        before = alive;
        run_case(c, 1);
        if (alive <= before) {
            return 0;
        }
    }
    return 1;
}

/* How a process that may crash ends. */
enum { CHILD_CRASHED, CHILD_BROKE_PROMISE, CHILD_ACCEPTED, CHILD_REACHED_END };

static void set_fault(int number, int lasting)
{
    fault.number = number;
    fault.lasting = lasting;
    fault.n = 1;
}

/* Makes each use of a function fail; failures may lead to other uses, so that they count anew. */
static void try_function(const case_t *c, int number, int lasting)
{
    long before = 0;

    set_fault(number, lasting);
    do {
        before = alive;
        run_case(c, 1);
        if (alive > before && loses_memory(c)) {
            complain("memory lost after failure");
        }
    } while (fault.uses >= fault.n++);
}

/*
 * Makes all allocations from `*n` on fail, each in its turn. *n tells how far it came if it
 * crashes.
 */
static int try_rest(const case_t *c, volatile int *n)
{
    for (;; (*n)++) {
        fault.n = *n;
        if (run_case(c, 1) && c->is_hostile) {
            return CHILD_ACCEPTED;
        }
        if (fault.uses < fault.n) {
            return CHILD_REACHED_END;
        }
    }
}

static void end_child(void)
{
    _exit(CHILD_BROKE_PROMISE);
}

/* The same in a process of its own, which may crash. */
static int try_in_child(const case_t *c, volatile int *n)
{
    int status = 0;
    pid_t child = 0;

    fflush(stdout);
    child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        fuzz_before_crash = end_child;
        FUZZ_CHECK(freopen("/dev/null", "w", stdout) && freopen("/dev/null", "w", stderr));
        _exit(try_rest(c, n));
    }
    FUZZ_CHECK(child > 0 && waitpid(child, &status, 0) == child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : CHILD_CRASHED;
}

static void try_allocations(const case_t *c)
{
    volatile int *n = mmap(NULL, sizeof(*n), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                           0);
    int outcome = CHILD_CRASHED;

    FUZZ_CHECK(n != MAP_FAILED);
    set_fault(ALLOCATION, 0);
    for (*n = 1; outcome != CHILD_REACHED_END; (*n)++) {
        outcome = try_in_child(c, n);
        deaths += outcome == CHILD_CRASHED;
        fault.n = *n;
        if (outcome == CHILD_ACCEPTED) {
            complain("ACCEPTED after failure");
        }
        if (outcome == CHILD_BROKE_PROMISE) {
            complain("broken promise after failure");
        }
    }
    runs += *n - 1;
    munmap((void *)n, sizeof(*n));
}

static void try_case(const case_t *c)
{
    int used[MAX_FUNCTIONS];
    int wanted = !c->is_hostile;
    int i = 0;

    memset(counts, 0, sizeof(counts));
    if (run_case(c, 0) != wanted) {
        printf("%s: %s without any failure\n", c->name, wanted ? "refused" : "accepted");
        broken++;
        return;
    }
    memcpy(used, counts, sizeof(used));
    for (i = 0; fault_names[i]; i++) {
        if (used[i] > 0) {
            try_function(c, i, 0);
            try_function(c, i, 1);
        }
    }
    /* AddressSanitizer has nothing to add to what libraries do without memory. */
    if ((c->run == run_judgement || c->run == run_query) && !__sanitizer_set_death_callback) {
        try_allocations(c);
    }
    if (run_case(c, 0) != wanted) {
        printf("%s: %s after the failures\n", c->name, wanted ? "refused" : "accepted");
        broken++;
    }
}

/* --- all of it ------------------------------------------------------------------------------ */

static int is_case(const struct dirent *entry)
{
    return strncmp(entry->d_name, SEEDS_HOSTILE, strlen(SEEDS_HOSTILE)) == 0
           || strncmp(entry->d_name, SEEDS_VALID, strlen(SEEDS_VALID)) == 0;
}

/* Adds a case for each file of a corpus. */
static void read_cases(const char *dir, int (*run)(const case_t *, apr_pool_t *), apr_pool_t *p)
{
    struct dirent **names = NULL;
    int count = chdir(dir) == 0 ? scandir(".", &names, is_case, alphasort) : -1;
    int i = 0;

    if (count < 0) {
        perror(dir);
        exit(2);
    }
    for (i = 0; i < count; i++) {
        case_t *c = &messages[message_count];

        FUZZ_CHECK(message_count++ < MAX_MESSAGES);
        c->name = apr_pstrdup(p, names[i]->d_name);
        c->run = run;
        c->is_hostile = c->name[0] == SEEDS_HOSTILE[0];
        FUZZ_CHECK(samlc_file_read(&c->message, c->name, SAMLC_MAX_CERT_FILE, samlc_result_make(p),
                                   p) == APR_SUCCESS);
        free(names[i]);
    }
    free(names);
}

int main(int argc, char **argv)
{
    static const case_t others[] = {
        { .name = "load", .run = run_load }, { .name = "request", .run = run_request },
    };
    const char *word = argc > 1 ? argv[1] : "";
    samlc_source_t source = fuzz_sp_source();
    apr_pool_t *p = NULL;
    int i = 0;

    watch_memory();
    LLVMFuzzerInitialize(&argc, &argv);
    apr_pool_create(&p, NULL);
    catch_crashes();
    read_cases(SAMLC_FUZZ_CORPUS "/response", run_judgement, p);
    read_cases(SAMLC_FUZZ_CORPUS "/redirect", run_query, p);
    FUZZ_CHECK(
        samlc_snapshot_load(&snapshot, &source, NULL, NULL, FUZZ_NOW, samlc_result_make(p), p)
        == APR_SUCCESS);
    expected = fuzz_sp_expectations(snapshot, p);
    for (i = 0; i < message_count; i++) {
        if (!messages[i].is_hostile && messages[i].run == run_judgement) {
            messages[i].session = read_session(&messages[i], p);
        }
        if (strstr(messages[i].name, word)) {
            try_case(&messages[i]);
        }
    }
    for (i = 0; i < (int)(sizeof(others) / sizeof(others[0])); i++) {
        if (strstr(others[i].name, word)) {
            try_case(&others[i]);
        }
    }
    samlc_snapshot_destroy(snapshot);
    apr_pool_destroy(p);
    printf("faults: %d runs (in %d a library crashed without memory), %d broken promises\n", runs,
           deaths, broken);
    return broken == 0 && runs > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
