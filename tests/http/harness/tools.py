# SPDX-License-Identifier: Apache-2.0
"""Small things that every piece of the harness needs: paths, commands, ports, waiting."""

import functools
import os
import pathlib
import shutil
import socket
import subprocess
import time

REPO = pathlib.Path(__file__).resolve().parents[3]
SERVER_USER = "www-data"


def build_dir():
    """Where configure and make ran. A test that needs the module fails without it."""
    path = os.environ.get("SAMLCERT_BUILD")
    assert path, "SAMLCERT_BUILD must name the build directory"
    return pathlib.Path(path).resolve()


def module_path():
    path = build_dir() / "mod_samlcert" / ".libs" / "mod_samlcert.so"
    assert path.is_file(), f"{path} is missing: build first"
    return path


def ctl_path():
    path = build_dir() / "mod_samlcert" / "samlcertctl"
    assert path.is_file(), f"{path} is missing: build first"
    return path


def require_all():
    """In CI a test that cannot run is a failure, not a skip."""
    return os.environ.get("CI") == "true" or os.environ.get("SAMLCERT_REQUIRE_ALL") == "1"


def run(*command, timeout=30, check=True, input=None, **kwargs):
    """Run a command; stdout and stderr come back as text. Never without a time limit."""
    done = subprocess.run([str(c) for c in command], input=input, capture_output=True,
                          timeout=timeout, text=not isinstance(input, bytes), **kwargs)
    if check and done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: exit {done.returncode}\n"
                             f"{done.stdout}{done.stderr}")
    return done


@functools.lru_cache(maxsize=None)
def apxs(variable):
    return run("apxs", "-q", variable).stdout.strip()


def httpd_binary():
    return pathlib.Path(apxs("SBINDIR")) / apxs("PROGNAME")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def eventually(check, timeout=10.0, every=0.05, what="condition"):
    """Call check until it returns something true, and return that."""
    end = time.monotonic() + timeout
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {timeout} s (last value {value!r})")
        time.sleep(every)


def write_atomically(path, content, mode=0o644, group=None):
    """Replace a file the way the documentation asks for: complete, then renamed."""
    new = path.with_name(f".{path.name}.new")
    new.write_bytes(content if isinstance(content, bytes) else content.encode())
    new.chmod(mode)
    if group and os.geteuid() == 0:
        shutil.chown(new, group=group)
    new.rename(path)
