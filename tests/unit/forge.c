/* SPDX-License-Identifier: Apache-2.0 */
#include "forge.h"

#include <apr_strings.h>
#include <libxml/parser.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/openssl/crypto.h>
#include <xmlsec/openssl/evp.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmltree.h>

#include "core/xml/xml.h"
#include "test.h"

#define INSTANT "2026-06-30T23:59:50Z"   /* ten seconds before TEST_NOW */
#define UNTIL "2026-07-01T00:05:00Z"

/* --- writing -------------------------------------------------------------------------------- */

static const char *given(const char *value, const char *otherwise)
{
    return value != NULL ? value : otherwise;
}

/* ` NAME="VALUE"`, or nothing. */
static const char *attr(const char *name, const char *value, const char *otherwise, apr_pool_t *p)
{
    value = given(value, otherwise);
    return value[0] == '\0' ? "" : apr_psprintf(p, " %s=\"%s\"", name, value);
}

/* The element with its content, or nothing. */
static const char *element(const char *name, const char *content, apr_pool_t *p)
{
    return content[0] == '\0' ? "" : apr_psprintf(p, "<%s>%s</%s>", name, content, name);
}

const char *forge_confirmation(const char *attributes, apr_pool_t *p)
{
    return apr_psprintf(p, "<saml:SubjectConfirmation Method=\"" FORGE_BEARER "\">"
                           "<saml:SubjectConfirmationData%s/></saml:SubjectConfirmation>",
                        attributes);
}

static const char *subject(const forge_t *f, apr_pool_t *p)
{
    const char *name_id = apr_psprintf(
        p, "<saml:NameID Format=\"urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress\">%s"
           "</saml:NameID>", given(f->name_id, FORGE_USER));
    const char *confirmation = forge_confirmation(
        apr_pstrcat(p, attr("InResponseTo", f->in_response_to, FORGE_REQUEST, p),
                    attr("Recipient", f->recipient, FORGE_ACS, p),
                    attr("NotOnOrAfter", f->confirmed_until, UNTIL, p), NULL), p);

    return element("saml:Subject", apr_pstrcat(p, given(f->name_id_xml, name_id),
                                               given(f->confirmations_xml, confirmation), NULL), p);
}

static const char *conditions(const forge_t *f, apr_pool_t *p)
{
    const char *audience = element("saml:AudienceRestriction",
                                   element("saml:Audience", given(f->audience, FORGE_SP), p), p);

    return apr_pstrcat(p, "<saml:Conditions", attr("NotBefore", f->not_before, INSTANT, p),
                       attr("NotOnOrAfter", f->not_on_or_after, UNTIL, p), ">",
                       given(f->restrictions_xml, audience), "</saml:Conditions>", NULL);
}

static const char *authentication(const forge_t *f, apr_pool_t *p)
{
    return apr_pstrcat(
        p, "<saml:AuthnStatement", attr("AuthnInstant", f->authn_instant, INSTANT, p),
        attr("SessionIndex", f->session_index, "_session", p),
        attr("SessionNotOnOrAfter", f->session_until, "2026-07-01T08:00:00Z", p),
        "><saml:AuthnContext>",
        element("saml:AuthnContextClassRef", given(f->authn_context, FORGE_PASSWORD), p),
        "</saml:AuthnContext></saml:AuthnStatement>", NULL);
}

static const char *assertion(const forge_t *f, apr_pool_t *p)
{
    const char *attributes = given(f->attributes_xml,
                                   "<saml:Attribute Name=\"mail\"><saml:AttributeValue>" FORGE_USER
                                   "</saml:AttributeValue></saml:Attribute>");

    return apr_pstrcat(
        p, "<saml:Assertion xmlns:saml=\"" SAMLC_NS_SAML "\"",
        attr("ID", f->assertion_id, FORGE_ASSERTION_ID, p), attr("Version", f->version, "2.0", p),
        attr("IssueInstant", f->instant, INSTANT, p), ">",
        element("saml:Issuer", given(f->issuer, FORGE_IDP), p), subject(f, p),
        given(f->conditions_xml, conditions(f, p)), given(f->authn_xml, authentication(f, p)),
        element("saml:AttributeStatement", attributes, p), "</saml:Assertion>", NULL);
}

const char *forge_write(const forge_t *f, apr_pool_t *p)
{
    const char *status = apr_psprintf(
        p, "<samlp:Status><samlp:StatusCode Value=\"%s\"/></samlp:Status>",
        given(f->status, FORGE_SUCCESS));

    return apr_pstrcat(
        p, "<samlp:Response xmlns:samlp=\"" SAMLC_NS_SAMLP "\" xmlns:saml=\"" SAMLC_NS_SAML "\"",
        attr("ID", f->response_id, FORGE_RESPONSE_ID, p),
        attr("Version", f->response_version, "2.0", p),
        attr("IssueInstant", f->response_instant, INSTANT, p),
        attr("Destination", f->destination, FORGE_ACS, p),
        attr("InResponseTo", f->response_in_response_to, given(f->in_response_to, FORGE_REQUEST),
             p),
        ">", element("saml:Issuer", given(f->response_issuer, given(f->issuer, FORGE_IDP)), p),
        given(f->status_xml, status), assertion(f, p), "</samlp:Response>", NULL);
}

/* --- surgery -------------------------------------------------------------------------------- */

static const char *find(const char *xml, const char *mark)
{
    const char *found = strstr(xml, mark);

    ck_assert_msg(found != NULL, "no %s in %s", mark, xml);
    return found;
}

/* Replaces `len` bytes at `at`, which is in `xml`. */
static const char *splice(const char *xml, const char *at, apr_size_t len, const char *what,
                          apr_pool_t *p)
{
    return apr_pstrcat(p, apr_pstrmemdup(p, xml, (apr_size_t)(at - xml)), what, at + len, NULL);
}

const char *forge_replace(const char *xml, const char *from, const char *to, apr_pool_t *p)
{
    return splice(xml, find(xml, from), strlen(from), to, p);
}

const char *forge_before(const char *xml, const char *mark, const char *what, apr_pool_t *p)
{
    return splice(xml, find(xml, mark), 0, what, p);
}

const char *forge_behind(const char *xml, const char *mark, const char *what, apr_pool_t *p)
{
    return splice(xml, find(xml, mark) + strlen(mark), 0, what, p);
}

const char *forge_element(const char *xml, const char *name, apr_pool_t *p)
{
    const char *start = find(xml, apr_pstrcat(p, "<", name, NULL));
    const char *end = apr_pstrcat(p, "</", name, ">", NULL);

    return apr_pstrmemdup(p, start, (apr_size_t)(find(start, end) + strlen(end) - start));
}

const char *forge_repeat(const char *text, int n, apr_pool_t *p)
{
    apr_size_t len = strlen(text);
    char *all = apr_palloc(p, len * (apr_size_t)n + 1);
    int i = 0;

    for (i = 0; i < n; i++) {
        memcpy(all + (apr_size_t)i * len, text, len);
    }
    all[len * (apr_size_t)n] = '\0';
    return all;
}

/* --- signatures ----------------------------------------------------------------------------- */

const char *forge_x509_data(const test_cert_t *cert, apr_pool_t *p)
{
    return apr_psprintf(p, "<ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data>",
                        samlc_text_base64(cert->der.data, cert->der.len, p));
}

const char *forge_reference(const char *uri, const char *transforms, apr_pool_t *p)
{
    return apr_psprintf(
        p, "<ds:Reference URI=\"%s\"><ds:Transforms>%s</ds:Transforms>"
           "<ds:DigestMethod Algorithm=\"" FORGE_SHA256 "\"/><ds:DigestValue/></ds:Reference>",
        uri, given(transforms, FORGE_TRANSFORM(FORGE_ENVELOPED) FORGE_TRANSFORM(FORGE_EXC_C14N)));
}

static const char *template(const char *id, const forge_signature_t *how, apr_pool_t *p)
{
    int is_ec = how->by != NULL && EVP_PKEY_is_a(how->by->pkey, "EC");
    const char *method = given(how->method,
                               is_ec ? "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"
                                     : FORGE_RSA_SHA256);
    const char *reference = forge_reference(apr_pstrcat(p, "#", id, NULL), how->transforms, p);
    const char *key_info = how->key_info == NULL ? forge_x509_data(how->by, p) : how->key_info;

    if (how->digest != NULL) {
        reference = forge_replace(reference, FORGE_SHA256, how->digest, p);
    }
    return apr_psprintf(
        p,
        "<ds:Signature xmlns:ds=\"" SAMLC_NS_DS "\"><ds:SignedInfo>"
        "<ds:CanonicalizationMethod Algorithm=\"%s\"/>"
        "<ds:SignatureMethod Algorithm=\"%s\">%s</ds:SignatureMethod>%s</ds:SignedInfo>"
        "<ds:SignatureValue/>%s%s</ds:Signature>",
        given(how->c14n, FORGE_EXC_C14N), method, given(how->method_xml, ""),
        given(how->references, reference), element("ds:KeyInfo", key_info, p),
        given(how->objects, ""));
}

static xmlSecKeyPtr signing_key(const forge_signature_t *how)
{
    xmlSecKeyPtr key = xmlSecKeyCreate();
    xmlSecKeyDataPtr data = NULL;

    if (how->hmac_key != NULL) {
        data = xmlSecKeyDataCreate(xmlSecOpenSSLKeyDataHmacId);
        ck_assert_int_eq(xmlSecOpenSSLKeyDataHmacSet(data, (const xmlSecByte *)how->hmac_key,
                                                     strlen(how->hmac_key)), 0);
    }
    else {
        ck_assert_int_eq(EVP_PKEY_up_ref(how->by->pkey), 1);
        data = xmlSecOpenSSLEvpKeyAdopt(how->by->pkey);
    }
    ck_assert_int_eq(xmlSecKeySetValue(key, data), 0);
    return key;
}

static xmlNodePtr find_by_id(xmlNodePtr node, const char *id)
{
    xmlNodePtr child = NULL, found = NULL;
    xmlChar *value = xmlGetNoNsProp(node, (const xmlChar *)"ID");

    if (value != NULL && strcmp((const char *)value, id) == 0) {
        found = node;
    }
    xmlFree(value);
    for (child = samlc_xml_first(node); child != NULL && found == NULL;
         child = samlc_xml_next(child)) {
        found = find_by_id(child, id);
    }
    return found;
}

/* The root as text: no declaration, nothing formatted. */
static const char *dump(xmlDocPtr doc, apr_pool_t *p)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    const char *text = NULL;

    ck_assert_int_gt(xmlNodeDump(buffer, doc, xmlDocGetRootElement(doc), 0, 0), 0);
    text = apr_pstrdup(p, (const char *)xmlBufferContent(buffer));
    xmlBufferFree(buffer);
    return text;
}

/* Fills in the empty Signature of the element with this ID. */
static const char *seal(const char *xml, const char *id, const forge_signature_t *how,
                        apr_pool_t *p)
{
    xmlDocPtr doc = xmlReadMemory(xml, (int)strlen(xml), NULL, NULL, XML_PARSE_NONET);
    xmlSecDSigCtxPtr ctx = xmlSecDSigCtxCreate(NULL);
    xmlNodePtr node = NULL;
    const char *text = NULL;

    ck_assert_msg(doc != NULL, "%s", xml);
    node = find_by_id(xmlDocGetRootElement(doc), id);
    ck_assert_msg(node != NULL, "no %s in %s", id, xml);
    ck_assert_ptr_nonnull(xmlAddID(NULL, doc, (const xmlChar *)id,
                                   xmlHasNsProp(node, (const xmlChar *)"ID", NULL)));
    ctx->signKey = signing_key(how);
    ck_assert_msg(xmlSecDSigCtxSign(ctx, samlc_xml_child(node, SAMLC_NS_DS, "Signature", NULL)) == 0
                      && ctx->status == xmlSecDSigStatusSucceeded, "cannot sign %s", xml);
    text = dump(doc, p);
    xmlSecDSigCtxDestroy(ctx);
    xmlFreeDoc(doc);
    ERR_clear_error();
    return text;
}

const char *forge_sign(const char *xml, const char *id, const forge_signature_t *how, apr_pool_t *p)
{
    const char *start = find(find(xml, apr_psprintf(p, " ID=\"%s\"", id)), ">") + 1;
    const char *issuer_end = "</saml:Issuer>";

    if (strncmp(start, "<saml:Issuer", 12) == 0) {
        start = find(start, issuer_end) + strlen(issuer_end);
    }
    return seal(splice(xml, start, 0, template(id, how, p), p), id, how, p);
}

/* --- encryption ----------------------------------------------------------------------------- */

#define GCM_TAG 16

static const EVP_MD *digest_named(const char *name)
{
    const EVP_MD *md = EVP_get_digestbyname(given(name, "sha1"));

    ck_assert_ptr_nonnull(md);
    return md;
}

/* "aes256-gcm" as OpenSSL calls it. */
static const EVP_CIPHER *cipher_named(const char *name, apr_pool_t *p)
{
    const EVP_CIPHER *cipher = EVP_get_cipherbyname(
        strncmp(name, "aes", 3) == 0 ? forge_replace(name, "aes", "aes-", p) : "des-ede3-cbc");

    ck_assert_msg(cipher != NULL, "%s", name);
    return cipher;
}

/* Padded as XML Encryption asks: the last byte tells how many there are. */
static samlc_data_t pad(const char *text, int block, int broken, apr_pool_t *p)
{
    apr_size_t len = strlen(text);
    apr_size_t padding = (apr_size_t)block - len % (apr_size_t)block;
    unsigned char *bytes = apr_pcalloc(p, len + padding);
    samlc_data_t data = { bytes, len + padding, NULL };

    memcpy(bytes, text, len);
    bytes[len + padding - 1] = broken ? 0 : (unsigned char)padding;
    return data;
}

/* Initialisation vector, ciphertext and, with GCM, the tag. */
static const char *encrypt_content(const char *text, const EVP_CIPHER *cipher,
                                   const unsigned char *key, int broken, apr_pool_t *p)
{
    int is_gcm = EVP_CIPHER_get_mode(cipher) == EVP_CIPH_GCM_MODE;
    int iv = EVP_CIPHER_get_iv_length(cipher), n = 0, rest = 0;
    samlc_data_t plain = is_gcm ? test_data(text, NULL)
                                : pad(text, EVP_CIPHER_get_block_size(cipher), broken, p);
    unsigned char *out = apr_palloc(p, (apr_size_t)iv + plain.len + GCM_TAG);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

    ck_assert_int_eq(RAND_bytes(out, iv), 1);
    ck_assert_int_eq(EVP_EncryptInit_ex(ctx, cipher, NULL, key, out), 1);
    ck_assert_int_eq(EVP_CIPHER_CTX_set_padding(ctx, 0), 1);
    ck_assert_int_eq(EVP_EncryptUpdate(ctx, out + iv, &n, plain.data, (int)plain.len), 1);
    ck_assert_int_eq(EVP_EncryptFinal_ex(ctx, out + iv + n, &rest), 1);
    n += iv + rest;
    if (is_gcm) {
        ck_assert_int_eq(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, GCM_TAG, out + n), 1);
        n += GCM_TAG;
    }
    EVP_CIPHER_CTX_free(ctx);
    return samlc_text_base64(out, (apr_size_t)n, p);
}

static const char *wrap_key(const unsigned char *key, apr_size_t len, const forge_encryption_t *how,
                            apr_pool_t *p)
{
    EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(how->to, NULL);
    unsigned char out[1024];
    size_t out_len = sizeof(out);
    int is_oaep = how->transport == NULL || strstr(how->transport, "oaep") != NULL;

    ck_assert_int_eq(EVP_PKEY_encrypt_init(ctx), 1);
    ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_padding(ctx, is_oaep ? RSA_PKCS1_OAEP_PADDING
                                                               : RSA_PKCS1_PADDING), 1);
    if (is_oaep) {
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_oaep_md(ctx, digest_named(how->digest)), 1);
        ck_assert_int_eq(EVP_PKEY_CTX_set_rsa_mgf1_md(ctx, digest_named(how->mgf)), 1);
    }
    if (how->label != NULL) {
        ck_assert_int_eq(EVP_PKEY_CTX_set0_rsa_oaep_label(ctx, OPENSSL_strdup(how->label),
                                                          (int)strlen(how->label)), 1);
    }
    ck_assert_int_eq(EVP_PKEY_encrypt(ctx, out, &out_len, key, len), 1);
    EVP_PKEY_CTX_free(ctx);
    return samlc_text_base64(out, out_len, p);
}

static const char *cipher_data(const char *value, apr_pool_t *p)
{
    return element("xenc:CipherData", element("xenc:CipherValue", value, p), p);
}

static const char *encrypted_key(const char *wrapped, const forge_encryption_t *how, apr_pool_t *p)
{
    const char *method = "";

    if (how->digest != NULL) {
        method = apr_psprintf(
            p, "<ds:DigestMethod xmlns:ds=\"" SAMLC_NS_DS "\" Algorithm=\"%s%s\"/>",
            strcmp(how->digest, "sha1") == 0 ? SAMLC_NS_DS : SAMLC_NS_XENC, how->digest);
    }
    if (how->mgf != NULL) {
        method = apr_psprintf(p, "%s<xenc11:MGF xmlns:xenc11=\"" SAMLC_NS_XENC11 "\" Algorithm=\""
                                 SAMLC_NS_XENC11 "mgf1%s\"/>", method, how->mgf);
    }
    if (how->label != NULL) {
        method = apr_psprintf(p, "<xenc:OAEPparams>%s</xenc:OAEPparams>%s",
                              samlc_text_base64(how->label, strlen(how->label), p), method);
    }
    return apr_psprintf(p, "<xenc:EncryptedKey xmlns:xenc=\"" SAMLC_NS_XENC "\">"
                           "<xenc:EncryptionMethod Algorithm=\"%s\">%s</xenc:EncryptionMethod>%s"
                           "</xenc:EncryptedKey>", given(how->transport, FORGE_OAEP_MGF1P), method,
                        cipher_data(wrapped, p));
}

const char *forge_encrypted(const char *name, const char *plaintext, const forge_encryption_t *how,
                            apr_pool_t *p)
{
    const char *cipher_name = given(how->cipher, "aes256-gcm");
    const EVP_CIPHER *cipher = cipher_named(cipher_name, p);
    int key_len = EVP_CIPHER_get_key_length(cipher);
    unsigned char key[EVP_MAX_KEY_LENGTH];
    int wrapped_len = how->longer_key ? EVP_MAX_KEY_LENGTH : key_len;
    const char *wrapped = NULL;

    ck_assert_int_eq(RAND_bytes(key, sizeof(key)), 1);
    wrapped = encrypted_key(wrap_key(key, (apr_size_t)wrapped_len, how, p), how, p);
    return apr_psprintf(
        p,
        "<saml:%s><xenc:EncryptedData xmlns:xenc=\"" SAMLC_NS_XENC "\" Type=\"" SAMLC_NS_XENC
        "Element\"><xenc:EncryptionMethod "
        "Algorithm=\"%s%s\"/>%s%s</xenc:EncryptedData>%s</saml:%s>",
        name, strstr(cipher_name, "gcm") != NULL ? SAMLC_NS_XENC11 : SAMLC_NS_XENC, cipher_name,
        how->keys_beside
            ? ""
            : apr_psprintf(p, "<ds:KeyInfo xmlns:ds=\"" SAMLC_NS_DS "\">%s</ds:KeyInfo>", wrapped),
        cipher_data(encrypt_content(plaintext, cipher, key, how->broken_padding, p), p),
        how->keys_beside ? wrapped : "", name);
}

const char *forge_encrypt(const char *xml, const forge_encryption_t *how, apr_pool_t *p)
{
    const char *plain = forge_element(xml, "saml:Assertion", p);

    return forge_replace(xml, plain, forge_encrypted("EncryptedAssertion", plain, how, p), p);
}
