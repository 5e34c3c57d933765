/* SPDX-License-Identifier: Apache-2.0 */
/* From bytes to a Response in which nothing is believed yet. What judges it is in response.c. */
#include "core/saml/response.h"

#include <string.h>

#include <apr_lib.h>
#include <apr_strings.h>

#include "core/base/form.h"
#include "core/saml/assertion.h"
#include "core/saml/judge.h"
#include "core/xml/xml.h"

static apr_status_t malformed(samlc_result_t *res, const char *what)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "%s", what);
}

/* spec: SAML-Core 3.2.2.2 - each code has one below it at most: two could be read two ways */
static apr_status_t check_codes(const xmlNode *code, samlc_result_t *res)
{
    static const samlc_xml_model_t CODE[] = { { SAMLC_NS_SAMLP, "StatusCode", 0, 1 },
                                              { NULL, NULL, 0, 0 } };
    apr_status_t rv = APR_SUCCESS;

    for (; code != NULL && rv == APR_SUCCESS; code = samlc_xml_first(code)) {
        rv = samlc_xml_check_children(code, CODE, res);
    }
    return rv;
}

/* spec: SAML-Core 3.2.2.1 */
static apr_status_t read_status(samlc_envelope_t *e, const xmlNode *status, samlc_result_t *res,
                                apr_pool_t *p)
{
    static const samlc_xml_model_t MODEL[] = { { SAMLC_NS_SAMLP, "StatusCode", 1, 1 },
                                               { SAMLC_NS_SAMLP, "StatusMessage", 0, 1 },
                                               { SAMLC_NS_SAMLP, "StatusDetail", 0, 1 },
                                               { NULL, NULL, 0, 0 } };
    const xmlNode *code = samlc_xml_first(status);
    const xmlNode *second = samlc_xml_first(code);
    const xmlNode *message = samlc_xml_child(status, SAMLC_NS_SAMLP, "StatusMessage", NULL);
    apr_status_t rv = samlc_xml_check_children(status, MODEL, res);

    if (rv == APR_SUCCESS) {
        rv = check_codes(code, res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    e->status = samlc_xml_attr(code, "Value", p);
    if (e->status == NULL) {
        return malformed(res, "a response without a status code");
    }
    e->second_status = second == NULL ? NULL : samlc_xml_attr(second, "Value", p);
    e->status_detail = apr_pstrcat(
        p, second == NULL ? "" : samlc_text_show(e->second_status, p),
        message == NULL ? "" : " ",
        message == NULL ? "" : samlc_text_show(samlc_xml_text(message, p), p), NULL);
    return APR_SUCCESS;
}

apr_status_t samlc_envelope_read(samlc_envelope_t *e, const xmlNode *root, samlc_result_t *res,
                                 apr_pool_t *p)
{
    static const samlc_xml_model_t MODEL[] = { { SAMLC_NS_SAML, "Issuer", 0, 1 },
                                               { SAMLC_NS_DS, "Signature", 0, 1 },
                                               { SAMLC_NS_SAMLP, "Extensions", 0, 1 },
                                               { SAMLC_NS_SAMLP, "Status", 1, 1 },
                                               { SAMLC_NS_SAML, "Assertion|EncryptedAssertion", 0,
                                                 SAMLC_XML_MANY },
                                               { NULL, NULL, 0, 0 } };
    const xmlNode *issuer = NULL;
    apr_status_t rv = APR_EGENERAL;

    memset(e, 0, sizeof(*e));
    if (!samlc_xml_is(root, SAMLC_NS_SAMLP, "Response")) {
        return malformed(res, "not a SAML Response");
    }
    rv = samlc_xml_check_children(root, MODEL, res);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    e->id = samlc_xml_attr(root, "ID", p);
    if (!samlc_text_equal(samlc_xml_attr(root, "Version", p), "2.0")
        || !samlc_xml_is_ncname(e->id)) {
        return malformed(res, "a response that is not of version 2.0, or without a proper ID");
    }
    issuer = samlc_xml_child(root, SAMLC_NS_SAML, "Issuer", NULL);
    if (issuer != NULL) {
        e->issuer = samlc_xml_text(issuer, p);
        e->issuer_format = samlc_xml_attr(issuer, "Format", p);
        if (e->issuer == NULL) {
            return malformed(res, "an Issuer that is not plain text");
        }
    }
    e->destination = samlc_xml_attr(root, "Destination", p);
    e->in_response_to = samlc_xml_attr(root, "InResponseTo", p);
    rv = samlc_assertion_time(&e->issue_instant, root, "IssueInstant", res, p);
    if (rv == APR_SUCCESS && e->issue_instant == 0) {
        rv = malformed(res, "a response without IssueInstant");
    }
    return rv == APR_SUCCESS
               ? read_status(e, samlc_xml_child(root, SAMLC_NS_SAMLP, "Status", NULL), res, p)
               : rv;
}

int samlc_assertion_node_is_encrypted(const xmlNode *node)
{
    return samlc_xml_is(node, SAMLC_NS_SAML, "EncryptedAssertion");
}

xmlNodePtr samlc_assertion_node_from(xmlNodePtr node)
{
    while (node != NULL && !samlc_xml_is(node, SAMLC_NS_SAML, "Assertion")
           && !samlc_assertion_node_is_encrypted(node)) {
        node = samlc_xml_next(node);
    }
    return node;
}

int samlc_assertion_node_count(const xmlNode *node)
{
    int count = 0;

    for (; node != NULL; node = samlc_xml_next(node)) {
        count += samlc_xml_is(node, SAMLC_NS_SAML, "Assertion")
                 || samlc_assertion_node_is_encrypted(node);
        count += samlc_assertion_node_count(samlc_xml_first(node));
    }
    return count;
}

/* The assertions of a Response are its children, few, and there are none elsewhere. */
static apr_status_t read_parts(samlc_response_t *r, samlc_result_t *res, apr_pool_t *p)
{
    xmlNodePtr node = NULL;
    int all = samlc_assertion_node_count(r->root);

    if (all > SAMLC_MAX_ASSERTIONS) {
        return samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_TOO_LARGE,
                                 "%d assertions; at most %d are read", all, SAMLC_MAX_ASSERTIONS);
    }
    r->parts = apr_array_make(p, 1, sizeof(samlc_part_t));
    for (node = samlc_assertion_node_from(samlc_xml_first(r->root)); node != NULL;
         node = samlc_assertion_node_from(samlc_xml_next(node))) {
        samlc_part_t *part = apr_array_push(r->parts);

        memset(part, 0, sizeof(*part));
        part->node = node;
        if (r->issuer == NULL && !samlc_assertion_node_is_encrypted(node)) {
            r->issuer = samlc_xml_text(samlc_xml_child(node, SAMLC_NS_SAML, "Issuer", NULL), p);
        }
    }
    return r->parts->nelts == all ? APR_SUCCESS : malformed(res, "an assertion at an odd place");
}

static int looks_like_xml(const samlc_data_t *message)
{
    apr_size_t i = 0;

    while (i < message->len && (apr_isspace(message->data[i]) || message->data[i] >= 0xBB)) {
        i++; /* white space, or a byte order mark */
    }
    return i < message->len && message->data[i] == '<';
}

static apr_status_t decode(samlc_data_t *xml, const samlc_data_t *message, samlc_result_t *res,
                           apr_pool_t *p)
{
    if (looks_like_xml(message)) {
        *xml = *message;
        return APR_SUCCESS;
    }
    if (message->len / 4 * 3 > SAMLC_XML_MESSAGE.bytes) {
        return samlc_result_fail(res, APR_ENOSPC, SAMLC_REASON_TOO_LARGE, "%lu bytes of base64",
                                 (unsigned long)message->len);
    }
    return samlc_text_base64_decode(xml, message, p) == APR_SUCCESS
               ? APR_SUCCESS
               : malformed(res, "neither XML nor base64");
}

apr_status_t samlc_response_read(samlc_response_t **response, const samlc_data_t *message,
                                 samlc_result_t *res, apr_pool_t *p)
{
    samlc_response_t *r = apr_pcalloc(p, sizeof(*r));
    samlc_data_t xml;
    xmlDocPtr doc = NULL;
    apr_status_t rv = decode(&xml, message, res, p);

    *response = NULL;
    if (rv == APR_SUCCESS) {
        rv = samlc_xml_parse(&doc, &xml, &SAMLC_XML_MESSAGE, res, p);
    }
    if (rv == APR_SUCCESS) {
        r->root = xmlDocGetRootElement(doc);
        rv = samlc_envelope_read(&r->envelope, r->root, res, p);
    }
    if (rv == APR_SUCCESS) {
        r->issuer = r->envelope.issuer;
        rv = read_parts(r, res, p);
    }
    *response = rv == APR_SUCCESS ? r : NULL;
    return rv;
}

/* spec: SAML-Bindings 3.5.4 - one field, and in base64: XML itself has no place there */
apr_status_t samlc_response_read_form(samlc_response_t **response, const apr_table_t *fields,
                                      samlc_result_t *res, apr_pool_t *p)
{
    const char *value = samlc_form_get(fields, "SAMLResponse");
    samlc_data_t message = { (const unsigned char *)value, 0, "SAMLResponse" };

    *response = NULL;
    if (value == NULL) {
        return malformed(res, "the form has no field SAMLResponse");
    }
    if (strchr(value, '<') != NULL) {
        return malformed(res, "the SAMLResponse of the form is not base64");
    }
    message.len = strlen(value);
    return samlc_response_read(response, &message, res, p);
}

const char *samlc_response_issuer(const samlc_response_t *response)
{
    return response->issuer;
}
