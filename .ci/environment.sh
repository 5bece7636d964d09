#!/bin/sh
# Builds .venv from requirements.lock. Needs Python 3.11 or later; on Debian it installs python3-venv when that is missing.
set -eu
cd "$(dirname "$0")/.."

is_new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

python=""
for name in "${PYTHON:-python3}" python3.11 python3.12 python3.13 python3.14 python; do
    if command -v "$name" >/dev/null 2>&1 && is_new_enough "$name"; then
        python="$name"
        break
    fi
done
if [ -z "$python" ]; then
    echo "No Python of 3.11 or later was found. Install one, or name it: make PYTHON=/path/to/python3.11 briefings" >&2
    exit 2
fi

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -y -q python3-venv
    else
        echo "The venv module is missing. Run: sudo apt-get install python3-venv" >&2
        exit 2
    fi
fi

"$python" -m venv --clear .venv
.venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
