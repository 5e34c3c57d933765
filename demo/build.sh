#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Build the module and the CLI out of tree. The second time, only what has changed.
#
# usage: build.sh DIR
set -eu

src=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "$1"
cd "$1"

# Two starts at the same time build one after the other.
exec 9>build.lock
flock 9

if [ ! -x "$src/configure" ]; then
    # What a failed run leaves behind must not pass for the real one the next time.
    (cd "$src" && autoreconf -fi) || { rm -f "$src/configure"; exit 1; }
fi
[ -f config.status ] || "$src/configure"
make -j"$(nproc)"
