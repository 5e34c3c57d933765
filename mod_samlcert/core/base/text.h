/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings and safe display of text and bytes. */
#ifndef SAMLC_BASE_TEXT_H
#define SAMLC_BASE_TEXT_H

#include <apr_pools.h>
#include <apr_tables.h>

/* Bytes with their origin (a file name, "SAMLResponse") for messages. Does not own anything. */
typedef struct samlc_data_t {
    const unsigned char *data;
    apr_size_t len;
    const char *origin;
} samlc_data_t;

/* Lower-case hex of `len` bytes. */
const char *samlc_text_hex(const void *bytes, apr_size_t len, apr_pool_t *p);

/* The value of one hex digit, or -1. */
int samlc_text_hex_digit(char c);

/*
 * Strict base64 (RFC 4648 section 4): padding required, white space allowed, nothing after the
 * padding, unused bits zero. APR_EINVAL otherwise. `out->origin` is taken from `in`.
 */
apr_status_t samlc_text_base64_decode(samlc_data_t *out, const samlc_data_t *in, apr_pool_t *p);

/* Base64 in one line, and the URL-safe form without padding (RFC 4648 section 5). */
const char *samlc_text_base64(const void *bytes, apr_size_t len, apr_pool_t *p);
const char *samlc_text_base64url(const void *bytes, apr_size_t len, apr_pool_t *p);

/* Percent-encodes all but RFC 3986's unreserved characters. */
const char *samlc_text_url_encode(const char *s, apr_pool_t *p);

/*
 * Decodes application/x-www-form-urlencoded text of `len` bytes ("+" is a blank). NULL for a broken
 * escape or for a NUL byte in the result.
 */
const char *samlc_text_url_decode(const char *s, apr_size_t len, apr_pool_t *p);

/* Escapes & < > " ' for element content and attribute values. */
const char *samlc_text_xml_escape(const char *s, apr_pool_t *p);

/*
 * Text from outside made fit for a log line or a message: control and non-ASCII bytes become \xNN,
 * at most 200 characters are shown ("..." then). NULL becomes "(none)".
 */
const char *samlc_text_show(const char *s, apr_pool_t *p);

/* TRUE if both are there and equal: missing values never compare equal. */
int samlc_text_equal(const char *a, const char *b);

/* Splits at white space; an array of const char *. */
apr_array_header_t *samlc_text_words(const char *s, apr_pool_t *p);

#endif
