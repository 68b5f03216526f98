#!/bin/sh
# lint-tidy.sh FILE FLAG...: clang-tidy and the search for unused includes of our own headers
# on one file; prints findings only.
file=$1
shift
status=0

output=$(clang-tidy-19 --quiet --warnings-as-errors='*' "$file" -- "$@" 2>&1) || {
    printf '%s\n' "$output" | grep -vE '^[0-9]+ (warning|error)s? |^Suppressed ' >&2
    status=1
}

unused=$(clang-include-cleaner-19 --print=changes --insert=false --ignore-headers='/usr/.*' \
    "$file" -- "$@" 2>/dev/null)
if [ -n "$unused" ]; then
    printf '%s\n' "$unused" | sed "s|^|$file: unused include: |" >&2
    status=1
fi
exit "$status"
