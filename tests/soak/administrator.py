# SPDX-License-Identifier: Apache-2.0
"""An administrator who rotates certificates and keys in every way that administrators have, and the
journal of it: what was trusted when, and what the trust directory held after each single step."""

import contextlib
import dataclasses
import fcntl
import os
import pathlib
import shutil
import tempfile
import time

from harness.ctl import ctl
from harness.tools import SERVER_USER, write_atomically


@dataclasses.dataclass
class Span:
    """When something was trusted: from some time of the first change to some time of the last."""
    subject: tuple
    added: float                   # the change that adds it began
    usable: float                  # ... and was complete
    leaving: float = float("inf")  # the change that takes it away began
    gone: float = float("inf")     # ... and was complete


class Journal:
    def __init__(self):
        self.spans = []
        self.contents = {}         # the trust directory after a step: when -> {name: bytes}

    def verdict(self, subject, began, ended):
        """True: trusted all the time, False: not trusted at any time, None: it changed meanwhile."""
        spans = [s for s in self.spans if s.subject == subject]
        if any(s.usable <= began and ended <= s.leaving for s in spans):
            return True
        if all(ended < s.added or s.gone <= began for s in spans):
            return False
        return None


class Administrator:
    """Changes of the trust directory. Each is complete when the call returns."""

    def __init__(self, trust, journal):
        self.root = trust.root
        self.trust = trust
        self.journal = journal
        self.step_taken()

    # Steps

    def step_taken(self):
        """Remember what is there now; a generation may be made of just this."""
        self.journal.contents[time.monotonic()] = {
            str(p.relative_to(self.root)): p.read_bytes()
            for p in self.root.rglob("*")
            if p.is_file() and not any(part.startswith(".") for part in p.relative_to(self.root).parts)}

    @contextlib.contextmanager
    def lock(self, held=True):
        """The lock of the trust directory, as a tool takes it."""
        if not held:
            yield
            return
        with open(self.root / ".lock", "a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def write(self, name, text, mode=0o644):
        write_atomically(self.root / name, text, mode, SERVER_USER)
        self.step_taken()

    def edit(self, name, text):
        """In place, and slowly: what is there in the meantime is half a file."""
        data = text.encode()
        with open(self.root / name, "r+b", buffering=0) as file:
            file.truncate(0)
            file.write(data[:len(data) // 2])
            time.sleep(0.01)
            file.write(data[len(data) // 2:])
        self.step_taken()

    def move(self, name, to):
        (self.root / name).rename(self.root / to)
        self.step_taken()

    def remove(self, name):
        (self.root / name).unlink(missing_ok=True)
        self.step_taken()

    # What is trusted

    @contextlib.contextmanager
    def adds(self, *subject):
        began = time.monotonic()
        yield
        self.journal.spans.append(Span(subject, began, time.monotonic()))

    @contextlib.contextmanager
    def takes(self, *subject):
        span = next(s for s in self.journal.spans if s.subject == subject and s.gone == float("inf"))
        span.leaving = time.monotonic()
        yield
        span.gone = time.monotonic()


class PlainIdp:
    """Files of the IdP's directory, one by one. `new` and `old` are pairs."""

    def __init__(self, admin, name, first):
        self.admin, self.name = admin, name
        with admin.adds(name, first.sha256):
            admin.write(f"idp/{name}/primary.pem", first.pem)

    def _at(self, slot):
        return f"idp/{self.name}/{slot}.pem"

    def stage(self, new, way):
        slot = ("staged", "alternate", "alternate-next")[way % 3]
        with self.admin.adds(self.name, new.sha256):
            self.admin.write(self._at(slot), new.pem)
        self.staged_in = slot

    def promote(self, new, old, way):
        admin, staged = self.admin, self._at(self.staged_in)
        spare = self._at("alternate-old")
        with admin.lock(way % 2 == 0):
            if way % 3 == 0:         # both are there all the time
                admin.write(spare, old.pem)
                admin.move(staged, self._at("primary"))
            elif way % 3 == 1:
                admin.write(spare, old.pem)
                admin.edit(self._at("primary"), new.pem)
                admin.remove(staged)
            else:                    # for a moment there is no primary
                admin.move(self._at("primary"), spare)
                admin.move(staged, self._at("primary"))

    def retire(self, old, way):
        admin, spare = self.admin, self._at("alternate-old")
        with admin.takes(self.name, old.sha256), admin.lock(way % 2 == 1):
            if way % 3 == 0:
                admin.remove(spare)
            elif way % 3 == 1:
                admin.move(spare, self._at("retired"))
            else:
                admin.write(self._at("retired"), old.pem)
                admin.remove(spare)


class MountedIdp:
    """The IdP's files as an orchestrator mounts them: links through `..data`, which is flipped."""

    def __init__(self, admin, name, first):
        self.admin, self.name = admin, name
        self.dir = admin.root / "idp" / name
        self.version = 0
        self.files = {"idp.conf": (self.dir / "idp.conf").read_text()}
        (self.dir / "idp.conf").unlink()
        with admin.adds(name, first.sha256):
            self._flip(**{"primary.pem": first.pem})

    def _flip(self, **changes):
        """New version, links, then the flip; names that are gone lose their link at the end."""
        self.files.update(changes)
        self.files = {n: text for n, text in self.files.items() if text is not None}
        self.version += 1
        data = self.dir / f"..v{self.version}"
        data.mkdir(0o755)
        for name, text in self.files.items():
            (data / name).write_text(text)
        link = self.dir / "..data_new"
        link.symlink_to(data.name)
        link.rename(self.dir / "..data")
        time.sleep(0.02)           # whoever looks now finds names that don't fit to the version
        for name in self.files:
            if not (self.dir / name).is_symlink():
                (self.dir / name).symlink_to(f"..data/{name}")
        for path in self.dir.iterdir():
            if path.is_symlink() and not path.exists():
                path.unlink()
        self.admin.step_taken()
        shutil.rmtree(self.dir / f"..v{self.version - 1}", ignore_errors=True)

    def stage(self, new, _way):
        with self.admin.adds(self.name, new.sha256):
            self._flip(**{"staged.pem": new.pem})

    def promote(self, new, old, _way):
        self._flip(**{"primary.pem": new.pem, "staged.pem": None, "alternate.pem": old.pem})

    def retire(self, old, way):
        with self.admin.takes(self.name, old.sha256):
            self._flip(**{"alternate.pem": None, "retired.pem": old.pem if way % 2 else None})


class OwnKeys:
    """Our own key set: next, active, retiring, gone."""

    def __init__(self, admin, first):
        self.admin = admin
        self.retiring = None
        self.active, self.next = first, None
        with admin.adds("own", first.body):
            with admin.lock():
                self._put("active", first)

    def _put(self, role, pair, key_first=True):
        steps = [lambda: self.admin.write(f"sp/default/{role}.key", pair.key_pem, 0o640),
                 lambda: self.admin.write(f"sp/default/{role}.crt", pair.pem)]
        for step in steps if key_first else reversed(steps):
            step()

    def publish(self, pair, way):
        with self.admin.adds("own", pair.body), self.admin.lock(way % 2 == 0):
            self._put("next", pair, key_first=way % 3 != 0)
        self.next = pair

    def promote(self, way):
        """Where no lock is held the set does not fit together for a moment, and is not taken."""
        with self.admin.lock(way % 3 != 2):
            for end in ("key", "crt"):
                self.admin.move(f"sp/default/active.{end}", f"sp/default/retiring.{end}")
            for end in ("key", "crt"):
                self.admin.move(f"sp/default/next.{end}", f"sp/default/active.{end}")
        self.retiring, self.active, self.next = self.active, self.next, None

    def drop(self, way):
        if self.retiring:
            with self.admin.takes("own", self.retiring.body), self.admin.lock(way % 2 == 1):
                for end in ("key", "crt"):
                    self.admin.remove(f"sp/default/retiring.{end}")
            self.retiring = None


def half_a_pem(admin, pair, idp="plain"):
    admin.write(f"idp/{idp}/alternate-broken.pem", pair.pem[:200])
    return lambda: admin.remove(f"idp/{idp}/alternate-broken.pem")


def key_without_certificate(admin, pair):
    admin.write("sp/other/active.key", pair.key_pem, 0o640)
    return lambda: admin.remove("sp/other/active.key")


def bad_settings(admin, _pair):
    path = admin.root / "idp/plain/idp.conf"
    text = path.read_text()
    admin.write("idp/plain/idp.conf", text + "NoSuchSetting on\n")
    return lambda: admin.write("idp/plain/idp.conf", text)


def unreadable(admin, pair):
    admin.write("idp/plain/alternate-broken.pem", pair.pem, 0o600)
    os.chown(admin.root / "idp/plain/alternate-broken.pem", 0, 0)
    return lambda: admin.remove("idp/plain/alternate-broken.pem")


# Who is not root can't make a file that the server's user can't read, if that is the same.
BREAKS = (half_a_pem, key_without_certificate, bad_settings) \
    + ((unreadable,) if os.geteuid() == 0 else ())


def generation_of(contents):
    """What samlcertctl makes of a trust directory with these files: (hash, {(idp, sha256): slot})."""
    with tempfile.TemporaryDirectory() as directory:
        for name, data in contents.items():
            path = pathlib.Path(directory, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return listed(directory)


def listed(root):
    answer = ctl("--trust", root, "--json", "list")
    if answer.code != 0:
        return None, {}
    slots = {(idp["name"], c["sha256"]): c["slot"]
             for idp in answer.json["idps"] for c in idp["certificates"]}
    return answer.json["generation_hash"], slots
