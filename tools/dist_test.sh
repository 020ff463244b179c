#!/usr/bin/env bash
# Install the wheel, then the source archive, each into an empty environment outside the tree, and
# run the smoke test there with nothing but what was installed.
#   tools/dist_test.sh PYTHON
set -euo pipefail

python=$1
here=$(pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for file in "$here"/dist/*.whl "$here"/dist/*.tar.gz; do
    echo "--- $(basename "$file")"
    rm -rf "$folder/venv"
    "$python" -m venv "$folder/venv"
    "$folder/venv/bin/python" -m pip --disable-pip-version-check --quiet install "$file"
    # -I: neither the current folder nor PYTHONPATH can lend a module.
    (cd "$folder" && "$folder/venv/bin/python" -I -W error "$here/tools/smoke_test.py")
done
