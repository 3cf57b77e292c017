// The parts of libcurl that this project needs; they work as the functions of libcurl that they are named after.
//
// The library is loaded by ccurl_start. A program that is linked with it would load it, and 25 others that it needs, at
// its start: that costs 4 MiB of memory, and most servers have no hook.

#ifndef CCURL_H
#define CCURL_H

#include <curl/curl.h>
#include <stdint.h>

typedef size_t (*ccurl_receiver)(char *bytes, size_t size, size_t count, void *context);

// Loads libcurl and sets it up for the process; call it once, before all others. Returns NULL, or why it cannot be
// used: it must also look up names without blocking its caller.
const char *ccurl_start(void);

CURLM *ccurl_multi_init(void);
CURLMcode ccurl_multi_cleanup(CURLM *multi);
CURLMcode ccurl_multi_add_handle(CURLM *multi, CURL *easy);
CURLMcode ccurl_multi_remove_handle(CURLM *multi, CURL *easy);
CURLMcode ccurl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events, int *running);
CURLMsg *ccurl_multi_info_read(CURLM *multi, int *queued);
CURL *ccurl_easy_init(void);
void ccurl_easy_cleanup(CURL *easy);
const char *ccurl_easy_strerror(CURLcode code);
struct curl_slist *ccurl_slist_append(struct curl_slist *list, const char *text);
void ccurl_slist_free_all(struct curl_slist *list);

// curl_easy_setopt and curl_multi_setopt have variable arguments, which Swift cannot call.
void ccurl_set_number(CURL *easy, CURLoption option, long value);
void ccurl_set_text(CURL *easy, CURLoption option, const char *text);
void ccurl_set_pointer(CURL *easy, CURLoption option, void *pointer);
void ccurl_set_multi_number(CURLM *multi, CURLMoption option, long value);
void ccurl_allow_web_only(CURL *easy);
// The body is copied.
void ccurl_set_body(CURL *easy, const void *bytes, size_t count);
// The context is also what ccurl_context returns.
void ccurl_set_receivers(CURL *easy, ccurl_receiver head, ccurl_receiver body, void *context);
void *ccurl_context(CURL *easy);
long ccurl_status(CURL *easy);
void ccurl_watch(CURLM *multi, curl_socket_callback socket, curl_multi_timer_callback timer, void *context);

#endif
