#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every test that is written is run: each START_TEST is in a suite, each suite in the programme.
. "$(dirname "$0")/guard.sh"

registered() {
    for file in tests/unit/test_*.c; do
        sed -n 's/^START_TEST(\(.*\)).*/\1/p' "$file" | while read -r name; do
            tr '\n' ' ' <"$file" | grep -qE "\((tc|[a-z_]*case)[a-z_]*, *$name *[,)]" \
                || echo "$file: $name is not in a test case"
        done
    done
}

known() {
    for file in tests/unit/test_*.c; do
        base=${file##*/}
        noun=${base#test_}
        noun=${noun%.c}
        grep -qx "SUITE($noun)" tests/unit/suites.h || echo "$file: suites.h has no SUITE($noun)"
        grep -qwF "$base" tests/unit/Makefile.am || echo "$file: not in tests/unit/Makefile.am"
        grep -q "^Suite \*suite_$noun(void)" "$file" || echo "$file: no function suite_$noun"
    done
    sed -n 's/^SUITE(\(.*\))$/\1/p' tests/unit/suites.h | while read -r noun; do
        [ -f "tests/unit/test_$noun.c" ] || echo "tests/unit/suites.h: no test_$noun.c"
    done
    sort tests/unit/suites.h | uniq -d | sed 's|^|tests/unit/suites.h: twice: |'
}

guards() {
    for file in tests/guard/*.sh; do
        [ "$file" = tests/guard/guard.sh ] || grep -qF "guard/${file##*/}" tests/Makefile.am \
            || echo "$file: not in tests/Makefile.am"
    done
}

{ registered; known; guards; } | verdict tests
