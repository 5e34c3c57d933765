/* SPDX-License-Identifier: Apache-2.0 */
#include "core/saml/response.h"

#include <string.h>

#include <apr_strings.h>

#include "core/saml/assertion.h"
#include "core/saml/judge.h"
#include "core/saml/rules.h"
#include "core/trust/remembered.h"
#include "core/xml/encryption.h"
#include "core/xml/xml.h"

#define STATUS "urn:oasis:names:tc:SAML:2.0:status:"
#define STATUS_SUCCESS STATUS "Success"

/* --- the steps --- */

apr_status_t samlc_judge_skip(samlc_judge_t *j, const char *detail)
{
    j->is_skipped = 1;
    j->detail = detail;
    return APR_SUCCESS;
}

/* spec: SAML-Profiles 4.1.4.2 - an IdP speaks for itself; asked again of what was signed */
static apr_status_t check_issuer(samlc_judge_t *j, const xmlNode *assertion)
{
    const char *issuer =
        samlc_xml_text(samlc_xml_child(assertion, SAMLC_NS_SAML, "Issuer", NULL), j->p);

    if (issuer != NULL && !samlc_text_equal(issuer, j->response->issuer)) {
        return SAMLC_REFUSE(j, WRONG_ISSUER, "an assertion of %s in a response of %s",
                            SAMLC_SHOW(j, issuer), SAMLC_SHOW(j, j->response->issuer));
    }
    return APR_SUCCESS;
}

/* spec: SAML-Profiles 4.1.4.2 - the issuer names the one IdP whose keys will be tried */
static apr_status_t check_idp(samlc_judge_t *j)
{
    const char *issuer = j->response->issuer;
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    if (issuer == NULL) {
        return SAMLC_REFUSE(j, UNKNOWN_IDP, "neither the response nor an assertion that can be "
                            "read before decryption has an Issuer");
    }
    j->idp = samlc_snapshot_idp_by_entity(j->expected->snapshot, issuer);
    if (j->idp == NULL) {
        return SAMLC_REFUSE(j, UNKNOWN_IDP, "no IdP with the entity ID %s is configured",
                            SAMLC_SHOW(j, issuer));
    }
    j->detail = apr_psprintf(j->p, "%s (%s)", j->idp->name, SAMLC_SHOW(j, issuer));
    if (j->expected->idp_name != NULL && strcmp(j->expected->idp_name, j->idp->name) != 0) {
        return SAMLC_REFUSE(j, WRONG_ISSUER, "IdP %s answers where %s was asked", j->idp->name,
                      SAMLC_SHOW(j, j->expected->idp_name));
    }
    if (j->idp->settings->status != SAMLC_STATUS_ACTIVE) {
        return SAMLC_REFUSE(j, IDP_INACTIVE, "IdP %s is inactive", j->idp->name);
    }
    for (i = 0; i < j->parts->nelts && rv == APR_SUCCESS; i++) {
        rv = check_issuer(j, APR_ARRAY_IDX(j->parts, i, samlc_part_t).node);
    }
    return rv;
}

/* An error is an error, signed or not: it is reported and never leads to anything else. */
static apr_status_t check_status(samlc_judge_t *j)
{
    const samlc_envelope_t *e = &j->response->envelope;

    /* SAML's own second codes are failures (SAML-Core 3.2.2.2): with Success they contradict it. */
    if (strcmp(e->status, STATUS_SUCCESS) != 0
        || (e->second_status != NULL && strncmp(e->second_status, STATUS, strlen(STATUS)) == 0
            && strcmp(e->second_status, STATUS_SUCCESS) != 0)) {
        return SAMLC_REFUSE(j, STATUS_NOT_SUCCESS, "the IdP answered %s %s",
                            SAMLC_SHOW(j, e->status), e->status_detail);
    }
    if (j->parts->nelts == 0) {
        return SAMLC_REFUSE(j, MALFORMED, "a successful response without an assertion");
    }
    j->detail = "Success";
    return APR_SUCCESS;
}

/* The same bytes stand before it. */
static int is_repeated(const apr_array_header_t *certs, int index)
{
    const samlc_data_t *der = &APR_ARRAY_IDX(certs, index, samlc_data_t);
    int i = 0;

    for (i = 0; i < index; i++) {
        const samlc_data_t *other = &APR_ARRAY_IDX(certs, i, samlc_data_t);

        if (other->len == der->len && memcmp(other->data, der->data, der->len) == 0) {
            return 1;
        }
    }
    return 0;
}

/*
 * The certificate of the message that signed it, in a chain of any order. Where none of them did,
 * the first one, and *is_signer is FALSE. NULL if none can be read.
 */
static const samlc_cert_t *find_unlisted(int *is_signer, samlc_judge_t *j,
                                         const samlc_signature_t *signature)
{
    const apr_array_header_t *certs = signature->certs;
    samlc_signature_outcome_t outcome = SAMLC_SIGNATURE_WRONG_KEY;
    samlc_cert_t *first = NULL, *cert = NULL;
    samlc_data_t content;
    int i = 0;

    *is_signer = 0;
    for (i = 0; i < certs->nelts && i < SAMLC_MAX_HINTS && outcome == SAMLC_SIGNATURE_WRONG_KEY;
         i++) {
        if (is_repeated(certs, i)
            || samlc_cert_parse_der(&cert, &APR_ARRAY_IDX(certs, i, samlc_data_t), j->res, j->p)
                   != APR_SUCCESS) {
            continue;
        }
        first = first == NULL ? cert : first;
        outcome = samlc_signature_verify(&content, signature,
                                         samlc_verifier_make(samlc_cert_key(cert), j->p),
                                         &j->idp->signature_policy, j->res, j->p);
        *is_signer = outcome == SAMLC_SIGNATURE_VERIFIED;
    }
    return *is_signer ? cert : first;
}

/*
 * The message names a certificate, and it is not one of ours: the sign of an unannounced cutover.
 */
static apr_status_t refuse_unlisted(samlc_judge_t *j, const samlc_signature_t *signature)
{
    const samlc_cert_t *cert = find_unlisted(&j->is_unlisted_signer, j, signature);

    if (cert == NULL) {
        return SAMLC_REFUSE(j, CERT_NOT_LISTED, "signed by something that is no certificate");
    }
    j->trust.cert = cert;
    j->trust.reason = SAMLC_REASON_CERT_NOT_LISTED;
    return SAMLC_REFUSE(j, CERT_NOT_LISTED, "certificate %s (%s) is not configured for IdP %s",
                        samlc_cert_sha256_hex(cert), SAMLC_SHOW(j, samlc_cert_subject(cert)),
                        j->idp->name);
}

static int is_any_named(const apr_array_header_t *candidates)
{
    int i = 0;

    for (i = 0; i < candidates->nelts; i++) {
        if (APR_ARRAY_IDX(candidates, i, samlc_candidate_t).is_named) {
            return 1;
        }
    }
    return 0;
}

/* The keys to try. Where the message names no certificate, those remembered for pins, too. */
static apr_array_header_t *find_candidates(samlc_judge_t *j, const samlc_signature_t *signature)
{
    const samlc_trust_t *trust = j->idp->trust;
    apr_array_header_t *candidates =
        samlc_trust_candidates(trust, signature->certs, j->res, j->p);

    if (signature->certs->nelts == 0
        && samlc_remembered_recall(j->expected->state_dir, j->idp, j->expected->now, j->p)) {
        candidates = samlc_trust_candidates(trust, signature->certs, j->res, j->p);
    }
    return candidates;
}

/*
 * Decides about the candidate that made the signature. It may as well be another one of the same
 * key: any where the message names none, else another one that it names. A trusted one will do.
 */
static void decide(samlc_judge_t *j, const apr_array_header_t *candidates, int signer)
{
    const samlc_candidate_t *by = &APR_ARRAY_IDX(candidates, signer, samlc_candidate_t);
    int i = 0;

    j->trust = samlc_trust_judge(j->idp->trust, by, j->expected->now, j->p);
    for (i = signer + 1; !j->trust.is_trusted && i < candidates->nelts; i++) {
        const samlc_candidate_t *c = &APR_ARRAY_IDX(candidates, i, samlc_candidate_t);
        samlc_trust_verdict_t v;

        if ((c->is_named || !by->is_named) && samlc_key_equal(c->key, by->key)) {
            v = samlc_trust_judge(j->idp->trust, c, j->expected->now, j->p);
            j->trust = v.is_trusted ? v : j->trust;
        }
    }
}

/* Finds the key that made the signature, and decides about it: j->trust. */
static apr_status_t find_signer(samlc_data_t *content, samlc_judge_t *j,
                                const samlc_signature_t *signature)
{
    apr_array_header_t *candidates = find_candidates(j, signature);
    samlc_result_t *tried = samlc_result_make(j->p);
    int i = 0;

    for (i = 0; i < candidates->nelts; i++) {
        samlc_signature_outcome_t outcome = samlc_signature_verify(
            content, signature, APR_ARRAY_IDX(candidates, i, samlc_candidate_t).verifier,
            &j->idp->signature_policy, tried, j->p);

        if (outcome == SAMLC_SIGNATURE_VERIFIED) {
            decide(j, candidates, i);
            return APR_SUCCESS;
        }
        if (i == 0 || outcome == SAMLC_SIGNATURE_BROKEN) {
            *j->res = *tried;   /* the best guess comes first */
        }
        if (outcome == SAMLC_SIGNATURE_BROKEN) {
            return j->res->status;
        }
    }
    if (signature->certs->nelts > 0 && !is_any_named(candidates)
        && j->res->reason != SAMLC_REASON_NO_TRUST_CONFIGURED) {
        return refuse_unlisted(j, signature);
    }
    return j->res->status;
}

/* Structure, cryptography, trust: the three answers about one signature. */
static apr_status_t verify(samlc_data_t *content, samlc_judge_t *j, xmlNodePtr element)
{
    samlc_signature_t *signature = NULL;
    samlc_data_t digested;
    apr_status_t rv = samlc_signature_inspect(&signature, element, &j->idp->signature_policy,
                                              j->res, j->p);

    memset(&digested, 0, sizeof(digested));
    memset(content, 0, sizeof(*content));
    if (rv == APR_SUCCESS) {
        /* of the response, where the assertion is signed, too */
        memset(&j->trust, 0, sizeof(j->trust));
        rv = find_signer(&digested, j, signature);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (!j->trust.is_trusted) {
        return samlc_result_fail(j->res, APR_EACCES, j->trust.reason, "%s", j->trust.message);
    }
    j->detail = apr_pstrcat(j->p, signature->method->name, "; ", j->trust.message,
                            j->trust.warning == NULL ? "" : "; warning: ", j->trust.warning, NULL);
    *content = digested;
    return APR_SUCCESS;
}

/* Parses what was digested: what is not in these bytes is not signed. */
static apr_status_t parse_verified(xmlNodePtr *root, samlc_judge_t *j, const samlc_data_t *content)
{
    xmlDocPtr doc = NULL;
    apr_status_t rv = samlc_xml_parse(&doc, content, &SAMLC_XML_SIGNED, j->res, j->p);

    *root = rv == APR_SUCCESS ? xmlDocGetRootElement(doc) : NULL;
    return rv;
}

/* What is read of a verified response are its own assertions, the same in number and order. */
static apr_status_t pair_parts(samlc_judge_t *j, const xmlNode *root)
{
    xmlNodePtr node = samlc_assertion_node_from(samlc_xml_first(root));
    int i = 0;

    for (i = 0; i < j->parts->nelts && node != NULL; i++) {
        APR_ARRAY_IDX(j->parts, i, samlc_part_t).content =
            samlc_assertion_node_is_encrypted(node) ? NULL : node;
        node = samlc_assertion_node_from(samlc_xml_next(node));
    }
    return i == j->parts->nelts && node == NULL
               ? APR_SUCCESS
               : SAMLC_REFUSE(j, INTERNAL, "other assertions were signed than came");
}

static apr_status_t verify_response(samlc_judge_t *j)
{
    samlc_data_t content;
    xmlNodePtr root = NULL;
    apr_status_t rv = verify(&content, j, j->response->root);

    if (APR_STATUS_IS_NOTFOUND(rv) && j->res->reason == SAMLC_REASON_NO_SIGNATURE) {
        if (j->idp->settings->response_signature == SAMLC_SIGNED_RESPONSE
            || j->idp->settings->response_signature == SAMLC_SIGNED_BOTH) {
            return SAMLC_REFUSE(j, NO_SIGNATURE,
                                "the response is not signed, and ResponseSignature asks "
                                "for it");
        }
        j->envelope = j->response->envelope;
        return samlc_judge_skip(j, "the response is not signed");
    }
    if (rv == APR_SUCCESS) {
        rv = parse_verified(&root, j, &content);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_envelope_read(&j->envelope, root, j->res, j->p);
    }
    if (rv == APR_SUCCESS) {
        rv = pair_parts(j, root);
    }
    if (rv == APR_SUCCESS) {
        j->response_is_verified = 1;
        j->response_trust = j->trust;
    }
    return rv;
}

/* What may be used to decrypt, as the settings of the IdP say. */
static samlc_encryption_policy_t encryption_policy(const samlc_judge_t *j, int under_signature)
{
    samlc_encryption_policy_t policy;

    policy.key_transport = j->idp->settings->key_transport_algorithms;
    policy.content = j->idp->settings->encryption_algorithms;
    policy.under_signature = under_signature;
    policy.unsigned_cbc = j->idp->settings->unsigned_cbc;
    return policy;
}

/*
 * An encrypted assertion is decrypted in its place in the message, since a signature inside was
 * made there. Where the response is verified, its signature covers the ciphertext in this very
 * node.
 */
static apr_status_t decrypt_assertion(samlc_judge_t *j)
{
    samlc_encryption_policy_t policy = encryption_policy(j, j->response_is_verified);
    samlc_part_t *part = j->part;
    samlc_data_t plaintext;
    apr_status_t rv = APR_EGENERAL;

    if (!samlc_assertion_node_is_encrypted(part->node)) {
        if (j->idp->settings->require_encrypted) {
            return SAMLC_REFUSE(j, DECRYPT_FAILED,
                                "the assertion is not encrypted, and RequireEncrypted "
                                "is on");
        }
        part->plain = part->node;
        return samlc_judge_skip(j, "the assertion is not encrypted");
    }
    rv = samlc_encryption_open(&plaintext, part->node, j->expected->keys, &policy, j->res, j->p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (samlc_xml_fill(&part->plain, part->node, &plaintext, &SAMLC_XML_MESSAGE, j->res)
            != APR_SUCCESS
        || !samlc_xml_is(part->plain, SAMLC_NS_SAML, "Assertion")
        || samlc_assertion_node_count(samlc_xml_first(part->plain)) != 0) {
        /*
         * The same answer as for a wrong key: what the plaintext looks like is nobody's business.
         */
        return SAMLC_REFUSE(j, DECRYPT_FAILED, "none of our keys opens it, or it was changed");
    }
    part->content = j->response_is_verified ? part->plain : NULL;
    return check_issuer(j, part->plain);
}

static apr_status_t verify_assertion(samlc_judge_t *j)
{
    samlc_part_t *part = j->part;
    samlc_data_t content;
    /* Before the signature is verified, because it has no place any more in what comes out. */
    apr_status_t rv = samlc_assertion_check(part->plain, j->res);

    if (rv == APR_SUCCESS) {
        rv = verify(&content, j, part->plain);
    }
    if (APR_STATUS_IS_NOTFOUND(rv) && j->res->reason == SAMLC_REASON_NO_SIGNATURE) {
        if (!j->response_is_verified
            || j->idp->settings->response_signature == SAMLC_SIGNED_ASSERTION
            || j->idp->settings->response_signature == SAMLC_SIGNED_BOTH) {
            return SAMLC_REFUSE(j, NO_SIGNATURE, j->response_is_verified
                          ? "the assertion is not signed, and ResponseSignature asks for it"
                          : "neither the response nor the assertion is signed");
        }
        part->trust = j->response_trust;
        return samlc_judge_skip(j, "the assertion has no signature of its own");
    }
    if (rv == APR_SUCCESS) {
        rv = parse_verified(&part->content, j, &content);
        part->is_verified = rv == APR_SUCCESS;
        part->trust = j->trust;
    }
    return rv;
}

/* Names and attributes that are encrypted by themselves; a verified signature covers them. */
static apr_status_t decrypt_parts(samlc_judge_t *j, xmlNodePtr parent, const char *name,
                                  const char *inside)
{
    samlc_encryption_policy_t policy = encryption_policy(j, 1);
    xmlNodePtr node = NULL, plain = NULL;

    for (node = samlc_xml_first(parent); node != NULL; node = samlc_xml_next(node)) {
        samlc_data_t plaintext;
        apr_status_t rv = APR_EGENERAL;

        if (!samlc_xml_is(node, SAMLC_NS_SAML, name)) {
            continue;
        }
        rv = samlc_encryption_open(&plaintext, node, j->expected->keys, &policy, j->res, j->p);
        if (rv == APR_SUCCESS
            && (samlc_xml_fill(&plain, node, &plaintext, &SAMLC_XML_MESSAGE, j->res) != APR_SUCCESS
                || !samlc_xml_is(plain, SAMLC_NS_SAML, inside))) {
            rv = SAMLC_REFUSE(j, DECRYPT_FAILED, "none of our keys opens it, or it was changed");
        }
        if (rv != APR_SUCCESS) {
            samlc_result_prefix(j->res, name);
            return rv;
        }
    }
    return APR_SUCCESS;
}

/* TRUE if a trusted key has signed it, by itself or within the response. */
static int is_vouched_for(const samlc_judge_t *j, const samlc_part_t *part)
{
    return (j->response_is_verified || part->is_verified) && part->trust.is_trusted;
}

/* spec: SAML-Core 1.3.4 - one ID names one thing, also where one signature covers both */
static apr_status_t check_unique(samlc_judge_t *j, const char *id)
{
    int is_known = samlc_text_equal(id, j->envelope.id);
    int i = 0;

    for (i = 0; i < j->parts->nelts; i++) {
        const samlc_part_t *part = &APR_ARRAY_IDX(j->parts, i, samlc_part_t);

        is_known |= part->assertion != NULL && samlc_text_equal(id, part->assertion->id);
    }
    return !is_known ? APR_SUCCESS
                     : SAMLC_REFUSE(j, MALFORMED, "the ID %s names two things", SAMLC_SHOW(j, id));
}

static apr_status_t read_assertion(samlc_judge_t *j)
{
    samlc_part_t *part = j->part;
    samlc_assertion_t *assertion = NULL;
    xmlNodePtr node = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (!is_vouched_for(j, part) || !samlc_xml_is(part->content, SAMLC_NS_SAML, "Assertion")) {
        return SAMLC_REFUSE(j, INTERNAL, "nothing verified to read");
    }
    for (node = samlc_xml_first(part->content); node != NULL && rv == APR_SUCCESS;
         node = samlc_xml_next(node)) {
        if (samlc_xml_is(node, SAMLC_NS_SAML, "Subject")) {
            rv = decrypt_parts(j, node, "EncryptedID", "NameID");
        }
        else if (samlc_xml_is(node, SAMLC_NS_SAML, "AttributeStatement")) {
            rv = decrypt_parts(j, node, "EncryptedAttribute", "Attribute");
        }
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_assertion_read(&assertion, part->content, j->res, j->p);
    }
    if (rv == APR_SUCCESS) {
        rv = check_unique(j, assertion->id);
    }
    if (rv == APR_SUCCESS) {
        part->assertion = assertion;
        j->detail = apr_psprintf(j->p, "assertion %s", SAMLC_SHOW(j, assertion->id));
    }
    return rv;
}

/* --- the judgement --- */

/* What must be there before a step runs; a step that finds less refuses. */
typedef enum { NEEDS_NOTHING, NEEDS_IDP, NEEDS_ASSERTIONS, NEEDS_LOGIN } needs_t;

/* A step for each runs once an assertion, and the first failure ends the judgement. */
typedef enum { ONCE, FOR_EACH } times_t;

static const struct {
    const char *name;
    times_t times;
    needs_t needs;
    apr_status_t (*run)(samlc_judge_t *j);
} STEPS[] = {
    { "idp", ONCE, NEEDS_NOTHING, check_idp },
    { "status", ONCE, NEEDS_IDP, check_status },
    { "response-signature", ONCE, NEEDS_IDP, verify_response },
    { "decryption", FOR_EACH, NEEDS_IDP, decrypt_assertion },
    { "assertion-signature", FOR_EACH, NEEDS_IDP, verify_assertion },
    { "assertion", FOR_EACH, NEEDS_IDP, read_assertion },
    { "issuer", FOR_EACH, NEEDS_ASSERTIONS, samlc_rule_issuer },
    { "destination", ONCE, NEEDS_ASSERTIONS, samlc_rule_destination },
    { "times", FOR_EACH, NEEDS_ASSERTIONS, samlc_rule_times },
    { "conditions", FOR_EACH, NEEDS_ASSERTIONS, samlc_rule_conditions },
    { "audience", FOR_EACH, NEEDS_ASSERTIONS, samlc_rule_audience },
    { "confirmation", FOR_EACH, NEEDS_ASSERTIONS, samlc_rule_confirmation },
    { "subject", ONCE, NEEDS_ASSERTIONS, samlc_rule_subject },
    { "request", ONCE, NEEDS_LOGIN, samlc_rule_request },
    { "authentication", ONCE, NEEDS_LOGIN, samlc_rule_authentication },
    { "scope", ONCE, NEEDS_LOGIN, samlc_rule_scope },
    { "user", ONCE, NEEDS_LOGIN, samlc_rule_user },
    { "replay", ONCE, NEEDS_LOGIN, samlc_rule_replay },
};

static int are_read(const samlc_judge_t *j)
{
    int i = 0;

    for (i = 0; i < j->parts->nelts; i++) {
        const samlc_part_t *part = &APR_ARRAY_IDX(j->parts, i, samlc_part_t);

        if (part->assertion == NULL || !is_vouched_for(j, part)) {
            return 0;
        }
    }
    return i > 0;
}

static int has_needed(const samlc_judge_t *j, needs_t needs)
{
    return (needs < NEEDS_IDP || j->idp != NULL)
           && (needs < NEEDS_ASSERTIONS || are_read(j))
           && (needs < NEEDS_LOGIN || (j->login != NULL && j->login->confirmation != NULL));
}

/* Of several assertions it is said which one a sentence is about. */
static apr_status_t run_for_each(samlc_judge_t *j, apr_status_t (*run)(samlc_judge_t *j))
{
    int count = j->parts->nelts, skipped = 0, i = 0;
    const char *details = "";
    apr_status_t rv = APR_SUCCESS;

    for (i = 0; i < count && rv == APR_SUCCESS; i++) {
        j->part = &APR_ARRAY_IDX(j->parts, i, samlc_part_t);
        j->detail = "";
        j->is_skipped = 0;
        rv = run(j);
        skipped += j->is_skipped;
        if (count > 1) {
            details = apr_psprintf(j->p, "%s%s%d: %s", details, i == 0 ? "" : "; ", i + 1,
                                   j->detail);
            j->detail = details;
        }
    }
    if (rv != APR_SUCCESS && count > 1) {
        samlc_result_prefix(j->res, apr_psprintf(j->p, "assertion %d of %d", i, count));
    }
    j->part = NULL;
    j->is_skipped = count > 0 && skipped == count;
    return rv;
}

/* Here, and nowhere else, a verdict becomes "accepted". */
static void accept_verdict(samlc_verdict_t *verdict, const samlc_judge_t *j)
{
    if (!has_needed(j, NEEDS_LOGIN) || !j->trust.is_trusted || j->claims.idp == NULL) {
        return;
    }
    verdict->claims = &j->claims;
    verdict->reason = SAMLC_REASON_OK;
    verdict->message = apr_psprintf(j->p, "%s logged in by IdP %s",
                                    SAMLC_SHOW(j, j->claims.session.user), j->idp->name);
    verdict->outcome = SAMLC_ACCEPTED;
}

/* Runs one step and writes down what came of it. */
static apr_status_t run_step(samlc_step_t *step, samlc_judge_t *j, apr_size_t i)
{
    apr_status_t rv = APR_EGENERAL;

    j->detail = "";
    j->is_skipped = 0;
    if (!has_needed(j, STEPS[i].needs)) {
        rv = SAMLC_REFUSE(j, INTERNAL, "a step found less than it needs");
    }
    else {
        rv = STEPS[i].times == ONCE ? STEPS[i].run(j) : run_for_each(j, STEPS[i].run);
    }
    step->step = STEPS[i].name;
    step->outcome = rv != APR_SUCCESS ? "failed" : j->is_skipped ? "skipped" : "passed";
    step->detail = rv != APR_SUCCESS ? j->res->message : j->detail;
    return rv;
}

samlc_verdict_t *samlc_response_judge(samlc_response_t *response,
                                      const samlc_expectations_t *expected, apr_pool_t *p)
{
    samlc_verdict_t *verdict = apr_pcalloc(p, sizeof(*verdict));
    samlc_judge_t *j = apr_pcalloc(p, sizeof(*j));
    apr_status_t rv = APR_SUCCESS;
    apr_size_t i = 0;

    verdict->reason = SAMLC_REASON_UNDECIDED;
    verdict->message = "not judged";
    verdict->steps = apr_array_make(p, (int)(sizeof(STEPS) / sizeof(STEPS[0])),
                                    sizeof(samlc_step_t));
    j->response = response;
    j->parts = response->parts;
    j->expected = expected;
    j->p = p;
    j->res = samlc_result_make(p);
    for (i = 0; i < sizeof(STEPS) / sizeof(STEPS[0]) && rv == APR_SUCCESS; i++) {
        rv = run_step(apr_array_push(verdict->steps), j, i);
    }
    verdict->idp = j->idp;
    verdict->trust = j->trust;
    verdict->is_unlisted_signer = j->is_unlisted_signer;
    if (rv == APR_SUCCESS) {
        accept_verdict(verdict, j);
    }
    else {
        verdict->reason = j->res->reason;
        verdict->message = j->res->message;
    }
    return verdict;
}
