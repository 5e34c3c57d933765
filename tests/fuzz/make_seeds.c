/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes the seeds: data/ (a trust directory with fresh keys) and corpus/. Findings of the fuzzers,
 * which are in the corpus as well, are left alone.
 *
 *   make_seeds TESTS/FUZZ            everything
 *   make_seeds TESTS/FUZZ session    only these seeds, without new keys: files, session, settings,
 *   signcerts, text
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/base/file.h"
#include "core/keys/cert.h"
#include "core/keys/seal.h"
#include "core/saml/request.h"
#include "core/trust/scope.h"
#include "core/store/session.h"
#include "core/xml/xml.h"
#include "forge.h"
#include "seeds.h"
#include "test.h"

static apr_pool_t *p;
static const char *top;
static const char *only;   /* NULL: all parts */

/* Everybody who has a certificate. */
static test_cert_t *idp, *stranger, *retired, *pinned, *other, *ca, *good, *revoked, *conflict_a,
    *conflict_b, *described, *loose, *sp;

/* --- files ---------------------------------------------------------------------------------- */

static void write_bytes(const char *name, const void *bytes, apr_size_t len)
{
    char *path = apr_pstrcat(p, top, "/", name, NULL);
    char *slash = path + strlen(top);
    FILE *f = NULL;

    while ((slash = strchr(slash + 1, '/')) != NULL) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    f = fopen(path, "wb");
    if (f == NULL || fwrite(bytes, 1, len, f) != len || fclose(f) != 0) {
        perror(path);
        exit(1);
    }
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

/* Many short texts: corpus/TARGET/NN.seed */
static void write_all(const char *target, const char *const *texts)
{
    int i = 0;

    for (i = 0; texts[i] != NULL; i++) {
        write_text(apr_psprintf(p, "corpus/%s/%02d.seed", target, i), texts[i]);
    }
}

/* --- certificates --------------------------------------------------------------------------- */

#define EC(...) test_cert_make(&(test_cert_spec_t){ .key_type = "EC", __VA_ARGS__ }, p)

static void make_certs(void)
{
    idp = test_cert_make(&(test_cert_spec_t){ .cn = "idp.example.org", .serial = 7 }, p);
    stranger = test_cert_make(&(test_cert_spec_t){ .cn = "idp.example.org", .serial = 7 }, p);
    sp = test_cert_make(&(test_cert_spec_t){ .cn = "sp.example.org" }, p);
    retired = EC(.cn = "retired.example.org");
    pinned = EC(.cn = "pinned.example.org");
    other = EC(.cn = "other.example.org");
    described = EC(.cn = "meta.example.org");
    loose = EC(.cn = "loose.example.org");
    ca = EC(.cn = "ca.example.org", .is_ca = 1);
    good = EC(.cn = "good.example.org", .issuer = ca, .serial = 2);
    revoked = EC(.cn = "revoked.example.org", .issuer = ca, .serial = 3);
    conflict_a = EC(.cn = "conflict.example.org", .issuer = ca, .serial = 4);
    conflict_b = EC(.cn = "conflict.example.org", .issuer = ca, .serial = 5);
}

/* A list of `issuer` that revokes serial 3, as PEM. */
static const char *make_crl(const test_cert_t *issuer, apr_time_t until, samlc_data_t *der)
{
    X509_CRL *crl = X509_CRL_new();
    X509_REVOKED *entry = X509_REVOKED_new();
    ASN1_TIME *from = ASN1_TIME_set(NULL, apr_time_sec(TEST_NOT_BEFORE));
    ASN1_TIME *to = ASN1_TIME_set(NULL, apr_time_sec(until));
    ASN1_INTEGER *serial = ASN1_INTEGER_new();
    BIO *bio = BIO_new(BIO_s_mem());
    unsigned char *bytes = NULL;
    char *text = NULL;
    const char *pem = NULL;
    long len = 0;

    ck_assert(ASN1_INTEGER_set(serial, 3) == 1 && X509_REVOKED_set_serialNumber(entry, serial) == 1
              && X509_REVOKED_set_revocationDate(entry, from) == 1);
    ck_assert(X509_CRL_set_version(crl, X509_CRL_VERSION_2) == 1
              && X509_CRL_set_issuer_name(crl, X509_get_subject_name(issuer->x509)) == 1
              && X509_CRL_set1_lastUpdate(crl, from) == 1 && X509_CRL_set1_nextUpdate(crl, to) == 1
              && X509_CRL_add0_revoked(crl, entry) == 1
              && X509_CRL_sign(crl, issuer->pkey, EVP_sha256()) > 0);
    ck_assert(PEM_write_bio_X509_CRL(bio, crl) == 1);
    len = BIO_get_mem_data(bio, &text);
    pem = apr_pstrmemdup(p, text, (apr_size_t)len);
    if (der != NULL) {
        len = i2d_X509_CRL(crl, &bytes);
        der->data = apr_pmemdup(p, bytes, (apr_size_t)len);
        der->len = (apr_size_t)len;
        OPENSSL_free(bytes);
    }
    BIO_free(bio);
    ASN1_INTEGER_free(serial);
    ASN1_TIME_free(from);
    ASN1_TIME_free(to);
    X509_CRL_free(crl);
    return pem;
}

static const char *fingerprint(const test_cert_t *cert)
{
    unsigned char sha256[32];

    ck_assert_int_eq(EVP_Digest(cert->der.data, cert->der.len, sha256, NULL, EVP_sha256(), NULL),
                     1);
    return samlc_text_hex(sha256, sizeof(sha256), p);
}

/* --- metadata ------------------------------------------------------------------------------- */

#define MD "<md:EntityDescriptor xmlns:md=\"" SAMLC_NS_MD "\" xmlns:ds=\"" SAMLC_NS_DS "\""
#define ROLE "<md:IDPSSODescriptor protocolSupportEnumeration=\"" SAMLC_NS_SAMLP "\">"
#define SSO                                                                                        \
    "<md:SingleSignOnService Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\""       \
    " Location=\"https://meta.example.org/sso\"/>"
#define KEY_VALUE "<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>2XCzKJ3sPpYbQJHcgrHsM0gnw9lyN6" \
                  "8iOaZ9Z6KTYKRn6d5pX7zS7m9GZ7mE0c1Yl3xqXh8v0rX3VbT2q0m1tQ==</ds:Modulus>" \
                  "<ds:Exponent>AQAB</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>"

static const char *key_descriptor(const char *use, const char *content)
{
    return apr_psprintf(p, "<md:KeyDescriptor%s><ds:KeyInfo>%s</ds:KeyInfo></md:KeyDescriptor>",
                        use, content);
}

static const char *entity(const char *id, const char *attributes, const char *keys)
{
    return apr_pstrcat(p, MD " entityID=\"", id, "\"", attributes, ">" ROLE, keys,
                       SSO "</md:IDPSSODescriptor></md:EntityDescriptor>", NULL);
}

/* With two scopes: what IdPs may say of users, see fuzz_signed.c. */
static const char *scoped_entity(const char *id, const char *keys)
{
    return forge_behind(
        entity(id, "", keys), ROLE,
        "<md:Extensions><shibmd:Scope xmlns:shibmd=\"" SAMLC_NS_SHIBMD
        "\" regexp=\"false\">" SEEDS_SCOPE "</shibmd:Scope><shibmd:Scope xmlns:shibmd="
        "\"" SAMLC_NS_SHIBMD "\" regexp=\"true\">^[a-z]+[.]example[.]net$</shibmd:Scope>"
        "</md:Extensions>",
        p);
}

static void make_metadata(void)
{
    const char *key = key_descriptor(" use=\"signing\"", forge_x509_data(described, p));
    const char *one = entity(SEEDS_METADATA_ENTITY, "", key);

    write_text(
        "data/trust/idp/meta/metadata.xml",
        entity(SEEDS_METADATA_ENTITY, "",
               apr_pstrcat(p, key, key_descriptor("", forge_x509_data(conflict_a, p)), NULL)));
    write_text("data/trust/idp/other/metadata.xml",
               scoped_entity(SEEDS_OTHER, key_descriptor("", forge_x509_data(other, p))));
    write_text("corpus/metadata/one.xml", one);
    write_text("corpus/metadata/scopes.xml", scoped_entity(SEEDS_METADATA_ENTITY, key));
    write_text("corpus/metadata/until.xml",
               entity(SEEDS_METADATA_ENTITY, " validUntil=\"2027-01-01T00:00:00Z\"", key));
    write_text("corpus/metadata/bare.xml",
               entity(SEEDS_METADATA_ENTITY, "", key_descriptor("", KEY_VALUE)));
    write_text("corpus/metadata/federation.xml",
               apr_pstrcat(p, "<md:EntitiesDescriptor xmlns:md=\"" SAMLC_NS_MD "\">", one,
                           forge_replace(one, "meta.example", "more.example", p),
                           "</md:EntitiesDescriptor>", NULL));
    write_text("corpus/metadata/no-key.xml", entity(SEEDS_METADATA_ENTITY, "", ""));
    write_text("corpus/metadata/encryption-only.xml",
               entity(SEEDS_METADATA_ENTITY, "",
                      key_descriptor(" use=\"encryption\"", forge_x509_data(described, p))));
    write_text("corpus/metadata/doctype.xml", apr_pstrcat(p, "<!DOCTYPE x>", one, NULL));
}

/* --- the trust directory -------------------------------------------------------------------- */

static void make_trust(void)
{
    write_text("data/trust/idp/main/idp.conf",
               apr_psprintf(p, "EntityID " SEEDS_MAIN "\nSignCerts CERT_VALIDATION:IGNORE_TRUST,%s,"
                               "%s\n", fingerprint(pinned), fingerprint(retired)));
    write_text("data/trust/idp/main/primary.pem", idp->pem);
    write_text("data/trust/idp/main/retired.pem", retired->pem);
    write_text("data/trust/idp/other/idp.conf",
               "EntityID " SEEDS_OTHER "\nAuthnContext urn:x " FORGE_PASSWORD
               "\nUserFilter ^[^!]\n");
    write_text("data/trust/idp/other/primary.pem", other->pem);
    write_text("data/trust/idp/chain/idp.conf",
               "EntityID " SEEDS_CHAIN "\nSignCerts ANY-TRUSTED\nCRLCheck leaf\n");
    write_text("data/trust/idp/chain/roots/ca.pem", ca->pem);
    write_text("data/trust/idp/chain/intermediates/a.pem", conflict_a->pem);
    write_text("data/trust/idp/chain/intermediates/b.pem", conflict_b->pem);
    write_text("data/trust/idp/chain/crls/ca.pem", make_crl(ca, TEST_NOT_AFTER, NULL));
    write_text(
        "data/trust/idp/loose/idp.conf",
        "EntityID " SEEDS_LOOSE "\nEncryptionAlgorithms +aes128-cbc +tripledes-cbc\n"
        "KeyTransportAlgorithms +rsa-1_5\nUnsignedCBC on\nUnsolicited on\nRemoteUser mail\n");
    write_text("data/trust/idp/loose/primary.pem", loose->pem);
    write_text("data/trust/sp/default/active.key", sp->key_pem);
    write_text("data/trust/sp/default/active.crt", sp->pem);
    write_text("data/other.key", other->key_pem);
    write_text("data/good.pem", good->pem);
    write_text("data/revoked.pem", revoked->pem);
}

/* --- messages ------------------------------------------------------------------------------- */

static const forge_t FROM_MAIN = { .issuer = SEEDS_MAIN };
static const forge_t FROM_OTHER = { .issuer = SEEDS_OTHER };
static const forge_t FROM_CHAIN = { .issuer = SEEDS_CHAIN };
static const forge_t FROM_LOOSE = { .issuer = SEEDS_LOOSE };
static const forge_t FROM_META = { .issuer = SEEDS_METADATA_ENTITY };

static const char *sign(const char *xml, const char *id, const test_cert_t *by)
{
    return forge_sign(xml, id, &(forge_signature_t){ .by = by }, p);
}

static const char *signed_by(const forge_t *f, const test_cert_t *by)
{
    return sign(forge_write(f, p), FORGE_ASSERTION_ID, by);
}

static void write_message(const char *name, const char *xml)
{
    write_text(apr_pstrcat(p, "corpus/response/", name, ".xml", NULL), xml);
}

static const char *encrypt(const char *xml)
{
    return forge_encrypt(xml, &(forge_encryption_t){ .to = sp->pkey }, p);
}

/* Encryption in forms that are off by default. */
static void make_encrypted_messages(void)
{
    const char *plain = signed_by(&FROM_LOOSE, loose);
    forge_encryption_t cbc = { .to = sp->pkey, .cipher = "aes128-cbc",
                               .transport = SAMLC_NS_XENC "rsa-1_5" };
    forge_encryption_t des = { .to = sp->pkey, .cipher = "tripledes-cbc" };
    forge_encryption_t oaep = { .to = sp->pkey,
                                .cipher = "aes128-gcm",
                                .transport = FORGE_OAEP,
                                .digest = "sha256",
                                .mgf = "sha256",
                                .label = "x",
                                .keys_beside = 1 };

    write_message(SEEDS_VALID "cbc", forge_encrypt(plain, &cbc, p));
    write_message(SEEDS_VALID "3des",
                  sign(forge_encrypt(plain, &des, p), FORGE_RESPONSE_ID, loose));
    write_message(SEEDS_VALID "oaep", forge_encrypt(plain, &oaep, p));
    write_message(SEEDS_HOSTILE "cbc-forbidden",
                  forge_encrypt(signed_by(&FROM_OTHER, other), &cbc, p));
    cbc.broken_padding = 1;
    write_message(SEEDS_HOSTILE "padding", forge_encrypt(plain, &cbc, p));
}

static const char *encrypted_id(const char *user)
{
    const char *name_id = apr_psprintf(p, "<saml:NameID xmlns:saml=\"" SAMLC_NS_SAML "\">%s"
                                          "</saml:NameID>", user);

    return forge_encrypted("EncryptedID", name_id, &(forge_encryption_t){ .to = sp->pkey }, p);
}

static void make_valid_messages(void)
{
    forge_t hidden = FROM_OTHER;
    const char *plain = signed_by(&FROM_OTHER, other);
    const char *unsigned_ = forge_write(&FROM_OTHER, p);

    hidden.name_id_xml = encrypted_id(SEEDS_USER);
    write_message(SEEDS_VALID "on-file", signed_by(&FROM_MAIN, idp));
    write_message(SEEDS_VALID "pinned", signed_by(&FROM_MAIN, pinned));
    write_message(SEEDS_VALID "chain", signed_by(&FROM_CHAIN, good));
    write_message(SEEDS_VALID "metadata", signed_by(&FROM_META, described));
    write_message(SEEDS_VALID "response", sign(unsigned_, FORGE_RESPONSE_ID, other));
    write_message(SEEDS_VALID "both", sign(plain, FORGE_RESPONSE_ID, other));
    write_message(SEEDS_VALID "unsolicited",
                  signed_by(&(forge_t){ .issuer = SEEDS_LOOSE, .in_response_to = "" }, loose));
    write_message(SEEDS_VALID "no-key-info",
                  forge_sign(forge_write(&FROM_MAIN, p), FORGE_ASSERTION_ID,
                             &(forge_signature_t){ .by = idp, .key_info = "" }, p));
    write_message(SEEDS_VALID "inclusive",
                  forge_sign(unsigned_, FORGE_ASSERTION_ID,
                             &(forge_signature_t){ .by = other, .c14n = FORGE_C14N }, p));
    write_message(SEEDS_VALID "encrypted", encrypt(plain));
    write_message(SEEDS_VALID "encrypted-under-signature",
                  sign(encrypt(unsigned_), FORGE_RESPONSE_ID, other));
    write_message(SEEDS_VALID "encrypted-id", signed_by(&hidden, other));
    write_message(SEEDS_VALID "base64", samlc_text_base64(plain, strlen(plain), p));
    write_message(SEEDS_VALID "comment",
                  signed_by(&(forge_t){ .issuer = SEEDS_OTHER,
                                        .name_id = "ali<!-- -->ce@exam<![CDATA[ple.org]]>" },
                            other));
}

/* Right but for one thing: whoever lets these pass has skipped a step. */
static void make_hostile_messages(void)
{
    const char *real = signed_by(&FROM_MAIN, idp);
    forge_t evil = FROM_MAIN;
    forge_t f = FROM_MAIN;

    evil.name_id = SEEDS_EVIL;
    write_message(SEEDS_HOSTILE "unsigned", forge_write(&evil, p));
    write_message(SEEDS_HOSTILE "stranger", signed_by(&evil, stranger));
    write_message(SEEDS_HOSTILE "retired", signed_by(&evil, retired));
    write_message(SEEDS_HOSTILE "other-idp", signed_by(&evil, other));
    write_message(SEEDS_HOSTILE "changed", forge_replace(real, SEEDS_USER, SEEDS_EVIL, p));
    write_message(SEEDS_HOSTILE "hmac",
                  forge_sign(forge_write(&evil, p), FORGE_ASSERTION_ID,
                             &(forge_signature_t){ .by = idp, .hmac_key = idp->pem,
                                 .method = "http://www.w3.org/2000/09/xmldsig#hmac-sha1" }, p));
    write_message(SEEDS_HOSTILE "sha1",
                  forge_sign(forge_write(&evil, p), FORGE_ASSERTION_ID,
                             &(forge_signature_t){ .by = idp,
                                 .method = "http://www.w3.org/2000/09/xmldsig#rsa-sha1" }, p));
    write_message(SEEDS_HOSTILE "encrypted-unsigned", encrypt(forge_write(&evil, p)));
    write_message(SEEDS_HOSTILE "doctype", apr_pstrcat(p, "<!DOCTYPE x>", real, NULL));
    f.audience = "https://else.example.org/saml";
    write_message(SEEDS_HOSTILE "audience", signed_by(&f, idp));
    f = FROM_MAIN;
    f.not_before = "";
    f.not_on_or_after = "2026-06-30T00:00:00Z";
    write_message(SEEDS_HOSTILE "expired", signed_by(&f, idp));
    f = FROM_MAIN;
    f.recipient = "https://else.example.org/acs";
    write_message(SEEDS_HOSTILE "recipient", signed_by(&f, idp));
    f = FROM_MAIN;
    f.in_response_to = "_another";
    write_message(SEEDS_HOSTILE "in-response-to", signed_by(&f, idp));
    f = FROM_CHAIN;
    f.name_id = SEEDS_EVIL;
    write_message(SEEDS_HOSTILE "revoked", signed_by(&f, revoked));
    write_message(SEEDS_HOSTILE "conflict", signed_by(&f, conflict_a));
    write_message(SEEDS_HOSTILE "not-chained", signed_by(&f, pinned));
}

/* The signed assertion moved to where nobody reads it, a forged one in its place. */
static void make_wrapped_messages(void)
{
    const char *real = signed_by(&FROM_MAIN, idp);
    const char *original = forge_element(real, "saml:Assertion", p);
    const char *signature = forge_element(real, "ds:Signature", p);
    const char *evil = forge_replace(forge_replace(original, SEEDS_USER, SEEDS_EVIL, p),
                                     FORGE_ASSERTION_ID, "_evil", p);
    const char *bare = forge_replace(original, signature, "", p);
    const char *holder = apr_pstrcat(p, "<ds:Object>", bare, "</ds:Object></ds:Signature>", NULL);

    write_message(SEEDS_HOSTILE "two-assertions", forge_before(real, "<saml:Assertion", evil, p));
    write_message(SEEDS_HOSTILE "in-extensions",
                  forge_replace(forge_before(real, "<samlp:Status>",
                                             apr_pstrcat(p, "<samlp:Extensions>", original,
                                                         "</samlp:Extensions>", NULL), p),
                                apr_pstrcat(p, "</samlp:Status>", original, NULL),
                                apr_pstrcat(p, "</samlp:Status>", evil, NULL), p));
    write_message(SEEDS_HOSTILE "in-object",
                  forge_replace(real, original,
                                forge_replace(evil, "</ds:Signature>", holder, p), p));
}

static void write_unsigned_text(const char *name, char what, const char *xml)
{
    write_text(apr_psprintf(p, "corpus/signed/%s.xml", name), apr_psprintf(p, "%c%s", what, xml));
}

static void write_unsigned(const char *name, char what, const forge_t *f)
{
    write_unsigned_text(name, what, forge_write(f, p));
}

/* The message with another assertion behind its own. */
static const char *with_second(const char *xml, const char *second)
{
    return forge_before(xml, "</samlp:Response>", forge_element(second, "saml:Assertion", p), p);
}

/* For the target that signs by itself. */
static void make_unsigned_messages(void)
{
    forge_t f = FROM_OTHER;

    write_unsigned("assertion", 'A', &FROM_OTHER);
    write_unsigned("response", 'R', &FROM_OTHER);
    f.restrictions_xml = "<saml:AudienceRestriction><saml:Audience>x</saml:Audience><saml:Audience>"
                         SEEDS_SP "</saml:Audience></saml:AudienceRestriction><saml:OneTimeUse/>"
                         "<saml:ProxyRestriction Count=\"0\"/>";
    write_unsigned("conditions", 'R', &f);
    f = FROM_OTHER;
    f.confirmations_xml = apr_pstrcat(
        p, forge_confirmation(" Recipient=\"https://else.example.org/acs\"", p),
        forge_confirmation(" InResponseTo=\"" SEEDS_REQUEST "\" Recipient=\"" SEEDS_ACS
                           "\" NotOnOrAfter=\"2026-07-01T02:05:00.5+02:00\"", p), NULL);
    write_unsigned("confirmations", 'A', &f);
    f = FROM_OTHER;
    f.name_id_xml = encrypted_id(SEEDS_USER);
    write_unsigned("encrypted-id", 'R', &f);
    f = FROM_OTHER;
    f.attributes_xml =
        "<saml:Attribute Name=\"urn:oid:1.3.6.1.4.1.5923.1.1.1.6\" FriendlyName=\"eppn\">"
        "<saml:AttributeValue>a</saml:AttributeValue><saml:AttributeValue><x xmlns="
        "\"urn:x\">b</x></saml:AttributeValue><saml:AttributeValue xmlns:xsi=\""
        "http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"/></saml:Attribute>";
    write_unsigned("attributes", 'A', &f);
    f.attributes_xml = "<saml:Attribute Name=\"eduPersonPrincipalName\">"
                       "<saml:AttributeValue>a@" SEEDS_SCOPE "</saml:AttributeValue>"
                       "<saml:AttributeValue>a@sub.example.net</saml:AttributeValue>"
                       "<saml:AttributeValue>a@evil.org</saml:AttributeValue></saml:Attribute>";
    write_unsigned("scopes", 'R', &f);
    f.attributes_xml = forge_encrypted("EncryptedAttribute",
                                       "<saml:Attribute Name=\"x\" xmlns:saml=\"" SAMLC_NS_SAML
                                       "\"><saml:AttributeValue>y</saml:AttributeValue>"
                                       "</saml:Attribute>",
                                       &(forge_encryption_t){ .to = sp->pkey }, p);
    write_unsigned("encrypted-attribute", 'A', &f);
    f = FROM_OTHER;
    f.assertion_id = "_second";
    write_unsigned_text("several", 'R',
                        with_second(forge_write(&FROM_OTHER, p), forge_write(&f, p)));
    f.confirmations_xml = f.authn_xml = "";
    write_unsigned_text("several-attributes", 'R',
                        with_second(forge_write(&FROM_OTHER, p), forge_write(&f, p)));
    f.name_id = SEEDS_EVIL;
    write_unsigned_text("several-subjects", 'R',
                        with_second(forge_write(&FROM_OTHER, p), forge_write(&f, p)));
    f = FROM_OTHER;
    f.not_before = "";
    f.not_on_or_after = "2026-06-01T00:00:00Z";
    write_unsigned("expired", 'A', &f);
    f.not_on_or_after = "1970-01-01T00:00:00Z";
    write_unsigned("epoch", 'A', &f);
}

/* --- queries -------------------------------------------------------------------------------- */

/* The query of a message that `by` signs; unsigned without. */
static const char *query(const test_cert_t *by, const char *relay_state)
{
    samlc_authn_request_t request = { .id = "_1",
                                      .entity_id = SEEDS_MAIN,
                                      .acs_url = SEEDS_ACS,
                                      .sso_url = "https://sp.example.org/",
                                      .issue_instant = TEST_NOW };
    samlc_result_t *res = samlc_result_make(p);
    samlc_data_t pem = { NULL, 0, "key" };
    samlc_key_t *key = NULL;
    const char *url = NULL;

    if (by != NULL) {
        pem = test_data(by->key_pem, "key");
        ck_assert_int_eq(samlc_key_parse_private(&key, &pem, res, p), APR_SUCCESS);
    }
    ck_assert_int_eq(samlc_request_redirect_url(&url, &request, relay_state, key, res, p),
                     APR_SUCCESS);
    write_text("data/request.xml", samlc_request_xml(&request, p));
    return strchr(url, '?') + 1;
}

static void write_query(const char *name, const char *text)
{
    write_text(apr_pstrcat(p, "corpus/redirect/", name, ".seed", NULL), text);
}

static void make_queries(void)
{
    const char *rsa = query(idp, SEEDS_RELAY_STATE);
    const char *signature = strstr(rsa, "&Signature=");
    const char *rest = apr_pstrmemdup(p, rsa, (apr_size_t)(signature - rsa));

    write_query(SEEDS_VALID "rsa", rsa);
    write_query(SEEDS_VALID "ec", query(other, SEEDS_RELAY_STATE));
    write_query(SEEDS_VALID "no-state", query(idp, NULL));
    write_query(SEEDS_VALID "order", apr_pstrcat(p, signature + 1, "&", rest, NULL));
    write_query(SEEDS_VALID "unknown", apr_pstrcat(p, "x=y&", rsa, "&z", NULL));
    write_query(SEEDS_HOSTILE "unsigned", query(NULL, SEEDS_RELAY_STATE));
    write_query(SEEDS_HOSTILE "stranger", query(stranger, SEEDS_RELAY_STATE));
    write_query(SEEDS_HOSTILE "retired", query(retired, SEEDS_RELAY_STATE));
    write_query(SEEDS_HOSTILE "changed",
                forge_replace(rsa, "RelayState=state", "RelayState=other", p));
    write_query(SEEDS_HOSTILE "twice", apr_pstrcat(p, rsa, "&RelayState=other", NULL));
    write_query(SEEDS_HOSTILE "encoded", apr_pstrcat(p, rsa, "&Relay%53tate=other", NULL));
    write_query(SEEDS_HOSTILE "no-signature", rest);
}

/* --- everything else ------------------------------------------------------------------------ */

/* `cert` with names for AnchorConstraint, signed anew, as PEM. */
static const char *with_alt_names(test_cert_t *cert, const test_cert_t *issuer)
{
    X509_EXTENSION *names = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name,
                                                "DNS:idp.example.org,URI:https://idp.example.org");
    BIO *bio = BIO_new(BIO_s_mem());
    char *text = NULL;
    const char *pem = NULL;
    long len = 0;

    ck_assert(names != NULL && X509_add_ext(cert->x509, names, -1) == 1
              && X509_sign(cert->x509, issuer->pkey, EVP_sha256()) > 0
              && PEM_write_bio_X509(bio, cert->x509) == 1);
    len = BIO_get_mem_data(bio, &text);
    pem = apr_pstrmemdup(p, text, (apr_size_t)len);
    X509_EXTENSION_free(names);
    BIO_free(bio);
    return pem;
}

static void make_cert_files(void)
{
    samlc_data_t der = { NULL, 0, NULL };
    const test_cert_t *old_ca = EC(.cn = "old", .is_ca = 1, .not_after = TEST_NOW - 1000000);
    const test_cert_t *no_ca = EC(.cn = "no CA");

    write_text("corpus/cert/rsa.pem", idp->pem);
    write_text("corpus/cert/bundle.pem",
               apr_pstrcat(p, "CA\n", ca->pem, "leaf\n", good->pem, NULL));
    write_text("corpus/cert/expired.pem",
               apr_pstrcat(p, old_ca->pem, EC(.cn = "leaf", .issuer = old_ca)->pem, NULL));
    write_text("corpus/cert/no-ca.pem",
               apr_pstrcat(p, no_ca->pem, EC(.cn = "leaf", .issuer = no_ca)->pem, NULL));
    write_text("corpus/cert/alt-names.pem",
               apr_pstrcat(p, ca->pem, with_alt_names(EC(.cn = "names", .issuer = ca), ca), NULL));
    write_bytes("corpus/cert/ec.der", other->der.data, other->der.len);
    write_text("corpus/cert/key.pem", apr_pstrcat(p, other->pem, other->key_pem, NULL));
    write_text("corpus/cert/cut.pem", apr_pstrndup(p, other->pem, strlen(other->pem) - 40));
    write_bytes("corpus/cert/longer.der", idp->der.data, idp->der.len - 1);
    write_text("corpus/crl/good.pem", make_crl(ca, TEST_NOT_AFTER, &der));
    write_bytes("corpus/crl/good.der", der.data, der.len);
    write_text("corpus/crl/stale.pem", make_crl(ca, TEST_NOW - apr_time_from_sec(1), NULL));
    write_text("corpus/crl/stranger.pem", make_crl(other, TEST_NOT_AFTER, NULL));
    write_text("corpus/crl/none.pem", ca->pem);
}

static void make_sealed(void)
{
    static const char *const texts[] = SEEDS_SEALED_TEXTS;
    samlc_seal_t *seal = samlc_seal_make(SEEDS_SEAL_KEY, p);
    const char *sealed = NULL;
    int i = 0;

    for (i = 0; texts[i] != NULL; i++) {
        ck_assert_int_eq(samlc_seal_close(&sealed, seal, SEEDS_PURPOSE, texts[i],
                                          SEEDS_SEALED_UNTIL, p), APR_SUCCESS);
        write_text(apr_psprintf(p, "corpus/seal/%d.seed", i), sealed);
    }
    ck_assert_int_eq(samlc_seal_close(&sealed, seal, SEEDS_PURPOSE, "late", TEST_NOW, p),
                     APR_SUCCESS);
    write_text("corpus/seal/late.seed", sealed);
    write_text("corpus/seal/other-key.seed", apr_pstrcat(p, "AAAA", sealed + 4, NULL));
}

static void make_sessions(void)
{
    samlc_session_t session = { .user = SEEDS_USER, .idp_name = "main", .cert_sha256 = "",
                                .created = TEST_NOW, .not_after = TEST_NOT_AFTER };
    samlc_data_t bytes = samlc_session_encode(&session, p);
    samlc_attribute_t *attribute = NULL;

    write_bytes("corpus/session/small.seed", bytes.data, bytes.len);
    write_bytes("corpus/session/cut.seed", bytes.data, bytes.len - 1);
    session.attributes = apr_array_make(p, 2, sizeof(samlc_attribute_t));
    attribute = apr_array_push(session.attributes);
    attribute->name = "mail";
    attribute->values = apr_array_make(p, 2, sizeof(const char *));
    APR_ARRAY_PUSH(attribute->values, const char *) = SEEDS_USER;
    APR_ARRAY_PUSH(attribute->values, const char *) = "";
    attribute = apr_array_push(session.attributes);
    attribute->name = "none";
    attribute->values = NULL;
    bytes = samlc_session_encode(&session, p);
    write_bytes("corpus/session/attributes.seed", bytes.data, bytes.len);
    write_text("corpus/session/empty.seed", "");
}

static void make_texts(void)
{
    static const char *const texts[] = {
        "bc2VlZA==", "bc2Vl\r\nZGVk\r\n", "bc2VlZB==", "ua+b%20c%2F", "ua%00", "ua%2",
        "s<&>\"' x\t\x1b\xc3\xa4", "c2026-07-01T00:00:00Z", "c2026-02-28T24:00:00+14:00",
        "c2016-12-31T23:59:60Z", "c2024-02-29T12:00:00.123456789-05:30",
        "c2026-02-29T00:00:00Z", "c2026-07-01T00:00:00", "c1970-01-01T00:00:00Z",
        "c9999-12-31T24:00:00Z", "c0001-01-01T00:00:00+14:00", NULL
    };
    static const char *const targets[] = {
        "/", "/app/?a=b#c", "https://sp.example.org/app/", "HTTPS://SP.example.org:443?x",
        "https://allowed.example.org/x", "https://port.example.org:8443/x",
        "//evil.example.org", "/\\evil.example.org", "/%2f/evil.example.org", "/%09/evil",
        "https://sp.example.org.evil.org/", "https://sp.example.org@evil.org/",
        "http://sp.example.org/", "javascript:alert(1)", "https:/sp.example.org/",
        "https://[::1]:443/", "/a\tb", "", NULL
    };
    static const char *const forms[] = {
        "SAMLResponse=PHg%2BPC94Pg%3D%3D&RelayState=%2Fapp%2F", "a=1&b=2&c", "a=1&a=2",
        "a=1&A=2", "%61=1", "a=%zz", "=x", "a=%00", "", "&&",
        "target=%2Fapp%2F%3Fa%3Db&idp=https%3A%2F%2Fidp", NULL
    };

    write_all("text", texts);
    write_all("target", targets);
    write_all("form", forms);
}

#define HEX64 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define HEX40 "00:11:22:33:44:55:66:77:88:99:AA:BB:CC:DD:EE:FF:00:11:22:33"

static void make_lists(void)
{
    static const char *const lists[] = { HEX64,
                                         "CERT_VALIDATION:IGNORE_TRUST," HEX64 "," HEX40,
                                         "ANY-TRUSTED",
                                         HEX64 ",ANY-TRUSTED",
                                         "spki-sha256:" HEX64,
                                         "spki-sha256:ABEiM0RVZneImaq7zN3u/wARIjNEVWZ3iJmqu8zd7v8=",
                                         "sha256:" HEX64 ", " HEX64 HEX64,
                                         "# comment\n" HEX64 "\n" HEX40
                                         " # another\n\nANY-TRUSTED\n",
                                         "CERT_VALIDATION:IGNORE_TRUST\n" HEX64 "\n",
                                         HEX64 ",",
                                         ",",
                                         "CERT_VALIDATION:IGNORE_TRUST,ANY-TRUSTED",
                                         HEX64 ",CERT_VALIDATION:IGNORE_TRUST",
                                         "sha1:" HEX64,
                                         "0011",
                                         "\xef\xbb\xbf" HEX64,
                                         "",
                                         NULL };

    write_all("signcerts", lists);
}

static void make_settings(void)
{
    static const char *const settings[] = {
        "EntityID https://idp.example.org/idp\n",
        "# comment\n\nSignCerts \"ANY-TRUSTED\"\nValidateChain on\n",
        "CertExpiry warn\nCertConflict issuer+subject\nCRLCheck chain\nMinRSABits 4096\nClockSkew "
        "0\n",
        "SignatureAlgorithms +rsa-sha1 -rsa-sha512\nDigestAlgorithms sha256 sha512\n"
        "EncryptionAlgorithms +aes128-cbc\nKeyTransportAlgorithms "
        "http://www.w3.org/2009/xmlenc11#rsa-oaep\n",
        "AuthnContext urn:a urn:b\nUserFilter ^[a-z]+@example[.]org$\nRemoteUser mail\nSSOUrl "
        "https://i/sso\n",
        "AnchorConstraint san-dns:idp.example.org\nUnsolicited on\nSSOBinding redirect\nStatus "
        "inactive\n",
        "MinRSABits 12\n",
        "Unknown x\n",
        "EntityID a\nEntityID b\n",
        "SSOUrl \"https://i/ sso\"\n",
        "UserFilter ^([a-z]{1,20}\\.){1,3}[^]]{2,}(x|y)*$\n",
        "UserFilter (a{1000}){1000}\n",
        "EntityID \"x\n",
        NULL
    };

    write_all("settings", settings);
}

/* Both assertions signed; the second one not, and of somebody else. */
static void make_several_messages(void)
{
    forge_t second = FROM_OTHER;
    const char *first = signed_by(&FROM_OTHER, other);

    second.assertion_id = "_second";
    write_message(SEEDS_VALID "several",
                  with_second(first, sign(forge_write(&second, p), "_second", other)));
    second.name_id = SEEDS_EVIL;
    write_message(SEEDS_HOSTILE "several-unsigned", with_second(first, forge_write(&second, p)));
    second.name_id = SEEDS_GUEST;
    write_message(SEEDS_VALID "guest", sign(forge_write(&second, p), "_second", other));
    write_message(SEEDS_HOSTILE "several-subjects",
                  with_second(sign(forge_write(&second, p), "_second", other), first));
}

/* Files in the state directory, and a header. */
static void make_files(void)
{
    static const char *const cookies[] = {
        "samlcert=abc", "a=1; b=2; a=3", " ;; a=1;\tb ; =2;c==\";\"", "a", "", ";", NULL
    };
    static const char *const abouts[] = {
        "digest 00ff\nnumber 12\naccepted 2026-07-01T00:00:00Z\ntrust-dir /etc/saml cert\n",
        "trust-dir /\ndigest x\nnumber 18446744073709551615\n\nlater 1\n",
        "digest 00ff\n", "digest 00ff\naccepted now\ntrust-dir /\n", "", NULL
    };
    static const char lines[] = "IdP: main\nSubject: CN=Last-Seen: never\n" "Chain: ok\n"
                                "First-Seen: 2026-07-01T00:00:00Z\n";
    const char *path = apr_pstrcat(p, top, "/data/good.pem", NULL);
    samlc_data_t pem;

    write_all("cookie", cookies);
    write_all("about", abouts);
    ck_assert_int_eq(samlc_file_read(&pem, path, SAMLC_MAX_CERT_FILE, samlc_result_make(p), p),
                     APR_SUCCESS);
    write_text("corpus/unlisted/sound.pem",
               apr_pstrcat(p, lines, "Last-Seen: 2026-07-01T01:00:00Z\n", pem.data, NULL));
    write_text("corpus/unlisted/half.pem", apr_pstrcat(p, lines, pem.data, NULL));
    write_text("corpus/unlisted/no-certificate.pem", lines);
}

/* What depends on keys is made together. */
static void make_signed(void)
{
    make_certs();
    make_trust();
    make_metadata();
    make_valid_messages();
    make_encrypted_messages();
    make_hostile_messages();
    make_wrapped_messages();
    make_unsigned_messages();
    make_several_messages();
    make_queries();
    make_cert_files();
    make_sealed();
}

static const struct {
    const char *name;
    void (*make)(void);
} parts[] = {
    { "keys", make_signed },
    { "files", make_files },
    { "session", make_sessions },
    { "text", make_texts },
    { "settings", make_settings },
    { "signcerts", make_lists },
};

START_TEST(make_parts)
{
    size_t i = 0;

    ck_assert(samlc_xml_init_once());
    for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        if (only == NULL || strcmp(only, parts[i].name) == 0) {
            parts[i].make();
        }
    }
}
END_TEST

/* The forge of the unit tests works within a test only. */
int main(int argc, const char *const *argv)
{
    Suite *suite = suite_create("seeds");
    TCase *tc = tcase_create("seeds");
    SRunner *runner = srunner_create(suite);
    int failed = 0;

    if (argc != 2 && argc != 3) {
        fprintf(stderr, "usage: make_seeds TESTS/FUZZ [PART]\n");
        return EXIT_FAILURE;
    }
    top = argv[1];
    only = argv[2];
    apr_initialize();
    atexit(apr_terminate);
    apr_pool_create(&p, NULL);
    tcase_add_test(tc, make_parts);
    suite_add_tcase(suite, tc);
    srunner_set_fork_status(runner, CK_NOFORK);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
