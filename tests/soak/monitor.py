# SPDX-License-Identifier: Apache-2.0
"""What the processes of a server do: their generations, memory and file descriptors, while it runs."""

import json
import os
import pathlib
import statistics
import threading
import time
import typing

from harness.client import Client


def resident(pid):
    """(RSS, of it anonymous) in KiB, or None if the process is gone."""
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        fields = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return tuple(int(fields[k].split()[0]) for k in ("VmRSS", "RssAnon"))
    except (OSError, KeyError, ProcessLookupError):
        return None


def descriptors(pid):
    """Open files of a process without its connections, or None if it is gone."""
    count = 0
    try:
        for name in os.listdir(f"/proc/{pid}/fd"):
            try:
                count += not os.readlink(f"/proc/{pid}/fd/{name}").startswith("socket:")
            except OSError:
                pass
    except OSError:
        return None
    return count


class Growth(typing.NamedTuple):
    """Each a pair: at the beginning, at the end. KiB; the anonymous part is what a leak is in, the
    rest is the store's map and libraries."""
    pid: int
    is_parent: bool
    resident: tuple
    anonymous: tuple
    files: tuple


class Monitor:
    """Looks at the status page all the time, and at the processes once a second."""

    def __init__(self, httpd, every=0.025):
        self.httpd = httpd
        self.every = every
        self.looks = []            # (when asked, {pid: hash}, last_reload_error)
        self.processes = []        # (when, pid, RSS, anonymous, descriptors); the parent too
        self.parent = httpd.process.pid
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True),
                         threading.Thread(target=self._weigh, daemon=True)]

    def start(self):
        for t in self._threads:
            t.start()
        return self

    def stop(self):
        self._stop.set()
        for t in self._threads:
            t.join(30)

    def _ask(self):
        client = Client(self.httpd.port, [])
        while not self._stop.wait(self.every):
            answer = client.once("GET", "/status?format=json")
            if answer and answer.status == 200:
                status = json.loads(answer.text)
                alive = set(self.httpd.children())
                hashes = {c["pid"]: c["generation_hash"] for c in status["children"]
                          if c["pid"] in alive}
                self.looks.append((answer.began, hashes, status["last_reload_error"]))
        client.close()     # httpd's event MPM may crash when it is stopped with a connection open

    def weigh(self):
        now = time.monotonic()
        for pid in [self.parent, *self.httpd.children()]:
            size, files = resident(pid), descriptors(pid)
            if size and files is not None:
                self.processes.append((now, pid, *size, files))

    def _weigh(self):
        while not self._stop.wait(1) and self.httpd.process:
            self.weigh()

    def converged(self, changed, wanted, timeout=20):
        """Seconds from `changed` until all children had what is wanted; None if never."""
        at = len(self.looks)
        while at and self.looks[at - 1][0] >= changed:
            at -= 1
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            while at < len(self.looks):
                asked, hashes, _ = self.looks[at]
                at += 1
                if asked >= changed and hashes and set(hashes.values()) == {wanted}:
                    return asked - changed
            time.sleep(self.every / 2)
        return None

    def refused(self, since, timeout=10):
        """Waits until the status says that something is broken; FALSE if it never does."""
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            if self.looks and self.looks[-1][0] >= since and self.looks[-1][2]:
                return True
            time.sleep(self.every)
        return False

    def growth(self, since, until, warm=0.0):
        """What each process that lived through that time had at its beginning (from when it is
        `warm` seconds old) and at its end: medians of five looks each."""
        found = []
        for pid in sorted({row[1] for row in self.processes}):
            rows = [r for r in self.processes if r[1] == pid]
            inside = [r for r in rows if max(since, rows[0][0] + warm) <= r[0] <= until]
            if len(inside) >= 10 and inside[-1][0] >= until - 3:
                found.append(Growth(pid, pid == self.parent, *(
                    tuple(int(statistics.median(r[i] for r in part))
                          for part in (inside[:5], inside[-5:])) for i in (2, 3, 4))))
        return found

    def course(self, pid, since, until, points=5):
        """The anonymous memory of a process in the course of that time: does it go on growing?"""
        rows = [r for r in self.processes if r[1] == pid and since <= r[0] <= until]
        return [rows[int(i * (len(rows) - 1) / (points - 1))][3] for i in range(points)] if rows else []
