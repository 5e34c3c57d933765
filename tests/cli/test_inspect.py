# SPDX-License-Identifier: Apache-2.0
"""samlcertctl inspect says what openssl says."""

import base64
import datetime

import pytest

from harness import certs
from harness.ctl import ctl
from harness.tools import run

KEYS = {"rsa": ("RSA", 2048), "big": ("RSA", 3072), "ec": ("EC", 256), "old": ("RSA", 2048)}


def openssl_value(certificate, option, *more):
    text = run("openssl", "x509", "-in", certificate, "-noout", f"-{option}", *more).stdout
    return text.split("=", 1)[1].strip()


def openssl_date(certificate, which):
    text = openssl_value(certificate, which)
    return datetime.datetime.strptime(text, "%b %d %H:%M:%S %Y %Z").strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize("name", KEYS)
def test_json(signers, name):
    certificate = signers[name].certificate
    answer = ctl("--json", "inspect", certificate)
    assert answer.code == 0, answer
    found, = answer.json
    for digest in ("sha1", "sha256", "sha384", "sha512"):
        assert found[digest] == certs.fingerprint(certificate, digest)
    assert found["spki_sha256"] == certs.spki_sha256(certificate)
    assert base64.b64decode(found["spki_sha256_base64"]).hex() == found["spki_sha256"]
    assert found["subject"] == openssl_value(certificate, "subject", "-nameopt", "RFC2253")
    assert found["issuer"] == openssl_value(certificate, "issuer", "-nameopt", "RFC2253")
    assert found["serial"] == openssl_value(certificate, "serial").lower()
    assert found["not_before"] == openssl_date(certificate, "startdate")
    assert found["not_after"] == openssl_date(certificate, "enddate")
    assert found["self_signed"] is True
    key_type, bits = KEYS[name]
    assert found["key_type"].startswith(key_type) and found["key_bits"] == bits
    assert (found["days_left"] < 0) == (name == "old")


def test_text(signers):
    certificate = signers["rsa"].certificate
    answer = ctl("inspect", certificate)
    assert answer.code == 0
    flat = answer.out.replace(":", "").lower()
    for digest in ("sha1", "sha256", "sha384", "sha512"):
        assert certs.fingerprint(certificate, digest) in flat
    assert certs.spki_sha256(certificate) in flat
    for word in ("CN=rsa", "2048", "RSA", "self-signed"):
        assert word.lower() in answer.out.lower()


def test_der_and_bundles_and_stdin(signers, workspace):
    der, bundle = workspace / "c.der", workspace / "bundle.pem"
    run("openssl", "x509", "-in", signers["rsa"].certificate, "-outform", "DER", "-out", der)
    bundle.write_text("a comment\n" + signers["rsa"].pem + signers["ec"].pem)
    first, second = (certs.fingerprint(signers[n].certificate) for n in ("rsa", "ec"))
    assert [c["sha256"] for c in ctl("--json", "inspect", der).json] == [first]
    assert [c["sha256"] for c in ctl("--json", "inspect", bundle).json] == [first, second]
    assert [c["sha256"] for c in ctl("--json", "inspect", "-", input=signers["ec"].pem).json] == [second]


def test_a_certificate_that_a_ca_signed(signers, workspace):
    ca, leaf = signers["rsa"], workspace / "leaf.crt"
    run("openssl", "req", "-new", "-key", signers["ec"].key, "-subj", "/CN=leaf", "-out", workspace / "csr")
    run("openssl", "x509", "-req", "-in", workspace / "csr", "-CA", ca.certificate, "-CAkey", ca.key,
        "-CAcreateserial", "-days", "10", "-out", leaf)
    found, = ctl("--json", "inspect", leaf).json
    assert found["self_signed"] is False
    assert (found["subject"], found["issuer"]) == ("CN=leaf", "CN=rsa")


@pytest.mark.parametrize("content", ["", "hello\n", "-----BEGIN CERTIFICATE-----\nMIIC\n",
                                     "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])
def test_what_is_no_certificate(workspace, content):
    file = workspace / "broken.pem"
    file.write_text(content)
    answer = ctl("inspect", file)
    assert answer.code == 2
    assert "broken.pem" in answer.err


def test_a_private_key_is_not_shown(signers):
    answer = ctl("inspect", signers["rsa"].key)
    assert answer.code == 2
    assert "MII" not in answer.out + answer.err


def test_a_missing_file():
    answer = ctl("inspect", "/nonexistent/c.pem")
    assert answer.code == 2
    assert "/nonexistent/c.pem" in answer.err
