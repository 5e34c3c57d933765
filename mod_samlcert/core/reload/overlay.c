/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/overlay.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/trust/moves.h"

#define HEAD "# What PromoteOnFirstUse moved. `samlcertctl settle` writes it back.\n"
#define FILE_PERMS (APR_FPROT_UREAD | APR_FPROT_UWRITE)
#define SHA256_HEX_LEN (2 * SAMLC_SHA256_LEN)

/* FALSE for a line that is no promotion. */
static int parse_line(samlc_promotion_t *promotion, const char *line, apr_pool_t *p)
{
    const apr_array_header_t *words = samlc_text_words(line, p);

    if (words->nelts != 4 || strcmp(APR_ARRAY_IDX(words, 0, const char *), "promote") != 0) {
        return 0;
    }
    promotion->idp = APR_ARRAY_IDX(words, 1, const char *);
    promotion->sha256 = APR_ARRAY_IDX(words, 2, const char *);
    return strlen(promotion->sha256) == SHA256_HEX_LEN
           && strspn(promotion->sha256, "0123456789abcdef") == SHA256_HEX_LEN
           && samlc_clock_parse(&promotion->at, APR_ARRAY_IDX(words, 3, const char *))
                  == APR_SUCCESS
           && apr_time_usec(promotion->at) == 0;
}

apr_status_t samlc_overlay_parse(apr_array_header_t **promotions, const samlc_data_t *file,
                                 samlc_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 4, sizeof(samlc_promotion_t));
    char *line = apr_pstrmemdup(p, file->len > 0 ? (const char *)file->data : "", file->len);
    char *next = NULL;
    int is_good = strlen(line) == file->len;
    int number = 0;

    *promotions = apr_array_make(p, 1, sizeof(samlc_promotion_t));
    for (number = 1; line && is_good; number++, line = next) {
        samlc_promotion_t promotion;

        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        if (*line != '\0' && *line != '#') {
            is_good = parse_line(&promotion, line, p);
            if (is_good) {
                APR_ARRAY_PUSH(list, samlc_promotion_t) = promotion;
            }
        }
        if (!is_good) {
            break;
        }
    }
    if (!is_good) {    /* what it says is in it, since anybody may have written it, stays out */
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_MALFORMED,
                                 "%s:%d: not `promote IDP SHA256 TIME`", file->origin, number);
    }
    *promotions = list;
    return APR_SUCCESS;
}

/* ---- writing --------------------------------------------------------------------------------- */

/*
 * TRUE while the certificate is in the file `staged` of that IdP. What is not known here may be an
 * IdP of another trust directory that shares the state directory.
 */
static int may_have_effect(const samlc_snapshot_t *snapshot, const samlc_promotion_t *promotion)
{
    const samlc_idp_t *idp = samlc_snapshot_idp_by_name(snapshot, promotion->idp);
    int i = 0;

    if (!idp) {
        return 1;
    }
    for (i = 0; idp->settings->promote_on_first_use && i < idp->trust->entries->nelts; i++) {
        const samlc_trust_entry_t *e = &APR_ARRAY_IDX(idp->trust->entries, i, samlc_trust_entry_t);

        if (e->place && e->place->filed == SAMLC_SLOT_STAGED
            && strcmp(samlc_cert_sha256_hex(e->cert), promotion->sha256) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *line_of(const samlc_promotion_t *promotion, apr_pool_t *p)
{
    return apr_psprintf(p, "promote %s %s %s\n", promotion->idp, promotion->sha256,
                        samlc_clock_format(promotion->at, p));
}

/* The present lines that may have an effect, as text. *is_there: this one is among them. */
static const char *lines_kept(int *is_there, const apr_array_header_t *list,
                              const samlc_promotion_t *wanted, const samlc_snapshot_t *snapshot,
                              apr_pool_t *p)
{
    const char *text = HEAD;
    int i = 0;

    *is_there = 0;
    for (i = 0; i < list->nelts; i++) {
        const samlc_promotion_t *one = &APR_ARRAY_IDX(list, i, samlc_promotion_t);

        if (strcmp(one->idp, wanted->idp) == 0 && strcmp(one->sha256, wanted->sha256) == 0) {
            *is_there = 1;
        }
        if (may_have_effect(snapshot, one)) {
            text = apr_pstrcat(p, text, line_of(one, p), NULL);
        }
    }
    return text;
}

static apr_status_t add_line(int *is_news, const char *path, const samlc_promotion_t *wanted,
                             const samlc_snapshot_t *snapshot, samlc_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 1, sizeof(samlc_promotion_t));
    const char *text = NULL;
    samlc_data_t file;
    int is_there = 0;

    /* What can't be read is as good as nothing, for who loads it as well. */
    if (samlc_file_read(&file, path, SAMLC_MAX_OVERLAY, samlc_result_make(p), p) == APR_SUCCESS) {
        samlc_overlay_parse(&list, &file, samlc_result_make(p), p);
    }
    text = lines_kept(&is_there, list, wanted, snapshot, p);
    if (is_there) {
        return APR_SUCCESS;
    }
    text = apr_pstrcat(p, text, line_of(wanted, p), NULL);
    *is_news = 1;
    return samlc_file_replace(path, text, strlen(text), FILE_PERMS, res, p);
}

apr_status_t samlc_overlay_promote(int *is_news, const char *path,
                                   const samlc_snapshot_t *snapshot, const samlc_idp_t *idp,
                                   const samlc_cert_t *cert, apr_time_t now, samlc_result_t *res,
                                   apr_pool_t *p)
{
    const samlc_promotion_t wanted = {idp->name, samlc_cert_sha256_hex(cert),
                                      now - apr_time_usec(now)};
    const char *lock_path = apr_pstrcat(p, path, ".lock", NULL);
    apr_status_t rv = APR_SUCCESS;
    char reason[128];
    int lock = open(lock_path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    *is_news = 0;
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0) {
        rv = APR_FROM_OS_ERROR(errno);
        samlc_result_fail(res, rv, SAMLC_REASON_FILE_UNREADABLE, "%s: %s", lock_path,
                          apr_strerror(rv, reason, sizeof(reason)));
    }
    else {
        rv = add_line(is_news, path, &wanted, snapshot, res, p);
    }
    if (lock >= 0) {
        close(lock);
    }
    return rv;
}
