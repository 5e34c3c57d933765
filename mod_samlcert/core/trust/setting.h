/* SPDX-License-Identifier: Apache-2.0 */
/* A row of the table of settings and the parsers of its values; settings.c alone uses them. */
#ifndef SAMLC_TRUST_SETTING_H
#define SAMLC_TRUST_SETTING_H

#include "core/trust/settings.h"

typedef struct samlc_setting_t samlc_setting_t;

/*
 * Reads `value`, which is neither empty nor has control characters, into the member at `field`.
 * NULL, or what is wrong with it; the member is left alone then.
 */
typedef const char *samlc_setting_parser_t(void *field, const char *value,
                                           const samlc_setting_t *setting, apr_pool_t *p);

struct samlc_setting_t {
    const char *name;
    apr_size_t offset;
    samlc_setting_parser_t *parse;
    int low;
    int high;
    const char *preset;
    const char *syntax;
};

samlc_setting_parser_t samlc_setting_parse_text;
samlc_setting_parser_t samlc_setting_parse_uri;
samlc_setting_parser_t samlc_setting_parse_url;
samlc_setting_parser_t samlc_setting_parse_user;
samlc_setting_parser_t samlc_setting_parse_constraint;
samlc_setting_parser_t samlc_setting_parse_regex;
samlc_setting_parser_t samlc_setting_parse_words;
samlc_setting_parser_t samlc_setting_parse_flag;
samlc_setting_parser_t samlc_setting_parse_number;
samlc_setting_parser_t samlc_setting_parse_choice;
samlc_setting_parser_t samlc_setting_parse_binding;
samlc_setting_parser_t samlc_setting_parse_algorithms;
samlc_setting_parser_t samlc_setting_parse_activations;
samlc_setting_parser_t samlc_setting_parse_retirements;

#endif
