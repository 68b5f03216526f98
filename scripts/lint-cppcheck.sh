#!/bin/sh
# lint-cppcheck.sh WORKDIR FLAG-OR-FILE...: cppcheck; what it knows of unchanged files is kept
# in WORKDIR.
set -eu
work=$1
shift
mkdir -p "$work"
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
    --suppress=missingIncludeSystem --error-exitcode=1 --cppcheck-build-dir="$work" \
    -j "$(nproc)" -D_GNU_SOURCE "$@"
