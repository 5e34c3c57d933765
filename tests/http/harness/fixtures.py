# SPDX-License-Identifier: Apache-2.0
"""Fixtures that the http and the cli tests share."""

import itertools
import os
import pathlib
import shutil
import tempfile

import pytest

from .idp import Idp


@pytest.fixture(scope="session")
def workspace():
    """Not pytest's own temporary directory: the server's user could not enter that."""
    path = pathlib.Path(tempfile.mkdtemp(prefix="samlcert-test-"))
    path.chmod(0o755)
    yield path
    if os.environ.get("SAMLCERT_KEEP"):
        print(f"\nkept: {path}")
    else:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="session")
def directories(workspace):
    """Names for new directories."""
    numbers = itertools.count(1)
    return lambda: workspace / f"s{next(numbers)}"


@pytest.fixture(scope="session")
def running_idp(workspace):
    idp = Idp(workspace / "idp").start()
    yield idp
    idp.stop()


@pytest.fixture
def idp(running_idp):
    """The real IdP; options that a test sets are taken back."""
    yield running_idp
    running_idp.reset()
