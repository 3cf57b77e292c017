// floor: a minimal single-threaded server in C on epoll that fulfils the contract of README.md. It shows how much of a
// figure is the kernel's. It is not a product: it has no limits, no timeouts and no fairness. Usage: floor PORT
//
// Messages that are published in one epoll round are joined into one buffer per channel. At the end of the round every
// subscriber gets that buffer with one send(2). ../build compiles it.
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct { char *data; size_t n, cap; } Buffer;
typedef struct { uint8_t state; int channel; uint32_t slot; Buffer in, out; } Conn;  // state: 0 free, 1 HTTP, 2 WebSocket
typedef struct { char *name; size_t len; int *fds; uint32_t n, cap; Buffer batch; int dirty; } Channel;

static Conn conns[70000];
static Channel channels[20000];
static int n_channels, dirty[20000], n_dirty, ep, n_open;
static char chunk[1 << 18];

static void append(Buffer *b, const void *p, size_t n) {
    if (b->n + n > b->cap) { b->cap = (b->n + n) * 2; b->data = realloc(b->data, b->cap); }
    memcpy(b->data + b->n, p, n);
    b->n += n;
}
static void release(Buffer *b) { free(b->data); *b = (Buffer){0}; }

static int channel_of(const char *s, size_t n) {
    static int table[65536];
    uint32_t h = 5381;
    for (size_t i = 0; i < n; i++) h = h * 33 ^ (uint8_t)s[i];
    for (h &= 65535; table[h]; h = (h + 1) & 65535) {
        Channel *c = &channels[table[h] - 1];
        if (c->len == n && !memcmp(c->name, s, n)) return table[h] - 1;
    }
    table[h] = ++n_channels;
    channels[n_channels - 1].name = memcpy(malloc(n), s, n);
    channels[n_channels - 1].len = n;
    return n_channels - 1;
}

static void watch(int fd, uint32_t events) {
    struct epoll_event e = {.events = events, .data.fd = fd};
    epoll_ctl(ep, EPOLL_CTL_MOD, fd, &e);
}
static void shut(int fd) {
    Conn *c = &conns[fd];
    if (c->state == 2) {
        Channel *h = &channels[c->channel];
        int last = h->fds[--h->n];
        h->fds[c->slot] = last;
        conns[last].slot = c->slot;
        n_open--;
    }
    release(&c->in); release(&c->out);
    *c = (Conn){0};
    close(fd);
}
static void put(int fd, const char *b, size_t n) {
    Conn *c = &conns[fd];
    if (!c->out.n) {
        ssize_t w = send(fd, b, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (w == (ssize_t)n || (w < 0 && errno != EAGAIN)) return;
        if (w > 0) { b += w; n -= (size_t)w; }
        watch(fd, EPOLLIN | EPOLLOUT);
    }
    append(&c->out, b, n);
}
static void drain(int fd) {
    Conn *c = &conns[fd];
    ssize_t w = send(fd, c->out.data, c->out.n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (w <= 0) return;
    c->out.n -= (size_t)w;
    memmove(c->out.data, c->out.data + w, c->out.n);
    if (!c->out.n) { release(&c->out); watch(fd, EPOLLIN); }
}

static void publish(int ch, const char *p, size_t n) {
    uint8_t head[10] = {0x81};
    size_t k = 2;
    if (n < 126) head[1] = (uint8_t)n;
    else if (n < 65536) { head[1] = 126; head[2] = (uint8_t)(n >> 8); head[3] = (uint8_t)n; k = 4; }
    else { head[1] = 127; for (int i = 0; i < 8; i++) head[2 + i] = (uint8_t)(n >> (56 - 8 * i)); k = 10; }
    Channel *h = &channels[ch];
    append(&h->batch, head, k);
    append(&h->batch, p, n);
    if (!h->dirty) { h->dirty = 1; dirty[n_dirty++] = ch; }
}
static void flush(void) {
    for (int i = 0; i < n_dirty; i++) {
        Channel *h = &channels[dirty[i]];
        for (uint32_t j = 0; j < h->n; j++) put(h->fds[j], h->batch.data, h->batch.n);
        h->batch.n = 0;
        h->dirty = 0;
    }
    n_dirty = 0;
}

static size_t request(int fd, const char *b, size_t n, Buffer *answer) {  // bytes consumed, 0 if incomplete
    const char *end = memmem(b, n, "\r\n\r\n", 4);
    if (!end) return 0;
    size_t head = (size_t)(end - b) + 4, body = 0;
    const char *length = memmem(b, head, "Content-Length: ", 16), *key = memmem(b, head, "Sec-WebSocket-Key: ", 19);
    if (length) body = strtoul(length + 16, NULL, 10);
    if (n < head + body) return 0;
    const char *q = memmem(b, head, "channel=", 8), *e = q ? q + 8 : NULL;
    while (e && *e != ' ' && *e != '&') e++;
    int ch = q ? channel_of(q + 8, (size_t)(e - q - 8)) : -1;
    char text[512];
    int t;
    if (*b == 'P' && ch >= 0) {
        publish(ch, b + head, body);
        t = sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    } else if (key && ch >= 0) {
        char in[60], accept[32];
        unsigned char digest[20];
        unsigned size;
        memcpy(in, key + 19, 24);
        memcpy(in + 24, "258EAFA5-E914-47DA-95CA-C5AB0DC85B11", 36);
        EVP_Digest(in, 60, digest, &size, EVP_sha1(), NULL);
        EVP_EncodeBlock((unsigned char *)accept, digest, 20);
        t = sprintf(text, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                          "Sec-WebSocket-Accept: %s\r\n\r\n", accept);
        Channel *h = &channels[ch];
        if (h->n == h->cap) { h->cap = h->cap ? h->cap * 2 : 8; h->fds = realloc(h->fds, h->cap * sizeof *h->fds); }
        conns[fd].state = 2; conns[fd].channel = ch; conns[fd].slot = h->n;
        h->fds[h->n++] = fd;
        n_open++;
    } else {
        char json[64];
        int j = sprintf(json, "{\"status\":\"ok\",\"connections\":%d}", n_open);
        t = sprintf(text, "HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", j, json);
    }
    append(answer, text, (size_t)t);
    return head + body;
}
static void readable(int fd) {
    Conn *c = &conns[fd];
    ssize_t n = recv(fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN)) { shut(fd); return; }
    if (n < 0) return;
    if (c->state == 2) { if ((chunk[0] & 15) == 8) shut(fd); return; }  // frames of subscribers carry nothing here
    append(&c->in, chunk, (size_t)n);
    static Buffer answer;
    answer.n = 0;
    size_t used = 0, k;
    while (c->state == 1 && used < c->in.n && (k = request(fd, c->in.data + used, c->in.n - used, &answer))) used += k;
    c->in.n -= used;
    memmove(c->in.data, c->in.data + used, c->in.n);
    if (!c->in.n) release(&c->in);
    if (answer.n) put(fd, answer.data, answer.n);
}

int main(int argc, char **argv) {
    if (argc < 2) { fprintf(stderr, "usage: floor PORT\n"); return 2; }
    struct rlimit r;
    getrlimit(RLIMIT_NOFILE, &r); r.rlim_cur = r.rlim_max; setrlimit(RLIMIT_NOFILE, &r);
    int s = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), one = 1;
    setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (bind(s, (struct sockaddr *)&a, sizeof a) || listen(s, 4096)) { perror("floor"); return 1; }
    ep = epoll_create1(0);
    struct epoll_event e = {.events = EPOLLIN, .data.fd = s}, events[1024];
    epoll_ctl(ep, EPOLL_CTL_ADD, s, &e);
    for (;;) {
        int n = epoll_wait(ep, events, 1024, -1);
        for (int i = 0; i < n; i++) {
            int fd = events[i].data.fd;
            if (fd == s) {
                for (int f; (f = accept4(s, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
                    setsockopt(f, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
                    conns[f].state = 1;
                    struct epoll_event x = {.events = EPOLLIN, .data.fd = f};
                    epoll_ctl(ep, EPOLL_CTL_ADD, f, &x);
                }
                continue;
            }
            if (conns[fd].state && events[i].events & EPOLLOUT) drain(fd);
            if (conns[fd].state && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) readable(fd);
        }
        flush();
    }
}
