#!/bin/sh
# make test-containers: builds the image, brings a cluster up under a name and a port of
# its own, and runs tests/containers against it. Always takes the cluster down again.
#
# PYTEST_ARGS: more options for pytest, e.g. "-k scale".
set -eu

cd "$(dirname "$0")/.."
scripts/containers-deps.sh

run=parley-test-$(date +%s)-$$
export PARLEY_PROJECT="$run"
# Docker leases a free port for 0.
export PARLEY_ADDRESS=127.0.0.1 PARLEY_PORT=0
export PARLEY_IMAGE="parley-test:$run"

compose() {
    if command -v docker-compose >/dev/null 2>&1; then
        docker-compose "$@"
    else
        docker compose "$@"
    fi
}

# The tests take their cluster down themselves; this is for when they could not.
clean_up() {
    if [ -n "$(docker ps -aq --filter "label=com.docker.compose.project=$run")" ]; then
        compose -p "$run" down -v -t 1 >/dev/null 2>&1 </dev/null || true
    fi
    # The name stays on the newest image: it holds the layers that the next run reuses.
    docker tag "$PARLEY_IMAGE" parley-test:latest 2>/dev/null || true
    docker rmi "$PARLEY_IMAGE" >/dev/null 2>&1 || true
}
trap clean_up EXIT
trap 'exit 143' INT TERM HUP

# What earlier builds left without a name; the newer of it is the builder's cache.
for label in parley.stage=build org.opencontainers.image.title=parley; do
    docker image prune --force --filter "label=$label" --filter until=24h \
        >/dev/null </dev/null
done

# shellcheck disable=SC2086 # a list of options
PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest -p no:cacheprovider \
    --confcutdir=tests/containers -v ${PYTEST_ARGS:-} tests/containers </dev/null
