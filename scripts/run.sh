#!/bin/bash
# run.sh PARLEYD PORT [OPTION...]: a private Redis and one node, until Ctrl-C.
#
# Both run in sessions of their own, so that Ctrl-C reaches only this script: it asks the
# node to stop, waits, and stops Redis after it. Should the script be killed outright, the
# kernel ends both.
set -uo pipefail
parleyd=$1
port=$2
shift 2

answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
start() { setsid setpriv --pdeathsig TERM "$@" & }

if [[ ! $port =~ ^[0-9]{1,5}$ ]] || ((port < 1 || port > 65535)); then
    echo "run: PORT=$port is not a port; one of 1 to 65535 would be, as in: make run PORT=5051" >&2
    exit 2
fi
if answers "$port"; then
    echo "run: port $port is already in use. Stop what listens there, or take another: make run PORT=$((port % 65535 + 1))" >&2
    exit 1
fi

dir=$(mktemp -d "${TMPDIR:-/tmp}/parley-run.XXXXXX")
redis=
node=
stop() {
    trap '' INT TERM HUP
    [ -z "$node" ] || kill -KILL "$node" 2>/dev/null
    [ -z "$redis" ] || kill -TERM "$redis" 2>/dev/null
    wait 2>/dev/null
    rm -rf "$dir"
}
trap stop EXIT
trap 'exit 130' INT TERM HUP

# Starts Redis on a free port; another's Redis on that port has another process id.
start_redis() {
    local try
    for _ in 1 2 3 4 5 6 7 8; do
        redis_port=$((20000 + RANDOM % 12000))
        answers "$redis_port" && continue
        start redis-server --port "$redis_port" --bind 127.0.0.1 --dir "$dir" \
            --save '' --appendonly no --logfile "$dir/redis.log"
        redis=$!
        for ((try = 0; try < 100; try++)); do
            redis-cli -p "$redis_port" info server 2>/dev/null | tr -d '\r' |
                grep -qx "process_id:$redis" && return 0
            kill -0 "$redis" 2>/dev/null || break
            sleep 0.1
        done
        kill -KILL "$redis" 2>/dev/null
    done
    echo "run: redis-server does not start:" >&2
    cat "$dir/redis.log" >&2
    return 1
}

start_redis || exit 1
start "$parleyd" --listen "127.0.0.1:$port" --redis-url "redis://127.0.0.1:$redis_port" "$@"
node=$!

asked=0
on_signal() {
    asked=$((asked + 1))
    if ((asked == 1)); then
        echo
        echo "run: stopping (Ctrl-C again to stop at once)"
        kill -INT "$node" 2>/dev/null # SIGTERM would spread the goodbyes over 90 s
    else
        kill -KILL "$node" 2>/dev/null
    fi
}
trap on_signal INT TERM HUP

while kill -0 "$node" 2>/dev/null && ! answers "$port"; do
    sleep 0.1
done
if kill -0 "$node" 2>/dev/null && ((asked == 0)); then
    cat <<END

Parley listens on port $port; its Redis is private, on port $redis_port, and goes with it.
In a second terminal, type:

    nc 127.0.0.1 $port

and in a third the same. Ctrl-C here ends it.

END
fi

# A signal interrupts wait, so wait again until the node is really gone.
while kill -0 "$node" 2>/dev/null; do
    wait "$node"
    status=$?
done
wait "$node" 2>/dev/null
status=${status:-$?}
node=
((asked > 0)) && exit 0
echo "run: parleyd ended with status $status" >&2
exit "$status"
