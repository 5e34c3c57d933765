# SPDX-License-Identifier: Apache-2.0
"""A service provider that exists on paper only: enough for the real IdP to answer it."""

from .browser import Browser

ENTITY_ID = "https://paper.example.org/saml"
ACS = f"{ENTITY_ID}/acs"
METADATA = f"""\
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{ENTITY_ID}">
 <md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
  <md:AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
   Location="{ACS}" index="0"/>
 </md:SPSSODescriptor>
</md:EntityDescriptor>
"""


def capture(idp, user="alice", relay_state=None):
    """A real, unsolicited Response."""
    idp.add_sp(METADATA)
    return Browser("", idp=idp).at_idp(idp.unsolicited_url(ENTITY_ID, relay_state), user)
