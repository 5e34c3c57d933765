<?php
// SPDX-License-Identifier: Apache-2.0

$options = require __DIR__ . '/options.php';
$dir = $options['dir'];

// Each service provider's metadata file is one source; "idp.sh add-sp" puts it there.
$sources = [['type' => 'flatfile']];
foreach (glob("$dir/sp/*.xml") as $file) {
    $sources[] = ['type' => 'xml', 'file' => $file];
}

$config = [
    'baseurlpath' => $options['base'],
    'certdir' => "$dir/cert/",
    'loggingdir' => "$dir/log/",
    'datadir' => "$dir/data/",
    'tempdir' => "$dir/tmp/",
    'metadatadir' => __DIR__ . '/metadata/',
    // Debian keeps the maps beside the configuration that we do not use.
    'attributenamemapdir' => '/etc/simplesamlphp/attributemap/',

    'secretsalt' => $options['salt'],
    'auth.adminpassword' => $options['admin_password'],
    'technicalcontact_name' => 'Administrator',
    'technicalcontact_email' => 'na@example.org',
    'timezone' => 'UTC',
    'admin.protectindexpage' => true,
    'admin.checkforupdates' => false,
    // A development IdP: log-out may return the browser to any local URL.
    'trusted.url.domains' => ['(localhost|127\.0\.0\.1|\[::1\])(:[0-9]+)?'],
    'trusted.url.regex' => true,

    'debug' => ['saml' => true, 'backtraces' => true, 'validatexml' => false],
    'showerrors' => true,
    'errorreporting' => false,
    'logging.level' => SimpleSAML\Logger::DEBUG,
    'logging.handler' => 'file',
    'logging.logfile' => 'simplesamlphp.log',

    'enable.saml20-idp' => true,
    'module.enable' => ['core' => true, 'saml' => true, 'exampleauth' => true],

    // Plain HTTP on loopback, hence no Secure cookies, hence SameSite=Lax.
    'session.cookie.secure' => false,
    'session.cookie.samesite' => 'Lax',
    'language.cookie.secure' => false,
    'language.cookie.samesite' => 'Lax',
    'session.phpsession.savepath' => "$dir/session",
    // Not 'SimpleSAML' alone: cookies do not keep two ports of one host apart.
    'session.phpsession.cookiename' => "SimpleSAML{$options['port']}",
    'session.authtoken.cookiename' => "SimpleSAMLAuthToken{$options['port']}",
    'session.cookie.name' => "SimpleSAMLSessionID{$options['port']}",
    'session.duration' => 60 * (int) $options['session_minutes'],

    'language.available' => ['en'],
    'language.default' => 'en',

    'metadata.sources' => $sources,
    'metadata.sign.enable' => $options['sign_metadata'] === 'yes',

    'store.type' => 'sql',
    'store.sql.dsn' => "sqlite:$dir/data/store.sqlite",
];
