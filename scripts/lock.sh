#!/usr/bin/env bash
# Make the lock files anew and prove that a 64-bit Raspberry Pi installs them without a compiler.
# Extra arguments go to uv (--upgrade, or --upgrade-package NAME).
set -euo pipefail
cd "$(dirname "$0")/.."

# Only the registry counts: no local folder of wheels, no second index, no settings of this machine.
unset UV_FIND_LINKS UV_INDEX UV_EXTRA_INDEX_URL UV_CONSTRAINT UV_OVERRIDE UV_EXCLUDE_NEWER
compile=(uv pip compile --no-config --quiet --universal --python-version 3.11)

make_lock() { # FILE ARGUMENTS...
    local file=$1
    shift
    "${compile[@]}" --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
        --custom-compile-command "make lock" pyproject.toml --output-file "$file" "$@"
    if grep -nE '://|@ |^-|(^|[[:space:]])/' "$file"; then
        echo "lock: $file names an address or a path" >&2
        exit 1
    fi
    echo "lock: $file pins $(grep -c '==' "$file") packages"
}

# The small locks are cut out of the large one, so that a Pi runs what was tested.
make_lock requirements-dev.lock --extra dev "$@"
make_lock requirements-demo.lock --extra demo --constraint requirements-dev.lock
make_lock requirements.lock --constraint requirements-dev.lock
make_peer() { # PACKAGE FILE: what the benchmark measures beside us, in a virtual environment of its own
    "${compile[@]}" --generate-hashes --no-emit-index-url --no-emit-find-links --no-annotate \
        --custom-compile-command "make lock" - --output-file "$2" <<<"$1"
}
make_peer thingsboard-gateway bench/peers/thingsboard.lock
make_lock requirements-deploy.lock --extra deploy --constraint requirements.lock # of whoever runs the playbooks

for python in 3.11 3.13; do # Raspberry Pi OS on Debian 12 and 13
    for file in requirements.lock requirements-demo.lock; do
        uv pip compile --no-config --quiet --only-binary :all: --python-platform aarch64-unknown-linux-gnu \
            --python-version "$python" "$file" --output-file /dev/null
        echo "lock: $file installs from wheels alone on 64-bit Raspberry Pi OS with Python $python"
    done
done
