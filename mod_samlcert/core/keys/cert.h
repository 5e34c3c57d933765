/* SPDX-License-Identifier: Apache-2.0 */
/* X.509 certificates: parsing, names, dates and fingerprints. Immutable once made. */
#ifndef SAMLC_KEYS_CERT_H
#define SAMLC_KEYS_CERT_H

#include <apr_tables.h>
#include <apr_time.h>
#include <openssl/x509.h>

#include "core/base/result.h"
#include "core/base/text.h"
#include "core/keys/key.h"

typedef struct samlc_cert_t samlc_cert_t;

/*
 * Takes `x` over and reads what is asked of a certificate all the time. `origin` (a file, "metadata
 * of X") is kept for messages. Fails with config-invalid for a key OpenSSL can't read or for bad
 * dates; `x` is freed then, too.
 */
apr_status_t samlc_cert_make(samlc_cert_t **cert, X509 *x, const char *origin, samlc_result_t *res,
                             apr_pool_t *p);

/*
 * One certificate in DER, nothing behind it; other BER is refused, so that the fingerprint is that
 * of the bytes. Fails with config-invalid, naming `der->origin`.
 */
apr_status_t samlc_cert_parse_der(samlc_cert_t **cert, const samlc_data_t *der,
                                  samlc_result_t *res, apr_pool_t *p);

/*
 * A file with one DER certificate, or with one or more PEM certificates and any text around them.
 * An array of samlc_cert_t *, never empty. A block cut short, any block that does not parse, or one
 * that is no certificate (a private key does not belong here) fails the whole file
 * (config-invalid), naming the file and the number of the block. So does a key that
 * samlc_cert_check_curve refuses. On failure *certs is NULL.
 */
apr_status_t samlc_cert_parse_file(apr_array_header_t **certs, const samlc_data_t *in,
                                   samlc_result_t *res, apr_pool_t *p);

/*
 * Fails with config-invalid, naming `cert`'s origin, where the curve of its key is spelt out: no
 * configuration names such a certificate, and samlc_trust_judge refuses one of a message.
 */
apr_status_t samlc_cert_check_curve(const samlc_cert_t *cert, samlc_result_t *res);

X509 *samlc_cert_x509(const samlc_cert_t *cert);               /* lent */
const samlc_key_t *samlc_cert_key(const samlc_cert_t *cert);   /* lent */
const char *samlc_cert_origin(const samlc_cert_t *cert);
const unsigned char *samlc_cert_sha256(const samlc_cert_t *cert);      /* of the DER, 32 bytes */
const char *samlc_cert_sha256_hex(const samlc_cert_t *cert);           /* lower case, no colons */
const char *samlc_cert_subject(const samlc_cert_t *cert);              /* RFC 2253 */
const char *samlc_cert_issuer(const samlc_cert_t *cert);
apr_time_t samlc_cert_not_before(const samlc_cert_t *cert);
apr_time_t samlc_cert_not_after(const samlc_cert_t *cert);
int samlc_cert_is_expired(const samlc_cert_t *cert, apr_time_t now);       /* now > notAfter */
int samlc_cert_is_not_yet_valid(const samlc_cert_t *cert, apr_time_t now);
int samlc_cert_is_self_signed(const samlc_cert_t *cert);   /* names equal and signature verifies */
/* The first of `certs` (samlc_cert_t *) that `cert` issued, but for its own key; NULL: none. */
const samlc_cert_t *samlc_cert_find_issued(const samlc_cert_t *cert,
                                           const apr_array_header_t *certs);
int samlc_cert_days_left(const samlc_cert_t *cert, apr_time_t now);        /* rounded down */
int samlc_cert_equal(const samlc_cert_t *a, const samlc_cert_t *b);        /* same DER */

/* Hex of the serial number, lower case, whole bytes; "-" in front of a negative one. */
const char *samlc_cert_serial(const samlc_cert_t *cert, apr_pool_t *p);

/* A PEM block (RFC 7468), 64 characters a line. */
const char *samlc_cert_pem(const samlc_cert_t *cert, apr_pool_t *p);

/* The DER bytes, copied to `p`; no bytes if OpenSSL refuses. */
samlc_data_t samlc_cert_der(const samlc_cert_t *cert, apr_pool_t *p);

/* A name as RFC 2253 writes it; NULL if OpenSSL refuses. */
const char *samlc_x509_name_text(const X509_NAME *name, apr_pool_t *p);

/* FALSE for NULL, and for what is no time. */
int samlc_x509_time(apr_time_t *t, const ASN1_TIME *asn1);

/* Hex of `digest` (EVP_sha1() ...) over the DER; NULL if OpenSSL refuses. */
const char *samlc_cert_fingerprint(const samlc_cert_t *cert, const EVP_MD *digest, apr_pool_t *p);

#endif
