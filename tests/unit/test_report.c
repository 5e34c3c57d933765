/* SPDX-License-Identifier: Apache-2.0 */
/* Reports are read back by jansson: what counts is what a program finds in them. */
#include "core/report.h"

#include <apr_strings.h>
#include <jansson.h>
#include <openssl/evp.h>

#include "make_cert.h"
#include "test.h"

static apr_pool_t *p;
static json_t *json;

static void setup(void)
{
    p = test_pool();
    json = NULL;
}

static void teardown(void)
{
    json_decref(json);
    apr_pool_destroy(p);
}

/* Parses a report, which is one line-ended document in ASCII. */
static void read_back(const char *report)
{
    apr_size_t len = strlen(report);
    apr_size_t i = 0;

    for (i = 0; i < len; i++) {
        ck_assert_msg((unsigned char)report[i] < 0x7f, "byte %d in %s", report[i], report);
    }
    ck_assert(report[len - 1] == '\n');
    json = json_loads(report, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(json != NULL, "%s", report);
}

/* The member at a path such as "idps.0.name". */
static json_t *at(const char *path)
{
    json_t *here = json;
    char *last = NULL;
    char *name = NULL;

    for (name = apr_strtok(apr_pstrdup(p, path), ".", &last); name;
         name = apr_strtok(NULL, ".", &last)) {
        here = json_is_array(here) ? json_array_get(here, (size_t)atoi(name))
                                   : json_object_get(here, name);
        ck_assert_msg(here != NULL, "no %s", path);
    }
    return here;
}

static void is_text(const char *path, const char *expected)
{
    ck_assert_msg(json_is_string(at(path)), "%s is no string", path);
    ck_assert_str_eq(json_string_value(at(path)), expected);
}

static void is_number(const char *path, json_int_t expected)
{
    ck_assert_msg(json_is_integer(at(path)), "%s is no number", path);
    ck_assert_int_eq(json_integer_value(at(path)), expected);
}

static void is_null(const char *path)
{
    ck_assert_msg(json_is_null(at(path)), "%s is not null", path);
}

/* The names of an object's members, in order. */
static void has_members(json_t *object, const char *expected)
{
    const char *found = "";
    const char *name = NULL;
    json_t *value = NULL;

    json_object_foreach(object, name, value) {
        found = apr_pstrcat(p, found, *found ? " " : "", name, NULL);
    }
    ck_assert_str_eq(found, expected);
}

static const char *digest_of(const samlc_data_t *der, const EVP_MD *md)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int len = 0;

    ck_assert_int_eq(EVP_Digest(der->data, der->len, bytes, &len, md, NULL), 1);
    return samlc_text_hex(bytes, len, p);
}

/* The certificate CN=`cn` as if read from `origin`; *der is its bytes. */
static samlc_cert_t *cert_of(const char *cn, const char *origin, samlc_data_t *der)
{
    test_cert_spec_t spec = {.cn = cn, .key_type = "EC", .serial = 0x1f};
    test_cert_t *made = test_cert_make(&spec, p);
    samlc_data_t data = made->der;
    samlc_cert_t *cert = NULL;

    data.origin = origin;
    ck_assert_int_eq(samlc_cert_parse_der(&cert, &data, samlc_result_make(p), p), APR_SUCCESS);
    if (der) {
        *der = data;
    }
    return cert;
}

/* A generation: one IdP (a primary certificate, a bare key of metadata, a pin) and a key set. */
typedef struct world_t {
    samlc_snapshot_t snapshot;
    samlc_idp_t idp;
    samlc_settings_t settings;
    samlc_trust_t trust;
    samlc_signcerts_t list;
    samlc_keyset_t keyset;
    samlc_cert_t *primary;
    samlc_cert_t *own;
} world_t;

static void add_entry(apr_array_header_t *entries, samlc_trust_mode_t mode, samlc_trust_slot_t slot,
                      const samlc_cert_t *cert, const samlc_key_t *key, const char *origin)
{
    samlc_trust_entry_t *e = apr_array_push(entries);

    memset(e, 0, sizeof(*e));
    e->mode = mode;
    e->slot = slot;
    e->cert = cert;
    e->key = key;
    e->origin = origin;
}

static void fill_trust(world_t *w)
{
    apr_array_header_t *entries = apr_array_make(p, 2, sizeof(samlc_trust_entry_t));
    samlc_pin_t *pin = NULL;

    add_entry(entries, SAMLC_MODE_ON_FILE, SAMLC_SLOT_PRIMARY, w->primary,
              samlc_cert_key(w->primary), "/t/idp/one/primary.pem");
    add_entry(entries, SAMLC_MODE_METADATA, SAMLC_SLOT_NONE, NULL, samlc_cert_key(w->own),
              "/t/idp/one/metadata.xml");
    w->list.pins = apr_array_make(p, 1, sizeof(samlc_pin_t));
    pin = apr_array_push(w->list.pins);
    memset(pin, 0, sizeof(*pin));
    pin->len = 20;
    memset(pin->digest, 0xab, pin->len);
    pin->origin = "/t/pins:3";
    w->list.ignore_trust = 1;
    w->trust.settings = &w->settings;
    w->trust.entries = entries;
    w->trust.list = &w->list;
}

static world_t *world(void)
{
    world_t *w = apr_pcalloc(p, sizeof(*w));
    apr_array_header_t *idps = apr_array_make(p, 1, sizeof(samlc_idp_t *));

    w->primary = cert_of("primary", "/t/idp/one/primary.pem", NULL);
    w->own = cert_of("own", "/t/sp/default/active.crt", NULL);
    fill_trust(w);
    w->idp.name = "one";
    w->idp.entity_id = "https://idp.example/";
    w->idp.settings = &w->settings;
    w->idp.trust = &w->trust;
    APR_ARRAY_PUSH(idps, samlc_idp_t *) = &w->idp;
    w->keyset.name = "default";
    w->keyset.keys[SAMLC_OWN_ACTIVE].cert = w->own;
    w->keyset.keys[SAMLC_OWN_ACTIVE].key = samlc_cert_key(w->own);
    w->snapshot.number = 41;
    w->snapshot.digest_hex = "c0ffee";
    w->snapshot.loaded_at = TEST_NOW;
    w->snapshot.idps = idps;
    w->snapshot.keysets = apr_hash_make(p);
    apr_hash_set(w->snapshot.keysets, "default", APR_HASH_KEY_STRING, &w->keyset);
    w->snapshot.warnings = apr_array_make(p, 1, sizeof(const char *));
    return w;
}

START_TEST(a_list_has_the_particulars)
{
    world_t *w = world();

    read_back(samlc_report_list(&w->snapshot, NULL, TEST_NOW, p));
    has_members(json, "generation_hash idps keysets");
    is_text("generation_hash", "c0ffee");
    has_members(at("idps.0"), "name entity_id status modes certificates pins");
    is_text("idps.0.name", "one");
    is_text("idps.0.entity_id", "https://idp.example/");
    is_text("idps.0.status", "active");
    has_members(at("idps.0.certificates.0"), "sha256 subject issuer serial not_before not_after "
                "days_left spki_sha256 key_type key_bits slot mode source first_use last_use "
                "count filed moved scheduled");
    is_text("idps.0.certificates.0.sha256", samlc_cert_sha256_hex(w->primary));
    is_text("idps.0.certificates.0.subject", "CN=primary");
    is_text("idps.0.certificates.0.serial", "1f");
    is_text("idps.0.certificates.0.not_before", "2026-01-01T00:00:00Z");
    is_text("idps.0.certificates.0.not_after", "2027-01-01T00:00:00Z");
    is_number("idps.0.certificates.0.days_left", 184);
    is_number("idps.0.certificates.0.key_bits", 256);
    is_text("idps.0.certificates.0.slot", "primary");
    is_text("idps.0.certificates.0.mode", "on-file");
    is_text("idps.0.certificates.0.source", "/t/idp/one/primary.pem");
    is_text("keysets.0.name", "default");
    is_text("keysets.0.keys.0.role", "active");
    is_text("keysets.0.keys.0.subject", "CN=own");
    ck_assert_uint_eq(json_array_size(at("keysets.0.keys")), 1);
}
END_TEST

START_TEST(a_bare_key_has_no_certificate)
{
    world_t *w = world();

    read_back(samlc_report_list(&w->snapshot, NULL, TEST_NOW, p));
    is_null("idps.0.certificates.1.sha256");
    is_null("idps.0.certificates.1.not_after");
    is_null("idps.0.certificates.1.days_left");
    is_text("idps.0.certificates.1.spki_sha256",
            samlc_text_hex(samlc_key_spki_sha256(samlc_cert_key(w->own)), SAMLC_SHA256_LEN, p));
    is_text("idps.0.certificates.1.mode", "metadata");
}
END_TEST

START_TEST(an_inactive_idp_is_called_so)
{
    world_t *w = world();

    w->settings.status = SAMLC_STATUS_INACTIVE;
    read_back(samlc_report_list(&w->snapshot, NULL, TEST_NOW, p));
    is_text("idps.0.status", "inactive");
}
END_TEST

START_TEST(uses_are_told_where_there_is_a_ledger)
{
    world_t *w = world();
    const samlc_key_t *bare = samlc_cert_key(w->own);
    samlc_ledger_t *ledger = NULL;
    const char *aside = NULL;
    int i = 0;

    read_back(samlc_report_list(&w->snapshot, NULL, TEST_NOW, p));
    is_null("idps.0.certificates.0.first_use");
    is_null("idps.0.certificates.0.last_use");
    is_null("idps.0.certificates.0.count");
    json_decref(json);
    ck_assert_int_eq(samlc_ledger_open(&ledger, &aside, test_dir(p), samlc_result_make(p), p),
                     APR_SUCCESS);
    for (i = 0; i < 2; i++) {
        ck_assert(samlc_ledger_count(ledger, "https://idp.example/", w->primary, NULL,
                                     TEST_NOW + apr_time_from_sec(i)));
    }
    samlc_ledger_count(ledger, "https://idp.example/", w->own, bare, TEST_NOW);
    samlc_ledger_count(ledger, "https://gone.example/", NULL, bare, TEST_NOW);
    read_back(samlc_report_list(&w->snapshot, ledger, TEST_NOW, p));
    is_text("idps.0.certificates.0.first_use", "2026-07-01T00:00:00Z");
    is_text("idps.0.certificates.0.last_use", "2026-07-01T00:00:01Z");
    is_number("idps.0.certificates.0.count", 2);
    is_null("idps.0.certificates.1.first_use");
    is_number("idps.0.certificates.1.count", 0);
    is_null("idps.0.pins.0.count");              /* by SHA-1: not known */
    json_decref(json);
    read_back(samlc_report_ledger(&w->snapshot, ledger, TEST_NOW, p));
    has_members(json, "generation_hash idps others uncounted");
    has_members(at("idps.0"), "name entity_id status modes certificates pins others");
    is_number("idps.0.certificates.0.count", 2);
    ck_assert_uint_eq(json_array_size(at("idps.0.others")), 1);
    is_text("idps.0.others.0.sha256", samlc_cert_sha256_hex(w->own));
    is_null("idps.0.others.0.spki_sha256");
    is_number("idps.0.others.0.count", 1);
    ck_assert_uint_eq(json_array_size(at("others")), 1);
    is_null("others.0.sha256");
    is_text("others.0.spki_sha256",
            samlc_text_hex(samlc_key_spki_sha256(bare), SAMLC_SHA256_LEN, p));
    is_number("uncounted", 0);
}
END_TEST

static const struct {
    apr_size_t len;
    int is_spki;
    const char *kind;
} kinds[] = {
    {20, 0, "sha1"},
    {32, 0, "sha256"},
    {48, 0, "sha384"},
    {64, 0, "sha512"},
    {32, 1, "spki-sha256"},
};

START_TEST(pins_are_named_by_their_kind)
{
    world_t *w = world();
    samlc_pin_t *pin = &APR_ARRAY_IDX(w->list.pins, 0, samlc_pin_t);

    pin->len = kinds[_i].len;
    pin->is_spki = kinds[_i].is_spki;
    memset(pin->digest, 0x5a, pin->len);
    read_back(samlc_report_list(&w->snapshot, NULL, TEST_NOW, p));
    is_text("idps.0.pins.0.kind", kinds[_i].kind);
    is_text("idps.0.pins.0.digest", samlc_text_hex(pin->digest, pin->len, p));
    is_text("idps.0.pins.0.source", "/t/pins:3");
}
END_TEST

/* Which of list (pins, prefix, ANY-TRUSTED) and entries there are, and what that is called. */
static const struct {
    int has_list, pins, ignore_trust, any_trusted, entries;
    const char *modes;
} modes[] = {
    {0, 0, 0, 0, 0, ""},
    {1, 1, 1, 0, 0, "pinned"},
    {1, 1, 0, 0, 0, "anchored"},
    {1, 0, 0, 1, 0, "any-trusted"},
    {1, 1, 0, 1, 0, "anchored any-trusted"},
    {0, 0, 0, 0, 1, "on-file"},
    {0, 0, 0, 0, 2, "on-file metadata"},
    {1, 1, 1, 0, 2, "pinned on-file metadata"},
    {1, 0, 1, 0, 0, ""},
};

START_TEST(modes_follow_from_what_is_configured)
{
    world_t *w = world();

    w->trust.list = modes[_i].has_list ? &w->list : NULL;
    w->list.pins->nelts = modes[_i].pins;
    w->list.ignore_trust = modes[_i].ignore_trust;
    w->list.any_trusted = modes[_i].any_trusted;
    ((apr_array_header_t *)w->trust.entries)->nelts = modes[_i].entries;
    ck_assert_str_eq(apr_array_pstrcat(p, samlc_report_idp_modes(&w->idp, p), ' '),
                     modes[_i].modes);
}
END_TEST

START_TEST(key_sets_come_by_name)
{
    world_t *w = world();
    samlc_keyset_t other = {.name = "another"};

    apr_hash_set(w->snapshot.keysets, "another", APR_HASH_KEY_STRING, &other);
    read_back(samlc_report_list(&w->snapshot, NULL, TEST_NOW, p));
    is_text("keysets.0.name", "another");
    is_text("keysets.1.name", "default");
    ck_assert_uint_eq(json_array_size(at("keysets.0.keys")), 0);
}
END_TEST

static samlc_status_report_t status_of(world_t *w)
{
    samlc_status_report_t status = {.version = "0.1.0", .store = "lmdb", .sessions = 7, .claims = 9,
                                    .now = TEST_NOW};

    status.snapshot = &w->snapshot;
    return status;
}

START_TEST(a_status_has_the_contract)
{
    world_t *w = world();
    samlc_status_report_t status = status_of(w);
    apr_array_header_t *children = apr_array_make(p, 1, sizeof(samlc_child_report_t));
    samlc_child_report_t child = {4711, 41, "c0ffee", 1, TEST_NOW, 2};

    APR_ARRAY_PUSH(children, samlc_child_report_t) = child;
    status.children = children;
    read_back(samlc_report_status(&status, p));
    has_members(json, "version generation generation_hash serving loaded_at last_reload_error "
                "store ledger logins children idps keysets warnings");
    is_text("version", "0.1.0");
    is_number("generation", 41);
    is_text("generation_hash", "c0ffee");
    is_text("serving", "files");
    is_text("loaded_at", "2026-07-01T00:00:00Z");
    is_null("last_reload_error");
    has_members(at("store"), "name sessions claims error");
    is_text("store.name", "lmdb");
    is_number("store.sessions", 7);
    is_number("store.claims", 9);
    is_null("store.error");
    is_null("ledger.error");
    has_members(at("children.0"), "pid generation generation_hash serving loaded_at refused_loads");
    is_number("children.0.pid", 4711);
    is_text("children.0.serving", "archive");
    is_number("children.0.refused_loads", 2);
    is_text("idps.0.certificates.0.subject", "CN=primary");
    is_text("keysets.0.keys.0.subject", "CN=own");
}
END_TEST

START_TEST(a_status_tells_what_went_wrong)
{
    world_t *w = world();
    samlc_status_report_t status = status_of(w);

    status.last_error_code = "config-invalid";
    status.last_error_message = "/t/idp/one/primary.pem: half a certificate";
    status.last_error_at = TEST_NOW;
    status.store_error = "disk full";
    status.ledger_error = "no place";
    APR_ARRAY_PUSH((apr_array_header_t *)w->snapshot.warnings, const char *) = "beware";
    read_back(samlc_report_status(&status, p));
    has_members(at("last_reload_error"), "code message at");
    is_text("last_reload_error.code", "config-invalid");
    is_text("last_reload_error.message", "/t/idp/one/primary.pem: half a certificate");
    is_text("last_reload_error.at", "2026-07-01T00:00:00Z");
    is_text("store.error", "disk full");
    is_text("ledger.error", "no place");
    is_null("ledger.uncounted");
    is_text("warnings.0", "beware");
    ck_assert_uint_eq(json_array_size(at("children")), 0);
}
END_TEST

static void add_attribute(apr_array_header_t *attributes, const char *name, const char *value)
{
    samlc_attribute_t *a = apr_array_push(attributes);

    a->name = name;
    a->values = apr_array_make(p, 1, sizeof(const char *));
    APR_ARRAY_PUSH(a->values, const char *) = value;
}

static const samlc_claims_t *claims_of(world_t *w)
{
    samlc_claims_t *claims = apr_pcalloc(p, sizeof(*claims));

    claims->idp = &w->idp;
    claims->session.name_id = "alice@example.org";
    claims->session.name_id_format = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    claims->session.attributes = apr_array_make(p, 3, sizeof(samlc_attribute_t));
    add_attribute(claims->session.attributes, "cn", "\xc3\x89" "ve");
    add_attribute(claims->session.attributes, "groups", "a");
    add_attribute(claims->session.attributes, "groups", "b");
    return claims;
}

static samlc_verdict_t *accepted(world_t *w)
{
    samlc_verdict_t *verdict = apr_pcalloc(p, sizeof(*verdict));
    samlc_step_t *step = NULL;

    verdict->outcome = SAMLC_ACCEPTED;
    verdict->reason = SAMLC_REASON_OK;
    verdict->message = "alice logged in";
    verdict->idp = &w->idp;
    verdict->claims = claims_of(w);
    verdict->trust.is_trusted = 1;
    verdict->trust.reason = SAMLC_REASON_OK;
    verdict->trust.mode = SAMLC_MODE_ON_FILE;
    verdict->trust.slot = SAMLC_SLOT_PRIMARY;
    verdict->trust.cert = w->primary;
    verdict->steps = apr_array_make(p, 1, sizeof(samlc_step_t));
    step = apr_array_push(verdict->steps);
    step->step = "signature";
    step->outcome = "passed";
    step->detail = "rsa-sha256";
    return verdict;
}

START_TEST(an_accepted_verdict_has_the_contract)
{
    world_t *w = world();

    read_back(samlc_report_verdict(accepted(w), p));
    has_members(json, "verdict code message idp name_id attributes certificate steps");
    is_text("verdict", "accepted");
    is_text("code", "ok");
    is_text("message", "alice logged in");
    is_text("idp", "one");
    has_members(at("name_id"), "value format");
    is_text("name_id.value", "alice@example.org");
    is_text("name_id.format", "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress");
    is_text("attributes.cn.0", "\xc3\x89" "ve");
    has_members(at("certificate"), "sha256 subject not_after slot mode");
    is_text("certificate.sha256", samlc_cert_sha256_hex(w->primary));
    is_text("certificate.not_after", "2027-01-01T00:00:00Z");
    is_text("certificate.slot", "primary");
    is_text("certificate.mode", "on-file");
    has_members(at("steps.0"), "step outcome detail");
    is_text("steps.0.detail", "rsa-sha256");
}
END_TEST

START_TEST(an_attribute_in_several_pieces_is_one)
{
    read_back(samlc_report_verdict(accepted(world()), p));
    has_members(at("attributes"), "cn groups");
    is_text("attributes.groups.0", "a");
    is_text("attributes.groups.1", "b");
}
END_TEST

START_TEST(a_zeroed_verdict_refuses)
{
    samlc_verdict_t verdict;

    memset(&verdict, 0, sizeof(verdict));
    read_back(samlc_report_verdict(&verdict, p));
    has_members(json, "verdict code message idp name_id attributes certificate steps");
    is_text("verdict", "refused");
    is_text("code", "undecided");
    is_null("idp");
    is_null("name_id");
    is_null("certificate");
    ck_assert_uint_eq(json_object_size(at("attributes")), 0);
    ck_assert(json_is_object(at("attributes")));
    ck_assert(json_is_array(at("steps")));
}
END_TEST

/* What an assertion says is of no interest once it is refused, even if somebody left it there. */
START_TEST(a_refusal_tells_nobody)
{
    world_t *w = world();
    samlc_verdict_t *verdict = accepted(w);

    verdict->outcome = SAMLC_REFUSED;
    verdict->reason = SAMLC_REASON_CERT_RETIRED;
    read_back(samlc_report_verdict(verdict, p));
    is_text("verdict", "refused");
    is_text("code", "cert-retired");
    is_null("name_id");
    ck_assert_uint_eq(json_object_size(at("attributes")), 0);
    is_text("certificate.subject", "CN=primary");
}
END_TEST

START_TEST(acceptance_needs_claims)
{
    samlc_verdict_t *verdict = accepted(world());

    verdict->claims = NULL;
    read_back(samlc_report_verdict(verdict, p));
    is_text("verdict", "refused");
}
END_TEST

/* The core names an unlisted certificate before any trust was judged. */
START_TEST(an_unlisted_certificate_is_shown)
{
    world_t *w = world();
    samlc_verdict_t verdict;

    memset(&verdict, 0, sizeof(verdict));
    verdict.reason = SAMLC_REASON_CERT_NOT_LISTED;
    verdict.trust.cert = w->primary;
    read_back(samlc_report_verdict(&verdict, p));
    is_text("certificate.sha256", samlc_cert_sha256_hex(w->primary));
    is_text("certificate.slot", "none");
    is_text("certificate.mode", "none");
}
END_TEST

START_TEST(a_bare_key_that_vouched_is_shown)
{
    world_t *w = world();
    samlc_verdict_t *verdict = accepted(w);

    verdict->trust.cert = NULL;
    verdict->trust.mode = SAMLC_MODE_METADATA;
    read_back(samlc_report_verdict(verdict, p));
    is_null("certificate.sha256");
    is_text("certificate.mode", "metadata");
}
END_TEST

START_TEST(what_cannot_be_read_is_refused)
{
    samlc_result_t *res = samlc_result_make(p);

    samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED, "not XML");
    read_back(samlc_report_unread("refused", res, p));
    has_members(json, "verdict code message idp name_id attributes certificate steps");
    is_text("verdict", "refused");
    is_text("code", "malformed");
    is_text("message", "not XML");
    is_text("steps.0.outcome", "failed");
    is_text("steps.0.detail", "not XML");
}
END_TEST

START_TEST(certificates_have_all_fingerprints)
{
    apr_array_header_t *certs = apr_array_make(p, 1, sizeof(samlc_cert_t *));
    samlc_data_t der;
    samlc_cert_t *cert = cert_of("shown", "/tmp/shown.pem", &der);
    const unsigned char *spki = samlc_key_spki_sha256(samlc_cert_key(cert));

    APR_ARRAY_PUSH(certs, samlc_cert_t *) = cert;
    read_back(samlc_report_certs(certs, TEST_NOW, p));
    ck_assert_uint_eq(json_array_size(json), 1);
    is_text("0.sha1", digest_of(&der, EVP_sha1()));
    is_text("0.sha256", digest_of(&der, EVP_sha256()));
    is_text("0.sha384", digest_of(&der, EVP_sha384()));
    is_text("0.sha512", digest_of(&der, EVP_sha512()));
    is_text("0.spki_sha256", samlc_text_hex(spki, SAMLC_SHA256_LEN, p));
    is_text("0.spki_sha256_base64", samlc_text_base64(spki, SAMLC_SHA256_LEN, p));
    is_text("0.source", "/tmp/shown.pem");
    ck_assert(json_is_true(at("0.self_signed")));
}
END_TEST

START_TEST(no_certificates_are_an_empty_array)
{
    read_back(samlc_report_certs(apr_array_make(p, 1, sizeof(samlc_cert_t *)), TEST_NOW, p));
    ck_assert(json_is_array(json));
    ck_assert_uint_eq(json_array_size(json), 0);
}
END_TEST

static const struct {
    int errors, warnings;
    const char *state;
} lints[] = {{0, 0, "ok"}, {0, 1, "warning"}, {1, 0, "critical"}, {1, 1, "critical"}};

START_TEST(lint_has_a_state)
{
    samlc_result_t *res = samlc_result_make(p);
    apr_array_header_t *warnings = apr_array_make(p, 1, sizeof(const char *));

    samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "idp.conf:3: no");
    if (lints[_i].warnings) {
        APR_ARRAY_PUSH(warnings, const char *) = "beware";
    }
    read_back(samlc_report_lint(lints[_i].errors ? res : NULL, warnings, p));
    has_members(json, "state errors warnings");
    is_text("state", lints[_i].state);
    ck_assert_uint_eq(json_array_size(at("errors")), (size_t)lints[_i].errors);
    ck_assert_uint_eq(json_array_size(at("warnings")), (size_t)lints[_i].warnings);
    if (lints[_i].errors) {
        is_text("errors.0.code", "config-invalid");
        is_text("errors.0.message", "idp.conf:3: no");
    }
}
END_TEST

/* A path may be any bytes; the member must not be lost over it. */
START_TEST(what_is_not_utf8_is_escaped)
{
    apr_array_header_t *warnings = apr_array_make(p, 1, sizeof(const char *));

    APR_ARRAY_PUSH(warnings, const char *) = "/t/\xff: stranger";
    read_back(samlc_report_lint(NULL, warnings, p));
    is_text("warnings.0", "/t/\\xff: stranger");
}
END_TEST

Suite *suite_report(void)
{
    Suite *suite = suite_create("report");
    TCase *tc = tcase_create("report");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_list_has_the_particulars);
    tcase_add_test(tc, a_bare_key_has_no_certificate);
    tcase_add_test(tc, uses_are_told_where_there_is_a_ledger);
    tcase_add_test(tc, an_inactive_idp_is_called_so);
    tcase_add_loop_test(tc, pins_are_named_by_their_kind, 0, sizeof(kinds) / sizeof(kinds[0]));
    tcase_add_loop_test(tc, modes_follow_from_what_is_configured, 0,
                        sizeof(modes) / sizeof(modes[0]));
    tcase_add_test(tc, key_sets_come_by_name);
    tcase_add_test(tc, a_status_has_the_contract);
    tcase_add_test(tc, a_status_tells_what_went_wrong);
    tcase_add_test(tc, an_accepted_verdict_has_the_contract);
    tcase_add_test(tc, an_attribute_in_several_pieces_is_one);
    tcase_add_test(tc, a_zeroed_verdict_refuses);
    tcase_add_test(tc, a_refusal_tells_nobody);
    tcase_add_test(tc, acceptance_needs_claims);
    tcase_add_test(tc, an_unlisted_certificate_is_shown);
    tcase_add_test(tc, a_bare_key_that_vouched_is_shown);
    tcase_add_test(tc, what_cannot_be_read_is_refused);
    tcase_add_test(tc, certificates_have_all_fingerprints);
    tcase_add_test(tc, no_certificates_are_an_empty_array);
    tcase_add_loop_test(tc, lint_has_a_state, 0, sizeof(lints) / sizeof(lints[0]));
    tcase_add_test(tc, what_is_not_utf8_is_escaped);
    suite_add_tcase(suite, tc);
    return suite;
}
