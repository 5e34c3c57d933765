# SPDX-License-Identifier: Apache-2.0
"""Signatures: algorithms, keys, canonicalisation, transforms, references, values."""

import base64

from .keys import signer
from .table import accepted, refused
from .xmlsig import ENVELOPED, EXC, INC, INC11, MORE, x509_data, transform

ONE = "assertion signed"
XSLT = "http://www.w3.org/TR/1999/REC-xslt-19991116"
XPATH = "http://www.w3.org/TR/1999/REC-xpath-19991116"
XPATH2 = "http://www.w3.org/2002/06/xmldsig-filter2"
BASE64 = "http://www.w3.org/2000/09/xmldsig#base64"
DECRYPT = "http://www.w3.org/2002/07/decrypt#XML"


def with_(**options):
    return lambda k: k.signed(options=options)


def after(change, which="assertion", **given):
    """Changed after it was signed."""
    return lambda k: change(k.signed(which, **given), k)


# --- algorithms ---

for method in ("rsa-sha256", "rsa-sha384", "rsa-sha512"):
    accepted(f"method: {method}", "RFC 9231", with_(method=method))
for digest in ("sha256", "sha384", "sha512"):
    accepted(f"digest: {digest}", "RFC 9231", with_(digest=digest))
for method in ("rsa-sha1", "rsa-sha224"):
    refused(f"method: {method}", "algorithm-forbidden", "IIP-ALG08", with_(method=method), ONE)
for digest in ("sha1", "sha224", "md5"):
    refused(f"digest: {digest}", "algorithm-forbidden", "IIP-ALG08", with_(digest=digest), ONE)
FORBIDDEN = {
    "rsa-md5": dict(method="rsa-md5"), "hmac-sha1": dict(method="hmac-sha1"),
    "hmac-sha256 of the public key": dict(method="hmac-sha256"),
    "hmac-sha256 without KeyInfo": dict(method="hmac-sha256", key_info=""),
    "unknown": dict(method="urn:x", value="AAAA"), "empty": dict(method="", value="AAAA", edit=lambda t: t.replace(
        MORE + "rsa-sha256", "")),
    "in capitals": dict(edit=lambda t: t.replace("rsa-sha256", "RSA-SHA256")),
    "white space": dict(edit=lambda t: t.replace("rsa-sha256", "rsa-sha256 ")),
    "of a digest": dict(edit=lambda t: t.replace(MORE + "rsa-sha256", "http://www.w3.org/2001/04/xmlenc#sha256")),
    "absent": dict(edit=lambda t: t.replace(f' Algorithm="{MORE}rsa-sha256"', "")),
    "namespaced": dict(edit=lambda t: t.replace(f'Algorithm="{MORE}rsa-sha256"',
                                                f'xmlns:x="urn:x" x:Algorithm="{MORE}rsa-sha256"')),
}
for name, options in FORBIDDEN.items():
    refused(f"method: {name}", "algorithm-forbidden", "SECURITY-RULES 12", with_(**options), ONE)
refused("method: rsa-pss or not known", ("algorithm-forbidden", "ok"), "RSA-PSS needs xmlsec1 1.3",
        with_(method="rsa-pss-sha256"), ONE)
accepted("sha1 allowed: rsa", "setting", with_(method="rsa-sha1", digest="sha1"), idp="sha1")
refused("sha1 allowed: md5 is not", "algorithm-forbidden", "setting", with_(method="rsa-md5"), "sha1 allowed: rsa",
        idp="sha1")

# --- keys ---

for kind in ("rsa3072", "rsa4096", "p256", "p384", "p521"):
    accepted(f"key: {kind}", "RFC 9231", lambda k, n=kind: k.signed(signer=signer(n, n)), idp=kind)
    accepted(f"key: {kind}, no KeyInfo", "RFC 9231", lambda k, n=kind: k.signed(
        "both", signer=signer(n, n), options={"key_info": ""}), idp=kind)
for method in ("ecdsa-sha384", "ecdsa-sha512"):
    for kind in ("p256", "p384", "p521"):
        accepted(f"key: {kind} with {method}", "RFC 9231", lambda k, n=kind, m=method: k.signed(
            signer=signer(n, n), options={"method": m}), idp=kind)
refused("key: rsa1024", "key-too-small", "SECURITY-RULES 12", lambda k: k.signed(
    signer=signer("rsa1024", "rsa1024")), "key: rsa3072", idp="rsa1024")
refused("key: exponent 3", "key-too-small", "CVE-2006-4339", lambda k: k.signed(signer=signer("e3", "rsa-e3")),
        "key: rsa3072", idp="e3")
refused("key: p224", "key-too-small", "SECURITY-RULES 12", lambda k: k.signed(signer=signer("p224", "p224")),
        "key: p256", idp="p224")
for kind in ("ed25519", "dsa"):
    refused(f"key: {kind}", "algorithm-forbidden", "not in the table of algorithms", lambda k, n=kind: k.signed(
        signer=signer(n, n)), "key: p256", idp=kind)
accepted("key: 3072 asked for", "MinRSABits", lambda k: k.signed(signer=signer("rsa3072", "rsa3072")), idp="bits3072")
refused("key: 2048 where 3072 is asked for", "key-too-small", "MinRSABits", with_(), "key: 3072 asked for",
        idp="bits3072")
refused("key: RSA key, method of EC", "signature-invalid", "SECURITY-RULES 12: method and key agree", with_(
    edit=lambda t: t.replace("rsa-sha256", "ecdsa-sha256")), ONE)
refused("key: EC key, method of RSA", "signature-invalid", "SECURITY-RULES 12", lambda k: k.signed(
    signer=signer("p256", "p256"), options={"edit": lambda t: t.replace("ecdsa-sha256", "rsa-sha256"),
                                            "method": "ecdsa-sha256"}), "key: p256", idp="p256")

# --- values ---

ZEROS = base64.b64encode(bytes(64)).decode()
ONES = base64.b64encode(bytes(31) + b"\1" + bytes(31) + b"\1").decode()
for name, value in {"zero": ZEROS, "one": ONES, "empty": "", "short": "AAAA",
                    "order": base64.b64encode(bytes.fromhex("ffffffff00000000ffffffffffffffffbce6faada7179e84"
                                                            "f3b9cac2fc632551") * 2).decode()}.items():
    refused(f"value: ECDSA {name}", "signature-invalid", "CVE-2022-21449", lambda k, v=value: k.signed(
        signer=signer("p256", "p256"), options={"value": v}), "key: p256", idp="p256")
for name, value in {"empty": "", "zero": base64.b64encode(bytes(256)).decode(), "not base64": "?",
                    "one": base64.b64encode(bytes(255) + b"\1").decode(), "short": "AAAA",
                    "long": base64.b64encode(bytes(4096)).decode()}.items():
    refused(f"value: RSA {name}", "signature-invalid", "XML-Signature 4.2", with_(value=value), ONE)
REDONE = {   # changes of a finished signature
    "truncated": lambda v: v[:-8], "one character": lambda v: ("A" if v[0] != "A" else "B") + v[1:],
    "twice": lambda v: v + v, "element inside": lambda v: v[:10] + "<x/>" + v[10:],
}


def value_of(text):
    return text.split("<ds:SignatureValue>", 1)[1].split("</ds:SignatureValue>", 1)[0]


def digest_of(text):
    return text.split("<ds:DigestValue>", 1)[1].split("</ds:DigestValue>", 1)[0]


for name, change in REDONE.items():
    refused(f"value: {name}", ("signature-invalid", "signature-scope"), "XML-Signature 4.2", after(
        lambda t, k, c=change: t.replace(value_of(t), c(value_of(t)))), ONE)
    refused(f"digest value: {name}", ("signature-invalid", "signature-scope"), "XML-Signature 4.3.3.6", after(
        lambda t, k, c=change: t.replace(digest_of(t), c(digest_of(t)))), ONE)
accepted("value: wrapped lines", "base64 of XML Schema", after(lambda t, k: t.replace(
    value_of(t), "\n" + value_of(t)[:64] + "\n  " + value_of(t)[64:] + "\n")))
refused("digest value: empty", "signature-invalid", "XML-Signature 4.3.3.6", with_(digest_value=""), ONE)
refused("digest value: truncated and signed", "signature-invalid", "XML-Signature 4.3.3.6", lambda k: k.signed(
    options={"digest_value": "AAAA"}), ONE)
refused("digest value: true one in a comment", "signature-invalid", "CVE-2025-29775", after(
    lambda t, k: t.replace("alice", "eve00").replace(digest_of(t), f"<!--{digest_of(t)}-->{'A' * 43}=")), ONE)
refused("digest value: forged one in a comment", "signature-invalid", "CVE-2025-29775", after(
    lambda t, k: t.replace("alice", "eve00").replace(digest_of(t), f"<!--{'A' * 43}=-->{digest_of(t)}")), ONE)
refused("digest value: two", ("signature-scope", "signature-invalid"), "CVE-2025-29774", after(
    lambda t, k: t.replace("<ds:DigestValue>", "<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>")), ONE)
for name, old, new in (("name", ">alice<", ">eve<"), ("attribute", ">staff<", ">admin<"),
                       ("attribute name", '"groups"', '"roles"'), ("instruction", ">alice<", ">al<?x?>ice<"),
                       ("namespace", "<saml:NameID", '<saml:NameID xmlns="urn:x" a="b"')):
    refused(f"changed: {name}", ("signature-invalid", "malformed"), "XML-Signature 3.2.1", after(
        lambda t, k, o=old, n=new: t.replace(o, n)), ONE)
for name, old, new in (("comment in the name", ">alice<", ">al<!-- -->ice<"), ("CDATA", ">alice<", "><![CDATA[alice]]><"),
                       ("character reference", ">alice<", ">&#97;lic&#x65;<"), ("unused namespace", "<saml:NameID",
                                                                              '<saml:NameID xmlns:q="urn:q"')):
    accepted(f"changed: {name}", "the canonical form is the same; the value is read whole", after(
        lambda t, k, o=old, n=new: t.replace(o, n)))
refused("changed: white space in the assertion", "signature-invalid", "XML-Signature 3.2.1", after(
    lambda t, k: t.replace("<saml:Subject>", "<saml:Subject> ")), ONE)
refused("changed: SignedInfo", "signature-invalid", "XML-Signature 3.2.2", after(
    lambda t, k: t.replace("<ds:SignedInfo>", "<ds:SignedInfo> ")), ONE)
refused("changed: outside of the assertion, response signed", "signature-invalid", "XML-Signature 3.2.1", after(
    lambda t, k: t.replace("<samlp:Status>", "<samlp:Status> "), which="response"), "response signed")
refused("changed: inner signature broken, outer one right", "signature-invalid", "SECURITY-RULES 14",
        lambda k: k.signed("both", options={"value": base64.b64encode(bytes(256)).decode()}), "both signed")
refused("changed: outer signature broken, inner one right", "signature-invalid", "SECURITY-RULES 14",
        lambda k: k.signed("both", outer={"value": base64.b64encode(bytes(256)).decode()}), "both signed")

# --- canonicalisation and transforms ---

COMMENTS = EXC + "WithComments"
for name, options in {
        "inclusive": dict(c14n=INC), "inclusive for SignedInfo": dict(info_c14n=INC),
        "inclusive for both": dict(c14n=INC, info_c14n=INC),
        "none: enveloped only": dict(transforms=transform(ENVELOPED), c14n=INC),
        "empty prefix list": dict(prefixes=""), "xs in the prefix list": dict(prefixes="xs"),
        "#default in the prefix list": dict(prefixes="#default"), "both in the prefix list": dict(prefixes="xs #default"),
        "exclusive with comments": dict(c14n=COMMENTS), "exclusive with comments for SignedInfo": dict(info_c14n=COMMENTS),
        "exclusive with comments for both": dict(c14n=COMMENTS, info_c14n=COMMENTS),
        "unknown prefix in the list": dict(prefixes="nobody"), "several prefixes": dict(prefixes="saml samlp ds xs xsi"),
}.items():
    accepted(f"c14n: {name}", "Core 5.4.3, 5.4.4", lambda k, o=options: k.signed("both", options=o, outer=dict(
        c14n=o.get("c14n", EXC), info_c14n=o.get("info_c14n", EXC))))
accepted("c14n: xsi:type with xs in the prefix list", "Core 5.4.3", lambda k: k.signed(
    options=dict(prefixes="xs"), statement=k.statement().replace(
        "<saml:AttributeValue>", '<saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">')))
# --- white space, comments and instructions in SignedInfo ---

PADDED = {
    "white space in the methods": lambda s: s.replace('sha256"/>', 'sha256">\n</ds:SignatureMethod>', 1).replace(
        '#sha256"/>', '#sha256"> </ds:DigestMethod>'),
    "comments in the methods": lambda s: s.replace('sha256"/>', 'sha256"><!-- --></ds:SignatureMethod>', 1).replace(
        '#sha256"/>', '#sha256"><!-- --></ds:DigestMethod>'),
    "comments between": lambda s: s.replace("><ds:", "><!-- c --><ds:"),
    "instructions between": lambda s: s.replace("><ds:", "><?p i?><ds:"),
}
for name, edit in PADDED.items():
    accepted(f"SignedInfo: {name}", "XML-Signature: mixed content, and what stands between elements",
             with_(edit=edit))
for name, edit in {
        "text in SignatureMethod": lambda s: s.replace('sha256"/>', 'sha256">x</ds:SignatureMethod>', 1),
        "element in DigestMethod": lambda s: s.replace('#sha256"/>', '#sha256"><x xmlns=""/></ds:DigestMethod>')}.items():
    refused(f"SignedInfo: {name}", "signature-scope", "SECURITY-RULES 9", with_(edit=edit),
            "SignedInfo: white space in the methods")
for name, options in {
        "inclusive with comments": dict(c14n=INC + "#WithComments"),
        "inclusive with comments for SignedInfo": dict(info_c14n=INC + "#WithComments"), "1.1": dict(c14n=INC11, info_c14n=EXC),
        "unknown": dict(transforms=transform(ENVELOPED) + transform("urn:x"))}.items():
    refused(f"c14n: {name}", "algorithm-forbidden", "SECURITY-RULES 9", with_(**options), ONE)
refused("c14n: inclusive where only exclusive is allowed", "algorithm-forbidden", "setting",
        with_(c14n=INC), "c14n: exclusive where only that is allowed", idp="exclusive")
accepted("c14n: exclusive where only that is allowed", "setting", with_(), idp="exclusive")
refused("c14n: none where only exclusive is allowed", "algorithm-forbidden", "none means inclusive",
        with_(transforms=transform(ENVELOPED), c14n=INC), "c14n: exclusive where only that is allowed", idp="exclusive")
accepted("c14n: 1.1 allowed", "setting", with_(c14n=INC11, info_c14n=INC11), idp="c14n11")
BOTH = transform(ENVELOPED) + transform(EXC)
FOUL = {
    "none": "", "canonicalisation only": transform(EXC), "wrong order": transform(EXC) + transform(ENVELOPED),
    "three": BOTH + transform(EXC), "three hundred": transform(ENVELOPED) * 300, "enveloped twice": transform(ENVELOPED) * 2,
    "XSLT": transform(ENVELOPED) + f'<ds:Transform Algorithm="{XSLT}"><xsl:stylesheet version="1.0" '
    'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/">x</xsl:template></xsl:stylesheet>'
    "</ds:Transform>",
    "XSLT first": f'<ds:Transform Algorithm="{XSLT}"/>' + transform(EXC),
    "XPath": transform(ENVELOPED) + f'<ds:Transform Algorithm="{XPATH}"><ds:XPath>not(ancestor-or-self::*[local-name()='
    "'NameID'])</ds:XPath></ds:Transform>",
    "XPath filter": f'<ds:Transform Algorithm="{XPATH2}"><f:XPath xmlns:f="{XPATH2}" Filter="intersect">'
    "/*</f:XPath></ds:Transform>" + transform(EXC),
    "base64": transform(ENVELOPED) + transform(BASE64), "decrypt": transform(ENVELOPED) + transform(DECRYPT),
    "XPath inside enveloped": f'<ds:Transform Algorithm="{ENVELOPED}"><ds:XPath>1</ds:XPath></ds:Transform>'
    + transform(EXC),
    "text inside": BOTH + "x", "element of another namespace": BOTH + '<x xmlns="urn:x"/>',
    "prefix list of 300 characters": transform(ENVELOPED) + transform(EXC, "a" * 300),
    "two prefix lists": transform(ENVELOPED) + transform(EXC, "xs").replace(
        "</ds:Transform>", f'<ec:InclusiveNamespaces xmlns:ec="{EXC}" PrefixList="x"/></ds:Transform>'),
    "other child of the canonicalisation": transform(ENVELOPED) + transform(EXC, "xs").replace(
        "InclusiveNamespaces", "ExclusiveNamespaces"),
}
for name, transforms in FOUL.items():
    refused(f"transforms: {name}", ("signature-scope", "algorithm-forbidden"), "SECURITY-RULES 9",
            with_(transforms=transforms), ONE)

# --- references and structure ---

REFERENCES = {   # @ stands for the ID of the assertion
    "empty": 'URI=""', "absent": "", "fragment only": 'URI="#"', "XPointer": "URI=\"#xpointer(id('@'))\"",
    "whole by XPointer": 'URI="#xpointer(/)"', "external": 'URI="http://127.0.0.1:1/x"',
    "file": 'URI="file:///etc/passwd"', "another ID": 'URI="#_other"', "without #": 'URI="@"',
    "namespaced": 'xmlns:x="urn:x" x:URI="#@"', "in small letters": 'uri="#@"', "element()": 'URI="#element(/1)"',
    "white space": 'URI="#@ "', "twice": 'URI="#@#@"', "absolute": 'URI="https://sp.example.org/#@"',
}
for name, uri in REFERENCES.items():
    refused(f"reference: {name}", "signature-scope", "Core 5.4.2", lambda k, u=uri: k.signed(
        options={"uri": " " + u.replace("@", k.assertion_id)}), ONE)
refused("reference: the other element", "signature-scope", "Core 5.4.2", lambda k: k.signed(
    options={"uri": f' URI="#{k.response_id}"'}), ONE)
refused("reference: escaped", "signature-scope", "SECURITY-RULES 9: literally", lambda k: k.signed(
    options={"uri": f' URI="#%5F{k.assertion_id[1:]}"'}), ONE)
accepted("reference: as a character reference", "the same text", lambda k: k.signed(
    options={"uri": f' URI="&#35;{k.assertion_id}"'}))
accepted("reference: Id and Type", "XML-Signature 4.3.3", lambda k: k.signed(
    options={"uri": f' Id="ref" Type="urn:x" URI="#{k.assertion_id}"'}))
EDITS = {   # of SignedInfo, before it is signed
    "two references": lambda t: t.replace("</ds:Reference>", "</ds:Reference>" + t[t.index("<ds:Reference"):t.index(
        "</ds:SignedInfo>")], 1),
    "no reference": lambda t: t[:t.index("<ds:Reference")] + "</ds:SignedInfo>",
    "HMACOutputLength": lambda t: t.replace('rsa-sha256"/>', 'rsa-sha256"><ds:HMACOutputLength>0</ds:HMACOutputLength>'
                                            "</ds:SignatureMethod>"),
    "parameters of the digest": lambda t: t.replace('sha256"/><ds:DigestValue', 'sha256"><x xmlns="urn:x"/>'
                                                    "</ds:DigestMethod><ds:DigestValue"),
    "foreign element": lambda t: t.replace("</ds:SignedInfo>", '<x xmlns="urn:x"/></ds:SignedInfo>'),
    "text": lambda t: t.replace("</ds:SignedInfo>", "x</ds:SignedInfo>"),
    "no transforms": lambda t: t[:t.index("<ds:Transforms>")] + t[t.index("</ds:Transforms>") + 16:],
    "two digest methods": lambda t: t.replace("<ds:DigestMethod", '<ds:DigestMethod Algorithm="urn:x"/><ds:DigestMethod'),
    "SignatureMethod twice": lambda t: t.replace("<ds:Reference", '<ds:SignatureMethod Algorithm="urn:x"/><ds:Reference'),
    "no CanonicalizationMethod": lambda t: t.replace(f'<ds:CanonicalizationMethod Algorithm="{EXC}"/>', ""),
}
for name, edit in EDITS.items():
    refused(f"SignedInfo: {name}", ("signature-scope", "malformed"), "SECURITY-RULES 9", with_(edit=edit), ONE)
accepted("SignedInfo: comment", "dropped by canonicalisation", with_(
    edit=lambda t: t.replace("</ds:SignedInfo>", "<!-- --></ds:SignedInfo>")))
MOVED = {   # of the finished signature
    "Object": lambda t: t.replace("</ds:Signature>", "<ds:Object>x</ds:Object></ds:Signature>"),
    "Manifest": lambda t: t.replace("</ds:Signature>", "<ds:Object><ds:Manifest/></ds:Object></ds:Signature>"),
    "two SignedInfo": lambda t: t.replace("<ds:SignatureValue>", "<ds:SignedInfo/><ds:SignatureValue>"),
    "two SignatureValues": lambda t: t.replace("<ds:SignatureValue>", "<ds:SignatureValue/><ds:SignatureValue>"),
    "no SignatureValue": lambda t: t.replace(f"<ds:SignatureValue>{value_of(t)}</ds:SignatureValue>", ""),
    "two KeyInfo": lambda t: t.replace("<ds:KeyInfo>", "<ds:KeyInfo/><ds:KeyInfo>"),
    "KeyInfo first": lambda t: t.replace("<ds:SignedInfo>", "<ds:KeyInfo/><ds:SignedInfo>"),
    "text": lambda t: t.replace("</ds:Signature>", "x</ds:Signature>"),
    "empty": lambda t: t[:t.index("<ds:SignedInfo>")] + t[t.index("</ds:Signature>"):],
    "Id of the assertion": lambda t: t.replace("<ds:Signature ", f'<ds:Signature Id="{assertion_id(t)}" '),
    "ID of the assertion": lambda t: t.replace("<ds:Signature ", f'<ds:Signature ID="{assertion_id(t)}" '),
    "twice": lambda t: t.replace("</ds:Signature>", "</ds:Signature>" + t[t.index("<ds:Signature "):t.index(
        "</ds:Signature>") + 15], 1),
    "of another namespace": lambda t: t.replace('xmlns:ds="http://www.w3.org/2000/09/xmldsig#"', 'xmlns:ds="urn:x"'),
}


def assertion_id(text):
    return text.split("<saml:Assertion", 1)[1].split('ID="', 1)[1].split('"', 1)[0]


for name, change in MOVED.items():
    refused(f"signature: {name}", ("signature-scope", "malformed"), "SECURITY-RULES 9",
            after(lambda t, k, c=change: c(t)), ONE)
for name, options in {
        "default namespace": dict(prefix=""), "another prefix": dict(prefix="ns2"), "Id": dict(attributes=' Id="Signature1"'),
        "line feeds": dict(gap="\n"), "indented": dict(gap="\n    "), "KeyInfo in lines": dict(
            key_info=x509_data("\n" + signer("main").base64[:64] + "\n" + signer("main").base64[64:] + "\n"))}.items():
    accepted(f"signature: {name}", "IDP-FACTS", lambda k, o=options: k.signed("both", options=o, outer=o))
