# SPDX-License-Identifier: Apache-2.0
"""Changes to a real Response, signed again with the IdP's own key by the xmlsec1 command."""

import datetime
import pathlib
import tempfile
import uuid

import lxml.etree

from . import certs
from .tools import run

NS = {"samlp": "urn:oasis:names:tc:SAML:2.0:protocol", "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
      "ds": "http://www.w3.org/2000/09/xmldsig#"}
DS = "{%s}" % NS["ds"]
SAML = "{%s}" % NS["saml"]
SIGNATURE_ALGORITHMS = {"sha1": "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
                        "sha256": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"}
DIGEST_ALGORITHMS = {"sha1": "http://www.w3.org/2000/09/xmldsig#sha1",
                     "sha256": "http://www.w3.org/2001/04/xmlenc#sha256"}

TEMPLATE = """\
<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>\
<ds:CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>\
<ds:SignatureMethod Algorithm="{signature}"/><ds:Reference URI="#{id}"><ds:Transforms>\
<ds:Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>\
<ds:Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></ds:Transforms>\
<ds:DigestMethod Algorithm="{digest}"/><ds:DigestValue/></ds:Reference></ds:SignedInfo>\
<ds:SignatureValue/></ds:Signature>"""

ENCRYPTED = """\
<xenc:EncryptedData xmlns:xenc="http://www.w3.org/2001/04/xmlenc#" xmlns:ds="{ds}" \
Type="http://www.w3.org/2001/04/xmlenc#Element">\
<xenc:EncryptionMethod Algorithm="{data}"/><ds:KeyInfo><xenc:EncryptedKey>\
<xenc:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p">\
<ds:DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/></xenc:EncryptionMethod>\
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo>\
<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"""
AES = {"aes256-gcm": ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256"),
       "aes128-cbc": ("http://www.w3.org/2001/04/xmlenc#aes128-cbc", "aes-128")}


def instant(seconds=0):
    """Now, moved by so many seconds, as xs:dateTime."""
    t = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


class Message:
    """A Response as a tree. Getters find the parts; sign() makes it valid again."""

    def __init__(self, xml):
        self.root = lxml.etree.fromstring(xml)

    def xml(self):
        return lxml.etree.tostring(self.root)

    def all(self, xpath):
        return self.root.xpath(xpath, namespaces=NS)

    def one(self, xpath):
        found = self.all(xpath)
        assert len(found) == 1, f"{xpath}: {len(found)} found"
        return found[0]

    @property
    def assertion(self):
        return self.one("/samlp:Response/saml:Assertion")

    @property
    def issuer(self):
        return self.one("/samlp:Response/saml:Issuer")

    @property
    def name_id(self):
        return self.one("//saml:Subject/saml:NameID")

    @property
    def confirmation(self):
        return self.one("//saml:SubjectConfirmationData")

    @property
    def conditions(self):
        return self.one("//saml:Conditions")

    @property
    def audience(self):
        return self.one("//saml:Audience")

    def new_ids(self):
        """Another message than the captured one, as far as replay is concerned."""
        self.unsign()
        self.root.set("ID", f"_{uuid.uuid4().hex}")
        self.assertion.set("ID", f"_{uuid.uuid4().hex}")
        return self

    def set_in_response_to(self, value):
        """None makes the message an unsolicited one."""
        for element in (self.root, self.confirmation):
            element.attrib.pop("InResponseTo", None)
            if value is not None:
                element.set("InResponseTo", value)
        return self

    def unsign(self, which="both"):
        paths = {"both": "//ds:Signature", "response": "/samlp:Response/ds:Signature",
                 "assertion": "//saml:Assertion/ds:Signature"}
        for signature in self.all(paths[which]):
            signature.getparent().remove(signature)
        return self

    def sign(self, signer, which="both", digest="sha256", shown=None):
        """Sign anew. `shown` is the certificate to put into KeyInfo, `signer`'s own by default."""
        self.unsign()
        shown = shown or signer.certificate
        # From the inside out: the outer signature covers the inner one with its KeyInfo.
        if which in ("assertion", "both"):
            self._sign(self.assertion, "Assertion", signer, digest, shown)
        if which in ("response", "both"):
            self._sign(self.root, "Response", signer, digest, shown)
        return self

    def sign_response(self, signer):
        """Sign the Response alone and leave what is inside as it is."""
        self._sign(self.root, "Response", signer, "sha256", signer.certificate)
        return self

    def _sign(self, element, kind, signer, digest, shown):
        template = lxml.etree.fromstring(TEMPLATE.format(
            id=element.get("ID"), signature=SIGNATURE_ALGORITHMS[digest],
            digest=DIGEST_ALGORITHMS[digest]))
        element.insert(1, template)                     # right after Issuer, as the schema says
        with tempfile.TemporaryDirectory() as directory:
            plain, signed = pathlib.Path(directory, "in.xml"), pathlib.Path(directory, "out.xml")
            plain.write_bytes(self.xml())
            run("xmlsec1", "--sign", "--privkey-pem", signer.key,
                "--id-attr:ID", f"{NS['samlp']}:Response", "--id-attr:ID", f"{NS['saml']}:Assertion",
                "--node-xpath", f"//*[local-name()='{kind}']/*[local-name()='Signature']",
                "--output", signed, plain)
            self.root = lxml.etree.fromstring(signed.read_bytes())
        signature = self.one(f"//*[local-name()='{kind}']/ds:Signature")
        data = lxml.etree.SubElement(lxml.etree.SubElement(signature, f"{DS}KeyInfo"), f"{DS}X509Data")
        lxml.etree.SubElement(data, f"{DS}X509Certificate").text = certs.body(shown)

    def encrypt(self, certificate, cipher="aes256-gcm"):
        """Put an EncryptedAssertion in the place of the Assertion."""
        algorithm, session_key = AES[cipher]
        assertion = self.assertion
        wrapper = lxml.etree.Element(f"{SAML}EncryptedAssertion", nsmap={"saml": NS["saml"]})
        assertion.getparent().replace(assertion, wrapper)
        wrapper.append(assertion)
        with tempfile.TemporaryDirectory() as directory:
            plain, template, out = (pathlib.Path(directory, n) for n in ("in", "template", "out"))
            plain.write_bytes(self.xml())
            template.write_text(ENCRYPTED.format(ds=NS["ds"], data=algorithm))
            run("xmlsec1", "--encrypt", "--pubkey-cert-pem", certificate, "--session-key", session_key,
                "--xml-data", plain, "--node-xpath", "//*[local-name()='EncryptedAssertion']/*",
                "--output", out, template)
            self.root = lxml.etree.fromstring(out.read_bytes())
        return self


def verifies(xml, certificate):
    """What xmlsec1 says of the outermost signature: the judge of this forger."""
    with tempfile.NamedTemporaryFile(suffix=".xml") as file:
        file.write(xml)
        file.flush()
        done = run("xmlsec1", "--verify", "--pubkey-cert-pem", certificate, "--enabled-key-data", "x509",
                   "--id-attr:ID", f"{NS['samlp']}:Response", "--id-attr:ID", f"{NS['saml']}:Assertion",
                   file.name, check=False)
    return done.returncode == 0
