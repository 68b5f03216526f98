#!/bin/sh
# What `make test-containers` and `docker-compose up` need: a container engine that runs,
# docker-compose, and the public images of docker-compose.yml and the Dockerfile.
# Installs Debian's or Ubuntu's packages when missing; a no-op when all is there.
#
# Where no registry answers it makes stand-ins for the public images from Debian's own
# packages, under the same tags, labelled parley.stand-in=true. To be rid of them and of
# all that was built on them:
#     docker rmi -f $(docker images -q --filter label=parley.stand-in)
#
# DOCKERD_FLAGS: more options for a dockerd that this script starts.
set -eu

here=$(cd "$(dirname "$0")/.." && pwd)
dockerd_log=/var/log/dockerd.log
label=parley.stand-in=true
base_image=debian:trixie-slim

say() {
    printf 'deps-containers: %s\n' "$*"
}

die() {
    printf 'deps-containers: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1; then
        sudo "$@"
    else
        die "need root or sudo for: $*"
    fi
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# ---- packages

apt_updated=

apt_install() {
    have apt-get || die "missing: $* (this is not Debian or Ubuntu: install them by hand)"
    say "installing $*"
    if [ -z "$apt_updated" ]; then
        as_root apt-get -qq -o DPkg::Lock::Timeout=600 update </dev/null
        apt_updated=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 \
        -o Dpkg::Use-Pty=0 install --yes --no-install-recommends "$@" </dev/null >/dev/null
}

have_compose() {
    have docker-compose || docker compose version >/dev/null 2>&1
}

has_package() {
    apt-cache show "$1" >/dev/null 2>&1
}

install_packages() {
    missing=
    engine_runs || have dockerd || missing="docker.io iptables"
    if ! have docker; then
        missing="$missing docker.io"
        # From Debian 13 on the client is a package of its own.
        has_package docker-cli && missing="$missing docker-cli"
    fi
    have_compose || missing="$missing docker-compose"
    /usr/bin/python3 -c 'import pytest' 2>/dev/null || missing="$missing python3-pytest"
    /usr/bin/python3 -c 'import yaml' 2>/dev/null || missing="$missing python3-yaml"
    # shellcheck disable=SC2086 # a list of names
    [ -z "$missing" ] || apt_install $missing
}

# ---- the engine

engine_runs() {
    have docker && docker version >/dev/null 2>&1
}

# Starts dockerd and waits until it answers. Two callers at once start one.
start_engine() {
    if [ -d /run/systemd/system ]; then
        say "starting docker.service"
        as_root systemctl start docker
    elif [ -n "$(pidof dockerd || true)" ]; then
        say "dockerd is running; waiting until it answers"
    else
        say "starting dockerd (log: $dockerd_log)"
        # What a killed one left; dockerd takes a zombie's process id for a daemon that runs.
        as_root rm -f /var/run/docker.pid /run/docker/containerd/containerd.pid
        # The daemon must not inherit the lock, or nobody gets it while the daemon lives.
        (
            exec 9>&- </dev/null >/dev/null 2>&1
            # shellcheck disable=SC2016 # expanded by the inner shell
            as_root env DOCKERD_FLAGS="${DOCKERD_FLAGS:-}" setsid sh -c \
                'exec dockerd $DOCKERD_FLAGS >"$1" 2>&1' sh "$dockerd_log"
        ) &
    fi

    tries=0
    until engine_runs; do
        tries=$((tries + 1))
        if [ "$tries" -ge 60 ]; then
            as_root tail -n 20 "$dockerd_log" >&2 || true
            die "no engine answers after 60 s (is $(id -un) in the group docker?)"
        fi
        sleep 1
    done
}

# ---- images

have_image() {
    docker image inspect "$1" >/dev/null 2>&1
}

# pull IMAGE: true when the image is here or came from its registry.
pull() {
    if have_image "$1"; then
        return 0
    fi
    say "pulling $1"
    if answer=$(timeout 300 docker pull --quiet "$1" 2>&1 </dev/null); then
        return 0
    fi
    say "$answer"
    say "no registry gives $1: making a stand-in from Debian's packages"
    return 1
}

# apt_site LABEL: where this machine's apt finds Debian or Debian-Security.
apt_site() {
    # shellcheck disable=SC2016 # apt's own variables
    apt-get indextargets --format '$(LABEL) $(REPO_URI)' 'Identifier: Packages' \
        'Origin: Debian' 2>/dev/null | sed -n "s/^$1 //p" | head -n 1
}

# The apt settings that make this machine reach its package sources. They go into the
# stand-in only: images built on it find their packages by them.
apt_settings() {
    apt-config dump | grep -E '^Acquire::(http|https|Check-|ForceIPv4|Retries)' || true
    if [ -n "${http_proxy:-}" ]; then
        printf 'Acquire::http::Proxy "%s";\n' "$http_proxy"
    fi
}

# A minimal Debian, as the public image is one.
make_base_standin() {
    have debootstrap || apt_install debootstrap
    [ -f /usr/share/keyrings/debian-archive-keyring.gpg ] ||
        apt_install debian-archive-keyring

    work=$(as_root mktemp -d)
    root=$work/root
    mirror=$(apt_site Debian)
    security=$(apt_site Debian-Security)
    # shellcheck disable=SC2086 # no mirror: debootstrap's own default
    if ! as_root debootstrap --variant=minbase trixie "$root" $mirror \
        </dev/null >"/tmp/debootstrap.$$.log" 2>&1; then
        tail -n 20 "/tmp/debootstrap.$$.log" >&2
        as_root rm -rf "$work"
        die "debootstrap failed (log: /tmp/debootstrap.$$.log)"
    fi
    rm -f "/tmp/debootstrap.$$.log"

    apt_settings | as_root tee "$root/etc/apt/apt.conf.d/90machine" >/dev/null
    if [ -n "$security" ]; then
        echo "deb $security trixie-security main" |
            as_root tee "$root/etc/apt/sources.list.d/security.list" >/dev/null
    fi
    # As in the public image: packages start no daemons and leave their pages at home.
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$root/usr/sbin/policy-rc.d" >/dev/null
    as_root chmod 755 "$root/usr/sbin/policy-rc.d"
    printf 'path-exclude /usr/share/%s/*\n' doc info locale man |
        as_root tee "$root/etc/dpkg/dpkg.cfg.d/docker" >/dev/null

    as_root tar -C "$root" --exclude=./var/cache/apt/archives/*.deb \
        --exclude=./var/lib/apt/lists/* --exclude=./usr/share/doc/* \
        --exclude=./usr/share/info/* --exclude=./usr/share/locale/* \
        --exclude=./usr/share/man/* --exclude=./dev/* -c . |
        docker import --change "LABEL $label" --change 'CMD ["bash"]' - "$base_image" \
            >/dev/null
    as_root rm -rf "$work"
}

make_standin() {
    # The classic builder needs no registry and no plugin; some clients warn about it.
    DOCKER_BUILDKIT=0 docker build --tag "$1" "$here/tests/containers/stand-ins/$2" \
        </dev/null >"/tmp/stand-in.$$.log" 2>&1 || {
        tail -n 30 "/tmp/stand-in.$$.log" >&2
        die "the stand-in for $1 does not build (log: /tmp/stand-in.$$.log)"
    }
    rm -f "/tmp/stand-in.$$.log"
}

make_images() {
    pull "$base_image" || make_base_standin
    pull valkey/valkey:8.1 || make_standin valkey/valkey:8.1 valkey
    pull haproxy:3.0 || make_standin haproxy:3.0 haproxy
    # The tests' own: where deploy.sh pushes to.
    pull registry:2 || make_standin registry:2 registry
}

report() {
    say "engine $(docker version --format '{{.Server.Version}}'), $(compose_version)"
    for image in "$base_image" valkey/valkey:8.1 haproxy:3.0 registry:2; do
        if docker image inspect --format '{{json .Config.Labels}}' "$image" |
            grep -q '"parley.stand-in":"true"'; then
            say "$image is a stand-in made from Debian's packages (no registry answered)"
        else
            say "$image is the public image"
        fi
    done
}

compose_version() {
    { docker-compose version --short || docker compose version --short; } 2>/dev/null |
        sed 's/^/docker-compose /'
}

# One at a time: a second caller waits and then finds all done.
exec 9>"${TMPDIR:-/tmp}/parley-deps-containers.lock"
if have flock; then
    flock 9
fi

install_packages
engine_runs || start_engine
make_images
report
