/* SPDX-License-Identifier: Apache-2.0 */
/* Metadata of an IdP, with and without the entity ID that is asked for. */
#include "core/trust/metadata.h"
#include "fuzz.h"
#include "seeds.h"

const char *const FUZZ_TARGET = "metadata";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

static int check(const samlc_data_t *xml, const char *entity_id, apr_pool_t *p)
{
    samlc_metadata_t *metadata = NULL;
    samlc_result_t *res = samlc_result_make(p);
    int i = 0;

    if (samlc_metadata_parse(&metadata, xml, entity_id, res, p) != APR_SUCCESS) {
        FUZZ_CHECK(!metadata && res->reason != SAMLC_REASON_OK);
        return 0;
    }
    FUZZ_CHECK(metadata->entity_id);
    FUZZ_CHECK(!entity_id || samlc_text_equal(metadata->entity_id, entity_id));
    for (i = 0; i < metadata->keys->nelts; i++) {
        const samlc_metadata_key_t *key = &APR_ARRAY_IDX(metadata->keys, i, samlc_metadata_key_t);

        FUZZ_CHECK(key->key);
        FUZZ_CHECK(!key->cert || samlc_key_equal(samlc_cert_key(key->cert), key->key));
    }
    samlc_scope_covers(metadata->scopes, "alice@example.org");
    samlc_scope_covers(metadata->scopes,
                       "aaaaaaaaaaaaaaaaaaaa@aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.b");
    return 1;
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    int accepted = check(input, NULL, p);

    return check(input, SEEDS_METADATA_ENTITY, p) || accepted;
}
