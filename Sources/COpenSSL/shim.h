// What this project uses of OpenSSL: SHA-1 (the WebSocket handshake) and TLS sessions.

#ifndef PUSHD_COPENSSL_SHIM_H
#define PUSHD_COPENSSL_SHIM_H

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

// Swift imports neither macros with parameters nor what is defined by one.
static const uint64_t COPENSSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;

static const uint64_t COPENSSL_OP_CIPHER_SERVER_PREFERENCE = SSL_OP_CIPHER_SERVER_PREFERENCE;

static inline int copenssl_set_min_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline void copenssl_cache_no_sessions(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

// The one protocol that is spoken here (RFC 7301): a client that offers others only goes on without.
static inline int copenssl_select_http11(SSL *session, const unsigned char **selected, unsigned char *selected_count,
                                         const unsigned char *offered, unsigned int offered_count, void *argument) {
    static const unsigned char http11[] = "\x08http/1.1";
    (void)session, (void)argument;
    return SSL_select_next_proto((unsigned char **)selected, selected_count, http11, sizeof http11 - 1, offered,
                                 offered_count) == OPENSSL_NPN_NEGOTIATED
               ? SSL_TLSEXT_ERR_OK
               : SSL_TLSEXT_ERR_NOACK;
}

static inline void copenssl_speak_http11(SSL_CTX *context) {
    SSL_CTX_set_alpn_select_cb(context, copenssl_select_http11, NULL);
}

// Several certificates: the context of the first one whose certificate is for the name that the client asks for.
typedef struct {
    SSL_CTX *const *contexts;
    size_t count;
} copenssl_identities;

static inline int copenssl_select_identity(SSL *session, int *alert, void *argument) {
    const copenssl_identities *identities = argument;
    const char *name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    if (name == NULL) return SSL_TLSEXT_ERR_NOACK;
    for (size_t index = 0; index < identities->count; index++) {
        X509 *certificate = SSL_CTX_get0_certificate(identities->contexts[index]);
        if (certificate != NULL && X509_check_host(certificate, name, 0, 0, NULL) == 1) {
            SSL_set_SSL_CTX(session, identities->contexts[index]);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;  // the default certificate; the client decides what it is worth
}

static inline void copenssl_choose_identity(SSL_CTX *context, copenssl_identities *identities) {
    SSL_CTX_set_tlsext_servername_callback(context, copenssl_select_identity);
    SSL_CTX_set_tlsext_servername_arg(context, identities);
}

// A sink for what sessions encrypt: one growing buffer, which its owner empties. A BIO_s_mem() would be zeroed each time.
typedef struct {
    unsigned char *bytes;
    size_t count;
    size_t capacity;
} copenssl_output;

static inline unsigned char *copenssl_output_grow(copenssl_output *output, size_t count) {
    if (output->capacity - output->count < count) {
        size_t capacity = (output->count + count) * 2;
        unsigned char *grown = realloc(output->bytes, capacity);
        if (grown == NULL) return NULL;
        output->bytes = grown;
        output->capacity = capacity;
    }
    output->count += count;
    return output->bytes + output->count - count;
}

static inline int copenssl_output_write(BIO *bio, const char *bytes, size_t count, size_t *written) {
    unsigned char *added = copenssl_output_grow(BIO_get_data(bio), count);
    if (added == NULL) return 0;
    memcpy(added, bytes, count);
    *written = count;
    return 1;
}

static inline long copenssl_output_control(BIO *bio, int command, long number, void *pointer) {
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static inline BIO_METHOD *copenssl_output_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "output");
    if (method == NULL) return NULL;
    BIO_meth_set_write_ex(method, copenssl_output_write);
    BIO_meth_set_ctrl(method, copenssl_output_control);
    return method;
}

static inline BIO *copenssl_output_bio(BIO_METHOD *method, copenssl_output *output) {
    BIO *bio = BIO_new(method);
    if (bio == NULL) return NULL;
    BIO_set_data(bio, output);
    BIO_set_init(bio, 1);
    return bio;
}

static inline int copenssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

// The one-shot calls of OpenSSL 3 look the algorithm up and allocate a context each time: 5,400 instructions for a handshake's
// 60 bytes, of which SHA-1 itself takes 1,800. The calls that do neither are deprecated, but not on their way out of libcrypto 3.
static inline int copenssl_sha1(const void *head, size_t head_count, const void *tail, size_t tail_count,
                                unsigned char digest[SHA_DIGEST_LENGTH]) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    SHA_CTX context;
    return SHA1_Init(&context) && SHA1_Update(&context, head, head_count) && SHA1_Update(&context, tail, tail_count) &&
           SHA1_Final(digest, &context);
#pragma GCC diagnostic pop
}

#endif
