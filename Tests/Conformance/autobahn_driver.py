# -*- coding: utf-8 -*-
"""The Autobahn suite's fuzzing client for one server, in Python 2.7; autobahn.sh runs it where the suite is installed.

    autobahn_driver.py URL CASES EXCLUDED OUT SECONDS ALLOW_UNIMPLEMENTED
"""

import fnmatch
import os
import sys
import time
import traceback

url, wanted, unwanted, out, limit, allowed = sys.argv[1:]
limit, allows_unimplemented = int(limit), allowed == "1"
log_file = open(os.path.join(out, "wstest.log"), "w", 1)
sys.stdout = log_file  # for the suite's own output

from autobahntestsuite import fuzzing  # chooses the reactor, so before the next line
from twisted.internet import reactor
from twisted.python import log

log.startLogging(log_file, setStdout=False)
GOOD = ("OK", "INFORMATIONAL", "NON-STRICT", "UNIMPLEMENTED")
REFUSED_TRIES, UNOPENED_TRIES = 15, 3
ALL = [case.__name__[len(fuzzing.CaseBasename):].replace("_", ".") for case in fuzzing.Cases]
ALL.sort(key=lambda case: [int(number) for number in case.split(".")])


def say(line):
    if isinstance(line, unicode):
        line = line.encode("utf-8", "replace")
    os.write(1, line + "\n")


def give_up(line):
    os.write(2, "autobahn.sh: %s\n" % line)
    sys.exit(2)


def pick(patterns):
    found = set()
    for pattern in [part.strip() for part in patterns.split(",") if part.strip()]:
        hits = fnmatch.filter(ALL, pattern)
        if not hits:
            give_up("no case matches %r" % pattern)
        found.update(hits)
    return found


def ranges(cases):
    """Abbreviates case numbers: 6.1.1-3 for 6.1.1, 6.1.2 and 6.1.3."""
    spans = []
    for case in cases:
        head, last = case.rsplit(".", 1)
        if spans and spans[-1][0] == head and spans[-1][2] + 1 == int(last):
            spans[-1][2] = int(last)
        else:
            spans.append([head, int(last), int(last)])
    return " ".join("%s.%d" % (head, first) if first == last else "%s.%d-%d" % (head, first, last) for head, first, last in spans)


def plain(text):
    """The text before any markup, on one line."""
    text = text.decode("utf-8", "replace") if isinstance(text, str) else unicode(text)
    return u" ".join(text.split("<")[0].split())


def judge(result):
    both = (result["behavior"], result["behaviorClose"])
    if [behavior for behavior in both if behavior not in GOOD]:
        why = [plain(result["result"])] if both[0] not in GOOD else []
        if both[1] not in GOOD:
            why.append(plain(result["resultClose"]))
        say(u"FAILED %s: %s, close %s (code %s): %s [%s]" % (
            result["id"], both[0], both[1], result["remoteCloseCode"], u" / ".join(why), plain(result["description"])[:100]))
        return "failed"
    for name in ("UNIMPLEMENTED", "NON-STRICT", "INFORMATIONAL"):
        if name in both:
            return name
    return "OK"


class Run(fuzzing.FuzzingClientFactory):
    over = False
    refused = 0   # connections in a row that were refused
    unopened = 0  # cases in a row whose opening handshake failed
    verdicts = {}

    def logCase(self, result):
        if self.over:  # interrupted by finish(), so the result means nothing
            return
        fuzzing.FuzzingClientFactory.logCase(self, result)
        if result["id"] not in self.verdicts:
            self.verdicts[result["id"]] = judge(result)
        if "handshake was never completed" not in result["resultClose"]:
            self.unopened = 0
            return
        self.unopened += 1
        if self.unopened == UNOPENED_TRIES:
            answer = plain(result["httpResponse"])[:160].lstrip("?") or u"(nothing)"
            self.finish(u"no WebSocket handshake three times in a row; the server answered: " + answer)

    def clientConnectionLost(self, connector, reason):
        self.refused = 0
        if self.over:
            return
        if self.nextCase():
            connector.connect()
        else:
            self.finish()

    def clientConnectionFailed(self, connector, reason):
        self.refused += 1
        if self.over:
            return
        if self.refused < REFUSED_TRIES:  # it may still be starting
            reactor.callLater(0.2, connector.connect)
        else:
            self.finish("cannot connect to %s before case %s: %s" % (url, self.currentCaseId, reason.getErrorMessage()))

    def finish(self, problem=None):
        if self.over:
            return
        self.over = True
        if problem:
            say(u"STOPPED: " + plain(problem))
        for html in (False, True):
            try:
                self.createReports(produceHtml=html, produceJson=not html)
            except Exception:
                traceback.print_exc(file=log_file)
                say("note: the %s report is incomplete (see wstest.log)" % ("HTML" if html else "JSON"))
        try:
            reactor.stop()
        except Exception:  # it was no longer running
            pass


def report(cases, verdicts, seconds):
    """Prints the totals, and returns how many cases failed."""
    def those(name):
        return [case for case in cases if verdicts.get(case) == name]

    unimplemented, lax = those("UNIMPLEMENTED"), those("NON-STRICT")
    missing = [case for case in cases if case not in verdicts]
    if unimplemented:
        say("UNIMPLEMENTED%s: %s" % (" (allowed)" if allows_unimplemented else "", ranges(unimplemented)))
    if missing:
        say("NO RESULT: " + ranges(missing))
    if lax:
        say("NON-STRICT: " + ranges(lax))
    wrong = len(those("failed"))
    failed = wrong + len(missing) + (0 if allows_unimplemented else len(unimplemented))
    informational = len(those("INFORMATIONAL"))
    say("%d passed (%d of them informational), %d failed (%d wrong, %d unimplemented%s, %d without a result), "
        "%d non-strict; %d cases in %d s" % (
            len(those("OK")) + informational, informational, failed, wrong, len(unimplemented),
            " but allowed" if allows_unimplemented and unimplemented else "", len(missing), len(lax), len(cases), seconds))
    return failed


def main():
    chosen = pick(wanted) - pick(unwanted)
    cases = [case for case in ALL if case in chosen]
    if not cases:
        give_up("no case is left to run")
    began = time.time()
    run = Run({"outdir": out, "servers": [{"agent": "server", "url": url}], "cases": cases})
    reactor.callLater(limit, lambda: run.finish("the time limit of %d s ran out in case %s" % (limit, run.currentCaseId)))
    reactor.addSystemEventTrigger("before", "shutdown", run.finish, "interrupted")
    reactor.run()
    failed = report(cases, run.verdicts, time.time() - began)
    sys.stdout.flush()
    os._exit(2 if not run.verdicts else 1 if failed else 0)


main()
