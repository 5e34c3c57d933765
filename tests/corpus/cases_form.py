# SPDX-License-Identifier: Apache-2.0
"""The HTTP-POST binding: the form, its one field, its base64."""

import base64
import gzip
import urllib.parse
import zlib

from .table import Form, accepted, form, refused

ONE = "form: usual"


def encoded(k, which="both"):
    return base64.b64encode(k.signed(which).encode()).decode()


def posted(build):
    """A form body from the base64 of a good Response."""
    return lambda k: Form(_bytes(build(encoded(k))))


def _bytes(text):
    return text if isinstance(text, bytes) else text.encode()


def field(value, name="SAMLResponse"):
    return form(value, name).decode()


def lines(text, size, end):
    return end.join(text[i:i + size] for i in range(0, len(text), size)) + end


GOOD = {
    "usual": field, "RelayState after": lambda b: field(b) + "&RelayState=%2Fapp%2F", "RelayState before": lambda b:
    "RelayState=%2Fapp%2F&" + field(b), "another field": lambda b: field(b) + "&submit=Continue", "empty RelayState":
    lambda b: field(b) + "&RelayState=", "lines of 76, CR LF": lambda b: field(lines(b, 76, "\r\n")),
    "lines of 64, LF": lambda b: field(lines(b, 64, "\n")), "every byte escaped": lambda b: "SAMLResponse="
    + "".join(f"%{ord(c):02x}" for c in b), "only + escaped": lambda b: "SAMLResponse=" + b.replace("+", "%2B"),
    "blanks around": lambda b: field(f" {b} "),
}
for name, build in GOOD.items():
    accepted(f"form: {name}", "Bindings 3.5.4", posted(build))
BAD = {
    "field twice": lambda b: field(b) + "&" + field(b), "another first": lambda b: "SAMLResponse=AAAA&" + field(b),
    "empty second": lambda b: field(b) + "&SAMLResponse=", "empty": lambda b: "SAMLResponse=",
    "URL-safe alphabet": lambda b: field(b.replace("+", "-").replace("/", "_") + "-_"), "garbage after the padding":
    lambda b: field(b.rstrip("=") + "==AAAA"), "characters that are none": lambda b: field(b[:40] + "*" + b[40:]),
    "half a byte": lambda b: field(b.rstrip("=") + "AAAAA"[:(5 - len(b.rstrip("=")) % 4) % 4 or 4]),
    "too much padding": lambda b: field(b + "===="), "only padding": lambda b: field("===="),
    "broken escape": lambda b: field(b) + "%", "escaped NUL": lambda b: field(b) + "%00", "base64 twice": lambda b: field(
        base64.b64encode(b.encode()).decode()), "deflated": lambda b: field(base64.b64encode(zlib.compress(
            base64.b64decode(b))[2:-4]).decode()), "gzipped": lambda b: field(base64.b64encode(gzip.compress(
                base64.b64decode(b))).decode()), "XML instead of base64": lambda b: field(base64.b64decode(b).decode()),
    "base64 inside XML": lambda b: field(f"<r>{b}</r>"), "data URL": lambda b: field("data:text/xml;base64," + b),
    "name escaped": lambda b: "SAML%52esponse=" + urllib.parse.quote(b, ""), "name escaped beside":
    lambda b: field(b) + "&SAML%52esponse=AAAA", "small letters beside": lambda b: field(b) + "&samlresponse=AAAA",
    "small letters only": lambda b: field(b, "samlresponse"), "blank before the name": lambda b: "+" + field(b),
    "RelayState twice": lambda b: field(b) + "&RelayState=a&RelayState=b", "array": lambda b: "SAMLResponse%5B%5D="
    + urllib.parse.quote(b, "") + "&SAMLResponse[]=x", "semicolon": lambda b: "RelayState=x;" + field(b), "SAMLart": lambda b: field("AAQAAA==", "SAMLart") + "&SAMLResponse=",
    "leading ampersand": lambda b: "&" + field(b), "no value": lambda b: "SAMLResponse", "missing padding": lambda b: field(
        b.rstrip("=") if b.endswith("=") else base64.b64encode(base64.b64decode(b) + b"\n").decode().rstrip("=")
        if len(base64.b64decode(b) + b"\n") % 3 else base64.b64encode(base64.b64decode(b) + b"\n\n").decode().rstrip("=")),
}
for name, build in BAD.items():
    refused(f"form: {name}", "malformed", "Bindings 3.5.4, SECURITY-RULES 1, 23", posted(build), ONE)
