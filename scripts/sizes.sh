#!/bin/bash
# sizes.sh [--check] FILE...: the longest functions, the most branching ones and the longest
# files; with --check, only those past a limit, and status 1 when there is one.
#
# Limits: a function 80 lines and a cyclomatic complexity of 12 (pmccabe's modified count,
# in which a switch counts once), a file 600 lines. Files of tables (*table*) have no limit.
set -euo pipefail
max_function=80
max_complexity=12
max_file=600

check=
if [ "${1:-}" = --check ]; then
    check=1
    shift
fi
[ $# -gt 0 ] || exit 0

c_files=()
for file; do
    [[ $file == *.[ch] ]] && c_files+=("$file")
done

# pmccabe: complexity, complexity with each case, statements, first line, lines, file(line): name
functions() {
    [ ${#c_files[@]} -eq 0 ] || pmccabe "${c_files[@]}" | sed 's/([0-9]*): /\t/'
}
file_lines() {
    wc -l "$@" | awk '$2 != "total" { print $1 "\t" $2 }' | sort -rn
}

if [ -z "$check" ]; then
    echo "longest functions (lines; at most $max_function)"
    functions | sort -t$'\t' -k5,5rn |
        awk -F'\t' 'NR <= 10 { printf "  %4d  %s:%d %s\n", $5, $6, $4, $7 }'
    echo "most branching functions (complexity; at most $max_complexity)"
    functions | sort -t$'\t' -k1,1rn |
        awk -F'\t' 'NR <= 10 { printf "  %4d  %s:%d %s\n", $1, $6, $4, $7 }'
    echo "longest files (lines; at most $max_file)"
    file_lines "$@" | awk -F'\t' 'NR <= 10 { printf "  %4d  %s\n", $1, $2 }'
    exit
fi

findings=$(
    functions | awk -F'\t' -v lines=$max_function -v complexity=$max_complexity '
        $5 > lines { printf "%s:%d: %s has %d lines, at most %d\n", $6, $4, $7, $5, lines }
        $1 > complexity {
            printf "%s:%d: %s has complexity %d, at most %d\n", $6, $4, $7, $1, complexity
        }'
    file_lines "$@" | awk -F'\t' -v lines=$max_file '
        $1 > lines && $2 !~ /table[^\/]*$/ { printf "%s: %d lines, at most %d\n", $2, $1, lines }'
)
if [ -n "$findings" ]; then
    echo "$findings" >&2
    exit 1
fi
