/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings, times and safe display. The first byte says which. */
#include <ctype.h>
#include <string.h>

#include "core/base/clock.h"
#include "fuzz.h"

#define YEAR_10000                                                                                 \
    apr_time_from_sec(253402300800) /* reached by the last 24:00:00, can't be written */

const char *const FUZZ_TARGET = "text";

void fuzz_setup(apr_pool_t *p)
{
    (void)p;
}

/* What decodes is the one encoding of these bytes, but for white space. */
static int try_base64(const samlc_data_t *in, apr_pool_t *p)
{
    samlc_data_t out;
    char *text = apr_palloc(p, in->len + 1);
    apr_size_t len = 0;
    apr_size_t i = 0;

    if (samlc_text_base64_decode(&out, in, p) != APR_SUCCESS) {
        return 0;
    }
    for (i = 0; i < in->len; i++) {
        if (!isspace(in->data[i])) {
            text[len++] = (char)in->data[i];
        }
    }
    text[len] = '\0';
    FUZZ_CHECK(strcmp(samlc_text_base64(out.data, out.len, p), text) == 0);
    FUZZ_CHECK(!strpbrk(samlc_text_base64url(out.data, out.len, p), "+/="));
    return 1;
}

static int try_url(const samlc_data_t *in, apr_pool_t *p)
{
    const char *decoded = samlc_text_url_decode((const char *)in->data, in->len, p);
    const char *encoded = NULL;
    const char *again = NULL;

    if (!decoded) {
        return 0;
    }
    FUZZ_CHECK(strlen(decoded) <= in->len);
    encoded = samlc_text_url_encode(decoded, p);
    again = samlc_text_url_decode(encoded, strlen(encoded), p);
    FUZZ_CHECK(again && strcmp(again, decoded) == 0);
    return 1;
}

/* What is written is read as the same second. */
static int try_clock(const samlc_data_t *in, apr_pool_t *p)
{
    const char *s = fuzz_string(in, p);
    apr_time_t t = 1;
    apr_time_t again = 0;

    if (samlc_clock_parse(&t, s) != APR_SUCCESS) {
        FUZZ_CHECK(t == 0);
        return 0;
    }
    FUZZ_CHECK(strlen(s) >= strlen("2026-07-01T00:00:00Z"));
    if (t >= 0 && t < YEAR_10000) {
        FUZZ_CHECK(samlc_clock_parse(&again, samlc_clock_format(t, p)) == APR_SUCCESS);
        FUZZ_CHECK(again == t - t % APR_USEC_PER_SEC);
    }
    return 1;
}

static int try_display(const samlc_data_t *in, apr_pool_t *p)
{
    const char *s = fuzz_string(in, p);
    const char *shown = samlc_text_show(s, p);
    apr_size_t i = 0;

    FUZZ_CHECK(strlen(shown) <= 200 * strlen("\\x00") + strlen("..."));
    for (i = 0; shown[i] != '\0'; i++) {
        FUZZ_CHECK(shown[i] >= ' ' && shown[i] < 0x7f);
    }
    if (!s) {
        return 0;
    }
    FUZZ_CHECK(!strpbrk(samlc_text_xml_escape(s, p), "<>\"'"));
    for (i = 0; i < (apr_size_t)samlc_text_words(s, p)->nelts; i++) {
        const char *word = APR_ARRAY_IDX(samlc_text_words(s, p), i, const char *);

        FUZZ_CHECK(*word != '\0' && !strpbrk(word, " \t\r\n"));
        if (i == 8) {
            break;   /* enough of them: each look splits anew */
        }
    }
    return 1;
}

int fuzz_one(const samlc_data_t *input, apr_pool_t *p)
{
    samlc_data_t rest = {input->data + 1, input->len - 1, "input"};

    switch (input->len > 0 ? input->data[0] : 0) {
    case 'b':
        return try_base64(&rest, p);
    case 'u':
        return try_url(&rest, p);
    case 'c':
        return try_clock(&rest, p);
    case 's':
        return try_display(&rest, p);
    default:
        return 0;
    }
}
