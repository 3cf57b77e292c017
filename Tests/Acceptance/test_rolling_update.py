"""Three nodes behind HAProxy are replaced one after the other: no client is refused, and no publish fails."""

import pytest
from support.certificates import Authority
from support.proxies import HAProxy
from support.rolling import Cluster, roll_under_load

pytestmark = [pytest.mark.alone, pytest.mark.skipif(not HAProxy.is_installed(), reason="no HAProxy here")]

ONE_TRY = [("    option redispatch\n", "    retries 0\n")]  # HAProxy must not hide refused connections by retrying


@pytest.fixture
def cluster(tmp_path, redis_server):
    options = ["--drain-delay", "3", "--drain", "1"]
    cluster = Cluster(tmp_path, Authority(tmp_path), redis_server.url, *options, changes=ONE_TRY)
    yield cluster
    cluster.stop()


def test_nobody_is_refused_while_nodes_are_replaced(cluster):
    clients, publisher = roll_under_load(cluster, 300)
    assert clients.failures == []
    assert set(clients.codes) == {1001}  # each got a Close frame, none was cut off
    assert clients.newcomers > 100
    assert publisher.published > 100
    assert publisher.failures == []
