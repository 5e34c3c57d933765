#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a login costs: bench_login on responses of the real IdP, signed in different places.

usage: SAMLCERT_BUILD=DIR bench_login.py [ROUNDS]
"""
import os
import pathlib
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "http"))

from harness.idp import Idp  # noqa: E402
from harness.service import Service  # noqa: E402


def main():
    program = pathlib.Path(os.environ["SAMLCERT_BUILD"]) / "tests/bench/bench_login"
    with tempfile.TemporaryDirectory() as directory:
        directory = pathlib.Path(directory)
        directory.chmod(0o755)
        idp = Idp(directory / "idp").start()
        try:
            service = Service(directory / "sp", idp, settings=("ClockSkew 180", "Unsolicited on"))
            service.start()
            for sign in ("assertion", "response", "both"):
                idp.set(sign=sign)
                browser = service.browser()
                post = browser.at_idp(idp.unsolicited_url(service.entity_id))
                message = directory / "response"
                message.write_text(post.fields["SAMLResponse"])
                print(f"signed: {sign:<10}", end="", flush=True)
                subprocess.run([program, service.trust.root, service.entity_id, service.acs, message,
                                *sys.argv[1:2]], check=True)
            service.httpd.stop()
        finally:
            idp.stop()


if __name__ == "__main__":
    main()
