/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layout: magic, created, not_after, the strings of `members`, number of variables, and for each
 * its name and value; number of attributes, and for each its name, number of values and values. A
 * number is 8 bytes, big endian. A string is its length as a number, its bytes and a NUL, so that
 * decoded strings can be used where they lie; NULL is the length ABSENT alone.
 */
#include "core/store/session.h"

#include <stddef.h>
#include <string.h>

#include "core/store/store.h"

#define MAGIC "SMS2"              /* the last character is the version of the layout */
#define MAGIC_LEN 4
#define ABSENT APR_UINT64_MAX

/* The strings of a session in the order of the layout. */
static const size_t members[] = {
    offsetof(samlc_session_t, user),
    offsetof(samlc_session_t, sp_entity_id),
    offsetof(samlc_session_t, idp_name),
    offsetof(samlc_session_t, idp_entity_id),
    offsetof(samlc_session_t, name_id),
    offsetof(samlc_session_t, name_id_format),
    offsetof(samlc_session_t, name_qualifier),
    offsetof(samlc_session_t, sp_name_qualifier),
    offsetof(samlc_session_t, session_index),
    offsetof(samlc_session_t, authn_context),
    offsetof(samlc_session_t, authn_instant),
    offsetof(samlc_session_t, cert_sha256),
    offsetof(samlc_session_t, cert_slot),
    offsetof(samlc_session_t, generation),
};

#define MEMBER_COUNT (sizeof(members) / sizeof(members[0]))

/* Counts while `out` is NULL, writes when it is not: one walk for both agrees with itself. */
typedef struct writer_t {
    unsigned char *out;
    apr_size_t len;
} writer_t;

static void write_bytes(writer_t *w, const void *bytes, apr_size_t len)
{
    if (w->out) {
        memcpy(w->out + w->len, bytes, len);
    }
    w->len += len;
}

static void write_number(writer_t *w, apr_uint64_t n)
{
    unsigned char bytes[SAMLC_STORE_U64_LEN];

    samlc_store_put_u64(bytes, n);
    write_bytes(w, bytes, sizeof(bytes));
}

static void write_string(writer_t *w, const char *s)
{
    if (!s) {
        write_number(w, ABSENT);
        return;
    }
    write_number(w, strlen(s));
    write_bytes(w, s, strlen(s) + 1);
}

static void write_attribute(writer_t *w, const samlc_attribute_t *attribute)
{
    int i;

    write_string(w, attribute->name);
    write_number(w, attribute->values ? (apr_uint64_t)attribute->values->nelts : 0);
    for (i = 0; attribute->values && i < attribute->values->nelts; i++) {
        write_string(w, APR_ARRAY_IDX(attribute->values, i, const char *));
    }
}

static void write_session(writer_t *w, const samlc_session_t *session)
{
    const apr_array_header_t *variables = session->variables;
    const apr_array_header_t *attributes = session->attributes;
    apr_size_t m;
    int i;

    write_bytes(w, MAGIC, MAGIC_LEN);
    write_number(w, (apr_uint64_t)session->created);
    write_number(w, (apr_uint64_t)session->not_after);
    for (m = 0; m < MEMBER_COUNT; m++) {
        write_string(w, *(const char *const *)((const char *)session + members[m]));
    }
    write_number(w, variables ? (apr_uint64_t)variables->nelts : 0);
    for (i = 0; variables && i < variables->nelts; i++) {
        write_string(w, APR_ARRAY_IDX(variables, i, samlc_variable_t).name);
        write_string(w, APR_ARRAY_IDX(variables, i, samlc_variable_t).value);
    }
    write_number(w, attributes ? (apr_uint64_t)attributes->nelts : 0);
    for (i = 0; attributes && i < attributes->nelts; i++) {
        write_attribute(w, &APR_ARRAY_IDX(attributes, i, samlc_attribute_t));
    }
}

samlc_data_t samlc_session_encode(const samlc_session_t *session, apr_pool_t *p)
{
    samlc_data_t encoded = { NULL, 0, "session" };
    writer_t w = { NULL, 0 };

    write_session(&w, session);
    w.out = apr_palloc(p, w.len);
    w.len = 0;
    write_session(&w, session);
    encoded.data = w.out;
    encoded.len = w.len;
    return encoded;
}

/* What is left to read. The first thing that does not fit makes it bad for good. */
typedef struct reader_t {
    const unsigned char *at;
    apr_size_t left;
    int bad;
} reader_t;

static const unsigned char *read_bytes(reader_t *r, apr_size_t len)
{
    const unsigned char *bytes = r->at;

    if (r->bad || len > r->left) {
        r->bad = 1;
        return NULL;
    }
    r->at += len;
    r->left -= len;
    return bytes;
}

static apr_uint64_t read_number(reader_t *r)
{
    const unsigned char *bytes = read_bytes(r, SAMLC_STORE_U64_LEN);

    return bytes ? samlc_store_get_u64(bytes) : 0;
}

/* A number of things of which each takes at least SAMLC_STORE_U64_LEN bytes: a count that the
 * bytes left cannot hold is refused before anything is allocated for it. */
static int read_count(reader_t *r)
{
    apr_uint64_t n = read_number(r);

    if (n > r->left / SAMLC_STORE_U64_LEN || n > APR_INT32_MAX) {
        r->bad = 1;
        return 0;
    }
    return (int)n;
}

static const char *read_string(reader_t *r)
{
    apr_uint64_t len = read_number(r);
    const unsigned char *s = NULL;

    if (r->bad || len == ABSENT) {
        return NULL;
    }
    if (len >= r->left) {
        r->bad = 1;
        return NULL;
    }
    s = read_bytes(r, (apr_size_t)len + 1);
    if (s && memchr(s, '\0', (apr_size_t)len + 1) != s + len) {
        r->bad = 1;
        return NULL;
    }
    return (const char *)s;
}

static const char *read_present_string(reader_t *r)
{
    const char *s = read_string(r);

    if (!s) {
        r->bad = 1;
    }
    return s;
}

static void read_attribute(reader_t *r, samlc_attribute_t *attribute, apr_pool_t *p)
{
    int count;
    int i;

    attribute->name = read_present_string(r);
    count = read_count(r);
    attribute->values = apr_array_make(p, count, sizeof(const char *));
    for (i = 0; i < count && !r->bad; i++) {
        APR_ARRAY_PUSH(attribute->values, const char *) = read_present_string(r);
    }
}

static void read_session(reader_t *r, samlc_session_t *session, apr_pool_t *p)
{
    const unsigned char *magic = read_bytes(r, MAGIC_LEN);
    samlc_variable_t *variable = NULL;
    apr_size_t m;
    int count;
    int i;

    if (!magic || memcmp(magic, MAGIC, MAGIC_LEN) != 0) {
        r->bad = 1;
        return;
    }
    session->created = (apr_time_t)read_number(r);
    session->not_after = (apr_time_t)read_number(r);
    for (m = 0; m < MEMBER_COUNT; m++) {
        *(const char **)((char *)session + members[m]) = read_string(r);
    }
    count = read_count(r);
    session->variables = apr_array_make(p, count, sizeof(samlc_variable_t));
    for (i = 0; i < count && !r->bad; i++) {
        variable = apr_array_push(session->variables);
        variable->name = read_present_string(r);
        variable->value = read_present_string(r);
    }
    session->unread.data = r->at;
    session->unread.len = r->left;
    session->unread.origin = "session";
}

apr_status_t samlc_session_open(samlc_session_t **session, const samlc_data_t *bytes, apr_pool_t *p)
{
    reader_t r = { bytes->data, bytes->len, 0 };
    samlc_session_t *opened = apr_pcalloc(p, sizeof(*opened));

    *session = NULL;
    read_session(&r, opened, p);
    if (r.bad) {
        return APR_EINVAL;
    }
    *session = opened;
    return APR_SUCCESS;
}

apr_status_t samlc_session_read_attributes(samlc_session_t *session, apr_pool_t *p)
{
    reader_t r = { session->unread.data, session->unread.len, 0 };
    apr_array_header_t *attributes = NULL;
    int count;
    int i;

    if (!session->unread.data) {
        return APR_SUCCESS;
    }
    count = read_count(&r);
    attributes = apr_array_make(p, count, sizeof(samlc_attribute_t));
    for (i = 0; i < count && !r.bad; i++) {
        read_attribute(&r, apr_array_push(attributes), p);
    }
    if (r.bad || r.left != 0) {
        return APR_EINVAL;
    }
    session->attributes = attributes;
    session->unread.data = NULL;
    return APR_SUCCESS;
}

apr_status_t samlc_session_decode(samlc_session_t **session, const samlc_data_t *bytes,
                                  apr_pool_t *p)
{
    apr_status_t rv = samlc_session_open(session, bytes, p);

    if (rv == APR_SUCCESS) {
        rv = samlc_session_read_attributes(*session, p);
    }
    if (rv != APR_SUCCESS) {
        *session = NULL;
    }
    return rv;
}
