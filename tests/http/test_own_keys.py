# SPDX-License-Identifier: Apache-2.0
"""Our own keys: next, active, retiring; protected in three ways; rotated without a restart."""

import base64
import contextlib
import fcntl
import os
import pathlib
import re
import shutil
import signal
import time
import urllib.parse

import pytest

from harness import certs
from harness.forge import Message
from harness.tools import SERVER_USER, eventually, require_all, run
from harness.trust import own_key

needs_root = pytest.mark.skipif(os.geteuid() != 0 and not require_all(),
                                reason="whose files are whose matters to a server that root starts")
PASSPHRASE = "correct horse battery staple"
REFUSED = "SMC0102|SMC0002|SMC0004"


class Way:
    """How private keys are protected."""

    def __init__(self, name, extra="", **sp_key):
        self.name, self.extra, self.sp_key = name, extra, sp_key

    def make(self, make_service):
        site = make_service(extra=f"{FIXED}\n{self.extra}")
        secret = site.root / "passphrase"
        secret.write_text(f"{PASSPHRASE}\nnot this line\n")
        secret.chmod(0o600)
        site.httpd.configure(site.httpd.site_conf.read_text().replace("{root}", str(site.root)))
        if "passphrase" in self.sp_key:
            site.ctl_options = ("--passphrase-file", secret)
        site.way = self
        self.put(site, "active", "a")
        site.trust.keep()
        return site

    def put(self, site, role, key):
        site.trust.sp_key(role, key=key, **self.sp_key)


# Two children, and no third: what the broker may read is in no archive, so a child that starts while
# a key is missing has none.
FIXED = "<IfModule !mpm_prefork_module>\nMinSpareThreads 1\n</IfModule>"
FILE = "SamlCertKeyPassphrase file:{root}/passphrase"
GROUP = Way("group")
ENCRYPTED = Way("encrypted", FILE, passphrase=PASSPHRASE)
BROKER = Way("broker", "SamlCertKeyBroker on", mode=0o600)
BOTH = Way("broker and encrypted", f"{FILE}\nSamlCertKeyBroker on", mode=0o600, passphrase=PASSPHRASE)
ways = pytest.mark.parametrize("way", [GROUP, ENCRYPTED, pytest.param(BROKER, marks=needs_root),
                                       pytest.param(BOTH, marks=needs_root)], ids=lambda w: w.name)


@pytest.fixture
def site(way, make_service):
    return way.make(make_service).start()


@pytest.fixture
def brokered(make_service):
    return BROKER.make(make_service).start()


@pytest.fixture
def encrypted(make_service):
    return ENCRYPTED.make(make_service).start()


def published(site):
    """Keys in the metadata: (use, certificate body)."""
    text = site.browser().get("/saml/metadata").text
    found = re.findall(r'KeyDescriptor use="(\w+)".*?<ds:X509Certificate>([^<]*)<', text, re.S)
    return {(use, "".join(body.split())) for use, body in found}


def expected(*keys):
    return {(use, certs.body(own_key(k).certificate)) for k in keys for use in ("signing", "encryption")}


def signs_with(site, key):
    """TRUE if an AuthnRequest is signed by this key of ours."""
    _, request, _ = site.captured()
    query = request.url.split("?", 1)[1]
    signed, signature = query.split("&Signature=")
    directory = pathlib.Path(site.root)
    (directory / "signed").write_text(signed)
    (directory / "signature").write_bytes(base64.b64decode(urllib.parse.unquote(signature)))
    public = run("openssl", "x509", "-in", own_key(key).certificate, "-noout", "-pubkey").stdout
    (directory / "public").write_text(public)
    done = run("openssl", "dgst", "-sha256", "-verify", directory / "public", "-signature",
               directory / "signature", directory / "signed", check=False)
    return done.returncode == 0


def post_for(site, idp, key):
    browser, request, post = site.captured()
    message = Message(post.xml).sign(idp.key("k1"), "assertion").encrypt(own_key(key).certificate)
    return browser, request, post.with_xml(message.xml())


def assert_decrypts(site, idp, *keys):
    for key in keys:
        browser, request, post = post_for(site, idp, key)
        assert site.verify(post.xml, in_response_to=[request.id]).json["code"] == "ok"
        site.assert_accepted(browser.deliver(post))


def assert_does_not_decrypt(site, idp, key):
    browser, _, post = post_for(site, idp, key)
    site.assert_refused(browser.deliver(post), "decrypt-failed")


@contextlib.contextmanager
def at_once(site):
    """Changes that the server sees together: the lock of the trust directory is held."""
    with open(site.trust.path(".lock"), "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def no_restart(site, pids):
    """The children are still there; httpd may have added one, when they had much to do."""
    assert pids <= set(site.httpd.children())
    assert site.httpd.error_log().count("resuming normal operations") == 1


@ways
def test_a_rotation_of_our_own_key(site, idp):
    """a is active; b comes as next, becomes active while a retires; then a is gone. No restart."""
    site.configure_idp("SignRequests on")
    site.settled()
    pids = set(site.httpd.children())
    assert published(site) == expected("a")
    assert signs_with(site, "a") and not signs_with(site, "b")
    assert_decrypts(site, idp, "a")

    with at_once(site):
        site.way.put(site, "next", "b")
    site.settled()
    assert published(site) == expected("a", "b")
    assert signs_with(site, "a")
    assert_decrypts(site, idp, "a", "b")

    with at_once(site):
        site.way.put(site, "retiring", "a")
        site.way.put(site, "active", "b")
        for name in ("next.key", "next.crt"):
            site.trust.remove(f"sp/default/{name}")
    site.settled()
    assert published(site) == expected("b")
    assert signs_with(site, "b") and not signs_with(site, "a")
    assert_decrypts(site, idp, "a", "b")

    with at_once(site):
        for name in ("retiring.crt", "retiring.key"):
            site.trust.remove(f"sp/default/{name}")
    site.settled()
    assert published(site) == expected("b")
    assert_decrypts(site, idp, "b")
    assert_does_not_decrypt(site, idp, "a")
    no_restart(site, pids)


def two_keys(site):
    text = own_key("a").key.read_text() + own_key("b").key.read_text()
    site.trust.write("sp/default/next.key", text, 0o640)
    site.trust.write("sp/default/next.crt", own_key("b").pem)


def other_format(site):
    run("openssl", "pkcs8", "-topk8", "-nocrypt", "-in", own_key("b").key, "-outform", "DER", "-out",
        site.root / "der")
    site.trust.write("sp/default/next.key", (site.root / "der").read_bytes(), 0o640)
    site.trust.write("sp/default/next.crt", own_key("b").pem)


def wrong_passphrase(site):
    site.trust.sp_key("next", key="b", passphrase="wrong")


def certificate_alone(site):
    site.trust.write("sp/default/next.crt", own_key("b").pem)


def key_alone(site):
    site.way.put(site, "next", "b")
    site.trust.remove("sp/default/next.crt")


def certificate_of_another_key(site):
    site.way.put(site, "next", "b")
    site.trust.write("sp/default/next.crt", own_key("c").pem)


def active_without_its_pair(site):
    site.trust.remove("sp/default/active.key")


def unreadable(site):
    site.way.put(site, "next", "b")
    path = site.trust.path("sp/default/next.key")
    path.chmod(0o600)
    if os.geteuid() == 0:
        shutil.chown(path, "nobody")    # neither the server's nor, for a broker, root's
    else:
        path.chmod(0)


SPOILT = {certificate_alone: ("next.crt", "has no key"), key_alone: ("next.key", "has no certificate"),
          certificate_of_another_key: ("next.crt", "is not that of the private key"),
          active_without_its_pair: ("active.crt", "has no key"), two_keys: ("next.key", "more than one"),
          other_format: ("next.key", "no private key in PEM"), wrong_passphrase: ("next.key", "passphrase"),
          unreadable: ("next.key", "Permission denied|does not belong to root")}


@pytest.mark.parametrize("spoil, words", SPOILT.items(), ids=[s.__name__ for s in SPOILT])
@ways
def test_what_is_broken_is_named_and_the_old_pair_goes_on(site, idp, spoil, words):
    before = site.settled()
    site.httpd.expect(REFUSED)
    with at_once(site):
        spoil(site)
    error = eventually(lambda: site.status()["last_reload_error"], timeout=4, what="a refusal")
    if spoil is not unreadable or os.geteuid() == 0:
        assert words[0] in error["message"] and re.search(words[1], error["message"]), error
    assert PASSPHRASE not in error["message"]
    assert site.status()["generation_hash"] == before["generation_hash"]
    browser, _, post = post_for(site, idp, "a")
    site.assert_accepted(browser.deliver(post))
    assert published(site) == expected("a")

    site.way.put(site, "active", "a")
    site.way.put(site, "next", "b")    # the twin
    eventually(lambda: site.status()["last_reload_error"] is None, timeout=5, what="the repair")
    site.settled()
    assert published(site) == expected("a", "b")
    assert_decrypts(site, idp, "a", "b")


# ---- passphrases

def test_a_key_that_is_encrypted_and_no_passphrase(make_service):
    site = make_service()
    assert site.httpd.configtest()[0] == 0
    site.trust.sp_key(passphrase=PASSPHRASE)
    code, output = site.httpd.configtest()
    assert code != 0
    assert "active.key" in output and "encrypted" in output and "SamlCertKeyPassphrase" in output


def test_a_passphrase_that_is_wrong(make_service):
    site = ENCRYPTED.make(make_service)
    assert site.httpd.configtest()[0] == 0
    (site.root / "passphrase").write_text("wrong\n")
    code, output = site.httpd.configtest()
    assert code != 0
    assert "active.key" in output and "passphrase" in output and "wrong" not in output


def server_reads(site):
    shutil.chown(site.root / "passphrase", SERVER_USER)


def group_reads(site):
    shutil.chown(site.root / "passphrase", group=SERVER_USER)
    (site.root / "passphrase").chmod(0o640)


def all_read(site):
    (site.root / "passphrase").chmod(0o644)


def is_empty(site):
    (site.root / "passphrase").write_text("\nsecond line\n")


def is_too_long(site):
    (site.root / "passphrase").write_text("x" * 1025)


def is_gone(site):
    (site.root / "passphrase").unlink()


FILES = {all_read: "everybody can read it", is_empty: "first line is empty", is_too_long: "longer",
         is_gone: "No such file"}
ROOTS_FILES = {server_reads: "the user that the server runs as", group_reads: "the group that the server"}


def assert_bad_passphrase(make_service, spoil, words):
    site = ENCRYPTED.make(make_service)
    assert site.httpd.configtest()[0] == 0
    spoil(site)
    code, output = site.httpd.configtest()
    assert code != 0, output
    assert "SMC0011" in output and words in output and "SamlCertKeyPassphrase" in output


@pytest.mark.parametrize("spoil, words", FILES.items(), ids=[f.__name__ for f in FILES])
def test_a_passphrase_file_that_is_wrong(make_service, spoil, words):
    assert_bad_passphrase(make_service, spoil, words)


@needs_root
@pytest.mark.parametrize("spoil, words", ROOTS_FILES.items(), ids=[f.__name__ for f in ROOTS_FILES])
def test_a_passphrase_file_that_the_server_can_read(make_service, spoil, words):
    assert_bad_passphrase(make_service, spoil, words)


PROGRAM = """#!/bin/sh
echo "run: $*" >>{root}/runs
echo "a word on stderr" >&2
{action}
"""


def with_program(make_service, action, arguments='production "two words"'):
    way = Way("exec", f"SamlCertKeyPassphrase exec:{{root}}/ask {arguments}", passphrase=PASSPHRASE)
    site = way.make(make_service)
    site.ctl_options = ("--passphrase-file", site.root / "passphrase")
    program(site, action)
    return site


def program(site, action):
    path = site.root / "ask"
    path.write_text(PROGRAM.format(root=site.root, action=action))
    path.chmod(0o755)


def runs(site):
    path = site.root / "runs"
    return path.read_text().splitlines() if path.exists() else []


def test_a_program_is_run_once_per_start_and_restart(make_service, idp):
    site = with_program(make_service, f"printf '%s\\nmore\\n' '{PASSPHRASE}'").start()
    assert runs(site) == ["run: production two words"]
    assert_decrypts(site, idp, "a")
    site.way.put(site, "next", "b")
    site.settled()
    assert_decrypts(site, idp, "b")
    assert len(runs(site)) == 1
    site.httpd.tolerate("a word on stderr")
    site.httpd.graceful()
    assert len(runs(site)) == 2
    assert_decrypts(site, idp, "a", "b")
    assert "a word on stderr" in site.httpd.console() + site.httpd.error_log()
    assert PASSPHRASE not in site.httpd.error_log() + site.httpd.console()


ACTIONS = {"exit 3": "exit status 3", "kill -9 $$": "ended by a signal", "exit 0": "first line is empty",
           "head -c 1025 /dev/zero | tr '\\0' x": "longer"}


@pytest.mark.parametrize("action, words", ACTIONS.items(), ids=ACTIONS.keys())
def test_a_program_that_fails(make_service, action, words):
    site = with_program(make_service, action)
    code, output = site.httpd.configtest()
    assert code != 0 and "SMC0011" in output and re.search(words, output), output
    program(site, f"echo '{PASSPHRASE}'")
    assert site.httpd.configtest()[0] == 0


@needs_root
def test_a_program_that_others_can_write_is_not_run(make_service):
    site = with_program(make_service, f"echo '{PASSPHRASE}'")
    (site.root / "ask").chmod(0o757)
    code, output = site.httpd.configtest()
    assert code != 0 and "root would run it" in output
    assert runs(site) == []


def test_a_restart_that_cannot_ask_again_goes_on(make_service, idp):
    site = with_program(make_service, f"echo '{PASSPHRASE}'").start()
    program(site, "exit 1")
    site.httpd.expect("SMC0012")
    site.httpd.tolerate("a word on stderr")
    site.httpd.graceful()
    assert_decrypts(site, idp, "a")


@pytest.mark.parametrize("value", ["secret", "file:relative", "exec:", "file:/a /b"])
def test_a_passphrase_directive_that_is_wrong(make_service, value):
    site = make_service(extra=f"SamlCertKeyPassphrase {value}")
    code, output = site.httpd.configtest()
    assert code != 0 and "SamlCertKeyPassphrase" in output and "exec:PROGRAM" in output


def test_traditional_encryption(encrypted, idp):
    text = run("openssl", "rsa", "-traditional", "-aes128", "-in", own_key("b").key, "-passout",
               f"pass:{PASSPHRASE}").stdout
    assert "Proc-Type: 4,ENCRYPTED" in text
    encrypted.trust.write("sp/default/next.key", text, 0o640)
    encrypted.trust.write("sp/default/next.crt", own_key("b").pem)
    encrypted.settled()
    assert_decrypts(encrypted, idp, "a", "b")


def test_the_archive_has_encrypted_keys_as_they_are(encrypted, idp):
    site = encrypted
    site.settled()
    copy = kept(site)
    assert copy.read_bytes() == site.trust.path("sp/default/active.key").read_bytes()
    assert b"ENCRYPTED" in copy.read_bytes()
    site.httpd.stop()
    site.httpd.expect("SMC0010")
    site.httpd.expect(REFUSED)
    site.trust.write("idp/test/idp.conf", "NoSuchSetting on\n")
    site.httpd.start()
    assert site.status()["serving"] == "archive"
    browser, _, post = post_for(site, idp, "a")
    site.assert_accepted(browser.deliver(post))


# ---- the broker

def kept(site):
    """The active key in the copy of the generation that is in use."""
    link = site.state / "generations" / "current"
    wanted = site.status()["generation_hash"]
    eventually(lambda: link.is_symlink() and os.readlink(link) == wanted, timeout=4, what="a kept copy")
    return pathlib.Path(f"{link.parent}/{wanted}/files{site.trust.path('sp/default/active.key')}")


@needs_root
def test_the_archive_does_not_hold_what_only_the_broker_reads(brokered, idp):
    site = brokered
    site.settled()
    copy = kept(site)
    assert copy.read_bytes() == b""
    about = (site.state / "generations" / os.readlink(site.state / "generations/current") / "about").read_text()
    assert f"left-out {site.trust.path('sp/default/active.key')}\n" in about
    for path in (site.state / "generations").rglob("*"):
        assert path.is_dir() or b"PRIVATE KEY" not in path.read_bytes(), path

    site.httpd.stop()
    site.httpd.expect("SMC0010.*serves from the state directory")
    site.httpd.expect(REFUSED)
    site.trust.write("idp/test/idp.conf", "NoSuchSetting on\n")
    site.httpd.start()
    assert site.status()["serving"] == "archive"
    browser, _, post = post_for(site, idp, "a")
    site.assert_accepted(browser.deliver(post))

    site.httpd.stop()
    site.way.put(site, "active", "b")
    with pytest.raises(AssertionError, match="a private key that is left out of copies may have changed|"
                                             "left out of the copy, as it is now"):
        site.httpd.start()
    site.httpd.tolerate("SMC0010|AH00016|AH00526")


@needs_root
def test_the_broker_is_as_small_as_it_can_be(brokered):
    pid, = brokered.httpd.brokers()
    process = pathlib.Path(f"/proc/{pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines()
                  if ":\t" in line)
    assert status["CapEff"] == status["CapPrm"] == f"{1 << 2:016x}"    # CAP_DAC_READ_SEARCH
    assert "0" not in status["Uid"].split()
    assert status["Groups"].strip() == "" and status["NoNewPrivs"] == "1"
    links = {fd.name: os.readlink(fd) for fd in (process / "fd").iterdir()}
    assert links.keys() == {"0", "1", "2", "3"}
    assert {links[n] for n in "012"} == {"/dev/null"} and links["3"].startswith("socket:")
    done = run("setpriv", f"--reuid={SERVER_USER}", f"--regid={SERVER_USER}", "--clear-groups", "ls",
               process / "fd", check=False)
    assert done.returncode != 0    # not dumpable: its memory is nobody's to read
    limits = (process / "limits").read_text()
    assert re.search(r"Max processes +0 +0", limits) and re.search(r"Max open files +16 +16", limits)


@needs_root
def test_a_container_where_root_may_not_read_everything(make_service, idp):
    """Without CAP_DAC_READ_SEARCH the broker stays root, without any capability."""
    site = BROKER.make(make_service)
    command = site.httpd._command
    site.httpd._command = lambda *a: [shutil.which("setpriv"), "--bounding-set", "-dac_read_search",
                                      *command(*a)]
    site.start()
    pid, = site.httpd.brokers()
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    assert re.search(r"CapPrm:\t0+\nCapEff:\t0+\n", status)
    site.way.put(site, "next", "b")
    site.settled()
    assert_decrypts(site, idp, "a", "b")


@needs_root
def test_each_restart_has_a_broker_and_only_one(brokered, idp):
    first = brokered.httpd.brokers()
    assert len(first) == 1
    brokered.httpd.graceful()
    eventually(lambda: len(brokered.httpd.brokers()) == 1 and brokered.httpd.brokers() != first,
               timeout=10, what="the old broker's end")
    brokered.way.put(brokered, "next", "b")
    brokered.settled()
    assert_decrypts(brokered, idp, "a", "b")
    last, = brokered.httpd.brokers()
    brokered.httpd.stop()
    eventually(lambda: not pathlib.Path(f"/proc/{last}").exists(), timeout=3, what="the broker's end")


@needs_root
def test_no_broker_outlives_a_parent_that_was_killed(brokered):
    pid, = brokered.httpd.brokers()
    children = brokered.httpd.children()
    brokered.httpd.tolerate("the key broker gives no answer")    # a child that looks meanwhile
    parent = brokered.httpd.process
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait(5)
    brokered.httpd.process = None
    eventually(lambda: not pathlib.Path(f"/proc/{pid}").exists(), timeout=3, what="the broker's end")
    for child in children:
        os.kill(child, signal.SIGKILL)


@needs_root
def test_a_broker_that_dies_is_started_again(brokered, idp):
    site = brokered
    time.sleep(1.1)    # what dies at once stays dead; that of the configuration test is gone by then
    pid, = site.httpd.brokers()
    site.httpd.expect("SMC0015.*another one was started")
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: site.httpd.brokers() and site.httpd.brokers() != [pid], timeout=5, what="another one")
    site.way.put(site, "next", "b")
    site.settled()
    assert_decrypts(site, idp, "a", "b")


@needs_root
@pytest.mark.mpm
@pytest.mark.parametrize("mpm", ["worker", "prefork"])
def test_the_broker_under_the_other_mpms(make_service, idp, mpm):
    site = BROKER.make(lambda **kwargs: make_service(mpm=mpm, **kwargs)).start()
    before = site.httpd.brokers()
    site.httpd.graceful()
    eventually(lambda: len(site.httpd.brokers()) == 1 and site.httpd.brokers() != before, what="one broker")
    test_a_broker_that_dies_is_started_again(site, idp)


@needs_root
def test_the_configuration_test_says_what_the_broker_will_not_open(make_service):
    site = BROKER.make(make_service)
    code, output = site.httpd.configtest()
    assert code == 0, output
    outside = site.root / "outside.key"
    path = site.trust.path("sp/default/active.key")
    path.rename(outside)
    path.symlink_to(outside)
    code, output = site.httpd.configtest()
    assert code != 0 and "active.key" in output and "leads out of its directory" in output
    path.unlink()
    outside.rename(path)
    shutil.chown(path, "nobody")
    code, output = site.httpd.configtest()
    assert code != 0 and "active.key" in output and "does not belong to root" in output


@needs_root
def test_without_the_broker_such_keys_are_an_error(make_service):
    site = BROKER.make(make_service)
    assert site.httpd.configtest()[0] == 0
    site.httpd.configure(site.httpd.site_conf.read_text().replace("SamlCertKeyBroker on", ""))
    code, output = site.httpd.configtest()
    assert code != 0 and "SMC0004" in output and "active.key" in output


@needs_root
def test_keys_are_mounted_as_orchestrators_do(brokered, idp):
    site = brokered
    directory = site.trust.path("sp/default")
    for version, key in (("..1", "a"), ("..2", "b")):
        (directory / version).mkdir()
        (directory / version / "active.key").write_text(own_key(key).key.read_text())
        (directory / version / "active.key").chmod(0o600)
        (directory / version / "active.crt").write_text(own_key(key).pem)
    (directory / "..data").symlink_to("..1")
    for name in ("active.key", "active.crt"):
        (directory / "new").symlink_to(f"..data/{name}")
        (directory / "new").rename(directory / name)
    site.settled()
    assert_decrypts(site, idp, "a")
    (directory / "..new").symlink_to("..2")
    (directory / "..new").rename(directory / "..data")
    site.settled()
    assert published(site) == expected("b")
    assert_decrypts(site, idp, "b")


def test_an_unprivileged_start_has_no_broker(make_service):
    """As somebody who is not root the broker could read no more than the children."""
    site = make_service(extra="SamlCertKeyBroker on")
    if os.geteuid() == 0:
        for path in [site.root, *site.root.rglob("*")]:
            shutil.chown(path, SERVER_USER, SERVER_USER)
        binary = site.httpd._command
        site.httpd._command = lambda *a: [shutil.which("setpriv"), f"--reuid={SERVER_USER}",
                                          f"--regid={SERVER_USER}", "--clear-groups", *binary(*a)]
    site.httpd.expect("SMC0014.*not started by root")
    site.httpd.tolerate("SMC0009|AH00558|AH02156")
    site.start()
    assert site.httpd.brokers() == []
    assert site.browser().login().status_code == 200


# ---- strength

def test_a_weak_key_is_warned_of(make_service, workspace):
    site = make_service()
    weak = certs.make(site.root / "k", site.root / "c", "Weak", "rsa:1024")
    site.trust.write("sp/default/active.key", weak.key.read_text(), 0o640)
    site.trust.write("sp/default/active.crt", weak.pem)
    code, output = site.httpd.configtest()
    assert code == 0 and "active.key: our own key has 1024 bits" in output
    site.trust.sp_key()
    assert "our own key has" not in site.httpd.configtest()[1]
