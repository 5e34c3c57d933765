# SPDX-License-Identifier: Apache-2.0
"""What may be thrown at the ACS. Every case gets 4xx and leaves the children alive; the twin of
each is test_a_plain_post_is_accepted, which sends the same form in good order."""

import base64
import socket
import ssl
import urllib.parse

import pytest

from harness.browser import SamlPost, parse_request

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def children_survive(service):
    before = set(service.httpd.children())
    yield
    assert before <= set(service.httpd.children()), "a child died"


pytestmark = pytest.mark.usefixtures("children_survive")


def post_raw(service, body, browser=None, **headers):
    headers = {"Content-Type": FORM, **{k.replace("_", "-"): v for k, v in headers.items()}}
    headers = {k: v for k, v in headers.items() if v is not None}
    return (browser or service.browser()).request("POST", service.acs, data=body, headers=headers)


def encoded(xml):
    return urllib.parse.urlencode({"SAMLResponse": base64.b64encode(xml).decode(), "RelayState": "x"})


def test_a_plain_post_is_accepted(service):
    browser, _, post = service.captured()
    body = urllib.parse.urlencode(post.fields)
    service.assert_accepted(post_raw(service, body, browser, Content_Type=f"{FORM}; charset=UTF-8"))


def test_white_space_in_base64_is_accepted(service):
    """Some IdPs wrap their base64 at 76 columns, with CR LF."""
    browser, _, post = service.captured()
    lines = base64.encodebytes(post.xml).decode().replace("\n", "\r\n")
    service.assert_accepted(browser.deliver(SamlPost(post.action, {**post.fields, "SAMLResponse": lines})))


def test_the_size_limit(make_service):
    service = make_service(extra="SamlCertMaxPost 20000")
    service.start()
    browser, _, post = service.captured()
    body = urllib.parse.urlencode(post.fields)
    padding = 20000 - len(body)
    assert padding > 100
    at_limit, above = body + "&x=" + "y" * (padding - 3), body + "&x=" + "y" * (padding - 2)
    assert len(at_limit) == 20000
    service.assert_refused(post_raw(service, above, browser), "too-large", 413)
    service.assert_accepted(post_raw(service, at_limit, browser))


def test_too_large_by_announcement_and_by_chunks(service):
    service.assert_refused(post_raw(service, b"SAMLResponse=" + b"A" * 300000), "too-large", 413)

    def chunks():
        yield b"SAMLResponse="
        for _ in range(40):
            yield b"A" * 8192
    answer = service.browser().request("POST", service.acs, data=chunks(), headers={"Content-Type": FORM})
    service.assert_refused(answer, "too-large", 413)


BODIES = {
    "empty": b"",
    "no response": b"RelayState=x",
    "empty response": b"SAMLResponse=&RelayState=x",
    "not base64": b"SAMLResponse=%21%21%21%21&RelayState=x",
    "base64 cut": b"SAMLResponse=PFJlc3BvbnNl&RelayState=x"[:-14],
    "base64 with junk after padding": b"SAMLResponse=PGEvPg%3D%3Dxxxx",
    "two responses": b"SAMLResponse=PGEvPg%3D%3D&SAMLResponse=PGEvPg%3D%3D",
    "two relay states": b"SAMLResponse=PGEvPg%3D%3D&RelayState=a&RelayState=b",
    "encoded name twice": b"SAMLResponse=PGEvPg%3D%3D&SAML%52esponse=PGEvPg%3D%3D",
    "broken escape": b"SAMLResponse=PGEvPg%3D%3&RelayState=%zz",
    "escape at the end": b"SAMLResponse=PGEvPg%3D%3D&RelayState=%",
    "NUL": b"SAMLResponse=PGEvPg%3D%3D&RelayState=%00",
    "not a form": b"\x00\x01\x02\xff\xfe" * 100,
    "many fields": b"&".join(b"f%d=1" % i for i in range(5000)),
    "only separators": b"&" * 1000 + b"=" * 1000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_malformed_form(service, body):
    service.assert_refused(post_raw(service, body), "malformed", 400)


@pytest.mark.parametrize("content_type", [None, "text/plain", "multipart/form-data; boundary=x",
                                          "application/json", "application/x-www-form-urlencoded-not"])
def test_the_wrong_content_type(service, content_type):
    browser, _, post = service.captured()
    answer = post_raw(service, urllib.parse.urlencode(post.fields).encode(), browser,
                      Content_Type=content_type)
    service.assert_refused(answer, "malformed", 400)


RESPONSE = '<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" ID="_a" Version="2.0"'
DOCUMENTS = {
    "text": b"hello",
    "cut": b"<Response",
    "empty element": b"<a/>",
    "another message": RESPONSE.replace("Response", "LogoutRequest").encode() + b"/>",
    "another namespace": b"<Response ID='_a' Version='2.0'/>",
    "undeclared prefix": b"<samlp:Response ID='_a'/>",
    "doctype": b"<!DOCTYPE x>" + RESPONSE.encode() + b"/>",
    "entities": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + RESPONSE.encode()
                + b">&e;</samlp:Response>",
    "entity bomb": b'<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
                   b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>' + RESPONSE.encode()
                   + b">&c;</samlp:Response>",
    "utf-16": ('<?xml version="1.0" encoding="UTF-16"?>' + RESPONSE + "/>").encode("utf-16"),
    "latin-1": b'<?xml version="1.0" encoding="ISO-8859-1"?>' + RESPONSE.encode()
               + b">\xe9</samlp:Response>",
    "bad utf-8": RESPONSE.encode() + b">\xff\xfe</samlp:Response>",
    "bounded depth": RESPONSE.encode() + b">" + b"<a>" * 5000 + b"</a>" * 5000 + b"</samlp:Response>",
    "bounded attributes": RESPONSE.encode() + b" " + b" ".join(b"a%d='1'" % i for i in range(15000)) + b"/>",
    "bounded elements": RESPONSE.encode() + b">" + b"<b/>" * 40000 + b"</samlp:Response>",
    "processing instruction": RESPONSE.encode() + b"><?x y?></samlp:Response>",
    "two roots": RESPONSE.encode() + b"/>" + RESPONSE.encode() + b"/>",
    "deflated": base64.b64decode("eNqzCShKTVEoys9JtQMAFeEENw=="),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_malformed_document(service, name):
    xml = DOCUMENTS[name]
    code, status = ("too-large", 413) if name.startswith("bounded") else ("malformed", 400)
    service.assert_refused(post_raw(service, encoded(xml)), code, status)
    verdict = service.verify(xml)
    assert verdict.code == 1 and verdict.json["code"] == code, verdict


def test_a_flood_is_refused_fast(service):
    """libxml2 alone would need seconds for these attributes (its check of duplicates is quadratic)."""
    xml = RESPONSE.encode() + b" " + b" ".join(b"a%d=''" % i for i in range(18000)) + b"/>"
    answer = post_raw(service, encoded(xml))
    assert answer.status_code in (400, 413)
    assert answer.elapsed.total_seconds() < 1


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"])
def test_the_acs_takes_posts_only(service, method):
    answer = service.browser().request(method, service.acs)
    assert answer.status_code in (400, 405)
    assert answer.status_code != 405 or "POST" in answer.headers.get("Allow", "")


@pytest.mark.parametrize("path", ["/saml", "/saml/", "/saml/nothing", "/saml/acs/more", "/saml/ACS",
                                  "/saml/metadata/x", "/samlx/acs"])
def test_what_is_no_endpoint_is_not_found(service, path):
    assert service.browser().get(path).status_code == 404


def test_bytes_that_stop_in_the_middle(service):
    """A client that announces more than it sends and goes away."""
    context = ssl._create_unverified_context()
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", service.httpd.port), 5) as plain, \
                context.wrap_socket(plain) as s:
            s.sendall(b"POST /saml/acs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: "
                      + FORM.encode() + b"\r\nContent-Length: 5000\r\n\r\nSAMLResponse=PGEv")
    assert service.browser().get("/").status_code == 200


def test_a_long_cookie_header_is_harmless(service):
    many = "; ".join(f"__Host-samlcert-state-{i:016x}=x" for i in range(60))
    assert service.browser().get("/app/", headers={"Cookie": many}).status_code in (302, 303)
    answer = post_raw(service, "SAMLResponse=PGEvPg%3D%3D&RelayState=x", Cookie=many)
    service.assert_refused(answer, "malformed", 400)


def test_a_foreign_host_header_changes_nothing(service):
    """Our own address comes from the configuration."""
    browser = service.browser()

    answer = browser.get("/app/", headers={"Host": "evil.example"})
    request = parse_request(answer.headers["Location"])
    assert request.root.get("AssertionConsumerServiceURL") == service.acs
    assert "evil" not in browser.get("/saml/metadata", headers={"Host": "evil.example"}).text


def test_the_page_of_a_refusal_is_neutral(service):
    answer = post_raw(service, b"SAMLResponse=%3Cscript%3Ealert(1)%3C/script%3E")
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("text/html")
    for word in ("script>", "base64", "samlcert", "/tmp", "malformed"):
        assert word not in answer.text.lower()
