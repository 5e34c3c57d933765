#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every file says its licence within its first three lines.
. "$(dirname "$0")/guard.sh"

{ files c h py sh am; ls configure.ac Makefile.am check quickstart apxs/samlc_*.m4; } 2>/dev/null \
    | while read -r file; do
        head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' \
            || echo "$file: no SPDX-License-Identifier: Apache-2.0"
    done | verdict words
