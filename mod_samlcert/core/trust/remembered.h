/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates remembered for pins, for messages that carry none: a response without KeyInfo, a
 * signature of the Redirect binding. The first login whose certificate came with the message and
 * was accepted by its pin leaves it here. What is read from here adds no trust: the certificate
 * must match a pin of the present generation, and is judged as if it had come with the message.
 *
 * STATE/remembered/IDP/PIN.pem, where PIN is the kind of the pin and its digest: one file for each
 * pin at most. ANY-TRUSTED is no pin: nothing is remembered for it.
 */
#ifndef SAMLC_TRUST_REMEMBERED_H
#define SAMLC_TRUST_REMEMBERED_H

#include "core/trust/idp.h"

/*
 * Notes that `verdict`, of a login that was accepted, rests on a pin. *is_new: its certificate was
 * written down now. Costs one look at the state directory for each certificate and generation; what
 * could not be written (file-unreadable) is tried again after a minute. For a pin of a key the
 * certificate that ends last is kept.
 */
apr_status_t samlc_remembered_note(int *is_new, const char *state_dir, const samlc_idp_t *idp,
                                   const samlc_trust_verdict_t *verdict, apr_time_t now,
                                   samlc_result_t *res, apr_pool_t *p);

/*
 * Reads what is remembered for those pins of `idp` whose certificate is not known yet. TRUE if one
 * more is known afterwards. It looks at the time of the directory first, so it is for each message
 * that names no certificate of ours. Files that no pin asks for, or whose certificate does not
 * match theirs, are passed over. NULL for `state_dir`: nothing is remembered.
 */
int samlc_remembered_recall(const char *state_dir, const samlc_idp_t *idp, apr_time_t now,
                            apr_pool_t *p);

#endif
