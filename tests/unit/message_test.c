/* SPDX-License-Identifier: Apache-2.0 */
#include "message_test.h"

#include "test.h"

apr_pool_t *p;
const world_keys_t *keys;
world_t *w;

static void setup(void)
{
    p = test_pool();
    keys = world_keys();
    w = world_make(NULL, keys->idp, p);
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

TCase *message_tcase(const char *name)
{
    TCase *tc = tcase_create(name);

    tcase_set_timeout(tc, 60);
    tcase_add_unchecked_fixture(tc, world_make_keys_once, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    return tc;
}

const char *message_written(void)
{
    return forge_write(&(forge_t){ 0 }, p);
}

const char *message_sound(const char *xml)
{
    ck_assert_str_eq(world_accepts(w, xml)->claims->session.user, FORGE_USER);
    return xml;
}

const char *message_genuine(const char *id)
{
    return message_sound(world_signed(&(forge_t){ 0 }, id, keys->idp, p));
}

const char *message_hide(const char *xml, const char *plaintext)
{
    return forge_replace(xml, forge_element(xml, "saml:Assertion", p),
                         forge_encrypted("EncryptedAssertion", plaintext,
                                         &(forge_encryption_t){ .to = keys->sp->pkey }, p), p);
}
