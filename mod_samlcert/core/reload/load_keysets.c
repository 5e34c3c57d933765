/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/load.h"

#include <string.h>

#include <apr_strings.h>

#include "core/base/file.h"
#include "core/reload/selftest.h"

#define MIN_RSA_BITS 2048

/* Ours to choose and ours to regret: partners refuse such keys, but we do not. */
static void warn_of_weakness(samlc_load_t *l, const samlc_key_t *key, const char *path)
{
    const char *type = samlc_key_type(key);
    int least = strcmp(type, "RSA") == 0 ? MIN_RSA_BITS : SAMLC_MIN_EC_BITS;

    if (samlc_key_bits(key) < least) {
        APR_ARRAY_PUSH(l->warnings, const char *) =
            apr_psprintf(l->p, "%s: our own key has %d bits, which is weak; make one of %d or more "
                         "(%s)", path, samlc_key_bits(key), least, type);
    }
}

static apr_status_t read_own_key(samlc_keyset_t *set, samlc_load_t *l, samlc_own_role_t role)
{
    const char *stem = apr_pstrcat(l->ptemp, "sp/", set->name, "/", samlc_own_role_word(role),
                                   NULL);
    const char *key_name = apr_pstrcat(l->ptemp, stem, ".key", NULL);
    const char *cert_name = apr_pstrcat(l->ptemp, stem, ".crt", NULL);
    const samlc_seen_t *key = samlc_load_find(l, key_name);
    const samlc_seen_t *cert = samlc_load_find(l, cert_name);
    const samlc_data_t *key_file = NULL, *cert_file = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (key == NULL && cert == NULL) {
        return APR_SUCCESS;
    }
    if (key == NULL || cert == NULL) {
        return samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s has no %s beside it", key == NULL ? cert->path : key->path,
                                 key == NULL ? "key (.key)" : "certificate (.crt)");
    }
    rv = samlc_load_private(&key_file, l, key->path, set->name, role);
    if (rv == APR_SUCCESS) {
        rv = samlc_load_file(&cert_file, l, cert->path, SAMLC_MAX_CERT_FILE);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_keyset_add(set, role, key_file, cert_file, l->res, l->p);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_selftest_key(&set->keys[role], key_file, cert_file, l->res, l->ptemp);
    }
    if (rv == APR_SUCCESS) {
        warn_of_weakness(l, set->keys[role].key, key->path);
    }
    return rv;
}

apr_status_t samlc_load_keysets(samlc_load_t *l)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1, role = 0;

    while (rv == APR_SUCCESS && (seen = samlc_load_next_below(l, "sp", &i)) != NULL) {
        samlc_keyset_t *set = NULL;

        if (!seen->is_dir) {
            continue;
        }
        set = apr_pcalloc(l->p, sizeof(*set));
        set->name = apr_pstrdup(l->p, seen->name + 3);
        set->passphrase = l->source->passphrase;
        for (role = 0; role < SAMLC_OWN_COUNT && rv == APR_SUCCESS; role++) {
            rv = read_own_key(set, l, (samlc_own_role_t)role);
        }
        if (rv == APR_SUCCESS) {
            rv = samlc_load_key_moves(set, l);
        }
        if (rv == APR_SUCCESS && set->keys[SAMLC_OWN_ACTIVE].key != NULL) {
            apr_hash_set(l->snapshot->keysets, set->name, APR_HASH_KEY_STRING, set);
        }
        else if (rv == APR_SUCCESS
                 && (set->keys[SAMLC_OWN_NEXT].key != NULL
                     || set->keys[SAMLC_OWN_RETIRING].key != NULL)) {
            rv = samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                   "%s has keys, but no active.key", seen->path);
        }
    }
    return rv;
}
