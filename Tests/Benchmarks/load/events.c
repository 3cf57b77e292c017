#include "events.h"

#include <string.h>

static void read_line(EventReader *reader, const char *bytes, size_t count) {
    if (reader->line == 0 && count > 0) reader->kept = 0;
    const size_t room = sizeof reader->beginning - 1 - reader->kept, kept = count < room ? count : room;
    memcpy(reader->beginning + reader->kept, bytes, kept);
    reader->kept += (unsigned)kept;
    reader->beginning[reader->kept] = 0;
    reader->line += count;
}

bool next_event(EventReader *reader, const char **bytes, const char *end) {
    while (*bytes < end) {
        const char *feed = memchr(*bytes, '\n', (size_t)(end - *bytes)), *line_end = feed ? feed : end;
        read_line(reader, *bytes, (size_t)(line_end - *bytes));
        *bytes = feed ? feed + 1 : end;
        if (!feed) return false;
        const bool is_empty = reader->line == 0;
        reader->line = 0;
        if (!is_empty) {
            if (!strncmp(reader->beginning, "data:", 5)) reader->has_data = true;
        } else if (reader->has_data) {
            reader->has_data = false;
            return true;
        }
    }
    return false;
}
