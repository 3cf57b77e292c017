#include "process.h"

static int count;
static char **arguments;

// glibc also passes main's arguments to constructors. Swift's CommandLine reads them from /proc/self/cmdline, which may
// be missing in a chroot.
__attribute__((constructor)) static void keep_arguments(int argc, char **argv) {
    count = argc;
    arguments = argv;
}

int cprocess_argument_count(void) { return count; }
const char *cprocess_argument(int index) { return arguments[index]; }
