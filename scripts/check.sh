#!/bin/sh
# check.sh UV: the unit tests on this machine's oldest and newest Python, side by side.
#
# Each has an environment of its own in .venvs/, made anew when the requirements change. Unit tests
# are those that start no CLI, no server and no editor.
set -eu

uv=$1
tests="tests/agent tests/base tests/docs tests/lsp tests/sessions tests/workspace"

pythons=$(sh scripts/python.sh all)
wanted=$({ echo "$pythons" | head -n 1; echo "$pythons" | tail -n 1; } | sort -u)
mkdir -p .venvs

while read -r version python; do
    dir=.venvs/$version
    sum=$(cat requirements/dev.txt pyproject.toml | cksum)
    if [ "$(cat "$dir/.installed" 2>/dev/null)" != "$sum" ] || ! "$dir/bin/python" -c '' 2>/dev/null; then
        echo "Python $version: making its environment in $dir"
        rm -rf "$dir"
        "$uv" venv -q --python "$python" "$dir"
        VIRTUAL_ENV=$dir "$uv" pip install -q --require-hashes -r requirements/dev.txt
        VIRTUAL_ENV=$dir "$uv" pip install -q --no-deps --no-build-isolation -e .
        echo "$sum" >"$dir/.installed"
    fi
done <<END
$wanted
END

echo "Python $(echo "$wanted" | cut -d ' ' -f 1 | paste -s -d ' ' -): running the unit tests"
started=
while read -r version python; do
    # shellcheck disable=SC2086 # a list of folders
    ".venvs/$version/bin/pytest" -q -p no:cacheprovider -m "not long and not starts" $tests \
        >".venvs/$version.log" 2>&1 </dev/null &
    started="$started $version:$!"
done <<END
$wanted
END
failed=0
for each in $started; do
    if wait "${each#*:}"; then
        echo "Python ${each%:*}: $(tail -n 1 ".venvs/${each%:*}.log")"
    else
        failed=1
        cat ".venvs/${each%:*}.log"
        echo "Python ${each%:*}: failed"
    fi
done
exit $failed
