#include "frames.h"

#include <string.h>

static size_t header_bytes(const FrameReader *reader) {
    if (reader->header_length < 2) return 2;
    switch (reader->header[1] & 0x7f) {
    case 126: return 4;
    case 127: return 10;
    default: return 2;
    }
}

static void decode_header(FrameReader *reader) {
    reader->opcode = reader->header[0] & 0xf;
    reader->left = reader->header[1] & 0x7f;
    if (reader->header_length > 2) {
        reader->left = 0;
        for (int i = 2; i < reader->header_length; i++) reader->left = reader->left << 8 | reader->header[i];
    }
    reader->kept = 0;
    reader->has_header = true;
}

bool next_frame(FrameReader *reader, const char **bytes, const char *end) {
    while (!reader->has_header) {
        if (*bytes == end) return false;
        reader->header[reader->header_length++] = (uint8_t)*(*bytes)++;
        if (reader->header_length == header_bytes(reader)) decode_header(reader);
    }
    const size_t there = (size_t)(end - *bytes), taken = there < reader->left ? there : (size_t)reader->left;
    const size_t room = sizeof reader->beginning - 1 - reader->kept, kept = taken < room ? taken : room;
    memcpy(reader->beginning + reader->kept, *bytes, kept);
    reader->kept = (uint8_t)(reader->kept + kept);
    reader->beginning[reader->kept] = 0;
    *bytes += taken;
    reader->left -= taken;
    if (reader->left) return false;
    reader->has_header = false;
    reader->header_length = 0;
    return true;
}

size_t client_frame(char *out, int opcode, const char *payload, size_t count) {
    const char mask[4] = {0x12, 0x34, 0x56, 0x78};
    out[0] = (char)(0x80 | opcode);
    out[1] = (char)(0x80 | count);
    memcpy(out + 2, mask, 4);
    for (size_t i = 0; i < count; i++) out[6 + i] = payload[i] ^ mask[i & 3];
    return 6 + count;
}
