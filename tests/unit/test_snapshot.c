/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/snapshot.h"

#include <apr_strings.h>
#include <openssl/err.h>
#include <sys/stat.h>
#include <unistd.h>

#include "make_cert.h"
#include "test.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define ENTITY(name) "https://" name ".example.org/idp"

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_source_t source;
static apr_array_header_t *outside;      /* what the last load named */
static samlc_snapshot_t *loaded;         /* the last one */
static test_cert_t *one, *two, *root, *own;

static const char *at(const char *name)
{
    return test_path(p, source.dir, name);
}

static void put(const char *name, const char *text)
{
    test_write(at(name), text);
}

/* A trust directory with two IdPs, roots and a key set. */
static const char *make_tree(void)
{
    static const char *const dirs[] = { "idp", "idp/one", "idp/one/roots", "idp/one/intermediates",
                                        "idp/two", "roots", "intermediates", "crls", "sp",
                                        "sp/default" };
    int i = 0;

    source.dir = test_dir(p);
    for (i = 0; i < COUNT(dirs); i++) {
        ck_assert_int_eq(mkdir(at(dirs[i]), 0755), 0);
    }
    put("idp/one/idp.conf", "EntityID " ENTITY("one") "\n");
    put("idp/one/primary.pem", one->pem);
    put("idp/one/roots/root.pem", root->pem);
    put("idp/two/idp.conf", "EntityID " ENTITY("two") "\n");
    put("idp/two/primary.pem", two->pem);
    put("roots/root.pem", root->pem);
    put("sp/default/active.key", own->key_pem);
    put("sp/default/active.crt", own->pem);
    return source.dir;
}

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    memset(&source, 0, sizeof(source));
    outside = NULL;
    loaded = NULL;
    one = test_cert_make(&(test_cert_spec_t){ .cn = "one", .key_type = "EC" }, p);
    two = test_cert_make(&(test_cert_spec_t){ .cn = "two", .key_type = "EC" }, p);
    own = test_cert_make(&(test_cert_spec_t){ .cn = "own", .key_type = "EC" }, p);
    root = test_cert_make(&(test_cert_spec_t){ .cn = "root", .key_type = "EC", .is_ca = 1 }, p);
    make_tree();
}

static void drop(void)
{
    if (loaded != NULL) {
        samlc_snapshot_destroy(loaded);
        loaded = NULL;
    }
}

static void teardown(void)
{
    drop();
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static apr_status_t load(void)
{
    apr_array_header_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;

    drop();
    rv = samlc_snapshot_load(&loaded, &source, outside, &seen, TEST_NOW, res, p);
    ck_assert_ptr_nonnull(seen);
    outside = seen;
    ck_assert_int_eq(rv == APR_SUCCESS, loaded != NULL);
    return rv;
}

static void loads(void)
{
    ck_assert_msg(load() == APR_SUCCESS, "%s", res->message);
}

static void fails(samlc_reason_t reason, const char *mention)
{
    ck_assert(load() != APR_SUCCESS);
    ck_assert_msg(res->reason == reason, "%s: %s", samlc_reason_word(res->reason), res->message);
    ck_assert_msg(strstr(res->message, mention) != NULL, "no %s in: %s", mention, res->message);
}

static const samlc_idp_t *idp(const char *name)
{
    const samlc_idp_t *found = samlc_snapshot_idp_by_name(loaded, name);

    ck_assert_msg(found != NULL, "no IdP %s", name);
    return found;
}

static const char *digest(void)
{
    loads();
    return apr_pstrdup(p, loaded->digest_hex);
}

/* --- a good one ----------------------------------------------------------------------------- */

START_TEST(test_good)
{
    const samlc_trust_entry_t *entry = NULL;
    const samlc_keyset_t *set = NULL;

    loads();
    ck_assert_int_eq(loaded->idps->nelts, 2);
    ck_assert_str_eq(APR_ARRAY_IDX(loaded->idps, 0, samlc_idp_t *)->name, "one");
    ck_assert_str_eq(APR_ARRAY_IDX(loaded->idps, 1, samlc_idp_t *)->name, "two");
    ck_assert_ptr_eq(samlc_snapshot_idp_by_entity(loaded, ENTITY("two")), idp("two"));
    ck_assert_ptr_null(samlc_snapshot_idp_by_entity(loaded, "two"));
    ck_assert_ptr_null(samlc_snapshot_idp_by_name(loaded, ENTITY("two")));
    ck_assert_int_eq(idp("one")->trust->entries->nelts, 1);
    entry = &APR_ARRAY_IDX(idp("one")->trust->entries, 0, samlc_trust_entry_t);
    ck_assert_int_eq(entry->slot, SAMLC_SLOT_PRIMARY);
    ck_assert_str_eq(entry->origin, at("idp/one/primary.pem"));
    set = samlc_snapshot_keyset(loaded, "default");
    ck_assert_ptr_nonnull(set);
    ck_assert_ptr_nonnull(set->keys[SAMLC_OWN_ACTIVE].key);
    ck_assert_ptr_null(set->keys[SAMLC_OWN_NEXT].key);
    ck_assert_ptr_null(samlc_snapshot_keyset(loaded, "other"));
    ck_assert_int_eq(loaded->warnings->nelts, 0);
    ck_assert_int_eq(loaded->outside->nelts, 0);
    ck_assert_uint_eq(loaded->number, 0);
    ck_assert_int_eq(loaded->loaded_at, TEST_NOW);
    ck_assert_uint_eq(strlen(loaded->digest_hex), 64);
}
END_TEST

START_TEST(test_empty)
{
    source.dir = test_dir(p);
    loads();
    ck_assert_int_eq(loaded->idps->nelts, 0);
}
END_TEST

static const struct {
    const char *file;
    samlc_trust_slot_t slot;
} slot_files[] = {
    { "primary.pem", SAMLC_SLOT_PRIMARY },     { "staged.pem", SAMLC_SLOT_STAGED },
    { "alternate.pem", SAMLC_SLOT_ALTERNATE }, { "alternate-2027.pem", SAMLC_SLOT_ALTERNATE },
    { "retired.pem", SAMLC_SLOT_RETIRED },     { "retired-2025.pem", SAMLC_SLOT_RETIRED },
    { "other.pem", SAMLC_SLOT_NONE },          { "primary.pem.bak", SAMLC_SLOT_NONE },
    { ".primary.pem", SAMLC_SLOT_NONE },       { "primary.pem~", SAMLC_SLOT_NONE },
    { "alternated.pem", SAMLC_SLOT_NONE },     { "PRIMARY.pem", SAMLC_SLOT_NONE },
};

START_TEST(test_slot_files)
{
    const apr_array_header_t *entries = NULL;

    ck_assert_int_eq(unlink(at("idp/one/primary.pem")), 0);
    put(apr_pstrcat(p, "idp/one/", slot_files[_i].file, NULL), one->pem);
    loads();
    entries = idp("one")->trust->entries;
    ck_assert_int_eq(entries->nelts, slot_files[_i].slot != SAMLC_SLOT_NONE);
    if (entries->nelts == 1) {
        ck_assert_int_eq(APR_ARRAY_IDX(entries, 0, samlc_trust_entry_t).slot, slot_files[_i].slot);
    }
    else {
        ck_assert_int_eq(loaded->warnings->nelts, 1);   /* nothing is trusted */
    }
}
END_TEST

/* Several in one file, and primary before all others. */
START_TEST(test_slot_order)
{
    const apr_array_header_t *entries = NULL;

    put("idp/one/alternate.pem", apr_pstrcat(p, two->pem, root->pem, NULL));
    loads();
    entries = idp("one")->trust->entries;
    ck_assert_int_eq(entries->nelts, 3);
    ck_assert_int_eq(APR_ARRAY_IDX(entries, 0, samlc_trust_entry_t).slot, SAMLC_SLOT_PRIMARY);
    ck_assert_int_eq(APR_ARRAY_IDX(entries, 2, samlc_trust_entry_t).slot, SAMLC_SLOT_ALTERNATE);
}
END_TEST

/* Roots of one IdP are not those of another. */
START_TEST(test_roots)
{
    const test_cert_t *leaf = test_cert_make(&(test_cert_spec_t){ .cn = "leaf", .key_type = "EC",
                                                                  .issuer = root }, p);

    put("idp/one/primary.pem", leaf->pem);
    put("idp/two/primary.pem", leaf->pem);
    put("idp/one/idp.conf", "EntityID " ENTITY("one") "\nValidateChain on\n");
    put("idp/two/idp.conf", "EntityID " ENTITY("two") "\nValidateChain on\n");
    loads();
    ck_assert_int_eq(loaded->warnings->nelts, 0);
    ck_assert_int_eq(unlink(at("roots/root.pem")), 0);
    loads();
    ck_assert_int_eq(loaded->warnings->nelts, 1);
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(loaded->warnings, 0, const char *), "IdP two"));
}
END_TEST

/* --- broken ones ---------------------------------------------------------------------------- */

#define HALF "-----BEGIN CERTIFICATE-----\nMIIB"

/* A file that breaks the tree; without it, it loads. */
static const struct {
    const char *file;
    const char *text;
    samlc_reason_t reason;
    const char *mention;
} broken[] = {
    { "idp/one/alternate.pem", HALF, SAMLC_REASON_CONFIG_INVALID, "idp/one/alternate.pem" },
    { "idp/one/staged.pem", "", SAMLC_REASON_CONFIG_INVALID, "idp/one/staged.pem" },
    { "idp/one/retired-1.pem", "text", SAMLC_REASON_CONFIG_INVALID, "idp/one/retired-1.pem" },
    { "idp/one/metadata.xml", "<a/>", SAMLC_REASON_CONFIG_INVALID, "idp/one/metadata.xml" },
    { "idp/one/metadata.xml", "", SAMLC_REASON_CONFIG_INVALID, "idp/one/metadata.xml" },
    { "idp/one/roots/a.pem", HALF, SAMLC_REASON_CONFIG_INVALID, "idp/one/roots/a.pem" },
    { "idp/one/intermediates/a.crt", "x", SAMLC_REASON_CONFIG_INVALID,
      "idp/one/intermediates/a.crt" },
    { "roots/README", "text", SAMLC_REASON_CONFIG_INVALID, "roots/README" },
    { "intermediates/a.pem", HALF, SAMLC_REASON_CONFIG_INVALID, "intermediates/a.pem" },
    { "crls/a.crl", "x", SAMLC_REASON_CONFIG_INVALID, "crls/a.crl" },
    { "sp/default/next.crt", HALF, SAMLC_REASON_CONFIG_INVALID, "sp/default/next.crt" },
    { "sp/default/retiring.key", HALF, SAMLC_REASON_CONFIG_INVALID, "sp/default/retiring.key" },
};

START_TEST(test_broken)
{
    const char *before = digest();

    put(broken[_i].file, broken[_i].text);
    fails(broken[_i].reason, broken[_i].mention);
    ck_assert_int_eq(unlink(at(broken[_i].file)), 0);
    ck_assert_str_eq(digest(), before);
}
END_TEST

static const struct {
    const char *line;
    samlc_reason_t reason;
    const char *mention;
} bad_lines[] = {
    { "Nonsense x", SAMLC_REASON_CONFIG_INVALID, "idp.conf:2" },
    { "ClockSkew x", SAMLC_REASON_CONFIG_INVALID, "idp.conf:2" },
    { "EntityID https://x/", SAMLC_REASON_CONFIG_INVALID, "idp.conf:2" },
    { "SignCerts 00", SAMLC_REASON_CONFIG_INVALID, "idp.conf:2" },
    { "SignCerts @missing.txt", SAMLC_REASON_FILE_UNREADABLE, "idp/one/missing.txt" },
    { "SignCerts @/nonexistent/list", SAMLC_REASON_FILE_UNREADABLE, "/nonexistent/list" },
    { "Metadata missing.xml", SAMLC_REASON_FILE_UNREADABLE, "idp/one/missing.xml" },
    { "UserFilter (", SAMLC_REASON_CONFIG_INVALID, "UserFilter" },
};

START_TEST(test_bad_lines)
{
    put("idp/one/idp.conf", apr_pstrcat(p, "EntityID " ENTITY("one") "\n", bad_lines[_i].line, "\n",
                                        NULL));
    fails(bad_lines[_i].reason, bad_lines[_i].mention);
    put("idp/one/idp.conf", "EntityID " ENTITY("one") "\n");
    loads();
}
END_TEST

START_TEST(test_same_entity)
{
    put("idp/two/idp.conf", "EntityID " ENTITY("one") "\n");
    fails(SAMLC_REASON_CONFIG_INVALID, "the same entity ID " ENTITY("one"));
}
END_TEST

START_TEST(test_no_entity)
{
    ck_assert_int_eq(unlink(at("idp/two/idp.conf")), 0);
    fails(SAMLC_REASON_CONFIG_INVALID, "IdP two");
}
END_TEST

/* An empty directory is skipped; one with a certificate, and nothing else, is not. */
START_TEST(test_empty_directory)
{
    ck_assert_int_eq(mkdir(at("idp/three"), 0755), 0);
    ck_assert_int_eq(mkdir(at("idp/three/roots"), 0755), 0);
    loads();
    ck_assert_ptr_nonnull(samlc_snapshot_idp_by_entity(loaded, ENTITY("one")));
    ck_assert_int_eq(loaded->warnings->nelts, 1);
    ck_assert_ptr_nonnull(strstr(APR_ARRAY_IDX(loaded->warnings, 0, const char *),
                                 "idp/three has no settings yet: skipped"));
    put("idp/three/primary.pem", one->pem);
    fails(SAMLC_REASON_CONFIG_INVALID, "IdP three");
    put("idp/three/idp.conf", "EntityID " ENTITY("three") "\n");
    loads();
    ck_assert_int_eq(loaded->warnings->nelts, 0);
}
END_TEST

START_TEST(test_private_key_in_slot)
{
    put("idp/one/alternate.pem", one->key_pem);
    fails(SAMLC_REASON_CONFIG_INVALID, "idp/one/alternate.pem");
}
END_TEST

START_TEST(test_no_directory)
{
    source.dir = "/nonexistent";
    fails(SAMLC_REASON_FILE_UNREADABLE, "/nonexistent");
}
END_TEST

/* --- our own keys --------------------------------------------------------------------------- */

START_TEST(test_own_pairs)
{
    put("sp/default/next.key", two->key_pem);
    fails(SAMLC_REASON_CONFIG_INVALID, "next.key has no certificate");
    put("sp/default/next.crt", one->pem);
    fails(SAMLC_REASON_CONFIG_INVALID, "next.crt");   /* not this key's */
    put("sp/default/next.crt", two->pem);
    loads();
    ck_assert_ptr_nonnull(samlc_snapshot_keyset(loaded, "default")->keys[SAMLC_OWN_NEXT].key);
    ck_assert_int_eq(unlink(at("sp/default/next.key")), 0);
    fails(SAMLC_REASON_CONFIG_INVALID, "next.crt has no key");
}
END_TEST

START_TEST(test_own_without_active)
{
    ck_assert_int_eq(mkdir(at("sp/more"), 0755), 0);
    loads();
    ck_assert_ptr_null(samlc_snapshot_keyset(loaded, "more"));   /* empty: none */
    put("sp/more/next.key", own->key_pem);
    put("sp/more/next.crt", own->pem);
    fails(SAMLC_REASON_CONFIG_INVALID, "no active.key");
    put("sp/more/active.key", own->key_pem);
    put("sp/more/active.crt", own->pem);
    loads();
    ck_assert_ptr_nonnull(samlc_snapshot_keyset(loaded, "more"));
}
END_TEST

/* --- sections of httpd's configuration -------------------------------------------------------- */

static void add_line(samlc_section_t *section, const char *name, const char *value)
{
    samlc_section_line_t *line = apr_array_push(section->lines);

    *line = (samlc_section_line_t){ name, value, "httpd.conf:8" };
}

static samlc_section_t *add_section(const char *name)
{
    apr_array_header_t *sections = apr_array_make(p, 1, sizeof(samlc_section_t));
    samlc_section_t *section = apr_array_push(sections);

    *section = (samlc_section_t){ name, "httpd.conf:7",
                                  apr_array_make(p, 2, sizeof(samlc_section_line_t)) };
    source.sections = sections;
    return section;
}

START_TEST(test_section)
{
    samlc_section_t *section = add_section("three");

    add_line(section, "EntityID", ENTITY("three"));
    loads();
    ck_assert_int_eq(loaded->idps->nelts, 3);
    ck_assert_str_eq(idp("three")->entity_id, ENTITY("three"));
    add_line(section, "Nonsense", "x");
    fails(SAMLC_REASON_CONFIG_INVALID, "httpd.conf:8");
}
END_TEST

/* Settings from httpd, certificates from the directory; but not settings from both. */
START_TEST(test_section_with_directory)
{
    samlc_section_t *section = add_section("one");

    add_line(section, "EntityID", ENTITY("section"));
    fails(SAMLC_REASON_CONFIG_INVALID, "httpd.conf:7");
    ck_assert_int_eq(unlink(at("idp/one/idp.conf")), 0);
    loads();
    ck_assert_int_eq(loaded->idps->nelts, 2);
    ck_assert_str_eq(idp("one")->entity_id, ENTITY("section"));
    ck_assert_int_eq(idp("one")->trust->entries->nelts, 1);
}
END_TEST

/* --- files that settings name ----------------------------------------------------------------- */

/* An outside file is named, read, watched and digested, wherever it is. */
START_TEST(test_outside)
{
    const char *list = test_path(p, test_dir(p), "list.txt");
    const char *first = NULL;
    const samlc_seen_t *last = NULL;

    put("idp/one/idp.conf",
        apr_pstrcat(p, "EntityID " ENTITY("one") "\nSignCerts @", list, "\n", NULL));
    fails(SAMLC_REASON_FILE_UNREADABLE, list);
    ck_assert_int_eq(outside->nelts, 1); /* told although the load failed: its coming is a change */
    ck_assert_str_eq(APR_ARRAY_IDX(outside, 0, const char *), list);
    test_write(list, "CERT_VALIDATION:IGNORE_TRUST # nothing yet\n");
    fails(SAMLC_REASON_CONFIG_INVALID, list);
    test_write(list, apr_pstrcat(p, "CERT_VALIDATION:IGNORE_TRUST\n",
                                 "aa112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                                 NULL));
    first = digest();
    ck_assert_int_eq(idp("one")->trust->list->pins->nelts, 1);
    ck_assert_int_eq(loaded->outside->nelts, 1);
    last = &APR_ARRAY_IDX(idp("one")->watch, idp("one")->watch->nelts - 1, samlc_seen_t);
    ck_assert_str_eq(last->path, list);
    test_write(list, apr_pstrcat(p, "CERT_VALIDATION:IGNORE_TRUST\n",
                                 "bb112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
                                 NULL));
    ck_assert_str_ne(digest(), first);
}
END_TEST

/* The same whether or not the file was known from an earlier load. */
START_TEST(test_outside_first_time)
{
    const char *first = NULL;

    put("idp/one/pins.txt", "aa112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    put("idp/one/idp.conf", "EntityID " ENTITY("one") "\nSignCerts @pins.txt\n");
    first = digest();
    ck_assert_int_eq(outside->nelts, 1);
    ck_assert_str_eq(digest(), first);
    put("idp/one/idp.conf", "EntityID " ENTITY("one") "\n");
    loads();
    ck_assert_int_eq(outside->nelts, 0);
}
END_TEST

/* --- the digest ----------------------------------------------------------------------------- */

START_TEST(test_equal_contents)
{
    const char *first = digest();

    make_tree();
    ck_assert_str_eq(digest(), first);
    put("README", "not a name that means anything");
    ck_assert_str_eq(digest(), first);
}
END_TEST

/* Names and contents count, and what stands in httpd's configuration. */
START_TEST(test_digest_changes)
{
    const char *seen[8];
    samlc_section_t *section = NULL;
    int i = 0, k = 0;

    seen[0] = digest();
    put("idp/one/idp.conf", "EntityID " ENTITY("one") "\n\n");
    seen[1] = digest();
    ck_assert_int_eq(rename(at("idp/one/primary.pem"), at("idp/one/alternate.pem")), 0);
    seen[2] = digest();
    ck_assert_int_eq(rename(at("idp/one/alternate.pem"), at("idp/one/alternate-1.pem")), 0);
    seen[3] = digest();
    ck_assert_int_eq(rename(at("idp/one"), at("idp/uno")), 0);
    seen[4] = digest();
    ck_assert_int_eq(unlink(at("roots/root.pem")), 0);
    seen[5] = digest();
    section = add_section("three");
    add_line(section, "EntityID", ENTITY("three"));
    seen[6] = digest();
    APR_ARRAY_IDX(section->lines, 0, samlc_section_line_t).value = ENTITY("drei");
    seen[7] = digest();
    for (i = 0; i < COUNT(seen); i++) {
        for (k = 0; k < i; k++) {
            ck_assert_str_ne(seen[i], seen[k]);
        }
    }
}
END_TEST

/* --- what a login looks at -------------------------------------------------------------------- */

static int is_watched(const samlc_idp_t *of, const char *name)
{
    int i = 0;

    for (i = 0; i < of->watch->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(of->watch, i, samlc_seen_t).name, name) == 0) {
            return 1;
        }
    }
    return 0;
}

START_TEST(test_watch)
{
    static const char *const watched[] = { "idp/one", "idp/one/primary.pem", "idp/one/idp.conf",
                                           "idp/one/roots", "idp/one/roots/root.pem", "roots",
                                           "roots/root.pem", "intermediates", "crls",
                                           "sp/default", "sp/default/active.key" };
    static const char *const others[] = { "idp/two", "idp/two/primary.pem" };
    int i = 0;

    loads();
    for (i = 0; i < COUNT(watched); i++) {
        ck_assert_msg(is_watched(idp("one"), watched[i]), "%s", watched[i]);
    }
    for (i = 0; i < COUNT(others); i++) {
        ck_assert_msg(!is_watched(idp("one"), others[i]), "%s", others[i]);
    }
}
END_TEST

Suite *suite_snapshot(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tc = tcase_create("snapshot");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_good);
    tcase_add_test(tc, test_empty);
    tcase_add_loop_test(tc, test_slot_files, 0, COUNT(slot_files));
    tcase_add_test(tc, test_slot_order);
    tcase_add_test(tc, test_roots);
    tcase_add_loop_test(tc, test_broken, 0, COUNT(broken));
    tcase_add_loop_test(tc, test_bad_lines, 0, COUNT(bad_lines));
    tcase_add_test(tc, test_same_entity);
    tcase_add_test(tc, test_no_entity);
    tcase_add_test(tc, test_empty_directory);
    tcase_add_test(tc, test_private_key_in_slot);
    tcase_add_test(tc, test_no_directory);
    tcase_add_test(tc, test_own_pairs);
    tcase_add_test(tc, test_own_without_active);
    tcase_add_test(tc, test_section);
    tcase_add_test(tc, test_section_with_directory);
    tcase_add_test(tc, test_outside);
    tcase_add_test(tc, test_outside_first_time);
    tcase_add_test(tc, test_equal_contents);
    tcase_add_test(tc, test_digest_changes);
    tcase_add_test(tc, test_watch);
    suite_add_tcase(suite, tc);
    return suite;
}
