/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/settings.h"

#include <apr_cstr.h>
#include <apr_strings.h>
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/clock.h"
#include "core/trust/moves.h"
#include "core/trust/setting.h"

#define BLANKS " \t"
#define MAX_NAME 64          /* longer than any name of a setting */
#define MAX_SKEW_UNWARNED 300

static samlc_setting_parser_t samlc_setting_parse_stricter;    /* reads the table itself */

static const samlc_setting_t table[] = {
#define SETTING_ROW(Name, type, member, parser, low, high, default_, syntax, help)              \
    {#Name, offsetof(samlc_settings_t, member), samlc_setting_parse_##parser, low, high, default_, \
     syntax},
    SAMLC_SETTINGS(SETTING_ROW)
#undef SETTING_ROW
};

#define TABLE_LEN (sizeof(table) / sizeof(table[0]))

static_assert(TABLE_LEN <= 64, "`given` has a bit for each setting");

static void *field_of(samlc_settings_t *settings, const samlc_setting_t *setting)
{
    return (char *)settings + setting->offset;
}

/* TRUE for a setting that may be given several times: each adds to a list. */
static int is_list(const samlc_setting_t *setting)
{
    return setting->parse == samlc_setting_parse_activations
           || setting->parse == samlc_setting_parse_retirements;
}

static apr_uint64_t bit_of(const samlc_setting_t *setting)
{
    return (apr_uint64_t)1 << (setting - table);
}

samlc_settings_t *samlc_settings_make(apr_pool_t *p)
{
    samlc_settings_t *settings = apr_pcalloc(p, sizeof(*settings));
    const samlc_setting_t *setting = NULL;

    settings->cert_expiry = SAMLC_EXPIRY_BY_MODE;
    for (setting = table; setting < table + TABLE_LEN; setting++) {
        if (setting->parse == samlc_setting_parse_algorithms) {
            *(samlc_algorithms_t *)field_of(settings, setting) =
                samlc_algorithms_default((samlc_algorithm_kind_t)setting->low);
        }
        else if (setting->preset) {
            setting->parse(field_of(settings, setting), setting->preset, setting, p);
        }
    }
    return settings;
}

static const samlc_setting_t *find(const char *name)
{
    const samlc_setting_t *setting = NULL;

    for (setting = table; setting < table + TABLE_LEN; setting++) {
        if (apr_cstr_casecmp(setting->name, name) == 0) {
            return setting;
        }
    }
    return NULL;
}

const char *samlc_settings_name(int i)
{
    return i >= 0 && (apr_size_t)i < TABLE_LEN ? table[i].name : NULL;
}

/* The word of a choice; NULL for a value that stands for none. */
static const char *word_at(const char *syntax, int index, apr_pool_t *p)
{
    char *rest = NULL;
    char *word = index < 0 ? NULL : apr_strtok(apr_pstrdup(p, syntax), "|", &rest);

    while (word && index-- > 0) {
        word = apr_strtok(NULL, "|", &rest);
    }
    return word;
}

/* "staged 2026-12-01T10:00:00Z, primary 2026-12-08T10:00:00Z"; NULL for none. */
static const char *show_moves(const apr_array_header_t *moves, apr_pool_t *p)
{
    const char *text = NULL;
    int i;

    for (i = 0; moves && i < moves->nelts; i++) {
        const samlc_move_t *move = &APR_ARRAY_IDX(moves, i, samlc_move_t);

        text = apr_pstrcat(p, text ? text : "", text ? ", " : "", move->stem, " ",
                           samlc_clock_format(move->at, p), NULL);
    }
    return text;
}

const char *samlc_settings_show(const samlc_settings_t *settings, int i, apr_pool_t *p)
{
    const samlc_setting_t *setting = &table[i];
    const void *field = (const char *)settings + setting->offset;
    const apr_array_header_t *words = NULL;

    if (setting->parse == samlc_setting_parse_flag) {
        return *(const int *)field ? "on" : "off";
    }
    if (setting->parse == samlc_setting_parse_number) {
        return apr_itoa(p, *(const int *)field);
    }
    if (setting->parse == samlc_setting_parse_choice
        || setting->parse == samlc_setting_parse_binding) {
        return word_at(setting->syntax, *(const int *)field, p);
    }
    if (setting->parse == samlc_setting_parse_algorithms) {
        return samlc_algorithms_show(*(const samlc_algorithms_t *)field,
                                     (samlc_algorithm_kind_t)setting->low, p);
    }
    if (is_list(setting)) {
        return show_moves(*(apr_array_header_t *const *)field, p);
    }
    if (setting->parse == samlc_setting_parse_words) {
        words = *(apr_array_header_t *const *)field;
        return words ? apr_array_pstrcat(p, words, ' ') : NULL;
    }
    return *(const char *const *)field;
}

/* --- TrustReportOnly --- */

typedef enum { LAXER, EQUAL, STRICTER, INCOMPARABLE } order_t;

static order_t compare(int in_force, int tried)
{
    return tried > in_force ? STRICTER : tried == in_force ? EQUAL : LAXER;
}

static order_t compare_flags_off(int in_force, int tried)
{
    return compare(!in_force, !tried);
}

/* What goes with the modes rejects for some of them and warns for others. */
static order_t compare_expiry(int in_force, int tried)
{
    if (in_force == SAMLC_EXPIRY_BY_MODE) {
        return tried == SAMLC_EXPIRY_REJECT ? STRICTER : INCOMPARABLE;
    }
    return compare(tried, in_force);
}

/* The same issuer and subject are the same issuer, and the same subject. */
static order_t compare_conflict(int in_force, int tried)
{
    static const int ranks[] = {
        [SAMLC_CONFLICT_OFF] = 0, [SAMLC_CONFLICT_BOTH] = 1,
        [SAMLC_CONFLICT_ISSUER] = 2, [SAMLC_CONFLICT_SUBJECT] = 2,
    };

    if (in_force != tried && ranks[in_force] == ranks[tried]) {
        return INCOMPARABLE;
    }
    return compare(ranks[in_force], ranks[tried]);
}

static order_t compare_numbers_down(int in_force, int tried)
{
    return compare(tried, in_force);
}

/* What may be tried out. NULL for `compare`: a text, which is stricter than none. */
static const struct {
    apr_size_t offset;
    order_t (*compare)(int in_force, int tried);
} triable[] = {
    {offsetof(samlc_settings_t, validate_chain), compare},
    {offsetof(samlc_settings_t, cert_expiry), compare_expiry},
    {offsetof(samlc_settings_t, cert_conflict), compare_conflict},
    {offsetof(samlc_settings_t, use_system_roots), compare_flags_off},
    {offsetof(samlc_settings_t, anchor_constraint), NULL},
    {offsetof(samlc_settings_t, crl_check), compare},
    {offsetof(samlc_settings_t, crl_grace), compare_numbers_down},
};

#define TRIABLE (sizeof(triable) / sizeof(triable[0]))

static apr_size_t find_triable(const samlc_setting_t *setting)
{
    apr_size_t i = 0;

    while (i < TRIABLE && triable[i].offset != setting->offset) {
        i++;
    }
    return i;
}

/* Puts what one word, NAME=VALUE, says into `settings`. NULL, or what is wrong with it. */
static const char *try_word(samlc_settings_t *settings, const samlc_setting_t **tried,
                            const char *word, apr_pool_t *p)
{
    const char *equals = strchr(word, '=');
    const samlc_setting_t *setting = NULL;
    const char *error = NULL;

    if (!equals || equals[1] == '\0') {
        return apr_psprintf(p, "\"%s\" is not NAME=VALUE", samlc_text_show(word, p));
    }
    setting = find(apr_pstrmemdup(p, word, (apr_size_t)(equals - word)));
    if (!setting || find_triable(setting) == TRIABLE) {
        return apr_psprintf(p, "\"%s\" cannot be tried out: it is not a setting of the trust"
                            " decision that has stricter values", samlc_text_show(word, p));
    }
    error = setting->parse(field_of(settings, setting), equals + 1, setting, p);
    if (error) {
        return apr_psprintf(p, "%s: %s (%s)", samlc_text_show(word, p), error, setting->syntax);
    }
    *tried = setting;
    return NULL;
}

/* The words; whether they are stricter shows when all settings are known. */
static const char *samlc_setting_parse_stricter(void *field, const char *value,
                                                const samlc_setting_t *setting, apr_pool_t *p)
{
    apr_array_header_t *words = samlc_text_words(value, p);
    samlc_settings_t scratch;
    apr_uint64_t seen = 0;
    int i;

    (void)setting;
    for (i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        const samlc_setting_t *tried = NULL;
        const char *error = try_word(&scratch, &tried, word, p);

        if (error) {
            return error;
        }
        if (seen & bit_of(tried)) {
            return apr_psprintf(p, "%s stands in it twice", tried->name);
        }
        seen |= bit_of(tried);
    }
    *(apr_array_header_t **)field = words;
    return NULL;
}

static order_t order_of(const samlc_settings_t *in_force, const samlc_settings_t *tried,
                        const samlc_setting_t *setting)
{
    apr_size_t i = find_triable(setting);
    const void *a = (const char *)in_force + setting->offset;
    const void *b = (const char *)tried + setting->offset;

    if (triable[i].compare) {
        return triable[i].compare(*(const int *)a, *(const int *)b);
    }
    if (!*(const char *const *)a) {
        return STRICTER;
    }
    return strcmp(*(const char *const *)a, *(const char *const *)b) == 0 ? EQUAL : INCOMPARABLE;
}

apr_status_t samlc_settings_stricter(samlc_settings_t **stricter, const samlc_settings_t *settings,
                                     samlc_result_t *res, apr_pool_t *p)
{
    static const char *const why[] = {
        [LAXER] = "is laxer than what is in force", [EQUAL] = "is in force already",
        [INCOMPARABLE] = "is not stricter in each case than what is in force",
    };
    const apr_array_header_t *words = settings->trust_report_only;
    samlc_settings_t *copy = NULL;
    int i;

    *stricter = NULL;
    if (!words) {
        return APR_SUCCESS;
    }
    copy = apr_pmemdup(p, settings, sizeof(*settings));
    for (i = 0; i < words->nelts; i++) {
        const char *word = APR_ARRAY_IDX(words, i, const char *);
        const samlc_setting_t *tried = NULL;
        const char *error = try_word(copy, &tried, word, p);
        order_t order = error ? LAXER : order_of(settings, copy, tried);

        if (error || order != STRICTER) {
            return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                     "%s: TrustReportOnly %s: it %s, and only stricter rules can be"
                                     " tried out", settings->trust_report_only_origin,
                                     samlc_text_show(word, p), error ? error : why[order]);
        }
    }
    *stricter = copy;
    return APR_SUCCESS;
}

/* --- names --- */

static int min(int a, int b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, case apart; `b` has at most MAX_NAME characters. */
static int distance(const char *a, const char *b)
{
    int row[MAX_NAME + 1];
    int len = (int)strlen(b);
    int diagonal = 0;
    int above = 0;
    int i;
    int j;

    for (j = 0; j <= len; j++) {
        row[j] = j;
    }
    for (i = 0; a[i] != '\0'; i++) {
        diagonal = row[0];
        row[0] = i + 1;
        for (j = 0; j < len; j++) {
            above = row[j + 1];
            row[j + 1] = min(min(row[j], above) + 1,
                             diagonal + (apr_cstr_casecmpn(a + i, b + j, 1) != 0));
            diagonal = above;
        }
    }
    return row[len];
}

/* The setting that was probably meant; NULL if none is near. */
static const samlc_setting_t *nearest(const char *name)
{
    static const char prefix[] = "SamlCert";   /* of the directives; not written in a file */
    const samlc_setting_t *setting = NULL;
    const samlc_setting_t *best = NULL;
    int best_distance = 0;
    int d = 0;

    if (apr_cstr_casecmpn(name, prefix, sizeof(prefix) - 1) == 0) {
        name += sizeof(prefix) - 1;
    }
    if (strlen(name) > MAX_NAME) {
        return NULL;
    }
    best_distance = min(4, (int)strlen(name) / 2 + 1);
    for (setting = table; setting < table + TABLE_LEN; setting++) {
        d = distance(setting->name, name);
        if (d < best_distance) {
            best = setting;
            best_distance = d;
        }
    }
    return best;
}

static apr_status_t fail_unknown(const char *name, const char *origin, samlc_result_t *res,
                                 apr_pool_t *p)
{
    const samlc_setting_t *meant = nearest(name);

    if (meant) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: there is no setting \"%s\"; did you mean %s?", origin,
                                 samlc_text_show(name, p), meant->name);
    }
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                             "%s: there is no setting \"%s\"", origin, samlc_text_show(name, p));
}

static int has_control_character(const char *s)
{
    for (; *s != '\0'; s++) {
        if (((unsigned char)*s < ' ' && *s != '\t') || *s == 0x7f) {
            return 1;
        }
    }
    return 0;
}

apr_status_t samlc_settings_set(samlc_settings_t *settings, const char *name, const char *value,
                                const char *origin, samlc_result_t *res, apr_pool_t *p)
{
    const samlc_setting_t *setting = find(name);
    const char *error = NULL;

    if (!setting) {
        return fail_unknown(name, origin, res, p);
    }
    if ((settings->given & bit_of(setting)) && !is_list(setting)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: %s is given twice", origin, setting->name);
    }
    if (value[strspn(value, BLANKS)] == '\0') {
        error = "a value is missing";
    }
    else if (has_control_character(value)) {
        error = "there is a control character in it";
    }
    else {
        error = setting->parse(field_of(settings, setting), value, setting, p);
    }
    if (error) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: %s \"%s\": %s; the syntax is: %s %s", origin, setting->name,
                                 samlc_text_show(value, p), error, setting->name, setting->syntax);
    }
    settings->given |= bit_of(setting);
    if (setting->offset == offsetof(samlc_settings_t, sign_certs)) {
        settings->sign_certs_origin = apr_pstrdup(p, origin);
    }
    if (setting->offset == offsetof(samlc_settings_t, trust_report_only)) {
        settings->trust_report_only_origin = apr_pstrdup(p, origin);
    }
    if (is_list(setting)) {
        apr_array_header_t *moves = *(apr_array_header_t **)field_of(settings, setting);

        APR_ARRAY_IDX(moves, moves->nelts - 1, samlc_move_t).origin = apr_pstrdup(p, origin);
    }
    return APR_SUCCESS;
}

static void trim_end(char *s)
{
    apr_size_t len = strlen(s);

    while (len > 0 && strchr(" \t\r", s[len - 1])) {
        len--;
    }
    s[len] = '\0';
}

/* Takes the quotes off, if there are some. FALSE for a quote without its partner. */
static int unquote(char **value)
{
    char *end = NULL;

    if (**value != '"') {
        return 1;
    }
    (*value)++;
    end = strchr(*value, '"');
    if (!end || end[1] != '\0') {
        return 0;
    }
    *end = '\0';
    return 1;
}

static apr_status_t parse_line(samlc_settings_t *settings, char *line, const char *origin,
                               samlc_result_t *res, apr_pool_t *p)
{
    char *name = line + strspn(line, BLANKS);
    char *value = NULL;

    trim_end(name);
    if (*name == '\0' || *name == '#') {
        return APR_SUCCESS;
    }
    value = name + strcspn(name, BLANKS);
    if (*value != '\0') {
        *value++ = '\0';
        value += strspn(value, BLANKS);
    }
    if (!unquote(&value)) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: %s: a value in double quotes ends with the second one",
                                 origin, samlc_text_show(name, p));
    }
    return samlc_settings_set(settings, name, value, origin, res, p);
}

apr_status_t samlc_settings_parse(samlc_settings_t *settings, const samlc_data_t *file,
                                  samlc_result_t *res, apr_pool_t *p)
{
    char *line = apr_pstrmemdup(p, file->len > 0 ? (const char *)file->data : "", file->len);
    char *next = NULL;
    const char *origin = NULL;
    apr_status_t rv = APR_SUCCESS;
    int number;

    if (strlen(line) != file->len) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: is not a text: there is a NUL byte in it", file->origin);
    }
    for (number = 1; line && rv == APR_SUCCESS; number++) {
        next = strchr(line, '\n');
        if (next) {
            *next++ = '\0';
        }
        origin = apr_psprintf(p, "%s:%d", file->origin, number);
        rv = parse_line(settings, line, origin, res, p);
        line = next;
    }
    return rv;
}

static void warn(apr_array_header_t *warnings, const char *sentence)
{
    APR_ARRAY_PUSH(warnings, const char *) = sentence;
}

static void warn_of_algorithms(apr_array_header_t *warnings, const samlc_setting_t *setting,
                               samlc_algorithms_t set, apr_pool_t *p)
{
    samlc_algorithm_kind_t kind = (samlc_algorithm_kind_t)setting->low;
    const samlc_algorithm_t *algorithm = NULL;
    int i;

    for (i = 0; (algorithm = samlc_algorithm_at(kind, i)) != NULL; i++) {
        if (algorithm->warning && samlc_algorithms_has(set, algorithm)) {
            warn(warnings, apr_psprintf(p, "%s allows %s: %s", setting->name, algorithm->name,
                                        algorithm->warning));
        }
    }
}

apr_array_header_t *samlc_settings_warnings(const samlc_settings_t *settings, apr_pool_t *p)
{
    apr_array_header_t *warnings = apr_array_make(p, 4, sizeof(const char *));
    const samlc_setting_t *setting = NULL;

    for (setting = table; setting < table + TABLE_LEN; setting++) {
        if (setting->parse == samlc_setting_parse_algorithms) {
            const void *field = (const char *)settings + setting->offset;

            warn_of_algorithms(warnings, setting, *(const samlc_algorithms_t *)field, p);
        }
    }
    if (settings->min_rsa_bits < 2048) {
        warn(warnings, apr_psprintf(p, "MinRSABits %d: RSA keys below 2048 bits can be broken",
                                    settings->min_rsa_bits));
    }
    if (settings->cert_expiry > SAMLC_EXPIRY_REJECT) {
        warn(warnings, "CertExpiry: an expired certificate may sign, whatever makes it trusted");
    }
    if (settings->cert_conflict == SAMLC_CONFLICT_OFF) {
        warn(warnings, "CertConflict off: a second CA of the same name is not noticed");
    }
    if (settings->crl_grace > 0 && settings->crl_check != SAMLC_CRL_OFF) {
        warn(warnings, apr_psprintf(p, "CRLGrace %d: what was revoked since a revocation list was"
                                    " due is not noticed for so long", settings->crl_grace));
    }
    if (settings->unsigned_cbc) {
        warn(warnings,
             "UnsignedCBC on: assertions may be encrypted with CBC although nothing signed"
             " covers the ciphertext; by what we answer to changed copies of one, strangers"
             " may come to read it");
    }
    if (settings->use_system_roots) {
        warn(warnings, "UseSystemRoots on: every CA that the system trusts is an anchor");
    }
    if (settings->unsolicited) {
        warn(warnings, "Unsolicited on: a response of another browser can be used for a login"
                       " (login CSRF)");
    }
    if (settings->clock_skew > MAX_SKEW_UNWARNED) {
        warn(warnings, apr_psprintf(p, "ClockSkew %d: messages live longer by that; set the clocks",
                                    settings->clock_skew));
    }
    return warnings;
}
