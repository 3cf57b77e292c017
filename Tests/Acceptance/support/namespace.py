"""Runs a command with other files at some paths: namespace.py SOURCE=TARGET... -- COMMAND [ARGUMENT...]

Each SOURCE is mounted over its TARGET, an existing file or directory, in a new mount namespace. The command keeps this
process' id, so that mounts over /proc/self apply to it.
"""

import ctypes
import os
import sys

CLONE_NEWNS, CLONE_NEWUSER = 0x20000, 0x10000000  # sched.h
MS_BIND, MS_REC, MS_PRIVATE = 0x1000, 0x4000, 0x40000  # sys/mount.h

libc = ctypes.CDLL(None, use_errno=True)


def call(function, *arguments):
    if getattr(libc, function)(*arguments) != 0:
        raise OSError(ctypes.get_errno(), function)


def enter(mounts):
    call("unshare", CLONE_NEWNS | (0 if os.geteuid() == 0 else CLONE_NEWUSER))
    call("mount", None, b"/", None, MS_REC | MS_PRIVATE, None)
    for mount in mounts:
        source, _, target = mount.partition("=")
        call("mount", os.fsencode(source), os.fsencode(target), None, MS_BIND, None)


if __name__ == "__main__":
    end = sys.argv.index("--")
    enter(sys.argv[1:end])
    os.execv(sys.argv[end + 1], sys.argv[end + 1 :])


def command(mounts, *arguments):
    """The command line that runs `arguments` with `mounts`, a dictionary from target to source."""
    pairs = [f"{source}={target}" for target, source in mounts.items()]
    return (sys.executable, __file__, *pairs, "--", *map(str, arguments))
