#ifndef CBUILD_H
#define CBUILD_H

/// The version of all programs of this package.
const char *cbuild_version(void);

/// The commit that was built, or "" if BUILD_COMMIT was not set (see Package.swift).
const char *cbuild_commit(void);

#endif
