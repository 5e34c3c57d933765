# SPDX-License-Identifier: Apache-2.0
"""What the tests drive: a real httpd, a real IdP, a browser, the CLI. Nothing here is a stand-in."""
