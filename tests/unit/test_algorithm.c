/* SPDX-License-Identifier: Apache-2.0 */
#include "core/xml/algorithm.h"

#include "samlcert_config.h"
#include "test.h"

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

#ifdef SAMLC_HAVE_RSA_PSS
#define PSS " rsa-pss-sha256 rsa-pss-sha384 rsa-pss-sha512"
#else
#define PSS ""
#endif
#define RSA_ECDSA "rsa-sha256 rsa-sha384 rsa-sha512 ecdsa-sha256 ecdsa-sha384 ecdsa-sha512"

static const char *const defaults[SAMLC_ALGORITHM_KINDS] = {
    RSA_ECDSA PSS,
    "sha256 sha384 sha512",
    "exc-c14n exc-c14n-with-comments c14n",
    "rsa-oaep-mgf1p rsa-oaep",
    "aes128-gcm aes192-gcm aes256-gcm",
};

START_TEST(test_defaults)
{
    samlc_algorithm_kind_t kind = (samlc_algorithm_kind_t)_i;
    samlc_algorithms_t set = samlc_algorithms_default(kind);

    ck_assert_str_eq(samlc_algorithms_show(set, kind, p), defaults[kind]);
}
END_TEST

/* Each row is found by its URI under its own kind and no other, and what is not default is warned
 * of, but for canonicalisations that are merely rare. */
START_TEST(test_rows)
{
    samlc_algorithm_kind_t kind = (samlc_algorithm_kind_t)_i;
    samlc_algorithms_t set = samlc_algorithms_default(kind);
    const samlc_algorithm_t *row = NULL;
    int index;
    int other;

    for (index = 0; (row = samlc_algorithm_at(kind, index)) != NULL; index++) {
        for (other = 0; other < SAMLC_ALGORITHM_KINDS; other++) {
            ck_assert_ptr_eq(samlc_algorithm_find((samlc_algorithm_kind_t)other, row->uri),
                             other == _i ? row : NULL);
        }
        ck_assert_int_eq(samlc_algorithms_has(set, row), row->is_default);
        ck_assert_int_eq(!row->is_default && kind != SAMLC_ALGORITHM_C14N,
                         row->warning != NULL);
        ck_assert_int_eq(samlc_algorithms_has(0, row), 0);
    }
    ck_assert_int_ge(index, 3);
}
END_TEST

START_TEST(test_sets_of_two_kinds_are_disjoint)
{
    ck_assert_uint_eq(samlc_algorithms_default(SAMLC_ALGORITHM_SIGNATURE)
                      & samlc_algorithms_default(SAMLC_ALGORITHM_DIGEST), 0);
    ck_assert_int_eq(samlc_algorithms_has(~(samlc_algorithms_t)0, NULL), 0);
    ck_assert_ptr_null(samlc_algorithm_find(SAMLC_ALGORITHM_DIGEST, NULL));
    ck_assert_ptr_null(samlc_algorithm_find(SAMLC_ALGORITHM_DIGEST, ""));
    ck_assert_ptr_null(samlc_algorithm_at(SAMLC_ALGORITHM_DIGEST, -1));
}
END_TEST

/* URIs as the standards print them, so that a slip in the table shows. */
static const struct {
    samlc_algorithm_kind_t kind;
    const char *uri;
    const char *name;   /* NULL: never allowed */
} uris[] = {
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "rsa-sha256"},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512",
     "ecdsa-sha512"},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", "rsa-sha1"},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1", "ecdsa-sha1"},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2000/09/xmldsig#hmac-sha1", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2000/09/xmldsig#dsa-sha1", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256 ", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "HTTP://www.w3.org/2001/04/xmldsig-more#rsa-sha256", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha256", NULL},
    {SAMLC_ALGORITHM_DIGEST, "http://www.w3.org/2001/04/xmlenc#sha256", "sha256"},
    {SAMLC_ALGORITHM_DIGEST, "http://www.w3.org/2001/04/xmldsig-more#sha384", "sha384"},
    {SAMLC_ALGORITHM_DIGEST, "http://www.w3.org/2000/09/xmldsig#sha1", "sha1"},
    {SAMLC_ALGORITHM_DIGEST, "http://www.w3.org/2001/04/xmldsig-more#md5", NULL},
    {SAMLC_ALGORITHM_C14N, "http://www.w3.org/2001/10/xml-exc-c14n#", "exc-c14n"},
    {SAMLC_ALGORITHM_C14N, "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
     "exc-c14n-with-comments"},
    {SAMLC_ALGORITHM_C14N, "http://www.w3.org/2001/10/xml-exc-c14n#Comments", NULL},
    {SAMLC_ALGORITHM_C14N, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "c14n"},
    {SAMLC_ALGORITHM_C14N, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315#WithComments",
     "c14n-with-comments"},
    {SAMLC_ALGORITHM_C14N, "http://www.w3.org/2006/12/xml-c14n11", "c14n11"},
    {SAMLC_ALGORITHM_C14N, "http://www.w3.org/2006/12/xml-c14n11#WithComments",
     "c14n11-with-comments"},
    {SAMLC_ALGORITHM_KEY_TRANSPORT, "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
     "rsa-oaep-mgf1p"},
    {SAMLC_ALGORITHM_KEY_TRANSPORT, "http://www.w3.org/2009/xmlenc11#rsa-oaep", "rsa-oaep"},
    {SAMLC_ALGORITHM_KEY_TRANSPORT, "http://www.w3.org/2001/04/xmlenc#rsa-1_5", "rsa-1_5"},
    {SAMLC_ALGORITHM_KEY_TRANSPORT, "http://www.w3.org/2001/04/xmlenc#kw-aes128", NULL},
    {SAMLC_ALGORITHM_ENCRYPTION, "http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes256-gcm"},
    {SAMLC_ALGORITHM_ENCRYPTION, "http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
     "tripledes-cbc"},
    {SAMLC_ALGORITHM_ENCRYPTION, "http://www.w3.org/2001/04/xmlenc#aes256-gcm", NULL},
};

START_TEST(test_uris)
{
    const samlc_algorithm_t *found = samlc_algorithm_find(uris[_i].kind, uris[_i].uri);

    if (uris[_i].name) {
        ck_assert_ptr_nonnull(found);
        ck_assert_str_eq(found->name, uris[_i].name);
    }
    else {
        ck_assert_ptr_null(found);
    }
}
END_TEST

static const struct {
    samlc_algorithm_kind_t kind;
    const char *list;
    const char *set;       /* NULL: refused */
    const char *message;   /* part of the sentence then */
} lists[] = {
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha256", "rsa-sha256", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "  RSA-SHA512\trsa-sha256 ", "rsa-sha256 rsa-sha512", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "rsa-sha256",
     NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "+rsa-sha1", RSA_ECDSA PSS " rsa-sha1", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "-ecdsa-sha256 -ecdsa-sha384 -ecdsa-sha512 -rsa-sha512 -rsa-sha1",
     "rsa-sha256 rsa-sha384" PSS, NULL},
    {SAMLC_ALGORITHM_DIGEST, "+http://www.w3.org/2000/09/xmldsig#sha1 -sha512",
     "sha256 sha384 sha1", NULL},
    {SAMLC_ALGORITHM_C14N, "+c14n11", "exc-c14n exc-c14n-with-comments c14n c14n11", NULL},
    {SAMLC_ALGORITHM_ENCRYPTION, "aes128-cbc", "aes128-cbc", NULL},

    {SAMLC_ALGORITHM_SIGNATURE, "", NULL, "no signature algorithm would be allowed"},
    {SAMLC_ALGORITHM_SIGNATURE, " \t", NULL, "no signature algorithm would be allowed"},
    {SAMLC_ALGORITHM_DIGEST, "-sha256 -sha384 -sha512", NULL, "no digest algorithm would be"},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha256 +rsa-sha1", NULL, "\"+rsa-sha1\": either"},
    {SAMLC_ALGORITHM_SIGNATURE, "-rsa-sha256 rsa-sha1", NULL, "\"rsa-sha1\": either"},
    {SAMLC_ALGORITHM_SIGNATURE, "+", NULL, "\"\" is no signature algorithm"},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha256,rsa-sha384", NULL, "is no signature algorithm"},
    {SAMLC_ALGORITHM_SIGNATURE, "sha256", NULL, "is no signature algorithm"},
    {SAMLC_ALGORITHM_DIGEST, "rsa-sha256", NULL, "(known: sha256 sha384 sha512 sha224 sha1)"},
    {SAMLC_ALGORITHM_SIGNATURE, "hmac-sha256", NULL, "HMAC is never allowed"},
    {SAMLC_ALGORITHM_SIGNATURE, "+http://www.w3.org/2000/09/xmldsig#hmac-sha1", NULL,
     "HMAC is never allowed"},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-md5", NULL, "MD5 is never allowed"},
    {SAMLC_ALGORITHM_DIGEST, "MD5", NULL, "MD5 is never allowed"},
    {SAMLC_ALGORITHM_SIGNATURE, "dsa-sha1", NULL, "DSA is never allowed"},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2009/xmldsig11#dsa-sha256", NULL,
     "DSA is never allowed"},
    {SAMLC_ALGORITHM_SIGNATURE, "ecdsa-md2", NULL, "is no signature algorithm"},
    {SAMLC_ALGORITHM_C14N, "http://www.w3.org/2001/10/xml-exc-c14n#WithComments",
     "exc-c14n-with-comments", NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha\x01", NULL, "\"rsa-sha\\x01\""},
#ifndef SAMLC_HAVE_RSA_PSS
    {SAMLC_ALGORITHM_SIGNATURE, "+rsa-pss-sha256", NULL, "needs xmlsec1 1.3"},
    {SAMLC_ALGORITHM_SIGNATURE, "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", NULL,
     "needs xmlsec1 1.3"},
#endif
};

START_TEST(test_lists)
{
    samlc_algorithms_t set = ~(samlc_algorithms_t)0;
    apr_status_t rv = samlc_algorithms_parse(&set, lists[_i].kind, lists[_i].list, res, p);

    if (lists[_i].set) {
        ck_assert_msg(rv == APR_SUCCESS, "%s", res->message);
        ck_assert_str_eq(samlc_algorithms_show(set, lists[_i].kind, p), lists[_i].set);
    }
    else {
        ck_assert_int_ne(rv, APR_SUCCESS);
        ck_assert_uint_eq(set, 0);
        ck_assert_int_eq(res->reason, SAMLC_REASON_CONFIG_INVALID);
        ck_assert_msg(strstr(res->message, lists[_i].message) != NULL, "%s", res->message);
    }
}
END_TEST

Suite *suite_algorithm(void);

Suite *suite_algorithm(void)
{
    Suite *s = suite_create("algorithm");
    TCase *tc = tcase_create("algorithm");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_defaults, 0, SAMLC_ALGORITHM_KINDS);
    tcase_add_loop_test(tc, test_rows, 0, SAMLC_ALGORITHM_KINDS);
    tcase_add_test(tc, test_sets_of_two_kinds_are_disjoint);
    tcase_add_loop_test(tc, test_uris, 0, sizeof(uris) / sizeof(uris[0]));
    tcase_add_loop_test(tc, test_lists, 0, sizeof(lists) / sizeof(lists[0]));
    suite_add_tcase(s, tc);
    return s;
}
