# SPDX-License-Identifier: Apache-2.0
"""A browser without a screen: cookies, redirects, forms. Standard library only."""

import html.parser
import http.cookiejar
import ssl
import urllib.error
import urllib.parse
import urllib.request


class Page(html.parser.HTMLParser):
    """The first form of a page, and the text of the elements that have an id."""

    def __init__(self, url, status, text):
        super().__init__()
        self.url = url
        self.status = status
        self.text = text
        self.action = None
        self.fields = {}
        self.by_id = {}
        self._id = None
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "form" and self.action is None:
            self.action = urllib.parse.urljoin(self.url, attrs.get("action") or "")
        elif tag == "input" and attrs.get("name"):
            self.fields[attrs["name"]] = attrs.get("value") or ""
        self._id = attrs.get("id")
        if self._id:
            self.by_id[self._id] = ""

    def handle_data(self, data):
        if self._id:
            self.by_id[self._id] += data

    def handle_endtag(self, tag):
        self._id = None


class Browser:
    """One browser session. It trusts the certificate of the service provider and no other."""

    def __init__(self, tls_certificate):
        self.cookies = http.cookiejar.CookieJar()
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}),
            urllib.request.HTTPSHandler(
                context=ssl.create_default_context(cafile=tls_certificate)),
            urllib.request.HTTPCookieProcessor(self.cookies))

    def open(self, url, fields=None):
        """GET, or POST of a form; follows redirects; a 4xx or 5xx answer is a page too."""
        data = urllib.parse.urlencode(fields).encode() if fields is not None else None
        try:
            answer = self._opener.open(url, data, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(answer.geturl(), answer.status, answer.read().decode())

    def authenticate(self, url, user, password):
        """Go to a protected page and log in at the IdP; stop at the form with the response."""
        page = self.open(url)
        if "username" in page.fields:
            page = self.open(page.action,
                             {**page.fields, "username": user, "password": password})
        if "SAMLResponse" not in page.fields:
            raise RuntimeError(f"no SAML response for {user}: {page.status} at {page.url}")
        return page

    def deliver(self, page):
        """Post that form to the service provider, as the page itself does in a real browser."""
        return self.open(page.action, page.fields)

    def login(self, url, user, password):
        return self.deliver(self.authenticate(url, user, password))

    def cookie_header(self, url):
        request = urllib.request.Request(url)
        self.cookies.add_cookie_header(request)
        return request.get_header("Cookie")
