# SPDX-License-Identifier: Apache-2.0
"""Cookies, and what outlives what: sessions and replay claims against restarts and dead children."""

import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import requests

from harness.browser import NAVIGATION, set_cookies
from harness.tools import eventually


def test_the_session_cookie(service):
    browser, _, post = service.captured()
    cookie = set_cookies(browser.deliver(post))["__Host-samlcert"]
    assert cookie["secure"] and cookie["httponly"]
    assert cookie["path"] == "/" and not cookie["domain"]
    assert cookie["samesite"].lower() == "lax"
    assert len(cookie.value) >= 43                          # 256 bits
    assert not cookie["max-age"] and not cookie["expires"]  # ends with the browser


def test_the_state_cookie(service):
    browser = service.browser()
    (name, cookie), = set_cookies(browser.get("/app/")).items()
    prefix, _, suffix = name.rpartition("-")
    assert prefix == "__Host-samlcert-state"
    assert len(suffix) == 16 and int(suffix, 16) >= 0
    assert cookie["secure"] and cookie["httponly"]
    assert cookie["path"] == "/" and not cookie["domain"]
    assert cookie["samesite"].lower() == "none"
    assert 60 <= int(cookie["max-age"]) <= 86400


def test_the_state_cookie_goes_when_the_login_is_done(service):
    browser, _, post = service.captured()
    assert any("-state-" in n for n in browser.cookie_names())
    browser.deliver(post)
    assert browser.cookie_names() == ["__Host-samlcert"]


def test_state_cookies_do_not_pile_up(service):
    """A browser that asks again and again without logging in keeps a bounded number of them."""
    browser = service.browser()
    for _ in range(30):
        assert browser.get("/app/").status_code in (302, 303)
    assert len(browser.cookie_names()) <= 10


def test_each_login_gets_a_session_of_its_own(service):
    """A cookie that was there before the login (fixation) is not the one that is there after it."""
    browser = service.browser()
    browser.login()
    first = browser.session_cookie().value
    again = browser.get("/saml/login?target=/app/")
    post = browser.at_idp(again.headers["Location"])
    service.assert_accepted(browser.deliver(post))
    assert browser.session_cookie().value != first


def test_an_invented_session_is_no_session(service):
    browser = service.browser()
    browser.login()
    value = browser.session_cookie().value
    for bad in ("", "x", "A" * 43, value[:-1], value + "A", value[::-1], "A" * 5000, "%00", "\"", "é"):
        answer = requests.get(f"{service.base}/app/", allow_redirects=False, timeout=20,
                              verify=str(service.httpd.tls_certificate),
                              headers={**NAVIGATION, "Cookie": f"__Host-samlcert={bad}".encode()})
        assert answer.status_code in (302, 303), bad
    assert browser.get("/app/").status_code == 200


def test_the_session_of_plain_http_is_not_taken(service):
    """The name without __Host- belongs to SamlCertInsecureCookies, which is off."""
    browser = service.browser()
    browser.login()
    value = browser.session_cookie().value
    stranger = service.browser()
    answer = stranger.get("/app/", headers={"Cookie": f"samlcert={value}"})
    assert answer.status_code in (302, 303)


def test_a_session_of_another_service_provider_is_not_taken(service, make_service):
    other = make_service()
    other.start()
    browser = service.browser()
    browser.login()
    value = browser.session_cookie().value
    answer = other.browser().get("/app/", headers={"Cookie": f"__Host-samlcert={value}"})
    assert answer.status_code in (302, 303)


def test_logout_ends_the_session_here(service):
    browser = service.browser()
    browser.login()
    value = browser.session_cookie().value
    answer = browser.get("/saml/logout")
    assert answer.status_code in (200, 302, 303)
    assert browser.session_cookie() is None
    assert browser.get("/app/").status_code in (302, 303)
    kept = service.browser().get("/app/", headers={"Cookie": f"__Host-samlcert={value}"})
    assert kept.status_code in (302, 303), "the session lives on in the store"


def test_logout_without_a_session_is_harmless(service):
    assert service.browser().get("/saml/logout").status_code in (200, 302, 303)


def test_sessions_and_replay_claims_outlive_a_graceful_restart(service):
    browser, _, post = service.captured()
    thief = browser.copy()
    service.assert_accepted(browser.deliver(post))
    for _ in range(3):
        service.httpd.graceful()
        assert browser.get("/app/").status_code == 200
    service.assert_refused(thief.deliver(post), "replay")


def test_sessions_and_replay_claims_outlive_a_full_restart(service):
    browser, _, post = service.captured()
    thief = browser.copy()
    service.assert_accepted(browser.deliver(post))
    service.httpd.restart()
    assert browser.get("/app/").status_code == 200
    service.assert_refused(thief.deliver(post), "replay")


def test_a_login_under_way_outlives_a_full_restart(service):
    browser, _, post = service.captured()
    service.httpd.restart()
    service.assert_accepted(browser.deliver(post))


def test_sessions_and_replay_claims_outlive_killed_children(service):
    browser, _, post = service.captured()
    thief = browser.copy()
    service.assert_accepted(browser.deliver(post))
    service.httpd.tolerate(r"exit signal Killed \(9\)|AH10392")
    victims = service.httpd.children()
    for pid in victims:
        os.kill(pid, signal.SIGKILL)

    def replaced():
        children = service.httpd.children()
        return len(children) >= 2 and not set(children) & set(victims)
    eventually(replaced, what="new children")
    assert browser.get("/app/").status_code == 200
    service.assert_refused(thief.deliver(post), "replay")
    assert service.browser().login().status_code == 200


def test_replay_is_refused_by_every_child(service):
    browser, _, post = service.captured()
    thief = browser.copy()
    service.assert_accepted(browser.deliver(post))
    children, seen = set(service.httpd.children()), set()
    for _ in range(200):
        seen.add(service.assert_refused(thief.copy().deliver(post), "replay").line.pid)
        if children <= seen:
            break
    assert len(seen) >= 2
    assert thief.session_cookie() is None


def test_the_back_button_is_refused(service):
    """The browser itself has lost its state cookie, so either reason is right."""
    browser, _, post = service.captured()
    service.assert_accepted(browser.deliver(post))
    answer = browser.deliver(post)
    assert answer.status_code == 403
    assert service.refusal(answer).code in ("replay", "in-response-to")
    assert browser.get("/app/").status_code == 200, "the session that is there goes on"


def test_one_of_many_at_once_wins(service):
    """The same response on 8 connections at the same moment: one session, seven replays."""
    browser, _, post = service.captured()
    thieves = [browser.copy() for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        codes = sorted(pool.map(lambda t: t.deliver(post).status_code, thieves))
    assert codes == [303] + [403] * 7


def test_a_session_ends_when_idle_or_old(make_service):
    for directive in ("SamlCertSessionIdle 1", "SamlCertSessionLifetime 1"):
        service = make_service(extra=directive)
        service.start()
        browser = service.browser()
        assert browser.login().status_code == 200
        time.sleep(2.1)
        assert browser.get("/app/").status_code in (302, 303), directive


def test_use_keeps_a_session_from_idling(make_service):
    service = make_service(extra="SamlCertSessionIdle 3")
    service.start()
    browser = service.browser()
    browser.login()
    for _ in range(4):
        time.sleep(1)
        assert browser.get("/app/").status_code == 200


def test_plain_http_for_development(make_service):
    service = make_service(extra="SamlCertInsecureCookies on", tls=False)
    service.httpd.expect("SamlCertInsecureCookies")
    service.start()
    browser = service.browser()
    (name, cookie), = set_cookies(browser.get("/app/")).items()
    assert name.startswith("samlcert-state-")
    assert not cookie["secure"] and cookie["samesite"].lower() == "lax" and cookie["httponly"]
    assert browser.login().status_code == 200
    assert browser.session_cookie().name == "samlcert"
