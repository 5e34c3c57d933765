#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A tag of a log line (SMC0123) stands in one place of the code, so that it leads there.
. "$(dirname "$0")/guard.sh"

files c h | grep '^mod_samlcert/' | xargs grep -no '"SMC[0-9][0-9][0-9][0-9]' /dev/null \
    | awk -F: '
        $3 in first {
            if (first[$3] != "") { print first[$3]; first[$3] = "" }
            print
            next
        }
        { first[$3] = $0 }' \
    | verdict tags
