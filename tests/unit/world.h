/* SPDX-License-Identifier: Apache-2.0 */
/* A service provider in memory, the IdPs that it knows, and what it says to a message. */
#ifndef TESTS_UNIT_WORLD_H
#define TESTS_UNIT_WORLD_H

#include "core/saml/response.h"
#include "forge.h"

#define WORLD_OTHER_IDP "https://other.example.org/idp"
#define WORLD_ANY SAMLC_REASON_COUNT   /* refused, for whatever reason */

/* Certificates with keys, made once per process. */
typedef struct world_keys_t {
    test_cert_t *idp;        /* of IdP "main": RSA-2048 */
    test_cert_t *other;      /* of IdP "other": P-256 */
    test_cert_t *stranger;   /* nobody's: RSA-2048, with the name and the serial of `idp` */
    test_cert_t *sp;         /* our own: RSA-2048 */
} world_keys_t;

typedef struct world_t {
    const world_keys_t *keys;
    samlc_snapshot_t *snapshot;
    samlc_expectations_t expected;      /* for the test to change */
    samlc_settings_t *settings;         /* of "main" */
    const char *login_id;               /* of the assertion that is to log in; FORGE_ASSERTION_ID */
    int claims;                         /* how often the claim callback was called */
    const char *claimed;                /* the IDs that it was to claim, by blanks; NULL: none */
    samlc_reason_t claim_refuses_with;  /* OK by default */
    apr_pool_t *p;
} world_t;

/* For tcase_add_unchecked_fixture: makes the keys before Check forks. */
void world_make_keys_once(void);
const world_keys_t *world_keys(void);

/*
 * IdP "main" (FORGE_IDP) with `primary` on file and these lines of idp.conf (both may be NULL), and
 * IdP "other" with its certificate on file.
 */
world_t *world_make(const char *conf, const test_cert_t *primary, apr_pool_t *p);

/* Written and with the Assertion or the Response signed by `by`. */
const char *world_signed(const forge_t *f, const char *id, const test_cert_t *by, apr_pool_t *p);

/* Fails the test unless the message is accepted. */
samlc_verdict_t *world_accepts(world_t *w, const char *message);

/* Fails the test unless it is refused, for this reason, with nothing claimed and nothing told. */
void world_refuses(world_t *w, const char *message, samlc_reason_t reason);

/* For cases that may be read right or refused: NULL if it is refused. */
samlc_verdict_t *world_judges(world_t *w, const char *message, samlc_reason_t *reason);

#endif
