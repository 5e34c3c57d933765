#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Kill -9 of the whole server, at any moment of logins and rotations, again and again.

usage: SAMLCERT_BUILD=DIR tests/soak/kill.py [--mpm event|worker|prefork] [--rounds 30] [--seed N]

After each start: who was told that the login succeeded has a session, and nobody gets in with that
message again; a login whose answer was lost has happened or has not; generation numbers go on; what
is in use is what the trust directory holds, or, where that is broken in every second round, the last
generation that was in use. Exit code 0 if all of it held.
"""
import argparse
import json
import os
import pathlib
import random
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "http")]

import administrator  # noqa: E402
from harness.client import Client, check_session, facts, log_in, post_again  # noqa: E402
from harness.keyholder import KeyHolder, Pair  # noqa: E402
from harness.service import Service  # noqa: E402

TROUBLE = r"SMC0(010|102|103|10|108|109|206|301|302)\b|InsecureCookies|alternate-broken|AH00098"
THREADS = 3
KEPT = 21        # generations and `current`; what a kill left half made is cleaned up with the rest


class Trial:
    def __init__(self, directory, mpm, seed):
        self.dice = random.Random(seed)
        self.pairs = [Pair(f"corp {i}") for i in range(8)]
        self.steady = KeyHolder("steady", Pair("steady"))     # its logins do not depend on rotations
        self.corp = KeyHolder("corp", self.pairs[0])
        self.service = Service(pathlib.Path(directory) / mpm, self.corp, mpm=mpm, tls=False,
                               extra="SamlCertInsecureCookies on\n", settings=("ClockSkew 60",))
        self.httpd = self.service.httpd
        trust = self.service.trust
        trust.idp("steady", f"EntityID {self.steady.entity_id}", f"SSOUrl {self.steady.sso_url}")
        trust.certificate("steady", "primary", self.steady.signer)
        self.journal = administrator.Journal()
        self.admin = administrator.Administrator(trust, self.journal)
        self.problems, self.numbers, self.lost, self.accepted = [], {}, [], []
        self.counts = {"rounds": 0, "logins": 0, "lost answers that were logins": 0,
                       "lost answers that were none": 0, "starts from the archive": 0,
                       "refused starts: nothing kept at that moment": 0}
        self.serial = 0

    # What goes on while the server is killed

    def logins(self, stop, number):
        client, count = Client(self.httpd.port, []), 0
        while not stop.is_set():
            count += 1
            user = f"user-{self.serial}-{number}-{count}"
            try:
                login = log_in(client, facts(self.service), self.steady, "steady", self.steady.signer,
                               user, f"mark {user}")
            except AssertionError:      # the server is gone
                return
            login.wrong = ""            # the page after the login is looked at after the start
            if login.status == 303:
                self.accepted.append(login)
            elif login.status == 0:
                self.lost.append(login)
            else:
                self.problems.append(f"a login was refused: {login.status}")

    def rotations(self, stop):
        number = 0
        while not stop.is_set():
            number += 1
            slot = ("staged", "alternate", "alternate-2")[number % 3]
            self.admin.write(f"idp/test/{slot}.pem", self.pairs[number % len(self.pairs)].pem)
            stop.wait(self.dice.random() * 1.2)
            if number % 4 == 0:
                self.admin.remove(f"idp/test/{slot}.pem")

    def watch(self, stop):
        """The generations that the server said it had."""
        client = Client(self.httpd.port, [])
        while not stop.wait(0.02):
            answer = client.once("GET", "/status?format=json")
            if answer and answer.status == 200:
                self.see(json.loads(answer.text))

    def see(self, status):
        number, digest = status["generation"], status["generation_hash"]
        if self.numbers.setdefault(number, digest) != digest:
            self.problems.append(f"generation {number} is {self.numbers[number]} and {digest}")
        self.last_seen = number

    def kill(self):
        stop = threading.Event()
        threads = [threading.Thread(target=self.logins, args=(stop, n)) for n in range(THREADS)]
        threads += [threading.Thread(target=self.rotations, args=(stop,)),
                    threading.Thread(target=self.watch, args=(stop,))]
        self.accepted.clear()
        self.lost.clear()
        for t in threads:
            t.start()
        time.sleep(self.dice.uniform(0.02, 2))
        self.httpd.kill()
        stop.set()
        for t in threads:
            t.join()

    # What must be there afterwards

    def known_hashes(self):
        """Of the trust directory since the last generation that the status showed."""
        hashes = []
        for contents in reversed(list(self.journal.contents.values())):
            digest, _ = administrator.generation_of(contents)
            hashes.append(digest)
            if digest == self.numbers.get(self.last_seen) or len(hashes) > 30:
                break
        return set(hashes)

    def start_broken(self):
        """The archive serves. Where nothing was kept at that moment the start fails, and says so."""
        current = self.service.state / "generations" / "current"
        is_kept = current.is_symlink()
        known = self.known_hashes()
        mend = administrator.half_a_pem(self.admin, self.pairs[0], "test")
        try:
            self.httpd.start()
        except AssertionError as e:
            self.counts["refused starts: nothing kept at that moment"] += 1
            if is_kept:
                self.problems.append(f"the archive was there and did not serve: {e}")
            mend()
            self.httpd.start()
            return
        status = self.service.status()
        self.counts["starts from the archive"] += 1
        if not is_kept or status["serving"] != "archive" or status["generation_hash"] not in known:
            self.problems.append(f"serving {status['serving']} {status['generation_hash'][:12]}, "
                                 f"kept: {is_kept}, known: {[h and h[:12] for h in known]}")
        self.check_logins()
        mend()

    def check_logins(self):
        client = Client(self.httpd.port, [])
        for login in self.accepted:
            if not check_session(client, login):
                self.problems.append(f"round {self.counts['rounds']}: {login.wrong}")
            answer = post_again(client, login)
            if answer.status != 403:
                self.problems.append(f"a replay: {answer.status}")
        for login in self.lost:
            answer = post_again(client, login)
            if answer.status not in (303, 403):
                self.problems.append(f"a login whose answer was lost: {answer.status}")
            elif post_again(client, login).status != 403:
                self.problems.append("a login whose answer was lost succeeds twice")
            which = "none" if answer.status == 303 else "logins"
            self.counts[f"lost answers that were {which}"] += 1
        self.lost.clear()
        client.close()

    def round(self, number):
        self.serial = number
        self.kill()
        if number % 2:
            self.start_broken()
        else:
            self.httpd.start()
        self.check_logins()
        highest = max(self.numbers, default=0)
        status = self.service.settled()
        if status["generation"] < highest and status["generation_hash"] != self.numbers.get(
                status["generation"]):
            self.problems.append(f"after generation {highest} comes {status['generation']}")
        self.see(status)
        kept = self.service.state / "generations"
        left = list(kept.iterdir()) if kept.exists() else []    # killed before the first was kept
        if len(left) > KEPT + 3:
            self.problems.append(f"{len(left)} entries in generations")
        self.counts["logins"] += len(self.accepted)
        self.counts["rounds"] += 1

    def go(self, rounds):
        self.httpd.start()
        self.httpd.tolerate(TROUBLE)
        self.see(self.service.settled())
        try:
            for number in range(rounds):
                self.round(number)
        finally:
            self.httpd.stop()
        self.problems += self.httpd.judge_log()
        return {**self.counts, "generations": len(self.numbers)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mpm", choices=("event", "worker", "prefork"), default="event")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    seed = random.randrange(1000000) if options.seed is None else options.seed
    with tempfile.TemporaryDirectory(prefix="samlcert-kill-") as directory:
        os.chmod(directory, 0o755)
        trial = Trial(directory, options.mpm, seed)
        print(f"seed: {seed}", flush=True)
        for name, count in trial.go(options.rounds).items():
            print(f"{name}: {count}")
    for problem in trial.problems[:20]:
        print(f"! {problem}")
    print("FAIL" if trial.problems else "pass")
    return 1 if trial.problems else 0


if __name__ == "__main__":
    sys.exit(main())
