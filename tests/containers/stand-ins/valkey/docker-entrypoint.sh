#!/bin/sh
# As the public image: options alone mean valkey-server, which drops root and, unless told
# otherwise, answers everybody who can reach the container.
set -eu

case "${1:-}" in
-* | *.conf) set -- valkey-server "$@" ;;
esac

if [ "$1" = valkey-server ]; then
    case " $* " in
    *" --protected-mode "*) ;;
    *) set -- "$@" --protected-mode no ;;
    esac
    if [ "$(id -u)" = 0 ]; then
        exec setpriv --reuid=valkey --regid=valkey --clear-groups "$@"
    fi
fi
exec "$@"
