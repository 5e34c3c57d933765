# SPDX-License-Identifier: Apache-2.0
"""Where a browser may be sent after a login or a logout: here, or to an allowed host."""

import urllib.parse

import pytest

from harness.browser import lands_on, parse_request
from harness.forge import Message

# {host} is our own host and port.
HOSTILE = [
    "https://evil.example/", "http://evil.example/", "//evil.example/", "///evil.example/",
    "////evil.example/", "/\\evil.example/", "\\/evil.example/", "\\\\evil.example/", "/\\/evil.example",
    "https:evil.example", "https:/evil.example", "https:\\\\evil.example", "https:///evil.example",
    "HTTPS://EVIL.EXAMPLE/", "hTtPs:evil.example", " https://evil.example", "\thttps://evil.example",
    "\nhttps://evil.example", "/\t/evil.example", "/\n/evil.example", "/\r\n/evil.example",
    "/\x0b/evil.example", "\x01//evil.example", "\u2028//evil.example", "/\u200b/evil.example",
    "javascript:alert(1)", "JavaScript:alert(1)", "java\nscript:alert(1)", "data:text/html,x",
    "vbscript:x", "file:///etc/passwd", "ftp://evil.example", "mailto:x@evil.example", "blob:x",
    "https://{host}@evil.example/", "https://{host}:x@evil.example/", "https://evil.example#@{host}/",
    "https://evil.example?@{host}/", "https://evil.example\\@{host}/", "https://{host}\\@evil.example",
    "https://{host}.evil.example/", "https://evil{host}/", "https://{host}0/", "https://{host} .evil.example",
    "https://127.0.0.1/", "http://{host}/", "https://localhost/", "https://2130706433/",
    "https://partner.example.org.evil.example/", "https://evil.example/partner.example.org",
    "https://xpartner.example.org/", "http://partner.example.org/", "https://x@partner.example.org/",
    "https://partner.example.org:8443/", "https://partner.example.org\\.evil.example/",
    "https://partner.example.org%2eevil.example/", "https://partner.example.org\t.evil.example/",
    "/%0d%0aLocation:%20https://evil.example", "/app\r\nSet-Cookie: x=1", "/app\r\n\r\n<script>",
    "/app\x00", "/\u00e9", "evil.example", "app/", "?x", "#x", "..//evil.example", "/" + "a" * 5000,
    "/ /evil.example", "https://[::1]/", "https://[{host}/", "https://", "https:", "//", "///", "\\",
]
GOOD = ["/app/", "/app/index.shtml?a=b%20c&d=//x#f", "/", "/app//x", "/app/?u=https://evil.example/",
        "https://{host}/app/", "https://{host}/", "https://partner.example.org/x?y=1"]


def allowed_origins(service):
    return {service.base, "https://partner.example.org"}


@pytest.fixture
def unsolicited(service):
    """Deliver one captured response with any RelayState, as many times as needed."""
    service.allow_unsolicited()
    browser = service.browser()
    post = browser.at_idp(service.idp.unsolicited_url(service.entity_id))

    def deliver(relay_state):
        message = Message(post.xml).new_ids().sign(service.idp.key("k1"), "assertion")
        fresh = post.with_xml(message.xml())
        fresh.fields["RelayState"] = relay_state
        return service.browser().deliver(fresh)
    return deliver


def host(service):
    return service.base.split("//")[1]


def test_no_hostile_relay_state_leaves_the_site(service, unsolicited):
    left = []
    for target in HOSTILE:
        target = target.replace("{host}", host(service))
        answer = unsolicited(target)
        location = answer.headers.get("Location")
        # A NUL or a broken form may be refused outright; everything else is a login that stays here.
        if answer.status_code not in (303, 400) or (
                location and lands_on(service.acs, location) != service.base):
            left.append((target, answer.status_code, location))
        if "evil" in str({k: v for k, v in answer.headers.items() if k != "Location"}):
            left.append((target, "header", dict(answer.headers)))
    assert not left


def test_no_hostile_target_of_a_login_leaves_the_site(service):
    browser = service.browser()
    left = []
    for target in HOSTILE:
        target = target.replace("{host}", host(service))
        answer = browser.get(f"/saml/login?target={urllib.parse.quote(target, safe='')}")
        if answer.status_code == 400:
            continue
        # Not refused: then the login itself must end on the site.
        assert answer.status_code in (302, 303), (target, answer.status_code)
        request = parse_request(answer.headers["Location"])
        location = service.assert_accepted(browser.deliver(browser.at_idp(request.url)))
        if lands_on(service.acs, location) != service.base:
            left.append((target, location))
    assert not left


def test_no_hostile_target_of_a_logout_leaves_the_site(service):
    left = []
    for target in HOSTILE:
        target = target.replace("{host}", host(service))
        answer = service.browser().get(f"/saml/logout?target={urllib.parse.quote(target, safe='')}")
        location = answer.headers.get("Location")
        if location and lands_on(service.base, location) != service.base:
            left.append((target, location))
    assert not left


def test_a_hostile_path_is_no_way_out(service):
    """The page that was asked for is a target too: //evil.example/app is a path here, a host elsewhere."""
    browser = service.browser()
    for path in ("//evil.example/../app/", "/app//evil.example", "/app/%5c%5cevil.example"):
        answer = browser.get(f"{service.base}{path}")
        if answer.status_code in (302, 303):
            request = parse_request(answer.headers["Location"])
            location = service.assert_accepted(browser.deliver(browser.at_idp(request.url)))
            assert lands_on(service.acs, location) == service.base, path


@pytest.mark.parametrize("target", GOOD)
def test_good_targets_are_reached(service, unsolicited, target):
    target = target.replace("{host}", host(service))
    location = service.assert_accepted(unsolicited(target))
    wanted = target if target.startswith("https:") else f"{service.base}{target}"
    assert urllib.parse.urljoin(service.acs, location) == wanted
    assert lands_on(service.acs, location) in allowed_origins(service)


@pytest.mark.parametrize("query", ["target=/app/&target=https://evil.example/", "%74arget=/a&target=/b",
                                   "idp=a&idp=b", "target=%zz", "target=%00"])
def test_an_ambiguous_query_is_refused(service, query):
    answer = service.browser().get(f"/saml/login?{query}")
    assert answer.status_code == 400
    assert "Location" not in answer.headers
