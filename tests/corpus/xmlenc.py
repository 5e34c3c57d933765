# SPDX-License-Identifier: Apache-2.0
"""XML encryption by cryptography."""

import base64
import os

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
DIGESTS = {"sha1": f"{DS}sha1", "sha256": f"{XENC}sha256", "sha512": f"{XENC}sha512",
           "sha384": "http://www.w3.org/2001/04/xmldsig-more#sha384"}
CONTENT = {"aes128-gcm": (XENC11, 16), "aes192-gcm": (XENC11, 24), "aes256-gcm": (XENC11, 32),
           "aes128-cbc": (XENC, 16), "aes192-cbc": (XENC, 24), "aes256-cbc": (XENC, 32),
           "tripledes-cbc": (XENC, 24)}


def b64(data):
    return base64.b64encode(data).decode()


def _padded(plaintext, block):
    short = block - len(plaintext) % block
    return plaintext + os.urandom(short - 1) + bytes([short])


def encrypt_content(cipher, key, plaintext):
    if cipher.endswith("gcm"):
        iv = os.urandom(12)
        return iv + AESGCM(key).encrypt(iv, plaintext, None)
    algorithm = algorithms.TripleDES(key) if cipher.startswith("triple") else algorithms.AES(key)
    block = algorithm.block_size // 8
    iv = os.urandom(block)
    worker = Cipher(algorithm, modes.CBC(iv)).encryptor()
    return iv + worker.update(_padded(plaintext, block)) + worker.finalize()


def wrap(key, recipient, transport="rsa-oaep-mgf1p", digest="sha1", mgf="sha1", label=None,
         show_digest=True, attributes="", key_info="", tail=""):
    """An EncryptedKey for the Signer `recipient`."""
    inner, space = "", XENC
    if transport == "rsa-1_5":
        wrapped = recipient.key.public_key().encrypt(key, padding.PKCS1v15())
    else:
        scheme = padding.OAEP(padding.MGF1(getattr(hashes, mgf.upper())()),
                              getattr(hashes, digest.upper())(), label)
        wrapped = recipient.key.public_key().encrypt(key, scheme)
        if label:
            inner += f"<xenc:OAEPparams>{b64(label)}</xenc:OAEPparams>"
        if show_digest:
            inner += f'<ds:DigestMethod xmlns:ds="{DS}" Algorithm="{DIGESTS[digest]}"/>'
        if transport == "rsa-oaep":
            space = XENC11
            inner += f'<xenc11:MGF xmlns:xenc11="{XENC11}" Algorithm="{XENC11}mgf1{mgf}"/>'
    return (f'<xenc:EncryptedKey xmlns:xenc="{XENC}"{attributes}>'
            f'<xenc:EncryptionMethod Algorithm="{space}{transport}">{inner}</xenc:EncryptionMethod>'
            f'{key_info}<xenc:CipherData><xenc:CipherValue>{b64(wrapped)}</xenc:CipherValue>'
            f'</xenc:CipherData>{tail}</xenc:EncryptedKey>')


def encrypt(plaintext, recipient, element="EncryptedAssertion", cipher="aes256-gcm", place="inside",
            before="", after="", spoil=None, data_attributes=f' Type="{XENC}Element"', keys=None,
            content_uri=None, declare=' xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"', **wrapping):
    """The element (EncryptedAssertion and its like) that holds this text encrypted.

    `before` and `after` are EncryptedKeys for others; `keys` makes all of them from the content
    key; `spoil` changes the ciphertext.
    """
    space, size = CONTENT[cipher]
    key = os.urandom(size)
    content = encrypt_content(cipher, key, plaintext.encode())
    content = spoil(content) if spoil else content
    wrapped = keys(key) if keys else before + wrap(key, recipient, **wrapping) + after
    if place == "inside":
        key_info, beside = f'<ds:KeyInfo xmlns:ds="{DS}">{wrapped}</ds:KeyInfo>', ""
    elif place == "beside":
        key_info, beside = "", wrapped
    else:
        key_info, beside = place, wrapped
    return (f'<saml:{element}{declare}><xenc:EncryptedData xmlns:xenc="{XENC}"{data_attributes}>'
            f'<xenc:EncryptionMethod Algorithm="{content_uri or space + cipher}"/>{key_info}'
            f'<xenc:CipherData><xenc:CipherValue>{b64(content)}</xenc:CipherValue></xenc:CipherData>'
            f'</xenc:EncryptedData>{beside}</saml:{element}>')
