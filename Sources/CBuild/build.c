#include "cbuild.h"

const char *cbuild_version(void) {
    return "0.1.0";
}

const char *cbuild_commit(void) {
    return BUILD_COMMIT;
}
