/* SPDX-License-Identifier: Apache-2.0 */
#include "core/saml/assertion.h"

#include <string.h>

#include <apr_strings.h>

#include "core/base/clock.h"
#include "core/base/text.h"
#include "core/store/session.h"
#include "core/xml/xml.h"

#define METHOD_BEARER "urn:oasis:names:tc:SAML:2.0:cm:bearer"
#define NS_XSI "http://www.w3.org/2001/XMLSchema-instance"

/* spec: SAML-Core 2.3.3 */
static const samlc_xml_model_t ASSERTION[] = {
    { SAMLC_NS_SAML, "Issuer", 1, 1 },
    { SAMLC_NS_DS, "Signature", 0, 1 },
    { SAMLC_NS_SAML, "Subject", 0, 1 },
    { SAMLC_NS_SAML, "Conditions", 0, 1 },
    { SAMLC_NS_SAML, "Advice", 0, 1 },
    { SAMLC_NS_SAML, "Statement|AuthnStatement|AuthzDecisionStatement|AttributeStatement", 0,
      SAMLC_XML_MANY },
    { NULL, NULL, 0, 0 }
};

/*
 * spec: SAML-Core 2.4 to 2.7 - what may stand in which element below. What has no row may hold
 * anything: it is not read, or its reader looks at the content. An AttributeStatement may be empty,
 * as it comes for users without attributes. What was encrypted is decrypted by now.
 */
static const struct {
    const char *element;
    samlc_xml_model_t content[4];
} CONTENTS[] = {
    { "Subject", { { SAMLC_NS_SAML, "NameID|EncryptedID|BaseID", 0, 1 },
                   { SAMLC_NS_SAML, "SubjectConfirmation", 0, SAMLC_XML_MANY } } },
    { "SubjectConfirmation", { { SAMLC_NS_SAML, "NameID|EncryptedID|BaseID", 0, 1 },
                               { SAMLC_NS_SAML, "SubjectConfirmationData", 0, 1 } } },
    { "Conditions", { { SAMLC_NS_SAML, "Condition|AudienceRestriction|OneTimeUse|ProxyRestriction",
                        0, SAMLC_XML_MANY } } },
    { "AudienceRestriction", { { SAMLC_NS_SAML, "Audience", 1, SAMLC_XML_MANY } } },
    { "OneTimeUse", { { NULL, NULL, 0, 0 } } },
    { "ProxyRestriction", { { SAMLC_NS_SAML, "Audience", 0, SAMLC_XML_MANY } } },
    { "AuthnStatement", { { SAMLC_NS_SAML, "SubjectLocality", 0, 1 },
                          { SAMLC_NS_SAML, "AuthnContext", 1, 1 } } },
    { "AuthnContext", { { SAMLC_NS_SAML, "AuthnContextClassRef", 0, 1 },
                        { SAMLC_NS_SAML, "AuthnContextDecl|AuthnContextDeclRef", 0, 1 },
                        { SAMLC_NS_SAML, "AuthenticatingAuthority", 0, SAMLC_XML_MANY } } },
    { "AttributeStatement", { { SAMLC_NS_SAML, "Attribute|EncryptedAttribute", 0,
                                SAMLC_XML_MANY } } },
    { "EncryptedAttribute", { { SAMLC_NS_SAML, "Attribute", 1, 1 } } },
    { "Attribute", { { SAMLC_NS_SAML, "AttributeValue", 0, SAMLC_XML_MANY } } },
};

static apr_status_t malformed(samlc_result_t *res, const char *what)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s", what);
}

/* NULL: anything. */
static const samlc_xml_model_t *content_of(const xmlNode *node)
{
    apr_size_t i = 0;

    for (i = 0; i < sizeof(CONTENTS) / sizeof(CONTENTS[0]); i++) {
        if (samlc_xml_is(node, SAMLC_NS_SAML, CONTENTS[i].element)) {
            return CONTENTS[i].content;
        }
    }
    return NULL;
}

/* The element and what has a row below it. */
static apr_status_t check_tree(const xmlNode *node, const samlc_xml_model_t *content,
                               samlc_result_t *res)
{
    const xmlNode *child = NULL;
    apr_status_t rv = samlc_xml_check_children(node, content, res);

    for (child = samlc_xml_first(node); child != NULL && rv == APR_SUCCESS;
         child = samlc_xml_next(child)) {
        const samlc_xml_model_t *below = content_of(child);

        rv = below == NULL ? APR_SUCCESS : check_tree(child, below, res);
    }
    return rv;
}

apr_status_t samlc_assertion_time(apr_time_t *t, const xmlNode *node, const char *name,
                                  samlc_result_t *res, apr_pool_t *p)
{
    const char *text = samlc_xml_attr(node, name, p);

    *t = 0;
    if (text == NULL) {
        return APR_SUCCESS;
    }
    if (samlc_clock_parse(t, text) == APR_SUCCESS) {
        *t = *t == 0 ? 1 : *t;   /* 1970 itself must not look like no time at all */
        return APR_SUCCESS;
    }
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s=\"%s\" of %s is no time",
                             name, samlc_text_show(text, p), (const char *)node->name);
}

/* spec: SAML-Core 2.4.1.2, 2.5.1.2 - a period begins before it ends */
static apr_status_t read_period(apr_time_t *not_before, apr_time_t *not_on_or_after,
                                const xmlNode *node, samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = samlc_assertion_time(not_before, node, "NotBefore", res, p);

    if (rv == APR_SUCCESS) {
        rv = samlc_assertion_time(not_on_or_after, node, "NotOnOrAfter", res, p);
    }
    if (rv == APR_SUCCESS && *not_before != 0 && *not_on_or_after != 0
        && *not_before >= *not_on_or_after) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                 "NotBefore of %s is not before its NotOnOrAfter",
                                 (const char *)node->name);
    }
    return rv;
}

static int has_control_character(const char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || *s == 0x7f) {
            return 1;
        }
    }
    return 0;
}

/* NameID, by itself or decrypted inside an EncryptedID. */
static apr_status_t read_name_id(samlc_assertion_t *a, const xmlNode *node, samlc_result_t *res,
                                 apr_pool_t *p)
{
    if (samlc_xml_is(node, SAMLC_NS_SAML, "EncryptedID")) {
        node = samlc_xml_first(node);
    }
    if (!samlc_xml_is(node, SAMLC_NS_SAML, "NameID")) {
        return malformed(res, "a subject that is not named by a NameID");
    }
    a->name_id = samlc_xml_text(node, p);
    if (a->name_id == NULL || has_control_character(a->name_id)) {
        return malformed(res, "a NameID that is not plain text");
    }
    a->name_id_format = samlc_xml_attr(node, "Format", p);
    a->name_qualifier = samlc_xml_attr(node, "NameQualifier", p);
    a->sp_name_qualifier = samlc_xml_attr(node, "SPNameQualifier", p);
    return APR_SUCCESS;
}

/* spec: SAML-Profiles 3.3 - only bearer confirmations are of use here; others are passed over */
static apr_status_t read_confirmation(samlc_assertion_t *a, const xmlNode *node,
                                      samlc_result_t *res, apr_pool_t *p)
{
    const xmlNode *data = samlc_xml_child(node, SAMLC_NS_SAML, "SubjectConfirmationData", NULL);
    samlc_confirmation_t c;
    apr_status_t rv = APR_SUCCESS;

    memset(&c, 0, sizeof(c));
    a->confirmations++;
    if (!samlc_text_equal(samlc_xml_attr(node, "Method", p), METHOD_BEARER)) {
        return APR_SUCCESS;
    }
    if (data != NULL) {
        c.recipient = samlc_xml_attr(data, "Recipient", p);
        c.in_response_to = samlc_xml_attr(data, "InResponseTo", p);
        rv = read_period(&c.not_before, &c.not_on_or_after, data, res, p);
    }
    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(a->bearer, samlc_confirmation_t) = c;
    }
    return rv;
}

static apr_status_t read_subject(samlc_assertion_t *a, const xmlNode *subject, samlc_result_t *res,
                                 apr_pool_t *p)
{
    const xmlNode *node = NULL;
    apr_status_t rv = APR_SUCCESS;

    a->has_subject = 1;
    for (node = samlc_xml_first(subject); node != NULL && rv == APR_SUCCESS;
         node = samlc_xml_next(node)) {
        rv = samlc_xml_is(node, SAMLC_NS_SAML, "SubjectConfirmation")
                 ? read_confirmation(a, node, res, p)
                 : read_name_id(a, node, res, p);
    }
    return rv;
}

static apr_status_t read_audiences(samlc_assertion_t *a, const xmlNode *restriction,
                                   samlc_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *audiences = apr_array_make(p, 1, sizeof(const char *));
    const xmlNode *node = NULL;

    for (node = samlc_xml_first(restriction); node != NULL; node = samlc_xml_next(node)) {
        const char *audience = samlc_xml_text(node, p);

        if (audience == NULL) {
            return malformed(res, "an Audience that is not plain text");
        }
        APR_ARRAY_PUSH(audiences, const char *) = audience;
    }
    APR_ARRAY_PUSH(a->audiences, apr_array_header_t *) = audiences;
    return APR_SUCCESS;
}

/* spec: SAML-Core 2.5.1.6 - an xs:nonNegativeInteger, or nothing at all */
static apr_status_t check_count(const xmlNode *restriction, samlc_result_t *res, apr_pool_t *p)
{
    static const char SPACE[] = " \t\r\n";
    const char *count = samlc_xml_attr(restriction, "Count", p);
    apr_size_t digits = 0;

    if (count == NULL) {
        return APR_SUCCESS;
    }
    count += strspn(count, SPACE);
    count += *count == '+';
    digits = strspn(count, "0123456789");
    return digits > 0 && count[digits + strspn(count + digits, SPACE)] == '\0'
               ? APR_SUCCESS
               : malformed(res, "a ProxyRestriction whose Count is no number");
}

/* spec: SAML-Core 2.5.1 - OneTimeUse holds for every assertion here, since each is claimed once;
 * ProxyRestriction is about assertions that we would issue, and we issue none */
static apr_status_t read_conditions(samlc_assertion_t *a, const xmlNode *conditions,
                                    samlc_result_t *res, apr_pool_t *p)
{
    const xmlNode *node = NULL;
    int once = 0, proxy = 0;
    apr_status_t rv = read_period(&a->not_before, &a->not_on_or_after, conditions, res, p);

    a->has_conditions = 1;
    for (node = samlc_xml_first(conditions); node != NULL && rv == APR_SUCCESS;
         node = samlc_xml_next(node)) {
        if (samlc_xml_is(node, SAMLC_NS_SAML, "AudienceRestriction")) {
            rv = read_audiences(a, node, res, p);
        }
        else if (samlc_xml_is(node, SAMLC_NS_SAML, "OneTimeUse")) {
            once++;
        }
        else if (samlc_xml_is(node, SAMLC_NS_SAML, "ProxyRestriction")) {
            proxy++;
            rv = check_count(node, res, p);
        }
        else {
            a->unknown_condition = samlc_text_show((const char *)node->name, p);
        }
    }
    /* spec: SAML-Core 2.5.1.5, 2.5.1.6 */
    if (rv == APR_SUCCESS && (once > 1 || proxy > 1)) {
        return malformed(res, "Conditions with two OneTimeUse or two ProxyRestriction");
    }
    return rv;
}

/* The first statement speaks for the session; every end of a session that is named counts. */
static apr_status_t read_authn_statement(samlc_assertion_t *a, const xmlNode *statement,
                                         samlc_result_t *res, apr_pool_t *p)
{
    const xmlNode *context = samlc_xml_child(statement, SAMLC_NS_SAML, "AuthnContext", NULL);
    const xmlNode *first = samlc_xml_first(context);
    const xmlNode *class_ref = samlc_xml_child(context, SAMLC_NS_SAML, "AuthnContextClassRef",
                                               NULL);
    apr_time_t instant = 0, end = 0;
    apr_status_t rv = samlc_assertion_time(&instant, statement, "AuthnInstant", res, p);

    if (rv == APR_SUCCESS) {
        rv = samlc_assertion_time(&end, statement, "SessionNotOnOrAfter", res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (instant == 0 || (class_ref != NULL && samlc_xml_text(class_ref, p) == NULL)) {
        return malformed(res, "an odd AuthnStatement");
    }
    /* spec: SAML-Core 2.7.2.2 */
    if (first == NULL || samlc_xml_is(first, SAMLC_NS_SAML, "AuthenticatingAuthority")) {
        return malformed(res, "an AuthnContext with neither a class nor a declaration");
    }
    a->last_authn_instant = instant > a->last_authn_instant ? instant : a->last_authn_instant;
    if (a->authn_statements++ == 0) {
        a->authn_instant = instant;
        a->authn_instant_text = samlc_xml_attr(statement, "AuthnInstant", p);
        a->session_index = samlc_xml_attr(statement, "SessionIndex", p);
        a->authn_context = samlc_xml_text(class_ref, p);
    }
    if (end != 0 && (a->session_not_on_or_after == 0 || end < a->session_not_on_or_after)) {
        a->session_not_on_or_after = end;
    }
    return APR_SUCCESS;
}

/* Two Attributes of one name are one attribute with the values of both. */
static samlc_attribute_t *attribute_named(apr_array_header_t *attributes, const char *name,
                                          apr_pool_t *p)
{
    samlc_attribute_t *attribute = NULL;
    int i = 0;

    for (i = 0; i < attributes->nelts; i++) {
        attribute = &APR_ARRAY_IDX(attributes, i, samlc_attribute_t);
        if (strcmp(attribute->name, name) == 0) {
            return attribute;
        }
    }
    attribute = apr_array_push(attributes);
    attribute->name = name;
    attribute->values = apr_array_make(p, 1, sizeof(const char *));
    return attribute;
}

/*
 * spec: SAML-Core 2.7.3.1.1 - null is an empty element with xsi:nil true; anything else than that
 * or false could be read in two ways
 */
static apr_status_t read_nil(int *is_nil, const xmlNode *value, samlc_result_t *res)
{
    xmlChar *nil = xmlGetNsProp((xmlNodePtr)value, (const xmlChar *)"nil",
                                (const xmlChar *)NS_XSI);
    const char *word = nil == NULL ? "false" : (const char *)nil;
    int is_false = strcmp(word, "false") == 0 || strcmp(word, "0") == 0;

    *is_nil = strcmp(word, "true") == 0 || strcmp(word, "1") == 0;
    xmlFree(nil);
    return is_false || (*is_nil && value->children == NULL)
               ? APR_SUCCESS
               : malformed(res, "an odd xsi:nil, or a value that is nil and is not empty");
}

/* The NameID that the value consists of, as eduPersonTargetedID has it; NULL if it is another. */
static const xmlNode *only_name_id(const xmlNode *value, samlc_result_t *ignored)
{
    static const samlc_xml_model_t MODEL[] = {
        { SAMLC_NS_SAML, "NameID", 1, 1 }, { NULL, NULL, 0, 0 }
    };

    return samlc_xml_check_children(value, MODEL, ignored) == APR_SUCCESS ? samlc_xml_first(value)
                                                                          : NULL;
}

/*
 * The text of a value, NULL if it has a structure. What is cut by a processing instruction refuses,
 * as in a NameID of a Subject. A NameID is NAMEQUALIFIER!SPNAMEQUALIFIER!NAME, which is how
 * Shibboleth shows it to applications.
 */
static apr_status_t read_value(const char **text, const xmlNode *value, samlc_result_t *res,
                               apr_pool_t *p)
{
    const xmlNode *name = only_name_id(value, samlc_result_make(p));
    const char *idp = NULL, *sp = NULL;

    *text = samlc_xml_text(name == NULL ? value : name, p);
    if (*text == NULL) {
        return samlc_xml_first(name == NULL ? value : name) != NULL
                   ? APR_SUCCESS
                   : malformed(res, "an AttributeValue that is not plain text");
    }
    if (name != NULL) {
        idp = samlc_xml_attr(name, "NameQualifier", p);
        sp = samlc_xml_attr(name, "SPNameQualifier", p);
        *text = apr_pstrcat(p, idp == NULL ? "" : idp, "!", sp == NULL ? "" : sp, "!", *text,
                            NULL);
    }
    return APR_SUCCESS;
}

/* spec: SAML-Core 2.7.3.1 */
static apr_status_t read_attribute(samlc_assertion_t *a, const xmlNode *node, samlc_result_t *res,
                                   apr_pool_t *p)
{
    const char *name = NULL;
    samlc_attribute_t *attribute = NULL;
    xmlNodePtr value = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (samlc_xml_is(node, SAMLC_NS_SAML, "EncryptedAttribute")) {
        node = samlc_xml_first(node);
    }
    if (!samlc_xml_is(node, SAMLC_NS_SAML, "Attribute")
        || (name = samlc_xml_attr(node, "Name", p)) == NULL || name[0] == '\0') {
        return malformed(res, "an attribute without a name");
    }
    attribute = attribute_named(a->attributes, name, p);
    for (value = samlc_xml_first(node); value != NULL && rv == APR_SUCCESS;
         value = samlc_xml_next(value)) {
        const char *text = NULL;
        int is_nil = 0;

        rv = read_nil(&is_nil, value, res);
        if (rv == APR_SUCCESS && !is_nil) {
            rv = read_value(&text, value, res, p);
        }
        if (text != NULL) {
            APR_ARRAY_PUSH(attribute->values, const char *) = text;
        }
    }
    return rv;
}

static int has_value(const apr_array_header_t *values, const char *value)
{
    int i = 0;

    while (i < values->nelts && strcmp(APR_ARRAY_IDX(values, i, const char *), value) != 0) {
        i++;
    }
    return i < values->nelts;
}

void samlc_assertion_merge_attributes(apr_array_header_t *attributes,
                                      const apr_array_header_t *more, apr_pool_t *p)
{
    int i = 0, k = 0;

    for (i = 0; i < more->nelts; i++) {
        const samlc_attribute_t *a = &APR_ARRAY_IDX(more, i, samlc_attribute_t);
        samlc_attribute_t *into = attribute_named(attributes, a->name, p);

        for (k = 0; k < a->values->nelts; k++) {
            const char *value = APR_ARRAY_IDX(a->values, k, const char *);

            if (!has_value(into->values, value)) {
                APR_ARRAY_PUSH(into->values, const char *) = value;
            }
        }
    }
}

static apr_status_t read_statement(samlc_assertion_t *a, const xmlNode *node, samlc_result_t *res,
                                   apr_pool_t *p)
{
    const xmlNode *child = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (samlc_xml_is(node, SAMLC_NS_SAML, "AuthnStatement")) {
        return read_authn_statement(a, node, res, p);
    }
    if (!samlc_xml_is(node, SAMLC_NS_SAML, "AttributeStatement")) {
        return APR_SUCCESS;
    }
    for (child = samlc_xml_first(node); child != NULL && rv == APR_SUCCESS;
         child = samlc_xml_next(child)) {
        rv = read_attribute(a, child, res, p);
    }
    return rv;
}

/* The attributes and the Issuer of the element itself. */
static apr_status_t read_head(samlc_assertion_t *a, const xmlNode *node, samlc_result_t *res,
                              apr_pool_t *p)
{
    const xmlNode *issuer = samlc_xml_first(node);
    apr_status_t rv = APR_SUCCESS;

    a->id = samlc_xml_attr(node, "ID", p);
    a->issuer = samlc_xml_text(issuer, p);
    a->issuer_format = samlc_xml_attr(issuer, "Format", p);
    if (!samlc_text_equal(samlc_xml_attr(node, "Version", p), "2.0")) {
        return malformed(res, "an assertion that is not of version 2.0");
    }
    if (!samlc_xml_is_ncname(a->id) || a->issuer == NULL) {
        return malformed(res, "an assertion without a proper ID or Issuer");
    }
    rv = samlc_assertion_time(&a->issue_instant, node, "IssueInstant", res, p);
    if (rv == APR_SUCCESS && a->issue_instant == 0) {
        rv = malformed(res, "an assertion without IssueInstant");
    }
    return rv;
}

apr_status_t samlc_assertion_check(const xmlNode *node, samlc_result_t *res)
{
    return samlc_xml_check_children(node, ASSERTION, res);
}

apr_status_t samlc_assertion_read(samlc_assertion_t **assertion, const xmlNode *node,
                                  samlc_result_t *res, apr_pool_t *p)
{
    samlc_assertion_t *a = apr_pcalloc(p, sizeof(*a));
    const xmlNode *child = NULL;
    apr_status_t rv = check_tree(node, ASSERTION, res);

    *assertion = NULL;
    a->bearer = apr_array_make(p, 1, sizeof(samlc_confirmation_t));
    a->audiences = apr_array_make(p, 1, sizeof(apr_array_header_t *));
    a->attributes = apr_array_make(p, 8, sizeof(samlc_attribute_t));
    if (rv == APR_SUCCESS) {
        rv = read_head(a, node, res, p);
    }
    for (child = samlc_xml_first(node); child != NULL && rv == APR_SUCCESS;
         child = samlc_xml_next(child)) {
        if (samlc_xml_is(child, SAMLC_NS_SAML, "Subject")) {
            rv = read_subject(a, child, res, p);
        }
        else if (samlc_xml_is(child, SAMLC_NS_SAML, "Conditions")) {
            rv = read_conditions(a, child, res, p);
        }
        else {
            rv = read_statement(a, child, res, p);
        }
    }
    if (rv == APR_SUCCESS) {
        *assertion = a;
    }
    return rv;
}
