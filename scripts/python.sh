#!/bin/sh
# python.sh venv DIR [PYTHON]: make a virtual environment, whole or not at all.
# python.sh all: tell this machine's Pythons of 3.11 and newer, the oldest first: version and path.
#
# Looked at are PATH, pyenv's and uv's own.
set -eu

all() {
    {
        echo "$PATH" | tr : '\n' | while read -r place; do
            ls "$place"/python3 "$place"/python3.[1-9][0-9] 2>/dev/null || true
        done
        for python in "${PYENV_ROOT:-${HOME:-/}/.pyenv}"/versions/*/bin/python3 \
            "${HOME:-/}"/.local/share/uv/python/*/bin/python3; do
            echo "$python"
        done
    } | while read -r python; do
        # What does not run, as a shim that leads nowhere, is none.
        "$python" -c '
import os, sys
version = sys.version_info
if version >= (3, 11) and version.releaselevel == "final" and sys.prefix == sys.base_prefix:
    print("%03d" % version[1], "%d.%d" % version[:2], os.path.realpath(sys.executable))
' 2>/dev/null </dev/null || true
    done | sort -u -k 1,1 | cut -d ' ' -f 2-
}

whole() {
    "$1/bin/python" -c '' 2>/dev/null || return 1
    command -v uv >/dev/null || [ -x "$1/bin/uv" ] || [ -e "$1/.whole" ]
}

case $1 in
all) all ;;
venv)
    dir=$2
    python=${3:-python3}
    ! whole "$dir" || exit 0
    # What an earlier try has left would only be in the way.
    rm -rf "$dir"
    trap 'rm -rf "$dir"' EXIT
    trap 'exit 1' HUP INT TERM
    if command -v uv >/dev/null; then
        uv venv -q --python "$python" "$dir"
    elif ! said=$("$python" -m venv "$dir" 2>&1); then
        echo "$python can't make a virtual environment:" >&2
        echo "$said" | grep -v '^$' | tail -n 4 >&2
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null || echo 3)
        echo "Install its module venv (on Debian and Ubuntu: apt-get install python$version-venv), or uv." >&2
        exit 1
    fi
    touch "$dir/.whole"
    trap - EXIT
    ;;
*)
    echo "python.sh knows no $1" >&2
    exit 2
    ;;
esac
