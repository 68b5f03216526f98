#!/bin/bash
# fuzz.sh replay PROGRAM...: runs each on tests/fuzz/corpus/NAME and on mutations of it.
# fuzz.sh search PROGRAM...: libFuzzer, FUZZ_SECONDS (60) for each. What it finds worth
# keeping stays beside the program, in corpus/NAME; an input that ends a target in
# NAME-crash-*: put it into tests/fuzz/corpus/NAME together with the change that mends it.
# Goes on after a failure and exits 1 when anything failed.
set -uo pipefail
committed=$(cd "$(dirname "$0")/../tests/fuzz/corpus" && pwd) || exit
mode=$1
shift

run() {
    local folder=${1%/*}
    if [ "$mode" = replay ]; then
        (cd "$folder" && "./$name" "$committed/$name")
    else
        mkdir -p "$folder/corpus/$name"
        "$1" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 -max_len=65536 -verbosity=0 \
            -print_final_stats=1 -artifact_prefix="$folder/$name-" \
            "$folder/corpus/$name" "$committed/$name"
    fi
}

failed=0
for program; do
    name=${program##*/}
    if output=$(run "$program" 2>&1); then
        grep -E '^[0-9]+%: Checks: |, seed |^stat::(number_of_executed|average)' <<<"$output" |
            sed "s/^\([0-9]*%: \|stat::\)/$name: \1/"
    else
        failed=1
        printf '%s\n' "$output"
        echo "$name: FAILED"
    fi
done
exit "$failed"
