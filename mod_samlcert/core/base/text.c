/* SPDX-License-Identifier: Apache-2.0 */
#include "core/base/text.h"

#include <apr_strings.h>
#include <string.h>

#define MAX_SHOWN 200
#define WHITE_SPACE " \t\r\n\f\v"

static const char hex_lower[] = "0123456789abcdef";
static const char hex_upper[] = "0123456789ABCDEF";

const char *samlc_text_hex(const void *bytes, apr_size_t len, apr_pool_t *p)
{
    const unsigned char *in = bytes;
    char *out = apr_palloc(p, 2 * len + 1);
    apr_size_t i = 0;

    for (i = 0; i < len; i++) {
        out[2 * i] = hex_lower[in[i] >> 4];
        out[2 * i + 1] = hex_lower[in[i] & 15];
    }
    out[2 * len] = '\0';
    return out;
}

int samlc_text_hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

/* The value of each base64 character; WS: white space of XML, NO: not base64. */
#define NO (-1)
#define WS (-2)
static const signed char base64_values[128] = {
    NO, NO, NO, NO, NO, NO, NO, NO, NO, WS, WS, NO, NO, WS, NO, NO, /* tab, LF, CR */
    NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO,
    WS, NO, NO, NO, NO, NO, NO, NO, NO, NO, NO, 62, NO, NO, NO, 63, /* blank, + and / */
    52, 53, 54, 55, 56, 57, 58, 59, 60, 61, NO, NO, NO, NO, NO, NO, /* 0-9 */
    NO, 0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, /* A-O */
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, NO, NO, NO, NO, NO, /* P-Z */
    NO, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, /* a-o */
    41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, NO, NO, NO, NO, NO, /* p-z */
};

static int base64_value(unsigned char c)
{
    return c < sizeof(base64_values) ? base64_values[c] : NO;
}

/* TRUE if what is left is exactly `wanted` padding characters, and white space. */
static int is_padding(const unsigned char *rest, const unsigned char *end, unsigned int wanted)
{
    unsigned int found = 0;

    for (; rest < end; rest++) {
        if (*rest == '=') {
            found++;
        }
        else if (base64_value(*rest) != WS) {
            return 0;
        }
    }
    return found == wanted;
}

apr_status_t samlc_text_base64_decode(samlc_data_t *out, const samlc_data_t *in, apr_pool_t *p)
{
    const unsigned char *s = in->data;
    const unsigned char *end = s + in->len;
    unsigned char *bytes = apr_palloc(p, in->len / 4 * 3 + 4);
    apr_size_t len = 0;
    apr_uint32_t bits = 0;   /* the low `held` of them are not written yet */
    unsigned int held = 0;
    int value = 0;

    out->data = NULL;
    out->len = 0;
    out->origin = in->origin;
    for (; s < end; s++) {
        value = base64_value(*s);
        if (value >= 0) {
            bits = bits << 6 | (apr_uint32_t)value;
            held += 6;
            if (held >= 8) {
                held -= 8;
                bytes[len++] = (unsigned char)(bits >> held);
            }
        }
        else if (value == NO) {
            break;
        }
    }
    /* Left over are 0, 4 or 2 bits after a whole byte: no, two or one "="; 6 are half a byte. */
    if (held == 6 || (bits & ((1U << held) - 1)) != 0 || !is_padding(s, end, held / 2)) {
        return APR_EINVAL;
    }
    bytes[len] = '\0';
    out->data = bytes;
    out->len = len;
    return APR_SUCCESS;
}

static const char base64_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_alphabet[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Base64 without padding; *len is its length, and there is room for two more characters. */
static char *base64_encode(apr_size_t *outlen, const unsigned char *in, apr_size_t len,
                           const char *alphabet, apr_pool_t *p)
{
    char *out = apr_palloc(p, (len + 2) / 3 * 4 + 1);
    char *to = out;
    apr_uint32_t bits = 0;
    unsigned int held = 0;
    apr_size_t i = 0;

    for (i = 0; i < len; i++) {
        bits = bits << 8 | in[i];
        held += 8;
        while (held >= 6) {
            held -= 6;
            *to++ = alphabet[bits >> held & 63];
        }
    }
    if (held > 0) {
        *to++ = alphabet[bits << (6 - held) & 63];
    }
    *to = '\0';
    *outlen = (apr_size_t)(to - out);
    return out;
}

const char *samlc_text_base64(const void *bytes, apr_size_t len, apr_pool_t *p)
{
    apr_size_t outlen = 0;
    char *out = base64_encode(&outlen, bytes, len, base64_alphabet, p);

    while (outlen % 4 != 0) {
        out[outlen++] = '=';
    }
    out[outlen] = '\0';
    return out;
}

const char *samlc_text_base64url(const void *bytes, apr_size_t len, apr_pool_t *p)
{
    apr_size_t outlen = 0;

    return base64_encode(&outlen, bytes, len, base64url_alphabet, p);
}

/* spec: RFC 3986 2.3; not isalnum(), which depends on the locale */
static int is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'
        || c == '.' || c == '_' || c == '~';
}

const char *samlc_text_url_encode(const char *s, apr_pool_t *p)
{
    char *out = apr_palloc(p, 3 * strlen(s) + 1);
    char *to = out;

    for (; *s != '\0'; s++) {
        if (is_unreserved(*s)) {
            *to++ = *s;
        }
        else {
            *to++ = '%';
            *to++ = hex_upper[(unsigned char)*s >> 4];
            *to++ = hex_upper[(unsigned char)*s & 15];
        }
    }
    *to = '\0';
    return out;
}

const char *samlc_text_url_decode(const char *s, apr_size_t len, apr_pool_t *p)
{
    char *out = apr_palloc(p, len + 1);
    char *to = out;
    const char *end = s + len;
    int high = 0;
    int low = 0;

    while (s < end) {
        char c = *s++;

        if (c == '+') {
            c = ' ';
        }
        else if (c == '%') {
            if (end - s < 2) {
                return NULL;
            }
            high = samlc_text_hex_digit(s[0]);
            low = samlc_text_hex_digit(s[1]);
            if (high < 0 || low < 0) {
                return NULL;
            }
            c = (char)(high << 4 | low);
            s += 2;
        }
        if (c == '\0') {
            return NULL;
        }
        *to++ = c;
    }
    *to = '\0';
    return out;
}

static const char *xml_entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

const char *samlc_text_xml_escape(const char *s, apr_pool_t *p)
{
    char *out = apr_palloc(p, strlen("&quot;") * strlen(s) + 1);
    char *to = out;
    const char *entity = NULL;

    for (; *s != '\0'; s++) {
        entity = xml_entity(*s);
        if (entity) {
            to = apr_cpystrn(to, entity, strlen(entity) + 1);
        }
        else {
            *to++ = *s;
        }
    }
    *to = '\0';
    return out;
}

const char *samlc_text_show(const char *s, apr_pool_t *p)
{
    char *out = NULL;
    char *to = NULL;
    int shown = 0;

    if (!s) {
        return "(none)";
    }
    to = out = apr_palloc(p, 4 * MAX_SHOWN + sizeof("..."));
    for (shown = 0; shown < MAX_SHOWN && *s != '\0'; shown++, s++) {
        if (*s >= 0x20 && *s < 0x7f) {
            *to++ = *s;
        }
        else {
            *to++ = '\\';
            *to++ = 'x';
            *to++ = hex_lower[(unsigned char)*s >> 4];
            *to++ = hex_lower[(unsigned char)*s & 15];
        }
    }
    apr_cpystrn(to, *s != '\0' ? "..." : "", sizeof("..."));
    return out;
}

int samlc_text_equal(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

apr_array_header_t *samlc_text_words(const char *s, apr_pool_t *p)
{
    apr_array_header_t *words = apr_array_make(p, 4, sizeof(const char *));
    apr_size_t len = 0;

    while (s && *(s += strspn(s, WHITE_SPACE)) != '\0') {
        len = strcspn(s, WHITE_SPACE);
        APR_ARRAY_PUSH(words, const char *) = apr_pstrmemdup(p, s, len);
        s += len;
    }
    return words;
}
