/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/signcerts.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

#define IGNORE_TRUST "CERT_VALIDATION:IGNORE_TRUST"
#define ANY_TRUSTED "ANY-TRUSTED"
#define SPKI "spki-sha256:"
#define SPKI_BASE64_LEN 44
#define BLANKS " \t"
#define IGNORED " \t:"   /* within a fingerprint */

/* The digests that a fingerprint may be of. */
static const struct {
    const char *prefix;
    apr_size_t len;
    const EVP_MD *(*digest)(void);
} kinds[] = {
    {"sha1:", 20, EVP_sha1},
    {"sha256:", 32, EVP_sha256},
    {"sha384:", 48, EVP_sha384},
    {"sha512:", 64, EVP_sha512},
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A list under way. */
typedef struct reader_t {
    samlc_signcerts_t *list;
    const char *origin;       /* "FILE:LINE" */
    int is_file;
    int items;                /* read so far, the prefix included */
    const char *comma_origin; /* of a comma that no item follows yet */
    int comma;                /* its position; 0: there is none */
    samlc_result_t *res;
    apr_pool_t *pool;
} reader_t;

static apr_status_t fail(const reader_t *reader, int position, const char *why)
{
    return samlc_result_fail(reader->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                             "%s: position %d: %s", reader->origin, position, why);
}

static apr_status_t fail_item(const reader_t *reader, int position, const char *item,
                              const char *why)
{
    return fail(reader, position, apr_psprintf(reader->pool, "\"%s\" %s",
                                               samlc_text_show(item, reader->pool), why));
}

/* The code point of the UTF-8 sequence at `s`; 0 if that is none. */
static unsigned int code_point(const unsigned char *s, apr_size_t len)
{
    apr_size_t more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : 1;
    unsigned int c = *s & (0x3fU >> more);
    apr_size_t i;

    if (*s < 0xc2 || *s > 0xf4 || more >= len) {
        return 0;
    }
    for (i = 1; i <= more; i++) {
        if ((s[i] & 0xc0) != 0x80) {
            return 0;
        }
        c = c << 6 | (s[i] & 0x3f);
    }
    return c;
}

/* What certificate viewers leave in a copied fingerprint can't be seen, so it is named. */
static apr_status_t check_characters(const reader_t *reader, const char *line, apr_size_t len)
{
    const unsigned char *s = (const unsigned char *)line;
    const char *why = "is not allowed here; type the value anew";
    unsigned int c = 0;
    apr_size_t i;

    for (i = 0; i < len && ((s[i] >= ' ' && s[i] < 0x7f) || s[i] == '\t'); i++) {
    }
    if (i == len) {
        return APR_SUCCESS;
    }
    c = s[i] < 0x80 ? s[i] : code_point(s + i, len - i);
    if (c == 0 && s[i] != 0) {
        return fail(reader, (int)i + 1,
                    apr_psprintf(reader->pool, "the byte 0x%02X %s", s[i], why));
    }
    return fail(reader, (int)i + 1,
                apr_psprintf(reader->pool, "the invisible or non-ASCII character U+%04X %s", c,
                             why));
}

/* Reads hex digits, colons and blanks apart. How many digits; -1 for any other character. */
static int read_hex(unsigned char digest[64], const char *text)
{
    int digits = 0;
    int value = 0;

    for (; *text != '\0'; text++) {
        if (strchr(IGNORED, *text)) {
            continue;
        }
        value = samlc_text_hex_digit(*text);
        if (value < 0) {
            return -1;
        }
        if (digits < 128) {
            digest[digits / 2] = (unsigned char)(digest[digits / 2] << 4 | value);
        }
        digits++;
    }
    return digits;
}

static int is_digest_len(int digits)
{
    apr_size_t i;

    for (i = 0; i < KINDS; i++) {
        if (digits == 2 * (int)kinds[i].len) {
            return 1;
        }
    }
    return 0;
}

/* TRUE for several words of which one alone is as long as a fingerprint: a comma was forgotten, and
 * two SHA-256 must not become one SHA-512. */
static int lacks_comma(const char *text, apr_pool_t *p)
{
    apr_array_header_t *words = samlc_text_words(text, p);
    unsigned char scratch[64] = {0};
    int i;

    for (i = 0; words->nelts > 1 && i < words->nelts; i++) {
        if (is_digest_len(read_hex(scratch, APR_ARRAY_IDX(words, i, const char *)))) {
            return 1;
        }
    }
    return 0;
}

/* A pin of this digest; with NULL for `digest`, any pin of this kind and length. */
static const samlc_pin_t *find_pin(const samlc_signcerts_t *list, int is_spki,
                                   const unsigned char *digest, apr_size_t len)
{
    const samlc_pin_t *pin = NULL;
    int i;

    for (i = 0; i < list->pins->nelts; i++) {
        pin = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);
        if (pin->is_spki == is_spki && pin->len == len
            && (!digest || memcmp(pin->digest, digest, len) == 0)) {
            return pin;
        }
    }
    return NULL;
}

static apr_status_t add_pin(const reader_t *reader, samlc_pin_t *pin, int position)
{
    if (find_pin(reader->list, pin->is_spki, pin->digest, pin->len)) {
        return APR_SUCCESS;
    }
    pin->origin = reader->is_file
        ? reader->origin
        : apr_psprintf(reader->pool, "%s, position %d", reader->origin, position);
    APR_ARRAY_PUSH(reader->list->pins, samlc_pin_t) = *pin;
    return APR_SUCCESS;
}

/* The hex of a fingerprint; `len` bytes, or any of the known lengths for 0. */
static apr_status_t parse_hex(const reader_t *reader, samlc_pin_t *pin, const char *item,
                              const char *hex, apr_size_t len, int position)
{
    int digits = read_hex(pin->digest, hex);

    if (digits < 0) {
        return fail_item(reader, position, item,
                         "is neither a fingerprint in hex nor a word that is known here (sha1:,"
                         " sha256:, sha384:, sha512:, " SPKI " or " ANY_TRUSTED ")");
    }
    if (lacks_comma(hex, reader->pool)) {
        return fail_item(reader, position, item, "lacks a comma between two fingerprints");
    }
    if (len != 0 ? digits != 2 * (int)len : !is_digest_len(digits)) {
        return fail_item(reader, position, item,
                         apr_psprintf(reader->pool, "has %d hex digits; SHA-1 has 40, SHA-256 64,"
                                      " SHA-384 96 and SHA-512 128", digits));
    }
    pin->len = (apr_size_t)digits / 2;
    return add_pin(reader, pin, position);
}

static apr_status_t parse_spki(const reader_t *reader, samlc_pin_t *pin, const char *item,
                               const char *text, int position)
{
    samlc_data_t base64 = {(const unsigned char *)text, strlen(text), NULL};
    samlc_data_t digest = {NULL, 0, NULL};

    pin->is_spki = 1;
    if (base64.len == SPKI_BASE64_LEN && text[SPKI_BASE64_LEN - 1] == '=') {
        if (samlc_text_base64_decode(&digest, &base64, reader->pool) != APR_SUCCESS
            || digest.len != SAMLC_SHA256_LEN) {
            return fail_item(reader, position, item, "is not the base64 of a SHA-256 digest");
        }
        memcpy(pin->digest, digest.data, digest.len);
        pin->len = digest.len;
        return add_pin(reader, pin, position);
    }
    return parse_hex(reader, pin, item, text, SAMLC_SHA256_LEN, position);
}

/* What follows the prefix of a token, blanks skipped; NULL if it has another one. */
static const char *after_prefix(const char *item, const char *prefix)
{
    apr_size_t len = strlen(prefix);

    if (apr_cstr_casecmpn(item, prefix, len) != 0) {
        return NULL;
    }
    return item + len + strspn(item + len, BLANKS);
}

static apr_status_t parse_pin(const reader_t *reader, const char *item, int position)
{
    const char *rest = after_prefix(item, SPKI);
    samlc_pin_t pin;
    apr_size_t i;

    memset(&pin, 0, sizeof(pin));
    if (rest) {
        return parse_spki(reader, &pin, item, rest, position);
    }
    for (i = 0; i < KINDS; i++) {
        rest = after_prefix(item, kinds[i].prefix);
        if (rest) {
            return parse_hex(reader, &pin, item, rest, kinds[i].len, position);
        }
    }
    return parse_hex(reader, &pin, item, item, 0, position);
}

static apr_status_t parse_item(reader_t *reader, const char *item, int position)
{
    int is_first = reader->items++ == 0;

    if (strcmp(item, IGNORE_TRUST) == 0) {
        if (!is_first) {
            return fail_item(reader, position, item, "may only be the very first token");
        }
        reader->list->ignore_trust = 1;
        return APR_SUCCESS;
    }
    if (strcmp(item, ANY_TRUSTED) == 0) {
        if (reader->list->ignore_trust) {
            return fail_item(reader, position, item,
                             "cannot follow " IGNORE_TRUST ": together they would trust everybody");
        }
        reader->list->any_trusted = 1;
        return APR_SUCCESS;
    }
    if (strncmp(item, IGNORE_TRUST " ", strlen(IGNORE_TRUST " ")) == 0) {
        return fail_item(reader, position, item, "lacks the comma behind " IGNORE_TRUST);
    }
    return parse_pin(reader, item, position);
}

/* Cuts blanks off the end. */
static void trim_end(char *s)
{
    apr_size_t len = strlen(s);

    while (len > 0 && strchr(BLANKS, s[len - 1])) {
        len--;
    }
    s[len] = '\0';
}

/* The items of one line. A comma at its end is noted: an item must follow on a later one. */
static apr_status_t parse_line(reader_t *reader, char *line)
{
    char *item = line;
    char *comma = NULL;
    int position = 0;
    apr_status_t rv = APR_SUCCESS;

    trim_end(line);
    while (rv == APR_SUCCESS && *item != '\0') {
        item += strspn(item, BLANKS);
        position = (int)(item - line) + 1;
        comma = strchr(item, ',');
        if (comma) {
            *comma = '\0';
            trim_end(item);
        }
        if (*item == '\0') {
            return fail(reader, position, "there is nothing before this comma");
        }
        rv = parse_item(reader, item, position);
        reader->comma = comma ? (int)(comma - line) + 1 : 0;
        reader->comma_origin = reader->origin;
        item = comma ? comma + 1 : item + strlen(item);
    }
    return rv;
}

/* What only the end of the list shows. */
static apr_status_t finish(reader_t *reader, const char *origin)
{
    if (reader->comma) {
        reader->origin = reader->comma_origin;
        return fail(reader, reader->comma, "nothing follows this comma");
    }
    if (reader->list->pins->nelts == 0 && !reader->list->any_trusted) {
        return samlc_result_fail(reader->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: the list of fingerprints is empty; to trust nobody, take"
                                 " SignCerts away or say \"Status inactive\"", origin);
    }
    return APR_SUCCESS;
}

static void reader_init(reader_t *reader, const char *origin, samlc_result_t *res, apr_pool_t *p)
{
    memset(reader, 0, sizeof(*reader));
    reader->list = apr_pcalloc(p, sizeof(*reader->list));
    reader->list->pins = apr_array_make(p, 4, sizeof(samlc_pin_t));
    reader->origin = origin;
    reader->res = res;
    reader->pool = p;
}

apr_status_t samlc_signcerts_parse(samlc_signcerts_t **list, const char *value, const char *origin,
                                   samlc_result_t *res, apr_pool_t *p)
{
    reader_t reader;
    apr_status_t rv = APR_EGENERAL;

    *list = NULL;
    reader_init(&reader, apr_pstrdup(p, origin), res, p);
    rv = check_characters(&reader, value, strlen(value));
    if (rv == APR_SUCCESS) {
        rv = parse_line(&reader, apr_pstrdup(p, value));
    }
    if (rv == APR_SUCCESS) {
        rv = finish(&reader, origin);
    }
    if (rv == APR_SUCCESS) {
        *list = reader.list;
    }
    return rv;
}

/* One line of a file: up to a comment, which may be in any language. */
static apr_status_t parse_file_line(reader_t *reader, const char *line, apr_size_t len)
{
    const char *comment = memchr(line, '#', len);
    apr_status_t rv = APR_EGENERAL;

    if (comment) {
        len = (apr_size_t)(comment - line);
    }
    else if (len > 0 && line[len - 1] == '\r') {
        len--;
    }
    rv = check_characters(reader, line, len);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    return parse_line(reader, apr_pstrmemdup(reader->pool, line, len));
}

apr_status_t samlc_signcerts_parse_file(samlc_signcerts_t **list, const samlc_data_t *file,
                                        samlc_result_t *res, apr_pool_t *p)
{
    const char *line = (const char *)file->data;
    apr_size_t left = file->len;
    apr_size_t len = 0;
    const char *newline = NULL;
    reader_t reader;
    apr_status_t rv = APR_SUCCESS;
    int number;

    *list = NULL;
    reader_init(&reader, file->origin, res, p);
    reader.is_file = 1;
    for (number = 1; left > 0 && rv == APR_SUCCESS; number++) {
        reader.origin = apr_psprintf(p, "%s:%d", file->origin, number);
        newline = memchr(line, '\n', left);
        len = newline ? (apr_size_t)(newline - line) : left;
        rv = parse_file_line(&reader, line, len);
        len += newline ? 1 : 0;
        line += len;
        left -= len;
    }
    if (rv == APR_SUCCESS) {
        rv = finish(&reader, file->origin);
    }
    if (rv == APR_SUCCESS) {
        *list = reader.list;
    }
    return rv;
}

const samlc_pin_t *samlc_signcerts_match_der(const samlc_signcerts_t *list, const samlc_data_t *der)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    const samlc_pin_t *match = NULL;
    apr_size_t i;

    for (i = 0; i < KINDS && !match; i++) {
        if (find_pin(list, 0, NULL, kinds[i].len)
            && EVP_Digest(der->data, der->len, digest, NULL, kinds[i].digest(), NULL) == 1) {
            match = find_pin(list, 0, digest, kinds[i].len);
        }
    }
    ERR_clear_error();
    return match;
}

const samlc_pin_t *samlc_signcerts_match(const samlc_signcerts_t *list, const samlc_cert_t *cert)
{
    const samlc_pin_t *match = NULL;
    unsigned char *bytes = NULL;
    int len = 0;

    len = i2d_X509(samlc_cert_x509(cert), &bytes);
    if (len > 0) {
        samlc_data_t der = {bytes, (apr_size_t)len, NULL};

        match = samlc_signcerts_match_der(list, &der);
    }
    OPENSSL_free(bytes);
    ERR_clear_error();
    if (!match) {
        match = find_pin(list, 1, samlc_key_spki_sha256(samlc_cert_key(cert)), SAMLC_SHA256_LEN);
    }
    return match;
}
