# SPDX-License-Identifier: Apache-2.0
"""A very small run of tests/soak/rotation.py, so that the long one works when it is wanted."""

import subprocess
import sys

from harness.tools import REPO


def test_rotation_under_load_in_small():
    done = subprocess.run([sys.executable, "-B", REPO / "tests/soak/rotation.py", "--scale", "0.04",
                           "--pace", "1", "--patience", "3"],
                          capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "FAIL" not in done.stdout and done.stdout.count("pass  ") >= 9
