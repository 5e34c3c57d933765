# SPDX-License-Identifier: Apache-2.0
"""The disk with the state directory is full, or read-only: who is logged in goes on working, nobody
gets in twice, the log says so without being flooded, and all of it is over when the disk is back."""


import pytest

from harness.client import Client, check_session, facts, log_in, post_again
from harness.disk import FileDisk, MemoryDisk
from harness.keyholder import KeyHolder, Pair
from harness.service import Service
from harness.tools import eventually

STORE_TROUBLE = "SMC030[12]|SMC0108|SMC0113|SMC0206"


class Site:
    """A service provider on a disk of its own, with an IdP that is nothing but keys."""

    def __init__(self, root, make_disk, mpm="event"):
        self.keys = Pair("first"), Pair("second")
        self.idp = KeyHolder("corp", self.keys[0])
        self.service = Service(root, self.idp, mpm=mpm, tls=False, settings=("ClockSkew 60",),
                               extra="SamlCertInsecureCookies on\n")
        self.httpd = self.service.httpd
        self.httpd.tolerate("SamlCertInsecureCookies")
        self.disk = make_disk(self.service)
        self.client = Client(self.httpd.port, [])
        self.count = 0

    def start(self):
        self.httpd.start()
        return self

    def stop(self):
        # A stop with a connection open crashes a child of the event MPM now and then: httpd's own
        # close_worker_sockets looks at a socket that its thread has just destroyed.
        self.client.close()
        self.httpd.stop()

    def restart(self):
        self.stop()
        self.httpd.start()

    def login(self, key=0):
        self.count += 1
        return log_in(self.client, facts(self.service), self.idp, "corp", self.keys[key],
                      f"user-{self.count}", f"mark {self.count}")

    def refusal(self, login):
        def look():
            return [x.text for x in self.httpd.log_lines() if f"[incident {login.incident}]" in x.text]
        return eventually(look, timeout=2, what=f"incident {login.incident}")[0]

    def accepted(self, count=1):
        logins = [self.login() for _ in range(count)]
        for login in logins:
            assert (login.status, login.wrong) == (303, "")
        return logins

    def works(self, logins):
        for login in logins:
            assert check_session(self.client, login), login.wrong

    def replay_is_refused(self, login):
        answer = post_again(self.client, login)
        assert answer.status == 403, f"{answer.status}: {answer.text[:300]}"

    def until_refused(self):
        """Log in until there is no room: (accepted, the login that was refused)."""
        accepted = []
        for _ in range(3000):
            login = self.login()
            if login.status != 303:
                return accepted, login
            assert not login.wrong
            accepted.append(login)
        raise AssertionError("a full disk takes 3000 logins")

    def trouble(self):
        return [x.raw for x in self.httpd.log_lines() if x.is_trouble]

    def no_child_died(self):
        assert not [x.raw for x in self.httpd.log_lines() if "exit signal" in x.text]


@pytest.fixture
def make_site(directories):
    made = []

    def make(make_disk, **kwargs):
        made.append(Site(directories(), make_disk, **kwargs))
        return made[-1].start()
    yield make
    for site in made:
        site.stop()
        site.disk.gone()
    for site in made:
        assert site.httpd.judge_log() == []


def memory(service):
    return MemoryDisk(service.state)


def on_file(service):
    return FileDisk(service.state, service.root / "disk.img")


@pytest.mark.parametrize("kind", [memory, on_file], ids=["tmpfs", "ext4"])
def test_a_disk_that_is_full(make_site, kind):
    site = make_site(kind)
    site.httpd.expect("SMC0302.*No space left")
    site.httpd.tolerate(STORE_TROUBLE)
    before = site.accepted(5)
    children = set(site.httpd.children())
    site.disk.fill()
    more, refused = site.until_refused()
    assert refused.status == 503
    assert ": replay-store-unavailable: " in site.refusal(refused)
    for _ in range(200):
        assert site.login().status in (303, 503)
    site.works(before + more)
    site.replay_is_refused(before[0])
    assert children <= set(site.httpd.children())
    assert 1 <= len(site.trouble()) <= 5 * len(site.httpd.children()) + 2, "\n".join(site.trouble())

    site.disk.free()
    # What could not be written was no login: the same message may be posted again.
    assert post_again(site.client, refused).status == 303
    after = site.accepted(20)
    site.replay_is_refused(refused)
    site.works(before + more + after)
    site.restart()
    site.works(before + more + after)
    site.replay_is_refused(before[0])
    site.no_child_died()


def test_rotation_goes_on_while_the_disk_is_full(make_site):
    """A revocation does not wait for somebody to clean up."""
    site = make_site(memory)
    site.httpd.tolerate(STORE_TROUBLE)
    before = site.accepted(3)
    site.service.settled()
    site.disk.fill()
    _, refused = site.until_refused()
    site.service.trust.certificate("test", "primary", site.keys[1])
    refused = site.login(key=0)
    assert refused.status == 403 and ": cert-not-listed: " in site.refusal(refused)
    new = site.login(key=1)
    assert new.status in (303, 503), "trusted, whether there is room or not"
    site.service.settled()
    site.works(before)

    site.disk.free()
    assert site.login(key=1).status == 303
    assert site.login(key=0).status == 403
    site.service.trust.certificate("test", "alternate", site.keys[0])
    status = site.service.settled()
    assert status["generation"] > 1 and len({c["generation"] for c in status["children"]}) == 1
    assert status["store"]["error"] is None
    site.works(before + site.accepted())
    site.no_child_died()


def test_a_start_on_a_full_disk(make_site):
    """All that a start needs is on the disk already."""
    site = make_site(memory)
    site.httpd.tolerate(STORE_TROUBLE)
    before = site.accepted(3)
    site.disk.fill()
    for restart in (site.httpd.graceful, site.restart):
        restart()
        site.works(before)
        site.replay_is_refused(before[0])
    site.disk.free()
    site.works(before + site.accepted())
    site.no_child_died()


def test_a_first_start_on_a_full_disk_says_what_is_missing(make_site):
    def full(service):
        disk = memory(service)
        disk.fill()
        return disk
    site = make_site(full)
    site.httpd.tolerate(STORE_TROUBLE)
    site.httpd.expect("SMC0301.*No space left")
    assert site.login().status == 503
    site.disk.free()
    eventually(lambda: site.login().status == 303, timeout=5, every=0.2, what="logins when there is room")
    site.works(site.accepted())


@pytest.mark.parametrize("mpm", ["event", pytest.param("prefork", marks=pytest.mark.mpm)])
def test_a_disk_that_becomes_read_only(make_site, mpm):
    site = make_site(on_file, mpm=mpm)
    site.httpd.expect("SMC0302.*Read-only")
    site.httpd.tolerate(STORE_TROUBLE)
    before = site.accepted(5)
    children = set(site.httpd.children())
    site.disk.fail()
    for _ in range(200):
        refused = site.login()
        assert refused.status == 503
    assert ": replay-store-unavailable: " in site.refusal(refused)
    site.works(before)
    site.service.trust.certificate("test", "primary", site.keys[1])
    assert site.login(key=0).status == 403
    site.service.settled()
    site.works(before)
    assert children <= set(site.httpd.children())
    assert 1 <= len(site.trouble()) <= 5 * len(site.httpd.children()) + 2, "\n".join(site.trouble())
    site.no_child_died()

    site.service.trust.certificate("test", "primary", site.keys[0])
    site.stop()
    site.disk.repair()
    site.httpd.start()
    site.works(before + site.accepted(5))
    assert post_again(site.client, refused).status == 303
    site.replay_is_refused(before[0])


def test_children_that_start_on_a_read_only_disk(make_site):
    """They cannot write that somebody used an assertion, so they let nobody in; who is in stays."""
    site = make_site(on_file)
    site.httpd.tolerate(STORE_TROUBLE)
    before = site.accepted(2)
    site.disk.fail()
    site.httpd.expect("SMC0302.*Read-only")
    site.httpd.kill_children()
    eventually(site.httpd._is_ready, what="new children that answer")
    site.works(before)
    refused = site.login()
    assert refused.status == 503 and ": replay-store-unavailable: " in site.refusal(refused)
    site.stop()
    site.disk.repair()
    site.httpd.start()
    site.works(before + site.accepted(2))
    site.replay_is_refused(before[0])


def test_a_start_on_a_read_only_disk_that_can_be_written_later(make_site):
    """Nobody has to restart the server once the disk is repaired."""
    site = make_site(memory)
    site.httpd.tolerate(STORE_TROUBLE)
    site.httpd.expect("SMC0302.*Read-only")
    before = site.accepted(3)
    number = site.service.settled()["generation"]
    site.stop()
    site.disk.remount("ro")
    site.httpd.start()
    for _ in range(50):
        site.works(before)
        refused = site.login()
        assert refused.status == 503
    assert ": replay-store-unavailable: " in site.refusal(refused)
    assert site.service.settled()["generation"] == number
    assert len(site.trouble()) <= 5 * len(site.httpd.children()) + 2, "\n".join(site.trouble())
    site.disk.remount("rw")
    site.works(before + site.accepted(20))
    site.replay_is_refused(before[0])
    assert post_again(site.client, refused).status == 303
    site.restart()
    site.works(before)
    site.no_child_died()
