// The parts of OpenSSL that this project needs: SHA-1 (the WebSocket handshake) and TLS sessions.

#ifndef PUSHD_COPENSSL_SHIM_H
#define PUSHD_COPENSSL_SHIM_H

#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

// Swift imports neither macros with parameters nor constants defined by one.
static const uint64_t COPENSSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;

static const uint64_t COPENSSL_OP_CIPHER_SERVER_PREFERENCE = SSL_OP_CIPHER_SERVER_PREFERENCE;

static inline int copenssl_set_min_version(SSL_CTX *context, int version) {
    return (int)SSL_CTX_set_min_proto_version(context, version);
}

static inline void copenssl_cache_no_sessions(SSL_CTX *context) {
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
}

// ALPN (RFC 7301): http/1.1 is the only protocol; a client that offers only others continues without ALPN.
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

// Several certificates (SNI): selects the first context whose certificate is valid for the requested name.
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

// Receives what sessions encrypt: one growing buffer, emptied by its owner. A BIO_s_mem() would be zeroed each time.
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

// Each method is created once per process, because OpenSSL has only 127 method numbers.
static inline BIO_METHOD *copenssl_output_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "output");
    if (method == NULL) return NULL;
    BIO_meth_set_write_ex(method, copenssl_output_write);
    BIO_meth_set_ctrl(method, copenssl_output_control);
    return method;
}

static inline BIO *copenssl_bio(BIO_METHOD *method, void *data) {
    BIO *bio = method == NULL ? NULL : BIO_new(method);
    if (bio == NULL) return NULL;
    BIO_set_data(bio, data);
    BIO_set_init(bio, 1);
    return bio;
}

// The input of established sessions: the bytes a loop has received, lent for one call.
typedef struct {
    const unsigned char *bytes;
    size_t count;
} copenssl_input;

static inline int copenssl_input_read(BIO *bio, char *bytes, size_t wanted, size_t *count) {
    copenssl_input *input = BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    if (input->count == 0) {
        BIO_set_retry_read(bio);
        return 0;
    }
    *count = wanted < input->count ? wanted : input->count;
    memcpy(bytes, input->bytes, *count);
    input->bytes += *count;
    input->count -= *count;
    return 1;
}

static inline BIO_METHOD *copenssl_input_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "input");
    if (method == NULL) return NULL;
    BIO_meth_set_read_ex(method, copenssl_input_read);
    BIO_meth_set_ctrl(method, copenssl_output_control);
    return method;
}

// Limits what OpenSSL allows a peer without end: key updates (RFC 8446 4.6.3) and requests for another handshake, which
// OpenSSL refuses one by one.
typedef struct {
    copenssl_input *input;
    uint32_t records_per_key_update;
    uint32_t max_unpaid_records;
    uint32_t unpaid_records;
    int renegotiates;
} copenssl_watch;

static inline int copenssl_watch_is_over(const copenssl_watch *watch) {
    return watch->renegotiates || watch->unpaid_records > watch->max_unpaid_records;
}

static inline void copenssl_watch_message(int is_written, int version, int type, const void *bytes, size_t count,
                                          SSL *session, void *argument) {
    copenssl_watch *watch = argument;
    const unsigned char *message = bytes;
    (void)version, (void)session;
    if (count == 0) return;
    if (is_written) {
        if (type == SSL3_RT_ALERT && count == 2 && message[1] == SSL_AD_NO_RENEGOTIATION) watch->renegotiates = 1;
    } else if (type == SSL3_RT_INNER_CONTENT_TYPE) {
        if (message[0] == SSL3_RT_APPLICATION_DATA && watch->unpaid_records > 0) watch->unpaid_records--;
    } else if (type == SSL3_RT_HANDSHAKE && message[0] == SSL3_MT_KEY_UPDATE) {
        watch->unpaid_records += watch->records_per_key_update;
    }
    // A callback cannot make a read fail, but it can leave nothing to read.
    if (copenssl_watch_is_over(watch)) watch->input->count = 0;
}

static inline void copenssl_keep_watch(SSL *session, copenssl_watch *watch) {
    SSL_set_msg_callback(session, watch == NULL ? NULL : copenssl_watch_message);
    SSL_set_msg_callback_arg(session, watch);
}

// Whether a session holds a partial record, and therefore a buffer for a complete one.
static inline int copenssl_holds_input(const SSL *session) {
    return SSL_has_pending(session) || strcmp(SSL_rstate_string(session), "RB") == 0;
}

// A key and a certificate that exist only in the context.
static inline int copenssl_use_throwaway_identity(SSL_CTX *context) {
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    int is_used = key != NULL && certificate != NULL && X509_gmtime_adj(X509_getm_notBefore(certificate), 0) != NULL &&
                  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600) != NULL &&
                  X509_set_pubkey(certificate, key) == 1 && X509_sign(certificate, key, EVP_sha256()) > 0 &&
                  SSL_CTX_use_certificate(context, certificate) == 1 && SSL_CTX_use_PrivateKey(context, key) == 1;
    X509_free(certificate);
    EVP_PKEY_free(key);
    return is_used;
}

static inline void copenssl_release_buffers(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
}

static inline int copenssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

// OpenSSL 3's one-shot calls look up the algorithm and allocate a context each time: 5,400 instructions for a
// handshake's 60 bytes, of which SHA-1 itself takes 1,800. The calls used here do neither; they are deprecated, but
// libcrypto 3 keeps them.
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
