# SPDX-License-Identifier: Apache-2.0
"""Encrypted assertions: what the real IdP sends, and what it should send."""

import pytest

from harness import certs
from harness.browser import environment
from harness.forge import Message
from harness.service import changed
from harness.trust import own_key


@pytest.fixture
def sp_certificate(service):
    return service.trust.path("sp/default/active.crt")


def test_cbc_is_refused_with_the_setting_that_would_allow_it(service, idp):
    idp.set(encrypt="yes")
    browser, request, post = service.captured()
    refusal = service.assert_refused(browser.deliver(post), "algorithm-forbidden")
    assert "EncryptionAlgorithms" in refusal.sentence and "aes128-cbc" in refusal.sentence
    verdict = service.verify(post.xml, in_response_to=[request.id])
    assert verdict.code == 1 and verdict.json["code"] == "algorithm-forbidden"


def test_cbc_under_a_signed_response_where_it_is_allowed(service, idp):
    idp.set(encrypt="yes")
    service.httpd.expect("EncryptionAlgorithms allows aes128-cbc")
    service.configure_idp("EncryptionAlgorithms +aes128-cbc")
    browser, request, post = service.captured()
    assert b"EncryptedAssertion" in post.xml and b"alice" not in post.xml
    verdict = service.verify(post.xml, in_response_to=[request.id])
    assert verdict.json["code"] == "ok" and verdict.json["name_id"]["value"] == "alice"
    service.assert_accepted(browser.deliver(post))
    env = environment(browser.get("/app/index.shtml"))
    assert env["REMOTE_USER"] == "alice"
    assert env["SAML_ATTR_eduPersonAffiliation"] == "member;staff"


def test_cbc_without_a_signed_response_is_refused_even_then(service, idp):
    """Nothing covers the ciphertext: decrypting it would be an oracle."""
    idp.set(encrypt="yes", sign="assertion")
    service.httpd.expect("EncryptionAlgorithms allows aes128-cbc")
    service.configure_idp("EncryptionAlgorithms +aes128-cbc")
    browser, request, post = service.captured()
    service.assert_refused(browser.deliver(post), "algorithm-forbidden")
    assert service.verify(post.xml, in_response_to=[request.id]).json["code"] == "algorithm-forbidden"


@pytest.mark.parametrize("outer, inner", [("response", "assertion"), ("response", None),
                                          (None, "assertion")])
def test_gcm_is_accepted(service, idp, sp_certificate, outer, inner):
    browser, request, post = service.captured()
    message = Message(post.xml).unsign()
    if inner:
        message.sign(idp.key("k1"), "assertion")
    message.encrypt(sp_certificate, "aes256-gcm")
    if outer:
        message.sign_response(idp.key("k1"))
    post = post.with_xml(message.xml())
    verdict = service.verify(post.xml, in_response_to=[request.id])
    assert verdict.code == 0, verdict
    service.assert_accepted(browser.deliver(post))
    assert environment(browser.get("/app/index.shtml"))["SAML_ATTR_uid"] == "alice"


def test_an_unsigned_assertion_that_is_only_encrypted_is_refused(service, sp_certificate):
    browser, request, post = service.captured()
    bad = changed(post, lambda m: m.unsign().encrypt(sp_certificate))
    service.assert_refused(browser.deliver(bad), "no-signature")
    assert service.verify(bad.xml, in_response_to=[request.id]).json["code"] == "no-signature"


@pytest.mark.parametrize("role", ["next", "retiring"])
def test_every_key_of_ours_decrypts(service, idp, role):
    key = service.trust.sp_key(role)
    service.settled()
    browser, request, post = service.captured()
    message = Message(post.xml).sign(idp.key("k1"), "assertion").encrypt(key.certificate)
    post = post.with_xml(message.xml())
    assert service.verify(post.xml, in_response_to=[request.id]).json["code"] == "ok"
    service.assert_accepted(browser.deliver(post))


def test_a_key_of_ours_decrypts_from_the_moment_it_is_there(service, idp):
    """Any child may have published it already; the one that gets the response must not wait to poll."""
    for _ in range(3):
        service.settled()
        browser, _, post = service.captured()
        message = Message(post.xml).sign(idp.key("k1"), "assertion").encrypt(own_key("next").certificate)
        service.trust.sp_key("next")
        service.assert_accepted(browser.deliver(post.with_xml(message.xml())))
        browser, _, post = service.captured()
        message = Message(post.xml).sign(idp.key("k1"), "assertion").encrypt(own_key("next").certificate)
        for end in ("key", "crt"):
            service.trust.remove(f"sp/default/next.{end}")
        service.assert_refused(browser.deliver(post.with_xml(message.xml())), "decrypt-failed")


def test_a_key_that_is_gone_does_not_decrypt(service, idp):
    stranger = service.stranger()
    browser, request, post = service.captured()
    message = Message(post.xml).sign(idp.key("k1"), "assertion").encrypt(stranger.certificate)
    post = post.with_xml(message.xml())
    service.assert_refused(browser.deliver(post), "decrypt-failed")
    assert service.verify(post.xml, in_response_to=[request.id]).json["code"] == "decrypt-failed"


@pytest.mark.parametrize("which", [0, 1], ids=["key", "data"])
def test_failures_of_decryption_are_one(service, idp, sp_certificate, which):
    """A changed EncryptedKey and changed data give the same code and the same page."""
    browser, _, post = service.captured()
    message = Message(post.xml).sign(idp.key("k1"), "assertion").encrypt(sp_certificate)
    value = message.all("//*[local-name()='CipherValue']")[which]
    value.text = "".join(value.text.split())
    value.text = value.text[:40] + ("A" if value.text[40] != "A" else "B") + value.text[41:]
    service.assert_refused(browser.deliver(post.with_xml(message.xml())), "decrypt-failed")


def test_plain_assertions_where_encryption_is_required(service, idp, sp_certificate):
    service.configure_idp("RequireEncrypted on")
    browser, request, post = service.captured()
    answer = browser.deliver(post)
    assert answer.status_code == 403
    assert "RequireEncrypted" in service.refusal(answer).sentence
    assert service.verify(post.xml, in_response_to=[request.id]).code == 1
    browser, _, post = service.captured()
    message = Message(post.xml).sign(idp.key("k1"), "assertion").encrypt(sp_certificate)
    service.assert_accepted(browser.deliver(post.with_xml(message.xml())))


def test_our_certificates_are_published_for_encryption(service):
    service.trust.sp_key("next")
    service.settled()
    metadata = service.browser().get("/saml/metadata").text
    for role in ("active", "next"):
        assert certs.body(service.trust.path(f"sp/default/{role}.crt")) in "".join(metadata.split())
