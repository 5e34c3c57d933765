/* SPDX-License-Identifier: Apache-2.0 */
#include "moves_tree.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <sys/stat.h>
#include <utime.h>

#include "test.h"

moves_tree_t tree;

const char *tree_at(const char *name)
{
    return test_path(tree.p, tree.source.dir, name);
}

void tree_put(const char *name, const char *text)
{
    struct utimbuf times;

    times.actime = times.modtime = (time_t)apr_time_sec(TEST_NOT_BEFORE);
    test_write(tree_at(name), text);
    ck_assert_int_eq(utime(tree_at(name), &times), 0);
}

void tree_configure(const char *lines)
{
    tree_put("idp/one/idp.conf", apr_pstrcat(tree.p, CONF, lines, NULL));
}

void tree_make(void)
{
    static const char *const dirs[] = { "idp", "idp/one", "sp", "sp/default" };
    int i = 0;

    tree.source.dir = test_dir(tree.p);
    for (i = 0; i < COUNT(dirs); i++) {
        ck_assert_int_eq(mkdir(tree_at(dirs[i]), 0755), 0);
    }
    tree_configure("");
    tree_put("idp/one/primary.pem", tree.old_cert->pem);
    tree_put("idp/one/staged.pem", tree.new_cert->pem);
    tree_put("idp/one/alternate-x.pem", tree.third_cert->pem);
    tree_put("sp/default/active.key", tree.old_cert->key_pem);
    tree_put("sp/default/active.crt", tree.old_cert->pem);
}

void tree_setup(void)
{
    tree.p = test_pool();
    tree.res = samlc_result_make(tree.p);
    memset(&tree.source, 0, sizeof(tree.source));
    tree.loaded = NULL;
    tree.old_cert = test_cert_make(&(test_cert_spec_t){ .cn = "old", .key_type = "EC" }, tree.p);
    tree.new_cert = test_cert_make(&(test_cert_spec_t){ .cn = "new", .key_type = "EC" }, tree.p);
    tree.third_cert = test_cert_make(&(test_cert_spec_t){ .cn = "third", .key_type = "EC" },
                                     tree.p);
    tree_make();
}

void tree_drop(void)
{
    if (tree.loaded != NULL) {
        samlc_snapshot_destroy(tree.loaded);
        tree.loaded = NULL;
    }
}

void tree_teardown(void)
{
    tree_drop();
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(tree.p);
}

apr_status_t tree_load(apr_time_t now)
{
    tree_drop();
    return samlc_snapshot_load(&tree.loaded, &tree.source, NULL, NULL, now, tree.res, tree.p);
}

void tree_loads(apr_time_t now)
{
    ck_assert_msg(tree_load(now) == APR_SUCCESS, "%s", tree.res->message);
}

const char *tree_digest_at(apr_time_t now)
{
    tree_loads(now);
    return apr_pstrdup(tree.p, tree.loaded->digest_hex);
}

const samlc_idp_t *tree_idp(void)
{
    const samlc_idp_t *idp = samlc_snapshot_idp_by_entity(tree.loaded, "https://idp.example/one");

    ck_assert_ptr_nonnull(idp);
    return idp;
}

const samlc_trust_entry_t *tree_entry(int i)
{
    return &APR_ARRAY_IDX(tree_idp()->trust->entries, i, samlc_trust_entry_t);
}

const char *tree_name_of(const samlc_cert_t *cert)
{
    return samlc_cert_subject(cert) + strlen("CN=");
}

const char *tree_slots(void)
{
    const char *text = "";
    int i = 0;

    for (i = 0; i < tree_idp()->trust->entries->nelts; i++) {
        text = apr_pstrcat(tree.p, text, i > 0 ? " " : "", tree_name_of(tree_entry(i)->cert), "=",
                           samlc_trust_slot_word(tree_entry(i)->slot), NULL);
    }
    return text;
}

const char *tree_roles(void)
{
    const samlc_keyset_t *set = samlc_snapshot_keyset(tree.loaded, "default");
    const char *text = "";
    int role = 0;

    ck_assert_ptr_nonnull(set);
    for (role = 0; role < SAMLC_OWN_COUNT; role++) {
        if (set->keys[role].cert != NULL) {
            text = apr_pstrcat(tree.p, text, *text != '\0' ? " " : "",
                               tree_name_of(set->keys[role].cert), "=",
                               samlc_own_role_word((samlc_own_role_t)role), NULL);
        }
        ck_assert_int_eq(set->keys[role].cert != NULL, set->keys[role].key != NULL);
    }
    return text;
}

int tree_count_warnings(const char *part)
{
    int count = 0, i = 0;

    for (i = 0; i < tree.loaded->warnings->nelts; i++) {
        count += strstr(APR_ARRAY_IDX(tree.loaded->warnings, i, const char *), part) != NULL;
    }
    return count;
}

samlc_reason_t tree_judge(const test_cert_t *made, apr_time_t now)
{
    samlc_cert_t *cert = NULL;
    samlc_candidate_t candidate = { NULL, NULL, NULL, 1, NULL };

    ck_assert_int_eq(samlc_cert_parse_der(&cert, &made->der, tree.res, tree.p), APR_SUCCESS);
    candidate.cert = cert;
    candidate.key = samlc_cert_key(cert);
    return samlc_trust_judge(tree_idp()->trust, &candidate, now, tree.p).reason;
}
