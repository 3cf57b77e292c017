// zlib: the DEFLATE of permessage-deflate (RFC 7692).

#ifndef PUSHD_CZLIB_SHIM_H
#define PUSHD_CZLIB_SHIM_H

// Input is read only: next_in points to const bytes.
#define ZLIB_CONST
#include <zlib.h>

#endif
