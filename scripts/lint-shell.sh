#!/bin/bash
# lint-shell.sh: shellcheck on every shell script of the project. Excluded: "never called",
# which is wrong for the functions that a trap calls.
mapfile -d '' -t scripts < <(find .ci cloudformation scripts tests -type f -print0 |
    xargs -0 grep -lZE '^#!(/usr)?/bin/(env )?(ba)?sh')
exec shellcheck --external-sources --exclude=SC2317,SC2329 "${scripts[@]}"
