// The parts of OpenSSL that this project needs for tokens: public keys, signatures and message authentication codes.

#ifndef PUSHD_COPENSSL_SIGNATURES_H
#define PUSHD_COPENSSL_SIGNATURES_H

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

// OpenSSL would ask for the password of an encrypted key on the terminal.
static inline int copenssl_no_password(char *buffer, int size, int writes, void *argument) {
    (void)buffer, (void)size, (void)writes, (void)argument;
    return -1;
}

// The first key of its kind in a PEM text; NULL if there is none that can be used.
typedef enum { COPENSSL_PUBLIC_KEY, COPENSSL_CERTIFICATE, COPENSSL_PRIVATE_KEY } copenssl_pem_kind;

static inline EVP_PKEY *copenssl_read_pem(const void *text, size_t count, copenssl_pem_kind kind) {
    EVP_PKEY *key = NULL;
    X509 *certificate = NULL;
    BIO *bio = BIO_new_mem_buf(text, (int)count);
    if (bio == NULL) return NULL;
    switch (kind) {
    case COPENSSL_PUBLIC_KEY: key = PEM_read_bio_PUBKEY(bio, NULL, copenssl_no_password, NULL); break;
    case COPENSSL_PRIVATE_KEY: key = PEM_read_bio_PrivateKey(bio, NULL, copenssl_no_password, NULL); break;
    case COPENSSL_CERTIFICATE:
        certificate = PEM_read_bio_X509(bio, NULL, copenssl_no_password, NULL);
        key = certificate == NULL ? NULL : X509_get_pubkey(certificate);
        X509_free(certificate);
        break;
    }
    BIO_free(bio);
    ERR_clear_error();  // a later call on this thread must not find this one's errors, TLS looks for them
    return key;
}

static inline EVP_PKEY *copenssl_key_of_parameters(const char *type, OSSL_PARAM_BLD *builder) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM *parameters = OSSL_PARAM_BLD_to_param(builder);
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (parameters != NULL && context != NULL && EVP_PKEY_fromdata_init(context) == 1)
        EVP_PKEY_fromdata(context, &key, EVP_PKEY_PUBLIC_KEY, parameters);
    EVP_PKEY_CTX_free(context);
    OSSL_PARAM_free(parameters);
    ERR_clear_error();
    return key;
}

// An RSA key of its modulus and exponent, both with the most significant byte first (RFC 7518 section 6.3.1).
static inline EVP_PKEY *copenssl_rsa_key(const unsigned char *modulus, size_t modulus_count,
                                         const unsigned char *exponent, size_t exponent_count) {
    EVP_PKEY *key = NULL;
    BIGNUM *n = BN_bin2bn(modulus, (int)modulus_count, NULL);
    BIGNUM *e = BN_bin2bn(exponent, (int)exponent_count, NULL);
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (n != NULL && e != NULL && builder != NULL && OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_N, n) &&
        OSSL_PARAM_BLD_push_BN(builder, OSSL_PKEY_PARAM_RSA_E, e))
        key = copenssl_key_of_parameters("RSA", builder);
    OSSL_PARAM_BLD_free(builder);
    BN_free(n);
    BN_free(e);
    return key;
}

// A key on a curve; OpenSSL refuses a point that is not on it. The point is 04, x, y (RFC 7518 section 6.2.1).
static inline EVP_PKEY *copenssl_curve_key(const char *curve, const unsigned char *point, size_t count) {
    EVP_PKEY *key = NULL;
    OSSL_PARAM_BLD *builder = OSSL_PARAM_BLD_new();
    if (builder != NULL && OSSL_PARAM_BLD_push_utf8_string(builder, OSSL_PKEY_PARAM_GROUP_NAME, curve, 0) &&
        OSSL_PARAM_BLD_push_octet_string(builder, OSSL_PKEY_PARAM_PUB_KEY, point, count))
        key = copenssl_key_of_parameters("EC", builder);
    OSSL_PARAM_BLD_free(builder);
    return key;
}

static inline EVP_PKEY *copenssl_edwards_key(int type, const unsigned char *bytes, size_t count) {
    EVP_PKEY *key = EVP_PKEY_new_raw_public_key(type, NULL, bytes, count);
    ERR_clear_error();
    return key;
}

// RFC 7518 section 3.5: the salt of RSASSA-PSS is as long as the hash.
static inline int copenssl_use_pss(EVP_PKEY_CTX *context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PSS_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) == 1;
}

// Whether a signature fits a text; the digest is NULL for Edwards curves.
static inline int copenssl_verify(EVP_PKEY *key, const EVP_MD *digest, int is_pss, const unsigned char *signature,
                                  size_t signature_count, const unsigned char *text, size_t text_count) {
    EVP_PKEY_CTX *options = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int fits = context != NULL && EVP_DigestVerifyInit(context, &options, digest, NULL, key) == 1 &&
               (!is_pss || copenssl_use_pss(options)) &&
               EVP_DigestVerify(context, signature, signature_count, text, text_count) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return fits;
}

// Signs a text into a buffer of `count` bytes; returns the length of the signature, or 0.
static inline size_t copenssl_sign(EVP_PKEY *key, const EVP_MD *digest, int is_pss, const unsigned char *text,
                                   size_t text_count, unsigned char *signature, size_t count) {
    EVP_PKEY_CTX *options = NULL;
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    int signs = context != NULL && EVP_DigestSignInit(context, &options, digest, NULL, key) == 1 &&
                (!is_pss || copenssl_use_pss(options)) &&
                EVP_DigestSign(context, signature, &count, text, text_count) == 1;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return signs ? count : 0;
}

// Tokens have a signature of two numbers of equal length (RFC 7518 section 3.4); OpenSSL has them in DER.
// `count` is the size of the buffer; returns the length in it, or 0.
static inline size_t copenssl_signature_to_der(const unsigned char *numbers, size_t numbers_count, unsigned char *der,
                                               size_t count) {
    int length = 0;
    ECDSA_SIG *signature = ECDSA_SIG_new();
    BIGNUM *r = BN_bin2bn(numbers, (int)numbers_count / 2, NULL);
    BIGNUM *s = BN_bin2bn(numbers + numbers_count / 2, (int)numbers_count / 2, NULL);
    if (signature != NULL && r != NULL && s != NULL && ECDSA_SIG_set0(signature, r, s) == 1) {
        r = s = NULL;  // they belong to the signature now
        length = i2d_ECDSA_SIG(signature, NULL);
        length = length > 0 && (size_t)length <= count ? i2d_ECDSA_SIG(signature, &der) : 0;
    }
    BN_free(r);
    BN_free(s);
    ECDSA_SIG_free(signature);
    return length > 0 ? (size_t)length : 0;
}

static inline int copenssl_signature_from_der(const unsigned char *der, size_t der_count, unsigned char *numbers,
                                              size_t numbers_count) {
    int half = (int)numbers_count / 2;
    ECDSA_SIG *signature = d2i_ECDSA_SIG(NULL, &der, (long)der_count);
    int fits = signature != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(signature), numbers, half) == half &&
               BN_bn2binpad(ECDSA_SIG_get0_s(signature), numbers + half, half) == half;
    ECDSA_SIG_free(signature);
    ERR_clear_error();
    return fits;
}

#endif
