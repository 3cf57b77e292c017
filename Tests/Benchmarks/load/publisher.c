#define _GNU_SOURCE
#include "publisher.h"

#include "options.h"
#include "sockets.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

uint64_t publish_errors;
static int descriptor = -1;
static bool to_redis;
static char *message, *request;
static size_t request_capacity;

void open_publisher(void) {
    to_redis = strcmp(options.publish, "redis") == 0;
    descriptor = connect_to(options.publish_port, 0);
    if (descriptor < 0) die("cannot open the publisher's connection");
    usleep(20000);  // until it is connected, because earlier messages would be lost
    if (request) return;
    request_capacity = (size_t)options.size + 1024;
    message = malloc((size_t)options.size + 64);
    request = malloc(request_capacity);
    if (!message || !request) die("no memory for a message");
}

// {"t":TIME,"p":"bcdef..."} of --size bytes, or as many as the time takes.
static int make_message(void) {
    int length = snprintf(message, (size_t)options.size + 64, "{\"t\":%llu,\"p\":\"", (unsigned long long)now_ns());
    while (length < options.size - 2) {
        message[length] = (char)('a' + length % 26);
        length++;
    }
    message[length++] = '"';
    message[length++] = '}';
    return length;
}

void publish(long channel) {
    char path[256];
    fill_template(path, sizeof path, options.publish_path, channel);
    const int size = make_message();
    int length;
    if (to_redis)
        length = snprintf(request, request_capacity, "*3\r\n$7\r\nPUBLISH\r\n$%zu\r\n%s\r\n$%d\r\n%.*s\r\n", strlen(path),
                          path, size, size, message);
    else
        length = snprintf(request, request_capacity,
                          "POST %s HTTP/1.1\r\nHost: 127.0.0.1:%ld\r\nContent-Type: application/json\r\n"
                          "Content-Length: %d\r\n\r\n%.*s",
                          path, options.publish_port, size, size, message);
    send_all(descriptor, request, (size_t)length);
}

static void count_errors(const char *answers, size_t count) {
    const char *end = answers + count;
    if (to_redis && answers[0] == '-') publish_errors++;
    if (to_redis) return;
    while ((answers = memmem(answers, (size_t)(end - answers), "HTTP/1.1 ", 9))) {
        answers += 9;
        if (answers < end && *answers != '2') publish_errors++;
    }
}

void read_publish_answers(void) {
    static char buffer[1 << 16];
    ssize_t count;
    while ((count = recv(descriptor, buffer, sizeof buffer, MSG_DONTWAIT)) > 0) count_errors(buffer, (size_t)count);
    if (count == 0) {
        publish_errors++;
        close(descriptor);
        open_publisher();
    }
}
