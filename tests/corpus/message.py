# SPDX-License-Identifier: Apache-2.0
"""The words of a Response. Every part is a text that a case may replace, before it is signed."""

import datetime
import re
from xml.sax.saxutils import escape, quoteattr

from . import keys, xmlenc, xmlsig
from .xmlsig import mark

SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
XS = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
BEARER = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
HOLDER_OF_KEY = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
BASIC = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic"
STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
ASSERTION = re.compile(r"<(\w+:)?Assertion\b.*</\1Assertion>", re.S)

NAME = "alice"
ATTRIBUTES = {"mail": ["alice@example.org"], "groups": ["staff", "users"]}


def attributes_of(**given):
    """XML attributes; a trailing underscore keeps Python's keywords apart, None leaves one out."""
    return "".join(f" {k.rstrip('_')}={quoteattr(v)}" for k, v in given.items() if v is not None)


class Kit:
    """What a case builds with: our names, the time, the IdP, the keys."""

    def __init__(self, entity_id, acs, own_key, now, serial, idp="main", request_id=None):
        self.entity_id, self.acs, self.own_key = entity_id, acs, own_key
        self.now, self.serial, self.idp, self.request_id = now, serial, idp, request_id
        self.signer = keys.signer("main")
        self.response_id, self.assertion_id = f"_r{serial}", f"_a{serial}"

    @property
    def issuer(self):
        return entity_id_of(self.idp)

    def time(self, seconds=0):
        return (self.now + datetime.timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")

    # Parts

    def issuer_element(self, value=None, **attributes):
        return f"<saml:Issuer{attributes_of(**attributes)}>{value or self.issuer}</saml:Issuer>"

    def name_id(self, value=NAME, **attributes):
        return f"<saml:NameID{attributes_of(**attributes)}>{value}</saml:NameID>"

    def confirmation(self, method=BEARER, data=True, inside="", **changes):
        """One SubjectConfirmation; keyword arguments are attributes of its data, None leaves one out."""
        usual = {"NotOnOrAfter": self.time(300), "Recipient": self.acs, "InResponseTo": self.request_id}
        given = attributes_of(**{**usual, **changes})
        held = f"<saml:SubjectConfirmationData{given}/>" if data is True else data
        return f'<saml:SubjectConfirmation Method="{method}">{inside}{held}</saml:SubjectConfirmation>'

    def subject(self, name_id=None, confirmations=None):
        held = self.confirmation() if confirmations is None else confirmations
        return f"<saml:Subject>{self.name_id() if name_id is None else name_id}{held}</saml:Subject>"

    def audience(self, *values):
        inner = "".join(f"<saml:Audience>{v}</saml:Audience>" for v in values or [self.entity_id])
        return f"<saml:AudienceRestriction>{inner}</saml:AudienceRestriction>"

    def conditions(self, inside=None, **changes):
        usual = {"NotBefore": self.time(-30), "NotOnOrAfter": self.time(300)}
        inside = self.audience() if inside is None else inside
        return f"<saml:Conditions{attributes_of(**{**usual, **changes})}>{inside}</saml:Conditions>"

    def authn(self, context=None, locality="", **changes):
        usual = {"AuthnInstant": self.time(-5), "SessionIndex": "_s1"}
        if context is None:
            context = ("<saml:AuthnContext><saml:AuthnContextClassRef>" + PASSWORD
                       + "</saml:AuthnContextClassRef></saml:AuthnContext>")
        return f"<saml:AuthnStatement{attributes_of(**{**usual, **changes})}>{locality}{context}" \
               "</saml:AuthnStatement>"

    def attribute(self, name, *values, **attributes):
        inner = "".join(f"<saml:AttributeValue>{escape(v)}</saml:AttributeValue>" for v in values)
        return f"<saml:Attribute Name={quoteattr(name)}{attributes_of(**attributes)}>{inner}</saml:Attribute>"

    def statement(self, *attributes):
        usual = [self.attribute(n, *v, NameFormat=BASIC) for n, v in ATTRIBUTES.items()]
        return f"<saml:AttributeStatement>{''.join(attributes or usual)}</saml:AttributeStatement>"

    def status(self, code="Success", inside="", after=""):
        code = code if ":" in code else STATUS + code
        return (f'<samlp:Status><samlp:StatusCode Value="{code}">{inside}</samlp:StatusCode>{after}'
                "</samlp:Status>")

    def assertion(self, declare=f' xmlns:saml="{SAML}"', issuer=None, subject=None, conditions=None,
                  advice="", authn=None, statement=None, extra="", signature=None, **changes):
        usual = {"ID": self.assertion_id, "Version": "2.0", "IssueInstant": self.time()}
        parts = (self.issuer_element() if issuer is None else issuer,
                 mark("assertion") if signature is None else signature,
                 self.subject() if subject is None else subject,
                 self.conditions() if conditions is None else conditions, advice,
                 self.authn() if authn is None else authn,
                 self.statement() if statement is None else statement, extra)
        return f"<saml:Assertion{declare}{attributes_of(**{**usual, **changes})}>{''.join(parts)}" \
               "</saml:Assertion>"

    def draft(self, assertion=None, declaration="", declare=f' xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}"',
              response_issuer=None, extensions="", status=None, signature=None, more="", tail="",
              response=None, **parts):
        """A whole Response, not signed yet; `response` holds XML attributes of its root."""
        usual = {"ID": self.response_id, "Version": "2.0", "IssueInstant": self.time(),
                 "Destination": self.acs, "InResponseTo": self.request_id}
        inner = (self.issuer_element() if response_issuer is None else response_issuer,
                 mark("response") if signature is None else signature, extensions,
                 self.status() if status is None else status,
                 self.assertion(**parts) if assertion is None else assertion, more)
        return f"{declaration}<samlp:Response{declare}{attributes_of(**{**usual, **(response or {})})}>" \
               f"{''.join(inner)}</samlp:Response>{tail}"

    # Signed

    def sign(self, text, which="assertion", signer=None, outer=None, element_id=None, **options):
        """Sign a draft: the assertion, the response or both; `outer` are options for the response's."""
        signer = signer or self.signer
        if which in ("assertion", "both"):
            text = xmlsig.sign(text, "assertion", element_id or self.assertion_id, signer, **options)
        if which in ("response", "both"):
            # The outer signature covers what stands in the message by then.
            options = {**(options if which == "response" else {}), **(outer or {})}
            text = xmlsig.sign(text, "response", element_id or self.response_id,
                               options.pop("signer", signer), **options)
        return xmlsig.unmarked(text)

    def signed(self, which="assertion", signer=None, outer=None, options=None, **parts):
        """A signed Response made of these parts."""
        return self.sign(self.draft(**parts), which, signer, outer, **(options or {}))

    # Encrypted

    def encrypted(self, which="both", signer=None, outer=None, options=None, parts=None, plaintext=None,
                  **encryption):
        """A Response with an EncryptedAssertion, signed inside, outside, on both sides or not at all."""
        signer = signer or self.signer
        text = self.draft(**(parts or {}))
        if which in ("assertion", "both"):
            text = xmlsig.sign(text, "assertion", self.assertion_id, signer, **(options or {}))
        text = text.replace(mark("assertion"), "")
        found = ASSERTION.search(text)
        inner = plaintext(found[0]) if plaintext else found[0]
        recipient = encryption.pop("recipient", self.own_key)
        sealed = xmlenc.encrypt(inner, recipient, **encryption)
        text = text[:found.start()] + sealed + text[found.end():]
        if which in ("response", "both"):
            text = xmlsig.sign(text, "response", self.response_id, signer, **(outer or {}))
        return xmlsig.unmarked(text)


def entity_id_of(idp):
    return f"https://{idp}.idp.example/metadata"
