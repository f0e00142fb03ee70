#!/bin/sh
# editors.sh: set up the real editors that tests/editors runs, and the linters of editors/.
#
#   editors.sh           what is not there yet; a second call takes no time
#   editors.sh --where   print their directory, be it there or not
#
# They live outside the tree, by version: a change of what is set up here gets a new directory.
# What cannot be had here is told in a line, and the status is 1.
set -eu

here=$(dirname "$0")
STYLUA=2.5.2

version=$(cat "$here/editors.sh" "$here/modern-editors.sh" | cksum | cut -d ' ' -f 1)
where=${XDG_CACHE_HOME:-$HOME/.cache}/claude-agent-lsp/editors/$version
if [ "${1:-}" = --where ]; then
    echo "$where"
    exit 0
fi
[ -e "$where/ready" ] && exit 0

cannot() {
    echo "make editors: $1" >&2
    exit 1
}

for command in apt-get dpkg-deb flock; do
    command -v "$command" >/dev/null || cannot "this needs Debian: there is no $command"
done
mkdir -p "$where"
log=$where/log
exec 9>"$where/lock"
flock 9
[ -e "$where/ready" ] && exit 0

echo "make editors: Neovim, Emacs and Helix go to $where"
sh "$here/modern-editors.sh" "$where" >"$log" 2>&1 ||
    cannot "the editors could not be unpacked: $(tail -n 1 "$log") (all of it: $log)"
cat "$log"
if command -v npm >/dev/null; then
    npm install --prefix "$where/npm" --no-audit --no-fund "@johnnymorganz/stylua-bin@$STYLUA" \
        >"$log" 2>&1 || cannot "stylua could not be installed: $(tail -n 1 "$log")"
    ln -sf ../npm/node_modules/.bin/stylua "$where/bin/stylua"
fi
touch "$where/ready"
