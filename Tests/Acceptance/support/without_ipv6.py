"""Runs a command as on a machine without IPv6: without_ipv6.py COMMAND [ARGUMENT...]

A seccomp filter makes socket(AF_INET6, ...) fail with EAFNOSUPPORT, as a kernel with ipv6.disable=1 does.
"""

import errno
import os
import platform
import socket
import sys

from without_io_uring import ALLOW, FAIL, JUMP_IF_EQUAL, LOAD, RETURN, install

SOCKET = {"x86_64": 41, "aarch64": 198}[platform.machine()]
NUMBER_OFFSET, FIRST_ARGUMENT_OFFSET = 0, 16  # of struct seccomp_data, the argument's lower half


if __name__ == "__main__":
    install(
        [
            (LOAD, 0, 0, NUMBER_OFFSET),
            (JUMP_IF_EQUAL, 0, 3, SOCKET),
            (LOAD, 0, 0, FIRST_ARGUMENT_OFFSET),
            (JUMP_IF_EQUAL, 0, 1, socket.AF_INET6),
            (RETURN, 0, 0, FAIL | errno.EAFNOSUPPORT),
            (RETURN, 0, 0, ALLOW),
        ]
    )
    os.execvp(sys.argv[1], sys.argv[1:])
