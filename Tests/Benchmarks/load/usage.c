#define _GNU_SOURCE
#include "usage.h"

#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

// The process clock has nanoseconds; /proc/PID/stat has only hundredths of a second.
static double cpu_seconds(long process) {
    clockid_t clock;
    struct timespec spent;
    if (clock_getcpuclockid((int)process, &clock) || clock_gettime(clock, &spent)) return 0;
    return (double)spent.tv_sec + (double)spent.tv_nsec / 1e9;
}

// From the page tables: the count in /proc/PID/status is off by up to 32 pages for each core.
static double resident_bytes(long process) {
    char name[64], line[256];
    double kibibytes = 0;
    snprintf(name, sizeof name, "/proc/%ld/smaps_rollup", process);
    FILE *file = fopen(name, "r");
    if (!file) return 0;
    while (fgets(line, sizeof line, file) && sscanf(line, "Rss: %lf", &kibibytes) != 1) continue;
    fclose(file);
    return kibibytes * 1024;
}

Usage server_usage(void) {
    Usage sum = {0, 0};
    for (const char *text = options.processes; *text;) {
        char *end;
        const long process = strtol(text, &end, 10);
        if (end == text) die("--pid takes process ids, separated by commas");
        sum.cpu_seconds += cpu_seconds(process);
        sum.resident_bytes += resident_bytes(process);
        text = *end == ',' ? end + 1 : end;
    }
    return sum;
}
