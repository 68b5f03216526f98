#!/bin/sh
# cc-flags.sh CC FLAG...: prints those of the flags that the compiler knows and gets right.
cc=$1
shift

knows() {
    # shellcheck disable=SC2086 # CC may be "ccache gcc"
    $cc -Werror "$@" -x c -c /dev/null -o /dev/null 2>/dev/null
}

# gcc 12 clears the padding of some initialised structs at a wrong place under this flag, and
# so a part of their first member.
is_wrong() {
    case $1 in
    -ftrivial-auto-var-init=*) [ "$($cc -dumpversion | cut -d. -f1)" = 12 ] ;;
    *) false ;;
    esac
}

flags=
for flag; do
    is_wrong "$flag" || flags="$flags $flag"
done
# shellcheck disable=SC2086 # a list of words
if knows $flags; then
    # shellcheck disable=SC2086
    echo $flags
    exit
fi
for flag in $flags; do
    if knows "$flag"; then
        printf '%s ' "$flag"
    fi
done
echo
