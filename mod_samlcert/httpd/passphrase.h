/* SPDX-License-Identifier: Apache-2.0 */
/* SamlCertKeyPassphrase: the parent reads it, as root where it is; children inherit its memory. */
#ifndef MOD_SAMLC_PASSPHRASE_H
#define MOD_SAMLC_PASSPHRASE_H

#include <httpd.h>

#include "core/keys/key.h"

/*
 * The passphrase that this server's SamlCertKeyPassphrase leads to; NULL where there is none. It is
 * read once per start, graceful restart and configuration test. FALSE if it can't be had, which was
 * logged; but a restart that can't read it again goes on with the one it has.
 */
int mod_samlc_passphrase_read(const samlc_passphrase_t **passphrase, server_rec *s, apr_pool_t *p);

#endif
