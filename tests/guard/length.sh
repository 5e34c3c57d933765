#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions end before line 120, files before line 800, lines of code before column 100.
. "$(dirname "$0")/guard.sh"

functions() {
    files c | xargs awk '
        /^[A-Za-z_].*\(/ { name = $0 }
        /^\{/ { start = FNR }
        /^\}/ && start {
            if (FNR - start - 1 > 120) {
                printf "%s:%d: %d lines: %s\n", FILENAME, start, FNR - start - 1, name
            }
            start = 0
        }'
}

lengths() {
    files c h py sh | while read -r file; do
        lines=$(wc -l <"$file")
        [ "$lines" -le 800 ] || echo "$file: $lines lines"
    done
}

columns() {
    find mod_samlcert \( -name '*.c' -o -name '*.h' \) -type f | sort | xargs awk '
        length > 100 { printf "%s:%d: %d columns\n", FILENAME, FNR, length }'
}

{ functions; lengths; columns; } | verdict length
