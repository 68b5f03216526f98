#!/bin/bash
# deps.sh GROUP...: installs the Debian or Ubuntu packages of the groups (build, run, test,
# lint) that are missing. Quiet when nothing is. PARLEY_DEPS=no skips the check.
#
# The redis-server package would start a Redis on 6379 and again at each boot. Parley only
# wants the program: services are held back during the installation, and a redis-server
# that came with it is not enabled.
set -euo pipefail

declare -A packages=(
    [build]="gcc libc6-dev pkgconf|pkg-config libevent-dev libhiredis-dev libssl-dev libsodium-dev"
    [run]="redis-server netcat-openbsd"
    [test]="check python3 python3-pytest python3-pytest-xdist redis-server openssl iproute2 iptables"
    [clients]="irssi weechat-headless weechat-plugins ii python3-irc limnoria znc"
    [bench]="python3 redis-server valgrind"
    [cloudformation]="git golang-go openssl python3 python3-venv redis-server shellcheck"
    [lint]="clang-19 libclang-rt-19-dev clang-format-19 clang-tidy-19 clang-tools-19 cppcheck pmccabe shellcheck lua-check"
)

# The packages of the groups of which no alternative (a|b) is installed, one a line.
missing() {
    local group wanted name have
    have=" $(dpkg-query -W -f '${db:Status-Abbrev}${binary:Package}\n' 2>/dev/null |
        sed -n 's/^ii *\([^:]*\).*/\1/p' | tr '\n' ' ')"
    for group; do
        if [ -z "${packages[$group]:-}" ]; then
            echo "deps.sh: no group is called \"$group\" (there are: ${!packages[*]})" >&2
            return 2
        fi
        for wanted in ${packages[$group]}; do
            for name in ${wanted//|/ }; do
                [[ $have == *" $name "* ]] && continue 2
            done
            echo "${wanted%%|*}"
        done
    done
}

hold_services() {
    if [ ! -e /usr/sbin/policy-rc.d ]; then
        printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
        chmod 755 /usr/sbin/policy-rc.d
        trap 'rm -f /usr/sbin/policy-rc.d' EXIT
        trap 'exit 1' INT TERM HUP
    fi
}

disable_service() {
    if command -v systemctl >/dev/null; then
        systemctl disable "$1" >/dev/null 2>&1 || true
    fi
    if command -v update-rc.d >/dev/null; then
        update-rc.d "$1" disable >/dev/null 2>&1 || true
    fi
}

# As root: installs the packages given.
install_packages() {
    local apt=(apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0)
    export DEBIAN_FRONTEND=noninteractive
    hold_services
    "${apt[@]}" update ||
        echo "deps: the package lists could not all be renewed; going on with those at hand" >&2
    "${apt[@]}" install --no-install-recommends "$@"
    if [[ " $* " == *" redis-server "* ]]; then
        disable_service redis-server
    fi
}

main() {
    if [ "${1:-}" = --install ]; then
        shift
        install_packages "$@" </dev/null
        return
    fi
    [ "${PARLEY_DEPS:-}" != no ] || return 0
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "deps: not a Debian or Ubuntu system; see scripts/deps.sh for what Parley needs" >&2
        return 0
    fi

    local list names
    list=$(missing "$@")
    [ -n "$list" ] || return 0
    mapfile -t names < <(sort -u <<<"$list")
    echo "deps: installing ${names[*]}"
    if [ "$(id -u)" -eq 0 ]; then
        "$0" --install "${names[@]}"
    elif command -v sudo >/dev/null; then
        sudo "$0" --install "${names[@]}"
    else
        echo "deps: that needs root and there is no sudo; as root, type:" >&2
        echo "    apt-get install ${names[*]}" >&2
        return 1
    fi
    echo "deps: done"
}

main "$@"
