#!/bin/sh
# lint-tidy.sh FILE FLAG...: clang-tidy on one file; prints findings only.
file=$1
shift
output=$(clang-tidy-19 --quiet --warnings-as-errors='*' "$file" -- "$@" 2>&1)
status=$?
if [ "$status" -ne 0 ]; then
    printf '%s\n' "$output" | grep -vE '^[0-9]+ warnings? (generated|treated)|^Suppressed ' >&2
fi
exit "$status"
