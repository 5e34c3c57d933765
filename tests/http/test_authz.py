# SPDX-License-Identifier: Apache-2.0
"""Require: each provider lets one user in and keeps another one out."""

import pytest

from harness.service import Service

# Name, the Require line, whom it lets in, whom it keeps out. {idp} is the IdP's entity ID.
RULES = [
    ("session", "saml-session", ["alice", "bob"], []),
    ("valid-user", "valid-user", ["alice", "bob"], []),
    ("user", "user bob alice", ["alice", "bob"], []),
    ("user-one", "user alice", ["alice"], ["bob"]),
    ("attr", "saml-attr eduPersonAffiliation staff", ["alice"], ["bob"]),
    ("attr-any", "saml-attr eduPersonAffiliation staff student", ["alice", "bob"], []),
    ("attr-quoted", 'saml-attr eduPersonAffiliation "library; walk-in"', ["bob"], ["alice"]),
    ("attr-part", "saml-attr eduPersonAffiliation sta", [], ["alice", "bob"]),
    ("attr-case", "saml-attr eduPersonAffiliation STAFF", [], ["alice", "bob"]),
    ("attr-joined", 'saml-attr eduPersonAffiliation "member;staff"', [], ["alice", "bob"]),
    ("attr-missing", "saml-attr noSuchAttribute x", [], ["alice", "bob"]),
    ("regex", "saml-attr-regex mail @example\\.com$", ["bob"], ["alice"]),
    ("regex-both", "saml-attr-regex mail ^(alice|bob)@example\\.org$", ["alice", "bob"], []),
    ("idp", "saml-idp https://x.example {idp}", ["alice"], []),
    ("idp-other", "saml-idp https://x.example", [], ["alice"]),
    ("context", "saml-authn-context urn:oasis:names:tc:SAML:2.0:ac:classes:Password", ["alice"], []),
    ("context-other", "saml-authn-context urn:oasis:names:tc:SAML:2.0:ac:classes:X509", [], ["alice"]),
    ("slot", "saml-cert-slot alternate primary", ["alice"], []),
    ("slot-other", "saml-cert-slot staged", [], ["alice"]),
    ("none", "all denied", [], ["alice"]),
]


@pytest.fixture(scope="module")
def site(running_idp, directories):
    locations = "".join(
        f"<Location /need/{name}>\nAuthType SAML\nAuthzSendForbiddenOnFailure On\n"
        f"Require {line.format(idp=running_idp.entity_id)}\n</Location>\n"
        for name, line, _, _ in RULES)
    locations += ("<Location /need/default>\nAuthType SAML\nRequire user nobody\n</Location>\n"
                  "<Location /need/both>\nAuthType SAML\nAuthzSendForbiddenOnFailure On\n<RequireAll>\n"
                  "Require saml-session\nRequire not user bob\n</RequireAll>\n</Location>\n")
    service = Service(directories(), running_idp, extra=locations)
    for name in [r[0] for r in RULES] + ["default", "both"]:
        service.httpd.document(f"need/{name}/index.html", "in\n")
    try:
        yield service.start()
    finally:
        service.httpd.stop()


@pytest.fixture(scope="module")
def logged_in(site):
    browsers = {}
    for user in ("alice", "bob"):
        browsers[user] = site.browser()
        assert browsers[user].login(user=user).status_code == 200
    return browsers


CASES = [(name, user, True) for name, _, let_in, _ in RULES for user in let_in] + [
    (name, user, False) for name, _, _, out in RULES for user in out]


@pytest.mark.parametrize("name, user, is_in", CASES)
def test_require(site, logged_in, name, user, is_in):
    if not is_in:
        # httpd's own words, one line for each failed Require.
        site.httpd.expect("AH01631|AH01630")
    answer = logged_in[user].get(f"/need/{name}/")
    assert answer.status_code == (200 if is_in else 403)
    assert "Location" not in answer.headers
    judge(site)


def test_without_a_session_every_rule_asks_for_a_login(site):
    for name in [r[0] for r in RULES if r[0] != "none"]:
        assert site.browser().get(f"/need/{name}/").status_code in (302, 303), name
    judge(site)


def test_negation_within_require_all(site, logged_in):
    assert logged_in["alice"].get("/need/both/").status_code == 200
    site.httpd.expect("AH01631|AH01630")
    assert logged_in["bob"].get("/need/both/").status_code == 403
    judge(site)


def test_a_failed_require_is_no_redirect_loop(site, logged_in):
    """httpd's default answer is 401: it must not send a user who is logged in to the IdP again."""
    site.httpd.expect("AH01631|AH01630")
    answer = logged_in["alice"].get("/need/default/")
    assert answer.status_code in (401, 403)
    assert "Location" not in answer.headers
    judge(site)


def judge(site):
    assert site.httpd.judge_log() == []
