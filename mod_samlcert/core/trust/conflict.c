/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/conflict.h"

#include <apr_strings.h>
#include <openssl/x509.h>

/* TRUE, FALSE, or -1 if OpenSSL cannot tell. */
static int same_name(const X509_NAME *a, const X509_NAME *b)
{
    int difference = X509_NAME_cmp(a, b);

    return difference == -2 ? -1 : difference == 0;
}

/*
 * The names that two certificates have in common, in words; NULL if they do not count. FALSE if
 * OpenSSL cannot tell.
 */
static int find_common_names(const char **names, const samlc_cert_t *a, const samlc_cert_t *b,
                             samlc_conflict_t form)
{
    int issuer = same_name(X509_get_issuer_name(samlc_cert_x509(a)),
                           X509_get_issuer_name(samlc_cert_x509(b)));
    int subject = same_name(X509_get_subject_name(samlc_cert_x509(a)),
                            X509_get_subject_name(samlc_cert_x509(b)));

    *names = NULL;
    if (issuer < 0 || subject < 0) {
        return 0;
    }
    switch (form) {
    case SAMLC_CONFLICT_BOTH:
        *names = issuer && subject ? "issuer and subject" : NULL;
        break;
    case SAMLC_CONFLICT_ISSUER:
        *names = issuer ? "issuer" : NULL;
        break;
    case SAMLC_CONFLICT_SUBJECT:
        *names = subject ? "subject" : NULL;
        break;
    case SAMLC_CONFLICT_OFF:
        break;
    }
    return 1;
}

static const char *sentence(const samlc_cert_t *a, const samlc_cert_t *b, const char *names,
                            apr_pool_t *p)
{
    return apr_psprintf(p, "%s (%s) and %s (%s) have the same %s, but different keys: both are"
                        " distrusted; remove the wrong one (see CertConflict)",
                        samlc_text_show(samlc_cert_subject(a), p), samlc_cert_origin(a),
                        samlc_text_show(samlc_cert_subject(b), p), samlc_cert_origin(b), names);
}

int samlc_conflict_find(apr_array_header_t *conflicted, apr_array_header_t *sentences,
                        const apr_array_header_t *certs, samlc_conflict_t form, apr_pool_t *p)
{
    const char *names = NULL;
    int i;
    int j;

    for (i = 0; i < certs->nelts; i++) {
        const samlc_cert_t *a = APR_ARRAY_IDX(certs, i, const samlc_cert_t *);

        for (j = 0; j < i; j++) {
            const samlc_cert_t *b = APR_ARRAY_IDX(certs, j, const samlc_cert_t *);

            if (!find_common_names(&names, b, a, form)) {
                return 0;
            }
            if (names && !samlc_key_equal(samlc_cert_key(a), samlc_cert_key(b))) {
                APR_ARRAY_PUSH(conflicted, const samlc_cert_t *) = b;
                APR_ARRAY_PUSH(conflicted, const samlc_cert_t *) = a;
                APR_ARRAY_PUSH(sentences, const char *) = sentence(b, a, names, p);
            }
        }
    }
    return 1;
}
