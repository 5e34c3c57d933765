# SPDX-License-Identifier: Apache-2.0
# What ./quickstart and ./check say, and how it looks. Sourced by both; plain sh.
#
#   ui_title TEXT             a headline
#   ui_ok NAME [TEXT]         a line for what is done:     "  ok  NAME  TEXT"
#   ui_fail NAME [TEXT]       the same for what is not, on standard error
#   ui_note TEXT              a quiet line
#   ui_die TEXT               say it on standard error and exit 1
#   ui_run NAME LOG CMD...    run CMD with its output in LOG: one line with the time it took,
#                             or, when it fails, the end of LOG, and its exit status
#
# Colours only on a terminal, never with NO_COLOR set (https://no-color.org).

ui_bold='' ui_dim='' ui_green='' ui_red='' ui_blue='' ui_plain='' ui_tty=''
if [ -t 1 ] && [ "${TERM:-dumb}" != dumb ]; then
    ui_tty=1
    if [ -z "${NO_COLOR:-}" ]; then
        ui_esc=$(printf '\033')
        ui_bold="${ui_esc}[1m" ui_dim="${ui_esc}[2m" ui_green="${ui_esc}[32m"
        ui_red="${ui_esc}[31m" ui_blue="${ui_esc}[36m" ui_plain="${ui_esc}[0m"
    fi
fi

ui_title() { printf '\n%s%s%s\n\n' "$ui_bold" "$*" "$ui_plain"; }
ui_ok() { ui_name=$1; shift; printf '  %sok%s  %-18s %s\n' "$ui_green" "$ui_plain" "$ui_name" "$*"; }
ui_note() { printf '      %s%s%s\n' "$ui_dim" "$*" "$ui_plain"; }
ui_die() { printf '\n%s%s%s\n' "$ui_red" "$*" "$ui_plain" >&2; exit 1; }

ui_fail() {
    ui_name=$1
    shift
    printf '  %sno%s  %-18s %s\n' "$ui_red" "$ui_plain" "$ui_name" "$*" >&2
}

ui_run() {
    ui_label=$1 ui_log=$2 ui_start=$(date +%s) ui_status=0
    shift 2
    [ -z "$ui_tty" ] || printf '  ..  %s' "$ui_label"
    "$@" >"$ui_log" 2>&1 </dev/null || ui_status=$?
    [ -z "$ui_tty" ] || printf '\r\033[K'
    if [ "$ui_status" -eq 0 ]; then
        ui_ok "$ui_label" "$(($(date +%s) - ui_start)) s"
    else
        ui_fail "$ui_label" "exit status $ui_status; the end of $ui_log:"
        tail -n 20 "$ui_log" | sed 's/^/      /' >&2
    fi
    return "$ui_status"
}
