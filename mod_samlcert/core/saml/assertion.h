/* SPDX-License-Identifier: Apache-2.0 */
/* An Assertion as data (SAML Core 2.3 to 2.7). Reading it checks its form; it judges nothing. */
#ifndef SAMLC_SAML_ASSERTION_H
#define SAMLC_SAML_ASSERTION_H

#include <apr_tables.h>
#include <apr_time.h>
#include <libxml/tree.h>

#include "core/base/result.h"

/* A bearer SubjectConfirmation. Times are 0 and strings NULL where they are absent. */
typedef struct samlc_confirmation_t {
    const char *recipient;
    const char *in_response_to;
    apr_time_t not_before;
    apr_time_t not_on_or_after;
} samlc_confirmation_t;

typedef struct samlc_assertion_t {
    const char *id;
    const char *issuer;
    const char *issuer_format;
    apr_time_t issue_instant;

    int has_subject;
    int confirmations;                    /* of any method */
    const char *name_id;
    const char *name_id_format;
    const char *name_qualifier;
    const char *sp_name_qualifier;
    apr_array_header_t *bearer;           /* samlc_confirmation_t */

    int has_conditions;
    apr_time_t not_before;
    apr_time_t not_on_or_after;
    /* one apr_array_header_t * of const char * a restriction */
    apr_array_header_t *audiences;
    const char *unknown_condition;        /* NULL, or the name of one that we do not understand */

    int authn_statements;
    apr_time_t last_authn_instant;        /* the latest of all statements; 0: none */
    apr_time_t authn_instant;             /* of the first statement, as is the rest */
    const char *authn_instant_text;
    const char *session_index;
    const char *authn_context;
    apr_time_t session_not_on_or_after;   /* the earliest of all statements; 0: none */

    /* samlc_attribute_t; values with elements inside are left out, except for a NameID */
    apr_array_header_t *attributes;
} samlc_assertion_t;

/*
 * Checks that the children of an Assertion are those of the schema, in its order; malformed
 * otherwise.
 */
apr_status_t samlc_assertion_check(const xmlNode *node, samlc_result_t *res);

/*
 * Reads {assertion}Assertion. Fails with malformed for anything that the schema or a MUST of SAML
 * Core forbids and that could be read in two ways. Strings are copied into `p`.
 */
apr_status_t samlc_assertion_read(samlc_assertion_t **assertion, const xmlNode *node,
                                  samlc_result_t *res, apr_pool_t *p);

/*
 * Adds the attributes of `more` to `attributes` (both samlc_attribute_t), name by name. A value
 * that is there already is not added again.
 */
void samlc_assertion_merge_attributes(apr_array_header_t *attributes,
                                      const apr_array_header_t *more, apr_pool_t *p);

/* Reads an xs:dateTime attribute: 0 where it is absent, malformed where it is none. */
apr_status_t samlc_assertion_time(apr_time_t *t, const xmlNode *node, const char *name,
                                  samlc_result_t *res, apr_pool_t *p);

#endif
