// Clients that subscribe, over WebSockets or as event streams, and count and time what they receive.
#pragma once

#include <stdint.h>

typedef struct {
    long opened, refused, dropped;   // connections; dropped ones were open before
    uint64_t delivered, stray;       // our messages, and others
    uint32_t *latencies;             // microseconds from publish to receipt, after time_deliveries was called
    uint64_t timed;
} Tally;

extern Tally tally;

// Returns when every subscriber is connected or has failed.
void connect_subscribers(uint64_t deadline);

// Reads the available input; waits this long if there is none.
void receive(int milliseconds);

// Starts to record the latency of each delivery; forgets earlier ones.
void time_deliveries(void);

// The number of a channel's open subscribers that read their messages.
uint64_t readers_of(long channel);
