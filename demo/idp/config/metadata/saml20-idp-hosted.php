<?php
// SPDX-License-Identifier: Apache-2.0

$options = require dirname(__DIR__) . '/options.php';

// keys = "A+B": sign with A, and publish both. A change from k1 to k2 that no
// service provider need notice goes k1 -> k1+k2 -> k2+k1 -> k2.
$keys = explode('+', $options['keys']);

$formats = [
    'transient' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:transient',
    'persistent' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent',
    'email' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress',
    'unspecified' => 'urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified',
];
// The first one is what a request without (or with an unknown) NameIDPolicy gets.
$default = $formats[$options['nameid']];

$idp = [
    'host' => '__DEFAULT__',
    'auth' => 'users',

    'privatekey' => "{$keys[0]}.key",
    'certificate' => "{$keys[0]}.crt",

    'saml20.sign.assertion' => in_array($options['sign'], ['both', 'assertion'], true),
    'saml20.sign.response' => in_array($options['sign'], ['both', 'response'], true),
    'signature.algorithm' => ($options['sigalg'] === 'rsa-sha1')
        ? 'http://www.w3.org/2000/09/xmldsig#rsa-sha1'
        : "http://www.w3.org/2001/04/xmldsig-more#{$options['sigalg']}",
    'assertion.encryption' => $options['encrypt'] === 'yes',
    'validate.authnrequest' => $options['require_signed_requests'] === 'yes',
    'sign.logout' => $options['sign_logout'] === 'yes',

    'SingleSignOnServiceBinding' => [
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    ],
    'SingleLogoutServiceBinding' => [
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect',
        'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST',
    ],
    'NameIDFormat' => array_values(array_unique(array_merge([$default], array_values($formats)))),
    'userid.attribute' => 'uid',

    'authproc' => [
        10 => ['class' => 'saml:PersistentNameID', 'attribute' => 'uid'],
        11 => ['class' => 'saml:AttributeNameID', 'attribute' => 'mail', 'Format' => $formats['email']],
        12 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => $formats['unspecified']],
        13 => ['class' => 'saml:TransientNameID'],
    ],
];

if (isset($keys[1])) {
    $idp['new_privatekey'] = "{$keys[1]}.key";
    $idp['new_certificate'] = "{$keys[1]}.crt";
}

if ($options['attributes'] === 'oid') {
    $idp['attributes.NameFormat'] = 'urn:oasis:names:tc:SAML:2.0:attrname-format:uri';
    $idp['authproc'][90] = ['class' => 'core:AttributeMap', 'name2oid'];
}

$metadata[$options['entityid']] = $idp;
