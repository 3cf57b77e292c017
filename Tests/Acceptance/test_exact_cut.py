"""The short form of soak/exact_cut.py."""

from support.cuts import OPTIONS, run


def test_who_joins_at_random_gets_each_message_once(start):
    joins, messages, published = run(start(*OPTIONS), joins=3000)
    assert joins >= 3000 and messages > 3000 and published > 500
