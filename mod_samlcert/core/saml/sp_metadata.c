/* SPDX-License-Identifier: Apache-2.0 */
#include "core/saml/sp_metadata.h"

#include <apr_strings.h>

#include "core/base/text.h"
#include "core/xml/algorithm.h"

/* The EncryptionMethods of one kind: what we accept where nothing else is said. */
static const char *encryption_methods(samlc_algorithm_kind_t kind, apr_pool_t *p)
{
    const samlc_algorithm_t *algorithm = NULL;
    const char *methods = "";
    int i;

    for (i = 0; (algorithm = samlc_algorithm_at(kind, i)) != NULL; i++) {
        if (algorithm->is_default) {
            methods = apr_pstrcat(p, methods, "<md:EncryptionMethod Algorithm=\"",
                                  samlc_text_xml_escape(algorithm->uri, p), "\"/>", NULL);
        }
    }
    return methods;
}

/* spec: SAML-Metadata 2.4.1.1 - KeyDescriptor */
static const char *key_descriptor(const char *use, const char *methods, const samlc_cert_t *cert,
                                  apr_pool_t *p)
{
    samlc_data_t der = samlc_cert_der(cert, p);

    return apr_pstrcat(p, "    <md:KeyDescriptor use=\"", use, "\">"
                       "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>",
                       samlc_text_base64(der.data, der.len, p),
                       "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>", methods,
                       "</md:KeyDescriptor>\n", NULL);
}

/* The descriptors of one of our keys. Only RSA keys decrypt: partners must not find others. */
static const char *own_key(const samlc_own_key_t *own, apr_pool_t *p)
{
    const char *encryption = "";
    const char *methods = NULL;

    if (!own->cert) {
        return "";
    }
    if (EVP_PKEY_base_id(samlc_key_get(samlc_cert_key(own->cert))) == EVP_PKEY_RSA) {
        methods = apr_pstrcat(p, encryption_methods(SAMLC_ALGORITHM_ENCRYPTION, p),
                              encryption_methods(SAMLC_ALGORITHM_KEY_TRANSPORT, p), NULL);
        encryption = key_descriptor("encryption", methods, own->cert, p);
    }
    return apr_pstrcat(p, key_descriptor("signing", "", own->cert, p), encryption, NULL);
}

/* spec: SAML-Metadata 2.4.4 - SPSSODescriptor */
const char *samlc_sp_metadata(const samlc_sp_t *sp, apr_pool_t *p)
{
    const char *active = "";
    const char *next = "";

    if (sp->keys) {
        active = own_key(&sp->keys->keys[SAMLC_OWN_ACTIVE], p);
        next = own_key(&sp->keys->keys[SAMLC_OWN_NEXT], p);
    }
    return apr_pstrcat(
        p,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\""
        " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" entityID=\"",
        samlc_text_xml_escape(sp->entity_id, p), "\">\n"
        "  <md:SPSSODescriptor AuthnRequestsSigned=\"",
        sp->authn_requests_signed ? "true" : "false",
        "\" protocolSupportEnumeration=\"urn:oasis:names:tc:SAML:2.0:protocol\">\n",
        active, next,
        "    <md:AssertionConsumerService"
        " Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST\" Location=\"",
        samlc_text_xml_escape(sp->acs_url, p), "\" index=\"0\" isDefault=\"true\"/>\n"
        "  </md:SPSSODescriptor>\n"
        "</md:EntityDescriptor>\n", NULL);
}
