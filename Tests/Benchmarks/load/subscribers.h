// WebSocket clients that subscribe, and count and time what they receive.
#pragma once

#include <stdint.h>

typedef struct {
    long opened, refused, dropped;   // WebSockets; dropped ones were open before
    uint64_t delivered, stray;       // messages of ours, and others
    uint32_t *latencies;             // microseconds from publish to receipt, once time_deliveries was called
    uint64_t timed;
} Tally;

extern Tally tally;

// Returns when every subscriber is connected or has failed.
void connect_subscribers(uint64_t deadline);

// Reads what has arrived, and waits that long if nothing has.
void receive(int milliseconds);

// From now on the tally has the latency of each delivery; what was delivered before is forgotten.
void time_deliveries(void);

// How many open subscribers of a channel read what they get.
uint64_t readers_of(long channel);
