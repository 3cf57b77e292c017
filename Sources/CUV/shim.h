#ifndef CUV_SHIM_H
#define CUV_SHIM_H

#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <uv.h>

// Swift's Glibc overlay is built without _GNU_SOURCE; declarations that need it are repeated here.
extern int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags);
extern int pthread_setname_np(pthread_t thread, const char *name);
extern long syscall(long number, ...);

enum {
    CUV_SOCK_STREAM = SOCK_STREAM,
    CUV_SOCK_DATAGRAM = SOCK_DGRAM,
    CUV_SOCK_FLAGS = SOCK_NONBLOCK | SOCK_CLOEXEC,
    CUV_SEND_FLAGS = MSG_NOSIGNAL | MSG_DONTWAIT,
    CUV_RECEIVE_FLAGS = MSG_DONTWAIT,
    CUV_TCP_NOTSENT_LOWAT = TCP_NOTSENT_LOWAT,
    CUV_TIMER_FLAGS = TFD_NONBLOCK | TFD_CLOEXEC,
};

// With more than one thread, glibc's send, sendmsg and recv check for thread cancellation before and after the system
// call, which takes 50 instructions. No thread is cancelled here.
static inline ssize_t cuv_send(int descriptor, const void *bytes, size_t count) {
    return syscall(SYS_sendto, descriptor, bytes, count, CUV_SEND_FLAGS, 0, 0);
}

static inline ssize_t cuv_sendmsg(int descriptor, const struct msghdr *message) {
    return syscall(SYS_sendmsg, descriptor, message, CUV_SEND_FLAGS);
}

static inline ssize_t cuv_receive(int descriptor, void *bytes, size_t count, int flags) {
    return syscall(SYS_recvfrom, descriptor, bytes, count, CUV_RECEIVE_FLAGS | flags, 0, 0);
}

static inline void cuv_return_free_memory(void) {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

// Blocks above a threshold are mapped separately and returned to the system when freed. glibc raises that threshold to
// the size of the largest block freed so far; after a few large bodies, all bodies would be kept in arenas.
static inline void cuv_map_large_blocks(int bytes) {
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, bytes);
#endif
}

static inline int cuv_raise_descriptor_limit(unsigned long *limit) {
    struct rlimit r;
    if (getrlimit(RLIMIT_NOFILE, &r) != 0) return -1;
    r.rlim_cur = r.rlim_max;
    int result = setrlimit(RLIMIT_NOFILE, &r);
    if (getrlimit(RLIMIT_NOFILE, &r) != 0) return -1;
    *limit = r.rlim_cur;
    return result;
}

#endif
