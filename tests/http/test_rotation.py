# SPDX-License-Identifier: Apache-2.0
"""The trust directory changes while the server runs: no restart, no failed login, no lost session."""

import os
import threading
import time

import pytest

from harness import certs
from harness.browser import environment
from harness.ctl import ctl
from harness.tools import eventually


@pytest.fixture
def pinned(service, idp):
    """Trust by a watched list of fingerprints alone, with k1 in it."""
    prints = {name: certs.fingerprint(idp.key(name).certificate) for name in ("k1", "k2")}

    def write(*names, extra=""):
        lines = "".join(f"{prints[n]}  # {n}\n" for n in names)
        service.trust.write("pins", f"# who may sign\nCERT_VALIDATION:IGNORE_TRUST,\n{lines}{extra}")
    write("k1")
    service.trust.remove("idp/test/primary.pem")
    service.configure_idp(f"SignCerts @{service.trust.path('pins')}")
    service.settled()
    return write


def until_kept(service):
    """The archive has what is in use."""
    current, digest = service.state / "generations/current", service.status()["generation_hash"]
    eventually(lambda: current.is_symlink() and os.readlink(current) == digest, timeout=5, what="a kept generation")


def effective_after(service, change):
    """Seconds from a change until every child reports it."""
    change()
    start = time.monotonic()
    service.settled()
    return time.monotonic() - start


def test_a_fingerprint_added_is_known_to_all_children_within_a_second(service, idp, pinned):
    idp.set(keys="k2")
    browser, request, post = service.captured()
    assert service.verify(post.xml, in_response_to=[request.id]).json["code"] == "cert-not-listed"
    service.assert_refused(browser.deliver(post), "cert-not-listed")
    assert effective_after(service, lambda: pinned("k1", "k2")) < 1
    pids = {c["pid"] for c in service.status()["children"]}
    assert pids == set(service.httpd.children())
    env = environment(service.browser().login("/app/index.shtml"))
    assert env["SAMLCERT_FINGERPRINT"] == certs.fingerprint(idp.key("k2").certificate)


def test_a_fingerprint_taken_away_is_refused_by_the_very_next_login(service, idp, pinned):
    """No waiting: the login looks at its own IdP's files before it trusts them."""
    for _ in range(5):
        pinned("k1", "k2")
        browser, _, post = service.captured()
        service.assert_accepted(browser.deliver(post))
        browser, request, post = service.captured()
        pinned("k2")
        service.assert_refused(browser.deliver(post), "cert-not-listed")
        assert service.verify(post.xml, in_response_to=[request.id]).json["code"] == "cert-not-listed"


def test_a_certificate_taken_away_is_refused_by_the_very_next_login(service, idp):
    service.trust.certificate("test", "alternate", idp.key("k2"))
    for _ in range(5):
        service.trust.certificate("test", "primary", idp.key("k1"))
        browser, _, post = service.captured()
        service.assert_accepted(browser.deliver(post))
        browser, _, post = service.captured()
        service.trust.remove("idp/test/primary.pem")
        service.assert_refused(browser.deliver(post), "cert-not-listed")


@pytest.mark.parametrize("slot", ["alternate", "alternate-2026", "staged"])
def test_a_file_dropped_in_is_trusted(service, idp, slot):
    idp.set(keys="k2")
    browser, _, post = service.captured()
    service.assert_refused(browser.deliver(post), "cert-not-listed")
    change = lambda: service.trust.certificate("test", slot, idp.key("k2"))  # noqa: E731
    assert effective_after(service, change) < 1
    env = environment(service.browser().login("/app/index.shtml"))
    assert env["SAMLCERT_SLOT"] == slot.split("-")[0]
    slots = {c["slot"]: c["sha256"] for i in service.status()["idps"] for c in i["certificates"]}
    assert slots[slot.split("-")[0]] == certs.fingerprint(idp.key("k2").certificate)


def test_the_planned_roll_over(service, idp):
    """Stage, switch, retire: logins work at every step, and the old key is refused at the end."""
    session = service.browser()
    session.login()
    old_browser, _, old_post = service.captured()
    service.trust.certificate("test", "alternate", idp.key("k2"))
    assert service.browser().login().status_code == 200
    idp.set(keys="k2+k1")
    assert service.browser().login().status_code == 200
    service.trust.certificate("test", "primary", idp.key("k2"))
    service.trust.certificate("test", "retired", idp.key("k1"))
    service.trust.remove("idp/test/alternate.pem")
    idp.set(keys="k2")
    assert environment(service.browser().login("/app/index.shtml"))["SAMLCERT_SLOT"] == "primary"
    refusal = service.assert_refused(old_browser.deliver(old_post), "cert-retired")
    assert certs.fingerprint(idp.key("k1").certificate) in refusal.sentence.replace(":", "").lower()
    assert session.get("/app/").status_code == 200


def test_and_back_again(service, idp):
    service.trust.certificate("test", "primary", idp.key("k2"))
    browser, _, post = service.captured()
    service.assert_refused(browser.deliver(post), "cert-not-listed")
    service.trust.certificate("test", "primary", idp.key("k1"))
    assert service.browser().login().status_code == 200


BROKEN = {
    "half a PEM": ("idp/test/alternate.pem", "-----BEGIN CERTIFICATE-----\nMIIC\n"),
    "no PEM": ("idp/test/primary.pem", "hello\n"),
    "empty": ("idp/test/primary.pem", ""),
    "unknown setting": ("idp/test/idp.conf", "EntityID https://x.example\nNoSuchSetting on\n"),
    "metadata": ("idp/test/metadata.xml", "<EntityDescriptor"),
    "key without certificate": ("sp/default/next.key", None),
    "pins": ("idp/test/idp.conf", "EntityID https://x.example\nSignCerts zz,\n"),
}


@pytest.mark.parametrize("name, content", BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_file_keeps_the_last_good_generation(service, idp, name, content):
    before = service.settled()
    assert before["last_reload_error"] is None
    if content is None:
        content = idp.key("k2").key.read_text()
    service.httpd.expect(name.rsplit("/", 1)[1].replace(".", r"\."))
    service.trust.write(name, content)

    def failed():
        status = service.status()
        return status if status["last_reload_error"] else None
    status = eventually(failed, timeout=3, what="last_reload_error in the status")
    error = status["last_reload_error"]
    assert error["code"] and error["at"]
    assert name.split("/")[-1] in error["message"]
    assert status["generation_hash"] == before["generation_hash"]
    assert service.browser().login().status_code == 200
    service.httpd.tolerate(name.rsplit("/", 1)[1])
    service.trust.restore()

    def healed():
        return service.status()["last_reload_error"] is None
    eventually(healed, timeout=3, what="last_reload_error gone")
    assert service.browser().login().status_code == 200


def test_a_broken_file_is_logged_once_by_each_child_and_not_each_second(service):
    service.httpd.expect("primary.pem")
    service.trust.write("idp/test/primary.pem", "hello\n")
    time.sleep(3)
    lines = [x for x in service.httpd.log_lines() if x.is_trouble and "primary.pem" in x.text]
    recent = [x for x in lines if x.pid in service.httpd.children()]
    assert 1 <= len(recent) <= 3 * len(service.httpd.children())


def test_a_new_child_knows_what_the_old_ones_know(service, idp):
    """A child that starts late inherits the parent's start-up set: it must look before it serves."""
    service.trust.certificate("test", "primary", idp.key("k2"))
    service.settled()
    browser, _, post = service.captured()
    service.httpd.kill_children(every=0.005)
    service.assert_refused(browser.deliver(post), "cert-not-listed")


def test_generations_go_on_after_restarts(service, idp):
    first = service.settled()
    service.httpd.graceful()
    second = service.settled()
    assert second["generation_hash"] == first["generation_hash"]
    assert second["generation"] >= first["generation"]
    service.trust.certificate("test", "alternate", idp.key("k2"))
    third = service.settled()
    assert third["generation"] > second["generation"]


def test_rotation_under_load(service, idp):
    """Requests with sessions and whole logins keep coming through twelve changes of trust."""
    session = service.browser()
    session.login()
    failures, counts, stop = [], {"requests": 0, "logins": 0}, threading.Event()

    def requests_with_a_session():
        browser = service.browser()
        browser.session.cookies.update(session.session.cookies)
        while not stop.is_set():
            answer = browser.get("/app/")
            counts["requests"] += 1
            if answer.status_code != 200:
                failures.append(("request", answer.status_code))

    def logins():
        while not stop.is_set():
            answer = service.browser().login()
            counts["logins"] += 1
            if answer.status_code != 200:
                failures.append(("login", answer.status_code))

    def guarded(work):
        try:
            work()
        except Exception as e:          # noqa: BLE001 - a thread's failure must reach the test
            failures.append((work.__name__, repr(e)))
    threads = [threading.Thread(target=guarded, args=(w,))
               for w in (requests_with_a_session, requests_with_a_session, logins)]
    service.trust.certificate("test", "alternate", idp.key("k2"))
    for thread in threads:
        thread.start()
    for i in range(3):
        time.sleep(0.3)
        idp.set(keys="k2")
        time.sleep(0.5)
        service.trust.certificate("test", "primary", idp.key("k2"))
        service.trust.certificate("test", "alternate", idp.key("k1"))
        time.sleep(0.3)
        idp.set(keys="k1")
        time.sleep(0.5)
        service.trust.certificate("test", "alternate-2", idp.key("k2"))
        service.trust.certificate("test", "primary", idp.key("k1"))
    stop.set()
    for thread in threads:
        thread.join(30)
    assert not failures
    assert counts["requests"] > 100 and counts["logins"] > 5


def test_a_removal_counts_while_something_else_is_broken(service, idp):
    """The set is refused, and yet what was taken away is refused: by the next login and by all children."""
    service.trust.certificate("test", "alternate", idp.key("k2"))
    before = service.settled()
    until_kept(service)
    service.httpd.expect(r"sp/default/next\.key")
    service.trust.write("sp/default/next.key", idp.key("k2").key.read_text())
    eventually(lambda: service.status()["last_reload_error"], timeout=3, what="the refusal")
    assert service.browser().login().status_code == 200
    browser, _, post = service.captured()
    service.trust.remove("idp/test/primary.pem")
    service.assert_refused(browser.deliver(post), "cert-not-listed")
    idp.set(keys="k2")
    assert service.browser().login().status_code == 200
    status = service.status()
    assert status["generation"] == before["generation"]
    removed = certs.fingerprint(idp.key("k1").certificate)
    eventually(lambda: any(removed in line for line in lines_of(service, "SMC0116")), timeout=3,
               what="the line about the removal")

    # A child that starts now gets the last good generation from the archive, and not the removed key.
    idp.set(keys="k1")
    browser, _, post = service.captured()
    service.httpd.kill_children(every=0.005)
    service.assert_refused(browser.deliver(post), "cert-not-listed")

    service.trust.remove("sp/default/next.key")
    after = service.settled()
    assert after["last_reload_error"] is None and after["generation"] > before["generation"]
    idp.set(keys="k2")
    assert service.browser().login().status_code == 200


def lines_of(service, tag):
    return [x.text for x in service.httpd.log_lines() if tag in x.text]


def test_a_loss_by_hand_is_taken_and_said_once(service, idp):
    """The only key is replaced: logins by the old one end, and an ERR line says so, once for all children."""
    before = len(lines_of(service, "SMC0117"))
    service.trust.certificate("test", "primary", idp.key("k2"))
    service.settled()
    idp.set(keys="k2")
    assert service.browser().login().status_code == 200
    lines = lines_of(service, "SMC0117")[before:]
    assert len(lines) == 1
    assert certs.fingerprint(idp.key("k1").certificate)[:16] in lines[0]

    # Twin: with the old one still there nothing is lost.
    service.trust.certificate("test", "alternate", idp.key("k1"))
    service.settled()
    assert len(lines_of(service, "SMC0117")) == before + 1


def test_the_guard_refuses_a_loss(make_service, idp):
    site = make_service(extra="SamlCertGuard on").start()
    before = site.settled()
    until_kept(site)
    site.httpd.expect("SMC0102|SMC0001|SMC0002|SMC0004|SMC0010")
    site.trust.certificate("test", "primary", idp.key("k2"))
    error = eventually(lambda: site.status()["last_reload_error"], timeout=3, what="the refusal")
    assert "SamlCertGuard" in str(error) and "--force" in str(error)
    assert site.browser().login().status_code == 200
    assert site.status()["generation_hash"] == before["generation_hash"]

    # Children that start now refuse it as well.
    site.httpd.graceful()
    assert site.browser().login().status_code == 200
    assert site.status()["generation_hash"] == before["generation_hash"]

    # Twin: what samlcertctl recorded last was judged there.
    candidate = ctl("--trust", site.trust.root, "--json", "list").json["generation_hash"]
    site.trust.write(".history", f"{candidate} 2026-01-01T00:00:00Z root import%20--force\n")
    site.settled()
    idp.set(keys="k2")
    assert site.browser().login().status_code == 200
