# SPDX-License-Identifier: Apache-2.0
"""Generations as the server keeps them, made without a server; and commands that are cut short."""

import os
import pathlib
import shutil
import signal
import subprocess

from .ctl import Answer, ctl
from .tools import ctl_path, run

HERE = pathlib.Path(__file__).resolve().parent


class Kept:
    """A state directory with generations of one trust directory."""

    def __init__(self, trust, root):
        self.trust = trust
        self.state = pathlib.Path(root)
        self.dir = self.state / "generations"
        self.dir.mkdir(parents=True, mode=0o700)
        self.numbers = 0

    def list(self):
        return ctl("--trust", self.trust.root, "list", "--json")

    def digest(self):
        """Of what the trust directory holds."""
        return self.list().json["generation_hash"]

    def keep(self, *lines):
        """Keeps what the trust directory holds, as the current one. Its digest."""
        digest = self.digest()
        self.numbers += 1
        copy = self.dir / digest
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.trust.root, f"{copy}/files{self.trust.root}",
                        ignore=shutil.ignore_patterns(".*"))
        about = [f"digest {digest}", f"number {self.numbers}",
                 f"accepted 2026-01-01T00:00:{self.numbers:02}Z", f"trust-dir {self.trust.root}", *lines]
        (copy / "about").write_text("".join(f"{line}\n" for line in about))
        current = self.dir / "current"
        current.unlink(missing_ok=True)
        current.symlink_to(digest)
        return digest

    def ctl(self, *arguments, **kwargs):
        return ctl("--trust", self.trust.root, "--state", self.state, *arguments, **kwargs)


class Killer:
    """Runs samlcertctl and kills it before its n-th step on disk, or lets that step fail."""

    def __init__(self, directory):
        self.library = pathlib.Path(directory) / "kill_at.so"
        run(os.environ.get("CC", "cc"), "-shared", "-fPIC", "-O1", "-o", self.library, HERE / "kill_at.c", "-ldl")

    def __call__(self, n, *arguments, how="KILL_AT"):
        """The answer; None if it was killed."""
        preload = os.environ.get("LD_PRELOAD", "")
        environment = dict(os.environ, LD_PRELOAD=f"{self.library} {preload}".strip())
        environment[how] = str(n)
        environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        done = subprocess.run([str(ctl_path()), *map(str, arguments)], env=environment, text=True,
                              capture_output=True, timeout=30, stdin=subprocess.DEVNULL)
        return None if done.returncode == -signal.SIGKILL else Answer(done)
