/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates that are known for the pins of an IdP. A pin is a digest and has no key: the
 * certificate comes with a message, or from STATE/remembered (see remembered.h). Here each is kept
 * once for a generation, with what verifying by it needs. It adds no trust: whoever finds a
 * certificate here asks the list about it as if it had come with the message.
 */
#ifndef SAMLC_TRUST_KNOWN_H
#define SAMLC_TRUST_KNOWN_H

#include "core/trust/memo.h"
#include "core/trust/signcerts.h"
#include "core/xml/signature.h"

typedef struct samlc_known_t samlc_known_t;

/* One of them; read-only, but for what has functions below. */
typedef struct samlc_known_cert_t {
    const samlc_cert_t *cert;
    const samlc_pin_t *pin;              /* that it matches */
    const samlc_verifier_t *verifier;
    samlc_memo_t *memo;
    const struct samlc_known_cert_t *next;
} samlc_known_cert_t;

/*
 * For the pins of `list`, in the pool of its generation: each pin of a certificate has room for the
 * one that it is of, each pin of a key for SAMLC_KNOWN_PER_KEY.
 */
#define SAMLC_KNOWN_PER_KEY 4

samlc_known_t *samlc_known_make(const samlc_signcerts_t *list, apr_pool_t *p);

/* The one with this SHA-256; NULL if there is none, or `known` is NULL. */
const samlc_known_cert_t *samlc_known_find(const samlc_known_t *known, const unsigned char *sha256);

/* The newest one; the others follow by `next`. NULL if there is none, or `known` is NULL. */
const samlc_known_cert_t *samlc_known_first(const samlc_known_t *known);

/*
 * Keeps a certificate and returns it, or what was kept of it before. NULL if no pin matches it, if
 * it is no certificate, or if there is no room. For a pin of a key the caller has seen that key
 * sign: anybody can make certificates about it. The list is never shortened while the generation
 * lives. Any thread, without a lock.
 */
const samlc_known_cert_t *samlc_known_add(samlc_known_t *known, const samlc_data_t *der);

/*
 * TRUE if a login by it was accepted, now or at an earlier time: only then it is tried for messages
 * that do not name it.
 */
int samlc_known_cert_is_accepted(const samlc_known_cert_t *known);
void samlc_known_cert_accept(const samlc_known_cert_t *known);

/*
 * When the state directory is next to be asked about this certificate; 0 at first. And for all of
 * them: the time of the directory that was read last; 0 at first.
 */
apr_time_t samlc_known_cert_ask_at(const samlc_known_cert_t *known);
void samlc_known_cert_set_ask_at(const samlc_known_cert_t *known, apr_time_t ask_at);
apr_time_t samlc_known_read_at(const samlc_known_t *known);
void samlc_known_set_read_at(samlc_known_t *known, apr_time_t mtime);

#endif
