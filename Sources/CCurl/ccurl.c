// CURLOPT_PROTOCOLS is deprecated, and what follows it is missing in libcurl before 7.85.
#define CURL_DISABLE_DEPRECATION
#include "ccurl.h"

#include <dlfcn.h>

#define FUNCTIONS(USE)                                                                                                 \
    USE(global_init) USE(version_info)                                                                                 \
    USE(multi_init) USE(multi_cleanup) USE(multi_setopt) USE(multi_add_handle) USE(multi_remove_handle)                \
    USE(multi_socket_action) USE(multi_info_read)                                                                      \
    USE(easy_init) USE(easy_cleanup) USE(easy_setopt) USE(easy_getinfo) USE(easy_strerror)                             \
    USE(slist_append) USE(slist_free_all)

#define DECLARE(NAME) __typeof__(curl_##NAME) *NAME;
static struct { FUNCTIONS(DECLARE) } curl;

const char *ccurl_start(void) {
    void *library = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (!library) return dlerror();
#define LOAD(NAME)                                                                                                     \
    curl.NAME = (__typeof__(curl.NAME))dlsym(library, "curl_" #NAME);                                                  \
    if (!curl.NAME) return dlerror();
    FUNCTIONS(LOAD)
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return "it cannot be set up";
    int is_asynchronous = (curl.version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS) != 0;
    return is_asynchronous ? NULL : "it has no resolver in the background";
}

CURLM *ccurl_multi_init(void) { return curl.multi_init(); }
CURLMcode ccurl_multi_cleanup(CURLM *multi) { return curl.multi_cleanup(multi); }
CURLMcode ccurl_multi_add_handle(CURLM *multi, CURL *easy) { return curl.multi_add_handle(multi, easy); }
CURLMcode ccurl_multi_remove_handle(CURLM *multi, CURL *easy) { return curl.multi_remove_handle(multi, easy); }

CURLMcode ccurl_multi_socket_action(CURLM *multi, curl_socket_t socket, int events, int *running) {
    return curl.multi_socket_action(multi, socket, events, running);
}

CURLMsg *ccurl_multi_info_read(CURLM *multi, int *queued) { return curl.multi_info_read(multi, queued); }
CURL *ccurl_easy_init(void) { return curl.easy_init(); }
void ccurl_easy_cleanup(CURL *easy) { curl.easy_cleanup(easy); }
const char *ccurl_easy_strerror(CURLcode code) { return curl.easy_strerror(code); }

struct curl_slist *ccurl_slist_append(struct curl_slist *list, const char *text) {
    return curl.slist_append(list, text);
}

void ccurl_slist_free_all(struct curl_slist *list) { curl.slist_free_all(list); }
void ccurl_set_number(CURL *easy, CURLoption option, long value) { curl.easy_setopt(easy, option, value); }
void ccurl_set_text(CURL *easy, CURLoption option, const char *text) { curl.easy_setopt(easy, option, text); }
void ccurl_set_pointer(CURL *easy, CURLoption option, void *pointer) { curl.easy_setopt(easy, option, pointer); }

void ccurl_set_multi_number(CURLM *multi, CURLMoption option, long value) {
    curl.multi_setopt(multi, option, value);
}

void ccurl_allow_web_only(CURL *easy) {
    curl.easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
}

void ccurl_set_body(CURL *easy, const void *bytes, size_t count) {
    curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    curl.easy_setopt(easy, CURLOPT_COPYPOSTFIELDS, bytes);
}

void ccurl_set_receivers(CURL *easy, ccurl_receiver head, ccurl_receiver body, void *context) {
    curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, head);
    curl.easy_setopt(easy, CURLOPT_HEADERDATA, context);
    curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, body);
    curl.easy_setopt(easy, CURLOPT_WRITEDATA, context);
    curl.easy_setopt(easy, CURLOPT_PRIVATE, context);
}

void *ccurl_context(CURL *easy) {
    char *context = NULL;
    curl.easy_getinfo(easy, CURLINFO_PRIVATE, &context);
    return context;
}

long ccurl_status(CURL *easy) {
    long status = 0;
    curl.easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

void ccurl_watch(CURLM *multi, curl_socket_callback socket, curl_multi_timer_callback timer, void *context) {
    curl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, socket);
    curl.multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
    curl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, timer);
    curl.multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}
