# SPDX-License-Identifier: Apache-2.0
"""Who could change what trust comes from, besides root: refused, warned of, or nobody at all."""

import os
import shutil

import pytest

from harness.disk import MemoryDisk
from harness.tools import SERVER_USER, require_all

pytestmark = pytest.mark.skipif(os.geteuid() != 0 and not require_all(),
                                reason="who may write matters to a server that root starts")


class Secret(MemoryDisk):
    """Files as an orchestrator mounts them: everybody might write to the directory, if that were
    not mounted read-only."""

    def __init__(self, directory, aside):
        shutil.copytree(directory, aside)
        super().__init__(directory)
        shutil.chown(directory, "root", "root")
        directory.chmod(0o1777)
        version = directory / "..2026_07_01"
        shutil.copytree(aside, version)
        (directory / "..data").symlink_to(version.name)
        for file in version.iterdir():
            (directory / file.name).symlink_to(f"..data/{file.name}")


@pytest.fixture
def secret(make_service):
    service = make_service()
    disk = Secret(service.trust.path("idp/test"), service.root / "aside")
    yield service, disk
    service.httpd.stop()
    disk.gone()


def test_a_read_only_mount_is_written_by_nobody(secret):
    service, disk = secret
    disk.remount("ro")
    service.start()
    assert service.browser().login().status_code == 200


def test_the_same_mount_writable_is_refused(secret):
    service, _ = secret
    code, output = service.httpd.configtest()
    assert code != 0
    assert "SMC0002" in output and "idp/test: can be written by everybody" in output


ABOVE = {
    "0755": (0o755, "root", None),
    "everybody": (0o777, "root", "chmod o-w"),
    "everybody, sticky": (0o1777, "root", None),
    "the server's user": (0o755, SERVER_USER, "chown root"),
}


@pytest.mark.parametrize("mode, owner, remedy", ABOVE.values(), ids=ABOVE.keys())
def test_a_directory_above_the_trust_directory(make_service, mode, owner, remedy):
    """Whoever can rename the trust directory can put another one there. That is warned of."""
    service = make_service()
    service.root.chmod(mode)
    shutil.chown(service.root, owner)
    if remedy:
        service.httpd.expect(f"SMC0017: {service.root}, .*{remedy} {service.root}`")
    service.start()
    assert service.browser().login().status_code == 200
