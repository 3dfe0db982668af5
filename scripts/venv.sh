#!/usr/bin/env bash
# Make .venv (or bring it up to date) from a lock file: scripts/venv.sh PYTHON LOCK
set -euo pipefail
cd "$(dirname "$0")/.."
python=$1 lock=$2

say() { printf 'setup: %s\n' "$*" >&2; }

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "$python is not Python 3.11 or newer; name another one: make PYTHON=/path/to/python3"
    exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    say "$python cannot make virtual environments; installing python3-venv"
    bash scripts/apt.sh python3-venv
fi
if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    say "making .venv"
    "$python" -m venv --clear .venv
fi
say "installing $lock (the first time takes a minute)"
.venv/bin/python -m pip --disable-pip-version-check --no-input --quiet install --progress-bar off \
    --require-hashes -r "$lock"
