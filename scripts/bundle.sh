#!/usr/bin/env bash
# Build one signed archive that installs a release without Internet: scripts/bundle.sh PRIVATE_KEY [FOLDER]
# BUNDLE_PLATFORMS names other machines than 64-bit Raspberry Pis: "x86_64:3.11".
set -euo pipefail
cd "$(dirname "$0")/.."
key=${1-} out=${2-dist}
python_here=${BUNDLE_PYTHON:-.venv/bin/python}
say() { printf 'bundle: %s\n' "$*" >&2; }
if [ -z "$key" ] || [ ! -r "$key" ]; then
    say "no key to sign with; make one once and keep it safe:"
    say "  openssl genpkey -algorithm ed25519 -out bundle.pem && openssl pkey -in bundle.pem -pubout -out bundle.pub"
    say "then: make bundle KEY=bundle.pem"
    exit 1
fi

# Raspberry Pi OS on Debian 12 and 13
platforms=${BUNDLE_PLATFORMS:-aarch64:3.11 aarch64:3.13}
version=$("$python_here" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
version=${BUNDLE_VERSION:-$version}
stage=$(mktemp -d)
trap 'rm -rf "$stage"' EXIT
root=$stage/commune-bundle-$version
mkdir -p "$root/wheels" "$root/schema"

say "building commune $version"
pip=("$python_here" -m pip --disable-pip-version-check --no-input --quiet)
"${pip[@]}" wheel --no-deps --wheel-dir "$root" .
for platform in $platforms; do
    machine=${platform%:*} python=${platform#*:}
    say "gathering wheels for $machine, Python $python"
    tags=()
    for tag in manylinux_2_17 manylinux2014 manylinux_2_28 manylinux_2_31 manylinux_2_34 manylinux_2_35 manylinux_2_36; do
        tags+=(--platform "${tag}_$machine")
    done
    "${pip[@]}" download --require-hashes --only-binary :all: --implementation cp --python-version "$python" \
        "${tags[@]}" --dest "$root/wheels" -r requirements.lock
done
cp requirements.lock deploy/bundle/install.sh "$root/"
cp -r deploy/ansible "$root/ansible"
printf '%s\n' "$version" >"$root/VERSION"
printf '%s\n' "$platforms" >"$root/PLATFORMS"
# A checkout without its history is as old as today.
git log -1 --format=%cI >"$root/DATE" 2>/dev/null || date --iso-8601=seconds >"$root/DATE"

(cd "$root" && find . -type f -printf '%P\n' | sort | xargs -d '\n' sha256sum >"$stage/SHA256SUMS")
mv "$stage/SHA256SUMS" "$root/SHA256SUMS"
openssl pkeyutl -sign -inkey "$key" -rawin -in "$root/SHA256SUMS" -out "$root/SHA256SUMS.sig"
mkdir -p "$out"
tar --sort=name --owner=0 --group=0 --numeric-owner --mtime="$(cat "$root/DATE")" -C "$stage" \
    -cf "$out/commune-bundle-$version.tar" "commune-bundle-$version"
say "$out/commune-bundle-$version.tar: $(du -h "$out/commune-bundle-$version.tar" | cut -f1), for: $platforms"
