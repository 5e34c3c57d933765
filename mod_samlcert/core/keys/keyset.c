/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/keyset.h"

const char *samlc_own_role_word(samlc_own_role_t role)
{
    switch (role) {
    case SAMLC_OWN_ACTIVE:
        return "active";
    case SAMLC_OWN_NEXT:
        return "next";
    case SAMLC_OWN_RETIRING:
        return "retiring";
    case SAMLC_OWN_COUNT:
        break;
    }
    return "unknown";
}

apr_status_t samlc_keyset_add(samlc_keyset_t *set, samlc_own_role_t role,
                              const samlc_data_t *key_pem, const samlc_data_t *cert_pem,
                              samlc_result_t *res, apr_pool_t *p)
{
    samlc_key_t *key = NULL;
    apr_array_header_t *certs = NULL;
    const samlc_cert_t *cert = NULL;
    apr_status_t rv = samlc_key_unlock(&key, key_pem, set->passphrase, res, p);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    rv = samlc_cert_parse_file(&certs, cert_pem, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    cert = APR_ARRAY_IDX(certs, 0, samlc_cert_t *);
    if (!samlc_key_equal(key, samlc_cert_key(cert))) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: the certificate (%s) is not that of the private key in %s",
                                 cert_pem->origin, samlc_cert_subject(cert), key_pem->origin);
    }
    set->keys[role].key = key;
    set->keys[role].cert = cert;
    return APR_SUCCESS;
}
