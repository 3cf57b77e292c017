#define _GNU_SOURCE
#include "subscribers.h"

#include "events.h"
#include "frames.h"
#include "options.h"
#include "sockets.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MOST_LATENCIES = 20000000, SMALL_BUFFER = 4096, READS_IN_A_ROW = 4 };

typedef struct {
    int descriptor;
    enum { CONNECTING, HANDSHAKING, OPEN, CLOSED } state;
    char answer_end[4];  // the last bytes of the handshake response
    long answered;       // its length so far
    union {
        FrameReader frames;
        EventReader events;
    };
} Subscriber;

Tally tally;
static Subscriber *subscribers;
static bool is_stream;  // subscribers are event streams
static bool is_pusher;  // they speak Pusher's protocol
static int set = -1;
static char buffer[1 << 18];

static void finish(Subscriber *one) {
    if (one->state == OPEN)
        tally.dropped++;
    else
        tally.refused++;
    one->state = CLOSED;
    if (one->descriptor >= 0) close(one->descriptor);
    one->descriptor = -1;
}

static void start(long number) {
    Subscriber *one = &subscribers[number];
    one->descriptor = connect_to(options.port, number);
    if (one->descriptor < 0) {
        finish(one);
        return;
    }
    if (number < options.slow) {
        const int small = SMALL_BUFFER;
        setsockopt(one->descriptor, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    struct epoll_event event = {.events = EPOLLOUT, .data.u32 = (uint32_t)number};
    epoll_ctl(set, EPOLL_CTL_ADD, one->descriptor, &event);
}

static void shake_hands(Subscriber *one, long number) {
    char path[512], request[1024];
    fill_template(path, sizeof path, options.path, number % options.channels);
    const int length =
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%ld\r\n%s\r\n", path, options.port,
                 is_stream ? "Accept: text/event-stream\r\n"
                           : "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n");
    send_all(one->descriptor, request, (size_t)length);
    one->state = HANDSHAKING;
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};
    epoll_ctl(set, EPOLL_CTL_MOD, one->descriptor, &event);
}

// Joins a channel, which a client of Pusher's protocol cannot do in its URL.
static void subscribe(Subscriber *one, long number) {
    char command[128], frame[MOST_CONTROL_FRAME];
    const int length = snprintf(command, sizeof command, "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"c%ld\"}}",
                                number % options.channels);
    send_all(one->descriptor, frame, client_frame(frame, TEXT_FRAME, command, (size_t)length));
}

// Whether a frame is an event of Pusher's protocol itself; with the last one before the messages a subscriber is ready.
static bool is_protocol_event(const char *beginning) {
    if (!is_pusher || strncmp(beginning, "{\"event\":\"pusher", 16)) return false;
    if (strstr(beginning, "subscription_succeeded")) tally.opened++;
    return true;
}

// Reads the handshake response, and returns how many bytes of the buffer belong to it.
static size_t read_answer(Subscriber *one, long number, size_t count) {
    if (one->answered == 0 && count >= 12 && memcmp(buffer, is_stream ? "HTTP/1.1 200" : "HTTP/1.1 101", 12)) {
        if (!tally.refused) fprintf(stderr, "wsload: handshake refused: %.*s\n", (int)(count < 60 ? count : 60), buffer);
        finish(one);
        return count;
    }
    for (size_t read = 0; read < count;) {
        memmove(one->answer_end, one->answer_end + 1, 3);
        one->answer_end[3] = buffer[read++];
        one->answered++;
        if (memcmp(one->answer_end, "\r\n\r\n", 4) == 0) {
            one->state = OPEN;
            if (is_pusher)
                subscribe(one, number);
            else
                tally.opened++;
            return read;
        }
    }
    return count;
}

static void count_message(const char *beginning) {
    const char *stamp = strstr(beginning, "\"t\":");
    const char *quoted = strstr(beginning, "\\\"t\\\":");  // in an envelope with the message as a string
    const uint64_t sent = stamp ? strtoull(stamp + 4, NULL, 10) : quoted ? strtoull(quoted + 6, NULL, 10) : 0;
    if (!sent) {
        tally.stray++;
        return;
    }
    tally.delivered++;
    if (tally.latencies && tally.timed < MOST_LATENCIES)
        tally.latencies[tally.timed++] = (uint32_t)((now_ns() - sent) / 1000);
}

static void read_frames(Subscriber *one, const char *bytes, size_t count) {
    const char *end = bytes + count;
    while (next_frame(&one->frames, &bytes, end)) {
        const FrameReader *frame = &one->frames;
        if (frame->opcode == CLOSE_FRAME) {
            finish(one);
            return;
        }
        if (frame->opcode == PING_FRAME) {
            char pong[MOST_CONTROL_FRAME];
            send_all(one->descriptor, pong, client_frame(pong, PONG_FRAME, frame->beginning, frame->kept));
        } else if (frame->opcode < CLOSE_FRAME && !is_protocol_event(frame->beginning)) {
            count_message(frame->beginning);
        }
    }
}

static void read_events(Subscriber *one, const char *bytes, size_t count) {
    const char *end = bytes + count;
    while (next_event(&one->events, &bytes, end)) count_message(one->events.beginning);
}

static void read_socket(Subscriber *one, long number) {
    for (int i = 0; i < READS_IN_A_ROW && one->state != CLOSED; i++) {
        const ssize_t count = recv(one->descriptor, buffer, sizeof buffer, 0);
        if (count < 0 && (errno == EAGAIN || errno == EINTR)) return;
        if (count <= 0) {
            finish(one);
            return;
        }
        size_t read = one->state == HANDSHAKING ? read_answer(one, number, (size_t)count) : 0;
        if (one->state == OPEN && number < options.slow) {
            epoll_ctl(set, EPOLL_CTL_DEL, one->descriptor, NULL);
            return;
        }
        if (one->state == OPEN) (is_stream ? read_events : read_frames)(one, buffer + read, (size_t)count - read);
        if ((size_t)count < sizeof buffer) return;
    }
}

void receive(int milliseconds) {
    struct epoll_event events[512];
    const int count = epoll_wait(set, events, 512, milliseconds);
    for (int i = 0; i < count; i++) {
        const long number = events[i].data.u32;
        Subscriber *one = &subscribers[number];
        if (one->state == CONNECTING && events[i].events & (EPOLLERR | EPOLLHUP))
            finish(one);
        else if (one->state == CONNECTING)
            shake_hands(one, number);
        else if (one->state != CLOSED)
            read_socket(one, number);
    }
}

void connect_subscribers(uint64_t deadline) {
    subscribers = calloc((size_t)options.connections, sizeof *subscribers);
    is_stream = !strcmp(options.kind, "sse");
    is_pusher = !strcmp(options.kind, "pusher");
    set = epoll_create1(EPOLL_CLOEXEC);
    if (!subscribers || set < 0) die("no memory or no epoll set");
    long started = 0, ended;
    while ((ended = tally.opened + tally.refused + tally.dropped) < options.connections && now_ns() < deadline) {
        while (started < options.connections && started - ended < options.handshakes) start(started++);
        receive(10);
    }
}

void time_deliveries(void) {
    tally.delivered = 0;
    tally.latencies = malloc(MOST_LATENCIES * sizeof *tally.latencies);
    if (!tally.latencies) die("no memory for latencies");
}

uint64_t readers_of(long channel) {
    uint64_t count = 0;
    for (long i = channel; i < options.connections; i += options.channels)
        count += subscribers[i].state == OPEN && i >= options.slow;
    return count;
}
