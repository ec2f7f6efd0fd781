#pragma once
#include <curl/curl.h>

// Setting and asking are variadic in libcurl, which Swift does not import.
static inline CURLcode regen_curl_set_number(CURL *easy, CURLoption option, long value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode regen_curl_set_text(CURL *easy, CURLoption option, const char *value) {
    return curl_easy_setopt(easy, option, value);
}

static inline CURLcode regen_curl_set_pointer(CURL *easy, CURLoption option, void *value) {
    return curl_easy_setopt(easy, option, value);
}

// The bytes stay the caller's, and where they are, as long as the handle lives.
static inline CURLcode regen_curl_set_bytes(
    CURL *easy, CURLoption option, const void *bytes, size_t count) {
    struct curl_blob blob = { (void *)bytes, count, CURL_BLOB_NOCOPY };
    return curl_easy_setopt(easy, option, &blob);
}

static inline CURLcode regen_curl_on_data(
    CURL *easy, CURLoption option, curl_write_callback callback) {
    return curl_easy_setopt(easy, option, callback);
}

static inline CURLcode regen_curl_on_open_socket(
    CURL *easy, curl_opensocket_callback callback, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
    return code ? code : curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context);
}

static inline CURLcode regen_curl_on_close_socket(
    CURL *easy, curl_closesocket_callback callback, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_CLOSESOCKETFUNCTION, callback);
    return code ? code : curl_easy_setopt(easy, CURLOPT_CLOSESOCKETDATA, context);
}

static inline CURLcode regen_curl_on_lookup(
    CURL *easy, curl_resolver_start_callback callback, void *context) {
    CURLcode code = curl_easy_setopt(easy, CURLOPT_RESOLVER_START_FUNCTION, callback);
    return code ? code : curl_easy_setopt(easy, CURLOPT_RESOLVER_START_DATA, context);
}

// Since libcurl 8.2 with one L less; this one is a macro there, which Swift does not import.
static const CURLoption regen_curl_allow_refused_recipients = CURLOPT_MAIL_RCPT_ALLLOWFAILS;

static inline long regen_curl_number(CURL *easy, CURLINFO info) {
    long value = 0;
    return curl_easy_getinfo(easy, info, &value) ? 0 : value;
}

static inline curl_off_t regen_curl_large_number(CURL *easy, CURLINFO info) {
    curl_off_t value = 0;
    return curl_easy_getinfo(easy, info, &value) ? 0 : value;
}

static inline void *regen_curl_private(CURL *easy) {
    char *value = 0;
    return curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value) ? 0 : value;
}

static inline const struct curl_certinfo *regen_curl_certificates(CURL *easy) {
    struct curl_certinfo *value = 0;
    return curl_easy_getinfo(easy, CURLINFO_CERTINFO, &value) ? 0 : value;
}

static inline CURLMcode regen_curl_multi_set_number(CURLM *multi, CURLMoption option, long value) {
    return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode regen_curl_multi_on_socket(
    CURLM *multi, curl_socket_callback callback, void *context) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
    return code ? code : curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, context);
}

static inline CURLMcode regen_curl_multi_on_timer(
    CURLM *multi, curl_multi_timer_callback callback, void *context) {
    CURLMcode code = curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
    return code ? code : curl_multi_setopt(multi, CURLMOPT_TIMERDATA, context);
}

// A union, of which Swift sees the fields but not which one counts.
static inline CURLcode regen_curl_result(const CURLMsg *message) { return message->data.result; }

// A macro with a cast.
static inline CURLcode regen_curl_global_init(void) { return curl_global_init(CURL_GLOBAL_DEFAULT); }
