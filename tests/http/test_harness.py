# SPDX-License-Identifier: Apache-2.0
"""The tools that judge the module are judged here, without the module."""

import os
import signal

import pytest

from harness import certs, paper
from harness.browser import Browser, lands_on
from harness.forge import Message, verifies
from harness.httpd import Httpd, parse_log
from harness.tools import eventually, run
from harness.trust import Trust

@pytest.fixture
def httpd(directories):
    made = []

    def make(**kwargs):
        made.append(Httpd(directories(), **kwargs))
        return made[-1]
    yield make
    for server in made:
        server.stop()


@pytest.fixture(scope="module")
def captured(running_idp):
    return paper.capture(running_idp, relay_state="https://paper.example.org/x")


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_httpd_runs_under_each_mpm(httpd, mpm):
    server = httpd(mpm=mpm)
    server.document("index.html", "hello\n")
    assert server.configtest()[0] == 0
    server.start()
    browser = Browser(server.base, server.tls_certificate)
    assert browser.get("/").text == "hello\n"
    assert len(server.children()) >= 2
    old = set(server.children())
    server.graceful()
    assert browser.get("/").text == "hello\n"
    server.restart()
    assert browser.get("/").text == "hello\n"
    assert not old & set(server.children())
    pid = server.process.pid
    server.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert server.judge_log() == []


def test_bad_configuration_is_told_by_file_and_line(httpd):
    code, output = httpd(conf="\nNoSuchDirective on\n").configtest()
    assert code != 0
    assert "line 2 of" in output and "site.conf" in output


def test_an_unannounced_warning_is_found(httpd):
    # An Alias that is never used: httpd warns of it at each start.
    server = httpd(conf="Alias /a /b\nAlias /a /c\n")
    server.start()
    assert any("Alias" in c for c in server.judge_log())


def test_an_announced_warning_must_come(httpd):
    server = httpd(conf="Alias /a /b\nAlias /a /c\n")
    server.start()
    server.expect("Alias directive")
    server.expect("SMC9999")
    assert server.judge_log() == ["announced, but never came: SMC9999"]
    assert server.judge_log() == []


def test_the_death_of_a_child_is_trouble(httpd):
    server = httpd()
    server.start()
    os.kill(server.children()[0], signal.SIGSEGV)

    eventually(lambda: "exit signal" in server.error_log(), what="notice of a dead child")
    assert any("Segmentation fault" in c for c in server.judge_log())


def test_lines_without_a_stamp_are_trouble():
    assert parse_log("I/O error : failed to load\n")[0].is_trouble
    assert not parse_log("[Sat Nov 21 10:00:00 2026] [core:notice] [pid 1:tid 2] AH1: fine")[0].is_trouble


def test_a_real_login_yields_a_signed_response(captured, running_idp):
    message = Message(captured.xml)
    assert captured.fields["RelayState"] == "https://paper.example.org/x"
    assert message.issuer.text == running_idp.entity_id
    assert message.name_id.text == "alice"
    assert verifies(captured.xml, running_idp.key("k1").certificate)
    assert not verifies(captured.xml, running_idp.key("k2").certificate)


@pytest.mark.parametrize("which", ["both", "response", "assertion"])
def test_the_forger_signs_what_xmlsec1_verifies(captured, running_idp, which):
    message = Message(captured.xml)
    message.name_id.text = "mallory"
    assert not verifies(message.xml(), running_idp.key("k1").certificate)
    message.sign(running_idp.key("k1"), which)
    assert len(message.all("//ds:Signature")) == (2 if which == "both" else 1)
    assert verifies(message.xml(), running_idp.key("k1").certificate)


def test_the_forger_encrypts(captured, running_idp):
    message = Message(captured.xml)
    message.encrypt(running_idp.key("k2").certificate).sign(running_idp.key("k1"), "response")
    assert message.all("/samlp:Response/saml:EncryptedAssertion") and not message.all("//saml:Assertion")
    assert b"alice" not in message.xml()
    assert verifies(message.xml(), running_idp.key("k1").certificate)


def test_the_idp_rotates(captured, idp):
    idp.set(keys="k2+k1")
    again = paper.capture(idp)
    assert verifies(again.xml, idp.key("k2").certificate)
    assert certs.body(idp.key("k1").certificate) in "".join(idp.metadata().read_text().split())


def test_an_expired_certificate_is_one(directories):
    directory = directories()
    directory.mkdir()
    signer = certs.make(directory / "k", directory / "c", "Old", expired=True)

    assert run("openssl", "x509", "-checkend", "0", "-in", signer.certificate, check=False).returncode == 1
    assert len(certs.fingerprint(signer.certificate)) == 64


def test_the_trust_directory_goes_back(directories):
    trust = Trust(directories())
    trust.idp("a", "EntityID x")
    trust.keep()
    trust.idp("a", "EntityID y")
    trust.write("idp/b/primary.pem", "x")
    trust.write("roots/r.pem", "x")
    assert trust.restore()
    assert (trust.root / "idp/a/idp.conf").read_text() == "EntityID x\n"
    assert [p.name for p in trust.root.iterdir()] == ["idp"]
    assert not (trust.root / "idp/b").exists()
    assert not trust.restore()


@pytest.mark.parametrize("location, host", [
    ("/app/?x=1#f", "https://127.0.0.1:8443"), ("https://127.0.0.1:8443/a", "https://127.0.0.1:8443"),
    ("//evil.example", "https://evil.example"), ("/\\evil.example", "https://evil.example"),
    ("\\\\evil.example", "https://evil.example"), ("/\t/evil.example", "https://evil.example"),
    (" https:/evil.example", "https://evil.example"), ("https:evil.example", "https://evil.example"),
    ("https://127.0.0.1:8443@evil.example/", "https://127.0.0.1:8443@evil.example"),
    ("https://127.0.0.1:84430/", "https://127.0.0.1:84430"), ("///evil.example", "https://evil.example"),
])
def test_the_judge_of_redirects_reads_as_browsers_do(location, host):
    assert lands_on("https://127.0.0.1:8443/saml/acs", location) == host
