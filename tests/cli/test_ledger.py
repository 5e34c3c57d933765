# SPDX-License-Identifier: Apache-2.0
"""samlcertctl ledger and list --state on a ledger that the test writes, record by record."""

import hashlib
import re
import struct

import pytest

from harness import certs
from harness.ctl import ctl

FORMAT, CAPACITY = 0x73616D6C6C646701, 65536
FIRST, LAST = 1782864000, 1782867600
FIRST_TEXT, LAST_TEXT = "2026-07-01T00:00:00Z", "2026-07-01T01:00:00Z"


class Ledger:
    """STATE/ledger: a head of 128 bytes and as many records of 128 bytes as there is room for."""

    def __init__(self, state):
        self.path = state / "ledger"
        self.state = state
        self.bytes = bytearray(128 + 128 * CAPACITY)
        struct.pack_into("=2Q", self.bytes, 0, FORMAT, CAPACITY)

    def count(self, entity_id, sha256, count, kind=1):
        text = entity_id.encode()
        idp = hashlib.sha256(struct.pack(">Q", len(text)) + text).digest()
        digest = bytes.fromhex(sha256)
        tag = struct.unpack("=Q", idp[:8])[0] ^ struct.unpack("=Q", digest[:8])[0] ^ kind
        at = 128 + 128 * (tag % CAPACITY)
        struct.pack_into("=2Q32s32s3Q", self.bytes, at, tag, kind, idp, digest,
                         FIRST * 1000000, LAST * 1000000, count)

    def uncounted(self, count):
        struct.pack_into("=Q", self.bytes, 16, count)

    def write(self):
        self.path.write_bytes(self.bytes)


@pytest.fixture
def ledger(directories):
    state = directories()
    state.mkdir(mode=0o700)
    return Ledger(state)


def called(trust, ledger, *arguments):
    answer = ctl("--trust", trust.root, "--state", ledger.state, *arguments)
    assert answer.code == 0, answer
    return answer


def row(text, mark):
    line, = [x for x in text.splitlines() if mark[:16] in x]
    return line


def test_used_and_never_used(trust, ledger, running_idp):
    trust.certificate("test", "retired", running_idp.key("k2"))
    k1, k2 = (certs.fingerprint(running_idp.key(k).certificate) for k in ("k1", "k2"))
    ledger.count(running_idp.entity_id, k2, 41)
    ledger.write()
    for command in ("ledger", "list"):
        found = called(trust, ledger, "--json", command).json["idps"][0]["certificates"]
        seen = {c["sha256"]: (c["slot"], c["first_use"], c["last_use"], c["count"]) for c in found}
        assert seen == {k1: ("primary", None, None, 0), k2: ("retired", FIRST_TEXT, LAST_TEXT, 41)}
        text = called(trust, ledger, command).out
        assert re.search(r"41 logins\b", row(text, k2)) and LAST_TEXT in row(text, k2)
        assert "never" in row(text, k1) and "logins" not in row(text, k1)
    assert FIRST_TEXT in row(called(trust, ledger, "ledger").out, k2)


def test_without_a_state_directory_the_list_knows_no_uses(trust):
    found, = ctl("--trust", trust.root, "--json", "list").json["idps"][0]["certificates"]
    assert (found["first_use"], found["last_use"], found["count"]) == (None, None, None)
    assert "used" not in ctl("--trust", trust.root, "list").out
    answer = ctl("--trust", trust.root, "ledger")
    assert answer.code == 2 and "--state" in answer.err


def test_what_is_configured_no_longer(trust, ledger, running_idp):
    old, key, gone = "ab" * 32, "cd" * 32, "ef" * 32
    ledger.count(running_idp.entity_id, old, 7)
    ledger.count(running_idp.entity_id, key, 1, kind=2)
    ledger.count("https://gone.example/", gone, 3)
    ledger.uncounted(5)
    ledger.write()
    report = called(trust, ledger, "--json", "ledger").json
    use = {"first_use": FIRST_TEXT, "last_use": LAST_TEXT}
    others = sorted(report["idps"][0]["others"], key=lambda o: o["count"])
    assert others == [{"sha256": None, "spki_sha256": key, "count": 1, **use},
                      {"sha256": old, "spki_sha256": None, "count": 7, **use}]
    assert report["others"] == [{"sha256": gone, "spki_sha256": None, "count": 3, **use}]
    assert report["uncounted"] == 5
    text = called(trust, ledger, "ledger").out
    assert "7 logins" in row(text, old) and "bare key" in row(text, key)
    assert text.index("not configured") < text.index(gone[:16]) < text.index("5 logins")


def test_pins(trust, ledger, running_idp):
    pin, sha1 = "ab" * 32, "cd" * 20
    trust.idp("test", f"EntityID {running_idp.entity_id}",
              f"SignCerts CERT_VALIDATION:IGNORE_TRUST,{pin},{sha1}")
    ledger.count(running_idp.entity_id, pin, 2)
    ledger.write()
    report = called(trust, ledger, "--json", "ledger").json["idps"][0]
    assert {p["digest"]: p["count"] for p in report["pins"]} == {pin: 2, sha1: None}
    assert report["others"] == []
    assert "2 logins" in row(called(trust, ledger, "ledger").out, pin)
    text = called(trust, ledger, "list").out
    assert "2 logins" in row(text, pin) and "not known" in row(text, sha1)


@pytest.mark.parametrize("command", ["ledger", "list"])
@pytest.mark.parametrize("spoil", [
    lambda path: path.unlink(),
    lambda path: path.write_text("hello\n"),
    lambda path: path.write_bytes(path.read_bytes()[:-1]),
    lambda path: path.rename(path.with_name("other")) and path.symlink_to("other"),
], ids=["none", "text", "short", "link"])
def test_what_is_no_ledger(trust, ledger, command, spoil):
    ledger.write()
    called(trust, ledger, command)
    spoil(ledger.path)
    answer = ctl("--trust", trust.root, "--state", ledger.state, command)
    if command == "list":    # what is configured can be told all the same
        assert answer.code == 0 and "logins" not in answer.out and "primary" in answer.out
    else:
        assert answer.code == 2 and answer.out == ""
    # A list before any server was there is nothing to complain of.
    assert (str(ledger.path) in answer.err) == (command == "ledger" or ledger.path.exists())
