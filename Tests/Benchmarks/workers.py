"""Measures the gain of a second worker: the time to write a message to many subscribers, with one and two workers.

    workers.py [--rounds N]

On a machine with few cores, subscribers that read would use the CPU time that the second worker needs. So these do not
read, and the kernel buffers their messages. Only the last subscriber of each worker reads, which shows when a message
has been written to all.
"""

import argparse
import random
import statistics
import time

from throwaway import throwaway_pushd

SUBSCRIBERS, MESSAGES, WARM_UP = 4_000, 100, 10  # all messages fit into a subscriber's receive buffer


def microseconds_per_delivery(pushd, workers):
    for _ in range(SUBSCRIBERS):
        pushd.raw().upgrade("/ws?channel=c")
    witnesses = [pushd.raw().upgrade("/ws?channel=c") for _ in range(workers)]
    publisher = pushd.http()
    for number in range(WARM_UP + MESSAGES):
        if number == WARM_UP:
            began = time.monotonic()
        publisher.request("POST", "/publish?channel=c", body=b"x" * 128)
        publisher.getresponse().read()
        for witness in witnesses:
            witness.read_frame()
    return (time.monotonic() - began) / MESSAGES / (SUBSCRIBERS + workers) * 1e6


def measure(workers):
    with throwaway_pushd("--workers", str(workers)) as pushd:
        return microseconds_per_delivery(pushd, workers)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    times = {1: [], 2: []}
    for _ in range(parser.parse_args().rounds):
        for workers in random.sample(list(times), len(times)):
            times[workers].append(measure(workers))
    for workers, figures in times.items():
        print(f"{workers} workers: {statistics.median(figures):.2f} us of time per delivery, {min(figures):.2f} to {max(figures):.2f}")
    print(f"speed-up: {statistics.median(times[1]) / statistics.median(times[2]):.2f}")


if __name__ == "__main__":
    main()
