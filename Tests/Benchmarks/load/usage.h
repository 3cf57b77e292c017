// What the server's processes use.
#pragma once

typedef struct {
    double cpu_seconds, resident_bytes;
} Usage;

// The sum over the processes of --pid; those that are gone count nothing.
Usage server_usage(void);
