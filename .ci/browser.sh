#!/bin/sh
# What the browser tests need and Python packages do not bring: Debian's Chromium, and axe-core from npm by its lock file.
set -eu
cd "$(dirname "$0")/.."

missing=""
for package in $(sed 's/#.*//' apt-packages.txt); do
    # what is there already, by this name as a package or as a command, stays as it is
    dpkg -s "$package" >/dev/null 2>&1 || command -v "$package" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -n "$missing" ]; then
    if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
        apt-get update -q
        # shellcheck disable=SC2086
        DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
    else
        echo "The browser tests need these Debian packages: sudo apt-get install$missing" >&2
    fi
fi
if [ -f tests/browser/package-lock.json ] && command -v npm >/dev/null 2>&1; then
    npm ci --prefix tests/browser --silent --no-audit --no-fund
fi
