/* SPDX-License-Identifier: Apache-2.0 */
/* <SamlCertIdP NAME>: the settings of one identity provider in httpd's configuration. */
#ifndef MOD_SAMLC_SECTION_H
#define MOD_SAMLC_SECTION_H

#include <httpd.h>
#include <http_config.h>

/*
 * Reads a section with all its lines. Names and values are checked by the parser of idp.conf, so
 * that an error is reported with its file and line; the lines are kept as they are and become part
 * of each generation.
 */
const char *mod_samlc_section_parse(cmd_parms *cmd, void *dummy, const char *args);

/*
 * The sections of both, `own` ones in the stead of those with the same name. Arrays of
 * samlc_section_t.
 */
apr_array_header_t *mod_samlc_sections_merge(apr_array_header_t *base, apr_array_header_t *own,
                                             apr_pool_t *p);

#endif
