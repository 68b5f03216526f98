#!/bin/sh
# sanitized.sh DIR COMMAND...: runs the command so that the sanitizers' reports of every
# process it starts are kept in DIR/reports. Fails when the command does or any report is
# there: nobody has to look at the exit status of each node of a test.
set -eu
mkdir -p "$1/reports"
reports=$(cd "$1/reports" && pwd)
shift
rm -f "$reports"/*

log="log_path=$reports/report"
export ASAN_OPTIONS="$log:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
export UBSAN_OPTIONS="$log:print_stacktrace=1:halt_on_error=1"
export CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER:-5}"

status=0
"$@" || status=$?
for report in "$reports"/*; do
    [ -e "$report" ] || continue
    echo "--- sanitizer report: $report" >&2
    head -n 60 "$report" >&2
    status=1
done
exit "$status"
