/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keys/unlocked.h"

#include <openssl/crypto.h>
#include <pthread.h>
#include <string.h>

#define PLACES 12   /* three roles, and as many again while they are rotated, for two sets */

static struct {
    unsigned char id[SAMLC_UNLOCKED_ID_LEN];
    EVP_PKEY *pkey;
    unsigned long used;
} places[PLACES];
static unsigned long clock_hand;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

int samlc_unlocked_id(unsigned char id[SAMLC_UNLOCKED_ID_LEN], const samlc_data_t *pem,
                      const void *passphrase, apr_size_t len)
{
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int done = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
        && EVP_DigestUpdate(md, &len, sizeof(len)) == 1
        && EVP_DigestUpdate(md, passphrase, len) == 1
        && EVP_DigestUpdate(md, pem->data, pem->len) == 1
        && EVP_DigestFinal_ex(md, id, NULL) == 1;

    EVP_MD_CTX_free(md);
    return done;
}

EVP_PKEY *samlc_unlocked_find(const unsigned char id[SAMLC_UNLOCKED_ID_LEN])
{
    EVP_PKEY *found = NULL;
    int i = 0;

    pthread_mutex_lock(&mutex);
    for (i = 0; i < PLACES && !found; i++) {
        if (places[i].pkey && CRYPTO_memcmp(places[i].id, id, SAMLC_UNLOCKED_ID_LEN) == 0
            && EVP_PKEY_up_ref(places[i].pkey) == 1) {
            places[i].used = ++clock_hand;
            found = places[i].pkey;
        }
    }
    pthread_mutex_unlock(&mutex);
    return found;
}

void samlc_unlocked_add(const unsigned char id[SAMLC_UNLOCKED_ID_LEN], EVP_PKEY *pkey)
{
    EVP_PKEY *left = NULL;
    int oldest = 0;
    int i = 0;

    if (EVP_PKEY_up_ref(pkey) != 1) {
        return;
    }
    pthread_mutex_lock(&mutex);
    for (i = 1; i < PLACES; i++) {
        oldest = places[i].used < places[oldest].used ? i : oldest;
    }
    left = places[oldest].pkey;
    memcpy(places[oldest].id, id, SAMLC_UNLOCKED_ID_LEN);
    places[oldest].pkey = pkey;
    places[oldest].used = ++clock_hand;
    pthread_mutex_unlock(&mutex);
    EVP_PKEY_free(left);
}
