"""examples/pipeline: its output against what Python's gzip and json make of the same input, also after kills."""

import gzip
import os
import pathlib
import pty
import random
import subprocess
import time

import pytest
from clients import PATIENCE_S
from support import wait_until
from support.json_lines import FIELDS, convert, generate, lines_of
from support.pushd import BINARY

PIPELINE = pathlib.Path(BINARY).with_name("pipeline")
KEEP = [f"--keep={field}" for field in FIELDS]


def command(folder, *options):
    return [PIPELINE, *KEEP, *options, folder / "in", folder / "out"]


def run(folder, *options, status=0):
    """Runs it to its end and returns what it printed."""
    result = subprocess.run(command(folder, *options), capture_output=True, encoding="utf-8", timeout=600)
    assert result.returncode == status, result.stderr
    return result.stdout if status == 0 else result.stderr


def write(folder, **texts):
    (folder / "in").mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / "in" / f"{name}.jsonl.gz").write_bytes(gzip.compress(text))


def complete(folder):
    """The names of the files that a running pipeline has completed."""
    return [path.name for path in folder.glob("out/*.gz")]


def content(folder):
    return {path.name: path.read_bytes() for path in (folder / "out").iterdir()}


def test_output_is_what_python_makes_of_the_input(tmp_path):
    generate(tmp_path / "in", megabytes=5, files=3, bad_every=100)
    expected = [convert(line) for line in lines_of(tmp_path / "in")]
    kept = [line for line in expected if line is not None]
    dropped = len(expected) - len(kept)
    printed = run(tmp_path, "--batch=1")
    assert list(lines_of(tmp_path / "out")) == kept
    files = len(content(tmp_path))
    assert printed == (
        f"{len(expected)} lines read, {len(kept)} written, {dropped} dropped; {files} files, 0 of them from earlier runs\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        b"", b" ", b"{", b"[]", b"null", b'"id"', b'{"id":1}x', b"{'id':1}", b'{"id":\xff}', b'{"ID":1}', b"{}",
        b'{"id":01}', b'{"id":1,}', b"{" + b'"a":{' * 200 + b"}" * 201, b'\xef\xbb\xbf{"id":1}', b'{"id":1}\0',
    ],
)  # fmt: skip
def test_a_bad_line_is_dropped_and_its_neighbours_are_not(tmp_path, line):
    write(tmp_path, a=b'{"id":1}\n' + line + b'\n{"id":2}\n')
    result = subprocess.run([PIPELINE, "--keep=id", tmp_path / "in", tmp_path / "out"], capture_output=True)
    assert result.stdout.startswith(b"3 lines read, 2 written, 1 dropped"), result
    assert list(lines_of(tmp_path / "out")) == [b'{"id":1}', b'{"id":2}']


@pytest.mark.parametrize(
    ("field", "value", "result"),
    [
        ("v", b'"12"', b'"12"'), ("v", b"[ 1, {}]", b"[ 1, {}]"), ("v", '"ø\\n"'.encode(), '"ø\\n"'.encode()),
        ("v:number", b'"12.50"', b"12.50"), ("v:number", b"-1e3", b"-1e3"), ("v:number", b'"-0.1"', b"-0.1"),
        ("v:number", b'""', None), ("v:number", b'"1 "', None), ("v:number", b'" 1"', None), ("v:number", b'"01"', None),
        ("v:number", b"null", None), ("v:number", b"true", None), ("v:number", b"[1]", None), ("v:number", b'"1', None),
        ("v:unix", b'"1970-01-01T00:00:00Z"', b"0"), ("v:unix", b'"2024-02-29T23:59:59Z"', b"1709251199"),
        ("v:unix", b'"2026-11-29T21:04:21Z"', b"1795986261"), ("v:unix", b'"1900-03-01T00:00:00Z"', b"-2203891200"),
        ("v:unix", b'"2023-02-29T00:00:00Z"', None), ("v:unix", b'"2026-13-01T00:00:00Z"', None),
        ("v:unix", b'"2026-11-29T24:00:00Z"', None), ("v:unix", b'"2026-11-29 21:04:21Z"', None), ("v:unix", b"1", None),
    ],
)  # fmt: skip
def test_conversions(tmp_path, field, value, result):
    write(tmp_path, a=b'{"v":' + value + b"}\n")
    subprocess.run([PIPELINE, f"--keep={field}", tmp_path / "in", tmp_path / "out"], check=True, stdout=subprocess.PIPE)
    assert list(lines_of(tmp_path / "out")) == ([] if result is None else [b'{"v":' + result + b"}"])


def test_files_with_several_members_without_a_last_newline_and_without_lines(tmp_path):
    write(tmp_path, empty=b"", ended=b'{"id":1}\n')
    members = gzip.compress(b'{"id":2}\n{"i') + gzip.compress(b"") + gzip.compress(b'd":3}')
    (tmp_path / "in/members.jsonl.gz").write_bytes(members)
    subprocess.run([PIPELINE, "--keep=id", tmp_path / "in", tmp_path / "out"], check=True, stdout=subprocess.PIPE)
    assert list(lines_of(tmp_path / "out")) == [b'{"id":1}', b'{"id":2}', b'{"id":3}']


def test_a_line_that_is_larger_than_a_batch_is_dropped(tmp_path):
    for number, size in enumerate([(1 << 20) - 10, (1 << 20) - 9, 3 << 20, (4 << 20) + 12345]):
        folder = tmp_path / str(number)
        folder.mkdir()
        long = b'{"id":"' + b"x" * size + b'"}'
        write(folder, a=b'{"id":1}\n' + long + b'\n{"id":2}\n' + long)
        result = subprocess.run(
            [PIPELINE, "--keep=id", "--batch=1", folder / "in", folder / "out"], check=True, stdout=subprocess.PIPE
        )
        kept = [line for line in [b'{"id":1}', long, b'{"id":2}', long] if len(line) < 1 << 20]
        assert list(lines_of(folder / "out")) == kept
        assert result.stdout.startswith(b"4 lines read, %d written, %d dropped" % (len(kept), 4 - len(kept)))


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: data + b"garbage", lambda data: b"no gzip"])
def test_a_damaged_file_is_named_and_nothing_of_its_end_is_taken_for_whole(tmp_path, damage):
    generate(tmp_path / "in", megabytes=2, files=1)
    path = tmp_path / "in/events-000.jsonl.gz"
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert f"{path} is damaged" in run(tmp_path, "--batch=1", status=1)


def test_another_run_with_other_settings_or_at_the_same_time_is_refused(tmp_path):
    generate(tmp_path / "in", megabytes=1, files=1)
    run(tmp_path)
    before = content(tmp_path)
    assert "use an empty folder" in run(tmp_path, "--level=2", status=1)
    assert content(tmp_path) == before
    generate(tmp_path / "in", megabytes=50, files=1)
    (tmp_path / "out" / next(iter(before))).unlink()
    first = subprocess.Popen(command(tmp_path, "--threads=1"), stdout=subprocess.DEVNULL)
    wait_until(lambda: complete(tmp_path), "a first file", PATIENCE_S)
    assert "another process writes" in run(tmp_path, status=1)
    assert first.wait(PATIENCE_S) == 0


def test_a_terminal_gets_a_bar_that_is_removed_in_the_end(tmp_path):
    generate(tmp_path / "in", megabytes=1, files=1)
    terminal, end = pty.openpty()
    subprocess.run(command(tmp_path), stdout=subprocess.DEVNULL, stderr=end, check=True)
    os.close(end)
    shown = os.read(terminal, 1 << 16).decode()
    os.close(terminal)
    assert shown.startswith("\r[" + " " * 30 + "] 0 %, "), shown
    assert shown.endswith("\r\x1b[K"), shown


@pytest.mark.alone
def test_killed_three_times_it_loses_and_doubles_nothing(tmp_path):
    generate(tmp_path / "in", megabytes=50, files=3, bad_every=1000)
    reference = tmp_path / "reference"
    subprocess.run([PIPELINE, *KEEP, "--batch=1", tmp_path / "in", reference], check=True, stdout=subprocess.PIPE)
    expected = {path.name: path.read_bytes() for path in reference.iterdir()}
    rng = random.Random(1)
    for goal in sorted(rng.sample(range(1, len(expected) - 5), 3)):
        process = subprocess.Popen(command(tmp_path, "--batch=1"), stdout=subprocess.DEVNULL)
        wait_until(
            lambda: process.poll() is not None or len(complete(tmp_path)) >= goal,
            f"{goal} files",
            PATIENCE_S,
            pause=0.001,
        )
        time.sleep(rng.random() * 0.05)  # not only at the moment when a file was renamed
        process.kill()
        process.wait()
    process = subprocess.Popen(command(tmp_path, "--batch=1"), stdout=subprocess.PIPE, encoding="utf-8")
    printed = process.communicate(timeout=600)[0]
    assert process.returncode == 0
    assert content(tmp_path) == expected
    lines = sum(1 for _ in lines_of(tmp_path / "in"))
    assert printed.startswith(f"{lines} lines read,")
    assert not printed.endswith(" 0 of them from earlier runs\n")
