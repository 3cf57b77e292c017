#ifndef CURING_SHIM_H
#define CURING_SHIM_H

// Must come first, so that liburing.h defines _GNU_SOURCE too late: Swift's Glibc is built without it, and the types
// must match.
#include <sys/socket.h>

#include <liburing.h>

// Completions run on the thread that asks for them and never interrupt it (DEFER_TASKRUN, Linux 6.1). One bad request
// does not prevent the later ones from being submitted (SUBMIT_ALL).
static inline int curing_open(struct io_uring *ring, unsigned entries) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SUBMIT_ALL};
    return io_uring_queue_init_params(entries, ring, &parameters);
}

#endif
