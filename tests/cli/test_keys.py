# SPDX-License-Identifier: Apache-2.0
"""samlcertctl and our own private keys: passphrases, and who can read what."""

import os
import pty
import shutil
import subprocess

import pytest

from harness import certs
from harness.ctl import ctl
from harness.tools import SERVER_USER, ctl_path, require_all
from harness.trust import own_key

PASSPHRASE = "correct horse battery staple"
needs_root = pytest.mark.skipif(os.geteuid() != 0 and not require_all(), reason="changes owners")


@pytest.fixture
def encrypted(trust):
    trust.sp_key(passphrase=PASSPHRASE)
    return trust


def passphrase_file(trust, text):
    path = trust.root.parent / "passphrase"
    path.write_text(text)
    return path


@pytest.mark.parametrize("command", ["lint", "list"])
def test_a_passphrase_from_a_file(encrypted, command):
    path = passphrase_file(encrypted, f"{PASSPHRASE}\nmore\n")
    answer = ctl("--trust", encrypted.root, "--passphrase-file", path, command)
    assert answer.code == 0, answer
    path.write_text("wrong\n")
    answer = ctl("--trust", encrypted.root, "--passphrase-file", path, command)
    assert answer.code == 2, answer
    assert "active.key" in answer.out + answer.err and "passphrase" in answer.out + answer.err


def test_no_passphrase_and_no_terminal(encrypted):
    answer = ctl("--trust", encrypted.root, "lint", input="")
    assert answer.code == 2
    assert "active.key" in answer.out and "--passphrase-file" in answer.out


@pytest.mark.parametrize("text", ["", "\n", "x" * 1025])
def test_a_passphrase_file_that_is_wrong(encrypted, text):
    answer = ctl("--trust", encrypted.root, "--passphrase-file", passphrase_file(encrypted, text), "lint")
    assert answer.code == 2 and "first line" in answer.out
    answer = ctl("--trust", encrypted.root, "--passphrase-file", "/nonexistent/file", "lint")
    assert answer.code == 2 and "/nonexistent/file" in answer.out


def at_terminal(trust, answer):
    """Runs lint with a terminal of its own; exit code, and what was to be seen there."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(ctl_path(), [str(ctl_path()), "--trust", str(trust.root), "lint"])
    seen = b""
    try:
        while not seen.endswith(b": "):
            seen += os.read(terminal, 1000)
        os.write(terminal, f"{answer}\n".encode())
        while True:
            seen += os.read(terminal, 1000)
    except OSError:
        pass
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode()


def test_a_terminal_is_asked_and_shows_nothing(encrypted):
    code, seen = at_terminal(encrypted, PASSPHRASE)
    assert code == 0, seen
    assert "Passphrase of" in seen and "active.key" in seen and PASSPHRASE not in seen
    code, seen = at_terminal(encrypted, "wrong")
    assert code == 2 and "wrong" not in seen


def test_a_key_that_is_not_encrypted_asks_nobody(trust):
    done = subprocess.run([ctl_path(), "--trust", trust.root, "lint"], timeout=20, check=False,
                          stdin=subprocess.DEVNULL, capture_output=True)
    assert done.returncode == 0


@needs_root
def test_lint_says_what_the_server_cannot_read(trust):
    path = trust.path("sp/default/active.key")
    answer = ctl("--trust", trust.root, "lint", "--user", SERVER_USER)
    assert answer.code == 0, answer
    path.chmod(0o600)
    assert ctl("--trust", trust.root, "lint").code == 0
    answer = ctl("--trust", trust.root, "lint", "--user", SERVER_USER)
    assert answer.code == 1 and str(path) in answer.out and "SamlCertKeyBroker" in answer.out
    shutil.chown(path, SERVER_USER)
    assert ctl("--trust", trust.root, "lint", "--user", SERVER_USER).code == 0
    path.chmod(0o040)
    assert ctl("--trust", trust.root, "lint", "--user", SERVER_USER).code == 1


def test_lint_for_a_user_that_is_not_there(trust):
    answer = ctl("--trust", trust.root, "lint", "--user", "no-such-user")
    assert answer.code == 2 and "no-such-user" in answer.out


def test_a_key_that_everybody_can_read(trust):
    trust.path("sp/default/active.key").chmod(0o644)
    answer = ctl("--trust", trust.root, "lint")
    assert answer.code == 1 and "everybody can read this private key" in answer.out
    trust.path("sp/default/active.key").chmod(0o640)
    assert ctl("--trust", trust.root, "lint").code == 0


def test_two_keys_in_one_file(trust):
    trust.write("sp/default/active.key", own_key("active").key.read_text() * 2, 0o640)
    answer = ctl("--trust", trust.root, "lint")
    assert answer.code == 2 and "more than one private key" in answer.out


def test_a_weak_key(trust):
    weak = certs.make(trust.root.parent / "k", trust.root.parent / "c", "Weak", "rsa:1024")
    trust.write("sp/default/active.key", weak.key.read_text(), 0o640)
    trust.write("sp/default/active.crt", weak.pem)
    answer = ctl("--trust", trust.root, "lint")
    assert answer.code == 1 and "our own key has 1024 bits" in answer.out
