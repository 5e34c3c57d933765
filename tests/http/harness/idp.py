# SPDX-License-Identifier: Apache-2.0
"""The real identity provider: SimpleSAMLphp under demo/idp/idp.sh."""

import pathlib
import subprocess
import tempfile
import urllib.parse

from .certs import Signer
from .tools import REPO

SCRIPT = REPO / "demo" / "idp" / "idp.sh"
# The name of the account as NameID: the same from login to login.
DEFAULTS = {"keys": "k1", "sign": "both", "sigalg": "rsa-sha256", "encrypt": "no", "nameid": "unspecified",
            "attributes": "basic", "require_signed_requests": "no"}
PASSWORDS = {"alice": "alicepass", "bob": "bobpass"}


class Idp:
    def __init__(self, directory):
        self.dir = pathlib.Path(directory)
        self._options = dict(DEFAULTS)
        # Cookies of users that are logged in at the IdP, so that a login need not type each time.
        self.cookies = {}
        self._idp("init", *(f"{k}={v}" for k, v in DEFAULTS.items()))
        self.facts = dict(line.split("=", 1) for line in self._idp("facts").splitlines())

    def _idp(self, command, *arguments):
        assert SCRIPT.is_file(), f"{SCRIPT} is missing"
        # Not through a pipe: the server that `start` leaves behind would keep it open.
        with tempfile.TemporaryFile("w+") as out:
            code = subprocess.run([str(SCRIPT), command, str(self.dir), *arguments], timeout=60,
                                  stdin=subprocess.DEVNULL, stdout=out, stderr=out).returncode
            out.seek(0)
            text = out.read()
        assert code == 0, f"idp.sh {command}: exit {code}\n{text}"
        return text

    @property
    def entity_id(self):
        return self.facts["ENTITY_ID"]

    @property
    def sso_url(self):
        return self.facts["SSO_URL"]

    def start(self):
        self._idp("start")
        return self

    def stop(self):
        self._idp("stop")

    def set(self, **options):
        """Effective at the next request; reset() takes it back."""
        self._options.update(options)
        self._idp("set", *(f"{k}={v}" for k, v in options.items()))

    def reset(self):
        changed = {k: v for k, v in DEFAULTS.items() if self._options.get(k) != v}
        if changed:
            self.set(**changed)

    def key(self, name):
        return Signer(self.dir / "cert" / f"{name}.key", self.dir / "cert" / f"{name}.crt")

    def metadata(self):
        return pathlib.Path(self._idp("metadata").strip())

    def add_sp(self, metadata):
        """Trust the service provider that this metadata (text) describes."""
        with tempfile.NamedTemporaryFile("w", suffix=".xml", dir=self.dir) as file:
            file.write(metadata)
            file.flush()
            return self._idp("add-sp", file.name).strip()

    def unsolicited_url(self, sp_entity_id, relay_state=None):
        query = {"spentityid": sp_entity_id}
        if relay_state is not None:
            query["RelayState"] = relay_state
        return f"{self.sso_url}?{urllib.parse.urlencode(query)}"

