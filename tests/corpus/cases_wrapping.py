# SPDX-License-Identifier: Apache-2.0
"""Signature wrapping: something signed is moved aside, something else is put where it stood."""

import re

from .message import SAMLP
from .table import accepted, refused

ANY = ("malformed", "signature-scope", "signature-invalid", "no-signature")
SIGNATURE = re.compile(r"<ds:Signature .*?</ds:Signature>", re.S)
ASSERTION = re.compile(r"<saml:Assertion.*</saml:Assertion>", re.S)
STATUS = "<samlp:Status>"


def evil(assertion, new_id="_evil", signed=False):
    """The attacker's assertion: another name, another ID, with or without the old signature."""
    text = assertion.replace(">alice<", ">eve<").replace(">staff<", ">admin<")
    text = re.sub(r'( ID=")[^"]*(")', rf"\g<1>{new_id}\2", text, count=1) if new_id else text
    return text if signed else SIGNATURE.sub("", text)


# Where the original goes: text with the parts of a signed Response -> text of the attack.
PLACES = {
    "beside, first": lambda m, a, e: m.replace(a, a + e), "beside, second": lambda m, a, e: m.replace(a, e + a),
    "in Extensions": lambda m, a, e: m.replace(a, e).replace(STATUS, f"<samlp:Extensions>{a}</samlp:Extensions>{STATUS}"),
    "in StatusDetail": lambda m, a, e: m.replace(a, e).replace(
        "</samlp:Status>", f"<samlp:StatusDetail>{a}</samlp:StatusDetail></samlp:Status>"),
    "in Advice": lambda m, a, e: m.replace(a, e.replace("<saml:AuthnStatement", f"<saml:Advice>{a}</saml:Advice>"
                                                        "<saml:AuthnStatement")),
    "in an attribute value": lambda m, a, e: m.replace(a, e.replace(">admin<", f">{a}<")),
    "in SubjectConfirmationData": lambda m, a, e: m.replace(a, re.sub(
        r"(<saml:SubjectConfirmationData[^>]*)/>", lambda d: f"{d[1]}>{a}</saml:SubjectConfirmationData>", e)),
    "in AuthnContext": lambda m, a, e: m.replace(a, e.replace("<saml:AuthnContext>", f"<saml:AuthnContext><saml:AuthnContextDecl>{a}"
                                                             "</saml:AuthnContextDecl>")),
    "in NameID": lambda m, a, e: m.replace(a, e.replace(">eve<", f">eve{a}<")),
    "in Object": lambda m, a, e: m.replace(a, e.replace("<saml:Subject>", SIGNATURE.search(a)[0].replace(
        "</ds:Signature>", f"<ds:Object>{SIGNATURE.sub('', a)}</ds:Object></ds:Signature>") + "<saml:Subject>")),
    "in KeyInfo": lambda m, a, e: m.replace(a, e.replace("<saml:Subject>", SIGNATURE.search(a)[0].replace(
        "</ds:KeyInfo>", f"{SIGNATURE.sub('', a)}</ds:KeyInfo>") + "<saml:Subject>")),
    "in its own signature, whole": lambda m, a, e: m.replace(a, e.replace(
        "<saml:Subject>", f'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#">{a}</ds:Signature><saml:Subject>')),
    "under the Response's end": lambda m, a, e: m.replace(a, e) + a,
    "around": lambda m, a, e: m.replace(a, e.replace("</saml:Assertion>", a + "</saml:Assertion>")),
    "in an unknown element": lambda m, a, e: m.replace(a, f'{e}<x xmlns="urn:x">{a}</x>'),
    "in an unknown element first": lambda m, a, e: m.replace(a, f'<x xmlns="urn:x">{a}</x>{e}'),
    "in a comment": lambda m, a, e: m.replace(a, f"<!--{a}-->{e}"),
    "in CDATA": lambda m, a, e: m.replace(a, e.replace(">admin<", f"><![CDATA[{a}]]><")),
    "in an EncryptedAssertion": lambda m, a, e: m.replace(a, f"{e}<saml:EncryptedAssertion>{a}</saml:EncryptedAssertion>"),
    "in a second Response": lambda m, a, e: m.replace(a, e).replace(
        STATUS, f"<samlp:Extensions>{m}</samlp:Extensions>{STATUS}"),
    "nowhere": lambda m, a, e: m.replace(a, e),
}
POLICIES = {   # ID of the attacker's assertion, and whether the signature goes along
    "new ID": dict(new_id="_evil", signed=False), "new ID, with signature": dict(new_id="_evil", signed=True),
    "same ID": dict(new_id=None, signed=False), "same ID, with signature": dict(new_id=None, signed=True),
    "no ID": dict(new_id="", signed=True),
}
for place, wrap in PLACES.items():
    for policy, how in POLICIES.items():
        def build(k, wrap=wrap, how=how):
            message = k.signed("assertion")
            original = ASSERTION.search(message)[0]
            return wrap(message, original, evil(original, **how))
        refused(f"wrapping: original {place}, {policy}", ANY, "Somorovsky et al. 2012; SECURITY-RULES 6 to 11", build,
                "assertion signed")


def response_wrapped(change):
    """The Response as a whole is signed; `change(signed, evil)` builds a new one around it."""
    def build(k):
        message = k.signed("response")
        bad = SIGNATURE.sub("", message).replace(">alice<", ">eve<").replace(k.response_id, "_evil")
        return change(message, bad)
    return build


OUTER = {
    "in Extensions": lambda m, e: e.replace(STATUS, f"<samlp:Extensions>{m}</samlp:Extensions>{STATUS}"),
    "in Object of its signature": lambda m, e: e.replace(STATUS, SIGNATURE.search(m)[0].replace(
        "</ds:Signature>", f"<ds:Object>{SIGNATURE.sub('', m)}</ds:Object></ds:Signature>") + STATUS, 1),
    "at the end": lambda m, e: e.replace("</samlp:Response>", m + "</samlp:Response>"),
    "in the assertion": lambda m, e: e.replace("</saml:Assertion>", f"<saml:Advice>{m}</saml:Advice></saml:Assertion>"),
    "its signature on the new one": lambda m, e: e.replace(STATUS, SIGNATURE.search(m)[0] + STATUS, 1),
    "its signature on the assertion": lambda m, e: e.replace("<saml:Subject>", SIGNATURE.search(m)[0] + "<saml:Subject>"),
    "second root": lambda m, e: e + m, "root around": lambda m, e: f'<samlp:Response xmlns:samlp="{SAMLP}">{m}{e}</samlp:Response>',
    "a second assertion": lambda m, e: m.replace("</samlp:Response>", ASSERTION.search(e)[0].replace(
        ' ID="_a', ' ID="_b') + "</samlp:Response>"),
}
for name, change in OUTER.items():
    refused(f"wrapping: response {name}", ANY, "Somorovsky et al. 2012", response_wrapped(change), "response signed")

# --- signatures of something else ---

refused("borrowed: signed error, status changed", "signature-invalid", "CVE-2025-47949: what is not covered counts not",
        lambda k: k.signed("response", status=k.status("Requester")).replace("status:Requester", "status:Success"),
        "response signed")
refused("borrowed: assertion put into a signed error", ANY, "SECURITY-RULES 11", lambda k: k.sign(
    k.draft(assertion="", status=k.status("Requester")), "response").replace(
        "</samlp:Response>", k.assertion(signature="") + "</samlp:Response>").replace("status:Requester", "status:Success"),
    "response signed")
refused("borrowed: signature of another message", "signature-invalid", "SECURITY-RULES 11", lambda k: SIGNATURE.sub(
    lambda m: SIGNATURE.search(k.signed("assertion", subject=k.subject(k.name_id("bob"))))[0], k.signed("assertion")),
    "assertion signed")
refused("borrowed: only the issuer is signed", ("signature-scope", "malformed"), "Core 5.4.2", lambda k: k.sign(
    k.draft(issuer=k.issuer_element(ID="_i")), element_id="_i"), "assertion signed")
refused("borrowed: only the status is signed", ("signature-scope", "malformed"), "Core 5.4.2", lambda k: k.sign(
    k.draft(status=k.status().replace("<samlp:Status>", '<samlp:Status ID="_s">')), "response", element_id="_s"),
    "response signed")
MISPLACED = {
    "last in the assertion": lambda t: SIGNATURE.sub("", t).replace("</saml:Assertion>", SIGNATURE.search(t)[0]
                                                                   + "</saml:Assertion>"),
    "first in the assertion": lambda t: re.sub(r"(<saml:Assertion[^>]*>)", lambda m: m[1] + SIGNATURE.search(t)[0],
                                               SIGNATURE.sub("", t)),
    "in the response instead": lambda t: SIGNATURE.sub("", t).replace(STATUS, SIGNATURE.search(t)[0] + STATUS),
    "after the response's status": lambda t: SIGNATURE.sub("", t).replace("</samlp:Status>", "</samlp:Status>"
                                                                          + SIGNATURE.search(t)[0]),
    "in the subject": lambda t: SIGNATURE.sub("", t).replace("<saml:Subject>", "<saml:Subject>" + SIGNATURE.search(t)[0]),
}
for name, change in MISPLACED.items():
    refused(f"misplaced: {name}", ANY, "Core 5.4, schema order", lambda k, c=change: c(k.signed()), "assertion signed")
IDS = {
    "Id": lambda t: t.replace("<saml:Assertion ", "<saml:Assertion ").replace(" ID=\"_a", " Id=\"_a"),
    "id": lambda t: t.replace(" ID=\"_a", " id=\"_a"),
    "xml:id": lambda t: t.replace(" ID=\"_a", " xml:id=\"_a"),
    "namespaced": lambda t: t.replace(" ID=\"_a", " xmlns:q=\"urn:q\" q:ID=\"_a"),
    "AssertionID": lambda t: t.replace(" ID=\"_a", " AssertionID=\"_a"),
}
for name, change in IDS.items():
    refused(f"ID: {name}", ANY, "SECURITY-RULES 8", lambda k, c=change: c(k.signed()), "assertion signed")
for name, element in {"ID": '<x xmlns="urn:x" ID="@"/>', "Id": '<x xmlns="urn:x" Id="@"/>', "id": '<x xmlns="urn:x" id="@"/>',
                      "namespaced": '<x xmlns="urn:x" xmlns:q="urn:q" q:ID="@"/>', "iD": '<x xmlns="urn:x" iD="@"/>',
                      "by reference": '<x xmlns="urn:x" ID="&#95;@"/>'}.items():
    refused(f"ID: elsewhere as {name}", ("signature-scope", "malformed"), "SECURITY-RULES 8", lambda k, e=element: k.signed(
        extensions="<samlp:Extensions>" + e.replace("&#95;@", "&#95;" + k.assertion_id[1:]).replace("@", k.assertion_id)
        + "</samlp:Extensions>"), "assertion signed")
accepted("ID: another one elsewhere", "no clash", lambda k: k.signed(
    extensions='<samlp:Extensions><x xmlns="urn:x" ID="_other" Id="_another"/></samlp:Extensions>'))
refused("advice: an assertion in it", "malformed", "SECURITY-RULES 6: none anywhere else", lambda k: k.signed(
    advice=f"<saml:Advice>{k.assertion(signature='', ID='_advice')}</saml:Advice>"), "assertion signed")
