/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a login costs: the whole judgement of a real response against the bare minimum that any
 * verifier has to do with the same message (parse, canonicalise, digest, RSA), in CPU microseconds.
 *
 *   bench_login TRUSTDIR ENTITY_ID ACS_URL RESPONSE_FILE [ROUNDS]
 */
#include <apr_general.h>
#include <apr_strings.h>
#include <libxml/c14n.h>
#include <libxml/parser.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base/file.h"
#include "core/saml/response.h"
#include "core/xml/xml.h"

static double cpu_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_login: %s\n", what);
    exit(1);
}

/* --- the bare minimum --- */

static int is_visible(void *signature, xmlNodePtr node, xmlNodePtr parent)
{
    for (; node != NULL; node = parent, parent = parent == NULL ? NULL : parent->parent) {
        if (node == signature) {
            return 0;
        }
    }
    return 1;
}

static int is_in_signed_info(void *info, xmlNodePtr node, xmlNodePtr parent)
{
    for (; node != NULL; node = parent, parent = parent == NULL ? NULL : parent->parent) {
        if (node == info) {
            return 1;
        }
    }
    return 0;
}

static xmlBufferPtr canonical(xmlDocPtr doc, int (*visible)(void *, xmlNodePtr, xmlNodePtr),
                              void *node)
{
    xmlBufferPtr buffer = xmlBufferCreate();
    xmlOutputBufferPtr out = xmlOutputBufferCreateBuffer(buffer, NULL);

    if (xmlC14NExecute(doc, visible, node, XML_C14N_EXCLUSIVE_1_0, NULL, 0, out) < 0) {
        fail("canonicalisation failed");
    }
    xmlOutputBufferClose(out);
    return buffer;
}

/* Every signature of the document once: two canonicalisations, a digest, an RSA verification. */
static int bare(const samlc_data_t *xml, EVP_PKEY *key)
{
    xmlDocPtr doc = xmlReadMemory((const char *)xml->data, (int)xml->len, NULL, "UTF-8",
                                  XML_PARSE_NONET);
    xmlNodePtr nodes[2];
    int i = 0, signatures = 0;

    nodes[0] = xmlDocGetRootElement(doc);
    nodes[1] = samlc_xml_child(nodes[0], SAMLC_NS_SAML, "Assertion", NULL);
    for (i = 0; i < 2; i++) {
        xmlNodePtr signature = samlc_xml_child(nodes[i], SAMLC_NS_DS, "Signature", NULL);
        xmlNodePtr info = samlc_xml_first(signature);
        xmlNodePtr value = samlc_xml_next(info);
        unsigned char digest[EVP_MAX_MD_SIZE], raw[1024];
        EVP_MD_CTX *md = NULL;
        xmlChar *text = NULL;
        xmlBufferPtr content = NULL, signed_info = NULL;
        int len = 0;

        if (signature == NULL) {
            continue;
        }
        content = canonical(doc, is_visible, signature);
        EVP_Digest(xmlBufferContent(content), (size_t)xmlBufferLength(content), digest, NULL,
                   EVP_sha256(), NULL);
        signed_info = canonical(doc, is_in_signed_info, info);
        text = xmlNodeGetContent(value);
        len = EVP_DecodeBlock(raw, text, (int)strlen((char *)text));
        md = EVP_MD_CTX_new();
        EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, key);
        /* Whatever it says: only the time counts here. */
        (void)EVP_DigestVerify(md, raw, (size_t)(len > 256 ? 256 : len),
                               xmlBufferContent(signed_info), (size_t)xmlBufferLength(signed_info));
        EVP_MD_CTX_free(md);
        xmlFree(text);
        xmlBufferFree(signed_info);
        xmlBufferFree(content);
        signatures++;
    }
    xmlFreeDoc(doc);
    return signatures;
}

/* --- the whole judgement --- */

static void whole(const samlc_data_t *message, const samlc_expectations_t *expected, apr_pool_t *p)
{
    samlc_result_t *res = samlc_result_make(p);
    samlc_response_t *response = NULL;
    samlc_verdict_t *verdict = NULL;

    if (samlc_response_read(&response, message, res, p) != APR_SUCCESS) {
        fail(res->message);
    }
    verdict = samlc_response_judge(response, expected, p);
    if (verdict->outcome != SAMLC_ACCEPTED) {
        fail(verdict->message);
    }
}

int main(int argc, const char *const *argv)
{
    apr_pool_t *p = NULL, *scratch = NULL;
    samlc_source_t source;
    samlc_expectations_t expected;
    samlc_snapshot_t *snapshot = NULL;
    samlc_result_t *res = NULL;
    samlc_data_t message, xml;
    const samlc_idp_t *idp = NULL;
    EVP_PKEY *key = NULL;
    double start = 0, bare_us = 0, whole_us = 0;
    int rounds = argc > 5 ? atoi(argv[5]) : 5000;
    int i = 0, signatures = 0;

    if (argc < 5) {
        fail("usage: bench_login TRUSTDIR ENTITY_ID ACS_URL RESPONSE_FILE [ROUNDS]");
    }
    apr_initialize();
    apr_pool_create(&p, NULL);
    apr_pool_create(&scratch, p);
    res = samlc_result_make(p);
    memset(&source, 0, sizeof(source));
    memset(&expected, 0, sizeof(expected));
    source.dir = argv[1];
    if (!samlc_xml_init_once()
        || samlc_snapshot_load(&snapshot, &source, NULL, NULL, apr_time_now(), res, p)
               != APR_SUCCESS
        || samlc_file_read(&message, argv[4], 1 << 20, res, p) != APR_SUCCESS
        || samlc_text_base64_decode(&xml, &message, p) != APR_SUCCESS) {
        fail(res->message);
    }
    expected.snapshot = snapshot;
    expected.entity_id = argv[2];
    expected.acs_url = argv[3];
    expected.unsolicited = 1;
    expected.now = apr_time_now();
    idp = APR_ARRAY_IDX(snapshot->idps, 0, samlc_idp_t *);
    key = samlc_key_get(APR_ARRAY_IDX(idp->trust->entries, 0, samlc_trust_entry_t).key);

    for (i = -100; i < rounds; i++) {   /* the first hundred warm up */
        start = i == 0 ? cpu_us() : start;
        signatures = bare(&xml, key);
    }
    bare_us = (cpu_us() - start) / rounds;
    for (i = -100; i < rounds; i++) {
        start = i == 0 ? cpu_us() : start;
        whole(&message, &expected, scratch);
        apr_pool_clear(scratch);
    }
    whole_us = (cpu_us() - start) / rounds;
    printf("%lu bytes, %d signatures: bare minimum %.1f us, whole judgement %.1f us, ratio %.2f\n",
           (unsigned long)xml.len, signatures, bare_us, whole_us, whole_us / bare_us);
    samlc_snapshot_destroy(snapshot);
    apr_terminate();
    return 0;
}
