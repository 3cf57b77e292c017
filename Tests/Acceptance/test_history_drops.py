"""The short form of soak/history_drops.py."""

import time

from support.drops import DropScene, DropSite


def test_nobody_misses_a_message_or_gets_it_twice(tmp_path):
    site = DropSite(tmp_path)
    try:
        scene = DropScene(site.nodes, channels=4, clients=60, life_seconds=0.5, rate=200)

        def disturb():
            time.sleep(0.2)
            site.cut_links()
            site.kill_redis(0.1)
            time.sleep(0.6)
            site.kill_node(1, scene)
            time.sleep(0.3)

        scene.run(disturb)
    finally:
        site.stop()
    assert scene.problems() == [] and scene.losses == []
    assert scene.cuts > 50 and scene.recoveries > 50 and scene.deliveries > 1000
