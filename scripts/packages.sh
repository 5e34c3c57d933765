# SPDX-License-Identifier: Apache-2.0
# The Debian packages that the project needs: the one place where they are listed, and the
# function that installs what is missing. Sourced by ./quickstart and ./check; plain sh.
#
#   packages_missing SET...   print the packages of the sets (build, demo, test) not installed
#   packages_install SET...   install them; as root, or through sudo

packages_build='
    gcc libc6-dev make autoconf automake libtool pkg-config
    apache2-bin apache2-dev libapr1-dev libaprutil1-dev
    libssl-dev libxml2-dev libxmlsec1-dev libjansson-dev liblmdb-dev zlib1g-dev
'

# php-cgi is there so that simplesamlphp does not bring mod_php, which would turn an httpd that
# is already on the machine to another MPM.
packages_demo='
    apache2-bin openssl curl python3
    simplesamlphp php-cli php-cgi php-xml php-mbstring php-curl php-sqlite3
'

packages_test='
    check clang valgrind xmlsec1
    python3 python3-pytest python3-requests python3-lxml python3-cryptography e2fsprogs
    python3-selenium chromium chromium-driver
'

packages_missing() {
    for packages_set in "$@"; do
        case $packages_set in
        build) echo $packages_build ;;
        demo) echo $packages_demo ;;
        test) echo $packages_test ;;
        *) echo "packages.sh: no such set: $packages_set" >&2; return 2 ;;
        esac
    done | tr ' ' '\n' | sort -u | while read -r packages_name; do
        case $(dpkg-query -W -f='${db:Status-Status}' "$packages_name" 2>/dev/null) in
        installed) ;;
        *) echo "$packages_name" ;;
        esac
    done
}

# Runs as root with the missing packages as its arguments. Debian starts a service as soon as its
# package is installed, and simplesamlphp depends on a web server: while we install, no service
# starts, stops or restarts, and an apache2 that came with it does not start at boot either.
packages_script='
    set -e
    export DEBIAN_FRONTEND=noninteractive
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        trap "rm -f $policy" EXIT
        trap "exit 1" HUP INT TERM
        printf "#!/bin/sh\nexit 101\n" >$policy
        chmod 755 $policy
    fi
    had_apache2=$(dpkg-query -W -f="\${db:Status-Status}" apache2 2>/dev/null) || true
    apt-get update || echo "apt-get update failed; going on with the lists that are here"
    apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=300 "$@"
    has_apache2=$(dpkg-query -W -f="\${db:Status-Status}" apache2 2>/dev/null) || true
    if [ "$had_apache2" != installed ] && [ "$has_apache2" = installed ]; then
        update-rc.d apache2 disable
    fi
'

packages_install() {
    command -v dpkg-query >/dev/null && command -v apt-get >/dev/null || {
        echo "This needs Debian or one of its relatives: there is no apt-get here." >&2
        return 1
    }
    packages_list=$(packages_missing "$@") || return
    [ -n "$packages_list" ] || return 0
    if [ "$(id -u)" -eq 0 ]; then
        packages_root=
    elif command -v sudo >/dev/null; then
        packages_root=sudo
    else
        echo "Not root, and no sudo here. As root, run:" >&2
        echo "  apt-get install --no-install-recommends" $packages_list >&2
        return 1
    fi
    $packages_root sh -c "$packages_script" packages $packages_list
}
