// What this project uses of OpenSSL: message digests (SHA-1 in the WebSocket handshake).

#ifndef PUSHD_COPENSSL_SHIM_H
#define PUSHD_COPENSSL_SHIM_H

#include <openssl/sha.h>

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
