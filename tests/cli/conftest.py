# SPDX-License-Identifier: Apache-2.0
"""samlcertctl on a trust directory and on what the real IdP sends."""

import pytest

from harness import certs, paper
from harness.fixtures import directories, idp, running_idp, workspace  # noqa: F401
from harness.trust import Trust


@pytest.fixture(scope="session")
def captured(running_idp):  # noqa: F811
    """A real, unsolicited Response to the service provider that exists on paper."""
    return paper.capture(running_idp, "bob")


@pytest.fixture
def trust(running_idp, directories):  # noqa: F811
    """A trust directory with one IdP and a key pair of our own."""
    trust = Trust(directories())
    trust.idp("test", f"EntityID {running_idp.entity_id}", f"SSOUrl {running_idp.sso_url}")
    trust.certificate("test", "primary", running_idp.key("k1"))
    trust.sp_key()
    return trust


@pytest.fixture(scope="session")
def signers(workspace):  # noqa: F811
    """Certificates of several kinds: name -> Signer."""
    directory = workspace / "signers"
    directory.mkdir()

    def make(name, **kwargs):
        return certs.make(directory / f"{name}.key", directory / f"{name}.crt", name, **kwargs)
    return {"rsa": make("rsa"), "big": make("big", algorithm="rsa:3072"), "ec": make("ec", algorithm="ec"),
            "old": make("old", expired=True), "small": make("small", algorithm="rsa:1024")}
