# SPDX-License-Identifier: Apache-2.0
"""The status handler and the metadata endpoint."""

import datetime
import re

import lxml.etree

from harness import certs

MD = {"md": "urn:oasis:names:tc:SAML:2.0:metadata", "ds": "http://www.w3.org/2000/09/xmldsig#"}
RFC3339 = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"


def test_the_status_is_json(service, idp):
    answer = service.browser().get("/status")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/json")
    assert "no-store" in answer.headers["Cache-Control"]
    status = service.settled()
    assert set(status) >= {"version", "generation", "generation_hash", "loaded_at", "last_reload_error",
                           "children", "idps"}
    assert re.fullmatch(r"\d+\.\d+.*", status["version"])
    assert status["generation"] >= 1
    assert re.fullmatch(r"[0-9a-f]{16,128}", status["generation_hash"])
    assert re.fullmatch(RFC3339, status["loaded_at"])
    assert status["last_reload_error"] is None


def test_the_status_knows_the_children(service):
    children = service.settled()["children"]
    assert {c["pid"] for c in children} == set(service.httpd.children())
    assert all(set(c) >= {"pid", "generation", "generation_hash"} for c in children)


def test_the_status_knows_the_certificates(service, idp):
    entry, = service.status()["idps"]
    assert entry["name"] == "test" and entry["entity_id"] == idp.entity_id
    assert entry["status"] == "active"
    certificate, = entry["certificates"]
    signer = idp.key("k1").certificate
    assert certificate["sha256"] == certs.fingerprint(signer)
    assert certificate["slot"] == "primary"
    assert "Example IdP signing key k1" in certificate["subject"]
    for field in ("not_before", "not_after"):
        assert re.fullmatch(RFC3339, certificate[field])
    end = datetime.datetime.fromisoformat(certificate["not_after"].replace("Z", "+00:00"))
    days = (end - datetime.datetime.now(datetime.timezone.utc)).days
    assert abs(certificate["days_left"] - days) <= 1
    assert certificate["source"].endswith("idp/test/primary.pem")


def test_no_private_key_is_shown(service):
    text = service.browser().get("/status").text + service.browser().get("/saml/metadata").text
    assert "PRIVATE" not in text


def test_the_metadata(service):
    answer = service.browser().get("/saml/metadata")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("application/samlmetadata+xml")
    root = lxml.etree.fromstring(answer.content)
    assert root.tag == "{%s}EntityDescriptor" % MD["md"]
    assert root.get("entityID") == service.entity_id
    role, = root.findall("md:SPSSODescriptor", MD)
    assert "urn:oasis:names:tc:SAML:2.0:protocol" in role.get("protocolSupportEnumeration").split()
    acs, = role.findall("md:AssertionConsumerService", MD)
    assert acs.get("Binding") == "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
    assert acs.get("Location") == service.acs
    assert acs.get("index") == "0" and acs.get("isDefault") == "true"
    assert "WantAssertionsSigned" not in role.attrib
    keys = {d.get("use"): "".join(d.xpath("string(.//ds:X509Certificate)", namespaces=MD).split())
            for d in role.findall("md:KeyDescriptor", MD)}
    ours = certs.body(service.trust.path("sp/default/active.crt"))
    assert keys == {"signing": ours, "encryption": ours}
    # spec: SAML-Metadata 2.4.4: key descriptors come before the services.
    order = [lxml.etree.QName(c).localname for c in role]
    assert order.index("AssertionConsumerService") > order.index("KeyDescriptor")


def test_the_next_key_is_published_without_a_restart(service):
    service.trust.sp_key("next")
    service.settled()
    text = "".join(service.browser().get("/saml/metadata").text.split())
    active, following = (certs.body(service.trust.path(f"sp/default/{r}.crt")) for r in ("active", "next"))
    assert text.index(active) < text.index(following)


def test_a_key_that_is_retiring_is_not_published(service):
    service.trust.sp_key("retiring")
    service.settled()
    text = "".join(service.browser().get("/saml/metadata").text.split())
    assert certs.body(service.trust.path("sp/default/retiring.crt")) not in text


def test_the_idp_accepts_our_metadata(service, idp):
    """It is how every login here works; without it the IdP refuses us."""
    assert idp.add_sp(service.browser().get("/saml/metadata").text) == service.entity_id
    assert service.browser().login().status_code == 200
