#!/bin/sh
# redis-servers.sh NAME DIR: prints the path of a program that is a Redis or Valkey server.
#
#   system   the redis-server that is installed
#   valkey   valkey-server of Debian 13
#   redis8   redis-server of Debian 13
#
# The latter two are unpacked below DIR, with the libraries they need, by apt with lists and
# settings of its own: the machine's packages stay as they are. They run by their own loader,
# so an older C library on the machine does not matter.
set -eu

release=trixie

die() {
    printf 'redis-servers: %s\n' "$*" >&2
    exit 1
}

usage="usage: redis-servers.sh system|valkey|redis8 DIR"
[ $# -eq 2 ] || die "$usage"
case $1 in
    system)
        command -v redis-server || die "redis-server is not installed (make deps)"
        exit
        ;;
    valkey) package=valkey-server program=valkey-server check=valkey-check-rdb ;;
    redis8) package=redis-server program=redis-server check=redis-check-rdb ;;
    *) die "$usage" ;;
esac

command -v apt-get >/dev/null || die "$1 is unpacked from Debian's packages, and there is no apt-get"
mkdir -p "$2"
dir=$(cd "$2" && pwd)
ready=$dir/$1/server

# Where this machine's apt finds Debian.
site() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' 'Origin: Debian' \
        'Label: Debian' | head -n 1
}

# An apt that knows nothing but the release, and believes that nothing is installed.
apt() {
    apt-get -qq -o Dir::State="$dir/apt" -o Dir::State::status="$dir/apt/status" \
        -o Dir::Cache="$dir/apt" -o Dir::Etc::SourceList="$dir/apt/sources.list" \
        -o Dir::Etc::SourceParts="$dir/apt/none" \
        -o Dir::Etc::PreferencesParts="$dir/apt/none" -o APT::Install-Recommends=no -o APT::Sandbox::User=root "$@" </dev/null
}

update() {
    mirror=$(site)
    [ -n "$mirror" ] || die "apt knows no Debian to take $release from"
    mkdir -p "$dir/apt/none" "$dir/apt/lists/partial" "$dir/apt/archives/partial"
    : >"$dir/apt/status"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keyring] $mirror $release main" >"$dir/apt/sources.list"
    apt update
}

# The package and the libraries below it; nothing is configured, no script of it runs.
unpack() {
    apt --download-only --yes install "$package" >"$dir/apt/log" 2>&1 || {
        tail -n 5 "$dir/apt/log" >&2
        die "$package of $release cannot be had"
    }
    for file in "$dir"/apt/archives/*.deb; do
        dpkg-deb -x "$file" "$dir/$1.new"
    done
}

wrap() {
    loader=$(find "$dir/$1.new" -name 'ld-linux-*.so.*' | head -n 1)
    [ -n "$loader" ] || die "no loader came with $package"
    # valkey-server and redis-server are links to the programs that check dumps.
    bin=$dir/$1.new/usr/bin/$program
    [ -e "$bin" ] || bin=$dir/$1.new/usr/bin/$check
    libraries=$(find "$dir/$1.new" -name '*.so*' -exec dirname {} + | sort -u | paste -sd: -)
    {
        echo '#!/bin/sh'
        printf 'exec "%s" --argv0 %s --library-path "%s" "%s" "$@"\n' "$loader" "$program" \
            "$libraries" "$bin" | sed "s|$dir/$1.new|$dir/$1|g"
    } >"$dir/$1.new/server"
    chmod 755 "$dir/$1.new/server"
}

exec 9>"$dir/lock"
flock 9
if [ ! -x "$ready" ]; then
    rm -rf "$dir/$1.new" "$dir/${1:?}" "$dir/apt"
    update
    unpack "$1"
    wrap "$1"
    mv "$dir/$1.new" "$dir/$1"
    rm -rf "$dir/apt"
fi
"$ready" --version >/dev/null || die "$ready does not run"
echo "$ready"
