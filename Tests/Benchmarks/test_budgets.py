"""Budgets that keep costs from growing unnoticed. They are counts, not times, so they do not depend on the machine's
load.

A limit is about 15 % above the value measured when it was set. If you make something cheaper, lower its limit.
"""

from collections import namedtuple

import figures
import pytest

Budget = namedtuple("Budget", "figure limit why")
BUDGETS = [
    Budget(figures.instructions_per_delivery, 320, "the inner loop of a fan-out, one more subscriber of one channel"),
    Budget(figures.instructions_per_delivery_to_a_stream, 320, "the same for server-sent events"),
    Budget(figures.instructions_per_delivery_to_a_stream_in_gzip, 320, "all streams share the compressed event"),
    Budget(figures.instructions_per_delivery_to_pusher, 320, "the same for Pusher's clients"),
    Budget(figures.instructions_per_delivery_over_tls, 10_700, "a record of one message, by OpenSSL's session"),
    Budget(figures.instructions_per_delivery_over_compact_tls, 6_650, "by TLSRecord, which sets its key each time"),
    Budget(figures.instructions_per_message, 31_600, "HTTP request, publishing and response, before any delivery"),
    Budget(figures.instructions_per_delivery_in_small_channels, 2_960, "ten subscribers share the cost of a message"),
    Budget(figures.instructions_per_delivery_of_two_channels, 2_080, "goes through the connection's outbox"),
    Budget(figures.instructions_per_message_from_redis, 19_600, "the bridge, with one delivery per loop turn"),
    Budget(figures.instructions_per_connection, 44_150, "from accept to close; many come at once after a restart"),
    Budget(figures.allocations_per_1000_deliveries, 60, "200 subscribers share what a message allocates"),
    Budget(figures.allocations_per_1000_more_subscribers, 1, "a delivery allocates nothing"),
    Budget(figures.allocations_per_connection, 10, "from accept to close, an upgrade and a subscription between"),
    Budget(figures.resident_bytes_per_idle_connection, 249, "all resident memory, including code"),
    Budget(figures.own_bytes_per_idle_connection, 220, "the memory that grows with every connection"),
    Budget(figures.own_bytes_per_idle_stream, 220, "the same for server-sent events"),
    Budget(figures.own_bytes_per_pusher_session, 60, "its application and its socket_id, by slot"),
    Budget(figures.own_bytes_per_token, 124, "an identity and a place among the users' slots"),
    Budget(figures.own_bytes_per_idle_connection_over_tls, 14_900, "OpenSSL's session (decision 0015)"),
    Budget(figures.own_bytes_per_idle_connection_over_compact_tls, 940, "a session is its keys (decision 0014)"),
]


@pytest.mark.parametrize("budget", BUDGETS, ids=lambda budget: budget.figure.__name__)
def test_budget(budget, bench, report):
    name = budget.figure.__name__
    figure = round(budget.figure(bench), 1) + 0.0  # not -0.0
    report(f"{name:44} {figure:10,.1f} of {budget.limit:7,}")
    assert figure <= budget.limit, f"{name} is {figure:,.1f} and may be {budget.limit:,} ({budget.why})"
