/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log lines: `SMC0201: <code>: <sentence>`. Each tag stands in this file once and is never given to
 * anything else. What a stranger can trigger is logged at INFO, or no more often than
 * mod_samlc_log_is_due says.
 */
#ifndef MOD_SAMLC_LOG_H
#define MOD_SAMLC_LOG_H

#include <httpd.h>
#include <http_log.h>

#include "core/base/result.h"
#include "httpd/config.h"

APLOG_USE_MODULE(samlcert);

/* configuration and start */
#define MOD_SAMLC_TAG_CONFIG "SMC0001: "         /* directives that do not fit together */
#define MOD_SAMLC_TAG_TRUST "SMC0002: "          /* trust directory that can't be loaded */
#define MOD_SAMLC_TAG_TRUST_WARNING "SMC0003: "
#define MOD_SAMLC_TAG_UNREADABLE "SMC0004: "     /* the children could not read a file again */
#define MOD_SAMLC_TAG_START "SMC0005: "          /* shared memory, watchdog, libraries */
#define MOD_SAMLC_TAG_STATE_DIR "SMC0006: "
#define MOD_SAMLC_TAG_INSECURE "SMC0007: "       /* SamlCertInsecureCookies on */
#define MOD_SAMLC_TAG_HTTP_BASE "SMC0008: "      /* http: without SamlCertInsecureCookies */
#define MOD_SAMLC_TAG_UNPRIVILEGED "SMC0009: " /* the server's user can write the trust directory */

#define MOD_SAMLC_TAG_LAST_GOOD "SMC0010: " /* started with what the archive has, or could not */
#define MOD_SAMLC_TAG_REPLACEABLE "SMC0017: " /* who writes above the trust directory */

#define MOD_SAMLC_TAG_PASSPHRASE "SMC0011: " /* there is none, or others could read it */
#define MOD_SAMLC_TAG_PASSPHRASE_KEPT "SMC0012: " /* a restart could not read it again */
#define MOD_SAMLC_TAG_BROKER "SMC0013: "         /* can't be started */
#define MOD_SAMLC_TAG_BROKER_UNUSED "SMC0014: "  /* asked for where it can't be of use */
#define MOD_SAMLC_TAG_BROKER_ENDED "SMC0015: "
#define MOD_SAMLC_TAG_BROKER_STARTED "SMC0016: "

/* reload */
#define MOD_SAMLC_TAG_GENERATION "SMC0101: "
#define MOD_SAMLC_TAG_REFUSED_SET "SMC0102: "
#define MOD_SAMLC_TAG_SET_WARNING "SMC0103: "
#define MOD_SAMLC_TAG_RECOVERED "SMC0104: "
#define MOD_SAMLC_TAG_CHILD_LOADED "SMC0105: "
#define MOD_SAMLC_TAG_CHILD_FAILED "SMC0106: "
#define MOD_SAMLC_TAG_KEPT "SMC0107: "           /* in the archive */
#define MOD_SAMLC_TAG_UNKEPT "SMC0108: "
#define MOD_SAMLC_TAG_NO_LAST_GOOD "SMC0109: "   /* the archive's copy can't be used */
#define MOD_SAMLC_TAG_LEDGER_CLOSED "SMC0113: "  /* logins are not counted, or not synced */
#define MOD_SAMLC_TAG_LEDGER_ASIDE "SMC0114: "   /* the file was no ledger: begun anew */
#define MOD_SAMLC_TAG_LEDGER_FULL "SMC0115: "
#define MOD_SAMLC_TAG_LOST "SMC0117: "           /* the last key of an IdP, our active one */
#define MOD_SAMLC_TAG_WITHDRAWN "SMC0116: "      /* taken away although the set is refused */
#define MOD_SAMLC_TAG_MOVED "SMC0120: "          /* a certificate or key has another slot */
#define MOD_SAMLC_TAG_NOT_PROMOTED "SMC0121: "   /* PromoteOnFirstUse could not be written down */

/* logins */
#define MOD_SAMLC_TAG_ACCEPTED "SMC0200: "
#define MOD_SAMLC_TAG_REFUSED "SMC0201: "
#define MOD_SAMLC_TAG_TRUST_DOUBT "SMC0202: "    /* accepted; look at the certificate */
#define MOD_SAMLC_TAG_NO_LOGIN "SMC0203: "       /* no login can be started */
#define MOD_SAMLC_TAG_NOT_ACTIVE "SMC0204: "     /* AuthType SAML where the module takes no part */
#define MOD_SAMLC_TAG_UNLISTED "SMC0206: " /* signed by a certificate that nobody configured */
#define MOD_SAMLC_TAG_REMEMBERED "SMC0207: "     /* a certificate is kept for its pin */
#define MOD_SAMLC_TAG_NOT_REMEMBERED "SMC0208: "
#define MOD_SAMLC_TAG_DROPPED "SMC0212: "        /* attribute values of scopes not declared */
#define MOD_SAMLC_TAG_TARGET "SMC0205: "         /* a target that the browser may not be sent to */

/* store */
#define MOD_SAMLC_TAG_STORE_CLOSED "SMC0301: "
#define MOD_SAMLC_TAG_STORE_FAILED "SMC0302: "
#define MOD_SAMLC_TAG_STORE_OPENED "SMC0303: "

/*
 * TRUE if nothing was said of `subject` by this process for the time `every`; from now on something
 * was. Five subjects may share four places of the small table, then they are said more often. Any
 * thread.
 */
int mod_samlc_log_is_due(const char *subject, apr_time_t now, apr_interval_time_t every);

/* The store failed a request: ERR, but not once for each. */
void mod_samlc_log_store_failure(request_rec *r, const samlc_result_t *res);

/* A number that stands for a text in tables: FNV-1a, 64 bits, never 0. */
apr_uint64_t mod_samlc_log_hash(const char *text);

#endif
