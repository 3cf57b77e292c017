// What this project uses of hiredis: its asynchronous contexts (0.14 on Debian 12: no RESP3, no timeouts, no TLS).

#ifndef PUSHD_CHIREDIS_SHIM_H
#define PUSHD_CHIREDIS_SHIM_H

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#endif
