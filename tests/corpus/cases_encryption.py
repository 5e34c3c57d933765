# SPDX-License-Identifier: Apache-2.0
"""Encryption: assertions, names and attributes; algorithms, key transport, what is inside."""

import os

from .keys import signer
from .message import SAML
from .partners import own_key
from .table import accepted, refused
from .xmlenc import XENC, encrypt, wrap

SEALED = "encrypted: signed outside and inside"
STRANGER = signer("stranger")


def sealed(which="both", **encryption):
    return lambda k: k.encrypted(which, **encryption)


accepted(SEALED, "Core 6", sealed())
accepted("encrypted: signed inside", "Core 6", sealed("assertion"))
accepted("encrypted: signed outside", "Core 6", sealed("response"))
refused("encrypted: not signed", "no-signature", "Profiles 4.1.4.3", sealed("none"), SEALED)
accepted("encrypted: where that is asked for", "RequireEncrypted", sealed(), idp="encrypting")
refused("encrypted: not, where that is asked for", "decrypt-failed", "RequireEncrypted", lambda k: k.signed("both"),
        "encrypted: where that is asked for", idp="encrypting")

# --- algorithms ---

for cipher in ("aes128-gcm", "aes192-gcm", "aes256-gcm"):
    accepted(f"content: {cipher}", "IIP-ALG04", sealed("assertion", cipher=cipher))
for cipher in ("aes128-cbc", "aes192-cbc", "aes256-cbc", "tripledes-cbc"):
    refused(f"content: {cipher}", "algorithm-forbidden", "SECURITY-RULES 20", sealed(cipher=cipher), SEALED)
    accepted(f"content: {cipher}, allowed and signed outside", "SECURITY-RULES 20", sealed(cipher=cipher), idp="cbc")
    refused(f"content: {cipher}, allowed and signed inside only", "algorithm-forbidden", "SECURITY-RULES 20",
            sealed("assertion", cipher=cipher), f"content: {cipher}, allowed and signed outside", idp="cbc")
refused("content: unknown algorithm", "algorithm-forbidden", "SECURITY-RULES 20", sealed(content_uri="urn:x"), SEALED)
refused("content: key transport as content algorithm", "algorithm-forbidden", "SECURITY-RULES 20",
        sealed(content_uri=XENC + "rsa-oaep-mgf1p"), SEALED)
refused("content: GCM called CBC", "algorithm-forbidden", "algorithm substitution", sealed(
    content_uri=XENC + "aes256-cbc"), SEALED)
refused("content: GCM called CBC where CBC is allowed", ("decrypt-failed", "algorithm-forbidden"), "algorithm substitution",
        sealed("assertion", content_uri=XENC + "aes256-cbc"), "content: aes256-cbc, allowed and signed outside", idp="cbc")
for digest in ("sha1", "sha256", "sha384", "sha512"):
    for mgf in ("sha1", "sha256", "sha512"):
        accepted(f"OAEP: {digest}, MGF1 with {mgf}", "XML Encryption 1.1, 5.5.2", sealed(
            "assertion", transport="rsa-oaep", digest=digest, mgf=mgf))
    accepted(f"OAEP: mgf1p, {digest}", "XML Encryption 5.4.2", sealed("assertion", digest=digest))
accepted("OAEP: digest not said", "SHA-1 is the default", sealed("assertion", show_digest=False))
accepted("OAEP: label", "OAEPparams", sealed("assertion", label=b"a label"))
refused("OAEP: wrong label", "decrypt-failed", "OAEPparams", lambda k: k.encrypted("assertion", label=b"a label").replace(
    "YSBsYWJlbA==", "YSBsYWJlbQ=="), "OAEP: label")
refused("OAEP: another digest said", "decrypt-failed", "XML Encryption 5.4.2", lambda k: k.encrypted(
    "assertion", digest="sha1").replace("xmldsig#sha1", "xmldsig-more#sha384").replace("2000/09/xmldsig-more#sha384",
                                                                                     "2001/04/xmldsig-more#sha384"),
    "OAEP: mgf1p, sha1")
refused("OAEP: unknown digest", "algorithm-forbidden", "XML Encryption 5.4.2", lambda k: k.encrypted("assertion").replace(
    "xmldsig#sha1", "xmldsig#md4"), SEALED)
refused("PKCS#1 v1.5", "algorithm-forbidden", "IIP-ALG08", sealed(transport="rsa-1_5"), SEALED)
accepted("PKCS#1 v1.5 allowed", "setting", sealed(transport="rsa-1_5"), idp="pkcs1")
refused("PKCS#1 v1.5 said, OAEP done", "decrypt-failed", "algorithm substitution", lambda k: k.encrypted(
    "assertion").replace("rsa-oaep-mgf1p", "rsa-1_5"), "PKCS#1 v1.5 allowed", idp="pkcs1")

# --- keys: where they stand, for whom they are ---

accepted("key: beside the data", "Core 6, XML Encryption 3.5", sealed(place="beside"))
accepted("key: beside, by RetrievalMethod", "XML Encryption 3.5", sealed(
    "assertion", attributes=' Id="_k"', place='<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:RetrievalMethod '
    f'URI="#_k" Type="{XENC}EncryptedKey"/></ds:KeyInfo>'))
accepted("key: carried name", "XML Encryption 3.5.1", sealed(
    "assertion", place='<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>n</ds:KeyName></ds:KeyInfo>',
    tail='<xenc:ReferenceList><xenc:DataReference URI="#_d"/></xenc:ReferenceList><xenc:CarriedKeyName>n'
    "</xenc:CarriedKeyName>"))
accepted("key: Recipient", "XML Encryption 3.5.1", sealed(attributes=' Recipient="https://sp.example.org/saml"'))
accepted("key: certificate of ours in its KeyInfo", "IDP-FACTS", sealed(
    key_info='<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>my-rsa-key</ds:KeyName><ds:X509Data>'
    f"<ds:X509Certificate>{own_key().base64}</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"))
accepted("key: our other key", "IIP-SP08: two keys at least", sealed(recipient=own_key("retiring")))
accepted("key: for others, too", "several recipients", lambda k: k.encrypted(
    before=wrap(os.urandom(32), STRANGER), after=wrap(os.urandom(32), STRANGER)))
accepted("key: for another by an algorithm that we forbid", "several recipients", lambda k: k.encrypted(
    before=wrap(os.urandom(32), STRANGER, "rsa-1_5")))
refused("key: for others only", "decrypt-failed", "SECURITY-RULES 20", sealed(recipient=STRANGER), SEALED)
refused("key: none", "malformed", "Core 6", sealed(keys=lambda key: ""), SEALED)
for count, code in ((20, "malformed"), (300, "too-large")):
    refused(f"key: {count}", code, "SECURITY-RULES 20: a few", lambda k, n=count: k.encrypted(
        "assertion", keys=lambda key: wrap(key, STRANGER) * n), SEALED)
refused("key: of another length", "decrypt-failed", "algorithm substitution", sealed(
    "assertion", keys=lambda key: wrap(key[:16], own_key())), SEALED)
refused("key: another key", "decrypt-failed", "XML Encryption", sealed(
    "assertion", keys=lambda key: wrap(os.urandom(32), own_key())), SEALED)
refused("key: CipherReference", "malformed", "SECURITY-RULES 10", lambda k: k.encrypted("assertion", keys=lambda key: wrap(
    key, own_key()).replace("<xenc:CipherValue>", '<xenc:CipherReference URI="file:///etc/passwd"/><xenc:CipherValue>')), SEALED)

# --- structure: each thing once, and at its place ---

CIPHER = "<xenc:CipherData><xenc:CipherValue>AAAA</xenc:CipherValue></xenc:CipherData>"
TWICE = {
    "data: CipherData": ("</xenc:EncryptedData>", CIPHER + "</xenc:EncryptedData>"),
    "data: EncryptionMethod": ("<xenc:EncryptionMethod", '<xenc:EncryptionMethod Algorithm="urn:x"/><xenc:EncryptionMethod'),
    "data: KeyInfo": ("</ds:KeyInfo>", '</ds:KeyInfo><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"/>'),
    "data: foreign child": ("</xenc:EncryptedData>", "<x/></xenc:EncryptedData>"),
    "key: CipherData": ("</xenc:EncryptedKey>", CIPHER + "</xenc:EncryptedKey>"),
    "key: foreign child": ("</xenc:EncryptedKey>", "<x/></xenc:EncryptedKey>"),
    "key: DigestMethod": ("<ds:DigestMethod", '<ds:DigestMethod xmlns:ds="http://www.w3.org/2000/09/xmldsig#" Algorithm="'
                          'http://www.w3.org/2001/04/xmlenc#sha512"/><ds:DigestMethod'),
}
for name, (mark, twice) in TWICE.items():
    refused(f"structure: {name}", "malformed", "XML Encryption 3.1, 3.5", lambda k, m=mark, t=twice: k.encrypted(
        "assertion").replace(m, t, 1), SEALED)
accepted("structure: white space and a comment", "XML Encryption 3.1", lambda k: k.encrypted("assertion").replace(
    "</xenc:EncryptedData>", "\n <!-- x --></xenc:EncryptedData>", 1))

# --- ciphertext and what is in it ---

SPOILT = {
    "first byte": lambda c: bytes([c[0] ^ 1]) + c[1:], "last byte": lambda c: c[:-1] + bytes([c[-1] ^ 1]),
    "middle": lambda c: c[:100] + bytes([c[100] ^ 1]) + c[101:], "cut": lambda c: c[:-1], "empty": lambda c: b"",
    "only the tag": lambda c: c[-16:], "longer": lambda c: c + b"\0", "without tag": lambda c: c[:-16],
}
for name, spoil in SPOILT.items():
    refused(f"ciphertext: {name}", "decrypt-failed", "SECURITY-RULES 21: one answer", sealed("assertion", spoil=spoil), SEALED)
    if name in ("first byte", "last byte", "cut", "empty"):
        # Signed outside after that, so that the signature is right.
        refused(f"ciphertext: CBC, {name}", ("decrypt-failed", "signature-invalid"), "SECURITY-RULES 21", sealed(
            spoil=spoil, cipher="aes128-cbc"), "content: aes128-cbc, allowed and signed outside", idp="cbc")
accepted("plaintext: namespaces of the Response", "Core 6: decrypted in its place", sealed(
    "assertion", plaintext=lambda t: t.replace(f' xmlns:saml="{SAML}"', "", 1)))
accepted("plaintext: white space around", "XML Encryption 4.4: replaced by what it says", sealed(
    "assertion", plaintext=lambda t: f"\n  {t}\r\n"))
accepted("plaintext: comment inside", "XML", sealed("assertion", plaintext=lambda t: t.replace(">alice<", ">al<!-- -->ice<")))
INSIDE = {
    "two assertions": lambda t: t * 2, "nothing": lambda t: "", "text": lambda t: "hello", "text beside": lambda t: t + "x",
    "DOCTYPE": lambda t: "<!DOCTYPE x>" + t, "entity": lambda t: t.replace(">alice<", ">&e;<"),
    "not well-formed": lambda t: t[:-3], "end of its parent": lambda t: t + "</saml:EncryptedAssertion><x>",
    "an assertion around": lambda t: t.replace("</saml:Assertion>", f"<saml:Advice>{t}</saml:Advice></saml:Assertion>"),
    "a Response": lambda t: f'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol">{t}</samlp:Response>',
    "a NameID": lambda t: f'<saml:NameID xmlns:saml="{SAML}">alice</saml:NameID>',
    "undeclared prefix": lambda t: t.replace("<saml:Subject>", "<saml:Subject><nobody:x/>"),
    "xml:id": lambda t: t.replace("<saml:Subject>", '<saml:Subject xml:id="x">'), "UTF-16 declared": lambda t:
    '<?xml version="1.0" encoding="UTF-16"?>' + t, "another encryption": lambda t: encrypt(t, own_key()),
}
for name, plaintext in INSIDE.items():
    refused(f"plaintext: {name}", ("decrypt-failed",), "SECURITY-RULES 20: exactly one assertion", sealed(
        "assertion", plaintext=plaintext), SEALED)
refused("plaintext: changed", "signature-invalid", "XML-Signature", sealed("assertion", plaintext=lambda t: t.replace(
    ">alice<", ">eve<")), SEALED)
refused("plaintext: signature taken out", "no-signature", "Profiles 4.1.4.3", sealed(
    "assertion", plaintext=lambda t: t[:t.index("<ds:Signature")] + t[t.index("</ds:Signature>") + 15:]), SEALED)
refused("plaintext: ID of the response", ("signature-scope", "malformed"), "SECURITY-RULES 8", lambda k: k.encrypted(
    "assertion", parts={"response": {"ID": k.assertion_id}}), SEALED)
for name, change in {
        "data twice": lambda t: t.replace("</xenc:EncryptedData>", "</xenc:EncryptedData>" + t[t.index(
            "<xenc:EncryptedData"):t.index("</xenc:EncryptedData>") + 21], 1),
        "no data": lambda t: t[:t.index("<xenc:EncryptedData")] + t[t.index("</xenc:EncryptedData>") + 21:],
        "plain assertion beside": lambda t: t.replace("<saml:EncryptedAssertion", f'<saml:Assertion xmlns:saml="{SAML}"/>'
                                                      "<saml:EncryptedAssertion", 1),
        "plain assertion inside": lambda t: t.replace("</saml:EncryptedAssertion>", f'<saml:Assertion xmlns:saml="{SAML}"/>'
                                                      "</saml:EncryptedAssertion>"),
        "twice": lambda t: t.replace("</saml:EncryptedAssertion>", "</saml:EncryptedAssertion>" + t[t.index(
            "<saml:EncryptedAssertion"):t.index("</saml:EncryptedAssertion>") + 26], 1),
        "no cipher data": lambda t: t[:t.rindex("<xenc:CipherData>")] + t[t.rindex("</xenc:CipherData>") + 18:],
        "CipherReference": lambda t: t.replace("<xenc:CipherValue>", '<xenc:CipherReference URI="file:///etc/passwd"/>'
                                               "<xenc:CipherValue>"),
        "cipher value no base64": lambda t: t[:t.rindex("<xenc:CipherValue>") + 18] + "?" + t[t.rindex(
            "</xenc:CipherValue>"):]}.items():
    refused(f"encrypted: {name}", ("malformed", "signature-scope"), "Core 2.3.4, SECURITY-RULES 6, 10", lambda k, c=change: c(
        k.encrypted("assertion")), SEALED)
accepted("encrypted: no Type", "XML Encryption 3.1: optional", sealed(data_attributes=""))
accepted("encrypted: Id, MimeType", "XML Encryption 3.1", sealed(
    data_attributes=f' Id="_d" Type="{XENC}Element" MimeType="text/xml" Encoding="http://www.w3.org/2000/09/xmldsig#base64"'))
refused("encrypted: Type Content", ("malformed", "decrypt-failed"), "Core 2.3.4: Element", sealed(
    data_attributes=f' Type="{XENC}Content"'), SEALED)
refused("encrypted: response without issuer", ("unknown-idp", "wrong-issuer"), "Profiles 4.1.4.2: MUST be there",
        lambda k: k.encrypted("assertion", parts={"response_issuer": ""}), SEALED)
refused("encrypted: wrapped, another put in", ("malformed", "no-signature", "signature-scope"), "encryption and wrapping",
        lambda k: k.encrypted("assertion").replace("</samlp:Response>", k.assertion(
            subject=k.subject(k.name_id("eve")), ID="_evil", signature="") + "</samlp:Response>"), SEALED)
refused("encrypted: by anybody, not signed by the IdP", ("cert-not-listed", "signature-invalid"), "anybody has our public key",
        lambda k: k.encrypted("both", signer=STRANGER), SEALED)

# --- parts of an assertion ---


def name_in(text, **encryption):
    return lambda k: k.signed("both", subject=k.subject(encrypt(text, own_key(), "EncryptedID", **encryption)))


NAME = f'<saml:NameID xmlns:saml="{SAML}">alice</saml:NameID>'
accepted("EncryptedID", "Core 2.2.4", name_in(NAME))
accepted("EncryptedID: prefix of the assertion", "Core 2.2.4", name_in("<saml:NameID>alice</saml:NameID>"))
accepted("EncryptedID: key beside", "Core 2.2.4", name_in(NAME, place="beside"))
accepted("EncryptedID: in an encrypted assertion", "Core 6", lambda k: k.encrypted("both", parts={
    "subject": k.subject(encrypt(NAME, own_key(), "EncryptedID"))}))
refused("EncryptedID: for others", "decrypt-failed", "SECURITY-RULES 21", lambda k: k.signed(
    subject=k.subject(encrypt(NAME, STRANGER, "EncryptedID"))), "EncryptedID")
refused("EncryptedID: an assertion inside", "decrypt-failed", "Core 2.2.4", lambda k: k.signed(
    subject=k.subject(encrypt(k.assertion(signature=""), own_key(), "EncryptedID"))), "EncryptedID")
refused("EncryptedID: two names inside", "decrypt-failed", "Core 2.2.4", name_in(NAME * 2), "EncryptedID")
refused("EncryptedID: beside a NameID", "malformed", "Core 2.4.1", lambda k: k.signed(
    subject=k.subject(k.name_id() + encrypt(NAME, own_key(), "EncryptedID"))), "EncryptedID")
refused("EncryptedID: changed", "signature-invalid", "XML-Signature", lambda k: k.signed(
    subject=k.subject(encrypt(NAME, own_key(), "EncryptedID"))).replace("EncryptedID", "NameID"), "EncryptedID")
accepted("EncryptedAttribute", "Core 2.7.3.2", lambda k: k.signed("both", statement=k.statement(
    encrypt(k.attribute("x", "y").replace("<saml:Attribute ", f'<saml:Attribute xmlns:saml="{SAML}" '), own_key(),
            "EncryptedAttribute"), k.attribute("z", "1"))), attributes={"x": ["y"], "z": ["1"]})
refused("EncryptedAttribute: for others", "decrypt-failed", "SECURITY-RULES 21", lambda k: k.signed(
    "both", statement=k.statement(encrypt(k.attribute("x", "y"), STRANGER, "EncryptedAttribute"))), "EncryptedAttribute")
