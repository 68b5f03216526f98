#!/bin/sh
# cc-flags.sh CC FLAG...: prints those of the flags that the compiler knows.
cc=$1
shift

knows() {
    # shellcheck disable=SC2086 # CC may be "ccache gcc"
    $cc -Werror "$@" -x c -c /dev/null -o /dev/null 2>/dev/null
}

if knows "$@"; then
    echo "$@"
    exit
fi
for flag; do
    if knows "$flag"; then
        printf '%s ' "$flag"
    fi
done
echo
