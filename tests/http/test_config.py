# SPDX-License-Identifier: Apache-2.0
"""Bad configuration is refused by httpd -t, with file, line and what to do about it.

Each case starts from a configuration that passes (the twin) and spoils one thing.
"""

import os
import re
import shutil

import pytest

from harness import certs
from harness.browser import Browser
from harness.httpd import Httpd
from harness.tools import REPO, SERVER_USER, eventually, module_path, require_all
from harness.trust import Trust


@pytest.fixture(scope="module")
def key(workspace):
    directory = workspace / "config-keys"
    directory.mkdir()
    return certs.make(directory / "k", directory / "c", "Some IdP")


@pytest.fixture
def site(make_service):
    service = make_service()
    code, output = service.httpd.configtest()
    assert code == 0, output
    assert "Syntax OK" in output
    return service


# Unprivileged, the server owns everything anyway, and only a warning remains.
needs_root = pytest.mark.skipif(os.geteuid() != 0 and not require_all(),
                                reason="who may read and write matters to a server that root starts")


def edit(old, new):
    """A change of site.conf; the line that changes must be there."""
    def change(service):
        text = service.httpd.site_conf.read_text()
        assert old in text
        service.httpd.configure(re.sub(re.escape(old) + r".*", lambda m: new, text, count=1))
    return change


def setting(*lines):
    return lambda service: service.configure_idp(*lines)


def sign_certs(value):
    return setting(f"SignCerts {value.format(fp='ab' * 32)}")


def line_of(file, text):
    lines = file.read_text().splitlines()
    return next(i for i, line in enumerate(lines, 1) if text in line)


# Directives: what is spoilt, then what the message must say besides "line N of .../site.conf".
DIRECTIVES = {
    "missing trust directory": (edit("SamlCertTrustDir", "SamlCertTrustDir /nonexistent/samlcert"),
                                "SamlCertTrustDir", ["/nonexistent/samlcert"]),
    "unknown directive": (edit("SamlCertEntityID", "SamlCertEntityI x"), "SamlCertEntityI",
                          ["SamlCertEntityI"]),
    "bad base URL": (edit("SamlCertBaseURL", "SamlCertBaseURL ftp://x"), "SamlCertBaseURL",
                     ["SamlCertBaseURL", "https://"]),
    "base URL with a path": (edit("SamlCertBaseURL", "SamlCertBaseURL https://x.example/app"),
                             "SamlCertBaseURL", ["SamlCertBaseURL"]),
    "unknown store": (edit("SamlCertBaseURL", "SamlCertBaseURL https://x.example\nSamlCertStore mysql"),
                      "SamlCertStore", ["SamlCertStore", "lmdb"]),
    "bad number": (edit("SamlCertBaseURL", "SamlCertBaseURL https://x.example\nSamlCertMaxPost many"),
                   "SamlCertMaxPost", ["SamlCertMaxPost"]),
    "negative number": (edit("SamlCertBaseURL",
                             "SamlCertBaseURL https://x.example\nSamlCertSessionLifetime -5"),
                        "SamlCertSessionLifetime", ["SamlCertSessionLifetime"]),
    "bad size": (edit("SamlCertBaseURL", "SamlCertBaseURL https://x.example\nSamlCertStoreSize 1X"),
                 "SamlCertStoreSize", ["SamlCertStoreSize"]),
    "bad flag": (edit("SamlCertBaseURL",
                      "SamlCertBaseURL https://x.example\nSamlCertInsecureCookies maybe"),
                 "SamlCertInsecureCookies", ["SamlCertInsecureCookies", "On"]),
    "endpoint without slash": (edit("SamlCertBaseURL",
                                    "SamlCertBaseURL https://x.example\nSamlCertEndpoint saml"),
                               "SamlCertEndpoint", ["SamlCertEndpoint", "/"]),
    "setting in a section": (edit("SamlCertBaseURL", "SamlCertBaseURL https://x.example\n"
                                  "<SamlCertIdP other>\nSamlCertCertExpiry never\n</SamlCertIdP>"),
                             "SamlCertCertExpiry", ["CertExpiry", "reject"]),
}


@pytest.mark.parametrize("change, where, words", DIRECTIVES.values(), ids=DIRECTIVES.keys())
def test_a_bad_directive(site, change, where, words):
    change(site)
    code, output = site.httpd.configtest()
    assert code != 0, output
    line = line_of(site.httpd.site_conf, where)
    assert re.search(rf"line {line} of \S*site\.conf", output) or f"site.conf:{line}" in output, output
    for word in words:
        assert word.lower() in output.lower(), output


def test_no_entity_id(site):
    edit("SamlCertEntityID", "")(site)
    code, output = site.httpd.configtest()
    assert code != 0
    assert "SamlCertEntityID" in output


# Files of the trust directory: what is spoilt, the file, the line (a text in it), words of the message.
CONF = "idp/test/idp.conf"
FILES = {
    "unknown setting": (setting("NoSuchSetting on"), CONF, "NoSuchSetting", ["NoSuchSetting"]),
    "misspelt setting": (setting("SignCert abc"), CONF, "SignCert abc", ["SignCert", "SignCerts"]),
    "unknown value": (setting("CertExpiry never"), CONF, "CertExpiry", ["CertExpiry", "reject", "warn",
                                                                       "ignore"]),
    "bad flag": (setting("Unsolicited maybe"), CONF, "Unsolicited", ["Unsolicited", "on", "off"]),
    "bad number": (setting("MinRSABits few"), CONF, "MinRSABits", ["MinRSABits"]),
    "no value": (setting("SSOBinding"), CONF, "SSOBinding", ["SSOBinding"]),
    "bad URL": (setting("SLOUrl nowhere"), CONF, "SLOUrl", ["SLOUrl"]),
    "unknown algorithm": (setting("EncryptionAlgorithms +rot13"), CONF, "Encryption", ["rot13"]),
    "prefix not first": (sign_certs("{fp},CERT_VALIDATION:IGNORE_TRUST"), CONF, "SignCerts",
                         ["CERT_VALIDATION:IGNORE_TRUST", "first"]),
    "prefix with any-trusted": (sign_certs("CERT_VALIDATION:IGNORE_TRUST,ANY-TRUSTED"), CONF, "SignCerts",
                                ["ANY-TRUSTED"]),
    "prefix alone": (sign_certs("CERT_VALIDATION:IGNORE_TRUST"), CONF, "SignCerts", ["SignCerts"]),
    "trailing comma": (sign_certs("{fp},"), CONF, "SignCerts", ["comma"]),
    "empty item": (sign_certs("{fp},,{fp}"), CONF, "SignCerts", ["comma"]),
    "bad character": (sign_certs("{fp}\u200b"), CONF, "SignCerts", ["U+200B"]),
    "bad hex": (sign_certs("xyz"), CONF, "SignCerts", ["xyz"]),
    "bad length": (sign_certs("abcdef"), CONF, "SignCerts", ["abcdef"]),
    "list file missing": (setting("SignCerts @/nonexistent/pins"), CONF, "SignCerts",
                          ["/nonexistent/pins"]),
    "list file": (lambda s: (s.trust.write("pins", "# pins\nzz\n"),
                             s.configure_idp(f"SignCerts @{s.trust.path('pins')}")), "pins", "zz", ["zz"]),
}


@pytest.mark.parametrize("change, file, where, words", FILES.values(), ids=FILES.keys())
def test_a_bad_line_in_the_trust_directory(site, change, file, where, words):
    change(site)
    code, output = site.httpd.configtest()
    assert code != 0, output
    path = site.trust.path(file)
    assert f"{path}:{line_of(path, where)}" in output, output
    for word in words:
        assert word.lower() in output.lower(), output


def test_an_idp_without_an_entity_id(site):
    site.trust.idp("test", f"SSOUrl {site.idp.sso_url}")
    code, output = site.httpd.configtest()
    assert code != 0
    assert "idp/test" in output and "EntityID" in output


def test_a_key_without_its_certificate(site):
    site.trust.remove("sp/default/active.crt")
    code, output = site.httpd.configtest()
    assert code != 0
    assert "active.key" in output and ".crt" in output


def test_a_key_with_another_certificate(site, key):
    site.trust.write("sp/default/active.crt", key.pem)
    code, output = site.httpd.configtest()
    assert code != 0
    assert "active.key" in output and "active.crt" in output


@needs_root
def test_a_key_that_the_children_cannot_read(site):
    """httpd -t runs as root; it must tell what www-data will be able to read."""
    site.trust.path("sp/default/active.key").chmod(0o600)
    code, output = site.httpd.configtest()
    assert code != 0
    assert "active.key" in output and re.search("0640|group|chgrp", output)


@needs_root
@pytest.mark.parametrize("mode", [0o777, 0o775, 0o757])
def test_a_trust_directory_that_others_can_write(site, mode):
    """The group is that of the server: 0775 lets the server's own user write."""
    site.trust.root.chmod(mode)
    code, output = site.httpd.configtest()
    assert code != 0
    assert str(site.trust.root) in output and "writ" in output


@needs_root
def test_a_trust_directory_that_belongs_to_the_server(site):
    shutil.chown(site.trust.root, SERVER_USER)
    code, output = site.httpd.configtest()
    assert code != 0
    assert str(site.trust.root) in output


@needs_root
def test_a_subdirectory_that_others_can_write(site):
    site.trust.path("idp/test").chmod(0o777)
    code, output = site.httpd.configtest()
    assert code != 0
    assert "idp/test" in output


def test_a_bad_configuration_does_not_start(site):
    site.configure_idp("NoSuchSetting on")
    with pytest.raises(AssertionError, match="NoSuchSetting"):
        site.httpd.start()
    site.httpd.tolerate("NoSuchSetting|AH00016|Configuration Failed")


def test_a_graceful_restart_into_a_bad_trust_directory_keeps_serving(site):
    """The restart must not take the site down: the last good generation is in the state directory
    or the parent refuses to go on; in both cases a session that was there answers."""
    site.start()
    browser = site.browser()
    browser.login()
    site.httpd.expect("NoSuchSetting")
    site.configure_idp("NoSuchSetting on")
    site.httpd.graceful()
    assert browser.get("/app/").status_code == 200
    # An old child may answer first, and has not looked yet.
    eventually(lambda: site.status()["last_reload_error"], timeout=5, what="last_reload_error")


def test_the_module_without_a_protected_location(make_service):
    """Loaded and not used: no directive is needed, nothing is logged, everything is served."""
    service = make_service(site="LoadModule samlcert_module {module}\n")
    assert service.httpd.configtest()[0] == 0
    service.httpd.start()
    assert service.browser().get("/").status_code == 200
    assert service.browser().get("/saml/acs").status_code == 404


def test_auth_type_saml_without_an_entity_id_is_refused(make_service):
    service = make_service(site="LoadModule samlcert_module {module}\n<Location /app>\nAuthType SAML\n"
                                "Require saml-session\n</Location>\n")
    code, output = service.httpd.configtest()
    if code == 0:
        # Locations are not all known at start-up; then the request must fail closed, and say why.
        service.httpd.expect("SamlCertEntityID|SamlCertTrustDir")
        service.httpd.start()
        assert service.browser().get("/app/").status_code == 500
    else:
        assert "SamlCertEntityID" in output


def test_no_idp_at_all_fails_closed(make_service):
    service = make_service()
    shutil.rmtree(service.trust.path("idp"))
    service.httpd.tolerate("no IdP|IdP")
    service.httpd.start()
    answer = service.browser().get("/app/")
    assert answer.status_code in (403, 500, 503)
    assert "Location" not in answer.headers


def test_the_idp_in_a_section(make_service, idp):
    """The same settings as directives, with the prefix."""
    section = (f"<SamlCertIdP test>\nSamlCertEntityID {idp.entity_id}\nSamlCertSSOUrl {idp.sso_url}\n"
               "SamlCertClockSkew 0\nSamlCertRemoteUser mail\n</SamlCertIdP>\n")
    service = make_service(extra=section)
    service.trust.remove("idp/test/idp.conf")
    service.start()
    assert "REMOTE_USER=alice@example.org\n" in service.browser().login("/app/index.shtml").text


def test_two_idps_and_a_location_that_chooses(make_service, idp):
    service = make_service(extra="<Location /app>\nSamlCertLoginIdP test\n</Location>\n")
    service.trust.idp("other", "EntityID https://other.example/idp", "SSOUrl https://other.example/sso",
                      f"SignCerts CERT_VALIDATION:IGNORE_TRUST,{'ab' * 32}")
    service.start()
    assert service.browser().login().status_code == 200
    other = service.browser().get("/saml/login?target=/&idp=https%3A%2F%2Fother.example%2Fidp")
    assert other.headers["Location"].startswith("https://other.example/sso?")


def test_the_minimal_configuration_that_we_ship(workspace, directories, key):
    """conf/samlcert.conf as it is, but for the paths of this machine."""
    shipped = REPO / "conf" / "samlcert.conf"
    assert shipped.is_file(), "conf/samlcert.conf is missing"
    text = shipped.read_text()
    directory = directories()
    directory.mkdir()
    directory.chmod(0o755)
    trust = Trust(directory / "trust")
    trust.sp_key()
    trust.idp("example", "EntityID https://idp.example.org", "SSOUrl https://idp.example.org/sso")
    trust.certificate("example", "primary", key)
    state = directory / "state"
    state.mkdir()
    if os.geteuid() == 0:
        shutil.chown(state, SERVER_USER)
    replaced = re.sub(r"^(\s*LoadModule\s+samlcert_module\s+).*$", rf"\g<1>{module_path()}", text, flags=re.M)
    replaced = re.sub(r"^(\s*SamlCertTrustDir\s+).*$", rf"\g<1>{trust.root}", replaced, flags=re.M)
    replaced = re.sub(r"^(\s*SamlCertStateDir\s+).*$", rf"\g<1>{state}", replaced, flags=re.M)
    assert str(trust.root) in replaced and str(module_path()) in replaced
    httpd = Httpd(directory / "httpd", conf=replaced)
    code, output = httpd.configtest()
    assert code == 0, output
    httpd.start()
    try:
        answer = Browser(httpd.base, httpd.tls_certificate).get("/app/")
        assert answer.status_code in (302, 303)
        assert answer.headers["Location"].startswith("https://idp.example.org/sso?")
    finally:
        httpd.stop()
    assert httpd.judge_log() == []
