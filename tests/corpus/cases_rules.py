# SPDX-License-Identifier: Apache-2.0
"""The rules of SAML: issuer, destination, times, audience, confirmation, request, authentication."""

from . import keys
from .message import BEARER, HOLDER_OF_KEY, PASSWORD
from .table import accepted, refused

PLAIN = "assertion signed"


def parts(**given):
    """A signed Response with these parts; callables are given the kit."""
    which, options = given.pop("which", "assertion"), given.pop("options", None)
    return lambda k: k.signed(which, options=options, **{
        name: part(k) if callable(part) else part for name, part in given.items()})


accepted(PLAIN, "Profiles 4.1.4.2", parts())
accepted("response signed", "Profiles 4.1.4.5: a signature of the response will do", parts(which="response"))
accepted("both signed", "Core 5.4: inner signature first", parts(which="both"))
refused("nothing signed", "no-signature", "Profiles 4.1.4.3", lambda k: k.sign(k.draft(), None), PLAIN)

# --- what must be signed ---

for idp, fine, wrong in (("signed-response", ("response", "both"), ("assertion",)),
                         ("signed-assertion", ("assertion", "both"), ("response",)),
                         ("signed-both", ("both",), ("assertion", "response"))):
    for which in fine:
        accepted(f"{idp}: {which} signed", "ResponseSignature", parts(which=which), idp=idp)
    for which in wrong:
        refused(f"{idp}: only {which} signed", "no-signature", "ResponseSignature", parts(which=which),
                f"{idp}: both signed", idp=idp)

# --- Issuer ---

ISSUERS = {
    "response without": ("ok", dict(response_issuer="")),
    "format entity": ("ok", dict(issuer=lambda k: k.issuer_element(
        Format="urn:oasis:names:tc:SAML:2.0:nameid-format:entity"))),
    "other in the response": ("wrong-issuer", dict(
        response_issuer=lambda k: "<saml:Issuer>https://second.idp.example/metadata</saml:Issuer>")),
    "other in the assertion": ("wrong-issuer", dict(
        issuer="<saml:Issuer>https://second.idp.example/metadata</saml:Issuer>")),
    "unknown": ("unknown-idp", dict(issuer="<saml:Issuer>https://nobody.example</saml:Issuer>",
                                    response_issuer="<saml:Issuer>https://nobody.example</saml:Issuer>")),
    "unknown, not in UTF-8 order": ("unknown-idp", dict(
        response_issuer="<saml:Issuer>" + "\u0434\u0435\U0001f600" * 100 + "</saml:Issuer>")),
    "case": ("wrong-issuer", dict(issuer=lambda k: k.issuer_element(k.issuer.upper()))),
    "trailing slash": ("unknown-idp", dict(response_issuer=lambda k: k.issuer_element(k.issuer + "/"))),
    "white space": ("wrong-issuer", dict(issuer=lambda k: k.issuer_element(f" {k.issuer} "))),
    "format persistent": ("wrong-issuer", dict(issuer=lambda k: k.issuer_element(
        Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))),
    "format persistent in the response": ("wrong-issuer", dict(response_issuer=lambda k: k.issuer_element(
        Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"))),
    "missing in the assertion": ("malformed", dict(issuer="")),
    "empty": ("wrong-issuer", dict(issuer="<saml:Issuer/>")),
    "empty in the response": ("unknown-idp", dict(response_issuer="<saml:Issuer></saml:Issuer>")),
    "two": ("malformed", dict(issuer=lambda k: k.issuer_element() * 2)),
    "element inside": ("malformed", dict(response_issuer=lambda k: k.issuer_element(f"<x/>{k.issuer}"))),
}
for name, (code, given) in ISSUERS.items():
    if code == "ok":
        accepted(f"issuer: {name}", "Profiles 4.1.4.2, Core 8.3.6", parts(**given))
    else:
        refused(f"issuer: {name}", code, "Profiles 4.1.4.2: one entity, exactly", parts(**given), PLAIN)
refused("issuer: signed response without", "wrong-issuer", "Profiles 4.1.4.2: MUST be there if signed",
        parts(which="both", response_issuer=""), "both signed")
accepted("issuer: another IdP with its own key", "SECURITY-RULES 14",
         lambda k: k.signed(signer=keys.signer("second", "p256")), idp="second")
refused("issuer: key of another IdP", "cert-not-listed", "SECURITY-RULES 14",
        lambda k: k.signed(signer=keys.signer("second", "p256")), PLAIN)
refused("issuer: key of another IdP, no KeyInfo", "signature-invalid", "SECURITY-RULES 14",
        lambda k: k.signed(signer=keys.signer("stranger"), options={"key_info": ""}), PLAIN)
refused("issuer: response of one IdP around the assertion of another", "wrong-issuer",
        "SECURITY-RULES 14", lambda k: k.signed(
            "both", signer=keys.signer("second", "p256"), outer={"signer": keys.signer("main")},
            issuer="<saml:Issuer>https://second.idp.example/metadata</saml:Issuer>"), "both signed")
refused("issuer: inactive", "idp-inactive", "setting Status", parts(), PLAIN, idp="inactive")

# --- URLs ---

NEAR = {
    "trailing slash": lambda u: u + "/", "prefix": lambda u: u[:-1], "longer": lambda u: u + "x",
    "query": lambda u: u + "?a=b", "fragment": lambda u: u + "#", "host in capitals":
    lambda u: u.replace("//", "//X", 1).replace("//X", "//", 1).replace("sp.", "SP.").replace("127", "0127"),
    "path in capitals": lambda u: u.replace("/acs", "/ACS"), "scheme in capitals":
    lambda u: u.replace("https", "HTTPS").replace("http:", "HTTP:"),
    "escaped": lambda u: u.replace("/acs", "/%61cs"), "double slash": lambda u: u.replace("/acs", "//acs"),
    "dots": lambda u: u.replace("/acs", "/./acs"), "user": lambda u: u.replace("//", "//u@"),
    "white space": lambda u: f" {u} ", "empty": lambda u: "", "evil first": lambda u: f"https://evil.example/?{u}",
    "evil after": lambda u: u.replace("/saml/acs", ".evil.example/saml/acs"),
    "NUL-like": lambda u: u + "%00", "two": lambda u: f"{u} {u}",
}
for name, change in NEAR.items():
    refused(f"destination: {name}", "wrong-destination", "Bindings 3.5.5.2",
            lambda k, c=change: k.signed("both", response={"Destination": c(k.acs)}), "both signed")
    refused(f"recipient: {name}", "wrong-recipient", "Profiles 4.1.4.3",
            lambda k, c=change: k.signed(subject=k.subject(confirmations=k.confirmation(Recipient=c(k.acs)))),
            PLAIN)
    if name not in ("host in capitals",):
        refused(f"audience: {name}", "wrong-audience", "Core 2.5.1.4", lambda k, c=change: k.signed(
            conditions=k.conditions(k.audience(c(k.entity_id).replace("/saml", "/SAML")
                                               if c(k.entity_id) == k.entity_id else c(k.entity_id)))), PLAIN)
accepted("destination: none on an unsigned response", "Bindings 3.5.5.2: needed where signed",
         parts(response={"Destination": None}))
refused("destination: none on a signed response", "wrong-destination", "Bindings 3.5.5.2",
        parts(which="response", response={"Destination": None}), "response signed")
refused("destination: wrong on an unsigned response", "wrong-destination", "Core 3.2.2",
        parts(response={"Destination": "https://other.example/acs"}), PLAIN)
refused("recipient: none", "wrong-recipient", "Profiles 4.1.4.2",
        parts(subject=lambda k: k.subject(confirmations=k.confirmation(Recipient=None))), PLAIN)
refused("recipient: entity ID", "wrong-recipient", "Profiles 4.1.4.2",
        parts(subject=lambda k: k.subject(confirmations=k.confirmation(Recipient=k.entity_id))), PLAIN)

# --- Conditions ---

CONDITIONS = {
    "no dates": ("ok", lambda k: k.conditions(NotBefore=None, NotOnOrAfter=None)),
    "one of several audiences": ("ok", lambda k: k.conditions(k.audience("https://a.example", k.entity_id))),
    "two restrictions, both ours": ("ok", lambda k: k.conditions(
        k.audience() + k.audience("https://a.example", k.entity_id))),
    "one restriction of two": ("wrong-audience", lambda k: k.conditions(
        k.audience() + k.audience("https://a.example"))),
    "the other restriction of two": ("wrong-audience", lambda k: k.conditions(
        k.audience("https://a.example") + k.audience())),
    "no audience restriction": ("wrong-audience", lambda k: k.conditions("")),
    "no conditions": ("wrong-audience", lambda k: ""),
    "restriction without audience": (("malformed", "wrong-audience"), lambda k: k.conditions(
        "<saml:AudienceRestriction/>")),
    "empty audience": ("wrong-audience", lambda k: k.conditions(
        "<saml:AudienceRestriction><saml:Audience/></saml:AudienceRestriction>")),
    "audience is the ACS": ("wrong-audience", lambda k: k.conditions(k.audience(k.acs))),
    "audience of another namespace": ("malformed", lambda k: k.conditions(
        k.audience().replace("<saml:Audience>", '<x:Audience xmlns:x="urn:x">').replace(
            "</saml:Audience>", "</x:Audience>"))),
    "OneTimeUse": ("ok", lambda k: k.conditions(k.audience() + "<saml:OneTimeUse/>")),
    "ProxyRestriction": ("ok", lambda k: k.conditions(
        k.audience() + '<saml:ProxyRestriction Count="0"><saml:Audience>urn:x</saml:Audience>'
        "</saml:ProxyRestriction>")),
    "OneTimeUse twice": ("malformed", lambda k: k.conditions(k.audience() + "<saml:OneTimeUse/>" * 2)),
    "ProxyRestriction twice": ("malformed", lambda k: k.conditions(
        k.audience() + "<saml:ProxyRestriction/>" * 2)),
    "white space and comments": ("ok", lambda k: k.conditions(
        "\n<!-- -->" + k.audience() + "\n<saml:OneTimeUse> <!-- --></saml:OneTimeUse>\n")),
    "text": ("malformed", lambda k: k.conditions("x" + k.audience())),
    "OneTimeUse with text": ("malformed", lambda k: k.conditions(
        k.audience() + "<saml:OneTimeUse>x</saml:OneTimeUse>")),
    "OneTimeUse with an element": ("malformed", lambda k: k.conditions(
        k.audience() + "<saml:OneTimeUse><saml:Audience/></saml:OneTimeUse>")),
    "ProxyRestriction with an unknown element": ("malformed", lambda k: k.conditions(
        k.audience() + '<saml:ProxyRestriction><x xmlns="urn:x"/></saml:ProxyRestriction>')),
    "ProxyRestriction, count below zero": ("malformed", lambda k: k.conditions(
        k.audience() + '<saml:ProxyRestriction Count="-1"/>')),
    "ProxyRestriction, count is a word": ("malformed", lambda k: k.conditions(
        k.audience() + '<saml:ProxyRestriction Count="one"/>')),
    "unknown condition": ("malformed", lambda k: k.conditions(
        k.audience() + '<saml:Condition xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xmlns:x="urn:x" xsi:type="x:Weather"/>')),
    "unknown condition first": ("malformed", lambda k: k.conditions(
        '<x:Condition xmlns:x="urn:x"/>' + k.audience())),
    "SAML 1 condition": ("malformed", lambda k: k.conditions(
        k.audience() + "<saml:DoNotCacheCondition/>")),
    "twice": ("malformed", lambda k: k.conditions() * 2),
    "over before they begin": ("malformed", lambda k: k.conditions(
        NotBefore=k.time(3600), NotOnOrAfter=k.time(-3600))),
    "over before they begin, by the clocks neither": ("malformed", lambda k: k.conditions(
        NotBefore=k.time(100), NotOnOrAfter=k.time(50))),
    "over when they begin": ("malformed", lambda k: k.conditions(
        NotBefore=k.time(), NotOnOrAfter=k.time())),
    "a second": ("ok", lambda k: k.conditions(NotBefore=k.time(99), NotOnOrAfter=k.time(100))),
}
for name, (code, build) in CONDITIONS.items():
    case = parts(conditions=build)
    if code == "ok":
        accepted(f"conditions: {name}", "Core 2.5.1", case)
    else:
        refused(f"conditions: {name}", code, "Core 2.5.1", case, PLAIN)

# --- times ---

LIMITS = [   # what, builder of the part, offset of the last second that is fine, of the first that is not
    ("NotOnOrAfter of the conditions", lambda t: dict(conditions=lambda k: k.conditions(
        NotBefore=k.time(-1000), NotOnOrAfter=k.time(t))), 1, 0, "expired"),
    ("NotBefore of the conditions", lambda t: dict(conditions=lambda k: k.conditions(
        NotBefore=k.time(t))), 0, 1, "not-yet-valid"),
    ("NotOnOrAfter of the confirmation", lambda t: dict(subject=lambda k: k.subject(
        confirmations=k.confirmation(NotOnOrAfter=k.time(t)))), 1, 0, "expired"),
    ("SessionNotOnOrAfter", lambda t: dict(authn=lambda k: k.authn(SessionNotOnOrAfter=k.time(t))),
     1, 0, "expired"),
    ("IssueInstant of the response", lambda t: dict(response=lambda k: {"IssueInstant": k.time(t)}),
     0, 1, "not-yet-valid"),
    ("IssueInstant of the assertion", lambda t: dict(IssueInstant=lambda k: k.time(t)),
     0, 1, "not-yet-valid"),
    ("AuthnInstant", lambda t: dict(authn=lambda k: k.authn(AuthnInstant=k.time(t))),
     0, 1, "not-yet-valid"),
]
for idp, skew in (("no-skew", 0), ("main", 180)):
    for what, build, last, first, code in LIMITS:
        sign = 1 if code == "not-yet-valid" else -1
        name = f"times: {what}, ClockSkew {skew}"
        # Nobody can say which second a server lives in: at the edge only the CLI is asked.
        accepted(f"{name}: within", "Core 2.5.1.2", parts(**build(last + sign * skew)), idp=idp,
                 own_server=False)
        refused(f"{name}: beyond", code, "Core 2.5.1.2: excluded", parts(**build(first + sign * skew)),
                f"{name}: within", idp=idp, own_server=False)
refused("times: issued more than a day ago", "expired", "overview: a day after issue",
        parts(IssueInstant=lambda k: k.time(-86400 - 200)), PLAIN)
refused("times: response issued more than a day ago", "expired", "as its assertion",
        parts(response=lambda k: {"IssueInstant": k.time(-86400 - 200)}), PLAIN)
accepted("times: logged in more than a day ago", "Core 2.7.2: sessions at an IdP last",
         parts(authn=lambda k: k.authn(AuthnInstant=k.time(-86400 * 7))))
refused("times: second login to come", "not-yet-valid", "Core 2.7.2",
        parts(authn=lambda k: k.authn() + k.authn(AuthnInstant=k.time(1000))), PLAIN)
refused("times: long past", "expired", "Core 2.5.1.2", parts(conditions=lambda k: k.conditions(
    NotBefore="1960-01-01T00:00:00Z", NotOnOrAfter="1969-12-31T23:59:59Z")), PLAIN)
refused("times: 1970", "expired", "zero is a time", parts(subject=lambda k: k.subject(
    confirmations=k.confirmation(NotOnOrAfter="1970-01-01T00:00:00Z"))), PLAIN)

SPELLINGS = {
    "fraction": ("ok", "{d}T23:59:59.123Z"), "long fraction": ("ok", "{d}T23:59:59.123456789012345Z"),
    "offset": ("ok", "{d}T23:59:59+00:00"), "offset east": ("ok", "{d}T23:59:59-05:30"),
    "hour 24": ("ok", "{d}T24:00:00Z"), "year 9999": ("ok", "9999-12-31T23:59:59Z"),
    "no zone": ("malformed", "{d}T23:59:59"), "small t": ("malformed", "{d}t23:59:59Z"),
    "small z": ("malformed", "{d}T23:59:59z"), "blank": ("malformed", "{d} 23:59:59Z"),
    "no seconds": ("malformed", "{d}T23:59Z"), "date only": ("malformed", "{d}"),
    "basic format": ("malformed", "20310616T235959Z"), "hour 25": ("malformed", "{d}T25:00:00Z"),
    "hour 24 and a second": ("malformed", "{d}T24:00:01Z"), "minute 60": ("malformed", "{d}T23:60:00Z"),
    "second 61": ("malformed", "{d}T23:59:61Z"), "leap second by day": ("malformed", "{d}T12:30:60Z"),
    "day 32": ("malformed", "2060-01-32T00:00:00Z"), "30 February": ("malformed", "2060-02-30T00:00:00Z"),
    "29 February 2100": ("malformed", "2100-02-29T00:00:00Z"), "month 13": ("malformed", "2060-13-01T00:00:00Z"),
    "year 0000": ("malformed", "0000-01-01T00:00:00Z"), "negative year": ("malformed", "-2060-01-01T00:00:00Z"),
    "five digits": ("malformed", "12060-01-01T00:00:00Z"), "offset 15": ("malformed", "{d}T23:59:59+15:00"),
    "offset without colon": ("malformed", "{d}T23:59:59+0000"), "empty fraction": ("malformed", "{d}T23:59:59.Z"),
    "comma": ("malformed", "{d}T23:59:59,5Z"), "leading blank": (("malformed", "ok"), " {d}T23:59:59Z"),
    "trailing blank": (("malformed", "ok"), "{d}T23:59:59Z "), "trailing text": ("malformed", "{d}T23:59:59Zx"),
    "epoch": ("malformed", "1939334400"), "empty": ("malformed", ""), "RFC 822": ("malformed", "Mon, 16 Jun 2031"),
    "other digits": ("malformed", "\u0662\u0660\u0663\u0661-06-16T23:59:59Z"), "plus": ("malformed", "+{d}T23:59:59Z"),
    "one digit": ("malformed", "2060-1-1T0:0:0Z"), "US": ("malformed", "06/16/2060 12:00:00"),
}
for name, (code, spelling) in SPELLINGS.items():
    def build(k, spelling=spelling):
        value = spelling.format(d=k.time(86400)[:10])
        return k.signed(subject=k.subject(confirmations=k.confirmation(NotOnOrAfter=value)))
    if code == "ok":
        accepted(f"dateTime: {name}", "XML Schema 2, 3.2.7", build)
    else:
        refused(f"dateTime: {name}", code, "XML Schema 2, 3.2.7", build, PLAIN)

# --- SubjectConfirmation ---

CONFIRMATIONS = {
    "Address": ("ok", lambda k: k.confirmation(Address="192.0.2.1")),
    "holder-of-key beside": ("ok", lambda k: k.confirmation(HOLDER_OF_KEY) + k.confirmation()),
    "sender-vouches beside": ("ok", lambda k: k.confirmation()
                              + k.confirmation("urn:oasis:names:tc:SAML:2.0:cm:sender-vouches", data="")),
    "second bearer fits": ("ok", lambda k: k.confirmation(Recipient="https://other.example/acs")
                           + k.confirmation()),
    "NameID inside": ("ok", lambda k: k.confirmation(inside=k.name_id("presenter"))),
    "content in the data": ("ok", lambda k: k.confirmation(data=k.confirmation().split(">", 1)[1].replace(
        "</saml:SubjectConfirmation>", "").replace("/>", '><x xmlns="urn:x"/></saml:SubjectConfirmationData>'))),
    "holder-of-key only": ("no-subject", lambda k: k.confirmation(HOLDER_OF_KEY)),
    "none": ("no-subject", lambda k: ""),
    "method in capitals": ("no-subject", lambda k: k.confirmation(BEARER.upper())),
    "method of SAML 1": ("no-subject", lambda k: k.confirmation("urn:oasis:names:tc:SAML:1.0:cm:bearer")),
    "method with white space": ("no-subject", lambda k: k.confirmation(BEARER + " ")),
    "no data": ("wrong-recipient", lambda k: k.confirmation(data="")),
    "two sets of data": ("malformed", lambda k: k.confirmation(data=k.confirmation().split(">", 1)[1].replace(
        "</saml:SubjectConfirmation>", "") * 2)),
    "two sets of data, of another method": ("malformed", lambda k: k.confirmation() + k.confirmation(
        HOLDER_OF_KEY, data="<saml:SubjectConfirmationData/>" * 2)),
    "text": ("malformed", lambda k: k.confirmation(inside="x")),
    "unknown element": ("malformed", lambda k: k.confirmation(inside='<x xmlns="urn:x"/>')),
    "two NameIDs inside": ("malformed", lambda k: k.confirmation(inside=k.name_id("a") * 2)),
    "NameID behind the data": ("malformed", lambda k: k.confirmation().replace(
        "</saml:SubjectConfirmation>", k.name_id("a") + "</saml:SubjectConfirmation>")),
    "no NotOnOrAfter": ("expired", lambda k: k.confirmation(NotOnOrAfter=None)),
    "NotBefore": ("malformed", lambda k: k.confirmation(NotBefore=k.time(-60))),
    "rules fulfilled by two together": (("wrong-recipient", "expired"), lambda k: k.confirmation(
        Recipient="https://other.example/acs") + k.confirmation(NotOnOrAfter=k.time(-1000))),
    "recipient of holder-of-key": ("wrong-recipient", lambda k: k.confirmation(HOLDER_OF_KEY)
                                   + k.confirmation(Recipient="https://other.example/acs")),
    "namespaced Recipient": ("wrong-recipient", lambda k: k.confirmation(Recipient=None).replace(
        "Data ", f'Data xmlns:x="urn:x" x:Recipient="{k.acs}" ')),
    "namespaced NotOnOrAfter": ("expired", lambda k: k.confirmation(NotOnOrAfter=None).replace(
        "Data ", f'Data xmlns:x="urn:x" x:NotOnOrAfter="{k.time(300)}" ')),
    "small letters": ("wrong-recipient", lambda k: k.confirmation().replace("Recipient=", "recipient=")),
}
for name, (code, build) in CONFIRMATIONS.items():
    case = parts(subject=lambda k, b=build: k.subject(confirmations=b(k)))
    if code == "ok":
        accepted(f"confirmation: {name}", "Profiles 4.1.4.2", case)
    else:
        refused(f"confirmation: {name}", code, "Profiles 4.1.4.3", case, PLAIN)

# --- InResponseTo ---

ASKED = "request: answered"
accepted(ASKED, "Profiles 4.1.4.3", parts(), idp="asked", request=True)
accepted("request: answered, both signed", "Profiles 4.1.4.3", parts(which="both"), idp="asked", request=True)
accepted("request: answered, IdP may begin", "Profiles 4.1.5", parts(), request=True, own_server=False)
REQUESTS = {
    "not on the confirmation": ("in-response-to", dict(subject=lambda k: k.subject(
        confirmations=k.confirmation(InResponseTo=None)))),
    "not on the response": ("in-response-to", dict(response={"InResponseTo": None})),
    "other on the response": ("in-response-to", dict(response={"InResponseTo": "_other"})),
    "other on the confirmation": ("in-response-to", dict(subject=lambda k: k.subject(
        confirmations=k.confirmation(InResponseTo="_other")))),
    "other on both": ("in-response-to", dict(response={"InResponseTo": "_other"}, subject=lambda k: k.subject(
        confirmations=k.confirmation(InResponseTo="_other")))),
    "empty on both": ("in-response-to", dict(response={"InResponseTo": ""}, subject=lambda k: k.subject(
        confirmations=k.confirmation(InResponseTo="")))),
    "prefix": ("in-response-to", dict(
        response=lambda k: {"InResponseTo": k.request_id[:-1]}, subject=lambda k: k.subject(
            confirmations=k.confirmation(InResponseTo=k.request_id[:-1])))),
    "white space": ("in-response-to", dict(
        response=lambda k: {"InResponseTo": k.request_id + " "}, subject=lambda k: k.subject(
            confirmations=k.confirmation(InResponseTo=k.request_id + " ")))),
    "none": ("unsolicited", dict(response={"InResponseTo": None}, subject=lambda k: k.subject(
        confirmations=k.confirmation(InResponseTo=None)))),
}
for name, (code, given) in REQUESTS.items():
    refused(f"request: {name}", code, "Profiles 4.1.4.3, 4.1.5", parts(**given), ASKED, idp="asked", request=True)
accepted("request: unsolicited", "Profiles 4.1.5", parts())
refused("request: unsolicited, not allowed", "unsolicited", "Profiles 4.1.5", parts(), "request: unsolicited",
        idp="asked")
refused("request: unsolicited with InResponseTo", "in-response-to", "Profiles 4.1.5: MUST NOT contain it", parts(
    response={"InResponseTo": "_x"}, subject=lambda k: k.subject(confirmations=k.confirmation(
        InResponseTo="_x"))), "request: unsolicited")
refused("request: unsolicited with InResponseTo on the response", "in-response-to", "Profiles 4.1.5",
        parts(response={"InResponseTo": "_x"}), "request: unsolicited")
accepted("request: right one of two confirmations", "Profiles 4.1.4.3", parts(subject=lambda k: k.subject(
    confirmations=k.confirmation(InResponseTo="_other") + k.confirmation())), idp="asked", request=True)

# --- Status ---

NESTED = '<samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:{}"/>'
STATUSES = {
    "message": ("ok", lambda k: k.status(after="<samlp:StatusMessage>fine &amp; dandy</samlp:StatusMessage>")),
    "detail": ("ok", lambda k: k.status(after='<samlp:StatusDetail><x xmlns="urn:x">y</x></samlp:StatusDetail>')),
    "Responder": ("status-not-success", lambda k: k.status("Responder")),
    "Success inside Responder": ("status-not-success", lambda k: k.status("Responder", NESTED.format("Success"))),
    "AuthnFailed inside Success": ("status-not-success", lambda k: k.status("Success", NESTED.format("AuthnFailed"))),
    "Success inside Success": ("ok", lambda k: k.status("Success", NESTED.format("Success"))),
    "private code inside Success": ("ok", lambda k: k.status("Success", '<samlp:StatusCode Value="urn:x:fine"/>')),
    "three levels": ("ok", lambda k: k.status("Success", NESTED.format("Success").replace(
        "/>", '><samlp:StatusCode Value="urn:x"/></samlp:StatusCode>'))),
    "odd third level": ("malformed", lambda k: k.status("Success", NESTED.format("Success").replace(
        "/>", '><x xmlns="urn:x"/></samlp:StatusCode>'))),
    "in capitals": ("status-not-success", lambda k: k.status("SUCCESS")),
    "white space": ("status-not-success", lambda k: k.status("Success ")),
    "empty": ("status-not-success", lambda k: k.status(":").replace('":"', '""')),
    "of SAML 1": ("status-not-success", lambda k: k.status("samlp:Success")),
    "no value": ("malformed", lambda k: "<samlp:Status><samlp:StatusCode/></samlp:Status>"),
    "no code": ("malformed", lambda k: "<samlp:Status/>"),
    "none": ("malformed", lambda k: "<!-- -->"),
    "two codes": ("malformed", lambda k: k.status(after=NESTED.format("Responder"))),
    "two codes, error first": (("malformed", "status-not-success"), lambda k: k.status(
        "Responder", after=NESTED.format("Success"))),
    "two messages": ("malformed", lambda k: k.status(after="<samlp:StatusMessage>a</samlp:StatusMessage>" * 2)),
    "message first": ("malformed", lambda k: k.status().replace(
        "<samlp:Status>", "<samlp:Status><samlp:StatusMessage>x</samlp:StatusMessage>")),
    "code of another namespace": ("malformed", lambda k: k.status().replace(
        "samlp:StatusCode", "saml:StatusCode")),
    "twice": ("malformed", lambda k: k.status() * 2),
    "second one an error": ("malformed", lambda k: k.status() + k.status("Responder")),
    "text inside": ("malformed", lambda k: k.status().replace("<samlp:Status>", "<samlp:Status>x")),
    "namespaced value": ("malformed", lambda k: k.status().replace(
        " Value", ' xmlns:x="urn:x" x:Value')),
}
for name, (code, build) in STATUSES.items():
    if code == "ok":
        accepted(f"status: {name}", "Core 3.2.2.1", parts(which="both", status=build))
    else:
        refused(f"status: {name}", code, "Core 3.2.2.1", parts(which="both", status=build), "both signed")
refused("status: error without assertion", "status-not-success", "Core 3.2.2.2",
        lambda k: k.sign(k.draft(assertion="", status=k.status("Requester", NESTED.format("AuthnFailed"))), "response"),
        "response signed")
refused("status: success without assertion", ("malformed", "no-signature"), "Profiles 4.1.4.2",
        lambda k: k.sign(k.draft(assertion=""), "response"), "response signed")

# --- AuthnStatement ---

CLASS = "<saml:AuthnContextClassRef>{}</saml:AuthnContextClassRef>"
CONTEXT = f"<saml:AuthnContext>{CLASS}</saml:AuthnContext>"
DECLARED = "<saml:AuthnContextDeclRef>urn:x</saml:AuthnContextDeclRef>"
AUTHORITY = "<saml:AuthenticatingAuthority>https://a.example</saml:AuthenticatingAuthority>"


def context(*inside):
    return lambda k: k.authn(f"<saml:AuthnContext>{''.join(inside).replace('{}', PASSWORD)}</saml:AuthnContext>")


AUTHN = {
    "no SessionIndex": ("ok", lambda k: k.authn(SessionIndex=None)),
    "SessionNotOnOrAfter": ("ok", lambda k: k.authn(SessionNotOnOrAfter=k.time(28800))),
    "locality": ("ok", lambda k: k.authn(locality='<saml:SubjectLocality Address="192.0.2.1" DNSName="x"/>')),
    "declaration only": ("ok", context(DECLARED)),
    "authenticating authority": ("ok", context(CLASS, AUTHORITY)),
    "class, declaration and two authorities": ("ok", context(CLASS, DECLARED, AUTHORITY, AUTHORITY)),
    "a declaration of any content": ("ok", context(
        '<saml:AuthnContextDecl>x<x xmlns="urn:x"/></saml:AuthnContextDecl>')),
    "white space and comments in the context": ("ok", context("\n", CLASS, "<!-- -->\n")),
    "empty context": ("malformed", context("")),
    "authority only": ("malformed", context(AUTHORITY)),
    "authority first": ("malformed", context(AUTHORITY, CLASS)),
    "declaration first": ("malformed", context(DECLARED, CLASS)),
    "two classes": ("malformed", context(CLASS, CLASS)),
    "declaration and reference to one": ("malformed", context(CLASS, "<saml:AuthnContextDecl/>", DECLARED)),
    "text in the context": ("malformed", context("x", CLASS)),
    "unknown element in the context": ("malformed", context(CLASS, '<x xmlns="urn:x"/>')),
    "two statements": ("ok", lambda k: k.authn() + k.authn(SessionIndex="_s2")),
    "none": ("authn-context", lambda k: "<!-- -->"),
    "no instant": ("malformed", lambda k: k.authn(AuthnInstant=None)),
    "no context": ("malformed", lambda k: k.authn("<!-- -->")),
    "two contexts": ("malformed", lambda k: k.authn(CONTEXT.format(PASSWORD) * 2)),
    "odd instant": ("malformed", lambda k: k.authn(AuthnInstant="yesterday")),
    "second session over": ("expired", lambda k: k.authn() + k.authn(SessionNotOnOrAfter=k.time(-1000))),
    "only an authorisation decision": ("authn-context", lambda k: (
        '<saml:AuthzDecisionStatement Resource="urn:x" Decision="Permit"><saml:Action Namespace="urn:x">r'
        "</saml:Action></saml:AuthzDecisionStatement>")),
}
for name, (code, build) in AUTHN.items():
    if code == "ok":
        accepted(f"authentication: {name}", "Core 2.7.2", parts(authn=build))
    else:
        refused(f"authentication: {name}", code, "Core 2.7.2, Profiles 4.1.4.2", parts(authn=build), PLAIN)
accepted("context: the one asked for", "Core 3.3.2.2.1", parts(), idp="context")
for name, build in {
        "another": lambda k: k.authn(CONTEXT.format("urn:oasis:names:tc:SAML:2.0:ac:classes:Password")),
        "none": lambda k: k.authn("<saml:AuthnContext><saml:AuthnContextDeclRef>" + PASSWORD
                                  + "</saml:AuthnContextDeclRef></saml:AuthnContext>"),
        "white space": lambda k: k.authn(CONTEXT.format(f"\n{PASSWORD}\n")),
        "prefix": lambda k: k.authn(CONTEXT.format(PASSWORD[:-1]))}.items():
    refused(f"context: {name}", "authn-context", "Core 3.3.2.2.1", parts(authn=build),
            "context: the one asked for", idp="context")

# --- head of both ---

HEADS = {
    "response version 1.1": ("malformed", dict(response={"Version": "1.1"})),
    "response version 2.0.0": ("malformed", dict(response={"Version": "2.0.0"})),
    "response version absent": ("malformed", dict(response={"Version": None})),
    "response IssueInstant absent": ("malformed", dict(response={"IssueInstant": None})),
    "response ID absent": ("malformed", dict(response={"ID": None})),
    "response ID is no NCName": ("malformed", dict(response={"ID": "1abc"})),
    "assertion version 1.1": ("malformed", dict(Version="1.1")),
    "assertion version absent": ("malformed", dict(Version=None)),
    "assertion IssueInstant absent": ("malformed", dict(IssueInstant=None)),
    "both IDs the same": (("signature-scope", "malformed"), dict(response=lambda k: {"ID": k.assertion_id})),
}
for name, (code, given) in HEADS.items():
    refused(f"head: {name}", code, "Core 2.3.3, 3.2.2", parts(**given), PLAIN)
refused("head: assertion ID absent", "malformed", "Core 2.3.3", parts(which="response", ID=None), "response signed")
refused("head: assertion ID is no NCName", "malformed", "Core 1.3.4, XML Schema 2",
        parts(which="response", ID="a b"), "response signed")
accepted("head: Consent", "Core 3.2.2", parts(which="both", response={
    "Consent": "urn:oasis:names:tc:SAML:2.0:consent:obtained"}))

# --- the user ---

accepted("user: by an attribute", "setting RemoteUser", parts(), idp="by-mail")
accepted("user: by an attribute, no NameID", "Profiles 4.1.4.2: NameID is optional", parts(
    subject=lambda k: k.subject("")), idp="by-mail", name_id=None)
refused("user: no NameID", "no-subject", "nobody to log in", parts(subject=lambda k: k.subject("")), PLAIN)
refused("user: no Subject", "no-subject", "Core 2.3.3", parts(subject=lambda k: "<!-- -->"), PLAIN)
refused("user: two values", "no-subject", "which of them?", parts(statement=lambda k: k.statement(
    k.attribute("mail", "a@example.org", "b@example.org"))), "user: by an attribute", idp="by-mail")
refused("user: attribute twice", "no-subject", "which of them?", parts(statement=lambda k: k.statement(
    k.attribute("mail", "a@example.org"), k.attribute("mail", "b@example.org"))), "user: by an attribute",
    idp="by-mail")
refused("user: attribute of a similar name", "no-subject", "Core 2.7.3.1: names are exact", parts(
    statement=lambda k: k.statement(k.attribute("Mail", "a@example.org"))), "user: by an attribute", idp="by-mail")
refused("user: attribute by FriendlyName", "no-subject", "IIP-SP11", parts(statement=lambda k: k.statement(
    k.attribute("urn:oid:0.9.2342.19200300.100.1.3", "a@example.org", FriendlyName="mail"))),
    "user: by an attribute", idp="by-mail")
refused("user: empty attribute", "no-subject", "nobody to log in", parts(statement=lambda k: k.statement(
    k.attribute("mail", ""))), "user: by an attribute", idp="by-mail")
refused("user: line feed in the attribute", "malformed", "SECURITY-RULES 15", parts(statement=lambda k: k.statement(
    k.attribute("mail", "a@example.org\nX: y"))), "user: by an attribute", idp="by-mail")
accepted("user: filter", "setting UserFilter", parts(), idp="filtered")
for name, value in {"digit": "alice1", "second line": "alice\u2028", "capital": "Alice", "longer": "alice alice"}.items():
    refused(f"user: filter, {name}", "user-filter", "setting UserFilter", parts(subject=lambda k, v=value: k.subject(
        k.name_id(v))), "user: filter", idp="filtered")
