#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a protected request costs: CPU time of httpd for each request.

usage: SAMLCERT_BUILD=DIR bench_request.py [SECONDS [ROUNDS]]

One httpd (event MPM, plain http on loopback) serves the same small static file twice: unprotected,
and below AuthType SAML to a browser with a session. wrk asks for one and the other in turn; the CPU
time of the children, from /proc, is divided by the number of requests that they answered.
"""
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))

from harness.idp import Idp  # noqa: E402
from harness.service import Service  # noqa: E402

EXTRA = """\
SamlCertInsecureCookies on
LogLevel warn
KeepAliveTimeout 30
StartServers 4
MinSpareThreads 1
MaxKeepAliveRequests 0
"""
TICK = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def cost(httpd, path, seconds, cookie):
    """Microseconds of httpd's CPU for each request."""
    header = ["-H", f"Cookie: {cookie}"] if cookie else []
    children = httpd.children()
    before = cpu_seconds(children)
    out = subprocess.run(["wrk", "-t1", "-c8", f"-d{seconds}s", *header, httpd.base + path],
                         capture_output=True, text=True, check=True).stdout
    used = cpu_seconds(children) - before
    assert httpd.children() == children, "a child came or went"
    assert "Non-2xx" not in out, out
    return used / int(re.search(r"(\d+) requests in", out)[1]) * 1e6


def report(costs):
    """The median is honest on a quiet machine; on a busy one the minima disturb each other least."""
    for name, pick in (("median", statistics.median), ("minimum", min)):
        plain, session = (pick(column) for column in zip(*costs))
        print(f"{name:<8} plain {plain:6.2f} us   session {session:6.2f} us   "
              f"{session - plain:+5.2f} us   {(session / plain - 1) * 100:+5.1f} %")


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 4
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 7
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        directory.chmod(0o755)
        idp = Idp(directory / "idp").start()
        try:
            service = Service(directory / "sp", idp, tls=False, extra=EXTRA)
            for name in ("app", "plain"):
                service.httpd.document(f"{name}/page.txt", "a small static file\n" * 10)
            service.start()
            browser = service.browser()
            browser.login("/app/page.txt")
            cookie = f"samlcert={browser.session_cookie().value}"
            costs = []
            for _ in range(count):
                plain = cost(service.httpd, "/plain/page.txt", seconds, None)
                session = cost(service.httpd, "/app/page.txt", seconds, cookie)
                costs.append((plain, session))
                print(f"plain {plain:6.2f} us   session {session:6.2f} us   {session - plain:+5.2f} us"
                      f"   {(session / plain - 1) * 100:+5.1f} %", flush=True)
            report(costs)
            service.httpd.stop()
        finally:
            idp.stop()


if __name__ == "__main__":
    main()
