/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/constraint.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <string.h>

typedef enum {
    CONSTRAINT_SUBJECT,
    CONSTRAINT_SAN_DNS,
    CONSTRAINT_SAN_URI,
    CONSTRAINT_ISSUER,
    CONSTRAINT_FORMS
} constraint_form_t;

static const char *const prefixes[CONSTRAINT_FORMS] = {
    "subject:", "san-dns:", "san-uri:", "issuer-spki-sha256:",
};

/* The form of a constraint and what follows its prefix; CONSTRAINT_FORMS for an unknown one. */
static constraint_form_t split_constraint(const char **value, const char *constraint)
{
    int form;

    *value = NULL;
    for (form = 0; form < CONSTRAINT_FORMS; form++) {
        apr_size_t len = strlen(prefixes[form]);

        if (strncmp(constraint, prefixes[form], len) == 0) {
            *value = constraint + len;
            break;
        }
    }
    return (constraint_form_t)form;
}

/* TRUE if the certificate has this subjectAltName: a DNS name in any case, or a URI. */
static int has_alt_name(const samlc_cert_t *cert, int type, const char *value)
{
    X509 *x = samlc_cert_x509(cert);
    GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
    int len = (int)strlen(value);
    int found = 0;
    int i;

    for (i = 0; !found && i < sk_GENERAL_NAME_num(names); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(names, i);
        const char *text = NULL;

        if (name->type != type || ASN1_STRING_length(name->d.ia5) != len) {
            continue;
        }
        text = (const char *)ASN1_STRING_get0_data(name->d.ia5);
        found = type == GEN_DNS ? apr_cstr_casecmpn(text, value, (apr_size_t)len) == 0
                                : memcmp(text, value, (apr_size_t)len) == 0;
    }
    GENERAL_NAMES_free(names);
    return found;
}

/* TRUE if one of `cas` with this key signed it. */
static int has_issuer(const apr_array_header_t *cas, const samlc_cert_t *cert,
                      const char *spki_sha256, apr_pool_t *p)
{
    int i;

    for (i = 0; i < cas->nelts; i++) {
        const samlc_key_t *key =
            samlc_cert_key(APR_ARRAY_IDX(cas, i, const samlc_cert_t *));
        const char *hex = samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p);

        if (apr_cstr_casecmp(hex, spki_sha256) == 0
            && X509_verify(samlc_cert_x509(cert), samlc_key_get(key)) == 1) {
            return 1;
        }
    }
    return 0;
}

int samlc_constraint_is_met(const char *constraint, const samlc_cert_t *cert,
                            const apr_array_header_t *cas, apr_pool_t *p)
{
    const char *value = NULL;
    int is_met = 0;

    switch (split_constraint(&value, constraint)) {
    case CONSTRAINT_SUBJECT:
        is_met = samlc_text_equal(samlc_cert_subject(cert), value);
        break;
    case CONSTRAINT_SAN_DNS:
        is_met = has_alt_name(cert, GEN_DNS, value);
        break;
    case CONSTRAINT_SAN_URI:
        is_met = has_alt_name(cert, GEN_URI, value);
        break;
    case CONSTRAINT_ISSUER:
        is_met = has_issuer(cas, cert, value, p);
        break;
    case CONSTRAINT_FORMS:
        break;
    }
    ERR_clear_error();
    return is_met;
}

const char *samlc_constraint_error(const char *constraint, apr_pool_t *p)
{
    const char *value = NULL;
    constraint_form_t form = split_constraint(&value, constraint);

    if (form == CONSTRAINT_FORMS) {
        return "it begins with subject:, san-dns:, san-uri: or issuer-spki-sha256:";
    }
    if (*value == '\0') {
        return apr_psprintf(p, "nothing follows %s", prefixes[form]);
    }
    if (form == CONSTRAINT_ISSUER
        && (strlen(value) != 2 * SAMLC_SHA256_LEN
            || value[strspn(value, "0123456789abcdefABCDEF")] != '\0')) {
        return "a SHA-256 digest has 64 hex digits";
    }
    return NULL;
}
