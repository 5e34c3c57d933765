# SPDX-License-Identifier: Apache-2.0
"""A trust directory as an administrator would keep one: every file complete, then renamed."""

import atexit
import functools
import os
import pathlib
import shutil
import tempfile

from . import certs
from .tools import SERVER_USER, write_atomically


@functools.lru_cache(maxsize=None)
def own_key(slot):
    """One pair for each slot and for all tests: making RSA keys is the slowest thing they would do."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="samlcert-key-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return certs.make(directory / "key", directory / "crt", f"Test SP {slot}")


class Trust:
    def __init__(self, root):
        self.root = pathlib.Path(root)
        self.root.mkdir()
        self._own(self.root, 0o755)
        self._baseline = None

    def _own(self, path, mode):
        path.chmod(mode)
        if os.geteuid() == 0:
            shutil.chown(path, "root", SERVER_USER)

    def path(self, name):
        return self.root / name

    def write(self, name, content, mode=0o644):
        path = self.root / name
        for directory in reversed(path.relative_to(self.root).parents):
            directory = self.root / directory
            if not directory.exists():
                directory.mkdir()
                self._own(directory, 0o755)
        write_atomically(path, content, mode, SERVER_USER)
        return path

    def remove(self, name):
        (self.root / name).unlink()

    def idp(self, name, *settings):
        """idp/NAME/idp.conf from "Setting value" lines."""
        return self.write(f"idp/{name}/idp.conf", "".join(f"{s}\n" for s in settings))

    def certificate(self, idp, slot, signer):
        return self.write(f"idp/{idp}/{slot}.pem", signer.pem)

    def sp_key(self, slot="active", set_name="default", key=None, passphrase=None, mode=0o640):
        """A key pair of our own: the key is for the server's group only. `key` is whose it is."""
        signer = own_key(key or slot)
        content = certs.encrypted(signer.key, passphrase) if passphrase else signer.key.read_text()
        self.write(f"sp/{set_name}/{slot}.crt", signer.pem)
        self.write(f"sp/{set_name}/{slot}.key", content, mode)
        return certs.Signer(self.root / f"sp/{set_name}/{slot}.key", self.root / f"sp/{set_name}/{slot}.crt")

    # A shared directory goes back to where it was after each test.

    def keep(self):
        """Call this the baseline."""
        self._baseline = self._contents()

    def _contents(self):
        return {p.relative_to(self.root): (p.read_bytes(), p.stat().st_mode & 0o777)
                for p in self.root.rglob("*") if p.is_file() and p.name != ".lock"}

    def restore(self):
        """Back to the baseline; files that are as they were stay untouched."""
        self._own(self.root, 0o755)
        now = self._contents()
        for name, (content, mode) in self._baseline.items():
            if now.get(name) != (content, mode):
                self.write(str(name), content, mode)
        for name in now.keys() - self._baseline.keys():
            (self.root / name).unlink()
        for directory in sorted(self.root.rglob("*"), reverse=True):
            kept = any(directory.relative_to(self.root) in n.parents for n in self._baseline)
            if directory.is_dir() and not kept:
                directory.rmdir()
        return now != self._baseline
