#!/usr/bin/env bash
# Unpack the source archive, build it with bounds checks and the address sanitizer, run its tests.
# Kernels work on raw pointers, which Cython's own checks do not see: the sanitizer does.
#   tools/debug_test.sh PYTHON FOLDER [pytest arguments]
set -euo pipefail

python=$1
folder=$2
shift 2
rm -rf "$folder"
mkdir -p "$folder"
"$python" -m build --sdist --outdir "$folder/dist" >"$folder/sdist.log" ||
    { cat "$folder/sdist.log"; exit 1; }
tar -xzf "$folder"/dist/*.tar.gz -C "$folder" --strip-components=1
"$python" -m venv "$folder/venv"
cd "$folder"
venv/bin/python -m pip --disable-pip-version-check --quiet install \
    "setuptools>=77" "cython>=3.1" "numpy>=2.0" "ml_dtypes>=0.4" \
    "pytest>=8" "pytest-xdist>=3.5" "hypothesis>=6.100" "scipy>=1.11" "threadpoolctl>=3.5"

# The runtime library of the sanitizer must come first in the process, before Python itself; that of
# C++ with it, for the sanitizer looks there, once, for what throws (SciPy does).
export NAIVEGRAD_DEBUG=1
preload=$("${CC:-cc}" -print-file-name=libasan.so)
if [ -e "$preload" ]; then
    preload="$preload $("${CC:-cc}" -print-file-name=libstdc++.so)"
    export NAIVEGRAD_SANITIZE=address
    # The report goes to a file: pytest holds back what a dying process prints.
    export ASAN_OPTIONS=detect_leaks=0:quarantine_size_mb=8:log_path=$PWD/report
else
    echo "no address sanitizer here: bounds checks only"
    preload=""
fi
venv/bin/python setup.py --quiet build_ext --inplace
result=0
LD_PRELOAD=$preload venv/bin/python -m pytest -n auto -m "not torch and not slow" "$@" || result=$?
head -n 60 report.* 2>/dev/null || true
exit "$result"
