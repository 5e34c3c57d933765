# SPDX-License-Identifier: Apache-2.0
"""samlcertctl verify on what the real IdP sent; the http tests compare it with the server."""

import base64
import datetime
import urllib.parse

import pytest

from harness import certs
from harness.ctl import ctl, verify
from harness.forge import Message, instant
from harness.paper import ACS, ENTITY_ID


@pytest.fixture
def check(trust, captured):
    """verify() as the service provider of these tests; unsolicited unless told otherwise."""
    def check(data=captured.xml, *options, unsolicited=True, now=None, **kwargs):
        more = ("--unsolicited",) if unsolicited else ()
        return verify(trust.root, ENTITY_ID, ACS, data, *options, *more, now=now or instant(), **kwargs)
    return check


def test_accepted(check, idp):
    answer = check()
    assert answer.code == 0, answer
    found = answer.json
    assert set(found) == {"verdict", "code", "message", "idp", "name_id", "attributes", "certificate",
                          "steps"}
    assert (found["verdict"], found["code"], found["idp"]) == ("accepted", "ok", "test")
    assert found["name_id"] == {"value": "bob",
                                "format": "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"}
    assert found["attributes"]["cn"] == ["Bób Ünïcode & <Sons>"]
    assert found["attributes"]["eduPersonAffiliation"] == ["member", "student", "library; walk-in"]
    certificate = found["certificate"]
    assert certificate["sha256"] == certs.fingerprint(idp.key("k1").certificate)
    assert (certificate["slot"], certificate["mode"]) == ("primary", "on-file")
    assert certificate["subject"] == "CN=Example IdP signing key k1"
    assert {s["outcome"] for s in found["steps"]} <= {"passed", "skipped"}


def test_forms_of_input(check, captured, workspace, trust):
    encoded = base64.b64encode(captured.xml)
    form = urllib.parse.urlencode({"SAMLResponse": encoded.decode(), "RelayState": "x&y"}).encode()
    for data in (captured.xml, encoded, base64.encodebytes(captured.xml), form, encoded + b"\n"):
        assert check(data).json["code"] == "ok", data[:40]
    file = workspace / "response.xml"
    file.write_bytes(captured.xml)
    answer = ctl("--trust", trust.root, "--json", "verify", "--entity-id", ENTITY_ID, "--acs", ACS,
                 "--unsolicited", file)
    assert answer.json["code"] == "ok"


def test_text(trust, captured):
    arguments = ("--trust", trust.root, "verify", "--entity-id", ENTITY_ID, "--acs", ACS)
    accepted = ctl(*arguments, "--unsolicited", "-", input=captured.xml)
    assert accepted.code == 0
    assert "accepted" in accepted.out and "robert@example.com" in accepted.out
    refused = ctl(*arguments, "-", input=captured.xml)
    assert refused.code == 1
    assert "refused" in refused.out and "unsolicited" in refused.out
    assert "robert" not in refused.out


def test_refused_tells_nothing_of_what_it_says(check, captured):
    found = check(captured.xml.replace(b"bob", b"eve")).json
    assert (found["verdict"], found["code"]) == ("refused", "signature-invalid")
    assert found["name_id"] is None and not found["attributes"]
    assert [s for s in found["steps"] if s["outcome"] == "failed"]


def test_solicited(check, captured, idp):
    message = Message(captured.xml).set_in_response_to("_request1").sign(idp.key("k1")).xml()
    assert check(message, unsolicited=False, in_response_to=["_request1"]).json["code"] == "ok"
    assert check(message, unsolicited=False, in_response_to=["_r0", "_request1"]).json["code"] == "ok"
    assert check(message, unsolicited=False, in_response_to=["_r0"]).json["code"] == "in-response-to"
    assert check(message, unsolicited=False).json["code"] == "in-response-to"
    assert check(message, unsolicited=True).json["code"] == "in-response-to"
    assert check(unsolicited=False).json["code"] == "unsolicited"


@pytest.mark.parametrize("seconds, code", [(0, "ok"), (290 + 180, "ok"),
                                           (310 + 180, "expired"), (86400, "expired")])
def test_the_clock_is_an_argument(check, captured, seconds, code):
    """The IdP's message lives 300 s from its issue; the usual skew of 180 s comes on top."""
    issued = Message(captured.xml).root.get("IssueInstant")
    t = datetime.datetime.fromisoformat(issued.replace("Z", "+00:00")) + datetime.timedelta(seconds=seconds)
    assert check(now=t.strftime("%Y-%m-%dT%H:%M:%SZ")).json["code"] == code
    assert check(now=t.isoformat()).json["code"] == code


def test_another_service_provider(trust, captured):
    assert verify(trust.root, "https://other.example", ACS, captured.xml,
                  "--unsolicited").json["code"] == "wrong-audience"
    assert verify(trust.root, ENTITY_ID, f"{ACS}/", captured.xml,
                  "--unsolicited").json["code"] == "wrong-destination"


def test_one_idp_only(check, trust, captured):
    trust.idp("other", "EntityID https://other.example/idp",
              f"SignCerts CERT_VALIDATION:IGNORE_TRUST,{'ab' * 32}")
    assert check(captured.xml, "--idp", "test").json["code"] == "ok"
    assert check(captured.xml, "--idp", "other").json["code"] == "wrong-issuer"


TRUST = {
    "sha256": (lambda fp: f"CERT_VALIDATION:IGNORE_TRUST,{fp('sha256')}", "ok"),
    "sha1": (lambda fp: f"CERT_VALIDATION:IGNORE_TRUST,{fp('sha1')}", "ok"),
    "sha512, colons and case": (lambda fp: "CERT_VALIDATION:IGNORE_TRUST, "
                                + ":".join(fp("sha512")[i:i + 2] for i in range(0, 128, 2)).upper(), "ok"),
    "prefix of the digest": (lambda fp: f"CERT_VALIDATION:IGNORE_TRUST,sha256:{fp('sha256')}", "ok"),
    "public key": (lambda fp: f"CERT_VALIDATION:IGNORE_TRUST,spki-sha256:{fp('spki')}", "ok"),
    "another": (lambda fp: f"CERT_VALIDATION:IGNORE_TRUST,{'ab' * 32}", "cert-not-listed"),
    "listed, and no roots": (lambda fp: fp("sha256"), "no-trust-configured"),
}


@pytest.mark.parametrize("value, code", TRUST.values(), ids=TRUST.keys())
def test_fingerprints(check, trust, idp, value, code):
    certificate = idp.key("k1").certificate

    def fingerprint(kind):
        return certs.spki_sha256(certificate) if kind == "spki" else certs.fingerprint(certificate, kind)
    trust.remove("idp/test/primary.pem")
    trust.idp("test", f"EntityID {idp.entity_id}", f"SignCerts {value(fingerprint)}")
    answer = check()
    assert answer.json["code"] == code, answer
    assert answer.code == (0 if code == "ok" else 1)


def test_anchored(check, trust, idp):
    """Listed and its own root: the same list as above, with an anchor."""
    trust.remove("idp/test/primary.pem")
    trust.idp("test", f"EntityID {idp.entity_id}",
              f"SignCerts {certs.fingerprint(idp.key('k1').certificate)}")
    trust.write("idp/test/roots/own.pem", idp.key("k1").pem)
    answer = check()
    assert answer.json["code"] == "ok", answer
    assert answer.json["certificate"]["mode"] == "anchored"


def test_listed_with_the_roots_of_somebody_else(check, trust, idp, signers):
    trust.remove("idp/test/primary.pem")
    trust.idp("test", f"EntityID {idp.entity_id}",
              f"SignCerts {certs.fingerprint(idp.key('k1').certificate)}")
    trust.write("idp/test/roots/other.pem", signers["rsa"].pem)
    assert check().json["code"] == "chain-incomplete"


def test_a_message_of_the_future(check, captured, idp):
    message = Message(captured.xml)
    message.conditions.set("NotBefore", instant(200))
    xml = message.sign(idp.key("k1")).xml()
    assert check(xml).json["code"] == "not-yet-valid"
    assert check(xml, now=instant(30)).json["code"] == "ok"


def test_nothing_configured_accepts_nothing(check, trust):
    trust.remove("idp/test/primary.pem")
    assert check().json["code"] == "no-trust-configured"


@pytest.mark.parametrize("arguments", [
    [], ["nosuchcommand"], ["verify"], ["verify", "--entity-id", ENTITY_ID, "-"],
    ["verify", "--entity-id", ENTITY_ID, "--acs", ACS, "/nonexistent/file"],
    ["verify", "--entity-id", ENTITY_ID, "--acs", ACS, "--now", "yesterday", "-"],
    ["verify", "--entity-id", ENTITY_ID, "--acs", ACS, "--idp", "nobody", "-"],
    ["verify", "--entity-id", ENTITY_ID, "--acs", ACS, "--nosuchoption", "-"],
])
def test_what_cannot_be_processed(trust, captured, arguments):
    answer = ctl("--trust", trust.root, *arguments, input=captured.xml)
    assert answer.code == 2, answer
    assert answer.err.strip()


def test_a_bad_trust_directory_cannot_be_processed(check, trust):
    trust.write("idp/test/idp.conf", "NoSuchSetting on\n")
    answer = check()
    assert answer.code == 2
    assert "idp.conf:1" in answer.err
    assert answer.json["verdict"] == "error" and answer.json["code"] == "config-invalid"
    assert "idp.conf:1" in answer.json["message"]


@pytest.mark.parametrize("data", [b"", b"hello", b"<a/>", b"PGEvPg==", b"SAMLResponse=%zz", b"\x00\xff" * 50])
def test_malformed_input_is_refused(check, data):
    answer = check(data)
    assert answer.code == 1, answer
    assert answer.json["verdict"] == "refused" and answer.json["code"] == "malformed"


def test_help_and_version():
    for option in ("--help", "--version"):
        answer = ctl(option)
        assert answer.code == 0 and "samlcertctl" in answer.out
