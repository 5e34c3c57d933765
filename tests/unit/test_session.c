/* SPDX-License-Identifier: Apache-2.0 */
#include "test.h"

#include <apr_strings.h>

#include "core/store/session.h"
#include "core/store/store.h"

static samlc_attribute_t *add_attribute(samlc_session_t *s, const char *name, apr_pool_t *p)
{
    samlc_attribute_t *attribute = NULL;

    if (!s->attributes) {
        s->attributes = apr_array_make(p, 2, sizeof(samlc_attribute_t));
    }
    attribute = apr_array_push(s->attributes);
    attribute->name = name;
    attribute->values = apr_array_make(p, 2, sizeof(const char *));
    return attribute;
}

static samlc_session_t *full_session(apr_pool_t *p)
{
    samlc_session_t *s = apr_pcalloc(p, sizeof(*s));
    samlc_attribute_t *attribute = NULL;
    samlc_variable_t *variable = NULL;

    s->user = "alice";
    s->sp_entity_id = "https://app.example.org/saml";
    s->idp_name = "campus";
    s->idp_entity_id = "https://idp.example.org/idp";
    s->name_id = "_3f7b3dcf";
    s->name_id_format = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    s->name_qualifier = "https://idp.example.org/";
    s->sp_name_qualifier = "";
    s->session_index = "_be9967abd904ddcae3c0eb4189adbe3f71e327cf93";
    s->authn_context = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    s->authn_instant = "2026-07-01T00:00:00Z";
    s->cert_sha256 = "00ff";
    s->cert_slot = "primary";
    s->generation = "42";
    s->created = 1782864000123456;
    s->not_after = 1782892800123456;
    s->variables = apr_array_make(p, 2, sizeof(samlc_variable_t));
    variable = apr_array_push(s->variables);
    variable->name = "SAML_ATTR_mail";
    variable->value = "alice@example.org";
    attribute = add_attribute(s, "mail", p);
    APR_ARRAY_PUSH(attribute->values, const char *) = "alice@example.org";
    attribute = add_attribute(s, "groups", p);
    APR_ARRAY_PUSH(attribute->values, const char *) = "staff";
    APR_ARRAY_PUSH(attribute->values, const char *) = "";
    APR_ARRAY_PUSH(attribute->values, const char *) = "z\xc3\xbcrich;\n\"";
    add_attribute(s, "empty", p);
    return s;
}

/* Missing and empty are two things. */
static void same_text(const char *a, const char *b)
{
    if (!a || !b) {
        ck_assert_ptr_eq(a, b);
        return;
    }
    ck_assert_str_eq(a, b);
}

static void same_session(const samlc_session_t *a, const samlc_session_t *b)
{
    samlc_attribute_t x;
    samlc_attribute_t y;
    int i;
    int j;

    same_text(a->user, b->user);
    same_text(a->sp_entity_id, b->sp_entity_id);
    same_text(a->idp_name, b->idp_name);
    same_text(a->idp_entity_id, b->idp_entity_id);
    same_text(a->name_id, b->name_id);
    same_text(a->name_id_format, b->name_id_format);
    same_text(a->name_qualifier, b->name_qualifier);
    same_text(a->sp_name_qualifier, b->sp_name_qualifier);
    same_text(a->session_index, b->session_index);
    same_text(a->authn_context, b->authn_context);
    same_text(a->authn_instant, b->authn_instant);
    same_text(a->cert_sha256, b->cert_sha256);
    same_text(a->cert_slot, b->cert_slot);
    same_text(a->generation, b->generation);
    ck_assert_int_eq(a->created, b->created);
    ck_assert_int_eq(a->not_after, b->not_after);
    ck_assert_int_eq(a->variables ? a->variables->nelts : 0, b->variables->nelts);
    for (i = 0; i < b->variables->nelts; i++) {
        ck_assert_str_eq(APR_ARRAY_IDX(a->variables, i, samlc_variable_t).name,
                         APR_ARRAY_IDX(b->variables, i, samlc_variable_t).name);
        ck_assert_str_eq(APR_ARRAY_IDX(a->variables, i, samlc_variable_t).value,
                         APR_ARRAY_IDX(b->variables, i, samlc_variable_t).value);
    }
    ck_assert_int_eq(a->attributes->nelts, b->attributes->nelts);
    for (i = 0; i < a->attributes->nelts; i++) {
        x = APR_ARRAY_IDX(a->attributes, i, samlc_attribute_t);
        y = APR_ARRAY_IDX(b->attributes, i, samlc_attribute_t);
        ck_assert_str_eq(x.name, y.name);
        ck_assert_int_eq(x.values->nelts, y.values->nelts);
        for (j = 0; j < x.values->nelts; j++) {
            ck_assert_str_eq(APR_ARRAY_IDX(x.values, j, const char *),
                             APR_ARRAY_IDX(y.values, j, const char *));
        }
    }
}

/* In a block of exactly its size, where a sanitizer sees each byte read beyond. */
static apr_status_t decode_alone(const unsigned char *data, apr_size_t len, apr_pool_t *p)
{
    samlc_data_t alone = { NULL, len, "test" };
    samlc_session_t *session = (samlc_session_t *)&alone;
    unsigned char *copy = malloc(len > 0 ? len : 1);
    apr_status_t rv = APR_EGENERAL;

    memcpy(copy, data, len);
    alone.data = copy;
    rv = samlc_session_decode(&session, &alone, p);
    ck_assert_int_eq(session == NULL, rv != APR_SUCCESS);
    free(copy);
    return rv;
}

START_TEST(what_was_encoded_is_decoded)
{
    apr_pool_t *p = test_pool();
    samlc_session_t *session = full_session(p);
    samlc_session_t *decoded = NULL;
    samlc_data_t bytes = samlc_session_encode(session, p);

    ck_assert_int_eq(samlc_session_decode(&decoded, &bytes, p), APR_SUCCESS);
    same_session(session, decoded);
}
END_TEST

/* A request opens a session and leaves its attributes alone, until something asks for them. */
START_TEST(attributes_are_read_on_demand)
{
    apr_pool_t *p = test_pool();
    samlc_session_t *session = full_session(p);
    samlc_session_t *opened = NULL;
    samlc_data_t bytes = samlc_session_encode(session, p);

    ck_assert_int_eq(samlc_session_open(&opened, &bytes, p), APR_SUCCESS);
    ck_assert_str_eq(opened->user, session->user);
    ck_assert_ptr_null(opened->attributes);
    ck_assert_int_eq(samlc_session_read_attributes(opened, p), APR_SUCCESS);
    same_session(session, opened);
    ck_assert_int_eq(samlc_session_read_attributes(opened, p), APR_SUCCESS);
    same_session(session, opened);

    bytes.len--;
    ck_assert_int_eq(samlc_session_open(&opened, &bytes, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_session_read_attributes(opened, p), APR_EINVAL);
    ck_assert_ptr_null(opened->attributes);
}
END_TEST

START_TEST(nothing_is_decoded_as_nothing)
{
    apr_pool_t *p = test_pool();
    samlc_session_t *session = apr_pcalloc(p, sizeof(*session));
    samlc_session_t *decoded = NULL;
    samlc_data_t bytes = samlc_session_encode(session, p);

    session->created = -1;        /* times are not judged here */
    bytes = samlc_session_encode(session, p);
    ck_assert_int_eq(samlc_session_decode(&decoded, &bytes, p), APR_SUCCESS);
    session->attributes = apr_array_make(p, 1, sizeof(samlc_attribute_t));
    same_session(session, decoded);
}
END_TEST

START_TEST(strings_stay_where_they_are)
{
    apr_pool_t *p = test_pool();
    samlc_session_t *decoded = NULL;
    samlc_data_t bytes = samlc_session_encode(full_session(p), p);
    const unsigned char *user = NULL;

    ck_assert_int_eq(samlc_session_decode(&decoded, &bytes, p), APR_SUCCESS);
    user = (const unsigned char *)decoded->user;
    ck_assert(user > bytes.data && user < bytes.data + bytes.len);
}
END_TEST

START_TEST(each_truncation_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_data_t bytes = samlc_session_encode(full_session(p), p);
    apr_size_t len;

    for (len = 0; len < bytes.len; len++) {
        ck_assert_int_eq(decode_alone(bytes.data, len, p), APR_EINVAL);
    }
    ck_assert_int_eq(decode_alone(bytes.data, bytes.len, p), APR_SUCCESS);
}
END_TEST

START_TEST(one_byte_more_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_data_t bytes = samlc_session_encode(full_session(p), p);
    unsigned char *longer = apr_pcalloc(p, bytes.len + 1);

    memcpy(longer, bytes.data, bytes.len);
    ck_assert_int_eq(decode_alone(longer, bytes.len + 1, p), APR_EINVAL);
    ck_assert_int_eq(decode_alone(longer, bytes.len, p), APR_SUCCESS);
}
END_TEST

/* Whatever a byte becomes, nothing is read beyond the end; a text may change, nothing else may
 * pass. */
START_TEST(each_changed_byte_is_survived)
{
    static const unsigned char changes[] = { 0x01, 0x7f, 0x80, 0xff };
    apr_pool_t *p = test_pool();
    samlc_data_t bytes = samlc_session_encode(full_session(p), p);
    unsigned char *changed = apr_pmemdup(p, bytes.data, bytes.len);
    apr_pool_t *scratch = NULL;
    apr_size_t i;
    apr_size_t c;

    ck_assert_int_eq(apr_pool_create(&scratch, p), APR_SUCCESS);
    for (i = 0; i < bytes.len; i++) {
        for (c = 0; c < sizeof(changes); c++) {
            changed[i] = bytes.data[i] ^ changes[c];
            decode_alone(changed, bytes.len, scratch);
            apr_pool_clear(scratch);
        }
        changed[i] = bytes.data[i];
    }
}
END_TEST

/* Offsets in the encoding of a session without strings: magic, two times, 14 times "absent",
 * count. */
#define AT_CREATED 4
#define AT_STRINGS (AT_CREATED + 2 * SAMLC_STORE_U64_LEN)
#define AT_VARIABLES (AT_STRINGS + 14 * SAMLC_STORE_U64_LEN)
#define AT_COUNT (AT_VARIABLES + SAMLC_STORE_U64_LEN)
#define PLAIN_LEN (AT_COUNT + SAMLC_STORE_U64_LEN)

static const struct {
    const char *what;
    apr_size_t at;
    apr_uint64_t number;
} hostile_numbers[] = {
    { "a string as long as all memory", AT_STRINGS, APR_UINT64_MAX - 1 },
    { "a string whose end wraps around", AT_STRINGS, APR_UINT64_MAX - AT_STRINGS - 7 },
    { "a string of all that is left, without its NUL", AT_VARIABLES - SAMLC_STORE_U64_LEN, 16 },
    { "a string over the next length", AT_STRINGS, 8 },
    { "more variables than bytes", AT_VARIABLES, 2 },
    { "2^61 variables", AT_VARIABLES, APR_UINT64_C(1) << 61 },
    { "more attributes than bytes", AT_COUNT, 1 },
    { "2^31 attributes", AT_COUNT, APR_UINT64_C(1) << 31 },
    { "2^61 attributes", AT_COUNT, APR_UINT64_C(1) << 61 },
    { "as many attributes as can be", AT_COUNT, APR_UINT64_MAX },
};

START_TEST(hostile_numbers_are_refused)
{
    apr_pool_t *p = test_pool();
    samlc_session_t *session = apr_pcalloc(p, sizeof(*session));
    samlc_data_t bytes = samlc_session_encode(session, p);
    unsigned char *changed = apr_pmemdup(p, bytes.data, bytes.len);

    ck_assert_uint_eq(bytes.len, PLAIN_LEN);
    ck_assert_int_eq(decode_alone(changed, bytes.len, p), APR_SUCCESS);
    samlc_store_put_u64(changed + hostile_numbers[_i].at, hostile_numbers[_i].number);
    ck_assert_msg(decode_alone(changed, bytes.len, p) == APR_EINVAL, "%s",
                  hostile_numbers[_i].what);
}
END_TEST

START_TEST(another_version_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_data_t bytes = samlc_session_encode(full_session(p), p);
    unsigned char *changed = apr_pmemdup(p, bytes.data, bytes.len);

    changed[3] = '1';
    ck_assert_int_eq(decode_alone(changed, bytes.len, p), APR_EINVAL);
    changed[3] = '2';
    ck_assert_int_eq(decode_alone(changed, bytes.len, p), APR_SUCCESS);
}
END_TEST

/* A NUL within would make the string shorter for its readers than for who wrote it. */
START_TEST(nul_within_a_string_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_session_t *session = full_session(p);
    samlc_data_t bytes = samlc_session_encode(session, p);
    unsigned char *changed = apr_pmemdup(p, bytes.data, bytes.len);

    ck_assert_mem_eq(changed + AT_STRINGS + SAMLC_STORE_U64_LEN, "alice", 6);
    changed[AT_STRINGS + SAMLC_STORE_U64_LEN + 2] = '\0';
    ck_assert_int_eq(decode_alone(changed, bytes.len, p), APR_EINVAL);
}
END_TEST

START_TEST(attribute_without_name_or_value_is_refused)
{
    apr_pool_t *p = test_pool();
    samlc_session_t *session = apr_pcalloc(p, sizeof(*session));
    samlc_attribute_t *attribute = add_attribute(session, NULL, p);
    samlc_data_t bytes = samlc_session_encode(session, p);

    ck_assert_int_eq(decode_alone(bytes.data, bytes.len, p), APR_EINVAL);
    attribute->name = "mail";
    bytes = samlc_session_encode(session, p);
    ck_assert_int_eq(decode_alone(bytes.data, bytes.len, p), APR_SUCCESS);
    APR_ARRAY_PUSH(attribute->values, const char *) = NULL;
    bytes = samlc_session_encode(session, p);
    ck_assert_int_eq(decode_alone(bytes.data, bytes.len, p), APR_EINVAL);
}
END_TEST

Suite *suite_session(void)
{
    Suite *suite = suite_create("session");
    TCase *tc = tcase_create("session");

    tcase_add_test(tc, what_was_encoded_is_decoded);
    tcase_add_test(tc, attributes_are_read_on_demand);
    tcase_add_test(tc, nothing_is_decoded_as_nothing);
    tcase_add_test(tc, strings_stay_where_they_are);
    tcase_add_test(tc, each_truncation_is_refused);
    tcase_add_test(tc, one_byte_more_is_refused);
    tcase_add_test(tc, each_changed_byte_is_survived);
    tcase_add_loop_test(tc, hostile_numbers_are_refused, 0,
                        sizeof(hostile_numbers) / sizeof(hostile_numbers[0]));
    tcase_add_test(tc, another_version_is_refused);
    tcase_add_test(tc, nul_within_a_string_is_refused);
    tcase_add_test(tc, attribute_without_name_or_value_is_refused);
    suite_add_tcase(suite, tc);
    return suite;
}
