# SPDX-License-Identifier: Apache-2.0
"""A real browser across two sites: the IdP is http://localhost, we are https://127.0.0.1.

What only a browser can tell: the POST from the IdP is cross-site, and the state cookie must
survive it (SameSite=None; Secure), while the session cookie (SameSite=Lax) must work after it.
"""

import shutil
import tempfile

import pytest

from harness.idp import PASSWORDS
from harness.tools import require_all

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service as Driver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import WebDriverWait
    MISSING = None
except ImportError as e:
    MISSING = str(e)
if not MISSING:
    for program in ("chromium", "chromedriver"):
        MISSING = MISSING or (None if shutil.which(program) else f"{program} is not installed")

pytestmark = [pytest.mark.chromium,
              pytest.mark.skipif(bool(MISSING) and not require_all(), reason=str(MISSING))]

FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--ignore-certificate-errors")


@pytest.fixture
def chromium():
    assert not MISSING, MISSING
    with tempfile.TemporaryDirectory(prefix="samlcert-chromium-", ignore_cleanup_errors=True) as profile:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium")
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        driver = webdriver.Chrome(service=Driver(shutil.which("chromedriver")), options=options)
        driver.set_page_load_timeout(30)
        try:
            yield driver
        finally:
            driver.quit()


def log_in(driver, user):
    driver.find_element(By.NAME, "username").send_keys(user)
    driver.find_element(By.NAME, "password").send_keys(PASSWORDS[user])
    driver.find_element(By.NAME, "password").submit()


def test_login_across_sites_and_logout(service, idp, chromium):
    page = f"{service.base}/app/index.shtml?deep=link"
    wait = WebDriverWait(chromium, 30)
    chromium.get(page)
    assert chromium.current_url.startswith("http://localhost:")
    log_in(chromium, "bob")
    wait.until(lambda d: d.current_url == page)
    assert "REMOTE_USER=bob\n" in chromium.page_source
    assert "Bób Ünïcode" in chromium.page_source
    cookies = {c["name"]: c for c in chromium.get_cookies()}
    assert list(cookies) == ["__Host-samlcert"]
    assert cookies["__Host-samlcert"]["secure"] and cookies["__Host-samlcert"]["httpOnly"]
    assert chromium.execute_script("return document.cookie") == ""

    chromium.get(f"{service.base}/saml/logout")
    assert chromium.get_cookies() == []
    # The IdP still knows the user: the login goes through without a form, as a new session.
    chromium.get(page)
    wait.until(lambda d: d.current_url == page)
    assert "REMOTE_USER=bob\n" in chromium.page_source


def test_the_refusal_page_is_readable(service, chromium):
    """A person sees a page with an incident ID, not a blank one."""
    wait = WebDriverWait(chromium, 30)
    chromium.get(f"{service.base}/app/index.shtml")
    log_in(chromium, "alice")
    wait.until(lambda d: d.current_url.startswith(service.base))
    form = ("const f = document.createElement('form'); f.method = 'POST'; f.action = '/saml/acs';"
            "const i = document.createElement('input'); i.name = 'SAMLResponse'; i.value = 'PGEvPg==';"
            "f.append(i); document.body.append(f); f.submit();")
    chromium.execute_script(form)
    wait.until(lambda d: "incident" in d.page_source)
    assert "incident: " in chromium.find_element(By.TAG_NAME, "body").text
