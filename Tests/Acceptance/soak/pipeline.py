#!/usr/bin/env python3
"""Kills examples/pipeline at random moments until its work is done, and compares it with zcat | jq -c | gzip.

    .build/acceptance-venv/bin/python Tests/Acceptance/soak/pipeline.py --megabytes 5000 --kills 10

The exit status is 1 if the output differs from that of a run without kills, if a line is missing, or if it ever used
more than --limit MB. Without jq there is no comparison.
"""

import argparse
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from support.json_lines import FIELDS, generate
from support.pushd import ROOT

FILTER = "{id, user, amount: (.amount|tonumber), time: (.time|fromdateiso8601)}"
PIPE = f"for file in in/*; do zcat $file | jq -c '{FILTER}' | gzip -LEVEL >jq/${{file##*/}}; done"


class Meter:
    """The wall and CPU seconds of the children that end meanwhile."""

    def __init__(self):
        self.begin = (time.monotonic(), *os.times()[2:4])

    def __str__(self):
        wall, user, system = (now - then for now, then in zip((time.monotonic(), *os.times()[2:4]), self.begin))
        return f"{wall:.1f} s, {user + system:.1f} s of CPU"


def peak_megabytes(process):
    """The most memory that a running process has had; 0 once it has ended."""
    try:
        status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    except OSError:
        return 0
    return max((int(line.split()[1]) / 1000 for line in status.splitlines() if line.startswith("VmHWM")), default=0)


def run(command, seconds=float("inf")):
    """Runs the command, for this time at most; returns whether it ended by itself, and its peak of memory."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + seconds
    peak = 0
    while process.poll() is None and time.monotonic() < deadline:
        peak = max(peak, peak_megabytes(process))
        time.sleep(0.005)
    process.kill()
    return process.wait() == 0, peak


def same(first, second):
    """Whether two folders hold the same files."""
    names = sorted(path.name for path in first.iterdir())
    return names == sorted(path.name for path in second.iterdir()) and all(
        (first / name).read_bytes() == (second / name).read_bytes() for name in names
    )


def checksum(folder, pattern):
    """The checksum of the text of these files."""
    text = subprocess.run(f"cat {pattern} | zcat | sha256sum", shell=True, cwd=folder, stdout=subprocess.PIPE)
    return text.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pipeline", type=pathlib.Path, default=ROOT / ".build/release/pipeline")
    parser.add_argument("--folder", help="where the files go; twice the size of the text divided by 5 is needed")
    parser.add_argument("--megabytes", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--level", type=int, default=1, help="the compression of both programs")
    parser.add_argument("--limit", type=int, default=200, help="the most memory in MB")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pipeline", dir=options.folder))
    try:
        return check(folder, options)
    finally:
        shutil.rmtree(folder)


def check(folder, options):
    print(f"making {options.megabytes} MB of lines", flush=True)
    generate(folder / "in", options.megabytes, files=20)
    command = [options.pipeline, *(f"--keep={field}" for field in FIELDS), f"--level={options.level}", folder / "in"]

    meter, begin = Meter(), time.monotonic()
    ended, peak = run([*command, folder / "whole"])
    seconds = time.monotonic() - begin
    print(f"without a kill: {meter}, {options.megabytes / seconds:.0f} MB/s, peak {peak:.0f} MB", flush=True)
    good = ended

    kills = 0
    rng = random.Random(1)
    while True:
        limit = rng.uniform(0, 2 * seconds / (options.kills + 1)) if kills < options.kills else float("inf")
        ended, used = run([*command, folder / "killed"], limit)
        peak = max(peak, used)
        if ended:
            break
        kills += 1
    identical = same(folder / "whole", folder / "killed")
    print(f"{kills} kills: {'identical' if identical else 'DIFFERENT'} output, peak {peak:.0f} MB", flush=True)
    good = good and identical and peak < options.limit

    if shutil.which("jq"):
        (folder / "jq").mkdir()
        meter = Meter()
        subprocess.run(["bash", "-c", PIPE.replace("LEVEL", str(options.level))], cwd=folder, check=True)
        print(f"zcat | jq -c | gzip: {meter}", flush=True)
        equal = checksum(folder, "whole/*") == checksum(folder, "jq/*")
        print(f"the same lines: {'yes' if equal else 'NO'}")
        good = good and equal
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
