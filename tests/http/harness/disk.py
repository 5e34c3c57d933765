# SPDX-License-Identifier: Apache-2.0
"""Disks of a test's own, small enough to fill and there to be broken. For root alone."""

import errno
import os
import pathlib
import re
import shutil

import pytest

from .tools import SERVER_USER, require_all, run


def _cannot(why):
    """Where mounting is not allowed the test is skipped, unless it must run and could."""
    if require_all() and os.geteuid() == 0:
        pytest.fail(why)
    pytest.skip(why)


class Disk:
    """Mounted at `path`, which belongs to the server's user."""

    def __init__(self, path):
        self.path = pathlib.Path(path)

    def _mount(self, *arguments):
        if os.geteuid() != 0:
            _cannot("only root can mount")
        done = run("mount", *arguments, self.path, check=False)
        if done.returncode != 0:
            _cannot(f"mount: {done.stderr}")
        shutil.chown(self.path, SERVER_USER, SERVER_USER)
        self.path.chmod(0o700)

    def fill(self):
        """Not a byte is left."""
        with open(self.path / "filler", "ab", buffering=0) as file:
            size = 65536
            while size:
                try:
                    if file.write(b"\0" * size) < size:
                        size //= 2
                except OSError as e:
                    assert e.errno == errno.ENOSPC, e
                    size //= 2
            os.fsync(file.fileno())

    def free(self):
        (self.path / "filler").unlink()

    def remount(self, how):
        """"ro" or "rw"; "ro" needs that nobody has a file open for writing."""
        run("mount", "-o", f"remount,{how}", self.path)

    def gone(self):
        run("umount", "-l", self.path, check=False)


class MemoryDisk(Disk):
    def __init__(self, path, size="4m"):
        super().__init__(path)
        self._mount("-t", "tmpfs", "-o", f"size={size}", "tmpfs")


class FileDisk(Disk):
    """ext4 in a file, which the kernel makes read-only when it finds the disk broken."""

    def __init__(self, path, image, size=32 * 1024 * 1024):
        super().__init__(path)
        self.image = pathlib.Path(image)
        with open(self.image, "wb") as file:
            file.truncate(size)
        run("mkfs.ext4", "-q", "-m", "0", self.image)
        self.mount()

    def mount(self):
        self._mount("-o", "loop,errors=remount-ro", self.image)
        text = pathlib.Path("/proc/mounts").read_text()
        self.device = re.search(rf"^/dev/(\S+) {self.path} ", text, re.M)[1]

    def fail(self):
        """What the kernel does about a disk that answers nonsense; open files stay open."""
        os.sync()
        pathlib.Path(f"/sys/fs/ext4/{self.device}/trigger_fs_error").write_text("a test")

    def repair(self):
        """Another disk with the same content, so to speak. Nobody may have it open."""
        run("umount", self.path)
        assert run("e2fsck", "-p", "-f", self.image, check=False).returncode <= 1
        self.mount()
