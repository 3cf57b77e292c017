// The resource usage of the server's processes.
#pragma once

typedef struct {
    double cpu_seconds, resident_bytes;
} Usage;

// The sum over the processes of --pid; ended processes count as 0.
Usage server_usage(void);
