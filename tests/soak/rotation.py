#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Rotation under load: certificates and keys change while people log in and work.

usage: SAMLCERT_BUILD=DIR tests/soak/rotation.py [--mpm event|worker|prefork|all] [--scale 1.0]
                                                 [--pace SECONDS] [--patience SECONDS] [--json]

At scale 1.0, for each MPM: 100 rotations of an IdP's certificate (two IdPs, one with plain files, one
with files mounted as an orchestrator mounts them), 100 of our own key, 20 broken files, 10 graceful
restarts, 20 killed children, under as many logins and requests as the machine can do: about seven
minutes. Exit code 0 if every criterion that is printed at the end holds.
"""
import argparse
import bisect
import json
import multiprocessing
import os
import pathlib
import random
import re
import signal
import statistics
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "http")]

import administrator  # noqa: E402
from harness import client as clients, keyholder  # noqa: E402
from harness.service import Service  # noqa: E402
from monitor import Monitor  # noqa: E402

EXTRA = """\
SamlCertInsecureCookies on
MaxKeepAliveRequests 200
{mpm}
"""
# A connection that is kept alive occupies a prefork child.
MPM_EXTRA = {"prefork": "MaxRequestWorkers 24\nStartServers 8\nMaxSpareServers 16\n"}
PROCESSES, THREADS = 2, 3
METADATA_AGE = 0.5       # how long a client trusts the metadata that it fetched
PACE = 4.0
DISTURBED = (0.25, 0.65)  # the part of the rotations in which children come and go
WARM = 60                # seconds after which each thread of a child has loaded a generation, too
MAX_GROWTH = 2048        # KiB of anonymous memory, in each process that is warm
# SMC0002: a restart looks at the files, too, perhaps in the middle of a change.
TROUBLE = r"SMC0(002|102|103|109|206)\b|exit signal Killed|AH10392|InsecureCookies|alternate-broken"


# ---- the load ------------------------------------------------------------------------------------

class Shared:
    """What the administrator tells the IdPs: which pair signs now, which ones did before."""

    def __init__(self, names):
        self.current = {n: multiprocessing.Value("i", 0) for n in names}
        self.staged = {n: multiprocessing.Value("i", 0) for n in names}
        self.retired = {n: multiprocessing.Value("i", -1) for n in names}
        self.stop = multiprocessing.Event()


def work(number, facts, idps, pairs, shared, out):
    """One thread of clients: logs in, works with the sessions, remembers everything."""
    dice = random.Random(number)
    lost = []
    client = clients.Client(facts["port"], lost)
    logins, sessions, requests, keys, fetched = [], [], 0, [], 0.0
    count = 0
    while not shared.stop.is_set():
        if dice.random() < 0.7 and sessions:
            login = dice.choice(sessions[-200:])
            requests += 1
            if not clients.check_session(client, login):
                sessions.remove(login)
            continue
        name = dice.choice(list(idps))
        chosen = shared.current[name].value
        if dice.random() < 0.2:
            chosen = max(dice.choice((shared.retired[name].value, shared.staged[name].value)), 0)
        encrypt_to = None
        if dice.random() < 0.3:
            if time.monotonic() - fetched > METADATA_AGE:
                answer = client.get("/saml/metadata")
                fetched, keys = answer.began, keyholder.published_keys(answer.text.encode())
            encrypt_to = dice.choice(keys)
        count += 1
        login = clients.log_in(client, facts, idps[name], name, pairs[name][chosen],
                               f"user-{number}-{count}", f"mark {number} {count}", encrypt_to, fetched)
        login.message = login.state = None
        logins.append(login)
        if login.status == 303 and not login.wrong:
            sessions.append(login)
    shared_end = facts["end"]
    shared_end.wait()                      # until the server is quiet and complete again
    for login in sessions:
        requests += 1
        clients.check_session(client, login)
    client.close()
    out.append((logins, lost, requests))


def process(number, facts, idps, pairs, shared, queue):
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    out, errors = [], []

    def guarded(n):
        try:
            work(n, facts, idps, pairs, shared, out)
        except Exception as e:              # noqa: BLE001 - must reach the parent
            errors.append(repr(e))
    threads = [threading.Thread(target=guarded, args=(number * THREADS + i,)) for i in range(THREADS)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    queue.put((out, errors))


# ---- one run -------------------------------------------------------------------------------------

class Run:
    def __init__(self, directory, mpm, scale, pace, patience):
        self.mpm = mpm
        self.pace = pace                   # seconds for a round: a rotation of each kind
        self.patience = patience
        self.rounds = max(int(100 * scale), 4)
        self.count = {"broken": max(int(20 * scale), 2), "graceful": max(int(10 * scale), 1),
                      "killed": max(int(20 * scale), 2)}
        self.problems = []
        self.convergence = []              # seconds, all children the same before and after
        self.convergence_disturbed = []    # while children came and went
        self.slow = []
        self.disturbances = []
        self.slots = {}                    # generation hash -> {(idp, sha256): slot}
        names = ("plain", "mounted")
        half = self.rounds // 2 + 2
        self.pairs = {n: [keyholder.Pair(f"{n} {i}", is_rsa=i % 4 == 3) for i in range(half)]
                      for n in names}
        self.own_pairs = [keyholder.Pair(f"own {i}", is_rsa=True) for i in range(min(self.rounds + 1, 12))]
        self.idps = {n: keyholder.KeyHolder(n, self.pairs[n][0]) for n in names}
        self.service = Service(pathlib.Path(directory) / mpm, self.idps["plain"], mpm=mpm, tls=False,
                               extra=EXTRA.format(mpm=MPM_EXTRA.get(mpm, "")), settings=())
        self.httpd = self.service.httpd
        self.shared = Shared(names)
        self._lay_out()

    def _lay_out(self):
        """Another trust directory than the one of the tests that share a server."""
        trust = self.service.trust
        for path in ("idp/test/idp.conf", "idp/test/primary.pem"):
            trust.remove(path)
        (trust.root / "idp/test").rmdir()
        for name, idp in self.idps.items():
            trust.idp(name, f"EntityID {idp.entity_id}", f"SSOUrl {idp.sso_url}", "ClockSkew 60")
        (trust.root / "sp/other").mkdir(0o755)
        self.journal = administrator.Journal()
        self.admin = administrator.Administrator(trust, self.journal)
        self.own = administrator.OwnKeys(self.admin, self.own_pairs[0])
        self.sides = {"plain": administrator.PlainIdp(self.admin, "plain", self.pairs["plain"][0]),
                      "mounted": administrator.MountedIdp(self.admin, "mounted", self.pairs["mounted"][0])}

    # The changes

    def change(self, what, *arguments):
        """One change, and how long it took to the last child."""
        before = set(self.httpd.children())
        what(*arguments)
        changed = time.monotonic()
        wanted, slots = administrator.listed(self.admin.root)
        if not wanted:
            self.problems.append(f"samlcertctl does not take the files after {what.__qualname__}")
            return
        self.slots[wanted] = slots
        seconds = self.monitor.converged(changed, wanted)
        if seconds is None:
            self.problems.append(f"{what.__qualname__}: not taken by all children in 20 s")
            return
        same = before == set(self.httpd.children())
        (self.convergence if same else self.convergence_disturbed).append(seconds)
        if seconds > 0.9:
            self.slow.append(f"{what.__qualname__} {arguments[-1:]}: {seconds:.3f} s at "
                             f"{time.strftime('%H:%M:%S', time.localtime())}"
                             f"{'' if same else ', children came or went'}")

    def rotate_idp(self, number):
        name = ("plain", "mounted")[number % 2]
        new = number // 2 + 1
        side, pairs = self.sides[name], self.pairs[name]
        yield lambda: self.change(side.stage, pairs[new], number)
        self.shared.staged[name].value = new
        if number % 4 < 2:             # the IdP switches before we promote ...
            self.shared.current[name].value = new
        yield lambda: self.change(side.promote, pairs[new], pairs[new - 1], number)
        self.shared.current[name].value = new            # ... or after
        yield lambda: self.change(side.retire, pairs[new - 1], number)
        self.shared.retired[name].value = new - 1

    def rotate_own(self, number):
        pair = self.own_pairs[(number + 1) % len(self.own_pairs)]
        yield lambda: self.change(self.own.publish, pair, number)
        yield lambda: self.change(self.own.drop, number)
        yield lambda: self.change(self.own.promote, number)

    def break_something(self, number):
        spoil = administrator.BREAKS[number % len(administrator.BREAKS)]
        mend = spoil(self.admin, self.own_pairs[0])
        if not self.monitor.refused(time.monotonic()):
            self.problems.append(f"{spoil.__name__}: not noticed in 10 s")
        time.sleep(0.2)
        self.change(mend)

    def disturb(self, go, end):
        """Graceful restarts and killed children, as long as `go` is set."""
        kinds = ["graceful"] * self.count["graceful"] + ["killed"] * self.count["killed"]
        random.Random(1).shuffle(kinds)
        go.wait()
        for kind in kinds:
            self.disturbances.append(time.monotonic())
            if kind == "graceful":
                os.kill(self.httpd.process.pid, signal.SIGUSR1)
            else:
                victims = self.httpd.children()
                if victims:
                    os.kill(random.choice(victims), signal.SIGKILL)
            # A third graceful restart within a second would find no child of the first any more.
            end.wait(self.between if kind == "killed" else max(self.between, 2))
        self.disturbed_until = time.monotonic()

    def rotations(self):
        broken = {int((i + 0.5) * self.rounds / self.count["broken"]): i
                  for i in range(self.count["broken"])}
        go, end = threading.Event(), threading.Event()
        start, stop = (int(self.rounds * part) for part in DISTURBED)
        disturber = threading.Thread(target=self.disturb, args=(go, end))
        disturber.start()
        self.disturbed_until = time.monotonic()
        began = time.monotonic()
        for number in range(self.rounds):
            if number == start:
                each = (time.monotonic() - began) / max(number, 1)
                self.between = each * (stop - start) / (self.count["graceful"] + self.count["killed"])
                go.set()
            due = time.monotonic() + self.pace
            steps = [self.rotate_idp(number), self.rotate_own(number)]
            while steps:
                one = random.choice(steps)
                step = next(one, None)
                if step:
                    step()
                    time.sleep(max(0, random.random() * 2 * (due - time.monotonic()) / 4))
                else:
                    steps.remove(one)
            if number in broken:
                self.break_something(broken[number])
            time.sleep(max(0, due - time.monotonic()))
        end.set()
        disturber.join()

    # From start to end

    def settled(self):
        """No old child any more, the newest generation everywhere, nobody waiting."""
        wanted, _ = administrator.listed(self.admin.root)
        if self.monitor.converged(time.monotonic(), wanted, 30) is None:
            self.problems.append("at the end: not all children have the newest generation")
        time.sleep(3)                      # connections that are kept alive end

    def go(self):
        self.service.start()
        self.httpd.tolerate(TROUBLE)
        self.monitor = Monitor(self.httpd).start()
        self.settled()
        self.monitor.weigh()
        before_fds = max(row[4] for row in self.monitor.processes)
        queue, end = multiprocessing.Queue(), multiprocessing.Event()
        facts = {**clients.facts(self.service), "end": end}
        workers = [multiprocessing.Process(target=process, args=(
            n, facts, self.idps, self.pairs, self.shared, queue)) for n in range(PROCESSES)]
        self.began = time.monotonic()
        for w in workers:
            w.start()
        try:
            self.rotations()
            self.rotated = time.monotonic()
        finally:
            self.shared.stop.set()
            self.settled()
            end.set()
            self.results = [queue.get(timeout=300) for _ in workers]
            for w in workers:
                w.join(30)
        self.settled()
        self.monitor.weigh()
        self.fds = (before_fds, max(row[4] for row in self.monitor.processes
                                    if row[0] > time.monotonic() - 1.5))
        self.monitor.stop()
        self.httpd.stop()
        return self.judge()

    # The verdict

    def generations(self):
        """number -> {(idp, sha256): slot}, by the log and by samlcertctl."""
        by_number = {}
        log = self.httpd.error_log()
        for number, short in re.findall(r"SMC0101: generation \d+ -> (\d+) \(([0-9a-f]+)\)", log):
            by_number[int(number)] = short
        wanted = {login.seen.get("SAMLCERT_GENERATION") for login in self.accepted}
        shorts = {by_number.get(int(n)) for n in wanted if n}
        known = {h[:12]: slots for h, slots in self.slots.items()}
        missing = shorts - set(known) - {None}
        for contents in self.journal.contents.values() if missing else ():
            found, slots = administrator.generation_of(contents)
            if found:
                known[found[:12]] = slots
                missing.discard(found[:12])
            if not missing:
                break
        return {n: known.get(short) for n, short in by_number.items()}

    def expected(self, login):
        """True, False, or None where what was trusted changed while the login was under way."""
        expected = self.journal.verdict((login.idp, login.signer), login.began, login.ended)
        if expected and login.encrypted_to:
            return self.journal.verdict(("own", login.encrypted_to), login.began, login.ended)
        return expected

    def judge_logins(self):
        logins = [login for out, _ in self.results for logins, _, _ in out for login in logins]
        self.accepted = [x for x in logins if x.status == 303]
        kinds = {"logins": len(logins), "accepted": len(self.accepted), "refused, rightly": 0,
                 "answers lost with their connection": 0, "accepted or refused during the change": 0,
                 "refused wrongly": 0, "accepted wrongly": 0, "wrong answers": 0}
        log = None
        for login in logins:
            expected = self.expected(login)
            if login.wrong:
                kinds["wrong answers"] += 1
                self.problems.append(login.wrong)
            elif login.status == 0:
                kinds["answers lost with their connection"] += 1
            elif expected is None:
                kinds["accepted or refused during the change"] += 1
            elif expected and login.status != 303:
                kinds["refused wrongly"] += 1
                log = log or self.httpd.error_log()
                line = re.search(rf"^.*incident {login.incident}\]?.*$", log, re.M)
                self.problems.append(f"refused wrongly: {login.status} at {login.began:.3f} "
                                     f"{login.idp} {line[0] if line else ''}")
            elif not expected and login.status == 303:
                kinds["accepted wrongly"] += 1
                self.problems.append(f"accepted wrongly: {login.idp} {login.signer} {login.seen}")
            elif not expected:
                kinds["refused, rightly"] += 1
        return kinds

    def judge_generations(self):
        mixed = unknown = 0
        generations = self.generations()
        for login in self.accepted:
            seen = login.seen
            if not seen:
                continue
            slots = generations.get(int(seen["SAMLCERT_GENERATION"]))
            if slots is None:
                unknown += 1
            elif slots.get((login.idp, seen["SAMLCERT_FINGERPRINT"])) != seen["SAMLCERT_SLOT"] \
                    or seen["SAMLCERT_FINGERPRINT"] != login.signer:
                mixed += 1
                self.problems.append(f"mixed: {seen} in {slots}")
        return {"generations": len(generations), "mixed": mixed, "of an unknown generation": unknown}

    def judge_losses(self):
        """A connection may be lost around a killed child or a restart, or while it was idle."""
        lost = [one for out, _ in self.results for _, lost, _ in out for one in lost]
        times = sorted(self.disturbances)
        unexplained = 0
        for when, is_used, kind in lost:
            at = bisect.bisect(times, when)
            near = at > 0 and when - times[at - 1] < 10
            if not near and not is_used:
                unexplained += 1
                self.problems.append(f"a new connection was lost ({kind}) with nothing happening")
        return {"connections lost": len(lost), "of them new ones": sum(not x[1] for x in lost),
                "unexplained": unexplained}

    def judge(self):
        for _, errors in self.results:
            self.problems += errors
        logins = self.judge_logins()
        mixed = self.judge_generations()
        losses = self.judge_losses()
        requests = sum(r for out, _ in self.results for _, _, r in out)
        calm = self.monitor.growth(max(self.disturbed_until, self.began) + 1, self.rotated, WARM)
        weighed = sum(not g.is_parent for g in calm)
        times = sorted(self.convergence)
        both = sorted(self.convergence + self.convergence_disturbed)
        log = self.httpd.judge_log()
        report = {
            "mpm": self.mpm, "seconds": round(self.rotated - self.began),
            "rotations of the IdPs": self.rounds, "rotations of our key": self.rounds, **self.count,
            **logins, "requests with a session": requests, **losses, **mixed,
            "change to the last child, s": spread(times), "the same with restarts between": spread(both),
            "slow changes": self.slow,
            "children that lived long enough to be weighed": weighed,
            "memory and open files of those that lived to the end, when warm and then":
                [{**g._asdict(), "course": self.monitor.course(g.pid, self.began, self.rotated, 9)}
                 for g in calm],
            "open files of the largest process, idle, before and after": self.fds,
            "log": log}
        growth = max((g.anonymous[1] - g.anonymous[0] for g in calm), default=0)
        leaks = [g for g in calm if g.files[1] > g.files[0] + 2]
        criteria = {
            "every login whose key was trusted is accepted": logins["refused wrongly"] == 0,
            "no login whose key was retired is accepted": logins["accepted wrongly"] == 0,
            "no session is lost or changes": logins["wrong answers"] == 0,
            "no mixed generation": mixed["mixed"] == 0 and mixed["of an unknown generation"] == 0,
            "no connection is lost but with a child": losses["unexplained"] == 0,
            f"every change reaches every child within {self.patience:g} s":
                bool(times) and times[-1] < self.patience,
            "where children start or end meanwhile within twice that": bool(both) and both[-1] < 2 * self.patience,
            f"no process grows by {MAX_GROWTH} KiB": growth < MAX_GROWTH
                and (weighed > 0 or self.rounds < 100),
            "no file descriptor is left open": not leaks and self.fds[1] <= self.fds[0] + 2,
            "the log holds no trouble that was not made": not log,
            "nothing else went wrong": not self.problems}
        return report, criteria


def spread(times):
    if not times:
        return {}
    return {"count": len(times), "median": round(statistics.median(times), 3),
            "p99": round(times[min(int(len(times) * 0.99), len(times) - 1)], 3),
            "maximum": round(times[-1], 3)}


def run(mpm, options):
    """(report, criteria, problems) of one MPM."""
    with tempfile.TemporaryDirectory(prefix="samlcert-soak-") as directory:
        os.chmod(directory, 0o755)
        one = Run(directory, mpm, options.scale, options.pace, options.patience)
        try:
            report, criteria = one.go()
        finally:
            one.httpd.stop()
            keep = os.environ.get("SAMLCERT_KEEP")
            if keep:
                pathlib.Path(keep, f"{mpm}.error.log").write_text(one.httpd.error_log())
        return report, criteria, one.problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mpm", choices=("event", "worker", "prefork", "all"), default="event")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--pace", type=float, default=PACE, metavar="SECONDS",
                        help="how long one round of rotations takes at least")
    parser.add_argument("--patience", type=float, default=1.0, metavar="SECONDS",
                        help="how long a change may take to the last child")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    mpms = ("event", "worker", "prefork") if options.mpm == "all" else (options.mpm,)
    is_good = True
    for mpm in mpms:
        report, criteria, problems = run(mpm, options)
        is_good = is_good and all(criteria.values())
        if options.json:
            print(json.dumps({"report": report, "criteria": criteria, "problems": problems}, indent=1))
            continue
        print(f"---- {mpm}")
        for name, value in report.items():
            if isinstance(value, list) and value:
                value = "".join(f"\n    {one}" for one in value)
            print(f"{name}: {value}")
        for problem in problems[:20]:
            print(f"! {problem}")
        for name, holds in criteria.items():
            print(f"{'pass' if holds else 'FAIL'}  {name}")
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
