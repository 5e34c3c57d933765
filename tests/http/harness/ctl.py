# SPDX-License-Identifier: Apache-2.0
"""samlcertctl as a script calls it."""

import json

from .tools import ctl_path, run

ACCEPTED, REFUSED, UNUSABLE = 0, 1, 2


class Answer:
    def __init__(self, done):
        self.code = done.returncode
        self.out = done.stdout if isinstance(done.stdout, str) else done.stdout.decode()
        self.err = done.stderr if isinstance(done.stderr, str) else done.stderr.decode()

    @property
    def json(self):
        return json.loads(self.out)

    def __repr__(self):
        return f"exit {self.code}\n{self.out}{self.err}"


def ctl(*arguments, input=None):
    return Answer(run(ctl_path(), *arguments, check=False, input=input))


def verify(trust, entity_id, acs, data, *options, in_response_to=(), now=None):
    """`samlcertctl --json verify` on bytes, by way of stdin."""
    arguments = ["--trust", trust, "--json", "verify", "--entity-id", entity_id, "--acs", acs]
    for request_id in in_response_to:
        arguments += ["--in-response-to", request_id]
    if now:
        arguments += ["--now", now]
    return ctl(*arguments, *options, "-", input=data)
