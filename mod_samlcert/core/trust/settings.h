/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The settings of an IdP: one table drives idp.conf, the <SamlCertIdP> section of httpd, lint, the
 * reference manual and the tests.
 */
#ifndef SAMLC_TRUST_SETTINGS_H
#define SAMLC_TRUST_SETTINGS_H

#include <apr_tables.h>

#include "core/base/result.h"
#include "core/base/text.h"
#include "core/xml/algorithm.h"

/* The values of a CHOICE are in the order of the words of its syntax. */
typedef enum {
    SAMLC_EXPIRY_BY_MODE = -1,   /* nothing was chosen */
    SAMLC_EXPIRY_REJECT,
    SAMLC_EXPIRY_WARN,
    SAMLC_EXPIRY_IGNORE
} samlc_expiry_t;
typedef enum {
    SAMLC_CONFLICT_BOTH,
    SAMLC_CONFLICT_ISSUER,
    SAMLC_CONFLICT_SUBJECT,
    SAMLC_CONFLICT_OFF
} samlc_conflict_t;
typedef enum { SAMLC_CRL_OFF, SAMLC_CRL_LEAF, SAMLC_CRL_CHAIN } samlc_crl_check_t;
typedef enum { SAMLC_SIGNED_ANY, SAMLC_SIGNED_RESPONSE, SAMLC_SIGNED_ASSERTION, SAMLC_SIGNED_BOTH }
    samlc_signed_t;
typedef enum { SAMLC_BINDING_REDIRECT, SAMLC_BINDING_POST } samlc_binding_t;
typedef enum { SAMLC_STATUS_ACTIVE, SAMLC_STATUS_INACTIVE } samlc_status_t;

/* What is scoped by its definition: eduPerson, and the SAML subject identifiers. */
#define SAMLC_SCOPED_ATTRIBUTES \
    "eduPersonPrincipalName eduPersonScopedAffiliation urn:oid:1.3.6.1.4.1.5923.1.1.1.6" \
    " urn:oid:1.3.6.1.4.1.5923.1.1.1.9 urn:oasis:names:tc:SAML:attribute:subject-id" \
    " urn:oasis:names:tc:SAML:attribute:pairwise-id"

/*
 * The table. X(Name, type, member, parser, low, high, default, syntax, help)
 *   parser     the parse_... of settings.c that reads the value
 *   low, high  the range of a number; low: the kind of algorithms
 *   default    as it would be written; NULL: none
 *   syntax     of a choice: its words, in the order of the values
 */
#define SAMLC_SETTINGS(X)                                                                          \
    X(EntityID, const char *, entity_id, uri, 0, 0, NULL, "URI",                                   \
      "entity ID of the IdP; needed unless its metadata says it")                                  \
    X(Status, int, status, choice, 0, 0, "active", "active|inactive",                              \
      "an inactive IdP starts no login and its responses are refused (idp-inactive)")              \
    X(Metadata, const char *, metadata, text, 0, 0, NULL, "FILE",                                  \
      "metadata of the IdP; relative to its directory (default metadata.xml where there is one)")  \
    X(SignCerts, const char *, sign_certs, text, 0, 0, NULL, "LIST|@FILE",                         \
      "fingerprints of trusted signing certificates, or a file with them")                         \
    X(ActivateAt, apr_array_header_t *, activate_at, activations, 0, 0, NULL, "SLOT TIME",         \
      "from this time on the certificate file SLOT is primary and what was primary alternate; may "\
      "be repeated")                                                                               \
    X(RetireAt, apr_array_header_t *, retire_at, retirements, 0, 0, NULL, "SLOT TIME",             \
      "from this time on the certificate file SLOT counts as retired (cert-retired); may be"       \
      " repeated")                                                                                 \
    X(PromoteOnFirstUse, int, promote_on_first_use, flag, 0, 0, "off", "on|off",                   \
      "whether the first login that the staged certificate verified makes it primary, and what was"\
      " primary alternate")                                                                        \
    X(ValidateChain, int, validate_chain, flag, 0, 0, "off", "on|off",                             \
      "certificates on file and from metadata must also chain to the configured roots")            \
    X(CertExpiry, int, cert_expiry, choice, 0, 0, NULL, "reject|warn|ignore",                      \
      "what an expired certificate means (by default: reject where a chain is asked for by the"    \
      " list, warn for pins and certificates on file, ignore for metadata keys)")                  \
    X(CertConflict, int, cert_conflict, choice, 0, 0, "issuer+subject",                            \
      "issuer+subject|issuer|subject|off",                                                         \
      "which certificates of one trust store with different keys distrust each other")             \
    X(UseSystemRoots, int, use_system_roots, flag, 0, 0, "off", "on|off",                          \
      "whether the CA certificates of the system are anchors as well")                             \
    X(AnchorConstraint, const char *, anchor_constraint, constraint, 0, 0, NULL,                   \
      "subject:DN|san-dns:NAME|san-uri:URI|issuer-spki-sha256:HEX",                                \
      "what a certificate that is trusted by its chain alone must also match")                     \
    X(CRLCheck, int, crl_check, choice, 0, 0, "off", "off|leaf|chain",                             \
      "for which certificates of a chain a current revocation list is needed")                     \
    X(CRLGrace, int, crl_grace, number, 0, 2592000, "0", "SECONDS",                                \
      "how long a revocation list still counts when its nextUpdate has passed, with a warning;"    \
      " one without nextUpdate counts so long from its thisUpdate on")                             \
    X(TrustReportOnly, apr_array_header_t *, trust_report_only, stricter, 0, 0, NULL,              \
      "NAME=VALUE...",                                                                             \
      "stricter values of ValidateChain, CertExpiry, CertConflict, UseSystemRoots,"                \
      " AnchorConstraint, CRLCheck and CRLGrace to try out: what they would refuse is reported at" \
      " load and at logins, and decided by the settings in force")                                 \
    X(MinRSABits, int, min_rsa_bits, number, 1024, 16384, "2048", "BITS",                          \
      "smallest RSA key that may sign")                                                            \
    X(SignatureAlgorithms, samlc_algorithms_t, signature_algorithms, algorithms,                   \
      SAMLC_ALGORITHM_SIGNATURE, 0, NULL, "NAME...|+NAME...|-NAME...",                             \
      "signature algorithms that the IdP may use")                                                 \
    X(DigestAlgorithms, samlc_algorithms_t, digest_algorithms, algorithms, SAMLC_ALGORITHM_DIGEST, \
      0, NULL, "NAME...|+NAME...|-NAME...", "digest algorithms that the IdP may use")              \
    X(CanonicalizationAlgorithms, samlc_algorithms_t, c14n_algorithms, algorithms,                 \
      SAMLC_ALGORITHM_C14N, 0, NULL, "NAME...|+NAME...|-NAME...",                                  \
      "canonicalisation algorithms that the IdP may use")                                          \
    X(KeyTransportAlgorithms, samlc_algorithms_t, key_transport_algorithms, algorithms,            \
      SAMLC_ALGORITHM_KEY_TRANSPORT, 0, NULL, "NAME...|+NAME...|-NAME...",                         \
      "key transport algorithms that the IdP may use")                                             \
    X(EncryptionAlgorithms, samlc_algorithms_t, encryption_algorithms, algorithms,                 \
      SAMLC_ALGORITHM_ENCRYPTION, 0, NULL, "NAME...|+NAME...|-NAME...",                            \
      "content encryption algorithms that the IdP may use")                                        \
    X(UnsignedCBC, int, unsigned_cbc, flag, 0, 0, "off", "on|off",                                 \
      "accept the CBC of EncryptionAlgorithms also where nothing signed covers the ciphertext, "   \
      "since"                                                                                      \
      " the IdP signs only the assertion inside")                                                  \
    X(ResponseSignature, int, response_signature, choice, 0, 0, "any",                             \
      "any|response|assertion|both", "what must be signed")                                        \
    X(RequireEncrypted, int, require_encrypted, flag, 0, 0, "off", "on|off",                       \
      "refuse assertions that are not encrypted")                                                  \
    X(ClockSkew, int, clock_skew, number, 0, 600, "180", "SECONDS",                                \
      "tolerated difference of the clocks, applied once to each time")                             \
    X(Unsolicited, int, unsolicited, flag, 0, 0, "off", "on|off",                                  \
      "accept responses that answer no request of ours (IdP-initiated login)")                     \
    X(SSOUrl, const char *, sso_url, url, 0, 0, NULL, "URL",                                       \
      "where logins are started at the IdP (default: from metadata)")                              \
    X(SSOBinding, int, sso_binding, binding, 0, 0, "redirect", "redirect",                         \
      "how the request is sent")                                                                   \
    X(SLOUrl, const char *, slo_url, url, 0, 0, NULL, "URL",                                       \
      "where logouts are sent (default: from metadata)")                                           \
    X(SignRequests, int, sign_requests, flag, 0, 0, "off", "on|off",                               \
      "sign requests with our active key")                                                         \
    X(NameIDFormat, const char *, name_id_format, uri, 0, 0, NULL, "URI",                          \
      "name ID format to ask for (default: none is asked for)")                                    \
    X(AuthnContext, apr_array_header_t *, authn_context, words, 0, 0, NULL, "URI...",              \
      "authentication context classes to ask for; a response with another one is refused")         \
    X(ForceAuthn, int, force_authn, flag, 0, 0, "off", "on|off",                                   \
      "ask the IdP to authenticate the user anew")                                                 \
    X(RemoteUser, const char *, remote_user, user, 0, 0, "NameID", "NameID|ATTRIBUTE",             \
      "what REMOTE_USER is set to")                                                                \
    X(ScopedAttributes, apr_array_header_t *, scoped_attributes, words, 0, 0,                      \
      SAMLC_SCOPED_ATTRIBUTES, "NAME...",                                                          \
      "attributes whose values are dropped where the metadata declares scopes (shibmd:Scope) and"  \
      " theirs, behind the last @, is none of these")                                              \
    X(UserFilter, const char *, user_filter, regex, 0, 0, NULL, "REGEX",                           \
      "POSIX extended expression that the user name must match (user-filter)")

/*
 * The members of the table. A choice holds its enumeration, words const char *, moves samlc_move_t
 * (core/trust/moves); a setting of moves may be given several times.
 */
typedef struct samlc_settings_t {
#define SAMLC_SETTINGS_MEMBER(Name, type, member, ...) type member;
    SAMLC_SETTINGS(SAMLC_SETTINGS_MEMBER)
#undef SAMLC_SETTINGS_MEMBER
    const char *sign_certs_origin;       /* where SignCerts stands, for messages */
    const char *trust_report_only_origin;
    apr_uint64_t given;                  /* bit per setting: written down, not a default */
} samlc_settings_t;

/* The defaults. */
samlc_settings_t *samlc_settings_make(apr_pool_t *p);

/*
 * Sets one setting by its name (case does not matter, as in httpd). `origin` ("FILE:LINE") is named
 * in the message of a failure (config-invalid): unknown name (with the nearest known one), bad
 * value (with the syntax), given twice. A failure changes nothing.
 */
apr_status_t samlc_settings_set(samlc_settings_t *settings, const char *name, const char *value,
                                const char *origin, samlc_result_t *res, apr_pool_t *p);

/*
 * Reads idp.conf: `Name value` a line, # comments, blank lines, a value may be in double quotes.
 * Fails as samlc_settings_set does, naming "FILE:LINE".
 */
apr_status_t samlc_settings_parse(samlc_settings_t *settings, const samlc_data_t *file,
                                  samlc_result_t *res, apr_pool_t *p);

/* The names in the order of the table; NULL behind the last. */
const char *samlc_settings_name(int i);

/* The value of the i-th setting as it would be written; NULL: it has none. */
const char *samlc_settings_show(const samlc_settings_t *settings, int i, apr_pool_t *p);
/*
 * What TrustReportOnly tries out: a copy of `settings` with its values; *stricter is NULL where it
 * is not set. Fails with config-invalid, naming where it stands, for a value that is not stricter
 * than the one in force.
 */
apr_status_t samlc_settings_stricter(samlc_settings_t **stricter, const samlc_settings_t *settings,
                                     samlc_result_t *res, apr_pool_t *p);

/* The words of the settings that weaken the default policy, for lint and the log (const char *). */
apr_array_header_t *samlc_settings_warnings(const samlc_settings_t *settings, apr_pool_t *p);

/* TRUE for an absolute http or https URL with a host, of visible ASCII characters. */
int samlc_settings_is_url(const char *value);

#endif
