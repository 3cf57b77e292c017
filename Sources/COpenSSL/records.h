// The parts of OpenSSL that this project needs for TLS records: the secrets of a handshake, key derivation and AEAD.

#ifndef PUSHD_COPENSSL_RECORDS_H
#define PUSHD_COPENSSL_RECORDS_H

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <openssl/ssl.h>
#include <string.h>

// The traffic secrets of a TLS 1.3 handshake (RFC 8446 section 7.1). The key log is the only public way to get them.
typedef struct {
    unsigned char bytes[EVP_MAX_MD_SIZE];
    size_t count;
} copenssl_secret;

typedef struct {
    copenssl_secret client;
    copenssl_secret server;
    // The number of records since the peer's last ChangeCipherSpec: with TLS 1.2 these are protected.
    uint64_t protected_records;
} copenssl_secrets;

static inline void copenssl_note_secret(const SSL *session, const char *line) {
    copenssl_secrets *secrets = SSL_get_ex_data(session, 0);
    size_t label = strlen("CLIENT_TRAFFIC_SECRET_0 "), random = 2 * SSL3_RANDOM_SIZE + 1;
    copenssl_secret *secret;
    if (secrets == NULL || strlen(line) < label + random) return;
    if (strncmp(line, "CLIENT_TRAFFIC_SECRET_0 ", label) == 0) secret = &secrets->client;
    else if (strncmp(line, "SERVER_TRAFFIC_SECRET_0 ", label) == 0) secret = &secrets->server;
    else return;
    if (!OPENSSL_hexstr2buf_ex(secret->bytes, EVP_MAX_MD_SIZE, &secret->count, line + label + random, '\0'))
        secret->count = 0;
}

static inline void copenssl_note_secrets(SSL_CTX *context) {
    SSL_CTX_set_keylog_callback(context, copenssl_note_secret);
}

static inline void copenssl_count_protected(int is_written, int version, int type, const void *bytes, size_t count,
                                            SSL *session, void *secrets) {
    uint64_t *records = &((copenssl_secrets *)secrets)->protected_records;
    (void)version, (void)count, (void)session;
    if (is_written || type != SSL3_RT_HEADER) return;
    *records = *(const unsigned char *)bytes == SSL3_RT_CHANGE_CIPHER_SPEC ? 0 : *records + 1;
}

static inline int copenssl_keep_secrets(SSL *session, copenssl_secrets *secrets) {
    SSL_set_msg_callback(session, copenssl_count_protected);
    SSL_set_msg_callback_arg(session, secrets);
    return SSL_set_ex_data(session, 0, secrets);
}

// Counts the records that a session writes.
static inline void copenssl_count_record(int is_written, int version, int type, const void *bytes, size_t count,
                                         SSL *session, void *records) {
    (void)version, (void)bytes, (void)count, (void)session;
    if (is_written && type == SSL3_RT_HEADER) ++*(uint64_t *)records;
}

static inline void copenssl_count_records(SSL *session, uint64_t *records) {
    SSL_set_msg_callback(session, records == NULL ? NULL : copenssl_count_record);
    SSL_set_msg_callback_arg(session, records);
}

// The key block of TLS 1.2 (RFC 5246 section 6.3); the seed is the server's random followed by the client's.
static inline int copenssl_key_block(const char *hash, const unsigned char *master, size_t master_count,
                                     const unsigned char *seed, size_t seed_count, unsigned char *block, size_t count) {
    static char label[] = "key expansion";
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_TLS1_PRF, NULL);
    EVP_KDF_CTX *context = EVP_KDF_CTX_new(kdf);
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hash, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)master, master_count),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof label - 1),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)seed, seed_count),
        OSSL_PARAM_construct_end(),
    };
    int is_done = context != NULL && EVP_KDF_derive(context, block, count, parameters) == 1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return is_done;
}

enum { COPENSSL_TAG_SIZE = 16 };

// A context for one algorithm and direction; key and nonce are set for each record.
static inline EVP_CIPHER_CTX *copenssl_aead(const char *name, int encrypts) {
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    EVP_CIPHER_CTX *context = cipher == NULL ? NULL : EVP_CIPHER_CTX_new();
    if (context != NULL && EVP_CipherInit_ex2(context, cipher, NULL, NULL, encrypts, NULL) != 1) {
        EVP_CIPHER_CTX_free(context);
        context = NULL;
    }
    EVP_CIPHER_free(cipher);
    return context;
}

// Encrypts in place and writes the tag after the bytes.
static inline int copenssl_seal(EVP_CIPHER_CTX *context, const void *key, const void *nonce, const void *additional,
                                int additional_count, unsigned char *bytes, int count) {
    int done;
    return EVP_EncryptInit_ex2(context, NULL, key, nonce, NULL) == 1 &&
           EVP_EncryptUpdate(context, NULL, &done, additional, additional_count) == 1 &&
           EVP_EncryptUpdate(context, bytes, &done, bytes, count) == 1 &&
           EVP_EncryptFinal_ex(context, bytes + count, &done) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, COPENSSL_TAG_SIZE, bytes + count) == 1;
}

// Decrypts in place, if the tag after the bytes is right.
static inline int copenssl_open(EVP_CIPHER_CTX *context, const void *key, const void *nonce, const void *additional,
                                int additional_count, unsigned char *bytes, int count) {
    int done;
    return EVP_DecryptInit_ex2(context, NULL, key, nonce, NULL) == 1 &&
           EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, COPENSSL_TAG_SIZE, bytes + count) == 1 &&
           EVP_DecryptUpdate(context, NULL, &done, additional, additional_count) == 1 &&
           EVP_DecryptUpdate(context, bytes, &done, bytes, count) == 1 &&
           EVP_DecryptFinal_ex(context, bytes + count, &done) == 1;
}

#endif
