/* SPDX-License-Identifier: Apache-2.0 */
/* What a POSIX extended regular expression costs before it is compiled. */
#ifndef SAMLC_TRUST_REGEX_H
#define SAMLC_TRUST_REGEX_H

/*
 * TRUE if the expression has more than 1000 characters and brackets once its repetitions are
 * written out, as regcomp does it: a{255}{255} has 65025, and each + doubles what is before it, so
 * that forty of them are more than the memory of any machine.
 */
int samlc_regex_is_too_long(const char *regex);

#endif
