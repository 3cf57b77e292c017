// The parts of OpenSSL that this project needs for session tickets: own ticket keys, and the age of a session.

#ifndef PUSHD_COPENSSL_TICKETS_H
#define PUSHD_COPENSSL_TICKETS_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>

enum { COPENSSL_TICKET_NAME_SIZE = 16, COPENSSL_TICKET_KEY_SIZE = 32 };

// RFC 5077 section 4: a name that identifies a ticket's key, and the keys for encryption and authentication.
typedef struct {
    unsigned char name[COPENSSL_TICKET_NAME_SIZE];
    unsigned char cipher[COPENSSL_TICKET_KEY_SIZE];
    unsigned char mac[COPENSSL_TICKET_KEY_SIZE];
} copenssl_ticket_key;

static inline int copenssl_make_ticket_key(copenssl_ticket_key *key) {
    return RAND_bytes(key->name, sizeof key->name) == 1 && RAND_priv_bytes(key->cipher, sizeof key->cipher) == 1 &&
           RAND_priv_bytes(key->mac, sizeof key->mac) == 1;
}

// Prepares the contexts that seal or open a ticket.
static inline int copenssl_use_ticket_key(copenssl_ticket_key *key, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac,
                                          unsigned char *iv, int seals) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    if (seals && RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1) return 0;
    return EVP_CipherInit_ex(cipher, EVP_aes_256_cbc(), NULL, key->cipher, iv, seals) == 1 &&
           EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

// The contexts of additional certificates get the same data: OpenSSL asks the one that was selected for the client's
// name.
static inline void copenssl_set_tickets(SSL_CTX *context, void *tickets,
                                        int (*use_key)(SSL *, unsigned char *, unsigned char *, EVP_CIPHER_CTX *,
                                                       EVP_MAC_CTX *, int),
                                        SSL_CTX_generate_session_ticket_fn note_age,
                                        SSL_CTX_decrypt_session_ticket_fn judge_age) {
    SSL_CTX_set_app_data(context, tickets);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_key);
    SSL_CTX_set_session_ticket_cb(context, note_age, judge_age, tickets);
}

static inline void *copenssl_tickets(const SSL *session) {
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(session));
}

// The time of the session's full handshake, in which everything was verified; 0 if it was not noted.
static inline uint64_t copenssl_verified_at(SSL_SESSION *session) {
    void *data = NULL;
    size_t count = 0;
    uint64_t time = 0;
    if (SSL_SESSION_get0_ticket_appdata(session, &data, &count) == 1 && count == sizeof time)
        memcpy(&time, data, sizeof time);
    return time;
}

static inline int copenssl_note_verified_at(SSL_SESSION *session, uint64_t time) {
    return SSL_SESSION_set1_ticket_appdata(session, &time, sizeof time);
}

static inline void copenssl_set_session_lifetime(SSL_CTX *context, long seconds) {
    SSL_CTX_set_timeout(context, seconds);
}

#endif
