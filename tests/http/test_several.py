# SPDX-License-Identifier: Apache-2.0
"""Several assertions in one response: all of them are used, and used once; values of other scopes."""

import copy
import uuid

import lxml.etree

from harness.browser import environment
from harness.forge import NS, SAML, Message
from harness.service import changed

SCOPE = ('<md:Extensions><s:Scope xmlns:s="urn:mace:shibboleth:metadata:1.0" regexp="false">'
         'example.org</s:Scope></md:Extensions>')


def attribute(name, *values):
    element = lxml.etree.Element(f"{SAML}Attribute", Name=name)
    for value in values:
        lxml.etree.SubElement(element, f"{SAML}AttributeValue").text = value
    return element


def more_attributes(xml):
    """An assertion about the same subject that says nothing but a colour."""
    second = copy.deepcopy(Message(xml).assertion)
    second.set("ID", f"_{uuid.uuid4().hex}")
    for unwanted in ("ds:Signature", "saml:AuthnStatement", "saml:Subject/saml:SubjectConfirmation",
                     "saml:AttributeStatement/saml:Attribute"):
        for element in second.xpath(unwanted, namespaces=NS):
            element.getparent().remove(element)
    second.find(f"{SAML}AttributeStatement").append(attribute("colour", "blue"))
    return second


def with_second(post, second, signer):
    def add(message):
        message.root.append(copy.deepcopy(second))
    return changed(post, add, signer, which="response")


def test_attributes_of_both(service, idp):
    browser, request, post = service.captured()
    post = with_second(post, more_attributes(post.xml), idp.key("k1"))
    verdict = service.verify(post.xml, in_response_to=[request.id])
    assert verdict.json["code"] == "ok"
    assert {s["step"]: s["detail"] for s in verdict.json["steps"]}["subject"].startswith("the same in 2")
    service.assert_accepted(browser.deliver(post))
    seen = environment(browser.get("/app/index.shtml"))
    assert seen["SAML_ATTR_colour"] == "blue"
    assert seen["SAML_ATTR_uid"] == "alice"


def test_the_second_is_used_once_too(service, idp):
    browser, _, post = service.captured()
    second = more_attributes(post.xml)
    service.assert_accepted(browser.deliver(with_second(post, second, idp.key("k1"))))
    browser, _, post = service.captured()
    service.assert_refused(browser.deliver(with_second(post, second, idp.key("k1"))), "replay")
    browser, _, post = service.captured()
    service.assert_accepted(browser.deliver(with_second(post, more_attributes(post.xml), idp.key("k1"))))


def test_an_unsigned_one_beside_a_signed_one(service, idp):
    idp.set(sign="assertion")
    browser, _, post = service.captured()
    bad = changed(post, lambda m: m.root.append(more_attributes(post.xml)))
    service.assert_refused(browser.deliver(bad), "no-signature")


def test_values_of_other_scopes_are_told(make_service, idp):
    service = make_service(extra="LogLevel samlcert:debug")
    metadata = Message(idp.metadata().read_bytes()).root
    role = metadata.find(".//{urn:oasis:names:tc:SAML:2.0:metadata}IDPSSODescriptor")
    role.insert(0, lxml.etree.fromstring(f'<x xmlns:md="{role.nsmap["md"]}">{SCOPE}</x>')[0])
    service.trust.write("idp/test/metadata.xml", lxml.etree.tostring(metadata).decode())
    service.start()
    browser, _, post = service.captured()

    def add(message):
        message.assertion.find(f"{SAML}AttributeStatement").append(
            attribute("eduPersonPrincipalName", "alice@example.org", "alice@else.example.net"))
    service.assert_accepted(browser.deliver(changed(post, add, idp.key("k1"))))
    seen = environment(browser.get("/app/index.shtml"))
    assert set(seen["SAML_ATTR_eduPersonPrincipalName"].split(";")) == {"alice@example.org"}
    told = [line for line in service.httpd.log_lines() if "SMC0212" in line.text]
    assert len(told) == 1 and told[0].level == "debug"
    assert "eduPersonPrincipalName of else.example.net" in told[0].text
