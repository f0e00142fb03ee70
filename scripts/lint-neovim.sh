#!/bin/sh
# lint-neovim.sh: stylua and luacheck on editors/neovim, where there are any; in CI both must be.
set -eu

cd "$(dirname "$0")/.."
PATH=$(sh scripts/editors.sh --where)/bin:$PATH

check() {
    if command -v "$1" >/dev/null; then
        (cd editors/neovim && "$@")
    elif [ -n "${CI:-}" ]; then
        echo "there is no $1 for editors/neovim" >&2
        exit 1
    else
        echo "$1: not here, so it did not check editors/neovim"
    fi
}

check stylua --check .
check luacheck --quiet .
