#!/bin/sh
# lint-lua.sh FILE...: luacheck, with what Redis gives to a function library.
[ $# -gt 0 ] || exit 0
output=$(luacheck --no-color --no-cache --std lua51 \
    --read-globals redis cjson cmsgpack struct bit -- "$@") && exit 0
printf '%s\n' "$output" >&2
exit 1
