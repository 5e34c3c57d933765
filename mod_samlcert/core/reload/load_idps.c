/* SPDX-License-Identifier: Apache-2.0 */
#include "core/reload/load.h"

#include <stdlib.h>
#include <string.h>

#include <apr_strings.h>

#include "core/base/file.h"

/* The settings of an IdP and the files that they name. */
typedef struct named_settings_t {
    const char *name;
    samlc_settings_t *settings;
    const char *origin;          /* where they stand, or should stand */
    const char *metadata_path;   /* NULL: none */
    const char *sign_certs_path; /* NULL: the list stands in the setting */
} named_settings_t;

static const samlc_section_t *find_section(const samlc_load_t *l, const char *name)
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
static const char *resolve(const samlc_load_t *l, const char *idp, const char *file)
{
    return file[0] == '/' ? file : apr_pstrcat(l->p, l->source->dir, "/idp/", idp, "/", file, NULL);
}

/* Notes a file that a setting names, so that it is watched wherever it is. */
static const char *name_file(samlc_load_t *l, const char *idp, const char *file)
{
    const char *path = resolve(l, idp, file);
    apr_size_t dir = strlen(l->source->dir);
    int i = 0;

    if (strncmp(path, l->source->dir, dir) == 0 && path[dir] == '/'
        && samlc_load_find(l, path + dir + 1) != NULL) {
        return path; /* one of the names that the trust directory knows */
    }
    for (i = 0; i < l->outside->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(l->outside, i, const char *), path) == 0) {
            return path;
        }
    }
    APR_ARRAY_PUSH(l->outside, const char *) = path;
    return path;
}

static apr_status_t read_settings(samlc_load_t *l, const char *name)
{
    const samlc_section_t *section = find_section(l, name);
    const samlc_seen_t *conf = samlc_load_find(
        l, apr_pstrcat(l->ptemp, "idp/", name, "/idp.conf", NULL));
    const samlc_seen_t *metadata = samlc_load_find(
        l, apr_pstrcat(l->ptemp, "idp/", name, "/metadata.xml", NULL));
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
        rv = samlc_load_file(&file, l, conf->path, SAMLC_MAX_CERT_FILE);
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

/* TRUE if a directory below idp/ is there, and nothing yet that says anything of an IdP. */
static int is_bare(const samlc_load_t *l, const char *dir)
{
    const samlc_seen_t *seen = NULL;
    int i = -1;

    do {
        seen = samlc_load_next_below(l, dir, &i);
    } while (seen != NULL && seen->is_dir);
    return seen == NULL && find_section(l, dir + strlen("idp/")) == NULL;
}

/* The directory of an IdP. An empty one is somebody's first step, and no reason to refuse all. */
static apr_status_t read_dir(samlc_load_t *l, const samlc_seen_t *dir)
{
    const char *name = dir->name + strlen("idp/");

    if (is_bare(l, dir->name)) {
        APR_ARRAY_PUSH(l->warnings, const char *) =
            apr_psprintf(l->p, "IdP %s: %s has no settings yet: skipped", name, dir->path);
        return APR_SUCCESS;
    }
    return read_settings(l, name);
}

apr_status_t samlc_load_settings(samlc_load_t *l)
{
    const samlc_seen_t *seen = NULL;
    apr_status_t rv = APR_SUCCESS;
    int i = -1;

    l->settings = apr_array_make(l->ptemp, 4, sizeof(named_settings_t));
    if (l->source->overlay != NULL) {
        APR_ARRAY_PUSH(l->outside, const char *) = l->source->overlay;
    }
    while (rv == APR_SUCCESS && (seen = samlc_load_next_below(l, "idp", &i)) != NULL) {
        if (seen->is_dir && strchr(seen->name + 4, '/') == NULL) {
            rv = read_dir(l, seen);
        }
    }
    for (i = 0; l->source->sections != NULL && i < l->source->sections->nelts && rv == APR_SUCCESS;
         i++) {
        const samlc_section_t *s = &APR_ARRAY_IDX(l->source->sections, i, samlc_section_t);

        if (samlc_load_find(l, apr_pstrcat(l->ptemp, "idp/", s->name, NULL)) == NULL) {
            rv = read_settings(l, apr_pstrdup(l->p, s->name));
        }
    }
    return rv;
}

/* --- identity providers --- */

/* Adds what was seen of a directory, itself and all below it. */
static void watch_dir(apr_array_header_t *watch, const samlc_load_t *l, const char *dir)
{
    const samlc_seen_t *seen = samlc_load_find(l, dir);
    int i = -1;

    while (seen != NULL) {
        APR_ARRAY_PUSH(watch, samlc_seen_t) = *seen;
        seen = samlc_load_next_below(l, dir, &i);
    }
}

static void watch_file(apr_array_header_t *watch, const samlc_load_t *l, const char *path)
{
    const samlc_seen_t *seen = path == NULL ? NULL : samlc_load_find(l, path);

    if (seen != NULL) {
        APR_ARRAY_PUSH(watch, samlc_seen_t) = *seen;
    }
}

/*
 * What a login of this IdP looks at before it trusts: its own files and the shared ones. Our keys
 * are among these: the IdP may encrypt to one that another child published a moment ago.
 */
static apr_array_header_t *watch_of(const samlc_load_t *l, const named_settings_t *named)
{
    apr_array_header_t *watch = apr_array_make(l->p, 8, sizeof(samlc_seen_t));

    watch_file(watch, l, ".");
    watch_dir(watch, l, apr_pstrcat(l->ptemp, "idp/", named->name, NULL));
    watch_dir(watch, l, "roots");
    watch_dir(watch, l, "intermediates");
    watch_dir(watch, l, "crls");
    watch_dir(watch, l, "sp");
    watch_file(watch, l, named->metadata_path); /* found by path if it is outside */
    watch_file(watch, l, named->sign_certs_path);
    watch_file(watch, l, l->source->overlay);
    return watch;
}

/* Certificates or lists of this IdP and of all: DIR below its directory and at the top. */
static apr_status_t read_material(apr_array_header_t *into, samlc_load_t *l, const char *idp_dir,
                                  const char *dir,
                                  apr_status_t (*read)(apr_array_header_t *, samlc_load_t *,
                                                       const char *))
{
    apr_status_t rv = read(into, l, apr_pstrcat(l->ptemp, idp_dir, "/", dir, NULL));

    return rv == APR_SUCCESS ? read(into, l, dir) : rv;
}

/* A file that a setting names: who reads that it is missing wants to know who asks for it. */
static apr_status_t named_contents(const samlc_data_t **data, samlc_load_t *l,
                                   const named_settings_t *named, const char *path, apr_size_t max)
{
    apr_status_t rv = samlc_load_file(data, l, path, max);

    if (rv != APR_SUCCESS) {
        samlc_result_prefix(l->res, apr_psprintf(l->res->pool, "%s: IdP %s",
                                                 path == named->sign_certs_path
                                                     ? named->settings->sign_certs_origin
                                                     : named->origin,
                                                 named->name));
    }
    return rv;
}

static apr_status_t build_idp(samlc_load_t *l, const named_settings_t *named)
{
    const char *dir = apr_pstrcat(l->ptemp, "idp/", named->name, NULL);
    apr_array_header_t *slots = apr_array_make(l->p, 4, sizeof(samlc_idp_slot_t));
    apr_array_header_t *roots = apr_array_make(l->p, 2, sizeof(samlc_cert_t *));
    apr_array_header_t *intermediates = apr_array_make(l->p, 2, sizeof(samlc_cert_t *));
    apr_array_header_t *crls = apr_array_make(l->ptemp, 2, sizeof(samlc_data_t));
    samlc_idp_material_t m;
    samlc_idp_t *idp = NULL;
    apr_status_t rv = samlc_load_slots(slots, l, dir, named->settings);

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
        rv = read_material(roots, l, dir, "roots", samlc_load_certs);
    }
    if (rv == APR_SUCCESS) {
        rv = read_material(intermediates, l, dir, "intermediates", samlc_load_certs);
    }
    if (rv == APR_SUCCESS) {
        rv = read_material(crls, l, dir, "crls", samlc_load_crls);
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

apr_status_t samlc_load_idps(samlc_load_t *l)
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
        const samlc_idp_t *other = apr_hash_get(l->snapshot->by_entity, idp->entity_id,
                                                APR_HASH_KEY_STRING);

        if (other != NULL) {
            return samlc_result_fail(l->res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                     "IdP %s and IdP %s have the same entity ID %s", other->name,
                                     idp->name, samlc_text_show(idp->entity_id, l->p));
        }
        apr_hash_set(l->snapshot->by_entity, idp->entity_id, APR_HASH_KEY_STRING, idp);
    }
    return APR_SUCCESS;
}
