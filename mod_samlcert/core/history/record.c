/* SPDX-License-Identifier: Apache-2.0 */
#include "core/history/record.h"

#include <apr_strings.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/base/file.h"

#define MAX_RECORD_FILE (256 * 1024)
#define MAX_RECORDS 400              /* they fit */
#define MAX_AUTHOR 60                /* characters, thrice as many when they are encoded */
#define MAX_REASON 200
#define DIGEST_HEX_LEN 64

/* The text up to the next blank, which becomes a NUL; NULL at the end. */
static char *take_word(char **rest)
{
    char *word = *rest;
    char *blank = word ? strchr(word, ' ') : NULL;

    *rest = blank ? blank + 1 : NULL;
    if (blank) {
        *blank = '\0';
    }
    return word;
}

/* FALSE if it is no line of ours. */
static int parse_line(samlc_record_t *record, char *line, apr_pool_t *p)
{
    char *rest = line;
    const char *at = NULL;

    record->digest_hex = take_word(&rest);
    at = take_word(&rest);
    record->author = take_word(&rest);
    record->reason = rest;
    if (!record->reason || strlen(record->digest_hex) != DIGEST_HEX_LEN
        || samlc_clock_parse(&record->at, at) != APR_SUCCESS) {
        return 0;
    }
    record->author = samlc_text_url_decode(record->author, strlen(record->author), p);
    return record->author != NULL;
}

apr_status_t samlc_record_read(apr_array_header_t **records, const char *trust_dir,
                               samlc_result_t *res, apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, trust_dir, "/" SAMLC_RECORD_NAME, NULL);
    samlc_record_t record;
    samlc_result_t *reading = samlc_result_make(p);
    samlc_data_t file;
    apr_status_t rv = samlc_file_read(&file, path, MAX_RECORD_FILE, reading, p);
    char *line = NULL, *rest = NULL;

    *records = apr_array_make(p, 16, sizeof(samlc_record_t));
    if (APR_STATUS_IS_ENOENT(rv)) {
        return APR_SUCCESS;
    }
    if (rv != APR_SUCCESS) {
        return samlc_result_fail(res, rv, reading->reason, "%s", reading->message);
    }
    for (line = apr_strtok((char *)file.data, "\n", &rest); line;
         line = apr_strtok(NULL, "\n", &rest)) {
        if (parse_line(&record, line, p)) {
            APR_ARRAY_PUSH(*records, samlc_record_t) = record;
        }
    }
    return APR_SUCCESS;
}

const samlc_record_t *samlc_record_find(const apr_array_header_t *records, const char *digest_hex)
{
    const samlc_record_t *record = NULL;
    int i = 0;

    for (i = records->nelts - 1; i >= 0; i--) {
        record = &APR_ARRAY_IDX(records, i, samlc_record_t);
        if (strcmp(record->digest_hex, digest_hex) == 0) {
            return record;
        }
    }
    return NULL;
}

const char *samlc_record_text(const apr_array_header_t *records, apr_pool_t *p)
{
    apr_array_header_t *lines = apr_array_make(p, 16, sizeof(const char *));
    const samlc_record_t *record = NULL;
    int i = records->nelts > MAX_RECORDS ? records->nelts - MAX_RECORDS : 0;

    for (; i < records->nelts; i++) {
        record = &APR_ARRAY_IDX(records, i, samlc_record_t);
        APR_ARRAY_PUSH(lines, const char *) = apr_psprintf(
            p, "%s %s %s %.*s\n", record->digest_hex, samlc_clock_format(record->at, p),
            samlc_text_url_encode(apr_pstrndup(p, record->author, MAX_AUTHOR), p), MAX_REASON,
            samlc_text_show(record->reason, p));
    }
    return apr_array_pstrcat(p, lines, 0);
}
