#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The story of ./quickstart --demo: an IdP's signing certificate is cut over under load.

usage: story.py DIR    DIR is a site that site.sh laid down and started

It plays everybody: the users, who log in through the IdP's own form; the administrator, who
moves certificates about in the trust directory; and the IdP, which changes its key. Exit status
0 when all went as it should, 1 otherwise. Standard library only.
"""

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time

from browser import Browser

HERE = pathlib.Path(__file__).resolve().parent
PASSWORDS = {"alice": "alicepass", "bob": "bobpass"}
CONNECTIONS = 4     # that ask for the protected page all the time
PATIENCE = 10       # seconds until something that should happen counts as not happening


class Broken(Exception):
    """The story cannot go on: something is not as it should be."""


def expect(condition, sentence):
    if not condition:
        raise Broken(sentence)


class Teller:
    """Prints what happens, with the time since the beginning."""

    def __init__(self):
        colour = (sys.stdout.isatty() and "NO_COLOR" not in os.environ
                  and os.environ.get("TERM", "dumb") != "dumb")
        self._green, self._red, self._dim, self._plain = (
            ("\033[32m", "\033[31m", "\033[2m", "\033[0m") if colour else ("",) * 4)
        self._begin = time.monotonic()

    def _line(self, colour, word, text, detail=""):
        when = time.monotonic() - self._begin
        print(f"  {colour}{word}{self._plain}  {self._dim}{when:5.1f} s{self._plain}  {text:<42} "
              f"{self._dim}{detail}{self._plain}".rstrip(), flush=True)

    def tell(self, text, detail=""):
        self._line(self._green, "ok", text, detail)

    def fail(self, text):
        self._line(self._red, "no", text)

    def figure(self, name, value):
        print(f"      {name:<34} {value}", flush=True)


class Site:
    """The service provider, its trust directory and the IdP, as their administrators see them."""

    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self.url = (self.dir / "url").read_text().strip()
        self.app = self.url + "/app/"
        self.tls = str(self.dir / "tls/cert.pem")
        self.slots = self.dir / "trust/idp/demo"
        self._admin = self.browser()

    def browser(self):
        return Browser(self.tls)

    def idp_keys(self, which):
        subprocess.run([HERE / "idp/idp.sh", "keys", self.dir / "idp", which], check=True)

    def fingerprint(self, key):
        pem = (self.dir / f"idp/cert/{key}.crt").read_text()
        return hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()

    @contextlib.contextmanager
    def trust_lock(self):
        """Who changes several files of the trust directory holds the lock."""
        with open(self.dir / "trust/.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def stage(self, key):
        """Put the certificate of an IdP key on file as the next one; by rename, never half."""
        aside = self.slots / ".staged.new"
        shutil.copyfile(self.dir / f"idp/cert/{key}.crt", aside)
        aside.rename(self.slots / "staged.pem")

    def move(self, old, new):
        (self.slots / f"{old}.pem").rename(self.slots / f"{new}.pem")

    def status(self):
        page = self._admin.open(self.url + "/samlcert-status?format=json")
        expect(page.status == 200, f"the status page answered {page.status}")
        return json.loads(page.text)

    def wait_for_change(self, before, since):
        """Wait until every child serves a newer generation; seconds since the change."""
        while True:
            status = self.status()
            serving = {(c["generation"], c["generation_hash"]) for c in status["children"]}
            if (status["generation"] > before["generation"]
                    and serving == {(status["generation"], status["generation_hash"])}):
                return time.monotonic() - since
            expect(not status["last_reload_error"], f"reload: {status['last_reload_error']}")
            expect(time.monotonic() - since < PATIENCE, f"not all children changed: {status}")
            time.sleep(0.01)

    def reason(self, incident):
        """The reason code that the error log gives for an incident."""
        pattern = re.compile(rf"SMC\d+: ([a-z-]+): (.*) \[incident {incident}\]")
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = pattern.search((self.dir / "log/error.log").read_text(errors="replace"))
            if found:
                return found.group(1)
            time.sleep(0.01)
        raise Broken(f"incident {incident} is not in the error log")


class Load:
    """What the others do meanwhile: one session in steady use, and one user who logs in anew
    again and again. Whatever is not the page of the right user counts as a failure."""

    def __init__(self, site, session):
        self._site = site
        self._cookie = session.cookie_header(site.app)
        self._stop = threading.Event()
        self._idp_free = threading.Lock()      # held while the IdP signs with a key not trusted
        self._count = threading.Lock()
        self.requests = 0
        self.logins = 0
        self.failures = []
        self._threads = [threading.Thread(target=self._use) for _ in range(CONNECTIONS)]
        self._threads.append(threading.Thread(target=self._login))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def no_logins(self):
        """A context in which nobody logs in; sessions are used as before."""
        return self._idp_free

    def _done(self, what, failure):
        with self._count:
            setattr(self, what, getattr(self, what) + 1)
            if failure:
                self.failures.append(failure)

    def _use(self):
        host = self._site.url.removeprefix("https://")
        context = ssl.create_default_context(cafile=self._site.tls)
        connection = http.client.HTTPSConnection(host, context=context, timeout=PATIENCE)
        while not self._stop.is_set():
            failure = None
            try:
                connection.request("GET", "/app/", headers={"Cookie": self._cookie})
                answer = connection.getresponse()
                body = answer.read()
                if answer.status != 200 or b'id="user">alice<' not in body:
                    failure = f"a request with a session: {answer.status}"
            except (OSError, http.client.HTTPException) as error:
                failure = f"a request with a session: {error!r}"
                connection.close()
            self._done("requests", failure)
            time.sleep(0.002)
        connection.close()

    def _login(self):
        while not self._stop.is_set():
            failure = None
            with self._idp_free:
                try:
                    page = self._site.browser().login(self._site.app, "bob", PASSWORDS["bob"])
                    if page.status != 200 or page.by_id.get("user") != "bob":
                        failure = f"a login: {page.status} at {page.url}"
                except (OSError, RuntimeError) as error:
                    failure = f"a login: {error!r}"
            self._done("logins", failure)
            time.sleep(0.02)


class Story:
    def __init__(self, site, teller):
        self.site = site
        self.teller = teller
        self.changes = []

    def login(self, user, key, slot, why=""):
        """A login that must work, by this IdP key, found in this slot; the browser it made."""
        browser = self.site.browser()
        start = time.monotonic()
        page = browser.login(self.site.app, user, PASSWORDS[user])
        took = time.monotonic() - start
        seen = {name: page.by_id.get(name) for name in ("user", "fingerprint", "slot")}
        wanted = {"user": user, "fingerprint": self.site.fingerprint(key), "slot": slot}
        expect(page.status == 200, f"{user} was refused: {page.status} at {page.url}")
        expect(seen == wanted, f"the page shows {seen}, not {wanted}")
        self.teller.tell(f"{user} logs in{why}",
                         f"by {key} {wanted['fingerprint'][:12]}, {slot}, {took * 1000:.0f} ms")
        return browser

    def change(self, text, action):
        """Do something to the trust directory; it must be live in every child, soon."""
        before = self.site.status()
        start = time.monotonic()
        action()
        took = self.site.wait_for_change(before, start)
        self.changes.append(took)
        self.teller.tell(text, f"live in all children after {took * 1000:.0f} ms")

    def promote(self):
        with self.site.trust_lock():
            self.site.move("primary", "alternate")
            self.site.move("staged", "primary")

    def retire(self, load):
        """Retire k1, while a response that k1 signed is on its way: that one must be refused."""
        late = self.site.browser()
        with load.no_logins():
            self.site.idp_keys("k1")
            page = late.authenticate(self.site.app, "alice", PASSWORDS["alice"])
            self.site.idp_keys("k2")
        before = self.site.status()
        start = time.monotonic()
        self.site.move("alternate", "retired")
        refused = late.deliver(page)
        took = time.monotonic() - start
        self.changes.append(self.site.wait_for_change(before, start))
        self.teller.tell("the old certificate is retired",
                         f"live in all children after {self.changes[-1] * 1000:.0f} ms")
        self.refusal(refused, f"{took * 1000:.0f} ms after its retirement")

    def refusal(self, page, when):
        """It was refused, and the incident on the page leads to the reason in the log."""
        expect(page.status == 403, f"the old key got in: {page.status} at {page.url}")
        incident = re.search(r"incident:?\s*([0-9a-f]{12})", page.text)
        expect(incident, "the page of the refusal has no incident")
        reason = self.site.reason(incident.group(1))
        expect(reason in ("cert-retired", "cert-not-listed"), f"refused for {reason}")
        self.teller.tell("a login signed by the old key is refused",
                         f"{reason}, {when}, incident {incident.group(1)}")

    def old_key_again(self, load):
        with load.no_logins():
            self.site.idp_keys("k1")
            page = self.site.browser().login(self.site.app, "alice", PASSWORDS["alice"])
            self.site.idp_keys("k2")
        self.refusal(page, "again")

    def run(self):
        site, teller = self.site, self.teller
        first = site.status()
        alice = self.login("alice", "k1", "primary")
        with Load(site, alice) as load:
            teller.tell("load begins", f"alice's session on {CONNECTIONS} connections, "
                                       "bob logs in again and again")
            time.sleep(1)
            self.change("the next certificate is staged", lambda: site.stage("k2"))
            site.idp_keys("k2")
            teller.tell("the identity provider rotates its key", "from k1 to k2, at once")
            self.login("bob", "k2", "staged")
            self.change("the staged certificate is promoted", self.promote)
            self.login("bob", "k2", "primary")
            time.sleep(1)
            self.retire(load)
            self.old_key_again(load)
            self.login("alice", "k2", "primary", " again")
            time.sleep(1)
        teller.tell("load ends")
        self.figures(load, first, site.status())

    def figures(self, load, first, last):
        figure = self.teller.figure
        pids = [sorted(child["pid"] for child in status["children"]) for status in (first, last)]
        print()
        figure("requests with alice's session", f"{load.requests:,}")
        figure("logins beside them", f"{load.logins:,}")
        figure("failures", len(load.failures))
        figure("change until live in all children",
               ", ".join(f"{took * 1000:.0f} ms" for took in self.changes))
        figure("generation", f"{first['generation']} -> {last['generation']}")
        figure("httpd's children", f"{len(pids[1])}, the same from start to end"
               if pids[0] == pids[1] else f"{pids[0]} -> {pids[1]}")
        print()
        expect(not load.failures, f"{len(load.failures)} failures; the first: {load.failures[:1]}")
        expect(load.requests > 0 and load.logins > 0, "there was no load")
        expect(pids[0] == pids[1], "children of httpd came or went")


def main():
    if len(sys.argv) != 2:
        sys.exit("usage: story.py DIR")
    teller = Teller()
    try:
        Story(Site(sys.argv[1]), teller).run()
    except (Broken, RuntimeError, OSError, subprocess.CalledProcessError) as error:
        teller.fail(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
