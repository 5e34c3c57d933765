#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# There is one place where a response becomes accepted, and one function where a key
# becomes trusted.
. "$(dirname "$0")/guard.sh"

# Lines of code without their comments, as FILE:LINE:FUNCTION:TEXT
code() {
    files c h | grep '^mod_samlcert/' | xargs awk '
        FNR == 1 { name = "" }
        /^[A-Za-z_].*\(/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
        {
            line = $0
            gsub(/\/\*.*\*\//, "", line)
            if (line !~ /^ \*|^\/\*/) { printf "%s:%d:%s:%s\n", FILENAME, FNR, name, line }
        }'
}

accepted() {
    code | grep 'SAMLC_ACCEPTED' | grep -vE '[=!]= *SAMLC_ACCEPTED|typedef enum' | awk '
        { lines = lines $0 "\n" }
        END {
            if (NR != 1 || lines !~ /[^=!]= *SAMLC_ACCEPTED;/) {
                printf "SAMLC_ACCEPTED is to be assigned exactly once, here it is %d times\n", NR
                printf "%s", lines
            }
        }'
}

trusted() {
    code | grep -E 'is_trusted *=[^=]' | awk -F: '
        { lines = lines $0 "\n"; if (!(($1 $3) in seen)) { seen[$1 $3] = 1; n++ } }
        END {
            if (n != 1) {
                printf "is_trusted is to be set in exactly one function, here in %d\n%s", n, lines
            }
        }'
}

{ accepted; trusted; } | verdict accept
