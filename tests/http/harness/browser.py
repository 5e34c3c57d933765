# SPDX-License-Identifier: Apache-2.0
"""A browser as far as a login needs one: it stops at each step, so that a test can interfere."""

import base64
import dataclasses
import html
import http.cookies
import re
import urllib.parse
import zlib

import lxml.etree
import lxml.html
import requests

from .idp import PASSWORDS

TIMEOUT = 20
NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0",
              "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}


@dataclasses.dataclass
class AuthnRequest:
    """What the service provider sent the browser to the IdP with."""
    url: str
    xml: bytes
    relay_state: str

    @property
    def root(self):
        return lxml.etree.fromstring(self.xml)

    @property
    def id(self):
        return self.root.get("ID")


@dataclasses.dataclass
class SamlPost:
    """The form that the IdP wants posted to the service provider."""
    action: str
    fields: dict

    @property
    def xml(self):
        return base64.b64decode(self.fields["SAMLResponse"])

    def with_xml(self, xml):
        return SamlPost(self.action, {**self.fields, "SAMLResponse": base64.b64encode(xml).decode()})


def parse_request(url):
    """Decode an AuthnRequest from an HTTP-Redirect URL: base64 of raw DEFLATE."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(url).query, strict_parsing=True))
    xml = zlib.decompress(base64.b64decode(query["SAMLRequest"], validate=True), wbits=-15)
    return AuthnRequest(url, xml, query.get("RelayState"))


class Browser:
    def __init__(self, base, ca=None, idp=None):
        self.base = base
        self.idp = idp
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update(NAVIGATION)
        self.session.verify = str(ca) if ca else True

    def copy(self):
        """Another client with the cookies of this moment: a thief who saw the traffic."""
        other = Browser(self.base, idp=self.idp)
        other.session.verify = self.session.verify
        other.session.cookies.update(self.session.cookies)
        return other

    def _url(self, target):
        return self.base + target if target.startswith("/") else target

    def get(self, target, **kwargs):
        """One request, no redirect followed."""
        return self.session.get(self._url(target), allow_redirects=False, timeout=TIMEOUT, **kwargs)

    def request(self, method, target, **kwargs):
        return self.session.request(method, self._url(target), allow_redirects=False,
                                    timeout=TIMEOUT, **kwargs)

    # The steps of a login

    def begin(self, target="/app/"):
        """Ask for a protected page; the answer must send us to the IdP."""
        answer = self.get(target)
        assert answer.status_code in (302, 303), f"{target}: {answer.status_code}, not sent to the IdP"
        return parse_request(answer.headers["Location"])

    def at_idp(self, url, user="alice"):
        """Log in at the IdP (or be logged in already) and return its form."""
        if user in self.idp.cookies:
            self.session.cookies.update(self.idp.cookies[user])
        answer = self._follow(self.get(url))
        page = lxml.html.fromstring(answer.content)
        if page.xpath("//input[@name='password']"):
            form = dict(page.forms[0].fields)
            form.update(username=user, password=PASSWORDS[user])
            answer = self._follow(self.request("POST", answer.url, data=form))
            page = lxml.html.fromstring(answer.content)
            self._remember(user)
        assert page.xpath("//input[@name='SAMLResponse']"), f"no SAMLResponse: {answer.text[:2000]}"
        fields = {k: v for k, v in page.forms[0].fields.items() if k in ("SAMLResponse", "RelayState")}
        return SamlPost(page.forms[0].action, fields)

    def _follow(self, answer):
        for _ in range(10):
            if answer.status_code not in (301, 302, 303):
                break
            answer = self.get(urllib.parse.urljoin(answer.url, answer.headers["Location"]))
        assert answer.status_code == 200, f"{answer.url}: {answer.status_code} {answer.text[:2000]}"
        return answer

    def _remember(self, user):
        jar = requests.cookies.RequestsCookieJar()
        for cookie in self.session.cookies:
            if cookie.domain.startswith("localhost"):
                jar.set_cookie(cookie)
        self.idp.cookies[user] = jar

    def deliver(self, post):
        """Post the IdP's form to the service provider."""
        return self.request("POST", post.action, data=post.fields)

    def capture(self, target="/app/", user="alice"):
        """Everything up to the form that is about to be posted: (AuthnRequest, SamlPost)."""
        request = self.begin(target)
        return request, self.at_idp(request.url, user)

    def login(self, target="/app/", user="alice"):
        """A whole login; the answer is the protected page."""
        _, post = self.capture(target, user)
        answer = self.deliver(post)
        assert answer.status_code == 303, f"{answer.status_code}: {answer.text[:1000]}"
        return self.get(urllib.parse.urljoin(post.action, answer.headers["Location"]))

    def cookie_names(self):
        return [c.name for c in self.session.cookies if c.domain == "127.0.0.1"]

    def session_cookie(self):
        return next((c for c in self.session.cookies if c.name in ("__Host-samlcert", "samlcert")), None)


def set_cookies(answer):
    """The Set-Cookie headers of an answer: name -> morsel, whose keys are lower-case attributes."""
    found = {}
    for line in answer.raw.headers.getlist("Set-Cookie"):
        jar = http.cookies.SimpleCookie()
        jar.load(line)
        found.update(jar)
    return found


def environment(answer):
    """What the protected page shows of its environment (SSI printenv): name -> value."""
    text = html.unescape(answer.content.decode("utf-8"))
    return dict(re.findall(r"^([A-Za-z0-9_.:-]+)=(.*)$", text, re.M))


def lands_on(base, location):
    """Where a browser goes from `base` with this Location, by its own lenient reading of URLs.

    Browsers drop tabs and line ends, strip blanks and take a backslash for a slash.
    """
    cleaned = re.sub(r"[\t\r\n]", "", location).strip("".join(map(chr, range(0x21)))).replace("\\", "/")
    # Any number of slashes after an http(s) scheme, or at the start from two on, begins a host.
    cleaned = re.sub(r"^(https?):/*", r"\1://", cleaned, flags=re.I)
    cleaned = re.sub(r"^/{2,}", "//", cleaned)
    parts = urllib.parse.urlsplit(urllib.parse.urljoin(base, cleaned))
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}"
