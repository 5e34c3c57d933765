# SPDX-License-Identifier: Apache-2.0
"""Bytes and XML: encodings, declarations, DTDs, namespaces, size, what stands between elements."""

import re

from .message import SAML, SAMLP, XS, XSI
from .table import accepted, refused
from .xmlsig import EXC, INC

ONE = "assertion signed"
PROLOG = '<?xml version="1.0" encoding="UTF-8"?>'


def changed(change, which="both"):
    """Changed after it was signed, as text or to bytes."""
    return lambda k: change(k.signed(which))


# --- declarations and encodings ---

for name, declaration in {
        "declaration": PROLOG, "declaration with apostrophes": "<?xml version='1.0' encoding='utf-8'?>",
        "declaration without encoding": '<?xml version="1.0"?>', "standalone": PROLOG.replace("?>", ' standalone="yes"?>'),
        "line feed after it": PROLOG + "\n", "CR LF after it": PROLOG + "\r\n", "blanks inside": '<?xml  version = "1.0"\n?>',
        "comment before": PROLOG + "<!-- hello -->\n", "stylesheet": PROLOG + '<?xml-stylesheet href="x"?>',
        "only white space": "\n  "}.items():
    accepted(f"xml: {name}", "XML 1.0 2.8", lambda k, d=declaration: k.signed("both", declaration=d))
accepted("xml: comment and white space after", "XML 1.0 2.8: Misc", lambda k: k.signed("both", tail="\n<!-- bye -->\n"))
accepted("xml: byte order mark", "XML 1.0 F.1", lambda k: b"\xef\xbb\xbf" + k.signed(
    "both", declaration=PROLOG).encode())
ENCODED = {
    "UTF-16": lambda t: t.encode("utf-16"), "UTF-16LE without a mark": lambda t: t.encode("utf-16-le"),
    "UTF-16BE, declared": lambda t: b"\xfe\xff" + ('<?xml version="1.0" encoding="UTF-16"?>' + t).encode("utf-16-be"),
    "UTF-32": lambda t: t.encode("utf-32"), "EBCDIC": lambda t: ('<?xml version="1.0" encoding="IBM037"?>' + t).encode("cp037"),
    "UTF-7": lambda t: '<?xml version="1.0" encoding="UTF-7"?>' + t,
    "ISO-8859-1": lambda t: ('<?xml version="1.0" encoding="ISO-8859-1"?>' + t.replace("alice", "\u00e4")).encode("latin-1"),
    "declared as ISO-8859-1": lambda t: '<?xml version="1.0" encoding="ISO-8859-1"?>' + t,
    "declared as UTF-16": lambda t: '<?xml version="1.0" encoding="UTF-16"?>' + t,
    "not UTF-8 at all": lambda t: t.encode().replace(b"alice", b"al\xffice"),
    "overlong": lambda t: t.encode().replace(b">alice<", b">\xc0\xbce\xc0\xbe<"),
    "surrogates in UTF-8": lambda t: t.encode().replace(b"alice", b"\xed\xa0\x80\xed\xb0\x80"),
    "cut in a character": lambda t: t.encode().replace(b"alice", b"ali\xc3"),
    "XML 1.1": lambda t: '<?xml version="1.1" encoding="UTF-8"?>' + t, "XML 2.0": lambda t: '<?xml version="2.0"?>' + t,
    "version 1.0 in the wrong place": lambda t: '<?xml version="1.1" standalone="1.0"?>' + t,
    "white space before the declaration": lambda t: " " + PROLOG + t, "declaration twice": lambda t: PROLOG * 2 + t,
    "declaration in capitals": lambda t: '<?XML version="1.0"?>' + t,
    "NUL byte": lambda t: t.encode().replace(b"alice", b"al\0ice"), "NUL byte at the end": lambda t: t.encode() + b"\0",
    "control character": lambda t: t.replace("alice", "al\x01ice"), "two byte order marks": lambda t: "\ufeff\ufeff" + t,
    "byte order mark inside": lambda t: t.replace("<samlp:Status>", "\ufeff<samlp:Status>"),
}
for name, change in ENCODED.items():
    refused(f"xml: {name}", "malformed", "SECURITY-RULES 2", changed(change), ONE)

# --- DTD and entities ---

DOCTYPES = {
    "empty": "<!DOCTYPE samlp:Response>", "entity": '<!DOCTYPE r [<!ENTITY e "eve">]>',
    "external": '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/x.dtd">', "public": '<!DOCTYPE r PUBLIC "x" "file:///etc/passwd">',
    "parameter entity": '<!DOCTYPE r [<!ENTITY % p SYSTEM "file:///etc/passwd"> %p;]>',
    "default attribute": '<!DOCTYPE r [<!ATTLIST saml:Assertion ID ID #IMPLIED>]>',
    "after the declaration": PROLOG + "<!DOCTYPE r>", "after a comment": "<!-- --><!DOCTYPE r>",
    "after a mark": "\ufeff<!DOCTYPE r>", "small letters": "<!doctype r>",
    "laughs": '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
}
for name, doctype in DOCTYPES.items():
    refused(f"doctype: {name}", "malformed", "SECURITY-RULES 2", changed(lambda t, d=doctype: d + t), ONE)
refused("doctype: expanded in the name", "malformed", "CVE-2025-23369", changed(
    lambda t: '<!DOCTYPE r [<!ENTITY e "eve">]>' + t.replace(">alice<", ">&e;<")), ONE)
refused("doctype: in the middle", "malformed", "XML 1.0 2.8", changed(
    lambda t: t.replace("<samlp:Status>", "<!DOCTYPE r><samlp:Status>")), ONE)
refused("doctype: at the end", "malformed", "XML 1.0 2.8", changed(lambda t: t + "<!DOCTYPE r>"), ONE)
accepted("doctype: only the word", "text is text", lambda k: k.signed(statement=k.statement(
    k.attribute("x", "<!DOCTYPE r [<!ENTITY e 'x'>]>"))), attributes={"x": ["<!DOCTYPE r [<!ENTITY e 'x'>]>"]})
accepted("doctype: in a comment", "a comment", lambda k: k.signed("both", status="<!-- <!DOCTYPE r> -->" + k.status()))
accepted("doctype: in CDATA", "text is text", lambda k: k.signed(subject=k.subject(
    "<saml:NameID><![CDATA[<!DOCTYPE r>]]></saml:NameID>")), name_id="<!DOCTYPE r>")

# --- well-formedness ---

BROKEN = {
    "no end": lambda t: t[:-5], "two roots": lambda t: t + t, "text after": lambda t: t + "x", "text before": lambda t: "x" + t,
    "attribute twice": lambda t: t.replace("<samlp:Response ", '<samlp:Response Version="2.0" '),
    "attribute twice by namespace": lambda t: t.replace("<samlp:Response ", '<samlp:Response xmlns:p="urn:x" xmlns:q="urn:x" '
                                                       'p:a="1" q:a="2" '),
    "undeclared prefix": lambda t: t.replace("<samlp:Status>", "<samlp:Status><nobody:x/>"),
    "undeclared prefix of an attribute": lambda t: t.replace("<samlp:Response ", '<samlp:Response nobody:x="1" '),
    "undeclared xsi": lambda t: t.replace("<saml:AttributeValue>", '<saml:AttributeValue xsi:type="xs:string">'),
    "prefix unbound": lambda t: t.replace("<samlp:Status>", '<samlp:Status xmlns:saml="">'),
    "xml prefix bound": lambda t: t.replace("<samlp:Status>", '<samlp:Status xmlns:xml="urn:x">'),
    "xmlns bound": lambda t: t.replace("<samlp:Status>", '<samlp:Status xmlns:xmlns="urn:x">'),
    "relative namespace": lambda t: t.replace("<samlp:Status>", '<samlp:Status xmlns:r="relative">'),
    "xml:id": lambda t: t.replace("<samlp:Status>", '<samlp:Status xml:id="x">'),
    "tag inside a tag": lambda t: t.replace("<samlp:Status>", "<samlp:Status <x>"),
    "attribute without quotes": lambda t: t.replace("<samlp:Status>", "<samlp:Status a=b>"),
    "less-than in an attribute": lambda t: t.replace("<samlp:Status>", '<samlp:Status a="<">'),
    "two hyphens in a comment": lambda t: t.replace("<samlp:Status>", "<!-- a -- b --><samlp:Status>"),
    "open comment": lambda t: t.replace("<samlp:Status>", "<!-- <samlp:Status>"),
    "open CDATA": lambda t: t.replace(">alice<", "><![CDATA[alice<"),
    "two colons": lambda t: t.replace("<samlp:Status>", "<samlp:Status a:b:c='1'>"),
    "empty": lambda t: "", "white space only": lambda t: " \n", "no XML": lambda t: "hello", "JSON": lambda t: '{"a": 1}',
    "text between elements": lambda t: t.replace("<samlp:Status>", "x<samlp:Status>"),
    "CDATA between elements": lambda t: t.replace("<samlp:Status>", "<![CDATA[x]]><samlp:Status>"),
    "foreign element": lambda t: t.replace("<samlp:Status>", '<x xmlns="urn:x"/><samlp:Status>'),
}
for name, change in BROKEN.items():
    refused(f"xml: {name}", ("malformed", "signature-invalid") if name == "empty prefix" else "malformed",
            "XML 1.0, Namespaces in XML", changed(change), ONE)
for name, root in {
        "a request": "AuthnRequest", "a logout request": "LogoutRequest", "a logout response": "LogoutResponse",
        "an artifact response": "ArtifactResponse", "small letters": "response"}.items():
    refused(f"root: {name}", "malformed", "SECURITY-RULES 6", changed(
        lambda t, r=root: t.replace("samlp:Response", f"samlp:{r}")), ONE)
refused("root: a bare assertion", "malformed", "SECURITY-RULES 6", changed(
    lambda t: re.search(r"<saml:Assertion.*</saml:Assertion>", t, re.S)[0]), ONE)
refused("root: SOAP around", "malformed", "SECURITY-RULES 6", changed(
    lambda t: f'<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>{t}</s:Body></s:Envelope>'), ONE)
refused("root: another namespace", "malformed", "SECURITY-RULES 6", changed(lambda t: t.replace(SAMLP, SAMLP + "x")), ONE)
refused("root: SAML 1.1", "malformed", "SECURITY-RULES 6", changed(
    lambda t: t.replace(SAMLP, "urn:oasis:names:tc:SAML:1.0:protocol")), ONE)
refused("root: assertion of SAML 1.1", "malformed", "SECURITY-RULES 6", changed(
    lambda t: t.replace(SAML, "urn:oasis:names:tc:SAML:1.0:assertion")), ONE)

# --- how it is written ---

def renamed(text, old, new):
    """The same document under another prefix; "" is the default namespace."""
    colon = f"{new}:" if new else ""
    return text.replace(f"<{old}:", f"<{colon}").replace(f"</{old}:", f"</{colon}").replace(
        f"xmlns:{old}=", f"xmlns{':' + new if new else ''}=")


def rewritten(change, which="both"):
    """Changed before it is signed."""
    return lambda k: k.sign(change(k.draft()), which)


WRITTEN = {
    "prefixes ns0 and ns1": lambda t: renamed(renamed(t, "samlp", "ns0"), "saml", "ns1"),
    "default namespace for the protocol": lambda t: renamed(t, "samlp", ""),
    "default namespace for the assertion": lambda t: re.sub(
        r"<saml:Assertion.*</saml:Assertion>", lambda m: renamed(m[0], "saml", ""), t, flags=re.S),
    "long prefix": lambda t: renamed(t, "saml", "x" * 100), "prefix not ASCII": lambda t: renamed(t, "saml", "\u00e4"),
    "namespaces on the root only": lambda t: t.replace(f'<saml:Assertion xmlns:saml="{SAML}"', "<saml:Assertion"),
    "pretty printed": lambda t: re.sub(r"(?<=>)(?=<(?!/?saml:NameID|/saml:Issuer|/saml:Audience>))", "\n  ", t),
    "attributes in lines": lambda t: t.replace("<samlp:Response ", "<samlp:Response\n\t").replace(' ID="', '\r\n ID = \''
                                                                                               .replace("'", '"')),
    "apostrophes": lambda t: t.replace('"', "'"), "schema location": lambda t: t.replace(
        "<samlp:Response ", f'<samlp:Response xmlns:xsi="{XSI}" xsi:schemaLocation="{SAMLP} saml-schema-protocol-2.0.xsd" '),
    "xml:lang and xml:space": lambda t: t.replace("<samlp:Response ", '<samlp:Response xml:lang="de" xml:space="preserve" '),
    "unused namespaces": lambda t: t.replace("<samlp:Response ", f'<samlp:Response xmlns:xs="{XS}" xmlns:q="urn:q" xmlns="urn:d" '),
    "prefix bound anew": lambda t: t.replace("<saml:NameID>", f'<q:NameID xmlns:q="{SAML}">').replace(
        "</saml:NameID>", "</q:NameID>"),
    "comments everywhere": lambda t: re.sub(r"(?<=>)(?=<saml)", "<!-- c -->", t),
    "instructions everywhere": lambda t: re.sub(r"(?<=>)(?=<saml)", "<?p i?>", t),
    "extensions": lambda t: t.replace("<samlp:Status>", '<samlp:Extensions><x xmlns="urn:x" ID="e">y</x></samlp:Extensions>'
                                      "<samlp:Status>"),
    "advice": lambda t: t.replace("<saml:AuthnStatement", "<saml:Advice><saml:AssertionIDRef>_x</saml:AssertionIDRef>"
                                  "</saml:Advice><saml:AuthnStatement"),
    "empty elements with end tags": lambda t: re.sub(r"<(saml:SubjectConfirmationData)([^>]*)/>", r"<\1\2></\1>", t),
    "references in attributes": lambda t: t.replace('Version="2.0"', 'Version="2&#46;0"'),
    "attributes of somebody": lambda t: t.replace("<samlp:Response ", '<samlp:Response xmlns:q="urn:q" q:ID="_q" q:x="y" '),
    "sixty attributes": lambda t: t.replace("<samlp:Status>", '<samlp:Extensions><x xmlns="urn:x" '
                                            + " ".join(f'a{i}="{i}"' for i in range(60)) + "/></samlp:Extensions><samlp:Status>"),
    "depth 28": lambda t: t.replace("<samlp:Status>", '<samlp:Extensions xmlns:x="urn:x">' + "<x:x>" * 28 + "</x:x>" * 28
                                    + "</samlp:Extensions><samlp:Status>"),
}
for name, change in WRITTEN.items():
    accepted(f"written: {name}", "Namespaces in XML, IDP-FACTS", rewritten(change))

# --- size ---

EXTENSION = "<samlp:Extensions><x xmlns='urn:x'{}>{}</x></samlp:Extensions><samlp:Status>"


def extended(attributes="", content=""):
    return changed(lambda t: t.replace("<samlp:Status>", EXTENSION.format(attributes, content)), "assertion")


refused("size: depth 10,000", "too-large", "SECURITY-RULES 1", extended(content="<x>" * 10000 + "</x>" * 10000), ONE)
refused("size: 5,000 attributes", "too-large", "SECURITY-RULES 1", extended(
    " " + " ".join(f'a{i}=""' for i in range(5000))), ONE)
refused("size: 5,000 namespaces", "too-large", "SECURITY-RULES 1", extended(
    " " + " ".join(f'xmlns:a{i}="urn:a"' for i in range(5000))), ONE)
refused("size: 20,000 elements", "too-large", "SECURITY-RULES 1", extended(content="<x/>" * 20000), ONE)
refused("size: 1 MB of text", "too-large", "SECURITY-RULES 1", extended(content="x" * 600000), ONE)
accepted("size: 60 KB in the extensions", "legal", lambda k: k.signed("both", extensions="<samlp:Extensions><x xmlns='urn:x'>"
                                                                     + "x" * 60000 + "</x></samlp:Extensions>"))
refused("size: 2,000 assertions", ("malformed", "too-large"), "SECURITY-RULES 6", extended(content=f"<s:Assertion xmlns:s='{SAML}'/>" * 2000),
        ONE)

# --- small messages that cost much where canonicalisation is naive ---


def costly(content, c14n=EXC):
    """In a Response whose signature only looks right: no key is needed to try this."""
    return lambda k: k.signed("response", options={"c14n": c14n}).replace("<samlp:Status>", EXTENSION.format("", content))


def many_namespaces(levels, each, elements, prefix="p"):
    scopes = ("".join(f'<x xmlns="urn:x" {" ".join(f"""xmlns:{prefix}{d}q{i}="urn:{d}:{i}" """ for i in range(each))}>'
                      for d in range(levels)))
    return scopes + "<y/>" * elements + "</x>" * levels


LONG = '<x xmlns:a="urn:{}">' + "<a:b/>" * 4000 + "</x>"
refused("cost: namespaces in scope of thousands of elements", "malformed", "inclusive c14n looks at each of them each time",
        costly(many_namespaces(25, 55, 2000), INC), "cost: ten namespaces")
refused("cost: long prefixes of namespaces in scope", "malformed", "inclusive c14n compares them each time",
        costly(many_namespaces(1, 55, 2000, "p" * 400), INC), "cost: ten namespaces")
accepted("cost: a long prefix", "long, but not absurd", lambda k: k.signed("response", options={"c14n": INC}, extensions=(
    f"<samlp:Extensions>{many_namespaces(1, 2, 3, 'p' * 100)}</samlp:Extensions>")))
accepted("cost: ten namespaces", "as usual", lambda k: k.signed("response", options={"c14n": INC}, extensions=(
    f"<samlp:Extensions>{many_namespaces(2, 5, 300)}</samlp:Extensions>")))
refused("cost: a namespace name of 100 KB, used 4,000 times", "malformed", "exclusive c14n writes it each time",
        costly(LONG.format("a" * 100000)), "cost: a namespace name of 200 characters")
accepted("cost: a namespace name of 200 characters", "long, but not absurd", lambda k: k.signed("response", extensions=(
    f"<samlp:Extensions>{LONG.format('a' * 200)}</samlp:Extensions>")))
refused("cost: a value cut into 20,000 texts", "unknown-idp", "joined in one piece", lambda k: k.signed(
    "response").replace(k.issuer + "</saml:Issuer>", k.issuer + "<!---->x" * 20000 + "</saml:Issuer>", 1),
    "name: many comments")
