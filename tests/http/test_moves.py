# SPDX-License-Identifier: Apache-2.0
"""Rotations that need nobody: ActivateAt and RetireAt, PromoteOnFirstUse, and settling them."""

import datetime
import os
import re
import threading
import time

import pytest

from harness import certs
from harness.browser import environment
from harness.ctl import ctl
from harness.forge import Message
from harness.tools import eventually
from harness.trust import own_key

MOVED = re.compile(r"SMC0120: (.*)")


def rfc3339(seconds):
    """A time so many seconds ahead, rounded up to a whole one: (text, time.time() of it)."""
    at = int(time.time() + seconds) + 1
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), at


def wait_until(at):
    while time.time() < at:
        time.sleep(max(0, min(0.05, at - time.time())))


def slots(service):
    return {c["sha256"]: c["slot"] for i in service.status()["idps"] for c in i["certificates"]}


def slot_of_login(service):
    return environment(service.browser().login("/app/index.shtml"))["SAMLCERT_SLOT"]


def moves_in_log(service):
    lines = [line for line in service.httpd.log_lines() if MOVED.search(line.text)]
    assert all(line.level == "notice" for line in lines)
    return [MOVED.search(line.text)[1] for line in lines]


@pytest.fixture
def prints(idp):
    return {name: certs.fingerprint(idp.key(name).certificate) for name in ("k1", "k2")}


def settings(service):
    return service.trust.path("idp/test/idp.conf").read_text().splitlines()


def add_setting(service, *lines):
    service.trust.idp("test", *settings(service), *lines)


def settle(service, *options):
    return ctl("--trust", service.trust.root, "--state", service.state, "settle", *options)


def kept(service):
    """All children have what the trust directory holds, and it is kept."""
    status = service.settled()
    link = service.state / "generations" / "current"
    eventually(lambda: link.is_symlink() and os.readlink(link) == status["generation_hash"],
               timeout=3, what="a kept generation")
    return status


# ---- the first use


@pytest.fixture(params=["event", pytest.param("prefork", marks=pytest.mark.mpm)])
def promoting(request, make_service, idp):
    service = make_service(mpm=request.param, settings=("ClockSkew 0", "PromoteOnFirstUse on"))
    service.trust.certificate("test", "staged", idp.key("k2"))
    service.start()
    return service


def test_the_first_login_promotes(promoting, idp, prints):
    service = promoting
    before = service.settled()
    assert slots(service) == {prints["k1"]: "primary", prints["k2"]: "staged"}
    assert slot_of_login(service) == "primary"
    assert not (service.state / "overlay").exists()

    idp.set(keys="k2")
    assert slot_of_login(service) == "staged"      # it was then
    after = service.settled()
    assert {c["pid"] for c in after["children"]} == set(service.httpd.children())
    assert after["generation"] == before["generation"] + 1
    assert slots(service) == {prints["k2"]: "primary", prints["k1"]: "alternate"}
    assert slot_of_login(service) == "primary"
    idp.set(keys="k1")
    assert slot_of_login(service) == "alternate"
    assert (service.state / "overlay").stat().st_mode & 0o777 == 0o600

    assert sorted(moves_in_log(service)) == sorted([
        f"idp test: certificate {prints['k2']} moves staged -> primary (first use)",
        f"idp test: certificate {prints['k1']} moves primary -> alternate (first use)"])
    for restart in (service.httpd.graceful, service.httpd.restart):
        restart()
        assert service.settled()["generation_hash"] == after["generation_hash"]
        assert slots(service) == {prints["k2"]: "primary", prints["k1"]: "alternate"}
        assert slot_of_login(service) == "alternate"
    assert service.settled()["generation"] == after["generation"]


def test_a_refused_login_promotes_nothing(make_service, idp):
    service = make_service(settings=("ClockSkew 0", "PromoteOnFirstUse on"))
    service.trust.certificate("test", "staged", idp.key("k2"))
    service.start()
    idp.set(keys="k2")
    browser, _, post = service.captured()
    message = Message(post.xml)
    message.name_id.text = "somebody"
    service.assert_refused(browser.deliver(post.with_xml(message.xml())), "signature-invalid")
    assert not (service.state / "overlay").exists()
    thief = browser.copy()
    service.assert_accepted(browser.deliver(post))
    assert (service.state / "overlay").exists()
    service.assert_refused(thief.deliver(post), "replay")


def test_nothing_is_promoted_by_default(service, idp):
    service.trust.certificate("test", "staged", idp.key("k2"))
    service.settled()
    idp.set(keys="k2")
    assert slot_of_login(service) == "staged"
    assert slot_of_login(service) == "staged"
    assert not (service.state / "overlay").exists()


def test_an_overlay_that_cannot_be_written_stops_no_login(make_service, idp):
    service = make_service(settings=("ClockSkew 0", "PromoteOnFirstUse on"))
    service.trust.certificate("test", "staged", idp.key("k2"))
    service.start()
    service.httpd.expect("SMC0121")
    (service.state / "overlay.lock").mkdir()
    idp.set(keys="k2")
    assert slot_of_login(service) == "staged"
    assert slot_of_login(service) == "staged"
    (service.state / "overlay.lock").rmdir()
    assert slot_of_login(service) == "staged"
    service.settled()
    assert slot_of_login(service) == "primary"


def test_a_broken_overlay_takes_nothing_down(promoting, idp, prints):
    service = promoting
    idp.set(keys="k2")
    assert slot_of_login(service) == "staged"
    kept(service)
    service.httpd.expect("SMC0103: .*overlay:1: not `promote IDP SHA256 TIME`")
    (service.state / "overlay").write_text("hello\n")
    service.settled()
    assert slots(service) == {prints["k1"]: "primary", prints["k2"]: "staged"}
    assert slot_of_login(service) == "staged"      # and again it is the first use
    service.settled()
    assert slot_of_login(service) == "primary"


@pytest.mark.parametrize("restart", ["graceful", "full", "killed children"])
def test_the_last_good_generation_has_its_overlay(make_service, idp, prints, restart):
    service = make_service(settings=("ClockSkew 0", "PromoteOnFirstUse on"))
    service.trust.certificate("test", "staged", idp.key("k2"))
    service.start()
    idp.set(keys="k2")
    assert slot_of_login(service) == "staged"
    before = kept(service)
    service.httpd.expect("SMC0102|SMC000[124]")
    service.trust.write("idp/test/alternate.pem", "hello\n")
    eventually(lambda: service.status()["last_reload_error"], timeout=3, what="the refusal")
    if restart == "graceful":
        service.httpd.graceful()
    elif restart == "full":
        service.httpd.expect("SMC0010.*serves from the state directory")
        service.httpd.restart()
    else:
        service.httpd.kill_children()

    def serves():
        status = service.status()
        return status if status["serving"] == "archive" else None
    status = eventually(serves, timeout=5, what="the last good generation")
    assert status["generation_hash"] == before["generation_hash"]
    assert slot_of_login(service) == "primary"
    service.trust.remove("idp/test/alternate.pem")
    eventually(lambda: service.status()["last_reload_error"] is None, timeout=5, what="the repair")
    assert service.settled()["generation"] == before["generation"]
    assert slot_of_login(service) == "primary"


# ---- times


class Load:
    """Logins and requests with a session, from several threads, until it is left."""

    def __init__(self, service, logins=2):
        self.service = service
        self.logins = logins
        self.failures, self.count, self.stop = [], 0, threading.Event()

    def _login(self):
        while not self.stop.is_set():
            answer = self.service.browser().login("/app/index.shtml")
            self.count += 1
            if answer.status_code != 200:
                self.failures.append((answer.status_code, answer.text[:300]))

    def _guarded(self):
        try:
            self._login()
        except Exception as e:          # noqa: BLE001 - a thread's failure must reach the test
            self.failures.append(repr(e))

    def __enter__(self):
        self.threads = [threading.Thread(target=self._guarded) for _ in range(self.logins)]
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self.stop.set()
        for thread in self.threads:
            thread.join(30)
        if exc[0] is None:
            assert not self.failures, self.failures
            assert self.count > 5


def test_activation_under_load(service, idp, prints):
    service.trust.certificate("test", "staged", idp.key("k2"))
    text, at = rfc3339(3)
    add_setting(service, f"ActivateAt staged {text}")
    before = service.settled()
    scheduled = [c["scheduled"] for i in before["idps"] for c in i["certificates"] if c["scheduled"]]
    assert scheduled == [[{"move": "ActivateAt", "at": text}]]
    with Load(service):
        wait_until(at - 1)
        assert slots(service) == {prints["k1"]: "primary", prints["k2"]: "staged"}
        wait_until(at)
        start = time.monotonic()
        after = service.settled()
        assert time.monotonic() - start < 1.5
        idp.set(keys="k2")
        time.sleep(1)
    assert after["generation"] == before["generation"] + 1
    assert slots(service) == {prints["k2"]: "primary", prints["k1"]: "alternate"}
    assert slot_of_login(service) == "primary"
    told = moves_in_log(service)
    assert told.count(f"idp test: certificate {prints['k2']} moves staged -> primary (ActivateAt {text})") == 1
    assert told.count(
        f"idp test: certificate {prints['k1']} moves primary -> alternate (ActivateAt {text})") == 1


def test_retirement_refuses_at_once(service, idp, prints):
    service.trust.certificate("test", "alternate-old", idp.key("k2"))
    text, at = rfc3339(3)
    add_setting(service, f"RetireAt alternate-old {text}")
    service.settled()
    idp.set(keys="k2")
    assert slot_of_login(service) == "alternate"
    browser, _, post = service.captured()
    early, _, early_post = service.captured()
    assert time.time() < at
    service.assert_accepted(early.deliver(early_post))
    wait_until(at)
    refusal = service.assert_refused(browser.deliver(post), "cert-retired")
    assert prints["k2"] in refusal.sentence
    idp.set(keys="k1")
    assert slot_of_login(service) == "primary"
    eventually(lambda: f"idp test: certificate {prints['k2']} moves alternate -> retired (RetireAt {text})"
               in moves_in_log(service), what="the move in the log")


def test_retirement_comes_although_the_files_are_broken(make_service, idp):
    """The running generation can't be replaced: it must not be trusted for longer for that."""
    service = make_service()
    service.trust.certificate("test", "alternate", idp.key("k2"))
    text, at = rfc3339(5)
    add_setting(service, f"RetireAt alternate {text}")
    service.start()
    kept(service)
    idp.set(keys="k2")
    service.httpd.expect("SMC0102|SMC000[124]|SMC0010")
    service.trust.write("idp/test/alternate-x.pem", "hello\n")
    eventually(lambda: service.status()["last_reload_error"], timeout=3, what="the refusal")
    browser, _, post = service.captured()
    if time.time() < at - 1:
        assert slot_of_login(service) == "alternate"
    wait_until(at)
    service.assert_refused(browser.deliver(post), "cert-retired")
    service.httpd.restart()
    browser, _, post = service.captured()
    service.assert_refused(browser.deliver(post), "cert-retired")
    idp.set(keys="k1")
    assert slot_of_login(service) == "primary"


def test_what_is_in_slots_of_another_file_is_warned_of(service, idp):
    """An old line would take a new certificate at once."""
    add_setting(service, "RetireAt alternate 2026-01-01T00:00:00Z")
    service.httpd.expect("SMC0103: .*RetireAt alternate .*there is no file alternate.pem")
    service.settled()
    service.httpd.expect("SMC0103: .*RetireAt alternate .* is newer than that")
    service.trust.certificate("test", "alternate", idp.key("k2"))
    service.settled()
    idp.set(keys="k2")
    browser, _, post = service.captured()
    service.assert_refused(browser.deliver(post), "cert-retired")


# ---- our own keys


def published(service):
    text = "".join(service.browser().get("/saml/metadata").text.split())
    return {name for name in ("active", "next", "retiring")
            if certs.body(own_key(name).certificate) in text}


def test_our_own_next_key_takes_over(make_service, idp):
    """Metadata, decryption and signed requests all go on; the IdP learns the new key beforehand."""
    service = make_service(settings=("ClockSkew 0", "SignRequests on")).start()
    service.trust.sp_key("next")
    text, at = rfc3339(4)
    end, end_at = rfc3339(8)
    service.trust.write("sp/default/keys.conf", f"# as planned\nActivateAt next {text}\n"
                        f"RetireAt active {end}\n")
    before = service.settled()
    assert published(service) == {"active", "next"}
    idp.add_sp(service.browser().get("/saml/metadata").text)
    old_crt, new_crt = (own_key(n).certificate for n in ("active", "next"))

    def deliver(certificate):
        browser, _, post = service.captured()
        message = Message(post.xml).unsign()
        message.encrypt(certificate, "aes256-gcm").sign_response(idp.key("k1"))
        return browser, browser.deliver(post.with_xml(message.xml()))

    def roles():
        keyset, = service.status()["keysets"]
        return {k["sha256"]: k["role"] for k in keyset["keys"]}
    assert roles() == {certs.fingerprint(old_crt): "active", certs.fingerprint(new_crt): "next"}
    for crt in (old_crt, new_crt):
        service.assert_accepted(deliver(crt)[1])
    wait_until(at)
    after = service.settled()
    assert after["generation"] == before["generation"] + 1
    assert roles() == {certs.fingerprint(old_crt): "retiring", certs.fingerprint(new_crt): "active"}
    assert published(service) == {"next"}
    for crt in (old_crt, new_crt):
        service.assert_accepted(deliver(crt)[1])
    assert service.browser().login("/app/").status_code == 200
    idp.add_sp(service.browser().get("/saml/metadata").text)    # the IdP knows the new key alone
    idp.set(require_signed_requests="yes")
    assert service.browser().login("/app/").status_code == 200
    idp.set(require_signed_requests="no")
    wait_until(end_at)
    service.settled()
    assert roles() == {certs.fingerprint(new_crt): "active"}
    service.assert_accepted(deliver(new_crt)[1])
    service.assert_refused(deliver(old_crt)[1], "decrypt-failed")
    told = [t for t in moves_in_log(service) if t.startswith("own keys default")]
    assert len(told) == 3 and told[-1].endswith(f"moves retiring -> gone (RetireAt {end})")


def test_a_time_that_leaves_us_without_a_key_is_refused_at_once(service):
    before = service.settled()
    service.httpd.expect("keys.conf:1: RetireAt active .* without an active key")
    service.trust.write("sp/default/keys.conf", "RetireAt active 2099-01-01T00:00:00Z\n")
    eventually(lambda: service.status()["last_reload_error"], timeout=3, what="the refusal")
    assert service.status()["generation_hash"] == before["generation_hash"]
    assert service.browser().login().status_code == 200


def test_a_rollback_goes_by_the_files(make_service, idp, prints):
    """What has moved since the generation was kept has moved afterwards, too."""
    service = make_service(settings=("ClockSkew 0", "PromoteOnFirstUse on"))
    service.trust.certificate("test", "staged", idp.key("k2"))
    service.start()
    first = kept(service)
    idp.set(keys="k2")
    assert slot_of_login(service) == "staged"
    kept(service)
    service.trust.remove("idp/test/staged.pem")
    kept(service)
    browser, _, post = service.captured()
    service.assert_refused(browser.deliver(post), "cert-not-listed")
    answer = ctl("--trust", service.trust.root, "--state", service.state, "rollback", "--yes", "--force",
                 str(first["generation"]))
    assert answer.code == 0, answer
    service.settled()
    assert slots(service) == {prints["k2"]: "primary", prints["k1"]: "alternate"}
    assert slot_of_login(service) == "primary"


# ---- settling


def test_settling_under_load(make_service, idp, prints):
    """Files get other names; nobody notices."""
    service = make_service(settings=("ClockSkew 0", "PromoteOnFirstUse on"))
    service.trust.certificate("test", "staged", idp.key("k2"))
    service.trust.sp_key("next")
    service.trust.write("sp/default/keys.conf", "ActivateAt next 2026-01-01T00:00:00Z\n")
    service.httpd.tolerate("SMC0103: .*is newer than that")
    service.start()
    idp.set(keys="k2")
    assert slot_of_login(service) == "staged"
    before = service.settled()
    keys = [(k["sha256"], k["role"]) for k in before["keysets"][0]["keys"]]
    then = slots(service)
    assert then == {prints["k2"]: "primary", prints["k1"]: "alternate"}
    with Load(service):
        time.sleep(0.5)
        answer = settle(service)
        assert answer.code == 0, answer
        time.sleep(0.5)
        after = service.settled()
        idp.set(keys="k1")
        time.sleep(0.5)
    assert sorted(p.name for p in service.trust.path("idp/test").iterdir()) == \
        [f"alternate-{prints['k1'][:8]}.pem", "idp.conf", "primary.pem"]
    assert slots(service) == then
    assert [(k["sha256"], k["role"]) for k in after["keysets"][0]["keys"]] == keys
    assert after["generation"] == before["generation"] + 1
    assert slot_of_login(service) == "alternate"
    assert settle(service).out.startswith("Nothing to do")
    told = len(moves_in_log(service))
    service.trust.certificate("test", "staged", own_key("retiring"))
    service.settled()
    assert len(moves_in_log(service)) == told
