// What a POST of events cannot do without: reads a body with its signature from the standard input, as events.py writes
// them, checks the MD5 of the body and the HMAC-SHA256 of the request, reads the JSON byte by byte, and prints the CPU
// time of a request in microseconds. No socket, no HTTP and no delivery.
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MOST_BYTES = 1 << 16 };

static void hexadecimal(const unsigned char *bytes, unsigned count, char *out) {
    for (unsigned i = 0; i < count; i++) sprintf(out + 2 * i, "%02x", bytes[i]);
}

// Walks over a JSON text: depth, strings and escapes; returns whether all that was opened is closed.
static int is_balanced(const char *text) {
    int depth = 0, in_string = 0;
    for (; *text; text++) {
        if (in_string) {
            if (*text == '\\' && text[1]) text++;
            else if (*text == '"') in_string = 0;
        } else if (*text == '"') in_string = 1;
        else if (*text == '{' || *text == '[') depth++;
        else if (*text == '}' || *text == ']') depth--;
    }
    return depth == 0 && !in_string;
}

static int is_right(const char *secret, const char *body, const char *md5, const char *signed_text, const char *signature) {
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    char text[2 * EVP_MAX_MD_SIZE + 1];
    EVP_Digest(body, strlen(body), digest, &length, EVP_md5(), NULL);
    hexadecimal(digest, length, text);
    if (strcmp(text, md5)) return 0;
    HMAC(EVP_sha256(), secret, (int)strlen(secret), (const unsigned char *)signed_text, strlen(signed_text), digest, &length);
    hexadecimal(digest, length, text);
    return !CRYPTO_memcmp(text, signature, strlen(text)) && is_balanced(body);
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;  // SECRET TIMES
    static char body[MOST_BYTES], md5[64], path[MOST_BYTES], signature[128], signed_text[2 * MOST_BYTES];
    if (scanf("%65535[^\n]\n%63s\n%65535[^\n]\n%127s", body, md5, path, signature) != 4) return 2;
    snprintf(signed_text, sizeof signed_text, "POST\n%s", path);
    char *query = strchr(signed_text, '?');
    if (!query) return 2;
    *query = '\n';
    const long times = atol(argv[2]);
    long right = 0;
    const clock_t begin = clock();
    for (long i = 0; i < times; i++) right += is_right(argv[1], body, md5, signed_text, signature);
    if (right != times) return 1;
    printf("%.2f\n", (double)(clock() - begin) * 1e6 / CLOCKS_PER_SEC / (double)times);
}
