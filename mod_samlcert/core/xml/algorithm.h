/* SPDX-License-Identifier: Apache-2.0 */
/* XML security algorithms: names, and which of them an IdP may use. */
#ifndef SAMLC_XML_ALGORITHM_H
#define SAMLC_XML_ALGORITHM_H

#include <apr_pools.h>

#include "core/base/result.h"

typedef enum {
    SAMLC_ALGORITHM_SIGNATURE,
    SAMLC_ALGORITHM_DIGEST,
    SAMLC_ALGORITHM_C14N,
    SAMLC_ALGORITHM_KEY_TRANSPORT,
    SAMLC_ALGORITHM_ENCRYPTION,
    SAMLC_ALGORITHM_KINDS
} samlc_algorithm_kind_t;

typedef struct samlc_algorithm_t {
    samlc_algorithm_kind_t kind;
    const char *name;      /* usual short name, "rsa-sha256" */
    const char *uri;
    int is_default;        /* allowed unless the settings say otherwise */
    const char *warning;   /* why allowing it is warned of; NULL: nothing to warn */
} samlc_algorithm_t;

/* A set of algorithms of one kind; zero is the empty set, which allows nothing. */
typedef apr_uint32_t samlc_algorithms_t;

/* The algorithm of this kind with this URI; NULL if it is not known (and so never allowed). */
const samlc_algorithm_t *samlc_algorithm_find(samlc_algorithm_kind_t kind, const char *uri);

/*
 * Why no setting can allow the algorithm of this name or URI: HMAC, or one that the xmlsec1 of this
 * build lacks. NULL where there is no more to say than that it is not known.
 */
const char *samlc_algorithm_why_never(const char *name, apr_pool_t *p);

/* The default set. */
samlc_algorithms_t samlc_algorithms_default(samlc_algorithm_kind_t kind);

/*
 * Parses a list of URIs or short names, separated by blanks: the whole list, or each with + or - on
 * the default. Mixing the two forms, an unknown or forbidden name, an empty list: config-invalid.
 */
apr_status_t samlc_algorithms_parse(samlc_algorithms_t *set, samlc_algorithm_kind_t kind,
                                    const char *list, samlc_result_t *res, apr_pool_t *p);

/* TRUE if the set has it; FALSE for NULL. */
int samlc_algorithms_has(samlc_algorithms_t set, const samlc_algorithm_t *algorithm);

/* The algorithms of this kind in the order of the table, for iteration: NULL at the end. */
const samlc_algorithm_t *samlc_algorithm_at(samlc_algorithm_kind_t kind, int index);

/* Short names of the set, separated by blanks. */
const char *samlc_algorithms_show(samlc_algorithms_t set, samlc_algorithm_kind_t kind,
                                  apr_pool_t *p);

#endif
