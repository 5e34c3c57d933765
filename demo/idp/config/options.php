<?php
// SPDX-License-Identifier: Apache-2.0
// The options of this instance, read anew at each request. See README.md.

return (static function (): array {
    $dir = getenv('IDP_DIR');
    if ($dir === false || !is_readable("$dir/options.ini")) {
        throw new Exception('IDP_DIR must name an instance laid down by "idp.sh init"');
    }
    $options = parse_ini_file("$dir/options.ini", false, INI_SCANNER_RAW);
    $options['dir'] = $dir;
    $options['base'] = "http://{$options['host']}:{$options['port']}/";
    return $options;
})();
