#!/usr/bin/env bash
# Runs the Autobahn WebSocket test suite (its fuzzing client) against a server on this machine, which echoes every
# message.
#
#   autobahn.sh ws://127.0.0.1:PORT/PATH [--cases '*'|'1.*,2.*'] [--exclude '9.*,12.*,13.*']
#               [--allow-unimplemented] [--out DIR] [--timeout SECONDS]
#   autobahn.sh --setup            only creates the Python environment
#
# The cases are 1 framing, 2 pings, 3 reserved bits, 4 opcodes, 5 fragmentation, 6 UTF-8, 7 closing, 9 sizes and speed,
# 10 misc, 12 and 13 permessage-deflate (the slow ones). '*' in a pattern also runs across dots; quote it.
#
# It prints a line for each failed case, then totals. UNIMPLEMENTED (permessage-deflate was not agreed on) counts as
# failed unless --allow-unimplemented. NON-STRICT is counted separately and is not a failure. Exit status: 0 nothing
# failed; 1 something failed, or a case has no result; 2 could not start; 3 there is no Python 2.7.
#
# Reports (index.html, index.json, wstest.log) go to a temporary folder, which is removed when nothing failed; --out DIR
# keeps them in a folder. The environment is at ${AUTOBAHN_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/autobahn}. It needs
# Python 2.7 (the suite does not run on newer versions), taken from $AUTOBAHN_PYTHON2, pyenv or PATH.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
venv=${AUTOBAHN_VENV:-${XDG_CACHE_HOME:-$HOME/.cache}/autobahn}
virtualenv=virtualenv==16.7.12
wsaccel=wsaccel==0.6.2  # masking and UTF-8 in C: optional, but several times faster
requirements=$here/autobahn_requirements.txt

say() { printf 'autobahn.sh: %s\n' "$*" >&2; }
die() { say "$*"; exit 2; }
usage() { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "$0"; }

find_python2() {
    local python
    for python in "${AUTOBAHN_PYTHON2:-}" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/2.7.*/bin/python2.7 \
        "$(command -v python2.7 || true)"; do
        [ -x "$python" ] || continue
        "$python" -c 'import sys, zlib, ssl, ctypes; sys.exit(sys.version_info[:2] != (2, 7))' 2>/dev/null || continue
        printf '%s\n' "$python"
        return
    done
    return 1
}

remove_old_environment() {  # only if an earlier run of this script created it
    [ -e "$venv" ] || return 0
    [ -f "$venv/.made-by-autobahn.sh" ] || rmdir "$venv" 2>/dev/null ||
        die "$venv exists and is not from this script; set AUTOBAHN_VENV to another folder"
    rm -rf "$venv"
}

install_suite() {  # install_suite PYTHON TEMPORARY
    "$1" -m pip install -q --no-deps --target "$2/boot" $virtualenv &&
        PYTHONPATH=$2/boot "$1" -m virtualenv -q --no-download "$venv" &&
        "$venv/bin/python" -m pip install -q --no-deps -r "$requirements"
}

setup() {  # creates the environment, unless it exists with exactly these versions
    local python temporary
    versions=$(printf '%s\n' $virtualenv "$(cat "$requirements")" $wsaccel)
    if [ -f "$venv/.pins" ] && [ "$(cat "$venv/.pins")" = "$versions" ]; then return 0; fi
    python=$(find_python2) || { say 'no Python 2.7 found; set AUTOBAHN_PYTHON2 to one that has pip, ssl and zlib'; exit 3; }
    remove_old_environment
    say "making $venv with $python"
    mkdir -p "$venv" || die "cannot make $venv"
    : >"$venv/.made-by-autobahn.sh"
    temporary=$(mktemp -d) || die 'no temporary folder'
    install_suite "$python" "$temporary" >"$temporary/log" 2>&1 || {
        tail -n 20 "$temporary/log" >&2
        rm -rf "$temporary"
        die 'the install failed'
    }
    "$venv/bin/python" -m pip install -q --no-deps $wsaccel >"$temporary/log" 2>&1 ||
        say "no $wsaccel (is there a C compiler?): works, but 9.*, 12.* and 13.* are slower"
    rm -rf "$temporary"
    "$venv/bin/wstest" --autobahnversion >&2 || die "wstest does not run in $venv"
    printf '%s\n' "$versions" >"$venv/.pins"
}

url='' cases='*' excluded='' out='' allowed=0 limit=3600 only_setup=0
while [ $# -gt 0 ]; do
    case $1 in
        --cases | --exclude | --out | --timeout) [ $# -ge 2 ] || die "$1 needs a value" ;;
    esac
    case $1 in
        --cases) cases=$2; shift ;;
        --exclude) excluded=$2; shift ;;
        --out) out=$2; shift ;;
        --timeout) limit=$2; shift ;;
        --allow-unimplemented) allowed=1 ;;
        --setup) only_setup=1 ;;
        -h | --help) usage; exit 0 ;;
        -*) die "unknown option $1 (see --help)" ;;
        *) [ -z "$url" ] || die "one address only, not also $1 (quote patterns)"; url=$1 ;;
    esac
    shift
done
if [ $only_setup = 0 ]; then
    [[ $url =~ ^ws://(127\.[0-9.]+|localhost)(:[0-9]+)?(/.*)?$ ]] ||
        die 'needs the address of a server on this machine, such as ws://127.0.0.1:9001/ (see --help)'
    [[ $limit =~ ^[1-9][0-9]*$ ]] || die "--timeout takes whole seconds, not $limit"
fi

unset PYTHONPATH PYTHONHOME
export PYTHONDONTWRITEBYTECODE=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONWARNINGS=ignore
(flock 9; setup) 9>>"${TMPDIR:-/tmp}/autobahn-setup.$(id -u).lock" || exit $?
[ $only_setup = 0 ] || exit 0

keep=1
if [ -z "$out" ]; then out=$(mktemp -d "${TMPDIR:-/tmp}/autobahn.XXXXXX"); keep=0; fi
mkdir -p "$out" || die "cannot make $out"
status=0
timeout --foreground -k 10 $((limit + 120)) "$venv/bin/python" -u "$here/autobahn_driver.py" \
    "$url" "$cases" "$excluded" "$out" "$limit" "$allowed" || status=$?
if [ $status -gt 2 ]; then say "the fuzzing client ended with status $status"; status=1; fi
if [ $keep = 0 ] && { [ $status = 0 ] || [ ! -e "$out/index.html" ]; }; then
    rm -rf "$out"
else
    say "reports: $out/index.html"
fi
exit $status
