/* SPDX-License-Identifier: Apache-2.0 */
/* verify: judges a response offline, as the server would. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/base/form.h"
#include "core/report.h"
#include "core/saml/response.h"

#define LARGEST_INPUT (1024 * 1024)   /* the largest message, in base64, with every byte escaped */
#define FORM_FIELD "SAMLResponse"

/* Behind the white space, or the byte order mark, that an editor put before it. */
static const char *start_of(const char *s)
{
    return s + strspn(s, " \t\r\n\xEF\xBB\xBF");
}

/* XML begins with a tag, and base64 has hardly got this word in it. */
static int is_form(const char *s)
{
    return *start_of(s) != '<' && strstr(s, FORM_FIELD) != NULL;
}

static apr_status_t read_form(samlc_response_t **response, const samlc_data_t *input,
                              samlc_result_t *res, apr_pool_t *p)
{
    const char *text = start_of((const char *)input->data);
    apr_table_t *fields = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (strlen((const char *)input->data) != input->len) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                 "the form has a NUL byte");
    }
    rv = samlc_form_parse(&fields, text, strlen(text), res, p);
    return rv != APR_SUCCESS ? rv : samlc_response_read_form(response, fields, res, p);
}

/* From what was read to a Response: of a form's field where it is a form. */
static apr_status_t read_response(samlc_response_t **response, const samlc_data_t *input,
                                  samlc_result_t *res, apr_pool_t *p)
{
    *response = NULL;
    return is_form((const char *)input->data) ? read_form(response, input, res, p)
                                              : samlc_response_read(response, input, res, p);
}

static ctl_colour_t outcome_colour(const char *outcome)
{
    if (strcmp(outcome, "passed") == 0) {
        return CTL_GREEN;
    }
    return strcmp(outcome, "failed") == 0 ? CTL_RED : CTL_PLAIN;
}

static void print_steps(const ctl_t *ctl, const apr_array_header_t *steps)
{
    ctl_table_t *table = ctl_table_make(3, ctl->pool);
    const samlc_step_t *step = NULL;
    int i = 0;

    for (i = 0; i < steps->nelts; i++) {
        step = &APR_ARRAY_IDX(steps, i, samlc_step_t);
        ctl_table_cell(table, outcome_colour(step->outcome), step->outcome);
        ctl_table_cell(table, CTL_PLAIN, step->step);
        ctl_table_cell(table, CTL_PLAIN, step->detail);
    }
    ctl_table_print(ctl, table);
}

/* Who it is. Values are the IdP's, so they are escaped; --json has them in full. */
static void print_user(const ctl_t *ctl, const samlc_session_t *session)
{
    ctl_table_t *table = ctl_table_make(2, ctl->pool);
    apr_pool_t *p = ctl->pool;
    int i = 0;
    int j = 0;

    ctl_table_pair(table, "user", samlc_text_show(session->user, p));
    ctl_table_pair(table, "name ID", samlc_text_show(session->name_id, p));
    ctl_table_pair(table, "format", samlc_text_show(session->name_id_format, p));
    for (i = 0; session->attributes && i < session->attributes->nelts; i++) {
        const samlc_attribute_t *a = &APR_ARRAY_IDX(session->attributes, i, samlc_attribute_t);

        for (j = 0; j < a->values->nelts; j++) {
            ctl_table_pair(table, j == 0 ? samlc_text_show(a->name, p) : NULL,
                           samlc_text_show(APR_ARRAY_IDX(a->values, j, const char *), p));
        }
    }
    ctl_table_print(ctl, table);
}

/* Whom it is said to come from, and what vouched for it or failed to. */
static void print_trust(const ctl_t *ctl, const samlc_verdict_t *verdict)
{
    const samlc_trust_verdict_t *trust = &verdict->trust;
    ctl_table_t *table = ctl_table_make(2, ctl->pool);

    ctl_table_pair(table, "IdP", apr_psprintf(ctl->pool, "%s (%s)", verdict->idp->name,
                                              verdict->idp->entity_id));
    if (trust->cert) {
        ctl_table_pair(table, "certificate",
                       samlc_text_show(samlc_cert_subject(trust->cert), ctl->pool));
        ctl_table_pair(table, "SHA-256", samlc_cert_sha256_hex(trust->cert));
        ctl_table_cell(table, CTL_PLAIN, "not after");
        ctl_table_cell(table, ctl_expiry_colour(trust->cert, ctl->now),
                       ctl_expiry(trust->cert, ctl->now, ctl->pool));
    }
    if (trust->reason != SAMLC_REASON_UNDECIDED) {
        ctl_table_pair(table, "slot, mode",
                       apr_psprintf(ctl->pool, "%s, %s", samlc_trust_slot_word(trust->slot),
                                    samlc_trust_mode_word(trust->mode)));
    }
    if (trust->warning) {
        ctl_table_cell(table, CTL_YELLOW, "warning");
        ctl_table_cell(table, CTL_PLAIN, trust->warning);
    }
    ctl_table_print(ctl, table);
}

static void print_headline(const ctl_t *ctl, int accepted, samlc_reason_t reason,
                           const char *message)
{
    ctl_print(ctl, accepted ? CTL_GREEN : CTL_RED, accepted ? "accepted" : "refused");
    printf(": %s: %s\n", samlc_reason_word(reason), message);
}

static int tell_unreadable(const ctl_t *ctl, const samlc_result_t *res)
{
    if (ctl->json) {
        fputs(samlc_report_unread("refused", res, ctl->pool), stdout);
    }
    else {
        print_headline(ctl, 0, res->reason, res->message);
    }
    return CTL_REFUSED;
}

/* No verdict: it is not the message that was at fault. */
static int tell_unusable(const ctl_t *ctl, const samlc_result_t *res)
{
    if (ctl->json) {
        fputs(samlc_report_unread("error", res, ctl->pool), stdout);
    }
    ctl_complain(res);
    return CTL_UNUSABLE;
}

static int tell_verdict(const ctl_t *ctl, const samlc_verdict_t *verdict)
{
    int accepted = verdict->outcome == SAMLC_ACCEPTED && verdict->claims;

    if (ctl->json) {
        fputs(samlc_report_verdict(verdict, ctl->pool), stdout);
    }
    else {
        print_headline(ctl, accepted, verdict->reason, verdict->message);
        print_steps(ctl, verdict->steps);
        if (verdict->idp) {
            putchar('\n');
            print_trust(ctl, verdict);
        }
        if (accepted) {
            putchar('\n');
            print_user(ctl, &verdict->claims->session);
        }
    }
    return accepted ? CTL_OK : CTL_REFUSED;
}

static const char *names_of_idps(const samlc_snapshot_t *snapshot, apr_pool_t *p)
{
    apr_array_header_t *names = apr_array_make(p, 4, sizeof(const char *));
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        APR_ARRAY_PUSH(names, const char *) = APR_ARRAY_IDX(snapshot->idps, i, samlc_idp_t *)->name;
    }
    return names->nelts > 0 ? apr_array_pstrcat(p, names, ' ') : "none";
}

/* What the server would expect, from the options. A name that the trust directory has not is an
 * error: a verdict would be about something else than was meant. */
static apr_status_t expect(samlc_expectations_t *expected, const ctl_t *ctl,
                           const samlc_snapshot_t *snapshot, samlc_result_t *res)
{
    memset(expected, 0, sizeof(*expected));
    if (ctl->idp && !samlc_snapshot_idp_by_name(snapshot, ctl->idp)) {
        return samlc_result_fail(res, APR_NOTFOUND, SAMLC_REASON_CONFIG_INVALID,
                                 "there is no IdP %s; the trust directory has: %s",
                                 samlc_text_show(ctl->idp, ctl->pool),
                                 names_of_idps(snapshot, ctl->pool));
    }
    expected->keys = samlc_snapshot_keyset(snapshot, ctl->keys ? ctl->keys : CTL_DEFAULT_KEYS);
    if (ctl->keys && !expected->keys) {
        return samlc_result_fail(res, APR_NOTFOUND, SAMLC_REASON_CONFIG_INVALID,
                                 "there is no key set %s under sp/ in the trust directory",
                                 samlc_text_show(ctl->keys, ctl->pool));
    }
    expected->snapshot = snapshot;
    expected->state_dir = ctl->state;
    expected->entity_id = ctl->entity_id;
    expected->acs_url = ctl->acs;
    expected->idp_name = ctl->idp;
    expected->in_response_to = ctl->in_response_to;
    expected->unsolicited = ctl->unsolicited;
    expected->now = ctl->now;
    return APR_SUCCESS;
}

int samlc_cmd_verify(ctl_t *ctl, int argc, const char **argv)
{
    samlc_result_t *res = samlc_result_make(ctl->pool);
    samlc_source_t source;
    samlc_snapshot_t *snapshot = NULL;
    samlc_expectations_t expected;
    samlc_response_t *response = NULL;
    samlc_data_t input;

    if (argc != 1) {
        return ctl_usage(ctl, "it wants one file, or - for standard input");
    }
    if (!ctl->entity_id || !ctl->acs) {
        return ctl_usage(ctl, "--%s is missing", ctl->entity_id ? "acs" : "entity-id");
    }
    if (ctl_source(&source, ctl, res) != APR_SUCCESS
        || ctl_load(&snapshot, &source, ctl, res) != APR_SUCCESS
        || expect(&expected, ctl, snapshot, res) != APR_SUCCESS) {
        return tell_unusable(ctl, res);
    }
    if (ctl_read(&input, argv[0], LARGEST_INPUT, res, ctl->pool) != APR_SUCCESS) {
        if (res->reason == SAMLC_REASON_TOO_LARGE) {
            return tell_unreadable(ctl, res);
        }
        return tell_unusable(ctl, res);
    }
    if (read_response(&response, &input, res, ctl->pool) != APR_SUCCESS) {
        return tell_unreadable(ctl, res);
    }
    return tell_verdict(ctl, samlc_response_judge(response, &expected, ctl->pool));
}
