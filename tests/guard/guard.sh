# SPDX-License-Identifier: Apache-2.0
# What every guard needs; sourced. A guard looks at the source tree and prints one line for each
# finding; any finding fails it. `sh NAME.sh [TREE]`; under `make check` the tree is $top_srcdir.
# selftest.sh proves of each guard that it can fail.

LC_ALL=C
export LC_ALL
root=${1:-${top_srcdir:-$(dirname "$0")/../..}}
[ -d "$root/mod_samlcert" ] || { echo "$0: no source tree in $root" >&2; exit 2; }
cd "$root" || exit 2

# Reads the findings; fails if there are any.
verdict() {
    findings=$(cat)
    if [ -z "$findings" ]; then
        echo "$1: nothing found"
        exit 0
    fi
    printf '%s\n' "$findings"
    exit 1
}

# The files of ours with one of these endings, below one of our directories or at the top.
files() {
    for ending in "$@"; do
        find mod_samlcert tests docs apxs scripts demo conf -name "*.$ending" -type f 2>/dev/null
    done | sort
}
