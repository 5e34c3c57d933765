/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the embedded store costs: claim_and_put of a login, get and decode of a session, touch,
 * expire. Not part of `make check`: figures are no verdict. Usage: bench_store [DIRECTORY
 * [SESSIONS]]
 *
 *   gcc -O2 -Imod_samlcert $(pkg-config --cflags apr-1 openssl lmdb) tests/bench/bench_store.c \
 *       mod_samlcert/core/store/[a-z]*.c mod_samlcert/core/base/[a-z]*.c \
 *       $(pkg-config --libs apr-1 openssl lmdb) -o bench_store
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/store/lmdb.h"
#include "core/store/session.h"

#define MAP_SIZE ((apr_size_t)8 * 1024 * 1024 * 1024)
#define LIFETIME apr_time_from_sec(28800)
#define LOOKUPS 400000

typedef struct bench_t {
    samlc_store_t *store;
    samlc_data_t value;
    apr_time_t now;
    int sessions;
    apr_pool_t *scratch;
} bench_t;

static void must(apr_status_t rv, const samlc_result_t *res, const char *what)
{
    if (rv != APR_SUCCESS) {
        fprintf(stderr, "%s: %s\n", what, res->message);
        exit(1);
    }
}

static samlc_store_key_t key_of(const char *kind, int n)
{
    samlc_store_key_t key;
    char number[16];

    snprintf(number, sizeof(number), "%d", n);
    if (!samlc_store_key(&key, kind, number, NULL)) {
        exit(1);
    }
    return key;
}

static void login(bench_t *b, int n, samlc_result_t *res)
{
    samlc_store_claim_t claim = { key_of("assertion", n), b->now + apr_time_from_sec(600) + n };
    samlc_store_item_t item = { key_of("cookie", n), key_of("user", n / 2), b->now + LIFETIME + n,
                                b->value.data, b->value.len };

    must(b->store->vtable->claim_and_put(b->store, &claim, 1, &item, b->now, res, b->scratch), res,
         "claim_and_put");
}

static void look_up(bench_t *b, int n, samlc_result_t *res)
{
    samlc_store_key_t key = key_of("cookie", (int)(n * 2654435761u % (unsigned)b->sessions));
    samlc_store_item_t item;

    must(b->store->vtable->get(b->store, &item, &key, b->now, res, b->scratch), res, "get");
}

static void look_up_and_decode(bench_t *b, int n, samlc_result_t *res)
{
    samlc_store_key_t key = key_of("cookie", (int)(n * 2654435761u % (unsigned)b->sessions));
    samlc_session_t *session = NULL;
    samlc_store_item_t item;
    samlc_data_t bytes;

    must(b->store->vtable->get(b->store, &item, &key, b->now, res, b->scratch), res, "get");
    bytes = (samlc_data_t){ item.value, item.len, "store" };
    must(samlc_session_decode(&session, &bytes, b->scratch), res, "decode");
}

static void hash_a_key(bench_t *b, int n, samlc_result_t *res)
{
    (void)b;
    (void)res;
    key_of("cookie", n);
}

static void touch(bench_t *b, int n, samlc_result_t *res)
{
    samlc_store_key_t key = key_of("cookie", n);

    must(
        b->store->vtable->touch(b->store, &key, b->now + 2 * LIFETIME + n, b->now, res, b->scratch),
        res, "touch");
}

static void measure(bench_t *b, const char *what, void (*step)(bench_t *, int, samlc_result_t *),
                    int count, samlc_result_t *res)
{
    apr_time_t start = apr_time_now();
    int n;

    for (n = 0; n < count; n++) {
        step(b, n, res);
        if (n % 64 == 63) {
            apr_pool_clear(b->scratch);
        }
    }
    printf("%-44s %8.2f us  (%d times)\n", what, (double)(apr_time_now() - start) / count, count);
}

/* A session of about 2 KB, as a login with a dozen attributes leaves it. */
static samlc_data_t typical_session(apr_pool_t *p)
{
    samlc_session_t *s = apr_pcalloc(p, sizeof(*s));
    samlc_attribute_t *attribute = NULL;
    int i;

    s->user = "alice@example.org";
    s->sp_entity_id = "https://app.example.org/saml";
    s->idp_name = "campus";
    s->idp_entity_id = "https://idp.example.org/idp/shibboleth";
    s->name_id = "_4f8a1f0f5d0c4b8d9d3e0a6c5b7e2f11";
    s->name_id_format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    s->session_index = "_be9967abd904ddcae3c0eb4189adbe3f71e327cf93";
    s->authn_context = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    s->authn_instant = "2026-07-01T00:00:00Z";
    s->cert_sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    s->cert_slot = "primary";
    s->generation = "42";
    s->attributes = apr_array_make(p, 12, sizeof(samlc_attribute_t));
    for (i = 0; i < 12; i++) {
        attribute = apr_array_push(s->attributes);
        attribute->name = apr_psprintf(p, "urn:oid:1.3.6.1.4.1.5923.1.1.1.%d", i);
        attribute->values = apr_array_make(p, 2, sizeof(const char *));
        APR_ARRAY_PUSH(attribute->values, const char *) = "some-value-of-it@example.org";
    }
    return samlc_session_encode(s, p);
}

static void measure_expire(bench_t *b, samlc_result_t *res)
{
    apr_time_t start = apr_time_now();
    int removed = 0;

    must(b->store->vtable->expire(b->store, &removed, 10000, b->now + apr_time_from_sec(601), res,
                                  b->scratch), res, "expire");
    printf("%-44s %8.2f us  (%d removed, sync included)\n", "expire, each claim",
           (double)(apr_time_now() - start) / (removed ? removed : 1), removed);
}

int main(int argc, const char *const argv[])
{
    char made[] = "/tmp/samlcert-bench-XXXXXX";
    const char *dir = argc > 1 ? argv[1] : mkdtemp(made);
    samlc_result_t *res = NULL;
    apr_pool_t *p = NULL;
    bench_t b;

    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&p, NULL);
    apr_pool_create(&b.scratch, p);
    res = samlc_result_make(p);
    b.sessions = argc > 2 ? atoi(argv[2]) : 100000;
    b.now = apr_time_now();
    b.value = typical_session(p);
    must(samlc_lmdb_open(&b.store, dir, MAP_SIZE, res, p), res, "open");
    printf("%s: %d sessions of %lu bytes\n", dir, b.sessions, (unsigned long)b.value.len);
    measure(&b, "hash of a key (in all that follows)", hash_a_key, LOOKUPS, res);
    measure(&b, "claim_and_put", login, b.sessions, res);
    measure(&b, "get", look_up, LOOKUPS, res);
    measure(&b, "get and decode", look_up_and_decode, LOOKUPS, res);
    measure(&b, "touch", touch, b.sessions < 20000 ? b.sessions : 20000, res);
    measure_expire(&b, res);
    if (argc <= 1) {
        unlink(apr_pstrcat(p, dir, "/store.mdb", NULL));
        unlink(apr_pstrcat(p, dir, "/store.mdb-lock", NULL));
        rmdir(dir);
    }
    return 0;
}
