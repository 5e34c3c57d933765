# SPDX-License-Identifier: Apache-2.0
"""A pin has no key: the certificate that it once accepted verifies messages that carry none."""

import pytest

from harness.certs import fingerprint
from harness.service import changed


def without_key_info(message):
    for element in message.all("//ds:Signature/ds:KeyInfo"):
        element.getparent().remove(element)


def pinned(make_service, idp):
    idp.set(sign="assertion")    # a signature of the response would cover the KeyInfo in it
    service = make_service()
    service.trust.remove("idp/test/primary.pem")
    service.configure_idp(
        f"SignCerts CERT_VALIDATION:IGNORE_TRUST,{fingerprint(idp.key('k1').certificate)}")
    return service.start()


def deliver(service, change=lambda message: None):
    browser, _, post = service.captured()
    return browser.deliver(changed(post, change))


def remembered(service):
    return list((service.state / "remembered/test").glob("*.pem"))


def test_remembered_by_the_first_login(make_service, idp):
    service = pinned(make_service, idp)
    service.assert_refused(deliver(service, without_key_info), "cert-not-listed")
    assert not (service.state / "remembered").exists()
    service.assert_accepted(deliver(service))
    (file,) = remembered(service)
    written = file.stat()
    assert written.st_mode & 0o777 == 0o600
    assert len([line for line in service.httpd.log_lines() if "SMC0207" in line.text]) == 1
    for change in (without_key_info, lambda message: None, without_key_info):
        service.assert_accepted(deliver(service, change))
    assert file.stat().st_mtime_ns == written.st_mtime_ns
    # after a restart it is known from the state directory alone
    service.httpd.stop()
    service.httpd.start()
    browser, request, post = service.captured()
    bare = changed(post, without_key_info)
    assert service.verify(bare.xml, "--unsolicited").json["code"] == "cert-not-listed"
    answer = service.verify(bare.xml, "--state", service.state, in_response_to=[request.id])
    assert answer.json["code"] == "ok", answer
    service.assert_accepted(browser.deliver(bare))


def test_it_adds_no_trust(make_service, idp):
    service = pinned(make_service, idp)
    service.assert_accepted(deliver(service))
    service.configure_idp(f"SignCerts CERT_VALIDATION:IGNORE_TRUST,{'ab' * 32}")
    service.assert_refused(deliver(service, without_key_info), "cert-not-listed")
    service.assert_refused(deliver(service), "cert-not-listed")


@pytest.mark.parametrize("obstacle", ["a file in its place"])
def test_a_login_does_not_fail_by_it(make_service, idp, obstacle):
    service = pinned(make_service, idp)
    (service.state / "remembered").write_text(obstacle)
    service.httpd.expect("SMC0208")
    for _ in range(3):
        service.assert_accepted(deliver(service))


def test_trial_of_a_stricter_rule(make_service, idp):
    """It is reported at load and once an hour at logins, and decides nothing."""
    service = make_service()
    service.configure_idp("TrustReportOnly ValidateChain=on")
    service.httpd.expect("would be refused under TrustReportOnly ValidateChain=on")
    service.start()
    for _ in range(2):
        service.assert_accepted(deliver(service))
    assert [line for line in service.httpd.log_lines()
            if "SMC0202" in line.text and "no-trust-configured" in line.text]
    _, request, post = service.captured()
    found = service.verify(post.xml, in_response_to=[request.id]).json
    assert found["code"] == "ok"
    assert [s for s in found["steps"] if "would be refused under TrustReportOnly" in s["detail"]]
