# SPDX-License-Identifier: Apache-2.0
"""An IdP that signs with a certificate which nobody configured: reported, kept, never learnt."""

import shlex
import subprocess

from harness.certs import fingerprint
from harness.ctl import ctl
from harness.service import changed


def reports(service, signer):
    mark = fingerprint(signer.certificate)
    return [line for line in service.httpd.log_lines()
            if "SMC0206" in line.text and mark in line.text]


def refused(service, signer, **sign):
    browser, _, post = service.captured()
    service.assert_refused(browser.deliver(changed(post, lambda m: None, signer, **sign)),
                           "cert-not-listed")


def listed(service, signer):
    answer = ctl("--state", service.state, "--json", "unlisted")
    assert answer.code == 0, answer
    return [entry for entry in answer.json if entry["sha256"] == fingerprint(signer.certificate)]


def test_it_is_reported_once_and_kept(service):
    stranger = service.stranger("Next IdP certificate")
    assert not listed(service, stranger)
    for _ in range(3):
        refused(service, stranger)
    (line,) = reports(service, stranger)
    assert line.level == "warn"
    (entry,) = listed(service, stranger)
    assert entry["idp"] == "test" and entry["subject"] == "CN=Next IdP certificate"
    assert entry["pem"].strip() == stranger.pem.strip()
    text = ctl("--state", service.state, "--trust", service.trust.root, "unlisted")
    assert fingerprint(stranger.certificate) in text.out


def test_the_command_in_the_log_stages_it(service):
    stranger = service.stranger("Staged by the log")
    refused(service, stranger)
    (line,) = reports(service, stranger)
    command = line.text[line.text.index("install -m"):]
    subprocess.run(shlex.split(command), check=True)
    service.settled()
    browser, _, post = service.captured()
    service.assert_accepted(browser.deliver(changed(post, lambda m: None, stranger)))


def test_a_certificate_that_did_not_sign_is_not_reported(service):
    """Or anybody could have us report the certificate of anybody else."""
    signer, shown = service.stranger("Signer"), service.stranger("Shown")
    browser, _, post = service.captured()
    service.assert_refused(
        browser.deliver(changed(post, lambda m: None, signer, shown=shown.certificate)),
        "cert-not-listed")
    assert not reports(service, shown) and not listed(service, shown)
    assert not reports(service, signer) and not listed(service, signer)
