#!/bin/sh
# chaos.sh BUILD SERVERS [PYTEST-OPTION...]: the long form of the chaos suite against each of
# the SERVERS (names that scripts/redis-servers.sh knows). A server that cannot be had is
# reported with the reason; the run fails if any test did, or if no server could be had.
set -u

here=$(cd "$(dirname "$0")/.." && pwd)
build=$1
servers=$2
shift 2

status=0
ran=
left_out=
for server in $servers; do
    if ! program=$("$here/scripts/redis-servers.sh" "$server" "$build/servers" 2>"$build/servers.log"); then
        left_out="$left_out
chaos: not run on $server: $(tail -n 1 "$build/servers.log")"
        continue
    fi
    ran="$ran $server"
    echo "chaos: $server is $("$program" --version)"
    REDIS_SERVER=$program PARLEYD=$build/parleyd PARLEY_CHAOS=all PARLEY_TEST_LONG=1 \
        PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 -m pytest "$here/tests/chaos" -rP \
        -o cache_dir="$build/pytest" "$@" || status=1
done
echo "chaos: run on:${ran:- nothing}$left_out"
[ -n "$ran" ] || status=1
exit $status
