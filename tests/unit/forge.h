/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SAML Responses as identity providers make them, and as attackers do. Everything is text: a
 * message is written, changed by string surgery, signed, changed again, encrypted, and each step
 * gives a new string. Whatever goes wrong here fails the running test.
 */
#ifndef TESTS_UNIT_FORGE_H
#define TESTS_UNIT_FORGE_H

#include "make_cert.h"

#define FORGE_IDP "https://idp.example.org/idp"
#define FORGE_SP "https://sp.example.org/saml"
#define FORGE_ACS "https://sp.example.org/saml/acs"
#define FORGE_REQUEST "_request"
#define FORGE_RESPONSE_ID "_response"
#define FORGE_ASSERTION_ID "_assertion"
#define FORGE_USER "alice@example.org"

#define FORGE_SUCCESS "urn:oasis:names:tc:SAML:2.0:status:Success"
#define FORGE_BEARER "urn:oasis:names:tc:SAML:2.0:cm:bearer"
#define FORGE_PASSWORD "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

#define FORGE_EXC_C14N "http://www.w3.org/2001/10/xml-exc-c14n#"
#define FORGE_C14N "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
#define FORGE_ENVELOPED "http://www.w3.org/2000/09/xmldsig#enveloped-signature"
#define FORGE_RSA_SHA256 "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
#define FORGE_SHA256 "http://www.w3.org/2001/04/xmlenc#sha256"
#define FORGE_OAEP_MGF1P "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"
#define FORGE_OAEP "http://www.w3.org/2009/xmlenc11#rsa-oaep"

#define FORGE_TRANSFORM(uri) "<ds:Transform Algorithm=\"" uri "\"/>"

/*
 * What a Response says. NULL is the default, a valid value at TEST_NOW; "" leaves the attribute or
 * the element out. Values are written as they stand: escape what is to be text.
 */
typedef struct forge_t {
    const char *response_id, *response_version, *response_instant, *destination;
    const char *response_in_response_to;   /* by default the same as in_response_to */
    const char *response_issuer;           /* by default the same as issuer */
    const char *status;                    /* URI; by default Success */
    const char *status_xml;                /* instead of the whole Status */

    const char *assertion_id, *version, *instant, *issuer;
    const char *name_id;                   /* content of the NameID */
    const char *name_id_xml;               /* instead of the NameID */
    const char *recipient, *in_response_to, *confirmed_until;
    const char *confirmations_xml;         /* instead of the SubjectConfirmation */
    const char *not_before, *not_on_or_after;
    const char *audience;
    const char *restrictions_xml;          /* instead of the AudienceRestriction */
    const char *conditions_xml;            /* instead of the whole Conditions */
    const char *authn_instant, *session_index, *session_until, *authn_context;
    const char *authn_xml;                 /* instead of the AuthnStatement */
    const char *attributes_xml;            /* Attributes; by default a mail */
} forge_t;

/* The Response, not signed: one line, prefixes samlp: and saml:, no blank between elements. */
const char *forge_write(const forge_t *f, apr_pool_t *p);

/* A SubjectConfirmation with this content in the start tag of its data. */
const char *forge_confirmation(const char *attributes, apr_pool_t *p);

/* How to sign; zero values mean what a good IdP does. All goes into the template as it stands. */
typedef struct forge_signature_t {
    const test_cert_t *by;
    const char *key_info; /* content of KeyInfo; NULL: the certificate of `by`; "": no KeyInfo */
    const char *c14n;           /* URI */
    const char *method;         /* URI; by default SHA-256 with the kind of key */
    const char *method_xml;     /* content of SignatureMethod */
    const char *digest;         /* URI */
    const char *transforms;     /* Transform elements */
    const char *references;     /* Reference elements, instead of the one to the element */
    const char *objects;        /* what follows KeyInfo */
    const char *hmac_key;       /* sign with HMAC and this text */
} forge_signature_t;

/*
 * Signs the element whose start tag has ID="`id`": the Signature goes behind its Issuer (behind the
 * start tag where there is none), as ds:Signature.
 */
const char *forge_sign(const char *xml, const char *id, const forge_signature_t *how,
                       apr_pool_t *p);

/* X509Data with this certificate, for key_info. */
const char *forge_x509_data(const test_cert_t *cert, apr_pool_t *p);

/* One Reference to `uri` by these Transform elements (NULL: enveloped and exclusive c14n). */
const char *forge_reference(const char *uri, const char *transforms, apr_pool_t *p);

/* How to encrypt; zero values mean AES-256-GCM and RSA-OAEP as in XML Encryption 1.0. */
typedef struct forge_encryption_t {
    EVP_PKEY *to;
    const char *cipher;         /* "aes128-gcm", "aes256-cbc" ... */
    const char *transport;      /* URI */
    const char *digest;         /* of OAEP: "sha1" (default), "sha256" */
    const char *mgf;            /* of the xmlenc11 form: "sha1" (default), "sha256" */
    const char *label;          /* OAEPparams */
    int keys_beside;            /* EncryptedKey behind EncryptedData, and not in its KeyInfo */
    int broken_padding;         /* CBC: the last byte is 0 */
    int longer_key;             /* more bytes are wrapped than the cipher needs */
} forge_encryption_t;

/* saml:`name` with the EncryptedData of any plaintext. */
const char *forge_encrypted(const char *name, const char *plaintext, const forge_encryption_t *how,
                            apr_pool_t *p);

/* The message with its Assertion encrypted. */
const char *forge_encrypt(const char *xml, const forge_encryption_t *how, apr_pool_t *p);

/* --- surgery -------------------------------------------------------------------------------- */

/* Replaces the first `from`, which must be there. */
const char *forge_replace(const char *xml, const char *from, const char *to, apr_pool_t *p);

/* Puts `what` before or behind the first `mark`, which must be there. */
const char *forge_before(const char *xml, const char *mark, const char *what, apr_pool_t *p);
const char *forge_behind(const char *xml, const char *mark, const char *what, apr_pool_t *p);

/* The first <`name`...> ... </`name`>, which must be there; the name does not nest. */
const char *forge_element(const char *xml, const char *name, apr_pool_t *p);

/* `n` copies. */
const char *forge_repeat(const char *text, int n, apr_pool_t *p);

#endif
