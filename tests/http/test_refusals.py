# SPDX-License-Identifier: Apache-2.0
"""Responses that must be refused: by the ACS and by the CLI, for the same reason.

Each case changes a real Response; most are signed again with the IdP's own key, so that only the
rule under test can refuse them. The twin is test_the_forger_itself_is_believed: the same steps
without a change are accepted.
"""

import lxml.etree
import pytest

from harness.browser import environment
from harness.certs import fingerprint
from harness.forge import DS, SAML, Message, instant
from harness.service import INCIDENT, changed


def shift(message, issued=0, before=None, after=None):
    """Move the times of a message: issue instants, NotBefore, every NotOnOrAfter."""
    if issued:
        for element in (message.root, message.assertion):
            element.set("IssueInstant", instant(issued))
    if before is not None:
        message.conditions.set("NotBefore", instant(before))
    if after is not None:
        message.conditions.set("NotOnOrAfter", instant(after))
        message.confirmation.set("NotOnOrAfter", instant(after))


def set_text(getter, value):
    return lambda m: setattr(getter(m), "text", value)


def set_attribute(getter, name, value):
    return lambda m: getter(m).set(name, value)


def drop(xpath):
    def change(message):
        found = message.all(xpath)
        assert found, xpath
        for element in found:
            element.getparent().remove(element)
    return change


def drop_attribute(getter, name):
    return lambda m: getter(m).attrib.pop(name)


def no_success(message):
    message.one("/samlp:Response/samlp:Status/samlp:StatusCode").set(
        "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder")


def other_audience_too(message):
    """Two restrictions are a conjunction: both must name us. spec: SAML-Core 2.5.1.4"""
    restriction = message.one("//saml:AudienceRestriction")
    extra = lxml.etree.SubElement(restriction.getparent(), f"{SAML}AudienceRestriction")
    lxml.etree.SubElement(extra, f"{SAML}Audience").text = "https://other.example.org/saml"


def unknown_condition(message):
    lxml.etree.SubElement(message.conditions, f"{SAML}Condition",
                          {"{http://www.w3.org/2001/XMLSchema-instance}type": "x:Strange"},
                          nsmap={"x": "urn:x"})


# Name, what to change, the reason code. All are signed again by the IdP's key.
RULES = [
    ("audience", set_text(lambda m: m.audience, "https://other.example.org/saml"), "wrong-audience"),
    ("audience-longer", lambda m: setattr(m.audience, "text", m.audience.text + "/"), "wrong-audience"),
    ("audience-case", lambda m: setattr(m.audience, "text", m.audience.text.upper()), "wrong-audience"),
    ("audience-and", other_audience_too, "wrong-audience"),
    ("no-audience", drop("//saml:AudienceRestriction"), "wrong-audience"),
    ("recipient", set_attribute(lambda m: m.confirmation, "Recipient", "https://other.example.org/acs"),
     "wrong-recipient"),
    ("no-recipient", drop_attribute(lambda m: m.confirmation, "Recipient"), "wrong-recipient"),
    ("destination", set_attribute(lambda m: m.root, "Destination", "https://other.example.org/acs"),
     "wrong-destination"),
    ("expired", lambda m: shift(m, issued=-900, before=-900, after=-300), "expired"),
    ("expired-conditions", lambda m: m.conditions.set("NotOnOrAfter", instant(-1)), "expired"),
    ("expired-confirmation", lambda m: m.confirmation.set("NotOnOrAfter", instant(-1)), "expired"),
    ("not-yet", lambda m: shift(m, before=120), "not-yet-valid"),
    ("in-response-to", lambda m: m.set_in_response_to("_0123456789abcdef0123456789abcdef"),
     "in-response-to"),
    ("in-response-to-inner", lambda m: m.confirmation.set("InResponseTo", "_0123456789abcdef"),
     "in-response-to"),
    ("in-response-to-outer", lambda m: m.root.set("InResponseTo", "_0123456789abcdef"),
     "in-response-to"),
    ("unknown-issuer", lambda m: [setattr(i, "text", "https://nobody.example.org")
                                  for i in m.all("//saml:Issuer")], "unknown-idp"),
    ("other-issuer-inside", lambda m: setattr(m.one("//saml:Assertion/saml:Issuer"), "text",
                                              "https://nobody.example.org"), "wrong-issuer"),
    ("status", no_success, "status-not-success"),
    ("no-name", drop("//saml:Subject"), "no-subject"),
    ("empty-name", set_text(lambda m: m.name_id, ""), "no-subject"),
    ("unknown-condition", unknown_condition, "malformed"),
    ("version", set_attribute(lambda m: m.root, "Version", "1.1"), "malformed"),
    ("bad-date", lambda m: m.conditions.set("NotOnOrAfter", "tomorrow"), "malformed"),
]


def refused_by_both(service, browser, request, post, code, status=403):
    """The ACS and the CLI refuse, with the same code."""
    verdict = service.verify(post.xml, in_response_to=[request.id])
    answer = browser.deliver(post)
    refusal = service.assert_refused(answer, code, status)
    assert verdict.code == 1, verdict
    assert verdict.json["verdict"] == "refused"
    assert verdict.json["code"] == code, verdict
    assert browser.session_cookie() is None
    return refusal, verdict


@pytest.mark.parametrize("which", ["both", "response", "assertion"])
def test_the_forger_itself_is_believed(service, idp, which):
    browser, request, post = service.captured()
    post = changed(post, lambda m: None, idp.key("k1"), which=which)
    assert service.verify(post.xml, in_response_to=[request.id]).json["code"] == "ok"
    service.assert_accepted(browser.deliver(post))


@pytest.mark.parametrize("change, code", [r[1:] for r in RULES], ids=[r[0] for r in RULES])
def test_a_rule_is_broken(service, idp, change, code):
    browser, request, post = service.captured()
    # Malformed to a browser that posts XML is 400; what is well formed and wrong is 403.
    status = 400 if code == "malformed" else 403
    refused_by_both(service, browser, request, changed(post, change, idp.key("k1")), code, status)


@pytest.mark.parametrize("inner", ["-1", "0"])
def test_the_end_is_exclusive(service, idp, inner):
    """NotOnOrAfter at or before now has ended; a moment later (the twin) has not."""
    browser, request, post = service.captured()
    bad = changed(post, lambda m: shift(m, after=int(inner)), idp.key("k1"))
    refused_by_both(service, browser, request, bad, "expired")


def test_times_that_are_about_to_end_are_accepted(service, idp):
    browser, _, post = service.captured()
    good = changed(post, lambda m: shift(m, before=-1, after=15), idp.key("k1"))
    service.assert_accepted(browser.deliver(good))


@pytest.mark.parametrize("skew, code", [(0, "expired"), (60, None)])
def test_clock_skew(service, idp, skew, code):
    service.settings, usual = (f"ClockSkew {skew}",), service.settings
    try:
        service.configure_idp()
    finally:
        service.settings = usual
    browser, request, post = service.captured()
    post = changed(post, lambda m: shift(m, after=-20), idp.key("k1"))
    if code:
        refused_by_both(service, browser, request, post, code)
    else:
        service.assert_accepted(browser.deliver(post))


@pytest.mark.parametrize("node", [lxml.etree.Comment("x"), lxml.etree.ProcessingInstruction("x")])
def test_a_name_is_never_cut(service, idp, node):
    """alice<!--x-->.evil must not become alice: refused, or read whole. The signature is good, because
    canonicalisation drops the comment."""
    def change(message):
        message.name_id.text = "alice"
        node.tail = ".evil"
        message.name_id.append(node)
    browser, request, post = service.captured()
    post = changed(post, change, idp.key("k1"))
    verdict = service.verify(post.xml, in_response_to=[request.id])
    answer = browser.deliver(post)
    if answer.status_code == 303:
        assert environment(browser.get("/app/index.shtml"))["REMOTE_USER"] == "alice.evil"
        assert verdict.json["name_id"]["value"] == "alice.evil"
    else:
        service.assert_refused(answer, "malformed", 400)
        assert verdict.json["code"] == "malformed"


# Signatures

@pytest.mark.parametrize("change", [
    lambda m: setattr(m.name_id, "text", "mallory"),
    lambda m: setattr(m.all("//saml:AttributeValue")[0], "text", "mallory"),
    lambda m: m.conditions.set("NotOnOrAfter", instant(9999)),
], ids=["name", "attribute", "time"])
@pytest.mark.parametrize("sign", ["both", "response", "assertion"])
def test_tampered(service, idp, change, sign):
    idp.set(sign=sign)
    browser, request, post = service.captured()
    refused_by_both(service, browser, request, changed(post, change), "signature-invalid")


def test_stripped_signature(service):
    browser, request, post = service.captured()
    refused_by_both(service, browser, request, changed(post, Message.unsign), "no-signature")


def test_emptied_signature_value(service):
    browser, request, post = service.captured()

    def empty(message):
        for value in message.all("//ds:SignatureValue"):
            value.text = ""
    verdict = service.verify(changed(post, empty).xml, in_response_to=[request.id])
    assert verdict.code == 1 and verdict.json["code"] in ("signature-invalid", "malformed")
    assert browser.deliver(changed(post, empty)).status_code in (400, 403)


def test_another_key(service):
    browser, request, post = service.captured()
    stranger = service.stranger()
    bad = changed(post, lambda m: None, stranger)
    refusal, _ = refused_by_both(service, browser, request, bad, "cert-not-listed")
    # The sentence names the certificate, so that an unannounced cutover can be told from an attack.
    assert fingerprint(stranger.certificate) in refusal.sentence.lower().replace(":", "")


def test_another_key_that_shows_the_right_certificate(service, idp):
    browser, request, post = service.captured()
    bad = changed(post, lambda m: None, service.stranger(), shown=idp.key("k1").certificate)
    refused_by_both(service, browser, request, bad, "signature-invalid")


def test_the_right_key_without_key_info(service, idp):
    browser, request, post = service.captured()
    message = Message(post.xml).sign(idp.key("k1"), "assertion")
    key_info = message.one("//ds:KeyInfo")
    key_info.getparent().remove(key_info)
    assert service.verify(message.xml(), in_response_to=[request.id]).json["code"] == "ok"
    service.assert_accepted(browser.deliver(post.with_xml(message.xml())))


def test_sha1(service, idp):
    browser, request, post = service.captured()
    refused_by_both(service, browser, request,
                    changed(post, lambda m: None, idp.key("k1"), digest="sha1"), "algorithm-forbidden")


def wrap_inside_extensions(message):
    """The signed assertion moves away, a forged one takes its place (wrapping, form 3 and kin)."""
    genuine = message.assertion
    forged = lxml.etree.fromstring(lxml.etree.tostring(genuine))
    forged.set("ID", "_forged")
    for signature in forged.findall(f"{DS}Signature"):
        forged.remove(signature)
    forged.find(f".//{SAML}NameID").text = "mallory"
    extensions = lxml.etree.Element("{%s}Extensions" % "urn:oasis:names:tc:SAML:2.0:protocol")
    message.root.replace(genuine, forged)
    extensions.append(genuine)
    message.root.insert(1, extensions)


def wrap_beside(message):
    genuine = message.assertion
    forged = lxml.etree.fromstring(lxml.etree.tostring(genuine))
    forged.set("ID", "_forged")
    for signature in forged.findall(f"{DS}Signature"):
        forged.remove(signature)
    forged.find(f".//{SAML}NameID").text = "mallory"
    genuine.addprevious(forged)


def wrap_in_object(message):
    """The forged assertion carries the genuine one inside its signature's Object."""
    genuine = message.assertion
    forged = lxml.etree.fromstring(lxml.etree.tostring(genuine))
    forged.set("ID", "_forged")
    forged.find(f".//{SAML}NameID").text = "mallory"
    message.root.replace(genuine, forged)
    holder = lxml.etree.SubElement(forged.find(f"{DS}Signature"), f"{DS}Object")
    for signature in genuine.findall(f"{DS}Signature"):
        genuine.remove(signature)
    holder.append(genuine)


@pytest.mark.parametrize("wrap", [wrap_inside_extensions, wrap_beside, wrap_in_object])
def test_wrapped_signatures(service, idp, wrap):
    idp.set(sign="assertion")
    browser, request, post = service.captured()
    bad = changed(post, wrap)
    verdict = service.verify(bad.xml, in_response_to=[request.id])
    assert verdict.code == 1
    assert verdict.json["code"] in ("malformed", "signature-scope", "no-signature", "signature-invalid")
    answer = browser.deliver(bad)
    assert answer.status_code in (400, 403)
    assert service.refusal(answer).code == verdict.json["code"]


# Whose answer is it

def test_the_response_of_another_browser(service):
    """Login CSRF: the attacker's response, posted by the victim's browser, which has a login under way."""
    _, _, attackers = service.captured()
    victim, _, own = service.captured(user="bob")
    service.assert_refused(victim.deliver(attackers), "in-response-to")
    service.assert_accepted(victim.deliver(own))


def test_the_attackers_response_with_the_victims_relay_state(service):
    _, _, attackers = service.captured()
    victim, request, own = service.captured(user="bob")
    mixed = type(own)(own.action, {**own.fields, "SAMLResponse": attackers.fields["SAMLResponse"]})
    refused_by_both(service, victim, request, mixed, "in-response-to")


def test_the_state_cookie_is_gone(service):
    _, _, post = service.captured()
    service.assert_refused(service.browser().deliver(post), "in-response-to")


def test_the_state_cookie_is_invented(service):
    browser, _, post = service.captured()
    for cookie in list(browser.session.cookies):
        if "-state-" in cookie.name:
            cookie.value = cookie.value[:-4] + ("AAAA" if cookie.value[-4:] != "AAAA" else "BBBB")
            browser.session.cookies.set_cookie(cookie)
    service.assert_refused(browser.deliver(post), "in-response-to")


@pytest.mark.parametrize("relay_state", [None, "", "x", "/app/", "A" * 80])
def test_the_relay_state_is_not_ours(service, relay_state):
    browser, _, post = service.captured()
    post.fields.pop("RelayState")
    if relay_state is not None:
        post.fields["RelayState"] = relay_state
    service.assert_refused(browser.deliver(post), "in-response-to")


def test_a_state_is_good_for_one_login(service, idp):
    browser, request, post = service.captured()
    service.assert_accepted(browser.deliver(post))
    again = Message(post.xml).new_ids().sign(idp.key("k1"))
    service.assert_refused(browser.deliver(post.with_xml(again.xml())), "in-response-to")


# The IdP's own state

def test_an_idp_that_is_switched_off(service):
    browser, request, post = service.captured()
    service.configure_idp("Status inactive")
    refused_by_both(service, browser, request, post, "idp-inactive")


def test_a_retired_certificate(service, idp):
    """The twin is the rotation test, where the same certificate was accepted before."""
    browser, request, post = service.captured()
    service.trust.certificate("test", "retired", idp.key("k1"))
    service.trust.certificate("test", "primary", idp.key("k2"))
    refused_by_both(service, browser, request, post, "cert-retired")


@pytest.mark.parametrize("expiry, code", [("reject", "cert-expired"), ("warn", None), ("ignore", None)])
def test_an_expired_certificate(service, expiry, code):
    old = service.stranger("Expired IdP", expired=True)
    service.httpd.tolerate("expired")
    service.trust.certificate("test", "alternate", old)
    service.configure_idp(f"CertExpiry {expiry}")
    browser, request, post = service.captured()
    post = changed(post, lambda m: None, old)
    if code:
        refused_by_both(service, browser, request, post, code)
    else:
        assert service.verify(post.xml, in_response_to=[request.id]).json["code"] == "ok"
        service.assert_accepted(browser.deliver(post))


@pytest.mark.parametrize("context, code", [("Password", None), ("X509", "authn-context")])
def test_the_authn_context_that_was_asked_for(service, idp, context, code):
    """The setting changes while the user is at the IdP: what counts is what is configured now."""
    browser, request, post = service.captured()
    service.configure_idp(f"AuthnContext urn:oasis:names:tc:SAML:2.0:ac:classes:{context}")
    if code is None:
        service.assert_accepted(browser.deliver(post))
    else:
        refused_by_both(service, browser, request, post, code)


@pytest.mark.parametrize("pattern, code", [("^[a-z]+$", None),
                                           ("^[0-9]+$", "user-filter")])
def test_the_user_filter(service, pattern, code):
    service.configure_idp(f"UserFilter {pattern}")
    browser, request, post = service.captured()
    if code is None:
        service.assert_accepted(browser.deliver(post))
    else:
        refused_by_both(service, browser, request, post, code)


@pytest.mark.parametrize("bits, code", [(1024, None), (2048, "key-too-small")])
def test_a_small_key(service, bits, code):
    service.httpd.tolerate("1024|MinRSABits")
    small = service.stranger("Small IdP", algorithm="rsa:1024")
    service.trust.certificate("test", "alternate", small)
    service.configure_idp(f"MinRSABits {bits}")
    browser, request, post = service.captured()
    post = changed(post, lambda m: None, small)
    if code is None:
        service.assert_accepted(browser.deliver(post))
    else:
        refused_by_both(service, browser, request, post, code)


# Nothing is told to a stranger

def test_all_refusals_look_the_same(service, idp):
    pages = set()
    for _, change, code in RULES[:1] + [r for r in RULES if r[2] in ("expired", "wrong-recipient")][:2]:
        browser, _, post = service.captured()
        answer = browser.deliver(changed(post, change, idp.key("k1")))
        pages.add((answer.status_code, INCIDENT.sub("incident", answer.text)))
    browser, _, post = service.captured()
    answer = browser.deliver(changed(post, lambda m: setattr(m.name_id, "text", "x")))
    pages.add((answer.status_code, INCIDENT.sub("incident", answer.text)))
    assert len(pages) == 1


def test_values_from_outside_are_escaped_in_the_log(service, idp):
    browser, _, post = service.captured()
    bad = changed(post, lambda m: setattr(m.audience, "text", "x\n[fake:error] \x7f<b>\u202e" + "y" * 5000),
                  idp.key("k1"))
    refusal = service.assert_refused(browser.deliver(bad), "wrong-audience")
    assert "\u202e" not in refusal.line.raw and "\x7f" not in refusal.line.raw
    assert len(refusal.line.raw) < 2000
    assert not any(line.raw.startswith("[fake") for line in service.httpd.log_lines())


# Accepted alike

@pytest.mark.parametrize("user", ["alice", "bob"])
def test_the_cli_and_the_server_read_the_same(service, idp, user):
    browser, request, post = service.captured(user)
    verdict = service.verify(post.xml, in_response_to=[request.id])
    assert verdict.code == 0 and verdict.json["verdict"] == "accepted", verdict
    service.assert_accepted(browser.deliver(post))
    env = environment(browser.get("/app/index.shtml"))
    found = verdict.json
    assert found["code"] == "ok" and found["idp"] == "test"
    assert found["name_id"] == {"value": env["SAML_NAME_ID"], "format": env["SAML_NAME_ID_FORMAT"]}
    joined = {f"SAML_ATTR_{name}": ";".join(v.replace(";", "\\;") for v in values)
              for name, values in found["attributes"].items()}
    assert joined == {k: v for k, v in env.items() if k.startswith("SAML_ATTR_")}
    assert found["certificate"]["sha256"] == env["SAMLCERT_FINGERPRINT"]
    assert found["certificate"]["slot"] == env["SAMLCERT_SLOT"] == "primary"
    assert [s["step"] for s in found["steps"]] and all(
        set(s) >= {"step", "outcome"} for s in found["steps"])
