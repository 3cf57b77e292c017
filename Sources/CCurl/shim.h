// The parts of libcurl that this project needs. Its setters have variable arguments, which Swift cannot call.

#ifndef PUSHD_CCURL_SHIM_H
#define PUSHD_CCURL_SHIM_H

#include <curl/curl.h>
#include <stdint.h>

typedef size_t (*ccurl_receiver)(char *bytes, size_t size, size_t count, void *context);

// Whether libcurl can be used: it is set up for the process, and it looks up names without blocking its caller.
static inline int ccurl_start(void) {
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK &&
           (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) != 0;
}

static inline void ccurl_set_number(CURL *easy, CURLoption option, long value) {
    (curl_easy_setopt)(easy, option, value);
}

static inline void ccurl_set_text(CURL *easy, CURLoption option, const char *text) {
    (curl_easy_setopt)(easy, option, text);
}

static inline void ccurl_set_pointer(CURL *easy, CURLoption option, void *pointer) {
    (curl_easy_setopt)(easy, option, pointer);
}

static inline void ccurl_allow_web_only(CURL *easy) {
    (curl_easy_setopt)(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
}

// The body is copied.
static inline void ccurl_set_body(CURL *easy, const void *bytes, size_t count) {
    (curl_easy_setopt)(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    (curl_easy_setopt)(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}

// The context is also what ccurl_context returns.
static inline void ccurl_set_receivers(CURL *easy, ccurl_receiver head, ccurl_receiver body, void *context) {
    (curl_easy_setopt)(easy, CURLOPT_HEADERFUNCTION, head);
    (curl_easy_setopt)(easy, CURLOPT_HEADERDATA, context);
    (curl_easy_setopt)(easy, CURLOPT_WRITEFUNCTION, body);
    (curl_easy_setopt)(easy, CURLOPT_WRITEDATA, context);
    (curl_easy_setopt)(easy, CURLOPT_PRIVATE, context);
}

static inline void *ccurl_context(CURL *easy) {
    char *context = NULL;
    (curl_easy_getinfo)(easy, CURLINFO_PRIVATE, &context);
    return context;
}

static inline long ccurl_status(CURL *easy) {
    long status = 0;
    (curl_easy_getinfo)(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static inline void ccurl_watch(CURLM *multi, curl_socket_callback socket, curl_multi_timer_callback timer,
                               void *context) {
    (curl_multi_setopt)(multi, CURLMOPT_SOCKETFUNCTION, socket);
    (curl_multi_setopt)(multi, CURLMOPT_SOCKETDATA, context);
    (curl_multi_setopt)(multi, CURLMOPT_TIMERFUNCTION, timer);
    (curl_multi_setopt)(multi, CURLMOPT_TIMERDATA, context);
}

static inline void ccurl_set_multi_number(CURLM *multi, CURLMoption option, long value) {
    (curl_multi_setopt)(multi, option, value);
}

#endif
