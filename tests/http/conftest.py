# SPDX-License-Identifier: Apache-2.0
"""One IdP and one service provider for all tests; after each test both are as before, and the
error log holds nothing that the test did not announce."""

import pytest

from harness.fixtures import directories, idp, running_idp, workspace  # noqa: F401
from harness.service import Service


def judge(service):
    complaints = service.httpd.judge_log()
    assert not complaints, "error log:\n" + "\n".join(complaints)


@pytest.fixture(scope="session")
def running_service(running_idp, directories):  # noqa: F811
    service = Service(directories(), running_idp)
    try:
        yield service.start()
    finally:
        service.httpd.stop()


@pytest.fixture
def service(running_service, idp):  # noqa: F811
    """The service provider that all tests share, event MPM."""
    if running_service.httpd.process is None:
        running_service.httpd.start()
    yield running_service
    if running_service.trust.restore():
        running_service.settled()
    judge(running_service)


@pytest.fixture
def make_service(idp, directories):  # noqa: F811
    """Service providers of a test's own; stopped and judged when it ends."""
    made = []

    def make(**kwargs):
        made.append(Service(directories(), idp, **kwargs))
        return made[-1]
    yield make
    for service in made:
        service.httpd.stop()
    for service in made:
        judge(service)
