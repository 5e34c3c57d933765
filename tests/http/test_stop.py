# SPDX-License-Identifier: Apache-2.0
"""The end of a server. No connection is open here: what crashes would be ours."""

import time

import pytest

from harness.service import Service


@pytest.mark.parametrize("mpm", ["event", "worker", "prefork"])
def test_the_end_is_clean_at_any_moment(running_idp, directories, mpm):
    service = Service(directories(), running_idp, mpm=mpm)
    try:
        for moment in range(8):
            service.httpd.start()
            time.sleep(moment / 16)    # the first polls, and the copy of the generation
            service.httpd.stop()
    finally:
        service.httpd.stop()
    assert not [line.raw for line in service.httpd.log_lines() if "exit signal" in line.text]
    assert service.httpd.judge_log() == []
