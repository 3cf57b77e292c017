// zlib: DEFLATE for permessage-deflate (RFC 7692).

#ifndef PUSHD_CZLIB_SHIM_H
#define PUSHD_CZLIB_SHIM_H

// Makes next_in point to const bytes, because input is only read.
#define ZLIB_CONST
#include <zlib.h>

#endif
