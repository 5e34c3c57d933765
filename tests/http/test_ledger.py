# SPDX-License-Identifier: Apache-2.0
"""The ledger counts every accepted login, whatever becomes of the processes in between."""

import datetime
import os
import shutil
import signal
import struct

import pytest

from harness.certs import fingerprint
from harness.ctl import ctl
from harness.tools import SERVER_USER, eventually


def uses(site, signer):
    """What the status says of a certificate that is configured: (count, first use, last use)."""
    mark = fingerprint(signer.certificate)
    found, = [c for i in site.status()["idps"] for c in i["certificates"] if c["sha256"] == mark]
    return found["count"], found["first_use"], found["last_use"]


def ledger(site):
    answer = ctl("--trust", site.trust.root, "--state", site.state, "--json", "ledger")
    assert answer.code == 0, answer
    return answer.json


def log_in(site, times):
    for _ in range(times):
        assert site.browser().login().status_code == 200


def kill_children(site):
    site.httpd.kill_children()
    eventually(site.httpd._is_ready, what="new children that answer")


def kill_all(site):
    """The parent first, which would replace its children."""
    site.httpd.tolerate(r"exit signal Killed \(9\)|AH00098|pid file .* overwritten")
    children = site.httpd.children()
    site.httpd.process.kill()
    site.httpd.process.wait(5)
    for pid in children:
        os.kill(pid, signal.SIGKILL)
    eventually(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children), what="no child")
    site.httpd.process = None
    site.httpd.start()


def counts_exactly(site, idp):
    k1 = idp.key("k1")
    assert uses(site, k1) == (0, None, None)
    began = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    log_in(site, 3)
    count, first, _ = uses(site, k1)
    assert count == 3
    n = 3
    for interrupt in (lambda site: site.httpd.graceful(), lambda site: site.httpd.restart(),
                      kill_children, kill_all):
        interrupt(site)
        assert uses(site, k1)[:2] == (n, first)
        log_in(site, 3)
        n += 3
        assert uses(site, k1)[:2] == (n, first)
    last = uses(site, k1)[2]
    assert began.strftime("%Y-%m-%dT%H:%M:%SZ") <= first < last
    entry, = ledger(site)["idps"][0]["certificates"]
    assert (entry["count"], entry["first_use"], entry["last_use"]) == (n, first, last)


def test_the_count_is_exact_over_restarts_and_kills(make_service, idp):
    counts_exactly(make_service().start(), idp)


@pytest.mark.mpm
def test_the_count_is_exact_under_prefork(make_service, idp):
    counts_exactly(make_service(mpm="prefork").start(), idp)


def test_a_child_is_replaced_after_each_few_connections(make_service, idp):
    site = make_service(mpm="prefork", extra="MaxConnectionsPerChild 2").start()
    site.httpd.tolerate("exit signal")
    log_in(site, 10)
    assert uses(site, idp.key("k1"))[0] == 10


def test_what_is_refused_is_not_counted(make_service, idp):
    site = make_service().start()
    browser, _, post = site.captured()
    thief = browser.copy()
    site.assert_accepted(browser.deliver(post))
    site.assert_refused(thief.deliver(post), "replay")
    site.trust.certificate("test", "retired", idp.key("k1"))
    site.trust.certificate("test", "primary", idp.key("k2"))
    site.settled()
    browser, _, post = site.captured()
    site.assert_refused(browser.deliver(post), "cert-retired")
    assert uses(site, idp.key("k1"))[0] == 1


def test_a_rotation(make_service, idp):
    """Is the old certificate still in use? It keeps its record through all slots, and after them."""
    site = make_service().start()
    k1, k2 = idp.key("k1"), idp.key("k2")
    site.trust.certificate("test", "staged", k2)
    site.settled()
    log_in(site, 2)
    assert uses(site, k2) == (0, None, None)
    idp.set(keys="k2")
    log_in(site, 3)
    site.trust.certificate("test", "retired", k1)
    site.trust.certificate("test", "primary", k2)
    site.trust.remove("idp/test/staged.pem")
    site.settled()
    log_in(site, 1)
    assert (uses(site, k1)[0], uses(site, k2)[0]) == (2, 4)
    slots = {c["slot"]: c["count"] for c in ledger(site)["idps"][0]["certificates"]}
    assert slots == {"retired": 2, "primary": 4}
    assert ledger(site)["idps"][0]["others"] == []
    site.trust.remove("idp/test/retired.pem")
    other, = ledger(site)["idps"][0]["others"]
    assert other["sha256"] == fingerprint(k1.certificate) and other["count"] == 2
    text = ctl("--trust", site.trust.root, "--state", site.state, "ledger").out
    assert fingerprint(k1.certificate)[:16] in text and "2 logins" in text and "4 logins" in text


def test_pins_are_counted(make_service, idp):
    site = make_service().start()
    mark = fingerprint(idp.key("k1").certificate)
    site.trust.remove("idp/test/primary.pem")
    site.configure_idp(f"SignCerts CERT_VALIDATION:IGNORE_TRUST,{mark}")
    site.settled()
    log_in(site, 2)
    pin, = site.status()["idps"][0]["pins"]
    assert (pin["digest"], pin["count"]) == (mark, 2)


def test_a_ledger_that_is_none_is_set_aside(make_service, idp):
    site = make_service().start()
    log_in(site, 2)
    site.httpd.stop()
    (site.state / "ledger").write_text("hello\n")
    site.httpd.expect("SMC0114.*ledger.damaged")
    site.httpd.start()
    assert (site.state / "ledger.damaged").read_text() == "hello\n"
    assert len([x for x in site.httpd.log_lines() if "SMC0114" in x.text]) == 1
    assert site.status()["ledger"] == {"uncounted": 0, "error": None}
    log_in(site, 1)
    assert uses(site, idp.key("k1"))[0] == 1
    info = (site.state / "ledger").stat()
    assert info.st_mode & 0o777 == 0o600 and info.st_uid == site.state.stat().st_uid


def test_a_full_ledger_is_said_and_logins_go_on(make_service, idp):
    site = make_service(mpm="prefork").start()
    site.httpd.stop()
    with open(site.state / "ledger", "r+b") as file:
        for at in range(128, (site.state / "ledger").stat().st_size, 128):
            file.seek(at)
            file.write(struct.pack("=2Q", at, 1))   # taken, by something else
    site.httpd.expect("SMC0115.*no room")
    site.httpd.start()
    log_in(site, 8)
    assert uses(site, idp.key("k1"))[0] == 0
    assert site.status()["ledger"] == {"uncounted": 8, "error": None}
    lines = [x.pid for x in site.httpd.log_lines() if "SMC0115" in x.text]
    assert len(lines) == len(set(lines)), "a process says it more than once"


def test_without_a_ledger_logins_go_on(make_service, idp):
    site = make_service().start()
    site.httpd.stop()
    (site.state / "ledger").unlink()
    (site.state / "ledger").mkdir()
    shutil.chown(site.state / "ledger", SERVER_USER)
    site.httpd.expect("SMC0113.*not counted")
    site.httpd.start()
    log_in(site, 1)
    assert uses(site, idp.key("k1")) == (None, None, None)
    status = site.status()["ledger"]
    assert status["uncounted"] is None and "/ledger" in status["error"]
    (site.state / "ledger").rmdir()
    site.httpd.graceful()
    log_in(site, 1)
    assert uses(site, idp.key("k1"))[0] == 1
