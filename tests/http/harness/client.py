# SPDX-License-Identifier: Apache-2.0
"""Clients of a server that loses connections on purpose: each answer with its times, each lost
connection told apart from an answer that is wrong."""

import dataclasses
import html
import http.client
import re
import time
import urllib.parse

from . import keyholder

NAVIGATION = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
LOST = (http.client.HTTPException, OSError)
TRIES = 40


@dataclasses.dataclass
class Answer:
    status: int
    headers: object
    text: str
    began: float         # CLOCK_MONOTONIC, the same in all processes
    ended: float

    def cookies(self):
        """name -> value; "" where a cookie is taken away."""
        pairs = (line.split(";", 1)[0].split("=", 1) for line in self.headers.get_all("Set-Cookie") or [])
        return {name.strip(): value.strip() for name, value in pairs}

    def environment(self):
        return dict(re.findall(r"^([A-Za-z0-9_.:-]+)=(.*)$", html.unescape(self.text), re.M))


class Client:
    """One connection, kept alive. `lost` has (when, was the connection used before)."""

    def __init__(self, port, lost):
        self.port = port
        self.lost = lost
        self.connection = None

    def once(self, method, target, cookies=None, form=None):
        """The answer, or None if the connection was lost."""
        headers = dict(NAVIGATION)
        body = None
        if cookies:
            headers["Cookie"] = "; ".join(f"{n}={v}" for n, v in cookies.items() if v)
        if form is not None:
            body = urllib.parse.urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        is_used = self.connection is not None
        began = time.monotonic()
        try:
            if not is_used:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self.connection.request(method, target, body, headers)
            answer = self.connection.getresponse()
            text = answer.read().decode("utf-8", "replace")
        except LOST as e:
            self.close()
            self.lost.append((time.monotonic(), is_used, type(e).__name__))
            return None
        if answer.will_close:
            self.close()
        return Answer(answer.status, answer.headers, text, began, time.monotonic())

    def get(self, target, cookies=None):
        """The answer; what is lost is asked for once more, as a browser would."""
        for _ in range(TRIES):
            answer = self.once("GET", target, cookies)
            if answer:
                return answer
            time.sleep(0.05)
        raise AssertionError(f"{target}: the connection was lost {TRIES} times")

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


@dataclasses.dataclass
class Login:
    """What became of a login."""
    idp: str
    signer: str                    # SHA-256 of the certificate
    began: float                   # before the POST was sent
    ended: float
    status: int                    # of the POST; 0: the connection was lost
    encrypted_to: str = ""         # certificate, base64
    published: float = 0           # when metadata said so
    user: str = ""
    mark: str = ""
    cookies: dict = dataclasses.field(default_factory=dict)
    seen: dict = dataclasses.field(default_factory=dict)   # SAMLCERT_... of the application
    incident: str = ""
    message: dict = dataclasses.field(default_factory=dict)   # the form that was posted
    state: dict = dataclasses.field(default_factory=dict)     # the cookies that went with it
    wrong: str = ""                # what is wrong with the answer whatever was trusted


def facts(service):
    """What a client must know of a service provider; goes to other processes as well."""
    return {"port": service.httpd.port, "entity_id": service.entity_id, "acs": service.acs}


def log_in(client, service, idp, name, signer, user, mark, encrypt_to=None, published=0):
    """A whole login, from the page that starts it to the page that it was for."""
    query = urllib.parse.urlencode({"target": "/app/index.shtml", "idp": idp.entity_id})
    start = client.get(f"/saml/login?{query}")
    now = time.monotonic()
    login = Login(name, signer.sha256, now, now, start.status, encrypt_to or "", published, user, mark)
    if start.status != 302 and start.status != 303:
        login.wrong = f"the start of a login: {start.status}"
        return login
    request_id, relay_state = keyholder.read_request(start.headers["Location"])
    message = idp.answer(request_id, service["entity_id"], service["acs"], user, mark, signer, encrypt_to)
    login.message = {"SAMLResponse": message, "RelayState": relay_state}
    login.state = start.cookies()
    login.began = time.monotonic()
    answer = post_again(client, login)
    login.ended = time.monotonic()
    if not answer:
        login.status = 0
        return login
    login.status = answer.status
    if answer.status == 303:
        login.cookies = {n: v for n, v in answer.cookies().items() if v}
        check_session(client, login)
    else:
        found = re.search(r"incident: ([0-9a-f]{12})", answer.text)
        login.incident = found[1] if found else ""
    return login


def post_again(client, login):
    """The same POST: a replay, once it was accepted."""
    return client.once("POST", "/saml/acs", login.state, login.message)


def check_session(client, login):
    """TRUE if the session is there and says what it said before; otherwise login.wrong says why."""
    page = client.get("/app/index.shtml", login.cookies)
    seen = page.environment()
    shown = {k: v for k, v in seen.items() if k.startswith(("SAMLCERT_", "SAML_"))}
    if page.status != 200:
        login.wrong = f"a session that is lost: {page.status}"
    elif (seen.get("REMOTE_USER"), seen.get("SAML_ATTR_mark"), seen.get("SAML_ATTR_groups")) \
            != (login.user, login.mark, "staff;all"):
        login.wrong = f"a session of somebody else: {seen.get('REMOTE_USER')} {shown}"
    elif login.seen and shown != login.seen:
        login.wrong = f"a session that changed: {shown} instead of {login.seen}"
    login.seen = login.seen or shown
    return not login.wrong
