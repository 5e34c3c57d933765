/* SPDX-License-Identifier: Apache-2.0 */
/* The fingerprint list: [CERT_VALIDATION:IGNORE_TRUST,] item *( , item ). */
#ifndef SAMLC_TRUST_SIGNCERTS_H
#define SAMLC_TRUST_SIGNCERTS_H

#include <apr_tables.h>

#include "core/base/result.h"
#include "core/base/text.h"
#include "core/keys/cert.h"

/* One item: a digest of a certificate or of its public key. */
typedef struct samlc_pin_t {
    /* SHA-256 of the SubjectPublicKeyInfo, else of the certificate */
    int is_spki;
    apr_size_t len;                  /* 20, 32, 48 or 64 */
    unsigned char digest[64];
    const char *origin;              /* "FILE:LINE" or "SignCerts" and the position */
} samlc_pin_t;

typedef struct samlc_signcerts_t {
    int ignore_trust;                /* the prefix: chain, conflict and CRL are not looked at */
    int any_trusted;                 /* ANY-TRUSTED */
    apr_array_header_t *pins;        /* samlc_pin_t, without duplicates */
} samlc_signcerts_t;

/*
 * Parses the value of the setting. `origin` names the file and line. Errors (config-invalid) show
 * the offending token and its position: prefix anywhere but first, prefix with ANY-TRUSTED, empty
 * item, trailing comma, unknown word, wrong length, invisible or non-ASCII character.
 */
apr_status_t samlc_signcerts_parse(samlc_signcerts_t **list, const char *value, const char *origin,
                                   samlc_result_t *res, apr_pool_t *p);

/*
 * The same from the content of a list file: one or many items a line, # comments, commas or line
 * ends between items; the prefix only as the very first token of the file.
 */
apr_status_t samlc_signcerts_parse_file(samlc_signcerts_t **list, const samlc_data_t *file,
                                        samlc_result_t *res, apr_pool_t *p);

/* The pin that this certificate matches, one of itself before one of its key; else NULL. */
const samlc_pin_t *samlc_signcerts_match(const samlc_signcerts_t *list, const samlc_cert_t *cert);

/*
 * The same by DER alone, before the bytes are parsed as a certificate: only pins of certificates
 * can match. With a match the bytes are as good as configured.
 */
const samlc_pin_t *samlc_signcerts_match_der(const samlc_signcerts_t *list,
                                             const samlc_data_t *der);

#endif
