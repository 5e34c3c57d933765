/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of SAML Core and Profiles as tables: each refusal has a twin that passes, at the border
 * where there is one. It is TEST_NOW = 2026-07-01T00:00:00Z and ClockSkew is 180 s; all are signed
 * by the IdP.
 */
#include "core/saml/rules.h"

#include <apr_strings.h>

#include "test.h"
#include "world.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define OK_ SAMLC_REASON_OK

#define AUDIENCE(name) "<saml:Audience>" name "</saml:Audience>"
#define RESTRICTION(audiences) "<saml:AudienceRestriction>" audiences "</saml:AudienceRestriction>"
#define BEARER(attributes) \
    "<saml:SubjectConfirmation Method=\"" FORGE_BEARER "\">" \
    "<saml:SubjectConfirmationData " attributes "/></saml:SubjectConfirmation>"
#define ANSWERS "InResponseTo=\"" FORGE_REQUEST "\" "
#define TO_US "Recipient=\"" FORGE_ACS "\" "
#define IN_TIME "NotOnOrAfter=\"2026-07-01T00:05:00Z\" "
#define ATTRIBUTE(name, values) "<saml:Attribute Name=\"" name "\">" values "</saml:Attribute>"
#define VALUE(text) "<saml:AttributeValue>" text "</saml:AttributeValue>"
#define X509 "urn:oasis:names:tc:SAML:2.0:ac:classes:X509"
#define CLASS_REF "<saml:AuthnContextClassRef>" FORGE_PASSWORD "</saml:AuthnContextClassRef>"
#define DECLARATION "<saml:AuthnContextDeclRef>" X509 "</saml:AuthnContextDeclRef>"
#define STATEMENT(instant) \
    "<saml:AuthnStatement AuthnInstant=\"" instant "\"><saml:AuthnContext>" CLASS_REF \
    "</saml:AuthnContext></saml:AuthnStatement>"
#define ENTITY_FORMAT "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
#define EMAIL_FORMAT "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"

typedef struct rule_case_t {
    samlc_reason_t reason;
    forge_t f;
    const char *conf;              /* lines of idp.conf */
    const char *signs;             /* ID of what is signed; by default the assertion */
    const char *from, *to;         /* surgery before it is signed */
} rule_case_t;

/* spec: SAML-Core 3.2.2 - the envelope */
static const rule_case_t envelope[] = {
    { OK_, .f = { 0 } },
    { SAMLC_REASON_MALFORMED, .f = { .response_version = "1.1" } },
    { SAMLC_REASON_MALFORMED, .f = { .response_version = "2.1" } },
    { SAMLC_REASON_MALFORMED, .f = { .response_version = "" } },
    { SAMLC_REASON_MALFORMED, .f = { .response_id = "" } },
    { SAMLC_REASON_MALFORMED, .f = { .response_id = "1" } },
    { SAMLC_REASON_MALFORMED, .f = { .response_instant = "" } },
    { SAMLC_REASON_MALFORMED, .f = { .response_instant = "today" } },
    { SAMLC_REASON_MALFORMED, .f = { .status_xml = "" } },
    { SAMLC_REASON_MALFORMED, .f = { .status_xml = "<samlp:Status/>" } },
    { SAMLC_REASON_MALFORMED,
      .f = { .status_xml = "<samlp:Status><samlp:StatusCode/></samlp:Status>" } },
    { SAMLC_REASON_STATUS_NOT_SUCCESS,
      .f = { .status = "urn:oasis:names:tc:SAML:2.0:status:Responder" } },
    { SAMLC_REASON_STATUS_NOT_SUCCESS,
      .f = { .status = "urn:oasis:names:tc:SAML:2.0:status:success" } },
    { SAMLC_REASON_STATUS_NOT_SUCCESS, .f = { .status = " " FORGE_SUCCESS } },
    { SAMLC_REASON_STATUS_NOT_SUCCESS,
      .f = { .status_xml =
                 "<samlp:Status><samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:"
                 "Responder\"><samlp:StatusCode Value=\"" FORGE_SUCCESS "\"/></samlp:StatusCode>"
                 "<samlp:StatusMessage>" FORGE_SUCCESS "</samlp:StatusMessage></samlp:Status>" } },
    { SAMLC_REASON_MALFORMED, .f = { 0 }, .from = "</samlp:Status>",
      .to = "</samlp:Status><samlp:Status/>" },
    { SAMLC_REASON_MALFORMED, .f = { 0 }, .from = "</samlp:Status>", .to = "</samlp:Status>text" },
    { OK_, .f = { 0 }, .from = "<samlp:Status>",
      .to = "<samlp:Extensions><x/></samlp:Extensions><samlp:Status>" },
};

/* spec: SAML-Profiles 4.1.4.2 - one IdP: of the response, of the assertion, of the key */
static const rule_case_t issuers[] = {
    { OK_, .f = { .response_issuer = "" } },
    { SAMLC_REASON_UNKNOWN_IDP, .f = { .issuer = "https://unknown.example.org/" } },
    { SAMLC_REASON_UNKNOWN_IDP, .f = { .issuer = FORGE_IDP "/" } },
    { SAMLC_REASON_UNKNOWN_IDP, .f = { .issuer = "https://IDP.example.org/idp" } },
    { SAMLC_REASON_UNKNOWN_IDP, .f = { .issuer = " " FORGE_IDP } },
    { SAMLC_REASON_UNKNOWN_IDP, .f = { .response_issuer = FORGE_IDP "?" } },
    { SAMLC_REASON_WRONG_ISSUER, .f = { .issuer = WORLD_OTHER_IDP, .response_issuer = FORGE_IDP } },
    { SAMLC_REASON_WRONG_ISSUER, .f = { .issuer = FORGE_IDP "/", .response_issuer = FORGE_IDP } },
    { SAMLC_REASON_WRONG_ISSUER, .f = { .response_issuer = WORLD_OTHER_IDP } },
    { SAMLC_REASON_CERT_NOT_LISTED, .f = { .issuer = WORLD_OTHER_IDP } },
    { OK_, .f = { 0 }, .from = "<saml:Issuer>",
      .to = "<saml:Issuer Format=\"" ENTITY_FORMAT "\">" },
    { SAMLC_REASON_WRONG_ISSUER, .f = { 0 }, .from = "<saml:Issuer>",
      .to = "<saml:Issuer Format=\"" EMAIL_FORMAT "\">" },
    { SAMLC_REASON_WRONG_ISSUER, .f = { .response_issuer = "" }, .from = "<saml:Issuer>",
      .to = "<saml:Issuer Format=\"" EMAIL_FORMAT "\">" },
    { OK_, .f = { .response_issuer = "" }, .from = "<saml:Issuer>",
      .to = "<saml:Issuer Format=\"" ENTITY_FORMAT "\">" },
    { SAMLC_REASON_IDP_INACTIVE, .f = { 0 }, .conf = "Status inactive\n" },
    { OK_, .f = { 0 }, .conf = "Status active\n" },
};

/* spec: SAML-Bindings 3.5.5.2 - Destination; where the response is signed it has to be there */
static const rule_case_t destinations[] = {
    { OK_, .f = { 0 }, .signs = FORGE_RESPONSE_ID },
    { OK_, .f = { .destination = "" } },
    { SAMLC_REASON_WRONG_DESTINATION, .f = { .destination = "" }, .signs = FORGE_RESPONSE_ID },
    { SAMLC_REASON_WRONG_DESTINATION,
      .f = { .destination = "https://other.example.org/saml/acs" } },
    { SAMLC_REASON_WRONG_DESTINATION, .f = { .destination = FORGE_ACS "/" } },
    { SAMLC_REASON_WRONG_DESTINATION, .f = { .destination = FORGE_ACS "?x" } },
    { SAMLC_REASON_WRONG_DESTINATION, .f = { .destination = FORGE_SP } },
    { SAMLC_REASON_WRONG_DESTINATION,
      .f = { .destination = "https://sp.example.org:443/saml/acs" } },
    { SAMLC_REASON_WRONG_DESTINATION, .f = { .destination = "https://SP.example.org/saml/acs" } },
    { SAMLC_REASON_WRONG_DESTINATION, .f = { .destination = "http://sp.example.org/saml/acs" } },
    { SAMLC_REASON_WRONG_DESTINATION, .f = { .destination = FORGE_ACS " " } },
};

/* spec: SAML-Core 2.5.1.2 - NotOnOrAfter excludes its instant, the skew is applied once */
static const rule_case_t times[] = {
    { OK_, .f = { .not_before = "2026-07-01T00:03:00Z" } },
    { SAMLC_REASON_NOT_YET_VALID, .f = { .not_before = "2026-07-01T00:03:00.000001Z" } },
    { OK_, .f = { .not_before = "2026-07-01T02:03:00+02:00" } },
    { SAMLC_REASON_NOT_YET_VALID, .f = { .not_before = "2026-07-01T00:03:00-00:01" } },
    { OK_, .f = { .not_before = "", .not_on_or_after = "2026-06-30T23:57:00.000001Z" } },
    { SAMLC_REASON_EXPIRED, .f = { .not_before = "", .not_on_or_after = "2026-06-30T23:57:00Z" } },
    { SAMLC_REASON_EXPIRED,
      .f = { .not_before = "", .not_on_or_after = "2026-06-30T23:56:59.9Z" } },
    { OK_, .f = { .not_before = "", .not_on_or_after = "" } },
    /* both within the skew, and the wrong way round */
    { OK_, .f = { .not_before = "2026-07-01T00:00:49Z",
                  .not_on_or_after = "2026-07-01T00:00:50Z" } },
    { SAMLC_REASON_MALFORMED, .f = { .not_before = "2026-07-01T00:00:50Z",
                                     .not_on_or_after = "2026-07-01T00:00:50Z" } },
    { SAMLC_REASON_MALFORMED, .f = { .not_before = "2026-07-01T00:01:40Z",
                                     .not_on_or_after = "2026-07-01T00:00:50Z" } },
    { SAMLC_REASON_MALFORMED, .f = { .not_before = "2026-07-01T00:00:00" } },
    { SAMLC_REASON_MALFORMED, .f = { .not_on_or_after = "2026-13-01T00:00:00Z" } },
    { OK_, .f = { .confirmed_until = "2026-06-30T23:57:00.000001Z" } },
    { SAMLC_REASON_EXPIRED, .f = { .confirmed_until = "2026-06-30T23:57:00Z" } },
    { SAMLC_REASON_EXPIRED, .f = { .confirmed_until = "" } },
    { OK_, .f = { .session_until = "2026-06-30T23:57:00.000001Z" } },
    { SAMLC_REASON_EXPIRED, .f = { .session_until = "2026-06-30T23:57:00Z" } },
    { OK_, .f = { .session_until = "" } },
    { OK_, .f = { .instant = "2026-07-01T00:03:00Z", .response_instant = "2026-07-01T00:03:00Z" } },
    { SAMLC_REASON_NOT_YET_VALID, .f = { .instant = "2026-07-01T00:03:01Z" } },
    { SAMLC_REASON_NOT_YET_VALID, .f = { .response_instant = "2026-07-01T00:03:01Z" } },
    { OK_, .f = { .instant = "2026-06-29T23:57:00.000001Z" } },
    { SAMLC_REASON_EXPIRED, .f = { .instant = "2026-06-29T23:57:00Z" } },
    { OK_, .f = { .response_instant = "2026-06-29T23:57:00.000001Z" } },
    { SAMLC_REASON_EXPIRED, .f = { .response_instant = "2026-06-29T23:57:00Z" } },
    { OK_, .f = { .response_instant = "2026-06-29T23:57:00.000001Z" },
      .signs = FORGE_RESPONSE_ID },
    { SAMLC_REASON_EXPIRED, .f = { .response_instant = "2026-06-29T23:57:00Z" },
      .signs = FORGE_RESPONSE_ID },
    { OK_, .f = { .authn_instant = "2026-07-01T00:03:00Z" } },
    { SAMLC_REASON_NOT_YET_VALID, .f = { .authn_instant = "2026-07-01T00:03:00.000001Z" } },
    { OK_, .f = { .authn_instant = "2026-01-01T00:00:00Z" } },
    { OK_, .f = { .authn_xml = STATEMENT("2026-06-30T00:00:00Z")
                               STATEMENT("2026-07-01T00:03:00Z") } },
    { SAMLC_REASON_NOT_YET_VALID,
      .f = { .authn_xml = STATEMENT("2026-06-30T00:00:00Z") STATEMENT("2026-07-01T00:03:01Z") } },
    { OK_, .f = { .authn_instant = "2026-07-01T00:00:00Z" }, .conf = "ClockSkew 0\n" },
    { SAMLC_REASON_NOT_YET_VALID, .f = { .authn_instant = "2026-07-01T00:00:01Z" },
      .conf = "ClockSkew 0\n" },
    { OK_, .f = { .not_on_or_after = "2026-07-01T00:00:00.000001Z" }, .conf = "ClockSkew 0\n" },
    { SAMLC_REASON_EXPIRED, .f = { .not_on_or_after = "2026-07-01T00:00:00Z" },
      .conf = "ClockSkew 0\n" },
    { OK_, .f = { .not_before = "2026-07-01T00:00:00Z" }, .conf = "ClockSkew 0\n" },
    { SAMLC_REASON_NOT_YET_VALID, .f = { .not_before = "2026-07-01T00:00:00.000001Z" },
      .conf = "ClockSkew 0\n" },
};

/* spec: SAML-Core 2.5.1 - AND over restrictions, OR within; what is not understood refuses */
static const rule_case_t conditions[] = {
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .conditions_xml = "" } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .restrictions_xml = "" } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .restrictions_xml = RESTRICTION(AUDIENCE("")) } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .audience = "https://other.example.org/saml" } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .audience = FORGE_SP "/" } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .audience = "https://sp.example.org/sam" } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .audience = "https://sp.example.org/SAML" } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .audience = FORGE_SP " " } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .audience = "\n" FORGE_SP } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .audience = "*" } },
    { SAMLC_REASON_WRONG_AUDIENCE, .f = { .audience = FORGE_SP "<!-- -->.evil" } },
    { OK_, .f = { .audience = "https://sp.example<!-- -->.org/saml" } },
    { OK_, .f = { .restrictions_xml = RESTRICTION(AUDIENCE("a") AUDIENCE(FORGE_SP)) } },
    { OK_, .f = { .restrictions_xml = RESTRICTION(AUDIENCE(FORGE_SP))
                      RESTRICTION(AUDIENCE(FORGE_SP) AUDIENCE("a")) } },
    { SAMLC_REASON_WRONG_AUDIENCE,
      .f = { .restrictions_xml = RESTRICTION(AUDIENCE(FORGE_SP)) RESTRICTION(AUDIENCE("a")) } },
    { SAMLC_REASON_WRONG_AUDIENCE,
      .f = { .restrictions_xml = RESTRICTION(AUDIENCE("a")) RESTRICTION(AUDIENCE(FORGE_SP)) } },
    { OK_, .f = { .restrictions_xml = RESTRICTION(AUDIENCE(FORGE_SP)) "<saml:OneTimeUse/>" } },
    { OK_,
      .f = { .restrictions_xml = RESTRICTION(AUDIENCE(FORGE_SP)) "<saml:ProxyRestriction/>" } },
    { SAMLC_REASON_MALFORMED,
      .f = { .restrictions_xml = RESTRICTION(AUDIENCE(FORGE_SP)) "<saml:Condition/>" } },
    { SAMLC_REASON_MALFORMED,
      .f = { .restrictions_xml = RESTRICTION(AUDIENCE(FORGE_SP))
                                 "<x:OneTimeUse xmlns:x=\"urn:x\"/>" } },
};

/* spec: SAML-Profiles 4.1.4.3 - one bearer confirmation fulfils all rules by itself */
static const rule_case_t confirmations[] = {
    { SAMLC_REASON_NO_SUBJECT, .f = { .confirmations_xml = "" } },
    { SAMLC_REASON_NO_SUBJECT,
      .f = { .confirmations_xml =
                 "<saml:SubjectConfirmation Method=\"urn:oasis:names:tc:SAML:2.0:cm:holder-"
                 "of-key\"><saml:SubjectConfirmationData " ANSWERS TO_US IN_TIME "/>"
                 "</saml:SubjectConfirmation>" } },
    { SAMLC_REASON_WRONG_RECIPIENT,
      .f = { .confirmations_xml = "<saml:SubjectConfirmation Method=\"" FORGE_BEARER "\"/>" } },
    { OK_, .f = { .confirmations_xml = BEARER(ANSWERS TO_US IN_TIME) } },
    { OK_, .f = { .confirmations_xml = BEARER(ANSWERS TO_US IN_TIME "Address=\"192.0.2.1\"") } },
    { SAMLC_REASON_WRONG_RECIPIENT, .f = { .recipient = "" } },
    { SAMLC_REASON_WRONG_RECIPIENT, .f = { .recipient = FORGE_SP } },
    { SAMLC_REASON_WRONG_RECIPIENT, .f = { .recipient = FORGE_ACS "/" } },
    { SAMLC_REASON_WRONG_RECIPIENT, .f = { .recipient = FORGE_ACS "x" } },
    { SAMLC_REASON_WRONG_RECIPIENT, .f = { .recipient = "https://sp.example.org/saml/ACS" } },
    { SAMLC_REASON_WRONG_RECIPIENT, .f = { .recipient = "https://sp.example.org:443/saml/acs" } },
    { SAMLC_REASON_WRONG_RECIPIENT, .f = { .recipient = "https://sp.example.org./saml/acs" } },
    { SAMLC_REASON_MALFORMED,
      .f = { .confirmations_xml = BEARER(ANSWERS TO_US IN_TIME
                                         "NotBefore=\"2026-06-30T00:00:00Z\"") } },
    { OK_, .f = { .confirmations_xml = BEARER("Recipient=\"x\"") BEARER(ANSWERS TO_US IN_TIME) } },
    { OK_, .f = { .confirmations_xml = BEARER(ANSWERS TO_US IN_TIME) BEARER("Recipient=\"x\"") } },
    { SAMLC_REASON_WRONG_RECIPIENT,
      .f = { .confirmations_xml = BEARER(ANSWERS IN_TIME) BEARER(ANSWERS TO_US) } },
    { SAMLC_REASON_EXPIRED,
      .f = { .confirmations_xml = BEARER(ANSWERS TO_US) BEARER(ANSWERS IN_TIME) } },
    { SAMLC_REASON_WRONG_RECIPIENT,
      .f = { .confirmations_xml = BEARER(ANSWERS "xmlns:x=\"urn:x\" x:" TO_US IN_TIME) } },
    { SAMLC_REASON_EXPIRED,
      .f = { .confirmations_xml = BEARER(ANSWERS TO_US "xmlns:x=\"urn:x\" x:" IN_TIME) } },
};

/* spec: SAML-Profiles 4.1.4.3, 4.1.5 - an answer to a request of this browser, or to none */
static const rule_case_t requests[] = {
    { SAMLC_REASON_UNSOLICITED, .f = { .in_response_to = "" } },
    { OK_, .f = { .in_response_to = "" }, .conf = "Unsolicited on\n" },
    { OK_, .f = { 0 }, .conf = "Unsolicited on\n" },
    { SAMLC_REASON_IN_RESPONSE_TO, .f = { .in_response_to = "_other" } },
    { SAMLC_REASON_IN_RESPONSE_TO, .f = { .in_response_to = "_other" },
      .conf = "Unsolicited on\n" },
    { SAMLC_REASON_IN_RESPONSE_TO, .f = { .in_response_to = FORGE_REQUEST " " } },
    { SAMLC_REASON_IN_RESPONSE_TO, .f = { .response_in_response_to = "" } },
    { SAMLC_REASON_IN_RESPONSE_TO, .f = { .response_in_response_to = "" },
      .conf = "Unsolicited on\n" },
    { SAMLC_REASON_IN_RESPONSE_TO,
      .f = { .in_response_to = "", .response_in_response_to = FORGE_REQUEST } },
    { SAMLC_REASON_IN_RESPONSE_TO,
      .f = { .in_response_to = "", .response_in_response_to = FORGE_REQUEST },
      .conf = "Unsolicited on\n" },
    { SAMLC_REASON_IN_RESPONSE_TO, .f = { .response_in_response_to = "_other" } },
    { SAMLC_REASON_IN_RESPONSE_TO,
      .f = { .in_response_to = "_other", .response_in_response_to = FORGE_REQUEST } },
    { SAMLC_REASON_IN_RESPONSE_TO,
      .f = { .response_in_response_to = "",
             .confirmations_xml = BEARER("InResponseTo=\"\" " TO_US IN_TIME) },
      .conf = "Unsolicited on\n" },
    { OK_, .f = { .response_in_response_to = "", .confirmations_xml = BEARER(TO_US IN_TIME) },
      .conf = "Unsolicited on\n" },
};

/* spec: SAML-Profiles 4.1.4.2, SAML-Core 2.7.2 - somebody logged in, in a way that is wanted */
static const rule_case_t authentication[] = {
    { SAMLC_REASON_AUTHN_CONTEXT, .f = { .authn_xml = "" } },
    { OK_, .f = { 0 }, .conf = "AuthnContext " FORGE_PASSWORD "\n" },
    { OK_, .f = { 0 }, .conf = "AuthnContext " X509 " " FORGE_PASSWORD "\n" },
    { SAMLC_REASON_AUTHN_CONTEXT, .f = { 0 }, .conf = "AuthnContext " X509 "\n" },
    { OK_, .f = { 0 }, .from = CLASS_REF, .to = DECLARATION },
    { SAMLC_REASON_AUTHN_CONTEXT, .f = { 0 }, .from = CLASS_REF, .to = DECLARATION,
      .conf = "AuthnContext " X509 "\n" },
    { SAMLC_REASON_MALFORMED, .f = { 0 }, .from = CLASS_REF, .to = CLASS_REF CLASS_REF },
    { OK_, .f = { .authn_context = X509 }, .conf = "AuthnContext " X509 "\n" },
};

/* REMOTE_USER */
static const rule_case_t users[] = {
    { SAMLC_REASON_NO_SUBJECT, .f = { .name_id = "" } },
    { SAMLC_REASON_NO_SUBJECT, .f = { .name_id_xml = "" } },
    { OK_, .f = { .name_id_xml = "" }, .conf = "RemoteUser mail\n" },
    { OK_, .f = { 0 }, .conf = "RemoteUser mail\n" },
    { OK_, .f = { 0 }, .conf = "RemoteUser nameid\n" },
    { SAMLC_REASON_NO_SUBJECT, .f = { 0 }, .conf = "RemoteUser uid\n" },
    { SAMLC_REASON_NO_SUBJECT, .f = { 0 }, .conf = "RemoteUser Mail\n" },
    { SAMLC_REASON_NO_SUBJECT, .f = { .attributes_xml = "" }, .conf = "RemoteUser mail\n" },
    { SAMLC_REASON_NO_SUBJECT, .f = { .attributes_xml = ATTRIBUTE("mail", VALUE("a") VALUE("b")) },
      .conf = "RemoteUser mail\n" },
    { SAMLC_REASON_NO_SUBJECT,
      .f = { .attributes_xml = ATTRIBUTE("mail", VALUE(FORGE_USER)) ATTRIBUTE("mail", VALUE("b")) },
      .conf = "RemoteUser mail\n" },
    { SAMLC_REASON_NO_SUBJECT, .f = { .attributes_xml = ATTRIBUTE("mail", VALUE("")) },
      .conf = "RemoteUser mail\n" },
    { SAMLC_REASON_NO_SUBJECT, .f = { .attributes_xml = ATTRIBUTE("mail", VALUE("a<x/>b")) },
      .conf = "RemoteUser mail\n" },
    { OK_, .f = { .attributes_xml = ATTRIBUTE("mail", VALUE("<x/>") VALUE("b")) },
      .conf = "RemoteUser mail\n" },
    { SAMLC_REASON_MALFORMED,
      .f = { .attributes_xml = ATTRIBUTE("mail", VALUE("a<?pi?>") VALUE("b")) },
      .conf = "RemoteUser mail\n" },
    { SAMLC_REASON_MALFORMED, .f = { .attributes_xml = ATTRIBUTE("mail", VALUE("a&#13;&#10;b")) },
      .conf = "RemoteUser mail\n" },
    { SAMLC_REASON_MALFORMED, .f = { .attributes_xml = ATTRIBUTE("mail", VALUE("a\x7f")) },
      .conf = "RemoteUser mail\n" },
    { OK_, .f = { 0 }, .conf = "UserFilter ^[a-z]+@example[.]org$\n" },
    { SAMLC_REASON_USER_FILTER, .f = { .name_id = "alice@example.com" },
      .conf = "UserFilter ^[a-z]+@example[.]org$\n" },
    { SAMLC_REASON_USER_FILTER, .f = { 0 }, .conf = "UserFilter ^[a-z]+@example[.]com$\n" },
    { OK_, .f = { .name_id = "x" }, .conf = "RemoteUser mail\nUserFilter ^alice@example[.]org$\n" },
};

static const struct {
    const char *name;
    const rule_case_t *cases;
    int count;
} tables[] = {
    { "envelope", envelope, COUNT(envelope) },
    { "issuers", issuers, COUNT(issuers) },
    { "destinations", destinations, COUNT(destinations) },
    { "times", times, COUNT(times) },
    { "conditions", conditions, COUNT(conditions) },
    { "confirmations", confirmations, COUNT(confirmations) },
    { "requests", requests, COUNT(requests) },
    { "authentication", authentication, COUNT(authentication) },
    { "users", users, COUNT(users) },
};

static apr_pool_t *p;

static void setup(void)
{
    p = test_pool();
}

static void teardown(void)
{
    apr_pool_destroy(p);
}

static void run(const char *name, int row, const rule_case_t *c)
{
    const test_cert_t *idp = world_keys()->idp;
    world_t *w = world_make(c->conf, idp, p);
    const char *xml = forge_write(&c->f, p);
    samlc_reason_t reason = SAMLC_REASON_UNDECIDED;

    if (c->from != NULL) {
        xml = forge_replace(xml, c->from, c->to, p);
    }
    xml = forge_sign(xml, c->signs != NULL ? c->signs : FORGE_ASSERTION_ID,
                     &(forge_signature_t){ .by = idp }, p);
    world_judges(w, xml, &reason);
    ck_assert_msg(reason == c->reason, "%s, row %d: %s where %s was expected: %s", name, row,
                  samlc_reason_word(reason), samlc_reason_word(c->reason), xml);
}

START_TEST(test_tables)
{
    int i = 0;

    for (i = 0; i < tables[_i].count; i++) {
        run(tables[_i].name, i, &tables[_i].cases[i]);
    }
}
END_TEST

/* The IdP that was asked, and no other one. */
START_TEST(test_asked_idp)
{
    world_t *w = world_make(NULL, world_keys()->idp, p);
    const char *xml = world_signed(&(forge_t){ 0 }, FORGE_ASSERTION_ID, world_keys()->idp, p);

    w->expected.idp_name = "main";
    world_accepts(w, xml);
    w->expected.idp_name = "other";
    world_refuses(w, xml, SAMLC_REASON_WRONG_ISSUER);
}
END_TEST

/* Which requests may be answered is the caller's to say. */
START_TEST(test_requests_of_browser)
{
    world_t *w = world_make(NULL, world_keys()->idp, p);
    const char *xml = world_signed(&(forge_t){ 0 }, FORGE_ASSERTION_ID, world_keys()->idp, p);
    const char *unsolicited =
        world_signed(&(forge_t){ .in_response_to = "" }, FORGE_ASSERTION_ID, world_keys()->idp, p);
    apr_array_header_t *ids = apr_array_make(p, 3, sizeof(const char *));

    w->expected.in_response_to = NULL;
    world_refuses(w, xml, SAMLC_REASON_IN_RESPONSE_TO);
    w->expected.in_response_to = ids;
    world_refuses(w, xml, SAMLC_REASON_IN_RESPONSE_TO);
    APR_ARRAY_PUSH(ids, const char *) = "_1";
    APR_ARRAY_PUSH(ids, const char *) = NULL;
    world_refuses(w, xml, SAMLC_REASON_IN_RESPONSE_TO);
    world_refuses(w, unsolicited, SAMLC_REASON_UNSOLICITED);
    APR_ARRAY_PUSH(ids, const char *) = FORGE_REQUEST;
    world_accepts(w, xml);
    w->expected.unsolicited = 1;
    world_accepts(w, unsolicited);
}
END_TEST

/* The last step: an assertion is used once, and what the store cannot promise refuses. */
START_TEST(test_claim)
{
    static const samlc_reason_t reasons[] = { SAMLC_REASON_REPLAY,
                                              SAMLC_REASON_REPLAY_STORE_UNAVAILABLE };
    world_t *w = world_make(NULL, world_keys()->idp, p);
    const char *xml = world_signed(&(forge_t){ 0 }, FORGE_ASSERTION_ID, world_keys()->idp, p);
    int i = 0;

    world_accepts(w, xml);
    for (i = 0; i < COUNT(reasons); i++) {
        w->claim_refuses_with = reasons[i];
        world_refuses(w, xml, reasons[i]);
    }
    ck_assert_int_eq(w->claims, 3);
}
END_TEST

/* The sentence for the operator about a message that can be read. */
static const char *said(world_t *w, const forge_t *f)
{
    samlc_data_t data = test_data(
        world_signed(f, FORGE_ASSERTION_ID, world_keys()->idp, p), "SAMLResponse");
    samlc_response_t *response = NULL;

    ck_assert_int_eq(samlc_response_read(&response, &data, samlc_result_make(p), p), APR_SUCCESS);
    return samlc_response_judge(response, &w->expected, p)->message;
}

/* Which of the times it was, and to the fraction that decided. */
START_TEST(test_sentences_about_times)
{
    static const struct {
        forge_t f;
        const char *message;
    } SENTENCES[] = {
        { { .instant = "2026-07-01T01:00:00Z" },
          "the assertion was issued at 2026-07-01T01:00:00Z, which is to come: compare the "
          "clocks" },
        { { .response_instant = "2026-07-01T01:00:00Z" },
          "the response was issued at 2026-07-01T01:00:00Z, which is to come: compare the clocks" },
        { { .authn_instant = "2026-07-01T01:00:00Z" },
          "AuthnInstant: the user logged in at 2026-07-01T01:00:00Z, which is to come: compare the "
          "clocks" },
        { { .instant = "2026-06-29T00:00:00Z" },
          "the assertion was issued at 2026-06-29T00:00:00Z, more than a day ago" },
        { { .response_instant = "2026-06-29T00:00:00Z" },
          "the response was issued at 2026-06-29T00:00:00Z, more than a day ago" },
        { { .not_before = "2026-07-01T00:03:00.001Z" },
          "valid from 2026-07-01T00:03:00.001Z on: compare the clocks" },
        { { .not_before = "2026-07-01T00:03:00.0000019Z" },
          "valid from 2026-07-01T00:03:00.000001Z on: compare the clocks" },
        { { .not_before = "", .not_on_or_after = "2026-06-30T23:56:59.9Z" },
          "was valid until 2026-06-30T23:56:59.900Z" },
        { { .not_before = "", .not_on_or_after = "1969-12-31T23:59:59.9Z" },
          "was valid until 1970-01-01T00:00:00Z" },
    };
    world_t *w = world_make(NULL, world_keys()->idp, p);
    int i = 0;

    for (i = 0; i < COUNT(SENTENCES); i++) {
        ck_assert_str_eq(said(w, &SENTENCES[i].f), SENTENCES[i].message);
    }
}
END_TEST

/* How long a claim has to be remembered: until no copy would be accepted any more. */
START_TEST(test_end_of_life)
{
    static const struct {
        forge_t f;
        apr_int64_t seconds;      /* behind TEST_NOW, without the skew */
    } lives[] = {
        { { 0 }, 300 },
        { { .not_on_or_after = "2026-07-01T00:01:00Z" }, 60 },
        { { .not_on_or_after = "" }, 300 },
        { { .not_on_or_after = "2026-07-01T01:00:00Z" }, 300 },
        { { .not_on_or_after = "", .confirmed_until = "2026-07-09T00:00:00Z" }, 24 * 3600 - 10 },
        { { .not_on_or_after = "",
            .confirmations_xml = BEARER(ANSWERS TO_US "NotOnOrAfter=\"2026-07-01T00:01:00Z\"")
                BEARER(ANSWERS TO_US "NotOnOrAfter=\"2026-07-01T00:02:00Z\"") }, 120 },
    };
    world_t *w = world_make(NULL, world_keys()->idp, p);
    samlc_verdict_t *v = world_accepts(
        w, world_signed(&lives[_i].f, FORGE_ASSERTION_ID, world_keys()->idp, p));

    ck_assert_int_eq(v->claims->not_on_or_after,
                     TEST_NOW + apr_time_from_sec(lives[_i].seconds + 180));
    w->expected.now = v->claims->not_on_or_after;
    world_refuses(w, world_signed(&lives[_i].f, FORGE_ASSERTION_ID, world_keys()->idp, p),
                  SAMLC_REASON_EXPIRED);
}
END_TEST

Suite *suite_rules(void)
{
    Suite *suite = suite_create("rules");
    TCase *tc = tcase_create("rules");

    tcase_add_unchecked_fixture(tc, world_make_keys_once, NULL);
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_tables, 0, COUNT(tables));
    tcase_add_test(tc, test_asked_idp);
    tcase_add_test(tc, test_requests_of_browser);
    tcase_add_test(tc, test_claim);
    tcase_add_test(tc, test_sentences_about_times);
    tcase_add_loop_test(tc, test_end_of_life, 0, 6);
    suite_add_tcase(suite, tc);
    return suite;
}
