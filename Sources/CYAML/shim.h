// What this project uses of libyaml: its parser of events.

#ifndef PUSHD_CYAML_SHIM_H
#define PUSHD_CYAML_SHIM_H

#include <yaml.h>

#endif
