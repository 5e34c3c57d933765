#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The reference manual says what the code says, and the sample configuration has every directive and
# no other. Wants the built manual: $top_builddir/docs/reference.md (set by `make check`).
built=$(cd "${top_builddir:-.}" && pwd)/docs/reference.md
. "$(dirname "$0")/guard.sh"
[ -s "$built" ] || { echo "$0: $built is not built" >&2; exit 2; }

# Names in the first column of its tables: directives begin with SamlCert, settings don't.
names() {
    sed -n 's/^| `\([A-Za-z]*\)` |.*/\1/p' "$built" | sort -u
}

manual() {
    diff -u docs/directives/reference.md "$built" 2>&1 | head -n 20 \
        | sed 's/^/docs\/directives\/reference.md (run make reference): /'
}

sample() {
    [ -f conf/samlcert.conf ] || { echo 'conf/samlcert.conf: not there'; return; }
    names | grep '^SamlCert' | while read -r name; do
        grep -qw "$name" conf/samlcert.conf || echo "conf/samlcert.conf: no $name"
    done
    grep -ow 'SamlCert[A-Za-z]*' conf/samlcert.conf | sort -u | while read -r name; do
        names | grep -qxE "$name|${name#SamlCert}" || [ "$name" = SamlCertIdP ] \
            || echo "conf/samlcert.conf: there is no directive $name"
    done
}

{ manual; sample; } | verdict reference
