"""compare.py EXPECTED.TXT INDEX.JSON... [--update] [--without=9,12]: compares Autobahn's verdicts with expected ones.

--without names the groups of cases that were not run.
"""

import json
import pathlib
import sys

expected_file, *indices = (pathlib.Path(argument) for argument in sys.argv[1:] if not argument.startswith("--"))
without = [group for word in sys.argv if word.startswith("--without=") for group in word.split("=")[1].split(",")]
results = {}
for index in indices:
    (verdicts_of_one_run,) = json.loads(index.read_text()).values()
    results |= verdicts_of_one_run
cases = sorted(results, key=lambda case: [int(part) for part in case.split(".")])
verdicts = {case: f"{results[case]['behavior']} {results[case]['behaviorClose']}" for case in cases}
if "--update" in sys.argv:
    expected_file.write_text("".join(f"{case} {verdict}\n" for case, verdict in verdicts.items()))

expected = dict(line.split(" ", 1) for line in expected_file.read_text().splitlines())
expected = {case: verdict for case, verdict in expected.items() if case.split(".")[0] not in without}
unexpected = [case for case in {**expected, **verdicts} if expected.get(case) != verdicts.get(case)]
for case in unexpected:
    print(f"{case}: {verdicts.get(case, 'no result')}, expected {expected.get(case, 'nothing')}")
print(f"{len(verdicts.keys() | expected.keys()) - len(unexpected)} as expected, {len(unexpected)} not")
sys.exit(bool(unexpected))
