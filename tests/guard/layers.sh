#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Who may include what: the core and the command know nothing of httpd, each library has its doors,
# and there is one place where a redirect leaves the module.
. "$(dirname "$0")/guard.sh"

# library <tab> how its headers begin <tab> the files that may include them, as a pattern
doors='
OpenSSL	openssl/	core/(keys/.*|base/result|trust/(chain|conflict|constraint|crl|signcerts)|reload/(selftest|snapshot)|xml/(encryption|signature)|saml/(redirect|request)|store/store)
libxml2	libxml/	core/(xml/.*|saml/(response|message|assertion)|trust/metadata)
xmlsec1	xmlsec/	core/xml/(signature|xml)
jansson	jansson	core/report
LMDB	lmdb	core/store/lmdb.*
zlib	zlib	core/saml/(redirect|request)
'

library_doors() {
    echo "$doors" | while IFS='	' read -r library header door; do
        [ -n "$library" ] || continue
        files c h | grep '^mod_samlcert/' | grep -vE "^mod_samlcert/$door\.[ch]\$" \
            | xargs grep -nE "^ *# *include *[<\"]$header" \
            | awk -v note="$library belongs to $door" '{ print $0 "   (" note ")" }'
    done
}

no_httpd_below() {
    httpd='(httpd|(http|ap|util|mod)_[a-z_]+|mpm_common|os|scoreboard|unixd)\.h'
    files c h | grep -E '^(mod_samlcert/(core|cli)|tests/unit)/' \
        | xargs grep -nE "^ *# *include *([<\"]$httpd|\"httpd/)" \
        | sed 's/$/   (a header of httpd outside the module)/'
    files c h | grep '^mod_samlcert/core/' | xargs grep -nE '^ *# *include *"cli/' \
        | sed 's/$/   (the core calls nobody above it)/'
}

# Each directory of the core calls only those in front of it; the report alone calls them all.
floors='base keys store xml trust reload history saml'

calls_run_downwards() {
    files c h | grep -E '^mod_samlcert/core/[a-z]+/' \
        | xargs grep -nE '^ *# *include *"core/[a-z]+/' \
        | awk -v floors="$floors" '
            BEGIN { n = split(floors, names, " "); for (i = 1; i <= n; i++) floor[names[i]] = i }
            {
                split($0, path, "/"); from = path[3]
                to = $0; sub(/.*"core\//, "", to); sub(/\/.*/, "", to)
                if (!floor[from] || !floor[to] || floor[to] > floor[from])
                    print $0 "   (" from " is below " to ")"
            }'
    files c h | grep -E '^mod_samlcert/core/[a-z]+/' \
        | xargs grep -nE '^ *# *include *"core/[a-z]+\.h"' \
        | sed 's/$/   (nothing in the core calls the report)/'
}

# The link line is the proof: whatever httpd would have to supply is missing there.
core_links_alone() {
    grep -qx 'samlcertctl_LDADD = libsamlcert.la' mod_samlcert/Makefile.am \
        || echo 'mod_samlcert/Makefile.am: samlcertctl links more than libsamlcert.la'
    grep -qxE 'unit_LDADD = \$\(top_builddir\)/mod_samlcert/libsamlcert.la \$\(CHECK_LIBS\)' \
        tests/unit/Makefile.am \
        || echo 'tests/unit/Makefile.am: the unit tests link more than libsamlcert.la and Check'
}

one_exit() {
    files c h | grep '^mod_samlcert/httpd/' | grep -v '^mod_samlcert/httpd/reply\.c$' \
        | xargs grep -n '"Location"' | sed 's/$/   (only reply.c sends a browser elsewhere)/'
}

{ library_doors; no_httpd_below; calls_run_downwards; core_links_alone; one_exit; } </dev/null | verdict layers
