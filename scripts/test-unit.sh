#!/bin/bash
# test-unit.sh PROGRAM...: runs the unit test programs, a few at once as most of them wait most of
# the time, and prints the summary line of each; of one that fails, everything it said. Exits 1
# when any failed.
set -uo pipefail

run() {
    local name=${1##*/} output status=0 summary
    output=$("$1" 2>&1) || status=$?
    summary=$(grep '^[0-9]*%: Checks: ' <<<"$output")
    if [ "$status" -eq 0 ] && [ -n "$summary" ]; then
        printf '%s: %s\n' "$name" "$summary"
    else
        printf '%s: %s\n%s\n' "$name" "${summary:-no summary}" \
            "$(grep -v '^[0-9]*%: Checks: ' <<<"$output" | sed 's/^/    /'
                echo "    $name ended with status $status")"
        return 1
    fi
}
export -f run

printf '%s\0' "$@" | xargs -0 -P 4 -I{} bash -c 'run {}'
