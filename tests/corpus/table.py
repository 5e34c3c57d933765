# SPDX-License-Identifier: Apache-2.0
"""The table of cases: a name, a message, what must become of it, and why."""

import base64
import dataclasses
import typing
import urllib.parse

from .message import ATTRIBUTES, NAME

CASES = {}


@dataclasses.dataclass(frozen=True)
class Form:
    """A form body; everything else that a case builds is XML (text or bytes)."""
    body: bytes


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    codes: typing.Tuple[str, ...]      # any of these reason codes; ("ok",): accepted
    why: str
    build: typing.Callable
    idp: str = "main"
    twin: typing.Optional[str] = None  # the accepted case that differs in nothing else
    name_id: str = NAME
    attributes: dict = dataclasses.field(default_factory=lambda: ATTRIBUTES)
    request: bool = False              # answers a request of ours
    own_server: bool = True            # can be shown to a server, too

    @property
    def is_accepted(self):
        return self.codes == ("ok",)

    def message(self, kit):
        """What is given to the CLI: bytes."""
        made = self.build(kit)
        made = made.body if isinstance(made, Form) else made
        return made if isinstance(made, bytes) else made.encode()

    def body(self, kit):
        """What is posted to a server: a form body."""
        made = self.build(kit)
        if isinstance(made, Form):
            return made.body
        return form(base64.b64encode(made if isinstance(made, bytes) else made.encode()))


def form(value, name="SAMLResponse"):
    return urllib.parse.urlencode({name: value}).encode()


def _add(case):
    assert case.name not in CASES, f"two cases of the name {case.name}"
    CASES[case.name] = case


def accepted(name, why, build, **more):
    _add(Case(name, ("ok",), why, build, **more))


def refused(name, codes, why, build, twin, **more):
    codes = (codes,) if isinstance(codes, str) else codes
    _add(Case(name, codes, why, build, twin=twin, **more))
