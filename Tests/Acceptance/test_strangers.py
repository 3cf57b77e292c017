"""Unauthenticated clients cannot exceed the inbound budget. The long form is soak/strangers.py."""

import pytest
from support import wait_until
from support.strangers import KEY, MEBIBYTE, Strangers, kinds, peak_while, resident_bytes
from support.witness import Witness

BUDGET = 8 * MEBIBYTE
SLACK = 8 * MEBIBYTE  # for code that runs for the first time, and pages that malloc keeps


@pytest.mark.parametrize("kind", [*kinds(b""), "mixed"])
def test_strangers_stay_within_the_inbound_budget(start, kind):
    node = start("--publish-key", KEY, "--inbound-budget", str(BUDGET))
    witness = Witness(node, KEY)
    before = resident_bytes(node.process.pid)
    strangers = Strangers(node.address, kind=kind, count=400).start()
    peak = peak_while(node.process.pid, seconds=2)
    assert isinstance(strangers.stop(), int)
    witness.stop()  # checks that nothing was lost and no one was disconnected
    assert peak - before < 1.1 * BUDGET + SLACK
    wait_until(lambda: resident_bytes(node.process.pid) - before < SLACK, "the memory given back", seconds=60)
