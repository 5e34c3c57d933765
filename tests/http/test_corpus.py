# SPDX-License-Identifier: Apache-2.0
"""The corpus of tests/corpus through a real server: each case with the clock of now, posted to the ACS,
and the same octets given to samlcertctl. Both say what the case says, by the same reason code."""

import collections
import concurrent.futures
import datetime
import html
import re
import urllib.parse

import pytest

from corpus import CASES, Kit, directory, entity_id_of, lay_down, own_key
from harness.browser import Browser, environment, parse_request
from harness.ctl import verify
from harness.forge import instant
from harness.service import INCIDENT, Service

ANSWERED = {303: "accepted", 400: "refused", 403: "refused", 413: "refused"}
LOG = re.compile(r"SMC\d{4}: ([a-z-]+): .* \[incident ([0-9a-f]{12})\]")
Told = collections.namedtuple("Told", "status code command")


class Partners:
    """In the place of one real IdP: those of the corpus, whose keys the cases hold."""
    entity_id, sso_url = entity_id_of("asked"), "https://asked.idp.example/sso"

    def key(self, _):
        return own_key()

    def add_sp(self, _):
        """They exist on paper only."""


@pytest.fixture(scope="module")
def service(directories):
    service = Service(directories(), Partners(), settings=("Status inactive",))
    # The IdP that every Service has is not of the corpus.
    service.trust.idp("test", "EntityID https://unused.example/", "Status inactive")
    lay_down(service.trust)
    service.corpus = {idp: directory(directories(), idp) for idp in {c.idp for c in CASES.values()}}
    service.httpd.tolerate(".")
    try:
        yield service.start()
    finally:
        service.httpd.stop()


def kit(service, case, number, request_id=None):
    now = datetime.datetime.utcnow().replace(microsecond=0)
    return Kit(service.entity_id, service.acs, own_key(), now, f"_http{number}", case.idp, request_id)


def post(service, number, case):
    """Answer of the server and of the command to the same octets."""
    browser = Browser(service.base)
    browser.session.verify = str(service.httpd.tls_certificate)
    request_id = relay_state = None
    if case.request:
        begun = browser.get("/saml/login?" + urllib.parse.urlencode(
            {"target": "/app/", "idp": entity_id_of(case.idp)}))
        request = parse_request(begun.headers["Location"])
        request_id, relay_state = request.id, request.relay_state
    body = case.body(kit(service, case, number, request_id))
    sent = body + (f"&RelayState={urllib.parse.quote(relay_state, '')}".encode() if relay_state else b"")
    answer = browser.request("POST", service.acs, data=sent,
                             headers={"Content-Type": "application/x-www-form-urlencoded"})
    command = verify(service.corpus[case.idp].root, service.entity_id, service.acs, body, now=instant(),
                     in_response_to=[request_id] if request_id else ())
    incident = INCIDENT.search(answer.text)
    return Told(answer.status_code, incident and incident[1], command), browser


@pytest.fixture(scope="module")
def told(service):
    """Name of a case -> what server and command say of it."""
    cases = [(n, c) for n, c in enumerate(CASES.values()) if c.own_server]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda job: post(service, *job)[0], cases))
    codes = {m[2]: m[1] for line in service.httpd.log_lines() if (m := LOG.search(line.text))}
    return {case.name: answer._replace(code=codes.get(answer.code)) for (_, case), answer in zip(cases, answers)}


@pytest.mark.parametrize("case", [c for c in CASES.values() if c.own_server], ids=lambda c: c.name)
def test_case(told, case):
    answer = told[case.name]
    command = answer.command.json
    assert answer.status in ANSWERED, answer
    assert ANSWERED[answer.status] == command["verdict"], f"{answer.code}; the command: {command['message']}"
    code = "ok" if answer.status == 303 else answer.code
    assert code in case.codes, case.why
    assert code == command["code"], command["message"]


def test_what_the_application_sees(service):
    """Values in the environment of a session are those that the command prints."""
    case = CASES["name: CDATA and text"]
    answer, browser = post(service, "env", case)
    assert answer.status == 303
    seen = environment(browser.get("/app/index.shtml"))
    assert seen["REMOTE_USER"] == html.unescape(case.name_id)
    assert seen["SAML_ATTR_groups"] == ";".join(case.attributes["groups"])
    assert seen["SAML_IDP"] == entity_id_of(case.idp)
