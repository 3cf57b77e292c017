// Server-sent events (HTML standard, section 9.2): reads a server's stream.
#pragma once

#include <stdbool.h>
#include <stddef.h>

typedef struct {
    size_t line;          // bytes of the current line so far
    unsigned kept;        // bytes kept of the beginning of the last line that is not empty
    char beginning[128];  // zero-terminated: contains the time stamp
    bool has_data;        // the event so far has a line with data
} EventReader;

// Reads from *bytes and advances it; returns true when an event with data is complete.
bool next_event(EventReader *reader, const char **bytes, const char *end);
