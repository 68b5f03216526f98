#!/bin/bash
# test-cloudformation.sh FOLDER [PYTEST-OPTION...]: the tests of the stacks, of deploy.sh and of
# the workflows. They need nothing of AWS. cfn-lint comes from PyPI into FOLDER/venv, once.
set -euo pipefail

cd "$(dirname "$0")/.."
folder=$1
shift
wanted=tests/cloudformation/requirements.txt
python=${PYTHON:-/usr/bin/python3}

if ! cmp -s "$wanted" "$folder/installed"; then
    echo "test-cloudformation: installing $(grep -v '^#' "$wanted" | paste -sd' ') into $folder/venv"
    rm -rf "$folder"
    mkdir -p "$folder"
    if ! "$python" -m venv "$folder/venv" >"$folder/log" 2>&1 ||
        ! "$folder/venv/bin/pip" install --quiet --requirement "$wanted" >>"$folder/log" 2>&1; then
        tail -n 5 "$folder/log" >&2
        echo "test-cloudformation: FAILED: cfn-lint could not be installed from PyPI (all of it: $folder/log)" >&2
        exit 1
    fi
    cp "$wanted" "$folder/installed"
fi
PYTHONDONTWRITEBYTECODE=1 exec "$folder/venv/bin/python" -m pytest tests/cloudformation -q \
    -n "${PYTEST_JOBS:-2}" --confcutdir=tests/cloudformation -o cache_dir="$PWD/$folder/pytest" "$@"
