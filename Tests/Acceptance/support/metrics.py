"""A strict parser of the Prometheus text format, version 0.0.4."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)?\}})? ([-+]?(?:[0-9.]+(?:[eE][-+]?[0-9]+)?|Inf)|NaN)")
TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}


class Metrics:
    """The samples of one scrape; input that Prometheus would refuse is an error."""

    def __init__(self, text):
        assert text.endswith("\n")
        self.types = {}
        self.samples = {}
        for line in text.splitlines():
            if line.startswith("# HELP "):
                assert re.fullmatch(rf"# HELP {NAME} .+", line), line
            elif line.startswith("# TYPE "):
                _, _, name, kind = line.split(" ")
                assert kind in TYPES and name not in self.types, line
                self.types[name] = kind
            else:
                self._add(line)

    def _add(self, line):
        match = SAMPLE.fullmatch(line)
        assert match, f"not a sample: {line!r}"
        name, labels, value = match.groups()
        family = name if name in self.types else re.sub(r"_(bucket|sum|count)$", "", name)
        assert family in self.types, f"no TYPE before {line!r}"
        key = (name, frozenset(re.findall(LABEL, labels or "")))
        assert key not in self.samples, f"twice: {line!r}"
        self.samples[key] = float(value)

    def names(self):
        return {name for name, _ in self.samples}

    def sum(self, name, **labels):
        """The sum of all samples with that name and these labels."""
        wanted = {f'{label}="{value}"' for label, value in labels.items()}
        return sum(value for (sample, has), value in self.samples.items() if sample == name and wanted <= has)
