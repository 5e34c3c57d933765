/* SPDX-License-Identifier: Apache-2.0 */
#include "core/saml/rules.h"

#include <string.h>
#include <strings.h>

#include <apr_strings.h>

#include "core/base/clock.h"

#define FORMAT_ENTITY "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
/*
 * Older assertions are refused whatever their NotOnOrAfter says: it bounds what replay claims must
 * remember.
 */
#define MAX_ASSERTION_AGE apr_time_from_sec(24 * 3600)

static apr_time_t skew(const samlc_judge_t *j)
{
    return apr_time_from_sec(j->idp->settings->clock_skew);
}

/* spec: SAML-Core 2.5.1.2 - NotOnOrAfter excludes the instant; the skew is applied once */
static int is_over(const samlc_judge_t *j, apr_time_t not_on_or_after)
{
    return j->expected->now >= not_on_or_after + skew(j);
}

static int is_in_future(const samlc_judge_t *j, apr_time_t not_before)
{
    return not_before > j->expected->now + skew(j);
}

/* With its fraction, if it has one: at the border that decides. */
static const char *when(const samlc_judge_t *j, apr_time_t t)
{
    const char *seconds = samlc_clock_format(t, j->p);
    int usec = (int)apr_time_usec(t);   /* below zero before 1970: not worth a word */

    return usec <= 0          ? seconds
           : usec % 1000 == 0 ? apr_psprintf(j->p, "%.19s.%03dZ", seconds, usec / 1000)
                              : apr_psprintf(j->p, "%.19s.%06dZ", seconds, usec);
}

/*
 * spec: SAML-Profiles 4.1.4.2 - Issuer of the response, of the assertion and owner of the key are
 * one; only a response that is not signed may go without
 */
apr_status_t samlc_rule_issuer(samlc_judge_t *j)
{
    const samlc_assertion_t *a = j->part->assertion;
    const char *formats[2];
    int i = 0;

    formats[0] = j->envelope.issuer_format;
    formats[1] = a->issuer_format;
    if (!samlc_text_equal(a->issuer, j->idp->entity_id)
        || (j->envelope.issuer != NULL
            && !samlc_text_equal(j->envelope.issuer, j->idp->entity_id))) {
        return SAMLC_REFUSE(j, WRONG_ISSUER, "the assertion of %s came in a response of %s",
                      SAMLC_SHOW(j, a->issuer), SAMLC_SHOW(j, j->envelope.issuer));
    }
    for (i = 0; i < 2; i++) {
        if (formats[i] != NULL && strcmp(formats[i], FORMAT_ENTITY) != 0) {
            return SAMLC_REFUSE(j, WRONG_ISSUER, "an Issuer of the format %s",
                                SAMLC_SHOW(j, formats[i]));
        }
    }
    if (j->envelope.issuer == NULL && j->response_is_verified) {
        return SAMLC_REFUSE(j, WRONG_ISSUER, "a signed response that does not say who issued it");
    }
    j->detail = j->idp->entity_id;
    return APR_SUCCESS;
}

/* spec: SAML-Bindings 3.5.5.2 - a signed message must say where it was sent */
apr_status_t samlc_rule_destination(samlc_judge_t *j)
{
    const char *destination = j->envelope.destination;

    if (destination == NULL && !j->response_is_verified) {
        return samlc_judge_skip(j, "the response is not signed and names no destination");
    }
    if (!samlc_text_equal(destination, j->expected->acs_url)) {
        return SAMLC_REFUSE(j, WRONG_DESTINATION, "sent to %s; we are %s",
                            SAMLC_SHOW(j, destination), j->expected->acs_url);
    }
    j->detail = destination;
    return APR_SUCCESS;
}

/*
 * spec: SAML-Core 2.3.3, 2.7.2, 3.2.2 - what a message tells of has happened, and it was made of
 * late. (A login may be as old as the session at the IdP.)
 */
static apr_status_t judge_instants(samlc_judge_t *j)
{
    const samlc_assertion_t *a = j->part->assertion;
    const struct {
        const char *what;
        apr_time_t instant;
        int ages;
    } INSTANTS[] = {
        { "the assertion was issued", a->issue_instant, 1 },
        { "the response was issued", j->envelope.issue_instant, 1 },
        { "AuthnInstant: the user logged in", a->last_authn_instant, 0 },
    };
    apr_size_t i = 0;

    for (i = 0; i < sizeof(INSTANTS) / sizeof(INSTANTS[0]); i++) {
        apr_time_t t = INSTANTS[i].instant;

        if (is_in_future(j, t)) {
            return SAMLC_REFUSE(j, NOT_YET_VALID, "%s at %s, which is to come: compare the clocks",
                                INSTANTS[i].what, when(j, t));
        }
        if (INSTANTS[i].ages && is_over(j, t + MAX_ASSERTION_AGE)) {
            return SAMLC_REFUSE(j, EXPIRED, "%s at %s, more than a day ago", INSTANTS[i].what,
                                when(j, t));
        }
    }
    return APR_SUCCESS;
}

/* spec: SAML-Core 2.5.1.2 */
apr_status_t samlc_rule_times(samlc_judge_t *j)
{
    const samlc_assertion_t *a = j->part->assertion;
    apr_status_t rv = judge_instants(j);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!a->has_conditions) {
        return SAMLC_REFUSE(j, WRONG_AUDIENCE, "the assertion has no Conditions");
    }
    if (a->not_before != 0 && is_in_future(j, a->not_before)) {
        return SAMLC_REFUSE(j, NOT_YET_VALID, "valid from %s on: compare the clocks",
                      when(j, a->not_before));
    }
    if (a->not_on_or_after != 0 && is_over(j, a->not_on_or_after)) {
        return SAMLC_REFUSE(j, EXPIRED, "was valid until %s", when(j, a->not_on_or_after));
    }
    j->detail = apr_psprintf(j->p, "ClockSkew %d s", j->idp->settings->clock_skew);
    return APR_SUCCESS;
}

/* spec: SAML-Core 2.5.1 - a condition that is not understood makes the assertion indeterminate */
apr_status_t samlc_rule_conditions(samlc_judge_t *j)
{
    if (j->part->assertion->unknown_condition != NULL) {
        return SAMLC_REFUSE(j, MALFORMED, "the condition %s is not understood",
                            j->part->assertion->unknown_condition);
    }
    return APR_SUCCESS;
}

/* spec: SAML-Core 2.5.1.4 - all restrictions must hold, each by any of its audiences */
apr_status_t samlc_rule_audience(samlc_judge_t *j)
{
    const apr_array_header_t *restrictions = j->part->assertion->audiences;
    int i = 0, k = 0;

    if (restrictions->nelts == 0) {
        return SAMLC_REFUSE(j, WRONG_AUDIENCE, "the assertion names no audience");
    }
    for (i = 0; i < restrictions->nelts; i++) {
        const apr_array_header_t *audiences = APR_ARRAY_IDX(restrictions, i, apr_array_header_t *);
        int found = 0;

        for (k = 0; k < audiences->nelts; k++) {
            found |= samlc_text_equal(APR_ARRAY_IDX(audiences, k, const char *),
                                      j->expected->entity_id);
        }
        if (!found) {
            return SAMLC_REFUSE(j, WRONG_AUDIENCE, "made for %s; we are %s",
                                SAMLC_SHOW(j, audiences->nelts > 0
                                                  ? APR_ARRAY_IDX(audiences, 0, const char *)
                                                  : NULL),
                                j->expected->entity_id);
        }
    }
    j->detail = j->expected->entity_id;
    return APR_SUCCESS;
}

/* One confirmation must fulfil all rules by itself. */
static apr_status_t judge_confirmation(samlc_judge_t *j, const samlc_confirmation_t *c)
{
    if (!samlc_text_equal(c->recipient, j->expected->acs_url)) {
        return SAMLC_REFUSE(j, WRONG_RECIPIENT, "confirmed for %s; we are %s",
                            SAMLC_SHOW(j, c->recipient), j->expected->acs_url);
    }
    if (c->not_on_or_after == 0 || is_over(j, c->not_on_or_after)) {
        return SAMLC_REFUSE(j, EXPIRED,
                            c->not_on_or_after == 0
                                ? "the confirmation does not say how long it lasts%s"
                                : "confirmed until %s",
                            c->not_on_or_after == 0 ? "" : when(j, c->not_on_or_after));
    }
    if (c->not_before != 0) {
        return SAMLC_REFUSE(j, MALFORMED, "a bearer confirmation with NotBefore");
    }
    if (!samlc_text_equal(c->in_response_to, j->envelope.in_response_to)
        && (c->in_response_to != NULL || j->envelope.in_response_to != NULL)) {
        return SAMLC_REFUSE(j, IN_RESPONSE_TO, "the response answers %s and its confirmation %s",
                      SAMLC_SHOW(j, j->envelope.in_response_to), SAMLC_SHOW(j, c->in_response_to));
    }
    return APR_SUCCESS;
}

/*
 * spec: SAML-Profiles 4.1.4.3 - at least one bearer confirmation. Beside the assertion that logs in
 * there may be one that asks for no confirmation at all.
 */
apr_status_t samlc_rule_confirmation(samlc_judge_t *j)
{
    const samlc_assertion_t *a = j->part->assertion;
    const apr_array_header_t *bearer = a->bearer;
    samlc_result_t first = *j->res;
    int i = 0;

    if (j->parts->nelts > 1 && a->confirmations == 0) {
        return samlc_judge_skip(j, "none is asked for");
    }
    if (bearer->nelts == 0) {
        return SAMLC_REFUSE(j, NO_SUBJECT, "no bearer confirmation of a subject");
    }
    for (i = 0; i < bearer->nelts; i++) {
        const samlc_confirmation_t *c = &APR_ARRAY_IDX(bearer, i, samlc_confirmation_t);

        if (judge_confirmation(j, c) == APR_SUCCESS) {
            j->part->confirmation = c;
            j->detail = apr_psprintf(j->p, "%s, until %s", c->recipient,
                                     when(j, c->not_on_or_after));
            return APR_SUCCESS;
        }
        first = i == 0 ? *j->res : first;
    }
    *j->res = first;
    return first.status;
}

static int is_same_or_absent(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* TRUE if both name one subject, by the same words; who is not named is nobody. */
static int have_same_subject(const samlc_assertion_t *a, const samlc_assertion_t *b)
{
    return samlc_text_equal(a->name_id, b->name_id)
           && is_same_or_absent(a->name_id_format, b->name_id_format)
           && is_same_or_absent(a->name_qualifier, b->name_qualifier)
           && is_same_or_absent(a->sp_name_qualifier, b->sp_name_qualifier);
}

/* The first that is confirmed and says that somebody logged in; else the first confirmed one. */
static samlc_part_t *choose_login(samlc_judge_t *j)
{
    samlc_part_t *confirmed = NULL;
    int i = 0;

    for (i = 0; i < j->parts->nelts; i++) {
        samlc_part_t *part = &APR_ARRAY_IDX(j->parts, i, samlc_part_t);

        if (part->confirmation != NULL && part->assertion->authn_statements > 0) {
            return part;
        }
        confirmed = part->confirmation != NULL && confirmed == NULL ? part : confirmed;
    }
    return confirmed;
}

/*
 * spec: SAML-Profiles 4.1.4.2 - several assertions speak of one principal; one of them logs in, and
 * the others add their attributes. That names may differ is allowed there and not here: what they
 * mean could only be guessed.
 */
apr_status_t samlc_rule_subject(samlc_judge_t *j)
{
    samlc_part_t *login = choose_login(j);
    int i = 0;

    if (login == NULL) {
        return SAMLC_REFUSE(j, NO_SUBJECT, "no assertion has a bearer confirmation of a subject");
    }
    j->attributes = login->assertion->attributes;
    for (i = 0; i < j->parts->nelts; i++) {
        const samlc_part_t *part = &APR_ARRAY_IDX(j->parts, i, samlc_part_t);

        if (part == login) {
            continue;
        }
        if (!have_same_subject(part->assertion, login->assertion)) {
            return SAMLC_REFUSE(j, NO_SUBJECT,
                                "the assertions %s and %s are not about one and the same subject",
                                SAMLC_SHOW(j, login->assertion->id),
                                SAMLC_SHOW(j, part->assertion->id));
        }
        samlc_assertion_merge_attributes(j->attributes, part->assertion->attributes, j->p);
    }
    j->login = login;
    j->trust = login->trust;
    if (i == 1) {
        return samlc_judge_skip(j, "there is one assertion");
    }
    j->detail = apr_psprintf(j->p, "the same in %d assertions; %s logs in", i,
                             SAMLC_SHOW(j, login->assertion->id));
    return APR_SUCCESS;
}

/*
 * spec: SAML-Profiles 4.1.4.3, 4.1.5 - a response answers a request of this browser, or none at all
 */
apr_status_t samlc_rule_request(samlc_judge_t *j)
{
    const apr_array_header_t *ids = j->expected->in_response_to;
    const char *id = j->login->confirmation->in_response_to;
    int i = 0;

    if (id == NULL) {
        if (!j->expected->unsolicited && !j->idp->settings->unsolicited) {
            return SAMLC_REFUSE(j, UNSOLICITED,
                                "the response answers no request; Unsolicited on would "
                                "accept it from IdP %s",
                                j->idp->name);
        }
        j->detail = "unsolicited";
        return APR_SUCCESS;
    }
    for (i = 0; ids != NULL && i < ids->nelts; i++) {
        if (samlc_text_equal(APR_ARRAY_IDX(ids, i, const char *), id)) {
            j->detail = apr_psprintf(j->p, "answers %s", SAMLC_SHOW(j, id));
            return APR_SUCCESS;
        }
    }
    return SAMLC_REFUSE(j, IN_RESPONSE_TO,
                        "answers the request %s, which is not one of this browser's",
                        SAMLC_SHOW(j, id));
}

/* The earliest end of the session that any of the assertions names; 0: none does. */
static apr_time_t session_end(const samlc_judge_t *j)
{
    apr_time_t end = 0;
    int i = 0;

    for (i = 0; i < j->parts->nelts; i++) {
        apr_time_t t = APR_ARRAY_IDX(j->parts, i, samlc_part_t).assertion->session_not_on_or_after;

        end = t != 0 && (end == 0 || t < end) ? t : end;
    }
    return end;
}

/* spec: SAML-Profiles 4.1.4.2 - an AuthnStatement, and a session that is not over */
apr_status_t samlc_rule_authentication(samlc_judge_t *j)
{
    const samlc_assertion_t *a = j->login->assertion;
    const apr_array_header_t *wanted = j->idp->settings->authn_context;
    int i = 0;

    if (a->authn_statements == 0) {
        return SAMLC_REFUSE(j, AUTHN_CONTEXT, "the assertion does not say that anybody logged in");
    }
    j->claims.session_not_on_or_after = session_end(j);
    if (j->claims.session_not_on_or_after != 0 && is_over(j, j->claims.session_not_on_or_after)) {
        return SAMLC_REFUSE(j, EXPIRED, "the session at the IdP ended at %s",
                            when(j, j->claims.session_not_on_or_after));
    }
    for (i = 0; wanted != NULL && i < wanted->nelts; i++) {
        if (samlc_text_equal(APR_ARRAY_IDX(wanted, i, const char *), a->authn_context)) {
            break;
        }
    }
    if (wanted != NULL && wanted->nelts > 0 && i == wanted->nelts) {
        return SAMLC_REFUSE(j, AUTHN_CONTEXT,
                            "logged in with %s, and AuthnContext asks for another",
                            SAMLC_SHOW(j, a->authn_context));
    }
    j->detail = apr_psprintf(j->p, "%s", SAMLC_SHOW(j, a->authn_context));
    return APR_SUCCESS;
}

/* Takes out the values of other scopes. The first of them; NULL if there was none. */
static const char *drop_unscoped(apr_array_header_t *values, const apr_array_header_t *scopes)
{
    const char *first = NULL;
    int i = 0, kept = 0;

    for (i = 0; i < values->nelts; i++) {
        const char *value = APR_ARRAY_IDX(values, i, const char *);

        if (samlc_scope_covers(scopes, value)) {
            APR_ARRAY_IDX(values, kept++, const char *) = value;
        }
        else if (first == NULL) {
            first = value;
        }
    }
    values->nelts = kept;
    return first;
}

static int is_scoped(const samlc_judge_t *j, const char *attribute)
{
    const apr_array_header_t *names = j->idp->settings->scoped_attributes;
    int i = 0;

    for (i = 0; i < names->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(names, i, const char *), attribute) == 0) {
            return 1;
        }
    }
    return 0;
}

/*
 * An IdP speaks for the scopes that its metadata declares, and not for the users of others. What it
 * says about these is dropped; the login fails only where that would have named the user.
 */
apr_status_t samlc_rule_scope(samlc_judge_t *j)
{
    const apr_array_header_t *scopes = j->idp->metadata == NULL ? NULL : j->idp->metadata->scopes;
    apr_array_header_t *attributes = j->attributes;
    apr_array_header_t *dropped = apr_array_make(j->p, 1, sizeof(const char *));
    int i = 0, kept = 0;

    if (scopes == NULL || scopes->nelts == 0) {
        return samlc_judge_skip(j, "the metadata of the IdP declares no scope");
    }
    for (i = 0; i < attributes->nelts; i++) {
        samlc_attribute_t a = APR_ARRAY_IDX(attributes, i, samlc_attribute_t);
        const char *value = is_scoped(j, a.name) ? drop_unscoped(a.values, scopes) : NULL;

        if (value != NULL && strcmp(a.name, j->idp->settings->remote_user) == 0) {
            return SAMLC_REFUSE(j, NO_SUBJECT, "%s is to name the user, and the metadata of IdP %s "
                          "does not declare its scope %s", a.name, j->idp->name,
                          SAMLC_SHOW(j, samlc_scope_of(value)));
        }
        if (value != NULL) {
            APR_ARRAY_PUSH(dropped, const char *) = apr_psprintf(
                j->p, "%s of %s", SAMLC_SHOW(j, a.name), SAMLC_SHOW(j, samlc_scope_of(value)));
        }
        if (value == NULL || a.values->nelts > 0) {
            APR_ARRAY_IDX(attributes, kept++, samlc_attribute_t) = a;
        }
    }
    attributes->nelts = kept;
    j->claims.dropped = dropped->nelts == 0 ? NULL : apr_array_pstrcat(j->p, dropped, ',');
    j->detail = dropped->nelts == 0
                    ? "every scope is declared"
                    : apr_pstrcat(j->p, "dropped for their scope: ", j->claims.dropped, NULL);
    return APR_SUCCESS;
}

/* What REMOTE_USER will be; NULL if the assertion does not say. */
static const char *user_of(const samlc_judge_t *j)
{
    const char *source = j->idp->settings->remote_user;
    int i = 0;

    if (strcasecmp(source, "NameID") == 0) {
        return j->login->assertion->name_id;
    }
    for (i = 0; i < j->attributes->nelts; i++) {
        const samlc_attribute_t *a = &APR_ARRAY_IDX(j->attributes, i, samlc_attribute_t);

        if (strcmp(a->name, source) == 0 && a->values->nelts == 1) {
            return APR_ARRAY_IDX(a->values, 0, const char *);
        }
    }
    return NULL;
}

apr_status_t samlc_rule_user(samlc_judge_t *j)
{
    const char *user = user_of(j);
    const char *c = NULL;

    if (user == NULL || user[strspn(user, " ")] == '\0') {
        return SAMLC_REFUSE(j, NO_SUBJECT, "the assertion has no (single) %s to name the user by",
                      j->idp->settings->remote_user);
    }
    for (c = user; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            return SAMLC_REFUSE(j, MALFORMED, "a control character in the name of the user");
        }
    }
    if (j->idp->user_filter != NULL
        && regexec(j->idp->user_filter, user, 0, NULL, 0) != 0) {
        return SAMLC_REFUSE(j, USER_FILTER, "%s does not match the UserFilter of IdP %s",
                            SAMLC_SHOW(j, user), j->idp->name);
    }
    j->claims.session.user = user;
    j->detail = SAMLC_SHOW(j, user);
    return APR_SUCCESS;
}

/* How long a copy of this assertion could be accepted: replay claims last as long. */
static apr_time_t end_of_life(const samlc_judge_t *j, const samlc_assertion_t *a)
{
    apr_time_t end = a->issue_instant + MAX_ASSERTION_AGE;
    apr_time_t confirmed = a->bearer->nelts == 0 ? end : 0;
    int i = 0;

    for (i = 0; i < a->bearer->nelts; i++) {
        const samlc_confirmation_t *c = &APR_ARRAY_IDX(a->bearer, i, samlc_confirmation_t);

        confirmed = c->not_on_or_after > confirmed ? c->not_on_or_after : confirmed;
    }
    end = confirmed < end ? confirmed : end;
    if (a->not_on_or_after != 0 && a->not_on_or_after < end) {
        end = a->not_on_or_after;
    }
    return end + skew(j);
}

/* All of them are spent, whichever logs in: no other response may bring one of them again. */
static void claim_assertions(samlc_judge_t *j)
{
    samlc_claims_t *c = &j->claims;
    int i = 0;

    c->assertion_ids = apr_array_make(j->p, j->parts->nelts, sizeof(const char *));
    for (i = 0; i < j->parts->nelts; i++) {
        const samlc_assertion_t *a = APR_ARRAY_IDX(j->parts, i, samlc_part_t).assertion;
        apr_time_t end = end_of_life(j, a);

        APR_ARRAY_PUSH(c->assertion_ids, const char *) = a->id;
        c->not_on_or_after = end > c->not_on_or_after ? end : c->not_on_or_after;
    }
}

static void fill_claims(samlc_judge_t *j)
{
    const samlc_assertion_t *a = j->login->assertion;
    samlc_claims_t *c = &j->claims;
    samlc_session_t *s = &c->session;

    c->idp = j->idp;
    c->response_id = j->envelope.id;
    c->assertion_id = a->id;
    c->in_response_to = j->login->confirmation->in_response_to;
    claim_assertions(j);
    s->sp_entity_id = j->expected->entity_id;
    s->idp_name = j->idp->name;
    s->idp_entity_id = j->idp->entity_id;
    s->name_id = a->name_id;
    s->name_id_format = a->name_id_format;
    s->name_qualifier = a->name_qualifier;
    s->sp_name_qualifier = a->sp_name_qualifier;
    s->session_index = a->session_index;
    s->authn_context = a->authn_context;
    s->authn_instant = a->authn_instant_text;
    s->cert_sha256 = j->trust.cert == NULL ? "" : samlc_cert_sha256_hex(j->trust.cert);
    s->cert_slot = samlc_trust_slot_word(j->trust.slot);
    s->attributes = j->attributes;
}

/*
 * spec: SAML-Profiles 4.1.4.5 - an assertion is used once. The last step: what it claims is spent.
 */
apr_status_t samlc_rule_replay(samlc_judge_t *j)
{
    fill_claims(j);
    if (j->expected->claim == NULL) {
        return samlc_judge_skip(j, "offline: nothing is remembered");
    }
    return j->expected->claim(j->expected->claim_baton, &j->claims, j->res, j->p);
}
