#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A throw-away SimpleSAMLphp identity provider for the demo and the tests.
#
# It needs the packages of the set "demo" in scripts/packages.sh and nothing else:
# no root, no web server, no files outside the directory that it is given. The
# files in config/ are read in place; keys, options, logs and sessions are kept
# in the instance directory DIR, so several instances can run side by side.
#
# usage: idp.sh COMMAND DIR [ARGUMENT...]
#
#   init DIR [NAME=VALUE...]  lay down an instance (keys, certificates, options)
#   add-sp DIR FILE...        trust the service provider(s) with this metadata
#   start DIR                 start it in the background
#   stop DIR                  stop it
#   set DIR NAME=VALUE...     change options; takes effect at the next request
#   keys DIR WHICH            the same as: set DIR keys=WHICH
#   metadata DIR              fetch the metadata; print the path of the copy
#   facts DIR                 print what a service provider or a test must know
#
# Options and their defaults are listed in README.md.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
www=${SIMPLESAMLPHP_WWW:-/usr/share/simplesamlphp/www}

die() { echo "idp.sh: $*" >&2; exit 1; }
usage() { sed -n '/^# usage/,/^set -eu/{/^#/s/^# \{0,1\}//p;}' "$0" >&2; exit 2; }

get() { # get NAME: one option of the instance
    sed -n "s/^$1 *= *\"\{0,1\}\([^\"]*\)\"\{0,1\} *\$/\1/p" "$dir/options.ini" | tail -n 1
}

set_option() { # set_option NAME=VALUE
    name=${1%%=*} value=${1#*=}
    case $1 in *=*) ;; *) die "not NAME=VALUE: $1" ;; esac
    grep -q "^$name = " "$dir/options.ini" || die "no such option: $name"
    case $value in *[\"\\\&\|]*) die "bad character in the value of $name" ;; esac
    # Written aside and renamed: a request in flight never reads half a file.
    sed "s|^$name = .*|$name = \"$value\"|" "$dir/options.ini" >"$dir/options.ini.new"
    chmod 600 "$dir/options.ini.new"
    mv "$dir/options.ini.new" "$dir/options.ini"
}

make_key() { # make_key NAME DAYS
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days "$2" \
        -subj "/CN=Example IdP signing key $1" \
        -keyout "$dir/cert/$1.key" -out "$dir/cert/$1.crt" 2>/dev/null
}

listens() { # something listens on the port
    php -r 'exit(@fsockopen("127.0.0.1", (int)$argv[1]) ? 0 : 1);' "$(get port)"
}

random() { openssl rand -hex 16; }

free_port() {
    php -r '$s = stream_socket_server("tcp://127.0.0.1:0"); echo explode(":", stream_socket_get_name($s, false))[1];'
}

base() { echo "http://$(get host):$(get port)"; }

running() { # prints the pid of the running server
    [ -s "$dir/pid" ] || return 1
    pid=$(cat "$dir/pid")
    # The pid counts only while it is our own server, not a reused number.
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF "127.0.0.1:$(get port) " || return 1
    echo "$pid"
}

[ $# -ge 2 ] || usage
command=$1 dir=$2
shift 2
if [ "$command" != init ]; then
    [ -r "$dir/options.ini" ] || die "$dir has no instance; make one with: idp.sh init $dir"
    dir=$(CDPATH='' cd -- "$dir" && pwd)
fi
case $command in
init)
    [ ! -e "$dir/options.ini" ] || die "$dir already has an instance"
    mkdir -p "$dir"
    dir=$(CDPATH='' cd -- "$dir" && pwd)
    for d in cert log data tmp session sp; do mkdir -p "$dir/$d"; done
    chmod 700 "$dir/cert" "$dir/session" "$dir/data"
    make_key k1 3650
    make_key k2 3650
    cat >"$dir/options.ini" <<END
host = "localhost"
port = "$(free_port)"
entityid = ""
keys = "k1"
sign = "both"
sigalg = "rsa-sha256"
encrypt = "no"
nameid = "transient"
attributes = "basic"
require_signed_requests = "no"
sign_logout = "yes"
sign_metadata = "no"
session_minutes = "480"
salt = "$(random)"
admin_password = "$(random)"
END
    chmod 600 "$dir/options.ini"
    for o in "$@"; do set_option "$o"; done
    [ -n "$(get entityid)" ] || set_option "entityid=$(base)/saml2/idp/metadata.php"
    echo "$dir"
    ;;
add-sp)
    for f in "$@"; do
        [ -r "$f" ] || die "cannot read $f"
        # One file per entity ID: adding a changed metadata file replaces it.
        id=$(sed -n 's/.*entityID *= *["'\'']\([^"'\'']*\)["'\''].*/\1/p' "$f" | head -n 1)
        [ -n "$id" ] || die "no entityID in $f"
        cp "$f" "$dir/sp/.new"
        mv "$dir/sp/.new" "$dir/sp/$(printf %s "$id" | sha256sum | cut -c 1-16).xml"
        echo "$id"
    done
    ;;
start)
    [ -r "$www/module.php" ] || die "$www/module.php not found: is simplesamlphp installed?"
    ! running >/dev/null || die "already running (pid $(running))"
    ! listens || die "port $(get port) is taken"
    # The built-in server of PHP, on loopback only. One worker serves one request at a time.
    PHP_CLI_SERVER_WORKERS=4 IDP_DIR=$dir SIMPLESAMLPHP_CONFIG_DIR=$here/config \
        setsid php -d session.use_strict_mode=1 -d expose_php=0 -d display_errors=0 \
        -d log_errors=1 -d error_log="$dir/log/php.log" -d error_reporting=22527 \
        -S "127.0.0.1:$(get port)" -t "$www" >>"$dir/log/access.log" 2>&1 </dev/null &
    echo $! >"$dir/pid"
    i=0
    until listens; do
        i=$((i + 1))
        [ $i -lt 100 ] || { tail -n 5 "$dir/log/access.log" >&2; die "it does not listen"; }
        sleep 0.1
    done
    base
    ;;
stop)
    pid=$(running) || { rm -f "$dir/pid"; exit 0; }
    # setsid made it the leader of a process group that holds its workers too.
    kill -s TERM -- "-$pid"
    while running >/dev/null; do sleep 0.1; done
    rm -f "$dir/pid"
    ;;
set)
    for o in "$@"; do set_option "$o"; done
    ;;
keys)
    case ${1-} in
    k1 | k1+k2 | k2+k1 | k2) set_option "keys=$1" ;;
    *) die "keys: k1, k1+k2, k2+k1 or k2" ;;
    esac
    ;;
metadata)
    php -r '
        $text = file_get_contents($argv[1]);
        if ($text === false || strpos($text, "EntityDescriptor") === false) exit(1);
        file_put_contents("$argv[2].new", $text);
        rename("$argv[2].new", $argv[2]);
    ' "$(base)/saml2/idp/metadata.php" "$dir/idp-metadata.xml" || die "no metadata; see $dir/log/"
    echo "$dir/idp-metadata.xml"
    ;;
facts)
    cat <<END
ENTITY_ID=$(get entityid)
METADATA_URL=$(base)/saml2/idp/metadata.php
SSO_URL=$(base)/saml2/idp/SSOService.php
SLO_URL=$(base)/saml2/idp/SingleLogoutService.php
IDP_INITIATED_URL=$(base)/saml2/idp/SSOService.php?spentityid={SP_ENTITY_ID}&RelayState={RELAY_STATE}
IDP_LOGOUT_URL=$(base)/saml2/idp/SingleLogoutService.php?ReturnTo={RETURN_TO}
KEYS=$(get keys)
USERS=alice:alicepass bob:bobpass
END
    ;;
*) usage ;;
esac
