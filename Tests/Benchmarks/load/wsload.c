// wsload: a load generator for push servers; one thread on epoll, so that it uses little CPU itself.
//
// It opens subscribers, publishes messages, counts every delivery, and prints one line of JSON: deliveries a second,
// latencies from publish to receipt, CPU time and memory of the server. `wsload --help` has the options, and
// ../peers/README.md says what a server must do to be measured. Tests/Benchmarks/build compiles it.
#define _GNU_SOURCE
#include "options.h"
#include "publisher.h"
#include "sockets.h"
#include "subscribers.h"
#include "usage.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

enum { MOST_AT_ONCE = 64, SETTLING_MILLISECONDS = 300 };

typedef struct {
    uint64_t expected, delivered;
    double seconds, server_seconds, own_seconds;
} Result;

static void allow_all_descriptors(void) {
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
}

static double seconds_since(uint64_t began) { return (double)(now_ns() - began) / 1e9; }

static double own_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void *zeroed(long count, size_t size) {
    void *memory = calloc((size_t)count, size);
    if (!memory) die("no memory");
    return memory;
}

static bool is_due(long sent, long arrived, uint64_t began) {
    return options.rate > 0 ? seconds_since(began) * options.rate >= (double)sent : sent - arrived < options.window;
}

// Publishes messages round robin over the channels, until all have arrived or the deadline has passed. Returns the
// number of deliveries they cause.
static uint64_t run(long messages, uint64_t deadline) {
    uint64_t *readers = zeroed(options.channels, sizeof *readers);
    uint64_t *owed = zeroed(messages + 1, sizeof *owed);  // owed[n]: the deliveries that the first n messages cause
    for (long channel = 0; channel < options.channels; channel++) readers[channel] = readers_of(channel);
    const uint64_t before = tally.delivered, began = now_ns();
    long sent = 0, arrived = 0;
    while (now_ns() < deadline) {
        while (arrived < sent && owed[arrived + 1] <= tally.delivered - before) arrived++;
        if (arrived == messages) break;
        int published = 0;
        for (; published < MOST_AT_ONCE && sent < messages && is_due(sent, arrived, began); published++, sent++) {
            const long channel = sent % options.channels;
            publish(channel);
            owed[sent + 1] = owed[sent] + readers[channel];
        }
        read_publish_answers();
        receive(published ? 0 : 1);
    }
    const uint64_t expected = owed[sent];
    free(readers);
    free(owed);
    return expected;
}

static Result measure(uint64_t deadline) {
    open_publisher();
    if (options.warm_up) run(options.warm_up, deadline);
    time_deliveries();
    const double own = own_seconds(), server = server_usage().cpu_seconds;
    const uint64_t began = now_ns();
    Result result = {.expected = run(options.messages, deadline)};
    result.seconds = seconds_since(began);
    result.server_seconds = server_usage().cpu_seconds - server;
    result.own_seconds = own_seconds() - own;
    result.delivered = tally.delivered;
    return result;
}

static int ascending(const void *left, const void *right) {
    const uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
    return (a > b) - (a < b);
}

static uint32_t percentile(double share) {
    return tally.timed ? tally.latencies[(size_t)((double)(tally.timed - 1) * share)] : 0;
}

static void report_connecting(double seconds, Usage before, Usage after) {
    const double opened = (double)tally.opened;
    printf("{\"conns\":%ld,\"opened\":%ld,\"failed\":%ld,\"dropped\":%ld,\"connect_s\":%.3f,\"connects_per_s\":%.0f,"
           "\"connect_cpu_us\":%.1f,\"bytes_per_conn\":%.0f,",
           options.connections, tally.opened, tally.refused, tally.dropped, seconds, opened / seconds,
           (after.cpu_seconds - before.cpu_seconds) / opened * 1e6, (after.resident_bytes - before.resident_bytes) / opened);
}

static void report_messages(Result result, Usage end) {
    const double delivered = result.delivered ? (double)result.delivered : 1;
    if (tally.timed) qsort(tally.latencies, tally.timed, sizeof *tally.latencies, ascending);
    printf("\"resident_mib\":%.1f,\"expected\":%llu,\"delivered\":%llu,\"stray\":%llu,\"publish_errors\":%llu,"
           "\"seconds\":%.3f,\"deliveries_per_s\":%.0f,\"server_cpu_s\":%.2f,\"server_us_per_delivery\":%.3f,"
           "\"client_us_per_delivery\":%.3f,\"p50_us\":%u,\"p90_us\":%u,\"p99_us\":%u,\"p999_us\":%u,\"max_us\":%u}\n",
           end.resident_bytes / 1048576, (unsigned long long)result.expected, (unsigned long long)result.delivered,
           (unsigned long long)tally.stray, (unsigned long long)publish_errors, result.seconds,
           result.seconds > 0 ? (double)result.delivered / result.seconds : 0, result.server_seconds,
           result.server_seconds / delivered * 1e6, result.own_seconds / delivered * 1e6, percentile(0.5), percentile(0.9),
           percentile(0.99), percentile(0.999), percentile(1));
}

int main(int argc, char **argv) {
    read_options(argc, argv);
    allow_all_descriptors();
    const uint64_t began = now_ns(), deadline = began + (uint64_t)(options.timeout * 1e9);
    const Usage before = server_usage();
    connect_subscribers(deadline);
    if (!tally.opened) die("no connection opened");
    const double connecting = seconds_since(began);
    for (const uint64_t settled = now_ns() + SETTLING_MILLISECONDS * 1000000ull; now_ns() < settled;) receive(10);
    const Usage connected = server_usage();
    Result result = {0};
    if (strcmp(options.publish, "none")) result = measure(deadline);
    report_connecting(connecting, before, connected);
    report_messages(result, server_usage());
    return result.delivered >= result.expected && !tally.refused ? 0 : 1;
}
