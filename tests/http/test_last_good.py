# SPDX-License-Identifier: Apache-2.0
"""The trust directory is broken and the server, or a child, starts: the generation that was
accepted last goes on serving, from the state directory. What was taken away stays away."""

import fcntl
import os
import pathlib
import time

import pytest

from harness import certs
from harness.tools import eventually

REFUSED, LAST_GOOD, UNKEPT = "SMC0102|SMC000[124]", "SMC0010", "SMC0108"


@pytest.fixture
def site(make_service):
    """A server of the test's own whose generation is kept."""
    site = make_service().start()
    settle(site)
    return site


def generations(site):
    return site.state / "generations"


def current(site):
    link = generations(site) / "current"
    return os.readlink(link) if link.is_symlink() else None


def settle(site):
    """All children have what the trust directory holds, and it is kept."""
    status = site.settled()
    eventually(lambda: current(site) == status["generation_hash"], timeout=3, what="a kept generation")
    return status


def half_a_pem(site):
    path = site.trust.path("idp/test/primary.pem")
    site.trust.write("idp/test/primary.pem", path.read_text()[:200])


def gone(site):
    """As if it was on a disk that is not mounted."""
    site.trust.root.rename(site.root / "unmounted")


def unreadable(site):
    site.trust.path("idp/test").chmod(0)


def broken_list(site):
    site.configure_idp("SignCerts zz,")


BREAKS = [half_a_pem, gone, unreadable, broken_list]
breaks = pytest.mark.parametrize("spoil", BREAKS, ids=[b.__name__ for b in BREAKS])


def repair(site):
    away = site.root / "unmounted"
    if away.is_dir():
        away.rename(site.trust.root)
    site.trust.path("idp/test").chmod(0o755)
    site.trust.restore()


def kill_children(site):
    site.httpd.kill_children()
    eventually(site.httpd._is_ready, what="new children that answer")


def start_anew(site):
    site.httpd.expect(f"{LAST_GOOD}.*serves from the state directory")
    site.httpd.restart()


ANEW = {"graceful": lambda site: site.httpd.graceful(), "killed children": kill_children,
        "full restart": start_anew}
anew = pytest.mark.parametrize("restart", ANEW.values(), ids=ANEW.keys())


def refused(site):
    """What is broken now was noticed."""
    def look():
        return site.status()["last_reload_error"]
    return eventually(look, timeout=3, what="last_reload_error in the status")


def children_that_serve(site, source):
    def look():
        children = site.status()["children"]
        alive = set(site.httpd.children())
        mine = [c for c in children if c["pid"] in alive]
        return len(mine) == len(alive) and all(c["serving"] == source for c in mine)
    eventually(look, timeout=5, what=f"all children that serve from {source}")


def logins_go_on(site, spoil, restart):
    before = settle(site)
    session = site.browser()
    session.login()
    site.httpd.expect(REFUSED)
    spoil(site)
    refused(site)
    assert site.browser().login().status_code == 200
    restart(site)
    assert session.get("/app/").status_code == 200
    assert site.browser().login().status_code == 200
    children_that_serve(site, "archive")    # and no old child any more
    assert session.get("/app/").status_code == 200
    assert site.browser().login().status_code == 200
    status = site.status()
    assert status["generation_hash"] == before["generation_hash"]
    assert status["generation"] == before["generation"]
    assert status["serving"] == "archive"
    assert status["last_reload_error"]["message"]

    repair(site)
    eventually(lambda: site.status()["last_reload_error"] is None, timeout=5, what="the repair")
    children_that_serve(site, "files")
    assert site.settled()["generation"] == before["generation"]
    assert session.get("/app/").status_code == 200
    assert site.browser().login().status_code == 200


@breaks
@anew
def test_logins_go_on(site, spoil, restart):
    logins_go_on(site, spoil, restart)


@pytest.mark.mpm
@anew
@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_logins_go_on_under_the_other_mpms(make_service, mpm, restart):
    logins_go_on(make_service(mpm=mpm).start(), half_a_pem, restart)


def test_quick_changes_end_with_the_last_one_kept(site):
    conf = site.trust.path("idp/test/idp.conf").read_text()
    for i in range(200):
        site.trust.write("idp/test/idp.conf", f"{conf}# {i % 3}\n")
        time.sleep(0.01 * (i % 7))
    settle(site)


def test_the_log_says_it_once_and_the_configuration_test_fails(site):
    number = settle(site)["generation"]
    site.httpd.expect(REFUSED)
    site.httpd.stop()
    half_a_pem(site)
    code, output = site.httpd.configtest()
    assert code != 0 and "primary.pem" in output
    assert LAST_GOOD not in output
    site.httpd.expect(LAST_GOOD)
    site.httpd.start()
    lines = [x.text for x in site.httpd.log_lines() if LAST_GOOD in x.text]
    assert len(lines) == 1
    assert f"generation {number} of " in lines[0] and str(generations(site)) in lines[0]
    broken = [x.text for x in site.httpd.log_lines() if "SMC0002" in x.text]
    assert len(broken) == 1 and "primary.pem" in broken[0]


def test_nothing_kept_no_start(site):
    site.httpd.stop()
    (generations(site) / "current").unlink()
    half_a_pem(site)
    code, _ = site.httpd.configtest()
    assert code != 0
    with pytest.raises(AssertionError, match="httpd ended with 1"):
        site.httpd.start()
    repair(site)
    site.httpd.start()
    assert site.browser().login().status_code == 200


def test_a_torn_copy_is_not_used(site):
    copy = generations(site) / current(site)
    site.httpd.stop()
    pem = next(copy.rglob("primary.pem"))
    pem.write_text(pem.read_text()[:200])
    half_a_pem(site)
    with pytest.raises(AssertionError, match=f"{LAST_GOOD}.*can't be used"):
        site.httpd.start()
    repair(site)
    site.httpd.start()
    settle(site)
    assert (copy / "about").exists()


def test_a_copy_from_another_trust_directory_is_not_used(site):
    """The state directory stays, the trust directory becomes another one, which is broken."""
    site.httpd.stop()
    other = site.root / "other"
    other.mkdir()
    text = site.httpd.site_conf.read_text()
    site.httpd.configure(text.replace(str(site.trust.root), str(other / "missing")))
    with pytest.raises(AssertionError, match="comes from another trust directory"):
        site.httpd.start()
    site.httpd.configure(text)
    site.httpd.start()
    assert site.browser().login().status_code == 200


@anew
def test_a_certificate_that_was_removed_stays_refused(site, idp, restart):
    site.trust.certificate("test", "alternate", idp.key("k2"))
    settle(site)
    old = [site.captured() for _ in range(2)]
    site.assert_accepted(old[0][0].deliver(old[0][2]))
    site.trust.remove("idp/test/primary.pem")
    settle(site)
    site.httpd.expect(REFUSED)
    site.trust.write("idp/test/alternate-2.pem", "hello\n")
    refused(site)
    restart(site)
    children_that_serve(site, "archive")
    browser, _, post = old[1]
    site.assert_refused(browser.deliver(post), "cert-not-listed")
    idp.set(keys="k2")
    assert site.browser().login().status_code == 200


@pytest.mark.parametrize("restart", [ANEW["graceful"], kill_children], ids=["graceful", "killed"])
def test_where_the_last_one_could_not_be_kept_an_older_one_is_not_trusted(site, idp, restart):
    """The last generation trusts k2 alone; the one that is kept trusts k1."""
    browser, _, post = site.captured()
    generations(site).chmod(0o500)
    kept = current(site)
    site.httpd.expect(UNKEPT)
    site.trust.certificate("test", "primary", idp.key("k2"))
    site.settled()
    eventually(lambda: UNKEPT in site.httpd.error_log(), what="the warning")
    assert current(site) == kept
    site.httpd.expect(REFUSED)
    half_a_pem(site)
    refused(site)
    restart(site)
    assert browser.deliver(post).status_code >= 400
    generations(site).chmod(0o700)      # `current` could be taken away now, but the board knows better
    restart(site)
    assert browser.deliver(post).status_code >= 400
    site.trust.certificate("test", "primary", idp.key("k1"))
    settle(site)
    assert site.browser().login().status_code == 200


def test_until_the_last_one_is_kept_there_is_none(site, idp):
    """The server ends before it could keep a generation: the one before is not trusted in its place."""
    with open(generations(site) / ".lock", "r+b") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)        # somebody else seems to be saving
        site.trust.certificate("test", "primary", idp.key("k2"))
        site.settled()
        assert current(site) is None
        site.httpd.expect(REFUSED)
        half_a_pem(site)
        refused(site)
    with pytest.raises(AssertionError, match="httpd ended with 1"):
        site.httpd.restart()
    assert LAST_GOOD not in site.httpd.error_log() + site.httpd.console()
    site.trust.certificate("test", "primary", idp.key("k2"))
    site.httpd.start()
    settle(site)


def test_a_state_directory_that_is_read_only_costs_one_warning(site, idp):
    session = site.browser()
    session.login()
    generations(site).chmod(0o500)
    site.httpd.expect(UNKEPT)
    for key in ("k2", "k1", "k2"):
        site.trust.certificate("test", "alternate", idp.key(key))
        site.settled()
    warnings = eventually(lambda: [x for x in site.httpd.log_lines() if UNKEPT in x.text],
                          what="the warning")
    assert len(warnings) == 1
    assert str(generations(site)) in warnings[0].text
    idp.set(keys="k2")
    assert site.browser().login().status_code == 200
    assert session.get("/app/").status_code == 200
    site.httpd.graceful()
    assert site.browser().login().status_code == 200
    assert len([x for x in site.httpd.log_lines() if UNKEPT in x.text]) == 1

    generations(site).chmod(0o700)
    site.httpd.graceful()
    settle(site)
    assert any("SMC0107" in x.text and x.level == "notice" for x in site.httpd.log_lines())


def test_what_is_kept_is_private_and_bounded(site, idp):
    for i in range(22):
        site.trust.write("idp/test/idp.conf", site.trust.path("idp/test/idp.conf").read_text() + f"# {i}\n")
        settle(site)
    kept = [p for p in generations(site).iterdir() if p.is_dir() and not p.is_symlink()]
    assert len(kept) == 20
    owner = site.state.stat().st_uid
    for path in [generations(site), *generations(site).rglob("*")]:
        if not path.is_symlink():
            assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600)
            assert path.stat().st_uid == owner
    key = pathlib.Path(f"{generations(site)}/{current(site)}/files{site.trust.path('sp/default/active.key')}")
    assert key.read_bytes() == site.trust.path("sp/default/active.key").read_bytes()


def test_files_outside_are_kept_too(site, idp):
    pins = site.root / "pins"
    pins.write_text(f"CERT_VALIDATION:IGNORE_TRUST,\n{certs.fingerprint(idp.key('k1').certificate)}\n")
    site.trust.remove("idp/test/primary.pem")
    site.configure_idp(f"SignCerts @{pins}")
    settle(site)
    site.httpd.expect(REFUSED)
    pins.write_text("zz\n")
    refused(site)
    start_anew(site)
    children_that_serve(site, "archive")
    assert site.browser().login().status_code == 200
