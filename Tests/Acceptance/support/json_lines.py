"""JSON lines as an application logs them, and what examples/pipeline must make of them."""

import calendar
import gzip
import json
import random
import time

FIELDS = ["id", "user", "amount:number", "time:unix"]


def event(number, rng):
    return {
        "id": number,
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(rng.randrange(1 << 31))),
        "user": {"name": f"user{rng.randrange(100_000)}", "country": rng.choice(["DE", "NO", "US", "JP"])},
        "kind": rng.choice(["view", "click", "buy", "leave"]),
        "amount": f"{rng.randrange(1000)}.{rng.randrange(10)}{rng.randrange(1, 10)}",
        "agent": f"Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{rng.randrange(200)}",
        "path": f"/shop/{rng.choice(['books', 'music', 'tools'])}/{rng.randrange(10_000)}",
        "tags": [rng.choice("abc") for _ in range(3)],
        "note": 'Tromsø "quoted" text',
    }


def generate(folder, megabytes, files, bad_every=None):
    """Fills a folder with files of at least this size of text together.

    A block of events is made once; the other ones differ from it in the events' numbers.
    """
    folder.mkdir(exist_ok=True)
    rng = random.Random(7)
    block = [json.dumps(event(0, rng), ensure_ascii=False, separators=(",", ":"))[7:] for _ in range(2000)]
    number = 0
    for file in range(files):
        left = megabytes * 1_000_000 // files
        with gzip.open(folder / f"events-{file:03}.jsonl.gz", "wb", compresslevel=1) as output:
            while left > 0:
                lines = []
                for rest in block:
                    line = f'{{"id":{number}{rest}'
                    lines.append(line[:-5] if bad_every and number % bad_every == bad_every - 1 else line)
                    number += 1
                text = ("\n".join(lines) + "\n").encode()
                output.write(text)
                left -= len(text)


def lines_of(folder):
    """The lines of all files of a folder, in the order of their names."""
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path) as lines:
            yield from (line.rstrip(b"\n") for line in lines)


def convert(line):
    """What the fields of a line become; None if it is bad."""
    try:
        event = json.loads(line)
        seconds = calendar.timegm(time.strptime(event["time"], "%Y-%m-%dT%H:%M:%SZ"))
        user = json.dumps(event["user"], ensure_ascii=False, separators=(",", ":"))
        return f'{{"id":{event["id"]},"user":{user},"amount":{event["amount"]},"time":{seconds}}}'.encode()
    except (ValueError, KeyError):
        return None
