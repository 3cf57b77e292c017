// WebSocket frames (RFC 6455 section 5.2): reads a server's frames, writes a client's.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TEXT_FRAME = 1, CLOSE_FRAME = 8, PING_FRAME = 9, PONG_FRAME = 10, MOST_CONTROL_FRAME = 2 + 4 + 125 };

typedef struct {
    uint8_t header[10], header_length;
    uint8_t opcode;
    uint8_t kept;          // bytes kept of the payload's beginning
    char beginning[128];   // zero-terminated: contains the time stamp, or a control frame's whole payload
    uint64_t left;         // bytes of the payload that have not arrived yet
    bool has_header;
} FrameReader;

// Reads from *bytes and advances it; returns true when a frame is complete.
bool next_frame(FrameReader *reader, const char **bytes, const char *end);

// Writes a masked frame with a payload of up to 125 bytes, and returns its length.
size_t client_frame(char *out, int opcode, const char *payload, size_t count);
