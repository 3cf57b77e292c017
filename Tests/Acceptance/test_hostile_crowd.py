"""Clients that pipeline commands, read nothing for a moment, then everything: no other client may notice.

The long form is soak/hostile_crowd.py.
"""

import pytest
from support.crowd import Siege, percentile

pytestmark = pytest.mark.alone
SECONDS = 2.5
MOST_TIMES_USUAL = 10  # generous, because other load on the machine counts; the long form is strict


def attack(node, workers):
    with Siege(node.address, subscribers=140 * workers) as siege:
        usual = siege.latencies(SECONDS)
        with siege.crowd():
            disturbed = siege.latencies(SECONDS)
            node.signal()
            assert node.wait(20) == 0, node.log()
    assert not isinstance(disturbed, str), f"the healthy subscriber was cut off: {disturbed}"
    assert percentile(disturbed, 0.5) < MOST_TIMES_USUAL * max(percentile(usual, 0.99), 0.01)


@pytest.mark.parametrize("pacing", ["balanced", "throughput"])
@pytest.mark.parametrize("workers", [1, 2])
def test_nobody_can_end_the_process_from_outside(start, workers, pacing):
    node = start("--workers", str(workers), "--pacing", pacing)
    attack(node, workers)
