#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What rotation costs those who work: requests a second with and without ten changes a second.

usage: SAMLCERT_BUILD=DIR bench_rotation.py [SECONDS [ROUNDS]]

One httpd (event MPM, one child, plain http on loopback) serves a small static file, 16 threads at once,
below AuthType SAML with a session. wrk asks for it while the trust directory is at rest,
and while a certificate in it changes ten times a second, in turn.
"""
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))

from harness.client import Client, facts, log_in  # noqa: E402
from harness.keyholder import KeyHolder, Pair  # noqa: E402
from harness.service import Service  # noqa: E402

EXTRA = """\
SamlCertInsecureCookies on
LogLevel warn
ServerLimit 1
StartServers 1
ThreadsPerChild 24
ThreadLimit 24
MaxRequestWorkers 24
MinSpareThreads 1
MaxSpareThreads 24
MaxKeepAliveRequests 0
"""
EVERY = 0.1


class Rotation:
    """Ten new certificates a second, as long as it is entered. A response of an IdP that nobody knows
    makes the server look at its files at once; left alone it waits until they come to rest."""

    def __init__(self, service, pairs):
        self.service, self.pairs = service, pairs
        self.client = Client(service.httpd.port, [])
        nobody = KeyHolder("nobody", pairs[0])
        self.message = nobody.answer("_1", service.entity_id, service.acs, "user", "mark")
        self.count = 0

    def __enter__(self):
        self.stop = threading.Event()
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self):
        while not self.stop.wait(EVERY):
            self.count += 1
            pair = self.pairs[self.count % len(self.pairs)]
            self.service.trust.certificate("test", "alternate", pair)
            self.client.once("POST", "/saml/acs", None, {"SAMLResponse": self.message})

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def rate(service, seconds, cookie):
    out = subprocess.run(["wrk", "-t1", "-c16", f"-d{seconds}s", "-H", f"Cookie: {cookie}",
                          service.httpd.base + "/app/page.txt"],
                         capture_output=True, text=True, check=True).stdout
    assert "Non-2xx" not in out and "Socket errors" not in out, out
    return float(re.search(r"Requests/sec: *([0-9.]+)", out)[1])


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    idp = KeyHolder("corp", Pair("first"))
    with tempfile.TemporaryDirectory() as directory:
        pathlib.Path(directory).chmod(0o755)
        service = Service(pathlib.Path(directory) / "sp", idp, tls=False, extra=EXTRA)
        service.httpd.document("app/page.txt", "a small static file\n" * 10)
        service.httpd.least_children = 1
        service.httpd.start()
        try:
            login = log_in(Client(service.httpd.port, []), facts(service), idp, "test", idp.signer, "user",
                           "mark")
            assert login.status == 303 and not login.wrong, login
            cookie = "; ".join(f"{k}={v}" for k, v in login.cookies.items())
            rotation = Rotation(service, [Pair(f"next {i}") for i in range(8)])
            rows = []
            for _ in range(count):
                first = service.status()["generation"]
                still = rate(service, seconds, cookie)
                assert service.status()["generation"] == first
                with rotation:
                    moving = rate(service, seconds, cookie)
                last = service.settled()["generation"]
                rows.append((still, moving))
                print(f"at rest {still:8.0f}/s   under rotation {moving:8.0f}/s   "
                      f"{(moving / still - 1) * 100:+5.1f} %   {last - first} generations", flush=True)
            still, moving = (statistics.median(column) for column in zip(*rows))
            print(f"median  {still:8.0f}/s                  {moving:8.0f}/s   "
                  f"{(moving / still - 1) * 100:+5.1f} %")
        finally:
            service.httpd.stop()


if __name__ == "__main__":
    main()
