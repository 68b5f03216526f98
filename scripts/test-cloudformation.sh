#!/bin/bash
# test-cloudformation.sh FOLDER [PYTEST-OPTION...]: the tests of the stacks, of deploy.sh and of
# the workflows. They need nothing of AWS. cfn-lint and hadolint come from PyPI into
# FOLDER/venv, actionlint is made by Go in FOLDER/bin, once.
set -euo pipefail

cd "$(dirname "$0")/.."
folder=$1
shift
wanted=tests/cloudformation/requirements.txt
python=${PYTHON:-/usr/bin/python3}
actionlint=github.com/rhysd/actionlint/cmd/actionlint@v1.7.7 # the last one for Debian 12's Go

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
if [ ! -x "$folder/bin/actionlint" ]; then
    echo "test-cloudformation: installing $actionlint into $folder/bin"
    modules=$(mktemp -d)
    if ! GOBIN=$PWD/$folder/bin GOPATH=$modules GOCACHE=$modules/cache GOFLAGS=-modcacherw \
        go install "$actionlint" >"$folder/log" 2>&1; then
        tail -n 5 "$folder/log" >&2
        echo "test-cloudformation: FAILED: actionlint could not be installed (all of it: $folder/log)" >&2
        exit 1
    fi
    rm -rf "$modules"
fi
export PATH="$PWD/$folder/bin:$PWD/$folder/venv/bin:$PATH"
PYTHONDONTWRITEBYTECODE=1 exec "$folder/venv/bin/python" -m pytest tests/cloudformation -q \
    -n "${PYTEST_JOBS:-2}" --confcutdir=tests/cloudformation -o cache_dir="$PWD/$folder/pytest" "$@"
