/* SPDX-License-Identifier: Apache-2.0 */
#include "core/xml/xml.h"

#include <string.h>

#include <apr_strings.h>
#include <libxml/parser.h>
#include <xmlsec/xmlsec.h>

#include <xmlsec/errors.h>
#include <xmlsec/openssl/crypto.h>
#include <xmlsec/parser.h>

const samlc_xml_limits_t SAMLC_XML_MESSAGE = { 192 * 1024, 5000, 32, 64 };
const samlc_xml_limits_t SAMLC_XML_SIGNED = { 2 * 1024 * 1024, 5000, 32, 128 };
const samlc_xml_limits_t SAMLC_XML_METADATA = { 64 * 1024 * 1024, 4000000, 64, 256 };

#define WHITE_SPACE " \t\r\n"
#define MAX_NAMESPACE_NAME 256
#define MAX_NAMESPACES_IN_SCOPE 64
#define MAX_PREFIXES_IN_SCOPE 512    /* bytes in all */

#ifdef XML_PARSE_NO_XXE
#define PARSE_NO_XXE XML_PARSE_NO_XXE
#else
#define PARSE_NO_XXE 0
#endif
#define PARSE_OPTIONS (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | PARSE_NO_XXE)

/*
 * xmlsec1 reports to this process-wide function. What a message did wrong is told by our own
 * results.
 */
static void quiet(const char *file, int line, const char *func, const char *object,
                  const char *subject, int reason, const char *msg)
{
    (void)file, (void)line, (void)func, (void)object, (void)subject, (void)reason, (void)msg;
}

int samlc_xml_init_once(void)
{
    xmlExternalEntityLoader loader = NULL;
    int rc = -1;

    xmlInitParser();
    /*
     * xmlSecInit puts its own entity loader into libxml2 and never takes it back: after the module
     * is unloaded that pointer would dangle.
     */
    loader = xmlGetExternalEntityLoader();
    rc = xmlSecInit();
    xmlSetExternalEntityLoader(loader);
    if (rc < 0 || xmlSecCheckVersion() != 1 || xmlSecOpenSSLInit() < 0) {
        return 0;
    }
    xmlSecErrorsSetCallback(quiet);
    /* Nothing in here lets xmlsec1 parse; if it ever did, it would load DTDs by default. */
    xmlSecParserSetDefaultOptions(XML_PARSE_NONET);
    return 1;
}

/* --- the scan --- */

typedef struct scan_t {
    const unsigned char *at;
    const unsigned char *end;
    const samlc_xml_limits_t *limits;
    int elements;
    int depth;
    samlc_result_t *res;
} scan_t;

static apr_status_t bad(samlc_result_t *res, const char *what)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s", what);
}

static apr_status_t too_much(samlc_result_t *res, const char *what, int limit)
{
    return samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_TOO_LARGE, "more than %d %s", limit,
                             what);
}

static int starts_with(const scan_t *s, const char *prefix)
{
    apr_size_t len = strlen(prefix);

    return (apr_size_t)(s->end - s->at) >= len && memcmp(s->at, prefix, len) == 0;
}

/* Moves behind the next `mark`; FALSE if there is none. */
static int skip_past(scan_t *s, const char *mark)
{
    const unsigned char *found = memmem(s->at, (size_t)(s->end - s->at), mark, strlen(mark));

    if (found == NULL) {
        return 0;
    }
    s->at = found + strlen(mark);
    return 1;
}

/* "<?xml" and white space; not "<?xml-stylesheet". */
static int is_declaration(const scan_t *s)
{
    return starts_with(s, "<?xml ") || starts_with(s, "<?xml\t") || starts_with(s, "<?xml\r")
           || starts_with(s, "<?xml\n");
}

/*
 * Only version 1.0 and UTF-8. The parser is told UTF-8 whatever the declaration says, but what it
 * says stays with the document, and samlc_xml_fill's parser would obey it.
 */
static apr_status_t scan_declaration(scan_t *s)
{
    const unsigned char *start = s->at;
    char text[128];
    apr_size_t len = 0, i = 0;
    const char *encoding = NULL;

    if (!skip_past(s, "?>") || (len = (apr_size_t)(s->at - start)) >= sizeof(text)) {
        return bad(s->res, "the XML declaration does not end");
    }
    for (i = 0; i < len; i++) {
        text[i] = (start[i] >= 'A' && start[i] <= 'Z') ? (char)(start[i] + 32) : (char)start[i];
    }
    text[len] = '\0';
    encoding = strstr(text, "encoding");
    if (strstr(text, "\"1.0\"") == NULL && strstr(text, "'1.0'") == NULL) {
        return bad(s->res, "not XML 1.0");
    }
    if (encoding != NULL && strstr(encoding, "\"utf-8\"") == NULL
        && strstr(encoding, "'utf-8'") == NULL) {
        return bad(s->res, "the XML declaration names another encoding than UTF-8");
    }
    return APR_SUCCESS;
}

/* At the "<" of a start tag: to behind its ">". Attributes are counted by their quoted values. */
static apr_status_t scan_start_tag(scan_t *s)
{
    int attributes = 0;

    if (++s->elements > s->limits->elements) {
        return too_much(s->res, "elements", s->limits->elements);
    }
    if (++s->depth > s->limits->depth) {
        return too_much(s->res, "nested elements", s->limits->depth);
    }
    for (s->at++; s->at < s->end; s->at++) {
        unsigned char c = *s->at;

        if (c == '"' || c == '\'') {
            if (++attributes > s->limits->attributes) {
                return too_much(s->res, "attributes of one element", s->limits->attributes);
            }
            s->at = memchr(s->at + 1, c, (size_t)(s->end - s->at - 1));
            if (s->at == NULL) {
                s->at = s->end;
                break;
            }
        }
        else if (c == '<') {
            return bad(s->res, "a tag inside a tag");
        }
        else if (c == '>') {
            if (s->at[-1] == '/') {
                s->depth--;
            }
            s->at++;
            return APR_SUCCESS;
        }
    }
    return bad(s->res, "a tag does not end");
}

/* At a "<": to behind the construct that it opens. */
static apr_status_t scan_markup(scan_t *s)
{
    if (starts_with(s, "</")) {
        s->depth--;
        return s->depth >= 0 && skip_past(s, ">") ? APR_SUCCESS
                                                  : bad(s->res, "an end tag too many");
    }
    if (starts_with(s, "<!--")) {
        s->at += 4;
        return skip_past(s, "-->") ? APR_SUCCESS : bad(s->res, "a comment does not end");
    }
    if (starts_with(s, "<![CDATA[")) {
        return skip_past(s, "]]>") ? APR_SUCCESS : bad(s->res, "a CDATA section does not end");
    }
    if (starts_with(s, "<!")) {
        return bad(s->res, "a DOCTYPE or another declaration");
    }
    if (starts_with(s, "<?")) {
        return skip_past(s, "?>") ? APR_SUCCESS : bad(s->res, "an instruction does not end");
    }
    return scan_start_tag(s);
}

static int has_control_byte(const samlc_data_t *xml)
{
    apr_size_t i = 0;
    unsigned found = 0;

    for (i = 0; i < xml->len; i++) {
        unsigned char c = xml->data[i];

        found |= (c < 0x20) & (c != '\n') & (c != '\r') & (c != '\t');
    }
    return found != 0;
}

apr_status_t samlc_xml_scan(const samlc_data_t *xml, const samlc_xml_limits_t *limits,
                            samlc_result_t *res)
{
    scan_t s = { xml->data, xml->data + xml->len, limits, 0, 0, res };
    apr_status_t rv = APR_SUCCESS;

    if (xml->len > limits->bytes) {
        return samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_TOO_LARGE,
                                 "%lu bytes of XML; %lu are allowed", (unsigned long)xml->len,
                                 (unsigned long)limits->bytes);
    }
    if (xml->len == 0 || starts_with(&s, "\xFE\xFF") || starts_with(&s, "\xFF\xFE")) {
        return bad(res, xml->len == 0 ? "no XML" : "UTF-16, where only UTF-8 is read");
    }
    if (has_control_byte(xml)) {
        return bad(res, "a control character");
    }
    if (starts_with(&s, "\xEF\xBB\xBF")) {
        s.at += 3;
    }
    if (is_declaration(&s)) {
        rv = scan_declaration(&s);
    }
    while (rv == APR_SUCCESS
           && (s.at = memchr(s.at, '<', (size_t)(s.end - s.at))) != NULL) {
        rv = scan_markup(&s);
    }
    if (rv == APR_SUCCESS && (s.elements == 0 || s.depth != 0)) {
        rv = bad(res, "not a complete XML document");
    }
    return rv;
}

/* --- parsing --- */

static apr_status_t free_doc(void *doc)
{
    xmlFreeDoc(doc);
    return APR_SUCCESS;
}

/* A namespace name is absolute if it has a scheme; canonicalisation fails on others. */
static int is_absolute_uri(const xmlChar *uri)
{
    const xmlChar *c = uri;

    if (!((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z')) {
        return 0;
    }
    while (((*c | 0x20) >= 'a' && (*c | 0x20) <= 'z') || (*c >= '0' && *c <= '9') || *c == '+'
           || *c == '.' || *c == '-') {
        c++;
    }
    return *c == ':';
}

/*
 * Canonicalisation writes a namespace anew at each element that uses it (exclusive), and looks for
 * all that are in scope, by prefix, at each element (inclusive). Without these limits a small
 * message costs hundreds of megabytes or minutes, and all of it before its signature is known to be
 * bad.
 */
static const char *scope_problem(const xmlNode *node)
{
    const xmlNode *outer = NULL;
    const xmlNs *ns = NULL;
    int in_scope = 0;
    apr_size_t prefixes = 0;

    for (ns = node->nsDef; ns != NULL; ns = ns->next) {
        if (ns->href != NULL && strlen((const char *)ns->href) > MAX_NAMESPACE_NAME) {
            return "a very long namespace name";
        }
    }
    for (outer = node; node->nsDef != NULL && outer != NULL && outer->type == XML_ELEMENT_NODE;
         outer = outer->parent) {
        for (ns = outer->nsDef; ns != NULL; ns = ns->next) {
            in_scope++;
            prefixes += ns->prefix == NULL ? 0 : strlen((const char *)ns->prefix);
        }
    }
    if (prefixes > MAX_PREFIXES_IN_SCOPE) {
        return "very long namespace prefixes";
    }
    return in_scope > MAX_NAMESPACES_IN_SCOPE ? "too many namespaces at one place" : NULL;
}

static const char *element_problem(const xmlNode *node)
{
    const xmlNs *ns = NULL;
    const xmlAttr *attr = NULL;

    /*
     * With a prefix that nobody declared the name stays as it was; in a context that is no parser
     * error.
     */
    if (strchr((const char *)node->name, ':') != NULL) {
        return "an undeclared prefix";
    }
    for (ns = node->nsDef; ns != NULL; ns = ns->next) {
        if (ns->href != NULL && ns->href[0] != '\0' && !is_absolute_uri(ns->href)) {
            return "a relative namespace name";
        }
    }
    for (attr = node->properties; attr != NULL; attr = attr->next) {
        if (strchr((const char *)attr->name, ':') != NULL) {
            return "an undeclared prefix";
        }
        /* The parser registers xml:id by itself, so it could name another element than we mean. */
        if (attr->ns != NULL && strcmp((const char *)attr->name, "id") == 0
            && strcmp((const char *)attr->ns->href, (const char *)XML_XML_NAMESPACE) == 0) {
            return "an xml:id";
        }
    }
    return scope_problem(node);
}

static const char *node_problem(const xmlNode *node)
{
    switch (node->type) {
    case XML_ELEMENT_NODE:
        return element_problem(node);
    case XML_TEXT_NODE:
    case XML_CDATA_SECTION_NODE:
    case XML_COMMENT_NODE:
    case XML_PI_NODE:
        return NULL;
    default:
        return "an entity reference";
    }
}

/* The node that follows in document order within the tree below `top`. */
static const xmlNode *following(const xmlNode *node, const xmlNode *top)
{
    if (node->type == XML_ELEMENT_NODE && node->children != NULL) {
        return node->children;
    }
    while (node != top && node->next == NULL) {
        node = node->parent;
    }
    return node == top ? NULL : node->next;
}

static apr_status_t check_tree(const xmlNode *top, samlc_result_t *res)
{
    const xmlNode *node = NULL;

    for (node = top; node != NULL; node = following(node, top)) {
        const char *problem = node_problem(node);

        if (problem != NULL) {
            return bad(res, problem);
        }
    }
    return APR_SUCCESS;
}

apr_status_t samlc_xml_parse(xmlDocPtr *doc, const samlc_data_t *xml,
                             const samlc_xml_limits_t *limits, samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = samlc_xml_scan(xml, limits, res);
    xmlParserCtxtPtr ctxt = NULL;
    xmlDocPtr parsed = NULL;

    *doc = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    ctxt = xmlNewParserCtxt();
    if (ctxt == NULL) {
        return samlc_result_fail(res, APR_ENOMEM, SAMLC_REASON_INTERNAL, "no memory for a parser");
    }
    /*
     * len fits an int: every limit does. UTF-8 is forced, or a byte order mark could let UTF-16
     * pass the scan.
     */
    parsed = xmlCtxtReadMemory(ctxt, (const char *)xml->data, (int)xml->len, NULL, "UTF-8",
                               PARSE_OPTIONS);
    /*
     * disableSAX: without memory libxml2 drops the rest of the document and calls it well formed.
     */
    if (parsed == NULL || !ctxt->wellFormed || !ctxt->nsWellFormed || ctxt->disableSAX
        || parsed->intSubset != NULL
        || parsed->extSubset != NULL || xmlDocGetRootElement(parsed) == NULL) {
        rv = bad(res, "not well-formed XML");
    }
    else {
        rv = check_tree(xmlDocGetRootElement(parsed), res);
    }
    xmlFreeParserCtxt(ctxt);
    if (rv != APR_SUCCESS) {
        xmlFreeDoc(parsed);
        return rv;
    }
    apr_pool_cleanup_register(p, parsed, free_doc, apr_pool_cleanup_null);
    *doc = parsed;
    return APR_SUCCESS;
}

static void remove_children(xmlNodePtr place)
{
    while (place->children != NULL) {
        xmlNodePtr child = place->children;

        xmlUnlinkNode(child);
        xmlFreeNode(child);
    }
}

apr_status_t samlc_xml_fill(xmlNodePtr *element, xmlNodePtr place, const samlc_data_t *xml,
                            const samlc_xml_limits_t *limits, samlc_result_t *res)
{
    apr_status_t rv = samlc_xml_scan(xml, limits, res);
    const char *text = (const char *)xml->data;
    apr_size_t len = xml->len;
    xmlNodePtr list = NULL;

    *element = NULL;
    if (rv != APR_SUCCESS) {
        return rv;
    }
    remove_children(place);
    for (; len > 0 && strchr(WHITE_SPACE, *text) != NULL; len--) {
        text++;
    }
    while (len > 0 && strchr(WHITE_SPACE, text[len - 1]) != NULL) {
        len--;
    }
    if (xmlParseInNodeContext(place, text, (int)len, PARSE_OPTIONS, &list)
            != XML_ERR_OK
        || list == NULL || list->type != XML_ELEMENT_NODE || list->next != NULL) {
        xmlFreeNodeList(list);
        return bad(res, "not exactly one well-formed element");
    }
    rv = check_tree(list, res);
    if (rv != APR_SUCCESS) {
        xmlFreeNodeList(list);
        return rv;
    }
    *element = xmlAddChild(place, list);
    if (*element == NULL) {
        xmlFreeNodeList(list);
        return samlc_result_fail(res, APR_ENOMEM, SAMLC_REASON_INTERNAL,
                                 "no memory for an element");
    }
    return APR_SUCCESS;
}

/* --- reading --- */

int samlc_xml_is(const xmlNode *node, const char *ns, const char *name)
{
    return node != NULL && node->type == XML_ELEMENT_NODE && node->ns != NULL
           && strcmp((const char *)node->name, name) == 0
           && strcmp((const char *)node->ns->href, ns) == 0;
}

static xmlNodePtr element_from(xmlNodePtr node)
{
    while (node != NULL && node->type != XML_ELEMENT_NODE) {
        node = node->next;
    }
    return node;
}

xmlNodePtr samlc_xml_first(const xmlNode *parent)
{
    return parent == NULL ? NULL : element_from(parent->children);
}

xmlNodePtr samlc_xml_next(const xmlNode *node)
{
    return node == NULL ? NULL : element_from(node->next);
}

xmlNodePtr samlc_xml_child(const xmlNode *parent, const char *ns, const char *name, int *count)
{
    xmlNodePtr node = NULL, found = NULL;
    int n = 0;

    for (node = samlc_xml_first(parent); node != NULL; node = samlc_xml_next(node)) {
        if (samlc_xml_is(node, ns, name)) {
            found = n++ == 0 ? node : found;
        }
    }
    if (count != NULL) {
        *count = n;
    }
    return found;
}

/* The length of all text and CDATA; -1 if anything but these and comments is there. */
static long text_length(const xmlNode *children)
{
    const xmlNode *node = NULL;
    long len = 0;

    for (node = children; node != NULL; node = node->next) {
        if (node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE) {
            len += (long)strlen((const char *)node->content);
        }
        else if (node->type != XML_COMMENT_NODE) {
            return -1;
        }
    }
    return len;
}

/*
 * Joins text and CDATA; NULL if anything but these and comments is there. In one piece: comments
 * can cut a value into thousands of texts.
 */
static const char *join_text(const xmlNode *children, apr_pool_t *p)
{
    const xmlNode *node = NULL;
    long len = text_length(children);
    char *text = NULL, *end = NULL;

    if (len < 0) {
        return NULL;
    }
    text = end = apr_palloc(p, (apr_size_t)len + 1);
    for (node = children; node != NULL; node = node->next) {
        if (node->type != XML_COMMENT_NODE) {
            apr_size_t part = strlen((const char *)node->content);

            memcpy(end, node->content, part);
            end += part;
        }
    }
    *end = '\0';
    return text;
}

const char *samlc_xml_attr(const xmlNode *node, const char *name, apr_pool_t *p)
{
    const xmlAttr *attr = NULL;

    for (attr = node->properties; attr != NULL; attr = attr->next) {
        if (attr->ns == NULL && strcmp((const char *)attr->name, name) == 0) {
            return join_text(attr->children, p);
        }
    }
    return NULL;
}

const char *samlc_xml_text(const xmlNode *node, apr_pool_t *p)
{
    return node == NULL ? NULL : join_text(node->children, p);
}

int samlc_xml_is_ncname(const char *s)
{
    return s != NULL && xmlValidateNCName((const xmlChar *)s, 0) == 0;
}

/* White space, comments and instructions may stand between elements, nothing else may. */
static int is_between(const xmlNode *node)
{
    return node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE || xmlIsBlankNode(node);
}

/* TRUE if the node is an element of this place. */
static int fits(const xmlNode *node, const samlc_xml_model_t *model)
{
    const char *name = model->name;
    apr_size_t len = strlen((const char *)node->name);

    if (node->ns == NULL || strcmp((const char *)node->ns->href, model->ns) != 0) {
        return 0;
    }
    while (name != NULL) {
        if (strncmp(name, (const char *)node->name, len) == 0
            && (name[len] == '|' || name[len] == '\0')) {
            return 1;
        }
        name = strchr(name, '|');
        name = name == NULL ? NULL : name + 1;
    }
    return 0;
}

apr_status_t samlc_xml_check_children(const xmlNode *parent, const samlc_xml_model_t *model,
                                      samlc_result_t *res)
{
    const xmlNode *node = NULL;
    int count = 0;

    for (node = parent->children; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) {
            if (!is_between(node)) {
                return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                         "text where %s has only elements",
                                         samlc_text_show((const char *)parent->name, res->pool));
            }
            continue;
        }
        while (model->name != NULL && count >= model->min
               && (count == model->max || !fits(node, model))) {
            model++;
            count = 0;
        }
        if (model->name == NULL || !fits(node, model)) {
            return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                     "%s is not allowed at its place in %s",
                                     samlc_text_show((const char *)node->name, res->pool),
                                     samlc_text_show((const char *)parent->name, res->pool));
        }
        count++;
    }
    for (; model->name != NULL; model++, count = 0) {
        if (count < model->min) {
            return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s has no %s",
                                     samlc_text_show((const char *)parent->name, res->pool),
                                     model->name);
        }
    }
    return APR_SUCCESS;
}
