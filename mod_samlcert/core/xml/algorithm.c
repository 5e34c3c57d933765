/* SPDX-License-Identifier: Apache-2.0 */
#include "core/xml/algorithm.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <assert.h>
#include <string.h>

#include "core/base/text.h"
#include "samlcert_config.h"

#define DSIG "http://www.w3.org/2000/09/xmldsig#"
#define DSIG_MORE "http://www.w3.org/2001/04/xmldsig-more#"
#define DSIG_MORE_2007 "http://www.w3.org/2007/05/xmldsig-more#"
#define XENC "http://www.w3.org/2001/04/xmlenc#"
#define XENC11 "http://www.w3.org/2009/xmlenc11#"
#define EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define C14N "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define C14N11 "http://www.w3.org/2006/12/xml-c14n11"

#define SHA1 "SHA-1 collisions can be bought; a signature over one document may fit another"
#define SHA224 "SHA-224 has the strength of 112 bits only and nobody needs it"
#define CBC "CBC does not protect its content from changes: used only under a verified signature"
#define PKCS1 "PKCS#1 v1.5 key transport is open to Bleichenbacher's attack"

/*
 * spec: XML-Signature 6, RFC 9231, XML Encryption 1.1 section 5. What is not here is never allowed:
 * HMAC (its key would be public), MD5, DSA. Comments change nothing: a reference to an ID leaves
 * them out whatever the canonicalisation (XML-Signature 4.4.3.3), and values are read whole. SAML
 * Core 5.4.4 names both forms of the exclusive one.
 */
static const samlc_algorithm_t table[] = {
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha256", DSIG_MORE "rsa-sha256", 1, NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha384", DSIG_MORE "rsa-sha384", 1, NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha512", DSIG_MORE "rsa-sha512", 1, NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "ecdsa-sha256", DSIG_MORE "ecdsa-sha256", 1, NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "ecdsa-sha384", DSIG_MORE "ecdsa-sha384", 1, NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "ecdsa-sha512", DSIG_MORE "ecdsa-sha512", 1, NULL},
#ifdef SAMLC_HAVE_RSA_PSS
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-pss-sha256", DSIG_MORE_2007 "sha256-rsa-MGF1", 1, NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-pss-sha384", DSIG_MORE_2007 "sha384-rsa-MGF1", 1, NULL},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-pss-sha512", DSIG_MORE_2007 "sha512-rsa-MGF1", 1, NULL},
#endif
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha224", DSIG_MORE "rsa-sha224", 0, SHA224},
    {SAMLC_ALGORITHM_SIGNATURE, "ecdsa-sha224", DSIG_MORE "ecdsa-sha224", 0, SHA224},
    {SAMLC_ALGORITHM_SIGNATURE, "rsa-sha1", DSIG "rsa-sha1", 0, SHA1},
    {SAMLC_ALGORITHM_SIGNATURE, "ecdsa-sha1", DSIG_MORE "ecdsa-sha1", 0, SHA1},

    {SAMLC_ALGORITHM_DIGEST, "sha256", XENC "sha256", 1, NULL},
    {SAMLC_ALGORITHM_DIGEST, "sha384", DSIG_MORE "sha384", 1, NULL},
    {SAMLC_ALGORITHM_DIGEST, "sha512", XENC "sha512", 1, NULL},
    {SAMLC_ALGORITHM_DIGEST, "sha224", DSIG_MORE "sha224", 0, SHA224},
    {SAMLC_ALGORITHM_DIGEST, "sha1", DSIG "sha1", 0, SHA1},

    {SAMLC_ALGORITHM_C14N, "exc-c14n", EXC_C14N, 1, NULL},
    {SAMLC_ALGORITHM_C14N, "exc-c14n-with-comments", EXC_C14N "WithComments", 1, NULL},
    {SAMLC_ALGORITHM_C14N, "c14n", C14N, 1, NULL},
    {SAMLC_ALGORITHM_C14N, "c14n-with-comments", C14N "#WithComments", 0, NULL},
    {SAMLC_ALGORITHM_C14N, "c14n11", C14N11, 0, NULL},
    {SAMLC_ALGORITHM_C14N, "c14n11-with-comments", C14N11 "#WithComments", 0, NULL},

    {SAMLC_ALGORITHM_KEY_TRANSPORT, "rsa-oaep-mgf1p", XENC "rsa-oaep-mgf1p", 1, NULL},
    {SAMLC_ALGORITHM_KEY_TRANSPORT, "rsa-oaep", XENC11 "rsa-oaep", 1, NULL},
    {SAMLC_ALGORITHM_KEY_TRANSPORT, "rsa-1_5", XENC "rsa-1_5", 0, PKCS1},

    {SAMLC_ALGORITHM_ENCRYPTION, "aes128-gcm", XENC11 "aes128-gcm", 1, NULL},
    {SAMLC_ALGORITHM_ENCRYPTION, "aes192-gcm", XENC11 "aes192-gcm", 1, NULL},
    {SAMLC_ALGORITHM_ENCRYPTION, "aes256-gcm", XENC11 "aes256-gcm", 1, NULL},
    {SAMLC_ALGORITHM_ENCRYPTION, "aes128-cbc", XENC "aes128-cbc", 0, CBC},
    {SAMLC_ALGORITHM_ENCRYPTION, "aes192-cbc", XENC "aes192-cbc", 0, CBC},
    {SAMLC_ALGORITHM_ENCRYPTION, "aes256-cbc", XENC "aes256-cbc", 0, CBC},
    {SAMLC_ALGORITHM_ENCRYPTION, "tripledes-cbc", XENC "tripledes-cbc", 0, CBC},
};

#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

static_assert(TABLE_LEN <= 8 * sizeof(samlc_algorithms_t), "a set has a bit for each row");

static const char *const kind_words[SAMLC_ALGORITHM_KINDS] = {
    "signature", "digest", "canonicalisation", "key transport", "encryption",
};

/* Why a name is not in the table; the first row whose part occurs in it counts. */
static const struct {
    const char *part;
    const char *why;
} never[] = {
    {"hmac", "HMAC is never allowed: its key would have to be secret, and ours are public"},
    {"md5", "MD5 is never allowed: anybody can make collisions"},
    {"ecdsa-", NULL},   /* not DSA */
    {"dsa-", "DSA is never allowed: its keys and digests are too small"},
#ifndef SAMLC_HAVE_RSA_PSS
    {"rsa-pss", "RSA-PSS needs xmlsec1 1.3, and this was built with an older one"},
    {"rsa-mgf1", "RSA-PSS needs xmlsec1 1.3, and this was built with an older one"},
#endif
};

/* The bits are those of the whole table: a set of one kind has nothing of another. */
static samlc_algorithms_t bit_of(const samlc_algorithm_t *algorithm)
{
    return (samlc_algorithms_t)1 << (algorithm - table);
}

const samlc_algorithm_t *samlc_algorithm_at(samlc_algorithm_kind_t kind, int index)
{
    apr_size_t i;

    for (i = 0; i < TABLE_LEN; i++) {
        if (table[i].kind == kind && index-- == 0) {
            return &table[i];
        }
    }
    return NULL;
}

const samlc_algorithm_t *samlc_algorithm_find(samlc_algorithm_kind_t kind, const char *uri)
{
    apr_size_t i;

    for (i = 0; uri && i < TABLE_LEN; i++) {
        if (table[i].kind == kind && strcmp(table[i].uri, uri) == 0) {
            return &table[i];
        }
    }
    return NULL;
}

samlc_algorithms_t samlc_algorithms_default(samlc_algorithm_kind_t kind)
{
    samlc_algorithms_t set = 0;
    apr_size_t i;

    for (i = 0; i < TABLE_LEN; i++) {
        if (table[i].kind == kind && table[i].is_default) {
            set |= bit_of(&table[i]);
        }
    }
    return set;
}

int samlc_algorithms_has(samlc_algorithms_t set, const samlc_algorithm_t *algorithm)
{
    return algorithm && (set & bit_of(algorithm)) != 0;
}

/* Names are compared in any case, URIs exactly. */
static const samlc_algorithm_t *find_named(samlc_algorithm_kind_t kind, const char *name)
{
    apr_size_t i;

    for (i = 0; i < TABLE_LEN; i++) {
        if (table[i].kind == kind && apr_cstr_casecmp(table[i].name, name) == 0) {
            return &table[i];
        }
    }
    return samlc_algorithm_find(kind, name);
}

static const char *names_of_kind(samlc_algorithm_kind_t kind, apr_pool_t *p)
{
    return samlc_algorithms_show(~(samlc_algorithms_t)0, kind, p);
}

const char *samlc_algorithm_why_never(const char *name, apr_pool_t *p)
{
    char *lower = apr_pstrdup(p, name);
    apr_size_t i;

    for (i = 0; lower[i] != '\0'; i++) {
        lower[i] = (char)apr_tolower(lower[i]);
    }
    for (i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        if (strstr(lower, never[i].part)) {
            return never[i].why;
        }
    }
    return NULL;
}

static apr_status_t fail_unknown(samlc_algorithm_kind_t kind, const char *name, samlc_result_t *res,
                                 apr_pool_t *p)
{
    const char *why = samlc_algorithm_why_never(name, p);

    if (why) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "\"%s\": %s",
                                 samlc_text_show(name, p), why);
    }
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                             "\"%s\" is no %s algorithm that is known here (known: %s)",
                             samlc_text_show(name, p), kind_words[kind], names_of_kind(kind, p));
}

/* Applies one word: "NAME" and "+NAME" add, "-NAME" takes away. */
static apr_status_t apply(samlc_algorithms_t *set, samlc_algorithm_kind_t kind, const char *word,
                          samlc_result_t *res, apr_pool_t *p)
{
    const char *name = *word == '+' || *word == '-' ? word + 1 : word;
    const samlc_algorithm_t *algorithm = find_named(kind, name);

    if (!algorithm) {
        return fail_unknown(kind, name, res, p);
    }
    if (*word == '-') {
        *set &= ~bit_of(algorithm);
    }
    else {
        *set |= bit_of(algorithm);
    }
    return APR_SUCCESS;
}

apr_status_t samlc_algorithms_parse(samlc_algorithms_t *set, samlc_algorithm_kind_t kind,
                                    const char *list, samlc_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *words = samlc_text_words(list, p);
    samlc_algorithms_t result = 0;
    apr_status_t rv = APR_EGENERAL;
    int is_change = 0;
    int i;

    *set = 0;
    for (i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        int signed_word = *word == '+' || *word == '-';

        if (i == 0) {
            is_change = signed_word;
            result = is_change ? samlc_algorithms_default(kind) : 0;
        }
        if (signed_word != is_change) {
            return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                     "\"%s\": either name the whole list, or put + or - before"
                                     " every name to change the default",
                                     samlc_text_show(word, p));
        }
        rv = apply(&result, kind, word, res, p);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    if (result == 0) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "no %s algorithm would be allowed (known: %s)", kind_words[kind],
                                 names_of_kind(kind, p));
    }
    *set = result;
    return APR_SUCCESS;
}

const char *samlc_algorithms_show(samlc_algorithms_t set, samlc_algorithm_kind_t kind,
                                  apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 8, sizeof(const char *));
    apr_size_t i;

    for (i = 0; i < TABLE_LEN; i++) {
        if (table[i].kind == kind && samlc_algorithms_has(set, &table[i])) {
            APR_ARRAY_PUSH(names, const char *) = table[i].name;
        }
    }
    return apr_array_pstrcat(p, names, ' ');
}
