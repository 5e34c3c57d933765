# SPDX-License-Identifier: Apache-2.0
"""The smaller set, under the MPMs that the rest does not use: pytest -m mpm."""


import pytest

from harness.browser import environment
from harness.service import Service, changed

pytestmark = pytest.mark.mpm


@pytest.fixture(scope="module", params=["worker", "prefork"])
def _running(request, running_idp, directories):
    service = Service(directories(), running_idp, mpm=request.param)
    try:
        yield service.start()
    finally:
        service.httpd.stop()


@pytest.fixture
def site(_running, idp):
    yield _running
    if _running.trust.restore():
        _running.settled()
    assert _running.httpd.judge_log() == []


def test_login(site):
    assert environment(site.browser().login("/app/index.shtml"))["REMOTE_USER"] == "alice"


def test_refusals(site, idp):
    browser, _, post = site.captured()
    site.assert_refused(browser.deliver(changed(post, lambda m: setattr(m.name_id, "text", "x"))),
                        "signature-invalid")
    site.assert_refused(browser.deliver(changed(post, lambda m: None, site.stranger())), "cert-not-listed")
    thief = browser.copy()
    site.assert_accepted(browser.deliver(post))
    site.assert_refused(thief.deliver(post), "replay")


def test_a_change_reaches_every_child(site, idp):
    site.trust.certificate("test", "alternate", idp.key("k2"))
    after = site.settled()
    assert {c["pid"] for c in after["children"]} == set(site.httpd.children())
    idp.set(keys="k2")
    browser, _, post = site.captured()
    site.trust.remove("idp/test/alternate.pem")
    site.assert_refused(browser.deliver(post), "cert-not-listed")


def test_restarts_and_killed_children(site):
    browser, _, post = site.captured()
    thief = browser.copy()
    site.assert_accepted(browser.deliver(post))
    site.httpd.graceful()
    assert browser.get("/app/").status_code == 200
    site.httpd.restart()
    assert browser.get("/app/").status_code == 200
    site.httpd.kill_children()
    assert browser.get("/app/").status_code == 200
    site.assert_refused(thief.deliver(post), "replay")
