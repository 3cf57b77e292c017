// WebSocket frames (RFC 6455 section 5.2): reads those of a server, writes those of a client.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CLOSE_FRAME = 8, PING_FRAME = 9, PONG_FRAME = 10, MOST_CONTROL_FRAME = 2 + 4 + 125 };

typedef struct {
    uint8_t header[10], header_length;
    uint8_t opcode;
    uint8_t kept;          // bytes of the payload's beginning
    char beginning[128];   // ended by a zero: a time stamp is in it, or the whole payload of a control frame
    uint64_t left;         // bytes of the payload that have not come yet
    bool has_header;
} FrameReader;

// Reads on from *bytes and moves it; true when a frame is whole.
bool next_frame(FrameReader *reader, const char **bytes, const char *end);

// Writes a masked frame with a payload of up to 125 bytes, and returns its length.
size_t client_frame(char *out, int opcode, const char *payload, size_t count);
