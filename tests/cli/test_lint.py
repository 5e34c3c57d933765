# SPDX-License-Identifier: Apache-2.0
"""samlcertctl lint and list: what a trust directory says, and what is wrong with it."""

import shutil

import pytest

from harness import certs
from harness.ctl import ctl

FP = "ab" * 32


def lint(trust):
    return ctl("--trust", trust.root, "--json", "lint")


def test_a_good_directory(trust):
    answer = lint(trust)
    assert answer.code == 0, answer
    assert answer.json == {"state": "ok", "errors": [], "warnings": []}
    text = ctl("--trust", trust.root, "lint")
    assert text.code == 0


ERRORS = {
    "unknown setting": ("idp/x/idp.conf", "EntityID https://x.example\n\nNoSuchSetting on\n", 3,
                        ["NoSuchSetting"]),
    "misspelt setting": ("idp/x/idp.conf", "EntityID https://x.example\nSignCert x\n", 2, ["SignCerts"]),
    "bad value": ("idp/x/idp.conf", "EntityID https://x.example\nCertExpiry never\n", 2, ["reject"]),
    "given twice": ("idp/x/idp.conf", "EntityID https://x.example\nEntityID https://y.example\n", 2,
                    ["EntityID", "twice"]),
    "trailing comma": ("idp/x/idp.conf", f"EntityID https://x.example\nSignCerts {FP},\n", 2, ["comma"]),
    "prefix not first": ("idp/x/idp.conf", "EntityID https://x.example\n"
                         f"SignCerts {FP},CERT_VALIDATION:IGNORE_TRUST\n", 2, ["first"]),
}


@pytest.mark.parametrize("name, content, line, words", ERRORS.values(), ids=ERRORS.keys())
def test_an_error_has_file_and_line(trust, name, content, line, words):
    path = trust.write(name, content)
    answer = lint(trust)
    assert answer.code == 2, answer
    assert answer.json["state"] == "critical"
    error, = answer.json["errors"]
    assert f"{path}:{line}" in error["message"]
    for word in words:
        assert word.lower() in error["message"].lower()
    text = ctl("--trust", trust.root, "lint")
    assert text.code == 2 and f"{path}:{line}" in text.out + text.err


def test_a_key_without_its_certificate(trust):
    trust.remove("sp/default/active.crt")
    answer = lint(trust)
    assert answer.code == 2
    assert "active.key" in answer.out and ".crt" in answer.out


def test_two_idps_with_one_entity_id(trust):
    trust.write("idp/other/idp.conf", trust.path("idp/test/idp.conf").read_text())
    trust.write("idp/other/primary.pem", trust.path("idp/test/primary.pem").read_text())
    answer = lint(trust)
    assert answer.code == 2
    assert "test" in answer.json["errors"][0]["message"] and "other" in answer.json["errors"][0]["message"]


WARNINGS = {
    "stray file": (lambda t, s: t.write("idp/test/primery.pem", s["rsa"].pem), "primery.pem"),
    "expired certificate": (lambda t, s: t.certificate("test", "alternate", s["old"]), "expired"),
    "an IdP that trusts nothing": (lambda t, s: t.idp("x", "EntityID https://x.example"), "x"),
    "a weak setting": (lambda t, s: t.idp("test", *t.path("idp/test/idp.conf").read_text().splitlines(),
                                          "EncryptionAlgorithms +aes128-cbc"), "aes128-cbc"),
    "ANY-TRUSTED": (lambda t, s: t.idp("test", *t.path("idp/test/idp.conf").read_text().splitlines(),
                                       "SignCerts ANY-TRUSTED"), "ANY-TRUSTED"),
}


@pytest.mark.parametrize("change, word", WARNINGS.values(), ids=WARNINGS.keys())
def test_a_warning(trust, signers, change, word):
    change(trust, signers)
    answer = lint(trust)
    assert answer.code == 1, answer
    assert answer.json["state"] == "warning" and not answer.json["errors"]
    assert any(word in w for w in answer.json["warnings"]), answer


def test_no_directory():
    answer = ctl("--trust", "/nonexistent/trust", "lint")
    assert answer.code in (2, 3)
    assert "/nonexistent/trust" in answer.out + answer.err


def test_list(trust, idp, signers):
    trust.certificate("test", "alternate", signers["ec"])
    trust.idp("pinned", "EntityID https://pinned.example/idp", "Status inactive",
              f"SignCerts CERT_VALIDATION:IGNORE_TRUST,{FP}")
    answer = ctl("--trust", trust.root, "--json", "list")
    assert answer.code == 0, answer
    found = {i["name"]: i for i in answer.json["idps"]}
    assert set(found) == {"test", "pinned"}
    assert found["test"]["entity_id"] == idp.entity_id
    assert {c["slot"]: c["sha256"] for c in found["test"]["certificates"]} == {
        "primary": certs.fingerprint(idp.key("k1").certificate),
        "alternate": certs.fingerprint(signers["ec"].certificate)}
    assert found["pinned"]["status"] == "inactive" and found["pinned"]["modes"] == ["pinned"]
    keyset, = answer.json["keysets"]
    assert keyset["name"] == "default" and [k["role"] for k in keyset["keys"]] == ["active"]
    assert len(answer.json["generation_hash"]) == 64
    text = ctl("--trust", trust.root, "list")
    assert text.code == 0
    for word in ("test", "pinned", idp.entity_id, "primary", "alternate"):
        assert word in text.out
    assert "PRIVATE" not in answer.out + text.out


def test_the_generation_is_a_matter_of_content(trust, directories):
    """Equal directories have equal hashes wherever they lie; a change of content changes it."""

    copy = directories()
    shutil.copytree(trust.root, copy)
    hashes = [ctl("--trust", d, "--json", "list").json["generation_hash"] for d in (trust.root, copy)]
    assert hashes[0] == hashes[1]
    trust.idp("test", *trust.path("idp/test/idp.conf").read_text().splitlines(), "ClockSkew 5")
    assert ctl("--trust", trust.root, "--json", "list").json["generation_hash"] != hashes[0]
