"""docs/mistakes.md: every row's command is run, and prints what the table says."""

import os
import re
import subprocess

import pytest
from support import wait_until
from support.certificates import Authority
from support.pushd import BINARY, ROOT, environment
from test_client_role import CAT

DOCUMENT = ROOT / "docs/mistakes.md"
LOG = "In the log"


def rows():
    """The heading, server options, command and message of each row."""
    heading, options = "", []
    for line in DOCUMENT.read_text().splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
            given = re.search(r"`(--.+)`", heading)
            options = given[1].split() if given else []
        elif line.startswith("| `"):
            cells = [cell.replace(r"\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            assert len(cells) == 3 and cells[2], line
            yield heading, options, cells[0].strip("`"), cells[1].strip("`")


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """The files that the document mentions."""
    folder = tmp_path_factory.mktemp("mistakes")
    pair = Authority(folder).sign("server")
    (folder / "chain.pem").write_text(pair.certificate.read_text())
    (folder / "key.pem").write_text(pair.key.read_text())
    (folder / "junk.pem").write_text("no certificate\n")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    commands = folder / "commands"
    commands.mkdir()
    (commands / "wspushd").symlink_to(BINARY)
    (commands / "ws-cat").symlink_to(CAT)
    return folder


def test_there_are_more_than_50_rows():
    assert len(list(rows())) > 50


@pytest.mark.parametrize("heading, options, command, message", rows(), ids=[row[2] for row in rows()])
def test_a_mistake_says_what_the_document_says(start, folder, heading, options, command, message):
    pushd = start("--listen", "127.0.0.1:0", *options)

    def here(text):
        """The text with the server's port, and the next one, instead of the document's."""
        return text.replace("8081", str(pushd.port)).replace("8082", str(pushd.port + 1))

    expected = re.compile(".*".join(re.escape(part) for part in here(message).split("…")))
    path = f"{folder / 'commands'}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", here(command)],
        cwd=folder,
        env=environment({"PATH": path}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=15,
        check=False,
    )
    if heading == LOG:
        wait_until(lambda: expected.search(pushd.log()), f"{expected.pattern} in the log:\n{pushd.log()}")
        return
    said = done.stdout + done.stderr
    assert expected.search(said), said
    if heading == "Starting":
        assert done.returncode in (1, 64)
        assert done.returncode == 1 or done.stderr.endswith(" --help)\n") and done.stderr.count("\n") == 1
