/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scopes: what metadata declares, what is covered by it, and what becomes of the values that are
 * not.
 */
#include "core/trust/scope.h"

#include <apr_strings.h>

#include "core/xml/xml.h"
#include "test.h"
#include "world.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SCOPE(text) "<shibmd:Scope regexp=\"false\">" text "</shibmd:Scope>"
#define REGEXP(text) "<shibmd:Scope regexp=\"true\">" text "</shibmd:Scope>"
#define EXTENSIONS(content) "<md:Extensions>" content "</md:Extensions>"

static apr_pool_t *p;
static samlc_result_t *res;

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

/* --- what is covered ------------------------------------------------------------------------ */

static const struct {
    const char *scope;
    int is_regexp;
    const char *value;
    int is_covered;
} values[] = {
    { "example.org", 0, "alice@example.org", 1 },
    { "example.org", 0, "@example.org", 1 },
    { "example.org", 0, "alice@evil.org@example.org", 1 },
    { "example.org", 0, "alice@example.org@evil.org", 0 },
    { "example.org", 0, "alice@Example.org", 0 },
    { "example.org", 0, "alice@sub.example.org", 0 },
    { "example.org", 0, "alice@example.org.evil.org", 0 },
    { "example.org", 0, "alice@example.orgx", 0 },
    { "example.org", 0, "alice@xexample.org", 0 },
    { "example.org", 0, "alice@exampleXorg", 0 },
    { "example.org", 0, "alice@example.org ", 0 },
    { "example.org", 0, "alice@ example.org", 0 },
    { "example.org", 0, "alice@example.org\n", 0 },
    { "example.org", 0, "alice@example.org@", 0 },
    { "example.org", 0, "alice@", 0 },
    { "example.org", 0, "example.org", 0 },
    { "example.org", 0, "", 0 },
    { "^(.+\\.)?example\\.org$", 0, "alice@example.org", 0 },
    { ".*", 0, "alice@example.org", 0 },

    { "^(.+\\.)?example\\.org$", 1, "alice@example.org", 1 },
    { "^(.+\\.)?example\\.org$", 1, "alice@a.b.example.org", 1 },
    { "^(.+\\.)?example\\.org$", 1, "alice@evilexample.org", 0 },
    { "^(.+\\.)?example\\.org$", 1, "alice@example.org.evil.org", 0 },
    { "^(.+\\.)?example\\.org$", 1, "alice@example-org", 0 },
    { "example\\.org", 1, "alice@example.org", 1 },
    { "example\\.org", 1, "alice@sub.example.org", 0 },      /* not anchored by whoever wrote it */
    { "example\\.org", 1, "alice@example.org.evil.org", 0 },
    { "a|example\\.org", 1, "alice@example.org", 1 },
    { "a|example\\.org", 1, "alice@a.evil.org", 0 },
    { "ex|example\\.org", 1, "alice@example.org", 1 },
    { "[a-z]+\\.org", 1, "alice@example.org", 1 },
    { "[a-z]+\\.org", 1, "alice@EXAMPLE.org", 0 },
    { ".*", 1, "alice@example.org", 1 },
    { ".*", 1, "alice@", 0 },
    { ".*", 1, "alice", 0 },
    { ".*", 1, "alice@evil.org\nexample.org", 0 },
    { "(.*\n)?example\\.org", 1, "alice@evil\nexample.org", 0 },
};

START_TEST(test_values)
{
    apr_array_header_t *scopes = apr_array_make(p, 2, sizeof(samlc_scope_t));

    ck_assert_int_eq(samlc_scope_covers(scopes, values[_i].value), 0);
    ck_assert_int_eq(samlc_scope_add(scopes, "other.example.org", 0, res, p), APR_SUCCESS);
    ck_assert_int_eq(samlc_scope_add(scopes, values[_i].scope, values[_i].is_regexp, res, p),
                     APR_SUCCESS);
    ck_assert_int_eq(samlc_scope_covers(scopes, values[_i].value), values[_i].is_covered);
    ck_assert_int_eq(samlc_scope_covers(scopes, "alice@other.example.org"), 1);
}
END_TEST

static const struct {
    const char *expression;
    int is_good;
} expressions[] = {
    { "^([a-z]+\\.)*example\\.org$", 1 },
    { "a\\\\b", 1 },
    { "(", 0 },
    { "[a", 0 },
    { "a\\", 0 },
    { "(a)\\1", 0 },
    { "(a)\\\\\\1", 0 },
    { "a{2}", 0 },
    { "((a{1,255}){1,255}){1,255}", 0 },
};

START_TEST(test_expressions)
{
    apr_array_header_t *scopes = apr_array_make(p, 1, sizeof(samlc_scope_t));
    apr_status_t rv = samlc_scope_add(scopes, expressions[_i].expression, 1, res, p);

    ck_assert_int_eq(rv == APR_SUCCESS, expressions[_i].is_good);
    ck_assert_int_eq(scopes->nelts, expressions[_i].is_good);
    if (rv != APR_SUCCESS) {
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
    }
    ck_assert_int_eq(samlc_scope_add(scopes, expressions[_i].expression, 0, res, p), APR_SUCCESS);
}
END_TEST

START_TEST(test_long_expression)
{
    apr_array_header_t *scopes = apr_array_make(p, 1, sizeof(samlc_scope_t));

    ck_assert_int_eq(samlc_scope_add(scopes, forge_repeat("a", 256, p), 1, res, p), APR_SUCCESS);
    ck_assert_int_ne(samlc_scope_add(scopes, forge_repeat("a", 257, p), 1, res, p), APR_SUCCESS);
}
END_TEST

/* --- metadata ------------------------------------------------------------------------------- */

/* An IdP with this content before its role, and within it before its key. */
static samlc_data_t metadata_of(const char *of_entity, const char *of_role)
{
    return test_data(
        apr_pstrcat(
            p,
            "<md:EntityDescriptor xmlns:md=\"" SAMLC_NS_MD "\" xmlns:ds=\"" SAMLC_NS_DS "\""
            " xmlns:shibmd=\"" SAMLC_NS_SHIBMD "\" entityID=\"" FORGE_IDP "\">",
            of_entity, "<md:IDPSSODescriptor protocolSupportEnumeration=\"" SAMLC_NS_SAMLP "\">",
            of_role, "<md:KeyDescriptor><ds:KeyInfo>", forge_x509_data(world_keys()->idp, p),
            "</ds:KeyInfo></md:KeyDescriptor></md:IDPSSODescriptor>"
            "<md:AttributeAuthorityDescriptor protocolSupportEnumeration=\"" SAMLC_NS_SAMLP
            "\">" EXTENSIONS(SCOPE("authority.example.org")) "</md:AttributeAuthorityDescriptor>"
                                                             "</md:EntityDescriptor>",
            NULL),
        "metadata.xml");
}

static const struct {
    const char *of_entity, *of_role;
    const char *scopes;      /* "/x/" for expressions; NULL: refused */
    const char *refusal;
} declared[] = {
    { "", "", "", NULL },
    { "", EXTENSIONS(""), "", NULL },
    { "", EXTENSIONS(SCOPE("a.org")), "a.org", NULL },
    { EXTENSIONS(SCOPE("a.org")), "", "a.org", NULL },
    { EXTENSIONS(SCOPE("a.org")), EXTENSIONS(SCOPE("b.org") REGEXP("c.*")), "b.org /c.*/ a.org",
      NULL },
    { "", EXTENSIONS("<shibmd:Scope>a.org</shibmd:Scope>"), "a.org", NULL },
    { "", EXTENSIONS("<shibmd:Scope regexp=\"0\">a.org</shibmd:Scope>"), "a.org", NULL },
    { "", EXTENSIONS("<shibmd:Scope regexp=\"1\">a.org</shibmd:Scope>"), "/a.org/", NULL },
    { "", EXTENSIONS(SCOPE("\n\ta.org\n")), "a.org", NULL },
    { "", EXTENSIONS(REGEXP("^([a-z]+[.])+a[.]org$")), "/^([a-z]+[.])+a[.]org$/", NULL },
    { "", EXTENSIONS(REGEXP("a+++++++++++++++++++++++++++++++++++++++++")), NULL, "that is long, counts" },
    { "", EXTENSIONS(SCOPE("a<!-- -->.org")), "a.org", NULL },
    { "", EXTENSIONS("<Scope xmlns=\"" SAMLC_NS_SHIBMD "\">a.org</Scope>"), "a.org", NULL },
    { "", EXTENSIONS("<x:Scope xmlns:x=\"urn:x\">a.org</x:Scope>"), "", NULL },
    { "", EXTENSIONS("<x:Y xmlns:x=\"urn:x\">" SCOPE("a.org") "</x:Y>"), "", NULL },
    { SCOPE("a.org"), SCOPE("a.org"), "", NULL },
    { "", EXTENSIONS(SCOPE("")), NULL, "a Scope is not one word" },
    { "", EXTENSIONS(SCOPE("a.org b.org")), NULL, "a Scope is not one word: \"a.org b.org\"" },
    { "", EXTENSIONS(SCOPE("<b/>")), NULL, "a Scope is not one word" },
    { "", EXTENSIONS(SCOPE("a.org") REGEXP("(")), NULL, "the scope \"(\" is no POSIX extended" },
    { "", EXTENSIONS("<shibmd:Scope regexp=\"yes\">a</shibmd:Scope>"), NULL,
      "regexp is neither true" },
};

START_TEST(test_metadata)
{
    samlc_data_t xml = metadata_of(declared[_i].of_entity, declared[_i].of_role);
    samlc_metadata_t *metadata = NULL;
    apr_status_t rv = samlc_metadata_parse(&metadata, &xml, NULL, res, p);
    const char *found = "";
    int i = 0;

    if (declared[_i].scopes == NULL) {
        ck_assert_int_ne(rv, APR_SUCCESS);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_msg(strncmp(res->message, "metadata.xml: ", 14) == 0
                      && strstr(res->message, declared[_i].refusal) != NULL, "%s", res->message);
        return;
    }
    ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
    for (i = 0; i < metadata->scopes->nelts; i++) {
        const samlc_scope_t *s = &APR_ARRAY_IDX(metadata->scopes, i, samlc_scope_t);
        const char *mark = s->regex == NULL ? "" : "/";

        found = apr_pstrcat(p, found, i == 0 ? "" : " ", mark, s->value, mark, NULL);
    }
    ck_assert_str_eq(found, declared[_i].scopes);
}
END_TEST

/* --- logins --------------------------------------------------------------------------------- */

#define VALUE(text) "<saml:AttributeValue>" text "</saml:AttributeValue>"
#define ATTRIBUTE(name, values) "<saml:Attribute Name=\"" name "\">" values "</saml:Attribute>"
#define EPPN "urn:oid:1.3.6.1.4.1.5923.1.1.1.6"
#define EPSA "urn:oid:1.3.6.1.4.1.5923.1.1.1.9"
#define SUBJECT_ID "urn:oasis:names:tc:SAML:attribute:subject-id"
#define PAIRWISE_ID "urn:oasis:names:tc:SAML:attribute:pairwise-id"

static const struct {
    const char *conf;
    const char *scopes;       /* of the metadata; NULL: there is no metadata */
    const char *attributes;
    const char *left;         /* NULL: refused (no-subject) */
    const char *detail;       /* of the step; NULL: not looked at */
} logins[] = {
    /* nothing declared, nothing changed */
    { "", NULL, ATTRIBUTE(EPPN, VALUE("eve@evil.org")), EPPN "=eve@evil.org", "declares no scope" },
    { "", "", ATTRIBUTE(EPPN, VALUE("eve@evil.org")), EPPN "=eve@evil.org", "declares no scope" },
    { "RemoteUser " EPPN "\n", "", ATTRIBUTE(EPPN, VALUE("eve@evil.org")), EPPN "=eve@evil.org",
      NULL },

    /* each of the usual names */
    { "", SCOPE("a.org"), ATTRIBUTE(EPPN, VALUE("alice@a.org")), EPPN "=alice@a.org",
      "every scope" },
    { "", SCOPE("a.org"), ATTRIBUTE(EPPN, VALUE("eve@evil.org")), "",
      "dropped for their scope: " EPPN " of evil.org" },
    { "", SCOPE("a.org"), ATTRIBUTE(EPSA, VALUE("member@a.org") VALUE("staff@evil.org")),
      EPSA "=member@a.org", EPSA " of evil.org" },
    { "", SCOPE("a.org"),
      ATTRIBUTE(SUBJECT_ID, VALUE("1@evil.org")) ATTRIBUTE(PAIRWISE_ID, VALUE("2@b.org")), "",
      SUBJECT_ID " of evil.org," PAIRWISE_ID " of b.org" },
    { "", SCOPE("a.org"),
      ATTRIBUTE(SUBJECT_ID, VALUE("1@a.org")) ATTRIBUTE(PAIRWISE_ID, VALUE("2@a.org")),
      SUBJECT_ID "=1@a.org " PAIRWISE_ID "=2@a.org", "every scope" },
    { "", SCOPE("a.org"),
      ATTRIBUTE("eduPersonPrincipalName", VALUE("eve@evil.org"))
          ATTRIBUTE("eduPersonScopedAffiliation", VALUE("staff@evil.org")),
      "", NULL },

    /* others are not looked at, wherever they stand */
    { "", SCOPE("a.org"),
      ATTRIBUTE("mail", VALUE("eve@evil.org")) ATTRIBUTE(EPPN, VALUE("eve@evil.org"))
          ATTRIBUTE("cn", VALUE("Eve")),
      "mail=eve@evil.org cn=Eve", NULL },
    { "", SCOPE("a.org"), ATTRIBUTE("EDUPERSONPRINCIPALNAME", VALUE("eve@evil.org")),
      "EDUPERSONPRINCIPALNAME=eve@evil.org", "every scope" },
    { "ScopedAttributes mail\n", SCOPE("a.org"),
      ATTRIBUTE("mail", VALUE("eve@evil.org")) ATTRIBUTE(EPPN, VALUE("eve@evil.org")),
      EPPN "=eve@evil.org", "mail of evil.org" },
    { "ScopedAttributes mail cn\n", SCOPE("a.org"),
      ATTRIBUTE("cn", VALUE("x@b.org")) ATTRIBUTE("mail", VALUE("x@a.org")), "mail=x@a.org",
      "cn of b.org" },

    /* tricks */
    { "", SCOPE("a.org"), ATTRIBUTE(EPPN, VALUE("alice@a.org@evil.org")), "", NULL },
    { "", SCOPE("a.org"), ATTRIBUTE(EPPN, VALUE("alice@a.<!-- -->org")), EPPN "=alice@a.org",
      NULL },
    { "", SCOPE("a.org"),
      ATTRIBUTE(EPPN, VALUE("alice@A.ORG") VALUE("alice") VALUE("alice@") VALUE("")), "",
      EPPN " of A.ORG" },
    { "", SCOPE("a.org"),
      ATTRIBUTE(EPPN, VALUE("eve@evil.org")) ATTRIBUTE(EPPN, VALUE("alice@a.org")),
      EPPN "=alice@a.org", NULL },
    { "", SCOPE("a.org"), ATTRIBUTE(EPPN, ""), EPPN, "every scope" },
    { "", SCOPE("a.org"), "", "", "every scope" },
    { "", REGEXP("(.+\\.)?a\\.org"),
      ATTRIBUTE(EPPN, VALUE("x@sub.a.org") VALUE("x@a.org.evil.org")), EPPN "=x@sub.a.org",
      EPPN " of a.org.evil.org" },
    { "", SCOPE("b.org") SCOPE("a.org"), ATTRIBUTE(EPPN, VALUE("x@a.org")), EPPN "=x@a.org", NULL },

    /* what names the user */
    { "RemoteUser " EPPN "\n", SCOPE("a.org"), ATTRIBUTE(EPPN, VALUE("alice@a.org")),
      EPPN "=alice@a.org", "every scope" },
    { "RemoteUser " EPPN "\n", SCOPE("a.org"), ATTRIBUTE(EPPN, VALUE("eve@evil.org")), NULL,
      "does not declare its scope evil.org" },
    { "RemoteUser " EPPN "\n", SCOPE("a.org"),
      ATTRIBUTE(EPPN, VALUE("alice@a.org") VALUE("eve@evil.org")), NULL,
      "does not declare its scope evil.org" },
    { "RemoteUser " EPPN "\n", SCOPE("a.org"), ATTRIBUTE(EPPN, VALUE("alice")), NULL,
      "its scope (none)" },
    { "RemoteUser mail\n", SCOPE("a.org"), ATTRIBUTE("mail", VALUE("eve@evil.org")),
      "mail=eve@evil.org", "every scope" },
    { "RemoteUser mail\nScopedAttributes mail\n", SCOPE("a.org"),
      ATTRIBUTE("mail", VALUE("eve@evil.org")), NULL, NULL },
};

static const char *attributes_of(const samlc_verdict_t *v)
{
    const apr_array_header_t *attributes = v->claims->session.attributes;
    const char *out = "";
    int i = 0, k = 0;

    for (i = 0; i < attributes->nelts; i++) {
        const samlc_attribute_t *a = &APR_ARRAY_IDX(attributes, i, samlc_attribute_t);

        out = apr_pstrcat(p, out, i == 0 ? "" : " ", a->name, NULL);
        for (k = 0; k < a->values->nelts; k++) {
            out = apr_pstrcat(p, out, k == 0 ? "=" : ",", APR_ARRAY_IDX(a->values, k, const char *),
                              NULL);
        }
    }
    return out;
}

static const char *detail_of(const samlc_verdict_t *v)
{
    int i = 0;

    for (i = 0; i < v->steps->nelts; i++) {
        const samlc_step_t *step = &APR_ARRAY_IDX(v->steps, i, samlc_step_t);

        if (strcmp(step->step, "scope") == 0) {
            return step->detail;
        }
    }
    ck_abort_msg("no step \"scope\"");
}

static void give_metadata(const world_t *w, const char *scopes)
{
    samlc_idp_t *idp = apr_hash_get(w->snapshot->by_entity, FORGE_IDP, APR_HASH_KEY_STRING);
    samlc_data_t xml = metadata_of(
        "", apr_pstrcat(p, "<md:Extensions>", scopes, "</md:Extensions>", NULL));
    samlc_metadata_t *metadata = NULL;

    ck_assert_msg(samlc_metadata_parse(&metadata, &xml, FORGE_IDP, res, p) == APR_SUCCESS, "%s",
                  res->message);
    idp->metadata = metadata;
}

START_TEST(test_logins)
{
    world_t *w = world_make(logins[_i].conf, world_keys()->idp, p);
    forge_t f = { .attributes_xml = logins[_i].attributes };
    samlc_data_t data = test_data(world_signed(&f, FORGE_ASSERTION_ID, world_keys()->idp, p),
                                  "test");
    samlc_response_t *response = NULL;
    samlc_verdict_t *v = NULL;

    if (logins[_i].scopes != NULL) {
        give_metadata(w, logins[_i].scopes);
    }
    ck_assert_int_eq(samlc_response_read(&response, &data, res, p), APR_SUCCESS);
    v = samlc_response_judge(response, &w->expected, p);
    if (logins[_i].left == NULL) {
        ck_assert_int_eq(v->outcome, SAMLC_REFUSED);
        ck_assert_int_eq(v->reason, SAMLC_REASON_NO_SUBJECT);
        ck_assert_int_eq(w->claims, 0);
    }
    else {
        ck_assert_msg(v->outcome == SAMLC_ACCEPTED, "%s", v->message);
        ck_assert_str_eq(attributes_of(v), logins[_i].left);
        ck_assert_int_eq(v->claims->dropped != NULL, strstr(detail_of(v), "dropped") != NULL);
    }
    if (logins[_i].detail != NULL) {
        ck_assert_msg(strstr(detail_of(v), logins[_i].detail) != NULL, "%s", detail_of(v));
    }
}
END_TEST

Suite *suite_scope(void)
{
    Suite *suite = suite_create("scope");
    TCase *tc = tcase_create("scope");

    tcase_add_unchecked_fixture(tc, world_make_keys_once, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_values, 0, COUNT(values));
    tcase_add_loop_test(tc, test_expressions, 0, COUNT(expressions));
    tcase_add_test(tc, test_long_expression);
    tcase_add_loop_test(tc, test_metadata, 0, COUNT(declared));
    tcase_add_loop_test(tc, test_logins, 0, COUNT(logins));
    suite_add_tcase(suite, tc);
    return suite;
}
