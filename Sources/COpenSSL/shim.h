// What this project uses of OpenSSL: message digests (SHA-1 in the WebSocket handshake).

#ifndef PUSHD_COPENSSL_SHIM_H
#define PUSHD_COPENSSL_SHIM_H

#include <openssl/evp.h>

#endif
