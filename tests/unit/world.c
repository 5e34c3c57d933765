/* SPDX-License-Identifier: Apache-2.0 */
#include "world.h"

#include <apr_strings.h>
#include <openssl/err.h>

#include "test.h"

#define SHOWN "%.6000s"   /* Check refuses to print long messages */

static world_keys_t *keys;

void world_make_keys_once(void)
{
    apr_pool_t *p = NULL;

    if (keys != NULL) {
        return;
    }
    ck_assert_int_eq(apr_pool_create(&p, NULL), APR_SUCCESS);
    keys = apr_pcalloc(p, sizeof(*keys));
    keys->idp = test_cert_make(&(test_cert_spec_t){.cn = "idp.example.org", .serial = 7}, p);
    keys->stranger = test_cert_make(&(test_cert_spec_t){.cn = "idp.example.org", .serial = 7}, p);
    keys->other = test_cert_make(&(test_cert_spec_t){ .cn = "other.example.org", .key_type = "EC" },
                                 p);
    keys->sp = test_cert_make(&(test_cert_spec_t){.cn = "sp.example.org"}, p);
}

const world_keys_t *world_keys(void)
{
    return keys;
}

static apr_status_t count_claim(void *baton, const samlc_claims_t *claims, samlc_result_t *res,
                                apr_pool_t *p)
{
    world_t *w = baton;

    (void)p;
    ck_assert_str_eq(claims->assertion_id, w->login_id);
    w->claims++;
    w->claimed = apr_array_pstrcat(w->p, claims->assertion_ids, ' ');
    return w->claim_refuses_with == SAMLC_REASON_OK
               ? APR_SUCCESS
               : samlc_result_fail(res, APR_EEXIST, w->claim_refuses_with, "seen before");
}

/* An IdP with one certificate on file, in the snapshot. */
static samlc_settings_t *add_idp(world_t *w, const char *name, const char *conf,
                                 const test_cert_t *primary)
{
    samlc_result_t *res = samlc_result_make(w->p);
    samlc_idp_material_t m = { .name = name, .origin = "idp.conf" };
    apr_array_header_t *slots = apr_array_make(w->p, 1, sizeof(samlc_idp_slot_t));
    samlc_settings_t *settings = samlc_settings_make(w->p);
    samlc_data_t lines = test_data(conf, "idp.conf");
    samlc_idp_t *idp = NULL;

    if (primary != NULL) {
        samlc_idp_slot_t *slot = apr_array_push(slots);
        samlc_cert_t *cert = NULL;

        ck_assert_int_eq(samlc_cert_parse_der(&cert, &primary->der, res, w->p), APR_SUCCESS);
        *slot = (samlc_idp_slot_t){ SAMLC_SLOT_PRIMARY, cert, "primary.pem", NULL };
    }
    ck_assert_msg(samlc_settings_parse(settings, &lines, res, w->p) == APR_SUCCESS, "%s",
                  res->message);
    m.settings = settings;
    m.slots = slots;
    m.roots = m.intermediates = apr_array_make(w->p, 1, sizeof(samlc_cert_t *));
    m.crls = apr_array_make(w->p, 1, sizeof(samlc_data_t));
    m.watch = apr_array_make(w->p, 1, sizeof(samlc_seen_t));
    ck_assert_msg(samlc_idp_build(&idp, &m, TEST_NOW, apr_array_make(w->p, 1, sizeof(const char *)),
                                  res, w->p) == APR_SUCCESS, "%s", res->message);
    apr_hash_set(w->snapshot->by_entity, idp->entity_id, APR_HASH_KEY_STRING, idp);
    return settings;
}

static const samlc_keyset_t *own_keys(apr_pool_t *p)
{
    samlc_keyset_t *set = apr_pcalloc(p, sizeof(*set));
    samlc_data_t key = test_data(keys->sp->key_pem, "active.key");
    samlc_data_t cert = test_data(keys->sp->pem, "active.crt");

    ck_assert_int_eq(samlc_keyset_add(set, SAMLC_OWN_ACTIVE, &key, &cert, samlc_result_make(p), p),
                     APR_SUCCESS);
    return set;
}

world_t *world_make(const char *conf, const test_cert_t *primary, apr_pool_t *p)
{
    world_t *w = apr_pcalloc(p, sizeof(*w));
    apr_array_header_t *requests = apr_array_make(p, 1, sizeof(const char *));

    w->p = p;
    w->keys = keys;
    w->snapshot = apr_pcalloc(p, sizeof(*w->snapshot));
    w->snapshot->by_entity = apr_hash_make(p);
    w->settings = add_idp(w, "main", apr_pstrcat(p, "EntityID " FORGE_IDP "\n",
                                                 conf == NULL ? "" : conf, NULL), primary);
    add_idp(w, "other", "EntityID " WORLD_OTHER_IDP "\n", keys->other);
    APR_ARRAY_PUSH(requests, const char *) = FORGE_REQUEST;
    w->login_id = FORGE_ASSERTION_ID;
    w->claim_refuses_with = SAMLC_REASON_OK;
    w->expected.snapshot = w->snapshot;
    w->expected.keys = own_keys(p);
    w->expected.entity_id = FORGE_SP;
    w->expected.acs_url = FORGE_ACS;
    w->expected.in_response_to = requests;
    w->expected.now = TEST_NOW;
    w->expected.claim = count_claim;
    w->expected.claim_baton = w;
    return w;
}

const char *world_signed(const forge_t *f, const char *id, const test_cert_t *by, apr_pool_t *p)
{
    return forge_sign(forge_write(f, p), id, &(forge_signature_t){ .by = by }, p);
}

samlc_verdict_t *world_judges(world_t *w, const char *message, samlc_reason_t *reason)
{
    samlc_data_t data = test_data(message, "SAMLResponse");
    samlc_result_t *res = samlc_result_make(w->p);
    samlc_response_t *response = NULL;
    samlc_verdict_t *v = NULL;
    int claims = w->claims;

    if (samlc_response_read(&response, &data, res, w->p) != APR_SUCCESS) {
        ck_assert_ptr_null(response);
        *reason = res->reason;
    }
    else {
        v = samlc_response_judge(response, &w->expected, w->p);
        *reason = v->reason;
    }
    ck_assert_uint_eq(ERR_peek_error(), 0);
    if (v != NULL && v->outcome == SAMLC_ACCEPTED) {
        ck_assert_ptr_nonnull(v->claims);
        ck_assert_int_eq(v->trust.is_trusted, 1);
        ck_assert_int_eq(v->reason, SAMLC_REASON_OK);
        ck_assert_int_eq(w->claims, claims + 1);
        return v;
    }
    ck_assert(*reason != SAMLC_REASON_OK && *reason != SAMLC_REASON_UNDECIDED);
    ck_assert(v == NULL || v->claims == NULL);
    ck_assert_int_eq(w->claims, claims + (w->claim_refuses_with != SAMLC_REASON_OK
                                          && *reason == w->claim_refuses_with));
    return NULL;
}

samlc_verdict_t *world_accepts(world_t *w, const char *message)
{
    samlc_reason_t reason = SAMLC_REASON_UNDECIDED;
    samlc_verdict_t *v = world_judges(w, message, &reason);

    ck_assert_msg(v != NULL, "refused (%s): " SHOWN, samlc_reason_word(reason), message);
    return v;
}

void world_refuses(world_t *w, const char *message, samlc_reason_t reason)
{
    samlc_reason_t found = SAMLC_REASON_UNDECIDED;

    ck_assert_msg(world_judges(w, message, &found) == NULL, "accepted: " SHOWN, message);
    ck_assert_msg(reason == WORLD_ANY || found == reason, "%s where %s was expected: " SHOWN,
                  samlc_reason_word(found), samlc_reason_word(reason), message);
}
