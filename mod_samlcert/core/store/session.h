/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The session record: what a login left behind. Encoded as length-prefixed strings, because it
 * is read on every protected request: decoding copies no string, it points into the bytes.
 */
#ifndef SAMLC_STORE_SESSION_H
#define SAMLC_STORE_SESSION_H

#include <apr_tables.h>
#include <apr_time.h>

#include "core/base/result.h"
#include "core/base/text.h"

/* One attribute; values as const char *. Neither the name nor a value is NULL. */
typedef struct samlc_attribute_t {
    const char *name;
    apr_array_header_t *values;
} samlc_attribute_t;

/* What an application sees of a session: one variable of its environment. */
typedef struct samlc_variable_t {
    const char *name;
    const char *value;
} samlc_variable_t;

/* Strings are NULL where there is nothing. Decoded strings point into the encoded bytes. */
typedef struct samlc_session_t {
    const char *user;             /* REMOTE_USER */
    const char *sp_entity_id;     /* whom it was issued to; worth nothing at another vhost */
    const char *idp_name;
    const char *idp_entity_id;
    const char *name_id;
    const char *name_id_format;
    const char *name_qualifier;
    const char *sp_name_qualifier;
    const char *session_index;
    const char *authn_context;
    const char *authn_instant;
    const char *cert_sha256;      /* hex, the certificate that vouched; "" where a bare key did */
    const char *cert_slot;
    const char *generation;       /* decimal */
    apr_time_t created;
    apr_time_t not_after;         /* lifetime and SessionNotOnOrAfter: the hard end */
    apr_array_header_t *variables;    /* samlc_variable_t: made once, at login; NULL: none */
    /* samlc_attribute_t, in the order of the assertion; NULL: none */
    apr_array_header_t *attributes;
    /* of a session that was opened: its attributes, still encoded */
    samlc_data_t unread;
} samlc_session_t;

/* Encodes into `p`. `attributes` and an attribute's `values` may be NULL: decoded, they are
 * empty. */
samlc_data_t samlc_session_encode(const samlc_session_t *session, apr_pool_t *p);

/*
 * Opens a session for a request: all but its attributes, which few requests ask for. APR_EINVAL for
 * anything that samlc_session_encode did not write (another version included).
 */
apr_status_t samlc_session_open(samlc_session_t **session, const samlc_data_t *bytes,
                                apr_pool_t *p);

/*
 * Reads the attributes of an opened session into it; nothing to do for others. APR_EINVAL as above.
 */
apr_status_t samlc_session_read_attributes(samlc_session_t *session, apr_pool_t *p);

/* Both. */
apr_status_t samlc_session_decode(samlc_session_t **session, const samlc_data_t *bytes,
                                  apr_pool_t *p);

#endif
