#!/bin/bash
# lint-layers.sh FILE...: fails on an include that points upward or sideways.
#
# A file's layer is the folder under src/ or include/parley/; what lies directly there is
# `app`. The table says what a layer may include beside itself.
set -euo pipefail

declare -A below=(
    [util]=""
    [core]="util"
    [hub]="core util"
    [net]="core util"
    [backplane]="core util"
    [proto]="hub net backplane core util"
    [admin]="proto hub net backplane core util"
    [app]="admin proto hub net backplane core util"
)
# Which files may include the headers of a library.
libevent='^(src|include/parley)/(core/loop[^/]*|(net|backplane|admin)/.*)$'
hiredis='^src/backplane/'

status=0
finding() {
    echo "$1" >&2
    status=1
}

# The layer of a path under src/ or include/parley/.
layer_of() {
    local path=${1#include/parley/}
    path=${path#src/}
    case $path in
    */*) echo "${path%%/*}" ;;
    *) echo app ;;
    esac
}

# The file that `#include "name"` in $1 means; nothing when it is none of ours.
resolve() {
    local from=$1 name=$2 path
    for path in "${from%/*}/$name" "include/$name" "src/$name"; do
        if [ -e "$path" ]; then
            realpath --relative-to=. "$path"
            return
        fi
    done
}

check_library() {
    local where=$1 file=$2 name=$3
    case $name in
    event2/* | event.h | evhttp.h | evdns.h)
        [[ $file =~ $libevent ]] || finding "$where: libevent ($name) has no place here"
        ;;
    hiredis/* | hiredis.h | async.h | read.h | sds.h)
        [[ $file =~ $hiredis ]] || finding "$where: hiredis ($name) has no place here"
        ;;
    esac
}

check_layer() {
    local where=$1 from=$2 name=$3 to
    to=$(layer_of "$4")
    if [ -z "${below[$to]+known}" ]; then
        finding "$where: \"$name\" is in no layer ($to)"
    elif [ "$to" != "$from" ] && [[ " ${below[$from]} " != *" $to "* ]]; then
        finding "$where: $from may not include $to (\"$name\")"
    fi
}

for file; do
    from=$(layer_of "$file")
    if [ -z "${below[$from]+known}" ]; then
        finding "$file: \"$from\" is no layer (there are: ${!below[*]})"
        continue
    fi
    while IFS=: read -r line name; do
        check_library "$file:$line" "$file" "$name"
        path=$(resolve "$file" "$name")
        [ -z "$path" ] || check_layer "$file:$line" "$from" "$name" "$path"
    done < <(sed -nE '/^[ \t]*#[ \t]*include/ { =; s/^[^"<]*["<]([^">]+)[">].*/\1/p }' "$file" |
        paste -d: - -)
done
exit $status
