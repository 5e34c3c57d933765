/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/metadata.h"

#include <apr_strings.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/trust/settings.h"
#include "core/xml/xml.h"

#define BINDING_REDIRECT "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
#define BINDING_POST "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
#define OID "urn:oid:"
#define MAX_ENTITY_ID 1024   /* spec: SAML-Core 8.3.6 */
#define MAX_CHAIN 16         /* certificates of a KeyDescriptor that has a chain */

/* A file under way. */
typedef struct reader_t {
    samlc_metadata_t *metadata;
    const char *entity_id;     /* asked for; NULL: the only one */
    const char *origin;        /* the file, or a place in it */
    xmlNodePtr entity;         /* the EntityDescriptor that is meant */
    int found;                 /* how many there are */
    const char *skipped;       /* the first KeyDescriptor that only refers to a key; NULL: none */
    samlc_result_t *res;
    apr_pool_t *pool;          /* for what stays */
    apr_pool_t *scratch;
} reader_t;

static apr_status_t fail(const reader_t *reader, const char *why)
{
    return samlc_result_fail(reader->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "%s: %s",
                             reader->origin, why);
}

/* Like fail(), with a value from the file. */
static apr_status_t fail_value(const reader_t *reader, const char *why, const char *value)
{
    return fail(reader, apr_psprintf(reader->scratch, "%s: \"%s\"", why,
                                     samlc_text_show(value, reader->scratch)));
}

static void warn(const reader_t *reader, const char *what)
{
    APR_ARRAY_PUSH(reader->metadata->warnings, const char *) =
        apr_psprintf(reader->pool, "%s: %s", reader->origin, what);
}

static apr_status_t read_bool(int *flag, const reader_t *reader, const xmlNode *node,
                              const char *name)
{
    const char *value = samlc_xml_attr(node, name, reader->scratch);

    *flag = samlc_text_equal(value, "true") || samlc_text_equal(value, "1");
    if (value && !*flag && strcmp(value, "false") != 0 && strcmp(value, "0") != 0) {
        return fail_value(reader, apr_pstrcat(reader->scratch, name, " is neither true nor false",
                                              NULL), value);
    }
    return APR_SUCCESS;
}

/* --- finding the role --- */

static int speaks_saml2(const reader_t *reader, const xmlNode *role)
{
    const char *protocols = samlc_xml_attr(role, "protocolSupportEnumeration", reader->scratch);
    apr_array_header_t *words = samlc_text_words(protocols, reader->scratch);
    int i;

    for (i = 0; i < words->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(words, i, const char *), SAMLC_NS_SAMLP) == 0) {
            return 1;
        }
    }
    return 0;
}

/* The first IDPSSODescriptor for SAML 2.0, and how many there are. */
static xmlNodePtr find_role(int *count, const reader_t *reader, const xmlNode *entity)
{
    xmlNodePtr role = NULL;
    xmlNodePtr node = NULL;

    *count = 0;
    for (node = samlc_xml_first(entity); node; node = samlc_xml_next(node)) {
        if (samlc_xml_is(node, SAMLC_NS_MD, "IDPSSODescriptor") && speaks_saml2(reader, node)
            && (*count)++ == 0) {
            role = node;
        }
    }
    return role;
}

static int is_meant(const reader_t *reader, const xmlNode *entity)
{
    int roles = 0;

    if (reader->entity_id) {
        return samlc_text_equal(samlc_xml_attr(entity, "entityID", reader->scratch),
                                reader->entity_id);
    }
    return find_role(&roles, reader, entity) != NULL;
}

/* EntitiesDescriptors nest; the parser's limit of depth ends that. */
static void find_entity(reader_t *reader, xmlNodePtr node)
{
    xmlNodePtr child = NULL;

    if (samlc_xml_is(node, SAMLC_NS_MD, "EntityDescriptor") && is_meant(reader, node)
        && reader->found++ == 0) {
        reader->entity = node;
    }
    if (samlc_xml_is(node, SAMLC_NS_MD, "EntitiesDescriptor")) {
        for (child = samlc_xml_first(node); child; child = samlc_xml_next(child)) {
            find_entity(reader, child);
        }
    }
}

static apr_status_t fail_entity(const reader_t *reader)
{
    if (reader->found > 1 && reader->entity_id) {
        return fail_value(reader, "describes this IdP more than once", reader->entity_id);
    }
    if (reader->found > 1) {
        return fail(reader, apr_psprintf(reader->scratch, "describes %d IdPs; name one by EntityID",
                                         reader->found));
    }
    if (reader->entity_id) {
        return fail_value(reader, "does not describe the IdP of this EntityID", reader->entity_id);
    }
    return fail(reader, "describes no IdP for SAML 2.0");
}

static apr_status_t choose_role(xmlNodePtr *role, reader_t *reader, xmlNodePtr root)
{
    int roles = 0;

    *role = NULL;
    if (!samlc_xml_is(root, SAMLC_NS_MD, "EntityDescriptor")
        && !samlc_xml_is(root, SAMLC_NS_MD, "EntitiesDescriptor")) {
        return fail_value(reader, "is not SAML metadata; its first element is",
                          (const char *)root->name);
    }
    find_entity(reader, root);
    if (reader->found != 1) {
        return fail_entity(reader);
    }
    *role = find_role(&roles, reader, reader->entity);
    if (roles != 1) {
        return fail(reader, roles == 0 ? "the entity has no IDPSSODescriptor for SAML 2.0"
                                       : "the entity has several IDPSSODescriptors for SAML 2.0");
    }
    return APR_SUCCESS;
}

/* --- keys --- */

static apr_status_t read_base64(samlc_data_t *out, const reader_t *reader, const xmlNode *node,
                                const char *name)
{
    const char *text = samlc_xml_text(node, reader->scratch);
    samlc_data_t in = {(const unsigned char *)text, text ? strlen(text) : 0, reader->origin};

    if (in.len == 0 || samlc_text_base64_decode(out, &in, reader->scratch) != APR_SUCCESS) {
        return fail(reader, apr_psprintf(reader->scratch, "%s is not base64", name));
    }
    return APR_SUCCESS;
}

static apr_status_t read_certificate(apr_array_header_t *certs, const reader_t *reader,
                                     const xmlNode *node)
{
    samlc_data_t der = {NULL, 0, NULL};
    samlc_cert_t *cert = NULL;
    apr_status_t rv = read_base64(&der, reader, node, "X509Certificate");

    if (rv == APR_SUCCESS) {
        rv = samlc_cert_parse_der(&cert, &der, reader->res, reader->pool);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_cert_check_curve(cert, reader->res);
    }
    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(certs, const samlc_cert_t *) = cert;
    }
    return rv;
}

/* The first certificate; NULL if there is one with another key behind it, or none at all. */
static const samlc_cert_t *find_only(const apr_array_header_t *certs)
{
    const samlc_cert_t *first = certs->nelts > 0 ? APR_ARRAY_IDX(certs, 0, const samlc_cert_t *)
                                                 : NULL;
    int i = 0;

    for (i = 1; i < certs->nelts; i++) {
        if (!samlc_key_equal(samlc_cert_key(first),
                             samlc_cert_key(APR_ARRAY_IDX(certs, i, const samlc_cert_t *)))) {
            return NULL;
        }
    }
    return first;
}

/*
 * All certificates of a KeyDescriptor are of one key, or else they are its chain: then it is the
 * one that issued no other. spec: SAML-MetaIOP 2.5.1 - a CA is no signer
 */
static apr_status_t choose_certificate(samlc_metadata_key_t *key, const reader_t *reader,
                                       const apr_array_header_t *certs)
{
    apr_array_header_t *signers = apr_array_make(reader->scratch, 2, sizeof(samlc_cert_t *));
    const samlc_cert_t *only = find_only(certs);
    int i = 0;

    for (i = 0; !only && certs->nelts <= MAX_CHAIN && i < certs->nelts; i++) {
        const samlc_cert_t *cert = APR_ARRAY_IDX(certs, i, const samlc_cert_t *);

        if (!samlc_cert_find_issued(cert, certs)) {
            APR_ARRAY_PUSH(signers, const samlc_cert_t *) = cert;
        }
    }
    if (!only) {
        only = find_only(signers);
        if (!only) {
            return fail(reader, "holds certificates of different keys");
        }
        warn(reader, apr_psprintf(reader->scratch, "holds a chain of certificates: only the key "
                                  "of %s is taken, not those of its CAs",
                                  samlc_text_show(samlc_cert_subject(only), reader->scratch)));
    }
    key->cert = only;
    key->key = samlc_cert_key(only);
    return APR_SUCCESS;
}

static apr_status_t read_certificates(samlc_metadata_key_t *key, const reader_t *reader,
                                      const xmlNode *key_info)
{
    apr_array_header_t *certs = apr_array_make(reader->scratch, 2, sizeof(samlc_cert_t *));
    xmlNodePtr data = NULL;
    xmlNodePtr node = NULL;
    apr_status_t rv = APR_SUCCESS;

    for (data = samlc_xml_first(key_info); data; data = samlc_xml_next(data)) {
        if (!samlc_xml_is(data, SAMLC_NS_DS, "X509Data")) {
            continue;
        }
        for (node = samlc_xml_first(data); node; node = samlc_xml_next(node)) {
            if (samlc_xml_is(node, SAMLC_NS_DS, "X509Certificate")) {
                rv = read_certificate(certs, reader, node);
            }
            if (rv != APR_SUCCESS) {
                return rv;
            }
        }
    }
    return certs->nelts > 0 ? choose_certificate(key, reader, certs) : APR_SUCCESS;
}

/* spec: XML-Signature 4.5.2.2 */
static apr_status_t read_rsa(samlc_key_t **key, const reader_t *reader, const xmlNode *rsa)
{
    samlc_data_t modulus = {NULL, 0, NULL};
    samlc_data_t exponent = {NULL, 0, NULL};
    apr_status_t rv = APR_EGENERAL;

    rv = read_base64(&modulus, reader, samlc_xml_child(rsa, SAMLC_NS_DS, "Modulus", NULL),
                     "Modulus");
    if (rv == APR_SUCCESS) {
        rv = read_base64(&exponent, reader, samlc_xml_child(rsa, SAMLC_NS_DS, "Exponent", NULL),
                         "Exponent");
    }
    if (rv == APR_SUCCESS
        && samlc_key_from_rsa(key, &modulus, &exponent, reader->res, reader->pool)
               != APR_SUCCESS) {
        rv = fail(reader, reader->res->message);
    }
    return rv;
}

/* spec: XML-Signature 1.1, 4.5.2.3 - by the name of its curve only */
static apr_status_t read_ec(samlc_key_t **key, const reader_t *reader, const xmlNode *ec)
{
    xmlNodePtr curve = samlc_xml_child(ec, SAMLC_NS_DSIG11, "NamedCurve", NULL);
    const char *uri = curve ? samlc_xml_attr(curve, "URI", reader->scratch) : NULL;
    samlc_data_t point = {NULL, 0, NULL};
    apr_status_t rv = APR_EGENERAL;

    if (!uri || strncmp(uri, OID, strlen(OID)) != 0) {
        return fail(reader, "its ECKeyValue has no NamedCurve with a URI like " OID
                            "1.2.840.10045.3.1.7");
    }
    rv = read_base64(&point, reader, samlc_xml_child(ec, SAMLC_NS_DSIG11, "PublicKey", NULL),
                     "PublicKey");
    if (rv == APR_SUCCESS
        && samlc_key_from_ec(key, uri + strlen(OID), &point, reader->res, reader->pool)
               != APR_SUCCESS) {
        rv = fail(reader, reader->res->message);
    }
    return rv;
}

static apr_status_t fail_keyless(const reader_t *reader)
{
    return fail(reader, "holds neither an X509Certificate nor a KeyValue");
}

/* A bare key. */
static apr_status_t read_key_value(samlc_metadata_key_t *key, const reader_t *reader,
                                   const xmlNode *key_info)
{
    xmlNodePtr value = samlc_xml_child(key_info, SAMLC_NS_DS, "KeyValue", NULL);
    xmlNodePtr kind = samlc_xml_first(value);
    samlc_key_t *bare = NULL;
    apr_status_t rv = APR_EGENERAL;

    if (samlc_xml_is(kind, SAMLC_NS_DS, "RSAKeyValue")) {
        rv = read_rsa(&bare, reader, kind);
    }
    else if (samlc_xml_is(kind, SAMLC_NS_DSIG11, "ECKeyValue")) {
        rv = read_ec(&bare, reader, kind);
    }
    else if (kind) {
        rv = fail_value(reader, "holds no X509Certificate, and a KeyValue that is not used here",
                        (const char *)kind->name);
    }
    else {
        rv = fail_keyless(reader);
    }
    key->key = bare;
    return rv;
}

/* TRUE if all that is said of a key is where it could be found: by name, issuer and serial ... */
static int is_reference(const xmlNode *key_info)
{
    return samlc_xml_first(key_info) && !samlc_xml_child(key_info, SAMLC_NS_DS, "KeyValue", NULL)
           && !samlc_xml_child(key_info, SAMLC_NS_DSIG11, "DEREncodedKeyValue", NULL);
}

static int is_known(const samlc_metadata_t *metadata, const samlc_metadata_key_t *key)
{
    int i;

    for (i = 0; i < metadata->keys->nelts; i++) {
        const samlc_metadata_key_t *other =
            &APR_ARRAY_IDX(metadata->keys, i, samlc_metadata_key_t);

        if (key->cert ? samlc_cert_equal(other->cert, key->cert)
                      : samlc_key_equal(other->key, key->key)) {
            return 1;
        }
    }
    return 0;
}

static apr_status_t read_key(reader_t *reader, const xmlNode *descriptor)
{
    const char *use = samlc_xml_attr(descriptor, "use", reader->scratch);
    xmlNodePtr key_info = samlc_xml_child(descriptor, SAMLC_NS_DS, "KeyInfo", NULL);
    samlc_metadata_key_t key = {NULL, NULL};
    apr_status_t rv = APR_EGENERAL;

    if (samlc_text_equal(use, "encryption")) {
        return APR_SUCCESS;
    }
    /* spec: SAML-Metadata 2.4.1.1 - without `use` a key is for both */
    if (use && strcmp(use, "signing") != 0) {
        return fail_value(reader, "its use is neither signing nor encryption", use);
    }
    rv = read_certificates(&key, reader, key_info);
    if (rv == APR_SUCCESS && !key.key && is_reference(key_info)) {
        reader->skipped = reader->skipped ? reader->skipped : reader->origin;
        warn(reader, "holds neither an X509Certificate nor a KeyValue: skipped");
        return APR_SUCCESS;
    }
    if (rv == APR_SUCCESS && !key.key) {
        rv = read_key_value(&key, reader, key_info);
    }
    if (rv == APR_SUCCESS && !is_known(reader->metadata, &key)) {
        APR_ARRAY_PUSH(reader->metadata->keys, samlc_metadata_key_t) = key;
    }
    return rv;
}

static apr_status_t read_keys(reader_t *reader, const xmlNode *role)
{
    const char *file = reader->origin;
    xmlNodePtr node = NULL;
    apr_status_t rv = APR_SUCCESS;
    int number = 0;

    for (node = samlc_xml_first(role); node; node = samlc_xml_next(node)) {
        if (!samlc_xml_is(node, SAMLC_NS_MD, "KeyDescriptor")) {
            continue;
        }
        reader->origin = apr_psprintf(reader->pool, "%s, KeyDescriptor %d", file, ++number);
        rv = read_key(reader, node);
        if (rv != APR_SUCCESS) {
            return rv;
        }
    }
    reader->origin = file;
    if (reader->metadata->keys->nelts > 0) {
        return APR_SUCCESS;
    }
    if (reader->skipped) {
        reader->origin = reader->skipped;
        return fail_keyless(reader);
    }
    return fail(reader, "the IdP has no key for signing");
}

/* --- scopes --- */

/* Line breaks around the value are those of whoever wrote the file nicely. */
static apr_status_t read_scope(const reader_t *reader, const xmlNode *node)
{
    const char *text = samlc_xml_text(node, reader->scratch);
    apr_array_header_t *words = samlc_text_words(text, reader->scratch);
    int is_regexp = 0;
    apr_status_t rv = read_bool(&is_regexp, reader, node, "regexp");

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (words->nelts != 1) {
        return fail_value(reader, "a Scope is not one word", text);
    }
    rv = samlc_scope_add(reader->metadata->scopes, APR_ARRAY_IDX(words, 0, const char *), is_regexp,
                         reader->res, reader->pool);
    if (rv != APR_SUCCESS) {
        samlc_result_prefix(reader->res, reader->origin);
    }
    return rv;
}

/* Scopes stand in the Extensions of the role or of the whole entity. */
static apr_status_t read_scopes(const reader_t *reader, const xmlNode *parent)
{
    xmlNodePtr extensions = samlc_xml_child(parent, SAMLC_NS_MD, "Extensions", NULL);
    xmlNodePtr node = NULL;
    apr_status_t rv = APR_SUCCESS;

    for (node = samlc_xml_first(extensions); node && rv == APR_SUCCESS;
         node = samlc_xml_next(node)) {
        if (samlc_xml_is(node, SAMLC_NS_SHIBMD, "Scope")) {
            rv = read_scope(reader, node);
        }
    }
    return rv;
}

/* --- everything else --- */

/* The address of the first endpoint of this name and binding; NULL if there is none. */
static apr_status_t read_endpoint(const char **url, const reader_t *reader, const xmlNode *role,
                                  const char *name, const char *binding)
{
    xmlNodePtr node = NULL;
    const char *location = NULL;

    *url = NULL;
    for (node = samlc_xml_first(role); node; node = samlc_xml_next(node)) {
        if (!samlc_xml_is(node, SAMLC_NS_MD, name)
            || !samlc_text_equal(samlc_xml_attr(node, "Binding", reader->scratch), binding)) {
            continue;
        }
        location = samlc_xml_attr(node, "Location", reader->pool);
        if (!location || !samlc_settings_is_url(location)) {
            return fail_value(reader, apr_pstrcat(reader->scratch, "the Location of ", name,
                                                  " is not an http or https URL", NULL), location);
        }
        *url = location;
        break;
    }
    return APR_SUCCESS;
}

static apr_status_t read_endpoints(const reader_t *reader, const xmlNode *role)
{
    samlc_metadata_t *metadata = reader->metadata;
    apr_status_t rv = read_endpoint(&metadata->sso_redirect_url, reader, role,
                                    "SingleSignOnService", BINDING_REDIRECT);

    if (rv == APR_SUCCESS) {
        rv = read_endpoint(&metadata->sso_post_url, reader, role, "SingleSignOnService",
                           BINDING_POST);
    }
    if (rv == APR_SUCCESS) {
        rv = read_endpoint(&metadata->slo_redirect_url, reader, role, "SingleLogoutService",
                           BINDING_REDIRECT);
    }
    return rv;
}

/* The earliest validUntil from the role upwards. spec: SAML-Metadata 2.3.1, 2.3.2, 2.4.1 */
static apr_status_t read_valid_until(const reader_t *reader, const xmlNode *role)
{
    apr_time_t *earliest = &reader->metadata->valid_until;
    const xmlNode *node = NULL;
    apr_time_t until = 0;

    for (node = role; node && node->type == XML_ELEMENT_NODE; node = node->parent) {
        const char *value = samlc_xml_attr(node, "validUntil", reader->scratch);

        if (!value) {
            continue;
        }
        if (samlc_clock_parse(&until, value) != APR_SUCCESS || until <= 0) {
            return fail_value(reader, "a validUntil is not a time", value);
        }
        if (*earliest == 0 || until < *earliest) {
            *earliest = until;
        }
    }
    return APR_SUCCESS;
}

static apr_status_t read_entity_id(const reader_t *reader)
{
    const char *id = samlc_xml_attr(reader->entity, "entityID", reader->pool);

    if (!id || *id == '\0' || strlen(id) > MAX_ENTITY_ID) {
        return fail(reader, "an entityID has 1 to 1024 characters");
    }
    reader->metadata->entity_id = id;
    return APR_SUCCESS;
}

static apr_status_t read_document(reader_t *reader, xmlDocPtr doc)
{
    xmlNodePtr role = NULL;
    apr_status_t rv = choose_role(&role, reader, xmlDocGetRootElement(doc));

    if (rv == APR_SUCCESS) {
        rv = read_entity_id(reader);
    }
    if (rv == APR_SUCCESS) {
        rv = read_valid_until(reader, role);
    }
    if (rv == APR_SUCCESS) {
        rv = read_bool(&reader->metadata->want_authn_requests_signed, reader, role,
                       "WantAuthnRequestsSigned");
    }
    if (rv == APR_SUCCESS) {
        rv = read_endpoints(reader, role);
    }
    if (rv == APR_SUCCESS) {
        rv = read_keys(reader, role);
    }
    if (rv == APR_SUCCESS) {
        rv = read_scopes(reader, role);
    }
    if (rv == APR_SUCCESS) {
        rv = read_scopes(reader, reader->entity);
    }
    return rv;
}

apr_status_t samlc_metadata_parse(samlc_metadata_t **metadata, const samlc_data_t *xml,
                                  const char *entity_id, samlc_result_t *res, apr_pool_t *p)
{
    reader_t reader;
    xmlDocPtr doc = NULL;
    apr_status_t rv = APR_EGENERAL;

    *metadata = NULL;
    memset(&reader, 0, sizeof(reader));
    reader.metadata = apr_pcalloc(p, sizeof(*reader.metadata));
    reader.metadata->keys = apr_array_make(p, 4, sizeof(samlc_metadata_key_t));
    reader.metadata->warnings = apr_array_make(p, 1, sizeof(const char *));
    reader.metadata->scopes = apr_array_make(p, 2, sizeof(samlc_scope_t));
    reader.entity_id = entity_id;
    reader.origin = xml->origin;
    reader.res = res;
    reader.pool = p;
    apr_pool_create(&reader.scratch, p);   /* the document goes with it */
    rv = samlc_xml_parse(&doc, xml, &SAMLC_XML_METADATA, res, reader.scratch);
    if (rv != APR_SUCCESS) {
        /* it is a file of ours that is broken, and no message */
        samlc_result_fail(res, rv, SAMLC_REASON_CONFIG_INVALID, "%s: %s", xml->origin,
                          res->message);
    }
    else {
        rv = read_document(&reader, doc);
    }
    apr_pool_destroy(reader.scratch);
    if (rv == APR_SUCCESS) {
        *metadata = reader.metadata;
    }
    return rv;
}
