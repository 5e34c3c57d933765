# SPDX-License-Identifier: Apache-2.0
"""samlcertctl history, diff, rollback: what was there before, and back to it."""

import os
import pty
import shutil
import subprocess

import pytest

from harness import certs
from harness.kept import Kept
from harness.tools import ctl_path


@pytest.fixture
def kept(trust, directories):
    """Generation 1 is kept and current."""
    kept = Kept(trust, directories())
    kept.first = kept.keep("reason start")
    return kept


def in_person(kept, answer, *arguments):
    """With a terminal to answer at. Exit code and what it said."""
    mine, its = pty.openpty()
    process = subprocess.Popen([str(ctl_path()), "--trust", str(kept.trust.root), "--state", str(kept.state),
                                *arguments], stdin=its, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True)
    os.write(mine, f"{answer}\n".encode())
    out = process.communicate(timeout=30)[0]
    os.close(mine)
    os.close(its)
    return process.returncode, out


# ---- history


def test_history_lists_newest_first(kept, signers):
    kept.trust.certificate("test", "staged", signers["ec"])
    second = kept.keep("reason rollback 7", "author alice (sudo)", f"before {kept.first}",
                       "difference IdP test: certificate x came as staged")
    answer = kept.ctl("history", "--json")
    assert answer.code == 0, answer
    new, old = answer.json
    assert (new["number"], new["digest"], new["current"]) == (2, second, True)
    assert (new["reason"], new["author"], new["before"]) == ("rollback 7", "alice (sudo)", kept.first)
    assert new["differences"] == ["IdP test: certificate x came as staged"]
    assert (old["number"], old["digest"], old["current"], old["author"]) == (1, kept.first, False, None)
    assert old["accepted_at"] == "2026-01-01T00:00:01Z"
    text = kept.ctl("history").out
    assert text.index(second[:12]) < text.index(kept.first[:12])
    assert "by alice (sudo)" in text and "current" in text.splitlines()[0]


def test_history_needs_a_state_directory(kept, directories):
    assert kept.ctl("history").code == 0
    from harness.ctl import ctl
    assert ctl("--trust", kept.trust.root, "history").code == 2
    empty = ctl("--trust", kept.trust.root, "--state", directories(), "history")
    assert empty.code == 0 and "No generation" in empty.out


def test_what_the_server_wrote_does_not_reach_the_terminal(kept, signers):
    kept.trust.certificate("test", "staged", signers["ec"])
    kept.keep("reason \x1b[2J", "author \x1b[31mroot", "difference \x1b[1mnothing")
    assert "\x1b" not in kept.ctl("history").out


# ---- diff


def test_diff_of_current_and_files(kept, signers):
    assert kept.ctl("diff").code == 0
    kept.trust.certificate("test", "staged", signers["ec"])
    answer = kept.ctl("diff", "--json")
    assert answer.code == 1, answer
    assert answer.json["from"] == kept.first and answer.json["to"] == kept.digest()
    one, = answer.json["differences"]
    assert (one["kind"], one["what"], one["idp"], one["to"]) == ("came", "certificate", "test", "staged")
    assert one["fingerprint"] == certs.fingerprint(signers["ec"].certificate)
    assert "came as staged" in kept.ctl("diff").out


def test_diff_names_generations_in_all_ways(kept, signers):
    kept.trust.certificate("test", "staged", signers["ec"])
    second = kept.keep()
    for a in ("1", kept.first, kept.first[:6]):
        for b in ("2", second[:12], "files", "current"):
            assert kept.ctl("diff", a, b, "--json").json["to"] == second
    for wrong in ("3", second[:5], "nonsense", "..", "/", second + "0"):
        answer = kept.ctl("diff", wrong)
        assert answer.code == 2 and "history" in answer.err, answer


def test_diff_tells_what_is_lost(kept):
    kept.trust.path("idp/test/primary.pem").rename(kept.trust.path("idp/test/retired.pem"))
    answer = kept.ctl("diff", "--json")
    assert "IdP test loses its last usable key" in answer.json["losses"][0]


def test_comments_make_no_difference(kept):
    conf = kept.trust.path("idp/test/idp.conf")
    conf.write_text(conf.read_text() + "# a comment\n")
    answer = kept.ctl("diff")
    assert answer.code == 0 and "No difference to trust" in answer.out


def test_no_private_key_is_shown(kept):
    key = kept.trust.path("sp/default/active.key").read_text().splitlines()[1]
    kept.trust.sp_key("next")
    kept.keep()
    out = "".join(kept.ctl(*command).out for command in
                  (["history", "--json"], ["diff", "1", "2", "--json"], ["rollback", "1", "--dry-run"]))
    assert "next" in out and key not in out and "PRIVATE" not in out


# ---- rollback


def change(kept, signers):
    """Generation 2: more of everything."""
    kept.trust.certificate("test", "staged", signers["ec"])
    kept.trust.write("idp/more/idp.conf", "EntityID https://more.example\nStatus inactive\n")
    kept.trust.write("idp/more/roots/ca.pem", signers["big"].pem)
    kept.trust.sp_key("next")
    conf = kept.trust.path("idp/test/idp.conf")
    conf.write_text(conf.read_text() + "ClockSkew 60\n")
    return kept.keep()


def test_rollback_brings_the_files_back(kept, signers):
    change(kept, signers)
    kept.trust.write("idp/test/README", "mine")
    kept.trust.write("csr/1/key.pem", "mine")
    key = kept.trust.path("sp/default/active.key").stat()
    answer = kept.ctl("rollback", "--yes", "--force")
    assert answer.code == 0, answer
    assert kept.digest() == kept.first
    assert not kept.trust.path("idp/more").exists()
    assert not kept.trust.path("sp/default/next.key").exists()
    assert kept.trust.path("idp/test/README").exists() and kept.trust.path("csr/1/key.pem").exists()
    assert kept.trust.path("sp/default/active.key").stat() == key    # not touched: it is the same
    assert "removes idp/test/staged.pem" in answer.out and "writes idp/test/idp.conf" in answer.out


def test_rollback_and_back_again(kept, signers):
    """The record knows both: a yes that is given beforehand is enough for them."""
    second = change(kept, signers)
    assert kept.ctl("rollback", "1", "--yes", "--force").code == 0
    key = kept.trust.path("sp/default/active.key").stat()
    answer = kept.ctl("rollback", second[:8], "--yes")
    assert answer.code == 0 and kept.digest() == second, answer
    new = kept.trust.path("sp/default/next.key").stat()
    assert (new.st_mode, new.st_uid, new.st_gid) == (key.st_mode, key.st_uid, key.st_gid)
    assert kept.trust.path("idp/more").stat().st_mode & 0o777 == 0o755
    assert kept.ctl("rollback", "1", "--yes").code == 0
    lines = kept.trust.path(".history").read_text().splitlines()
    assert [line.split()[3:] for line in lines] == [["found"], ["rollback", "1"], ["found"], ["rollback", "2"],
                                                    ["found"], ["rollback", "1"]]
    assert lines[-1].split()[0] == kept.first


def test_rollback_to_what_is_there(kept):
    answer = kept.ctl("rollback", "current")
    assert answer.code == 0 and "Nothing to do" in answer.out
    none = kept.ctl("rollback")
    assert none.code == 2 and "no other generation" in none.err


def test_dry_run_does_nothing(kept, signers):
    second = change(kept, signers)
    answer = kept.ctl("rollback", "--dry-run", "--json")
    assert answer.code == 0, answer
    assert answer.json["done"] is False and answer.json["error"] is None
    assert answer.json["generation"]["number"] == 1
    assert "idp/more/roots/ca.pem" in answer.json["removed"]
    assert {"moved", "went", "changed"} & {d["kind"] for d in answer.json["differences"]}
    assert kept.digest() == second and not kept.trust.path(".history").exists()


def test_rollback_asks(kept, signers):
    second = change(kept, signers)
    code, out = in_person(kept, "n", "rollback")
    assert code == 1 and "Do it?" in out and "nothing was done" in out and kept.digest() == second, out
    code, out = in_person(kept, "y", "rollback")
    assert code == 0 and "not recorded" in out and kept.digest() == kept.first, out


def test_nobody_is_there_to_ask(kept, signers):
    second = change(kept, signers)
    for options in ([], ["--force"], ["--json"], ["--yes"]):
        answer = kept.ctl("rollback", *options, input="y\n")
        assert answer.code == 1 and kept.digest() == second, answer
    assert "record of changes" in kept.ctl("rollback", "--yes").err
    assert kept.ctl("rollback", "--json").json["error"]["message"].startswith("nobody is there")


def test_rollback_of_broken_files(kept, signers):
    """The usual night: somebody broke the files, and the last good generation serves."""
    second = change(kept, signers)
    kept.trust.write("idp/test/primary.pem", "half a file")
    answer = kept.ctl("rollback", "--yes", "--force")
    assert answer.code == 0 and "can't be loaded" in answer.err, answer
    assert kept.digest() == second


def test_guard_rails(kept, signers):
    """Going back to the days of another certificate would refuse the present one."""
    kept.trust.certificate("test", "primary", signers["ec"])
    second = kept.keep()
    assert kept.ctl("rollback", "1", "--yes", "--force").code == 0
    answer = kept.ctl("rollback", "2", "--yes")
    assert answer.code == 1 and kept.digest() == kept.first, answer
    assert "IdP test loses all its keys at once" in answer.err and "--force" in answer.err
    assert kept.ctl("rollback", "2", "--yes", "--force").code == 0 and kept.digest() == second


def test_guard_rails_for_our_own_key(kept):
    for name in ("active.key", "active.crt"):
        kept.trust.remove(f"sp/default/{name}")
    kept.keep()
    assert kept.ctl("rollback", "1", "--yes", "--force").code == 0
    answer = kept.ctl("rollback", "2", "--yes")
    assert answer.code == 1 and "our key set default loses its active key" in answer.err, answer


# ---- the state directory belongs to somebody else


def copy_of(kept, digest, name):
    return kept.dir / digest / f"files{kept.trust.root}" / name


def test_a_copy_that_was_changed(kept, signers):
    second = change(kept, signers)
    copy_of(kept, kept.first, "idp/test/primary.pem").write_text(signers["big"].pem)
    answer = kept.ctl("rollback", "1", "--yes", "--force")
    assert answer.code == 2 and "is not what generation" in answer.err, answer
    assert kept.digest() == second


def test_links_in_a_copy(kept, signers, directories):
    """What root can read and the server can't must not come out of it."""
    second = change(kept, signers)
    secret = directories()
    shutil.copy(copy_of(kept, kept.first, "idp/test/idp.conf"), secret)
    conf = copy_of(kept, kept.first, "idp/test/idp.conf")
    conf.unlink()
    conf.symlink_to(secret)
    answer = kept.ctl("rollback", "1", "--yes", "--force")
    assert answer.code == 2 and "owner" in answer.err and kept.digest() == second, answer


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_files_of_others_in_a_copy(kept, signers):
    second = change(kept, signers)
    shutil.chown(copy_of(kept, kept.first, "idp/test/idp.conf"), "nobody")
    answer = kept.ctl("rollback", "1", "--yes", "--force")
    assert answer.code == 2 and "owner" in answer.err and kept.digest() == second, answer


def test_a_forged_generation_is_not_recorded(kept, signers):
    """A digest proves what a copy is made of, not that it ever was in the trust directory."""
    kept.trust.certificate("test", "alternate", signers["big"])
    forged = kept.keep("author root", "reason rollback 1")
    kept.trust.remove("idp/test/alternate.pem")
    answer = kept.ctl("rollback", forged, "--yes")
    assert answer.code == 1 and kept.digest() == kept.first, answer
    assert "nobody but the server's user says" in answer.err


# ---- files that are not ours to write


def test_files_outside_are_not_written(kept, directories):
    outside = directories()
    pins = "CERT_VALIDATION:IGNORE_TRUST," + "ab" * 32 + "\n"
    outside.write_text(pins)
    conf = kept.trust.path("idp/test/idp.conf")
    conf.write_text(conf.read_text() + f"SignCerts @{outside}\n")
    digest = kept.digest()
    kept.keep()
    copy = kept.dir / digest / f"files{outside}"
    copy.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(outside, copy)
    conf.write_text(conf.read_text() + "ClockSkew 60\n")
    outside.write_text(pins.replace("ab", "cd"))
    answer = kept.ctl("rollback", "2", "--yes", "--force")
    assert answer.code == 2 and str(outside) in answer.err and "outside" in answer.err, answer
    outside.write_text(pins)
    assert kept.ctl("rollback", "2", "--yes", "--force").code == 0 and kept.digest() == digest


def test_links_in_the_trust_directory(kept, signers, directories):
    """An orchestrator's links stay links."""
    change(kept, signers)
    conf = kept.trust.path("idp/test/idp.conf")
    elsewhere = directories()
    conf.rename(elsewhere)
    conf.symlink_to(elsewhere)
    answer = kept.ctl("rollback", "1", "--yes", "--force")
    assert answer.code == 2 and "symbolic link" in answer.err and conf.is_symlink(), answer


def test_a_directory_with_something_of_mine_in_it(kept, signers):
    change(kept, signers)
    kept.trust.write("idp/more/README", "mine")
    answer = kept.ctl("rollback", "1", "--yes", "--force")
    assert answer.code == 2 and "README" in answer.err, answer
    kept.trust.remove("idp/more/README")
    assert kept.ctl("rollback", "1", "--yes", "--force").code == 0
