#!/bin/bash
# lint-headers.sh COMPILE HEADER...: each header must compile alone, and twice.
read -ra compile <<<"$1"
shift
status=0
for header; do
    printf '#include "%s"\n#include "%s"\n' "$header" "$header" |
        "${compile[@]}" -I. -fsyntax-only -x c - || {
        echo "$header: does not compile alone, or not twice" >&2
        status=1
    }
done
exit $status
