/* SPDX-License-Identifier: Apache-2.0 */
/* What make_seeds.c puts into the corpora and what the targets expect to find there. */
#ifndef TESTS_FUZZ_SEEDS_H
#define TESTS_FUZZ_SEEDS_H

#define SEEDS_SP "https://sp.example.org/saml"
#define SEEDS_ACS "https://sp.example.org/saml/acs"
#define SEEDS_REQUEST "_request"          /* the one that is waiting for its answer */

/* The IdPs in data/trust. */
#define SEEDS_MAIN "https://idp.example.org/idp"       /* on file, a retired one, a pin */
#define SEEDS_OTHER                                                                                \
    "https://other.example.org/idp" /* metadata; its private key is data/other.key */
#define SEEDS_CHAIN "https://chain.example.org/idp"    /* ANY-TRUSTED, with a revocation list */
#define SEEDS_METADATA_ENTITY "https://meta.example.org/idp"   /* metadata */

#define SEEDS_LOOSE "https://loose.example.org/idp"    /* allows what is off by default */
#define SEEDS_SCOPE "example.org"                      /* of SEEDS_OTHER; also NAME.example.net */

/* Whom signed messages are about. Attackers write SEEDS_EVIL, which no trusted key signs. */
#define SEEDS_USER "alice@example.org"
#define SEEDS_GUEST "bob@example.org"
#define SEEDS_EVIL "admin@example.org"

#define SEEDS_RELAY_STATE "state & more"   /* of the queries; their message is data/request.xml */

/*
 * Files of the corpora of response and redirect: accepted ones begin with the one, refused ones
 * with the other.
 */
#define SEEDS_VALID "valid-"
#define SEEDS_HOSTILE "hostile-"

#define SEEDS_SEAL_KEY ((const unsigned char *)"0123456789abcdef0123456789ABCDEF")
#define SEEDS_PURPOSE "state"
#define SEEDS_SEALED_TEXTS { "", "_request /app/", "a longer text with / and = and & in it", NULL }
#define SEEDS_SEALED_UNTIL (apr_time_from_sec(1782864600))   /* ten minutes after FUZZ_NOW */

#endif
