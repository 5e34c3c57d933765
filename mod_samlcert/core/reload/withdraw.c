/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/withdraw.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/file.h"
#include "core/base/pool.h"
#include "core/reload/load.h"
#include "core/reload/mount.h"

/* What became of a file. Zero keeps what it held. */
typedef enum { UNREADABLE, GONE, READ } fate_t;

/* The certificates of several files, as they are now. */
typedef struct holding_t {
    apr_array_header_t *certs;      /* samlc_cert_t * */
    apr_array_header_t *unread;     /* const char *: files that are there and can't be read */
    int is_unknown;                 /* a directory can't be read: all of them may be there */
} holding_t;

/* A comparison under way. `ptemp` holds what the files are now, `p` what becomes of that. */
typedef struct work_t {
    const samlc_source_t *source;
    const samlc_idp_t *idp;         /* the one that is looked at */
    samlc_settings_t *settings;     /* its settings now; NULL: idp.conf can't be read */
    samlc_idp_t *reduced;           /* what becomes of it */
    samlc_trust_t *trust;
    apr_array_header_t *lost;       /* const char *, in `p` */
    int is_reduced;                 /* this IdP has lost something */
    apr_pool_t *p;
    apr_pool_t *ptemp;
} work_t;

static void lose(work_t *w, const char *what, const char *origin)
{
    w->is_reduced = 1;
    APR_ARRAY_PUSH(w->lost, const char *) =
        apr_psprintf(w->p, "IdP %s: %s (%s)", w->idp->name, what, origin);
}

/* ---- Files as they are now ---- */

/* TRUE if the directory can be asked: what is not in it is gone, and not merely out of reach. */
static int is_directory(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* TRUE if there is no such name, although there would be if it were only for the mount. */
static int is_gone(const work_t *w, const char *path)
{
    struct stat st;
    apr_size_t len = strlen(w->source->dir);
    const char *slash = strrchr(path, '/');

    if (lstat(path, &st) == 0 || errno != ENOENT) {
        return 0;
    }
    if (strncmp(path, w->source->dir, len) == 0 && path[len] == '/') {
        return is_directory(w->source->dir);
    }
    return slash && is_directory(apr_pstrmemdup(w->ptemp, path, (apr_size_t)(slash - path)));
}

static fate_t read_file(samlc_data_t *file, const work_t *w, const char *path, apr_size_t max)
{
    if (samlc_file_read(file, path, max, samlc_result_make(w->ptemp), w->ptemp) == APR_SUCCESS) {
        return READ;
    }
    return is_gone(w, path) ? GONE : UNREADABLE;
}

static void hold_file(holding_t *holding, const work_t *w, const char *path)
{
    samlc_data_t file;
    apr_array_header_t *certs = NULL;
    fate_t fate = read_file(&file, w, path, SAMLC_MAX_CERT_FILE);

    if (fate == READ
        && samlc_cert_parse_file(&certs, &file, samlc_result_make(w->ptemp), w->ptemp)
               == APR_SUCCESS) {
        apr_array_cat(holding->certs, certs);
    }
    else if (fate != GONE) {
        APR_ARRAY_PUSH(holding->unread, const char *) = path;
    }
}

/* Adds the files of a directory whose names match one of the patterns, which end with NULL. */
static void hold_directory(holding_t *holding, const work_t *w, const char *path,
                           const char *const *patterns)
{
    const struct dirent *entry = NULL;
    DIR *dir = opendir(path);
    int i = 0;

    if (!dir) {
        holding->is_unknown |= !is_gone(w, path);
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        for (i = 0; patterns[i]; i++) {
            if (apr_fnmatch(patterns[i], entry->d_name, APR_FNM_PERIOD) == APR_SUCCESS
                && apr_fnmatch("*~", entry->d_name, 0) != APR_SUCCESS) {
                hold_file(holding, w, apr_pstrcat(w->ptemp, path, "/", entry->d_name, NULL));
                break;
            }
        }
    }
    closedir(dir);
}

static void hold_nothing(holding_t *holding, apr_pool_t *p)
{
    memset(holding, 0, sizeof(*holding));
    holding->certs = apr_array_make(p, 4, sizeof(samlc_cert_t *));
    holding->unread = apr_array_make(p, 2, sizeof(const char *));
}

static int has_cert(const holding_t *holding, const samlc_cert_t *cert)
{
    int i = 0;

    for (i = 0; i < holding->certs->nelts; i++) {
        if (samlc_cert_equal(APR_ARRAY_IDX(holding->certs, i, samlc_cert_t *), cert)) {
            return 1;
        }
    }
    return 0;
}

/* TRUE if a certificate that was in `origin` is still somewhere, or may be. */
static int may_have(const holding_t *holding, const samlc_cert_t *cert, const char *origin)
{
    int i = 0;

    if (holding->is_unknown || has_cert(holding, cert)) {
        return 1;
    }
    for (i = 0; i < holding->unread->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(holding->unread, i, const char *), origin) == 0) {
            return 1;
        }
    }
    return 0;
}

static const char *idp_path(const work_t *w, const char *name)
{
    return apr_pstrcat(w->ptemp, w->source->dir, "/idp/", w->idp->name, name, NULL);
}

/* TRUE if it was there when the generation was loaded. */
static int was_seen(const work_t *w, const char *path)
{
    int i = 0;

    for (i = 0; i < w->idp->watch->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(w->idp->watch, i, samlc_seen_t).path, path) == 0) {
            return 1;
        }
    }
    return 0;
}

/* ---- Settings ---- */

/* TRUE if the list in these settings can be read: else all of the file is as if it could not. */
static int is_list_good(const samlc_settings_t *settings, apr_pool_t *p)
{
    samlc_signcerts_t *list = NULL;

    return !settings->sign_certs || settings->sign_certs[0] == '@'
        || samlc_signcerts_parse(&list, settings->sign_certs, settings->sign_certs_origin,
                                 samlc_result_make(p), p) == APR_SUCCESS;
}

/* Its settings as they are now: those of a section of httpd are what they were. */
static void read_settings(work_t *w)
{
    const char *path = idp_path(w, "/idp.conf");
    samlc_settings_t *settings = samlc_settings_make(w->ptemp);
    samlc_data_t file;
    fate_t fate = UNREADABLE;

    w->settings = NULL;
    if (was_seen(w, path)) {
        fate = read_file(&file, w, path, SAMLC_MAX_CERT_FILE);
    }
    if (fate == GONE
        || (fate == READ
            && samlc_settings_parse(settings, &file, samlc_result_make(w->ptemp), w->ptemp)
                   == APR_SUCCESS
            && is_list_good(settings, w->ptemp))) {
        w->settings = settings;
    }
}

static int has_section(const work_t *w)
{
    const apr_array_header_t *sections = w->source->sections;
    int i = 0;

    for (i = 0; sections && i < sections->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(sections, i, samlc_section_t).name, w->idp->name) == 0) {
            return 1;
        }
    }
    return 0;
}

/* TRUE if there is no such IdP any more. */
static int is_removed(const work_t *w)
{
    const char *path = idp_path(w, "");

    if (was_seen(w, path) && !has_section(w) && is_gone(w, path)) {
        return 1;
    }
    return w->settings && w->settings->entity_id
        && strcmp(w->settings->entity_id, w->idp->entity_id) != 0;
}

static void reduce_status(work_t *w)
{
    samlc_settings_t *settings = NULL;

    if (w->settings && w->settings->status == SAMLC_STATUS_INACTIVE
        && w->idp->settings->status != SAMLC_STATUS_INACTIVE) {
        settings = apr_pmemdup(w->p, w->idp->settings, sizeof(*settings));
        settings->status = SAMLC_STATUS_INACTIVE;
        w->reduced->settings = settings;
        w->trust->settings = settings;
        lose(w, "it is inactive now", idp_path(w, "/idp.conf"));
    }
}

/* ---- Keys on file and from metadata ---- */

/* The keys that metadata has now; NULL if that can't be told. */
static const apr_array_header_t *read_metadata_keys(const work_t *w, const char *path)
{
    samlc_metadata_t *metadata = NULL;
    samlc_data_t file;

    switch (read_file(&file, w, path, SAMLC_MAX_METADATA_FILE)) {
    case GONE:
        return apr_array_make(w->ptemp, 1, sizeof(samlc_metadata_key_t));
    case READ:
        samlc_metadata_parse(&metadata, &file, w->idp->entity_id, samlc_result_make(w->ptemp),
                             w->ptemp);
        return metadata ? metadata->keys : NULL;
    default:
        return NULL;
    }
}

static int has_key(const apr_array_header_t *keys, const samlc_trust_entry_t *entry)
{
    const samlc_metadata_key_t *key = NULL;
    int i = 0;

    for (i = 0; i < keys->nelts; i++) {
        key = &APR_ARRAY_IDX(keys, i, samlc_metadata_key_t);
        if (key->cert && entry->cert ? samlc_cert_equal(key->cert, entry->cert)
                                     : !key->cert && !entry->cert
                                           && samlc_key_equal(key->key, entry->key)) {
            return 1;
        }
    }
    return 0;
}

static const char *describe(const work_t *w, const samlc_trust_entry_t *entry)
{
    return entry->cert ? apr_pstrcat(w->ptemp, "certificate ", samlc_cert_sha256_hex(entry->cert),
                                     NULL)
                       : apr_pstrcat(w->ptemp, "a bare key with SPKI ",
                                     samlc_text_hex(samlc_key_spki_sha256(entry->key),
                                                    SAMLC_SHA256_LEN, w->ptemp), NULL);
}

/* The entries that are still in a file. What was retired stays so, wherever its file is. */
static void keep_entries(work_t *w, const holding_t *slots)
{
    const apr_array_header_t *before = w->idp->trust->entries;
    apr_array_header_t *kept = apr_array_make(w->p, before->nelts, sizeof(samlc_trust_entry_t));
    const apr_array_header_t *keys = NULL;
    const samlc_trust_entry_t *entry = NULL;
    samlc_trust_entry_t *still = NULL;
    int are_keys_read = 0;
    int is_kept = 0;
    int i = 0;

    for (i = 0; i < before->nelts; i++) {
        entry = &APR_ARRAY_IDX(before, i, samlc_trust_entry_t);
        if (entry->mode == SAMLC_MODE_METADATA && !are_keys_read) {
            keys = read_metadata_keys(w, entry->origin);
            are_keys_read = 1;
        }
        is_kept = entry->mode == SAMLC_MODE_METADATA
                      ? !keys || has_key(keys, entry)
                      : entry->slot == SAMLC_SLOT_RETIRED
                            || may_have(slots, entry->cert, entry->origin);
        if (is_kept) {
            still = apr_array_push(kept);
            *still = *entry;
            still->memo = samlc_memo_make(w->p);    /* the chain may become another one */
        }
        else {
            lose(w, describe(w, entry), entry->origin);
        }
    }
    w->trust->entries = kept;
}

static int is_retired(const samlc_trust_t *trust, const samlc_cert_t *cert)
{
    const samlc_trust_entry_t *entry = NULL;
    int i = 0;

    for (i = 0; i < trust->entries->nelts; i++) {
        entry = &APR_ARRAY_IDX(trust->entries, i, samlc_trust_entry_t);
        if (entry->slot == SAMLC_SLOT_RETIRED && samlc_cert_equal(entry->cert, cert)) {
            return 1;
        }
    }
    return 0;
}

/* What is retired now is refused whatever else lists it. */
static void retire(work_t *w)
{
    static const char *const RETIRED[] = {"retired.pem", "retired-*.pem", NULL};
    apr_array_header_t *entries = (apr_array_header_t *)w->trust->entries;    /* made above */
    samlc_cert_t *cert = NULL;
    samlc_data_t der;
    holding_t holding;
    int i = 0;

    hold_nothing(&holding, w->ptemp);
    hold_directory(&holding, w, idp_path(w, ""), RETIRED);
    for (i = 0; i < holding.certs->nelts; i++) {
        cert = APR_ARRAY_IDX(holding.certs, i, samlc_cert_t *);
        if (is_retired(w->trust, cert)) {
            continue;
        }
        der = samlc_cert_der(cert, w->p);    /* this one is of `ptemp` */
        der.origin = apr_pstrdup(w->p, samlc_cert_origin(cert));
        if (samlc_cert_parse_der(&cert, &der, samlc_result_make(w->ptemp), w->p) == APR_SUCCESS) {
            samlc_trust_add(entries, SAMLC_MODE_ON_FILE, SAMLC_SLOT_RETIRED, cert,
                            samlc_cert_key(cert), der.origin, w->p);
            lose(w, apr_pstrcat(w->ptemp, "certificate ", samlc_cert_sha256_hex(cert),
                                " is retired", NULL), der.origin);
        }
    }
}

/* ---- The list of fingerprints ---- */

/* The list as it is now; NULL if that can't be told. */
static const samlc_signcerts_t *read_list(work_t *w)
{
    const samlc_settings_t *settings = w->settings ? w->settings : w->idp->settings;
    const char *value = settings->sign_certs;
    samlc_result_t *res = samlc_result_make(w->ptemp);
    samlc_signcerts_t *list = NULL;
    samlc_data_t file;
    fate_t fate = GONE;

    if (value && value[0] != '@') {
        samlc_signcerts_parse(&list, value, settings->sign_certs_origin, res, w->ptemp);
        return list;
    }
    if (value) {
        value = value[1] == '/' ? value + 1
                                : idp_path(w, apr_pstrcat(w->ptemp, "/", value + 1, NULL));
        fate = read_file(&file, w, value, SAMLC_MAX_CERT_FILE);
    }
    if (fate == READ) {
        samlc_signcerts_parse_file(&list, &file, res, w->ptemp);
    }
    else if (fate == GONE) {
        list = apr_pcalloc(w->ptemp, sizeof(*list));
        list->pins = apr_array_make(w->ptemp, 1, sizeof(samlc_pin_t));
    }
    return list;
}

static int has_pin(const samlc_signcerts_t *list, const samlc_pin_t *pin)
{
    const samlc_pin_t *other = NULL;
    int i = 0;

    for (i = 0; i < list->pins->nelts; i++) {
        other = &APR_ARRAY_IDX(list->pins, i, samlc_pin_t);
        if (other->is_spki == pin->is_spki && other->len == pin->len
            && memcmp(other->digest, pin->digest, pin->len) == 0) {
            return 1;
        }
    }
    return 0;
}

/* Keeps what stands in both lists. */
static void keep_pins(work_t *w)
{
    const samlc_signcerts_t *before = w->idp->trust->list;
    const samlc_signcerts_t *now = before ? read_list(w) : NULL;
    samlc_signcerts_t *kept = NULL;
    const samlc_pin_t *pin = NULL;
    int i = 0;

    if (!now) {
        return;
    }
    kept = apr_pcalloc(w->p, sizeof(*kept));
    kept->any_trusted = before->any_trusted && now->any_trusted;
    if (before->any_trusted && !kept->any_trusted) {
        lose(w, "ANY-TRUSTED", "SignCerts");
    }
    kept->pins = apr_array_make(w->p, before->pins->nelts, sizeof(samlc_pin_t));
    for (i = 0; i < before->pins->nelts; i++) {
        pin = &APR_ARRAY_IDX(before->pins, i, samlc_pin_t);
        if (has_pin(now, pin)) {
            APR_ARRAY_PUSH(kept->pins, samlc_pin_t) = *pin;
        }
        else {
            lose(w, apr_pstrcat(w->ptemp, "fingerprint ",
                                samlc_text_hex(pin->digest, pin->len, w->ptemp), NULL),
                 pin->origin);
        }
    }
    kept->ignore_trust = before->ignore_trust && (now->ignore_trust || now->pins->nelts == 0);
    if (before->ignore_trust && !kept->ignore_trust) {
        lose(w, "CERT_VALIDATION:IGNORE_TRUST", "SignCerts");
    }
    w->trust->list = kept;
    w->trust->known = samlc_known_make(kept, w->p);    /* not what pins that are gone let in */
}

/* ---- Anchors ---- */

/* The revocation lists as they are now, of which each must be readable. */
static int read_crls(apr_array_header_t *crls, const work_t *w, const char *path)
{
    const struct dirent *entry = NULL;
    DIR *dir = opendir(path);
    const char *name = NULL;
    int ok = dir != NULL || is_gone(w, path);

    while (ok && dir && (entry = readdir(dir)) != NULL) {
        name = entry->d_name;
        if (name[0] != '.' && name[strlen(name) - 1] != '~') {
            ok = read_file(&APR_ARRAY_PUSH(crls, samlc_data_t), w,
                           apr_pstrcat(w->ptemp, path, "/", name, NULL), SAMLC_MAX_CERT_FILE)
              == READ;
        }
    }
    if (dir) {
        closedir(dir);
    }
    return ok;
}

/* The chain without the anchors and intermediates that are gone. */
static void rebuild_chain(work_t *w, const apr_array_header_t *kept)
{
    apr_array_header_t *roots = apr_array_make(w->ptemp, 4, sizeof(samlc_cert_t *));
    apr_array_header_t *others = apr_array_make(w->ptemp, 4, sizeof(samlc_cert_t *));
    apr_array_header_t *crls = apr_array_make(w->ptemp, 4, sizeof(samlc_data_t));
    const samlc_chain_t *before = w->idp->trust->chain;
    const samlc_settings_t *settings = w->idp->settings;
    samlc_chain_source_t source;
    samlc_chain_t *chain = NULL;
    const samlc_cert_t *cert = NULL;
    apr_array_header_t *into = NULL;
    int i = 0;

    memset(&source, 0, sizeof(source));
    for (i = 0; i < kept->nelts; i++) {
        cert = APR_ARRAY_IDX(kept, i, const samlc_cert_t *);
        into = samlc_chain_is_anchor(before, cert) ? roots : others;
        APR_ARRAY_PUSH(into, const samlc_cert_t *) = cert;
    }
    source.roots = roots;
    source.intermediates = others;
    source.crls = crls;
    source.use_system_roots = settings->use_system_roots;
    source.crl_check = (samlc_crl_check_t)settings->crl_check;
    source.crl_grace = settings->crl_grace;
    source.conflict = (samlc_conflict_t)settings->cert_conflict;
    if (!read_crls(crls, w, idp_path(w, "/crls"))
        || !read_crls(crls, w, apr_pstrcat(w->ptemp, w->source->dir, "/crls", NULL))
        || samlc_chain_make(&chain, &source, samlc_result_make(w->ptemp), w->p) != APR_SUCCESS) {
        /* Without the lists; where they are asked for nothing passes until they can be read. */
        source.crls = NULL;
        samlc_chain_make(&chain, &source, samlc_result_make(w->ptemp), w->p);
    }
    if (chain) {
        w->trust->chain = chain;
    }
}

static void keep_anchors(work_t *w)
{
    static const char *const ALL[] = {"*", NULL};
    static const char *const DIRS[] = {"/roots", "/intermediates"};
    const apr_array_header_t *before = samlc_chain_certs(w->idp->trust->chain);
    apr_array_header_t *kept = apr_array_make(w->ptemp, 4, sizeof(samlc_cert_t *));
    const samlc_cert_t *cert = NULL;
    holding_t holding;
    int i = 0;

    if (before->nelts == 0) {
        return;
    }
    hold_nothing(&holding, w->ptemp);
    for (i = 0; i < (int)(sizeof(DIRS) / sizeof(DIRS[0])); i++) {
        hold_directory(&holding, w, idp_path(w, DIRS[i]), ALL);
        hold_directory(&holding, w, apr_pstrcat(w->ptemp, w->source->dir, DIRS[i], NULL), ALL);
    }
    for (i = 0; i < before->nelts; i++) {
        cert = APR_ARRAY_IDX(before, i, const samlc_cert_t *);
        if (may_have(&holding, cert, samlc_cert_origin(cert))) {
            APR_ARRAY_PUSH(kept, const samlc_cert_t *) = cert;
        }
        else {
            lose(w, apr_pstrcat(w->ptemp, "CA certificate ", samlc_cert_sha256_hex(cert), NULL),
                 samlc_cert_origin(cert));
        }
    }
    if (kept->nelts != before->nelts) {
        rebuild_chain(w, kept);
    }
}

/* ---- An IdP, and all of them ---- */

static int looks_changed(const samlc_idp_t *idp)
{
    int i = 0;

    for (i = 0; i < idp->watch->nelts; i++) {
        if (!samlc_seen_is_unchanged(&APR_ARRAY_IDX(idp->watch, i, samlc_seen_t))) {
            return 1;
        }
    }
    return 0;
}

/* What is left of an IdP: itself, a reduced one, or NULL. */
static const samlc_idp_t *reduce(work_t *w, const samlc_idp_t *idp)
{
    static const char *const LIVE[] = {"primary.pem", "alternate.pem", "alternate-*.pem",
                                       "staged.pem", NULL};
    holding_t slots;

    if (!looks_changed(idp)) {
        return idp;
    }
    apr_pool_clear(w->ptemp);
    w->idp = idp;
    w->is_reduced = 0;
    w->reduced = apr_pmemdup(w->p, idp, sizeof(*idp));
    w->trust = apr_pmemdup(w->p, idp->trust, sizeof(*idp->trust));
    w->reduced->trust = w->trust;
    w->trust->report_only = NULL;
    read_settings(w);
    if (is_removed(w)) {
        lose(w, "it is gone", idp->entity_id);
        return NULL;
    }
    hold_nothing(&slots, w->ptemp);
    hold_directory(&slots, w, idp_path(w, ""), LIVE);
    reduce_status(w);
    keep_entries(w, &slots);
    retire(w);
    keep_pins(w);
    keep_anchors(w);
    return w->is_reduced ? w->reduced : idp;
}

/* TRUE if a directory is on its way to another version: nothing is gone before it is there. */
static int is_any_half_flipped(const samlc_scan_t *scan, apr_time_t now)
{
    const samlc_seen_t *seen = NULL;
    int is_half = 0;
    int fd = -1;
    int i = 0;

    for (i = 0; !is_half && i < scan->seen->nelts; i++) {
        seen = &APR_ARRAY_IDX(scan->seen, i, samlc_seen_t);
        fd = seen->is_dir ? open(seen->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (fd >= 0) {
            is_half = samlc_mount_is_half_flipped(fd, now);
            close(fd);
        }
    }
    return is_half;
}

/* All IdPs, each without what it lost. */
static void reduce_all(samlc_snapshot_t *s, work_t *w, const apr_array_header_t *before)
{
    apr_array_header_t *idps = apr_array_make(w->p, before->nelts, sizeof(samlc_idp_t *));
    const samlc_idp_t *idp = NULL;
    int i = 0;

    s->by_entity = apr_hash_make(w->p);
    for (i = 0; i < before->nelts; i++) {
        idp = reduce(w, APR_ARRAY_IDX(before, i, samlc_idp_t *));
        if (idp) {
            APR_ARRAY_PUSH(idps, const samlc_idp_t *) = idp;
            apr_hash_set(s->by_entity, idp->entity_id, APR_HASH_KEY_STRING, idp);
        }
    }
    s->idps = idps;
    s->withdrawn = w->lost;
}

/* TRUE if what is in the files now can be compared: no change by a tool is half done. */
static int is_change_complete(const samlc_source_t *source, apr_pool_t *ptemp)
{
    struct stat st;

    return lstat(apr_pstrcat(ptemp, source->dir, "/" SAMLC_SOURCE_JOURNAL, NULL), &st) != 0;
}

samlc_snapshot_t *samlc_snapshot_withdraw(const samlc_snapshot_t *base,
                                          const samlc_source_t *source)
{
    apr_pool_t *pool = samlc_pool_make(NULL);
    apr_pool_t *looks = NULL;
    const samlc_scan_t *before = NULL;
    samlc_snapshot_t *s = NULL;
    work_t w;
    int is_steady = 0;

    if (!pool) {
        return NULL;
    }
    s = apr_pmemdup(pool, base, sizeof(*base));
    s->pool = pool;
    memset(&w, 0, sizeof(w));
    w.source = source;
    w.p = pool;
    w.lost = apr_array_make(pool, 4, sizeof(const char *));
    s->withdrawn = w.lost;
    apr_pool_create(&w.ptemp, pool);
    apr_pool_create(&looks, pool);
    before = samlc_scan_again(base->scan, looks);
    is_steady = !is_any_half_flipped(before, apr_time_now());
    if (is_steady && is_change_complete(source, looks)) {
        reduce_all(s, &w, base->idps);
    }
    is_steady = is_steady && samlc_scan_equal(before, samlc_scan_again(base->scan, looks));
    apr_pool_destroy(looks);
    apr_pool_destroy(w.ptemp);
    if (!is_steady) {
        apr_pool_destroy(pool);
        return NULL;
    }
    return s;
}

int samlc_snapshot_lacks_same(const samlc_snapshot_t *a, const samlc_snapshot_t *b)
{
    int count = a->withdrawn ? a->withdrawn->nelts : 0;
    int i = 0;

    if (count != (b->withdrawn ? b->withdrawn->nelts : 0)) {
        return 0;
    }
    while (i < count && strcmp(APR_ARRAY_IDX(a->withdrawn, i, const char *),
                               APR_ARRAY_IDX(b->withdrawn, i, const char *)) == 0) {
        i++;
    }
    return i == count;
}
