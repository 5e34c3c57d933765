# SPDX-License-Identifier: Apache-2.0
"""Kill -9 of samlcertctl before each of its steps on disk, and a disk that is full at any of them:
afterwards the old state or the new."""

import shutil

import pytest

from harness.kept import Kept, Killer

MAX_STEPS = 400


@pytest.fixture(scope="session")
def killer(workspace):
    return Killer(workspace)


class Stage:
    """A trust directory that can be set back, and the generation to go back to."""

    def __init__(self, trust, signers, directories):
        self.trust = trust
        self.kept = Kept(trust, directories())
        self.saved = directories()
        trust.certificate("test", "alternate", signers["ec"])
        trust.write("idp/old/idp.conf", "EntityID https://old.example\n")
        trust.write("idp/old/primary.pem", signers["big"].pem)
        trust.sp_key("next")
        self.kept.keep()
        self.new = self.contents()
        trust.certificate("test", "alternate", signers["big"])
        trust.certificate("test", "staged", signers["ec"])
        for name in ("idp/old/idp.conf", "idp/old/primary.pem", "sp/default/next.key", "sp/default/next.crt"):
            trust.remove(name)
        trust.path("idp/old").rmdir()
        trust.write("idp/more/idp.conf", "EntityID https://more.example\nStatus inactive\n")
        trust.write("idp/more/primary.pem", signers["ec"].pem)
        self.kept.keep()
        self.old = self.contents()
        self.save()

    def contents(self):
        """Files and directories, but for what begins with a dot."""
        return {p.relative_to(self.trust.root): p.read_bytes() if p.is_file() else None
                for p in self.trust.root.rglob("*") if "/." not in f"/{p.relative_to(self.trust.root)}"}

    def save(self):
        shutil.rmtree(self.saved, ignore_errors=True)
        shutil.copytree(self.trust.root, self.saved, symlinks=True)

    def set_back(self):
        shutil.rmtree(self.trust.root)
        shutil.copytree(self.saved, self.trust.root, symlinks=True)

    def rollback(self):
        return ("--trust", self.trust.root, "--state", self.kept.state, "rollback", "1", "--yes", "--force")

    def state(self):
        """What the server would make of it: "old", "new", or "refused" (it keeps the old one)."""
        if self.trust.path(".journal").exists():
            return "refused"
        now = self.contents()
        assert now in (self.old, self.new), now.keys()
        return "old" if now == self.old else "new"

    def assert_whole(self, state):
        """What is refused can be carried out, and all else is as if nothing had been cut short."""
        if state == "refused":
            answer = self.kept.ctl("recover")
            assert answer.code == 0 and self.state() == "new", answer
            assert self.leftovers() == []

    def leftovers(self):
        return [p.name for p in self.trust.root.iterdir()
                if p.name.startswith(".") and p.name not in (".lock", ".history")]

    def interrupt(self, killer):
        """Killed right behind the point from which the change counts."""
        low, high = 1, MAX_STEPS    # old before, refused or new behind
        while low < high:
            middle = (low + high) // 2
            self.set_back()
            killer(middle, *self.rollback())
            low, high = (middle + 1, high) if self.state() == "old" else (low, middle)
        self.set_back()
        assert killer(low, *self.rollback()) is None
        assert self.state() == "refused"
        for command in ("list", "lint"):
            answer = self.kept.ctl(command) if command == "lint" else self.kept.list()
            assert answer.code == 2 and "interrupted" in answer.out + answer.err, answer
            assert f"samlcertctl --trust {self.trust.root} recover" in answer.out + answer.err, answer


@pytest.fixture
def stage(trust, signers, directories):
    return Stage(trust, signers, directories)


def kill_everywhere(stage, killer, *command):
    """The states behind a kill before each step, in order."""
    seen = []
    for n in range(1, MAX_STEPS):
        stage.set_back()
        answer = killer(n, *command)
        seen.append(stage.state())
        stage.assert_whole(seen[-1])
        if answer:
            assert answer.code == 0, answer
            return seen
    raise AssertionError("it never ends")


def test_a_rollback_that_is_killed(stage, killer):
    seen = kill_everywhere(stage, killer, *stage.rollback())
    # the old one up to the journal, then refused until all is done, then the new one
    assert seen == sorted(seen, key=["old", "refused", "new"].index), seen
    assert seen.count("old") > 30 and seen.count("refused") > 10 and seen.count("new") > 1, seen
    assert stage.kept.ctl("recover").code == 0 and stage.leftovers() == []


def test_a_recovery_that_is_killed(stage, killer):
    stage.interrupt(killer)
    stage.save()
    seen = kill_everywhere(stage, killer, "--trust", stage.trust.root, "recover")
    assert seen == sorted(seen, key=["refused", "new"].index), seen
    assert seen.count("refused") > 10


def test_the_next_command_recovers(stage, killer):
    stage.interrupt(killer)
    answer = stage.kept.ctl("rollback", "2", "--dry-run")
    assert answer.code == 0 and "interrupted" in answer.err, answer
    assert stage.state() == "new" and stage.kept.list().code == 0


def test_a_disk_that_is_full(stage, killer):
    """At any single step: what is answered is true, and nothing is half."""
    clean = killer(MAX_STEPS, *stage.rollback(), how="FULL_AT")
    assert clean.code == 0 and stage.state() == "new", clean
    seen = []
    for n in range(1, MAX_STEPS):
        stage.set_back()
        answer = killer(n, *stage.rollback(), how="FULL_AT")
        state = stage.state()
        seen.append(answer.code)
        assert (answer.code == 0) == (state == "new"), (n, state, answer)
        assert answer.code == 0 or "samlcertctl: " in answer.err, (n, answer)
        stage.assert_whole(state)
        if seen[-20:] == [0] * 20 and n > 60:
            break
    assert seen.count(2) > 30, seen
