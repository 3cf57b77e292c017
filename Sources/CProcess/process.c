#include "process.h"

static int count;
static char **arguments;

// glibc passes main's arguments to constructors as well. Swift's CommandLine reads /proc/self/cmdline, which a chroot
// may lack.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
    count = argc;
    arguments = argv;
}

int cprocess_argument_count(void) { return count; }
const char *cprocess_argument(int index) { return arguments[index]; }
