/* SPDX-License-Identifier: Apache-2.0 */
/* inspect: the particulars of certificates, everything that a listing or a partner may ask for. */
#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/print.h"
#include "core/base/clock.h"
#include "core/base/file.h"
#include "core/report.h"

static void print_cert(const ctl_t *ctl, const samlc_cert_t *cert)
{
    apr_pool_t *p = ctl->pool;
    const samlc_key_t *key = samlc_cert_key(cert);
    const unsigned char *spki = samlc_key_spki_sha256(key);
    ctl_table_t *table = ctl_table_make(2, p);

    ctl_table_pair(table, "subject", samlc_cert_subject(cert));
    ctl_table_pair(table, "issuer", samlc_cert_issuer(cert));
    ctl_table_pair(table, "serial", samlc_cert_serial(cert, p));
    ctl_table_pair(table, "not before", samlc_clock_format(samlc_cert_not_before(cert), p));
    ctl_table_cell(table, CTL_PLAIN, "not after");
    ctl_table_cell(table, ctl_expiry_colour(cert, ctl->now), ctl_expiry(cert, ctl->now, p));
    ctl_table_pair(table, "key", apr_psprintf(p, "%s, %d bits", samlc_key_type(key),
                                              samlc_key_bits(key)));
    ctl_table_pair(table, "self-signed", samlc_cert_is_self_signed(cert) ? "yes" : "no");
    ctl_table_pair(table, "SHA-1", samlc_cert_fingerprint(cert, EVP_sha1(), p));
    ctl_table_pair(table, "SHA-256", samlc_cert_sha256_hex(cert));
    ctl_table_pair(table, "SHA-384", samlc_cert_fingerprint(cert, EVP_sha384(), p));
    ctl_table_pair(table, "SHA-512", samlc_cert_fingerprint(cert, EVP_sha512(), p));
    ctl_table_pair(table, "SPKI SHA-256", samlc_text_hex(spki, SAMLC_SHA256_LEN, p));
    ctl_table_pair(table, "  in base64", samlc_text_base64(spki, SAMLC_SHA256_LEN, p));
    ctl_table_print(ctl, table);
}

static void print_file(const ctl_t *ctl, const char *path, const apr_array_header_t *certs)
{
    int i = 0;

    for (i = 0; i < certs->nelts; i++) {
        ctl_print(ctl, CTL_BOLD, path);
        if (certs->nelts > 1) {
            printf(" (%d of %d)", i + 1, certs->nelts);
        }
        putchar('\n');
        print_cert(ctl, APR_ARRAY_IDX(certs, i, const samlc_cert_t *));
    }
}

/* Goes on after a file that can't be read: the others are still of interest. */
int samlc_cmd_inspect(ctl_t *ctl, int argc, const char **argv)
{
    apr_array_header_t *all = apr_array_make(ctl->pool, argc, sizeof(samlc_cert_t *));
    apr_array_header_t *certs = NULL;
    samlc_result_t *res = samlc_result_make(ctl->pool);
    samlc_data_t data;
    int code = CTL_OK;
    int i = 0;

    if (argc == 0) {
        return ctl_usage(ctl, "it wants the file of a certificate, or - for standard input");
    }
    for (i = 0; i < argc; i++) {
        if (ctl_read(&data, argv[i], SAMLC_MAX_CERT_FILE, res, ctl->pool) != APR_SUCCESS
            || samlc_cert_parse_file(&certs, &data, res, ctl->pool) != APR_SUCCESS) {
            ctl_complain(res);
            code = CTL_UNUSABLE;
            continue;
        }
        if (!ctl->json) {
            print_file(ctl, data.origin, certs);
        }
        apr_array_cat(all, certs);
    }
    if (ctl->json) {
        fputs(samlc_report_certs(all, ctl->now, ctl->pool), stdout);
    }
    return code;
}
