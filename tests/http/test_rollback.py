# SPDX-License-Identifier: Apache-2.0
"""Back to an earlier generation while the server runs, and changes that are cut short."""

import os

import pytest

from harness.ctl import ctl
from harness.kept import Killer
from harness.tools import eventually

INTERRUPTED = "SMC0102|SMC000[124]"


@pytest.fixture
def site(make_service):
    site = make_service().start()
    settle(site)
    return site


def settle(site):
    """All children have what the trust directory holds, and it is kept."""
    status = site.settled()
    current = site.state / "generations" / "current"

    def is_kept():
        return current.is_symlink() and os.readlink(current) == status["generation_hash"]
    eventually(is_kept, timeout=3, what="a kept generation")
    return status


def command(site, *arguments):
    return ("--trust", site.trust.root, "--state", site.state, *arguments)


def rotate(site, idp):
    """Generation 2: the IdP signs with k2, and k1 is retired."""
    site.trust.certificate("test", "primary", idp.key("k2"))
    site.trust.certificate("test", "retired", idp.key("k1"))
    return settle(site)


def login(site, idp, key):
    idp.set(keys=key)
    browser, _, post = site.captured()
    return browser.deliver(post)


def test_rollback_counts_for_the_very_next_login(site, idp):
    first = settle(site)
    session = site.browser()
    session.login()
    second = rotate(site, idp)
    site.assert_accepted(login(site, idp, "k2"))
    site.assert_refused(login(site, idp, "k1"), "cert-retired")

    answer = ctl(*command(site, "rollback", first["generation"], "--yes", "--force"))
    assert answer.code == 0, answer
    site.assert_refused(login(site, idp, "k2"), "cert-not-listed")
    site.assert_accepted(login(site, idp, "k1"))
    third = settle(site)
    assert third["generation_hash"] == first["generation_hash"]
    assert third["generation"] > second["generation"]
    assert session.get("/app/").status_code == 200

    new, old = ctl(*command(site, "history", "--json")).json[:2]
    assert new["current"] and new["digest"] == first["generation_hash"]
    assert new["reason"] == f"rollback {first['generation']}" and new["author"]
    assert new["before"] == second["generation_hash"] == old["digest"] and old["reason"] == "edit"
    assert any("moved retired -> primary" in d for d in new["differences"])
    assert ctl(*command(site, "diff")).code == 0


def interrupt(site, killer, generation):
    """A rollback that is killed right behind the point from which it counts."""
    for n in range(1, 400):
        assert killer(n, *command(site, "rollback", generation, "--yes", "--force")) is None
        if (site.trust.root / ".journal").exists():
            return
    raise AssertionError("it was never interrupted")


def test_an_interrupted_change_leaves_the_old_generation(site, idp, workspace):
    first = settle(site)["generation"]
    rotate(site, idp)
    site.httpd.expect(INTERRUPTED)
    interrupt(site, Killer(workspace), first)
    error = eventually(lambda: site.status()["last_reload_error"], what="last_reload_error")
    assert "recover" in error["message"] and error["code"] == "config-invalid"
    site.assert_accepted(login(site, idp, "k2"))
    site.assert_refused(login(site, idp, "k1"), "cert-retired")
    site.httpd.graceful()    # children that start with it, too
    site.assert_accepted(login(site, idp, "k2"))

    assert ctl(*command(site, "recover")).code == 0
    site.assert_refused(login(site, idp, "k2"), "cert-not-listed")
    site.assert_accepted(login(site, idp, "k1"))
    settle(site)
    assert site.status()["last_reload_error"] is None
