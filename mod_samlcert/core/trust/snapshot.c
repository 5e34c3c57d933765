/* SPDX-License-Identifier: Apache-2.0 */
#include "core/trust/snapshot.h"

#include <string.h>

#include <apr_allocator.h>
#include <apr_strings.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "core/base/file.h"

/* What a load works with. `p` is the generation's own pool, `ptemp` holds file contents. */
typedef struct load_t {
    const samlc_source_t *source;
    samlc_snapshot_t *snapshot;
    apr_array_header_t *idps;          /* samlc_idp_t * */
    apr_array_header_t *settings;      /* named_settings_t */
    apr_array_header_t *outside;       /* const char * */
    apr_array_header_t *warnings;      /* const char * */
    apr_hash_t *contents;              /* path -> samlc_data_t *: each file is read once */
    samlc_result_t *res;
    apr_pool_t *p;
    apr_pool_t *ptemp;
} load_t;

/* The settings of an IdP and the files that they name. */
typedef struct named_settings_t {
    const char *name;
    samlc_settings_t *settings;
    const char *origin;                /* where they stand, or should stand */
    const char *metadata_path;         /* NULL: none */
    const char *sign_certs_path;       /* NULL: the list stands in the setting */
} named_settings_t;

/* --- files --- */

static apr_status_t contents_of(const samlc_data_t **data, load_t *l, const char *path,
                                apr_size_t max)
{
    samlc_data_t *read = apr_hash_get(l->contents, path, APR_HASH_KEY_STRING);
    apr_status_t rv = APR_SUCCESS;

    *data = NULL;
    if (read == NULL) {
        read = apr_pcalloc(l->ptemp, sizeof(*read));
        rv = samlc_file_read(read, samlc_source_place(l->source, path, l->ptemp), max, l->res,
                             l->ptemp);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        read->origin = apr_pstrdup(l->p, path);   /* outlives the contents */
        apr_hash_set(l->contents, path, APR_HASH_KEY_STRING, read);
    }
    *data = read;
    return APR_SUCCESS;
}

static const samlc_seen_t *seen_at(const load_t *l, int i)
{
    return &APR_ARRAY_IDX(l->snapshot->scan->seen, i, samlc_seen_t);
}

/* Where a name is, or would be: what was seen is sorted. */
static int position_of(const load_t *l, const char *name)
{
    int low = 0, high = l->snapshot->scan->seen->nelts;

    while (low < high) {
        int middle = low + (high - low) / 2;

        if (strcmp(seen_at(l, middle)->name, name) < 0) {
            low = middle + 1;
        }
        else {
            high = middle;
        }
    }
    return low;
}

static const samlc_seen_t *find_seen(const load_t *l, const char *name)
{
    int i = position_of(l, name);

    return i < l->snapshot->scan->seen->nelts && strcmp(seen_at(l, i)->name, name) == 0
               ? seen_at(l, i)
               : NULL;
}

/*
 * Steps through what is below directory `dir` ("roots", "idp/NAME"): the first after *i, which
 * starts at -1; NULL at the end.
 */
static const samlc_seen_t *next_below(const load_t *l, const char *dir, int *i)
{
    apr_size_t len = strlen(dir);

    *i = *i < 0 ? position_of(l, apr_pstrcat(l->ptemp, dir, "/", NULL)) : *i + 1;
    if (*i < l->snapshot->scan->seen->nelts && strncmp(seen_at(l, *i)->name, dir, len) == 0
        && seen_at(l, *i)->name[len] == '/') {
        return seen_at(l, *i);
    }
    return NULL;
}

/* The same, files directly in it only. */
static const samlc_seen_t *next_file(const load_t *l, const char *dir, int *i)
{
    const samlc_seen_t *seen = NULL;

    do {
        seen = next_below(l, dir, i);
    } while (seen != NULL && (seen->is_dir || strchr(seen->name + strlen(dir) + 1, '/') != NULL));
    return seen;
}

/* All certificates in the files of a directory. */
static apr_status_t read_cert_dir(apr_array_header_t *certs, load_t *l, const char *dir)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1;

    while (rv == APR_SUCCESS && (seen = next_file(l, dir, &i)) != NULL) {
        const samlc_data_t *file = NULL;
        apr_array_header_t *found = NULL;

        rv = contents_of(&file, l, seen->path, SAMLC_MAX_CERT_FILE);
        if (rv == APR_SUCCESS) {
            rv = samlc_cert_parse_file(&found, file, l->res, l->p);
        }
        if (rv == APR_SUCCESS) {
            apr_array_cat(certs, found);
        }
    }
    return rv;
}

static apr_status_t read_crl_dir(apr_array_header_t *crls, load_t *l, const char *dir)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1;

    while (rv == APR_SUCCESS && (seen = next_file(l, dir, &i)) != NULL) {
        const samlc_data_t *file = NULL;

        rv = contents_of(&file, l, seen->path, SAMLC_MAX_METADATA_FILE);
        if (rv == APR_SUCCESS) {
            APR_ARRAY_PUSH(crls, samlc_data_t) = *file;
        }
    }
    return rv;
}

/* --- settings --- */

static const samlc_section_t *find_section(const load_t *l, const char *name)
{
    int i = 0;

    for (i = 0; l->source->sections != NULL && i < l->source->sections->nelts; i++) {
        const samlc_section_t *s = &APR_ARRAY_IDX(l->source->sections, i, samlc_section_t);

        if (strcmp(s->name, name) == 0) {
            return s;
        }
    }
    return NULL;
}

static apr_status_t apply_section(samlc_settings_t *settings, const samlc_section_t *section,
                                  samlc_result_t *res, apr_pool_t *p)
{
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    for (i = 0; i < section->lines->nelts && rv == APR_SUCCESS; i++) {
        const samlc_section_line_t *line = &APR_ARRAY_IDX(section->lines, i, samlc_section_line_t);

        rv = samlc_settings_set(settings, line->name, line->value, line->origin, res, p);
    }
    return rv;
}

/* A file that a setting names: relative to the directory of the IdP. */
static const char *resolve(const load_t *l, const char *idp, const char *file)
{
    return file[0] == '/' ? file
                          : apr_pstrcat(l->p, l->source->dir, "/idp/", idp, "/", file, NULL);
}

/* Notes a file that a setting names, so that it is watched wherever it is. */
static const char *name_file(load_t *l, const char *idp, const char *file)
{
    const char *path = resolve(l, idp, file);
    apr_size_t dir = strlen(l->source->dir);
    int i = 0;

    if (strncmp(path, l->source->dir, dir) == 0 && path[dir] == '/'
        && find_seen(l, path + dir + 1) != NULL) {
        return path;   /* one of the names that the trust directory knows */
    }
    for (i = 0; i < l->outside->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(l->outside, i, const char *), path) == 0) {
            return path;
        }
    }
    APR_ARRAY_PUSH(l->outside, const char *) = path;
    return path;
}

static apr_status_t read_settings(load_t *l, const char *name)
{
    const samlc_section_t *section = find_section(l, name);
    const samlc_seen_t *conf = find_seen(l, apr_pstrcat(l->ptemp, "idp/", name, "/idp.conf", NULL));
    const samlc_seen_t *metadata =
        find_seen(l, apr_pstrcat(l->ptemp, "idp/", name, "/metadata.xml", NULL));
    samlc_settings_t *settings = samlc_settings_make(l->p);
    named_settings_t *named = NULL;
    const samlc_data_t *file = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (conf != NULL && section != NULL) {
        return samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "IdP %s has its settings in %s and in %s: keep one of them", name,
                                 section->origin, conf->path);
    }
    if (section != NULL) {
        rv = apply_section(settings, section, l->res, l->p);
    }
    else if (conf != NULL) {
        rv = contents_of(&file, l, conf->path, SAMLC_MAX_CERT_FILE);
        if (rv == APR_SUCCESS) {
            rv = samlc_settings_parse(settings, file, l->res, l->p);
        }
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    named = apr_array_push(l->settings);
    named->name = name;
    named->settings = settings;
    named->origin = section != NULL ? section->origin : resolve(l, name, "idp.conf");
    named->metadata_path = settings->metadata != NULL ? name_file(l, name, settings->metadata)
                           : metadata != NULL         ? metadata->path
                                                      : NULL;
    named->sign_certs_path = settings->sign_certs != NULL && settings->sign_certs[0] == '@'
                                 ? name_file(l, name, settings->sign_certs + 1)
                                 : NULL;
    return APR_SUCCESS;
}

/* The IdPs: directories below idp/, and sections without a directory. */
static apr_status_t read_all_settings(load_t *l)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1;

    while (rv == APR_SUCCESS && (seen = next_below(l, "idp", &i)) != NULL) {
        if (seen->is_dir && strchr(seen->name + 4, '/') == NULL) {
            rv = read_settings(l, seen->name + 4);
        }
    }
    for (i = 0; l->source->sections != NULL && i < l->source->sections->nelts && rv == APR_SUCCESS;
         i++) {
        const samlc_section_t *s = &APR_ARRAY_IDX(l->source->sections, i, samlc_section_t);

        if (find_seen(l, apr_pstrcat(l->ptemp, "idp/", s->name, NULL)) == NULL) {
            rv = read_settings(l, apr_pstrdup(l->p, s->name));
        }
    }
    return rv;
}

/* --- identity providers --- */

/* The slot that a file name in the directory of an IdP stands for. */
static samlc_trust_slot_t slot_of(const char *file)
{
    static const struct {
        const char *name;
        samlc_trust_slot_t slot;
    } SLOTS[] = {
        { "primary", SAMLC_SLOT_PRIMARY },
        { "alternate", SAMLC_SLOT_ALTERNATE },
        { "staged", SAMLC_SLOT_STAGED },
        { "retired", SAMLC_SLOT_RETIRED },
    };
    apr_size_t i = 0;

    for (i = 0; i < sizeof(SLOTS) / sizeof(SLOTS[0]); i++) {
        apr_size_t len = strlen(SLOTS[i].name);

        if (strncmp(file, SLOTS[i].name, len) == 0
            && (strcmp(file + len, ".pem") == 0 || file[len] == '-')) {
            return SLOTS[i].slot;
        }
    }
    return SAMLC_SLOT_NONE;
}

/* The certificates on file, primary first: it is the best guess for messages without KeyInfo. */
static apr_status_t read_slots(apr_array_header_t *slots, load_t *l, const char *dir)
{
    static const samlc_trust_slot_t ORDER[] = { SAMLC_SLOT_PRIMARY, SAMLC_SLOT_STAGED,
                                                SAMLC_SLOT_ALTERNATE, SAMLC_SLOT_RETIRED };
    apr_status_t rv = APR_SUCCESS;
    const samlc_seen_t *seen = NULL;
    apr_size_t k = 0;
    int i = 0, c = 0;

    for (k = 0; k < sizeof(ORDER) / sizeof(ORDER[0]); k++) {
        for (i = -1; rv == APR_SUCCESS && (seen = next_file(l, dir, &i)) != NULL;) {
            const samlc_data_t *file = NULL;
            apr_array_header_t *certs = NULL;

            if (slot_of(strrchr(seen->name, '/') + 1) != ORDER[k]) {
                continue;
            }
            rv = contents_of(&file, l, seen->path, SAMLC_MAX_CERT_FILE);
            if (rv == APR_SUCCESS) {
                rv = samlc_cert_parse_file(&certs, file, l->res, l->p);
            }
            for (c = 0; rv == APR_SUCCESS && c < certs->nelts; c++) {
                samlc_idp_slot_t *slot = apr_array_push(slots);

                slot->slot = ORDER[k];
                slot->cert = APR_ARRAY_IDX(certs, c, samlc_cert_t *);
                slot->origin = file->origin;
            }
        }
    }
    return rv;
}

/* Adds what was seen of a directory, itself and all below it. */
static void watch_dir(apr_array_header_t *watch, const load_t *l, const char *dir)
{
    const samlc_seen_t *seen = find_seen(l, dir);
    int i = -1;

    while (seen != NULL) {
        APR_ARRAY_PUSH(watch, samlc_seen_t) = *seen;
        seen = next_below(l, dir, &i);
    }
}

static void watch_file(apr_array_header_t *watch, const load_t *l, const char *path)
{
    const samlc_seen_t *seen = path == NULL ? NULL : find_seen(l, path);

    if (seen != NULL) {
        APR_ARRAY_PUSH(watch, samlc_seen_t) = *seen;
    }
}

/* What a login of this IdP looks at before it trusts: its own files and the shared ones. */
static apr_array_header_t *watch_of(const load_t *l, const named_settings_t *named)
{
    apr_array_header_t *watch = apr_array_make(l->p, 8, sizeof(samlc_seen_t));

    watch_file(watch, l, ".");
    watch_dir(watch, l, apr_pstrcat(l->ptemp, "idp/", named->name, NULL));
    watch_dir(watch, l, "roots");
    watch_dir(watch, l, "intermediates");
    watch_dir(watch, l, "crls");
    watch_file(watch, l, named->metadata_path);    /* found by path if it is outside */
    watch_file(watch, l, named->sign_certs_path);
    return watch;
}

/* Certificates or lists of this IdP and of all: DIR below its directory and at the top. */
static apr_status_t read_material(apr_array_header_t *into, load_t *l, const char *idp_dir,
                                  const char *dir,
                                  apr_status_t (*read)(apr_array_header_t *, load_t *,
                                                       const char *))
{
    apr_status_t rv = read(into, l, apr_pstrcat(l->ptemp, idp_dir, "/", dir, NULL));

    return rv == APR_SUCCESS ? read(into, l, dir) : rv;
}

/* A file that a setting names: who reads that it is missing wants to know who asks for it. */
static apr_status_t named_contents(const samlc_data_t **data, load_t *l,
                                   const named_settings_t *named, const char *path, apr_size_t max)
{
    apr_status_t rv = contents_of(data, l, path, max);

    if (rv != APR_SUCCESS) {
        samlc_result_prefix(l->res, apr_psprintf(l->res->pool, "%s: IdP %s",
                                                 path == named->sign_certs_path
                                                     ? named->settings->sign_certs_origin
                                                     : named->origin,
                                                 named->name));
    }
    return rv;
}

static apr_status_t build_idp(load_t *l, const named_settings_t *named)
{
    const char *dir = apr_pstrcat(l->ptemp, "idp/", named->name, NULL);
    apr_array_header_t *slots = apr_array_make(l->p, 4, sizeof(samlc_idp_slot_t));
    apr_array_header_t *roots = apr_array_make(l->p, 2, sizeof(samlc_cert_t *));
    apr_array_header_t *intermediates = apr_array_make(l->p, 2, sizeof(samlc_cert_t *));
    apr_array_header_t *crls = apr_array_make(l->ptemp, 2, sizeof(samlc_data_t));
    samlc_idp_material_t m;
    samlc_idp_t *idp = NULL;
    apr_status_t rv = read_slots(slots, l, dir);

    memset(&m, 0, sizeof(m));
    m.name = apr_pstrdup(l->p, named->name);
    m.settings = named->settings;
    m.origin = named->origin;
    m.slots = slots;
    m.roots = roots;
    m.intermediates = intermediates;
    m.crls = crls;
    m.watch = watch_of(l, named);
    if (rv == APR_SUCCESS) {
        rv = read_material(roots, l, dir, "roots", read_cert_dir);
    }
    if (rv == APR_SUCCESS) {
        rv = read_material(intermediates, l, dir, "intermediates", read_cert_dir);
    }
    if (rv == APR_SUCCESS) {
        rv = read_material(crls, l, dir, "crls", read_crl_dir);
    }
    if (rv == APR_SUCCESS && named->metadata_path != NULL) {
        rv = named_contents(&m.metadata, l, named, named->metadata_path, SAMLC_MAX_METADATA_FILE);
    }
    if (rv == APR_SUCCESS && named->sign_certs_path != NULL) {
        rv = named_contents(&m.sign_certs_file, l, named, named->sign_certs_path,
                            SAMLC_MAX_CERT_FILE);
    }
    if (rv == APR_SUCCESS) {
        rv = samlc_idp_build(&idp, &m, l->snapshot->loaded_at, l->warnings, l->res, l->p);
    }
    if (rv == APR_SUCCESS) {
        APR_ARRAY_PUSH(l->idps, samlc_idp_t *) = idp;
    }
    return rv;
}

static int compare_idps(const void *a, const void *b)
{
    return strcmp((*(samlc_idp_t *const *)a)->name, (*(samlc_idp_t *const *)b)->name);
}

static apr_status_t build_idps(load_t *l)
{
    apr_status_t rv = APR_SUCCESS;
    int i = 0;

    for (i = 0; i < l->settings->nelts && rv == APR_SUCCESS; i++) {
        rv = build_idp(l, &APR_ARRAY_IDX(l->settings, i, named_settings_t));
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    qsort(l->idps->elts, (size_t)l->idps->nelts, sizeof(samlc_idp_t *), compare_idps);
    for (i = 0; i < l->idps->nelts; i++) {
        const samlc_idp_t *idp = APR_ARRAY_IDX(l->idps, i, samlc_idp_t *);
        const samlc_idp_t *other =
            apr_hash_get(l->snapshot->by_entity, idp->entity_id, APR_HASH_KEY_STRING);

        if (other != NULL) {
            return samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                     "IdP %s and IdP %s have the same entity ID %s", other->name,
                                     idp->name, samlc_text_show(idp->entity_id, l->p));
        }
        apr_hash_set(l->snapshot->by_entity, idp->entity_id, APR_HASH_KEY_STRING, idp);
    }
    return APR_SUCCESS;
}

/* --- our own keys --- */

static apr_status_t read_own_key(samlc_keyset_t *set, load_t *l, samlc_own_role_t role)
{
    const char *stem = apr_pstrcat(l->ptemp, "sp/", set->name, "/", samlc_own_role_word(role),
                                   NULL);
    const char *key_name = apr_pstrcat(l->ptemp, stem, ".key", NULL);
    const char *cert_name = apr_pstrcat(l->ptemp, stem, ".crt", NULL);
    const samlc_seen_t *key = find_seen(l, key_name);
    const samlc_seen_t *cert = find_seen(l, cert_name);
    const samlc_data_t *key_file = NULL, *cert_file = NULL;
    apr_status_t rv = APR_SUCCESS;

    if (key == NULL && cert == NULL) {
        return APR_SUCCESS;
    }
    if (key == NULL || cert == NULL) {
        return samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s has no %s beside it", key == NULL ? cert->path : key->path,
                                 key == NULL ? "key (.key)" : "certificate (.crt)");
    }
    rv = contents_of(&key_file, l, key->path, SAMLC_MAX_CERT_FILE);
    if (rv == APR_SUCCESS) {
        rv = contents_of(&cert_file, l, cert->path, SAMLC_MAX_CERT_FILE);
    }
    return rv == APR_SUCCESS ? samlc_keyset_add(set, role, key_file, cert_file, l->res, l->p) : rv;
}

static apr_status_t read_keysets(load_t *l)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1, role = 0;

    while (rv == APR_SUCCESS && (seen = next_below(l, "sp", &i)) != NULL) {
        samlc_keyset_t *set = NULL;

        if (!seen->is_dir) {
            continue;
        }
        set = apr_pcalloc(l->p, sizeof(*set));
        set->name = apr_pstrdup(l->p, seen->name + 3);
        for (role = 0; role < SAMLC_OWN_COUNT && rv == APR_SUCCESS; role++) {
            rv = read_own_key(set, l, (samlc_own_role_t)role);
        }
        if (rv == APR_SUCCESS && set->keys[SAMLC_OWN_ACTIVE].key != NULL) {
            apr_hash_set(l->snapshot->keysets, set->name, APR_HASH_KEY_STRING, set);
        }
        else if (rv == APR_SUCCESS
                 && (set->keys[SAMLC_OWN_NEXT].key != NULL
                     || set->keys[SAMLC_OWN_RETIRING].key != NULL)) {
            rv = samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                   "%s has keys, but no active.key", seen->path);
        }
    }
    return rv;
}

/* --- the generation --- */

/* FALSE if OpenSSL refuses. */
static int digest_text(EVP_MD_CTX *md, const char *name, const void *data, apr_size_t len)
{
    apr_uint64_t lengths[2];

    lengths[0] = strlen(name);
    lengths[1] = len;
    return EVP_DigestUpdate(md, lengths, sizeof(lengths)) == 1
           && EVP_DigestUpdate(md, name, strlen(name)) == 1 && EVP_DigestUpdate(md, data, len) == 1;
}

static int digest_sections(EVP_MD_CTX *md, const samlc_source_t *source)
{
    int ok = 1;
    int i = 0, k = 0;

    for (i = 0; source->sections != NULL && i < source->sections->nelts; i++) {
        const samlc_section_t *s = &APR_ARRAY_IDX(source->sections, i, samlc_section_t);

        for (k = 0; ok && k < s->lines->nelts; k++) {
            const samlc_section_line_t *line = &APR_ARRAY_IDX(s->lines, k, samlc_section_line_t);

            ok = digest_text(md, s->name, line->name, strlen(line->name))
                 && digest_text(md, line->name, line->value, strlen(line->value));
        }
    }
    return ok;
}

/*
 * Names and contents of all files that count, and the sections; no times, so that equal nodes
 * agree.
 */
static apr_status_t digest_all(load_t *l)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    apr_size_t dir = strlen(l->source->dir);
    apr_status_t rv = APR_SUCCESS;
    int ok = md != NULL && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
    int i = 0;

    for (i = 0; ok && i < l->snapshot->scan->seen->nelts && rv == APR_SUCCESS; i++) {
        const samlc_seen_t *seen = seen_at(l, i);
        const samlc_data_t *file = NULL;
        int is_below = strncmp(seen->path, l->source->dir, dir) == 0 && seen->path[dir] == '/';

        if (!seen->is_dir) {
            rv = contents_of(&file, l, seen->path, SAMLC_MAX_METADATA_FILE);
            if (rv == APR_SUCCESS) {
                ok = digest_text(md, is_below ? seen->path + dir + 1 : seen->path, file->data,
                                 file->len);
            }
        }
    }
    if (ok && rv == APR_SUCCESS) {
        ok = digest_sections(md, l->source)
             && EVP_DigestFinal_ex(md, l->snapshot->digest, NULL) == 1;
    }
    EVP_MD_CTX_free(md);
    if (rv == APR_SUCCESS && !ok) {
        rv = samlc_result_fail_openssl(l->res, APR_EGENERAL, SAMLC_REASON_INTERNAL, "no digest");
    }
    l->snapshot->digest_hex = samlc_text_hex(l->snapshot->digest, SAMLC_SHA256_LEN, l->p);
    return rv;
}

static apr_status_t look(load_t *l, const apr_array_header_t *outside)
{
    samlc_scan_t *scan = NULL;
    apr_status_t rv = samlc_source_scan(&scan, l->source, outside, l->res, l->p);

    l->snapshot->scan = scan;
    return rv;
}

static int same_names(const apr_array_header_t *a, const apr_array_header_t *b)
{
    int i = 0;

    if ((a == NULL ? 0 : a->nelts) != b->nelts) {
        return 0;
    }
    for (i = 0; i < b->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(a, i, const char *), APR_ARRAY_IDX(b, i, const char *)) != 0) {
            return 0;
        }
    }
    return 1;
}

static apr_status_t load_all(load_t *l, const apr_array_header_t *outside)
{
    apr_status_t rv = look(l, outside);

    if (rv == APR_SUCCESS) {
        rv = read_all_settings(l);
    }
    if (rv == APR_SUCCESS && !same_names(outside, l->outside)) {
        rv = look(l, l->outside);   /* now with the files that the settings name */
    }
    if (rv == APR_SUCCESS) {
        rv = read_keysets(l);
    }
    if (rv == APR_SUCCESS) {
        rv = build_idps(l);
    }
    if (rv == APR_SUCCESS) {
        rv = digest_all(l);
    }
    return rv;
}

/* Private keys were among the contents. */
static void cleanse_contents(const load_t *l)
{
    apr_hash_index_t *i = NULL;

    for (i = apr_hash_first(l->ptemp, l->contents); i != NULL; i = apr_hash_next(i)) {
        samlc_data_t *data = apr_hash_this_val(i);

        OPENSSL_cleanse((void *)data->data, data->len);
    }
}

/* A pool with its own allocator: freeing a generation gives its memory back as a whole. */
static apr_pool_t *make_pool(void)
{
    apr_allocator_t *allocator = NULL;
    apr_pool_t *pool = NULL;

    if (apr_allocator_create(&allocator) != APR_SUCCESS) {
        return NULL;
    }
    if (apr_pool_create_unmanaged_ex(&pool, NULL, allocator) != APR_SUCCESS) {
        apr_allocator_destroy(allocator);
        return NULL;
    }
    apr_allocator_owner_set(allocator, pool);
    apr_pool_tag(pool, "samlcert generation");
    return pool;
}

static void tell_outside(apr_array_header_t **outside_seen, const load_t *l, apr_pool_t *p)
{
    int i = 0;

    *outside_seen = apr_array_make(p, l->outside->nelts, sizeof(const char *));
    for (i = 0; i < l->outside->nelts; i++) {
        APR_ARRAY_PUSH(*outside_seen, const char *) =
            apr_pstrdup(p, APR_ARRAY_IDX(l->outside, i, const char *));
    }
}

apr_status_t samlc_snapshot_load(samlc_snapshot_t **snapshot, const samlc_source_t *source,
                                 const apr_array_header_t *outside,
                                 apr_array_header_t **outside_seen, apr_time_t now,
                                 samlc_result_t *res, apr_pool_t *p)
{
    apr_pool_t *pool = make_pool();
    samlc_snapshot_t *s = NULL;
    load_t l;
    apr_status_t rv = APR_EGENERAL;

    *snapshot = NULL;
    if (outside_seen != NULL) {
        *outside_seen = NULL;
    }
    if (pool == NULL) {
        return samlc_result_fail(res, APR_ENOMEM, SAMLC_REASON_INTERNAL,
                                 "no memory for a generation");
    }
    s = apr_pcalloc(pool, sizeof(*s));
    s->pool = pool;
    s->loaded_at = now;
    s->by_entity = apr_hash_make(pool);
    s->keysets = apr_hash_make(pool);
    memset(&l, 0, sizeof(l));
    l.source = source;
    l.snapshot = s;
    l.p = pool;
    l.res = res;
    apr_pool_create(&l.ptemp, pool);
    l.idps = apr_array_make(pool, 4, sizeof(samlc_idp_t *));
    l.settings = apr_array_make(l.ptemp, 4, sizeof(named_settings_t));
    l.outside = apr_array_make(pool, 2, sizeof(const char *));
    l.warnings = apr_array_make(pool, 4, sizeof(const char *));
    l.contents = apr_hash_make(l.ptemp);
    s->idps = l.idps;
    s->outside = l.outside;
    s->warnings = l.warnings;
    rv = load_all(&l, outside);
    if (outside_seen != NULL) {
        tell_outside(outside_seen, &l, p);
    }
    cleanse_contents(&l);
    apr_pool_destroy(l.ptemp);
    if (rv != APR_SUCCESS) {
        apr_pool_destroy(pool);
        return rv;
    }
    *snapshot = s;
    return APR_SUCCESS;
}

void samlc_snapshot_destroy(samlc_snapshot_t *snapshot)
{
    apr_pool_destroy(snapshot->pool);
}

const samlc_idp_t *samlc_snapshot_idp_by_entity(const samlc_snapshot_t *snapshot,
                                                const char *entity_id)
{
    return apr_hash_get(snapshot->by_entity, entity_id, APR_HASH_KEY_STRING);
}

const samlc_idp_t *samlc_snapshot_idp_by_name(const samlc_snapshot_t *snapshot, const char *name)
{
    int i = 0;

    for (i = 0; i < snapshot->idps->nelts; i++) {
        const samlc_idp_t *idp = APR_ARRAY_IDX(snapshot->idps, i, samlc_idp_t *);

        if (strcmp(idp->name, name) == 0) {
            return idp;
        }
    }
    return NULL;
}

const samlc_keyset_t *samlc_snapshot_keyset(const samlc_snapshot_t *snapshot, const char *name)
{
    return apr_hash_get(snapshot->keysets, name, APR_HASH_KEY_STRING);
}
