# SPDX-License-Identifier: Apache-2.0
"""Whose key may speak: files and slots, fingerprints, chains, metadata, and what KeyInfo may not do."""

from . import keys, partners
from .keys import reissued, signer
from .table import accepted, refused
from .xmlsig import x509_data

MAIN, OTHER = signer("main"), signer("alternate", "p256")
OLD, LATE = keys.dated("old", 2020, 2021), keys.dated("late", 2055, 2060)
LEAF = partners.leaf()
ONE = "assertion signed"


def by(key, **options):
    return lambda k: k.signed(signer=key, options=options)


# --- KeyInfo is a hint ---

STRANGER = signer("stranger")
CRL = "<ds:X509CRL>MIIB</ds:X509CRL>"
NAMES = ("<ds:X509SubjectName>CN=Corpus main</ds:X509SubjectName><ds:X509SKI>AAAA</ds:X509SKI><ds:X509IssuerSerial>"
         "<ds:X509IssuerName>CN=x</ds:X509IssuerName><ds:X509SerialNumber>1</ds:X509SerialNumber></ds:X509IssuerSerial>")
HINTS = {
    "absent": "", "empty": "<ds:KeyInfo/>", "key name": "<ds:KeyInfo><ds:KeyName>x</ds:KeyName></ds:KeyInfo>",
    "key value": f"<ds:KeyInfo>{partners.key_value(MAIN)}</ds:KeyInfo>",
    "names": f"<ds:KeyInfo><ds:X509Data>{NAMES}</ds:X509Data></ds:KeyInfo>",
    "revocation list": x509_data(MAIN.base64).replace("</ds:X509Data>", CRL + "</ds:X509Data>"),
    "certificate last": x509_data(MAIN.base64).replace("<ds:X509Data>", "<ds:X509Data>" + NAMES),
    "stranger first": x509_data(STRANGER.base64, MAIN.base64),
    "stranger last": x509_data(MAIN.base64, STRANGER.base64),
    "two X509Data": x509_data(STRANGER.base64).replace("</ds:KeyInfo>", "") + x509_data(MAIN.base64).replace(
        "<ds:KeyInfo>", ""),
    "stranger only": x509_data(STRANGER.base64), "junk": x509_data("AAAA"), "not base64": x509_data("?"),
    "wrapped lines": x509_data("\n" + partners.grouped(MAIN.base64, 64, "\n") + "\n"),
    "CR LF": x509_data("&#13;\n" + partners.grouped(MAIN.base64, 76, "&#13;\n")),
    "re-issued certificate": x509_data(reissued(MAIN).base64),
    "impostor's certificate": x509_data(keys.impostor(MAIN).base64),
    "PEM lines": x509_data("-----BEGIN CERTIFICATE-----\n" + MAIN.base64 + "\n-----END CERTIFICATE-----"),
    "retrieval by http": '<ds:KeyInfo><ds:RetrievalMethod URI="http://127.0.0.1:1/key"/></ds:KeyInfo>',
    "retrieval from a file": '<ds:KeyInfo><ds:RetrievalMethod URI="file:///etc/passwd" '
    'Type="http://www.w3.org/2000/09/xmldsig#rawX509Certificate"/></ds:KeyInfo>',
    "retrieval loop": '<ds:KeyInfo Id="loop"><ds:RetrievalMethod URI="#loop"/></ds:KeyInfo>',
    "twenty certificates": x509_data(*[STRANGER.base64] * 20, MAIN.base64),
    "element of another namespace": '<ds:KeyInfo><x xmlns="urn:x">y</x></ds:KeyInfo>',
    "comment inside": x509_data(MAIN.base64[:40] + "<!-- -->" + MAIN.base64[40:]),
}
for name, key_info in HINTS.items():
    accepted(f"KeyInfo: {name}", "DESIGN 5: KeyInfo is a hint", by(MAIN, key_info=key_info))
FORGERS = {
    "own certificate": ("cert-not-listed", None), "no KeyInfo": ("signature-invalid", ""),
    "certificate of the IdP": ("signature-invalid", x509_data(MAIN.base64)),
    "both certificates": ("signature-invalid", x509_data(MAIN.base64, STRANGER.base64)),
    "both, own first": (("signature-invalid", "cert-not-listed"), x509_data(STRANGER.base64, MAIN.base64)),
    "own key value": ("signature-invalid", f"<ds:KeyInfo>{partners.key_value(STRANGER)}</ds:KeyInfo>"),
    "junk": ("cert-not-listed", x509_data("AAAA")),
    "names of the IdP": ("signature-invalid", f"<ds:KeyInfo><ds:X509Data>{NAMES}</ds:X509Data></ds:KeyInfo>"),
}
for name, (code, key_info) in FORGERS.items():
    refused(f"forger: {name}", code, "DESIGN 5: KeyInfo never adds trust", by(STRANGER, key_info=key_info), ONE)
refused("forger: same name and serial number", "cert-not-listed", "SECURITY-RULES 12: by the exact DER",
        by(keys.impostor(MAIN)), ONE)
refused("forger: two X509Data", ("signature-invalid", "cert-not-listed"), "DESIGN 5",
        by(STRANGER, key_info=HINTS["two X509Data"]), ONE)

# --- files and slots ---

for slot, label in (("primary", "main"), ("alternate", "alternate"), ("alternate-2", "alt2"), ("staged", "staged")):
    accepted(f"slot: {slot}", "DESIGN 2: all but retired verify",
             by(MAIN if label == "main" else signer(label, "p256")), idp="slots")
    accepted(f"slot: {slot}, no KeyInfo", "DESIGN 5: every key on file is tried",
             by(MAIN if label == "main" else signer(label, "p256"), key_info=""), idp="slots")
refused("slot: retired", "cert-retired", "DESIGN 2", by(signer("retired", "p256")), "slot: primary", idp="slots")
refused("slot: retired, no KeyInfo", "cert-retired", "DESIGN 2", by(signer("retired", "p256"), key_info=""),
        "slot: primary, no KeyInfo", idp="slots")
refused("slot: retired under another certificate of its key", ("cert-retired", "cert-not-listed"), "DESIGN 2",
        by(reissued(signer("retired", "p256"))), "slot: primary", idp="slots")
refused("slot: retired outside, primary inside", "cert-retired", "SECURITY-RULES 14: both must verify",
        lambda k: k.signed("both", outer={"signer": signer("retired", "p256")}), "slot: two keys", idp="slots")
refused("slot: primary outside, retired inside", "cert-retired", "SECURITY-RULES 14: both must verify",
        lambda k: k.signed("both", signer=signer("retired", "p256"), outer={"signer": MAIN}),
        "slot: two keys", idp="slots")
accepted("slot: two keys", "each signature by a key of its own", lambda k: k.signed(
    "both", signer=signer("staged", "p256"), outer={"signer": MAIN}), idp="slots")
accepted("slot: whole chain in a file, leaf", "a file as CAs deliver it", by(LEAF), idp="bundle")
for name, authority in (("intermediate", partners.middle()), ("root", partners.root())):
    refused(f"slot: whole chain in a file, {name}", "cert-not-listed", "a CA does not sign responses",
            by(authority), "slot: whole chain in a file, leaf", idp="bundle")
    refused(f"slot: whole chain in a file, {name}, no KeyInfo", "signature-invalid", "a CA does not sign responses",
            by(authority, key_info=""), "slot: whole chain in a file, leaf", idp="bundle")
accepted("re-issued: new certificate shown", "a key on file, whatever certificate is shown", by(reissued(MAIN)),
         idp="renewed")
accepted("re-issued: none shown", "the primary is tried first", by(MAIN, key_info=""), idp="renewed")
refused("re-issued: retired certificate shown", "cert-retired", "overview: refused whatever else lists it", by(MAIN),
        "re-issued: new certificate shown", idp="renewed")

# --- fingerprints ---

for idp in ("pin-sha256", "pin-sha1", "pin-sha384", "pin-sha512", "pin-colons", "pin-blanks", "pin-prefix",
            "pin-spki-hex", "pin-spki-base64", "pin-second", "pin-file"):
    accepted(f"{idp}: listed", "DESIGN 5", by(MAIN), idp=idp)
    refused(f"{idp}: a stranger", "cert-not-listed", "DESIGN 5", by(STRANGER), f"{idp}: listed", idp=idp)
    refused(f"{idp}: a stranger under our certificate", "signature-invalid", "DESIGN 5: KeyInfo is a hint",
            by(STRANGER, key_info=x509_data(MAIN.base64)), f"{idp}: listed", idp=idp)
# A server that has seen the certificate remembers it.
refused("pin: no KeyInfo", "cert-not-listed", "a digest can't verify", by(MAIN, key_info=""), "pin-sha256: listed",
        idp="pin-sha256", own_server=False)
refused("pin: another is listed", "cert-not-listed", "DESIGN 5", by(MAIN), "pin-sha256: listed", idp="pin-other")
refused("pin: re-issued certificate", "cert-not-listed", "the pin is of the certificate", by(reissued(MAIN)),
        "pin-sha256: listed", idp="pin-sha256")
accepted("pin: re-issued certificate of a pinned key", "the pin is of the key", by(reissued(MAIN)), idp="pin-spki-hex")
accepted("pin: expired", "DESIGN 5: warn for pins", by(OLD), idp="pin-expired")
refused("pin: expired, CertExpiry reject", "cert-expired", "setting CertExpiry", by(OLD), "pin: expired",
        idp="pin-expired-reject")
refused("pin: not yet valid", "cert-not-yet-valid", "a date to come is no matter of age", by(LATE),
        "pin-sha256: listed", idp="pin-late")
refused("pin: retired as well", "cert-retired", "overview: refused whatever else lists it", by(MAIN),
        "pin-sha256: listed", idp="pin-retired")
refused("pin: key retired as well", "cert-retired", "overview: refused whatever else lists it", by(MAIN),
        "pin-spki-hex: listed", idp="pin-key-retired")
refused("pin: expired on file, CertExpiry reject", "cert-expired", "setting CertExpiry", by(OLD), "on file: expired",
        idp="expired-reject")
accepted("on file: expired", "DESIGN 5: warn on file", by(OLD), idp="expired")
refused("on file: not yet valid", "cert-not-yet-valid", "DESIGN 5", by(LATE), "on file: not yet valid, ignored",
        idp="late")
accepted("on file: not yet valid, ignored", "CertExpiry ignore", by(LATE), idp="late-ignore")

# --- chains ---

accepted("anchored: whole chain", "DESIGN 5", by(LEAF), idp="anchored")
accepted("anchored: its own root", "a self-signed anchor", by(MAIN), idp="anchored-self")
accepted("any-trusted: whole chain", "DESIGN 5", by(LEAF), idp="any-trusted")
SELF_SIGNED = reissued(LEAF).base64
for name, shown in {"self-signed one first": (SELF_SIGNED, LEAF.base64), "self-signed one last": (LEAF.base64, SELF_SIGNED)}.items():
    accepted(f"any-trusted: two certificates of the key, {name}", "XML-Signature 4.5.4, DESIGN 5: a union",
             by(LEAF, key_info=x509_data(*shown)), idp="any-trusted")
refused("any-trusted: only a self-signed certificate of the key", ("chain-incomplete", "chain-invalid"), "DESIGN 5",
        by(LEAF, key_info=x509_data(SELF_SIGNED)), "any-trusted: two certificates of the key, self-signed one first",
        idp="any-trusted")
accepted("any-trusted: another leaf", "DESIGN 5: any that chains", by(partners.leaf("Another leaf")), idp="any-trusted")
accepted("any-trusted: constraint met", "AnchorConstraint", by(LEAF), idp="any-trusted-constraint")
accepted("on file and chain", "ValidateChain on", by(LEAF), idp="chained")
CHAIN = {
    "anchored: another leaf": ("cert-not-listed", "anchored", by(partners.leaf("Another leaf"))),
    "anchored: no root": (("chain-incomplete", "no-trust-configured"), "anchored-no-root", by(LEAF)),
    "anchored: no intermediate": ("chain-incomplete", "anchored-no-middle", by(LEAF)),
    "anchored: intermediate in the message only": ("chain-incomplete", "anchored-no-middle", by(
        LEAF, key_info=x509_data(LEAF.base64, partners.middle().base64))),
    "anchored: expired leaf": ("cert-expired", "anchored-old-leaf", by(partners.leaf("Old leaf", last_year=2021))),
    "anchored: leaf to come": ("cert-not-yet-valid", "anchored-late-leaf",
                               by(partners.leaf("Late leaf", first_year=2055))),
    "anchored: expired CA": ("chain-expired", "anchored-old-middle", by(
        partners.leaf("Leaf of the old CA", partners.old_middle()))),
    "anchored: issued by a leaf": ("chain-invalid", "anchored-leaf-of-leaf", by(partners.leaf("Leaf of a leaf", LEAF))),
    "anchored: self-made certificate of the same name": ("cert-not-listed", "anchored", by(
        keys.impostor(LEAF, "p256"))),
    "anchored: conflict": ("cert-conflict", "conflict", by(MAIN)),
    "anchored: signed by the CA itself": ("cert-not-listed", "anchored", by(partners.middle())),
    "any-trusted: self-signed": ("chain-incomplete", "any-trusted", by(STRANGER)),
    "any-trusted: own root in the message": ("chain-incomplete", "any-trusted", lambda k: k.signed(
        signer=(leaf := keys.issued("Forged leaf", (forged := keys.issued("Root CA of a forger", None, is_ca=True)))),
        options={"key_info": x509_data(leaf.base64, forged.base64)})),
    "any-trusted: expired": ("cert-expired", "any-trusted", by(partners.leaf("Old leaf", last_year=2021))),
    "any-trusted: constraint not met": ("cert-not-listed", "any-trusted-constraint", by(
        partners.leaf("Another leaf"))),
    "any-trusted: issued by a leaf": (("chain-invalid", "chain-incomplete"), "any-trusted", by(
        partners.leaf("Leaf of a leaf", LEAF), key_info=x509_data(partners.leaf("Leaf of a leaf", LEAF).base64,
                                                                 LEAF.base64))),
    "on file, not chained": ("chain-incomplete", "chained-unknown", by(MAIN)),
}
for name, (code, idp, build) in CHAIN.items():
    refused(name, code, "DESIGN 5, RFC 5280", build, "anchored: whole chain", idp=idp)
accepted("anchored: expired leaf, CertExpiry warn", "setting CertExpiry", by(partners.leaf("Old leaf", last_year=2021)),
         idp="anchored-old-leaf-warn")
accepted("conflict: pinned", "DESIGN 5: conflicts are not looked at", by(MAIN), idp="conflict-pinned")
accepted("conflict: off", "CertConflict off", by(MAIN), idp="conflict-off")

# --- metadata ---

accepted("metadata: second key", "IIP-MD07", by(MAIN), idp="md")
accepted("metadata: first key", "IIP-MD07", by(OTHER), idp="md")
for idp, why in {"md-no-use": "IIP-MD11", "md-key-value": "a key is an entry, too", "md-wrapped": "white space",
                 "md-until": "not over yet", "md-and-file": "a union"}.items():
    accepted(f"{idp}: listed", why, by(MAIN), idp=idp)
    accepted(f"{idp}: listed, no KeyInfo", why, by(MAIN, key_info=""), idp=idp)
accepted("md-and-file: the other", "a union", by(OTHER), idp="md-and-file")
accepted("md-expired-key: listed", "IIP-MD12, DESIGN 5: ignore", by(OLD), idp="md-expired-key")
for idp, code in {"md-encryption": "cert-not-listed", "md-other-role": "cert-not-listed",
                  "md-retired": "cert-retired"}.items():
    refused(f"{idp}: not for this", code, "DESIGN 5: signing keys of IDPSSODescriptor", by(MAIN),
            "metadata: second key", idp=idp)
for name, options in {"shown": {}, "not shown": {"key_info": ""}, "another of its key": {
        "key_info": x509_data(reissued(MAIN).base64)}}.items():
    refused(f"md-key-retired: {name}", "cert-retired", "overview: even while the metadata has that key",
            by(MAIN, **options), "metadata: second key", idp="md-key-retired")
refused("metadata: a stranger", "cert-not-listed", "MetaIOP", by(STRANGER), "metadata: second key", idp="md")
