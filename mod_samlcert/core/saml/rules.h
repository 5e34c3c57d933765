/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of SAML Core and Profiles over an assertion that was verified. Each decides one thing,
 * reads the state that the signature steps left, and fills the result with its own reason code when
 * it refuses. The order is that of the table in response.c.
 */
#ifndef SAMLC_SAML_RULES_H
#define SAMLC_SAML_RULES_H

#include "core/saml/judge.h"

apr_status_t samlc_rule_issuer(samlc_judge_t *j);
apr_status_t samlc_rule_destination(samlc_judge_t *j);
apr_status_t samlc_rule_times(samlc_judge_t *j);
apr_status_t samlc_rule_conditions(samlc_judge_t *j);
apr_status_t samlc_rule_audience(samlc_judge_t *j);
apr_status_t samlc_rule_confirmation(samlc_judge_t *j);
apr_status_t samlc_rule_subject(samlc_judge_t *j);
apr_status_t samlc_rule_request(samlc_judge_t *j);
apr_status_t samlc_rule_authentication(samlc_judge_t *j);
apr_status_t samlc_rule_scope(samlc_judge_t *j);
apr_status_t samlc_rule_user(samlc_judge_t *j);
apr_status_t samlc_rule_replay(samlc_judge_t *j);

#endif
