"""Control group limits, as a process in a container or a service sees them."""

import pathlib
import re

import pytest
from support import namespace, wait_until
from support.pushd import BINARY, Pushd

MIB = 1 << 20
UNIFIED = "30 23 0:27 / /sys/fs/cgroup rw,nosuid,nodev,noexec - cgroup2 cgroup rw,nsdelegate\n"
LEGACY = (
    "31 30 0:28 /docker/f00 /sys/fs/cgroup/memory ro,nosuid master:11 - cgroup cgroup rw,memory\n"
    "32 30 0:29 /docker/f00 /sys/fs/cgroup/cpu,cpuacct ro,nosuid master:12 - cgroup cgroup rw,cpu,cpuacct\n"
)


class Contained(Pushd):
    """A pushd that sees `files` below /sys/fs/cgroup, and `groups` and `mounts` in /proc."""

    def __init__(self, directory, files, groups, mounts, *options):
        root = directory / "cgroup"
        for name, text in files.items():
            file = root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        (directory / "groups").write_text(groups)
        (directory / "mounts").write_text(mounts)
        seen = {
            "/sys/fs/cgroup": root,
            "/proc/self/cgroup": directory / "groups",
            "/proc/self/mountinfo": directory / "mounts",
        }
        self.command = namespace.command(seen, BINARY)
        super().__init__(directory, *options)

    def peak_bytes(self):
        """Its peak memory."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10


@pytest.fixture
def contain(tmp_path):
    """Starts a pushd with such files and stops it after the test."""
    running = []

    def contain(*arguments):
        running.append(Contained(tmp_path, *arguments))
        return running[-1]

    yield contain
    for pushd in running:
        pushd.stop()


HALF_A_CORE = {"memory.max": f"{64 * MIB}\n", "memory.high": "max\n", "cpu.max": "50000 100000\n"}
CONTAINER = (HALF_A_CORE, "0::/\n", UNIFIED)


def test_sixty_slow_clients_do_not_fill_a_small_container(contain):
    pushd = contain(*CONTAINER, "--outbox-limit", str(4 * MIB))
    assert pushd.health()["workers"] == 1
    reader = pushd.connect("healthy")
    slow = [pushd.raw(receive_buffer=4096).upgrade(f"/ws?channel=slow{number}") for number in range(60)]
    publisher, body, refused = pushd.http(), b"." * (64 << 10), 0
    for _ in range(80):  # 5 MiB for each, together far more than the container's memory
        for number in range(len(slow)):
            publisher.request("POST", f"/publish?channel=slow{number}", body)
            response = publisher.getresponse()
            response.read()
            assert response.status in (200, 503)
            refused += response.status == 503
    publisher.close()
    assert refused > 0
    assert pushd.peak_bytes() < 64 * MIB
    wait_until(lambda: pushd.request("POST", "/publish?channel=healthy", "alive").status == 200, "a publish")
    assert reader.recv(timeout=10) == "alive"
    assert "over budget" in pushd.log()


@pytest.mark.parametrize(
    "files, groups, mounts",
    [
        CONTAINER,
        (
            {"a/b/memory.max": "max\n", "a/memory.high": f"{64 * MIB}\n", "a/b/cpu.max": "max 100000\n", "cpu.max": "50000 100000\n"},
            "0::/a/b\n",
            UNIFIED,
        ),
        (
            {
                "memory/memory.limit_in_bytes": f"{64 * MIB}\n",
                "cpu,cpuacct/cpu.cfs_quota_us": "50000\n",
                "cpu,cpuacct/cpu.cfs_period_us": "100000\n",
            },
            "5:cpu,cpuacct:/docker/f00\n4:memory:/docker/f00\n0::/docker/f00\n",
            LEGACY,
        ),
    ],
    ids=["container", "parents", "version1"],
)
def test_budgets_and_workers_follow_the_limits_and_the_log_says_so(contain, files, groups, mounts):
    pushd = contain(files, groups, mounts)
    assert pushd.health()["workers"] == 1
    (line,) = [line for line in pushd.log().splitlines() if "limited by control groups" in line]
    for word in (
        " notice ", f"memory_bytes={64 * MIB}", f"outbox_budget={16 * MIB}", f"inbound_budget={8 * MIB}", "cores=0.5",
        "workers=1", "memory_file=/sys/fs/cgroup/", "cores_file=/sys/fs/cgroup/",
    ):
        assert word in line


def test_no_limit_is_no_line(contain):
    files = {"memory.max": "max\n", "cpu.max": "max 100000\n", "memory/memory.limit_in_bytes": "9223372036854771712\n"}
    assert "control groups" not in contain(files, "0::/\n", UNIFIED).log()


def test_options_win_over_the_limits(contain):
    pushd = contain(*CONTAINER, "--workers", "2", "--outbox-budget", "1000000")
    assert pushd.health()["workers"] == 2
    assert "outbox_budget=1000000" in pushd.log()
