# SPDX-License-Identifier: Apache-2.0
"""Kill -9 of the whole server under logins and rotations: afterwards the old state or the new one.
A few rounds of tests/soak/kill.py, which says what is looked at."""

import subprocess
import sys

import pytest

from harness.tools import REPO


@pytest.mark.parametrize("mpm", ["event", pytest.param("prefork", marks=pytest.mark.mpm)])
def test_kill_at_any_moment(mpm):
    done = subprocess.run([sys.executable, "-B", REPO / "tests/soak/kill.py", "--mpm", mpm, "--rounds", "4"],
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("pass\n") and "rounds: 4\n" in done.stdout
