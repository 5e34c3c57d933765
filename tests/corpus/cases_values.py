# SPDX-License-Identifier: Apache-2.0
"""Names, attributes and other values: read whole, unchanged, or refused."""

from .message import BASIC, PERSISTENT, XS, XSI
from .table import accepted, refused

ONE = "assertion signed"
FORMAT = "urn:oasis:names:tc:SAML:{}:nameid-format:{}"


def named(element):
    """A message whose NameID is this element; callables are given the kit."""
    return lambda k: k.signed("both", subject=k.subject(element(k) if callable(element) else element))


def told(attributes):
    statement = f"<saml:AttributeStatement>{attributes}</saml:AttributeStatement>"
    return lambda k: k.signed("both", statement=statement)


def attribute(value_xml, name="x", more=""):
    return f'<saml:Attribute Name="{name}"{more}>{value_xml}</saml:Attribute>'


def value(content, more=""):
    return f"<saml:AttributeValue{more}>{content}</saml:AttributeValue>"


# --- NameID ---

TYPES = f' xmlns:xs="{XS}" xmlns:xsi="{XSI}" xsi:type="xs:string"'
NAMES = {   # content -> what it says
    "comment": ("admin<!-- x -->.evil", "admin.evil"), "comment first": ("<!-- -->alice", "alice"),
    "comments only between": ("a<!--b-->c<!--d-->e", "ace"), "CDATA": ("<![CDATA[alice]]>", "alice"),
    "CDATA and text": ("al<![CDATA[<&>]]>ice", "al<&>ice"), "CDATA twice": ("<![CDATA[a]]><![CDATA[b]]>", "ab"),
    "references": ("&#97;&amp;&lt;&#x1F600;", "a&<\U0001f600"), "white space around": (" alice ", " alice "),
    "not ASCII": ("M\u00fcller \u674e\u56db", "M\u00fcller \u674e\u56db"), "entities by name": (
        "&quot;&apos;&gt;", "\"'>"), "combining": ("e\u0301", "e\u0301"), "URL": ("https://a.example/?b=c&amp;d", "https://a.example/?b=c&d"),
    "e-mail": ("alice+tag@example.org", "alice+tag@example.org"), "backslash": ("DOM\\alice", "DOM\\alice"),
    "256 characters": ("x" * 256, "x" * 256), "separators": ("a;b,c|d", "a;b,c|d"), "a CDATA end": ("a]]&gt;b", "a]]>b"),
    "no-break space": ("a\u00a0b", "a\u00a0b"), "many comments": ("a<!---->" * 4000, "a" * 4000),
}
for name, (content, says) in NAMES.items():
    accepted(f"name: {name}", "SECURITY-RULES 15", named(f"<saml:NameID>{content}</saml:NameID>"), name_id=says)
FOUL = {
    "element": "alice<x/>", "element around": "<x>alice</x>", "instruction": "al<?x y?>ice",
    "line feed": "alice\nX: y", "carriage return": "alice&#13;", "tab": "al&#9;ice",
    "line feed by reference": "alice&#10;", "pretty printed": "\n  alice\n",
    "another NameID": "<saml:NameID>eve</saml:NameID>alice", "delete": "al\u007fice",
}
for name, content in FOUL.items():
    refused(f"name: {name}", "malformed", "SECURITY-RULES 5, 15", named(f"<saml:NameID>{content}</saml:NameID>"), ONE)
NO_XML = {"escape": "al&#27;ice", "NUL": "alice&#0;", "undefined entity": "&nobody;", "not a character": "&#xFFFE;",
          "surrogate": "&#xD800;", "CDATA end": "alice]]>", "bare ampersand": "a&b"}
for name, content in NO_XML.items():
    refused(f"name: {name}", "malformed", "XML 1.0 2.2", lambda k, c=content: k.signed("both").replace(
        ">alice<", f">{c}<"), ONE)
refused("name: empty", "no-subject", "nobody to log in", named("<saml:NameID/>"), ONE)
refused("name: blank", "no-subject", "nobody to log in", named("<saml:NameID>  </saml:NameID>"), ONE)
refused("name: only a comment", "no-subject", "nobody to log in", named("<saml:NameID><!-- x --></saml:NameID>"), ONE)
refused("name: two", "malformed", "Core 2.4.1", named(lambda k: k.name_id() + k.name_id("eve")), ONE)
refused("name: BaseID", "malformed", "Core 2.2.1: abstract", named("<saml:BaseID/>"), ONE)
refused("name: after the confirmation", "malformed", "Core 2.4.1", lambda k: k.signed(
    subject=k.subject("", k.confirmation() + k.name_id())), ONE)
refused("name: of another namespace", ("malformed", "no-subject"), "Core 2.4.1", named(
    '<NameID xmlns="urn:x">alice</NameID>'), ONE)
for version, kind in (("1.1", "emailAddress"), ("1.1", "unspecified"), ("2.0", "transient"), ("2.0", "persistent"),
                      ("1.1", "X509SubjectName"), ("2.0", "kerberos")):
    accepted(f"name: {kind}", "Core 8.3", named(lambda k, f=FORMAT.format(version, kind): k.name_id(Format=f)))
accepted("name: format of somebody", "IIP-SP12", named(lambda k: k.name_id(Format="urn:example:format")))
accepted("name: qualified", "Core 8.3.7", named(lambda k: k.name_id(
    Format=PERSISTENT, NameQualifier=k.issuer, SPNameQualifier=k.entity_id, SPProvidedID="x")))

# --- attributes ---

VALUES = {   # name: (Attribute elements, what they say)
    "none": ("", {}), "no value": (attribute(""), {"x": []}), "empty value": (attribute(value("")), {"x": [""]}),
    "several": (attribute(value("a") + value("b") + value("a")), {"x": ["a", "b", "a"]}),
    "twice": (attribute(value("a")) + attribute(value("b")), {"x": ["a", "b"]}),
    "twice, other format": (attribute(value("a"), more=f' NameFormat="{BASIC}"') + attribute(value("b")), {"x": ["a", "b"]}),
    "comment": (attribute(value("ad<!-- -->min")), {"x": ["admin"]}), "CDATA": (attribute(value("<![CDATA[<a>&]]>")), {"x": ["<a>&"]}),
    "xs:string": (attribute(value("a", TYPES)), {"x": ["a"]}),
    "xs:integer": (attribute(value("1", TYPES.replace("string", "integer"))), {"x": ["1"]}),
    "nil": (attribute(value("", f' xmlns:xsi="{XSI}" xsi:nil="true"')), {"x": []}),
    "line feeds": (attribute(value("a\nb")), {"x": ["a\nb"]}), "CR LF": (attribute(value("a&#13;\nb")), {"x": ["a\r\nb"]}),
    "white space": (attribute(value(" a ")), {"x": [" a "]}), "separator": (attribute(value("a;b") + value("c\\;d")), {"x": ["a;b", "c\\;d"]}),
    "URN name": (attribute(value("a"), "urn:oid:2.5.4.3", ' FriendlyName="cn"'), {"urn:oid:2.5.4.3": ["a"]}),
    "FriendlyName twice": (attribute(value("a"), "urn:a", ' FriendlyName="cn"') + attribute(
        value("b"), "urn:b", ' FriendlyName="cn"'), {"urn:a": ["a"], "urn:b": ["b"]}),
    "odd name": (attribute(value("a"), "http://a.example/ x=\u00fc&quot;&lt;"), {"http://a.example/ x=\u00fc\"<": ["a"]}),
    "names that differ in case": (attribute(value("a"), "Role") + attribute(value("b"), "role"), {"Role": ["a"], "role": ["b"]}),
    "name like a variable": (attribute(value("a"), "REMOTE_USER") + attribute(value("b"), "HTTP_HOST"),
                             {"REMOTE_USER": ["a"], "HTTP_HOST": ["b"]}),
    "name with a blank": (attribute(value("a"), "first name"), {"first name": ["a"]}),
    "foreign attribute": (attribute(value("a"), more=' xmlns:q="urn:q" q:originalIssuer="urn:i"'), {"x": ["a"]}),
    "namespaced name beside": (attribute(value("a"), more=' xmlns:q="urn:q" q:Name="y"'), {"x": ["a"]}),
    "two hundred values": (attribute("".join(value(f"cn=group {i},dc=example") for i in range(200))),
                           {"x": [f"cn=group {i},dc=example" for i in range(200)]}),
    "photo of 30 KB": (attribute(value("QUJD" * 10000)), {"x": ["QUJD" * 10000]}),
    "hundred attributes": ("".join(attribute(value(str(i)), f"urn:oid:1.{i}") for i in range(100)),
                           {f"urn:oid:1.{i}": [str(i)] for i in range(100)}),
    "nine hundred values, typed each": (attribute("".join(
        value(str(i), f' xmlns:xsi="{XSI}" xsi:type="xs:string"').replace("<saml:AttributeValue", f'<saml:AttributeValue xmlns:xs="{XS}"')
        for i in range(900))), {"x": [str(i) for i in range(900)]}),
    "not ASCII": (attribute(value("B\u00f3b \u00dcn\u00efcode \U0001f600 &amp; &lt;Sons&gt;")),
                  {"x": ["B\u00f3b \u00dcn\u00efcode \U0001f600 & <Sons>"]}),
    "complex value": (attribute(value("<x xmlns='urn:x'>y</x>") + value("a")), {"x": ["a"]}),
    "element inside text": (attribute(value("ad<x/>min")), {"x": []}),
    "white space and comments": (attribute("\n<!-- -->" + value("a") + " "), {"x": ["a"]}),
}
for name, (elements, says) in VALUES.items():
    accepted(f"attribute: {name}", "Core 2.7.3", told(elements), attributes=says)
accepted("attribute: no statement", "Profiles 4.1.4.2: optional", lambda k: k.signed(statement="<!-- -->"), attributes={})
accepted("attribute: two statements", "Core 2.7", lambda k: k.signed(
    statement=k.statement(attribute(value("a"))) + k.statement(attribute(value("b"), "y"))), attributes={"x": ["a"], "y": ["b"]})
accepted("attribute: statement first", "Core 2.3.3: any order", lambda k: k.signed(
    authn=k.statement(), statement=k.authn()))
ODD = {
    "without name": "<saml:Attribute><saml:AttributeValue>a</saml:AttributeValue></saml:Attribute>",
    "empty name": attribute(value("a"), ""), "namespaced name": attribute(value("a")).replace(
        " Name=", ' xmlns:q="urn:q" q:Name='), "small letters": attribute(value("a")).replace(" Name=", " name="),
    "value of another namespace": attribute("<v xmlns='urn:x'>a</v>"), "text": attribute("x" + value("a")),
    "text beside": "x" + attribute(value("a")),
    "instruction inside a value": attribute(value("ad<?x y?>min")),
    "instruction beside a value": attribute(value("<?x y?>a") + value("b")),
    "instruction inside a NameID": attribute(value("<saml:NameID>ad<?x y?>min</saml:NameID>")),
    "another element": "<saml:Audience>x</saml:Audience>", "of another namespace": '<Attribute xmlns="urn:x" Name="x"/>',
}
for name, element in ODD.items():
    refused(f"attribute: {name}", "malformed", "Core 2.7.3", lambda k, e=element: k.signed(statement=k.statement(e)), ONE)
