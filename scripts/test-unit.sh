#!/bin/sh
# test-unit.sh PROGRAM...: runs each unit test program and prints its Check summary line;
# of one that fails, everything it said. Exits 1 when any failed.
failed=0
for program; do
    output=$("$program" 2>&1)
    status=$?
    summary=$(printf '%s\n' "$output" | grep '^[0-9]*%: Checks: ')
    printf '%s: %s\n' "${program##*/}" "${summary:-no summary}"
    if [ "$status" -ne 0 ] || [ -z "$summary" ]; then
        failed=1
        printf '%s\n' "$output" | grep -v '^[0-9]*%: Checks: ' | sed 's/^/    /'
        echo "    ${program##*/} ended with status $status"
    fi
done
exit "$failed"
