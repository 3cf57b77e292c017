// The command line of wsload.
#pragma once

typedef struct {
    long port, publish_port, connections, channels, slow, handshakes;
    long messages, warm_up, window, size;
    double rate, timeout;
    const char *path, *kind, *publish, *publish_path, *processes;
} Options;

extern Options options;

void read_options(int argc, char **argv);

// Writes a template to out, with its %d, if any, replaced by number.
void fill_template(char *out, unsigned long capacity, const char *template, long number);

_Noreturn void die(const char *message);
