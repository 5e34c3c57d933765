# SPDX-License-Identifier: Apache-2.0
"""Logins that start at the IdP."""

import pytest

from harness.forge import Message


def unsolicited(service, relay_state=None):
    browser = service.browser()
    return browser, browser.at_idp(service.idp.unsolicited_url(service.entity_id, relay_state))


def test_off_by_default(service):
    browser, post = unsolicited(service)
    service.assert_refused(browser.deliver(post), "unsolicited")
    assert service.verify(post.xml).json["code"] == "unsolicited"
    assert browser.session_cookie() is None


def test_accepted_where_switched_on(service):
    service.allow_unsolicited()
    browser, post = unsolicited(service, "/app/index.shtml?from=idp")
    assert service.verify(post.xml).json["code"] == "ok"
    location = service.assert_accepted(browser.deliver(post))
    assert location.endswith("/app/index.shtml?from=idp")
    assert browser.get("/app/").status_code == 200


def test_the_cli_accepts_by_its_option(service):
    _, post = unsolicited(service)
    assert service.verify(post.xml, "--unsolicited").json["code"] == "ok"


def test_without_relay_state_the_browser_stays_here(service):
    service.allow_unsolicited()
    browser, post = unsolicited(service)
    location = service.assert_accepted(browser.deliver(post))
    assert location == "/" or location.startswith(f"{service.base}/")


def test_a_second_time_is_a_replay(service):
    service.allow_unsolicited()
    browser, post = unsolicited(service)
    service.assert_accepted(browser.deliver(post))
    service.assert_refused(browser.deliver(post), "replay")
    service.assert_refused(service.browser().deliver(post), "replay")


def test_the_same_assertion_in_another_wrapping_is_a_replay(service, idp):
    """The Response is new and signed; the assertion in it was used before."""
    service.allow_unsolicited()
    idp.set(sign="assertion")
    browser, post = unsolicited(service)
    service.assert_accepted(browser.deliver(post))
    message = Message(post.xml)
    message.root.set("ID", "_another")
    service.assert_refused(service.browser().deliver(post.with_xml(message.xml())), "replay")


def test_an_answer_to_a_request_does_not_pass_as_unsolicited(service):
    """With a state cookie that is gone, `Unsolicited on` must not help."""
    service.allow_unsolicited()
    _, _, post = service.captured()
    service.assert_refused(service.browser().deliver(post), "in-response-to")


@pytest.mark.parametrize("where", ["response", "confirmation"])
def test_half_an_answer_is_no_unsolicited_response(service, idp, where):
    """InResponseTo on one of two places only: neither an answer nor unsolicited."""
    service.allow_unsolicited()
    _, _, post = service.captured()
    message = Message(post.xml)
    element = message.root if where == "confirmation" else message.confirmation
    del element.attrib["InResponseTo"]
    message.sign(idp.key("k1"))
    service.assert_refused(service.browser().deliver(post.with_xml(message.xml())), "in-response-to")
