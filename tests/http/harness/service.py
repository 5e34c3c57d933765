# SPDX-License-Identifier: Apache-2.0
"""A service provider: httpd with the module, its trust directory, and an IdP that knows it."""

import dataclasses
import os
import pathlib
import re
import shutil

from . import certs
from .browser import Browser
from .ctl import ctl, verify
from .forge import Message, instant
from .httpd import Httpd
from .tools import SERVER_USER, eventually, module_path
from .trust import Trust

# REMOTE_USER and the rest of the environment as an application sees them.
ENVIRONMENT_PAGE = """\
<html><head><meta charset="utf-8"></head><body><pre>
<!--#printenv -->
</pre></body></html>
"""

SITE = """\
LoadModule samlcert_module {module}
SamlCertTrustDir {trust}
SamlCertStateDir {state}
SamlCertEntityID {entity_id}
SamlCertBaseURL {base}
SamlCertAllowedHosts partner.example.org
<Location /status>
    SetHandler samlcert-status
</Location>
<Location /app>
    AuthType SAML
    Require saml-session
</Location>
{extra}
"""

INCIDENT = re.compile(r"incident: ([0-9a-f]{12})")


@dataclasses.dataclass
class Refusal:
    """One refusal as the error log tells it."""
    tag: str
    code: str
    sentence: str
    line: object


class Service:
    def __init__(self, root, idp, mpm="event", extra="", settings=("ClockSkew 0",), site=SITE,
                 tls=True):
        self.root = pathlib.Path(root)
        self.root.mkdir()
        self.root.chmod(0o755)
        self.idp = idp
        self.settings = settings
        self.ctl_options = ()       # what the CLI needs besides to read our trust directory
        self.httpd = Httpd(self.root / "httpd", mpm=mpm, tls=tls)
        self.base = self.httpd.base
        self.entity_id = f"{self.base}/saml"
        self.acs = f"{self.base}/saml/acs"
        self.trust = Trust(self.root / "trust")
        self.state = self.root / "state"
        self._make_state()
        self.httpd.configure(site.format(
            module=module_path(), trust=self.trust.root, state=self.state, base=self.base,
            entity_id=self.entity_id, extra=extra))
        self.httpd.document("app/index.shtml", ENVIRONMENT_PAGE)
        self.httpd.document("app/index.html", "a protected page\n")
        self.httpd.document("index.html", "a public page\n")
        self.trust.sp_key()
        self.configure_idp()
        self.trust.certificate("test", "primary", idp.key("k1"))
        self.trust.keep()

    def _make_state(self):
        self.state.mkdir(mode=0o700)
        if os.geteuid() == 0:
            shutil.chown(self.state, SERVER_USER, SERVER_USER)

    def configure_idp(self, *more):
        """idp/test/idp.conf: the usual settings and these."""
        self.trust.idp("test", f"EntityID {self.idp.entity_id}", f"SSOUrl {self.idp.sso_url}",
                       *self.settings, *more)

    def allow_unsolicited(self):
        """Unsolicited on, which the module warns of each time it loads it."""
        self.httpd.expect("Unsolicited on")
        self.configure_idp("Unsolicited on")

    def start(self):
        """Start, and introduce ourselves to the IdP with our own metadata."""
        self.httpd.start()
        metadata = self.browser().get("/saml/metadata")
        assert metadata.status_code == 200, f"metadata: {metadata.status_code}\n{self.httpd.error_log()}"
        self.idp.add_sp(metadata.text)
        return self

    def browser(self):
        return Browser(self.base, self.httpd.tls_certificate, self.idp)

    # What happened

    def refusal(self, answer):
        """The log entry of a refused post, found by the incident ID that the page shows."""
        found = INCIDENT.search(answer.text)
        assert found, f"{answer.status_code} without incident ID:\n{answer.text[:1000]}"
        tail = re.compile(rf"\b(SMC\d{{4}}): ([a-z-]+): (.*) \[incident {found[1]}\]")

        def look():
            return [(m, line) for line in self.httpd.log_lines() if (m := tail.search(line.text))]
        entries = eventually(look, timeout=2, what=f"incident {found[1]} in the error log")
        assert len(entries) == 1, f"incident {found[1]} is logged {len(entries)} times"
        m, line = entries[0]
        return Refusal(m[1], m[2], m[3], line)

    def assert_refused(self, answer, code, status=403):
        assert answer.status_code == status, \
            f"{answer.status_code} instead of {status} ({code})\n{answer.text[:500]}"
        refusal = self.refusal(answer)
        if code == "cert-not-listed":
            self.httpd.tolerate("SMC0206")    # once per certificate and hour; see test_unlisted.py
        assert refusal.code == code, f"{refusal.code} instead of {code}: {refusal.sentence}"
        assert refusal.line.level == "info", refusal.line.raw
        assert code not in answer.text, "the page tells a stranger the reason"
        return refusal

    def assert_accepted(self, answer):
        why = "" if answer.status_code == 303 else self.httpd.error_log()[-1500:]
        assert answer.status_code == 303, f"{answer.status_code} instead of 303\n{answer.text[:500]}\n{why}"
        return answer.headers["Location"]

    # The CLI on the same input

    def verify(self, xml, *options, in_response_to=()):
        return verify(self.trust.root, self.entity_id, self.acs, xml, *self.ctl_options, *options,
                      in_response_to=in_response_to, now=instant())

    def status(self):
        answer = self.browser().get("/status?format=json")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def settled(self):
        """The status, once all children have what the trust directory holds now.

        The CLI reads the same directory and computes the same generation_hash.
        """
        listed = ctl("--trust", self.trust.root, "--state", self.state, *self.ctl_options,
                     "--json", "list")
        assert listed.code == 0, listed
        wanted = listed.json["generation_hash"]

        def agree():
            status = self.status()
            hashes = {c["generation_hash"] for c in status["children"]}
            return status if hashes == {status["generation_hash"]} == {wanted} else None
        return eventually(agree, timeout=5, what=f"generation {wanted} in all children")

    # Forged messages

    def captured(self, user="alice"):
        """A browser with a login under way: (browser, AuthnRequest, SamlPost)."""
        browser = self.browser()
        request, post = browser.capture(user=user)
        return browser, request, post

    def stranger(self, name="Stranger", **kwargs):
        """Somebody else's key and certificate."""
        directory = self.root / "strangers"
        directory.mkdir(exist_ok=True)
        number = len(list(directory.iterdir()))
        return certs.make(directory / f"{number}.key", directory / f"{number}.crt", name, **kwargs)


def changed(post, change, signer=None, **sign):
    """The post with its Response changed, and signed again where a signer is given."""
    message = Message(post.xml)
    change(message)
    if signer:
        message.sign(signer, **sign)
    return post.with_xml(message.xml())
