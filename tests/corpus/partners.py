# SPDX-License-Identifier: Apache-2.0
"""The identity providers of the corpus: one trust directory holds them all, one for each kind of trust."""

import base64
import functools

from harness.trust import Trust

from . import keys
from .keys import signer
from .message import entity_id_of

KINDS_ON_FILE = {"rsa1024": "rsa1024", "rsa3072": "rsa3072", "rsa4096": "rsa4096", "e3": "rsa-e3",
                 "p224": "p224", "p256": "p256", "p384": "p384", "p521": "p521", "ed25519": "ed25519",
                 "dsa": "dsa"}


def root():
    return keys.issued("Root CA", None, is_ca=True)


def middle():
    return keys.issued("Middle CA", root(), is_ca=True)


def old_middle():
    return keys.issued("Old CA", root(), is_ca=True, last_year=2021)


def leaf(label="Leaf", by=None, **kwargs):
    return keys.issued(label, by or middle(), **kwargs)


def grouped(hexadecimal, size=2, separator=":"):
    return separator.join(hexadecimal[i:i + size] for i in range(0, len(hexadecimal), size))


def metadata(idp, *descriptors, role="IDPSSODescriptor", more="", attributes=""):
    return (f'<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" '
            f'xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="{entity_id_of(idp)}"{attributes}>{more}'
            f'<md:{role} protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
            f'{"".join(descriptors)}<md:SingleSignOnService '
            'Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
            f'Location="https://{idp}.idp.example/sso"/></md:{role}></md:EntityDescriptor>')


def descriptor(of, use="signing"):
    use = f' use="{use}"' if use else ""
    return (f"<md:KeyDescriptor{use}><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{of.base64}"
            "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>")


def key_value(of):
    numbers = of.key.public_key().public_numbers()
    n, e = (base64.b64encode(v.to_bytes((v.bit_length() + 7) // 8, "big")).decode()
            for v in (numbers.n, numbers.e))
    return (f"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>{n}</ds:Modulus><ds:Exponent>{e}</ds:Exponent>"
            "</ds:RSAKeyValue></ds:KeyValue>")


def pinned(*items):
    return "SignCerts CERT_VALIDATION:IGNORE_TRUST," + ",".join(items)


def listed(*items):
    return "SignCerts " + ",".join(items)


@functools.lru_cache(maxsize=None)
def partners():
    """name -> (settings, files): what stands in idp/NAME/."""
    main, other = signer("main"), signer("alternate", "p256")
    on_file = {"primary.pem": main.pem}
    anchors = {"roots/root.pem": root().pem, "intermediates/middle.pem": middle().pem}
    sha256 = main.fingerprint()
    old, late = keys.dated("old", 2020, 2021), keys.dated("late", 2055, 2060)
    table = {
        "main": ((), on_file),
        "second": ((), {"primary.pem": signer("second", "p256").pem}),
        "inactive": (("Status inactive",), on_file),
        "slots": ((), {**on_file, "alternate.pem": other.pem, "alternate-2.pem": signer("alt2", "p256").pem,
                       "staged.pem": signer("staged", "p256").pem,
                       "retired.pem": signer("retired", "p256").pem}),
        "bundle": ((), {"primary.pem": leaf().pem + middle().pem + root().pem}),
        "renewed": ((), {"primary.pem": keys.reissued(main).pem, "retired.pem": main.pem}),
        "signed-response": (("ResponseSignature response",), on_file),
        "signed-assertion": (("ResponseSignature assertion",), on_file),
        "signed-both": (("ResponseSignature both",), on_file),
        "encrypting": (("RequireEncrypted on",), on_file),
        "cbc": (("EncryptionAlgorithms +aes128-cbc +aes192-cbc +aes256-cbc +tripledes-cbc",), on_file),
        "pkcs1": (("KeyTransportAlgorithms +rsa-1_5",), on_file),
        "sha1": (("SignatureAlgorithms +rsa-sha1 +ecdsa-sha1", "DigestAlgorithms +sha1"), on_file),
        "c14n11": (("CanonicalizationAlgorithms +c14n11",), on_file),
        "exclusive": (("CanonicalizationAlgorithms exc-c14n",), on_file),
        "no-skew": (("ClockSkew 0",), on_file),
        "context": (("AuthnContext urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",), on_file),
        "by-mail": (("RemoteUser mail",), on_file),
        "filtered": (("UserFilter ^[a-z]+$",), on_file),
        "bits3072": (("MinRSABits 3072",), {**on_file, "alternate.pem": signer("rsa3072", "rsa3072").pem}),
        # SignCerts
        "pin-sha256": ((pinned(sha256),), {}),
        "pin-sha1": ((pinned(main.fingerprint("sha1")),), {}),
        "pin-sha384": ((pinned(main.fingerprint("sha384")),), {}),
        "pin-sha512": ((pinned(main.fingerprint("sha512")),), {}),
        "pin-colons": ((pinned(grouped(sha256).upper()),), {}),
        "pin-blanks": ((pinned(grouped(sha256, 4, " ")),), {}),
        "pin-prefix": ((pinned("sha256:" + sha256),), {}),
        "pin-spki-hex": ((pinned("spki-sha256:" + main.spki_sha256()),), {}),
        "pin-spki-base64": ((pinned("spki-sha256:" + base64.b64encode(
            bytes.fromhex(main.spki_sha256())).decode()),), {}),
        "pin-second": ((pinned("ab" * 32, sha256),), {}),
        "pin-other": ((pinned("ab" * 32),), {}),
        "pin-file": (("SignCerts @pins",), {"pins": f"# ours\nCERT_VALIDATION:IGNORE_TRUST,{sha256}\n"}),
        "pin-expired": ((pinned(old.fingerprint()),), {}),
        "pin-expired-reject": ((pinned(old.fingerprint()), "CertExpiry reject"), {}),
        "pin-late": ((pinned(late.fingerprint()),), {}),
        "pin-retired": ((pinned(sha256),), {"retired.pem": main.pem}),
        "pin-key-retired": ((pinned("spki-sha256:" + main.spki_sha256()),), {"retired.pem": main.pem}),
        "anchored": ((listed(leaf().fingerprint()),), anchors),
        "anchored-no-root": ((listed(leaf().fingerprint()),), {"intermediates/middle.pem": middle().pem}),
        "anchored-no-middle": ((listed(leaf().fingerprint()),), {"roots/root.pem": root().pem}),
        "anchored-old-leaf": ((listed(leaf("Old leaf", last_year=2021).fingerprint()),), anchors),
        "anchored-old-leaf-warn": ((listed(leaf("Old leaf", last_year=2021).fingerprint()),
                                    "CertExpiry warn"), anchors),
        "anchored-late-leaf": ((listed(leaf("Late leaf", first_year=2055).fingerprint()),), anchors),
        "anchored-old-middle": ((listed(leaf("Leaf of the old CA", old_middle()).fingerprint()),),
                                {"roots/root.pem": root().pem, "intermediates/old.pem": old_middle().pem}),
        "anchored-leaf-of-leaf": ((listed(leaf("Leaf of a leaf", leaf()).fingerprint()),),
                                  {**anchors, "intermediates/leaf.pem": leaf().pem}),
        "anchored-self": ((listed(sha256),), {"roots/own.pem": main.pem}),
        "any-trusted": ((listed("ANY-TRUSTED"),), anchors),
        "any-trusted-constraint": ((listed("ANY-TRUSTED"), "AnchorConstraint subject:CN=Corpus Leaf"), anchors),
        "chained": (("ValidateChain on",), {"primary.pem": leaf().pem, **anchors}),
        "chained-unknown": (("ValidateChain on",), {"primary.pem": main.pem, **anchors}),
        "conflict": ((listed(sha256),), {"roots/own.pem": main.pem, "roots/twin.pem": keys.impostor(main).pem}),
        "conflict-pinned": ((pinned(sha256),), {"roots/own.pem": main.pem,
                                                "roots/twin.pem": keys.impostor(main).pem}),
        "conflict-off": ((listed(sha256), "CertConflict off"),
                         {"roots/own.pem": main.pem, "roots/twin.pem": keys.impostor(main).pem}),
        # certificates on file and their dates
        "expired": ((), {"primary.pem": old.pem}),
        "expired-reject": (("CertExpiry reject",), {"primary.pem": old.pem}),
        "late": ((), {"primary.pem": late.pem}),
        "late-ignore": (("CertExpiry ignore",), {"primary.pem": late.pem}),
        # metadata
        "md": ((), {"metadata.xml": metadata("md", descriptor(other), descriptor(main))}),
        "md-no-use": ((), {"metadata.xml": metadata("md-no-use", descriptor(main, None))}),
        "md-encryption": ((), {"metadata.xml": metadata("md-encryption", descriptor(main, "encryption"),
                                                        descriptor(other))}),
        "md-other-role": ((), {"metadata.xml": metadata(
            "md-other-role", descriptor(other), more=(
                '<md:AttributeAuthorityDescriptor protocolSupportEnumeration='
                '"urn:oasis:names:tc:SAML:2.0:protocol">' + descriptor(main) + '<md:AttributeService '
                'Binding="urn:oasis:names:tc:SAML:2.0:bindings:SOAP" Location="https://x.example/"/>'
                "</md:AttributeAuthorityDescriptor>"))}),
        "md-key-value": ((), {"metadata.xml": metadata(
            "md-key-value", f'<md:KeyDescriptor use="signing"><ds:KeyInfo>{key_value(main)}</ds:KeyInfo>'
            "</md:KeyDescriptor>")}),
        "md-wrapped": ((), {"metadata.xml": metadata("md-wrapped", descriptor(main).replace(
            main.base64, "\n\t" + grouped(main.base64, 64, "\r\n\t  ") + "\n"))}),
        "md-expired-key": ((), {"metadata.xml": metadata("md-expired-key", descriptor(old))}),
        "md-until": ((), {"metadata.xml": metadata("md-until", descriptor(main),
                                                   attributes=' validUntil="2050-01-01T00:00:00Z"')}),
        "md-retired": ((), {"metadata.xml": metadata("md-retired", descriptor(main), descriptor(other)),
                            "retired.pem": main.pem}),
        "md-key-retired": ((), {"metadata.xml": metadata(
            "md-key-retired", f'<md:KeyDescriptor use="signing"><ds:KeyInfo>{key_value(main)}</ds:KeyInfo>'
            "</md:KeyDescriptor>", descriptor(other)), "retired.pem": main.pem}),
        "md-and-file": ((), {"metadata.xml": metadata("md-and-file", descriptor(other)),
                             "primary.pem": main.pem}),
        # somebody who answers requests of ours only
        "asked": (("SSOUrl https://asked.idp.example/sso", "Unsolicited off"), on_file),
    }
    table.update({kind: ((), {"primary.pem": signer(kind, made).pem}) for kind, made in KINDS_ON_FILE.items()})
    return table


def lay_down(trust, names=None):
    """Write them (or some of them) into a Trust directory of the harness, and our own keys."""
    for name, (settings, files) in partners().items():
        if names and name not in names:
            continue
        more = () if any(s.startswith("Unsolicited") for s in settings) else ("Unsolicited on",)
        trust.idp(name, f"EntityID {entity_id_of(name)}", *settings, *more)
        for file, content in files.items():
            trust.write(f"idp/{name}/{file}", content)
    for slot in ("active", "retiring"):
        own = own_key(slot)
        trust.write(f"sp/default/{slot}.crt", own.pem)
        trust.write(f"sp/default/{slot}.key", own.key_pem, 0o640)


def directory(path, idp):
    """A trust directory with this IdP and one other: samlcertctl reads all of it at each run."""
    trust = Trust(path)
    lay_down(trust, {idp, "second"})
    return trust


def own_key(slot="active"):
    return signer(f"own {slot} key")
