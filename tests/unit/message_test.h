/* SPDX-License-Identifier: Apache-2.0 */
/* What tests about whole messages start with: a pool, and a world that knows IdP "main". */
#ifndef TESTS_UNIT_MESSAGE_TEST_H
#define TESTS_UNIT_MESSAGE_TEST_H

#include <check.h>

#include "world.h"

#define COUNT(table) ((int)(sizeof(table) / sizeof((table)[0])))
#define MALLORY "mallory@example.org"

/* Made before each test of message_tcase, gone after it. */
extern apr_pool_t *p;
extern const world_keys_t *keys;
extern world_t *w;

/* A test case with this fixture. */
TCase *message_tcase(const char *name);

/* A good message that nobody has signed. */
const char *message_written(void);

/* `xml`, which must be accepted and log FORGE_USER in. */
const char *message_sound(const char *xml);

/* A good message with the element of this ID signed by the IdP; accepted. */
const char *message_genuine(const char *id);

/* The message with this plaintext encrypted for us in the place of its (first) assertion. */
const char *message_hide(const char *xml, const char *plaintext);

#endif
