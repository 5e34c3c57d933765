# SPDX-License-Identifier: Apache-2.0
"""XML signatures by lxml and cryptography, so that the judge is not asked with its own library.

Texts stay texts: what is signed is found by its ID, and the Signature is put where its mark stands.
"""

import base64
import copy
import hashlib
import re

import lxml.etree
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
EXC = "http://www.w3.org/2001/10/xml-exc-c14n#"
INC = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
INC11 = "http://www.w3.org/2006/12/xml-c14n11"
ENVELOPED = f"{DS}enveloped-signature"
METHODS = {
    "rsa-sha1": f"{DS}rsa-sha1", "rsa-md5": f"{MORE}rsa-md5", "rsa-sha224": f"{MORE}rsa-sha224",
    "rsa-sha256": f"{MORE}rsa-sha256", "rsa-sha384": f"{MORE}rsa-sha384", "rsa-sha512": f"{MORE}rsa-sha512",
    "ecdsa-sha1": f"{MORE}ecdsa-sha1", "ecdsa-sha256": f"{MORE}ecdsa-sha256",
    "ecdsa-sha384": f"{MORE}ecdsa-sha384", "ecdsa-sha512": f"{MORE}ecdsa-sha512",
    "rsa-pss-sha256": "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
    "hmac-sha1": f"{DS}hmac-sha1", "hmac-sha256": f"{MORE}hmac-sha256",
    "eddsa-sha256": "http://www.w3.org/2021/04/xmldsig-more#eddsa-ed25519",
    "dsa-sha1": f"{DS}dsa-sha1", "dsa-sha256": "http://www.w3.org/2009/xmldsig11#dsa-sha256",
}
DIGESTS = {
    "sha1": f"{DS}sha1", "sha224": f"{MORE}sha224", "sha256": "http://www.w3.org/2001/04/xmlenc#sha256",
    "sha384": f"{MORE}sha384", "sha512": "http://www.w3.org/2001/04/xmlenc#sha512", "md5": f"{MORE}md5",
}
MARK = re.compile(r"\[\[sign \w+\]\]")


def mark(kind):
    """Where the Signature of this kind of element goes."""
    return f"[[sign {kind}]]"


def unmarked(text):
    return MARK.sub("", text)


def parse(text):
    parser = lxml.etree.XMLParser(resolve_entities=False, huge_tree=True)
    return lxml.etree.fromstring(unmarked(text).encode(), parser)


def canonical(element, algorithm=EXC, prefixes=()):
    """The octets of one element, with the namespaces that are in scope where it stands."""
    exclusive = algorithm.startswith(EXC)
    if prefixes or not exclusive:
        # lxml forgets the namespaces of ancestors that the element itself does not use.
        alone = lxml.etree.Element(element.tag, element.attrib, nsmap=element.nsmap)
        alone.text = element.text
        alone.extend(copy.deepcopy(child) for child in element)
        element = alone
    return lxml.etree.tostring(element, method="c14n", exclusive=exclusive, with_tail=False,
                               with_comments=algorithm.lower().endswith("withcomments"),
                               inclusive_ns_prefixes=list(prefixes) or None)


def octets_of(text, element_id, algorithm=EXC, prefixes=()):
    found = parse(text).xpath("descendant-or-self::*[@ID=$id]", id=element_id)
    return canonical(found[0], algorithm, prefixes)


def raw_signature(signer, method, octets):
    """SignatureValue: what the key, or whatever a method makes of it, says to the octets."""
    kind, _, digest = method.rpartition("-")
    algorithm = getattr(hashes, digest.upper())()
    if kind == "rsa":
        return signer.key.sign(octets, padding.PKCS1v15(), algorithm)
    if kind == "rsa-pss":
        return signer.key.sign(octets, padding.PSS(padding.MGF1(algorithm), algorithm.digest_size), algorithm)
    if kind == "ecdsa":
        r, s = utils.decode_dss_signature(signer.key.sign(octets, ec.ECDSA(algorithm)))
        size = (signer.key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    if kind == "dsa":
        r, s = utils.decode_dss_signature(signer.key.sign(octets, algorithm))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")
    if kind == "hmac":
        mac = hmac.HMAC(signer.spki, algorithm)
        mac.update(octets)
        return mac.finalize()
    return signer.key.sign(octets)


def default_method(signer):
    kind = type(signer.key).__name__
    return "ecdsa-sha256" if "Elliptic" in kind else "eddsa-sha256" if "Ed25519" in kind \
        else "dsa-sha256" if "DSA" in kind else "rsa-sha256"


def x509_data(*certificates):
    inner = "".join(f"<ds:X509Certificate>{c}</ds:X509Certificate>" for c in certificates)
    return f"<ds:KeyInfo><ds:X509Data>{inner}</ds:X509Data></ds:KeyInfo>"


def transform(algorithm, prefixes=None):
    if prefixes is None:
        return f'<ds:Transform Algorithm="{algorithm}"/>'
    return (f'<ds:Transform Algorithm="{algorithm}"><ec:InclusiveNamespaces xmlns:ec="{EXC}" '
            f'PrefixList="{prefixes}"/></ds:Transform>')


def sign(text, kind, element_id, signer, *, method=None, digest="sha256", c14n=EXC, info_c14n=EXC,
         prefixes=None, transforms=None, uri=None, key_info=None, value=None, digest_value=None,
         octets=None, edit=None, attributes="", gap="", prefix="ds"):
    """Sign the element with this ID and put the Signature at its mark.

    Each argument replaces one part of it; `edit` changes the text of SignedInfo before the key
    sees it, `gap` is white space between its elements.
    """
    method = method or default_method(signer)
    used = (prefixes or "").replace("#default", "").split()
    if octets is None:
        octets = octets_of(text, element_id, c14n, used)
    if digest_value is None:
        digest_value = base64.b64encode(hashlib.new(digest, octets).digest()).decode()
    if transforms is None:
        transforms = transform(ENVELOPED) + transform(c14n, prefixes)
    uri = f' URI="#{element_id}"' if uri is None else uri
    info = (f'<ds:SignedInfo>{gap}<ds:CanonicalizationMethod Algorithm="{info_c14n}"/>{gap}'
            f'<ds:SignatureMethod Algorithm="{METHODS.get(method, method)}"/>{gap}<ds:Reference{uri}>{gap}'
            f'<ds:Transforms>{gap}{transforms}{gap}</ds:Transforms>{gap}'
            f'<ds:DigestMethod Algorithm="{DIGESTS.get(digest, digest)}"/>'
            f'<ds:DigestValue>{digest_value}</ds:DigestValue>{gap}</ds:Reference>{gap}</ds:SignedInfo>')
    info = edit(info) if edit else info
    key_info = x509_data(signer.base64) if key_info is None else key_info
    signature = (f'<ds:Signature xmlns:ds="{DS}"{attributes}>{info}<ds:SignatureValue>@VALUE@'
                 f'</ds:SignatureValue>{key_info}</ds:Signature>')
    if prefix != "ds":
        signature = _rename(signature, prefix)
    text = text.replace(mark(kind), signature, 1)
    if value is None:
        holder = parse(text).xpath("//*[text()='@VALUE@']")[0]
        to_sign = canonical(holder.getparent()[0], info_c14n)
        value = base64.b64encode(raw_signature(signer, method, to_sign)).decode()
    return text.replace("@VALUE@", value, 1)


def _rename(signature, prefix):
    """The same Signature under another prefix; "" is the default namespace."""
    colon = f"{prefix}:" if prefix else ""
    declared = f"xmlns:{prefix}" if prefix else "xmlns"
    return (signature.replace("<ds:", f"<{colon}").replace("</ds:", f"</{colon}")
            .replace("xmlns:ds=", f"{declared}="))
