# SPDX-License-Identifier: Apache-2.0
"""A login that the application asked for: the request, the way back, what the application sees."""

import re
import urllib.parse

import pytest

from harness import certs
from harness.browser import environment, parse_request
from harness.forge import NS

PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
UNSPECIFIED = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"


def test_the_authn_request_is_well_formed(service):
    request = service.browser().begin("/app/")
    root = request.root
    assert request.url.startswith(f"{service.idp.sso_url}?")
    assert root.tag == f"{{{NS['samlp']}}}AuthnRequest"
    assert root.get("Version") == "2.0"
    assert re.fullmatch(r"[A-Za-z_][\w.-]{20,}", root.get("ID"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", root.get("IssueInstant"))
    assert root.get("Destination") == service.idp.sso_url
    assert root.get("AssertionConsumerServiceURL") == service.acs
    assert root.get("ProtocolBinding") == "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
    assert root.xpath("string(saml:Issuer)", namespaces=NS) == service.entity_id


def test_request_ids_and_relay_states_do_not_repeat(service):
    requests = [service.browser().begin("/app/") for _ in range(5)]
    assert len({r.id for r in requests}) == 5
    assert len({r.relay_state for r in requests}) == 5


def test_the_relay_state_is_opaque_and_short(service):
    state = service.browser().begin("/app/secret-page?token=1").relay_state
    assert len(state) <= 80                               # spec: SAML-Bindings 3.4.3
    assert "secret" not in state and "app" not in state


def test_settings_shape_the_request(service):
    service.configure_idp(f"NameIDFormat {PERSISTENT}", "ForceAuthn on",
                          "AuthnContext urn:oasis:names:tc:SAML:2.0:ac:classes:Password")
    service.settled()
    root = service.browser().begin("/app/").root
    assert root.xpath("string(samlp:NameIDPolicy/@Format)", namespaces=NS) == PERSISTENT
    assert root.get("ForceAuthn") == "true"
    assert root.xpath("string(//saml:AuthnContextClassRef)", namespaces=NS).endswith(":Password")


def test_a_signed_request_is_one_that_the_idp_verifies(service, idp):
    """The IdP refuses unsigned requests here; it knows our key from our metadata."""
    service.configure_idp("SignRequests on")
    service.settled()
    metadata = service.browser().get("/saml/metadata").text
    idp.add_sp(metadata)
    idp.set(require_signed_requests="yes")
    try:
        browser = service.browser()
        request = browser.begin("/app/")
        query = urllib.parse.urlsplit(request.url).query
        assert "SigAlg=" in query and "&Signature=" in query
        assert browser.deliver(browser.at_idp(request.url)).status_code == 303
        unsigned = re.sub(r"&(SigAlg|Signature)=[^&]*", "", request.url)
        with pytest.raises(AssertionError, match="50[03]|40[03]|no SAMLResponse"):
            service.browser().at_idp(unsigned)
    finally:
        service.trust.restore()
        service.settled()
        idp.add_sp(service.browser().get("/saml/metadata").text)


def test_login_and_environment(service, idp):
    page = service.browser().login("/app/index.shtml")
    assert page.status_code == 200
    env = environment(page)
    assert env["REMOTE_USER"] == "alice"
    assert env["AUTH_TYPE"] == "SAML"
    assert env["SAML_NAME_ID"] == "alice"
    assert env["SAML_NAME_ID_FORMAT"] == UNSPECIFIED
    assert env["SAML_IDP"] == idp.entity_id
    assert env["SAML_SESSION_INDEX"]
    assert env["SAML_AUTHN_CONTEXT"] == "urn:oasis:names:tc:SAML:2.0:ac:classes:Password"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", env["SAML_AUTHN_INSTANT"])
    assert env["SAML_ATTR_uid"] == "alice"
    assert env["SAML_ATTR_eduPersonAffiliation"] == "member;staff"
    assert env["SAMLCERT_FINGERPRINT"] == certs.fingerprint(idp.key("k1").certificate)
    assert env["SAMLCERT_SLOT"] == "primary"
    assert int(env["SAMLCERT_GENERATION"]) >= 1


def test_names_beyond_ascii_and_separators_within_values(service):
    env = environment(service.browser().login("/app/index.shtml", user="bob"))
    assert env["SAML_ATTR_cn"] == "Bób Ünïcode & <Sons>"
    assert env["SAML_ATTR_mail"] == "bob@example.org;robert@example.com"
    assert env["SAML_ATTR_eduPersonAffiliation"] == "member;student;library\\; walk-in"


def test_the_remote_user_may_be_an_attribute(service):
    service.configure_idp("RemoteUser mail")
    env = environment(service.browser().login("/app/index.shtml"))
    assert env["REMOTE_USER"] == "alice@example.org"
    assert env["SAML_NAME_ID"] == "alice"


def test_attributes_with_names_that_are_uris(service, idp):
    idp.set(attributes="oid")
    env = environment(service.browser().login("/app/index.shtml"))
    values = [v for k, v in env.items() if k.startswith("SAML_ATTR_")]
    assert "alice" in values and "member;staff" in values
    assert all(re.fullmatch(r"[A-Za-z0-9_.:-]+", k) for k in env)


@pytest.mark.parametrize("header", ["X-Remote-User", "REMOTE_USER", "Remote-User", "SAML_NAME_ID",
                                    "SAML-ATTR-uid", "X-SAML_ATTR_uid"])
def test_request_headers_do_not_become_variables_of_ours(service, header):
    browser = service.browser()
    browser.login()
    env = environment(browser.get("/app/index.shtml", headers={header: "mallory"}))
    ours = {k: v for k, v in env.items() if k.startswith(("SAML", "REMOTE_USER", "AUTH"))}
    assert ours["REMOTE_USER"] == "alice"
    assert "mallory" not in ours.values()


def test_a_deep_link_survives_the_login(service):
    target = "/app/index.shtml?q=a%20b&r=%C3%A9&list=1&list=2"
    page = service.browser().login(target)
    assert page.status_code == 200
    assert page.url == f"{service.base}{target}"
    assert environment(page)["QUERY_STRING"] == target.split("?")[1]


def test_two_tabs_log_in_side_by_side(service):
    """Each tab has a state of its own: neither login spoils the other, in any order."""
    browser = service.browser()
    first, second = browser.capture("/app/?tab=1"), browser.capture("/app/?tab=2")
    for _, post in (second, first):
        service.assert_accepted(browser.deliver(post))
    assert browser.get("/app/").status_code == 200


def test_the_login_endpoint_starts_a_login(service, idp):
    browser = service.browser()
    answer = browser.get("/saml/login?target=/app/index.shtml%3Fx=1")
    assert answer.status_code in (302, 303)
    post = browser.at_idp(parse_request(answer.headers["Location"]).url)
    assert service.assert_accepted(browser.deliver(post)).endswith("/app/index.shtml?x=1")


def test_the_login_endpoint_takes_an_idp_by_entity_id(service, idp):
    known = urllib.parse.quote(idp.entity_id, safe="")
    answer = service.browser().get(f"/saml/login?target=/app/&idp={known}")
    assert answer.headers["Location"].startswith(idp.sso_url)
    unknown = service.browser().get("/saml/login?target=/app/&idp=https%3A%2F%2Fnobody.example")
    assert unknown.status_code in (400, 403, 404)
    assert "Location" not in unknown.headers


@pytest.mark.parametrize("headers", [
    {"X-Requested-With": "XMLHttpRequest"},
    {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
    {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
    {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
])
def test_what_is_no_page_gets_401_and_no_redirect(service, headers):
    answer = service.browser().get("/app/", headers=headers)
    assert answer.status_code == 401
    assert "Location" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_only_get_and_head_are_sent_to_the_idp(service, method):
    answer = service.browser().request(method, "/app/", data="x=1")
    assert answer.status_code == 401
    assert "Location" not in answer.headers


def test_head_is_sent_to_the_idp(service):
    assert service.browser().request("HEAD", "/app/").status_code in (302, 303)


def test_public_pages_stay_public(service):
    answer = service.browser().get("/")
    assert answer.status_code == 200
    assert "Set-Cookie" not in answer.headers


def test_answers_about_logins_are_not_cached(service):
    browser = service.browser()
    redirect = browser.get("/app/")
    _, post = browser.capture()
    accepted = browser.deliver(post)
    refused = browser.deliver(post)
    for answer in (redirect, accepted, refused):
        assert "no-store" in answer.headers.get("Cache-Control", ""), answer.status_code


def test_metadata_alone_is_enough(service, idp):
    """idp/NAME/metadata.xml and nothing else: entity ID, SSO URL and key come from there."""
    service.trust.remove("idp/test/idp.conf")
    service.trust.remove("idp/test/primary.pem")
    service.trust.write("idp/test/metadata.xml", idp.metadata().read_text())
    service.settled()
    env = environment(service.browser().login("/app/index.shtml"))
    assert env["REMOTE_USER"] == "alice"
    assert env["SAMLCERT_SLOT"] == "none"


@pytest.mark.parametrize("sign", ["both", "response", "assertion"])
def test_each_way_of_signing_is_accepted(service, idp, sign):
    idp.set(sign=sign)
    assert service.browser().login().status_code == 200


@pytest.mark.parametrize("required, sent, code", [
    ("response", "response", None), ("response", "assertion", "no-signature"),
    ("assertion", "assertion", None), ("assertion", "response", "no-signature"),
    ("both", "both", None), ("both", "response", "no-signature"), ("both", "assertion", "no-signature"),
    ("any", "none", "no-signature"),
])
def test_the_signature_that_is_required(service, idp, required, sent, code):
    service.configure_idp(f"ResponseSignature {required}")
    idp.set(sign=sent)
    browser, request, post = service.captured()
    verdict = service.verify(post.xml, in_response_to=[request.id])
    answer = browser.deliver(post)
    if code is None:
        service.assert_accepted(answer)
        assert verdict.json["code"] == "ok"
    else:
        service.assert_refused(answer, code)
        assert verdict.json["code"] == code


@pytest.mark.parametrize("sigalg, code", [("rsa-sha384", None), ("rsa-sha512", None),
                                          ("rsa-sha1", "algorithm-forbidden")])
def test_signature_algorithms(service, idp, sigalg, code):
    idp.set(sigalg=sigalg)
    browser, _, post = service.captured()
    if code is None:
        service.assert_accepted(browser.deliver(post))
    else:
        service.assert_refused(browser.deliver(post), code)
