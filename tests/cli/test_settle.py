# SPDX-License-Identifier: Apache-2.0
"""samlcertctl schedule and settle: moves are written down, shown, and written back."""

import os
import shutil

import pytest

from harness import certs
from harness.ctl import ctl
from harness.trust import own_key

BEFORE, T1, BETWEEN, T2, AFTER = (f"2099-01-01T00:00:{s}Z" for s in ("05", "10", "15", "20", "25"))


@pytest.fixture
def moving(trust, idp, signers):
    """primary k1, staged ec, alternate-x rsa; and a state directory for the overlay."""
    trust.certificate("test", "staged", signers["ec"])
    trust.certificate("test", "alternate-x", signers["rsa"])
    trust.state = trust.root.parent / (trust.root.name + "-state")
    trust.state.mkdir()
    yield trust
    shutil.rmtree(trust.state)


@pytest.fixture
def prints(idp, signers):
    return {"k1": certs.fingerprint(idp.key("k1").certificate),
            **{n: certs.fingerprint(signers[n].certificate) for n in ("ec", "rsa")}}


def conf(trust):
    return trust.path("idp/test/idp.conf").read_text()


def configure(trust, *lines):
    trust.idp("test", *conf(trust).splitlines(), *lines)


def command(trust, *arguments, now=BEFORE):
    return ctl("--trust", trust.root, "--state", trust.state, "--now", now, *arguments)


def listed(trust, now=BEFORE):
    answer = command(trust, "--json", "list", now=now)
    assert answer.code == 0, answer
    return answer.json


def slots(trust, now=BEFORE):
    return {c["sha256"]: c["slot"] for i in listed(trust, now)["idps"] for c in i["certificates"]}


def roles(trust, now=BEFORE):
    keyset, = listed(trust, now)["keysets"]
    return {k["sha256"]: k["role"] for k in keyset["keys"]}


def files(trust, under="idp/test"):
    return sorted(p.name for p in trust.path(under).iterdir())


def promote(trust, sha256):
    (trust.state / "overlay").write_text(f"promote test {sha256} 2026-01-01T00:00:00Z\n")


# ---- list


def test_list_shows_what_moved_and_what_will(moving, prints):
    configure(moving, f"ActivateAt staged {T1}", f"RetireAt primary {T2}")
    text = command(moving, "list").out
    assert f"staged.pem: ActivateAt {T1}" in text and f"primary.pem: RetireAt {T2}" in text
    text = command(moving, "list", now=BETWEEN).out
    assert f"primary (staged.pem, since {T1})" in text
    assert f"alternate (primary.pem, since {T1})" in text
    assert "ActivateAt" not in text and f"primary.pem: RetireAt {T2}" in text
    idp, = listed(moving, BETWEEN)["idps"]
    found = {c["sha256"]: c for c in idp["certificates"]}
    assert found[prints["ec"]]["filed"] == "staged" and found[prints["ec"]]["slot"] == "primary"
    assert found[prints["ec"]]["moved"] == {"why": f"ActivateAt {T1}", "at": T1}
    assert found[prints["k1"]]["scheduled"] == [{"move": "RetireAt", "at": T2}]
    assert found[prints["rsa"]]["moved"] is None and found[prints["rsa"]]["scheduled"] == []


def test_the_overlay_is_seen_with_the_state_directory(moving, prints):
    configure(moving, "PromoteOnFirstUse on")
    promote(moving, prints["ec"])
    assert slots(moving) == {prints["ec"]: "primary", prints["k1"]: "alternate", prints["rsa"]: "alternate"}
    without = ctl("--trust", moving.root, "--json", "list").json
    assert without["idps"][0]["certificates"][0]["sha256"] == prints["k1"]


# ---- schedule


def test_schedule(moving, prints):
    moving.write("idp/test/idp.conf", "# ours\n\n" + conf(moving) + "  # the end")
    before = conf(moving)
    path = moving.path("idp/test/idp.conf")
    path.chmod(0o640)
    answer = command(moving, "schedule", "test", "activate", "staged", T1)
    assert answer.code == 0, answer
    assert conf(moving) == before + f"\nActivateAt staged {T1}\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert slots(moving, T1)[prints["ec"]] == "primary"
    answer = command(moving, "schedule", "test", "retire", "primary", "2099-01-01T02:00:20+02:00")
    assert answer.code == 0, answer
    assert conf(moving).endswith(f"ActivateAt staged {T1}\nRetireAt primary {T2}\n")
    assert slots(moving, T2)[prints["k1"]] == "retired"

    answer = command(moving, "schedule", "test", "activate", "staged", BETWEEN)    # another time
    assert answer.code == 0, answer
    assert conf(moving) == before + f"\nActivateAt staged {BETWEEN}\nRetireAt primary {T2}\n"
    text = conf(moving)
    answer = command(moving, "schedule", "test", "activate", "staged", BETWEEN)
    assert answer.code == 0 and "Nothing to do" in answer.out and conf(moving) == text

    answer = command(moving, "--remove", "schedule", "test", "activate", "staged")
    assert answer.code == 0, answer
    assert command(moving, "schedule", "--remove", "test", "retire", "primary").code == 0
    assert conf(moving) == before + "\n"
    assert command(moving, "schedule", "--remove", "test", "retire", "primary").code == 0


def test_schedule_shows_what_it_would_do(moving):
    before = conf(moving)
    answer = command(moving, "schedule", "--dry-run", "--json", "test", "activate", "staged", T1)
    assert answer.code == 0 and conf(moving) == before
    assert answer.json == {"done": False, "steps": [f"idp/test/idp.conf: + ActivateAt staged {T1}"]}


REFUSED = {
    "no such IdP": (["other", "activate", "staged", T1], "there is no such directory"),
    "no such file": (["test", "retire", "alternate-y", T1], "alternate-y.pem: there is no such file"),
    "a slot that none is": (["test", "activate", "roots/x", T1], "no name of a file"),
    "a time that is over": (["test", "activate", "staged", "2020-01-01T00:00:00Z"], "that is over"),
    "no time": (["test", "activate", "staged", "tomorrow"], "2026-12-01T10:00:00Z"),
    "no move": (["test", "promote", "staged", T1], "neither activate nor retire"),
    "too little": (["test", "activate", "staged"], "a time"),
    "the name of another place": (["../sp/default", "activate", "active", T1], "there is no such"),
}


@pytest.mark.parametrize("arguments, words", REFUSED.values(), ids=REFUSED.keys())
def test_schedule_refuses(moving, arguments, words):
    before = conf(moving)
    answer = command(moving, "schedule", *arguments)
    assert answer.code == 2 and words in answer.err, answer
    assert conf(moving) == before


def test_schedule_of_an_idp_in_a_section_says_what_to_write_there(moving):
    moving.remove("idp/test/idp.conf")
    moving.write("idp/test/metadata.xml", f"""<EntityDescriptor
        xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://x.example"><IDPSSODescriptor
        protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><KeyDescriptor>
        <KeyInfo xmlns="http://www.w3.org/2000/09/xmldsig#"><X509Data><X509Certificate>{
        certs.body(own_key("active").certificate)}</X509Certificate></X509Data></KeyInfo>
        </KeyDescriptor></IDPSSODescriptor></EntityDescriptor>""")
    answer = command(moving, "schedule", "test", "activate", "staged", T1)
    assert answer.code == 2, answer
    assert f"<SamlCertIdP test>, put there: SamlCertActivateAt staged {T1}" in answer.err


def test_schedule_does_not_plan_an_outage(moving):
    for slot in ("staged", "alternate-x"):
        moving.remove(f"idp/test/{slot}.pem")
    before = conf(moving)
    answer = command(moving, "schedule", "test", "retire", "primary", T1)
    assert answer.code == 2 and "--force" in answer.err, answer
    assert conf(moving) == before
    assert command(moving, "schedule", "--force", "test", "retire", "primary", T1).code == 0
    assert slots(moving, T1) == {list(slots(moving))[0]: "retired"}


def test_schedule_of_our_own_keys(moving):
    moving.sp_key("next")
    answer = command(moving, "schedule", "--keys", "default", "retire", "active", T2)
    assert answer.code == 2 and "without an active key" in answer.err, answer
    assert command(moving, "schedule", "--keys", "default", "activate", "next", T1).code == 0
    assert command(moving, "schedule", "--keys", "default", "retire", "active", T2).code == 0
    assert moving.path("sp/default/keys.conf").read_text() == \
        f"ActivateAt next {T1}\nRetireAt active {T2}\n"
    new = certs.fingerprint(own_key("next").certificate)
    assert roles(moving, T1)[new] == "active" and roles(moving, T2) == {new: "active"}
    assert command(moving, "schedule", "--keys", "default", "retire", "next", T2).code == 2
    answer = command(moving, "schedule", "--remove", "--keys", "default", "activate", "next")
    assert answer.code == 2 and "without an active key" in answer.err    # RetireAt active needs it


# ---- settle


def settle(trust, *options, now=BEFORE):
    answer = command(trust, "settle", *options, now=now)
    assert answer.code == 0, answer
    return answer


def test_nothing_to_settle(moving):
    configure(moving, f"ActivateAt staged {T1}")
    before = files(moving), conf(moving)
    assert "Nothing to do" in settle(moving).out
    assert (files(moving), conf(moving)) == before


def test_settle_an_activation(moving, prints):
    text = conf(moving)
    moving.write("idp/test/idp.conf", f"# a comment\nactivateat  staged {T1}\n{text}RetireAt primary {T2}\n")
    then, later = slots(moving, BETWEEN), slots(moving, AFTER)
    dry = settle(moving, "--dry-run", now=BETWEEN).out
    assert "Nothing was done" in dry and "idp/test/staged.pem -> idp/test/primary.pem" in dry
    assert "staged.pem" in files(moving)
    settle(moving, now=BETWEEN)
    old = f"alternate-{prints['k1'][:8]}"
    assert files(moving) == sorted([f"{old}.pem", "alternate-x.pem", "idp.conf", "primary.pem"])
    # What is ahead follows the certificate: it was meant for the old one.
    assert conf(moving) == f"# a comment\n{text}RetireAt {old} {T2}\n"
    assert slots(moving, BETWEEN) == then and slots(moving, AFTER) == later
    assert moving.path(".history").read_text().rstrip().endswith(" settle")
    assert "Nothing to do" in settle(moving, now=BETWEEN).out
    settle(moving, now=AFTER)
    assert files(moving) == sorted(["alternate-x.pem", "idp.conf", "primary.pem",
                                    f"retired-{prints['k1'][:8]}.pem"])
    assert conf(moving) == f"# a comment\n{text}"
    assert slots(moving, AFTER) == later
    assert ctl("--trust", moving.root, "--json", "lint").json["warnings"] == []


def test_settle_a_first_use(moving, prints):
    configure(moving, "PromoteOnFirstUse on")
    promote(moving, prints["ec"])
    then, text = slots(moving), conf(moving)
    assert "Nothing to do" in ctl("--trust", moving.root, "settle").out    # it cannot know
    answer = settle(moving, "--json")
    old = f"alternate-{prints['k1'][:8]}"
    assert answer.json == {"done": True, "steps": [
        f"idp/test/primary.pem -> idp/test/{old}.pem", "idp/test/staged.pem -> idp/test/primary.pem"]}
    assert slots(moving) == then and conf(moving) == text
    (moving.state / "overlay").unlink()
    assert slots(moving) == then
    moving.certificate("test", "staged", own_key("next"))
    promote(moving, prints["ec"])    # the old line means nothing for the next certificate
    assert slots(moving)[certs.fingerprint(own_key("next").certificate)] == "staged"


def test_settle_keeps_what_already_has_that_name(moving, idp, prints):
    name = f"idp/test/alternate-{prints['k1'][:8]}.pem"
    moving.write(name, own_key("next").pem)
    configure(moving, f"ActivateAt staged {T1}")
    then = slots(moving, T1)
    settle(moving, now=T1)
    assert slots(moving, T1) == then
    assert moving.path(name).read_text() == own_key("next").pem
    assert f"alternate-{prints['k1'][:16]}.pem" in files(moving)


def test_settle_a_line_without_its_file(moving):
    """It would take the file that gets this name."""
    moving.remove("idp/test/primary.pem")
    text = conf(moving)
    configure(moving, f"ActivateAt staged {T1}", f"RetireAt primary {T2}")
    later = slots(moving, AFTER)
    settle(moving, now=BETWEEN)
    assert conf(moving) == text and slots(moving, AFTER) == later
    assert "retired" not in later.values()


def test_settle_our_own_keys(moving):
    for name in ("next", "retiring"):
        moving.sp_key(name)
    moving.path("sp/default/next.key").chmod(0o600)
    moving.write("sp/default/keys.conf", f"# plan\nActivateAt next {T1}\nRetireAt active {T2}\n")
    owners = {n: moving.path(f"sp/default/{n}.key").stat() for n in ("active", "next")}
    then, later = roles(moving, BETWEEN), roles(moving, AFTER)
    gone = f"retired-{certs.fingerprint(own_key('retiring').certificate)[:8]}"
    settle(moving, now=BETWEEN)
    assert files(moving, "sp/default") == sorted([
        "active.crt", "active.key", "retiring.crt", "retiring.key", "keys.conf", f"{gone}.key", f"{gone}.crt"])
    assert moving.path("sp/default/keys.conf").read_text() == f"# plan\nRetireAt retiring {T2}\n"
    assert roles(moving, BETWEEN) == then and roles(moving, AFTER) == later
    for new, old in (("active", "next"), ("retiring", "active")):
        st = moving.path(f"sp/default/{new}.key").stat()
        assert (st.st_mode, st.st_uid, st.st_gid) == \
            (owners[old].st_mode, owners[old].st_uid, owners[old].st_gid)
    settle(moving, "--prune", now=AFTER)
    assert files(moving, "sp/default") == sorted(
        ["active.crt", "active.key", "keys.conf", f"{gone}.key", f"{gone}.crt"])
    assert moving.path("sp/default/keys.conf").read_text() == "# plan\n"
    assert roles(moving, AFTER) == later
    lint = ctl("--trust", moving.root, "--json", "lint")
    assert not any(gone in w for w in lint.json["warnings"]), lint


def test_a_broken_directory_is_not_settled(moving):
    configure(moving, f"ActivateAt staged {T1}")
    moving.write("idp/test/alternate.pem", "hello\n")
    before = files(moving), conf(moving)
    answer = command(moving, "settle", now=T1)
    assert answer.code == 2 and "alternate.pem" in answer.err
    assert (files(moving), conf(moving)) == before


def test_somebody_else_is_changing_it(moving):
    import fcntl
    configure(moving, f"ActivateAt staged {T1}")
    with open(moving.path(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        answer = command(moving, "settle", now=T1)
        assert answer.code == 2 and ".lock" in answer.err
    assert "staged.pem" in files(moving)
    settle(moving, now=T1)
    assert "staged.pem" not in files(moving)


def test_a_hostile_overlay(moving, prints):
    """It comes from the server's user, and root reads it: it is a proposal of slots, no more."""
    configure(moving, "PromoteOnFirstUse on")
    before = slots(moving)
    for content in (b"\0", b"promote test " + b"a" * 300000, b"promote ../../x y z\n",
                    f"promote test {prints['rsa']} 2026-01-01T00:00:00Z\n".encode(),
                    f"promote other {prints['ec']} 2026-01-01T00:00:00Z\n".encode()):
        (moving.state / "overlay").write_bytes(content)
        assert slots(moving) == before
        assert "Nothing to do" in settle(moving).out
    (moving.state / "overlay").unlink()
    os.mkfifo(moving.state / "overlay")
    assert slots(moving) == before
