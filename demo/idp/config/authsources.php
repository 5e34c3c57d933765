<?php
// SPDX-License-Identifier: Apache-2.0

$config = [
    'admin' => ['core:AdminPassword'],

    // "user:password" => attributes. Bob has non-ASCII and several values.
    'users' => [
        'exampleauth:UserPass',
        'alice:alicepass' => [
            'uid' => ['alice'],
            'mail' => ['alice@example.org'],
            'cn' => ['Alice Example'],
            'givenName' => ['Alice'],
            'sn' => ['Example'],
            'eduPersonPrincipalName' => ['alice@example.org'],
            'eduPersonAffiliation' => ['member', 'staff'],
        ],
        'bob:bobpass' => [
            'uid' => ['bob'],
            'mail' => ['bob@example.org', 'robert@example.com'],
            'cn' => ['Bób Ünïcode & <Sons>'],
            'givenName' => ['Bób'],
            'sn' => ['Ünïcode & <Sons>'],
            'eduPersonPrincipalName' => ['bob@example.org'],
            'eduPersonAffiliation' => ['member', 'student', 'library; walk-in'],
        ],
    ],
];
