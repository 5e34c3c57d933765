/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/trust.h"

#include <apr_strings.h>
#include <openssl/err.h>

#include "make_cert.h"
#include "test.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define SECOND apr_time_from_sec(1)
#define FUTURE (TEST_NOT_AFTER + apr_time_from_sec(1000))

static apr_pool_t *p;
static samlc_result_t *res;
static samlc_settings_t *settings;
static samlc_trust_t trust;
static apr_array_header_t *entries;
static apr_array_header_t *roots, *intermediates;

/* root -> ca -> leaf; the certificate that an IdP signs with is `leaf`. */
static test_cert_t *root, *ca, *leaf;

static void setup(void)
{
    p = test_pool();
    res = samlc_result_make(p);
    settings = samlc_settings_make(p);
    entries = apr_array_make(p, 4, sizeof(samlc_trust_entry_t));
    roots = apr_array_make(p, 2, sizeof(samlc_cert_t *));
    intermediates = apr_array_make(p, 2, sizeof(samlc_cert_t *));
    memset(&trust, 0, sizeof(trust));
    trust.settings = settings;
    trust.entries = entries;
    root = test_cert_make(&(test_cert_spec_t){ .cn = "root", .key_type = "EC", .is_ca = 1,
                                               .not_after = FUTURE }, p);
    ca = test_cert_make(
        &(test_cert_spec_t){
            .cn = "ca", .key_type = "EC", .is_ca = 1, .issuer = root, .not_after = FUTURE },
        p);
    leaf = test_cert_make(&(test_cert_spec_t){ .cn = "idp", .key_type = "EC", .issuer = ca }, p);
}

static void teardown(void)
{
    ck_assert_uint_eq(ERR_peek_error(), 0);
    apr_pool_destroy(p);
}

static const samlc_cert_t *parsed(const test_cert_t *made)
{
    samlc_cert_t *cert = NULL;

    ck_assert_int_eq(samlc_cert_parse_der(&cert, &made->der, res, p), APR_SUCCESS);
    return cert;
}

static void set(const char *name, const char *value)
{
    ck_assert_msg(samlc_settings_set(settings, name, value, "test", res, p) == APR_SUCCESS, "%s",
                  res->message);
}

static void set_list(const char *value)
{
    samlc_signcerts_t *list = NULL;

    ck_assert_msg(samlc_signcerts_parse(&list, value, "SignCerts", res, p) == APR_SUCCESS, "%s",
                  res->message);
    trust.list = list;
}

static void pin(const char *prefix, const test_cert_t *cert)
{
    set_list(apr_pstrcat(p, prefix, samlc_cert_sha256_hex(parsed(cert)), NULL));
}

static void put(apr_array_header_t *certs, const test_cert_t *cert)
{
    APR_ARRAY_PUSH(certs, const samlc_cert_t *) = parsed(cert);
}

static void build_chain(void)
{
    samlc_chain_source_t source = { roots, intermediates, NULL, 0, SAMLC_CRL_OFF,
                                    (samlc_conflict_t)settings->cert_conflict, 0 };
    samlc_chain_t *chain = NULL;

    ck_assert_int_eq(samlc_chain_make(&chain, &source, res, p), APR_SUCCESS);
    trust.chain = chain;
}

static void on_file(samlc_trust_slot_t slot, const test_cert_t *cert)
{
    const samlc_cert_t *c = parsed(cert);

    samlc_trust_add(entries, SAMLC_MODE_ON_FILE, slot, c, samlc_cert_key(c), "slot.pem", p);
}

static void in_metadata(const test_cert_t *cert, int is_bare)
{
    const samlc_cert_t *c = parsed(cert);

    samlc_trust_add(entries, SAMLC_MODE_METADATA, SAMLC_SLOT_NONE, is_bare ? NULL : c,
                    samlc_cert_key(c), "metadata.xml", p);
}

static samlc_trust_verdict_t judge_at(const test_cert_t *cert, apr_time_t now)
{
    const samlc_cert_t *c = parsed(cert);
    samlc_candidate_t candidate = { c, samlc_cert_key(c), samlc_verifier_make(samlc_cert_key(c), p),
                                    1, NULL };
    samlc_trust_verdict_t v;

    if (trust.chain == NULL) {
        build_chain();
    }
    v = samlc_trust_judge(&trust, &candidate, now, p);
    ck_assert_int_eq(v.is_trusted, v.reason == SAMLC_REASON_OK);
    ck_assert_ptr_nonnull(v.message);
    return v;
}

static samlc_trust_verdict_t judge(const test_cert_t *cert)
{
    return judge_at(cert, TEST_NOW);
}

#define ck_reason(found, expected) \
    ck_assert_msg((found) == (expected), "%s where %s was expected", samlc_reason_word(found), \
                  samlc_reason_word(expected))

/* --- the table: what makes a key trustworthy x what may be wrong with it ---------------------- */

typedef enum {
    PINNED,
    ANCHORED,
    ANY_TRUSTED,
    ON_FILE,
    ON_FILE_CHAIN,
    METADATA,
    METADATA_CHAIN,
    RULES
} rule_t;

static const samlc_trust_mode_t modes[RULES] = {
    SAMLC_MODE_PINNED,  SAMLC_MODE_ANCHORED, SAMLC_MODE_ANY_TRUSTED, SAMLC_MODE_ON_FILE,
    SAMLC_MODE_ON_FILE, SAMLC_MODE_METADATA, SAMLC_MODE_METADATA,
};

typedef enum {
    LISTED,           /* all is well */
    RETIRED,          /* ... but it is in the slot `retired`, too */
    UNLISTED,         /* another certificate of another CA */
    EXPIRED,
    NOT_YET_VALID,
    CONFLICT,         /* a second CA of the same name with another key is in the store */
    NO_INTERMEDIATE,  /* its CA is not in the store */
    REISSUED,         /* the same key in another certificate of the same CA */
    SAME_NAME,        /* the same name in another certificate of the same CA, with another key */
    SITUATIONS
} situation_t;

#define OK_ SAMLC_REASON_OK
#define RET SAMLC_REASON_CERT_RETIRED
#define NOL SAMLC_REASON_CERT_NOT_LISTED
#define EXP SAMLC_REASON_CERT_EXPIRED
#define NYV SAMLC_REASON_CERT_NOT_YET_VALID
#define CON SAMLC_REASON_CERT_CONFLICT
#define INC SAMLC_REASON_CHAIN_INCOMPLETE

/* spec: DESIGN 5 */
static const samlc_reason_t table[RULES][SITUATIONS] = {
    /*                 LISTED RETIRED UNLISTED EXPIRED NOT_YET CONFLICT NO_INT REISSUED SAME_NAME */
    [PINNED]         = { OK_,   RET,    NOL,     OK_,    NYV,    OK_,     OK_,   NOL,     NOL },
    [ANCHORED]       = { OK_,   RET,    NOL,     EXP,    NYV,    CON,     INC,   NOL,     NOL },
    [ANY_TRUSTED]    = { OK_,   RET,    INC,     EXP,    NYV,    CON,     INC,   OK_,     OK_ },
    [ON_FILE]        = { OK_,   RET,    NOL,     OK_,    NYV,    OK_,     OK_,   OK_,     NOL },
    [ON_FILE_CHAIN]  = { OK_,   RET,    NOL,     OK_,    NYV,    CON,     INC,   OK_,     NOL },
    [METADATA]       = { OK_,   RET,    NOL,     OK_,    OK_,    OK_,     OK_,   OK_,     NOL },
    [METADATA_CHAIN] = { OK_,   RET,    NOL,     OK_,    OK_,    CON,     INC,   OK_,     NOL },
};

static void trust_by(rule_t rule, const test_cert_t *cert)
{
    switch (rule) {
    case PINNED:
        pin("CERT_VALIDATION:IGNORE_TRUST,", cert);
        break;
    case ANCHORED:
        pin("", cert);
        break;
    case ANY_TRUSTED:
        set_list("ANY-TRUSTED");
        break;
    case ON_FILE_CHAIN:
        set("ValidateChain", "on");
        /* fall through */
    case ON_FILE:
        on_file(SAMLC_SLOT_PRIMARY, cert);
        break;
    case METADATA_CHAIN:
        set("ValidateChain", "on");
        /* fall through */
    default:
        in_metadata(cert, 0);
        break;
    }
}

/* Who signs in this situation. */
static const test_cert_t *signer_in(situation_t situation)
{
    switch (situation) {
    case UNLISTED:
        return test_cert_make(&(test_cert_spec_t){ .cn = "stranger", .key_type = "EC" }, p);
    case REISSUED:
        return test_cert_make(&(test_cert_spec_t){ .cn = "idp", .pkey = leaf->pkey, .issuer = ca,
                                                   .serial = 2 }, p);
    case SAME_NAME:
        return test_cert_make(&(test_cert_spec_t){ .cn = "idp", .key_type = "EC", .issuer = ca },
                              p);
    default:
        return leaf;
    }
}

START_TEST(test_table)
{
    rule_t rule = (rule_t)(_i / SITUATIONS);
    situation_t situation = (situation_t)(_i % SITUATIONS);
    apr_time_t now = situation == EXPIRED         ? TEST_NOT_AFTER + SECOND
                     : situation == NOT_YET_VALID ? TEST_NOW - SECOND
                                                  : TEST_NOW;
    samlc_trust_verdict_t v;

    if (situation == NOT_YET_VALID) {
        leaf = test_cert_make(&(test_cert_spec_t){ .cn = "idp", .key_type = "EC", .issuer = ca,
                                                   .not_before = TEST_NOW }, p);
    }
    put(roots, root);
    if (situation != NO_INTERMEDIATE) {
        put(intermediates, ca);
    }
    if (situation == CONFLICT) {
        put(intermediates, test_cert_make(&(test_cert_spec_t){ .cn = "ca", .key_type = "EC",
                                                               .is_ca = 1, .issuer = root }, p));
    }
    trust_by(rule, leaf);
    if (situation == RETIRED) {
        on_file(SAMLC_SLOT_RETIRED, leaf);
    }
    v = judge_at(signer_in(situation), now);
    ck_assert_msg(v.reason == table[rule][situation], "rule %d, situation %d: %s, %s", rule,
                  situation, samlc_reason_word(v.reason), v.message);
    if (v.is_trusted) {
        ck_assert_int_eq(v.mode, modes[rule]);
        ck_assert_ptr_nonnull(v.origin);
        ck_assert_int_eq(v.warning != NULL,
                         situation == EXPIRED && modes[rule] != SAMLC_MODE_METADATA);
    }
}
END_TEST

/* --- slots ---------------------------------------------------------------------------------- */

START_TEST(test_slots)
{
    static const samlc_trust_slot_t slots[] = { SAMLC_SLOT_STAGED, SAMLC_SLOT_PRIMARY,
                                                SAMLC_SLOT_ALTERNATE, SAMLC_SLOT_RETIRED };
    samlc_trust_verdict_t v;

    on_file(slots[_i], leaf);
    v = judge(leaf);
    ck_reason(v.reason, slots[_i] == SAMLC_SLOT_RETIRED ? RET : OK_);
    ck_assert_int_eq(v.slot, slots[_i]);
    ck_assert(samlc_cert_equal(v.cert, parsed(leaf)));
    ck_assert_ptr_nonnull(strstr(v.message, samlc_trust_slot_word(slots[_i])));
}
END_TEST

/* A certificate is retired, not its key: the new one for the same key is trusted, and only that. */
START_TEST(test_retired_and_reissued)
{
    const test_cert_t *again = signer_in(REISSUED);

    on_file(SAMLC_SLOT_PRIMARY, again);
    on_file(SAMLC_SLOT_RETIRED, leaf);
    ck_reason(judge(again).reason, OK_);
    ck_assert_int_eq(judge(again).slot, SAMLC_SLOT_PRIMARY);
    ck_reason(judge(leaf).reason, RET);
}
END_TEST

/* --- dates ---------------------------------------------------------------------------------- */

START_TEST(test_date_borders)
{
    pin("", leaf);
    put(roots, root);
    put(intermediates, ca);
    ck_reason(judge_at(leaf, TEST_NOT_BEFORE - SECOND).reason, NYV);
    ck_reason(judge_at(leaf, TEST_NOT_BEFORE).reason, OK_);
    ck_reason(judge_at(leaf, TEST_NOT_AFTER).reason, OK_);
    ck_reason(judge_at(leaf, TEST_NOT_AFTER + SECOND).reason, EXP);
}
END_TEST

/* CertExpiry overrides what goes with the mode. */
START_TEST(test_expiry_setting)
{
    static const struct {
        const char *word;
        samlc_reason_t expired, early;
        int warns;
    } words[] = { { "reject", EXP, NYV, 0 }, { "warn", OK_, NYV, 1 }, { "ignore", OK_, OK_, 0 } };
    rule_t rule = (rule_t)(_i / COUNT(words));
    int k = _i % COUNT(words);
    samlc_trust_verdict_t v;

    put(roots, root);
    put(intermediates, ca);
    trust_by(rule, leaf);
    set("CertExpiry", words[k].word);
    v = judge_at(leaf, TEST_NOT_AFTER + SECOND);
    ck_reason(v.reason, words[k].expired);
    ck_assert_int_eq(v.warning != NULL, words[k].warns);
    if (rule != ANCHORED && rule != ANY_TRUSTED && rule != ON_FILE_CHAIN
        && rule != METADATA_CHAIN) {
        ck_reason(judge_at(leaf, TEST_NOT_BEFORE - SECOND).reason, words[k].early);
    }
    ck_reason(judge(leaf).reason, OK_);
}
END_TEST

/* An expired CA is not what CertExpiry is about. */
START_TEST(test_expired_ca)
{
    ca = test_cert_make(
        &(test_cert_spec_t){
            .cn = "ca", .key_type = "EC", .is_ca = 1, .issuer = root, .not_after = TEST_NOW },
        p);
    leaf = test_cert_make(&(test_cert_spec_t){ .cn = "idp", .key_type = "EC", .issuer = ca }, p);
    put(roots, root);
    put(intermediates, ca);
    pin("", leaf);
    set("CertExpiry", "ignore");
    ck_reason(judge_at(leaf, TEST_NOW - SECOND).reason, OK_);
    ck_reason(judge_at(leaf, TEST_NOW + SECOND).reason, SAMLC_REASON_CHAIN_EXPIRED);
}
END_TEST

START_TEST(test_metadata_valid_until)
{
    in_metadata(leaf, 0);
    trust.metadata_valid_until = TEST_NOW;
    ck_reason(judge_at(leaf, TEST_NOW - 1).reason, OK_);
    ck_reason(judge(leaf).reason, SAMLC_REASON_METADATA_EXPIRED);
    /* a union: what else speaks for the key still does */
    pin("CERT_VALIDATION:IGNORE_TRUST,", leaf);
    ck_reason(judge(leaf).reason, OK_);
    ck_assert_int_eq(judge(leaf).mode, SAMLC_MODE_PINNED);
}
END_TEST

/* --- unions and their limits ------------------------------------------------------------------ */

START_TEST(test_union)
{
    const test_cert_t *other = signer_in(UNLISTED);

    on_file(SAMLC_SLOT_PRIMARY, leaf);
    pin("CERT_VALIDATION:IGNORE_TRUST,", other);
    ck_assert_int_eq(judge(leaf).mode, SAMLC_MODE_ON_FILE);
    ck_assert_int_eq(judge(other).mode, SAMLC_MODE_PINNED);
    /* a chain that one entry asks for is not asked for by the other */
    set("ValidateChain", "on");
    ck_reason(judge(leaf).reason, SAMLC_REASON_NO_TRUST_CONFIGURED);
    ck_reason(judge(other).reason, OK_);
}
END_TEST

START_TEST(test_nothing_configured)
{
    samlc_trust_verdict_t v = judge(leaf);

    ck_reason(v.reason, NOL);
    put(roots, root);
    put(intermediates, ca);
    trust.chain = NULL;
    ck_reason(judge(leaf).reason, NOL);   /* roots alone trust nothing */
}
END_TEST

/* The certificate of an anchor is not one of the IdP's, and a pinned one is no anchor. */
START_TEST(test_anchor_is_no_signer)
{
    pin("", leaf);
    put(roots, root);
    put(intermediates, ca);
    ck_reason(judge(root).reason, NOL);
    ck_reason(judge(ca).reason, NOL);
    pin("CERT_VALIDATION:IGNORE_TRUST,", ca);
    ck_reason(judge(leaf).reason, NOL);
}
END_TEST

START_TEST(test_without_roots)
{
    pin("", leaf);
    put(intermediates, ca);
    ck_reason(judge(leaf).reason, SAMLC_REASON_NO_TRUST_CONFIGURED);
}
END_TEST

START_TEST(test_bare_key)
{
    samlc_candidate_t candidate;
    samlc_trust_verdict_t v;

    in_metadata(leaf, 1);
    memset(&candidate, 0, sizeof(candidate));
    candidate.key = APR_ARRAY_IDX(entries, 0, samlc_trust_entry_t).key;
    build_chain();
    v = samlc_trust_judge(&trust, &candidate, TEST_NOT_AFTER + SECOND, p);
    ck_reason(v.reason, OK_);
    ck_assert_ptr_null(v.cert);
    on_file(SAMLC_SLOT_RETIRED, leaf);      /* whose key is all there is of the other */
    ck_reason(samlc_trust_judge(&trust, &candidate, TEST_NOW, p).reason, RET);
    apr_array_pop(entries);
    set("ValidateChain", "on");
    ck_reason(samlc_trust_judge(&trust, &candidate, TEST_NOW, p).reason,
              SAMLC_REASON_CHAIN_INVALID);
}
END_TEST

START_TEST(test_spki_pin)
{
    const samlc_key_t *key = samlc_cert_key(parsed(leaf));

    set_list(apr_pstrcat(p, "CERT_VALIDATION:IGNORE_TRUST,spki-sha256:",
                         samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p), NULL));
    ck_reason(judge(leaf).reason, OK_);
    ck_reason(judge(signer_in(REISSUED)).reason, OK_);
    ck_reason(judge(signer_in(SAME_NAME)).reason, NOL);
    /* whoever has a retired key can make certificates about it */
    on_file(SAMLC_SLOT_RETIRED, leaf);
    ck_reason(judge(signer_in(REISSUED)).reason, RET);
    set_list(apr_pstrcat(p, "CERT_VALIDATION:IGNORE_TRUST,",
                         samlc_cert_sha256_hex(parsed(leaf)), NULL));
    ck_reason(judge(signer_in(REISSUED)).reason, RET);
    ck_reason(judge(leaf).reason, RET);
}
END_TEST

/* A certificate that is listed itself needs no pin of its key. */
START_TEST(test_pin_beside_retired_key)
{
    const test_cert_t *again = signer_in(REISSUED);
    const samlc_key_t *key = samlc_cert_key(parsed(leaf));

    set_list(apr_pstrcat(p, "CERT_VALIDATION:IGNORE_TRUST,spki-sha256:",
                         samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p), ",",
                         samlc_cert_sha256_hex(parsed(again)), NULL));
    on_file(SAMLC_SLOT_RETIRED, leaf);
    ck_reason(judge(again).reason, OK_);
    ck_reason(judge(leaf).reason, RET);
}
END_TEST

/* spec: SECURITY-RULES 12 - named curves, whoever shows the certificate and whatever lists it */
START_TEST(test_explicit_curve)
{
    static const char *const lists[] = { "CERT_VALIDATION:IGNORE_TRUST,", "" };
    const test_cert_t *spelt = test_cert_make(&(test_cert_spec_t){ .cn = "idp", .issuer = ca,
                                                                   .key_type = "explicit-EC" }, p);
    int i = 0;

    put(roots, root);
    put(intermediates, ca);
    for (i = 0; i < 2; i++) {
        pin(lists[i], spelt);
        ck_assert_int_eq(judge_at(spelt, TEST_NOW).reason, SAMLC_REASON_ALGORITHM_FORBIDDEN);
        pin(lists[i], leaf);
        ck_assert_int_eq(judge_at(leaf, TEST_NOW).reason, SAMLC_REASON_OK);
    }
    set_list("ANY-TRUSTED");
    ck_assert_int_eq(judge_at(spelt, TEST_NOW).reason, SAMLC_REASON_ALGORITHM_FORBIDDEN);
    ck_assert_int_eq(judge_at(leaf, TEST_NOW).reason, SAMLC_REASON_OK);
}
END_TEST

START_TEST(test_constraint)
{
    set_list("ANY-TRUSTED");
    put(roots, root);
    put(intermediates, ca);
    settings->anchor_constraint = "subject:CN=idp";
    ck_reason(judge(leaf).reason, OK_);
    settings->anchor_constraint = "subject:CN=other";
    ck_reason(judge(leaf).reason, NOL);
}
END_TEST

/* Each weakening of the check for conflicts, and no more than that. */
START_TEST(test_conflict_setting)
{
    static const struct {
        const char *value;
        samlc_reason_t reason;
    } settings_of[] = {
        { "issuer+subject", CON }, { "issuer", CON }, { "subject", CON }, { "off", OK_ },
    };

    set("CertConflict", settings_of[_i].value);
    pin("", leaf);
    put(roots, root);
    put(intermediates, ca);
    put(intermediates, test_cert_make(&(test_cert_spec_t){ .cn = "ca", .key_type = "EC", .is_ca = 1,
                                                           .issuer = root }, p));
    ck_reason(judge(leaf).reason, settings_of[_i].reason);
}
END_TEST

/* --- TrustReportOnly -------------------------------------------------------------------------- */

/* A stricter rule beside the one in force, with the same store. */
static void try_out(const char *tried)
{
    samlc_trust_t *stricter = apr_pmemdup(p, &trust, sizeof(trust));
    samlc_settings_t *copy = NULL;

    set("TrustReportOnly", tried);
    ck_assert_msg(samlc_settings_stricter(&copy, settings, res, p) == APR_SUCCESS, "%s",
                  res->message);
    stricter->settings = copy;
    stricter->report_only = NULL;
    trust.report_only = stricter;
}

/* All that it does is warn: each verdict of the table stays what it is without it. */
START_TEST(test_report_only_changes_nothing)
{
    rule_t rule = (rule_t)(_i / SITUATIONS);
    situation_t situation = (situation_t)(_i % SITUATIONS);
    const test_cert_t *signer = signer_in(situation);
    samlc_trust_verdict_t without, with;

    put(roots, root);
    if (situation != NO_INTERMEDIATE) {
        put(intermediates, ca);
    }
    trust_by(rule, leaf);
    if (situation == RETIRED) {
        on_file(SAMLC_SLOT_RETIRED, leaf);
    }
    build_chain();
    without = judge_at(signer, situation == EXPIRED ? TEST_NOT_AFTER + SECOND : TEST_NOW);
    try_out(settings->validate_chain ? "CertExpiry=reject" : "ValidateChain=on CertExpiry=reject");
    with = judge_at(signer, situation == EXPIRED ? TEST_NOT_AFTER + SECOND : TEST_NOW);
    ck_assert_int_eq(with.is_trusted, without.is_trusted);
    ck_reason(with.reason, without.reason);
    ck_assert_int_eq(with.mode, without.mode);
    ck_assert_str_eq(with.message, without.message);
    ck_assert(with.is_trusted || with.warning == NULL);
}
END_TEST

/* What would be refused, by its reason; and nothing where the stricter rule agrees. */
START_TEST(test_report_only)
{
    samlc_trust_verdict_t v;

    on_file(SAMLC_SLOT_PRIMARY, leaf);
    put(roots, root);
    build_chain();
    try_out("ValidateChain=on CertExpiry=reject");
    v = judge(leaf);
    ck_reason(v.reason, OK_);
    ck_assert_ptr_nonnull(v.warning);
    ck_assert_ptr_nonnull(strstr(v.warning, "would be refused under TrustReportOnly ValidateChain=on"
                                            " CertExpiry=reject: chain-incomplete: the issuer of"));
    v = judge_at(leaf, TEST_NOT_AFTER + SECOND);    /* beside what the rule in force warns of */
    ck_reason(v.reason, OK_);
    ck_assert_ptr_nonnull(strstr(v.warning, "expired at"));
    ck_assert_ptr_nonnull(strstr(v.warning, "; would be refused under"));
    ck_assert_ptr_nonnull(strstr(v.warning, ": cert-expired: "));
}
END_TEST

START_TEST(test_report_only_agrees)
{
    on_file(SAMLC_SLOT_PRIMARY, leaf);
    put(roots, root);
    put(intermediates, ca);
    build_chain();
    try_out("ValidateChain=on");
    ck_reason(judge(leaf).reason, OK_);
    ck_assert_ptr_null(judge(leaf).warning);
}
END_TEST

/* --- candidates: which keys are tried --------------------------------------------------------- */

static apr_array_header_t *candidates_for(const test_cert_t *a, const test_cert_t *b)
{
    apr_array_header_t *hints = apr_array_make(p, 2, sizeof(samlc_data_t));

    if (a != NULL) {
        APR_ARRAY_PUSH(hints, samlc_data_t) = a->der;
    }
    if (b != NULL) {
        APR_ARRAY_PUSH(hints, samlc_data_t) = b->der;
    }
    res = samlc_result_make(p);
    return samlc_trust_candidates(&trust, hints, res, p);
}

static void is_candidate(const apr_array_header_t *candidates, int i, const test_cert_t *cert,
                         int is_named)
{
    const samlc_candidate_t *c = &APR_ARRAY_IDX(candidates, i, samlc_candidate_t);

    ck_assert_int_lt(i, candidates->nelts);
    ck_assert(samlc_cert_equal(c->cert, parsed(cert)));
    ck_assert_int_eq(c->is_named, is_named);
    ck_assert_ptr_nonnull(c->verifier);
}

START_TEST(test_candidates_on_file)
{
    const test_cert_t *other = signer_in(UNLISTED);
    apr_array_header_t *found = NULL;

    on_file(SAMLC_SLOT_PRIMARY, leaf);
    on_file(SAMLC_SLOT_RETIRED, other);
    found = candidates_for(NULL, NULL);
    ck_assert_int_eq(found->nelts, 2);
    is_candidate(found, 0, leaf, 0);
    is_candidate(found, 1, other, 0);
    found = candidates_for(other, NULL);    /* what the message names comes first, and once */
    ck_assert_int_eq(found->nelts, 2);
    is_candidate(found, 0, other, 1);
    is_candidate(found, 1, leaf, 0);
    found = candidates_for(root, NULL);     /* a hint adds nothing */
    ck_assert_int_eq(found->nelts, 2);
    is_candidate(found, 0, leaf, 0);
}
END_TEST

START_TEST(test_candidates_of_list)
{
    apr_array_header_t *found = NULL;

    ck_assert_int_eq(candidates_for(leaf, NULL)->nelts, 0);
    ck_reason(res->reason, SAMLC_REASON_NO_TRUST_CONFIGURED);
    pin("CERT_VALIDATION:IGNORE_TRUST,", leaf);
    found = candidates_for(root, leaf);
    ck_assert_int_eq(found->nelts, 1);
    is_candidate(found, 0, leaf, 1);
    ck_assert_int_eq(candidates_for(root, NULL)->nelts, 0);
    ck_reason(res->reason, NOL);
    ck_assert_int_eq(candidates_for(NULL, NULL)->nelts, 0);
    ck_reason(res->reason, NOL);
}
END_TEST

START_TEST(test_candidates_any_trusted)
{
    set_list("ANY-TRUSTED");
    ck_assert_int_eq(candidates_for(leaf, root)->nelts, 2);
    ck_assert_int_eq(candidates_for(NULL, NULL)->nelts, 0);
}
END_TEST

START_TEST(test_candidates_spki)
{
    const samlc_key_t *key = samlc_cert_key(parsed(leaf));

    set_list(apr_pstrcat(p, "spki-sha256:",
                         samlc_text_hex(samlc_key_spki_sha256(key), SAMLC_SHA256_LEN, p), NULL));
    ck_assert_int_eq(candidates_for(signer_in(REISSUED), NULL)->nelts, 1);
    ck_assert_int_eq(candidates_for(signer_in(SAME_NAME), NULL)->nelts, 0);
}
END_TEST

/* However often the message has a certificate, it is one candidate; and it does not crowd others
 * out. */
START_TEST(test_repeated_hints)
{
    apr_array_header_t *hints = apr_array_make(p, 10, sizeof(samlc_data_t));
    int i = 0;

    set_list("ANY-TRUSTED");
    for (i = 0; i < SAMLC_MAX_HINTS - 1; i++) {
        APR_ARRAY_PUSH(hints, samlc_data_t) = root->der;
    }
    APR_ARRAY_PUSH(hints, samlc_data_t) = leaf->der;
    ck_assert_int_eq(samlc_trust_candidates(&trust, hints, res, p)->nelts, 2);
}
END_TEST

/* Live keys are tried before retired ones, where nothing tells them apart. */
START_TEST(test_retired_come_last)
{
    apr_array_header_t *found = NULL;

    on_file(SAMLC_SLOT_RETIRED, leaf);
    on_file(SAMLC_SLOT_ALTERNATE, signer_in(REISSUED));
    found = candidates_for(NULL, NULL);
    ck_assert_int_eq(found->nelts, 2);
    is_candidate(found, 1, leaf, 0);
    is_candidate(candidates_for(leaf, NULL), 0, leaf, 1);
}
END_TEST

/* What is no certificate is passed over, and there is an end to trying. */
START_TEST(test_candidate_limits)
{
    apr_array_header_t *hints = apr_array_make(p, 10, sizeof(samlc_data_t));
    int i = 0;

    set_list("ANY-TRUSTED");
    for (i = 0; i < SAMLC_MAX_HINTS - 1; i++) {
        APR_ARRAY_PUSH(hints, samlc_data_t) = test_data("junk", "KeyInfo");
    }
    APR_ARRAY_PUSH(hints, samlc_data_t) = leaf->der;
    ck_assert_int_eq(samlc_trust_candidates(&trust, hints, res, p)->nelts, 1);
    APR_ARRAY_IDX(hints, SAMLC_MAX_HINTS - 1, samlc_data_t) = test_data("junk", "KeyInfo");
    APR_ARRAY_PUSH(hints, samlc_data_t) = leaf->der;
    ck_assert_int_eq(samlc_trust_candidates(&trust, hints, res, p)->nelts, 0);
    for (i = 0; i < SAMLC_MAX_CANDIDATES + 4; i++) {
        on_file(SAMLC_SLOT_ALTERNATE, signer_in(UNLISTED));
    }
    ck_assert_int_eq(samlc_trust_candidates(&trust, hints, res, p)->nelts, SAMLC_MAX_CANDIDATES);
}
END_TEST

START_TEST(test_words)
{
    ck_assert_str_eq(samlc_trust_mode_word(SAMLC_MODE_ANY_TRUSTED), "any-trusted");
    ck_assert_str_eq(samlc_trust_mode_word(SAMLC_MODE_ON_FILE), "on-file");
    ck_assert_str_eq(samlc_trust_mode_word((samlc_trust_mode_t)99), "none");
    ck_assert_str_eq(samlc_trust_slot_word(SAMLC_SLOT_NONE), "none");
    ck_assert_str_eq(samlc_trust_slot_word(SAMLC_SLOT_ALTERNATE), "alternate");
    ck_assert_str_eq(samlc_trust_slot_word((samlc_trust_slot_t)99), "none");
}
END_TEST

Suite *suite_trust(void)
{
    Suite *suite = suite_create("trust");
    TCase *tc = tcase_create("trust");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_loop_test(tc, test_table, 0, RULES * SITUATIONS);
    tcase_add_loop_test(tc, test_slots, 0, 4);
    tcase_add_test(tc, test_retired_and_reissued);
    tcase_add_test(tc, test_date_borders);
    tcase_add_loop_test(tc, test_expiry_setting, 0, RULES * 3);
    tcase_add_test(tc, test_expired_ca);
    tcase_add_test(tc, test_metadata_valid_until);
    tcase_add_test(tc, test_union);
    tcase_add_test(tc, test_nothing_configured);
    tcase_add_test(tc, test_anchor_is_no_signer);
    tcase_add_test(tc, test_without_roots);
    tcase_add_test(tc, test_bare_key);
    tcase_add_test(tc, test_spki_pin);
    tcase_add_test(tc, test_pin_beside_retired_key);
    tcase_add_loop_test(tc, test_report_only_changes_nothing, 0, RULES * SITUATIONS);
    tcase_add_test(tc, test_report_only);
    tcase_add_test(tc, test_report_only_agrees);
    tcase_add_test(tc, test_repeated_hints);
    tcase_add_test(tc, test_retired_come_last);
    tcase_add_test(tc, test_explicit_curve);
    tcase_add_test(tc, test_constraint);
    tcase_add_loop_test(tc, test_conflict_setting, 0, 4);
    tcase_add_test(tc, test_candidates_on_file);
    tcase_add_test(tc, test_candidates_of_list);
    tcase_add_test(tc, test_candidates_any_trusted);
    tcase_add_test(tc, test_candidates_spki);
    tcase_add_test(tc, test_candidate_limits);
    tcase_add_test(tc, test_words);
    suite_add_tcase(suite, tc);
    return suite;
}
