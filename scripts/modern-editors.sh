#!/bin/sh
# modern-editors.sh DIR [SUITE] [PACKAGE...]: unpack a newer Debian's editors beside an older Debian.
#
#   DIR      where everything goes, DIR/bin/{nvim,emacs,hx} last
#   SUITE    the Debian suite to take them from (default forky: trixie's Neovim has no vim.lsp.config)
#   PACKAGE  any of neovim, emacs-nox, hx (default: all three)
#
# Needs apt-get, dpkg-deb and the mirror that this machine uses; no root. Nothing outside DIR changes.
set -eu

dir=$1
suite=${2:-forky}
if [ $# -ge 2 ]; then shift 2; else shift $#; fi
[ $# -gt 0 ] || set -- neovim emacs-nox hx
wanted="$suite $*"
[ "$(cat "$dir/done" 2>/dev/null)" = "$wanted" ] && exit 0

# The machine's own mirror of Debian itself, be its lists fetched or not.
codename=$(sed -n 's/^VERSION_CODENAME=//p' /etc/os-release)
mirror=$(apt-get indextargets --no-release-info --format '$(RELEASE) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
    awk -v codename="$codename" \
        '$2 == "main" && ($1 == codename || $1 ~ /^(old)?stable$|^testing$|^unstable$|^sid$/) { print $3; exit }')
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
if [ -z "$mirror" ] || [ ! -e "$keyring" ]; then
    echo "this machine's apt knows no mirror of Debian, or not its keys" >&2
    exit 1
fi

mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
apt=$dir/apt
root=$dir/root
rm -rf "$apt" "$root" "$dir/bin" "$dir/done"
mkdir -p "$apt/lists/partial" "$apt/archives/partial" "$root" "$dir/bin"

# A private apt: own source, lists and cache, and an empty status, so that "install" is the whole
# closure. It is read after the machine's configuration, whose proxy stays in force.
: >"$apt/status"
echo "deb [signed-by=$keyring] $mirror $suite main" >"$apt/sources.list"
cat >"$apt/apt.conf" <<END
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$apt";
Dir::State::Lists "$apt/lists";
Dir::State::status "$apt/status";
Dir::Cache "$apt";
Dir::Cache::archives "$apt/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "srcpkgcache.bin";
Dir::Log "$apt";
APT::Install-Recommends "false";
APT::Sandbox::User "";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
END
private_apt() { apt-get -qq -c "$apt/apt.conf" "$@"; }

private_apt update
private_apt -y -s install "$@" patchelf | awk '$1 == "Inst" { print $2 }' | sort >"$dir/closure"
# Never loaded here, and half of the download: the compiler behind libgccjit, Emacs Lisp sources,
# documentation tools.
grep -Ev '^(emacs-el|emacsen-common|install-info|binutils.*|gcc-[0-9]+-base|linux-libc-dev|rpcsvc-proto|lib.*-(dev|bin|data)|libc-gconv-modules-extra|lib([alt]|ub|hwa)san[0-9]+|libgprofng0|libctf.*|libbinutils|libsframe[0-9]+|lib(itm|atomic|gomp|quadmath|cc1)-?[0-9]+)$' \
    "$dir/closure" >"$dir/wanted"

unpack() (
    cd "$apt/archives"
    # apt checks the signature and the hashes.
    xargs apt-get -qq -c "$apt/apt.conf" download <"$1"
    for package in *.deb; do
        dpkg-deb -x "$package" "$root"
        rm "$package"
    done
)
unpack "$dir/wanted"
# Emacs's linter of packages, in Emacs Lisp: what it depends on is Emacs itself.
printf '%s\n' elpa-package-lint elpa-compat >"$dir/linters"
unpack "$dir/linters"

libraries=$(echo "$root"/usr/lib/*-linux-gnu*)
loader=$(find "$libraries/" -maxdepth 1 -name 'ld-linux-*.so.*' | head -n 1)

# The executable itself, never a symbolic link, gets this root's loader, and a DT_RPATH so that its
# libraries' libraries follow. What it starts keeps the machine's own.
adopt() {
    executable=$(readlink -f "$1")
    "$loader" --library-path "$libraries" "$root/usr/bin/patchelf" \
        --set-interpreter "$loader" --set-rpath "$libraries" --force-rpath "$executable"
    ! "$loader" --list "$executable" | grep '=>' | grep -v "=> $root/" | grep -qv '=> /.*/ld-linux'
}

for package in "$@"; do
    case $package in
    neovim) name=nvim ;;
    *) name=$package ;;
    esac
    if ! adopt "$root/usr/bin/$name"; then
        comm -23 "$dir/closure" "$dir/wanted" >"$dir/rest"
        unpack "$dir/rest"
        adopt "$root/usr/bin/$name"
    fi
    executable=$(readlink -f "$root/usr/bin/$name")
    if [ "$package" = emacs-nox ]; then
        name=emacs
        version=$(ls "$root/usr/libexec/emacs")
        programs=$(echo "$root/usr/libexec/emacs/$version"/*-linux-gnu*)
        share=$root/usr/share/emacs/$version
        cat >"$dir/bin/emacs" <<END
#!/bin/sh
export EMACSLOADPATH="$share/lisp" EMACSDATA="$share/etc" EMACSDOC="$share/etc" EMACSPATH="$programs"
exec "$executable" --dump-file="$(ls "$programs"/emacs*.pdmp)" "\$@"
END
    else
        printf '#!/bin/sh\nexec "%s" "$@"\n' "$executable" >"$dir/bin/$name"
    fi
    chmod +x "$dir/bin/$name"
    HOME=$dir "$dir/bin/$name" --version | head -n 1
done
rm -rf "$apt"
echo "$wanted" >"$dir/done"
