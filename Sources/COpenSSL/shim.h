// What this project uses of OpenSSL: SHA-1 (the WebSocket handshake) and TLS sessions.

#ifndef PUSHD_COPENSSL_SHIM_H
#define PUSHD_COPENSSL_SHIM_H

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

// Swift imports neither macros with parameters nor what is defined by one.
static const uint64_t COPENSSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;

static inline int copenssl_set_min_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline void copenssl_set_mode(SSL_CTX *context, long mode) { SSL_CTX_set_mode(context, mode); }

static inline void copenssl_cache_no_sessions(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

static inline void copenssl_set_read_ahead(SSL_CTX *context) { SSL_CTX_set_read_ahead(context, 1); }

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
