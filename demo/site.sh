#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The site of ./quickstart: identity provider, trust directory and httpd, all in one private
# directory DIR, on loopback ports of their own. As root httpd's children run as www-data; as
# anybody else everything runs as that user.
#
# usage: site.sh COMMAND DIR [ARGUMENT...]
#
#   lay DIR BUILD   lay it down, with the module of this build directory
#   start DIR       start the identity provider and httpd, and introduce them to each other
#   running DIR     exit 0 while httpd runs
#   stop DIR        stop both
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)

idp() { # idp COMMAND [ARGUMENT...]
    idp_command=$1
    shift
    "$here/idp/idp.sh" "$idp_command" "$dir/idp" "$@"
}

idp_fact() { # idp_fact NAME
    idp facts | sed -n "s/^$1=//p"
}

get() { # get PATH: from the service provider
    curl --silent --show-error --fail --max-time 10 --noproxy '*' \
        --cacert "$dir/tls/cert.pem" "$(cat "$dir/url")$1"
}

free_port() { # 8443, or any other when that one is taken
    python3 -c '
import socket
for port in 8443, 0:
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind(("127.0.0.1", port))
        print(s.getsockname()[1])
        break
    except OSError:
        pass'
}

make_key() { # make_key KEY CERTIFICATE SUBJECT [ARGUMENT...]
    key=$1 cert=$2 subject=$3
    shift 3
    openssl req -x509 -newkey rsa:2048 -nodes -sha256 -days 365 -subj "$subject" \
        -keyout "$key" -out "$cert" "$@"
}

running() { # prints the pid of our httpd
    pid=$(cat "$dir/httpd.pid" 2>/dev/null) || return 1
    # The pid counts only while it is our own server, not a reused number.
    tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline" | grep -qF " $dir/httpd.conf " || return 1
    echo "$pid"
}

lay() { # lay BUILD
    port=$(free_port)
    url=https://127.0.0.1:$port
    echo "$url" >"$dir/url"
    mkdir -p log tls www state trust/idp/demo trust/sp/default
    chmod 700 state tls
    cp -R "$here/www/." www
    make_key tls/key.pem tls/cert.pem /CN=127.0.0.1 \
        -addext subjectAltName=IP:127.0.0.1 -addext basicConstraints=critical,CA:FALSE

    # The identity provider signs with k1, and k1 is on file as its primary certificate.
    idp init nameid=unspecified
    cp idp/cert/k1.crt trust/idp/demo/primary.pem
    cat >trust/idp/demo/idp.conf <<CONF
EntityID $(idp_fact ENTITY_ID)
SSOUrl $(idp_fact SSO_URL)
CONF

    # Our own key: httpd's children may read it, and write nothing but the state.
    make_key trust/sp/default/active.key trust/sp/default/active.crt "/CN=quickstart"
    chmod 640 trust/sp/default/active.key
    if [ "$(id -u)" -eq 0 ]; then
        chgrp www-data trust/sp/default/active.key
        chown www-data:www-data state
    fi

    {
        echo "Define run \"$dir\""
        echo "Define port $port"
        echo "Define modules \"$(apxs -q LIBEXECDIR)\""
        echo "Define module \"$1/mod_samlcert/.libs/mod_samlcert.so\""
        [ "$(id -u)" -ne 0 ] || echo "Define as_root"
        echo "Include \"$here/httpd.conf\""
    } >httpd.conf
}

start() {
    idp start
    /usr/sbin/apache2 -f "$dir/httpd.conf"
    tries=0
    until get / >/dev/null; do
        tries=$((tries + 1))
        [ $tries -lt 100 ] || { cat "$dir/log/error.log"; exit 1; }
        sleep 0.1
    done
    get /saml/metadata >sp-metadata.xml
    idp add-sp sp-metadata.xml
}

stop() {
    if pid=$(running); then
        kill "$pid"
        while running >/dev/null; do sleep 0.1; done
    fi
    [ ! -e "$dir/idp/options.ini" ] || idp stop
}

[ $# -ge 2 ] || { sed -n '/^# usage/,/^set -eu/{/^#/s/^# \{0,1\}//p;}' "$0" >&2; exit 2; }
umask 022
command=$1 dir=$(CDPATH='' cd -- "$2" && pwd)
shift 2
cd "$dir"
case $command in
lay) lay "$1" ;;
start) start ;;
running) running >/dev/null ;;
stop) stop ;;
*) exit 2 ;;
esac
