# SPDX-License-Identifier: Apache-2.0
"""An identity provider that is nothing but its keys: it signs a login in less than a millisecond, so
that the load is on the server. It answers an AuthnRequest as a real one would."""

import base64
import datetime
import hashlib
import os
import re
import secrets
import urllib.parse
import zlib

import lxml.etree
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.x509.oid import NameOID

DSIG = "http://www.w3.org/2000/09/xmldsig#"
DSIG_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
C14N = "http://www.w3.org/2001/10/xml-exc-c14n#"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"

ASSERTION = f"""\
<saml:Assertion xmlns:saml="{SAML}" ID="{{id}}" IssueInstant="{{now}}" Version="2.0">\
<saml:Issuer>{{issuer}}</saml:Issuer>{{signature}}<saml:Subject>\
<saml:NameID Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent">{{user}}</saml:NameID>\
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">\
<saml:SubjectConfirmationData InResponseTo="{{request}}" NotOnOrAfter="{{end}}" Recipient="{{acs}}"/>\
</saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore="{{now}}" NotOnOrAfter="{{end}}">\
<saml:AudienceRestriction><saml:Audience>{{audience}}</saml:Audience></saml:AudienceRestriction>\
</saml:Conditions><saml:AuthnStatement AuthnInstant="{{now}}" SessionIndex="{{id}}">\
<saml:AuthnContext><saml:AuthnContextClassRef>\
urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport\
</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>\
<saml:AttributeStatement><saml:Attribute Name="mark">\
<saml:AttributeValue>{{mark}}</saml:AttributeValue></saml:Attribute>\
<saml:Attribute Name="groups"><saml:AttributeValue>staff</saml:AttributeValue>\
<saml:AttributeValue>all</saml:AttributeValue></saml:Attribute>\
</saml:AttributeStatement></saml:Assertion>"""

RESPONSE = f"""\
<samlp:Response xmlns:samlp="{SAMLP}" Destination="{{acs}}" ID="{{id}}" InResponseTo="{{request}}" \
IssueInstant="{{now}}" Version="2.0"><saml:Issuer xmlns:saml="{SAML}">{{issuer}}</saml:Issuer>\
<samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"></samlp:StatusCode>\
</samlp:Status>{{content}}</samlp:Response>"""

SIGNED_INFO = f"""\
<ds:SignedInfo xmlns:ds="{DSIG}"><ds:CanonicalizationMethod Algorithm="{C14N}"/>\
<ds:SignatureMethod Algorithm="{{method}}"/><ds:Reference URI="#{{id}}"><ds:Transforms>\
<ds:Transform Algorithm="{DSIG}enveloped-signature"/><ds:Transform Algorithm="{C14N}"/></ds:Transforms>\
<ds:DigestMethod Algorithm="{XENC}sha256"/><ds:DigestValue>{{digest}}</ds:DigestValue>\
</ds:Reference></ds:SignedInfo>"""

SIGNATURE = f"""\
<ds:Signature xmlns:ds="{DSIG}">{{signed_info}}<ds:SignatureValue>{{value}}</ds:SignatureValue>\
<ds:KeyInfo><ds:X509Data><ds:X509Certificate>{{certificate}}</ds:X509Certificate></ds:X509Data>\
</ds:KeyInfo></ds:Signature>"""

ENCRYPTED = f"""\
<saml:EncryptedAssertion xmlns:saml="{SAML}"><xenc:EncryptedData xmlns:xenc="{XENC}" \
Type="{XENC}Element"><xenc:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>\
<ds:KeyInfo xmlns:ds="{DSIG}"><xenc:EncryptedKey>\
<xenc:EncryptionMethod Algorithm="{XENC}rsa-oaep-mgf1p"><ds:DigestMethod Algorithm="{DSIG}sha1"/>\
</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{{key}}</xenc:CipherValue>\
</xenc:CipherData></xenc:EncryptedKey></ds:KeyInfo><xenc:CipherData>\
<xenc:CipherValue>{{data}}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>\
</saml:EncryptedAssertion>"""


def b64(data):
    return base64.b64encode(data).decode()


def stamp(seconds=0):
    t = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=seconds)
    return t.strftime("%Y-%m-%dT%H:%M:%SZ")


def canonical(text):
    return lxml.etree.tostring(lxml.etree.fromstring(text), method="c14n", exclusive=True)


class Pair:
    """A private key and a self-signed certificate of it."""

    def __init__(self, name, is_rsa=False):
        self.name = name
        self.key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) if is_rsa
                    else ec.generate_private_key(ec.SECP256R1()))
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        now = datetime.datetime.utcnow()
        certificate = (x509.CertificateBuilder().subject_name(subject).issuer_name(subject)
                       .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                       .not_valid_before(now - datetime.timedelta(days=1))
                       .not_valid_after(now + datetime.timedelta(days=365))
                       .sign(self.key, hashes.SHA256()))
        der = certificate.public_bytes(serialization.Encoding.DER)
        self.pem = certificate.public_bytes(serialization.Encoding.PEM).decode()
        self.body = b64(der)
        self.sha256 = hashlib.sha256(der).hexdigest()
        self.key_pem = self.key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption()).decode()

    @property
    def method(self):
        is_ec = isinstance(self.key, ec.EllipticCurvePrivateKey)
        return DSIG_MORE + ("ecdsa-sha256" if is_ec else "rsa-sha256")

    def sign(self, data):
        if isinstance(self.key, ec.EllipticCurvePrivateKey):
            r, s = utils.decode_dss_signature(self.key.sign(data, ec.ECDSA(hashes.SHA256())))
            return r.to_bytes(32, "big") + s.to_bytes(32, "big")
        return self.key.sign(data, padding.PKCS1v15(), hashes.SHA256())


def encrypt(plain, certificate_body):
    """An EncryptedAssertion for the key of this certificate (base64 of DER, as metadata has it)."""
    public = x509.load_der_x509_certificate(base64.b64decode(certificate_body)).public_key()
    key, iv = secrets.token_bytes(32), os.urandom(12)
    oaep = padding.OAEP(mgf=padding.MGF1(algorithm=hashes.SHA1()), algorithm=hashes.SHA1(), label=None)
    return ENCRYPTED.format(key=b64(public.encrypt(key, oaep)),
                            data=b64(iv + AESGCM(key).encrypt(iv, plain, None)))


def _signed(template, signer, **values):
    """The element with an enveloped signature: digest first without it, then with it."""
    digest = hashlib.sha256(canonical(template.format(signature="", **values))).digest()
    info = canonical(SIGNED_INFO.format(method=signer.method, id=values["id"], digest=b64(digest)))
    signature = SIGNATURE.format(signed_info=info.decode(), value=b64(signer.sign(info)),
                                 certificate=signer.body)
    return template.format(signature=signature, **values)


class KeyHolder:
    """One IdP. As `idp` of a Service it knows nobody and needs to know nobody."""

    def __init__(self, name, signer):
        self.entity_id = f"https://{name}.example.org/idp"
        self.sso_url = f"https://{name}.example.org/sso"
        self.signer = signer
        self.cookies = {}

    def key(self, _name):
        return self.signer

    def add_sp(self, _metadata):
        return None

    def answer(self, request_id, entity_id, acs, user, mark, signer=None, encrypt_to=None):
        """A Response, base64: one signed assertion, encrypted where a certificate is given."""
        content = canonical(_signed(
            ASSERTION, signer or self.signer, id=f"_{secrets.token_hex(16)}", now=stamp(),
            end=stamp(300), issuer=self.entity_id, user=user, mark=mark, request=request_id, acs=acs,
            audience=entity_id))
        content = encrypt(content, encrypt_to) if encrypt_to else content.decode()
        return b64(RESPONSE.format(acs=acs, id=f"_{secrets.token_hex(16)}", request=request_id,
                                   now=stamp(), issuer=self.entity_id, content=content).encode())


def read_request(location):
    """(ID, RelayState) of the AuthnRequest in the URL that the browser was sent to."""
    query = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(location).query, strict_parsing=True))
    xml = zlib.decompress(base64.b64decode(query["SAMLRequest"], validate=True), wbits=-15)
    return lxml.etree.fromstring(xml).get("ID"), query["RelayState"]


def published_keys(metadata):
    """The certificates in our own metadata that one may encrypt to."""
    root = lxml.etree.fromstring(metadata)
    return [re.sub(r"\s", "", c.text) for d in root.iter(f"{{{MD}}}KeyDescriptor")
            if d.get("use") in (None, "encryption") for c in d.iter(f"{{{DSIG}}}X509Certificate")]
