/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hardened XML: bytes are scanned before libxml2 sees them, parsed without DTD, entities and
 * network, and read by direct child, namespace and local name.
 */
#ifndef SAMLC_XML_XML_H
#define SAMLC_XML_XML_H

#include <libxml/tree.h>

#include "core/base/result.h"
#include "core/base/text.h"

#define SAMLC_NS_SAMLP "urn:oasis:names:tc:SAML:2.0:protocol"
#define SAMLC_NS_SAML "urn:oasis:names:tc:SAML:2.0:assertion"
#define SAMLC_NS_MD "urn:oasis:names:tc:SAML:2.0:metadata"
#define SAMLC_NS_DS "http://www.w3.org/2000/09/xmldsig#"
#define SAMLC_NS_DSIG11 "http://www.w3.org/2009/xmldsig11#"
#define SAMLC_NS_XENC "http://www.w3.org/2001/04/xmlenc#"
#define SAMLC_NS_XENC11 "http://www.w3.org/2009/xmlenc11#"

/* What a document may cost. */
typedef struct samlc_xml_limits_t {
    apr_size_t bytes;
    int elements;
    int depth;
    int attributes;   /* in one start tag, namespace declarations included */
} samlc_xml_limits_t;

/* 192 KiB, 5,000 elements, depth 32, 64 attributes */
extern const samlc_xml_limits_t SAMLC_XML_MESSAGE;
/* what a trusted key has signed, in its canonical form: namespaces are declared again and again */
extern const samlc_xml_limits_t SAMLC_XML_SIGNED;
extern const samlc_xml_limits_t SAMLC_XML_METADATA;   /* a metadata file */

/* libxml2 and xmlsec1, once per process, before there are threads. FALSE if xmlsec1 can't start. */
int samlc_xml_init_once(void);

/*
 * Scans the bytes: size, elements, depth, attributes per tag, no DOCTYPE or other declaration, no
 * control bytes. libxml2's check for duplicate attributes is quadratic and no callback comes early
 * enough, so this comes first. Fails with malformed or too-large.
 */
apr_status_t samlc_xml_scan(const samlc_data_t *xml, const samlc_xml_limits_t *limits,
                            samlc_result_t *res);

/*
 * Scans and parses. Accepted only if well formed, namespace-well-formed, UTF-8, without internal
 * subset, entity references, xml:id and relative namespace names. The pool frees the document.
 */
apr_status_t samlc_xml_parse(xmlDocPtr *doc, const samlc_data_t *xml,
                             const samlc_xml_limits_t *limits, samlc_result_t *res, apr_pool_t *p);

/*
 * Replaces the children of `place` by `xml`, exactly one element (with white space around it at
 * most), parsed in the namespace context of `place`. For decrypted plaintext: it is untrusted input
 * and passes the same gate. (The new element stays below `place`, since it may use namespaces that
 * are declared there.)
 */
apr_status_t samlc_xml_fill(xmlNodePtr *element, xmlNodePtr place, const samlc_data_t *xml,
                            const samlc_xml_limits_t *limits, samlc_result_t *res);

/* TRUE if the node is the element {ns}name. */
int samlc_xml_is(const xmlNode *node, const char *ns, const char *name);

/* The first element child, and the next element after a sibling; NULL at the end. */
xmlNodePtr samlc_xml_first(const xmlNode *parent);
xmlNodePtr samlc_xml_next(const xmlNode *node);

/* The first child {ns}name; NULL if there is none. *count (may be NULL) says how many there are. */
xmlNodePtr samlc_xml_child(const xmlNode *parent, const char *ns, const char *name, int *count);

/*
 * An attribute without namespace, copied into `p`; NULL if it is not there. (xmlGetProp would
 * return a namespaced one.)
 */
const char *samlc_xml_attr(const xmlNode *node, const char *name, apr_pool_t *p);

/*
 * The whole text of a simple value: text and CDATA joined, comments skipped, nothing trimmed. NULL
 * if there is any other child, and for a NULL node.
 */
const char *samlc_xml_text(const xmlNode *node, apr_pool_t *p);

/* TRUE if `s` is an NCName; FALSE for NULL. */
int samlc_xml_is_ncname(const char *s);

/*
 * One place in a content model: elements {ns}name, "A|B" for a choice, at least `min` and at most
 * `max` of them. A table of these ends with a NULL name.
 */
#define SAMLC_XML_MANY 0x7fffffff

typedef struct samlc_xml_model_t {
    const char *ns;
    const char *name;
    int min;
    int max;
} samlc_xml_model_t;

/*
 * Checks the children of `parent` against a sequence, in order, with nothing between but white
 * space and comments. malformed with the element named otherwise.
 */
apr_status_t samlc_xml_check_children(const xmlNode *parent, const samlc_xml_model_t *model,
                                      samlc_result_t *res);

#endif
