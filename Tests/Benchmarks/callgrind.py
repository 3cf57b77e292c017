"""A pushd under valgrind's callgrind, which counts the instructions executed in user space.

The counts come from the file that callgrind writes when the process ends. Reading them from a running process
(callgrind_control) needs ptrace, which containers may refuse.
"""

import re
import subprocess
from dataclasses import dataclass

from support.pushd import BINARY, Pushd

ALLOCATORS = {"malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc", "memalign"}
NAME = re.compile(r"\((\d+)\)(?: (.*))?")  # a name is written once and then referred to by number


@dataclass(frozen=True)
class Cost:
    instructions: float
    allocations: float

    def __sub__(self, other):
        return Cost(self.instructions - other.instructions, self.allocations - other.allocations)

    def __truediv__(self, divisor):
        return Cost(self.instructions / divisor, self.allocations / divisor)


def readable(binary, directory):
    """A copy without debugging information: valgrind 3.19 cannot read DWARF 5 and does not need it."""
    copy = directory / "pushd"
    subprocess.run(["strip", "--strip-debug", "-o", copy, binary], check=True)
    return copy


class ProfiledPushd(Pushd):
    def __init__(self, directory, *options):
        self.profiles = directory / "callgrind"
        self.command = [
            *("valgrind", "--tool=callgrind", "--vgdb=no", "--dump-line=no"),
            *(f"--callgrind-out-file={self.profiles}", readable(BINARY, directory)),
        ]
        # Without a fixed hash seed, looking up dictionary entries would take a different number of instructions in each
        # run.
        super().__init__(directory, *options, SWIFT_DETERMINISTIC_HASHING="1")

    def cost(self):
        """Waits for the process to end, and returns the cost of the whole run."""
        self.stop()
        costs = [read_profile(path.read_text()) for path in self.profiles.parent.glob("callgrind*")]
        total = Cost(sum(cost.instructions for cost in costs), sum(cost.allocations for cost in costs))
        assert total.instructions > 0 and total.allocations > 0, f"callgrind counted nothing\n{self.log()}"
        return total


def read_profile(text):
    """The totals of one file, which has several sections if callgrind dumped more than once."""
    names, instructions, allocations = {}, 0, 0
    callee = None
    for line in text.splitlines():
        key, _, value = line.partition("=")
        if key in ("fn", "cfn"):
            number, name = NAME.fullmatch(value).groups()
            callee = names.setdefault(number, name)
        elif key == "calls" and callee.partition("'")[0] in ALLOCATORS:  # malloc'2 is malloc called by itself
            allocations += int(value.split()[0])
        elif line.startswith("totals: "):
            instructions += int(line.split()[1])
    return Cost(instructions, allocations)
