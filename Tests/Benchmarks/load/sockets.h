// Sockets to the server, and the clock.
#pragma once

#include <stddef.h>
#include <stdint.h>

uint64_t now_ns(void);

// A nonblocking socket that is connecting to 127.0.0.1, from an address that depends on number; -1 if there is none.
int connect_to(long port, long number);

// Sends everything, and waits while the socket is full.
void send_all(int descriptor, const char *bytes, size_t count);
