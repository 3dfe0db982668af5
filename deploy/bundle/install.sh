#!/usr/bin/env bash
# Install the release in this folder without any network: install.sh --key PUBLIC_KEY --to FOLDER
# Nothing of the bundle is run before its signature and every checksum have been found right.
set -euo pipefail

say() { printf 'install: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
key="" to="" python=python3
while [ $# -gt 0 ]; do
    case $1 in
        --key) key=$2 ;;
        --to) to=$2 ;;
        --python) python=$2 ;;
        *) die "unknown option $1; write: install.sh --key PUBLIC_KEY --to FOLDER [--python PYTHON]" ;;
    esac
    shift 2
done
[ -n "$key" ] && [ -n "$to" ] || die "write: install.sh --key PUBLIC_KEY --to FOLDER [--python PYTHON]"
[ -r "$key" ] || die "$key cannot be read: copy the public key of whoever made this bundle there"
[ ! -e "$to/.complete" ] || die "$to holds a whole release already; remove it first or name another folder"

cd "$here"
openssl pkeyutl -verify -pubin -inkey "$key" -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig >/dev/null 2>&1 ||
    die "the signature of SHA256SUMS does not fit $key: do not use this bundle, ask for it again"
sha256sum --check --strict --quiet SHA256SUMS >&2 || die "a file is not as it was signed: copy the bundle again"
unsigned=$(find . -type f ! -name SHA256SUMS ! -name SHA256SUMS.sig -printf '%P\n' | sort |
    comm -23 - <(cut -c67- SHA256SUMS | sort))
[ -z "$unsigned" ] || die "these files are not signed: $unsigned"

rm -rf "$to" # what an interrupted installation left
"$python" -m venv --system-site-packages "$to" || die "no virtual environment; install the package python3-venv"
pip=("$to/bin/python" -m pip --isolated --disable-pip-version-check --no-input --quiet install --no-index --find-links wheels)
"${pip[@]}" --require-hashes -r requirements.lock ||
    die "a wheel for this machine ($(uname -m), $("$python" -V)) is missing; the bundle is for: $(cat PLATFORMS)"
"${pip[@]}" --no-deps commune-*.whl
"$to/bin/commune" --version >/dev/null || die "the release does not start: $to/bin/commune --version says why"
mkdir -p "$to/share/commune"
cp -r VERSION PLATFORMS schema "$to/share/commune/"
touch "$to/.complete"
say "$(cat VERSION) is in $to"
