// What this project uses of hiredis: its parser of replies (0.14 on Debian 12).

#ifndef PUSHD_CHIREDIS_SHIM_H
#define PUSHD_CHIREDIS_SHIM_H

#include <hiredis/hiredis.h>

#endif
