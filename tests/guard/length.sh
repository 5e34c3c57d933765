#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Functions end before line 120, files before line 800.
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

{ functions; lengths; } | verdict length
