/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/acs.h"

#include <apr_strings.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/form.h"
#include "core/reload/overlay.h"
#include "core/saml/response.h"
#include "core/trust/remembered.h"
#include "core/trust/unlisted.h"
#include "httpd/form.h"
#include "httpd/log.h"
#include "httpd/login.h"
#include "httpd/page.h"
#include "httpd/reply.h"
#include "httpd/request.h"
#include "httpd/session.h"

#define KEYSET "default"
#define WARN_EVERY apr_time_from_sec(3600)
#define SAY_FULL_EVERY apr_time_from_sec(86400)
#define MAX_CLAIMS (SAMLC_MAX_ASSERTIONS + 1)   /* each assertion and the request */

/* One response on its way through. */
typedef struct acs_t {
    request_rec *r;
    const mod_samlc_server_t *conf;
    const char *relay_state;             /* NULL: none came */
    samlc_response_t *response;
    const mod_samlc_login_t *login;      /* NULL: it answers no login of this browser */
    const samlc_snapshot_t *snapshot;
    apr_time_t now;
    const char *cookie;                  /* of the new session */
} acs_t;

/* ---- in -------------------------------------------------------------------------------------- */

static apr_status_t read_response(acs_t *acs, samlc_result_t *res)
{
    apr_table_t *fields = NULL;
    apr_status_t rv = mod_samlc_form_read(&fields, acs->r, (apr_size_t)acs->conf->max_post, res);

    if (rv != APR_SUCCESS) {
        return rv;
    }
    acs->relay_state = samlc_form_get(fields, "RelayState");
    return samlc_response_read_form(&acs->response, fields, res, acs->r->pool);
}

/*
 * The generation that judges: of the files as they are now, so that a certificate which was taken
 * away is refused by the very next login.
 */
static apr_status_t find_generation(acs_t *acs, samlc_result_t *res)
{
    const mod_samlc_realm_t *realm = acs->conf->realm;
    const char *issuer = samlc_response_issuer(acs->response);
    const samlc_idp_t *idp = NULL;

    acs->snapshot = mod_samlc_request_snapshot(acs->r, realm);
    if (acs->snapshot && issuer) {
        idp = samlc_snapshot_idp_by_entity(acs->snapshot, issuer);
    }
    if (mod_samlc_request_look(acs->r, realm, idp)) {
        acs->snapshot = mod_samlc_request_snapshot(acs->r, realm);
    }
    if (!acs->snapshot) {
        return samlc_result_fail(res, APR_EGENERAL, SAMLC_REASON_INTERNAL,
                                 "this process has no generation of the trust directory");
    }
    return APR_SUCCESS;
}

/* ---- the last step of the judgement ---------------------------------------------------------- */

static apr_time_t later(apr_time_t a, apr_time_t b)
{
    return a > b ? a : b;
}

/*
 * Every assertion is claimed once for all; so is the request that they answer, for as long as its
 * state lives. How many claims it makes; 0 if they can't be made.
 */
static int make_claims(samlc_store_claim_t made[MAX_CLAIMS], const acs_t *acs,
                       const samlc_claims_t *claims)
{
    int count = 0;

    for (; count < claims->assertion_ids->nelts; count++) {
        if (count == SAMLC_MAX_ASSERTIONS
            || !samlc_store_key(&made[count].key, "assertion", claims->idp->entity_id,
                                APR_ARRAY_IDX(claims->assertion_ids, count, const char *), NULL)) {
            return 0;
        }
        made[count].expires = claims->not_on_or_after;
    }
    if (!claims->in_response_to) {
        return count;
    }
    if (!samlc_store_key(&made[count].key, "request", acs->conf->entity_id, claims->in_response_to,
                         NULL)) {
        return 0;
    }
    made[count].expires = later(claims->not_on_or_after, acs->now + MOD_SAMLC_LOGIN_TIME);
    return count + 1;
}

/* Claims and session in one transaction: neither is there without the other. */
static apr_status_t claim(void *baton, const samlc_claims_t *claims, samlc_result_t *res,
                          apr_pool_t *p)
{
    acs_t *acs = baton;
    const mod_samlc_backend_t *backend = mod_samlc_realm_backend(acs->conf->realm);
    samlc_session_t session = claims->session;
    samlc_store_claim_t made[MAX_CLAIMS];
    samlc_store_item_t item;
    apr_status_t rv = APR_EGENERAL;
    int count = 0;

    if (!backend) {
        return samlc_result_fail(res, APR_EGENERAL, SAMLC_REASON_REPLAY_STORE_UNAVAILABLE, "%s",
                                 mod_samlc_state_error(acs->conf->realm->state));
    }
    count = make_claims(made, acs, claims);
    if (count == 0
        || mod_samlc_session_prepare(&acs->cookie, &item, &session, claims->session_not_on_or_after,
                                     acs->snapshot->number, acs->now, acs->r) != APR_SUCCESS) {
        return samlc_result_fail(res, APR_EGENERAL, SAMLC_REASON_INTERNAL,
                                 "the session can't be made: no randomness or no SHA-256");
    }
    rv = backend->store->vtable->claim_and_put(backend->store, made, count, &item, acs->now, res,
                                               p);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EEXIST(rv)) {
        mod_samlc_log_store_failure(acs->r, res);
    }
    return rv;
}

static const samlc_verdict_t *judge(acs_t *acs)
{
    apr_array_header_t *requests = apr_array_make(acs->r->pool, 1, sizeof(const char *));
    samlc_expectations_t expected;

    memset(&expected, 0, sizeof(expected));
    if (acs->login) {
        APR_ARRAY_PUSH(requests, const char *) = acs->login->request_id;
        expected.idp_name = acs->login->idp_name;
    }
    expected.snapshot = acs->snapshot;
    expected.keys = samlc_snapshot_keyset(acs->snapshot, KEYSET);
    expected.state_dir = mod_samlc_state_dir(acs->conf->realm->state);
    expected.entity_id = acs->conf->entity_id;
    expected.acs_url = acs->conf->acs_url;
    expected.in_response_to = requests;
    expected.now = acs->now;
    expected.claim = claim;
    expected.claim_baton = acs;
    return samlc_response_judge(acs->response, &expected, acs->r->pool);
}

/* ---- out ------------------------------------------------------------------------------------- */

static void log_accepted(const acs_t *acs, const samlc_verdict_t *verdict)
{
    const samlc_trust_verdict_t *trust = &verdict->trust;
    const char *sha256 = trust->cert ? samlc_cert_sha256_hex(trust->cert) : "bare key";

    ap_log_rerror(
        APLOG_MARK, APLOG_INFO, 0, acs->r,
        MOD_SAMLC_TAG_ACCEPTED
        "ok: login by idp %s, certificate %s, slot %s, mode %s, generation %" APR_UINT64_T_FMT,
        verdict->idp->name, sha256, samlc_trust_slot_word(trust->slot),
        samlc_trust_mode_word(trust->mode), acs->snapshot->number);
    if (verdict->claims->dropped) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, acs->r,
                      MOD_SAMLC_TAG_DROPPED "idp %s: attribute values dropped for their scope: %s",
                      verdict->idp->name, verdict->claims->dropped);
    }
    if (trust->warning
        && mod_samlc_log_is_due(apr_pstrcat(acs->r->pool, verdict->idp->name, sha256, NULL),
                                acs->now, WARN_EVERY)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, acs->r, MOD_SAMLC_TAG_TRUST_DOUBT "idp %s: %s",
                      verdict->idp->name, trust->warning);
    }
}

/*
 * How an unannounced cutover is noticed: once per certificate and hour, with the command that ends
 * it.
 */
static void report_unlisted(const acs_t *acs, const samlc_verdict_t *verdict)
{
    const mod_samlc_realm_t *realm = acs->conf->realm;
    const char *state_dir = mod_samlc_state_dir(realm->state);
    const samlc_cert_t *cert = verdict->trust.cert;
    apr_pool_t *p = acs->r->pool;
    samlc_result_t *res = samlc_result_make(p);
    int is_due = 0;

    if (samlc_unlisted_note(&is_due, state_dir, verdict->idp, cert, acs->now, res, p)
        != APR_SUCCESS) {
        if (mod_samlc_log_is_due("unlisted", acs->now, WARN_EVERY)) {
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, acs->r, MOD_SAMLC_TAG_UNLISTED "%s: %s",
                          samlc_reason_word(res->reason), res->message);
        }
    }
    else if (is_due) {
        ap_log_rerror(
            APLOG_MARK, APLOG_WARNING, 0, acs->r,
            MOD_SAMLC_TAG_UNLISTED
            "cert-not-listed: idp %s signs with certificate %s (%s, valid until %s), which "
            "is not configured; ask the IdP whether it is theirs, and if so: %s",
            verdict->idp->name, samlc_cert_sha256_hex(cert),
            samlc_text_show(samlc_cert_subject(cert), p),
            samlc_clock_format(samlc_cert_not_after(cert), p),
            samlc_unlisted_stage_command(state_dir, realm->source.dir, verdict->idp->name, cert,
                                         p));
    }
}

/* Whatever becomes of the ledger, the login goes on. */
static void count_use(const acs_t *acs, const samlc_verdict_t *verdict)
{
    const mod_samlc_state_t *state = acs->conf->realm->state;
    samlc_ledger_t *ledger = mod_samlc_state_ledger(state);
    const samlc_trust_verdict_t *trust = &verdict->trust;

    if (ledger
        && !samlc_ledger_count(ledger, verdict->idp->entity_id, trust->cert, trust->key, acs->now)
        && mod_samlc_log_is_due("ledger", acs->now, SAY_FULL_EVERY)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, acs->r, MOD_SAMLC_TAG_LEDGER_FULL
                      "%s/ledger has no room for one more certificate: its use is not counted "
                      "(to begin anew remove the file and restart the server)",
                      mod_samlc_state_dir(state));
    }
}

/* So that a message without a certificate can be verified later. A login does not fail by it. */
static void remember(const acs_t *acs, const samlc_verdict_t *verdict)
{
    samlc_result_t *res = samlc_result_make(acs->r->pool);
    int is_new = 0;

    if (samlc_remembered_note(&is_new, mod_samlc_state_dir(acs->conf->realm->state), verdict->idp,
                              &verdict->trust, acs->now, res, acs->r->pool)
        != APR_SUCCESS) {
        if (mod_samlc_log_is_due("remembered", acs->now, WARN_EVERY)) {
            ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, acs->r,
                          MOD_SAMLC_TAG_NOT_REMEMBERED
                          "%s: %s (messages of idp %s that carry no certificate can't be verified "
                          "by its pin)",
                          samlc_reason_word(res->reason), res->message, verdict->idp->name);
        }
    }
    else if (is_new) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, acs->r,
                      MOD_SAMLC_TAG_REMEMBERED "idp %s: certificate %s is remembered for its pin",
                      verdict->idp->name, samlc_cert_sha256_hex(verdict->trust.cert));
    }
}

/*
 * The IdP signs with what is staged: it becomes primary, if that is wanted. It is trusted either
 * way, so a failure hurts nobody, and the next login tries again.
 */
static void promote(const acs_t *acs, const samlc_verdict_t *verdict)
{
    samlc_result_t *res = samlc_result_make(acs->r->pool);
    apr_status_t rv = APR_SUCCESS;
    int is_news = 0;

    if (!verdict->idp->settings->promote_on_first_use || verdict->trust.slot != SAMLC_SLOT_STAGED) {
        return;
    }
    rv = samlc_overlay_promote(&is_news, acs->conf->realm->source.overlay, acs->snapshot,
                               verdict->idp, verdict->trust.cert, acs->now, res, acs->r->pool);
    if (rv != APR_SUCCESS && !APR_STATUS_IS_EAGAIN(rv)
        && mod_samlc_log_is_due("promotion", acs->now, WARN_EVERY)) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, acs->r, MOD_SAMLC_TAG_NOT_PROMOTED
                      "%s: idp %s signs with what is staged, which can't be made primary: %s",
                      samlc_reason_word(res->reason), verdict->idp->name, res->message);
    }
}

static int admit(const acs_t *acs, const samlc_verdict_t *verdict)
{
    request_rec *r = acs->r;
    const char *target = acs->relay_state && *acs->relay_state != '\0' ? acs->relay_state : "/";

    log_accepted(acs, verdict);
    count_use(acs, verdict);
    remember(acs, verdict);
    promote(acs, verdict);
    mod_samlc_board_count(acs->conf->realm->board, SAMLC_REASON_OK);
    mod_samlc_session_remove(r);    /* the one that this browser had before */
    mod_samlc_session_send(r, acs->cookie);
    if (acs->login) {
        mod_samlc_login_clear(r, acs->login);
        target = acs->login->target;
    }
    return mod_samlc_redirect_target(r, target, HTTP_SEE_OTHER);
}

int mod_samlc_acs_handle(request_rec *r)
{
    samlc_result_t *res = samlc_result_make(r->pool);
    const samlc_verdict_t *verdict = NULL;
    acs_t acs;

    memset(&acs, 0, sizeof(acs));
    acs.r = r;
    acs.conf = mod_samlc_server_get(r->server);
    if (read_response(&acs, res) != APR_SUCCESS) {
        return mod_samlc_page_refuse(r, res->reason, res->message);
    }
    acs.now = apr_time_now();
    if (find_generation(&acs, res) != APR_SUCCESS) {
        return mod_samlc_page_refuse(r, res->reason, res->message);
    }
    acs.login = mod_samlc_login_find(r, acs.relay_state, acs.now);
    verdict = judge(&acs);
    if (verdict->is_unlisted_signer) {
        report_unlisted(&acs, verdict);
    }
    if (verdict->outcome != SAMLC_ACCEPTED || !acs.cookie) {
        return mod_samlc_page_refuse(r, verdict->reason, verdict->message);
    }
    return admit(&acs, verdict);
}
