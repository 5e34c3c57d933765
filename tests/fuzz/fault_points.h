/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where faults are put: fault_wrap.py writes the wrappers, faults.c says which of them fails, and
 * when.
 */
#ifndef TESTS_FUZZ_FAULT_POINTS_H
#define TESTS_FUZZ_FAULT_POINTS_H

/* The functions that are wrapped, by number; NULL at the end. */
extern const char *const fault_names[];

/* TRUE if this use of function `number` is to fail. */
int fault_due(int number);

/* The same for OpenSSL, which says why in its error queue. */
int fault_due_openssl(int number);

#endif
