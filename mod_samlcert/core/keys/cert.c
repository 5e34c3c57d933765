/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/cert.h"

#include <apr_strings.h>
#include <limits.h>
#include <openssl/err.h>
#include <string.h>
#include <time.h>

#define SECONDS_A_DAY 86400
#define PEM_BEGIN "-----BEGIN "
#define PEM_END "-----END "
#define PEM_DASHES "-----"

struct samlc_cert_t {
    X509 *x;
    const samlc_key_t *key;
    const char *origin;
    unsigned char sha256[SAMLC_SHA256_LEN];
    const char *sha256_hex;
    const char *subject;
    const char *issuer;
    apr_time_t not_before;
    apr_time_t not_after;
    int self_signed;
};

static apr_status_t free_x509(void *x)
{
    X509_free(x);
    return APR_SUCCESS;
}

const char *samlc_x509_name_text(const X509_NAME *name, apr_pool_t *p)
{
    BIO *bio = BIO_new(BIO_s_mem());
    const char *text = NULL;
    char *data = NULL;
    long len = 0;

    if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253) >= 0) {
        len = BIO_get_mem_data(bio, &data);
        text = apr_pstrmemdup(p, data ? data : "", (apr_size_t)len);
    }
    BIO_free(bio);
    return text;
}

int samlc_x509_time(apr_time_t *t, const ASN1_TIME *asn1)
{
    struct tm tm = {0};

    if (!asn1 || ASN1_TIME_to_tm(asn1, &tm) != 1) {
        return 0;
    }
    *t = apr_time_from_sec((apr_time_t)timegm(&tm));
    return 1;
}

static int read_names(samlc_cert_t *cert, apr_pool_t *p)
{
    cert->subject = samlc_x509_name_text(X509_get_subject_name(cert->x), p);
    cert->issuer = samlc_x509_name_text(X509_get_issuer_name(cert->x), p);
    return cert->subject && cert->issuer;
}

static int read_dates(samlc_cert_t *cert)
{
    return samlc_x509_time(&cert->not_before, X509_get0_notBefore(cert->x))
        && samlc_x509_time(&cert->not_after, X509_get0_notAfter(cert->x));
}

static int read_key(samlc_cert_t *cert, apr_pool_t *p)
{
    EVP_PKEY *pkey = X509_get_pubkey(cert->x);

    cert->key = pkey ? samlc_key_make(pkey, p) : NULL;
    return cert->key != NULL;
}

static int read_digest(samlc_cert_t *cert, apr_pool_t *p)
{
    if (X509_digest(cert->x, EVP_sha256(), cert->sha256, NULL) != 1) {
        return 0;
    }
    cert->sha256_hex = samlc_text_hex(cert->sha256, sizeof(cert->sha256), p);
    return 1;
}

/* Names match, and the key of `issuer` verifies the signature. */
static int is_issued_by(const samlc_cert_t *cert, const samlc_cert_t *issuer)
{
    return X509_NAME_cmp(X509_get_subject_name(issuer->x), X509_get_issuer_name(cert->x)) == 0
        && X509_verify(cert->x, samlc_key_get(issuer->key)) == 1;
}

apr_status_t samlc_cert_make(samlc_cert_t **pcert, X509 *x, const char *origin, samlc_result_t *res,
                             apr_pool_t *p)
{
    samlc_cert_t *cert = apr_pcalloc(p, sizeof(*cert));
    const char *unreadable = NULL;

    *pcert = NULL;
    ERR_clear_error();
    apr_pool_cleanup_register(p, x, free_x509, apr_pool_cleanup_null);
    cert->x = x;
    cert->origin = apr_pstrdup(p, origin);
    if (!read_names(cert, p)) {
        unreadable = "names";
    }
    else if (!read_dates(cert)) {
        unreadable = "dates";
    }
    else if (!read_key(cert, p)) {
        unreadable = "public key";
    }
    else if (!read_digest(cert, p)) {
        unreadable = "encoding";
    }
    if (unreadable) {
        apr_pool_cleanup_run(p, x, free_x509);
        return samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                         "%s: the certificate's %s cannot be read", origin,
                                         unreadable);
    }
    cert->self_signed = is_issued_by(cert, cert);
    ERR_clear_error();
    *pcert = cert;
    return APR_SUCCESS;
}

apr_status_t samlc_cert_parse_der(samlc_cert_t **cert, const samlc_data_t *der,
                                  samlc_result_t *res, apr_pool_t *p)
{
    const unsigned char *end = der->data;
    unsigned char sha256[SAMLC_SHA256_LEN];
    apr_status_t rv = APR_EGENERAL;
    X509 *x = NULL;

    *cert = NULL;
    ERR_clear_error();
    x = der->len <= LONG_MAX ? d2i_X509(NULL, &end, (long)der->len) : NULL;
    if (!x) {
        return samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                         "%s: not a certificate", der->origin);
    }
    if (end != der->data + der->len) {
        X509_free(x);
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: there are bytes behind the certificate", der->origin);
    }
    rv = samlc_cert_make(cert, x, der->origin, res, p);
    if (rv != APR_SUCCESS) {
        return rv;
    }
    /* OpenSSL reads BER and hashes the DER that it writes itself. */
    if (EVP_Digest(der->data, der->len, sha256, NULL, EVP_sha256(), NULL) != 1
        || memcmp(sha256, (*cert)->sha256, sizeof(sha256)) != 0) {
        *cert = NULL;
        return samlc_result_fail_openssl(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                         "%s: the certificate is not in DER", der->origin);
    }
    return APR_SUCCESS;
}

apr_status_t samlc_cert_check_curve(const samlc_cert_t *cert, samlc_result_t *res)
{
    return samlc_key_spells_curve(cert->key)
               ? samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                   "%s: the curve of the certificate's key is spelt out (explicit "
                                   "EC parameters); only named curves are used", cert->origin)
               : APR_SUCCESS;
}

/* A place in a PEM file. */
typedef struct pem_reader_t {
    const samlc_data_t *file;
    const char *at;
    const char *end;
    int number;    /* of the block under way, from 1 */
} pem_reader_t;

/* Where `text` begins in what is not read yet; NULL if it does not occur. */
static const char *find(const pem_reader_t *reader, const char *text)
{
    return memmem(reader->at, (apr_size_t)(reader->end - reader->at), text, strlen(text));
}

static apr_status_t fail_block(const pem_reader_t *reader, const char *why, samlc_result_t *res)
{
    return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID, "%s: block %d %s",
                             reader->file->origin, reader->number, why);
}

/* Why a block of this label can't be used; NULL for a certificate. */
static const char *refusal_of_label(const char *label, apr_pool_t *p)
{
    static const char private_key[] = "PRIVATE KEY";
    apr_size_t len = strlen(label);

    if (strcmp(label, "CERTIFICATE") == 0) {
        return NULL;
    }
    if (strcmp(label, "TRUSTED CERTIFICATE") == 0) {
        return "is a TRUSTED CERTIFICATE in OpenSSL's own format; convert it with"
               " \"openssl x509 -in FILE -out FILE\"";
    }
    if (len >= sizeof(private_key) - 1
        && strcmp(label + len - (sizeof(private_key) - 1), private_key) == 0) {
        return "is a private key, which does not belong in a file of certificates;"
               " keep it in a file of its own";
    }
    return apr_psprintf(p, "is a \"%s\", not a certificate", samlc_text_show(label, p));
}

/*
 * Moves on to the next block and reads its label; *label is NULL behind the last block. Any text
 * may stand between blocks, but an END without BEGIN is what remains of a block that was cut.
 */
static apr_status_t next_block(const char **label, pem_reader_t *reader, samlc_result_t *res,
                               apr_pool_t *p)
{
    const char *begin = find(reader, PEM_BEGIN);
    const char *stray = find(reader, PEM_END);
    const char *dashes = NULL;
    const char *newline = NULL;

    *label = NULL;
    reader->number++;
    if (stray && (!begin || stray < begin)) {
        return fail_block(reader, "has an END line, but no BEGIN line", res);
    }
    if (!begin) {
        return APR_SUCCESS;
    }
    reader->at = begin + strlen(PEM_BEGIN);
    dashes = find(reader, PEM_DASHES);
    newline = find(reader, "\n");
    if (!dashes || (newline && newline < dashes)) {
        return fail_block(reader, "has a BEGIN line that was cut short", res);
    }
    *label = apr_pstrmemdup(p, reader->at, (apr_size_t)(dashes - reader->at));
    reader->at = dashes + strlen(PEM_DASHES);
    return APR_SUCCESS;
}

/* Reads the certificate up to its END line. Strict base64 refuses whatever else is in there. */
static apr_status_t read_block(samlc_cert_t **cert, pem_reader_t *reader, samlc_result_t *res,
                               apr_pool_t *p)
{
    static const char end_line[] = PEM_END "CERTIFICATE" PEM_DASHES;
    const char *end = find(reader, end_line);
    samlc_data_t body = {NULL, 0, NULL};
    samlc_data_t der = {NULL, 0, NULL};
    apr_status_t rv = APR_EGENERAL;

    *cert = NULL;
    if (!end) {
        return fail_block(reader, "was cut short: its END line is missing", res);
    }
    body.data = (const unsigned char *)reader->at;
    body.len = (apr_size_t)(end - reader->at);
    body.origin = apr_psprintf(p, "%s: block %d", reader->file->origin, reader->number);
    if (samlc_text_base64_decode(&der, &body, p) != APR_SUCCESS) {
        return fail_block(reader, "is damaged: not base64", res);
    }
    rv = samlc_cert_parse_der(cert, &der, res, p);
    if (rv == APR_SUCCESS) {
        rv = samlc_cert_check_curve(*cert, res);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    (*cert)->origin = reader->file->origin;
    reader->at = end + strlen(end_line);
    return APR_SUCCESS;
}

static apr_status_t parse_pem(apr_array_header_t *certs, const samlc_data_t *in,
                              samlc_result_t *res, apr_pool_t *p)
{
    pem_reader_t reader = {in, (const char *)in->data, (const char *)in->data + in->len, 0};
    const char *label = NULL;
    const char *refusal = NULL;
    samlc_cert_t *cert = NULL;
    apr_status_t rv = APR_EGENERAL;

    for (;;) {
        rv = next_block(&label, &reader, res, p);
        if (rv != APR_SUCCESS || !label) {
            return rv;
        }
        refusal = refusal_of_label(label, p);
        if (refusal) {
            return fail_block(&reader, refusal, res);
        }
        rv = read_block(&cert, &reader, res, p);
        if (rv != APR_SUCCESS) {
            return rv;
        }
        APR_ARRAY_PUSH(certs, samlc_cert_t *) = cert;
    }
}

/* DER begins with a SEQUENCE of more than 127 bytes; no text has its second byte. */
static int looks_like_der(const samlc_data_t *in)
{
    return in->len > 1 && in->data[0] == 0x30 && (in->data[1] & 0x80) != 0;
}

apr_status_t samlc_cert_parse_file(apr_array_header_t **certs, const samlc_data_t *in,
                                   samlc_result_t *res, apr_pool_t *p)
{
    apr_array_header_t *found = apr_array_make(p, 4, sizeof(samlc_cert_t *));
    samlc_cert_t *cert = NULL;
    apr_status_t rv = APR_EGENERAL;

    *certs = NULL;
    if (looks_like_der(in)) {
        rv = samlc_cert_parse_der(&cert, in, res, p);
        if (rv == APR_SUCCESS) {
            rv = samlc_cert_check_curve(cert, res);
        }
        APR_ARRAY_PUSH(found, samlc_cert_t *) = cert;
    }
    else {
        rv = parse_pem(found, in, res, p);
    }
    if (rv != APR_SUCCESS) {
        return rv;
    }
    if (found->nelts == 0) {
        return samlc_result_fail(res, APR_EINVAL, SAMLC_REASON_CONFIG_INVALID,
                                 "%s: there is no certificate in it", in->origin);
    }
    *certs = found;
    return APR_SUCCESS;
}

X509 *samlc_cert_x509(const samlc_cert_t *cert)
{
    return cert->x;
}

const samlc_key_t *samlc_cert_key(const samlc_cert_t *cert)
{
    return cert->key;
}

const char *samlc_cert_origin(const samlc_cert_t *cert)
{
    return cert->origin;
}

const unsigned char *samlc_cert_sha256(const samlc_cert_t *cert)
{
    return cert->sha256;
}

const char *samlc_cert_sha256_hex(const samlc_cert_t *cert)
{
    return cert->sha256_hex;
}

const char *samlc_cert_subject(const samlc_cert_t *cert)
{
    return cert->subject;
}

const char *samlc_cert_issuer(const samlc_cert_t *cert)
{
    return cert->issuer;
}

apr_time_t samlc_cert_not_before(const samlc_cert_t *cert)
{
    return cert->not_before;
}

apr_time_t samlc_cert_not_after(const samlc_cert_t *cert)
{
    return cert->not_after;
}

int samlc_cert_is_expired(const samlc_cert_t *cert, apr_time_t now)
{
    return now > cert->not_after;
}

int samlc_cert_is_not_yet_valid(const samlc_cert_t *cert, apr_time_t now)
{
    return now < cert->not_before;
}

int samlc_cert_is_self_signed(const samlc_cert_t *cert)
{
    return cert->self_signed;
}

const samlc_cert_t *samlc_cert_find_issued(const samlc_cert_t *cert,
                                           const apr_array_header_t *certs)
{
    const samlc_cert_t *found = NULL;
    int i = 0;

    for (i = 0; i < certs->nelts && !found; i++) {
        const samlc_cert_t *other = APR_ARRAY_IDX(certs, i, const samlc_cert_t *);

        if (!samlc_key_equal(other->key, cert->key) && is_issued_by(other, cert)) {
            found = other;
        }
    }
    ERR_clear_error();
    return found;
}

int samlc_cert_days_left(const samlc_cert_t *cert, apr_time_t now)
{
    apr_time_t day = apr_time_from_sec(SECONDS_A_DAY);
    apr_time_t left = cert->not_after - now;
    apr_time_t days = left / day;

    if (left < 0 && left % day != 0) {
        days--;   /* C rounds towards zero */
    }
    return (int)days;
}

int samlc_cert_equal(const samlc_cert_t *a, const samlc_cert_t *b)
{
    return a && b && memcmp(a->sha256, b->sha256, sizeof(a->sha256)) == 0;
}

const char *samlc_cert_serial(const samlc_cert_t *cert, apr_pool_t *p)
{
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert->x);
    const char *hex = samlc_text_hex(ASN1_STRING_get0_data(serial),
                                     (apr_size_t)ASN1_STRING_length(serial), p);

    return ASN1_STRING_type(serial) == V_ASN1_NEG_INTEGER ? apr_pstrcat(p, "-", hex, NULL) : hex;
}

samlc_data_t samlc_cert_der(const samlc_cert_t *cert, apr_pool_t *p)
{
    samlc_data_t der = {NULL, 0, cert->origin};
    unsigned char *bytes = NULL;
    int len = i2d_X509(cert->x, &bytes);

    if (len > 0) {
        der.data = apr_pmemdup(p, bytes, (apr_size_t)len);
        der.len = (apr_size_t)len;
    }
    OPENSSL_free(bytes);
    ERR_clear_error();
    return der;
}

const char *samlc_cert_fingerprint(const samlc_cert_t *cert, const EVP_MD *digest, apr_pool_t *p)
{
    unsigned char bytes[EVP_MAX_MD_SIZE];
    unsigned int len = 0;
    const char *hex = NULL;

    if (X509_digest(cert->x, digest, bytes, &len) == 1) {
        hex = samlc_text_hex(bytes, len, p);
    }
    ERR_clear_error();
    return hex;
}

const char *samlc_cert_pem(const samlc_cert_t *cert, apr_pool_t *p)
{
    samlc_data_t der = samlc_cert_der(cert, p);
    const char *base64 = samlc_text_base64(der.data, der.len, p);
    const char *pem = "-----BEGIN CERTIFICATE-----\n";

    for (; *base64 != '\0'; base64 += strnlen(base64, 64)) {
        pem = apr_psprintf(p, "%s%.64s\n", pem, base64);
    }
    return apr_pstrcat(p, pem, "-----END CERTIFICATE-----\n", NULL);
}
