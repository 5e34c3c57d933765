# SPDX-License-Identifier: Apache-2.0
"""Keys and certificates of the corpus: made once per run, valid from 2020 to 2060."""

import base64
import dataclasses
import datetime
import functools
import hashlib

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, rsa

START, END = datetime.datetime(2020, 1, 1), datetime.datetime(2060, 1, 1)

KINDS = {
    "rsa": lambda: rsa.generate_private_key(65537, 2048),
    "rsa1024": lambda: rsa.generate_private_key(65537, 1024),
    "rsa3072": lambda: rsa.generate_private_key(65537, 3072),
    "rsa4096": lambda: rsa.generate_private_key(65537, 4096),
    "rsa-e3": lambda: rsa.generate_private_key(3, 2048),
    "p224": lambda: ec.generate_private_key(ec.SECP224R1()),
    "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
    "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "dsa": lambda: dsa.generate_private_key(2048),
}


@dataclasses.dataclass(frozen=True)
class Signer:
    """A private key and one certificate of it."""
    key: object
    certificate: x509.Certificate

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def base64(self):
        return base64.b64encode(self.der).decode()

    @property
    def pem(self):
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self):
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                      serialization.NoEncryption()).decode()

    @property
    def spki(self):
        return self.key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def fingerprint(self, digest="sha256"):
        return hashlib.new(digest, self.der).hexdigest()

    def spki_sha256(self):
        return hashlib.sha256(self.spki).hexdigest()


def name(common_name):
    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def certify(key, common_name, issuer=None, is_ca=False, start=START, end=END, serial=None, path_len=None):
    """A certificate for `key`, self-signed unless an issuing Signer is given."""
    by = issuer.key if issuer else key
    algorithm = None if isinstance(by, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    builder = (x509.CertificateBuilder().subject_name(name(common_name))
               .issuer_name(issuer.certificate.subject if issuer else name(common_name))
               .public_key(key.public_key()).not_valid_before(start).not_valid_after(end)
               .serial_number(serial or x509.random_serial_number()))
    if is_ca or issuer:
        builder = builder.add_extension(
            x509.BasicConstraints(ca=is_ca, path_length=path_len), critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(by.public_key()), critical=False)
    if is_ca:
        builder = builder.add_extension(
            x509.KeyUsage(False, False, False, False, False, True, True, False, False), critical=True)
    return Signer(key, builder.sign(by, algorithm))


@functools.lru_cache(maxsize=None)
def signer(label, kind="rsa"):
    """The self-signed Signer of this label."""
    return certify(KINDS[kind](), f"Corpus {label}")


@functools.lru_cache(maxsize=None)
def dated(label, first_year, last_year, kind="p256"):
    return certify(KINDS[kind](), f"Corpus {label}", start=datetime.datetime(first_year, 1, 1),
                   end=datetime.datetime(last_year, 1, 1))


@functools.lru_cache(maxsize=None)
def issued(label, by, is_ca=False, kind="p256", first_year=2020, last_year=2060, path_len=None):
    """A certificate that the Signer `by` issued; a root if that is None."""
    return certify(KINDS[kind](), f"Corpus {label}", by, is_ca, datetime.datetime(first_year, 1, 1),
                   datetime.datetime(last_year, 1, 1), path_len=path_len)


@functools.lru_cache(maxsize=None)
def reissued(of):
    """Another certificate for the same key and the same name."""
    return certify(of.key, of.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value)


@functools.lru_cache(maxsize=None)
def impostor(of, kind="rsa"):
    """Another key under the same name and serial number."""
    common_name = of.certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value
    return certify(KINDS[kind](), common_name, serial=of.certificate.serial_number)
